"""Who makes the takes of a simulated data set: workers, each a thread with a capture process of its own.

Knows no data set and no plan as a whole, only takes that are to be made; shows nothing.
"""

import os
import queue
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from app.station import TakeRefused
from protocol.errors import GlimpseError
from protocol.manifest import FinishReason, Person, TakeStatus
from protocol.naming import PART
from recorder.messages import Record, Refused, RigSpec, Status, Stop, TakeDone, TakeRequest
from recorder.recover import recover_take
from recorder.room import DiskTooFull, refuse_full_disk
from recorder.settings import RecorderSettings
from recorder.sim.plan import PlannedTake, Wishes
from recorder.station import CaptureDied, Station
from recorder.takefiles import mark_noise

POLL_S = 0.2
FULL_DISK = (FinishReason.DISK_LOW, FinishReason.DISK_FULL)
# Nobody sits before the screen: a busy computer may be slow, and there is no preview to be kept in memory.
PATIENCE = {"stall_end_s": 120.0, "first_data_s": 120.0, "queue_s": 60.0, "event_ring": 1 << 10, "frame_ring": 2}


@dataclass(frozen=True)
class Outcome:
    """What became of one planned take. path: its `.aedat4`, None when it was not made; problem: one sentence then.

    is_last: nothing more can be made, since the disk is full; interrupted: the user ended it.
    """

    take: PlannedTake
    path: Path | None = None
    problem: str = ""
    is_last: bool = False
    interrupted: bool = False


class Crew:
    """Workers that make takes, each in a capture process of its own. A context manager: leaving it ends them."""

    def __init__(
        self, data: Path, wishes: Wishes, settings: RecorderSettings, lanes: Sequence[Sequence[PlannedTake]], jobs: int
    ) -> None:
        """lanes: takes of one lane are made in their order, by one worker."""
        self._data = data
        self._wishes = wishes
        self._settings = settings.model_copy(update=PATIENCE)
        self._stop = threading.Event()
        self._interrupts = 0
        self._lanes: queue.SimpleQueue[Sequence[PlannedTake]] = queue.SimpleQueue()
        for lane in lanes:
            self._lanes.put(lane)
        self._told: queue.SimpleQueue[Outcome | BaseException | None] = queue.SimpleQueue()
        # Daemons: a second Ctrl-C leaves at once, and the capture processes end their takes by themselves.
        count = min(jobs, len(lanes))
        self._threads = [threading.Thread(target=self._work, name=f"worker {n}", daemon=True) for n in range(count)]

    def __enter__(self) -> Self:
        """Start working."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End the running takes and wait for the workers, unless the user is in a hurry."""
        self._stop.set()
        if kind is None or not issubclass(kind, KeyboardInterrupt):
            for thread in self._threads:
                thread.join()

    @property
    def is_interrupted(self) -> bool:
        """Whether the user wants no more takes."""
        return self._interrupts > 0

    def interrupt(self) -> None:
        """End the running takes and begin no more; a second time, leave at once by KeyboardInterrupt."""
        self._interrupts += 1
        self._stop.set()
        if self._interrupts > 1:
            raise KeyboardInterrupt

    def outcomes(self) -> Iterator[Outcome | None]:
        """What becomes of each take, as it comes; None now and then, when nothing happened. Raises what a worker raised."""
        working = len(self._threads)
        while working:
            try:
                told = self._told.get(timeout=POLL_S)
            except queue.Empty:
                yield None
                continue
            if isinstance(told, BaseException):
                raise told
            working -= told is None
            if told is not None:
                yield told

    def _work(self) -> None:
        try:
            with _Recorder(self._settings, self._stop) as recorder:
                for take in self._next():
                    outcome = self._made(recorder, take)
                    self._told.put(outcome)
                    if outcome.is_last:
                        self._stop.set()
            self._told.put(None)
        except BaseException as error:  # noqa: BLE001  (raised again by `outcomes` in the main thread)
            self._told.put(error)

    def _next(self) -> Iterator[PlannedTake]:
        while not self._stop.is_set():
            try:
                lane = self._lanes.get_nowait()
            except queue.Empty:
                return
            for take in lane:
                if self._stop.is_set():
                    return
                yield take

    def _made(self, recorder: "_Recorder", take: PlannedTake) -> Outcome:
        try:
            refuse_full_disk(self._data, self._settings)
            done = recorder.record(_request(self._data, self._wishes, take))
            if done.status == TakeStatus.COMPLETE and done.path:
                path = Path(done.path)
                return Outcome(take, mark_noise(path) if take.mistake else path)
        except DiskTooFull as error:
            return Outcome(take, problem=str(error), is_last=True)
        except GlimpseError as error:
            return Outcome(take, problem=str(error), interrupted=self._stop.is_set())
        problem = f"The take is {done.status}: {done.message or done.finish_reason}"
        is_aborted = self._stop.is_set() and done.finish_reason == FinishReason.ABORTED
        return Outcome(take, problem=problem, is_last=done.finish_reason in FULL_DISK, interrupted=is_aborted)


def _request(data: Path, wishes: Wishes, take: PlannedTake) -> tuple[RigSpec, TakeRequest]:
    rig = RigSpec(
        camera=take.camera,
        rgb="sim" if wishes.rgb else "none",
        thermal="sim" if wishes.thermal else "none",
        speed="max",
    )
    person = Person(subject=take.subject, glasses=take.who.glasses, session=take.session)
    request = TakeRequest(
        data=str(data),
        movement=take.movement,
        subject=take.subject,
        script=wishes.script,
        language=wishes.script.languages[0],
        person=person,
    )
    return rig, request


class _Recorder:
    """Takes by a capture process, which is started when it is needed and again when it has died."""

    def __init__(self, settings: RecorderSettings, stop: threading.Event) -> None:
        self._settings = settings
        self._stop = stop
        self._station: Station | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    def _leave(self) -> None:
        if self._station is not None:
            self._station.__exit__(None, None, None)
            self._station = None

    def record(self, wanted: tuple[RigSpec, TakeRequest]) -> TakeDone:
        """One take. Raises TakeRefused when nothing was recorded, CaptureDied after recovering what there was."""
        rig, take = wanted
        parts: set[Path] = set()
        try:
            if self._station is None:
                self._station = Station().__enter__()
            self._station.send(Record(rig=rig, take=take, settings=self._settings))
            return self._follow(self._station, parts)
        except CaptureDied:
            self._leave()
            for part in parts:
                recover_take(part.parent, part.name.removesuffix(PART))
            raise

    def _follow(self, station: Station, parts: set[Path]) -> TakeDone:
        is_told = False
        while True:
            report = station.next(POLL_S)
            if isinstance(report, TakeDone):
                return report
            if isinstance(report, Refused):
                raise TakeRefused(report.text)
            if isinstance(report, Status) and report.part:
                parts.add(Path(report.part))
            if self._stop.is_set() and not is_told:
                is_told = True
                station.send(Stop())


@contextmanager
def interrupting(crew: Crew) -> Iterator[None]:
    """Ctrl-C, a polite kill and a closed terminal interrupt the crew. For the main thread."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        crew.interrupt()

    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
