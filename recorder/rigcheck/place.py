"""Where the face is: how far from the camera, and whether it is whole and in the middle of both pictures. Pure functions."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from protocol.analysis import FaceBox, Verdict
from protocol.streams import Stream
from recorder.measures.distance import (
    EYE_SPREAD_PX,
    FOCAL_PX,
    FOCAL_SPREAD,
    HALF_WIDTH_95,
    INTERPUPILLARY_MM,
    INTERPUPILLARY_SD_MM,
    eyes_apart_px,
)
from recorder.measures.face import face_inside
from recorder.measures.thresholds import Reading
from recorder.rigcheck import limits
from recorder.rigcheck.findings import Check, check_of, unknown, worst
from recorder.rigcheck.views import RigView

# Of the event camera first: its distance is the one that the script asks for.
FACE_STREAMS = (Stream.FRAMES, Stream.RGB)
CAMERAS: Mapping[Stream, str] = {Stream.FRAMES: "the event camera", Stream.RGB: "the colour camera"}
DAVIS_SIZE = (346, 260)
SIM_RGB_FOCAL, SIM_RGB_WIDTH = 600.0, 640  # the simulated colour camera's lens, as docs/simulator.md tells it
MEASURED_SD_MM = 1.0  # of an interocular distance read off a ruler
CM = 10.0
SIDES = {"left": "to the subject's left", "right": "to the subject's right", "up": "higher", "down": "lower"}


@dataclass(frozen=True)
class SeenIn:
    """The face as one camera shows it. box: in pixels of pictures of this resolution (width, height); faces: how many there."""

    stream: Stream
    box: FaceBox
    resolution: tuple[int, int]
    faces: int = 1


Faces = Mapping[Stream, SeenIn]


@dataclass(frozen=True)
class FocalLength:
    """A focal length in pixels. share: its standard deviation over itself; calibrated: False: by the lens's name."""

    px: float
    share: float
    calibrated: bool


def focal_length(view: RigView, stream: Stream, resolution: tuple[int, int]) -> FocalLength | None:
    """As calibrated, else as the usual lens has it: 7 mm before a DAVIS346, and the simulated cameras' own. None: not known."""
    lens = view.lenses.get(stream)
    if lens is not None and lens.fits(resolution):
        return FocalLength(lens.focal_px, lens.spread_px / lens.focal_px, calibrated=True)
    if stream is Stream.FRAMES and resolution == DAVIS_SIZE:
        return FocalLength(FOCAL_PX, FOCAL_SPREAD, calibrated=False)
    armed = view.armed
    told = armed.streams.get(stream) if armed else None
    if armed and told and stream is Stream.RGB and armed.devices[told.device].kind == "sim":
        return FocalLength(SIM_RGB_FOCAL * resolution[0] / SIM_RGB_WIDTH, FOCAL_SPREAD, calibrated=False)
    return None


def distance(view: RigView, faces: Faces) -> Check:
    """From camera to eyes, in mm: z = focal_px * interocular distance / its pixels; judged by how far outside the script's.

    Details: `distance_mm`, `uncertainty_mm` (half width of the 95 % interval; most of it is that people's eyes are 63 +- 3.8 mm
    apart, unless theirs were measured), `eyes_px`, `focal_px`, `calibrated`, `camera`, `way` and `move_mm`, which is where to
    go.
    """
    if not faces:
        return unknown("distance", "No face is seen, so its distance is not known.", "mm")
    for stream in FACE_STREAMS:
        seen = faces.get(stream)
        focal = focal_length(view, stream, seen.resolution) if seen else None
        apart_px = eyes_apart_px(seen.box) if seen else None
        if seen is not None and focal is not None and apart_px is not None:
            return _judged_distance(view, seen, focal, apart_px)
    return unknown("distance", "The lens of this camera is not known; calibrate it to know the distance.", "mm")


