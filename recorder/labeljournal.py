"""The journal of one coder's labels on one take: every edit, undo and redo, a line each, only ever appended to.

A line is a JSON object that ends in a checksum of itself. What the lines mean together with a snapshot is in
recorder.labelstate. Knows no lock and no folder.
"""

import errno
import json
import os
import re
import threading
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, ValidationError

from protocol.labeledits import Edit
from protocol.labels import LabelSet
from protocol.schema import Versioned
from recorder.host import sync_folder

JOURNAL_SUFFIX = ".journal.jsonl"
_SEALED = re.compile(rb'(\{.*),"crc":"([0-9a-f]{8})"\}\n?', re.DOTALL)


class Deed(StrEnum):
    """What an entry is: something new, an earlier edit taken back, or that done again."""

    EDIT = "edit"
    UNDO = "undo"
    REDO = "redo"


class Entry(Edit):
    """One line. seq: 1, 2, 3 ...; of: the number of the edit that an undo or redo is about."""

    seq: int = Field(ge=1)
    deed: Deed = Deed.EDIT
    of: int | None = None


class Header(Versioned):
    """The first line. base: the labels when the journal was begun, as they would stand in a file of their own."""

    SCHEMA: ClassVar[str] = "glimpse.labels.journal"
    VERSION: ClassVar[tuple[int, int]] = (1, 0)

    base: Mapping[str, Any]


class JournalChanged(Exception):
    """The file is not as long as it was left: somebody else has written."""


@dataclass(frozen=True)
class JournalText:
    """A journal that was read, as far as it could be.

    base: the labels that it begins with, None where the first line is damaged; damaged: numbers of lines that are, from 1;
    torn: bytes at the end that a crash cut short; newer: holds what only a newer Glimpse understands; size: bytes of the file.
    """

    base: LabelSet | None
    entries: tuple[Entry, ...] = ()
    damaged: tuple[int, ...] = ()
    torn: int = 0
    newer: bool = False
    size: int = 0

    @property
    def whole(self) -> bool:
        """Whether every entry since the beginning is there."""
        seqs = [entry.seq for entry in self.entries]
        return (
            self.base is not None
            and not self.damaged
            and seqs == [self.base.revision + 1 + place for place in range(len(seqs))]
        )


def header_line(base: LabelSet) -> bytes:
    """The first line of a journal that begins with these labels."""
    return _sealed(Header(base=base.model_dump(mode="json", by_alias=True)).model_dump(mode="json", by_alias=True))


def entry_line(entry: Entry) -> bytes:
    """An entry as a line."""
    data = entry.model_dump(mode="json", by_alias=True)
    first = {"seq": data.pop("seq"), "deed": data.pop("deed"), "of": data.pop("of")}
    return _sealed({name: value for name, value in first.items() if value is not None} | data)


def _sealed(data: Mapping[str, Any]) -> bytes:
    """The checksum is the CRC-32 (as in zlib and PNG) of all bytes before `,"crc"`, in eight hexadecimal digits."""
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()[:-1]
    return body + f',"crc":"{zlib.crc32(body):08x}"}}\n'.encode()


def _opened(line: bytes) -> dict[str, Any] | None:
    match = _SEALED.fullmatch(line)
    if not match or zlib.crc32(match[1]) != int(match[2], 16):
        return None
    try:
        data = json.loads(match[1] + b"}")
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def read_journal(path: Path) -> JournalText | None:
    """The journal in a file, None where there is none or nothing is in it. Raises OSError, and SchemaError where a newer major
    version wrote it.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    return parse_journal(content, str(path)) if content else None


def parse_journal(content: bytes, source: str) -> JournalText:
    """The journal in these bytes. Raises SchemaError where a newer major version wrote it."""
    lines = content.splitlines(keepends=True)
    torn = 0 if lines[-1].endswith(b"\n") else len(lines.pop())
    opened = [_opened(line) for line in lines]
    first = opened[0] if opened else None
    base, newer = _base(first, source) if first and "base" in first else (None, False)
    damaged = [number for number, data in enumerate(opened, start=1) if data is None]
    entries = [_entry(data) for data in opened[1:] if data is not None]
    known = tuple(entry for entry in entries if entry is not None)
    return JournalText(base, known, tuple(damaged), torn, newer or len(known) < len(entries), len(content))


def _base(data: Mapping[str, Any], source: str) -> tuple[LabelSet, bool]:
    """The checksum was right, so whatever cannot be read was written by a newer program."""
    header = Header.parse(json.dumps(data), source)
    base = LabelSet.parse(json.dumps(header.base), source)
    return base, header.version != "{}.{}".format(*Header.VERSION)


def _entry(data: Mapping[str, Any]) -> Entry | None:
    try:
        return Entry.model_validate(data)
    except ValidationError:
        return None


class JournalWriter:
    """Appends to a journal and puts it on disk; the two may be called from different threads.

    What was appended survives the death of the process, being in the hands of the system; `sync` makes it survive that
    of the machine. The path is given each time, since the folder may be renamed meanwhile.
    """

    def __init__(self, size: int, header: bytes, fsync: Callable[[int], None] = os.fsync) -> None:
        """size: bytes that are in the file; header: the first line, written with the first entry where there are none."""
        self._size = self._synced = size
        self._header = header
        self._fsync = fsync
        self._waiting: list[bytes] = []  # appended and not yet known to be on disk
        self._suspect = False  # whether the last sync failed, after which the system may have forgotten what it was given
        self._mutex = threading.Lock()  # what is above
        self._syncing = threading.Lock()  # one sync at a time; appending need not wait for it

    @property
    def size(self) -> int:
        """Bytes that the file has as far as it was written here."""
        return self._size

    @property
    def waiting(self) -> bool:
        """Whether something that was appended is not yet known to be on disk."""
        return self._size > self._synced

    def append(self, path: Path, line: bytes) -> None:
        """Add one line, or nothing. Raises OSError where it cannot be written, JournalChanged where it is not ours any more."""
        if self._suspect:
            self.sync(path)
        with self._mutex:
            data = line if self._size else self._header + line
            _append(path, data, self._size)
            self._size += len(data)
            self._waiting.append(data)

    def sync(self, path: Path) -> None:
        """Put what was appended on disk; what a failed try may have lost is written again. Raises OSError."""
        with self._syncing:
            with self._mutex:
                start, end, count = self._synced, self._size, len(self._waiting)
                lost = b"".join(self._waiting) if self._suspect else b""
            if start == end:
                return
            try:
                _sync(path, start, lost, self._fsync)
                if start == 0:
                    sync_folder(path.parent)
            except OSError:
                self._suspect = True
                raise
            with self._mutex:
                self._suspect, self._synced = False, end
                del self._waiting[:count]


def _append(path: Path, data: bytes, size: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
    try:
        if os.fstat(handle).st_size != size:
            raise JournalChanged(path)
        try:
            if os.write(handle, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        except OSError:
            with suppress(OSError):  # a half line that stays is dropped when the journal is read
                os.ftruncate(handle, size)
            raise
    finally:
        os.close(handle)


def _sync(path: Path, start: int, data: bytes, fsync: Callable[[int], None]) -> None:
    handle = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        if data:
            os.lseek(handle, start, os.SEEK_SET)
            if os.write(handle, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        fsync(handle)
    finally:
        os.close(handle)
