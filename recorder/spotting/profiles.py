"""When a movement begins and ends: profiles of speed laid on the course of one pattern.

A face moves, as a hand does, about as x(s) = s^3 (10 - 15 s + 6 s^2) with s = 0 ... 1 (minimum jerk: Flash & Hogan 1985,
J. Neurosci. 5, 1688). Its first tenth of time brings a hundredth of the way, so the first events come late; a
profile that fits all the events tells when rest was over. Pure functions of one course of numbers; knows no cell and no camera.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Course = NDArray[np.floating]

RATIO = 1.25  # from one length that is tried to the next
REFINEMENTS = 6
SPREAD_OF_MAD = 1.4826  # standard deviation by median absolute deviation, for a normal distribution


@dataclass(frozen=True)
class Fit:
    """A way from rest to rest. begin, end: in bins; way: how far, in units of the course times bins; gain: by how much the sum
    of squares falls, in units of the course squared; score: way in units of what chance makes of it at other times.
    """

    begin: float
    end: float
    way: float
    gain: float
    score: float = 0.0

    @property
    def length(self) -> float:
        """In bins."""
        return self.end - self.begin


def done(share: Course) -> Course:
    """Share of the way after a share of the time."""
    s = np.clip(share, 0.0, 1.0)
    return np.asarray(s * s * s * (10.0 + s * (6.0 * s - 15.0)))


def speed(begin: float, end: float, bins: int) -> Course:
    """Way made in each of the bins 0 ... bins of a movement of way 1."""
    edges = (np.arange(bins + 1) - begin) / max(end - begin, 1e-6)
    return np.diff(done(edges))


def lengths(least: float, most: float) -> list[int]:
    """Lengths in bins worth trying."""
    count = max(1, int(np.ceil(np.log(max(most / least, 1.0)) / np.log(RATIO))) + 1)
    return sorted({max(2, round(least * RATIO**i)) for i in range(count)})


def responses(course: Course, length: int) -> Course:
    """Matched filter: for each begin n in 0 ... bins - length the way, by least squares, of a movement that takes `length`."""
    profile = speed(0.0, float(length), length)
    if len(course) < length:
        return np.zeros(0)
    return np.correlate(course, profile, "valid") / float(profile @ profile)


def gain_of(way: Course, length: int) -> Course:
    """By how much the squares fall for such ways; 0 for negative ones."""
    profile = speed(0.0, float(length), length)
    return np.asarray(np.where(way > 0, way * way, 0.0) * float(profile @ profile))


def find(course: Course, earliest: float, latest: float, tried: list[int], weights: Course | None = None) -> Fit | None:
    """The movement that explains most of the course among those from `earliest` to `latest`; None where none is positive.

    weights: factor for the gain of a movement that begins in each bin [bins].
    """
    best: Fit | None = None
    for length in tried:
        low, high = max(0, int(np.floor(earliest))), min(len(course), int(np.ceil(latest)))
        if high - low < length:
            continue
        way = responses(course[low:high], length)
        gain = gain_of(way, length)
        weighed = gain if weights is None else gain * weights[low : low + len(gain)]
        index = int(np.argmax(weighed))
        if way[index] > 0 and (best is None or weighed[index] > best.gain):
            best = Fit(low + index, low + index + length, float(way[index]), float(weighed[index]))
    return best


def refine(course: Course, fit: Fit) -> Fit:
    """The same between bins: begin and end are moved in ever smaller steps as long as the fit gets better."""
    low, high = max(0, int(fit.begin - fit.length)), min(len(course), int(fit.end + fit.length) + 1)
    part = course[low:high]
    begin, end, step = fit.begin - low, fit.end - low, max(fit.length / 4, 0.5)
    way, gain = _fitted(part, begin, end)
    for _ in range(REFINEMENTS):
        moved = True
        while moved:
            moved = False
            for b, e in ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, 1), (-1, 1), (1, -1)):
                one, other = begin + b * step, end + e * step
                if other - one < 1.5 or one < -1 or other > len(part) + 1:
                    continue
                tried_way, tried_gain = _fitted(part, one, other)
                if tried_gain > gain * (1 + 1e-9):
                    begin, end, way, gain, moved = one, other, tried_way, tried_gain, True
        step /= 2
    return Fit(begin + low, end + low, way, gain, fit.score)


def _fitted(part: Course, begin: float, end: float) -> tuple[float, float]:
    profile = speed(begin, end, len(part))
    size = float(profile @ profile)
    way = float(part @ profile) / size if size > 0 else 0.0
    return way, way * way * size if way > 0 else 0.0


def chance(course: Course, length: float, elsewhere: NDArray[np.bool_]) -> float:
    """Spread of the way that a movement of that length seems to make at other times. elsewhere: bool [bins], to judge by."""
    size = max(2, round(length))
    way = responses(course, size)
    if not len(way):
        return float("inf")
    free = np.convolve(elsewhere.astype(np.int64), np.ones(size, np.int64), "valid") == size
    ways = way[free]
    if len(ways) < size:
        return float("inf")
    return float(max(SPREAD_OF_MAD * np.median(np.abs(ways)), 0.5 * np.sqrt(np.mean(ways**2)), 1e-9))
