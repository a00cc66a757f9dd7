"""What sets thermal pictures apart from colour ones before the paper: counts, a shutter that freezes them, a memory.

The sheet is at room temperature and hides a face some ten kelvin warmer. Knows neither events nor clocks.
"""

from dataclasses import replace

import numpy as np

from recorder.alignment.cover import Habits, Pictures

LOW, HIGH = 2.0, 98.0  # percentiles of the counts between which warmth is told apart
# Counts stand for temperatures: their level creeps by hundredths of a kelvin in a second and jumps by tenths when the shutter
# has closed (FLIR Lepton Engineering Datasheet), which is 2 percent of what a face differs from the room. The temporal noise
# filter of such cameras, where it is on, leaves a share of each picture in the next.
HABITS = Habits(gain_sigma=(0.02, 0.02), memory=0.1, memory_sigma=0.1, counts=True)
BOLOMETER_MS = 24.0  # a box as long as two time constants of a bolometer, 12 ms (as usually given: 10-15 ms), where not told


def as_light(pictures: Pictures) -> Pictures:
    """Thermal pictures with values about 1 (cool) to 2 (warm) in the place of light, and without those that stand still."""
    moving = without_repeats(pictures)
    low, high = np.percentile(moving.light, (LOW, HIGH))
    light = 1 + (moving.light - low) / max(float(high - low), 1.0)
    exposure = np.where(np.isfinite(moving.exposure_ms), moving.exposure_ms, BOLOMETER_MS)
    return replace(moving, light=np.asarray(light, np.float32), exposure_ms=exposure)


def without_repeats(pictures: Pictures) -> Pictures:
    """The pictures that are not the very same as the one before: such come while the shutter is closed."""
    same = np.zeros(len(pictures), bool)
    for index in range(1, len(pictures)):
        same[index] = np.array_equal(pictures.light[index], pictures.light[index - 1])
    fresh = ~same
    return replace(
        pictures,
        times_us=pictures.times_us[fresh],
        exposure_ms=pictures.exposure_ms[fresh],
        light=pictures.light[fresh],
        clipped=pictures.clipped[fresh],
        frozen_us=tuple(int(t) for t in pictures.times_us[same]),
    )
