"""Events to tensors beside tonic's ToFrame and SpikingJelly's integration, in one run: the same events, the same counts.

    python benchmarks/models_encoding.py [--tonic-python PYTHON] [--spikingjelly-python PYTHON] [--take FILE]

tonic is under the GPL: it is run in an environment of its own (python -m venv X && X/bin/pip install tonic), never imported
here. Without it, or without SpikingJelly, the comparison is left out with a sentence. Times are processor time of one core, the
fastest of some runs: other programs hardly show in it. --take: events of a recording; default drawn ones.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.crop import FaceCrop
from models.encode import BinEncoder, Encoding, Kind, encode
from models.noise import NoiseFilter
from protocol.streams import EVENT_DTYPE, Array, Stream
from recorder.activity import clean_events
from recorder.take import Take

RUNNER = Path(__file__).with_name("models_encoding_peers.py")
RESOLUTION = (346, 260)
SPAN_US, BIN_US = 4_000_000, 40_000
BUSY, CALM = 2_000_000, 400_000  # events: a head that moves; a face, of which the simulated rig gives 0.1 Mev/s
FACE = FaceCrop(x=173, y=130, side_px=180)
REPEAT, PEERS_REPEAT = 7, 3
SIZE = 64
NOT_INSTALLED = 3  # exit code of the peers' runner
GOAL_MEV_S, GOAL_RATIO = 50.0, 10.0

Counts = NDArray[np.float32]


@dataclass(frozen=True)
class Case:
    """What is counted. sums: whether the peers' pixels must be summed to cells; rows: of ours that the sensor has."""

    title: str
    crop: FaceCrop
    size_px: int
    resolution: tuple[int, int] = RESOLUTION
    sums: bool = False
    rows: tuple[int | None, int | None] = (None, None)


CASES = (
    Case(f"The network's input: a face of {FACE.side_px:.0f} pixels on {SIZE} x {SIZE} cells", FACE, SIZE, sums=True),
    Case(f"A sensor of {SIZE} x {SIZE} pixels, each a cell", FaceCrop(x=32, y=32, side_px=SIZE), SIZE, (SIZE, SIZE)),
    Case("Each of 346 x 260 pixels a cell", FaceCrop.whole_sensor(RESOLUTION), RESOLUTION[0], rows=(43, 303)),
)


def drawn(count: int) -> Array:
    """Events about a face's place, in time order."""
    rng = np.random.default_rng(1)
    events = np.zeros(count, EVENT_DTYPE)
    events["t"] = np.sort(rng.integers(0, SPAN_US, count))
    for axis, size in zip("xy", RESOLUTION, strict=True):
        events[axis] = np.clip(rng.normal(size / 2, 45, count), 0, size - 1)
    events["p"] = rng.integers(0, 2, count)
    return events


def taken(path: Path, count: int) -> Array:
    """The first `count` events of a take of 346 x 260 pixels, squeezed or stretched into the span."""
    with Take(path) as take:
        events = clean_events(take.events()[:count], take.resolution(Stream.EVENTS) or RESOLUTION).copy()
    since = events["t"] - events["t"][0]
    events["t"] = since * SPAN_US // (int(since[-1]) + 1)
    return events


def fastest(run: Callable[[], object], repeat: int = REPEAT) -> float:
    """Seconds of processor time."""
    run()
    times = []
    for _ in range(repeat):
        begun = time.process_time()
        run()
        times.append(time.process_time() - begun)
    return min(times)


def small(events: Array) -> Array:
    """The events as a sensor of 64 x 64 pixels would give them."""
    events = events.copy()
    for axis, size in zip("xy", RESOLUTION, strict=True):
        events[axis] = events[axis].astype(np.int32) * SIZE // size
    return events


def peer(name: str, python: str, events: Array, case: Case) -> tuple[str, float, Counts] | str:
    """Version, seconds and frames of a peer, or why there are none."""
    with tempfile.TemporaryDirectory() as folder:
        job = {"events": f"{folder}/events.npy", "resolution": case.resolution, "bin_us": BIN_US, "span_us": SPAN_US}
        job_file = Path(folder) / "job.json"
        more = {"repeat": PEERS_REPEAT, "out": f"{folder}/out.npz", "crop": _cells(case.crop) if case.sums else None}
        job_file.write_text(json.dumps({**job, **more}))
        np.save(f"{folder}/events.npy", events)
        one_thread = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        try:
            done = subprocess.run([python, RUNNER, name, job_file], capture_output=True, text=True, env=one_thread)
        except OSError as error:
            return f"{name} is left out: {python} cannot be run ({error.strerror})."
        if done.returncode == NOT_INSTALLED:
            return f"{name} is left out: it is not installed in the environment of {python}."
        if done.returncode:
            return f"{name} is left out: it failed ({(done.stderr.strip().splitlines() or ['no message'])[-1]})."
        answer = json.loads(done.stdout.splitlines()[-1])
        with np.load(f"{folder}/out.npz") as out:
            return answer["version"], answer["cpu_s"], out["frames"]


