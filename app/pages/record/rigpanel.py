"""The rig check: a lamp for each thing that must be well, what to do about it, and the way on."""

from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.i18n import tr
from app.pages.record.panels import button, column_of, heading, scrolled
from app.pages.record.presenters import lamp_readings
from app.pages.record.rigtools import RigTools
from app.pages.record.sessionflow import SessionFlow
from app.sentences import tr_sentence
from app.widgets.lamp_row import LampRow
from app.widgets.looks import set_property
from app.window.shortcuts import table
from app.window.theme import current_theme

WORST_FIRST = {"redo": 0, "check": 1, "unknown": 2, "good": 3}


class RigPanel(QWidget):
    """Shows what `RigWatch` found last."""

    def __init__(self, flow: SessionFlow, page: QWidget) -> None:
        super().__init__(page)
        self._flow, self._page = flow, page
        self._number = -1
        column = column_of(self)
        row = QHBoxLayout()
        row.addWidget(heading(tr("Rig check"), "headline"), 1)
        self.tools_button = button(tr("Advanced"), "record.advanced", self.toggle_tools, "quiet")
        self.tools_button.setCheckable(True)
        row.addWidget(self.tools_button)
        column.addLayout(row)
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        column.addWidget(self.summary)
        self.lamps = LampRow()
        self.lamps.setObjectName("lamps")
        self.tools = RigTools(flow, page)
        self.tools.hide()
        inside = QWidget()
        stack = column_of(inside)
        stack.setContentsMargins(0, 0, 0, 0)
        stack.addWidget(self.tools)
        stack.addWidget(self.lamps)
        stack.addStretch(1)
        column.addWidget(scrolled(inside), 1)
        column.addLayout(self._below())

    def _below(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(current_theme().space(2))
        self.confirm = button(tr("Go on all the same"), "record.confirm", self._confirm)
        self.forward = button(tr("To the plan"), "record.go", self._flow.to_plan, "primary")
        self.forward.setObjectName("to_plan")
        row.addWidget(self.confirm)
        row.addWidget(self.forward, 1)
        return row

    def _confirm(self) -> None:
        self._flow.confirm()
        self._flow.to_plan()

    def toggle_tools(self) -> None:
        """Show or hide what is advanced."""
        self.tools.setVisible(not self.tools.isVisible())
        self.tools_button.setChecked(self.tools.isVisible())

    def refresh(self) -> None:
        """Show the newest findings."""
        found = self._page.watch.found  # type: ignore[attr-defined]
        if self.tools.isVisible():
            self.tools.refresh()
        if found.number != self._number:
            self._number = found.number
            readings = sorted(lamp_readings(found.checks), key=lambda one: WORST_FIRST[one.state])
            self.lamps.show_readings(readings)
        state, text = self._summary(found.problem)
        self.summary.setText(text)
        set_property(self.summary, "state", state)
        self.confirm.setVisible(self._flow.must_confirm and self._flow.armed is not None)
        self.forward.setEnabled(self._flow.armed is not None and not self._flow.must_confirm)

    def _summary(self, problem: str | None) -> tuple[str, str]:
        flow = self._flow
        if flow.armed is None:
            return ("unknown", tr("The cameras are being opened ...")) if flow.opening else ("redo", tr("No camera is open."))
        if problem:
            return "check", tr_sentence(problem)
        level = flow.rig_state.level
        if level == "redo":
            text = tr("Something is wrong: mend what is red, or go on all the same ({key}); the takes will say so.")
            return "redo", text.format(key=table.shown("record.confirm"))
        if level == "check":
            return "check", tr("Usable; what is amber will be noted with the takes.")
        if level == "good":
            return "good", tr("Everything is as it should be.")
        return "unknown", tr("Looking ...")
