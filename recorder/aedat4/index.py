"""Where the packets of an aedat4 file lie and what is in them: from the data table where it tells the truth, else by looking.

Works on an open file and never trusts a number in it before it was checked against the file's size. Knows no stream's meaning.
"""

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from recorder.aedat4.errors import Aedat4Error
from recorder.aedat4.flat import FlatError
from recorder.aedat4.layout import (
    INDEX_DTYPE,
    MAGIC,
    MAX_HEADER_BYTES,
    MAX_TABLE_BYTES,
    PACKET_HEADER,
    Header,
    Index,
    decompress,
    unpack_header,
    unpack_table,
)


def read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    """Up to `size` bytes from `offset`."""
    file.seek(offset)
    return file.read(size)


def file_size(file: BinaryIO) -> int:
    """Bytes that the file has at this moment."""
    return file.seek(0, os.SEEK_END)


def read_header(file: BinaryIO, path: Path) -> Header:
    """The header; raises Aedat4Error for a file that is none of ours."""
    head = read_at(file, 0, len(MAGIC) + 4)
    if not head.startswith(MAGIC):
        raise Aedat4Error(f"{path}: this is not an aedat4 recording; choose another file.")
    size = int.from_bytes(head[len(MAGIC) :], "little")
    if len(head) < len(MAGIC) + 4 or size > MAX_HEADER_BYTES or len(MAGIC) + 4 + size > file_size(file):
        raise Aedat4Error(
            f"{path}: the recording ends inside its header, nothing can be read from it; restore it from a backup."
        )
    try:
        return unpack_header(read_at(file, 0, len(MAGIC) + 4 + size))
    except FlatError as error:
        raise Aedat4Error(f"{path}: the header is damaged ({error}); restore the file from a backup.") from error


@dataclass(frozen=True)
class Scan:
    """The packets that are really in the file. index: INDEX_DTYPE [packets] without counts and times;
    end: where the last whole packet ends; partial: bytes after it that are no whole packet.
    """

    index: Index
    end: int
    partial: int


def scan(file: BinaryIO, header: Header, streams: Collection[int], stop: int) -> Scan:
    """Walk from packet to packet up to file position `stop`."""
    rows, at = [], header.end
    while len(head := read_at(file, at, PACKET_HEADER.size) if at < stop else b"") == PACKET_HEADER.size:
        stream, size = PACKET_HEADER.unpack(head)
        payload = at + PACKET_HEADER.size
        if stream not in streams or size <= 0 or payload + size > stop:
            break
        rows.append((payload, stream, size, 0, 0, 0))
        at = payload + size
    return Scan(np.array(rows, INDEX_DTYPE), at, stop - at)


def read_table(file: BinaryIO, header: Header) -> Index | None:
    """The data table, None when the header points to none; raises FlatError when there is something else."""
    if header.table_position < 0:
        return None
    size = file_size(file)
    if not header.end <= header.table_position < size:
        raise FlatError("it was cut off")
    if size - header.table_position > MAX_TABLE_BYTES:
        raise FlatError("the header points into the packets")
    raw = decompress(read_at(file, header.table_position, size - header.table_position), header.compression, MAX_TABLE_BYTES)
    return unpack_table(raw)


def same_packets(table: Index, found: Index) -> bool:
    """Whether the table lists exactly the packets that are there."""
    if len(table) != len(found):
        return False
    return all(bool((table[name] == found[name]).all()) for name in ("offset", "stream", "size"))


def plausible(table: Index) -> bool:
    """Whether the table says of each packet how much it holds and when (early DV software left that out)."""
    return bool((table["count"] > 0).all() and (table["first"] <= table["last"]).all())
