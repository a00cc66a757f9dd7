"""Reels: many movements in a row, for training."""

import itertools

import numpy as np
import pytest

from protocol.streams import EVENT_DTYPE
from recorder.sim.manner import draw_manner
from recorder.sim.reels.film import Reel, Wishes, film
from recorder.sim.reels.footage import Footage, compressed
from recorder.sim.reels.sitter import APART, ASKED, Sitter

SECOND_US = 1_000_000


@pytest.fixture(scope="module", params=[False, True], ids=["davis", "video"])
def reel(request: pytest.FixtureRequest) -> Reel:
    return film(15, 1, Wishes(head="builtin", length_us=1_600_000, intensity=(1.0, 1.0), video=request.param))


def test_events_are_in_order_on_the_sensor_and_within_the_length(reel: Reel) -> None:
    events, (width, height) = reel.events, reel.resolution
    assert events.dtype == EVENT_DTYPE
    assert len(events) > 1_000
    assert (np.diff(events["t"]) >= 0).all()
    assert events["t"][0] >= 0
    assert events["t"][-1] <= reel.length_us
    assert (events["x"] < width).all()
    assert (events["y"] < height).all()


def test_a_strong_smile_gives_more_events_in_the_face_than_rest(reel: Reel) -> None:
    face, smile, events = reel.face, reel.intervals[0], reel.events
    assert smile.movement == "smile"
    near = abs(events["x"] - face.x - face.width / 2) < face.width / 3
    times = events["t"][near & (abs(events["y"] - face.y - face.height / 2) < face.height / 2)]
    moving = np.count_nonzero((times >= smile.onset_us) & (times < smile.apex_us)) / (smile.apex_us - smile.onset_us)
    begun_us = 300_000  # by then the pixels have settled
    resting = np.count_nonzero((times >= begun_us) & (times < smile.onset_us)) / (smile.onset_us - begun_us)
    assert moving > 1.15 * resting


def test_the_eyes_lie_in_the_face_box_left_of_each_other(reel: Reel) -> None:
    face = reel.face
    assert face.left_eye is not None
    assert face.right_eye is not None
    assert face.x < face.left_eye[0] < face.right_eye[0] < face.x + face.width
    assert face.y < face.left_eye[1] < face.y + face.height / 2


def test_the_same_numbers_give_the_same_events() -> None:
    wishes = Wishes(head="builtin", length_us=300_000, video=False)
    first, second, other = (film(person, 0, wishes).events for person in (3, 3, 4))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_a_sitter_makes_all_movements_and_rests_between_them() -> None:
    sitter = Sitter(1, draw_manner(np.random.default_rng(1)), 200 * SECOND_US, (0.2, 1.0))
    intervals = sitter.intervals()
    assert {one.movement for one in intervals} == set(ASKED)
    assert all(one.onset_us < one.apex_us < one.offset_us <= 200 * SECOND_US for one in intervals)
    assert [one.onset_us for one in intervals] == sorted(one.onset_us for one in intervals)
    kinds = {gesture.kind for gesture in sitter.gestures}
    assert {"talk", "headTurn"} <= kinds


def test_movements_that_hide_each_other_are_not_asked_for_at_once() -> None:
    for seed in range(20):
        gestures = Sitter(seed, draw_manner(np.random.default_rng(seed)), 60 * SECOND_US, (0.2, 1.0)).gestures
        for one, other in itertools.pairwise(gestures):
            if other.onset_us < one.offset_us:
                assert frozenset((one.kind, other.kind)) not in APART


def test_a_sitter_at_rest_is_neutral() -> None:
    sitter = Sitter(1, draw_manner(np.random.default_rng(1)), SECOND_US, (0.2, 1.0))
    assert all(unit.startswith("AU45") for unit in sitter.rest().units)


def test_compression_keeps_the_pictures_and_their_number() -> None:
    rng = np.random.default_rng(0)
    pictures = [np.full((64, 96), 40 * n, np.uint8) for n in range(5)]
    after = list(compressed(iter(pictures), (96, 64), 18))
    assert len(after) == 5
    assert all(abs(float(one.mean()) - 40 * n) < 6 for n, one in enumerate(after))
    dark = [np.full((64, 96), 0.1, np.float32)]
    assert next(Footage.draw(rng).developed(dark, rng)).dtype == np.uint8
