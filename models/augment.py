"""Changes of training clips that leave open what a clip shows: the augmentations of Spiking-FER by their names, and others.

All work on events, where they mean what they would mean in a camera; labels and crop move along, and nothing given is changed.
Knows no tensors. docs/methods/encoding.md tells what each keeps.
"""

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.clipstore import Clip, ClipInterval
from models.errors import ModelError
from protocol.streams import EVENT_DTYPE, Array

Cut: TypeAlias = tuple[Array, Clip]  # events, t in us since the clip's start, in time order; and the clip
Rng: TypeAlias = np.random.Generator

# Of Spiking-FER (Barchid et al. 2023; project/utils/transforms.py and dvs_noises.py of its repository).
NOISE_SHARE = 0.2  # events added to those that are there
POLARITY_CHANCE = 0.2  # of each event
CROP_AREA = (0.08, 1.0)  # torchvision's RandomResizedCrop as called there
# Ours.
TIME_SCALE = (0.7, 1.4)
THRESHOLD_SCALE = (0.7, 1.5)  # biases and contrast of the scene act on events as the threshold does
THRESHOLD_MISMATCH = 0.1  # of ln(ON threshold / OFF threshold), standard deviation
COPY_JITTER_US = 3_000.0  # standard deviation; a lower threshold gives events between those that there are
SWAY_HZ = (0.2, 1.5)  # heads that are held still sway below 2 Hz
SWAY_SHARE = 0.015  # of the crop's side at most: 3 pixels of 200
HOT_NUMBER, HOT_HZ, HOT_ON = (1, 5), (20.0, 200.0), 0.9  # leaky pixels mostly give ON events
BOX_SHIFT, BOX_SCALE = 0.05, (0.88, 1.14)  # of the side; what face finders differ by (docs/methods/face.md)


def _flip(events: Array, clip: Clip, rng: Rng) -> Cut:
    """Left and right change places: x -> width - 1 - x."""
    width = clip.resolution[0]
    events["x"] = width - 1 - events["x"]
    crop = clip.crop.model_copy(update={"x": width - clip.crop.x})
    return events, clip.model_copy(update={"crop": crop})


def _flip_polarity(events: Array, clip: Clip, rng: Rng) -> Cut:
    """Each event's polarity with a chance of 0.2."""
    events["p"] ^= (rng.random(len(events)) < POLARITY_CHANCE).astype(np.int8)
    return events, clip


def _background_activity(events: Array, clip: Clip, rng: Rng) -> Cut:
    """A fifth more events, anywhere in the crop at any time; there the whole picture is the face."""
    (left, right), (top, bottom) = _pixels(clip)
    inside = (events["x"] >= left) & (events["x"] < right) & (events["y"] >= top) & (events["y"] < bottom)
    noise = np.zeros(int(NOISE_SHARE * np.count_nonzero(inside)), EVENT_DTYPE)
    noise["t"] = rng.integers(0, clip.duration_us, len(noise))
    noise["x"], noise["y"] = rng.integers(left, right, len(noise)), rng.integers(top, bottom, len(noise))
    noise["p"] = rng.integers(0, 2, len(noise))
    return _merged(events, noise), clip


def _reverse(events: Array, clip: Clip, rng: Rng) -> Cut:
    """Time runs backwards: t -> duration - 1 - t, ON and OFF change places, and so do onset and offset."""
    last_us = clip.duration_us - 1
    events = events[::-1].copy()
    events["t"] = last_us - events["t"]
    events["p"] = 1 - events["p"]
    turned = (
        ClipInterval(i.token, last_us - i.offset_us, last_us - i.apex_us, last_us - i.onset_us) for i in clip.intervals[::-1]
    )
    return events, clip.model_copy(update={"intervals": tuple(turned)})


def _mirror(events: Array, clip: Clip, rng: Rng) -> Cut:
    """One half of the face is what the other shows: both sides of the crop's middle alike."""
    twice = round(2 * clip.crop.x)  # the axis, in halves of a pixel
    side = 2 * events["x"].astype(np.int64) + 1 - twice
    kept = events[side <= 0 if rng.random() < 0.5 else side >= 0]
    beyond = kept[2 * kept["x"].astype(np.int64) + 1 != twice]
    other = twice - 1 - beyond["x"].astype(np.int64)
    on_sensor = (other >= 0) & (other < clip.resolution[0])
    image = beyond[on_sensor]
    image["x"] = other[on_sensor]
    return _merged(kept, image), clip


def _event_drop(events: Array, clip: Clip, rng: Rng) -> Cut:
    """Nothing, or events dropped by time, by area or at random, a quarter of the clips each (Gu et al. 2021, EventDrop)."""
    drop = (lambda events, clip, rng: (events, clip), _drop_time, _drop_area, _drop_random)[rng.integers(4)]
    return drop(events, clip, rng)