def _cells(crop: FaceCrop) -> dict[str, tuple[int, int, list[int]]]:
    """First and last pixel and the first of each cell, in x and y, for the peers' sums."""
    axes = {}
    for axis, cells in (("x", crop.columns(SIZE)), ("y", crop.rows(SIZE))):
        seen = np.flatnonzero(cells >= 0)
        axes[axis] = (int(seen[0]), int(seen[-1]) + 1, np.searchsorted(cells[seen], np.arange(SIZE)).tolist())
    return axes


def beside_peers(events: Array, pythons: dict[str, str], case: Case) -> None:
    """Counts of one case, with each peer that is there."""
    encoding, bins = Encoding(kinds=(Kind.COUNTS,), bin_us=BIN_US, size_px=case.size_px), SPAN_US // BIN_US
    seconds = fastest(lambda: encode(events, case.crop, encoding, 0, bins))
    ours = encode(events, case.crop, encoding, 0, bins)[:, :, slice(*case.rows)]
    print(f"  {'glimpse':<20} {len(events) / seconds * 1e-6:7.1f} Mev/s")
    for name, python in pythons.items():
        found = peer(name, python, events, case)
        if isinstance(found, str):
            print(f"  {found}")
            continue
        version, peer_s, frames = found
        ratio = peer_s / seconds
        goal = f"goal {GOAL_RATIO:.0f}: {'reached' if ratio >= GOAL_RATIO else 'missed'}"
        speed = f"{len(events) / peer_s * 1e-6:7.1f} Mev/s"
        print(f"  {name + ' ' + version:<20} {speed}   ratio {ratio:5.1f} ({goal})   {_likeness(ours, frames)}")


def _likeness(ours: Counts, frames: Counts) -> str:
    """SpikingJelly's first bin begins at the first event, so that a few events are in the bin before."""
    if frames.shape == ours.shape and bool((frames == ours).all()):
        return "the same frames"
    apart = np.abs(frames[: len(ours)] - ours[: len(frames)]).sum() / 2 / ours.sum()
    return f"{apart:.2%} of the events in another bin"


def each_kind(events: Array) -> None:
    """The product's size, kind by kind."""
    encodings = [Encoding(kinds=(kind,), bin_us=BIN_US) for kind in Kind]
    encodings += [Encoding(), *(Encoding(filters=(name,)) for name in NoiseFilter)]
    for encoding in encodings:
        seconds = fastest(lambda chosen=encoding: encode(events, FACE, chosen, 0, SPAN_US // BIN_US))  # type: ignore[misc]
        mev_s = len(events) / seconds * 1e-6
        goal = (
            f"   goal {GOAL_MEV_S:.0f}: {'reached' if mev_s >= GOAL_MEV_S else 'missed'}"
            if Kind.COUNTS in encoding.kinds
            else ""
        )
        words = " + ".join(kind.value for kind in encoding.kinds) + "".join(f", {name.value}" for name in encoding.filters)
        print(f"  {words:<52} {mev_s:7.1f} Mev/s   C = {encoding.channels}{goal}")


def live(events: Array) -> None:
    """One bin at a time, as the live stream does it: what a bin costs once its last events have come."""
    encoding = Encoding()
    encoder = BinEncoder(encoding, FACE)
    edges = np.searchsorted(events["t"], np.arange(0, SPAN_US + 1, BIN_US))
    times = []
    for number, (first, last) in enumerate(itertools.pairwise(edges), 1):
        begun = time.perf_counter()
        encoder.push(events[first:last], number * BIN_US)
        times.append((time.perf_counter() - begun) * 1e3)
    p50, p95 = np.percentile(times[3:], (50, 95))
    print(
        f"  one bin of {BIN_US // 1000} ms with {len(events) // len(times):,} events: median {p50:.2f}, p95 {p95:.2f} ms (wall)"
    )


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tonic-python", default=sys.executable)
    parser.add_argument("--spikingjelly-python", default=sys.executable)
    parser.add_argument("--take", type=Path)
    wish = parser.parse_args()
    pythons = {"tonic": wish.tonic_python, "spikingjelly": wish.spikingjelly_python}
    print(
        f"{RESOLUTION[0]} x {RESOLUTION[1]} pixels, {SPAN_US // BIN_US} bins of {BIN_US // 1000} ms, one core's processor time"
    )
    for count in (BUSY, CALM):
        events = taken(wish.take, count) if wish.take else drawn(count)
        rate = f"{len(events):,} events, {len(events) / SPAN_US:.1f} Mev/s"
        for case in CASES:
            print(f"{case.title}; {rate}")
            beside_peers(small(events) if case.resolution != RESOLUTION else events, pythons, case)
    busy = taken(wish.take, BUSY) if wish.take else drawn(BUSY)
    print(f"Each encoding, {SIZE} x {SIZE}, {len(busy):,} events")
    each_kind(busy)
    live(busy)


if __name__ == "__main__":
    main()
