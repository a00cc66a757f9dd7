"""Events to counts per time bin, polarity and pixel: `[T, 2, H, W]`. NumPy only; knows no file and no network.

Channel 0 counts OFF events (p = 0), channel 1 ON events (p = 1). A bin is half open: [edges_us[i], edges_us[i + 1]).
"""

import numpy as np
from numpy.typing import NDArray

from protocol.errors import GlimpseError
from protocol.streams import Array

OFF_CHANNEL = 0
ON_CHANNEL = 1


class BinningError(GlimpseError):
    """Bins that cannot be made: no width, no number, or edges that do not rise."""


def edges_by_width(start_us: int, end_us: int, bin_us: int) -> NDArray[np.int64]:
    """Edges [T + 1] of bins of `bin_us` from `start_us` on; the last bin may reach beyond `end_us`.

    A stretch without length gives no bin: one edge. Raises BinningError for a width below 1 us.
    """
    if bin_us < 1:
        raise BinningError(f"A time bin of {bin_us} us has no width; choose at least 1 us.")
    bins = -(-max(end_us - start_us, 0) // bin_us)
    return start_us + bin_us * np.arange(bins + 1, dtype=np.int64)


def edges_by_number(start_us: int, end_us: int, bins: int) -> NDArray[np.int64]:
    """Edges [bins + 1] that share [start_us, end_us) evenly, to the microsecond; bins of an empty stretch are empty.

    Raises BinningError for fewer than one bin.
    """
    if bins < 1:
        raise BinningError(f"{bins} time bins are none; choose at least one.")
    span_us = max(end_us - start_us, 0)
    return np.array([start_us + span_us * index // bins for index in range(bins + 1)], dtype=np.int64)


def bin_events(events: Array, edges_us: NDArray[np.int64], resolution: tuple[int, int]) -> NDArray[np.uint32]:
    """Count events in `[T, 2, H, W]`, uint32.

    events: [n] EVENT_DTYPE in any order; edges_us: [T + 1] int64, not falling; resolution: (width, height) in pixels.
    Events before the first edge, from the last edge on, or outside the pixels are not counted: `outside` says how many.
    """
    edges = _rising(edges_us)
    width, height = resolution
    shape = (len(edges) - 1, 2, height, width)
    index = np.searchsorted(edges, events["t"], side="right") - 1
    x, y = events["x"].astype(np.int64), events["y"].astype(np.int64)
    inside = (index >= 0) & (index < shape[0]) & (x >= 0) & (x < width) & (y >= 0) & (y < height)
    channel = np.where(events["p"] > 0, ON_CHANNEL, OFF_CHANNEL)
    flat = ((index * 2 + channel) * height + y) * width + x
    counts = np.bincount(flat[inside], minlength=int(np.prod(shape, dtype=np.int64)))
    return counts.astype(np.uint32).reshape(shape)


def outside(events: Array, counts: NDArray[np.uint32]) -> int:
    """How many of `events` are not in `counts` = bin_events(events, ...)."""
    return len(events) - int(counts.sum(dtype=np.int64))


def _rising(edges_us: NDArray[np.int64]) -> NDArray[np.int64]:
    edges = np.asarray(edges_us, dtype=np.int64)
    if edges.ndim != 1 or len(edges) == 0 or bool(np.any(edges[1:] < edges[:-1])):
        raise BinningError("The edges of time bins must be one list of rising times; check start, end and bin width.")
    return edges
