"""Looking at the rig, calibrating it, and what a crash left in a data set: threads behind the rig check and the questions."""

import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from takekit import T0_US, make_take, some_events

from app.pages.record import calibration
from app.pages.record.calibration import Calibration, LensWish
from app.pages.record.jobs import Job
from app.pages.record.leftovers import count_unfinished, rescue
from app.pages.record.rigtools import BiasBox
from app.pages.record.rigwatch import RigFound, RigNow, RigWatch, amend_profile, store_profile
from protocol.errors import GlimpseError
from protocol.manifest import Device
from protocol.streams import EVENT_DTYPE
from recorder.board import EVENT_RING
from recorder.dataset import Dataset
from recorder.messages import Armed, ArmedStream, RigSpec
from recorder.rigprofile import load_profile
from recorder.ring import RingWriter
from recorder.sources.davis_biases import PRESETS, BiasPreset

PATIENCE_S = 60.0
SIZE = (346, 260)


def wait_for(found):
    deadline = time.monotonic() + PATIENCE_S
    while not (answer := found()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return answer


def armed_with(**settings):
    device = Device(kind="sim", name="Simulated rig", serial="3", spec="sim:3", simulated=True, settings=settings)
    streams = {"events": ArmedStream(device=0, resolution=SIZE), "frames": ArmedStream(device=0, resolution=SIZE, fps=40.0)}
    return Armed(rig=RigSpec(camera="sim:3"), devices=(device,), streams=streams, started_ns=0)


@pytest.fixture
def data(tmp_path):
    Dataset.create(tmp_path / "data", "data", simulated=True)
    return tmp_path / "data"


# Looking


@pytest.fixture
def watch():
    made = RigWatch(period_s=0.01)
    made.start()
    yield made
    made.close()


def test_without_a_rig_nothing_is_said_but_the_looking_goes_on(watch):
    found = wait_for(lambda: watch.found if watch.found.number > 2 else None)
    assert (found.level, found.checks, found.record, found.problem) == ("unknown", (), None, None)


def test_rings_that_went_away_are_no_end_of_the_looking(watch, data, tmp_path):
    watch.tell(RigNow(runtime=tmp_path / "gone", data=data, armed=armed_with()))
    first = wait_for(lambda: watch.found if watch.found.checks or watch.found.problem else None)
    wait_for(lambda: watch.found.number > first.number + 1)


def test_a_rig_that_differs_from_its_profile_is_told_with_the_profile_it_differs_from(watch, data, tmp_path):
    store_profile(data, armed_with(bias="low"), None)
    watch.tell(RigNow(runtime=tmp_path, data=data, armed=armed_with(bias="high")))
    found = wait_for(lambda: watch.found if watch.found.checks else None)
    check = next(one for one in found.checks if one.name == "profile")
    assert check.level.value == "check"
    assert "bias" in check.sentence
    assert found.profile
    assert {one["name"] for one in found.record["checks"]} >= {"profile", "cameras_alive"}


def test_a_profile_that_cannot_be_read_is_a_sentence(watch, data, tmp_path):
    store_profile(data, armed_with(), None)
    (data / "rig.json").write_text("{")
    watch.tell(RigNow(runtime=tmp_path, data=data, armed=armed_with()))
    assert "rig.json" in wait_for(lambda: watch.found.problem)


def test_a_defect_of_a_check_is_told_and_the_looking_goes_on(watch, data, tmp_path, monkeypatch):
    def break_down(*_arguments, **_named):
        raise ZeroDivisionError("in a check")

    monkeypatch.setattr("recorder.rigcheck.views.take_view", break_down)
    watch.tell(RigNow(runtime=tmp_path, data=data, armed=armed_with()))
    assert wait_for(lambda: watch.found.problem) == "The rig check failed (in a check)."
    monkeypatch.undo()
    wait_for(lambda: watch.found.problem is None)


# Calibrating


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(calibration, "PERIOD_S", 0.01)
    monkeypatch.setattr(calibration, "DARK_S", 1.0)
    monkeypatch.setattr(calibration, "PATIENCE_S", 0.3)


def flow_of(data, runtime, armed):
    return SimpleNamespace(data=data, runtime=runtime, armed=armed, script=None)


def outcome(calibrations, key):
    """What is said once it no longer runs."""
    return wait_for(lambda: said if (said := calibrations.said(key)) and said.state != "unknown" else None)


def test_the_sliders_show_the_biases_that_the_camera_was_opened_with(qtbot):
    settings = {"preset": "sensitive", "biases": {"Diff": [4, 33], "PixelBuffer": [1, 2]}}
    sent = []
    box = BiasBox(SimpleNamespace(armed=armed_with(**settings), send=sent.append))
    qtbot.addWidget(box)
    box.refresh()
    assert box.preset.currentData() == BiasPreset.SENSITIVE
    assert (box._coarse["Diff"].value(), box._fine["Diff"].value()) == (4, 33)
    assert (box._coarse["On"].value(), box._fine["On"].value()) == PRESETS[BiasPreset.SENSITIVE].biases["On"]
    assert not sent
    box._fine["Off"].setValue(7)
    qtbot.waitUntil(lambda: bool(sent))
    assert (sent[0].preset, dict(sent[0].biases)) == (BiasPreset.SENSITIVE, {"Diff": (4, 33), "Off": (4, 7)})


def test_without_a_camera_nothing_is_calibrated(data):
    calibrations = Calibration()
    calibrations.store(flow_of(data, None, None))
    assert calibrations.said("profile").text == "No camera is open."
    assert load_profile(data) is None
    calibrations.shut()


def test_the_profile_is_stored(data, tmp_path):
    calibrations = Calibration()
    calibrations.store(flow_of(data, tmp_path, armed_with()))
    assert outcome(calibrations, "profile").state == "good"
    assert load_profile(data).devices[0].serial == "3"
    calibrations.shut()


def one_hot_pixel(begun_us):
    """Four seconds under the cap, with a little noise."""
    events = np.zeros(2000, EVENT_DTYPE)
    events["t"] = begun_us + np.arange(2000) * 2_000
    rng = np.random.default_rng(0)
    events["x"], events["y"] = rng.integers(0, SIZE[0], 2000), rng.integers(0, SIZE[1], 2000)
    events["x"][::2], events["y"][::2] = 17, 23
    return events


def test_hot_pixels_under_the_cap_are_kept_and_the_profile_stays_what_it_was(data, tmp_path, quick):
    store_profile(data, armed_with(bias="low"), None)
    calibrations = Calibration()
    with RingWriter(tmp_path / EVENT_RING, EVENT_DTYPE, 1 << 16) as ring:
        calibrations.find_hot(flow_of(data, tmp_path, armed_with(bias="high")))
        begun_us = T0_US
        while (said := calibrations.said("hot")).state == "unknown":
            ring.write(one_hot_pixel(begun_us))
            begun_us += 4_000_000
            time.sleep(0.02)
    assert said.state == "good", said
    profile = load_profile(data)
    assert tuple(profile.hot_pixels.pixels) == ((17, 23),)
    assert (profile.hot_pixels.serial, profile.devices[0].settings["bias"]) == ("3", "low")
    calibrations.shut()


def test_the_lens_is_measured_from_the_eyes_that_the_next_looks_see(data, tmp_path, quick, monkeypatch):
    monkeypatch.setattr(calibration, "PATIENCE_S", PATIENCE_S)
    numbers = iter(range(1_000_000))

    def found():
        details = {"camera": "frames", "eyes_px": 63.0}
        return RigFound(checks=(SimpleNamespace(name="distance", details=details),), number=next(numbers))

    calibrations = Calibration()
    calibrations.measure_lens(flow_of(data, tmp_path, armed_with()), found, LensWish(350.0, 63.0))
    assert outcome(calibrations, "lens").state == "good"
    lens = load_profile(data).lenses["frames"]
    assert lens.focal_px == pytest.approx(350.0, rel=0.02)
    calibrations.shut()


def test_a_face_that_nobody_saw_is_a_sentence(data, tmp_path, quick):
    calibrations = Calibration()
    calibrations.measure_lens(flow_of(data, tmp_path, armed_with()), RigFound, LensWish(350.0, None))
    said = outcome(calibrations, "lens")
    assert said.state == "redo"
    assert said.text.startswith("No face was seen")
    calibrations.shut()


def test_a_calibration_ends_when_the_window_closes(data, tmp_path, monkeypatch):
    calibrations = Calibration()
    calibrations.measure_lens(flow_of(data, tmp_path, armed_with()), RigFound, LensWish(350.0, None))
    calibrations.shut()
    assert not any(thread.name.startswith("calibrate") for thread in threading.enumerate())


def test_amending_makes_a_profile_where_there_is_none(data):
    assert amend_profile(data, armed_with(), None, lenses={}).devices[0].kind == "sim"
    assert load_profile(data) is not None


# One piece of work


@pytest.mark.parametrize(("error", "told"), [(GlimpseError("It is so."), "It is so."), (KeyError("x"), "This failed: 'x'.")])
def test_a_job_that_fails_says_so(error, told):
    def work(_job):
        raise error

    job = Job(work, "work")
    job.join()
    assert (job.done, job.problem, job.result) == (True, told, None)


def test_a_job_tells_how_far_it_is_and_can_be_asked_to_end():
    def work(job):
        job.progress = 1
        while not job.stopped:
            time.sleep(0.001)
        return "ended"

    job = Job(work, "work")
    wait_for(lambda: job.progress)
    assert not job.done
    job.stop()
    job.join()
    assert (job.result, job.problem) == ("ended", None)


# What a crash left


def test_takes_that_are_whole_are_none_of_what_a_crash_left(data):
    make_take(data / "4", "smile_4_1", events=some_events(5))
    assert (count_unfinished(data), rescue(data)) == (0, ())


def test_a_folder_that_is_not_there_holds_nothing_unfinished(tmp_path):
    assert count_unfinished(tmp_path / "none") == 0


def test_a_rename_that_a_crash_interrupted_is_finished(data):
    take = make_take(data / "4", "smile_4_1", events=some_events(5))
    part = take.with_name("smile_4_2.part.aedat4")
    part.write_bytes(take.read_bytes())
    assert count_unfinished(data) == 1
    (one,) = rescue(data)
    assert one.saved
    assert (data / "4" / "smile_4_2.aedat4").exists()
    assert count_unfinished(data) == 0
