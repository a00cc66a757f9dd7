"""The card of the data set: which folder, what is in it, and what a new one is for."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QComboBox, QRadioButton, QVBoxLayout, QWidget

from app.i18n import tr, trn
from app.pages.record.setup_folder import FolderKind, FolderView
from app.pages.record.setup_model import DATA, SetupModel
from app.pages.record.setup_widgets import Card, IconButton, PathLine, text_label
from app.widgets.wheel import leave_wheel
from app.window.folders import ask_folder


class DatasetCard(Card):
    """The card. look: called with a folder that is to be looked at."""

    def __init__(self, model: SetupModel, recent: Sequence[str], look: Callable[[Path], None]) -> None:
        super().__init__(tr("Data set"))
        self.setObjectName("setup.dataset")
        self._model, self._look = model, look
        self.path = QComboBox()
        self.path.setObjectName("setup.folder")
        self.path.setEditable(True)
        self.path.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.path.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.path.addItems([str(model.data), *(one for one in recent if one != str(model.data))])
        self.path.activated.connect(lambda: self._typed())
        self._line = PathLine()
        self.path.setLineEdit(self._line)
        leave_wheel(self.path)
        self._line.editingFinished.connect(self._typed)
        self.ask = IconButton("folder")
        self.ask.setToolTip(tr("Choose a folder…"))
        self.ask.setAccessibleName(self.ask.toolTip())
        self.ask.clicked.connect(self._ask)
        self.add_field(tr("Folder"), DATA, self.path, self.ask)
        self.state = text_label("", "body", wraps=True)
        self.column.addWidget(self.state)
        self.kind = self._kinds()
        self.column.addWidget(self.kind)

    def _kinds(self) -> QWidget:
        box = QWidget()
        self.real = QRadioButton(tr("Real takes, of people"))
        self.simulated = QRadioButton(tr("Simulated takes"))
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.real)
        column.addWidget(self.simulated)
        self._group = QButtonGroup(box)
        self._group.addButton(self.real, 0)
        self._group.addButton(self.simulated, 1)
        self._group.idToggled.connect(self._kind_chosen)
        return box

    def _kind_chosen(self, number: int, on: bool) -> None:
        if on:
            self._model.use_new_kind(bool(number))
            self.changed.emit()

    def _typed(self) -> None:
        text = self.path.currentText().strip()
        path = Path(text).expanduser()
        if text and path != self._model.data:
            self._look(path)

    def _ask(self) -> None:
        ask_folder(self, tr("Folder of the data set"), self._model.data, self._look)

    def show_path(self, path: Path) -> None:
        """Show a folder that is being looked at."""
        if self.path.currentText() != str(path):
            if self.path.findText(str(path), Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchCaseSensitive) < 0:
                self.path.insertItem(0, str(path))
            self.path.setCurrentText(str(path))
        self.path.setToolTip(str(path))

    def refresh(self) -> None:
        """Show what the model knows."""
        folder = self._model.folder
        new = folder is not None and folder.kind is FolderKind.NEW
        self.kind.setVisible(new)
        self.state.setText(described(folder))
        self.state.setVisible(bool(self.state.text()))
        for button, wanted in ((self.simulated, True), (self.real, False)):
            if self._model.simulated is wanted and not button.isChecked():
                self._group.blockSignals(True)
                button.setChecked(True)
                self._group.blockSignals(False)


def described(folder: FolderView | None) -> str:
    """What the folder is, in a sentence or two."""
    if folder is None:
        return tr("Reading the folder…")
    if folder.kind is FolderKind.REFUSED:
        return ""
    if folder.kind is FolderKind.NEW:
        return tr("A new data set will be made here. What is it for?")
    kind = tr("For simulated takes.") if folder.simulated else tr("For real takes, of people.")
    subjects = trn("{n} subject", "{n} subjects", len(folder.subjects))
    takes = trn("{n} take", "{n} takes", folder.takes)
    return f"{kind} {takes}, {subjects}."
