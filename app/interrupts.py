"""Ctrl-C while a command tells what became of its work: it ends what may be left out, never the telling. Knows no take."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Ctrl-C, a polite kill, a terminal that is closed; Windows has no SIGHUP


class Telling:
    """A context in which interruptions are not heeded, but for the first one within `may_be_left_out`.

    For the main thread. What the process ignores already stays ignored.
    """

    def __init__(self) -> None:
        self._gives_way = False
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        for number in (getattr(signal, name) for name in NAMES if hasattr(signal, name)):
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._heard)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # as `signal` gave it

    @contextmanager
    def may_be_left_out(self) -> Iterator[None]:
        """Work that the first interruption ends with KeyboardInterrupt."""
        self._gives_way = True
        try:
            yield
        finally:
            self._gives_way = False

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self._gives_way:
            self._gives_way = False
            raise KeyboardInterrupt
