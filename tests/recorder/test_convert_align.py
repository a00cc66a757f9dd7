"""The geometry of standardisation, on landmarks that are known exactly."""

import numpy as np
import pytest
from convert_helpers import face_at, moved, neutral_landmarks, similarity_matrix

from recorder.video2events.align import (
    STABLE,
    Crop,
    filled,
    similarity,
    steadied,
    transforms,
    warped,
    window,
)

HOME = similarity_matrix(0, 1.0, (160, 120))


@pytest.mark.parametrize(
    ("angle", "scale", "shift"), [(0, 1, (0, 0)), (17, 1, (0, 0)), (-40, 2.5, (31, -7)), (180, 0.3, (5, 5))]
)
def test_a_similarity_is_found_again_exactly(angle, scale, shift):
    matrix = similarity_matrix(angle, scale, shift)
    points = neutral_landmarks()
    np.testing.assert_allclose(similarity(points, moved(points, matrix)), matrix, atol=1e-9)


def test_points_that_all_coincide_are_only_shifted():
    np.testing.assert_allclose(similarity(np.ones((4, 2)), np.full((4, 2), 3.0)), [[1, 0, 2], [0, 1, 2]])


def test_the_published_crop_is_four_thirds_of_nose_length_and_eye_distance_around_the_nose():
    view = window(moved(neutral_landmarks(), HOME), Crop.PUBLISHED)
    assert (view.x, view.y) == (160, 120)
    assert view.width == pytest.approx(2 * 2 / 3 * 60)
    assert view.height == pytest.approx(2 * 2 / 3 * 48)


def test_the_wide_crop_is_a_square_that_holds_every_landmark():
    landmarks = moved(neutral_landmarks(), HOME)
    view = window(landmarks, Crop.WIDE)
    assert view.width == view.height == pytest.approx(180)
    assert (np.abs(landmarks - (view.x, view.y)) < view.width / 2).all()


@pytest.mark.parametrize("crop", list(Crop))
def test_a_rotated_scaled_and_shifted_face_comes_back_to_the_same_crop(crop):
    """Landmarks exactly, pixels but for the interpolation."""
    homes = [HOME, similarity_matrix(12, 1.0, (160, 120)), similarity_matrix(-9, 0.9, (170, 110))]
    pictures, landmarks = zip(*(face_at(matrix) for matrix in homes), strict=True)
    matrices = transforms(np.stack(landmarks), crop)
    places = [moved(points, matrix) for points, matrix in zip(landmarks, matrices, strict=True)]
    crops = [warped(picture, matrix, (200, 200)) for picture, matrix in zip(pictures, matrices, strict=True)]
    for place, picture in zip(places[1:], crops[1:], strict=True):
        np.testing.assert_allclose(place, places[0], atol=1e-6)
        assert np.abs(picture.astype(int) - crops[0]).mean() < 1
    assert np.abs(pictures[1].astype(int) - pictures[0]).mean() > 3


def test_the_nose_is_in_the_middle_and_the_crop_fills_the_picture():
    landmarks = moved(neutral_landmarks(), HOME)
    (matrix,) = transforms(landmarks[None], Crop.PUBLISHED)
    np.testing.assert_allclose(moved(landmarks, matrix)[30], (99.5, 99.5))
    edge = np.array([[160 - 40.0, 120], [160 + 40.0, 120], [160, 120 - 32.0], [160, 120 + 32.0]])
    np.testing.assert_allclose(moved(edge, matrix), [(-0.5, 99.5), (199.5, 99.5), (99.5, -0.5), (99.5, 199.5)])


def test_a_movement_of_the_mouth_does_not_move_the_picture():
    still = moved(neutral_landmarks(), HOME)
    speaking = still.copy()
    speaking[48:] += (0, 15)
    speaking[3:14] += (0, 10)
    first, second = transforms(np.stack([still, speaking]), Crop.WIDE)
    np.testing.assert_allclose(first, second, atol=1e-9)
    assert not set(STABLE) & set(range(48, 68))


def test_a_picture_much_larger_than_the_crop_is_averaged_not_sampled():
    """Stripes of one pixel become grey; sampling would leave stripes, which flicker when the head moves."""
    stripes = np.tile(np.array([0, 200], np.uint8), (800, 400))
    matrix = np.array([[0.25, 0, 0], [0, 0.25, 0]])
    out = warped(stripes, matrix, (200, 200))
    assert out[10:-10, 10:-10].min() == out[10:-10, 10:-10].max() == 100


def test_averaging_does_not_shift_the_picture():
    ramp = np.tile(np.arange(256, dtype=np.uint8), (256, 1))
    matrix = np.array([[0.25, 0, -0.375], [0, 0.25, -0.375]])  # pixel centres: 4 i + 1.5 comes to i
    out = warped(ramp, matrix, (64, 64)).astype(float)
    assert np.abs(out[32, 2:-2] - (4 * np.arange(2, 62) + 1.5)).max() <= 1


def test_beyond_the_picture_its_border_goes_on():
    assert (warped(np.full((20, 20), 90, np.uint8), np.array([[1.0, 0, 50], [0, 1, 50]]), (100, 100)) == 90).all()


def test_landmarks_of_missed_pictures_lie_on_the_line_between_their_neighbours_in_time():
    times = np.array([0, 10, 30, 40, 50])
    landmarks = np.full((5, 2, 2), np.nan)
    landmarks[1], landmarks[3] = 100, 130
    whole = filled(landmarks, times)
    np.testing.assert_allclose(whole[:, 0, 0], [100, 100, 120, 130, 130])


def test_steadying_takes_jitter_away_and_keeps_a_steady_turn():
    times = np.arange(60) * 33_333
    rng = np.random.default_rng(1)
    line = np.linspace(0, 30, 60)[:, None, None] * np.ones((60, 3, 2))
    shaken = line + rng.normal(0, 1, line.shape)
    steady = steadied(shaken, times, 60_000)
    inside = slice(8, -8)
    assert np.std((steady - line)[inside]) < 0.5 * np.std((shaken - line)[inside])
    np.testing.assert_allclose(steadied(line, times, 60_000)[inside], line[inside], atol=1e-6)
    assert steadied(shaken, times, 0.0) is shaken
