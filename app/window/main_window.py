"""The main window: a rail of pages, banners above, toasts over them. Pages are made when first shown."""

import base64
import gc
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.i18n import tr
from app.settings import Preferences
from app.window.icons import icon
from app.window.keysheet import KeySheet
from app.window.messages import Banners, Message, Toasts
from app.window.page import Page
from app.window.shortcuts import Shortcut, table
from app.window.theme import Scheme, current_theme, theme_bus, use_scheme
from app.window.tour import Guide, TourStep, window_steps

RAIL_PX = 88
SMALLEST = QSize(1160, 640)  # on a screen of 1280 x 720 the desktop takes its part
USUAL = QSize(1280, 760)
FRAME_PX, TITLE_PX = 4, 36  # what a desktop draws around a window is known only once it is shown
CLOSE_S = 30.0  # until what is under way has ended; the capture process is given 25 s of them, see recorder.station
CALM_S = 0.3  # what is over by then is not worth a banner
LOOK_MS = 50  # how often a closing window looks whether all has ended

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PageEntry:
    """A page that is not made yet. make: gives it; title: in English; key: Ctrl+number by default."""

    name: str
    title: str
    icon: str
    make: Callable[[], Page]
    contexts: Sequence[str] = field(default_factory=tuple)


class MainWindow(QMainWindow):
    """The window. closed: it is gone for good."""

    closed = Signal()

    def __init__(self, entries: Sequence[PageEntry], preferences: Preferences) -> None:
        super().__init__()
        self.setWindowTitle("Glimpse")
        self.setMinimumSize(SMALLEST)
        self.preferences = preferences
        self._entries = {entry.name: entry for entry in entries}
        self._pages: dict[str, Page] = {}
        self._shown: Page | None = None
        self._buttons: dict[str, QToolButton] = {}
        self._tools: list[tuple[QToolButton, str]] = []
        self._sheet: KeySheet | None = None
        self._leave_anyway = self._leave_undone = False
        self._closing_since_s: float | None = None
        self._looks = QTimer(self, singleShot=True, interval=LOOK_MS)
        self._looks.timeout.connect(self.close)
        self.banners = Banners()
        self.banners.left.connect(self._give_keys)
        self._stack = QStackedWidget()
        self._lay_out()
        self._make_actions()
        self.guide = Guide(self, preferences, self._tour_steps)
        self._dress()
        theme_bus().changed.connect(self._dress)
        self._restore()

    def _lay_out(self) -> None:
        body = QWidget()
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._rail())
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banners)
        column.addWidget(self._stack, 1)
        row.addLayout(column, 1)
        self.setCentralWidget(body)
        self.toasts = Toasts(body, RAIL_PX)

    def _rail(self) -> QWidget:
        theme = current_theme()
        rail = QFrame()
        rail.setObjectName("rail")
        rail.setProperty("role", "bar")
        rail.setFixedWidth(RAIL_PX)
        column = QVBoxLayout(rail)
        column.setContentsMargins(theme.space(1), theme.space(3), theme.space(1), theme.space(3))
        name = QLabel("Glimpse")
        name.setProperty("role", "label")
        name.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(name)
        column.addSpacing(theme.space(3))
        for number, entry in enumerate(self._entries.values(), 1):
            table.add(Shortcut(f"page.{entry.name}", f"Ctrl+{number}", f"{entry.title} page"))
            button = self._rail_button(tr(entry.title), entry.icon)
            button.setCheckable(True)
            button.setObjectName(f"rail.page.{entry.name}")
            button.setToolTip(table.tip(f"page.{entry.name}"))
            button.clicked.connect(partial(self.show_page, entry.name))
            self._buttons[entry.name] = button
            column.addWidget(button)
        column.addStretch(1)
        for text, symbol, key, call in (
            (tr("Tour"), "tour", "help.tour", self._start_tour),
            (tr("Keys"), "keyboard", "help.keys", self.show_keys),
            (tr("Settings"), "preferences", "window.preferences", self.show_preferences),
        ):
            button = self._rail_button(text, symbol)
            button.setObjectName(f"rail.{key}")
            button.setToolTip(table.tip(key))
            button.clicked.connect(call)
            column.addWidget(button)
        return rail

    def _rail_button(self, text: str, symbol: str) -> QToolButton:
        button = QToolButton()
        button.setProperty("role", "rail")
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # each has a key; the keys of the page hold wherever Tab leads
        button.setText(text)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setIconSize(QSize(26, 26))
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._tools.append((button, symbol))
        return button

    def _make_actions(self) -> None:
        for name in self._entries:
            table.action(f"page.{name}", self, partial(self.show_page, name))
        for key, call in (
            ("help.keys", self.show_keys),
            ("window.preferences", self.show_preferences),
            ("window.full_screen", self._toggle_full_screen),
            ("window.scheme", self._toggle_scheme),
            ("window.quit", self.close),
        ):
            table.action(key, self, call)

    def _dress(self) -> None:
        for button, symbol in self._tools:
            button.setIcon(icon(symbol))

    def show_page(self, name: str) -> Page:
        """Show a page; it is made at the first time."""
        page = self._pages.get(name) or self._make(name)
        if self._shown is not page:
            if self._shown is not None:
                self._shown.deactivate()
            self._shown = page
            self._stack.setCurrentWidget(page)
            page.activate()
        for other, button in self._buttons.items():
            button.setChecked(other == name)
        return page

    def _give_keys(self) -> None:
        if self._shown is not None:
            self._shown.take_keys()

    def _make(self, name: str) -> Page:
        page = self._entries[name].make()
        page.banner.connect(self.banners.show_message)
        page.banner_over.connect(self.banners.clear)
        page.toast.connect(self.toasts.show_message)
        page.open_take.connect(self._open_take)
        page.tour_wanted.connect(self.guide.show_steps)
        self._pages[name] = page
        self._stack.addWidget(page)
        gc.freeze()  # what stays: Python would look through all of it now and then, and hold the window for as long
        return page

    def _open_take(self, name: str, path: Any) -> None:
        if name in self._entries:
            self.show_page(name).show_take(path)

    @property
    def pages(self) -> Mapping[str, Page]:
        """The pages that were made."""
        return self._pages

    def use_dataset(self, folder: Path) -> None:
        """Tell the pages which data set is in use, and remember it."""
        self.preferences.replace(self.preferences.settings.with_data(folder))
        for page in self._pages.values():
            page.use_dataset(folder)

    def show_keys(self) -> None:
        """Show the sheet of all keys; it may stay open beside the work."""
        if self._sheet is not None:
            self._sheet.close()
        shown = next((name for name, page in self._pages.items() if page is self._shown), None)
        contexts = self._entries[shown].contexts if shown else ()
        self._sheet = KeySheet(table, contexts, self)
        self._sheet.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._sheet.destroyed.connect(self._forget_sheet)
        self._sheet.show()

    def _forget_sheet(self) -> None:
        self._sheet = None

    def show_preferences(self) -> None:
        """Show the preferences; it may stay open beside the work."""
        from app.window.preferences import PreferencesDialog

        dialog = PreferencesDialog(self.preferences, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.changed.connect(self._preferences_changed)
        dialog.tour_wanted.connect(self._start_tour)
        dialog.show()

    def _preferences_changed(self) -> None:
        table.remap(self.preferences.settings.keys)
        use_scheme(Scheme(self.preferences.settings.scheme))
        for page in self._pages.values():
            page.use_preferences()
        if self.preferences.problem:
            self.banners.show_message(Message(self.preferences.problem, "check", key="preferences"))

    def _start_tour(self) -> None:
        self.guide.start()

    def _tour_steps(self) -> list[TourStep]:
        """Hello, what the page in view has to show, then the shell."""
        hello, *shell = window_steps()
        page = self._stack.currentWidget()
        return [hello, *(page.tour_steps() if isinstance(page, Page) else ()), *shell]

    def _toggle_scheme(self) -> None:
        self.preferences.change(scheme="light" if current_theme().name == "dark" else "dark")
        self._preferences_changed()

    def _toggle_full_screen(self) -> None:
        if self.isFullScreen():
            self.showNormal()
        else:
            self.showFullScreen()

    def _restore(self) -> None:
        saved = self.preferences.settings.geometry
        if not saved or not self.restoreGeometry(base64.b64decode(saved)):
            self.resize(self._usual_size())

    def _usual_size(self) -> QSize:
        """What is usual, or the screen without its panels and the window's own frame where that is smaller."""
        screen = self.screen()
        if screen is None:
            return USUAL
        room = screen.availableSize() - QSize(2 * FRAME_PX, TITLE_PX + FRAME_PX)
        return USUAL.boundedTo(room).expandedTo(SMALLEST)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask by a banner where something runs; wait, without freezing, for what is under way; then stop all that pages run."""
        if self._asks_first() or self._waits():
            event.ignore()
            return
        self._looks.stop()
        self.preferences.change(geometry=base64.b64encode(self.saveGeometry().data()).decode())
        for page in self._pages.values():
            page.deactivate()
            page.shut()
        super().closeEvent(event)
        self.closed.emit()

    def _asks_first(self) -> bool:
        if self._leave_anyway or self._closing_since_s is not None:
            return False
        reasons = [found for page in self._pages.values() if (found := page.why_not_close()) is not None]
        for reason in reasons[:1]:
            action = reason.action or tr("Close anyway")
            self.banners.show_message(Message(reason.text, "check", action, self._close_anyway, "close"))
        return bool(reasons)

    def _waits(self) -> bool:
        """Whether something has still to end; then the window closes itself a little later."""
        if self._closing_since_s is None:
            self._closing_since_s = time.monotonic()
            self._take_no_more()
        awaited = [text for page in self._pages.values() if (text := page.wind_up())]
        waited_s = time.monotonic() - self._closing_since_s
        if not awaited:
            return self._tells_undone()
        if waited_s > CLOSE_S:
            _log.warning("closed after %.0f s without the end of: %s", waited_s, "; ".join(awaited))
            return False
        if waited_s > CALM_S:
            text = tr("{what} The window closes by itself.").format(what=awaited[0])
            self.banners.show_message(Message(text, key="close"))
        self._looks.start()
        return True

    def _tells_undone(self) -> bool:
        """Whether something that was decided could not be done; the window stays until it is, or the operator leaves it."""
        undone = [found for page in self._pages.values() if (found := page.undone()) is not None]
        if self._leave_undone or not undone:
            return False
        self.banners.show_message(Message(undone[0].text, "redo", tr("Close anyway"), self.leave, "close"))
        self._looks.start()
        return True

    def _take_no_more(self) -> None:
        """Nothing new is begun in a window that closes."""
        self._stack.setEnabled(False)
        for action in self.actions():
            action.setEnabled(False)
        for button, _ in self._tools:
            button.setEnabled(False)

    def leave(self) -> None:
        """Close without a question, as soon as what is under way has ended."""
        self._leave_undone = True
        self._close_anyway()

    def _close_anyway(self) -> None:
        self._leave_anyway = True
        QTimer.singleShot(0, self.close)
