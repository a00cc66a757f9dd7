"""The DAVIS346 over USB, against a device that is not there and dv-processing's real classes."""

import ast
import gc
import inspect
from pathlib import Path
from typing import Any

import dv_processing as dv
import numpy as np
import pytest
from camera_helpers import events, frames, read_to_end, surroundings, times
from fake_davis import REAL, FakeDavis
from hypothesis import given
from hypothesis import strategies as st
from make_aedat4 import EXPOSURE_US, make_aedat4
from pydantic import ValidationError

from protocol.streams import Frame, Stream
from recorder.sources import davis as davis_module
from recorder.sources import dv_adapter as adapter_module
from recorder.sources.base import CameraEnded, CameraError, EndReason, Found
from recorder.sources.davis import DavisCamera, DavisSettings, settings_from_options
from recorder.sources.davis_biases import CURRENT_BIASES, PRESETS, VOLTAGE_BIASES, BiasPreset, on_threshold
from recorder.sources.discovery import discover
from recorder.sources.dv_adapter import DvFeed, first_line


def camera_on(device: FakeDavis, settings: DavisSettings | None = None) -> DavisCamera:
    return DavisCamera(None, settings or DavisSettings(), surroundings(), lambda serial: device)


def written(device: FakeDavis, setter: str) -> list[tuple[Any, ...]]:
    return [values for name, values in device.calls if name == setter]


def frames_of(feed: DvFeed) -> list[Frame]:
    return [packet for packet in iter(lambda: feed.next(Stream.FRAMES), None) if isinstance(packet, Frame)]


def methods_called_on(variables: set[str], *modules: Any) -> set[str]:
    """Names of the methods that the code calls on variables or attributes of these names."""
    found = set()
    for module in modules:
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.Attribute):
                owner = node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
                if owner in variables:
                    found.add(node.attr)
    return found


DEVICE_METHODS = methods_called_on({"device", "reader", "_reader"}, davis_module, adapter_module)


def test_the_code_calls_enough_of_the_device_for_the_next_tests_to_mean_something() -> None:
    assert {"setDavis346BiasCoarseFine", "getNextEventBatch", "getConnectionSpeed", "isRunning"} <= DEVICE_METHODS


@pytest.mark.parametrize("name", sorted(DEVICE_METHODS))
def test_every_method_that_is_called_exists_on_the_real_camera_and_on_the_fake(name: str) -> None:
    assert hasattr(REAL, name)
    assert hasattr(FakeDavis, name)


@pytest.mark.parametrize(
    ("name", "signature"),
    [
        ("setDavis346BiasCoarseFine", ("Davis346BiasCF, coarse:", "fine:")),
        ("setDavis346BiasVoltage", ("Davis346BiasVDAC, voltageValue:",)),
        ("setBackgroundActivityFilter", ("timeIn250us:",)),
        ("setRefractoryPeriodFilter", ("timeIn250us:",)),
        ("setExposureDuration", ("datetime.timedelta",)),
        ("setFrameInterval", ("datetime.timedelta",)),
        ("setAutoExposure", ("enabled: bool",)),
        ("setDetectorRunning", ("run: bool",)),
        ("setDetectorRisingEdges", ("detectRising: bool",)),
        ("setDetectorFallingEdges", ("detectFalling: bool",)),
        ("setImuRunningAccelerometer", ("run: bool",)),
        ("getDavis346BiasCoarseFine", ("-> tuple[int, int]",)),
        ("getExposureDuration", ("-> datetime.timedelta",)),
        ("getFrameInterval", ("-> datetime.timedelta",)),
        ("getConnectionSpeed", ("libusb_speed",)),
    ],
)
def test_the_real_setters_take_what_the_code_gives_them(name: str, signature: tuple[str, ...]) -> None:
    assert all(part in (getattr(REAL, name).__doc__ or "") for part in signature)


def test_the_names_of_all_biases_are_those_of_dv_processing() -> None:
    assert set(CURRENT_BIASES) == set(REAL.Davis346BiasCF.__members__)
    assert set(VOLTAGE_BIASES) == set(REAL.Davis346BiasVDAC.__members__)


