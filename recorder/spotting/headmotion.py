"""The motion of the head as a whole, told from motion in the face: what many parts of the picture do together.

A head that sways by v(t) (six numbers: three ways, three turns) changes the brightness of the cell c by -grad L(c) . u(c)
v(t), a fixed pattern for each of the six; so the slow changes of all cells lie near a space of few dimensions (rank one
each), which their principal components span. What is left is local. Knows no face, no script and no file.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recorder.spotting.cells import Bools, Cells, Floats, smooth

# Six ways and turns; breathing and the second order of the larger ones take some more.
PATTERNS = 12
ITERATIONS = 10  # of the power method: the head's patterns stand out of the noise by orders of magnitude
HEAD_SIGMA_US = 30_000  # heads sway below 2 Hz: what is faster than this is smoothed away before patterns are learnt
BLOCK_US, MARGIN_US = 1_000_000, 900_000  # patterns for a block are learnt outside of it, as far from it as a movement is long
LOUD = 2.5  # times the median of what is left: a blink, a movement; the head's patterns are not learnt there
SUSTAINED_US = 400_000  # longer than a blink and most movements of a whole face
ENOUGH = 6  # bins for each pattern


@dataclass(frozen=True)
class HeadMotion:
    """How strongly the whole head moves. energy: float32 [T], mean square of the head's part of all cells that ever
    change, in units of their noise (1: as much as the noise of single events); bin i begins at start_us + i * bin_us.

    On simulated takes the median is 0.01 to 0.05. Held for SUSTAINED_US, heads that sway stay below 0.3, strong movements of
    the whole face reach 0.7, heads that turn by 15 degrees and more 0.9 to 1.5.
    """

    start_us: int
    bin_us: int
    energy: Floats

    def within(self, begin_us: int, end_us: int) -> Floats:
        """The energies of the bins of a range of event time."""
        low, high = ((t - self.start_us) // self.bin_us for t in (begin_us, end_us))
        return self.energy[max(low, 0) : max(high, 0)]

    def sustained(self) -> float:
        """The highest mean energy over SUSTAINED_US; 0 for less than that."""
        width = max(1, SUSTAINED_US // self.bin_us)
        if len(self.energy) < width:
            return 0.0
        return float(np.convolve(self.energy, np.ones(width) / width, "valid").max())


@dataclass(frozen=True)
class Separated:
    """local: float32 [T, C], the changes without the head's patterns, each bin by patterns learnt at other times."""

    local: Floats
    head: HeadMotion


def separate(cells: Cells) -> Separated:
    """Take the head's motion out of the changes."""
    step = max(1, cells.bins_of(HEAD_SIGMA_US) // 2)
    slow = smooth(cells.changes, HEAD_SIGMA_US / cells.bin_us)[::step]
    gram = slow @ slow.T
    usable = cells.usable[::step]
    learn = usable & ~_loud(slow, gram, usable)
    local = np.zeros_like(cells.changes)
    energy = np.zeros(cells.bins, np.float32)
    block, margin = cells.bins_of(BLOCK_US), cells.bins_of(MARGIN_US)
    at = np.arange(len(slow)) * step
    moving = max(1, int(np.count_nonzero(cells.scale > cells.scale.min() * 1.5)))
    for begin in range(0, cells.bins, block):
        end = min(begin + block, cells.bins)
        patterns = _patterns(slow, gram, learn & ((at < begin - margin) | (at >= end + margin)))
        parts = cells.changes[begin:end] @ patterns.T
        local[begin:end] = cells.changes[begin:end] - parts @ patterns
        calm = smooth(parts, HEAD_SIGMA_US / cells.bin_us)
        energy[begin:end] = (calm**2).sum(axis=1) / moving
    return Separated(local, HeadMotion(cells.start_us, cells.bin_us, energy))


def _loud(slow: Floats, gram: NDArray[np.float32], learn: Bools) -> Bools:
    """Where far more is left than usual after the head's patterns of the whole take are taken out."""
    patterns = _patterns(slow, gram, learn)
    left = np.diagonal(gram) - ((slow @ patterns.T) ** 2).sum(axis=1)
    usual = float(np.median(left[learn])) if learn.any() else 0.0
    return np.asarray(left > LOUD * usual)


def _patterns(slow: Floats, gram: NDArray[np.float32], learn: Bools) -> Floats:
    """The strongest common patterns of some bins, float32 [K, C], orthonormal; none where there are too few bins."""
    chosen = np.flatnonzero(learn)
    count = min(PATTERNS, len(chosen) // ENOUGH)
    if count == 0:
        return np.zeros((0, slow.shape[1]), np.float32)
    courses, strengths = _strongest(gram[np.ix_(chosen, chosen)], count)
    kept = strengths > strengths.max() * 1e-5
    patterns = courses[:, kept].T @ slow[chosen] / np.sqrt(strengths[kept])[:, None]
    return np.asarray(patterns, np.float32)


def _strongest(gram: NDArray[np.float32], count: int) -> tuple[Floats, Floats]:
    """Largest eigenvectors [n, count] and values of a symmetric matrix by the power method (Golub & Van Loan, 8.2.4)."""
    space = np.random.default_rng(0).standard_normal((len(gram), count)).astype(np.float32)
    for _ in range(ITERATIONS):
        space = np.linalg.qr(gram @ space)[0]
    values, turn = np.linalg.eigh(space.T @ gram @ space)
    return np.asarray(space @ turn, np.float32), np.asarray(np.maximum(values, 1e-12), np.float32)
