"""How the rig of a data set is set up, so that all sessions are recorded alike: `rig.json`, and what is different now.

Knows no camera: what is plugged in is handed in as a manifest tells of it.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from protocol.errors import GlimpseError
from protocol.manifest import Device
from protocol.schema import Day, Instant, Part, SchemaError, Versioned
from protocol.script import Script
from protocol.streams import Stream
from recorder.dataset import RIG_FILE
from recorder.host import write_atomic
from recorder.sources.davis_biases import PRESETS, BiasPreset

ROLES: Mapping[str, str] = {Stream.EVENTS: "event camera", Stream.RGB: "colour camera", Stream.THERMAL: "thermal camera"}
# Of these settings a difference means nothing: what is replayed, and who a simulated subject is.
PASSING = ("options", "head", "file", "loop")
DERIVED = "pixel"  # what the simulated pixel makes of its biases: told by these
ALIKE = 0.01  # share by which a number may differ: cameras round what they are set to, as exposures to lines
SHOWN_VALUE = 60  # letters of a value in a sentence


class RigProfileError(GlimpseError):
    """A profile that cannot be read or written."""


class ProfiledStream(Part):
    """A stream of the rig. device: index into `RigProfile.devices`; resolution: (width, height); fps: None where not told."""

    device: int
    resolution: tuple[int, int] | None = None
    fps: float | None = None


class LensMethod(StrEnum):
    """How a focal length was found."""

    FACE = "face"
    PATTERN = "pattern"
    CHECKERBOARD = "checkerboard"


class LensCalibration(Part):
    """A camera's focal length in pixels of pictures of this size. spread_px: standard deviation; taken_on: ISO 8601 date.

    count: pictures that it rests on; resolution: (width, height), None where any size will do.
    """

    stream: Stream
    focal_px: Annotated[float, Field(gt=0)]
    spread_px: Annotated[float, Field(ge=0)]
    method: LensMethod
    taken_on: str
    resolution: tuple[int, int] | None = None
    count: int = 1

    @property
    def sentence(self) -> str:
        """What the operator reads."""
        share = 100 * self.spread_px / self.focal_px
        return f"The focal length is {self.focal_px:.0f} +- {self.spread_px:.0f} pixels ({share:.1f} %, {self.count} pictures)."

    def fits(self, resolution: tuple[int, int] | None) -> bool:
        """Whether it holds for pictures of this size."""
        return self.resolution is None or resolution is None or tuple(self.resolution) == tuple(resolution)


class HotPixels(Part):
    """Pixels of the event camera that fire without cause. pixels: (x, y); serial: of the camera they were found on."""

    pixels: tuple[tuple[int, int], ...]
    found_on: Day
    serial: str | None = None


class RigProfile(Versioned):
    """`rig.json`. cameras: "camera", "rgb", "thermal" -> specification as on the command line; devices, streams: as they were
    when the profile was stored; lenses: by stream; distance_mm: nearest and farthest face; script_sha256: see `script_hash`.
    """

    SCHEMA: ClassVar[str] = "glimpse.rig"
    VERSION: ClassVar[tuple[int, int]] = (1, 0)

    cameras: Mapping[str, str] = Field(default_factory=dict)
    devices: tuple[Device, ...] = ()
    streams: Mapping[str, ProfiledStream] = Field(default_factory=dict)
    lenses: Mapping[str, LensCalibration] = Field(default_factory=dict)
    hot_pixels: HotPixels | None = None
    distance_mm: tuple[int, int] | None = None
    script_name: str | None = None
    script_sha256: str | None = None
    stored_at: Instant | None = None


class OpenStream(Protocol):
    """A stream of an open camera, as the capture process reports it."""

    @property
    def device(self) -> int:
        """Index into the devices."""

    @property
    def resolution(self) -> tuple[int, int] | None:
        """(width, height) in pixels."""

    @property
    def fps(self) -> float | None:
        """Pictures a second as the camera was set."""


def profile_of(
    cameras: Mapping[str, str],
    devices: Sequence[Device],
    streams: Mapping[str, OpenStream],
    script: Script | None = None,
    base: RigProfile | None = None,
) -> RigProfile:
    """The profile of a rig as it is now. base: the one before, whose lenses, hot pixels and distance are kept."""
    values: dict[str, Any] = {
        "cameras": dict(cameras),
        "devices": tuple(devices),
        "streams": {
            name: ProfiledStream(device=stream.device, resolution=stream.resolution, fps=stream.fps)
            for name, stream in streams.items()
        },
        "stored_at": datetime.now(UTC),
    }
    if script is not None:
        values |= {"script_name": script.name, "script_sha256": script_hash(script), "distance_mm": script.distance_mm}
    return (base or RigProfile()).model_copy(update=values)


def script_hash(script: Script) -> str:
    """SHA-256 of what a script says, whatever its file looks like."""
    return hashlib.sha256(json.dumps(script.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


def profile_hash(profile: RigProfile) -> str:
    """SHA-256 of `rig.json` as `save_profile` writes it: what the manifest of a take keeps of it."""
    return hashlib.sha256(profile.to_json().encode()).hexdigest()


def hot_mask(profile: RigProfile, resolution: tuple[int, int]) -> NDArray[np.bool_]:
    """[H, W], True where a pixel is hot; resolution: (width, height)."""
    mask = np.zeros((resolution[1], resolution[0]), np.bool_)
    for x, y in profile.hot_pixels.pixels if profile.hot_pixels else ():
        if 0 <= x < resolution[0] and 0 <= y < resolution[1]:
            mask[y, x] = True
    return mask


def deviations(
    profile: RigProfile, devices: Sequence[Device], streams: Mapping[str, OpenStream], script: Script | None = None
) -> tuple[str, ...]:
    """A sentence for everything in which the rig differs from its profile; none when all sessions are recorded alike."""
    return tuple(_differences(profile, devices, streams, script))


def _differences(
    profile: RigProfile, devices: Sequence[Device], streams: Mapping[str, OpenStream], script: Script | None
) -> Iterator[str]:
    compared: set[tuple[int, int]] = set()  # devices: one that gives several streams is compared once
    for name, role in ROLES.items():
        then, now = profile.streams.get(name), streams.get(name)
        if then is None and now is None:
            continue
        if now is None or then is None:
            yield _present(role, _device(devices, now), _device(profile.devices, then))
            continue
        one, other = _device(devices, now), _device(profile.devices, then)
        if one and other and (now.device, then.device) not in compared:
            compared.add((now.device, then.device))
            passing = {*PASSING, *(name for name in Stream if name not in profile.streams or name not in streams)}
            yield from _device_differences(role, one, other, passing)
        yield from _stream_differences(role, now, then)
    if script is not None and profile.script_sha256 not in (None, script_hash(script)):
        yield f"The script {script.name!r} is not the one of the profile ({profile.script_name!r}) or was changed since."
    yield from _mask_differences(profile, devices, streams)


def _device(devices: Sequence[Device], stream: OpenStream | None) -> Device | None:
    return devices[stream.device] if stream is not None and 0 <= stream.device < len(devices) else None


def _present(role: str, now: Device | None, then: Device | None) -> str:
    if now is not None:
        return f"There is a {role} ({_called(now)}) that the profile does not have."
    return f"The {role} is missing{f'; the profile has {_called(then)}' if then else ''}."


def _called(device: Device) -> str:
    return f"{device.name}{f' {device.serial}' if device.serial else ''}"


def _device_differences(role: str, now: Device, then: Device, passing: Collection[str]) -> Iterator[str]:
    if (now.kind, now.name) != (then.kind, then.name):
        known = f"{then.name} ({then.kind})"
        yield f"The {role} is {now.name} ({now.kind}) where the profile has {known}."
        return  # its settings are others, too
    if now.serial != then.serial and not now.simulated:
        yield f"The {role} has the serial number {now.serial or 'unknown'} where the profile has {then.serial or 'unknown'}."
    ours, theirs = _flat(now.settings), _flat(then.settings)
    if any(ours.get(key) != theirs.get(key) for key in {*ours, *theirs} if key == "preset" or key.startswith("biases.")):
        passing = {*passing, DERIVED}
    if (presets := _presets(ours, theirs)) is not None:
        yield f"Bias preset: {_words(presets[0])} instead of {_words(presets[1])}."
        ours, theirs = _beside_preset(ours, presets[0]), _beside_preset(theirs, presets[1])
    for key in dict.fromkeys((*theirs, *ours)):
        if key.split(".")[0] not in passing and not _alike(ours.get(key), theirs.get(key)):
            yield f"The {role}'s {_setting(key)} is {_shown(ours.get(key))} where the profile has {_shown(theirs.get(key))}."


def _presets(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> tuple[BiasPreset, BiasPreset] | None:
    """The bias presets now and then, where both are known and they differ."""
    names = ours.get("preset"), theirs.get("preset")
    if names[0] == names[1] or not all(name in list(BiasPreset) for name in names):
        return None
    return BiasPreset(str(names[0])), BiasPreset(str(names[1]))


def _beside_preset(settings: Mapping[str, Any], preset: BiasPreset) -> dict[str, Any]:
    """The settings without the preset and the biases that are as it has them: they differ because it does."""
    usual = {"preset": preset.value, **{f"biases.{name}": list(pair) for name, pair in PRESETS[preset].biases.items()}}
    return {key: value for key, value in settings.items() if usual.get(key) != value}


def _words(preset: BiasPreset) -> str:
    return preset.value.replace("_", " ")


def _setting(key: str) -> str:
    if key.startswith("biases."):
        return f"bias {key.removeprefix('biases.')}"
    return f"setting {key}"


def _flat(settings: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested settings by dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{before}{key}.")
        else:
            flat[f"{before}{key}"] = list(value) if isinstance(value, tuple) else value
    return flat


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool) or not (_is_number(one) and _is_number(other)):
        return bool(one == other)
    return bool(abs(one - other) <= ALIKE * max(abs(one), abs(other)))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _shown(value: Any) -> str:
    if value is None:
        return "not set"
    text = "/".join(map(str, value)) if isinstance(value, list) else f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= SHOWN_VALUE else text[:SHOWN_VALUE] + "..."


def _stream_differences(role: str, now: OpenStream, then: ProfiledStream) -> Iterator[str]:
    if now.resolution != then.resolution:
        yield f"The {role} gives {_size(now.resolution)} pixels where the profile has {_size(then.resolution)}."
    if not _alike(now.fps, then.fps):
        yield f"The {role} gives {_shown(now.fps)} pictures a second where the profile has {_shown(then.fps)}."


def _size(resolution: tuple[int, int] | None) -> str:
    return f"{resolution[0]} x {resolution[1]}" if resolution else "unknown"


def _mask_differences(profile: RigProfile, devices: Sequence[Device], streams: Mapping[str, OpenStream]) -> Iterator[str]:
    camera = _device(devices, streams.get(Stream.EVENTS))
    hot = profile.hot_pixels
    if camera and hot and hot.serial and camera.serial != hot.serial and not camera.simulated:
        yield f"The hot pixels of the profile were found on the camera {hot.serial}; find them anew with the lens cap on."


def load_profile(dataset: Path | str) -> RigProfile | None:
    """The profile of a data set, None where it has none. Raises RigProfileError."""
    path = Path(dataset) / RIG_FILE
    try:
        return RigProfile.parse(path.read_bytes(), str(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RigProfileError(f"{path}: cannot be read ({error.strerror}); check its permissions.") from error
    except SchemaError as error:
        raise RigProfileError(f"{error} Without this file a new profile can be stored.") from error


def save_profile(dataset: Path | str, profile: RigProfile) -> Path:
    """Write `rig.json`; returns its path. Raises RigProfileError."""
    path = Path(dataset) / RIG_FILE
    try:
        write_atomic(path, profile.to_json())
    except OSError as error:
        raise RigProfileError(f"{path}: cannot be written ({error.strerror}); check the disk and the permissions.") from error
    return path
