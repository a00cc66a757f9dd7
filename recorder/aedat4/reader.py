"""Reads aedat4 files: whole, unfinished, cut off or damaged. Whatever bytes a file holds, only Aedat4Error leaves this module.

Opens lazily: packets are decoded when their content is asked for. One thread uses a reader. Knows neither cameras nor takes.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from protocol.streams import RECORD_DTYPES, Array, Stream
from recorder.aedat4.errors import Aedat4Error
from recorder.aedat4.flat import FlatError
from recorder.aedat4.index import file_size, plausible, read_at, read_header, read_table, same_packets, scan
from recorder.aedat4.layout import MAX_PACKET_BYTES, MAX_TABLE_BYTES, Compression, Index, decompress
from recorder.aedat4.packets import KINDS, AedatFrame, frame_times, unpack_events, unpack_frame, unpack_imu, unpack_triggers
from recorder.aedat4.streaminfo import StreamMeta, from_xml

__all__ = ["Aedat4File", "AedatFrame", "StreamMeta"]

T = TypeVar("T")
_UNPACK: dict[Stream, Callable[[bytes], Array]] = {
    Stream.EVENTS: unpack_events,
    Stream.IMU: unpack_imu,
    Stream.TRIGGERS: unpack_triggers,
}
_FOREVER = np.iinfo(np.int64)


class Aedat4File:
    """An aedat4 file; a context manager.

    streams: the first stream of each kind; other: all further streams (second cameras, kinds that are not read here);
    has_table: the file ends with a data table that lists exactly its packets; header: compression and table position;
    size, lost_bytes: of the file, and of what stands after its last whole packet and is none;
    header_time_range: first and last time stamp as the data table tells them, true or not, None without a table.
    """

    def __init__(self, path: Path) -> None:
        """Raises Aedat4Error when the file cannot be opened or has no readable header."""
        self.path = path
        if path.exists() and not path.is_file() and not path.is_dir():
            raise Aedat4Error(f"{path}: this is no regular file; give an aedat4 file.")  # a pipe would be waited for
        try:
            self._file = path.open("rb", buffering=0)
        except OSError as error:
            raise Aedat4Error(
                f"{path}: the file cannot be opened ({error.strerror}); check its name and permissions."
            ) from error
        try:
            self._open()
        except BaseException:
            self._file.close()
            raise

    def _open(self) -> None:
        self.header = self._guard("the header is damaged", lambda: read_header(self._file, self.path))
        metas = self._guard("the header is damaged", lambda: from_xml(self.header.xml))
        self.streams: Mapping[Stream, StreamMeta] = _first_of_each_kind(metas)
        self.other = tuple(meta for meta in metas if meta not in self.streams.values())
        self._kinds = {meta.id: stream for meta in metas for stream, kind in KINDS.items() if meta.kind == kind}
        self._problems: list[str] = []
        self.has_table = False
        self.header_time_range: tuple[int, int] | None = None
        self._index, believed = self._find_packets({meta.id for meta in metas})
        self._looked = np.full(len(self._index), believed)  # whose counts and times are known
        self._checked_order = False
        self._frame_t_us: dict[int, int | None] = {}  # by packet: the table tells another time than that of the exposure

    @property
    def compression(self) -> Compression:
        """How the packets are compressed."""
        return self.header.compression

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with the file, one sentence each. Looks into every packet that the data table does not describe."""
        for stream in self.streams:
            self._entries(stream)
        if not self._checked_order:
            self._checked_order = True
            self._check_order()
        return tuple(self._problems)

    def count(self, stream: Stream) -> int:
        """Events, samples, triggers or frames in the file; 0 for a stream that it has not."""
        return int(self._index["count"][self._entries(stream)].sum())

    def time_range(self, stream: Stream) -> tuple[int, int] | None:
        """First and last time stamp in microseconds, from the packets; None for a stream without data."""
        entries = self._entries(stream)
        entries = entries[self._index["count"][entries] > 0]
        if not len(entries):
            return None
        return int(self._index["first"][entries].min()), int(self._index["last"][entries].max())

    def records(self, stream: Stream, start_us: int | None = None, end_us: int | None = None) -> Array:
        """Events, IMU samples or triggers with start_us <= t < end_us: [n] of `RECORD_DTYPES[stream]`, in file order.

        Packets that cannot be decoded are left out and named in `problems`.
        """
        parts = list(self.iter_records(stream, start_us, end_us))
        joined = np.empty(sum(map(len, parts)), RECORD_DTYPES[stream])
        filled = 0
        for part in parts:  # np.concatenate would compare the columns of all parts anew, which takes as long as reading
            joined[filled : filled + len(part)] = part
            filled += len(part)
        return joined

    def iter_records(self, stream: Stream, start_us: int | None = None, end_us: int | None = None) -> Iterator[Array]:
        """The same packet by packet, n >= 1 each, read-only."""
        if stream not in _UNPACK:
            raise Aedat4Error(f"{self.path}: the stream {stream.value} holds no records; ask for its frames.")
        start, end = _bounds(start_us, end_us)
        for number in self._overlapping(stream, start, end):
            records = self._decode(int(number), _UNPACK[stream])
            if records is not None and len(part := _between(records, start, end)):
                yield part

    def frames(self, start_us: int | None = None, end_us: int | None = None) -> Iterator[AedatFrame]:
        """The frames with start_us <= t_us < end_us, in file order."""
        start, end = _bounds(start_us, end_us)
        for number, t_us in self._frame_numbers():
            if start <= t_us < end:
                frame = self._decode(number, unpack_frame)
                if frame is not None:
                    yield frame

    def frame_times(self) -> NDArray[np.int64]:
        """t_us of every frame."""
        return np.array([t_us for _, t_us in self._frame_numbers()], np.int64)

    def _frame_numbers(self) -> Iterator[tuple[int, int]]:
        """(packet, t_us) of every frame whose time can be read; each packet is decoded once for that, however often asked."""
        for number in map(int, self._entries(Stream.FRAMES)):
            if number not in self._frame_t_us:
                times = self._decode(number, frame_times)
                self._frame_t_us[number] = None if times is None else times[0]
            t_us = self._frame_t_us[number]
            if t_us is not None:
                yield number, t_us

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _guard(self, what: str, read: Callable[[], T]) -> T:
        try:
            return read()
        except FlatError as error:
            raise Aedat4Error(f"{self.path}: {what} ({error}); restore the file from a backup.") from error
        except OSError as error:
            raise Aedat4Error(f"{self.path}: reading failed ({error.strerror}); check the disk.") from error

    def _find_packets(self, ids: set[int]) -> tuple[Index, bool]:
        """Walk the packets and compare them with the table; (index, whether its counts and times can be believed)."""
        self.size = self._guard("", lambda: file_size(self._file))
        table, stop = self._table(self.size)
        found = self._guard("", lambda: scan(self._file, self.header, ids, stop))
        self.lost_bytes = found.partial
        if found.partial:
            self._problems.append(f"cut off after packet {len(found.index)}: {found.partial} bytes of a partial packet")
        if table is None:
            return found.index, False
        self.has_table = same_packets(table, found.index)
        if not self.has_table:
            self._problems.append(f"the data table lists other packets ({len(table)}) than the file has ({len(found.index)})")
        return found.index if not self.has_table else table, self.has_table and self._believe(table)

    def _table(self, size: int) -> tuple[Index | None, int]:
        """The data table if it can be read, and the file position where the packets must end."""
        position = self.header.table_position
        if position < 0:
            self._problems.append("the recording was not finished: it has no data table")
            return None, size
        try:
            table = self._guard_io(lambda: read_table(self._file, self.header))
        except FlatError as error:
            self._problems.append(f"the data table cannot be read: {error}")
            return None, position if self.header.end <= position < size else size
        return table, position

    def _believe(self, table: Index) -> bool:
        if not len(table):
            return True
        self.header_time_range = int(table["first"].min()), int(table["last"].max())
        if plausible(table):
            return True
        first, last = self.header_time_range
        self._problems.append(f"the data table says {first} to {last} us, but the packets have other times and counts")
        return False

    def _guard_io(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except OSError as error:
            raise Aedat4Error(f"{self.path}: reading failed ({error.strerror}); check the disk.") from error

    def _entries(self, stream: Stream) -> NDArray[np.int64]:
        """Numbers of the stream's packets, their counts and times made sure of."""
        if stream not in self.streams:
            return np.zeros(0, np.int64)
        numbers = np.flatnonzero(self._index["stream"] == self.streams[stream].id)
        for number in numbers[~self._looked[numbers]]:
            self._look(int(number))
        return numbers

    def _look(self, number: int) -> None:
        self._looked[number] = True
        stream = self._kinds.get(int(self._index["stream"][number]))
        if stream is None:
            return
        if stream is Stream.FRAMES:
            times = self._decode(number, frame_times)
            span = None if times is None else (1, times[1], times[1])
        else:
            records = self._decode(number, _UNPACK[stream])
            span = (len(records), *_span(records["t"])) if records is not None and len(records) else None
        self._index["count"][number], self._index["first"][number], self._index["last"][number] = span or (0, 0, 0)

    def _overlapping(self, stream: Stream, start: int, end: int) -> NDArray[np.int64]:
        numbers = self._entries(stream)
        index = self._index[numbers]
        return numbers[(index["count"] > 0) & (index["last"] >= start) & (index["first"] < end)]

    def index(self) -> Index:
        """Every whole packet of the file (INDEX_DTYPE), counts and times made sure of; count 0 where it is not readable."""
        for number in np.flatnonzero(~self._looked):
            self._look(int(number))
        return self._index.copy()

    def damaged(self) -> NDArray[np.bool_]:
        """[packets] True for those of a known kind that cannot be decoded."""
        index = self.index()
        unread: NDArray[np.bool_] = np.isin(index["stream"], list(self._kinds)) & (index["count"] == 0)
        return unread

    def payload(self, number: int) -> bytes:
        """One packet as it lies in the file, compressed."""
        entry = self._index[number]
        return self._guard_io(lambda: read_at(self._file, int(entry["offset"]), int(entry["size"])))

    def tail(self) -> bytes:
        """The `lost_bytes` at the end of the file; raises FlatError when they are more than any data table has."""
        if self.lost_bytes > MAX_TABLE_BYTES:
            raise FlatError("too much to be a data table")
        return self._guard_io(lambda: read_at(self._file, self.size - self.lost_bytes, self.lost_bytes))

    def packet(self, number: int) -> bytes:
        """The FlatBuffer of one packet; raises Aedat4Error when it cannot be decompressed."""
        return self._guard(f"packet {number} is damaged", lambda: self._raw(number))

    def __len__(self) -> int:
        """Whole packets in the file."""
        return len(self._index)

    def _raw(self, number: int) -> bytes:
        if self._index["size"][number] > MAX_PACKET_BYTES:
            raise FlatError("it is longer than any packet is")
        return decompress(self.payload(number), self.compression)

    def _decode(self, number: int, unpack: Callable[[bytes], T]) -> T | None:
        try:
            return self._guard_io(lambda: unpack(self._raw(number)))
        except FlatError as error:
            problem = f"packet {number} cannot be decoded: {error}"
            if problem not in self._problems:
                self._problems.append(problem)
            return None

    def _check_order(self) -> None:
        for stream, meta in self.streams.items():
            entries = self._entries(stream)
            index = self._index[entries[self._index["count"][entries] > 0]]
            wrong = np.flatnonzero(index["first"][1:] < index["last"][:-1])
            if len(wrong):
                before, after = int(index["last"][wrong[0]]), int(index["first"][wrong[0] + 1])
                self._problems.append(f"time runs backwards in the stream {meta.name}, from {before} us to {after} us")


def _first_of_each_kind(metas: tuple[StreamMeta, ...]) -> dict[Stream, StreamMeta]:
    found = {stream: next((meta for meta in metas if meta.kind == kind), None) for stream, kind in KINDS.items()}
    return {stream: meta for stream, meta in found.items() if meta is not None}


def _bounds(start_us: int | None, end_us: int | None) -> tuple[int, int]:
    return _FOREVER.min if start_us is None else start_us, _FOREVER.max if end_us is None else end_us


def _between(records: Array, start: int, end: int) -> Array:
    t: NDArray[Any] = records["t"]
    first, last = _span(t)
    if start <= first and last < end:
        return records
    return records[(t >= start) & (t < end)]


def _span(t: NDArray[Any]) -> tuple[int, int]:
    return (int(t.min()), int(t.max())) if len(t) else (_FOREVER.max, _FOREVER.min)
