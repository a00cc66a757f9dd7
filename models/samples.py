"""What a network is shown: windows of clips as tensors, with what was made in each time bin. NumPy only; knows no network.

The same seed, epoch and number give the same sample, whichever process makes it.
"""

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from models.augment import TIME_SCALE, Augmentation
from models.classes import ClassSet
from models.clipstore import Clip, ClipInterval, ClipStore
from models.encode import Encoding, encode
from models.errors import ModelError
from protocol.schema import Strict
from protocol.streams import Array

Floats = NDArray[np.float32]
NO_CLASS = -1
LONGER = 1 / TIME_SCALE[0]  # windows are cut that much longer before time is scaled: what becomes shorter still fills them


class WindowConfig(Strict):
    """Which windows are cut from clips.

    steps: time bins of a window; warm_steps: of these, the first are shown but not scored, since nothing is remembered yet;
    aimed_share: of the windows hold a movement, the classes evenly; the others begin anywhere.
    seen_us: after the onset a movement is expected to be told; held_us: after the apex a movement that is held may be
    forgotten, until it ends; fading_us: after the offset it may still be told.
    """

    steps: Annotated[int, Field(ge=1, le=10_000)] = 24
    warm_steps: Annotated[int, Field(ge=0, le=10_000)] = 3
    aimed_share: Annotated[float, Field(ge=0, le=1)] = 0.8
    seen_us: Annotated[int, Field(ge=0)] = 60_000
    held_us: Annotated[int, Field(ge=0)] = 160_000
    fading_us: Annotated[int, Field(ge=0)] = 120_000


class Sample(NamedTuple):
    """x: [T, C, H, W]; target, weight: [T, K], whether each class is under way in each bin and how much that counts;
    bag: [K], whether each was made in the window; label: the number of the one class of the window, NO_CLASS where several
    were made or it cannot be said.
    """

    x: Floats
    target: Floats
    weight: Floats
    bag: Floats
    bag_weight: Floats
    label: int


class Cut(NamedTuple):
    """Where a window lies: the clip's number and the window's start in us since the clip's start."""

    clip: int
    start_us: int


class Sampler:
    """Windows of some clips of a store. Can be pickled: a process that makes samples has its own."""

    def __init__(
        self,
        store: ClipStore,
        chosen: Sequence[int],
        classes: ClassSet,
        encoding: Encoding,
        window: WindowConfig,
        augmentation: Augmentation | None = None,
        seed: int = 0,
    ) -> None:
        """chosen: numbers of the clips. Raises ModelError where there is none."""
        if not chosen:
            raise ModelError(
                "There is no clip to learn from or to test on; give a data set with labelled takes of several persons."
            )
        self.store, self.chosen, self.classes = store, tuple(chosen), classes
        self.encoding, self.window, self.augmentation, self.seed = encoding, window, augmentation, seed
        self._made = _made(store, self.chosen, classes)

    def draw(self, epoch: int, number: int) -> Sample:
        """A sample of an epoch: another window, differently augmented, each time."""
        rng = np.random.default_rng([self.seed, epoch, number])
        return self._sample(self._choose(rng), rng)

    def at(self, cut: Cut) -> Sample:
        """The window at a place, as it is."""
        return self._sample(cut, None)

    def _choose(self, rng: np.random.Generator) -> Cut:
        classes = [made for made in self._made.values() if made]
        if classes and rng.random() < self.window.aimed_share:
            made = classes[int(rng.integers(len(classes)))]
            return self._about(*made[int(rng.integers(len(made)))], rng)
        index = self.chosen[int(rng.integers(len(self.chosen)))]
        room_us = max(self.store.clips[index].duration_us - self._length_us(), 0)
        return Cut(index, int(rng.integers(room_us + 1)))

    def _about(self, index: int, interval: ClipInterval, rng: np.random.Generator) -> Cut:
        """A window in which a movement's way from onset to apex lies behind the bins that are not scored."""
        bin_us, window = self.encoding.bin_us, self.window
        latest = interval.onset_us - window.warm_steps * bin_us
        earliest = interval.apex_us + window.seen_us - self._length_us()
        begin = int(rng.integers(min(earliest, latest), max(earliest, latest) + 1))
        room_us = max(self.store.clips[index].duration_us - self._length_us(), 0)
        return Cut(index, int(np.clip(begin, 0, room_us)))

    def _length_us(self) -> int:
        return self.window.steps * self.encoding.bin_us

    def _sample(self, cut: Cut, rng: np.random.Generator | None) -> Sample:
        clip = self.store.clips[cut.clip]
        scaled = rng is not None and self.augmentation is not None and "time_scale" in self.augmentation.names
        length_us = int(self._length_us() * LONGER) if scaled else self._length_us()
        events, part = window_of(self.store.events(cut.clip), clip, cut.start_us, length_us)
        if rng is not None and self.augmentation is not None:
            events, part = self.augmentation.apply(events, part, rng)
        x = encode(events, part.crop, self.encoding, 0, self.window.steps)
        target, weight = step_targets(part.intervals, self.classes, self.window, self.encoding.bin_us)
        bag, bag_weight = bag_targets(part.intervals, self.classes, self.window, self.encoding.bin_us)
        return Sample(x, target, weight, bag, bag_weight, label_of(part, bag, bag_weight, self.classes))


