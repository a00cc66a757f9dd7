"""Clips of single movements for benchmarks/resemblance.py: the simulated subject before the event camera alone, from shortly
before the onset to shortly after the offset, with what a real rig does not tell: where the eyes are and what was done.

A whole take has ten seconds in which no movement is made, and the pictures of other cameras; a clip has neither.
"""

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from protocol.movement import MOVEMENTS
from protocol.streams import Array
from recorder.sim.body import Body
from recorder.sim.bus import EventBus
from recorder.sim.casting import Cast, cast
from recorder.sim.heads import find_head
from recorder.sim.ict_file import HeadError
from recorder.sim.options import parse_options
from recorder.sim.pixel import EventPixels
from recorder.sim.rig import EPOCH_US, HEIGHT, STEP_US, WIDTH, Stage
from recorder.sim.view import EVENT_VIEW
from recorder.sim.world import World
from recorder.sources.base import Prompt

TOKENS = tuple(movement.token for movement in MOVEMENTS)
HEADS = "ict", "builtin"  # every other subject has the second one
BEFORE_US, AFTER_US = 320_000, 60_000
APART_US = 60_000_000  # between the clips of a sitting
STEPS_A_CLIP = (
    40  # at least; a movement that takes longer is rendered less often than by the rig, which goes 125 times a second
)
LONGEST_STEP_US = 2 * STEP_US
RIGHT_EYE, LEFT_EYE = slice(36, 42), slice(42, 48)  # of the 68 landmarks; the subject's right eye is at the picture's left
COLUMNS = "events", "times_us", "eyes", "intensity", "movement", "seed", "take", "head"


@dataclass(frozen=True)
class Sitting:
    """A subject in one light and seat, who makes every movement once. seed: of the subject; take: which of its sittings."""

    seed: int
    take: int
    head: str

    def path(self, folder: Path, token: str) -> Path:
        """Where the clip of a movement lies."""
        return folder / f"{self.seed}_{self.take}_{token}_{self.head}.npz"


@dataclass(frozen=True)
class Clip:
    """times_us: onset, apex, offset; eyes: [2, 2] (x, y) in pixels, left one first as the picture shows them."""

    events: Array
    times_us: tuple[int, int, int]
    eyes: NDArray[np.float64]
    intensity: float
    movement: str
    seed: int
    take: int
    head: str


def sittings(first_seed: int, subjects: int, takes: int) -> list[Sitting]:
    """Those of some subjects; each subject keeps its head."""
    seeds, heads = range(first_seed, first_seed + subjects), _heads()
    return [Sitting(seed, take, heads[seed % len(heads)]) for take in range(1, takes + 1) for seed in seeds]


def _heads() -> tuple[str, ...]:
    try:
        find_head(HEADS[0], os.environ)
    except HeadError as error:
        print(f"The built-in head alone is used: {error}")
        return HEADS[1:]
    return HEADS


def clips(wanted: Sequence[Sitting], folder: Path, jobs: int) -> Iterator[Clip]:
    """The clips of some sittings, made where the folder has them not yet."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [one for one in wanted if not all(one.path(folder, token).is_file() for token in TOKENS)]
    began = time.monotonic()
    with ProcessPoolExecutor(max_workers=jobs) as pool:
        for number, _ in enumerate(pool.map(_make, missing, [folder] * len(missing)), 1):
            minutes = (time.monotonic() - began) / 60
            print(f"{number} of {len(missing)} sittings, {number * len(TOKENS) / minutes:.0f} clips a minute", flush=True)
    for one in wanted:
        for token in TOKENS:
            yield read(one.path(folder, token))


def read(path: Path) -> Clip:
    """A clip from its file."""
    with np.load(path) as saved:
        t0, t1, t2 = (int(t_us) for t_us in saved["times_us"])
        texts = str(saved["movement"]), int(saved["seed"]), int(saved["take"]), str(saved["head"])
        return Clip(saved["events"], (t0, t1, t2), saved["eyes"], float(saved["intensity"]), *texts)


def _make(sitting: Sitting, folder: Path) -> None:
    for clip in record(sitting):
        path = sitting.path(folder, clip.movement)
        rough = path.with_name(f"part_{path.name}")
        np.savez_compressed(rough, **{name: getattr(clip, name) for name in COLUMNS})
        rough.rename(path)


def record(sitting: Sitting) -> Iterator[Clip]:
    """Simulate the clips of a sitting. Raises HeadError where the head cannot be had."""
    options = parse_options({"take": str(sitting.take), "head": sitting.head})
    play = cast(sitting.seed, options)
    stage = Stage(play)
    world = World(play.mesh, play.look, play.traits, play.sheet, stage)
    for number, token in enumerate(TOKENS):
        start_us = EPOCH_US + sitting.seed * 1_000_000_000 + number * APART_US
        stage.look(Prompt(0, start_us, "movement", "move", token, ""), start_us)
        done = play.performer.truth(start_us + APART_US)
        landmarks = done.onset_us, done.apex_us, done.offset_us
        onset_us, apex_us, offset_us = (t_us for t_us in landmarks if t_us is not None)
        begin_us = onset_us - BEFORE_US
        events = _events(
            world, EventPixels((WIDTH, HEIGHT), options.pixel_params(), sitting.seed), begin_us, offset_us + AFTER_US
        )
        eyes = _eyes(play, begin_us)
        yield Clip(
            events, (onset_us, apex_us, offset_us), eyes, done.intensity, token, sitting.seed, sitting.take, sitting.head
        )


def _events(world: World, pixels: EventPixels, begin_us: int, end_us: int) -> Array:
    bus = EventBus()
    step_us = min(max((end_us - begin_us) // STEPS_A_CLIP, STEP_US), LONGEST_STEP_US)
    pixels.start(world.event_pictures(begin_us, begin_us)[-1], begin_us)
    parts = []
    for t_us in range(begin_us, end_us, step_us):
        parts.append(bus.passed(*pixels.step(world.event_pictures(t_us, t_us + step_us), t_us + step_us), t_us + step_us)[0])
    return np.concatenate(parts)


def _eyes(play: Cast, t_us: int) -> NDArray[np.float64]:
    body = Body(play.mesh, play.look.offsets, play.look.pieces)
    world = body.points(play.performer.face(t_us), play.traits.place, play.traits.distance_mm)
    points = EVENT_VIEW.to_camera(world)[play.mesh.landmarks]
    middle: NDArray[np.float64] = np.array([points[eye].mean(axis=0) for eye in (RIGHT_EYE, LEFT_EYE)], np.float64)
    return np.asarray(EVENT_VIEW.focal_px * middle[:, :2] / middle[:, 2:] + (WIDTH / 2, HEIGHT / 2), np.float64)
