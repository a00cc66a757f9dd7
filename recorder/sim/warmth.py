"""How warm the skin of a resting face is, and where breath warms it. Knows no thermal camera.

Regions follow thermographic atlases of healthy adults at 22-24 degrees of room temperature: the inner corners of the eyes are
the warmest (34.3 +- 0.7 against 33.4 +- 0.8 on the forehead: Micheletti et al., Transl. Vis. Sci. Technol. 2022, 11(12):11),
forehead about two degrees above cheeks (34 and 32: Ariyaratnam & Rood, J. Dent. 1990, 18:250), the nose coolest and most
variable (Jaramillo-Quintanar et al., Int. J. Environ. Res. Public Health 2022, 19).
"""

import numpy as np

from recorder.sim.complexion import cheeks, mouth, outward
from recorder.sim.head import Floats
from recorder.sim.painting import SMALL, Canvas, blob, enlarged, step
from recorder.sim.traits import Traits

BASE_C, NECK_C, FOREHEAD_C, CHEEK_C, CHIN_C = 34.0, 34.5, 34.5, 33.3, 33.2
NOSE_C, LIPS_C, ORBIT_C, CANTHUS_C, EAR_C, HAIR_C = 31.4, 34.0, 34.7, 35.5, 31.5, 30.0
BEARD_COOLER_C = 1.2


def warmth(on: Canvas, traits: Traits, cover: Floats, chin: Floats) -> Floats:
    """Temperature of the surface in degrees Celsius, float32 [SIZE, SIZE]. cover, chin: where hair and beard are."""
    own = traits.warmth
    warm = np.full((SMALL, SMALL), BASE_C, np.float32)
    warm += step(on.small[:, :, 1], float(on.marks[8, 1]) + 5, float(on.marks[8, 1]) - 20) * (NECK_C - BASE_C)
    for celsius, centre, reach_mm in _regions(on, traits):
        warm += np.minimum(1.0, 1.15 * blob(on, centre, reach_mm)) * (celsius - warm)
    warm += own.face_c + own.asymmetry_c * np.tanh(on.small[:, :, 0] / 20)
    full = enlarged(warm)
    full += mouth(on) * (LIPS_C + own.face_c - full)
    full -= BEARD_COOLER_C * chin * np.float32(min(1.0, traits.beard.length_mm / 3))
    full += cover * (HAIR_C + 0.3 * own.face_c - full)
    return np.asarray(full, np.float32)


def _regions(on: Canvas, traits: Traits) -> list[tuple[float, Floats, tuple[float, float, float]]]:
    """(degrees, centre [3], reach in mm) of each region, painted one after the other."""
    own, marks = traits.warmth, on.marks
    glabella = (marks[21] + marks[22]) / 2
    regions = [(FOREHEAD_C, glabella + np.array([0, 26, -5]), (32.0, 20.0, 40.0)), (CHIN_C, marks[8], (16.0, 12.0, 25.0))]
    regions += [(CHEEK_C + own.cheeks_c, centre, (17.0, 17.0, 40.0)) for centre in cheeks(on)]
    regions += [(EAR_C, marks[k] + np.array([12 * outward(k), -14, -25]), (12.0, 26.0, 18.0)) for k in (0, 16)]
    regions += [(NOSE_C + own.nose_c, 0.75 * marks[30] + 0.25 * marks[28], (13.0, 14.0, 20.0))]
    regions += [(ORBIT_C, marks[list(eye)].mean(axis=0), (15.0, 10.0, 18.0)) for eye in (range(36, 42), range(42, 48))]
    towards_nose = np.array([2.5, 0.5, 0])
    corners = (marks[39] + towards_nose, marks[42] - towards_nose * (1, -1, 1))
    return regions + [(CANTHUS_C, corner, (5.0, 5.0, 5.0)) for corner in corners]


def breath(on: Canvas) -> Floats:
    """Where breathing out warms the skin: nostrils and upper lip, float32 [SIZE, SIZE], 0 ... 1."""
    near = blob(on, on.marks[33], (9.0, 6.0, 14.0)) + 0.5 * blob(on, on.marks[51], (10.0, 6.0, 14.0))
    return np.clip(enlarged(near), 0, 1)
