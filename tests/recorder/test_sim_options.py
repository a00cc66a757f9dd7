"""Every option of the simulated rig works, and every wrong value is refused with one sentence that says what is legal."""

import math
from dataclasses import asdict

import pytest

from recorder.sim.options import SimOptions, parse_options
from recorder.sim.performance import Mistake
from recorder.sim.pixel import PRESETS
from recorder.sources.base import CameraError
from recorder.sources.davis_biases import PIXEL_BIASES, BiasPreset
from recorder.sources.davis_biases import PRESETS as BIAS_PRESETS
from recorder.sources.spec import parse_camera


def test_without_options_there_is_a_subject_who_makes_no_mistake():
    assert parse_options({}) == SimOptions()
    options = SimOptions()
    assert (options.head, options.mistake, options.glasses, options.flicker_hz, options.rate_mev_s) == (None, None, None, 0, 0)
    assert asdict(options.pixel_params()) == pytest.approx(asdict(PRESETS["davis346"]))


@pytest.mark.parametrize(
    ("texts", "field", "value"),
    [
        ({"head": "builtin"}, "head", "builtin"),
        ({"head": "/tmp/some head.npz"}, "head", "/tmp/some head.npz"),
        ({"take": "3"}, "take", 3),
        ({"glasses": "on"}, "glasses", True),
        ({"glasses": "off"}, "glasses", False),
        ({"intensity": "0.2..0.5"}, "intensity", (0.2, 0.5)),
        ({"intensity": "1"}, "intensity", (1.0, 1.0)),
        ({"intensity": "0.02..1"}, "intensity", (0.02, 1.0)),
        ({"duration_ms": "40..200"}, "duration_us", (40_000, 200_000)),
        ({"duration_ms": "500"}, "duration_us", (500_000, 500_000)),
        ({"rate": "0"}, "rate_mev_s", 0.0),
        ({"rate": "12.5"}, "rate_mev_s", 12.5),
        ({"rate": "50"}, "rate_mev_s", 50.0),
        ({"flicker": "100"}, "flicker_hz", 100.0),
        ({"flicker_depth": "0.5"}, "flicker_depth", 0.5),
        ({"pixel": "v2e_noisy"}, "pixel", "v2e_noisy"),
        ({"bias": "sensitive"}, "bias", BiasPreset("sensitive")),
        *(({"mistake": mistake.value}, "mistake", mistake) for mistake in Mistake),
        *(({"bias": preset.value}, "bias", preset) for preset in BiasPreset),
        *(({name: "4/120"}, "biases", {name: (4, 120)}) for name in PIXEL_BIASES),
    ],
)
def test_an_option_is_read(texts, field, value):
    assert getattr(parse_options(texts), field) == value


@pytest.mark.parametrize(
    ("texts", "camera", "field", "value"),
    [
        ({"rgb_fps": "60"}, "rgb", "fps", 60),
        ({"rgb_drop": "0.25"}, "rgb", "drop_share", 0.25),
        ({"thermal_fps": "30"}, "thermal", "fps", 30),
        ({"thermal_freeze": "2.5"}, "thermal", "ffc_first_s", 2.5),
    ],
)
def test_options_of_the_frame_cameras_are_handed_on(texts, camera, field, value):
    assert getattr(getattr(parse_options(texts), camera), field) == value


def test_several_options_of_one_camera_do_not_undo_each_other():
    options = parse_options({"rgb_fps": "60", "rgb_drop": "0.1", "thermal_freeze": "1", "thermal_fps": "9"})
    assert (options.rgb.fps, options.rgb.drop_share) == (60, 0.1)
    assert (options.thermal.fps, options.thermal.ffc_first_s) == (9, 1)


def test_options_are_written_after_the_seed():
    spec = parse_camera("sim:7,mistake=late,intensity=0.2..0.4,On=5/200,head=builtin")
    options = parse_options(spec.options)
    assert (options.mistake, options.intensity, options.biases, options.head) == (
        Mistake.LATE,
        (0.2, 0.4),
        {"On": (5, 200)},
        "builtin",
    )


# --- what they do to the event pixel


def test_a_preset_of_biases_changes_the_pixel_and_a_bias_changes_it_further():
    default, sensitive = (parse_options({"bias": bias}).pixel_params() for bias in ("default", "sensitive"))
    assert sensitive.on_threshold < default.on_threshold
    assert sensitive.off_threshold < default.off_threshold
    coarse, fine = BIAS_PRESETS[BiasPreset.DEFAULT].biases["On"]
    higher = parse_options({"On": f"{coarse}/{min(fine + 60, 255)}"}).pixel_params()
    lower = parse_options({"On": f"{coarse}/{fine // 2}"}).pixel_params()
    assert lower.on_threshold < default.on_threshold < higher.on_threshold
    assert lower.off_threshold == higher.off_threshold == default.off_threshold


@pytest.mark.parametrize("name", [name for name in PIXEL_BIASES if name not in ("On", "Off", "Diff")])
def test_every_other_bias_changes_something(name):
    coarse, fine = BIAS_PRESETS[BiasPreset.DEFAULT].biases[name]
    assert parse_options({name: f"{coarse}/{max(1, fine // 3)}"}).pixel_params() != SimOptions().pixel_params()


