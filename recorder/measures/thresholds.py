"""How a measured value becomes a verdict and a sentence: what a limit is, and how it is looked up.

The rows themselves are in thresholds_table.py. Measures nothing.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from protocol.analysis import Measure, Verdict


@dataclass(frozen=True)
class Reading:
    """What a measure found. value: in the unit of its threshold, None where it could not be measured, which `unknown` tells in
    a sentence; details: numbers behind it, which its sentences may name.
    """

    value: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    unknown: str = ""


class Worse(StrEnum):
    """On which side of its limits a value is bad; NEVER: it is only told."""

    ABOVE = "above"
    BELOW = "below"
    NEVER = "never"


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """The limits of one measure.

    check, redo: the value from which on the verdict is that one, None where it never is; reason: why these numbers, with their
    source; good, bad, ruined: what the operator reads of a good take, from `check` on and from `redo` on (without it: bad),
    in which {value} and the names of the details are filled in.
    """

    name: str
    unit: str = ""
    worse: Worse = Worse.ABOVE
    check: float | None = None
    redo: float | None = None
    reason: str
    good: str
    bad: str = ""
    ruined: str = ""

    def verdict(self, value: float) -> Verdict:
        """What this value alone says of the take."""
        for verdict, limit in ((Verdict.REDO, self.redo), (Verdict.CHECK, self.check)):
            if limit is not None and (value >= limit if self.worse is Worse.ABOVE else value <= limit):
                return verdict
        return Verdict.GOOD

    def sentence(self, verdict: Verdict, reading: Reading) -> str:
        """What the operator reads."""
        text = {Verdict.GOOD: self.good, Verdict.CHECK: self.bad, Verdict.REDO: self.ruined or self.bad}[verdict]
        return text.format(**{**reading.details, "value": reading.value})


def judged(threshold: Threshold, reading: Reading) -> Measure:
    """The measure with its verdict and sentence. A value that is no number is unknown."""
    value, details = reading.value, dict(reading.details)
    if value is None or math.isnan(value):
        return Measure(name=threshold.name, unit=threshold.unit, sentence=reading.unknown, details=details)
    verdict = threshold.verdict(value)
    sentence = threshold.sentence(verdict, reading)
    return Measure(name=threshold.name, value=value, unit=threshold.unit, verdict=verdict, sentence=sentence, details=details)


def explained(threshold: Threshold) -> str:
    """Its limits and the reason for them, for whoever asks why."""
    unit = f" {threshold.unit}" if threshold.unit else ""
    levels = ((Verdict.CHECK, threshold.check), (Verdict.REDO, threshold.redo))
    side = "up" if threshold.worse is Worse.ABOVE else "down"
    limits = [f"{verdict.value} from {limit:g}{unit} {side}" for verdict, limit in levels if limit is not None]
    return f"{threshold.name}: {', '.join(limits) or 'told, never judged'}. {threshold.reason}"
