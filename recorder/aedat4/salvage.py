"""Turns recordings that were not finished, or were cut off later, into whole files. Copies packets byte for byte.

Knows neither cameras nor takes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from protocol.streams import Stream
from recorder.aedat4.errors import Aedat4Error
from recorder.aedat4.flat import FlatError
from recorder.aedat4.layout import (
    MAX_TABLE_BYTES,
    PACKET_HEADER,
    Compressor,
    Index,
    decompress,
    pack_header,
    pack_table,
    unpack_header,
    unpack_table,
)
from recorder.aedat4.reader import Aedat4File
from recorder.aedat4.writer import create, patch_table_position, write_all

MAX_TORN_BYTES = 1 << 20  # a kill tears one packet, and the largest of a DAVIS takes 160 kB


@dataclass(frozen=True)
class SalvageReport:
    """packets, events: in the file now; lost_bytes: what was not readable and is not in it; already_whole: nothing was done."""

    packets: int
    events: int
    lost_bytes: int
    already_whole: bool


def salvage(path: Path) -> SalvageReport:
    """Finish an unfinished recording in place: cut off a partial last packet, add the data table, point the header to it.

    The header is changed last, so that an interruption anywhere leaves an unfinished recording that can be salvaged again.
    Raises Aedat4Error when the file is none, was finished and then damaged (`salvage_copy` rebuilds those), or has a damaged
    packet before its end or more after it than a kill or a power cut leaves; DiskFullError when there is no room for the table.
    """
    with Aedat4File(path) as source:
        if source.has_table:
            return SalvageReport(len(source), source.count(Stream.EVENTS), 0, already_whole=True)
        if source.header.table_position >= 0 or not source.header.position_at:
            raise Aedat4Error(f"{path}: this recording was finished and damaged later; let it be rebuilt into a new file.")
        _check_tail(source)
        index, end = _trustworthy(source)
        events, table = _events(source, index), _packed(source, index)
        size, position_at = source.size, source.header.position_at
    with cast(BinaryIO, _reopen(path)) as file:
        _finish(file, path, end, table, position_at)
    return SalvageReport(len(index), events, size - end, already_whole=False)


def _finish(file: BinaryIO, path: Path, end: int, table: bytes, position_at: int) -> None:
    file.truncate(end)
    file.seek(end)
    try:
        write_all(file, table, path)
    except OSError:
        file.truncate(end)
        raise
    patch_table_position(file, position_at, end, path)


def _check_tail(source: Aedat4File) -> None:
    """Refuse to cut off what may be hours of data behind one damaged packet header."""
    if source.lost_bytes <= MAX_TORN_BYTES:
        return
    try:
        tail = source.tail()
        if not tail.strip(b"\0"):
            return  # a power cut: the file had grown, its content had not reached the disk
        unpack_table(decompress(tail, source.compression, MAX_TABLE_BYTES))
    except FlatError as error:
        raise Aedat4Error(
            f"{source.path}: the {source.lost_bytes} bytes after packet {len(source)} are not readable, too many for an "
            "interrupted recording; let the file be rebuilt into a new file."
        ) from error


def _reopen(path: Path) -> object:
    try:
        return path.open("r+b", buffering=0)
    except OSError as error:
        raise Aedat4Error(f"{path}: the file cannot be changed ({error.strerror}); check its permissions.") from error


def _trustworthy(source: Aedat4File) -> tuple[Index, int]:
    """The packets up to the last readable one, and where it ends; raises Aedat4Error when one before it is not readable."""
    index = source.index()
    damaged = np.flatnonzero(source.damaged())
    good = len(index)
    while len(damaged) and damaged[-1] == good - 1:
        good, damaged = good - 1, damaged[:-1]
    if len(damaged):
        raise Aedat4Error(
            f"{source.path}: packet {int(damaged[0])} is damaged; let the file be rebuilt into a new file without it."
        )
    end = int(index["offset"][good - 1] + index["size"][good - 1]) if good else source.header.end
    return index[:good], end


def salvage_copy(src: Path, dst: Path) -> SalvageReport:
    """Rebuild what can be read of `src`, cut off or damaged, into the new file `dst`; `src` is left as it is.

    Raises Aedat4Error when `src` is no recording or `dst` exists, DiskFullError when there is no room; then `dst` is removed.
    """
    with Aedat4File(src) as source:
        index = source.index()
        keep = np.flatnonzero(~source.damaged())
        file = create(dst)
        try:
            with file:
                rebuilt = _copy(source, index, keep, file, dst)
        except BaseException:
            dst.unlink()
            raise
        dropped = index[source.damaged()]
        lost = source.lost_bytes + int(dropped["size"].sum()) + PACKET_HEADER.size * len(dropped)
        return SalvageReport(len(rebuilt), _events(source, rebuilt), lost, already_whole=False)


def _copy(source: Aedat4File, index: Index, keep: NDArray[np.int64], file: BinaryIO, dst: Path) -> Index:
    header = pack_header(source.compression, source.header.xml)
    write_all(file, header, dst)
    rebuilt: Index = index[keep]
    end = len(header)
    for row, number in enumerate(keep):
        payload = source.payload(int(number))
        write_all(file, PACKET_HEADER.pack(int(rebuilt["stream"][row]), len(payload)) + payload, dst)
        rebuilt["offset"][row] = end + PACKET_HEADER.size
        end += PACKET_HEADER.size + len(payload)
    write_all(file, _packed(source, rebuilt), dst)
    patch_table_position(file, unpack_header(header).position_at, end, dst)
    return rebuilt


def _packed(source: Aedat4File, index: Index) -> bytes:
    return b"".join(Compressor(source.compression)(pack_table(index)))


def _events(source: Aedat4File, index: Index) -> int:
    meta = source.streams.get(Stream.EVENTS)
    return 0 if meta is None else int(index["count"][index["stream"] == meta.id].sum())
