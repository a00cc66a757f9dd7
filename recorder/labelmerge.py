"""Labels of a copy of the data set that was coded elsewhere, brought into this one.

What is missing here is copied, what went on there is carried on, what both have changed is told and left as it is. Nothing is
ever overwritten, and nothing is written to the copy.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from protocol.errors import GlimpseError
from protocol.labeledits import difference
from protocol.naming import EVENTS_SUFFIX, LABELS_SUFFIX
from recorder.dataset import Dataset, TakeEntry
from recorder.host import create_exclusive, sync_folder
from recorder.labeljournal import JOURNAL_SUFFIX, JournalWriter, entry_line
from recorder.labelplace import lock_name
from recorder.labelplan import PLAN_FILE, read_plan, take_key
from recorder.labelstate import SNAPSHOT_SUFFIX, LabelState, coders_in, labels_folder, read_state
from recorder.lockfile import Held, is_held, take_lock


@dataclass(frozen=True)
class Conflict:
    """What could not be brought in. path: theirs; message: one sentence on why, and what to do."""

    path: Path
    message: str


@dataclass
class MergeResult:
    """What was done, each as "take: coder".

    copied: was missing here; advanced: theirs went on from ours; kept: ours had all; conflicts: what was left as it is.
    """

    copied: list[str] = field(default_factory=list)
    advanced: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)


class _Differs(GlimpseError):
    """Why one coder's labels on one take are not brought in."""


def merge(dataset: Path | str, other: Path | str, *, dry_run: bool = False) -> MergeResult:
    """Bring in the labels and the plan of another folder, which may hold all of a data set or its folders of labels alone.

    dry_run: nothing is written; the result tells what would be done.
    Raises DatasetError where either is no folder.
    """
    ours, theirs = Dataset(dataset).path, Dataset(other).path
    result, merge_one = MergeResult(), _foresee_one if dry_run else _merge_one
    takes = {take_key(ours, entry.path): entry.path for entry in Dataset(ours).takes()}
    for folder in _label_folders(theirs):
        take = folder.with_name(folder.name.removesuffix(LABELS_SUFFIX) + EVENTS_SUFFIX)
        key = take_key(theirs, take)
        for coder in coders_in(folder):
            try:
                _refuse_another(take, takes.get(key))
                merge_one(folder, labels_folder(takes[key]), coder, result, f"{key}: {coder}")
            except GlimpseError as error:
                result.conflicts.append(Conflict(folder / (coder + SNAPSHOT_SUFFIX), str(error)))
            except OSError as error:
                message = f"{error.filename or folder}: cannot be read or written ({error.strerror}); merge again."
                result.conflicts.append(Conflict(folder / (coder + SNAPSHOT_SUFFIX), message))
    _merge_plans(ours, theirs, result, dry_run)
    return result


def _label_folders(root: Path) -> Iterator[Path]:
    for folder, below, _ in os.walk(root):
        yield from (Path(folder) / name for name in sorted(below) if name.endswith(LABELS_SUFFIX))
        below[:] = sorted(name for name in below if not name.startswith(".") and not name.endswith(LABELS_SUFFIX))


def _refuse_another(theirs: Path, ours: Path | None) -> None:
    """A take of the same name must be the same recording; a copy without recordings is believed."""
    if ours is None:
        raise _Differs(f"{theirs}: there is no such take in this data set; copy its recording first.")
    if theirs.exists() and _identity(theirs) != _identity(ours):
        raise _Differs(f"{theirs}: is another recording than {ours}; find out which of the two was labelled.")


def _identity(take: Path) -> object:
    entry = TakeEntry.at(take)
    manifest = entry.manifest if entry.manifest_problem is None else None
    record = manifest.files.get(EVENTS_SUFFIX) if manifest else None
    return record.sha256.lower() if record else take.stat().st_size


