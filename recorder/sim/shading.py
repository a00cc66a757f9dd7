"""Samples of a visibility buffer to light or temperature: texture, wrinkles, eyes, gloss. Knows no subject and no camera model.

Light falls on vertices, of which a face has nearly as many as the event camera has pixels: wrapped Lambert from two lamps plus
a hemisphere of ambient light; highlights follow Blinn ("Models of light reflection", SIGGRAPH 1977). Written for one core: a
pixel whose samples lie on one surface is shaded once.
"""

from typing import Any, NamedTuple, TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

from recorder.sim.head import Floats, Ints, Part
from recorder.sim.raster import NOTHING, SUB

Real: TypeAlias = Any  # a float32 inside the kernels, which mypy cannot follow

PIECE = len(Part)  # the part number of everything that is no head: hair, glasses, clothes; coloured by its vertices
SAME_SURFACE_MM = 4.0  # samples of one pixel that differ more in depth lie on two surfaces
LIMBUS = 0.015  # half the width of the iris's soft border, in the cosine
MIDLINE = 12.0  # texels on either side of the middle, some 7 mm, over which wrinkles of one side fade into those of the other
WRAP = 0.25  # skin scatters light beyond the edge of the shadow
LIT, SHINE = 2, 3  # columns of Moment.vertices after x and y
_SKIN, _EYE_RIGHT, _EYE_LEFT = (np.uint8(part) for part in list(Part)[:3])
_ONE, _NONE, _HALF = np.float32(1), np.float32(0), np.float32(0.5)
_SHARE = np.float32(1 / (SUB * SUB))


class Surface(NamedTuple):
    """All vertices of the scene and their colours. C: 1 for grey and temperature, 3 for BGR.

    triangles: [F, 3]; parts: uint8 [V]; uv: [V, 2] texel column and row; colours: [V, C]; texture: [S, S, C + 1], gloss
    last; wrinkles: [S, S, 4]; shine: [V] gloss of pieces; eye: [V, 3] direction from the eyeball's centre, head's
    frame; eye_colours: [3, C] of sclera, rim of the iris, iris; eye_cosines: [2] of the half angles of iris and pupil.
    """

    triangles: Ints
    parts: NDArray[np.uint8]
    uv: Floats
    colours: Floats
    texture: Floats
    wrinkles: Floats
    shine: Floats
    eye: Floats
    eye_colours: Floats
    eye_cosines: Floats


class Light(NamedTuple):
    """The room's light in camera coordinates (x right, y down, z forward).

    towards, across: [3] unit vectors towards the two lamps; up: [3] upwards; strengths: [3] of first lamp, second lamp and
    ambient light; colour: [C], the same for all.
    """

    towards: Floats
    across: Floats
    up: Floats
    strengths: Floats
    colour: Floats


class Moment(NamedTuple):
    """What changes from picture to picture. vertices: [V, 4] of x px, y px, light received, cosine of the highlight;
    folds: [4, 2] strength of the wrinkles on the subject's right and left side; gaze: [2, 3] unit vectors of the right and the
    left eye in the head's frame.
    """

    vertices: Floats
    folds: Floats
    gaze: Floats


class Samples(NamedTuple):
    """Room for what is to be shaded. faces, pixels: int32 [N]; places: [N, 2] in pixels; shares: [N] of the pixel."""

    faces: Ints
    pixels: Ints
    places: Floats
    shares: Floats

    @classmethod
    def room(cls, width: int, height: int) -> "Samples":
        """For pictures of that many pixels, at most."""
        most = width * height * SUB * SUB
        return cls(
            np.empty(most, np.int32), np.empty(most, np.int32), np.empty((most, 2), np.float32), np.empty(most, np.float32)
        )


