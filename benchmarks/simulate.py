"""The simulated rig on two cores: live beside the clock on the wall, offline in takes a minute, its event pixel beside v2e's.

    python benchmarks/simulate.py [--head builtin|ict|FILE] [--takes 3] [--simulated 6] [--only live|offline|pixel]
                                  [--v2e CHECKOUT --v2e-python PYTHON]

Every number comes from a real capture process, a real rig process and real files. Only the event pixel has a peer: v2e makes
events of given pictures, and renders none. Machines are noisy.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from protocol.script import parse_script
from recorder.messages import Record, RigSpec, State, Status, TakeDone, TakeRequest
from recorder.ring import RingReader
from recorder.settings import RecorderSettings
from recorder.sim.heads import BUILTIN, locate_head
from recorder.sim.rig import IMU_PERIOD_US, STEP_US
from recorder.station import Station

CORES = 2
GOAL_HZ = 120
MOVEMENT = "smile"
RIG = "recorder.sim.serve"  # in the command line of the rig's process
FIRST_DATA_S = 180.0  # a rig that is started for the first time in an installation compiles for a minute
PIXEL = Path(__file__).with_name("event_pixel.py")


@dataclass
class Sample:
    """The take at one instant: wall clock, processor time of capture and rig, and event time that has come, all in s."""

    wall_s: float
    capture_s: float
    rig_s: float
    event_s: float


@dataclass
class Run:
    """What was seen of one live take. behind_us: of each batch of events, host clock less event time."""

    samples: list[Sample] = field(default_factory=list)
    behind_us: list[NDArray[np.int64]] = field(default_factory=list)

    def between(self) -> tuple[float, float, float, float]:
        """From first to last sample: seconds, event time a second, shares of a core of rig and of capture."""
        first, last = self.samples[0], self.samples[-1]
        seconds = last.wall_s - first.wall_s
        return (
            seconds,
            (last.event_s - first.event_s) / seconds,
            (last.rig_s - first.rig_s) / seconds,
            (last.capture_s - first.capture_s) / seconds,
        )

    def lags_ms(self) -> NDArray[np.float64]:
        """How far event time was behind the wall clock at each batch, beside the batch where it was least."""
        behind = np.concatenate(self.behind_us)
        return np.asarray((behind - behind.min()) / 1000)


def _use_cores() -> int:
    """Give two cores to this program and all that it starts, where the system can do that; returns how many there are."""
    if sys.platform != "linux":
        return os.cpu_count() or 1
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    return len(os.sched_getaffinity(0))


def _record(folder: Path, head: str, seed: int, video: str) -> Record:
    text = files("assets").joinpath("scripts", "default.yaml").read_text(encoding="utf-8")
    take = TakeRequest(data=str(folder), movement=MOVEMENT, subject=1, script=parse_script(text, "default.yaml"))
    rig = RigSpec(camera=f"sim:{seed},head={head}", rgb=video, thermal=video, speed="1")
    return Record(rig=rig, take=take, settings=RecorderSettings(first_data_s=FIRST_DATA_S))


def _live(folder: Path, head: str, seed: int, video: str) -> tuple[Run, TakeDone]:
    """Record one take at the real pace, and watch."""
    run = Run()
    with Station() as station:
        if station.runtime is None:
            raise SystemExit("the capture process said nothing")
        station.send(_record(folder, head, seed, video))
        batches, ring = station.runtime / "batches.ring", None
        while not isinstance(report := station.next(), TakeDone):
            if isinstance(report, Status) and report.state is State.RECORDING and "imu" in report.streams:
                ring = ring or RingReader(batches)
                _look(run, station.pid, report, ring)
        if ring:
            ring.close()
    return run, report


def _look(run: Run, pid: int, status: Status, ring: RingReader) -> None:
    capture = psutil.Process(pid)
    rig = next(child for child in capture.children() if RIG in child.cmdline())
    event_s = status.streams["imu"].received * IMU_PERIOD_US / 1e6
    run.samples.append(Sample(time.monotonic(), _spent_s(capture), _spent_s(rig), event_s))
    records = ring.read().records
    run.behind_us.append(records["host_ns"] // 1000 - records["last_us"])


def _spent_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def bench_live(folder: Path, head: str, takes: int, video: str) -> None:
    """Rendering at the real pace while recording. video: "sim" with the colour and the thermal camera, "none" without."""
    cameras = "events, RGB and thermal" if video == "sim" else "events alone"
    runs = [_live(folder, head, seed, video) for seed in range(takes + 1)][1:]  # the first one compiles, in a new installation
    seconds, paces, rigs, captures = zip(*(run.between() for run, _ in runs), strict=True)
    rendered = [_rendered_hz(done) for _, done in runs]
    lags = [run.lags_ms() for run, _ in runs]
    print(
        f"live      {takes} takes of {statistics.median(seconds):.0f} s, {cameras}: {min(rendered):.1f} to "
        f"{max(rendered):.1f} pictures rendered a second of event time (goal {GOAL_HZ}; no peer), "
        f"{min(one * pace for one, pace in zip(rendered, paces, strict=True)):.1f} a second of wall time at least"
    )
    print(
        f"live      event time behind the wall clock: median {np.median(np.concatenate(lags)):.0f} ms, at worst "
        f"{max(lag.max() for lag in lags):.0f} ms, at the end {max(lag[-1] for lag in lags):.0f} ms"
    )
    print(
        f"live      share of a core: rig {statistics.median(rigs):.0%}, capture process {statistics.median(captures):.0%} "
        f"(medians of the takes)"
    )
    for _, done in runs:
        _print_take(done)


def _manifest(done: TakeDone) -> dict[str, Any]:
    return dict(json.loads(Path(str(done.manifest)).read_text(encoding="utf-8")))


def _rendered_hz(done: TakeDone) -> float:
    """Pictures for the event camera a second of event time; a rig that cannot keep up renders less often."""
    manifest = _manifest(done)
    imu = manifest["streams"]["imu"]
    return float(1e6 / STEP_US * (1 - manifest["truth"]["slow_us"] / (imu["last_us"] - imu["first_us"])))


def _print_take(done: TakeDone) -> None:
    lost = sum(count["received"] - count["written"] for count in done.counts.values())
    counts = ", ".join(f"{count['written']} {name}" for name, count in done.counts.items())
    cameras = {name: camera["frames_dropped"] for name, camera in _manifest(done)["truth"]["cameras"].items()}
    print(
        f"live      {done.status} ({done.finish_reason}), {lost} lost: {counts}; pictures that the cameras dropped: {cameras}"
    )


def bench_offline(folder: Path, head: str, takes: int) -> None:
    """Takes a minute by `glimpse simulate`, two at a time."""
    _simulate(folder / "first", head, 1)  # compiles, in a new installation
    begin = time.monotonic()
    made = _simulate(folder / "data", head, takes)
    seconds = time.monotonic() - begin
    size = sum(path.stat().st_size for path in (folder / "data").rglob("*") if path.is_file())
    print(
        f"offline   glimpse simulate, {CORES} jobs, events, RGB and thermal: {made} takes in {seconds:.0f} s, "
        f"{60 * made / seconds:.1f} takes a minute, {size / 1e6 / made:.0f} MB a take (no peer)"
    )


def _simulate(folder: Path, head: str, takes: int) -> int:
    """Returns how many takes were made."""
    wanted = ["--subjects", str(takes), "--takes", "1", "--seed", "1", "--movements", MOVEMENT, "--head", head]
    command = [sys.executable, "-m", "app.main", "simulate", str(folder), *wanted, "--jobs", str(CORES), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"glimpse simulate failed: {done.stderr or done.stdout}")
    return int(json.loads(done.stdout)["made"])


def bench_pixel(arguments: list[str]) -> None:
    """The event pixel by itself, beside v2e's."""
    subprocess.run([sys.executable, str(PIXEL), *arguments], check=True)


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--head", help="builtin, ict or a file; default: the best that is found")
    parser.add_argument("--takes", type=int, default=3, help="live, after one that does not count")
    parser.add_argument("--simulated", type=int, default=6, help="takes made offline")
    parser.add_argument("--folder", type=Path, help="where to write; default: a temporary folder")
    parser.add_argument("--only", choices=["live", "offline", "pixel"])
    parser.add_argument("--v2e", type=Path, help="passed on to benchmarks/event_pixel.py, as is --v2e-python")
    parser.add_argument("--v2e-python", type=Path)
    wanted = parser.parse_args()
    found = locate_head(wanted.head, os.environ)
    head = BUILTIN if found.path is None else str(found.path)
    peer = ["--v2e", str(wanted.v2e), "--v2e-python", str(wanted.v2e_python)] if wanted.v2e else []
    parts: dict[str, Callable[[Path], None]] = {
        "live": lambda folder: bench_live(folder, head, wanted.takes, "none"),
        "live with frame cameras": lambda folder: bench_live(folder, head, wanted.takes, "sim"),
        "offline": lambda folder: bench_offline(folder, head, wanted.simulated),
        "pixel": lambda _: bench_pixel(peer),
    }
    print(f"rig       head {found.name} ({found.source}), {_use_cores()} cores")
    for name, part in parts.items():
        if wanted.only in (None, name.split()[0]):
            with tempfile.TemporaryDirectory(dir=wanted.folder) as folder:
                part(Path(folder))


if __name__ == "__main__":
    main()
