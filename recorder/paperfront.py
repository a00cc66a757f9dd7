"""The edge of a sheet of paper that passes before an event camera: a front that crosses the picture once, from one side to
the other. Finds it in signed event counts by time and tile. Knows no stream, no state and no take: paperwatch.py does.
"""

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]

BURST_BINS = 5  # an edge takes some ms to pass a tile of 8 pixels; noise is averaged over as many bins
FOOT = 0.1  # of a burst's peak: where it begins and ends
ARRIVAL = 0.05  # share of a tile's step in log intensity after which the edge is said to be there: dark pixels lag, and late
LEAST_PEAK = 0.15  # events per pixel in BURST_BINS: more than noise and leak events (some per second) by far
LEAST_TILES = 0.15  # share of all tiles that must have seen a step: a face at 40 cm covers more
ALIKE = (0.2, 0.8)  # quantiles of tiles between which a change must have one sign to be no front's, but that of the light
SAMPLE = 7  # every seventh tile is asked for it; no row or column is left out, as their numbers are no multiples of 7
DRAWS, TRIED = (
    150,
    400,
)  # planes through three tiles, judged by so many tiles: with half of them outliers 150 miss with p = 2e-9
SLOPES_US = 4_000.0, 600_000.0  # half the time that a sheet takes: one that is torn away, one in no hurry; a lamp takes no time
PLANE_SIGMA_US, PLANE_SHARE = 1000.0, 0.03  # how far a front is from a plane: by itself, and of the time that it takes
TUKEY = 4.685  # Beaton & Tukey 1974: 95 % efficiency for normal errors
NARROW = 1.4826  # median absolute deviation to standard deviation of a normal distribution
LEAST_SIGMA_US = 300.0  # bins of 1 ms do not tell more
ALONE = 20.0  # tiles that err together: lag and contrast are those of a region
ROUNDS = 12
# How far the edge of a hand-held sheet departs from a straight line at constant speed, relative to the time that it takes for
# half of the view: standard deviations of u^2 (gains speed), u v (turns), v^2 (is bent), u^3 (is fastest half-way: a hand's
# way is bell-shaped in speed, Flash & Hogan 1985, J. Neurosci. 5, and the view is about the middle of it).
PRIOR_SIGMA = (0.07, 0.05, 0.03, 0.03)
PRIOR_MEAN = (0.0, 0.0, 0.0, 0.03)
# The first events of a step come late: the photoreceptor's low-pass, some 100 Hz in office light (Lichtsteiner et al. 2008,
# IEEE JSSC 43, fig. 10), and the blur of an edge out of focus.
LAG_US = 1300.0
# A sensor's way out is full (12 million events a second of a DAVIS346): events wait, and come later than they happened. Then
# the highest rate of all is also one that lasts, and evenly.
FULL_BINS, FULL_SPREAD = 5, 0.02
LONGEST_WAIT = 10_000.0  # us


