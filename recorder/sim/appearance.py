"""A subject's looks for one head: textures, wrinkles, warmth, hair and everything that is worn, ready to be rendered.

Puts together what its neighbours paint; knows no camera and no light.
"""

from dataclasses import dataclass

import numpy as np

from recorder.sim import hair
from recorder.sim.clothes import torso
from recorder.sim.complexion import paint_skin, shine
from recorder.sim.creases import creases
from recorder.sim.glasses import spectacles
from recorder.sim.head import Floats, HeadMesh
from recorder.sim.painting import Canvas, blend, canvas
from recorder.sim.pieces import Piece
from recorder.sim.traits import Traits
from recorder.sim.tresses import tresses
from recorder.sim.warmth import breath, warmth

HAIR_GLOSS, BEARD_GLOSS = 0.22, 0.06
KEPT_LINES = 0.16  # how dark the deepest wrinkles of a sixty-year-old stay at rest


@dataclass(frozen=True)
class Look:
    """Looks in the cylinder textures of `recorder.sim.texture`, all float32 with S = SIZE.

    albedo: [S, S, 3], linear (blue, green, red) reflectance; wrinkles: [S, S, 4], 0 ... 1, how dark skin becomes in folds when
    it moves: between the brows (AU4), across the nose (AU9), beside mouth and eyes (AU12, AU6), across the forehead (AU1, AU2);
    gloss: [S, S], 0 ... 1; temperature: [S, S], degrees Celsius; breath: [S, S], 0 ... 1, where breathing out warms the skin;
    offsets: [V, 3], mm, how hair lifts the head's vertices; pieces: hair that hangs, glasses, clothes.
    """

    albedo: Floats
    wrinkles: Floats
    gloss: Floats
    temperature: Floats
    breath: Floats
    offsets: Floats
    pieces: tuple[Piece, ...]


def make_look(mesh: HeadMesh, traits: Traits) -> Look:
    """The looks of these traits on this head."""
    on = canvas(mesh)
    cover, chin, brow = hair.scalp(on, traits), hair.beard(on, traits), hair.brows(on, traits)
    lines = creases(on, traits) * (1 - np.maximum(cover, chin))[:, :, None]
    hair_mm = hair.volume(cover, traits)
    offsets = hair.lift(mesh, on, hair_mm, chin, traits)
    return Look(
        albedo=_albedo(on, traits, cover, chin, brow, lines),
        wrinkles=lines.astype(np.float32),
        gloss=_gloss(on, traits, cover, chin, brow),
        temperature=warmth(on, traits, cover, chin),
        breath=breath(on),
        offsets=offsets,
        pieces=(*tresses(on, hair_mm, traits), *spectacles(mesh, offsets, traits), *torso(on, traits)),
    )


def _albedo(on: Canvas, traits: Traits, cover: Floats, chin: Floats, brow: Floats, lines: Floats) -> Floats:
    picture = paint_skin(on, traits)
    kept = np.float32(KEPT_LINES * np.clip((traits.age_years - 25) / 35, 0, 1))
    picture *= (1 - kept * lines.max(axis=2))[:, :, None]
    hair.paint_beard(picture, chin, traits)
    blend(picture, traits.brows.colour_bgr, brow)
    hair.paint_scalp(picture, cover, traits)
    return np.clip(picture, 0.003, 0.95).astype(np.float32)


def _gloss(on: Canvas, traits: Traits, cover: Floats, chin: Floats, brow: Floats) -> Floats:
    gloss = shine(on, traits)
    gloss += (chin + brow).clip(0, 1) * (BEARD_GLOSS - gloss)
    gloss += cover * (HAIR_GLOSS - gloss)
    return gloss.astype(np.float32)
