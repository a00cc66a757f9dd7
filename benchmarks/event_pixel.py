"""The event pixel beside v2e's emulator on the CPU, in one run: same frames, same parameters, no slow-motion network.

    python benchmarks/event_pixel.py [--v2e CHECKOUT --v2e-python PYTHON] [--frames FILE.npy] [--count 600] [--hz 500]

The peer: git clone https://github.com/SensorsINI/v2e; an environment of its own with torch (CPU), numpy, opencv-python-headless
and tqdm; its windows and file formats are not needed. Without it only our own numbers are printed. Ratios are what counts:
machines are noisy. Ours has one core; v2e has as many threads as torch takes.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from recorder.sim.pixel import V2E_CLEAN, V2E_NOISY, Cause, EventPixels, PixelParams

SIZE = (346, 260)
RUNNER = Path(__file__).with_name("event_pixel_v2e.py")
SEED = 1
LIVE_HZ = 125  # steps a second of the simulated rig
CASES = {"without noise": V2E_CLEAN, "with noise": V2E_NOISY}
INTERVAL_EDGES_MS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, np.inf)

Frames = NDArray[np.uint8]

DIFFERENCES = """\
Where we differ from v2e on purpose
  mismatch      both draw thresholds from the same distribution, but other ones: counts of single pixels then differ as much
                as thresholds do (a quarter with noise). Handing v2e our pattern shows what the models themselves do.
  time stamps   v2e spreads a frame's events over as many instants as its busiest pixel has events; here each has the time at
                which a straight line in log intensity crosses the threshold. So short intervals differ, counts do not.
  low-pass      v2e takes one Euler step a frame, clipped at 1: at --hz 125 a corner of 30 Hz is hardly felt. Here the answer
                is exact for light that moves in a straight line, so the two come together as --hz rises.
  shot noise    v2e: at most one event a frame and pixel, all at the frame's last instant. Here a Poisson process.
  leak          v2e: every pixel starts in phase, so a quiet one leaks first after 1 / leak_rate_hz. Here phases are
                random, which brings forward a few ON events at the beginning.
  refractory    v2e keeps the level of the crossing and emits later what it held back. Here the pixel is held in reset and
                memorises the light at the end (not part of these runs: 0 us, as in v2e's presets)."""


@dataclass(frozen=True)
class Outcome:
    """Events as columns (t in us), and what the frames after the first took."""

    t: NDArray[np.int64]
    pixel: NDArray[np.int64]
    p: NDArray[np.bool_]
    seconds: float
    cpu_seconds: float  # processor time of all threads: what other programs do at the same time hardly shows in it
    note: str


def scene(count: int, hz: float) -> Frames:
    """A texture that sways and two discs that circle above it, 8 bit: [count, 260, 346]."""
    width, height = SIZE
    rng = np.random.default_rng(SEED)
    texture = sum(cv2.GaussianBlur(rng.standard_normal((2 * height, 2 * width)), (0, 0), s) * s for s in (2.0, 6.0, 20.0))
    texture = np.clip(110 + 45 * texture / np.std(texture), 8, 250).astype(np.float32)
    frames = np.empty((count, height, width), np.uint8)
    for k in range(count):
        frames[k] = _picture(texture, k / hz)
    return frames


def _picture(texture: NDArray[np.float32], t_s: float) -> NDArray[np.float32]:
    shift = np.array([[1, 0, -120 - 25 * np.sin(7 * t_s)], [0, 1, -90 - 15 * np.sin(4.3 * t_s)]], np.float32)
    picture = cv2.warpAffine(texture, shift, SIZE)
    for level, radius, angle in ((30, 22, 3 * t_s), (220, 14, 2 - 5 * t_s)):
        centre = (int(16 * (173 + 110 * np.cos(angle))), int(16 * (130 + 80 * np.sin(angle))))
        cv2.circle(picture, centre, radius * 16, level, -1, cv2.LINE_AA, 4)
    return np.asarray(picture, np.float32)


def run_ours(frames: Frames, hz: float, params: PixelParams) -> Outcome:
    """All frames through our pixel."""
    _exercise(frames[:3], hz, params)  # compiles
    begin_cpu = time.process_time()
    events, _, seconds = _exercise(frames, hz, params)
    cpu = time.process_time() - begin_cpu
    return Outcome(events["t"], events["y"] * np.int64(SIZE[0]) + events["x"], events["p"] == 1, seconds, cpu, "1 thread")


def _exercise(frames: Frames, hz: float, params: PixelParams) -> tuple[NDArray[np.void], NDArray[np.uint8], float]:
    pixels = EventPixels(SIZE, params, SEED)
    pixels.start(frames[0], 0)
    begin = time.perf_counter()
    found = [pixels.step(frame, round(k * 1e6 / hz)) for k, frame in enumerate(frames[1:], 1)]
    seconds = time.perf_counter() - begin
    return np.concatenate([e for e, _ in found]), np.concatenate([c for _, c in found]), seconds


@dataclass(frozen=True)
class Peer:
    """Where v2e is, and what runs it."""

    checkout: Path
    python: Path
    folder: Path

    def run(self, frames: Path, hz: float, params: PixelParams, shared: bool) -> Outcome:
        """All frames through v2e's emulator, with our mismatch pattern or with one of its own."""
        job, result = self.folder / "job.json", self.folder / "result.npz"
        thresholds = self._thresholds(params) if shared else None
        text = {
            "frames": str(frames),
            "rate_hz": hz,
            "params": _v2e_names(params),
            "thresholds": thresholds,
            "result": str(result),
        }
        job.write_text(json.dumps(text), encoding="utf-8")
        subprocess.run([self.python, RUNNER, self.checkout, job], check=True)
        with np.load(result) as found:
            pixel = found["y"].astype(np.int64) * SIZE[0] + found["x"].astype(np.int64)
            t = np.rint(found["t"].astype(float) * 1e6).astype(np.int64)
            seconds, cpu = float(found["seconds"]), float(found["cpu_seconds"])
            return Outcome(t, pixel, found["p"] > 0, seconds, cpu, f"{found['threads']} threads")

    def _thresholds(self, params: PixelParams) -> str:
        on, off = EventPixels(SIZE, params, SEED).thresholds
        np.savez(path := self.folder / "thresholds.npz", on=on, off=off)
        return str(path)


def _v2e_names(params: PixelParams) -> dict[str, float]:
    return {
        "pos_thres": params.on_threshold,
        "neg_thres": params.off_threshold,
        "sigma_thres": params.threshold_sigma,
        "cutoff_hz": params.cutoff_hz,
        "leak_rate_hz": params.leak_rate_hz,
        "shot_noise_rate_hz": params.shot_noise_rate_hz,
        "refractory_period_s": params.refractory_us * 1e-6,
    }


def counts(outcome: Outcome) -> NDArray[np.int64]:
    """Events of each pixel."""
    return np.bincount(outcome.pixel, minlength=SIZE[0] * SIZE[1])


def interval_shares(outcome: Outcome) -> NDArray[np.float64]:
    """Share of a pixel's intervals from event to event in each bin of INTERVAL_EDGES_MS, all pixels together."""
    order = np.lexsort((outcome.t, outcome.pixel))
    t, pixel = outcome.t[order], outcome.pixel[order]
    intervals_ms = np.diff(t)[pixel[1:] == pixel[:-1]] / 1e3
    found, _ = np.histogram(intervals_ms, np.asarray(INTERVAL_EDGES_MS))
    return np.asarray(found / max(found.sum(), 1))


def correlation(a: Outcome, b: Outcome) -> float:
    """Of the numbers of events per pixel."""
    return float(np.corrcoef(counts(a), counts(b))[0, 1])


def print_speed(case: str, frames: int, ours: Outcome, peer: Outcome | None) -> None:
    """Frames per second of each, and the ratio."""
    rate = frames / ours.seconds
    print(f"{case:14} ours {rate:.0f} frames/s, {len(ours.t) / frames:.0f} events a frame ({ours.note})")
    if peer:
        cpu = peer.cpu_seconds / ours.cpu_seconds
        print(f"{case:14} v2e  {frames / peer.seconds:.0f} frames/s ({peer.note})")
        print(
            f"{case:14} ratio of frames/s: {peer.seconds / ours.seconds:.1f}; of frames per second of processor time: {cpu:.1f}"
        )


def print_fidelity(case: str, ours: Outcome, shared: Outcome, own: Outcome) -> None:
    """Counts, correlation and intervals."""
    on, off = (np.count_nonzero(ours.p == p) for p in (True, False))
    peer_on, peer_off = (np.count_nonzero(shared.p == p) for p in (True, False))
    print(f"{case:14} ON  ours {on:9d}  v2e {peer_on:9d}  ratio {on / peer_on:.3f}")
    print(f"{case:14} OFF ours {off:9d}  v2e {peer_off:9d}  ratio {off / peer_off:.3f}")
    print(
        f"{case:14} per-pixel counts correlate: {correlation(ours, shared):.3f} with the same mismatch pattern, "
        f"{correlation(ours, own):.3f} when each draws its own"
    )
    print(f"{case:14} intervals at a pixel    ours     v2e")
    shares = zip(INTERVAL_EDGES_MS, INTERVAL_EDGES_MS[1:], interval_shares(ours), interval_shares(shared), strict=False)
    for low, high, mine, theirs in shares:
        print(f"{case:14} {low:5g} to {high:5g} ms    {mine:7.1%} {theirs:7.1%}")


def bench_case(case: str, params: PixelParams, frames: Path, wanted: argparse.Namespace, peer: Peer | None) -> None:
    """One set of parameters; both sides by turns, the median of their times."""
    pictures = np.load(frames)
    ours, shared = [], []
    for _ in range(wanted.repeats):
        ours.append(run_ours(pictures, wanted.hz, params))
        shared += [peer.run(frames, wanted.hz, params, shared=True)] if peer else []
    print_speed(case, len(pictures) - 1, _median(ours), _median(shared) if shared else None)
    if peer:
        print_fidelity(case, ours[0], shared[0], peer.run(frames, wanted.hz, params, shared=False))


def _median(outcomes: Sequence[Outcome]) -> Outcome:
    seconds, cpu = (statistics.median(times) for times in zip(*((o.seconds, o.cpu_seconds) for o in outcomes), strict=True))
    return replace(outcomes[0], seconds=seconds, cpu_seconds=cpu)


def bench_step(count: int) -> None:
    """What a step of the simulated rig costs: 125 a second, everything on."""
    pictures = scene(count, LIVE_HZ)
    usual = PixelParams()
    cases = {"DAVIS346": usual, "still": usual, "with flicker": replace(usual, flicker_hz=100.0, flicker_depth=0.05)}
    for name, params in cases.items():
        shown = np.repeat(pictures[:1], count, 0) if name == "still" else pictures
        _exercise(shown[:3], LIVE_HZ, params)
        events, causes, seconds = _exercise(shown, LIVE_HZ, params)
        by_cause = ", ".join(f"{cause.name.lower()} {np.count_nonzero(causes == cause)}" for cause in Cause)
        print(
            f"step           {name}: {seconds / (count - 1) * 1e3:.2f} ms at {LIVE_HZ} steps/s "
            f"({seconds / (count - 1) * LIVE_HZ:.1%} of a core), {len(events) / (count - 1):.0f} events a step ({by_cause})"
        )


def _arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--v2e", type=Path, help="a checkout of v2e")
    parser.add_argument("--v2e-python", type=Path, help="the Python of v2e's environment")
    parser.add_argument("--frames", type=Path, help="uint8 [n, 260, 346] instead of the synthetic scene")
    parser.add_argument("--count", type=int, default=600, help="frames of the synthetic scene")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--hz", type=float, default=500, help="frames per second of scene time")
    wanted = parser.parse_args(arguments)
    if (wanted.v2e is None) != (wanted.v2e_python is None):
        parser.error("--v2e and --v2e-python belong together")
    return wanted


def main() -> None:
    """Run what was asked for."""
    wanted = _arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frames = wanted.frames or folder / "frames.npy"
        if not wanted.frames:
            np.save(frames, scene(wanted.count, wanted.hz))
        peer = Peer(wanted.v2e, wanted.v2e_python, folder) if wanted.v2e else None
        bench_step(wanted.count)
        for case, params in CASES.items():
            bench_case(case, params, frames, wanted, peer)
    print(DIFFERENCES if peer else "v2e was not run: --v2e CHECKOUT --v2e-python PYTHON; --help says how to get it.")


if __name__ == "__main__":
    main()
