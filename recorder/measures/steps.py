"""The parts of a take that measures look at: behind the paper, quiet, after the cue. From the script's steps and the paper.

Knows no pictures and judges nothing. All times are int64 us of event time, ranges half open.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from protocol.analysis import PaperSeen
from protocol.manifest import Manifest
from protocol.streams import Array

# The hand that took the paper away is out of the picture, and the head has settled, this long after the paper has gone.
SETTLE_US = 300_000
# A subject takes the paper away 0.3 to 0.7 s after being told to (a reaction of 200 to 600 ms and the way of the hand), so
# where nobody saw it go, it is taken to be gone by then.
UNSEEN_PAPER_US = 1_200_000
# A spontaneous take lasts ten minutes. Of what is longer, the part about its middle event is judged: one event whose time is
# wildly wrong must not stretch a take over hours.
LONGEST_US = 900_000_000
LEAST_QUIET_US = 500_000  # a shorter stretch says nothing about rest

Range = tuple[int, int]


@dataclass(frozen=True)
class Phases:
    """Parts of a take; None for what it has not, or what is not known.

    judged: all that is looked at; covered: the paper covers the view; quiet: neutral face, from the paper's going to the cue;
    answer: from the cue to the stop; steps: those of the script, in time.
    """

    judged: Range
    covered: Range | None = None
    quiet: Range | None = None
    answer: Range | None = None
    steps: tuple[tuple[str, Range], ...] = ()

    @property
    def watched(self) -> Range:
        """Where the face was to be seen: from the paper's going on, else all that is judged."""
        end = self.judged[1]
        if self.quiet:
            return self.quiet[0], end
        if self.covered and self.covered[1] < end:
            return self.covered[1], end
        return self.answer or self.judged

    def rest(self, least_us: int) -> Range:
        """The quiet part where it is as long as that, else all of what was watched."""
        quiet = self.quiet
        return quiet if quiet and quiet[1] - quiet[0] >= least_us else self.watched


def judged_range(events: Array) -> Range | None:
    """From the first event to the last, at most LONGEST_US about the middle one; None without events.

    events: [n] of EVENT_DTYPE, sorted by time.
    """
    if not len(events):
        return None
    t = events["t"]
    if float(t[-1]) - float(t[0]) < LONGEST_US:  # as floats: times that lie may differ by more than 63 bits
        return int(t[0]), int(t[-1]) + 1
    middle = int(t[len(t) // 2])
    inside = t[(t >= middle - LONGEST_US // 2) & (t < middle + LONGEST_US // 2)]
    return int(inside[0]), int(inside[-1]) + 1


def within_reason(events: Array) -> Array:
    """The events of `judged_range`: a view, the very array where no time lies. events: [n] of EVENT_DTYPE, sorted by time."""
    judged = judged_range(events)
    return events if judged is None else slice_of(events, judged)


def phases(judged: Range, manifest: Manifest | None, paper: PaperSeen | None) -> Phases:
    """The parts of a take. paper: as the events show it, None where nobody looked; manifest: None for a take from elsewhere."""
    covered = _covered(judged, paper)
    if manifest is None:
        return Phases(judged, covered)
    steps = tuple((name, span) for name, span in _steps(manifest, judged) if span[0] < span[1])
    return Phases(judged, covered, _quiet(judged, manifest, paper), _answer(judged, manifest), steps)


def slice_of(events: Array, span: Range) -> Array:
    """The events within a range: a view. events: [n] of EVENT_DTYPE, sorted by time."""
    return events[slice(*np.searchsorted(events["t"], span))]


def _covered(judged: Range, paper: PaperSeen | None) -> Range | None:
    if paper is None or paper.in_us is None:
        return None
    out_us = judged[1] if paper.out_us is None else paper.out_us
    return _whole((max(paper.in_us, judged[0]), min(out_us, judged[1])))


def _steps(manifest: Manifest, judged: Range) -> Iterator[tuple[str, Range]]:
    ends = [step.at_us for step in manifest.steps[1:]] + [judged[1] if manifest.stop_us is None else manifest.stop_us]
    for step, end in zip(manifest.steps, ends, strict=False):
        yield step.step, (max(step.at_us, judged[0]), min(end, judged[1]))


def _quiet(judged: Range, manifest: Manifest, paper: PaperSeen | None) -> Range | None:
    if manifest.cue_us is None:
        return None
    if paper is not None and paper.out_us is not None:
        begin = paper.out_us + SETTLE_US
    elif paper is not None and paper.in_us is not None:
        return None  # it was never taken away
    elif manifest.t0_us is not None:
        begin = manifest.t0_us + SETTLE_US
    else:
        begin = judged[0] if manifest.t0_scheduled_us is None else manifest.t0_scheduled_us + UNSEEN_PAPER_US
    return _whole((max(begin, judged[0]), min(manifest.cue_us, judged[1])), LEAST_QUIET_US)


def _answer(judged: Range, manifest: Manifest) -> Range | None:
    if manifest.cue_us is None:
        return None
    stop_us = judged[1] if manifest.stop_us is None else manifest.stop_us
    return _whole((max(manifest.cue_us, judged[0]), min(stop_us, judged[1])))


def _whole(span: Range, least_us: int = 1) -> Range | None:
    return span if span[1] - span[0] >= least_us else None
