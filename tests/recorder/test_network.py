"""Cameras over the network, against a real server in a process of its own."""

import os
import signal
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import dv_processing as dv
import numpy as np
import pytest
from camera_helpers import events, frames, read_to_end, read_until, read_without_blocking, surroundings, times
from hypothesis import given
from hypothesis import strategies as st
from make_aedat4 import EXPOSURE_US, make_aedat4
from serve_aedat4 import AedatServer, free_port, free_ports

from protocol.streams import Stream
from recorder.aedat4.layout import Compression
from recorder.sources.base import CameraEnded, CameraError, EndReason
from recorder.sources.dv_wire import WireError, WireHeader, header_size, parse_header, parse_packet
from recorder.sources.network import NetworkCamera, endpoints
from recorder.sources.spec import parse_camera


class Cameras:
    """Makes network cameras and closes them when the test is over."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack

    def __call__(self, address: str) -> NetworkCamera:
        spec = parse_camera(f"network:{address}")
        camera = NetworkCamera(endpoints(spec.target, spec.options), surroundings())
        self.stack.callback(camera.close)
        return camera

    def of(self, server: AedatServer) -> NetworkCamera:
        camera = self(server.address)
        camera.open()
        return camera

    def serve(self, file: Path, streams: dict[str, str], *options: str) -> AedatServer:
        return self.stack.enter_context(AedatServer(file, streams, *options))

    def listener(self) -> tuple[socket.socket, str]:
        listener = self.stack.enter_context(closing(socket.create_server(("127.0.0.1", 0))))
        return listener, f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def cameras() -> Iterator[Cameras]:
    with ExitStack() as stack:
        yield Cameras(stack)


@pytest.mark.parametrize("name", ["davis346_lab_lamps.aedat4", "davis346_road_bad_timerange.aedat4"])
def test_every_event_of_a_real_recording_arrives(cameras: Cameras, test_data: Path, name: str) -> None:
    path = test_data / "aedat4" / name
    packets, end = read_to_end(cameras.of(cameras.serve(path, free_ports("events", "frames", "imu", "triggers"))))
    reader, parts = dv.io.MonoCameraRecording(str(path)), []
    while (batch := reader.getNextEventBatch()) is not None:
        parts.append(batch.numpy())
    expected, got = np.concatenate(parts), events(packets)
    for ours, theirs in (("t", "timestamp"), ("x", "x"), ("y", "y"), ("p", "polarity")):
        assert (got[ours] == expected[theirs]).all()
    assert end.reason is EndReason.LOST


@pytest.mark.parametrize("compression", ["NONE", "LZ4", "LZ4_HIGH", "ZSTD", "ZSTD_HIGH"])
def test_every_compression_of_the_server_is_understood(cameras: Cameras, tmp_path: Path, compression: str) -> None:
    made = make_aedat4(tmp_path / "a.aedat4")
    server = cameras.serve(made.path, free_ports("events", "frames", "imu", "triggers"), "--compression", compression)
    packets, _ = read_to_end(cameras.of(server))
    assert times(packets, Stream.EVENTS).tolist() == made.events.tolist()
    assert times(packets, Stream.IMU).tolist() == made.imu.tolist()
    assert times(packets, Stream.TRIGGERS).tolist() == made.triggers.tolist()
    assert times(packets, Stream.FRAMES).tolist() == (made.frames + EXPOSURE_US // 2).tolist()
    assert [int(frame.image[5, 5]) for frame in frames(packets)] == list(range(len(made.frames)))


def test_a_killed_server_costs_nothing_of_what_it_sent(cameras: Cameras, tmp_path: Path) -> None:
    made = make_aedat4(tmp_path / "a.aedat4")
    server = cameras.serve(made.path, free_ports("events", "imu"), "--hold")
    camera = cameras.of(server)
    server.wait_for("written")
    server.kill()
    packets, end = read_to_end(camera)
    assert times(packets, Stream.EVENTS).tolist() == made.events.tolist()
    assert times(packets, Stream.IMU).tolist() == made.imu.tolist()
    assert end.reason is EndReason.LOST
    assert "closed the connection" in end.message


def test_a_server_killed_in_mid_stream_leaves_whole_packets_up_to_then(cameras: Cameras, tmp_path: Path) -> None:
    made = make_aedat4(tmp_path / "a.aedat4", duration_us=500_000, others=False)
    server = cameras.serve(made.path, free_ports("events"), "--pause-s", "0.05")
    camera = cameras.of(server)
    packets = read_until(camera, lambda packets: len(packets) >= 3)
    server.kill()
    rest, end = read_to_end(camera)
    got = times(packets + rest, Stream.EVENTS)
    assert got.tolist() == made.events[: len(got)].tolist()
    assert len(got) < len(made.events)
    assert end.reason is EndReason.LOST


def test_a_stopped_server_gives_nothing_and_goes_on_when_it_is_continued(cameras: Cameras, tmp_path: Path) -> None:
    made = make_aedat4(tmp_path / "a.aedat4", duration_us=300_000, others=False)
    server = cameras.serve(made.path, free_ports("events"), "--pause-s", "0.02")
    camera = cameras.of(server)
    packets = read_until(camera, lambda packets: len(packets) >= 2)
    server.signal(signal.SIGSTOP)
    os.waitid(os.P_PID, server.process.pid, os.WSTOPPED | os.WNOWAIT)
    while more := read_without_blocking(camera):
        packets += more
    assert [read_without_blocking(camera) for _ in range(5)] == [[]] * 5
    server.signal(signal.SIGCONT)
    rest, _ = read_to_end(camera)
    assert times(packets + rest, Stream.EVENTS).tolist() == made.events.tolist()


def test_a_camera_of_a_stopped_server_can_be_closed(cameras: Cameras, tmp_path: Path) -> None:
    made = make_aedat4(tmp_path / "a.aedat4", others=False)
    server = cameras.serve(made.path, free_ports("events"), "--hold")
    camera = cameras.of(server)
    server.signal(signal.SIGSTOP)
    camera.close()
    with pytest.raises(CameraEnded, match="was closed"):
        camera.read()


def test_after_a_restart_of_the_server_a_new_camera_opens(cameras: Cameras, tmp_path: Path) -> None:
    made, ports = make_aedat4(tmp_path / "a.aedat4", others=False), free_ports("events")
    with AedatServer(made.path, ports, "--hold") as server:
        lost = cameras.of(server)
    _, end = read_to_end(lost)
    assert end.reason is EndReason.LOST
    packets, _ = read_to_end(cameras.of(cameras.serve(made.path, ports)))
    assert times(packets, Stream.EVENTS).tolist() == made.events.tolist()


def test_a_host_name_is_resolved(cameras: Cameras, tmp_path: Path) -> None:
    made = make_aedat4(tmp_path / "a.aedat4", others=False)
    server = cameras.serve(made.path, free_ports("events"))
    camera = cameras("localhost:" + server.streams["events"])
    assert camera.open().name == "DAVIS346_00000007"


def test_a_port_of_another_stream_is_named(cameras: Cameras, tmp_path: Path) -> None:
    made = make_aedat4(tmp_path / "a.aedat4")
    server = cameras.serve(made.path, free_ports("events", "imu"))
    with pytest.raises(CameraError, match="serves imu, not events"):
        cameras("127.0.0.1:" + server.streams["imu"]).open()


def test_a_failed_second_stream_closes_the_first(cameras: Cameras, tmp_path: Path) -> None:
    made = make_aedat4(tmp_path / "a.aedat4", others=False)
    server = cameras.serve(made.path, free_ports("events"), "--hold")
    camera = cameras(f"{server.address},frames={free_port()}")
    with pytest.raises(CameraError, match="no program serves"):
        camera.open()
    assert camera._connections == {}


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("no-such-host.invalid:7777", "name is not known"),
        (f"{'x' * 70}.invalid:7777", "name is not known"),
        ("/no/such/socket", "no program serves"),
    ],
)
def test_a_place_that_cannot_be_reached_is_one_sentence(cameras: Cameras, address: str, problem: str) -> None:
    with pytest.raises(CameraError, match=problem) as error:
        cameras(address).open()
    assert "\n" not in str(error.value)


def test_a_refused_port_is_one_sentence(cameras: Cameras) -> None:
    port = free_port()
    with pytest.raises(CameraError, match=f"127.0.0.1:{port}: no program serves a camera there"):
        cameras(f"127.0.0.1:{port}").open()


@pytest.mark.parametrize(
    ("says", "problem"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "no DV network stream"),
        (b"\xff" * 4000, "no DV network stream"),
        (struct.pack("<II4s", 200, 24, b"IOHE") + bytes(192), "no DV network stream"),
        (b"", "closed the connection at once"),
    ],
)
def test_a_server_that_speaks_something_else_is_one_sentence(cameras: Cameras, says: bytes, problem: str) -> None:
    listener, address = cameras.listener()
    thread = threading.Thread(target=_answer, args=(listener, says))
    thread.start()
    with pytest.raises(CameraError, match=problem) as error:
        cameras(address).open()
    assert "\n" not in str(error.value)
    thread.join()


def test_a_server_that_says_nothing_is_given_up(cameras: Cameras) -> None:
    _, address = cameras.listener()
    with pytest.raises(CameraError, match="says nothing"):
        cameras(address).open()


def test_nonsense_in_mid_stream_ends_the_camera_after_what_was_good(cameras: Cameras, tmp_path: Path) -> None:
    made = make_aedat4(tmp_path / "a.aedat4", others=False)
    recorded = _recorded(cameras, made.path)
    listener, address = cameras.listener()
    thread = threading.Thread(target=_answer, args=(listener, recorded + struct.pack("<ii", 0, -5)))
    thread.start()
    camera = cameras(address)
    camera.open()
    packets, end = read_to_end(camera)
    thread.join()
    assert times(packets, Stream.EVENTS).tolist() == made.events.tolist()
    assert end.reason is EndReason.LOST
    assert "unreadable" in end.message


def test_a_stream_that_drips_byte_by_byte_arrives_whole(cameras: Cameras, tmp_path: Path) -> None:
    made = make_aedat4(tmp_path / "a.aedat4", duration_us=10_000, others=False)
    recorded = _recorded(cameras, made.path)
    listener, address = cameras.listener()
    thread = threading.Thread(target=_answer, args=(listener, recorded, 1))
    thread.start()
    camera = cameras(address)
    camera.open()
    packets, _ = read_to_end(camera)
    thread.join()
    assert times(packets, Stream.EVENTS).tolist() == made.events.tolist()


@given(st.binary(max_size=200), st.sampled_from(Compression), st.sampled_from(["events", "imu", "triggers", "frames"]))
def test_no_bytes_do_more_than_raise_a_wire_error(payload: bytes, compression: Compression, stream: str) -> None:
    with pytest.raises(WireError):
        parse_packet(WireHeader(Stream(stream), "X", (346, 260), compression), payload, 0)


@given(st.binary(max_size=300))
def test_no_header_does_more_than_raise_a_wire_error(data: bytes) -> None:
    with pytest.raises(WireError):
        parse_header(data)


@given(st.binary(min_size=12, max_size=12).filter(lambda start: start[8:] != b"IOHE"))
def test_what_does_not_begin_like_dv_is_refused_by_its_first_bytes(start: bytes) -> None:
    with pytest.raises(WireError):
        header_size(start)


def _answer(listener: socket.socket, says: bytes, step: int = 1 << 20) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(says), step):
            connection.sendall(says[at : at + step])


def _recorded(cameras: Cameras, file: Path) -> bytes:
    """All bytes that a real server sends for the events of a recording."""
    server = cameras.serve(file, free_ports("events"))
    data = bytearray()
    with socket.create_connection(("127.0.0.1", int(server.streams["events"])), timeout=20) as connection:
        while chunk := connection.recv(1 << 16):
            data += chunk
    return bytes(data)
