"""How far the face is from the event camera, from the distance of its eyes in the picture. Judges nothing.

Measures: `distance`, `distance_off`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from protocol.analysis import FaceBox
from protocol.manifest import Manifest
from recorder.measures.thresholds import Reading

# Dodgson, Variation and extrema of human interpupillary distance, Proc. SPIE 5291, 2004: 63.36 +- 3.83 mm, 3,976 grown-ups.
INTERPUPILLARY_MM, INTERPUPILLARY_SD_MM = 63.0, 3.83
FOCAL_PX = 378.0  # a 7 mm lens before the 18.5 um pixels of a DAVIS346
FOCAL_SPREAD = 0.02  # standard deviation of a lens's focal length about its name, as far as nobody calibrated it
EYE_SPREAD_PX = {"aps": 0.8, "rgb": 2.5, "events": 2.0}  # of the distance between the eyes, as measured on simulated takes
HALF_WIDTH_95 = 1.96  # standard deviations of a normal distribution
UNKNOWN = "The distance is not known, since no face was found."


@dataclass(frozen=True)
class Focal:
    """The event camera's focal length in pixels. assumed: nobody said it, so it is that of the usual lens; share: its standard
    deviation over itself.
    """

    px: float = FOCAL_PX
    assumed: bool = True
    share: float = FOCAL_SPREAD


def focal_of(manifest: Manifest | None) -> Focal:
    """The focal length that the lens was calibrated to when the take was made; else what the event camera's device says,
    `focal_px`, or `lens_mm` and `pixel_um`; else the usual one.
    """
    lenses = (manifest.rig_check or {}).get("lenses") if manifest else None
    lens = lenses.get("frames") if isinstance(lenses, Mapping) else None
    if isinstance(lens, Mapping) and (px := _positive(lens, "focal_px")) is not None:
        return Focal(px, assumed=False, share=(_positive(lens, "spread_px") or 0.0) / px)
    record = manifest.streams.get("events") if manifest else None
    devices = manifest.devices if manifest else ()
    settings = devices[record.device].settings if record and record.device < len(devices) else {}
    if (px := _positive(settings, "focal_px")) is not None:
        return Focal(px, assumed=False, share=0.0)
    lens_mm = _positive(settings, "lens_mm")
    return Focal() if lens_mm is None else Focal(1000 * lens_mm / (_positive(settings, "pixel_um") or 18.5), False, 0.0)


def _positive(settings: Mapping[str, Any], name: str) -> float | None:
    value = settings.get(name)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) and value > 0 else None


def distance(face: FaceBox | None, focal: Focal | None = None) -> Reading:
    """From the event camera to the middles of the eyeballs, in mm: focal_px * interpupillary distance / distance in pixels.

    A person who looks at the camera turns both eyes towards it, so that each pupil appears where the middle of its eyeball
    does: no correction for near vision is needed. Details: `uncertainty_mm`, half width of the 95 % interval, most of which is
    that people's eyes are 63 +- 3.8 mm apart; `eyes_px`; `focal_px`; `assumed_lens`.
    """
    focal = focal or Focal()
    apart_px = eyes_apart_px(face)
    if face is None or apart_px is None:
        return Reading(unknown=UNKNOWN)
    mm = focal.px * INTERPUPILLARY_MM / apart_px
    spreads = (
        INTERPUPILLARY_SD_MM / INTERPUPILLARY_MM,
        focal.share,
        EYE_SPREAD_PX.get(face.source, max(EYE_SPREAD_PX.values())) / apart_px,
    )
    details = {
        "uncertainty_mm": HALF_WIDTH_95 * mm * math.hypot(*spreads),
        "eyes_px": apart_px,
        "focal_px": focal.px,
        "assumed_lens": focal.assumed,
    }
    return Reading(mm, details)


def distance_off(face: FaceBox | None, asked_mm: tuple[float, float], focal: Focal | None = None) -> Reading:
    """How far the face is outside the distances that the script asks for, in mm; 0 within them.

    asked_mm: (nearest, farthest). Details: those of `distance`, and `distance_mm`, `nearest_mm`, `farthest_mm`, `way` ("closer"
    or "farther", where to go; "" within).
    """
    found = distance(face, focal)
    if found.value is None:
        return found
    below, above = asked_mm[0] - found.value, found.value - asked_mm[1]
    way = "farther" if below > 0 else "closer" if above > 0 else ""
    named = {"distance_mm": found.value, "nearest_mm": asked_mm[0], "farthest_mm": asked_mm[1], "way": way}
    return Reading(max(below, above, 0.0), {**found.details, **named})


def eyes_apart_px(face: FaceBox | None) -> float | None:
    """Distance between the eyes in pixels, None without a face or its eyes."""
    if face is None or face.left_eye is None or face.right_eye is None:
        return None
    return math.dist(face.left_eye, face.right_eye) or None
