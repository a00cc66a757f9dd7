"""The edge of a sheet of paper that sweeps over the event camera: when it comes by every pixel. Knows no frame camera.

The crossing time is a smooth function of the place, T(u, v): cubic in u along the way of the edge, with a slope, a bend and a
twist across it. Places are in half widths of the sensor from its middle, x to the right and y down.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocol.errors import GlimpseError
from protocol.streams import Array
from recorder.alignment.edge_tiles import TILE_PX, Bools, Bursts, Grid, Reals, bursts, peaks_ms

BIN_MS = 2.0
MIN_BURST = 1.0  # events a pixel of a tile that an edge has swept over; noise gives some hundredths in its time
MIN_TILES = 60  # about a twentieth of a DAVIS346; a hand alone covers fewer along any one front
MIN_SHARE = 0.5  # of the tiles with a burst that lie on the front; they all do when a sheet slides by
SLOWNESS_MS = np.geomspace(8, 160, 18)  # a half width: from a swift 5 m/s to 0.25 m/s at 13 cm
DIRECTIONS_DEG = np.arange(0.0, 360.0, 6.0)
VOTE_MS = 4.0
NEAR_MS = 10.0  # how far a tile's busiest instant may be from the rough front
BEFORE_MS, AFTER_MS = 6.0, 16.0  # around the front: what belongs to a burst; answers of dark pixels take 3 time constants
ROUNDS = 3
# What a threshold's memory costs: after a burst of the other polarity a pixel needs one threshold more than the first step of
# the new one; where nothing was before, the leak has brought most anywhere between 0 and their ON threshold, which costs
# nothing, and head and lids some of them anywhere at all, which costs a half.
HYSTERESIS_LEAVING, HYSTERESIS_COMING = 1.0, 0.125
LATENCY_SHARE = 0.08  # 1 sigma of the onset, as a share of the time constant: what the model of the answer is worth
LATENCY_MIN_MS = 0.1
# The read-out of a DAVIS346 gives 12 million events a second and then makes the rest wait.
FULL_BUS_PER_MS = 11_300.0
FULL_BUS_MS = 1.5  # 1 sigma of the delay that is left where it was full


class NoEdgeError(GlimpseError):
    """No edge sweeps over the sensor in these events."""


@dataclass(frozen=True)
class Slide:
    """A stretch of event time in which the paper comes (leaves False) or goes; the edge crosses the view within it."""

    begin_us: int
    end_us: int
    leaves: bool


@dataclass(frozen=True)
class Front:
    """When the edge comes by: `crossing_ms`. origin_us: event time from which it counts; direction: unit vector of its way in
    the picture (x right, y down); terms: [7]; latency_ms: 1 sigma of what all crossings may be late in common;
    spread_ms: robust deviation of the tiles from it; share: of the tiles with a burst that lie on it; full_bus: the sensor
    gave all that its read-out can; span: of u over the sensor, (first, last).
    """

    slide: Slide
    origin_us: int
    resolution: tuple[int, int]
    direction: tuple[float, float]
    terms: Reals
    latency_ms: float
    spread_ms: float
    share: float
    full_bus: bool

    @property
    def angle_deg(self) -> float:
        """Its way, 0 to the right of the picture, 90 up."""
        return float(np.degrees(np.arctan2(-self.direction[1], self.direction[0])))

    def along(self, x: Reals, y: Reals) -> tuple[Reals, Reals]:
        """Places u along the way and v across it of places x, y; all in half widths."""
        cosine, sine = self.direction
        return x * cosine + y * sine, y * cosine - x * sine

    def crossing_ms(self, x: Reals, y: Reals) -> Reals:
        """Time since origin_us at which the edge comes by places x, y in half widths from the middle."""
        return np.asarray(basis(*self.along(x, y)) @ self.terms)

    def range_ms(self) -> tuple[float, float]:
        """First and last crossing over the sensor."""
        aspect = self.resolution[1] / self.resolution[0]
        x, y = np.meshgrid(np.linspace(-1, 1, 9), np.linspace(-aspect, aspect, 9))
        times = self.crossing_ms(x, y)
        return float(times.min()), float(times.max())


def basis(u: Reals, v: Reals) -> Reals:
    """Functions of which T is the sum, [..., 7]."""
    return np.stack([np.ones_like(u), u, u * u, u**3, v, v * v, u * v], axis=-1)


def slopes(terms: Reals, u: Reals, v: Reals) -> tuple[Reals, Reals]:
    """dT/du and dT/dv."""
    return terms[1] + 2 * terms[2] * u + 3 * terms[3] * u * u + terms[6] * v, terms[4] + 2 * terms[5] * v + terms[6] * u


def fit_front(events: Array, resolution: tuple[int, int], slide: Slide) -> Front:
    """The edge of a slide. events: [n] of EVENT_DTYPE, clean and in order; resolution: (width, height) in pixels.

    Raises NoEdgeError where no edge sweeps over the sensor.
    """
    begin, end = np.searchsorted(events["t"], (slide.begin_us, slide.end_us))
    events = events[begin:end]
    grid = Grid(resolution)
    if len(events) < MIN_TILES * TILE_PX**2 * MIN_BURST:
        raise NoEdgeError("Too few events come while the paper should slide by; choose the time when it moves.")
    times_ms = (events["t"] - slide.begin_us) * 1e-3
    tiles = grid.tiles(events)
    half = resolution[0] / 2
    x, y = ((centre - size / 2) / half for centre, size in zip(grid.centres(), resolution, strict=True))
    direction, terms, share = _rough(*peaks_ms(tiles, times_ms, grid.count, BIN_MS), x, y)
    draft = Front(slide, slide.begin_us, resolution, direction, terms, 0.0, 0.0, share, False)
    places = [(events[name] + 0.5 - size / 2) / half for name, size in zip(("x", "y"), resolution, strict=True)]
    return _refined(draft, tiles, times_ms, (places[0], places[1]), (x, y))


def _rough(peak_ms: Reals, strength: Reals, x: Reals, y: Reals) -> tuple[tuple[float, float], Reals, float]:
    """Direction, terms and share of tiles of the straight front on which most tiles have their busiest instant."""
    lively = strength >= MIN_BURST * TILE_PX**2
    if lively.sum() < MIN_TILES:
        raise NoEdgeError("No edge sweeps over the event camera in that time; choose the time when the paper moves.")
    times, x, y = peak_ms[lively], x[lively], y[lively]
    _, angle, slowness, at_ms = max(_votes(times, x, y))
    direction = float(np.cos(np.radians(angle))), float(np.sin(np.radians(angle)))
    u, v = x * direction[0] + y * direction[1], y * direction[0] - x * direction[1]
    near = np.abs(times - at_ms - slowness * u) < NEAR_MS
    if near.sum() < MIN_TILES or near.mean() < MIN_SHARE:
        raise NoEdgeError("What moves before the event camera in that time is no straight edge; choose another time.")
    terms, _, _ = robust(basis(u, v)[near], times[near], np.ones(int(near.sum())))
    return direction, terms, float(near.mean())


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


def robust(functions: Reals, values: Reals, weights: Reals) -> tuple[Reals, Reals, float]:
    """Coefficients, residuals and robust deviation of a weighted sum of functions [n, k], by reweighting (Cauchy)."""
    now, scale = weights, 0.0
    ridge = 1e-9 * float(weights.sum()) * np.eye(functions.shape[1])
    for _ in range(12):
        weighted = functions * now[:, None]
        terms = np.linalg.solve(weighted.T @ functions + ridge, weighted.T @ values)
        residuals = values - functions @ terms
        scale = max(1.4826 * float(np.median(np.abs(residuals))), 0.02)
        now = weights / (1 + (residuals / (2 * scale)) ** 2)
    return np.asarray(terms), residuals, scale


def _refined(
    draft: Front, tiles: NDArray[np.int64], times_ms: Reals, places: tuple[Reals, Reals], centres: tuple[Reals, Reals]
) -> Front:
    """The front through the onsets of the bursts along a rough one."""
    grid, front = Grid(draft.resolution), draft
    hysteresis = HYSTERESIS_LEAVING if draft.slide.leaves else HYSTERESIS_COMING
    functions = basis(*front.along(*centres))
    for _ in range(ROUNDS):
        late = times_ms - front.crossing_ms(*places)
        chosen = (late > -BEFORE_MS) & (late < AFTER_MS)
        found = bursts(tiles[chosen], late[chosen], grid.count, hysteresis)
        good = found.per_pixel >= MIN_BURST
        if good.sum() < MIN_TILES:
            raise NoEdgeError("The edge before the event camera is too faint to be timed; choose another time.")
        weights = 1 / np.maximum(found.tau_ms[good], 0.3) ** 2
        onsets = functions[good] @ front.terms + found.onset_ms[good]
        terms, _, spread = robust(functions[good], onsets, weights)
        front = _with(front, terms, spread, _latency_ms(found, good, weights), _is_full(times_ms[chosen]))
    return front


def _with(front: Front, terms: Reals, spread_ms: float, latency_ms: float, full_bus: bool) -> Front:
    latency = float(np.hypot(latency_ms, FULL_BUS_MS * full_bus))
    return Front(
        front.slide,
        front.origin_us,
        front.resolution,
        front.direction,
        terms,
        latency,
        spread_ms,
        front.share,
        full_bus,
    )


def _latency_ms(found: Bursts, good: Bools, weights: Reals) -> float:
    return LATENCY_MIN_MS + LATENCY_SHARE * float(np.average(found.tau_ms[good], weights=weights))


def _is_full(times_ms: Reals) -> bool:
    """Whether the read-out is at its limit for a millisecond or more."""
    return bool(len(times_ms)) and int(np.bincount(times_ms.astype(np.int64)).max()) > FULL_BUS_PER_MS
