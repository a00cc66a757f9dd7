"""Which movement was made, as far as its events tell, and whether it resembles the one that was asked for.

For the operator's verdict, right after a take: a linear classifier of which every weight can be looked at. It must not know
takes, scripts or pictures; recognition proper is another matter, on another floor.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocol.analysis import FaceBox
from protocol.errors import GlimpseError
from protocol.streams import Array
from recorder.measures.resemblance_features import LEAST_EYES_PX, N_FEATURES, Anchor, features, see, window

WEIGHTS = ("quality", "resemblance.json")  # below assets/; made by benchmarks/resemblance.py
FORMAT, VERSION = "glimpse-resemblance", 1
Interval = tuple[int, int, int]


class ResemblanceError(GlimpseError):
    """Weights that are not there or not for this program."""


@dataclass(frozen=True)
class Resemblance:
    """What a movement looks like.

    p: probability of each movement, were all equally likely beforehand; they sum to 1; asked: the one that was asked for;
    likeliest: the one of the greatest probability; margin: natural logarithm of how many times as likely the asked one is as
    the likeliest of the others, below 0 where another is likelier; unlike: whether the asked one is so improbable that the
    operator should look.
    """

    p: Mapping[str, float]
    asked: str
    likeliest: str
    margin: float
    unlike: bool

    @property
    def p_asked(self) -> float:
        """Probability of the movement that was asked for."""
        return self.p[self.asked]


@dataclass(frozen=True)
class Classifier:
    """Multinomial logistic regression (Hastie, Tibshirani & Friedman 2009, The Elements of Statistical Learning, 4.4):
    p = softmax(((x - centre) / spread @ weights + bias) / temperature), the temperature after Guo et al. 2017, ICML.

    movements: K tokens; centre, spread: [N]; weights: [N, K]; bias: [K]; unlike_below: probability of the asked movement under
    which a take is called unlike; card: what it was fitted to and how well it did.
    """

    movements: tuple[str, ...]
    centre: NDArray[np.float64]
    spread: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    temperature: float
    unlike_below: float
    card: Mapping[str, Any]

    def probabilities(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """[..., K] of features [..., N]."""
        scores = ((x - self.centre) / self.spread @ self.weights + self.bias) / self.temperature
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float64)


def resemblance(
    events: Array, resolution: tuple[int, int], interval: Interval, face: FaceBox | None, asked: str
) -> Resemblance | None:
    """Whether the movement in an interval looks like the one asked for.

    events: [n] of EVENT_DTYPE, in any order, of the interval and some 0.3 s before it, more does no harm; resolution: (width,
    height) of their sensor; interval: (onset_us, apex_us, offset_us); face: in pixels of the events. None where it cannot be
    judged: no face or a tiny one, times that make no movement, no change beyond chance, a movement that it does not know.
    """
    judge = classifier()
    onset_us, apex_us, offset_us = interval
    if asked not in judge.movements or face is None or not onset_us <= apex_us <= offset_us or onset_us == offset_us:
        return None
    anchor = Anchor.of(face)
    if not anchor.unit_px >= LEAST_EYES_PX:
        return None
    near = _on_sensor(window(events, onset_us, offset_us), resolution)
    x = features(see(near, anchor, onset_us, apex_us, offset_us))
    return None if x is None else _judged(judge, x, asked)


def _on_sensor(events: Array, resolution: tuple[int, int]) -> Array:
    """Without what a damaged file puts beside the sensor."""
    inside = (events["x"] >= 0) & (events["x"] < resolution[0]) & (events["y"] >= 0) & (events["y"] < resolution[1])
    return events if inside.all() else events[inside]


def _judged(judge: Classifier, x: NDArray[np.float64], asked: str) -> Resemblance:
    chances = judge.probabilities(x).tolist()
    p = dict(zip(judge.movements, chances, strict=True))
    likeliest = max(p, key=lambda token: p[token])
    other = max(chance for token, chance in p.items() if token != asked)
    least = np.finfo(float).tiny
    margin = math.log(max(p[asked], least)) - math.log(max(other, least))
    return Resemblance(p, asked, likeliest, margin, p[asked] < judge.unlike_below)


@lru_cache(maxsize=1)
def classifier() -> Classifier:
    """The one that ships with Glimpse. Raises ResemblanceError where its file is missing or damaged."""
    path = files("assets").joinpath(*WEIGHTS)
    try:
        return read_classifier(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ResemblanceError(f"{path}: cannot be read ({error.strerror}); install Glimpse again.") from error


def read_classifier(text: str) -> Classifier:
    """From JSON text. Raises ResemblanceError for what is no classifier of these features."""
    try:
        said = json.loads(text)
        if (said["format"], said["version"]) != (FORMAT, VERSION):
            raise ValueError("of another format or version")
        arrays = {name: np.array(said[name], np.float64) for name in ("centre", "spread", "weights", "bias")}
        _check_shapes(arrays, len(said["movements"]))
        return Classifier(
            movements=tuple(said["movements"]),
            **arrays,
            temperature=float(said["temperature"]),
            unlike_below=float(said["unlike_below"]),
            card=said["card"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ResemblanceError(f"The weights of the resemblance are not usable ({error}); install Glimpse again.") from error


def _check_shapes(arrays: Mapping[str, NDArray[np.float64]], movements: int) -> None:
    wanted = {"centre": (N_FEATURES,), "spread": (N_FEATURES,), "weights": (N_FEATURES, movements), "bias": (movements,)}
    for name, shape in wanted.items():
        if arrays[name].shape != shape:
            raise ValueError(f"{name} has the shape {arrays[name].shape}, not {shape}")
