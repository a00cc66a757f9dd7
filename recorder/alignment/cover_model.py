"""What a picture shows while the edge of the paper passes, and how that changes with clock and geometry. Knows no search.

A sample that sees bare light B and papered light P, of which the share alpha of its exposure was covered, gives
a B (1 - alpha) + b P alpha. a and b are each picture's own (exposure, gain, white balance) and are solved for linearly.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recorder.alignment.cover import Passage
from recorder.alignment.edge import Front
from recorder.alignment.edge_fit import basis, slopes
from recorder.alignment.edge_tiles import Reals
from recorder.alignment.paper_geometry import READOUT, SIZE, mapped, mapping_slopes

# Parameters: the clock's offset beside the guess in ms, the geometry, the clock's drift beside the guess in DRIFT_UNIT_PPM,
# the share of a picture that stays in the next, and by how much each slide's front is late in ms: in common, in proportion to
# u, and to u squared.
CLOCK, GEOMETRY, DRIFT, MEMORY, LATE = 0, slice(1, 1 + SIZE), 1 + SIZE, 2 + SIZE, 3 + SIZE
MOST_MEMORY = 0.9
LATE_TERMS = 3
DRIFT_UNIT_PPM = 100.0
SOFT_MS = 0.7  # half the time that the blurred edge, some 2 mm wide, and a sample's width take to pass
UNKNOWN_EXPOSURE_MS = 12.0
NOISE, NOISE_FLOOR = 0.02, 0.01  # 1 sigma of a sample: of its own light and of the usual


@dataclass(frozen=True)
class ClockGuess:
    """What is known of a camera's clock beforehand, in the terms of ClockAlignment. search_us: the offset is within so much of
    the true one in 19 of 20 cases; drift_sigma_ppm: 1 sigma, of two cheap crystals unless more is known.
    """

    offset_us: float
    reference_us: int
    search_us: float = 80_000.0
    drift_ppm: float = 0.0
    drift_sigma_ppm: float = 60.0

    def event_us(self, stream_us: NDArray[np.int64]) -> Reals:
        """Event times of the camera's own times, us beside reference_us."""
        since = (stream_us - self.reference_us) + self.offset_us
        return np.asarray(since * (1 + self.drift_ppm * 1e-6))

    def stream_us(self, event_us: float) -> float:
        """The camera's own time at an event time."""
        since = (event_us - self.reference_us) / (1 + self.drift_ppm * 1e-6)
        return float(self.reference_us - self.offset_us + since)


@dataclass(frozen=True)
class Scene:
    """One slide before a camera together with the event camera's front. weight: for how many samples each one stands."""

    passage: Passage
    front: Front
    clock: ClockGuess
    weight: float = 1.0

    @property
    def times_ms(self) -> Reals:
        """Event time of each picture by the guess, since the front's origin, [k]."""
        since = self.clock.event_us(self.passage.times_us) - (self.front.origin_us - self.clock.reference_us)
        return np.asarray(since * 1e-3)

    @property
    def drift_ms(self) -> float:
        """By how much a unit of drift makes the pictures of this slide later."""
        since_us = float(self.clock.event_us(self.passage.times_us).mean())
        return since_us * 1e-3 * DRIFT_UNIT_PPM * 1e-6

    @property
    def exposures_ms(self) -> Reals:
        """Exposure of each picture, [k]."""
        given = self.passage.exposure_ms
        return np.where(np.isfinite(given) & (given > 0), np.maximum(given, 0.1), UNKNOWN_EXPOSURE_MS)

    def sigma(self) -> Reals:
        """Noise of the samples, [n]."""
        brighter = np.maximum(self.passage.bare, self.passage.papered)
        return np.asarray(NOISE * brighter + NOISE_FLOOR * np.median(brighter))


def late_terms(number: int) -> slice:
    """Where among the parameters it stands by how much the front of a scene is late."""
    return slice(LATE + LATE_TERMS * number, LATE + LATE_TERMS * (number + 1))


@dataclass(frozen=True)
class Cover:
    """alpha: covered share; moved: its change for pictures a millisecond later; stayed: its change with the memory; [k, n]."""

    alpha: Reals
    moved: Reals
    stayed: Reals


