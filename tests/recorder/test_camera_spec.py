"""What `--camera`, `--rgb` and `--thermal` may say."""

from contextlib import suppress

import pytest
from camera_helpers import surroundings
from hypothesis import given
from hypothesis import strategies as st

from recorder.sources.base import CameraError
from recorder.sources.registry import Registry, default_registry, open_camera
from recorder.sources.spec import (
    CameraSpec,
    CameraSpecError,
    FrameCameraKind,
    FrameCameraSpec,
    parse_camera,
    parse_frame_camera,
)


@pytest.mark.parametrize(
    ("text", "kind", "target", "options"),
    [
        ("sim", "sim", "", {}),
        ("sim:42", "sim", "42", {}),
        ("sim:42,noise=0.5,subject=3", "sim", "42", {"noise": "0.5", "subject": "3"}),
        ("sim,noise=0.5", "sim", "", {"noise": "0.5"}),
        ("davis", "davis", "", {}),
        ("davis:00000104", "davis", "00000104", {}),
        ("davis,bias=low_light", "davis", "", {"bias": "low_light"}),
        ("davis:7,bias=sensitive,On=5/200", "davis", "7", {"bias": "sensitive", "On": "5/200"}),
        ("network:10.0.0.5:7777", "network", "10.0.0.5:7777", {}),
        ("network:lab-pc:1,frames=2,imu=3,triggers=4", "network", "lab-pc:1", {"frames": "2", "imu": "3", "triggers": "4"}),
        ("network:[fe80::1]:7777", "network", "[fe80::1]:7777", {}),
        ("network:/run/cam.sock,frames=/run/aps.sock", "network", "/run/cam.sock", {"frames": "/run/aps.sock"}),
        ("replay:take.aedat4", "replay", "take.aedat4", {}),
        ("replay:take.aedat4,loop", "replay", "take.aedat4", {"loop": ""}),
        ("replay:/data/a,b = c: d,loop.aedat4", "replay", "/data/a,b = c: d,loop.aedat4", {}),
        ("replay:C:\\takes\\a=1,loop=2.aedat4,loop", "replay", "C:\\takes\\a=1,loop=2.aedat4", {"loop": ""}),
        ("webcam:0", "webcam", "0", {}),
        ("webcam:rtsp://10.0.0.2:554/live?a=1,b=2", "webcam", "rtsp://10.0.0.2:554/live?a=1,b=2", {}),
    ],
)
def test_a_camera_is_read_as_kind_target_and_options(text: str, kind: str, target: str, options: dict[str, str]) -> None:
    spec = parse_camera(text)
    assert (spec.kind, spec.target, dict(spec.options)) == (kind, target, options)
    assert str(spec) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ":",
        "sim:",
        "davis:",
        "Sim",
        "sim:x",
        "sim:-1",
        "sim:1,",
        "sim:1,noise",
        "sim:1,noise=",
        "sim:1,a=1,a=2",
        "davis:bias=low_light",
        "network",
        "network:",
        "network:host",
        "network:host:",
        "network:host:0",
        "network:host:65536",
        "network:host:port",
        "network::7777",
        "network:fe80::1:7777",
        "network:[fe80::1]",
        "network:host:1,frames=x",
        "network:host:1,frames=0",
        "network:host:1,rgb=2",
        "replay",
        "replay:",
        "replay:,loop",
        "replay,loop",
        "webcam",
        "webcam:",
        "take.aedat4",
        "/data/take.aedat4",
    ],
)
def test_what_means_no_camera_is_told_in_one_sentence_with_an_example(text: str) -> None:
    with pytest.raises(CameraSpecError) as error:
        parse_camera(text)
    message = str(error.value)
    assert "\n" not in message
    assert message.endswith(".")
    assert "example" in message or "replay:" in message or "instead" in message


def test_a_bare_recording_is_answered_with_how_to_play_it() -> None:
    with pytest.raises(CameraSpecError, match=r"replay:/data/take\.aedat4"):
        parse_camera("/data/take.aedat4")


@given(st.text(max_size=60))
def test_any_text_is_a_camera_that_can_be_written_down_or_is_refused(text: str) -> None:
    with suppress(CameraSpecError):
        spec = parse_camera(text)
        assert parse_camera(str(spec)) == spec


