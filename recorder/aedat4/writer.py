"""Writes an aedat4 file from NumPy arrays, one write() per packet, so that whatever was written survives a kill.

One thread uses a writer. Knows neither cameras nor takes; what the file looks like is in `layout` and `packets`.
"""

import errno
import os
import struct
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

import numpy as np

from protocol.streams import RECORD_DTYPES, Array, Frame, Stream
from recorder.aedat4.errors import Aedat4Error, DiskFullError
from recorder.aedat4.flat import FlatError
from recorder.aedat4.layout import (
    INDEX_DTYPE,
    PACKET_HEADER,
    Compression,
    Compressor,
    Index,
    pack_header,
    pack_table,
    unpack_header,
)
from recorder.aedat4.packets import (
    KINDS,
    exposure_start_us,
    frame_format,
    pack_events,
    pack_frame,
    pack_imu,
    pack_triggers,
    polarity_is_legal,
    used_bits,
)
from recorder.aedat4.streaminfo import StreamMeta, from_xml, to_xml

SUFFIX = ".aedat4"
EVENTS_PER_PACKET = 10_000  # what dv-processing cuts its own event stores into
INDEX_IN_MEMORY = 1 << 20  # bytes of 48 a packet: a take of half a minute; what is more goes to a temporary file
_ROW = struct.Struct("<6q")
_ROW_DTYPE = np.dtype([(name, "<i8") for name in INDEX_DTYPE.names or ()])
_NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}


def exclusive_open(path: Path) -> BinaryIO:
    """A new, unbuffered file; raises FileExistsError rather than touch an old one."""
    return cast(BinaryIO, path.open("xb", buffering=0))


