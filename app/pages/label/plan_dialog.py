"""Asks who labels what: coders, the share that two of them label, the seed, what is hidden. A window beside the page's.

What it would come to is shown while typing, worked out in a thread; nothing is written before it is saved.
"""

import secrets
from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import QCheckBox, QDialog, QFormLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.i18n import tr, trn
from app.pages.label.planning import Planned, PlanWishes, coders_typed, keep, plan_for, used_takes, wishes_of
from app.pages.record.setup_widgets import Remark, number_box, text_label
from app.window.errands import Errands
from app.window.theme import current_theme
from protocol.errors import GlimpseError
from recorder.dataset import TakeEntry
from recorder.labelplan import LabelPlan, read_plan

TYPING_MS = 250
WIDTH_PX = 480
MOST_SEED = 999_999


class PlanDialog(QDialog):
    """The window. saved: the plan was written."""

    saved = Signal()

    def __init__(self, dataset: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setModal(False)
        self.setWindowTitle(tr("Plan who labels what"))
        self.setMinimumWidth(WIDTH_PX)
        self._dataset = dataset
        self._entries: list[TakeEntry] | None = None
        self._planned: Planned | None = None
        self._asked = False  # to save, as soon as it is worked out
        self._errands = Errands(self)
        self._typed = QTimer(self)
        self._typed.setSingleShot(True)
        self._typed.timeout.connect(self._work_out)
        theme = current_theme()
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.space(4), theme.space(4), theme.space(4), theme.space(4))
        column.setSpacing(theme.space(3))
        column.addWidget(text_label(tr("Plan who labels what"), "title"))
        column.addLayout(self._fields())
        self.preview = QLabel()
        self.preview.setWordWrap(True)
        self.problem = Remark()
        column.addWidget(self.preview)
        column.addWidget(self.problem)
        column.addStretch(1)
        column.addLayout(self._buttons())
        self._enable(False)
        self.preview.setText(tr("Looking through the takes ..."))
        self._errands.run("read", lambda: _read(dataset), self._take_over)

    def _fields(self) -> QFormLayout:
        form = QFormLayout()
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self.coders = QLineEdit()
        self.coders.setPlaceholderText("coder-1, coder-2")
        self.share = number_box(0, 100, tr("Labelled by two"))
        self.share.setSuffix(" %")
        self.share.setSingleStep(5)
        self.seed = number_box(0, MOST_SEED, tr("Seed of the random order"))
        self.blind = QCheckBox(tr("Blind: nobody sees the labels of another"))
        self.blind.setToolTip(tr("Of takes that two label, suggestions are not shown either: both would only accept them"))
        self.hide_asked = QCheckBox(tr("Hide the movement asked for, and the name"))
        form.addRow(tr("Coders"), self.coders)
        form.addRow(tr("Labelled by two"), self.share)
        form.addRow(tr("Seed of the random order"), self.seed)
        form.addRow(self.blind)
        form.addRow(self.hide_asked)
        self.coders.textChanged.connect(self._changed)
        for box in (self.share, self.seed):
            box.valueChanged.connect(self._changed)
        for tick in (self.blind, self.hide_asked):
            tick.toggled.connect(self._changed)
        return form

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addStretch(1)
        self.cancel, self.save = QPushButton(tr("Cancel")), QPushButton(tr("Save the plan"))
        self.save.setProperty("role", "primary")
        self.save.setDefault(True)
        self.cancel.setAutoDefault(False)
        self.cancel.clicked.connect(self.close)
        self.save.clicked.connect(self._save)
        row.addWidget(self.cancel)
        row.addWidget(self.save)
        return row

    def _enable(self, on: bool, *, grows: bool = False) -> None:
        """grows: of a plan that exists what takes were labelled under stays."""
        for field in (self.coders, self.share):
            field.setEnabled(on)
        for fixed in (self.seed, self.blind, self.hide_asked):
            fixed.setEnabled(on and not grows)
        self.save.setEnabled(on and self._planned is not None)

    # Working out

    def _take_over(self, found: tuple[list[TakeEntry] | None, LabelPlan | None, str]) -> None:
        self._entries, plan, problem = found
        self.problem.say(problem)
        if self._entries is None:
            self.preview.setText("")
            return
        wishes = wishes_of(plan) if plan else PlanWishes(seed=secrets.randbelow(MOST_SEED + 1))
        self.coders.setText(wishes.coders)
        self.share.setValue(round(wishes.share_twice * 100))
        self.seed.setValue(wishes.seed)
        self.blind.setChecked(wishes.blind)
        self.hide_asked.setChecked(wishes.hide_asked)
        self._enable(True, grows=plan is not None)
        self.coders.setFocus(Qt.FocusReason.OtherFocusReason)
        self._work_out()

    def wishes(self) -> PlanWishes:
        """What the fields say."""
        return PlanWishes(
            self.coders.text(), self.share.value() / 100, self.seed.value(), self.blind.isChecked(), self.hide_asked.isChecked()
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return saves; what was typed just before it is worked out first, and Return is not needed again."""
        wanted = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not self.cancel.hasFocus()
        if wanted and self._planned is None and self._entries is not None:
            self._asked = True
            self._work_out()
        else:
            super().keyPressEvent(event)

    def _changed(self) -> None:
        self._planned, self._asked = None, False
        self.save.setEnabled(False)
        self._typed.start(TYPING_MS)

    def _work_out(self) -> None:
        self._typed.stop()
        entries, wishes, dataset = self._entries, self.wishes(), self._dataset
        if entries is None:
            return
        if not wishes.coders.strip():
            self._show(None, tr("Type the pseudonyms of the coders, with commas between them."), "unknown")
            return
        self._errands.run("plan", lambda: _worked_out(dataset, entries, wishes), lambda found: self._show(*found))

    def _show(self, planned: Planned | None, problem: str, state: str = "redo") -> None:
        self._planned = planned
        self.save.setEnabled(planned is not None)
        self.problem.say(problem, state)
        self.preview.setText(preview_text(planned) if planned else "")
        asked, self._asked = self._asked, False
        if asked:
            self._save()

    def _save(self) -> None:
        planned, dataset = self._planned, self._dataset
        if planned is not None:
            self.save.setEnabled(False)
            self._errands.run("save", lambda: _kept(dataset, planned), self._saved)

    def _saved(self, problem: str) -> None:
        if problem:
            self._show(None, problem)
            return
        self.saved.emit()
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        """The threads end with the window."""
        self._typed.stop()
        self._errands.shut()
        super().closeEvent(event)


def preview_text(planned: Planned) -> str:
    """What a plan comes to."""
    load = ", ".join(f"{coder}: {count}" for coder, count in planned.load.items())
    parts = [
        trn("{n} take is new in the plan.", "{n} takes are new in the plan.", planned.added),
        tr("Takes of each coder: {load}.").format(load=load),
        trn("{n} take is labelled by two.", "{n} takes are labelled by two.", planned.twice),
    ]
    if planned.before is not None:
        parts.append(tr("What was planned before stays as it is."))
    return "\n".join(parts)


def _read(dataset: Path) -> tuple[list[TakeEntry] | None, LabelPlan | None, str]:
    try:
        return used_takes(dataset), read_plan(dataset), ""
    except (GlimpseError, OSError) as error:
        return None, None, str(error)


def _worked_out(dataset: Path, entries: list[TakeEntry], wishes: PlanWishes) -> tuple[Planned | None, str]:
    try:
        coders_typed(wishes.coders)
        return plan_for(dataset, entries, wishes, datetime.now(UTC)), ""
    except (GlimpseError, OSError) as error:
        return None, str(error)


def _kept(dataset: Path, planned: Planned) -> str:
    try:
        keep(dataset, planned)
    except (GlimpseError, OSError) as error:
        return str(error)
    return ""
