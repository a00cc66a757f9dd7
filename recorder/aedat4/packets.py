"""The four packet kinds of a DAVIS: events, frames, IMU samples and triggers, between NumPy and FlatBuffers.

Schemas: events, frame, imus and triggers of dv-processing 2.0. Packets written here are byte for byte those that DV writes.
Knows no file and no compression.
"""

from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
from numpy.typing import NDArray

from protocol.streams import EVENT_DTYPE, IMU_DTYPE, TRIGGER_DTYPE, Array, Frame, Stream
from recorder.aedat4.flat import Field, FlatError, number, pack_tables, root, scalar, slot_position, unpack_tables, vector

KINDS: dict[Stream, str] = {Stream.EVENTS: "EVTS", Stream.FRAMES: "FRME", Stream.IMU: "IMUS", Stream.TRIGGERS: "TRIG"}

# Everything of an event packet before the events but its two lengths: root offset, identifier, vtable, root table. The size
# counts what follows it, 28 bytes and the events.
_EVENT_PREFIX = bytes.fromhex("00000000 10000000 45565453 0000 060008000400 06000000 04000000 00000000")
_EVENT_HEAD = len(_EVENT_PREFIX)
_EVENT_USED_BITS = 0x000000FF_FFFFFFFF  # x, y and p of the second word; the rest is padding

_SLOT_IN_IMU = (
    ("accelerometer", 2),
    ("gyroscope", 5),
    ("magnetometer", 8),
)
_IMU_FIELDS = (Field(0, "i8"), *(Field(slot, "f4") for slot in range(1, 11)))
_TRIGGER_FIELDS = (Field(0, "i8"), Field(1, "i1"))

# slots of the Frame table
_T, _EXPOSURE_START, _EXPOSURE_END, _FORMAT, _WIDTH, _HEIGHT, _PIXELS, _EXPOSURE, _SOURCE = 0, 3, 4, 5, 6, 7, 10, 11, 12
_SENSOR = 1  # FrameSource.SENSOR
MAX_FRAME_SIDE = 32767
_FORMATS: dict[int, tuple[str, int]] = {0: ("u1", 1), 2: ("<u2", 1), 16: ("u1", 3), 24: ("u1", 4)}  # OpenCV's type numbers


def used_bits(events: Array) -> int:
    """All second words (x, y, polarity, padding) of contiguous EVENT_DTYPE [n] or-ed together: one pass tells two things."""
    return int(np.bitwise_or.reduce(events.view("<u8")[1::2])) if len(events) else 0


def polarity_is_legal(bits: int) -> bool:
    """Whether every polarity is 0 or 1; bits: of `used_bits`."""
    return (bits >> 32) & 0xFE == 0


def padding_is_clean(bits: int) -> bool:
    """Whether every padding byte is zero; bits: of `used_bits`."""
    return bits <= _EVENT_USED_BITS


def pack_events(events: Array, bits: int) -> tuple[bytes, NDArray[np.uint8]]:
    """The packet of contiguous EVENT_DTYPE [n] in two pieces: what stands before the events, and their bytes as they are.

    bits: of `used_bits`; rubbish in the padding never comes out.
    """
    head = bytearray(_EVENT_PREFIX)
    head[0:4] = (_EVENT_HEAD - 4 + 16 * len(events)).to_bytes(4, "little")
    head[28:32] = len(events).to_bytes(4, "little")
    if not padding_is_clean(bits):
        events = events.copy()
        events.view("<u8")[1::2] &= np.uint64(_EVENT_USED_BITS)
    return bytes(head), events.view(np.uint8)


def pack_imu(samples: Array) -> bytes:
    """samples: IMU_DTYPE [n], n >= 1."""
    columns = [samples["t"], samples["temperature"]]
    for name, _ in _SLOT_IN_IMU:
        columns += [samples[name][:, axis] for axis in range(3)]
    return pack_tables(b"IMUS", _IMU_FIELDS, columns)


def pack_triggers(triggers: Array) -> bytes:
    """triggers: TRIGGER_DTYPE [n], n >= 1."""
    return pack_tables(b"TRIG", _TRIGGER_FIELDS, [triggers["t"], triggers["kind"]])


def frame_format(image: NDArray[Any]) -> int | None:
    """OpenCV's type number of an image that a packet can hold, else None."""
    channels = 1 if image.ndim == 2 else image.shape[2] if image.ndim == 3 else 0
    for number_, (code, count) in _FORMATS.items():
        if image.dtype == np.dtype(code) and channels == count and min(image.shape) > 0 and max(image.shape) <= MAX_FRAME_SIDE:
            return number_
    return None


