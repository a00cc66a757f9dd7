"""Wrinkles: where skin folds when a face moves, as darkening patterns for the renderer. Knows no action of the moment."""

import numpy as np

from recorder.sim.complexion import shifted
from recorder.sim.head import Floats
from recorder.sim.painting import Canvas, curve, lines
from recorder.sim.traits import Traits

YOUNG_DEPTH = 0.45  # depth of the folds of a twenty-year-old / those of a sixty-year-old
Path = list[tuple[int, float, float]]  # (landmark, mm to the viewer's right, mm up)


def creases(on: Canvas, traits: Traits) -> Floats:
    """Folds between brows, across the nose, beside mouth and eyes, across the forehead: float32 [SIZE, SIZE, 4], 0 ... 1."""
    depth = YOUNG_DEPTH + (1 - YOUNG_DEPTH) * float(np.clip((traits.age_years - 20) / 40, 0, 1))
    rng = np.random.default_rng(traits.skin.texture_seed + 6)
    folds = [_frown(on, rng), _nose(on, rng), _cheeks(on, rng), _forehead(on, rng)]
    return np.asarray(np.clip(np.stack(folds, axis=-1) * np.float32(depth), 0, 1), np.float32)


def _both(on: Canvas, path: Path) -> list[Floats]:
    """A path of the subject's right side and its mirror image, as texels."""
    mirror = {21: 22, 36: 45, 39: 42, 40: 47, 41: 46, 31: 35, 48: 54, 27: 27, 28: 28, 29: 29}
    left = [(mirror[mark], -right_mm, up_mm) for mark, right_mm, up_mm in path]
    return [curve(np.stack([shifted(on, *point) for point in side])) for side in (path, left)]


def _draw(paths: list[Floats], width_mm: float, soft_mm: float, rng: np.random.Generator) -> Floats:
    widths = [width_mm * float(rng.uniform(0.8, 1.25)) for _ in paths]
    return lines(paths, widths, [float(rng.uniform(0.75, 1)) for _ in paths], soft_mm)


def _darker(*masks: Floats) -> Floats:
    return np.asarray(np.maximum.reduce(masks), np.float32)


def _frown(on: Canvas, rng: np.random.Generator) -> Floats:
    """Two upright lines between the brows, the shade beside them, a short line across the root of the nose."""
    upright = _both(on, [(21, 4.5, 7), (21, 3.5, 1), (21, 3.0, -6), (27, -7, 5)])
    across = [curve(np.stack([shifted(on, 27, x, y) for x, y in ((-8, 5), (0, 6.5), (8, 5))]))]
    return _darker(_draw(upright, 1.3, 0.7, rng), 0.5 * _draw([*upright, *across], 4.0, 2.0, rng))


def _nose(on: Canvas, rng: np.random.Generator) -> Floats:
    """Lines across the root of the nose and down its sides, and the fold beside its wings."""
    across = [
        curve(np.stack([shifted(on, 27, x, y + up) for x, y in ((-9, -1.5), (0, 0), (9, -1.5))])) for up in (1.0, -3.5, 5.0)
    ]
    sides = _both(on, [(28, -3, 3), (28, -8, -1), (28, -12, -7)]) + _both(on, [(29, -4, 5), (29, -10, 1), (29, -14, -6)])
    wings = _both(on, [(31, -3, 12), (31, -7, 6), (31, -8, -2)])
    return _darker(_draw(across + sides, 1.1, 0.7, rng), _draw(wings, 2.0, 1.0, rng))


def _cheeks(on: Canvas, rng: np.random.Generator) -> Floats:
    """Folds from the nose to the corners of the mouth, crow's feet, and a line under each eye."""
    fold = _both(on, [(31, -5, 7), (31, -12, -3), (48, -10, 6), (48, -11, -6), (48, -9, -14)])
    feet = [
        path for rise in (8.0, 1.5, -5.0) for path in _both(on, [(36, -5, 0.3 * rise), (36, -11, 0.65 * rise), (36, -17, rise)])
    ]
    under = _both(on, [(39, -2, -8), (40, 0, -8), (41, 0, -8), (36, -2, -7)])
    return _darker(_draw(fold, 2.2, 1.1, rng), _draw(feet, 0.9, 0.5, rng), 0.7 * _draw(under, 1.2, 0.8, rng))


def _forehead(on: Canvas, rng: np.random.Generator) -> Floats:
    """Three or four wavy lines above the brows."""
    brow = on.marks[17:27]
    paths = []
    for up_mm in np.arange(11.0, 11.0 + 9.0 * rng.integers(3, 5), 9.0):
        wave = 1.5 * np.sin(np.linspace(0, 2 * np.pi, 7) + rng.uniform(-0.6, 0.6))
        span = np.linspace(brow[1, 0], brow[-2, 0], 7) * rng.uniform(0.75, 1.0)
        marks = [17 + int(np.argmin(np.abs(brow[:, 0] - x))) for x in span]
        height = brow[:, 1].max() + up_mm + wave - 0.0016 * span**2
        points = [
            shifted(on, mark, float(x - on.marks[mark, 0]), float(y - on.marks[mark, 1]))
            for mark, x, y in zip(marks, span, height, strict=True)
        ]
        paths.append(curve(np.stack(points)))
    return _darker(_draw(paths, 1.2, 0.7, rng), 0.35 * _draw(paths, 4.0, 2.0, rng))
