"""A thread that saves soon after it was woken, so that whoever wakes it never waits for a disk. Knows not what it saves."""

import threading
from collections.abc import Callable

SOON_S = 0.2  # changes that follow each other within it go to disk together; with a slow disk still within a second
AGAIN_S = 1.0  # until the next try after one that failed


class Saver:
    """Calls `save` in a thread of its own until it returns True, soon after each `wake`. The thread exists only when needed."""

    def __init__(self, save: Callable[[], bool], *, soon_s: float = SOON_S, again_s: float = AGAIN_S) -> None:
        self._save = save
        self._soon_s, self._again_s = soon_s, again_s
        self._wanted = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Have it saved soon."""
        self._wanted.set()
        if self._thread is None:
            self._closing.clear()
            self._thread = threading.Thread(target=self._run, name="labels-saver", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End the thread; what it was to save is left to the caller."""
        self._closing.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._wanted.clear()

    def _run(self) -> None:
        while not self._closing.is_set():  # asked after clearing below, which may have cleared what `close` has just set
            self._wanted.wait()
            if self._closing.wait(self._soon_s):
                return
            self._wanted.clear()
            if not self._save():
                self._wanted.set()
                self._closing.wait(self._again_s)
