"""One coder's labels on one take as they lie on disk: the snapshot and the journal, and what both say together.

Reads only, and makes the best of what is damaged. Knows no lock; see recorder.labelstore for writing.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from protocol.errors import GlimpseError
from protocol.labeledits import BadEdit, Edit, difference, replay
from protocol.labels import BadCoderName, LabelSet, check_coder
from protocol.naming import EVENTS_SUFFIX, LABELS_SUFFIX
from protocol.schema import SchemaError
from recorder.labeljournal import JOURNAL_SUFFIX, Deed, Entry, JournalText, read_journal

SNAPSHOT_SUFFIX = ".json"
OUTSIDE = "changed outside Glimpse"


class LabelStoreError(GlimpseError):
    """Labels that cannot be read, written or opened."""


@dataclass(frozen=True)
class LabelState:
    """What is on disk.

    labels: with every entry of the journal in them; base: what the journal begins with; entries: the journal's; undoable,
    redoable: numbers of the edits that undo and redo would take in turn, the next one last; journal_size: bytes; snapshot_seq:
    the entry that the snapshot goes up to.

    messages: what is wrong, a sentence each; snapshot_damaged, journal_damaged: must be kept aside before anything is written;
    snapshot_stale: must be written anew first; torn: bytes at the journal's end that a crash cut short; newer: written by a
    newer Glimpse, so not to be written to; outside: what differs because something else has changed the snapshot.
    """

    labels: LabelSet
    base: LabelSet
    entries: tuple[Entry, ...] = ()
    undoable: tuple[int, ...] = ()
    redoable: tuple[int, ...] = ()
    journal_size: int = 0
    snapshot_seq: int = 0
    messages: tuple[str, ...] = ()
    snapshot_damaged: bool = False
    snapshot_stale: bool = False
    journal_damaged: bool = False
    torn: int = 0
    newer: bool = False
    outside: Edit | None = None

    @property
    def last_seq(self) -> int:
        """The number of the journal's last entry; one to begin anew goes on from there."""
        return self.entries[-1].seq if self.entries else self.base.revision

    @classmethod
    def nothing(cls, coder: str, at: datetime) -> "LabelState":
        """Of a coder who has said nothing about the take yet."""
        labels = LabelSet(coder=coder, created_at=at)
        return cls(labels, labels)

    def with_entries(
        self, labels: LabelSet, entries: tuple[Entry, ...], undoable: tuple[int, ...], redoable: tuple[int, ...]
    ) -> "LabelState":
        """The state after more entries."""
        return replace(self, labels=labels, entries=entries, undoable=undoable, redoable=redoable)


def labels_folder(take: Path) -> Path:
    """The folder of the labels of a take (its `.aedat4`), whether it exists or not."""
    return take.with_name(take.name.removesuffix(EVENTS_SUFFIX) + LABELS_SUFFIX)


