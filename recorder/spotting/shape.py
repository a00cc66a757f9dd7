"""What a movement looks like in numbers: where its cells are, how they lie, how sure its two ways are. Knows no script."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recorder.spotting.cells import Bools, Cells
from recorder.spotting.pairs import Pair

SIDE_BLUR = 0.5  # cells that are added to the spread of a side: a single cell has none


@dataclass(frozen=True)
class Shape:
    """x, y: centre in cells; tall: standard deviation of the rows; left, right: centres of the two sides in cells; apart: their
    distance by their own spreads; balance: energy of the weaker side by that of the stronger; share: of the cells that see
    anything; sure: the lesser of both scores; height: of the burst; head: ratio of the middle patch then; back: share of the
    way that is gone back; pause: time between the ways by that of the ways.
    """

    x: float
    y: float
    tall: float
    left: float
    right: float
    apart: float
    balance: float
    share: float
    sure: float
    height: float
    head: float
    back: float
    pause: float

    @property
    def width(self) -> float:
        """Distance of the sides in cells."""
        return self.right - self.left


def shape_of(cells: Cells, seen: Bools, pair: Pair) -> Shape:
    """The numbers of a movement. seen: bool [C], cells in which something ever changes."""
    energy = (pair.pattern.astype(np.float64) ** 2 * pair.mask).reshape(cells.grid)
    rows, columns = energy.sum(axis=1), energy.sum(axis=0)
    y, tall = _moments(np.arange(len(rows)), rows)
    x, _ = _moments(np.arange(len(columns)), columns)
    left, right, apart, balance = _sides(columns, x)
    ways = pair.rise.length + (pair.fall.length if pair.fall else 0.0)
    pause = max(0.0, pair.fall.begin - pair.rise.end) if pair.fall else 0.0
    return Shape(
        x, y, tall, left, right, apart, balance,
        share=float((pair.mask & seen).sum()) / max(1, int(seen.sum())),
        sure=min(pair.rise.score, pair.fall.score) if pair.fall else 0.0,
        height=pair.burst.height,
        head=pair.burst.head,
        back=pair.back,
        pause=pause / max(ways, 1.0),
    )  # fmt: skip


def _moments(places: NDArray[np.int64], weight: NDArray[np.float64]) -> tuple[float, float]:
    total = max(float(weight.sum()), 1e-12)
    mean = float(weight @ places) / total
    return mean, math.sqrt(max(float(weight @ (places - mean) ** 2) / total, 0.0))


def _sides(columns: NDArray[np.float64], x: float) -> tuple[float, float, float, float]:
    """Centres of what is left and right of the middle, their distance by their spreads, and their balance."""
    places = np.arange(len(columns))
    cut = math.ceil(x)
    (left, left_spread), (right, right_spread) = (
        _moments(places[part], columns[part]) for part in (slice(cut), slice(cut, None))
    )
    one, other = float(columns[:cut].sum()), float(columns[cut:].sum())
    if not one or not other:
        return x, x, 0.0, 0.0
    apart = (right - left) / (left_spread + right_spread + SIDE_BLUR)
    return left, right, apart, min(one, other) / max(one, other)
