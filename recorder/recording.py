"""One take while it is recorded: takes packets in, runs the script, knows when and why it ends.

Used by several camera threads and the engine's own at once. Knows no camera, no window; writes through `TakeWriters`.
"""

import errno
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from protocol.manifest import FinishReason, Gap, How, StreamRecord
from protocol.streams import VIDEO_STREAMS, Frame, Packet, Records, Stream
from recorder.clock import EventClock
from recorder.prompter import ScriptRunner
from recorder.settings import RecorderSettings
from recorder.sources.base import CameraInfo
from recorder.takewriters import TakeWriters
from recorder.tally import Tally
from recorder.writers import QueueFull, WriteFailed

LATE_US = 200_000  # how long after its stop a live take goes on: USB batches take 1 to 10 ms, webcams up to some 100 ms
HELD_BYTES = 1 << 30  # pictures that wait for the first event: 5 s of 1080p at 30 a second
HARMLESS = (
    FinishReason.SOURCE_ENDED,
    FinishReason.SOURCE_LOST,
    FinishReason.ABORTED,
    FinishReason.PARENT_GONE,
    FinishReason.STALLED,
)
DISK_FULL_ERRORS = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
CALLED = {Stream.FRAMES: "grey pictures", Stream.RGB: "colour pictures", Stream.THERMAL: "thermal pictures"}


@dataclass(frozen=True)
class Ending:
    """Why a take ended, in a word and in a sentence."""

    reason: FinishReason
    message: str = ""


def write_ending(error: Exception) -> tuple[FinishReason, str]:
    """The reason and the sentence for an error met while writing."""
    full = isinstance(error, OSError) and error.errno in DISK_FULL_ERRORS
    if full:
        return FinishReason.DISK_FULL, "The disk is full; free some space and record again."
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return FinishReason.WRITE_ERROR, f"Writing failed ({reason}); check the disk and record again."


@dataclass(frozen=True)
class OpenCamera:
    """A camera of the rig as it was opened. spec: what `--camera` said."""

    spec: str
    info: CameraInfo


@dataclass
class Gate:
    """Lets camera threads in until it is shut; shutting waits for those inside."""

    _changed: threading.Condition = field(default_factory=threading.Condition)
    _inside: int = 0
    _open: bool = True

    def enter(self) -> bool:
        """Whether one may go in; who does must leave."""
        with self._changed:
            if self._open:
                self._inside += 1
            return self._open

    def leave(self) -> None:
        """Go out."""
        with self._changed:
            self._inside -= 1
            self._changed.notify_all()

    def shut(self) -> None:
        """Let nobody in any more and wait until all are out."""
        with self._changed:
            self._open = False
            self._changed.wait_for(lambda: self._inside == 0)


