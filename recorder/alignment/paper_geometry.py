"""Where a frame camera sees the plane of the paper, in terms of the event camera, and when it reads its rows. Knows no picture.

Two cameras side by side see a plane through a homography (Hartley, Zisserman, Multiple View Geometry, 2004, section 13.1).
Here it is a similarity with a keystone, since cameras of one rig stand level with each other:
p_event = shift + scale * turn * p / (1 + keystone . p), places in half widths of each picture from its middle, y down.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recorder.alignment.edge_tiles import Reals

NAMES = ("shift_x", "shift_y", "log_scale", "roll_rad", "keystone_x", "keystone_y", "readout_ms")
SIZE = len(NAMES)
READOUT = NAMES.index("readout_ms")
# What a rig may be, 1 sigma. Shift: cameras 60 mm apart that meet at the face see a sheet at 13 cm shifted by 38 mm, some
# 0.45 half widths. Scale: fields of view differ. Roll: cameras on one bar. Keystone: a camera turned by 10 degrees has
# 0.18 * 0.5, as its half width is about 0.5 focal lengths.
PRIOR_SIGMA = (0.4, 0.4, 0.25, 0.03, 0.07, 0.07)
READOUT_MS, READOUT_SIGMA_MS = 20.0, 8.0  # rolling shutters at 30 pictures per second
KNOWN_READOUT_SIGMA_MS = 0.5
# Between takes a rig stays, but hands hold the sheet nearer or farther: 1 cm of 13 shifts it by some 0.04 half widths and
# scales it not at all where the cameras stand side by side. Counted as this many takes seen before.
BETWEEN_SIGMA = (0.04, 0.04, 0.01, 0.01, 0.01, 0.01, 0.3)
BETWEEN_TAKES = 2.0


@dataclass(frozen=True)
class Geometry:
    """What is known of a camera beside the event camera. values: [7] in the order of NAMES, half widths, radians and ms;
    covariance: [7, 7].
    """

    values: Reals
    covariance: Reals

    @property
    def sigma(self) -> Reals:
        """Standard deviations, [7]."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))


def unknown_rig(readout_us: float | None = None, *, rolling: bool = True) -> Geometry:
    """What may be said of any rig. readout_us: as the camera's settings tell it; rolling: False: all rows at once."""
    if not rolling:
        readout, sigma = 0.0, 0.01
    elif readout_us is None:
        readout, sigma = READOUT_MS, READOUT_SIGMA_MS
    else:
        readout, sigma = readout_us * 1e-3, KNOWN_READOUT_SIGMA_MS
    values = np.zeros(SIZE)
    values[READOUT] = readout
    return Geometry(values, np.diag(np.square([*PRIOR_SIGMA, sigma])))


def same_camera() -> Geometry:
    """The event camera's own pictures: the same lens, and all rows at once."""
    return Geometry(np.zeros(SIZE), np.diag(np.full(SIZE, 1e-8)))


def pool(found: Sequence[Geometry], rig: Geometry) -> Geometry:
    """What the takes of a session together tell of the next one; rig: what was known without them, from which each started.

    The precision-weighted mean (best linear unbiased) of what each take adds to rig, and around it the spread between takes.
    """
    if not found:
        return rig
    prior = np.asarray(np.linalg.inv(rig.covariance), np.float64)
    added = [_added(geometry, rig, prior) for geometry in found]
    total = np.linalg.inv(prior + np.sum([precision for precision, _ in added], axis=0))
    values = rig.values + total @ np.sum([pull for _, pull in added], axis=0)
    away = np.array([(geometry.values - values) ** 2 - geometry.sigma**2 for geometry in found])
    excess = np.maximum(away.sum(axis=0), 0)
    spread = (BETWEEN_TAKES * np.square(BETWEEN_SIGMA) + excess) / (BETWEEN_TAKES + len(found) - 1)
    return Geometry(values, total + np.diag(spread))


def _added(geometry: Geometry, rig: Geometry, prior: Reals) -> tuple[Reals, Reals]:
    """Precision [7, 7] that a take has beyond the prior's, less for the spread between takes, and the same times what it says
    beside the rig, [7]. Else the prior, which is in every take's answer, would count as often as there are takes.
    """
    posterior = np.linalg.inv(geometry.covariance)
    strength, ways = np.linalg.eigh(posterior - prior)
    own = ways * np.maximum(strength, 0) @ ways.T  # a take that was left in doubt adds nothing; it takes nothing away
    pull = ways * (strength > 0) @ ways.T @ posterior @ (geometry.values - rig.values)
    less = own @ np.linalg.inv(own + np.diag(np.square(BETWEEN_SIGMA) ** -1.0))
    return own - less @ own, pull - less @ pull


def mapped(values: Reals, x: Reals, y: Reals) -> tuple[Reals, Reals]:
    """Places in the event camera's half widths of places in the frame camera's."""
    shift_x, shift_y, log_scale, roll, keystone_x, keystone_y = values[:6]
    factor = np.exp(log_scale) / (1 + keystone_x * x + keystone_y * y)
    cosine, sine = np.cos(roll), np.sin(roll)
    return shift_x + factor * (cosine * x - sine * y), shift_y + factor * (sine * x + cosine * y)


def mapping_slopes(values: Reals, x: Reals, y: Reals) -> tuple[Reals, Reals]:
    """Derivatives of both mapped coordinates by the first six values, [6, n] each."""
    shift_x, shift_y, _, _, keystone_x, keystone_y = values[:6]
    mx, my = mapped(values, x, y)
    dx, dy = mx - shift_x, my - shift_y
    under = 1 + keystone_x * x + keystone_y * y
    one, nil = np.ones_like(x), np.zeros_like(x)
    return (
        np.stack([one, nil, dx, -dy, -dx * x / under, -dx * y / under]),
        np.stack([nil, one, dy, dx, -dy * x / under, -dy * y / under]),
    )
