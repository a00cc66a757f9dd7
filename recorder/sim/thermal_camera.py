"""A thermal camera like a FLIR Lepton 3.5 as a sensor: makes 16-bit pictures, stamps and freezes of the temperatures that a
scenery shows it. Knows no world and no script.

"Datasheet" is the FLIR Lepton Engineering Datasheet, document 500-0659-00-09, rev. 203.
"""

from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from protocol.streams import Frame, Stream
from recorder.sim.clocks import Clock, FrameTimer, HostLink, Latency, Schedule, jitter_us
from recorder.sim.scenery import Scenery, Shot, check_between

SIZE = (160, 120)  # datasheet, p. 1: 160 x 120 active pixels
FPS = 8.7  # datasheet: exported cameras give fewer than 9 pictures per second, effectively 8.7
FPS_MAX = 30.0
INTERNAL_HZ = 26.0  # datasheet, p. 20: three internal pictures for each one given
COUNTS_PER_K = 100.0  # datasheet, telemetry "T-Linear resolution": 0.01 K
ZERO_C_K = 273.15
RANGE_C = (-10.0, 140.0)  # scene temperatures in the high gain state
NETD_K = 0.040  # datasheet, p. 1: thermal sensitivity below 50 mK
ACCURACY_K = 0.5  # standard deviation between cameras; the datasheet promises +-5 C only
TIME_CONSTANT_US = 12_000  # thermal time constant of vanadium oxide bolometers of this pitch, usually given as 10-15 ms
FILTER_US = 40_000  # the camera's own temporal noise filter, as a time constant: chosen
BLUR_SIGMA_PX = 0.7  # f/1.1 silicon doublet over 12 um pixels
DEAD_SHARE = 0.001

# Fixed pattern: what the last shutter calibration left (it averages 8 pictures, datasheet p. 20), and how it creeps since.
LEFT_OVER_K = NETD_K / 8**0.5
COLUMN_K = 0.010
CREEP_K_PER_S = 0.0003  # of single pixels, standard deviation: some 50 mK until the next calibration
CREEP_SHADE_K_PER_S = 0.0004  # of the edges of the picture against its middle, as the housing warms
CREEP_ALL_K_PER_S = 0.0015  # of the picture as a whole: some tenths of a kelvin, the jump that a calibration makes

FREEZE_US = round(23 / INTERNAL_HZ * 1e6)  # datasheet, p. 20: nominally 23 internal pictures
FFC_PERIOD_S = 180.0  # datasheet, p. 20: 3 minutes
LATENCY = Latency(30_000, 80_000, 6_000.0)
TICK_SIGMA_US = 80.0
STAMP_SIGMA_US = 40.0

# Ages of the light in a picture: means of the three thirds of an exponential distribution, in time constants, mean 1.
AGES = (0.1891, 0.7124, 2.0986)
LOOK_BACK_US = round(AGES[-1] * TIME_CONSTANT_US)  # a picture asks the scenery for this much before its read-out

Kelvins = NDArray[np.float32]


@dataclass(frozen=True)
class ThermalOptions:
    """How a thermal camera is set.

    fps: pictures per second of its own clock; ffc_every_s: seconds between shutter freezes, 0 for none; ffc_first_s: of the
    first one after the start, None for a random phase; drop_share: pictures lost on their way; stamp_sigma_us: jitter of the
    camera's stamps. Raises SensorError for values without meaning.
    """

    fps: float = FPS
    ffc_every_s: float = FFC_PERIOD_S
    ffc_first_s: float | None = None
    drop_share: float = 0.0
    stamp_sigma_us: float = STAMP_SIGMA_US
    tick_sigma_us: float = TICK_SIGMA_US

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        check_between("The thermal camera's fps", self.fps, 1, FPS_MAX)
        check_between("The thermal camera's ffc_every_s", self.ffc_every_s or 1.0, FREEZE_US * 1e-6, 86_400)
        check_between("The thermal camera's ffc_first_s", self.ffc_first_s or 0.0, 0, 86_400)
        check_between("The thermal camera's drop_share", self.drop_share, 0, 1)
        check_between("The thermal camera's stamp_sigma_us", self.stamp_sigma_us, 0, 1_000)
        check_between("The thermal camera's tick_sigma_us", self.tick_sigma_us, 0, 1_000)