@dataclass(frozen=True)
class Grid:
    """Tiles of a sensor. resolution: (width, height); tile_px: their side; the last ones of a row or column may be smaller."""

    resolution: tuple[int, int]
    tile_px: int

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of tiles."""
        width, height = self.resolution
        return -(-height // self.tile_px), -(-width // self.tile_px)

    def pixels(self) -> Reals:
        """Pixels of each tile, float64 [rows * columns]."""
        across, down = (self._sides(side) for side in self.resolution)
        return np.outer(down, across).ravel()

    def places(self) -> tuple[Reals, Reals]:
        """Middle of each tile: x (right) and y (down) in pixels, float64 [rows * columns] each."""
        x, y = (np.arange(len(s)) * self.tile_px + s / 2 for s in (self._sides(side) for side in self.resolution))
        across, down = np.meshgrid(x, y)
        return across.ravel(), down.ravel()

    def _sides(self, side_px: int) -> Reals:
        begins = np.arange(0, side_px, self.tile_px)
        return np.minimum(begins + self.tile_px, side_px) - begins.astype(np.float64)


@dataclass(frozen=True)
class Front:
    """When an edge crosses each pixel: t = origin_us + sum of coefficients times 1, u, v, u^2, u v, v^2, u^3.

    u: along the way of the edge, v: 90 degrees counterclockwise of it, y up, from the middle of the view in units of scale_px
    (half of the longer side); angle_deg: that way, 0 to the right of the picture, 90 up; coefficients: 7 numbers in us.
    """

    resolution: tuple[int, int]
    angle_deg: float
    origin_us: int
    coefficients: tuple[float, ...]

    @property
    def scale_px(self) -> float:
        """Unit of u and v."""
        return max(self.resolution) / 2

    def time_us(self, x: Any, y: Any) -> Any:
        """Event time in us at which the edge crosses (x, y), pixels right and down from the upper left corner; float64."""
        values = basis(*along_across(x, y, self.resolution, self.angle_deg)) @ np.array(self.coefficients)
        return self.origin_us + values

    def crossing_us(self) -> tuple[int, int]:
        """When the edge comes into the view and when the last of it leaves it."""
        times = self.time_us(*border(self.resolution))
        return round(float(times.min())), round(float(times.max()))


@dataclass(frozen=True)
class Steps:
    """What n tiles saw, float64 [n] each. x, y: their place in pixels; times, doubt: when, in us since the start, and its
    standard deviation beside that of all; step: change in events per pixel; tiles: n as a share of all tiles.
    """

    x: Reals
    y: Reals
    times: Reals
    doubt: Reals
    step: Reals
    tiles: float


@dataclass(frozen=True)
class Fit:
    """A front and how well it explains what was seen.

    tiles: share of all tiles that had a step; inliers: share of those that follow the front; along, across: share of the
    view's extent between the outermost of these (2 % left out at either end); sigma_us: their standard deviation;
    brighter: share of the inliers that became brighter; exit_sigma_us: standard deviation of when the edge leaves the view.
    """

    front: Front
    tiles: float
    inliers: float
    along: float
    across: float
    sigma_us: float
    brighter: float
    exit_sigma_us: float


def border(resolution: tuple[int, int], points: int = 9) -> tuple[Reals, Reals]:
    """Points around the border of the view, corners among them: x and y in pixels."""
    width, height = resolution
    share = np.linspace(0, 1, points)
    none, all_ = np.zeros(points), np.ones(points)
    return np.concatenate([share, share, none, all_]) * width, np.concatenate([none, all_, share, share]) * height


def along_across(x: Any, y: Any, resolution: tuple[int, int], angle_deg: float) -> tuple[Any, Any]:
    """Pixels as u and v of `Front`."""
    width, height = resolution
    scale = max(resolution) / 2
    right, up = (np.asarray(x, float) - width / 2) / scale, (height / 2 - np.asarray(y, float)) / scale
    cosine, sine = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    return right * cosine + up * sine, up * cosine - right * sine


def basis(u: Any, v: Any) -> Reals:
    """The functions of `Front`, float64 [..., 7]."""
    return np.stack([np.ones_like(u), u, v, u * u, u * v, v * v, u * u * u], axis=-1)


def fit_front(signed: NDArray[np.int16], total: NDArray[np.int32], start_us: int, bin_us: int, grid: Grid) -> Fit | None:
    """The front in signed counts (ON minus OFF), int16 [rows * columns, T]; None where there are too few steps for one.

    total: all events of each bin, int32 [T]; start_us: event time at which the first bin begins.
    """
    steps = find_steps(signed, total, bin_us, grid)
    return _fit(steps, start_us, grid) if steps.tiles >= LEAST_TILES else None


def find_steps(signed: NDArray[np.int16], total: NDArray[np.int32], bin_us: int, grid: Grid) -> Steps:
    """The greatest change of each tile, where there was one; arguments as of `fit_front`."""
    pixels = grid.pixels()
    arrival, step, peak = _arrivals(signed, pixels, alike(signed[::SAMPLE] / pixels[::SAMPLE, None]))
    seen = peak >= LEAST_PEAK
    x, y = (place[seen] for place in grid.places())
    late, doubt = (values[arrival[seen].astype(np.int64)] for values in waiting(total, bin_us))
    return Steps(x, y, arrival[seen] * bin_us - late, doubt, step[seen], float(seen.mean()))


def alike(levels: Reals) -> Reals:
    """What all tiles of [tiles, T] do at a time, as a lamp that flickers or is switched makes them, float64 [T]."""
    low, high = np.quantile(levels, ALIKE, axis=0)
    return np.asarray(np.clip(0.0, low, high), np.float64)


def waiting(total: NDArray[np.int32], bin_us: int) -> tuple[Reals, Reals]:
    """How long events of each bin have waited on the sensor, mean and standard deviation in us, float64 [T] each.

    What waits at a time has gone by the end of the congestion, so nothing waits for longer than until then.
    """
    none = np.zeros(len(total))
    if len(total) < FULL_BINS:
        return none, none
    lasting = np.lib.stride_tricks.sliding_window_view(total, FULL_BINS).min(axis=1).max()
    if lasting <= 0 or total.max() > (1 + FULL_SPREAD) * lasting:
        return none, none
    full = total >= (1 - FULL_SPREAD) * lasting
    most = np.minimum(_run(full), _run(full[::-1])[::-1]) * float(bin_us)
    most = np.minimum(most, LONGEST_WAIT)
    return most / 3, most / 3


def _run(full: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many bins in a row have been full, up to each."""
    number = np.arange(1, len(full) + 1)
    return number - np.maximum.accumulate(np.where(full, 0, number))


