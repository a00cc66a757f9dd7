"""Worlds that a rig's process serves in tests, as cheap as can be.

As a program: `sim_worlds.py NAME` serves the world of that name; `sim_worlds.py capture` is a capture process whose `--camera
sim,world=NAME` (rich where none is given) is such a rig.
"""

import os
import signal
import sys
import time

import numpy as np

from protocol.streams import EVENT_DTYPE, IMU_DTYPE, TRIGGER_DTYPE, Frame, Records, Stream
from recorder.capture import main as capture
from recorder.sim.client import RemoteRig
from recorder.sim.faults import Fault, FaultyCamera
from recorder.sim.serve import main as serve
from recorder.sources.base import CameraEnded, CameraError, CameraInfo, EndReason, StreamInfo
from recorder.sources.registry import default_registry
from recorder.sources.spec import CameraSpec, parse_camera

SIZE = (346, 260)
START_US = 1_700_000_000_000_000
STEP_US = 4_000
FLOOD_STEPS, FLOOD_EVENTS = 60, 500_000  # 480 MB: what may wait on the way is 129 MB
DRIFT_PPM = 80.0  # of the imagined host, as the event camera sees it
ARRIVAL_US = 2_000


def served(name, around, spec="sim:1"):
    """A rig that shows this world, not yet open."""
    return RemoteRig(parse_camera(spec), around, (sys.executable, __file__, name))


class World:
    """Gives one event a step of 4 ms; remembers what the screen showed and how many steps it has made."""

    is_paced = True

    def __init__(self, spec, around):
        self.around = around
        self.step = 0
        self.shown = []

    def open(self):
        return CameraInfo("sim", "World", (StreamInfo(Stream.EVENTS, SIZE),), simulated=True, truth=self.truth)

    def truth(self, first_us, last_us):
        return {"shown": self.shown, "steps": self.step, "first_us": first_us, "last_us": last_us}

    def read(self):
        pace = self.around.pace
        if self.is_paced and not pace.follows_events and pace.elapsed_us() < self.step * STEP_US:
            return []
        prompt = self.around.prompt()
        self.shown.append(None if prompt is None else prompt.text)
        self.step += 1
        return self.packets()

    def packets(self):
        return [self.events(1)]

    def events(self, count, host_ns=None):
        events = np.zeros(count, EVENT_DTYPE)
        events["t"] = START_US + self.step * STEP_US
        return Records(Stream.EVENTS, events, time.monotonic_ns() if host_ns is None else host_ns)

    def close(self):
        """Nothing to release."""


class Rich(World):
    """All six streams; the colour and thermal camera have clocks of their own, a second behind."""

    sizes = {Stream.RGB: (64, 48), Stream.THERMAL: (16, 12)}  # noqa: RUF012

    def __init__(self, spec, around):
        super().__init__(spec, around)
        self.rng = np.random.default_rng(int(spec.target or 1))
        self.answers = {}  # prompt's text: its time as the subject reads it

    def open(self):
        streams = [StreamInfo(Stream.EVENTS, SIZE), StreamInfo(Stream.FRAMES, SIZE)]
        streams += [StreamInfo(Stream.IMU), StreamInfo(Stream.TRIGGERS)]
        streams += [StreamInfo(stream, self.sizes[stream]) for stream in self.around.video]
        return CameraInfo("sim", "Rich world", tuple(streams), "1", True, {"light": 300}, (), self.truth)

    def truth(self, first_us, last_us):
        return {"steps": self.step, "first_us": first_us, "last_us": last_us, "answers": dict(self.answers)}

    def packets(self):
        if prompt := self.around.prompt():
            self.answers[prompt.text] = prompt.at_us
        begin_us, now_ns = START_US + (self.step - 1) * STEP_US, time.monotonic_ns()
        events = np.zeros(50, EVENT_DTYPE)
        events["t"] = begin_us + np.sort(self.rng.integers(0, STEP_US, len(events)))
        for name, end in (("x", SIZE[0]), ("y", SIZE[1]), ("p", 2)):
            events[name] = self.rng.integers(0, end, len(events))
        samples = np.zeros(4, IMU_DTYPE)
        samples["t"] = begin_us + 1_000 * np.arange(4)
        samples["gyroscope"] = self.rng.normal(size=(4, 3))
        packets = [Records(Stream.EVENTS, events, now_ns), Records(Stream.IMU, samples, now_ns)]
        return packets + (self.pictures(begin_us, now_ns) if self.step % 10 == 1 else [])

    def pictures(self, begin_us, now_ns):
        edges = np.zeros(2, TRIGGER_DTYPE)
        edges["t"], edges["kind"] = (begin_us, begin_us + 2_000), (8, 9)
        grey = self.rng.integers(0, 256, SIZE[::-1], np.uint8)
        found = [Records(Stream.TRIGGERS, edges, now_ns), Frame(Stream.FRAMES, grey, begin_us + 1_000, 2_000, now_ns)]
        for stream in self.around.video:
            width, height = self.sizes[stream]
            is_rgb = stream is Stream.RGB
            image = self.rng.integers(0, 30_000, (height, width), np.uint16)
            image = np.repeat(image[:, :, None].astype(np.uint8), 3, axis=2) if is_rgb else image
            found.append(Frame(stream, image, begin_us - 1_000_000, 1_000 if is_rgb else None, now_ns))
        return found


