"""Time in a simulated frame camera: its own clock, its frame timer, and the way of a picture to the host. Knows no picture."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from recorder.sim.scenery import Shot

OFFSET_MAX_US = 3_000_000
DRIFT_MAX_PPM = 100.0  # crystals of cheap cameras are specified to +-50 ppm; two clocks differ by twice that
JITTER_SIGMAS = 3.0


@dataclass(frozen=True)
class Clock:
    """A frame camera's clock: t_event = s + offset_us + drift (s + offset_us - reference), see the manifest's truth.

    The reference is an event time in us at which the clocks differ by offset_us alone: the start of the simulation.
    """

    offset_us: int
    drift_ppm: float

    @property
    def tick_us(self) -> float:
        """How long one microsecond of this clock lasts in event time, us."""
        return 1 + self.drift_ppm * 1e-6

    def stream_us(self, event_us: int, reference_us: int) -> int:
        """The camera's own time at an instant of event time, us."""
        return reference_us + round((event_us - reference_us) / self.tick_us) - self.offset_us

    def event_us(self, stream_us: int, reference_us: int) -> int:
        """The instant of event time at which the camera's own clock says stream_us, us."""
        return reference_us + round((stream_us + self.offset_us - reference_us) * self.tick_us)

    def referred_to(self, new_us: int, reference_us: int) -> "Clock":
        """The same clock with another reference, new_us, instead of reference_us; the offset is rounded to 1 us."""
        return Clock(int(self.truth(reference_us, new_us)["offset_us"]), self.drift_ppm)

    def truth(self, reference_us: int, t0_us: int) -> dict[str, float]:
        """Offset (us) and drift (ppm) with t0 as the reference, in which synchronisation is to find them."""
        shift_us = self.drift_ppm * 1e-6 * (t0_us - reference_us) / self.tick_us
        return {"offset_us": round(self.offset_us + shift_us), "drift_ppm": self.drift_ppm}


def draw_clock(rng: np.random.Generator) -> Clock:
    """A clock with an offset of up to +-3 s and a drift of up to +-100 ppm."""
    offset_us = int(rng.integers(-OFFSET_MAX_US, OFFSET_MAX_US + 1))
    return Clock(offset_us, round(float(rng.uniform(-DRIFT_MAX_PPM, DRIFT_MAX_PPM)), 2))


def jitter_us(rng: np.random.Generator, sigma_us: float) -> float:
    """A normal deviation of standard deviation sigma_us, cut off at three times that, us."""
    return sigma_us * float(np.clip(rng.standard_normal(), -JITTER_SIGMAS, JITTER_SIGMAS))


class FrameTimer:
    """When a camera begins the read-out of its pictures: at its own clock's pace, from a random phase on, a little unsteady.

    fps: pictures per second of the camera's own clock; sigma_us: jitter of each tick by itself (it does not add up).
    """

    def __init__(self, rng: np.random.Generator, clock: Clock, start_us: int, fps: float, sigma_us: float) -> None:
        self._rng = rng
        self._start_us = start_us
        self._period_us = 1e6 / fps * clock.tick_us  # of event time
        self._phase_us = float(rng.uniform(0, self._period_us))
        self._sigma_us = sigma_us
        self._count = 0

    def next_us(self) -> int:
        """Event time of the next tick, us. Never before start_us."""
        since_us = self._phase_us + self._count * self._period_us + jitter_us(self._rng, self._sigma_us)
        self._count += 1
        return self._start_us + max(0, round(since_us))


@dataclass(frozen=True)
class Latency:
    """The way of a picture from the sensor to the host: shortest_us ... longest_us, drawn once for a camera, which stays as it
    is, and an exponential part of mean jitter_us, drawn for each picture.
    """

    shortest_us: int
    longest_us: int
    jitter_us: float


class HostLink:
    """Brings pictures to the host: late, never out of order; the host's clock is event time from another epoch."""

    def __init__(self, rng: np.random.Generator, latency: Latency, start_us: int, host_epoch_ns: int) -> None:
        self._rng = rng
        self._jitter_us = latency.jitter_us
        self._start_us, self._host_epoch_ns = start_us, host_epoch_ns
        self.base_us = int(rng.integers(latency.shortest_us, latency.longest_us + 1))
        self._last_us = start_us

    def arrival_us(self, ready_us: int) -> int:
        """Event time at which a picture arrives that the sensor had ready at ready_us, us."""
        late_us = self.base_us + round(self._rng.exponential(self._jitter_us))
        self._last_us = max(self._last_us + 1, ready_us + late_us)
        return self._last_us

    def host_ns(self, arrival_us: int) -> int:
        """The host's monotonic clock at event time arrival_us, ns."""
        return self._host_epoch_ns + (arrival_us - self._start_us) * 1000


class Schedule:
    """Which pictures are taken and which of them get lost. Counts those in `dropped`."""

    def __init__(self, rng: np.random.Generator, timer: FrameTimer, drop_share: float) -> None:
        """drop_share: probability with which a picture gets lost on its way."""
        self._rng, self._timer, self._drop_share = rng, timer, drop_share
        self._tick_us = timer.next_us()
        self.dropped = 0

    def shots(self, until_us: int, shoot: Callable[[int], Shot]) -> list[Shot]:
        """The pictures not yet taken whose read-out begins before until_us (event time, us), in order; shoot: takes one."""
        shots = []
        while self._tick_us < until_us:
            shot = shoot(self._tick_us)
            self._tick_us = self._timer.next_us()
            if self._rng.random() < self._drop_share:
                self.dropped += 1
            else:
                shots.append(shot)
        return shots

    def skip(self, until_us: int) -> None:
        """Lose the pictures whose read-out begins before until_us without taking them."""
        while self._tick_us < until_us:
            self._tick_us = self._timer.next_us()
            self.dropped += 1
