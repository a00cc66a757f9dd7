"""Augmentations: what each changes, what each must keep."""

import numpy as np
import pytest
from encode_helpers import events_at, random_events

from models.augment import NAMES, SPIKING_FER, Augmentation, _drop_area, _drop_random, _drop_time, change, describe
from models.clipstore import Clip, ClipInterval
from models.crop import FaceCrop
from models.encode import Encoding, encode
from models.errors import ModelError

SPAN = (5_000_000, 5_600_000)
CLIP = Clip(
    key="a",
    person="1",
    crop=FaceCrop(x=171.3, y=128.9, side_px=181.7),
    resolution=(346, 260),
    span_us=SPAN,
    intervals=(ClipInterval("smile", 100_000, 180_000, 400_000), ClipInterval("blink", 450_000, 500_000, 560_000)),
)
COUNTS = Encoding(kinds=("counts",), size_px=20, bin_us=60_000)


def events():
    return random_events(1, 4000, 600_000)


def rng(seed=0):
    return np.random.default_rng(seed)


def seen(changed, clip, encoding=COUNTS):
    return encode(changed, clip.crop, encoding, 0, 10)


def same(a, b):
    return len(a) == len(b) and all(np.array_equal(a[name], b[name]) for name in ("t", "x", "y", "p"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_done_events_stay_in_order_on_the_sensor_and_in_the_clip(name, seed):
    given = events()
    before = given.copy()
    changed, clip = change(name, given, CLIP, rng(seed))
    assert same(given, before)
    assert changed.dtype == given.dtype
    assert (np.diff(changed["t"]) >= 0).all()
    assert changed["t"].min() >= 0
    assert changed["t"].max() < clip.duration_us
    assert changed["x"].min() >= 0
    assert changed["y"].min() >= 0
    assert changed["x"].max() < 346
    assert changed["y"].max() < 260
    assert set(np.unique(changed["p"])) <= {0, 1}
    assert all(i.onset_us <= i.apex_us <= i.offset_us for i in clip.intervals)
    assert (clip.key, clip.person, clip.resolution) == (CLIP.key, CLIP.person, CLIP.resolution)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("crop", [CLIP.crop, FaceCrop(x=-500, y=3000, side_px=50)])
def test_a_clip_without_events_or_with_a_face_beyond_the_sensor_survives(name, crop):
    changed, _ = change(name, events()[:0], CLIP.model_copy(update={"crop": crop}), rng())
    assert name == "hot_pixels" or not len(changed)
    change(name, events(), CLIP.model_copy(update={"crop": crop}), rng())


def test_flip_gives_the_mirrored_picture():
    changed, clip = change("flip", events(), CLIP, rng())
    np.testing.assert_array_equal(seen(changed, clip), seen(events(), CLIP)[..., ::-1])
    assert clip.intervals == CLIP.intervals
    again, back = change("flip", changed, clip, rng())
    assert same(again, events())
    assert back.crop.x == pytest.approx(CLIP.crop.x)


def test_flip_polarity_turns_a_fifth_of_the_events_and_moves_none():
    changed, _ = change("flip_polarity", events(), CLIP, rng())
    for field in ("t", "x", "y"):
        np.testing.assert_array_equal(changed[field], events()[field])
    assert np.mean(changed["p"] != events()["p"]) == pytest.approx(0.2, abs=0.02)


def test_background_activity_adds_a_fifth_and_keeps_every_event():
    before = seen(events(), CLIP)
    changed, _ = change("background_activity", events(), CLIP, rng())
    after = seen(changed, CLIP)
    assert (after >= before).all()
    assert after.sum() == pytest.approx(1.2 * before.sum(), rel=0.01)
    assert len(changed) - len(events()) == int(after.sum() - before.sum())  # all of it where the network looks


def test_reverse_runs_time_and_labels_backwards_and_twice_is_nothing():
    changed, clip = change("reverse", events(), CLIP, rng())
    counts = seen(events(), CLIP)
    np.testing.assert_array_equal(seen(changed, clip), counts[::-1, ::-1])
    assert clip.intervals[-1] == ClipInterval("smile", 199_999, 419_999, 499_999)
    again, back = change("reverse", changed, clip, rng())
    assert same(again, events()[::-1][np.argsort(events()["t"][::-1], kind="stable")]) or same(again, events())
    assert back.intervals == CLIP.intervals


@pytest.mark.parametrize("seed", range(4))
def test_mirror_makes_both_halves_alike_and_one_of_them_is_as_it_was(seed):
    straight = CLIP.model_copy(update={"crop": FaceCrop(x=170, y=129, side_px=180)})
    before = seen(events(), straight)
    changed, clip = change("mirror", events(), straight, rng(seed))
    after = seen(changed, clip)
    np.testing.assert_array_equal(after, after[..., ::-1])
    left, right = np.array_equal(after[..., :10], before[..., :10]), np.array_equal(after[..., 10:], before[..., 10:])
    assert left != right


def test_mirror_keeps_either_half_in_time():
    halves = {bool(change("mirror", events_at((0, 100, 129, 1)), CLIP, rng(seed))[0].size) for seed in range(10)}
    assert halves == {True, False}


def test_dropping_by_time_leaves_one_gap_of_tenths_and_forgets_what_nobody_can_see():
    dense = events_at(*((t, 170, 130, 1) for t in range(0, 600_000, 100)))
    shares, forgotten = set(), False
    for seed in range(60):
        changed, clip = _drop_time(dense.copy(), CLIP, rng(seed))
        shares.add(round(1 - len(changed) / len(dense), 1))
        for interval in CLIP.intervals:
            within = (changed["t"] >= interval.onset_us) & (changed["t"] <= interval.offset_us)
            assert (interval in clip.intervals) == bool(within.any())
        forgotten |= len(clip.intervals) < 2
        assert np.count_nonzero(np.diff(changed["t"]) > 100) <= 1
    assert shares == {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}
    assert forgotten


def test_dropping_by_area_empties_a_square_of_up_to_a_quarter_of_the_side():
    sides = set()
    for seed in range(40):
        changed, clip = _drop_area(events(), CLIP, rng(seed))
        gone = events()[~np.isin(events()["t"] * 1000 + events()["x"], changed["t"] * 1000 + changed["x"])]
        assert clip == CLIP
        if len(gone):
            sides.add(max(np.ptp(gone["x"]), np.ptp(gone["y"])) / CLIP.crop.side_px)
    assert 0.2 < max(sides) <= 0.25


def test_dropping_at_random_leaves_tenths_of_the_events_as_they_were():
    for seed in range(20):
        changed, _ = _drop_random(events(), CLIP, rng(seed))
        assert len(changed) in range(400, 4000, 400)
        assert set(changed.tolist()) <= set(events().tolist())


def test_event_drop_is_each_of_four_in_turn():
    def kind(changed):
        if len(changed) == 4000:
            return "identity"
        if np.diff(changed["t"], prepend=0, append=600_000).max() > 50_000:
            return "time"
        return "random" if len(changed) % 400 == 0 else "area"

    kinds = [kind(change("event_drop", events(), CLIP, rng(seed))[0]) for seed in range(80)]
    assert all(10 <= kinds.count(name) <= 30 for name in ("identity", "time", "area", "random"))


def test_crop_looks_at_a_square_within_the_crop():
    shares = []
    for seed in range(50):
        changed, clip = change("crop", events(), CLIP, rng(seed))
        assert same(changed, events())
        assert clip.crop.left >= CLIP.crop.left - 1e-9
        assert clip.crop.top + clip.crop.side_px <= CLIP.crop.top + CLIP.crop.side_px + 1e-9
        shares.append((clip.crop.side_px / CLIP.crop.side_px) ** 2)
    assert 0.08 <= min(shares) < 0.2
    assert 0.9 < max(shares) <= 1


def test_time_scale_stretches_events_labels_and_clip_alike():
    changed, clip = change("time_scale", events(), CLIP, rng(3))
    scale = clip.duration_us / CLIP.duration_us
    assert 0.7 <= scale <= 1.4
    assert scale != 1
    np.testing.assert_allclose(changed["t"], events()["t"] * scale, atol=2)
    assert clip.intervals[0].apex_us == pytest.approx(180_000 * scale, abs=1)
    for field in ("x", "y", "p"):
        np.testing.assert_array_equal(changed[field], events()[field])


def test_a_higher_threshold_gives_fewer_events_and_a_lower_one_more_where_events_are():
    numbers = []
    pixels = set(zip(events()["x"], events()["y"], events()["p"], strict=True))
    for seed in range(30):
        changed, _ = change("threshold_scale", events(), CLIP, rng(seed))
        numbers.append(len(changed) / 4000)
        assert set(zip(changed["x"], changed["y"], changed["p"], strict=True)) <= pixels
    assert min(numbers) < 0.8
    assert max(numbers) > 1.2


def test_head_sway_moves_all_events_of_an_instant_together_by_a_few_pixels():
    changed, clip = change("head_sway", events_at(*((5_000, x, 130, 1) for x in range(100, 200))), CLIP, rng(2))
    assert len(set(changed["x"] - np.arange(100, 200))) == 1
    still = events_at(*((t, 170, 130, 1) for t in range(0, 600_000, 1000)))
    reach = [np.ptp(change("head_sway", still, CLIP, rng(seed))[0]["x"]) for seed in range(20)]
    assert 2 <= max(reach) <= 2 * 0.015 * 181.7 + 1
    assert clip == CLIP


def test_hot_pixels_are_few_and_busy_and_take_nothing_away():
    changed, _ = change("hot_pixels", events(), CLIP, rng(1))
    new = seen(changed, CLIP, COUNTS.model_copy(update={"size_px": 180})) - seen(
        events(), CLIP, COUNTS.model_copy(update={"size_px": 180})
    )
    assert new.min() == 0
    assert 1 <= np.count_nonzero(new.sum(axis=(0, 1))) <= 5


def test_box_jitter_moves_the_crop_a_little_and_no_event():
    for seed in range(20):
        changed, clip = change("box_jitter", events(), CLIP, rng(seed))
        assert same(changed, events())
        assert abs(clip.crop.x - CLIP.crop.x) <= 0.05 * CLIP.crop.side_px
        assert 0.88 <= clip.crop.side_px / CLIP.crop.side_px <= 1.14


def test_the_same_seed_gives_the_same_clip_in_any_order_and_another_epoch_another():
    augmentation = Augmentation(NAMES, seed=5)
    changed, clip = augmentation.apply(events(), CLIP, augmentation.rng(2, 17))
    augmentation.apply(events(), CLIP, augmentation.rng(0, 3))
    again, clip_again = augmentation.apply(events(), CLIP, augmentation.rng(2, 17))
    assert same(changed, again)
    assert clip == clip_again
    assert not same(changed, augmentation.apply(events(), CLIP, augmentation.rng(3, 17))[0])
    other = Augmentation(NAMES, seed=6)
    assert not same(changed, other.apply(events(), CLIP, other.rng(2, 17))[0])


def test_what_one_draws_does_not_depend_on_the_others():
    alone, both = Augmentation(("box_jitter",)), Augmentation(("flip_polarity", "box_jitter"))
    for seed in range(5):
        assert alone.apply(events(), CLIP, rng(seed))[1].crop == both.apply(events(), CLIP, rng(seed))[1].crop


def test_chances_are_kept():
    augmentation = Augmentation(("flip",))
    flipped = [augmentation.apply(events()[:3], CLIP, augmentation.rng(index))[1].crop.x != CLIP.crop.x for index in range(400)]
    assert np.mean(flipped) == pytest.approx(0.5, abs=0.08)


def test_no_augmentation_changes_nothing():
    changed, clip = Augmentation().apply(events(), CLIP, rng())
    assert same(changed, events())
    assert clip == CLIP


def test_names_are_those_of_spiking_fer_and_more():
    assert set(SPIKING_FER) == {"flip", "flip_polarity", "background_activity", "crop", "reverse", "mirror", "event_drop"}
    parsed = Augmentation.parse("flip, event-drop,crop", 3)
    assert parsed == Augmentation(("flip", "event_drop", "crop"), 3)
    assert Augmentation.parse("none").names == Augmentation.parse("").names == ()
    assert Augmentation.parse("all").names == NAMES
    with pytest.raises(ModelError, match="did you mean mirror"):
        Augmentation.parse("miror")
    with pytest.raises(ModelError, match="choose of"):
        Augmentation.parse("xyzzy")
    with pytest.raises(ModelError, match="twice"):
        Augmentation.parse("flip,flip")
    assert describe(["flip"]) == "flip (50%): Left and right change places: x -> width - 1 - x."
