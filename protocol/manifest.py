"""The manifest of a take: what was recorded, by which devices, when, how much of it, and whether it is whole.

Written once, when the take is closed. Times are int64 microseconds of event time unless a name says otherwise.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import Field

from protocol.schema import Part, Versioned


class TakeStatus(StrEnum):
    """complete: the script ran to its end and every count agrees; partial: it ended early, what is there is sound;
    failed: counts disagree or data were lost on the way to disk.
    """

    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"


class FinishReason(StrEnum):
    """Why a take ended."""

    SCRIPT_ENDED = "script_ended"
    STOPPED = "stopped"  # the operator ended a script of free length
    ABORTED = "aborted"  # the operator ended a script early
    SOURCE_ENDED = "source_ended"  # a file came to its end
    SOURCE_LOST = "source_lost"  # unplugged, connection closed
    NO_FIRST_DATA = "no_first_data"  # a camera gave nothing after it was started
    STALLED = "stalled"  # a stream fell silent and stayed so
    TIME_BACKWARDS = "time_backwards"  # a stream's clock jumped back
    DISK_LOW = "disk_low"  # stopped cleanly before the disk was full
    DISK_FULL = "disk_full"  # a write failed for want of room
    DISK_STALLED = "disk_stalled"  # the disk took longer than the queue before the writer may hold
    WRITE_ERROR = "write_error"
    PARENT_GONE = "parent_gone"  # the window or command that asked for the take died
    CAPTURE_DIED = "capture_died"  # the capture process died; `glimpse recover` saved what was on disk
    INTERNAL_ERROR = "internal_error"


class How(StrEnum):
    """How an instant of the script was found."""

    SCHEDULED = "scheduled"
    PRESSED = "pressed"
    DETECTED = "detected"


class StepTime(Part):
    """One step of the script as it happened. scheduled_us: when the script wanted it; at_us: when it was."""

    step: str
    action: str
    scheduled_us: int
    at_us: int
    how: How = How.SCHEDULED


class Device(Part):
    """A camera as it was during the take."""

    kind: str
    name: str
    serial: str | None = None
    spec: str
    simulated: bool = False
    settings: Mapping[str, Any] = Field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class Gap(Part):
    """A stretch in which a stream gave nothing, or in which data are known to be missing."""

    stream: str
    start_us: int
    end_us: int
    kind: str  # "stall", "forward_jump"


class ClockFit(Part):
    """Device clock against the host's monotonic clock.

    host_us - host0_us = (t_us - t0_us) * (1 + drift_ppm * 1e-6) + offset_us

    pairs: some (stream_us, host_ns) evenly spaced over the take; residual_us: median absolute deviation.
    """

    t0_us: int
    host0_us: int
    offset_us: float
    drift_ppm: float
    residual_us: float
    pairs: tuple[tuple[int, int], ...] = ()


class StreamRecord(Part):
    """What became of one stream. counts are events, samples or frames.

    clock: "device", or "host" when its stream time is the host's clock shifted by `event_minus_host_us`;
    virtual_host: every host time of this stream is of a host that the simulator imagined, since the data were made faster than
    real time.
    """

    received: int
    written: int
    first_us: int | None = None
    last_us: int | None = None
    resolution: tuple[int, int] | None = None
    dropped: int = 0  # by the camera's own queue, before they were received
    device: int = 0  # index into Manifest.devices
    clock: str = "device"
    event_minus_host_us: int | None = None
    clock_fit: ClockFit | None = None
    virtual_host: bool = False


class FileRecord(Part):
    """Size and SHA-256 of one file of the take."""

    bytes: int
    sha256: str


class Person(Part):
    """What is noted of the subject for this take; never a name."""

    subject: int
    glasses: bool | None = None
    session: str | None = None
    notes: str | None = None


class Manifest(Versioned):
    """One take. `files` is keyed by suffix (".aedat4", ".rgb.mp4"), so that a renamed take stays true.

    practice: made to try the movement, not to be used; repetition: which of the plan's takes of this movement it was meant to
    be, from 1, None where there was no plan; profile: SHA-256 of the rig's profile at the start, None without one;
    rig_check: the rig as it was found at the start, None where nobody looked: `level` (the worst), `confirmed` (whether a red
    one was), `checks` (each with `name`, `level`, `value`, `unit`, `sentence`), `deviations` (sentences, from the profile).
    """

    SCHEMA: ClassVar[str] = "glimpse.take"
    # 1.1: StreamRecord.virtual_host; 1.2: practice, repetition, rig_check, profile
    VERSION: ClassVar[tuple[int, int]] = (1, 2)

    movement: str
    subject: int
    number: int
    status: TakeStatus
    finish_reason: FinishReason
    finish_message: str = ""
    recorded_at: str  # ISO 8601 with offset, the wall clock at the first batch
    simulated: bool = False
    speed: str = "1"
    script: Mapping[str, Any] = Field(default_factory=dict)
    language: str = "en"
    order_seed: int | None = None
    person: Person | None = None
    practice: bool = False
    repetition: Annotated[int, Field(ge=1)] | None = None
    rig_check: Mapping[str, Any] | None = None
    profile: str | None = None
    devices: tuple[Device, ...] = ()
    streams: Mapping[str, StreamRecord] = Field(default_factory=dict)
    steps: tuple[StepTime, ...] = ()
    start_us: int | None = None  # every camera had given its first data: the script begins
    t0_us: int | None = None  # paper away as marked or detected live; None when only scheduled
    t0_scheduled_us: int | None = None
    cue_us: int | None = None
    stop_us: int | None = None
    gaps: tuple[Gap, ...] = ()
    notices: tuple[str, ...] = ()
    files: Mapping[str, FileRecord] = Field(default_factory=dict)
    truth: Mapping[str, Any] | None = None
    software: Mapping[str, str] = Field(default_factory=dict)
