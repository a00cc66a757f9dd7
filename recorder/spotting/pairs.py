"""One movement out and back: the pattern of a burst, its course over the whole take, and the way back by the same pattern.

What a face does it undoes: the skin that got darker as the brow went down gets lighter as it goes up again. So the changes of a
movement are, up to noise, v(t) P(c) with one pattern P and a speed v that is positive at first and negative later. Knows no
script, no face and no names of movements.
"""

from dataclasses import dataclass, replace

import numpy as np

from recorder.spotting.bursts import Burst
from recorder.spotting.cells import Bools, Cells, Floats, around
from recorder.spotting.profiles import Course, Fit, chance, find, lengths, refine, speed

REACH_US = 4_000_000  # the longest movement that is looked for
LONGEST_WAY_US = 1_600_000  # from rest to apex, or back
SHORTEST_WAY_US = 10_000
PATIENCE_US = 700_000  # ways that follow each other sooner than this are more likely one movement
ROUNDS = 3
STANDS_OUT = 2.0  # standard deviations (of a patch) that make a cell part of a pattern
FEWEST_CELLS = 4
OVERLAP = 0.2  # share of a way that the other may overlap: the last tenths of it are hardly seen


@dataclass(frozen=True)
class Pair:
    """A movement: `rise` from rest to apex and `fall` back to rest, None where nothing goes back; times in bins. mask: bool
    [C], cells that take part; pattern: float32 [C], change of each over the rise, in units of its noise.
    """

    rise: Fit
    fall: Fit | None
    mask: Bools
    pattern: Floats
    burst: Burst

    @property
    def begin(self) -> float:
        """Bin at which rest ends."""
        return self.rise.begin

    @property
    def end(self) -> float:
        """Bin from which it rests again, as far as is known."""
        return self.fall.end if self.fall else self.rise.end

    @property
    def back(self) -> float:
        """Share of the way out that is gone back; 0 where nothing is."""
        return self.fall.way / self.rise.way if self.fall and self.rise.way > 0 else 0.0


class Stage:
    """The stretch of the take around a burst. part: [n, C] local changes, noise: [n, C] their variance."""

    def __init__(self, cells: Cells, local: Floats, burst: Burst) -> None:
        reach = cells.bins_of(REACH_US)
        self.low, high = max(0, burst.begin - reach), min(cells.bins, burst.end + reach)
        self.local, self.events = local[self.low : high], cells.events[self.low : high]
        self.usable = cells.usable[self.low : high]
        self.cells = cells
        self.bins = high - self.low
        self.shortest, self.longest = cells.bins_of(SHORTEST_WAY_US), cells.bins_of(LONGEST_WAY_US)

    def pattern(self, profile: Course) -> Floats:
        """The pattern that explains most with this speed, float32 [C]: least squares."""
        used = np.flatnonzero(profile)
        weight = profile[used].astype(np.float32)
        return np.asarray(weight @ self.local[used] / max(float(weight @ weight), 1e-9), np.float32)

    def course(self, pattern: Floats, mask: Bools, *profiles: Course) -> Course:
        """How fast the pattern is run through, [n], in noise units, less what the noise of its own bins adds."""
        size = float(np.linalg.norm(pattern[mask])) or 1.0
        course = np.asarray(self.local[:, mask] @ (pattern[mask] / size), np.float64)
        variance = self.events[:, mask] @ (1.0 / self.cells.scale[mask] ** 2)
        for profile in profiles:
            course -= profile / max(float(profile @ profile), 1e-9) * variance / size
        return course


def pair_of(cells: Cells, local: Floats, burst: Burst, banned: Bools) -> Pair | None:
    """The movement that a burst belongs to; None where it is too faint to follow. banned: bool [C], cells of something else."""
    stage = Stage(cells, local, burst)
    mask = burst.mask & ~banned
    if mask.sum() < FEWEST_CELLS:
        return None
    first = _lobe(stage, burst, mask, banned)
    if first is None:
        return None
    fit, pattern, mask = first
    other, after = _partner(stage, fit, pattern, mask)
    rise, fall = (fit, other) if after or other is None else (other, fit)
    rise, fall, pattern = _polish(stage, rise, fall, mask)
    return Pair(_shift(rise, stage.low), _shift(fall, stage.low) if fall else None, mask, pattern, burst)


