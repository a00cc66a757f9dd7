"""How much of each picture the paper covers: pictures in linear light, with what they show bare and what papered.

Knows neither events nor clocks: the times at which the sheet comes by are given in the camera's own time.
"""

from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from recorder.alignment.edge_tiles import Bools, Reals

Light = NDArray[np.float32]

SAMPLES_ACROSS = 80  # of a picture, each the mean of its pixels: an edge is smeared over far more by the exposure
CLIPPED = 250  # 8-bit codes from which a pixel counts as overexposed
MOST_CLIPPED = 0.05  # of a sample's pixels
STILLS = 8  # pictures that make up what is seen before and after
SETTLED_MS = 120.0  # after the edge has left the view hand and sheet still move
STILL_SPAN_MS = 900.0
MIN_STILLS = 2
THUMB = 0.08  # paper that is this share darker or brighter than its surroundings is no paper: the hand, or a fold
GROW = 5  # samples around it


@dataclass(frozen=True)
class Habits:
    """What a kind of camera does to its pictures.

    gain_sigma: by how much a picture may be brighter than its exposure says, where it is bare and where it is papered; memory:
    share of the picture before that stays in each, and memory_sigma, how well that is known; counts: the values are no light
    but counts that stand for temperatures; overexposes: paper may be brighter than can be told.
    """

    gain_sigma: tuple[float, float] = (0.3, 0.3)
    memory: float = 0.0
    memory_sigma: float = 1e-4
    counts: bool = False
    overexposes: bool = False


@dataclass(frozen=True)
class Pictures:
    """Pictures of one camera in order of time, [k] each.

    times_us: middle of the exposure of the centre row, in the camera's own time; exposure_ms: NaN where unknown; light: linear
    light of each sample, float32 [k, h, w]; clipped: bool [k, h, w], samples that are overexposed; aspect: height of the
    picture in widths; frozen_us: times of pictures left out, as they repeat the one before.
    """

    times_us: NDArray[np.int64]
    exposure_ms: Reals
    light: Light
    clipped: Bools
    aspect: float
    habits: Habits = Habits()
    frozen_us: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.times_us)

    def places(self) -> tuple[Reals, Reals, Reals]:
        """Places x and y in half widths from the middle, and the row from 0 (top) to 1, of every sample, [h * w] each."""
        height, width = self.light.shape[1:]
        row, column = np.mgrid[0:height, 0:width]
        rows = (row.ravel() + 0.5) / height
        return (column.ravel() + 0.5) / width * 2 - 1, (rows * 2 - 1) * self.aspect, rows


@cache
def _linear() -> Light:
    """Linear light of 8-bit codes by the curve of sRGB (IEC 61966-2-1)."""
    code = np.arange(256) / 255
    light = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    return np.asarray(light, np.float32)


