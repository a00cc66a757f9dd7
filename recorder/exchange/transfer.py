"""Labels of a data set collected for export, and imported ones brought in without overwriting anybody's. Knows no format."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from protocol.errors import GlimpseError
from protocol.labels import LabelSet
from recorder.dataset import TakeEntry
from recorder.exchange.base import ExchangeError, Labelled
from recorder.exchange.recordings import take_name
from recorder.labelstate import labels_folder, read_labels, read_state
from recorder.labelstore import LabelStore


class Outcome(StrEnum):
    """What became of the labels of a take."""

    NEW = "new"
    SAME = "same"
    REPLACED = "replaced"
    REFUSED = "refused"


@dataclass(frozen=True)
class Brought:
    """One take of an import. reason: why it was refused."""

    take: str
    outcome: Outcome
    intervals: int
    reason: str = ""


def collect(root: Path, entries: Iterable[TakeEntry], coders: Collection[str] = ()) -> tuple[list[Labelled], list[str]]:
    """(what the coders, default all, said of these takes; why some of it cannot be read). Empty labels are none."""
    found: list[Labelled] = []
    problems: list[str] = []
    for entry in entries:
        try:
            by_coder = read_labels(entry.path)
        except GlimpseError as error:
            problems.append(str(error))
            continue
        name = take_name(root, entry)
        found += [Labelled(name, one) for one in by_coder.values() if not one.empty and (not coders or one.coder in coders)]
    return found, problems


def of_coder(labelled: Sequence[Labelled], coder: str) -> list[Labelled]:
    """The labels that an import under this name means: the coder's own; where the file has one other only, that one's.

    Raises ExchangeError where the file is of several others.
    """
    names = sorted({one.labels.coder for one in labelled})
    if coder in names or not names:
        return [one for one in labelled if one.labels.coder == coder]
    if len(names) > 1:
        raise ExchangeError(f"The file holds labels of {', '.join(names)} and none of {coder}; give one of these as --coder.")
    return [Labelled(one.take, one.labels.model_copy(update={"coder": coder})) for one in labelled]


def bring_in(
    root: Path, entries: Sequence[TakeEntry], labelled: Sequence[Labelled], *, force: bool = False, dry_run: bool = False
) -> list[Brought]:
    """Bring labels in as their coder's, each take as one change that can be undone. force: also where that coder has said
    something else already; nobody else's labels are ever touched. dry_run: only tell what would happen.
    """
    paths = {take_name(root, entry): entry.path for entry in entries}
    store = LabelStore(root)
    return [_brought(store, paths[one.take], one, force, dry_run) for one in labelled if one.take in paths]


def _brought(store: LabelStore, take: Path, one: Labelled, force: bool, dry_run: bool) -> Brought:
    count = len(one.labels.intervals)
    try:
        outcome = _outcome(_known(take, one.labels.coder), one.labels, force)
        if outcome is Outcome.REFUSED:
            reason = f"{one.labels.coder} has other labels there; give --force to replace them (it can be undone)"
            return Brought(one.take, outcome, count, reason)
        if outcome is not Outcome.SAME and not dry_run:
            store.bring_in(take, one.labels)
    except GlimpseError as error:
        return Brought(one.take, Outcome.REFUSED, count, str(error))
    return Brought(one.take, outcome, count)


def _known(take: Path, coder: str) -> LabelSet | None:
    state = read_state(labels_folder(take), coder)
    return None if state is None or state.labels.empty else state.labels


def _outcome(known: LabelSet | None, new: LabelSet, force: bool) -> Outcome:
    if known is None:
        return Outcome.NEW
    if known.digest() == new.digest():
        return Outcome.SAME
    return Outcome.REPLACED if force else Outcome.REFUSED
