"""How much light a picture on a screen gives, and colours between two by their light. Knows no widget.

A screen's light is the 2.2nd power of its values, nearly (IEC 61966-2-1, sRGB).
"""

import numpy as np
from PySide6.QtGui import QColor, QImage

GAMMA = 2.2
WEIGHTS = (0.0722, 0.7152, 0.2126)  # of blue, green and red in what the eye calls bright (ITU-R BT.709)


def mean_light(image: QImage) -> float:
    """Mean light of a picture of Format_RGB32, 0 for black and 1 for white."""
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    means = ((np.arange(256) / 255.0) ** GAMMA)[pixels[:, : image.width(), :3]].mean(axis=(0, 1))
    return float(means @ np.array(WEIGHTS))


def mixed(dark: QColor, bright: QColor, share: float) -> QColor:
    """From one colour to the other by their light: 0 gives the first, 1 the second."""

    def channel(low: float, high: float) -> float:
        return float((low**GAMMA + share * (high**GAMMA - low**GAMMA)) ** (1 / GAMMA))

    pairs = zip(dark.getRgbF()[:3], bright.getRgbF()[:3], strict=True)  # type: ignore[index]
    return QColor.fromRgbF(*(channel(low, high) for low, high in pairs))
