"""One simulated rig: event camera, RGB and thermal camera before one world, each with a clock of its own.

Satisfies the Camera contract with several streams at once. Option: `rate` (extra noise, Mev/s).
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from protocol.streams import EVENT_DTYPE, IMU_DTYPE, TRIGGER_DTYPE, Array, Frame, Packet, Records, Stream
from recorder.sim.actor import Actor
from recorder.sim.scene import Picture, Scene
from recorder.sources.base import CameraEnded, CameraError, CameraInfo, EndReason, StreamInfo, Surroundings

WIDTH, HEIGHT = 346, 260  # DAVIS346
STEP_US = 4_000  # the world is looked at 250 times a second; times between are interpolated
EPOCH_US = 1_700_000_000_000_000  # like a real camera, the event clock gives unix time
CONTRAST = 0.2  # log intensity per event, ON and OFF alike (v2e's nominal threshold)
NOISE_HZ = 0.1  # background activity per pixel, a typical DAVIS346 figure in room light
MAX_EVENTS_PER_STEP = 6
MAX_RATE_MEV_S = 50  # four times what a DAVIS346 delivers
APS_PERIOD_US, APS_EXPOSURE_US = 40_000, 8_000
IMU_PERIOD_US = 1_000
CATCH_UP_STEPS = 5  # how much of the world one `read` may give, so that it returns soon
APS_EXPOSURE_START, APS_EXPOSURE_END = 8, 9  # dv-processing, TriggerType
COVERED_MM = 350.0


@dataclass(frozen=True)
class Clock:
    """A frame camera's clock: t_event = s + offset_us + drift (s + offset_us - reference), see the manifest's truth."""

    offset_us: int
    drift_ppm: float

    def stream_us(self, event_us: int, reference_us: int) -> int:
        """The camera's own time at an instant of event time."""
        return round(reference_us + (event_us - reference_us) / (1 + self.drift_ppm * 1e-6)) - self.offset_us

    def truth(self, reference_us: int, t0_us: int) -> dict[str, float]:
        """Offset and drift with t0 as the reference, in which they are to be found."""
        drift = self.drift_ppm * 1e-6
        return {"offset_us": round(self.offset_us + drift * (t0_us - reference_us) / (1 + drift)), "drift_ppm": self.drift_ppm}


@dataclass(frozen=True)
class FrameModel:
    """A simulated frame camera."""

    stream: Stream
    size: tuple[int, int]
    period_us: int
    exposure_us: int


RGB = FrameModel(Stream.RGB, (640, 480), 33_333, 10_000)
THERMAL = FrameModel(Stream.THERMAL, (160, 120), 111_111, 12_000)  # FLIR Lepton 3.5: 160 x 120, 8.7 Hz
MODELS = {Stream.RGB: RGB, Stream.THERMAL: THERMAL}


