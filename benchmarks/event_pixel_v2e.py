"""Runs the emulator of a v2e checkout on a job of event_pixel.py, in v2e's own environment; holds no code of v2e.

    PYTHON event_pixel_v2e.py CHECKOUT JOB.json

The job names frames (uint8 [n, H, W], .npy), their rate, v2e's parameters, a file of thresholds or null, and where to put
the result: t, x, y, p of the events, the seconds and the seconds of processor time that the frames took, the number of
threads. Imports nothing of Glimpse.
"""

import importlib
import json
import logging
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np

# What v2e imports for its windows, dialogues and file formats. The emulator itself needs none of them.
UNUSED = ("screeninfo", "easygui", "tkinter", "tkinter.filedialog", "engineering_notation", "numba", "h5py", "dv_processing")
WARM_UP = 3


def _stub_missing() -> None:
    for name in UNUSED:
        try:
            importlib.import_module(name)
        except ImportError:
            sys.modules[name] = MagicMock()


def _emulator(params: dict[str, float], seed: int) -> Any:
    module = importlib.import_module("v2ecore.emulator")
    return module.EventEmulator(**params, seed=seed, device="cpu")


def _share_thresholds(emulator: Any, path: str) -> None:
    """Give it the mismatch pattern of the other side; what depends on it as v2e computes it."""
    torch = importlib.import_module("torch")
    with np.load(path) as thresholds:
        emulator.pos_thres, emulator.neg_thres = (torch.from_numpy(thresholds[name]) for name in ("on", "off"))
    emulator.pos_thres_pre_prob = emulator.pos_thres_nominal / emulator.pos_thres
    emulator.neg_thres_pre_prob = emulator.neg_thres_nominal / emulator.neg_thres


def _run(job: dict[str, Any], frames: np.ndarray[Any, Any]) -> tuple[list[Any], float, float]:
    emulator = _emulator(job["params"], 1)
    emulator.generate_events(frames[0], 0.0)
    if job["thresholds"]:
        _share_thresholds(emulator, job["thresholds"])
    begin, begin_cpu = time.perf_counter(), time.process_time()
    found = [emulator.generate_events(frame, k / job["rate_hz"]) for k, frame in enumerate(frames[1:], 1)]
    seconds, cpu_seconds = time.perf_counter() - begin, time.process_time() - begin_cpu
    return [events for events in found if events is not None], seconds, cpu_seconds


def main() -> None:
    """Do the job."""
    sys.path.insert(0, str(Path(sys.argv[1]).resolve()))
    _stub_missing()
    logging.disable(logging.CRITICAL)
    job = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    frames = np.load(job["frames"])
    _run(job, frames[:WARM_UP])
    found, seconds, cpu_seconds = _run(job, frames)
    events = np.concatenate([np.zeros((0, 4), np.float32), *found])
    threads = importlib.import_module("torch").get_num_threads()
    columns = dict(zip("txyp", events.T, strict=True))
    np.savez(job["result"], seconds=seconds, cpu_seconds=cpu_seconds, threads=threads, **columns)


if __name__ == "__main__":
    main()
