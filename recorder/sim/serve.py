"""The simulated rig's own process: `python -m recorder.sim.serve`. Commands on standard input, packets on standard output.

Serves any camera, live by its own clock or step by step when asked; knows no take and no file. It leaves at once when its
standard input ends: the capture process is gone then.
"""

import gc
import logging
import os
import queue
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from protocol.errors import GlimpseError
from protocol.streams import Packet, Stream
from recorder.clock import EventPace, RealPace
from recorder.settings import FrameCameraSettings
from recorder.sim.faults import Unplugged
from recorder.sim.sources import open_world
from recorder.sim.wire import EXIT_UNPLUGGED, Message, Pipe, receive, send, size_of
from recorder.sources.base import Camera, CameraEnded, CameraError, CameraInfo, Prompt, Surroundings, Tunable
from recorder.sources.davis_biases import BiasPreset, CoarseFine
from recorder.sources.spec import CameraSpec, parse_camera

World = Callable[[CameraSpec, Surroundings], Camera]

IDLE_S = 0.001  # between two looks at a world that had nothing yet
WAITING_BYTES = 64 << 20  # packets of a live rig on their way out, a third of a second of a burst; the newest are dropped then
SNAPSHOT_S = 1.0  # between two truths sent unasked
SNAPSHOT_SHARE = 0.05  # of the time that they may take
SWITCH_S = 0.0005  # how long one of the world's threads may keep the others from the interpreter; Python's 5 ms are a step
LEAVE_S = 1.0  # for closing the world; then it is left as it is

_log = logging.getLogger(__name__)


class Inbox:
    """Reads commands; the end of the pipe ends the process, whatever the main thread is doing."""

    def __init__(self, pipe: Pipe) -> None:
        self.commands: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._pipe = pipe
        threading.Thread(target=self._run, name="commands", daemon=True).start()

    def _run(self) -> None:
        is_asked = False
        while (message := receive(self._pipe)) is not None:
            is_asked |= message.kind == "close"
            self.commands.put(message)
        if is_asked:
            time.sleep(LEAVE_S)
        os._exit(0)


class Outbox:
    """Writes messages on a thread of its own, so that a reader who is slow does not hold the world's clock.

    Bounded by bytes: packets that find it full wait when the world goes step by step, and are dropped whole and counted live.
    """

    def __init__(self, pipe: Pipe) -> None:
        self.dropped = 0
        self._pipe = pipe
        self._queue: deque[tuple[str, dict[str, Any], Sequence[Packet]]] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name="packets", daemon=True).start()

    @property
    def is_full(self) -> bool:
        """Whether nothing that may be left out should be put in."""
        return self._bytes >= WAITING_BYTES

    def put(self, kind: str, body: dict[str, Any]) -> None:
        """Queue a message without packets: an answer, or the end."""
        with self._changed:
            self._append(kind, body, ())

    def put_packets(self, body: dict[str, Any], packets: Sequence[Packet], *, wait: bool) -> None:
        """Queue packets. wait: until there is room; else they are dropped where there is none."""
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: not self.is_full)
            if self.is_full:
                self.dropped += len(packets)
            else:
                self._append("packets", body, packets)

    def _append(self, kind: str, body: dict[str, Any], packets: Sequence[Packet]) -> None:
        self._bytes += size_of(packets)
        self._queue.append((kind, {**body, "dropped": self.dropped}, packets))
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue)
                kind, body, packets = self._queue[0]
            try:
                send(self._pipe, kind, body, packets)
            except OSError:
                os._exit(0)  # nobody reads any more
            with self._changed:
                self._queue.popleft()
                self._bytes -= size_of(packets)
                self._changed.notify_all()

    def drain(self, timeout_s: float) -> None:
        """Wait until everything is written, but not for ever."""
        with self._changed:
            self._changed.wait_for(lambda: not self._queue, timeout_s)


