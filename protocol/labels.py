"""What one coder says about one take: intervals with onset, apex and offset, and whether the take is noise.

Stored as `<take>.labels/<coder>.json`; the record does not hold the take's name, for takes are renamed. All times are
int64 microseconds of event time. How labels change is told in protocol.labeledits. Knows no folder.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from protocol.errors import GlimpseError
from protocol.movement import BY_TOKEN
from protocol.schema import Instant, Migration, Part, Versioned

_CODER = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
# File names that Windows keeps for devices, whatever their extension (Microsoft, "Naming Files, Paths, and Namespaces").
_DEVICE = re.compile(r"con|prn|aux|nul|com[0-9]|lpt[0-9]")

CONSENSUS = "consensus"  # the coder under whose name an adjudication is kept

EventUs = Annotated[int, Field(strict=True, ge=-(2**63), le=2**63 - 1)]
ActionUnit = Annotated[int, Field(strict=True, ge=1, le=99)]  # FACS numbers its units and descriptors below 100


class BadCoderName(GlimpseError):
    """A coder's pseudonym that could not be a file name everywhere."""


def check_coder(name: str) -> str:
    """`name` itself when it is a fit pseudonym: 1-32 of a-z, 0-9, hyphen, underscore. Raises BadCoderName."""
    if not _CODER.fullmatch(name) or _DEVICE.fullmatch(name):
        raise BadCoderName(
            f"{name[:64]!r} cannot be a coder's name, for it names a file; "
            "use a short pseudonym of small letters, digits, hyphen and underscore, such as coder-1."
        )
    return name


def _coder(name: str) -> str:
    try:
        return check_coder(name)
    except BadCoderName as error:
        raise ValueError(str(error).removesuffix(".")) from error


Coder = Annotated[str, AfterValidator(_coder)]


def _token(token: str) -> str:
    if token not in BY_TOKEN:
        raise ValueError(f"{token!r} is not a movement; legal are {', '.join(BY_TOKEN)}")
    return token


class Origin(StrEnum):
    """Where a landmark comes from: set by hand, a suggestion left as it was, or a suggestion moved by hand."""

    PLACED = "placed"
    ACCEPTED = "accepted"
    ADJUSTED = "adjusted"


class Origins(Part):
    """The origin of each landmark; `apex` says nothing where there is no apex."""

    onset: Origin = Origin.PLACED
    apex: Origin = Origin.PLACED
    offset: Origin = Origin.PLACED


class IntervalKind(StrEnum):
    """Whether an interval is the movement that the take was made for, a blink in passing, or something else."""

    ASKED = "asked"
    BLINK = "blink"
    OTHER = "other"


class IntervalRef(Part):
    """An interval of another coder: what a consensus was made of."""

    coder: Coder
    interval: Annotated[str, Field(min_length=1, max_length=64)]


