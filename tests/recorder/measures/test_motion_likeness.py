import numpy as np
import pytest
from measure_helpers import at, noise_events

from protocol.analysis import FaceBox, Suggestion
from recorder.measures import motion_likeness, resemblance

FACE = FaceBox(x=40, y=0, width=80, height=110, left_eye=(60, 30), right_eye=(100, 30), source="aps")
MOVE = Suggestion(onset_us=at(6.4), apex_us=at(6.6), offset_us=at(7), confidence=0.9)
SIZE = (160, 120)


def test_probability_and_plain_words_of_what_was_made_and_asked_for():
    seen = resemblance.Resemblance({"smile": 0.1, "upperLidRaiser": 0.9}, "smile", "upperLidRaiser", -2.2, True)
    reading = motion_likeness.resembles(seen)
    assert reading.value == 0.1
    assert reading.details["likeliest_words"] == "raise upper lids"
    assert reading.details["asked_words"] == "smile"


def test_without_a_face_nothing_is_known():
    assert motion_likeness.likeness(noise_events(1, size=SIZE), SIZE, None, MOVE, "smile") is None
    assert motion_likeness.resembles(None).value is None


def test_events_of_a_movement_are_judged_by_the_classifier_that_ships():
    chance = motion_likeness.blink_chance(noise_events(5, size=SIZE), SIZE, FACE, MOVE)
    assert chance is None or 0 <= chance <= 1


def test_missing_weights_are_no_defect_of_the_take(monkeypatch):
    def missing():
        raise resemblance.ResemblanceError("The weights are missing; install Glimpse again.")

    monkeypatch.setattr(resemblance, "classifier", missing)
    assert motion_likeness.likeness(noise_events(5, size=SIZE), SIZE, FACE, MOVE, "smile") is None


@pytest.mark.parametrize("events", [np.zeros(0, noise_events(1).dtype)])
def test_no_events_no_likeness(events):
    assert motion_likeness.likeness(events, SIZE, FACE, MOVE, "smile") is None
