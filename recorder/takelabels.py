"""One coder's labels on one take, open: changed, undone, read while another writes, and closed so that nothing is lost.

Made by recorder.labelstore. One process writes, which a lock ensures; all others read. Knows no window and no plan.
"""

from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Lock as Mutex
from typing import Any, Self

from protocol.errors import GlimpseError
from protocol.labeledits import Edit, apply, difference, invert, put, remove, set_place, value_at
from protocol.labels import Interval, LabelSet, Noise, Sight
from recorder.dataset import TakeEntry
from recorder.host import sync_folder, write_atomic
from recorder.labeljournal import JOURNAL_SUFFIX, Deed, Entry, JournalChanged, JournalWriter, entry_line, header_line
from recorder.labelnoise import settle_noise
from recorder.labelplace import LabelsGone, LockLost, Place, lock_name, present_take
from recorder.labelrepair import copied_aside, repaired
from recorder.labelsaver import Saver
from recorder.labelstate import SNAPSHOT_SUFFIX, LabelState, LabelStoreError, stacks
from recorder.labelview import LabelView
from recorder.lockfile import Held, Lock, take_lock

SNAPSHOT_EVERY = 20  # entries: what is replayed at the most when a take is opened after a crash
ATTEMPTS = 3  # a folder that is renamed just as we write into it is found again


