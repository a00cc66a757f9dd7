"""Memory-mapped rings: one writer, any number of readers in other processes, the oldest records overwritten.

A ring is one file: a 4 KiB header and `capacity` records of one NumPy dtype (events, or whole pictures). The writer never
waits for a reader; a reader that falls behind skips what was overwritten and counts it. Knows no camera and no take.
"""

import ast
import mmap
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from protocol.errors import GlimpseError
from protocol.streams import Array
from recorder.host import rename_new

MAGIC = b"GLRING01"
HEADER_BYTES = 4096
_FIXED = struct.Struct("<8sQQ")  # magic, capacity, length of the dtype description
# The two counters sit in cache lines of their own. Both count records since the ring was made:
# `reserved` is raised before records are copied in, `committed` after, so a reader can tell what may have been torn.
_RESERVED_WORD = 256 // 8
_COMMITTED_WORD = 512 // 8
_DTYPE_OFFSET = 1024


class RingError(GlimpseError):
    """A file that is not a ring, or a ring that cannot be made."""


class RingWriter:
    """The only writer of a ring. Raises FileExistsError where the file exists."""

    def __init__(self, path: Path, dtype: np.dtype[np.void], capacity: int) -> None:
        self.path = path
        self.capacity = capacity
        self.dtype = dtype
        self._map = _create(path, dtype, capacity)
        self._counters, self._slots = _views(self._map, dtype, capacity)
        self.committed = 0

    def write(self, records: Array) -> None:
        """Append records [n] of the ring's dtype; of more than `capacity` only the newest remain readable."""
        end = self.committed + len(records)
        self._counters[_RESERVED_WORD] = end
        kept = records[-self.capacity :]
        # As plain bytes: NumPy copies structs with padding field by field, ten times slower.
        self._copy(np.ascontiguousarray(kept).view(self._slots.dtype), (end - len(kept)) % self.capacity)
        self._counters[_COMMITTED_WORD] = end
        self.committed = end

    def _copy(self, records: Array, at: int) -> None:
        head = min(len(records), self.capacity - at)
        self._slots[at : at + head] = records[:head]
        if head < len(records):
            self._slots[: len(records) - head] = records[head:]

    def close(self) -> None:
        """Unmap; the file stays for readers until its folder is removed."""
        del self._counters, self._slots
        self._map.close()

    def __enter__(self) -> Self:
        """Return the ring itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the ring."""
        self.close()


@dataclass(frozen=True)
class Reading:
    """What a reader got. first: index of records[0] since the ring was made; missed: records lost since the last reading."""

    records: Array
    first: int
    missed: int


class RingReader:
    """Reads a ring from any process. `missed` counts every record that was overwritten before it was read."""

    def __init__(self, path: Path, *, from_start: bool = False) -> None:
        self._map, self.dtype, self.capacity = _attach(path)
        self._counters, self._slots = _views(self._map, self.dtype, self.capacity)
        self.position = 0 if from_start else self._committed()
        self.missed = 0

    def read(self, limit: int | None = None) -> Reading:
        """Copy the unread records, the oldest first, at most `limit`; what was overwritten is left out and counted."""
        committed = self._committed()
        start = max(self.position, committed - self.capacity)
        end = committed if limit is None else min(committed, start + limit)
        records = self._copied(start, end)
        torn = max(0, self._reserved() - self.capacity - start)
        start, records = min(start + torn, end), records[torn:]
        missed = start - self.position
        self.position = end
        self.missed += missed
        return Reading(records, start, missed)

    def newest(self, count: int) -> Reading:
        """The newest unread records, at most `count`; those before them are passed over by choice and not counted as missed."""
        self.position = max(self.position, self._committed() - min(count, self.capacity))
        return self.read()

    def _copied(self, start: int, end: int) -> Array:
        at, count = start % self.capacity, end - start
        head = min(count, self.capacity - at)
        copied = np.empty(count, self._slots.dtype)
        copied[:head] = self._slots[at : at + head]
        copied[head:] = self._slots[: count - head]
        return copied.view(self.dtype)

    def _committed(self) -> int:
        return int(self._counters[_COMMITTED_WORD])

    def _reserved(self) -> int:
        return int(self._counters[_RESERVED_WORD])

    def close(self) -> None:
        """Unmap the ring."""
        del self._counters, self._slots
        self._map.close()

    def __enter__(self) -> Self:
        """Return the reader itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the reader."""
        self.close()


def _create(path: Path, dtype: np.dtype[np.void], capacity: int) -> mmap.mmap:
    description = repr(_describe(dtype)).encode()
    if len(description) > HEADER_BYTES - _DTYPE_OFFSET or capacity < 1:
        raise RingError(f"{path}: a ring of {capacity} records of {dtype} cannot be made; choose a smaller record.")
    size = HEADER_BYTES + capacity * dtype.itemsize
    header = _FIXED.pack(MAGIC, capacity, len(description)).ljust(_DTYPE_OFFSET, b"\0") + description
    # Made under another name: readers wait for the name, and must find a whole header behind it.
    making = path.with_name(f".{path.name}.making")
    try:
        _write_header(making, header, size)
        rename_new(making, path)
    finally:
        making.unlink(missing_ok=True)
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), size)


def _write_header(path: Path, header: bytes, size: int) -> None:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        _allocate(handle, size)
        os.write(handle, header)
    finally:
        os.close(handle)


def _allocate(handle: int, size: int) -> None:
    # Room is taken now: a mapped page that finds no room later ends the process with SIGBUS.
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size)
    else:
        os.truncate(handle, size)


def _attach(path: Path) -> tuple[mmap.mmap, np.dtype[np.void], int]:
    handle = os.open(path, os.O_RDONLY)
    try:
        if os.fstat(handle).st_size < HEADER_BYTES:
            raise RingError(f"{path}: not a ring of Glimpse; start the capture again.")
        mapped = mmap.mmap(handle, 0, access=mmap.ACCESS_READ)
    finally:
        os.close(handle)
    magic, capacity, length = _FIXED.unpack_from(mapped)
    if magic != MAGIC or length > HEADER_BYTES - _DTYPE_OFFSET:
        mapped.close()
        raise RingError(f"{path}: not a ring of Glimpse; start the capture again.")
    description = ast.literal_eval(mapped[_DTYPE_OFFSET : _DTYPE_OFFSET + length].decode())
    return mapped, np.dtype(description), capacity


def _describe(dtype: np.dtype[np.void]) -> dict[str, object]:
    fields: Mapping[str, Any] = dtype.fields or {}
    return {
        "names": list(fields),
        "formats": [(f[0].base.str, f[0].shape) for f in fields.values()],
        "offsets": [f[1] for f in fields.values()],
        "itemsize": dtype.itemsize,
    }


def _views(
    mapped: mmap.mmap, dtype: np.dtype[np.void], capacity: int
) -> tuple["np.ndarray[tuple[int], np.dtype[np.uint64]]", Array]:
    counters = np.frombuffer(mapped, dtype=np.uint64, count=HEADER_BYTES // 8)
    slots = np.frombuffer(mapped, dtype=f"V{dtype.itemsize}", count=capacity, offset=HEADER_BYTES)
    return counters, slots
