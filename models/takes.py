"""Takes on disk as clips to learn from: where the face is, which part is shown, what was made when. Knows no network.

What was made is taken from, in this order: a settled consensus, the labels of a coder, the truth of a simulated take, the
suggestion for the movement after the cue. A take of which nothing tells when is one whole movement (`coarse`).
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from models.clipstore import Clip, ClipInterval, ClipWriter
from models.crop import FaceCrop
from models.errors import ModelError
from protocol.analysis import Analysis, FaceBox, SuggestionKind
from protocol.errors import GlimpseError
from protocol.labels import CONSENSUS, LabelSet
from protocol.manifest import Manifest
from protocol.movement import BLINK, EMOTIONS, NEUTRAL
from protocol.naming import LABELS_SUFFIX
from protocol.streams import Array, Stream
from recorder.activity import clean_events
from recorder.analysisstore import read_analysis
from recorder.dataset import TakeEntry
from recorder.facebox import find_face
from recorder.onset import suggest
from recorder.subject_store import SubjectStore
from recorder.take import Take
from recorder.thinning import read_events

BEFORE_US = 2_000_000  # of rest before the cue belong to a clip
SETTLED_US = 300_000  # after the paper's removal the hand is gone
LONGEST_US = 30_000_000  # of one clip: a take of the script has 5 s after the cue
MARGIN = 0.75  # of the crop's side are kept around it, for crops that are moved in training


class Source(StrEnum):
    """Who says what was made when."""

    CONSENSUS = "consensus"
    CODER = "coder"
    TRUTH = "truth"
    SUGGESTION = "suggestion"
    COARSE = "coarse"


@dataclass(frozen=True)
class Told:
    """What was made in a take, times in us of event time."""

    source: Source
    intervals: tuple[ClipInterval, ...]


@dataclass(frozen=True)
class Left:
    """A take that is no clip, and why, in one sentence."""

    path: Path
    why: str


def read_clips(
    entries: Iterable[TakeEntry], data: Path, writer: ClipWriter, *, emotions: bool = False
) -> Iterator[Left | Clip]:
    """Write the clip of each take; one that is there already is left as it is. What could not be used is told, not raised.

    emotions: the class of a take is the emotion that was shown (simulated takes know), else the movement.
    """
    persons = _persons(data)
    for entry in entries:
        key = entry.path.relative_to(data).as_posix() if entry.path.is_relative_to(data) else str(entry.path)
        if key in writer:
            continue
        try:
            clip, events = clip_of_take(entry, key, persons, emotions=emotions)
        except GlimpseError as error:
            yield Left(entry.path, str(error))
            continue
        writer.add(clip, events)
        yield clip


def clip_of_take(entry: TakeEntry, key: str, persons: Mapping[int, str], *, emotions: bool = False) -> tuple[Clip, Array]:
    """The clip of a take and its events, t in event time. Raises ModelError for one that says nothing, and as reading does."""
    with Take(entry.path) as take:
        resolution = take.resolution(Stream.EVENTS)
        events, _ = read_events(take)
        if resolution is None or not len(events):
            raise ModelError(f"{entry.path}: has no events to learn from; leave it out.")
        events = clean_events(events, resolution)
        manifest = take.manifest
        face = face_of(take, entry, events)
        span_us = span_of(manifest, int(events["t"][0]), int(events["t"][-1]) + 1)
        told = told_of(take, entry, events, span_us, emotions=emotions)
    crop = FaceCrop.of(face, resolution)
    clip = Clip(
        key=key,
        person=_person(entry, persons),
        take=key,
        crop=crop,
        resolution=resolution,
        span_us=span_us,
        intervals=tuple(_moved(told.intervals, span_us[0])),
        meta=_meta(entry, manifest, told, face),
    )
    return clip, near(events, crop, span_us)


def span_of(manifest: Manifest | None, first_us: int, end_us: int) -> tuple[int, int]:
    """The part of a take that is shown: from some rest before the cue to the end; without a cue all of it. [start, end)."""
    begin_us = first_us
    if manifest is not None and manifest.cue_us is not None and first_us < manifest.cue_us < end_us:
        gone_us = (manifest.t0_us or first_us) + SETTLED_US
        begin_us = max(first_us, min(manifest.cue_us, max(gone_us, manifest.cue_us - BEFORE_US)))
    return begin_us, min(end_us, begin_us + LONGEST_US)


def near(events: Array, crop: FaceCrop, span_us: tuple[int, int]) -> Array:
    """The events of a span that lie in the crop or around it."""
    reach = (0.5 + MARGIN) * crop.side_px
    inside = (abs(events["x"] - crop.x) <= reach) & (abs(events["y"] - crop.y) <= reach)
    return events[inside & (events["t"] >= span_us[0]) & (events["t"] < span_us[1])]


def told_of(take: Take, entry: TakeEntry, events: Array, span_us: tuple[int, int], *, emotions: bool = False) -> Told:
    """What was made in a take. Raises ModelError where nobody says."""
    manifest = take.manifest
    truth = manifest.truth if manifest is not None else None
    if emotions and truth and truth.get("emotion"):
        return _emotion(truth, span_us)
    if labels := labels_of(entry):
        source = Source.CONSENSUS if labels.coder == CONSENSUS else Source.CODER
        return Told(source, tuple(_labelled(labels)))
    if truth is not None:
        return Told(Source.TRUTH, tuple(_true(truth)))
    return _suggested(take, entry, events, span_us)


def labels_of(entry: TakeEntry) -> LabelSet | None:
    """The labels that count: a settled consensus, else those of the one coder with the highest revision; None without any."""
    found = []
    for path in sorted(entry.sibling(LABELS_SUFFIX).glob("*.json")):
        try:
            found.append(LabelSet.model_validate(json.loads(path.read_text("utf-8"))))
        except (OSError, ValueError, ValidationError) as error:
            raise ModelError(f"{path}: cannot be read as labels; look at it with `glimpse labels validate`.") from error
    settled = [one for one in found if one.coder == CONSENSUS and one.adjudication and one.adjudication.settled]
    done = settled or [one for one in found if one.coder != CONSENSUS and one.intervals]
    return max(done, key=lambda one: one.revision, default=None)


def _labelled(labels: LabelSet) -> Iterator[ClipInterval]:
    for one in labels.intervals:
        if one.movement is not None:
            apex_us = one.apex_us if one.apex_us is not None else (one.onset_us + one.offset_us) // 2
            yield ClipInterval(one.movement, one.onset_us, apex_us, one.offset_us)


def _true(truth: Mapping[str, Any]) -> Iterator[ClipInterval]:
    """What a simulated subject did, spontaneous blinks and other movements too."""
    if truth.get("movement") is not None and truth.get("onset_us") is not None:
        yield ClipInterval(truth["movement"], truth["onset_us"], truth["apex_us"], truth["offset_us"])
    for onset_us, apex_us, offset_us in truth.get("blinks", ()):
        yield ClipInterval(BLINK.token, onset_us, apex_us, offset_us)
    for other in truth.get("others", ()):
        yield ClipInterval(other["kind"], other["onset_us"], other["apex_us"], other["offset_us"])


def _emotion(truth: Mapping[str, Any], span_us: tuple[int, int]) -> Told:
    if truth["emotion"] not in {emotion.token for emotion in EMOTIONS} or truth.get("onset_us") is None:
        raise ModelError(f"The emotion {truth['emotion']!r} is none of the six; leave the take out.")
    return Told(Source.TRUTH, (ClipInterval(truth["emotion"], truth["onset_us"], truth["apex_us"], truth["offset_us"]),))


def _suggested(take: Take, entry: TakeEntry, events: Array, span_us: tuple[int, int]) -> Told:
    token = entry.movement
    if token is None:
        raise ModelError(
            f"{entry.path}: neither its name nor labels say what was made; label it, or name it like frown_4_1.aedat4."
        )
    if token == NEUTRAL:
        return Told(Source.COARSE, ())
    analysis = _analysis(entry)
    record = (
        analysis.onset
        if analysis is not None and analysis.onset is not None
        else suggest(events, take.resolution(Stream.EVENTS), asked=token)
    )
    blinks = [one for one in record.candidates if one.kind is SuggestionKind.BLINK and one.confidence >= 0.5]
    if record.intervals:
        best = max(record.intervals, key=lambda one: (one.cued, one.confidence))
        made = [ClipInterval(token, best.onset_us, best.apex_us, best.offset_us)]
        made += [ClipInterval(BLINK.token, one.onset_us, one.apex_us, one.offset_us) for one in blinks]
        return Told(Source.SUGGESTION, tuple(made))
    begin_us, end_us = span_us
    return Told(Source.COARSE, (ClipInterval(token, begin_us, (begin_us + end_us) // 2, end_us),))


def face_of(take: Take, entry: TakeEntry, events: Array) -> FaceBox | None:
    """Where the face of a take is: as its analysis says, else looked for; None where none is found."""
    analysis = _analysis(entry)
    if analysis is not None and analysis.face is not None:
        return analysis.face
    paper = analysis.sync.paper if analysis is not None and analysis.sync is not None else None
    return find_face(take, events, paper=paper)


def _analysis(entry: TakeEntry) -> Analysis | None:
    try:
        return read_analysis(entry.path)
    except GlimpseError:
        return None  # it can be made again from the take, which is what counts here


def _persons(data: Path) -> Mapping[int, str]:
    """The person behind each subject's number, where the data set says so."""
    try:
        records = SubjectStore(data).records()
    except GlimpseError as error:
        raise ModelError(f"{error} Without it nobody knows which numbers are one person.") from error
    return {one.subject: f"person-{one.person}" for one in records if one.person is not None}