@pytest.mark.parametrize("preset", BiasPreset)
def test_every_preset_is_legal_and_says_why_and_whence(preset: BiasPreset) -> None:
    assert DavisSettings(bias=BiasPreset.DEFAULT, biases=PRESETS[preset].biases).currents() == PRESETS[preset].biases
    assert len(PRESETS[preset].reason) > 40
    assert PRESETS[preset].source


def test_the_sensitive_preset_lowers_the_on_threshold_to_about_two_thirds() -> None:
    default, sensitive = (on_threshold(PRESETS[name].biases) for name in (BiasPreset.DEFAULT, BiasPreset.SENSITIVE))
    assert 0.6 < sensitive / default < 0.7


def test_opening_sends_the_preset_and_the_single_biases_over_it() -> None:
    device = FakeDavis()
    settings = DavisSettings(bias=BiasPreset.SENSITIVE, biases={"On": (6, 1)}, voltages={"ApsCascode": 12})
    info = camera_on(device, settings).open()
    sent = {bias.name: (coarse, fine) for bias, coarse, fine in written(device, "setDavis346BiasCoarseFine")}
    assert sent == {**PRESETS[BiasPreset.SENSITIVE].biases, "On": (6, 1)}
    assert written(device, "setDavis346BiasVoltage") == [(REAL.Davis346BiasVDAC.ApsCascode, 12)]
    assert info.settings["biases"]["On"] == [6, 1]
    assert set(info.settings["biases"]) == set(CURRENT_BIASES)
    assert info.settings["voltages"]["ApsCascode"] == 12
    assert info.settings["preset"] == "sensitive"
    assert info.warnings == ()


def test_every_setting_is_sent_in_the_cameras_units_and_read_back() -> None:
    device = FakeDavis()
    settings = DavisSettings(
        background_activity_us=2_000,
        refractory_period_us=500,
        exposure_us=3_000,
        frame_interval_us=25_000,
        trigger_falling=False,
    )
    info = camera_on(device, settings).open()
    assert written(device, "setBackgroundActivityFilter") == [(8,)]
    assert written(device, "setRefractoryPeriodFilter") == [(2,)]
    assert written(device, "setAutoExposure") == [(False,)]
    assert written(device, "setDetectorRunning") == [(True,)]
    expected = {
        "background_activity_us": 2_000,
        "refractory_period_us": 500,
        "exposure_us": 3_000,
        "frame_interval_us": 25_000,
        "auto_exposure": False,
        "trigger_rising": True,
        "trigger_falling": False,
        "imu": True,
        "firmware": 6,
        "usb_speed": "LIBUSB_SPEED_SUPER",
    }
    assert expected.items() <= info.settings.items()
    assert info.serial == "00000007"


def test_what_is_not_asked_for_is_left_as_the_driver_has_it() -> None:
    device = FakeDavis()
    camera_on(device).open()
    for setter in ("setBackgroundActivityFilter", "setRefractoryPeriodFilter", "setExposureDuration", "setFrameInterval"):
        assert written(device, setter) == []


def test_automatic_exposure_is_switched_on_and_no_duration_is_sent() -> None:
    device = FakeDavis()
    camera_on(device, DavisSettings(exposure_us="auto")).open()
    assert written(device, "setAutoExposure") == [(True,)]
    assert written(device, "setExposureDuration") == []


def test_without_imu_the_stream_is_not_announced() -> None:
    info = camera_on(FakeDavis(), DavisSettings(imu=False)).open()
    assert Stream.IMU not in [stream.stream for stream in info.streams]


def test_a_bias_that_the_camera_does_not_take_is_a_warning() -> None:
    info = camera_on(FakeDavis(refuses=("Off",))).open()
    assert len(info.warnings) == 1
    assert "Off" in info.warnings[0]


@pytest.mark.parametrize(
    ("speed", "warned"), [("HIGH", True), ("FULL", True), ("UNKNOWN", True), ("SUPER", False), ("SUPER_PLUS", False)]
)
def test_a_camera_that_is_not_on_usb_3_is_a_warning(speed: str, warned: bool) -> None:
    warnings = camera_on(FakeDavis(speed=speed)).open().warnings
    assert any("USB 3" in warning for warning in warnings) == warned


