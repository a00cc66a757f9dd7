"""One video or folder of pictures becomes one take: the whole way from the file to the committed names. Knows no window.

The first look at a video finds the face, the second gives the pictures to the event pixel and the writers.
"""

import shutil
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from protocol.manifest import Device
from protocol.streams import Frame, Stream
from recorder.sim.pixel import Cause, EventPixels
from recorder.sources.feed import in_pieces
from recorder.sources.pictures import RawImage, opencv
from recorder.video2events.errors import ConvertError
from recorder.video2events.faces import FaceFinder
from recorder.video2events.grey import colour, grey
from recorder.video2events.reading import FaceVideo
from recorder.video2events.recipe import LONGEST_STEP_US, Recipe, pixel_params, settings
from recorder.video2events.standard import Standard, standardise, whole_picture
from recorder.video2events.table import Job
from recorder.video2events.takeout import About, TakeOut

KIND = "convert"


@dataclass(frozen=True)
class Tools:
    """What a conversion is handed.

    now: ISO 8601 wall clock; finder: needed unless `Recipe.face` is None; finder_notice: a sentence on what it lacks;
    watch: called with the share of this video's work that was done since the last call; prepare: called before the first
    file is written, when it is certain that the video can be converted.
    """

    now: Callable[[], str]
    finder: FaceFinder | None = None
    finder_notice: str | None = None
    watch: Callable[[float], None] = lambda share: None
    prepare: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Converted:
    """A take that was made. counts: records by stream; notices: what was out of the ordinary, for the user and the manifest."""

    source: Path
    path: Path
    movement: str
    subject: int
    counts: Mapping[str, int]
    duration_us: int
    notices: tuple[str, ...]


def convert(job: Job, data: Path, recipe: Recipe, tools: Tools) -> Converted:
    """Make the take of one video in the data set `data`.

    Raises ConvertError or FaceError for a video that cannot be converted, and what the writers raise; nothing is left then.
    """
    with FaceVideo(job.path, recipe.fps, job.start_s, job.stop_s) as video:
        standard = _standard(video, recipe, tools)
        tools.prepare()
        with TakeOut(data, job.movement, job.subject, standard.size, colour=recipe.colour) as take:
            exposure = _Exposure(video, standard, take, recipe)
            try:
                exposure.run(lambda pictures: tools.watch(pictures / _looks(video, recipe)))
                notices = _notices(video, tools)
                path = take.commit(_about(job, recipe, tools, exposure, notices))
            except BaseException:
                exposure.remove_frames()
                raise
        counts = {stream.value: take.count(stream) for stream in (Stream.EVENTS, Stream.FRAMES, Stream.RGB)}
        return Converted(job.path, path, job.movement, job.subject, counts, int(np.ptp(video.times_us)), notices)


def _looks(video: FaceVideo, recipe: Recipe) -> int:
    """How many pictures are worked on in all."""
    return len(video) * (1 if recipe.face is None else 2)


def _standard(video: FaceVideo, recipe: Recipe, tools: Tools) -> Standard:
    if recipe.face is None:
        return whole_picture(video)
    if tools.finder is None:
        raise ValueError("a face is to be found, but no finder was given")
    return standardise(video, tools.finder, recipe.face, lambda pictures: tools.watch(pictures / _looks(video, recipe)))


def _notices(video: FaceVideo, tools: Tools) -> tuple[str, ...]:
    damaged = f"{video.damaged} pictures of {video.path.name} could not be decoded and were left out."
    finder = (tools.finder_notice,) if tools.finder_notice else ()
    return (*video.notes, *((damaged,) if video.damaged else ()), *finder)


class _Exposure:
    """Shows every picture to the event pixel and writes what comes of it."""

    def __init__(self, video: FaceVideo, standard: Standard, take: TakeOut, recipe: Recipe) -> None:
        # One seed of the command, one sensor a take, as v2e draws its mismatch anew for each video.
        self.seed = zlib.crc32(f"{recipe.seed} {take.name}".encode())
        self.standard = standard
        self.causes = np.zeros(len(Cause), np.int64)
        self._video = video
        self._take = take
        self._pixels = EventPixels(standard.size, pixel_params(recipe.pixel), self.seed)
        self._last_us: int | None = None
        self._keeps_colour = recipe.colour
        self._frames = recipe.frames_folder / take.name if recipe.frames_folder else None
        self._made_frames = False

    def run(self, watch: Callable[[int], None]) -> None:
        """Everything; watch: called with 1 after each picture. Raises ConvertError when no event comes of it."""
        self._make_frames_folder()
        for index, t_us in enumerate(self._video.times_us):
            image = self._video.picture(index)
            if image is not None:
                self._show(index, image, int(t_us))
            watch(1)
        if not self._take.count(Stream.EVENTS):
            raise ConvertError(
                f"{self._video.path}: nothing moves in its {len(self._video)} pictures, so there are no events; choose another."
            )

    def _show(self, index: int, image: RawImage, t_us: int) -> None:
        picture = self.standard.apply(index, grey(image, str(self._video.path)))
        self._expose(picture, t_us)
        self._take.put(Frame(Stream.FRAMES, picture, t_us, None, 0))
        if self._keeps_colour:
            self._take.put(Frame(Stream.RGB, colour(image), t_us, None, 0))
        if self._frames is not None:
            _write_png(self._frames / f"{index:05d}.png", picture)

    def _expose(self, picture: NDArray[np.uint8], t_us: int) -> None:
        before_us, self._last_us = self._last_us, t_us
        if before_us is None or t_us - before_us > LONGEST_STEP_US:
            self._pixels.start(picture, t_us)
            return
        events, causes = self._pixels.step(picture, t_us)
        self.causes += np.bincount(causes, minlength=len(Cause))
        for packet in in_pieces(Stream.EVENTS, events, 0):
            self._take.put(packet)

    def _make_frames_folder(self) -> None:
        if self._frames is None:
            return
        try:
            self._frames.mkdir(parents=True)
        except FileExistsError as error:
            raise ConvertError(f"{self._frames}: exists already and is not overwritten; name another --frames-out.") from error
        except OSError as error:
            raise ConvertError(f"{self._frames}: cannot be made ({error.strerror}); name another --frames-out.") from error
        self._made_frames = True

    def remove_frames(self) -> None:
        """Take the standardised pictures away again, if this made them."""
        if self._made_frames and self._frames is not None:
            shutil.rmtree(self._frames)


def _write_png(path: Path, picture: NDArray[np.uint8]) -> None:
    # Not imwrite: it tells no reason, and on Windows it writes no names beyond ASCII.
    _, data = opencv().imencode(".png", picture)
    path.write_bytes(data.tobytes())


def _about(job: Job, recipe: Recipe, tools: Tools, exposure: _Exposure, notices: tuple[str, ...]) -> About:
    causes = {cause.name.lower(): int(count) for cause, count in zip(Cause, exposure.causes, strict=True)}
    told = settings(recipe, exposure.standard.said, exposure.seed)
    told |= {"source": job.path.name, "start_s": job.start_s, "stop_s": job.stop_s, "events_by_cause": causes}
    device = Device(
        kind=KIND, name=job.path.name, spec=f"{KIND}:{job.path.name}", simulated=True, settings=told, warnings=notices
    )
    return About(device, tools.now(), f"{job.path.name} was converted to its end.", notices)
