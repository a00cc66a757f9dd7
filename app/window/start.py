"""Starts the window: settings, language, theme, pages. Everything heavy is imported by the pages, after the window is there."""

import logging
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QLibraryInfo, QLocale, QTimer, QTranslator
from PySide6.QtWidgets import QApplication

from app.i18n import tr, use_language
from app.interrupts import NAMES
from app.logs import keep_log, log_path
from app.settings import Preferences
from app.window.main_window import MainWindow, PageEntry
from app.window.messages import Message
from app.window.page import Page
from app.window.shortcuts import table
from app.window.theme import Scheme, use_scheme
from app.window.watchdog import WatchedApplication

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wishes:
    """What the command line asked for; None: as the preferences or the data set have it. debug: name what is slow."""

    data: Path | None = None
    camera: str | None = None
    rgb: str | None = None
    thermal: str | None = None
    debug: bool = False


def run(wishes: Wishes) -> int:
    """Show the window until it is closed; returns the exit code."""
    application = make_application(debug=wishes.debug)
    problem = keep_log(level=logging.DEBUG if wishes.debug else logging.INFO)
    window = make_window(wishes, Preferences())
    if problem:
        window.banners.show_message(Message(problem, "check", key="log"))
    leave_when_told(window)
    heartbeat = QTimer()  # Python hears signals only when it is given a turn
    heartbeat.start(200)
    heartbeat.timeout.connect(lambda: None)
    sys.excepthook = lambda kind, error, trace: tell_defect(window, error)
    window.show()
    code: int = application.exec()
    heartbeat.stop()
    return code


def leave_when_told(window: MainWindow) -> None:
    """Ctrl-C, a polite kill, a terminal or a desktop that goes: nobody is there to answer a question, so a take that runs is
    ended and the window closes.
    """
    for number in (getattr(signal, name) for name in NAMES if hasattr(signal, name)):
        signal.signal(number, lambda *_: window.leave())


def tell_defect(window: MainWindow, error: BaseException) -> None:
    """A defect in answering a key or a timer: kept in the log with its trace, told in one sentence; the window goes on."""
    _log.error("a defect", exc_info=error)
    text = tr("Glimpse has a defect ({defect}). What is being recorded goes on; the details are in {log}.")
    summary = f"{type(error).__name__}: {error}".splitlines()[0]
    window.banners.show_message(Message(text.format(defect=summary, log=log_path()), "redo", key="defect"))


def make_application(*, debug: bool = False) -> QApplication:
    """The QApplication of this process; made where there is none."""
    there = QApplication.instance()
    if isinstance(there, QApplication):
        return there
    arguments = [sys.argv[0] if sys.argv else "glimpse"]
    application = WatchedApplication(arguments) if debug else QApplication(arguments)
    application.setApplicationName("glimpse")
    application.setApplicationDisplayName("Glimpse")
    application.setDesktopFileName("glimpse")
    application.setStyle("Fusion")
    return application


def make_window(wishes: Wishes, preferences: Preferences) -> MainWindow:
    """The window with its pages, not yet shown; the first page is made once it is."""
    settings = preferences.settings
    speak(settings.language)
    table.remap(settings.keys)
    use_scheme(Scheme(settings.scheme))
    window = MainWindow(page_entries(wishes, preferences), preferences)
    for text in preferences.warnings:
        window.banners.show_message(Message(text, "check", key=f"warning {text}"))
    QTimer.singleShot(0, window, lambda: _show_first_page(window))
    return window


def _show_first_page(window: MainWindow) -> None:
    window.show_page("record")
    QTimer.singleShot(0, window, window.guide.start_if_new)  # once the page has its places


def speak(language: str) -> str:
    """Use this language in our texts and in Qt's own; returns the one in use."""
    code = use_language(language)
    application = QApplication.instance()
    if isinstance(application, QApplication):
        translator = QTranslator(application)
        folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
        if translator.load(QLocale(code), "qtbase", "_", folder):
            application.installTranslator(translator)
    QLocale.setDefault(QLocale(code))
    return code


def page_entries(wishes: Wishes, preferences: Preferences) -> Sequence[PageEntry]:
    """The pages in the order of the rail."""

    def record() -> Page:
        from app.pages.record.page import RecordPage

        page: Page = RecordPage(wishes, preferences)
        return page

    def label() -> Page:
        from app.pages.label.page import LabelPage

        page: Page = LabelPage(wishes, preferences)
        return page

    return (
        PageEntry("record", "Record", "record", record, contexts=("Before the session", "Record", "Take", "After a take")),
        PageEntry("label", "Label", "label", label, contexts=("Label", "Compare coders")),
    )


def no_display() -> str | None:
    """Why no window can be shown here, None where one can."""
    import os

    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        if os.environ.get("QT_QPA_PLATFORM", "") in ("offscreen", "minimal", "vnc", "eglfs", "linuxfb"):
            return None
        return tr("There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set).")
    return None
