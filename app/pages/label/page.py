"""The Label page: asks once who labels, then shows the annotator's bench, which a thread has imported meanwhile."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from app.i18n import tr
from app.pages.label import keys as _keys  # noqa: F401 (adds its rows to the table of keys)
from app.pages.label.lane import defect_sentence
from app.pages.label.scores import ScoreSource, no_scores
from app.pages.label.tour import label_steps
from app.settings import Preferences
from app.window.errands import Errands
from app.window.messages import Message
from app.window.page import Page
from app.window.start import Wishes
from app.window.theme import current_theme
from app.window.tour import TourStep
from protocol.labels import BadCoderName, check_coder

if TYPE_CHECKING:
    from app.pages.label.bench import LabelBench

_log = logging.getLogger(__name__)
FORM_PX = 460
FIRST_MS = 100


class LabelPage(Page):
    """The page. bench: None until it is known who labels what."""

    TITLE, ICON = "Label", "label"

    def __init__(self, wishes: Wishes, preferences: Preferences, scores: ScoreSource = no_scores) -> None:
        """scores: who knows what a model says of a take."""
        super().__init__()
        self._scores = scores
        self.preferences = preferences
        self._asked_for = wishes.data
        self._take: Path | None = None
        self._warm = False
        self.bench: LabelBench | None = None
        self._errands = Errands(self)
        self._first = QTimer(self)  # runs until there is something that the tour can show
        self._first.setInterval(FIRST_MS)
        self._first.timeout.connect(self._begin_tour)
        self._stack = QStackedWidget()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._stack)
        self.notice = QLabel()
        self.notice.setWordWrap(True)
        self.notice.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.notice.setProperty("tone", "muted")
        self._stack.addWidget(self.notice)
        self._form = self._make_form()
        self._stack.addWidget(self._form)

    def _make_form(self) -> QWidget:
        theme = current_theme()
        place, card = QWidget(), QFrame()
        card.setProperty("role", "card")
        card.setFixedWidth(FORM_PX)
        column = QVBoxLayout(card)
        column.setContentsMargins(theme.space(4), theme.space(4), theme.space(4), theme.space(4))
        column.setSpacing(theme.space(3))
        title, text = QLabel(tr("Who labels?")), QLabel(
            tr("Your labels are kept under this name. Take a short pseudonym, not your own name; Glimpse asks only once.")
        )  # fmt: skip
        title.setProperty("role", "title")
        text.setWordWrap(True)
        self.name = QLineEdit()
        self.name.setObjectName("coder")
        self.name.setAccessibleName(tr("Your pseudonym"))
        self.name.setPlaceholderText("coder-1")
        self.name.returnPressed.connect(self._named)
        self.problem = QLabel()
        self.problem.setWordWrap(True)
        self.problem.hide()
        go = QPushButton(tr("Begin"))
        go.setProperty("role", "primary")
        go.clicked.connect(self._named)
        for one in (title, text, self.name, self.problem, go):
            column.addWidget(one)
        across, down = QHBoxLayout(), QVBoxLayout(place)
        for layout, inside in ((across, card), (down, None)):
            layout.addStretch(1)
            layout.addWidget(inside) if inside is not None else down.addLayout(across)
            layout.addStretch(1)
        return place

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape leaves everything to the coder who was there before."""
        if event.key() == Qt.Key.Key_Escape and self._stack.currentWidget() is self._form and self.bench is not None:
            self._go()
        else:
            super().keyPressEvent(event)

    def _named(self) -> None:
        try:
            coder = check_coder(self.name.text().strip())
        except BadCoderName as error:
            self.problem.setText(str(error))
            self.problem.show()
            return
        if self.preferences.settings.coder is None:  # nobody has labelled here before
            self._first.start()
        self.preferences.change(coder=coder)
        self._go()

    # The shell's calls

    def activate(self) -> None:
        """The page is in sight."""
        self._go()

    def deactivate(self) -> None:
        """The page is hidden; its bench notices that by itself."""

    def take_keys(self) -> None:
        """To the bench, or to the question."""
        if self.bench is not None and self._stack.currentWidget() is self.bench:
            self.bench.take_keys()
        else:
            self.name.setFocus(Qt.FocusReason.OtherFocusReason)

    def use_dataset(self, folder: Path) -> None:
        """Another data set is in use."""
        self._asked_for = folder
        if self.isVisible():
            self._go()

    def use_preferences(self) -> None:
        """Another coder sits here, or nobody any more."""
        if self.isVisible() and self.bench is not None and self.bench.desk.coder != self.preferences.settings.coder:
            self._go()

    def show_take(self, path: Any) -> None:
        """Label this take, once it is known who labels."""
        self._take = Path(path)
        self._go()

    def why_not_close(self) -> Message | None:
        """Changes that are not on disk yet would be lost."""
        problem = self.bench.desk.problem if self.bench is not None else None
        return Message(problem, "redo") if problem else None

    def shut(self) -> None:
        """Put everything on disk, end the threads."""
        self._first.stop()
        self._errands.shut()
        self._drop_bench()

    # The tour

    def tour_steps(self) -> Sequence[TourStep]:
        """The list and the take, once there are any."""
        return label_steps() if self.bench is not None and self.bench.queue.rows else ()

    def _begin_tour(self) -> None:
        """With the first take beside the list, so that there is something to see."""
        bench = self.bench
        if bench is None or not self.isVisible() or not bench.queue.rows:
            return
        if bench.desk.take is None:
            bench.open(bench.queue.rows[0].path)
            bench.toggle_list()
        elif bench.desk.media is not None:
            self._first.stop()
            self.tour_wanted.emit(label_steps())

    # One thing after the other: data set, coder, imports, bench, take

    @property
    def _data(self) -> Path | None:
        """The data set: the one that the Record page uses now, else that of the command line."""
        settings = self.preferences.settings
        if self._take is not None and settings.data and self._take.is_relative_to(settings.data):
            return Path(settings.data)
        return self._asked_for or (Path(settings.data) if settings.data else None)

    def _go(self) -> None:
        data, coder = self._data, self.preferences.settings.coder
        if data is None or not data.is_dir():
            text = tr(
                "No data set is in use yet. Choose its folder on the Record page, or start with glimpse gui --data FOLDER."
            )
            self._tell(text)
        elif coder is None:
            self._ask_coder()
        elif not self._warm:
            self._tell(tr("opening ..."))
            self._errands.run("warm-up", _warm_up, self._warmed)
        else:
            self._show_bench(data, coder)

    def _ask_coder(self) -> None:
        self.name.setText(self.preferences.settings.coder or "")
        self.name.selectAll()
        self.problem.hide()
        self._stack.setCurrentWidget(self._form)
        self.name.setFocus(Qt.FocusReason.OtherFocusReason)

    def _tell(self, text: str) -> None:
        self.notice.setText(text)
        self._stack.setCurrentWidget(self.notice)

    def _warmed(self, problem: str | None) -> None:
        if problem is not None:  # tried again when the page is next in sight
            self._tell(problem)
            return
        self._warm = True
        self._go()

    def _show_bench(self, data: Path, coder: str) -> None:
        from app.pages.label.bench import LabelBench

        if self.bench is None or (self.bench.dataset, self.bench.desk.coder) != (data, coder):
            self._drop_bench()
            self.bench = LabelBench(data, coder, self._scores)
            self.bench.told.connect(self._told)
            self.bench.over.connect(self.banner_over)
            self.bench.coder_asked.connect(self._ask_coder)
            self._stack.addWidget(self.bench)
        self._stack.setCurrentWidget(self.bench)
        if self._take is not None:
            take, self._take = self._take, None
            self.bench.open(take)
        self.take_keys()

    def _drop_bench(self) -> None:
        if self.bench is not None:
            self.bench.shut()
            self._stack.removeWidget(self.bench)
            self.bench.deleteLater()
            self.bench = None

    def _take_over(self) -> None:
        if self.bench is not None:
            self.bench.desk.take_over()
            self.take_keys()

    def _told(self, said: Any) -> None:
        mends = {"take_over": (tr("Take over"), self._take_over)}
        action, call = mends.get(said.remedy, ("", None))
        message = Message(said.text, said.state, action, call, said.key)
        (self.banner if said.key else self.toast).emit(message)


def _warm_up() -> str | None:
    """Import and compile what the bench needs: seconds after an installation, half a second later on. Why that failed."""
    try:
        from recorder.browse import curves, events

        events.warm_up()
        curves.warm_up()
        from app.pages.label.bench import LabelBench  # noqa: F401
    except Exception as error:  # noqa: BLE001  (an incomplete installation, or a defect: told, and logged)
        _log.exception("the Label page cannot be made")
        return defect_sentence(tr("The Label page cannot be shown"), error)
    return None
