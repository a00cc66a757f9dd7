"""The cameras of one recording station, opened together and read by a thread each. Knows no take and no script."""

import dataclasses
import logging
import threading
from collections.abc import Callable, Sequence

from protocol.streams import Packet, Stream
from recorder.closing import device_record
from recorder.messages import Armed, ArmedStream, RigSpec
from recorder.recording import OpenCamera
from recorder.sources.base import Camera, CameraEnded, CameraError, EndReason, StreamInfo, Surroundings
from recorder.sources.registry import Registry
from recorder.sources.spec import FrameCameraKind, parse_camera, parse_frame_camera

IDLE_S = 0.001  # between two looks at a camera that had nothing; a DAVIS delivers every 1 to 10 ms

Deliver = Callable[[int, Packet], None]
Ended = Callable[[int, EndReason | None, str], None]

_log = logging.getLogger(__name__)


class CameraThread(threading.Thread):
    """Reads one camera for as long as it gives anything."""

    def __init__(self, device: int, camera: Camera, deliver: Deliver, ended: Ended, sleep_s: Callable[[float], None]) -> None:
        super().__init__(name=f"camera-{device}", daemon=True)
        self._device = device
        self._camera = camera
        self._deliver = deliver
        self._ended = ended
        self._sleep_s = sleep_s
        self._stopping = threading.Event()

    def run(self) -> None:
        """Read until stopped or ended; whatever goes wrong in a camera ends the camera, not the process."""
        try:
            while not self._stopping.is_set():
                self._read_once()
        except CameraEnded as end:
            self._ended(self._device, end.reason, end.message)
        except Exception as error:  # noqa: BLE001
            _log.exception("camera %d failed", self._device)
            self._ended(self._device, None, f"The camera's driver failed: {error}")

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
    """The open cameras. Camera 0 is the event camera, whose clock is event time."""

    def __init__(self, spec: RigSpec, registry: Registry, surroundings: Surroundings) -> None:
        self.spec = spec
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
