"""One coder's labels on one take as a window shows them: what they say, what can be undone, what has become of them since.

Reads only; recorder.takelabels writes. Knows no lock, no window and no plan.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from threading import RLock

from protocol.labeledits import Edit
from protocol.labels import LabelSet
from recorder.labeljournal import JOURNAL_SUFFIX, Entry
from recorder.labelplace import BeingRenamed, Place, present_take
from recorder.labelstate import SNAPSHOT_SUFFIX, LabelState, read_state

_Stamp = tuple[tuple[int, int] | None, ...]


class LabelView:
    """One coder's labels on one take, read. messages: what was found wrong, a sentence each."""

    def __init__(self, place: Place, coder: str, clock: Callable[[], datetime]) -> None:
        """Raises LabelStoreError, and SchemaError where a newer major version wrote them."""
        self.coder = coder
        self.messages: tuple[str, ...] = ()
        self._place, self._clock = place, clock
        self._io = RLock()  # what is known, and the order in which it is written
        self._state = LabelState.nothing(coder, clock())
        self._seen: _Stamp = ()
        self._read()

    @property
    def path(self) -> Path:
        """The take's `.aedat4`, as it is called now as far as known here."""
        return self._place.take

    @property
    def labels(self) -> LabelSet:
        """What the coder says now."""
        return self._state.labels

    @property
    def trail(self) -> tuple[Entry, ...]:
        """Every change since the journal was begun: who, when, from, to (`protocol.labeledits.details` key by key)."""
        return self._state.entries

    @property
    def undoable(self) -> Edit | None:
        """What would be taken back next."""
        return self._entry(self._state.undoable)

    @property
    def redoable(self) -> Edit | None:
        """What would be done again next."""
        return self._entry(self._state.redoable)

    def _entry(self, stack: tuple[int, ...]) -> Entry | None:
        return next((entry for entry in self._state.entries if stack and entry.seq == stack[-1]), None)

    def refresh(self) -> bool:
        """Look what another window has written meanwhile; whether the labels, or the take's name, are others now.

        Raises LabelStoreError where the take is gone.
        """
        with self._io:
            try:
                take = present_take(self._place.take)
            except BeingRenamed:
                return False  # the next look finds it
            moved, self._place.take = take != self._place.take, take
            if self._stamp() == self._seen:
                return moved
            self._read()
            return True

    def _read(self) -> None:
        self._seen = self._stamp()
        found = read_state(self._place.folder, self.coder)
        self._state = found or LabelState.nothing(self.coder, self._clock())
        for message in self._state.messages:
            self._say(message)

    def _say(self, message: str) -> None:
        if message not in self.messages:
            self.messages += (message,)

    def _stamp(self) -> _Stamp:
        names = (SNAPSHOT_SUFFIX, JOURNAL_SUFFIX)
        return tuple(_changed_at(self._place.folder / (self.coder + name)) for name in names)


def _changed_at(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
