"""Which evidence a frame camera's alignment rests on, and how sure it is: paper before movement before the host's clock, and
never more than what does not contradict the rest. Knows neither pictures nor files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from protocol.analysis import ClockAlignment, SyncFlag, SyncStatus
from recorder.alignment.coarse import CoarseGuess
from recorder.alignment.host import HostFit
from recorder.alignment.paper import Shown
from recorder.alignment.paper_geometry import Geometry
from recorder.alignment.session import NORMAL_95, Drift, OffsetAt, SessionLine

AGREE = 1.3  # two intervals of 95 % may be apart by this share of their widths together: 1 in 100 is, by chance
PAPER_FIRST = 0.5  # movement is preferred only where it is surer by this: its model is the rougher one
COARSE_SHARE = 0.7  # half width of a coarse guess, in intervals of the camera: measured at 15 ms of 33 and 56 of 115
HALF = 0.5  # of the camera's interval: what a label on a picture can be relied on for
SURE = 0.8  # confidence of a coarse guess from which it may contradict other evidence


@dataclass(frozen=True)
class Estimate:
    """What one kind of evidence says of the offset at reference_us. uncertainty_us: half width of the 95 % interval, without
    what the drift adds over the time from reference_us to at_us, where the evidence lies.
    """

    offset_us: float
    uncertainty_us: float
    at_us: int
    evidence: tuple[str, ...] = ()
    flags: tuple[SyncFlag, ...] = ()
    details: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class CameraEvidence:
    """Everything that a take alone says of one frame camera's clock.

    interval_us: between its pictures; flags: what was seen on the way; geometry: of the rig by the paper; shown: what
    the pictures show of the paper, for another look at them. Both None without paper.
    """

    reference_us: int
    interval_us: float
    host: HostFit | None = None
    coarse: CoarseGuess | None = None
    paper: Estimate | None = None
    motion: Estimate | None = None
    flags: tuple[SyncFlag, ...] = ()
    geometry: Geometry | None = None
    shown: Shown | None = None

    def own_offset(self, offset_us: float = 0.0, sigma_us: float = 0.0) -> OffsetAt:
        """An offset of this take together with the drift that it alone tells: by the host's clock."""
        drift = (None, None) if self.host is None else (self.host.drift_ppm, self.host.drift_sigma_ppm)
        return OffsetAt(self.reference_us, offset_us, sigma_us, *drift)

    def best(self) -> OffsetAt | None:
        """Its own offset for the session's line, by paper or movement. None where there is neither, or a contradiction."""
        chosen = decide(self, Drift())
        found = {SyncStatus.PAPER: self.paper, SyncStatus.MOTION: self.motion}.get(chosen.status)
        if found is None or chosen.offset_us is None or SyncFlag.EVIDENCE_DISAGREES in chosen.flags:
            return None
        return self.own_offset(found.offset_us, _half_width(found, self.reference_us, Drift()) / NORMAL_95)


@dataclass(frozen=True)
class _Candidate:
    """An offset that may be chosen. half_width_us: of its 95 % interval, drift included."""

    status: SyncStatus
    offset_us: float
    half_width_us: float
    evidence: tuple[str, ...]
    flags: tuple[SyncFlag, ...] = ()
    details: Mapping[str, float] = field(default_factory=dict)

    def agrees(self, other: "_Candidate") -> bool:
        """Whether the two may both be true."""
        apart = abs(self.offset_us - other.offset_us)
        return apart <= AGREE * float(np.hypot(self.half_width_us, other.half_width_us))


def decide(camera: CameraEvidence, drift: Drift, line: SessionLine | None = None) -> ClockAlignment:
    """The alignment of a camera. drift: of its session, or the prior; line: of its session, where its clocks ran on.

    The first of paper, movement, the session's line and the host that is there is the answer, unless the others contradict it:
    then what two of them say, else the host's with an interval that holds everything.
    """
    candidates = _candidates(camera, drift, line)
    flags = [*camera.flags]
    if not candidates:
        return _none(camera, drift, flags)
    chosen, contradicted = _chosen(candidates)
    if contradicted:
        flags.append(SyncFlag.EVIDENCE_DISAGREES)
    if chosen.half_width_us > HALF * camera.interval_us or chosen.status is SyncStatus.HOST:
        flags.append(SyncFlag.NOT_SYNCHRONISED)
    return _record(camera, chosen, drift, [*flags, *chosen.flags])


