"""The light of the room over time: constant, or flickering with the mains. Knows no scene and no camera."""

from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recorder.sim.scenery import check_between

HIGHEST_LEVEL = 10.0
HIGHEST_HZ = 1000.0


@dataclass(frozen=True)
class Lamp:
    """Intensity level (1 + depth cos(2 pi flicker_hz (t - phase_us))), whose mean is `level`.

    level: 1.0 is nominal light; flicker_hz: frequency of the light, twice that of the mains, 0 for none;
    depth: (max - min) / (max + min), 0 ... 1; phase_us: event time of a maximum.
    Raises SensorError for values without meaning.
    """

    level: float = 1.0
    flicker_hz: float = 0.0
    depth: float = 0.0
    phase_us: int = 0

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        check_between("The lamp's level", self.level, 0, HIGHEST_LEVEL)
        check_between("The lamp's flicker_hz", self.flicker_hz, 0, HIGHEST_HZ)
        check_between("The lamp's depth", self.depth, 0, 1)

    def intensity(self, t_us: ArrayLike) -> NDArray[np.float64]:
        """Intensity at event times t_us (us, any shape), same shape."""
        return self.mean(t_us, t_us)

    def mean(self, t0_us: ArrayLike, t1_us: ArrayLike) -> NDArray[np.float64]:
        """Mean intensity from t0_us to t1_us (event time, us, shapes that broadcast; t0_us <= t1_us).

        The mean of a cosine over a window is its value in the middle times sinc(frequency x window).
        """
        begin, end = np.asarray(t0_us) - self.phase_us, np.asarray(t1_us) - self.phase_us  # small numbers before float
        middle_s, window_s = (begin + end) * 0.5e-6, (end - begin) * 1e-6
        wave = np.cos(2 * pi * self.flicker_hz * middle_s) * np.sinc(self.flicker_hz * window_s)
        return np.asarray(self.level * (1 + (self.depth if self.flicker_hz else 0.0) * wave))