class Shutter:
    """When the shutter closes for a flat field correction (FFC) and the pictures stand still."""

    def __init__(self, rng: np.random.Generator, start_us: int, options: ThermalOptions) -> None:
        self._every_us = round(options.ffc_every_s * 1e6)
        phase_us = float(rng.uniform(0, self._every_us))
        first_us = phase_us if options.ffc_first_s is None else options.ffc_first_s * 1e6
        self._next_us = start_us + round(first_us)
        self.closed_us: list[int] = []

    def closed(self, t_us: int) -> bool:
        """Whether it is closed at event time t_us; to be asked in order of time."""
        while self._every_us and t_us >= self._next_us:
            self.closed_us.append(self._next_us)
            self._next_us += self._every_us
        return bool(self.closed_us) and t_us < self.closed_us[-1] + FREEZE_US

    @property
    def calibrated_us(self) -> int | None:
        """Event time of the end of the latest calibration, us; None before the first."""
        return self.closed_us[-1] + FREEZE_US if self.closed_us else None


class FixedPattern:
    """Offsets of the pixels: what a calibration leaves, creeping in a straight line until the next."""

    def __init__(self, rng: np.random.Generator, start_us: int) -> None:
        self._rng = rng
        self.calibrate(start_us)

    def calibrate(self, t_us: int) -> None:
        """Begin anew at event time t_us."""
        self._since_us = t_us
        normal = self._rng.standard_normal
        shape = SIZE[1], SIZE[0]
        self._offset_k = LEFT_OVER_K * normal(shape) + COLUMN_K * normal(shape[1])
        y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
        shade = CREEP_SHADE_K_PER_S * normal() * (x**2 + y**2)
        self._creep_k_per_s = CREEP_K_PER_S * normal(shape) + shade + CREEP_ALL_K_PER_S * normal()

    def at(self, t_us: int) -> NDArray[np.float64]:
        """Offsets [H, W] in kelvin at event time t_us, us."""
        return np.asarray(self._offset_k + self._creep_k_per_s * ((t_us - self._since_us) * 1e-6))


