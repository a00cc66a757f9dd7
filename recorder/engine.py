"""The state machine of the capture process: arms a rig, records takes, looks after disk and cameras, reports.

Lives in the capture process; knows no window and no pipe. Slow work (opening cameras, closing takes) runs on one job
thread, so that commands are always heard; packets run on the cameras' own threads and never pass through here.
"""

import dataclasses
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from protocol.errors import GlimpseError
from protocol.manifest import FinishReason, How
from protocol.naming import MANIFEST_SUFFIX
from protocol.streams import Packet, Stream
from recorder.aedat4.writer import Aedat4Writer
from recorder.board import RingBoard
from recorder.clock import EventPace, HostClock, RealPace
from recorder.closing import TakeContext, close_take, defective, provisional, save_provisional
from recorder.messages import (
    Arm,
    Command,
    Disarm,
    Mark,
    Notice,
    PromptReport,
    Record,
    Refused,
    Report,
    RigSpec,
    SetBias,
    Shutdown,
    State,
    Status,
    Stop,
    TakeRequest,
)
from recorder.prompter import PromptBoard, ScriptRunner
from recorder.rates import Rates
from recorder.recording import TakeRecording, write_ending
from recorder.rig import Rig
from recorder.room import RoomWatch, nearly_full, refuse_full_disk
from recorder.settings import RecorderSettings
from recorder.snapshot import armed_status, take_status
from recorder.sources.base import CameraError, EndReason, Prompt, Surroundings
from recorder.sources.registry import Registry
from recorder.takefiles import Reservation, reserve
from recorder.takewriters import TakeWriters

STATUS_NS = 100_000_000
DISK_NS = 500_000_000

_log = logging.getLogger(__name__)


class TakeStopped(GlimpseError):
    """The operator wanted no take any more before it had begun."""


@dataclasses.dataclass
class RunningTake:
    """The take of this moment and what closing it needs."""

    context: TakeContext
    recording: TakeRecording
    saved_steps: int = 0
    said_unsaved: bool = False
    closing: bool = False


