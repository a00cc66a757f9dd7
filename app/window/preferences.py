"""The preferences: what holds for this computer and its operator, applied and written at once. Never modal.

What belongs to a data set (rig profile, script, session) is chosen where it is used, not here.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QLocale, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.i18n import SYSTEM, languages, system_language, tr
from app.settings import AppSettings, Preferences
from app.window.folders import ask_folder
from app.window.keymap import KeyMap
from app.window.theme import current_theme
from protocol.labels import BadCoderName, check_coder

SIZE = (760, 600)  # pixels; fits 1280 x 720 with a title bar
CHOICE_PX = 320


class PreferencesDialog(QDialog):
    """The dialog. changed: something was changed and is written; tour_wanted: show the tour again."""

    changed = Signal()
    tour_wanted = Signal()

    def __init__(self, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.preferences = preferences
        self.setWindowTitle(tr("Settings"))
        self.setObjectName("preferences")
        theme = current_theme()
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.space(4), theme.space(4), theme.space(4), theme.space(4))
        column.setSpacing(theme.space(3))
        self.tabs = QTabWidget()
        self.tabs.addTab(self._general(), tr("General"))
        self.tabs.addTab(self._recording(), tr("Recording"))
        self.keys = KeyMap(preferences.settings.keys)
        self.keys.changed.connect(lambda own: self._change(keys=own))
        self.tabs.addTab(self.keys, tr("Keys"))
        column.addWidget(self.tabs, 1)
        self.problem = _text("", "body")
        self.problem.setProperty("state", "redo")
        self.problem.hide()
        column.addWidget(self.problem)
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.reject)
        column.addWidget(close)
        self.resize(*SIZE)

    def _general(self) -> QWidget:
        page, form = _page()
        settings = self.preferences.settings
        self.language = _choice([(SYSTEM, tr("As the system")), *((code, native_name(code)) for code in languages())])
        _select(self.language, settings.language)
        self.language.currentIndexChanged.connect(self._language_chosen)
        self.language_hint = _text("", "caption")
        self._spoken = _spoken(settings.language)
        form.addRow(tr("Language"), _under(self.language, self.language_hint))
        self.scheme = _choice([("dark", tr("Dark colours")), ("light", tr("Light colours")), ("system", tr("As the system"))])
        _select(self.scheme, settings.scheme)
        self.scheme.currentIndexChanged.connect(lambda: self._change(scheme=self.scheme.currentData()))
        dark = _text(tr("Dark throws less light on the subject's face."), "caption")
        form.addRow(tr("Colours"), _under(self.scheme, dark))
        self.backup = QLineEdit(settings.backup or "")
        self.backup.setPlaceholderText(tr("none"))
        self.backup.editingFinished.connect(self._backup_typed)
        choose = QPushButton(tr("Choose…"))
        choose.clicked.connect(self._choose_backup)
        choose.setAutoDefault(False)  # Return in a field is not meant for it
        hint = _text(tr("At the end of a session the takes are copied there, with their checksums."), "caption")
        form.addRow(tr("Backup folder"), _under(_beside(self.backup, choose), hint))
        self.coder = QLineEdit(settings.coder or "")
        self.coder.setObjectName("coder")
        self.coder.setPlaceholderText(tr("none"))
        self.coder.editingFinished.connect(self._coder_typed)
        whose = _text(tr("Your labels are kept under this name; empty: the Label page asks."), "caption")
        form.addRow(tr("Pseudonym as a coder"), _under(self.coder, whose))
        tour = QPushButton(tr("Show the tour again"))
        tour.clicked.connect(self._tour)
        tour.setAutoDefault(False)
        form.addRow(tr("Help"), _beside(tour, None))
        return page

    def _recording(self) -> QWidget:
        page, form = _page()
        rows: Sequence[tuple[str, str, str]] = (
            ("hands_free", tr("Hands-free"),
             tr("The next take starts by itself, and no key is needed: the hands are free for the paper.")),
            ("sounds", tr("Sounds"),
             tr("A tone at the countdown, the cue and the stop. Off: nothing for the subject to react to.")),
            ("mirror", tr("Mirror while practising"), tr("The subject's picture is shown as in a mirror.")),
            ("keep_practice", tr("Keep practice takes"),
             tr("They are marked as practice and left out of training. Off: they are thrown away.")),
            ("subject_screen", tr("Screen facing the subject"),
             tr("Shows the prompts on a second screen. Off by default: a screen lights the face and draws the eyes.")),
        )  # fmt: skip
        self.switches: dict[str, QCheckBox] = {}
        for name, title, reason in rows:
            box = QCheckBox(title)
            box.setObjectName(name)
            box.setChecked(getattr(self.preferences.settings, name))
            box.toggled.connect(lambda on, name=name: self._change(**{name: on}))
            self.switches[name] = box
            caption = _text(reason, "caption")
            caption.setContentsMargins(current_theme().space(6), 0, 0, current_theme().space(2))
            form.addRow(_under(box, caption))
        return page

    def _language_chosen(self) -> None:
        self._change(language=self.language.currentData())
        wanted = _spoken(self.language.currentData())
        told = tr("The window speaks {language} at the next start.").format(language=native_name(wanted))
        self.language_hint.setText("" if wanted == self._spoken else told)

    def _backup_typed(self) -> None:
        text = self.backup.text().strip()
        self._change(backup=str(Path(text).expanduser()) if text else None)

    def _coder_typed(self) -> None:
        name = self.coder.text().strip()
        try:
            self._change(coder=check_coder(name) if name else None)
        except BadCoderName as error:
            self.problem.setText(str(error))
            self.problem.show()
        else:
            self.problem.setVisible(bool(self.preferences.problem))

    def _choose_backup(self) -> None:
        ask_folder(self, tr("Backup folder"), Path(self.backup.text() or Path.home()), self._backup_chosen)

    def _backup_chosen(self, folder: Path) -> None:
        self.backup.setText(str(folder))
        self._backup_typed()

    def _tour(self) -> None:
        self.accept()
        self.tour_wanted.emit()

    def _change(self, **values: Any) -> None:
        now = self.preferences.settings
        if all(getattr(now, name) == value for name, value in values.items()):
            return
        self.preferences.replace(AppSettings.model_validate({**now.model_dump(), **values}))
        self.problem.setText(self.preferences.problem or "")
        self.problem.setVisible(bool(self.preferences.problem))
        self.changed.emit()


def native_name(code: str) -> str:
    """What a language calls itself."""
    name = QLocale(code).nativeLanguageName() or code
    return "English" if code == "en" else name[0].upper() + name[1:]


def _spoken(code: str) -> str:
    return system_language() if code == SYSTEM else code


def _page() -> tuple[QWidget, QFormLayout]:
    theme = current_theme()
    page = QWidget()
    form = QFormLayout(page)
    form.setContentsMargins(theme.space(4), theme.space(4), theme.space(4), theme.space(4))
    form.setHorizontalSpacing(theme.space(6))
    form.setVerticalSpacing(theme.space(4))
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return page, form


def _choice(entries: Sequence[tuple[str, str]]) -> QComboBox:
    box = QComboBox()
    box.setMaximumWidth(CHOICE_PX)
    for data, shown in entries:
        box.addItem(shown, data)
    return box


def _select(box: QComboBox, data: str) -> None:
    box.setCurrentIndex(max(0, box.findData(data)))


def _text(text: str, role: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", role)
    label.setWordWrap(True)
    return label


def _under(widget: QWidget, below: QWidget) -> QWidget:
    return _boxed(QVBoxLayout(), widget, below)


def _beside(widget: QWidget, other: QWidget | None) -> QWidget:
    row = QHBoxLayout()
    box = _boxed(row, widget, *([other] if other else []))
    if other is None:
        row.addStretch(1)
    return box


def _boxed(layout: QVBoxLayout | QHBoxLayout, *widgets: QWidget) -> QWidget:
    box = QWidget()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(current_theme().space(1) if isinstance(layout, QVBoxLayout) else current_theme().space(2))
    for widget in widgets:
        layout.addWidget(widget)
    box.setLayout(layout)
    return box