@pytest.mark.parametrize("name", PRESETS)
def test_every_pixel_can_be_had(name):
    assert asdict(parse_options({"pixel": name}).pixel_params()) == pytest.approx(asdict(PRESETS[name]))


def test_flicker_is_that_of_the_lamp_and_the_pixel():
    params = parse_options({"flicker": "100", "flicker_depth": "0.6"}).pixel_params()
    assert (params.flicker_hz, params.flicker_depth) == (100, 0.6)
    assert parse_options({"flicker_depth": "0.6"}).pixel_params().flicker_depth == 0, "without flicker there is no depth of it"
    assert parse_options({"flicker": "120"}).pixel_params().flicker_depth > 0


# --- what is refused


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        ({"fualt": "stall@1"}, "sim: unknown option 'fualt'; the simulated rig knows bias, duration_ms, "),
        ({"on": "4/1"}, "unknown option 'on'"),
        ({"take": "-1"}, "take=-1 is not a number; write 0 to 999999"),
        ({"take": "two"}, "take=two is not a number"),
        ({"glasses": "yes"}, r"glasses=yes means nothing; write glasses=on\|off"),
        ({"glasses": ""}, "glasses= means nothing"),
        (
            {"mistake": "sneeze"},
            r"mistake=sneeze means nothing; write mistake=wrong_movement\|late\|none\|head_turn\|talking\|paper_left_in",
        ),
        ({"intensity": "0.5..0.2"}, r"intensity=0.5..0.2 begins above its end; write intensity=0.2..0.5"),
        ({"intensity": "0..1"}, "intensity=0 is not between 0.02 and 1; write 0.02 to 1"),
        ({"intensity": "0.2..0.4..0.6"}, r"intensity=0.2..0.4..0.6 is no range; write for example intensity=0.02..1"),
        ({"intensity": "1.5"}, "intensity=1.5 is not"),
        ({"intensity": ".."}, "is not a number"),
        ({"duration_ms": "5"}, "duration_ms=5 is not between 20 and 10000; write 20 to 10000"),
        ({"duration_ms": "60000"}, "duration_ms=60000 is not"),
        ({"rate": "many"}, "rate=many is not a number of millions of events per second; write 0 to 50"),
        ({"rate": "-1"}, "rate=-1 is not"),
        ({"rate": "nan"}, "rate=nan is not"),
        ({"rate": "inf"}, "rate=inf is not"),
        ({"rate": "1e9"}, "rate=1e9 is not"),
        ({"rate": "51"}, "rate=51 is not"),
        ({"flicker": "5000"}, "flicker=5000 is not between 0 and 1000; write 0 to 1000"),
        ({"flicker_depth": "1"}, "flicker_depth=1 is not between 0 and 0.95; write 0 to 0.95"),
        ({"bias": "wild"}, r"bias=wild means nothing; write bias=.*\|"),
        ({"pixel": "eye"}, r"pixel=eye means nothing; write pixel=davis346\|"),
        ({"On": "9/1"}, "On=9/1 is no bias; write COARSE/FINE up to 7/255, such as On=5/200"),
        ({"Off": "1/256"}, "Off=1/256 is no bias"),
        ({"Diff": "4"}, "Diff=4 is no bias"),
        ({"Refractory": "four/1"}, "is no bias"),
        ({"rgb_fps": "0"}, "rgb_fps=0 is not between 1 and 240; write 1 to 240"),
        ({"rgb_fps": "300"}, "rgb_fps=300 is not"),
        ({"rgb_drop": "1.1"}, "rgb_drop=1.1 is not"),
        ({"thermal_fps": "60"}, "thermal_fps=60 is not between 1 and 30; write 1 to 30"),
        ({"thermal_freeze": "-2"}, "thermal_freeze=-2 is not"),
    ],
)
def test_what_means_nothing_is_refused_with_a_sentence(texts, told):
    with pytest.raises(CameraError, match=told) as error:
        parse_options(texts)
    text = str(error.value)
    assert text.endswith(".")
    assert "\n" not in text


@pytest.mark.parametrize("name", ["rgb_fps", "rgb_drop", "thermal_fps", "thermal_freeze", "flicker", "flicker_depth", "rate"])
@pytest.mark.parametrize("text", ["0", "0.001", "0.5", "1", "29.97", "1000", "999999999"])
def test_a_number_is_legal_or_told_and_nothing_else_happens(name, text):
    told = None
    try:
        assert math.isfinite(parse_options({name: text}).pixel_params().flicker_hz)
    except CameraError as error:
        told = str(error)
    assert told is None or told.endswith(".")


def test_every_option_is_named_to_who_misspells_one():
    with pytest.raises(CameraError) as error:
        parse_options({"tkae": "1"})
    for name in ("head", "take", "mistake", "glasses", "rgb_fps", "thermal_freeze", "pixel", "fault", *PIXEL_BIASES):
        assert name in str(error.value)
