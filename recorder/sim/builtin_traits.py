"""What makes one built-in head differ from another: the identity's parameters and what each of them measures.

Pure data; knows no geometry. Spreads are about one standard deviation of adults in Farkas, "Anthropometry of the Head and
Face", 2nd ed., 1994, where a measure of his corresponds, and are held to two and a half of them.
"""

from dataclasses import dataclass

import numpy as np

from recorder.sim.head import Floats

PARAMETERS = (
    "sex", "face_width", "face_height", "jaw_width", "chin_projection", "chin_height", "nose_length", "nose_width",
    "nose_bridge", "nose_tip", "nose_turn", "brow_ridge", "eye_spacing", "eye_length", "eye_opening", "eye_tilt",
    "lip_fullness", "mouth_width", "cheek_fullness", "cheek_bone", "forehead", "ear_size", "neck_width", "head_length",
    "head_height", "brow_height", "eye_socket", "lid_fold", "nose_hump", "lip_place",
)  # fmt: skip
LIMIT = 2.5  # further out, one adult in eighty, shapes on top of it would no longer be plausible


@dataclass(frozen=True)
class Traits:
    """One head's measures: millimetres, or shares (0: the mean), as their names say."""

    face_width: float
    face_height: float
    jaw_width_mm: float
    chin_projection_mm: float
    chin_height_mm: float
    nose_length_mm: float
    nose_width: float
    nose_bridge_mm: float
    nose_tip_mm: float
    nose_turn_mm: float
    brow_ridge: float
    eye_half_mm: float  # from the middle to an eyeball's centre
    eye_length: float
    upper_lid_mm: float  # margin above the eyeball's centre
    lower_lid_mm: float
    eye_tilt_mm: float
    lip_fullness: float
    mouth_half_mm: float
    cheek_fullness: float
    cheek_bone: float
    forehead_mm: float
    ear_size: float
    neck_width: float
    head_length: float
    larynx: float
    head_height: float
    brow_height_mm: float
    eye_socket: float
    lid_fold: float
    nose_hump_mm: float
    lip_place_mm: float

    def emphasis(self, feature: str) -> float:
        """How strongly a feature of `builtin_form`'s tables is modelled; 1 as on the mean head."""
        return {
            "brow ridge, inner": self.brow_ridge,
            "brow ridge, outer": self.brow_ridge,
            "glabella": self.brow_ridge,
            "cheek bone": self.cheek_bone,
            "front of the cheek": self.cheek_fullness,
            "hollow of the cheek": 2 - self.cheek_fullness,
            "chin": 1 + self.chin_projection_mm / 6,
            "larynx": self.larynx,
            "eye socket": self.eye_socket,
            "beside the bridge of the nose": 0.6 + 0.4 * self.eye_socket,
        }.get(feature, 1.0)


def traits_of(identity: Floats) -> Traits:
    """The measures of an identity, float32 [len(PARAMETERS)].

    Raises:
        ValueError: the identity has another length.

    """
    if identity.shape != (len(PARAMETERS),):
        raise ValueError(
            f"A built-in head's identity has {len(PARAMETERS)} parameters; this one has the shape {identity.shape}."
        )
    p = dict(zip(PARAMETERS, np.clip(identity.astype(float), -LIMIT, LIMIT), strict=True))
    male = p["sex"]  # positive: more of what sets men's faces apart
    return Traits(
        face_width=0.03 * p["face_width"] + 0.018 * male,
        face_height=0.042 * p["face_height"] + 0.02 * male,
        jaw_width_mm=3.2 * p["jaw_width"] + 2.2 * male,
        chin_projection_mm=1.8 * p["chin_projection"] + 0.5 * male,
        chin_height_mm=2.2 * p["chin_height"] + 1.2 * male,
        nose_length_mm=2.4 * p["nose_length"] + 0.6 * male,
        nose_width=0.085 * p["nose_width"] + 0.025 * male,
        nose_bridge_mm=1.3 * p["nose_bridge"] + 0.5 * male,
        nose_tip_mm=1.7 * p["nose_tip"],
        nose_turn_mm=1.5 * p["nose_turn"] - 0.3 * male,
        brow_ridge=1 + 0.3 * p["brow_ridge"] + 0.3 * male,
        eye_half_mm=31.5 + 1.2 * p["eye_spacing"],
        eye_length=0.03 * p["eye_length"],
        upper_lid_mm=4.6 + 0.5 * p["eye_opening"] - 0.15 * male,
        lower_lid_mm=-5.7 - 0.15 * p["eye_opening"],
        eye_tilt_mm=1.0 + 0.8 * p["eye_tilt"],
        lip_fullness=float(np.exp(0.19 * p["lip_fullness"] - 0.1 * male)),
        mouth_half_mm=25.8 + 1.6 * p["mouth_width"] + 0.3 * male,
        cheek_fullness=float(np.clip(1 + 0.45 * p["cheek_fullness"], 0.2, 2.0)),
        cheek_bone=1 + 0.35 * p["cheek_bone"],
        forehead_mm=2.8 * p["forehead"] - 1.0 * male,
        ear_size=0.05 * p["ear_size"] + 0.015 * male,
        neck_width=0.035 * p["neck_width"] + 0.05 * male,
        head_length=0.02 * p["head_length"],
        larynx=float(np.clip(0.8 + 0.5 * male, 0.1, 2.0)),
        head_height=0.05 * p["head_height"],
        brow_height_mm=1.5 * p["brow_height"] - 0.9 * male,
        eye_socket=1 + 0.35 * p["eye_socket"] + 0.15 * male,
        lid_fold=float(np.clip(1 + 0.4 * p["lid_fold"], 0.2, 1.9)),
        nose_hump_mm=0.9 * p["nose_hump"],
        lip_place_mm=0.9 * p["lip_place"],
    )
