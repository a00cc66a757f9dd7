"""Inner loops over events for looking at them, in numba without the interpreter lock. Knows no file, no cache and no face."""

from typing import Any

import numba


@numba.njit(cache=True, nogil=True)
def add_counts(events: Any, start_us: int, end_us: int, counts: Any) -> None:
    """Count the events of [start_us, end_us). counts: uint16 [2, H, W], OFF and ON, added to and full at 65,535."""
    height, width = counts.shape[1], counts.shape[2]
    for i in range(len(events)):
        t, x, y = events[i]["t"], events[i]["x"], events[i]["y"]
        if t < start_us or t >= end_us or x < 0 or y < 0 or x >= width or y >= height:
            continue
        polarity = 1 if events[i]["p"] > 0 else 0
        if counts[polarity, y, x] < 65535:
            counts[polarity, y, x] += 1


@numba.njit(cache=True, nogil=True)
def add_surface(events: Any, start_us: int, end_us: int, surface: Any) -> None:
    """How new each pixel's newest event of [start_us, end_us) is.

    surface: float32 [2, H, W], OFF and ON, raised where newer.
    """
    height, width = surface.shape[1], surface.shape[2]
    scale = 1.0 / (float(end_us) - float(start_us))  # times may be farther apart than 63 bits
    for i in range(len(events)):
        t, x, y = events[i]["t"], events[i]["x"], events[i]["y"]
        if t < start_us or t >= end_us or x < 0 or y < 0 or x >= width or y >= height:
            continue
        polarity = 1 if events[i]["p"] > 0 else 0
        newness = (float(t) - float(start_us) + 1.0) * scale
        if newness > surface[polarity, y, x]:
            surface[polarity, y, x] = newness


@numba.njit(cache=True, nogil=True)
def add_rates(events: Any, start_us: int, bin_us: int, regions: Any, counts: Any) -> None:
    """Count events by time bin, region and polarity.

    regions: uint8 [H, W], the row of `counts` for each pixel, beyond its last for pixels that are not wanted; counts: uint16
    [bins, regions, 2], OFF and ON, added to and full at 65,535; bin i begins at start_us + i * bin_us.
    """
    height, width = regions.shape
    bins, rows = counts.shape[0], counts.shape[1]
    for i in range(len(events)):
        since, x, y = events[i]["t"] - start_us, events[i]["x"], events[i]["y"]
        if since < 0 or x < 0 or y < 0 or x >= width or y >= height:
            continue
        number, row = since // bin_us, regions[y, x]
        if number >= bins or row >= rows:
            continue
        polarity = 1 if events[i]["p"] > 0 else 0
        if counts[number, row, polarity] < 65535:
            counts[number, row, polarity] += 1


@numba.njit(cache=True, nogil=True)
def reduce_bins(counts: Any, first: int, step: int, sums: Any, least: Any, most: Any) -> None:
    """Sum, least and most of every `step` rows of `counts` [bins, 2] from row `first` on, into [n, 2] each.

    Rows before 0 and after the last are left out; where none is left all three are 0.
    """
    for n in range(sums.shape[0]):
        begin, end = max(0, first + n * step), min(counts.shape[0], first + (n + 1) * step)
        for polarity in range(2):
            total, low, high = 0, 0, 0
            for row in range(begin, end):
                value = counts[row, polarity]
                low = value if row == begin or value < low else low
                high = value if value > high else high
                total += value
            sums[n, polarity], least[n, polarity], most[n, polarity] = total, low, high
