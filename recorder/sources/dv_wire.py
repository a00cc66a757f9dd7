"""The network protocol of DV (what `dv_processing.io.NetworkWriter` serves): header and packets, bytes to arrays.

One connection carries one stream: a size-prefixed IOHE FlatBuffer (compression, XML description), then packets of
int32 stream id, int32 size and `size` bytes: a size-prefixed FlatBuffer, compressed as the header says. Knows no socket.
Nothing is trusted: whatever is not of this form raises WireError and nothing else.
"""

import html
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

import lz4.frame
import numpy as np
import zstandard

from protocol.errors import GlimpseError
from protocol.streams import EVENT_DTYPE, IMU_DTYPE, TRIGGER_DTYPE, Array, Frame, Packet, Stream
from recorder.sources.feed import in_pieces

STREAM_OF_TYPE = {"EVTS": Stream.EVENTS, "FRME": Stream.FRAMES, "IMUS": Stream.IMU, "TRIG": Stream.TRIGGERS}
PACKET_HEADER = struct.Struct("<ii")
MAX_HEADER_BYTES = 1 << 20
# dv puts 10 ms into a packet; 64 MiB are 4 million events, a third of a second of the busiest DAVIS346.
MAX_PACKET_BYTES = 64 << 20
# OpenCV's types of a frame's pixels (CV_8UC1, CV_16UC1, CV_8UC3, CV_8UC4): (dtype, channels).
FRAME_FORMATS = {0: ("u1", 1), 2: ("<u2", 1), 16: ("u1", 3), 24: ("u1", 4)}
# Field numbers in dv-processing's schema of a frame.
FRAME_TIME, FRAME_FORMAT, FRAME_WIDTH, FRAME_HEIGHT, FRAME_PIXELS, FRAME_EXPOSURE = 0, 5, 6, 7, 10, 11


class WireError(GlimpseError):
    """Bytes that are not DV's network protocol: half a sentence that says what is wrong with them."""


@dataclass(frozen=True)
class WireHeader:
    """What a server says of its one stream. resolution: (width, height), None for streams without pixels."""

    stream: Stream
    source: str
    resolution: tuple[int, int] | None
    compression: int


def header_size(start: bytes) -> int | None:
    """Bytes of the whole header, from its first ones; None while there are too few to know. Raises WireError."""
    if len(start) < 12:
        return None
    size = int.from_bytes(start[:4], "little")
    if start[8:12] != b"IOHE" or not 16 <= size <= MAX_HEADER_BYTES:
        raise WireError("what it sends is not the protocol of DV")
    return 4 + size


def parse_header(data: bytes) -> WireHeader:
    """The header from all its bytes; raises WireError."""
    table = _root(data, b"IOHE")
    xml = table.bytes(2).decode("utf-8", "replace")
    stream = STREAM_OF_TYPE.get(_attribute(xml, "typeIdentifier"))
    if stream is None:
        raise WireError(f"it serves a stream of type {_attribute(xml, 'typeIdentifier')!r}, which is not recorded")
    width, height = _attribute(xml, "sizeX"), _attribute(xml, "sizeY")
    resolution = (int(width), int(height)) if re.fullmatch(r"\d{1,5}x\d{1,5}", f"{width}x{height}") else None
    return WireHeader(stream, _attribute(xml, "source"), resolution, table.scalar(0, "<i"))


def _attribute(xml: str, key: str) -> str:
    """The value of `<attr key="..." type="...">value</attr>`; no XML parser, so no expansion bombs from the network."""
    match = re.search(rf'<attr key="{key}" type="[a-z]+">([^<]{{0,1000}})</attr>', xml)
    return html.unescape(match[1]) if match else ""


def parse_packet(header: WireHeader, payload: bytes, host_ns: int) -> list[Packet]:
    """The packets in one payload (large ones cut into pieces, an empty one gives none); raises WireError."""
    data = _unpacked(payload, header.compression)
    if header.stream is Stream.FRAMES:
        return [_frame(_root(data, b"FRME"), host_ns)]
    return list(in_pieces(header.stream, _DECODERS[header.stream](data), host_ns))


def _unpacked(payload: bytes, compression: int) -> bytes:
    """dv::CompressionType: 0 none, 1 and 2 LZ4, 3 and 4 ZSTD, one whole frame a packet."""
    try:
        match compression:
            case 0:
                return payload
            case 1 | 2:
                return bytes(lz4.frame.LZ4FrameDecompressor().decompress(payload, max_length=MAX_PACKET_BYTES))
            case 3 | 4 if zstandard.frame_content_size(payload) <= MAX_PACKET_BYTES:
                return zstandard.ZstdDecompressor().decompressobj().decompress(payload)
    except (RuntimeError, EOFError, zstandard.ZstdError) as error:
        raise WireError(f"a packet cannot be decompressed ({error})") from error
    raise WireError(f"a packet of compression {compression} cannot be read")


