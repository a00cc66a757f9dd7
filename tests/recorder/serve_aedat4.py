"""A DV network server in a process of its own: serves a recording's streams with dv-processing's NetworkWriter.

`AedatServer` starts this file as a program for a test and ends it, whatever became of it. The program waits for a client
on every stream, writes every packet, and then ends as NetworkWriter needs it: queue empty, a moment to send, `os._exit`.
"""

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

MAX_LIFE_S = 60


class AedatServer:
    """The program as a context manager. `addresses` is what follows `network:` for it."""

    def __init__(self, file: Path, streams: dict[str, str], *options: str) -> None:
        """`streams`: "events", "frames", "imu", "triggers" to a port or the path of a UNIX socket."""
        self.file, self.streams, self.options = file, streams, options

    @property
    def address(self) -> str:
        """The events' address and the other streams' ports, as a specification has them."""
        first = self.streams["events"]
        others = [f"{name}={port}" for name, port in self.streams.items() if name != "events"]
        return ",".join([first if first.startswith("/") else f"127.0.0.1:{first}", *others])

    def __enter__(self) -> Self:
        streams = [f"--{name}={place}" for name, place in self.streams.items()]
        command = [sys.executable, __file__, str(self.file), *streams, *self.options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        self.wait_for("listening")
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def wait_for(self, word: str) -> None:
        """Until the program has printed this word."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        assert line == word, f"the server said {line!r} instead of {word!r}"

    def signal(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        """SIGKILL, which a stopped process obeys too."""
        self.process.kill()
        self.process.wait(10)


def free_port() -> str:
    """A port on 127.0.0.1 that nobody listened on a moment ago."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def free_ports(*names: str) -> dict[str, str]:
    """One free port for each stream name."""
    return {name: free_port() for name in names}


def main() -> None:
    """Serve, as the module says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    for name in ("events", "frames", "imu", "triggers"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--compression", default="NONE")
    parser.add_argument("--pause-s", type=float, default=0.0, help="between two event packets")
    parser.add_argument("--hold", action="store_true", help="keep the connections open after the last packet")
    arguments = parser.parse_args()
    signal.alarm(MAX_LIFE_S)
    writers = _writers(arguments)
    print("listening", flush=True)
    while not all(writer.getClientCount() for writer, _ in writers.values()):
        time.sleep(0.005)
    for name, (_, write) in writers.items():
        while write():
            time.sleep(arguments.pause_s if name == "events" else 0)
    while any(writer.getQueuedPacketCount() for writer, _ in writers.values()):
        time.sleep(0.005)
    time.sleep(0.5)
    print("written", flush=True)
    while arguments.hold:
        time.sleep(1)
    os._exit(0)


def _writers(arguments: argparse.Namespace) -> dict[str, tuple[Any, Callable[[], bool]]]:
    import dv_processing as dv

    reader = dv.io.MonoCameraRecording(arguments.file)
    name, size = reader.getCameraName(), (346, 260)
    kinds = {
        "frames": (dv.io.Stream.FrameStream(0, "frames", name, size), reader.getNextFrame, "writeFrame"),
        "imu": (dv.io.Stream.IMUStream(0, "imu", name), reader.getNextImuBatch, "writeImu"),
        "triggers": (dv.io.Stream.TriggerStream(0, "triggers", name), reader.getNextTriggerBatch, "writeTriggers"),
        "events": (dv.io.Stream.EventStream(0, "events", name, size), reader.getNextEventBatch, "writeEvents"),
    }
    writers: dict[str, tuple[Any, Callable[[], bool]]] = {}
    for kind, (stream, get, method) in kinds.items():
        place = getattr(arguments, kind)
        if place is None:
            continue
        stream.setCompression(getattr(dv.CompressionType, arguments.compression))
        where = (place,) if place.startswith("/") else ("127.0.0.1", int(place))
        writer = dv.io.NetworkWriter(*where, stream)
        writers[kind] = (writer, _one_packet(get, getattr(writer, method)))
    return writers


def _one_packet(get: Callable[[], Any], put: Callable[[Any], None]) -> Callable[[], bool]:
    def write() -> bool:
        packet = get()
        if packet is not None:
            put(packet)
        return packet is not None

    return write


if __name__ == "__main__":
    main()
