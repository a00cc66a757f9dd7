"""Distance, place and number of faces."""

import pytest
from measure_helpers import script_manifest

from protocol.analysis import FaceBox
from protocol.manifest import Device
from protocol.streams import Stream
from recorder.facebox import FaceSearch, find_face
from recorder.faces.geometry import Eyes, face_box
from recorder.measures.distance import Focal, distance, distance_off, focal_of
from recorder.measures.face import face_inside, face_margin, face_size
from recorder.measures.faces import faces
from recorder.rigcheck.findings import to_manifest
from recorder.rigprofile import LensCalibration, LensMethod
from recorder.take import Take

SIZE = (346, 260)
FACE = face_box(Eyes((140.0, 95.0), (208.0, 95.0)), "aps", 0.9)


def box(x, y, width=100.0, height=150.0):
    return FaceBox(x=x, y=y, width=width, height=height, source="aps")


def test_eyes_68_pixels_apart_are_35_cm_away_through_the_usual_lens():
    found = distance(FACE)
    assert found.value == pytest.approx(378 * 63 / 68)
    assert found.details["assumed_lens"]
    assert 30 < found.details["uncertainty_mm"] < 60  # people's eyes differ by 6 %


def test_the_distance_of_a_simulated_take_is_true_within_its_uncertainty(simulated_take):
    with Take(simulated_take) as take:
        found = distance(find_face(take), focal_of(take.manifest))
        assert abs(found.value - take.manifest.truth["distance_mm"]) < found.details["uncertainty_mm"]


def test_a_device_that_says_its_lens_is_believed():
    def settings(**said):
        return script_manifest(devices=(Device(kind="davis", name="D", spec="davis", settings=said),))

    assert focal_of(settings(focal_px=400)) == Focal(400.0, assumed=False, share=0.0)
    assert focal_of(settings(lens_mm=8, pixel_um=20)) == Focal(400.0, assumed=False, share=0.0)
    for said in ({}, {"focal_px": "long"}, {"focal_px": -3}, {"lens_mm": float("nan")}):
        assert focal_of(settings(**said)).assumed
    assert focal_of(None).assumed


def test_a_lens_that_was_calibrated_before_the_take_is_believed_first():
    lens = LensCalibration(stream=Stream.FRAMES, focal_px=440.0, spread_px=22.0, method=LensMethod.FACE, taken_on="2026-01-01")
    kept = to_manifest((), confirmed=False, lenses={Stream.FRAMES: lens})
    device = Device(kind="davis", name="D", spec="davis", settings={"focal_px": 400})
    manifest = script_manifest(devices=(device,)).model_copy(update={"rig_check": kept})
    assert focal_of(manifest) == Focal(440.0, assumed=False, share=0.05)
    assert distance(FACE, focal_of(manifest)).value == pytest.approx(440 * 63 / 68)
    assert focal_of(manifest.model_copy(update={"rig_check": to_manifest((), confirmed=False)})).px == 400.0


@pytest.mark.parametrize(("focal_px", "off", "way"), [(378, 0.0, ""), (270, 50, "farther"), (540, 100, "closer")])
def test_how_far_off_says_which_way_to_move(focal_px, off, way):
    found = distance_off(FACE, (300, 400), Focal(focal_px))
    assert found.value == pytest.approx(off, abs=1)
    assert found.details["way"] == way


@pytest.mark.parametrize("face", [None, box(0, 0), box(0, 0).model_copy(update={"left_eye": (1, 1), "right_eye": (1, 1)})])
def test_without_eyes_the_distance_is_unknown_and_says_so(face):
    for found in (distance(face), distance_off(face, (300, 400))):
        assert found.value is None
        assert found.unknown.endswith(".")


@pytest.mark.parametrize(
    ("face", "percent", "side"),
    [
        (box(50, 50), 100, ""),
        (box(-25, 50), 75, "left"),
        (box(50, 185), 50, "bottom"),
        (box(296, -75), 25, "top"),
        (box(400, 0), 0, "right"),
    ],
)
def test_the_share_of_the_face_on_the_sensor_and_where_it_leaves(face, percent, side):
    found = face_inside(face, SIZE)
    assert found.value == pytest.approx(percent)
    assert found.details["side"] == side


def test_the_margin_is_that_of_the_nearest_edge():
    found = face_margin(box(20, 30), SIZE)
    assert (found.value, found.details["bottom"]) == (20, 80)
    assert face_margin(box(-5, 30), SIZE).details["side"] == "left"


def test_the_size_is_the_share_of_the_height():
    assert face_size(box(0, 0, height=130), SIZE).value == pytest.approx(50)


def test_no_face_is_unknown_to_every_measure_of_its_place():
    assert all(measure(None, SIZE).value is None for measure in (face_inside, face_margin, face_size))


def test_faces_are_counted_only_where_something_could_be_looked_at():
    assert faces(FaceSearch(FACE, 2, ("aps",))).value == 2
    assert faces(FaceSearch(None, 0, ("aps", "events"))).value == 0
    unknown = faces(FaceSearch(None, None, ("events",)))
    assert unknown.value is None
    assert unknown.unknown