def _drop_time(events: Array, clip: Clip, rng: Rng) -> Cut:
    """A stretch of 0.1 ... 0.9 of the clip; what was made wholly within it was not made."""
    length_us = clip.duration_us * int(rng.integers(1, 10)) // 10
    begin_us = int(rng.integers(0, clip.duration_us - length_us + 1))
    end_us = begin_us + length_us
    seen = tuple(i for i in clip.intervals if i.onset_us < begin_us or i.offset_us >= end_us)
    events = events[(events["t"] < begin_us) | (events["t"] >= end_us)]
    return events, clip.model_copy(update={"intervals": seen})


def _drop_area(events: Array, clip: Clip, rng: Rng) -> Cut:
    """A square of 0.05 ... 0.25 of the crop's side."""
    crop, share = clip.crop, int(rng.integers(1, 6)) / 20
    left, top = (begin + rng.random() * (1 - share) * crop.side_px for begin in (crop.left, crop.top))
    x, y, side_px = events["x"] + 0.5, events["y"] + 0.5, share * crop.side_px
    inside = (x >= left) & (x < left + side_px) & (y >= top) & (y < top + side_px)
    return events[~inside], clip


def _drop_random(events: Array, clip: Clip, rng: Rng) -> Cut:
    """A share of 0.1 ... 0.9 of the events."""
    kept = len(events) - round(len(events) * int(rng.integers(1, 10)) / 10)
    return events[np.sort(rng.permutation(len(events))[:kept])], clip


def _crop(events: Array, clip: Clip, rng: Rng) -> Cut:
    """A random square within the crop, of 0.08 ... 1 of its area, is what is seen; there it may be oblong."""
    share = float(np.sqrt(rng.uniform(*CROP_AREA)))
    reach_px = (1 - share) * clip.crop.side_px / 2
    crop = clip.crop.moved(rng.uniform(-reach_px, reach_px), rng.uniform(-reach_px, reach_px), share)
    return events, clip.model_copy(update={"crop": crop})


def _time_scale(events: Array, clip: Clip, rng: Rng) -> Cut:
    """Everything 0.7 ... 1.4 times as long, the clip too."""
    scale = _between(TIME_SCALE, rng)
    start_us, duration_us = clip.span_us[0], max(round(clip.duration_us * scale), 1)
    events["t"] = np.minimum((events["t"] * scale).astype(np.int64), duration_us - 1)
    longer = (ClipInterval(i.token, *(round(t_us * scale) for t_us in i[1:])) for i in clip.intervals)
    return events, clip.model_copy(update={"span_us": (start_us, start_us + duration_us), "intervals": tuple(longer)})


def _threshold_scale(events: Array, clip: Clip, rng: Rng) -> Cut:
    """As if the pixels' thresholds were 0.7 ... 1.5 times as high, ON and OFF a little apart: a share of the events stays, or
    each has copies of its pixel and polarity shortly before or after.
    """
    scales = _between(THRESHOLD_SCALE, rng) * np.exp(rng.normal(0, THRESHOLD_MISMATCH / 2, 2) * (-1, 1))
    wanted = (1 / scales)[(events["p"] > 0).astype(np.intp)]
    times = np.floor(wanted + rng.random(len(events))).astype(np.intp)  # 0: gone, 2: one copy
    kept = events[times > 0]
    copies = np.repeat(events, np.maximum(times - 1, 0))
    moved = copies["t"] + np.round(rng.normal(0, COPY_JITTER_US, len(copies))).astype(np.int64)
    copies["t"] = np.clip(moved, 0, clip.duration_us - 1)
    return _merged(kept, copies), clip


def _head_sway(events: Array, clip: Clip, rng: Rng) -> Cut:
    """All positions move to and fro by up to 1.5 % of the crop's side, slowly, each way at a pace of its own."""
    seconds, (width, height) = events["t"] * 1e-6, clip.resolution
    shifts = []
    for _ in range(2):
        size_px = rng.uniform(0, SWAY_SHARE) * clip.crop.side_px
        phase = 2 * np.pi * (_between(SWAY_HZ, rng) * seconds + rng.random())
        shifts.append(np.round(size_px * np.sin(phase)).astype(np.int64))
    x, y = events["x"] + shifts[0], events["y"] + shifts[1]
    inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    events["x"], events["y"] = np.where(inside, x, 0), np.where(inside, y, 0)
    return events[inside], clip


def _hot_pixels(events: Array, clip: Clip, rng: Rng) -> Cut:
    """One to five pixels of the crop fire by themselves, 20 ... 200 times a second."""
    spots = [_hot_pixel(clip, rng) for _ in range(rng.integers(*HOT_NUMBER, endpoint=True))]
    return _merged(events, np.concatenate(spots)), clip


def _hot_pixel(clip: Clip, rng: Rng) -> Array:
    (left, right), (top, bottom) = _pixels(clip)
    hot = np.zeros(rng.poisson(_between(HOT_HZ, rng) * clip.duration_us * 1e-6), EVENT_DTYPE)
    hot["t"] = rng.integers(0, clip.duration_us, len(hot))
    hot["x"], hot["y"] = rng.integers(left, right), rng.integers(top, bottom)
    hot["p"] = rng.random(len(hot)) < HOT_ON
    return hot


