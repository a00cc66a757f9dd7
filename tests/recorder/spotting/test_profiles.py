"""Minimum-jerk profiles: their begin and end are found again, also between bins and in noise."""

import numpy as np

from recorder.spotting.profiles import Fit, chance, find, lengths, refine, speed


def test_a_profile_makes_all_of_its_way() -> None:
    assert abs(speed(10.3, 40.9, 80).sum() - 1) < 1e-9
    assert speed(10.3, 40.9, 80)[:10].sum() == 0


def test_begin_and_end_are_found_in_noise() -> None:
    rng = np.random.default_rng(2)
    course = 50 * speed(62.4, 95.2, 200) + rng.normal(0, 0.1, 200)
    coarse = find(course, 0, 200, lengths(2, 120))
    assert coarse is not None
    fit = refine(course, coarse)
    assert abs(fit.begin - 62.4) < 1.5
    assert abs(fit.end - 95.2) < 1.5
    assert abs(fit.way - 50) < 2


def test_a_course_that_only_falls_has_no_rise() -> None:
    assert find(-speed(20, 60, 100) - 0.001, 0, 100, lengths(2, 50)) is None


def test_a_stretch_too_short_for_any_length_gives_none() -> None:
    assert find(np.ones(3), 0, 3, [10]) is None


def test_chance_is_endless_where_nothing_is_left_to_judge_by() -> None:
    assert chance(np.ones(50), 10, np.zeros(50, bool)) == float("inf")
    assert chance(np.random.default_rng(0).normal(0, 1, 500), 10, np.ones(500, bool)) < 10


def test_refining_stays_where_it_is_best() -> None:
    course = speed(30, 50, 100)
    fit = refine(course, Fit(30, 50, 1, 0))
    assert abs(fit.begin - 30) < 0.3
    assert abs(fit.end - 50) < 0.3
