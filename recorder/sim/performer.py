"""The simulated subject: reads the published prompts as a person reads the screen, and obeys with face, head and paper, or
makes the mistake it was told to make. Says for any instant what can be seen, and afterwards what was really done.

Knows the prompts and integer seeds; knows no script, no mesh, no picture and no camera.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from protocol.movement import MOVEMENTS
from recorder.sim.habits import BLINK, GLANCE, SWALLOW, Habits, posed
from recorder.sim.manner import Manner, draw_reaction_us
from recorder.sim.motion import BODY, US_PER_S, Cells, Gesture, generator
from recorder.sim.movements import EMOTION_BY_TOKEN, closes_lids, draw_duration_us, perform, talk, turn_head
from recorder.sim.performance import Mistake, Performance, keypoints, made
from recorder.sim.slides import AWAY_MM, Slide, Slides
from recorder.sim.state import FaceState, PaperState
from recorder.sources.base import Prompt

LATE_US = (1_200_000, 3_000_000)  # the reaction time of somebody whose thoughts were elsewhere
NOTICE_US = 120_000  # a look at the screen changes nothing sooner than this: what was shown of the past stays true
PAPER_IN_US, PAPER_OUT_US = (300_000, 500_000), (150_000, 350_000)  # a hand moves a sheet over the height of a face
PAPER_OUT_ACTIONS = frozenset({"settle", "paper_out", "neutral", "move", "watch"})
DISTRACTED_US = (300_000, 2_500_000)  # how long after the paper has gone somebody talks or turns away
ABOUT_MOVE_US = (-100_000, 600_000)  # or beside the movement, from its onset
BLINK_MARGIN_US = (400_000, 150_000)  # before the onset and after the offset of a movement, people blink less
LIDS_REST_US = 50_000
KEPT_BLINKS, KEPT_GLANCES, KEPT_SWALLOWS = 0.15, 0.2, 0.1  # of what somebody does at ease, the share not held back
UNPROMPTED_CELL_US = 30 * US_PER_S
UNPROMPTED_GAP_US, UNPROMPTED_DURATION_US = (3_000_000, 15_000_000), (40_000, 500_000)
UNPROMPTED_SHARE = 0.6  # how strong an unprompted movement is beside one on command
MEMORY_US = 2 * US_PER_S  # how far back the world may ask
ENDLESS_US = 1 << 62
ANSWERS, UNPROMPTED = 5, 6  # purposes of random keys; the habits have 0 to 4, the sheet 7


@dataclass(frozen=True)
class Restraint:
    """For a time, only some of a habit's gestures are let happen."""

    kind: str
    begin_us: int
    end_us: int
    kept: float

    def holds_back(self, gesture: Gesture) -> bool:
        """Whether this gesture does not happen."""
        return self.kind == gesture.kind and self.begin_us <= gesture.onset_us < self.end_us and gesture.whim >= self.kept


@dataclass
class Take:
    """What is planned and done in answer to the prompts of one take. early: a distraction comes before the cue."""

    number: int
    begin_us: int
    early: bool
    end_us: int = ENDLESS_US
    movement: Gesture | None = None
    paper_in: Slide | None = None
    paper_out: Slide | None = None
    distracted: bool = False
    unprompted: Cells | None = None
    watch_us: int = ENDLESS_US

    @property
    def is_over(self) -> bool:
        """Whether its prompts were taken down."""
        return self.end_us != ENDLESS_US


