"""The panel before the session: data set, subject with consent, session, cameras; Enter goes on. Begins nothing itself.

Folders and devices are looked at by threads, and so is what is agreed written: a slow disk never holds the window.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QKeyCombination, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.i18n import SYSTEM, system_language, tr
from app.pages.record.setup_cameras import CamerasCard
from app.pages.record.setup_cameras_model import SIM, CameraPlan
from app.pages.record.setup_dataset import DatasetCard
from app.pages.record.setup_folder import CamerasFound, FolderView, find_cameras, look_at
from app.pages.record.setup_model import CONSENT, SessionWishes, SetupError, SetupModel, suggested_folder
from app.pages.record.setup_script import ScriptChoice
from app.pages.record.setup_session import SessionCard
from app.pages.record.setup_subject import SubjectCard
from app.pages.record.setup_tour import setup_steps
from app.pages.record.setup_widgets import Card, IconButton, Remark
from app.sentences import tr_sentence
from app.settings import AppSettings
from app.window.errands import Errands
from app.window.shortcuts import Shortcut, table
from app.window.theme import current_theme
from app.window.tour import TourStep
from protocol.errors import GlimpseError

CONTEXT = "Before the session"
table.add(
    Shortcut("setup.go_on", "Return Enter", "Go on with what is chosen", CONTEXT),
    Shortcut("setup.look", "F5", "Look again for cameras, and into the folder", CONTEXT),
)
COLUMN_PX = 380  # three of them fit beside the rail at 1280


class SetupPanel(QWidget):
    """The panel. real_folder: to suggest in place of the model's folder when a camera is found; find: looks for cameras.

    started: the session may begin, everything agreed is on disk; folder_used: the data set was chosen.
    """

    started = Signal(object)  # SessionWishes
    folder_used = Signal(object)  # Path

    def __init__(
        self,
        model: SetupModel,
        recent: Sequence[str] = (),
        real_folder: Path | None = None,
        find: Callable[[], CamerasFound] = find_cameras,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("setup")
        self.model = model
        self._errands = Errands(self)
        self._asked = False  # to go on: from then on what is missing is said
        self._go_when_ready = False
        self._first = True
        self._real_folder, self._find = real_folder, find
        self.dataset = DatasetCard(model, recent, self.use_folder)
        self.cameras = CamerasCard(model.cameras, self.look_for_cameras)
        self.subject = SubjectCard(model)
        self.session = SessionCard(model)
        self._lay_out()
        for card in self._cards:
            card.changed.connect(self._changed)
        table.action("setup.look", self, self.look_again)
        self._fill()
        self.look_again()

    @property
    def _cards(self) -> tuple[Card, ...]:
        return (self.dataset, self.cameras, self.subject, self.session)

    def _lay_out(self) -> None:
        space = current_theme().space
        inside = QWidget()
        columns = QHBoxLayout(inside)
        columns.setContentsMargins(space(4), space(4), space(4), space(2))
        columns.setSpacing(space(3))
        for cards in ((self.dataset, self.cameras), (self.subject,), (self.session,)):
            column = QVBoxLayout()
            column.setSpacing(space(3))
            for card in cards:
                column.addWidget(card)
            column.addStretch(1)
            columns.addLayout(column, 1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inside)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(area, 1)
        whole.addWidget(self._bar())

    def _bar(self) -> QWidget:
        space = current_theme().space
        bar = QFrame()
        bar.setProperty("role", "bar")
        row = QHBoxLayout(bar)
        row.setContentsMargins(space(4), space(2), space(4), space(2))
        self.summary = Remark()
        policy = self.summary.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.summary.setSizePolicy(policy)
        row.addWidget(self.summary, 1)
        self.go = IconButton("next", tr("Continue"), "on_accent")
        self.go.setObjectName("setup.continue")
        self.go.setProperty("role", "primary")
        self.go.setToolTip(table.tip("setup.go_on"))
        self.go.clicked.connect(self.go_on)
        row.addWidget(self.go)
        return bar

    def use_folder(self, folder: Path) -> None:
        """Look at a folder, and use it when that is done."""
        self.model.data, self.model.folder = folder, None
        self.dataset.show_path(folder)
        self._errands.run("folder", lambda: look_at(folder), self._folder_seen)
        self._refresh()

    def look_again(self) -> None:
        """Look for cameras and into the folder."""
        self.look_for_cameras()
        self.use_folder(self.model.data)

    def look_for_cameras(self) -> None:
        """Look what is plugged in."""
        self._errands.run("cameras", self._find, self._cameras_found)

    def refresh_folder(self) -> None:
        """A session is over: offer the next subject."""
        self._asked = False
        self.model.forget()
        self.use_folder(self.model.data)

    def _folder_seen(self, folder: FolderView) -> None:
        self.model.use_folder(folder)
        self.dataset.show_path(folder.path)
        if self._first:
            self._first = False
            self.model.offer_interrupted()
        if not folder.problem:
            self.folder_used.emit(folder.path)
        self._fill()
        self._go_if_waited()

    def _cameras_found(self, found: CamerasFound) -> None:
        self.model.use_found(found)
        if found.event and self._real_folder is not None:
            self.use_folder(self._real_folder)
        self._real_folder = None
        self._fill()
        self._go_if_waited()

    def _go_if_waited(self) -> None:
        if self._go_when_ready and not self._errands.busy:
            self._go_when_ready = False
            self.go_on()

    def _changed(self) -> None:
        if self.sender() is self.session:
            self.subject.fill()
        if self.sender() is self.subject:
            self.session.fill()
        self._refresh()

    def _fill(self) -> None:
        self.subject.fill()
        self.session.fill()
        self._refresh()

    def _refresh(self) -> None:
        problems = self.model.problems()
        if not self._asked:
            problems.pop(CONSENT, None)
        for card in (self.dataset, self.cameras, self.subject, self.session):
            card.refresh()
        for shown in (self.dataset, self.subject, self.session):
            shown.show_problems(problems)
        in_the_way = problems.keys() - {CONSENT}
        self.summary.say("" if in_the_way else self._summary(), "")

    def _summary(self) -> str:
        model = self.model
        if model.folder is None:
            return ""
        if model.resume is not None:
            return tr("Goes on with session {label} of subject {n}.").format(label=model.resume.label, n=model.resume.subject)
        if model.line is None:
            return tr("Begins the first session of subject {n}.").format(n=model.subject.number)
        return tr("Begins a new session of subject {n}.").format(n=model.subject.number)

    def go_on(self) -> None:
        """Begin the session, or say what is missing."""
        if not self.go.isEnabled():
            return
        if self._errands.busy:
            self._go_when_ready = True
            return
        self._asked = True
        self._refresh()
        if problems := self.model.problems():
            self._show_first(next(iter(problems)))
            return
        self.go.setEnabled(False)
        self._errands.run("start", self._start, self._begun)

    def _start(self) -> SessionWishes | GlimpseError:
        try:
            return self.model.start()
        except GlimpseError as error:
            return error

    def _begun(self, result: SessionWishes | GlimpseError) -> None:
        self.go.setEnabled(True)
        if isinstance(result, SessionWishes):
            self._asked = False
            self.started.emit(result)
            return
        self.summary.say(tr_sentence(str(result)), "redo")
        if isinstance(result, SetupError):
            self._show_first(result.field)

    def _show_first(self, name: str) -> None:
        """Bring the field with the problem into view, and the keys to it."""
        widgets: dict[str, QWidget] = {
            "data": self.dataset.path,
            "subject": self.subject.number,
            "consent": next(iter(self.subject.consents.values())),
            "notes": self.subject.notes,
            "script": self.session.script,
            "movements": next(iter(self.session.boxes.values()), self.session.script),
            **{slot.value: choice for slot, choice in self.cameras.choices.items()},
        }
        widget = widgets.get(name)
        if widget is not None:
            widget.setFocus()
            areas = self.findChildren(QScrollArea)
            areas[0].ensureWidgetVisible(widget)

    def tour_steps(self) -> tuple[TourStep, ...]:
        """What the tour has to show of the panel, and what comes after it."""
        return setup_steps()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter goes on, wherever the keys are; no action, since a field has to take what was typed into it first."""
        pressed = QKeyCombination(event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier, Qt.Key(event.key()))
        if QKeySequence(pressed) in table.keys("setup.go_on"):
            self.go_on()
            event.accept()
            return
        super().keyPressEvent(event)

    def remembered(self) -> dict[str, str | None]:
        """What the preferences may keep for the next time, by their names; cameras only where one was picked by hand."""
        script, cameras = self.model.script, self.model.cameras
        by_hand = {} if self.model.simulated else cameras.chosen  # what is tried out says nothing of the real rig
        picked = {slot.value: spec for slot, spec in by_hand.items() if spec and spec != SIM}
        return {"script": str(script.path) if script.path and not script.problem else None, **picked}

    def activate(self) -> None:
        """The panel is shown: Enter goes on at once."""
        self.go.setFocus()

    def shut(self) -> None:
        """Wait for the threads."""
        self._errands.shut()


def make_setup(
    settings: AppSettings, documents: Path, data: Path | None = None, cameras: CameraPlan | None = None
) -> SetupPanel:
    """The panel as the preferences and the command line (data, cameras) have it. documents: where a first data set may go."""
    plan = cameras or CameraPlan(settings.camera, settings.rgb, settings.thermal)
    script = ScriptChoice(
        Path(settings.script) if settings.script else None,
        system_language() if settings.language == SYSTEM else settings.language,
    )
    chosen = data or (Path(settings.data) if settings.data else None)
    model = SetupModel(chosen or suggested_folder(documents, simulated=True), plan, script)
    real_folder = None if chosen else suggested_folder(documents, simulated=False)
    return SetupPanel(model, settings.recent, real_folder)
