"""The rows of a coder's queue and which of them a filter lists. Pure; knows no thread and no window.

What a blind coder must not know is not in a row, so that no column, order or filter can give it away.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from protocol.labels import CONSENSUS, Sight
from protocol.manifest import TakeStatus
from recorder.browse.catalogue import Progress, TakeFilter
from recorder.browse.takefacts import TakeRow
from recorder.labelplan import LabelPlan, in_turn, sight_for, take_key

NAME_DIGITS = 6  # hexadecimal: of 10,000 takes hardly two are called alike
NAMES_KEPT = 1 << 16  # names are read once: a list is made anew whenever the folder has changed
NOT_USED = (TakeStatus.PARTIAL.value, TakeStatus.FAILED.value)


class QueueOrder(StrEnum):
    """In which order takes are listed. QUEUE: the coder's own random one where there is a plan, else by name."""

    QUEUE = "queue"
    NAME = "name"
    RECORDED = "recorded"
    SURE = "sure"
    UNSURE = "unsure"


@dataclass(frozen=True)
class QueueFilter(TakeFilter):
    """Which takes are listed; as a TakeFilter, but `progress` is that of `coder`, without one of the coder at the desk.

    all_takes: also those that the plan gives to others; left_out: also partial, failed, redone, noise and practice takes.
    """

    all_takes: bool = False
    left_out: bool = False


class QueueRow(NamedTuple):
    """One take. path: its `.aedat4`; name: what it is called here; coders: whom the plan gives it to; sight: what the coder may
    see; mine: how far the coder is; done, begun: who else is known to have finished or begun; the rest as a TakeRow has it,
    None or False where the coder may not know.
    """

    path: Path
    name: str
    coders: tuple[str, ...]
    sight: Sight
    mine: Progress
    movement: str | None
    subject: int | None
    number: int | None
    noise: bool
    status: str | None
    verdict: str | None
    confidence: float | None
    disagreement: bool
    done: tuple[str, ...]
    begun: tuple[str, ...]
    recorded_at: str | None
    session: str | None
    practice: bool
    redone: bool
    turn: int  # place in the coder's queue

    @property
    def used(self) -> bool:
        """Whether labels of it are used, so that it is in the queue without being asked for."""
        return self.status not in NOT_USED and not self.redone and not self.practice and not self._strange_noise

    @property
    def _strange_noise(self) -> bool:
        """Noise that the coder had no part in; one that the coder called noise stays in the queue."""
        return self.noise and self.mine is Progress.UNTOUCHED


class Counts(NamedTuple):
    """How far the coder is with the queue, whatever the filter lists of it."""

    takes: int = 0
    done: int = 0
    begun: int = 0


def queue_rows(dataset: Path, takes: Sequence[TakeRow], coder: str, plan: LabelPlan | None) -> list[QueueRow]:
    """Every take as a coder may know it, in the order of the coder's queue; takes of others follow."""
    if plan is None:
        return [queue_row(dataset, take, coder, None, turn) for turn, take in enumerate(takes)]
    keys = [_key(dataset, take.path) for take in takes]
    turns = {key: turn for turn, key in enumerate(in_turn(plan, coder, keys))}
    last = len(takes)
    rows = [queue_row(dataset, take, coder, plan, turns.get(key, last)) for key, take in zip(keys, takes, strict=True)]
    rows.sort(key=lambda row: (row.turn, row.name if plan.hide_asked else ""))
    return rows


def queue_row(dataset: Path, take: TakeRow, coder: str, plan: LabelPlan | None, turn: int) -> QueueRow:
    """One take as a coder may know it."""
    path = _path(dataset, take.path)
    key = _key(dataset, take.path) if plan else ""
    coders = plan.takes.get(key, ()) if plan else ()
    sight = sight_for(plan, coders)
    blind = is_blind(plan, coders, coder, take.done)
    known = (coder,) if blind else (*take.done, *take.begun)
    asked = sight.asked
    return QueueRow(
        path=path,
        name=take.stem if asked else shown_name(plan, key),
        coders=coders,
        sight=sight,
        mine=progress_of(take, coder),
        movement=take.movement if asked else None,
        subject=take.subject,
        number=take.number if asked else None,
        noise=take.noise,
        status=take.status,
        verdict=take.verdict,
        confidence=take.confidence if sight.suggestions else None,
        disagreement=take.disagreement and not blind and (plan is not None or coder not in take.begun),
        done=tuple(one for one in take.done if one in known),
        begun=tuple(one for one in take.begun if one in known),
        recorded_at=take.recorded_at,
        session=take.session,
        practice=take.practice,
        redone=take.redone,
        turn=turn,
    )


@lru_cache(NAMES_KEPT)
def _path(dataset: Path, path: str) -> Path:
    return dataset / path


@lru_cache(NAMES_KEPT)
def _key(dataset: Path, path: str) -> str:
    return take_key(dataset, _path(dataset, path))


