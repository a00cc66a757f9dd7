"""A video's pictures in groups that begin with a key frame, decoded in a thread around the one that is looked at.

Stepping backwards costs what stepping forwards costs: a group is decoded once and kept, the neighbours are decoded ahead.
Knows no time and no alignment: pictures have numbers.
"""

import threading
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from recorder.videoreader import Image, VideoError

SMALL_WIDTH = 256  # of the copies that are kept of every picture: enough to follow a movement while the cursor is dragged
# MP4 and Matroska tell in their headers what FFmpeg otherwise decodes the first pictures for: a quarter of the time to open.
AT_ONCE = {"probesize": "32768", "analyzeduration": "0"}
SMALL_BYTES = 96 << 20  # 19 s of them at 640 x 480 and 30 a second


class VideoGroups:
    """An opened video by groups; one thread uses it. count: pictures; first: number of each group's first picture."""

    def __init__(self, path: Path) -> None:
        """Reads through the file without decoding. Raises VideoError where there is no picture."""
        self.path = path
        self._container = self._opened()
        try:
            self._read_index()
        except BaseException:
            self.close()
            raise

    def _opened(self) -> InputContainer:
        try:
            container = av.open(str(self.path), "r", options=AT_ONCE)
        except (av.FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise VideoError(f"{self.path}: cannot be read as a video ({reason}); restore it from a backup.") from error
        if not container.streams.video:
            container.close()
            raise VideoError(f"{self.path}: has no video stream; choose another file.")
        container.streams.video[0].thread_type = "AUTO"
        return container

    def _read_index(self) -> None:
        packets = [(packet.pts, packet.is_keyframe) for packet in self._packets() if packet.size]
        times = sorted({pts for pts, _ in packets if pts is not None})
        if not times or len(times) != len(packets):
            raise VideoError(f"{self.path}: its pictures have no times of their own; convert it to MP4 or Matroska.")
        self._pts = times
        self._number = {pts: number for number, pts in enumerate(times)}
        self.first = sorted({0, *(self._number[pts] for pts, key in packets if key)})
        self.count = len(times)

    def group_of(self, number: int) -> int:
        """The group that holds picture `number`."""
        return bisect_right(self.first, number) - 1

    def pictures(self, group: int) -> range:
        """The numbers of a group's pictures."""
        return range(self.first[group], self.first[group + 1] if group + 1 < len(self.first) else self.count)

    def decode(self, group: int) -> Iterator[tuple[int, VideoFrame]]:
        """(number, picture) of every picture of the group that can be decoded, in order."""
        wanted = self.pictures(group)
        self._rewind(self._pts[wanted.start])
        for packet in self._packets():
            for frame in _decoded(packet):
                number = self._number.get(frame.pts if frame.pts is not None else -1, -1)
                if number >= wanted.stop:
                    return
                if number in wanted:
                    yield number, frame

    def _packets(self) -> Iterator[Any]:
        try:
            for packet in self._container.demux(self._container.streams.video[0]):
                if not packet.is_corrupt and not packet.is_discard:
                    yield packet
        except av.FFmpegError:
            return  # a damaged end: what came before it stands

    def _rewind(self, pts: int) -> None:
        try:
            self._container.seek(pts, stream=self._container.streams.video[0])
        except av.FFmpegError:  # the container has no index to seek by: from the beginning, then
            self._container.close()
            self._container = self._opened()

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        self._container.close()


def _decoded(packet: Any) -> list[VideoFrame]:
    try:
        return [frame for frame in packet.decode() if isinstance(frame, VideoFrame)]
    except av.FFmpegError:
        return []  # a damaged packet; its picture is missing from the group


class GroupCache:
    """The pictures around one that is looked at. Any thread may ask; a thread of its own decodes.

    problem: why nothing can be read, None as long as it can.
    """

    def __init__(self, path: Path, budget_bytes: int) -> None:
        self.path = path
        self.problem: str | None = None
        self._budget_bytes = budget_bytes
        self._changed = threading.Condition()
        self._groups: VideoGroups | None = None
        self._full: dict[int, dict[int, VideoFrame]] = {}  # by group and number
        self._bytes: dict[int, int] = {}
        self._settled: set[int] = set()  # groups in `_full` that were decoded to their end
        self._missing: set[int] = set()  # pictures that cannot be decoded
        self._small: dict[int, NDArray[np.uint8]] = {}
        self._shrunk: set[int] = set()  # groups whose small copies are all there
        self._target, self._way, self._turn = 0, 1, 0
        self._closed = self._over = False
        self._colours, self._colours_lock = VideoReformatter(), threading.Lock()
        self._shrinker = VideoReformatter()
        self._thread = threading.Thread(target=self._run, name="pictures-ahead", daemon=True)
        self._thread.start()

    @property
    def held_bytes(self) -> int:
        """Memory that decoded pictures take now."""
        with self._changed:
            return sum(self._bytes.values()) + sum(image.nbytes for image in self._small.values())

    def look(self, number: int, way: int) -> None:
        """Picture `number` is looked at, and the way goes on forwards (1) or backwards (-1)."""
        with self._changed:
            if (number, way) != (self._target, self._way) or not self._turn:
                self._target, self._way, self._turn = number, way, self._turn + 1
                self._changed.notify_all()

    def wait(self, number: int) -> Image | None:
        """Picture `number`, which must be the one that is looked at; None where it cannot be decoded or all was closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._target != number or self._is_known(number))
            frame = self._frame(number)
        return None if frame is None else self._image(frame)

    def peek(self, number: int) -> tuple[Image, bool] | None:
        """(picture, whether in full size) as far as it is in memory, None where it is not."""
        with self._changed:
            frame, small = self._frame(number), self._small.get(number)
        if frame is not None:
            return self._image(frame), True
        return None if small is None else (small, False)

    def _frame(self, number: int) -> VideoFrame | None:
        groups = self._groups
        return None if groups is None else self._full.get(groups.group_of(number), {}).get(number)

    def _is_known(self, number: int) -> bool:
        """Whether it is there, or known to be nowhere."""
        if self._over:
            return True
        if self._groups is None:
            return False
        if not 0 <= number < self._groups.count:
            return True
        return number in self._missing or self._frame(number) is not None

    def _image(self, frame: VideoFrame) -> Image:
        if is_deep(frame):
            return frame.to_ndarray()  # type: ignore[return-value]
        with self._colours_lock:
            return self._colours.reformat(frame, format="bgr24").to_ndarray()  # type: ignore[return-value]

    def _run(self) -> None:
        groups = None
        try:
            groups = VideoGroups(self.path)
            with self._changed:
                self._groups = groups
                self._changed.notify_all()
            while (job := self._next_job()) is not None:
                self._decode(*job)
        except VideoError as error:
            self.problem = str(error)
        except (av.FFmpegError, MemoryError) as error:
            self.problem = f"{self.path}: cannot be read on ({error}); open the take again."
        finally:  # whatever happened, nobody must wait for pictures any more
            with self._changed:
                self._over = True
                self._changed.notify_all()
            if groups is not None:
                groups.close()

    def _next_job(self) -> tuple[int, int, bool] | None:
        """(group, turn, whether in full size) that is wanted most; waits for one, None when all was closed."""
        with self._changed:
            while not self._closed:
                wish = next((wish for wish in self._wishes() if not self._is_granted(*wish)), None)
                if wish is not None:
                    return wish[0], self._turn, wish[1]
                self._changed.wait()
            return None

    def _wishes(self) -> Iterator[tuple[int, bool]]:
        assert self._groups is not None
        last = len(self._groups.first) - 1
        if not self._turn:
            return
        here = self._groups.group_of(min(max(self._target, 0), self._groups.count - 1))
        yield here, True
        for group in (here + self._way, here - self._way):
            if 0 <= group <= last and self._has_room(group, here):
                yield group, True
        if self._keeps_small:
            yield from ((group, False) for group in sorted(range(last + 1), key=lambda group: abs(group - here)))

    def _is_granted(self, group: int, full: bool) -> bool:
        if not full:
            return group in self._shrunk
        assert self._groups is not None
        # Of a group that is larger than the budget only what lies around the picture is kept.
        looked_at = group == self._groups.group_of(min(max(self._target, 0), self._groups.count - 1))
        return group in self._settled and (not looked_at or self._is_known(self._target))

    def _has_room(self, group: int, here: int) -> bool:
        """Whether the group fits beside the one that is looked at and its other neighbour."""
        if not self._bytes.get(here):
            return False
        assert self._groups is not None
        each = self._bytes[here] / max(1, len(self._full[here]))
        near = {here - 1, here, here + 1} & {*self._full, group, here}
        return sum(len(self._groups.pictures(one)) for one in near) * each <= self._budget_bytes

    @property
    def _keeps_small(self) -> bool:
        """Whether copies of all pictures fit and save anything."""
        frame = next((frame for group in self._full.values() for frame in group.values()), None)
        if frame is None or is_deep(frame) or self._groups is None:
            return False
        height = SMALL_WIDTH * frame.height // frame.width
        return frame.width > SMALL_WIDTH and 3 * SMALL_WIDTH * height * self._groups.count <= SMALL_BYTES

    def _decode(self, group: int, turn: int, full: bool) -> None:
        assert self._groups is not None
        wanted, seen = self._groups.pictures(group), set()
        held = self._full.get(group, {})
        there = not full and len(held) == len(wanted)
        for number, frame in held.items() if there else self._groups.decode(group):
            seen.add(number)
            if full:
                self._keep(group, number, frame)
            else:
                self._keep_small(number, frame)
            if self._given_up(group, turn):
                return
        with self._changed:
            self._missing.update(set(wanted) - seen)
            (self._settled if full else self._shrunk).add(group)
            self._changed.notify_all()

    def _given_up(self, group: int, turn: int) -> bool:
        """Whether something else is looked at meanwhile that has to come first."""
        with self._changed:
            if self._closed:
                return True
            if turn == self._turn or self._groups is None:
                return False
            return not self._is_known(self._target) and self._groups.group_of(self._target) != group

    def _keep(self, group: int, number: int, frame: VideoFrame) -> None:
        with self._changed:
            kept = self._full.setdefault(group, {})
            if number not in kept:
                self._bytes[group] = self._bytes.get(group, 0) + _size(frame)
            kept[number] = frame
            self._shrink(group)
            self._changed.notify_all()

    def _shrink(self, group: int) -> None:
        """Let go what is farthest from the picture that is looked at: other groups, then pictures of the one being decoded."""
        assert self._groups is not None
        here = self._groups.group_of(self._target)
        while sum(self._bytes.values()) > self._budget_bytes:
            others = [one for one in self._full if one not in (group, here)]
            if others:
                gone = max(others, key=lambda one: abs(one - here))
                del self._full[gone], self._bytes[gone]
                self._settled.discard(gone)
            elif len(self._full[group]) > 1:
                number = max(self._full[group], key=lambda one: abs(one - self._target))
                self._bytes[group] -= _size(self._full[group].pop(number))
            else:
                return

    def _keep_small(self, number: int, frame: VideoFrame) -> None:
        if number in self._small:
            return
        height = SMALL_WIDTH * frame.height // frame.width
        small = self._shrinker.reformat(frame, width=SMALL_WIDTH, height=height, format="bgr24").to_ndarray()
        with self._changed:
            self._small[number] = small  # type: ignore[assignment]

    def close(self) -> None:
        """End the thread and close the file. Safe to call twice."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        self._full.clear()
        self._bytes.clear()
        self._small.clear()


def is_deep(frame: VideoFrame) -> bool:
    """Whether it is grey of more than 8 bits, as thermal counts are."""
    return frame.format.name.startswith("gray") and frame.format.components[0].bits > 8


def _size(frame: VideoFrame) -> int:
    return sum(plane.buffer_size for plane in frame.planes)
