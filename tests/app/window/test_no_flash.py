"""What is made for the Record page never shows as a window of its own: that flickers, and takes the keys from the page."""

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QWidget

from app.widgets.picture_view import PictureView
from app.widgets.verdict_card import Number, VerdictCard, VerdictView
from protocol.streams import Stream

VIEW = VerdictView("redo", ("A reason.",), (Number("Blinks", "2", "check"),), "smile_1_1.aedat4", "A note.", [("R", "Redo")])


class Shown(QObject):
    """Widgets without a parent that were shown."""

    def __init__(self):
        super().__init__()
        self.names = []

    def eventFilter(self, watched, event):
        if event.type() is QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.names.append(type(watched).__name__)
        return False


@pytest.fixture
def shown(qapp):
    found = Shown()
    qapp.installEventFilter(found)
    yield found
    qapp.removeEventFilter(found)


def test_no_picture_flashes_by_while_it_is_made(qtbot, shown):
    qtbot.addWidget(PictureView(Stream.THERMAL))
    assert shown.names == []


def test_no_part_of_a_verdict_flashes_by_while_it_is_made(qtbot, shown):
    card = VerdictCard()
    qtbot.addWidget(card)
    card.show_verdict(VIEW)
    assert shown.names == []
