"""What an aedat4 file is made of outside its packets: magic, header, compression, data table.

Format: https://docs.inivation.com/software/software-advanced-usage/file-formats/aedat-4.0.html, checked byte by byte against
files of dv-processing 2.0. Knows bytes, no files.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import flatbuffers
import lz4.frame
import numpy as np
import zstandard
from numpy.typing import NDArray

from recorder.aedat4.flat import (
    Field,
    FlatError,
    empty_table,
    number,
    pack_tables,
    root,
    scalar,
    slot_position,
    unpack_tables,
    vector,
)

MAGIC = b"#!AER-DAT4.0\r\n"
PACKET_HEADER = struct.Struct("<ii")  # stream id, payload bytes
NO_TABLE = -1
MAX_HEADER_BYTES = 16 << 20
MAX_PACKET_BYTES = 256 << 20  # decompressed; a 4K colour frame takes 25 MB
MAX_TABLE_BYTES = 256 << 20  # decompressed; five million packets


class Compression(IntEnum):
    """How every packet of a file is compressed; the names are those of the XML header."""

    NONE = 0
    LZ4 = 1
    LZ4_HIGH = 2
    ZSTD = 3
    ZSTD_HIGH = 4


_LZ4_LEVELS = {Compression.LZ4: 0, Compression.LZ4_HIGH: 9}  # lz4frame: 0 fast, 9 the default of the high mode
_ZSTD_LEVELS = {Compression.ZSTD: 3, Compression.ZSTD_HIGH: 19}
_LZ4_MAX_RATIO = 255  # the format's own limit
_LZ4_CONTENT_SIZE_FLAG = 0x08
_ZSTD_UNKNOWN_SIZE = 2**64 - 1


class Compressor:
    """Compresses packets into what DV reads: LZ4 frames of independent 64 KiB blocks without checksums, or ZSTD frames.

    DV's first versions wrote independent blocks, today's write linked ones; on camera events the independent are both faster
    and smaller (benchmarks/aedat4_writer.py). The context is kept between packets.
    """

    def __init__(self, compression: Compression) -> None:
        lz4_level, zstd_level = _LZ4_LEVELS.get(compression), _ZSTD_LEVELS.get(compression)
        self._zstd = None if zstd_level is None else zstandard.ZstdCompressor(level=zstd_level)
        self._lz4 = None
        if lz4_level is not None:
            self._lz4 = lz4.frame.LZ4FrameCompressor(
                block_size=lz4.frame.BLOCKSIZE_MAX64KB, block_linked=False, compression_level=lz4_level, auto_flush=True
            )

    def __call__(self, *pieces: Any) -> tuple[bytes, ...]:
        """The pieces of the compressed packet. pieces: bytes or contiguous uint8 arrays; the GIL is released meanwhile."""
        if self._lz4 is not None:
            # Each piece ends an LZ4 block, which spares joining them first.
            return self._lz4.begin(), *map(self._lz4.compress, pieces), self._lz4.flush()
        raw = b"".join(pieces)
        return (raw if self._zstd is None else self._zstd.compress(raw),)


def decompress(payload: bytes, compression: Compression, limit: int = MAX_PACKET_BYTES) -> bytes:
    """The FlatBuffer inside a packet, never more than `limit` bytes; raises FlatError for anything else."""
    if compression is Compression.NONE:
        return payload
    try:
        if compression in _LZ4_LEVELS:
            return _unlz4(payload, limit)
        return _unzstd(payload, limit)
    except (RuntimeError, ValueError, EOFError, MemoryError, zstandard.ZstdError) as error:
        raise FlatError(f"the compressed data are damaged ({str(error).strip() or type(error).__name__})") from error


def _unlz4(payload: bytes, limit: int) -> bytes:
    room = min(limit, _LZ4_MAX_RATIO * len(payload) + 64)
    decoder = lz4.frame.LZ4FrameDecompressor()
    raw: bytes = decoder.decompress(payload, max_length=room)
    if not decoder.eof:
        raise FlatError("the compressed data end too early or are longer than any packet is")
    return raw


def _unzstd(payload: bytes, limit: int) -> bytes:
    size = zstandard.get_frame_parameters(payload).content_size
    if size != _ZSTD_UNKNOWN_SIZE and size > limit:
        raise FlatError("the compressed data are longer than any packet is")
    with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(payload) as stream:
        head = stream.read(4)
        body = struct.unpack("<I", head)[0] if len(head) == 4 else 0
        if body > limit:
            raise FlatError("the packet says that it is longer than any packet is")
        return head + stream.read(body)


@dataclass(frozen=True)
class Header:
    """The IOHeader. end: file position of the first packet; position_at: file position of the table-position number."""

    compression: Compression
    table_position: int
    xml: str
    end: int
    position_at: int


def pack_header(compression: Compression, xml: str) -> bytes:
    """Magic and size-prefixed IOHeader of a file that has no data table yet."""
    builder = flatbuffers.Builder(len(xml) + 128)
    builder.ForceDefaults(True)
    info = builder.CreateString(xml)
    builder.StartObject(3)
    builder.PrependInt64Slot(1, NO_TABLE, NO_TABLE)
    builder.PrependUOffsetTRelativeSlot(2, info, 0)
    builder.PrependInt32Slot(0, int(compression), 0)
    builder.FinishSizePrefixed(builder.EndObject(), b"IOHE")
    return MAGIC + bytes(builder.Output())


def unpack_header(head: bytes) -> Header:
    """head: the file from its beginning to the end of the IOHeader; raises FlatError."""
    raw = head[len(MAGIC) :]
    table = root(raw, b"IOHE")
    compression = scalar(raw, table, 0, "i")
    if compression not in set(Compression):
        raise FlatError(f"compression {compression} is unknown")
    at = slot_position(raw, table, 1)
    start, length = vector(raw, table, 2, 1)
    return Header(
        Compression(compression),
        scalar(raw, table, 1, "q", NO_TABLE),
        raw[start : start + length].decode("utf-8", "replace"),
        len(MAGIC) + 4 + int(number(raw, "I", 0)),
        0 if at is None else len(MAGIC) + at,
    )


# one row per packet; offset: file position of the payload (not of the 8 bytes before it); times inclusive
INDEX_DTYPE = np.dtype(
    [("offset", "<i8"), ("stream", "<i4"), ("size", "<i4"), ("count", "<i8"), ("first", "<i8"), ("last", "<i8")]
)
_TABLE_FIELDS = (Field(0, "i8"), Field(1, "i4", 2), Field(2, "i8"), Field(3, "i8"), Field(4, "i8"))
_STRUCTS = 0b00010  # the pair is a FlatBuffers struct, which is never left out
Index = NDArray[np.void]


def pack_table(index: Index) -> bytes:
    """The data table (FTAB) as a FlatBuffer. index: INDEX_DTYPE [packets]."""
    if not len(index):
        return empty_table(b"FTAB")
    pair = np.stack([index["stream"], index["size"]], axis=1)
    return pack_tables(b"FTAB", _TABLE_FIELDS, [index["offset"], pair, index["count"], index["first"], index["last"]], _STRUCTS)


def unpack_table(raw: bytes) -> Index:
    """The data table as INDEX_DTYPE [packets]; raises FlatError."""
    offset, pair, count, first, last = unpack_tables(raw, b"FTAB", _TABLE_FIELDS)
    index = np.zeros(len(offset), INDEX_DTYPE)
    index["offset"], index["stream"], index["size"] = offset, pair[:, 0], pair[:, 1]
    index["count"], index["first"], index["last"] = count, first, last
    return index
