"""Focus, background, light and exposure, of drawn pictures that have the fault and of such that have not."""

import numpy as np
import pytest
from rig_views import APS, RGB, face, scene, seen, snaps, view

from protocol.streams import Stream
from recorder.rigcheck.pictures import (
    FocusMemory,
    background,
    blur_px,
    exposure,
    face_region,
    grey_floats,
    light_even,
    textured_share,
)


def of(image: np.ndarray, **changes) -> dict:
    return {Stream.FRAMES: snaps(image, **changes)}


# --- focus


@pytest.mark.parametrize("blur", [0.8, 1.5, 3.0])
@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_blur_is_told_in_pixels_whatever_the_noise_and_the_contrast(blur, noise):
    for contrast in (1.0, 0.4):
        one, other = (grey_floats(snap.image) for snap in snaps(contrast * scene(), count=2, noise=noise, blur=blur))
        assert blur_px(one, other) == pytest.approx(blur, rel=0.2)


def test_nothing_to_be_seen_has_no_sharpness():
    flat = np.full((260, 346), 40.0)
    one, other = (grey_floats(snap.image) for snap in snaps(flat, count=2, noise=3.0))
    assert blur_px(one, other) is None
    assert FocusMemory().look(view(pictures=of(flat)), {}).level == "unknown"
    assert FocusMemory().look(view(), {}).level == "unknown"
    assert FocusMemory().look(view(pictures=of(scene(), count=1)), seen()).level == "unknown"


def test_a_sharp_picture_is_good_and_a_blurred_one_says_to_turn_the_ring():
    assert FocusMemory().look(view(pictures=of(scene())), seen()).level == "good"
    found = FocusMemory().look(view(pictures=of(scene(), blur=2.0)), seen())
    assert (found.level, "turn the focus ring" in found.sentence) == ("check", True)
    assert FocusMemory().look(view(pictures=of(scene(), blur=3.5)), seen()).level == "redo"


def test_a_picture_that_was_sharper_before_is_amber_before_it_is_blurred_by_itself():
    memory = FocusMemory()
    sharp = memory.look(view(pictures=of(scene())), seen())
    found = memory.look(view(pictures=of(scene(), blur=1.25)), seen())
    assert (sharp.level, found.level) == ("good", "check")
    assert "less sharp than it was" in found.sentence
    assert FocusMemory().look(view(pictures=of(scene(), blur=1.25)), seen()).level == "good"


def test_a_head_that_moved_between_two_pictures_does_not_count_as_blur():
    still = snaps(scene(), count=2)
    moved = snaps(np.roll(scene(), 6, axis=1), count=1)
    found = FocusMemory().look(view(pictures={Stream.FRAMES: (*moved, *still)}), seen())
    assert found.level == "good"


# --- background


def test_a_plain_wall_with_a_shadow_is_plain():
    y, x = np.mgrid[:260, :346]
    shaded = scene(wall=0.0) + 150 + 60 * x / 346 - 30 * y / 260
    found = background(view(pictures=of(np.clip(shaded, 0, 255))), seen(apart=55.0))
    assert (found.level, found.value) == ("good", pytest.approx(0, abs=10))


def test_a_shelf_behind_the_head_is_not_plain():
    image = scene()
    image[:, :90][np.arange(260) // 10 % 2 == 0] = 60
    found = background(view(pictures=of(image)), seen(apart=55.0))
    assert found.level in ("check", "redo")
    assert found.value > 30


def test_clothes_and_hair_are_no_background():
    image = scene()
    image[215:] = 40 + 60 * (np.arange(346) // 4 % 2)
    assert background(view(pictures=of(image)), seen(apart=62.0)).level == "good"


def test_a_head_that_fills_the_picture_leaves_nothing_to_judge():
    assert textured_share(grey_floats(scene().astype(np.uint8)), face(apart=200.0))[0] is None
    assert background(view(pictures=of(scene())), seen(apart=200.0)).level == "unknown"
    assert background(view(), {}).level == "unknown"


# --- light


@pytest.mark.parametrize(("skin", "level"), [((90, 90), "good"), ((130, 70), "check"), ((180, 30), "redo")])
def test_light_from_one_side_is_told_with_the_darker_half(skin, level):
    found = light_even(view(pictures=of(scene(skin=skin))), seen(apart=40.0))
    assert found.level == level
    assert level == "good" or "right of the picture" in found.sentence


def test_light_is_not_judged_without_a_face():
    assert light_even(view(pictures=of(scene())), {}).level == "unknown"


@pytest.mark.parametrize(("skin", "level"), [(90, "good"), (18, "check"), (3, "redo"), (255, "check")])
def test_a_dark_and_an_overexposed_face_are_told(skin, level):
    found = exposure(view(pictures=of(scene(skin=(skin, skin)))), seen(apart=40.0))
    assert found.level == level
    assert {18: "is dark", 3: "is black", 255: "is white"}.get(skin, "bright enough") in found.sentence


def test_the_worst_camera_is_the_one_that_is_told():
    both = {**of(scene()), Stream.RGB: snaps(scene(RGB, skin=(10, 10)), count=1)}
    found = exposure(view(pictures=both), {**seen(apart=40.0), **seen(Stream.RGB, apart=60.0)})
    assert (found.level, "colour camera" in found.sentence) == ("check", True)
    assert set(found.details) == {"frames", "rgb"}
    assert exposure(view(), {}).level == "unknown"


def test_a_region_never_leaves_its_picture():
    assert face_region(face(at=(-500, 0)), (260, 346)) == (0, 0, 346, 260)
    left, top, right, bottom = face_region(face(at=(340, 10)), (260, 346))
    assert 0 <= left < right <= APS[0]
    assert 0 <= top < bottom <= APS[1]
