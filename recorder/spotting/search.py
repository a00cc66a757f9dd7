"""All that moves in a stretch of events: burst after burst, the strongest first. Knows no script and no file."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from protocol.streams import Array
from recorder.activity import count_activity
from recorder.spotting.bursts import Burst, Scan, scans, seeing, strongest
from recorder.spotting.cells import BIN_US, Bools, Cells, Floats, cell_size, cells_of
from recorder.spotting.headmotion import HeadMotion, separate
from recorder.spotting.kinds import Candidate, candidate_of, with_eyes
from recorder.spotting.pairs import Pair, pair_of
from recorder.spotting.veil import usable_bins

LEAST_SCORE = 3.0  # spreads above the take's usual from which a burst is looked at
MOST_BURSTS = 20  # are looked at: a talking face has no end of them
# Where a movement is expected, fainter ones are looked at as well, and first.
EXPECTED_SCORE, EXPECTED_BURSTS = 2.0, 10
LEAST_SPAN_US = 500_000  # of events to say anything


@dataclass(frozen=True)
class Motion:
    """What moved. candidates: in the order of their bursts' height; seen_us: how long the face could be seen.

    Holds none of the counts that it was found in: those of a long recording's many pieces would fill the memory.
    """

    head: HeadMotion
    candidates: tuple[Candidate, ...]
    seen_us: int


def search(
    events: Array,
    resolution: tuple[int, int],
    hot: Bools,
    span_us: tuple[int, int],
    expected_us: tuple[int, int] | None = None,
) -> Motion:
    """All that moves in [start, end) of event time. events: clean; hot: bool [H, W], pixels to leave out; expected_us: event
    times between which a movement is likely to begin.
    """
    activity = count_activity(events, resolution, bin_us=BIN_US, tile_px=cell_size(resolution[0]), hot=hot, span_us=span_us)
    cells = cells_of(activity, usable_bins(activity))
    separated = separate(cells)
    found = _candidates(cells, separated.local, expected_us) if cells.usable.any() else []
    candidates = with_eyes(cells, found)
    return Motion(separated.head, tuple(candidates), int(cells.usable.sum()) * cells.bin_us)


def _candidates(cells: Cells, local: Floats, expected_us: tuple[int, int] | None) -> list[Candidate]:
    scan_list, seen = scans(cells, local), seeing(cells)
    taken = [np.zeros(len(scan.height), bool) for scan in scan_list]
    nothing = np.zeros(local.shape[1], bool)
    found: list[Candidate] = []
    for within, most, least in _passes(cells, expected_us) if scan_list else ():
        for _ in range(most):
            burst = strongest(scan_list, taken, within)
            if burst is None or burst.score < least:
                break
            pair = pair_of(cells, local, burst, nothing)
            candidate = candidate_of(cells, seen, pair) if pair else None
            _take(scan_list, taken, burst, candidate.pair if candidate else None)
            found += [candidate] if candidate else []
    return found


def _passes(cells: Cells, expected_us: tuple[int, int] | None) -> Iterator[tuple[tuple[float, float] | None, int, float]]:
    """Where bursts are looked for, how many, and from which score."""
    if expected_us:
        yield (cells.position(expected_us[0]), cells.position(expected_us[1])), EXPECTED_BURSTS, EXPECTED_SCORE
    yield None, MOST_BURSTS, LEAST_SCORE


def _take(scan_list: list[Scan], taken: list[Bools], burst: Burst, pair: Pair | None) -> None:
    """What was explained is not looked at again: the burst, and both ways of its movement."""
    stretches = [(float(burst.begin), float(burst.end))]
    if pair:
        stretches.append((pair.rise.begin, pair.rise.end))
        if pair.fall:
            stretches.append((pair.fall.begin, pair.fall.end))
    for scan, gone in zip(scan_list, taken, strict=True):
        begin = np.arange(len(scan.height)) * scan.hop
        for low, high in stretches:
            gone |= (begin + scan.width > low) & (begin < high)
