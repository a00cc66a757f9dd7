"""Where and when events happen: counts by time bin, polarity and tile, without the pixels that never rest.

What synchronisation, spotting and quality look at instead of single events. Knows no file, no face and no script.
"""

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from protocol.errors import GlimpseError
from protocol.streams import Array

TILES_ACROSS = 22  # of a DAVIS346: 16 pixels each, about the width of a pupil's surroundings at 35 cm
MOST_COUNTS = 300_000_000  # 600 MB: 400 s of a DAVIS346 in bins of 1 ms; longer recordings are to be looked at in pieces
# A hot pixel fires by itself. DAVIS346 pixels give well below one noise event a second (Gallego et al., Event-based vision:
# a survey, 2020, table 1), so several times what ten neighbours of a pixel give together is not the scene.
HOT_RATE_HZ = 4.0
HOT_RATIO = 6.0
QUIET_BIN_US = 100_000  # a hot pixel fires in most of these, a moving edge in few
HOT_SHARE = 0.5
# Lamps drive bright pixels beside dark ones hundreds of times a second. Those fire in step with them, hot ones do not.
LAMPS_HZ = (100.0, 120.0)
LAMP_WINDOW_US = 1_000_000  # mains frequency wanders by 0.1 Hz; over a second that does not matter
IN_STEP = 0.09  # square of the vector strength (Goldberg & Brown 1969, J. Neurophysiol. 32, 613) from which the lamps do it


class ActivityError(GlimpseError):
    """Events that cannot be counted like this."""


