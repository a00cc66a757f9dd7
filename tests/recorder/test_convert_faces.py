"""Which finder of faces is used, what is said when it cannot be, and that the real ones find a real face.

The face is the portrait of Grace Hopper that matplotlib ships (United States Navy, public domain).
"""

import sys

import cv2
import numpy as np
import pytest
from matplotlib import cbook

from recorder.video2events import faces
from recorder.video2events.errors import LandmarkError
from recorder.video2events.faces import WEIGHTS, WEIGHTS_VARIABLE, CascadeFinder, DlibFinder, choose_finder, find_weights


@pytest.fixture(scope="module")
def portrait():
    """[600, 512] uint8"""
    path = cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    return cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)


@pytest.fixture
def nowhere(monkeypatch):
    """A computer without the package of weights."""
    monkeypatch.setattr(faces, "WEIGHTS_PACKAGE", "no_such_package_of_weights")


@pytest.fixture
def without_dlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)


@pytest.fixture(scope="module")
def dlib_finder(tmp_path_factory):
    pytest.importorskip("dlib", reason="dlib is not installed (extra landmarks)")
    weights = find_weights(None, {}, tmp_path_factory.mktemp("empty"))
    if weights is None:
        pytest.skip(f"{WEIGHTS} is not installed (extra landmarks)")
    return DlibFinder(weights)


def drawing():
    """A smiling circle of lines."""
    image = np.full((300, 300), 255, np.uint8)
    cv2.circle(image, (150, 150), 100, 0, 3)
    cv2.circle(image, (115, 120), 10, 0, 3)
    cv2.circle(image, (185, 120), 10, 0, 3)
    cv2.ellipse(image, (150, 170), (50, 30), 0, 0, 180, 0, 3)
    return image


# The cascade


@pytest.mark.parametrize("factor", [0.5, 1, 3])
def test_the_cascade_finds_the_face_at_any_size(portrait, factor):
    (face,) = CascadeFinder().find(cv2.resize(portrait, None, fx=factor, fy=factor))
    x, y = face.centre / factor
    assert abs(x - 265) < 15
    assert abs(y - 220) < 15
    assert 180 < face.box[2] / factor < 280
    assert face.landmarks is None


def test_the_cascade_finds_two_faces_of_two(portrait):
    assert len(CascadeFinder().find(np.hstack([portrait, portrait]))) == 2


@pytest.mark.parametrize("image", [np.zeros((240, 320), np.uint8), drawing()], ids=["dark", "drawing"])
def test_the_cascade_finds_no_face_where_there_is_none(image):
    assert list(CascadeFinder().find(image)) == []


# dlib, where it is installed


def test_dlib_finds_68_landmarks_where_they_are(dlib_finder, portrait):
    (face,) = dlib_finder.find(portrait)
    assert face.landmarks.shape == (68, 2)
    assert np.linalg.norm(face.landmarks[30] - (269, 237)) < 10  # tip of the nose; the eyes are 84 pixels apart
    assert np.linalg.norm(face.landmarks[36:42].mean(axis=0) - (223, 192)) < 10
    assert np.linalg.norm(face.landmarks[42:48].mean(axis=0) - (306, 187)) < 10


@pytest.mark.parametrize("factor", [0.4, 2.5])
def test_dlib_finds_the_same_landmarks_in_small_and_large_pictures(dlib_finder, portrait, factor):
    (face,) = dlib_finder.find(portrait)
    (other,) = dlib_finder.find(cv2.resize(portrait, None, fx=factor, fy=factor))
    assert np.abs(other.landmarks / factor - face.landmarks).mean() < 5


def test_dlib_finds_no_face_in_a_drawing(dlib_finder):
    assert dlib_finder.find(drawing()) == []


def test_a_file_that_is_no_landmark_model_is_named(tmp_path):
    pytest.importorskip("dlib", reason="dlib is not installed (extra landmarks)")
    (tmp_path / "weights.dat").write_bytes(b"not a model" * 100)
    with pytest.raises(LandmarkError, match=r"weights\.dat: is no file of dlib's landmarks"):
        DlibFinder(tmp_path / "weights.dat")


# Which is taken


def test_weights_are_looked_for_as_named_then_in_the_environment_then_in_the_users_folder(tmp_path, nowhere):
    named, told, own = (tmp_path / name for name in ("a.dat", "b.dat", WEIGHTS))
    assert find_weights(None, {}, tmp_path) is None
    for path in (own, told, named):
        path.write_bytes(b"")
    assert find_weights(None, {}, tmp_path) == own
    assert find_weights(None, {WEIGHTS_VARIABLE: str(told)}, tmp_path) == told
    assert find_weights(named, {WEIGHTS_VARIABLE: str(told)}, tmp_path) == named


def test_weights_are_found_in_the_package_that_carries_them_without_importing_it(tmp_path, monkeypatch):
    package = tmp_path / "a_package_of_weights"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError")
    (package / "models" / WEIGHTS).write_bytes(b"")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(faces, "WEIGHTS_PACKAGE", package.name)
    assert find_weights(None, {}, tmp_path / "empty") == package / "models" / WEIGHTS


@pytest.mark.parametrize("told", ["named", "environment"])
def test_a_named_file_that_is_not_there_is_refused(tmp_path, nowhere, told):
    missing = tmp_path / "missing.dat"
    named, environment = (missing, {}) if told == "named" else (None, {WEIGHTS_VARIABLE: str(missing)})
    with pytest.raises(LandmarkError, match=r"missing\.dat: there is no such file"):
        choose_finder(named, environment, tmp_path)


def test_without_weights_the_cascade_is_taken_with_a_sentence_on_what_to_install(tmp_path, nowhere):
    finder, notice = choose_finder(None, {}, tmp_path)
    assert isinstance(finder, CascadeFinder)
    assert "glimpse-davis[landmarks]" in notice
    assert WEIGHTS in notice
    assert "--landmarks" in notice
    assert notice.endswith(".")


def test_with_weights_but_without_dlib_the_cascade_is_taken_and_said(tmp_path, nowhere, without_dlib):
    (tmp_path / WEIGHTS).write_bytes(b"")
    finder, notice = choose_finder(None, {}, tmp_path)
    assert isinstance(finder, CascadeFinder)
    assert "dlib" in notice


def test_named_weights_without_dlib_are_refused_rather_than_passed_over(tmp_path, nowhere, without_dlib):
    (tmp_path / "weights.dat").write_bytes(b"")
    with pytest.raises(LandmarkError, match="Landmarks need dlib"):
        choose_finder(tmp_path / "weights.dat", {}, tmp_path)
