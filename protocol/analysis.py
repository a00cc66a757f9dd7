"""What was computed of a take and can be computed again: `<take>.analysis.json`.

Clock alignment, suggested landmarks, the verdict, the face. Never what a person said (labels) or what was recorded (manifest).
All times are int64 microseconds of event time. Knows no folder and no algorithm.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import Field

from protocol.schema import Part, Versioned

Share = Annotated[float, Field(ge=0, le=1)]


class SyncStatus(StrEnum):
    """What an alignment rests on: the sheet of paper, other movement, the host's clock alone, nothing."""

    PAPER = "paper"
    MOTION = "motion"
    HOST = "host"
    NONE = "none"


class SyncFlag(StrEnum):
    """What must be known of an alignment before it is relied on."""

    PAPER_MISSING = "paper_missing"  # no sheet of paper came before the cameras
    PAPER_LEFT_IN = "paper_left_in"  # it came and did not leave
    PAPER_ONE_CAMERA = "paper_one_camera"  # the event camera saw it, this camera did not
    EVIDENCE_DISAGREES = "evidence_disagrees"  # two kinds of evidence contradict each other
    FEW_FRAMES = "few_frames"  # not enough pictures to judge by
    FREEZE = "freeze"  # the shutter of a thermal camera was closed when it mattered
    EVENTS_LATE = "events_late"  # the event camera's read-out was full, so that events had to wait
    DRIFT_FROM_SESSION = "drift_from_session"  # the drift is that of all takes of the session
    OFFSET_FROM_SESSION = "offset_from_session"  # the offset too: this take alone tells less
    DRIFT_UNKNOWN = "drift_unknown"  # the drift was taken as 0; its spread is in the uncertainty
    OFF_SESSION = "off_session"  # contradicts the other takes of its session
    HOST_CLOCK_MISSING = "host_clock_missing"  # no host times to fall back on or to check by
    NOT_SYNCHRONISED = "not_synchronised"  # neither paper nor movement says enough


class ClockAlignment(Part):
    """A frame camera's clock against the event clock.

    t_event = stream_us + offset_us + drift_ppm * 1e-6 * (stream_us + offset_us - reference_us)

    reference_us: t0, or the first event where there is none; uncertainty_us: half width of the 95 % interval of offset_us;
    drift_uncertainty_ppm: the same of drift_ppm; evidence: what was used, in words; details: numbers of the fit.
    """

    status: SyncStatus
    offset_us: int | None = None
    drift_ppm: float | None = None
    uncertainty_us: int | None = None
    drift_uncertainty_ppm: float | None = None
    reference_us: int | None = None
    flags: tuple[SyncFlag, ...] = ()
    evidence: tuple[str, ...] = ()
    details: Mapping[str, Any] = Field(default_factory=dict)


class PaperSeen(Part):
    """The sheet of paper in the event stream.

    in_us: it has come to cover the view; out_us: t0, the last of its edge leaves the view; uncertainty_us: half width of the
    95 % interval of out_us; angle_deg: the way that its edge takes as it leaves, 0 to the right of the picture, 90 up.
    """

    in_us: int | None = None
    out_us: int | None = None
    uncertainty_us: int | None = None
    angle_deg: float | None = None


class SyncRecord(Part):
    """The alignment of a take's frame cameras; None for a camera of which the take has nothing."""

    paper: PaperSeen = PaperSeen()
    rgb: ClockAlignment | None = None
    thermal: ClockAlignment | None = None


class SuggestionKind(StrEnum):
    """What a stretch of motion looks like."""

    MOVEMENT = "movement"  # of the face, as asked for or of that kind
    BLINK = "blink"
    HEAD = "head"  # the head as a whole
    OTHER = "other"


class Suggestion(Part):
    """A stretch of motion: onset_us is the last instant of rest, apex_us where it is strongest first, offset_us rest again.

    confidence: 0 ... 1 that it is one; strength: events above what there is at rest; cued: begins after the cue.
    """

    onset_us: int
    apex_us: int
    offset_us: int
    confidence: Share
    kind: SuggestionKind = SuggestionKind.MOVEMENT
    strength: float = 0.0
    cued: bool = False
    details: Mapping[str, Any] = Field(default_factory=dict)

    @property
    def duration_us(self) -> int:
        """From onset to offset."""
        return self.offset_us - self.onset_us


class OnsetRecord(Part):
    """intervals: the movements that were made, in time; candidates: all else that moved; cue_us: after which was searched.

    An empty `intervals` says that no movement was made; `reason` says why nothing could be said, where that is so.
    """

    intervals: tuple[Suggestion, ...] = ()
    candidates: tuple[Suggestion, ...] = ()
    cue_us: int | None = None
    reason: str | None = None


class FaceBox(Part):
    """A face in pixels of the event camera, x to the right and y down; it may reach beyond the sensor.

    left_eye, right_eye: centres (x, y) of the eyes, left and right as the picture shows them; source: "aps", "rgb" or "events".
    """

    x: float
    y: float
    width: float
    height: float
    left_eye: tuple[float, float] | None = None
    right_eye: tuple[float, float] | None = None
    source: str
    confidence: Share = 1.0


class Verdict(StrEnum):
    """good: use it; check: look at it; redo: record it again while the subject sits there; unknown: cannot be judged."""

    GOOD = "good"
    CHECK = "check"
    REDO = "redo"
    UNKNOWN = "unknown"


class Measure(Part):
    """One thing that was measured. value: None where it could not be; unit: "" for a bare number; verdict: of this alone;
    sentence: what an operator reads, with the way out where there is one.
    """

    name: str
    value: float | None = None
    unit: str = ""
    verdict: Verdict = Verdict.UNKNOWN
    sentence: str = ""
    details: Mapping[str, Any] = Field(default_factory=dict)


class QualityRecord(Part):
    """The verdict on a take. reasons: sentences, the most important first; empty for a good take."""

    verdict: Verdict
    reasons: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = ()

    def measure(self, name: str) -> Measure | None:
        """The measure of that name, None where there is none."""
        return next((measure for measure in self.measures if measure.name == name), None)


class Analysis(Versioned):
    """Everything that was computed of one take. events_bytes: size of the `.aedat4` that it was computed of; with another
    size it is out of date. software: which program computed it.
    """

    SCHEMA: ClassVar[str] = "glimpse.analysis"
    VERSION: ClassVar[tuple[int, int]] = (1, 0)

    events_bytes: int
    sync: SyncRecord | None = None
    onset: OnsetRecord | None = None
    quality: QualityRecord | None = None
    face: FaceBox | None = None
    software: Mapping[str, str] = Field(default_factory=dict)
