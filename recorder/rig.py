"""The cameras of one recording station, opened together and read by a thread each. Knows no take and no script."""

import dataclasses
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future

from protocol.streams import Packet, Stream
from recorder.closing import device_record
from recorder.messages import Armed, ArmedStream, RigSpec
from recorder.recording import OpenCamera
from recorder.sources.base import Camera, CameraEnded, CameraError, EndReason, StreamInfo, Surroundings, Tunable, Tuned
from recorder.sources.davis_biases import PRESETS, BiasPreset, CoarseFine, contradiction
from recorder.sources.registry import Registry
from recorder.sources.spec import FrameCameraKind, parse_camera, parse_frame_camera, with_biases

ANSWER_S = 5.0  # how long a camera may take to be set
IDLE_S = 0.001  # between two looks at a camera that had nothing; a DAVIS delivers every 1 to 10 ms

Deliver = Callable[[int, Packet], None]
Ended = Callable[[int, EndReason | None, str], None]

_log = logging.getLogger(__name__)


class CameraThread(threading.Thread):
    """Reads one camera for as long as it gives anything; whatever else is done to the open camera, it is asked to do."""

    def __init__(self, device: int, camera: Camera, deliver: Deliver, ended: Ended, sleep_s: Callable[[float], None]) -> None:
        super().__init__(name=f"camera-{device}", daemon=True)
        self._device = device
        self._camera = camera
        self._deliver = deliver
        self._ended = ended
        self._sleep_s = sleep_s
        self._stopping = threading.Event()
        self._asked: deque[tuple[Callable[[], Tuned], Future[Tuned]]] = deque()

    def run(self) -> None:
        """Read until stopped or ended; whatever goes wrong in a camera ends the camera, not the process."""
        try:
            while not self._stopping.is_set():
                self._do_asked()
                self._read_once()
        except CameraEnded as end:
            self._ended(self._device, end.reason, end.message)
        except Exception as error:  # noqa: BLE001
            _log.exception("camera %d failed", self._device)
            self._ended(self._device, None, f"The camera's driver failed: {error}")
        finally:
            for _, answer in tuple(self._asked):
                answer.cancel()

    def ask(self, work: Callable[[], Tuned]) -> Tuned:
        """Have something done to the camera between two reads, and wait for it. Raises CameraError, also what `work` raises."""
        answer: Future[Tuned] = Future()
        self._asked.append((work, answer))
        try:
            return answer.result(ANSWER_S)
        except (CancelledError, TimeoutError) as error:
            answer.cancel()
            raise CameraError("The camera does not answer; open the cameras again.") from error

    def _do_asked(self) -> None:
        while self._asked:
            work, answer = self._asked.popleft()
            if not answer.set_running_or_notify_cancel():
                continue
            try:
                answer.set_result(work())
            except Exception as error:  # noqa: BLE001  (whoever asked is told)
                answer.set_exception(error)

    def _read_once(self) -> None:
        packets = self._camera.read()
        for packet in packets:
            self._deliver(self._device, packet)
        if not packets:
            self._sleep_s(IDLE_S)

    def stop(self) -> None:
        """Ask it to stop."""
        self._stopping.set()


