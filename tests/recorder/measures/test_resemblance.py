"""Whether a movement resembles the one asked for, on drawn events: patches of a face that change and change back."""

from importlib.resources import files

import numpy as np
import pytest

from protocol.analysis import FaceBox
from protocol.movement import MOVEMENTS
from protocol.streams import EVENT_DTYPE
from recorder.measures.resemblance import ResemblanceError, classifier, read_classifier, resemblance

SIZE = (346, 260)
EYES = ((142.0, 95.0), (206.0, 95.0))
UNIT = 64.0
FACE = FaceBox(x=110, y=50, width=130, height=160, left_eye=EYES[0], right_eye=EYES[1], source="aps")
ONSET, APEX, OFFSET = 1_700_000_000_000_000, 1_700_000_000_100_000, 1_700_000_000_300_000
INTERVAL = (ONSET, APEX, OFFSET)


def patch(rng, u, v, width, height, sign, per_pixel=3):
    """Events of a patch of the face, in distances between the eyes: one sign as it rises, the other as it falls."""
    count = int(per_pixel * width * height * UNIT**2)
    parts = []
    for (begin, end), positive in (((ONSET, APEX), sign > 0), ((APEX, OFFSET), sign < 0)):
        events = np.zeros(count, EVENT_DTYPE)
        events["t"] = rng.integers(begin, end, count)
        events["x"] = 174 + UNIT * rng.uniform(u - width / 2, u + width / 2, count)
        events["y"] = 95 + UNIT * rng.uniform(v - height / 2, v + height / 2, count)
        events["p"] = positive
        parts.append(events)
    return np.concatenate(parts)


def together(*parts):
    events = np.concatenate(parts)
    return events[np.argsort(events["t"], kind="stable")]


def opened_mouth(seed=1):
    """A dark patch comes where the lips were, and its lower rim goes down over lighter skin."""
    rng = np.random.default_rng(seed)
    return together(patch(rng, 0, 1.25, 0.7, 0.35, -1, 6), patch(rng, 0, 1.7, 0.9, 0.15, 1, 4))


def shut_eyes(seed=1):
    """Skin comes before dark irises, and lashes go down."""
    rng = np.random.default_rng(seed)
    eyes = [patch(rng, side * 0.5, -0.08, 0.4, 0.14, 1, 5) for side in (-1, 1)]
    lashes = [patch(rng, side * 0.5, 0.06, 0.4, 0.06, -1, 5) for side in (-1, 1)]
    return together(*eyes, *lashes)


def test_the_shipped_classifier_knows_the_seven_movements_and_says_what_it_was_fitted_to():
    judge = classifier()
    assert set(judge.movements) == {movement.token for movement in MOVEMENTS}
    assert {"data", "seeds", "subjects", "results"} <= set(judge.card)
    assert 0 < judge.unlike_below < 0.5


def test_probabilities_sum_to_one():
    seen = resemblance(opened_mouth(), SIZE, INTERVAL, FACE, "smile")
    assert sum(seen.p.values()) == pytest.approx(1)
    assert seen.p_asked == seen.p["smile"]


def test_a_mouth_that_opens_resembles_open_mouth():
    seen = resemblance(opened_mouth(), SIZE, INTERVAL, FACE, "openMouth")
    assert seen.likeliest == "openMouth"
    assert seen.margin > 0
    assert not seen.unlike


@pytest.mark.parametrize("asked", ["openMouth", "smile"])
def test_eyes_that_shut_are_unlike_a_movement_of_the_mouth(asked):
    seen = resemblance(shut_eyes(), SIZE, INTERVAL, FACE, asked)
    assert seen.unlike
    assert seen.margin < 0
    assert seen.likeliest != asked


def test_a_movement_and_its_mirror_image_get_the_same_answer():
    events = together(opened_mouth(), patch(np.random.default_rng(2), 0.5, 0.8, 0.3, 0.2, 1))
    mirrored = events.copy()
    mirrored["x"] = 2 * 174 - 1 - events["x"]  # about the middle between the eyes
    one, other = (resemblance(which, SIZE, INTERVAL, FACE, "smile") for which in (events, mirrored))
    assert other.p == pytest.approx(one.p, abs=0.02)


def test_the_order_of_the_events_does_not_matter():
    events = opened_mouth()
    shuffled = np.random.default_rng(3).permutation(events)
    assert resemblance(shuffled, SIZE, INTERVAL, FACE, "smile") == resemblance(events, SIZE, INTERVAL, FACE, "smile")


def test_a_face_without_eyes_is_placed_by_its_box():
    box = FACE.model_copy(update={"left_eye": None, "right_eye": None, "x": 98.0, "width": 152.0, "y": 34.0, "height": 152.0})
    assert resemblance(opened_mouth(), SIZE, INTERVAL, box, "smile").likeliest == "openMouth"


def test_events_beside_the_sensor_are_left_out():
    events = opened_mouth()
    stray = events[:500].copy()
    stray["x"], stray["y"] = 400, -3
    assert resemblance(together(events, stray), SIZE, INTERVAL, FACE, "smile") == resemblance(
        events, SIZE, INTERVAL, FACE, "smile"
    )


NOTHING = np.zeros(0, EVENT_DTYPE)


@pytest.mark.parametrize(
    ("events", "interval", "face", "asked"),
    [
        (opened_mouth(), INTERVAL, None, "smile"),
        (opened_mouth(), INTERVAL, FACE, "invertedSmile"),
        (opened_mouth(), (OFFSET, APEX, ONSET), FACE, "smile"),
        (opened_mouth(), (ONSET, ONSET, ONSET), FACE, "smile"),
        (opened_mouth(), (0, 100_000, 300_000), FACE, "smile"),
        (NOTHING, INTERVAL, FACE, "smile"),
        (opened_mouth()[::400], INTERVAL, FACE, "smile"),
        (opened_mouth(), INTERVAL, FACE.model_copy(update={"right_eye": EYES[0]}), "smile"),
        (opened_mouth(), INTERVAL, FACE.model_copy(update={"left_eye": None, "width": 5.0}), "smile"),
    ],
    ids=["no face", "unknown", "backwards", "no time", "elsewhere", "no events", "few events", "one eye twice", "tiny face"],
)
def test_what_cannot_be_judged_is_not_judged(events, interval, face, asked):
    assert resemblance(events, SIZE, interval, face, asked) is None


@pytest.mark.parametrize("change", [('"version":1', '"version":9'), ('"bias":[', '"bias":[0,'), ("{", "")])
def test_weights_that_do_not_fit_are_refused(change):
    text = files("assets").joinpath("quality", "resemblance.json").read_text(encoding="utf-8")
    with pytest.raises(ResemblanceError, match="install Glimpse again"):
        read_classifier(text.replace(*change, 1))
