"""What changes between two pictures, from the pictures and from the events: increments of log light by place. Knows no clock.

A picture's light is the mean over its exposure, so an event counts for the share of the exposure that came after it. An event
says that its threshold has been reached just now: what changed did so since the pixel's event before, on average half of that
time ago (linear interpolation between crossings). The first of several is as near to its change as they are to each other.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from protocol.streams import Array
from recorder.alignment.cover import Pictures

TILE_PX = 5  # of the event camera: about one sample of a colour picture that is 80 samples wide
MOST_EARLIER_US = 15_000.0  # an event is moved by no more: between events that are far apart nothing is known
SOFT_TILES = 1.0  # sigma of the Gaussian over tiles and samples: as much as two cameras' views may differ beside each other
FLOOR_SHARE = 0.02  # of the usual light, below which a logarithm is noise
UNKNOWN_EXPOSURE_US = 12_000.0
LEAST_EXPOSURE_US = 500.0

Reals = NDArray[np.float64]
Stack = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class MovingEvents:
    """Events as the increments need them. t_us: float [n], since zero_us, moved to where the change was; tile: int32 [n];
    sign: int8 [n], -1 or 1; shape: tiles (rows, columns); resolution: (width, height) of the sensor.
    """

    t_us: Reals
    tile: NDArray[np.int32]
    sign: NDArray[np.int8]
    zero_us: int
    shape: tuple[int, int]
    resolution: tuple[int, int]

    def places(self) -> tuple[Reals, Reals]:
        """Places of the tiles' centres in half widths of the sensor from its middle, [rows, columns] each."""
        width, height = self.resolution
        row, column = np.mgrid[0 : self.shape[0], 0 : self.shape[1]]
        return ((column + 0.5) * TILE_PX * 2 - width) / width, ((row + 0.5) * TILE_PX * 2 - height) / width


def moving_events(events: Array, resolution: tuple[int, int], hot: Bools | None = None) -> MovingEvents:
    """Prepare events [n] of EVENT_DTYPE, clean and in order. hot: pixels to leave out, bool [H, W]."""
    if hot is not None and hot.any():
        events = events[~hot[events["y"], events["x"]]]
    zero = int(events["t"][0]) if len(events) else 0
    columns = -(-resolution[0] // TILE_PX)
    tile = (events["y"] // TILE_PX).astype(np.int32) * columns + events["x"] // TILE_PX
    pixel = events["y"].astype(np.int64) * resolution[0] + events["x"]
    t = (events["t"] - zero).astype(np.float64)
    sign = np.where(events["p"] > 0, 1, -1).astype(np.int8)
    earlier = np.empty(len(t))
    _interpolate(t, sign, pixel, np.full(resolution[0] * resolution[1], -1), earlier, MOST_EARLIER_US)
    return MovingEvents(t - earlier, tile.astype(np.int32), sign, zero, (-(-resolution[1] // TILE_PX), columns), resolution)


@njit(cache=True, nogil=True)
def _interpolate(t: Any, sign: Any, pixel: Any, last: Any, earlier: Any, most: float) -> None:
    """How much earlier than its event each change was. last: [pixels], filled with -1; earlier: [n], the answer."""
    for n in range(t.shape[0]):
        before = last[pixel[n]]
        last[pixel[n]] = n
        earlier[n] = most
        if before >= 0:
            half = 0.5 * (t[n] - t[before])
            earlier[n] = min(half, most)
            if sign[before] == sign[n]:
                earlier[before] = min(earlier[before], half)


@dataclass(frozen=True)
class Shots:
    """Pictures in time. middle_us: of the exposures of the centre row, float [k], in the camera's own time since an origin;
    exposure_us: [k]; log: log light [k, h, w]; row_us: how much later each row of samples is than the centre, [h].
    """

    middle_us: Reals
    exposure_us: Reals
    log: Stack
    row_us: Reals


def shots_of(pictures: Pictures, origin_us: int, readout_us: float) -> Shots:
    """Pictures with their times counted from origin_us. readout_us: from the first row to the last."""
    exposure = np.where(np.isfinite(pictures.exposure_ms), pictures.exposure_ms * 1e3, UNKNOWN_EXPOSURE_US)
    height = pictures.light.shape[1]
    rows = ((np.arange(height) + 0.5) / height - 0.5) * readout_us
    middle = (pictures.times_us - origin_us).astype(np.float64)
    return Shots(middle, np.maximum(exposure, LEAST_EXPOSURE_US), _log(pictures.light), rows)


def _log(light: Stack) -> Stack:
    floor = FLOOR_SHARE * max(float(np.median(light)), 1e-6)
    return np.asarray(np.log(np.maximum(light, 0) + floor), np.float32)


def picture_increments(log: Stack, steps: int = 1) -> Stack:
    """Log light minus that of `steps` pictures before, [k - steps, h, w], without what all samples do alike."""
    found = log[steps:] - log[:-steps]
    common = np.median(found.reshape(len(found), -1), axis=1)
    return np.asarray(found - common[:, None, None], np.float32)


def event_increments(
    events: MovingEvents, shots: Shots, slots: NDArray[np.int64], offset_us: float, tile_row_us: Reals
) -> Stack:
    """Sum of polarities between pictures, [m, rows, columns].

    offset_us: event time since events.zero_us minus the shots' time; slots: [k - 1], where the increment from picture i to
    i + 1 is put, -1: nowhere; tile_row_us: how much later than the centre row each tile is exposed, [rows * columns].
    """
    count = int(slots.max()) + 1
    found = np.zeros((count, events.shape[0] * events.shape[1]), np.float32)
    begin = shots.middle_us - shots.exposure_us / 2
    end = shots.middle_us + shots.exposure_us / 2
    first, last = np.searchsorted(events.t_us, (begin[0] + offset_us - 1e5, end[-1] + offset_us + 1e5))
    chosen = slice(int(first), int(last))
    slack = MOST_EARLIER_US + float(np.abs(tile_row_us).max())
    _spread(
        events.t_us[chosen], events.tile[chosen], events.sign[chosen], offset_us, tile_row_us, begin, end, slots, slack, found
    )
    return found.reshape(count, *events.shape)


@njit(cache=True, nogil=True)
def _spread(
    t: Any, tile: Any, sign: Any, offset: float, row: Any, begin: Any, end: Any, slots: Any, slack: float, found: Any
) -> None:
    """Each event goes to the increments of the pictures whose exposures it lies in or between."""
    pictures, near = begin.shape[0], 0
    for n in range(t.shape[0]):
        at = t[n] - offset - row[tile[n]]
        while near < pictures and end[near] <= at - slack:
            near += 1
        k = near
        while k > 0 and end[k - 1] > at:
            k -= 1
        while k < pictures and end[k] <= at:
            k += 1
        share = 0.0
        while k < pictures and share < 1.0:
            now = min(1.0, (end[k] - at) / (end[k] - begin[k]))
            if k > 0 and slots[k - 1] >= 0:
                found[slots[k - 1], tile[n]] += sign[n] * (now - share)
            share = now
            k += 1


def softened(stack: Stack) -> Stack:
    """Each picture of a stack [m, h, w] through a Gaussian of SOFT_TILES."""
    return np.stack([cv2.GaussianBlur(one, (0, 0), SOFT_TILES) for one in np.ascontiguousarray(stack, np.float32)])
