"""What a take's measures are computed from, read once: events, a few pictures, times of all, what others found out.

Judges nothing. What a take does not have, or what cannot be read of it, is empty or None.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from protocol.analysis import OnsetRecord, PaperSeen
from protocol.errors import GlimpseError
from protocol.manifest import Manifest, TakeStatus
from protocol.streams import Array, Stream
from recorder.activity import Activity, clean_events, count_activity, hot_pixels
from recorder.dataset import TakeEntry
from recorder.facebox import FaceSearch, search_faces
from recorder.inspection import count_problems
from recorder.measures import streams
from recorder.measures.light import Picture
from recorder.measures.motion import best
from recorder.measures.motion_kinds import told_apart
from recorder.measures.motion_likeness import blink_chance, likeness
from recorder.measures.resemblance import Resemblance
from recorder.measures.script import believed, script_end
from recorder.measures.steps import SETTLE_US, Phases, Range, judged_range, phases, slice_of
from recorder.measures.thermal import freezes
from recorder.onset import suggest
from recorder.papersearch import look_for_paper, seen
from recorder.take import Take
from recorder.thinning import read_events

BIN_US = 10_000  # of the counts by tile: no measure that uses them asks for less than some tens of ms
SAMPLE_US = 250_000  # the pictures of this long are looked at for the light: some six of an event camera
MOST_PICTURES = 6
MOST_HOT = 0.02  # share of pixels; where more seem hot it is flicker, and leaving them out would leave out part of the face
BEHIND_PAPER = "The paper was before the face, so no movement can be seen."
PICTURE_STREAMS = (Stream.FRAMES, Stream.RGB)  # the event camera's own first: its view is the one that counts


@dataclass(frozen=True)
class Evidence:
    """What is there of one take.

    manifest: as it can be believed (see `script.believed`), told: as it is on disk, unreadable: there is one that cannot be
    read; whole: complete, and not damaged since; holes: where events are missing; movement: asked for; raw: events in file
    order, every `thinning`-th; events: those on the sensor, sorted; phases, activity: None without events; activity: without
    the hot pixels, in bins of 10 ms; paper: as the events show it; faces, pictures (some of the face at rest): none where the
    paper was not seen to leave; rgb_us, thermal_us: the pictures' own times; frozen: ranges in which the thermal picture stood
    still, None without any; moved: as the events show it, None where it was not looked for.
    """

    manifest: Manifest | None
    told: Manifest | None
    unreadable: bool
    whole: bool
    holes: tuple[Range, ...]
    movement: str | None
    resolution: tuple[int, int]
    raw: Array
    thinning: int
    events: Array
    hot: NDArray[np.bool_]
    phases: Phases | None
    activity: Activity | None
    paper: PaperSeen
    faces: FaceSearch
    pictures: tuple[Picture, ...]
    rgb_us: NDArray[np.int64]
    thermal_us: NDArray[np.int64]
    frozen: tuple[Range, ...] | None
    moved: OnsetRecord | None
    problems: tuple[str, ...]


def gather(take: Take, paper: PaperSeen | None, search: bool = True) -> Evidence:
    """Read a take. paper: as the events show it, None to look for it now. Raises Aedat4Error where nothing can be read.

    search: whether to look for movements. A second thread decodes the thermal pictures while the events are read, and
    looks for movements while faces and pictures are looked at: each takes as long as the other.
    """
    pool = ThreadPoolExecutor(1)
    try:
        return _gathered(take, paper, pool, search)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # who interrupts it does not wait for the other thread


def _gathered(take: Take, paper: PaperSeen | None, pool: ThreadPoolExecutor, search: bool) -> Evidence:
    frozen = pool.submit(_frozen, take.path)
    entry = TakeEntry.at(take.path)  # asked for nothing that would read the manifest a second time
    told = take.manifest if take.manifest_problem is None else None
    raw, thinning = read_events(take)
    resolution = take.resolution(Stream.EVENTS) or _extent(raw)
    events = clean_events(raw, resolution)
    judged = judged_range(events)
    manifest = believed(told, judged)
    hot = hot_pixels(events, resolution)
    left_out = hot & (hot.mean() < MOST_HOT)
    paper = paper or seen(look_for_paper(events, resolution, manifest))
    holes = _holes(events, judged, manifest, paper)
    veiled = _left_in(paper)
    if veiled and any(end > (paper.in_us or 0) for _, end in holes):
        paper = PaperSeen()  # it may have gone meanwhile
    parts = phases(judged, manifest, paper) if judged else None
    movement = entry.name.movement_token if entry.name else manifest.movement if manifest else None
    asked = _Asked(manifest.cue_us if manifest else None, movement)
    moved = pool.submit(_moved, events, resolution, parts, paper, asked, thinning) if search else None
    return Evidence(
        manifest=manifest,
        told=told,
        unreadable=take.manifest_problem is not None,
        holes=holes,
        whole=manifest is not None and manifest.status is TakeStatus.COMPLETE and not entry.rebuilt,
        movement=movement,
        resolution=resolution,
        raw=raw,
        thinning=thinning,
        events=events,
        hot=hot,
        phases=parts,
        activity=_activity(events, resolution, left_out, judged) if judged else None,
        paper=paper,
        faces=FaceSearch() if veiled else _faces(take, events, paper),
        pictures=() if veiled else _pictures(take, parts),
        rgb_us=take.frame_times(Stream.RGB),
        thermal_us=take.frame_times(Stream.THERMAL),
        frozen=frozen.result(),
        moved=moved.result() if moved else None,
        problems=tuple(dict.fromkeys((*take.problems, *count_problems(take)))),
    )


def _faces(take: Take, events: Array, paper: PaperSeen) -> FaceSearch:
    if not len(events):
        return FaceSearch()
    try:
        return search_faces(take, events, paper=paper)
    except GlimpseError:
        return FaceSearch()  # no cascades on this computer


@dataclass(frozen=True)
class _Asked:
    """What the subject was to do, and when."""

    cue_us: int | None
    movement: str | None


def _moved(
    events: Array, resolution: tuple[int, int], parts: Phases | None, paper: PaperSeen, asked: _Asked, thinning: int
) -> OnsetRecord | None:
    """What moved from the paper's going on; None without a cue, since then nothing of it is judged."""
    if parts is None or asked.cue_us is None or parts.answer is None:
        return None
    if _left_in(paper):
        return OnsetRecord(cue_us=asked.cue_us, reason=BEHIND_PAPER)
    begin_us = parts.covered[1] + SETTLE_US if parts.covered else parts.judged[0]
    seen = slice_of(events, (begin_us, parts.judged[1]))
    return suggest(seen, resolution, cue_us=asked.cue_us, asked=asked.movement, every=thinning)