class Performer:
    """One subject. The same seed, manner and prompts give the same performance, in whatever order it is asked for."""

    def __init__(
        self,
        seed: int,
        manner: Manner,
        *,
        mistake: Mistake | None = None,
        intensity: tuple[float, float] = (0.2, 1.0),
        duration_us: tuple[int, int] | None = None,
        spontaneous: bool = True,
    ) -> None:
        """mistake: made in every take; intensity, duration_us: bounds of movements on command (None: as people are);
        spontaneous: False for a figure that does nothing unasked, not even breathe.
        """
        self._seed, self._manner, self._mistake = seed, manner, mistake
        self._intensity, self._duration_us, self._spontaneous = intensity, duration_us, spontaneous
        self._habits = Habits(seed, manner)
        self._sheet = Slides(seed)
        self._gestures: list[Gesture] = []
        self._restraints: list[Restraint] = []
        self._take: Take | None = None
        self._seen: tuple[int, int] | None = None
        self._now_us = 0

    def look(self, prompt: Prompt | None, now_us: int) -> None:
        """Read the screen; a new prompt is answered once, after a reaction time. A prompt of index 0, or of one already
        passed, begins a new take; no prompt, or one of negative index, ends it.
        """
        self._now_us = now_us
        if prompt is None or prompt.index < 0:
            self._end_take(now_us)
        elif (prompt.index, prompt.at_us) != self._seen:
            if self._begins_take(prompt):
                self._begin_take(now_us)
            self._seen = prompt.index, prompt.at_us
            self._answer(prompt, now_us)

    def face(self, t_us: int) -> FaceState:
        """The face at an instant, from about two seconds before the last look on."""
        units: dict[str, float] = {}
        body = dict.fromkeys(BODY, 0.0)
        for gesture in self._under_way(t_us):
            gesture.add(t_us, units, body)
        return self._habits.state(t_us, units, body) if self._spontaneous else posed(self._manner, units, body)

    def paper(self, t_us: int) -> PaperState:
        """The paper at an instant."""
        return self._sheet.state(t_us)

    def time_of_shift(self, shift_mm: float) -> int | None:
        """The instant at which the paper comes by a shift of 0 ... GONE_MM as it leaves, or None while it is not to leave."""
        return self._take.paper_out.time_us(shift_mm) if self._take and self._take.paper_out else None

    def truth(self, until_us: int | None = None) -> Performance:
        """What was done in this take until an instant, by default that of the last look."""
        take = self._take
        if take is None:
            return Performance()
        until = self._now_us if until_us is None else until_us
        move = take.movement if take.movement and take.movement.onset_us <= until else None
        done = self._done(take, min(until, take.end_us + US_PER_S))
        habits = [gesture for gesture in done if gesture.kind == BLINK and gesture not in self._gestures]
        others = [gesture for gesture in done if gesture is not move and gesture not in habits and gesture.kind != GLANCE]
        performance = Performance(
            mistake=self._mistake,
            paper_in_us=_crossing_us(take.paper_in, until),
            paper_out_us=_crossing_us(take.paper_out, until),
            keypoints=keypoints(done),
            blinks=tuple((blink.onset_us, blink.apex_us, blink.offset_us) for blink in habits),
            others=tuple(made(gesture) for gesture in others),
        )
        return _with_movement(performance, move)

    # --- the take

    def _begins_take(self, prompt: Prompt) -> bool:
        return self._take is None or self._take.is_over or self._seen is None or prompt.index <= self._seen[0]

    def _begin_take(self, now_us: int) -> None:
        """Forget what was planned and not yet begun. In a take people sit still and look where they are told to."""
        self._end_take(now_us)
        number = self._take.number + 1 if self._take else 0
        self._gestures = self._begun(now_us)
        self._restraints = [restraint for restraint in self._restraints if restraint.end_us > now_us - MEMORY_US]
        early = bool(generator(self._seed, ANSWERS, number, ENDLESS_US).random() < 0.5)
        self._take = Take(number, now_us, early)
        self._restrain(GLANCE, now_us + NOTICE_US, ENDLESS_US, KEPT_GLANCES)
        self._restrain(SWALLOW, now_us + NOTICE_US, ENDLESS_US, KEPT_SWALLOWS)

    def _begun(self, now_us: int) -> list[Gesture]:
        """What is under way, or was until lately: it takes its course."""
        since, until = now_us - MEMORY_US, now_us + NOTICE_US
        unprompted = self._escaped(self._take, until) if self._take else []
        return [
            gesture for gesture in (*self._gestures, *unprompted) if gesture.offset_us > since and gesture.onset_us <= until
        ]

    def _escaped(self, take: Take, until_us: int) -> list[Gesture]:
        """The unprompted movements of a take until an instant."""
        if take.unprompted is None or until_us < take.watch_us:
            return []
        gestures = take.unprompted.between(take.watch_us, until_us)
        return [gesture for gesture in gestures if take.watch_us <= gesture.onset_us < take.end_us]

    def _end_take(self, now_us: int) -> None:
        if self._take and not self._take.is_over:
            self._take.end_us = now_us + NOTICE_US
            self._relax((GLANCE, SWALLOW), self._take.end_us)
            self._put_paper_away(self._take)

    def _put_paper_away(self, take: Take) -> None:
        """After a take nobody holds a sheet before the face, whether the take was aborted or the paper forgotten."""
        if self._sheet.is_in:
            rng = generator(self._seed, ANSWERS, take.number, ENDLESS_US - 1)
            self._sheet.slide(take.end_us + draw_reaction_us(rng, self._manner), int(rng.integers(*PAPER_OUT_US)))

    def _restrain(self, kind: str, begin_us: int, end_us: int, kept: float) -> None:
        self._restraints.append(Restraint(kind, begin_us, end_us, kept))

    def _relax(self, kinds: tuple[str, ...], at_us: int) -> None:
        self._restraints = [
            dataclasses.replace(restraint, end_us=min(restraint.end_us, at_us)) if restraint.kind in kinds else restraint
            for restraint in self._restraints
        ]

    # --- answers to prompts

    def _answer(self, prompt: Prompt, now_us: int) -> None:
        """Do what a prompt asks for, a reaction time after it was shown."""
        take = self._take
        assert take is not None
        rng = generator(self._seed, ANSWERS, take.number, prompt.index)
        at = max(prompt.at_us + draw_reaction_us(rng, self._manner), now_us + NOTICE_US)
        self._move_paper(take, prompt.action, at, rng)
        if prompt.action == "watch":
            self._watch(take, at)
        elif prompt.action == "move" and prompt.movement:
            self._move_face(take, prompt, at, now_us, rng)
        if prompt.action in ("neutral", "watch", "move") and self._mistake in (Mistake.TALKING, Mistake.HEAD_TURN):
            self._distract(take, prompt.action, at, now_us, rng)

    def _move_paper(self, take: Take, action: str, at_us: int, rng: np.random.Generator) -> None:
        if action == "paper_in" and not self._sheet.is_in:
            take.paper_in = self._sheet.slide(at_us, int(rng.integers(*PAPER_IN_US)))
        elif action in PAPER_OUT_ACTIONS and self._sheet.is_in and not self._forgets_paper(take):
            slide = self._sheet.slide(at_us, int(rng.integers(*PAPER_OUT_US)))
            take.paper_out = slide if take.paper_in else None

    def _forgets_paper(self, take: Take) -> bool:
        """The paper of this take stays in; one that was left in by the take before is taken away as the next one begins."""
        return self._mistake is Mistake.PAPER_LEFT_IN and take.paper_in is not None

    def _watch(self, take: Take, at_us: int) -> None:
        """Watch a video: the eyes wander over it, and now and then a small movement escapes."""
        take.watch_us = at_us
        take.unprompted = Cells(UNPROMPTED_CELL_US, (self._seed, UNPROMPTED, take.number), self._draw_unprompted)
        self._relax((GLANCE,), at_us)

    def _draw_unprompted(self, rng: np.random.Generator, begin_us: int, end_us: int) -> list[Gesture]:
        gestures: list[Gesture] = []
        onset = begin_us + int(rng.uniform(0, UNPROMPTED_GAP_US[1]))
        while onset + 2 * UNPROMPTED_DURATION_US[1] < end_us:
            token = str(rng.choice([movement.token for movement in MOVEMENTS if movement.token != BLINK]))
            intensity = UNPROMPTED_SHARE * float(rng.uniform(*self._intensity))
            duration = int(np.exp(rng.uniform(*np.log(UNPROMPTED_DURATION_US))))
            gestures.append(perform(token, onset, duration, intensity, self._manner, rng))
            onset += duration + int(rng.uniform(*UNPROMPTED_GAP_US))
        return gestures

    def _move_face(self, take: Take, prompt: Prompt, at_us: int, now_us: int, rng: np.random.Generator) -> None:
        if self._mistake is Mistake.NONE or prompt.movement is None:
            return
        token = prompt.movement
        if self._mistake is Mistake.WRONG_MOVEMENT:
            token = _another(token, rng)
        elif self._mistake is Mistake.LATE:
            at_us = max(prompt.at_us + int(rng.integers(*LATE_US)), now_us + NOTICE_US)
        duration = int(rng.integers(*self._duration_us, endpoint=True)) if self._duration_us else draw_duration_us(token, rng)
        intensity = round(float(rng.uniform(*self._intensity)), 3)
        before, after = BLINK_MARGIN_US
        calm_us = max(at_us - before, now_us + NOTICE_US // 2)
        if closes_lids(token):
            at_us = self._lids_open_us(at_us, calm_us)
        take.movement = perform(token, at_us, duration, intensity, self._manner, rng)
        self._gestures.append(take.movement)
        self._restrain(BLINK, calm_us, take.movement.offset_us + after, 0.0 if closes_lids(token) else KEPT_BLINKS)

    def _lids_open_us(self, at_us: int, calm_us: int) -> int:
        """When a blink on command can begin: not within a spontaneous one, which is held back from `calm_us` on only."""
        blink = self._habits.blinks.at(at_us) if self._spontaneous else None
        if blink and blink.onset_us < calm_us and self._happens(blink):
            return blink.offset_us + LIDS_REST_US
        return at_us

    def _distract(self, take: Take, action: str, at_us: int, now_us: int, rng: np.random.Generator) -> None:
        """Talk or turn away, once a take: some time after the paper has gone, or about the movement."""
        if take.distracted or (action == "neutral" and not take.early):
            return
        take.distracted = True
        if action == "move":
            onset = max(at_us + int(rng.integers(*ABOUT_MOVE_US)), now_us + NOTICE_US)
        else:
            gone_us = take.paper_out.end_us if take.paper_out else at_us
            onset = max(gone_us + int(rng.integers(*DISTRACTED_US)), now_us + NOTICE_US)
        self._gestures.append(talk(onset, rng) if self._mistake is Mistake.TALKING else turn_head(onset, rng))

    # --- what is under way

    def _under_way(self, t_us: int) -> Iterator[Gesture]:
        """All that moves the face or the head at an instant."""
        yield from self._deliberate(t_us)
        if not self._spontaneous:
            return
        for habit in (self._habits.blinks, self._habits.glances, self._habits.swallows):
            gesture = habit.at(t_us)
            if gesture and self._happens(gesture):
                yield gesture
        yield self._habits.fixation(t_us)

    def _deliberate(self, t_us: int) -> Iterator[Gesture]:
        for gesture in self._gestures:
            if t_us < gesture.offset_us:
                yield gesture
        if self._take and self._take.unprompted:
            gesture_now = self._take.unprompted.at(t_us)
            if gesture_now and self._take.watch_us <= gesture_now.onset_us < self._take.end_us:
                yield gesture_now

    def _happens(self, gesture: Gesture) -> bool:
        return not any(restraint.holds_back(gesture) for restraint in self._restraints)

    def _done(self, take: Take, until_us: int) -> list[Gesture]:
        """What was begun in the take until an instant, or was still under way at its begin."""
        begin = take.begin_us
        done = [gesture for gesture in self._gestures if gesture.offset_us >= begin and gesture.onset_us <= until_us]
        done += self._escaped(take, until_us)
        if self._spontaneous and until_us >= begin:
            for habit in (self._habits.blinks, self._habits.swallows):
                done += filter(self._happens, habit.between(begin, until_us))
        return done


def _another(token: str, rng: np.random.Generator) -> str:
    """A movement that is neither this one nor, of an emotion, a part of it."""
    emotion = EMOTION_BY_TOKEN.get(token)
    asked = (token, *emotion.movements, *emotion.optional) if emotion else (token,)
    return str(rng.choice([movement.token for movement in MOVEMENTS if movement.token not in asked]))


def _crossing_us(slide: Slide | None, until_us: int) -> int | None:
    """When a slide of the paper crosses the border of the view, where it has."""
    crossing = slide.time_us(AWAY_MM) if slide else None
    return crossing if crossing is not None and crossing <= until_us else None


def _with_movement(performance: Performance, move: Gesture | None) -> Performance:
    if move is None:
        return performance
    return dataclasses.replace(
        performance,
        movement=move.kind,
        onset_us=move.onset_us,
        apex_us=move.apex_us,
        offset_us=move.offset_us,
        intensity=move.intensity,
    )
