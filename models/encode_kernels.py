"""The inner loops of encoding (encode.py says what they compute), in numba without the interpreter lock.

Flat arrays in, flat arrays out; knows no settings. A cell's number is (polarity * size + row) * size + column, OFF first.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from protocol.streams import Array
from recorder.sim.fastmath import exp32, log32

NEVER_US = -(2**62)
OUTSIDE = np.int32(-(2**29))  # two of them still fit, and no cell makes up for one
COUNTS, BINARY, LOG_COUNTS = 0, 1, 2

Ints = NDArray[np.int32]
Times = NDArray[np.int64]
Counts = NDArray[np.uint32]
Floats = NDArray[np.float32]

_ZERO, _ONE, _MINUS = np.float32(0), np.float32(1), np.float32(-1)
_FADED = np.float32(80)  # exp(-80) is 2e-35: nothing


@njit(cache=True, nogil=True, error_model="numpy")
def in_order(events: Array) -> bool:
    """Whether no event is earlier than the one before it."""
    before = np.int64(NEVER_US)
    for n in range(events.size):
        t = events[n].t
        if t < before:
            return False
        before = t
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def first_from(events: Array, t_us: int) -> int:
    """The first event that is not before t_us, of events in order; their number where all are."""
    low, high = 0, events.size
    while low < high:
        middle = (low + high) // 2
        if events[middle].t < t_us:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True, error_model="numpy")
def place(
    events: Array, at: int, end_us: int, most: int, columns: Ints, rows: Ints, size: int, cells: Ints, times: Times
) -> tuple[int, int]:
    """Find the cells of events[at:] that are before end_us, until `most` are found or `cells` is full but for one.

    columns: of each x, rows: row * size of each y, OUTSIDE where a pixel is off the grid and, last of all, for pixels behind
    them. Written: cells and times of the events on the grid. Returns where to go on in `events`, and how many were found.
    """
    found, count, plane = 0, events.size, size * size
    width, height = columns.size - 1, rows.size - 1
    most = min(most, cells.size - 1)
    while at < count and found < most:
        t = events[at].t
        if t >= end_us:
            break
        x = min(int(np.uint16(events[at].x)), width)  # what is negative as int16 is large without a sign
        y = min(int(np.uint16(events[at].y)), height)
        cell = columns[np.uint64(x)] + rows[np.uint64(y)]
        cells[found] = cell + (plane if events[at].p > 0 else 0)
        times[found] = t
        # Branches would be guessed wrong for up to half of the events: one off the grid is written, and then written over.
        found += 1 if cell >= 0 else 0
        at += 1
    return at, found


@njit(cache=True, nogil=True, error_model="numpy")
def add_counts(cells: Ints, counts: Counts) -> None:
    """One more for each event. counts: [2 * size * size]."""
    for n in range(cells.size):
        counts[cells[n]] += np.uint32(1)


@njit(cache=True, nogil=True, error_model="numpy")
def add_times(cells: Ints, times: Times, last: Times) -> None:
    """The time of each cell's newest event. last: [2 * size * size] us; times rise."""
    for n in range(cells.size):
        last[cells[n]] = times[n]


@njit(cache=True, nogil=True, error_model="numpy")
def add_voxels(cells: Ints, times: Times, begin_us: int, bin_us: int, voxels: Times) -> None:
    """Share each polarity between the bin's begin and its end. voxels: [2, size * size], in us: sums of whole numbers."""
    plane = voxels.shape[1]
    for n in range(cells.size):
        cell, since = cells[n], times[n] - begin_us
        if cell >= plane:
            voxels[0, cell - plane] += bin_us - since
            voxels[1, cell - plane] += since
        else:
            voxels[0, cell] -= bin_us - since
            voxels[1, cell] -= since


@njit(cache=True, nogil=True, error_model="numpy")
def add_bits(cells: Ints, times: Times, begin_us: int, bin_us: int, bits: int, words: Counts) -> None:
    """Set the bit of each event's part of the bin, the first part highest. words: [2 * size * size]."""
    for n in range(cells.size):
        part = (times[n] - begin_us) * bits // bin_us
        words[cells[n]] |= np.uint32(1 << (bits - 1 - part))


@njit(cache=True, nogil=True, error_model="numpy")
def write_counts(counts: Counts, ceiling: int, mode: int, out: Floats) -> None:
    """Counts, whether there are any, or ln(1 + counts). out: as long as counts."""
    most = np.uint32(ceiling)
    if mode == COUNTS:
        for n in range(counts.size):
            out[n] = np.float32(min(counts[n], most))
    elif mode == BINARY:
        for n in range(counts.size):
            out[n] = _ONE if counts[n] > 0 else _ZERO
    else:
        for n in range(counts.size):
            out[n] = log32(_ONE + np.float32(min(counts[n], most)))


@njit(cache=True, nogil=True, error_model="numpy")
def write_leaky(counts: Counts, keep: np.float32, level: Floats, out: Floats) -> None:
    """Let the level leak to the share `keep`, add the counts, write ln(1 + level)."""
    for n in range(counts.size):
        level[n] = level[n] * keep + np.float32(counts[n])
        out[n] = log32(_ONE + level[n])


@njit(cache=True, nogil=True, error_model="numpy")
def write_surface(last: Times, end_us: int, tau_us: np.float32, out: Floats) -> None:
    """exp(-(end - last) / tau), 0 where nothing has ever been."""
    for n in range(last.size):
        age = np.float32(end_us - last[n]) / tau_us
        out[n] = exp32(_MINUS * min(age, _FADED)) if age < _FADED else _ZERO
