import struct
import threading

import numpy as np
import pytest
from takekit import RESOLUTION, T0_US, some_events, write_events

from recorder.aedat4.layout import unpack_header
from recorder.browse.events import EventBrowser, Mode
from recorder.take import Take

SPAN_US = 2_000_000


@pytest.fixture(scope="module")
def events():
    return some_events(120_000, seed=3, span_us=SPAN_US)


@pytest.fixture(scope="module")
def path(events, tmp_path_factory):
    return write_events(tmp_path_factory.mktemp("browse") / "frown_4_1.aedat4", events)


@pytest.fixture
def browser(path):
    with Take(path) as take, EventBrowser(take) as browser:
        yield browser


def expected(events, start_us, end_us):
    return events[(events["t"] >= start_us) & (events["t"] < end_us)]


def test_a_window_holds_the_events_of_its_half_open_range_wherever_the_cursor_jumps(browser, events):
    random = np.random.default_rng(5)
    for start, length in zip(random.integers(-10_000, SPAN_US, 60), random.integers(1, 100_000, 60), strict=True):
        start_us = T0_US + int(start)
        found = browser.window(start_us, start_us + int(length))
        np.testing.assert_array_equal(found, expected(events, start_us, start_us + int(length)))


@pytest.mark.parametrize("step_us", [20_000, -20_000])
def test_stepping_gives_the_same_forwards_and_backwards(browser, events, step_us):
    for start_us in range(T0_US, T0_US + SPAN_US, abs(step_us))[:: 1 if step_us > 0 else -1]:
        found = browser.window(start_us, start_us + 30_000)
        np.testing.assert_array_equal(found, expected(events, start_us, start_us + 30_000))


def test_the_first_and_the_last_event_are_inside(browser, events):
    assert browser.span_us == (T0_US, T0_US + SPAN_US - 1)
    assert browser.count == len(events)
    assert len(browser.window(-(2**63), 2**63 - 1)) == len(events)
    assert len(browser.window(T0_US + SPAN_US - 1, T0_US + SPAN_US)) >= 1


def test_nobody_can_write_into_what_is_kept(browser):
    with pytest.raises(ValueError, match="read-only"):
        browser.window(T0_US, T0_US + 10)["t"] = 0


def test_counts_add_up_to_the_events_of_each_pixel_and_polarity(browser, events):
    start_us, end_us = T0_US + 700_000, T0_US + 800_000
    counts = browser.accumulate(start_us, end_us)
    inside = expected(events, start_us, end_us)
    wanted = np.zeros((2, RESOLUTION[1], RESOLUTION[0]), int)
    np.add.at(wanted, (inside["p"], inside["y"], inside["x"]), 1)
    assert counts.dtype == np.uint16
    np.testing.assert_array_equal(counts, wanted)


def test_a_time_surface_tells_how_new_the_newest_event_of_a_pixel_is(tmp_path):
    events = np.concatenate([some_events(2, resolution=(1, 1)), some_events(2, resolution=(1, 1))])
    events["t"] = T0_US + np.array([0, 100, 149, 199])
    events["x"], events["y"], events["p"] = [3, 3, 4, 5], 2, [1, 1, 0, 1]
    with Take(write_events(tmp_path / "a.aedat4", events)) as take, EventBrowser(take) as browser:
        surface = browser.accumulate(T0_US + 100, T0_US + 200, Mode.SURFACE)
    assert surface[1, 2, 3] == pytest.approx(0.01)
    assert surface[0, 2, 4] == pytest.approx(0.5)
    assert surface[1, 2, 5] == pytest.approx(1.0)
    assert np.count_nonzero(surface) == 3


@pytest.mark.parametrize("mode", list(Mode))
def test_a_window_without_width_or_turned_round_is_empty(browser, mode):
    assert not browser.accumulate(T0_US, T0_US, mode).any()
    assert not browser.accumulate(T0_US + 100_000, T0_US, mode).any()
    assert not len(browser.window(T0_US + 100_000, T0_US))


def test_memory_stays_within_the_budget_on_the_way_through_a_long_take(path, events):
    budget = 4 * 16_384 * 16
    with Take(path) as take, EventBrowser(take, budget_bytes=budget) as browser:
        for start_us in range(T0_US, T0_US + SPAN_US, 50_000):
            browser.accumulate(start_us, start_us + 50_000)
            assert browser.held_bytes <= budget
        assert browser.accumulate(T0_US, T0_US + SPAN_US).sum() == len(events)
        assert browser.held_bytes <= budget


