"""What two coders say about one take, point by point, and what an adjudicator decides of it. Pure; knows no file, no window.

A point is decided when each thing in which the coders differ is: as one of them has it, the middle, or what the adjudicator
marks. What is decided so far makes the consensus.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.i18n import tr
from protocol.adjudication import MISSING, NOISE, Choice, Decision, Disagreement, adjudicate, decisions_in, disagreements
from protocol.errors import GlimpseError
from protocol.labeledits import Landmark, changed
from protocol.labels import CONSENSUS, Interval, LabelSet, Noise, Origin, Origins
from recorder.labelplan import LabelPlan

WHAT = ("kind", "movement", "action_units", "intensity")
LANDMARKS = tuple(landmark.value for landmark in Landmark)
Key = tuple[str | None, str | None]


class NotDecidable(GlimpseError):
    """A decision that makes no sense of this part."""


@dataclass(frozen=True)
class Part:
    """One thing of a point. name: NOISE, MISSING, of WHAT or of LANDMARKS; first, second: what each coder has, an interval for
    MISSING, None for nothing; chosen: the consensus', None while it is open; differs: whether it is to be decided at all.
    """

    name: str
    first: Any
    second: Any
    chosen: Any
    differs: bool
    settled: bool


@dataclass
class _Choices:
    """What was decided of one point: as a whole, or part by part until nothing is open."""

    whole: Decision | None = None
    parts: dict[str, tuple[Any, Origin | None]] = field(default_factory=dict)


def key_of(point: Disagreement) -> Key:
    """The ids of the intervals that a point is about."""
    return (point.first.id if point.first else None, point.second.id if point.second else None)


def why_not_compare(plan: LabelPlan | None, coders: Sequence[str], by: str, labels: Mapping[str, LabelSet]) -> str | None:
    """Why somebody may not see two coders' labels beside each other; None where it harms nothing.

    coders: whom the plan gives the take to. Whoever labels it, or has begun to, must have finished, and so must all others.
    """
    said = {coder: one for coder, one in labels.items() if coder != CONSENSUS and not one.empty}
    finished = [coder for coder, one in said.items() if one.done]
    if by not in finished and (by in coders or by in said) and (plan is None or plan.blind):
        return tr("Finish your own labels of this take first: what others say would no longer be news to you.")
    if waiting := sorted({*coders} - {*finished}):
        return tr("{coders} must finish this take first.").format(coders=", ".join(waiting))
    if len(finished) < 2:
        return tr("Two coders must have finished this take before they can be compared.")
    return None


def finished_pairs(labels: Mapping[str, LabelSet]) -> tuple[tuple[str, str], ...]:
    """Every two coders who have finished."""
    names = sorted(coder for coder, one in labels.items() if coder != CONSENSUS and one.done)
    return tuple((first, second) for index, first in enumerate(names) for second in names[index + 1 :])


class Case:
    """Two coders' labels and the decisions about them. points: in the order of time, noise first; at: the point in hand."""

    def __init__(self, first: LabelSet, second: LabelSet, consensus: LabelSet | None, by: str, named: bool) -> None:
        """consensus: what was decided before, to go on with; named: whether the take is called noise now."""
        self.first, self.second, self.by = first, second, by
        self.points = disagreements(first, second)
        self.at = 0
        self._named = named
        self._noise: Noise | None = None
        self._choices: dict[Key, _Choices] = {key_of(point): _Choices() for point in self.points}
        if consensus is not None:
            self._go_on_with(consensus)
        self.at = self._open_from(0, 1) or 0

    def _go_on_with(self, consensus: LabelSet) -> None:
        for decision in decisions_in(consensus, self.first.coder, self.second.coder):
            if (choices := self._choices.get((decision.first, decision.second))) is not None:
                choices.whole = decision
        open_noise = consensus.adjudication is None or consensus.adjudication.noise_undecided
        self._noise = None if open_noise else consensus.noise

    # Looking

    @property
    def point(self) -> Disagreement | None:
        """The point in hand."""
        return self.points[self.at] if self.points else None

    @property
    def open(self) -> int:
        """How many points are not decided."""
        return sum(not self.decided(point) for point in self.points)

    def decided(self, point: Disagreement) -> bool:
        """Whether nothing of a point is open."""
        return self._noise is not None if NOISE in point.differs else self._choices[key_of(point)].whole is not None

    def parts(self, point: Disagreement) -> tuple[Part, ...]:
        """What a point consists of: first what the coders differ in, then landmarks that can be moved all the same."""
        if NOISE in point.differs:
            said = (_noise_of(self.first).is_noise, _noise_of(self.second).is_noise)
            chosen = self._noise.is_noise if self._noise else None
            return (Part(NOISE, *said, chosen, differs=True, settled=self._noise is not None),)
        names = [*point.differs, *(name for name in LANDMARKS if name not in point.differs)]
        return tuple(self._part(point, name) for name in names)

    def _part(self, point: Disagreement, name: str) -> Part:
        choices, made = self._choices[key_of(point)], self._made(point)
        if name == MISSING:
            return Part(name, point.first, point.second, made, differs=True, settled=choices.whole is not None)
        first, second = (None if one is None else _value(one, name) for one in (point.first, point.second))
        if choices.whole is not None:
            chosen = None if made is None else _value(made, name)
        else:
            chosen = {**_agreed(point), **choices.parts}.get(name, (None, None))[0]
            chosen = None if name in point.differs and name not in choices.parts else chosen
        settled = choices.whole is not None or name in choices.parts
        return Part(name, first, second, chosen, differs=name in point.differs, settled=settled)

    def _made(self, point: Disagreement) -> Interval | None:
        """The interval that a point has become; None while it is open, and where it was left out."""
        whole = self._choices[key_of(point)].whole
        if whole is None or whole.choice is Choice.NEITHER:
            return None
        by_choice = {Choice.FIRST: point.first, Choice.SECOND: point.second, Choice.OWN: whole.interval}
        return by_choice[whole.choice] if whole.choice in by_choice else _mean(point)

    def left_out(self, point: Disagreement) -> bool:
        """Whether it was decided that there is no such movement."""
        whole = self._choices[key_of(point)].whole if NOISE not in point.differs else None
        return whole is not None and whole.choice is Choice.NEITHER

    def consensus(self, at: datetime) -> LabelSet:
        """What is decided so far, with what both agree about."""
        decisions = [choices.whole for choices in self._choices.values() if choices.whole is not None]
        return adjudicate(self.first, self.second, decisions, by=self.by, at=at, noise=self._noise)

    def place_of(self, interval: str) -> int | None:
        """The point that an interval of the consensus, or of one coder, belongs to."""
        for number, point in enumerate(self.points):
            if interval in key_of(point):
                return number
        return None

    # Going

    def go(self, way: int, *, undecided: bool = False) -> bool:
        """To the next point (1) or the one before (-1), round at the ends; whether there is one."""
        if not self.points:
            return False
        step = 1 if way > 0 else -1
        to = self._open_from(self.at + step, step) if undecided else (self.at + step) % len(self.points)
        if to is None:
            return False
        self.at = to
        return True

    def _open_from(self, start: int, step: int) -> int | None:
        count = len(self.points)
        around = ((start + step * number) % count for number in range(count))
        return next((number for number in around if not self.decided(self.points[number])), None)

    # Deciding

    def take(self, choice: Choice) -> None:
        """Decide the point in hand as a whole. Raises NotDecidable, BadDecision."""
        point = self.point
        if point is None:
            raise NotDecidable(tr("Both coders agree; there is nothing to decide."))
        if NOISE in point.differs:
            self._take_noise(choice)
            return
        have = {Choice.FIRST: point.first, Choice.SECOND: point.second}
        if choice in have and have[choice] is None:  # one coder has no such interval: as that one has it is to leave it out
            choice = Choice.NEITHER
        self._try(point, Decision(*key_of(point), choice))

    def _take_noise(self, choice: Choice) -> None:
        said = {Choice.FIRST: self.first, Choice.SECOND: self.second}
        if choice not in said:
            raise NotDecidable(tr("The take is noise or it is not; choose what one of the coders says."))
        self._noise = _noise_of(said[choice]).model_copy(update={"named": self._named})

    def take_part(self, name: str, choice: Choice, at_us: int | None = None) -> None:
        """Decide one part of the point in hand; at_us: for Choice.OWN, of a landmark. Raises NotDecidable, BadEdit."""
        point = self.point
        if point is None or name in (NOISE, MISSING) or choice is Choice.NEITHER:
            self.take(choice)
            return
        told = self._told(point, name, choice, at_us)
        choices = self._choices[key_of(point)]
        parts = {**self._settled(point), name: told}
        if point.first is None or point.second is None or all(one in parts for one in point.differs):
            self._try(point, Decision(*key_of(point), Choice.OWN, _with(_base(point), {**_agreed(point), **parts})))
        choices.parts = parts

    def _settled(self, point: Disagreement) -> dict[str, tuple[Any, Origin | None]]:
        """What is decided of a point, part by part, also where it was decided as a whole."""
        made, choices = self._made(point), self._choices[key_of(point)]
        if made is None:
            return dict(choices.parts) if choices.whole is None else {}
        return {name: (_value(made, name), _origin(made, name)) for name in (*WHAT, *LANDMARKS)}

    def _told(self, point: Disagreement, name: str, choice: Choice, at_us: int | None) -> tuple[Any, Origin | None]:
        landmark = name in LANDMARKS
        if choice is Choice.OWN and landmark and at_us is not None:
            return at_us, Origin.PLACED
        sides = [one for one in (point.first, point.second) if one is not None]
        if choice is Choice.MEAN and landmark and len(sides) == 2:
            return _middle(sides[0], sides[1], name)
        side = {Choice.FIRST: point.first, Choice.SECOND: point.second}.get(choice)
        if side is None:
            raise NotDecidable(tr("There is nothing of that kind to take here; choose one of the coders."))
        return _value(side, name), _origin(side, name)

    def _try(self, point: Disagreement, decision: Decision) -> None:
        """Keep a decision if a consensus can be made of it."""
        choices = self._choices[key_of(point)]
        before, choices.whole = choices.whole, decision
        try:
            self.consensus(self.first.created_at)
        except GlimpseError:
            choices.whole = before
            raise
        choices.parts = {}