def colour_sample(image: NDArray[np.uint8]) -> tuple[Light, Bools]:
    """Linear light and overexposure [h, w] of a picture of 8 bits, SAMPLES_ACROSS wide: [H, W, 3] with the curve of sRGB, or
    [H, W] as the converter of an event camera's own pictures gives it, without any.
    """
    height, width = image.shape[:2]
    size = SAMPLES_ACROSS, max(2, round(SAMPLES_ACROSS * height / width))
    curve = _linear() if image.ndim == 3 else np.linspace(0, 1, 256, dtype=np.float32)
    light = cv2.resize(cv2.LUT(image, curve), size, interpolation=cv2.INTER_AREA)
    over = cv2.resize((image >= CLIPPED).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    if image.ndim == 3:
        light, over = light.mean(axis=2), over.max(axis=2)
    return np.asarray(light, np.float32), np.asarray(over > MOST_CLIPPED)


@dataclass(frozen=True)
class Passage:
    """One slide of the paper before a camera: what is seen without it and with it, and the pictures in between.

    bare, papered: [n] light of the samples used; x, y, row: [n] their places (see Pictures.places); light: [k, n];
    usable: [k, n]; times_us, exposure_ms: [k]; leaves: the paper goes.
    """

    habits: Habits
    leaves: bool
    bare: Reals
    papered: Reals
    x: Reals
    y: Reals
    row: Reals
    light: Reals
    usable: Bools
    times_us: NDArray[np.int64]
    exposure_ms: Reals

    def part(self, samples: Bools) -> "Passage":
        """The same of some samples only, bool [n]."""
        places = (self.bare, self.papered, self.x, self.y, self.row)
        bare, papered, x, y, row = (value[samples] for value in places)
        light, usable = self.light[:, samples], self.usable[:, samples]
        return replace(self, bare=bare, papered=papered, x=x, y=y, row=row, light=light, usable=usable)


def find_passage(pictures: Pictures, crossing_us: tuple[float, float], slack_us: float, *, leaves: bool) -> Passage | None:
    """The slide whose edge crosses the view from crossing_us[0] to [1] in the camera's time, give or take slack_us.

    None where there are no pictures of before, of after or of the slide.
    """
    times = pictures.times_us
    begin, end = crossing_us[0] - slack_us, crossing_us[1] + slack_us
    span = STILL_SPAN_MS * 1e3
    settled = SETTLED_MS * 1e3
    if leaves:
        before = _stills((times < begin - settled) & (times > begin - settled - span), last=True)
        after = _stills((times > end) & (times < end + span), last=False)
    else:
        before = _stills((times < begin) & (times > begin - span), last=True)
        after = _stills((times > end + settled) & (times < end + settled + span), last=False)
    between = np.flatnonzero((times >= begin) & (times <= end))
    if min(len(before), len(after)) < MIN_STILLS or len(between) < 1:
        return None
    papered, bare = (before, after) if leaves else (after, before)
    return _passage(pictures, between, _still(pictures, bare), _still(pictures, papered), leaves)


def _stills(chosen: Bools, *, last: bool) -> NDArray[np.intp]:
    found = np.flatnonzero(chosen)
    return found[-STILLS:] if last else found[:STILLS]


def _still(pictures: Pictures, chosen: NDArray[np.intp]) -> tuple[Light, Bools]:
    """What some pictures show in common [h, w], brought to one exposure, and where it can be told."""
    light = pictures.light[chosen].astype(np.float64)
    level = np.median(light.reshape(len(light), -1), axis=1)
    still = np.median(light / np.maximum(level, 1e-6)[:, None, None], axis=0) * np.median(level)
    return np.asarray(still, np.float32), np.asarray(~pictures.clipped[chosen].any(axis=0))


def _passage(
    pictures: Pictures, between: NDArray[np.intp], bare: tuple[Light, Bools], papered: tuple[Light, Bools], leaves: bool
) -> Passage:
    x, y, row = pictures.places()
    told = papered[1] | pictures.habits.overexposes
    seen = (bare[1] & told & _is_paper(papered[0])).ravel()
    light = pictures.light[between].reshape(len(between), -1).astype(np.float64)
    usable = ~pictures.clipped[between].reshape(len(between), -1)
    whole = Passage(
        pictures.habits,
        leaves,
        bare[0].ravel().astype(np.float64),
        papered[0].ravel().astype(np.float64),
        x,
        y,
        row,
        light,
        usable,
        pictures.times_us[between],
        pictures.exposure_ms[between],
    )
    return whole.part(seen)


def _is_paper(papered: Light) -> Bools:
    """Where a picture of the paper [h, w] shows paper and not the hand: near a smooth surface, away from what is not."""
    height, width = papered.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    functions = np.stack([x * 0 + 1, x, y, x * x, y * y, x * y], axis=-1).reshape(-1, 6)
    values = papered.ravel().astype(np.float64)
    fine = np.ones(len(values), bool)
    for _ in range(6):
        terms = np.linalg.lstsq(functions[fine], values[fine], rcond=None)[0]
        away = values / np.maximum(functions @ terms, 1e-6) - 1
        fine = np.abs(away) < max(THUMB, 2 * float(np.median(np.abs(away))))
    spoilt = (np.abs(away) > THUMB).reshape(height, width).astype(np.uint8)
    return np.asarray(cv2.dilate(spoilt, np.ones((GROW, GROW), np.uint8)) == 0)
