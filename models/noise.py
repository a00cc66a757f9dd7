"""Noise filters ahead of the encoding: events in, fewer events out, in bounded memory and the same however a stream is cut.

Each remembers what it has seen of every pixel. Knows no tensors and no face.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.errors import ModelError
from protocol.streams import Array
from recorder.activity import HOT_RATE_HZ, HOT_RATIO, HOT_SHARE, QUIET_BIN_US

Scalar = TypeVar("Scalar", bound=np.generic)

NEVER_US = -(2**62)
MOST_PIXELS = 1 << 26  # that many are remembered: 8192 x 8192
MEMORY_PERIODS = 10  # 1 s, which is also the least that recorder.activity.hot_pixels judges by
FORGET_PERIODS = 100  # after 10 s of nothing a pixel is as if never seen


class NoiseFilter(StrEnum):
    """Which events are left out.

    background_activity: those of pixels of which no neighbour had an event shortly before (Delbruck 2008, Frame-free dynamic
    digital vision, Proc. Int. Symp. Secure-Life Electronics); hot_pixels: those of pixels that fire by themselves.
    """

    BACKGROUND_ACTIVITY = "background_activity"
    HOT_PIXELS = "hot_pixels"


class BackgroundActivity:
    """Keeps an event where one of the 8 neighbours had one at most `window_us` earlier, of either polarity."""

    def __init__(self, window_us: int, width: int, height: int) -> None:
        """Of pixels x < width, y < height; the others' events are left out."""
        self._window_us = window_us
        self._seen_us: NDArray[np.int64] = np.full((_checked(width, height)[1] + 2, width + 2), NEVER_US, np.int64)

    def grow(self, width: int, height: int) -> None:
        """Remember more pixels from now on."""
        self._seen_us = _grown(self._seen_us, width + 2, height + 2, NEVER_US)

    def keep(self, events: Array) -> NDArray[np.bool_]:
        """Which are kept, bool [n]. events: [n] of EVENT_DTYPE, C-contiguous, in time order and after all before."""
        kept = np.zeros(len(events), np.bool_)
        _supported(events, self._window_us, self._seen_us, kept)
        return kept


class HotPixels:
    """Leaves out pixels that fired in most of the last ten periods of 100 ms, at a rate that their neighbours are far from.

    The limits are those of `recorder.activity.hot_pixels`, which looks at a whole take; this one knows only what has been, so
    that nothing is left out in the first second.
    """

    def __init__(self, start_us: int, width: int, height: int) -> None:
        """Periods count from start_us; pixels as in `BackgroundActivity`."""
        _checked(width, height)
        self._clock = np.array([start_us + QUIET_BIN_US, 0], np.int64)  # end of the period, periods seen
        self._state = np.zeros((3, height, width), np.float32)  # events of this period; per period; share of busy periods
        self._hot: NDArray[np.bool_] = np.zeros((height, width), np.bool_)

    def grow(self, width: int, height: int) -> None:
        """Remember more pixels from now on."""
        self._state = np.stack([_grown(layer, width, height, 0) for layer in self._state])
        self._hot = _grown(self._hot, width, height, 0)

    def keep(self, events: Array) -> NDArray[np.bool_]:
        """Which are kept, bool [n]; events as in `BackgroundActivity.keep`."""
        kept = np.zeros(len(events), np.bool_)
        _not_hot(events, self._clock, self._state, self._hot, kept)
        return kept


Filter = BackgroundActivity | HotPixels
MAKERS: dict[NoiseFilter, Callable[[int, int, int, int], Filter]] = {
    NoiseFilter.BACKGROUND_ACTIVITY: lambda start_us, window_us, width, height: BackgroundActivity(window_us, width, height),
    NoiseFilter.HOT_PIXELS: lambda start_us, window_us, width, height: HotPixels(start_us, width, height),
}


def _checked(width: int, height: int) -> tuple[int, int]:
    if width * height > MOST_PIXELS:
        raise ModelError(f"A noise filter cannot remember {width} x {height} pixels; choose a smaller crop or no filter.")
    return width, height