class ThermalCamera:
    """The camera: ask `due` for its pictures. Counts what it lost in `dropped`."""

    def __init__(
        self,
        rng: np.random.Generator,
        scenery: Scenery,
        clock: Clock,
        start_us: int,
        host_epoch_ns: int,
        options: ThermalOptions | None = None,
    ) -> None:
        """rng: this camera's own from now on; start_us: event time at which it is switched on and to which `clock` refers;
        host_epoch_ns: the host's monotonic clock at start_us.
        """
        self._options = options or ThermalOptions()
        self._scenery, self._clock, self._start_us = scenery, clock, start_us
        self._times, self._rng = rng.spawn(2)
        timer = FrameTimer(self._times, clock, start_us, self._options.fps, self._options.tick_sigma_us)
        self._schedule = Schedule(self._times, timer, self._options.drop_share)
        self._link = HostLink(self._times, LATENCY, start_us, host_epoch_ns)
        self._shutter = Shutter(self._times, start_us, self._options)
        self._pattern = FixedPattern(self._rng, start_us)
        self._offset_k = ACCURACY_K * float(self._rng.standard_normal())
        self._dead = self._rng.random((SIZE[1], SIZE[0])) < DEAD_SHARE
        self._read_us = start_us
        self._warmth: Kelvins | None = None  # filtered picture; None where the filter begins anew
        self._image: NDArray[np.uint16] | None = None

    @property
    def dropped(self) -> int:
        """Pictures that got lost."""
        return self._schedule.dropped

    def due(self, until_us: int) -> list[Shot]:
        """The pictures not yet given that are read out before until_us (event time, us), in order."""
        return self._schedule.shots(until_us, self._shoot)

    def skip(self, until_us: int) -> None:
        """Lose the pictures that begin to be read out before until_us (event time, us): they are counted as dropped."""
        self._schedule.skip(until_us)

    def _shoot(self, tick_us: int) -> Shot:
        """The picture read at tick_us: its time is that of the light in it on average, one time constant before."""
        if not self._shutter.closed(tick_us) or self._image is None:
            self._image = self._look(tick_us)
        true_us = tick_us - TIME_CONSTANT_US
        stream_us = self._clock.stream_us(true_us, self._start_us) + round(jitter_us(self._times, self._options.stamp_sigma_us))
        arrival_us = self._link.arrival_us(tick_us)
        host_ns = self._link.host_ns(arrival_us)
        frame = Frame(Stream.THERMAL, self._image.copy(), stream_us, 2 * TIME_CONSTANT_US, host_ns)
        return Shot(frame, arrival_us, true_us)

    def _look(self, tick_us: int) -> NDArray[np.uint16]:
        self._recalibrate()
        celsius = self._filtered(self._bolometer(tick_us), tick_us)
        noise = NETD_K * self._rng.standard_normal(celsius.shape, np.float32)
        measured = celsius + self._offset_k + self._pattern.at(tick_us) + noise
        return to_counts(_corrected(np.asarray(measured, np.float32), self._dead))

    def _recalibrate(self) -> None:
        calibrated_us = self._shutter.calibrated_us
        if calibrated_us is not None and calibrated_us > self._read_us:
            self._pattern.calibrate(calibrated_us)
            self._warmth = None

    def _bolometer(self, tick_us: int) -> Kelvins:
        """Temperatures through lens and bolometer, [H, W] C: the past weighed by exp(-age / time constant), in three thirds."""
        ages_us = (round(age * TIME_CONSTANT_US) for age in AGES)
        seen = [self._scenery.temperature(SIZE, tick_us - age_us) for age_us in ages_us]
        return np.asarray(cv2.GaussianBlur(np.mean(seen, axis=0, dtype=np.float32), (0, 0), BLUR_SIGMA_PX), np.float32)

    def _filtered(self, celsius: Kelvins, tick_us: int) -> Kelvins:
        """The temporal filter: the older a picture, the less is left of it."""
        kept = float(np.exp((self._read_us - tick_us) / FILTER_US))
        self._read_us = tick_us
        self._warmth = celsius if self._warmth is None else celsius + np.float32(kept) * (self._warmth - celsius)
        return self._warmth

    def settings(self) -> dict[str, Any]:
        """What the camera says of its settings: JSON values."""
        fixed = {"size": list(SIZE), "counts_per_k": COUNTS_PER_K, "zero_counts_k": 0.0, "netd_k": NETD_K}
        return asdict(self._options) | fixed | {"freeze_us": FREEZE_US, "time_constant_us": TIME_CONSTANT_US}

    def truth(self) -> dict[str, Any]:
        """What happened so far that the pictures do not tell: JSON values; ffc_us: event times at which the shutter closed."""
        return {
            "frames_dropped": self.dropped,
            "latency_us": self._link.base_us,
            "ffc_us": list(self._shutter.closed_us),
            "offset_k": self._offset_k,
        }


def _corrected(image: Kelvins, dead: NDArray[np.bool_]) -> Kelvins:
    """Dead pixels become the mean of their neighbours to the left and right, in place."""
    y, x = np.nonzero(dead)
    last = image.shape[1] - 1
    left, right = np.where(x > 0, x - 1, 1), np.where(x < last, x + 1, last - 1)
    image[y, x] = (image[y, left] + image[y, right]) / 2
    return image


def to_counts(celsius: Kelvins) -> NDArray[np.uint16]:
    """Counts [H, W] uint16 of degrees Celsius [H, W]: hundredths of a kelvin (T-Linear), cut off at the camera's range."""
    return np.asarray(np.rint((np.clip(celsius, *RANGE_C) + ZERO_C_K) * COUNTS_PER_K), np.uint16)
