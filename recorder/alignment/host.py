"""A frame camera's clock by the host's: when pictures and events came to the computer. Knows neither pictures nor paper.

What no host clock tells is how long a picture was under way. It is assumed to be LATENCY_US; that is nearly all of the
uncertainty, and the same for every take of a session.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recorder.clock import BIWEIGHT, MAD_TO_SIGMA

# From the end of the read-out to the host, for the promptest pictures: USB cameras that buffer one to two pictures. A camera
# outside this range makes the answer wrong by as much.
LATENCY_US = (15_000.0, 80_000.0)
READOUT_SHARE = 0.6  # of the interval between pictures: 20 ms at 30 pictures a second, where the settings do not tell
EXPOSURE_US = 12_000.0  # where the table does not tell
CHUNKS = 12  # stretches of a take, of each of which the promptest arrivals count
PROMPT = 0.15  # quantile of the arrivals of a stretch: a few may be early by a clock's tick, none by much
MIN_PAIRS = 8
MOST_UNCERTAIN_US = 10_000_000.0  # cameras are started within seconds of one another: less is known than without a look
LEAST_SPAN_US = 1_000_000
FEW = 8.0  # arrivals of a stretch whose low quantile scatters by twice what the line through the stretches tells
DRIFT_FLOOR_PPM = 8.0  # 1 sigma: arrivals may become slower as the computer gets busy, 0.1 ms in a take of 15 s
NORMAL_95 = 1.96

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Arrivals:
    """Records of one stream and when they came: stream_us int64 [n] in the stream's own time, host_us float [n]."""

    stream_us: NDArray[np.int64]
    host_us: Reals

    @classmethod
    def of_pairs(cls, pairs: Sequence[tuple[int, int]]) -> "Arrivals":
        """From (stream_us, host_ns), as a manifest's clock fit has them."""
        columns = np.array(pairs, np.int64).reshape(-1, 2)
        return cls(columns[:, 0], columns[:, 1] / 1000)


@dataclass(frozen=True)
class HostFit:
    """offset_us: at reference_us, in the sense of ClockAlignment; uncertainty_us: half width of its 95 % interval;
    drift_ppm, drift_sigma_ppm (1 sigma); level_us, level_sigma_us: the same offset without any time under way, and its
    1 sigma: between takes of a session, whose pictures are under way equally long, it says how the offset changes.
    """

    offset_us: float
    uncertainty_us: float
    drift_ppm: float
    drift_sigma_ppm: float
    level_us: float
    level_sigma_us: float


def align_by_host(
    events: Arrivals, pictures: Arrivals, reference_us: int, exposure_us: Reals | None, readout_us: float | None
) -> HostFit | None:
    """What the arrivals say. exposure_us: of each picture [n]; readout_us: of the rows; both None where unknown.

    None where there are too few arrivals, or those of the two streams are of different clocks.
    """
    if min(len(events.stream_us), len(pictures.stream_us)) < MIN_PAIRS:
        return None
    clock = _line(events.stream_us - reference_us, events.host_us - events.host_us[0])
    if clock is None:
        return None
    exposed_us = EXPOSURE_US if exposure_us is None else exposure_us  # auto-exposure changes it: pictures are ready later
    ready_us = exposed_us / 2 + _readout_us(pictures, readout_us) / 2
    arrived_us = _event_times(clock, pictures.host_us - events.host_us[0] - ready_us)
    if not _together(arrived_us, events.stream_us - reference_us):
        return None
    since_us = arrived_us - np.median(arrived_us)
    found = _lower_line(since_us, arrived_us - (pictures.stream_us - reference_us))
    if found is None:
        return None
    level, slope, level_sigma, slope_sigma = found
    at_reference = level + slope * -float(np.median(arrived_us))
    sigma_us = float(np.hypot(level_sigma, slope_sigma * np.median(arrived_us)))
    half_us = float(np.hypot((LATENCY_US[1] - LATENCY_US[0]) / 2, NORMAL_95 * sigma_us))
    off_us = arrived_us - (pictures.stream_us - reference_us) - (level + slope * since_us)
    if half_us > MOST_UNCERTAIN_US or float(np.median(np.abs(off_us))) > MOST_UNCERTAIN_US:
        return None  # times that lie, as of centuries: their line means nothing
    return HostFit(
        at_reference - sum(LATENCY_US) / 2,
        half_us,
        slope * 1e6,
        float(np.hypot(slope_sigma * 1e6, DRIFT_FLOOR_PPM)),
        at_reference,
        sigma_us,
    )


