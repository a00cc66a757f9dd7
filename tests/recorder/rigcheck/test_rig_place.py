"""Distance and place of the face, and what the operator is told to do about them."""

import pytest
from rig_views import APS, RGB, armed, face, scene, seen, snaps, view

from protocol.streams import Stream
from recorder.rigcheck.place import distance, face_centred
from recorder.rigprofile import LensCalibration, LensMethod

PICTURES = {Stream.FRAMES: snaps(scene(), count=1)}


def lens(stream: Stream, focal_px: float, size: tuple[int, int]) -> dict[Stream, LensCalibration]:
    made = LensCalibration(
        stream=stream,
        focal_px=focal_px,
        spread_px=focal_px / 100,
        method=LensMethod.PATTERN,
        taken_on="2026-01-02",
        resolution=size,
    )
    return {stream: made}


# --- distance


@pytest.mark.parametrize(
    ("mm", "level", "way"),
    [
        (350, "good", ""),
        (405, "good", ""),
        (418, "check", "sit 2 cm closer"),
        (281, "check", "sit 2 cm farther"),
        (520, "redo", "sit 12 cm closer"),
    ],
)
def test_the_distance_is_told_in_cm_with_where_to_go(mm, level, way):
    found = distance(view(lenses=lens(Stream.FRAMES, 378.0, APS)), seen(apart=378.0 * 63 / mm))
    assert (found.level, round(found.value), found.unit) == (level, mm, "mm")
    assert f"{mm / 10:.0f} cm away" in found.sentence
    assert way in found.sentence
    assert "not calibrated" not in found.sentence


def test_without_a_calibration_the_usual_lens_is_taken_and_the_sentence_says_so():
    found = distance(view(), seen(apart=66.0))
    assert found.value == pytest.approx(378 * 63 / 66)
    assert "lens not calibrated" in found.sentence
    calibrated = distance(view(lenses=lens(Stream.FRAMES, 400.0, APS)), seen(apart=66.0))
    assert calibrated.value == pytest.approx(400 * 63 / 66)
    assert calibrated.details["calibrated"]
    shares = [one.details["uncertainty_mm"] / one.value for one in (calibrated, found)]
    assert shares[0] < shares[1]


def test_eyes_that_were_measured_make_the_distance_truer():
    mean, own = (distance(view(interocular_mm=mm), seen(apart=66.0)) for mm in (None, 59.0))
    assert own.value == pytest.approx(mean.value * 59 / 63)
    assert own.details["uncertainty_mm"] < 0.65 * mean.details["uncertainty_mm"]


def test_the_colour_camera_tells_the_distance_where_its_lens_is_known():
    faces = seen(Stream.RGB, apart=108.0)
    assert distance(view(), faces).level == "unknown"
    assert "calibrate" in distance(view(), faces).sentence
    assert distance(view(lenses=lens(Stream.RGB, 600.0, RGB)), faces).value == pytest.approx(350)
    assert distance(view(lenses=lens(Stream.RGB, 600.0, (1280, 720))), faces).level == "unknown", "for pictures of another size"
    simulated = armed("sim", simulated=True)
    simulated = simulated.model_copy(update={"streams": {**simulated.streams, "rgb": simulated.streams["frames"]}})
    assert distance(view(armed=simulated), faces).value == pytest.approx(350)


def test_without_a_face_nothing_is_said_of_the_distance():
    assert distance(view(), {}).level == "unknown"


# --- place


def test_a_face_in_the_middle_is_good():
    found = face_centred(view(pictures=PICTURES), seen(apart=60.0))
    assert (found.level, found.value) == ("good", 100)


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ((173 + 60, 130), "to the subject's right"),  # the picture's right is the subject's left
        ((173 - 60, 130), "to the subject's left"),
        ((173, 130 + 60), "higher"),
        ((173, 130 - 60), "lower"),
    ],
)
def test_a_face_beside_the_middle_is_told_where_to_go(at, words):
    found = face_centred(view(pictures=PICTURES), seen(apart=60.0, at=at))
    assert (found.level, words in found.sentence) == ("check", True)
    assert "6 cm" in found.sentence


def test_a_face_half_outside_is_red_with_the_share_that_is_inside():
    found = face_centred(view(pictures=PICTURES), seen(apart=60.0, at=(0, 130)))
    assert (found.level, round(found.value)) == ("redo", 50)


def test_a_camera_that_shows_no_face_is_named():
    both = {**PICTURES, Stream.RGB: snaps(scene(RGB), count=1)}
    found = face_centred(view(pictures=both), seen(apart=60.0))
    assert (found.level, "by the colour camera;" in found.sentence) == ("check", True)
    assert face_centred(view(), {}).level == "unknown"


def test_a_second_face_asks_for_a_look():
    found = face_centred(view(pictures=PICTURES), seen(apart=60.0, faces=2))
    assert (found.level, "2 faces" in found.sentence) == ("check", True)


def test_the_face_that_the_tests_draw_lies_where_they_say():
    box = face(at=(100, 90), apart=50.0)
    assert (box.x + box.width / 2, box.y + box.height / 2) == (pytest.approx(100), pytest.approx(90, abs=0.1))