def look_for_movement(evidence: Evidence) -> OnsetRecord | None:
    """What moved, blinks told from the movement by where the eyes are; None where it was not looked for."""
    if evidence.moved is None or evidence.moved.reason:
        return evidence.moved
    chance = partial(blink_chance, evidence.events, evidence.resolution, evidence.faces.face)
    return told_apart(evidence.moved, chance, evidence.movement)


def look_at_movement(evidence: Evidence, onset: OnsetRecord | None) -> Resemblance | None:
    """What the movement that answers the cue looks like, None where there is none or it cannot be told."""
    made = best(onset)
    if made is None or evidence.movement is None:
        return None
    return likeness(evidence.events, evidence.resolution, evidence.faces.face, made, evidence.movement)


def _holes(events: Array, judged: Range | None, manifest: Manifest | None, paper: PaperSeen) -> tuple[Range, ...]:
    if judged is None:
        return ()
    return streams.holes(events["t"], judged, script_end(manifest), _behind_paper(judged, manifest, paper))


def _behind_paper(judged: Range, manifest: Manifest | None, paper: PaperSeen) -> tuple[Range, ...]:
    """While the paper is known to cover the view: where nobody saw it leave, until it was to be taken away."""
    if paper.in_us is None:
        return ()
    due_us = judged[1] if manifest is None or manifest.t0_scheduled_us is None else manifest.t0_scheduled_us
    return ((paper.in_us, due_us if paper.out_us is None else paper.out_us),)


def _left_in(paper: PaperSeen) -> bool:
    """Whether there is nothing but paper to see."""
    return paper.in_us is not None and paper.out_us is None


def _extent(events: Array) -> tuple[int, int]:
    """Width and height that hold all events, for a file that does not tell its resolution."""
    return (int(events["x"].max()) + 1, int(events["y"].max()) + 1) if len(events) else (1, 1)


def _activity(events: Array, resolution: tuple[int, int], hot: NDArray[np.bool_], judged: Range) -> Activity:
    return count_activity(slice_of(events, judged), resolution, bin_us=BIN_US, hot=hot, span_us=judged)


def _pictures(take: Take, parts: Phases | None) -> tuple[Picture, ...]:
    for stream in PICTURE_STREAMS:
        times = take.frame_times(stream)
        if not len(times):
            continue
        begin, end = (int(times.min()), int(times.max()) + 1) if parts is None else parts.quiet or parts.watched
        # A colour camera's clock may be seconds off; the middle of the quiet part still shows the face most likely.
        nearest = int(times[np.argmin(np.abs(times - (begin + end) // 2))])
        found = _read(take, stream, nearest - SAMPLE_US // 2, nearest + SAMPLE_US // 2)
        if found:
            return found
    return ()


def _read(take: Take, stream: Stream, begin_us: int, end_us: int) -> tuple[Picture, ...]:
    found: list[Picture] = []
    try:
        for _, image in take.frames(stream, begin_us, end_us):
            if image.dtype == np.uint8:
                found.append(np.asarray(image, np.uint8))
            if len(found) == MOST_PICTURES:
                break
    except GlimpseError:
        return tuple(found)  # a damaged picture; the take's problems tell of it
    return tuple(found)


def _frozen(path: Path) -> tuple[Range, ...] | None:
    """Opens the take for itself: a reader belongs to one thread."""
    try:
        with Take(path) as take:
            if not len(take.frame_times(Stream.THERMAL)):
                return None
            return freezes((t, np.asarray(image, np.uint16)) for t, image in take.frames(Stream.THERMAL))
    except GlimpseError:
        return None  # a damaged picture, or nothing at all; the take's problems tell of it
