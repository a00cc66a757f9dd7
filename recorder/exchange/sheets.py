"""Tables of text as CSV and XLSX files: written so that no spreadsheet takes text for a formula, read whatever wrote them.

A table is a list of rows of cells; a cell is text, or None where it is empty. Knows no label.
"""

import csv
import io
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from recorder.exchange.base import ExchangeError, Finding, read_bytes, write_bytes

Cell = str | int | float | None
Row = Sequence[Cell]

XLSX_CELL = 32_767  # characters that a cell holds (Microsoft, "Excel specifications and limits")
EXACT_BELOW = 10**15  # spreadsheets keep 15 digits of a number (same source); a longer one is written as text
_FORMULA = re.compile(r"'*[=+\-@\t\r]")  # what spreadsheets take for a formula (OWASP, "CSV Injection"), behind our own marks
# Characters that XML 1.0 does not hold are written _xHHHH_ (ECMA-376 part 1, 22.9.2.19); so is what already looks like that.
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_TO_ESCAPE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]|_(?=x[0-9A-Fa-f]{4}_)")


def is_xlsx(path: Path) -> bool:
    """Whether the name says that it is a workbook."""
    return path.suffix.lower() in (".xlsx", ".xlsm")


def write_sheet(path: Path, rows: Sequence[Row]) -> None:
    """Write a table as the file's name says: .xlsx, .tsv, else CSV. Raises ExchangeError."""
    write_bytes(path, _workbook(path, rows) if is_xlsx(path) else _csv_text(rows, path).encode("utf-8", "backslashreplace"))


def _csv_text(rows: Sequence[Row], path: Path) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter="\t" if path.suffix.lower() == ".tsv" else ",", lineterminator="\r\n")
    for row in rows:
        writer.writerow([_csv_cell(cell) for cell in row])
    return out.getvalue()


def _csv_cell(cell: Cell) -> Cell:
    """Text that would be a formula gets an apostrophe before it, as people do by hand; so does text that already has."""
    return "'" + cell if isinstance(cell, str) and _FORMULA.match(cell) else cell


def _csv_back(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell


def _workbook(path: Path, rows: Sequence[Row]) -> bytes:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet("labels")
    for row in rows:
        cells: list[Any] = []
        for value in row:
            cell = WriteOnlyCell(sheet, value=None)
            if isinstance(value, int) and abs(value) >= EXACT_BELOW:
                value = str(value)
            if isinstance(value, str) and value:
                cell.value = _xml_text(path, value)
                cell.data_type = "s"  # text, also behind "="
                cell.quotePrefix = bool(_FORMULA.match(value))
            elif value is not None and value != "":
                cell.value = value
            cells.append(cell)
        sheet.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _xml_text(path: Path, text: str) -> str:
    escaped = _TO_ESCAPE.sub(lambda match: f"_x{ord(match[0]):04X}_", text)
    if len(escaped) > XLSX_CELL:
        raise ExchangeError(
            f"{path}: a text of {len(text)} characters is too long for a cell of a workbook; write CSV instead."
        )
    return escaped


def read_sheet(path: Path) -> tuple[list[list[str | None]], list[Finding]]:
    """The rows of a table and what had to be guessed. CSV: comma, semicolon or tab, UTF-8 or Windows-1252; XLSX: first sheet.

    Raises ExchangeError where it is no table at all.
    """
    data = read_bytes(path)
    return (_from_workbook(path, data), []) if is_xlsx(path) or data[:4] == b"PK\x03\x04" else _from_csv(path, data)


def _from_workbook(path: Path, data: bytes) -> list[list[str | None]]:
    from openpyxl import load_workbook

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that are of no interest here
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            rows = [[_text(value) for value in row] for row in book.worksheets[0].iter_rows(values_only=True)]
            book.close()
    except Exception as error:
        raise ExchangeError(f"{path}: is no workbook that can be read ({error}); save it again as .xlsx or .csv.") from error
    return rows


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), str(value)) or None


def _from_csv(path: Path, data: bytes) -> tuple[list[list[str | None]], list[Finding]]:
    findings: list[Finding] = []
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
        findings.append(Finding("whole file", "it is not UTF-8", "read as Windows-1252"))
    if text.count("\0") > len(text) // 4:
        raise ExchangeError(f"{path}: is no text; choose a .csv or .xlsx file.")
    try:
        with _long_fields():
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)))
    except csv.Error as error:
        raise ExchangeError(f"{path}: is no table that can be read ({error}); save it again as CSV.") from error
    return [[_csv_back(cell) or None for cell in row] for row in rows], findings


def _delimiter(text: str) -> str:
    """What separates most in the first line that has any of them."""
    for line in text.split("\n", 50)[:50]:
        counts = {mark: line.count(mark) for mark in ",;\t"}
        if any(counts.values()):
            return max(counts, key=lambda mark: counts[mark])
    return ","


@contextmanager
def _long_fields() -> Iterator[None]:
    """Python's reader refuses notes of more than 128 KiB by default."""
    before = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    try:
        yield
    finally:
        csv.field_size_limit(before)


def fold(title: str | None) -> str:
    """A column's title without what writers differ in: "Onset Frame", "OnsetFrame" and "onset_frame" are one."""
    return re.sub(r"[^a-z0-9]", "", (title or "").casefold())


def titled(rows: Sequence[Sequence[str | None]], wanted: set[str]) -> tuple[int, list[str]] | None:
    """(index, folded titles) of the first row, of the first fifty, that has all the wanted titles; None where none has.

    The published SAMM table has a legend above its titles.
    """
    for index, row in enumerate(rows[:50]):
        titles = [fold(cell) for cell in row]
        if wanted <= set(titles):
            return index, titles
    return None
