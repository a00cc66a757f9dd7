"""How anything of a body moves: smooth tracks through knots, gestures made of tracks, slow wandering. Pure functions of time.

Knows no face, no prompt and no camera. Times are int64 microseconds of event time.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

US_PER_S = 1_000_000
BREAKS = 10  # straight pieces for one movement between two knots: within 5.8 / 8 / BREAKS^2, 0.7 % of its height
FLAT = 0.02  # a lesser rise or fall is one straight piece
CACHED_CELLS = 4

# A key to everything random: (seed, what it is for, number). The same key always gives the same draws.
Key = tuple[int, ...]


def generator(*key: int) -> np.random.Generator:
    """The random generator of a key; negative numbers (times before 1970) are as good as others.

    A key with zeros appended gives the same draws (SeedSequence pads with zeros): keys that differ must do so elsewhere.
    """
    return np.random.default_rng([number % (1 << 64) for number in key])


def minimum_jerk(share: float) -> float:
    """How much of a movement is done, 0 ... 1, after a share 0 ... 1 of its time (Flash & Hogan 1985, J. Neurosci. 5)."""
    return share * share * share * (10.0 + share * (6.0 * share - 15.0))


def minimum_jerk_share(done: float) -> float:
    """The inverse of `minimum_jerk`: the share of the time after which 0 ... 1 of the movement is done."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if minimum_jerk(middle) < done else (low, middle)
    return high


@dataclass(frozen=True)
class Track:
    """One quantity over time: through its knots, each way between two of them a minimum-jerk movement; still outside.

    times: increasing, in us; levels: as many, in the quantity's own unit.
    """

    times: tuple[int, ...]
    levels: tuple[float, ...]

    def level(self, t_us: float) -> float:
        """The quantity at a time."""
        after = bisect_right(self.times, t_us)
        if after == 0 or after == len(self.times):
            return self.levels[after and -1]
        begin, low = self.times[after - 1], self.levels[after - 1]
        share = (t_us - begin) / (self.times[after] - begin)
        return low + (self.levels[after] - low) * minimum_jerk(share)

    def breakpoints(self) -> Iterator[int]:
        """Times in us between which straight lines follow the track to about 1 % of its height."""
        yield self.times[0]
        for index in range(1, len(self.times)):
            begin, end = self.times[index - 1], self.times[index]
            flat = abs(self.levels[index] - self.levels[index - 1]) < FLAT
            pieces = 1 if flat else min(BREAKS, end - begin)
            yield from (begin + (end - begin) * piece // pieces for piece in range(1, pieces + 1))


@dataclass(frozen=True)
class Gesture:
    """Something that a body does once: from its onset (last instant of rest) to its offset (rest again).

    kind: token of a movement or an emotion, or the name of a habit; units: action units (`recorder.sim.state.UNITS`) with
    their activation 0 ... 1, one unit several times where several causes move it; body: other quantities (`BODY`), which add
    up; intensity: 0 ... 1; whim: 0 ... 1, drawn once, by which a habit is held back or not.
    """

    kind: str
    onset_us: int
    apex_us: int
    offset_us: int
    intensity: float
    units: tuple[tuple[str, Track], ...] = ()
    body: tuple[tuple[str, Track], ...] = ()
    whim: float = 0.0

    def add(self, t_us: float, units: dict[str, float], body: dict[str, float]) -> None:
        """Add what it does at a time. Activations of one unit unite as a + b - ab: smooth, and never above 1."""
        for unit, track in self.units:
            level = track.level(t_us)
            if level > 0.0:
                there = units.get(unit, 0.0)
                units[unit] = min(1.0, there + level - there * level)
        for name, track in self.body:
            body[name] += track.level(t_us)


# Quantities of `Gesture.body`; gaze in degrees to the subject's left and up, the others as in `Pose` and `FaceState`.
BODY = ("yaw_deg", "pitch_deg", "roll_deg", "gaze_left_deg", "gaze_up_deg", "swallow")


class Cells:
    """Gestures without beginning or end: time is cut into cells, each filled from a generator of its own, when asked for.

    So the answer for an instant never depends on which instants were asked for before. Gestures of a cell must lie within
    it, in order, without overlap.
    """

    def __init__(self, length_us: int, key: Key, fill: Callable[[np.random.Generator, int, int], Sequence[Gesture]]) -> None:
        """fill: called with (generator, begin_us, end_us) of a cell."""
        self._length_us = length_us
        self._key = key
        self._fill = fill
        self._cells: dict[int, tuple[list[int], Sequence[Gesture]]] = {}

    def at(self, t_us: int) -> Gesture | None:
        """The gesture that is under way at a time."""
        onsets, gestures = self._cell(t_us // self._length_us)
        before = bisect_right(onsets, t_us)
        if before and t_us < gestures[before - 1].offset_us:
            return gestures[before - 1]
        return None

    def between(self, begin_us: int, end_us: int) -> list[Gesture]:
        """Those that are under way at any instant of a span, both ends included."""
        cells = range(begin_us // self._length_us, end_us // self._length_us + 1)
        found = [gesture for cell in cells for gesture in self._cell(cell)[1]]
        return [gesture for gesture in found if gesture.onset_us <= end_us and gesture.offset_us >= begin_us]

    def _cell(self, number: int) -> tuple[list[int], Sequence[Gesture]]:
        cell = self._cells.get(number)
        if cell is None:
            begin = number * self._length_us
            gestures = self._fill(generator(*self._key, number), begin, begin + self._length_us)
            cell = self._cells[number] = ([gesture.onset_us for gesture in gestures], gestures)
            while len(self._cells) > CACHED_CELLS:
                del self._cells[next(iter(self._cells))]
        return cell


WANDER_PERIOD_S = 100_000  # after this time (28 hours) a wandering repeats itself; whole periods keep its phases exact


@dataclass(frozen=True)
class Wander:
    """Several quantities that wander smoothly about 0: each a sum of sines of random frequency in a band, and phase.

    amplitudes, turns (whole periods in WANDER_PERIOD_S), phases: float64 [quantities, sines].
    """

    amplitudes: NDArray[np.float64]
    turns: NDArray[np.float64]
    phases: NDArray[np.float64]

    @cached_property
    def _omega(self) -> NDArray[np.float64]:
        return self.turns * (2 * math.pi / WANDER_PERIOD_S)

    def levels(self, t_us: int) -> list[float]:
        """The quantities at a time."""
        seconds = (t_us % (WANDER_PERIOD_S * US_PER_S)) / US_PER_S
        waves: NDArray[np.float64] = np.sin(self._omega * seconds + self.phases)
        waves *= self.amplitudes
        levels: list[float] = waves.sum(axis=1).tolist()
        return levels


def draw_wander(
    rng: np.random.Generator, rms: Sequence[float], band_hz: tuple[float, float], sines: int = 7, slope: float = 1.0
) -> Wander:
    """Wanderings of given standard deviations; amplitudes fall as frequency to the power of minus `slope`."""
    edges = np.geomspace(*band_hz, sines + 1)
    hz = rng.uniform(edges[:-1], edges[1:], (len(rms), sines))
    amplitudes = hz**-slope * rng.uniform(0.7, 1.3, hz.shape)
    amplitudes *= np.asarray(rms)[:, None] / np.sqrt((amplitudes**2).sum(axis=1, keepdims=True) / 2)
    return Wander(amplitudes, np.round(hz * WANDER_PERIOD_S), rng.uniform(0, 2 * math.pi, hz.shape))
