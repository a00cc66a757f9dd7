"""Where in a take the face moves: onset, apex and offset of the movement after the cue, and everything else that moved.

From events alone; knows the cue and the movement that was asked for where a manifest tells them, and never a ground truth.
How it works: docs/methods/onset.md. For other modules: `suggest` gives the record, `examine` the record and the head's motion
(`spotting.headmotion.HeadMotion`: energy for each bin, `sustained()`) in one go; of a `Suggestion`, `strength` is the number of
events above what there is at rest, `duration_us` how long it took, `cued` whether it came after the cue
(candidates before it have False).
"""

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocol.analysis import OnsetRecord, Suggestion, SuggestionKind
from protocol.movement import BLINK
from protocol.streams import Array, Stream
from recorder.activity import clean_events, hot_pixels
from recorder.spotting.cells import BIN_US
from recorder.spotting.headmotion import HeadMotion
from recorder.spotting.kinds import Candidate
from recorder.spotting.search import LEAST_SPAN_US, Motion, search
from recorder.take import Take
from recorder.thinning import read_events

PIECE_US, OVERLAP_US = 40_000_000, 5_000_000  # longer recordings are searched in pieces: memory grows with their length
LONGEST_TAKE_US = 60_000_000  # up to here a take with a cue is searched as a whole
BEFORE_CUE_US, AFTER_CUE_US = 15_000_000, 20_000_000  # and beyond it about its cue
# A silence that ends a piece: fewer events in so long. A covered lens gives 400 (see measures/thresholds_table.py, event_rate).
GAP_US, GAP_EVENTS = 2_000_000, 100
LEAST_EVENTS = 300  # of a piece: a blink alone gives as many (see faces/blinks.py), and a still face thousands a second
# About an hour of recording, some minutes of work. A session's takes last seconds, a spontaneous one ten minutes.
MOST_PIECES = 100
SURE = 0.45  # confidence from which a movement is suggested
LISTED = 0.2  # and from which it is listed at all
# Nobody reacts to a cue sooner (simple visual reactions take 180 ms and more: Woods et al. 2015, Front. Hum. Neurosci. 9, 131).
SOONEST_US = 100_000
# Most people react within half a second; what comes later is less likely the answer to the cue. Log odds, from the regression.
EARLY_US, LATE_US = 900_000, 3_200_000
EARLY_ODDS, LATER_ODDS, LATE_ODDS = 0.9, -1.4, -2.0
BLINK_ODDS = 0.8  # two spots as far apart as eyes are, that shut and open, where a blink was asked for
# Blinks come by themselves every few seconds: one on command is expected within the usual time of reaction.
BLINK_LATEST_US = 1_200_000
FLOODED = "The take has so many events that a movement among them may have been missed."
TOO_LONG = "The recording is so long that only its busiest parts were searched; cut it into takes of some minutes."
SAME = 0.4  # share of their time in common from which two candidates are one


@dataclass(frozen=True)
class Question:
    """What is asked of a take. cue_us: None where it is not known; asked: token of the movement, None likewise."""

    cue_us: int | None = None
    stop_us: int | None = None
    asked: str | None = None

    @property
    def expected_us(self) -> tuple[int, int] | None:
        """When the movement is likely to begin, None where that is not known."""
        return None if self.cue_us is None else (self.cue_us, self.cue_us + EARLY_US)

    @property
    def blink_asked(self) -> bool:
        """Whether a blink is the movement."""
        return self.asked == BLINK.token


def suggest(
    source: Take | Array,
    resolution: tuple[int, int] | None = None,
    *,
    cue_us: int | None = None,
    asked: str | None = None,
    every: int = 1,
) -> OnsetRecord:
    """Where the face moves. source: a take, or events [n] of EVENT_DTYPE with their resolution (width, height).

    cue_us, asked: cue in event time and token of the movement, in place of the manifest's; every: the events are every so
    manieth of a flood of them (see `thinning.py`; of a take that is done here). Raises Aedat4Error where a take's events
    cannot be read at all.
    """
    return examine(source, resolution, cue_us=cue_us, asked=asked, every=every)[0]


