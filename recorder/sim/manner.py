"""How one simulated subject behaves: what differs from person to person and stays from take to take.

Pure data and its drawing; knows no prompt, no time and no camera.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from protocol.movement import ALL
from recorder.sim.state import Pose

REACTION_US = (200_000, 600_000)  # simple reaction to a visual cue, with some hesitation
MOST_ASYMMETRY = 0.25  # posed expressions are mostly stronger on one side, by a few per cent up to this
MOST_LAG_US = 8_000  # by which the weaker side comes later


@dataclass(frozen=True)
class Manner:
    """The manner of one subject.

    asymmetry: for each movement's token by how much one side is weaker, -0.25 ... 0.25, the right side where positive;
    lag_us: how much later the weaker side comes; reaction_us: median reaction time; reaction_spread: standard deviation of its
    logarithm; speed: of movements of the face, 1 for the average; blink_close_us, blink_open_us, blink_depth (0 ... 1):
    shape of a spontaneous blink; sway_mm, sway_deg: standard deviation of the head's place and turning; breath_mm, breath_deg:
    by how much breathing in lifts and tilts the head; glance_deg, microsaccade_deg: how far the eyes go in a glance, and in a
    microsaccade; posture: how the head is held.
    """

    asymmetry: Mapping[str, float] = field(default_factory=dict)
    lag_us: int = 3_000
    reaction_us: int = 340_000
    reaction_spread: float = 0.18
    speed: float = 1.0
    blinks_per_min: float = 16.0
    blink_close_us: int = 75_000
    blink_open_us: int = 160_000
    blink_depth: float = 0.97
    sway_mm: float = 0.8
    sway_deg: float = 0.25
    breaths_per_min: float = 15.0
    breath_mm: float = 0.8
    breath_deg: float = 0.15
    glances_per_min: float = 5.0
    glance_deg: float = 7.0
    microsaccades_hz: float = 1.2
    microsaccade_deg: float = 0.25
    swallows_per_min: float = 1.0
    posture: Pose = field(default_factory=Pose)


def draw_manner(rng: np.random.Generator) -> Manner:
    """Some person.

    Blinks at rest 10-25 a minute (Bentivoglio et al. 1997, Mov. Disord. 12), closing in 50-100 ms and opening two to three
    times slower (VanderWerf et al. 2003, J. Neurophysiol. 89); breaths of a seated adult 12-18 a minute; microsaccades 1-2 a
    second, below half a degree (Martinez-Conde et al. 2004, Nat. Rev. Neurosci. 5); swallows about one a minute.
    """
    close_us = int(rng.uniform(55_000, 95_000))
    return Manner(
        asymmetry={movement.token: draw_asymmetry(rng) for movement in ALL},
        lag_us=int(rng.uniform(0, MOST_LAG_US)),
        reaction_us=int(rng.uniform(270_000, 430_000)),
        reaction_spread=float(rng.uniform(0.1, 0.25)),
        speed=float(rng.uniform(0.75, 1.35)),
        blinks_per_min=float(rng.uniform(10, 25)),
        blink_close_us=close_us,
        blink_open_us=int(close_us * rng.uniform(1.7, 2.6)),
        blink_depth=float(rng.uniform(0.88, 1.0)),
        sway_mm=float(rng.uniform(0.4, 1.4)),
        sway_deg=float(rng.uniform(0.12, 0.4)),
        breaths_per_min=float(rng.uniform(12, 18)),
        breath_mm=float(rng.uniform(0.4, 1.4)),
        breath_deg=float(rng.uniform(0.05, 0.3)),
        glances_per_min=float(rng.uniform(2, 8)),
        glance_deg=float(rng.uniform(4, 11)),
        microsaccades_hz=float(rng.uniform(0.8, 1.8)),
        microsaccade_deg=float(rng.uniform(0.12, 0.4)),
        swallows_per_min=float(rng.uniform(0.5, 1.5)),
        posture=_draw_posture(rng),
    )


def draw_asymmetry(rng: np.random.Generator) -> float:
    """By how much one side is weaker, with the sign of the side: mostly a few per cent, never more than a quarter."""
    return float(np.clip(rng.normal(0, 0.08), -MOST_ASYMMETRY, MOST_ASYMMETRY))


def _draw_posture(rng: np.random.Generator) -> Pose:
    yaw, pitch, roll = rng.normal(0, (2.0, 2.5, 1.5)).clip(-6, 6)
    x, y, z = rng.normal(0, (6.0, 6.0, 10.0)).clip(-18, 18)
    return Pose(float(yaw), float(pitch), float(roll), float(x), float(y), float(z))


def draw_reaction_us(rng: np.random.Generator, manner: Manner) -> int:
    """A reaction time: log-normal about the subject's own, within REACTION_US."""
    return int(np.clip(manner.reaction_us * math.exp(rng.normal(0, manner.reaction_spread)), *REACTION_US))