class Engine:
    """Carries out commands. `report` is called from several threads and must not block."""

    def __init__(
        self,
        registry: Registry,
        runtime: Path,
        report: Callable[[Report], None],
        clock: HostClock | None = None,
        open_events: Callable[..., Aedat4Writer] = Aedat4Writer,
    ) -> None:
        self.state = State.IDLE
        self.reason = ""
        self._registry = registry
        self._runtime = runtime
        self._report = report
        self._clock = clock or HostClock()
        self._open_events = open_events
        self._jobs = ThreadPoolExecutor(1, thread_name_prefix="job")
        self._job: Future[None] | None = None
        self._rig: Rig | None = None
        self._settings = RecorderSettings()
        self._board: RingBoard | None = None
        self._prompts = PromptBoard()
        self._pace: RealPace | EventPace = EventPace()
        self._take: RunningTake | None = None
        self._rates = Rates()
        self._lost: str | None = None
        self._stop_wanted = False
        self._guard: threading.Thread | None = None
        self._room: RoomWatch | None = None
        self._status_ns = self._disk_ns = self._started_ns = 0

    @property
    def is_armed(self) -> bool:
        """Whether cameras are open."""
        return self._rig is not None

    @property
    def is_busy(self) -> bool:
        """Whether a take or a slow job is under way."""
        return self._take is not None or (self._job is not None and not self._job.done())

    @property
    def parent_gone_s(self) -> float:
        """How long a take goes on after the parent died."""
        return self._settings.parent_gone_s

    def tell(self, notices: Sequence[str]) -> None:
        """Pass on remarks that belong to no take."""
        for text in notices:
            self._report(Notice(text=text))

    def handle(self, command: Command) -> None:
        """Carry out a command; what cannot be done now is refused with the reason."""
        if isinstance(command, Mark | Stop):
            self._instruct_take(command)
        elif isinstance(command, Shutdown):
            self._stop_wanted = True
            self.end_take(FinishReason.ABORTED, "The program was closed.")
        elif self.is_busy:
            self._report(Refused(text="The capture process is busy with a take or its cameras; wait a moment and try again."))
        elif isinstance(command, Arm):
            self._watch_room(command.data, command.settings)
            self._start_job(lambda: self._arm(command.rig, command.settings))
        elif isinstance(command, Record):
            self._stop_wanted = False
            self._watch_room(command.take.data, command.settings)
            self._start_job(lambda: self._record(command))
        elif isinstance(command, SetBias):
            self._start_job(lambda: self._tune(command))
        elif isinstance(command, Disarm):
            self._start_job(self._disarm)

    def _watch_room(self, data: str | None, settings: RecorderSettings) -> None:
        self._room = RoomWatch(Path(data), settings) if data else None

    def _instruct_take(self, command: Mark | Stop) -> None:
        # Noted before looking for the take: one that is just beginning looks for the note after it has begun.
        self._stop_wanted |= isinstance(command, Stop)
        take, now = self._take, self._clock.monotonic_ns()
        if take is None:
            # A detector watches the rings from afar: what it saw may come when the take is just over.
            is_detected = isinstance(command, Mark) and command.how is How.DETECTED
            if not is_detected and (isinstance(command, Mark) or not self.is_busy):
                self._report(Refused(text="No take is running."))
        elif isinstance(command, Mark):
            take.recording.mark(command.mark, command.at_us, command.how, now)
        else:
            take.recording.stop(now)

    def end_take(self, reason: FinishReason, message: str) -> None:
        """End the running take, if there is one."""
        if self._take is not None:
            self._take.recording.end(reason, message)

    def _start_job(self, work: Callable[[], None]) -> None:
        self._job = self._jobs.submit(self._guarded, work)

    def _guarded(self, work: Callable[[], None]) -> None:
        """A defect in a job is told and logged; the process lives on, so that no data in other threads are lost."""
        try:
            work()
        except Exception as error:  # noqa: BLE001
            _log.exception("a job of the capture process failed")
            self._set_state(State.FAILED, f"The capture process failed: {error}")
            self._report(Refused(text=self.reason))

    def _arm(self, spec: RigSpec, settings: RecorderSettings) -> None:
        try:
            self._open_rig(spec, settings)
        except GlimpseError as error:
            self._fail(str(error))
            return
        self._start_reading()
        self._set_state(State.ARMED)

    def _open_rig(self, spec: RigSpec, settings: RecorderSettings) -> None:
        self._disarm()
        self._settings = settings
        self._pace = EventPace() if spec.speed == "max" else RealPace(self._clock.monotonic_ns)
        around = Surroundings(
            self._pace,
            lambda: self._prompts.current(),
            self._clock.monotonic_ns,
            self._clock.sleep_s,
            frames={Stream.RGB: settings.rgb, Stream.THERMAL: settings.thermal},
        )
        rig = Rig(spec, self._registry, around)
        rig.open()
        rates = Rates(rig.streams(), stall_ns=settings.stall_ms * 1_000_000, live=not self._pace.follows_events)
        self._rig, self._lost, self._rates = rig, None, rates
        self._make_rings(settings)

    def _tune(self, command: SetBias) -> None:
        rig = self._rig
        try:
            if rig is None or self._lost:
                raise CameraError("No camera is open; open the cameras before setting biases.")
            rig.tune(command.preset, command.biases)
        except GlimpseError as error:
            self._report(Refused(text=str(error)))
            return
        self._tell_armed(rig)

    def _tell_armed(self, rig: Rig) -> None:
        self._report(rig.armed(self._started_ns))
        for text in rig.warnings():
            self._report(Notice(text=text))

    def _make_rings(self, settings: RecorderSettings) -> None:
        try:
            self._board = RingBoard(self._fresh_folder(), settings)
        except OSError as error:
            self._say_no_preview(error)
        self._prompts = PromptBoard(self._board.prompts if self._board else None)

    def _say_no_preview(self, error: OSError) -> None:
        self._board = None
        self._notice(f"{self._runtime}: no room for the preview ({error.strerror}); the take goes on without it.")

    def _fresh_folder(self) -> Path:
        for old in self._runtime.glob("*.ring"):
            old.unlink()
        return self._runtime

    def _start_reading(self) -> None:
        if self._rig is not None:
            if isinstance(self._pace, RealPace):
                self._pace.start()
            if self._take is not None:
                self._take.recording.reading_since(self._clock.monotonic_ns())
            self._rig.start(self._deliver, self._camera_ended)
            self._started_ns = self._clock.monotonic_ns()
            self._tell_armed(self._rig)

    def _fail(self, text: str) -> None:
        self._disarm()
        self._set_state(State.FAILED, text)
        self._report(Refused(text=text))

    def _disarm(self) -> None:
        if self._rig is not None:
            self._rig.close()
            self._rig = None
        if self._board is not None:
            self._board.close()
            self._board = None
        self._set_state(State.IDLE, self._lost or "")

    def _record(self, command: Record) -> None:
        try:
            if self._rig is None or self._lost or not self._is_armed_as(self._rig, command):
                self._open_rig(command.rig, command.settings)
                self._begin_take(command.take)
                self._start_reading()
            else:
                self._begin_take(command.take)
        except TakeStopped as stopped:
            self._disarm()
            self._report(Refused(text=str(stopped)))
        except GlimpseError as error:
            self._fail(str(error))
        except OSError as error:
            self._fail(
                f"{command.take.data}: a take cannot be written here ({error.strerror or error}); choose another folder."
            )

    def _is_armed_as(self, rig: Rig, command: Record) -> bool:
        # Biases set since then are meant to stay: cameras that were asked for as they were first are these, too.
        return command.rig in (rig.asked, rig.spec) and self._settings == command.settings

    def _begin_take(self, request: TakeRequest) -> None:
        rig = self._rig
        if rig is None:
            raise CameraError("No camera is open; arm the rig first.")
        if self._stop_wanted:
            raise TakeStopped("The take was stopped before it began; nothing was recorded.")
        refuse_full_disk(Path(request.data), self._settings)
        script = ScriptRunner(
            request.script, request.movement, request.language, self._prompts, self._announce, lambda text: self._notice(text)
        )
        reservation = reserve(Path(request.data), request.movement, request.subject)
        try:
            recording = self._recording(rig, reservation, script)
        except BaseException:
            reservation.discard()
            raise
        context = TakeContext(
            request, reservation, datetime.now().astimezone().isoformat(timespec="milliseconds"), rig.spec.speed
        )
        self._save_first(context, recording)
        self._take = RunningTake(context, recording)
        self._set_state(State.RECORDING)
        if self._stop_wanted:
            recording.stop(self._clock.monotonic_ns())

    def _save_first(self, context: TakeContext, recording: TakeRecording) -> None:
        try:
            save_provisional(context, provisional(context, recording))
        except BaseException:
            recording.writers.close(self._settings.drain_s)
            context.reservation.discard()
            raise

    def _recording(self, rig: Rig, reservation: Reservation, script: ScriptRunner) -> TakeRecording:
        streams = {info.stream: info for camera in rig.cameras for info in camera.info.streams}
        first = rig.cameras[0].info
        writers = TakeWriters(reservation, streams, f"{first.name}_{first.serial or 0}", self._settings, self._open_events)
        return TakeRecording(
            writers,
            rig.cameras,
            script,
            self._settings,
            follows_events=self._pace.follows_events,
            begun_ns=self._clock.monotonic_ns(),
            say=self._notice,
        )

    def _announce(self, prompt: Prompt, seconds: float | None) -> None:
        self._report(
            PromptReport(
                step=prompt.step,
                action=prompt.action,
                movement=prompt.movement,
                text=prompt.text,
                at_us=prompt.at_us,
                seconds=seconds,
            )
        )

    def _notice(self, text: str) -> None:
        self._report(Notice(text=text))

    def _deliver(self, device: int, packet: Packet) -> None:
        """Called by the camera threads: the take's writer first, the rings after."""
        take, board = self._take, self._board
        if take is not None:
            take.recording.ingest(packet)
        if board is not None:
            self._publish(board, packet)
        self._rates.saw(packet)
        if isinstance(self._pace, EventPace):
            self._pace.saw(packet)

    def _publish(self, board: RingBoard, packet: Packet) -> None:
        try:
            board.publish(packet)
        except OSError as error:
            # A preview that finds no memory must not cost the take a single event.
            self._say_no_preview(error)

    def _camera_ended(self, device: int, reason: EndReason | None, message: str) -> None:
        found = {EndReason.FINISHED: FinishReason.SOURCE_ENDED, EndReason.LOST: FinishReason.SOURCE_LOST}
        self._lost = message
        self.end_take(found[reason] if reason else FinishReason.INTERNAL_ERROR, message)

    def tick(self) -> None:
        """Look after everything that no packet brings; call at least fifty times a second."""
        now = self._clock.monotonic_ns()
        if self._take is not None:
            self._tick_take(self._take, now)
        elif self._lost and self._rig is not None and not self.is_busy:
            self._report(Notice(text=self._lost))
            self._start_job(self._disarm)
        if self._room is not None and self._rig is not None:
            self._room.look(now)
        if now - self._status_ns >= STATUS_NS:
            self._status_ns = now
            self._report(self.status(now))

    def _tick_take(self, take: RunningTake, now: int) -> None:
        recording = take.recording
        recording.tick(now)
        if now - self._disk_ns >= DISK_NS:
            self._disk_ns = now
            self._guard_disk(take)
        if error := recording.writers.error():
            recording.end(*write_ending(error))
        self._save_steps(take)
        if recording.ending is not None and not take.closing:
            take.closing = True
            self._set_state(State.FINALISING, recording.ending.message)
            self._start_job(lambda: self._finalise(take))

    def _guard_disk(self, take: RunningTake) -> None:
        # On a thread: to ask a network folder that hangs for its free space hangs too.
        if self._guard is None or not self._guard.is_alive():
            self._guard = threading.Thread(target=self._look_at_disk, args=(take,), name="room", daemon=True)
            self._guard.start()

    def _look_at_disk(self, take: RunningTake) -> None:
        try:
            text = nearly_full(take.context.reservation.folder, self._settings)
        except OSError as error:
            text = f"{take.context.reservation.folder}: cannot be reached any more ({error.strerror}); check the disk."
        if text:
            take.recording.end(FinishReason.DISK_LOW, text)

    def _save_steps(self, take: RunningTake) -> None:
        """Keep the script's instants on disk as they come: they are in no other file if this process dies."""
        steps = len(take.recording.script.steps())
        writers = take.recording.writers
        if steps != take.saved_steps and self.state is State.RECORDING:
            manifest = provisional(take.context, take.recording)
            if writers.save(take.context.reservation.part(MANIFEST_SUFFIX), manifest.to_json()):
                take.saved_steps = steps
        if writers.save_error is not None and not take.said_unsaved:
            take.said_unsaved = True
            take.recording.notice(f"The script's times could not be saved during the take: {writers.save_error}.")

    def _finalise(self, take: RunningTake) -> None:
        try:
            take.recording.shut()
            done = close_take(take.context, take.recording, self._settings.drain_s)
        except Exception as error:  # noqa: BLE001  (a defect here must still end the take, and say where its files are)
            _log.exception("a take could not be closed")
            done = defective(take.context, take.recording, error)
        self._prompts.show(None)
        self._take = None
        if self._lost:
            self._disarm()
        else:
            self._set_state(State.ARMED)
        self._report(done)

    def _set_state(self, state: State, reason: str = "") -> None:
        self.state, self.reason = state, reason

    def status(self, now_ns: int) -> Status:
        """A snapshot of this moment."""
        rig, take = self._rig, self._take
        armed = armed_status(self.state, self.reason, now_ns, rig, self._rates, self._room)
        return armed if take is None else take_status(armed, take.recording, take.context.reservation.part(""), now_ns)

    def shut_down(self) -> None:
        """Close the cameras and stop the job thread. The running take must have been ended and finalised before."""
        if self._job is not None:
            self._job.result()
        self._disarm()
        self._jobs.shutdown()
