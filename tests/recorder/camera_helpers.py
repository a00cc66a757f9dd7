"""Surroundings and reading loops that the camera tests share."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from protocol.streams import Frame, Packet, Records, Stream
from recorder.sources.base import Camera, CameraEnded, Surroundings

PATIENCE_S = 20.0


@dataclass
class TestPace:
    """A pace that a test moves by hand."""

    __test__ = False
    follows_events: bool = True
    now_us: int = 0

    def elapsed_us(self) -> int:
        return self.now_us


def surroundings(pace: TestPace | None = None) -> Surroundings:
    """What an engine would hand to a camera."""
    return Surroundings(pace or TestPace(), lambda: None, time.monotonic_ns, time.sleep)


def read_to_end(camera: Camera) -> tuple[list[Packet], CameraEnded]:
    """Every packet until the camera ends."""
    packets: list[Packet] = []
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            packets += read_without_blocking(camera)
        except CameraEnded as end:
            return packets, end
        time.sleep(0.001)
    raise AssertionError("the camera did not end")


def read_until(camera: Camera, enough: Callable[[list[Packet]], bool]) -> list[Packet]:
    """Packets until there are enough of them."""
    packets: list[Packet] = []
    deadline = time.monotonic() + PATIENCE_S
    while not enough(packets):
        assert time.monotonic() < deadline, "the camera did not give enough"
        packets += read_without_blocking(camera)
        time.sleep(0.001)
    return packets


def read_without_blocking(camera: Camera) -> list[Packet]:
    """One read; fails when it does not come back."""
    answer: list[Packet] = []
    problem: list[Exception] = []

    def read() -> None:
        try:
            answer.extend(camera.read())
        except CameraEnded as end:
            problem.append(end)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    assert not thread.is_alive(), "read() did not come back"
    if problem:
        raise problem[0]
    return answer


def times(packets: list[Packet], stream: Stream) -> np.ndarray:
    """Every time of a stream in the order in which it came."""
    parts = [np.atleast_1d(_times(packet)) for packet in packets if packet.stream is stream]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def _times(packet: Packet) -> np.ndarray:
    return packet.records["t"] if isinstance(packet, Records) else np.int64(packet.stream_us)


def events(packets: list[Packet]) -> np.ndarray:
    """All events as one array of EVENT_DTYPE."""
    return np.concatenate([packet.records for packet in packets if packet.stream is Stream.EVENTS])


def frames(packets: list[Packet]) -> list[Frame]:
    """All frames."""
    return [packet for packet in packets if isinstance(packet, Frame)]
