"""What differs between operating systems, each thing once: process identity, exclusive files, renames, fsync, free space.

Tried on Linux; the Windows branches are written from the documentation and were not run.
"""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import sys
import threading
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

import psutil

# Keyword arguments of Popen that keep a terminal's Ctrl-C from a child: it is told by us, in order.
NEW_SESSION: dict[str, Any] = (
    {"creationflags": 0x200}  # CREATE_NEW_PROCESS_GROUP
    if sys.platform == "win32"
    else {"start_new_session": True}
)
# Hard links are refused by FAT and some network shares with one of these.
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


@dataclass(frozen=True)
class ProcessId:
    """A process that cannot be mistaken for a later one of the same number. started: hundredths of a second, or clock ticks."""

    station: str
    pid: int
    started: int

    @classmethod
    def current(cls) -> Self:
        """The process that asks."""
        return cls(station_id(), os.getpid(), _started(os.getpid()) or 0)

    def is_alive(self) -> bool | None:
        """Whether it still runs; None when it belongs to another machine, of which nothing can be known."""
        if self.station != station_id():
            return None
        return _started(self.pid) == self.started

    def to_json(self) -> str:
        """As one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self | None:
        """Read back; None when the text is not such a record (a lock cut short by a crash)."""
        try:
            data = json.loads(text)
            return cls(str(data["station"]), int(data["pid"]), int(data["started"]))
        except (ValueError, KeyError, TypeError):
            return None


def _started(pid: int) -> int | None:
    """When a living process started, None for a dead one or a zombie."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        if sys.platform == "linux":
            # In ticks since boot (proc(5), field 22): psutil's wall-clock time moves when the host's clock is set.
            return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[19])
        return round(process.create_time() * 100)
    except (psutil.Error, OSError):
        return None


def station_id() -> str:
    """A pseudonym of this machine: stable, and of no use to find out its name or owner."""
    with contextlib.suppress(OSError):
        return hashlib.sha256(Path("/etc/machine-id").read_bytes() + b"glimpse").hexdigest()[:12]
    return hashlib.sha256(f"{uuid.getnode()}glimpse".encode()).hexdigest()[:12]


def create_exclusive(path: Path, text: str) -> bool:
    """Create a file that was not there, with its text on disk; False when another was quicker.

    The file appears with its text in it: another process that finds a lock always learns whose it is. Only where there
    are no hard links is it empty for a moment.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        _write_synced(temporary, text, "w")
        return _linked(temporary, path) or _created(path, text)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)


def _created(path: Path, text: str) -> bool:
    _write_synced(path, text, "x")
    return True


def _write_synced(path: Path, text: str, mode: Literal["w", "x"]) -> None:
    with path.open(mode, encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def write_atomic(path: Path, text: str) -> None:
    """Replace a file's text so that a reader or a crash sees the old or the new one, never a mixture."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        _write_synced(temporary, text, "w")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def append_line(path: Path, line: str) -> None:
    """Append one line and put it on disk. Raises OSError when not all of it was written.

    It begins with a line break too, so that it never runs into a line that a crash cut short.
    """
    data = f"\n{line}\n".encode()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        if os.write(handle, data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        os.fsync(handle)
    finally:
        os.close(handle)


def rename_new(source: Path, target: Path) -> None:
    """Rename a file or folder without ever replacing what is there; raises FileExistsError.

    Files go by link + unlink, which is atomic and refuses an existing target. Folders, and file systems without
    hard links, are looked at first: there the caller's lock on the name is the only guard.
    """
    if source.is_dir() or not _linked(source, target):
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        source.rename(target)
        return
    source.unlink()


def _linked(source: Path, target: Path) -> bool:
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        # A crash between link and unlink leaves both names on one file: that rename only wants its second half.
        if not source.samefile(target):
            raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return False
    return True


def sync_file(path: Path) -> None:
    """Put a file's content on disk."""
    # Windows syncs only what may be written.
    handle = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(path: Path) -> None:
    """Put a folder's entries on disk (nothing to do on Windows, which has no such call)."""
    if sys.platform != "win32":
        sync_file(path)


def free_bytes(folder: Path) -> int:
    """Bytes that an ordinary user may still write below the folder."""
    return shutil.disk_usage(folder).free


@contextlib.contextmanager
def file_removed_after(path: Path) -> Iterator[Path]:
    """Remove the file when the block ends, however it ends."""
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
