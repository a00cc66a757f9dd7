"""Whether the disk has room: before a take for several, during a take for its end. Knows no camera."""

import logging
import threading
from pathlib import Path

from protocol.errors import GlimpseError
from recorder.host import free_bytes
from recorder.settings import RecorderSettings

ASK_NS = 2_000_000_000  # a take of 250 MB takes 15 s: often enough for a number of takes
STALE_NS = 10_000_000_000

_log = logging.getLogger(__name__)


class DiskTooFull(GlimpseError):
    """Less free space than a session needs."""


def refuse_full_disk(data: Path, settings: RecorderSettings) -> None:
    """Raise DiskTooFull when fewer takes than `takes_free` would fit below `data`, which need not exist yet."""
    wanted = settings.take_bytes * settings.takes_free
    free = free_bytes(_existing(data))
    if free < wanted:
        raise DiskTooFull(
            f"{data}: only {free / 1e6:.0f} MB are free where {settings.takes_free} takes need "
            f"{wanted / 1e6:.0f} MB; free some space or choose another folder."
        )


def nearly_full(folder: Path, settings: RecorderSettings) -> str | None:
    """What to say when a running take must stop while it still can, None while there is room."""
    free = free_bytes(folder)
    if free >= settings.reserve_bytes:
        return None
    return f"The disk is nearly full ({free / 1e6:.0f} MB left); free some space and record again."


def takes_left(data: Path, settings: RecorderSettings) -> int:
    """How many takes fit below `data`, which need not exist yet, before a running one would have to stop. Raises OSError."""
    free = free_bytes(_existing(data)) - settings.reserve_bytes
    return max(0, free // settings.take_bytes)


class RoomWatch:
    """Tells how many takes fit into a folder. The disk is asked on a thread: one that hangs holds nobody up."""

    def __init__(self, data: Path, settings: RecorderSettings) -> None:
        self._data = data
        self._settings = settings
        self._thread: threading.Thread | None = None
        self._asked_ns: int | None = None
        self._found: tuple[int, int] | None = None  # takes, and when the disk was asked

    def look(self, now_ns: int) -> None:
        """Ask again where the last answer is `ASK_NS` old, unless the disk still owes one."""
        if self._asked_ns is not None and now_ns - self._asked_ns < ASK_NS:
            return
        if self._thread is None or not self._thread.is_alive():
            self._asked_ns = now_ns
            self._thread = threading.Thread(target=self._ask, args=(now_ns,), name="takes-free", daemon=True)
            self._thread.start()

    def _ask(self, now_ns: int) -> None:
        try:
            self._found = takes_left(self._data, self._settings), now_ns
        except OSError as error:
            _log.info("%s: cannot be asked for its free space (%s)", self._data, error)

    def takes(self, now_ns: int) -> int | None:
        """How many takes fit; None before the first answer, and of a disk that has stopped answering."""
        found = self._found
        return found[0] if found is not None and now_ns - found[1] < STALE_NS else None


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
