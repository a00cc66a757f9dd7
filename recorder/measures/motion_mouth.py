"""Whether the subject talked: lips and jaw that move again and again within a second. Knows no script and no picture."""

import numpy as np
from numpy.typing import NDArray

from protocol.analysis import FaceBox
from recorder.activity import Activity
from recorder.measures.resemblance_features import Anchor
from recorder.measures.steps import Phases
from recorder.measures.thresholds import Reading

# In units of the distance between the eyes, from the line through them downwards: the mouth lies at 1.1, the chin at 1.8
# (Farkas, Anthropometry of the Head and Face, 1994), and a dropped jaw below it; the cheeks are 1.1 to the side.
MOUTH_BEGINS, MOUTH_ENDS, MOUTH_HALF_WIDTH = 0.75, 2.0, 1.1
BIN_US = 10_000
SMOOTH = 3  # bins: a syllable's opening takes five and more
APART = 5  # bins between two peaks: nobody opens and closes the mouth twenty times a second
LEAST_TIMES = 3.0  # above the usual rate: a swaying head makes peaks, too, of about its usual rate
LEAST_EVENTS = 20.0  # in a bin
WINDOW = 100  # bins: one second
UNKNOWN = "Whether the subject talked is not known, since no face was found."


def talking(activity: Activity, phases: Phases, face: FaceBox | None) -> Reading:
    """How often the mouth moves within one second, at the most: peaks of the event rate of the lower face.

    People speak 3 to 6 syllables a second (Pellegrino et al. 2011, Language 87), and each opens and closes the mouth: 6 to 12
    peaks. A movement on command has two, its onset and its offset. activity: in bins that divide BIN_US. Details: `at_us`.
    """
    if face is None:
        return Reading(unknown=UNKNOWN)
    begin, end = phases.watched
    course = mouth_course(activity, Anchor.of(face))[activity.index(begin) : activity.index(end)]
    if len(course) < WINDOW:
        return Reading(unknown="The face is seen too shortly to tell whether the subject talked.")
    peaks = peaks_of(course)
    within = [int(np.count_nonzero((peaks >= peak) & (peaks < peak + WINDOW))) for peak in peaks]
    most = int(np.argmax(within)) if within else None
    at = {} if most is None else {"at_us": begin + int(peaks[most]) * BIN_US}
    return Reading(float(max(within, default=0)), at)


def mouth_course(activity: Activity, anchor: Anchor) -> NDArray[np.float64]:
    """Events of the tiles whose middles lie in the lower face, [T]. anchor: the face's own frame, in pixels."""
    _, _, rows, columns = activity.counts.shape
    down, across = np.mgrid[:rows, :columns]
    x, y = ((side + 0.5) * activity.tile_px - origin for side, origin in zip((across, down), anchor.origin, strict=True))
    u = (anchor.cos * x + anchor.sin * y) / anchor.unit_px
    v = (anchor.cos * y - anchor.sin * x) / anchor.unit_px
    inside = (np.abs(u) < MOUTH_HALF_WIDTH) & (v >= MOUTH_BEGINS) & (v < MOUTH_ENDS)
    return np.asarray(activity.counts[:, :, inside].sum(axis=(1, 2), dtype=np.float64))


def peaks_of(course: NDArray[np.float64]) -> NDArray[np.int64]:
    """Bins [n] at which the smoothed rate is far above its median, and highest within APART bins."""
    smooth = np.convolve(course, np.ones(SMOOTH) / SMOOTH, "same")
    usual = float(np.median(smooth))
    excess = smooth - usual
    padded = np.pad(excess, APART, constant_values=-np.inf)
    highest = np.lib.stride_tricks.sliding_window_view(padded, 2 * APART + 1).max(axis=1)
    found = np.flatnonzero((excess == highest) & (excess > max(LEAST_EVENTS, LEAST_TIMES * usual)))
    return found[np.diff(found, prepend=-APART - 1) > APART]
