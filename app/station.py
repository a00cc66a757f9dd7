"""One take by a capture process of its own: what `glimpse record` does, whatever shows the prompts."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import IntEnum
from pathlib import Path
from types import FrameType

from protocol.errors import GlimpseError
from protocol.manifest import Manifest
from protocol.naming import EVENTS_SUFFIX, MANIFEST_SUFFIX
from recorder.board import EVENT_RING
from recorder.messages import Notice, PromptReport, Record, Refused, Status, Stop, TakeDone
from recorder.station import CaptureDied, Station

LIVE = "1"  # speed of a take that is recorded as it happens
ANSWER_S = 10.0  # reports come ten times a second, and none while cameras are being opened for some seconds


class Interrupted(IntEnum):
    """What Ctrl-C did: nothing; ended the take; was pressed again, or after it, so that nobody waits for anything more."""

    NO = 0
    ENDED = 1
    LEAVING = 2


class TakeRefused(GlimpseError):
    """The capture process would not or could not record."""


def record_take(
    command: Record, show_prompt: Callable[[PromptReport], None], say: Callable[[str], None]
) -> tuple[TakeDone, Interrupted]:
    """Record one take; returns what became of it, and what Ctrl-C did.

    Raises TakeRefused when nothing was recorded. If the capture process dies, what it had written is recovered at once.
    """
    listener = _Listener(show_prompt, say)
    return _followed(command, listener), listener.interrupted


def _followed(command: Record, listener: "_Listener") -> TakeDone:
    station = Station()
    try:
        with _termination_as_interrupt(), station, ExitStack() as watchers:
            station.send(command)
            return listener.follow(station, watchers if command.rig.speed == LIVE else None)
    except KeyboardInterrupt:
        return listener.last_word(station)
    except TakeRefused:
        if listener.interrupted:
            raise KeyboardInterrupt from None  # it was refused because Ctrl-C came before it began
        raise
    except CaptureDied as died:
        if listener.part is None:
            raise
        return recovered(listener.part, died)


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """A terminal that is closed, or a polite kill, ends the take as Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, interrupt) for number in (getattr(signal, name) for name in names)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Listener:
    def __init__(self, show_prompt: Callable[[PromptReport], None], say: Callable[[str], None]) -> None:
        self.interrupted = Interrupted.NO
        self._done: TakeDone | None = None
        self._watchers: ExitStack | None = None
        self.part: Path | None = None
        self._told = self._warming = False
        self._show_prompt = show_prompt
        self._say = say

    def follow(self, station: Station, watchers: ExitStack | None) -> TakeDone:
        """Wait for the end of the take. The first Ctrl-C ends it, the second leaves it to the capture process.

        watchers: keeps whoever watches the take for the paper; None for a take at full speed, whose script does not wait.
        """
        self._watchers = watchers
        while True:
            try:
                done = self._hear(station)
            except KeyboardInterrupt:
                if self.interrupted:
                    raise
                self.interrupted = Interrupted.ENDED
                station.send(Stop())
                continue
            if done is not None:
                return done

    def last_word(self, station: Station) -> TakeDone:
        """What became of the take, from whoever was left to finish it. Raises KeyboardInterrupt where that is not known."""
        self.interrupted = Interrupted.LEAVING
        try:
            while self._done is None:
                report = station.next(0)
                self._done = report if isinstance(report, TakeDone) else None
                if report is None:
                    raise KeyboardInterrupt
        except CaptureDied:  # after its last report
            raise KeyboardInterrupt from None
        return self._done

    def _hear(self, station: Station) -> TakeDone | None:
        report = station.next(ANSWER_S)
        if report is None and not self._told:
            self._told = True
            self._say("The capture process does not answer; wait, or press Ctrl-C twice to leave and run `glimpse recover`.")
        if isinstance(report, TakeDone):
            self._done = report
            return report
        if isinstance(report, Refused):
            raise TakeRefused(report.text)
        if isinstance(report, PromptReport):
            self._show_prompt(report)
        elif isinstance(report, Notice):
            self._say(report.text)
        elif isinstance(report, Status):
            self._warm_up()
            if report.part:
                self.part = Path(report.part)
                self._watch_paper(station, report)
        return None

    def _warm_up(self) -> None:
        """While the cameras open: beside a take it would cost a slow computer pictures."""
        if self._watchers is None or self._warming:
            return
        self._warming = True
        from recorder.warmup import WarmUp  # compiled code, which a take at full speed need not wait for

        self._watchers.enter_context(WarmUp())

    def _watch_paper(self, station: Station, status: Status) -> None:
        if self._watchers is None or status.event_resolution is None or station.runtime is None:
            return
        from recorder.papermarks import PaperMarks

        self._watchers.enter_context(PaperMarks(station.runtime / EVENT_RING, status.event_resolution, station.send))
        self._watchers = None


def recovered(part: Path, died: CaptureDied) -> TakeDone:
    """What `glimpse recover` makes of the take whose capture process died. part: its path without suffix."""
    from recorder.recover import recover_take  # reads and writes every format: not needed before something went wrong

    outcome = recover_take(part.parent, part.name.removesuffix(".part"))
    message = outcome.text if outcome.saved else f"{died} {outcome.text}"
    if not outcome.saved or outcome.path.suffix != EVENTS_SUFFIX or not outcome.path.exists():
        return TakeDone(path=None, manifest=None, status="failed", finish_reason="capture_died", message=message)
    path = outcome.path.with_suffix(MANIFEST_SUFFIX)
    manifest = Manifest.parse(path.read_bytes(), str(path))
    return TakeDone(
        path=str(outcome.path),
        manifest=str(path),
        status=manifest.status,
        finish_reason=manifest.finish_reason,
        message=message,
        counts={name: {"received": one.received, "written": one.written} for name, one in manifest.streams.items()},
    )
