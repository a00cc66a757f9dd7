"""A BORIS project (.boris, JSON): one observation a take and coder, one pair of state events an interval.

Friard & Gamba, "BORIS", Methods in Ecology and Evolution 7(11), 2016; project format 7.0. Times are seconds from the first
picture of the video. The exact record is in the comment of an interval's first event, so that nothing is lost.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from protocol.labels import Interval
from protocol.movement import ALL
from recorder.exchange import shown
from recorder.exchange.base import Book, ExchangeError, Labelled, Read, Recording, Report, read_bytes, write_bytes
from recorder.exchange.record import Gathered, dump, head, load
from recorder.exchange.units import label_text

FORMAT = "7.0"
APEX = "apex"  # a point event of its own, for whoever looks at it in BORIS
STATE, POINT = "State event", "Point event"
NOT_A_NUMBER = "NA"
PLAYERS = 8  # a BORIS observation has room for so many media players
HEAD = "glimpse"  # key of an observation that keeps the labels as a whole


def write(path: Path, labels: Sequence[Labelled], book: Book) -> Report:
    """Write one project for all takes and coders. Loses nothing. Raises ExchangeError."""
    observations = {f"{one.take} {one.labels.coder}": _observation(one, book.get(one.take)) for one in labels}
    codes = sorted({label_text(interval) for one in labels for interval in one.labels.intervals})
    behaviours = [*codes, *(movement.token for movement in ALL if movement.token not in codes), APEX]
    project = {
        "time_format": "hh:mm:ss",
        "project_date": _newest(labels),
        "project_name": "Glimpse labels",
        "project_description": "",
        "project_format_version": FORMAT,
        "subjects_conf": {},
        "behaviors_conf": {str(index): _behaviour(code) for index, code in enumerate(behaviours)},
        "observations": observations,
        "behavioral_categories": [],
        "behavioral_categories_config": {},
        "independent_variables": {},
        "coding_map": {},
        "behaviors_coding_map": [],
        "converters": {},
    }
    write_bytes(path, json.dumps(project, indent=1).encode())
    return ()


def _newest(labels: Sequence[Labelled]) -> str:
    return max((one.labels.created_at.replace(tzinfo=None).isoformat(timespec="seconds") for one in labels), default="")


def _behaviour(code: str) -> dict[str, Any]:
    about = "The movement is strongest" if code == APEX else ""
    kind = POINT if code == APEX else STATE
    empty = {"key": "", "color": "", "category": "", "modifiers": {}, "excluded": "", "coding map": ""}
    return {"type": kind, "code": code, "description": about, **empty}


def _observation(one: Labelled, recording: Recording) -> dict[str, Any]:
    media = recording.media or ""
    start_us = recording.media_start_us
    files = {str(player): [media] if media and player == 1 else [] for player in range(1, PLAYERS + 1)}
    length = max(0, (recording.last_us or start_us) - start_us) / 1e6
    events = [event for interval in one.labels.intervals for event in _events(interval, start_us, one.labels.coder)]
    return {
        "file": files,
        "type": "MEDIA" if media else "LIVE",
        "date": one.labels.created_at.replace(tzinfo=None).isoformat(timespec="seconds"),
        "description": f"{one.take}, labelled by {one.labels.coder}",
        "time offset": 0.0,
        "events": sorted(events, key=lambda event: event[0]),
        "observation time interval": [0, 0],
        "independent_variables": {},
        "visualize_spectrogram": False,
        "visualize_waveform": False,
        "media_creation_date_as_offset": False,
        "media_scan_sampling_duration": 0,
        "image_display_duration": 1,
        "close_behaviors_between_videos": False,
        "media_info": {
            "length": {media: length} if media else {},
            "fps": {media: _rate(recording)} if media else {},
            "hasVideo": {media: True} if media else {},
            "hasAudio": {media: False} if media else {},
            "offset": {"1": 0.0},
        },
        HEAD: {"take": one.take, "start_us": start_us, "labels": head(one.labels)},
    }


def _rate(recording: Recording) -> float:
    """Pictures a second, for BORIS's display only."""
    times = recording.frames.times_us if recording.frames else ()
    return round((len(times) - 1) * 1e6 / (times[-1] - times[0]), 3) if len(times) > 1 and times[-1] > times[0] else 0.0


def _events(interval: Interval, start_us: int, subject: str) -> list[list[Any]]:
    """[time, subject, code, modifiers, comment, picture] of onset, apex and offset."""
    code = label_text(interval)
    begin, end = _seconds(interval.onset_us, start_us), _seconds(interval.offset_us, start_us)
    events = [[begin, subject, code, "", shown.record(interval, (begin, end)), NOT_A_NUMBER]]
    if interval.apex_us is not None:
        comment = dump({"of": interval.id})
        events.append([_seconds(interval.apex_us, start_us), subject, APEX, "", comment, NOT_A_NUMBER])
    events.append([end, subject, code, "", dump({"of": interval.id}), NOT_A_NUMBER])
    return events


def _seconds(t_us: int, start_us: int) -> float:
    return (t_us - start_us) / 1e6


@dataclass(frozen=True)
class _Event:
    seconds: float
    subject: str
    code: str
    modifiers: str
    comment: str

    @property
    def of(self) -> str | None:
        """The id of the interval that it belongs to, as written by us."""
        known = load(self.comment) or {}
        interval = known.get("interval")
        found = interval.get("id") if isinstance(interval, dict) else known.get("of")
        return found if isinstance(found, str) else None


