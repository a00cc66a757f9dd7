"""Who labels what: `labelplan.json` of a data set, each coder's queue in a random order of their own, and how far they are.

A plan only ever grows: takes recorded later are added, and nobody's takes change. Knows no window.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from math import floor
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import Field, ValidationError, model_validator

from protocol.errors import GlimpseError
from protocol.labels import CONSENSUS, Coder, LabelSet, Sight
from protocol.naming import EVENTS_SUFFIX, TAKE_TOKENS, TakeName
from protocol.schema import Instant, Versioned, describe
from recorder.dataset import Dataset, TakeEntry
from recorder.host import write_atomic
from recorder.labelstate import coders_in, labels_folder, read_state
from recorder.lockfile import Held, take_lock

PLAN_FILE = "labelplan.json"
SHARE_TWICE = 0.2  # a fifth more work than labelling everything once

# What most takes are called, read at once: whole lists are made of ten thousand names.
_USUAL = re.compile(
    rf"((?:{'|'.join(TAKE_TOKENS)})_[1-9][0-9]{{0,5}}_[1-9][0-9]{{0,5}})(?:_\(noise\))?{re.escape(EVENTS_SUFFIX)}"
)

Read = Callable[[Path, str], LabelSet | None]


class LabelPlanError(GlimpseError):
    """A plan that cannot be made, read or written."""


class LabelPlan(Versioned):
    """Which coders label which takes.

    seed: of the random choices and orders; share_twice: part of the takes that two coders label; blind: nobody sees another's
    labels, and of takes that two label neither suggestions nor detections; hide_asked: neither file name nor asked movement is
    shown; takes: the coders of each take, under its key (`take_key`).
    """

    SCHEMA: ClassVar[str] = "glimpse.labelplan"
    VERSION: ClassVar[tuple[int, int]] = (1, 0)

    created_at: Instant
    seed: int
    coders: tuple[Coder, ...] = Field(min_length=1)
    share_twice: Annotated[float, Field(ge=0, le=1)] = SHARE_TWICE
    blind: bool = True
    hide_asked: bool = False
    takes: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(set(self.coders)) < len(self.coders):
            raise ValueError("a coder is named twice")
        if CONSENSUS in self.coders:
            raise ValueError(f"{CONSENSUS!r} is the name of adjudications and cannot be a coder's")
        if self.share_twice and len(self.coders) < 2:
            raise ValueError("takes can be labelled twice only where there are two coders")
        return self


@dataclass(frozen=True)
class Queued:
    """A take in a coder's queue. coders: all who label it; sight: what this coder may be shown; labels: None where none yet."""

    entry: TakeEntry
    key: str
    coders: tuple[str, ...]
    sight: Sight
    labels: LabelSet | None

    @property
    def twice(self) -> bool:
        """Whether another coder labels it too."""
        return len(self.coders) > 1

    @property
    def done(self) -> bool:
        """Whether the coder has finished with it."""
        return self.labels is not None and self.labels.done


@dataclass(frozen=True)
class Progress:
    """How many takes a coder has: in all, finished, begun but not finished."""

    takes: int = 0
    done: int = 0
    begun: int = 0


def take_key(dataset: Path, take: Path) -> str:
    """What a plan calls a take: its name without `(noise)`, so that it may be renamed and moved; else its path."""
    usual = _USUAL.fullmatch(take.name)
    if usual is not None:
        return usual[1]
    name = TakeEntry.at(take).name
    if name is not None:
        return TakeName(name.movement_token, name.subject, name.number).stem
    return take.relative_to(dataset).as_posix().removesuffix(EVENTS_SUFFIX)


def make_plan(
    dataset: Path | str,
    entries: Iterable[TakeEntry],
    coders: Sequence[str],
    *,
    seed: int,
    at: datetime,
    share_twice: float = SHARE_TWICE,
    blind: bool = True,
    hide_asked: bool = False,
) -> LabelPlan:
    """A plan for these takes: each to the coder who has the fewest of its movement, a share to two. Raises LabelPlanError."""
    try:
        plan = LabelPlan(
            created_at=at, seed=seed, coders=tuple(coders), share_twice=share_twice, blind=blind, hide_asked=hide_asked
        )
    except ValidationError as error:
        raise LabelPlanError(f"The plan cannot be made: {describe(error)}; correct it and try again.") from error
    return extended(plan, dataset, entries)


