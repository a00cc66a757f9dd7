"""The shape of the CAS(ME)3 table: Subject, Filename, Onset, Apex, Offset, AU, Objective class, emotion.

Li et al., "CAS(ME)3: A Third Generation Facial Spontaneous Micro-Expression Database", IEEE T. PAMI 45(3), 2023.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from recorder.exchange.base import Book, Labelled, Read, Report
from recorder.exchange.frametables import Layout, read_table, write_table
from recorder.exchange.samm import objective_class

LAYOUT = Layout(
    "CAS(ME)3",
    (
        ("Subject", lambda row: row.subject),
        ("Filename", lambda row: row.recording.stem),
        ("Onset", lambda row: row.frame(0)),
        ("Apex", lambda row: row.frame(1)),
        ("Offset", lambda row: row.frame(2)),
        ("AU", lambda row: row.units),
        ("Objective class", lambda row: objective_class(row.units)),
        ("emotion", lambda _: ""),
    ),
    {
        "take": ("filename",),
        "subject": ("subject",),
        "onset": ("onset", "onsetframe"),
        "apex": ("apex", "apexframe"),
        "offset": ("offset", "offsetframe"),
        "units": ("au", "aus", "actionunits"),
    },
    {"emotion": "emotion"},
)


def write(path: Path, labels: Sequence[Labelled], book: Book, *, canonical: bool = True) -> Report:
    """Write the table as XLSX or CSV, by the name of the file; `canonical` as in `write_table`."""
    return write_table(path, labels, book, LAYOUT, canonical)


def read(path: Path, book: Book, coder: str, created_at: datetime) -> Read:
    """Read such a table, ours or not."""
    return read_table(path, book, coder, created_at, LAYOUT)
