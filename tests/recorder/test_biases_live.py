"""Biases while the cameras are open: what a DAVIS and the simulated rig do with them, and what the engine tells and keeps."""

import pytest
from camera_helpers import surroundings
from fake_davis import FakeDavis
from sim_worlds import served
from stations import manifest_of
from test_engine import Desk

from recorder.messages import Arm, Armed, Record, Refused, RigSpec, SetBias, State, Stop, TakeDone
from recorder.rig import CameraThread
from recorder.sim.options import parse_options
from recorder.sources.base import CameraEnded, CameraError, EndReason, Tunable
from recorder.sources.davis import DavisCamera, DavisSettings, settings_from_options
from recorder.sources.davis_biases import PIXEL_BIASES, PRESETS, BiasPreset, contradiction
from recorder.sources.spec import parse_camera, with_biases

RIG = RigSpec(camera="sim:1,head=builtin", speed="max")
SENSITIVE, LOW_LIGHT, DEFAULT = BiasPreset.SENSITIVE, BiasPreset.LOW_LIGHT, BiasPreset.DEFAULT


def open_davis(device: FakeDavis, settings: DavisSettings | None = None) -> DavisCamera:
    camera = DavisCamera(None, settings or DavisSettings(), surroundings(), lambda serial: device)
    camera.open()
    return camera


# --- DAVIS


def test_a_davis_takes_preset_and_single_biases_and_tells_what_it_has_then():
    camera = open_davis(FakeDavis(), DavisSettings(biases={"PadFollower": (7, 9), "Off": (4, 1)}))
    tuned = camera.tune(LOW_LIGHT, {"On": (5, 100)})
    biases = {name: tuple(pair) for name, pair in tuned.settings["biases"].items()}
    assert {name: biases[name] for name in PIXEL_BIASES} == {**PRESETS[LOW_LIGHT].biases, "On": (5, 100)}
    assert biases["PadFollower"] == (7, 9), "biases that do not shape the pixel are left alone"
    assert (tuned.settings["preset"], tuned.warnings) == ("low_light", ())
    assert tuple(camera.tune(DEFAULT, {}).settings["biases"]["On"]) == PRESETS[DEFAULT].biases["On"]


def test_a_bias_that_the_device_keeps_is_a_warning_beside_that_of_its_cable():
    tuned = open_davis(FakeDavis(refuses=("On",), speed="HIGH")).tune(SENSITIVE, {})
    assert "did not take these biases: On;" in tuned.warnings[0]
    assert "HIGH speed" in tuned.warnings[1]


def test_another_sensor_a_closed_camera_and_a_lost_one_refuse_with_a_sentence(monkeypatch):
    with pytest.raises(CameraError, match="no DAVIS346"):
        open_davis(FakeDavis(sensor="DAVIS240C")).tune(SENSITIVE, {})
    camera = open_davis(FakeDavis())
    camera.close()
    with pytest.raises(CameraError, match="not open"):
        camera.tune(SENSITIVE, {})
    device = FakeDavis()
    camera = open_davis(device)

    def fail(*values):
        raise RuntimeError("LIBUSB_ERROR_NO_DEVICE")

    monkeypatch.setattr(device, "setDavis346BiasCoarseFine", fail)
    with pytest.raises(CameraError, match=r"cannot be set \(LIBUSB_ERROR_NO_DEVICE\)"):
        camera.tune(SENSITIVE, {})


# --- how a camera is named


@pytest.mark.parametrize("text", ["davis", "davis:00000007,On=1/2,imu=false", "sim:3,head=builtin,bias=low_light"])
def test_a_camera_is_named_so_that_it_opens_with_its_biases(text):
    spec = parse_camera(with_biases(text, SENSITIVE, {"On": (5, 100), "Refractory": (4, 25)}))
    assert spec.target == parse_camera(text).target
    if spec.kind == "davis":
        settings = settings_from_options(spec.options)
        assert settings.currents() == {**PRESETS[SENSITIVE].biases, "On": (5, 100)}
        assert settings.imu is ("imu=false" not in text)
    else:
        assert parse_options(spec.options).currents() == {**PRESETS[SENSITIVE].biases, "On": (5, 100)}


def test_going_back_to_the_default_names_no_biases():
    assert with_biases(with_biases("davis:7", SENSITIVE, {"On": (5, 100)}), DEFAULT, {}) == "davis:7"


@pytest.mark.parametrize("preset", BiasPreset)
def test_no_preset_contradicts_itself(preset):
    assert contradiction(PRESETS[preset].biases) is None


