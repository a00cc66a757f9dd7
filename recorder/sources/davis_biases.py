"""Bias currents of the DAVIS346 pixel: what there is, what is legal, and three presets with their reasons. Pure data.

A bias is (coarse, fine): coarse steps multiply the current by about 8, fine is linear, so I ~ 8 ** coarse * fine / 256.
The threshold of a pixel is proportional to ln(I_on / I_diff), of the other polarity to ln(I_diff / I_off): Nozaki and
Delbruck, Temperature and Parasitic Photocurrent Effects in Dynamic Vision Sensors, IEEE Trans. Electron Devices 64 (2017).
None of the presets was tried on a camera by the authors of Glimpse; `default` is what drivers have shipped for years.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import log
from types import MappingProxyType

COARSE_MAX = 7  # libcaer, caer_bias_coarsefine: three bits
FINE_MAX = 255  # libcaer, caer_bias_coarsefine: eight bits
VOLTAGE_MAX = 63  # libcaer, caer_bias_vdac: six bits of 52.4 mV
COARSE_FACTOR = 8.0  # iniVation, Biasing Dynamic Sensors: each coarse step is a factor of eight

CoarseFine = tuple[int, int]

# The names of dv_processing.io.camera.DAVIS.Davis346BiasCF and .Davis346BiasVDAC (dv-processing 2.0).
CURRENT_BIASES = (
    "LocalBuffer",
    "PadFollower",
    "Diff",
    "On",
    "Off",
    "PixelInverter",
    "Photoreceptor",
    "PhotoreceptorSourceFollower",
    "Refractory",
    "ReadoutBuffer",
    "ApsReadoutSourceFollower",
    "ADCComparator",
    "COLSelectLow",
    "DACBuffer",
    "LCOLTimeout",
    "AERPullDown",
    "AERPullUpX",
    "AERPullUpY",
    "BiasBuffer",
)
# The six that shape the event pixel; the others are read-out and buffers.
PIXEL_BIASES = ("On", "Off", "Diff", "Photoreceptor", "PhotoreceptorSourceFollower", "Refractory")
VOLTAGE_BIASES = ("ApsOverflowLevel", "ApsCascode", "ADCReferenceHigh", "ADCReferenceLow", "ADCTestVoltage")


class BiasPreset(StrEnum):
    """The presets by name."""

    DEFAULT = "default"
    LOW_LIGHT = "low_light"
    SENSITIVE = "sensitive"


@dataclass(frozen=True)
class Preset:
    """Bias currents by name, why they are as they are, and where they come from."""

    biases: Mapping[str, CoarseFine]
    reason: str
    source: str


# The six biases that shape the event pixel, as libcaer and its ROS driver set a DAVIS346 (DiffBn, ONBn, OFFBn, PrBp,
# PrSFBp, RefrBp). The others are read-out and buffers: left as the driver sends them at opening.
_DEFAULT: Mapping[str, CoarseFine] = MappingProxyType(
    {
        "Diff": (4, 39),
        "On": (6, 200),
        "Off": (4, 0),
        "Photoreceptor": (2, 58),
        "PhotoreceptorSourceFollower": (1, 33),
        "Refractory": (4, 25),
    }
)

PRESETS: Mapping[BiasPreset, Preset] = MappingProxyType(
    {
        BiasPreset.DEFAULT: Preset(
            _DEFAULT,
            "The maker's own compromise; written out so that takes made with different driver versions can be compared.",
            "libcaer and libcaer_driver (ROS 2), defaults of the DAVIS346",
        ),
        BiasPreset.LOW_LIGHT: Preset(
            # Photoreceptor x 8, source follower halved.
            MappingProxyType({**_DEFAULT, "Photoreceptor": (3, 58), "PhotoreceptorSourceFollower": (1, 16)}),
            "In dim light noise events come from shot noise: a strong photoreceptor bias keeps the circuit's own share down, "
            "and the source follower, halved, limits the bandwidth instead. Facial movements need far less than 100 Hz.",
            "Graca, McReynolds, Delbruck, Optimal biasing and physical limits of DVS event noise (2023, arXiv 2304.04019)",
        ),
        BiasPreset.SENSITIVE: Preset(
            # On / 8, and Off up from "as low as it goes" to the step that lowers its threshold by about as much.
            MappingProxyType({**_DEFAULT, "On": (5, 200), "Off": (4, 2)}),
            "Micro-expressions move skin of low contrast: both thresholds are brought nearer to the quiescent level, to about "
            "two thirds of the default. Costs noise events, so it wants even, bright light.",
            "threshold formula above; ON falls from ln 328 = 5.8 to ln 41 = 3.7",
        ),
    }
)


def relative_current(bias: CoarseFine) -> float:
    """The current of a bias in units of the smallest coarse step's full scale."""
    coarse, fine = bias
    return float(COARSE_FACTOR**coarse * fine / (FINE_MAX + 1))


def contradiction(biases: Mapping[str, CoarseFine]) -> str | None:
    """Why a pixel with these currents would fire without end, None where it would not: an ON threshold, or an OFF threshold, of
    zero or less (see the formula above). biases: at least On, Diff and Off.
    """
    on, diff, off = (relative_current(biases[name]) for name in ("On", "Diff", "Off"))
    if on <= diff:
        return "the current of On must lie above that of Diff, or every pixel fires ON events without end"
    if off >= diff:
        return "the current of Off must lie below that of Diff, or every pixel fires OFF events without end"
    return None


def on_threshold(biases: Mapping[str, CoarseFine]) -> float:
    """ln(I_on / I_diff), to which the ON threshold is proportional; needs fine values above 0."""
    return log(relative_current(biases["On"]) / relative_current(biases["Diff"]))
