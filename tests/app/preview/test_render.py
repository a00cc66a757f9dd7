"""Events and pictures as colours: what fades, what is left out, what a fixed range is for."""

import numpy as np
import pytest

from app.preview.palettes import Palette, palette, rgba
from app.preview.ratehistory import RateHistory
from app.preview.render import DisplayRange, EventCanvas, EventColours, EventMode, to_display, warm_up
from protocol.streams import EVENT_DTYPE

ON, OFF, NOTHING = (250, 160, 60, 255), (60, 120, 250, 255), (10, 10, 10, 255)
COLOURS = EventColours(ON, OFF, NOTHING)
T0 = 1_700_000_000_000_000  # event time is often absolute


def events(*rows):
    """Rows of (t, x, y, p), t counted from T0."""
    made = np.array(list(rows), EVENT_DTYPE)
    made["t"] += T0
    return made


@pytest.fixture
def canvas():
    return EventCanvas((6, 4), COLOURS)


def test_nothing_seen_is_background_in_every_colour_mode(canvas):
    for mode in (EventMode.POLARITY, EventMode.SURFACE):
        canvas.mode = mode
        assert (canvas.draw(T0) == NOTHING).all()
        assert canvas.draw(T0).shape == (4, 6, 4)


def test_a_new_event_has_the_colour_of_its_polarity_at_its_pixel(canvas):
    canvas.feed(events((0, 5, 0, 1), (0, 0, 3, 0)))
    picture = canvas.draw(T0)
    assert tuple(picture[0, 5]) == ON
    assert tuple(picture[3, 0]) == OFF
    assert (picture.reshape(-1, 4) == NOTHING).all(axis=1).sum() == 22


def test_polarity_fades_by_the_time_constant_and_then_is_gone(canvas):
    canvas.feed(events((0, 1, 1, 1)))
    canvas.decay_ms = 30.0
    red = [int(canvas.draw(T0 + ms * 1000)[1, 1, 0]) for ms in (0, 30, 60, 1000)]
    assert red[0] == ON[0]
    assert red[1] == pytest.approx(NOTHING[0] + 240 / np.e, abs=2)
    assert red[2] == pytest.approx(NOTHING[0] + 240 / np.e**2, abs=2)
    assert red[3] == NOTHING[0]


def test_the_last_polarity_of_a_pixel_wins(canvas):
    canvas.feed(events((0, 1, 1, 1), (10, 1, 1, 0)))
    assert tuple(canvas.draw()[1, 1]) == OFF


@pytest.mark.parametrize("background", [NOTHING, (250, 250, 250, 255)])
def test_a_time_surface_stands_out_less_the_older_it_is(background):
    canvas = EventCanvas((6, 4), EventColours(ON, OFF, background))
    canvas.mode = EventMode.SURFACE
    canvas.feed(events((0, 0, 0, 1), (50_000, 1, 0, 0), (100_000, 2, 0, 1), (150_000, 3, 0, 0)))
    lightness = canvas.draw(T0 + 150_000)[0, :4, :3].astype(float) @ (0.299, 0.587, 0.114)
    assert (np.diff(abs(lightness - background[0])) > 0).all()


def test_the_grey_picture_is_lighter_for_on_darker_for_off_and_leaks_back(canvas):
    canvas.mode = EventMode.GREY
    canvas.feed(events((0, 0, 0, 1), (1, 0, 0, 1), (2, 1, 0, 0)))
    canvas.feed(events(*[(3, 2, 0, 1)] * 50))
    picture = canvas.draw(T0 + 3)
    middle = picture[3, 5, 0]
    assert picture[0, 1, 0] < middle < picture[0, 0, 0] < picture[0, 2, 0] == 255
    assert (canvas.draw(T0 + 3_000_000) == (*[middle] * 3, 255)).all()


def test_events_outside_the_sensor_are_left_out_and_counted(canvas):
    canvas.feed(events((0, -1, 0, 1), (0, 6, 0, 1), (0, 0, 4, 1), (0, 0, -2, 1)))
    assert (canvas.draw() == NOTHING).all()
    assert canvas.outside == 4


def test_events_a_little_late_do_not_make_a_pixel_older(canvas):
    canvas.feed(events((1000, 1, 1, 1), (0, 1, 1, 1)))
    assert tuple(canvas.draw(T0 + 1000)[1, 1]) == ON


def test_a_camera_started_anew_begins_with_an_empty_picture(canvas):
    canvas.feed(events((0, 1, 1, 1)))
    canvas.feed(events((-60_000_000, 2, 2, 1)))
    picture = canvas.draw()
    assert tuple(picture[1, 1]) == NOTHING
    assert tuple(picture[2, 2]) == ON


def test_the_buffer_is_the_same_and_read_only_events_are_taken(canvas):
    locked = events((0, 0, 0, 1))
    locked.flags.writeable = False
    canvas.feed(locked)
    assert canvas.draw() is canvas.draw()
    canvas.reset()
    assert canvas.newest_us is None
    assert (canvas.draw(T0) == NOTHING).all()


def test_pictures_keep_their_light_and_colours():
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert (to_display(grey)[..., 0] == grey).all()
    assert (to_display(grey)[..., 3] == 255).all()
    colour = np.zeros((2, 3, 3), np.uint8)
    colour[:] = (1, 2, 3)
    assert tuple(to_display(colour)[0, 0]) == (3, 2, 1, 255)


