"""Ground truth for spotting as the Micro-Expression Grand Challenge has it: vid, onset, offset, type ("me" or "mae").

The challenge matches intervals of picture numbers at IoU >= 0.5. It names no movement: without the canonical columns an
interval is read as the movement that its take was recorded for.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from recorder.exchange.base import Book, Labelled, Read, Report
from recorder.exchange.frametables import Layout, Row, read_table, write_table


def _type(row: Row) -> str:
    if row.interval is None:
        return ""
    return "me" if row.micro else "mae"  # micro-expression, macro-expression


LAYOUT = Layout(
    "MEGC",
    (
        ("vid", lambda row: row.recording.stem),
        ("onset", lambda row: row.frame(0)),
        ("offset", lambda row: row.frame(2)),
        ("type", _type),
        ("movement", lambda row: (row.interval.movement or "") if row.interval else ""),
        ("au", lambda row: row.units),
    ),
    {
        "take": ("vid", "video", "filename"),
        "subject": ("subject",),
        "onset": ("onset", "predonset", "onsetframe"),
        "offset": ("offset", "predoffset", "offsetframe"),
        "units": ("au", "aus", "actionunits"),
        "label": ("movement",),
    },
    asked=True,
)


def write(path: Path, labels: Sequence[Labelled], book: Book, *, canonical: bool = True) -> Report:
    """Write the table as CSV or XLSX, by the name of the file; `canonical` as in `write_table`."""
    return write_table(path, labels, book, LAYOUT, canonical)


def read(path: Path, book: Book, coder: str, created_at: datetime) -> Read:
    """Read such a table, ours or not."""
    return read_table(path, book, coder, created_at, LAYOUT)
