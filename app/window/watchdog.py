"""Names whatever holds the window for longer than a picture lasts. For debugging and tests; costs a little on every event."""

import logging
import time
from typing import Any

from PySide6.QtCore import QEvent, QObject, QThread
from PySide6.QtWidgets import QApplication
from shiboken6 import isValid

LIMIT_MS = 16.0  # one picture at 60 Hz

_log = logging.getLogger(__name__)


class WatchedApplication(QApplication):
    """A QApplication that times each event. slow: (milliseconds, receiver, event) of those over the limit, the newest last.

    Only outermost events count, with all that they cause; one inside which an event loop runs (a menu) is left out.
    """

    KEPT = 200

    def __init__(self, arguments: list[str]) -> None:
        super().__init__(arguments)
        self.slow: list[tuple[float, str, str]] = []
        self._depth = 0
        self._level = 0
        self._looped = False

    def notify(self, receiver: QObject, event: QEvent) -> bool:
        """Hand the event on and time it."""
        if self._depth:
            self._looped |= QThread.currentThread().loopLevel() > self._level
            return bool(super().notify(receiver, event))
        self._depth, self._looped, self._level = 1, False, QThread.currentThread().loopLevel()
        begun = time.perf_counter()
        try:
            return bool(super().notify(receiver, event))
        finally:
            self._depth = 0
            spent_ms = (time.perf_counter() - begun) * 1000
            if spent_ms > LIMIT_MS and not self._looped:
                self._tell(spent_ms, receiver, event)

    def _tell(self, spent_ms: float, receiver: Any, event: QEvent) -> None:
        there = isinstance(receiver, QObject) and isValid(receiver)  # what it heard may have deleted it
        name = f"{type(receiver).__name__} {receiver.objectName() if there else ''}".strip()
        kind = event.type().name if isValid(event) else "?"
        self.slow = [*self.slow[-self.KEPT + 1 :], (spent_ms, name, kind)]
        _log.warning("%.0f ms on the window's thread: %s of %s", spent_ms, kind, name)
