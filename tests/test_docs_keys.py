"""The keys in docs/operator.md are those of the window's own table: what the guide says cannot go stale."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import app.pages.label.compare_keys
import app.pages.label.keys
import app.pages.record.keys
import app.pages.record.playback
import app.pages.record.setup
import app.window.main_window
import app.window.tour  # noqa: F401 (each adds its rows to the table)
from app.settings import Preferences
from app.window.shortcuts import EVERYWHERE, Shortcut, table
from app.window.start import Wishes, page_entries

GUIDE = Path(__file__).parent.parent / "docs" / "operator.md"
BEGIN, END = "<!-- keys -->\n", "<!-- end of keys -->"


def rows(preferences: Preferences) -> list[Shortcut]:
    """Every row, place by place; pages add theirs when a window is made."""
    pages = [
        Shortcut(f"page.{entry.name}", f"Ctrl+{number}", f"{entry.title} page")
        for number, entry in enumerate(page_entries(Wishes(), preferences), 1)
    ]
    return sorted([*(row for row in table if not row.name.startswith("page.")), *pages], key=_place)


def _place(row: Shortcut) -> int:
    order = (EVERYWHERE, "Before the session", "Record", "Take", "After a take", "Play back", "Label", "Compare coders", "Tour")
    return order.index(row.context)


def section(found: list[Shortcut]) -> Iterator[str]:
    """The lines that the guide must have."""
    yield "| where | keys | what they do |"
    yield "|---|---|---|"
    for place, group in groupby(found, lambda row: row.context):
        for number, row in enumerate(group):
            keys = ", ".join(f"`{key}`" for key in row.keys.split())
            yield f"| {place if not number else ''} | {keys} | {row.text} |"


def test_the_guide_has_every_key_of_the_window_and_no_other(tmp_path: Path) -> None:
    text = GUIDE.read_text(encoding="utf-8")
    told = text[text.index(BEGIN) + len(BEGIN) : text.index(END)].splitlines()
    assert told == list(section(rows(Preferences(tmp_path / "settings.yaml"))))
