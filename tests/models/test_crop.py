"""Which pixels a network sees, and where on its grid they fall."""

import math

import numpy as np
import pytest

from models.crop import FaceCrop
from models.errors import ModelError
from protocol.analysis import FaceBox
from recorder.faces.geometry import Eyes, face_box


def test_a_face_with_eyes_gives_three_interocular_distances_about_its_middle():
    face = face_box(Eyes((150, 100), (210, 100)), "aps", 1.0)
    crop = FaceCrop.of_face(face)
    assert crop.side_px == pytest.approx(180)
    assert (crop.x, crop.y) == pytest.approx((face.x + face.width / 2, face.y + face.height / 2))
    assert crop.top < face.y
    assert crop.top + crop.side_px > face.y + face.height


def test_without_eyes_their_distance_follows_from_the_width():
    face = face_box(Eyes((150, 100), (210, 120)), "aps", 1.0)
    blind = face.model_copy(update={"left_eye": None, "right_eye": None})
    assert FaceCrop.of_face(blind).side_px == pytest.approx(FaceCrop.of_face(face).side_px)


def test_a_box_without_extent_is_refused():
    with pytest.raises(ModelError, match="shows no face"):
        FaceCrop.of_face(FaceBox(x=10, y=10, width=0, height=0, source="events"))
    with pytest.raises(ModelError, match="shows no face"):
        FaceCrop.of_face(FaceBox(x=math.nan, y=10, width=50, height=50, source="events"))


def test_without_a_face_the_whole_sensor_is_seen():
    crop = FaceCrop.of(None, (346, 260))
    columns, rows = crop.columns(64), crop.rows(64)
    assert columns[0] == 0
    assert columns[345] == 63
    assert (rows[:260] >= 0).all()
    assert rows[0] > 0  # it keeps its shape: above and below is room


def test_every_pixel_falls_where_the_formula_says():
    crop = FaceCrop(x=100.3, y=50.7, side_px=90.5)
    columns, rows = crop.columns(32), crop.rows(32)
    for x in range(200):
        expected = math.floor((x + 0.5 - (100.3 - 45.25)) * 32 / 90.5)
        assert (columns[x] if x < len(columns) else -1) == (expected if 0 <= expected < 32 else -1)
    assert rows[0] == math.floor((0.5 - (50.7 - 45.25)) * 32 / 90.5) == -2 or rows[0] == -1
    assert (np.diff(columns[columns >= 0]) >= 0).all()


def test_a_square_beside_the_sensor_sees_nothing():
    assert not len(FaceCrop(x=-200, y=0, side_px=100).columns(64))


def test_moving_shifts_and_scales_about_the_middle():
    crop = FaceCrop(x=100, y=80, side_px=60).moved(3, -4, 1.5)
    assert (crop.x, crop.y, crop.side_px) == (103, 76, 90)