class SimRig:
    """The rig as one camera with several streams."""

    def __init__(
        self,
        seed: int,
        surroundings: Surroundings,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self._seed = seed
        self._around = surroundings
        self._video = surroundings.video
        self._options = dict(options or {})
        self._closed = False

    def open(self) -> CameraInfo:
        """Make the world of this seed. Raises CameraError for unknown options."""
        self._read_options()
        self._rng = np.random.default_rng(self._seed)
        self._scene = Scene(self._rng, WIDTH, HEIGHT)
        self._actor = Actor(self._rng)
        self._start_us = EPOCH_US + self._seed * 1_000_000_000
        self._clocks = {stream: self._draw_clock() for stream in self._video}
        self._done_us = 0
        self._due = {stream: 0 for stream in (Stream.FRAMES, *self._video)}
        self._memory = np.log(self._render(self._start_us))
        return self._info()

    def _read_options(self) -> None:
        unknown = set(self._options) - {"rate"}
        if unknown:
            raise CameraError(f"sim: unknown option {sorted(unknown)[0]!r}; the simulated rig knows rate and fault.")
        self._rate_hz = _rate_mev_s(self._options.get("rate", "0")) * 1e6

    def _draw_clock(self) -> Clock:
        return Clock(int(self._rng.integers(-3_000_000, 3_000_000)), round(float(self._rng.uniform(-100, 100)), 2))

    def _info(self) -> CameraInfo:
        size = (WIDTH, HEIGHT)
        streams = [
            StreamInfo(Stream.EVENTS, size),
            StreamInfo(Stream.FRAMES, size),
            StreamInfo(Stream.IMU),
            StreamInfo(Stream.TRIGGERS),
        ]
        streams += [StreamInfo(stream, MODELS[stream].size) for stream in self._video]
        settings = {"contrast_threshold": CONTRAST, "noise_hz": NOISE_HZ, "aps_exposure_us": APS_EXPOSURE_US, **self._options}
        return CameraInfo("sim", "Simulated rig", tuple(streams), str(self._seed), True, settings, (), self._truth)

    def _truth(self, first_us: int | None = None, last_us: int | None = None) -> Mapping[str, Any]:
        move = self._actor.movement
        t0 = self._actor.paper_out_us or self._start_us
        return {
            "movement": move.token if move else None,
            "onset_us": move.onset_us if move else None,
            "apex_us": move.apex_us if move else None,
            "offset_us": move.offset_us if move else None,
            "intensity": move.intensity if move else 0.0,
            "t0_us": self._actor.paper_out_us,
            "clocks": {stream.value: clock.truth(self._start_us, t0) for stream, clock in self._clocks.items()},
            "distance_mm": COVERED_MM,
            "mistake": None,
            "au": None,
        }

    def read(self) -> Sequence[Packet]:
        """What the world gave since the last call: up to now, or at full speed the next step."""
        if self._closed:
            raise CameraEnded(EndReason.LOST, "the simulated camera was closed")
        steps = 1 if self._around.pace.follows_events else min(self._steps_due(), CATCH_UP_STEPS)
        packets: list[Packet] = []
        for _ in range(steps):
            packets += self._step()
        return packets

    def _steps_due(self) -> int:
        return max(0, (self._around.pace.elapsed_us() - self._done_us) // STEP_US)

    def _step(self) -> list[Packet]:
        begin = self._start_us + self._done_us
        self._done_us += STEP_US
        self._actor.look(self._around.prompt(), begin)
        picture = self._render(begin + STEP_US)
        packets: list[Packet] = [*self._events(picture, begin), self._imu(begin), *self._aps(begin, picture)]
        for stream in self._video:
            packets += self._frame(MODELS[stream], begin, picture)
        return packets

    def _render(self, t_us: int) -> Picture:
        move = self._actor.movement
        return self._scene.render(t_us, move.token if move else None, self._actor.level(t_us), self._actor.paper(t_us))

    def _events(self, picture: Picture, begin_us: int) -> list[Packet]:
        signal = self._signal(np.log(picture), begin_us)
        noise = self._noise(begin_us)
        events = np.concatenate([signal, noise])
        events = events[np.argsort(events["t"], kind="stable")]
        return [Records(Stream.EVENTS, events, self._around.monotonic_ns())] if len(events) else []

    def _signal(self, brightness: Picture, begin_us: int) -> Array:
        """Events where log intensity has moved by whole thresholds, at the times at which it crossed them."""
        change = (brightness - self._memory) / CONTRAST
        count = np.clip(np.trunc(change), -MAX_EVENTS_PER_STEP, MAX_EVENTS_PER_STEP).astype(np.int64)
        self._memory += (count * CONTRAST).astype(np.float32)
        y, x = np.nonzero(count)
        number = np.abs(count[y, x])
        which = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number) + 1
        share = which / np.repeat(np.abs(change[y, x]), number)
        events = np.zeros(len(which), EVENT_DTYPE)
        events["t"] = begin_us + np.minimum(share * STEP_US, STEP_US - 1).astype(np.int64)
        events["x"], events["y"] = np.repeat(x, number), np.repeat(y, number)
        events["p"] = np.repeat(count[y, x] > 0, number)
        return events

    def _noise(self, begin_us: int) -> Array:
        rate_hz = NOISE_HZ * WIDTH * HEIGHT + self._rate_hz
        events = np.zeros(self._rng.poisson(rate_hz * STEP_US * 1e-6), EVENT_DTYPE)
        events["t"] = begin_us + self._rng.integers(0, STEP_US, len(events))
        events["x"] = self._rng.integers(0, WIDTH, len(events), dtype=np.int16)
        events["y"] = self._rng.integers(0, HEIGHT, len(events), dtype=np.int16)
        events["p"] = self._rng.integers(0, 2, len(events), dtype=np.int8)
        return events

    def _imu(self, begin_us: int) -> Packet:
        samples = np.zeros(STEP_US // IMU_PERIOD_US, IMU_DTYPE)
        samples["t"] = begin_us + IMU_PERIOD_US * np.arange(len(samples))
        samples["temperature"] = 35.0
        samples["accelerometer"] = self._rng.normal((0, 1, 0), 0.003, (len(samples), 3))
        samples["gyroscope"] = self._rng.normal(0, 0.1, (len(samples), 3))
        return Records(Stream.IMU, samples, self._around.monotonic_ns())

    def _aps(self, begin_us: int, picture: Picture) -> list[Packet]:
        if not self._is_due(Stream.FRAMES, APS_PERIOD_US):
            return []
        now = self._around.monotonic_ns()
        edges = np.zeros(2, TRIGGER_DTYPE)
        middle_us = begin_us + STEP_US
        edges["t"] = middle_us - APS_EXPOSURE_US // 2, middle_us + APS_EXPOSURE_US // 2
        edges["kind"] = APS_EXPOSURE_START, APS_EXPOSURE_END
        image = np.clip(picture, 0, 255).astype(np.uint8)
        return [
            Records(Stream.TRIGGERS, edges, now),
            Frame(Stream.FRAMES, image, middle_us, APS_EXPOSURE_US, now),
        ]

    def _frame(self, model: FrameModel, begin_us: int, picture: Picture) -> list[Packet]:
        if not self._is_due(model.stream, model.period_us):
            return []
        stream_us = self._clocks[model.stream].stream_us(begin_us + STEP_US, self._start_us)
        resized = cv2.resize(picture, model.size, interpolation=cv2.INTER_AREA if model is THERMAL else cv2.INTER_LINEAR)
        image = np.asarray(resized, np.float32)
        pixels = self._colours(image) if model is RGB else self._temperatures(image)
        return [Frame(model.stream, pixels, stream_us, model.exposure_us, self._around.monotonic_ns())]

    def _is_due(self, stream: Stream, period_us: int) -> bool:
        if self._done_us <= self._due[stream]:
            return False
        self._due[stream] += period_us
        return True

    def _colours(self, grey: Picture) -> Any:
        noisy = np.clip(grey + self._rng.integers(-2, 3, grey.shape), 0, 255).astype(np.uint8)
        return np.repeat(noisy[:, :, None], 3, axis=2)

    def _temperatures(self, grey: Picture) -> Any:
        # Counts of a Lepton in its high-gain radiometric mode, 0.01 K: paper at room temperature, the patch at 34 C.
        celsius = 22.0 + 12.0 * np.clip((200.0 - grey) / 80.0, 0, 1)
        return ((celsius + 273.15) * 100 + self._rng.normal(0, 3, grey.shape)).astype(np.uint16)

    def close(self) -> None:
        """Give nothing more; there is nothing to release."""
        self._closed = True


def _rate_mev_s(text: str) -> float:
    rate = float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else math.inf
    if rate > MAX_RATE_MEV_S:
        raise CameraError(f"sim: rate={text} is not a number of millions of events per second; write 0 to {MAX_RATE_MEV_S}.")
    return rate
