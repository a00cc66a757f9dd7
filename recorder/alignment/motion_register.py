"""Where a frame camera's samples lie in the event camera's picture, from what moves in both. Knows no paper.

The same increments of light come by at matching places: shift and scale of the best correlation of increments over some
pictures, which a rough clock is enough for; then a shift of each block by itself, since a face is not flat.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from recorder.alignment.motion_increments import TILE_PX, MovingEvents, Reals, Stack

COARSE = 4  # samples and tiles to a side of one place of the first search
SCALES = np.geomspace(0.7, 1.6, 15)  # fields of view of the cameras
SHIFTS = np.arange(-0.35, 0.351, 0.05)  # half widths: what is looked at may be out of the middle
FINE_STEPS = ((0.04, 0.03), (0.02, 0.015), (0.01, 0.008))  # shift, relative scale
BLOCK = 10  # samples to a side
REACH = 3  # tiles that a block may be shifted by: 15 pixels, the parallax of a nose before an ear
BLOCK_GAIN = 1.1  # a shifted block must explain so much more than the unshifted one
CLIP = 6.0


@dataclass(frozen=True)
class Registration:
    """tile_of: [h * w] index of the tile that each sample sees, -1 outside; scale, shift_x, shift_y: of the first mapping,
    p_event = shift + scale * p_frame in half widths; score: correlation of the increments, 0 ... 1.
    """

    tile_of: NDArray[np.int64]
    scale: float
    shift_x: float
    shift_y: float
    score: float

    def tile_row_us(self, row_us: Reals, events: MovingEvents, aspect: float) -> Reals:
        """How much later than the centre row each tile is exposed by the frame camera, [tiles]. row_us: of samples' rows."""
        _, y = events.places()
        share = ((y.ravel() - self.shift_y) / self.scale / aspect + 1) / 2
        return np.asarray(np.interp(share * len(row_us) - 0.5, np.arange(len(row_us)), row_us))


def register(pictures: Stack, events: Stack, moving: MovingEvents) -> Registration:
    """Find where the samples lie. pictures: increments [m, h, w] in units of their noise; events: [m, rows, columns] of the
    same times, both softened.
    """
    aspect = pictures.shape[1] / pictures.shape[2]
    scale, shift_x, shift_y = _rough(pictures, events, moving, aspect)
    flat = np.clip(pictures.reshape(len(pictures), -1), -CLIP, CLIP)
    tiles = events.reshape(len(events), -1)
    mapping = _refined(flat, tiles, moving, aspect, pictures.shape[2], (scale, shift_x, shift_y))
    x, y = _sample_places(pictures.shape[1], pictures.shape[2])
    tile_of = _tiles_at(mapping[1] + mapping[0] * x, mapping[2] + mapping[0] * y, moving)
    tile_of = _blockwise(flat, tiles, tile_of, (pictures.shape[1], pictures.shape[2]), moving.shape)
    return Registration(tile_of, *mapping, _score(flat, tiles, tile_of))


def _sample_places(height: int, width: int) -> tuple[Reals, Reals]:
    row, column = np.mgrid[0:height, 0:width]
    return (column + 0.5) * 2 / width - 1, ((row + 0.5) * 2 - height) / width


def _tiles_at(x: Reals, y: Reals, moving: MovingEvents) -> NDArray[np.int64]:
    """Index of the tile at places in half widths of the event camera, -1 outside; flat."""
    width, height = moving.resolution
    column = np.floor((x + 1) * width / 2 / TILE_PX).astype(np.int64)
    row = np.floor((y * width + height) / 2 / TILE_PX).astype(np.int64)
    inside = (column >= 0) & (column < moving.shape[1]) & (row >= 0) & (row < moving.shape[0])
    return np.asarray(np.where(inside, row * moving.shape[1] + column, -1).ravel())


def _rough(pictures: Stack, events: Stack, moving: MovingEvents, aspect: float) -> tuple[float, float, float]:
    """(scale, shift_x, shift_y) of a grid that explains most, on places COARSE times as wide."""
    a, b = _coarsened(pictures), _coarsened(events)
    together = np.maximum(np.clip(a, -CLIP, CLIP).reshape(len(a), -1).T @ _normed(b.reshape(len(b), -1)), 0) ** 2
    x, y = _sample_places(a.shape[1], a.shape[2])
    best, found = -1.0, (1.0, 0.0, 0.0)
    places = np.arange(together.shape[0])
    width, height = moving.resolution
    for scale in SCALES:
        for shift_y in SHIFTS * aspect:
            row = np.floor(((shift_y + scale * y) * width + height) / 2 / TILE_PX / COARSE).astype(np.int64).ravel()
            for shift_x in SHIFTS:
                column = np.floor((shift_x + scale * x + 1) * width / 2 / TILE_PX / COARSE).astype(np.int64).ravel()
                inside = (row >= 0) & (row < b.shape[1]) & (column >= 0) & (column < b.shape[2])
                total = float(together[places[inside], (row * b.shape[2] + column)[inside]].sum())
                if total > best:
                    best, found = total, (float(scale), float(shift_x), float(shift_y))
    return found


