"""How well the face is found: beside OpenCV's face cascade alone, on simulated takes, whose eyes are known to the pixel.

    python benchmarks/face.py [--data DIR ...] [--takes N] [--jobs N] [--each]

DIR: data sets of `glimpse simulate`; without --data a small one is made first. The peer is what one writes in ten lines:
haarcascade_frontalface_default with its usual settings, the largest box, the median over the same number of pictures. It knows
no eyes and no distance; to be generous, where they lie in its box is fitted to the truth of the very takes that are tested.
True eyes are the middles of the eyeballs while the face rests before the cue, medians; the true box reaches over the jaw's
outline and down to the chin, and up by the proportions of docs/methods/face.md, since no hairline is marked on a head. The
distance is held against the manifest's truth. Seconds are of one processor core; that the events are read is not counted.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from simulated import takes_of

from app.pool import each_take
from protocol.analysis import FaceBox
from protocol.manifest import Manifest
from protocol.streams import Array, Stream
from recorder.activity import clean_events
from recorder.facebox import face_in_events, face_in_pictures, search_faces
from recorder.faces.colour import lay_over
from recorder.faces.geometry import ABOVE, face_box
from recorder.faces.pictures import PictureFaces
from recorder.faces.portrait import sweeps
from recorder.measures.distance import distance, focal_of
from recorder.sim.body import Body
from recorder.sim.casting import cast
from recorder.sim.head import Part
from recorder.sim.options import parse_options
from recorder.sim.view import EVENT_VIEW
from recorder.take import Take
from recorder.video2events.faces import CascadeFinder

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]

REST_US = (2_500_000, 300_000)  # before the cue: the face is at rest
MOMENTS = 5
PICTURES, COLOUR_PICTURES = 4, 8  # as many as recorder/facebox.py looks at
LEAST_SHARE, COLOUR_SHARE = 0.5, 0.4  # of them in which a face must be seen, also as there
PEER = "haarcascade_frontalface_default.xml"
PEER_STEP, PEER_VOTES = 1.1, 5  # what tutorials write
JAW, CHIN = slice(0, 17), 8  # of the 68 landmarks (iBUG 300-W)
OURS = {
    "as used": "all ways, in their order",
    "aps": "APS pictures",
    "events": "events alone",
    "colour": "colour laid over events",
}
PEERS = {"cascade aps": "cascade, APS pictures", "cascade colour": "cascade, colour pictures"}


@dataclass(frozen=True)
class Truth:
    """In pixels of the event camera. eyes: [2, 2], the left one first; box: (left, top, right, bottom)."""

    eyes: Floats
    box: Floats
    distance_mm: float


@dataclass(frozen=True)
class Found:
    """What one way found. face: in the event camera's pixels; box: a cascade's own, (left, top, right, bottom) in the pixels of
    its pictures; distance_mm with its half width of the 95 % interval, where the way tells them.
    """

    cpu_s: float
    face: FaceBox | None = None
    box: Floats | None = None
    distance_mm: float | None = None
    uncertainty_mm: float | None = None


@dataclass(frozen=True)
class Case:
    """One take. found: by way; a way of which the take has no stream is missing."""

    path: Path
    mistake: str | None
    truth: Truth
    found: Mapping[str, Found]


def look(path: Path) -> Case:
    """The face of one take by every way."""
    cv2.setNumThreads(1)
    with Take(path) as take:
        manifest, resolution = take.manifest, take.resolution(Stream.EVENTS)
        if manifest is None or not manifest.truth or resolution is None:
            raise SystemExit(f"{path} is no simulated take with its truth; make some with `glimpse simulate`.")
        events = clean_events(take.events(), resolution)
        found = dict(_ways(take, manifest, events, resolution))
        return Case(path, manifest.truth["mistake"], truth_of(manifest), found)


def truth_of(manifest: Manifest) -> Truth:
    """The eyes and the face of the take's subject, played once more."""
    told: Any = manifest.truth
    play = cast(told["subject"]["seed"], parse_options(manifest.devices[0].settings["options"]))
    body = Body(play.mesh, play.look.offsets, play.look.pieces)
    cue_us = manifest.stop_us if manifest.cue_us is None else manifest.cue_us
    if cue_us is None:
        raise SystemExit("A take that was never ended has no rest to compare with; run `glimpse recover` first.")
    eyes, faces = [], []
    for t_us in np.linspace(cue_us - REST_US[0], cue_us - REST_US[1], MOMENTS).astype(int):
        points = _seen(body.points(play.performer.face(int(t_us)), play.traits.place, play.traits.distance_mm))
        balls = [
            points[: len(play.mesh.parts)][play.mesh.parts == part].mean(axis=0) for part in (Part.EYE_RIGHT, Part.EYE_LEFT)
        ]
        jaw = points[play.mesh.landmarks][JAW]
        top = np.mean(balls, axis=0)[1] - ABOVE * np.linalg.norm(balls[0] - balls[1])
        eyes.append(sorted(balls, key=lambda ball: float(ball[0])))
        faces.append([jaw[:, 0].min(), top, jaw[:, 0].max(), jaw[CHIN, 1]])
    return Truth(np.median(eyes, axis=0), np.median(faces, axis=0), float(told["distance_mm"]))


