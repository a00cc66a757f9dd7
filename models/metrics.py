"""How good predictions are: accuracy, top-k, F1, recall, confusion, calibration, with intervals. NumPy only; knows no network.

y: true classes [n] int; scores: [n, K] probabilities, of which each row sums to 1.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

Z95 = 1.959963984540054  # standard normal quantile of 97.5 %
BINS = 10  # of a reliability diagram; Guo et al., On Calibration of Modern Neural Networks, ICML 2017, use 15 for larger sets
LEAST_P = 1e-12
RESAMPLES = 2_000


@dataclass(frozen=True)
class Share:
    """hits of count, with the 95 % interval of Wilson (1927, JASA 22): also right for few samples and shares near 0 or 1."""

    hits: int
    count: int

    @property
    def value(self) -> float | None:
        """The share itself; None of nothing."""
        return self.hits / self.count if self.count else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """(low, high) of the 95 % interval; None of nothing."""
        if not self.count:
            return None
        n, p, z2 = self.count, self.hits / self.count, Z95 * Z95
        middle = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = Z95 / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)


def top_k(y: Ints, scores: Floats, k: int) -> Share:
    """How often the true class is among the k highest scores; of equal scores the lower class counts as higher."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return Share(int((order == y[:, None]).any(axis=1).sum()), len(y))


def confusion(y: Ints, predicted: Ints, classes: int) -> Ints:
    """[classes, classes]: rows are true classes, columns what was predicted."""
    return np.bincount(y * classes + predicted, minlength=classes * classes).reshape(classes, classes).astype(np.int64)


def uf1(matrix: Ints) -> float | None:
    """Unweighted F1: the mean of the classes' F1 (MEGC 2019), over the classes that there are; None of nothing."""
    hits, seen, said = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
    there = seen > 0
    if not there.any():
        return None
    return float(np.mean(2 * hits[there] / (seen + said)[there]))


def uar(matrix: Ints) -> float | None:
    """Unweighted average recall: the mean of the classes' recalls, over the classes that there are; None of nothing."""
    seen = matrix.sum(axis=1)
    there = seen > 0
    return float(np.mean(matrix.diagonal()[there] / seen[there])) if there.any() else None


def log_loss(y: Ints, scores: Floats) -> float | None:
    """Mean of -ln of the true class's score; None of nothing."""
    return float(-np.log(np.maximum(scores[np.arange(len(y)), y], LEAST_P)).mean()) if len(y) else None


@dataclass(frozen=True)
class Reliability:
    """One bin of a reliability diagram: how sure the network was, and how often it was right."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def reliability(y: Ints, scores: Floats, bins: int = BINS) -> tuple[Reliability, ...]:
    """The bins that are not empty, by the score of the predicted class."""
    sure, right = scores.max(axis=1), scores.argmax(axis=1) == y
    place = np.minimum((sure * bins).astype(int), bins - 1)
    found = [(number, place == number) for number in range(bins) if bool((place == number).any())]
    return tuple(
        Reliability(number / bins, (number + 1) / bins, int(there.sum()), float(sure[there].mean()), float(right[there].mean()))
        for number, there in found
    )


def calibration_error(bins: Sequence[Reliability]) -> float | None:
    """Expected calibration error (Naeini et al., AAAI 2015): mean gap of confidence and accuracy; None of nothing."""
    total = sum(one.count for one in bins)
    return sum(one.count * abs(one.confidence - one.accuracy) for one in bins) / total if total else None


def paired_interval(first: NDArray[np.bool_], second: NDArray[np.bool_], seed: int = 0) -> tuple[float, float] | None:
    """95 % interval of the difference of two accuracies on the same samples [n], by bootstrap over the samples.

    A gain of the first is claimed only where it excludes 0. None of nothing.
    """
    if not len(first):
        return None
    difference = first.astype(float) - second.astype(float)
    rng = np.random.default_rng(seed)
    means = [float(difference[rng.integers(0, len(difference), len(difference))].mean()) for _ in range(RESAMPLES)]
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def smoothed(values: Sequence[float], weight: float = 0.6) -> tuple[float, ...]:
    """A curve as TensorBoard draws it: an exponential average, corrected for its beginning. weight: 0 leaves it as it is."""
    found, level, norm = [], 0.0, 0.0
    for value in values:
        level, norm = weight * level + (1 - weight) * value, weight * norm + (1 - weight)
        found.append(level / norm)
    return tuple(found)