def _lobe(stage: Stage, burst: Burst, mask: Bools, banned: Bools) -> tuple[Fit, Floats, Bools] | None:
    """The way that the burst is part of, its pattern and its cells."""
    width = burst.end - burst.begin
    begin, end = burst.begin - stage.low, burst.end - stage.low
    profile: Course = np.zeros(stage.bins)
    profile[begin:end] = 1.0 / width
    tried = [n for n in lengths(stage.shortest, stage.longest) if width / 4 <= n <= 5 * width]
    fit: Fit | None = None
    for _ in range(ROUNDS):
        pattern = stage.pattern(profile)
        course = stage.course(pattern, mask, profile)
        fit = find(course, begin - 2.5 * width, end + 2.5 * width, tried)
        if fit is None:
            return None
        profile = speed(fit.begin, fit.end, stage.bins)
        mask = _taking_part(stage, profile, banned)
        if mask.sum() < FEWEST_CELLS:
            return None
    pattern = stage.pattern(profile)
    assert fit is not None
    return fit, pattern, mask


def _taking_part(stage: Stage, profile: Course, banned: Bools) -> Bools:
    """Cells whose patch changes far more than chance, and a good part of what the strongest patch does."""
    pattern = stage.pattern(profile)
    weight = profile / max(float(profile @ profile), 1e-9)
    used = np.flatnonzero(profile)
    variance = (weight[used] ** 2) @ np.maximum(stage.events[used] / stage.cells.scale**2, 0.2)
    energy = around((pattern**2)[None], stage.cells.grid)[0] / around(variance[None], stage.cells.grid)[0]
    strongest = float(np.sort(energy)[-9])
    return np.asarray((energy > STANDS_OUT**2) & (energy > 0.05 * strongest) & ~banned)


def _partner(stage: Stage, fit: Fit, pattern: Floats, mask: Bools) -> tuple[Fit | None, bool]:
    """The way back, or the way out that this one is the way back of; whether it comes after."""
    course = -stage.course(pattern, mask)
    patience = stage.cells.bins_of(PATIENCE_US)
    gap = np.abs(np.arange(stage.bins) - fit.end)
    tried = [n for n in lengths(stage.shortest, stage.longest) if fit.length / 6 <= n <= 6 * fit.length]
    later = find(course, fit.end - OVERLAP * fit.length, stage.bins, tried, 1 / (1 + gap / patience))
    earlier: Fit | None = None
    for length in tried:
        gap = np.abs(fit.begin - (np.arange(stage.bins) + length))
        one = find(course, 0, fit.begin + OVERLAP * fit.length, [length], 1 / (1 + gap / patience))
        if one and (earlier is None or one.gain > earlier.gain):
            earlier = one
    if earlier and (later is None or earlier.gain > 1.3 * later.gain):
        return earlier, False
    return later, True


def _polish(stage: Stage, rise: Fit, fall: Fit | None, mask: Bools) -> tuple[Fit, Fit | None, Floats]:
    """Both ways anew, each by the pattern of the other, then by that of both; with their scores."""
    out = speed(rise.begin, rise.end, stage.bins)
    if fall is None:
        pattern = stage.pattern(out)
        course = stage.course(pattern, mask, out)
        rise = refine(course, rise)
        return replace(rise, score=_score(stage, course, rise, rise, None)), None, pattern
    back = speed(fall.begin, fall.end, stage.bins)
    one, other = stage.pattern(out), stage.pattern(back)
    crossed, returned = stage.course(-other, mask), -stage.course(one, mask)
    rise, fall = refine(crossed, rise), refine(returned, fall)
    rise = replace(rise, score=_score(stage, crossed, rise, rise, fall))
    fall = replace(fall, score=_score(stage, returned, fall, rise, fall))
    out, back = speed(rise.begin, rise.end, stage.bins), -speed(fall.begin, fall.end, stage.bins) * min(fall.way / rise.way, 2)
    pattern = stage.pattern(out + back)
    course = stage.course(pattern, mask, out + back)
    first, last = refine(course, rise), refine(-course, fall)
    return replace(first, score=rise.score), replace(last, score=fall.score), pattern


def _score(stage: Stage, course: Course, fit: Fit, rise: Fit, fall: Fit | None) -> float:
    """The way in units of chance at other times."""
    margin = stage.cells.bins_of(100_000)
    elsewhere = stage.usable.copy()
    elsewhere[max(0, int(rise.begin) - margin) : int((fall or rise).end) + margin] = False
    return fit.way / chance(course, fit.length, elsewhere)


def _shift(fit: Fit, bins: int) -> Fit:
    return replace(fit, begin=fit.begin + bins, end=fit.end + bins)
