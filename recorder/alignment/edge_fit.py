"""The smooth front through the bursts of tiles: first straight, by vote, then bent, by robust least squares. Knows no slide."""

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from protocol.errors import GlimpseError
from protocol.streams import Array
from recorder.alignment.edge_tiles import Bools, Bursts, Grid, Reals, bursts

MIN_BURST = 1.0  # events a pixel of a tile that an edge has swept over; noise gives some hundredths in its time
MIN_TILES = 60  # about a twentieth of a DAVIS346; a hand alone covers fewer along any one front
MIN_SHARE = 0.5  # of the tiles with a burst that lie on the front; they nearly all do when a sheet slides by
SLOWNESS_MS = np.geomspace(8, 160, 18)  # a half width: from a swift 5 m/s to 0.25 m/s at 13 cm
FASTEST_MS = 5.0
DIRECTIONS_DEG = np.arange(0.0, 360.0, 6.0)
VOTE_MS = 4.0
NEAR_MS = 10.0  # how far a tile's busiest instant may be from the rough front
BEFORE_MS, AFTER_MS = 6.0, 16.0  # around the front: what belongs to a burst; answers of dark pixels take 3 time constants
ROUNDS = 3
# What a threshold's memory costs: after a burst of the other polarity a pixel needs one threshold more than the first step of
# the new one; where nothing was before, the leak has brought most anywhere between 0 and their ON threshold, which costs
# nothing, and head and lids some of them anywhere at all, which costs a half: chosen between the two on simulated takes.
HYSTERESIS_LEAVING, HYSTERESIS_COMING = 1.0, 0.125
# Hands move by minimum jerk (Flash, Hogan 1985). In the middle third of such a way, in which the edge crosses the view, the
# slowness changes by some 15 percent: as shares of the linear term, the quadratic, the cubic one and the twist are small.
SHAPE_SIGMA = np.array([np.inf, np.inf, 0.1, 0.05, np.inf, 0.05, 0.05])
STIFF_SIGMA = np.array([np.inf, np.inf, 0.03, 0.02, np.inf, 0.02, 0.02])
TILE_SIGMA_MS, WAITED_TILE_MS = 0.3, 5.0  # of the onset of one tile; neighbours err alike, so that this many count as one:
TILES_ALIKE = 20.0
LATENCY_SHARE = 0.03  # 1 sigma of the onset, as a share of the time constant: what the model of the answer is worth
LATENCY_MIN_MS = 0.05
STRETCH_MIN_MS = 0.05  # the same of what grows along the way, as light and time constants differ from edge to edge
# A read-out that gives all it can gives the same number in every millisecond, and makes the rest of the events wait.
FULL_WITHIN = 0.003  # a Poisson process of 12 events a microsecond varies by 1 percent
FULL_BINS = 5
FULL_FREE_MS = 1.0  # for so long it hardly delays
FULL_BUS_MS = 0.3  # 1 sigma of what it may have delayed of the rest
WAITED_MS = (6.0, 4.0, 2.0)  # beside errors, where it was full all the while, as under a lamp that flickers strongly
BURST_TAUS = 1.0  # from the earlier of the two quantiles to the later one


Stretch: TypeAlias = tuple[float, float] | None


class NoEdgeError(GlimpseError):
    """No edge sweeps over the sensor in these events."""


@dataclass(frozen=True)
class Line:
    """A front without its slide; see edge.Front for the fields."""

    direction: tuple[float, float]
    terms: Reals
    share: float
    errors: Reals
    spread_ms: float = 0.0
    full_bus: bool = False


def basis(u: Reals, v: Reals) -> Reals:
    """Functions of which T is the sum, [..., 7]."""
    return np.stack([np.ones_like(u), u, u * u, u**3, v, v * v, u * v], axis=-1)


def slopes(terms: Reals, u: Reals, v: Reals) -> tuple[Reals, Reals]:
    """dT/du and dT/dv."""
    return terms[1] + 2 * terms[2] * u + 3 * terms[3] * u * u + terms[6] * v, terms[4] + 2 * terms[5] * v + terms[6] * u