def test_biases_are_not_sent_to_another_sensor() -> None:
    device = FakeDavis(sensor="DAVIS240C")
    info = camera_on(device).open()
    assert written(device, "setDavis346BiasCoarseFine") == []
    assert any("DAVIS240C" in warning for warning in info.warnings)


@pytest.mark.parametrize("serial", [None, "00000104"])
def test_without_a_camera_the_real_library_leads_to_a_sentence_with_what_to_check(serial: str | None) -> None:
    if dv.io.camera.discover():
        pytest.skip("a camera is plugged in")
    with pytest.raises(CameraError, match=r"No DAVIS.*was found.*udev rules.*other program") as error:
        DavisCamera(serial, DavisSettings(), surroundings()).open()
    assert "\n" not in str(error.value)


def test_a_camera_that_another_program_holds_is_a_sentence() -> None:
    def busy(serial: str | None) -> FakeDavis:
        raise RuntimeError("/project/usb.hpp(10): open()\nRuntimeError: LIBUSB_ERROR_BUSY\nStacktrace:\n 0# 0x1")

    with pytest.raises(CameraError, match=r"cannot be opened \(LIBUSB_ERROR_BUSY\)") as error:
        DavisCamera("7", DavisSettings(), surroundings(), busy).open()
    assert "\n" not in str(error.value)


def test_an_unplugged_camera_gives_what_it_had_and_is_lost(tmp_path: Path) -> None:
    made = make_aedat4(tmp_path / "a.aedat4")
    device = FakeDavis(made.path)
    camera = camera_on(device)
    camera.open()
    device.unplug()
    packets, end = read_to_end(camera)
    assert times(packets, Stream.EVENTS).tolist() == made.events.tolist()
    assert end.reason is EndReason.LOST
    assert "cable" in end.message


def test_a_usb_error_while_reading_ends_the_camera(tmp_path: Path) -> None:
    device = FakeDavis(make_aedat4(tmp_path / "a.aedat4").path)
    camera = camera_on(device)
    camera.open()
    device.fails = True
    with pytest.raises(CameraEnded, match="LIBUSB_ERROR_IO") as end:
        camera.read()
    assert end.value.reason is EndReason.LOST


@pytest.mark.parametrize("name", ["davis346_lab_lamps.aedat4", "davis346_road_bad_timerange.aedat4"])
def test_the_adapter_reads_real_dv_objects_as_our_own_reader_reads_the_file(test_data: Path, name: str) -> None:
    from recorder.aedat4 import Aedat4File

    path = test_data / "aedat4" / name
    feed = DvFeed(dv.io.MonoCameraRecording(str(path)), tuple(Stream)[:4], lambda: 1)
    packets = [packet for stream in feed.streams for packet in iter(lambda stream=stream: feed.next(stream), None)]
    with Aedat4File(path) as file:
        for stream in (Stream.IMU, Stream.TRIGGERS):
            got = np.concatenate([packet.records for packet in packets if packet.stream is stream])
            assert (got == file.records(stream)).all()
        expected = file.records(Stream.EVENTS)
        for field in ("t", "x", "y", "p"):
            assert (events(packets)[field] == expected[field]).all()
        for ours, theirs in zip(frames(packets), file.frames(), strict=True):
            assert (ours.stream_us, ours.exposure_us) == (theirs.t_us, theirs.exposure_us)
            assert (ours.image == theirs.image).all()