def examine(
    source: Take | Array,
    resolution: tuple[int, int] | None = None,
    *,
    cue_us: int | None = None,
    asked: str | None = None,
    every: int = 1,
) -> tuple[OnsetRecord, tuple[HeadMotion, ...]]:
    """As `suggest`, with the head's motion: one for each piece of the take that was searched."""
    question = _question(source, cue_us, asked)
    events, size, every = _events(source, resolution, every)
    if not len(events):
        return OnsetRecord(cue_us=question.cue_us, reason="There are no events."), ()
    hot = hot_pixels(events, size)
    pieces, left_out = _pieces(events, question)
    motions = [search(events[piece.part], size, hot, piece.span_us, question.expected_us) for piece in pieces]
    if not motions:
        return OnsetRecord(cue_us=question.cue_us, reason="There are too few events to see a face by."), ()
    if not any(motion.seen_us >= LEAST_SPAN_US for motion in motions):
        return OnsetRecord(cue_us=question.cue_us, reason="The view is covered all the time."), _heads(motions)
    record = _of_flood(_answer(question, motions), every)
    return _remarked(record, TOO_LONG) if left_out else record, _heads(motions)


def _heads(motions: list[Motion]) -> tuple[HeadMotion, ...]:
    return tuple(motion.head for motion in motions)


def _question(source: Take | Array, cue_us: int | None, asked: str | None) -> Question:
    manifest = source.manifest if isinstance(source, Take) and source.manifest_problem is None else None
    if manifest is None:
        return Question(cue_us, None, asked)
    return Question(manifest.cue_us if cue_us is None else cue_us, manifest.stop_us, asked or manifest.movement)


def _events(source: Take | Array, resolution: tuple[int, int] | None, every: int) -> tuple[Array, tuple[int, int], int]:
    """Clean events, the size of their sensor, and which part of all they are. Where nothing tells the size, the events do."""
    events, every = read_events(source) if isinstance(source, Take) else (source, every)
    size = resolution or (source.resolution(Stream.EVENTS) if isinstance(source, Take) else None)
    if size is None:
        size = (max(int(events["x"].max()), 0) + 1, max(int(events["y"].max()), 0) + 1) if len(events) else (1, 1)
    return clean_events(events, size), size, every


@dataclass(frozen=True)
class _Piece:
    """A stretch of event time to be searched, [start, end), and which of the events lie in it."""

    span_us: tuple[int, int]
    part: slice

    @property
    def events(self) -> int:
        return int(self.part.stop - self.part.start)


def _pieces(events: Array, question: Question) -> tuple[list[_Piece], bool]:
    """What is searched, in time, and whether more than MOST_PIECES had to be left out."""
    found = [_piece(events["t"], span) for span in _spans(events["t"], question)]
    found = [piece for piece in found if piece.events >= LEAST_EVENTS]
    busiest = sorted(found, key=lambda piece: -piece.events)[:MOST_PIECES]
    return sorted(busiest, key=lambda piece: piece.span_us), len(busiest) < len(found)


def _piece(times: NDArray[np.int64], span: tuple[int, int]) -> _Piece:
    return _Piece(span, slice(bisect_left(times, span[0]), bisect_left(times, span[1])))  # searchsorted would copy all times


def _spans(times: NDArray[np.int64], question: Question) -> Iterator[tuple[int, int]]:
    """The stretches of event time without a long silence, none of them longer than LONGEST_TAKE_US. times: [n] sorted."""
    first, last = int(times[0]), int(times[-1]) + 1
    if question.cue_us is not None and last - first > LONGEST_TAKE_US:
        first = max(first, question.cue_us - BEFORE_CUE_US)
        last = min(last, question.cue_us + AFTER_CUE_US)
    marks = np.append(times[::GAP_EVENTS], times[-1])
    breaks = np.flatnonzero(np.diff(marks).view(np.uint64) > GAP_US)  # unsigned: times that lie may be over 63 bits apart
    edges = [int(marks[0])]
    for index in breaks:
        edges += [int(marks[index]) + 1, int(marks[index + 1])]
    edges.append(int(marks[-1]) + 1)
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        yield from _cut(max(begin, first), min(end, last), question.cue_us is not None)


def _cut(begin: int, end: int, whole: bool) -> Iterator[tuple[int, int]]:
    longest = LONGEST_TAKE_US if whole else PIECE_US
    while end - begin >= LEAST_SPAN_US:
        if end - begin <= longest:
            yield begin, end
            return
        yield begin, begin + longest
        begin += longest - OVERLAP_US


