"""Any webcam, video file, folder of pictures or video stream as an event camera: its pictures through the event pixel.

Events lie between two pictures and so arrive one picture late. Knows no face, no script and no take.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from protocol.streams import Frame, Packet, Records, Stream
from recorder.settings import FrameCameraSettings
from recorder.sim.pixel import PRESETS, EventPixels
from recorder.sources.base import CameraEnded, CameraInfo, EndReason, StreamInfo, Surroundings
from recorder.sources.feed import in_pieces
from recorder.sources.rgb import RgbCamera
from recorder.video2events.grey import fitted_size, grey, resized
from recorder.video2events.recipe import LONGEST_STEP_US, v2e_parameters

PIXEL = "spiking_fer"  # the published settings for video at 30 pictures a second: no noise is added to that of the webcam
SEED = 346  # one sensor: its pixels differ from each other in the same way in every take
FIRST_STEP_US = 10_000  # how far a file is played on at once where time follows the events, doubled until a picture comes


class _OwnPace:
    """A file that plays on by itself: where time follows the events it cannot wait for them, for they come of its pictures."""

    follows_events = True

    def __init__(self) -> None:
        self.now_us = 0

    def elapsed_us(self) -> int:
        """How far the file is to be played."""
        return self.now_us


class WebcamEvents:
    """Pictures turned into the streams `events` and `frames` (the grey picture). Satisfies recorder.sources.base.Camera.

    Both have the size of the picture, scaled down to fit 346 x 260. Event time is the picture's time: the device's where it has
    one, else the host's, both in microseconds.
    """

    def __init__(self, target: int | str, settings: FrameCameraSettings, surroundings: Surroundings) -> None:
        """target: a number, a device, a URL, a video file, a TIFF or a folder of pictures. Opens nothing yet."""
        self._target = target
        self._pace = _OwnPace() if surroundings.pace.follows_events else None
        around = replace(surroundings, pace=self._pace) if self._pace else surroundings
        self._camera = RgbCamera(target, settings, around)
        self._pixels: EventPixels | None = None
        self._size = (0, 0)
        self._last_us: int | None = None
        self._ended: CameraEnded | None = None

    def open(self) -> CameraInfo:
        """Connect and start the pictures. Raises CameraError."""
        info = self._camera.open()
        (pictures,) = info.streams
        self._size = fitted_size(pictures.resolution or (1, 1))
        self._pixels = EventPixels(self._size, PRESETS[PIXEL], SEED)
        told = {"preset": PIXEL, "seed": SEED, **v2e_parameters(PRESETS[PIXEL])}
        return replace(
            info,
            kind="webcam",
            streams=(
                StreamInfo(Stream.EVENTS, self._size, pictures.clock),
                StreamInfo(Stream.FRAMES, self._size, pictures.clock, pictures.fps),
            ),
            simulated=True,
            settings={**info.settings, "picture": list(pictures.resolution or ()), "pixel": told},
        )

    def read(self) -> Sequence[Packet]:
        """The events up to each picture that has arrived, and the picture. Raises CameraEnded, and for ever after."""
        if self._ended is not None:
            raise CameraEnded(self._ended.reason, self._ended.message)
        try:
            return [packet for frame in self._frames() for packet in self._seen(frame)]
        except CameraEnded as end:
            self._ended = end
            raise

    def _frames(self) -> list[Frame]:
        frames = self._pictures()
        step_us = FIRST_STEP_US
        while not frames and self._pace is not None and step_us < LONGEST_STEP_US:
            self._pace.now_us += step_us
            step_us *= 2
            frames = self._pictures()
        return frames

    def _pictures(self) -> list[Frame]:
        return [packet for packet in self._camera.read() if isinstance(packet, Frame)]

    def _seen(self, frame: Frame) -> list[Packet]:
        t_us = frame.host_ns // 1000 if frame.stream_us is None else frame.stream_us
        if self._last_us is not None:
            t_us = max(t_us, self._last_us + 1)  # two pictures of one time: the second is a microsecond later
        image = resized(grey(frame.image, str(self._target)), self._size)
        events = self._events(image, t_us, frame.host_ns)
        self._last_us = t_us
        return [*events, Frame(Stream.FRAMES, image, t_us, frame.exposure_us, frame.host_ns)]

    def _events(self, image: NDArray[np.uint8], t_us: int, host_ns: int) -> list[Records]:
        assert self._pixels is not None
        if self._last_us is None or t_us - self._last_us > LONGEST_STEP_US:
            self._pixels.start(image, t_us)
            return []
        events, _ = self._pixels.step(image, t_us)
        return in_pieces(Stream.EVENTS, events, host_ns)

    def close(self) -> None:
        """Release the device. Safe to call twice, and after a failed `open`."""
        message = f"{self._target}: the camera is closed."
        self._ended = self._ended or CameraEnded(EndReason.LOST, message)
        self._camera.close()
