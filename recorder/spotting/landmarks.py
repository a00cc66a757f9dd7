"""From fitted profiles to event times: the last instant of rest, the apex, rest again.

The profile of a pattern begins late, since the pattern is that of the whole way and the first of it looks a little different;
the number of events in the same cells begins less late but is noisier. Both are corrected by what was measured on simulated
takes, and averaged. Knows no script and no file.
"""

from dataclasses import dataclass

import numpy as np

from recorder.spotting.cells import Bools, Cells
from recorder.spotting.pairs import Pair
from recorder.spotting.profiles import Course, Fit, refine

# Corrections, fitted (least absolute deviations) on simulated takes of six subjects: lateness = constant + share of the way's
# length. Dark pixels lag: what ends seems to end later (1st-order low-pass of the pixel, and the events of a lasting step).
PATTERN_LATE_US, PATTERN_LATE_SHARE = 2_300.0, 0.13
COUNTED_LATE_US, COUNTED_LATE_SHARE = -2_900.0, 0.11
APEX_LATE_US = 15_000.0
OFFSET_LATE_US = 1_700.0
LID_ONSET_LATE_US, LID_APEX_LATE_US, LID_OFFSET_LATE_US = 4_000.0, 13_000.0, 10_000.0
MOST_APART = 0.25  # share of the rise by which the two estimates may differ
LEAST_US = 5_000  # between landmarks
QUIET = 0.9  # quantile of a place's events that still are rest
STEADY_BINS = 9
AROUND_BINS = 10


@dataclass(frozen=True)
class Landmarks:
    """Event times in us, and the times between them."""

    onset_us: int
    apex_us: int
    offset_us: int


def counted(cells: Cells, mask: Bools, begin: int, end: int) -> Course:
    """Events in the masked cells above what the head's motion and noise bring there, [T]; learnt outside of begin ... end."""
    there: Course = (cells.events @ mask.astype(np.float32)).astype(np.float64)
    elsewhere = cells.total - there
    steady = np.convolve(elsewhere, np.ones(STEADY_BINS) / STEADY_BINS, "same")
    rest = cells.usable.copy()
    rest[max(0, begin - AROUND_BINS) : end + 2 * AROUND_BINS] = False
    if rest.any():
        rest &= there <= np.quantile(there[rest], QUIET)
    if rest.sum() < 3:
        return there
    design = np.stack([steady[rest], np.ones(int(rest.sum()))], axis=1)
    slope, level = np.linalg.lstsq(design, there[rest], rcond=None)[0]
    return np.asarray(there - max(float(slope), 0.0) * steady - float(level), np.float64)


def landmarks_of(cells: Cells, pair: Pair) -> Landmarks:
    """The landmarks of a movement of the face."""
    onset = _onset(cells, pair)
    apex = pair.rise.end - APEX_LATE_US / cells.bin_us
    offset = pair.end - OFFSET_LATE_US / cells.bin_us
    return _ordered(cells, onset, apex, offset)


def lid_landmarks(cells: Cells, blink: Pair) -> Landmarks:
    """The landmarks of a blink, whose ways were fitted to the number of events."""
    onset = blink.rise.begin - LID_ONSET_LATE_US / cells.bin_us
    return _ordered(
        cells, onset, blink.rise.end - LID_APEX_LATE_US / cells.bin_us, blink.end - LID_OFFSET_LATE_US / cells.bin_us
    )


def _onset(cells: Cells, pair: Pair) -> float:
    """In bins: the mean of both estimates, the second held near the first."""
    length = pair.rise.length
    first = pair.rise.begin - PATTERN_LATE_US / cells.bin_us - PATTERN_LATE_SHARE * length
    reach = int(2 * length) + AROUND_BINS
    low = max(0, int(pair.rise.begin) - reach)
    course = counted(cells, pair.mask, int(pair.begin), int(pair.end))[low : int(pair.rise.end) + reach]
    fit = refine(course, Fit(pair.rise.begin - low, pair.rise.end - low, 1.0, 0.0))
    second = fit.begin + low - COUNTED_LATE_US / cells.bin_us - COUNTED_LATE_SHARE * fit.length
    return first + float(np.clip(second - first, -MOST_APART * length, MOST_APART * length)) / 2


def _ordered(cells: Cells, onset: float, apex: float, offset: float) -> Landmarks:
    begin = cells.time_us(onset)
    middle = max(cells.time_us(apex), begin + LEAST_US)
    return Landmarks(begin, middle, max(cells.time_us(offset), middle + LEAST_US))
