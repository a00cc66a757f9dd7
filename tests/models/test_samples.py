"""Windows of clips: what is shown, and what is expected of the network in each bin."""

import numpy as np
import pytest
from drawn_clips import drawn_store

from models.augment import Augmentation
from models.classes import EMOTION_CLASSES, MOVEMENT_CLASSES, ClassSet
from models.clipstore import ClipInterval
from models.encode import Encoding, encode
from models.errors import ModelError
from models.samples import NO_CLASS, Cut, Sampler, WindowConfig, bag_targets, step_targets, window_of

BIN_US = 40_000
WINDOW = WindowConfig(steps=20, warm_steps=2, seen_us=40_000, held_us=80_000, fading_us=80_000)
SMILE = ClipInterval("smile", 200_000, 320_000, 600_000)
K = MOVEMENT_CLASSES.index("smile")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return drawn_store(tmp_path_factory.mktemp("clips") / "clips")


def test_a_movement_counts_from_shortly_after_its_onset_until_it_is_held():
    target, weight = step_targets([SMILE], MOVEMENT_CLASSES, WINDOW, BIN_US)
    ends = BIN_US * (1 + np.arange(20))
    surely = ends[target[:, K] == 1]
    assert (surely.min(), surely.max()) == (280_000, 440_000)
    assert (weight[target[:, K] == 1, K] == 1).all()


def test_either_answer_is_right_at_its_begin_and_while_it_is_held():
    _, weight = step_targets([SMILE], MOVEMENT_CLASSES, WINDOW, BIN_US)
    ends = BIN_US * (1 + np.arange(20))
    either = ends[(weight[:, K] == 0) & (ends > 100_000)]
    assert list(either) == [240_000, *range(480_000, 720_001, 40_000)]
    assert weight[-1, K] == 1
    assert (weight[2:, K + 1] == 1).all()


def test_the_first_bins_are_not_scored():
    _, weight = step_targets([], MOVEMENT_CLASSES, WINDOW, BIN_US)
    assert (weight[:2] == 0).all()
    assert (weight[2:] == 1).all()


def test_a_movement_that_lies_in_the_window_half_is_neither_there_nor_not():
    bag, weight = bag_targets([ClipInterval("frown", 700_000, 900_000, 1_000_000)], MOVEMENT_CLASSES, WINDOW, BIN_US)
    assert bag.sum() == 0
    assert weight[MOVEMENT_CLASSES.index("frown")] == 0
    bag, weight = bag_targets([SMILE], MOVEMENT_CLASSES, WINDOW, BIN_US)
    assert (bag[K], weight.min()) == (1, 1)


def test_movements_of_other_class_sets_are_ignored():
    for classes in (EMOTION_CLASSES, ClassSet(name="own", classes=("wink", "neutral"))):
        assert step_targets([SMILE], classes, WINDOW, BIN_US)[0].sum() == 0


def test_the_label_is_the_one_movement_neutral_for_none_and_open_for_two(store):
    encoding = Encoding(size_px=16)
    sampler = Sampler(store, range(len(store)), MOVEMENT_CLASSES, encoding, WindowConfig(steps=25, warm_steps=0))
    assert sampler.at(Cut(0, 0)).label == MOVEMENT_CLASSES.index(store.clips[0].intervals[0].token)
    rest = Sampler(store, [0], MOVEMENT_CLASSES, encoding, WindowConfig(steps=4, warm_steps=0)).at(Cut(0, 0))
    assert rest.label == len(MOVEMENT_CLASSES.classes) - 1
    half = Sampler(store, [0], MOVEMENT_CLASSES, encoding, WindowConfig(steps=4, warm_steps=0))
    middle = (store.clips[0].intervals[0].onset_us + store.clips[0].intervals[0].apex_us) // 2
    assert half.at(Cut(0, middle)).label == NO_CLASS


def test_a_window_is_what_the_clip_shows_there(store):
    encoding = Encoding(size_px=16)
    sample = Sampler(store, [3], MOVEMENT_CLASSES, encoding, WINDOW).at(Cut(3, 100_000))
    events = store.events(3)
    np.testing.assert_array_equal(sample.x, encode(events, store.clips[3].crop, encoding, 100_000, 20))
    before = events.copy()
    part, clip = window_of(events, store.clips[3], 100_000, 500_000)
    np.testing.assert_array_equal(events, before)
    assert clip.intervals[0].onset_us == store.clips[3].intervals[0].onset_us - 100_000
    assert part["t"].min() >= 0
    assert part["t"].max() < 500_000


def test_drawing_is_repeatable_and_differs_from_number_to_number(store):
    def sampler():
        augmentation = Augmentation(("time_scale", "box_jitter", "flip"))
        return Sampler(store, range(len(store)), MOVEMENT_CLASSES, Encoding(size_px=16), WINDOW, augmentation, seed=3)

    first, again, other = sampler().draw(1, 5), sampler().draw(1, 5), sampler().draw(1, 6)
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(first.x, other.x)


def test_aimed_windows_show_the_classes_evenly(store):
    window = WindowConfig(steps=20, warm_steps=0, aimed_share=1.0)
    sampler = Sampler(store, range(len(store)), MOVEMENT_CLASSES, Encoding(size_px=4), window)
    labels = [sampler.draw(0, number).label for number in range(150)]
    counts = np.bincount(labels, minlength=8)
    assert counts[:3].min() > 30
    assert counts[3:].sum() == 0


def test_no_clips_are_said():
    with pytest.raises(ModelError, match="no clip to learn from"):
        Sampler(None, (), MOVEMENT_CLASSES, Encoding(), WINDOW)
