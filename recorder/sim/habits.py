"""What a body does unasked: blinks, looks about, swallows, breathes, sways. Pure functions of time for one subject.

Knows no prompt, no movement asked for and no camera.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from recorder.sim.manner import Manner
from recorder.sim.motion import US_PER_S, Cells, Gesture, Track, draw_wander, generator
from recorder.sim.state import FaceState, Pose

BLINK, GLANCE, SWALLOW, FIXATION = "blink", "glance", "swallow", "fixation"
CELL_US = 60 * US_PER_S
LEAST_BLINK_GAP_S, LEAST_GLANCE_GAP_S, LEAST_SWALLOW_GAP_S, LEAST_FIXATION_S = 0.5, 1.0, 12.0, 0.25
SWAY_HZ = (0.1, 2.0)
SWAY_SHARES = (1.0, 0.7, 0.5, 0.8, 0.5, 1.2)  # of sway_deg for yaw, pitch, roll; of sway_mm for x, y, z
UNEVEN_BREATH = 0.3  # radians (standard deviation) by which breathing is now ahead, now behind
# A saccade of A degrees takes 2.2 A + 21 ms (Carpenter 1988, Movements of the Eyes, p. 72).
SACCADE_US_PER_DEG, SACCADE_US = 2_200, 21_000
MOST_FIXATION_ERROR_DEG = 0.5
# The upper lids go along when the eyes look down, from a few degrees on; as a share of closing them.
LIDS_FOLLOW_FROM_DEG, LID_PER_DEG, MOST_LID = 3.0, 1 / 45, 0.6


class Habits:
    """The habits of one subject."""

    def __init__(self, seed: int, manner: Manner) -> None:
        rng = generator(seed, 0)
        self._manner = manner
        degrees, mm = (manner.sway_deg,) * 3, (manner.sway_mm,) * 3
        self._sway = draw_wander(rng, [a * b for a, b in zip(SWAY_SHARES, degrees + mm, strict=True)], SWAY_HZ)
        self._unevenness = draw_wander(rng, (UNEVEN_BREATH,), (0.005, 0.03), sines=3)
        self._breath_us = round(CELL_US / manner.breaths_per_min)
        self.blinks = Cells(CELL_US, (seed, 1), self._blinks)
        self.glances = Cells(CELL_US, (seed, 2), self._glances)
        self.swallows = Cells(CELL_US, (seed, 3), self._swallows)
        self._fixations = Cells(CELL_US, (seed, 4), self._fixation)

    def breath(self, t_us: int) -> float:
        """0 (breathed out) ... 1 (breathed in); breathing in is a little quicker."""
        turn = (t_us % self._breath_us) / self._breath_us
        phase = 2 * math.pi * turn + self._unevenness.levels(t_us)[0]
        return 0.5 - 0.5 * math.cos(phase + 0.25 * math.sin(phase))

    def fixation(self, t_us: int) -> Gesture:
        """The small movements of eyes that look at one place: microsaccades, for ever."""
        gesture = self._fixations.at(t_us)
        assert gesture is not None, "there is one in each cell, as long as the cell"
        return gesture

    def state(self, t_us: int, units: dict[str, float], body: Mapping[str, float]) -> FaceState:
        """The face at a time, with what gestures add to it."""
        return posed(self._manner, units, body, self.breath(t_us), self._sway.levels(t_us))

    def _blinks(self, rng: np.random.Generator, begin_us: int, end_us: int) -> list[Gesture]:
        return _in_turn(
            _onsets(rng, begin_us, self._manner.blinks_per_min, LEAST_BLINK_GAP_S),
            lambda onset: _blink(onset, self._manner, rng),
            end_us,
        )

    def _glances(self, rng: np.random.Generator, begin_us: int, end_us: int) -> list[Gesture]:
        return _in_turn(
            _onsets(rng, begin_us, self._manner.glances_per_min, LEAST_GLANCE_GAP_S),
            lambda onset: _glance(onset, self._manner, rng),
            end_us,
        )

    def _swallows(self, rng: np.random.Generator, begin_us: int, end_us: int) -> list[Gesture]:
        return _in_turn(
            _onsets(rng, begin_us, self._manner.swallows_per_min, LEAST_SWALLOW_GAP_S),
            lambda onset: _swallow(onset, rng),
            end_us,
        )

    def _fixation(self, rng: np.random.Generator, begin_us: int, end_us: int) -> list[Gesture]:
        """Microsaccades from one small fixation error to the next, from 0 to 0 over the cell."""
        times, places = [begin_us], [(0.0, 0.0)]
        for onset in _onsets(rng, begin_us, 60 * self._manner.microsaccades_hz, LEAST_FIXATION_S):
            done = onset + saccade_us(MOST_FIXATION_ERROR_DEG)
            if done >= end_us - SACCADE_US:
                break
            place = rng.normal(0, self._manner.microsaccade_deg / 2, 2).clip(-MOST_FIXATION_ERROR_DEG, MOST_FIXATION_ERROR_DEG)
            times += [onset, done]
            places += [places[-1], (float(place[0]), float(place[1]))]
        times += [end_us - SACCADE_US, end_us]
        places += [places[-1], (0.0, 0.0)]
        return [Gesture(FIXATION, begin_us, begin_us, end_us, 0.0, (), _gaze(times, places))]


def posed(
    manner: Manner, units: dict[str, float], body: Mapping[str, float], breath: float = 0.0, sway: Sequence[float] = (0.0,) * 6
) -> FaceState:
    """The head as it is held, swayed (yaw, pitch, roll, x, y, z) and breathed with; the eyes make up for all of that, but not
    for a head that is turned on purpose.
    """
    yaw, pitch, roll, x, y, z = sway
    at = manner.posture
    yaw += at.yaw_deg
    pitch += at.pitch_deg + body["pitch_deg"] - manner.breath_deg * breath
    gaze = (body["gaze_left_deg"] - yaw, body["gaze_up_deg"] + pitch)
    lower_lids(units, at.pitch_deg - gaze[1])  # at rest the lids suit the posture
    roll += at.roll_deg + body["roll_deg"]
    y += at.y_mm + manner.breath_mm * breath
    return FaceState(
        units, Pose(yaw + body["yaw_deg"], pitch, roll, x + at.x_mm, y, z + at.z_mm), gaze, breath, body["swallow"]
    )


def lower_lids(units: dict[str, float], down_deg: float) -> None:
    """Let the upper lids follow eyes that look down."""
    if down_deg <= LIDS_FOLLOW_FROM_DEG:
        return
    lid = min(MOST_LID, LID_PER_DEG * (down_deg - LIDS_FOLLOW_FROM_DEG))
    for unit in ("AU45_L", "AU45_R"):
        there = units.get(unit, 0.0)
        units[unit] = there + lid - there * lid


def saccade_us(degrees: float) -> int:
    """How long a saccade over an angle takes."""
    return round(SACCADE_US + SACCADE_US_PER_DEG * degrees)


def _onsets(rng: np.random.Generator, begin_us: int, per_min: float, least_gap_s: float) -> Iterator[int]:
    """Instants at a mean rate with gamma-distributed gaps of a least length; the first as if it had gone on for ever."""
    spare_s = max(60 / per_min - least_gap_s, 0.1 / per_min)
    at_s = float(rng.random() * (least_gap_s + rng.gamma(2.0, spare_s / 2)))
    while True:
        yield begin_us + round(at_s * US_PER_S)
        at_s += least_gap_s + float(rng.gamma(2.0, spare_s / 2))


def _in_turn(onsets: Iterator[int], make: Callable[[int], Gesture], end_us: int) -> list[Gesture]:
    """One gesture after the other until the end; none of them overlaps another, or the end."""
    done: list[Gesture] = []
    for onset in onsets:
        gesture = make(onset)
        if gesture.offset_us >= end_us:
            return done
        if not done or onset > done[-1].offset_us:
            done.append(gesture)
    return done


def _blink(onset_us: int, manner: Manner, rng: np.random.Generator) -> Gesture:
    """A spontaneous blink: down fast, up slower and slower."""
    close, wait, reopen = (
        int(manner.blink_close_us * rng.uniform(0.85, 1.15)),
        int(rng.uniform(3_000, 15_000)),
        int(manner.blink_open_us * rng.uniform(0.85, 1.2)),
    )
    depth = float(min(1.0, manner.blink_depth * rng.uniform(0.93, 1.05)))
    shut = onset_us + close
    times = (onset_us, shut, shut + wait, shut + wait + int(reopen * 0.6), shut + wait + reopen)
    levels = np.array((0.0, depth, 0.99 * depth, 0.12 * depth, 0.0))
    left, right = np.clip(1 + manner.asymmetry.get(BLINK, 0.0) * np.array((0.15, -0.15)), 0, 1)
    units = tuple(
        (f"AU45_{side}", Track(times, tuple((levels * share).tolist()))) for side, share in (("L", left), ("R", right))
    )
    return Gesture(BLINK, onset_us, shut, times[-1], depth, units, (), float(rng.random()))


def _glance(onset_us: int, manner: Manner, rng: np.random.Generator) -> Gesture:
    """A look at one to three places beside the camera, and back to it."""
    times, places = [onset_us], [(0.0, 0.0)]
    for last in [False] * int(rng.integers(1, 4)) + [True]:
        place = (0.0, 0.0) if last else _place(manner, rng)
        done = times[-1] + saccade_us(math.dist(place, places[-1]))
        times += [done, done + int(rng.uniform(200_000, 600_000))]
        places += [place, place]
    times, places = times[:-1], places[:-1]
    farthest = max(range(len(places)), key=lambda index: math.hypot(*places[index]))
    return Gesture(GLANCE, onset_us, times[farthest], times[-1], 0.0, (), _gaze(times, places), float(rng.random()))


def _place(manner: Manner, rng: np.random.Generator) -> tuple[float, float]:
    """Degrees to the left and up; people look about sideways more than up and down."""
    degrees, angle = manner.glance_deg * rng.uniform(0.4, 1.6), rng.uniform(0, 2 * math.pi)
    return float(degrees * math.cos(angle)), float(0.6 * degrees * math.sin(angle))


def _gaze(times: list[int], places: list[tuple[float, float]]) -> tuple[tuple[str, Track], ...]:
    left, up = zip(*places, strict=True)
    return (("gaze_left_deg", Track(tuple(times), left)), ("gaze_up_deg", Track(tuple(times), up)))


def _swallow(onset_us: int, rng: np.random.Generator) -> Gesture:
    """The larynx rises and falls in about a second (Logemann 1998); chin and jaw go along a little."""
    up, stay, down = (int(rng.uniform(*bounds)) for bounds in ((250_000, 400_000), (80_000, 200_000), (300_000, 500_000)))
    apex, fall, offset = onset_us + up, onset_us + up + stay, onset_us + up + stay + down
    times = (onset_us, apex, fall, offset)
    chin, jaw = float(rng.uniform(0.05, 0.2)), float(rng.uniform(0.02, 0.08))
    units = (("AU17", Track(times, (0.0, chin, chin, 0.0))), ("AU26", Track(times, (0.0, jaw, jaw / 2, 0.0))))
    body = (("swallow", Track(times, (0.0, 1.0, 1.0, 0.0))),)
    return Gesture(SWALLOW, onset_us, apex, offset, chin, units, body, float(rng.random()))
