"""Clock and geometry that explain best how the paper covers the pictures: Gauss-Newton from where a search says. Knows no take.

Least squares with priors, robust by reweighting (Cauchy); a and b of each picture are projected out (variable projection,
Golub, Pereyra 1973). The covariance is a sandwich over pictures and their parts, as samples beside each other err together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recorder.alignment.cover_model import (
    CLOCK,
    DRIFT,
    DRIFT_UNIT_PPM,
    GEOMETRY,
    LATE,
    LATE_TERMS,
    MEMORY,
    Cover,
    Scene,
    covered,
    late_terms,
    later,
    misfits,
    solve_gains,
)
from recorder.alignment.edge_tiles import Reals
from recorder.alignment.paper_geometry import Geometry

TEMPER = 1 / 50  # samples of a neighbourhood err together: so much of one is news
CAUCHY = 2.5  # sigma from which a sample counts half
ROUNDS = 25
DONE_MS = 2e-3
SEEN = 1e-3  # change of the covered share per millisecond from which the edge is seen in a sample
BEST_SCALE = 0.8  # no samples are believed to be better than this share of their nominal sigma
PARTLY = 0.02  # share of a picture's samples in which the edge is seen
NOMINAL_PICTURES = 2.0  # whose own scatter says nothing: the nominal one's share among more is that of so many
PARTS = 3  # of a picture along either side, whose errors count as independent


@dataclass(frozen=True)
class Prior:
    """Means [p] and information [p, p] of the parameters."""

    means: Reals
    information: Reals

    @classmethod
    def of(cls, scenes: Sequence[Scene], geometry: Geometry, search_ms: float) -> "Prior":
        """From what is known of the rig, of the clock (search_ms: 2 sigma), of the camera and of the fronts."""
        size = LATE + LATE_TERMS * len(scenes)
        means, covariance = np.zeros(size), np.zeros((size, size))
        habits = scenes[0].passage.habits
        means[GEOMETRY], means[MEMORY] = geometry.values, habits.memory
        covariance[CLOCK, CLOCK] = (search_ms / 2) ** 2
        covariance[GEOMETRY, GEOMETRY] = geometry.covariance
        covariance[DRIFT, DRIFT] = (scenes[0].clock.drift_sigma_ppm / DRIFT_UNIT_PPM) ** 2
        covariance[MEMORY, MEMORY] = habits.memory_sigma**2
        for n, scene in enumerate(scenes):
            covariance[late_terms(n), late_terms(n)] = scene.front.errors
        return cls(means, np.asarray(np.linalg.inv(covariance), np.float64))

    def cost(self, parameters: Reals) -> float:
        """Squared distance in sigma."""
        away = parameters - self.means
        return float(away @ self.information @ away)


@dataclass(frozen=True)
class System:
    """Normal equations of the pictures: matrix [p, p], vector [p]; score of each part of each picture, [b, p], and of each
    picture, [k, p]; deviation: robust, of the samples in which the edge is seen, in sigma.
    """

    matrix: Reals
    vector: Reals
    by_part: Reals
    by_picture: Reals
    deviation: float


def cost(scenes: Sequence[Scene], prior: Prior, parameters: Reals) -> float:
    """Robust misfit of all samples, and distance from what was known before, in sigma squared."""
    total = prior.cost(parameters)
    for n, scene in enumerate(scenes):
        sigma, usable = scene.sigma(), scene.passage.usable
        alpha = covered(scene, parameters, late_terms(n)).alpha
        misfit = misfits(scene, alpha, solve_gains(scene, alpha, usable / sigma**2), sigma)[usable]
        total += TEMPER * scene.weight * CAUCHY**2 * float(np.log1p((misfit / CAUCHY) ** 2).sum())
    return total


def system(scenes: Sequence[Scene], parameters: Reals, scale: float) -> System:
    """Normal equations about some parameters. scale: by which the samples' sigma is to be multiplied."""
    jacobians, misfitting, parts, seen = [], [], [], []
    for n, scene in enumerate(scenes):
        sigma, usable = scene.sigma(), scene.passage.usable
        cover = covered(scene, parameters, late_terms(n))
        misfit = misfits(scene, cover.alpha, solve_gains(scene, cover.alpha, usable / sigma**2), sigma)
        heed = usable / (1 + (misfit / (CAUCHY * scale)) ** 2)
        gains = solve_gains(scene, cover.alpha, heed / sigma**2)
        misfit = misfits(scene, cover.alpha, gains, sigma)
        jacobians += _jacobians(scene, parameters, late_terms(n), cover, gains, heed)
        misfitting += list(misfit * heed * (TEMPER * scene.weight / scale**2))
        parts += [_parts(scene)] * len(misfit)
        seen.append(misfit[usable & (np.abs(cover.moved) > SEEN)])
    return _summed(jacobians, misfitting, parts, scale, np.concatenate(seen))