def covered(scene: Scene, parameters: Reals, late: slice) -> Cover:
    """What a scene's pictures show of the paper. late: see late_terms."""
    passage, values = scene.passage, parameters[GEOMETRY]
    u, v = scene.front.along(*mapped(values, passage.x, passage.y))
    functions = basis(u, v)
    crossing = functions @ scene.front.terms + functions[:, :LATE_TERMS] @ parameters[late]
    at = parameters[CLOCK] + values[READOUT] * (passage.row - 0.5) - crossing
    exposure = scene.exposures_ms[:, None]
    since = scene.times_ms[:, None] + parameters[DRIFT] * scene.drift_ms + at[None, :]
    share, slope = (_warmed if scene.passage.habits.counts else _exposed)(since, exposure)
    stayed = np.zeros_like(slope)
    cover = Cover(1 - share, -slope, stayed) if scene.passage.leaves else Cover(share, slope, stayed)
    if scene.passage.habits.memory == 0:
        return cover
    return _remembering(cover, float(np.clip(parameters[MEMORY], 0, MOST_MEMORY)))


def _remembering(fresh: Cover, memory: float) -> Cover:
    """The same for a camera in whose pictures a share of the one before stays."""
    alpha, moved, stayed = fresh.alpha.copy(), fresh.moved.copy(), fresh.stayed
    for k in range(1, len(alpha)):
        stayed[k] = alpha[k - 1] - fresh.alpha[k] + memory * stayed[k - 1]
        alpha[k] += memory * (alpha[k - 1] - fresh.alpha[k])
        moved[k] += memory * (moved[k - 1] - fresh.moved[k])
    return Cover(alpha, moved, stayed)


def _exposed(since_ms: Reals, exposure_ms: Reals) -> tuple[Reals, Reals]:
    """Share of an exposure, whose middle is since_ms after the edge passed, that came after it; and its slope."""
    begun, begun_slope = _ramp(since_ms + exposure_ms / 2)
    ended, ended_slope = _ramp(since_ms - exposure_ms / 2)
    return (begun - ended) / exposure_ms, (begun_slope - ended_slope) / exposure_ms


def _warmed(since_ms: Reals, exposure_ms: Reals) -> tuple[Reals, Reals]:
    """The same of a bolometer, which forgets exponentially: its time is that of what it remembers on average, one time
    constant ago, and its `exposure` is two of them.
    """
    tau = exposure_ms / 2
    left = np.exp(-np.maximum(since_ms + tau, 0) / tau)
    return 1 - left, np.where(since_ms > -tau, left / tau, 0.0)


def _ramp(late_ms: Reals) -> tuple[Reals, Reals]:
    """The time since an edge passed, 0 before it, rounded where the soft edge passes; and its slope."""
    slope = np.clip(late_ms / (2 * SOFT_MS) + 0.5, 0, 1)
    return np.where(late_ms > SOFT_MS, late_ms, SOFT_MS * slope * slope), slope


def solve_gains(scene: Scene, alpha: Reals, weights: Reals) -> Reals:
    """Factors a and b of each picture, [k, 2]: least squares, both known to be about 1. weights: [k, n], 1 / sigma^2."""
    bare, papered = scene.passage.bare * (1 - alpha), scene.passage.papered * alpha
    ridge_bare, ridge_papered = (1 / sigma**2 for sigma in scene.passage.habits.gain_sigma)
    light = scene.passage.light
    bb, bp, pp = ((weights * one * other).sum(axis=1) for one, other in ((bare, bare), (bare, papered), (papered, papered)))
    yb, yp = ((weights * light * one).sum(axis=1) for one in (bare, papered))
    bb, yb, pp, yp = bb + ridge_bare, yb + ridge_bare, pp + ridge_papered, yp + ridge_papered
    under = bb * pp - bp * bp
    return np.stack([(pp * yb - bp * yp) / under, (bb * yp - bp * yb) / under], axis=-1)


def misfits(scene: Scene, alpha: Reals, gains: Reals, sigma: Reals) -> Reals:
    """Seen minus predicted light in sigma, [k, n]."""
    bare, papered = scene.passage.bare * (1 - alpha), scene.passage.papered * alpha
    return np.asarray((scene.passage.light - gains[:, :1] * bare - gains[:, 1:] * papered) / sigma)


def later(scene: Scene, parameters: Reals, late: slice) -> Reals:
    """Milliseconds by which a sample comes later after the edge for a unit of each parameter, [p, n]."""
    passage, values = scene.passage, parameters[GEOMETRY]
    u, v = scene.front.along(*mapped(values, passage.x, passage.y))
    by_u, by_v = slopes(scene.front.terms, u, v)
    cosine, sine = scene.front.direction
    by_x, by_y = by_u * cosine - by_v * sine, by_u * sine + by_v * cosine
    x_slopes, y_slopes = mapping_slopes(values, passage.x, passage.y)
    result = np.zeros((len(parameters), len(passage.x)))
    result[CLOCK] = 1
    result[1 : READOUT + 1] = -(by_x * x_slopes + by_y * y_slopes)
    result[1 + READOUT] = passage.row - 0.5
    result[DRIFT] = scene.drift_ms
    result[late] = -basis(u, v)[:, :LATE_TERMS].T
    return result
