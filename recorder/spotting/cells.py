"""What every later step looks at: by how much each small cell of the sensor got brighter or darker in each time bin.

Counts ON less OFF events, in units of the noise of the cell. Knows no face, no script and no file.
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from recorder.activity import Activity

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

CELLS_ACROSS = 44  # 8 pixels of a DAVIS346: smaller ones tell little more, larger ones mix brow and lid
BIN_US = 5_000  # the shortest rise of a micro-expression (40 ms) still takes two bins
# Variance of a cell's difference in a bin where nothing moves: a few tenths of a noise event a second and pixel.
LEAST_VARIANCE = 0.01


@dataclass(frozen=True)
class Cells:
    """Brightness changes. changes: float32 [T, C], ON less OFF events of each bin and cell over `scale`; rows that are not
    usable are 0; events: float32 [T, C], ON and OFF events together, per cell; scale: float32 [C], standard deviation of a
    cell's difference in a bin if events came independently; grid: (GY, GX) with C = GY * GX; usable: bool [T].
    """

    start_us: int
    bin_us: int
    cell_px: int
    grid: tuple[int, int]
    changes: Floats
    events: Floats
    scale: Floats
    usable: Bools

    @cached_property
    def total(self) -> NDArray[np.float64]:
        """Events of all cells together in each bin, [T]."""
        return np.asarray(self.events.sum(axis=1, dtype=np.float64))

    @property
    def bins(self) -> int:
        """Number of time bins."""
        return int(self.changes.shape[0])

    @property
    def end_us(self) -> int:
        """Event time at which the last bin ends."""
        return self.start_us + self.bins * self.bin_us

    def time_us(self, position: float) -> int:
        """Event time of a position counted in bins."""
        return self.start_us + round(position * self.bin_us)

    def position(self, t_us: float) -> float:
        """The position in bins of an event time, held within 0 ... bins."""
        return float(np.clip((t_us - self.start_us) / self.bin_us, 0, self.bins))

    def bins_of(self, duration_us: float) -> int:
        """How many bins a duration is, at least one."""
        return max(1, round(duration_us / self.bin_us))


def cell_size(width: int) -> int:
    """Edge of a cell in pixels on a sensor of that width."""
    return max(1, -(-width // CELLS_ACROSS))


def cells_of(activity: Activity, usable: Bools) -> Cells:
    """The differences of counted events in units of each cell's noise. usable: bool [T], bins to look at."""
    bins, _, rows, columns = activity.counts.shape
    counts = activity.counts.reshape(bins, 2, rows * columns).astype(np.float32)
    events = counts[:, 0] + counts[:, 1]
    mean = events[usable].mean(axis=0) if usable.any() else np.zeros(rows * columns, np.float32)
    scale = np.sqrt(mean + LEAST_VARIANCE * activity.bin_us / BIN_US).astype(np.float32)
    changes = (counts[:, 1] - counts[:, 0]) / scale
    changes[~usable] = 0
    return Cells(activity.start_us, activity.bin_us, activity.tile_px, (rows, columns), changes, events, scale, usable)


def smooth(values: Floats, sigma_bins: float) -> Floats:
    """Each column of [T, C] blurred over time by a Gaussian."""
    if not len(values) or not values.shape[1]:
        return values
    size = 2 * max(1, round(3 * sigma_bins)) + 1
    blurred = cv2.GaussianBlur(values, (1, size), sigmaX=0.01, sigmaY=sigma_bins, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.float32).reshape(values.shape)


def sums(values: Floats, width: int) -> Floats:
    """Sums over `width` bins on from each bin, [T - width + 1, ...] of [T, ...]."""
    running = np.zeros((len(values) + 1, *values.shape[1:]), np.float64)
    np.cumsum(values, axis=0, out=running[1:])
    return np.asarray(running[width:] - running[:-width], np.float32)


def around(values: Floats, grid: tuple[int, int]) -> Floats:
    """Sums over each cell and its eight neighbours, [N, C] of [N, C]."""
    padded = np.pad(values.reshape(-1, *grid), ((0, 0), (1, 1), (1, 1)))
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    return np.asarray(rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]).reshape(values.shape)