def _judged_distance(view: RigView, seen: SeenIn, focal: FocalLength, apart_px: float) -> Check:
    width_mm = view.interocular_mm or INTERPUPILLARY_MM
    width_sd = MEASURED_SD_MM if view.interocular_mm else INTERPUPILLARY_SD_MM
    mm = focal.px * width_mm / apart_px
    share = math.hypot(width_sd / width_mm, focal.share, EYE_SPREAD_PX[seen.box.source] / apart_px)
    nearest, farthest = view.distance_mm
    off = max(nearest - mm, mm - farthest, 0.0)
    details = {
        "distance_mm": mm,
        "uncertainty_mm": HALF_WIDTH_95 * mm * share,
        "eyes_px": apart_px,
        "focal_px": focal.px,
        "calibrated": focal.calibrated,
        "camera": seen.stream.value,
        "way": "farther" if mm < nearest else "closer" if mm > farthest else "",
        "move_mm": off,
        "distance_cm": mm / CM,
        "move_cm": max(1.0, math.ceil(off / CM)),
        "nearest_cm": nearest / CM,
        "farthest_cm": farthest / CM,
        "lens": "" if focal.calibrated else " (lens not calibrated)",
    }
    found = check_of(limits.DISTANCE, Reading(off, details))
    return Check("distance", found.level, mm, "mm", found.sentence, details)


def face_centred(view: RigView, faces: Faces) -> Check:
    """Whether the face is whole and in the middle in every camera that could show it. value: the least share inside, per cent.

    Details, by camera: `inside`, `aside_mm` (positive: it should move to the subject's right), `low_mm` (positive: higher),
    `faces`.
    """
    shown = [stream for stream in FACE_STREAMS if view.pictures.get(stream)]
    if not shown:
        return unknown("face_centred", "There are no pictures in which a face could be seen.", "%")
    found = [_in_picture(faces[stream]) for stream in shown if stream in faces]
    missing = [CAMERAS[stream] for stream in shown if stream not in faces]
    details = {key: value for one in found for key, value in one.details.items()}
    if missing:
        text = f"No face is seen by {' and '.join(missing)}; sit upright before the cameras, and look at them."
        return Check("face_centred", Verdict.CHECK, None, "%", text, details)
    level = worst(one.level for one in found)
    chosen = next(one for one in found if one.level is level)
    least = min((one.details[key]["inside"] for one in found for key in one.details), default=None)
    return Check("face_centred", level, least, "%", chosen.sentence, details)


def _in_picture(seen: SeenIn) -> Check:
    inside = face_inside(seen.box, seen.resolution).value or 0.0
    aside, low = _beside_mm(seen)
    numbers = {"inside": inside, "aside_mm": aside, "low_mm": low, "faces": seen.faces}
    camera = CAMERAS[seen.stream]
    words = {"camera": camera, "cameras": "in all pictures", "move": _move(aside, low)}
    checks = [
        check_of(limits.INSIDE, Reading(inside, words)),
        check_of(limits.CENTRED, Reading(max(abs(aside), abs(low)), words)),
    ]
    level = worst(one.level for one in checks)
    sentence = next(one.sentence for one in checks if one.level is level)
    if level is Verdict.GOOD and seen.faces > 1:
        level, sentence = Verdict.CHECK, f"{seen.faces} faces are in the picture of {camera}; see that nobody stands behind."
    return Check("face_centred", level, inside, "%", sentence, {seen.stream.value: numbers})


def _beside_mm(seen: SeenIn) -> tuple[float, float]:
    """How far the middle of the face is right of the picture's middle and below it, in mm at the face: no lens is needed."""
    box, (width, height) = seen.box, seen.resolution
    apart_px = eyes_apart_px(box) or box.width
    scale = INTERPUPILLARY_MM / apart_px
    return (box.x + box.width / 2 - width / 2) * scale, (box.y + box.height / 2 - height / 2) * scale


def _move(aside: float, low: float) -> str:
    """Where to go. The picture is not mirrored: its right is the subject's left, so who is too far there moves to the right."""
    if abs(aside) >= abs(low):
        way = SIDES["right"] if aside > 0 else SIDES["left"]
        return f"move {_cm(aside)} cm {way}"
    way = SIDES["up"] if low > 0 else SIDES["down"]
    return f"sit {_cm(low)} cm {way}, or turn the camera"


def _cm(mm: float) -> int:
    return max(1, round(abs(mm) / CM))
