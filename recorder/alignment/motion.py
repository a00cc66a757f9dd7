"""A frame camera's clock from everything that moves before it and the event camera: blinks, the movement, the swaying head.

Between two pictures the log light of a place changes by what its events add up to (times their threshold). The offset is that
at which both go together best, over the places of the face and the pictures in which most changes. Events answer late, by the
threshold and the pixel's low-pass; how late is measured in the same way on the event camera's own pictures, whose clock is the
events', and taken off. Knows no paper and no host.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recorder.alignment.cover import Pictures
from recorder.alignment.cover_model import ClockGuess
from recorder.alignment.motion_increments import (
    Bools,
    MovingEvents,
    Reals,
    Shots,
    Stack,
    event_increments,
    picture_increments,
    shots_of,
    softened,
)
from recorder.alignment.motion_register import Registration, register

STEPS = 5  # pictures over which places are found: a clock that is off by two of them does no harm
PLACES_FROM, TIMES_FROM = 120, 240  # pictures with the most change, for finding places and times
LONGEST_GAP_US = 150_000  # between pictures: over longer ones too much happens
EDGE_US = 100_000  # of the events' first and last: what an exposure, a row and a lag may reach beyond
LEAST_PICTURES = 30
NOISE_FLOOR = 0.003  # log units: 8-bit codes
BEND = 0.05  # log units of change from which a place counts by its change and not by its noise
CLIP = 6.0
THRESHOLD = 0.2 / 25  # log light of an event, by the pixels of a tile: a scale only, the correlation does not heed it
SEARCH_STEP_US, FINE_STEP_US, FINE_STEPS = 10_000.0, 4_000.0, 4
OWN_STEP_US, OWN_BEFORE, OWN_AFTER = 8_000.0, 2, 4  # events may be up to 32 ms late
BLOCK_US = 400_000  # of a resampling: one blink, one nod
DRAWS = 200
SEED = 4
NORMAL_95 = 1.96
MIN_PLACES = 0.3  # correlation of the increments at the places that were found; chance gives 0.1
MIN_SCORE = 0.2  # and of single increments at the best offset
MIN_RISE = 0.03  # of the correlation over the ends of the search
# How late events are where the event camera has no pictures of its own: -2 ms (an ideal pixel, jerks) to 6 ms (DAVIS346).
LATENESS_US, LATENESS_SIGMA_US = 2_500.0, 2_500.0
FLOOR_US = 1_500.0  # 1 sigma: what resampling does not tell, such as places that are a little off
UNKNOWN_READOUT_SHARE = 0.6  # of the interval between pictures
ROWS_SIGMA_US = 1_500.0  # 1 sigma, where the read-out is not known: faces fill the middle third of the rows


@dataclass(frozen=True)
class MotionFit:
    """What movement says of the offset at at_us. uncertainty_us: half width of the 95 % interval, at at_us; score: correlation
    at the offset; lateness_us: of the events, which was taken off; details: numbers of the fit.
    """

    offset_us: float
    uncertainty_us: float
    at_us: int
    score: float
    lateness_us: float
    details: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Curve:
    """Correlations at offsets. offsets_us: [n]; terms: [n, 3, m], of every interval: product, power of events, of pictures;
    block: [m], which stretch of time it belongs to.
    """

    offsets_us: Reals
    terms: Reals
    block: NDArray[np.int64]

    def scores(self, weight: Reals | None = None) -> Reals:
        """Correlation at each offset, [n]; weight: of each interval, [m]."""
        sums = self.terms.sum(axis=2) if weight is None else self.terms @ weight
        return np.asarray(sums[:, 0] / np.sqrt(sums[:, 1] * sums[:, 2] + 1e-12))

    def peak(self, weight: Reals | None = None) -> tuple[float, float, float]:
        """(offset, correlation, its rise over the higher of both ends)."""
        score = self.scores(weight)
        best = int(np.clip(score.argmax(), 1, len(score) - 2))
        before, here, after = score[best - 1 : best + 2]
        bend = before - 2 * here + after
        step = 0.5 * (before - after) / bend if bend < 0 else 0.0
        at = self.offsets_us[best] + float(np.clip(step, -1, 1)) * (self.offsets_us[1] - self.offsets_us[0])
        return float(at), float(score.max()), float(score.max() - max(score[0], score[-1]))


def align_by_motion(
    events: MovingEvents,
    pictures: Pictures,
    clock: ClockGuess,
    readout_us: float | None,
    own: Pictures | None,
    leave_out_us: Sequence[tuple[int, int]] = (),
) -> MotionFit | None:
    """The offset at which pictures and events change together. None where too little moves, or it fits nowhere.

    clock: the guess, searched around by clock.search_us; readout_us: from the first row to the last, None: not known; own: the
    event camera's own pictures; leave_out_us: stretches of event time that do not count, such as while paper is before it.
    """
    scene = prepare(events, pictures, clock, readout_us, leave_out_us)
    if scene is None:
        return None
    found = _searched(scene, clock.search_us)
    if found is None:
        return None
    late = None if own is None else lateness(scene, own, leave_out_us)
    return _reported(scene, clock, found, late, readout_us is not None)


def prepare(
    events: MovingEvents,
    pictures: Pictures,
    clock: ClockGuess,
    readout_us: float | None,
    leave_out_us: Sequence[tuple[int, int]] = (),
) -> "Scene | None":
    """What there is to compare, and where. As `align_by_motion`; None where too little moves, or nowhere alike."""
    if len(pictures) < LEAST_PICTURES or not len(events.t_us):
        return None
    readout = _readout_us(pictures) if readout_us is None else readout_us
    shots = shots_of(pictures, round(clock.stream_us(events.zero_us)), readout)  # times by the guess, since events.zero_us
    shots = _with_drift(shots, clock, events)
    usable = _usable(shots, events, clock.search_us, leave_out_us)
    if np.count_nonzero(usable) < LEAST_PICTURES:
        return None
    return _scene(events, shots, usable, pictures.light.shape[1] / pictures.light.shape[2])


def _readout_us(pictures: Pictures) -> float:
    return float(np.median(np.diff(pictures.times_us))) * UNKNOWN_READOUT_SHARE


def _with_drift(shots: Shots, clock: ClockGuess, events: MovingEvents) -> Shots:
    """The shots' times in event time by the guess, drift included, since events.zero_us."""
    since_reference = shots.middle_us + (events.zero_us - clock.reference_us)
    middle = shots.middle_us + clock.drift_ppm * 1e-6 * since_reference
    return Shots(middle, shots.exposure_us, shots.log, shots.row_us)


