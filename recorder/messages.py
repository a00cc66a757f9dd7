"""The control channel between a program and the capture process: typed messages, one JSON document a line."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, TypeAdapter

from protocol.manifest import Device, How, Person, StepTime
from protocol.schema import Strict
from protocol.script import Script
from recorder.settings import RecorderSettings
from recorder.sources.davis_biases import COARSE_MAX, FINE_MAX, PIXEL_BIASES, BiasPreset

Coarse = Annotated[int, Field(ge=0, le=COARSE_MAX)]
Fine = Annotated[int, Field(ge=0, le=FINE_MAX)]


def _pixel_bias(name: str) -> str:
    if name not in PIXEL_BIASES:
        raise ValueError(f"there is no pixel bias {name!r}, choose from {', '.join(PIXEL_BIASES)}")
    return name


class State(StrEnum):
    """What the capture process is doing."""

    IDLE = "idle"
    ARMED = "armed"
    RECORDING = "recording"
    FINALISING = "finalising"
    FAILED = "failed"


class RigSpec(Strict):
    """Which cameras: as `--camera`, `--rgb` and `--thermal` take them. speed "max": time is the event stream's own."""

    camera: str
    rgb: str = "none"
    thermal: str = "none"
    speed: Literal["1", "max"] = "1"


class TakeRequest(Strict):
    """What to record and where. movement: file token; person: what the manifest notes of the subject; the rest as there."""

    data: str
    movement: str
    subject: int
    script: Script
    language: str = "en"
    order_seed: int | None = None
    person: Person | None = None
    practice: bool = False
    repetition: Annotated[int, Field(ge=1)] | None = None
    rig_check: Mapping[str, Any] | None = None
    profile: str | None = None


class Arm(Strict):
    """Open the cameras and show what they give, writing nothing. data: the folder whose free space the status is to tell."""

    kind: Literal["arm"] = "arm"
    rig: RigSpec
    data: str | None = None
    settings: RecorderSettings = Field(default_factory=RecorderSettings)


class Record(Strict):
    """Record one take; arms the rig first where it is not armed, and then keeps everything from the first batch on."""

    kind: Literal["record"] = "record"
    rig: RigSpec
    take: TakeRequest
    settings: RecorderSettings = Field(default_factory=RecorderSettings)


class Mark(Strict):
    """An instant of the script was seen or pressed (`paper_in`, `paper_out`, `cue`, `stop`); at_us None: now."""

    kind: Literal["mark"] = "mark"
    mark: str
    how: How = How.PRESSED
    at_us: int | None = None


class Stop(Strict):
    """End the take: as planned for a script of free length, else as an abort that keeps what was recorded."""

    kind: Literal["stop"] = "stop"


class SetBias(Strict):
    """Set the event camera's biases while the cameras are open and no take is running; answered by `Armed`, or `Refused`.

    preset: by name; biases: single ones of `PIXEL_BIASES` over it, (coarse, fine).
    """

    kind: Literal["set_bias"] = "set_bias"
    preset: BiasPreset = BiasPreset.DEFAULT
    biases: dict[Annotated[str, AfterValidator(_pixel_bias)], tuple[Coarse, Fine]] = Field(default_factory=dict)


class Disarm(Strict):
    """Close the cameras."""

    kind: Literal["disarm"] = "disarm"


class Shutdown(Strict):
    """Finish what is under way and exit."""

    kind: Literal["shutdown"] = "shutdown"


Command = Annotated[Arm | Record | Mark | Stop | SetBias | Disarm | Shutdown, Field(discriminator="kind")]


class Hello(Strict):
    """The first report: where the rings are."""

    kind: Literal["hello"] = "hello"
    pid: int
    runtime: str


class StreamStatus(Strict):
    """One stream now. rate: events, samples or frames per second over the last second; silent: it has given nothing for longer
    than a stall; since the cameras were opened: gaps, silences and jumps of its clock that are over; dropped, packets that the
    camera's own queue had to drop, told of the camera's first stream.

    received, written: of the running take, else received since the cameras were opened.
    """

    received: int
    written: int
    rate: float
    silent: bool = False
    gaps: int = 0
    dropped: int = 0


class Status(Strict):
    """A frozen snapshot, about ten times a second. queue_s: how long the disk is behind; event_resolution: (width, height) of
    the event camera while cameras are open; takes_free: how many takes the disk has room for, None where no folder was named
    and while its disk does not answer; steps: of the script that have begun, with how their instants are known.
    """

    kind: Literal["status"] = "status"
    state: State
    reason: str = ""
    part: str | None = None
    step: str | None = None
    steps: tuple[StepTime, ...] = ()
    elapsed_us: int | None = None
    remaining_us: int | None = None
    streams: dict[str, StreamStatus] = Field(default_factory=dict)
    queue_s: float = 0.0
    takes_free: int | None = None
    event_resolution: tuple[int, int] | None = None


class ArmedStream(Strict):
    """A stream of an open camera. device: index into `Armed.devices`; fps: pictures or samples a second as the camera was set,
    None where it does not tell; clock: "device" or "host".
    """

    device: int
    resolution: tuple[int, int] | None = None
    fps: float | None = None
    clock: str = "device"


class Armed(Strict):
    """The cameras are open, or were set anew. rig: what opens them again as they are now; started_ns: host's monotonic clock.

    devices: as a take's manifest would tell of them; streams: by name.
    """

    kind: Literal["armed"] = "armed"
    rig: RigSpec
    devices: tuple[Device, ...]
    streams: dict[str, ArmedStream]
    started_ns: int


class Notice(Strict):
    """Something worth telling at once: a stall, a slow disk, a camera's warning."""

    kind: Literal["notice"] = "notice"
    text: str


class PromptReport(Strict):
    """The script's step that begins now."""

    kind: Literal["prompt"] = "prompt"
    step: str
    action: str
    movement: str | None
    text: str
    at_us: int
    seconds: float | None


class TakeDone(Strict):
    """A take is closed. path, manifest: None when nothing was received and so nothing was kept."""

    kind: Literal["take_done"] = "take_done"
    path: str | None
    manifest: str | None
    status: str
    finish_reason: str
    message: str
    counts: dict[str, dict[str, int]] = Field(default_factory=dict)


class Refused(Strict):
    """A command could not be carried out."""

    kind: Literal["refused"] = "refused"
    text: str


Report = Annotated[Hello | Status | Armed | Notice | PromptReport | TakeDone | Refused, Field(discriminator="kind")]

_COMMANDS: TypeAdapter[Any] = TypeAdapter(Command)
_REPORTS: TypeAdapter[Any] = TypeAdapter(Report)


def parse_command(line: str | bytes) -> Arm | Record | Mark | Stop | SetBias | Disarm | Shutdown:
    """Read one line from the parent. Raises pydantic.ValidationError."""
    command: Arm | Record | Mark | Stop | SetBias | Disarm | Shutdown = _COMMANDS.validate_json(line)
    return command


def parse_report(line: str | bytes) -> Hello | Status | Armed | Notice | PromptReport | TakeDone | Refused:
    """Read one line from the capture process. Raises pydantic.ValidationError."""
    report: Hello | Status | Armed | Notice | PromptReport | TakeDone | Refused = _REPORTS.validate_json(line)
    return report
