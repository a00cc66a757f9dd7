"""Which formats there are, what their files are called, and of which format a file is. Imports a format when it is used."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from importlib import import_module
from pathlib import Path

from recorder.exchange.base import Book, ExchangeError, Labelled, Read, Report
from recorder.exchange.sheets import fold, read_sheet


class Format(StrEnum):
    """What `glimpse labels export` writes and `glimpse labels import` reads."""

    CSV = "csv"
    CASME2 = "casme2"
    SAMM = "samm"
    CASME3 = "casme3"
    EAF = "eaf"
    BORIS = "boris"
    BIDS = "bids"
    MEGC = "megc"


@dataclass(frozen=True)
class Kind:
    """module: of recorder.exchange; suffixes: that its file may have, none for a folder; table: in numbers of pictures."""

    module: str
    suffixes: tuple[str, ...] = ()
    table: bool = False
    folder: bool = False


_SHEETS = (".csv", ".xlsx")
KINDS = {
    Format.CSV: Kind("longtable", _SHEETS),
    Format.CASME2: Kind("casme2", _SHEETS, table=True),
    Format.SAMM: Kind("samm", _SHEETS, table=True),
    Format.CASME3: Kind("casme3", _SHEETS, table=True),
    Format.MEGC: Kind("megc", _SHEETS, table=True),
    Format.EAF: Kind("eaf", (".eaf",), folder=True),
    Format.BORIS: Kind("boris", (".boris", ".json")),
    Format.BIDS: Kind("bids", folder=True),
}


def write(form: Format, path: Path, labels: Sequence[Labelled], book: Book, *, canonical: bool = True) -> Report:
    """Write labels. canonical: a table in numbers of pictures gets the columns that make it lossless.

    Raises ExchangeError where the file's name does not fit the format or it cannot be written.
    """
    kind = KINDS[form]
    if not (kind.folder and not path.suffix) and path.suffix.lower() not in kind.suffixes and not path.is_dir():
        wanted = [*kind.suffixes, *(["the name of a folder"] if kind.folder else [])]
        raise ExchangeError(f"{path}: is no name for the format {form.value}; use {' or '.join(wanted)}.")
    module = import_module(f"recorder.exchange.{kind.module}")
    report: Report = module.write(path, labels, book, canonical=canonical) if kind.table else module.write(path, labels, book)
    return report


def read(path: Path, book: Book, coder: str, created_at: datetime, form: Format | None = None) -> Read:
    """Read labels of a format, by default of the one that the file looks like. coder, created_at: where the file does not say.

    Raises ExchangeError where it cannot be read at all.
    """
    if not path.exists():
        raise ExchangeError(f"{path}: is not there; check the path.")
    module = import_module(f"recorder.exchange.{KINDS[form or guess(path)].module}")
    read: Read = module.read(path, book, coder, created_at)
    return read


def guess(path: Path) -> Format:
    """The format of a file or folder, by its name and, for a table, its titles. Raises ExchangeError where it is none."""
    if path.is_dir():
        return _guess_folder(path)
    suffix = path.suffix.lower()
    if suffix in (".eaf", ".boris", ".tsv", ".json"):
        return {".eaf": Format.EAF, ".tsv": Format.BIDS}.get(suffix, Format.BORIS)
    titles = {fold(cell) for row in read_sheet(path)[0][:50] for cell in row}
    if {"take", "onsetus"} <= titles:
        return Format.CSV
    if "vid" in titles or "predonset" in titles:
        return Format.MEGC
    if "inducementcode" in titles:
        return Format.SAMM
    if "filename" in titles:
        return Format.CASME2 if "onsetframe" in titles else Format.CASME3
    raise ExchangeError(f"{path}: is none of the tables that are known; name its format with --format.")


def _guess_folder(path: Path) -> Format:
    for pattern, form in (("*_events.tsv", Format.BIDS), ("*.eaf", Format.EAF)):
        if next(path.rglob(pattern), None) is not None:
            return form
    raise ExchangeError(f"{path}: holds neither .eaf files nor events.tsv files; name a file.")
