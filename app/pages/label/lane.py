"""A thread that does one piece of work after the other, in the order in which they were asked for. Knows not what they are."""

import logging
import queue
import threading
from collections.abc import Callable

from app.i18n import tr
from app.logs import log_path

_log = logging.getLogger(__name__)


def defect_sentence(sentence: str, error: BaseException) -> str:
    """What cannot be done because of an exception that nobody foresaw: `sentence` without its full stop, why, where more is."""
    text = tr("{sentence}, because of a defect of Glimpse ({defect}); the log says more: {path}.")
    return text.format(sentence=sentence, defect=f"{type(error).__name__}: {error}", path=log_path())


class Lane:
    """Work that must not hold the window: `do` returns at once. failed: told of an exception that no work should let out."""

    def __init__(self, name: str, failed: Callable[[BaseException], None]) -> None:
        self._failed = failed
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._left = 0
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def do(self, work: Callable[[], None]) -> None:
        """Do this after all that was asked for before."""
        with self._changed:
            self._left += 1
        self._work.put(work)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until nothing is left to do; whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: self._left == 0, timeout_s)

    def close(self) -> None:
        """Do what is left, and end the thread. Safe to call twice."""
        self._work.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            try:
                work()
            except Exception as error:  # noqa: BLE001  (told by whoever owns the lane, and logged)
                _log.exception("%s: a piece of work failed", self._thread.name)
                self._failed(error)
            with self._changed:
                self._left -= 1
                self._changed.notify_all()
