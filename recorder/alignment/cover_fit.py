"""Clock and geometry that explain best how the paper covers the pictures: a coarse search, then Gauss-Newton. Knows no take.

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
DONE_MS = 1e-3
STEP_MS, STEP_SHIFT = 5.0, 0.1  # of the coarse search: less than an exposure, and than what the edge moves meanwhile
SHIFT_SIGMAS = 2.0
COARSE_SAMPLES = 300
TRIES = 4  # of the best places of the search
PARTS = 3  # of a picture along either side, whose errors count as independent


@dataclass(frozen=True)
class CoverFit:
    """parameters: as in cover_model; covariance: of them; cost: mean robust misfit in sigma^2; scale: robust deviation of the
    samples in sigma; explained: share of the change between bare and papered that the model explains where the edge is seen;
    partly: in how many pictures of each scene that is; rivals: of the other descents, how much later (ms) and how much worse.
    """

    parameters: Reals
    covariance: Reals
    cost: float
    scale: float
    explained: float
    partly: tuple[int, ...]
    rivals: tuple[tuple[float, float], ...]

    @property
    def geometry(self) -> Geometry:
        """What the fit says of the rig."""
        return Geometry(self.parameters[GEOMETRY], self.covariance[GEOMETRY, GEOMETRY])


@dataclass(frozen=True)
class Prior:
    """Means and standard information [p, p] of the parameters."""

    means: Reals
    information: Reals

    @classmethod
    def of(cls, scenes: Sequence[Scene], geometry: Geometry, search_ms: float) -> "Prior":
        """From what is known of the rig, of the clock (search_ms: 2 sigma) and of the fronts' latencies."""
        size = LATE + LATE_TERMS * len(scenes)
        means, covariance = np.zeros(size), np.zeros((size, size))
        means[GEOMETRY] = geometry.values
        covariance[CLOCK, CLOCK] = (search_ms / 2) ** 2
        covariance[GEOMETRY, GEOMETRY] = geometry.covariance
        covariance[DRIFT, DRIFT] = (scenes[0].clock.drift_sigma_ppm / DRIFT_UNIT_PPM) ** 2
        for n, scene in enumerate(scenes):
            covariance[late_terms(n), late_terms(n)] = scene.front.errors
        return cls(means, np.asarray(np.linalg.inv(covariance), np.float64))


def fit_cover(scenes: Sequence[Scene], geometry: Geometry, search_ms: float) -> CoverFit:
    """The best explanation of all scenes together. search_ms: how far from the guess the clock may be."""
    prior = Prior.of(scenes, geometry, search_ms)
    starts = _search(scenes, prior, geometry, search_ms)
    found = [_descend(scenes, prior, start) for start in starts]
    found.sort(key=lambda pair: pair[1])
    best = found[0][0]
    rivals = tuple((float(p[CLOCK] - best[CLOCK]), cost - found[0][1]) for p, cost in found[1:])
    return _described(scenes, prior, best, found[0][1], rivals)


def _search(scenes: Sequence[Scene], prior: Prior, geometry: Geometry, search_ms: float) -> list[Reals]:
    """The best places of a grid over clock and shift along the ways of the edges."""
    few = [_thinned(scene) for scene in scenes]
    places = []
    for shift in _shifts(scenes, geometry):
        for clock in np.arange(-search_ms, search_ms + 0.1, STEP_MS):
            parameters = prior.means.copy()
            parameters[CLOCK] = clock
            parameters[1:3] = shift
            places.append((_cost(few, prior, parameters), parameters))
    places.sort(key=lambda place: place[0])
    chosen: list[Reals] = []
    for _, parameters in places:
        if all(abs(parameters[CLOCK] - one[CLOCK]) > 2 * STEP_MS for one in chosen):
            chosen.append(parameters)
        if len(chosen) == TRIES:
            break
    return chosen


def _shifts(scenes: Sequence[Scene], geometry: Geometry) -> list[Reals]:
    """Shifts that are likely, along the edge's ways; across them a shift changes little."""
    ways = [np.array(scene.front.direction) for scene in scenes]
    axes = [ways[0]] + [way for way in ways[1:] if abs(float(ways[0] @ way)) < 0.7]
    middle, spread = geometry.values[:2], geometry.covariance[:2, :2]
    shifts = [middle]
    for axis in axes:
        sigma = float(np.sqrt(axis @ spread @ axis))
        count = int(np.ceil(SHIFT_SIGMAS * sigma / STEP_SHIFT))
        steps = np.linspace(-SHIFT_SIGMAS * sigma, SHIFT_SIGMAS * sigma, 2 * count + 1) if count else np.zeros(1)
        shifts = [shift + step * axis for shift in shifts for step in steps]
    return shifts