class Aedat4Writer:
    """An aedat4 file being written; a context manager.

    `written` counts events, frames, samples and triggers of packets whose write() has returned.
    """

    def __init__(
        self,
        path: Path,
        *,
        source: str,
        streams: Mapping[Stream, tuple[int, int] | None],
        compression: Compression = Compression.LZ4,
        open_file: Callable[[Path], BinaryIO] = exclusive_open,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """source: camera and serial number, e.g. "DAVIS346_00000104"; streams: (width, height) in pixels, None without pixels.

        metadata: further text for every stream's description. Raises Aedat4Error for a name or stream that the format does
        not allow and for a file that exists or cannot be made, DiskFullError when there is no room for the header.
        """
        self.path = path
        self._ids = {stream: number for number, stream in enumerate(_known(path, streams))}
        self.written: dict[Stream, int] = dict.fromkeys(self._ids, 0)
        self.has_table = False
        self._last_us: dict[Stream, int] = {}
        self._compress = Compressor(compression)
        self._torn = self._closed = False
        self._end = 0
        metas = [StreamMeta(n, KINDS[s], s.value, streams[s], source) for s, n in self._ids.items()]
        header = pack_header(compression, _description(path, metas, compression, metadata or {}))
        self._position_at = unpack_header(header).position_at
        self._file = create(path, open_file)
        # Of a long recording the index would fill the memory: 500 packets a second are 100 MB an hour.
        self._rows = tempfile.SpooledTemporaryFile(max_size=INDEX_IN_MEMORY)  # noqa: SIM115  (closed by close)
        self._begin(header)

    def _begin(self, header: bytes) -> None:
        try:
            self._append(header)
        except OSError:
            self._file.close()
            self._rows.close()
            self.path.unlink()  # ours: it was made a moment ago, and holds nothing
            raise

    def write_records(self, stream: Stream, records: Array) -> None:
        """records: [n] of `RECORD_DTYPES[stream]` in time order; nothing of a refused batch is written.

        Raises Aedat4Error for a wrong type, an unknown stream or time running backwards (the writer stays usable),
        DiskFullError when there is no room and OSError for any other failure: then the packets counted in `written` are in
        the file, and the file ends with the last of them.
        """
        self._check_records(stream, records)
        records = np.ascontiguousarray(records)
        bits = self._checked_bits(stream, records)
        if len(records):
            self._check_order(stream, records["t"])
        for part in _parts(records):
            first, last = int(part["t"][0]), int(part["t"][-1])
            self._write_packet(stream, _pack(stream, part, bits), len(part), first, last)

    def write_frame(self, frame: Frame) -> None:
        """frame.image: [H, W] uint8 or uint16, or [H, W, 3 or 4] uint8 in BGR(A); raises as `write_records` does."""
        self._check_open(frame.stream)
        if frame.stream is not Stream.FRAMES or frame_format(frame.image) is None:
            raise Aedat4Error(
                f"{self.path.name}: a picture of {frame.image.dtype} {frame.image.shape} on stream {frame.stream.value} does "
                "not fit into an aedat4 file; give grey 8 or 16 bit or BGR pictures on the stream frames."
            )
        if frame.stream_us is None:
            raise Aedat4Error(f"{self.path.name}: a frame without a time was given; stamp it with event time first.")
        start = exposure_start_us(frame)
        self._check_order(Stream.FRAMES, np.array([start]))
        packet = pack_frame(frame.image, start, frame.exposure_us or 0)
        self._write_packet(Stream.FRAMES, (packet,), 1, start, start)

    def close(self) -> None:
        """Write the data table, then the header's pointer to it, and sync both to disk; a second call does nothing.

        Raises DiskFullError or OSError when the table could not be written: the file is closed all the same, and ends with
        its last whole packet, without a table, which every reader opens.
        """
        if self._closed:
            return
        self._closed = True
        try:
            self._finish()
        finally:
            self._file.close()
            self._rows.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _check_open(self, stream: Stream) -> None:
        if self._closed:
            raise Aedat4Error(f"{self.path.name}: this file is closed already; open a new one to record more.")
        if stream not in self._ids:
            raise Aedat4Error(f"{self.path.name}: it has no stream {stream.value}; name it when the file is made.")

    def _check_records(self, stream: Stream, records: Array) -> None:
        self._check_open(stream)
        if stream not in RECORD_DTYPES or records.dtype != RECORD_DTYPES[stream] or records.ndim != 1:
            raise Aedat4Error(
                f"{self.path.name}: a batch of {records.dtype} {records.shape} does not fit the stream {stream.value}; "
                "give a one-dimensional array of its record type."
            )

    def _checked_bits(self, stream: Stream, records: Array) -> int:
        bits = used_bits(records) if stream is Stream.EVENTS else 0
        if not polarity_is_legal(bits):
            raise Aedat4Error(f"{self.path.name}: a batch has polarities other than 0 and 1; correct its source.")
        return bits

    def _check_order(self, stream: Stream, t: Any) -> None:
        before = self._last_us.get(stream, int(t[0]))
        if t[0] < before:
            self._refuse_order(stream, before, int(t[0]))
        wrong = t[1:] < t[:-1]
        if wrong.any():
            at = int(np.argmax(wrong))
            self._refuse_order(stream, int(t[at]), int(t[at + 1]))

    def _refuse_order(self, stream: Stream, before: int, after: int) -> None:
        raise Aedat4Error(
            f"{self.path.name}: time runs backwards in the stream {stream.value}, from {before} us to {after} us; "
            "give the data in time order."
        )

    def _write_packet(self, stream: Stream, pieces: tuple[Any, ...], count: int, first: int, last: int) -> None:
        payload = self._compress(*pieces)
        size = sum(map(len, payload))
        number = self._ids[stream]
        offset = self._end + PACKET_HEADER.size
        self._append(b"".join((PACKET_HEADER.pack(number, size), *payload)))
        self._rows.write(_ROW.pack(offset, number, size, count, first, last))
        self.written[stream] += count
        self._last_us[stream] = last

    def _append(self, data: bytes) -> None:
        """One write() at the end of the file; on failure the file is cut back to what it was."""
        if self._torn:
            self._cut_back()
        self._torn = True
        try:
            write_all(self._file, data, self.path)
        except OSError:
            self._cut_back()
            raise
        self._torn = False
        self._end += len(data)

    def _cut_back(self) -> None:
        self._file.seek(self._end)
        self._file.truncate()
        self._torn = False

    def _finish(self) -> None:
        table = b"".join(self._compress(pack_table(self._index())))
        position = self._end
        self._append(table)
        try:
            patch_table_position(self._file, self._position_at, position, self.path)
        except OSError:
            self._end = position
            self._cut_back()
            raise
        self.has_table = True

    def _index(self) -> Index:
        self._rows.seek(0)
        return np.frombuffer(self._rows.read(), _ROW_DTYPE).astype(INDEX_DTYPE)


def write_all(file: BinaryIO, data: bytes, path: Path) -> None:
    """Write everything, in one call unless the system takes less; raises DiskFullError when there is no room, else OSError."""
    try:
        done = file.write(data) or 0
        while done < len(data):
            more = file.write(data[done:]) or 0
            if not more:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            done += more
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise DiskFullError(error.errno, "no room left on the disk; free some and record again", str(path)) from error
        raise


def patch_table_position(file: BinaryIO, at: int, position: int, path: Path) -> None:
    """Let the header point to the table: only after the table itself is safe on disk, so that it never points to nothing."""
    os.fsync(file.fileno())
    file.seek(at)
    write_all(file, struct.pack("<q", position), path)
    os.fsync(file.fileno())


def _known(path: Path, streams: Mapping[Stream, tuple[int, int] | None]) -> list[Stream]:
    if path.suffix != SUFFIX:
        raise Aedat4Error(f"{path.name}: the name of an aedat4 file must end in {SUFFIX}; correct it.")
    if unknown := [stream.value for stream in streams if stream not in KINDS]:
        raise Aedat4Error(f"{path.name}: an aedat4 file has no room for the stream {unknown[0]}; write it beside the file.")
    return [stream for stream in KINDS if stream in streams]


def _description(path: Path, metas: list[StreamMeta], compression: Compression, metadata: Mapping[str, str]) -> str:
    xml = to_xml(metas, compression.name, metadata)
    try:
        from_xml(xml)
    except FlatError as error:
        raise Aedat4Error(f"{path.name}: {error}; use plain text for source and metadata.") from error
    return xml


def create(path: Path, open_file: Callable[[Path], BinaryIO] = exclusive_open) -> BinaryIO:
    """A new file; raises Aedat4Error when it exists or cannot be made, DiskFullError when there is no room."""
    try:
        return open_file(path)
    except FileExistsError as error:
        raise Aedat4Error(
            f"{path}: this file exists already; recordings are never overwritten, choose another name."
        ) from error
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise DiskFullError(error.errno, "no room left on the disk; free some and record again", str(path)) from error
        raise Aedat4Error(
            f"{path}: the file cannot be made ({error.strerror}); check the folder and its permissions."
        ) from error


def _pack(stream: Stream, records: Array, bits: int) -> tuple[Any, ...]:
    if stream is Stream.EVENTS:
        return pack_events(records, bits)
    return (pack_imu(records) if stream is Stream.IMU else pack_triggers(records),)


def _parts(records: Array) -> Iterator[Array]:
    for start in range(0, len(records), EVENTS_PER_PACKET):
        yield records[start : start + EVENTS_PER_PACKET]
