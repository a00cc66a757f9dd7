"""What a simulated frame camera looks at and what it gives: the borders of the sensor models. Knows no sensor and no world."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from protocol.errors import GlimpseError
from protocol.streams import Frame

Radiance = NDArray[np.float32]


class SensorError(GlimpseError, ValueError):
    """An option of a simulated camera or lamp that has no meaning."""


class Scenery(Protocol):
    """The world as a frame camera sees it. Times are event time in us; size is (width, height) in pixels."""

    def colour(self, size: tuple[int, int], t_top_us: int, t_bottom_us: int, exposure_us: int) -> Radiance:
        """Linear radiance, float32 [H, W, 3] BGR, 1.0 for white paper in nominal light.

        Row r is the mean over `exposure_us` around its own instant, which goes in a straight line from t_top_us (row 0) to
        t_bottom_us (last row): rolling shutter and motion blur are the world's. The room light's flicker is not in it.
        """

    def temperature(self, size: tuple[int, int], t_us: int) -> NDArray[np.float32]:
        """Apparent temperature, float32 [H, W], degrees Celsius, at one instant."""


@dataclass(frozen=True)
class Shot:
    """A picture on its way to the host.

    arrival_us: event time at which the host has it; true_us: event time of the middle of the exposure of the centre row, as
    nobody but the simulator knows it (`frame.stream_us` is the same instant by the camera's own clock).
    """

    frame: Frame
    arrival_us: int
    true_us: int


def check_between(name: str, value: float, lowest: float, highest: float) -> None:
    """Raise SensorError unless lowest <= value <= highest; `name` says whose value it is."""
    if not lowest <= value <= highest:
        raise SensorError(f"{name} is {value:g}: give a number between {lowest:g} and {highest:g}.")