def read(path: Path, book: Book, coder: str, created_at: datetime) -> Read:
    """Read a project, ours or not. Raises ExchangeError where it is none."""
    project = _project(path)
    gathered = Gathered(coder, created_at)
    observations = project.get("observations")
    points = _points(project)
    for name, observation in observations.items() if isinstance(observations, dict) else ():
        if isinstance(observation, dict):
            _Observation(gathered, book, f"observation {name[:80]!r}", name, observation, points).read()
        else:
            gathered.say(f"observation {name[:80]!r}", "it is damaged", "left out")
    return gathered.result()


def _project(path: Path) -> dict[str, Any]:
    try:
        project = json.loads(read_bytes(path).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ExchangeError(f"{path}: is no JSON that can be read ({error}); save it again in BORIS.") from error
    if not isinstance(project, dict) or "observations" not in project:
        raise ExchangeError(f"{path}: is no BORIS project (it has no observations); choose another file.")
    return project


def _points(project: dict[str, Any]) -> set[str]:
    conf = project.get("behaviors_conf")
    entries = [one for one in conf.values() if isinstance(one, dict)] if isinstance(conf, dict) else []
    return {str(one.get("code")) for one in entries if str(one.get("type", "")).lower().startswith("point")}


@dataclass(frozen=True)
class _Observation:
    """One observation that is being read. points: codes of point events."""

    gathered: Gathered
    book: Book
    place: str
    name: str
    data: dict[str, Any]
    points: set[str]

    def read(self) -> None:
        own = self.data.get(HEAD) if isinstance(self.data.get(HEAD), dict) else {}
        take = self._take(own or {})
        if take is None:
            self.gathered.say(self.place, "no take of this data set belongs to it", "left out")
            return
        told = (own or {}).get("labels")
        told = told if isinstance(told, dict) else {}
        name = told.get("coder") if isinstance(told.get("coder"), str) else None
        coder = self.gathered.head(take, name, told, self.place)
        start = (own or {}).get("start_us")
        start_us = start if isinstance(start, int) else self.book.get(take).media_start_us
        for begin, end in self._pairs() if coder else ():
            if coder:
                self._add(self.book.get(take), coder, start_us, begin, end)

    def _take(self, own: dict[str, Any]) -> str | None:
        files = self.data.get("file")
        lists = [one for one in files.values() if isinstance(one, list)] if isinstance(files, dict) else []
        media = [str(file).replace("\\", "/").rpartition("/")[2] for one in lists for file in one]
        hints = [str(own.get("take") or ""), self.name, self.name.rpartition(" ")[0], *media]
        return next((take for hint in hints if hint and (take := self.book.find(hint))), None)

    def _pairs(self) -> list[tuple[_Event, _Event]]:
        """Begin and end of each state, in the order of time; point events are both."""
        waiting: dict[tuple[str, ...], _Event] = {}
        pairs: list[tuple[_Event, _Event]] = []
        for event in sorted(self._events(), key=lambda event: event.seconds):
            own = event.of
            if event.code == APEX:
                continue
            if event.code in self.points:
                pairs.append((event, event))
                continue
            key = ("", own) if own is not None else (event.subject, event.code, event.modifiers)
            if key in waiting:
                pairs.append((waiting.pop(key), event))
            else:
                waiting[key] = event
        for event in waiting.values():
            self.gathered.say(f"{self.place} at {event.seconds} s", f"{event.code[:40]!r} begins and does not end", "left out")
        return pairs

    def _events(self) -> list[_Event]:
        events, rows = [], self.data.get("events")
        for index, row in enumerate(rows if isinstance(rows, list) else []):
            event = _event(row)
            if event is None:
                self.gathered.say(f"{self.place}, event {index + 1}", "it is damaged", "left out")
            else:
                events.append(event)
        return events

    def _add(self, recording: Recording, coder: str, start_us: int, begin: _Event, end: _Event) -> None:
        place = f"{self.place} at {begin.seconds} s"
        record = next((one.comment for one in (begin, end) if "interval" in (load(one.comment) or {})), None)
        times_us = [start_us + round(one.seconds * 1e6) for one in (begin, end)]
        span = (begin.seconds, end.seconds)
        told = shown.fields(self.gathered, place, record, span, times_us, begin.code, recording.movement)
        if told is None:
            return
        if record is None:
            texts = [told["note"], begin.comment, f"modifiers: {begin.modifiers}" if begin.modifiers else ""]
            told = {**told, "apex_us": self._apex(start_us, begin, end), "note": "; ".join(filter(None, texts))}
        shown.check(self.gathered, recording, told, place)
        self.gathered.add(recording.name, coder, told, place)

    def _apex(self, start_us: int, begin: _Event, end: _Event) -> int | None:
        """The only apex between begin and end that belongs to none of ours."""
        events = [one for one in self._events() if one.code.lower() == APEX and one.of is None and one.subject == begin.subject]
        inside = [one for one in events if begin.seconds <= one.seconds <= end.seconds]
        return start_us + round(inside[0].seconds * 1e6) if len(inside) == 1 else None


def _event(row: Any) -> _Event | None:
    """An event of at least time, subject and code; None where it is none."""
    if not isinstance(row, list) or len(row) < 3:
        return None
    try:
        seconds = float(row[0])
    except (TypeError, ValueError, OverflowError):
        return None
    rest = [str(cell) for cell in [*row, "", ""][1:5]]
    return _Event(seconds, *rest) if math.isfinite(seconds) else None