def extended(plan: LabelPlan, dataset: Path | str, entries: Iterable[TakeEntry]) -> LabelPlan:
    """The plan with the takes in it that it does not know yet; what was assigned stays as it is."""
    new = {take_key(Path(dataset), entry.path): entry.movement or "" for entry in entries}
    keys = [key for key in new if key not in plan.takes]
    keys.sort(key=lambda key: (new[key], _chance(plan.seed, key)))  # each movement has its share of takes labelled twice
    told = dict(plan.takes)
    load = _Load(plan)
    for key in keys:
        place = len(told)
        twice = floor((place + 1) * plan.share_twice + 0.5) > floor(place * plan.share_twice + 0.5)
        told[key] = load.assign(key, 2 if twice else 1)
    return plan.model_copy(update={"takes": told})


def _chance(seed: int, *words: str) -> str:
    """A random order that is the same on every machine and in every version of Python."""
    return hashlib.sha256("/".join((str(seed), *words)).encode()).hexdigest()


def _movement(key: str) -> str:
    return key.partition("_")[0]


class _Load:
    """Who has how much, to share evenly: takes of a movement, pairs, takes in all."""

    def __init__(self, plan: LabelPlan) -> None:
        self._plan = plan
        self._all: Counter[str] = Counter(coder for coders in plan.takes.values() for coder in coders)
        self._of_movement: Counter[tuple[str, str]] = Counter(
            (_movement(key), coder) for key, coders in plan.takes.items() for coder in coders
        )
        self._pairs: Counter[frozenset[str]] = Counter(frozenset(coders) for coders in plan.takes.values() if len(coders) > 1)

    def assign(self, key: str, count: int) -> tuple[str, ...]:
        movement = _movement(key)
        chosen: list[str] = []
        for _ in range(count):
            left = [coder for coder in self._plan.coders if coder not in chosen]
            chosen.append(min(left, key=lambda coder: self._rank(coder, key, movement, chosen)))
        if count > 1:
            self._pairs[frozenset(chosen)] += 1
        for coder in chosen:
            self._all[coder] += 1
            self._of_movement[movement, coder] += 1
        return tuple(chosen)

    def _rank(self, coder: str, key: str, movement: str, chosen: Sequence[str]) -> tuple[int, int, int, str]:
        together = self._pairs[frozenset((*chosen, coder))] if chosen else 0
        return together, self._of_movement[movement, coder], self._all[coder], _chance(self._plan.seed, key, coder)


