"""The strip of event rates: it scrolls, stands still during a take, and shows steps and marks on the event clock."""

import numpy as np
import pytest

from app.preview.ratehistory import RateHistory
from app.widgets.rate_strip import MOST_COLUMNS, Band, RateStrip, StripMark, nice_above, thinned
from app.window.theme import Scheme, use_scheme
from protocol.streams import EVENT_DTYPE

T0 = 1_700_000_000_000_000
S = 1_000_000


def events(seconds, per_second=1000, start_s=0.0):
    made = np.zeros(int(seconds * per_second), EVENT_DTYPE)
    made["t"] = T0 + int(start_s * S) + np.arange(len(made)) * S // per_second
    made["p"] = np.arange(len(made)) % 2
    return made


@pytest.fixture
def strip(qtbot):
    strip = RateStrip()
    qtbot.addWidget(strip)
    strip.resize(700, 150)
    return strip


def test_an_empty_strip_can_be_refreshed_and_painted(strip):
    strip.refresh()
    assert not strip.grab().isNull()


def test_without_a_take_it_scrolls_with_the_event_clock(strip):
    strip.feed(events(20))
    strip.refresh()
    assert strip.visible_seconds() == pytest.approx((-15.0, 0.0), abs=0.02)
    strip.feed(events(5, start_s=20))
    strip.refresh(T0 + 25 * S)
    assert strip.visible_seconds() == pytest.approx((-15.0, 0.0), abs=0.02)


def test_during_a_take_the_whole_script_is_in_sight_counted_from_its_zero(strip):
    strip.feed(events(4))
    strip.show_take((T0, T0 + 15 * S), T0 + 5 * S)
    bands = [Band("settle", T0, T0 + 2 * S), Band("paper", T0 + 2 * S, T0 + 5 * S)]
    strip.set_script(bands, [StripMark("Cue", T0 + 3 * S, "pressed")])
    for _ in range(3):
        strip.refresh()
        assert strip.visible_seconds() == pytest.approx((-5.0, 10.0), abs=0.01)
    assert strip.bands() == tuple(bands)
    assert not strip.grab().isNull()


def test_a_take_that_lasts_longer_keeps_now_in_sight(strip):
    strip.feed(events(20))
    strip.show_take((T0, T0 + 15 * S))
    strip.refresh()
    assert strip.visible_seconds() == pytest.approx((5.0, 20.0), abs=0.02)


def test_after_the_take_it_scrolls_again_without_its_marks(strip):
    strip.feed(events(20))
    strip.show_take((T0, T0 + 15 * S))
    strip.set_script([Band("settle", T0, T0 + S)], [StripMark("Cue", T0 + S, "detected")])
    strip.refresh()
    strip.show_take(None)
    strip.refresh()
    assert strip.bands() == ()
    assert strip.marks() == ()
    assert strip.visible_seconds() == pytest.approx((-15.0, 0.0), abs=0.02)


def test_a_camera_started_anew_and_another_theme_are_taken_in(strip):
    strip.feed(events(2))
    strip.refresh()
    strip.clear()
    strip.refresh()
    use_scheme(Scheme.LIGHT)
    far = events(2)
    far["t"] -= 10_000 * S
    strip.feed(far)
    strip.refresh()
    assert not strip.grab().isNull()


def test_thinned_columns_keep_the_mean_and_stand_still_while_time_goes_on():
    history = RateHistory(seconds=90.0)
    history.feed(events(60, per_second=2000))
    before = thinned(history.series(), history.bin_us, MOST_COLUMNS)
    assert len(before[0]) <= MOST_COLUMNS
    assert before[1].mean() == pytest.approx(1000)
    history.feed(events(0.05, per_second=2000, start_s=60))
    after = thinned(history.series(), history.bin_us, MOST_COLUMNS)
    assert set(before[0]) & set(after[0])


def test_scales_are_round_numbers():
    assert [nice_above(value) for value in (10_000, 10_001, 49_000, 50_001)] == [1e4, 2e4, 5e4, 1e5]
