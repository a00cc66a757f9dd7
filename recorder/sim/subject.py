"""Who sits before the simulated cameras: every trait of a subject, drawn from one integer.

Knows no mesh and no texture. Each group of traits has a random stream of its own, so that a trait added to one
group later changes nobody's other traits.
"""

from dataclasses import replace
from typing import TypeVar

import numpy as np

from recorder.sim.colours import Colour, from_rgb, mix, skin
from recorder.sim.state import Pose
from recorder.sim.traits import (
    Background,
    Beard,
    BeardStyle,
    Brows,
    Clothes,
    Eyes,
    FrameShape,
    Glasses,
    Hair,
    HairStyle,
    Light,
    Makeup,
    Mouth,
    Sex,
    Skin,
    Traits,
    Warmth,
)

__all__ = ["Traits", "draw_traits", "vary"]

GLASSES_SHARE = 0.3
FRECKLED_SHARE = 0.15
NEAREST_MM, FARTHEST_MM = 300.0, 400.0  # the recording script's distance between eyes and event camera
_GROUPS = (
    "person",
    "skin",
    "eyes",
    "mouth",
    "brows",
    "hair",
    "beard",
    "makeup",
    "glasses",
    "clothes",
    "light",
    "wall",
    "place",
    "warmth",
)

K = TypeVar("K", bound=str)
AGE_BANDS = {"20-29": 0.7, "30-39": 0.15, "40-49": 0.07, "50-59": 0.05, "60-69": 0.03}
HAIR_SHARES: dict[Sex, dict[HairStyle, float]] = {
    "f": {"short": 0.08, "tied": 0.25, "medium": 0.27, "long": 0.40},
    "m": {"bald": 0.06, "receding": 0.12, "short": 0.62, "medium": 0.14, "tied": 0.02, "long": 0.04},
}
BEARD_SHARES: dict[BeardStyle, float] = {"none": 0.42, "stubble": 0.33, "moustache": 0.05, "full": 0.20}
HAIR_COLOURS = {
    "black": from_rgb(28, 24, 23),
    "dark brown": from_rgb(52, 37, 29),
    "brown": from_rgb(88, 62, 44),
    "light brown": from_rgb(122, 90, 62),
    "blond": from_rgb(182, 152, 112),
    "red": from_rgb(126, 66, 40),
}
GREY_HAIR = from_rgb(160, 157, 153)
IRIS_COLOURS = {
    "dark brown": from_rgb(54, 34, 24),
    "brown": from_rgb(92, 58, 34),
    "hazel": from_rgb(112, 90, 50),
    "green": from_rgb(98, 112, 82),
    "blue": from_rgb(98, 130, 156),
    "grey": from_rgb(122, 132, 138),
}
FRAME_COLOURS = {
    "black": (20, 20, 22),
    "tortoise": (74, 44, 26),
    "steel": (120, 122, 126),
    "gold": (168, 136, 82),
    "blue": (34, 50, 96),
    "red": (112, 28, 32),
}
CLOTHES = (
    (238, 238, 236),
    (28, 28, 32),
    (58, 66, 86),
    (120, 32, 36),
    (92, 112, 84),
    (150, 150, 154),
    (196, 160, 60),
    (70, 110, 150),
)


def draw_traits(seed: int, *, glasses: bool | None = None) -> Traits:
    """The subject of a seed (0 or more); glasses: worn, not worn, or (None) by chance, as are their looks in any case."""
    streams = _streams(seed)
    person = streams["person"]
    sex: Sex = "f" if person.random() < 0.5 else "m"
    age_years = _age(person)
    complexion = _skin(streams["skin"])
    hair = _hair(streams["hair"], sex, age_years, complexion.ita_deg)
    makeup = _makeup(streams["makeup"], sex)
    wanted, spectacles = streams["glasses"].random() < GLASSES_SHARE, _glasses(streams["glasses"])
    return Traits(
        seed=seed,
        sex=sex,
        age_years=age_years,
        identity_seed=int(person.integers(2**31)),
        skin=complexion,
        eyes=_eyes(streams["eyes"], complexion.ita_deg),
        mouth=_mouth(streams["mouth"], complexion, makeup),
        brows=_brows(streams["brows"], sex, hair.colour_bgr),
        hair=hair,
        beard=_beard(streams["beard"], sex, hair.colour_bgr),
        makeup=makeup,
        glasses=spectacles if (wanted if glasses is None else glasses) else None,
        clothes=_clothes(streams["clothes"]),
        light=_light(streams["light"]),
        background=_background(streams["wall"]),
        place=_place(streams["place"]),
        distance_mm=float(streams["place"].uniform(NEAREST_MM, FARTHEST_MM)),
        warmth=_warmth(streams["warmth"], sex),
    )


def vary(traits: Traits, session_seed: int) -> Traits:
    """The same person, clothes and glasses before the same wall at another time: light, seat and skin temperature differ."""
    streams = _streams(traits.seed, session_seed)
    return replace(
        traits,
        light=_light(streams["light"]),
        place=_place(streams["place"]),
        distance_mm=float(streams["place"].uniform(NEAREST_MM, FARTHEST_MM)),
        warmth=_warmth(streams["warmth"], traits.sex),
    )