def test_thresholds_of_zero_or_less_are_found():
    default = PRESETS[DEFAULT].biases
    assert "On must" in (contradiction({**default, "On": (4, 39)}) or "")
    assert "Off must" in (contradiction({**default, "Off": (5, 5)}) or "")


# --- the simulated rig


def test_a_simulated_world_without_biases_says_so():
    rig = served("plain", surroundings())
    try:
        rig.open()
        with pytest.raises(CameraError, match="no biases"):
            rig.tune(SENSITIVE, {})
    finally:
        rig.close()
    with pytest.raises(CameraError, match="does not answer"):
        rig.tune(SENSITIVE, {})


# --- the engine


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    yield desk
    desk.engine.shut_down()


def told(desk: Desk, command: SetBias) -> Armed | Refused:
    """The answer to a command that sets biases."""
    before = len(desk.found(Armed) + desk.found(Refused))
    desk.engine.handle(command)
    desk.until(lambda: len(desk.found(Armed) + desk.found(Refused)) > before and not desk.engine.is_busy)
    return next(one for one in reversed(desk.reports) if isinstance(one, Armed | Refused))


def test_biases_set_on_an_armed_rig_are_told_and_stay_for_the_takes_that_follow(desk, tmp_path):
    desk.engine.handle(Arm(rig=RIG))
    desk.until(lambda: desk.engine.state is State.ARMED and not desk.engine.is_busy)
    answer = told(desk, SetBias(preset=SENSITIVE, biases={"Refractory": (4, 50)}))
    assert isinstance(answer, Armed)
    assert answer.rig.camera == "sim:1,head=builtin,bias=sensitive,Refractory=4/50"
    settings = answer.devices[0].settings
    assert (settings["preset"], tuple(settings["biases"]["Refractory"])) == ("sensitive", (4, 50))
    before = desk.found(Armed)[0].devices[0].settings["pixel"]
    assert settings["pixel"]["on_threshold"] < 0.8 * before["on_threshold"]
    assert answer.devices[0].spec == answer.rig.camera

    done = Record(rig=RIG, take=take(tmp_path), settings=desk.engine._settings)
    desk.engine.handle(done)
    desk.until(lambda: desk.found(TakeDone) and not desk.engine.is_busy)
    manifest = manifest_of(desk.found(TakeDone)[0].path)
    assert manifest.devices[0].spec == answer.rig.camera
    assert manifest.devices[0].settings["preset"] == "sensitive"
    assert len(desk.found(Armed)) == 2, "the cameras were not opened anew"


def take(folder):
    from stations import record

    return record(folder / "data").take


def test_biases_that_contradict_each_other_are_refused_and_nothing_changes(desk):
    desk.engine.handle(Arm(rig=RIG))
    desk.until(lambda: desk.engine.state is State.ARMED and not desk.engine.is_busy)
    answer = told(desk, SetBias(biases={"On": (0, 1)}))
    assert isinstance(answer, Refused)
    assert "contradict" in answer.text
    assert desk.engine.state is State.ARMED
    assert desk.engine._rig.spec == RIG


def test_without_cameras_and_during_a_take_biases_are_refused(desk, tmp_path):
    assert "No camera is open" in told(desk, SetBias()).text
    live = RigSpec(camera="sim:1,head=builtin")
    desk.engine.handle(Record(rig=live, take=take(tmp_path), settings=desk.engine._settings))
    desk.until(lambda: desk.engine.state is State.RECORDING and not desk.engine._job.running())
    desk.engine.handle(SetBias(preset=SENSITIVE))
    assert "wait" in desk.found(Refused)[-1].text
    desk.engine.handle(Stop())
    desk.until(lambda: desk.found(TakeDone) and not desk.engine.is_busy)


# --- whoever asks a camera that is gone


class Gone:
    def open(self):
        raise AssertionError

    def read(self):
        raise CameraEnded(EndReason.LOST, "unplugged")

    def close(self):
        raise AssertionError


def test_a_camera_that_has_ended_answers_nobody_and_holds_nobody_up(monkeypatch):
    monkeypatch.setattr("recorder.rig.ANSWER_S", 0.05)
    thread = CameraThread(0, Gone(), lambda *_: None, lambda *_: None, lambda _: None)
    thread.start()
    thread.join()
    with pytest.raises(CameraError, match="does not answer"):
        thread.ask(lambda: pytest.fail("nobody is there to do it"))
    assert not isinstance(Gone(), Tunable)