@numba.njit(cache=True, nogil=True)
def _arrivals(signed: Any, pixels: Any, light: Any) -> tuple[Reals, Reals, Reals]:
    """The strongest burst of events per pixel, beyond what the light does, in each row of signed counts [tiles, T].

    Returns when it had done ARRIVAL of its sum, in bins, the sum, and the peak, [tiles] each.
    """
    tiles, bins = signed.shape
    arrival, step, peak = np.zeros(tiles), np.zeros(tiles), np.zeros(tiles)
    row, smooth = np.zeros(bins), np.zeros(bins)
    for tile in range(tiles):
        running = 0.0
        for k in range(bins):
            row[k] = signed[tile, k] / pixels[tile] - light[k]
            running += row[k] - (row[k - BURST_BINS] if k >= BURST_BINS else 0.0)
            smooth[k] = running  # of the BURST_BINS up to k
        first, last, top = _burst(smooth)
        peak[tile] = abs(top)
        if peak[tile] > 0:
            sign = 1.0 if top > 0 else -1.0
            total = sign * row[first : last + 1].sum()
            arrival[tile], step[tile] = first + _reached(sign * row[first : last + 1], ARRIVAL * total), sign * total
    return arrival, step, peak


@numba.njit(cache=True, nogil=True)
def _burst(smooth: Any) -> tuple[int, int, float]:
    """First and last bin about the highest peak of either sign, and its height."""
    at = int(np.argmax(np.abs(smooth)))
    top = smooth[at]
    first, last = at, at
    while first > 0 and smooth[first - 1] * top > FOOT * top * top:
        first -= 1
    while last < len(smooth) - 1 and smooth[last + 1] * top > FOOT * top * top:
        last += 1
    return max(0, first - BURST_BINS + 1), last, float(top)


@numba.njit(cache=True, nogil=True)
def _reached(row: Any, level: float) -> float:
    """Where the sum of a row comes by a level for the first time, in bins from its begin."""
    done = 0.0
    for k in range(len(row)):
        if row[k] > 0 and done + row[k] >= level:
            return k + float((level - done) / row[k])
        done += row[k]
    return 0.0


def _fit(steps: Steps, start_us: int, grid: Grid) -> Fit | None:
    x, y, step = steps.x, steps.y, steps.step
    found = _plane(*along_across(x, y, grid.resolution, 0.0), steps.times)
    if found is None:
        return None
    angle_deg, near = found
    u, v = along_across(x, y, grid.resolution, angle_deg)
    coefficients, covariance, sigma, weight = _robust(basis(u, v), steps, near)
    coefficients[0] += coefficients[1] * (0.5 - ARRIVAL) * grid.tile_px / (max(grid.resolution) / 2) - LAG_US
    front = Front(grid.resolution, angle_deg, start_us, tuple(float(c) for c in coefficients))
    near = weight > 0
    edges = basis(*along_across(*border(grid.resolution), grid.resolution, angle_deg))
    last = edges[int(np.argmax(edges @ coefficients))]
    return Fit(
        front,
        steps.tiles,
        float(near.mean()),
        _extent(u[near], edges[:, 1]),
        _extent(v[near], edges[:, 2]),
        sigma,
        float(np.maximum(step[near], 0).sum() / np.abs(step[near]).sum()),
        float(np.sqrt(last @ covariance @ last)),
    )


