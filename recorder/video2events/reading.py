"""A video or a folder of pictures as numbered pictures with times, upright and cut to the wanted stretch. Knows no face."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from numpy.typing import NDArray

from recorder.sources.pictures import PictureSequence, RawImage, open_pictures
from recorder.video2events.errors import ConvertError
from recorder.video2events.grey import grey
from recorder.videoreader import VideoError

LEAST_INTERVAL_US = 20  # 50,000 pictures a second; a container that claims more has no times
UNEVEN = 0.1  # of the median interval: more is a variable frame rate, not rounding


class FaceVideo:
    """Pictures start_s .. stop_s of a video (in its own seconds, half open) or of a folder.

    times_us: int64 [n], the times that the container gives, strictly rising, never below 0; notes: sentences on what was
    out of the ordinary; damaged: pictures that could not be decoded so far.
    """

    def __init__(self, path: Path, fps: float, start_s: float | None = None, stop_s: float | None = None) -> None:
        """fps: for pictures without times of their own. Raises ConvertError: absent, broken, empty, nothing in that stretch."""
        self.path = path
        self.notes: tuple[str, ...] = ()
        self._bad: set[int] = set()
        self._size: tuple[int, int] | None = None
        self._pictures, timed = _opened(path, fps)
        self._turns = _quarter_turns(path) if timed else 0
        times = self._checked_times(self._pictures.times_us, timed, fps)
        self._numbers = _stretch(path, times, start_s, stop_s)
        self.times_us = times[self._numbers]
        self._note_rate()

    def _checked_times(self, times: NDArray[np.int64], timed: bool, fps: float) -> NDArray[np.int64]:
        if timed and not _plausible(times):
            timed, times = False, np.round(np.arange(len(times)) * (1e6 / fps)).astype(np.int64)
        if not timed:
            self.notes += (f"{self.path.name} has no times of its own and is taken as {fps:g} pictures a second.",)
        return times - min(int(times[0]), 0)

    def _note_rate(self) -> None:
        steps = np.diff(self.times_us)
        if len(steps) > 1 and np.ptp(steps) > UNEVEN * np.median(steps):
            least, most = steps.min() / 1000, steps.max() / 1000
            self.notes += (
                f"{self.path.name} has a variable frame rate ({least:.1f} to {most:.1f} ms); its own times are kept.",
            )

    def __len__(self) -> int:
        return len(self.times_us)

    @property
    def damaged(self) -> int:
        """How many pictures could not be decoded."""
        return len(self._bad)

    def picture(self, index: int) -> RawImage | None:
        """Picture `index` of the stretch, upright, as it is stored; None for a damaged one.

        Raises ConvertError when it has another size than those before.
        """
        try:
            image = self._pictures.frame(int(self._numbers[index]))
        except VideoError:
            self._bad.add(index)
            return None
        self._check_size((image.shape[1], image.shape[0]))
        return np.ascontiguousarray(np.rot90(image, self._turns)) if self._turns else image

    def _check_size(self, size: tuple[int, int]) -> None:
        self._size = self._size or size
        if size != self._size:
            sizes = f"{self._size[0]}x{self._size[1]} and {size[0]}x{size[1]}"
            raise ConvertError(f"{self.path}: its pictures have different sizes ({sizes}); bring them to one size first.")

    def grey_pictures(self) -> Iterator[NDArray[np.uint8] | None]:
        """Every picture [H, W], None for a damaged one; raises as `picture` does."""
        for index in range(len(self)):
            image = self.picture(index)
            yield None if image is None else grey(image, str(self.path))

    def close(self) -> None:
        """Release the file."""
        self._pictures.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _opened(path: Path, fps: float) -> tuple[PictureSequence, bool]:
    if not path.exists():
        raise ConvertError(f"{path}: there is no such video or folder; check the path.")
    try:
        pictures, timed = open_pictures(path, fps)
    except VideoError as error:
        raise ConvertError(str(error)) from error
    except OSError as error:
        raise ConvertError(f"{path}: cannot be read ({error.strerror}); check its permissions.") from error
    if not len(pictures.times_us):
        pictures.close()
        raise ConvertError(f"{path}: holds no picture; choose another file.")
    return pictures, timed


def _plausible(times: NDArray[np.int64]) -> bool:
    steps = np.diff(times)
    return bool((steps > 0).all() and (not len(steps) or np.median(steps) >= LEAST_INTERVAL_US))


def _quarter_turns(path: Path) -> int:
    """By how many quarter turns counterclockwise a player turns the video, as telephones ask for; 0 where it cannot be told."""
    try:
        with av.open(str(path)) as container:
            return round(next(container.decode(video=0)).rotation / 90) % 4
    except (av.FFmpegError, StopIteration):
        return 0  # its first picture is damaged: what the others say is not looked for


def _stretch(path: Path, times: NDArray[np.int64], start_s: float | None, stop_s: float | None) -> NDArray[np.int64]:
    """The numbers of the pictures within [start_s, stop_s)."""
    start_us = -np.inf if start_s is None else start_s * 1e6
    stop_us = np.inf if stop_s is None else stop_s * 1e6
    inside = np.flatnonzero((times >= start_us) & (times < stop_us))
    if len(inside) < 2:
        last_s = times[-1] / 1e6
        raise ConvertError(
            f"{path}: has {len(inside)} pictures in the wanted stretch and {len(times)} in all (up to {last_s:.3f} s), where "
            "events need two; choose another --start and --stop or another file."
        )
    return inside
