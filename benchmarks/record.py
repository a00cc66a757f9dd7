"""Recording: rate without loss, a frozen reader, latency to the ring, memory over time; ours beside dv-processing's in one run.

    python benchmarks/record.py [--mev 48] [--repeats 5] [--minutes 10] [--only rate|frozen|latency|memory]

Every number comes from a real capture process and real files. Ratios are what counts: machines are noisy.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import dv_processing as dv
import numpy as np
import psutil

import recorder.engine
from protocol.script import Script, parse_script
from protocol.streams import EVENT_DTYPE, Array, Packet, Records, Stream
from recorder.aedat4.reader import Aedat4File
from recorder.aedat4.writer import Aedat4Writer
from recorder.capture import main as capture_main
from recorder.messages import Record, RigSpec, Status, Stop, TakeDone, TakeRequest
from recorder.ring import RingReader
from recorder.settings import RecorderSettings
from recorder.sources.base import CameraEnded, CameraInfo, EndReason, StreamInfo, Surroundings
from recorder.sources.registry import default_registry
from recorder.sources.spec import CameraSpec
from recorder.station import Station

SIZE = (346, 260)
FULL_BATCH = 40_000  # what a DAVIS346 gives in 3 ms at full rate; dv hands its batches over every 10 ms by default
BATCH = 10_000  # what it gives in 5 ms with a moving face
PEAK_MEV_S = 12.0  # the DAVIS346's own limit
BUSY_MEV_S = 2.0  # a face that moves, with noise
GUI_HZ = 60
POLL_S = 0.0001
PEER_BATCHES = 1_000


class BurstCamera:
    """Gives the events of a file batch by batch from memory: as fast as they are taken, or each batch when it is due."""

    def __init__(self, path: Path, around: Surroundings) -> None:
        self._path, self._around = path, around
        self._batches: Iterator[Array] = iter(())
        self._next: Array | None = None
        self._first_s: float | None = None

    def open(self) -> CameraInfo:
        """Load the file."""
        with Aedat4File(self._path) as file:
            events = file.records(Stream.EVENTS)
        size = FULL_BATCH if self._around.pace.follows_events else BATCH
        self._batches = iter([events[at : at + size] for at in range(0, len(events), size)])
        self._start_us = int(events["t"][0])
        self._next = next(self._batches)
        return CameraInfo("burst", "Burst", (StreamInfo(Stream.EVENTS, SIZE),), truth=lambda *_: {"first_s": self._first_s})

    def read(self) -> Sequence[Packet]:
        """The next batch."""
        self._first_s = self._first_s or time.monotonic()
        batch = self._next
        if batch is None:
            raise CameraEnded(EndReason.FINISHED, "the burst is over")
        pace = self._around.pace
        if not pace.follows_events and int(batch["t"][-1]) - self._start_us > pace.elapsed_us():
            return []
        self._next = next(self._batches, None)
        return [Records(Stream.EVENTS, batch, self._around.monotonic_ns())]

    def close(self) -> None:
        """Nothing to release."""


def _burst(spec: CameraSpec, around: Surroundings) -> BurstCamera:
    return BurstCamera(Path(spec.target), around)


def _capture() -> None:
    recorder.engine.STATUS_NS = 20_000_000  # the end of writing is seen in a snapshot: often enough for a run of seconds
    registry = default_registry()
    registry.register("burst", _burst)
    capture_main(registry)


def _station() -> Station:
    return Station((sys.executable, str(Path(__file__).resolve()), "--capture"))


def _script() -> Script:
    text = files("assets").joinpath("scripts", "spontaneous.yaml").read_text(encoding="utf-8")
    return parse_script(text, "spontaneous.yaml")


def _record(folder: Path, camera: str, speed: str) -> Record:
    take = TakeRequest(data=str(folder), movement="spontaneous", subject=1, script=_script())
    rig = RigSpec.model_validate({"camera": camera, "speed": speed})
    return Record(rig=rig, take=take, settings=RecorderSettings(first_data_s=60))


def _events(folder: Path, mev: float, rate_mev_s: float = PEAK_MEV_S) -> tuple[Path, int]:
    """A file of uniformly random events, the worst case for compression; made once for both sides."""
    rng = np.random.default_rng(1)
    events = np.zeros(int(mev * 1e6), EVENT_DTYPE)
    events["t"] = 1_700_000_000_000_000 + (np.arange(len(events)) / rate_mev_s).astype(np.int64)
    events["x"] = rng.integers(0, SIZE[0], len(events))
    events["y"] = rng.integers(0, SIZE[1], len(events))
    events["p"] = rng.integers(0, 2, len(events))
    path = folder / "events.aedat4"
    with Aedat4Writer(path, source="DAVIS346_0", streams={Stream.EVENTS: SIZE}) as writer:
        writer.write_records(Stream.EVENTS, events)
    return path, len(events)


def _bare_loop(source: Path, target: Path) -> float:
    """Seconds that dv's writer needs for the same events, from memory, in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_bare_loop_here, (str(source), str(target)))


