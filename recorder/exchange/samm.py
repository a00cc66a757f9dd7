"""The shape of the SAMM table, with Inducement Code, Duration, Micro, Objective Classes and Notes.

Davison et al., "SAMM: A Spontaneous Micro-Facial Movement Dataset", IEEE T. Affective Computing 9(1), 2018. The published
table has a legend above its titles, and apexes outside of their interval (028_4_1, 032_3_1).
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from recorder.exchange.base import Book, Labelled, Read, Report
from recorder.exchange.frametables import Layout, Row, read_table, write_table

# Davison, Merghani & Yap, "Objective Classes for Micro-Facial Expression Recognition", J. Imaging 4(10), 2018, table 1.
OBJECTIVE_CLASSES: dict[str, tuple[tuple[int, ...], ...]] = {
    "I": ((6,), (12,), (6, 12), (6, 7, 12), (7, 12)),
    "II": ((1, 2), (5,), (25,), (1, 2, 25), (25, 26), (5, 24)),
    "III": ((23,), (4,), (4, 7), (4, 5), (4, 5, 7), (17, 24), (4, 6, 7), (4, 38)),
    "IV": ((10,), (9,), (4, 9), (4, 40), (4, 5, 40), (4, 7, 9), (4, 9, 17), (4, 7, 10), (4, 5, 7, 9), (7, 10)),
    "V": ((1,), (15,), (1, 4), (6, 15), (15, 17)),
    "VI": ((1, 2, 4), (20,)),
}
OTHER_CLASS = "VII"


def objective_class(units: str) -> str:
    """The objective class of action units "4+7"; VII for all that are in no other, "" for none."""
    numbers = tuple(sorted({int(unit) for unit in units.split("+") if unit}))
    found = (name for name, sets in OBJECTIVE_CLASSES.items() if numbers in sets)
    return next(found, OTHER_CLASS) if numbers else ""


def _micro(row: Row) -> str:
    if row.interval is None:
        return ""
    return "Micro - 1/2" if row.micro else "Macro"


LAYOUT = Layout(
    "SAMM",
    (
        ("Subject", lambda row: row.subject),
        ("Filename", lambda row: row.recording.stem),
        ("Inducement Code", lambda row: row.recording.movement or ""),
        ("Onset Frame", lambda row: row.frame(0)),
        ("Apex Frame", lambda row: row.frame(1)),
        ("Offset Frame", lambda row: row.frame(2)),
        ("Duration", lambda row: row.length),
        ("Micro", _micro),
        ("Action Units", lambda row: row.units),
        ("Estimated Emotion", lambda _: ""),
        ("Objective Classes", lambda row: objective_class(row.units)),
        ("Notes", lambda row: row.interval.note if row.interval else ""),
    ),
    {
        "take": ("filename",),
        "subject": ("subject",),
        "onset": ("onsetframe", "onset"),
        "apex": ("apexframe", "apex"),
        "offset": ("offsetframe", "offset"),
        "units": ("actionunits", "actionunit", "au", "aus"),
    },
    {"estimatedemotion": "emotion", "notes": ""},
)


def write(path: Path, labels: Sequence[Labelled], book: Book, *, canonical: bool = True) -> Report:
    """Write the table as XLSX or CSV, by the name of the file; `canonical` as in `write_table`."""
    return write_table(path, labels, book, LAYOUT, canonical)


def read(path: Path, book: Book, coder: str, created_at: datetime) -> Read:
    """Read such a table, ours or not."""
    return read_table(path, book, coder, created_at, LAYOUT)
