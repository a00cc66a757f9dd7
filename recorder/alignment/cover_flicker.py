"""A lamp that flickers draws stripes into the pictures of a rolling shutter; here they are taken out. Knows no paper.

Light 1 + d cos(2 pi f t + phase) leaves 1 + d sinc(f e) cos(2 pi f t_row + phase) in a row whose exposure, of length e, has its
middle at t_row (the mean of a cosine over a window). d, phase and the time from row to row are found from what changes from
one picture to the next in rows as a whole, where nothing else moves.
"""

from dataclasses import replace

import numpy as np

from recorder.alignment.cover import Pictures
from recorder.alignment.edge_tiles import Bools, Reals

LAMPS_HZ = (100.0, 120.0)  # twice the mains of either kind
READOUTS_MS = np.arange(0.0, 34.0, 0.5)
MIN_EXPLAINED = 0.3  # of what changes in the rows; stripes in still pictures explain nearly all
MIN_DEPTH = 0.002
GAP_US = 300_000  # pictures farther apart belong to another stretch: the mains do not keep time
MIN_PICTURES = 8
MOVING = 3.0  # pictures whose rows change more than so many times the usual show something that moves


def without_flicker(pictures: Pictures) -> Pictures:
    """The pictures without stripes; as they are where there are none, or where exposures are not known."""
    if pictures.habits.counts or not np.isfinite(pictures.exposure_ms).all():
        return pictures
    light = pictures.light.copy()
    breaks = np.flatnonzero(np.diff(pictures.times_us) > GAP_US) + 1
    for stretch in np.split(np.arange(len(pictures)), breaks):
        stripes = _stripes(pictures, stretch) if len(stretch) >= MIN_PICTURES else None
        if stripes is not None:
            light[stretch] /= stripes[:, :, None].astype(np.float32)
    return replace(pictures, light=light)


def _stripes(pictures: Pictures, stretch: "np.ndarray[tuple[int], np.dtype[np.intp]]") -> Reals | None:
    """Brightness of each row of each picture of a stretch, mean 1, [k, h]; None where there are no stripes."""
    rows = np.log(np.maximum(pictures.light[stretch].mean(axis=2, dtype=np.float64), 1e-6))
    change = _level(np.diff(rows, axis=0))
    still = _still(change)
    times_ms = (pictures.times_us[stretch] - pictures.times_us[stretch[0]]) * 1e-3
    best, found = 0.0, None
    for lamp_hz in LAMPS_HZ:
        for readout_ms in READOUTS_MS:
            waves = _waves(times_ms, pictures.exposure_ms[stretch], lamp_hz, readout_ms, rows.shape[1])
            depth, explained = _depth(change, waves, still)
            if explained > best:
                best, found = explained, np.tensordot(depth, waves, axes=1)
    if found is None or best < MIN_EXPLAINED or float(np.abs(found).max()) < MIN_DEPTH:
        return None
    return np.asarray(1 + found)


def _level(change: Reals) -> Reals:
    """Without what all rows of a picture have in common: exposure and gain."""
    return np.asarray(change - np.median(change, axis=1, keepdims=True))


def _still(change: Reals) -> Bools:
    strength = np.abs(change).mean(axis=1)
    return np.asarray(strength <= MOVING * np.median(strength))


def _waves(times_ms: Reals, exposure_ms: Reals, lamp_hz: float, readout_ms: float, rows: int) -> Reals:
    """Cosine and sine that a lamp of depth 1 leaves in each row of each picture, [2, k, h]."""
    row_ms = readout_ms * ((np.arange(rows) + 0.5) / rows - 0.5)
    angle = 2e-3 * np.pi * lamp_hz * (times_ms[:, None] + row_ms[None, :])
    seen = np.sinc(lamp_hz * 1e-3 * exposure_ms)[:, None]
    return np.stack([seen * np.cos(angle), seen * np.sin(angle)])


def _depth(change: Reals, waves: Reals, still: Bools) -> tuple[Reals, float]:
    """Depth of both waves [2], and the share of the changes in still pictures that they explain."""
    steps = np.stack([_level(np.diff(wave, axis=0))[still].ravel() for wave in waves], axis=1)
    wanted = change[still].ravel()
    inner = steps.T @ steps + 1e-9 * np.eye(2)
    depth = np.asarray(np.linalg.solve(inner, steps.T @ wanted), np.float64)
    total = float(wanted @ wanted)
    left = wanted - steps @ depth
    return depth, 1 - float(left @ left) / total if total > 0 else 0.0
