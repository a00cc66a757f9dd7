"""Runs a peer of models_encoding.py in the peer's own environment; holds no code of the peers and imports nothing of Glimpse.

    PYTHON models_encoding_peers.py tonic|spikingjelly JOB.json

The job names a file of events (.npy, fields t, x, y, p), (width, height), length of a bin and of all in us, how often to
repeat, where to put the frames (.npz), and of a crop its first pixel, last pixel and the first pixel of each cell in x and in
y, or null for the frames as they are: the peers know no sum over pixels, so NumPy sums what they give. Prints {"version",
"cpu_s"}: processor time of the fastest run. Exits with 3 where the peer is not installed.
"""

import importlib
import json
import sys
import time
import types
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np

NOT_INSTALLED = 3
Frames = np.ndarray[Any, np.dtype[Any]]


def _tonic(events: Frames, job: dict[str, Any]) -> Callable[[], Frames]:
    transforms = importlib.import_module("tonic.transforms")
    # end_time is the last instant of the last bin there
    to_frame = transforms.ToFrame(
        sensor_size=(*job["resolution"], 2),
        time_window=job["bin_us"],
        include_incomplete=True,
        start_time=0,
        end_time=job["span_us"],
    )
    return lambda: np.asarray(to_frame(events))


def _spikingjelly(events: Frames, job: dict[str, Any]) -> Callable[[], Frames]:
    """Its package of data sets imports torchvision for their pictures, which is not needed and may not go with this torch."""
    package = find_spec("spikingjelly")
    datasets = types.ModuleType("spikingjelly.datasets")
    datasets.__path__ = [str(Path(next(iter(package.submodule_search_locations or ()))) / "datasets")] if package else []
    sys.modules["torchvision"] = MagicMock()
    sys.modules["spikingjelly.datasets"] = datasets
    utils = importlib.import_module("spikingjelly.datasets.utils")
    columns = {name: np.ascontiguousarray(events[name]) for name in "txyp"}
    width, height = job["resolution"]
    return lambda: np.asarray(utils.integrate_events_by_fixed_duration(columns, job["bin_us"], height, width))


def _summed(frames: Frames, crop: dict[str, Any] | None) -> Frames:
    """Frames [T, 2, H, W] in cells."""
    if crop is None:
        return frames
    for axis, name in ((3, "x"), (2, "y")):
        first, last, cells = crop[name]
        frames = np.add.reduceat(frames.take(range(first, last), axis), cells, axis)
    return frames.astype(np.float32)


PEERS = {"tonic": _tonic, "spikingjelly": _spikingjelly}


def main(name: str, job_file: str) -> int:
    """One peer, one job."""
    if find_spec(name) is None:
        return NOT_INSTALLED
    job = json.loads(Path(job_file).read_text())
    run = PEERS[name](np.load(job["events"]), job)
    frames, times = _summed(run(), job["crop"]), []
    for _ in range(job["repeat"]):
        begun = time.process_time()
        frames = _summed(run(), job["crop"])
        times.append(time.process_time() - begun)
    np.savez(job["out"], frames=frames)
    print(json.dumps({"version": version(name), "cpu_s": min(times)}))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