def _seen(world: NDArray[np.float32]) -> Floats:
    """Pixels of world points, [V, 2]."""
    points = EVENT_VIEW.to_camera(world).astype(np.float64)
    middle = np.array(EVENT_VIEW.size) / 2
    return np.asarray(EVENT_VIEW.focal_px * points[:, :2] / points[:, 2:] + middle)


def _ways(take: Take, manifest: Manifest, events: Array, resolution: tuple[int, int]) -> Iterator[tuple[str, Found]]:
    def timed(find: Callable[[], FaceBox | None]) -> Found:
        begin_s = time.process_time()
        face = find()
        cpu_s, reading = time.process_time() - begin_s, distance(face, focal_of(manifest))
        return Found(cpu_s, face, None, reading.value, reading.details.get("uncertainty_mm"))

    rest = _rest(take, manifest)
    yield "as used", timed(lambda: search_faces(take, events).face)
    yield "events", timed(lambda: face_in_events(events, resolution))
    if len(rest):
        yield "aps", timed(lambda: face_in_pictures(_pictures(take, Stream.FRAMES, rest)))
        yield "cascade aps", _peer(take, Stream.FRAMES, rest, LEAST_SHARE)
    colour = _spread(take.frame_times(Stream.RGB), COLOUR_PICTURES)
    if len(colour):
        yield "colour", timed(lambda: _laid_over(_pictures(take, Stream.RGB, colour), events, resolution))
        yield "cascade colour", _peer(take, Stream.RGB, colour, COLOUR_SHARE)


def _rest(take: Take, manifest: Manifest) -> NDArray[np.int64]:
    times, cue_us = take.frame_times(Stream.FRAMES), manifest.cue_us
    if cue_us is not None:
        times = times[(times >= cue_us - REST_US[0]) & (times < cue_us - REST_US[1])]
    return _spread(times, PICTURES)