def coders_in(folder: Path) -> tuple[str, ...]:
    """Who has labels in a folder of labels; files that are called like no coder's are none of them."""
    try:
        names = [path.name for path in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise unreadable(folder, error) from error
    suffixes = (JOURNAL_SUFFIX, SNAPSHOT_SUFFIX)
    stems = {name.removesuffix(suffix) for name in names for suffix in suffixes if name.endswith(suffix)}
    return tuple(sorted(stem for stem in stems if _is_coder(stem)))


def _is_coder(stem: str) -> bool:
    try:
        return check_coder(stem) == stem
    except BadCoderName:
        return False


def read_labels(take: Path) -> dict[str, LabelSet]:
    """Every coder's labels on a take, by coder. Raises LabelStoreError, and SchemaError for those of a newer version."""
    return {coder: state.labels for coder, state in read_states(take).items()}


def read_states(take: Path) -> dict[str, LabelState]:
    """The same with their journals."""
    folder = labels_folder(take)
    states = {coder: read_state(folder, coder) for coder in coders_in(folder)}
    return {coder: state for coder, state in states.items() if state is not None}


def read_state(folder: Path, coder: str) -> LabelState | None:
    """One coder's labels in a folder of labels, None where there are none.

    Raises LabelStoreError where they cannot be read, SchemaError where a newer major version wrote them.
    """
    path = folder / (coder + SNAPSHOT_SUFFIX)
    try:  # the snapshot first: the journal that is read after it is never behind it
        snapshot, problem = _snapshot(path, coder)
        journal = read_journal(folder / (coder + JOURNAL_SUFFIX))
    except OSError as error:
        raise unreadable(path, error) from error
    if snapshot is None and problem is None and journal is None:
        return None
    return _combined(snapshot, problem, journal or JournalText(None), coder, folder)


def _snapshot(path: Path, coder: str) -> tuple[LabelSet | None, str | None]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None, None
    try:
        labels = LabelSet.parse(content, str(path))
    except SchemaError as error:
        if _is_newer(content):
            raise
        return None, str(error)
    if labels.coder != coder:
        return None, f"{path}: holds the labels of {labels.coder}, not of {coder}; give the file its own name."
    return labels, None


def _is_newer(content: bytes) -> bool:
    try:
        data = json.loads(content)
        return data["schema"] == LabelSet.SCHEMA and int(str(data["version"]).partition(".")[0]) > LabelSet.VERSION[0]
    except (ValueError, TypeError, KeyError):
        return False


def _combined(snapshot: LabelSet | None, problem: str | None, journal: JournalText, coder: str, folder: Path) -> LabelState:
    broken = journal.size > journal.torn and not journal.whole
    labels, stale, skipped = _read_together(snapshot, journal, coder)
    end = _advanced(journal.base, journal.entries)[0] if stale and journal.base else None
    outside = difference(end, labels, OUTSIDE, at=datetime.now(UTC), who=coder) if end else None
    undoable, redoable = ((), ()) if broken else stacks(journal.entries)
    mended = broken and not journal.newer
    return LabelState(
        labels,
        journal.base or labels,
        journal.entries,
        undoable,
        redoable,
        journal.size,
        snapshot.revision if snapshot else 0,
        tuple(_messages(folder / coder, problem, journal.damaged, mended, skipped, outside)),
        snapshot_damaged=problem is not None,
        snapshot_stale=stale,
        journal_damaged=mended,
        torn=journal.torn,
        newer=journal.newer or labels.version != "{}.{}".format(*LabelSet.VERSION),
        outside=outside,
    )


def _read_together(snapshot: LabelSet | None, journal: JournalText, coder: str) -> tuple[LabelSet, bool, int]:
    """(labels, whether something else has changed the snapshot, entries that do not fit)."""
    entries = journal.entries
    if not (journal.whole and journal.base):  # the snapshot is what can be relied on, and what came after it
        seed = snapshot or journal.base or _nothing(coder, entries)
        labels, skipped = _advanced(seed, [entry for entry in entries if entry.seq > seed.revision])
        return labels, False, skipped
    end, skipped = _advanced(journal.base, entries)
    if snapshot is None:
        return end, False, skipped
    then, _ = _advanced(journal.base, [entry for entry in entries if entry.seq <= snapshot.revision])
    if then.revision == snapshot.revision and _say_the_same(then, snapshot):
        return end, False, skipped
    return snapshot, True, 0


def _say_the_same(one: LabelSet, other: LabelSet) -> bool:
    return difference(one, other, OUTSIDE, at=one.created_at, who=one.coder) is None


def _nothing(coder: str, entries: Sequence[Entry]) -> LabelSet:
    return LabelSet(coder=coder, created_at=entries[0].at if entries else datetime.now(UTC))


def _advanced(labels: LabelSet, entries: Sequence[Entry]) -> tuple[LabelSet, int]:
    """The labels with the entries in them, and how many did not fit (which happens after damage only)."""
    skipped = 0
    try:
        labels = replay(labels, [entry.after for entry in entries])
    except BadEdit:
        for entry in entries:
            try:
                labels = replay(labels, [entry.after])
            except BadEdit:
                skipped += 1
    return labels.model_copy(update={"revision": max([labels.revision, *(entry.seq for entry in entries)])}), skipped


def stacks(entries: Sequence[Entry]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(undoable, redoable) edits by number, the next one last, after these entries."""
    undo: list[int] = []
    redo: list[int] = []
    for entry in entries:
        if entry.deed is Deed.EDIT and entry.undoable:
            undo.append(entry.seq)
            redo.clear()
        elif entry.deed is Deed.UNDO and undo:
            redo.append(undo.pop())
        elif entry.deed is Deed.REDO and redo:
            undo.append(redo.pop())
    return tuple(undo), tuple(redo)


def _messages(
    stem: Path, problem: str | None, damaged: Sequence[int], broken: bool, skipped: int, outside: Edit | None
) -> Iterator[str]:
    path = stem.with_name(stem.name + JOURNAL_SUFFIX)
    if problem:
        yield problem
    if broken:
        where = f"line {damaged[0]} of it cannot be read" if damaged else "entries are missing from it"
        yield f"{path}: {where}; look the labels over, for earlier changes can no longer be undone."
    if skipped:
        yield f"{path}: {skipped} of its changes do not fit and were left out; look the labels over."
    if outside:
        yield f"{stem.with_name(stem.name + SNAPSHOT_SUFFIX)}: was {OUTSIDE}; undo takes that back."


def unreadable(path: Path, error: OSError) -> LabelStoreError:
    """The sentence for what the system does not let us read."""
    return LabelStoreError(f"{path}: cannot be read ({error.strerror}); check its permissions.")
