"""The rough offset between the event clock and a frame camera's, from nothing but when things happen: how much changes from
picture to picture against how many events come. Knows neither paper nor host clocks.

All lags are tried, by normalised cross-correlation of the overlapping parts (Padfield, Masked object registration in the
Fourier domain, IEEE Trans. Image Processing 21(5), 2012, section II, in one dimension).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recorder.activity import Activity

STEP_US = 10_000  # a third of the interval of pictures: the guess need not be better
MIN_OVERLAP_US = 3_000_000  # less than the paper's coming and going says little
MIN_OVERLAP_SHARE = 0.4  # of the shorter stream: they were recorded together
NEIGHBOUR_US = 200_000  # within this of the best lag the curve is one peak
FLOOR = 0.02  # of the usual change: below this a picture shows nothing but noise
TYPICAL = 50.0  # percentile: what is usual while a person sits there
CLIP_SIGMA = 6.0
MIN_SCORE = 0.35  # correlation
MIN_LEAD = 0.12  # of the best peak over the next one
CLEAR_LEAD = 0.3  # and where it is beyond doubt

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class CoarseGuess:
    """offset_us: event time minus stream time; score: correlation there; lead: by how much the next best peak is lower;
    confidence: 0 ... 1.
    """

    offset_us: int
    score: float
    lead: float

    @property
    def confidence(self) -> float:
        """0 where any lag would do as well, 1 where there is no other."""
        return float(np.clip((self.lead - MIN_LEAD) / (CLEAR_LEAD - MIN_LEAD), 0, 1)) if self.score >= MIN_SCORE else 0.0


def changes(light: NDArray[np.float32]) -> Reals:
    """How much each picture differs from the one before, [k - 1]. light: [k, h, w], linear light or temperatures.

    What all samples do alike, as auto-exposure and flicker make them, is left out.
    """
    level = np.median(light.reshape(len(light), -1), axis=1)
    floor = FLOOR * max(float(np.median(level)), 1e-6)
    found = np.empty(max(len(light) - 1, 0))
    for index in range(len(found)):
        ratio = np.log(np.maximum(light[index + 1], 0) + floor) - np.log(np.maximum(light[index], 0) + floor)
        found[index] = np.abs(ratio - np.median(ratio)).mean()
    return found


def warmth_changes(counts: NDArray[np.float32]) -> Reals:
    """The same of thermal pictures [k, h, w], which need no ratio: a face is a few kelvin warmer than its surroundings."""
    found = np.empty(max(len(counts) - 1, 0))
    for index in range(len(found)):
        step = counts[index + 1] - counts[index]
        found[index] = np.abs(step - np.median(step)).mean()
    return found


def guess_offset(activity: Activity, times_us: NDArray[np.int64], change: Reals) -> CoarseGuess | None:
    """The lag at which changes and events go together best.

    times_us: [k] of the pictures, in order, in their own time; change: [k - 1], see `changes`. None where the streams are too
    short, or nothing changes in one of them.
    """
    if len(change) < 3 or not activity.bins:
        return None
    events = _event_curve(activity)
    pictures = _picture_curve(times_us, change)
    overlap = max(MIN_OVERLAP_US // STEP_US, int(MIN_OVERLAP_SHARE * min(len(events), len(pictures))))
    if min(len(events), len(pictures)) < overlap or np.ptp(events) == 0 or np.ptp(pictures) == 0:
        return None
    scores = _correlation(events, pictures, overlap)
    best = int(np.argmax(scores))
    apart = np.abs(np.arange(len(scores)) - best) > NEIGHBOUR_US // STEP_US
    lag = best - (len(pictures) - 1) + _vertex(scores, best)
    offset = activity.start_us - int(times_us[0]) + round(lag * STEP_US)
    second = float(scores[apart].max()) if apart.any() else 0.0
    return CoarseGuess(offset, float(scores[best]), float(scores[best]) - max(second, 0.0))


def _event_curve(activity: Activity) -> Reals:
    """Logarithm of events per step, of medium size 0."""
    per = max(1, STEP_US // activity.bin_us)
    total = activity.total()
    whole = len(total) // per * per
    return _compressed(total[:whole].reshape(-1, per).sum(axis=1).astype(np.float64))


def _picture_curve(times_us: NDArray[np.int64], change: Reals) -> Reals:
    """The change as a rate at every step since the first picture: a lost picture halves the rate, it makes no peak."""
    gaps = np.maximum(np.diff(times_us), 1)
    rate = change / gaps
    steps = np.arange((int(times_us[-1] - times_us[0])) // STEP_US) * STEP_US + STEP_US // 2
    index = np.clip(np.searchsorted(times_us - times_us[0], steps, side="right") - 1, 0, len(rate) - 1)
    return _compressed(rate[index])


def _compressed(values: Reals) -> Reals:
    """log(1 + value / usual): the paper is a hundred times a blink, and shall not be all that counts."""
    usual = float(np.percentile(values, TYPICAL)) or float(values.mean()) or 1.0
    return np.asarray(np.log1p(values / usual))


def _correlation(events: Reals, pictures: Reals, least: int) -> Reals:
    """Correlation at lags -(len(pictures) - 1) ... len(events) - 1, over what overlaps; -1 where that is less than `least`."""
    size = len(events) + len(pictures) - 1
    padded = 1 << (size - 1).bit_length()
    a, b = events - events.mean(), pictures - pictures.mean()
    sums = [_convolved(x, y[::-1], padded)[:size] for x, y in _products(a, b)]
    count = np.maximum(np.rint(sums[0]), 1)
    cross = sums[1] - sums[2] * sums[3] / count
    power = (sums[4] - sums[2] ** 2 / count) * (sums[5] - sums[3] ** 2 / count)
    tiny = 1e-9 * float(np.max(power)) + 1e-12
    return np.where(np.rint(sums[0]) >= least, cross / np.sqrt(np.maximum(power, tiny)), -1.0)


def _products(a: Reals, b: Reals) -> list[tuple[Reals, Reals]]:
    one_a, one_b = np.ones_like(a), np.ones_like(b)
    return [(one_a, one_b), (a, b), (a, one_b), (one_a, b), (a * a, one_b), (one_a, b * b)]


def _convolved(a: Reals, b: Reals, size: int) -> Reals:
    return np.asarray(np.fft.irfft(np.fft.rfft(a, size) * np.fft.rfft(b, size), size))


def _vertex(scores: Reals, best: int) -> float:
    """Where between its neighbours the peak is, -0.5 ... 0.5 steps, by a parabola."""
    if not 0 < best < len(scores) - 1:
        return 0.0
    before, here, after = scores[best - 1 : best + 2]
    bend = before - 2 * here + after
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0 else 0.0
