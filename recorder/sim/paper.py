"""The sheet of paper before the cameras, and the hand that holds it, as layers over a picture.

The sheet is a plane much nearer than the face, so its edge and the hand are out of focus. It leaves along a straight path;
all that a picture needs to know is how far. Knows no subject and no script.
"""

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from recorder.sim.head import Floats
from recorder.sim.slides import AWAY_MM
from recorder.sim.view import View

PLANE_MM = 130.0  # from the event camera
COVERED_MM = AWAY_MM / 2  # at shift 0 the edge is this far outside the middle of the view
REFLECTANCE = 0.86  # white printer paper
THUMB_MM, PALM_MM = 10.5, 21.0  # radii
TIP_MM = 143.0  # from the leaving edge to the tip of the thumb: it is held at the far side
LENGTH_MM = 55.0
NAIL_MM = 6.0  # half its width; it is a quarter longer
SHADOW_MM, SHADOW = 7.0, 0.3  # of the hand on the sheet: how far it reaches, how dark it is beside the skin
ROOM_C, HAND_C = 23.0, 32.5


@dataclass(frozen=True)
class Sheet:
    """One way of holding it. angle_deg: direction in which it leaves, 0 to the viewer's right, -90 down;
    bow_mm: how far the edge is bent over 100 mm; grip_mm: where the thumb is along the edge; hand: BGR reflectance.
    """

    angle_deg: float
    bow_mm: float
    grip_mm: float
    lean_deg: float
    hand: tuple[float, float, float]

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Sheet":
        """A sheet as people hold it: mostly taken away downwards, now and then upwards or to a side."""
        way = float(rng.choice([-90.0, 90.0, 0.0, 180.0], p=[0.65, 0.2, 0.075, 0.075]))
        tone = float(rng.uniform(0.25, 1.0))
        return cls(
            way + float(rng.normal(0, 3)),
            float(rng.uniform(-2, 2)),
            float(rng.uniform(-28, 28)),
            float(rng.uniform(-25, 25)),
            (0.30 * tone, 0.40 * tone, 0.62 * tone),
        )


class SheetView:
    """A sheet as one camera sees it."""

    def __init__(self, sheet: Sheet, view: View) -> None:
        self._along, self._across = _coordinates(sheet, view)
        self._blur_mm = view.blur_mm(PLANE_MM)
        self._hand = _hand(sheet)

    def leaves_at_mm(self) -> float:
        """The shift at which the last of its edge, blur included, has left this view."""
        return float(self._along.max() + COVERED_MM + self._blur_mm)

    def enters_at_mm(self) -> float:
        """The shift at which its edge comes into this view as it leaves; before, sheet and hand cover all of it."""
        return float(self._along.min() + COVERED_MM - self._blur_mm)

    def covers(self, shift_mm: float) -> bool:
        """Whether nothing but paper and hand is seen at this shift."""
        return shift_mm < self.enters_at_mm()

    def cover(self, picture: Floats, shifts_mm: Floats, white: Floats, skin: Floats, *, lit: bool = True) -> None:
        """Lay the sheet over picture [H, W, C]; shifts_mm: [N, H], at N instants of the exposure, for every row.

        white, skin: [C] light of paper and hand; lit: False for temperatures, which know no light and shadow.
        """
        if float(shifts_mm.min()) < self.leaves_at_mm():
            _cover(picture, self._along, self._across, self._hand, shifts_mm, self._blur_mm, white, skin, lit)


def _coordinates(sheet: Sheet, view: View) -> tuple[Floats, Floats]:
    """Millimetres in the plane of the sheet along its way and across it, [H, W] each."""
    x_mm, y_mm = view.plane_mm(PLANE_MM)
    angle = np.radians(sheet.angle_deg)
    along = x_mm * np.cos(angle) + y_mm * np.sin(angle)
    across = -x_mm * np.sin(angle) + y_mm * np.cos(angle)
    bent = along + sheet.bow_mm * (across / 100) ** 2
    return np.ascontiguousarray(bent, np.float32), np.ascontiguousarray(across, np.float32)