def window_of(events: Array, clip: Clip, start_us: int, length_us: int) -> tuple[Array, Clip]:
    """The events of a window, t in us since its start, and the window as a clip of its own. Nothing given is changed."""
    first, last = np.searchsorted(events["t"], (start_us, start_us + length_us))
    part = events[first:last].copy()
    part["t"] -= start_us
    moved = (
        ClipInterval(i.token, i.onset_us - start_us, i.apex_us - start_us, i.offset_us - start_us)
        for i in clip.intervals
        if i.offset_us > start_us and i.onset_us < start_us + length_us
    )
    begin_us = clip.span_us[0] + start_us
    return part, clip.model_copy(update={"span_us": (begin_us, begin_us + length_us), "intervals": tuple(moved)})


def step_targets(
    intervals: Sequence[ClipInterval], classes: ClassSet, window: WindowConfig, bin_us: int
) -> tuple[Floats, Floats]:
    """[T, K] whether each class is under way at the end of each bin, and [T, K] how much that counts: 0 where both answers are
    right, as in the first instants of a movement, and while it is held.
    """
    target = np.zeros((window.steps, classes.outputs), np.float32)
    weight = np.ones_like(target)
    weight[: window.warm_steps] = 0
    ends_us = bin_us * (1 + np.arange(window.steps))
    for interval in intervals:
        if interval.token not in classes.classes:
            continue
        k = classes.index(interval.token)
        if k >= classes.outputs:
            continue
        seen_us = min(interval.onset_us + window.seen_us, interval.apex_us)
        sure = (ends_us > seen_us) & (ends_us <= min(interval.apex_us + window.held_us, interval.offset_us) + bin_us)
        open_ = (ends_us > interval.onset_us) & (ends_us <= interval.offset_us + window.fading_us + bin_us) & ~sure
        weight[open_ & (target[:, k] == 0), k] = 0
        target[sure, k] = 1
        weight[sure & (np.arange(window.steps) >= window.warm_steps), k] = 1
    return target, weight


def bag_targets(
    intervals: Sequence[ClipInterval], classes: ClassSet, window: WindowConfig, bin_us: int
) -> tuple[Floats, Floats]:
    """[K] whether each class was made in the scored part of the window, from onset to apex; [K] 0 where only a part of that
    way lies in it.
    """
    bag, weight = np.zeros(classes.outputs, np.float32), np.ones(classes.outputs, np.float32)
    begin_us, end_us = window.warm_steps * bin_us, window.steps * bin_us
    for interval in intervals:
        if interval.token not in classes.classes or classes.index(interval.token) >= classes.outputs:
            continue
        k = classes.index(interval.token)
        if interval.onset_us >= begin_us - bin_us and interval.apex_us <= end_us:
            bag[k], weight[k] = 1, 1
        elif not bag[k] and interval.offset_us > 0 and interval.onset_us < end_us:
            weight[k] = 0
    return bag, weight


def label_of(clip: Clip, bag: Floats, weight: Floats, classes: ClassSet) -> int:
    """The number of the window's one class; neutral where nothing was made; NO_CLASS where that cannot be said."""
    if not weight.all():
        return NO_CLASS
    made = np.flatnonzero(bag)
    if len(made) == 1:
        return int(made[0])
    if len(made) == 0 and classes.has_neutral:
        return len(classes.classes) - 1
    return NO_CLASS


def _made(store: ClipStore, chosen: Sequence[int], classes: ClassSet) -> dict[str, list[tuple[int, ClipInterval]]]:
    """What was made of each class, and in which clips."""
    made: dict[str, list[tuple[int, ClipInterval]]] = {name: [] for name in classes.classes[: classes.outputs]}
    for index in chosen:
        for interval in store.clips[index].intervals:
            if interval.token in made:
                made[interval.token].append((index, interval))
    return made
