"""One reel: some seconds of a simulated person before an event camera, or before a video camera whose pictures become events.

Everything varies from reel to reel: person, light, seat, sensor, noise, video. Knows no file and no network. Times in us from
the beginning of the reel.
"""

import dataclasses
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocol.analysis import FaceBox
from protocol.streams import EVENT_DTYPE, Array
from recorder.faces.geometry import Eyes, face_box
from recorder.sim.appearance import make_look
from recorder.sim.casting import identity
from recorder.sim.heads import find_head
from recorder.sim.manner import Manner, draw_manner
from recorder.sim.paper import Sheet
from recorder.sim.pixel import PRESETS, EventPixels, PixelParams
from recorder.sim.reels.footage import Footage
from recorder.sim.reels.sitter import Interval, Sitter
from recorder.sim.state import FaceState
from recorder.sim.subject import draw_traits, vary
from recorder.sim.view import EVENT_VIEW
from recorder.sim.world import World

LENGTH_US = 12_000_000
INTENSITY = (0.2, 1.0)
VIDEO_SHARE = 0.5
RENDER_HZ = 72.0  # pictures of the world a second for the event camera: a blink's closing has five of them
STILL_SHARE = {True: 0.5, False: 0.15}  # of videos the face is often laid on one place; of event cameras seldom
SWAY = (0.4, 2.2)  # how much more or less a person sways than usual
RIGHT_EYE, LEFT_EYE = slice(36, 42), slice(42, 48)  # iBUG 300-W landmarks; the subject's right eye is on the picture's left
FLICKER_SHARE, FLICKER_HZ, FLICKER_DEPTH = 0.1, (100.0, 120.0), (0.02, 0.2)
VIDEO_PIXELS = ("spiking_fer", "spiking_fer", "v2e_clean", "v2e_noisy", "davis346")


@dataclass(frozen=True)
class Reel:
    """events: [n] of EVENT_DTYPE, sorted; resolution: (width, height); face: at rest; about: how it was made, as JSON."""

    person: int
    events: Array
    resolution: tuple[int, int]
    length_us: int
    face: FaceBox
    intervals: tuple[Interval, ...]
    about: dict[str, Any]


@dataclass(frozen=True)
class Wishes:
    """What is wished of reels. head: as for the simulated rig; video: None for a share of each."""

    head: str | None = None
    length_us: int = LENGTH_US
    intensity: tuple[float, float] = INTENSITY
    video: bool | None = None


def film(person: int, take: int, wishes: Wishes) -> Reel:
    """The reel of a person's take; the same numbers give the same events. Raises HeadError for a head that cannot be had."""
    rng = np.random.default_rng([person, take, 0xF11])
    video = bool(rng.random() < VIDEO_SHARE) if wishes.video is None else wishes.video
    traits = vary(draw_traits(person), take + 1)
    manner = _sway(draw_manner(np.random.default_rng([person, 3])), rng, video)
    head = find_head(wishes.head, os.environ)
    mesh = head.mesh(identity(traits, head))
    sitter = Sitter(int(rng.integers(2**31)), manner, wishes.length_us, wishes.intensity)
    world = World(mesh, make_look(mesh, traits), traits, Sheet.draw(rng), sitter)
    eyes = _eyes(world, mesh.landmarks, sitter.rest())
    about = {"head": head.name, "source": "video" if video else "davis", "glasses": traits.glasses is not None,
             "lux": round(traits.light.lux), "distance_mm": round(traits.distance_mm)}  # fmt: skip
    shot = _video(world, rng, wishes.length_us) if video else _davis(world, rng, wishes.length_us)
    return Reel(
        person=person,
        events=shot.events,
        resolution=EVENT_VIEW.size,
        length_us=wishes.length_us,
        face=face_box(_seen(eyes, shot.matrix), "aps", 1.0),
        intervals=sitter.intervals(),
        about={**about, **shot.about},
    )


@dataclass(frozen=True)
class _Shot:
    events: Array
    matrix: NDArray[np.float64]
    about: dict[str, Any]


def _sway(manner: Manner, rng: np.random.Generator, video: bool) -> Manner:
    much = 0.0 if rng.random() < STILL_SHARE[video] else float(np.exp(rng.uniform(*np.log(SWAY))))
    return dataclasses.replace(
        manner,
        **{name: getattr(manner, name) * much for name in ("sway_mm", "sway_deg", "breath_mm", "breath_deg")},
    )


