"""Pictures of a take near the slides of the paper, as `cover` wants them. Knows takes, no clock's offset."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from protocol.streams import Stream
from recorder.alignment.cover import Habits, Light, Pictures, colour_sample
from recorder.alignment.edge_tiles import Bools, Reals
from recorder.alignment.thermal import HABITS as THERMAL_HABITS
from recorder.take import Take
from recorder.videoreader import VideoError

# The event camera's own pictures (APS) have a fixed exposure, set for a face: white paper is often too bright for it.
OWN_HABITS = Habits(gain_sigma=(0.1, 0.6), overexposes=True)
HABITS = {Stream.FRAMES: OWN_HABITS, Stream.RGB: Habits(), Stream.THERMAL: THERMAL_HABITS}


def read_pictures(take: Take, stream: Stream, spans_us: Sequence[tuple[float, float]]) -> Pictures | None:
    """The pictures of some stretches [start, end) of the stream's own time; None where there are none.

    A damaged picture ends the stretch that it lies in.
    """
    times = take.frame_times(stream)
    exposures = _exposures_ms(take, stream, len(times))
    found: dict[int, tuple[float, Light, Bools]] = {}
    aspect = 0.75
    for start, end in spans_us:
        wanted = np.flatnonzero((times >= start) & (times < end))
        try:
            for index, (t_us, image) in zip(wanted, take.frames(stream, int(start), int(end)), strict=False):
                light, clipped = _sample(image)
                found[int(t_us)] = float(exposures[index]), light, clipped
                aspect = image.shape[0] / image.shape[1]
        except VideoError:
            continue
    if not found:
        return None
    order = sorted(found)
    exposure = np.array([found[t][0] for t in order])
    light = np.stack([found[t][1] for t in order])
    clipped = np.stack([found[t][2] for t in order])
    even = light if stream is Stream.THERMAL else _at_one_exposure(light, exposure)
    return Pictures(np.array(order, np.int64), exposure, even, clipped, aspect, HABITS[stream])


def _sample(image: Any) -> tuple[Light, Bools]:
    return thermal_sample(image) if image.dtype == np.uint16 else colour_sample(image)


def thermal_sample(image: Any) -> tuple[Light, Bools]:
    """Counts [h, w] of a thermal picture, two pixels by two to one sample; none is ever overexposed."""
    height, width = image.shape[:2]
    light = cv2.resize(image.astype(np.float32), (max(2, width // 2), max(2, height // 2)), interpolation=cv2.INTER_AREA)
    return np.asarray(light, np.float32), np.zeros(light.shape, bool)


def _exposures_ms(take: Take, stream: Stream, count: int) -> Reals:
    """NaN where unknown, [count]."""
    rows = take.frame_table.get(stream)
    if rows is None or len(rows) < count:
        return np.full(count, np.nan)
    exposures = rows["exposure_us"][:count].astype(np.float64)
    return np.where(exposures > 0, exposures * 1e-3, np.nan)


def _at_one_exposure(light: Light, exposure_ms: Reals) -> Light:
    """The light that falls in, where exposures tell it: auto-exposure changes them while the paper is held."""
    if not np.isfinite(exposure_ms).all():
        return light
    return np.asarray(light / (exposure_ms / np.median(exposure_ms))[:, None, None], np.float32)
