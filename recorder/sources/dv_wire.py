"""The network protocol of DV (what `dv_processing.io.NetworkWriter` serves): header and packets, bytes to arrays.

A connection carries one stream: the header of an aedat4 file without its magic, then the same packets as in a file (int32
stream id, int32 size, a FlatBuffer compressed as the header says). Knows no socket. Nothing is trusted: whatever is not of
this form raises WireError and nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass

from protocol.errors import GlimpseError
from protocol.streams import Array, Frame, Packet, Stream
from recorder.aedat4.flat import FlatError
from recorder.aedat4.layout import MAGIC, Compression, decompress, unpack_header
from recorder.aedat4.packets import KINDS, unpack_events, unpack_frame, unpack_imu, unpack_triggers
from recorder.aedat4.streaminfo import from_xml
from recorder.sources.feed import in_pieces

MAX_HEADER_BYTES = 1 << 20
# dv puts 10 ms into a packet; 64 MiB are 4 million events, a third of a second of the busiest DAVIS346.
MAX_PACKET_BYTES = 64 << 20

_UNPACK: dict[Stream, Callable[[bytes], Array]] = {
    Stream.EVENTS: unpack_events,
    Stream.IMU: unpack_imu,
    Stream.TRIGGERS: unpack_triggers,
}


class WireError(GlimpseError):
    """Bytes that are not DV's network protocol: half a sentence that says what is wrong with them."""


@dataclass(frozen=True)
class WireHeader:
    """What a server says of its one stream. resolution: (width, height), None for streams without pixels."""

    stream: Stream
    source: str
    resolution: tuple[int, int] | None
    compression: Compression


def header_size(start: bytes) -> int | None:
    """Bytes of the whole header, from its first 12; None while there are fewer. Raises WireError."""
    if len(start) < 12:
        return None
    size = int.from_bytes(start[:4], "little")
    if start[8:12] != b"IOHE" or not 16 <= size <= MAX_HEADER_BYTES:
        raise WireError("what it sends is not the protocol of DV")
    return 4 + size


def parse_header(data: bytes) -> WireHeader:
    """The header from all its bytes; raises WireError."""
    try:
        header = unpack_header(MAGIC + data)
        streams = from_xml(header.xml)
    except FlatError as error:
        raise WireError(f"its description is damaged: {error}") from error
    for meta in streams:
        for stream, kind in KINDS.items():
            if meta.kind == kind:
                return WireHeader(stream, meta.source, meta.resolution, header.compression)
    raise WireError(f"it serves {', '.join(repr(meta.kind) for meta in streams) or 'nothing'}, which is not recorded")


def parse_packet(header: WireHeader, payload: bytes, host_ns: int) -> list[Packet]:
    """The packets in one payload (large ones cut into pieces, an empty one gives none); raises WireError."""
    try:
        data = decompress(payload, header.compression, MAX_PACKET_BYTES)
        if header.stream is Stream.FRAMES:
            frame = unpack_frame(data)
            return [Frame(Stream.FRAMES, frame.image, frame.t_us, frame.exposure_us, host_ns)]
        return list(in_pieces(header.stream, _UNPACK[header.stream](data), host_ns))
    except FlatError as error:
        raise WireError(f"a packet is damaged: {error}") from error
