"""One frame camera of one take: gathers what its pictures, their times and the events say of its clock.

Reads pictures, as few as will do: those near the slides of the paper, and all of them only where the paper tells nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from protocol.analysis import SyncFlag
from protocol.streams import Stream
from recorder.activity import Activity
from recorder.alignment.coarse import CoarseGuess, changes, guess_offset, warmth_changes
from recorder.alignment.cover import Pictures
from recorder.alignment.cover_read import read_pictures
from recorder.alignment.decision import CameraEvidence, Estimate
from recorder.alignment.edge import Front
from recorder.alignment.host import Arrivals, HostFit, align_by_host
from recorder.alignment.motion import align_by_motion
from recorder.alignment.motion_increments import MovingEvents
from recorder.alignment.paper import ClockGuess, PaperFit, align_by_paper, spans_us
from recorder.alignment.paper_geometry import Geometry
from recorder.alignment.session import Drift
from recorder.alignment.thermal import without_repeats
from recorder.take import Take

FEWEST_PICTURES = 20  # two thirds of a second of a colour camera, two of a thermal one
HOST_SEARCH_US = 50_000.0  # around the host's guess: its interval, and as much again as half a latency may be wrong
COARSE_SEARCH_INTERVALS = 1.5  # around a guess by activity, of which the errors were below half an interval of the camera
# The read-out of a DAVIS346 gives 12 million events a second; near that for long (flickering light) events wait in the sensor.
FULL_PER_S = 6e6
LATE_US = 13_000.0  # half width, for events that waited: 6 and 11 ms were seen
POOR_US = 4_000.0  # half width of the paper's interval from which movement may tell more
USABLE = 0.05  # confidence of a guess by activity from which it is worth a try
LONGEST_US = 120_000_000  # of pictures that are looked at, in the middle of them: 100 MB of memory, where takes last 15 s


@dataclass(frozen=True)
class CameraInput:
    """What is known before the pictures are looked at.

    moving: makes the events ready for `motion`; activity: of the events; fronts: of the paper's slides in the events;
    papered_us: the stretch of event time in which it may be seen, none without; event_arrivals: of the events at the host, None
    where not recorded; readout_us: of the camera's rows, None where unknown; rig: where the camera stands; drift: of its clock;
    left_in: the paper came and did not leave.
    """

    take: Take
    stream: Stream
    reference_us: int
    moving: Callable[[], MovingEvents]
    activity: Activity
    fronts: tuple[Front, ...]
    papered_us: tuple[tuple[int, int], ...]
    event_arrivals: Arrivals | None
    readout_us: float | None
    rig: Geometry
    drift: Drift
    left_in: bool


def examine(given: CameraInput) -> CameraEvidence | None:
    """All the evidence of one camera; None where the take has no pictures of it."""
    times = given.take.frame_times(given.stream)
    if not len(times):
        return None
    host = _by_host(given)
    start = CameraEvidence(
        given.reference_us, interval_us=_interval_us(times), host=host, flags=_first_flags(given, len(times))
    )
    if len(times) < FEWEST_PICTURES:
        return start
    found = _by_paper_near_host(given, host) if host is not None else None
    start = _with_paper(start, found)
    hopeless = given.stream is Stream.THERMAL or SyncFlag.EVENTS_LATE in start.flags  # for movement
    enough = hopeless or (found is not None and found.uncertainty_us < POOR_US)
    return start if found is not None and enough else _by_all_pictures(given, start)


def _interval_us(times: NDArray[np.int64]) -> float:
    return float(np.median(np.diff(np.sort(times)))) if len(times) > 1 else 0.0


def _first_flags(given: CameraInput, count: int) -> tuple[SyncFlag, ...]:
    flags = [SyncFlag.FEW_FRAMES] if count < FEWEST_PICTURES else []
    if not given.fronts:
        flags.append(SyncFlag.PAPER_MISSING)
    elif given.left_in:
        flags.append(SyncFlag.PAPER_LEFT_IN)
    return (*flags, SyncFlag.EVENTS_LATE) if _is_full(given.activity) else tuple(flags)


def _is_full(activity: Activity) -> bool:
    """Whether the events came as fast as the sensor's read-out allows for half of the time."""
    per_s = activity.total() * (1_000_000 / activity.bin_us)
    return bool(len(per_s) and np.median(per_s) > FULL_PER_S)


