"""What the main window knows of a page. Pages are made when they are first shown."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.window.messages import Message
from app.window.tour import TourStep


class Page(QWidget):
    """A page of the window. TITLE: in English; ICON: its meaning in app.window.icons; KEY: its shortcut's name."""

    TITLE = ""
    ICON = "info"

    banner = Signal(object)  # a Message that stays
    banner_over = Signal(str)  # the key of a banner that has no reason any more
    toast = Signal(object)  # a Message that goes by itself
    open_take = Signal(str, object)  # name of a page, path of a take: show it there
    tour_wanted = Signal(object)  # TourSteps: the page is used for the first time

    def activate(self) -> None:
        """The page is shown from now on: begin to pull and draw."""

    def take_keys(self) -> None:
        """The keys go to the page again."""
        self.setFocus()

    def deactivate(self) -> None:
        """The page is hidden from now on: stop drawing."""

    def use_dataset(self, folder: Path) -> None:
        """The data set in use has changed."""

    def use_preferences(self) -> None:
        """The preferences have changed."""

    def show_take(self, path: Any) -> None:
        """Another page asks to show this take."""

    def tour_steps(self) -> Sequence[TourStep]:
        """What the tour has to show of the page as it is now."""
        return ()

    def why_not_close(self) -> Message | None:
        """What would be lost if the window closed now; None where nothing would."""
        return None

    def wind_up(self) -> str:
        """The window is to close: let what is under way end. Asked again and again, never waits.

        Returns what is waited for, in a few words; "" where all has ended.
        """
        return ""

    def undone(self) -> Message | None:
        """All has ended, but something that the operator decided could not be done and would be lost; None where nothing is."""
        return None

    def shut(self) -> None:
        """The window closes: stop threads and processes. What has not been wound up by now is given up."""
