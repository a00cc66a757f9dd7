"""What the simulated event camera sees of a face: no holes, lids that close, movements where they belong, nothing that pops."""

import dataclasses

import cv2
import numpy as np
import pytest
from sim_helpers import (
    DISTANCE_MM,
    Puppet,
    both,
    dyed_eyes,
    dyed_mouth,
    dyed_wall,
    make_mesh,
    make_world,
    seen,
    shaven,
    stage,
    subject,
)

from recorder.sim.body import EYES_UP_MM
from recorder.sim.shading import WRAP, Light, illuminate
from recorder.sim.state import SIDES, UNITS, Pose
from recorder.sim.view import EVENT_VIEW
from recorder.sim.world import GREY as LUMA
from recorder.sim.world import WHITE

FOCAL_PX = EVENT_VIEW.focal_px
CENTRE = np.array(EVENT_VIEW.size) / 2
HEADS = ["builtin", "ict"]
COLLAR_ROW = 215  # below, a neck may show a slit of the wall beside its collar


def of_face(x_mm, y_mm, z_mm=0.0):
    """(column, row) at which the event camera sees a point of the head's coordinates, straight before it."""
    away_mm = DISTANCE_MM - z_mm
    return CENTRE + FOCAL_PX / away_mm * np.array([x_mm, -(y_mm + EYES_UP_MM)])


def millimetres():
    """Head coordinates x and y of every pixel, [260, 346], for points a little before the eyes."""
    scale = (DISTANCE_MM - 5) / FOCAL_PX
    x, y = np.meshgrid(np.arange(346) + 0.5 - CENTRE[0], np.arange(260) + 0.5 - CENTRE[1])
    return x * scale, -y * scale - EYES_UP_MM


def centre_of(shown):
    """Mean (column, row) of what is shown."""
    y, x = np.mgrid[:260, :346] + 0.5
    return np.array([(shown * x).sum(), (shown * y).sum()]) / shown.sum()


def both_eyes(irides, **face):
    """(column, row) of the middle of each iris that is seen, the viewer's left one first."""
    shown = irides.shown(**face)
    left = np.arange(346)[None] + 0.5 < np.mean(np.nonzero(shown)[1])
    return np.array([centre_of(shown * left), centre_of(shown * ~left)])


# --- light


def plate(towards, light):
    """Light received by a plate that faces that way, far ahead."""
    points = np.array([[0, 0, 400]], np.float32)
    vertices = np.empty((1, 4), np.float32)
    illuminate(light, points, np.array([towards], np.float32), np.array([[1, 2, 400]], np.float32), vertices)
    return vertices[0]


def lamps(towards=(0, 0, -1), across=(0, 0, -1), strengths=(0.5, 0.3, 0.2)):
    vectors = (np.array(v, np.float32) / np.float32(np.linalg.norm(v)) for v in (towards, across, (0, -1, 0)))
    return Light(*vectors, np.array(strengths, np.float32), np.ones(1, np.float32))


def test_a_plate_that_faces_both_lamps_and_the_sky_gets_all_their_light():
    up = (0, -1, 0)
    assert plate(up, lamps(towards=up, across=up))[2] == pytest.approx(1.0, abs=1e-5)
    x, y = plate(up, lamps())[:2]
    assert (x, y) == (1, 2), "its place on screen goes with it"


def test_a_plate_gets_less_the_more_it_turns_away_and_never_less_than_nothing():
    turned = [plate((np.sin(a), 0, -np.cos(a)), lamps(strengths=(1, 0, 0)))[2] for a in np.radians([0, 30, 60, 90, 120, 180])]
    wrapped = [max(0, (np.cos(a) + WRAP) / (1 + WRAP)) for a in np.radians([0, 30, 60, 90, 120, 180])]
    assert turned == pytest.approx(wrapped, abs=1e-5)


def test_a_mirror_shines_when_it_lies_half_way_between_lamp_and_eye():
    aside = np.array([np.sin(0.6), 0, -np.cos(0.6)])
    half = np.array([np.sin(0.3), 0, -np.cos(0.3)])
    assert plate(half, lamps(towards=aside))[3] == pytest.approx(1.0, abs=1e-4)
    assert plate((0, 0, -1), lamps(towards=aside))[3] == pytest.approx(np.cos(0.3), abs=1e-4)


