"""What one coder says about one take: intervals with onset, apex and offset, and whether the take is noise.

Stored as `<take>.labels/<coder>.json`; the record does not hold the take's name, for takes are renamed. All times are
int64 microseconds of event time. Knows no folder.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from protocol.errors import GlimpseError
from protocol.movement import BY_TOKEN
from protocol.schema import Instant, Part, Versioned

_CODER = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
# File names that Windows keeps for devices, whatever their extension (Microsoft, "Naming Files, Paths, and Namespaces").
_DEVICE = re.compile(r"con|prn|aux|nul|com[0-9]|lpt[0-9]")

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


class Interval(Part):
    """One movement of the face: onset_us <= apex_us <= offset_us.

    id: stays the same while the interval is edited; movement: a token of protocol.movement; action_units: FACS numbers; at
    least one of the two is given; intensity: FACS A (trace) to E (maximum); confidence: the coder's own, 0 to 1.
    """

    id: Annotated[str, Field(min_length=1, max_length=64)]
    movement: Annotated[str, AfterValidator(_token)] | None = None
    action_units: tuple[ActionUnit, ...] = ()
    onset_us: EventUs
    apex_us: EventUs | None = None
    offset_us: EventUs
    intensity: Literal["A", "B", "C", "D", "E"] | None = None
    confidence: Annotated[float, Field(strict=True, ge=0, le=1)] | None = None
    origin: Origins = Origins()
    note: str = ""

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
    """Whether the coder holds the whole take to be unusable, and why."""

    is_noise: bool
    reason: str = ""


class LabelSet(Versioned):
    """All that one coder says about one take. noise: None as long as the coder has not judged it."""

    SCHEMA: ClassVar[str] = "glimpse.labels"
    VERSION: ClassVar[tuple[int, int]] = (1, 0)

    coder: Annotated[str, AfterValidator(_coder)]
    created_at: Instant
    intervals: tuple[Interval, ...] = ()
    noise: Noise | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        ids = [interval.id for interval in self.intervals]
        if twice := [interval_id for interval_id in ids if ids.count(interval_id) > 1]:
            raise ValueError(f"two intervals have the id {twice[0]!r}")
        return self

    def by_id(self) -> Mapping[str, Interval]:
        """The intervals, each under its id."""
        return MappingProxyType({interval.id: interval for interval in self.intervals})
