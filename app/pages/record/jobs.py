"""One slow piece of work at a time in a thread, with its progress, and what came of it. No Qt: the window asks on its timer."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from protocol.errors import GlimpseError

_log = logging.getLogger(__name__)


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
        except (GlimpseError, OSError) as error:
            self.problem = str(error)
        except Exception as error:  # noqa: BLE001  (told to the operator, who can go on)
            _log.exception("%s failed", self._thread.name)
            self.problem = f"This failed: {error}."