@pytest.mark.parametrize("seed", range(1, 7))
def test_white_paper_is_as_bright_as_the_pixel_model_expects_in_any_room(seed):
    puppet = Puppet(shift_mm=0.0)
    traits = subject(seed)
    painted = subject(1)
    paper = make_world(puppet, traits, painted=painted).event_pictures(0, 0)[0]
    nominal = WHITE * (traits.light.lux / 500) ** 0.5 * (traits.light.colour_bgr @ LUMA)
    assert 0.7 < np.percentile(paper, 95) / nominal < 1.05


# --- no holes


def holes(wall):
    """How many pixels show the wall without being joined to the wall beside the head, and how much of it, in pixels."""
    _, number = cv2.connectedComponents((wall > 0.02).astype(np.uint8), connectivity=8)
    beside = np.unique(np.concatenate([number[0], number[:, 0], number[:, -1]]))
    within = ~np.isin(number, beside) & (number > 0)
    return float(wall[within].sum())


def what_a_face_can_do():
    yield from ({unit: 1.0} for unit in UNITS)
    yield from ({f"{unit}_L": 1.0, f"{unit}_R": 1.0} for unit in ("AU6", "AU9", "AU10", "AU12", "AU15", "AU20"))
    yield both("AU25", "AU27")
    yield both("AU25", "AU26", "AU12")
    yield {}


@pytest.mark.parametrize(("head", "identity"), [("builtin", None), ("builtin", 1), ("builtin", 2), ("ict", None), ("ict", 3)])
def test_a_face_has_no_holes_whatever_it_does(head, identity):
    wall = dyed_wall(subject(1), head=head, identity=identity)
    for units in what_a_face_can_do():
        for yaw_deg in (-30.0, 0.0, 30.0):
            through = holes(wall.shown(units=units, pose=Pose(yaw_deg=yaw_deg))[:COLLAR_ROW])
            assert through < 0.3, f"{units} at {yaw_deg} degrees shows the wall through the face"


@pytest.mark.parametrize("head", HEADS)
def test_an_open_mouth_is_dark_inside(head):
    world, puppet = stage(head)
    units = both("AU25", "AU27")
    inside = dyed_mouth(subject(), head=head).shown(units=units) > 0.1
    picture = seen(world, puppet, units=units)
    x_mm, y_mm = millimetres()
    cheeks = (np.abs(np.abs(x_mm) - 35) < 8) & (np.abs(y_mm + 35) < 8)
    assert np.count_nonzero(inside) > 100
    assert picture[inside].mean() < 0.5 * picture[cheeks].mean()
    assert np.abs(centre_of(inside.astype(float))[0] - CENTRE[0]) < 2


@pytest.mark.parametrize("head", HEADS)
def test_a_shut_mouth_shows_nothing_of_its_inside(head):
    mouth = dyed_mouth(subject(), head=head)
    assert mouth.shown().max() == 0
    assert mouth.shown(units=both("AU45", "AU4", "AU1")).max() == 0


# --- eyes


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("identity", [None, 1, 2, 3])
def test_shut_lids_hide_the_whole_eyeball(head, identity):
    eyes = dyed_eyes(subject(1), head=head, identity=identity)
    assert np.count_nonzero(eyes.shown()) > 150
    for pose in (Pose(), Pose(yaw_deg=15), Pose(yaw_deg=-15), Pose(pitch_deg=10), Pose(pitch_deg=-10)):
        for gaze_deg in ((0.0, 0.0), (10.0, -8.0), (-10.0, 5.0)):
            shown = eyes.shown(units=both("AU45"), pose=pose, gaze_deg=gaze_deg)
            assert shown.max() == 0, f"{np.count_nonzero(shown)} pixels at {pose}"


@pytest.mark.parametrize("head", HEADS)
def test_lids_that_close_show_less_and_less_and_one_eye_closes_alone(head):
    eyes = dyed_eyes(subject(1), head=head)
    levels = np.linspace(0, 1, 21)
    shown = np.array([eyes.shown(units=both("AU45", level=level)).sum() for level in levels])
    assert (np.diff(shown) < 0.02 * shown[0]).all()
    assert shown[10] < 0.8 * shown[0]
    wink = eyes.shown(units={"AU45_L": 1.0})
    x_mm, _ = millimetres()
    assert wink[x_mm > 0].max() == 0, "the subject's left is the viewer's right"
    assert wink[x_mm < 0].sum() == pytest.approx(eyes.shown()[x_mm < 0].sum(), rel=1e-3)


