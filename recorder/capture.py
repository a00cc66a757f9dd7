"""The capture process: `python -m recorder.capture`. Commands come on standard input, reports leave on standard output.

It outlives its parent by at most `EXIT_S`: a running take is finished by its own deadline. Nothing it does waits for
the parent: reports queue up in bounded memory, and a parent that reads none loses snapshots, never data.
"""

import logging
import os
import queue
import shutil
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from protocol.manifest import FinishReason
from recorder.aedat4.writer import Aedat4Writer
from recorder.clock import HostClock
from recorder.engine import Engine
from recorder.messages import Arm, Command, Hello, Record, Refused, Report, Shutdown, Status, parse_command
from recorder.power import Awake
from recorder.runtime import create_runtime_folder, runtime_root, sweep
from recorder.sources.registry import Registry, default_registry

TICK_S = 0.01
EXIT_S = 20.0
ORPHAN_SHARE = 0.75  # of it a take without a parent may go on; the rest is for closing its files
MAX_DEFECTS = 100  # a second of failing ticks: then nothing can be hoped for, and recover has the rest
REPORTS = 1_000  # kept for a parent that does not read; the oldest go first

_log = logging.getLogger(__name__)


class ReportPipe:
    """Writes reports to the parent from a thread of its own, so that a frozen parent never blocks the capture."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._queue: deque[Report] = deque(maxlen=REPORTS)
        self._changed = threading.Condition()
        self._writing = False
        threading.Thread(target=self._run, name="reports", daemon=True).start()

    def send(self, report: Report) -> None:
        """Queue a report; a status replaces the one before it that was not yet sent."""
        with self._changed:
            if isinstance(report, Status) and self._queue and isinstance(self._queue[-1], Status):
                self._queue.pop()
            self._queue.append(report)
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._writing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._queue)
                report = self._queue.popleft()
                self._writing = True
            try:
                self._pipe.write(report.model_dump_json().encode() + b"\n")
                self._pipe.flush()
            except OSError:
                _log.info("the parent no longer listens")
                return

    def drain(self, timeout_s: float) -> None:
        """Wait until everything is sent, but not for ever."""
        with self._changed:
            self._changed.wait_for(lambda: not self._queue and not self._writing, timeout_s)


class CommandReader:
    """Reads commands from the parent; the end of the pipe means that the parent is gone."""

    def __init__(self, pipe: BinaryIO, refuse: Callable[[str], None], leaving: Callable[[], None]) -> None:
        """leaving: told on this reader's own thread that the process is to end, whatever the main thread is stuck in."""
        # Simple: a signal handler may put into it while the main thread is inside `get`.
        self.commands: queue.SimpleQueue[Command | None] = queue.SimpleQueue()
        self._leaving = leaving
        self._pipe = pipe
        self._refuse = refuse
        threading.Thread(target=self._run, name="commands", daemon=True).start()

    def _run(self) -> None:
        while line := self._pipe.readline():
            try:
                command = parse_command(line)
            except ValidationError as error:
                self._refuse(f"The capture process was sent a command that it does not know: {error.errors()[0]['msg']}.")
                continue
            if isinstance(command, Shutdown):
                self._leaving()
            self.commands.put(command)
        self._leaving()
        self.commands.put(None)


