"""Whether the face lies in the event camera's picture, and how large it is there. Judges nothing.

Measures: `face_inside`, `face_margin`, `face_size`.
"""

from protocol.analysis import FaceBox
from recorder.measures.thresholds import Reading

UNKNOWN = "No face was found in the picture."
SIDES = ("left", "top", "right", "bottom")


def face_inside(face: FaceBox | None, resolution: tuple[int, int]) -> Reading:
    """Share of the face's box that lies on the sensor, in per cent. resolution: (width, height).

    Details: `side`, the one over which most of it reaches, "" where none; `confidence`; `source`.
    """
    if face is None or face.width <= 0 or face.height <= 0:
        return Reading(unknown=UNKNOWN)
    margins = _margins(face, resolution)
    shown = [
        max(0.0, size + min(before, 0.0) + min(after, 0.0)) / size
        for size, before, after in ((face.width, margins[0], margins[2]), (face.height, margins[1], margins[3]))
    ]
    details = {"side": _worst(margins), "confidence": face.confidence, "source": face.source}
    return Reading(100 * shown[0] * shown[1], details)


def face_margin(face: FaceBox | None, resolution: tuple[int, int]) -> Reading:
    """The least distance of the face's box from an edge of the sensor, in pixels; negative where it reaches beyond.

    Details: `left`, `top`, `right`, `bottom`, the distances; `side`, the worst one that is negative, else "".
    """
    if face is None:
        return Reading(unknown=UNKNOWN)
    margins = _margins(face, resolution)
    return Reading(min(margins), {**dict(zip(SIDES, margins, strict=True)), "side": _worst(margins)})


def face_size(face: FaceBox | None, resolution: tuple[int, int]) -> Reading:
    """Height of the face, hairline to chin, in per cent of the sensor's height. Details: `height_px`, `width_px`."""
    if face is None or resolution[1] <= 0:
        return Reading(unknown=UNKNOWN)
    return Reading(100 * face.height / resolution[1], {"height_px": face.height, "width_px": face.width})


def _margins(face: FaceBox, resolution: tuple[int, int]) -> tuple[float, float, float, float]:
    """Left, top, right, bottom."""
    return face.x, face.y, resolution[0] - face.x - face.width, resolution[1] - face.y - face.height


def _worst(margins: tuple[float, ...]) -> str:
    return SIDES[margins.index(min(margins))] if min(margins) < 0 else ""
