"""What the simulated cameras look at: a textured patch on a plain background, behind a sheet of paper. Grey levels only.

A light stand-in for a face: it has everything that the recorder and the synchronisation need (paper, movement, sway)
and known ground truth. Knows no camera, no clock and no script.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]

BACKGROUND = 200.0
PAPER = 240.0
SWAY_PX = 0.6
SWAY_PERIOD_US = 4_000_000  # breathing
MOVEMENT_PX = 6.0
DIRECTIONS = ("smile", "blink", "frown", "contractJaw", "noseWrinkle", "openMouth", "upperLidRaiser", "invertedSmile")


class Scene:
    """Renders grey pictures [height, width] float32, 0 ... 255, of the world at a moment."""

    def __init__(self, rng: np.random.Generator, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._patch = _patch(rng, width, height)
        grain = cv2.GaussianBlur(rng.normal(0, 6, (height, width)).astype(np.float32), (0, 0), 3)
        self._paper = np.asarray(PAPER + grain, np.float32)

    def render(self, t_us: int, token: str | None, level: float, paper: float) -> Picture:
        """The picture at a time. level: strength of the movement `token`, 0 ... 1; paper: covered share from the top."""
        dx, dy = self._shift(t_us, token, level)
        matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
        picture = cv2.warpAffine(self._patch, matrix, (self.width, self.height), borderValue=(BACKGROUND,))
        return self._cover(np.asarray(picture, np.float32), paper)

    def _shift(self, t_us: int, token: str | None, level: float) -> tuple[float, float]:
        sway = SWAY_PX * np.sin(2 * np.pi * (t_us % SWAY_PERIOD_US) / SWAY_PERIOD_US)
        angle = 2 * np.pi * (DIRECTIONS.index(token) if token in DIRECTIONS else 0) / len(DIRECTIONS)
        return float(level * MOVEMENT_PX * np.cos(angle)), float(sway + level * MOVEMENT_PX * np.sin(angle))

    def _cover(self, picture: Picture, paper: float) -> Picture:
        # The edge of the paper is a straight line that lies between two rows, so the row it crosses is a mixture.
        edge = paper * self.height
        whole = int(edge)
        picture[:whole] = self._paper[:whole]
        if whole < self.height:
            share = np.float32(edge - whole)
            picture[whole] = share * self._paper[whole] + (1 - share) * picture[whole]
        return picture


def _patch(rng: np.random.Generator, width: int, height: int) -> Picture:
    y, x = np.mgrid[:height, :width].astype(np.float32)
    inside = ((x - width / 2) / (width * 0.22)) ** 2 + ((y - height / 2) / (height * 0.38)) ** 2
    texture = cv2.GaussianBlur(rng.normal(0, 1, (height, width)).astype(np.float32), (0, 0), 2.5)
    face = 120 + 45 * texture / float(np.abs(texture).max())
    mask = np.clip((1.05 - inside) / 0.1, 0, 1)
    return np.asarray(BACKGROUND * (1 - mask) + face * mask, np.float32)
