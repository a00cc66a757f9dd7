"""Colours of simulated things as linear reflectance or light, always (blue, green, red) as OpenCV orders them.

Knows no subject: pure formulas.
"""

import math

import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float]  # blue, green, red; linear

# XYZ (D65) to linear sRGB, IEC 61966-2-1.
_XYZ_TO_RGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
_WHITE_D65 = (0.95047, 1.0, 1.08883)
_EPSILON, _KAPPA = 216 / 24389, 24389 / 27  # CIE 15:2004


def from_rgb(*eight_bit: int) -> Colour:
    """A colour as a screen shows it (sRGB, 0 ... 255 each) as linear (blue, green, red)."""
    red, green, blue = (_linear(value / 255) for value in eight_bit)
    return blue, green, red


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def from_lab(lightness: float, a: float, b: float) -> Colour:
    """CIELAB (D65) as linear (blue, green, red), clipped to 0.004 ... 1."""
    fy = (lightness + 16) / 116
    xyz = [white * _uncube(f) for white, f in zip(_WHITE_D65, (fy + a / 500, fy, fy - b / 200), strict=True)]
    return _colour(np.clip(_XYZ_TO_RGB @ np.array(xyz), 0.004, 1.0))


def _uncube(f: float) -> float:
    return f**3 if f**3 > _EPSILON else (116 * f - 16) / _KAPPA


def skin(ita_deg: float, redness: float) -> Colour:
    """Skin of an individual typology angle, ITA = arctan((L* - 50) / b*) (Chardon, Cretois & Hourseau 1991).

    a* and b* follow the angle as in Del Bino & Bernerd (2013): dark skin is a little less yellow than tan skin, light skin
    less red. redness adds to a*.
    """
    b = 17.0 - (0.003 if ita_deg > 20 else 0.0006) * (ita_deg - 20) ** 2
    a = 10.0 - 0.045 * ita_deg + redness
    return from_lab(50 + b * math.tan(math.radians(ita_deg)), a, b)


def blackbody(kelvin: float) -> Colour:
    """Light of a colour temperature, 1667 ... 25000 K, with its brightest channel 1 (Planckian locus of Kim et al. 2002)."""
    t = 1000 / kelvin
    cubic = (-0.2661239, -0.2343589, 0.8776956, 0.179910) if kelvin < 4000 else (-3.0258469, 2.1070379, 0.2226347, 0.240390)
    x = ((cubic[0] * t + cubic[1]) * t + cubic[2]) * t + cubic[3]
    warm, cool = (-0.9549476, -1.37418593, 2.09137015, -0.16748867), (3.0817580, -5.87338670, 3.75112997, -0.37001483)
    c = warm if kelvin < 4000 else cool
    y = ((c[0] * x + c[1]) * x + c[2]) * x + c[3]
    rgb = np.clip(_XYZ_TO_RGB @ np.array([x / y, 1.0, (1 - x - y) / y]), 0.01, None)
    return _colour(rgb / rgb.max())


def _colour(rgb: NDArray[np.float64]) -> Colour:
    return float(rgb[2]), float(rgb[1]), float(rgb[0])


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """`share` of the other colour in the first."""
    blue, green, red = ((1 - share) * a + share * b for a, b in zip(one, other, strict=True))
    return blue, green, red
