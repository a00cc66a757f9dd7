import hashlib
from datetime import date

import pytest
from takekit import SHORT_SCRIPT

from protocol.manifest import Device
from protocol.script import parse_script
from protocol.streams import Stream
from recorder.dataset import Dataset
from recorder.messages import ArmedStream
from recorder.rigprofile import (
    HotPixels,
    LensCalibration,
    LensMethod,
    RigProfile,
    RigProfileError,
    deviations,
    hot_mask,
    load_profile,
    profile_hash,
    profile_of,
    save_profile,
)
from recorder.sources.davis_biases import PRESETS, BiasPreset
from recorder.verify import verify_records

SCRIPT = parse_script(SHORT_SCRIPT, "short")
DAVIS = Device(
    kind="davis",
    name="DAVIS346",
    serial="123",
    spec="davis",
    settings={"preset": "low_light", "exposure_us": 8000, "biases": {"On": [5, 200], "Off": [4, 80]}},
)
COLOUR = Device(kind="webcam", name="C920", serial="A1", spec="0", settings={"exposure_us": 10_000, "white_balance": False})
STREAMS = {
    "events": ArmedStream(device=0, resolution=(346, 260)),
    "frames": ArmedStream(device=0, resolution=(346, 260), fps=25.0),
    "rgb": ArmedStream(device=1, resolution=(640, 480), fps=30.0),
}
CAMERAS = {"camera": "davis", "rgb": "0", "thermal": "none"}
PROFILE = profile_of(CAMERAS, (DAVIS, COLOUR), STREAMS, SCRIPT)


def with_settings(device, **changes):
    return device.model_copy(update={"settings": {**device.settings, **changes}})


def sentences(devices=(DAVIS, COLOUR), streams=None, script=SCRIPT, profile=PROFILE):
    return deviations(profile, devices, STREAMS if streams is None else streams, script)


def test_the_rig_of_the_profile_deviates_in_nothing():
    assert sentences() == ()


def of_preset(preset, **biases):
    currents = {name: list(pair) for name, pair in PRESETS[preset].biases.items()} | biases
    return with_settings(DAVIS, preset=preset.value, biases=currents)


def test_another_bias_preset_is_one_deviation_and_what_was_set_beside_it_another():
    profile = profile_of(CAMERAS, (of_preset(BiasPreset.DEFAULT), COLOUR), STREAMS, SCRIPT)
    assert sentences((of_preset(BiasPreset.LOW_LIGHT), COLOUR), profile=profile) == (
        "Bias preset: low light instead of default.",
    )
    told = sentences((of_preset(BiasPreset.LOW_LIGHT, On=[5, 7]), COLOUR), profile=profile)
    assert len(told) == 2
    assert "bias On is 5/7" in told[1]


def test_a_profile_is_stored_and_read_again(tmp_path):
    assert load_profile(tmp_path) is None
    lens = LensCalibration(
        stream=Stream.FRAMES,
        focal_px=310.5,
        spread_px=3.0,
        method=LensMethod.PATTERN,
        taken_on="2026-11-21",
        resolution=(346, 260),
    )
    profile = PROFILE.model_copy(update={"lenses": {"frames": lens}})
    path = save_profile(tmp_path, profile)
    assert path.name == "rig.json"
    assert load_profile(tmp_path) == profile
    assert profile_hash(profile) == hashlib.sha256(path.read_bytes()).hexdigest()
    assert sentences(profile=load_profile(tmp_path)) == ()


def test_a_new_profile_keeps_what_was_calibrated():
    lens = LensCalibration(
        stream=Stream.FRAMES,
        focal_px=310.5,
        spread_px=3.0,
        method=LensMethod.PATTERN,
        taken_on="2026-11-21",
        resolution=(346, 260),
    )
    base = RigProfile(lenses={"frames": lens}, distance_mm=(250, 300))
    again = profile_of(CAMERAS, (DAVIS,), STREAMS, base=base)
    assert (again.lenses, again.distance_mm, again.devices) == ({"frames": lens}, (250, 300), (DAVIS,))
    assert profile_of(CAMERAS, (DAVIS,), STREAMS, SCRIPT, base).distance_mm == SCRIPT.distance_mm


def test_another_camera_of_the_same_make_is_named_by_its_number():
    (sentence,) = sentences((DAVIS.model_copy(update={"serial": "124"}), COLOUR))
    assert sentence == "The event camera has the serial number 124 where the profile has 123."


def test_another_make_is_named_without_all_its_settings():
    other = Device(kind="network", name="DVXplorer", spec="network:1", settings={"other": 1})
    assert sentences((other, COLOUR)) == ("The event camera is DVXplorer (network) where the profile has DAVIS346 (davis).",)


