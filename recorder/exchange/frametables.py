"""Tables in numbers of pictures, in the shapes of published data sets: what CASME II, SAMM, CAS(ME)3 and MEGC have in common.

A picture's number says less than microseconds: such a table alone is read back as the times of its pictures. With the
canonical columns added on its right nothing is lost; where both disagree, somebody changed the number, and it counts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from protocol.labels import Interval
from protocol.movement import BY_TOKEN
from recorder.exchange.base import Book, ExchangeError, FrameClock, Labelled, Read, Recording, Report
from recorder.exchange.record import COLUMNS, TIMES, Gathered, interval_cells, interval_fields, kind_of, set_cells, set_fields
from recorder.exchange.sheets import Cell, fold, read_sheet, titled, write_sheet
from recorder.exchange.units import is_empty, movement_of, parse_label, parse_units, units_text

NOTHING = "/"  # what CASME II writes for an apex that is not there
MICRO_US = 500_000  # a micro-expression lasts at most half a second (Yan et al. 2013; SAMM: 100 pictures at 200 a second)
PREFIX = "glimpse_"  # of the titles of canonical columns, so that none is mistaken for one of the table's own
NUMBERS = "numbers"  # one more canonical column: the numbers as they were written, by which a later change is noticed
_FRAMES = ("onset", "apex", "offset")


@dataclass(frozen=True)
class Row:
    """What a column may be made of. numbers: onset, apex, offset as picture numbers, None where they cannot be told."""

    recording: Recording
    interval: Interval | None
    numbers: tuple[int | None, int | None, int | None]

    def frame(self, index: int) -> Cell:
        """The number, or the mark that there is none."""
        number = self.numbers[index]
        return NOTHING if number is None else number

    @property
    def length(self) -> Cell:
        """In pictures, first and last included."""
        onset, _, offset = self.numbers
        return NOTHING if onset is None or offset is None else offset - onset + 1

    @property
    def micro(self) -> bool:
        """Whether it lasts no longer than a micro-expression."""
        return self.interval is not None and self.interval.duration_us <= MICRO_US

    @property
    def units(self) -> str:
        """The action units, "4+7"."""
        return units_text(self.interval) if self.interval else ""

    @property
    def subject(self) -> str:
        """With two digits, as the published tables have it."""
        return "" if self.recording.subject is None else f"{self.recording.subject:02d}"


@dataclass(frozen=True)
class Layout:
    """A table's shape. columns: title and content; aliases: folded titles under which readers find what; kept: folded titles of
    foreign columns whose text goes into the note; asked: a row that names nothing is of the movement that the take is of.
    """

    name: str
    columns: tuple[tuple[str, Callable[[Row], Cell]], ...]
    aliases: dict[str, tuple[str, ...]]
    kept: dict[str, str] = field(default_factory=dict)
    asked: bool = False


def write_table(path: Path, labels: Sequence[Labelled], book: Book, layout: Layout, canonical: bool) -> Report:
    """Write the table. canonical: with the columns that make it lossless. Findings tell what a picture's number cannot say.

    Raises ExchangeError where it cannot be written, or where labels of several coders would be mixed up.
    """
    _refuse_mixed(path, labels, canonical)
    gathered = Gathered("import", datetime.min)
    extra = [PREFIX + column for column in (*COLUMNS, NUMBERS)] if canonical else []
    rows: list[list[Cell]] = [[*(title for title, _ in layout.columns), *extra]]
    for one in labels:
        recording = book.get(one.take)
        if recording.frames is not None and recording.frames.problem and one.labels.intervals:
            gathered.say(one.take, recording.frames.problem, "its numbers are only as good")
        for interval in one.labels.intervals:
            row = Row(recording, interval, _numbers(interval, recording, gathered, one.take))
            rows.append(_cells(layout, row, {**set_cells(one), **interval_cells(interval)} if canonical else {}))
        if not one.labels.intervals and canonical:
            rows.append(_cells(layout, Row(recording, None, (None, None, None)), set_cells(one)))
        elif not one.labels.intervals:
            gathered.say(one.take, f"{one.labels.coder} marked no interval", "not in the table")
    write_sheet(path, rows)
    return gathered.result()[1]


def _refuse_mixed(path: Path, labels: Sequence[Labelled], canonical: bool) -> None:
    coders = sorted({one.labels.coder for one in labels})
    if len(coders) > 1 and not canonical:
        raise ExchangeError(f"{path}: the table alone cannot tell {', '.join(coders)} apart; export one coder at a time.")


def _numbers(
    interval: Interval, recording: Recording, gathered: Gathered, take: str
) -> tuple[int | None, int | None, int | None]:
    clock = recording.frames
    if clock is None:
        gathered.say(take, "it has no pictures", f"numbers are {NOTHING!r}")
        return None, None, None
    times = [getattr(interval, column) for column in TIMES]
    for name, t_us in zip(_FRAMES, times, strict=True):
        if t_us is not None and not clock.covers(t_us):
            gathered.say(take, f"an {name} lies outside the pictures", "the nearest picture was written")
    onset, apex, offset = (None if t_us is None else clock.number_at(t_us) for t_us in times)
    return onset, apex, offset


def _cells(layout: Layout, row: Row, canonical: Mapping[str, Cell]) -> list[Cell]:
    written = " ".join(str(row.frame(index)) for index in range(len(_FRAMES)))
    more = [*(canonical.get(column, "") for column in COLUMNS), written] if canonical else []
    return [*(content(row) for _, content in layout.columns), *more]


def read_table(path: Path, book: Book, coder: str, created_at: datetime, layout: Layout) -> Read:
    """Read the table, ours or somebody else's; whatever is wrong in a row is a finding.

    Raises ExchangeError where it is no such table.
    """
    rows, findings = read_sheet(path)
    found = next((at for name in layout.aliases["take"] if (at := titled(rows, {name}))), None)
    if found is None or not set(layout.aliases["onset"]) & set(found[1]):
        wanted = ", ".join(title for title, _ in layout.columns)
        raise ExchangeError(
            f"{path}: is no table in the shape of {layout.name} (titles {wanted}); choose another format or file."
        )
    begin, titles = found
    gathered = Gathered(coder, created_at)
    for index, row in enumerate(rows[begin + 1 :], start=begin + 2):
        cells = {title: cell for title, cell in zip(titles, row, strict=False) if title and cell is not None}
        if cells:
            _Reader(gathered, book, layout, cells, f"row {index}").read()
    labelled, report = gathered.result()
    return labelled, (*findings, *report)


@dataclass(frozen=True)
class _Reader:
    """One row of a table, of which each cell has its folded title."""

    gathered: Gathered
    book: Book
    layout: Layout
    cells: dict[str, str]
    place: str

    def read(self) -> None:
        ours = {column: self.cells.get(fold(PREFIX + column)) for column in (*COLUMNS, NUMBERS)}
        take = self._take(ours)
        if take is None:
            return
        coder = self.gathered.head(take, ours.get("coder"), self._told(ours), self.place)
        fields = self._fields(ours, self.book.get(take)) if coder else None
        if coder and fields is not None:
            self.gathered.inside(fields, self.book.get(take), self.place)
            self.gathered.add(take, coder, fields, self.place)

    def cell(self, what: str) -> str | None:
        """The first of the columns that may hold it."""
        return next((text for title in self.layout.aliases.get(what, ()) if (text := self.cells.get(title))), None)

    def _take(self, ours: dict[str, str | None]) -> str | None:
        text, subject = ours.get("take") or self.cell("take") or "", self.cell("subject")
        plain = subject.lstrip("0") if subject else None
        found = self.book.find(text, plain) or (self.book.find(text, subject) if subject else None)
        if found is None:
            self.gathered.say(self.place, f"there is no take {text[:80]!r}, or more than one", "left out")
        return found

    def _told(self, ours: dict[str, str | None]) -> dict[str, Any]:
        try:
            return set_fields(ours)
        except ValueError as error:
            self.gathered.say(self.place, str(error), "read without it")
            return {}

    def _fields(self, ours: dict[str, str | None], recording: Recording) -> dict[str, Any] | None:
        """The interval of the row; None where it has none, which is a finding unless the row is that of labels without any."""
        if not ours.get("onset_us"):
            empty = ours.get("coder") and all(is_empty(self.cell(name)) for name in _FRAMES)
            return None if empty else self._foreign(recording)
        try:
            fields = interval_fields(ours)
        except ValueError as error:
            self.gathered.say(self.place, str(error), "the numbers of the pictures were read instead")
            return self._foreign(recording)
        return self._changed(fields, ours, recording)

    def _changed(self, fields: dict[str, Any], ours: dict[str, str | None], recording: Recording) -> dict[str, Any]:
        """The canonical fields, but for pictures whose number somebody changed since it was written."""
        clock, written = recording.frames, (ours.get(NUMBERS) or "").split()
        if clock is None or len(written) != len(_FRAMES):
            return fields
        for name, was in zip(_FRAMES, written, strict=True):
            text = self.cell(name)
            if text is not None and text.strip() != was:
                fields[f"{name}_us"] = self._time(name, text, clock)
                self.gathered.say(self.place, f"the {name} was changed from {was} to {text[:20]}", "the change counts")
        return fields

    def _foreign(self, recording: Recording) -> dict[str, Any] | None:
        clock = recording.frames
        if clock is None:
            self.gathered.say(self.place, f"{recording.name} has no pictures whose numbers these could be", "left out")
            return None
        times = {f"{name}_us": self._time(name, self.cell(name), clock) for name in _FRAMES}
        units = parse_units(self.cell("units"))
        movement = movement_of(units.numbers)
        if not units.numbers and (label := self.cell("label")):
            movement, units = parse_label(label)
        if units.lost:
            self.gathered.say(self.place, units.lost, "kept in the note")
        if not units.numbers and movement is None and self.layout.asked and recording.movement in BY_TOKEN:
            movement = recording.movement
            self.gathered.say(self.place, "it names no movement", f"read as {movement}, for which the take was recorded")
        if not units.numbers and movement is None:
            self.gathered.say(self.place, "it names neither a movement nor an action unit", "left out")
            return None
        note = "; ".join([*self._notes(), *([f"action units: {self.cell('units')}"] if units.lost else [])])
        told = {"movement": movement, "action_units": units.numbers, "intensity": units.intensity, "note": note}
        return {**times, **told, "kind": kind_of(movement, recording.movement)}

    def _notes(self) -> list[str]:
        told = [(title, self.cells.get(key)) for key, title in self.layout.kept.items()]
        return [f"{title}: {text}" if title else text for title, text in told if text is not None and not is_empty(text)]

    def _time(self, name: str, text: str | None, clock: FrameClock) -> int | None:
        if text is None or is_empty(text):
            return None
        try:
            number = int(text.strip())
        except ValueError:
            self.gathered.say(
                self.place, f"the {name} is {text[:20]!r}, no number of a picture", "read as if it were not there"
            )
            return None
        t_us = clock.time_of(number)
        if t_us is None:
            has = f"the take has pictures 1 to {len(clock.times_us)}"
            self.gathered.say(self.place, f"the {name} is picture {number}, but {has}", "read as if it were not there")
        return t_us
