import numpy as np
import pytest
from measure_helpers import at, joined, noise_events, script_manifest

from protocol.analysis import FaceBox, PaperSeen
from recorder.activity import count_activity
from recorder.measures import motion_mouth
from recorder.measures.steps import phases

SIZE = (160, 120)
WHOLE = (at(0), at(10))
PARTS = phases(WHOLE, script_manifest(), PaperSeen(in_us=at(1.5), out_us=at(3.5)))
# Eyes 40 pixels apart in row 30: the mouth lies from row 60 on.
FACE = FaceBox(x=40, y=0, width=80, height=110, left_eye=(60, 30), right_eye=(100, 30), source="aps")


def moving(x, y, times_s, width_s=0.04, seed=5):
    """Bursts of events in 40 x 20 pixels about a point."""
    rng = np.random.default_rng(seed)
    bursts = []
    for begin_s in times_s:
        events = noise_events(40, begin_s, begin_s + width_s, seed=int(rng.integers(1000)), size=(40, 20))
        events["x"] += x - 20
        events["y"] += y - 10
        bursts.append(events)
    return bursts


def talking(*bursts, face=FACE):
    events = joined(noise_events(0.2, size=SIZE), *bursts)
    return motion_mouth.talking(count_activity(events, SIZE, bin_us=10_000, tile_px=8, span_us=WHOLE), PARTS, face)


def test_a_still_mouth_does_not_talk():
    assert talking().value == 0


def test_a_movement_that_comes_and_goes_moves_the_mouth_twice():
    assert talking(*moving(80, 75, (6.5, 6.9))).value == 2


@pytest.mark.parametrize("from_s", [4, 7])
def test_a_mouth_that_moves_ten_times_within_a_second_talks(from_s):
    reading = talking(*moving(80, 75, from_s + np.arange(0, 1, 0.1)))
    assert reading.value >= 9
    assert abs(reading.details["at_us"] - at(from_s)) < 100_000


def test_eyes_that_move_as_often_do_not_talk():
    assert talking(*moving(80, 30, 7 + np.arange(0, 1, 0.1))).value == 0


def test_words_before_the_paper_went_do_not_count():
    assert talking(*moving(80, 75, 0.2 + np.arange(0, 1, 0.1))).value == 0


def test_without_a_face_nobody_knows_where_the_mouth_is():
    reading = talking(face=None)
    assert reading.value is None
    assert reading.unknown


def test_a_face_that_leans_carries_its_mouth_with_it():
    upright = count_activity(noise_events(1, size=SIZE), SIZE, bin_us=10_000, tile_px=8)
    lying = FACE.model_copy(update={"left_eye": (60.0, 40.0), "right_eye": (60.0, 80.0)})
    rows = [motion_mouth.mouth_course(upright, motion_mouth.Anchor.of(face)).sum() for face in (FACE, lying)]
    assert all(row > 0 for row in rows)
    assert rows[0] != rows[1]