@dataclass(frozen=True)
class Activity:
    """Events counted. counts: uint16 [T, 2, GY, GX] by time bin, polarity (0 OFF, 1 ON) and tile; bin i begins at
    start_us + i * bin_us; tile (gy, gx) covers tile_px x tile_px pixels from (gx, gy) * tile_px on; resolution: (width,
    height); left_out: events that were not counted: outside the sensor, of hot pixels, or in full bins.
    """

    start_us: int
    bin_us: int
    tile_px: int
    resolution: tuple[int, int]
    counts: NDArray[np.uint16]
    left_out: int = 0

    @property
    def bins(self) -> int:
        """Number of time bins."""
        return int(self.counts.shape[0])

    @property
    def end_us(self) -> int:
        """Event time at which the last bin ends."""
        return self.start_us + self.bins * self.bin_us

    @property
    def times_us(self) -> NDArray[np.int64]:
        """Event time of the middle of each bin, int64 [T]."""
        return self.start_us + self.bin_us * np.arange(self.bins, dtype=np.int64) + self.bin_us // 2

    def total(self) -> NDArray[np.int64]:
        """All events of each bin, int64 [T]."""
        return np.asarray(self.counts.sum(axis=(1, 2, 3), dtype=np.int64))

    def index(self, t_us: int) -> int:
        """The bin of an event time, held within 0 ... bins."""
        return int(np.clip((t_us - self.start_us) // self.bin_us, 0, self.bins))


def clean_events(events: Array, resolution: tuple[int, int]) -> Array:
    """The events inside the sensor, sorted by time: [m] of EVENT_DTYPE, the very array where nothing was wrong with it."""
    width, height = resolution
    x, y, t = events["x"], events["y"], events["t"]
    if len(events) and (x.min() < 0 or y.min() < 0 or x.max() >= width or y.max() >= height):
        events = events[(x >= 0) & (y >= 0) & (x < width) & (y < height)]
        t = events["t"]
    if bool(np.any(t[1:] < t[:-1])):
        events = events[np.argsort(t, kind="stable")]
    return events


def pixel_counts(events: Array, resolution: tuple[int, int]) -> NDArray[np.int64]:
    """Events of each pixel, int64 [H, W]. events: inside the sensor."""
    width, height = resolution
    return np.bincount(_flat(events, width), minlength=width * height).reshape(height, width)


def hot_pixels(events: Array, resolution: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels that fire by themselves, bool [H, W]: far more often than their neighbours, nearly all the time, and not in step
    with lamps that flicker.

    events: [n] of EVENT_DTYPE, clean (see `clean_events`). Less than a second of events says nothing: none is hot then.
    """
    width, height = resolution
    hot = np.zeros((height, width), bool)
    span_us = int(events["t"][-1]) - int(events["t"][0]) if len(events) else 0
    if span_us < 1_000_000:
        return hot
    counts = pixel_counts(events, resolution)
    suspects = (counts > HOT_RATE_HZ * span_us * 1e-6) & (counts > HOT_RATIO * (_beside(counts) + 1))
    chosen = events[suspects[events["y"], events["x"]]]
    return np.asarray(suspects & (_busy_share(chosen, span_us, resolution) > HOT_SHARE) & ~_in_step(chosen, resolution))


def _busy_share(events: Array, span_us: int, resolution: tuple[int, int]) -> NDArray[np.float64]:
    """Share of the bins of QUIET_BIN_US in which each pixel fires, [H, W]. events: sorted."""
    width, height = resolution
    steps = -(-span_us // QUIET_BIN_US)
    when = (events["t"] - events["t"][:1]) // QUIET_BIN_US
    busy = np.unique(_flat(events, width) * (steps + 1) + when) // (steps + 1)
    return np.bincount(busy, minlength=width * height).reshape(height, width) / steps


def _in_step(events: Array, resolution: tuple[int, int]) -> NDArray[np.bool_]:
    """Which pixels' ON and OFF events come by turns at the frequency of lamps, bool [H, W]. events: sorted.

    Of a pixel's n events in a second, with the weights w = +-1 less their mean (a pixel that only gives ON is no lamp's),
    `|sum w exp(2 pi i f t)|^2 - sum w^2` is 0 on average where they come at random, and R^2 n (n - 1) with a vector strength R;
    the sums of both over all seconds give R^2.
    """
    width, height = resolution
    if not len(events):
        return np.zeros((height, width), bool)
    seconds = (events["t"] - events["t"][0]) // LAMP_WINDOW_US
    numbers = int(seconds[-1]) + 1
    windows, place = np.unique(_flat(events, width) * numbers + seconds, return_inverse=True)
    counts = np.bincount(place).astype(np.float64)
    sign = np.where(events["p"] > 0, 1.0, -1.0)
    sign -= (np.bincount(place, sign) / counts)[place]
    pixels, strength = windows // numbers, np.zeros(width * height)
    for hz in LAMPS_HZ:
        phase = 2 * np.pi * hz * 1e-6 * (events["t"] % LAMP_WINDOW_US)
        squares = np.bincount(place, sign * np.cos(phase)) ** 2 + np.bincount(place, sign * np.sin(phase)) ** 2
        above = np.bincount(pixels, squares - np.bincount(place, sign**2), width * height)
        strength = np.maximum(strength, above)
    pairs = np.bincount(pixels, counts * (counts - 1), width * height)
    return np.asarray((strength > IN_STEP * np.maximum(pairs, 1.0)).reshape(height, width))


def _flat(events: Array, width: int) -> NDArray[np.int64]:
    """The number of each event's pixel, row by row, [n]."""
    return np.asarray(events["y"].astype(np.int64) * width + events["x"])


def _beside(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean of the quieter half of the eight neighbours: one hot pixel beside another does not hide it. [H, W]."""
    padded = np.pad(counts, 1, mode="edge")
    height, width = counts.shape
    shifts = [(dy, dx) for dy in (0, 1, 2) for dx in (0, 1, 2) if (dy, dx) != (1, 1)]
    around = np.stack([padded[dy : dy + height, dx : dx + width] for dy, dx in shifts])
    return np.asarray(np.sort(around, axis=0)[:4].mean(axis=0))


def count_activity(
    events: Array,
    resolution: tuple[int, int],
    *,
    bin_us: int = 1_000,
    tile_px: int | None = None,
    hot: NDArray[np.bool_] | None = None,
    span_us: tuple[int, int] | None = None,
) -> Activity:
    """Count events by time bin, polarity and tile.

    events: [n] of EVENT_DTYPE in any order; hot: pixels to leave out, bool [H, W]; span_us: [start, end) in event time,
    default from the first event to the last. Raises ActivityError for bins without width and for more than MOST_COUNTS counts.
    """
    if bin_us < 1:
        raise ActivityError(f"A time bin of {bin_us} us has no width; choose at least 1 us.")
    begin_us, end_us = _span(events) if span_us is None else span_us
    width, height = resolution
    tile = tile_px or -(-width // TILES_ACROSS)
    bins, tiles = -(-max(end_us - begin_us, 0) // bin_us), (-(-height // tile), -(-width // tile))
    if 2 * bins * tiles[0] * tiles[1] > MOST_COUNTS:
        raise ActivityError(
            f"The events span {(end_us - begin_us) * 1e-6:,.0f} s, which is too long for bins of {bin_us} us; "
            "look at a part of them, or choose wider bins."
        )
    counts = np.zeros((bins, 2, *tiles), np.uint16)
    mask = np.zeros((height, width), np.bool_) if hot is None else hot
    left_out = _count(events["t"], events["x"], events["y"], events["p"], begin_us, bin_us, tile, mask, counts)
    return Activity(begin_us, bin_us, tile, resolution, counts, int(left_out))


def _span(events: Array) -> tuple[int, int]:
    return (int(events["t"].min()), int(events["t"].max()) + 1) if len(events) else (0, 0)


@numba.njit(cache=True, nogil=True)
def _count(t: Any, x: Any, y: Any, p: Any, begin_us: int, bin_us: int, tile: int, hot: Any, counts: Any) -> int:
    bins, left_out = counts.shape[0], 0
    height, width = hot.shape
    for n in range(t.shape[0]):
        since = t[n] - begin_us
        if since < 0 or x[n] < 0 or y[n] < 0 or x[n] >= width or y[n] >= height:
            left_out += 1
            continue
        index = since // bin_us
        if index >= bins or hot[y[n], x[n]]:
            left_out += 1
            continue
        polarity = 1 if p[n] > 0 else 0
        gy, gx = y[n] // tile, x[n] // tile
        if counts[index, polarity, gy, gx] == 65535:
            left_out += 1
        else:
            counts[index, polarity, gy, gx] += 1
    return left_out