class TakeLabels(LabelView):
    """One coder's labels on one take. Close it, or use it as a context manager.

    why_read_only: None where changes are possible; problem: why the last changes are not on disk yet, None where they are or
    will be within a second; who: the pseudonym of the one who acts.
    """

    def __init__(self, place: Place, coder: str, who: str, clock: Callable[[], datetime], fsync: Callable[[int], None]) -> None:
        """Reads; `acquire` makes it writable. Raises LabelStoreError, SchemaError."""
        super().__init__(place, coder, clock)
        self.who = who
        self.why_read_only: str | None = "opened for reading"
        self.problem: str | None = None
        self._fsync = fsync
        self._disk = Mutex()  # one at a time waits for the disk, or renames the take
        self._saver = Saver(self._save)
        self._lock: Lock | None = None
        self._journal = self._writer()
        self._snapshot_seq = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.close()
        except GlimpseError:
            self.close(give_up=True)
            raise

    @property
    def writable(self) -> bool:
        """Whether it can be changed here."""
        return self._lock is not None

    def refresh(self) -> bool:
        """As of a LabelView; who writes has nothing to look for."""
        return self._lock is None and super().refresh()

    # Changes

    def edit(self, edit: Edit) -> Edit | None:
        """Make one change: in the journal when this returns, on disk within a second; None where it changes nothing.

        Raises BadEdit where it does not fit the labels, LabelStoreError where it cannot be written; then nothing has changed.
        """
        with self._io:
            return self._enter(edit, Deed.EDIT, None)

    def undo(self) -> Edit | None:
        """Take the last change of this take back that was not yet; None where there is none. Raises LabelStoreError."""
        with self._io:
            last = self._entry(self._state.undoable)
            return last and self._enter(invert(last, at=self._clock(), who=self.who), Deed.UNDO, last.seq)

    def redo(self) -> Edit | None:
        """Do again what was taken back last; None where there is nothing. Raises LabelStoreError."""
        with self._io:
            last = self._entry(self._state.redoable)
            if last is None:
                return None
            again = Edit(what=last.what, before=last.before, after=last.after, at=self._clock(), who=self.who)
            return self._enter(again, Deed.REDO, last.seq)

    def put(self, what: str, *intervals: Interval) -> Edit | None:
        """Add intervals, or replace those of the same ids, as one change."""
        with self._io:
            return self.edit(put(self.labels, what, *intervals, at=self._clock(), who=self.who))

    def remove(self, what: str, *ids: str) -> Edit | None:
        """Take intervals away, as one change."""
        with self._io:
            return self.edit(remove(self.labels, what, *ids, at=self._clock(), who=self.who))

    def set(self, what: str, place: str, value: Any) -> Edit | None:
        """Change one place: noise, note, done, saw, spent_s or adjudication."""
        with self._io:
            return self.edit(set_place(self.labels, what, place, value, at=self._clock(), who=self.who))

    def become(self, labels: LabelSet, what: str) -> Edit | None:
        """Say what `labels` says, as one change."""
        with self._io:
            edit = difference(self.labels, labels, what, at=self._clock(), who=self.who)
            return edit and self.edit(edit)

    def note_sight(self, sight: Sight) -> Edit | None:
        """Note what is shown to the coder besides what was shown before; nothing that undo would take back."""
        return self.set("shown", "saw", sight.also(self.labels.saw or Sight()))

    def add_time(self, spent_s: float) -> Edit | None:
        """Note time that the take was worked on; nothing that undo would take back."""
        return self.set("worked", "spent_s", round((self.labels.spent_s or 0.0) + spent_s, 3))

    def mark_noise(self, noise: bool | None, reason: str = "", assigned: Collection[str] = ()) -> Path:
        """Say whether the take is noise (None: say nothing) and settle its name; returns its path.

        assigned: who the plan wants to label it. Raises what `set` and `settle_noise` raise.
        """
        with self._io:
            before = self.labels.noise
            named = TakeEntry.at(self.path).noise if before is None or before.named is None else before.named
            said = None if noise is None else Noise(is_noise=noise, reason=reason, named=named)
            self.set("noise", "noise", said)
        return self.settle_noise(assigned)

    def settle_noise(self, assigned: Collection[str] = ()) -> Path:
        """Give the take the name that follows from its labels, after a change, undo or redo of the noise label.

        Returns its path. assigned: who the plan wants to label it. Raises TakeFilesError and what reading the labels raises.
        """
        with self._disk, self._io:
            self._place.take = settle_noise(present_take(self._place.take), assigned)
            return self._place.take

    def _enter(self, edit: Edit, deed: Deed, of: int | None) -> Entry | None:
        if self._lock is None:
            raise LabelStoreError(f"{self._place.folder}: {self.coder}'s labels cannot be changed here: {self.why_read_only}.")
        new = apply(self.labels, edit)
        after = {place: value_at(new, place) for place in edit.after}
        places = [place for place in after if after[place] != edit.before[place]]
        if not places:
            return None
        entry = Entry(
            seq=self._state.last_seq + 1,
            deed=deed,
            of=of,
            what=edit.what,
            before={place: edit.before[place] for place in places},
            after={place: after[place] for place in places},
            at=edit.at,
            who=edit.who,
        )
        self._append(entry, self._lock)
        self._state = _grown(self._state, entry, new)
        self._saver.wake()
        return entry

    # Writing

    def _append(self, entry: Entry, lock: Lock) -> None:
        for _ in range(ATTEMPTS):
            try:
                path = self._journal_path(lock)
                self._journal.append(path, entry_line(entry))
                return
            except (FileNotFoundError, JournalChanged):
                continue  # renamed, removed or changed since it was looked at
            except LabelsGone as error:
                raise self._gone(entry) from error
            except LockLost:
                self._read_only("another window has taken them over")
                raise
            except OSError as error:
                raise LabelStoreError(f"{self._place.folder}: {_refused(error)}") from error
        raise LabelStoreError(f"{self._place.folder}: is being renamed or moved; repeat the change in a moment.")

    def _journal_path(self, lock: Lock) -> Path:
        """The journal, which is written again from memory where something else has changed or removed it.

        Raises LabelsGone, LockLost, OSError.
        """
        path = self._place.find(lock, self.coder) / (self.coder + JOURNAL_SUFFIX)
        size = path.stat().st_size if path.exists() else 0
        if size == self._journal.size:
            return path
        if size:
            self._say(copied_aside(path, self._clock()))
        write_atomic(path, self._whole().decode())
        self._journal = self._writer(path.stat().st_size)
        return path

    def _writer(self, size: int = 0) -> JournalWriter:
        return JournalWriter(size, header_line(self._state.base), self._fsync)

    def _whole(self, *more: Entry) -> bytes:
        return header_line(self._state.base) + b"".join(map(entry_line, (*self._state.entries, *more)))

    def _gone(self, *made: Entry) -> LabelStoreError:
        """Keep everything aside, the change that was just made too, and say where."""
        if not made and not self._state.entries and self._state.base.empty:
            self._read_only("the take is gone")
            return LabelsGone(f"{self._place.take}: the take was moved out of the data set or deleted; it had no labels.")
        content = self._whole(*made)
        try:
            path = self._place.keep_aside(self.coder + JOURNAL_SUFFIX, content, self._clock())
        except OSError as failure:
            return LabelStoreError(
                f"{self._place.dataset}: cannot be written ({failure.strerror}); is its disk still connected?"
            )
        self._read_only("the take is gone")
        return LabelsGone(
            f"{self._place.take}: the take was moved out of the data set or deleted; its labels were kept in {path}."
        )

    def _save(self) -> bool:
        """Put on disk what is not yet; called by the thread that waits for disks. False: try again."""
        with self._disk:
            lock = self._lock
            if lock is None:
                return True
            try:
                self._put_on_disk(lock, snapshot_after=SNAPSHOT_EVERY)
            except FileNotFoundError:
                return False  # renamed since it was found
            except LabelStoreError:
                return True  # the next change, or closing, finds the same and tells
            except OSError as error:
                self.problem = f"{self._place.folder}: {_waiting(error)}"
                return False
            self.problem = None
            return True

    def _put_on_disk(self, lock: Lock, snapshot_after: int) -> None:
        with self._io:
            path, journal, labels = self._journal_path(lock), self._journal, self.labels
        journal.sync(path)
        if labels.revision - self._snapshot_seq >= snapshot_after:
            self._write_snapshot(path.parent, labels)

    def _write_snapshot(self, folder: Path, labels: LabelSet) -> None:
        """Only saves replaying: where it cannot be written the journal has everything."""
        path = folder / (self.coder + SNAPSHOT_SUFFIX)
        try:
            write_atomic(path, labels.to_json())
        except FileNotFoundError:
            raise
        except OSError as error:
            self._say(f"{path}: cannot be written ({error.strerror}); the labels are safe in the journal beside it, make room.")
        else:
            self._snapshot_seq = labels.revision

    # Opening and closing

    def acquire(self, *, take_over: bool = False) -> bool:
        """Become the one who writes, where nobody is; `why_read_only` tells why not. take_over: see LabelStore.open."""
        with self._disk, self._io:
            if self._lock is not None:
                return True
            self._place.take = present_take(self._place.take)
            try:
                found = take_lock(self._place.folder / lock_name(self.coder), take_over=take_over)
            except OSError as error:
                self.why_read_only = f"nothing can be written there ({error.strerror})"
                return False
            if isinstance(found, Held):
                self.why_read_only = _why_held(found)
                return False
            self._begin(found)
            return self._lock is not None

    def _begin(self, lock: Lock) -> None:
        try:
            self._read()
            self.why_read_only = "a newer Glimpse wrote them, update this one" if self._state.newer else None
            if not self._state.newer:
                self._repair()
                self._lock = lock
        except OSError as error:
            self.why_read_only = f"they are damaged and cannot be mended there ({error.strerror})"
        finally:
            if self._lock is None:
                self._leave(lock, self._place.folder)

    def _repair(self) -> None:
        self._state, said = repaired(self._place.folder, self.coder, self._state, self._clock())
        self.messages += said
        self._snapshot_seq = self._state.snapshot_seq
        self._journal = self._writer(self._state.journal_size)

    def sync(self) -> None:
        """Put every change on disk now. Raises LabelStoreError where that fails; they are kept and tried again."""
        with self._disk:
            if self._lock is not None:
                try:
                    self._put_on_disk(self._lock, snapshot_after=SNAPSHOT_EVERY)
                except OSError as error:
                    self.problem = f"{self._place.folder}: {_waiting(error)}"
                    raise LabelStoreError(self.problem) from error
                self.problem = None

    def close(self, *, give_up: bool = False) -> None:
        """Put everything on disk and let others write. Raises LabelStoreError where that fails, and stays open then unless told
        to give up.
        """
        self._saver.close()
        with self._disk, self._io:
            lock = self._lock
            if lock is None:
                return
            try:
                self._put_on_disk(lock, snapshot_after=1)
            except LabelsGone as error:
                raise self._gone() from error
            except LockLost:
                pass  # every change had been put into the journal before; whoever took over has read it
            except OSError as error:
                if not give_up:
                    raise LabelStoreError(f"{self._place.folder}: {_waiting(error)}") from error
            self._read_only("closed")
            self._leave(lock, self._place.folder)

    def _leave(self, lock: Lock, folder: Path) -> None:
        with suppress(OSError):
            lock.give_back(folder / lock_name(self.coder))
            if not any(folder.iterdir()):
                folder.rmdir()
            sync_folder(folder.parent)

    def _read_only(self, why: str) -> None:
        self._lock, self.why_read_only = None, why


def _grown(state: LabelState, entry: Entry, labels: LabelSet) -> LabelState:
    entries = (*state.entries, entry)
    undoable, redoable = stacks(entries)
    return state.with_entries(labels.model_copy(update={"revision": entry.seq}), entries, undoable, redoable)


def _refused(error: OSError) -> str:
    return f"the change could not be written ({error.strerror}) and was not made; make room and do it again."


def _waiting(error: OSError) -> str:
    return f"the last changes are not on disk yet ({error.strerror}); keep the window open and make room."


def _why_held(held: Held) -> str:
    if held.here:
        return "they are open in this program already"
    if held.alive:
        return "another window has them open"
    return "a window on another machine has them open, or was not closed there"
