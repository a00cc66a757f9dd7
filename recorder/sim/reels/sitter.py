"""Who is seen in a reel: one person who makes one movement after another, unasked, with everything that people do in between.

Satisfies recorder.sim.world.Actor. Pure functions of time; knows no prompt, no camera and no file. Times in us.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from protocol.movement import ALL, MOVEMENTS
from recorder.sim.habits import Habits, posed
from recorder.sim.manner import Manner
from recorder.sim.motion import BODY, Gesture
from recorder.sim.movements import draw_duration_us, perform, talk, turn_head
from recorder.sim.slides import GONE_MM, Slides
from recorder.sim.state import FaceState, PaperState

FIRST_US = (200_000, 900_000)
GAP_US = (250_000, 1_600_000)  # rest between two movements
TOGETHER_SHARE = 0.12  # of the movements come in pairs, as they do in emotions
TOGETHER_US = 80_000  # by which the second of a pair comes later, at most
DISTRACTION_SHARE = 0.22  # talking, turning away, and movements that are none of the seven
PAPER_SHARE = 0.12  # of the reels begin with the sheet being taken away
PAPER_OUT_US = (350_000, 900_000)
PAPER_REST_US = 300_000  # from the paper's removal to the first movement, at least
# Pairs that nobody makes at once, or that one shape hides: lids both up and shut, a jaw both clenched and dropped.
APART = frozenset({frozenset(pair) for pair in (("blink", "upperLidRaiser"), ("contractJaw", "openMouth"))})
ASKED = tuple(movement.token for movement in MOVEMENTS)
UNASKED = tuple(movement.token for movement in ALL if movement.token not in ASKED)


@dataclass(frozen=True)
class Interval:
    """One of the seven movements, made once. onset_us: last instant of rest; apex_us: strongest; offset_us: rest again."""

    movement: str
    onset_us: int
    apex_us: int
    offset_us: int
    intensity: float


class Sitter:
    """A person over a stretch of time, and what was really done in it."""

    def __init__(self, seed: int, manner: Manner, length_us: int, intensity: tuple[float, float]) -> None:
        """length_us: nothing begins that would not be over by then; intensity: bounds, 1 the strongest."""
        rng = np.random.default_rng([seed, 0x5EE1])
        self._manner, self._habits, self._paper = manner, Habits(seed, manner), Slides(seed)
        begin_us = self._take_paper_away(rng)
        self.gestures = tuple(_gestures(rng, manner, begin_us, length_us, intensity))
        self._length_us = length_us

    def _take_paper_away(self, rng: np.random.Generator) -> int:
        """Where the movements may begin; in some reels the sheet covers the face at first."""
        if rng.random() >= PAPER_SHARE:
            return 0
        self._paper.slide(-1_000_000, 400_000)
        return self._paper.slide(int(rng.uniform(*FIRST_US)), int(rng.uniform(*PAPER_OUT_US))).end_us + PAPER_REST_US

    def face(self, t_us: int) -> FaceState:
        """The face at an instant."""
        units: dict[str, float] = {}
        body = dict.fromkeys(BODY, 0.0)
        for gesture in self._under_way(t_us):
            gesture.add(t_us, units, body)
        return self._habits.state(t_us, units, body)

    def rest(self) -> FaceState:
        """The neutral face as it is held, without sway or breath."""
        return posed(self._manner, {}, dict.fromkeys(BODY, 0.0))

    def paper(self, t_us: int) -> PaperState:
        """The sheet at an instant; gone in most reels."""
        state = self._paper.state(t_us)
        return state if state.shift_mm < GONE_MM else PaperState(GONE_MM)

    def intervals(self) -> tuple[Interval, ...]:
        """What was made of the seven movements, spontaneous blinks too, in order of their onsets."""
        blinks = self._habits.blinks.between(0, self._length_us)
        parts = [*self.gestures, *(blink for blink in blinks if blink.onset_us > 0 and blink.offset_us < self._length_us)]
        found = [Interval(one.kind, one.onset_us, one.apex_us, one.offset_us, one.intensity) for one in parts]
        return tuple(sorted((one for one in found if one.movement in ASKED), key=lambda one: one.onset_us))

    def _under_way(self, t_us: int) -> Iterator[Gesture]:
        for gesture in self.gestures:
            if gesture.onset_us <= t_us < gesture.offset_us:
                yield gesture
        for habit in (self._habits.blinks, self._habits.glances, self._habits.swallows):
            if unasked := habit.at(t_us):
                yield unasked
        yield self._habits.fixation(t_us)


def _gestures(
    rng: np.random.Generator, manner: Manner, begin_us: int, end_us: int, intensity: tuple[float, float]
) -> Iterator[Gesture]:
    onset = begin_us + int(rng.uniform(*FIRST_US))
    while True:
        group = list(_group(rng, manner, onset, intensity))
        over = max(gesture.offset_us for gesture in group)
        if over >= end_us:
            return
        yield from group
        onset = over + int(rng.uniform(*GAP_US))


def _group(rng: np.random.Generator, manner: Manner, onset_us: int, intensity: tuple[float, float]) -> Iterator[Gesture]:
    """What is made at one time: a movement, two together, or a distraction."""
    kind = rng.random()
    if kind < DISTRACTION_SHARE:
        yield _distraction(rng, manner, onset_us, intensity)
        return
    first = str(rng.choice(ASKED))
    yield _movement(first, rng, manner, onset_us, intensity)
    if kind > 1 - TOGETHER_SHARE:
        others = [token for token in ASKED if token != first and frozenset((token, first)) not in APART]
        yield _movement(str(rng.choice(others)), rng, manner, onset_us + int(rng.uniform(0, TOGETHER_US)), intensity)


def _movement(token: str, rng: np.random.Generator, manner: Manner, onset_us: int, intensity: tuple[float, float]) -> Gesture:
    return perform(token, onset_us, draw_duration_us(token, rng), float(rng.uniform(*intensity)), manner, rng)


def _distraction(rng: np.random.Generator, manner: Manner, onset_us: int, intensity: tuple[float, float]) -> Gesture:
    luck = rng.random()
    if luck < 0.4:
        return talk(onset_us, rng)
    if luck < 0.65 or not UNASKED:
        return turn_head(onset_us, rng)
    return _movement(str(rng.choice(UNASKED)), rng, manner, onset_us, intensity)
