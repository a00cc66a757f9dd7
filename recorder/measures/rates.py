"""How many events come: in each step of the script, and in the busiest moment. Knows no pixel and no picture."""

import numpy as np
from numpy.typing import NDArray

from recorder.measures.steps import Phases, Range
from recorder.measures.thresholds import Reading

PEAK_US = 10_000


def event_rate(t_us: NDArray[np.int64], phases: Phases, thinning: int = 1) -> Reading:
    """Events per second while the face is to be seen. t_us: sorted [n], every `thinning`-th.

    Details: `steps`, events per second in each step of the script; the paper's passing is most of the events of a take.
    """
    steps = {name: round(thinning * rate(t_us, span), 1) for name, span in phases.steps}
    return Reading(thinning * rate(t_us, phases.watched), {"steps": steps})


def rate(t_us: NDArray[np.int64], span: Range) -> float:
    """Events per second within a range, 0 for an empty one. t_us: sorted [n]."""
    begin, end = span
    return float(np.diff(np.searchsorted(t_us, span))[0]) * 1e6 / (end - begin) if end > begin else 0.0


def peak_rate(t_us: NDArray[np.int64], span: Range, thinning: int = 1) -> Reading:
    """Events per second in the fullest 10 ms of a range. t_us: sorted [n], every `thinning`-th. Details: at_us."""
    first, last = np.searchsorted(t_us, span)
    if first == last:
        return Reading(unknown="There are no events in view of the face, so there is no busiest moment.")
    counts = np.bincount((t_us[first:last] - span[0]) // PEAK_US)
    fullest = int(np.argmax(counts))
    return Reading(thinning * float(counts[fullest]) * 1e6 / PEAK_US, {"at_us": span[0] + fullest * PEAK_US})