file_names = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), min_size=1, max_size=40)


@given(file_names, st.booleans())
def test_any_file_name_can_be_replayed(name: str, loop: bool) -> None:
    name += ".aedat4"
    spec = parse_camera(f"replay:{name}" + (",loop" if loop else ""))
    assert spec.target == name
    assert ("loop" in spec.options) == loop


option_names = st.from_regex(r"[a-z_][a-z0-9_.]{0,8}", fullmatch=True)
option_values = st.from_regex(r"[A-Za-z0-9_./-]{1,8}", fullmatch=True)


@given(st.sampled_from(["sim", "davis"]), st.integers(0, 10**9), st.dictionaries(option_names, option_values, max_size=4))
def test_writing_and_reading_a_specification_gives_it_back(kind: str, target: int, options: dict[str, str]) -> None:
    spec = CameraSpec(kind, str(target), options)
    assert parse_camera(str(spec)) == spec


@pytest.mark.parametrize(
    ("text", "kind", "target"),
    [
        ("none", FrameCameraKind.NONE, ""),
        ("sim", FrameCameraKind.SIM, ""),
        ("0", FrameCameraKind.NUMBER, "0"),
        ("/dev/video2", FrameCameraKind.DEVICE, "/dev/video2"),
        ("rtsp://10.0.0.2/live", FrameCameraKind.URL, "rtsp://10.0.0.2/live"),
        ("a, b=c.mp4", FrameCameraKind.FILE, "a, b=c.mp4"),
        ("./none", FrameCameraKind.FILE, "./none"),
        ("C:\\clips\\face.mp4", FrameCameraKind.FILE, "C:\\clips\\face.mp4"),
    ],
)
def test_a_frame_camera_is_a_number_a_device_a_file_a_url_sim_or_none(text: str, kind: FrameCameraKind, target: str) -> None:
    assert parse_frame_camera(text) == FrameCameraSpec(kind, target)
    assert str(parse_frame_camera(text)) == text


@pytest.mark.parametrize("text", ["", "  ", "-1"])
def test_no_frame_camera_is_told_with_an_example(text: str) -> None:
    with pytest.raises(CameraSpecError, match="for example"):
        parse_frame_camera(text)


@given(st.text(max_size=40))
def test_any_text_is_a_frame_camera_or_is_refused(text: str) -> None:
    with suppress(CameraSpecError):
        assert str(parse_frame_camera(text)) == text


def test_a_kind_that_nobody_registered_is_refused_with_the_kinds_there_are() -> None:
    with pytest.raises(CameraSpecError, match=r"no camera kind 'hologram'.*davis, network, replay"):
        open_camera("hologram:0", surroundings(), _registry("davis", "network", "replay"))


def test_every_registered_kind_is_made_by_its_factory() -> None:
    made: list[CameraSpec] = []
    registry = Registry()
    registry.register("toy", lambda spec, around: made.append(spec))  # type: ignore[arg-type, func-returns-value]
    open_camera("toy:9", surroundings(), registry)
    assert made == [CameraSpec("toy", "9")]


def test_two_cameras_cannot_share_a_kind() -> None:
    registry = _registry("toy")
    with pytest.raises(ValueError, match="toy"):
        _register(registry, "toy")


def test_a_camera_whose_package_is_missing_is_one_sentence() -> None:
    def needs_too_much(spec: CameraSpec, around: object) -> None:
        raise ImportError("No module named 'dv_processing'", name="dv_processing")

    registry = Registry()
    registry.register("toy", needs_too_much)  # type: ignore[arg-type]
    with pytest.raises(CameraError, match="needs dv_processing"):
        open_camera("toy", surroundings(), registry)


@pytest.mark.parametrize("text", ["davis:7,bias=low_light", "network:127.0.0.1:7777,frames=7778", "replay:take.aedat4,loop"])
def test_the_default_registry_makes_a_camera_without_opening_it(text: str) -> None:
    open_camera(text, surroundings(), default_registry()).close()


def _registry(*kinds: str) -> Registry:
    registry = Registry()
    for kind in kinds:
        _register(registry, kind)
    return registry


def _register(registry: Registry, kind: str) -> None:
    registry.register(kind, lambda spec, around: None)  # type: ignore[arg-type, return-value]
