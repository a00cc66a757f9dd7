"""The plan of a simulated data set: how many takes of what, by whom, with which mistakes, and the same every time."""

from collections import Counter
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from protocol.movement import MOVEMENTS
from protocol.script import parse_script
from recorder.sim.options import parse_options
from recorder.sim.performance import Mistake
from recorder.sim.plan import MAX_TAKES, REFERENCE_SHARES, PlanError, Wishes, deal, draw_plan, lanes, largest_remainder
from recorder.sim.subject import draw_traits
from recorder.sources.spec import parse_camera

ALL = tuple(movement.token for movement in MOVEMENTS)
SCRIPT = parse_script(files("assets").joinpath("scripts", "default.yaml").read_text(encoding="utf-8"), "default.yaml")


def wishes(subjects=3, takes=1, seed=1, movements=ALL, **others):
    return Wishes(subjects=subjects, takes=takes, seed=seed, movements=movements, script=SCRIPT, **others)


asked = st.builds(
    wishes,
    subjects=st.integers(1, 6),
    takes=st.integers(1, 4),
    seed=st.integers(0, 2**63 - 1),
    movements=st.lists(st.sampled_from((*ALL, "invertedSmile")), min_size=1, unique=True).map(tuple),
    balanced=st.booleans(),
    noise_share=st.floats(0, 1),
)


# Shares


@given(weights=st.lists(st.floats(0.1, 100), min_size=1, max_size=9), total=st.integers(0, 10_000))
def test_every_count_is_its_quota_rounded_down_or_up_and_together_they_are_the_total(weights, total):
    counts = largest_remainder(weights, total)
    assert sum(counts) == total
    for weight, count in zip(weights, counts, strict=True):
        assert abs(count - weight * total / sum(weights)) < 1 + 1e-9


def test_the_largest_remainders_get_what_is_left():
    assert largest_remainder([47, 16, 15.8, 12, 6.1, 3.1], 10) == [
        5,
        2,
        1,
        1,
        1,
        0,
    ]  # the textbook's example of Hamilton's method


def test_the_reference_data_set_of_233_clips_is_planned_as_it_was():
    counts = Counter(largest_remainder(list(REFERENCE_SHARES.values()), 233))
    assert counts == Counter([33, 31, 40, 31, 35, 32, 31])


@given(counts=st.lists(st.integers(0, 40), min_size=1, max_size=8))
def test_dealing_gives_each_its_count_and_never_falls_a_whole_round_behind(counts):
    dealt, total = deal(counts), sum(counts)
    assert Counter(dealt) == Counter({index: count for index, count in enumerate(counts) if count})
    for place in range(1, total + 1):
        given_so_far = Counter(dealt[:place])
        for index, count in enumerate(counts):
            assert abs(given_so_far[index] - count * place / total) < len(counts)


# The plan as a whole


@settings(deadline=None)
@given(asked)
def test_there_are_subjects_times_movements_times_takes_and_each_subject_has_as_many(wish):
    plan = draw_plan(wish)
    assert len(plan.takes) == wish.subjects * len(wish.movements) * wish.takes
    each = Counter(take.subject for take in plan.takes)
    assert each == dict.fromkeys(range(1, wish.subjects + 1), len(wish.movements) * wish.takes)


@settings(deadline=None)
@given(asked)
def test_balanced_means_the_same_number_of_each_movement_else_the_reference_shares_hold(wish):
    counts = Counter(take.movement for take in draw_plan(wish).takes)
    total = REFERENCE_SHARES | {"invertedSmile": 100 / 7}
    for movement in wish.movements:
        share = 1 / len(wish.movements) if wish.balanced else total[movement] / sum(total[one] for one in wish.movements)
        assert abs(counts[movement] - share * wish.total) < 1 + 1e-9


@settings(deadline=None)
@given(asked)
def test_the_same_wishes_give_the_same_plan(wish):
    assert draw_plan(wish) == draw_plan(wish.model_copy())


@settings(deadline=None)
@given(asked)
def test_no_two_takes_have_the_same_words_for_the_camera_and_the_rig_understands_each(wish):
    plan = draw_plan(wish)
    assert len({take.camera for take in plan.takes}) == len(plan.takes)
    for take in plan.takes:
        spec = parse_camera(take.camera)
        options = parse_options(spec.options)
        assert (int(spec.target), options.take, options.mistake) == (take.who.person, take.take, take.mistake)
        assert str(spec) == take.camera