@numba.njit(cache=True, nogil=True, fastmath=True)
def illuminate(light: Light, points: Floats, normals: Floats, screen: Floats, vertices: Floats) -> None:
    """Fill Moment.vertices [V, 4] from camera points, unit normals and screen places, [V, 3] each."""
    towards, across, up, strengths = light.towards, light.across, light.up, light.strengths
    for v in range(points.shape[0]):
        nx, ny, nz = normals[v, 0], normals[v, 1], normals[v, 2]
        away = _ONE / np.sqrt(points[v, 0] ** 2 + points[v, 1] ** 2 + points[v, 2] ** 2)
        hx, hy, hz = towards[0] - points[v, 0] * away, towards[1] - points[v, 1] * away, towards[2] - points[v, 2] * away
        key = (nx * towards[0] + ny * towards[1] + nz * towards[2] + np.float32(WRAP)) / np.float32(1 + WRAP)
        fill = (nx * across[0] + ny * across[1] + nz * across[2] + np.float32(WRAP)) / np.float32(1 + WRAP)
        sky = np.float32(0.7) + np.float32(0.3) * (nx * up[0] + ny * up[1] + nz * up[2])
        vertices[v, 0], vertices[v, 1] = screen[v, 0], screen[v, 1]
        vertices[v, LIT] = strengths[0] * max(key, _NONE) + strengths[1] * max(fill, _NONE) + strengths[2] * sky
        shine = (nx * hx + ny * hy + nz * hz) / (np.sqrt(hx * hx + hy * hy + hz * hz) + np.float32(1e-9))
        vertices[v, SHINE] = max(shine, _NONE) if key > 0 else _NONE


@numba.njit(cache=True, nogil=True, fastmath=True, inline="always")
def _lookup(texture: Floats, x: int, y: int, fx: Real, fy: Real, channel: int) -> Real:
    """Bilinear, between texel (y, x) and its neighbours."""
    left = texture[y, x, channel] + fy * (texture[y + 1, x, channel] - texture[y, x, channel])
    right = texture[y, x + 1, channel] + fy * (texture[y + 1, x + 1, channel] - texture[y, x + 1, channel])
    return left + fx * (right - left)


@numba.njit(cache=True, nogil=True, fastmath=True, inline="always")
def _texel(place: Real, size: int) -> tuple[Any, Real]:
    """(number, share of the next) along one side of a texture."""
    whole = min(np.int32(place), np.int32(size - 2))
    return whole, place - np.float32(whole)


@numba.njit(cache=True, nogil=True, fastmath=True, inline="always")
def _weights(vertices: Floats, a: int, b: int, c: int, x: Real, y: Real) -> tuple[Real, Real, Real]:
    ax, ay, bx, by, cx, cy = vertices[a, 0], vertices[a, 1], vertices[b, 0], vertices[b, 1], vertices[c, 0], vertices[c, 1]
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    if abs(area) < np.float32(1e-9):
        return _ONE, _NONE, _NONE
    inverse = _ONE / area
    wa = ((bx - x) * (cy - y) - (by - y) * (cx - x)) * inverse
    wb = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) * inverse
    # The middle of a pixel may lie a little outside the triangle of its first sample.
    wa = min(max(wa, _NONE), _ONE)
    wb = min(max(wb, _NONE), _ONE - wa)
    return wa, wb, _ONE - wa - wb


@numba.njit(cache=True, nogil=True, fastmath=True, inline="always")
def _ramp(value: Real, low: Real, high: Real) -> Real:
    share = min(max((value - low) / (high - low), _NONE), _ONE)
    return share * share * (np.float32(3) - np.float32(2) * share)


@numba.njit(cache=True, nogil=True, fastmath=True, inline="always")
def _power(value: Real, doublings: int) -> Real:
    for _ in range(doublings):
        value = value * value
    return value


