"""The focal length from faces, patterns and boards of which the truth is known; and what is refused."""

from datetime import date

import cv2
import numpy as np
import pytest

from protocol.streams import Stream
from recorder.rigcheck.lens import (
    LensError,
    LensMethod,
    Sighting,
    board_corners,
    calibrate_from_boards,
    calibrate_from_faces,
    calibrate_from_pattern,
)
from recorder.rigprofile import LensCalibration

INNER = (7, 5)
SIZE = (640, 480)
FOCAL = 600.0


def sightings(width_mm: float, off: tuple[float, ...] = (0.0, 1.0, -1.0, 0.5)) -> list[Sighting]:
    """Something that wide at 30, 35, 40 ... cm, measured to some pixels."""
    return [Sighting(FOCAL * width_mm / mm + px, mm) for px, mm in zip(off, (300.0, 350.0, 400.0, 350.0), strict=True)]


def test_eyes_that_were_measured_give_the_focal_length_to_some_per_cent():
    found = calibrate_from_faces(Stream.RGB, sightings(59.0), interocular_mm=59.0, resolution=SIZE, taken_on=date(2026, 1, 2))
    assert found.focal_px == pytest.approx(FOCAL, rel=0.01)
    assert 0.01 < found.spread_px / found.focal_px < 0.03
    assert (found.method, found.taken_on, found.resolution, found.count) == (LensMethod.FACE, "2026-01-02", SIZE, 4)


def test_the_mean_of_peoples_eyes_makes_it_six_per_cent():
    found = calibrate_from_faces(Stream.FRAMES, sightings(63.0))
    assert found.focal_px == pytest.approx(FOCAL, rel=0.01)
    assert 0.06 < found.spread_px / found.focal_px < 0.07
    assert "601 +- 38 pixels" in found.sentence


def test_a_pattern_is_better_than_a_face():
    pattern = calibrate_from_pattern(Stream.RGB, sightings(150.0), 150.0)
    assert pattern.spread_px < 0.5 * calibrate_from_faces(Stream.RGB, sightings(63.0)).spread_px


@pytest.mark.parametrize(
    ("found", "words"),
    [([], "not enough"), (sightings(63.0)[:2], "not enough"), (sightings(63.0, (30.0, -30.0, 40.0, -20.0)), "contradict")],
)
def test_too_few_pictures_and_such_that_contradict_are_refused(found, words):
    with pytest.raises(LensError, match=words):
        calibrate_from_faces(Stream.RGB, found)


def test_a_width_of_nothing_is_refused():
    with pytest.raises(LensError, match="none"):
        calibrate_from_pattern(Stream.RGB, sightings(63.0), 0.0)


def test_a_calibration_holds_for_pictures_of_its_size_only_and_survives_json():
    found = calibrate_from_faces(Stream.RGB, sightings(63.0), resolution=SIZE)
    assert LensCalibration.model_validate_json(found.model_dump_json()) == found
    assert (found.fits(SIZE), found.fits((1280, 720)), found.fits(None)) == (True, False, True)


def board(turn: tuple[float, float, float], place: tuple[float, float, float]) -> np.ndarray:
    """A board of 8 x 6 squares of 20 mm as a lens of 600 px sees it."""
    square = 40
    print_ = np.full((8 * square, 10 * square), 255, np.uint8)
    rows, columns = np.mgrid[:6, :8]
    for row, column in zip(rows[(rows + columns) % 2 == 0], columns[(rows + columns) % 2 == 0], strict=True):
        print_[square * (row + 1) : square * (row + 2), square * (column + 1) : square * (column + 2)] = 20
    camera = np.array([[FOCAL, 0, SIZE[0] / 2 - 0.5], [0, FOCAL, SIZE[1] / 2 - 0.5], [0, 0, 1]])
    turned, _ = cv2.Rodrigues(np.array(turn))
    to_mm = np.array([[20 / square, 0, -100], [0, 20 / square, -80], [0, 0, 1]])
    picture = cv2.warpPerspective(print_, camera @ np.column_stack([turned[:, :2], place]) @ to_mm, SIZE, borderValue=200)
    return cv2.GaussianBlur(picture, (0, 0), 0.7)


def corners(turns: list[tuple[float, float, float]]) -> list[np.ndarray]:
    found = [board_corners(board(turn, (5.0 * n, -3.0 * n, 280.0 + 10 * n)), INNER) for n, turn in enumerate(turns)]
    assert all(one is not None and one.shape == (35, 2) for one in found)
    return [one for one in found if one is not None]


TILTED = [(0.5 * np.cos(angle), 0.5 * np.sin(angle), 0.0) for angle in np.arange(6)]


def test_a_board_at_several_angles_gives_the_focal_length_without_a_ruler():
    found = calibrate_from_boards(Stream.RGB, corners(TILTED), INNER, SIZE)
    assert found.focal_px == pytest.approx(FOCAL, rel=0.01)
    assert found.method is LensMethod.CHECKERBOARD


def test_a_board_that_is_never_tilted_is_refused_and_so_are_too_few():
    with pytest.raises(LensError, match="tilt it"):
        calibrate_from_boards(Stream.RGB, corners([(0.0, 0.0, 0.0)] * 5), INNER, SIZE)
    with pytest.raises(LensError, match="not enough"):
        calibrate_from_boards(Stream.RGB, corners(TILTED[:3]), INNER, SIZE)


def test_a_bent_board_is_refused():
    rng = np.random.default_rng(1)
    bent = [one + rng.normal(0, 2, one.shape).astype(np.float32) for one in corners(TILTED)]
    with pytest.raises(LensError, match=r"pixels off|tilt it"):
        calibrate_from_boards(Stream.RGB, bent, INNER, SIZE)


def test_a_picture_without_a_board_has_no_corners():
    assert board_corners(np.full((480, 640, 3), 128, np.uint8), INNER) is None
