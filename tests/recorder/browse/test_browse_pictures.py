import threading

import numpy as np
import pytest
from takekit import T0_US, make_take, some_events, write_events

from protocol.analysis import ClockAlignment, SyncStatus
from protocol.streams import Stream
from recorder.browse.pictures import PictureBrowser, stored_alignment
from recorder.frametable import FrameTableWriter
from recorder.take import Take, TakeError
from recorder.video import RgbVideoWriter, ThermalVideoWriter, VideoError

STEP_US = 33_333
COUNT = 100  # three groups and a bit: a key frame a second
SHAPE = (96, 320)
BEGIN_US = T0_US + 5_000


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A take with 100 colour and 40 thermal pictures; each tells its number by where a bar stands in it."""
    folder = tmp_path_factory.mktemp("pictures")
    path = write_events(folder / "frown_4_1.aedat4", some_events(2000, span_us=COUNT * STEP_US))
    random = np.random.default_rng(0)
    with FrameTableWriter(folder / "frown_4_1.frames.csv") as table:
        with RgbVideoWriter(folder / "frown_4_1.rgb.mp4") as video:
            for index in range(COUNT):
                image = random.integers(80, 120, (*SHAPE, 3)).astype(np.uint8)
                image[:, 3 * index : 3 * index + 9] = 255
                video.write(image, BEGIN_US + index * STEP_US)
                table.append(Stream.RGB, index, BEGIN_US + index * STEP_US, None, index)
        with ThermalVideoWriter(folder / "frown_4_1.thermal.mkv") as video:
            for index in range(40):
                video.write(random.integers(0, 1 << 16, (12, 16), np.uint16), BEGIN_US + index * 110_000)
                table.append(Stream.THERMAL, index, BEGIN_US + index * 110_000, None, index)
    return path


@pytest.fixture(scope="module")
def rgb_pictures(path):
    with Take(path) as take:
        return [image for _, image in take.frames(Stream.RGB)]


@pytest.mark.parametrize("order", ["forwards", "backwards", "jumping"])
def test_every_picture_is_the_one_that_the_take_gives_in_whatever_order(path, rgb_pictures, order):
    numbers = list(range(COUNT))[:: -1 if order == "backwards" else 1]
    if order == "jumping":
        np.random.default_rng(1).shuffle(numbers)
    with Take(path) as take, PictureBrowser(take, Stream.RGB) as browser:
        for number in numbers:
            shown = browser.at(BEGIN_US + number * STEP_US)
            assert (shown.index, shown.t_us, shown.full) == (number, BEGIN_US + number * STEP_US, True)
            np.testing.assert_array_equal(shown.image, rgb_pictures[number])


def test_memory_stays_within_the_budget_though_a_group_is_larger(path, rgb_pictures):
    budget = 10 * 3 * SHAPE[0] * SHAPE[1]
    with Take(path) as take, PictureBrowser(take, Stream.RGB, budget_bytes=budget) as browser:
        for number in [*range(0, COUNT, 7), *range(COUNT - 1, 0, -3)]:
            shown = browser.at(BEGIN_US + number * STEP_US)
            np.testing.assert_array_equal(shown.image, rgb_pictures[number])
            small = sum(image.nbytes for image in browser._pictures._small.values())
            assert browser.held_bytes - small <= 1.2 * budget


def test_without_waiting_a_small_copy_of_every_picture_comes_and_then_the_whole(path):
    still = threading.Event()
    budget = 10 * 3 * SHAPE[0] * SHAPE[1]
    with Take(path) as take, PictureBrowser(take, Stream.RGB, budget_bytes=budget) as browser:
        browser.at(BEGIN_US)
        for _ in range(1000):
            if len(browser._pictures._small) == COUNT:
                break
            still.wait(0.01)
        far_us = BEGIN_US + 90 * STEP_US
        first = browser.peek(far_us)
        assert first.index == 90
        assert first.full or first.image.shape == (256 * SHAPE[0] // SHAPE[1], 256, 3)
        assert browser.at(far_us).full
        assert browser.peek(far_us).full


def test_thermal_counts_are_exact(path):
    with Take(path) as take, PictureBrowser(take, Stream.THERMAL) as browser:
        wanted = [image for _, image in take.frames(Stream.THERMAL)]
        for number in (39, 0, 20, 19, 18):
            np.testing.assert_array_equal(browser.at(BEGIN_US + number * 110_000).image, wanted[number])


def test_the_event_cameras_own_pictures_need_no_alignment(tmp_path):
    with Take(make_take(tmp_path, frames=6)) as take, PictureBrowser(take, Stream.FRAMES) as browser:
        for t_us, image in list(take.frames(Stream.FRAMES))[::-1]:
            shown = browser.at(t_us)
            assert (shown.t_us, shown.uncertainty_us) == (t_us, 0)
            np.testing.assert_array_equal(shown.image, image)


def test_the_nearest_picture_is_shown_and_steps_end_at_the_ends(path):
    with Take(path) as take, PictureBrowser(take, Stream.RGB) as browser:
        assert browser.index_at(BEGIN_US + STEP_US // 2) == 0
        assert browser.index_at(BEGIN_US + STEP_US // 2 + 1) == 1
        assert browser.index_at(0) == 0
        assert browser.index_at(2**62) == COUNT - 1
        assert browser.step(BEGIN_US, 3) == BEGIN_US + 3 * STEP_US
        assert browser.step(BEGIN_US + 3 * STEP_US, -2) == BEGIN_US + STEP_US
        assert browser.step(BEGIN_US, -5) == BEGIN_US
        assert browser.step(BEGIN_US, 1000) == BEGIN_US + (COUNT - 1) * STEP_US


def test_times_go_through_the_alignment_and_its_uncertainty_grows_with_the_drift(path):
    alignment = ClockAlignment(
        status=SyncStatus.PAPER,
        offset_us=-40_000,
        drift_ppm=100.0,
        uncertainty_us=300,
        drift_uncertainty_ppm=200.0,
        reference_us=T0_US,
    )
    with Take(path) as take, PictureBrowser(take, Stream.RGB, alignment=alignment) as browser:
        shifted = BEGIN_US + 90 * STEP_US - 40_000
        expected = shifted + round(100e-6 * (shifted - T0_US))
        assert browser.times_us[90] == expected
        shown = browser.at(expected)
        assert (shown.index, browser.status) == (90, SyncStatus.PAPER)
        assert shown.uncertainty_us == round(np.hypot(300, 200e-6 * (expected - T0_US)))
        browser.realign(None)
        assert browser.at(BEGIN_US).uncertainty_us is None


def test_a_take_without_that_stream_shows_nothing(tmp_path):
    with Take(make_take(tmp_path)) as take:
        for stream in (Stream.RGB, Stream.THERMAL):
            with PictureBrowser(take, stream, alignment=stored_alignment(take, stream)) as browser:
                assert len(browser) == 0
                assert browser.at(T0_US) is None
                assert browser.peek(T0_US) is None
                assert browser.step(T0_US, 1) is None
        with pytest.raises(TakeError, match="holds no pictures"):
            PictureBrowser(take, Stream.EVENTS)


def test_a_video_that_cannot_be_read_says_why(tmp_path):
    path = make_take(tmp_path, videos=True)
    (tmp_path / "frown_4_1.rgb.mp4").write_bytes(b"nothing of the kind")
    with Take(path) as take, PictureBrowser(take, Stream.RGB) as browser:
        assert browser.at(T0_US).image is None
        assert "cannot be read as a video" in browser.problem


def test_nobody_waits_for_a_video_that_goes_away_while_it_is_open(path, monkeypatch):
    def gone(self, group):
        raise VideoError("the disk was taken away.")

    monkeypatch.setattr("recorder.browse.gops.VideoGroups.decode", gone)
    with Take(path) as take, PictureBrowser(take, Stream.RGB) as browser:
        assert browser.at(BEGIN_US).image is None
        assert browser.at(BEGIN_US + 50 * STEP_US).image is None
        assert browser.problem == "the disk was taken away."


def test_a_video_that_was_cut_off_shows_what_came_before(path, tmp_path):
    for suffix in (".aedat4", ".frames.csv", ".rgb.mp4"):
        data = (path.parent / f"frown_4_1{suffix}").read_bytes()
        (tmp_path / f"frown_4_1{suffix}").write_bytes(data[: len(data) * 3 // 5] if suffix == ".rgb.mp4" else data)
    with Take(path) as whole, Take(tmp_path / "frown_4_1.aedat4") as take, PictureBrowser(take, Stream.RGB) as browser:
        first = next(iter(whole.frames(Stream.RGB)))[1]
        np.testing.assert_array_equal(browser.at(BEGIN_US).image, first)
        assert browser.at(BEGIN_US + (COUNT - 1) * STEP_US).image is None
        np.testing.assert_array_equal(browser.at(BEGIN_US).image, first)


def test_closing_in_the_middle_of_decoding_ends_the_thread(path):
    with Take(path) as take:
        browser = PictureBrowser(take, Stream.RGB)
        browser.peek(BEGIN_US + 50 * STEP_US)
        browser.close()
        browser.close()
        assert browser.held_bytes == 0
