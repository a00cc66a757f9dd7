"""What the events show of the rig: lamps that flicker, noise of the background, hot pixels. Knows no picture."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from protocol.streams import Array
from recorder.activity import clean_events, count_activity, hot_pixels
from recorder.measures.flicker import flicker, unless_flicker
from recorder.measures.noise import STILL_TILES, WINDOW_US, hot_share, window_rates
from recorder.measures.steps import within_reason
from recorder.measures.thresholds import Reading
from recorder.rigcheck import limits
from recorder.rigcheck.findings import Check, check_of, unknown
from recorder.rigcheck.views import RigView

MOST_EVENTS = 400_000  # are looked at; of more every n-th, which changes no rate and no share, and keeps a look short
LEAST_US = 300_000  # three windows of the noise
LISTED = 200  # hot pixels that are named one by one
LOOKS, LASTING = 5, 0.8  # looks, and the share of them in which a pixel must have been hot

Pixels = NDArray[np.bool_]  # [H, W]


class EventMemory:
    """Judges the events; remembers which pixels were hot: in two seconds an edge that trembles looks like one, too."""

    def __init__(self) -> None:
        self._hot: deque[Pixels] = deque(maxlen=LOOKS)

    def look(self, view: RigView) -> tuple[Check, Check, Check]:
        """Flicker, background rate and hot pixels.

        Details: of flicker as `recorder.measures.flicker`; of hot pixels `count`, `masked`, how many of them the mask knows,
        and `pixels`, the others as [x, y].
        """
        if view.resolution is None or not len(view.events):
            text, unit = "There are no events.", limits.NOISE.unit
            return unknown("flicker", text, "%"), unknown("background_rate", text, unit), unknown("hot_pixels", text)
        clean = within_reason(clean_events(view.events, view.resolution))
        every = max(1, -(-len(clean) // MOST_EVENTS))
        events = np.ascontiguousarray(clean[::every])
        lamps, hot = _lamps(events), hot_pixels(clean, view.resolution)
        noise = unless_flicker(_noise(events, view.resolution, hot, every), lamps)
        lasting = self._lasting(hot)
        share = unless_flicker(hot_share(lasting), lamps)
        return check_of(limits.FLICKER, lamps), check_of(limits.NOISE, noise), _hot(view, share, lasting)

    def _lasting(self, hot: Pixels) -> Pixels:
        """The pixels that were hot nearly each time."""
        if self._hot and self._hot[-1].shape != hot.shape:
            self._hot.clear()
        self._hot.append(hot)
        return np.asarray(np.sum(self._hot, axis=0) >= LASTING * len(self._hot))


def _lamps(events: Array) -> Reading:
    if not len(events):
        return Reading(unknown="There are no events.")
    return flicker(events, (int(events["t"][0]), int(events["t"][-1]) + 1))


def _noise(events: Array, resolution: tuple[int, int], hot: Pixels, every: int) -> Reading:
    """As `recorder.measures.noise.background`: of each tile the median over windows, and of these the tenth percentile."""
    few = Reading(unknown="There are too few events yet to tell noise from movement.")
    if not len(events) or int(events["t"][-1]) - int(events["t"][0]) < LEAST_US:
        return few
    activity = count_activity(events, resolution, bin_us=WINDOW_US, hot=hot)
    rates = window_rates(activity, activity.start_us, activity.end_us - WINDOW_US)  # the last window is not full
    if not len(rates):
        return few
    rows, columns = resolution[1] // activity.tile_px, resolution[0] // activity.tile_px
    tiles = np.median(rates, axis=0)[:rows, :columns]
    return Reading(every * float(np.percentile(tiles, STILL_TILES)))


def _hot(view: RigView, reading: Reading, hot: Pixels) -> Check:
    masked = {(int(x), int(y)) for x, y in view.masked}
    found = [(int(x), int(y)) for y, x in np.argwhere(hot)]
    fresh = [pixel for pixel in found if pixel not in masked]
    known = f", {len(found) - len(fresh)} of them masked" if masked else ""
    pixels = [list(pixel) for pixel in fresh[:LISTED]]
    details = {"count": len(found), "masked": len(found) - len(fresh), "known": known, "pixels": pixels}
    value = None if reading.value is None else 1000.0 * len(fresh) / max(1, hot.size)
    return check_of(limits.HOT, Reading(value, details, reading.unknown))
