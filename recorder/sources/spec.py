"""What `--camera`, `--rgb` and `--thermal` mean: text to a specification and back. Opens nothing, knows no camera class."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from protocol.errors import GlimpseError
from recorder.sources.davis_biases import PIXEL_BIASES, BiasPreset, CoarseFine

EXAMPLES = "sim, sim:7, davis, davis:00000104,bias=low_light, network:192.168.0.5:7777, replay:take.aedat4, webcam:0"
NETWORK_STREAMS = ("frames", "imu", "triggers")
# Trailing words after a file name that are options; everything else belongs to the name, which may hold commas.
FILE_FLAGS = {"replay": ("loop",)}
MAX_PORT = 65535

_KIND = re.compile(r"([a-z][a-z0-9_]*)(?:([:,])(.*))?", re.DOTALL)
_BRACKETED = re.compile(r"\[([^\[\]]+)\](?::(.*))?", re.DOTALL)


class CameraSpecError(GlimpseError):
    """A camera given in words that mean no camera: one sentence with an example."""


def _no_options() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True)
class CameraSpec:
    """An event camera as the user named it. `str()` gives text that parses to the same specification.

    kind: what the registry knows ("davis", "replay", ...); target: seed, serial number, "host:port", socket path, file,
    number or URL, "" where none was given; options: what followed (a flag such as `loop` has the value "").
    """

    kind: str
    target: str = ""
    options: Mapping[str, str] = field(default_factory=_no_options)

    def __str__(self) -> str:
        """The text that `parse_camera` reads."""
        head = f"{self.kind}:{self.target}" if self.target else self.kind
        return ",".join([head, *(f"{key}={value}" if value else key for key, value in self.options.items())])


class FrameCameraKind(StrEnum):
    """What `--rgb` and `--thermal` may name."""

    NONE = "none"
    SIM = "sim"
    NUMBER = "number"
    DEVICE = "device"
    FILE = "file"
    URL = "url"


@dataclass(frozen=True)
class FrameCameraSpec:
    """A frame camera as the user named it; target: the number, device, file or URL as text, "" for none and sim."""

    kind: FrameCameraKind
    target: str = ""

    def __str__(self) -> str:
        """The text that `parse_frame_camera` reads."""
        return self.target or self.kind.value


def parse_camera(text: str) -> CameraSpec:
    """Read `kind[:target][,option=value...]`; raises CameraSpecError. A kind nobody registered is refused on opening."""
    match = _KIND.fullmatch(text)
    if not match:
        raise CameraSpecError(f"The camera {text!r} begins with no kind; {_hint(text)}.")
    kind, separator, rest = match[1], match[2], match[3] or ""
    if separator == ":" and not rest:
        raise CameraSpecError(f"The camera {text!r} has nothing after the colon; write for example one of {EXAMPLES}.")
    if kind == "network":
        return _network(text, rest if separator == ":" else "")
    if kind in ("sim", "davis"):
        return _with_options(text, kind, rest, has_target=separator == ":")
    return _with_file(text, kind, rest, has_target=separator == ":")


def bias_options(options: Mapping[str, str], preset: BiasPreset, biases: Mapping[str, CoarseFine]) -> dict[str, str]:
    """A camera's options with these biases in place of those that it had, as `davis:` and `sim:` take them.

    biases: single ones over the preset; the preset `default` is not written out.
    """
    kept = {name: value for name, value in options.items() if name not in ("bias", *PIXEL_BIASES)}
    named = {} if preset is BiasPreset.DEFAULT else {"bias": preset.value}
    return {**kept, **named, **{name: f"{coarse}/{fine}" for name, (coarse, fine) in sorted(biases.items())}}


def with_biases(text: str, preset: BiasPreset, biases: Mapping[str, CoarseFine]) -> str:
    """The camera `text` as it is to be named so that it opens with these biases; raises CameraSpecError."""
    spec = parse_camera(text)
    return str(CameraSpec(spec.kind, spec.target, bias_options(spec.options, preset, biases)))


def _hint(text: str) -> str:
    if text.endswith(".aedat4"):
        return f"to play a recording write replay:{text}"
    return f"write for example one of {EXAMPLES}"


def _with_options(text: str, kind: str, rest: str, *, has_target: bool) -> CameraSpec:
    parts = rest.split(",") if rest else []
    target = parts.pop(0) if has_target else ""
    if "=" in target:
        raise CameraSpecError(f"The camera {text!r} has an option after the colon; write {kind},{target} instead.")
    if kind == "sim" and target and not re.fullmatch(r"[0-9]{1,18}", target):
        raise CameraSpecError(f"The seed {target!r} of the simulated camera is not a whole number; write for example sim:7.")
    return CameraSpec(kind, target, _options(text, parts))


def _options(text: str, parts: list[str]) -> Mapping[str, str]:
    options: dict[str, str] = {}
    for part in parts:
        key, equals, value = part.partition("=")
        if not (equals and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]*", key) and value):
            raise CameraSpecError(
                f"The option {part!r} of the camera {text!r} is not of the form name=value; write for example "
                "davis:00000104,bias=low_light."
            )
        if key in options:
            raise CameraSpecError(
                f"The option {key!r} is given twice in the camera {text!r}; keep one, for example {key}={value}."
            )
        options[key] = value
    return MappingProxyType(options)


def _with_file(text: str, kind: str, rest: str, *, has_target: bool) -> CameraSpec:
    target, options = rest if has_target else "", dict[str, str]()
    while flag := next((name for name in FILE_FLAGS.get(kind, ()) if target.endswith("," + name)), None):
        target, options[flag] = target.removesuffix("," + flag), ""
    if kind in ("replay", "webcam") and not target:
        example = {"replay": "replay:take.aedat4", "webcam": "webcam:0"}[kind]
        raise CameraSpecError(f"The camera {text!r} does not say which file or device; write for example {example}.")
    if rest and not has_target:
        raise CameraSpecError(f"The camera {text!r} has a comma after its kind; write for example {kind}:0.")
    return CameraSpec(kind, target, MappingProxyType(options))


def _network(text: str, rest: str) -> CameraSpec:
    address, *parts = rest.split(",")
    options = _options(text, parts)
    for name, value in options.items():
        if name not in NETWORK_STREAMS:
            raise CameraSpecError(
                f"The network camera {text!r} has no option {name!r}; name the ports of other streams with frames=, imu= "
                "and triggers=, for example network:192.168.0.5:7777,frames=7778."
            )
        _check_endpoint(text, value)
    if not address.startswith("/"):
        host, port = split_address(address)
        if not host or not _is_port(port):
            raise CameraSpecError(
                f"The network camera {text!r} does not give a host and a port between 1 and {MAX_PORT}; write for example "
                "network:192.168.0.5:7777, network:[fe80::1]:7777 or network:/run/camera.sock."
            )
    return CameraSpec("network", address, options)


def _check_endpoint(text: str, value: str) -> None:
    if not (value.startswith("/") or _is_port(value)):
        raise CameraSpecError(
            f"The network camera {text!r} gives {value!r} where a port between 1 and {MAX_PORT} is needed; write for example "
            "network:192.168.0.5:7777,frames=7778."
        )


def _is_port(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9]{1,5}", text)) and 1 <= int(text) <= MAX_PORT


def split_address(address: str) -> tuple[str, str]:
    """`host:port` or `[v6]:port` to (host without brackets, port as text), ("", "") when it is neither."""
    if match := _BRACKETED.fullmatch(address):
        return match[1], match[2] or ""
    host, colon, port = address.rpartition(":")
    return (host, port) if colon and ":" not in host and not set(host) & set("[] /") else ("", "")


def parse_frame_camera(text: str) -> FrameCameraSpec:
    """Read what `--rgb` or `--thermal` names: a number, a device, a file, a URL, `sim` or `none`; raises CameraSpecError."""
    if text in (FrameCameraKind.NONE, FrameCameraKind.SIM):
        return FrameCameraSpec(FrameCameraKind(text))
    if not text.strip() or re.fullmatch(r"-[0-9]+", text):
        raise CameraSpecError(
            f"The frame camera {text!r} is no number, device, file or URL; write for example 0, /dev/video2, face.mp4 or none."
        )
    if re.fullmatch(r"[0-9]{1,4}", text):
        return FrameCameraSpec(FrameCameraKind.NUMBER, text)
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text):
        return FrameCameraSpec(FrameCameraKind.URL, text)
    return FrameCameraSpec(FrameCameraKind.DEVICE if text.startswith("/dev/") else FrameCameraKind.FILE, text)
