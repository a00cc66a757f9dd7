"""The words of the truth: curves of action units as straight lines, at a cost that grows with the take and no faster."""

import math

from recorder.sim.motion import Gesture, Track
from recorder.sim.performance import keypoints

S = 1_000_000


def gestures(count, every_us, lasting_us):
    """One unit moved again and again; the next begins before the last has ended where every_us < lasting_us."""
    made = []
    for begin in range(0, count * every_us, every_us):
        track = Track((begin, begin + lasting_us // 3, begin + lasting_us), (0.0, 0.8, 0.0))
        made.append(Gesture("blink", begin, begin + lasting_us // 3, begin + lasting_us, 0.8, (("AU45_L", track),)))
    return made


def test_the_curve_is_what_all_gestures_leave_of_rest_together():
    done = gestures(12, S // 4, S)
    (line,) = keypoints(reversed(done)).values()
    assert [t for t, _ in line] == sorted({t for one in done for t in one.units[0][1].breakpoints()})
    for t_us, level in line:
        assert abs(level - (1 - math.prod(1 - one.units[0][1].level(t_us) for one in done))) < 1e-4
    assert max(level for _, level in line) > 0.9


def test_each_instant_is_asked_only_of_the_gestures_that_are_under_way(monkeypatch):
    asked = []
    level = Track.level
    monkeypatch.setattr(Track, "level", lambda track, t_us: asked.append(t_us) or level(track, t_us))
    (line,) = keypoints(gestures(500, 3 * S, S)).values()
    assert len(line) > 5_000
    assert len(asked) == len(line)
