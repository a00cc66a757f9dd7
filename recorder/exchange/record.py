"""Labels taken apart and put together again: as cells of a table, as JSON, and from whatever somebody else wrote.

Nothing here raises for bad content: what cannot be a label becomes a finding. Knows no file.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from protocol.labels import BadCoderName, Interval, LabelSet, check_coder
from protocol.movement import BLINK
from protocol.schema import describe
from recorder.exchange.base import Finding, Labelled, Read, Recording

SET_COLUMNS = ("take", "coder", "created_at", "noise", "noise_reason", "set_more")
INTERVAL_COLUMNS = (
    "interval",
    "kind",
    "movement",
    "action_units",
    "onset_us",
    "apex_us",
    "offset_us",
    "intensity",
    "confidence",
    "onset_origin",
    "apex_origin",
    "offset_origin",
    "note",
    "interval_more",
)
COLUMNS = (*SET_COLUMNS, *INTERVAL_COLUMNS)
TIMES = ("onset_us", "apex_us", "offset_us")
_PLAIN = {"id", "kind", "movement", "action_units", *TIMES, "intensity", "confidence", "note"}
_LANDMARKS = ("onset", "apex", "offset")


def dump(value: Any) -> str:
    """JSON in one line of ASCII."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def load(text: str | None) -> dict[str, Any] | None:
    """The JSON object in a text, None where there is none."""
    try:
        value = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def head(labels: LabelSet) -> dict[str, Any]:
    """All of the labels but the intervals."""
    return labels.model_dump(mode="json", by_alias=True, exclude={"intervals"})


def body(interval: Interval) -> dict[str, Any]:
    """An interval as JSON."""
    return interval.model_dump(mode="json", by_alias=True)


def set_cells(one: Labelled) -> dict[str, str]:
    """The columns that say whose labels these are, of which take, and whether it is noise."""
    labels = one.labels
    plain = LabelSet(coder=labels.coder, created_at=labels.created_at)
    more = _differing(head(labels), head(plain), {"noise"})
    if labels.noise and labels.noise.model_extra:
        more["noise"] = labels.noise.model_dump(mode="json")
    return {
        "take": one.take,
        "coder": labels.coder,
        "created_at": labels.created_at.isoformat(),
        "noise": "" if labels.noise is None else str(labels.noise.is_noise).lower(),
        "noise_reason": "" if labels.noise is None else labels.noise.reason,
        "set_more": dump(more) if more else "",
    }


def interval_cells(interval: Interval) -> dict[str, str | int]:
    """The columns of an interval."""
    whole = body(interval)
    least = Interval(id="x", movement="smile", onset_us=0, offset_us=0)
    more = _differing(whole, body(least), {*_PLAIN, "origin"})
    if interval.origin.model_extra:
        more["origin"] = whole["origin"]
    return {
        "interval": interval.id,
        "kind": interval.kind.value,
        "movement": interval.movement or "",
        "action_units": "+".join(map(str, interval.action_units)),
        **{column: "" if (t_us := getattr(interval, column)) is None else t_us for column in TIMES},
        "intensity": interval.intensity or "",
        "confidence": "" if interval.confidence is None else repr(interval.confidence),
        **{f"{mark}_origin": getattr(interval.origin, mark).value for mark in _LANDMARKS},
        "note": interval.note,
        "interval_more": dump(more) if more else "",
    }


def _differing(whole: Mapping[str, Any], least: Mapping[str, Any], known: set[str]) -> dict[str, Any]:
    return {key: value for key, value in whole.items() if key not in known and value != least.get(key, ...)}


def kind_of(movement: str | None, asked: str | None) -> str:
    """The kind of an interval of which it was not told: a blink is one in passing unless the take was made for it."""
    return "blink" if movement == BLINK.token and asked != BLINK.token else "asked"


def set_fields(cells: Mapping[str, str | None]) -> dict[str, Any]:
    """What the columns of `set_cells` say, for `Gathered.head`. Raises ValueError naming the column that cannot be."""
    noise: dict[str, Any] | None = None
    if text := (cells.get("noise") or "").strip().lower():
        if text not in ("true", "false", "1", "0"):
            raise ValueError(f"noise is {text[:20]!r}, neither true nor false")
        noise = {"is_noise": text in ("true", "1"), "reason": cells.get("noise_reason") or ""}
    told = {"created_at": cells.get("created_at"), "noise": noise, **(load(cells.get("set_more")) or {})}
    return {key: value for key, value in told.items() if value not in (None, "")}


