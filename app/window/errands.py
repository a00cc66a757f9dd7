"""Work that would hold the window: done by a thread, its result handed back on the window's thread.

For looking at folders and devices, not for anything that lasts. Knows no page.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

_log = logging.getLogger(__name__)


class Errands(QObject):
    """Errands of one widget. A later one under the same name makes the result of an earlier one be dropped."""

    _back = Signal(str, int, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._numbers: dict[str, int] = {}
        self._then: dict[str, Callable[[Any], None]] = {}
        self._threads: list[threading.Thread] = []
        self._shut = False
        self._back.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def run(self, name: str, call: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Call `call` in a thread, and `then` with its result on this object's thread. `call` raises nothing by contract;
        a defect in it is logged, and `then` is not called.
        """
        if self._shut:
            return
        number = self._numbers.get(name, 0) + 1
        self._numbers[name], self._then[name] = number, then
        thread = threading.Thread(target=self._work, args=(name, number, call), name=f"errand-{name}", daemon=True)
        self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        thread.start()

    @property
    def busy(self) -> bool:
        """Whether a result is still to come."""
        return bool(self._then)

    def shut(self, timeout_s: float = 5.0) -> None:
        """Drop what is still to come, and wait for the threads."""
        self._shut = True
        self._then.clear()
        for thread in self._threads:
            thread.join(timeout_s)

    def _work(self, name: str, number: int, call: Callable[[], Any]) -> None:
        try:
            result = call()
        except Exception:
            _log.exception("the errand %s", name)
            raise
        if not self._shut:
            self._back.emit(name, number, result)

    def _deliver(self, name: str, number: int, result: Any) -> None:
        if self._numbers.get(name) == number and (then := self._then.pop(name, None)) is not None:
            then(result)