def _spread(times: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most that many of the times, evenly."""
    if len(times) <= most:
        return times
    return np.asarray(times[np.linspace(0, len(times) - 1, most + 2).round().astype(int)[1:-1]])


def _pictures(take: Take, stream: Stream, times: NDArray[np.int64]) -> list[Picture]:
    return [np.asarray(image, np.uint8) for t_us in times for _, image in take.frames(stream, int(t_us), int(t_us) + 1)]


def _laid_over(pictures: Sequence[Picture], events: Array, resolution: tuple[int, int]) -> FaceBox | None:
    """By the colour pictures even where the events alone show a face."""
    faces = PictureFaces(CascadeFinder())
    seen = faces.find(pictures, COLOUR_SHARE)
    laid = lay_over(faces.showing(pictures), events, resolution, sweeps(events, resolution)) if seen else None
    return face_box(laid.eyes(seen[0].eyes), "rgb", seen[0].confidence * laid.likeness) if laid else None


def _peer(take: Take, stream: Stream, times: NDArray[np.int64], least_share: float) -> Found:
    begin_s = time.process_time()
    cascade = cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / PEER))
    boxes = []
    for picture in _pictures(take, stream, times):
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) if picture.ndim == 3 else picture
        seen = cascade.detectMultiScale(grey, PEER_STEP, PEER_VOTES)
        boxes += [max(seen, key=lambda box: int(box[2]))] if len(seen) else []
    if len(boxes) < max(1, least_share * len(times)):
        return Found(time.process_time() - begin_s)
    x, y, width, height = np.median(np.array(boxes, float), axis=0)
    return Found(time.process_time() - begin_s, box=np.array([x, y, x + width, y + height]))


def fitted(cases: Sequence[Case], way: str, *, places: bool) -> list[Case]:
    """A cascade's boxes turned into eyes, face and distance as they fit these takes best. places: its pictures have the event
    camera's pixels, so that more than the distance can be told.
    """
    seen = [case for case in cases if way in case.found and case.found[way].box is not None]
    if not seen:
        return list(cases)
    size = np.median([case.truth.distance_mm * _width(case.found[way]) for case in seen])
    inside = np.median([_within(case.truth, case.found[way]) for case in seen], axis=0)
    return [_turned(case, way, float(size), inside if places else None) if case in seen else case for case in cases]


def _width(found: Found) -> float:
    assert found.box is not None
    return float(found.box[2] - found.box[0])


def _within(truth: Truth, found: Found) -> Floats:
    """Eyes and corners of the true face, [4, 2], in widths of the cascade's box from its left upper corner."""
    assert found.box is not None
    points = np.concatenate([truth.eyes, truth.box.reshape(2, 2)])
    return np.asarray((points - found.box[:2]) / _width(found))


def _turned(case: Case, way: str, size: float, inside: Floats | None) -> Case:
    found = case.found[way]
    assert found.box is not None
    face = None
    if inside is not None:
        (left, right, first, last) = [tuple(point) for point in found.box[:2] + inside * _width(found)]
        x, y, width, height = first[0], first[1], last[0] - first[0], last[1] - first[1]
        face = FaceBox(x=x, y=y, width=width, height=height, left_eye=left, right_eye=right, source="cascade")
    better = Found(found.cpu_s, face, found.box, size / _width(found))
    return Case(case.path, case.mistake, case.truth, {**case.found, way: better})


def eye_errors(case: Case, way: str) -> list[float]:
    """Of both eyes, in pixels; empty where nothing was found."""
    face = case.found[way].face
    if face is None or face.left_eye is None or face.right_eye is None:
        return []
    return [float(error) for error in np.linalg.norm(np.array([face.left_eye, face.right_eye]) - case.truth.eyes, axis=1)]


def overlap(case: Case, way: str) -> float | None:
    """Intersection over union with the true box."""
    face = case.found[way].face
    if face is None:
        return None
    box, true = np.array([face.x, face.y, face.x + face.width, face.y + face.height]), case.truth.box
    shared = np.prod(np.clip(np.minimum(box[2:], true[2:]) - np.maximum(box[:2], true[:2]), 0, None))
    return float(shared / (np.prod(box[2:] - box[:2]) + np.prod(true[2:] - true[:2]) - shared))


def distance_error(case: Case, way: str) -> float | None:
    """Share of the true distance, with its sign."""
    found = case.found[way].distance_mm
    return None if found is None else found / case.truth.distance_mm - 1


def report(cases: Sequence[Case]) -> None:
    """Print the table."""
    print(f"\n{'':26}{'found':>9}{'eyes, px':>14}{'distance, %':>14}{'in 95 %':>10}{'overlap':>14}{'s of one core':>15}")
    print(f"{'':26}{'':>9}{'median p95':>14}{'median p95':>14}{'':>10}{'median p5':>14}{'median p95':>15}")
    for way, name in (OURS | PEERS).items():
        if some := [case for case in cases if way in case.found]:
            _row(name, some, way)


def _row(name: str, cases: Sequence[Case], way: str) -> None:
    found = [case for case in cases if case.found[way].face is not None or case.found[way].distance_mm is not None]
    eyes = [error for case in found for error in eye_errors(case, way)]
    distances = [100 * abs(error) for case in found if (error := distance_error(case, way)) is not None]
    overlaps = [shared for case in found if (shared := overlap(case, way)) is not None]
    stated = [
        abs(one.distance_mm - case.truth.distance_mm) <= one.uncertainty_mm
        for case in found
        if (one := case.found[way]).distance_mm is not None and one.uncertainty_mm is not None
    ]
    held = f"{np.mean(stated):.0%}" if stated else "-"
    seconds = [case.found[way].cpu_s for case in cases]
    print(
        f"{name:26}{f'{len(found)}/{len(cases)}':>9}{_two(eyes, 95, 1):>14}{_two(distances, 95, 1):>14}{held:>10}"
        f"{_two(overlaps, 5, 2):>14}{_two(seconds, 95, 2):>15}"
    )


def _two(values: Sequence[float], percent: int, digits: int) -> str:
    if not values:
        return "-"
    return f"{np.median(values):.{digits}f} {np.percentile(values, percent):6.{digits}f}"


def each(cases: Sequence[Case]) -> None:
    """One line a take: the way that was used."""
    for case in cases:
        face, error = case.found["as used"].face, distance_error(case, "as used")
        seen = "nothing" if face is None else f"{face.source}, confidence {face.confidence:.2f}, eyes off by "
        seen += " and ".join(f"{error:.1f}" for error in eye_errors(case, "as used")) + " px" if face else ""
        print(f"{case.path.name:32} {case.mistake or '':15} {seen}" + ("" if error is None else f", distance {error:+.1%}"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", help="data set of `glimpse simulate`; may be repeated")
    parser.add_argument("--takes", type=int, default=14, help="how many are made without --data")
    parser.add_argument("--jobs", type=int, default=1, help="takes at the same time (more than one disturbs the times)")
    parser.add_argument("--each", action="store_true", help="also one line a take")
    wishes = parser.parse_args()
    with takes_of(wishes.data, wishes.takes, "--seed", "61") as entries:
        done = each_take(look, entries, "Looking", wishes.jobs)
    if problems := [one.problem for one in done if one.problem]:
        sys.exit(problems[0])
    cases = [one.result for one in done if one.result is not None]
    for way in PEERS:
        cases = fitted(cases, way, places=way == "cascade aps")
    subjects = len({case.path.parent for case in cases})
    print(
        f"{len(cases)} takes of {subjects} subjects, {sum(case.mistake is not None for case in cases)} of them with a mistake"
    )
    report(cases)
    if wishes.each:
        each(cases)


if __name__ == "__main__":
    main()