def _davis(world: World, rng: np.random.Generator, length_us: int) -> _Shot:
    params = _sensor(rng)
    pixels = EventPixels(EVENT_VIEW.size, params, int(rng.integers(2**31)))
    times = _times(RENDER_HZ, length_us)
    pixels.start(world.event_pictures(0, 1)[-1], 0)
    parts = [pixels.step(world.event_pictures(begin, end), end)[0] for begin, end in itertools.pairwise(times)]
    return _Shot(_joined(parts), np.eye(2, 3), {"pixel": dataclasses.asdict(params)})


def _video(world: World, rng: np.random.Generator, length_us: int) -> _Shot:
    footage = Footage.draw(rng)
    params = dataclasses.replace(PRESETS[str(rng.choice(VIDEO_PIXELS))], **_thresholds(rng, (0.14, 0.3)))
    times = _times(footage.rate_hz, length_us)
    pictures = list(_exposed(world, times, footage.blurred))
    greys = footage.developed(pictures, rng)
    pixels = EventPixels(EVENT_VIEW.size, params, int(rng.integers(2**31)))
    pixels.start(next(greys), 0)
    parts = [pixels.step(grey, end)[0] for grey, end in zip(greys, times[1:], strict=False)]
    about = {"footage": dataclasses.asdict(footage), "pixel": dataclasses.asdict(params)}
    return _Shot(_joined(parts), footage.matrix(EVENT_VIEW.size), about)


def _exposed(world: World, times: list[int], blurred: bool) -> Iterator[NDArray[np.float32]]:
    """One linear picture at each time, of two instants where it is blurred."""
    half_us = (times[1] - times[0]) // 3
    before = 0
    for time in times:
        picture = world.event_pictures(before, max(time, before + 1))[-1]
        before = time + 1
        if blurred:
            picture = (picture + world.event_pictures(before, before + half_us)[-1]) / 2
            before += half_us
        yield picture


def _sensor(rng: np.random.Generator) -> PixelParams:
    """Some event camera with some biases in some light; ranges about the defaults, after v2e's and DAVIS users' values."""
    flickers = rng.random() < FLICKER_SHARE
    return PixelParams(
        **_thresholds(rng, (0.12, 0.38)),
        cutoff_hz=float(np.exp(rng.uniform(*np.log((25.0, 400.0))))),
        leak_rate_hz=float(rng.uniform(0, 0.25)),
        shot_noise_rate_hz=float(np.exp(rng.uniform(*np.log((0.02, 4.0))))),
        refractory_us=float(np.exp(rng.uniform(*np.log((50.0, 1_000.0))))),
        hot_pixel_fraction=float(rng.uniform(0, 0.0006)),
        hot_pixel_rate_hz=float(rng.uniform(5, 60)),
        flicker_hz=float(rng.choice(FLICKER_HZ)) if flickers else 0.0,
        flicker_depth=float(rng.uniform(*FLICKER_DEPTH)) if flickers else 0.0,
    )


def _thresholds(rng: np.random.Generator, bounds: tuple[float, float]) -> dict[str, float]:
    on = float(np.exp(rng.uniform(*np.log(bounds))))
    return {
        "on_threshold": on,
        "off_threshold": on * float(np.exp(rng.normal(0, 0.12))),
        "threshold_sigma": float(rng.uniform(0.01, 0.06)),
    }


def _times(rate_hz: float, length_us: int) -> list[int]:
    """Instants from 0 to the end, evenly at about a rate."""
    count = max(1, round(length_us * rate_hz / 1e6))
    return [length_us * number // count for number in range(count + 1)]


def _joined(parts: list[Array]) -> Array:
    return np.concatenate(parts) if parts else np.empty(0, EVENT_DTYPE)


def _eyes(world: World, landmarks: NDArray[np.int32], rest: FaceState) -> NDArray[np.float64]:
    """Centres of the eyes as the picture shows them, left one first: [2, 2] pixels."""
    points = world.seen_points(rest)[landmarks]
    width, height = EVENT_VIEW.size
    shown = points[:, :2] / points[:, 2:] * EVENT_VIEW.focal_px + np.array((width / 2, height / 2))
    return np.array([shown[RIGHT_EYE].mean(axis=0), shown[LEFT_EYE].mean(axis=0)], np.float64)


def _seen(eyes: NDArray[np.float64], matrix: NDArray[np.float64]) -> Eyes:
    left, right = eyes @ matrix[:, :2].T + matrix[:, 2]
    return Eyes((float(left[0]), float(left[1])), (float(right[0]), float(right[1])))