def _extent(places: Reals, all_places: Reals) -> float:
    low, high = np.quantile(places, [0.02, 0.98])
    return float((high - low) / np.ptp(all_places))


def _plane(right: Reals, up: Reals, times: Reals) -> tuple[float, NDArray[np.bool_]] | None:
    """Angle of the plane that explains most tiles, and which these are; the same draws every time.

    Random sample consensus by the likelihood of normal errors and evenly spread outliers (Torr & Zisserman 2000, MLESAC).
    """
    draws = np.random.default_rng(1)
    triples = draws.integers(0, len(times), (DRAWS, 3))
    tried = draws.permutation(len(times))[:TRIED]
    design = np.stack([np.ones_like(right), right, up], axis=-1)
    corners = design[triples]
    able = np.abs(np.linalg.det(corners)) > 0.05  # far enough apart
    planes = np.linalg.solve(corners[able], times[triples[able]][..., None])[..., 0]
    slopes = np.hypot(planes[:, 1], planes[:, 2])
    able = (slopes >= SLOPES_US[0]) & (slopes <= SLOPES_US[1])
    if not able.any():
        return None
    planes, sigma = planes[able], PLANE_SIGMA_US + PLANE_SHARE * 2 * slopes[able]
    left = times[None, tried] - planes @ design[tried].T
    likely = np.exp(-0.5 * (left / sigma[:, None]) ** 2) / sigma[:, None] / np.sqrt(2 * np.pi)
    best = int(np.argmax(np.log(likely + 1 / max(float(np.ptp(times)), 1.0)).sum(axis=1)))
    plane = planes[best]
    near = np.abs(times - design @ plane) < 2.5 * sigma[best]
    for _ in range(3):
        plane = np.linalg.lstsq(design[near], times[near], rcond=None)[0] if near.any() else plane
        near = np.abs(times - design @ plane) < 2.5 * sigma[best]
    angle_deg = float(np.degrees(np.arctan2(plane[2], plane[1])))
    return (angle_deg, near) if near.any() else None


def _robust(design: Reals, steps: Steps, near: NDArray[np.bool_]) -> tuple[Reals, Reals, float, Reals]:
    """Coefficients, their covariance, standard deviation and weights by iteratively reweighted least squares with a prior."""
    times = steps.times
    plane = np.linalg.lstsq(design[near, :3], times[near], rcond=None)[0]
    left = times - design[:, :3] @ plane
    slope = max(abs(float(plane[1])), 1.0)
    trust = np.array([1e-12, 1e-12, 1e-12, *(1 / (slope * share) ** 2 for share in PRIOR_SIGMA)])
    pull = trust * slope * np.array([0.0, 0.0, 0.0, *PRIOR_MEAN])
    together = np.count_nonzero(steps.doubt) * steps.doubt**2
    weight, sigma = near.astype(float), _spread(left[near])
    for _ in range(ROUNDS):
        weighted = design * (weight / (sigma**2 * ALONE + together))[:, None]
        covariance = np.asarray(np.linalg.inv(weighted.T @ design + np.diag(trust)), np.float64)
        coefficients: Reals = covariance @ (weighted.T @ times + pull)
        left = (times - design @ coefficients) / np.sqrt(1 + (steps.doubt / sigma) ** 2)
        sigma = _spread(left[weight > 0])
        weight = np.maximum(0.0, 1 - (left / (TUKEY * sigma)) ** 2) ** 2
    return coefficients, covariance, sigma, np.asarray(weight, np.float64)


def _spread(left: Reals) -> float:
    return max(LEAST_SIGMA_US, NARROW * float(np.median(np.abs(left))))
