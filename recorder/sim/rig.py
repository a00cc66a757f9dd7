"""One simulated rig: event camera, RGB and thermal camera before one world, each with a clock of its own.

Satisfies the Camera contract with several streams at once. The colour and thermal pictures are rendered on a second thread
beside the events. Knows no script: the performer reads the prompts.
"""

import threading
from array import array
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocol.streams import EVENT_DTYPE, IMU_DTYPE, TRIGGER_DTYPE, Array, Frame, Packet, Records, Stream
from recorder.sim.bus import EventBus
from recorder.sim.casting import Cast, cast, describe
from recorder.sim.clocks import Clock, HostLink, Latency, draw_clock
from recorder.sim.colour_camera import ColourCamera
from recorder.sim.lamp import Lamp
from recorder.sim.options import SimOptions, parse_options
from recorder.sim.pixel import Cause, EventPixels
from recorder.sim.rehearsal import rehearse
from recorder.sim.scenery import Shot
from recorder.sim.state import FaceState, PaperState
from recorder.sim.thermal_camera import SIZE as THERMAL_SIZE
from recorder.sim.thermal_camera import ThermalCamera
from recorder.sim.view import EVENT_VIEW
from recorder.sim.world import World
from recorder.sources.base import CameraEnded, CameraInfo, EndReason, Prompt, StreamInfo, Surroundings, Tuned
from recorder.sources.davis_biases import BiasPreset, CoarseFine
from recorder.sources.feed import MAX_EVENTS_PER_PACKET
from recorder.sources.spec import bias_options

WIDTH, HEIGHT = EVENT_VIEW.size  # DAVIS346
STEP_US = 8_000  # the face is rendered 125 times a second; light in between goes in a straight line
EPOCH_US = 1_700_000_000_000_000  # like a real camera, the event clock gives unix time
PERSON_US, TAKE_US = 1_000_000_000, 100_000_000  # from one person's first take to the next person's; from take to take
HOST_EPOCH_NS = 10**15  # of the imagined host's monotonic clock
# A live rig on a computer that is too slow renders less often, so that its clock keeps up with the room's: a step is longer by
# one STEP_US for every SLOW_US that it is behind. What was rendered less often is counted in the truth.
SLOW_US = 80_000
LONGEST_STEP = 8
PICTURES_LATE_US = 200_000  # frame cameras that are later than this lose pictures, as webcams of a busy computer do
APS_PERIOD_US = 40_000
APS_EXPOSURE_US = STEP_US
# Grey levels for which the camera's exposure was set: the brightest part of the scene is at the first one at least, the face
# at the second one unless the brightest part would be overexposed by more than the third.
APS_WHITE, APS_FACE, APS_MOST = 200.0, 75.0, 400.0
APS_NOISE = 1.2  # grey levels, standard deviation
IMU_PERIOD_US = 1_000
APS_EXPOSURE_START, APS_EXPOSURE_END = 8, 9  # dv-processing, TriggerType
ADDED = len(Cause)  # cause of the events that the option `rate` adds
USB = Latency(300, 1_000, 400.0)  # of event batches; measured on DAVIS cameras by others as about a millisecond


class Tally:
    """How many events of each cause there were, packet by packet: 56 bytes each, as a rig may stay open for days."""

    def __init__(self) -> None:
        self._first_us, self._last_us = array("q"), array("q")
        self._sums = tuple(array("q", (0,)) for _ in range(ADDED + 1))  # of each cause, up to each packet

    def note(self, events: Array, causes: NDArray[np.uint8]) -> None:
        """Count a packet that is not empty; packets come in order of time."""
        self._first_us.append(int(events["t"][0]))
        self._last_us.append(int(events["t"][-1]))
        for sums, count in zip(self._sums, np.bincount(causes, minlength=ADDED + 1), strict=True):
            sums.append(sums[-1] + int(count))

    def counts(self, first_us: int | None, last_us: int | None) -> dict[str, int]:
        """By the names of the causes, of the packets that lie between two event times, both included; None: without limit."""
        begin = 0 if first_us is None else bisect_left(self._first_us, first_us)
        end = len(self._last_us) if last_us is None else bisect_right(self._last_us, last_us)
        names = (*(cause.name.lower() for cause in Cause), "added")
        return {name: sums[max(begin, end)] - sums[begin] for name, sums in zip(names, self._sums, strict=True)}


