"""How well the sheet of paper is seen in simulated takes.

    python benchmarks/paper.py [--data DIR ...] [--takes N]

DIR: data sets of `glimpse simulate`; without --data a small one is made first, of events alone. Events are fed in batches of
8 ms, as a camera gives them. Prints, over all takes: sheets that came or left unseen, sightings of what is none, the error of
t0 against the truth, how often the stated 95 % interval holds it, how much later a sheet is told than it left, and the
computer's time for a second of events.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from simulated import takes_of

from protocol.streams import Array, Stream
from recorder.dataset import TakeEntry
from recorder.paperwatch import PaperKind, PaperSighting, PaperWatch
from recorder.take import Take

BATCH_US = 8_000
NEAR_US = {PaperKind.IN: (-60_000, 250_000), PaperKind.OUT: (-60_000, 60_000)}  # the truth of `in` is its begin
TRUTH = {PaperKind.IN: "in_us", PaperKind.OUT: "out_us"}


@dataclass
class Score:
    """Lists over all takes; times in ms."""

    errors: list[float] = field(default_factory=list)
    inside: list[bool] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    sheets: int = 0
    missed: int = 0
    wrong: int = 0
    events_s: float = 0.0
    cpu_s: float = 0.0
    rate: float = 0.0  # millions of events a second

    def add(self, sightings: list[PaperSighting], paper: dict[str, Any]) -> None:
        """One take."""
        for kind in PaperKind:
            true_us = paper.get(TRUTH[kind])
            seen = [s for s in sightings if s.kind is kind]
            right = [s for s in seen if true_us is not None and NEAR_US[kind][0] < s.at_us - true_us < NEAR_US[kind][1]]
            self.sheets += true_us is not None
            self.missed += true_us is not None and not right
            self.wrong += len(seen) - len(right[:1])
            self.latencies += [(s.reported_us - s.at_us) / 1000 for s in right]
            if kind is PaperKind.OUT and right and true_us is not None:
                self.errors.append((right[0].at_us - true_us) / 1000)
                self.inside.append(abs(right[0].at_us - true_us) <= right[0].uncertainty_us)

    def tell(self) -> None:
        """Print it."""
        middle, most, worst = np.quantile(np.abs(self.errors), [0.5, 0.95, 1.0])
        print(f"sheets that came or left        {self.sheets}, missed {self.missed}, seen where there was none {self.wrong}")
        print(f"t0, error                       median {middle:.2f} ms, 95 % {most:.2f} ms, greatest {worst:.2f} ms")
        print(f"t0, mean of errors with sign    {np.mean(self.errors):+.2f} ms")
        print(f"stated 95 % interval holds t0   {100 * np.mean(self.inside):.0f} %")
        print(
            f"told after the edge has left    median {np.median(self.latencies):.0f} ms, at most {max(self.latencies):.0f} ms"
        )
        print(f"one core, at {self.rate:.2f} Mev/s         {100 * self.cpu_s / self.events_s:.1f} %")


def batches(events: Array) -> Iterator[Array]:
    """What a camera would have given at a time."""
    times = events["t"]
    cuts = np.searchsorted(times, np.arange(int(times[0]), int(times[-1]) + BATCH_US, BATCH_US))
    for first, last in zip(cuts, [*cuts[1:], len(events)], strict=True):
        yield events[first:last]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", help="data set of `glimpse simulate`; may be repeated")
    parser.add_argument("--takes", type=int, default=14, help="how many are made without --data")
    wishes = parser.parse_args()
    with takes_of(wishes.data, wishes.takes, "--seed", "71", "--no-rgb", "--no-thermal") as entries:
        _measure(entries)


def _measure(entries: Sequence[TakeEntry]) -> None:
    score, count = Score(), 0
    for entry in entries:
        with Take(entry.path) as take:
            truth = take.manifest.truth if take.manifest else None
            resolution, events = take.resolution(Stream.EVENTS), take.events()
        if not truth or not resolution or not len(events):
            continue
        watch, found = PaperWatch(resolution), []
        begin_s = time.process_time()
        for batch in batches(events):
            found += watch.feed(batch)
        score.cpu_s += time.process_time() - begin_s
        score.events_s += (int(events["t"][-1]) - int(events["t"][0])) / 1e6
        count += len(events)
        score.add(found, dict(truth.get("paper") or {}))
    if not count:
        sys.exit("There is no simulated take with events in these folders; make some with `glimpse simulate`.")
    score.rate = count / score.events_s / 1e6
    score.tell()


if __name__ == "__main__":
    main()