def read_plan(dataset: Path | str) -> LabelPlan | None:
    """The plan of a data set, None where it has none. Raises LabelPlanError, and SchemaError for one of a newer version."""
    path = Path(dataset) / PLAN_FILE
    try:
        return LabelPlan.parse(path.read_bytes(), str(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LabelPlanError(f"{path}: cannot be read ({error.strerror}); check its permissions.") from error


def save_plan(dataset: Path | str, plan: LabelPlan, *, instead_of: LabelPlan | None) -> Path:
    """Write a plan; instead_of: the one that it was made from, None for a first one. Returns its path.

    Raises LabelPlanError where another was written meanwhile, another window is just writing, or nothing can be written.
    """
    path = Path(dataset) / PLAN_FILE
    lock_path = path.with_name(f"{PLAN_FILE}.lock")
    try:
        lock = take_lock(lock_path)
        if isinstance(lock, Held):
            raise LabelPlanError(f"{path}: another window is just changing the plan; try again in a moment.")
        try:
            if read_plan(dataset) != instead_of:
                raise LabelPlanError(f"{path}: another plan was written meanwhile; look at that one and change it.")
            write_atomic(path, plan.to_json())
        finally:
            lock.give_back(lock_path)
    except OSError as error:
        raise LabelPlanError(f"{path}: cannot be written ({error.strerror}); check the disk and the permissions.") from error
    return path


def coders_of(plan: LabelPlan | None, dataset: Path | str, take: Path) -> tuple[str, ...]:
    """Who is to label a take; nobody in particular without a plan or where it is not in it."""
    return plan.takes.get(take_key(Path(dataset), take), ()) if plan else ()


def sight_for(plan: LabelPlan | None, coders: Sequence[str]) -> Sight:
    """What a coder may be shown of a take that these coders label.

    Two people who press accept agree perfectly and worthlessly: neither of two blind coders is shown what could be copied.
    """
    copied = not (plan and plan.blind and len(coders) > 1)
    return _sight(copied, plan is not None and not plan.blind, not (plan and plan.hide_asked))


@cache
def _sight(copied: bool, others: bool, asked: bool) -> Sight:
    """One of eight, for lists of ten thousand takes."""
    return Sight(suggestions=copied, detections=copied, others=others, asked=asked)


def labels_on_disk(take: Path, coder: str) -> LabelSet | None:
    """One coder's labels, None where there are none or they cannot be read (which opening them tells)."""
    try:
        state = read_state(labels_folder(take), coder)
    except GlimpseError:
        return None
    return state.labels if state else None


def queue_for(
    dataset: Path | str,
    coder: str,
    *,
    plan: LabelPlan | None,
    entries: Iterable[TakeEntry] | None = None,
    read: Read = labels_on_disk,
) -> tuple[Queued, ...]:
    """A coder's takes in the random order that is theirs; without a plan all takes in the order of their names.

    entries: the takes to choose from, default those that are used (no partial, failed, redone, noise and practice ones), though
    a take that was called noise since the coder began stays; read: how labels are looked up, where an index knows them.
    """
    folder = Path(dataset)
    found = _used(Dataset(folder).selection(include=("noise",)), coder) if entries is None else list(entries)
    keyed = [(take_key(folder, entry.path), entry) for entry in found]
    if plan is not None:
        place = {key: number for number, key in enumerate(in_turn(plan, coder, (key for key, _ in keyed)))}
        keyed = [(key, entry) for key, entry in keyed if key in place]
        keyed.sort(key=lambda item: place[item[0]])
    queue = []
    for key, entry in keyed:
        coders = plan.takes[key] if plan else ()
        queue.append(Queued(entry, key, coders, sight_for(plan, coders), read(entry.path, coder)))
    return tuple(queue)


def in_turn(plan: LabelPlan, coder: str, keys: Iterable[str]) -> list[str]:
    """Those of the takes with these keys that a coder labels, in the random order that is the coder's own."""
    own = {key for key in keys if coder in plan.takes.get(key, ())}
    return sorted(own, key=lambda key: _chance(plan.seed, coder, key))


def _used(entries: Iterable[TakeEntry], coder: str) -> list[TakeEntry]:
    return [entry for entry in entries if not entry.noise or coder in coders_in(labels_folder(entry.path))]


def progress(
    dataset: Path | str,
    plan: LabelPlan,
    *,
    entries: Iterable[TakeEntry] | None = None,
    read: Read = labels_on_disk,
) -> dict[str, Progress]:
    """How far every coder of the plan is, and under CONSENSUS how many of the takes labelled twice are adjudicated.

    A consensus has as many takes as both coders have finished.
    """
    taken = Dataset(dataset).selection(include=("noise",)) if entries is None else list(entries)
    used = {coder: _used(taken, coder) if entries is None else taken for coder in plan.coders}
    queues = {coder: queue_for(dataset, coder, plan=plan, entries=used[coder], read=read) for coder in plan.coders}
    finished = Counter(one.key for queue in queues.values() for one in queue if one.done and one.twice)
    paths = {one.key: one.entry.path for queue in queues.values() for one in queue}
    ready = [read(paths[key], CONSENSUS) for key, count in finished.items() if count == len(plan.takes[key])]
    told = {coder: _progress([one.labels for one in queue]) for coder, queue in queues.items()}
    return {**told, CONSENSUS: _progress(ready)}


def _progress(labels: Sequence[LabelSet | None]) -> Progress:
    done = sum(one is not None and one.done for one in labels)
    begun = sum(one is not None and not one.done and not one.empty for one in labels)
    return Progress(len(labels), done, begun)