class Stage:
    """The performer, asked from two threads. Satisfies recorder.sim.world.Actor. lock: held by whoever asks the performer."""

    def __init__(self, play: Cast) -> None:
        self._performer, self._emotion = play.performer, play.emotion
        self.lock = threading.Lock()

    def look(self, prompt: Prompt | None, now_us: int) -> None:
        """Read the screen; who was told to show an emotion shows it when asked to move."""
        if prompt is not None and prompt.movement and self._emotion:
            prompt = replace(prompt, movement=self._emotion)
        with self.lock:
            self._performer.look(prompt, now_us)

    def face(self, t_us: int) -> FaceState:
        """The face at an instant."""
        with self.lock:
            return self._performer.face(t_us)

    def paper(self, t_us: int) -> PaperState:
        """The paper at an instant."""
        with self.lock:
            return self._performer.paper(t_us)


class Videos:
    """The frame cameras, rendered on a thread of their own; pictures come out when they arrive at the host."""

    def __init__(self, cameras: Mapping[Stream, ColourCamera | ThermalCamera]) -> None:
        self.cameras = cameras
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="videos")
        self._job: Future[list[Shot]] | None = None
        self._arriving: deque[Shot] = deque()

    def begin(self, until_us: int, *, hurry: bool) -> None:
        """Render what is read out before an instant, unless the last job is still under way. hurry: not what is long past."""
        if self.cameras and self._job is None:
            self._job = self._worker.submit(self._due, until_us, hurry)

    def _due(self, until_us: int, hurry: bool) -> list[Shot]:
        if hurry:
            for camera in self.cameras.values():
                camera.skip(until_us - PICTURES_LATE_US)
        return [shot for camera in self.cameras.values() for shot in camera.due(until_us)]

    def arrived(self, now_us: int, *, wait: bool) -> list[Frame]:
        """Pictures that have reached the host by now. wait: for the rendering, so that the same always comes of the same."""
        if self._job is not None and (wait or self._job.done()):
            self._arriving = deque(sorted((*self._arriving, *self._job.result()), key=lambda shot: shot.arrival_us))
            self._job = None
        frames = []
        while self._arriving and self._arriving[0].arrival_us <= now_us:
            frames.append(self._arriving.popleft().frame)
        return frames

    def close(self) -> None:
        """Let the thread go."""
        self._worker.shutdown()


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
        self._texts = dict(options or {})
        self._videos: Videos | None = None
        self._closed = False

    def open(self) -> CameraInfo:
        """Make the world of this seed. Raises CameraError for unknown options, HeadError for a head that cannot be had."""
        self._options = parse_options(self._texts)
        self._play = cast(self._seed, self._options)
        self._stage = Stage(self._play)
        self._start_us = EPOCH_US + self._seed * PERSON_US + self._options.take * TAKE_US
        self._world = World(self._play.mesh, self._play.look, self._play.traits, self._play.sheet, self._stage)
        streams = np.random.default_rng([self._seed, self._options.take, 1]).spawn(5)
        self._imu_rng, self._aps_rng, self._extra_rng = streams[:3]
        self._usb = HostLink(streams[3], USB, self._start_us, HOST_EPOCH_NS)
        self._pixels = EventPixels((WIDTH, HEIGHT), self._options.pixel_params(), self._seed)
        self._bus = EventBus()
        self._videos = Videos(self._frame_cameras(streams[4]))
        self._done_us = self._slow_us = 0
        self._aps_due_us = 0
        self._tally = Tally()
        self._warm_up()
        return self._info()

    def _frame_cameras(self, rng: np.random.Generator) -> dict[Stream, ColourCamera | ThermalCamera]:
        """Drawn whether they are asked for or not, so that one stream more changes no other."""
        colour_rng, thermal_rng, clock_rng = rng.spawn(3)
        self._clocks = {stream: self._clock(clock_rng, number) for number, stream in enumerate((Stream.RGB, Stream.THERMAL))}
        cameras: dict[Stream, ColourCamera | ThermalCamera] = {}
        start, lamp = self._start_us, _lamp(self._options)
        if Stream.RGB in self._around.video:
            clock, options = self._clocks[Stream.RGB], self._options.rgb
            cameras[Stream.RGB] = ColourCamera(colour_rng, self._world, lamp, clock, start, HOST_EPOCH_NS, options)
        if Stream.THERMAL in self._around.video:
            clock, warm = self._clocks[Stream.THERMAL], self._options.thermal
            cameras[Stream.THERMAL] = ThermalCamera(thermal_rng, self._world, clock, start, HOST_EPOCH_NS, warm)
        return cameras

    def _clock(self, rng: np.random.Generator, number: int) -> Clock:
        """A frame camera's clock: of this take alone, or the one that runs through the session."""
        if not self._options.session:
            return draw_clock(rng)
        session_us = EPOCH_US + self._seed * PERSON_US
        clock = draw_clock(np.random.default_rng([self._seed, self._options.session, 8 + number]))
        return clock.referred_to(self._start_us, session_us)

    def _warm_up(self) -> None:
        """See the first picture of each camera, and do once what it takes later: freshly installed this compiles for half a
        minute, which a live world would have to make up for if it came when its clock runs.
        """
        first = self._world.event_pictures(self._start_us, self._start_us)[-1]
        self._pixels.start(first, self._start_us)
        self._before = first
        self._aps_gain = _aps_gain(first)
        if Stream.RGB in self._around.video:
            self._world.colour(self._options.rgb.size, self._start_us, self._start_us + 1, 1)
        if Stream.THERMAL in self._around.video:
            self._world.temperature(THERMAL_SIZE, self._start_us)
        rehearse(self._play, self._pixels.params)

    def _info(self) -> CameraInfo:
        streams = [StreamInfo(Stream.EVENTS, (WIDTH, HEIGHT))]
        streams += [StreamInfo(Stream.FRAMES, (WIDTH, HEIGHT), fps=1e6 / APS_PERIOD_US)]
        streams += [StreamInfo(Stream.IMU, fps=1e6 / IMU_PERIOD_US), StreamInfo(Stream.TRIGGERS)]
        sizes = {Stream.RGB: self._options.rgb.size, Stream.THERMAL: THERMAL_SIZE}
        rates = {Stream.RGB: self._options.rgb.fps, Stream.THERMAL: self._options.thermal.fps}
        streams += [StreamInfo(stream, sizes[stream], fps=rates[stream]) for stream in self._around.video]
        return CameraInfo(
            "sim",
            "Simulated rig",
            tuple(streams),
            str(self._seed),
            simulated=True,
            settings=self._settings(),
            truth=self._truth,
            virtual_host_clock=self._around.pace.follows_events,
        )

    def _settings(self) -> dict[str, Any]:
        videos = self._videos.cameras if self._videos else {}
        return {
            "head": self._play.head,
            "preset": self._options.bias.value,
            "biases": {name: list(pair) for name, pair in self._options.currents().items()},
            "pixel": describe(self._pixels.params),
            "aps_exposure_us": APS_EXPOSURE_US,
            "step_us": STEP_US,
            **{stream.value: camera.settings() for stream, camera in videos.items()},
            "options": self._texts,
        }

    def tune(self, preset: BiasPreset, biases: Mapping[str, CoarseFine]) -> Tuned:
        """Give the event pixels what these biases make of them, from the next event on. Raises PixelError."""
        options = replace(self._options, bias=preset, biases=dict(biases))
        self._pixels.params = options.pixel_params()
        self._options, self._texts = options, bias_options(self._texts, preset, biases)
        return Tuned(self._settings())

    def read(self) -> Sequence[Packet]:
        """The next step of the world: live as soon as it is over, so that a preview moves as often as a camera's would."""
        if self._closed or self._videos is None:
            raise CameraEnded(EndReason.LOST, "the simulated camera was closed")
        if self._around.pace.follows_events:
            return self._step(self._videos, STEP_US, wait=True)
        behind_us = self._around.pace.elapsed_us() - self._done_us
        if behind_us < STEP_US:
            return ()
        return self._step(self._videos, STEP_US * min(1 + behind_us // SLOW_US, LONGEST_STEP), wait=False)

    def _step(self, videos: Videos, length_us: int, *, wait: bool) -> list[Packet]:
        begin = self._start_us + self._done_us
        end = begin + length_us
        self._stage.look(self._around.prompt(), begin)
        videos.begin(end, hurry=not wait)
        pictures = self._world.event_pictures(begin, end)
        events = self._events(pictures, begin, end)
        host_ns = self._host_ns(end)
        packets: list[Packet] = [*events, self._imu(begin, end, host_ns), *self._aps(pictures, begin, end, host_ns)]
        self._before = pictures[-1]
        self._done_us += length_us
        self._slow_us += length_us - STEP_US
        return packets + list(videos.arrived(end, wait=wait))

    def _host_ns(self, end_us: int) -> int:
        """When a batch reaches the host: at full speed an imagined one."""
        imagined = self._usb.host_ns(self._usb.arrival_us(end_us))
        return imagined if self._around.pace.follows_events else self._around.monotonic_ns()

    def _events(
        self, pictures: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]", begin_us: int, end_us: int
    ) -> list[Records]:
        events, causes = self._bus.passed(*self._pixels.step(pictures, end_us), end_us)
        if self._options.rate_mev_s:
            added = self._added(begin_us, end_us)
            events = np.concatenate([events, added])
            causes = np.concatenate([causes, np.full(len(added), ADDED, np.uint8)])
            order = np.argsort(events["t"], kind="stable")
            events, causes = events[order], causes[order]
        host_ns = self._host_ns(end_us)
        packets = []
        for first in range(0, len(events), MAX_EVENTS_PER_PACKET):
            part = slice(first, first + MAX_EVENTS_PER_PACKET)
            self._tally.note(events[part], causes[part])
            packets.append(Records(Stream.EVENTS, events[part], host_ns))
        return packets

    def _added(self, begin_us: int, end_us: int) -> Array:
        """Random events all over the sensor."""
        count = self._extra_rng.poisson(self._options.rate_mev_s * (end_us - begin_us))
        events = np.zeros(count, EVENT_DTYPE)
        events["t"] = self._extra_rng.integers(begin_us + 1, end_us, count, endpoint=True)
        events["x"] = self._extra_rng.integers(0, WIDTH, count, dtype=np.int16)
        events["y"] = self._extra_rng.integers(0, HEIGHT, count, dtype=np.int16)
        events["p"] = self._extra_rng.integers(0, 2, count, dtype=np.int8)
        return events

    def _imu(self, begin_us: int, end_us: int, host_ns: int) -> Packet:
        samples = np.zeros((end_us - begin_us) // IMU_PERIOD_US, IMU_DTYPE)
        samples["t"] = begin_us + IMU_PERIOD_US * np.arange(1, len(samples) + 1)
        samples["temperature"] = 35.0
        samples["accelerometer"] = self._imu_rng.normal((0, 1, 0), 0.003, (len(samples), 3))
        samples["gyroscope"] = self._imu_rng.normal(0, 0.1, (len(samples), 3))
        return Records(Stream.IMU, samples, host_ns)

    def _aps(
        self, pictures: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]", begin_us: int, end_us: int, host_ns: int
    ) -> list[Records | Frame]:
        if end_us - self._start_us <= self._aps_due_us:
            return []
        self._aps_due_us = max(self._aps_due_us + APS_PERIOD_US, end_us - self._start_us)
        edges = np.zeros(2, TRIGGER_DTYPE)
        edges["t"] = begin_us + 1, end_us
        edges["kind"] = APS_EXPOSURE_START, APS_EXPOSURE_END
        # Light goes in straight lines from picture to picture: the mean over the exposure is the trapezium rule's.
        light = (self._before / 2 + pictures.sum(axis=0) - pictures[-1] / 2) / len(pictures)
        noisy = light * np.float32(self._aps_gain) + np.float32(APS_NOISE) * self._aps_rng.standard_normal(
            light.shape, np.float32
        )
        image = np.clip(noisy + np.float32(0.5), 0, 255).astype(np.uint8)
        return [
            Records(Stream.TRIGGERS, edges, host_ns),
            Frame(Stream.FRAMES, image, (begin_us + end_us) // 2, end_us - begin_us, host_ns),
        ]

    def _truth(self, first_us: int | None = None, last_us: int | None = None) -> Mapping[str, Any]:
        """What really happened; events are counted from first_us to last_us.

        Since the rig was opened: bus_lost, events that found the sensor's bus full; slow_us, how much time was rendered in
        longer steps because the computer was too slow.
        """
        videos = self._videos.cameras if self._videos else {}
        counts = self._tally.counts(first_us, last_us)
        with self._stage.lock:
            truth = self._play.truth(self._world.sheet_view, self._stage_clocks(), counts, self._start_us)
        return {
            **truth,
            "bus_lost": self._bus.lost,
            "slow_us": self._slow_us,
            "cameras": {stream.value: camera.truth() for stream, camera in videos.items()},
        }

    def _stage_clocks(self) -> dict[str, Clock]:
        return {stream.value: self._clocks[stream] for stream in self._around.video}

    def close(self) -> None:
        """Give nothing more."""
        self._closed = True
        if self._videos is not None:
            self._videos.close()


def _aps_gain(light: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]") -> float:
    """Grey levels for a unit of light, of a picture [H, W] of the subject."""
    bright, face = float(np.percentile(light, 98)), float(light[65:215, 103:243].mean())
    return max(APS_WHITE / bright, min(APS_FACE / face, APS_MOST / bright))


def _lamp(options: SimOptions) -> Lamp:
    """The room's lamp; its flicker is the event pixel's: a sine of event time."""
    if not options.flicker_hz:
        return Lamp()
    return Lamp(1.0, options.flicker_hz, options.flicker_depth, round(1e6 / (4 * options.flicker_hz)))