def pack_frame(image: NDArray[Any], start_us: int, exposure_us: int) -> bytes:
    """image: what `frame_format` knows; start_us: begin of the exposure."""
    builder = flatbuffers.Builder(image.nbytes + 256)
    pixels = builder.CreateNumpyVector(np.ascontiguousarray(image).reshape(-1).view(np.uint8))
    builder.StartObject(13)
    builder.PrependInt64Slot(_EXPOSURE, exposure_us, 0)
    builder.PrependInt64Slot(_EXPOSURE_END, start_us + exposure_us, 0)
    builder.PrependInt64Slot(_EXPOSURE_START, start_us, 0)
    builder.PrependInt64Slot(_T, start_us, 0)
    builder.PrependUOffsetTRelativeSlot(_PIXELS, pixels, 0)
    builder.PrependInt16Slot(_HEIGHT, image.shape[0], 0)
    builder.PrependInt16Slot(_WIDTH, image.shape[1], 0)
    builder.PrependInt8Slot(_SOURCE, _SENSOR, 0)
    builder.PrependInt8Slot(_FORMAT, frame_format(image) or 0, 0)
    builder.FinishSizePrefixed(builder.EndObject(), b"FRME")
    return bytes(builder.Output())


def exposure_start_us(frame: Frame) -> int:
    """When the exposure began, from its middle; unpacking gives exactly that middle again."""
    assert frame.stream_us is not None
    return frame.stream_us - (frame.exposure_us or 0) // 2


@dataclass(frozen=True)
class AedatFrame:
    """One frame of a file. image: [H, W] uint8 or uint16, or [H, W, 3 or 4] uint8 BGR(A), read-only.

    t_us: middle of the exposure where the file tells it, else the packet's own time stamp; exposure_us: None when not told.
    """

    t_us: int
    timestamp_us: int
    exposure_us: int | None
    image: NDArray[np.uint8] | NDArray[np.uint16]


def unpack_events(raw: bytes) -> Array:
    """EVENT_DTYPE [n], a read-only view; raises FlatError."""
    start, count = vector(raw, root(raw, b"EVTS"), 0, 16)
    return np.frombuffer(raw, EVENT_DTYPE, count, start)


def unpack_imu(raw: bytes) -> Array:
    """IMU_DTYPE [n]; raises FlatError."""
    columns = unpack_tables(raw, b"IMUS", _IMU_FIELDS)
    samples = np.zeros(len(columns[0]), IMU_DTYPE)
    samples["t"], samples["temperature"] = columns[0], columns[1]
    for name, slot in _SLOT_IN_IMU:
        samples[name] = np.stack(columns[slot : slot + 3], axis=1)
    return samples


def unpack_triggers(raw: bytes) -> Array:
    """TRIGGER_DTYPE [n]; raises FlatError."""
    t, kind = unpack_tables(raw, b"TRIG", _TRIGGER_FIELDS)
    triggers = np.zeros(len(t), TRIGGER_DTYPE)
    triggers["t"], triggers["kind"] = t, kind
    return triggers


def frame_times(raw: bytes) -> tuple[int, int, int | None]:
    """(t_us, timestamp_us, exposure_us) of a frame packet, see AedatFrame; raises FlatError."""
    table = root(raw, b"FRME")
    timestamp = scalar(raw, table, _T, "q")
    start, end = scalar(raw, table, _EXPOSURE_START, "q"), scalar(raw, table, _EXPOSURE_END, "q")
    if 0 < start < end:
        return start + (end - start) // 2, timestamp, end - start
    return timestamp, timestamp, None


def unpack_frame(raw: bytes) -> AedatFrame:
    """One frame; raises FlatError."""
    table = root(raw, b"FRME")
    code, channels = _FORMATS.get(_format(raw, table), ("", 0))
    if not channels:
        raise FlatError(f"frame format {_format(raw, table)} is unknown")
    width, height = scalar(raw, table, _WIDTH, "h"), scalar(raw, table, _HEIGHT, "h")
    start, length = vector(raw, table, _PIXELS, 1)
    if min(width, height) <= 0 or width * height * channels * np.dtype(code).itemsize != length:
        raise FlatError(f"a frame of {width} x {height} pixels cannot have {length} bytes")
    image = np.frombuffer(raw, np.uint8, length, start).view(code)
    return AedatFrame(*frame_times(raw), image=image.reshape((height, width) if channels == 1 else (height, width, channels)))


def _format(raw: bytes, table: int) -> int:
    at = slot_position(raw, table, _FORMAT)
    return 0 if at is None else int(number(raw, "b", at))