class CaptureProcess:
    """Runs an engine until it is told to stop or nobody is left to tell."""

    def __init__(
        self,
        registry: Registry,
        commands: BinaryIO,
        reports: BinaryIO,
        root: Path,
        clock: HostClock | None = None,
        open_events: Callable[..., Aedat4Writer] = Aedat4Writer,
        exit_s: float = EXIT_S,
    ) -> None:
        self._exit_s = exit_s
        self._watched = threading.Event()
        self._clock = clock or HostClock()
        self._runtime = create_runtime_folder(root)
        self._pipe = ReportPipe(reports)
        self._reader = CommandReader(commands, lambda text: self._pipe.send(Refused(text=text)), self._watch)
        self._engine = Engine(registry, self._runtime, self._pipe.send, self._clock, open_events)
        self._awake: Awake | None = None
        self._leaving = False
        self._defects = 0
        self._take_deadline_ns: int | None = None

    def run(self) -> None:
        """Serve until the end; the runtime folder is removed whatever happens."""
        self._pipe.send(Hello(pid=os.getpid(), runtime=str(self._runtime)))
        signal.signal(signal.SIGTERM, lambda *_: self._reader.commands.put(Shutdown()))
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then asks
        try:
            while not (self._leaving and not self._engine.is_busy):
                self._guarded(self._serve_one)
                self._guarded(self._engine.tick)
                self._enforce_deadline()
                self._keep_awake(self._engine.is_armed)
            self._engine.shut_down()
        finally:
            self._keep_awake(False)
            self._pipe.drain(1.0)
            shutil.rmtree(self._runtime, ignore_errors=True)

    def _guarded(self, work: Callable[[], None]) -> None:
        """A defect must not cost data: the take is ended and closed, which the camera and writer threads can do without it."""
        try:
            work()
        except Exception as error:
            _log.exception("the capture process has a defect")
            self._engine.end_take(FinishReason.INTERNAL_ERROR, f"The capture process has a defect ({error}); please report it.")
            self._defects += 1
            if self._defects >= MAX_DEFECTS:
                raise

    def _serve_one(self) -> None:
        try:
            command = self._reader.commands.get(timeout=TICK_S)
        except queue.Empty:
            return
        if command is None:
            self._parent_gone()
            return
        if isinstance(command, Shutdown):
            self._leaving = True
            self._watch()
        if self._leaving and isinstance(command, Arm | Record):
            self._pipe.send(Refused(text="The capture process is closing; start it again."))
            return
        self._engine.handle(command)

    def _parent_gone(self) -> None:
        if not self._leaving:
            self._leaving = True
            self._take_deadline_ns = self._clock.monotonic_ns() + int(
                min(self._engine.parent_gone_s, self._exit_s * ORPHAN_SHARE) * 1e9
            )

    def _watch(self) -> None:
        if self._watched.is_set():
            return
        self._watched.set()
        # The last resort against a disk or driver that never returns: .part files stay for `glimpse recover`.
        watchdog = threading.Timer(self._exit_s, self._exit_now)
        watchdog.daemon = True
        watchdog.start()

    def _exit_now(self) -> None:
        _log.error("left %s s after the end was asked for, with work unfinished", self._exit_s)
        shutil.rmtree(self._runtime, ignore_errors=True)
        os._exit(3)

    def _enforce_deadline(self) -> None:
        if self._take_deadline_ns is not None and self._clock.monotonic_ns() >= self._take_deadline_ns:
            self._engine.end_take(FinishReason.PARENT_GONE, "The program that asked for the take died.")

    def _keep_awake(self, armed: bool) -> None:
        if armed and self._awake is None:
            self._awake = Awake()
            self._awake.__enter__()
            self._engine.tell(self._awake.notices)
        elif not armed and self._awake is not None:
            self._awake.__exit__(None, None, None)
            self._awake = None


def main(
    registry: Registry | None = None, open_events: Callable[..., Aedat4Writer] = Aedat4Writer, exit_s: float = EXIT_S
) -> None:
    """Entry point; benchmarks and tests hand in cameras, event files or a deadline of their own."""
    # Libraries print to descriptor 1; the reports keep it to themselves.
    reports = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="capture: %(levelname)s %(message)s")
    root = runtime_root()
    sweep(root)
    made = registry or default_registry()
    CaptureProcess(made, sys.stdin.buffer, reports, root, open_events=open_events, exit_s=exit_s).run()
    sys.stderr.flush()
    # dv-processing and OpenCV may hang in their static destructors when a peer is frozen; everything is on disk by now.
    os._exit(0)


if __name__ == "__main__":
    main()