def test_a_thermal_picture_is_shown_within_its_limits_and_clipped_beyond():
    picture = np.array([[29_000, 30_000, 30_500, 31_000, 32_000]], np.uint16)
    assert to_display(picture, limits=(30_000, 31_000))[0, :, 0].tolist() == [0, 0, 128, 255, 255]
    assert (to_display(picture, Palette.IRON, (30_000, 31_000))[0, 0] == palette(Palette.IRON)[:1].view(np.uint8)).all()


def test_a_buffer_of_the_right_size_is_used_again():
    out = np.empty((2, 2, 4), np.uint8)
    assert to_display(np.zeros((2, 2), np.uint8), out=out) is out
    assert to_display(np.zeros((3, 2), np.uint8), out=out) is not out


@pytest.mark.parametrize("name", [Palette.GREY, Palette.IRON, Palette.INFERNO, Palette.VIRIDIS])
def test_every_palette_grows_in_lightness(name):
    colours = palette(name).view(np.uint8).reshape(256, 4)[:, :3]
    assert (np.diff(colours @ np.array([0.299, 0.587, 0.114])) > -0.6).all()
    assert rgba("#ff8001") == (255, 128, 1, 255)


def test_the_thermal_range_does_not_jump_when_something_warm_enters():
    scene = np.random.default_rng(1).integers(29_500, 30_500, (60, 80)).astype(np.uint16)
    limits = DisplayRange()
    before = limits.see(scene, 0)
    hot = scene.copy()
    hot[:30] += 2_000
    soon = limits.see(hot, 100_000)
    assert abs(soon[1] - before[1]) < 0.03 * 2_000
    for at_us in range(200_000, 30_000_000, 100_000):
        limits.see(hot, at_us)
    assert limits.limits[1] > before[1] + 1_900


def test_a_range_set_by_hand_stands_still_until_it_may_follow_again():
    limits = DisplayRange()
    limits.fix(100.0, 300.0)
    picture = np.full((40, 40), 5_000, np.uint16)
    assert limits.see(picture, 0) == (100.0, 300.0)
    assert limits.by_hand
    limits.follow()
    limits.see(picture, 1_000_000)
    assert limits.see(picture, 2_000_000) != (100.0, 300.0)
    with pytest.raises(ValueError, match="above"):
        limits.fix(5, 5)


def test_a_plain_wall_is_not_blown_up():
    low, high = DisplayRange().see(np.full((40, 40), 5_000, np.uint16), 0)
    assert (low, high) == (4_950.0, 5_050.0)


def test_rates_are_counted_by_polarity_on_the_event_clock():
    history = RateHistory(bin_ms=10, seconds=1.0)
    assert len(history.series().start_us) == 0
    history.feed(events(*[(0, 0, 0, 1)] * 3, (9_999, 0, 0, 0), (10_000, 0, 0, 0), (35_000, 0, 0, 1)))
    start_us, on, off = history.series()
    assert (start_us - T0).tolist() == [0, 10_000, 20_000, 30_000]
    assert on.tolist() == [300, 0, 0, 100]
    assert off.tolist() == [100, 100, 0, 0]
    assert history.newest_us == T0 + 40_000


def test_rates_come_out_the_same_whether_fed_at_once_or_bit_by_bit():
    rng = np.random.default_rng(2)
    many = np.zeros(20_000, EVENT_DTYPE)
    many["t"], many["p"] = T0 + np.sort(rng.integers(0, 3_000_000, 20_000)), rng.integers(0, 2, 20_000)
    whole, bits = RateHistory(seconds=1.0), RateHistory(seconds=1.0)
    whole.feed(many)
    for part in np.array_split(many, 137):
        bits.feed(part)
    for one, other in zip(whole.series(), bits.series(), strict=True):
        assert (one == other).all()
    assert len(whole.series().on) == 100
    kept = many[many["t"] // 10_000 > many["t"][-1] // 10_000 - 100]
    assert whole.series().on.sum() + whole.series().off.sum() == len(kept) * 100
    assert len(whole.series(0.3).on) == 30


def test_a_pause_longer_than_the_history_and_a_clock_that_goes_back_leave_no_old_counts():
    history = RateHistory(seconds=0.1)
    history.feed(events(*[(0, 0, 0, 1)] * 5))
    history.feed(events((5_000_000, 0, 0, 1)))
    assert history.series().on.tolist() == [0] * 9 + [100]
    history.feed(events((-50_000_000, 0, 0, 0)))
    assert history.series().on.tolist() == [0]
    assert history.series().off.tolist() == [100]


def test_warming_up_leaves_nothing_to_compile():
    from app.preview import kernels

    warm_up()
    before = [len(kernel.signatures) for kernel in (kernels.feed, kernels.draw_ages, kernels.draw_grey, kernels.count)]
    canvas = EventCanvas((640, 480))
    canvas.feed(events((0, 600, 400, 1)))
    for mode in EventMode:
        canvas.mode = mode
        canvas.draw(T0 + 5)
    RateHistory().feed(events((0, 1, 1, 1)))
    after = [len(kernel.signatures) for kernel in (kernels.feed, kernels.draw_ages, kernels.draw_grey, kernels.count)]
    assert before == after