def _thinned(scene: Scene) -> Scene:
    count = len(scene.passage.x)
    chosen = np.zeros(count, bool)
    chosen[:: max(1, count // COARSE_SAMPLES)] = True
    return Scene(scene.passage.part(chosen), scene.front, scene.clock)


def _cost(scenes: Sequence[Scene], prior: Prior, parameters: Reals) -> float:
    """Mean robust misfit of all samples."""
    total, count = 0.0, 0
    for n, scene in enumerate(scenes):
        sigma, usable = scene.sigma(), scene.passage.usable
        alpha, _ = covered(scene, parameters, late_terms(n))
        gains = solve_gains(scene, alpha, usable / sigma**2)
        misfit = misfits(scene, alpha, gains, sigma)[usable]
        total += float(np.log1p((misfit / CAUCHY) ** 2).sum()) * CAUCHY**2
        count += misfit.size
    away = parameters - prior.means
    return total / max(count, 1) + float(away @ prior.information @ away) / max(count * TEMPER, 1)


@dataclass
class _System:
    """Normal equations: matrix [p, p], vector [p], and the score of each part of each picture [b, p]."""

    matrix: Reals
    vector: Reals
    scores: Reals
    by_picture: Reals


def _system(scenes: Sequence[Scene], parameters: Reals, scale: float) -> tuple[_System, float]:
    size = len(parameters)
    matrix, vector = np.zeros((size, size)), np.zeros(size)
    scores, by_picture, spreads = [], [], []
    for n, scene in enumerate(scenes):
        sigma, usable = scene.sigma(), scene.passage.usable
        alpha, moved = covered(scene, parameters, late_terms(n))
        weights = usable / sigma**2
        gains = solve_gains(scene, alpha, weights)
        misfit = misfits(scene, alpha, gains, sigma)
        heed = usable / (1 + (misfit / (CAUCHY * scale)) ** 2)
        gains = solve_gains(scene, alpha, heed / sigma**2)
        misfit = misfits(scene, alpha, gains, sigma)
        spreads.append(misfit[usable & (np.abs(moved) > 1e-3)])
        slope = later(scene, parameters, late_terms(n))
        for k in range(len(misfit)):
            change = (gains[k, 1] * scene.passage.papered - gains[k, 0] * scene.passage.bare) * moved[k] / sigma
            linear = np.stack([scene.passage.bare * (1 - alpha[k]), scene.passage.papered * alpha[k]]) / sigma
            jacobian = _projected(slope * change, linear, heed[k])
            weighted = jacobian * (heed[k] * TEMPER / scale**2)
            matrix += weighted @ jacobian.T
            vector += weighted @ misfit[k]
            by_picture.append(weighted @ misfit[k])
            scores += _by_part(weighted * misfit[k], scene)
    spread = np.concatenate(spreads)
    deviation = 1.4826 * float(np.median(np.abs(spread))) if spread.size else scale
    return _System(matrix, vector, np.array(scores), np.array(by_picture)), deviation


def _projected(jacobian: Reals, linear: Reals, heed: Reals) -> Reals:
    """The part of a Jacobian [p, n] that a and b cannot make up for; linear: [2, n]."""
    weighted = linear * heed
    inner = weighted @ linear.T + np.eye(2) / 0.3**2
    return np.asarray(jacobian - np.linalg.solve(inner, weighted @ jacobian.T).T @ linear)


def _by_part(scores: Reals, scene: Scene) -> list[Reals]:
    column = np.clip(((scene.passage.x + 1) / 2 * PARTS).astype(int), 0, PARTS - 1)
    row = np.clip((scene.passage.row * PARTS).astype(int), 0, PARTS - 1)
    part = column * PARTS + row
    return [scores[:, part == n].sum(axis=1) for n in range(PARTS**2) if bool(np.any(part == n))]


def _descend(scenes: Sequence[Scene], prior: Prior, start: Reals) -> tuple[Reals, float]:
    """Gauss-Newton with the step held back (Levenberg, Marquardt)."""
    parameters, damping, scale = start, 1e-3, 2.0
    cost = _cost(scenes, prior, parameters)
    for _ in range(ROUNDS):
        system, deviation = _system(scenes, parameters, scale)
        scale = max(deviation, 1.0)
        matrix = system.matrix + prior.information
        vector = system.vector - prior.information @ (parameters - prior.means)
        step = np.linalg.solve(matrix + damping * np.diag(np.diag(matrix)), vector)
        new_cost = _cost(scenes, prior, parameters + step)
        if new_cost < cost:
            parameters, cost, damping = parameters + step, new_cost, damping / 5
            if abs(step[CLOCK]) < DONE_MS:
                break
        elif damping > 1e3:
            break
        else:
            damping *= 10
    return parameters, cost


def _described(
    scenes: Sequence[Scene], prior: Prior, best: Reals, cost: float, rivals: tuple[tuple[float, float], ...]
) -> CoverFit:
    _, deviation = _system(scenes, best, 2.0)
    scale = max(deviation, 1.0)
    system, _ = _system(scenes, best, scale)
    bread = np.linalg.inv(system.matrix + prior.information)
    meat = system.scores.T @ system.scores + system.by_picture.T @ system.by_picture + system.matrix
    covariance = bread @ (meat + prior.information) @ bread
    explained, partly = _explained(scenes, best)
    return CoverFit(best, covariance, cost, deviation, explained, partly, rivals)


def _explained(scenes: Sequence[Scene], parameters: Reals) -> tuple[float, tuple[int, ...]]:
    """Share of the change that is explained where the edge is seen, and in how many pictures of each scene it is."""
    left, total, partly = 0.0, 0.0, []
    for n, scene in enumerate(scenes):
        sigma, usable = scene.sigma(), scene.passage.usable
        alpha, moved = covered(scene, parameters, late_terms(n))
        gains = solve_gains(scene, alpha, usable / sigma**2)
        misfit = misfits(scene, alpha, gains, sigma)
        contrast = (scene.passage.papered * gains[:, 1:] - scene.passage.bare * gains[:, :1]) / sigma
        seen = usable & (np.abs(moved) > 1e-3)
        left += float(np.minimum(misfit[seen] ** 2, contrast[seen] ** 2).sum())
        total += float((contrast[seen] ** 2).sum()) / 12  # variance of a share that may be anything
        partly.append(int(np.count_nonzero(seen.mean(axis=1) > 0.02)))
    return (1 - left / total if total else 0.0), tuple(partly)