@pytest.mark.parametrize("head", HEADS)
def test_the_upper_lid_raiser_shows_more_of_the_eye(head):
    eyes = dyed_eyes(subject(1), head=head)
    assert eyes.shown(units=both("AU5")).sum() > 1.15 * eyes.shown().sum()
    assert eyes.shown(units=both("AU7")).sum() < 0.9 * eyes.shown().sum()


@pytest.mark.parametrize("head", HEADS)
def test_a_gaze_moves_both_irides_its_way(head):
    irides = dyed_eyes(subject(1), iris_only=True, head=head)

    def moved(left_deg, up_deg):
        wide = both("AU5")
        ways = both_eyes(irides, units=wide, gaze_deg=(left_deg, up_deg)) - both_eyes(irides, units=wide)
        assert np.abs(ways[0] - ways[1]).max() < 1.0, "the eyes go together"
        return ways.mean(axis=0)

    way_px = 12.0 * np.sin(np.radians(10)) * FOCAL_PX / (DISTANCE_MM - 12)
    assert moved(10.0, 0.0) == pytest.approx([way_px, 0], abs=0.8), "lids and canthi hide some of it"
    assert moved(-10.0, 0.0) == pytest.approx([-way_px, 0], abs=0.8)
    assert moved(0.0, 8.0)[1] < -0.4
    assert moved(0.0, -8.0)[1] > 0.4


# --- where the head is


@pytest.mark.parametrize(
    ("head", "identity", "distance_mm"),
    [("builtin", None, 300.0), ("builtin", 2, 350.0), ("builtin", 1, 420.0), ("ict", None, 330.0), ("ict", 2, 400.0)],
)
def test_the_distance_in_the_truth_is_the_one_in_the_picture(head, identity, distance_mm):
    away = subject(1, distance_mm=distance_mm)
    irides = dyed_eyes(away, iris_only=True, head=head, identity=identity, painted=subject(1))
    right, left = both_eyes(irides)
    centres = [eye.centre for eye in make_mesh(head, identity).eyes]
    apart_mm = np.linalg.norm(centres[1] - centres[0])
    assert np.linalg.norm(left - right) * distance_mm / FOCAL_PX == pytest.approx(apart_mm, rel=0.02)


@pytest.fixture(scope="module")
def irides():
    return dyed_eyes(subject(1), iris_only=True)


MM = FOCAL_PX / (DISTANCE_MM - 12)  # pixels; irides are that much nearer than the middle of the eyes


@pytest.mark.parametrize(
    ("pose", "moved_px"),
    [
        (Pose(x_mm=12), (12 * MM, 0)),
        (Pose(x_mm=-12), (-12 * MM, 0)),
        (Pose(y_mm=9), (0, -9 * MM)),
        (Pose(y_mm=-9), (0, 9 * MM)),
    ],
)
def test_a_shift_moves_the_face_its_way(irides, pose, moved_px):
    moved = both_eyes(irides, pose=pose) - both_eyes(irides)
    assert moved.mean(axis=0) == pytest.approx(moved_px, abs=0.3)


def test_leaning_forward_makes_the_face_larger(irides):
    def apart_px(pose):
        left, right = both_eyes(irides, pose=pose)
        return (right - left)[0]

    assert apart_px(Pose(z_mm=50)) / apart_px(Pose()) == pytest.approx(350 / 300, rel=0.01)
    assert apart_px(Pose(z_mm=-50)) / apart_px(Pose()) == pytest.approx(350 / 400, rel=0.01)


@pytest.mark.parametrize("yaw_deg", [-25.0, -5.0, 5.0, 25.0])
def test_yaw_turns_the_face_to_the_subjects_left_which_is_the_viewers_right(irides, yaw_deg):
    moved = (both_eyes(irides, pose=Pose(yaw_deg=yaw_deg)) - both_eyes(irides)).mean(axis=0)[0]
    assert moved == pytest.approx(85 * np.sin(np.radians(yaw_deg)) * MM, rel=0.25)


@pytest.mark.parametrize("pitch_deg", [-10.0, 10.0])
def test_pitch_lowers_the_chin(irides, pitch_deg):
    moved = (both_eyes(irides, pose=Pose(pitch_deg=pitch_deg)) - both_eyes(irides)).mean(axis=0)[1]
    assert moved / pitch_deg > 0.8