def _events(data: bytes) -> Array:
    start, count = _root(data, b"EVTS").vector(0, EVENT_DTYPE.itemsize)
    return np.frombuffer(data, EVENT_DTYPE, count, start) if count else np.empty(0, EVENT_DTYPE)


def _imu(data: bytes) -> Array:
    rows = []
    for sample in _root(data, b"IMUS").tables(0):
        values = [sample.scalar(number, "<f") for number in range(1, 11)]
        rows.append((sample.scalar(0, "<q"), values[0], tuple(values[1:4]), tuple(values[4:7]), tuple(values[7:10])))
    return np.array(rows, dtype=IMU_DTYPE)


def _triggers(data: bytes) -> Array:
    rows = [(trigger.scalar(0, "<q"), trigger.scalar(1, "<b")) for trigger in _root(data, b"TRIG").tables(0)]
    return np.array(rows, dtype=TRIGGER_DTYPE)


_DECODERS: dict[Stream, Callable[[bytes], Array]] = {
    Stream.EVENTS: _events,
    Stream.IMU: _imu,
    Stream.TRIGGERS: _triggers,
}


def _frame(table: "_Table", host_ns: int) -> Frame:
    """A frame; its time is the middle of the exposure, as `dv_adapter.frame_packet` explains."""
    number = table.scalar(FRAME_FORMAT, "<b")
    if number not in FRAME_FORMATS:
        raise WireError(f"a frame has the unknown pixel format {number}")
    dtype, channels = FRAME_FORMATS[number]
    width, height = table.scalar(FRAME_WIDTH, "<h"), table.scalar(FRAME_HEIGHT, "<h")
    shape = (height, width) if channels == 1 else (height, width, channels)
    pixels = np.frombuffer(table.bytes(FRAME_PIXELS), dtype)
    if min(shape) < 1 or pixels.size != height * width * channels:
        raise WireError(f"a frame of {width} x {height} has {pixels.size} pixel values")
    start_us, exposure_us = table.scalar(FRAME_TIME, "<q"), table.scalar(FRAME_EXPOSURE, "<q")
    known = exposure_us > 0
    middle_us = start_us + (exposure_us // 2 if known else 0)
    return Frame(Stream.FRAMES, pixels.reshape(shape), middle_us, exposure_us if known else None, host_ns)


def _root(data: bytes, identifier: bytes) -> "_Table":
    """The root table of a size-prefixed FlatBuffer of the given type."""
    if data[8:12] != identifier:
        raise WireError(f"a packet of type {identifier.decode()} was expected")
    return _Table(data, 4 + _read(data, "<I", 4))


def _read(data: bytes, form: str, at: int) -> int:
    if at < 0:
        raise WireError("a packet points outside itself")
    try:
        return struct.unpack_from(form, data, at)[0]  # type: ignore[no-any-return]  # the format says what it is
    except struct.error as error:
        raise WireError("a packet points outside itself") from error


class _Table:
    """A FlatBuffers table: https://flatbuffers.dev/internals (a vtable of field offsets, vectors behind offsets)."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at
        self._vtable = at - _read(data, "<i", at)
        self._fields = (_read(data, "<H", self._vtable) - 4) // 2

    def _position(self, field: int) -> int | None:
        offset = _read(self._data, "<H", self._vtable + 4 + 2 * field) if field < self._fields else 0
        return self._at + offset if offset else None

    def scalar(self, field: int, form: str) -> int:
        """A number by its struct format, 0 where the field was left out (a float for the float formats)."""
        position = self._position(field)
        return 0 if position is None else _read(self._data, form, position)

    def vector(self, field: int, item_bytes: int) -> tuple[int, int]:
        """(first byte, number of items) of a vector that lies inside the buffer; (0, 0) where it was left out."""
        position = self._position(field)
        if position is None:
            return 0, 0
        position += _read(self._data, "<I", position)
        count = _read(self._data, "<I", position)
        if position + 4 + count * item_bytes > len(self._data):
            raise WireError("a packet is shorter than it says")
        return position + 4, count

    def bytes(self, field: int) -> bytes:
        """A vector of bytes or a string."""
        start, count = self.vector(field, 1)
        return self._data[start : start + count]

    def tables(self, field: int) -> "list[_Table]":
        """A vector of tables."""
        start, count = self.vector(field, 4)
        places = range(start, start + 4 * count, 4)
        return [_Table(self._data, place + _read(self._data, "<I", place)) for place in places]
