"""What a simulated subject really did in a take: the words of the ground truth, and how gestures are put into them.

Pure data and functions; knows no prompt, no picture and no camera. Times are int64 us of event time.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from recorder.sim.motion import Gesture, Track

Keypoints = tuple[tuple[int, float], ...]


class Mistake(StrEnum):
    """What a subject can do wrong."""

    WRONG_MOVEMENT = "wrong_movement"
    LATE = "late"
    NONE = "none"  # no movement is made
    HEAD_TURN = "head_turn"
    TALKING = "talking"
    PAPER_LEFT_IN = "paper_left_in"


@dataclass(frozen=True)
class Made:
    """Something that was done once, with its landmarks. kind: a movement's token, "swallow", "talk" or "headTurn"."""

    kind: str
    onset_us: int
    apex_us: int
    offset_us: int
    intensity: float


@dataclass(frozen=True)
class Performance:
    """What was really done in a take; None for what was not, or not yet.

    movement: token of the movement (or emotion) made on command; onset_us: its last instant of rest; apex_us: where it is
    strongest, for the first time; offset_us: rest again; intensity: 0 ... 1; paper_in_us: the paper comes into view;
    paper_out_us: t0, it stops covering any of the view (shift AWAY_MM). keypoints: for each action unit that was used (us,
    activation), between which straight lines give its activation to about 0.015, by movements, talking, blinks and swallows
    (not by lids that follow the gaze); blinks: onset, apex and offset of the spontaneous ones; others: what else was done.
    """

    movement: str | None = None
    onset_us: int | None = None
    apex_us: int | None = None
    offset_us: int | None = None
    intensity: float = 0.0
    mistake: Mistake | None = None
    paper_in_us: int | None = None
    paper_out_us: int | None = None
    keypoints: Mapping[str, Keypoints] = field(default_factory=dict)
    blinks: tuple[tuple[int, int, int], ...] = ()
    others: tuple[Made, ...] = ()


def made(gesture: Gesture) -> Made:
    """A gesture's landmarks."""
    return Made(gesture.kind, gesture.onset_us, gesture.apex_us, gesture.offset_us, gesture.intensity)


def keypoints(gestures: Iterable[Gesture]) -> dict[str, Keypoints]:
    """The action units that gestures move, together, as straight lines."""
    tracks: defaultdict[str, list[Track]] = defaultdict(list)
    for gesture in gestures:
        for unit, track in gesture.units:
            tracks[unit].append(track)
    return {unit: _polyline(tracks[unit]) for unit in sorted(tracks)}


def _polyline(tracks: list[Track]) -> Keypoints:
    """Each instant is asked of the tracks that are under way then: a unit is at rest before its gesture and after it."""
    times = sorted({time for track in tracks for time in track.breakpoints()})
    coming = deque(sorted(tracks, key=lambda track: track.times[0]))
    now: list[Track] = []
    line = []
    for time in times:
        while coming and coming[0].times[0] <= time:
            now.append(coming.popleft())
        now = [track for track in now if time <= track.times[-1]]
        line.append((time, round(_united(now, time), 4)))
    return tuple(line)


def _united(tracks: list[Track], t_us: int) -> float:
    """As in `Gesture.add`: what is left of rest is the product of what each cause leaves of it."""
    rest = 1.0
    for track in tracks:
        rest *= 1.0 - track.level(t_us)
    return 1.0 - rest
