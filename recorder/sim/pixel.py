"""The event pixel: pictures of linear light in, events with microsecond time stamps and their causes out. Knows no camera,
no scene and no script.

The model is that of v2e: Hu, Liu, Delbruck, v2e: From Video Frames to Realistic DVS Events, CVPR Workshops 2021, with the
constants of its code (SensorsINI/v2e, v2ecore/emulator.py and emulator_utils.py). Where it differs, on purpose:

- The log intensity moves in a straight line from one picture to the next, and a crossing has the time at which that line
  meets the threshold. v2e spreads the events of a frame over as many instants as its busiest pixel has events.
- The low-pass answers that line exactly. v2e takes one Euler step to the new picture, clipped at 1, which is an infinite
  bandwidth wherever a frame is longer than the time constant. In between two pictures the answer counts as straight.
- Shot noise is a Poisson process with a time of its own for each event; v2e draws at most one per frame at its last instant.
- Leak jitter is drawn anew for each leak event; v2e draws it per frame, so that it averages out at high frame rates. The
  phase of the leak is random at the start: otherwise a quiet pixel would give no leak event before 1 / leak_rate_hz.
- During the refractory period the pixel is held in reset and memorises the light at its end; v2e keeps the level of the
  crossing, and emits afterwards what it held back (a flaw that its own comments tell).
- Hot pixels and mains flicker are not in v2e.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from math import isfinite, log, log10, pi, sin
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protocol.errors import GlimpseError
from protocol.streams import EVENT_DTYPE, Array
from recorder.sim import pixel_kernels as kernels
from recorder.sources.davis_biases import PRESETS as BIAS_PRESETS
from recorder.sources.davis_biases import BiasPreset, CoarseFine, relative_current

THRESHOLD_MIN = 0.01  # v2e, emulator.py, _init: thresholds are clamped there
LEAK_SPREAD_DECADES = 0.1  # v2e, emulator.py, noise_rate_cov_decades: log-normal spread of the leak over the pixels
FLICKER_STEPS = 8  # chords that draw a period of the flicker, its extremes among their ends
COUNTING_SORT_MAX_US = 100_000
STEP_MAX_US = 2**31 - 1  # times within a step are int32
SHOT_MAX_HZ = 130.0  # what the bus of a DAVIS346 has for each pixel: 12 Mev/s over 346 x 260
BANDWIDTH_SHARE = 3.0  # at the default biases the photoreceptor is this much faster than its source follower: chosen

Causes = NDArray[np.uint8]


class PixelError(GlimpseError, ValueError):
    """A parameter or a picture that the pixel cannot work with."""


class Cause(IntEnum):
    """Why an event came: light, the leaking switch, shot noise, or a hot pixel."""

    SIGNAL = 0
    LEAK = 1
    SHOT = 2
    HOT = 3


@dataclass(frozen=True)
class PixelParams:
    """The pixel's parameters, in v2e's units.

    on_threshold, off_threshold (v2e pos_thres, neg_thres) and threshold_sigma (sigma_thres, over the pixels): natural log
    units; cutoff_hz: corner of the photoreceptor at full intensity, 0 is infinitely fast; leak_rate_hz: leak events per
    second and pixel; shot_noise_rate_hz: of a black pixel, a white one has a quarter; refractory_us (refractory_period):
    dead time after an event; hot_pixel_fraction: share of the pixels that give hot_pixel_rate_hz ON events on top;
    flicker_hz: frequency of the light, twice that of the mains; flicker_depth: (max - min) / (max + min), below 1.

    The defaults are chosen for a DAVIS346 in a lit room: thresholds and corner as v2e's documentation uses them, leak and
    shot noise together some 0.2 events per second and pixel.
    """

    on_threshold: float = 0.2
    off_threshold: float = 0.2
    threshold_sigma: float = 0.03
    cutoff_hz: float = 200.0
    leak_rate_hz: float = 0.1
    shot_noise_rate_hz: float = 0.15
    refractory_us: float = 100.0
    hot_pixel_fraction: float = 0.0002
    hot_pixel_rate_hz: float = 20.0
    flicker_hz: float = 0.0
    flicker_depth: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        for field in fields(self):
            _check(field.name, getattr(self, field.name))


_UPPER = {"hot_pixel_fraction": 1.0, "flicker_depth": 0.99}


def _check(name: str, value: float) -> None:
    lowest = THRESHOLD_MIN if name in ("on_threshold", "off_threshold") else 0.0
    highest = _UPPER.get(name, float("inf"))
    if not isfinite(value) or not lowest <= value <= highest:
        span = f"{lowest:g} or more" if highest == float("inf") else f"between {lowest:g} and {highest:g}"
        raise PixelError(f"The event pixel's {name} is {value:g}: give a number that is {span}.")


_CLEAN = PixelParams(0.2, 0.2, 0.02, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

# v2e_clean, v2e_noisy: v2e, emulator.py, set_dvs_params. spiking_fer: the v2e options that the Spiking-FER data were made with.
PRESETS: Mapping[str, PixelParams] = MappingProxyType(
    {
        "davis346": PixelParams(),
        "v2e_clean": _CLEAN,
        "v2e_noisy": replace(_CLEAN, threshold_sigma=0.05, cutoff_hz=30.0, leak_rate_hz=0.1, shot_noise_rate_hz=5.0),
        "spiking_fer": _CLEAN,
    }
)
V2E_CLEAN, V2E_NOISY, SPIKING_FER = PRESETS["v2e_clean"], PRESETS["v2e_noisy"], PRESETS["spiking_fer"]


def params_for_biases(biases: Mapping[str, CoarseFine], base: PixelParams | None = None) -> PixelParams:
    """What bias currents make of `base`, which is the pixel at the preset `default`. Biases left out keep that preset's value.

    Thresholds follow ln(I_on / I_diff) and ln(I_diff / I_off) (see davis_biases.py); leak events come as often as the leak
    current fills the ON threshold; the corner is that of photoreceptor and source follower in series, each proportional to
    its bias; the refractory period is inversely proportional to its bias; shot noise follows thresholds and corner.
    """
    base = base or PixelParams()
    now, usual = ({**_DEFAULT_BIASES, **given} for given in (biases, {}))
    on, off = (max(base_level * _ratio(now, usual, *pair), THRESHOLD_MIN) for base_level, pair in _threshold_pairs(base))
    cutoff = base.cutoff_hz * _bandwidth(now, usual)
    return replace(
        base,
        on_threshold=on,
        off_threshold=off,
        cutoff_hz=cutoff,
        leak_rate_hz=base.leak_rate_hz * base.on_threshold / on,
        shot_noise_rate_hz=_shot_rate(base, min(on, off), cutoff),
        refractory_us=base.refractory_us * _current(usual["Refractory"]) / _current(now["Refractory"]),
    )


_DEFAULT_BIASES = BIAS_PRESETS[BiasPreset.DEFAULT].biases


def _current(bias: CoarseFine) -> float:
    """Relative current; fine 0 counts as half a step, since leakage flows even then."""
    coarse, fine = bias
    return relative_current((coarse, fine)) or relative_current((coarse, 1)) / 2


def _threshold_pairs(base: PixelParams) -> tuple[tuple[float, tuple[str, str]], ...]:
    return (base.on_threshold, ("On", "Diff")), (base.off_threshold, ("Diff", "Off"))


def _ratio(now: Mapping[str, CoarseFine], usual: Mapping[str, CoarseFine], high: str, low: str) -> float:
    return log(_current(now[high]) / _current(now[low])) / log(_current(usual[high]) / _current(usual[low]))


def _bandwidth(now: Mapping[str, CoarseFine], usual: Mapping[str, CoarseFine]) -> float:
    """Corner relative to that at the default biases: two poles in series, their inverse squares added."""
    receptor, follower = (_current(now[n]) / _current(usual[n]) for n in ("Photoreceptor", "PhotoreceptorSourceFollower"))
    share = 1 / BANDWIDTH_SHARE**2
    return float(((1 + share) / (follower**-2 + share * receptor**-2)) ** 0.5)


def _shot_rate(base: PixelParams, threshold: float, cutoff_hz: float) -> float:
    """Shot noise rate where the noise voltage is that of `base` and thresholds and corner are others."""
    if base.shot_noise_rate_hz == 0 or base.cutoff_hz == 0:  # no noise, or no corner to relate it to
        return base.shot_noise_rate_hz
    usual = log10(base.shot_noise_rate_hz / base.cutoff_hz / 2)
    wanted = _log_threshold(usual) + log10(threshold / min(base.on_threshold, base.off_threshold))
    low, high = -9.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if _log_threshold(middle) > wanted else (low, middle)
    return float(max(min(2 * cutoff_hz * 10**low, SHOT_MAX_HZ), 0.0))


def _log_threshold(log_rate: float) -> float:
    """log10(threshold / noise voltage) of log10(ON noise rate / corner): falls throughout.

    Fit in v2e, emulator_utils.py, to Graca and Delbruck, Unraveling the paradox of intensity-dependent DVS pixel noise
    (2021, arXiv 2109.08640), fig. 3.
    """
    return -0.0026 * log_rate**3 - 0.036 * log_rate**2 - 0.1949 * log_rate + 0.321


class EventPixels:
    """A sensor of event pixels. One seed is one sensor: its mismatch, its hot pixels and its noise."""

    def __init__(self, size: tuple[int, int], params: PixelParams, seed: int) -> None:
        """Make the sensor; size: (width, height) in pixels."""
        if min(size) < 1:
            raise PixelError(f"An event sensor of {size[0]} x {size[1]} pixels cannot be: give a width and a height above 0.")
        self._size, self._params = size, params
        self._n = size[0] * size[1]
        self._room = -(-self._n // 8) * 8  # flags are scanned eight at a time
        self._draw_pattern(np.random.default_rng(seed))
        self._allocate()
        self._began_us: int | None = None
        self._apply()

    def _draw_pattern(self, rng: np.random.Generator) -> None:
        """What manufacture gave each pixel; independent of the parameters, so that it stays when they change."""
        self._z_on, self._z_off, self._z_leak = rng.standard_normal((3, self._n))
        self._hot_order = rng.permutation(self._n).astype(np.int32)
        self._leak_phase = rng.random(self._n)
        self._waits = rng.standard_exponential((2, self._n)).astype(np.float32)
        self._random = rng.integers(0, 2**63, 1, np.uint64)

    def _allocate(self) -> None:
        self._scene, self._scene_next, self._light, self._light_next, self._filtered, self._filtered_next, self._intensity = (
            np.zeros((7, self._n), np.float32)
        )
        self._scene_is_light = False  # unless it flickers, `_scene` is not kept up to date
        self._values = np.zeros((kernels.ROWS, self._n), np.float32)
        self._times = np.zeros((2, self._n))
        self._values[kernels.SHOT_LEFT], self._hot_left = self._waits
        self._flags = np.zeros(self._room, np.uint8)
        self._words = self._flags.view(np.uint64)
        listed, aside, resting = np.zeros((3, self._room + 8), np.int32)
        self._work = kernels.Work(listed, aside, resting, np.empty((3, self._n), np.int32))
        self._progress = np.zeros(5, np.int32)

    def _apply(self) -> None:
        """Per-pixel values of the present parameters."""
        p = self._params
        on, off = (
            np.maximum(nominal + p.threshold_sigma * z, THRESHOLD_MIN)
            for nominal, z in ((p.on_threshold, self._z_on), (p.off_threshold, self._z_off))
        )
        shot_on, shot_off = p.on_threshold / on, p.off_threshold / off  # v2e: the lower the threshold, the noisier
        leak = p.leak_rate_hz * 10 ** (LEAK_SPREAD_DECADES * self._z_leak) * on
        hot = np.full(self._n, -1, np.int32)
        self._hot = self._hot_order[: round(p.hot_pixel_fraction * self._n) if p.hot_pixel_rate_hz else 0]
        hot[self._hot] = np.arange(len(self._hot), dtype=np.int32)
        self._values[[kernels.ON, kernels.OFF, kernels.LEAK_MEAN, kernels.LEAK]] = on, off, leak, leak
        self._values[[kernels.SHOT_WEIGHT, kernels.SHOT_ON]] = shot_on + shot_off, shot_on / (shot_on + shot_off)
        self._pixels = kernels.Pixels(self._values, self._times, hot, self._hot_left)

    @property
    def params(self) -> PixelParams:
        """The present parameters; set them at any time, they hold from the time reached so far."""
        return self._params

    @params.setter
    def params(self, params: PixelParams) -> None:
        if self._params.leak_rate_hz == 0 and self._began_us is not None:  # the leak begins now: it has no past to answer for
            self._times[kernels.RESET] = self._now_us - self._began_us
        self._params = params
        self._apply()

    @property
    def thresholds(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """ON and OFF thresholds of each pixel, float32 [H, W], natural log units."""
        shape = self._size[::-1]
        return self._values[kernels.ON].reshape(shape).copy(), self._values[kernels.OFF].reshape(shape).copy()

    def start(self, image: ArrayLike, t_us: int) -> None:
        """Adapt to an image (float32 [H, W], linear, 0..255) at event time t_us: no events."""
        (flat,) = self._pictures(image)
        self._began_us = self._now_us = t_us
        kernels.lin_log(flat, self._scene)
        self._light[:], self._scene_is_light = self._scene, False
        if self._flickers():
            kernels.illuminate(self._scene, self._scene, 0.0, self._gain(t_us), self._light, self._intensity)
        self._filtered[:] = self._light
        self._settle()

    def _settle(self) -> None:
        """As after a long time in that light: nothing but the leak has moved, each pixel's by a random share of its way."""
        leaking = self._params.leak_rate_hz > 0
        contrast = self._leak_phase * self._values[kernels.ON] if leaking else np.zeros(self._n)
        self._values[kernels.CONTRAST] = contrast
        self._times[kernels.RESET] = -1e6 * (contrast / self._values[kernels.LEAK] if leaking else 1.0)
        self._times[kernels.DEAD] = 0.0
        self._progress[:] = 0

    def step(self, images: ArrayLike, end_us: int) -> tuple[Array, Causes]:
        """Events (EVENT_DTYPE [n], in order of time, in (time so far, end_us]) and the cause of each (`Cause`, uint8 [n]).

        images: float32 [M, H, W] or [H, W], linear, 0..255: the light at the ends of M equal parts of the time from the one
        reached so far to end_us; from one to the next the log intensity moves in a straight line.
        """
        pictures = self._pictures(images)
        begin_us = self._begin(end_us, len(pictures))
        ends = [begin_us + (end_us - begin_us) * (k + 1) // len(pictures) for k in range(len(pictures))]
        parts = [part for flat, part_end in zip(pictures, ends, strict=True) for part in self._between(flat, part_end)]
        return _joined(parts)

    def _begin(self, end_us: int, parts: int) -> int:
        if self._began_us is None:
            raise PixelError("The event pixel has seen no light yet: start it with a picture before its first step.")
        if end_us - self._now_us < parts:
            raise PixelError(
                f"A step of the event pixel from {self._now_us} to {end_us} us is too short: each picture needs 1 us or more."
            )
        if end_us - self._now_us > STEP_MAX_US:
            raise PixelError(f"A step of the event pixel from {self._now_us} to {end_us} us is too long: make it half an hour.")
        return self._now_us

    def _pictures(self, images: ArrayLike) -> NDArray[np.float32]:
        """float32 [M, n], finite and not negative."""
        pictures = np.ascontiguousarray(images, np.float32)
        width, height = self._size
        if pictures.ndim not in (2, 3) or pictures.shape[-2:] != (height, width) or len(pictures) == 0:
            raise PixelError(
                f"A picture for the event pixel has the shape {pictures.shape}: give [{height}, {width}], or some of them."
            )
        flat = pictures.reshape(-1, self._n)
        if not kernels.plausible(flat.reshape(-1)):
            raise PixelError("A picture for the event pixel has values below 0 or none at all (NaN, infinity): give 0 to 255.")
        return flat

    def _gain(self, t_us: int) -> float:
        """Illumination at t_us relative to its mean."""
        p = self._params
        return 1.0 + p.flicker_depth * sin(2 * pi * (t_us * p.flicker_hz % 1e6) * 1e-6) if self._flickers() else 1.0

    def _flickers(self) -> bool:
        return self._params.flicker_hz > 0 and self._params.flicker_depth > 0

    def _between(self, flat: NDArray[np.float32], end_us: int) -> list[tuple[Array, Causes]]:
        """Events until the next picture."""
        if self._flickers():
            return self._flickering(flat, end_us)
        kernels.lin_log(flat, self._light_next)
        self._scene_is_light = True
        return [self._expose(flat, end_us)]

    def _flickering(self, flat: NDArray[np.float32], end_us: int) -> list[tuple[Array, Causes]]:
        if self._scene_is_light:
            self._scene[:], self._scene_is_light = self._light, False
        kernels.lin_log(flat, self._scene_next)
        begin_us, parts = self._now_us, []
        for now_us in self._flicker_ends(end_us):
            share = (now_us - begin_us) / (end_us - begin_us)
            kernels.illuminate(self._scene, self._scene_next, share, self._gain(now_us), self._light_next, self._intensity)
            parts.append(self._expose(self._intensity, now_us))
        self._scene, self._scene_next = self._scene_next, self._scene
        return parts

    def _flicker_ends(self, end_us: int) -> list[int]:
        """Ends of sub-steps so short that the flicker is a curve: on a grid of phases that has its extremes."""
        chord_us = 1e6 / (FLICKER_STEPS * self._params.flicker_hz)
        first, last = int(self._now_us / chord_us), int(end_us / chord_us) + 1
        inner = {round(k * chord_us) for k in range(first, last + 1)}
        return sorted({t for t in inner if self._now_us < t < end_us} | {end_us})

    def _expose(self, intensity: NDArray[np.float32], end_us: int) -> tuple[Array, Causes]:
        """Events while the light goes from `_light` to `_light_next`."""
        p, begin_us, length_us = self._params, self._now_us, end_us - self._now_us
        since_us = begin_us - (self._began_us or 0)
        step = kernels.Interval(float(since_us), length_us, p.shot_noise_rate_hz, p.hot_pixel_rate_hz, float(p.refractory_us))
        self._filter(intensity, length_us)
        change = kernels.Change(self._filtered, self._filtered_next, intensity)
        kernels.integrate(self._pixels, step, change, self._flags)
        kernels.flag_hot(self._pixels, step, self._hot, self._flags)
        count = self._fire(step, change)
        self._now_us = end_us
        self._light, self._light_next = self._light_next, self._light
        self._filtered, self._filtered_next = self._filtered_next, self._filtered
        return self._sorted(count, begin_us, length_us)

    def _filter(self, intensity: NDArray[np.float32], length_us: int) -> None:
        omega_s = 2 * pi * self._params.cutoff_hz * length_us * 1e-6
        if omega_s == 0:
            self._filtered_next[:] = self._light_next
        else:
            kernels.low_pass(self._light, self._light_next, intensity, omega_s, self._filtered, self._filtered_next)

    def _fire(self, step: kernels.Interval, change: kernels.Change) -> int:
        """How many events there are in `_work.found`, which grows as needed."""
        progress = self._progress
        self._flags[self._work.resting[: progress[kernels.REST]]] = kernels.RINGS
        progress[:] = 0
        progress[kernels.LISTED] = kernels.list_flagged(self._flags, self._words, self._work.listed)
        while not kernels.cross(self._pixels, step, change, self._flags, self._work, progress, self._random):
            self._grow()
        while not kernels.fire(self._pixels, step, change, self._work, progress, self._random):
            self._grow()
        return int(progress[kernels.COUNT])

    def _grow(self) -> None:
        found = self._work.found
        self._work = self._work._replace(found=np.concatenate([found, np.empty_like(found)], axis=1))

    def _sorted(self, count: int, begin_us: int, length_us: int) -> tuple[Array, Causes]:
        if length_us <= COUNTING_SORT_MAX_US:
            indices = kernels.by_time(self._work.found, count, length_us)
        else:
            indices = np.argsort(self._work.found[kernels.OFFSET, :count], kind="stable")
        events, causes = np.zeros(count, EVENT_DTYPE), np.empty(count, np.uint8)
        kernels.write(self._work.found, indices, begin_us, self._size[0], events, causes)
        return events, causes


def _joined(parts: list[tuple[Array, Causes]]) -> tuple[Array, Causes]:
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([events for events, _ in parts]), np.concatenate([causes for _, causes in parts])
