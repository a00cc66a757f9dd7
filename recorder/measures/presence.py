"""Whether one face is there and only one, and where it was to be. Judges nothing and looks at no picture itself."""

from protocol.manifest import Manifest
from recorder.facebox import FaceSearch
from recorder.measures import faces
from recorder.measures.thresholds import Reading

USUAL_MM = (300.0, 400.0)  # what the default script asks for


def no_face(search: FaceSearch) -> Reading:
    """1 where pictures were looked at and show no face, 0 where they show one."""
    seen = faces.faces(search)
    return seen if seen.value is None else Reading(float(seen.value == 0), seen.details)


def more_faces(search: FaceSearch) -> Reading:
    """How many faces there are beside the largest."""
    seen = faces.faces(search)
    return seen if seen.value is None else Reading(max(0.0, seen.value - 1), seen.details)


def asked_mm(manifest: Manifest | None) -> tuple[float, float]:
    """Nearest and farthest face that the script asks for, in mm; the usual ones where nothing is said."""
    told = manifest.script.get("distance_mm") if manifest else None
    if not isinstance(told, list | tuple) or len(told) != 2 or not all(isinstance(mm, int | float) for mm in told):
        return USUAL_MM
    return float(told[0]), float(told[1])
