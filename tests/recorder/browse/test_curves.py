import os

import numpy as np
import pytest
from takekit import RESOLUTION, T0_US, some_events, write_events

from protocol.analysis import FaceBox
from recorder.browse.cachefolder import cache_folder, keep
from recorder.browse.curves import BASE_US, Curves
from recorder.browse.events import EventBrowser
from recorder.browse.regions import REGIONS, Region, region_map
from recorder.take import Take

SPAN_US = 4_000_000
FACE = FaceBox(x=4, y=1, width=18, height=22, source="aps")


@pytest.fixture(scope="module")
def events():
    return some_events(100_000, seed=3, span_us=SPAN_US)


@pytest.fixture(scope="module")
def path(events, tmp_path_factory):
    return write_events(tmp_path_factory.mktemp("curves") / "frown_4_1.aedat4", events)


@pytest.fixture
def browser(path):
    with Take(path) as take, EventBrowser(take) as browser:
        yield browser


def counted(events, start_us, width_us, bins, polarity, mask):
    inside = events[(mask[events["y"], events["x"]]) & (events["p"] == polarity)]
    return np.bincount((inside["t"] - start_us) // width_us, minlength=bins)[:bins]


@pytest.mark.parametrize("points", [2, 3, 17, 120, 900, 2000])
def test_the_whole_take_is_drawn_from_at_most_so_many_numbers_which_hold_every_event(browser, events, points):
    with Curves(browser) as curves:
        assert curves.wait()
        found = curves.stretch(T0_US, T0_US + SPAN_US, points)
    assert 1 <= len(found.start_us) <= points
    assert found.bin_us & (found.bin_us - 1) == 0
    total = found.mean.astype(float).sum() * found.bin_us * 1e-6
    assert total == pytest.approx(len(events), rel=1e-5)


def test_mean_least_and_most_are_those_of_bins_of_a_millisecond(browser, events):
    with Curves(browser) as curves:
        curves.wait()
        found = curves.stretch(T0_US, T0_US + SPAN_US, 150)
    bins = -(-SPAN_US // BASE_US)
    whole = np.ones(RESOLUTION[::-1], bool)
    for polarity in (0, 1):
        counts = counted(events, T0_US, BASE_US, bins, polarity, whole)
        for number in (0, 5, 60, 100):
            part = counts[number * found.bin_us // BASE_US : (number + 1) * found.bin_us // BASE_US] * 1e6 / BASE_US
            assert found.mean[0, polarity, number] == pytest.approx(part.mean(), rel=1e-5)
            assert found.least[0, polarity, number] == pytest.approx(part.min(), rel=1e-5)
            assert found.most[0, polarity, number] == pytest.approx(part.max(), rel=1e-5)


@pytest.mark.parametrize("width_us", [5, 700, 20_000])
def test_zoomed_in_the_events_themselves_are_counted(browser, events, width_us):
    start_us = T0_US + 1_234_567
    with Curves(browser) as curves:
        found = curves.stretch(start_us, start_us + width_us, 50)
    assert found.bin_us < BASE_US
    assert found.start_us[0] <= start_us
    assert len(found.start_us) <= 51
    whole = np.ones(RESOLUTION[::-1], bool)
    shifted = events[events["t"] >= found.start_us[0]]
    wanted = counted(shifted, found.start_us[0], found.bin_us, len(found.start_us), 1, whole)
    np.testing.assert_allclose(found.mean[0, 1], wanted * 1e6 / found.bin_us, rtol=1e-5)


def test_bins_stay_where_they_are_when_the_view_moves(browser):
    with Curves(browser) as curves:
        curves.wait()
        one, other = (curves.stretch(T0_US + by, T0_US + by + 2_000_000, 100) for by in (0, 333_333))
    both, first, second = np.intersect1d(one.start_us, other.start_us, return_indices=True)
    assert len(both) > 50
    np.testing.assert_array_equal(one.mean[:, :, first[:-1]], other.mean[:, :, second[:-1]])


def test_each_part_of_the_face_has_its_own_curve(browser, events):
    codes = region_map(FACE, RESOLUTION)
    with Curves(browser, FACE) as curves:
        curves.wait()
        found = curves.stretch(T0_US, T0_US + SPAN_US, 64)
    assert found.regions == REGIONS
    for region in REGIONS:
        number = REGIONS.index(region)
        mask = codes < len(REGIONS) if region is Region.FACE else codes == number
        assert mask.any()
        wanted = counted(events, T0_US, found.bin_us, len(found.start_us), 0, mask)
        np.testing.assert_allclose(found.mean[number, 0], wanted * 1e6 / found.bin_us, rtol=1e-5)


def test_without_a_face_only_the_whole_is_counted(browser):
    with Curves(browser) as curves:
        assert curves.regions == (Region.FACE,)


def test_what_was_counted_is_kept_for_the_same_events_and_face_only(path, tmp_path):
    def drawn(face):
        with Take(path) as take, EventBrowser(take, ahead=False) as browser, Curves(browser, face, cache=tmp_path) as curves:
            assert curves.wait()
            return curves.stretch(T0_US, T0_US + SPAN_US, 100).mean, browser.held_bytes

    first, held = drawn(FACE)
    assert held
    again, held = drawn(FACE)
    assert not held, "the events were decoded again"
    np.testing.assert_array_equal(first, again)
    drawn(None)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_damaged_or_foreign_file_among_those_kept_is_counted_again(path, tmp_path):
    for damage in (b"", b"rubbish", b"\x04\x22\x4d\x18" + bytes(40)):
        with Take(path) as take, EventBrowser(take) as browser, Curves(browser, cache=tmp_path) as curves:
            assert curves.wait()
            assert np.nansum(curves.stretch(T0_US, T0_US + SPAN_US).mean) > 0
        (kept,) = tmp_path.iterdir()
        kept.write_bytes(damage)


def test_the_cache_keeps_within_its_size_and_lets_the_oldest_go(tmp_path):
    for number in range(10):
        keep(tmp_path, f"{number:040x}.curves", bytes(1000), 3000)
        os.utime(tmp_path / f"{number:040x}.curves", ns=(number, number))
    assert sorted(int(path.stem, 16) for path in tmp_path.iterdir()) == [7, 8, 9]


def test_the_cache_never_removes_what_it_has_not_made(tmp_path):
    recording, other = tmp_path / "frown_4_1.aedat4", tmp_path / f"{1:040x}.other"
    for path in (recording, other):
        path.write_bytes(bytes(5000))
        os.utime(path, (1, 1))
    keep(tmp_path, f"{0:040x}.curves", bytes(1000), 0)
    assert recording.exists()
    assert other.exists()
    with pytest.raises(ValueError, match="no name"):
        keep(tmp_path, "frown_4_1.aedat4", b"", 0)


def test_a_home_that_takes_no_files_has_no_cache(tmp_path):
    (tmp_path / "file").write_text("")
    assert cache_folder("curves", {"GLIMPSE_CACHE": str(tmp_path / "file")}) is None
    assert cache_folder("curves", {"GLIMPSE_CACHE": str(tmp_path / "new")}) == tmp_path / "new" / "curves"


def test_a_time_that_cannot_be_leaves_the_take_in_view(events, tmp_path):
    damaged = events.copy()
    damaged["t"][-1] = 2**62
    path = write_events(tmp_path / "a.aedat4", damaged)
    with Take(path) as take, EventBrowser(take) as browser, Curves(browser) as curves:
        assert curves.wait()
        assert curves.end_us - curves.start_us <= SPAN_US + 1
        assert np.nansum(curves.stretch(T0_US, T0_US + SPAN_US).mean) > 0


def test_a_take_without_events_has_flat_curves(tmp_path):
    with (
        Take(write_events(tmp_path / "a.aedat4", some_events(0))) as take,
        EventBrowser(take) as browser,
        Curves(browser) as curves,
    ):
        assert curves.wait()
        assert not curves.stretch(0, 1_000_000).mean.any()


def test_closing_before_all_is_counted_ends_the_thread(path):
    with Take(path) as take, EventBrowser(take) as browser:
        curves = Curves(browser)
        curves.close()
        curves.close()


def test_what_is_published_on_the_way_adds_up_to_the_same(browser, monkeypatch):
    with Curves(browser) as curves:
        curves.wait()
        wanted = [curves.stretch(T0_US, T0_US + SPAN_US, points) for points in (2000, 300, 20)]
    monkeypatch.setattr("recorder.browse.curves.PUBLISH_EVENTS", 1)
    monkeypatch.setattr("recorder.browse.curves.POINTS", 2)  # levels all the way up
    with Curves(browser) as curves:
        curves.wait()
        for points, before in zip((2000, 300, 20), wanted, strict=True):
            found = curves.stretch(T0_US, T0_US + SPAN_US, points)
            for one, other in ((found.mean, before.mean), (found.least, before.least), (found.most, before.most)):
                np.testing.assert_array_equal(one, other)


def test_what_is_not_counted_yet_is_not_drawn_as_nothing(browser):
    with Curves(browser) as curves:
        curves.wait()
        curves._complete.clear()
        curves._done //= 2
        found = curves.stretch(T0_US, T0_US + SPAN_US, 100)
        unknown = np.isnan(found.mean[0, 0])
        half = len(unknown) // 2
        assert not unknown[: half - 2].any()
        assert unknown[half + 2 :].all()
        assert 0 < curves.progress < 1