def _streams(*seeds: int) -> dict[str, np.random.Generator]:
    children = np.random.SeedSequence(seeds).spawn(len(_GROUPS))
    return {group: np.random.default_rng(child) for group, child in zip(_GROUPS, children, strict=True)}


def _pick(rng: np.random.Generator, shares: dict[K, float]) -> K:
    weights = np.array(list(shares.values()))
    return list(shares)[int(rng.choice(len(shares), p=weights / weights.sum()))]


def _age(rng: np.random.Generator) -> float:
    return int(_pick(rng, AGE_BANDS)[:2]) + float(rng.uniform(0, 10))


def _skin(rng: np.random.Generator) -> Skin:
    # Two thirds light to tan, the others over the whole range, so that no skin is rare.
    ita_deg = float(np.clip(rng.normal(40, 12), 10, 62) if rng.random() < 0.65 else rng.uniform(-48, 45))
    return Skin(
        ita_deg=ita_deg,
        colour_bgr=skin(ita_deg, float(rng.normal(0, 1.2))),
        flush=float(rng.beta(2, 3)),
        freckles=float(rng.uniform(0.3, 1)) if rng.random() < FRECKLED_SHARE and ita_deg > 30 else 0.0,
        moles=int(rng.poisson(3)),
        oil=float(rng.uniform(0.2, 1)),
        roughness=float(rng.uniform(0.5, 1)),
        tired=float(rng.beta(2, 3)),
        texture_seed=int(rng.integers(2**31)),
    )


def _eyes(rng: np.random.Generator, ita_deg: float) -> Eyes:
    light = {"dark brown": 0.1, "brown": 0.25, "hazel": 0.2, "green": 0.1, "blue": 0.25, "grey": 0.1}
    colour = IRIS_COLOURS[_pick(rng, light if ita_deg > 35 else {"dark brown": 0.6, "brown": 0.35, "hazel": 0.05})]
    return Eyes(
        colour_bgr=mix(colour, (0.2, 0.2, 0.2), float(rng.uniform(0, 0.15))),
        rim_bgr=mix(colour, (0.01, 0.01, 0.01), float(rng.uniform(0.5, 0.8))),
        sclera_bgr=mix((0.60, 0.63, 0.68), (0.42, 0.46, 0.58), float(rng.random())),
        iris_share=float(rng.uniform(0.46, 0.51)),  # irides of 11.7 mm in eyeballs of 24 mm
        pupil_share=float(rng.uniform(0.28, 0.45)),  # pupils of 3 to 5 mm in room light
    )


def _mouth(rng: np.random.Generator, complexion: Skin, makeup: Makeup) -> Mouth:
    blue, green, red = complexion.colour_bgr
    natural = (
        blue * float(rng.uniform(0.5, 0.66)),
        green * float(rng.uniform(0.52, 0.66)),
        red * float(rng.uniform(0.8, 0.95)),
    )
    stick = from_rgb(int(rng.uniform(130, 190)), int(rng.uniform(30, 70)), int(rng.uniform(45, 85)))
    teeth = mix(from_rgb(232, 226, 212), from_rgb(214, 200, 168), float(rng.beta(2, 3)))
    return Mouth(mix(natural, stick, 0.7 * makeup.lips), teeth, from_rgb(122, 52, 50))


def _brows(rng: np.random.Generator, sex: Sex, hair_bgr: Colour) -> Brows:
    thickness = rng.normal(6.5, 1.2) if sex == "f" else rng.normal(9.0, 1.5)
    colour = mix(mix(hair_bgr, HAIR_COLOURS["dark brown"], 0.5), HAIR_COLOURS["black"], float(rng.uniform(0, 0.4)))
    return Brows(
        thickness_mm=float(np.clip(thickness, 4.5, 12.5)),
        density=float(rng.uniform(0.45, 1)),
        arch_mm=float(rng.normal(1.2 if sex == "f" else 0.0, 0.8)),
        colour_bgr=colour,
    )


def _hair(rng: np.random.Generator, sex: Sex, age_years: float, ita_deg: float) -> Hair:
    style = _pick(rng, HAIR_SHARES[sex])
    if style in ("bald", "receding") and age_years < 25 and rng.random() < 0.6:
        style = "short"
    fair = {"black": 0.08, "dark brown": 0.3, "brown": 0.25, "light brown": 0.17, "blond": 0.15, "red": 0.05}
    colour = HAIR_COLOURS[_pick(rng, fair if ita_deg > 35 else {"black": 0.7, "dark brown": 0.3})]
    grey = float(np.clip((age_years - 38) / 30 + rng.normal(0, 0.12), 0, 0.9)) if age_years > 35 else 0.0
    volumes = {"bald": 0.0, "receding": 4.0, "short": 9.0, "tied": 5.0, "medium": 13.0, "long": 10.0}
    fringed = rng.random() < {"short": 0.25, "medium": 0.45, "long": 0.3}.get(style, 0.0)
    return Hair(
        style=style,
        colour_bgr=mix(colour, GREY_HAIR, grey),
        volume_mm=float(volumes[style] * rng.uniform(0.7, 1.35)),
        fringe=float(rng.uniform(0.4, 0.9)) if fringed else 0.0,
        forehead_mm=float(rng.normal(0, 4)),
        wave=float(rng.beta(1.3, 2)) if ita_deg > 0 else float(rng.uniform(0.6, 1)),
        length_mm=float(rng.uniform(125, 185) if style == "long" else rng.uniform(55, 120)),
        parting=float(rng.uniform(-0.6, 0.6)),
        texture_seed=int(rng.integers(2**31)),
    )


