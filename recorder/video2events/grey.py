"""Pictures as the event pixel sees them: one grey channel of 8 bits, no larger than the sensor. Knows no file and no camera."""

import numpy as np
from numpy.typing import NDArray

from recorder.sources.pictures import RawImage, opencv
from recorder.video2events.errors import ConvertError

SENSOR = (346, 260)  # (width, height) of the DAVIS346 in pixels
_SIXTEEN_TO_EIGHT = 1 / 257  # 65535 becomes 255


def grey(image: RawImage, name: str) -> NDArray[np.uint8]:
    """The luma of a picture, [H, W] uint8. image: [H, W], or [H, W, 1, 3 or 4] BGR(A), of uint8 or uint16.

    Luma is 0.299 R + 0.587 G + 0.114 B of the values as they are stored (ITU-R BT.601), as v2e takes it: the gamma of the
    picture is not undone. Raises ConvertError for another kind of picture; `name` is the video's.
    """
    if image.dtype == np.uint16:
        image = np.round(image * _SIXTEEN_TO_EIGHT).astype(np.uint8)
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.shape[2:] not in ((), (1,), (3,), (4,)):
        kind = f"{list(image.shape)} {image.dtype}"
        raise ConvertError(f"{name}: holds {kind} and no pictures of 8 or 16 bits; save it as a usual video or as PNG files.")
    if image.ndim == 2 or image.shape[2] == 1:
        return np.ascontiguousarray(image.reshape(image.shape[:2]))
    cv2 = opencv()
    luma: NDArray[np.uint8] = cv2.cvtColor(np.ascontiguousarray(image[..., :3]), cv2.COLOR_BGR2GRAY)
    return luma


def fitted_size(size: tuple[int, int], within: tuple[int, int] = SENSOR) -> tuple[int, int]:
    """The largest (width, height) of the same shape that fits `within`, never larger than `size` itself; at least 1 x 1."""
    factor = min(1.0, within[0] / size[0], within[1] / size[1])
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def resized(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Picture [H, W] at `size` (width, height). Each new pixel is the mean of what it covers, so that nothing shimmers."""
    if (image.shape[1], image.shape[0]) == size:
        return image
    cv2 = opencv()
    small: NDArray[np.uint8] = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return small


def colour(image: RawImage) -> NDArray[np.uint8]:
    """A picture as a colour video takes it, [H, W, 3] uint8 BGR: grey in three equal channels, 16 bits brought to 8."""
    if image.dtype == np.uint16:
        image = np.round(image * _SIXTEEN_TO_EIGHT).astype(np.uint8)
    if image.ndim == 2 or image.shape[2] == 1:
        return np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)
    return np.ascontiguousarray(image[..., :3])