def interval_fields(cells: Mapping[str, str | None]) -> dict[str, Any]:
    """What the columns of `interval_cells` say. Raises ValueError naming the column that cannot be."""
    confidence = cells.get("confidence") or ""
    return {
        "id": cells.get("interval") or "",
        **({"kind": kind} if (kind := cells.get("kind")) else {}),
        "movement": cells.get("movement") or None,
        "action_units": tuple(_whole("action_units", part) for part in (cells.get("action_units") or "").split("+") if part),
        **{column: None if not (text := cells.get(column)) else _whole(column, text) for column in TIMES},
        "intensity": cells.get("intensity") or None,
        "confidence": _share(confidence) if confidence else None,
        "origin": {mark: origin for mark in _LANDMARKS if (origin := cells.get(f"{mark}_origin"))},
        "note": cells.get("note") or "",
        **(load(cells.get("interval_more")) or {}),
    }


def _whole(column: str, text: str) -> int:
    try:
        return int(text.strip())
    except ValueError:
        rounded = "e" in text.lower() or "." in text
        why = "rounded, as spreadsheets do with long numbers" if rounded else "no whole number"
        raise ValueError(f"{column} is {text[:40]!r}, {why}") from None


def _share(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"confidence is {text[:40]!r}, no number") from None


class Gathered:
    """Collects intervals and puts label sets together; keeps the findings."""

    def __init__(self, coder: str, created_at: datetime) -> None:
        """coder, created_at: of labels that do not say whose they are and when they were made."""
        self._coder, self._created_at = coder, created_at
        self._heads: dict[tuple[str, str], dict[str, Any]] = {}
        self._intervals: dict[tuple[str, str], dict[str, Interval]] = {}
        self._findings: list[Finding] = []

    def say(self, place: str, problem: str, action: str) -> None:
        """Note a finding; the same one only once."""
        finding = Finding(place, problem, action)
        if finding not in self._findings:
            self._findings.append(finding)

    def head(self, take: str, coder: str | None, told: Mapping[str, Any], place: str) -> str | None:
        """Begin the labels of a coder (default: the one of this import) on a take; what was told first holds.

        The coder's name to add intervals under; None where it is not one, which is a finding.
        """
        name = coder or self._coder
        try:
            check_coder(name)
        except BadCoderName:
            self.say(place, f"{name[:40]!r} is no coder's name", "left out")
            return None
        self._heads.setdefault((take, name), {"created_at": self._created_at, **told, "coder": name})
        return name

    def add(self, take: str, coder: str, fields: Mapping[str, Any], place: str) -> None:
        """Add an interval (keys of Interval; an id where there is none); mends or leaves out what cannot be."""
        known = self._intervals.setdefault((take, coder), {})
        data = dict(fields)
        if not isinstance(data.get("id"), str) or not data["id"]:
            data["id"] = f"import-{len(known) + 1}"
        if data["id"] in known:
            data["id"] = self._other_id(str(data["id"]), known, place)
        interval = self._interval(data, place)
        if interval is not None:
            known[interval.id] = interval

    def _other_id(self, wanted: str, known: Mapping[str, Interval], place: str) -> str:
        number = next(n for n in range(2, len(known) + 3) if f"{wanted[:56]}-{n}" not in known)
        other = f"{wanted[:56]}-{number}"
        self.say(place, f"the id {wanted!r} is used twice", f"called {other!r}")
        return other

    def _interval(self, data: dict[str, Any], place: str) -> Interval | None:
        onset, apex, offset = (data.get(column) for column in TIMES)
        if onset is None or offset is None:
            self.say(place, f"there is no {'onset' if onset is None else 'offset'}", "left out")
            return None
        numbers = all(isinstance(t_us, int) for t_us in (onset, apex, offset))
        if numbers and onset <= offset and not onset <= apex <= offset:
            self.say(place, f"the apex ({apex} us) lies outside {onset} to {offset} us", "read without its apex")
            data["apex_us"] = None
        try:
            return Interval.model_validate(data)
        except ValidationError as error:
            self.say(place, describe(error), "left out")
            return None

    def inside(self, fields: Mapping[str, Any], recording: Recording, place: str) -> None:
        """A finding for landmarks outside the recording; they are kept."""
        if recording.first_us is None or recording.last_us is None:
            return
        for column in TIMES:
            t_us = fields.get(column)
            if isinstance(t_us, int) and not recording.first_us <= t_us <= recording.last_us:
                self.say(place, f"the {column.removesuffix('_us')} lies outside the recording", "kept")

    def result(self) -> Read:
        """The label sets, in the order in which they began, and the findings."""
        made = (self._set(take, coder, told) for (take, coder), told in self._heads.items())
        labelled = tuple(one for one in made if one is not None)
        return labelled, tuple(self._findings)

    def _set(self, take: str, coder: str, told: Mapping[str, Any]) -> Labelled | None:
        intervals = tuple(self._intervals.get((take, coder), {}).values())
        for attempt in (told, {"coder": coder, "created_at": self._created_at}):
            try:
                return Labelled(take, LabelSet.model_validate({**attempt, "intervals": intervals}))
            except ValidationError as error:
                self.say(f"{take}, {coder}", describe(error), "what the file says of the labels as a whole was left out")
        return None
