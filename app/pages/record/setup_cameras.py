"""The card of the cameras: what is plugged in, what is chosen, what is missing."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QPushButton

from app.i18n import tr
from app.pages.record.setup_cameras_model import CameraPlan, Slot
from app.pages.record.setup_widgets import Card, Choice, Remark
from app.window.shortcuts import table

OTHER = "…"  # the row that opens a field for a camera in words; no camera is called so


class CamerasCard(Card):
    """The card. look: called to look again what is plugged in."""

    def __init__(self, plan: CameraPlan, look: Callable[[], None]) -> None:
        super().__init__(tr("Cameras"))
        self.setObjectName("setup.cameras")
        self._plan = plan
        self.choices: dict[Slot, Choice] = {}
        self.words: dict[Slot, QLineEdit] = {}
        self.notes: dict[Slot, Remark] = {}
        titles = {Slot.EVENT: tr("Event camera"), Slot.RGB: tr("Colour camera"), Slot.THERMAL: tr("Thermal camera")}
        for slot, title in titles.items():
            self._add(slot, title)
        self.again = QPushButton(tr("Look again"))
        self.again.setToolTip(table.tip("setup.look"))
        self.again.clicked.connect(look)
        self.column.addWidget(self.again, 0, Qt.AlignmentFlag.AlignLeft)

    def _add(self, slot: Slot, title: str) -> None:
        choice, words = Choice(), QLineEdit()
        choice.setObjectName(f"setup.{slot.value}")
        words.setAccessibleName(title)
        words.setPlaceholderText(
            tr("network:HOST:PORT, replay:FILE") if slot is Slot.EVENT else tr("number, device, file or URL")
        )
        words.hide()
        self.choices[slot], self.words[slot] = choice, words
        self.notes[slot] = self.add_field(title, "", choice)
        self.column.insertWidget(self.column.count(), words)
        choice.currentIndexChanged.connect(lambda: self._chosen(slot))
        words.editingFinished.connect(lambda: self._typed(slot))

    def _chosen(self, slot: Slot) -> None:
        spec = self.choices[slot].currentData()
        self.words[slot].setVisible(spec == OTHER)
        if spec == OTHER:
            self.words[slot].setFocus()
            return
        self._plan.choose(slot, spec)
        self.changed.emit()

    def _typed(self, slot: Slot) -> None:
        text = self.words[slot].text().strip()
        if text and text != self._plan.spec(slot):
            self._plan.choose(slot, text)
            self.changed.emit()

    def refresh(self) -> None:
        """Show what may be chosen, what is, and what to say of it."""
        for slot, choice in self.choices.items():
            rows = [(one.spec, f"{one.name} · {one.detail}" if one.detail else one.name) for one in self._plan.options(slot)]
            spec = self._plan.spec(slot)
            if not spec:
                rows.insert(0, ("", tr("not connected") if self._plan.looked else tr("looking…")))
            if choice.currentData() != OTHER or spec == self.words[slot].text().strip():
                choice.offer([*rows, (OTHER, tr("Another one…"))], spec)
                self.words[slot].setVisible(False)
            note = self._plan.note(slot)
            self.notes[slot].say(note.text, note.state)