@pytest.mark.parametrize("roll_deg", [-12.0, 4.0, 12.0])
def test_roll_tilts_the_head_towards_the_subjects_left_shoulder(irides, roll_deg):
    left, right = both_eyes(irides, pose=Pose(roll_deg=roll_deg))
    tilt_deg = np.degrees(np.arctan2(*(right - left)[::-1]))
    assert tilt_deg == pytest.approx(roll_deg, abs=0.7)


def test_shoulders_stay_where_they_are_when_the_head_moves():
    world, puppet = stage()
    still, turned = (seen(world, puppet, pose=pose) for pose in (Pose(), Pose(yaw_deg=20, x_mm=5)))
    assert (still[250:, :80] == turned[250:, :80]).all()
    assert np.abs(still[:200] - turned[:200]).max() > 30


def test_breathing_lifts_the_shoulders_and_not_the_head():
    world, puppet = stage()
    out, full = (seen(world, puppet, breath=breath) for breath in (0.0, 1.0))
    changed = np.abs(out - full) > 0.5
    assert changed[215:].any()
    assert not changed[:180].any()


# --- movements are where they belong

REGIONS = {  # x from ... to (of one side: 0 is the middle), y from ... to, mm in the head's coordinates
    "AU1": (0, 60, 8, 95),
    "AU2": (0, 80, 8, 95),
    "AU4": (0, 65, 2, 80),
    "AU5": (5, 60, -14, 30),
    "AU6": (5, 80, -78, 35),
    "AU7": (5, 60, -20, 22),
    "AU9": (0, 60, -78, 40),
    "AU10": (0, 60, -95, -8),
    "AU12": (0, 80, -110, 0),
    "AU14": (0, 75, -100, -20),
    "AU15": (0, 75, -115, -30),
    "AU17": (0, 45, -125, -50),
    "AU18": (0, 60, -105, -25),
    "AU20": (0, 80, -115, -25),
    "AU24": (0, 60, -120, -40),
    "AU25": (0, 60, -110, -40),
    "AU26": (0, 85, -140, -25),
    "AU27": (0, 85, -150, -20),
    "AU31": (25, 90, -115, 75),
    "AU45": (5, 60, -20, 30),
}


def change(world, puppet, units):
    """By how much each pixel's logarithm changes, squared, float32 [260, 346]: what an event camera sees most of."""
    rest, moved = seen(world, puppet), seen(world, puppet, units=units)
    return (np.log(moved + 5) - np.log(rest + 5)) ** 2


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("unit", REGIONS)
def test_every_action_unit_is_seen_and_changes_its_part_of_the_face(head, unit):
    changed = change(*stage(head, shaven()), both(unit))
    inner, outer, low, high = REGIONS[unit]
    x_mm, y_mm = millimetres()
    inside = (np.abs(x_mm) >= inner) & (np.abs(x_mm) <= outer) & (y_mm >= low) & (y_mm <= high)
    assert np.count_nonzero(changed > 0.15**2) > 40, "it cannot be seen"
    assert changed[inside].sum() > 0.8 * changed.sum()


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("unit", ["AU2", "AU4", "AU6", "AU9", "AU12", "AU15", "AU31", "AU45"])
def test_a_one_sided_movement_stays_on_its_side(head, unit, side):
    changed = change(*stage(head, shaven()), {f"{unit}_{side}": 1.0})
    x_mm, _ = millimetres()
    own = x_mm > 0 if side == "L" else x_mm < 0
    assert changed[own].sum() > 0.8 * changed.sum()


def test_a_jaw_drops_and_a_smile_widens_the_mouth():
    mouth = dyed_mouth(subject())
    small, large = (mouth.shown(units=both("AU25", unit)).sum() for unit in ("AU26", "AU27"))
    assert large > 1.5 * small > 0


