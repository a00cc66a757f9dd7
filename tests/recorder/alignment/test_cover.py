"""Pictures before, with and without the paper: what is seen in common, what is no paper, stripes of a lamp."""

from dataclasses import replace

import cv2
import numpy as np
import paper_scenes as scenes
import pytest

from recorder.alignment.cover import CLIPPED, colour_sample, find_passage
from recorder.alignment.cover_flicker import without_flicker
from recorder.alignment.thermal import as_light, without_repeats


def passage(pictures, leaves):
    middle = scenes.START_US - scenes.OFFSET_US + (scenes.OUT_US if leaves else scenes.IN_US)
    return find_passage(pictures, (middle - 40_000, middle + 40_000), 80_000, leaves=leaves)


@pytest.mark.parametrize("leaves", [False, True])
def test_bare_and_papered_are_told_apart(leaves):
    found = passage(scenes.pictures(), leaves)
    assert found is not None
    assert np.median(found.papered / found.bare) > 2
    assert len(found.times_us) == found.light.shape[0] >= 3


def test_a_hand_on_the_paper_is_left_out():
    pictures = scenes.pictures()
    light = pictures.light.copy()
    held = (pictures.times_us + scenes.OFFSET_US - scenes.START_US > scenes.IN_US + 60_000) & (
        pictures.times_us + scenes.OFFSET_US - scenes.START_US < scenes.OUT_US - 60_000
    )
    light[np.ix_(held, np.arange(20, 48), np.arange(5, 15))] *= 0.5
    found = passage(replace(pictures, light=light), leaves=True)
    assert found is not None
    column = (found.x + 1) / 2 * 64
    assert not ((column > 6) & (column < 14) & (found.row > 0.5)).any()
    assert len(found.x) > 0.6 * 48 * 64


def test_without_pictures_after_the_slide_there_is_no_passage():
    pictures = scenes.pictures()
    early = pictures.times_us + scenes.OFFSET_US - scenes.START_US < scenes.OUT_US
    cut = replace(
        pictures,
        times_us=pictures.times_us[early],
        exposure_ms=pictures.exposure_ms[early],
        light=pictures.light[early],
        clipped=pictures.clipped[early],
    )
    assert passage(cut, leaves=True) is None


def test_samples_are_linear_light():
    image = np.full((480, 640, 3), 188, np.uint8)  # sRGB of half the light
    image[:, 320:] = 255
    light, clipped = colour_sample(image)
    assert light.shape == (60, 80)
    assert light[30, 10] == pytest.approx(0.5, abs=0.01)
    assert clipped[30, 70]
    assert not clipped[30, 10]
    assert CLIPPED < 255


def test_own_pictures_of_an_event_camera_are_linear_as_they_are():
    light, _ = colour_sample(np.full((260, 346), 51, np.uint8))
    assert light.mean() == pytest.approx(0.2, abs=1e-3)


def test_stripes_of_a_lamp_are_taken_out_and_nothing_else():
    steady, striped = scenes.pictures(lamp_hz=0.0), scenes.pictures(lamp_hz=120.0)
    cleaned = without_flicker(striped)
    before, after = (np.abs(one.light.mean(axis=2) / steady.light.mean(axis=2) - 1).max() for one in (striped, cleaned))
    assert before > 0.03
    assert after < before / 4
    assert without_flicker(steady).light is not None
    assert np.array_equal(without_flicker(steady).light, steady.light)


def test_thermal_pictures_that_stand_still_are_left_out():
    pictures = scenes.thermal_pictures(frozen=(10, 14))
    moving = without_repeats(pictures)
    assert len(moving) == len(pictures) - 4
    assert moving.frozen_us == tuple(pictures.times_us[10:14])


def test_warmth_becomes_light_between_one_and_two():
    light = as_light(scenes.thermal_pictures()).light
    assert np.percentile(light, 5) == pytest.approx(1, abs=0.1)
    assert np.percentile(light, 95) == pytest.approx(2, abs=0.1)


def test_a_small_picture_keeps_its_shape():
    light, _ = colour_sample(cv2.resize(np.full((480, 640, 3), 90, np.uint8), (160, 90)))
    assert light.shape == (45, 80)