class TakeRecording:
    """The running take. `ending` is None until it ends; the first reason given stays."""

    def __init__(
        self,
        writers: TakeWriters,
        cameras: Sequence[OpenCamera],
        script: ScriptRunner,
        settings: RecorderSettings,
        *,
        follows_events: bool,
        begun_ns: int,
        say: Callable[[str], None],
    ) -> None:
        self.writers = writers
        self.cameras = tuple(cameras)
        self.script = script
        self.tallies = _tallies(cameras, live=not follows_events)
        self.notices: list[str] = []
        self.start_us: int | None = None
        self.ending: Ending | None = None
        self._settings = settings
        self._follows_events = follows_events
        self._begun_ns = begun_ns
        self._say = say
        self._clocks = {False: EventClock(), True: EventClock()}  # by whether it is an imagined host's
        self._shifts_us: dict[bool, int] = {}  # event - host as it stood when the script began; empty before
        self._newest_us: int | None = None
        self._wanted = {_clock_of(stream): self.tallies[stream].device for stream in self.tallies}
        self._seen_ns: dict[Stream, int] = {}  # of the wanted streams: host time of the last packet
        self._held: list[Frame] = []
        self._ticked_ns = begun_ns
        self._dropped_before = [_dropped(camera) for camera in cameras]
        self._lock = threading.RLock()
        self._gate = Gate()

    @property
    def event_minus_host_us(self) -> int | None:
        """What turns this host's time into event time for cameras without a clock; None before the script began."""
        return self._shifts_us.get(False)

    def ingest(self, packet: Packet) -> None:
        """Take a packet in: check its clock, hand it to the writer, count it. Past the end of the take it is ignored."""
        if not self._gate.enter():
            return
        try:
            self._ended_by_disk(lambda: self._take_in(packet))
        finally:
            self._gate.leave()

    def _ended_by_disk(self, work: Callable[[], None]) -> None:
        try:
            work()
        except QueueFull as full:
            self.end(FinishReason.DISK_STALLED, f"The disk fell more than {self._settings.queue_s:g} s behind at {full}.")
        except WriteFailed as failed:
            self.end(*write_ending(failed.cause))

    def _take_in(self, packet: Packet) -> None:
        if self.ending is not None:
            return
        if isinstance(packet, Frame):
            self._take_frame(packet)
        else:
            self._take_records(packet)

    def _take_records(self, packet: Records) -> None:
        tally = self.tallies[packet.stream]
        whole, backwards = tally.whole(packet)
        if whole is not None:
            t = whole.records["t"]
            # Counted before it is queued: what the disk then refuses was received all the same.
            self._count(tally, len(t), int(t[0]), int(t[-1]), whole.host_ns)
            self._put(whole)
            self._follow(packet.stream, int(t[-1]))
        if backwards:
            self._end_backwards(packet.stream)

    def _take_frame(self, frame: Frame) -> None:
        if frame.stream_us is None:
            with self._lock:
                if not self._shifts_us:
                    self._hold(frame)
                    self._seen_ns[frame.stream] = self._arrived_ns(self.tallies[frame.stream], frame.host_ns)
                    return
            frame = self._timed(frame)
        self._write_frame(frame)

    def _timed(self, frame: Frame) -> Frame:
        return replace(frame, stream_us=frame.host_ns // 1000 + self._shift_us(frame.stream))

    def _shift_us(self, stream: Stream) -> int:
        return self._shifts_us.get(self.tallies[stream].virtual_host, 0)

    def _hold(self, frame: Frame) -> None:
        self._held.append(frame)
        if sum(one.image.nbytes for one in self._held) > HELD_BYTES:
            name = self._name(Stream.EVENTS)
            self.end(FinishReason.NO_FIRST_DATA, f"No {name} while the pictures before it filled the memory; check the camera.")

    def _write_frame(self, frame: Frame, *, wait: bool = True) -> None:
        tally, stream_us = self.tallies[frame.stream], frame.stream_us or 0
        if tally.last_us is not None and stream_us < tally.last_us:
            self._end_backwards(frame.stream)
            return
        self._count(tally, 1, stream_us, stream_us, frame.host_ns)
        self._put(frame, wait=wait)

    def _put(self, packet: Packet, *, wait: bool = True) -> None:
        self.writers.put(packet, lambda: wait and self._follows_events and self.ending is None)

    def _end_backwards(self, stream: Stream) -> None:
        self.end(FinishReason.TIME_BACKWARDS, f"The time stamps of the stream {stream} jumped backwards.")

    def _count(self, tally: Tally, count: int, first_us: int, last_us: int, host_ns: int) -> None:
        with self._lock:
            tally.add(count, first_us, last_us, host_ns)
            arrived_ns = self._arrived_ns(tally, host_ns)
            if tally.stream in self._wanted:
                self._seen_ns[tally.stream] = arrived_ns
            if _clock_of(tally.stream) is Stream.EVENTS:
                self._clocks[False].saw(last_us, arrived_ns)
                if tally.virtual_host:
                    self._clocks[True].saw(last_us, host_ns)
                self._newest_us = max(self._newest_us or last_us, last_us)

    def _arrived_ns(self, tally: Tally, host_ns: int) -> int:
        """When a packet came by this host's clock; to the last tick where its time is an imagined host's."""
        return self._ticked_ns if tally.virtual_host else host_ns

    def _follow(self, stream: Stream, last_us: int) -> None:
        if self._follows_events and stream is Stream.EVENTS:
            with self._lock:
                if self.ending is None:
                    self._advance(last_us)

    def now_us(self, host_ns: int) -> int | None:
        """Event time now; None before the first data of the event camera."""
        return self._newest_us if self._follows_events else self._clocks[False].at(host_ns)

    def tick(self, host_ns: int) -> None:
        """Look after what no packet brings: the script of a live rig, silence, cameras that never began."""
        with self._lock:
            if self.ending is not None:
                return
            self._check_standstill(host_ns)
            self._ticked_ns = host_ns
            if self.ending is None and not self._follows_events and (now_us := self._clocks[False].at(host_ns)) is not None:
                self._ended_by_disk(lambda: self._advance(now_us))
            self._check_first_data(host_ns)
            self._check_silence(host_ns)
            self._check_disk()

    def _check_standstill(self, host_ns: int) -> None:
        # A process that was stopped, or a computer that slept, has no data of that time, whatever its clock says.
        still_s = (host_ns - self._ticked_ns) / 1e9
        if still_s > self._settings.stall_end_s:
            self.end(FinishReason.STALLED, f"The capture process stood still for {still_s:.0f} s; record the take again.")

    def reading_since(self, host_ns: int) -> None:
        """The cameras are read from now on: their first data are waited for from here."""
        with self._lock:
            self._begun_ns = host_ns

    def _check_disk(self) -> None:
        # A live camera finds the bound by itself; a source that waits for the disk would wait for ever.
        if self._follows_events and self.writers.waiting_s() > self._settings.queue_s:
            self.end(FinishReason.DISK_STALLED, f"The disk took nothing for more than {self._settings.queue_s:g} s.")

    def _advance(self, now_us: int) -> None:
        if self.start_us is None:
            if len(self._seen_ns) < len(self._wanted):
                return
            self._start(now_us)
        self.script.advance(now_us)
        self._end_with_script(now_us)

    def _start(self, now_us: int) -> None:
        """Every camera has given its first data: the script begins, and frames of host-timed cameras get event times."""
        self.start_us = now_us
        self._release_held()
        self.script.begin(now_us)

    def _release_held(self) -> None:
        self._shifts_us = {imagined: clock.event_minus_host_us or 0 for imagined, clock in self._clocks.items()}
        held, self._held = self._held, []
        for frame in held:
            self._write_frame(self._timed(frame), wait=False)  # without waiting: this runs under the lock

    def _end_with_script(self, now_us: int) -> None:
        stop_us = self.script.stop_us
        if self.script.finished is None or stop_us is None:
            return
        # What live cameras saw before the stop is still on its way.
        if self._follows_events or now_us - stop_us >= LATE_US:
            self.end(self.script.finished)

    def mark(self, mark: str, at_us: int | None, how: How, host_ns: int) -> None:
        """An instant of the script was pressed or seen. Raises nothing: a mark out of place is said and ignored."""
        with self._lock:
            at_us = self.now_us(host_ns) if at_us is None else at_us
            if self.ending is not None or self.start_us is None or at_us is None:
                self.notice(f"The mark {mark} came while no script was running and was ignored.")
                return
            self.script.mark(mark, at_us, how)
            self._end_with_script(at_us)

    def stop(self, host_ns: int) -> None:
        """The operator ends the take: planned for a script of free length, an abort otherwise."""
        with self._lock:
            if self.start_us is not None and self.script.is_free:
                self.mark("stop", None, How.PRESSED, host_ns)
            else:
                self.end(FinishReason.ABORTED, "The operator ended the take.")

    def end(self, reason: FinishReason, message: str = "") -> None:
        """End the take for this reason unless it has ended already. Returns at once; `shut` waits."""
        with self._lock:
            if self.ending is None:
                finished = self.script.finished
                # A script that is over is waiting for stragglers only: what comes to pass now no longer cuts it short.
                self.ending = Ending(finished) if finished and reason in HARMLESS else Ending(reason, message)

    def shut(self) -> None:
        """Wait for the packets on their way in; afterwards nothing changes any more."""
        self._gate.shut()
        for stream in self.tallies:
            if lost := self.dropped(stream):
                what = f"pictures of {stream}" if stream in VIDEO_STREAMS else "packets"
                self.notice(f"The camera's own queue dropped {lost} {what}; give the computer less to do.")
        with self._lock:
            if not self._shifts_us and self._held:
                self._release_at_end()
            for tally in self.tallies.values():
                tally.close(self._ticked_ns)

    def _release_at_end(self) -> None:
        try:
            self._release_held()
        except (QueueFull, WriteFailed) as error:
            self.notice(f"The first pictures could not be written: {error}.")

    def notice(self, text: str) -> None:
        """Keep a remark for the manifest and tell it at once."""
        with self._lock:
            self.notices.append(text)
        self._say(text)

    def _check_first_data(self, host_ns: int) -> None:
        if self.start_us is not None or host_ns - self._begun_ns < self._settings.first_data_s * 1e9:
            return
        missing = [self._name(stream) for stream in self._wanted if stream not in self._seen_ns]
        if missing:
            text = f"No {' and no '.join(missing)} within {self._settings.first_data_s:g} s; check cable and lens cap."
            self.end(FinishReason.NO_FIRST_DATA, text)

    def _check_silence(self, host_ns: int) -> None:
        limit_ns = self._settings.stall_ms * 1_000_000
        for tally in self.tallies.values():
            if tally.stream is not Stream.TRIGGERS and tally.silent(host_ns, limit_ns):
                self.notice(f"The stream {tally.stream} has given nothing for {self._settings.stall_ms} ms.")
        for stream, seen_ns in self._seen_ns.items():
            if host_ns - seen_ns > self._settings.stall_end_s * 1e9 and not self.writers.is_behind():
                self.end(FinishReason.STALLED, f"No {self._name(stream)} for {self._settings.stall_end_s:g} s.")

    def _name(self, stream: Stream) -> str:
        return f"{CALLED.get(stream, stream)} from {self.cameras[self._wanted[stream]].info.name}"

    def dropped(self, stream: Stream) -> int:
        """Packets that the stream's camera had to drop during the take; its first stream answers for all of them."""
        device = self.tallies[stream].device
        first = self.cameras[device].info.streams[0].stream
        return _dropped(self.cameras[device]) - self._dropped_before[device] if stream is first else 0

    def stream_records(self) -> dict[str, StreamRecord]:
        """What the manifest says of each stream, by name."""
        with self._lock:
            return {
                stream.value: tally.record(
                    self.writers.written(stream), self.dropped(stream), self._shift_us(stream) if self._shifts_us else None
                )
                for stream, tally in self.tallies.items()
            }

    def gaps(self) -> tuple[Gap, ...]:
        """Every silence and jump so far."""
        with self._lock:
            return tuple(gap for tally in self.tallies.values() for gap in tally.gaps)

    def counts(self) -> dict[str, dict[str, int]]:
        """How much was received and written of every stream that the rig has."""
        found = {
            stream.value: {"received": tally.received, "written": self.writers.written(stream)}
            for stream, tally in self.tallies.items()
        }
        for stream in self.tallies:
            if lost := self.dropped(stream):
                found[stream.value]["dropped"] = lost
        return found


def _dropped(camera: OpenCamera) -> int:
    return camera.info.dropped() if camera.info.dropped else 0


def _clock_of(stream: Stream) -> Stream:
    """The stream whose clock this one shares: all that the event camera gives is on event time."""
    return stream if stream in VIDEO_STREAMS else Stream.EVENTS


def _tallies(cameras: Sequence[OpenCamera], *, live: bool) -> dict[Stream, Tally]:
    found: dict[Stream, Tally] = {}
    for device, camera in enumerate(cameras):
        for info in camera.info.streams:
            found[info.stream] = Tally(info, device, live, not live and camera.info.virtual_host_clock)
    return found
