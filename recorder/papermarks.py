"""Watches the event ring of a running take for the sheet of paper, and marks in the script when it came and when it left.

For the command line and the window alike; live only, since at full speed the script does not wait. Knows no camera and no file.
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from protocol.manifest import How
from protocol.script import Mark as ScriptMark
from recorder.messages import Mark
from recorder.paperwatch import PaperKind, PaperSighting, PaperWatch
from recorder.ring import RingError, RingReader
from recorder.station import CaptureDied

POLL_S = 0.01  # of the 50 ms in which the paper is to be told
MARKS = {PaperKind.IN: ScriptMark.PAPER_IN, PaperKind.OUT: ScriptMark.PAPER_OUT}
LEAST_CONFIDENCE = 0.5  # a mark moves the whole script: what is less probable than not is left to the schedule

_log = logging.getLogger(__name__)


class PaperMarks:
    """A thread that reads a ring. A context manager: leaving it ends the thread.

    sightings: what it has seen so far; missed: events that were overwritten before they were read.
    """

    def __init__(
        self, ring: Path, resolution: tuple[int, int], send: Callable[[Mark], None], *, from_start: bool = True
    ) -> None:
        """ring: of events; resolution: (width, height); send: hands a mark to the capture process, from the thread.

        from_start: whether what the ring holds already is of this take, as in a process that was started for it.
        """
        self.sightings: list[PaperSighting] = []
        self.missed = 0
        self._ring, self._send, self._from_start = ring, send, from_start
        self._watch = PaperWatch(resolution)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="paper-marks", daemon=True)

    def __enter__(self) -> Self:
        """Start watching."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop watching."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            with RingReader(self._ring, from_start=self._from_start) as reader:
                while not self._stop.wait(POLL_S):
                    self._look(reader)
        except (OSError, RingError, CaptureDied) as error:  # the take goes on by its schedule, or is over
            _log.info("the paper is no longer watched: %s", error)

    def _look(self, reader: RingReader) -> None:
        reading = reader.read()
        self.missed += reading.missed
        for sighting in self._watch.feed(reading.records):
            self.sightings.append(sighting)
            if sighting.confidence >= LEAST_CONFIDENCE:
                self._send(Mark(mark=MARKS[sighting.kind], how=How.DETECTED, at_us=sighting.at_us))
