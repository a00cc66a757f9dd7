"""What the comparison of two coders says: points, parts and values as texts. Pure functions; no widget is touched."""

from typing import Any

from app.i18n import tr
from app.pages.label import compare_keys as _keys  # noqa: F401 (adds its rows to the table of keys)
from app.pages.label.compare import CompareModel
from app.pages.label.compare_case import LANDMARKS, Case, Part
from app.pages.label.queue_table import movement_name
from app.window.shortcuts import table
from protocol.adjudication import MISSING, NOISE, Disagreement
from protocol.labels import Interval


def part_name(name: str) -> str:
    """What a part is called."""
    words = {
        NOISE: tr("Noise"),
        MISSING: tr("Movement"),
        "kind": tr("Kind"),
        "movement": tr("Movement"),
        "action_units": tr("Action units"),
        "intensity": tr("Intensity"),
        "onset": tr("Onset"),
        "apex": tr("Apex"),
        "offset": tr("Offset"),
    }
    return words[name]


def point_text(point: Disagreement, zero_us: int) -> str:
    """A point of the list: where, what, in what they differ."""
    if NOISE in point.differs:
        return tr("Noise or not")
    one = point.first or point.second
    name = _what(one) if one else ""
    differs = (
        tr("only one has it") if MISSING in point.differs else ", ".join(part_name(each).lower() for each in point.differs)
    )
    where = "" if point.at_us is None else f"{(point.at_us - zero_us) / 1_000_000:.3f} s  "
    return f"{where}{name}: {differs}"


def _what(interval: Interval) -> str:
    units = "+".join(str(unit) for unit in interval.action_units)
    return movement_name(interval.movement) if interval.movement else f"AU {units}"


def time_text(at_us: int | None, zero_us: int) -> str:
    """Milliseconds from the instant that is shown as 0."""
    return "" if at_us is None else f"{(at_us - zero_us) / 1000:.1f}"


def value_text(part: Part, value: Any, zero_us: int) -> str:
    """What one coder, or the consensus, says of a part."""
    if part.name == NOISE:
        return "" if value is None else tr("noise") if value else tr("no noise")
    if part.name == MISSING:
        return _what(value) if isinstance(value, Interval) else ""
    if part.name in LANDMARKS:
        return time_text(value, zero_us) if isinstance(value, int) else tr("none")
    return _word(part.name, value)


def _word(name: str, value: Any) -> str:
    if name == "movement":
        return movement_name(value)
    if name == "action_units":
        return "+".join(str(unit) for unit in value or ())
    words = {"asked": tr("asked for"), "blink": tr("blink"), "other": tr("other")}
    return words.get(str(value), str(value)) if value is not None else tr("none")


def chosen_text(case: Case, part: Part, zero_us: int) -> str:
    """What the consensus says of a part."""
    if case.point is not None and case.left_out(case.point):
        return tr("left out")
    agreed = not part.differs and part.chosen is not None
    return value_text(part, part.chosen, zero_us) if part.settled or agreed else "?"


def apart_text(part: Part) -> str:
    """How far two landmarks lie apart."""
    if part.name in LANDMARKS and isinstance(part.first, int) and isinstance(part.second, int):
        return tr("{ms:.1f} ms apart").format(ms=abs(part.first - part.second) / 1000)
    return ""


def state_text(model: CompareModel) -> tuple[str, str]:
    """(how far the adjudication is, good, check or unknown)."""
    case = model.case
    if case is None:
        return "", "unknown"
    if case.points and case.open:
        text = tr("{open} of {n} disagreements to be decided")
        return text.format(open=case.open, n=len(case.points)), "check"
    if model.written:
        kept = tr("Everything is settled; the consensus is kept. {keys}: the next take that they differ in.")
        return kept.format(keys=table.first("compare.go_on")), "good"
    return tr("Both coders agree; keep the consensus ({keys}).").format(keys=table.first("compare.go_on")), "unknown"
