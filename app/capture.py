"""The window's end of the capture process: a thread that starts it, hears it and watches the take for the paper.

The window pulls what was heard on a timer of its own, so that a frozen window delays nothing. Knows no widget.
"""

import logging
import queue
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from app.station import LIVE, recovered
from protocol.errors import GlimpseError
from recorder.board import EVENT_RING
from recorder.messages import Command, Record, Report, Status, TakeDone
from recorder.station import CaptureDied, Station

HEAR_S = 0.1  # how often the thread looks whether it is to stop

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Started:
    """The capture process runs; its rings are in `runtime`."""

    runtime: Path
    pid: int


@dataclass(frozen=True)
class Died:
    """The capture process is gone without being told to. saved: what became of the running take, None without one."""

    text: str
    saved: TakeDone | None = None


Heard: TypeAlias = "Started | Died | Report"


class CaptureLink:
    """One capture process. `start` and `close` return at once; `heard` gives what came since it was last asked.

    A process that died is not started again by itself: the window says what was saved, and `start` begins a new one.
    """

    def __init__(self, make: Callable[[], Station] = Station) -> None:
        self._make = make
        self._heard: queue.SimpleQueue[Heard] = queue.SimpleQueue()
        self._waiting: list[Command] = []
        self._lock = threading.Lock()
        self._station: Station | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._over = False  # the process is gone; the thread has only to say so
        self._live = True

    @property
    def running(self) -> bool:
        """Whether the thread runs: a process that starts, works or is shutting down."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start the capture process, unless one runs."""
        if self.running and not self._over:
            return
        self.join()
        self._stop.clear()
        self._over = False
        self._thread = threading.Thread(target=self._run, name="capture-link", daemon=True)
        self._thread.start()

    def send(self, command: Command) -> None:
        """Hand over a command; before the process has started it waits. A process that died tells so by `heard`."""
        with self._lock:
            station = self._station
            if station is None:
                self._waiting.append(command)
                return
        if isinstance(command, Record):
            self._live = command.rig.speed == LIVE
        try:
            station.send(command)
        except CaptureDied as died:
            _log.info("%s", died)  # the thread hears of it too, and tells what was saved

    def heard(self) -> list[Heard]:
        """All that came since the last call, in order."""
        found = []
        while True:
            try:
                found.append(self._heard.get_nowait())
            except queue.Empty:
                return found

    def close(self) -> None:
        """Ask the process to finish what is under way and leave; returns at once."""
        self._stop.set()

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait until it has left; whether it has."""
        if self._thread is not None:
            self._thread.join(timeout_s)
        return not self.running

    def _run(self) -> None:
        died = self._serve()
        with self._lock:
            self._station = None
            self._waiting.clear()
        self._over = True
        if died is not None:
            self._heard.put(died)

    def _serve(self) -> Died | None:
        part: list[Path] = []
        try:
            with self._make() as station, ExitStack() as watchers:
                self._begin(station)
                self._follow(station, watchers, part)
        except CaptureDied as died:
            return Died(str(died) if part else died.what, _saved(part, died))
        except OSError as error:
            return Died(f"The capture process cannot be started: {error}.")
        return None

    def _begin(self, station: Station) -> None:
        if station.runtime is not None:
            self._heard.put(Started(station.runtime, station.pid))
        with self._lock:
            self._station, waiting = station, list(self._waiting)
            self._waiting.clear()
        for command in waiting:
            self.send(command)

    def _follow(self, station: Station, watchers: ExitStack, part: list[Path]) -> None:
        while not self._stop.is_set():
            report = station.next(HEAR_S)
            if report is None:
                continue
            if isinstance(report, Status) and report.part and not part:
                part.append(Path(report.part))
                self._watch_paper(station, report, watchers)
            if isinstance(report, TakeDone):
                watchers.close()
                part.clear()
            self._heard.put(report)

    def _watch_paper(self, station: Station, status: Status, watchers: ExitStack) -> None:
        if not self._live or status.event_resolution is None or station.runtime is None:
            return
        from recorder.papermarks import PaperMarks  # compiled code, not needed before the first take

        # The cameras ran before: the ring may still hold the paper of the take before this one.
        ring = station.runtime / EVENT_RING
        watchers.enter_context(PaperMarks(ring, status.event_resolution, station.send, from_start=False))


def _saved(part: list[Path], died: CaptureDied) -> TakeDone | None:
    if not part:
        return None
    try:
        return recovered(part[0], died)
    except (GlimpseError, OSError) as error:
        return TakeDone(
            path=None,
            manifest=None,
            status="failed",
            finish_reason="capture_died",
            message=f"{died} Nothing could be saved: {error}",
        )
