"""Brushes for the cylinder textures of a head: where each texel lies in space, soft lines, filled shapes, blobs, noise.

Knows landmarks, but neither skin nor hair: what is painted is decided elsewhere. All masks are float32 [SIZE, SIZE], 0 ... 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from recorder.sim.head import Floats, HeadMesh, Ints, Part
from recorder.sim.raster import NOTHING, cleared, draw
from recorder.sim.texture import AXIS_MM, SIZE, SPAN_MM, TOP_MM, TURN, texture_coordinates

SMALL = SIZE // 4  # side of the maps in which what is soft is painted
MM_A_TEXEL = SPAN_MM / (SIZE - 1)  # downwards; across it depends on the distance from the axis
_SHIFT = 4  # fractional bits of OpenCV's drawing coordinates
_FAR_MM = 1000.0
_SEAM = 6  # columns at the back of the head where the map is cut


@dataclass(frozen=True)
class Canvas:
    """The texture domain of one head at rest.

    points: float32 [SIZE, SIZE, 3], the outermost point of the skin at each texel in mm; small: the same at every fourth;
    stretch: float32 [SIZE, SIZE], mm on the skin along the longer side of a texel; marks: float32 [68, 3], the landmarks in mm;
    texels: float32 [68, 2], their columns and rows.
    """

    points: Floats
    small: Floats
    stretch: Floats
    marks: Floats
    texels: Floats


def canvas(mesh: HeadMesh) -> Canvas:
    """The canvas of a head."""
    points = _filled(*_points_of_texels(mesh))
    across, down = (np.linalg.norm(np.gradient(points, axis=axis), axis=2) for axis in (1, 0))
    marks = np.asarray(mesh.rest[mesh.landmarks], np.float32)
    stretch = np.maximum(across, down).astype(np.float32)
    return Canvas(points, np.ascontiguousarray(points[2::4, 2::4]), stretch, marks, texture_coordinates(marks))


def _points_of_texels(mesh: HeadMesh) -> tuple[Floats, NDArray[np.bool_]]:
    """Points [SIZE, SIZE, 3] of the texels that skin covers, and which those are."""
    texels = texture_coordinates(mesh.rest)
    skin = mesh.triangles[(mesh.parts[mesh.triangles] == Part.SKIN).all(axis=1)]
    columns = texels[skin, 0]
    skin = np.ascontiguousarray(skin[np.ptp(columns, axis=1) < SIZE / 2])  # not those across the seam at the back
    radius = np.hypot(mesh.rest[:, 0], mesh.rest[:, 2] + AXIS_MM)
    screen = np.column_stack([(texels + 0.5) / 2, _FAR_MM - radius]).astype(np.float32)
    ids, depth = cleared(SIZE // 2, SIZE // 2)
    draw(screen, skin, ids, depth)
    covered = ids != NOTHING
    rows, cols = np.nonzero(covered)
    corners = skin[ids[rows, cols]]
    weights = _weights(np.column_stack([cols, rows]).astype(np.float32), texels[corners])
    points = np.zeros((SIZE, SIZE, 3), np.float32)
    points[rows, cols] = np.einsum("nk,nkd->nd", weights, mesh.rest[corners])
    return points, covered


def _weights(at: Floats, corners: Floats) -> Floats:
    """Barycentric weights [n, 3] of points [n, 2] in triangles [n, 3, 2]."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    area = _cross(b - a, c - a)
    area = np.where(np.abs(area) < 1e-9, 1e-9, area)
    wb, wc = _cross(at - a, c - a) / area, _cross(b - a, at - a) / area
    return np.stack([1 - wb - wc, wb, wc], axis=1).astype(np.float32)


def _cross(u: Floats, v: Floats) -> Floats:
    return np.asarray(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])