def _box_jitter(events: Array, clip: Clip, rng: Rng) -> Cut:
    """The face was found a little beside where it is, too large or too small: 5 % of the side, 0.88 ... 1.14 times."""
    reach_px = BOX_SHIFT * clip.crop.side_px
    crop = clip.crop.moved(rng.uniform(-reach_px, reach_px), rng.uniform(-reach_px, reach_px), _between(BOX_SCALE, rng))
    return events, clip.model_copy(update={"crop": crop})


def _pixels(clip: Clip) -> tuple[tuple[int, int], tuple[int, int]]:
    """[first, end) of the columns and rows of the sensor that lie in the crop; at least one of each."""
    crop = clip.crop
    spans = []
    for begin, size in zip((crop.left, crop.top), clip.resolution, strict=True):
        first = min(max(int(np.ceil(begin - 0.5)), 0), size - 1)
        spans.append((first, max(min(int(np.ceil(begin + crop.side_px - 0.5)), size), first + 1)))
    return spans[0], spans[1]


def _between(limits: tuple[float, float], rng: Rng) -> float:
    """A factor: as often by so much as by the inverse."""
    return float(np.exp(rng.uniform(*np.log(limits))))


def _merged(events: Array, more: Array) -> Array:
    """Both, in time order."""
    both = np.concatenate([events, more])
    order: NDArray[np.intp] = np.argsort(both["t"], kind="stable")
    return both[order]


@dataclass(frozen=True)
class _Step:
    """chance: how many of the clips are changed."""

    change: Callable[[Array, Clip, Rng], Cut]
    chance: float = 1.0
    published: bool = True


# In the order in which they are made. The camera's view first, then what Spiking-FER does in its order; the crop last.
STEPS: dict[str, _Step] = {
    "threshold_scale": _Step(_threshold_scale, 0.8, published=False),
    "time_scale": _Step(_time_scale, 0.8, published=False),
    "head_sway": _Step(_head_sway, 0.5, published=False),
    "hot_pixels": _Step(_hot_pixels, 0.3, published=False),
    "flip": _Step(_flip, 0.5),
    "background_activity": _Step(_background_activity, 0.5),
    "reverse": _Step(_reverse, 0.2),
    "flip_polarity": _Step(_flip_polarity),
    "event_drop": _Step(_event_drop),
    "mirror": _Step(_mirror, 0.5),
    "crop": _Step(_crop),
    "box_jitter": _Step(_box_jitter, 0.8, published=False),
}
NAMES = tuple(STEPS)
SPIKING_FER = tuple(name for name, step in STEPS.items() if step.published)


@dataclass(frozen=True)
class Augmentation:
    """Which changes clips undergo. names: of NAMES, in any order; seed: of the chances that `rng` gives.

    What one of them draws does not depend on which others there are.
    """

    names: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises ModelError for a name that is none, or comes twice."""
        for index, name in enumerate(self.names):
            if name not in STEPS:
                near = difflib.get_close_matches(name[:64], NAMES, 1)
                hint = f"did you mean {near[0]}" if near else f"choose of {', '.join(NAMES)}"
                raise ModelError(f"{name[:64]!r} is no augmentation; {hint}.")
            if name in self.names[:index]:
                raise ModelError(f"The augmentation {name!r} is named twice; name it once.")

    @classmethod
    def parse(cls, text: str, seed: int = 0) -> Self:
        """Of a list such as "flip,crop"; "" or "none" is none, "all" is all. Raises ModelError as the class."""
        words = [word.strip().replace("-", "_") for word in text.split(",") if word.strip()]
        if words == ["all"]:
            return cls(NAMES, seed)
        return cls(() if words == ["none"] else tuple(words), seed)

    def rng(self, *which: int) -> Rng:
        """The chances of one clip, such as (epoch, number of the clip): the same in any process and any order."""
        return np.random.default_rng((self.seed, *which))

    def apply(self, events: Array, clip: Clip, rng: Rng) -> Cut:
        """The clip changed by chance: events of EVENT_DTYPE in time order, on the sensor, 0 <= t < the new clip's duration_us.

        events: the same, as `ClipStore.events` gives them; neither they nor the clip are changed.
        """
        events, base = events.copy(), int(rng.integers(2**62))
        for number, (name, step) in enumerate(STEPS.items()):
            if name in self.names:
                own = np.random.default_rng((base, number))
                if own.random() < step.chance:
                    events, clip = step.change(events, clip, own)
        return events, clip


def change(name: str, events: Array, clip: Clip, rng: Rng) -> Cut:
    """One change, for sure. Raises ModelError for a name that is none."""
    Augmentation((name,))
    return STEPS[name].change(events.copy(), clip, rng)


def describe(names: Iterable[str]) -> str:
    """One line for each: its name, how many clips it changes, what it does."""
    lines = (f"{name} ({STEPS[name].chance:.0%}): {' '.join((STEPS[name].change.__doc__ or '').split())}" for name in names)
    return "\n".join(lines)