@numba.njit(cache=True, nogil=True, fastmath=True, inline="always")
def _eye_albedo(eye_colours: Floats, cosines: Floats, along: Real, k: int) -> Real:
    """Reflectance of an eyeball where the cosine to the line of sight is `along`."""
    edge = cosines[0]
    iris = _ramp(along, edge - np.float32(LIMBUS), edge + np.float32(LIMBUS))
    inner = _ramp(along, edge, edge + np.float32(0.4) * (_ONE - edge))
    pupil = _ramp(along, cosines[1] - np.float32(0.004), cosines[1] + np.float32(0.004))
    coloured = eye_colours[1, k] * (_ONE - inner) + eye_colours[2, k] * inner
    return (eye_colours[0, k] * (_ONE - iris) + coloured * iris) * (_ONE - np.float32(0.93) * pupil)


@numba.njit(cache=True, nogil=True, fastmath=True, inline="always")
def _bare(ids: Ints, x: int, y: int, sub: int) -> Real:
    """Share of a pixel that shows the background."""
    if sub == 1:
        return -np.float32(ids[y, x] >> 31)
    a, b, c, d = ids[2 * y, 2 * x], ids[2 * y, 2 * x + 1], ids[2 * y + 1, 2 * x], ids[2 * y + 1, 2 * x + 1]
    if a & b & c & d == NOTHING:  # all ones, which no number of a triangle is
        return _ONE
    # The sign is the highest bit: one for each sample that shows nothing.
    return -np.float32((a >> 31) + (b >> 31) + (c >> 31) + (d >> 31)) * _SHARE


@numba.njit(cache=True, nogil=True, fastmath=True, inline="always")
def _is_even(triangles: Ints, parts: NDArray[np.uint8], ids: Ints, depth: Floats, x: int, y: int, sub: int) -> Any:
    """Whether all samples of a pixel lie on one surface."""
    first, z, even = ids[y * sub, x * sub], depth[y * sub, x * sub], True
    for j in range(y * sub, y * sub + sub):
        for i in range(x * sub, x * sub + sub):
            other = ids[j, i]
            if even and other != first:
                even = other >= 0 and first >= 0 and abs(depth[j, i] - z) <= np.float32(SAME_SURFACE_MM)
                even = even and parts[triangles[other, 0]] == parts[triangles[first, 0]]
    return even


@numba.njit(cache=True, nogil=True, fastmath=True)
def _gather(
    triangles: Ints,
    parts: NDArray[np.uint8],
    ids: Ints,
    depth: Floats,
    background: Floats,
    picture: Floats,
    samples: Samples,
) -> int:
    """List what must be shaded, and put the background into picture [H, W, C] where it shows. Returns how many samples."""
    faces, pixels, places, shares = samples
    height, width, channels = picture.shape
    sub = ids.shape[0] // height  # 1 or 2
    step = _ONE / np.float32(sub)
    count = 0
    for y in range(height):
        for x in range(width):
            seen = _bare(ids, x, y, sub)
            for k in range(channels):
                picture[y, x, k] = background[y, x, k] * seen
            if seen == _ONE:
                continue
            if _is_even(triangles, parts, ids, depth, x, y, sub):
                faces[count], pixels[count], shares[count] = ids[y * sub, x * sub], y * width + x, _ONE
                places[count, 0], places[count, 1] = np.float32(x) + _HALF, np.float32(y) + _HALF
                count += 1
                continue
            for j in range(sub):
                for i in range(sub):
                    f = ids[y * sub + j, x * sub + i]
                    if f >= 0:
                        faces[count], pixels[count], shares[count] = f, y * width + x, step * step
                        places[count, 0] = np.float32(x) + (np.float32(i) + _HALF) * step
                        places[count, 1] = np.float32(y) + (np.float32(j) + _HALF) * step
                        count += 1
    return count


