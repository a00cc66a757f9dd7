"""Triangles to pixels: which triangle each sample of a picture shows, and how far away it is. Colours nothing.

A visibility buffer (Burns & Hunt, "The Visibility Buffer", JCGT 2013): geometry is resolved at `SUB` x `SUB` samples a
pixel, so that edges move through pixels smoothly, and shading looks up the triangle afterwards, once a pixel where it can.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from recorder.sim.head import Floats, Ints

SUB = 2  # samples a pixel and direction
NOTHING = -1
FAR = np.float32(1e9)


@numba.njit(cache=True, nogil=True, fastmath=True)
def vertex_normals(points: Floats, triangles: Ints, normals: Floats) -> None:
    """Area-weighted unit normals, float32 [V, 3], written into `normals`."""
    normals[:] = 0
    for f in range(triangles.shape[0]):
        a, b, c = triangles[f, 0], triangles[f, 1], triangles[f, 2]
        ux, uy, uz = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
        vx, vy, vz = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for v in (a, b, c):
            normals[v, 0] += nx
            normals[v, 1] += ny
            normals[v, 2] += nz
    for v in range(normals.shape[0]):
        length = np.sqrt(normals[v, 0] ** 2 + normals[v, 1] ** 2 + normals[v, 2] ** 2) + np.float32(1e-12)
        normals[v, 0] /= length
        normals[v, 1] /= length
        normals[v, 2] /= length


@numba.njit(cache=True, nogil=True, fastmath=True)
def project(points: Floats, focal_px: float, centre_x: float, centre_y: float, screen: Floats) -> None:
    """Pinhole projection of camera coordinates (x right, y down, z forward, mm) to (x px, y px, z mm), into `screen` [V, 3]."""
    for v in range(points.shape[0]):
        z = max(points[v, 2], np.float32(1.0))
        screen[v, 0] = centre_x + focal_px * points[v, 0] / z
        screen[v, 1] = centre_y + focal_px * points[v, 1] / z
        screen[v, 2] = z


@numba.njit(cache=True, nogil=True, fastmath=True)
def draw(screen: Floats, triangles: Ints, ids: Ints, depth: Floats, sub: int = SUB) -> None:
    """Draw triangles into `ids` [H * SUB, W * SUB] (their number) and `depth` (mm); nearer ones win, backs are left out.

    screen: [V, 3] of (x px, y px, z mm); sub: samples a pixel and direction in ids and depth.
    """
    height, width = ids.shape
    scale, half, one = np.float32(sub), np.float32(0.5), np.float32(1)
    for f in range(triangles.shape[0]):
        a, b, c = triangles[f, 0], triangles[f, 1], triangles[f, 2]
        ax, ay = screen[a, 0] * scale, screen[a, 1] * scale
        bx, by = screen[b, 0] * scale, screen[b, 1] * scale
        cx, cy = screen[c, 0] * scale, screen[c, 1] * scale
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        # Counter-clockwise from outside becomes clockwise in pixels, where y points down: a negative area faces us.
        if area > np.float32(-1e-9):
            continue
        # Truncation is a floor here: what lies left of or above the picture is cut off anyway.
        x0 = max(np.int32(0), np.int32(min(min(ax, bx), cx) + half))
        x1 = min(np.int32(width - 1), np.int32(max(max(ax, bx), cx) - half))
        y0 = max(np.int32(0), np.int32(min(min(ay, by), cy) + half))
        y1 = min(np.int32(height - 1), np.int32(max(max(ay, by), cy) - half))
        if x0 > x1 or y0 > y1:
            continue
        inverse = one / area
        wa_dx, wb_dx = (by - cy) * inverse, (cy - ay) * inverse
        wa_dy, wb_dy = (cx - bx) * inverse, (ax - cx) * inverse
        px, py = np.float32(x0) + half, np.float32(y0) + half
        wa_row = ((bx - px) * (cy - py) - (by - py) * (cx - px)) * inverse
        wb_row = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) * inverse
        z, za, zb = screen[c, 2], screen[a, 2] - screen[c, 2], screen[b, 2] - screen[c, 2]
        for y in range(y0, y1 + 1):
            wa, wb = wa_row, wb_row
            for x in range(x0, x1 + 1):
                # One comparison instead of three: most of the time goes into mispredicted branches.
                if min(min(wa, wb), one - wa - wb) >= 0:
                    away = z + wa * za + wb * zb
                    if away < depth[y, x]:
                        depth[y, x] = away
                        ids[y, x] = f
                wa += wa_dx
                wb += wb_dx
            wa_row += wa_dy
            wb_row += wb_dy


def cleared(width: int, height: int, sub: int = SUB) -> tuple[Ints, Floats]:
    """Empty (ids, depth) for pictures of that many pixels."""
    shape = (height * sub, width * sub)
    return np.full(shape, NOTHING, np.int32), np.full(shape, FAR, np.float32)


def grey_preview(points: Floats, triangles: Ints, albedo: Floats, size: tuple[int, int] = (346, 260)) -> NDArray[np.uint8]:
    """A quick grey picture of a mesh, for looking at geometry: 350 mm away, lit from the upper left.

    points: [V, 3] in the head's coordinates; albedo: [V], 0 ... 1; returns [H, W] uint8.
    """
    scale = size[0] / 346
    camera = np.ascontiguousarray(points * np.array([1, -1, -1], np.float32) + np.array([0, -10, 350 + 90], np.float32))
    screen, normals = np.empty_like(camera), np.empty_like(camera)
    vertex_normals(points, triangles, normals)
    project(camera, 378.0 * scale, size[0] / 2, size[1] / 2, screen)
    ids, depth = cleared(*size)
    draw(screen, triangles, ids, depth)
    light = np.array([-0.35, 0.45, 0.82], np.float32)
    shade = albedo * (0.25 + 0.75 * np.clip(normals @ light, 0, 1))
    shown = np.where(ids == NOTHING, 0.9, shade[triangles].mean(axis=1)[ids])
    grey = shown.reshape(size[1], SUB, size[0], SUB).mean(axis=(1, 3))
    return np.asarray(np.clip(grey * 255, 0, 255), np.uint8)
