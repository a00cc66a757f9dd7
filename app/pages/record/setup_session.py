"""The card of the session: a new one or one to go on with; script, movements, repetitions, language of the prompts."""

from pathlib import Path

from PySide6.QtWidgets import QCheckBox, QGridLayout, QWidget

from app.i18n import tr, trn
from app.pages.record.setup_folder import OpenSession
from app.pages.record.setup_model import MOVEMENTS, SCRIPT, SESSION, SetupModel
from app.pages.record.setup_script import MOST_REPETITIONS, SHIPPED
from app.pages.record.setup_widgets import Card, Choice, number_box, text_label
from app.takesetup import DEFAULT
from app.window.folders import ask_file
from app.window.preferences import native_name
from app.window.theme import current_theme
from protocol.movement import BY_TOKEN, SPONTANEOUS

FILE = "file"  # the row that asks for a script's file


class SessionCard(Card):
    """The card. After another session is chosen, the subject's card is to be filled again."""

    def __init__(self, model: SetupModel) -> None:
        super().__init__(tr("Session"))
        self.setObjectName("setup.session")
        self._model = model
        self.session = Choice()
        self.session.setObjectName("setup.resume")
        self.session.currentIndexChanged.connect(self._session_chosen)
        self.add_field(tr("Begin or go on"), SESSION, self.session)
        self.script = Choice()
        self.script.setObjectName("setup.script")
        self.script.currentIndexChanged.connect(self._script_chosen)
        self.add_field(tr("Script"), SCRIPT, self.script)
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(0)
        self._movements = QWidget()
        self._movements.setLayout(self._grid)
        self.boxes: dict[str, QCheckBox] = {}
        self._title = text_label(tr("Movements"), "caption")
        self.column.addWidget(self._title)
        self.add_field("", MOVEMENTS, self._movements)
        self.repetitions = number_box(1, MOST_REPETITIONS, tr("Repetitions"))
        self.repetitions.valueChanged.connect(self._repetitions_chosen)
        self.extent = text_label("", "body", wraps=True)
        self.add_field(tr("Repetitions"), "", self.repetitions, self.extent, grows=1)
        self.language = Choice()
        self.language.currentIndexChanged.connect(self._language_chosen)
        self.add_field(tr("Language of the prompts"), "", self.language)
        self.column.addStretch(1)

    def _session_chosen(self) -> None:
        chosen: OpenSession | None = self.session.currentData()
        if chosen is None:
            self._model.use_subject(self._model.subject.number)
        else:
            self._model.use_session(chosen)
        self.fill()
        self.changed.emit()

    def _script_chosen(self) -> None:
        chosen = self.script.currentData()
        if chosen == FILE:
            self.fill()
            start = self._model.script.path or Path.home()
            ask_file(self, tr("Script"), start, tr("Scripts") + " (*.yaml *.yml)", self._file_chosen)
            return
        if chosen in SHIPPED:
            self._model.script.use_shipped(chosen)
        self.fill()
        self.changed.emit()

    def _file_chosen(self, path: Path) -> None:
        self._model.script.use_file(path)
        self.fill()
        self.changed.emit()

    def _movement_ticked(self, token: str, on: bool) -> None:
        self._model.script.toggle(token, on)
        self.changed.emit()

    def _repetitions_chosen(self, number: int) -> None:
        self._model.script.repetitions = number
        self.changed.emit()

    def _language_chosen(self) -> None:
        self._model.script.use_language(self.language.currentData())
        self.changed.emit()

    def fill(self) -> None:
        """Show what may be chosen, and what is; of a session that goes on, what was chosen then."""
        model, choice, resume = self._model, self._model.script, self._model.resume
        sessions = model.folder.sessions if model.folder else ()
        self.session.offer([(None, tr("New session")), *((one, described(one)) for one in sessions)], resume)
        self._fill_script()
        script = resume.script if resume else choice.base
        chosen = resume.language if resume else choice.language
        self.language.offer([(code, native_name(code)) for code in script.languages], chosen)
        blocked = self.repetitions.blockSignals(True)
        self.repetitions.setValue(script.repetitions if resume else choice.repetitions)
        self.repetitions.blockSignals(blocked)
        offered = choice.offered() if choice.asks_for_movements else ()
        self._fill_movements(script.movements if resume else offered, script.movements if resume else choice.movements)

    def _fill_script(self) -> None:
        choice, resume = self._model.script, self._model.resume
        if resume is not None:
            self.script.offer([("", script_title(resume.script.name))], "")
            return
        rows = [(name, script_title(name)) for name in SHIPPED]
        if choice.path is not None:
            rows.append((str(choice.path), choice.path.name))
        self.script.offer([*rows, (FILE, tr("From a file…"))], choice.name or str(choice.path))

    def _fill_movements(self, offered: tuple[str, ...], ticked: tuple[str, ...]) -> None:
        if tuple(self.boxes) != offered:
            for box in self.boxes.values():
                self._grid.removeWidget(box)
                box.hide()
                box.deleteLater()
            self.boxes = {token: QCheckBox(tr(BY_TOKEN[token].display)) for token in offered}
            half = (len(offered) + 1) // 2
            for index, (token, box) in enumerate(self.boxes.items()):
                box.setObjectName(f"setup.movement.{token}")
                box.toggled.connect(lambda on, token=token: self._movement_ticked(token, on))
                self._grid.addWidget(box, index % half, index // half)
        for token, box in self.boxes.items():
            blocked = box.blockSignals(True)
            box.setChecked(token in ticked)
            box.blockSignals(blocked)
        self._grid.setHorizontalSpacing(current_theme().space(2))
        self._title.setVisible(bool(offered))
        self._movements.setVisible(bool(offered))

    def refresh(self) -> None:
        """Show how much it is, and what may be changed."""
        model = self._model
        new = model.resume is None
        for widget in (self.script, self._movements, self.repetitions, self.language):
            widget.setEnabled(new)
        if model.resume is not None:
            self.extent.setText(_left(model.resume))
            return
        extent = model.script.extent()
        takes, minutes = trn("{n} take", "{n} takes", extent.takes), max(1, round(extent.minutes))
        if not model.script.asks_for_movements:
            self.extent.setText(tr("{takes}, stopped by hand, at most {minutes} min").format(takes=takes, minutes=minutes))
        else:
            self.extent.setText(tr("{takes}, about {minutes} min").format(takes=takes, minutes=minutes))


def script_title(name: str) -> str:
    """What a shipped script is called."""
    shipped = {DEFAULT: tr("Movements on command"), SPONTANEOUS: tr("Spontaneous, while watching a video")}
    return shipped.get(name, name)


def described(session: OpenSession) -> str:
    """An interrupted session in a row of the list."""
    told = tr("Go on: subject {n}, {label}, {filled} of {total} done")
    return told.format(n=session.subject, label=session.label, filled=session.filled, total=session.total)


def _left(session: OpenSession) -> str:
    told = tr("{left} left, about {minutes} min")
    takes = trn("{n} take", "{n} takes", session.total - session.filled)
    return told.format(left=takes, minutes=max(1, round(session.minutes_left)))
