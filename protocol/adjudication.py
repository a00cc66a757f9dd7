"""Where two coders disagree about a take, and the consensus that an adjudicator makes of both.

Pure: label sets in, disagreements or a label set out; both originals stay as they are. Knows no file. How far coders agree
over a whole data set is another matter.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from protocol.errors import GlimpseError
from protocol.labeledits import Landmark, changed
from protocol.labels import CONSENSUS, Adjudication, Interval, IntervalRef, LabelSet, Noise, Origin, Original, Origins

TOLERANCE_US = 20_000  # what is nearer is agreed: half of the shortest micro-expression, by convention 1/25 s
IOU = 0.5  # overlap from which two intervals are the same event, as in spotting (MEGC)
MISSING = "missing"  # one coder has no such interval
NOISE = "noise"
_WHAT = ("kind", "movement", "action_units", "intensity")


class BadDecision(GlimpseError):
    """A decision that fits no disagreement, or not this one."""


class Choice(StrEnum):
    """What becomes of a disagreement: one of both, the middle of both, none of it, or what the adjudicator marks."""

    FIRST = "first"
    SECOND = "second"
    MEAN = "mean"
    NEITHER = "neither"
    OWN = "own"


@dataclass(frozen=True)
class Matching:
    """Which intervals of two coders are the same event."""

    pairs: tuple[tuple[Interval, Interval], ...]
    only_first: tuple[Interval, ...]
    only_second: tuple[Interval, ...]


@dataclass(frozen=True)
class Disagreement:
    """One thing to decide.

    at_us: where it begins, None for noise; first, second: what each coder has, None where nothing (both None for noise);
    differs: MISSING, NOISE, or any of kind, movement, action_units, intensity, onset, apex, offset.
    """

    at_us: int | None
    first: Interval | None
    second: Interval | None
    differs: tuple[str, ...]


@dataclass(frozen=True)
class Decision:
    """What is done with an interval of the first coder, of the second, or with a pair (their ids). interval: for Choice.OWN."""

    first: str | None
    second: str | None
    choice: Choice
    interval: Interval | None = None


def overlap(first: Interval, second: Interval) -> float:
    """Intersection over union of two intervals in time; both ends count, so that two instants at one time overlap wholly."""
    shared = min(first.offset_us, second.offset_us) - max(first.onset_us, second.onset_us) + 1
    union = max(first.offset_us, second.offset_us) - min(first.onset_us, second.onset_us) + 1
    return max(shared, 0) / union


def match_intervals(first: Sequence[Interval], second: Sequence[Interval], iou: float = IOU) -> Matching:
    """Pairs intervals that overlap by `iou` or more, each at most once; those of one movement first, then by their overlap."""
    found = [(_alike(a, b), overlap(a, b), a, b) for a in first for b in second]
    found.sort(key=lambda item: (-item[0], -item[1], item[2].onset_us, item[3].onset_us))
    pairs: list[tuple[Interval, Interval]] = []
    left_a, left_b = {one.id for one in first}, {one.id for one in second}
    for _, share, a, b in found:
        if share >= iou and a.id in left_a and b.id in left_b:
            pairs.append((a, b))
            left_a.discard(a.id)
            left_b.discard(b.id)
    pairs.sort(key=lambda pair: min(pair[0].onset_us, pair[1].onset_us))
    return Matching(
        tuple(pairs), tuple(one for one in first if one.id in left_a), tuple(one for one in second if one.id in left_b)
    )


def _alike(first: Interval, second: Interval) -> int:
    return 2 * (first.movement == second.movement) + (first.kind == second.kind)


def differences(first: Interval, second: Interval, tolerance_us: int = TOLERANCE_US) -> tuple[str, ...]:
    """In what two intervals of one event differ; an intensity that only one coder gave is none."""
    what = [name for name in _WHAT if _value(first, name) != _value(second, name)]
    if first.intensity is None or second.intensity is None:
        what = [name for name in what if name != "intensity"]
    return (*what, *(landmark.value for landmark in Landmark if _apart(first, second, landmark, tolerance_us)))


def _value(interval: Interval, name: str) -> Any:
    value = getattr(interval, name)
    return frozenset(value) if name == "action_units" else value


def _apart(first: Interval, second: Interval, landmark: Landmark, tolerance_us: int) -> bool:
    a, b = getattr(first, f"{landmark}_us"), getattr(second, f"{landmark}_us")
    if a is None or b is None:
        return a is not b
    return bool(abs(a - b) > tolerance_us)


def disagreements(
    first: LabelSet, second: LabelSet, tolerance_us: int = TOLERANCE_US, iou: float = IOU
) -> tuple[Disagreement, ...]:
    """All that two coders do not agree about, in the order of time; noise comes first. Not to have judged it is to see none."""
    matching = match_intervals(first.intervals, second.intervals, iou)
    found = [Disagreement(one.onset_us, one, None, (MISSING,)) for one in matching.only_first]
    found += [Disagreement(one.onset_us, None, one, (MISSING,)) for one in matching.only_second]
    for a, b in matching.pairs:
        if differs := differences(a, b, tolerance_us):
            found.append(Disagreement(min(a.onset_us, b.onset_us), a, b, differs))
    found.sort(key=lambda one: one.at_us or 0)
    noise = [Disagreement(None, None, None, (NOISE,))] if _is_noise(first) != _is_noise(second) else []
    return (*noise, *found)


def _is_noise(labels: LabelSet) -> bool:
    return labels.noise is not None and labels.noise.is_noise


def adjudicate(
    first: LabelSet,
    second: LabelSet,
    decisions: Iterable[Decision] = (),
    *,
    by: str,
    at: datetime,
    noise: Noise | None = None,
    tolerance_us: int = TOLERANCE_US,
    iou: float = IOU,
) -> LabelSet:
    """The consensus of two coders: what they agree about (landmarks in the middle) and what was decided of the rest.

    by: the adjudicator; noise: what is decided where they disagree about it. What nobody has decided yet is left out and named
    in the consensus' adjudication; it is done when nothing is. Raises BadDecision.
    """
    maker = _Maker(first.coder, second.coder, tuple(decisions), tolerance_us)
    maker.refuse_unknown({one.id for one in first.intervals}, {one.id for one in second.intervals})
    matching = match_intervals(first.intervals, second.intervals, iou)
    alone: list[tuple[Interval | None, Interval | None]] = [(one, None) for one in matching.only_first]
    alone += [(None, one) for one in matching.only_second]
    for a, b in (*matching.pairs, *alone):
        maker.add(a, b)
    judged, open_noise = _noise(first, second, noise)
    adjudication = Adjudication(
        by=by,
        at=at,
        originals=(Original(coder=first.coder, digest=first.digest()), Original(coder=second.coder, digest=second.digest())),
        dropped=tuple(maker.dropped),
        undecided=tuple(maker.undecided),
        noise_undecided=open_noise,
    )
    return LabelSet(
        coder=CONSENSUS,
        created_at=at,
        intervals=tuple(maker.made),
        noise=judged,
        done=adjudication.settled,
        adjudication=adjudication,
    )


def _noise(first: LabelSet, second: LabelSet, decided: Noise | None) -> tuple[Noise | None, bool]:
    """(what the consensus says, whether that is still to be decided)."""
    if decided is not None:
        return decided, False
    if _is_noise(first) != _is_noise(second):
        return None, True
    said = [labels.noise for labels in (first, second) if labels.noise is not None]
    if not said:
        return None, False
    reasons = dict.fromkeys(noise.reason for noise in said if noise.reason)
    return Noise(is_noise=said[0].is_noise, reason="; ".join(reasons)), False


class _Maker:
    """Makes the consensus' intervals one event after the other."""

    def __init__(self, first: str, second: str, decisions: tuple[Decision, ...], tolerance_us: int) -> None:
        self.made: list[Interval] = []
        self.dropped: list[IntervalRef] = []
        self.undecided: list[IntervalRef] = []
        self._coders = (first, second)
        self._tolerance_us = tolerance_us
        self._of_first = {one.first: one for one in decisions if one.first is not None}
        self._of_second = {one.second: one for one in decisions if one.second is not None}

    def refuse_unknown(self, first: set[str], second: set[str]) -> None:
        """Every decision is about intervals that there are."""
        strange = [*(self._of_first.keys() - first), *(self._of_second.keys() - second)]
        if strange:
            raise BadDecision(f"No interval {strange[0]!r} is to be decided about; look at both coders' labels again.")

    def add(self, a: Interval | None, b: Interval | None) -> None:
        """One event, of which one coder may know nothing."""
        sides = zip(self._coders, (a, b), strict=True)
        refs = tuple(IntervalRef(coder=coder, interval=one.id) for coder, one in sides if one is not None)
        decision = (self._of_first.get(a.id) if a else None) or (self._of_second.get(b.id) if b else None)
        agreed = a is not None and b is not None and not differences(a, b, self._tolerance_us)
        if decision is None and not agreed:
            self.undecided.extend(refs)
        elif decision is not None and decision.choice is Choice.NEITHER:
            self.dropped.extend(refs)
        else:
            made = _mean(a, b) if decision is None else _chosen(decision, a, b)
            self.made.append(changed(made, id=_id_of(refs), made_of=refs))


