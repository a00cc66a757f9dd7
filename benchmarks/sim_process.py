"""What it costs that the simulated rig is a process of its own: events a second through the pipe, and the time on the way.

    python benchmarks/sim_process.py [--seconds 3]

The world is as cheap as can be (one batch of random events, given again and again), so that the way is measured and not it.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from protocol.streams import EVENT_DTYPE, Array, Packet, Records, Stream
from recorder.clock import EventPace, RealPace
from recorder.sim.client import RemoteRig
from recorder.sim.serve import main as serve
from recorder.sources.base import Camera, CameraInfo, StreamInfo, Surroundings
from recorder.sources.spec import CameraSpec, parse_camera

STEP_US = 4_000
BURST = 48_000  # events in 4 ms at 12 Mev/s, a DAVIS346's limit
BUSY = 8_000  # at 2 Mev/s, a face that moves


class CheapWorld:
    """One batch a step; the target of the specification is its size. Its event time is this machine's monotonic clock."""

    def __init__(self, spec: CameraSpec, around: Surroundings) -> None:
        self._around = around
        self._batch = np.zeros(int(spec.target), EVENT_DTYPE)
        self._steps = 0

    def open(self) -> CameraInfo:
        """Nothing to open."""
        return CameraInfo("sim", "Cheap", (StreamInfo(Stream.EVENTS, (346, 260)),), simulated=True)

    def read(self) -> Sequence[Packet]:
        """The next batch: at full speed at once, live when it is due."""
        pace = self._around.pace
        if not pace.follows_events and pace.elapsed_us() < self._steps * STEP_US:
            return []
        self._steps += 1
        batch: Array = self._batch.copy()
        batch["t"] = time.monotonic_ns() // 1000
        return [Records(Stream.EVENTS, batch, time.monotonic_ns())]

    def close(self) -> None:
        """Nothing to release."""


def _around(*, live: bool) -> Surroundings:
    pace = RealPace(time.monotonic_ns) if live else EventPace()
    if isinstance(pace, RealPace):
        pace.start()
    return Surroundings(pace, lambda: None, time.monotonic_ns, time.sleep)


def _remote(spec: CameraSpec, around: Surroundings) -> Camera:
    return RemoteRig(spec, around, (sys.executable, __file__, "--serve"))


def _read_for(make: Callable[[CameraSpec, Surroundings], Camera], count: int, seconds: float, *, live: bool) -> list[float]:
    """How old every batch of so many events was when it was returned, in ms."""
    camera = make(parse_camera(f"sim:{count}"), _around(live=live))
    camera.open()
    ages: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for packet in camera.read():
            if isinstance(packet, Records):
                ages.append((time.monotonic_ns() // 1000 - int(packet.records["t"][0])) / 1000)
    camera.close()
    return ages


def _print_rates(seconds: float) -> None:
    print("At full speed, in step            here     process of its own")
    for count in (BURST, BUSY, 100):
        here, there = (len(_read_for(make, count, seconds, live=False)) / seconds for make in (CheapWorld, _remote))
        rates = f"{here * count / 1e6:7.1f} Mev/s {there * count / 1e6:7.1f} Mev/s"
        print(f"  batches of {count:6d} events  {rates}   {1e6 / there:6.0f} us a step")


def _print_latencies(seconds: float) -> None:
    print("Live, from making a batch to having read it")
    for count in (BURST, BUSY):
        ages = _read_for(_remote, count, seconds, live=True)
        median, late, worst = np.percentile(ages, (50, 99, 100))
        times = f"median {median:.2f} ms, 99 % {late:.2f} ms, worst {worst:.2f} ms"
        print(f"  {count / STEP_US:5.1f} Mev/s: {times}, {len(ages)} batches")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(CheapWorld)
    _print_rates(arguments.seconds)
    _print_latencies(arguments.seconds)


if __name__ == "__main__":
    main()
