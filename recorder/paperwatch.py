"""Sees in the event stream when a sheet of paper has come before the camera and when it has gone: live, batch by batch, or
over a whole take. Knows events only: no script, no manifest, no other camera. paperfront.py is what it recognises paper by.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from protocol.streams import EVENT_DTYPE, Array
from recorder.paperfront import ALIKE, SAMPLE, Fit, Front, Grid, fit_front

BIN_US = 1000
TICK_BINS = 5  # how often is looked: the eye of the watch
TICK_US = TICK_BINS * BIN_US
RING_BINS = 1000  # how far back: a slow hand's sheet crosses the view in half a second
RING_TICKS = RING_BINS // TICK_BINS
TILES_ACROSS = 44  # 8 pixels each of a DAVIS346: an edge passes one in 1 to 10 ms
STIRRED = 0.15  # events per pixel in a tick: many times the noise, less than an edge of 1.3 : 1 at 1 pixel per ms
GATE = 0.15  # share of tiles that must have been stirred of late, as in `paperfront.LEAST_TILES`
LIGHT = 0.25  # share of tiles that must be stirred for the light to be asked for
# A lamp that flickers stirs everything for good. Then only what remains of changes over some of its periods counts, and more:
# a full bus loses more of one polarity than of the other.
FLICKER_TICKS, FLICKERS = 40, 20  # of so many ticks, so many must have had as many tiles stirred
PERIODS_TICKS = 10  # 50 ms: five periods at 100 Hz, six at 120 Hz
LEFT_STIRRED = 2.0  # events per pixel
CALM = 0.005  # share of tiles stirred at once below which nothing passes: an edge in no hurry stirs the tiles of one row
NOISE_SIGMA, NOISE_TICKS = 4.0, 40  # noise stirs nothing: this above what the quietest tick of so many had
RECENT_TICKS = 12  # a try is worth its cost while the edge passes or has just passed
TRY_TICKS = 3  # between two tries
SETTLED_US = 10_000  # after the edge has left, so that its last tiles have had their say
AFTER_US = 30_000  # what still decays of a sheet that was seen is not to be seen again
LEAST_SPAN_US, MOST_SPAN_US = 8_000, 900_000  # a sheet torn away, 120 mm in 8 ms; RING_BINS
LEAST_FOLLOW = 0.16  # share of all tiles that follow the front: a small face at 40 cm covers 0.2
LEAST_INLIERS = 0.5  # of those that saw a step: a hand moves beside the edge
LEAST_ALONG, LEAST_ACROSS, LEAST_AREA = (
    0.33,
    0.33,
    0.28,
)  # of the view, and both times each other; a face alone, before a wall as
# bright as paper, is 0.4 by 0.7 at 40 cm
MOST_SIGMA_US, MOST_SIGMA_SHARE = 1000.0, 0.025  # how ragged a front may be: by itself, and of its span
FLOOR_US = 700.0  # what the model of a front does not know: lag, blur, how it began
POLARITY_WEIGHT, TURN_WEIGHT = 4.0, 2.0  # log odds: paper is brighter than most things; what came in goes out


class PaperKind(StrEnum):
    """What the paper did."""

    IN = "in"  # it has come to cover the view
    OUT = "out"  # it has left it


@dataclass(frozen=True)
class PaperSighting:
    """The edge of a sheet that crossed the view.

    at_us: event time at which the last of the edge left the view: of `in` the sheet covers all of it from then on, of `out`
    nothing (t0); begin_us, end_us: when the edge came into view and left it; angle_deg: the way it took in the picture, 0 to
    the right, 90 up; uncertainty_us: half width of the 95 % interval of at_us; confidence: 0 ... 1 that it was a sheet, and
    did this; front: when it crossed each pixel; reported_us: event time up to which was looked when it was found.
    """

    kind: PaperKind
    at_us: int
    begin_us: int
    end_us: int
    angle_deg: float
    uncertainty_us: int
    confidence: float
    front: Front
    reported_us: int


def find_paper(events: Array, resolution: tuple[int, int]) -> list[PaperSighting]:
    """Every sighting in events [n] of EVENT_DTYPE, such as those of a whole take, as `PaperWatch` would have told them."""
    watch = PaperWatch(resolution)
    found = watch.feed(events)
    if len(events):
        found += watch.advance(int(events["t"].max()) + AFTER_US)
    return found


class PaperWatch:
    """Looks at events as they come. The same events give the same sightings in batches of any size.

    Memory is bounded: signed counts of the last second by millisecond and tile. Times that jump by more than that, forwards
    or backwards, start it anew, but for whether the paper is in.
    """

    def __init__(self, resolution: tuple[int, int]) -> None:
        """resolution: (width, height) in pixels; what lies outside is left out."""
        self.grid = Grid(resolution, max(1, -(-resolution[0] // TILES_ACROSS)))
        tiles = self.grid.shape[0] * self.grid.shape[1]
        self._pixels = self.grid.pixels()
        self._column = np.arange(resolution[0]) // self.grid.tile_px
        self._row = np.arange(resolution[1]) // self.grid.tile_px * self.grid.shape[1]
        self._signed = np.zeros((tiles, RING_BINS), np.int16)
        self._total = np.zeros(RING_BINS, np.int32)
        self._last_stirred = np.zeros(tiles, np.int64)
        self._stirred = np.zeros(RING_TICKS, np.int32)
        self._lit = np.zeros(FLICKER_TICKS, np.bool_)
        self._sums = np.zeros(NOISE_TICKS)
        self._changes = np.zeros((PERIODS_TICKS, tiles))
        self._tick: int | None = None  # number of the tick that is being filled, since time 0
        self._begin(0)
        self.inside: bool | None = None  # whether the paper covers the view; None before anything was seen of it

    def feed(self, events: Array) -> list[PaperSighting]:
        """Take events [n >= 0] of EVENT_DTYPE, and tell what has been seen by now."""
        if not len(events):
            return []
        # Two words an event: t; x, y and p from the low end. A copy, since a read-only array would be compiled for once more.
        words = np.ascontiguousarray(events, EVENT_DTYPE).view("<i8").copy().reshape(-1, 2)
        found: list[PaperSighting] = []
        at = 0
        while at < len(words):
            found += self._reach(int(words[at, 0]) // TICK_US)
            at = int(_count(words, at, int(self._tick or 0), self._column, self._row, self._signed, self._total))
        return found

    def advance(self, now_us: int) -> list[PaperSighting]:
        """Event time has come to now_us, whether there were events or not. Tells what has been seen by now."""
        if self._tick is None or now_us // TICK_US <= self._tick:
            return []
        return self._reach(now_us // TICK_US)

    def _begin(self, tick: int) -> None:
        self._signed[:] = 0
        self._total[:] = 0
        self._stirred[:] = 0
        self._lit[:] = False
        self._sums[:] = 0
        self._changes[:] = 0
        self._last_stirred[:] = tick - RING_TICKS
        self._since_us = tick * TICK_US
        self._next_try = tick

    def _reach(self, tick: int) -> list[PaperSighting]:
        """Close all ticks before this one."""
        if self._tick is None or not -RING_TICKS < tick - self._tick < RING_TICKS:
            self._tick = tick
            self._begin(tick)
        found = []
        while self._tick < tick:
            sighting = self._close()
            if sighting is not None:
                found.append(sighting)
        return found

    def _close(self) -> PaperSighting | None:
        """Look at the tick that is full now, and clear the room of the next."""
        assert self._tick is not None
        tick = self._tick
        stirred = self._stir(tick)
        self._last_stirred[stirred] = tick
        self._stirred[tick % RING_TICKS] = np.count_nonzero(stirred)
        sighting = self._look(tick)
        self._tick = tick + 1
        following = _rows(tick + 1)
        self._signed[:, following] = 0
        self._total[following] = 0
        return sighting

    def _stir(self, tick: int) -> NDArray[np.bool_]:
        """Which tiles were stirred in a tick, by more than noise and lamps, bool [tiles]."""
        rows = _rows(tick)
        self._sums[tick % NOISE_TICKS] = self._total[rows].sum()
        noise = NOISE_SIGMA * np.sqrt(self._sums.min() / self._pixels.sum() / self._pixels)
        change = self._changes[tick % PERIODS_TICKS]
        alike, lit = _change(self._signed, rows.start, self._pixels, change)
        self._lit[tick % FLICKER_TICKS] = lit >= LIGHT * len(change)
        if np.count_nonzero(self._lit) >= FLICKERS:
            return np.asarray(np.abs(self._changes.sum(axis=0)) >= LEFT_STIRRED, np.bool_)
        return np.asarray(np.abs(change - alike) >= np.maximum(STIRRED, noise), np.bool_)

    def _look(self, tick: int) -> PaperSighting | None:
        if tick < self._next_try or not self._is_open(tick):
            return None
        self._next_try = tick + TRY_TICKS
        fit = self._fit(tick)
        if fit is None or not is_paper(fit):
            return None
        begin_us, end_us = fit.front.crossing_us()
        now_us = (tick + 1) * TICK_US
        if end_us + SETTLED_US > now_us:  # it is still passing
            self._next_try = min((end_us + SETTLED_US - 1) // TICK_US, tick + TRY_TICKS)
            return None
        return self._saw(fit, begin_us, end_us, now_us)

    def _is_open(self, tick: int) -> bool:
        """Whether enough of the view has been stirred of late for a sheet to have passed."""
        tiles = len(self._last_stirred)
        recent = self._stirred[(tick - np.arange(RECENT_TICKS)) % RING_TICKS]
        if recent.max() < CALM * tiles:
            return False
        first = max(self._since_us // TICK_US, tick - RING_TICKS + 2)
        return int(np.count_nonzero(self._last_stirred >= first)) >= GATE * tiles

    def _fit(self, tick: int) -> Fit | None:
        """The front since the stir began."""
        first = self._stir_began(tick)
        rows = np.arange(first * TICK_BINS, (tick + 1) * TICK_BINS)
        ring = rows % RING_BINS
        return fit_front(np.take(self._signed, ring, axis=1), self._total[ring], first * TICK_US, BIN_US, self.grid)

    def _stir_began(self, tick: int) -> int:
        """The tick before which the view was calm for RECENT_TICKS, or the first that is remembered."""
        first = max(-(-self._since_us // TICK_US), tick - RING_TICKS + 2)
        calm = 0
        for before in range(tick, first - 1, -1):
            calm = 0 if self._stirred[before % RING_TICKS] >= CALM * len(self._last_stirred) else calm + 1
            if calm > RECENT_TICKS and before < tick - RECENT_TICKS:
                return before
        return first

    def _saw(self, fit: Fit, begin_us: int, end_us: int, now_us: int) -> PaperSighting:
        kind, odds = self._which(fit.brighter)
        self.inside = kind is PaperKind.IN
        self._since_us = end_us + AFTER_US
        self._changes[:] = 0
        self._last_stirred[:] = now_us // TICK_US - RING_TICKS
        spread = np.hypot(fit.exit_sigma_us, FLOOR_US)
        fits = min(1.0, fit.inliers / 0.75) * min(1.0, fit.along / 0.75) * min(1.0, fit.across / 0.5)
        return PaperSighting(
            kind, end_us, begin_us, end_us, fit.front.angle_deg, round(1.96 * float(spread)), odds * fits, fit.front, now_us
        )

    def _which(self, brighter: float) -> tuple[PaperKind, float]:
        """In or out, and how probable: paper is brighter than most of what it covers, and comes and goes by turns."""
        log_odds = POLARITY_WEIGHT * (2 * brighter - 1)
        if self.inside is not None:
            log_odds += -TURN_WEIGHT if self.inside else TURN_WEIGHT
        kind = PaperKind.IN if log_odds > 0 else PaperKind.OUT
        return kind, float(1 / (1 + np.exp(-abs(log_odds))))


def is_paper(fit: Fit) -> bool:
    """Whether a front is that of a sheet that crosses the view: large, in one piece, neither all at once nor for ever."""
    begin_us, end_us = fit.front.crossing_us()
    span_us = end_us - begin_us
    return (
        LEAST_SPAN_US <= span_us <= MOST_SPAN_US
        and fit.tiles * fit.inliers >= LEAST_FOLLOW
        and fit.inliers >= LEAST_INLIERS
        and fit.along >= LEAST_ALONG
        and fit.across >= LEAST_ACROSS
        and fit.along * fit.across >= LEAST_AREA
        and fit.sigma_us <= MOST_SIGMA_US + MOST_SIGMA_SHARE * span_us
    )


def _rows(tick: int) -> slice:
    first = tick * TICK_BINS % RING_BINS
    return slice(first, first + TICK_BINS)


@numba.njit(cache=True, nogil=True)
def _count(words: Any, at: int, tick: int, column: Any, row: Any, signed: Any, total: Any) -> int:
    """Count events from `at` on, late ones too, up to the first of a later tick, or too late for the ring; its number."""
    oldest, end = (tick - RING_TICKS + 1) * TICK_BINS, (tick + 1) * TICK_BINS  # in bins: in us the largest times overflow
    number, place = oldest - 1, 0
    for i in range(at, len(words)):
        if words[i, 0] // BIN_US != number or i == at:
            number = words[i, 0] // BIN_US
            if number >= end or number < oldest:
                return i
            place = number % RING_BINS
        x, y, p = (words[i, 1] << 48) >> 48, (words[i, 1] << 32) >> 48, (words[i, 1] << 24) >> 56
        if 0 <= x < len(column) and 0 <= y < len(row):
            signed[row[y] + column[x], place] += 1 if p > 0 else -1
            total[place] += 1
    return len(words)


@numba.njit(cache=True, nogil=True)
def _change(signed: Any, row: int, pixels: Any, change: Any) -> tuple[float, int]:
    """Put the change of each tile in a tick, of which row is the first bin, into change [tiles], in events per pixel.

    Returns what of it the light did, and how many tiles were stirred.
    """
    stirred = 0
    for tile in range(len(change)):
        count = 0
        for k in range(row, row + TICK_BINS):
            count += signed[tile, k]
        change[tile] = count / pixels[tile]
        stirred += abs(change[tile]) >= STIRRED
    if stirred <= LIGHT * len(change):
        return 0.0, stirred
    ordered = np.sort(change[::SAMPLE])
    low, high = ordered[int(ALIKE[0] * len(ordered))], ordered[int(ALIKE[1] * len(ordered))]
    return min(max(0.0, low), high), stirred