def _by_host(given: CameraInput) -> HostFit | None:
    rows = given.take.frame_table.get(given.stream)
    if rows is None or given.event_arrivals is None:
        return None
    exposures = rows["exposure_us"].astype(np.float64)
    known = exposures if (exposures > 0).all() else None
    pictures = Arrivals(rows["stream_us"], rows["host_ns"] / 1000)
    return align_by_host(given.event_arrivals, pictures, given.reference_us, known, given.readout_us)


def _by_paper_near_host(given: CameraInput, host: HostFit) -> PaperFit | None:
    clock = ClockGuess(host.offset_us, given.reference_us, HOST_SEARCH_US, given.drift.ppm, given.drift.sigma_ppm)
    return _by_paper(given, clock, None) if given.fronts else None


def _by_paper(given: CameraInput, clock: ClockGuess, pictures: Pictures | None) -> PaperFit | None:
    wanted = pictures if pictures is not None else read_pictures(given.take, given.stream, spans_us(given.fronts, clock))
    fit = align_by_paper(given.fronts, wanted, clock, given.rig)
    frozen = given.stream is Stream.THERMAL and wanted is not None and len(without_repeats(wanted)) < len(wanted)
    return replace(fit, flags=(*fit.flags, SyncFlag.FREEZE)) if fit is not None and frozen else fit


def _by_all_pictures(given: CameraInput, start: CameraEvidence) -> CameraEvidence:
    pictures = read_pictures(given.take, given.stream, [_middle(given.take.frame_times(given.stream))])
    if pictures is None or len(pictures) < FEWEST_PICTURES:
        return replace(start, flags=(*start.flags, SyncFlag.FEW_FRAMES))
    change = warmth_changes if given.stream is Stream.THERMAL else changes
    coarse = guess_offset(given.activity, pictures.times_us, change(pictures.light))
    found = replace(start, coarse=coarse)
    guess = _guess(given, found)
    if found.paper is None and guess is not None and given.fronts:
        found = _with_paper(found, _by_paper(given, guess, pictures))
    missed = found.paper is None and given.fronts
    flags = (*found.flags, SyncFlag.PAPER_ONE_CAMERA) if missed else found.flags
    moves = given.stream is Stream.RGB and SyncFlag.EVENTS_LATE not in found.flags
    motion = _by_motion(given, guess, pictures) if guess is not None and moves else None
    return replace(found, flags=flags, motion=motion)


def _middle(times_us: NDArray[np.int64]) -> tuple[int, int]:
    """The stretch of time around the middle picture that is looked at: a clock that jumped does not make it longer."""
    middle = int(np.sort(times_us)[len(times_us) // 2])
    return middle - LONGEST_US // 2, middle + LONGEST_US // 2


def _with_paper(camera: CameraEvidence, fit: PaperFit | None) -> CameraEvidence:
    if fit is None:
        return camera
    flags = tuple(flag for flag in fit.flags if flag is not SyncFlag.PAPER_LEFT_IN)  # the events know better
    late_us = LATE_US if SyncFlag.EVENTS_LATE in camera.flags else 0.0
    wide_us = float(np.hypot(fit.uncertainty_us, late_us))
    estimate = Estimate(fit.offset_us, wide_us, camera.reference_us, fit.evidence, flags, fit.details)
    return replace(camera, paper=estimate, geometry=fit.geometry, shown=fit.shown)


def _by_motion(given: CameraInput, guess: ClockGuess, pictures: Pictures) -> Estimate | None:
    """Thermal pictures are left out: what is warm and what is bright move together only now and then."""
    own_us = given.take.frame_times(Stream.FRAMES)
    own = read_pictures(given.take, Stream.FRAMES, [_middle(own_us)]) if len(own_us) else None
    fit = align_by_motion(given.moving(), pictures, guess, given.readout_us, own, given.papered_us)
    if fit is None:
        return None
    words = f"motion: correlation {fit.score:.2f}, events {fit.lateness_us / 1000:.1f} ms late"
    return Estimate(fit.offset_us, fit.uncertainty_us, fit.at_us, (words,), (), fit.details)


def _guess(given: CameraInput, found: CameraEvidence) -> ClockGuess | None:
    """Where to search: near the guess by activity where it is worth something, else near the host's."""
    if _usable(found.coarse):
        assert found.coarse is not None
        wide, offset = COARSE_SEARCH_INTERVALS * found.interval_us, float(found.coarse.offset_us)
    elif found.host is not None:
        wide, offset = HOST_SEARCH_US, found.host.offset_us
    else:
        return None
    return ClockGuess(offset, given.reference_us, wide, given.drift.ppm, given.drift.sigma_ppm)


def _usable(coarse: CoarseGuess | None) -> bool:
    return coarse is not None and coarse.confidence >= USABLE
