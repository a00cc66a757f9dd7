"""A webcam as a sensor: makes 8-bit pictures, stamps and their faults of the radiance that a scenery shows it.

Bayer mosaic of electrons with shot and read noise, vignetting, 12-bit converter, demosaicing, white balance, sRGB curve and
sharpening; rolling shutter, auto-exposure, dropped pictures and late arrival. Knows no world and no script.
"""

from collections import deque
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from protocol.streams import Frame, Stream
from recorder.sim.clocks import Clock, FrameTimer, HostLink, Latency, Schedule, jitter_us
from recorder.sim.lamp import Lamp
from recorder.sim.scenery import Radiance, Scenery, SensorError, Shot, check_between

READOUT_US = 20_000  # of a 480-row rolling shutter at 30 pictures per second, a common webcam
READOUT_SHARE = 0.9  # of the period at most, for higher rates
EXPOSURE_MIN_US, EXPOSURE_MAX_US = 2_000, 25_000
EXPOSURE_SHARE = 0.95  # of the period at most: the next read-out ends it
EXPOSURE_FIRST_US = 8_000.0
GAIN_MAX = 8.0
GAIN_STEP = 1 / 16  # steps of an analogue amplifier

# A quarter-inch sensor with 3 um pixels: chosen within what such sensors' data sheets give.
FULL_WELL_E = 8_000.0
READ_NOISE_E = 4.0
WHITE_E_PER_US = 0.5  # electrons of white paper in nominal light, green pixel
RESPONSE_BGR = (0.62, 1.0, 0.74)  # of the three colours, relative to green
PIXEL_SPREAD = 0.008  # photo response non-uniformity, standard deviation
VIGNETTING = 0.25  # loss of light in the corner
BLUR_SIDE = 0.12  # lens: weight of each neighbour along each axis
BLACK, CODES = 64, 4096  # 12-bit converter; black level above 0, so that noise in the dark is not cut off
CODES_PER_E = (CODES - 1 - BLACK) / FULL_WELL_E
SHARPENING = 0.4
NOISE_BANK = 1 << 21  # normal deviates drawn once; each picture begins at a random place of it

# Auto-exposure: the logarithm of the exposure follows the error of the mean with `AE_GAIN` per picture, `AE_DELAY` pictures
# late. z^(d+1) - z^d + k with d = AE_DELAY - 1 has a double real root at k = d^d / (d+1)^(d+1) = 4/27, which is as fast as it
# goes without overshoot.
AE_TARGET = 0.25  # mean of the linear picture, 1 = saturation: 137 of 255 after the sRGB curve
AE_EDGE = 0.3  # weight of the corners for a peak of 1 in the middle
AE_DELAY = 3
AE_GAIN = 4 / 27
AE_DEAD_EV = 0.06
AE_MEAN_MIN = 1e-3
LUMINANCE_BGR = np.array((0.0722, 0.7152, 0.2126), np.float32)  # ITU-R BT.709
WB_TIME_S = 2.0
WB_RANGE = 1.25  # how far grey-world may go from the preset
WB_DARK, WB_BRIGHT = 0.02, 0.9  # what counts as measurable
STATISTICS_STEP = 8  # auto-exposure and white balance look at every eighth pixel

LATENCY = Latency(15_000, 40_000, 3_000.0)
TICK_SIGMA_US = 30.0
STAMP_SIGMA_US = 20.0
LOOK_BACK_US = READOUT_US + EXPOSURE_MAX_US  # a picture asks the scenery for this much before the end of its read-out

Mosaic = NDArray[np.uint16]


