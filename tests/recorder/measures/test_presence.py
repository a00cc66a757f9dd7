import pytest
from measure_helpers import script_manifest

from protocol.analysis import FaceBox
from recorder.facebox import FaceSearch
from recorder.measures import presence

FACE = FaceBox(x=1, y=1, width=9, height=9, source="aps")


@pytest.mark.parametrize(("count", "missing", "more"), [(0, 1, 0), (1, 0, 0), (3, 0, 2)])
def test_one_face_and_only_one_is_to_be_seen(count, missing, more):
    search = FaceSearch(FACE if count else None, count, ("aps",))
    assert presence.no_face(search).value == missing
    assert presence.more_faces(search).value == more


def test_where_nothing_was_looked_at_nobody_knows():
    assert presence.no_face(FaceSearch()).value is None
    assert presence.more_faces(FaceSearch()).value is None


def test_the_script_says_how_far_away_the_face_is_to_be():
    assert presence.asked_mm(script_manifest(script={"distance_mm": [250, 500]})) == (250, 500)


@pytest.mark.parametrize("told", [None, [], [300], ["near", "far"], 300])
def test_a_script_that_does_not_say_means_the_usual_distance(told):
    assert presence.asked_mm(script_manifest(script={"distance_mm": told})) == presence.USUAL_MM
    assert presence.asked_mm(None) == presence.USUAL_MM