def _hand(sheet: Sheet) -> Floats:
    """What the kernel needs to draw the thumb: place of its tip along and across, its direction."""
    lean = np.radians(sheet.lean_deg)
    return np.array([TIP_MM, sheet.grip_mm, np.cos(lean), np.sin(lean)], np.float32)


@numba.njit(cache=True, nogil=True, fastmath=True, inline="always")
def _soft(distance_mm: Any, blur_mm: Any) -> Any:
    """1 inside, 0 outside, over the width of the blur."""
    share = min(max(np.float32(0.5) - distance_mm / (2 * blur_mm), np.float32(0.0)), np.float32(1.0))
    return share * share * (3 - 2 * share)


@numba.njit(cache=True, nogil=True, fastmath=True, inline="always")
def _thumb(u: Any, v: Any, cosine: Any, sine: Any, blur: Any) -> tuple[Any, Any, Any]:
    """(share of it, its brightness, how near it is) at u mm from its tip along the way and v across; it points along
    (cosine, sine): a capsule that widens towards its root.
    """
    lengthwise, sideways = u * cosine + v * sine, v * cosine - u * sine
    s = min(max(lengthwise, np.float32(0.0)), np.float32(LENGTH_MM))
    radius = np.float32(THUMB_MM) + np.float32(PALM_MM - THUMB_MM) * (s / np.float32(LENGTH_MM)) ** 2
    away = np.sqrt(sideways * sideways + (lengthwise - s) ** 2)
    near = max(np.float32(1.0) - max(away - radius, np.float32(0.0)) / np.float32(SHADOW_MM), np.float32(0.0))
    on, brightness = _soft(away - radius, blur), np.float32(0.0)
    if on > 0:
        roundness = np.sqrt(max(np.float32(0.0), 1 - (away / radius) ** 2))
        nail = np.sqrt(((lengthwise + 1) / np.float32(1.25)) ** 2 + sideways * sideways) - np.float32(NAIL_MM)
        crease = np.float32(0.12) * np.exp(-((s - np.float32(27.0)) ** 2) / np.float32(4.0))
        brightness = np.float32(0.45) + np.float32(0.55) * roundness - crease + np.float32(0.2) * _soft(nail, blur)
    return on, brightness, near


@numba.njit(cache=True, nogil=True, fastmath=True)
def _cover(
    picture: Floats,
    along: Floats,
    across: Floats,
    hand: Floats,
    shifts: Floats,
    blur: float,
    white: Floats,
    skin: Floats,
    lit: bool,
) -> None:
    height, width, channels = picture.shape
    instants = shifts.shape[0]
    farthest = np.float32(PALM_MM + SHADOW_MM)  # from the line through the thumb to where its shadow ends
    for y in range(height):
        for x in range(width):
            sheet, thumb, shade, shadow = np.float32(0.0), np.float32(0.0), np.float32(0.0), np.float32(0.0)
            for n in range(instants):
                # Distance from the sheet's edge, positive on the sheet.
                inside = along[y, x] - (shifts[n, y] - np.float32(COVERED_MM))
                if inside <= -blur:
                    continue
                sheet += _soft(-inside, blur)
                u, v = inside - hand[0], across[y, x] - hand[1]
                if u > -farthest and abs(v) < np.float32(LENGTH_MM) + farthest:
                    on, brightness, near = _thumb(u, v, hand[2], hand[3], blur)
                    thumb, shade, shadow = thumb + on, shade + on * brightness, shadow + near * near
            if sheet <= 0:
                continue
            sheet /= instants
            thumb /= instants
            shade /= instants
            light = np.float32(1.0) - np.float32(SHADOW) * shadow / instants
            # Paper is not quite even: it bends a little and takes the light differently across.
            grain = np.float32(1.0) - np.float32(0.0006) * across[y, x] - np.float32(0.00003) * across[y, x] ** 2
            if not lit:
                grain, light, shade = np.float32(1.0), np.float32(1.0), thumb
            for k in range(channels):
                under = picture[y, x, k] * (1 - sheet) + white[k] * grain * light * sheet
                picture[y, x, k] = under * (1 - thumb) + skin[k] * shade