@dataclass(frozen=True)
class ColourOptions:
    """How a colour camera is set.

    size: (width, height), even; fps: pictures per second of its own clock; exposure_us, gain: None leaves them to the
    auto-exposure, which needs both to be None; white_balance: automatic or the preset; drop_share: pictures lost on their
    way; stamp_sigma_us: jitter of the camera's stamps. Raises SensorError for values without meaning.
    """

    size: tuple[int, int] = (640, 480)
    fps: float = 30.0
    exposure_us: int | None = None
    gain: float | None = None
    white_balance: bool = True
    drop_share: float = 0.005
    stamp_sigma_us: float = STAMP_SIGMA_US
    tick_sigma_us: float = TICK_SIGMA_US

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        _check_size(self.size)
        check_between("The colour camera's fps", self.fps, 1, 240)
        check_between("The colour camera's exposure_us", self.exposure_us or EXPOSURE_MIN_US, 10, self.exposure_max_us)
        check_between("The colour camera's gain", self.gain or 1.0, 1, GAIN_MAX)
        check_between("The colour camera's drop_share", self.drop_share, 0, 1)
        check_between("The colour camera's stamp_sigma_us", self.stamp_sigma_us, 0, 1_000)
        check_between("The colour camera's tick_sigma_us", self.tick_sigma_us, 0, 1_000)

    @property
    def automatic(self) -> bool:
        """Whether the camera chooses its exposure itself."""
        return self.exposure_us is None and self.gain is None

    @property
    def readout_us(self) -> int:
        """From the read-out of the first row to that of the last, even, us."""
        return _even(min(READOUT_US, READOUT_SHARE * 1e6 / self.fps))

    @property
    def exposure_max_us(self) -> int:
        """Longest exposure, us."""
        return _even(min(EXPOSURE_MAX_US, EXPOSURE_SHARE * 1e6 / self.fps))


def _check_size(size: tuple[int, int]) -> None:
    for side in size:
        check_between("The colour camera's width or height", side, 16, 4096)
        if side % 2:
            raise SensorError(
                f"The colour camera's width or height is {side}: give an even number, as its colour filters come in pairs."
            )


def _even(value: float) -> int:
    """The nearest even number: halves of it are whole microseconds."""
    return 2 * round(value / 2)


class AutoExposure:
    """A control loop on the mean of the picture: knows only linear means, 0 ... 1, and exposures, us."""

    def __init__(self, shortest_us: float, longest_us: float) -> None:
        """shortest_us, longest_us: of exposure time; longer ones are made up by the gain."""
        self._shortest_us, self._longest_us = shortest_us, longest_us
        self._wanted_us = EXPOSURE_FIRST_US  # exposure x gain
        self._pending = deque([self._wanted_us] * AE_DELAY)

    def next(self) -> tuple[int, float]:
        """Exposure (us, even) and gain of the next picture."""
        total_us = self._pending.popleft()
        exposure_us = _even(min(max(total_us, self._shortest_us), self._longest_us))
        gain = min(max(total_us / exposure_us, 1.0), GAIN_MAX)
        return exposure_us, round(gain / GAIN_STEP) * GAIN_STEP

    def measure(self, mean: float) -> None:
        """Learn the linear mean of the last picture; once after each `next`."""
        error_ev = float(np.log2(AE_TARGET / max(mean, AE_MEAN_MIN)))
        if abs(error_ev) > AE_DEAD_EV:
            wanted_us = self._wanted_us * 2.0 ** (AE_GAIN * error_ev)
            self._wanted_us = min(max(wanted_us, self._shortest_us), self._longest_us * GAIN_MAX)
        self._pending.append(self._wanted_us)


class WhiteBalance:
    """Slow grey-world balance: the measurable pixels of the picture are to be grey on average."""

    def __init__(self, fps: float, automatic: bool) -> None:
        self._preset = 1 / np.array(RESPONSE_BGR)
        self._share = 1 / (WB_TIME_S * fps) if automatic else 0.0
        self.gains = self._preset.copy()

    def measure(self, pixels: Radiance) -> None:
        """Learn linear pixels [n, 3] BGR as the sensor gave them, 1 = saturation."""
        usable = pixels[(pixels.max(axis=1) < WB_BRIGHT) & (pixels.min(axis=1) > WB_DARK)]
        if not len(usable) or not self._share:
            return
        mean = usable.mean(axis=0, dtype=np.float64) * self.gains
        wanted = self.gains * mean[1] / mean
        gains = self.gains * (wanted / self.gains) ** self._share
        self.gains = np.clip(gains, self._preset / WB_RANGE, self._preset * WB_RANGE)


