"""Blinks: how they are told from other movements, and when the lids begin and end to move.

A lid that sweeps over the iris makes each cell lighter and then darker, so no single pattern follows it; but the number of
events at the eyes follows its speed. Knows no script and no file.
"""

from dataclasses import replace

import numpy as np

from recorder.spotting.cells import Bools, Cells, around
from recorder.spotting.landmarks import counted
from recorder.spotting.pairs import Pair
from recorder.spotting.profiles import Course, Fit, gain_of, lengths, refine, responses
from recorder.spotting.shape import Shape

# Two spots beside each other: measured on 49 simulated takes, 30 to 40 cm away (eyes 63 mm apart are 8 to 12 cells of 44).
LEAST_APART, LEAST_BALANCE, MOST_TALL = 1.6, 0.1, 5.0
LEAST_WIDTH, MOST_WIDTH = 5.5 / 44, 13.0 / 44  # of the sensor's width
WIDE = 0.2  # share of the view; lids and brows of two eyes are 0.03 to 0.15, a frown up to 0.5
FAST = 6.0  # score from which two spots are eyes
# A spontaneous blink closes in 50 to 100 ms and opens two to three times slower (VanderWerf et al. 2003, J. Neurophysiol. 89,
# 2784); one on command takes 100 to 400 ms.
LONGEST_US = 450_000
CLOSING_US, OPENING_US = (25_000, 160_000), (30_000, 350_000)
BEFORE_US, AFTER_US = 120_000, 320_000
SLACK = 2  # bins by which the opening may overlap the closing
MARGIN = 3  # bins beside a movement that still are its own
ALL_OF_IT, TWITCH_US = 0.85, 90_000
EYE = 0.3  # share of the largest change from which a cell is of the eye
MOSTLY = 0.5  # of the change, for it to be at the eyes
LEAST_PART = 0.3  # of the one way is the other, at least


def two_spots(cells: Cells, pair: Pair, shape: Shape) -> bool:
    """Whether two spots beside each other move, as far apart as eyes are."""
    columns = cells.grid[1]
    return (
        shape.apart > LEAST_APART
        and shape.balance > LEAST_BALANCE
        and shape.tall < MOST_TALL
        and LEAST_WIDTH * columns < shape.width < MOST_WIDTH * columns
        and shape.sure > FAST
        and shape.share < WIDE
    )


def eyes_of(cells: Cells, blinks: list[Pair]) -> Bools:
    """Where the eyes are, bool [C]: what changes most in the blinks of a take, and the cells around."""
    energy = np.zeros((1, cells.changes.shape[1]), np.float32)
    for blink in blinks:
        part = blink.pattern**2 * blink.mask
        energy[0] += part / max(float(part.max()), 1e-9)
    return np.asarray(around((energy > EYE * energy.max()).astype(np.float32), cells.grid)[0] > 0.5)


def at_eyes(pair: Pair, eyes: Bools) -> bool:
    """Whether most of what changes does so at the eyes."""
    energy = pair.pattern.astype(np.float64) ** 2 * pair.mask
    return bool(energy[eyes].sum() > MOSTLY * energy.sum())


def blink_of(cells: Cells, pair: Pair) -> Pair | None:
    """The same movement, closing and opening found anew in the number of events; None where there are not two such bursts."""
    if (pair.end - pair.begin) * cells.bin_us > LONGEST_US:
        return None
    low = max(0, int(pair.begin) - cells.bins_of(BEFORE_US))
    high = min(cells.bins, int(pair.end) + cells.bins_of(AFTER_US))
    course = counted(cells, pair.mask, int(pair.begin), int(pair.end))[low:high]
    found = _two_bursts(cells, course)
    if found is None:
        return None
    if _is_over_soon(cells, course, pair, low):
        return None
    closing, opening = refine(course, found[0]), refine(course, found[1])
    if not LEAST_PART < opening.way / closing.way < 1 / LEAST_PART:
        return None
    return replace(pair, rise=_moved(closing, low, pair.rise), fall=_moved(opening, low, pair.fall or pair.rise))


def _is_over_soon(cells: Cells, course: Course, pair: Pair, low: int) -> bool:
    """Whether hardly any events lie outside of a short movement: a lid that twitches. Of a blink, patterns only find a part."""
    if pair.end - pair.begin > cells.bins_of(TWITCH_US):
        return False
    begin, end = max(0, int(pair.begin) - low - MARGIN), int(pair.end) - low + MARGIN
    total = float(np.maximum(course, 0).sum())
    return total > 0 and float(np.maximum(course[begin:end], 0).sum()) > ALL_OF_IT * total


def _two_bursts(cells: Cells, course: Course) -> tuple[Fit, Fit] | None:
    """The two bursts, one after the other, that explain most of a course together."""
    begun = _best(course, lengths(cells.bins_of(OPENING_US[0]), cells.bins_of(OPENING_US[1])), at_end=False)
    ended = _best(course, lengths(cells.bins_of(CLOSING_US[0]), cells.bins_of(CLOSING_US[1])), at_end=True)
    best: tuple[float, Fit, Fit] | None = None
    for closing in ended:
        after = [opening for opening in begun if opening.begin >= closing.end - SLACK]
        if not after:
            continue
        opening = max(after, key=lambda fit: fit.gain)
        if best is None or closing.gain + opening.gain > best[0]:
            best = closing.gain + opening.gain, closing, opening
    return (best[1], best[2]) if best else None


def _best(course: Course, tried: list[int], *, at_end: bool) -> list[Fit]:
    """For each bin the movement that explains most of those that begin (or end) there."""
    best: dict[int, Fit] = {}
    for length in tried:
        ways = responses(course, length)
        for begin, (way, gain) in enumerate(zip(ways.tolist(), gain_of(ways, length).tolist(), strict=True)):
            key = begin + length if at_end else begin
            if way > 0 and (key not in best or gain > best[key].gain):
                best[key] = Fit(begin, begin + length, way, gain)
    return list(best.values())


def _moved(fit: Fit, bins: int, scored: Fit) -> Fit:
    return replace(fit, begin=fit.begin + bins, end=fit.end + bins, score=scored.score)