def _filled(points: Floats, covered: NDArray[np.bool_]) -> Floats:
    """Texels that no skin covers get their nearest neighbour's point."""
    holes = (~covered).astype(np.uint8)
    _, labels = cv2.distanceTransformWithLabels(holes, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    nearest = np.zeros((labels.max() + 1, 3), np.float32)
    nearest[labels[covered]] = points[covered]
    return np.asarray(nearest[labels])


def radius_mm(on: Canvas, angle: NDArray[np.floating], height_mm: NDArray[np.floating]) -> Floats:
    """How far the skin stands from the cylinder's axis at angles (radians, 0 at the front) and heights, float32."""
    row, column = texels_at(angle, height_mm)
    points = on.points[row, np.clip(column, _SEAM, SIZE - 1 - _SEAM)]
    return np.asarray(np.hypot(points[..., 0], points[..., 2] + AXIS_MM), np.float32)


def texels_at(angle: NDArray[np.floating], height_mm: NDArray[np.floating]) -> tuple[Ints, Ints]:
    """(rows, columns) of angles and heights; what is behind or beyond has the nearest."""
    around = (angle + np.pi) % (2 * np.pi) - np.pi
    column = np.clip(0.5 + around / TURN, 0, 1) * (SIZE - 1)
    row = np.clip((TOP_MM - height_mm) / SPAN_MM, 0, 1) * (SIZE - 1)
    return np.round(row).astype(np.int32), np.round(column).astype(np.int32)


def enlarged(mask: Floats) -> Floats:
    """A map painted at [SMALL, SMALL] at full size."""
    return np.asarray(cv2.resize(mask, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR), np.float32)


def blob(on: Canvas, centre: Floats, reach_mm: tuple[float, float, float] | float) -> Floats:
    """A Gaussian in space about a point [3], of that standard deviation in mm (x, y, z), at [SMALL, SMALL]."""
    apart = (on.small - centre) / np.asarray(reach_mm, np.float32)
    return np.asarray(np.exp(-0.5 * np.einsum("ijk,ijk->ij", apart, apart)), np.float32)


def curve(points: Floats, steps: int = 12, *, closed: bool = False) -> Floats:
    """A Catmull-Rom spline through points [n, d], `steps` a piece (Catmull & Rom 1974)."""
    p = np.concatenate([points[-1:], points, points[:2]]) if closed else np.concatenate([points[:1], points, points[-1:]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None, None]
    a, b, c, d = p[:-3], p[1:-2], p[2:-1], p[3:]
    x = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    inner = x.transpose(1, 0, 2).reshape(-1, points.shape[1])
    return np.asarray(inner if closed else np.concatenate([inner, points[-1:]]), np.float32)


def lines(paths: Sequence[Floats], widths_mm: Sequence[float], strength: Sequence[float], soft_mm: float) -> Floats:
    """Soft lines along paths [n, 2] of (column, row); widths at the middle, tapering to the ends; strength 0 ... 1."""
    mask = np.zeros((SIZE, SIZE), np.float32)
    for path, width_mm, amount in zip(paths, widths_mm, strength, strict=True):
        along = np.sin(np.linspace(0.12, np.pi - 0.12, len(path) - 1))
        for start, end, swell in zip(path[:-1], path[1:], along, strict=True):
            thick = max(1, round(width_mm / MM_A_TEXEL * float(swell)))
            cv2.line(mask, _fixed(start), _fixed(end), amount * float(swell) ** 0.5, thick, cv2.LINE_8, _SHIFT)
    return softened(mask, soft_mm)


def filled(outline: Floats, soft_mm: float) -> Floats:
    """The inside of a closed outline [n, 2] of (column, row), with a soft border."""
    mask = np.zeros((SIZE, SIZE), np.uint8)
    cv2.fillPoly(mask, [np.round(outline * 2**_SHIFT).astype(np.int32)], 255, cv2.LINE_AA, _SHIFT)
    return softened(np.asarray(mask / 255, np.float32), soft_mm)


def _fixed(texel: Floats) -> tuple[int, int]:
    return round(float(texel[0]) * 2**_SHIFT), round(float(texel[1]) * 2**_SHIFT)


def softened(mask: Floats, soft_mm: float) -> Floats:
    """A mask blurred by that standard deviation; only the part of it that is not empty is touched."""
    rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
    if not len(rows) or soft_mm <= 0:
        return mask
    sigma = soft_mm / MM_A_TEXEL
    margin = int(4 * sigma) + 1
    window = (slice(max(0, rows[0] - margin), rows[-1] + margin), slice(max(0, columns[0] - margin), columns[-1] + margin))
    result = np.zeros_like(mask)
    result[window] = cv2.GaussianBlur(mask[window], (0, 0), sigma)
    return result


def noise(rng: np.random.Generator, grain_mm: float, down_mm: float | None = None) -> Floats:
    """Smooth noise of zero mean and unit deviation with grains of that size; down_mm: longer downwards, as hair is."""
    across, down = grain_mm / MM_A_TEXEL, (down_mm or grain_mm) / MM_A_TEXEL
    coarse = max(1, int(min(across, down) / 2))
    side = SIZE // coarse
    field = rng.standard_normal((side, side), np.float32)
    smooth = cv2.GaussianBlur(field, (0, 0), max(0.3, across / coarse), sigmaY=max(0.3, down / coarse))
    smooth = cv2.resize(smooth, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    return np.asarray((smooth - smooth.mean()) / smooth.std(), np.float32)


def step(values: Floats, start: float, end: float) -> Floats:
    """0 up to `start`, 1 from `end`, smooth between (Hermite); end may be the smaller."""
    t = np.clip((values - start) / (end - start), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def blend(picture: Floats, colour: Sequence[float] | Floats, mask: Floats) -> None:
    """Paint a colour ([3], or a picture [SIZE, SIZE, 3]) over a picture, in place, where the mask says so."""
    rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
    if not len(rows):
        return
    window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    paint = np.asarray(colour, np.float32)
    over = paint[window] if paint.ndim == 3 else paint
    picture[window] += mask[window][:, :, None] * (over - picture[window])


def at_vertices(mask: Floats, points: Floats) -> Floats:
    """The value of a map [SIZE, SIZE] at points [V, 3] of the head at rest, float32 [V]."""
    texels = np.round(texture_coordinates(points)).astype(np.int32)
    return np.asarray(mask[texels[:, 1], texels[:, 0]], np.float32)
