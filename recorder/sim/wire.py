"""How packets and commands cross the pipes between the capture process and the simulated rig: a JSON head, then raw bytes.

One message: `HEAD` (length of the JSON text), the JSON object, then the records and pictures that it describes, in its order,
as they lie in memory. Knows no camera and no process; the two ends belong to one program and one machine.
"""

import contextlib
import json
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from protocol.streams import RECORD_DTYPES, Frame, Packet, Records, Stream

HEAD = struct.Struct("<I")
PIPE_BYTES = 1 << 20  # what Linux lets any user have (/proc/sys/fs/pipe-max-size); 64 KiB unasked
EXIT_UNPLUGGED = 75  # how the rig's process ends to play an unplugged camera


class Pipe(Protocol):
    """An unbuffered binary file, as `subprocess` and `os.fdopen(..., buffering=0)` give it."""

    def write(self, data: memoryview, /) -> int | None:
        """Write some of it; how much."""

    def readinto(self, data: memoryview, /) -> int | None:
        """Read some of it; 0 at the end."""

    def fileno(self) -> int:
        """The descriptor."""


@dataclass(frozen=True)
class Message:
    """kind: what it means; body: JSON values; packets: what travels with it."""

    kind: str
    body: dict[str, Any]
    packets: tuple[Packet, ...] = ()


def widen(pipe: Pipe) -> None:
    """Let the pipe hold a burst: 5 ms of 192 MB/s. Where the system will not, it stays as it is."""
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):  # beyond the user's allowance for pipes: only slower
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def send(pipe: Pipe, kind: str, body: dict[str, Any], packets: Sequence[Packet] = ()) -> None:
    """Write one message whole; blocks while the pipe is full. Raises OSError when nobody reads any more."""
    arrays = [_bytes_of(packet) for packet in packets]
    head = {"kind": kind, "body": body, "packets": [_described(packet) for packet in packets]}
    text = json.dumps(head, separators=(",", ":")).encode()
    _write(pipe, memoryview(HEAD.pack(len(text)) + text))
    for array in arrays:
        _write(pipe, array.data)


def _bytes_of(packet: Packet) -> NDArray[np.uint8]:
    if isinstance(packet, Records):
        return np.ascontiguousarray(packet.records, RECORD_DTYPES[packet.stream]).view(np.uint8)
    return np.ascontiguousarray(packet.image).reshape(-1).view(np.uint8)


def _described(packet: Packet) -> dict[str, Any]:
    head = {"stream": packet.stream.value, "host_ns": int(packet.host_ns)}
    if isinstance(packet, Records):
        return {**head, "count": len(packet.records)}
    times = {"stream_us": _whole(packet.stream_us), "exposure_us": _whole(packet.exposure_us)}
    return {**head, **times, "shape": packet.image.shape, "dtype": packet.image.dtype.str}


def _whole(value: int | None) -> int | None:
    return None if value is None else int(value)


def _write(pipe: Pipe, data: memoryview) -> None:
    while len(data):
        data = data[pipe.write(data) or 0 :]


def receive(pipe: Pipe) -> Message | None:
    """The next message; None at the end of the pipe, also where it ends in the middle of a message."""
    size = bytearray(HEAD.size)
    if not _fill(pipe, memoryview(size)):
        return None
    text = bytearray(HEAD.unpack(size)[0])
    if not _fill(pipe, memoryview(text)):
        return None
    head = json.loads(text)
    packets: list[Packet] = []
    for one in head["packets"]:
        packet = _empty(one)
        array = packet.records if isinstance(packet, Records) else packet.image
        if not _fill(pipe, array.reshape(-1).view(np.uint8).data):
            return None
        packets.append(packet)
    return Message(head["kind"], head["body"], tuple(packets))


def _empty(head: dict[str, Any]) -> Packet:
    stream = Stream(head["stream"])
    if "count" in head:
        return Records(stream, np.empty(head["count"], RECORD_DTYPES[stream]), head["host_ns"])
    image = np.empty(head["shape"], np.dtype(head["dtype"]))
    return Frame(stream, image, head["stream_us"], head["exposure_us"], head["host_ns"])


def _fill(pipe: Pipe, data: memoryview) -> bool:
    """Read until it is full; False where the pipe ends before."""
    while len(data):
        count = pipe.readinto(data)
        if not count:
            return False
        data = data[count:]
    return True


def size_of(packets: Sequence[Packet]) -> int:
    """Bytes of their records and pictures."""
    return sum(one.records.nbytes if isinstance(one, Records) else one.image.nbytes for one in packets)
