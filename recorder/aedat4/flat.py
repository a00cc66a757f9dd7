"""FlatBuffers as aedat4 uses them: a vector of small tables of numbers, written and read in bulk.

The writing half reproduces the byte layout of the C++ FlatBufferBuilder (back to front, vtables shared, zeros left out), so
that a packet is the same bytes as DV's own; the reading half takes whole columns with NumPy and checks every offset first.
Source of the layout: "FlatBuffers Internals", https://flatbuffers.dev/internals/. Knows no file and no packet kind.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_TABLES = 1 << 22  # packets of about four hours; bounds what a damaged count can allocate
MAX_LAYOUTS = 1 << 12  # which fields of an IMU sample are zero, times the padding in front of it
MAX_TABLE_SPAN = 256  # bytes; the widest table, an IMU sample, takes 52


class FlatError(Exception):
    """Bytes that are not the FlatBuffer they should be; the callers turn it into an Aedat4Error that names the file."""


@dataclass(frozen=True)
class Field:
    """One number of a table. slot: its place in the schema; code: NumPy type without byte order; count: 2 for a pair."""

    slot: int
    code: str
    count: int = 1

    @property
    def alignment(self) -> int:
        """Bytes that the field is aligned to."""
        return np.dtype(self.code).itemsize

    @property
    def size(self) -> int:
        """Bytes that the field takes."""
        return self.alignment * self.count


@dataclass(frozen=True)
class _Plan:
    """How one table lies in memory when it is put after `size % 8` bytes: struct, field order, vtable."""

    packer: struct.Struct
    order: tuple[int, ...]
    vtable: bytes


_STRUCT_CODES = {"i8": "q", "i4": "i", "i2": "h", "i1": "b", "f4": "f"}


def _placing_order(fields: Sequence[Field]) -> list[int]:
    # flatc adds the widest fields first and, among equals, the last of the schema first; struct fields rank as 4 bytes
    return sorted(range(len(fields)), key=lambda i: (-fields[i].alignment, -fields[i].slot))


@lru_cache(maxsize=512)
def _plan(fields: tuple[Field, ...], present: int, phase: int) -> _Plan:
    size, parts, order, ends = phase, [], [], {}
    for index in _placing_order(fields):
        field = fields[index]
        if not present >> index & 1:
            continue
        pad = -size % field.alignment
        size += pad + field.size
        parts.append(f"{field.count}{_STRUCT_CODES[field.code]}{pad}x")
        order.append(index)
        ends[field.slot] = size
    pad = -size % 4
    size += pad + 4
    parts.append(f"i{pad}x")
    slots = [size - ends[slot] if slot in ends else 0 for slot in range(max(ends, default=-1) + 1)]
    vtable = struct.pack(f"<{2 + len(slots)}H", 4 + 2 * len(slots), size - phase, *slots)
    return _Plan(struct.Struct("<" + "".join(reversed(parts))), tuple(reversed(order)), vtable)


def _presence(columns: Sequence[NDArray[Any]], always: int) -> list[int]:
    bits = np.full(len(columns[0]), always, np.int64)
    for index, column in enumerate(columns):
        nonzero = column != 0
        bits |= (nonzero if nonzero.ndim == 1 else nonzero.any(axis=1)).astype(np.int64) << index
    return [int(value) for value in bits]


def pack_tables(identifier: bytes, fields: tuple[Field, ...], columns: Sequence[NDArray[Any]], always: int = 0) -> bytes:
    """A size-prefixed FlatBuffer whose root holds one vector of tables.

    identifier: 4 bytes; columns: one array [n] (or [n, 2] for a pair) per field, n >= 1; a zero is left out as FlatBuffers
    do, except in the fields whose bit is set in `always` (structs and forced defaults).
    """
    rows = zip(*(column.tolist() for column in columns), strict=True)
    paired = [field.count > 1 for field in fields]
    chunks: list[bytes] = []
    vtables: dict[bytes, int] = {}
    size, ends, used = 0, [], 0
    for present, row in zip(_presence(columns, always), rows, strict=True):
        used |= present
        plan = _plan(fields, present, size % 8)
        size += plan.packer.size
        ends.append(size)
        known = vtables.get(plan.vtable)
        position = known if known is not None else vtables.setdefault(plan.vtable, size + len(plan.vtable))
        values: list[Any] = []
        for index in plan.order:
            values += row[index] if paired[index] else (row[index],)
        chunks.append(plan.packer.pack(position - size, *values))
        if known is None:
            chunks.append(plan.vtable)
            size += len(plan.vtable)
    alignment = max([4] + [field.alignment for i, field in enumerate(fields) if used >> i & 1])
    return _finish(identifier, chunks, size, np.array(ends, np.int64), alignment)


def _finish(identifier: bytes, chunks: list[bytes], size: int, ends: NDArray[np.int64], alignment: int) -> bytes:
    """Add the vector of offsets, the root table, identifier and size in front of the tables."""
    pad = -size % 4
    slots = size + pad + 4 * np.arange(len(ends), 0, -1)
    chunks += [bytes(pad), (slots - ends).astype("<u4").tobytes(), struct.pack("<I", len(ends))]
    size += pad + 4 * len(ends) + 4
    # root table: soffset to its vtable right in front of it (6 bytes), and the offset (4 bytes on) to the vector
    chunks.append(struct.pack("<HHHiI", 6, 8, 4, 6, 4))
    size += 14
    pad = -(size + 12) % alignment
    chunks += [bytes(pad), struct.pack("<I4s", 4 + 4 + pad + 6, identifier)]
    body = b"".join(reversed(chunks))
    return struct.pack("<I", len(body)) + body


def empty_table(identifier: bytes) -> bytes:
    """A size-prefixed FlatBuffer whose root table has no field at all."""
    return struct.pack("<II4sHHI", 16, 12, identifier, 4, 4, 4)


def checked(raw: bytes, at: int, size: int) -> int:
    """`at`, if `size` bytes lie there inside `raw`; raises FlatError."""
    if not 0 <= at <= len(raw) - size:
        raise FlatError("an offset points outside the packet")
    return at


def number(raw: bytes, code: str, at: int) -> Any:
    """One little-endian number of struct code `code` at byte `at`; raises FlatError."""
    form = _form(code)
    if not 0 <= at <= len(raw) - form.size:  # as `checked`: a take has some ten thousand of these
        raise FlatError("an offset points outside the packet")
    return form.unpack_from(raw, at)[0]


@cache
def _form(code: str) -> struct.Struct:
    return struct.Struct("<" + code)


def root(raw: bytes, identifier: bytes) -> int:
    """Position of the root table of a size-prefixed FlatBuffer; raises FlatError."""
    checked(raw, 0, 16)
    if number(raw, "I", 0) > len(raw) - 4:
        raise FlatError("the packet is shorter than it says")
    if raw[8:12] != identifier:
        raise FlatError(f"{raw[8:12]!r} stands where {identifier!r} was expected")
    return checked(raw, 4 + int(number(raw, "I", 4)), 4)


def slot_position(raw: bytes, table: int, slot: int) -> int | None:
    """Where field `slot` of the table at `table` lies, None when it is left out; raises FlatError."""
    vtable = table - number(raw, "i", table)
    if number(raw, "H", vtable) < 6 + 2 * slot:
        return None
    offset = number(raw, "H", vtable + 4 + 2 * slot)
    return table + int(offset) if offset else None


def scalar(raw: bytes, table: int, slot: int, code: str, default: int = 0) -> int:
    """The integer in field `slot`, or its default."""
    at = slot_position(raw, table, slot)
    return default if at is None else int(number(raw, code, at))


def vector(raw: bytes, table: int, slot: int, item_size: int) -> tuple[int, int]:
    """(position of the first item, number of items) of the vector in field `slot`; (0, 0) when left out."""
    at = slot_position(raw, table, slot)
    if at is None:
        return 0, 0
    at += int(number(raw, "I", at))
    count = int(number(raw, "I", at))
    checked(raw, at + 4, count * item_size)
    return at + 4, count


def unpack_tables(raw: bytes, identifier: bytes, fields: tuple[Field, ...]) -> list[NDArray[Any]]:
    """Columns of a FlatBuffer made like those of `pack_tables`: per field [n] or [n, 2]; raises FlatError."""
    start, count = vector(raw, root(raw, identifier), 0, 4)
    if count > MAX_TABLES:
        raise FlatError(f"{count} entries are more than any recording has")
    tables = start + 4 * np.arange(count, dtype=np.int64) + np.frombuffer(raw, "<u4", count, start)
    vtables = tables - _gather(raw, np.dtype("<i4"), tables)
    columns = [np.zeros((count, field.count), "<" + field.code) for field in fields]
    distinct = set(vtables.tolist())
    if len(distinct) > MAX_LAYOUTS:
        raise FlatError(f"{len(distinct)} table layouts are more than there can be")
    for vtable in distinct:
        rows = np.flatnonzero(vtables == vtable)
        _fill(columns, rows, raw, tables[rows], _offsets(raw, vtable, fields), fields)
    return [column if field.count > 1 else column[:, 0] for column, field in zip(columns, fields, strict=True)]


def _offsets(raw: bytes, vtable: int, fields: Sequence[Field]) -> tuple[int, ...]:
    """Where each field lies in tables of this layout, 0 for one that is left out."""
    length = number(raw, "H", vtable)
    return tuple(int(number(raw, "H", vtable + 4 + 2 * f.slot)) if length >= 6 + 2 * f.slot else 0 for f in fields)


@lru_cache(maxsize=512)
def _row_type(offsets: tuple[int, ...], fields: tuple[Field, ...]) -> np.dtype[np.void]:
    present = [(str(i), f, offset) for i, (f, offset) in enumerate(zip(fields, offsets, strict=True)) if offset]
    span = max([1] + [offset + f.size for _, f, offset in present])
    if span > MAX_TABLE_SPAN:
        raise FlatError("a table is larger than its fields")
    formats = [(f"<{f.code}", (f.count,)) for _, f, _ in present]
    names = [name for name, _, _ in present]
    return np.dtype({"names": names, "formats": formats, "offsets": [offset for _, _, offset in present], "itemsize": span})


def _fill(
    columns: Sequence[NDArray[Any]],
    rows: NDArray[np.int64],
    raw: bytes,
    tables: NDArray[np.int64],
    offsets: tuple[int, ...],
    fields: tuple[Field, ...],
) -> None:
    """Set those rows of the columns from tables that share one layout."""
    found = _gather(raw, _row_type(offsets, fields), tables)
    for name in found.dtype.names or ():
        columns[int(name)][rows] = found[name]


def _gather(raw: bytes, dtype: np.dtype[Any], at: NDArray[np.int64]) -> NDArray[Any]:
    """The items of type `dtype` that lie at the byte positions `at`; raises FlatError when one does not."""
    if not len(at):
        return np.zeros(0, dtype)
    if at.min() < 0 or at.max() > len(raw) - dtype.itemsize:
        raise FlatError("an offset points outside the packet")
    everywhere: NDArray[Any] = np.ndarray((len(raw) - dtype.itemsize + 1,), dtype, raw, 0, (1,))
    items: NDArray[Any] = everywhere[at]
    return items