def _grown(layer: NDArray[Scalar], width: int, height: int, value: int) -> NDArray[Scalar]:
    height, width = max(height, layer.shape[0]), max(width, layer.shape[1])
    if layer.shape == (height, width):
        return layer
    _checked(width, height)
    larger = np.full((height, width), value, layer.dtype)
    larger[: layer.shape[0], : layer.shape[1]] = layer
    return larger


@njit(cache=True, nogil=True, error_model="numpy")
def _supported(events: Array, window_us: int, seen_us: NDArray[np.int64], kept: NDArray[np.bool_]) -> None:
    """seen_us: [H + 2, W + 2], the newest event among the neighbours of pixel (y - 1, x - 1)."""
    height, width = seen_us.shape[0] - 2, seen_us.shape[1] - 2
    for n in range(events.size):
        t, x, y = events[n].t, events[n].x, events[n].y
        if x < 0 or y < 0 or x >= width or y >= height:
            continue
        own = seen_us[y + 1, x + 1]
        kept[n] = t - own <= window_us
        for row in range(y, y + 3):
            for column in range(x, x + 3):
                seen_us[row, column] = t
        seen_us[y + 1, x + 1] = own  # a pixel does not support itself


@njit(cache=True, nogil=True, error_model="numpy")
def _not_hot(
    events: Array, clock: NDArray[np.int64], state: NDArray[np.float32], hot: NDArray[np.bool_], kept: NDArray[np.bool_]
) -> None:
    height, width = hot.shape
    for n in range(events.size):
        t, x, y = events[n].t, events[n].x, events[n].y
        if t - clock[0] > FORGET_PERIODS * QUIET_BIN_US:
            clock[0] += ((t - clock[0]) // QUIET_BIN_US) * QUIET_BIN_US
            clock[1] = 0
            state[:] = np.float32(0)
            hot[:] = False
        while t >= clock[0]:
            _end_period(clock, state, hot)
        if x < 0 or y < 0 or x >= width or y >= height:
            continue
        state[0, y, x] += np.float32(1)
        kept[n] = not hot[y, x]


@njit(cache=True, nogil=True, error_model="numpy")
def _end_period(clock: NDArray[np.int64], state: NDArray[np.float32], hot: NDArray[np.bool_]) -> None:
    clock[0] += QUIET_BIN_US
    clock[1] += 1
    share = np.float32(1) / np.float32(min(clock[1], MEMORY_PERIODS))  # a plain mean at first
    height, width = hot.shape
    for y in range(height):
        for x in range(width):
            now = state[0, y, x]
            state[1, y, x] += (now - state[1, y, x]) * share
            busy = np.float32(1) if now > 0 else np.float32(0)
            state[2, y, x] += (busy - state[2, y, x]) * share
            state[0, y, x] = np.float32(0)
    if clock[1] < MEMORY_PERIODS:
        return
    hertz = np.float32(1e6 / QUIET_BIN_US)
    around = np.empty(8, np.float32)
    for y in range(height):
        for x in range(width):
            rate = state[1, y, x] * hertz
            hot[y, x] = False
            if state[2, y, x] > HOT_SHARE and rate > HOT_RATE_HZ:
                hot[y, x] = rate > HOT_RATIO * (_quiet_around(state[1], y, x, around) * hertz + np.float32(1))


@njit(cache=True, nogil=True, error_model="numpy")
def _quiet_around(rates: NDArray[np.float32], y: int, x: int, around: NDArray[np.float32]) -> np.float32:
    """Mean of the quieter half of the neighbours, so that one hot pixel does not hide another beside it."""
    found = 0
    for row in range(max(y - 1, 0), min(y + 2, rates.shape[0])):
        for column in range(max(x - 1, 0), min(x + 2, rates.shape[1])):
            if row != y or column != x:
                place = found
                while place > 0 and around[place - 1] > rates[row, column]:
                    around[place] = around[place - 1]
                    place -= 1
                around[place] = rates[row, column]
                found += 1
    total = np.float32(0)
    for n in range(found // 2):
        total += around[n]
    return total / np.float32(max(found // 2, 1))
