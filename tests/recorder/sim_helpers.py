"""Small worlds for the tests of the simulator: a puppet instead of a performer, subjects with and without their looks."""

import dataclasses
import functools
import os
from pathlib import Path

import numpy as np
import pytest

from recorder.sim.appearance import make_look
from recorder.sim.builtin_head import BuiltinHead
from recorder.sim.ict_head import IctHead
from recorder.sim.paper import Sheet
from recorder.sim.slides import GONE_MM
from recorder.sim.state import SIDES, UNITS, FaceState, PaperState, Pose
from recorder.sim.subject import draw_traits
from recorder.sim.world import WHITE, World

DOWNWARDS = Sheet(-90.0, 0.0, 0.0, 0.0, (0.2, 0.3, 0.45))
DISTANCE_MM = 350.0


class Puppet:
    """Who is seen: does what a test sets. face, shift_mm: values, or functions of the time in us."""

    def __init__(self, face=None, shift_mm=GONE_MM):
        self.wanted = face or FaceState()
        self.shift_mm = shift_mm

    def face(self, t_us):
        return self.wanted(t_us) if callable(self.wanted) else self.wanted

    def paper(self, t_us):
        return PaperState(float(self.shift_mm(t_us) if callable(self.shift_mm) else self.shift_mm))


def make_head(name):
    """The head family of that name; skips where there is no ICT file."""
    if name == "builtin":
        return BuiltinHead()
    path = Path(os.environ.get("GLIMPSE_TEST_DATA", "")) / "face" / "ict_facekit.npz"
    if not path.is_file():
        pytest.skip("GLIMPSE_TEST_DATA names no folder with face/ict_facekit.npz")
    return _ict(path)


@functools.lru_cache(maxsize=1)
def _ict(path):
    return IctHead(path)


@functools.lru_cache(maxsize=24)
def make_mesh(name, seed=None):
    """The head of a seed; without one, the mean head."""
    head = make_head(name)
    identity = np.zeros(head.identity_size, np.float32)
    if seed is not None:
        identity = np.random.default_rng(seed).standard_normal(head.identity_size).astype(np.float32)
    return head.mesh(identity)


def subject(seed=1, *, glasses=False, **changes):
    """A subject who sits upright and straight DISTANCE_MM before the event camera, unless told otherwise."""
    straight = {"place": Pose(), "distance_mm": DISTANCE_MM}
    return dataclasses.replace(draw_traits(seed, glasses=glasses), **{**straight, **changes})


def shaven(seed=1):
    """A subject without the fine dark texture of a beard, which changes with the least movement of the skin under it."""
    traits = subject(seed)
    return dataclasses.replace(traits, beard=dataclasses.replace(traits.beard, style="none", density=0.0, length_mm=0.0))


@functools.lru_cache(maxsize=24)
def looks(name, identity, traits):
    """(mesh, look) of a subject."""
    mesh = make_mesh(name, identity)
    return mesh, make_look(mesh, traits)


def make_world(puppet, traits=None, *, head="builtin", identity=None, sheet=DOWNWARDS, painted=None):
    """A world with that puppet in it. painted: traits that the looks are made of, where they are not to be made anew."""
    traits = traits or subject()
    mesh, look = looks(head, identity, painted or traits)
    return World(mesh, look, traits, sheet, puppet)


@functools.lru_cache(maxsize=6)
def stage(head="builtin", traits=None):
    """(world, puppet) of a mean head, made once for all tests that ask for the same."""
    puppet = Puppet()
    return make_world(puppet, traits, head=head), puppet


def seen(world, puppet, *, t_us=0, **face):
    """The event camera's picture, float32 [260, 346], of a face with these FaceState fields."""
    puppet.wanted = FaceState(**face)
    return world.face_grey(t_us)


def both(*units, level=1.0):
    """Action units on both sides, or in the middle where they have none."""
    wanted = {*units, *(f"{unit}_{side}" for unit in units for side in SIDES)}
    return {unit: level for unit in UNITS if unit in wanted}


class Dyed:
    """Two worlds that differ in the colour of one thing only: where their pictures differ, that thing is seen."""

    def __init__(self, one, other, *, head="builtin", identity=None, painted=None):
        """one, other: traits; painted: those of the looks."""
        self.puppet = Puppet()
        kept = {"head": head, "identity": identity, "painted": painted or one}
        self._worlds = [make_world(self.puppet, traits, **kept) for traits in (one, other)]

    def shown(self, **face):
        """By how much the event camera's pictures differ, float32 [260, 346], of the light of white paper."""
        dark, light = (seen(world, self.puppet, **face) for world in self._worlds)
        return np.abs(light - dark) / WHITE


BLACK, GREY, BRIGHT = (0.001,) * 3, (0.2,) * 3, (0.8,) * 3


def dyed_wall(traits, **where):
    """Shows where the wall is seen."""
    walls = [
        dataclasses.replace(traits.background, colour_bgr=colour, unevenness=0.0, gradient=(0.0, 0.0))
        for colour in (GREY, BRIGHT)
    ]
    return Dyed(*(dataclasses.replace(traits, background=wall) for wall in walls), painted=traits, **where)


def dyed_eyes(traits, *, iris_only=False, **where):
    """Shows where eyeballs are seen, or their irides."""

    def eyes(colour):
        changes = {"colour_bgr": colour, "rim_bgr": colour, "sclera_bgr": traits.eyes.sclera_bgr if iris_only else colour}
        return dataclasses.replace(traits, eyes=dataclasses.replace(traits.eyes, **changes))

    return Dyed(eyes(GREY), eyes(BRIGHT), **{"painted": traits, **where})


def dyed_mouth(traits, **where):
    """Shows where the inside of the mouth is seen, teeth left out."""
    mouths = [dataclasses.replace(traits.mouth, inside_bgr=colour) for colour in (BLACK, BRIGHT)]
    return Dyed(*(dataclasses.replace(traits, mouth=mouth) for mouth in mouths), painted=traits, **where)
