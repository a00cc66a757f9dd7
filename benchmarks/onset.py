"""How well onset, apex and offset are suggested: beside two ways of today, on the same simulated takes.

    python benchmarks/onset.py [--data DIR ...] [--takes N] [--jobs N] [--each] [--before-cue]

DIR: data sets of `glimpse simulate`; without --data a small one is made first. Peers: the take's whole event rate above a
threshold, and the difference of colour pictures from the neutral face, where there are pictures, at their true times. Errors
are of the takes whose interval was found (intersection over union of at least a half). A take without movement is one of the
mistake "none". Takes whose paper never left show nothing and are left out. --before-cue: what is suggested where the take is
cut off at its cue and a cue is pretended 2.2 s earlier: nothing but habits happens there. For many takes without pictures:

    glimpse simulate onset --subjects 20 --takes 1 --seed 51 --noise-share 0.3 --no-rgb --no-thermal
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from simulated import takes_of

from app.pool import each_take
from protocol.manifest import Manifest
from protocol.streams import Stream
from recorder.onset import suggest
from recorder.take import Take

SPREADS = 6.0  # of the peers' thresholds, in median absolute deviations of the second before the cue
BEFORE_US = 1_000_000
RATE_BIN_US, RATE_SMOOTH = 10_000, 3
PICTURE = (160, 120)
PRETENDED_US = 2_200_000  # before the cue: all of it after the paper, also with short scripts
ALIKE = 0.5  # intersection over union
BANDS = ((0.0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.01))
GOAL = "goal from 0.4 up: onset 10 / 40, apex 25, offset 30 ms, F1 0.90; false suggestions below 5 %"

Interval = tuple[int, int, int]


@dataclass(frozen=True)
class Case:
    """One take. found: for each way the suggested interval (onset, apex, offset in us), None where it found none."""

    movement: str
    mistake: str | None
    intensity: float
    truth: Interval | None
    found: dict[str, Interval | None]
    cpu_s: float
    events: int
    early: bool | None = None  # whether something is suggested before the cue; None where it was not tried


def measure(path: Path, before_cue: bool = False) -> Case | None:
    """One take, None where it has no truth or no cue, or was never to be seen."""
    with Take(path) as take:
        manifest = take.manifest
        truth: Any = manifest.truth if manifest else None
        if manifest is None or not truth or manifest.cue_us is None or truth["mistake"] == "paper_left_in":
            return None
        begun = time.process_time()
        record = suggest(take)
        cpu_s = time.process_time() - begun
        one = record.intervals[0] if record.intervals else None
        found = {"glimpse": (one.onset_us, one.apex_us, one.offset_us) if one else None, "event rate": _by_rate(take, manifest)}
        if take.count(Stream.RGB):
            found["pictures"] = _by_pictures(take, manifest)
        made = None if truth["onset_us"] is None else (truth["onset_us"], truth["apex_us"], truth["offset_us"])
        name = truth["movement"] or manifest.movement
        early = _suggested_before(take, manifest) if before_cue else None
        return Case(name, truth["mistake"], truth["intensity"], made, found, cpu_s, take.count(Stream.EVENTS), early)


def _suggested_before(take: Take, manifest: Manifest) -> bool | None:
    """Whether anything is suggested in the stretch before the cue; None where somebody talked or turned away there."""
    truth: Any = manifest.truth
    cue_us = manifest.cue_us or 0
    pretended_us = cue_us - PRETENDED_US
    if any(other["onset_us"] < cue_us and other["offset_us"] > pretended_us for other in truth["others"]):
        return None
    events, size = take.events(None, cue_us), take.resolution(Stream.EVENTS)
    return bool(suggest(events, size, cue_us=pretended_us, asked=manifest.movement).intervals)


def _by_rate(take: Take, manifest: Manifest) -> Interval | None:
    """Where the number of events is above the threshold."""
    cue_us = manifest.cue_us or 0
    events = take.events(cue_us - BEFORE_US, manifest.stop_us)
    if not len(events):
        return None
    rate = np.bincount((events["t"] - (cue_us - BEFORE_US)) // RATE_BIN_US).astype(float)
    rate = np.convolve(rate, np.ones(RATE_SMOOTH) / RATE_SMOOTH, "same")
    times = cue_us - BEFORE_US + np.arange(len(rate)) * RATE_BIN_US
    return _above(times, rate, cue_us)


def _by_pictures(take: Take, manifest: Manifest) -> Interval | None:
    """Where pictures differ from the neutral face, at the times that the true clock gives them."""
    truth: Any = manifest.truth
    clock, cue_us = truth["clocks"]["rgb"], manifest.cue_us or 0
    reference = truth["t0_us"] or manifest.start_us or 0
    stream = take.frame_times(Stream.RGB).astype(np.int64)
    shifted = stream + clock["offset_us"]
    times = shifted + np.round(clock["drift_ppm"] * 1e-6 * (shifted - reference)).astype(np.int64)
    chosen = np.flatnonzero((times >= cue_us - BEFORE_US) & (times < (manifest.stop_us or times[-1])))
    if len(chosen) < 5:
        return None
    pictures = [_small(image) for _, image in take.frames(Stream.RGB, int(stream[chosen[0]]), int(stream[chosen[-1]]) + 1)]
    times = times[chosen][: len(pictures)]
    before = [picture for picture, t in zip(pictures, times, strict=True) if t < cue_us]
    neutral = np.mean(before or pictures[:1], axis=0)
    return _above(times, np.array([np.abs(picture - neutral).mean() for picture in pictures]), cue_us)


def _small(image: NDArray[Any]) -> NDArray[np.float32]:
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.resize(grey, PICTURE, interpolation=cv2.INTER_AREA), np.float32)


def _above(times: NDArray[np.int64], level: NDArray[np.float64], cue_us: int) -> Interval | None:
    """First and last time above a threshold learnt before the cue, with the highest between: those around the highest."""
    before, after = times < cue_us, np.flatnonzero(times >= cue_us)
    if not before.any() or not len(after):
        return None
    middle = float(np.median(level[before]))
    limit = middle + SPREADS * max(float(np.median(np.abs(level[before] - middle))), 1e-6)
    peak = int(after[np.argmax(level[after])])
    if level[peak] <= limit:
        return None
    low, high = peak, peak
    while low - 1 >= after[0] and level[low - 1] > limit:
        low -= 1
    while high + 1 < len(level) and level[high + 1] > limit:
        high += 1
    return int(times[low]), int(times[peak]), int(times[high])


# --- the statistics


def overlap(one: Interval, other: Interval) -> float:
    """Intersection over union of two intervals."""
    shared = min(one[2], other[2]) - max(one[0], other[0])
    return max(0, shared) / max(max(one[2], other[2]) - min(one[0], other[0]), 1)


def line(name: str, cases: Sequence[Case], way: str) -> str:
    """What a way found of these takes: F1 of intervals, then errors in ms, median and 95th percentile."""
    mine = [case for case in cases if way in case.found]
    made = [case for case in mine if case.truth]
    said = [case for case in mine if case.found[way]]
    right = [case for case in made if (found := case.found[way]) and case.truth and overlap(found, case.truth) >= ALIKE]
    precision, recall = len(right) / max(len(said), 1), len(right) / max(len(made), 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    errors = np.array([[a - b for a, b in zip(case.found[way] or (), case.truth or (), strict=True)] for case in right]) / 1000
    parts = [f"{name:<22} {len(made):>5} {f1:>6.2f} {recall:>6.2f}"]
    for column in range(3):
        size = np.abs(errors[:, column]) if len(right) else np.full(1, np.nan)
        parts.append(f"{np.median(size):>7.1f} {np.quantile(size, 0.95):>7.1f}")
    return "  ".join(parts)


def report(cases: Sequence[Case], per_take: bool) -> None:
    """The tables."""
    errors = "  ".join(f"{name:>7} {'p95':>7}" for name in ("onset", "apex", "offset"))
    head = f"{'':<22} {'takes':>5} {'F1':>6} {'recall':>6}  {errors}"
    clear = [case for case in cases if not case.truth or case.intensity >= 0.4]
    for way in ("glimpse", "event rate", "pictures"):
        if any(way in case.found for case in cases):
            print(f"\n{way}\n{head}")
            print(line("all", cases, way))
            print(line("0.4 and stronger", clear, way))
            _false(cases, way)
    ways = [("intensity", _bands(cases)), ("movement", _groups(cases, lambda case: case.movement))]
    ways.append(("mistake", _groups(cases, lambda case: case.mistake or "no mistake")))
    for title, groups in ways:
        print(f"\nglimpse by {title}\n{head}")
        for name, group in groups:
            print(line(name, group, "glimpse"))
    tried = [case for case in cases if case.early is not None]
    if tried:
        print(
            f"\nbefore the cue: {len(tried)} stretches of 2.2 s, with a suggestion: {sum(bool(case.early) for case in tried)}"
        )
    cpu = [case.cpu_s for case in cases]
    print(f"\n{GOAL}\nprocessor time a take: median {np.median(cpu):.2f} s, most {max(cpu):.2f} s, reading included")
    if per_take:
        _each(cases)


def _false(cases: Sequence[Case], way: str) -> None:
    none = [case for case in cases if case.truth is None and way in case.found]
    if none:
        wrong = sum(case.found[way] is not None for case in none)
        print(f"takes without movement: {len(none)}, with a false suggestion: {wrong} ({wrong / len(none):.0%})")


def _bands(cases: Sequence[Case]) -> list[tuple[str, list[Case]]]:
    made = [case for case in cases if case.truth]
    return [
        (f"{low:.1f} ... {min(high, 1):.1f}", [case for case in made if low <= case.intensity < high]) for low, high in BANDS
    ]


def _groups(cases: Sequence[Case], key: Callable[[Case], str]) -> list[tuple[str, list[Case]]]:
    return [(name, [case for case in cases if key(case) == name]) for name in sorted({key(case) for case in cases})]


def _each(cases: Sequence[Case]) -> None:
    for case in cases:
        found = case.found["glimpse"]
        errors = "none" if not found else "false" if not case.truth else ""
        if found and case.truth:
            errors = " ".join(f"{(a - b) / 1000:.0f}" for a, b in zip(found, case.truth, strict=True))
        print(f"{case.movement:<16} {case.intensity:.2f} {case.mistake or '-':<15} {errors}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", help="data set of `glimpse simulate`; may be repeated")
    parser.add_argument("--takes", type=int, default=14, help="takes of the data set that is made where none is given")
    parser.add_argument("--jobs", type=int, default=None, help="processes, default: as many as there are cores")
    parser.add_argument("--each", action="store_true", help="also one line a take")
    parser.add_argument(
        "--before-cue", action="store_true", help="also the stretch before the cue, where nothing is to be found"
    )
    wishes = parser.parse_args()
    with takes_of(wishes.data, wishes.takes, "--seed", "51", "--noise-share", "0.2") as entries:
        done = each_take(partial(measure, before_cue=wishes.before_cue), entries, "Searching", wishes.jobs)
    cases = [one.result for one in done if one.result is not None]
    if not cases:
        sys.exit("There is no take with a truth and a cue; give a folder of `glimpse simulate`.")
    report(cases, wishes.each)


if __name__ == "__main__":
    main()
