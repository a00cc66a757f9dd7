"""A table of videos to convert: CSV with path, subject, label and optionally start and stop. Knows no video."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from protocol.errors import GlimpseError
from protocol.movement import SPONTANEOUS, parse_movement
from protocol.naming import MAX_NUMBER
from recorder.video2events.errors import ConvertError

NEEDED = ("path", "subject", "label")


@dataclass(frozen=True)
class Job:
    """One take to be made. path: a video or folder; movement: a token; start_s, stop_s: seconds of the video's own time."""

    path: Path
    subject: int
    movement: str
    start_s: float | None = None
    stop_s: float | None = None


def movement_token(text: str) -> str:
    """The token of a movement in any accepted spelling, or `spontaneous`. Raises UnknownMovement."""
    return SPONTANEOUS if text.strip().casefold() == SPONTANEOUS else parse_movement(text.strip()).token


def read_table(path: Path) -> list[Job | GlimpseError]:
    """The rows of a table in order, an error (one sentence with its line) for each that cannot be used.

    Paths are relative to the table's folder. Raises ConvertError when the file cannot be read or a column is missing.
    """
    rows = _rows(path)
    return [_job_or_error(path, line, row) for line, row in rows]


def _rows(path: Path) -> list[tuple[int, Mapping[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            _check_columns(path, [name.strip() for name in reader.fieldnames or ()])
            return [(reader.line_num, _trimmed(row)) for row in reader]
    except OSError as error:
        raise ConvertError(f"{path}: cannot be read ({error.strerror}); check the path of the table.") from error
    except UnicodeDecodeError as error:
        raise ConvertError(f"{path}: is not UTF-8 text; save the table as CSV in UTF-8.") from error
    except csv.Error as error:
        raise ConvertError(f"{path}: is no CSV table ({error}); save it as CSV with commas.") from error


def _check_columns(path: Path, names: list[str]) -> None:
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise ConvertError(
            f"{path}: has no column {' and no column '.join(missing)}; its first line must name path, subject and label, and "
            "may name start and stop."
        )


def _trimmed(row: Mapping[str | None, str | list[str] | None]) -> Mapping[str, str]:
    return {key.strip(): value.strip() for key, value in row.items() if isinstance(key, str) and isinstance(value, str)}


def _job_or_error(path: Path, line: int, row: Mapping[str, str]) -> Job | GlimpseError:
    where = f"{path}, line {line}"
    try:
        return Job(
            _video(where, path, row.get("path", "")),
            _subject(where, row.get("subject", "")),
            movement_token(row.get("label", "")),
            _seconds(where, row, "start"),
            _seconds(where, row, "stop"),
        )
    except ConvertError as error:
        return error
    except GlimpseError as error:
        return ConvertError(f"{where}: {error}")


def _video(where: str, table: Path, text: str) -> Path:
    if not text:
        raise ConvertError(f"{where}: names no video; fill in the column path.")
    video = table.parent / text
    if not video.exists():
        raise ConvertError(f"{where}: there is no {video}; paths are relative to the table.")
    return video


def _subject(where: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= MAX_NUMBER):
        raise ConvertError(f"{where}: the subject {text!r} is no number from 1 to {MAX_NUMBER}; names are never stored.")
    return int(text)


def _seconds(where: str, row: Mapping[str, str], column: str) -> float | None:
    text = row.get(column, "")
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError as error:
        raise ConvertError(f"{where}: {column} {text!r} is no number of seconds; write for example 1.5.") from error
    if not 0 <= seconds < float("inf"):
        raise ConvertError(f"{where}: {column} {text!r} is no time of the video; write seconds from 0 on.")
    return seconds