@numba.njit(cache=True, nogil=True, fastmath=True)
def _shade(surface: Surface, light: Light, moment: Moment, samples: Samples, count: int, flat: Floats) -> None:
    """Add the light of every sample to its pixel in flat [H * W, C].

    One long loop: numba passes arrays to a function by all their fields, which costs more here than the arithmetic.
    """
    triangles, parts, uv, colours, texture, wrinkles, shines, eye, eye_colours, cosines = surface
    _, _, _, strengths, colour = light
    vertices, folds, gaze = moment
    faces, pixels, places, shares = samples
    channels = flat.shape[1]
    creased = folds.max() > 0
    middle = _HALF * np.float32(texture.shape[1] - 1)
    for n in range(count):
        f, pixel, share = faces[n], pixels[n], shares[n]
        a, b, c = triangles[f, 0], triangles[f, 1], triangles[f, 2]
        wa, wb, wc = _weights(vertices, a, b, c, places[n, 0], places[n, 1])
        lit = wa * vertices[a, LIT] + wb * vertices[b, LIT] + wc * vertices[c, LIT]
        shine = _power(wa * vertices[a, SHINE] + wb * vertices[b, SHINE] + wc * vertices[c, SHINE], 5)
        part = parts[a]
        if part == _SKIN:
            column = wa * uv[a, 0] + wb * uv[b, 0] + wc * uv[c, 0]
            row = wa * uv[a, 1] + wb * uv[b, 1] + wc * uv[c, 1]
            tx, fx = _texel(column, texture.shape[1])
            ty, fy = _texel(row, texture.shape[0])
            dark = _ONE
            if creased:
                left = _ramp(column, middle - np.float32(MIDLINE), middle + np.float32(MIDLINE))
                for fold in range(4):
                    strength = folds[fold, 0] + left * (folds[fold, 1] - folds[fold, 0])
                    dark -= strength * _lookup(wrinkles, tx, ty, fx, fy, fold)
            dark = max(dark, np.float32(0.15)) * lit
            highlight = _lookup(texture, tx, ty, fx, fy, channels) * shine * np.float32(0.3) * strengths[0]
            for k in range(channels):
                flat[pixel, k] += share * (_lookup(texture, tx, ty, fx, fy, k) * dark + highlight) * colour[k]
        elif part in (_EYE_RIGHT, _EYE_LEFT):
            which = 0 if part == _EYE_RIGHT else 1
            ex = wa * eye[a, 0] + wb * eye[b, 0] + wc * eye[c, 0]
            ey = wa * eye[a, 1] + wb * eye[b, 1] + wc * eye[c, 1]
            ez = wa * eye[a, 2] + wb * eye[b, 2] + wc * eye[c, 2]
            length = np.sqrt(ex * ex + ey * ey + ez * ez) + np.float32(1e-9)
            along = (ex * gaze[which, 0] + ey * gaze[which, 1] + ez * gaze[which, 2]) / length
            # Lids and lashes shade the upper part of the ball.
            shadow = lit * (_ONE - _HALF * _ramp(ey / length, np.float32(0.05), _HALF))
            glow = _power(shine, 2) * np.float32(0.8) * strengths[0]
            for k in range(channels):
                flat[pixel, k] += share * (_eye_albedo(eye_colours, cosines, along, k) * shadow + glow) * colour[k]
        else:
            highlight = shines[a] * shine * strengths[0]
            for k in range(channels):
                albedo = wa * colours[a, k] + wb * colours[b, k] + wc * colours[c, k]
                flat[pixel, k] += share * (albedo * lit + highlight) * colour[k]


def shade(
    surface: Surface,
    light: Light,
    moment: Moment,
    ids: Ints,
    depth: Floats,
    background: Floats,
    picture: Floats,
    samples: Samples,
) -> None:
    """Light of every pixel into picture [H, W, C]; background: [H, W, C], seen where nothing is drawn."""
    count = _gather(surface.triangles, surface.parts, ids, depth, background, picture, samples)
    _shade(surface, light, moment, samples, count, picture.reshape(-1, picture.shape[2]))


