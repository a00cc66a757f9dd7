import numpy as np
import pytest

from protocol.analysis import FaceBox
from recorder.measures import light

ALL = (0.0, 0.0, 1.0, 1.0)


def picture(left, right, size=(60, 80)):
    image = np.full(size, left, np.uint8)
    image[:, size[1] // 2 :] = right
    return image


def test_even_light_differs_by_nothing():
    assert light.evenness([picture(120, 120)], ALL).value == 0


@pytest.mark.parametrize(("left", "right", "darker"), [(50, 150, "left"), (150, 50, "right")])
def test_the_darker_half_is_named_and_the_difference_is_a_share_of_the_sum(left, right, darker):
    reading = light.evenness([picture(left, right)], ALL)
    assert reading.value == pytest.approx(50)
    assert reading.details["darker"] == darker


def test_only_the_face_counts_where_it_is_known():
    image = picture(120, 120)
    image[:, 60:] = 10  # a dark curtain beside the face
    assert light.evenness([image], (0.2, 0.1, 0.7, 0.9)).value == 0


def test_one_odd_picture_among_several_does_not_count():
    assert light.evenness([picture(100, 100), picture(0, 255), picture(100, 100)], ALL).value == 0


def test_colour_pictures_are_weighed_as_the_eye_does():
    green = np.zeros((10, 10, 3), np.uint8)
    green[..., 1] = 100
    assert light.brightness([green]).value == pytest.approx(58.7)


def test_white_pixels_are_counted_in_per_cent():
    assert light.white_share([picture(255, 100)]).value == pytest.approx(50)


def test_a_black_picture_is_dark_and_even():
    assert light.brightness([picture(0, 0)]).value == 0
    assert light.evenness([picture(0, 0)], ALL).value == 0


def test_a_box_beyond_the_picture_is_cut_off_and_an_empty_one_ignored():
    assert light.evenness([picture(120, 120)], (-1.0, -1.0, 2.0, 2.0)).value == 0
    assert light.brightness([picture(80, 80)], (2.0, 2.0, 3.0, 3.0)).value == 80


def test_without_pictures_the_light_is_unknown():
    for measure in (light.evenness, light.brightness, light.white_share):
        assert measure([], ALL).value is None


def test_without_a_face_nobody_knows_how_even_the_light_on_it_is():
    assert light.evenness([picture(0, 200)], None).value is None


def test_a_face_is_where_it_is_only_in_pictures_of_its_own_camera():
    face = FaceBox(x=20, y=15, width=40, height=30, source="aps")
    assert light.within([picture(1, 1)], face, (80, 60)) == (0.25, 0.25, 0.75, 0.75)
    assert light.within([picture(1, 1)], face, (640, 480)) is None
    assert light.within([], face, (80, 60)) is None
