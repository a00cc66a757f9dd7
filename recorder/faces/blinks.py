"""The eyes from blinks: two small patches side by side that burst at the same moment while nearly nothing else moves.

From events alone, without any sheet of paper. Knows no picture and no script.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from protocol.streams import Array
from recorder.activity import Activity, count_activity
from recorder.faces.geometry import Eyes, Point
from recorder.faces.portrait import Sweep

Floats = NDArray[np.float32]

BIN_US = 20_000
WINDOW_BINS = 2  # lids close in 50-100 ms (Kwon et al., J. R. Soc. Interface 10, 2013), most of it within 40 ms
TILES_ACROSS = 44  # 8 pixels of a DAVIS346; an eye is 30 x 15 of them at 35 cm
PATCH = 3  # tiles a side: one eye
APART = (5, 14)  # tiles between the eyes: from 20 to 55 cm away through the usual lens
LEVEL = 2  # tiles by which one eye may be higher: 15 degrees
SPREADS = 3.0  # standard deviations of its own rest by which a patch must burst
SMALLEST = 4.0  # events added to a variance, for tiles that are hardly ever stirred
LEAST_EVENTS = 150.0  # of each eye in a window; blinks of simulated subjects have 700 to 3,000
# Of all that is stirred in the window, the two patches have this share: simulated blinks 0.41 to 0.77; mouths, brows and turned
# heads at most 0.29.
LEAST_SHARE = 0.38
BUSIEST = 150  # windows are looked at
MOST_BLINKS = 12
APART_US = 300_000  # lids that open again belong to the same blink
AGREE = 0.25  # blinks whose eyes lie within this share of their distance show the same eyes
RADIUS = 0.28  # of the patch in which the middle is taken, in distances of the eyes
BESIDE_SWEEP_US = 400_000  # before and after a sheet passes, hands and corners of the sheet come into view, two at a time
LEAST_SPAN_US = 2_000_000  # shorter recordings do not tell what is at rest
SPAN_US = 120_000_000  # of a longer one, the part about its middle event
ONE_BLINK, MORE_BLINKS = 0.4, 0.15  # confidence of one, and what each further one adds
SUREST = 0.9


@dataclass(frozen=True)
class BlinkEyes:
    """Eyes that blinked. blinks: how many agree; scatter_px: median distance of theirs from the median place."""

    eyes: Eyes
    blinks: int
    scatter_px: float

    @property
    def confidence(self) -> float:
        """0 ... 1: grows with the number of blinks that agree."""
        return min(SUREST, ONE_BLINK + MORE_BLINKS * (self.blinks - 1))


@dataclass(frozen=True)
class _Burst:
    start_us: int
    worth: float
    eyes: Eyes  # to a tile


def eyes_from_blinks(events: Array, resolution: tuple[int, int], without: Sequence[Sweep] = ()) -> BlinkEyes | None:
    """The eyes that most blinks agree on, None where nothing blinks.

    events: [n] of EVENT_DTYPE, clean; without: moments at which a sheet passes, which are left out with what is beside them.
    """
    span_us = _span(events)
    if span_us is None:
        return None
    tile_px = -(-resolution[0] // TILES_ACROSS)
    activity = count_activity(events, resolution, bin_us=BIN_US, tile_px=tile_px, span_us=span_us)
    found = [_refined(events, burst) for burst in _distinct(_bursts(activity, without))]
    group = max((_near(one, found) for one in found), key=len, default=[])
    if not group:
        return None
    sides = np.array([(eyes.left, eyes.right) for eyes in group])
    left, right = np.median(sides, axis=0)
    scatter = float(np.median(np.linalg.norm(sides - np.array([left, right]), axis=2)))
    return BlinkEyes(Eyes(_point(left), _point(right)), len(group), scatter)


def _span(events: Array) -> tuple[int, int] | None:
    if not len(events):
        return None
    first, middle, last = (int(events["t"][index]) for index in (0, len(events) // 2, -1))
    span_us = max(first, middle - SPAN_US // 2), min(last, middle + SPAN_US // 2) + 1
    return span_us if span_us[1] - span_us[0] >= LEAST_SPAN_US else None


def _bursts(activity: Activity, without: Sequence[Sweep]) -> Iterator[_Burst]:
    """Windows in which a pair of patches has most of what is stirred, with that pair."""
    counts = activity.counts.sum(axis=1, dtype=np.float32)  # [T, GY, GX]
    counts = np.stack([counts[n : len(counts) + 1 - WINDOW_BINS + n] for n in range(WINDOW_BINS)]).sum(axis=0)
    rest = np.median(counts, axis=0)
    stirred = np.maximum(counts - rest, 0).sum(axis=(1, 2)) + 1
    for sweep in without:
        stirred[activity.index(sweep.start_us - BESIDE_SWEEP_US) : activity.index(sweep.end_us + BESIDE_SWEEP_US)] = 0
    chosen = np.argsort(-stirred)[:BUSIEST]
    chosen = chosen[stirred[chosen] > 0]
    excess = _patches(counts[chosen]) - (at_rest := _patches(rest[None])[0])
    excess = np.maximum(excess - SPREADS * np.sqrt(at_rest + SMALLEST), 0)
    for index, patches in zip(chosen, excess, strict=True):
        weaker, left, right = _best_pair(patches)
        share = min(1.0, 2 * weaker / float(stirred[index]))
        if weaker >= LEAST_EVENTS and share >= LEAST_SHARE:
            eyes = Eyes(*(((x + 0.5) * activity.tile_px, (y + 0.5) * activity.tile_px) for y, x in (left, right)))
            yield _Burst(activity.start_us + int(index) * BIN_US, weaker * share, eyes)


def _patches(counts: Floats) -> Floats:
    """Sums over patches about each tile, [T, GY, GX]."""
    size, border = (PATCH, PATCH), cv2.BORDER_CONSTANT
    return np.stack([cv2.boxFilter(one, -1, size, normalize=False, borderType=border) for one in counts]).astype(np.float32)


def _best_pair(patches: Floats) -> tuple[float, tuple[int, int], tuple[int, int]]:
    """Of all pairs of patches that may be eyes the one whose weaker patch is strongest: (its events, left, right (y, x))."""
    rows, columns = patches.shape
    best = (0.0, (0, 0), (0, APART[0]))
    for across in range(APART[0], min(APART[1], columns - 1) + 1):
        for down in range(-LEVEL, LEVEL + 1):
            top, bottom = max(0, -down), rows - max(0, down)
            weaker = np.minimum(patches[top:bottom, :-across], patches[top + down : bottom + down, across:])
            y, x = divmod(int(weaker.argmax()), weaker.shape[1])
            if weaker[y, x] > best[0]:
                best = float(weaker[y, x]), (y + top, x), (y + top + down, x + across)
    return best


def _distinct(bursts: Iterator[_Burst]) -> list[_Burst]:
    """The strongest of those that overlap in time, at most `MOST_BLINKS`."""
    kept: list[_Burst] = []
    for burst in sorted(bursts, key=lambda one: -one.worth):
        if all(abs(burst.start_us - other.start_us) >= APART_US for other in kept):
            kept.append(burst)
    return kept[:MOST_BLINKS]


def _refined(events: Array, burst: _Burst) -> Eyes:
    """The middles of the two bursts to a pixel: medians of their events, taken twice."""
    times, end_us = events["t"], burst.start_us + WINDOW_BINS * BIN_US
    part = events[bisect_left(times, burst.start_us) : bisect_left(times, end_us)]
    places = np.stack([part["x"], part["y"]], axis=1).astype(np.float64)
    radius = RADIUS * burst.eyes.apart_px
    left, right = (_middle(places, _middle(places, at, radius), radius) for at in (burst.eyes.left, burst.eyes.right))
    return Eyes(left, right)


def _middle(places: NDArray[np.float64], at: Point, radius: float) -> Point:
    near = places[np.hypot(places[:, 0] - at[0], places[:, 1] - at[1]) <= radius]
    return _point(np.median(near, axis=0)) if len(near) else at


def _near(one: Eyes, others: list[Eyes]) -> list[Eyes]:
    """Those that show the same eyes."""
    most = AGREE * one.apart_px
    return [other for other in others if max(_apart(one.left, other.left), _apart(one.right, other.right)) <= most]


def _apart(one: Point, other: Point) -> float:
    return float(np.hypot(one[0] - other[0], one[1] - other[1]))


def _point(at: NDArray[np.float64]) -> Point:
    return float(at[0]), float(at[1])