def _beard(rng: np.random.Generator, sex: Sex, hair_bgr: Colour) -> Beard:
    style = _pick(rng, BEARD_SHARES)
    density, length = float(rng.uniform(0.5, 1)), float(rng.uniform(2, 7))
    colour = mix(hair_bgr, HAIR_COLOURS["dark brown"], 0.3)
    if sex == "f":
        return Beard("none", 0.0, 0.0, colour)
    return Beard(
        style, density if style != "none" else 0.2 * density, length if style in ("full", "moustache") else 0.0, colour
    )


def _makeup(rng: np.random.Generator, sex: Sex) -> Makeup:
    amounts = rng.random(3) * (rng.random(3) < 0.5)
    lips, liner, blush = (float(amount) for amount in amounts) if sex == "f" else (0.0, 0.0, 0.0)
    return Makeup(lips, liner, blush)


def _glasses(rng: np.random.Generator) -> Glasses:
    shapes: dict[FrameShape, float] = {"rectangle": 0.4, "round": 0.2, "oval": 0.15, "aviator": 0.1, "cat-eye": 0.15}
    shape = _pick(rng, shapes)
    heights = {"rectangle": 0.66, "round": 0.9, "oval": 0.7, "aviator": 0.84, "cat-eye": 0.72}
    colour = _pick(rng, {"black": 0.4, "tortoise": 0.2, "steel": 0.15, "gold": 0.1, "blue": 0.08, "red": 0.07})
    width = float(rng.uniform(46, 54))
    return Glasses(
        shape=shape,
        colour_bgr=from_rgb(*FRAME_COLOURS[colour]),
        rim_mm=float(rng.uniform(1.2, 2.0) if colour in ("steel", "gold") else rng.uniform(2.2, 4.2)),
        lens_width_mm=width,
        lens_height_mm=width * heights[shape] * float(rng.uniform(0.92, 1.05)),
        bridge_mm=float(rng.uniform(16, 21)),
        reflection=float(rng.uniform(0.01, 0.08)),  # coated lenses 1-2 %, plain ones 4 % a surface
    )


def _clothes(rng: np.random.Generator) -> Clothes:
    colour, other = (from_rgb(*CLOTHES[int(n)]) for n in rng.choice(len(CLOTHES), 2, replace=False))
    return Clothes(colour, other, float(rng.uniform(12, 40)) if rng.random() < 0.25 else 0.0)


def _light(rng: np.random.Generator) -> Light:
    return Light(
        azimuth_deg=float(rng.uniform(-60, 60)),
        elevation_deg=float(rng.uniform(10, 60)),
        ambient=float(rng.uniform(0.35, 0.7)),
        fill=float(rng.uniform(0.3, 1)),
        kelvin=float(rng.uniform(3800, 6500)),  # office lamps to daylight
        lux=float(np.exp(rng.uniform(np.log(150), np.log(1000)))),  # living room to a well-lit laboratory
    )


def _background(rng: np.random.Generator) -> Background:
    kind = rng.choice(3, p=[0.5, 0.25, 0.25])  # white, slightly grey and uneven, gradient
    white = float(rng.uniform(0.75, 0.9) if kind != 1 else rng.uniform(0.45, 0.7))
    return Background(
        colour_bgr=mix((white, white, white), (white * 0.88, white * 0.96, white), float(rng.random())),
        gradient=(float(rng.normal(0, 0.5)), float(rng.normal(0, 0.4))) if kind == 2 else (0.0, 0.0),
        unevenness=float(rng.uniform(0.02, 0.08)) if kind == 1 else 0.0,
        temperature_c=float(rng.uniform(20, 24)),
        texture_seed=int(rng.integers(2**31)),
    )


def _place(rng: np.random.Generator) -> Pose:
    yaw, pitch, roll = (float(angle) for angle in rng.normal(0, (2.0, 2.5, 1.5)))
    x, y = (float(shift) for shift in np.clip(rng.normal(0, (6.0, 6.0)), -15, 15))
    return Pose(yaw, pitch, roll, x, y, 0.0)


def _warmth(rng: np.random.Generator, sex: Sex) -> Warmth:
    # Men's faces are warmer by a few tenths of a degree (Christensen, Vaeth & Wenzel 2012).
    face, nose, cheeks, asymmetry = (float(offset) for offset in rng.normal(0, (0.35, 0.9, 0.35, 0.1)))
    return Warmth(face + (0.2 if sex == "m" else -0.2), nose, cheeks, asymmetry)
