"""The keys in the guides are those of the window's own table: what they say cannot go stale."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

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

DOCS = Path(__file__).parent.parent / "docs"
GUIDES = {
    "operator.md": (EVERYWHERE, "Before the session", "Record", "Take", "After a take", "Play back", "Tour"),
    "annotator.md": (EVERYWHERE, "Label", "Compare coders", "Tour"),
}
BEGIN, END = "<!-- keys -->\n", "<!-- end of keys -->"


def rows(preferences: Preferences) -> list[Shortcut]:
    """Every row; pages add theirs when a window is made."""
    pages = [
        Shortcut(f"page.{entry.name}", f"Ctrl+{number}", f"{entry.title} page")
        for number, entry in enumerate(page_entries(Wishes(), preferences), 1)
    ]
    return [*(row for row in table if not row.name.startswith("page.")), *pages]


def section(found: list[Shortcut]) -> Iterator[str]:
    """The lines that a guide must have."""
    yield "| where | keys | what they do |"
    yield "|---|---|---|"
    for place, group in groupby(found, lambda row: row.topic or row.context):
        for number, row in enumerate(group):
            keys = ", ".join(f"`{key}`" for key in row.keys.split())
            yield f"| {place if not number else ''} | {keys} | {row.text} |"


def of_guide(name: str, preferences: Preferences) -> list[Shortcut]:
    """Its rows, place by place."""
    order = GUIDES[name]
    return sorted((row for row in rows(preferences) if row.context in order), key=lambda row: order.index(row.context))


@pytest.mark.parametrize("name", GUIDES)
def test_a_guide_has_every_key_of_its_pages_and_no_other(name: str, tmp_path: Path) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")
    told = text[text.index(BEGIN) + len(BEGIN) : text.index(END)].splitlines()
    assert told == list(section(of_guide(name, Preferences(tmp_path / "settings.yaml"))))


def test_every_key_is_in_a_guide(tmp_path: Path) -> None:
    told = {context for contexts in GUIDES.values() for context in contexts}
    assert {row.context for row in rows(Preferences(tmp_path / "settings.yaml"))} <= told
