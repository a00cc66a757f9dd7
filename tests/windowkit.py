"""Fixtures of tests with a window: the application with its theme, and guards against what a window may leave behind."""

import gc
import os
import weakref
from collections.abc import Iterator

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # a display that is named is used

import pytest
import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QThread, QTimer
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QInputDialog, QMessageBox

from app.i18n import use_language
from app.window.start import make_application
from app.window.theme import Scheme, use_scheme
from app.window.watchdog import WatchedApplication

# What Qt warns of that is no fault of ours, by a part of its text.
HARMLESS = (
    "This plugin does not support propagateSizeHints",
    "This plugin does not support raise()",
    "This plugin does not support grabbing the keyboard",
)
DIALOG_CALLS = (
    (QDialog, ("exec",)),
    (QMessageBox, ("exec", "information", "question", "warning", "critical")),
    (QFileDialog, ("getExistingDirectory", "getOpenFileName", "getSaveFileName", "getOpenFileNames")),
    (QInputDialog, ("getText", "getInt", "getItem", "getMultiLineText")),
)


@pytest.fixture(scope="session")
def qapp_cls() -> type[QApplication]:
    """The application that times its events."""
    return WatchedApplication


@pytest.fixture(scope="session")
def qapp() -> QApplication:
    """In place of pytest-qt's: the application as the program makes it."""
    return make_application(debug=True)


@pytest.fixture(autouse=True)
def clean_window(qapp: QApplication, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """English and dark; fails on top-level widgets, running timers and threads, dialogs that wait, and warnings of Qt."""
    qtlog = request.getfixturevalue("qtlog")
    use_language("en")
    use_scheme(Scheme.DARK)
    opened: list[str] = []
    for owner, names in DIALOG_CALLS:
        for name in names:
            monkeypatch.setattr(owner, name, _refusal(f"{owner.__name__}.{name}", opened))
    before = {id(widget) for widget in qapp.topLevelWidgets()}
    timers = {id(timer) for timer in _running()}
    gc.freeze()  # what there is now is not looked through again after the test, nor by Python meanwhile
    yield
    use_language("en")
    left = [*_widgets_left(qapp, before), *(_named(one) for one in _running() if id(one) not in timers), *opened]
    left += [record.message for record in qtlog.records if not any(known in record.message for known in HARMLESS)]
    if left:
        pytest.fail(f"the window left behind: {'; '.join(left)}", pytrace=False)


def _refusal(name: str, opened: list[str]) -> object:
    def refuse(*_arguments: object, **_named: object) -> None:
        opened.append(f"the dialog {name}, which waits for an answer")
        raise AssertionError(f"{name} was called, which waits for an answer")

    return refuse


def settle(qapp: QApplication | None = None) -> None:
    """Do what is due now, and delete what is to be deleted."""
    for _ in range(3):
        QCoreApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def _widgets_left(qapp: QApplication, before: set[int]) -> list[str]:
    settle()
    new = [widget for widget in qapp.topLevelWidgets() if id(widget) not in before]
    if new:
        gc.collect()
        settle()
        new = [widget for widget in qapp.topLevelWidgets() if id(widget) not in before]
    return [_named(widget) for widget in new if widget.parent() is None or widget.isVisible()]


def _running() -> list[QObject]:
    """Timers and threads that run; the ones that Python knows of."""
    kinds = (QTimer, QThread)
    _known.update(one for one in gc.get_objects() if issubclass(type(one), kinds))
    found = [one for one in _known if shiboken6.isValid(one)]
    return [one for one in found if (one.isActive() if isinstance(one, QTimer) else one.isRunning())]


_known: weakref.WeakSet[QObject] = weakref.WeakSet()  # timers and threads seen so far, running or not


@pytest.fixture(autouse=True, scope="module")
def rubbish() -> Iterator[None]:
    """What `gc.freeze` kept Python from clearing away goes after each module."""
    yield
    gc.unfreeze()
    gc.collect()


def _named(one: QObject) -> str:
    owner = one.parent()
    return f"{type(one).__name__} {one.objectName()!r}" + (f" of {type(owner).__name__}" if owner is not None else "")