def test_every_bias_and_setting_that_differs_is_named():
    changed = with_settings(DAVIS, exposure_us=4000, biases={"On": [5, 190]})
    assert sentences((changed, COLOUR)) == (
        "The event camera's setting exposure_us is 4000 where the profile has 8000.",
        "The event camera's bias On is 5/190 where the profile has 5/200.",
        "The event camera's bias Off is not set where the profile has 4/80.",
    )


def test_what_follows_from_a_bias_is_told_by_the_bias_alone():
    def pixel(threshold, **biases):
        return with_settings(DAVIS, biases={"On": [5, 200], "Off": [4, 80], **biases}, pixel={"on_threshold": threshold})

    profile = profile_of(CAMERAS, (pixel(0.2), COLOUR), STREAMS, SCRIPT)
    assert sentences((pixel(0.25, On=[5, 190]), COLOUR), profile=profile) == (
        "The event camera's bias On is 5/190 where the profile has 5/200.",
    )
    assert len(sentences((pixel(0.25), COLOUR), profile=profile)) == 1


def test_numbers_that_a_camera_rounds_are_no_difference_but_switches_are():
    assert sentences((DAVIS, with_settings(COLOUR, exposure_us=10_050))) == ()
    (sentence,) = sentences((DAVIS, with_settings(COLOUR, white_balance=True)))
    assert sentence == "The colour camera's setting white_balance is True where the profile has False."


def test_resolution_and_rate_are_compared():
    slow = {**STREAMS, "rgb": ArmedStream(device=1, resolution=(320, 240), fps=15.0)}
    assert sentences(streams=slow) == (
        "The colour camera gives 320 x 240 pixels where the profile has 640 x 480.",
        "The colour camera gives 15 pictures a second where the profile has 30.",
    )


def test_missing_and_extra_cameras_are_named():
    alone = {name: stream for name, stream in STREAMS.items() if name != "rgb"}
    assert sentences((DAVIS,), alone) == ("The colour camera is missing; the profile has C920 A1.",)
    lepton = Device(kind="thermal", name="Lepton", spec="1")
    more = {**STREAMS, "thermal": ArmedStream(device=2, resolution=(160, 120), fps=8.7)}
    assert sentences((DAVIS, COLOUR, lepton), more) == ("There is a thermal camera (Lepton) that the profile does not have.",)


def test_simulated_subjects_are_no_difference_nor_is_a_camera_that_left_told_twice():
    settings = {"head": "ict", "options": {"take": "1"}, "rgb": {"fps": 30.0}, "biases": {"On": [4, 1]}}
    one = Device(kind="sim", name="Simulated rig", serial="1", spec="sim:1", simulated=True, settings=settings)
    streams = {"events": STREAMS["events"], "rgb": ArmedStream(device=0, resolution=(640, 480), fps=30.0)}
    profile = profile_of({"camera": "sim:1"}, (one,), streams)
    other = with_settings(one.model_copy(update={"serial": "2", "spec": "sim:2"}), head="built-in", options={})
    assert deviations(profile, (other,), streams) == ()
    without = one.model_copy(update={"settings": {key: value for key, value in settings.items() if key != "rgb"}})
    assert deviations(profile, (without,), {"events": STREAMS["events"]}) == (
        "The colour camera is missing; the profile has Simulated rig 1.",
    )


def test_another_script_is_a_difference_and_its_comments_are_none():
    assert sentences(script=parse_script("# by hand\n" + SHORT_SCRIPT, "short")) == ()
    (sentence,) = sentences(script=parse_script(SHORT_SCRIPT.replace("2.3", "2.5"), "short"))
    assert "is not the one of the profile ('short') or was changed since" in sentence


def test_hot_pixels_are_a_mask_and_belong_to_one_camera():
    hot = HotPixels(pixels=((12, 200), (345, 0), (999, 1)), found_on=date(2026, 11, 21), serial="999")
    profile = PROFILE.model_copy(update={"hot_pixels": hot})
    mask = hot_mask(profile, (346, 260))
    assert (mask.shape, int(mask.sum()), bool(mask[200, 12])) == ((260, 346), 2, True)
    (sentence,) = sentences(profile=profile)
    assert "camera 999" in sentence
    assert hot_mask(PROFILE, (346, 260)).sum() == 0


def test_a_profile_that_cannot_be_read_is_told_here_and_by_verify(tmp_path):
    data = Dataset.create(tmp_path / "data", "trial", simulated=False)
    (data.path / "rig.json").write_text('{"schema": "glimpse.rig", "version": "9.0"}')
    with pytest.raises(RigProfileError, match="newer Glimpse"):
        load_profile(data.path)
    assert [finding.path.name for finding in verify_records(data)] == ["rig.json"]
    with pytest.raises(RigProfileError, match="cannot be written"):
        save_profile(tmp_path / "nowhere", PROFILE)
