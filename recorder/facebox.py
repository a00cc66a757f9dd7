"""Where the face of a take is: from the event camera's own pictures, else from its events, else from colour pictures.

Puts together what recorder/faces/ finds; says None rather than guess. Judges nothing and knows no label.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from protocol.analysis import FaceBox, PaperSeen
from protocol.errors import GlimpseError
from protocol.streams import Array, Stream
from recorder.activity import clean_events
from recorder.faces.blinks import eyes_from_blinks
from recorder.faces.colour import lay_over
from recorder.faces.geometry import face_box
from recorder.faces.pictures import Picture, PictureFaces, SeenFace
from recorder.faces.portrait import portraits, sweeps
from recorder.take import Take
from recorder.thinning import read_events
from recorder.video2events.faces import CascadeFinder, FaceFinder

Range = tuple[int, int]  # [start, end) in us of event time

PICTURES = 4  # are looked at, evenly over the part in which the face rests: a blink does not spoil their median
AFTER_PAPER_US = 700_000  # the hand is gone and the head has settled
UNSEEN_PAPER_US = 1_200_000  # a subject takes the paper away up to 0.7 s after being told to
# Of the portraits from events (two tones for each passing of the sheet), that many must show the face: the hand that holds the
# sheet may hide an eye in one of two.
PORTRAIT_SHARE = 0.3
SURE_EYES = 0.5  # of a portrait's eyes must have been seen, else blinks are asked
MOST_EVENTS = 30_000_000  # are looked at for blinks; of more, as lamps that flicker give, every n-th
# Colour pictures come from all of the take, since their clock may be seconds off: in a third of it there is paper or a blink.
COLOUR_PICTURES, COLOUR_SHARE = 8, 0.4


@dataclass(frozen=True)
class FaceSearch:
    """What was found. face: the largest one; count: faces that the pictures agree on, None where nothing could be looked at;
    sources: what was looked at, in that order.
    """

    face: FaceBox | None = None
    count: int | None = None
    sources: tuple[str, ...] = ()


def find_face(take: Take, events: Array | None = None, *, paper: PaperSeen | None = None) -> FaceBox | None:
    """The face of a take, None where none is seen or nothing is sure; see `search_faces`."""
    return search_faces(take, events, paper=paper).face


def search_faces(
    take: Take, events: Array | None = None, *, paper: PaperSeen | None = None, finder: FaceFinder | None = None
) -> FaceSearch:
    """The faces of a take: in its APS pictures, else in its events, else in its colour pictures laid over the events.

    events: [n] of EVENT_DTYPE, clean, where they have been read already; paper: as the events show it; finder: of faces in
    pictures, OpenCV's cascade by default. Raises Aedat4Error where nothing can be read, LandmarkError without cascades.
    """
    faces = PictureFaces(finder or CascadeFinder())
    sources: tuple[str, ...] = ()
    for pictures in _aps_pictures(take, paper):
        sources = ("aps",)
        if seen := faces.find(pictures):
            return FaceSearch(_boxed(seen[0], "aps"), len(seen), sources)
    resolution = take.resolution(Stream.EVENTS)
    if resolution is None:
        return FaceSearch(count=0 if sources else None, sources=sources)
    events = clean_events(read_events(take)[0], resolution) if events is None else events
    if face := face_in_events(events, resolution, faces):
        return FaceSearch(face, _colour_count(take, faces) or 1, (*sources, "events"))
    return _search_colour(take, events, resolution, faces, (*sources, "events"))


def _colour_pictures(take: Take) -> list[Picture]:
    return _read(take, Stream.RGB, _spread(take.frame_times(Stream.RGB), COLOUR_PICTURES))


def _colour_count(take: Take, faces: PictureFaces) -> int:
    return len(faces.find(_colour_pictures(take), COLOUR_SHARE))


def _search_colour(
    take: Take, events: Array, resolution: tuple[int, int], faces: PictureFaces, sources: tuple[str, ...]
) -> FaceSearch:
    """In colour pictures. A face that cannot be laid over the events is counted and has no place."""
    pictures = _colour_pictures(take)
    if not pictures:
        return FaceSearch(count=0 if "aps" in sources else None, sources=sources)
    seen = faces.find(pictures, COLOUR_SHARE)
    # Once more only what shows the face: of the sheet the events know nothing.
    laid = lay_over(faces.showing(pictures), events, resolution, sweeps(events, resolution)) if seen else None
    face = face_box(laid.eyes(seen[0].eyes), "rgb", seen[0].confidence * laid.likeness) if laid else None
    return FaceSearch(face, len(seen), (*sources, "rgb"))


def face_in_pictures(pictures: Sequence[Picture], finder: FaceFinder | None = None) -> FaceBox | None:
    """The largest face that APS pictures agree on. pictures: [H, W] uint8 each, of one size."""
    seen = PictureFaces(finder or CascadeFinder()).find(pictures)
    return _boxed(seen[0], "aps") if seen else None


def face_in_events(events: Array, resolution: tuple[int, int], faces: PictureFaces | None = None) -> FaceBox | None:
    """The face from events alone: in the portrait that the paper takes, else about the eyes that blink; None without either.

    Blinks also stand in for a portrait in which no eye was seen, as behind glasses. events: [n] of EVENT_DTYPE, clean;
    resolution: of the sensor.
    """
    if not len(events):
        return None
    faces = faces or PictureFaces(CascadeFinder())
    passing = sweeps(events, resolution)
    tones = [tone for tones in portraits(events, resolution, passing) for tone in tones]
    seen = faces.find(tones, PORTRAIT_SHARE)
    if seen and seen[0].eyes_share >= SURE_EYES:
        return _boxed(seen[0], "events")
    every = max(1, -(-len(events) // MOST_EVENTS))
    blinks = eyes_from_blinks(events[::every], resolution, passing)
    if blinks is not None:
        return face_box(blinks.eyes, "events", blinks.confidence)
    return _boxed(seen[0], "events") if seen else None


def _boxed(seen: SeenFace, source: str) -> FaceBox:
    return face_box(seen.eyes, source, seen.confidence)


def _aps_pictures(take: Take, paper: PaperSeen | None) -> Iterator[list[Picture]]:
    """Pictures to look at, group after group: of the resting face, of what was before the paper, of all the take."""
    times = take.frame_times(Stream.FRAMES)
    for span in (*_rest_spans(take, paper), None) if len(times) else ():
        inside = times if span is None else times[(times >= span[0]) & (times < span[1])]
        if pictures := _read(take, Stream.FRAMES, _spread(inside, PICTURES)):
            yield pictures


def _rest_spans(take: Take, paper: PaperSeen | None) -> Iterator[Range]:
    manifest = take.manifest if take.manifest_problem is None else None
    if manifest is None or manifest.cue_us is None:
        return
    if paper is not None and paper.out_us is not None:
        yield paper.out_us + AFTER_PAPER_US, manifest.cue_us
    elif manifest.t0_us is not None:
        yield manifest.t0_us + AFTER_PAPER_US, manifest.cue_us
    elif manifest.t0_scheduled_us is not None:
        yield manifest.t0_scheduled_us + UNSEEN_PAPER_US, manifest.cue_us
    if len(manifest.steps) > 1:
        yield manifest.steps[0].at_us, manifest.steps[1].at_us


def _spread(times: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most that many of the times, evenly, and none twice."""
    times = np.unique(times)
    if len(times) <= most:
        return times
    return np.asarray(times[np.linspace(0, len(times) - 1, most + 2).round().astype(int)[1:-1]])


def _read(take: Take, stream: Stream, times: NDArray[np.int64]) -> list[Picture]:
    """The first picture of each of the times: a damaged table may give one time to all of them."""
    found: list[Picture] = []
    for time in times:
        try:
            found += [np.asarray(image, np.uint8) for _, image in islice(take.frames(stream, int(time), int(time) + 1), 1)]
        except GlimpseError:
            continue  # a damaged picture; the take's problems tell of it
    return [picture for picture in found if picture.shape[:2] == found[0].shape[:2]]
