"""How honest the verdict on a take is: beside the truth of simulated takes, and beside a recorder that only counts.

    python benchmarks/quality.py [--data DIR ...] [--takes N] [--jobs N] [--why]

DIR: data sets of `glimpse simulate` with a share of mistakes; without --data a small one is made first. The peer is what
recorders do today: it looks whether all was written and whether there are holes, and knows nothing of faces. A take is bad
where the simulated subject made a mistake. Seconds are of the wall clock and, in brackets, of the processor. 150 takes:

    glimpse simulate quality --subjects 20 --takes 1 --seed 41 --noise-share 0.4
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from simulated import takes_of

from app.pool import Done, each_take
from protocol.analysis import QualityRecord, Verdict
from recorder.dataset import TakeEntry
from recorder.quality import assess, summarise
from recorder.take import Take

COUNTED = ("event_count", "ended_early", "records_lost", "event_gap", "rgb_lost", "rgb_gap", "thermal_lost", "thermal_gap")
LEVELS = (Verdict.GOOD, Verdict.CHECK, Verdict.REDO, Verdict.UNKNOWN)
GOOD = "no mistake"
FAINT = 0.4  # intensity below which a movement is faint: such a take may well be one to check
GOAL = 0.95
GOAL_S = 1.0


@dataclass(frozen=True)
class Judged:
    """One take. events: how many; wall_s, cpu_s: what the verdict took, reading included."""

    record: QualityRecord
    events: int
    wall_s: float
    cpu_s: float


@dataclass(frozen=True)
class Case:
    """One take beside its truth. peer: the verdict by counts alone."""

    entry: TakeEntry
    mistake: str
    intensity: float
    judged: Judged
    peer: Verdict

    @property
    def verdict(self) -> Verdict:
        """Ours."""
        return self.judged.record.verdict


def judge(path: Path) -> Judged:
    """The verdict on a take as the operator waits for it; nothing was computed of it before."""
    wall, cpu = time.perf_counter(), time.process_time()
    with Take(path) as take:
        record = assess(take)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        count = record.measure("event_count")
        return Judged(record, int(count.value or 0) if count else 0, wall, cpu)


def cases(done: Sequence[Done[Judged]]) -> list[Case]:
    """Every take that has a truth."""
    found = []
    for one in done:
        truth = one.entry.manifest.truth if one.entry.manifest else None
        if one.result is None or truth is None:
            sys.exit(f"{one.entry.path}: {one.problem or 'has no truth'}")
        peer = summarise(tuple(measure for measure in one.result.record.measures if measure.name in COUNTED)).verdict
        found.append(Case(one.entry, truth["mistake"] or GOOD, float(truth["intensity"] or 0), one.result, peer))
    return found


def table(found: Sequence[Case]) -> None:
    """Verdicts by kind of mistake."""
    print(f"\n{'':18}{'takes':>6}  {'':4}{'ours':<28}{'counts only':<24}")
    print(
        f"{'':18}{'':>6}  "
        + "".join(f"{level.value:>8}" for level in LEVELS)
        + "  "
        + "".join(f"{v.value:>7}" for v in LEVELS[:3])
    )
    rows = [(kind, [case for case in found if case.mistake == kind]) for kind in sorted({case.mistake for case in found})]
    faint = [case for case in found if case.mistake == GOOD and case.intensity < FAINT]
    for name, some in (*rows, (f"({GOOD}, faint)", faint)):
        ours, theirs = (Counter(verdicts) for verdicts in zip(*((case.verdict, case.peer) for case in some), strict=True))
        shown = "".join(f"{ours[level]:>8}" for level in LEVELS) + "  " + "".join(f"{theirs[level]:>7}" for level in LEVELS[:3])
        print(f"{name:18}{len(some):>6}  {shown}")


def goals(found: Sequence[Case]) -> None:
    """What was to be reached, and was."""
    bad = [case for case in found if case.mistake != GOOD]
    fine = [case for case in found if case.mistake == GOOD]
    print()
    for who in ("ours", "counts only"):
        told, kept, best = (
            [test(case.verdict if who == "ours" else case.peer) for case in some]
            for some, test in ((bad, _not_good), (fine, _not_redo), (fine, _good))
        )
        print(f"{who:12} {_share(told)} of the bad takes not called good, {_share(kept)} of the good ones not called redo")
        print(f"{'':12} (goal: {GOAL:.0%} each); {_share(best)} of the good ones called good")
    _times([case.judged for case in found])


def _good(verdict: Verdict) -> bool:
    return verdict is Verdict.GOOD


def _not_good(verdict: Verdict) -> bool:
    return verdict is not Verdict.GOOD


def _not_redo(verdict: Verdict) -> bool:
    return verdict is not Verdict.REDO


def _times(judged: Sequence[Judged]) -> None:
    walls, cpus = [one.wall_s for one in judged], [one.cpu_s for one in judged]
    shown = [f"{name} {of(walls):.2f} s ({of(cpus):.2f})" for name, of in (("median", np.median), ("p95", _p95), ("max", max))]
    events = np.median([one.events for one in judged]) / 1e6
    print(f"time a take: {', '.join(shown)}; goal {GOAL_S:g} s; median {events:.1f} M events")


def _p95(values: Sequence[float]) -> float:
    return float(np.percentile(values, 95))


def _share(flags: Sequence[bool]) -> str:
    return f"{np.mean(flags):6.1%} ({sum(flags)}/{len(flags)})" if flags else "     - "


def why(found: Sequence[Case]) -> None:
    """Which measures spoke, and each take that was judged wrongly."""
    for kind in sorted({case.mistake for case in found}):
        some = [case for case in found if case.mistake == kind]
        spoke = Counter(
            f"{m.name} {m.verdict.value}" for c in some for m in c.judged.record.measures if m.verdict in LEVELS[1:3]
        )
        print(f"\n{kind}: " + (", ".join(f"{name} {count}" for name, count in spoke.most_common()) or "nothing was said"))
        for case in some:
            if (case.verdict is Verdict.REDO) if kind == GOOD else (case.verdict in (Verdict.GOOD, Verdict.UNKNOWN)):
                print(f"  {case.entry.path}: {case.verdict.value}, intensity {case.intensity:.2f}: {_reasons(case)}")


def _reasons(case: Case) -> str:
    return " ".join(case.judged.record.reasons)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", help="data set of `glimpse simulate`; may be repeated")
    parser.add_argument("--takes", type=int, default=21, help="how many are made without --data")
    parser.add_argument("--jobs", type=int, default=1, help="takes at the same time (more than one disturbs the times)")
    parser.add_argument("--why", action="store_true", help="also which measures spoke, and what was judged wrongly")
    wishes = parser.parse_args()
    with takes_of(wishes.data, wishes.takes, "--seed", "41", "--noise-share", "0.4") as entries:
        _measure(entries, wishes.jobs, wishes.why)


def _measure(entries: Sequence[TakeEntry], jobs: int, tell: bool) -> None:
    run = partial(each_take, judge, jobs=jobs)
    if entries:
        judge(entries[0].path)  # compiled code is loaded, as in a program that has run for a while
    found = cases(run(entries, title="Judging"))
    print(f"{len(found)} takes, {sum(case.mistake != GOOD for case in found)} of them with a mistake")
    table(found)
    goals(found)
    if tell:
        why(found)


if __name__ == "__main__":
    main()
