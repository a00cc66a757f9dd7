"""What is wished of a conversion and what the manifest says of it: v2e's parameter names, the published settings, deviations.

Knows no file.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from recorder.sim.pixel import PRESETS, PixelParams
from recorder.video2events.errors import ConvertError
from recorder.video2events.standard import FaceWish

PUBLISHED_PRESET = "spiking_fer"
PUBLISHED_FPS = 30.0  # v2e's --input_frame_rate in Spiking-FER's command line; used for folders, which carry no times
# Between two pictures: the pixel counts the microseconds of a step in 32 bits. After a longer gap it begins anew.
LONGEST_STEP_US = 1_800_000_000

# v2e's name of each of the pixel's parameters, and the factor to its unit; what v2e does not have keeps our name.
V2E_NAMES = {
    "on_threshold": ("pos_thres", 1.0),
    "off_threshold": ("neg_thres", 1.0),
    "threshold_sigma": ("sigma_thres", 1.0),
    "refractory_us": ("refractory_period", 1e-6),
}
DEVIATIONS = (
    "No slow-motion network: between two pictures the log intensity moves in a straight line.",
    "No automatic timestamp resolution: an event has the time, to 1 us, at which that line meets the threshold.",
    "The times of the pictures are the video's own; a nominal frame rate is used only where there are none.",
)
FACE_DEVIATION = (
    "All pictures are laid on the first by the rotation, scale and shift of nine landmarks that the face moves least, and "
    "share its crop; the published recipe rotates and measures each picture."
)
BOX_DEVIATION = (
    "The crop is the median box of a face detector without landmarks, the same for all pictures, which are not rotated."
)


@dataclass(frozen=True)
class Recipe:
    """How videos are converted.

    face: None leaves the picture as it is; pixel: name of a preset; fps: for pictures without times; colour: keep the source
    pictures as the stream `rgb`; seed: of the pixels' mismatch and noise; frames_folder: where the standardised pictures go.
    """

    face: FaceWish | None = field(default_factory=FaceWish)
    pixel: str = PUBLISHED_PRESET
    fps: float = PUBLISHED_FPS
    colour: bool = True
    seed: int = 1
    frames_folder: Path | None = None


def pixel_params(preset: str) -> PixelParams:
    """The pixel of a preset. Raises ConvertError naming all that there are."""
    if preset not in PRESETS:
        raise ConvertError(f"There is no pixel preset {preset!r}; choose one of {', '.join(PRESETS)}.")
    return PRESETS[preset]


def v2e_parameters(params: PixelParams) -> dict[str, float]:
    """The pixel's parameters under v2e's names and in its units (refractory_period in seconds)."""
    named = {name: V2E_NAMES.get(name, (name, 1.0)) for name in asdict(params)}
    return {named[name][0]: value * named[name][1] for name, value in asdict(params).items()}


def settings(recipe: Recipe, standard: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """What the manifest keeps of a conversion, JSON values. standard: how the pictures were brought to one size."""
    face = () if recipe.face is None else (FACE_DEVIATION,) if standard.get("landmarks") else (BOX_DEVIATION,)
    return {
        "pixel": {"preset": recipe.pixel, "seed": seed, **v2e_parameters(pixel_params(recipe.pixel))},
        "standard": dict(standard),
        "deviations": [*DEVIATIONS, *face],
    }
