"""Slow work in threads, with what came of it: one piece alone (Job), or one after the other (JobLine).

No Qt: the window asks on its timer.
"""

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from protocol.errors import GlimpseError

_log = logging.getLogger(__name__)

T = TypeVar("T")


class Job:
    """A thread that runs `work(job)`. `progress` is what the work last told; `result` or `problem` what came of it."""

    def __init__(self, work: Callable[["Job"], Any], name: str) -> None:
        self.progress: Any = None
        self.result: Any = None
        self.problem: str | None = None
        self.stopped = False
        self._work = work
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Ask it to end early."""
        self.stopped = True

    def join(self) -> None:
        """Wait for its end."""
        self._thread.join()

    def _run(self) -> None:
        try:
            self.result = self._work(self)
        except Exception as error:  # noqa: BLE001  (told to the operator, who can go on)
            self.problem = problem_of(error)


def problem_of(error: Exception) -> str:
    """What the operator is told of work that failed; a defect is logged with its trace too."""
    if isinstance(error, (GlimpseError, OSError)):
        return str(error)
    _log.error("a job failed", exc_info=error)
    return f"This failed: {error}."


class JobLine:
    """Work that is done one piece after the other, in the order in which it was handed over, by one thread.

    The thread ends with the last piece and begins anew with the next one, so that an idle line leaves nothing behind.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._waiting: deque[Callable[[], Callable[[], None]]] = deque()
        self._ended: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._open = 0  # handed over, and what came of it not yet told
        self._thread: threading.Thread | None = None

    def put(self, work: Callable[[], T], then: Callable[[T], None], failed: Callable[[str], None]) -> None:
        """Do `work` in the thread, after all that was put before; `poll` calls `then` with its result, or `failed` with a
        sentence where it raised.
        """
        self._open += 1
        with self._lock:
            self._waiting.append(partial(_outcome, work, then, failed))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether anything is to be done, or its outcome to be told."""
        return self._open > 0

    def poll(self) -> bool:
        """Tell what has come of the work, in its order and on the caller's thread; whether there was anything."""
        found = False
        while (tell := self._next()) is not None:
            found = True
            self._open -= 1
            tell()
        return found

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait until all that was put is done, for that long at most; whether it is."""
        with self._lock:
            thread = self._thread
        if thread is None:
            return True
        thread.join(timeout_s)
        return not thread.is_alive()

    def _next(self) -> Callable[[], None] | None:
        try:
            return self._ended.get_nowait()
        except queue.Empty:
            return None

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                work = self._waiting.popleft()
            self._ended.put(work())


def _outcome(work: Callable[[], T], then: Callable[[T], None], failed: Callable[[str], None]) -> Callable[[], None]:
    try:
        return partial(then, work())
    except Exception as error:  # noqa: BLE001  (told to the operator, who can go on)
        return partial(failed, problem_of(error))