def _id_of(refs: Sequence[IntervalRef]) -> str:
    """The same for the same event however often it is adjudicated."""
    told = "|".join(f"{ref.coder}/{ref.interval}" for ref in refs)
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def _chosen(decision: Decision, a: Interval | None, b: Interval | None) -> Interval:
    wanted = {Choice.FIRST: a, Choice.SECOND: b, Choice.OWN: decision.interval}
    if decision.choice is Choice.MEAN:
        return _mean(a, b)
    if (interval := wanted[decision.choice]) is None:
        raise BadDecision(f"There is no interval to take for the choice {decision.choice.value!r}; choose another.")
    return interval


def _mean(a: Interval | None, b: Interval | None) -> Interval:
    """The middle of two intervals that say the same movement."""
    if a is None or b is None or any(name in _WHAT for name in differences(a, b)):
        raise BadDecision("The coders mean different things here, which have no middle; choose one of them or mark it anew.")
    confidences = [one.confidence for one in (a, b) if one.confidence is not None]
    return changed(
        a,
        **{f"{landmark}_us": _middle(a, b, landmark) for landmark in Landmark},
        intensity=a.intensity or b.intensity,
        confidence=min(confidences, default=None),
        origin=Origins(**{landmark.value: _origin(a, b, landmark) for landmark in Landmark}),
        note="; ".join(dict.fromkeys(note for note in (a.note, b.note) if note)),
    )


