"""What must be put right before labels are written to again: damaged files kept aside, a torn line dropped.

The order matters: whatever a crash in between leaves reads as the same labels. Knows no lock; its caller holds it.
"""

import itertools
import os
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from recorder.host import rename_new, sync_file, sync_folder, write_atomic
from recorder.labeljournal import JOURNAL_SUFFIX, Entry, JournalWriter, entry_line, header_line
from recorder.labelstate import SNAPSHOT_SUFFIX, LabelState, stacks


def repaired(folder: Path, coder: str, state: LabelState, at: datetime) -> tuple[LabelState, tuple[str, ...]]:
    """The state after mending, and what was done, a sentence each. Raises OSError, after which it may be tried again."""
    snapshot, journal = folder / (coder + SNAPSHOT_SUFFIX), folder / (coder + JOURNAL_SUFFIX)
    said: list[str] = []
    for left in folder.glob(f".{coder}.*.tmp"):
        left.unlink(missing_ok=True)  # half a snapshot, of a process that died
    if state.snapshot_damaged:
        said.append(_laid_aside(snapshot, at))
    if state.journal_damaged:
        state = _begun_anew(state)
        write_atomic(snapshot, state.labels.to_json())
        said.append(_laid_aside(journal, at))
    elif state.torn:
        said.append(_cut(journal, state))
        state = replace(state, journal_size=state.journal_size - state.torn, torn=0)
    if state.outside is not None:
        state = _noted(journal, state)
    if state.snapshot_damaged or state.snapshot_stale:
        write_atomic(snapshot, state.labels.to_json())
        state = replace(state, snapshot_seq=state.labels.revision)
    return replace(state, snapshot_damaged=False, snapshot_stale=False, outside=None), tuple(said)


def _laid_aside(path: Path, at: datetime) -> str:
    aside = _free_name(path, at)
    rename_new(path, aside)
    sync_folder(path.parent)
    return _said(path, aside)


def copied_aside(path: Path, at: datetime) -> str:
    """Copy a file that is not what it should be, before it is replaced; what to say of it. Raises OSError."""
    aside = _free_name(path, at)
    try:
        shutil.copyfile(path, aside)
        sync_file(aside)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    return _said(path, aside)


def _free_name(path: Path, at: datetime) -> Path:
    first = path.with_name(f"{path.name}.damaged-{at:%Y%m%dT%H%M%S}")
    others = (first.with_name(f"{first.name}-{count}") for count in itertools.count(2))
    return next(aside for aside in itertools.chain([first], others) if not aside.exists())


def _said(path: Path, aside: Path) -> str:
    return f"{path}: was damaged; it was kept as {aside.name}, and what could be read of the labels is shown."


def _begun_anew(state: LabelState) -> LabelState:
    """The journal is begun again with the labels as they could be read; numbers go on."""
    labels = state.labels.model_copy(update={"revision": max(state.labels.revision, state.last_seq)})
    return replace(
        state, labels=labels, base=labels, entries=(), undoable=(), redoable=(), journal_size=0, journal_damaged=False,
        torn=0, snapshot_seq=labels.revision,
    )  # fmt: skip


def _cut(journal: Path, state: LabelState) -> str:
    os.truncate(journal, state.journal_size - state.torn)
    sync_file(journal)
    return f"{journal}: the last change was written only in part when the program ended, and was dropped; make it again."


def _noted(journal: Path, state: LabelState) -> LabelState:
    """What something else did to the snapshot becomes an entry that can be undone."""
    assert state.outside is not None
    edit = state.outside
    entry = Entry(seq=state.last_seq + 1, what=edit.what, before=edit.before, after=edit.after, at=edit.at, who=edit.who)
    writer = JournalWriter(state.journal_size, header_line(state.base))
    writer.append(journal, entry_line(entry))
    writer.sync(journal)
    entries = (*state.entries, entry)
    undoable, redoable = stacks(entries)
    labels = state.labels.model_copy(update={"revision": entry.seq})
    return replace(
        state, labels=labels, entries=entries, undoable=undoable, redoable=redoable, journal_size=journal.stat().st_size
    )
