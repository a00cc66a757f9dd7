"""BIDS: events.tsv with a JSON sidecar for each take, below sub-<subject>/beh/.

Brain Imaging Data Structure 1.10, "Task events" and "Behavioral experiments". Onset and duration are seconds from the first
event of the recording, to the microsecond; the sidecar tells the event time of that instant, so nothing is lost.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from recorder.exchange.base import Book, ExchangeError, Labelled, Read, Recording, Report, read_bytes, write_bytes
from recorder.exchange.record import COLUMNS, TIMES, Gathered, head, interval_cells, interval_fields, kind_of
from recorder.exchange.units import label_text, movement_of, parse_label, parse_units

VERSION = "1.10.0"
FARTHEST_S = 2 * 10**13  # more than 64 bits of microseconds; of much longer numbers the digits alone would fill the memory
NOTHING = "n/a"
SUFFIX = "_events.tsv"
OWN = "GlimpseLabels"  # key of the sidecar that keeps what no row can hold
# Of the canonical columns those that a row of events needs beside onset and duration.
_KEPT = [column for column in COLUMNS if column not in ("take", "created_at", "noise", "noise_reason", "set_more", *TIMES)]
TITLES = ("onset", "duration", "trial_type", "apex", *_KEPT)
ABOUT = {
    "onset": ("Onset of the movement, from the first event of the recording", "s"),
    "duration": ("From onset to offset", "s"),
    "trial_type": ("The movement, or its action units", None),
    "apex": ("Where the movement is strongest, from the first event of the recording", "s"),
    "coder": ("Pseudonym of who said so", None),
    "interval": ("Identifier within the labels of one coder", None),
    "kind": ("The movement that was asked for, a blink in passing, or another", None),
    "movement": ("The movement that was made", None),
    "action_units": ("Numbers of the Facial Action Coding System", None),
    "intensity": ("FACS intensity, A (trace) to E (maximum)", None),
    "confidence": ("The coder's own, 0 to 1", None),
    "onset_origin": ("Onset: placed by hand, suggestion accepted, or suggestion adjusted", None),
    "apex_origin": ("Apex: the same", None),
    "offset_origin": ("Offset: the same", None),
    "note": ("The coder's note", None),
    "interval_more": ("What other columns do not hold, as JSON", None),
}


def write(path: Path, labels: Sequence[Labelled], book: Book) -> Report:
    """Write a BIDS data set into the folder `path`. Loses nothing. Raises ExchangeError."""
    takes: dict[str, list[Labelled]] = {}
    for one in labels:
        takes.setdefault(one.take, []).append(one)
    names: set[str] = set()
    subjects: set[str] = set()
    for take, ones in takes.items():
        recording = book.get(take)
        subject, name = _name(recording, names)
        names.add(name)
        subjects.add(subject)
        folder = path / subject / "beh"
        write_bytes(folder / f"{name}{SUFFIX}", _table(recording, ones))
        write_bytes(folder / f"{name}_events.json", _json(_sidecar(recording, ones)))
    _about(path, subjects)
    return ()


def _name(recording: Recording, taken: set[str]) -> tuple[str, str]:
    """(sub-..., name before the suffix), from letters and digits only, and of no other take."""
    subject = f"sub-{recording.subject if recording.subject is not None else 'unknown'}"
    movement = recording.movement if recording.subject is not None and recording.movement else None
    task = re.sub(r"[^A-Za-z0-9]", "", movement or recording.stem) or "unnamed"
    number = recording.number or 1
    while (name := f"{subject}_task-{task}_run-{number}") in taken:
        number += 1
    return subject, name


def _about(path: Path, subjects: set[str]) -> None:
    description = {
        "Name": "Facial movements labelled in recordings of an event camera",
        "BIDSVersion": VERSION,
        "DatasetType": "raw",
        "GeneratedBy": [{"Name": "Glimpse"}],
    }
    text = "Labels of facial movements, exported by Glimpse. The recordings are not part of this data set.\n"
    write_bytes(path / "dataset_description.json", _json(description))
    write_bytes(path / "README.md", text.encode())
    write_bytes(path / "participants.tsv", "\n".join(["participant_id", *sorted(subjects), ""]).encode())


def _json(data: Any) -> bytes:
    return (json.dumps(data, indent=2, ensure_ascii=True, allow_nan=False) + "\n").encode()


def _sidecar(recording: Recording, labels: Sequence[Labelled]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for title in TITLES:
        about, unit = ABOUT[title]
        columns[title] = {"Description": about, **({"Units": unit} if unit else {})}
    own = {"Take": recording.name, "StartUs": recording.start_us, "Labels": [head(one.labels) for one in labels]}
    return {**columns, OWN: {"Description": "Labels as a whole; onset 0 is StartUs of event time in microseconds", **own}}


def _table(recording: Recording, labels: Sequence[Labelled]) -> bytes:
    rows = [_row(one, index, recording.start_us) for one in labels for index in range(len(one.labels.intervals))]
    rows.sort(key=lambda row: Decimal(row[0]))
    lines = ["\t".join(TITLES), *("\t".join(row) for row in rows)]
    return ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")


def _row(one: Labelled, index: int, start_us: int) -> list[str]:
    interval = one.labels.intervals[index]
    cells = {
        **interval_cells(interval),
        "coder": one.labels.coder,
        "onset": _seconds(interval.onset_us - start_us),
        "duration": _seconds(interval.duration_us),
        "trial_type": label_text(interval),
        "apex": "" if interval.apex_us is None else _seconds(interval.apex_us - start_us),
    }
    return [_escaped(str(cells[title])) for title in TITLES]


def _seconds(duration_us: int) -> str:
    """Exactly, without the help of floating point."""
    sign, whole = "-" if duration_us < 0 else "", abs(duration_us)
    return f"{sign}{whole // 10**6}.{whole % 10**6:06d}"


_MARKS = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_BACK = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r", "/": "/"}
# What some readers take for the end of a line.
_BREAKS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029\ufeff]|^ +| +$")


def _escaped(text: str) -> str:
    """A cell: the format has neither quotes nor empty cells."""
    if not text:
        return NOTHING
    if text == NOTHING:
        return "n\\/a"
    plain = "".join(_MARKS.get(character, character) for character in text)
    return _BREAKS.sub(lambda match: "".join(f"\\u{ord(one):04x}" for one in match[0]), plain)


def _plain(cell: str) -> str | None:
    if cell == NOTHING:
        return None
    return re.sub(r"\\(?:u([0-9a-f]{4})|(.))", lambda m: chr(int(m[1], 16)) if m[1] else _BACK.get(m[2], m[0]), cell)


def read(path: Path, book: Book, coder: str, created_at: datetime) -> Read:
    """Read an events.tsv with its sidecar, or every one below a folder. Raises ExchangeError where a file is none."""
    files = sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path]
    if not files:
        raise ExchangeError(f"{path}: holds no file *{SUFFIX}; choose another folder.")
    gathered = Gathered(coder, created_at)
    for file in files:
        _Events(gathered, book, file).read()
    return gathered.result()


@dataclass(frozen=True)
class _Events:
    """One file that is being read."""

    gathered: Gathered
    book: Book
    path: Path

    def read(self) -> None:
        lines = read_bytes(self.path).decode("utf-8-sig", errors="replace").split("\n")
        titles = lines[0].rstrip("\r").split("\t")
        if not {"onset", "duration"} <= set(titles):
            raise ExchangeError(f"{self.path}: line 1 has no titles onset and duration; choose an events.tsv.")
        own = self._own()
        take = self.book.find(str(own.get("Take") or "")) or self._take_by_name()
        if take is None:
            self.gathered.say(self.path.name, "no take of this data set belongs to it", "left out")
            return
        self._heads(own, take)
        start = own.get("StartUs")
        start_us = start if isinstance(start, int) else self.book.get(take).start_us
        for number, line in enumerate(lines[1:], start=2):
            if line.strip():
                cells = dict(zip(titles, map(_plain, line.rstrip("\r").split("\t")), strict=False))
                self._row(take, start_us, cells, f"{self.path.name}, row {number}")

    def _own(self) -> dict[str, Any]:
        sidecar = self.path.with_name(self.path.name.removesuffix(".tsv") + ".json")
        if not sidecar.is_file():
            self.gathered.say(self.path.name, "it has no sidecar", "times count from the first event")
            return {}
        try:
            own = json.loads(read_bytes(sidecar)).get(OWN)
        except (ValueError, AttributeError, RecursionError):
            self.gathered.say(sidecar.name, "it is no JSON object", "read without it")
            return {}
        return own if isinstance(own, dict) else {}

    def _take_by_name(self) -> str | None:
        match = re.search(r"sub-([A-Za-z0-9]+)_.*?task-([A-Za-z0-9]+)(?:_.*?run-0*(\d+))?", self.path.name)
        if match is None:
            return self.book.find(self.path.name.removesuffix(SUFFIX))
        subject, task, run = match[1].lstrip("0"), match[2], match[3] or "1"
        return self.book.find(f"{task}_{subject}_{run}") or self.book.find(task)

    def _heads(self, own: dict[str, Any], take: str) -> None:
        told = own.get("Labels")
        for one in told if isinstance(told, list) else []:
            if isinstance(one, dict) and isinstance(one.get("coder"), str):
                self.gathered.head(take, one["coder"], one, self.path.name)

    def _row(self, take: str, start_us: int, cells: dict[str, str | None], place: str) -> None:
        coder = self.gathered.head(take, cells.get("coder"), {}, place)
        onset = self._time(cells, "onset", start_us, place)
        duration = self._time(cells, "duration", 0, place)
        if coder is None or onset is None or duration is None:
            return
        times = {"onset_us": onset, "apex_us": self._time(cells, "apex", start_us, place), "offset_us": onset + duration}
        fields = self._fields(cells, place, self.book.get(take).movement)
        if fields is not None:
            fields |= times
            self.gathered.inside(fields, self.book.get(take), place)
            self.gathered.add(take, coder, fields, place)

    def _fields(self, cells: dict[str, str | None], place: str, asked: str | None) -> dict[str, Any] | None:
        try:
            fields = interval_fields({column: cells.get(column) for column in _KEPT})
        except ValueError as error:
            self.gathered.say(place, str(error), "left out")
            return None
        if fields["movement"] is None and not fields["action_units"]:
            movement, units = parse_label(cells.get("trial_type") or "")
            if movement is None and not units.numbers:
                self.gathered.say(
                    place, f"trial_type {cells.get('trial_type')!r} is no movement and no action unit", "left out"
                )
                return None
            fields |= {"movement": movement or movement_of(units.numbers), "action_units": units.numbers}
            fields["intensity"] = fields["intensity"] or parse_units(cells.get("trial_type")).intensity
        return fields if "kind" in fields else {**fields, "kind": kind_of(fields["movement"], asked)}

    def _time(self, cells: dict[str, str | None], column: str, start_us: int, place: str) -> int | None:
        text = cells.get(column)
        if text is None or not text.strip():
            if column != "apex":
                self.gathered.say(place, f"there is no {column}", "left out")
            return None
        try:
            seconds = Decimal(text.strip())
            if abs(seconds) > FARTHEST_S:
                raise ValueError(text)
            return start_us + int((seconds * 10**6).to_integral_value())
        except (ArithmeticError, ValueError):
            self.gathered.say(place, f"{column} is {text[:20]!r}, no number", "read as if it were not there")
            return None
