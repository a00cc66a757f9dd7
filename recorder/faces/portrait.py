"""The portrait that the paper takes: as the sheet leaves, every pixel counts its way from white paper to what is behind it.

The sum of polarities is the logarithm of light in contrast thresholds; from its highest value, the paper's, to the end it tells
how much darker the scene is than paper: a grey picture from events alone. Knows no face and no script.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from protocol.streams import Array
from recorder.sources.pictures import opencv

Floats = NDArray[np.float32]

BIN_US = 10_000
SMOOTH_BINS = 20  # a sheet takes 0.2 s or more to pass
# A sweep's balance of ON and OFF events exceeds what it mostly is by this factor, and this share of the highest. The balance,
# since flicker and movement give as many of one as of the other while the sheet lightens or darkens all.
ABOVE_REST = 8.0
OF_PEAK = 0.1
MARGIN_US = 50_000  # what the bandwidth of dark pixels delays
SAME_SWEEP_US = 100_000  # parts of a sweep that are no farther from each other are one: the balance dips as the hand comes
ENOUGH = 2_000_000  # events that tell the balance; of more, every n-th is looked at (flicker gives 10 million a second)
LONGEST_SWEEP_US = 3_000_000  # longer than that it is no sheet passing, and noise adds up
LEAST_PER_PIXEL = 1.0  # events: a sheet before a face gives three to seven
LEAST_MEAN = 0.4  # levels by which the whole view must get darker or lighter; what turns or talks leaves the mean as it is
MOST_SWEEPS = 4
SPAN_US = 900_000_000  # of a longer recording, the part about its middle event
# Tones: the logarithm from black to the level that this share of the pixels is below. The wall, which is brighter, is cut off.
BLACK, WHITES = 0.01, (0.70, 0.50)
CLIP, TILES = 3.0, (4, 4)  # of the local equalisation (CLAHE): half of a face may lie in shadow


@dataclass(frozen=True)
class Sweep:
    """A moment at which nearly all the view changes. events: how many it has."""

    start_us: int
    end_us: int
    events: int


def sweeps(events: Array, resolution: tuple[int, int]) -> list[Sweep]:
    """When most of the view changed at once, in time, at most `MOST_SWEEPS`. events: [n] of EVENT_DTYPE, clean."""
    if len(events) < 2:
        return []
    every = -(-len(events) // ENOUGH)
    events = events[::every]
    edges_us = _edges(events["t"])
    at = np.searchsorted(events["t"], edges_us)
    rate, ups = np.diff(at), np.diff(np.concatenate(([0], np.cumsum(events["p"] > 0)))[at])
    smooth = np.abs(np.convolve(2 * ups - rate, np.ones(SMOOTH_BINS) / SMOOTH_BINS, "same"))[: len(rate)]
    busy = smooth > max(ABOVE_REST * float(np.median(smooth)), OF_PEAK * float(smooth.max()))
    ends = np.flatnonzero(np.diff(np.concatenate(([False], busy, [False])).astype(np.int8))).reshape(-1, 2)
    spans = _joined(ends.tolist(), SAME_SWEEP_US // BIN_US)
    found = [Sweep(int(edges_us[a]) - MARGIN_US, int(edges_us[b]) + MARGIN_US, every * int(at[b] - at[a])) for a, b in spans]
    least = LEAST_PER_PIXEL * resolution[0] * resolution[1]
    large = [one for one in found if one.events >= least and one.end_us - one.start_us <= LONGEST_SWEEP_US]
    return sorted(sorted(large, key=lambda one: -one.events)[:MOST_SWEEPS], key=lambda one: one.start_us)


def _joined(spans: Sequence[Sequence[int]], most: int) -> list[tuple[int, int]]:
    """Spans in order, those joined between which lies no more than `most`."""
    joined: list[tuple[int, int]] = []
    for begin, end in spans:
        if joined and begin - joined[-1][1] <= most:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    return joined


def _edges(t: NDArray[np.int64]) -> NDArray[np.int64]:
    middle = int(t[len(t) // 2])
    begin, end = max(int(t[0]), middle - SPAN_US // 2), min(int(t[-1]), middle + SPAN_US // 2)
    return np.arange(begin, max(end, begin + BIN_US * SMOOTH_BINS) + BIN_US, BIN_US, dtype=np.int64)


def below_paper(events: Array, resolution: tuple[int, int]) -> Floats | None:
    """How far the scene is below the paper, in contrast thresholds (0 and less), float32 [H, W]; None where no paper passed.

    White paper is brighter than what it covers: events that darken the view on the whole uncover it, and the scene is what they
    end with; those that lighten it cover it, and the scene is what they begin with. The paper is the highest that the sum of
    a pixel comes to on the way, and not where it began: there the hand may have been, which held the sheet.
    events: [n] of EVENT_DTYPE of one sweep, clean, n >= 1.
    """
    sums, highest = (np.zeros((resolution[1], resolution[0]), np.int32) for _ in range(2))
    _sum_up(events["x"], events["y"], events["p"], sums, highest)
    mean = float(sums.mean())
    if abs(mean) < LEAST_MEAN:
        return None
    return np.asarray((sums if mean < 0 else 0) - highest, np.float32)


@numba.njit(cache=True, nogil=True)
def _sum_up(x: Any, y: Any, p: Any, sums: Any, highest: Any) -> None:
    for n in range(x.shape[0]):
        row, column = y[n], x[n]
        sums[row, column] += 1 if p[n] > 0 else -1
        highest[row, column] = max(highest[row, column], sums[row, column])


def portraits(
    events: Array, resolution: tuple[int, int], found: Sequence[Sweep] | None = None
) -> list[tuple[NDArray[np.uint8], ...]]:
    """What each sweep shows, the last one first: grey pictures [H, W], the same in different tones.

    A sweep that neither darkens nor lightens the view is something else that moves, and is left out. events: [n] of
    EVENT_DTYPE, clean; found: its sweeps, where they are known.
    """
    shown = []
    for sweep in reversed(sweeps(events, resolution) if found is None else found):
        times = events["t"]  # not searchsorted: it would copy all of them
        part = events[bisect_left(times, sweep.start_us) : bisect_left(times, sweep.end_us)]
        levels = below_paper(part, resolution)
        if levels is not None:
            shown.append(_toned(levels))
    return shown


def _toned(levels: Floats) -> tuple[NDArray[np.uint8], ...]:
    cv2 = opencv()
    levels = cv2.medianBlur(np.ascontiguousarray(levels, np.float32), 3)  # without hot pixels
    black, *whites = np.quantile(levels, (BLACK, *WHITES))
    plain: Sequence[NDArray[np.uint8]] = [_scaled(levels, black, white) for white in whites]
    return cv2.createCLAHE(CLIP, TILES).apply(plain[0]), plain[1]


def _scaled(levels: Floats, black: float, white: float) -> NDArray[np.uint8]:
    return np.asarray(np.clip((levels - black) / max(white - black, 1.0) * 255, 0, 255), np.uint8)