def _answer(question: Question, motions: list[Motion]) -> OnsetRecord:
    """The movements that were made, and all else that moved, in time."""
    candidates = _distinct([candidate for motion in motions for candidate in motion.candidates])
    rated = [(candidate, _confidence(question, candidate)) for candidate in candidates]
    chosen = [one for one in rated if one[1] >= SURE]
    if question.cue_us is not None and chosen:
        chosen = [max(chosen, key=lambda one: (round(one[1], 2), one[0].strength))]
    picked = {id(candidate) for candidate, _ in chosen}
    others = [_listed(question, candidate) for candidate in candidates if id(candidate) not in picked]
    return OnsetRecord(
        intervals=_in_time([_suggestion(question, one, sure, SuggestionKind.MOVEMENT) for one, sure in chosen]),
        candidates=_in_time([other for other in others if other.confidence >= LISTED]),
        cue_us=question.cue_us,
    )


def _confidence(question: Question, candidate: Candidate) -> float:
    """0 ... 1 that a candidate is the movement that was asked for (or, without a cue, a movement)."""
    kind = candidate.kind
    if kind not in (SuggestionKind.MOVEMENT, SuggestionKind.BLINK) or (
        kind is SuggestionKind.BLINK and not question.blink_asked
    ):
        return 0.0
    if question.cue_us is None:
        return candidate.likely
    late_us = candidate.landmarks.onset_us - question.cue_us
    if late_us < SOONEST_US or (kind is SuggestionKind.BLINK and late_us > BLINK_LATEST_US):
        return 0.0
    odds = math.log(candidate.likely / (1 - candidate.likely)) + _reaction_odds(late_us)
    if kind is SuggestionKind.BLINK and question.blink_asked:
        odds += BLINK_ODDS
    return 1 / (1 + math.exp(-odds))


def _reaction_odds(late_us: int) -> float:
    """Log odds by the time since the cue."""
    return EARLY_ODDS if late_us < EARLY_US else LATER_ODDS if late_us < LATE_US else LATE_ODDS


def _distinct(candidates: list[Candidate]) -> list[Candidate]:
    """Without those that overlap a more likely one: parts of the same movement, and what two pieces both found."""
    kept: list[Candidate] = []
    for one in sorted(candidates, key=lambda candidate: -candidate.likely * np.sqrt(candidate.shape.share)):
        if all(_common(one, other) < SAME for other in kept):
            kept.append(one)
    return kept


def _common(one: Candidate, other: Candidate) -> float:
    """Time in common by the shorter of both."""
    a, b = one.landmarks, other.landmarks
    shared = min(a.offset_us, b.offset_us) - max(a.onset_us, b.onset_us)
    return shared / max(min(a.offset_us - a.onset_us, b.offset_us - b.onset_us), BIN_US)


def _listed(question: Question, candidate: Candidate) -> Suggestion:
    return _suggestion(question, candidate, candidate.likely, candidate.kind)


def _suggestion(question: Question, candidate: Candidate, confidence: float, kind: SuggestionKind) -> Suggestion:
    marks, shape = candidate.landmarks, candidate.shape
    return Suggestion(
        onset_us=marks.onset_us,
        apex_us=marks.apex_us,
        offset_us=marks.offset_us,
        confidence=round(min(max(confidence, 0.0), 1.0), 3),
        kind=kind,
        strength=round(candidate.strength, 1),
        cued=question.cue_us is not None and marks.onset_us >= question.cue_us,
        details={
            "rise_score": round(candidate.pair.rise.score, 2),
            "fall_score": round(candidate.pair.fall.score, 2) if candidate.pair.fall else None,
            "share_of_view": round(shape.share, 4),
            "way_back": round(shape.back, 3),
        },
    )


def _of_flood(record: OnsetRecord, every: int) -> OnsetRecord:
    """What was found in every so manieth event, told as such."""
    if every == 1:
        return record
    intervals, candidates = (tuple(_of_part(one, every) for one in found) for found in (record.intervals, record.candidates))
    return _remarked(record.model_copy(update={"intervals": intervals, "candidates": candidates}), FLOODED)


def _remarked(record: OnsetRecord, reason: str) -> OnsetRecord:
    """With the reason for which nothing was found, where that is so."""
    return record if record.intervals else record.model_copy(update={"reason": reason})


def _of_part(one: Suggestion, every: int) -> Suggestion:
    return one.model_copy(update={"strength": one.strength * every, "details": {**one.details, "looked_at_every": every}})


def _in_time(suggestions: list[Suggestion]) -> tuple[Suggestion, ...]:
    return tuple(sorted(suggestions, key=lambda one: (one.onset_us, one.offset_us)))
