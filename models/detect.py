"""From scores over time to movements with onset, apex and offset: hysteresis, bin by bin, the same live and on a take.

Pure; knows no network, no events and no clock. Times in us of event time, scores 0 ... 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from protocol.schema import Strict

Score = Annotated[float, Field(ge=0, le=1)]
MICRO_US = (40_000, 200_000)  # micro-expressions last 1/25 to 1/5 s


class DetectConfig(Strict):
    """When a movement is told.

    begin: a score that high begins one; thresholds: of single movements instead; end_share: of its threshold, below which it
    ends; bridge_us: a dip that short does not end it; least_us: what is shorter is not told; refractory_us: so long after its
    end the same movement is not told again.
    """

    begin: Score = 0.5
    thresholds: Mapping[str, Score] = Field(default_factory=dict)
    end_share: Annotated[float, Field(gt=0, le=1)] = 0.6
    bridge_us: Annotated[int, Field(ge=0)] = 80_000
    least_us: Annotated[int, Field(ge=0)] = 40_000
    refractory_us: Annotated[int, Field(ge=0)] = 160_000

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.begin <= 0 or any(level <= 0 for level in self.thresholds.values()):
            raise ValueError("a movement must not begin at a score of 0")
        return self

    def threshold(self, movement: str) -> float:
        """From which score a movement is told."""
        return self.thresholds.get(movement, self.begin)


@dataclass(frozen=True)
class Detection:
    """A movement that was seen. onset_us: begin of the first bin above the lower threshold; apex_us: middle of the bin with the
    highest score; offset_us: end of the last bin above it; score: the highest; told_us: end of the bin in which it was told.
    """

    movement: str
    onset_us: int
    apex_us: int
    offset_us: int
    score: float
    told_us: int

    @property
    def duration_us(self) -> int:
        """From onset to offset."""
        return self.offset_us - self.onset_us

    @property
    def micro(self) -> bool:
        """Whether it was as short as a micro-expression."""
        return MICRO_US[0] <= self.duration_us <= MICRO_US[1]


@dataclass
class _Track:
    """One movement's state: since when it is above the lower threshold, and the highest score since."""

    rising_us: int | None = None
    last_us: int = 0
    apex_us: int = 0
    score: float = 0.0
    told_us: int | None = None
    ended_us: int | None = None


class Detector:
    """Follows the scores of some movements. `push` each bin in turn; `open` are those that are under way."""

    def __init__(self, movements: Sequence[str], config: DetectConfig | None = None) -> None:
        self.config = config or DetectConfig()
        self._tracks = {movement: _Track() for movement in movements}

    def reset(self) -> None:
        """Forget what is under way, as after a gap in the stream."""
        self._tracks = {movement: _Track() for movement in self._tracks}

    @property
    def open(self) -> tuple[Detection, ...]:
        """What has been told and has not ended yet."""
        return tuple(_made(name, track) for name, track in self._tracks.items() if track.told_us is not None)

    def push(self, begin_us: int, end_us: int, scores: Mapping[str, float]) -> list[Detection]:
        """The scores of the bin [begin_us, end_us). What ended by it, in no order of time."""
        ended = []
        for movement, track in self._tracks.items():
            if done := self._follow(movement, track, begin_us, end_us, scores.get(movement, 0.0)):
                ended.append(done)
        return ended

    def finish(self) -> list[Detection]:
        """The stream is over: what is under way ends."""
        ended = [self._end(name, track) for name, track in self._tracks.items()]
        return [one for one in ended if one is not None]

    def _follow(self, movement: str, track: _Track, begin_us: int, end_us: int, score: float) -> Detection | None:
        begin = self.config.threshold(movement)
        if score >= begin * self.config.end_share:
            self._rise(track, begin_us, end_us, score)
            if score >= begin and track.told_us is None and not self._resting(track):
                track.told_us = end_us
            return None
        if track.rising_us is not None and begin_us - track.last_us >= self.config.bridge_us:
            return self._end(movement, track)
        return None

    def _rise(self, track: _Track, begin_us: int, end_us: int, score: float) -> None:
        if track.rising_us is None:
            track.rising_us, track.score = begin_us, -1.0
        track.last_us = end_us
        if score > track.score:
            track.score, track.apex_us = score, (begin_us + end_us) // 2

    def _resting(self, track: _Track) -> bool:
        rising, ended = track.rising_us, track.ended_us
        return rising is not None and ended is not None and rising - ended < self.config.refractory_us

    def _end(self, movement: str, track: _Track) -> Detection | None:
        made = _made(movement, track) if track.told_us is not None else None
        track.rising_us = track.told_us = None
        if made is None or made.duration_us < self.config.least_us:
            return None
        track.ended_us = made.offset_us
        return made


def _made(movement: str, track: _Track) -> Detection:
    assert track.rising_us is not None
    assert track.told_us is not None
    return Detection(movement, track.rising_us, track.apex_us, track.last_us, track.score, track.told_us)


def detect(
    scores: NDArray[np.float64], movements: Sequence[str], start_us: int, bin_us: int, config: DetectConfig | None = None
) -> list[Detection]:
    """All movements in the scores [T, K] of bins that follow one another, in order of their onsets."""
    detector = Detector(movements, config)
    found: list[Detection] = []
    for number, row in enumerate(scores):
        begin_us = start_us + number * bin_us
        found += detector.push(begin_us, begin_us + bin_us, dict(zip(movements, row.tolist(), strict=True)))
    return sorted(found + detector.finish(), key=lambda one: (one.onset_us, one.movement))
