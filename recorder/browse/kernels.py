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

    regions: uint8 [H, W], 0 ... regions - 1, beyond that for pixels that are not wanted; counts: uint16 [bins, regions, 2], OFF
    and ON, added to and full at 65,535, where row 0 has the events of all wanted pixels; bin i begins at start_us + i * bin_us.
    """
    height, width = regions.shape
    bins, rows = counts.shape[0], counts.shape[1]
    for i in range(len(events)):
        t, x, y = events[i]["t"], events[i]["x"], events[i]["y"]
        since = t - start_us
        if t < start_us or since < 0 or x < 0 or y < 0 or x >= width or y >= height:
            continue
        number, row = since // bin_us, regions[y, x]
        if number >= bins or row >= rows:
            continue
        polarity = 1 if events[i]["p"] > 0 else 0
        if counts[number, 0, polarity] < 65535:
            counts[number, 0, polarity] += 1
        if row > 0 and counts[number, row, polarity] < 65535:
            counts[number, row, polarity] += 1


@numba.njit(cache=True, nogil=True)
def reduce_bins(
    sums: Any, least: Any, most: Any, stop: int, first: int, step: int, out_sums: Any, out_least: Any, out_most: Any
) -> None:
    """Join every `step` bins into one: the sum of sums, the least of least, the most of most.

    sums, least, most: [bins, columns], of which those before `stop` count; output i, [n, columns], begins at bin
    first + i * step. Bins before 0 or from `stop` on are left out; where none is left all are 0.
    """
    columns = sums.shape[1]
    for n in range(out_sums.shape[0]):
        begin, end = max(0, first + n * step), min(stop, first + (n + 1) * step)
        for column in range(columns):
            out_sums[n, column] = 0
            out_least[n, column] = least[begin, column] if begin < end else 0
            out_most[n, column] = 0
        for row in range(begin, end):
            for column in range(columns):
                out_sums[n, column] += sums[row, column]
                if least[row, column] < out_least[n, column]:
                    out_least[n, column] = least[row, column]
                if most[row, column] > out_most[n, column]:
                    out_most[n, column] = most[row, column]
