"""Where the clock may be at all: a coarse grid over clock and shift, descents from its best places, rivals. Knows no take."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from recorder.alignment.cover_fit import SEEN, Prior, cost, covariance, descend, partly_seen
from recorder.alignment.cover_model import CLOCK, GEOMETRY, Scene, covered, late_terms, misfits, solve_gains
from recorder.alignment.edge_tiles import Reals
from recorder.alignment.paper_geometry import Geometry

STEP_MS, STEP_SHIFT = 5.0, 0.1  # of the grid: less than an exposure, and than what the edge moves meanwhile
SHIFT_SIGMAS = 2.0
COARSE_SAMPLES, FINE_SAMPLES = 250, 1500
LATE_STEP_MS = 4.0
KNOWN_CLOCK_MS = 1e-3
TRIES = 4  # of the best places of the grid
APART_MS = 2.0  # farther away a descent's end is another one
AS_GOOD = 6.0  # a rival that costs less more than the best is not excluded: 1 in 70 by chance (chi squared, 1 degree)


@dataclass(frozen=True)
class CoverFit:
    """parameters: as in cover_model; covariance: of them; deviation: robust, of the samples in sigma; explained: share of the
    change between bare and papered that the model explains where the edge is seen; partly: in how many pictures of each scene
    that is; rival_ms: how far away the clock may be as well, 0 where no other place is as good.
    """

    parameters: Reals
    covariance: Reals
    deviation: float
    explained: float
    partly: tuple[int, ...]
    rival_ms: float

    @property
    def geometry(self) -> Geometry:
        """What the fit says of the rig."""
        return Geometry(self.parameters[GEOMETRY], self.covariance[GEOMETRY, GEOMETRY])


def fit_cover(scenes: Sequence[Scene], geometry: Geometry, search_ms: float) -> CoverFit:
    """The best explanation of all scenes together. search_ms: how far from the guess the clock may be."""
    prior = Prior.of(scenes, geometry, search_ms)
    few = [thinned(scene, COARSE_SAMPLES) for scene in scenes]
    found = sorted((descend(few, prior, start) for start in _grid(few, prior, geometry, search_ms)), key=lambda pair: pair[1])
    near = [thinned(scene) for scene in scenes]
    best, _ = descend(near, prior, found[0][0])
    spread, deviation = covariance(near, prior, best)
    explained, partly = _explained(near, best)
    return CoverFit(best, spread, deviation, explained, partly, _rival_ms(found))


def fit_front_to_pictures(scene: Scene, geometry: Geometry) -> CoverFit:
    """How late the front of a scene is, where clock and geometry are known: descents from all over what its errors allow."""
    prior = Prior.of([scene], geometry, KNOWN_CLOCK_MS)
    few, near = thinned(scene, COARSE_SAMPLES), thinned(scene)
    starts = []
    reach = 2 * float(np.sqrt(scene.front.errors[0, 0]))
    for late in np.linspace(-reach, reach, 2 * int(np.ceil(reach / LATE_STEP_MS)) + 1):
        parameters = prior.means.copy()
        parameters[late_terms(0).start] = late
        starts.append(parameters)
    found = sorted((descend([few], prior, start) for start in starts), key=lambda pair: pair[1])
    best, _ = descend([near], prior, found[0][0])
    spread, deviation = covariance([near], prior, best)
    explained, partly = _explained([near], best)
    return CoverFit(best, spread, deviation, explained, partly, 0.0)


def _rival_ms(found: Sequence[tuple[Reals, float]]) -> float:
    """How far from the best the ends of descents are that cost hardly more."""
    best, least = found[0]
    away = [abs(float(one[CLOCK] - best[CLOCK])) for one, other in found[1:] if other < least + AS_GOOD]
    return max((distance for distance in away if distance > APART_MS), default=0.0)


def _grid(scenes: Sequence[Scene], prior: Prior, geometry: Geometry, search_ms: float) -> list[Reals]:
    """The best places of a grid over clock and shift along the ways of the edges."""
    places = []
    for shift in _shifts(scenes, geometry):
        for clock in np.arange(-search_ms, search_ms + 0.1, STEP_MS):
            parameters = prior.means.copy()
            parameters[CLOCK] = clock
            parameters[1:3] = shift
            places.append((cost(scenes, prior, parameters), parameters))
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


def thinned(scene: Scene, most: int = FINE_SAMPLES) -> Scene:
    """The same with every n-th sample, each of which then stands for n."""
    count = len(scene.passage.x)
    every = max(1, count // most)
    chosen = np.zeros(count, bool)
    chosen[::every] = True
    return replace(scene, passage=scene.passage.part(chosen), weight=scene.weight * every)


def _explained(scenes: Sequence[Scene], parameters: Reals) -> tuple[float, tuple[int, ...]]:
    """Share of the change that is explained where the edge is seen, and in how many pictures of each scene it is."""
    left, total, partly = 0.0, 0.0, []
    for n, scene in enumerate(scenes):
        sigma, usable = scene.sigma(), scene.passage.usable
        cover = covered(scene, parameters, late_terms(n))
        gains = solve_gains(scene, cover.alpha, usable / sigma**2)
        misfit = misfits(scene, cover.alpha, gains, sigma)
        contrast = (scene.passage.papered * gains[:, 1:] - scene.passage.bare * gains[:, :1]) / sigma
        seen = usable & (np.abs(cover.moved) > SEEN)
        left += float(np.minimum(misfit[seen] ** 2, contrast[seen] ** 2).sum())
        total += float((contrast[seen] ** 2).sum()) / 12  # variance of a share that may be anything
        partly.append(partly_seen(scene, cover))
    return (1 - left / total if total else 0.0), tuple(partly)
