"""The colour camera: a webcam, a network camera or a video as the stream `rgb`. Knows no script and no take."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from protocol.streams import Stream
from recorder.sources.base import CameraError
from recorder.sources.frame_camera import FrameCamera
from recorder.sources.pictures import RawImage


class RgbCamera(FrameCamera):
    """Pictures [H, W, 3] uint8 BGR. Satisfies recorder.sources.base.Camera."""

    STREAM = Stream.RGB
    FILE_FPS: ClassVar[float] = 30.0

    def convert(self, image: RawImage, name: str) -> NDArray[np.uint8]:
        """Grey becomes three equal channels, transparency is left out; 16 bits are refused, for they would need scaling."""
        if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.shape[2:] not in ((), (1,), (3,), (4,)):
            kind = f"{list(image.shape)} {image.dtype}"
            raise CameraError(f"{name}: gives {kind} and no colour pictures; use it as thermal camera or take another.")
        if image.ndim == 2 or image.shape[2] == 1:
            return np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)
        return np.ascontiguousarray(image[..., :3])

    def warnings(self, first: RawImage, name: str) -> tuple[str, ...]:
        """Grey pictures are worth a word where colour is expected."""
        grey = first.ndim == 2 or first.shape[2] == 1
        return (f"{name}: gives grey pictures only; check that it is the colour camera.",) if grey else ()
