"""Which takes a simulated data set consists of: who sits there, what is asked for, which mistakes are made.

Pure: the same wishes give the same plan, take by take. Knows no folder, no process and no recorder.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from operator import attrgetter
from typing import Annotated

import numpy as np
from pydantic import Field

from protocol.errors import GlimpseError
from protocol.movement import MOVEMENTS
from protocol.schema import Strict
from protocol.script import Script
from recorder.sim.performance import Mistake
from recorder.sim.subject import draw_traits

PERSONS = 999_999  # seeds of persons are 1 ... PERSONS: below a million, and numbers that subjects.csv takes
MAX_TAKES = 100_000  # of one data set; more than a disk of a terabyte holds
# Class shares in percent of the 233 clips of the reference data set.
REFERENCE_SHARES: Mapping[str, float] = {
    "upperLidRaiser": 14.2,
    "smile": 13.3,
    "openMouth": 17.2,
    "noseWrinkle": 13.3,
    "frown": 15.0,
    "blink": 13.7,
    "contractJaw": 13.3,
}
OTHER_SHARE = 100 / len(MOVEMENTS)  # of a movement that the reference data set does not have
PLANNED = ("take", "session", "head", "intensity", "duration_ms", "mistake")  # options of the camera that a plan sets
SESSION = 1  # number of every subject's one session
_PEOPLE, _NOISE = 1, 2  # random streams of a data set's seed


class PlanError(GlimpseError):
    """A data set that cannot be planned like this."""


class Wishes(Strict):
    """What the user wants of a simulated data set: everything on which its content depends.

    takes: of each movement and subject on average; movements: tokens; balanced: as many takes of each movement instead of
    the reference data set's shares; intensity, duration_ms: "LO..HI" as the simulated camera takes them; noise_share: share of
    takes in which a mistake is made; head: its name or file, None for the best there is; options: more of the simulated
    camera's options, "name=value" each; rgb, thermal: whether these cameras run.
    """

    subjects: Annotated[int, Field(ge=1, le=MAX_TAKES)]
    takes: Annotated[int, Field(ge=1, le=MAX_TAKES)]
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    movements: tuple[str, ...]
    balanced: bool = False
    intensity: str = "0.2..1"
    duration_ms: str | None = None
    noise_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    head: str | None = None
    options: tuple[str, ...] = ()
    rgb: bool = True
    thermal: bool = True
    script: Script

    @property
    def total(self) -> int:
        """How many takes there will be."""
        return self.subjects * len(self.movements) * self.takes


@dataclass(frozen=True)
class PlannedSubject:
    """One subject. subject: its number in the data set; person: the seed of the simulated person."""

    subject: int
    person: int
    sex: str
    age_band: str
    glasses: bool


@dataclass(frozen=True)
class PlannedTake:
    """One take. take: which one of the person, 1 ...; camera: what `--camera` must say, different for every take of a plan."""

    who: PlannedSubject
    movement: str
    take: int
    mistake: Mistake | None
    camera: str

    @property
    def subject(self) -> int:
        """The subject's number."""
        return self.who.subject

    @property
    def session(self) -> str:
        """The session's label: all takes of a subject are of one, through which the cameras' clocks run on."""
        return f"sim-{SESSION}"


@dataclass(frozen=True)
class Plan:
    """A whole data set. takes: ordered by subject and by the person's takes."""

    subjects: tuple[PlannedSubject, ...]
    takes: tuple[PlannedTake, ...]


