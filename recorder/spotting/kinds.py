"""What a stretch of motion is: a movement, a blink, the head, something else; and how sure that is.

The weights are those of a logistic regression on simulated takes (see docs/methods/onset.md). Knows no script and no file.
"""

import math
from dataclasses import dataclass

from protocol.analysis import SuggestionKind
from recorder.spotting.cells import Bools, Cells
from recorder.spotting.landmarks import Landmarks, landmarks_of, lid_landmarks
from recorder.spotting.lids import blink_of, two_spots
from recorder.spotting.pairs import Pair
from recorder.spotting.shape import Shape, shape_of

# sure, share, height, back, pause, balance: see `_evidence`
BIAS = 0.0
WEIGHTS = (1.1, 1.1, 0.0, -0.2, 0.0, 0.8)
# A turning head moves half of all patches at once: 5 and more in simulated takes, movements of the whole lower face up to 5.
HEAD_RATIO, HEAD_SHARE = 5.0, 0.3
GLANCE_PAUSE = 1.2  # eyes look aside in 20 to 60 ms and stay there for 200 to 600 ms


@dataclass(frozen=True)
class Candidate:
    """A stretch of motion with its landmarks. likely: 0 ... 1 that something in the face really moved; strength: events above
    what there is at rest.
    """

    pair: Pair
    shape: Shape
    kind: SuggestionKind
    landmarks: Landmarks
    likely: float
    strength: float


def candidate_of(cells: Cells, seen: Bools, pair: Pair) -> Candidate:
    """What a movement out and back is. seen: bool [C], cells in which something ever changes."""
    shape = shape_of(cells, seen, pair)
    likely = likelihood(shape)
    strength = _strength(cells, pair)
    if two_spots(cells, pair, shape):
        blink = blink_of(cells, pair)
        if blink:
            return Candidate(blink, shape, SuggestionKind.BLINK, lid_landmarks(cells, blink), likely, strength)
    return Candidate(pair, shape, _kind(cells, pair, shape), landmarks_of(cells, pair), likely, strength)


def likelihood(shape: Shape) -> float:
    """0 ... 1 that something in the face moved and came back."""
    score = BIAS + sum(weight * value for weight, value in zip(WEIGHTS, _evidence(shape), strict=True))
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, score))))


def _evidence(shape: Shape) -> tuple[float, ...]:
    return (
        math.log(max(shape.sure, 0.5) / 10),
        math.log(max(shape.share, 0.005) / 0.05),
        math.log(max(shape.height, 1.0) / 50),
        abs(math.log(min(max(shape.back, 0.1), 10.0))),
        math.log(shape.pause + 0.2),
        math.log(max(shape.balance, 0.02) / 0.5),
    )


def _kind(cells: Cells, pair: Pair, shape: Shape) -> SuggestionKind:
    if shape.head > HEAD_RATIO and shape.share > HEAD_SHARE:
        return SuggestionKind.HEAD
    if pair.fall is None or (two_spots(cells, pair, shape) and shape.pause > GLANCE_PAUSE):
        return SuggestionKind.OTHER
    return SuggestionKind.MOVEMENT


def _strength(cells: Cells, pair: Pair) -> float:
    """Events in the cells that take part, from onset to offset, above what there is at rest."""
    low, high = max(0, int(pair.begin)), min(cells.bins, int(pair.end) + 1)
    there = cells.events[:, pair.mask].sum(axis=1)
    rest = cells.usable.copy()
    rest[low:high] = False
    usual = float(there[rest].mean()) if rest.any() else 0.0
    return max(0.0, float(there[low:high].sum()) - usual * (high - low))
