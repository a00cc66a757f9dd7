"""Whether coders say different things about a take, so that it is looked at again. Knows no folder; measures no agreement."""

from collections.abc import Collection, Mapping
from itertools import combinations

from protocol.labels import CONSENSUS, Interval, LabelSet

LEAST_OVERLAP = 0.5  # intersection over union from which two intervals are one: the MEGC's for spotting


def disagree(labels: Mapping[str, LabelSet]) -> bool:
    """Whether two coders who have finished differ: in noise, or in an interval that the other has not, of the same movement or
    action units and overlapping by LEAST_OVERLAP. A consensus with nothing left to decide ends it.

    labels: by coder.
    """
    consensus = labels.get(CONSENSUS)
    if consensus is not None and consensus.adjudication is not None and consensus.adjudication.settled:
        return False
    finished = [said for coder, said in labels.items() if coder != CONSENSUS and said.done]
    return any(_differ(one, other) for one, other in combinations(finished, 2))


def _differ(one: LabelSet, other: LabelSet) -> bool:
    if _is_noise(one) != _is_noise(other):
        return True
    return not _is_noise(one) and not _matched(one.intervals, list(other.intervals))


def _is_noise(said: LabelSet) -> bool:
    return said.noise is not None and said.noise.is_noise


def _matched(ours: Collection[Interval], theirs: list[Interval]) -> bool:
    """Whether every interval has one of its own on the other side, and none is left there."""
    if len(ours) != len(theirs):
        return False
    for interval in ours:
        fitting = [other for other in theirs if _kind(interval) == _kind(other)]
        best = max(fitting, key=lambda other: overlap(interval, other), default=None)
        if best is None or overlap(interval, best) < LEAST_OVERLAP:
            return False
        theirs.remove(best)
    return True


def _kind(interval: Interval) -> tuple[str | None, frozenset[int]]:
    return interval.movement, frozenset(interval.action_units) if interval.movement is None else frozenset()


def overlap(one: Interval, other: Interval) -> float:
    """Intersection over union in time, 0 ... 1; both ends count, so that an instant overlaps with itself."""
    both = min(one.offset_us, other.offset_us) - max(one.onset_us, other.onset_us) + 1
    either = max(one.offset_us, other.offset_us) - min(one.onset_us, other.onset_us) + 1
    return max(0, both) / either
