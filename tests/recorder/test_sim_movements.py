"""What a simulated face does for each movement and emotion: landmarks, curve shape, the two sides, units, durations."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.movement import ALL, EMOTIONS
from recorder.sim.manner import MOST_ASYMMETRY, MOST_LAG_US, REACTION_US, draw_manner, draw_reaction_us
from recorder.sim.motion import BODY, Track, generator, minimum_jerk, minimum_jerk_share
from recorder.sim.movements import MICRO_US, RECIPES, SYLLABLES_HZ, TURN_DEG, draw_duration_us, peak, perform, talk, turn_head
from recorder.sim.performance import keypoints
from recorder.sim.state import SIDED_UNITS, UNITS

TOKENS = [movement.token for movement in ALL]
EMOTION_TOKENS = [emotion.token for emotion in EMOTIONS]
ONSET_US = 1_700_000_000_000_000

seeds = st.integers(0, 10**6)
durations = st.integers(40_000, 2_000_000)
intensities = st.floats(0.2, 1.0)


def gesture_of(token, seed, duration_us=600_000, intensity=0.8):
    rng = generator(seed)
    return perform(token, ONSET_US, duration_us, intensity, draw_manner(rng), rng)


def units_at(gesture, t_us):
    units = {}
    gesture.add(t_us, units, dict.fromkeys(BODY, 0.0))
    return units


def own_units(token):
    """The units that are the movement itself, of an emotion its first movement."""
    first = next((emotion.movements[0] for emotion in EMOTIONS if emotion.token == token), token)
    unit = RECIPES[first][0].unit
    return [f"{unit}_{side}" for side in "LR"] if unit in SIDED_UNITS else [unit]


def strength(gesture, t_us):
    units = units_at(gesture, t_us)
    return max(units.get(unit, 0.0) for unit in own_units(gesture.kind))


# --- landmarks


@pytest.mark.parametrize("token", [*TOKENS, *EMOTION_TOKENS])
@given(seed=seeds, duration_us=durations, intensity=intensities)
@settings(max_examples=25, deadline=None)
def test_onset_is_the_last_instant_of_rest_and_offset_the_first_one_after(token, seed, duration_us, intensity):
    gesture = gesture_of(token, seed, duration_us, intensity)
    assert gesture.onset_us == ONSET_US
    assert units_at(gesture, gesture.onset_us) == {}
    assert strength(gesture, gesture.onset_us + 1) > 0
    assert units_at(gesture, gesture.offset_us) == {}
    assert units_at(gesture, gesture.offset_us - 1 - duration_us // 1000) != {}
    assert gesture.onset_us < gesture.apex_us < gesture.offset_us


@pytest.mark.parametrize("token", [*TOKENS, *EMOTION_TOKENS])
@given(seed=seeds, duration_us=durations, intensity=intensities)
@settings(max_examples=15, deadline=None)
def test_the_apex_is_the_first_maximum_and_as_strong_as_the_intensity_says(token, seed, duration_us, intensity):
    gesture = gesture_of(token, seed, duration_us, intensity)
    first = token if token in TOKENS else next(e.movements[0] for e in EMOTIONS if e.token == token)
    highest = strength(gesture, gesture.apex_us)
    assert highest == pytest.approx(peak(first, intensity))
    instants = np.linspace(gesture.onset_us, gesture.offset_us, 400).astype(int).tolist()
    assert all(strength(gesture, t) < highest for t in instants if t != gesture.apex_us)


@pytest.mark.parametrize("token", TOKENS)
@given(seed=seeds, duration_us=durations)
@settings(max_examples=25, deadline=None)
def test_a_movement_lasts_as_long_as_asked_and_rises_faster_than_it_falls(token, seed, duration_us):
    gesture = gesture_of(token, seed, duration_us)
    assert gesture.offset_us - gesture.onset_us == duration_us
    assert gesture.apex_us - gesture.onset_us < gesture.offset_us - gesture.apex_us


@pytest.mark.parametrize("token", [*TOKENS, *EMOTION_TOKENS])
@given(seed=seeds, duration_us=durations, intensity=intensities)
@settings(max_examples=10, deadline=None)
def test_only_known_units_between_0_and_1_that_rise_without_a_jump(token, seed, duration_us, intensity):
    gesture = gesture_of(token, seed, duration_us, intensity)
    step_us = min(duration_us // 400, 1_500)
    before = {}
    for t in range(gesture.onset_us, gesture.offset_us + step_us, step_us):
        units = units_at(gesture, t)
        assert set(units) <= set(UNITS)
        assert all(0 < level <= 1 for level in units.values())
        for unit in set(units) | set(before):
            assert abs(units.get(unit, 0.0) - before.get(unit, 0.0)) < 0.1
        before = units


@pytest.mark.parametrize("token", [token for token in TOKENS if token != "blink"])
def test_from_barely_visible_to_strong(token):
    weak, strong = (gesture_of(token, 5, intensity=intensity) for intensity in (0.2, 1.0))
    assert strength(weak, weak.apex_us) == pytest.approx(0.2)
    assert strength(strong, strong.apex_us) == pytest.approx(1.0)


def test_even_the_faintest_blink_half_closes_the_lids():
    weak = gesture_of("blink", 5, intensity=0.2)
    assert 0.45 < strength(weak, weak.apex_us) < 0.6


# --- the two sides


@pytest.mark.parametrize("token", [token for token in TOKENS if token != "openMouth"])
@given(seed=seeds, duration_us=durations)
@settings(max_examples=25, deadline=None)
def test_one_side_is_a_little_weaker_and_a_little_later(token, seed, duration_us):
    gesture = gesture_of(token, seed, duration_us, 0.8)
    tracks = dict(gesture.units)
    left, right = (tracks[unit] for unit in own_units(token))
    weak, strong = sorted((max(track.levels), track.times) for track in (left, right))
    assert 0 <= 1 - weak[0] / strong[0] <= MOST_ASYMMETRY + 1e-9
    assert 0 <= weak[1][0] - strong[1][0] <= MOST_LAG_US


def test_asymmetry_is_mostly_a_few_per_cent_and_a_subjects_own():
    manners = [draw_manner(generator(seed)) for seed in range(300)]
    tilts = np.array([list(manner.asymmetry.values()) for manner in manners])
    assert np.abs(tilts).max() <= MOST_ASYMMETRY
    assert 0.02 < np.median(np.abs(tilts)) < 0.1
    assert 0.4 < (tilts > 0).mean() < 0.6
    repeated = [gesture_of_manner(manners[0], seed) for seed in range(20)]
    assert np.std(repeated) < 0.03
    assert abs(np.mean(repeated) - manners[0].asymmetry["smile"]) < 0.02


def gesture_of_manner(manner, seed):
    tracks = dict(perform("smile", ONSET_US, 600_000, 0.8, manner, generator(seed)).units)
    left, right = max(tracks["AU12_L"].levels), max(tracks["AU12_R"].levels)
    return (left - right) / max(left, right)


# --- which units take part


def bases(gesture):
    return {unit.split("_")[0] for unit, _ in gesture.units}


@pytest.mark.parametrize(
    ("token", "always"),
    [
        ("smile", {"AU12"}),
        ("blink", {"AU45"}),
        ("frown", {"AU4"}),
        ("contractJaw", {"AU31", "AU24"}),
        ("noseWrinkle", {"AU9", "AU10"}),
        ("openMouth", {"AU25", "AU26"}),
        ("upperLidRaiser", {"AU5"}),
        ("invertedSmile", {"AU15", "AU17"}),
        ("joy", {"AU12", "AU6", "AU25", "AU26"}),
        ("fear", {"AU25", "AU26", "AU4"}),
        ("sadness", {"AU4", "AU45"}),
        ("disgust", {"AU9", "AU10", "AU4"}),
        ("anger", {"AU31", "AU24", "AU4"}),
        ("surprise", {"AU25", "AU26", "AU5"}),
    ],
)
def test_a_movement_is_made_of_its_action_units(token, always):
    assert set.intersection(*(bases(gesture_of(token, seed, intensity=0.5)) for seed in range(40))) == always


def test_some_smiles_are_felt_and_strong_ones_part_the_lips():
    felt = ["AU6" in bases(gesture_of("smile", seed)) for seed in range(60)]
    assert 10 < sum(felt) < 50
    assert all("AU25" in bases(gesture_of("smile", seed, intensity=0.9)) for seed in range(20))
    assert not any("AU25" in bases(gesture_of("smile", seed, intensity=0.4)) for seed in range(20))


def test_only_a_mouth_that_is_opened_wide_is_stretched():
    assert all("AU27" in bases(gesture_of("openMouth", seed, intensity=0.95)) for seed in range(20))
    assert not any("AU27" in bases(gesture_of("openMouth", seed, intensity=0.6)) for seed in range(20))


def test_disgust_comes_with_and_without_an_inverted_smile():
    with_it = ["AU15" in bases(gesture_of("disgust", seed)) for seed in range(40)]
    assert 5 < sum(with_it) < 35


@pytest.mark.parametrize("token", EMOTION_TOKENS)
def test_the_parts_of_an_emotion_begin_together(token):
    for seed in range(20):
        gesture = gesture_of(token, seed, 800_000)
        first = {}
        for unit, track in gesture.units:
            first[unit] = min(first.get(unit, math.inf), track.times[0])
        assert max(first.values()) - min(first.values()) < 150_000


def test_the_sad_blink_several_times():
    counts = {sum(unit == "AU45_L" for unit, _ in gesture_of("sadness", seed).units) for seed in range(30)}
    assert counts == {2, 3, 4}


# --- durations and reactions


def test_most_posed_movements_take_some_tenths_of_a_second_and_some_are_micro_expressions():
    rng = generator(1)
    drawn = np.array([draw_duration_us("frown", rng) for _ in range(4000)])
    assert drawn.min() >= 40_000
    assert drawn.max() <= 2_000_000
    micro = (drawn >= MICRO_US[0]) & (drawn <= MICRO_US[1])
    assert 0.15 < micro.mean() < 0.25
    assert not ((drawn > MICRO_US[1]) & (drawn < 300_000)).any()
    assert ((drawn >= 300_000) & (drawn <= 1_500_000)).mean() > 0.7


def test_a_blink_takes_a_tenth_to_four_tenths_of_a_second():
    rng = generator(1)
    drawn = [draw_duration_us("blink", rng) for _ in range(1000)]
    assert min(drawn) >= 100_000
    assert max(drawn) <= 400_000


def test_reaction_times_lie_within_bounds_and_differ_between_subjects():
    medians = []
    for seed in range(40):
        rng = generator(seed)
        manner = draw_manner(rng)
        drawn = [draw_reaction_us(rng, manner) for _ in range(200)]
        assert REACTION_US[0] <= min(drawn)
        assert max(drawn) <= REACTION_US[1]
        medians.append(np.median(drawn))
        assert medians[-1] == pytest.approx(manner.reaction_us, rel=0.1)
    assert np.std(medians) > 20_000


# --- talking, turning away


@given(seed=seeds)
@settings(max_examples=30, deadline=None)
def test_talking_opens_the_mouth_at_the_rate_of_syllables(seed):
    gesture = talk(ONSET_US, generator(seed))
    seconds = (gesture.offset_us - gesture.onset_us) / 1e6
    jaw = dict(gesture.units)["AU26"]
    opened = sum(b > a and b > c for a, b, c in zip(jaw.levels, jaw.levels[1:], jaw.levels[2:], strict=False))
    assert 0.6 < seconds < 3.3
    assert SYLLABLES_HZ[0] * 0.8 <= opened / seconds <= SYLLABLES_HZ[1] * 1.25
    assert jaw.level(gesture.apex_us) == max(jaw.levels)
    assert {unit for unit, _ in gesture.units} <= set(UNITS)
    assert all(track.levels[0] == track.levels[-1] == 0 and max(track.levels) <= 1 for _, track in gesture.units)


@given(seed=seeds)
@settings(max_examples=30, deadline=None)
def test_a_turn_of_the_head_goes_out_and_back_with_the_eyes_ahead(seed):
    gesture = turn_head(ONSET_US, generator(seed))
    body = dict(gesture.body)
    yaw = body["yaw_deg"].level(gesture.apex_us)
    assert TURN_DEG[0] <= abs(yaw) <= TURN_DEG[1]
    assert 500_000 <= gesture.apex_us - gesture.onset_us <= 1_000_000
    assert all(track.level(t) == 0 for track in body.values() for t in (gesture.onset_us, gesture.offset_us))
    soon = gesture.onset_us + 60_000
    assert body["gaze_left_deg"].level(soon) / yaw > body["yaw_deg"].level(soon) / yaw, "the eyes are there before the head"


# --- curves


def test_minimum_jerk_goes_from_rest_to_rest_and_is_inverted():
    shares = np.linspace(0, 1, 101)
    done = np.array([minimum_jerk(share) for share in shares])
    assert done[0] == 0
    assert done[-1] == pytest.approx(1)
    assert (np.diff(done) > 0).all()
    assert np.diff(done)[[0, -1]].max() < 1e-4 * 1.1
    assert max(np.diff(done)) * 100 == pytest.approx(1.875, rel=0.01), "peak velocity, Flash & Hogan 1985"
    assert [minimum_jerk_share(value) for value in done] == pytest.approx(shares.tolist(), abs=1e-4)


@pytest.mark.parametrize("token", [*TOKENS, *EMOTION_TOKENS])
@given(seed=seeds, duration_us=durations)
@settings(max_examples=10, deadline=None)
def test_keypoints_follow_the_curves(token, seed, duration_us):
    gesture = gesture_of(token, seed, duration_us, 1.0)
    lines = keypoints([gesture])
    for t in np.linspace(gesture.onset_us - 1000, gesture.offset_us + 1000, 200).astype(int).tolist():
        units = units_at(gesture, t)
        for unit, points in lines.items():
            times, levels = zip(*points, strict=True)
            assert np.interp(t, times, levels) == pytest.approx(units.get(unit, 0.0), abs=0.015)


def test_a_track_is_still_before_its_first_and_after_its_last_knot():
    track = Track((10, 20), (1.0, 3.0))
    assert [track.level(t) for t in (-5, 10, 15, 20, 99)] == [1.0, 1.0, 2.0, 3.0, 3.0]