def test_what_comes_next_is_decoded_ahead_and_a_short_take_as_a_whole(path, events):
    with Take(path) as take, EventBrowser(take) as browser:
        browser.window(T0_US + 500_000, T0_US + 501_000)
        still = threading.Event()
        for _ in range(500):
            if browser.held_bytes == events.nbytes:
                break
            still.wait(0.01)
        assert browser.held_bytes == events.nbytes


def test_skipping_by_events_goes_both_ways_and_stays_within_the_take(browser, events):
    t_us = int(events["t"][50_000])
    first = int(np.searchsorted(events["t"], t_us))
    assert browser.skip(t_us, 20_000) == events["t"][first + 20_000]
    assert browser.skip(t_us, -20_000) == events["t"][first - 20_000]
    assert browser.skip(t_us, 10**9) == events["t"][-1]
    assert browser.skip(t_us, -(10**9)) == events["t"][0]


def test_rates_are_counted_by_bin_region_and_polarity(browser, events):
    regions = np.full((RESOLUTION[1], RESOLUTION[0]), 9, np.uint8)
    regions[:, :16], regions[:12, 16:] = 0, 1
    counts = browser.rates(T0_US + 1000, 512, 40, regions, 2)
    inside = expected(events, T0_US + 1000, T0_US + 1000 + 40 * 512)
    wanted = np.zeros((40, 3, 2), int)
    row = np.minimum(regions[inside["y"], inside["x"]], 2)
    np.add.at(wanted, ((inside["t"] - T0_US - 1000) // 512, row, inside["p"]), 1)
    wanted[:, 0] += wanted[:, 1]
    np.testing.assert_array_equal(counts, wanted[:, :2])


def test_a_sweep_gives_every_event_once(browser, events):
    np.testing.assert_array_equal(np.concatenate(list(browser.sweep())), events)


def test_a_take_without_events_shows_nothing(tmp_path):
    with Take(write_events(tmp_path / "a.aedat4", some_events(0))) as take, EventBrowser(take) as browser:
        assert browser.span_us is None
        assert browser.skip(5, 3) == 5
        assert browser.accumulate(0, 1000).shape == (2, RESOLUTION[1], RESOLUTION[0])
        assert not len(browser.window(0, 1000))


def test_a_damaged_packet_is_left_out_and_counted(path, events, tmp_path):
    data = bytearray(path.read_bytes())
    at = len(data) // 2
    data[at : at + 40] = bytes(40)
    (tmp_path / "a.aedat4").write_bytes(data)
    with Take(tmp_path / "a.aedat4") as take, EventBrowser(take, ahead=False) as browser:
        found = browser.window(T0_US, T0_US + SPAN_US)
        kept = take.events()
        assert browser.damaged + len(take.file.problems) > 0
    np.testing.assert_array_equal(found, kept)
    assert len(found) < len(events)


def test_a_file_cut_off_gives_what_it_holds(path, events, tmp_path):
    (tmp_path / "a.aedat4").write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with Take(tmp_path / "a.aedat4") as take, EventBrowser(take) as browser:
        np.testing.assert_array_equal(browser.window(0, 2**62), events[: browser.count])
        assert 0 < browser.count < len(events)


def test_closing_twice_is_safe(path):
    with Take(path) as take:
        browser = EventBrowser(take)
        browser.window(T0_US, T0_US + 10)
        browser.close()
        browser.close()
        assert browser.held_bytes == 0


def without_table(path):
    """(header that points to no table, packets) of a file."""
    data = bytearray(path.read_bytes())
    header = unpack_header(bytes(data))
    struct.pack_into("<q", data, header.position_at, -1)
    return bytes(data[: header.end]), bytes(data[header.end : header.table_position])


def test_events_are_found_where_time_runs_backwards_between_packets(tmp_path):
    early, late = some_events(30_000), some_events(30_000, seed=1)
    late["t"] += 1_000_000
    (header, first), (_, second) = (
        without_table(write_events(tmp_path / f"{index}.aedat4", events)) for index, events in enumerate((late, early))
    )
    (tmp_path / "a.aedat4").write_bytes(header + first + second)
    with Take(tmp_path / "a.aedat4") as take, EventBrowser(take) as browser:
        start_us, end_us = T0_US + 100_000, T0_US + 1_050_000
        found = browser.window(start_us, end_us)
        both = np.concatenate([late, early])
        np.testing.assert_array_equal(found, expected(both, start_us, end_us))
        assert browser.accumulate(start_us, end_us).sum() == len(found)