class Rig:
    """The open cameras. Camera 0 is the event camera, whose clock is event time.

    asked: as the rig was asked for; spec: what opens it as it is now, which differs once its biases were set.
    """

    def __init__(self, spec: RigSpec, registry: Registry, surroundings: Surroundings) -> None:
        self.asked = self.spec = spec
        self.cameras: tuple[OpenCamera, ...] = ()
        self._registry = registry
        self._around = surroundings
        self._open: list[Camera] = []
        self._threads: list[CameraThread] = []

    def open(self) -> None:
        """Open every camera, the event camera last: frame cameras take seconds to settle, in which it would fill its buffers.

        Raises CameraError; what was opened until then is closed again.
        """
        wanted = self._wanted()
        opened: dict[int, OpenCamera] = {}
        try:
            for device in reversed(range(len(wanted))):
                text, camera = wanted[device]
                self._open.append(camera)
                opened[device] = OpenCamera(text, camera.open())
        except BaseException:
            self.close()
            raise
        self._open = [camera for _, camera in wanted]
        self.cameras = tuple(opened[device] for device in range(len(wanted)))

    def _wanted(self) -> list[tuple[str, Camera]]:
        spec = parse_camera(self.spec.camera)
        frames = {Stream.RGB: parse_frame_camera(self.spec.rgb), Stream.THERMAL: parse_frame_camera(self.spec.thermal)}
        simulated = [stream for stream, frame in frames.items() if frame.kind is FrameCameraKind.SIM]
        if simulated and spec.kind != "sim":
            raise CameraError(f"--{simulated[0]} sim needs --camera sim: one simulated world serves all its cameras.")
        around = dataclasses.replace(self._around, video=tuple(simulated))
        wanted = [(self.spec.camera, self._registry.make(spec, around))]
        for stream, frame in frames.items():
            if frame.kind not in (FrameCameraKind.SIM, FrameCameraKind.NONE):
                wanted.append((str(frame), self._registry.make_frames(stream, frame, self._around)))
        return wanted

    def start(self, deliver: Deliver, ended: Ended) -> None:
        """Begin to read."""
        self._threads = [
            CameraThread(device, camera, deliver, ended, self._around.sleep_s) for device, camera in enumerate(self._open)
        ]
        for thread in self._threads:
            thread.start()

    def tune(self, preset: BiasPreset, biases: Mapping[str, CoarseFine]) -> None:
        """Set the event camera's biases, of which its device and `spec` tell then. Raises CameraError for impossible ones."""
        first, camera = self.cameras[0], self._open[0]
        if not isinstance(camera, Tunable):
            raise CameraError(f"{first.info.name} has no biases that can be set from here; leave them as they are.")
        if text := contradiction({**PRESETS[preset].biases, **biases}):
            raise CameraError(f"These biases contradict each other: {text}; choose others.")
        tuned = self._threads[0].ask(lambda: camera.tune(preset, biases))
        info = dataclasses.replace(first.info, settings=tuned.settings, warnings=tuned.warnings)
        camera_spec = with_biases(self.spec.camera, preset, biases)
        self.spec = self.spec.model_copy(update={"camera": camera_spec})
        self.cameras = (OpenCamera(camera_spec, info), *self.cameras[1:])

    def close(self) -> None:
        """Stop reading and release the cameras."""
        for thread in self._threads:
            thread.stop()
        for thread in self._threads:
            thread.join()
        self._threads = []
        for camera in self._open:
            camera.close()
        self._open = []

    def streams(self) -> tuple[StreamInfo, ...]:
        """Every stream of the rig."""
        return tuple(info for camera in self.cameras for info in camera.info.streams)

    def dropped(self) -> dict[str, int]:
        """Packets that each camera's own queue has dropped since it was opened, by its first stream."""
        answers = {camera.info.streams[0].stream.value: camera.info.dropped for camera in self.cameras}
        return {stream: ask() for stream, ask in answers.items() if ask is not None}

    def armed(self, started_ns: int) -> Armed:
        """What is told of the open cameras."""
        streams = {
            info.stream.value: ArmedStream(device=device, resolution=info.resolution, fps=info.fps, clock=info.clock)
            for device, camera in enumerate(self.cameras)
            for info in camera.info.streams
        }
        devices = tuple(device_record(camera) for camera in self.cameras)
        return Armed(rig=self.spec, devices=devices, streams=streams, started_ns=started_ns)

    def warnings(self) -> Sequence[str]:
        """What the cameras said of themselves on opening."""
        return [f"{camera.info.name}: {text}" for camera in self.cameras for text in camera.info.warnings]
