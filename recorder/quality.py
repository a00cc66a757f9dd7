"""The verdict on a take, while the subject still sits there: measures against limits, and reasons in order of importance.

Puts together what the measures find; computes nothing itself. Knows no window and changes no file.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from protocol.analysis import FaceBox, Measure, OnsetRecord, QualityRecord, SyncRecord, Verdict
from protocol.errors import GlimpseError
from protocol.manifest import Manifest
from recorder.activity import Activity
from recorder.measures import (
    distance,
    face,
    flicker,
    light,
    motion,
    motion_likeness,
    motion_mouth,
    noise,
    presence,
    rates,
    script,
    streams,
    thermal,
)
from recorder.measures import sync as clocks
from recorder.measures.evidence import Evidence, gather, look_at_movement, look_for_movement
from recorder.measures.steps import Phases
from recorder.measures.thresholds import Reading, explained, judged
from recorder.measures.thresholds_table import BY_NAME, THRESHOLDS
from recorder.take import Take

Found = Iterator[tuple[str, Reading]]
RANK = {row.name: rank for rank, row in enumerate(THRESHOLDS)}
SEVERITY = (Verdict.REDO, Verdict.CHECK)
OF_MANIFEST = ("ended_early", "records_lost")
ESSENTIAL = (*OF_MANIFEST, "event_rate")  # a take of which one of these is not known is never called good
# What can be at fault in a take that ended before its script did; of the rest nobody knows what it would have become.
OF_A_PART = (
    "ended_early", "records_lost", "files", "time_backwards", "events_outside", "rgb_lost", "rgb_gap", "thermal_lost",
    "thermal_gap",
)  # fmt: skip
NOT_JUDGED = "The take ended before its script did, so this is not judged."
OF_A_SCRIPT = ("movement",)  # nor one of these, where a movement was asked for


@dataclass(frozen=True)
class Assessment:
    """The verdict on a take, and the face that was found on the way, None where there is none."""

    quality: QualityRecord
    face: FaceBox | None = None


def assess(take: Take, *, sync: SyncRecord | None = None, onset: OnsetRecord | None = None) -> QualityRecord:
    """The verdict on a take, with every measure. sync, onset: where they were computed already.

    Raises nothing for what is in a take: what cannot be read is a verdict too.
    """
    return assess_with_face(take, sync=sync, onset=onset).quality


def assess_with_face(take: Take, *, sync: SyncRecord | None = None, onset: OnsetRecord | None = None) -> Assessment:
    """The same with the face, for whoever keeps it: looking for it a second time would take a fifth of a second."""
    try:
        evidence = gather(take, sync.paper if sync else None, search=onset is None)
        onset = onset or look_for_movement(evidence)
    except GlimpseError as error:
        return Assessment(QualityRecord(verdict=Verdict.REDO, reasons=(str(error),)))
    measures = tuple(judged(BY_NAME[name], reading) for name, reading in _readings(evidence, sync, onset))
    if script.cut_short(evidence.told):
        return Assessment(summarise(tuple(map(_of_a_part, measures))), evidence.faces.face)
    return Assessment(summarise(measures, _essential(evidence)), evidence.faces.face)


def _of_a_part(measure: Measure) -> Measure:
    """The measure of a take that was cut short: nothing is held against it that merely did not come to pass."""
    if measure.name in OF_A_PART or measure.verdict in (Verdict.GOOD, Verdict.UNKNOWN):
        return measure
    return Measure(name=measure.name, unit=measure.unit, sentence=NOT_JUDGED, details=measure.details)


def _essential(evidence: Evidence) -> tuple[str, ...]:
    """What must be known of this take. Of a manifest that cannot be read, the measure `files` says what there is to say."""
    asked = evidence.phases is not None and evidence.phases.answer is not None
    known = OF_MANIFEST if evidence.unreadable else ()
    return tuple(name for name in (*ESSENTIAL, *(OF_A_SCRIPT if asked else ())) if name not in known)


def not_finished(manifest: Manifest) -> QualityRecord:
    """The verdict on a take that is not complete, from its manifest alone: whatever else there is of it, it is to be redone."""
    found = {"ended_early": streams.ended_early(manifest, whole=False), "records_lost": streams.records_lost(manifest)}
    return summarise(tuple(judged(BY_NAME[name], reading) for name, reading in found.items()))


def summarise(measures: tuple[Measure, ...], essential: tuple[str, ...] = ()) -> QualityRecord:
    """The worst verdict of all measures, and the sentences of those that are not good: the worst first, then by importance.

    essential: measures without which a take cannot be called good; where one is unknown the verdict is at best that, too.
    """
    ordered = sorted(measures, key=lambda measure: RANK[measure.name])
    open_ = [measure for measure in ordered if measure.name in essential and measure.verdict is Verdict.UNKNOWN]
    spoken = [measure for level in SEVERITY for measure in ordered if measure.verdict is level]
    verdict = spoken[0].verdict if spoken else Verdict.UNKNOWN if open_ else Verdict.GOOD
    reasons = tuple(dict.fromkeys(measure.sentence for measure in (*spoken, *open_)))
    return QualityRecord(verdict=verdict, reasons=reasons, measures=tuple(ordered))


def explain(name: str) -> str:
    """What the limits of a measure are, and why. Raises KeyError for a name that is none."""
    return explained(BY_NAME[name])


def _readings(evidence: Evidence, sync: SyncRecord | None, onset: OnsetRecord | None) -> Found:
    yield from _of_files(evidence)
    yield from _of_frame_cameras(evidence, sync)
    yield from _of_face(evidence)
    yield from _of_light(evidence)
    yield from _of_movement(evidence, sync, onset)
    if evidence.phases is not None and evidence.activity is not None:
        yield from _of_events(evidence, evidence.phases, evidence.activity)


def _of_files(evidence: Evidence) -> Found:
    yield "event_count", Reading(float(evidence.thinning * len(evidence.events)), {"looked_at_every": evidence.thinning})
    judged = evidence.phases.judged if evidence.phases else None
    yield "ended_early", streams.ended_early(evidence.manifest, evidence.whole, evidence.unreadable)
    yield "records_lost", streams.records_lost(evidence.manifest, evidence.unreadable)
    yield "event_end", script.event_end(evidence.manifest, judged)
    yield "script_times", script.script_times(evidence.told, judged)
    yield "files", streams.problems(evidence.problems)
    yield "time_backwards", streams.backwards(evidence.raw["t"])
    yield "events_outside", streams.outside(evidence.raw, evidence.resolution)


def _of_frame_cameras(evidence: Evidence, sync: SyncRecord | None) -> Found:
    yield "paper", clocks.paper(evidence.paper, evidence.manifest, bool(evidence.holes))
    for name, camera, times_us in (("rgb", "colour", evidence.rgb_us), ("thermal", "thermal", evidence.thermal_us)):
        yield f"{name}_lost", streams.pictures_lost(times_us, camera)
        yield f"{name}_gap", streams.longest_interval(times_us, camera)
    yield "sync_rgb", clocks.alignment(sync.rgb if sync else None, "colour", len(evidence.rgb_us))
    yield "sync_thermal", clocks.alignment(sync.thermal if sync else None, "thermal", len(evidence.thermal_us))


def _of_movement(evidence: Evidence, sync: SyncRecord | None, onset: OnsetRecord | None) -> Found:
    yield "movement", motion.movement(onset, evidence.movement, evidence.holes)
    yield "resemblance", motion_likeness.resembles(look_at_movement(evidence, onset))
    yield "reaction", motion.reaction(onset)
    yield "duration", motion.duration(onset)
    yield "strength", motion.strength(onset)
    offset_us = sync.thermal.offset_us if sync and sync.thermal else None
    yield "thermal_frozen", thermal.frozen(evidence.frozen, offset_us, motion.span(onset))
    if evidence.phases is not None:
        yield "left_over", motion.left_over(onset, evidence.phases)
        yield "wrong_time", motion.wrong_time(onset, evidence.phases)
        yield "blinks", motion.blinks(onset, evidence.phases, evidence.movement)


def _of_face(evidence: Evidence) -> Found:
    seen, size = evidence.faces.face, evidence.resolution
    yield "no_face", presence.no_face(evidence.faces)
    yield "more_faces", presence.more_faces(evidence.faces)
    yield "face_inside", face.face_inside(seen, size)
    focal = distance.focal_of(evidence.manifest)
    yield "distance", distance.distance(seen, focal)
    yield "distance_off", distance.distance_off(seen, presence.asked_mm(evidence.manifest), focal)


def _of_light(evidence: Evidence) -> Found:
    box = light.within(evidence.pictures, evidence.faces.face, evidence.resolution)
    yield "light_uneven", light.evenness(evidence.pictures, box)
    yield "brightness", light.brightness(evidence.pictures, box)
    yield "overexposed", light.white_share(evidence.pictures, box)


def _of_events(evidence: Evidence, phases: Phases, activity: Activity) -> Found:
    times_us, thinning = evidence.events["t"], evidence.thinning
    pauses = () if phases.covered is None else (phases.covered,)
    yield "event_gap", streams.longest_gap(times_us, phases.judged, pauses)
    yield "event_rate", rates.event_rate(times_us, phases, thinning)
    yield "event_peak", rates.peak_rate(times_us, phases.watched, thinning)
    yield "head_turn", motion.head_turn(activity, phases, thinning)
    yield "talking", motion_mouth.talking(activity, phases, evidence.faces.face)
    lamps = flicker.flicker(evidence.events, phases.rest(flicker.LEAST_US))
    yield "flicker", lamps
    yield "noise", flicker.unless_flicker(noise.background(activity, phases, thinning), lamps)
    yield "hot_pixels", flicker.unless_flicker(noise.hot_share(evidence.hot), lamps)