def rich(spec, around):
    """The rich world, with a fault where one is asked for."""
    if "fault" not in spec.options:
        return Rich(spec, around)
    return FaultyCamera(lambda its: Rich(spec, its), around, Fault.parse(spec.options["fault"]), 1)


class Flood(World):
    """More than anybody reads."""

    is_paced = False

    def packets(self):
        if self.step > FLOOD_STEPS:
            raise CameraEnded(EndReason.FINISHED, "The flood is over.")
        return [self.events(FLOOD_EVENTS)]


class Imagined(World):
    """Data as they reach a host of which there is only the clock; its colour camera has none but that."""

    def open(self):
        streams = (StreamInfo(Stream.EVENTS, SIZE), StreamInfo(Stream.RGB, (8, 6), "host"))
        return CameraInfo("sim", "World", streams, simulated=True, virtual_host_clock=True)

    def packets(self):
        host_ns = imagined_host_ns(self.step * STEP_US)
        picture = Frame(Stream.RGB, np.zeros((6, 8, 3), np.uint8), None, None, host_ns)
        return [self.events(1, host_ns), picture] if self.step % 10 == 0 else [self.events(1, host_ns)]


def imagined_host_ns(since_us):
    """When data of a moment, in us after START_US, reach the imagined host."""
    return round((1_000_000 + since_us * (1 + DRIFT_PPM * 1e-6) + ARRIVAL_US) * 1_000)


class Talkative(World):
    """A world whose libraries print, and one that is hit by Ctrl-C."""

    def read(self):
        os.write(1, b"a library says hello\n")
        os.kill(os.getpid(), signal.SIGINT)
        return super().read()


class Unopenable(World):
    def open(self):
        raise CameraError("The world was not created; try again in seven days.")


class Unmakeable(World):
    def open(self):
        raise ValueError("the mesh\nhas no faces")


class Incomplete(World):
    def open(self):
        import libworld  # noqa: F401  (there is none)


class Defective(World):
    def packets(self):
        if self.step > 3:
            raise ValueError("the mesh\nhas no faces")
        return super().packets()


class Broken(World):
    """Its process ends before it is open, as one without a library it needs does."""

    def open(self):
        sys.stderr.write("Traceback (most recent call last):\nImportError: libworld.so is missing\n")
        sys.stderr.flush()
        os._exit(1)


class Mute(World):
    """Closes what it should write to, and stays."""

    def read(self):
        os.closerange(3, 64)
        time.sleep(600)
        return []


WORLDS = {
    "plain": World,
    "rich": rich,
    "flood": Flood,
    "imagined": Imagined,
    "talkative": Talkative,
    "unopenable": Unopenable,
    "unmakeable": Unmakeable,
    "incomplete": Incomplete,
    "defective": Defective,
    "broken": Broken,
    "mute": Mute,
}


def record_worlds():
    """Be a capture process that knows these worlds."""

    def open_sim(spec, around):
        options = dict(spec.options)
        name = options.pop("world", "rich")
        return served(name, around, str(CameraSpec("sim", spec.target, options)))

    registry = default_registry()
    registry._factories["sim"] = open_sim
    capture(registry)


if __name__ == "__main__":
    record_worlds() if sys.argv[1] == "capture" else serve(WORLDS[sys.argv[1]])
