"""What a video camera makes of linear light: exposure, gamma, noise, compression, another frame. Knows no face and no event."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Light = NDArray[np.float32]

RATES = (24.0, 25.0, 30.0, 30.0, 30.0, 50.0, 60.0)  # pictures per second of usual videos
EXPOSED = (0.16, 0.36)  # mean of the linear picture, 1 = saturation
GAMMA = (1.9, 2.5)  # of the display that the picture is made for; sRGB is about 2.2
NOISE = (0.0, 2.2)  # grey levels, standard deviation
COMPRESSED_SHARE = 0.6
CRF = (15, 27)  # x264's quality: 18 looks like the original, 28 is poor
ZOOM = (0.72, 1.25)
SHIFT = 0.06  # of the picture's width
BLURRED_SHARE = 0.4


@dataclass(frozen=True)
class Footage:
    """How a video was taken. rate_hz: pictures per second; blurred: each shows two instants; crf: None for no compression;
    zoom, shift: of the picture about its middle, shift as a share of its width.
    """

    rate_hz: float
    exposed: float
    gamma: float
    noise: float
    blurred: bool
    crf: int | None
    zoom: float
    shift: tuple[float, float]

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Footage":
        """Some video."""
        return cls(
            rate_hz=float(rng.choice(RATES)),
            exposed=float(rng.uniform(*EXPOSED)),
            gamma=float(rng.uniform(*GAMMA)),
            noise=float(rng.uniform(*NOISE)),
            blurred=bool(rng.random() < BLURRED_SHARE),
            crf=int(rng.integers(*CRF)) if rng.random() < COMPRESSED_SHARE else None,
            zoom=float(rng.uniform(*ZOOM)),
            shift=(float(rng.uniform(-SHIFT, SHIFT)), float(rng.uniform(-SHIFT, SHIFT))),
        )

    def matrix(self, size: tuple[int, int]) -> NDArray[np.float64]:
        """[2, 3] from pixels of the picture as rendered to those of the video. size: (width, height)."""
        middle_x, middle_y = size[0] / 2, size[1] / 2
        move_x, move_y = self.shift[0] * size[0], self.shift[1] * size[0]
        return np.array(
            [[self.zoom, 0, middle_x * (1 - self.zoom) + move_x], [0, self.zoom, middle_y * (1 - self.zoom) + move_y]]
        )

    def developed(self, pictures: Sequence[Light], rng: np.random.Generator) -> Iterator[Grey]:
        """8-bit luma of each linear picture [H, W], the exposure being that of the first."""
        gain = self.exposed / max(float(pictures[0].mean()), 1e-6)
        size = pictures[0].shape[1], pictures[0].shape[0]
        matrix = self.matrix(size)
        greys = (self._grey(cv2.warpAffine(one, matrix, size, borderMode=cv2.BORDER_REPLICATE) * gain, rng) for one in pictures)
        return greys if self.crf is None else compressed(greys, size, self.crf)

    def _grey(self, light: Light, rng: np.random.Generator) -> Grey:
        levels = 255 * np.clip(light, 0, 1) ** np.float32(1 / self.gamma)
        if self.noise:
            levels = levels + rng.standard_normal(levels.shape, np.float32) * np.float32(self.noise)
        grey: Grey = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
        return grey


def compressed(pictures: Iterator[Grey], size: tuple[int, int], crf: int) -> Iterator[Grey]:
    """The pictures after a way through H.264. size: (width, height), even."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(30), options={"crf": str(crf), "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.thread_count = 1
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="gray").reformat(format="yuv420p")))
        container.mux(stream.encode())
    file.seek(0)
    with av.open(file, "r") as written:
        for frame in written.decode(video=0):
            yield np.asarray(frame.reformat(format="gray").to_ndarray(), np.uint8)
