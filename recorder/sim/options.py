"""What may be written after `--camera sim:SEED`: the simulated rig's options as data. Knows no world and no camera."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from protocol.errors import GlimpseError
from protocol.movement import EMOTIONS
from recorder.sim.colour_camera import ColourOptions
from recorder.sim.performance import Mistake
from recorder.sim.pixel import PRESETS, PixelParams, params_for_biases
from recorder.sim.thermal_camera import ThermalOptions
from recorder.sources.base import CameraError
from recorder.sources.davis_biases import COARSE_MAX, FINE_MAX, PIXEL_BIASES, BiasPreset, CoarseFine
from recorder.sources.davis_biases import PRESETS as BIAS_PRESETS

MAX_RATE_MEV_S = 50  # four times what a DAVIS346 delivers
FLICKER_DEPTH = 0.3  # a fluorescent tube on a magnetic ballast; LED lamps lie between 0 and 1 (IEEE 1789-2015)
LONGEST_MS = 10_000


def _no_biases() -> Mapping[str, CoarseFine]:
    return MappingProxyType({})


@dataclass(frozen=True)
class SimOptions:
    """Everything that can be asked of the simulated rig.

    head: "builtin", "ict", a file, None for the best there is; take: which take of the subject, for another light and seat and
    other movements in detail; session: takes of one session share the clocks of the frame cameras, which run on from take to
    take, 0: each take has clocks of its own; glasses: None as the subject likes; mistake: made in the take; emotion: a
    combination that is shown instead of the movement that is asked for; intensity, duration_us: bounds of the movement;
    rate_mev_s: events added at random; flicker_hz: of the light, 0 for none; pixel: parameters of the event pixel; bias: which
    preset they stand for.
    """

    head: str | None = None
    take: int = 0
    session: int = 0
    glasses: bool | None = None
    mistake: Mistake | None = None
    emotion: str | None = None
    intensity: tuple[float, float] = (0.2, 1.0)
    duration_us: tuple[int, int] | None = None
    rate_mev_s: float = 0.0
    flicker_hz: float = 0.0
    flicker_depth: float = FLICKER_DEPTH
    bias: BiasPreset = BiasPreset.DEFAULT
    biases: Mapping[str, CoarseFine] = field(default_factory=_no_biases)
    pixel: str = "davis346"
    rgb: ColourOptions = field(default_factory=ColourOptions)
    thermal: ThermalOptions = field(default_factory=ThermalOptions)

    def currents(self) -> dict[str, CoarseFine]:
        """The six biases of the event pixel: the preset's, and the single ones over them."""
        return {**BIAS_PRESETS[self.bias].biases, **self.biases}

    def pixel_params(self) -> PixelParams:
        """The event pixel with these biases under this light."""
        params = params_for_biases(self.currents(), PRESETS[self.pixel])
        if not self.flicker_hz:
            return params
        return replace(params, flicker_hz=self.flicker_hz, flicker_depth=self.flicker_depth)


def parse_options(options: Mapping[str, str]) -> SimOptions:
    """Read `name=value` options. Raises CameraError with the misspelt one and what is legal."""
    unknown = set(options) - {*_READERS, *PIXEL_BIASES}
    if unknown:
        raise CameraError(
            f"sim: unknown option {sorted(unknown)[0]!r}; the simulated rig knows {', '.join(sorted(_READERS))}, fault, "
            f"and the biases {', '.join(PIXEL_BIASES)}."
        )
    found: dict[str, Any] = {}
    try:
        for name, text in options.items():
            if name in _READERS:
                found |= _READERS[name](name, text, found)
        found["biases"] = {name: _bias(name, options[name]) for name in PIXEL_BIASES if name in options}
        return SimOptions(**found)
    except CameraError:
        raise
    except GlimpseError as error:
        raise CameraError(f"sim: {error}") from error


def _number(name: str, text: str, low: float, high: float, what: str = "") -> float:
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text):
        raise CameraError(f"sim: {name}={text} is not a number{what}; write {low:g} to {high:g}.")
    if not low <= float(text) <= high:
        raise CameraError(f"sim: {name}={text} is not between {low:g} and {high:g}{what}; write {low:g} to {high:g}.")
    return float(text)


def _choice(name: str, text: str, legal: Mapping[str, Any]) -> Any:
    if text not in legal:
        raise CameraError(f"sim: {name}={text} means nothing; write {name}={'|'.join(legal)}.")
    return legal[text]


def _range(name: str, text: str, low: float, high: float) -> tuple[float, float]:
    ends = text.split("..")
    if len(ends) > 2:
        raise CameraError(f"sim: {name}={text} is no range; write for example {name}={low:g}..{high:g}.")
    first, last = (_number(name, end, low, high) for end in (ends[0], ends[-1]))
    if first > last:
        raise CameraError(f"sim: {name}={text} begins above its end; write {name}={last:g}..{first:g}.")
    return first, last


def _bias(name: str, text: str) -> CoarseFine:
    match = re.fullmatch(r"(\d)/(\d{1,3})", text)
    if not match or int(match[1]) > COARSE_MAX or int(match[2]) > FINE_MAX:
        raise CameraError(
            f"sim: {name}={text} is no bias; write COARSE/FINE up to {COARSE_MAX}/{FINE_MAX}, such as {name}=5/200."
        )
    return int(match[1]), int(match[2])


def _colour(found: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    return {"rgb": replace(found.get("rgb", ColourOptions()), **changes)}


def _thermal(found: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    return {"thermal": replace(found.get("thermal", ThermalOptions()), **changes)}


def _duration(name: str, text: str) -> tuple[int, int]:
    low, high = _range(name, text, 20, LONGEST_MS)
    return round(low * 1000), round(high * 1000)


_EMOTIONS = {emotion.token: emotion.token for emotion in EMOTIONS}
_MISTAKES = {mistake.value: mistake for mistake in Mistake}
_READERS: Mapping[str, Any] = {
    "head": lambda name, text, _: {"head": text},
    "take": lambda name, text, _: {"take": int(_number(name, text, 0, 999_999))},
    "session": lambda name, text, _: {"session": int(_number(name, text, 0, 999_999))},
    "glasses": lambda name, text, _: {"glasses": _choice(name, text, {"on": True, "off": False})},
    "mistake": lambda name, text, _: {"mistake": _choice(name, text, _MISTAKES)},
    "emotion": lambda name, text, _: {"emotion": _choice(name, text, _EMOTIONS)},
    "intensity": lambda name, text, _: {"intensity": _range(name, text, 0.02, 1)},
    "duration_ms": lambda name, text, _: {"duration_us": _duration(name, text)},
    "rate": lambda name, text, _: {"rate_mev_s": _number(name, text, 0, MAX_RATE_MEV_S, " of millions of events per second")},
    "flicker": lambda name, text, _: {"flicker_hz": _number(name, text, 0, 1000)},
    "flicker_depth": lambda name, text, _: {"flicker_depth": _number(name, text, 0, 0.95)},
    "bias": lambda name, text, _: {"bias": _choice(name, text, {preset.value: preset for preset in BiasPreset})},
    "pixel": lambda name, text, _: {"pixel": _choice(name, text, {preset: preset for preset in PRESETS})},
    "rgb_fps": lambda name, text, found: _colour(found, fps=_number(name, text, 1, 240)),
    "rgb_drop": lambda name, text, found: _colour(found, drop_share=_number(name, text, 0, 1)),
    "thermal_fps": lambda name, text, found: _thermal(found, fps=_number(name, text, 1, 30)),
    "thermal_freeze": lambda name, text, found: _thermal(found, ffc_first_s=_number(name, text, 0, 86_400)),
}
