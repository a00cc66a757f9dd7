"""When the face cannot be seen, or all of the view changes at once: paper that comes, covers and goes, the light switched.

Rough and quick, to keep such stretches out of the search for movements; `paperwatch.py` is what times the paper. Knows no
face and no file.
"""

import numpy as np
from numpy.typing import NDArray

from recorder.activity import Activity
from recorder.spotting.cells import Bools, Floats, sums

LOOK_US = 20_000
PASS_US = 320_000  # a sheet crosses the view in 150 to 350 ms
HIT_RATIO, LEAST_HIT = 6.0, 4  # times the usual events of a cell in LOOK_US, and at least so many: something passed
# Share of the quieter half of the cells, mostly wall, that something passed within PASS_US. Measured on 42 simulated takes:
# sheets 0.29 to 1, heads turned by up to 35 degrees up to 0.19, everything else below 0.1.
FLOOD, BUSY = 0.24, 0.03
BEFORE_US, AFTER_US = 60_000, 120_000  # hand and sheet beside the view; slow pixels
# Correlation of where events come from, with where they come from when the face is seen: 0.0 to 0.42 behind paper, 0.69 and
# more with a face that turned in between.
ALIKE = 0.55
LEAST_RUN_US = 300_000  # enough to say where events come from


def usable_bins(activity: Activity) -> Bools:
    """Bins in which the face can be seen and nothing passes before it, bool [T]."""
    step = max(1, LOOK_US // activity.bin_us)
    looks = activity.bins // step
    if looks < 2:
        return np.ones(activity.bins, bool)
    counts = activity.counts[: looks * step].reshape(looks, step, 2, -1).sum(axis=(1, 2), dtype=np.float32)
    flooded = _floods(counts, max(1, PASS_US // (step * activity.bin_us)))
    veiled = np.repeat(_covered(counts, flooded, LEAST_RUN_US // (step * activity.bin_us)), step)
    whole = np.append(veiled, np.repeat(veiled[-1:], activity.bins - len(veiled)))
    return np.asarray(~_widened(whole, activity.bin_us))


def _floods(counts: Floats, width: int) -> Bools:
    """Looks in which something passes the wall as well. counts: float32 [N, C]."""
    flooded = np.zeros(len(counts), bool)
    if len(counts) <= width:
        return flooded
    hit = counts > np.maximum(LEAST_HIT, HIT_RATIO * np.median(counts, axis=0))
    often = np.quantile(counts[::2], 0.9, axis=0)
    quiet = often <= np.median(often)
    passed = (sums(hit[:, quiet].astype(np.float32), width) > 0.5).mean(axis=1) > FLOOD
    for begin in np.flatnonzero(passed):
        flooded[begin : begin + width] = True
    busy = hit.mean(axis=1) > BUSY
    return np.asarray(flooded & (busy | np.roll(busy, 1) | np.roll(busy, -1)))


def _covered(counts: Floats, flooded: Bools, least: int) -> Bools:
    """The floods, and the stretches between and after them in which events come from elsewhere than at first."""
    veiled = flooded.copy()
    runs = [run for run in runs_of(~flooded) if run[1] - run[0] >= least]
    if not flooded.any() or len(runs) < 2:
        return veiled
    maps = [_map(counts[low:high]) for low, high in runs]
    face = maps[0] if runs[0][0] == 0 else maps[-1]
    for (low, high), where in zip(runs, maps, strict=True):
        if float(face @ where) < ALIKE:
            veiled[low:high] = True
    return veiled


def _map(counts: Floats) -> NDArray[np.float64]:
    """Where events come from, [C], of length 1, without what is everywhere."""
    level = np.sqrt(counts.mean(axis=0, dtype=np.float64))
    level -= np.median(level)
    return np.asarray(level / max(float(np.linalg.norm(level)), 1e-9))


def runs_of(true: Bools) -> list[tuple[int, int]]:
    """[begin, end) of each stretch of True."""
    steps: NDArray[np.int64] = np.flatnonzero(np.diff(np.concatenate([[False], true, [False]]).astype(np.int8)))
    return list(zip(steps[::2].tolist(), steps[1::2].tolist(), strict=True))


def _widened(veiled: Bools, bin_us: int) -> Bools:
    before, after = BEFORE_US // bin_us, AFTER_US // bin_us
    wide = veiled.copy()
    for low, high in runs_of(veiled):
        wide[max(0, low - before) : high + after] = True
    return wide