def _middle(a: Interval, b: Interval, landmark: Landmark) -> int | None:
    values = [us for us in (getattr(one, f"{landmark}_us") for one in (a, b)) if us is not None]
    return sum(values) // len(values) if values else None


def _origin(a: Interval, b: Interval, landmark: Landmark) -> Origin:
    """As both; an adjusted suggestion where they differ or where the middle is neither's place."""
    of_a, of_b = getattr(a.origin, landmark), getattr(b.origin, landmark)
    if of_a is of_b and (of_a is not Origin.ACCEPTED or getattr(a, f"{landmark}_us") == getattr(b, f"{landmark}_us")):
        return Origin(of_a)
    return Origin.ADJUSTED


def decisions_in(consensus: LabelSet, first: str, second: str) -> tuple[Decision, ...]:
    """What a consensus of these two coders has settled already, as decisions: to go on with an adjudication another day."""
    return tuple(_decisions(consensus, first, second))


def _decisions(consensus: LabelSet, first: str, second: str) -> Iterator[Decision]:
    for interval in consensus.intervals:
        ids: Mapping[str, str] = {ref.coder: ref.interval for ref in interval.made_of}
        if ids.keys() & {first, second}:
            yield Decision(ids.get(first), ids.get(second), Choice.OWN, interval)
    for ref in consensus.adjudication.dropped if consensus.adjudication else ():
        if ref.coder in (first, second):
            of_first = ref.coder == first
            yield Decision(ref.interval if of_first else None, None if of_first else ref.interval, Choice.NEITHER)


def changed_since(consensus: LabelSet, originals: Mapping[str, LabelSet]) -> tuple[str, ...]:
    """The coders whose labels are no longer what was adjudicated, or are gone."""
    if consensus.adjudication is None:
        return ()
    told = consensus.adjudication.originals
    return tuple(one.coder for one in told if one.coder not in originals or originals[one.coder].digest() != one.digest)
