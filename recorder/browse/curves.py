"""Event rates of a take at every zoom, for a timeline: of the whole face and its parts, ON and OFF.

Counted in one pass by a thread that publishes as it goes, kept in bins of about a millisecond and joined in steps of eight, so
that any stretch is drawn from at most some thousand numbers. Finer than that the events themselves are counted. Knows no
window.
"""

import hashlib
import json
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import lz4.frame
import numpy as np
from numpy.typing import NDArray

from protocol.analysis import FaceBox
from protocol.errors import GlimpseError
from recorder.browse import kernels
from recorder.browse.cachefolder import cache_folder, keep
from recorder.browse.events import EventBrowser
from recorder.browse.regions import REGIONS, Region, region_map

BASE_US = 1024  # least and most are those of such bins: finer ones hold single events, whose extremes say nothing
MOST_BINS = 1 << 20  # 18 minutes; longer takes have wider bins. 25 MB by region and polarity, and a third of that above it
JOINED = 8  # bins of one level in one of the next: the powers of two between are made when they are asked for
POINTS = 2000  # a timeline on a screen of 4K has two pixels for each
MOST_COUNTED = (
    1_000_000  # events that are counted to draw a stretch: 4 ms from memory, 40 ms from disk; of more, bins are shown
)
MOST_SPAN_US = 24 * 3600 * 1_000_000  # times farther than half of it from the middle of the take are damage
PUBLISH_EVENTS = 1 << 20
CACHE_BYTES = 256 << 20  # a thousand takes of 10 s
FORMAT = 1


@dataclass(frozen=True)
class Stretch:
    """Rates of one stretch. bin_us: width of every bin, a power of two; start_us: int64 [n], where each begins; mean, least,
    most: float32 [regions, 2, n] in events a second, OFF and ON, by region as `regions` names them; least and most of the bins
    of `Curves.base_us` within; NaN where nothing was counted yet.
    """

    bin_us: int
    start_us: NDArray[np.int64]
    regions: tuple[Region, ...]
    mean: NDArray[np.float32]
    least: NDArray[np.float32]
    most: NDArray[np.float32]


@dataclass
class _Level:
    """Bins of one width. sums: of events; least, most: of base bins within; [bins, columns] each."""

    step: int
    sums: NDArray[np.uint32] | NDArray[np.uint16]
    least: NDArray[np.uint16]
    most: NDArray[np.uint16]