class Interval(Part):
    """One movement of the face: onset_us <= apex_us <= offset_us.

    id: stays the same while the interval is edited; movement: a token of protocol.movement; action_units: FACS numbers; at
    least one of the two is given; intensity: FACS A (trace) to E (maximum); confidence: the coder's own, 0 to 1;
    made_of: in a consensus, the coders' intervals that it stands for.
    """

    id: Annotated[str, Field(min_length=1, max_length=64)]
    kind: IntervalKind = IntervalKind.ASKED
    movement: Annotated[str, AfterValidator(_token)] | None = None
    action_units: tuple[ActionUnit, ...] = ()
    onset_us: EventUs
    apex_us: EventUs | None = None
    offset_us: EventUs
    intensity: Literal["A", "B", "C", "D", "E"] | None = None
    confidence: Annotated[float, Field(strict=True, ge=0, le=1)] | None = None
    origin: Origins = Origins()
    note: str = ""
    made_of: tuple[IntervalRef, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.movement is None and not self.action_units:
            raise ValueError("an interval needs a movement or action units")
        if self.onset_us > self.offset_us:
            raise ValueError(f"the onset ({self.onset_us}) lies after the offset ({self.offset_us})")
        if self.apex_us is not None and not self.onset_us <= self.apex_us <= self.offset_us:
            raise ValueError(f"the apex ({self.apex_us}) lies outside {self.onset_us} to {self.offset_us}")
        return self

    @property
    def duration_us(self) -> int:
        """From onset to offset."""
        return self.offset_us - self.onset_us


class Noise(Part):
    """Whether the coder holds the whole take to be unusable, and why.

    named: whether the take's name said so already when it was judged, so that taking the label back can take back the name;
    None where nothing was to be renamed.
    """

    is_noise: bool
    reason: str = ""
    named: bool | None = None


class Sight(Part):
    """What the coder could see beside the recording while labelling; true once it was shown, whatever happened later.

    suggestions: landmarks found by the program; detections: the network's; others: labels of other coders; asked: which
    movement was asked for (it is in the file's name too).
    """

    suggestions: bool = False
    detections: bool = False
    others: bool = False
    asked: bool = False

    @property
    def blind(self) -> bool:
        """Whether nothing was shown that could have been copied; knowing what was asked for is no answer."""
        return not (self.suggestions or self.detections or self.others)

    def also(self, other: "Sight") -> "Sight":
        """What was seen at either time."""
        return Sight(**{name: getattr(self, name) or getattr(other, name) for name in Sight.model_fields})


class Original(Part):
    """One coder's labels as they were when they were adjudicated. digest: `LabelSet.digest` of then."""

    coder: Coder
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Adjudication(Part):
    """How a consensus came about. by: who decided; dropped: intervals left out on purpose; undecided: not yet looked at."""

    by: Coder
    at: Instant
    originals: Annotated[tuple[Original, ...], Field(min_length=2)]
    dropped: tuple[IntervalRef, ...] = ()
    undecided: tuple[IntervalRef, ...] = ()
    noise_undecided: bool = False

    @property
    def settled(self) -> bool:
        """Whether nothing is left to decide."""
        return not self.undecided and not self.noise_undecided


def _in_time(intervals: tuple[Interval, ...]) -> tuple[Interval, ...]:
    return tuple(sorted(intervals, key=lambda interval: (interval.onset_us, interval.offset_us, interval.id)))


def _from_1_0(data: dict[str, Any]) -> dict[str, Any]:
    """1.0 did not tell the kinds of intervals: a blink beside other movements is taken for one in passing."""
    intervals = data.get("intervals", [])
    only_blinks = all(interval.get("movement") == "blink" for interval in intervals)
    kinds = ["blink" if interval.get("movement") == "blink" and not only_blinks else "asked" for interval in intervals]
    told = [{**interval, "kind": kind} for interval, kind in zip(intervals, kinds, strict=True)]
    return {**data, "version": "1.1", "intervals": told}


class LabelSet(Versioned):
    """All that one coder says about one take; the intervals in the order of time.

    noise: None as long as the coder has not judged it; note: about the whole take; done: the coder has finished with it;
    saw: None where it is not known; spent_s: time that the take was worked on; adjudication: of a consensus only;
    revision: number of the last entry of the coder's journal that is in it (recorder.labeljournal).
    """

    SCHEMA: ClassVar[str] = "glimpse.labels"
    VERSION: ClassVar[tuple[int, int]] = (1, 1)
    MIGRATIONS: ClassVar[Mapping[str, Migration]] = {"1.0": _from_1_0}

    coder: Coder
    created_at: Instant
    intervals: Annotated[tuple[Interval, ...], AfterValidator(_in_time)] = ()
    noise: Noise | None = None
    note: str = ""
    done: bool = False
    saw: Sight | None = None
    spent_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    adjudication: Adjudication | None = None
    revision: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _check(self) -> Self:
        ids = [interval.id for interval in self.intervals]
        if twice := [interval_id for interval_id in ids if ids.count(interval_id) > 1]:
            raise ValueError(f"two intervals have the id {twice[0]!r}")
        if self.adjudication is not None and self.coder != CONSENSUS:
            raise ValueError(f"only labels of the coder {CONSENSUS!r} can be an adjudication")
        return self

    def by_id(self) -> Mapping[str, Interval]:
        """The intervals, each under its id."""
        return MappingProxyType({interval.id: interval for interval in self.intervals})

    @property
    def empty(self) -> bool:
        """Whether nothing was said about the take."""
        return not (self.intervals or self.noise or self.note or self.done)

    def digest(self) -> str:
        """SHA-256 of what was said (intervals, noise, note), the same whenever and by whatever version it was written."""
        said = self.model_dump(mode="json", include={"intervals", "noise", "note"})
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
