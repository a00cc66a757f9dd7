"""The whole rig check before a real capture process and the simulated rig; and what it remembers from look to look."""

import time
from collections.abc import Iterator

import numpy as np
import pytest
from rig_views import APS, S, scene, snaps, view

from protocol.streams import Stream
from recorder.messages import Arm, Armed, Refused, RigSpec, Status
from recorder.rigcheck import limits
from recorder.rigcheck.checker import FaceMemory, RigChecker
from recorder.rigcheck.findings import to_manifest
from recorder.rigcheck.views import RigView, take_view
from recorder.settings import RecorderSettings
from recorder.sim.casting import cast
from recorder.sim.options import parse_options
from recorder.station import Station
from recorder.video2events.errors import LandmarkError
from recorder.video2events.faces import Face

SEED = 3
PATIENCE_S = 60.0


def is_warm(status: Status) -> bool:
    frames = status.streams.get("frames")
    return status.takes_free is not None and frames is not None and frames.received >= 50


@pytest.fixture(scope="module")
def rig_view(tmp_path_factory) -> Iterator[RigView]:
    """What the rings of an armed simulated rig hold after a second and a half."""
    folder = tmp_path_factory.mktemp("data")
    with Station() as station:
        rig = RigSpec(camera=f"sim:{SEED},head=builtin")
        station.send(Arm(rig=rig, data=str(folder), settings=RecorderSettings(take_bytes=1_000_000, event_ring=1 << 18)))
        armed, found, end_s = None, None, time.monotonic() + PATIENCE_S
        while found is None:
            assert time.monotonic() < end_s
            report = station.next(1.0)
            assert not isinstance(report, Refused), report
            armed = report if isinstance(report, Armed) else armed
            if isinstance(report, Status) and armed is not None and is_warm(report) and station.runtime is not None:
                told = {"streams": report.streams, "takes_free": report.takes_free, "resolution": report.event_resolution}
                found = take_view(station.runtime, time.monotonic_ns(), armed=armed, **told)
        yield found


def test_every_check_is_made_of_a_real_rig_and_says_something(rig_view):
    checks = RigChecker().look(rig_view)
    assert [check.name for check in checks] == list(limits.TITLES)
    assert all(check.sentence.endswith(".") for check in checks)
    levels = {check.name: check.level for check in checks}
    good = ("disk", "usb_speed", "focus", "background", "light_even", "exposure", "flicker", "background_rate", "hot_pixels")
    assert {name: levels[name] for name in good} == dict.fromkeys(good, "good")
    assert levels["profile"] == "unknown"
    assert len(to_manifest(checks, confirmed=False)["checks"]) == len(limits.TITLES)


def test_the_distance_is_that_of_the_simulated_subject_within_its_uncertainty(rig_view):
    found = next(check for check in RigChecker().look(rig_view) if check.name == "distance")
    truth = cast(SEED, parse_options({"head": "builtin"})).traits.distance_mm
    assert abs(found.value - truth) < found.details["uncertainty_mm"]
    assert "lens not calibrated" in found.sentence


# --- what is remembered


class Finder:
    """Finds a face in the middle of the picture, as long as it is told to."""

    name = "drawn"
    has_landmarks = True
    sees = True

    def __init__(self) -> None:
        self.asked = 0

    def find(self, grey: np.ndarray) -> list[Face]:
        self.asked += 1
        height, width = grey.shape
        marks = np.zeros((68, 2))
        marks[36:42], marks[42:48] = (width / 2 - 30, height / 2 - 22), (width / 2 + 30, height / 2 - 22)
        return [Face((width / 2 - 60, height / 2 - 70, 120, 140), marks)] if self.sees else []


def at(second: float) -> RigView:
    return view(now_ns=round(second * S), pictures={Stream.FRAMES: snaps(scene())})


def test_a_face_is_searched_for_once_a_second():
    finder = Finder()
    memory = FaceMemory(finder)
    for second in (10.0, 10.3, 10.6, 11.1):
        assert Stream.FRAMES in memory.look(at(second))
    assert finder.asked == 2


def test_a_face_that_is_missed_for_a_moment_is_still_there_and_one_that_left_is_not():
    finder = Finder()
    memory = FaceMemory(finder)
    memory.look(at(10))
    finder.sees = False
    assert Stream.FRAMES in memory.look(at(12))
    assert memory.look(at(13)) == {}


def test_a_camera_that_gives_no_pictures_any_more_shows_no_face():
    memory = FaceMemory(Finder())
    memory.look(at(10))
    assert memory.look(view(now_ns=10 * S + 1)) == {}


def test_without_cascades_there_are_no_faces_and_the_reason_is_told(monkeypatch):
    def refuse():
        raise LandmarkError("This OpenCV has no cascades.")

    monkeypatch.setattr("recorder.rigcheck.checker.CascadeFinder", refuse)
    checker = RigChecker()
    assert checker.problem == "This OpenCV has no cascades."
    found = {check.name: check for check in checker.look(at(10))}
    assert (found["distance"].level, found["focus"].level) == ("unknown", "good")


def test_an_empty_view_is_judged_without_complaint():
    checks = RigChecker(Finder()).look(RigView(now_ns=0))
    levels = {check.name: check.level for check in checks}
    assert levels.pop("cameras_alive") == "redo"
    assert set(levels.values()) == {"unknown"}


def test_pictures_that_change_their_size_are_judged_by_the_newest():
    small = snaps(scene((176, 132)), count=2)
    mixed = view(pictures={Stream.FRAMES: (*snaps(scene()), *small)}, resolution=APS)
    found = {check.name: check for check in RigChecker(Finder()).look(mixed)}
    assert found["focus"].level in ("good", "check")