def rough_line(peak_ms: Reals, per_pixel: Reals, grid: Grid, full: Stretch) -> Line:
    """The straight front on which most tiles have their busiest instant. per_pixel: events in it; full: when
    the read-out was full.

    Raises NoEdgeError where too few tiles agree.
    """
    lively = per_pixel >= MIN_BURST
    if lively.sum() < MIN_TILES:
        raise NoEdgeError("No edge sweeps over the event camera in that time; choose the time when the paper moves.")
    x, y = (centre[lively] for centre in grid.places())
    times = peak_ms[lively]
    _, angle, slowness, at_ms = max(_votes(times, x, y))
    direction = float(np.cos(np.radians(angle))), float(np.sin(np.radians(angle)))
    u, v = x * direction[0] + y * direction[1], y * direction[0] - x * direction[1]
    near = np.abs(times - at_ms - slowness * u) < NEAR_MS
    if near.sum() < MIN_TILES or near.mean() < MIN_SHARE:
        raise NoEdgeError("What moves before the event camera in that time is no straight edge; choose another time.")
    share = float(near.mean())
    if full is not None and (near & (times < full[0])).sum() >= MIN_TILES:
        near &= times < full[0]
    terms, _, _ = robust(basis(u, v)[near], times[near], np.ones(int(near.sum())), slowness)
    if abs(terms[1]) < FASTEST_MS:
        raise NoEdgeError("All of the view changes at once in that time, as by a lamp; choose the time when the paper moves.")
    return Line(direction, terms, share, np.eye(3))


def _votes(times: Reals, x: Reals, y: Reals) -> list[tuple[int, float, float, float]]:
    """(tiles in agreement, direction in degrees, slowness in ms a half width, crossing of the middle in ms) of many fronts."""
    votes = []
    for angle in DIRECTIONS_DEG:
        u = x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle))
        for slowness in SLOWNESS_MS:
            late = times - slowness * u
            floor = late.min()
            counts = np.bincount(((late - floor) / VOTE_MS).astype(np.int64), minlength=2)
            pairs = counts[:-1] + counts[1:]
            best = int(pairs.argmax())
            votes.append((int(pairs[best]), float(angle), float(slowness), float(floor + (best + 1) * VOTE_MS)))
    return votes


def robust(
    functions: Reals, values: Reals, weights: Reals, slowness: float, *, waited: bool = False
) -> tuple[Reals, Reals, float]:
    """Terms [7], their covariance, and the robust deviation of the values [n] from them (Cauchy weights).

    weights: [n], mean about 1; slowness: of the front, ms a half width, from which its shape may differ a little;
    waited: the values are late by anything, so that a straight front of even speed is the better guess.
    """
    shape = np.diag(1 / np.square((STIFF_SIGMA if waited else SHAPE_SIGMA) * abs(slowness)))
    information = weights / weights.mean() / ((WAITED_TILE_MS if waited else TILE_SIGMA_MS) ** 2 * TILES_ALIKE)
    now, scale = information, 0.0
    for _ in range(12):
        weighted = functions * now[:, None]
        matrix = weighted.T @ functions + shape + 1e-6 * np.eye(len(shape))
        terms = np.linalg.solve(matrix, weighted.T @ values)
        away = values - functions @ terms
        scale = max(1.4826 * float(np.median(np.abs(away))), 0.02)
        now = information / (1 + (away / (2 * scale)) ** 2)
    return np.asarray(terms), np.asarray(np.linalg.inv(matrix)), scale


