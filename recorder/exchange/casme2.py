"""The shape of the CASME II table: Subject, Filename, OnsetFrame, ApexFrame, OffsetFrame, Action Units, Estimated Emotion.

Yan et al., "CASME II: An Improved Spontaneous Micro-Expression Database", PLoS ONE 9(1), 2014. No emotion is written: nobody
judged one; a foreign one is read into the note.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from recorder.exchange.base import Book, Labelled, Read, Report
from recorder.exchange.frametables import Layout, read_table, write_table

LAYOUT = Layout(
    "CASME II",
    (
        ("Subject", lambda row: row.subject),
        ("Filename", lambda row: row.recording.stem),
        ("OnsetFrame", lambda row: row.frame(0)),
        ("ApexFrame", lambda row: row.frame(1)),
        ("OffsetFrame", lambda row: row.frame(2)),
        ("Action Units", lambda row: row.units),
        ("Estimated Emotion", lambda _: ""),
    ),
    {
        "take": ("filename",),
        "subject": ("subject",),
        "onset": ("onsetframe", "onset"),
        "apex": ("apexframe", "apex", "apexframe1"),
        "offset": ("offsetframe", "offset"),
        "units": ("actionunits", "actionunit", "au", "aus"),
    },
    {"estimatedemotion": "emotion"},
)


def write(path: Path, labels: Sequence[Labelled], book: Book, *, canonical: bool = True) -> Report:
    """Write the table as XLSX or CSV, by the name of the file; `canonical` as in `write_table`."""
    return write_table(path, labels, book, LAYOUT, canonical)


def read(path: Path, book: Book, coder: str, created_at: datetime) -> Read:
    """Read such a table, ours or not."""
    return read_table(path, book, coder, created_at, LAYOUT)