def draw_plan(wishes: Wishes) -> Plan:
    """The plan of these wishes. Raises PlanError for wishes that no data set can fulfil."""
    check(wishes)
    people = tuple(_subjects(wishes.seed, wishes.subjects))
    asked = deal(largest_remainder(_weights(wishes), wishes.total))
    mistakes = _mistakes(wishes)
    each = wishes.total // wishes.subjects
    takes = (
        _take(wishes, people[index // each], index % each + 1, wishes.movements[movement], mistakes.get(index))
        for index, movement in enumerate(asked)
    )
    return Plan(people, tuple(takes))


def check(wishes: Wishes) -> None:
    """Raise PlanError for wishes that no data set can fulfil."""
    if not wishes.movements or len(set(wishes.movements)) < len(wishes.movements):
        raise PlanError("A data set needs one movement at least, and each only once; correct --movements.")
    if wishes.total > MAX_TAKES:
        raise PlanError(f"{wishes.total:,} takes are more than {MAX_TAKES:,}; ask for fewer subjects or takes.")
    for option in wishes.options:
        if option.partition("=")[0] in PLANNED or "=" not in option or "," in option:
            raise PlanError(
                f"--option {option} cannot be: write NAME=VALUE, and leave {', '.join(PLANNED)} to the command's own options."
            )
    if wishes.head is not None and ("," in wishes.head or not wishes.head):
        raise PlanError(f"The head's file {wishes.head!r} must have a name without commas; rename it.")


def _subjects(seed: int, count: int) -> Iterator[PlannedSubject]:
    """The first subjects of a data set's seed; more of them never change who the first ones are."""
    for number, person in enumerate(islice(_persons(seed), count), start=1):
        traits = draw_traits(person)
        yield PlannedSubject(number, person, traits.sex, traits.age_band, traits.glasses is not None)


def _persons(seed: int) -> Iterator[int]:
    """Seeds of persons, each different."""
    rng = np.random.default_rng([seed, _PEOPLE])
    seen: set[int] = set()
    while len(seen) < PERSONS:
        person = int(rng.integers(PERSONS)) + 1
        if person not in seen:
            seen.add(person)
            yield person


def _weights(wishes: Wishes) -> list[float]:
    return [1.0 if wishes.balanced else REFERENCE_SHARES.get(movement, OTHER_SHARE) for movement in wishes.movements]


def largest_remainder(weights: Sequence[float], total: int) -> list[int]:
    """`total` seats by Hamilton's method: quotas rounded down, the rest to the largest remainders, of equals to the first."""
    quotas = [weight * total / sum(weights) for weight in weights]
    counts = [int(quota) for quota in quotas]
    nearest_first = sorted(range(len(weights)), key=lambda index: counts[index] - quotas[index])
    for index in nearest_first[: total - sum(counts)]:
        counts[index] += 1
    return counts


def deal(counts: Sequence[int]) -> list[int]:
    """A sequence of indices, each as often as its count says and as evenly spread as can be.

    At every place the one that lags most behind its share comes next, so that every subject gets about the same of each.
    """
    total, given = sum(counts), [0] * len(counts)
    dealt = []
    for place in range(1, total + 1):
        left = [index for index in range(len(counts)) if given[index] < counts[index]]
        chosen = max(left, key=lambda index: counts[index] * place - given[index] * total)
        given[chosen] += 1
        dealt.append(chosen)
    return dealt


def _mistakes(wishes: Wishes) -> dict[int, Mistake]:
    """Which takes, by their place in the plan, are spoilt in which way; every mistake about equally often."""
    rng = np.random.default_rng([wishes.seed, _NOISE])
    spoilt = rng.permutation(wishes.total)[: round(wishes.noise_share * wishes.total)]
    kinds = rng.permutation(np.array(tuple(Mistake)))
    return {int(place): Mistake(str(kinds[count % len(kinds)])) for count, place in enumerate(spoilt)}


def _take(wishes: Wishes, who: PlannedSubject, take: int, movement: str, mistake: Mistake | None) -> PlannedTake:
    options = {
        "take": str(take),
        "session": str(SESSION),
        "head": wishes.head,
        "intensity": wishes.intensity,
        "duration_ms": wishes.duration_ms,
        "mistake": mistake.value if mistake else None,
    }
    told = (f"{name}={value}" for name, value in options.items() if value is not None)
    camera = ",".join((f"sim:{who.person}", *told, *wishes.options))
    return PlannedTake(who, movement, take, mistake, camera)


def lanes(takes: Sequence[PlannedTake]) -> list[tuple[PlannedTake, ...]]:
    """The takes of each movement of each subject, which must be made one after another: their numbers follow their order."""
    key = attrgetter("subject", "movement")
    return [tuple(group) for _, group in groupby(sorted(takes, key=key), key)]
