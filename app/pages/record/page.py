"""The Record page: first the questions before a session, then the session. What is slow to import comes after the window.

Owns the capture process and the judge; the questions and the session's view know neither.
"""

import gc
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QStandardPaths, Qt
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from app.capture import CaptureLink
from app.i18n import tr, trn
from app.judging import Judge
from app.pages.record import keys as _keys  # noqa: F401 (adds its rows to the table of keys)
from app.pages.record.leftovers import count_unfinished, rescue
from app.pages.record.sessionflow import SessionFlow
from app.pages.record.setup import SetupPanel, make_setup
from app.pages.record.setup_cameras_model import CameraPlan
from app.pages.record.setup_model import SessionWishes
from app.said import Said
from app.settings import Preferences
from app.window.errands import Errands
from app.window.messages import Message
from app.window.page import Page
from app.window.start import Wishes
from app.window.tour import TourStep
from protocol.errors import GlimpseError

if TYPE_CHECKING:
    from app.pages.record.session_view import SessionView


class RecordPage(Page):
    """The page. session_view: None until the first session begins."""

    TITLE, ICON = "Record", "record"

    def __init__(self, wishes: Wishes, preferences: Preferences) -> None:
        super().__init__()
        self.preferences = preferences
        self.judge = Judge()
        self.flow = SessionFlow(CaptureLink(), self.judge)
        self.session_view: SessionView | None = None
        self.setup = self._make_setup(wishes)
        self.setup.started.connect(self.begin)
        self.setup.folder_used.connect(self._folder_used)
        self._errands = Errands(self)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.setup)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._stack)
        self._warming = threading.Thread(target=_warm_up, args=(self.judge,), name="warm-up", daemon=True)
        self._leaving: threading.Thread | None = None

    def _make_setup(self, wishes: Wishes) -> SetupPanel:
        settings = self.preferences.settings
        documents = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation))
        rgb, thermal = wishes.rgb or settings.rgb, wishes.thermal or settings.thermal
        return make_setup(settings, documents, wishes.data, CameraPlan(wishes.camera or settings.camera, rgb, thermal))

    def activate(self) -> None:
        """The page is in sight: what is needed later is made ready now, away from the window's thread."""
        if not self._warming.ident:
            self._warming.start()
            self.flow.link.start()
        if self._stack.currentWidget() is self.setup:
            self.take_keys()

    def take_keys(self) -> None:
        """To the button that goes on, or to the session."""
        view = self.session_view
        keys_to: QWidget = self.setup.go if view is None or self._stack.currentWidget() is self.setup else view
        keys_to.setFocus(Qt.FocusReason.OtherFocusReason)

    def begin(self, wishes: SessionWishes) -> None:
        """Open the session that was agreed on."""
        settings = self.preferences.change(**self.setup.remembered())
        self.flow.hands_free, self.flow.keep_practice = settings.hands_free, settings.keep_practice
        self.flow.begin(wishes.data, wishes.session, wishes.rig)
        view = self.session_view or self._make_view()
        view.show_session(wishes)
        self._stack.setCurrentWidget(view)

    def _make_view(self) -> "SessionView":
        from app.pages.record.session_view import SessionView

        self._warming.join()  # it imports the same
        view = self.session_view = SessionView(self.flow, self.preferences)
        view.told.connect(self._tell)
        view.over.connect(self.banner_over)
        view.asked_label.connect(lambda path: self.open_take.emit("label", path))
        view.left.connect(self._ask_again)
        self._stack.addWidget(view)
        gc.freeze()  # as the window does for pages; here come the libraries of live views
        return view

    def _folder_used(self, folder: Path) -> None:
        self.preferences.replace(self.preferences.settings.with_data(folder))
        self._errands.run("unfinished", lambda: (folder, count_unfinished(folder)), self._unfinished_found)

    def _unfinished_found(self, found: tuple[Path, int]) -> None:
        folder, count = found
        if not count:
            self.banner_over.emit("unfinished")
            return
        text = trn(
            "{n} take of this data set was not finished: the program or the computer stopped in the middle of it.",
            "{n} takes of this data set were not finished: the program or the computer stopped in the middle of them.",
            count,
        )
        self.banner.emit(Message(text, "check", tr("Save what there is"), lambda: self._rescue(folder), "unfinished"))

    def _rescue(self, folder: Path) -> None:
        self._errands.run("rescue", lambda: _rescued(folder), self._rescue_over)

    def _rescue_over(self, message: Message) -> None:
        self.toast.emit(message)
        if self._stack.currentWidget() is self.setup:
            self.setup.look_again()
        else:
            self.flow.refresh()

    def _ask_again(self) -> None:
        """The session is over: the questions for the next one."""
        self.setup.refresh_folder()
        self._stack.setCurrentWidget(self.setup)
        self.take_keys()

    def _tell(self, said: Said) -> None:
        actions = {"restart": tr("Go on"), "rearm": tr("Open the cameras again"), "again": tr("Try again")}
        message = Message(said.text, said.state, actions.get(said.remedy, ""), lambda: self.flow.mend(said), said.key)
        (self.banner if said.key else self.toast).emit(message)

    def tour_steps(self) -> Sequence[TourStep]:
        """The questions before a session, where they are in sight."""
        return self.setup.tour_steps() if self._stack.currentWidget() is self.setup else ()

    def why_not_close(self) -> Message | None:
        """A take that runs would be cut short."""
        if self.flow.takes.busy:
            return Message(tr("A take is running. Closing ends it; what was recorded is kept as a partial take."))
        return None

    def wind_up(self) -> str:
        """End the take, write what was decided, let the judge and the capture process leave."""
        if self._leaving is None:
            self._leaving = threading.Thread(target=self._let_the_judge_leave, name="judge-leaves", daemon=True)
            self._leaving.start()
        finishing = self.flow.takes.busy
        for said in self.flow.poll():
            self._tell(said)
        stopped = self.session_view is None or self.session_view.end.stop()
        if self.flow.wind_up() and stopped and not (self._leaving.is_alive() or self._errands.busy):
            return ""
        return tr("Finishing the take…") if finishing else tr("Closing the cameras…")

    def undone(self) -> Message | None:
        """Decisions that could not be written."""
        if not (count := self.flow.undone):
            return None
        return Message(
            trn(
                "What was decided of {n} take could not be written, and is lost when the window closes.",
                "What was decided of {n} takes could not be written, and is lost when the window closes.",
                count,
            )
        )

    def _let_the_judge_leave(self) -> None:
        if self._warming.ident:
            self._warming.join()  # it may be about to ask the judge to make itself ready
        self.judge.close()

    def shut(self) -> None:
        """Stop the threads and let the processes leave."""
        self.flow.link.close()
        if self._leaving is None or self._leaving.is_alive():
            self.judge.abandon()
        self._errands.shut()
        self.setup.shut()
        if self.session_view is not None:
            self.session_view.shut()


def _rescued(folder: Path) -> Message:
    """What became of the takes that were not finished, as a message."""
    try:
        outcomes = rescue(folder)
    except (GlimpseError, OSError) as error:
        return Message(str(error), "redo")
    saved = sum(one.saved for one in outcomes)
    left = [f"{one.path.name}: {one.text}" for one in outcomes if not one.saved]
    return Message(" ".join([trn("{n} take was saved.", "{n} takes were saved.", saved), *left]), "check" if left else "good")


def _warm_up(judge: Judge) -> None:
    """Import and compile what a session needs: seconds after an installation, half a second later on."""
    judge.warm_up()
    from app.preview.render import warm_up

    warm_up()
