"""What a camera is to the rest of Glimpse: open, read, close. Knows no script, no file and no other camera.

Whatever passes the contract tests (tests/recorder/test_camera_contract.py) can be recorded.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from protocol.errors import GlimpseError
from protocol.streams import Packet, Stream
from recorder.settings import FrameCameraSettings
from recorder.sources.davis_biases import BiasPreset, CoarseFine


class CameraError(GlimpseError):
    """A camera that cannot be found, opened or set: one sentence with what to check."""


class EndReason(StrEnum):
    """Why a camera gives nothing any more."""

    FINISHED = "finished"  # a file came to its end
    LOST = "lost"  # unplugged, connection closed, driver error


class CameraEnded(Exception):
    """Raised by `Camera.read` once everything that the camera gave has been returned."""

    def __init__(self, reason: EndReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True)
class StreamInfo:
    """One stream of an open camera. resolution: (width, height) in pixels, None for streams without pixels.

    clock: "device" when the camera stamps its data itself, "host" when the host's clock is all there is; fps: pictures or
    samples a second as the camera was set, None where it does not tell.
    """

    stream: Stream
    resolution: tuple[int, int] | None = None
    clock: str = "device"
    fps: float | None = None


@dataclass(frozen=True)
class CameraInfo:
    """What an open camera says of itself; goes into the manifest. settings: JSON values (biases, exposure, filters ...).

    truth: a simulator's ground truth, as JSON values, of the data between two event times (us; None: as far as there are any);
    dropped: packets of any stream that the camera had to drop since it was opened;
    virtual_host_clock: at full speed `host_ns` is the clock of a host that the simulator imagines, and so says something about
    the clocks of its streams; False: it is this host's, which at full speed says nothing.
    """

    kind: str
    name: str
    streams: tuple[StreamInfo, ...]
    serial: str | None = None
    simulated: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    truth: Callable[[int | None, int | None], Mapping[str, Any] | None] | None = None
    dropped: Callable[[], int] | None = None
    virtual_host_clock: bool = False


class Pace(Protocol):
    """How far the recording has come, for sources that are not bound to real time (files, simulators)."""

    @property
    def follows_events(self) -> bool:
        """True when time is the event stream's own progress ("as fast as possible"), False for a host clock."""

    def elapsed_us(self) -> int:
        """Microseconds since the cameras were started: event time x 1 when follows_events, else host time x speed."""


@dataclass(frozen=True)
class Prompt:
    """What the script asks for at this moment, as screen, loudspeaker and simulated actor read it.

    index: counts the prompts of a take; at_us: event time of its start; step: id of the script's step;
    action: what the step means to a subject ("settle", "paper_in", "paper_out", "neutral", "move", "stop");
    movement: file token of the movement asked for, None where none is; text: in the session's language.
    """

    index: int
    at_us: int
    step: str
    action: str
    movement: str | None
    text: str


@dataclass(frozen=True)
class Surroundings:
    """What the engine hands to every camera it opens. All of it may be ignored by a real camera.

    video: the frame streams that a simulated rig is to give beside its events, being one world;
    frames: settings of the frame cameras.
    """

    pace: Pace
    prompt: Callable[[], Prompt | None]
    monotonic_ns: Callable[[], int]
    sleep_s: Callable[[float], None]
    video: tuple[Stream, ...] = ()
    frames: Mapping[Stream, FrameCameraSettings] = field(default_factory=dict)


class Camera(Protocol):
    """A source of one or several streams."""

    def open(self) -> CameraInfo:
        """Connect and start the data. Raises CameraError. Data that arrives before the first `read` is kept."""

    def read(self) -> Sequence[Packet]:
        """Everything that has arrived since the last call, in time order within each stream; empty when nothing has.

        Never blocks longer than about one frame interval. Raises CameraEnded after the last packet, and for ever after.
        """

    def close(self) -> None:
        """Release the device. Safe to call twice, and after a failed `open`."""


@dataclass(frozen=True)
class Tuned:
    """What a camera says of itself after its biases were set: as `CameraInfo`, in whose place they stand."""

    settings: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


@runtime_checkable
class Tunable(Protocol):
    """A camera whose event pixels can be set while it streams."""

    def tune(self, preset: BiasPreset, biases: Mapping[str, CoarseFine]) -> Tuned:
        """Set the preset, and over it single ones of `PIXEL_BIASES`; what an earlier call set beside them is undone.

        Called on the thread that reads, between two reads. Raises CameraError for biases that cannot be set.
        """


@dataclass(frozen=True)
class Found:
    """A camera that could be opened: `spec` is what `--camera` takes."""

    spec: str
    name: str
    detail: str