def test_wrinkles_darken_the_skin_where_it_folds():
    traits = dataclasses.replace(subject(1), age_years=55.0)
    puppet = Puppet()
    world = make_world(puppet, traits)
    smooth = make_world(puppet, traits)
    smooth._event._surface = smooth._event._surface._replace(wrinkles=np.zeros_like(world._event._surface.wrinkles))
    x_mm, y_mm = millimetres()
    for unit, where in (
        ("AU4", (np.abs(x_mm) < 15) & (np.abs(y_mm - 22) < 15)),
        ("AU9", (np.abs(x_mm) < 60) & (np.abs(y_mm + 30) < 50)),
        ("AU12", (np.abs(x_mm) > 20) & (y_mm < 5) & (y_mm > -80)),
        ("AU1", (np.abs(x_mm) < 50) & (y_mm > 25)),
    ):
        darker = seen(smooth, puppet, units=both(unit)) - seen(world, puppet, units=both(unit))
        assert darker.min() > -0.01
        assert darker[where].max() > 2
        assert darker[where].sum() > 0.6 * darker.sum()
        assert (seen(world, puppet) == seen(smooth, puppet)).all()


def test_wrinkles_come_on_the_side_that_moves():
    puppet = Puppet()
    traits = shaven()
    world, smooth = make_world(puppet, traits), make_world(puppet, traits)
    smooth._event._surface = smooth._event._surface._replace(wrinkles=np.zeros_like(world._event._surface.wrinkles))
    x_mm, _ = millimetres()
    for side, own in (("L", x_mm > 0), ("R", x_mm < 0)):
        darker = seen(smooth, puppet, units={f"AU2_{side}": 1.0}) - seen(world, puppet, units={f"AU2_{side}": 1.0})
        assert darker[own].sum() > 0.9 * darker.sum() > 100


# --- nothing pops


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("unit", sorted({unit.partition("_")[0] for unit in UNITS}))
def test_a_movement_begins_from_the_face_at_rest(head, unit):
    world, puppet = stage(head)
    rest = seen(world, puppet)
    hardly, little = (np.abs(seen(world, puppet, units=both(unit, level=level)) - rest).sum() for level in (1e-3, 1e-2))
    assert hardly < 0.25 * little


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("units", [("AU12", "AU6"), ("AU45",), ("AU25", "AU27"), ("AU9", "AU4"), ("AU31", "AU24")])
def test_a_slow_movement_changes_the_picture_little_by_little(head, units):
    world, puppet = stage(head)
    pictures = np.array([seen(world, puppet, units=both(*units, level=level)) for level in np.linspace(0.2, 0.8, 61)])
    steps = np.abs(np.diff(pictures, axis=0))
    amounts = steps.sum(axis=(1, 2))
    assert amounts.max() < 2.5 * np.median(amounts)
    assert steps.max() < 0.6 * WHITE, "more than two of the four samples of a pixel at once"


def test_a_slow_turn_of_the_head_changes_the_picture_little_by_little():
    world, puppet = stage()
    pictures = np.array([seen(world, puppet, pose=Pose(yaw_deg=yaw)) for yaw in np.linspace(-3, 3, 61)])
    amounts = np.abs(np.diff(pictures, axis=0)).sum(axis=(1, 2))
    assert amounts.max() < 1.6 * np.median(amounts)


# --- glasses


def test_lenses_mirror_the_lamp_where_it_stands_behind_the_camera():
    glasses = dataclasses.replace(subject(1, glasses=True).glasses, reflection=0.06)
    light = dataclasses.replace(subject(1).light, azimuth_deg=8.0, elevation_deg=10.0)
    clear, coated = (
        dataclasses.replace(subject(1), light=light, glasses=dataclasses.replace(glasses, reflection=share))
        for share in (0.0, 0.06)
    )
    puppet = Puppet()
    worlds = [make_world(puppet, traits, painted=clear) for traits in (clear, coated)]
    mirrored = np.subtract(*(seen(world, puppet) for world in worlds[::-1]))
    _, y_mm = millimetres()
    assert mirrored.min() >= -0.01
    assert mirrored.max() > 0.1 * WHITE
    assert np.abs(y_mm[mirrored > 1]).max() < 40
    turned = np.subtract(*(seen(world, puppet, pose=Pose(yaw_deg=12)) for world in worlds[::-1]))
    assert np.abs(centre_of(turned) - centre_of(mirrored)).max() > 3, "it wanders as the head turns"


def test_glasses_are_worn_where_asked_for():
    puppet = Puppet()
    without, with_them = (make_world(puppet, subject(1, glasses=glasses)) for glasses in (False, True))
    changed = np.abs(seen(without, puppet) - seen(with_them, puppet)) > 5
    _, y_mm = millimetres()
    assert np.count_nonzero(changed) > 500
    assert np.count_nonzero(changed & (np.abs(y_mm) < 40)) > 0.95 * np.count_nonzero(changed)
