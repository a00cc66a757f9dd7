import numpy as np
import pytest

from protocol.analysis import FaceBox
from recorder.browse.regions import OUTSIDE, REGIONS, Region, region_map
from recorder.faces.geometry import Eyes, face_box

SIZE = (346, 260)
UPRIGHT = face_box(Eyes((143.0, 110.0), (203.0, 110.0)), "aps", 1.0)  # pupils 60 pixels apart about x = 173


def at(codes, x, y):
    code = codes[y, x]
    return None if code == OUTSIDE else REGIONS[code]


@pytest.mark.parametrize(
    ("x", "y", "region"),
    [
        (143, 110, Region.EYES),
        (203, 110, Region.EYES),
        (150, 85, Region.BROW),
        (173, 145, Region.NOSE),
        (173, 178, Region.MOUTH),
        (173, 205, Region.JAW),  # the chin
        (122, 175, Region.JAW),  # the masseter
        (173, 55, Region.FACE),  # the forehead
        (20, 110, None),
        (173, 250, None),
    ],
)
def test_parts_of_an_upright_face_lie_where_a_person_has_them(x, y, region):
    assert at(region_map(UPRIGHT, SIZE), x, y) == region


def test_both_halves_are_alike():
    codes = region_map(UPRIGHT, SIZE)
    np.testing.assert_array_equal(codes[:, 113:174], codes[:, 173:234][:, ::-1])


def test_a_tilted_head_takes_its_parts_along():
    tilted = face_box(Eyes((152.0, 80.0), (194.0, 122.0)), "aps", 1.0)  # its chin points down and to the left
    codes = region_map(tilted, SIZE)
    assert at(codes, 152, 80) == Region.EYES
    assert at(codes, 173 - 46, 101 + 46) == Region.MOUTH
    assert at(codes, 173, 101 + 65) != Region.MOUTH


def test_a_box_without_eyes_has_them_where_such_a_face_has_them():
    alone = UPRIGHT.model_copy(update={"left_eye": None, "right_eye": None})
    assert np.mean(region_map(alone, SIZE) != region_map(UPRIGHT, SIZE)) < 0.005  # but for pixels on a border


@pytest.mark.parametrize("face", [None, FaceBox(x=5, y=5, width=0, height=0, source="aps")])
def test_without_a_face_all_of_the_sensor_is_the_whole(face):
    assert not region_map(face, (640, 480)).any()


def test_a_face_beyond_the_sensor_is_no_error():
    far = face_box(Eyes((-500.0, 110.0), (-440.0, 110.0)), "aps", 1.0)
    assert (region_map(far, SIZE) == OUTSIDE).all()
