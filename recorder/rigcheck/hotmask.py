"""Which pixels fire by themselves: found with the lens cap on, kept as a mask. Knows no file and no camera."""

import numpy as np
from numpy.typing import NDArray

from protocol.errors import GlimpseError
from protocol.schema import Part
from protocol.streams import Array
from recorder.activity import HOT_RATE_HZ, clean_events, count_activity, hot_pixels, pixel_counts
from recorder.measures.flicker import flicker
from recorder.measures.steps import within_reason
from recorder.sources.pictures import opencv

LEAST_S = 3.0  # a pixel of 4 events a second gives a dozen then, which chance does not
# Mean grey level of a picture with the cap on: black level and read noise of a DAVIS346 or a webcam.
DARK_LEVEL = 20.0
# In the dark, tiles of 16 x 16 pixels differ by chance and by the spread of the pixels; a scene has bright and dark parts.
UNEVEN = 3.0  # 98th percentile of the tiles over their median
LEAST_TILE_EVENTS = 30.0  # of the median tile, below which chance alone makes that
MOVING = 4.0  # busiest tenth of a second over the median one
LEAST_BIN_EVENTS = 50.0
LAMPS = 20.0  # per cent of the events that beat at 100 or 120 Hz, as in the rig check
WINDOW_US = 100_000


class NotDark(GlimpseError):
    """Events that are no dark sensor's: one sentence with what to do."""


class HotPixel(Part):
    """One pixel of the mask, with the events a second that it gave in the dark."""

    x: int
    y: int
    rate_hz: float


class HotMask(Part):
    """Pixels to leave out. resolution: (width, height); seconds: how long was looked; rest_hz: events/s of a usual pixel."""

    resolution: tuple[int, int]
    pixels: tuple[HotPixel, ...]
    seconds: float
    rest_hz: float

    @property
    def sentence(self) -> str:
        """What the operator reads."""
        return f"{len(self.pixels)} of {self.resolution[0] * self.resolution[1]:,} pixels fire by themselves and are masked."

    def places(self) -> tuple[tuple[int, int], ...]:
        """(x, y) of every pixel."""
        return tuple((pixel.x, pixel.y) for pixel in self.pixels)

    def as_array(self) -> NDArray[np.bool_]:
        """The mask as bool [H, W]."""
        mask = np.zeros(self.resolution[::-1], np.bool_)
        for pixel in self.pixels:
            mask[pixel.y, pixel.x] = True
        return mask


def hot_mask(events: Array, resolution: tuple[int, int], picture: NDArray[np.uint8] | None = None) -> HotMask:
    """The hot pixels of a sensor with its lens cap on: far busier than their neighbours, and nearly all the time.

    events: [n] of EVENT_DTYPE of some seconds; picture: of the same camera, where it gives any. Raises NotDark where there is
    too little to go by, and where the scene is obviously not dark: a bright picture, lamps that flicker, parts of the sensor
    that are far busier than others, or something that moves.
    """
    events = within_reason(clean_events(events, resolution))
    seconds = (int(events["t"][-1]) - int(events["t"][0])) * 1e-6 if len(events) else 0.0
    if seconds < LEAST_S:
        raise NotDark(
            f"{seconds:.1f} s of events are too few to tell hot pixels; leave the lens cap on for {LEAST_S:g} s or more."
        )
    hot = hot_pixels(events, resolution)
    _refuse_light(events, resolution, hot, picture)
    counts = pixel_counts(events, resolution)
    found = sorted(((float(counts[y, x]) / seconds, int(x), int(y)) for y, x in np.argwhere(hot)), reverse=True)
    pixels = tuple(HotPixel(x=x, y=y, rate_hz=round(rate, 1)) for rate, x, y in found if rate >= HOT_RATE_HZ)
    return HotMask(resolution=resolution, pixels=pixels, seconds=seconds, rest_hz=float(counts[~hot].mean()) / seconds)


def _refuse_light(
    events: Array, resolution: tuple[int, int], hot: NDArray[np.bool_], picture: NDArray[np.uint8] | None
) -> None:
    if picture is not None and (level := _level(picture)) > DARK_LEVEL:
        raise NotDark(f"The picture is not dark (mean {level:.0f} of 255); put the lens cap on, then begin again.")
    quiet = events[~hot[events["y"], events["x"]]]
    if not len(quiet):
        return  # nothing but hot pixels: it cannot be darker
    lamps = flicker(quiet, (int(events["t"][0]), int(events["t"][-1]) + 1)).value
    if lamps is not None and lamps >= LAMPS:
        raise NotDark(
            f"Light falls in: {lamps:.0f} % of the events beat with the lamps; put the lens cap on, then begin again."
        )
    activity = count_activity(quiet, resolution, bin_us=WINDOW_US)
    bins = activity.total()
    tiles = activity.counts.sum(axis=(0, 1), dtype=np.int64)[
        : resolution[1] // activity.tile_px, : resolution[0] // activity.tile_px
    ]
    if _stands_out(float(np.percentile(tiles, 98)), float(np.median(tiles)), LEAST_TILE_EVENTS, UNEVEN):
        raise NotDark("Some parts of the sensor are far busier than others; put the lens cap on, then begin again.")
    if _stands_out(float(bins.max()), float(np.median(bins)), LEAST_BIN_EVENTS, MOVING):
        raise NotDark("Something moves before the lens; put the lens cap on and leave the camera alone, then begin again.")


def _level(picture: NDArray[np.uint8]) -> float:
    grey = opencv().cvtColor(picture, opencv().COLOR_BGR2GRAY) if picture.ndim == 3 else picture
    return float(grey.mean())


def _stands_out(value: float, usual: float, least: float, factor: float) -> bool:
    return value > factor * max(usual, least)
