"""How far off the clocks are: synchronisation by the sheet of paper beside three ways of today, on the same simulated takes.

    python benchmarks/sync.py --data DIR [--data DIR ...] [--takes N] [--jobs N] [--no-paper]

DIR: data sets of `glimpse simulate` with colour and thermal camera; without --data a small one is made first (--takes of them).
The other ways: the host's time stamps alone; the first picture without paper, as it is done by hand (its event side is the
true instant, to be generous); the maximum of the cross-correlation of whole pictures' differences with event counts.
An error is that of the offset at t0, against the simulator's own clocks. --no-paper: instead what movement tells of each take
by itself, from what happens once the sheet has gone. 200 takes:

    for n in 1 2 3; do glimpse simulate sync/$n --subjects 10 --takes 1 --seed 9$n --option rgb_drop=0.05; done
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from simulated import takes_of

from app.pool import Done, each_take
from protocol.analysis import ClockAlignment, SyncFlag, SyncRecord
from protocol.manifest import Manifest
from protocol.streams import Stream
from recorder.dataset import TakeEntry
from recorder.sync import combine, gather_path, sync_takes
from recorder.take import Take

CAMERAS = (Stream.RGB, Stream.THERMAL)
GOALS_MS = {Stream.RGB: (1.0, 3.0), Stream.THERMAL: (5.0, None)}  # median and 95th percentile of the error
SMALL = (64, 48)
GONE = 0.1  # a picture shows no paper where it is less like the free face by less than this share of what paper makes
STEP_US = 500
SEARCH_US = 4_000_000
WEAK = {SyncFlag.NOT_SYNCHRONISED, SyncFlag.EVIDENCE_DISAGREES, SyncFlag.OFF_SESSION, SyncFlag.EVENTS_LATE}
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Peers:
    """Offsets (us) by the other ways, None where a way gives none; by camera."""

    offsets_us: dict[str, dict[str, float | None]]


@dataclass(frozen=True)
class Pictures:
    """A camera's pictures, small and grey: stream_us [n], host_us [n], images [n, h, w]."""

    stream_us: Floats
    host_us: Floats
    images: NDArray[np.float32]


def peers(path: Path) -> Peers:
    """What the other ways say of one take."""
    with Take(path) as take:
        assert take.manifest is not None
        assert take.manifest.truth is not None
        events_us = take.events()["t"]
        found = {}
        for stream in CAMERAS:
            if stream not in take.frame_table or not take.count(stream):
                continue
            pictures = _pictures(take, stream)
            found[stream.value] = {
                "host time stamps": _by_host(take.manifest, pictures),
                "first picture without paper": _by_first_picture(take.manifest.truth, pictures),
                "cross-correlation": _by_correlation(events_us, pictures),
            }
        return Peers(found)


def _pictures(take: Take, stream: Stream) -> Pictures:
    rows = take.frame_table[stream]
    images = [_small(image) for _, image in take.frames(stream)]
    count = min(len(images), len(rows))
    return Pictures(
        rows["stream_us"][:count].astype(float), rows["host_ns"][:count] / 1000, np.array(images[:count], np.float32)
    )


def _small(image: NDArray[Any]) -> NDArray[np.float32]:
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image
    return np.asarray(cv2.resize(grey.astype(np.float32), SMALL, interpolation=cv2.INTER_AREA), np.float32)


def _by_host(manifest: Manifest, pictures: Pictures) -> float | None:
    """A picture's time is when it came, on the event clock by the events' own arrivals."""
    fit = manifest.streams["events"].clock_fit
    if fit is None:
        return None
    stream, host = (np.array(column, float) for column in zip(*fit.pairs, strict=True))
    event_us = pictures.host_us + np.median(stream - host / 1000)
    return float(np.median(event_us - pictures.stream_us))


