"""The thermal camera: raw 16-bit counts as the stream `thermal`, never rescaled. Knows no script and no take."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from protocol.streams import Stream
from recorder.sources.base import CameraError
from recorder.sources.frame_camera import FrameCamera
from recorder.sources.opencv_live import Y16
from recorder.sources.pictures import RawImage

GREY_TOLERANCE = 8  # grey levels that JPEG and chroma subsampling may put between the channels of a grey picture


class ThermalCamera(FrameCamera):
    """Pictures [H, W] uint16. Satisfies recorder.sources.base.Camera.

    Eight-bit grey is kept as counts 0 .. 255 under a warning: such cameras have rescaled their picture already, often anew
    for every picture, so that its levels are no temperatures. False colour holds no counts at all and is refused.
    """

    STREAM = Stream.THERMAL
    FOURCC = Y16
    FILE_FPS: ClassVar[float] = 9.0  # what most exportable thermal cameras give (FLIR Lepton datasheet: 8.7 Hz)

    def convert(self, image: RawImage, name: str) -> NDArray[np.uint16]:
        """The counts as they came, in whatever wrapping."""
        if image.ndim == 3 and image.shape[2] == 1:
            image = image[..., 0]
        if image.dtype == np.uint16 and image.ndim == 2:
            return np.ascontiguousarray(image)
        if image.dtype == np.uint8 and image.ndim == 2:
            return image.astype(np.uint16)
        if image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] in (3, 4) and _is_grey(image[..., :3]):
            return image[..., 1].astype(np.uint16)
        raise CameraError(
            f"{name}: gives {list(image.shape)} {image.dtype} in false colour and no temperature counts; "
            "switch it to 16-bit output (Y16) or leave it out."
        )

    def warnings(self, first: RawImage, name: str) -> tuple[str, ...]:
        """Eight bits are said clearly, since nothing in the data shows it afterwards."""
        if first.dtype == np.uint16:
            return ()
        return (
            f"{name}: gives 8-bit grey and no raw counts; its levels are not temperatures. Switch it to 16-bit output (Y16).",
        )


def _is_grey(image: RawImage) -> bool:
    return bool((image.max(axis=2).astype(np.int16) - image.min(axis=2) <= GREY_TOLERANCE).all())
