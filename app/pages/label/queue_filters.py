"""The fields that say which takes are listed, and in which order. They tell what is wanted; knows no list."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLineEdit, QToolButton, QVBoxLayout, QWidget

from app.i18n import tr
from app.pages.label.queue import Values
from app.pages.label.queue_rows import QueueFilter, QueueOrder
from app.pages.label.queue_table import movement_name, progress_word, status_word
from app.pages.record.setup_widgets import Choice, text_label
from app.widgets.looks import state_word
from app.window.icons import icon
from app.window.theme import current_theme, theme_bus
from recorder.browse.catalogue import Progress

TYPING_MS = 120  # so long after the last letter the list follows
SURE, HALF = 0.8, 0.5  # confidence: from here on a suggestion is mostly right, below there it is a guess


class FilterText(QLineEdit):
    """A field for a part of the name. left: the keys are to go to the list."""

    left = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Down and Return go on to the list; Escape empties the field, then goes too."""
        key = event.key()
        if key == Qt.Key.Key_Escape and self.text():
            self.clear()
        elif key in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape):
            self.left.emit()
        else:
            super().keyPressEvent(event)


class FilterBar(QWidget):
    """The fields. changed: with a QueueFilter and a QueueOrder; left: the keys are to go to the list."""

    changed = Signal(object, object)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values, self._hidden, self._has_plan = Values(), False, False
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(current_theme().space(2))
        self.text = FilterText()
        self.text.setObjectName("queue-filter")
        self.text.setPlaceholderText(tr("Part of the name"))
        self.text.setAccessibleName(tr("Part of the name"))
        self.text.setClearButtonEnabled(True)
        self.text.left.connect(self.left)
        self.progress = Choice()
        self.progress.setAccessibleName(tr("Progress"))
        self.more = QToolButton()
        self.more.setCheckable(True)
        self.more.setToolTip(tr("More filters and the order"))
        self.more.setAccessibleName(tr("More filters and the order"))
        self.more.toggled.connect(self._show_more)
        row = QHBoxLayout()
        row.setSpacing(current_theme().space(2))
        row.addWidget(self.text, 3)
        row.addWidget(self.progress, 2)
        row.addWidget(self.more)
        column.addLayout(row)
        self.details = self._make_details()
        column.addWidget(self.details)
        self._typed = QTimer(self)
        self._typed.setSingleShot(True)
        self._typed.timeout.connect(self._tell)
        self._fill()
        self._connect()
        self._draw()
        theme_bus().changed.connect(self._draw)

    def _make_details(self) -> QWidget:
        details = QWidget()
        grid = QGridLayout(details)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(current_theme().space(1))
        names = ("movement", "subject", "verdict", "status", "noise", "disagreement", "confidence", "coder", "order")
        self.choices = {name: Choice() for name in names}
        self._titles = {name: text_label(title, "caption") for name, title in self._words().items()}
        for number, name in enumerate(names):
            line, at = divmod(number, 3)
            self._titles[name].setBuddy(self.choices[name])
            self.choices[name].setAccessibleName(self._words()[name])
            grid.addWidget(self._titles[name], 2 * line, at)
            grid.addWidget(self.choices[name], 2 * line + 1, at)
            grid.setColumnStretch(at, 1)
        self.all_takes = QCheckBox(tr("Takes of others too"))
        self.all_takes.setToolTip(tr("Also takes that the plan gives to other coders"))
        self.left_out = QCheckBox(tr("Left out takes too"))
        self.left_out.setToolTip(tr("Also partial, failed, redone, noise and practice takes, which are not used"))
        boxes = QHBoxLayout()
        boxes.addWidget(self.all_takes)
        boxes.addWidget(self.left_out)
        boxes.addStretch(1)
        grid.addLayout(boxes, 6, 0, 1, 3)
        details.hide()
        return details

    @staticmethod
    def _words() -> dict[str, str]:
        return {
            "movement": tr("Movement"),
            "subject": tr("Subject"),
            "verdict": tr("Verdict"),
            "status": tr("Status"),
            "noise": tr("Noise"),
            "disagreement": tr("Coders"),
            "confidence": tr("Suggestion"),
            "coder": tr("Labelled by"),
            "order": tr("Order"),
        }

    def _connect(self) -> None:
        self.text.textChanged.connect(lambda: self._typed.start(TYPING_MS))
        for choice in (self.progress, *self.choices.values()):
            choice.currentIndexChanged.connect(self._tell)
        for box in (self.all_takes, self.left_out):
            box.toggled.connect(self._tell)

    def _draw(self) -> None:
        self.more.setIcon(icon("advanced", "text"))

    def _show_more(self, on: bool) -> None:
        self.details.setVisible(on)

    # What there is to choose from

    def offer(self, values: Values, *, hidden: bool, has_plan: bool) -> None:
        """Offer what there is. hidden: the coder must not know the movements; has_plan: takes may be of others."""
        if (values, hidden, has_plan) != (self._values, self._hidden, self._has_plan):
            self._values, self._hidden, self._has_plan = values, hidden, has_plan
            self._fill()

    def _fill(self) -> None:
        values, anything = self._values, (None, tr("all"))
        done = [(one, progress_word(one)) for one in Progress]
        self._offer(self.progress, [anything, *done])
        rows: dict[str, Iterable[tuple[Any, str]]] = {
            "movement": [(one, movement_name(one)) for one in values.movements],
            "subject": [(one, str(one)) for one in values.subjects],
            "verdict": [(one, state_word(one)) for one in values.verdicts],
            "status": [(one, status_word(one)) for one in values.statuses],
            "noise": [(False, tr("no noise")), (True, tr("only noise"))],
            "disagreement": [(True, tr("disagree")), (False, tr("do not disagree"))],
            "confidence": [((SURE, 1.0), tr("sure")), ((HALF, SURE), tr("unsure")), ((0.0, HALF), tr("guess or none"))],
            "coder": [(one, one) for one in values.coders],
        }
        for name, offered in rows.items():
            self._offer(self.choices[name], [anything, *offered])
        self._offer(self.choices["order"], self._orders())
        for name in ("movement", "order"):
            self._titles[name].setEnabled(not self._hidden)
            self.choices[name].setEnabled(not self._hidden)
        self.all_takes.setVisible(self._has_plan)

    def _orders(self) -> list[tuple[QueueOrder, str]]:
        words = {
            QueueOrder.QUEUE: tr("as planned") if self._has_plan else tr("by name"),
            QueueOrder.NAME: tr("by name"),
            QueueOrder.RECORDED: tr("as recorded"),
            QueueOrder.SURE: tr("surest first"),
            QueueOrder.UNSURE: tr("least sure first"),
        }
        return [(one, word) for one, word in words.items() if self._has_plan or one is not QueueOrder.NAME]

    @staticmethod
    def _offer(choice: Choice, rows: list[tuple[Any, str]]) -> None:
        choice.offer(rows, choice.currentData())

    # What is wanted

    def wanted(self) -> QueueFilter:
        """The filter that the fields make."""
        chosen = {name: choice.currentData() for name, choice in self.choices.items()}
        progress, sure = self.progress.currentData(), chosen["confidence"]  # which Qt gives back as a text and a list
        return QueueFilter(
            movements=_one(chosen["movement"]),
            subjects=_one(chosen["subject"]),
            verdicts=_one(chosen["verdict"]),
            statuses=_one(chosen["status"]),
            noise=chosen["noise"],
            disagreement=chosen["disagreement"],
            confidence=None if sure is None else (sure[0], sure[1]),
            coder=chosen["coder"] if progress is None else None,
            progress=() if progress is None else (Progress(progress),),
            text=self.text.text(),
            all_takes=self.all_takes.isChecked(),
            left_out=self.left_out.isChecked(),
        )

    def clear(self) -> None:
        """List everything again; the order stays."""
        for one in (self.progress, *(choice for name, choice in self.choices.items() if name != "order")):
            one.choose(None)
        blocked = self.text.blockSignals(True)
        self.text.clear()
        self.text.blockSignals(blocked)
        self._tell()

    def show_progress(self, progress: Progress | None) -> None:
        """List what is to do, begun or done; None for all."""
        self.progress.choose(progress)
        self._tell()

    @property
    def empty(self) -> bool:
        """Whether nothing is filtered away."""
        return replace(self.wanted(), all_takes=False, left_out=False) == QueueFilter()

    def _tell(self) -> None:
        self._typed.stop()
        self.changed.emit(self.wanted(), QueueOrder(self.choices["order"].currentData()))


def _one(value: Any) -> tuple[Any, ...]:
    return () if value is None else (value,)
