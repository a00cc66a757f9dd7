"""What may be set about capture and writing, with the reason of each default. Read from YAML; unknown keys are refused."""

from typing import Literal

import yaml
from pydantic import ConfigDict, Field, ValidationError

from protocol.errors import GlimpseError
from protocol.schema import Strict, describe


class SettingsError(GlimpseError):
    """A settings file that cannot be used."""


class FrameCameraSettings(Strict):
    """What may be set of a colour or thermal camera. None: as the camera has it."""

    width: int | None = Field(None, gt=0, description="Pixels; with height.")
    height: int | None = Field(None, gt=0, description="Pixels; with width.")
    fps: float | None = Field(None, gt=0, description="Pictures a second asked of a device; of files without times, how fast.")
    fourcc: str | None = Field(None, min_length=4, max_length=4, description="Pixel format asked of a device, as MJPG or YUYV.")
    freeze: bool = Field(True, description="Hold exposure, gain, white balance and focus after settling.")
    settle_frames: int = Field(30, ge=0, description="Pictures thrown away before they are held: 1 s at 30 a second.")
    queue_frames: int = Field(
        60, ge=1, description="Pictures that may wait to be read; then the oldest are dropped and counted."
    )
    open_timeout_s: float = Field(5.0, gt=0, description="How long a network camera may take to answer.")
    read_timeout_s: float = Field(3.0, gt=0, description="A network camera silent for this long is lost.")


class RecorderSettings(Strict):
    """Settings of the capture process."""

    model_config = ConfigDict(allow_inf_nan=False)

    stall_ms: int = Field(500, ge=10, description="A stream silent for this long is a stall, and said.")
    stall_end_s: float = Field(5.0, gt=0, description="A camera silent for this long ends the take.")
    first_data_s: float = Field(5.0, gt=0, description="How long a started camera may take to give its first data.")
    queue_s: float = Field(4.0, gt=0, description="How long a packet may wait for the disk before the take ends.")
    queue_bytes: int = Field(1 << 30, ge=1 << 20, description="How many bytes may wait for the disk; 5 s at 12 Mev/s.")
    drain_s: float = Field(10.0, gt=0, description="How long the end of a take waits for a slow disk to take the rest.")
    parent_gone_s: float = Field(12.0, ge=0, description="How long a take goes on after the program that asked for it died.")
    # 15 s at 1.5 Mev/s and 7.7 B/event (random events, LZ4), and half as much again for video.
    take_bytes: int = Field(250_000_000, gt=0, description="Room that one take is expected to need.")
    takes_free: int = Field(3, ge=1, description="A take is refused with less than this many takes' worth of free space.")
    reserve_bytes: int = Field(64 << 20, ge=0, description="A running take stops cleanly when less than this is free.")
    event_ring: int = Field(1 << 21, ge=1 << 10, description="Events kept for readers: 32 MiB, 1 s at 2 Mev/s.")
    frame_ring: int = Field(16, ge=2, description="Pictures of each stream kept for readers.")
    compression: Literal["none", "lz4", "zstd"] = "lz4"
    rgb_crf: int = Field(12, ge=0, le=51, description="H.264 quality: 0 lossless, about 17 visually so, more is smaller.")
    rgb_lossless: bool = False
    rgb: FrameCameraSettings = FrameCameraSettings()
    thermal: FrameCameraSettings = FrameCameraSettings()


def parse_settings(text: str, source: str) -> RecorderSettings:
    """Read settings from YAML; `source` names them in the SettingsError raised for a misspelt or illegal one."""
    try:
        data = yaml.safe_load(text) or {}
        return RecorderSettings.model_validate(data)
    except ValidationError as error:
        raise SettingsError(f"{source}: {describe(error)}; correct the line or remove it.") from error
    except yaml.YAMLError as error:
        raise SettingsError(
            f"{source}: not valid YAML ({' '.join(str(error).split())}); correct it or remove the file."
        ) from error