class Curves:
    """The rates of one take. A context manager; any thread may ask. Begins to count at once, or takes what was kept.

    regions: what is counted, only the whole where no face is known; start_us, end_us: what the bins cover; base_us: their
    width; problem: why counting ended early, None as long as it did not.
    """

    def __init__(self, browser: EventBrowser, face: FaceBox | None = None, *, cache: Path | None = None) -> None:
        """face: where it is, see recorder/facebox.py; cache: a folder for what was counted, see `curve_cache`; None: none."""
        self._browser = browser
        self._map = region_map(face, browser.resolution)
        self.regions = REGIONS if face is not None else REGIONS[:1]
        self.start_us, self.end_us, self.base_us = _frame(browser)
        bins = -(-(self.end_us - self.start_us) // self.base_us)
        self._counts = np.zeros((bins, len(self.regions), 2), np.uint16)
        self._levels = _levels(self._counts.reshape(bins, 2 * len(self.regions)))
        self._done = 0  # bins that are counted
        self.problem: str | None = None
        self._cache, self._name = cache, _cache_name(browser, face)
        self._closed = threading.Event()
        self._complete = threading.Event()
        self._thread = threading.Thread(target=self._run, name="curves", daemon=True)
        self._thread.start()

    @property
    def complete(self) -> bool:
        """Whether all was counted."""
        return self._complete.is_set()

    @property
    def progress(self) -> float:
        """The share of the take that is counted, 0 ... 1."""
        return 1.0 if self.complete else self._done / max(1, len(self._counts))

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until all is counted (or nothing more can be); whether it is."""
        self._thread.join(timeout_s)
        return self.complete

    def stretch(self, start_us: int, end_us: int, points: int = POINTS) -> Stretch:
        """The rates of [start_us, end_us) in at most `points` bins (at least 2), in widths of powers of two.

        Bins lie on a grid that does not move with the stretch. Raises Aedat4Error where the disk fails.
        """
        end_us = max(end_us, start_us + 1)
        width_us = 1
        while width_us * (max(points, 2) - 1) < end_us - start_us:
            width_us *= 2
        if width_us < self.base_us and self._browser.events_between(start_us, end_us) <= MOST_COUNTED:
            return self._counted(start_us, end_us, width_us)
        return self._joined(start_us, end_us, max(width_us, self.base_us))

    def _grid(self, start_us: int, end_us: int, width_us: int) -> tuple[int, NDArray[np.int64]]:
        """The number of the first bin and where each begins."""
        first, stop = (start_us - self.start_us) // width_us, -(-(end_us - self.start_us) // width_us)
        return first, self.start_us + width_us * np.arange(first, stop, dtype=np.int64)

    def _counted(self, start_us: int, end_us: int, width_us: int) -> Stretch:
        _, starts = self._grid(start_us, end_us, width_us)
        counts = self._browser.rates(int(starts[0]), width_us, len(starts), self._map, len(self.regions))
        rates = _rates(counts.reshape(len(starts), 2 * len(self.regions)), width_us, len(self.regions))
        return Stretch(width_us, starts, self.regions, rates, rates, rates)

    def _joined(self, start_us: int, end_us: int, width_us: int) -> Stretch:
        first, starts = self._grid(start_us, end_us, width_us)
        ratio, done = width_us // self.base_us, self._done
        level = max((level for level in self._levels if level.step <= ratio), key=lambda level: level.step)
        shape = (len(starts), self._counts.shape[1] * 2)
        sums, least, most = np.zeros(shape, np.uint32), np.zeros(shape, np.uint16), np.zeros(shape, np.uint16)
        step = ratio // level.step
        stop = -(-done // level.step)
        kernels.reduce_bins(level.sums, level.least, level.most, stop, first * step, step, sums, least, most)
        count, unknown = len(self.regions), self._unknown(starts, width_us)
        mean = _rates(sums, width_us, count, unknown)
        return Stretch(
            width_us,
            starts,
            self.regions,
            mean,
            _rates(least, self.base_us, count, unknown),
            _rates(most, self.base_us, count, unknown),
        )

    def _unknown(self, starts: NDArray[np.int64], width_us: int) -> NDArray[np.bool_] | None:
        if self.complete:
            return None
        done_us = self.start_us + self._done * self.base_us
        return np.asarray((starts + width_us > done_us) & (starts < self.end_us))

    def _run(self) -> None:
        if not self._take_kept():
            try:
                self._count()
            except (GlimpseError, ValueError) as error:  # ValueError: the file was closed meanwhile
                self.problem = str(error)
                return
            if self._closed.is_set():
                return
            self._keep()
        self._publish(len(self._counts))
        self._complete.set()

    def _count(self) -> None:
        since = 0
        for events in self._browser.sweep():
            if self._closed.is_set():
                return
            kernels.add_rates(events, self.start_us, self.base_us, self._map, self._counts)
            since += len(events)
            if since >= PUBLISH_EVENTS:
                since = 0
                reached = int(events["t"][-1]) - self.start_us
                self._publish(min(max(reached // self.base_us, self._done), len(self._counts)))

    def _publish(self, done: int) -> None:
        """The bins before `done` are counted: join them."""
        for below, level in zip(self._levels[:-1], self._levels[1:], strict=True):
            first, stop = self._done // level.step, -(-done // level.step)
            kernels.reduce_bins(
                below.sums,
                below.least,
                below.most,
                min(-(-done // below.step), len(below.sums)),
                first * JOINED,
                JOINED,
                level.sums[first:stop],
                level.least[first:stop],
                level.most[first:stop],
            )
        self._done = done

    def _take_kept(self) -> bool:
        if self._cache is None:
            return False
        try:
            data = lz4.frame.decompress((self._cache / self._name).read_bytes())
        except (OSError, RuntimeError, EOFError, ValueError):
            return False  # never kept, pruned or damaged: counted again
        if len(data) != self._counts.nbytes:
            return False
        self._counts[:] = np.frombuffer(data, np.uint16).reshape(self._counts.shape)
        return True

    def _keep(self) -> None:
        if self._cache is not None:
            keep(self._cache, self._name, lz4.frame.compress(self._counts.tobytes()), CACHE_BYTES)

    def close(self) -> None:
        """End the thread. Safe to call twice."""
        self._closed.set()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def curve_cache() -> Path | None:
    """Where curves are kept between sessions, None where no file can be written."""
    return cache_folder("curves")


def _frame(browser: EventBrowser) -> tuple[int, int, int]:
    """(start_us, end_us, base_us) of the bins: all of the take but times that lie absurdly far from its middle."""
    if (span := browser.plausible_span_us(MOST_SPAN_US)) is None:
        return 0, 0, BASE_US
    start_us, end_us = span[0], span[1] + 1
    base_us = BASE_US
    while base_us * MOST_BINS < end_us - start_us:
        base_us *= 2
    return start_us, end_us, base_us


def _levels(counts: NDArray[np.uint16]) -> list[_Level]:
    levels = [_Level(1, counts, counts, counts)]
    while len(levels[-1].sums) > POINTS:
        shape = (-(-len(levels[-1].sums) // JOINED), counts.shape[1])
        step = levels[-1].step * JOINED
        levels.append(_Level(step, np.zeros(shape, np.uint32), np.zeros(shape, np.uint16), np.zeros(shape, np.uint16)))
    return levels


def _rates(
    counts: NDArray[np.uint32] | NDArray[np.uint16], width_us: int, regions: int, unknown: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Counts [n, regions * 2] as events a second [regions, 2, n]."""
    rates = np.ascontiguousarray(counts.T, np.float32).reshape(regions, 2, len(counts)) * np.float32(1e6 / width_us)
    if unknown is not None:
        rates[:, :, unknown] = np.nan
    return rates


def _cache_name(browser: EventBrowser, face: FaceBox | None) -> str:
    """The same for the same events and face, whatever the file is called."""
    box = [face.x, face.y, face.width, face.height, face.left_eye, face.right_eye] if face else None
    key = json.dumps([FORMAT, BASE_US, MOST_BINS, browser.stamp, browser.count, browser.span_us, browser.resolution, box])
    return hashlib.sha256(key.encode()).hexdigest()[:40] + ".curves"


def warm_up() -> None:
    """Compile or load the inner loops: seconds the first time, so in a thread of its own, before the first take."""
    small, large = np.zeros((1, 2), np.uint16), np.zeros((1, 2), np.uint32)
    for sums in (small, large):
        kernels.reduce_bins(sums, small, small, 1, 0, 1, large.copy(), small.copy(), small.copy())
