"""Event rates as a picture: ON upwards and OFF downwards from a middle line, the mean solid and the peaks faint. No Qt.

Painted by array operations, a hundred times faster than as outlines. What is not counted yet is hatched.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.preview.palettes import Rgba
from recorder.browse.curves import Stretch

Pixels = NDArray[np.uint32]

LEAST_RATE = 500.0  # events a second at the top of a quiet curve: noise alone would look like a movement
LEAST_SCALED = 0.15  # of the view must lie after the paper, or the scale is that of the paper
HATCH_PX = 6
FAINT = 0.38  # opacity of the peaks
STEPS = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True)
class CurveColours:
    """Colours of ON, OFF and of what is not known."""

    on: Rgba
    off: Rgba
    unknown: Rgba


@dataclass(frozen=True)
class Columns:
    """Rates by pixel column: mean, most: float32 [regions, 2 (OFF, ON), columns]; NaN where nothing was counted yet;
    scaled_from: the first column that the scale is made for; what is larger before it is cut off.
    """

    mean: NDArray[np.float32]
    most: NDArray[np.float32]
    scaled_from: int = 0

    def top(self, region: int) -> float:
        """The rate at the upper border of a region's row: the next of 1, 2, 5, 10 ... above the largest mean."""
        means = self.mean[region][:, self.scaled_from :]
        largest = float(np.nanmax(means)) if means.size and not np.isnan(means).all() else 0.0
        return rounded_up(max(LEAST_RATE, largest))


def columns_of(stretch: Stretch, start_us: int, end_us: int, columns: int, paper_us: int | None = None) -> Columns:
    """A stretch of about one to two bins a column, by column: the mean of two instants within it, the larger of their peaks.

    paper_us: the sheet of paper has gone; the scale is made for what comes after it, if enough of that is in sight.
    """
    count = len(stretch.start_us)
    if not count or columns < 1:
        empty = np.zeros((len(stretch.regions), 2, max(columns, 0)), np.float32)
        return Columns(empty, empty)
    halves = start_us + ((np.arange(2 * columns) + 0.5) * ((end_us - start_us) / (2 * columns))).astype(np.int64)
    number = np.clip((halves - int(stretch.start_us[0])) // stretch.bin_us, 0, count - 1)
    mean, most = stretch.mean[:, :, number], stretch.most[:, :, number]
    after = 0 if paper_us is None else round((paper_us - start_us) * columns / (end_us - start_us))
    scaled_from = min(max(after, 0), columns) if after < columns * (1 - LEAST_SCALED) else 0
    peaks = np.maximum(most[..., 0::2], most[..., 1::2])
    return Columns((mean[..., 0::2] + mean[..., 1::2]) * np.float32(0.5), peaks, scaled_from)


def curve_pixels(columns: Columns, region: int, height: int, colours: CurveColours) -> Pixels:
    """One row [height, columns] of premultiplied alpha, red, green, blue in each number."""
    mean, most, top = columns.mean[region], columns.most[region], columns.top(region)
    middle = max(1, height // 2)
    away = np.arange(middle, dtype=np.float32)[:, None] + 0.5
    out = np.zeros((height, mean.shape[1]), np.uint32)
    halves = ((out[:middle][::-1], 1, colours.on), (out[middle : 2 * middle], 0, colours.off))
    for half, polarity, colour in halves:
        with np.errstate(invalid="ignore"):
            half[away < most[polarity] * (middle / top)] = premultiplied(colour, FAINT)
            half[away < mean[polarity] * (middle / top)] = premultiplied(colour, 1.0)
    unknown = np.isnan(mean[0])
    if unknown.any():
        y, x = np.ogrid[:height, : mean.shape[1]]
        out[((x + y) % HATCH_PX == 0) & unknown] = premultiplied(colours.unknown, 0.6)
    return out


def premultiplied(colour: Rgba, alpha: float) -> np.uint32:
    """A colour as the number that a picture with premultiplied opacity holds."""
    red, green, blue = (round(part * alpha) for part in colour[:3])
    return np.uint32((round(255 * alpha) << 24) | (red << 16) | (green << 8) | blue)


def rounded_up(value: float) -> float:
    """The next of 1, 2, 5, 10 ... at or above."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(step * power for step in STEPS if step * power >= value * (1 - 1e-9)))