def refine(line: Line, grid: Grid, events: Array, times_ms: Reals, full: Stretch, *, leaves: bool) -> Line:
    """The front through the onsets of the bursts along a rough one. events: [n], times_ms: their times, [n]; full: when the
    read-out was full.

    Raises NoEdgeError where the bursts are too faint.
    """
    hysteresis = HYSTERESIS_LEAVING if leaves else HYSTERESIS_COMING
    near = _near(line, grid, events, times_ms)
    near = near[_of_one_sign(grid.tiles(events[near]), events["p"][near] > 0, grid.count)]
    events, times_ms = events[near], times_ms[near]
    tiles, pixels = grid.tiles(events), grid.pixels(events)
    functions = basis(*_along(line, *grid.places()))
    for _ in range(ROUNDS):
        late = times_ms - _crossings(line, grid)[pixels]
        chosen = (late > -BEFORE_MS) & (late < AFTER_MS)
        expected = functions @ line.terms - BEFORE_MS
        found = bursts(tiles[chosen], late[chosen] + BEFORE_MS, grid.count)
        found, good, waited = _trusted(found, expected, full)
        onsets = expected + found.onset_ms(hysteresis)
        if good.sum() < MIN_TILES:
            raise NoEdgeError("The edge before the event camera is too faint to be timed; choose another time.")
        weights = 1 / np.maximum(found.tau_ms[good], 0.3) ** 2
        terms, covariance, spread = robust(functions[good], onsets[good], weights, line.terms[1], waited=waited)
        errors = _errors(found.tau_ms[good], weights, full is not None, waited) + covariance[:3, :3]
        line = replace(line, terms=terms, errors=errors, spread_ms=spread, full_bus=full is not None)
    return line


def _near(line: Line, grid: Grid, events: Array, times_ms: Reals) -> NDArray[np.intp]:
    """The events that may belong to a front which moves while it is refined."""
    late = times_ms - _crossings(line, grid)[grid.pixels(events)]
    return np.flatnonzero((late > -BEFORE_MS - NEAR_MS) & (late < AFTER_MS + NEAR_MS))


def _of_one_sign(tiles: NDArray[np.int64], on: Bools, count: int) -> Bools:
    """Which events have the polarity of most events of their tile: an edge makes a tile brighter or darker, not both."""
    brighter = np.bincount(tiles, np.where(on, 1.0, -1.0), count) > 0
    return np.asarray(brighter[tiles] == on)


def _along(line: Line, x: Reals, y: Reals) -> tuple[Reals, Reals]:
    cosine, sine = line.direction
    return x * cosine + y * sine, y * cosine - x * sine


def _crossings(line: Line, grid: Grid) -> Reals:
    """T of every pixel, [H * W]."""
    return np.asarray(basis(*_along(line, *grid.pixel_places())) @ line.terms)


def full_ms(times_ms: Reals) -> Stretch:
    """From when to when the read-out gives all it can, None where it never does."""
    counts = np.bincount(times_ms.astype(np.int64))
    full = np.flatnonzero(counts > (1 - FULL_WITHIN) * counts.max())
    return (float(full[0]), float(full[-1] + 1)) if len(full) >= FULL_BINS else None


def _trusted(found: Bursts, expected_ms: Reals, full: Stretch) -> tuple[Bursts, Bools, bool]:
    """The bursts, which of them can be used, and whether even those had to wait. expected_ms: to be added to their times, [n].

    Where the read-out is full, those that begin before, with the time constant of those that end before.
    """
    good = found.per_pixel >= MIN_BURST
    early = found.early_ms + expected_ms
    free = good & (early < full[0] + FULL_FREE_MS) if full else good
    if full is None or free.sum() < MIN_TILES:
        return found, good, full is not None
    over = early + BURST_TAUS * found.tau_ms
    whole = free & (over < full[0] + FULL_FREE_MS)
    tau = float(np.median(found.tau_ms[whole])) if whole.any() else float(np.percentile(found.tau_ms[free], 10))
    return replace(found, tau_ms=np.minimum(found.tau_ms, tau)), free, False


def _errors(tau_ms: Reals, weights: Reals, full_bus: bool, waited: bool) -> Reals:
    """What the model of the answer is worth: see edge.Front.errors."""
    latency = LATENCY_MIN_MS + LATENCY_SHARE * float(np.average(tau_ms, weights=weights)) + FULL_BUS_MS * full_bus
    model = np.array([latency, STRETCH_MIN_MS + LATENCY_SHARE / 2 * float(np.median(tau_ms)), STRETCH_MIN_MS])
    return np.diag(np.square(model + np.multiply(WAITED_MS, waited)))
