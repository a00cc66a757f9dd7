"""How well two coders agree: action units, movements, intervals and landmarks. Pure functions on label sets.

Every result that cannot be computed is None with a remark, never NaN. Times in int64 microseconds, differences in milliseconds.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median, stdev

from protocol.labels import Interval, LabelSet, Origin
from protocol.movement import BY_TOKEN, NEUTRAL

LEAST_IOU = 0.5  # Micro-Expression Grand Challenge: an interval is found where it overlaps so much
ANY_OVERLAP = 1e-9  # what lies on the same movement at all: matching by 0.5 would leave out the large differences
LIMITS = 1.96  # standard deviations: 95 % of the differences where they are normal (Bland & Altman, Lancet 327, 1986)
LANDMARKS = ("onset", "apex", "offset")
NOISE = "noise"
ONE_LABEL = "both coders gave one and the same label throughout: they agree, but not more than by chance, so 1 by definition"
NO_LABELS = "there is nothing to compare"


@dataclass(frozen=True)
class Both:
    """What two coders say of one take. asked: the movement (token) that it was recorded for."""

    take: str
    asked: str | None
    first: LabelSet
    second: LabelSet


@dataclass(frozen=True)
class Kappa:
    """Cohen's kappa. value: None where there is nothing to compare; observed, expected: shares of agreement; remark: what must
    be known of it.
    """

    value: float | None
    observed: float | None
    expected: float | None
    count: int
    remark: str = ""


@dataclass(frozen=True)
class Scores:
    """Intervals that both marked. matched: pairs; first, second: intervals of each coder; f1: 2 matched / (first + second)."""

    matched: int
    first: int
    second: int

    @property
    def f1(self) -> float | None:
        """None where neither marked anything."""
        total = self.first + self.second
        return 2 * self.matched / total if total else None


@dataclass(frozen=True)
class Difference:
    """One landmark that both set, on the same movement. origins: of the first and the second coder's; length_us: of the
    movement, the mean of both.
    """

    take: str
    movement: str
    landmark: str
    first_us: int
    second_us: int
    origins: tuple[Origin, Origin]
    length_us: float

    @property
    def ms(self) -> float:
        """How much later the second coder set it."""
        return (self.second_us - self.first_us) / 1000

    @property
    def origin(self) -> str:
        """Where both come from, whoever set which: "placed", or "accepted/placed"."""
        return "/".join(sorted({origin.value for origin in self.origins}))


@dataclass(frozen=True)
class Spread:
    """Differences of landmarks in milliseconds. median_ms, p95_ms: of their size; bias_ms: their mean, the second coder later;
    low_ms, high_ms: 95 % limits of agreement, None below two differences.
    """

    count: int
    median_ms: float | None = None
    p95_ms: float | None = None
    bias_ms: float | None = None
    low_ms: float | None = None
    high_ms: float | None = None


@dataclass(frozen=True)
class Agreement:
    """Of two coders, on the takes of one movement or of all (movement None).

    takes: coded by both; au_overlap: R; movements: kappa of what was made in a take; noise: kappa of whether it is noise, of
    takes that both judged; landmarks: by "onset", "apex", "offset"; by_origin: the same by origin; identical: takes on which
    every landmark of both is the same to the microsecond.
    """

    coders: tuple[str, str]
    movement: str | None
    takes: int
    au_overlap: float | None
    movements: Kappa
    noise: Kappa
    intervals: Scores
    landmarks: Mapping[str, Spread]
    by_origin: Mapping[str, Mapping[str, Spread]]
    identical: int
    differences: tuple[Difference, ...] = field(repr=False, default=())


def units_of(interval: Interval) -> frozenset[int]:
    """The action units that were coded; where only a movement was, the first of those that make it."""
    if interval.action_units or interval.movement is None:
        return frozenset(interval.action_units)
    return frozenset(BY_TOKEN[interval.movement].action_units[:1])


def label_of(interval: Interval) -> str:
    """What the interval is of: its movement, else its action units, "AU4+AU7"."""
    return interval.movement or "+".join(f"AU{unit}" for unit in sorted(set(interval.action_units)))


def au_overlap(pairs: Iterable[tuple[Iterable[int], Iterable[int]]]) -> float | None:
    """R = 2 sum |AU(c1) n AU(c2)| / sum (|AU(c1)| + |AU(c2)|) over the takes; None where nobody coded anything.

    Ekman, Friesen & Hager, FACS Investigator's Guide, 2002; used for CASME II (Yan et al. 2014) and SAMM (Davison et al. 2018).
    """
    sets = [(frozenset(first), frozenset(second)) for first, second in pairs]
    total = sum(len(first) + len(second) for first, second in sets)
    return 2 * sum(len(first & second) for first, second in sets) / total if total else None


def cohen_kappa(first: Sequence[str], second: Sequence[str]) -> Kappa:
    """Cohen's kappa = (p_o - p_e) / (1 - p_e) of labels [n] each (Educ. Psychol. Meas. 20, 1960).

    Where only one label occurs p_e is 1 and the formula 0/0: then 1, since they agree, and the remark says so.
    """
    count = len(first)
    if not count:
        return Kappa(None, None, None, 0, NO_LABELS)
    agreed = sum(one == other for one, other in zip(first, second, strict=True))
    shares = Counter(first), Counter(second)
    chance = sum(shares[0][label] * shares[1][label] for label in shares[0])  # of count * count, exact
    observed, expected = agreed / count, chance / count**2
    if chance == count**2:
        return Kappa(1.0, observed, expected, count, ONE_LABEL)
    return Kappa((observed - expected) / (1 - expected), observed, expected, count)


def iou(first: Interval, second: Interval) -> float:
    """Overlap over union of two intervals, 0 ... 1; two of no length are 1 where they are the same instant."""
    overlap = min(first.offset_us, second.offset_us) - max(first.onset_us, second.onset_us)
    union = max(first.offset_us, second.offset_us) - min(first.onset_us, second.onset_us)
    if union == 0:
        return 1.0
    return max(overlap, 0) / union


def match(first: Sequence[Interval], second: Sequence[Interval], least: float = LEAST_IOU) -> list[tuple[Interval, Interval]]:
    """Pairs of intervals of the same label with an overlap of at least `least`, each interval in one pair at most.

    Greedy: the pair that overlaps most first. In the order of time.
    """
    rated = (
        (iou(one, other), index, number)
        for index, one in enumerate(first)
        for number, other in enumerate(second)
        if label_of(one) == label_of(other)
    )
    pairs: list[tuple[int, int]] = []
    for _, index, number in sorted((rate for rate in rated if rate[0] >= least), key=lambda rate: (-rate[0], *rate[1:])):
        if all(index != taken and number != other for taken, other in pairs):
            pairs.append((index, number))
    return sorted(((first[i], second[n]) for i, n in pairs), key=lambda pair: pair[0].onset_us)


def made_in(labels: LabelSet, asked: str | None) -> str:
    """What was made in a take: noise, the movement that was asked for, else the longest one, else neutral."""
    if labels.noise is not None and labels.noise.is_noise:
        return NOISE
    ordered = sorted(labels.intervals, key=lambda interval: interval.duration_us)
    found = {label_of(interval): interval.duration_us for interval in ordered}
    if asked in found:
        return str(asked)
    told = [name for name in found if name != "blink"] or list(found)  # a blink beside a movement is not what was made
    return max(told, key=lambda name: found[name]) if told else NEUTRAL


def spread(differences: Sequence[float]) -> Spread:
    """What is told of differences [n] in milliseconds."""
    if not differences:
        return Spread(0)
    sizes, bias = [abs(one) for one in differences], fmean(differences)
    reach = LIMITS * stdev(differences) if len(differences) > 1 else None
    limits = (None, None) if reach is None else (bias - reach, bias + reach)
    return Spread(len(sizes), median(sizes), percentile(sizes, 0.95), bias, *limits)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which a share of the values [n >= 1] lies, by straight lines between (Hyndman & Fan 1996, type 7)."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    return low + (high - low) * (place - math.floor(place))


def landmark_differences(both: Both) -> list[Difference]:
    """Of every landmark that both coders set, on movements of the same label that overlap at all."""
    found = []
    for one, other in match(both.first.intervals, both.second.intervals, ANY_OVERLAP):
        for landmark in LANDMARKS:
            first_us, second_us = getattr(one, f"{landmark}_us"), getattr(other, f"{landmark}_us")
            if first_us is not None and second_us is not None:
                origins = getattr(one.origin, landmark), getattr(other.origin, landmark)
                length_us = (one.duration_us + other.duration_us) / 2
                found.append(Difference(both.take, label_of(one), landmark, first_us, second_us, origins, length_us))
    return found


def agreement(coders: tuple[str, str], takes: Sequence[Both], movement: str | None = None) -> Agreement:
    """Of two coders on these takes. movement: leave out the takes of all others, by what they were recorded for."""
    chosen = [both for both in takes if movement is None or both.asked == movement]
    differences = tuple(one for both in chosen for one in landmark_differences(both))
    judged = [both for both in chosen if both.first.noise is not None and both.second.noise is not None]
    return Agreement(
        coders,
        movement,
        len(chosen),
        au_overlap((_units(both.first), _units(both.second)) for both in chosen),
        cohen_kappa([made_in(b.first, b.asked) for b in chosen], [made_in(b.second, b.asked) for b in chosen]),
        cohen_kappa([_noise(both.first) for both in judged], [_noise(both.second) for both in judged]),
        _scores(chosen),
        _by_landmark(differences),
        {name: _by_landmark(ones) for name, ones in sorted(_grouped(differences, lambda one: one.origin).items())},
        sum(_is_identical(both) for both in chosen),
        differences,
    )


def every_agreement(
    labels: Mapping[str, tuple[str | None, Mapping[str, LabelSet]]], coders: Sequence[str] = ()
) -> list[Agreement]:
    """Of every pair of coders on the takes that both coded: all movements first, then each one.

    labels: by take, what was asked for and the labels by coder; coders: only these (default: all).
    """
    names = sorted({name for _, by_coder in labels.values() for name in by_coder if not coders or name in coders})
    reports = []
    for index, first in enumerate(names):
        for second in names[index + 1 :]:
            shared = [
                Both(take, asked, by_coder[first], by_coder[second])
                for take, (asked, by_coder) in labels.items()
                if first in by_coder and second in by_coder
            ]
            movements = sorted({both.asked for both in shared if both.asked is not None})
            reports += [agreement((first, second), shared, movement) for movement in (None, *movements)] if shared else []
    return reports


def _units(labels: LabelSet) -> frozenset[int]:
    return frozenset().union(*(units_of(interval) for interval in labels.intervals))


def _noise(labels: LabelSet) -> str:
    return NOISE if labels.noise is not None and labels.noise.is_noise else "usable"


def _scores(takes: Sequence[Both]) -> Scores:
    matched = sum(len(match(both.first.intervals, both.second.intervals)) for both in takes)
    return Scores(matched, sum(len(b.first.intervals) for b in takes), sum(len(b.second.intervals) for b in takes))


def _by_landmark(differences: Iterable[Difference]) -> dict[str, Spread]:
    grouped = _grouped(differences, lambda one: one.landmark)
    return {landmark: spread([one.ms for one in grouped.get(landmark, [])]) for landmark in LANDMARKS}


def _grouped(differences: Iterable[Difference], key: Callable[[Difference], str]) -> dict[str, list[Difference]]:
    groups: dict[str, list[Difference]] = {}
    for one in differences:
        groups.setdefault(key(one), []).append(one)
    return groups


def _is_identical(both: Both) -> bool:
    """Two people never mark the same microseconds: identical labels were copied, accepted, or of nothing."""
    times = [[(one.onset_us, one.apex_us, one.offset_us) for one in labels.intervals] for labels in (both.first, both.second)]
    return bool(times[0]) and times[0] == times[1]