def _coarsened(stack: Stack) -> Stack:
    """Sums over COARSE x COARSE places; what does not fill one is left out."""
    count, height, width = stack.shape
    rows, columns = height // COARSE, width // COARSE
    cut = stack[:, : rows * COARSE, : columns * COARSE]
    return np.asarray(cut.reshape(count, rows, COARSE, columns, COARSE).sum(axis=(2, 4)) / COARSE, np.float32)


def _normed(columns: Stack) -> Stack:
    """Columns [m, n] divided by their norms; quiet ones stay quiet."""
    norm = np.sqrt((columns**2).sum(axis=0))
    return np.asarray(columns / (norm + np.median(norm) + 1e-6), np.float32)


def _score(samples: Stack, tiles: Stack, tile_of: NDArray[np.int64]) -> float:
    """Correlation of increments over all samples that lie within the event camera's picture, and pictures."""
    inside = tile_of >= 0
    if not inside.any():
        return 0.0
    a, b = samples[:, inside], tiles[:, tile_of[inside]]
    return float((a * b).sum() / (np.sqrt((a**2).sum() * (b**2).sum()) + 1e-9))


def _refined(
    samples: Stack, tiles: Stack, moving: MovingEvents, aspect: float, width: int, start: tuple[float, float, float]
) -> tuple[float, float, float]:
    """Scale and shift by coordinate search with ever smaller steps."""
    x, y = _sample_places(round(width * aspect), width)

    def score(scale: float, shift_x: float, shift_y: float) -> float:
        return _score(samples, tiles, _tiles_at(shift_x + scale * x, shift_y + scale * y, moving))

    best, here = score(*start), start
    for shift_step, scale_step in FINE_STEPS:
        moved = True
        while moved:
            moved = False
            for axis, step in ((1, shift_step), (2, shift_step), (0, here[0] * scale_step)):
                for sign in (-1, 1):
                    there = tuple(value + sign * step * (index == axis) for index, value in enumerate(here))
                    found = score(*there)
                    if found > best:
                        best, here, moved = found, (there[0], there[1], there[2]), True
    return here


def _blockwise(
    samples: Stack, tiles: Stack, tile_of: NDArray[np.int64], shape: tuple[int, int], grid: tuple[int, int]
) -> NDArray[np.int64]:
    """Shift each block of samples by whole tiles to where it goes together best with the events."""
    index = tile_of.reshape(shape).copy()
    numbers = np.arange(shape[0] * shape[1]).reshape(shape)
    edges = [sorted({*range(0, side, BLOCK), side}) for side in shape]
    for top, bottom in pairwise(edges[0]):
        for left, right in pairwise(edges[1]):
            block = numbers[top:bottom, left:right].ravel()
            index.ravel()[block] = _best_shift(samples[:, block], tiles, index.ravel()[block], grid)
    return index.ravel()


def _best_shift(samples: Stack, tiles: Stack, tile_of: NDArray[np.int64], grid: tuple[int, int]) -> NDArray[np.int64]:
    best, chosen = BLOCK_GAIN * max(_score(samples, tiles, tile_of), 0.02), tile_of
    for rows in range(-REACH, REACH + 1):
        for columns in range(-REACH, REACH + 1):
            there = _moved(tile_of, rows, columns, grid)
            found = _score(samples, tiles, there)
            if found > best and np.count_nonzero(there >= 0) >= 0.8 * np.count_nonzero(tile_of >= 0):
                best, chosen = found, there
    return chosen


def _moved(tile_of: NDArray[np.int64], rows: int, columns: int, grid: tuple[int, int]) -> NDArray[np.int64]:
    row, column = tile_of // grid[1] + rows, tile_of % grid[1] + columns
    inside = (tile_of >= 0) & (row >= 0) & (row < grid[0]) & (column >= 0) & (column < grid[1])
    return np.where(inside, row * grid[1] + column, -1)
