"""What a face does at one moment: action units, head pose, gaze. The words in which the actor tells the world what to show.

Pure data; knows no mesh, no camera and no script. Left and right are the subject's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

SIDES = ("L", "R")
# Action units of the Facial Action Coding System (Ekman, Friesen & Hager 2002). Those of `SIDED_UNITS` are given for each
# side by itself ("AU12_L", "AU12_R"), so that a face can be asymmetric; AU31 is the masseter bulge of a jaw clench and AU45
# the closing of the lids. Every head offers a shape for each of them.
SIDED_UNITS = ("AU1", "AU2", "AU4", "AU5", "AU6", "AU7", "AU9", "AU10", "AU12", "AU14", "AU15", "AU20", "AU31", "AU45")
CENTRAL_UNITS = ("AU17", "AU18", "AU24", "AU25", "AU26", "AU27")
UNITS = (*(f"{unit}_{side}" for unit in SIDED_UNITS for side in SIDES), *CENTRAL_UNITS)


@dataclass(frozen=True)
class Pose:
    """Where the head is, relative to sitting upright and straight before the event camera.

    Degrees: yaw turns the head to the subject's left, pitch lowers the chin, roll tilts the head towards the subject's left
    shoulder. Millimetres: x to the viewer's right (the subject's left), y up, z towards the camera.
    """

    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    x_mm: float = 0.0
    y_mm: float = 0.0
    z_mm: float = 0.0


@dataclass(frozen=True)
class FaceState:
    """The face at one moment.

    units: activation of each action unit that is not at rest, 0 ... 1 (`UNITS`); gaze_deg: (to the subject's left, up)
    relative to the head; breath: 0 (breathed out) ... 1 (breathed in); swallow: 0 ... 1, how far the larynx is raised.
    """

    units: Mapping[str, float] = field(default_factory=dict)
    pose: Pose = Pose()
    gaze_deg: tuple[float, float] = (0.0, 0.0)
    breath: float = 0.0
    swallow: float = 0.0


@dataclass(frozen=True)
class PaperState:
    """The sheet of paper before both cameras. shift_mm: how far it is moved out of the way along its path (0: it covers
    the whole view; `recorder.sim.slides.AWAY_MM` and more: it is gone).
    """

    shift_mm: float