class ColourCamera:
    """The camera: ask `due` for its pictures. Counts what it lost in `dropped`."""

    def __init__(
        self,
        rng: np.random.Generator,
        scenery: Scenery,
        lamp: Lamp,
        clock: Clock,
        start_us: int,
        host_epoch_ns: int,
        options: ColourOptions | None = None,
    ) -> None:
        """rng: this camera's own from now on; start_us: event time at which it is switched on and to which `clock` refers;
        host_epoch_ns: the host's monotonic clock at start_us.
        """
        self._options = options or ColourOptions()
        self._scenery, self._lamp, self._clock, self._start_us = scenery, lamp, clock, start_us
        self._times, noise = rng.spawn(2)
        timer = FrameTimer(self._times, clock, start_us, self._options.fps, self._options.tick_sigma_us)
        self._schedule = Schedule(self._times, timer, self._options.drop_share)
        self._link = HostLink(self._times, LATENCY, start_us, host_epoch_ns)
        self._exposure = AutoExposure(EXPOSURE_MIN_US, self._options.exposure_max_us)
        self._balance = WhiteBalance(self._options.fps, self._options.white_balance)
        self._sensor = Sensor(noise, self._options.size)

    @property
    def dropped(self) -> int:
        """Pictures that got lost."""
        return self._schedule.dropped

    def due(self, until_us: int) -> list[Shot]:
        """The pictures not yet given whose read-out ends before until_us (event time, us), in order."""
        return self._schedule.shots(until_us - self._options.readout_us, self._shoot)

    def skip(self, until_us: int) -> None:
        """Lose the pictures that begin to be read out before until_us (event time, us): they are counted as dropped."""
        self._schedule.skip(until_us)

    def _shoot(self, tick_us: int) -> Shot:
        """The picture whose first row is read at tick_us. Each row's exposure ends with its read-out."""
        exposure_us, gain = self._chosen()
        top_us = tick_us - exposure_us // 2
        bottom_us = top_us + self._options.readout_us
        radiance = self._scenery.colour(self._options.size, top_us, bottom_us, exposure_us)
        mosaic = self._sensor.expose(radiance, self._electrons(top_us, bottom_us, exposure_us), gain)
        self._learn(mosaic)
        image = sharpen(develop(mosaic, self._balance.gains))
        return self._stamp(image, (top_us + bottom_us) // 2, exposure_us, tick_us + self._options.readout_us)

    def _chosen(self) -> tuple[int, float]:
        exposure_us, gain = self._exposure.next()
        if self._options.automatic:
            return exposure_us, gain
        return _even(
            self._options.exposure_us or min(EXPOSURE_FIRST_US, self._options.exposure_max_us)
        ), self._options.gain or 1.0

    def _electrons(self, top_us: int, bottom_us: int, exposure_us: int) -> Radiance:
        """Electrons per radiance for each row, [H]: its exposure times the mean of the lamp meanwhile."""
        middle_us = top_us + np.rint(np.linspace(0, bottom_us - top_us, self._options.size[1])).astype(np.int64)
        light = self._lamp.mean(middle_us - exposure_us // 2, middle_us + exposure_us // 2)
        return np.asarray(WHITE_E_PER_US * exposure_us * light, np.float32)

    def _learn(self, mosaic: Mosaic) -> None:
        step = STATISTICS_STEP
        some = np.stack([mosaic[1::step, 1::step], mosaic[::step, 1::step], mosaic[::step, ::step]], axis=2)  # RGGB to BGR
        pixels = np.asarray(np.maximum(some.astype(np.float32) - BLACK, 0) / (CODES - 1 - BLACK), np.float32)
        luminance = np.minimum(pixels * self._balance.gains, 1) @ LUMINANCE_BGR
        self._exposure.measure(float((luminance * _centre_weight(luminance.shape)).mean()))
        self._balance.measure(pixels.reshape(-1, 3))

    def _stamp(self, image: NDArray[np.uint8], true_us: int, exposure_us: int, ready_us: int) -> Shot:
        stream_us = self._clock.stream_us(true_us, self._start_us) + round(jitter_us(self._times, self._options.stamp_sigma_us))
        arrival_us = self._link.arrival_us(ready_us)
        frame = Frame(Stream.RGB, image, stream_us, exposure_us, self._link.host_ns(arrival_us))
        return Shot(frame, arrival_us, true_us)

    def settings(self) -> dict[str, Any]:
        """What the camera says of its settings: JSON values."""
        chosen = asdict(self._options) | {"size": list(self._options.size)}
        limits = {"readout_us": self._options.readout_us, "exposure_range_us": [EXPOSURE_MIN_US, self._options.exposure_max_us]}
        return chosen | limits | {"auto_exposure": self._options.automatic, "gain_max": GAIN_MAX}

    def truth(self) -> dict[str, Any]:
        """What happened so far that the pictures do not tell: JSON values."""
        return {"frames_dropped": self.dropped, "latency_us": self._link.base_us}


class Sensor:
    """The chip behind its lens: radiance to Bayer mosaic (RGGB), 12 bits."""

    def __init__(self, rng: np.random.Generator, size: tuple[int, int]) -> None:
        """rng: draws the differences of the pixels and the noise; size: (width, height)."""
        self._rng = rng
        self._response = _response(rng, size)
        self._bank = rng.standard_normal(NOISE_BANK, np.float32)

    def expose(self, radiance: Radiance, electrons: Radiance, gain: float) -> Mosaic:
        """Codes [H, W] uint16 of radiance [H, W, 3] BGR; electrons: [H], per radiance for each row; gain: amplifier."""
        if radiance.shape != (*self._response.shape, 3):
            raise ValueError(
                f"radiance is {radiance.shape}, the sensor {self._response.shape}"
            )  # compiled code would not see it
        mosaic = np.empty(self._response.shape, np.uint16)
        begin = int(self._rng.integers(NOISE_BANK))
        _expose(np.ascontiguousarray(radiance, np.float32), electrons, self._response, self._bank, begin, gain, mosaic)
        return mosaic


def _response(rng: np.random.Generator, size: tuple[int, int]) -> Radiance:
    """What each pixel makes of its light, [H, W]: colour filter x vignetting x its own sensitivity."""
    width, height = size
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    vignetting = 1 - VIGNETTING * (x**2 + y**2) / 2
    blue, green, red = RESPONSE_BGR
    filters = np.tile([[red, green], [green, blue]], (height // 2, width // 2))
    return np.asarray(vignetting * filters * rng.normal(1, PIXEL_SPREAD, (height, width)), np.float32)


@njit(cache=True, nogil=True, fastmath=True)
def _expose(
    radiance: Radiance,
    electrons: Radiance,
    response: Radiance,
    bank: Radiance,
    begin: int,
    gain: float,
    mosaic: Mosaic,
) -> None:
    """Shot noise is Poisson; with a normal of the same variance it is off by less than the read noise below ten electrons."""
    height, width = mosaic.shape
    side, centre = np.float32(BLUR_SIDE), np.float32(1 - 2 * BLUR_SIDE)
    scale, read = np.float32(gain * CODES_PER_E), np.float32(READ_NOISE_E**2)
    full, black, top = np.float32(FULL_WELL_E), np.float32(BLACK + 0.5), np.float32(CODES - 1)
    for y in range(height):
        up, down = max(y - 1, 0), min(y + 1, height - 1)
        for x in range(width):
            left, right = max(x - 1, 0), min(x + 1, width - 1)
            c = 2 - (y & 1) - (x & 1)  # RGGB, of BGR
            above = centre * radiance[up, x, c] + side * (radiance[up, left, c] + radiance[up, right, c])
            here = centre * radiance[y, x, c] + side * (radiance[y, left, c] + radiance[y, right, c])
            below = centre * radiance[down, x, c] + side * (radiance[down, left, c] + radiance[down, right, c])
            e = min((centre * here + side * (above + below)) * electrons[y] * response[y, x], full)
            e += np.sqrt(e + read) * bank[(begin + y * width + x) & (NOISE_BANK - 1)]
            mosaic[y, x] = np.uint16(min(max(e * scale + black, np.float32(0)), top))


@cache
def _centre_weight(shape: tuple[int, int]) -> NDArray[np.float64]:
    """How much auto-exposure heeds each place, [shape], mean 1: the middle of the picture more than its edges."""
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    weight = AE_EDGE + np.exp(-2 * (x**2 + y**2))
    return np.asarray(weight / weight.mean())


def develop(mosaic: Mosaic, gains: NDArray[np.float64]) -> NDArray[np.uint8]:
    """8-bit picture [H, W, 3] BGR of a Bayer mosaic [H, W] (RGGB), bilinear, with white balance `gains` [3] and sRGB curve."""
    light = np.maximum(np.arange(CODES) - BLACK, 0)[None] * gains[:, None] / (CODES - 1 - BLACK)
    image = np.empty((*mosaic.shape, 3), np.uint8)
    _demosaic(mosaic, _tone(light), image)
    return image


def _tone(light: NDArray[np.float64]) -> NDArray[np.uint8]:
    """8-bit code of linear light, 1 = white, by the curve of sRGB (IEC 61966-2-1); any shape."""
    steps = np.rint(np.minimum(light, 1) * (CODES - 1)).astype(np.intp)
    return np.asarray(_tone_curve()[steps], np.uint8)


@cache
def _tone_curve() -> NDArray[np.uint8]:
    light = np.linspace(0, 1, CODES)
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(255 * curve), np.uint8)


@njit(cache=True, nogil=True)
def _demosaic(mosaic: Mosaic, curves: NDArray[np.uint8], image: NDArray[np.uint8]) -> None:
    """curves: [3, CODES], what becomes of the codes of blue, green and red."""
    height, width = mosaic.shape
    for y in range(height):
        up, down = abs(y - 1), y + 1 if y < height - 1 else y - 1  # mirrored at the edges, which keeps the colours in place
        own, other = (2, 0) if y % 2 == 0 else (0, 2)  # the colour that alternates with green in this row, and in the next
        for x in range(0, width, 2):
            for at in (x, x + 1):
                left, right = abs(at - 1), at + 1 if at < width - 1 else at - 1
                here = np.int32(mosaic[y, at])
                beside = np.int32(mosaic[y, left]) + np.int32(mosaic[y, right])
                above = np.int32(mosaic[up, at]) + np.int32(mosaic[down, at])
                if (y + at) % 2 == 1:
                    image[y, at, 1] = curves[1, here]
                    image[y, at, own] = curves[own, (beside + 1) >> 1]
                    image[y, at, other] = curves[other, (above + 1) >> 1]
                else:
                    corners = np.int32(mosaic[up, left]) + np.int32(mosaic[up, right])
                    corners += np.int32(mosaic[down, left]) + np.int32(mosaic[down, right])
                    image[y, at, 1] = curves[1, (beside + above + 2) >> 2]
                    image[y, at, own] = curves[own, here]
                    image[y, at, other] = curves[other, (corners + 2) >> 2]


def sharpen(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Unsharp mask as webcams apply it: what a 3 x 3 Gaussian takes away is added once more, in part."""
    soft = cv2.GaussianBlur(image, (3, 3), 0)
    return np.asarray(cv2.addWeighted(image, 1 + SHARPENING, soft, -SHARPENING, 0), np.uint8)
