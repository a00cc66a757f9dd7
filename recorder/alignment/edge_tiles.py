"""When the events of a small tile of the sensor come: bursts, and the onset that they speak of. Knows no sheet of paper.

An event pixel answers a step of light late: its front end is a low-pass whose corner falls with the light (Lichtsteiner,
Posch, Delbruck, IEEE JSSC 43(2), 2008, section IV-D). What it answers with is a burst, and the burst tells how late it was.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocol.streams import Array

TILE_PX = 8  # a tile holds some hundred events of a passing edge, which crosses it in a millisecond or two
OFTEN, TIMES_OFTEN = 85, 2.0  # percentile of the bins of a tile, of which an edge stirs few
Reals = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Two quantiles of a burst. The answer of a first-order low-pass to a step at 0 has reached the share q at -tau ln(1 - q).
EARLY, LATE = 0.2, 0.7
_EARLY_TAU, _LATE_TAU = -float(np.log(1 - EARLY)), -float(np.log(1 - LATE))


@dataclass(frozen=True)
class Grid:
    """Tiles of TILE_PX over a sensor of (width, height) = resolution pixels."""

    resolution: tuple[int, int]

    @property
    def columns(self) -> int:
        """Tiles in a row."""
        return -(-self.resolution[0] // TILE_PX)

    @property
    def count(self) -> int:
        """Tiles in all."""
        return self.columns * -(-self.resolution[1] // TILE_PX)

    def places(self) -> tuple[Reals, Reals]:
        """Places x and y of every tile's centre in half widths of the sensor from its middle, [count] each."""
        tiles = np.arange(self.count)
        return self._place((tiles % self.columns + 0.5) * TILE_PX, (tiles // self.columns + 0.5) * TILE_PX)

    def pixel_places(self) -> tuple[Reals, Reals]:
        """The same of every pixel, [H * W] each."""
        pixels = np.arange(self.resolution[0] * self.resolution[1])
        return self._place(pixels % self.resolution[0] + 0.5, pixels // self.resolution[0] + 0.5)

    def _place(self, x_px: NDArray[np.floating], y_px: NDArray[np.floating]) -> tuple[Reals, Reals]:
        width, height = self.resolution
        return np.asarray(x_px * 2 / width - 1), np.asarray((y_px * 2 - height) / width)

    def pixels(self, events: Array) -> NDArray[np.int64]:
        """Index of each event's pixel, [n]. events: inside the sensor."""
        return np.asarray(events["y"].astype(np.int64) * self.resolution[0] + events["x"])

    def tiles(self, events: Array) -> NDArray[np.int64]:
        """Index of each event's tile, [n]. events: inside the sensor."""
        return np.asarray((events["y"] // TILE_PX).astype(np.int64) * self.columns + events["x"] // TILE_PX)


@dataclass(frozen=True)
class Bursts:
    """What the events of each tile say, [count] each; times in ms in the terms of the times given.

    early_ms: when the share EARLY has come; tau_ms: time constant of the answer; per_pixel: events for each pixel.
    """

    early_ms: Reals
    tau_ms: Reals
    per_pixel: Reals

    def onset_ms(self, hysteresis: float) -> Reals:
        """When the light began to change: carried back to the beginning of an exponential answer.

        hysteresis: how much of a threshold, on average over the pixels, the light changes before a burst gives its first
        event. A burst of N events a pixel then begins when ln(1 + hysteresis / N) time constants have passed.
        """
        waited = np.log1p(hysteresis / np.maximum(self.per_pixel, 0.5))
        return np.asarray(self.early_ms - (_EARLY_TAU + waited) * self.tau_ms)


def peaks_ms(tiles: NDArray[np.int64], times_ms: Reals, count: int, bin_ms: float) -> tuple[Reals, Reals]:
    """Middle of the busiest two bins of each tile, and how many events are in them beyond what often comes, [count] each.

    times_ms: 0 or more. A lamp that flickers stirs a tile as much in every period as an edge does once.
    """
    bins = int(times_ms.max() / bin_ms) + 2 if len(times_ms) else 2
    flat = tiles * bins + (times_ms / bin_ms).astype(np.int64)
    counts = np.bincount(flat, minlength=count * bins).reshape(count, bins)
    pairs = counts[:, :-1] + counts[:, 1:]
    often = np.percentile(pairs, OFTEN, axis=1)
    return (pairs.argmax(axis=1) + 1.0) * bin_ms, np.maximum(pairs.max(axis=1) - TIMES_OFTEN * often, 0)


def bursts(tiles: NDArray[np.int64], times_ms: Reals, count: int) -> Bursts:
    """The burst of each tile. times_ms: [n], 0 to 1000."""
    early, late, numbers = _quantiles(tiles, times_ms, count, (EARLY, LATE))
    tau = np.maximum(late - early, 0) / (_LATE_TAU - _EARLY_TAU)
    return Bursts(early, tau, numbers / TILE_PX**2)


def _quantiles(
    tiles: NDArray[np.int64], times_ms: Reals, count: int, shares: tuple[float, float]
) -> tuple[Reals, Reals, NDArray[np.int64]]:
    """Two quantiles of each tile's times (0 without any), and how many times each has. times_ms: 0 to 1000."""
    keys = np.sort((tiles << 20) | (times_ms * 1e3).astype(np.int64))  # microseconds fit into 20 bits; faster than lexsort
    ordered = np.append((keys & 0xFFFFF) * 1e-3, 0.0)
    numbers = np.bincount(tiles, minlength=count)
    first = np.cumsum(numbers) - numbers
    found = []
    for share in shares:
        place = share * np.maximum(numbers - 1, 0)
        below = np.minimum(first + place.astype(np.int64), len(ordered) - 1)
        above = np.minimum(below + 1, np.maximum(first + numbers - 1, below))
        part = place - np.floor(place)
        found.append(np.where(numbers > 0, ordered[below] * (1 - part) + ordered[above] * part, 0.0))
    return found[0], found[1], numbers
