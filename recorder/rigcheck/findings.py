"""One finding of the rig check, several together, and what of them goes into a take's manifest. Measures nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from protocol.analysis import Measure, Verdict
from protocol.streams import Stream
from recorder.measures.thresholds import Reading, Threshold, judged
from recorder.rigprofile import LensCalibration

# good: green; check: amber, one may start; redo: red, starting needs a confirmation; unknown: grey, cannot be told.
Level: TypeAlias = Verdict
_WORST_FIRST = (Level.REDO, Level.CHECK, Level.GOOD)


@dataclass(frozen=True)
class Check:
    """One thing looked at. value: None where there is no number; unit: "" for a bare one; sentence: the number and what to do;
    details: numbers behind it.
    """

    name: str
    level: Level
    value: float | None = None
    unit: str = ""
    sentence: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


def check_of(threshold: Threshold, reading: Reading) -> Check:
    """The check that a limit makes of what was measured."""
    found: Measure = judged(threshold, reading)
    return Check(found.name, found.verdict, found.value, found.unit, found.sentence, found.details)


def unknown(name: str, sentence: str, unit: str = "", **details: Any) -> Check:
    """Something that cannot be told now, and why."""
    return Check(name, Level.UNKNOWN, None, unit, sentence, details)


def worst(levels: Iterable[Level]) -> Level:
    """The worst of them; what is unknown says nothing unless all are."""
    found = set(levels)
    return next((level for level in _WORST_FIRST if level in found), Level.UNKNOWN)


def summary(checks: Sequence[Check]) -> Level:
    """The rig as a whole."""
    return worst(check.level for check in checks)


def to_manifest(
    checks: Sequence[Check], *, confirmed: bool, lenses: Mapping[Stream, LensCalibration] | None = None
) -> dict[str, Any]:
    """The manifest's `rig_check`, as JSON values. confirmed: the operator started a take although something was red; lenses: as
    calibrated, by which the verdict measures distances too.
    """
    profile = next((check for check in checks if check.name == "profile"), None)
    return {
        "level": summary(checks).value,
        "confirmed": confirmed,
        "checks": [_told(check) for check in checks],
        "deviations": list(profile.details.get("deviations", ())) if profile else [],
        "lenses": {stream.value: lens.model_dump(mode="json") for stream, lens in (lenses or {}).items()},
    }


def _told(check: Check) -> dict[str, Any]:
    value = None if check.value is None else round(float(check.value), 4)
    return {
        "name": check.name,
        "level": check.level.value,
        "value": value,
        "unit": check.unit,
        "sentence": check.sentence,
    }