def _bare_loop_here(source: str, target: str) -> float:
    reader = dv.io.MonoCameraRecording(source)
    stores: list[Any] = []
    while reader.isRunning() and (store := reader.getNextEventBatch()) is not None:
        if not stores or stores[-1].size() >= FULL_BATCH:
            stores.append(dv.EventStore())
        stores[-1].add(store)
    begin = time.monotonic()
    writer = dv.io.MonoCameraWriter(target, dv.io.MonoCameraWriter.DAVISConfig("DAVIS346_0", SIZE, dv.CompressionType.LZ4))
    for store in stores:
        writer.writeEvents(store)
    del writer
    return time.monotonic() - begin


@contextmanager
def _reading(runtime: Path) -> Iterator[None]:
    """A process that reads the event ring as a window does, sixty times a second."""
    process = multiprocessing.get_context("spawn").Process(target=_read_ring, args=(str(runtime),))
    process.start()
    try:
        yield
        if not process.is_alive():
            raise SystemExit("a ring reader died")
    finally:
        process.kill()
        process.join()


def _read_ring(runtime: str) -> None:
    path = Path(runtime) / "events.ring"
    while not path.exists():
        time.sleep(0.01)
    with RingReader(path) as ring:
        while True:
            ring.newest(100_000)
            time.sleep(1 / GUI_HZ)


def _glimpse(source: Path, folder: Path, count: int) -> float:
    """Seconds from the first batch until every event is in the file, with two ring readers attached."""
    with _station() as station:
        runtime = _runtime(station)
        with _reading(runtime), _reading(runtime):
            station.send(_record(folder, f"burst:{source}", "max"))
            written_s, done = _follow(station, count)
    if done.counts["events"] != {"received": count, "written": count}:
        raise SystemExit(f"events were lost: {done.counts} of {count}")
    return written_s - _first_s(done)


def _runtime(station: Station) -> Path:
    if station.runtime is None:
        raise SystemExit("the capture process said nothing")
    return station.runtime


def _follow(station: Station, count: int) -> tuple[float, TakeDone]:
    written_s: float | None = None
    while not isinstance(report := station.next(), TakeDone):
        if isinstance(report, Status) and written_s is None and "events" in report.streams:
            written_s = time.monotonic() if report.streams["events"].written == count else None
    return written_s or time.monotonic(), report


def _first_s(done: TakeDone) -> float:
    first: float = json.loads(Path(str(done.manifest)).read_text())["truth"]["first_s"]
    return first


def bench_rate(folder: Path, mev: float, repeats: int) -> None:
    """Sustained recording rate."""
    source, count = _events(folder, mev)
    ours, bare = [], []
    for repeat in range(repeats):
        os.sync()  # neither side is to pay for what the other left to be written to disk
        bare.append(count / 1e6 / _bare_loop(source, folder / f"bare{repeat}.aedat4"))
        (folder / f"bare{repeat}.aedat4").unlink()
        os.sync()
        ours.append(count / 1e6 / _glimpse(source, folder / f"take{repeat}", count))
        shutil.rmtree(folder / f"take{repeat}")
    a, b = statistics.median(ours), statistics.median(bare)
    print(
        f"rate      {count / 1e6:.0f} Mev, LZ4, 2 ring readers, none lost: {a:.1f} Mev/s; bare MonoCameraWriter {b:.1f} Mev/s"
    )
    print(f"rate      ratio, ours to dv's: {a / b:.2f}")


def bench_frozen(folder: Path) -> None:
    """A reader stopped for five seconds in the middle of a take at 2 Mev/s."""
    source, _ = _events(folder, BUSY_MEV_S * 12, BUSY_MEV_S)
    with _station() as station:
        reader = multiprocessing.get_context("spawn").Process(target=_read_ring, args=(str(_runtime(station)),))
        reader.start()
        station.send(_record(folder / "take", f"burst:{source}", "1"))
        _wait(station, 3)
        os.kill(reader.pid or 0, signal.SIGSTOP)
        _wait(station, 5)
        os.kill(reader.pid or 0, signal.SIGCONT)
        _wait(station, 2)
        done = _stop(station)
        reader.kill()
        reader.join()
    counts = done.counts["events"]
    with Aedat4File(Path(str(done.path))) as file:
        in_file = file.count(Stream.EVENTS)
    lost = counts["received"] - in_file
    print(f"frozen    reader stopped for 5 s at {BUSY_MEV_S:g} Mev/s: {counts['received']} events received, {lost} lost")


