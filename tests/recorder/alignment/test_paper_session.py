"""Takes of a session tell each other where the camera stands, and none is believed against its own pictures."""

import pickle
from dataclasses import replace

import numpy as np
import paper_scenes as scenes
import pytest

from protocol.analysis import SyncFlag
from recorder.alignment.decision import CameraEvidence, Estimate
from recorder.alignment.paper import ClockGuess, PaperFit, align_by_paper, find_fronts
from recorder.alignment.paper_geometry import unknown_rig
from recorder.alignment.paper_session import with_common_rig

REFERENCE_US = scenes.START_US + scenes.OUT_US
CLOCK = ClockGuess(scenes.OFFSET_US + 21_000, REFERENCE_US, 50_000)
INTERVAL_US = 33_333.0


def fit(slides: int) -> PaperFit:
    fronts = find_fronts(scenes.events(), scenes.RESOLUTION, scenes.SLIDES)[:slides]
    found = align_by_paper(fronts, scenes.pictures(), CLOCK, unknown_rig(20_000))
    assert found is not None
    return found


def evidence(found: PaperFit, **changes: object) -> CameraEvidence:
    paper = Estimate(found.offset_us, found.uncertainty_us, REFERENCE_US, found.evidence)
    camera = CameraEvidence(REFERENCE_US, INTERVAL_US, paper=paper, geometry=found.geometry, shown=found.shown)
    return replace(camera, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def whole() -> CameraEvidence:
    """A take in which the sheet came and went."""
    return evidence(fit(2))


@pytest.fixture(scope="module")
def left_in() -> CameraEvidence:
    """One slide of it only: the offset is as open as where the camera stands."""
    return evidence(fit(1))


def half_width_us(camera: CameraEvidence) -> float:
    assert camera.paper is not None
    return camera.paper.uncertainty_us


def test_a_take_that_cannot_tell_where_the_camera_stands_is_told_by_the_others(
    whole: CameraEvidence, left_in: CameraEvidence
) -> None:
    found = with_common_rig([whole, left_in, whole])[1]
    assert half_width_us(found) < half_width_us(left_in) / 3
    assert found.paper is not None
    assert abs(found.paper.offset_us - scenes.OFFSET_US) <= found.paper.uncertainty_us
    assert "paper: the camera stands where 2 other takes saw it" in found.paper.evidence


def test_one_other_take_tells_nothing(whole: CameraEvidence, left_in: CameraEvidence) -> None:
    assert with_common_rig([whole, left_in])[1] is left_in


def test_takes_whose_events_came_late_tell_nothing(whole: CameraEvidence, left_in: CameraEvidence) -> None:
    late = replace(whole, flags=(SyncFlag.EVENTS_LATE,))
    assert with_common_rig([late, left_in, late])[1] is left_in


def test_a_camera_that_was_moved_between_takes_is_believed_by_itself(whole: CameraEvidence, left_in: CameraEvidence) -> None:
    assert whole.geometry is not None
    assert left_in.paper is not None
    elsewhere = replace(whole.geometry, values=whole.geometry.values + np.array([0.0, 1.0, 0, 0, 0, 0, 0]))
    sure = replace(left_in, paper=replace(left_in.paper, offset_us=scenes.OFFSET_US, uncertainty_us=2_000.0))
    moved = replace(whole, geometry=elsewhere)
    assert with_common_rig([moved, sure, moved])[1] is sure


def test_the_evidence_of_a_take_is_small_and_goes_to_another_process(whole: CameraEvidence) -> None:
    packed = pickle.dumps(whole)
    assert len(packed) < 1_000_000
    assert half_width_us(pickle.loads(packed)) == half_width_us(whole)
