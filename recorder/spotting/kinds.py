"""What a stretch of motion is: a movement, a blink, the head, something else; and how sure that is.

The weights are those of a logistic regression on simulated takes (see docs/methods/onset.md). Knows no script and no file.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from protocol.analysis import SuggestionKind
from recorder.spotting.cells import Bools, Cells
from recorder.spotting.landmarks import Landmarks, counted, landmarks_of, lid_landmarks
from recorder.spotting.lids import at_eyes, blink_of, eyes_of, two_spots
from recorder.spotting.pairs import Pair
from recorder.spotting.shape import Shape, shape_of

# Logistic regression on the candidates of simulated takes (17 subjects, 99 movements and 266 others); see `_evidence`.
BIAS = -1.2
WEIGHTS = (0.24, 0.64, 0.60, -0.69, 1.42, -0.79)
SLOW_US = 250_000  # what takes longer from rest to apex is more likely what is left of the head's sway
# A turning head moves half of all patches at once, over all of its width: in simulated takes it was 5 to 28 times the usual,
# a third to three quarters of the view, and 11 to 16 cells wide; a dropping jaw reaches the ratio, but is 3 to 4 cells wide.
HEAD_RATIO, HEAD_SHARE, HEAD_WIDTH = 5.0, 0.3, 9.0 / 44
HEAD_US = 400_000  # and it takes its time
EYE_BLINKS = 3  # that say where the eyes are
FAINT = 0.5  # of the events of a usual blink: spontaneous ones close the eyes nearly or wholly
BESIDE_US, AFTER_BLINK_US = 30_000, 80_000  # the end of a blink is slow, and found early
GLANCE_PAUSE = 1.2  # eyes look aside in 20 to 60 ms and stay there for 200 to 600 ms


@dataclass(frozen=True)
class Candidate:
    """A stretch of motion with its landmarks. likely: 0 ... 1 that something in the face really moved; strength: events above
    what there is at rest; found: `pair` as it was before it was taken for a blink; faint: a blink far fainter than the others.
    """

    pair: Pair
    shape: Shape
    kind: SuggestionKind
    landmarks: Landmarks
    likely: float
    strength: float
    found: Pair
    faint: bool = False


def candidate_of(cells: Cells, seen: Bools, pair: Pair) -> Candidate:
    """What a movement out and back is. seen: bool [C], cells in which something ever changes."""
    shape = shape_of(cells, seen, pair)
    likely = likelihood(shape, pair.rise.length * cells.bin_us)
    strength = _strength(cells, pair)
    if two_spots(cells, pair, shape):
        blink = blink_of(cells, pair)
        if blink:
            return Candidate(blink, shape, SuggestionKind.BLINK, lid_landmarks(cells, blink), likely, strength, pair)
    return Candidate(pair, shape, _kind(cells, pair, shape), landmarks_of(cells, pair), likely, strength, pair)


def with_eyes(cells: Cells, candidates: list[Candidate]) -> list[Candidate]:
    """The same candidates, judged anew by where the eyes are: where the surest blinks of the take were."""
    blinks = sorted((one for one in candidates if one.kind is SuggestionKind.BLINK), key=lambda one: -one.shape.sure)
    if not blinks:
        return candidates
    eyes = eyes_of(cells, [one.pair for one in blinks[:EYE_BLINKS]])
    usual = float(np.median([_lid_way(cells, one, eyes) for one in blinks]))
    judged = [_by_eyes(cells, one, eyes, usual) for one in candidates]
    shut = [one.landmarks for one in judged if one.kind is SuggestionKind.BLINK and not one.faint]
    return [_beside_blinks(one, shut) for one in judged]


def _beside_blinks(one: Candidate, shut: list[Landmarks]) -> Candidate:
    """What moves only while the lids do goes with them: glasses that mirror, cheeks."""
    marks = one.landmarks
    inside = any(
        marks.onset_us > blink.onset_us - BESIDE_US and marks.offset_us < blink.offset_us + BESIDE_US + AFTER_BLINK_US
        for blink in shut
    )
    return replace(one, kind=SuggestionKind.OTHER) if inside and one.kind is SuggestionKind.MOVEMENT else one


def _by_eyes(cells: Cells, one: Candidate, eyes: Bools, usual: float) -> Candidate:
    """usual: events of a blink of this take at the eyes."""
    if one.kind is SuggestionKind.BLINK and not at_eyes(one.pair, eyes):
        return replace(one, kind=SuggestionKind.MOVEMENT, landmarks=landmarks_of(cells, one.found), pair=one.found)
    if one.kind is SuggestionKind.BLINK:
        return replace(one, faint=_lid_way(cells, one, eyes) < FAINT * usual)
    if one.kind is not SuggestionKind.MOVEMENT or not at_eyes(one.pair, eyes):
        return one
    blink = blink_of(cells, replace(one.pair, mask=one.pair.mask | eyes))
    if blink is None:
        return one
    return replace(one, pair=blink, kind=SuggestionKind.BLINK, landmarks=lid_landmarks(cells, blink))


def _lid_way(cells: Cells, one: Candidate, eyes: Bools) -> float:
    """Events at the eyes while the lids move, above what there is otherwise."""
    low, high = max(0, int(one.pair.begin)), max(int(one.pair.end), int(one.pair.begin) + 1)
    return float(counted(cells, eyes, low, high)[low:high].sum())


def likelihood(shape: Shape, rise_us: float) -> float:
    """0 ... 1 that something in the face moved and came back. rise_us: from rest to apex."""
    score = BIAS + sum(weight * value for weight, value in zip(WEIGHTS, _evidence(shape, rise_us), strict=True))
    return 1.0 / (1.0 + math.exp(-score))


def _evidence(shape: Shape, rise_us: float) -> tuple[float, ...]:
    return (
        _log(shape.sure, 10, (1, 300)),
        _log(shape.share, 0.05, (0.005, 0.5)),
        _log(shape.height, 50, (5, 2000)),
        abs(_log(shape.back, 1, (0.1, 10))),
        _log(shape.balance, 0.5, (0.02, 1)),
        max(0.0, math.log(max(rise_us, 1) / SLOW_US)),
    )


def _log(value: float, unit: float, bounds: tuple[float, float]) -> float:
    return math.log(min(max(value, bounds[0]), bounds[1]) / unit)


def _kind(cells: Cells, pair: Pair, shape: Shape) -> SuggestionKind:
    wide = shape.share > HEAD_SHARE and shape.width > HEAD_WIDTH * cells.grid[1]
    if shape.head > HEAD_RATIO and wide and pair.end - pair.begin > cells.bins_of(HEAD_US):
        return SuggestionKind.HEAD
    if pair.fall is None or (two_spots(cells, pair, shape) and shape.pause > GLANCE_PAUSE):
        return SuggestionKind.OTHER
    return SuggestionKind.MOVEMENT


def _strength(cells: Cells, pair: Pair) -> float:
    """Events in the cells that take part, from onset to offset, above what there is at rest."""
    low, high = max(0, int(pair.begin)), min(cells.bins, int(pair.end) + 1)
    there = cells.events @ pair.mask.astype(np.float32)
    rest = cells.usable.copy()
    rest[low:high] = False
    usual = float(there[rest].mean()) if rest.any() else 0.0
    return max(0.0, float(there[low:high].sum()) - usual * (high - low))
