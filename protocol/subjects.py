"""Who was recorded, without saying who it is: numbers, consent and its withdrawal. And what a data set is.

`subjects.csv` has one row a subject number; `person` says which numbers are one person, for people come back with and
without glasses. Names of people are never stored. Pure functions on text; knows no folder.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, ValidationError, model_validator

from protocol.errors import GlimpseError
from protocol.naming import MAX_NUMBER
from protocol.schema import Day, Instant, Part, Versioned, describe

CONSENT_PREFIX = "consent_"
# Column names that ask for what must not be kept; compared in small letters without spaces, hyphens and underscores.
_PERSONAL = frozenset(
    {"name", "names", "fullname", "firstname", "lastname", "surname", "givenname", "familyname", "initials", "nom", "prenom"}
    | {"email", "mail", "phone", "address", "birthday", "birthdate", "dateofbirth", "dob"}
)


class SubjectsError(GlimpseError):
    """A table of subjects that cannot be read."""


class Purpose(StrEnum):
    """What a person can consent to: being recorded, sharing the data, printing pictures, training models that are shared."""

    RECORD = "record"
    SHARE = "share"
    PICTURES = "pictures"
    TRAIN = "train"


class DatasetInfo(Versioned):
    """`dataset.json`. simulated: whether simulated and webcam-made takes belong here; a person's recordings never mix in."""

    SCHEMA: ClassVar[str] = "glimpse.dataset"
    VERSION: ClassVar[tuple[int, int]] = (1, 0)

    name: Annotated[str, Field(min_length=1, max_length=200)]
    simulated: bool = False
    created_at: Instant | None = None


class SubjectRecord(Part):
    """One subject number.

    person: the same for all numbers of one person, None where it is not known; age_band: "20-29";
    consents: purpose -> day on which it was given; form_version: of the consent form; columns of a newer program are kept.
    """

    subject: Annotated[int, Field(ge=1, le=MAX_NUMBER)]
    person: Annotated[int, Field(ge=1, le=MAX_NUMBER)] | None = None
    sex: Literal["f", "m", "x"] | None = None
    age_band: Annotated[str, Field(pattern=r"^[0-9]{1,3}-[0-9]{1,3}$")] | None = None
    consents: Mapping[Purpose, Day] = Field(default_factory=dict)
    form_version: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    withdrawn_on: Day | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if personal := [key for key in self.model_extra or {} if _is_personal(key)]:
            raise ValueError(f"{personal[0]!r} would identify a person; a subject is a number")
        return self


_BEFORE_CONSENTS = ("subject", "person", "sex", "age_band")
_CONSENTS = tuple(CONSENT_PREFIX + purpose.value for purpose in Purpose)
_AFTER_CONSENTS = ("form_version", "withdrawn_on")
COLUMNS = (*_BEFORE_CONSENTS, *_CONSENTS, *_AFTER_CONSENTS)


def may(record: SubjectRecord, purpose: Purpose, on_date: date) -> bool:
    """Whether consent for `purpose` had been given by that day and was not withdrawn by then."""
    given = record.consents.get(purpose)
    withdrawn = record.withdrawn_on is not None and record.withdrawn_on <= on_date
    return given is not None and given <= on_date and not withdrawn


def may_record(record: SubjectRecord, on_date: date) -> bool:
    """Whether the subject may be recorded on that day."""
    return may(record, Purpose.RECORD, on_date)


def parse_subjects(text: str, source: str) -> tuple[SubjectRecord, ...]:
    """The rows of a `subjects.csv`, in their order; commas or semicolons, with or without a byte order mark.

    Raises SubjectsError with `source` and the line.
    """
    rows = _rows(text.removeprefix("\ufeff"), source)
    header_line, header = next(rows, (1, []))
    columns = _checked_header([name.strip() for name in header], source, header_line)
    records: dict[int, SubjectRecord] = {}
    for line, row in rows:
        record = _record(columns, row, f"{source}, line {line}")
        if record.subject in records:
            raise SubjectsError(f"{source}, line {line}: subject {record.subject} is listed twice; merge the two rows.")
        records[record.subject] = record
    return tuple(records.values())


def _rows(text: str, source: str) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of each row that is not blank."""
    first = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = ";" if ";" in first and "," not in first else ","  # what spreadsheets write where the comma is decimal
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, row
    except csv.Error as error:
        raise SubjectsError(f"{source}, line {reader.line_num}: not a CSV row ({error}); correct it.") from error


def _checked_header(columns: Sequence[str], source: str, line: int) -> Sequence[str]:
    place = f"{source}, line {line}"
    if "subject" not in columns:
        raise SubjectsError(f"{place}: the column 'subject' is missing; the first line must be {','.join(COLUMNS)}.")
    if bad := [name for name in columns if not name or columns.count(name) > 1 or name == "consents"]:
        raise SubjectsError(f"{place}: the column {bad[0]!r} is empty, reserved or there twice; rename or remove it.")
    if personal := [name for name in columns if _is_personal(name)]:
        raise SubjectsError(f"{place}: the column {personal[0]!r} would identify a person; remove it, a subject is a number.")
    return columns


def _is_personal(column: str) -> bool:
    return column.casefold().translate(str.maketrans("", "", " _-")) in _PERSONAL


def _record(columns: Sequence[str], row: Sequence[str], place: str) -> SubjectRecord:
    if len(row) != len(columns):
        raise SubjectsError(f"{place}: {len(row)} cells where the header has {len(columns)}; correct the row.")
    cells = {name: cell.strip() if name in COLUMNS else cell for name, cell in zip(columns, row, strict=True)}
    given = {purpose: cells.pop(CONSENT_PREFIX + purpose, "") for purpose in Purpose}
    data: dict[str, Any] = {name: cell for name, cell in cells.items() if cell or name not in COLUMNS}
    try:
        return SubjectRecord.model_validate({**data, "consents": {key: day for key, day in given.items() if day}})
    except ValidationError as error:
        raise SubjectsError(f"{place}: {describe(error)}; correct the row (days are written 2025-12-31).") from error


def format_subjects(records: Iterable[SubjectRecord]) -> str:
    """The text of a `subjects.csv`; `parse_subjects` gives the same records back. Columns of a newer program come last."""
    records = tuple(records)
    extras = tuple(dict.fromkeys(name for record in records for name in record.model_extra or {}))
    rows = [(*COLUMNS, *extras)]
    for record in records:
        rows.append((*_cells(record), *(str((record.model_extra or {}).get(name, "")) for name in extras)))
    return "".join(",".join(map(_quoted, row)) + "\n" for row in rows)


def _quoted(cell: str) -> str:
    # csv.writer leaves a lone carriage return unquoted when lines end in "\n", and csv.reader then sees two rows.
    return '"' + cell.replace('"', '""') + '"' if any(mark in cell for mark in ',"\r\n') else cell


def _cells(record: SubjectRecord) -> Iterator[str]:
    values = (
        *(getattr(record, name) for name in _BEFORE_CONSENTS),
        *(record.consents.get(purpose) for purpose in Purpose),
        *(getattr(record, name) for name in _AFTER_CONSENTS),
    )
    return ("" if value is None else str(value) for value in values)