def _usable(shots: Shots, events: MovingEvents, search_us: float, leave_out_us: Sequence[tuple[int, int]]) -> Bools:
    """Which intervals between pictures count, [k - 1]."""
    middle, slack = shots.middle_us, search_us + EDGE_US
    gap = np.diff(middle)
    usable = (
        (gap > 0) & (gap < LONGEST_GAP_US) & (middle[:-1] > events.t_us[0] + slack) & (middle[1:] < events.t_us[-1] - slack)
    )
    for begin, end in leave_out_us:
        usable &= (middle[1:] < begin - events.zero_us - slack) | (middle[:-1] > end - events.zero_us + slack)
    return np.asarray(usable)


@dataclass(frozen=True)
class Scene:
    """What the correlation at any offset needs. chosen: intervals [m]; increments: of log light, [m, s], of the samples in use;
    weights: [s]; tile_of: the tile that each sees, [s]; tile_row_us: how much later than the centre row it is exposed, [tiles].
    """

    events: MovingEvents
    shots: Shots
    chosen: NDArray[np.int64]
    increments: Stack
    weights: Stack
    tile_of: NDArray[np.int64]
    tile_row_us: Reals
    places: Registration

    def seen(self, offset_us: float) -> Stack:
        """Increments of log light by the events, [m, s], at an offset beside the guess."""
        slots = np.full(len(self.shots.middle_us) - 1, -1)
        slots[self.chosen] = np.arange(len(self.chosen))
        counted = softened(event_increments(self.events, self.shots, slots, offset_us, self.tile_row_us))
        return np.asarray(counted.reshape(len(self.chosen), -1)[:, self.tile_of] * np.float32(THRESHOLD))

    def curve(self, middle_us: float, step_us: float, first: int, last: int) -> Curve:
        """Correlations at offsets middle_us + n * step_us beside the guess, n from first to last."""
        offsets_us = middle_us + step_us * np.arange(first, last + 1, dtype=np.float64)
        terms = np.empty((len(offsets_us), 3, len(self.chosen)))
        terms[:, 2] = (self.increments**2 * self.weights).sum(axis=1)
        for number, offset in enumerate(offsets_us):
            seen = self.seen(offset)
            terms[number, 0] = (seen * self.increments * self.weights).sum(axis=1)
            terms[number, 1] = (seen**2 * self.weights).sum(axis=1)
        middle = self.shots.middle_us[self.chosen]
        return Curve(offsets_us, terms, (middle // BLOCK_US).astype(np.int64))


def _scene(events: MovingEvents, shots: Shots, usable: Bools, aspect: float) -> Scene | None:
    increments = picture_increments(shots.log)
    noise = np.asarray(1.4826 * np.median(np.abs(increments[usable]), axis=0) + NOISE_FLOOR, np.float32)
    places = _places(events, shots, usable, noise)
    if places is None or places.score < MIN_PLACES:
        return None
    chosen = _busiest(np.asarray(increments / noise, np.float32), usable, TIMES_FROM)
    inside = np.flatnonzero(places.tile_of >= 0)
    soft_noise = softened(noise[None].astype(np.float32)).ravel()[inside]
    flat = softened(increments[chosen]).reshape(len(chosen), -1)[:, inside]
    weights = 1 / (soft_noise**2 + BEND**2)
    rows = places.tile_row_us(shots.row_us, events, aspect)
    return Scene(events, shots, chosen, flat, weights.astype(np.float32), places.tile_of[inside], rows, places)


def _busiest(increments: Stack, usable: Bools, count: int) -> NDArray[np.int64]:
    """The usable intervals in which most changes, in order."""
    power = (np.clip(increments, -CLIP, CLIP) ** 2).mean(axis=(1, 2))
    power[~usable] = -1
    best = np.argsort(-power)[: min(count, np.count_nonzero(usable))]
    return np.asarray(np.sort(best), np.int64)


def _places(events: MovingEvents, shots: Shots, usable: Bools, noise: Stack) -> Registration | None:
    wide = picture_increments(shots.log, STEPS)
    free = np.array([usable[n : n + STEPS].all() for n in range(len(wide))])
    if np.count_nonzero(free) < LEAST_PICTURES // 2:
        return None
    chosen = _busiest(np.asarray(wide / noise, np.float32), free, PLACES_FROM)
    tiles = events.shape[0] * events.shape[1]
    single = event_increments(events, shots, np.arange(len(usable)), 0.0, np.zeros(tiles))
    total = np.concatenate([np.zeros((1, *single.shape[1:]), np.float32), np.cumsum(single, axis=0, dtype=np.float32)])
    counted = (total[STEPS:] - total[:-STEPS])[chosen]
    return register(softened(np.asarray(wide[chosen] / noise, np.float32)), softened(counted), events)


def _searched(scene: Scene, search_us: float) -> Curve | None:
    """The correlations near the best offset; None where there is no peak within the search."""
    steps = int(np.ceil(search_us / SEARCH_STEP_US)) + 1
    rough = scene.curve(0.0, SEARCH_STEP_US, -steps, steps)
    at, score, rise = rough.peak()
    if score < MIN_SCORE or rise < MIN_RISE or abs(at) > steps * SEARCH_STEP_US - SEARCH_STEP_US:
        return None
    return scene.curve(at, FINE_STEP_US, -FINE_STEPS, FINE_STEPS)


def lateness(scene: Scene, own: Pictures, leave_out_us: Sequence[tuple[int, int]] = ()) -> Curve | None:
    """The same on the event camera's own pictures: the same places, while the same pictures were taken. Its peak is how late
    the events are.
    """
    events = scene.events
    shots = shots_of(own, events.zero_us, 0.0)
    usable = _usable(shots, events, 0.0, leave_out_us)
    middle = scene.shots.middle_us
    usable &= _meanwhile(shots.middle_us, middle[scene.chosen], middle[scene.chosen + 1])
    chosen = np.flatnonzero(usable)
    if len(chosen) < LEAST_PICTURES:
        return None
    tiles = _samples_of_tiles(events, own.light.shape[1:])[scene.tile_of]
    flat = softened(picture_increments(shots.log)[chosen]).reshape(len(chosen), -1)[:, tiles]
    rows = np.zeros_like(scene.tile_row_us)
    mine = Scene(events, shots, chosen, flat, scene.weights, scene.tile_of, rows, scene.places)
    rough = mine.curve(0.0, OWN_STEP_US, -OWN_BEFORE, OWN_AFTER)
    at, score, _ = rough.peak()
    return mine.curve(at, FINE_STEP_US, -FINE_STEPS, FINE_STEPS) if score >= MIN_SCORE else None


def _meanwhile(own_us: Reals, begin_us: Reals, end_us: Reals) -> Bools:
    """Which of the intervals between own pictures overlap one of the others, [k - 1]."""
    before = np.searchsorted(begin_us, own_us[1:])  # how many begin before it ends
    return np.asarray((before > 0) & (end_us[np.maximum(before - 1, 0)] > own_us[:-1]))


def _samples_of_tiles(events: MovingEvents, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Which sample of the event camera's own pictures [h, w] lies at each tile, [tiles]."""
    x, y = events.places()
    aspect = events.resolution[1] / events.resolution[0]
    column = np.clip(((x + 1) / 2 * shape[1]).astype(np.int64), 0, shape[1] - 1)
    row = np.clip(((y / aspect + 1) / 2 * shape[0]).astype(np.int64), 0, shape[0] - 1)
    return np.asarray((row * shape[1] + column).ravel())


def _reported(scene: Scene, clock: ClockGuess, found: Curve, late: Curve | None, rows_known: bool) -> MotionFit:
    at, score, rise = found.peak()
    lateness = LATENESS_US if late is None else late.peak()[0]
    spread = _spread_us(found, late)
    sigma = float(np.sqrt(spread**2 + FLOOR_US**2 + (0 if late is not None else LATENESS_SIGMA_US**2)))
    sigma = float(np.hypot(sigma, 0 if rows_known else ROWS_SIGMA_US))
    weight = scene.increments**2 @ scene.weights
    centre = float((scene.shots.middle_us[scene.chosen] * weight).sum() / weight.sum())
    details = {
        "correlation": score,
        "rise": rise,
        "spread_us": spread,
        "places": scene.places.score,
        "scale": scene.places.scale,
    }
    # The shots' times are the guess's. `at` is what is to be added to them.
    at_us = scene.events.zero_us + round(centre)
    return MotionFit(clock.offset_us + at - lateness, NORMAL_95 * sigma, at_us, score, lateness, details)


def _spread_us(found: Curve, late: Curve | None) -> float:
    """1 sigma of the offset: bootstrap over stretches of time, of both curves together, as what makes one late does so to both
    (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 8.6: blocks).
    """
    rng = np.random.default_rng(SEED)
    blocks = np.unique(found.block)
    drawn = []
    for _ in range(DRAWS):
        times = np.bincount(rng.integers(0, len(blocks), len(blocks)), minlength=len(blocks)).astype(np.float64)
        offset = found.peak(times[np.searchsorted(blocks, found.block)])[0]
        if late is not None:
            near = np.clip(np.searchsorted(blocks, late.block), 0, len(blocks) - 1)
            offset -= late.peak(times[near] * (blocks[near] == late.block))[0]
        drawn.append(offset)
    middle = float(np.median(drawn))
    return float(1.4826 * np.median(np.abs(np.array(drawn) - middle)) + 0.2 * np.std(drawn))