@numba.njit(cache=True, nogil=True, fastmath=True)
def warmth(
    surface: Surface, vertices: Floats, ids: Ints, background: Floats, breath: Floats, change: Real, out: Floats
) -> None:
    """Temperature of every pixel in degrees Celsius into out [H, W]; the surface's colours are temperatures (C = 1).

    background: [H, W]; breath: [S, S, 1], how much a texel takes part in the `change` that breathing makes.
    """
    height, width = out.shape
    triangles, parts, uv, colours, texture = surface[0], surface[1], surface[2], surface[3], surface[4]
    for y in range(height):
        for x in range(width):
            total = _NONE
            for j in range(SUB):
                for i in range(SUB):
                    f = ids[y * SUB + j, x * SUB + i]
                    if f < 0:
                        total += background[y, x]
                        continue
                    a, b, c = triangles[f, 0], triangles[f, 1], triangles[f, 2]
                    px, py = np.float32(x + (i + 0.5) / SUB), np.float32(y + (j + 0.5) / SUB)
                    wa, wb, wc = _weights(vertices, a, b, c, px, py)
                    if parts[a] == _SKIN:
                        column = wa * uv[a, 0] + wb * uv[b, 0] + wc * uv[c, 0]
                        row = wa * uv[a, 1] + wb * uv[b, 1] + wc * uv[c, 1]
                        tx, fx = _texel(column, texture.shape[1])
                        ty, fy = _texel(row, texture.shape[0])
                        total += _lookup(texture, tx, ty, fx, fy, 0) + change * _lookup(breath, tx, ty, fx, fy, 0)
                    else:
                        total += wa * colours[a, 0] + wb * colours[b, 0] + wc * colours[c, 0]
            out[y, x] = total * _SHARE


@numba.njit(cache=True, nogil=True, fastmath=True)
def glint(
    lenses: Ints, light: Light, points: Floats, normals: Floats, vertices: Floats, ids: Ints, strength: Real, picture: Floats
) -> None:
    """Spectacle lenses over picture [H, W, C]: a little darker, with the mirrored lamp. ids: samples of `lenses` [F, 3].

    points, normals: [V, 3] camera coordinates; vertices: [V, 4] as in Moment; strength: share of light that is mirrored x
    brightness of the lamp.
    """
    height, width, channels = picture.shape
    sub = ids.shape[0] // height
    share = _ONE / np.float32(sub * sub)
    for y in range(height):
        for x in range(width):
            seen, lens = _NONE, -1
            for j in range(sub):
                for i in range(sub):
                    f = ids[y * sub + j, x * sub + i]
                    if f >= 0:
                        seen, lens = seen + share, f
            if lens >= 0:
                a, b, c = lenses[lens, 0], lenses[lens, 1], lenses[lens, 2]
                weights = _weights(vertices, a, b, c, np.float32(x) + _HALF, np.float32(y) + _HALF)
                mirrored = seen * _mirror(points, normals, (a, b, c), weights, light.towards)
                for k in range(channels):
                    through = picture[y, x, k] * (_ONE - np.float32(0.08) * seen)
                    picture[y, x, k] = through + strength * mirrored * light.strengths[0] * light.colour[k]


@numba.njit(cache=True, nogil=True, fastmath=True, inline="always")
def _mirror(points: Floats, normals: Floats, corners: Any, weights: Any, towards: Floats) -> Real:
    """1 where the mirrored ray meets the lamp or window, some 40 degrees wide, 0 where it passes it."""
    px, py, pz, nx, ny, nz = _NONE, _NONE, _NONE, _NONE, _NONE, _NONE
    for n in range(3):
        v, share = corners[n], weights[n]
        px, py, pz = px + share * points[v, 0], py + share * points[v, 1], pz + share * points[v, 2]
        nx, ny, nz = nx + share * normals[v, 0], ny + share * normals[v, 1], nz + share * normals[v, 2]
    away = _ONE / np.sqrt(px * px + py * py + pz * pz)
    # The normal of a point within a triangle is shorter than those at its corners.
    dot = np.float32(2) * (px * nx + py * ny + pz * nz) * away / (nx * nx + ny * ny + nz * nz + np.float32(1e-9))
    facing = (px * away - dot * nx) * towards[0] + (py * away - dot * ny) * towards[1] + (pz * away - dot * nz) * towards[2]
    return _ramp(facing, np.float32(0.93), np.float32(0.96))