def _person(entry: TakeEntry, persons: Mapping[int, str]) -> str:
    """A person; of a simulated take its seed, for several data sets may have the same one; of nobody's take its folder."""
    manifest = entry.manifest
    if manifest is not None and manifest.truth and "subject" in manifest.truth:
        return f"sim-{manifest.truth['subject'].get('seed')}"
    if entry.subject is None:
        return entry.path.parent.name
    return persons.get(entry.subject, f"subject-{entry.subject}")


def _meta(entry: TakeEntry, manifest: Manifest | None, told: Told, face: FaceBox | None) -> dict[str, Any]:
    truth = dict(manifest.truth or {}) if manifest is not None else {}
    subject = truth.get("subject", {})
    meta = {
        "movement": truth.get("movement", entry.movement),
        "told_by": told.source.value,
        "face": face.source if face is not None else None,
        "intensity": truth.get("intensity"),
        "glasses": subject.get("glasses"),
        "lux": subject.get("lux"),
        "mistake": truth.get("mistake"),
        "simulated": bool(manifest.simulated) if manifest is not None else False,
    }
    return {name: value for name, value in meta.items() if value is not None}


def _moved(intervals: Sequence[ClipInterval], start_us: int) -> Iterator[ClipInterval]:
    for one in sorted(intervals, key=lambda one: one.onset_us):
        yield ClipInterval(one.token, *(int(np.int64(t_us) - start_us) for t_us in one[1:]))
