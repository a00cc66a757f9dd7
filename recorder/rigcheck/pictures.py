"""What the pictures show of the rig: focus, background, light, exposure. Pure functions on a few pictures and a face box."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from protocol.analysis import FaceBox, Verdict
from protocol.streams import Stream
from recorder.measures.light import USUAL_FACE, brightness, evenness, white_share
from recorder.measures.thresholds import Reading
from recorder.rigcheck import limits
from recorder.rigcheck.findings import Check, check_of, unknown, worst
from recorder.rigcheck.place import CAMERAS, FACE_STREAMS, Faces
from recorder.rigcheck.views import RigView, Snap
from recorder.sources.pictures import opencv

Floats = NDArray[np.float32]
Region = tuple[int, int, int, int]  # left, top, right, bottom in pixels

# Of the squared slope, per pixel: below it there is nothing in the picture whose sharpness could be told.
LEAST_SLOPE = 0.2  # (grey levels / px)^2; a face in even light gives 5 and more
SMOOTH_PX = 1.0
SHARPEST_PX = 0.3  # of a pixel as wide as the grid that collects light all over it: 1 / sqrt(12)
SMALL_PX = 360  # wider pictures are shrunk to this for the background: a DAVIS has 346
TILES_ACROSS = 22
SHADING_PX = 8.0  # light falls off over more than this, a pattern does not
CONTRAST = 0.04  # standard deviation over mean; a plain wall gave 0.01 with the noise of a DAVIS346 in it
BLACK = 8.0  # grey levels: without them the noise of a black wall is contrast
# In widths and heights of the face: hair stands off so far, and from the chin down there are shoulders.
HAIR_ASIDE, HAIR_ABOVE, CHIN = 0.45, 0.35, 0.95
LEAST_TILES = 12


def grey_floats(image: NDArray[np.uint8]) -> Floats:
    """A picture [H, W] or [H, W, 3] BGR as grey levels, float32 [H, W]."""
    grey = opencv().cvtColor(image, opencv().COLOR_BGR2GRAY) if image.ndim == 3 else image
    return np.asarray(grey, np.float32)


def blur_px(one: Floats, other: Floats) -> float | None:
    """How blurred a picture is: the standard deviation, in pixels, of the Gaussian that would blur a sharp edge like this.

    Along an edge that a Gaussian has blurred, int I'^2 = 1 / (2 sqrt(pi) sigma) and int I''^2 = 1 / (4 sqrt(pi) sigma^3), so
    sigma^2 = int I'^2 / (2 int I''^2), whatever its height and direction. Both integrals are taken over all of the picture, of
    two pictures that were taken one after the other and with the product of the two in place of the square: noise, which is
    another in each, averages out. It is smoothed by `SMOOTH_PX` before, which is taken off again, as otherwise noise hides the
    bends of what is much blurred. A face that moved between them is blurred by that. [H, W] each; None without contrast.
    """
    cv2 = opencv()
    one, other = (cv2.GaussianBlur(image, (0, 0), SMOOTH_PX) for image in (one, other))
    slopes = sum(_product(*(cv2.Sobel(image, cv2.CV_32F, dx, 1 - dx, ksize=1) for image in (one, other))) / 4 for dx in (0, 1))
    bends = _product(*(cv2.Laplacian(image, cv2.CV_32F, ksize=1) for image in (one, other)))
    if slopes < LEAST_SLOPE * one.size or bends <= 0:
        return None
    return float(np.sqrt(max(slopes / (2 * bends) - SMOOTH_PX**2, SHARPEST_PX**2)))


def _product(one: Floats, other: Floats) -> float:
    """Sum of the products, without the outermost pixels, whose neighbours are made up."""
    return float(np.vdot(np.ascontiguousarray(one[1:-1, 1:-1]), np.ascontiguousarray(other[1:-1, 1:-1])))


class FocusMemory:
    """Remembers the sharpest picture of each camera since the program began."""

    def __init__(self) -> None:
        self._best: dict[tuple[Stream, tuple[int, ...]], float] = {}

    def look(self, view: RigView, faces: Faces) -> Check:
        """Sharpness of the face in every camera that shows it (of the middle of the picture where there is none), by itself and
        beside the sharpest so far. value: blur in pixels of the worst. Details, by camera: `blur`, `best`.
        """
        checks = [check for stream in FACE_STREAMS if (check := self._focus(view, stream, faces)) is not None]
        details = {key: value for check in checks for key, value in check.details.items()}
        if not checks:
            return unknown("focus", "There is nothing in the pictures whose sharpness could be told.", "px")
        level = worst(check.level for check in checks)
        chosen = max((check for check in checks if check.level is level), key=lambda check: check.value or 0.0)
        return Check("focus", level, chosen.value, "px", chosen.sentence, details)

    def _focus(self, view: RigView, stream: Stream, faces: Faces) -> Check | None:
        snaps = view.pictures.get(stream, ())
        size = snaps[-1].image.shape[:2] if snaps else ()
        blur = _sharpest(snaps, faces[stream].box if stream in faces else None)
        if blur is None:
            return None
        best = self._best[stream, size] = min(blur, self._best.get((stream, size), blur))
        numbers = {"camera": CAMERAS[stream], "cameras": f"{blur:.1f} px", "best": best, "blur": blur}
        beside = check_of(limits.FOCUS_WORSE, Reading(math.sqrt(blur**2 - best**2), numbers))
        alone = check_of(limits.FOCUS, Reading(blur, numbers))
        level = worst((alone.level, beside.level))
        sentence = alone.sentence if alone.level is level else beside.sentence
        return Check("focus", level, blur, "px", sentence, {stream.value: {"blur": blur, "best": best}})


def _sharpest(snaps: Sequence[Snap], face: FaceBox | None) -> float | None:
    """Least blur of two pictures that follow each other: a head that moves, or a blink, spoils one pair and not the next."""
    if len(snaps) < 2 or snaps[-1].image.shape != snaps[-2].image.shape:
        return None
    left, top, right, bottom = face_region(face, snaps[-1].image.shape)
    alike = [snap.image for snap in snaps[-3:] if snap.image.shape == snaps[-1].image.shape]
    cut = [grey_floats(image[top:bottom, left:right]) for image in alike]
    found = [blur for one, other in pairwise(cut) if (blur := blur_px(one, other)) is not None]
    return min(found, default=None)


def face_region(face: FaceBox | None, shape: Sequence[int]) -> Region:
    """The pixels of a face, within a picture of this shape; of where a face usually is without one."""
    height, width = shape[0], shape[1]
    shares = _shares(face, width, height) or USUAL_FACE
    left, right = (min(max(round(share * width), 0), width) for share in (shares[0], shares[2]))
    top, bottom = (min(max(round(share * height), 0), height) for share in (shares[1], shares[3]))
    return (left, top, right, bottom) if right - left > 8 and bottom - top > 8 else (0, 0, width, height)


def _shares(face: FaceBox | None, width: int, height: int) -> tuple[float, float, float, float] | None:
    if face is None:
        return None
    return face.x / width, face.y / height, (face.x + face.width) / width, (face.y + face.height) / height


def background(view: RigView, faces: Faces) -> Check:
    """How much of the picture beside the head is not plain. Details: `camera`, `tiles`, how many were looked at."""
    for stream in FACE_STREAMS:
        snaps = view.pictures.get(stream, ())
        if snaps:
            share, tiles = textured_share(_mean(snaps), faces[stream].box if stream in faces else None)
            if share is None:
                return unknown("background", "The head fills the picture, so nothing of the background is seen.", "%")
            return check_of(limits.BACKGROUND, Reading(100 * share, {"camera": CAMERAS[stream], "tiles": tiles}))
    return unknown("background", "There are no pictures of the background.", "%")


def _mean(snaps: Sequence[Snap]) -> Floats:
    """The mean of the pictures, in which a wall has less noise: float32 [H, W]."""
    alike = [grey_floats(snap.image) for snap in snaps if snap.image.shape == snaps[-1].image.shape]
    return np.asarray(np.mean(alike, axis=0), np.float32)


def textured_share(grey: Floats, face: FaceBox | None) -> tuple[float | None, int]:
    """Share of tiles beside the head that hold more than shading, and how many tiles there are; None where there are too few.

    A tile is a 22nd of the width. Of each the standard deviation is taken of what differs from a blurred picture, over its mean
    brightness. grey: [H, W], in whose pixels the face is.
    """
    cv2 = opencv()
    factor = min(1.0, SMALL_PX / grey.shape[1])
    small = grey if factor >= 1 else cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    detail = small - cv2.GaussianBlur(small, (0, 0), SHADING_PX)
    tile = -(-small.shape[1] // TILES_ACROSS)
    contrast = np.sqrt(_tiled(detail * detail, tile)) / (_tiled(small, tile) + BLACK)
    beside = _beside_head(contrast.shape, tile / factor, grey.shape, face)
    count = int(beside.sum())
    return (float((contrast[beside] > CONTRAST).mean()) if count >= LEAST_TILES else None), count


def _tiled(image: Floats, tile: int) -> Floats:
    """Mean of each whole tile, [GY, GX]."""
    rows, columns = image.shape[0] // tile, image.shape[1] // tile
    return np.asarray(image[: rows * tile, : columns * tile].reshape(rows, tile, columns, tile).mean(axis=(1, 3)))


def _beside_head(
    tiles: tuple[int, ...], tile_px: float, shape: tuple[int, ...], face: FaceBox | None
) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
    left, top, right, bottom = _shares(face, shape[1], shape[0]) or USUAL_FACE
    wide, high = right - left, bottom - top
    y, x = np.mgrid[: tiles[0], : tiles[1]]
    x, y = (x + 0.5) * tile_px / shape[1], (y + 0.5) * tile_px / shape[0]
    aside = (x < left - HAIR_ASIDE * wide) | (x > right + HAIR_ASIDE * wide) | (y < top - HAIR_ABOVE * high)
    return np.asarray(aside & (y < top + CHIN * high))


def light_even(view: RigView, faces: Faces) -> Check:
    """How much the halves of the face differ in brightness. Details: `darker` half, "left" or "right" in the picture."""
    for stream in FACE_STREAMS:
        if stream in faces and view.pictures.get(stream):
            pictures, shares = _faces_of(view, stream, faces)
            return check_of(limits.LIGHT, evenness(pictures, shares))
    return unknown("light_even", "No face is seen, so the light on it cannot be judged.", "%")


def exposure(view: RigView, faces: Faces) -> Check:
    """Whether the face is bright enough and not too bright, in the worst of the cameras. value: its mean grey level.

    Details, by camera: `mean` grey level of 255, `white` pixels in per cent.
    """
    checks = [_exposed(view, stream, faces) for stream in FACE_STREAMS if view.pictures.get(stream)]
    if not checks:
        return unknown("exposure", "There are no pictures whose brightness could be told.", limits.DARK.unit)
    level = worst(check.level for check in checks)
    chosen = next(check for check in checks if check.level is level)
    details: Mapping[str, object] = {key: value for check in checks for key, value in check.details.items()}
    return Check("exposure", level, chosen.value, chosen.unit, chosen.sentence, details)


def _exposed(view: RigView, stream: Stream, faces: Faces) -> Check:
    pictures, shares = _faces_of(view, stream, faces)
    mean, white = brightness(pictures, shares), white_share(pictures, shares)
    camera = {"camera": CAMERAS[stream]}
    dark, bright = check_of(limits.DARK, Reading(mean.value, camera)), check_of(limits.WHITE, Reading(white.value, camera))
    chosen = bright if bright.level is not Verdict.GOOD and dark.level is Verdict.GOOD else dark
    numbers = {"mean": mean.value, "white": white.value}
    return Check("exposure", chosen.level, mean.value, limits.DARK.unit, chosen.sentence, {stream.value: numbers})


def _faces_of(
    view: RigView, stream: Stream, faces: Faces
) -> tuple[list[NDArray[np.uint8]], tuple[float, float, float, float] | None]:
    """The newest picture of a camera, and the face in shares of it."""
    image = view.pictures[stream][-1].image
    return [image], _shares(faces[stream].box if stream in faces else None, image.shape[1], image.shape[0])
