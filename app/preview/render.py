"""Events and pictures as colours to look at: [H, W, 4] uint8, red, green, blue, opacity.

Fast enough for every frame of a window, without the interpreter lock; `warm_up` compiles ahead. Knows no Qt and no ring.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.preview import kernels
from app.preview.palettes import Palette, Rgba, Table, mixture, packed, palette
from protocol.streams import EVENT_DTYPE, Array

Display = NDArray[np.uint8]

JUMP_US = 1_000_000  # event time that goes back by more belongs to a camera that was started anew
AGE_STEPS = 1024
GREY_CONTRAST = 0.18  # of black to white per event: three make an edge plain, one noise event stays faint


class EventMode(StrEnum):
    """How events are shown: by polarity and fading; by age; as a grey picture that they add up to."""

    POLARITY = "polarity"
    SURFACE = "surface"
    GREY = "grey"


@dataclass(frozen=True)
class EventColours:
    """Colours of ON and OFF events and of nothing; `age`: from old to new."""

    on: Rgba = (255, 171, 74, 255)
    off: Rgba = (90, 162, 255, 255)
    background: Rgba = (10, 12, 15, 255)
    age: Palette = Palette.VIRIDIS

    @property
    def is_light(self) -> bool:
        """Whether the background is a light one (luma of ITU-R BT.601)."""
        red, green, blue, _ = self.background
        return 0.299 * red + 0.587 * green + 0.114 * blue > 128


class EventCanvas:
    """What the sensor saw lately. All modes are fed at once, so that switching shows no gap. One thread."""

    def __init__(self, resolution: tuple[int, int], colours: EventColours | None = None) -> None:
        """resolution: (width, height)."""
        width, height = resolution
        self.resolution = resolution
        self._last_us = np.full((height, width), kernels.NEVER, np.int64)
        self._polarity = np.zeros((height, width), np.int8)
        self._grey = np.zeros((height, width), np.float32)
        self._out = np.zeros((height, width, 4), np.uint8)
        self._newest_us = kernels.NEVER
        self.outside = 0  # events that lay beyond the resolution
        self.mode = EventMode.POLARITY
        self.decay_ms = 100.0
        self.surface_ms = 250.0
        self.grey_ms = 150.0
        self._table = np.exp(-np.arange(kernels.DECAY_STEPS) * kernels.DECAY_TAUS / kernels.DECAY_STEPS).astype(np.float32)
        self._table[-1] = 0.0
        self.recolour(colours or EventColours())

    def recolour(self, colours: EventColours) -> None:
        """Use other colours from the next picture on."""
        shares = np.exp(-np.linspace(0, kernels.DECAY_TAUS, AGE_STEPS))
        shares[-1] = 0.0
        self._on = mixture(colours.background, colours.on, shares)
        self._off = mixture(colours.background, colours.off, shares)
        self._ages = _by_age(colours)

    def reset(self) -> None:
        """Forget every event."""
        self._last_us.fill(kernels.NEVER)
        self._grey.fill(0)
        self._newest_us = kernels.NEVER

    def feed(self, events: Array) -> None:
        """Take in events [n] in about the order of time; those outside the sensor are counted in `outside`."""
        if not len(events):
            return
        newest_us = int(events["t"][-1])
        if newest_us < self._newest_us - JUMP_US:
            self.reset()
        self._newest_us = max(newest_us, self._newest_us)
        step_us = self.grey_ms * 1000 * kernels.DECAY_TAUS / kernels.DECAY_STEPS
        self.outside += kernels.feed(
            _plain(events), self._last_us, self._polarity, self._grey, self._table, step_us, GREY_CONTRAST
        )

    @property
    def newest_us(self) -> int | None:
        """Time of the newest event, None before the first."""
        return None if self._newest_us == kernels.NEVER else self._newest_us

    def draw(self, now_us: int | None = None) -> Display:
        """The picture at `now_us` (default: at the newest event). The same buffer every time: copy it to keep it."""
        now_us = self._newest_us if now_us is None else max(now_us, self._newest_us)
        out = self._out.view(np.uint32)[:, :, 0]
        if self.mode is EventMode.GREY:
            step_us = self.grey_ms * 1000 * kernels.DECAY_TAUS / kernels.DECAY_STEPS
            kernels.draw_grey(self._last_us, self._grey, now_us, step_us, self._table, palette(Palette.GREY), out)
        elif self.mode is EventMode.SURFACE:
            step_us = self.surface_ms * 1000 / AGE_STEPS
            kernels.draw_ages(self._last_us, self._polarity, now_us, step_us, self._ages, self._ages, out)
        else:
            step_us = self.decay_ms * 1000 * kernels.DECAY_TAUS / AGE_STEPS
            kernels.draw_ages(self._last_us, self._polarity, now_us, step_us, self._on, self._off, out)
        return self._out


def _by_age(colours: EventColours) -> Table:
    """From now to long ago: what is newest stands out most from the background, whichever that is."""
    ramp = palette(colours.age)
    newest_first = ramp if colours.is_light else ramp[::-1]
    table = newest_first[np.linspace(0, 255, AGE_STEPS).astype(np.intp)].copy()
    table[-1] = packed([colours.background])[0]
    return table


def _plain(events: Array) -> Array:
    """Contiguous and writable, so that one compiled function serves all."""
    return events if events.flags.c_contiguous and events.flags.writeable else events.copy()


class DisplayRange:
    """Which numbers of a thermal picture are black and white: set by hand, or following the scene slowly.

    Never the extremes of each picture: then a hand that enters would darken the face, and a steady face would flicker with
    the noise of its coldest pixel, so that nothing seen could be told from the scale's own motion.
    """

    FOLLOW_S = 5.0  # slower than any movement of a face, quick enough after a change of scene
    SHARES = (1.0, 99.5)  # percentiles that become black and white: dead pixels are not the scene
    LEAST_SPAN = 100.0  # 1 K in hundredths of a kelvin: a plain wall shows no noise blown up
    STRIDE = 4  # of the pixels looked at: 1/16 of them tell as much

    def __init__(self) -> None:
        self._limits: tuple[float, float] | None = None
        self._by_hand = False
        self._seen_us: int | None = None

    @property
    def limits(self) -> tuple[float, float] | None:
        """Black and white, None before the first picture."""
        return self._limits

    @property
    def by_hand(self) -> bool:
        """Whether the range stands still."""
        return self._by_hand

    def fix(self, low: float | None = None, high: float | None = None) -> None:
        """Stand still, at these numbers or where it is. Raises ValueError where high is not above low."""
        if low is not None and high is not None:
            if high <= low:
                raise ValueError("the range's upper end must lie above its lower end")
            self._limits = (low, high)
        self._by_hand = True

    def follow(self) -> None:
        """Follow the scene again, from where it is."""
        self._by_hand, self._seen_us = False, None

    def see(self, picture: NDArray[Any], at_us: int) -> tuple[float, float]:
        """The range for this picture [H, W], taken at `at_us`."""
        if self._limits is None or not self._by_hand:
            wanted = self._wanted(picture)
            self._limits = wanted if self._limits is None else self._approached(self._limits, wanted, at_us)
        self._seen_us = at_us
        return self._limits

    def _wanted(self, picture: NDArray[Any]) -> tuple[float, float]:
        low, high = np.percentile(picture[:: self.STRIDE, :: self.STRIDE], self.SHARES)
        short = max(0.0, self.LEAST_SPAN - (high - low)) / 2
        return float(low - short), float(high + short)

    def _approached(self, limits: tuple[float, float], wanted: tuple[float, float], at_us: int) -> tuple[float, float]:
        passed_s = 0.0 if self._seen_us is None else max(0, at_us - self._seen_us) / 1e6
        share = 1 - float(np.exp(-passed_s / self.FOLLOW_S))
        return limits[0] + share * (wanted[0] - limits[0]), limits[1] + share * (wanted[1] - limits[1])


def to_display(
    picture: NDArray[Any],
    colours: Palette = Palette.GREY,
    limits: tuple[float, float] | None = None,
    out: Display | None = None,
) -> Display:
    """A camera's picture as colours [H, W, 4].

    picture: [H, W] uint8 or uint16, or [H, W, 3] uint8 BGR, which keeps its own colours; limits: what is black and white
    (default: 0 and 255, and the whole range of 16 bits); out: written into and returned if it has the right size.
    """
    shape = (*picture.shape[:2], 4)
    out = out if out is not None and out.shape == shape else np.empty(shape, np.uint8)
    if picture.ndim == 3:
        cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_BGR2RGBA, dst=out)
        return out
    low, high = limits or (0.0, 256.0 * picture.dtype.itemsize if picture.dtype == np.uint8 else 65_536.0)
    image = np.array(picture) if not picture.flags.c_contiguous or not picture.flags.writeable else picture
    kernels.draw_counts(image, float(low), float(high), palette(colours), out.view(np.uint32)[:, :, 0])
    return out


def warm_up() -> None:
    """Compile or load every inner loop: up to seconds the first time, so in a thread of its own, before the first picture."""
    from app.preview.ratehistory import RateHistory

    events = np.zeros(1, EVENT_DTYPE)
    canvas = EventCanvas((2, 2))
    canvas.feed(events)
    for mode in EventMode:
        canvas.mode = mode
        canvas.draw()
    for depth in (np.uint8, np.uint16):
        to_display(np.zeros((2, 2), depth))
    RateHistory().feed(events)