def _merge_one(theirs: Path, ours: Path, coder: str, result: MergeResult, told: str) -> None:
    there = _read_theirs(theirs, coder)
    if there is None:
        return
    lock_path = ours / lock_name(coder)
    lock = take_lock(lock_path)
    if isinstance(lock, Held):
        raise _open_elsewhere(ours, coder)
    try:
        here = read_state(ours, coder)
        done = _outcome(theirs, ours, coder, there, here, result)
        if done is not result.kept:
            _bring(theirs, ours, coder, there, here)
        done.append(told)
    finally:
        lock.give_back(lock_path)
        with suppress(OSError):
            ours.rmdir()  # where nothing came into it


def _foresee_one(theirs: Path, ours: Path, coder: str, result: MergeResult, told: str) -> None:
    there = _read_theirs(theirs, coder)
    if there is None:
        return
    if is_held(ours / lock_name(coder)):
        raise _open_elsewhere(ours, coder)
    _outcome(theirs, ours, coder, there, read_state(ours, coder), result).append(told)


def _read_theirs(theirs: Path, coder: str) -> LabelState | None:
    there = read_state(theirs, coder)
    if there and (there.snapshot_damaged or there.journal_damaged or there.newer or there.snapshot_stale):
        raise _Differs(f"{theirs / coder}: is damaged or of another version; open these labels there once, then merge again.")
    return there


def _open_elsewhere(ours: Path, coder: str) -> _Differs:
    return _Differs(f"{ours / coder}: is open in a window; close it and merge again.")


def _outcome(
    theirs: Path, ours: Path, coder: str, there: LabelState, here: LabelState | None, result: MergeResult
) -> list[str]:
    """The list of the result that tells what is to be done. Raises _Differs where nothing can be."""
    if here is None:
        return result.copied
    if _says_the_same(here, there) or (_one_history(here, there) and len(there.entries) <= len(here.entries)):
        return result.kept
    if not _one_history(here, there):
        raise _Differs(
            f"{theirs / coder}: differs from {ours / coder}, and neither goes on from the other; compare them by hand."
        )
    return result.advanced


def _bring(theirs: Path, ours: Path, coder: str, there: LabelState, here: LabelState | None) -> None:
    if here is not None:
        _carry_on(ours / (coder + JOURNAL_SUFFIX), here, there)
        return
    for suffix in (JOURNAL_SUFFIX, SNAPSHOT_SUFFIX):
        _copy(theirs / (coder + suffix), ours / (coder + suffix), there.torn if suffix == JOURNAL_SUFFIX else 0)
    sync_folder(ours)


def _copy(source: Path, target: Path, torn: int) -> None:
    if source.exists():
        content = source.read_bytes()
        create_exclusive(target, content[: len(content) - torn].decode())


def _says_the_same(here: LabelState, there: LabelState) -> bool:
    labels = there.labels
    return difference(here.labels, labels, "compared", at=labels.created_at, who=labels.coder) is None


def _one_history(here: LabelState, there: LabelState) -> bool:
    """Whether one journal is the beginning of the other, and nothing else has changed ours."""
    if here.snapshot_damaged or here.journal_damaged or here.newer or here.snapshot_stale or here.torn:
        return False
    common = min(len(here.entries), len(there.entries))
    return bool(common) and here.base == there.base and here.entries[:common] == there.entries[:common]


def _carry_on(journal: Path, here: LabelState, there: LabelState) -> None:
    writer = JournalWriter(here.journal_size, b"")
    for entry in there.entries[len(here.entries) :]:
        writer.append(journal, entry_line(entry))
    writer.sync(journal)


def _merge_plans(ours: Path, theirs: Path, result: MergeResult, dry_run: bool) -> None:
    try:
        here, there = read_plan(ours), read_plan(theirs)
        if there is None or here == there:
            return
        if here is None:
            if not dry_run:
                create_exclusive(ours / PLAN_FILE, there.to_json())
            result.copied.append(PLAN_FILE)
            return
        message = f"{theirs / PLAN_FILE}: is another plan than the one here, which was kept; agree on one."
        result.conflicts.append(Conflict(theirs / PLAN_FILE, message))
    except GlimpseError as error:
        result.conflicts.append(Conflict(theirs / PLAN_FILE, str(error)))
    except OSError as error:
        message = f"{ours / PLAN_FILE}: cannot be written ({error.strerror}); check the disk and the permissions."
        result.conflicts.append(Conflict(theirs / PLAN_FILE, message))
