"""Where something changes locally: energy of small patches of cells over several lengths of time, beside what is usual there.

Knows no pattern, no landmark and no script.
"""

from dataclasses import dataclass

import numpy as np

from recorder.spotting.cells import Bools, Cells, Floats, around, sums

WIDTHS_US = (40_000, 80_000, 160_000, 320_000)  # from the rise of a micro-expression to that of a slow posed one
PATCH_CELLS = 9
PATCHES = 9  # how many patches must stand out: one cell alone touches nine
NEVER = 1.5  # a cell whose noise is not this much above the quietest one's sees nothing
USUAL_NOISE = 0.5  # share of the noise of independent events; no patch's usual energy is put lower


@dataclass(frozen=True)
class Scan:
    """Energies for one width. ratio: float32 [N, C], energy of the change over `width` bins from bin n * hop on, of each
    patch, by what is usual; height: float32 [N], of the PATCHES-th strongest; seen: bool [C], cells that see anything.
    """

    width: int
    hop: int
    ratio: Floats
    height: Floats
    seen: Bools

    def head(self, index: int) -> float:
        """The ratio of the middle patch."""
        return float(np.median(self.ratio[index, self.seen]))


@dataclass(frozen=True)
class Burst:
    """A local change from bin `begin` to `end`; score: in spreads above the take's usual; mask: bool [C], where."""

    begin: int
    end: int
    score: float
    height: float
    head: float
    mask: Bools


def seeing(cells: Cells) -> Bools:
    """Cells in which something ever changes, bool [C]."""
    return np.asarray(cells.scale > NEVER * cells.scale.min())


def scans(cells: Cells, local: Floats) -> list[Scan]:
    """The energies for all widths for which the take is long enough."""
    seen = seeing(cells)
    running = np.zeros((cells.bins + 1, local.shape[1]), np.float32)
    np.cumsum(local, axis=0, out=running[1:])
    widths = [cells.bins_of(width_us) for width_us in WIDTHS_US]
    return [_scan(cells, running, seen, width) for width in widths if cells.bins > 4 * width and seen.any()]


def _scan(cells: Cells, running: Floats, seen: Bools, width: int) -> Scan:
    """running: float32 [T + 1, C], sums of the local changes from the beginning on."""
    hop = max(1, width // 4)
    change = running[width::hop] - running[:-width:hop]
    energy = around(change * change, cells.grid)
    usable = sums(cells.usable.astype(np.float32)[:, None], width)[::hop, 0] > width - 0.5
    floor = USUAL_NOISE * PATCH_CELLS * width
    usual = np.median(energy[usable], axis=0) if usable.any() else np.full(energy.shape[1], floor, np.float32)
    ratio = np.asarray(energy / np.maximum(usual, floor), np.float32)
    ratio[:, ~seen] = 0
    ratio[~usable] = 0
    rank = min(PATCHES, int(seen.sum()))
    height = np.partition(ratio, -rank, axis=1)[:, -rank]
    return Scan(width, hop, ratio, height, seen)


def strongest(scan_list: list[Scan], taken: list[Bools], within: tuple[float, float] | None = None) -> Burst | None:
    """The change that stands out most from its take. taken: for each scan bool [N], what was looked at already; within: bins
    between which it begins.
    """
    best: Burst | None = None
    for scan, gone in zip(scan_list, taken, strict=True):
        spread = _spreads(scan.height)
        spread[gone] = 0
        if within:
            begins = np.arange(len(spread)) * scan.hop
            spread[(begins < within[0]) | (begins > within[1])] = 0
        index = int(np.argmax(spread))
        if best is None or spread[index] > best.score:
            row, begin = scan.ratio[index], index * scan.hop
            mask = row > max(4.0, 0.12 * float(scan.height[index]))
            best = Burst(begin, begin + scan.width, float(spread[index]), float(scan.height[index]), scan.head(index), mask)
    return best


def _spreads(height: Floats) -> Floats:
    """How far above the usual, by the logarithm's median and upper quartile."""
    level = np.log(np.maximum(height, 0.1))
    there = level[height > 0]
    if not len(there):
        return np.zeros_like(height)
    middle, upper = np.quantile(there, (0.5, 0.75))
    return np.asarray(np.where(height > 0, (level - middle) / max(upper - middle, 0.1), 0), np.float32)