def _readout_us(pictures: Arrivals, readout_us: float | None) -> float:
    return float(np.median(np.diff(pictures.stream_us))) * READOUT_SHARE if readout_us is None else readout_us


def _line(stream_us: NDArray[np.int64], host_us: Reals) -> tuple[float, float] | None:
    """(level, slope) of host - stream over stream, by the promptest; None where they span too little."""
    found = _lower_line(stream_us.astype(np.float64), host_us - stream_us)
    return None if found is None else found[:2]


def _event_times(clock: tuple[float, float], host_us: Reals) -> Reals:
    level, slope = clock
    return np.asarray((host_us - level) / (1 + slope))


def _together(pictures_us: Reals, events_us: NDArray[np.int64]) -> bool:
    """Whether pictures came while events did: other host clocks differ by hours and days."""
    first, last = events_us.min(), events_us.max()
    wide = last - first
    return bool(np.median(pictures_us) > first - wide and np.median(pictures_us) < last + wide)


def _lower_line(x: Reals, y: Reals) -> tuple[float, float, float, float] | None:
    """Level at 0, slope, and their 1 sigma, of a line along the lower edge of y over x.

    Arrivals are late by something that varies and never early, so a low quantile of each stretch is taken, and a line through
    those by Tukey's biweight.
    """
    if np.ptp(x) < LEAST_SPAN_US:
        return None
    edges = np.linspace(x.min(), x.max(), CHUNKS + 1)
    index = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, CHUNKS - 1)
    used = [chunk for chunk in range(CHUNKS) if np.count_nonzero(index == chunk) >= 2]
    if len(used) < 4:
        return None
    centres = np.array([x[index == chunk].mean() for chunk in used])
    trend = float(np.median(np.diff(y) / np.maximum(np.diff(x), 1.0))) if len(x) > 2 else 0.0
    trend = trend if abs(trend) < 1e-3 else 0.0
    lows = [np.quantile(y[index == c] - trend * (x[index == c] - at), PROMPT) for c, at in zip(used, centres, strict=True)]
    level, slope, level_sigma, slope_sigma = _robust_line(centres, np.array(lows))
    caution = 1 + FEW * len(used) / len(x)
    return level, slope, caution * level_sigma, caution * slope_sigma


def _robust_line(x: Reals, y: Reals) -> tuple[float, float, float, float]:
    scale = float(np.ptp(x))
    middle = float(x.mean())
    design = np.stack([np.ones_like(x), (x - middle) / scale], axis=1)
    beta = np.array([np.median(y), 0.0])
    weight = np.ones_like(x)
    for _ in range(12):
        left = y - design @ beta
        sigma = max(MAD_TO_SIGMA * float(np.median(np.abs(left - np.median(left)))), 1.0)
        weight = np.clip(1 - (left / (BIWEIGHT * sigma)) ** 2, 0, None) ** 2
        weight = weight if np.count_nonzero(weight) > 2 else np.ones_like(x)
        normal = design.T * weight @ design + 1e-12 * np.eye(2)
        beta = np.linalg.solve(normal, design.T * weight @ y)
    left = (y - design @ beta) * np.sqrt(weight)
    sigma = float(np.sqrt((left**2).sum() / max(weight.sum() - 2, 1)))
    spread = np.linalg.inv(design.T * weight @ design) * sigma**2
    slope = float(beta[1]) / scale
    level_sigma = float(np.sqrt(spread[0, 0] + spread[1, 1] * (middle / scale) ** 2))
    return float(beta[0]) - slope * middle, slope, level_sigma, float(np.sqrt(spread[1, 1])) / scale
