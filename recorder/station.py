"""The parent's end of the capture process: start it, command it, hear its reports, and say what became of it.

For the command line and the window alike. Knows no camera; everything real happens in the other process.
"""

import logging
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from pydantic import ValidationError

from protocol.errors import GlimpseError
from recorder.host import NEW_SESSION
from recorder.messages import Command, Hello, Report, Shutdown, parse_report
from recorder.runtime import runtime_root, sweep

CAPTURE = (sys.executable, "-m", "recorder.capture")
HELLO_S = 20.0
EXIT_S = 25.0  # the capture process leaves within 20 s of being told
KILLED_S = 3.0  # a killed process ends at once, unless the kernel holds it in a call to a disk that stands still

_log = logging.getLogger(__name__)


class CaptureDied(GlimpseError):
    """The capture process ended without being told to. what: the same without what to do about a take."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what.removesuffix('.')}; {remedy}")
        self.what = what


class Station:
    """A capture process. A context manager: leaving it shuts the process down."""

    def __init__(self, command: Sequence[str] = CAPTURE, stderr: "IO[bytes] | None" = None, exit_s: float = EXIT_S) -> None:
        self.runtime: Path | None = None
        self._exit_s = exit_s
        self._command = command
        self._stderr = stderr
        self._reports: queue.Queue[Report | None] = queue.Queue()
        self._sending = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Start the process and wait for its first report. Raises CaptureDied."""
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr, **NEW_SESSION
        )
        self._reader = threading.Thread(target=self._read, name="capture-reports", daemon=True)
        self._reader.start()
        try:
            hello = self.next(HELLO_S)
        except BaseException:
            self._stop()
            raise
        if isinstance(hello, Hello):
            self.runtime = Path(hello.runtime)
        return self

    @property
    def pid(self) -> int:
        """The number of the capture process."""
        return self._running().pid

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            raise CaptureDied("The capture process is not running.", "start it again.")
        return self._process

    def _read(self) -> None:
        process = self._running()
        if process.stdout is not None:
            with process.stdout as pipe:
                self._read_reports(pipe)
        self._reports.put(None)
        process.wait()  # also of one that `_stop` could not wait for

    def _read_reports(self, pipe: "IO[bytes]") -> None:
        while line := pipe.readline():
            try:
                self._reports.put(parse_report(line))
            except ValidationError:
                return  # a line cut short by the death of the process

    def send(self, command: Command) -> None:
        """Send a command, from any thread. Raises CaptureDied."""
        pipe = self._running().stdin
        try:
            if pipe is not None:
                with self._sending:
                    pipe.write(command.model_dump_json().encode() + b"\n")
                    pipe.flush()
        except OSError as error:
            raise self._obituary() from error

    def next(self, timeout_s: float | None = None) -> Report | None:
        """The next report, None when none came in that time. Raises CaptureDied after the last."""
        try:
            report = self._reports.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if report is None:
            self._reports.put(None)
            raise self._obituary()
        return report

    def _obituary(self) -> CaptureDied:
        code = self._exit_code()
        if code is None:
            what = "The capture process answers no more."
            return CaptureDied(what, "run `glimpse recover` on the data set when its disk answers again.")
        killed = f"The capture process was ended by signal {-code}."
        what = killed if code < 0 else f"The capture process ended with code {code}."
        return CaptureDied(what, "run `glimpse recover` on the data set if a take was running.")

    def _exit_code(self) -> int | None:
        try:
            return self._running().wait(KILLED_S)
        except subprocess.TimeoutExpired:
            return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Shut the process down: it finishes what is under way."""
        self._stop()

    def _stop(self) -> None:
        process = self._running()
        if process.poll() is None:
            self._ask_to_leave(process)
        if process.stdin is not None:
            self._close(process.stdin)
        try:
            process.wait(self._exit_s)
        except subprocess.TimeoutExpired:
            process.kill()  # its own deadline has passed: it hangs where not even os._exit is reached
        self._let_go(process)
        sweep(runtime_root())

    def _let_go(self, process: "subprocess.Popen[bytes]") -> None:
        try:
            process.wait(KILLED_S)
        except subprocess.TimeoutExpired:
            _log.warning("the capture process %d cannot be ended as long as its disk does not answer", process.pid)
            return  # the reading thread closes the pipe when it ends after all
        if self._reader is not None:
            self._reader.join()

    def _ask_to_leave(self, process: "subprocess.Popen[bytes]") -> None:
        try:
            self.send(Shutdown())
        except CaptureDied as died:
            _log.info("%s", died)

    def _close(self, pipe: "IO[bytes]") -> None:
        try:
            pipe.close()
        except BrokenPipeError:
            return  # it died with a command unread; `next` tells