def _candidates(camera: CameraEvidence, drift: Drift, line: SessionLine | None) -> list[_Candidate]:
    """In the order in which they are preferred."""
    found = []
    for status, estimate in ((SyncStatus.PAPER, camera.paper), (SyncStatus.MOTION, camera.motion)):
        if estimate is not None:
            width = _half_width(estimate, camera.reference_us, drift)
            offset = estimate.offset_us - drift.ppm * 1e-6 * (estimate.at_us - camera.reference_us)
            found.append(_Candidate(status, offset, width, estimate.evidence, estimate.flags, estimate.details))
    found.sort(key=lambda one: one.half_width_us * (PAPER_FIRST if one.status is SyncStatus.PAPER else 1.0))
    if line is not None and line.reaches(camera.reference_us):
        found = _with_line(found, line, camera.reference_us)
    return found + sorted(_rough(camera), key=lambda one: one.half_width_us)


def _rough(camera: CameraEvidence) -> list[_Candidate]:
    found = []
    if camera.coarse is not None and camera.coarse.confidence >= SURE:
        width = COARSE_SHARE * camera.interval_us
        found.append(_Candidate(SyncStatus.MOTION, camera.coarse.offset_us, width, ("motion: activity alone",)))
    if camera.host is not None:
        found.append(_Candidate(SyncStatus.HOST, camera.host.offset_us, camera.host.uncertainty_us, ("host: arrival times",)))
    return found


def _with_line(found: list[_Candidate], line: SessionLine, reference_us: int) -> list[_Candidate]:
    """The session's line stands before whatever is less sure, and behind whatever is surer."""
    offset, sigma = line.offset_at(reference_us)
    words = (f"session: line through {line.drift.takes} takes",)
    here = _Candidate(SyncStatus.PAPER, offset, NORMAL_95 * sigma, words, (SyncFlag.OFFSET_FROM_SESSION,))
    return sorted([*found, here], key=lambda one: one.half_width_us)


def _chosen(candidates: Sequence[_Candidate]) -> tuple[_Candidate, bool]:
    """The first that no other contradicts; else the first that more of the others confirm than confirm any that contradicts it;
    else the host's (without one the last), widened to hold all. And whether there was a contradiction.
    """
    votes = [sum(one.agrees(other) for other in candidates) for one in candidates]
    if min(votes) == len(candidates):
        return candidates[0], False
    for one, own in zip(candidates, votes, strict=True):
        against = [theirs for other, theirs in zip(candidates, votes, strict=True) if not one.agrees(other)]
        if one.status is not SyncStatus.HOST and own > max(against, default=0):
            return one, True
    last = next((one for one in candidates if one.status is SyncStatus.HOST), candidates[-1])
    reach = max(abs(one.offset_us - last.offset_us) + one.half_width_us for one in candidates)
    return replace(last, half_width_us=max(reach, last.half_width_us)), True


def _half_width(estimate: Estimate, reference_us: int, drift: Drift) -> float:
    away_s = abs(estimate.at_us - reference_us) * 1e-6
    return float(np.hypot(estimate.uncertainty_us, NORMAL_95 * drift.sigma_ppm * away_s))


def _record(camera: CameraEvidence, chosen: _Candidate, drift: Drift, flags: Sequence[SyncFlag]) -> ClockAlignment:
    return ClockAlignment(
        status=chosen.status,
        offset_us=round(chosen.offset_us),
        drift_ppm=round(drift.ppm, 3),
        uncertainty_us=max(1, round(chosen.half_width_us)),
        drift_uncertainty_ppm=round(NORMAL_95 * drift.sigma_ppm, 3),
        reference_us=camera.reference_us,
        flags=_in_order([*flags, *_about_drift(drift), *_about_host(camera)]),
        evidence=chosen.evidence,
        details=dict(chosen.details),
    )


def _none(camera: CameraEvidence, drift: Drift, flags: Sequence[SyncFlag]) -> ClockAlignment:
    said = [*flags, SyncFlag.NOT_SYNCHRONISED, *_about_host(camera)]
    return ClockAlignment(status=SyncStatus.NONE, reference_us=camera.reference_us, flags=_in_order(said))


def _about_drift(drift: Drift) -> list[SyncFlag]:
    if drift.takes > 1:
        return [SyncFlag.DRIFT_FROM_SESSION]
    return [] if drift.takes else [SyncFlag.DRIFT_UNKNOWN]


def _about_host(camera: CameraEvidence) -> list[SyncFlag]:
    return [] if camera.host is not None else [SyncFlag.HOST_CLOCK_MISSING]


def _in_order(flags: Sequence[SyncFlag]) -> tuple[SyncFlag, ...]:
    return tuple(flag for flag in SyncFlag if flag in flags)