def _wait(station: Station, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        report = station.next(0.1)
        if isinstance(report, TakeDone):
            raise SystemExit(f"the take ended early: {report.message}")


def _stop(station: Station) -> TakeDone:
    station.send(Stop())
    while not isinstance(report := station.next(), TakeDone):
        pass
    return report


def bench_latency(folder: Path) -> None:
    """From a batch of 10,000 events reaching the host to its being readable in another process, at 2 Mev/s."""
    source, _ = _events(folder, BUSY_MEV_S * 12, BUSY_MEV_S)
    with _station() as station:
        station.send(_record(folder / "take", f"burst:{source}", "1"))
        _wait(station, 2)
        ours = _ring_latencies(_runtime(station), 5)
        _stop(station)
    peer = _network_latencies(source, folder / "dv.sock")
    _print_latency("ring", ours)
    _print_latency("dv NetworkWriter -> NetworkReader, UNIX socket", peer)
    print(f"latency   ratio of medians, ours to dv's: {np.median(ours) / np.median(peer):.2f}")


def _print_latency(name: str, latencies_us: Sequence[float]) -> None:
    median, p99 = np.percentile(latencies_us, [50, 99])
    print(f"latency   {name}: median {median:.0f} us, p99 {p99:.0f} us ({len(latencies_us)} batches)")


def _ring_latencies(runtime: Path, seconds: float) -> list[float]:
    latencies: list[float] = []
    with RingReader(runtime / "batches.ring") as ring:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            now = time.monotonic_ns()
            latencies += [(now - host_ns) / 1e3 for host_ns in ring.read().records["host_ns"]]
            time.sleep(POLL_S)
    return latencies


def _network_latencies(source: Path, socket: Path) -> list[float]:
    """The same batches at the same rate by dv's own way to another process."""
    context = multiprocessing.get_context("spawn")
    sent_ns = context.Array("q", PEER_BATCHES, lock=False)
    server = context.Process(target=_serve, args=(str(source), str(socket), sent_ns))
    server.start()
    while not socket.exists():
        time.sleep(0.05)
    reader = dv.io.NetworkReader(str(socket))
    latencies: list[float] = []
    received = 0
    while len(latencies) < PEER_BATCHES and server.is_alive():
        store = reader.getNextEventBatch()
        now = time.monotonic_ns()
        received += 0 if store is None else store.size()
        latencies += [(now - sent_ns[index]) / 1e3 for index in range(len(latencies), received // BATCH)]
        time.sleep(POLL_S)
    server.kill()
    server.join()
    return latencies


def _serve(source: str, socket: str, sent_ns: Any) -> None:
    writer = dv.io.NetworkWriter(socket, dv.io.Stream.EventStream(0, "events", "peer", SIZE))
    recording = dv.io.MonoCameraRecording(source)
    stores = [recording.getNextEventBatch() for _ in range(PEER_BATCHES)]
    while writer.getClientCount() == 0:
        time.sleep(0.01)
    begin = time.monotonic()
    for index, store in enumerate(stores):
        time.sleep(max(0.0, begin + (index + 1) * BATCH / (BUSY_MEV_S * 1e6) - time.monotonic()))
        sent_ns[index] = time.monotonic_ns()
        writer.writeEvents(store)
    time.sleep(2)
    os._exit(0)  # dv's destructor may hang here


def bench_memory(folder: Path, minutes: float) -> None:
    """Resident memory of the capture process while it records at 2 Mev/s."""
    with _station() as station:
        station.send(_record(folder, "sim:1,rate=2", "1"))
        _wait(station, 10)
        samples = []
        for _ in range(int(minutes * 60 / 5)):
            _wait(station, 5)
            samples.append(psutil.Process(station.pid).memory_info().rss / 2**20)
        done = _stop(station)
    slope = np.polyfit(np.arange(len(samples)) / 12, samples, 1)[0] if len(samples) > 1 else 0.0
    first, last = np.mean(samples[: len(samples) // 4 + 1]), np.mean(samples[-(len(samples) // 4 + 1) :])
    rate = done.counts["events"]["written"] / 1e6 / (minutes * 60 + 10)
    print(
        f"memory    {minutes:g} min at {rate:.1f} Mev/s: first quarter {first:.0f} MiB, last quarter {last:.0f} MiB, "
        f"max {max(samples):.0f} MiB, trend {slope:+.2f} MiB/min, status {done.status}"
    )


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mev", type=float, default=48)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--folder", type=Path, help="where to write; default: a temporary folder")
    parser.add_argument("--only", choices=["rate", "frozen", "latency", "memory"])
    wanted = parser.parse_args()
    parts: dict[str, Callable[[Path], None]] = {
        "rate": lambda folder: bench_rate(folder, wanted.mev, wanted.repeats),
        "frozen": bench_frozen,
        "latency": bench_latency,
        "memory": lambda folder: bench_memory(folder, wanted.minutes),
    }
    for name, part in parts.items():
        if wanted.only in (None, name):
            with tempfile.TemporaryDirectory(dir=wanted.folder) as folder:
                part(Path(folder))


if __name__ == "__main__":
    _capture() if sys.argv[1:] == ["--capture"] else main()
