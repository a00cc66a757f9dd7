"""The edge of a sheet of paper that sweeps over the event camera: when it comes by every pixel. Knows no frame camera.

The crossing time is a smooth function of the place, T(u, v): cubic in u along the way of the edge, with a slope, a bend and a
twist across it. Places are in half widths of the sensor from its middle, x to the right and y down.
"""

from dataclasses import dataclass

import numpy as np

from protocol.streams import Array
from recorder.alignment.edge_fit import Line, NoEdgeError, basis, full_ms, refine, rough_line
from recorder.alignment.edge_tiles import TILE_PX, Grid, Reals, peaks_ms
from recorder.paperwatch import PaperSighting

__all__ = ["Front", "NoEdgeError", "Slide", "fit_front"]

BIN_MS = 2.0
MIN_EVENTS = 4_000  # an edge over a twentieth of a DAVIS346


# What a watch that looks at events a millisecond and a tile at a time may be wrong by, beside its own uncertainty, 1 sigma:
# in proportion to u, and to u squared.
ROUGH_STRETCH_MS, ROUGH_BEND_MS = 3.0, 1.0


@dataclass(frozen=True)
class Slide:
    """A stretch of event time in which the paper comes (leaves False) or goes; the edge crosses the view within it.

    sighting: what a watch saw of it, for when the events themselves do not show the edge well enough.
    """

    begin_us: int
    end_us: int
    leaves: bool
    sighting: PaperSighting | None = None


@dataclass(frozen=True)
class Front:
    """When the edge comes by: `crossing_ms`.

    origin_us: event time from which it counts; direction: unit vector of its way in the picture (x right, y down); terms: [7];
    errors: [3, 3], ms squared, covariance of what crossings may be late in common, in proportion to u, and to u squared;
    spread_ms: robust deviation of the tiles from it; share: of the tiles with a burst that lie on it; full_bus: the sensor
    gave all that its read-out can, so that events came late.
    """

    slide: Slide
    origin_us: int
    resolution: tuple[int, int]
    direction: tuple[float, float]
    terms: Reals
    errors: Reals
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


def fit_front(events: Array, resolution: tuple[int, int], slide: Slide) -> Front:
    """The edge of a slide. events: [n] of EVENT_DTYPE, clean and in order; resolution: (width, height) in pixels.

    Raises NoEdgeError where no edge sweeps over the sensor.
    """
    begin, end = np.searchsorted(events["t"], (slide.begin_us, slide.end_us))
    events = events[begin:end]
    if len(events) < MIN_EVENTS:
        raise NoEdgeError("Too few events come while the paper should slide by; choose the time when it moves.")
    times_ms = (events["t"] - slide.begin_us) * 1e-3
    grid = Grid(resolution)
    peaks, strength = peaks_ms(grid.tiles(events), times_ms, grid.count, BIN_MS)
    full = full_ms(times_ms)
    line = rough_line(peaks, strength / TILE_PX**2, grid, full)
    line = refine(line, grid, events, times_ms, full, leaves=slide.leaves)
    return _front(line, slide, resolution)


def rough_front(sighting: PaperSighting, slide: Slide) -> Front:
    """The edge as a watch saw it."""
    seen = sighting.front
    one, u, v, uu, uv, vv, uuu = np.array(seen.coefficients) * 1e-3
    terms = np.array([one, u, uu, uuu, -v, vv, -uv])  # v points the other way there
    terms[0] += (seen.origin_us - slide.begin_us) * 1e-3
    angle = np.radians(seen.angle_deg)
    errors = np.diag(np.square([sighting.uncertainty_us / 1.96e3, ROUGH_STRETCH_MS, ROUGH_BEND_MS]))
    direction = float(np.cos(angle)), float(-np.sin(angle))
    return Front(slide, slide.begin_us, seen.resolution, direction, terms, errors, 0.0, sighting.confidence, True)


def _front(line: Line, slide: Slide, resolution: tuple[int, int]) -> Front:
    return Front(
        slide,
        slide.begin_us,
        resolution,
        line.direction,
        line.terms,
        line.errors,
        line.spread_ms,
        line.share,
        line.full_bus,
    )
