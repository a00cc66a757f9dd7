"""The stretch in sight: it zooms about an instant, stays within the take, follows the cursor, and writes times exactly."""

from itertools import pairwise

import pytest

from app.pages.label.timeline_view import BORDER, LEAST_SPAN_US, TimeView, exact_text, span_text, tick_step, tick_text

T0 = 1_700_000_000_000_000
S = 1_000_000


@pytest.fixture
def view():
    return TimeView(T0, T0 + 10 * S, 1000)


def test_a_new_take_is_shown_as_a_whole_with_room_beside_it(view):
    assert 0 < view.x_of(T0) < 40
    assert 960 < view.x_of(T0 + 10 * S) < 1000


def test_an_instant_and_its_place_are_the_same_to_the_microsecond_when_zoomed_in(view):
    view.show(T0 + 5 * S, T0 + 5 * S + 200)
    for offset in range(200):
        assert view.time_at(view.x_of(T0 + 5 * S + offset)) == T0 + 5 * S + offset


def test_zooming_keeps_the_instant_under_the_pointer(view):
    at_us, place = T0 + 3 * S, view.x_of(T0 + 3 * S)
    for factor in (1.5, 2, 4, 0.5, 3):
        view.zoom(factor, at_us)
        assert view.x_of(at_us) == pytest.approx(place, abs=0.1)


def test_zooming_ends_at_microseconds_and_at_the_whole_take(view):
    for _ in range(60):
        view.zoom(1.5, T0 + S)
    assert view.shown.span_us == LEAST_SPAN_US
    for _ in range(60):
        view.zoom(1 / 1.5, T0 + S)
    assert view.shown == view.limits


def test_zooming_at_an_instant_out_of_sight_brings_it_into_the_middle(view):
    view.show(T0, T0 + S)
    view.zoom(2, T0 + 5 * S)
    assert view.x_of(T0 + 5 * S) == pytest.approx(500, abs=1)


def test_panning_stops_at_the_ends_of_the_take(view):
    view.show(T0 + S, T0 + 2 * S)
    view.pan(0.5)
    assert (view.shown.start_us, view.shown.end_us) == (T0 + 1_500_000, T0 + 2_500_000)
    for _ in range(40):
        view.pan(0.5)
    assert view.shown.end_us == view.limits.end_us
    assert view.shown.span_us == S


@pytest.mark.parametrize("way", [1, -1])
def test_the_view_follows_a_cursor_and_leaves_most_of_itself_ahead(view, way):
    view.show(T0 + 4 * S, T0 + 5 * S)
    assert not view.follow(T0 + 4_500_000, way)
    cursor_us = T0 + 5 * S if way > 0 else T0 + 4 * S
    assert view.follow(cursor_us, way)
    ahead = (view.shown.end_us - cursor_us) if way > 0 else (cursor_us - view.shown.start_us)
    assert ahead == pytest.approx(0.75 * S, abs=2)


def test_a_cursor_at_the_border_of_the_whole_take_moves_nothing(view):
    assert not view.follow(T0 + round(BORDER * S / 100), -1)


@pytest.mark.parametrize("span_us", [LEAST_SPAN_US, 1000, 77_777, S, 10 * S, 3600 * S])
def test_ticks_have_room_lie_in_sight_and_hit_the_zero(span_us):
    view = TimeView(T0, T0 + 7200 * S, 1180)
    view.show(T0 + 60 * S, T0 + 60 * S + span_us)
    zero_us = T0 + 60 * S + span_us // 2
    step_us, times = view.ticks(zero_us)
    assert zero_us in times
    assert all(view.shown.start_us <= time_us <= view.shown.end_us for time_us in times)
    assert 2 <= len(times) <= 1180 / 88 + 2
    assert all(later - earlier == step_us for earlier, later in pairwise(times))


def test_the_step_is_one_two_or_five():
    assert {str(tick_step(us_per_px))[0] for us_per_px in (0.001, 0.05, 1, 7, 400, 1e4, 3e6)} <= {"1", "2", "5"}


@pytest.mark.parametrize(
    ("relative_us", "step_us", "text"),
    [
        (0, S, "0 s"),
        (5 * S, S, "+5 s"),
        (-1_500_000, 500_000, "-1.5 s"),
        (250, 50, "+0.000 25 s"),
        (-1, 1, "-0.000 001 s"),
        (12_000_002, 2, "+12.000 002 s"),
    ],
)
def test_a_tick_has_the_digits_that_its_step_needs(relative_us, step_us, text):
    assert tick_text(relative_us, step_us) == text


def test_an_exact_time_names_every_microsecond():
    assert exact_text(4_812_345) == "+4.812 345 s"
    assert exact_text(-1) == "-0.000 001 s"


def test_a_length_has_the_unit_that_fits_it():
    assert [span_text(us) for us in (240, 3_200, -999_900, 2_310_000)] == ["240 µs", "3.2 ms", "-999.9 ms", "2.31 s"]


def test_a_take_of_one_instant_can_be_shown():
    view = TimeView(T0, T0, 100)
    assert view.shown.start_us < T0 < view.shown.end_us
