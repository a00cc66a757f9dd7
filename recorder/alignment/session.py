"""What the takes of one session say together of a frame camera's clock: clocks that run on from take to take give offsets on a
straight line over time, whose slope is the drift. Knows neither pictures nor files.

At a reference r the offset is r - s(r), and s advances by (r - r0) / (1 + d) since another reference r0: the line over r has
the slope d / (1 + d).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PRIOR_SIGMA_PPM = 50.0  # crystals of cheap cameras are specified to +-50 ppm; DRIFT_MOST_PPM is out of reach of two of them
DRIFT_MOST_PPM = 300.0
FLOOR_US = 80.0  # 1 sigma: temperature makes a crystal wander by some 0.1 ppm in minutes, and no fit is without bias
CONSENSUS = 0.6  # share of takes that must lie on the line; else the clocks were set anew between takes
OUTLIER_SIGMA = 4.0
MIN_TAKES = 2
LEAST_SPAN_US = 5_000_000
DRIFT_FLOOR_PPM = 0.5
NORMAL_95 = 1.96
EXTEND = 1.0  # a line is good for this many of its own lengths beyond its ends

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Drift:
    """A clock's drift. sigma_ppm: 1 sigma; takes: how many of a session it is from, 0: it is the prior."""

    ppm: float = 0.0
    sigma_ppm: float = PRIOR_SIGMA_PPM
    takes: int = 0


@dataclass(frozen=True)
class OffsetAt:
    """One take's offset. sigma_us: 1 sigma; drift, drift_sigma_ppm: what the take alone says, None where it says nothing."""

    reference_us: int
    offset_us: float
    sigma_us: float
    drift_ppm: float | None = None
    drift_sigma_ppm: float | None = None


@dataclass(frozen=True)
class SessionLine:
    """Offsets of a session: offset_us at reference_us, and `drift`; covariance [2, 2] of offset (us) and slope (ppm).

    on_line: which of the takes lie on it, bool [n]; span_us: first and last reference of those; chi2: of those, per degree
    of freedom.
    """

    reference_us: int
    offset_us: float
    drift: Drift
    covariance: Reals
    on_line: NDArray[np.bool_]
    span_us: tuple[int, int]
    chi2: float

    def offset_at(self, reference_us: int) -> tuple[float, float]:
        """Offset at a reference and its 1 sigma, us."""
        since = (reference_us - self.reference_us) * 1e-6
        row = np.array([1.0, since])
        sigma = float(np.sqrt(max(row @ self.covariance @ row, 0.0)))
        slope = self.drift.ppm / (1 + self.drift.ppm * 1e-6)
        return self.offset_us + slope * since, float(np.hypot(sigma, FLOOR_US))

    def reaches(self, reference_us: int) -> bool:
        """Whether the line may be relied on at that time."""
        first, last = self.span_us
        wide = (last - first) * EXTEND
        return first - wide <= reference_us <= last + wide


def pooled_drift(takes: Sequence[OffsetAt]) -> Drift:
    """What each take alone says of the drift, with the prior N(0, PRIOR_SIGMA_PPM): precision-weighted mean."""
    said = [(take.drift_ppm, take.drift_sigma_ppm) for take in takes]
    known = [(ppm, sigma) for ppm, sigma in said if ppm is not None and sigma is not None]
    precision = PRIOR_SIGMA_PPM**-2 + sum(sigma**-2 for _, sigma in known)
    mean = sum(ppm * sigma**-2 for ppm, sigma in known) / precision
    return Drift(mean, precision**-0.5, len(known))


def fit_session(takes: Sequence[OffsetAt]) -> SessionLine | None:
    """The line through most of the offsets; None where they lie on none, since clocks were set anew, or there are too few."""
    if len(takes) < MIN_TAKES:
        return None
    origin = takes[0].reference_us
    x = np.array([(take.reference_us - origin) * 1e-6 for take in takes])
    y = np.array([take.offset_us for take in takes])
    sigma = np.array([np.hypot(take.sigma_us, FLOOR_US) for take in takes])
    if np.ptp(x) * 1e6 < LEAST_SPAN_US:
        return None
    base = float(np.median(y))
    on_line = _consensus(x, y - base, sigma)
    if on_line is None or np.ptp(x[on_line]) * 1e6 < LEAST_SPAN_US:
        return None
    solution, covariance, chi2 = _weighted(x[on_line], y[on_line] - base, sigma[on_line])
    slope = float(solution[1]) * 1e-6
    references = [take.reference_us for take, used in zip(takes, on_line, strict=True) if used]
    drift_sigma = float(np.hypot(np.sqrt(covariance[1, 1]), DRIFT_FLOOR_PPM))
    drift = Drift(slope / (1 - slope) * 1e6, drift_sigma, int(on_line.sum()))
    return SessionLine(origin, base + float(solution[0]), drift, covariance, on_line, (min(references), max(references)), chi2)


def _consensus(x: Reals, y: Reals, sigma: Reals) -> NDArray[np.bool_] | None:
    """The takes on the line through two of them that most lie on (Fischler and Bolles, 1981, with all pairs)."""
    best: NDArray[np.bool_] | None = None
    rank = (0, -np.inf)
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            if (x[j] - x[i]) == 0 or abs((y[j] - y[i]) / (x[j] - x[i])) > DRIFT_MOST_PPM:
                continue
            on_line, cost = _near(x, y, sigma, (i, j))
            found = (int(on_line.sum()), -cost)
            if found > rank:
                best, rank = on_line, found
    return best if best is not None and rank[0] >= max(MIN_TAKES, CONSENSUS * len(x)) else None


def _near(x: Reals, y: Reals, sigma: Reals, pair: tuple[int, int]) -> tuple[NDArray[np.bool_], float]:
    """Which takes lie near the line through a pair, and the sum of their squared misfits. The line is as unsure as its pair."""
    i, j = pair
    share = (x - x[i]) / (x[j] - x[i])
    line = y[i] + (y[j] - y[i]) * share
    spread = np.sqrt(sigma**2 + (sigma[i] * (1 - share)) ** 2 + (sigma[j] * share) ** 2)
    misfit = (y - line) / spread
    on_line = np.abs(misfit) < OUTLIER_SIGMA
    return on_line, float((misfit[on_line] ** 2).sum())


def _weighted(x: Reals, y: Reals, sigma: Reals) -> tuple[Reals, Reals, float]:
    """Weighted least squares of level and slope (ppm) with the slope's prior; covariance widened where chi-square asks."""
    design = np.stack([np.ones_like(x), x], axis=1) / sigma[:, None]
    normal = design.T @ design
    normal[1, 1] += PRIOR_SIGMA_PPM**-2
    covariance = np.linalg.inv(normal)
    solution = covariance @ (design.T @ (y / sigma))
    left = y / sigma - design @ solution
    chi2 = float((left**2).sum() / max(len(x) - 2, 1))
    return solution, np.asarray(covariance * max(chi2, 1.0)), chi2
