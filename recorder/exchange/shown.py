"""For formats whose times are coarser than ours: what was shown, kept beside the exact record, so that a later change is seen.

The record is JSON: {"shown": [...], "interval": {...}}. As long as the other program shows the same, the record holds.
"""

from collections.abc import Sequence
from typing import Any

from protocol.labels import Interval
from recorder.exchange.base import Recording
from recorder.exchange.record import TIMES, Gathered, body, dump, kind_of, load
from recorder.exchange.units import label_text, parse_label


def record(interval: Interval, shown: Sequence[int | float]) -> str:
    """The exact record of an interval of which onset and offset are shown as these numbers."""
    return dump({"shown": [*shown, label_text(interval)], "interval": body(interval)})


def fields(
    gathered: Gathered,
    place: str,
    text: str | None,
    shown: Sequence[int | float],
    times_us: Sequence[int],
    label: str,
    asked: str | None,
) -> dict[str, Any] | None:
    """The interval (keys of Interval) of an annotation with this record, or of a foreign one without.

    shown, label: what it shows now; times_us: onset and offset by that; asked: the movement that the take
    was made for. None where it is no label, which is a finding.
    """
    known = load(text)
    if known is None or not isinstance(known.get("interval"), dict) or not isinstance(known.get("shown"), list):
        return _foreign(gathered, place, times_us, label, asked)
    told = dict(known["interval"])
    if known["shown"] == [*shown, label]:
        return told
    if known["shown"][:2] != list(shown):
        told |= {"onset_us": times_us[0], "offset_us": times_us[1]}
        gathered.say(place, f"its times were changed to {shown[0]} and {shown[1]}", "the change counts")
    if known["shown"][2:] != [label] and (changed := _foreign(gathered, place, times_us, label, asked)) is not None:
        told |= {"movement": changed["movement"], "action_units": changed["action_units"]}
        gathered.say(place, f"it was changed to {label[:40]!r}", "the change counts")
    return told


def _foreign(gathered: Gathered, place: str, times_us: Sequence[int], label: str, asked: str | None) -> dict[str, Any] | None:
    movement, units = parse_label(label)
    if units.lost:
        gathered.say(place, units.lost, "kept in the note" if units.numbers else "left out")
    if movement is None and not units.numbers:
        return None
    note = label if units.lost else ""
    times = {"onset_us": times_us[0], "apex_us": None, "offset_us": times_us[1]}
    told = {"movement": movement, "action_units": units.numbers, "intensity": units.intensity, "note": note}
    return {**times, **told, "kind": kind_of(movement, asked)}


def check(gathered: Gathered, recording: Recording, told: dict[str, Any], place: str) -> None:
    """A finding for what lies outside of the recording."""
    if all(isinstance(told.get(column), int | None) for column in TIMES):
        gathered.inside(told, recording, place)