def test_a_frame_outlives_the_dv_frame_it_came_from(tmp_path: Path) -> None:
    made = make_aedat4(tmp_path / "a.aedat4")
    kept = frames_of(DvFeed(dv.io.MonoCameraRecording(str(made.path)), [Stream.FRAMES], lambda: 1))
    gc.collect()
    assert [int(frame.image[100, 100]) for frame in kept] == list(range(len(made.frames)))
    assert [frame.stream_us for frame in kept] == (made.frames + EXPOSURE_US // 2).tolist()


@pytest.mark.parametrize(
    "options",
    [
        {"bias": "bright"},
        {"biases": "x"},
        {"On": "5"},
        {"On": "8/0"},
        {"On": "5/256"},
        {"On": "-1/3"},
        {"ApsCascode": "64"},
        {"exposure_us": "fast"},
        {"background_activity_us": "100"},
        {"colour": "red"},
    ],
)
def test_an_option_that_is_not_legal_is_one_sentence_with_an_example(options: dict[str, str]) -> None:
    with pytest.raises(CameraError, match="for example davis,bias=low_light") as error:
        settings_from_options(options)
    assert "\n" not in str(error.value)


def test_options_on_the_command_line_become_settings() -> None:
    settings = settings_from_options(
        {
            "bias": "low_light",
            "On": "5/200",
            "ApsCascode": "21",
            "exposure_us": "4000",
            "imu": "off",
            "refractory_period_us": "500",
        }
    )
    assert settings == DavisSettings(
        bias=BiasPreset.LOW_LIGHT,
        biases={"On": (5, 200)},
        voltages={"ApsCascode": 21},
        exposure_us=4_000,
        imu=False,
        refractory_period_us=500,
    )
    assert settings_from_options({"exposure_us": "auto"}).exposure_us == "auto"


@given(st.integers(-3, 12), st.integers(-20, 300))
def test_a_bias_is_legal_from_0_0_to_7_255(coarse: int, fine: int) -> None:
    if 0 <= coarse <= 7 and 0 <= fine <= 255:
        assert DavisSettings(biases={"On": (coarse, fine)}).currents()["On"] == (coarse, fine)
    else:
        with pytest.raises(ValidationError):
            DavisSettings(biases={"On": (coarse, fine)})


def test_settings_with_a_misspelt_key_or_bias_are_refused() -> None:
    with pytest.raises(ValidationError, match="exposure"):
        DavisSettings.model_validate({"exposure": 1})
    with pytest.raises(ValidationError, match="there is no bias 'OnBn'"):
        DavisSettings(biases={"OnBn": (1, 1)})


class Descriptor:
    """What dv's discovery tells of a camera."""

    def __init__(self, model: str, serial: str) -> None:
        self.cameraModel = getattr(dv.io.camera.CameraModel, model)
        self.serialNumber = serial
        self.busNumber, self.devAddress, self.firmwareVersion = 2, 5, 6


def test_the_descriptor_of_the_tests_has_only_what_the_real_one_has() -> None:
    assert all(hasattr(REAL.DeviceDescriptor, name) for name in vars(Descriptor("DAVIS", "7")))


def test_discovery_names_every_davis_as_camera_takes_it() -> None:
    found = discover(lambda: [Descriptor("DAVIS", "00000104"), Descriptor("DVXPLORER", "9")])
    assert found.cameras == (Found("davis:00000104", "DAVIS 00000104", "USB bus 2, device 5, firmware 6"),)
    assert found.hint == ""


def test_discovery_without_a_camera_says_what_to_check() -> None:
    found = discover(list)
    assert found.cameras == ()
    assert "udev rules" in found.hint


def test_discovery_names_cameras_that_are_no_davis() -> None:
    assert "DVXPLORER" in discover(lambda: [Descriptor("DVXPLORER", "9")]).hint


@pytest.mark.parametrize("error", [RuntimeError("LIBUSB_ERROR_ACCESS"), IndexError("x"), OSError("no USB"), ImportError("no")])
def test_discovery_never_raises(error: Exception) -> None:
    def fail() -> list[Any]:
        raise error

    found = discover(fail)
    assert found.cameras == ()
    assert str(error) in found.hint


def test_discovery_with_the_real_library_gives_cameras_or_a_hint() -> None:
    found = discover()
    assert bool(found.cameras) != bool(found.hint)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("/a/b.hpp(3): f()\nRuntimeError: Could not find it.\nStacktrace:\n 0# x", "Could not find it"),
        ("/a.hpp(313): f()\nEndOfFile: Error info: File x End-Of-File reached\nStacktrace:", "File x End-Of-File reached"),
        ("LIBUSB_ERROR_IO", "LIBUSB_ERROR_IO"),
        ("", "RuntimeError"),
    ],
)
def test_of_a_library_error_only_what_it_says_is_told(text: str, line: str) -> None:
    assert first_line(RuntimeError(text)) == line