def _value(interval: Interval, name: str) -> Any:
    return getattr(interval, f"{name}_us" if name in LANDMARKS else name)


def _origin(interval: Interval, name: str) -> Origin | None:
    return getattr(interval.origin, name) if name in LANDMARKS else None


def _middle(first: Interval, second: Interval, name: str) -> tuple[int | None, Origin]:
    """As adjudicate has it: a suggestion that neither left where it was counts as adjusted."""
    told = [us for us in (_value(first, name), _value(second, name)) if us is not None]
    ours, theirs = _origin(first, name), _origin(second, name)
    same = ours is theirs and (ours is not Origin.ACCEPTED or _value(first, name) == _value(second, name))
    return (sum(told) // len(told) if told else None), (ours or Origin.PLACED) if same else Origin.ADJUSTED


def _base(point: Disagreement) -> Interval:
    """What there is before anything is decided: as the first coder has it, or the only one."""
    base = point.first or point.second
    assert base is not None, "a point about intervals has at least one"
    return base


def _agreed(point: Disagreement) -> dict[str, tuple[Any, Origin | None]]:
    """What both coders say of a point: the middle of landmarks that are near enough, an intensity that only one gave."""
    first, second = point.first, point.second
    if first is None or second is None:
        return {}
    near = {name: _middle(first, second, name) for name in LANDMARKS if name not in point.differs}
    return {**near, "intensity": (first.intensity or second.intensity, None)}


def _mean(point: Disagreement) -> Interval:
    """As adjudicate makes the middle of two."""
    first, second = point.first, point.second
    both = {} if first is None or second is None else {name: _middle(first, second, name) for name in LANDMARKS}
    return _with(_base(point), {**_agreed(point), **both})


def _with(base: Interval, parts: Mapping[str, tuple[Any, Origin | None]]) -> Interval:
    """The interval with these values. Raises BadEdit where they fit together no more."""
    values = {f"{name}_us" if name in LANDMARKS else name: value for name, (value, _) in parts.items()}
    origins = {name: origin for name, (_, origin) in parts.items() if origin is not None}
    return changed(base, **values, origin=Origins(**{**base.origin.model_dump(), **origins}))


def _noise_of(labels: LabelSet) -> Noise:
    """Not to have judged it is to see none."""
    return labels.noise or Noise(is_noise=False)