def _jacobians(
    scene: Scene, parameters: Reals, late: slice, cover: Cover, gains: Reals, heed: Reals
) -> list[tuple[Reals, Reals]]:
    """Of each picture: change of its samples in sigma with the parameters, [p, n], and the same times their weights."""
    sigma, slope = scene.sigma(), later(scene, parameters, late)
    found = []
    for k, (a, b) in enumerate(gains):
        contrast = (b * scene.passage.papered - a * scene.passage.bare) / sigma
        jacobian = slope * (contrast * cover.moved[k])
        jacobian[MEMORY] = contrast * cover.stayed[k]
        linear = np.stack([scene.passage.bare * (1 - cover.alpha[k]), scene.passage.papered * cover.alpha[k]]) / sigma
        jacobian = _projected(jacobian, linear, heed[k], scene.passage.habits.gain_sigma)
        found.append((jacobian, jacobian * (heed[k] * TEMPER * scene.weight)))
    return found


def _projected(jacobian: Reals, linear: Reals, heed: Reals, gain_sigma: tuple[float, float]) -> Reals:
    """The part of a Jacobian [p, n] that a and b cannot make up for; linear: [2, n]."""
    weighted = linear * heed
    inner = weighted @ linear.T + np.diag(1 / np.square(gain_sigma))
    return np.asarray(jacobian - np.linalg.solve(inner, weighted @ jacobian.T).T @ linear)


def _parts(scene: Scene) -> list[Reals]:
    """Which samples lie in each part of the picture, [n] of 0 and 1."""
    column = np.clip(((scene.passage.x + 1) / 2 * PARTS).astype(int), 0, PARTS - 1)
    row = np.clip((scene.passage.row * PARTS).astype(int), 0, PARTS - 1)
    part = column * PARTS + row
    return [(part == n).astype(np.float64) for n in range(PARTS**2)]


def _summed(
    jacobians: list[tuple[Reals, Reals]], misfits_: list[Reals], parts: list[list[Reals]], scale: float, seen: Reals
) -> System:
    matrix = np.sum([weighted @ jacobian.T for jacobian, weighted in jacobians], axis=0) / scale**2
    by_part = np.array(
        [
            jacobian @ (misfit * part)
            for (jacobian, _), misfit, some in zip(jacobians, misfits_, parts, strict=True)
            for part in some
        ]
    )
    by_picture = by_part.reshape(len(jacobians), -1, by_part.shape[1]).sum(axis=1)
    deviation = 1.4826 * float(np.median(np.abs(seen))) if seen.size else scale
    return System(np.asarray(matrix), by_part.sum(axis=0), by_part, by_picture, deviation)


def descend(scenes: Sequence[Scene], prior: Prior, start: Reals) -> tuple[Reals, float]:
    """The parameters of least cost near a start, and that cost: Gauss-Newton, its steps held back (Levenberg, Marquardt)."""
    parameters, damping, scale = start, 1e-3, 2.0
    now = cost(scenes, prior, parameters)
    for _ in range(ROUNDS):
        equations = system(scenes, parameters, scale)
        scale = max(equations.deviation, 1.0)
        matrix = equations.matrix + prior.information
        vector = equations.vector - prior.information @ (parameters - prior.means)
        step = np.linalg.solve(matrix + damping * np.diag(np.diag(matrix)), vector)
        then = cost(scenes, prior, parameters + step)
        if then < now:
            parameters, now, damping = parameters + step, then, damping / 5
            if abs(step[CLOCK]) < DONE_MS:
                break
        elif damping > 1e3 or float(np.abs(step[CLOCK])) < DONE_MS:
            break
        else:
            damping *= 10
    return parameters, now


def covariance(scenes: Sequence[Scene], prior: Prior, best: Reals) -> tuple[Reals, float]:
    """Covariance of the parameters [p, p], and the deviation of the samples in sigma, where the cost is least.

    A sandwich (Huber, Proc. 5th Berkeley Symp. 1, 1967): between the inverses of the information stand the prior's own and what
    the scores really scatter by. The scatter of few pictures is drawn to what it would be if the samples' errors were as
    nominal, as a small sample's covariance is (Ledoit, Wolf, J. Multivariate Anal. 88(2), 2004).
    """
    scale = max(system(scenes, best, 2.0).deviation, BEST_SCALE)
    equations = system(scenes, best, scale)
    bread = np.linalg.inv(equations.matrix + prior.information)
    parts, pictures = (scores.T @ scores for scores in (equations.by_part, equations.by_picture))
    seen = sum(partly_seen(scene, covered(scene, best, late_terms(n))) for n, scene in enumerate(scenes))
    nominal = min(1.0, NOMINAL_PICTURES / max(seen, 1))
    scatter = nominal * equations.matrix + (1 - nominal) * (parts + pictures) / 2
    return np.asarray(bread @ (scatter + prior.information) @ bread), equations.deviation


def partly_seen(scene: Scene, cover: Cover) -> int:
    """In how many pictures of a scene the edge is seen."""
    seen = scene.passage.usable & (np.abs(cover.moved) > SEEN)
    return int(np.count_nonzero(seen.mean(axis=1) > PARTLY))
