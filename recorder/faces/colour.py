"""Where a colour camera's pixels lie in the event camera's picture: its edges laid over the places where events are.

Both look at the same face from a hand's breadth apart through lenses that nobody measured. Knows no face and no clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocol.streams import Array
from recorder.activity import pixel_counts
from recorder.faces.geometry import Eyes, Point
from recorder.faces.portrait import Sweep
from recorder.sources.pictures import opencv

Floats = NDArray[np.float32]

HALF = 0.5  # the search is made in pictures of half the sensor's size
# Width of the sensor's view over that of the colour camera's, in scales of their widths: lenses from half to twice as wide.
SCALES = np.geomspace(0.5, 2.0, 45)
MARGIN = 0.15  # by which the pictures may be shifted, in widths of the sensor
LEAST_LIKENESS = 0.5  # correlation: 0.56 to 0.81 on simulated takes; without a head in both of them at most that much
BLUR_PX = 2.0  # the face sways by some pixels between the two
SHADOWS = 8.0  # grey levels: without them the logarithm makes edges of noise
BESIDE_SWEEP_US = 400_000  # the sheet and the hand are not where the face is
LEAST_EVENTS = 0.5  # a pixel


@dataclass(frozen=True)
class Laid:
    """x_events = scale * x_colour + x, and so for y. likeness: correlation of the two pictures, at most 1."""

    scale: float
    x: float
    y: float
    likeness: float

    def point(self, at: Point) -> Point:
        """A point of the colour picture in pixels of the event camera."""
        return self.scale * at[0] + self.x, self.scale * at[1] + self.y

    def eyes(self, eyes: Eyes) -> Eyes:
        """Eyes of the colour picture in pixels of the event camera."""
        return Eyes(self.point(eyes.left), self.point(eyes.right))


def lay_over(
    pictures: Sequence[NDArray[np.uint8]], events: Array, resolution: tuple[int, int], without: Sequence[Sweep] = ()
) -> Laid | None:
    """How the colour pictures lie over the events, None where they are not alike.

    Events come where light is steep and something sways, so their number looks like the steepness of the logarithm of light.
    The best normalised correlation over all scales and shifts is taken (cv2.matchTemplate). Face and wall lie at different
    distances and the cameras beside each other, so single points are off by some per cent of the face's width.
    pictures: [H, W, 3] BGR of one size; events: [n] of EVENT_DTYPE, clean; without: when a sheet passes.
    """
    still = _without(events, without)
    if not pictures or len(still) < LEAST_EVENTS * resolution[0] * resolution[1]:
        return None
    places, edges = _places(still, resolution), _edges(pictures)
    if min(places.shape) < 8 or float(places.std()) == 0 or float(edges.std()) == 0:
        return None
    unit = resolution[0] / edges.shape[1]
    best = max((_best_shift(places, edges, float(scale) * unit) for scale in SCALES), key=lambda laid: laid.likeness)
    return best if best.likeness >= LEAST_LIKENESS else None


def _without(events: Array, sweeps: Sequence[Sweep]) -> Array:
    keep = np.ones(len(events), np.bool_)
    for sweep in sweeps:
        span_us = sweep.start_us - BESIDE_SWEEP_US, sweep.end_us + BESIDE_SWEEP_US
        keep[slice(*np.searchsorted(events["t"], span_us))] = False
    return events[keep]


def _places(events: Array, resolution: tuple[int, int]) -> Floats:
    """Logarithm of the number of events, above what most pixels have, at half the size."""
    cv2 = opencv()
    counts = np.log1p(pixel_counts(events, resolution).astype(np.float32))
    counts = cv2.GaussianBlur(np.maximum(counts - np.median(counts), 0), (0, 0), BLUR_PX)
    return np.asarray(cv2.resize(counts, None, fx=HALF, fy=HALF, interpolation=cv2.INTER_AREA), np.float32)


def _edges(pictures: Sequence[NDArray[np.uint8]]) -> Floats:
    """Mean steepness of the logarithm of light."""
    cv2: Any = opencv()
    total = np.zeros(pictures[0].shape[:2], np.float32)
    for picture in pictures:
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) if picture.ndim == 3 else picture
        light = np.log(cv2.GaussianBlur(grey, (0, 0), BLUR_PX).astype(np.float32) + SHADOWS)
        total += np.hypot(cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1))
    return np.asarray(np.log1p(5 * total / len(pictures)), np.float32)  # as the number of events: not proportional to contrast


def _best_shift(places: Floats, edges: Floats, scale: float) -> Laid:
    cv2 = opencv()
    factor = scale * HALF
    small = cv2.resize(edges, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    margin = round(MARGIN * places.shape[1])
    down, across = (max(0, places.shape[n] - small.shape[n]) // 2 + margin for n in (0, 1))
    padded = cv2.copyMakeBorder(small, down, down + 1, across, across + 1, cv2.BORDER_CONSTANT)
    _, likeness, _, (x, y) = cv2.minMaxLoc(cv2.matchTemplate(padded, places, cv2.TM_CCOEFF_NORMED))
    return Laid(scale, (across - x) / HALF, (down - y) / HALF, float(likeness))