class Server:
    """Opens the world it is told and serves it until it is told to close."""

    def __init__(self, world: World, commands: Pipe, packets: Pipe) -> None:
        self._world = world
        self._inbox, self._outbox = Inbox(commands), Outbox(packets)
        self._pace: RealPace | EventPace = EventPace()
        self._prompt: Prompt | None = None
        self._seen = 0  # number of the newest prompt
        self._told = 0  # of the newest one that was acknowledged
        self._camera: Camera | None = None
        self._info: CameraInfo | None = None
        self._is_running = self._is_idle = self._is_closing = False
        self._snapshot_at_s = 0.0

    def run(self) -> None:
        """Serve. What goes wrong is told in a message; the process itself stays until it is let go."""
        while not self._is_closing:
            message = self._next()
            if message is not None:
                self._obey(message)
            elif self._camera is not None:
                self._step(self._camera)
        if self._camera is not None:
            self._camera.close()

    def _next(self) -> Message | None:
        """The next command; None when it is time to look at a live world."""
        if not self._is_running:
            return self._inbox.commands.get()
        try:
            return self._inbox.commands.get(timeout=IDLE_S if self._is_idle else 0)
        except queue.Empty:
            return None

    def _obey(self, message: Message) -> None:
        body = message.body
        match message.kind:
            case "open":
                self._guarded(lambda: self._open(body), "refused")
            case "start":
                self._start()
            case "prompt":
                self._show(body)
            case "step" if self._camera is not None:
                self._show(body)
                self._step(self._camera)
            case "truth":
                truth = self._truth(body["first_us"], body["last_us"])
                self._outbox.put("truth", {"number": body["number"], "truth": truth})
            case "bias":
                self._tune(BiasPreset(body["preset"]), {name: (pair[0], pair[1]) for name, pair in body["biases"].items()})
            case "close":
                self._is_closing = True

    def _tune(self, preset: BiasPreset, biases: Mapping[str, CoarseFine]) -> None:
        try:
            if not isinstance(self._camera, Tunable):
                raise CameraError("This simulated rig has no biases that can be set; leave them.")
            tuned = self._camera.tune(preset, biases)
        except GlimpseError as error:
            self._outbox.put("untuned", {"text": str(error)})
        else:
            self._outbox.put("tuned", {"settings": dict(tuned.settings), "warnings": list(tuned.warnings)})

    def _guarded(self, work: Callable[[], None], kind: str) -> None:
        try:
            work()
        except CameraEnded:
            raise
        except GlimpseError as error:
            self._fail(kind, str(error))
        except ImportError as error:
            what = error.name or "a package"
            self._fail(kind, f"The simulated rig needs {what}, which cannot be loaded ({error}); install Glimpse anew.")
        except Exception as error:  # noqa: BLE001  (whatever goes wrong in the world ends the camera, with a sentence)
            _log.exception("the simulated rig has a defect")
            text = " ".join(str(error).split())
            self._fail(kind, f"The simulated rig has a defect ({type(error).__name__}: {text}); please report it.")

    def _fail(self, kind: str, text: str) -> None:
        self._is_running = False
        self._outbox.put(kind, {"text": text})

    def _open(self, body: dict[str, Any]) -> None:
        self._pace = RealPace(time.monotonic_ns) if body["live"] else EventPace()
        around = Surroundings(
            self._pace,
            lambda: self._prompt,
            time.monotonic_ns,
            time.sleep,
            tuple(Stream(name) for name in body["video"]),
            {Stream(name): FrameCameraSettings.model_validate(one) for name, one in body["frames"].items()},
        )
        camera = self._world(parse_camera(body["spec"]), around)
        self._info = camera.open()
        self._camera = camera
        gc.collect()
        gc.freeze()  # compiling leaves millions of objects: looking through them would stop the world for a quarter of a second
        self._outbox.put("ready", _described(self._info))

    def _start(self) -> None:
        if isinstance(self._pace, RealPace):
            self._pace.start()
            self._is_running = self._camera is not None

    def _show(self, body: dict[str, Any]) -> None:
        self._prompt = Prompt(**body["prompt"]) if body["prompt"] else None
        self._seen = body["number"]

    def _step(self, camera: Camera) -> None:
        try:
            self._guarded(lambda: self._give(camera.read()), "failed")
        except Unplugged:
            self._leave_abruptly()
        except CameraEnded as end:
            self._is_running = False
            self._outbox.put("ended", {"reason": end.reason.value, "text": end.message})

    def _give(self, packets: Sequence[Packet]) -> None:
        is_live = isinstance(self._pace, RealPace)
        if isinstance(self._pace, EventPace):
            for packet in packets:
                self._pace.saw(packet)
        self._is_idle = not packets
        if packets or self._seen != self._told or not is_live:
            self._told = self._seen
            self._outbox.put_packets({"seen": self._seen}, packets, wait=not is_live)
        self._send_snapshot()

    def _send_snapshot(self) -> None:
        """The truth so far, for the case that nobody can ask any more."""
        now_s = time.monotonic()
        if self._info is None or self._info.truth is None or self._outbox.is_full:
            return
        if now_s >= self._snapshot_at_s:
            self._outbox.put("truth", {"number": 0, "truth": self._truth(None, None)})
            took_s = time.monotonic() - now_s
            self._snapshot_at_s = now_s + max(SNAPSHOT_S, took_s / SNAPSHOT_SHARE)

    def _truth(self, first_us: int | None, last_us: int | None) -> dict[str, Any] | None:
        truth = self._info.truth(first_us, last_us) if self._info is not None and self._info.truth is not None else None
        return None if truth is None else dict(truth)

    def _leave_abruptly(self) -> NoReturn:
        """Unplugged: what was on the cable still arrives, and the truth, which no real camera has; no word of farewell."""
        self._snapshot_at_s = 0.0
        self._send_snapshot()
        self._outbox.drain(LEAVE_S)
        os._exit(EXIT_UNPLUGGED)


def _described(info: CameraInfo) -> dict[str, Any]:
    """What an open camera says of itself, as JSON values."""
    streams = [
        {"stream": one.stream.value, "resolution": one.resolution, "clock": one.clock, "fps": one.fps} for one in info.streams
    ]
    plain = {name: getattr(info, name) for name in ("kind", "name", "serial", "simulated", "virtual_host_clock")}
    settings, warnings = dict(info.settings), list(info.warnings)
    return {**plain, "streams": streams, "settings": settings, "warnings": warnings, "has_truth": info.truth is not None}


def main(world: World = open_world) -> None:
    """Entry point; benchmarks and tests hand in worlds of their own."""
    # Libraries print to descriptor 1; the packets keep it to themselves.
    packets = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program at the terminal, which closes us in order
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="sim: %(levelname)s %(message)s")
    sys.setswitchinterval(SWITCH_S)
    Server(world, os.fdopen(os.dup(0), "rb", buffering=0), packets).run()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