def is_blind(plan: LabelPlan | None, coders: Sequence[str], coder: str, done: Sequence[str]) -> bool:
    """Whether a coder must not know what others do with a take: both label it by a blind plan, and not both have finished."""
    assigned = plan is not None and plan.blind and len(coders) > 1 and coder in coders
    return assigned and not all(one in done for one in coders)


def shown_name(plan: LabelPlan | None, key: str) -> str:
    """What a take is called whose name is hidden: the same for everybody and whenever takes are added, and says nothing."""
    told = f"{plan.seed if plan else 0}/shown/{key}"
    return hashlib.sha256(told.encode()).hexdigest()[:NAME_DIGITS]


def progress_of(take: TakeRow, coder: str) -> Progress:
    """How far a coder is with a take."""
    if coder in take.done:
        return Progress.DONE
    return Progress.BEGUN if coder in take.begun else Progress.UNTOUCHED


def in_order(rows: Iterable[QueueRow], order: QueueOrder, plan: LabelPlan | None) -> list[QueueRow]:
    """The rows, which come in the order of the queue; where movements are hidden no other is told, for it would show them."""
    listed = list(rows)
    if order is QueueOrder.QUEUE or (plan is not None and plan.hide_asked):
        return listed
    return sorted(listed, key=_SORTED[order])


def _by_name(row: QueueRow) -> tuple[Any, ...]:
    unnamed = row.movement is None or row.number is None
    return unnamed, row.subject or 0, row.movement or "", row.number or 0, str(row.path)


_SORTED: dict[QueueOrder, Callable[[QueueRow], Any]] = {
    QueueOrder.NAME: _by_name,
    QueueOrder.RECORDED: lambda row: (row.recorded_at is None, row.recorded_at or "", _by_name(row)),
    QueueOrder.SURE: lambda row: (-(row.confidence or 0.0), _by_name(row)),
    QueueOrder.UNSURE: lambda row: (row.confidence or 0.0, _by_name(row)),
}


def belongs(row: QueueRow, chosen: QueueFilter, coder: str, plan: LabelPlan | None) -> bool:
    """Whether a take is in the queue, before anything is filtered."""
    return chosen.all_takes or plan is None or coder in row.coders or coder == CONSENSUS


def lets_through(chosen: QueueFilter) -> Callable[[QueueRow], bool]:
    """What a filter lists, as one question that ten thousand rows can be asked."""
    tests: list[Callable[[QueueRow], bool]] = []
    for name, wanted in (
        ("movement", chosen.movements),
        ("subject", chosen.subjects),
        ("status", chosen.statuses),
        ("verdict", chosen.verdicts),
        ("session", chosen.sessions),
    ):
        if wanted:
            tests.append(_one_of(name, frozenset(wanted)))
    for name in ("noise", "practice", "redone", "disagreement"):
        if (flag := getattr(chosen, name)) is not None:
            tests.append(_one_of(name, frozenset([flag])))
    if chosen.confidence is not None:
        least, most = chosen.confidence
        tests.append(lambda row: least <= (row.confidence or 0.0) <= most)
    if text := chosen.text.strip().casefold():
        tests.append(lambda row: text in row.name.casefold())
    if chosen.progress:
        tests.append(_far_enough(chosen.coder, frozenset(chosen.progress)))
    elif chosen.coder is not None:
        tests.append(_touched_by(chosen.coder))
    if not chosen.left_out:
        tests.append(_used_or_asked_for(chosen))
    return lambda row: all(test(row) for test in tests)


def _one_of(name: str, wanted: frozenset[Any]) -> Callable[[QueueRow], bool]:
    at = QueueRow._fields.index(name)
    return lambda row: row[at] in wanted


def _far_enough(coder: str | None, wanted: frozenset[Progress]) -> Callable[[QueueRow], bool]:
    if coder is None:
        return lambda row: row.mine in wanted
    return lambda row: _of(row, coder) in wanted


def _of(row: QueueRow, coder: str) -> Progress:
    if coder in row.done:
        return Progress.DONE
    return Progress.BEGUN if coder in row.begun else Progress.UNTOUCHED


def _touched_by(coder: str) -> Callable[[QueueRow], bool]:
    return lambda row: coder in row.done or coder in row.begun


def _used_or_asked_for(chosen: QueueFilter) -> Callable[[QueueRow], bool]:
    """A kind of takes that is left out is listed once the filter names it."""
    status = {value for value in NOT_USED if value not in chosen.statuses}
    redone, practice, noise = (getattr(chosen, name) is None for name in ("redone", "practice", "noise"))
    return lambda row: (
        not (
            row.status in status
            or (redone and row.redone)
            or (practice and row.practice)
            or (noise and row.noise and row.mine is Progress.UNTOUCHED)
        )
    )


def counted(rows: Iterable[QueueRow]) -> Counts:
    """How far the coder is with these."""
    states = [row.mine for row in rows]
    return Counts(len(states), states.count(Progress.DONE), states.count(Progress.BEGUN))