def _by_first_picture(truth: Mapping[str, Any], pictures: Pictures) -> float | None:
    """The first picture without paper is the one at t0. A person sees that the paper covers a lot, then nothing."""
    covered_us, t0_us, clock = truth["paper"]["in_us"], truth["t0_us"], truth["clocks"]
    if covered_us is None or t0_us is None or not clock:
        return None
    # A person sees what is in a picture, not how bright it is: auto-exposure takes some pictures to settle.
    images = pictures.images.reshape(len(pictures.images), -1)
    likeness = np.corrcoef(np.vstack([np.median(images[-len(images) // 4 :], axis=0), images]))[0, 1:]
    usual, least = np.median(likeness), likeness.min()
    covered = np.flatnonzero(likeness < (usual + least) / 2)
    if not len(covered):
        return None
    after = np.arange(len(images)) > covered[-1]
    gone = np.flatnonzero(after & (likeness > usual - GONE * (usual - least)))
    return float(t0_us - pictures.stream_us[gone[0]]) if len(gone) else None


def _by_correlation(events_us: NDArray[np.int64], pictures: Pictures) -> float | None:
    """Log of the change from picture to picture against log of the events meanwhile, at steps of half a millisecond."""
    if len(pictures.stream_us) < 10:
        return None
    change = np.log1p(np.abs(np.diff(pictures.images, axis=0)).mean(axis=(1, 2)))
    change -= change.mean()
    first = float(events_us[0])
    counts = np.bincount(((events_us - events_us[0]) // STEP_US).astype(np.int64))
    total = np.concatenate([[0.0], np.cumsum(counts)])
    rough = first - pictures.stream_us[0]
    offsets = rough + np.arange(-SEARCH_US, SEARCH_US, STEP_US)
    scores = [_correlation(pictures.stream_us + offset - first, change, total) for offset in offsets]
    return float(offsets[int(np.argmax(scores))])


def _correlation(at_us: Floats, change: Floats, total: Floats) -> float:
    place = np.clip(at_us / STEP_US, 0, len(total) - 1)
    events = np.log1p(np.diff(np.interp(place, np.arange(len(total)), total)))
    events -= events.mean()
    return float(events @ change / (np.linalg.norm(events) * np.linalg.norm(change) + 1e-9))


@dataclass(frozen=True)
class Case:
    """One camera of one take. error_us: of ours, None where it gave no offset; others_us: of the other ways."""

    stream: Stream
    mistake: str | None
    interval_us: float
    found: ClockAlignment
    error_us: float | None
    drift_error_ppm: float | None
    others_us: dict[str, float | None]

    @property
    def flagged(self) -> bool:
        """Whether the result itself says that it should not be relied on."""
        return self.found.status.value in ("host", "none") or bool(WEAK & set(self.found.flags))


def cases(entries: Sequence[TakeEntry], ours: Sequence[Done[SyncRecord]], others: Sequence[Done[Peers]]) -> list[Case]:
    """Every camera of every take that has a truth."""
    found = []
    for entry, mine, theirs in zip(entries, ours, others, strict=True):
        if mine.result is None or theirs.result is None or entry.manifest is None or not entry.manifest.truth:
            sys.exit(f"{entry.path}: {mine.problem or theirs.problem or 'has no truth'}")
        for stream in CAMERAS:
            alignment = mine.result.rgb if stream is Stream.RGB else mine.result.thermal
            if alignment is not None and stream.value in entry.manifest.truth["clocks"]:
                found.append(_case(stream, entry.manifest, alignment, theirs.result.offsets_us.get(stream.value, {})))
    return found


def _case(stream: Stream, manifest: Manifest, found: ClockAlignment, others: dict[str, float | None]) -> Case:
    truth: Any = manifest.truth
    clock = truth["clocks"][stream.value]
    true_us, drift = clock["offset_us"], clock["drift_ppm"]
    if found.reference_us is not None:  # the offset changes by the drift from the true reference to the one that was used
        reference_us = truth["t0_us"] if truth["t0_us"] is not None else manifest.streams["events"].first_us or 0
        true_us += drift * 1e-6 * (found.reference_us - reference_us)
    record = manifest.streams[stream.value]
    span = (record.last_us or 0) - (record.first_us or 0)
    return Case(
        stream,
        truth["mistake"],
        span / max(record.written - 1, 1),
        found,
        None if found.offset_us is None else found.offset_us - true_us,
        None if found.drift_ppm is None else found.drift_ppm - drift,
        {name: None if value is None else value - true_us for name, value in others.items()},
    )


def _line(name: str, errors_us: Iterable[float | None], beside: float | None = None) -> float:
    known = np.array([abs(error) / 1000 for error in errors_us if error is not None])
    if not len(known):
        print(f"  {name:32} no result")
        return float("nan")
    median, late, worst = np.median(known), np.percentile(known, 95), known.max()
    ratio = f"  {median / beside:6.1f} x ours" if beside else ""
    print(f"  {name:32} n {len(known):4}  median {median:8.2f} ms  p95 {late:8.2f} ms  max {worst:9.2f} ms{ratio}")
    return float(median)


def report(stream: Stream, found: Sequence[Case]) -> None:
    """Print what came out for one camera."""
    goal = GOALS_MS[stream]
    print(f"\n{stream.value}: {len(found)} takes; goal: median <= {goal[0]} ms" + (f", p95 <= {goal[1]} ms" if goal[1] else ""))
    paper = [case for case in found if case.found.status.value == "paper"]
    ours = _line("ours, by the paper", [case.error_us for case in paper])
    for name in next(iter(found)).others_us:
        _line(name, [case.others_us[name] for case in paper], ours)
    for status in ("motion", "host", "none"):
        some = [case for case in found if case.found.status.value == status]
        if some:
            _line(f"ours, by {status}", [case.error_us for case in some])
    _intervals(found)
    drifts = [abs(case.drift_error_ppm) for case in found if case.drift_error_ppm is not None]
    if drifts:
        print(f"  drift: error median {np.median(drifts):.1f} ppm, p95 {np.percentile(drifts, 95):.1f} ppm")


def _intervals(found: Sequence[Case]) -> None:
    def share(some: Sequence[Case]) -> str:
        stated = [case for case in some if case.error_us is not None and case.found.uncertainty_us is not None]
        inside = [abs(case.error_us or 0) <= (case.found.uncertainty_us or 0) for case in stated]
        widths = [(case.found.uncertainty_us or 0) / 1000 for case in stated]
        return (
            f"{100 * np.mean(inside):.1f} % of {len(stated)} (median half width {np.median(widths):.1f} ms)" if stated else "-"
        )

    for status in ("paper", "motion", "host"):
        some = [case for case in found if case.found.status.value == status]
        if some:
            print(f"  truth within the stated 95 % interval, {status}: {share(some)}")
    print(f"  truth within the stated 95 % interval, all: {share(found)} (accepted: 90 to 99 %)")
    wrong = [case for case in found if case.error_us is not None and abs(case.error_us) > case.interval_us / 2]
    silent = [case for case in wrong if not case.flagged]
    print(f"  off by more than half a picture's interval: {len(wrong)}, of these not flagged: {len(silent)} (goal: 0)")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", help="data set of `glimpse simulate`; may be repeated")
    parser.add_argument("--takes", type=int, default=14, help="how many are made without --data")
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--no-paper", action="store_true", help="what movement tells of each take by itself")
    wishes = parser.parse_args()
    with takes_of(wishes.data, wishes.takes, "--seed", "91", "--option", "rgb_drop=0.05") as entries:
        _measure(entries, wishes.jobs, by_paper=not wishes.no_paper)


def _measure(entries: Sequence[TakeEntry], jobs: int | None, *, by_paper: bool) -> None:
    run: Callable[..., list[Done[Any]]] = partial(each_take, jobs=jobs)
    others = run(peers, entries, "Other ways") if by_paper else [Done(entry, Peers({})) for entry in entries]
    ours = sync_takes(entries, partial(run, title="Ours")) if by_paper else _by_movement(entries, run)
    found = cases(entries, ours, others)
    print(f"{len(entries)} takes, {sum(case.mistake is not None for case in found) // 2} of them with a mistake")
    for stream in CAMERAS:
        some = [case for case in found if case.stream is stream]
        if some:
            report(stream, some)


def _by_movement(entries: Sequence[TakeEntry], run: Callable[..., list[Done[Any]]]) -> list[Done[SyncRecord]]:
    """Each take by itself, as if it had no paper."""
    done = run(partial(gather_path, by_paper=False), entries, title="By movement")
    return [one if one.result is None else replace(one, result=combine([one.result])[0]) for one in done]


if __name__ == "__main__":
    main()