@settings(deadline=None)
@given(asked)
def test_the_noise_share_is_the_share_of_takes_with_a_mistake_and_all_mistakes_are_made_about_equally_often(wish):
    takes = draw_plan(wish).takes
    counts = Counter(take.mistake for take in takes if take.mistake)
    assert sum(counts.values()) == round(wish.noise_share * len(takes))
    often = [counts[mistake] for mistake in Mistake]
    assert max(often) - min(often) <= 1


@settings(deadline=None)
@given(asked)
def test_the_lanes_hold_every_take_once_in_its_order(wish):
    takes = draw_plan(wish).takes
    made = lanes(takes)
    assert sorted((take for lane in made for take in lane), key=lambda one: (one.subject, one.take)) == list(takes)
    for lane in made:
        assert len({(take.subject, take.movement) for take in lane}) == 1
        assert [take.take for take in lane] == sorted(take.take for take in lane)


# Persons


@given(seed=st.integers(0, 2**63 - 1))
@settings(deadline=None, max_examples=15)
def test_persons_are_all_different_below_a_million_and_more_of_them_change_none(seed):
    few = draw_plan(wishes(subjects=4, seed=seed, movements=("smile",))).subjects
    many = draw_plan(wishes(subjects=40, seed=seed, movements=("smile",))).subjects
    assert many[:4] == few
    assert len({one.person for one in many}) == 40
    assert all(0 < one.person < 1_000_000 for one in many)
    assert [one.subject for one in many] == list(range(1, 41))


def test_another_seed_gives_other_persons():
    people = [{one.person for one in draw_plan(wishes(subjects=30, seed=seed)).subjects} for seed in (1, 2)]
    assert not people[0] & people[1]


def test_subjects_are_women_and_men_of_all_ages_about_a_third_of_them_with_glasses():
    people = draw_plan(wishes(subjects=300, movements=("smile",))).subjects
    assert 0.4 < sum(one.sex == "f" for one in people) / 300 < 0.6
    assert 0.2 < sum(one.glasses for one in people) / 300 < 0.4
    assert {one.age_band for one in people} >= {"20-29", "30-39", "40-49"}


def test_what_is_said_of_a_subject_is_what_the_cameras_will_see():
    for one in draw_plan(wishes(subjects=20)).subjects:
        traits = draw_traits(one.person)
        assert (one.sex, one.age_band, one.glasses) == (traits.sex, traits.age_band, traits.glasses is not None)


# What cannot be planned


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"movements": ()}, "one movement at least"),
        ({"movements": ("smile", "smile")}, "only once"),
        ({"subjects": 30_000, "takes": 5}, f"more than {MAX_TAKES:,}"),
        ({"head": "a,b.npz"}, "without commas"),
        ({"options": ("take=3",)}, "--option take=3 cannot be: write NAME=VALUE, and leave take, session"),
        ({"options": ("flicker",)}, "--option flicker cannot be"),
        ({"options": ("flicker=100,take=3",)}, "--option flicker=100,take=3 cannot be"),
    ],
)
def test_what_cannot_be_planned_is_told_in_one_sentence(wrong, sentence):
    with pytest.raises(PlanError, match=sentence) as told:
        draw_plan(wishes(**wrong))
    assert str(told.value).endswith(".")


@pytest.mark.parametrize("wrong", [{"subjects": 0}, {"takes": 0}, {"seed": -1}, {"noise_share": 1.1}, {"colour": "red"}])
def test_wishes_out_of_range_are_no_wishes(wrong):
    with pytest.raises(ValidationError):
        wishes(**wrong)


def test_more_options_reach_the_camera_of_every_take():
    plan = draw_plan(wishes(options=("flicker=100", "rgb_drop=0.05")))
    for take in plan.takes:
        options = parse_options(parse_camera(take.camera).options)
        assert (options.flicker_hz, options.rgb.drop_share) == (100, 0.05)


def test_all_takes_of_a_subject_are_of_one_session():
    plan = draw_plan(wishes(takes=2))
    assert {take.session for take in plan.takes} == {"sim-1"}
    assert {parse_options(parse_camera(take.camera).options).session for take in plan.takes} == {1}
