"""A camera's clock is found from the sheet of paper that slides before it, and the stated interval holds."""

from dataclasses import replace

import numpy as np
import paper_scenes as scenes
import pytest

from protocol.analysis import SyncFlag
from recorder.alignment.paper import ClockGuess, align_by_paper, find_fronts, spans_us
from recorder.alignment.paper_geometry import unknown_rig

GUESS_US = scenes.OFFSET_US + 41_000
REFERENCE_US = scenes.START_US + scenes.OUT_US
CLOCK = ClockGuess(GUESS_US, REFERENCE_US)


@pytest.fixture(scope="module")
def fronts():
    return find_fronts(scenes.events(), scenes.RESOLUTION, scenes.SLIDES)


def error_us(fit):
    return abs(fit.offset_us - scenes.OFFSET_US)


def test_the_clock_is_found_to_a_millisecond_though_the_rig_is_unknown(fronts):
    fit = align_by_paper(fronts, scenes.pictures(), CLOCK, unknown_rig())
    assert fit is not None
    assert error_us(fit) <= min(fit.uncertainty_us, 1_000)
    assert fit.uncertainty_us < 4_000
    assert fit.slides == 2
    assert fit.flags == ()


@pytest.mark.parametrize("angle_deg", [0.0, 87.0, 215.0])
def test_the_sheet_may_go_any_way(angle_deg):
    fronts = find_fronts(scenes.events(angle_deg), scenes.RESOLUTION, scenes.SLIDES)
    fit = align_by_paper(fronts, scenes.pictures(angle_deg), CLOCK, unknown_rig(20_000))
    assert fit is not None
    assert error_us(fit) <= min(fit.uncertainty_us, 1_000)


def test_one_slide_alone_leaves_open_how_the_camera_stands(fronts):
    both = align_by_paper(fronts, scenes.pictures(), CLOCK, unknown_rig(20_000))
    one = align_by_paper(fronts[:1], scenes.pictures(slides=scenes.SLIDES[:1]), CLOCK, unknown_rig(20_000))
    assert both is not None
    assert one is not None
    assert one.uncertainty_us > 5 * both.uncertainty_us
    assert error_us(one) <= one.uncertainty_us
    assert SyncFlag.PAPER_LEFT_IN in one.flags


def test_what_other_takes_say_of_the_rig_makes_one_slide_worth_more(fronts):
    both = align_by_paper(fronts, scenes.pictures(), CLOCK, unknown_rig(20_000))
    assert both is not None
    alone = align_by_paper(fronts[:1], scenes.pictures(), CLOCK, unknown_rig(20_000))
    helped = align_by_paper(fronts[:1], scenes.pictures(), CLOCK, both.geometry)
    assert alone is not None
    assert helped is not None
    assert error_us(helped) <= helped.uncertainty_us < alone.uncertainty_us / 3


def test_the_rig_is_found_along_the_way_of_the_sheet(fronts):
    fit = align_by_paper(fronts, scenes.pictures(), CLOCK, unknown_rig(20_000))
    assert fit is not None
    assert fit.geometry.values[1] == pytest.approx(scenes.SHIFT[1], abs=0.03)
    assert np.exp(fit.geometry.values[2]) == pytest.approx(scenes.SCALE, abs=0.03)


def test_exposures_need_not_be_known(fronts):
    fit = align_by_paper(fronts, scenes.pictures(exposure_known=False), CLOCK, unknown_rig(20_000))
    assert fit is not None
    assert error_us(fit) <= fit.uncertainty_us


def test_lost_pictures_cost_certainty_not_truth(fronts):
    lost = (scenes.OUT_US * 1e-3, scenes.IN_US * 1e-3)
    fit = align_by_paper(fronts, scenes.pictures(lost=lost), CLOCK, unknown_rig(20_000))
    assert fit is not None
    assert error_us(fit) <= fit.uncertainty_us


def test_a_lamp_that_flickers_is_taken_out(fronts):
    fit = align_by_paper(fronts, scenes.pictures(lamp_hz=100.0), CLOCK, unknown_rig(20_000))
    assert fit is not None
    assert error_us(fit) <= min(fit.uncertainty_us, 1_500)


def test_a_camera_that_saw_no_paper_gives_no_answer(fronts):
    assert align_by_paper(fronts, scenes.pictures(paper=False), CLOCK, unknown_rig()) is None


def test_pictures_of_another_time_give_no_answer(fronts):
    far = ClockGuess(GUESS_US + 60_000_000, REFERENCE_US)
    assert align_by_paper(fronts, scenes.pictures(), far, unknown_rig()) is None


def test_no_pictures_and_no_fronts_give_no_answer(fronts):
    assert align_by_paper(fronts, None, CLOCK, unknown_rig()) is None
    assert align_by_paper([], scenes.pictures(), CLOCK, unknown_rig()) is None


def test_the_drift_that_is_known_is_used(fronts):
    """A clock that drifts is right at the reference, t0, not where the paper came in, seconds before."""
    pictures = scenes.pictures()
    since = pictures.times_us + scenes.OFFSET_US - REFERENCE_US
    drifting = replace(pictures, times_us=np.rint(pictures.times_us - since * 400e-6).astype(np.int64))
    clock = ClockGuess(GUESS_US, REFERENCE_US, drift_ppm=400.0, drift_sigma_ppm=5.0)
    fit = align_by_paper(fronts, drifting, clock, unknown_rig(20_000))
    assert fit is not None
    assert error_us(fit) <= min(fit.uncertainty_us, 1_000)


def test_thermal_pictures_tell_the_time_too(fronts):
    fit = align_by_paper(fronts, scenes.thermal_pictures(), CLOCK, unknown_rig(rolling=False))
    assert fit is not None
    assert error_us(fit) <= min(fit.uncertainty_us, 20_000)


def test_pictures_of_a_closed_shutter_are_left_out(fronts):
    """The shutter is closed from before the paper comes until after: what is left is the other slide."""
    frozen = scenes.thermal_pictures(frozen=(5, 16))
    fit = align_by_paper(fronts, frozen, CLOCK, unknown_rig(rolling=False))
    assert fit is None or error_us(fit) <= fit.uncertainty_us


def test_only_pictures_near_the_slides_are_asked_for(fronts):
    spans = spans_us(fronts, CLOCK)
    assert len(spans) == 2
    for (begin, end), middle_us in zip(spans, (scenes.IN_US, scenes.OUT_US), strict=True):
        assert begin < scenes.START_US + middle_us - GUESS_US < end
        assert end - begin < 3_000_000
