"""What can be said about a subject's looks: words for skin, hair, glasses, light. Draws nothing and paints nothing.

Colours are linear reflectance (blue, green, red); "shares" run from 0 to 1.
"""

import math
from dataclasses import dataclass
from typing import Literal

from recorder.sim.colours import Colour, blackbody
from recorder.sim.state import Pose

Sex = Literal["f", "m"]
HairStyle = Literal["bald", "receding", "short", "tied", "medium", "long"]
BeardStyle = Literal["none", "stubble", "moustache", "full"]
FrameShape = Literal["rectangle", "round", "oval", "aviator", "cat-eye"]


@dataclass(frozen=True)
class Skin:
    """Skin. ita_deg: individual typology angle, above 55 very light, below -30 dark; shares 0 ... 1."""

    ita_deg: float
    colour_bgr: Colour
    flush: float  # how red cheeks and nose are
    freckles: float
    moles: int
    oil: float  # how much the T-zone shines
    roughness: float  # contrast of the pores
    tired: float  # how dark it is round the eyes
    texture_seed: int


@dataclass(frozen=True)
class Eyes:
    """Eyeballs, linear reflectance. iris_share: radius of the iris / radius of the eyeball."""

    colour_bgr: Colour
    rim_bgr: Colour  # the darker ring round the iris
    sclera_bgr: Colour
    iris_share: float
    pupil_share: float  # radius of the pupil / radius of the iris


@dataclass(frozen=True)
class Mouth:
    """Lips, teeth and the inside of the mouth, linear reflectance."""

    lips_bgr: Colour
    teeth_bgr: Colour
    inside_bgr: Colour


@dataclass(frozen=True)
class Brows:
    """Eyebrows. thickness_mm: height of the thick part; density 0 ... 1; arch_mm: how much the middle is raised."""

    thickness_mm: float
    density: float
    arch_mm: float
    colour_bgr: Colour


@dataclass(frozen=True)
class Hair:
    """Scalp hair. fringe 0 ... 1: how far it hangs over the forehead; forehead_mm: hairline higher than the mean;
    wave 0 ... 1: straight to curly; length_mm: how far below the eyes long hair reaches.
    """

    style: HairStyle
    colour_bgr: Colour
    volume_mm: float
    fringe: float
    forehead_mm: float
    wave: float
    length_mm: float
    parting: float  # -1 ... 1: where the hair parts, to the viewer's left or right
    texture_seed: int


@dataclass(frozen=True)
class Beard:
    """Facial hair. density 0 ... 1; length_mm: how far it stands out."""

    style: BeardStyle
    density: float
    length_mm: float
    colour_bgr: Colour


@dataclass(frozen=True)
class Makeup:
    """How much of it, 0 ... 1."""

    lips: float
    liner: float
    blush: float


@dataclass(frozen=True)
class Glasses:
    """Spectacles. Sizes in mm as opticians write them; reflection: share of light that a lens reflects."""

    shape: FrameShape
    colour_bgr: Colour
    rim_mm: float
    lens_width_mm: float
    lens_height_mm: float
    bridge_mm: float
    reflection: float


@dataclass(frozen=True)
class Clothes:
    """What is worn below the neck. stripe_mm: period of the stripes, 0 for none."""

    colour_bgr: Colour
    stripe_bgr: Colour
    stripe_mm: float


@dataclass(frozen=True)
class Light:
    """Light on the face. azimuth_deg: where the main light stands, to the viewer's right; elevation_deg: above the eyes.

    ambient: share of light that comes from everywhere; fill: strength of a second light from the other side / the main one;
    kelvin: colour temperature; lux: illuminance at the face.
    """

    azimuth_deg: float
    elevation_deg: float
    ambient: float
    fill: float
    kelvin: float
    lux: float

    @property
    def direction(self) -> tuple[float, float, float]:
        """Unit vector from the face to the main light: x to the viewer's right, y up, z towards the camera."""
        azimuth, elevation = math.radians(self.azimuth_deg), math.radians(self.elevation_deg)
        return math.sin(azimuth) * math.cos(elevation), math.sin(elevation), math.cos(azimuth) * math.cos(elevation)

    @property
    def colour_bgr(self) -> Colour:
        """Colour of the light, brightest channel 1."""
        return blackbody(self.kelvin)


@dataclass(frozen=True)
class Background:
    """The wall. gradient: relative change of brightness over a metre to the right and upwards; unevenness: of blotches."""

    colour_bgr: Colour
    gradient: tuple[float, float]
    unevenness: float
    temperature_c: float
    texture_seed: int


@dataclass(frozen=True)
class Warmth:
    """Offsets of skin temperature from the mean map, in degrees: of the whole face, and of its parts."""

    face_c: float
    nose_c: float
    cheeks_c: float
    asymmetry_c: float


@dataclass(frozen=True)
class Traits:
    """One subject as he or she comes to one session. place: posture of the head at rest; distance_mm: eyes to event camera."""

    seed: int
    sex: Sex
    age_years: float
    identity_seed: int
    skin: Skin
    eyes: Eyes
    mouth: Mouth
    brows: Brows
    hair: Hair
    beard: Beard
    makeup: Makeup
    glasses: Glasses | None
    clothes: Clothes
    light: Light
    background: Background
    place: Pose
    distance_mm: float
    warmth: Warmth

    @property
    def age_band(self) -> str:
        """Such as "20-29"."""
        return f"{int(self.age_years) // 10 * 10}-{int(self.age_years) // 10 * 10 + 9}"
