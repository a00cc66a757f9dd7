"""How benchmarks/resemblance.py fits the classifier and how it judges it: logistic regression, folds of subjects, calibration.

Arrays in, arrays out: it knows no events and no files.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recorder.measures.resemblance import Classifier

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
STEPS = 400
LEAST_SPREAD = 1e-3  # of a feature that hardly ever differs
TEMPERATURES = np.geomspace(0.25, 4.0, 65)


@dataclass(frozen=True)
class Samples:
    """x: [n, N] features; made: [n] number of the movement; subject: [n]; intensity: [n]; first: [n] whether it is the
    first of the varied copies of its clip; head: [n].
    """

    x: Floats
    made: Ints
    subject: Ints
    intensity: Floats
    first: NDArray[np.bool_]
    head: NDArray[np.str_]

    def of(self, chosen: NDArray[np.bool_]) -> "Samples":
        """Some of them."""
        return Samples(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def fit(samples: Samples, movements: tuple[str, ...], ridge: float) -> Classifier:
    """Multinomial logistic regression with an L2 penalty of the weights, by Nesterov's accelerated gradient; classes weigh
    the same. ridge: the penalty's factor, for features of unit spread.
    """
    centre, spread = samples.x.mean(axis=0), samples.x.std(axis=0) + LEAST_SPREAD
    x = (samples.x - centre) / spread
    wanted = np.eye(len(movements))[samples.made]
    weight = (1 / wanted.sum(axis=0))[samples.made] / len(movements)
    weights, bias = _descend(x, wanted, weight, ridge)
    return Classifier(movements, centre, spread, weights, bias, 1.0, 0.0, {})


def _descend(x: Floats, wanted: Floats, weight: Floats, ridge: float) -> tuple[Floats, Floats]:
    """The bias is a weight of a feature that is always 1, without penalty."""
    x = np.column_stack([x, np.ones(len(x))])
    penalty = np.append(np.full(x.shape[1] - 1, ridge), 0.0)[:, None]
    steepest = 0.5 * float(np.linalg.eigvalsh((x * weight[:, None]).T @ x)[-1]) + ridge  # bound of the curvature
    now = before = np.zeros((x.shape[1], wanted.shape[1]))
    pace = 1.0
    for _ in range(STEPS):
        next_pace = (1 + np.sqrt(1 + 4 * pace * pace)) / 2
        ahead = now + (pace - 1) / next_pace * (now - before)
        slope = x.T @ ((softmax(x @ ahead) - wanted) * weight[:, None]) + penalty * ahead
        before, now, pace = now, ahead - slope / steepest, next_pace
    return now[:-1], now[-1]


def softmax(scores: Floats) -> Floats:
    """Probabilities [n, K] of scores [n, K]."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def folded(samples: Samples, movements: tuple[str, ...], ridge: float, folds: int) -> Floats:
    """Logarithms of p [n, K] of each sample by a classifier that has seen nothing of its subject (at temperature 1)."""
    subjects = np.unique(samples.subject)
    fold = np.searchsorted(subjects, samples.subject) % folds
    p = np.zeros((len(samples.made), len(movements)))
    for number in range(folds):
        p[fold == number] = fit(samples.of(fold != number), movements, ridge).probabilities(samples.x[fold == number])
    return np.log(np.maximum(p, np.finfo(float).tiny))


def log_loss(log_p: Floats, made: Ints) -> float:
    """Mean surprise at what was made, in natural units."""
    return float(-log_p[np.arange(len(made)), made].mean())


def best_temperature(log_p: Floats, made: Ints) -> float:
    """Of the least log loss (Guo et al. 2017)."""
    losses = [log_loss(np.log(np.maximum(softmax(log_p / t), 1e-300)), made) for t in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


def calibration_error(p: Floats, made: Ints, bins: int = 10) -> float:
    """Expected calibration error (Guo et al. 2017): how far the greatest probability is from how often it is right."""
    confidence, right = p.max(axis=1), p.argmax(axis=1) == made
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    parts = [(bin_of == b) for b in range(bins) if (bin_of == b).any()]
    return float(sum(abs(confidence[part].mean() - right[part].mean()) * part.mean() for part in parts))


def flagged(p: Floats, made: Ints, limit: float) -> tuple[float, float]:
    """(of right movements, of wrong ones) the share whose asked movement has less than that probability.

    A right one is asked what it made; a wrong one each of the other movements, all as likely: so mistakes are drawn.
    """
    below = p < limit
    right = below[np.arange(len(made)), made]
    wrong = (below.sum(axis=1) - right) / (p.shape[1] - 1)
    return float(right.mean()), float(wrong.mean())


def limit_for(p: Floats, made: Ints, share: float) -> float:
    """The limit below which that share of right movements lies."""
    return float(np.quantile(p[np.arange(len(made)), made], share))
