"""The canonical table: one row an interval, every field, microseconds as they are. Lossless as CSV and as XLSX.

Labels without intervals have one row of their own. Long times are text in XLSX, since a spreadsheet keeps 15 digits.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from recorder.exchange.base import Book, ExchangeError, Labelled, Read, Recording, Report
from recorder.exchange.record import COLUMNS, Gathered, interval_cells, interval_fields, set_cells, set_fields
from recorder.exchange.sheets import Cell, fold, read_sheet, titled, write_sheet

TITLES = (*COLUMNS[:2], "subject", "asked", *COLUMNS[2:])  # subject and asked are for readers; only `take` counts
_NEEDED = {"take", "onsetus", "offsetus"}


def write(path: Path, labels: Sequence[Labelled], book: Book) -> Report:
    """Write the table, CSV or XLSX by the name of the file. Loses nothing. Raises ExchangeError."""
    rows: list[list[Cell]] = [list(TITLES)]
    for one in labels:
        recording = book.get(one.take)
        whose = {**set_cells(one), "subject": _number(recording), "asked": recording.movement or ""}
        bodies: list[dict[str, str | int]] = [interval_cells(interval) for interval in one.labels.intervals]
        rows += [[{**whose, **cells}.get(title, "") for title in TITLES] for cells in bodies or [{}]]
    write_sheet(path, rows)
    return ()


def _number(recording: Recording) -> str:
    return "" if recording.subject is None else str(recording.subject)


def read(path: Path, book: Book, coder: str, created_at: datetime) -> Read:
    """Read the table back. coder, created_at: for rows without. Raises ExchangeError where it is not such a table."""
    rows, findings = read_sheet(path)
    found = titled(rows, _NEEDED)
    if found is None:
        raise ExchangeError(f"{path}: has no row of titles with take, onset_us and offset_us; choose another format or file.")
    begin, titles = found
    names = {fold(column): column for column in COLUMNS}
    gathered = Gathered(coder, created_at)
    for index, row in enumerate(rows[begin + 1 :], start=begin + 2):
        cells = {names[title]: cell for title, cell in zip(titles, row, strict=False) if title in names}
        if any(cells.values()):
            _read_row(gathered, book, cells, f"row {index}")
    labelled, report = gathered.result()
    return labelled, (*findings, *report)


def _read_row(gathered: Gathered, book: Book, cells: dict[str, str | None], place: str) -> None:
    take = book.find(cells.get("take") or "")
    if take is None:
        gathered.say(place, f"there is no take {(cells.get('take') or '')[:80]!r}, or more than one", "left out")
        return
    try:
        told = set_fields(cells)
    except ValueError as error:
        gathered.say(place, str(error), "read without it")
        told = {}
    coder = gathered.head(take, cells.get("coder"), told, place)
    if coder is None or not any(cells.get(column) for column in ("interval", "onset_us", "offset_us", "movement")):
        return
    try:
        fields = interval_fields(cells)
    except ValueError as error:
        gathered.say(place, str(error), "left out")
        return
    gathered.inside(fields, book.get(take), place)
    gathered.add(take, coder, fields, place)
