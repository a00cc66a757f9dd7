"""What the three simulated cameras see of one world: paper at its own time in each, rolling shutter, blur, warmth."""

import dataclasses

import numpy as np
import pytest
from sim_helpers import DOWNWARDS, Puppet, looks, make_world, shaven, stage, subject

from recorder.sim.body import EYES_UP_MM
from recorder.sim.paper import COVERED_MM, PLANE_MM, Sheet
from recorder.sim.slides import AWAY_MM, GONE_MM
from recorder.sim.state import FaceState, Pose
from recorder.sim.view import EVENT_VIEW, RGB_VIEW, THERMAL_VIEW
from recorder.sim.world import MOST_STEPS, STEP_PX

STEP_US = 8_000
RGB_SIZE, THERMAL_SIZE = RGB_VIEW.size, THERMAL_VIEW.size
PX_PER_MM = EVENT_VIEW.focal_px / PLANE_MM
RIGHTWARDS = Sheet(0.0, 0.0, 1_000.0, 0.0, (0.2, 0.3, 0.45))  # no hand in view
BARE = Sheet(-90.0, 0.0, 1_000.0, 0.0, (0.2, 0.3, 0.45))


def world_with(shift_mm, sheet=BARE, face=None):
    """(world, puppet) before a dark wall; the paper goes as shift_mm(t_us) says."""
    puppet, traits = Puppet(face, shift_mm), shaven()
    dark = dataclasses.replace(traits.background, colour_bgr=(0.05, 0.05, 0.05), unevenness=0.0, gradient=(0.0, 0.0))
    return make_world(puppet, dataclasses.replace(traits, background=dark), sheet=sheet, painted=traits), puppet


# --- the event camera


def test_the_faster_the_paper_the_more_pictures_and_its_edge_never_jumps():
    for mm_per_ms in (0.0, 0.02, 0.3, 0.8):
        world, _ = world_with(lambda t, speed=mm_per_ms: 100 + speed * t / 1000)
        moved_px = mm_per_ms * 8 * PX_PER_MM
        assert len(world.event_pictures(0, STEP_US)) == np.clip(np.ceil(moved_px / STEP_PX), 1, MOST_STEPS)


def test_a_hand_moves_in_small_steps_before_the_edge_is_seen():
    world, _ = world_with(lambda t: 20 + t / 1000, DOWNWARDS)
    assert len(world.event_pictures(0, STEP_US)) > 8


def test_one_picture_is_enough_when_the_paper_is_out_of_view_however_fast_it_is():
    world, _ = world_with(lambda t: AWAY_MM + t / 100)
    assert len(world.event_pictures(0, STEP_US)) == 1


def test_each_picture_shows_the_paper_at_its_own_instant():
    def shift_mm(t_us):
        return 90 + 80 * (t_us / STEP_US) ** 2

    world, _ = world_with(shift_mm)
    pictures = world.event_pictures(0, STEP_US)
    for n, t_us in enumerate(np.arange(1, len(pictures) + 1) * STEP_US / len(pictures)):
        alone = world_with(shift_mm)[0].event_pictures(round(t_us), round(t_us))
        assert pictures[n] == pytest.approx(alone[-1], abs=0.2)


def test_the_last_picture_of_a_stretch_is_what_a_call_for_that_instant_gives():
    def face(t_us):
        return FaceState({"AU12_L": t_us / 40_000}, Pose(yaw_deg=t_us / 8_000))

    world, _ = world_with(lambda t: 100 + t / 200, face=face)
    for begin_us in range(0, 5 * STEP_US, STEP_US):
        last = world.event_pictures(begin_us, begin_us + STEP_US)[-1]
        again = world_with(lambda t: 100 + t / 200, face=face)[0].event_pictures(begin_us + STEP_US, begin_us + STEP_US)
        assert (last == again[-1]).all()


def test_between_two_pictures_of_the_face_its_light_goes_in_a_straight_line():
    world, _ = world_with(lambda t: 150 + t / 1000, face=lambda t: FaceState(pose=Pose(x_mm=t / 4_000)))
    pictures = world.event_pictures(0, STEP_US)
    before, after = (world.face_grey(t) for t in (0, STEP_US))
    assert len(pictures) > 2
    free = np.s_[:60]  # the sheet leaves downwards
    for n, picture in enumerate(pictures, 1):
        between = before + (after - before) * (n / len(pictures))
        assert picture[free] == pytest.approx(between[free], abs=1e-3)


def test_the_paper_hides_the_face_and_shows_it_all_again():
    world, puppet = world_with(0.0)
    covered = world.event_pictures(0, 0)[0]
    puppet.shift_mm = AWAY_MM
    free = world.event_pictures(1, 1)[0]
    assert np.ptp(covered) < 0.35 * np.ptp(free)
    assert (free == world.face_grey(1)).all()


def test_the_view_changes_until_the_paper_has_left_and_not_after():
    world, puppet = world_with(0.0)
    leaves = world.sheet_view.leaves_at_mm()
    shown = []
    for n, shift in enumerate((leaves - 0.3, leaves, leaves + 5, GONE_MM)):
        puppet.shift_mm = shift
        shown.append(world.event_pictures(n, n)[0])
    assert (shown[0] != shown[1]).any()
    assert (shown[1] == shown[2]).all()
    assert (shown[1] == shown[3]).all()


# --- the colour camera


def paper_share(moving, t_top_us, t_bottom_us, exposure_us, sheet=BARE):
    """How much of each pixel of the colour picture the paper covers, float [H, W]."""
    world, puppet = world_with(0.0, sheet)
    covered = world.colour(RGB_SIZE, t_top_us, t_bottom_us, exposure_us)
    puppet.shift_mm = GONE_MM
    free = world.colour(RGB_SIZE, t_top_us, t_bottom_us, exposure_us)
    puppet.shift_mm = moving
    picture = world.colour(RGB_SIZE, t_top_us, t_bottom_us, exposure_us)
    return ((picture - free).sum(axis=2)) / ((covered - free).sum(axis=2) + 1e-6), (covered - free).sum(axis=2)


def test_the_colour_cameras_rows_see_the_paper_at_their_own_times():
    def shift_mm(t_us):
        return 118 + t_us / 1_000

    share, contrast = paper_share(shift_mm, 0, 24_000, 2, RIGHTWARDS)
    x_mm, _ = RGB_VIEW.plane_mm(PLANE_MM)
    for row in range(0, 480, 40):
        usable = contrast[row] > 0.3
        at_mm = np.interp(0.5, share[row][usable], x_mm[row][usable])
        t_us = 24_000 * row / 479
        assert at_mm == pytest.approx(shift_mm(t_us) - COVERED_MM, abs=0.6)


def test_an_exposure_blurs_the_edge_by_the_way_that_it_goes():
    def width_mm(exposure_us):
        share, contrast = paper_share(lambda t: 130 + t / 1_000, 0, 2, exposure_us, RIGHTWARDS)
        usable = contrast[100] > 0.3
        x_mm = RGB_VIEW.plane_mm(PLANE_MM)[0][100][usable]
        low, high = (np.interp(level, share[100][usable], x_mm) for level in (0.1, 0.9))
        return high - low

    assert width_mm(12_000) - width_mm(2) == pytest.approx(0.8 * 12 - width_mm(2) / 2, abs=1.5)
    assert width_mm(2) < 2


def test_an_edge_that_moves_fast_is_a_ramp_and_not_a_comb():
    share, contrast = paper_share(lambda t: 130 + 3.9 * t / 1_000, 0, 2, 16_000, RIGHTWARDS)
    line = share[100][contrast[100] > 0.3]
    rising = np.diff(line)[(line[1:] > 0.1) & (line[1:] < 0.9)]
    assert rising.max() < 1.5 * rising.mean()


def test_the_three_cameras_see_the_edge_of_the_paper_at_one_place():
    for shift in (118.0, 130.0, 142.0):
        found = []
        for view, show in (
            (EVENT_VIEW, lambda world: world.event_pictures(0, 0)[0]),
            (RGB_VIEW, lambda world: world.colour(RGB_SIZE, 0, 2, 2).sum(axis=2)),
            (THERMAL_VIEW, lambda world: world.temperature(THERMAL_SIZE, 0)),
        ):
            pictures = [show(world_with(mm)[0]) for mm in (0.0, shift, GONE_MM)]
            covered, moving, free = pictures
            column = view.size[0] // 2
            line = np.s_[:, column]
            contrast = np.abs(covered[line] - free[line])
            usable = contrast > 0.15 * contrast.max()
            share = ((moving - free)[line] / (covered - free)[line])[usable]
            y_mm = view.plane_mm(PLANE_MM)[1][line][usable]
            found.append(np.mean([y_mm[share > 0.5].max(), y_mm[share < 0.5].min()]))
        assert found == pytest.approx([-(shift - COVERED_MM)] * 3, abs=1.2)


def test_a_head_that_moves_is_seen_by_each_row_at_its_own_time():
    def face(t_us):
        return FaceState(pose=Pose(x_mm=t_us / 4_000))

    world, _ = world_with(GONE_MM, face=face)
    rolled = world.colour(RGB_SIZE, 0, 24_000, 2)
    for row in (80, 200, 320):
        t_us = round(24_000 * row / 479)
        at_once = world.colour(RGB_SIZE, t_us, t_us + 1, 2)
        other = world.colour(RGB_SIZE, 24_000 - t_us, 24_001 - t_us, 2)
        own, wrong = (np.abs(rolled[row] - picture[row]).mean() for picture in (at_once, other))
        assert own < 0.25 * wrong


def test_a_head_that_moves_fast_is_blurred_and_one_at_rest_is_not():
    def sharpness(speed, exposure_us):
        world, _ = world_with(GONE_MM, face=lambda t: FaceState(pose=Pose(x_mm=(t - 10_000) * speed)))
        return np.abs(np.diff(world.colour(RGB_SIZE, 0, 20_000, exposure_us), axis=1)).sum()

    assert sharpness(0.0004, 16_000) < 0.9 * sharpness(0.0004, 100)
    assert sharpness(0.0, 16_000) == pytest.approx(sharpness(0.0, 100), rel=1e-4)


def test_the_colour_camera_stands_beside_the_event_camera():
    world, _ = stage()
    colour = world.colour(RGB_SIZE, 0, 2, 2)
    assert colour.shape == (480, 640, 3)
    assert colour.min() > 0
    assert colour.max() < 3
    nose = world._rgb.view.to_camera(np.array([[0, 0, -300]], np.float32))[0]
    chin = world._rgb.view.to_camera(np.array([[0, 0, -350]], np.float32))[0]
    assert nose[0] / nose[2] < chin[0] / chin[2], "what is nearer is further to the left for a camera at the right"


# --- the thermal camera


def mark(mesh, number):
    """(column, row) at which the thermal camera sees a landmark of a head at rest."""
    point = mesh.rest[mesh.landmarks[number]] + np.array([0, EYES_UP_MM, -350.0], np.float32)
    x, y, z = THERMAL_VIEW.to_camera(point[None].astype(np.float32))[0]
    focal_px = THERMAL_VIEW.focal_px
    return round(80 + focal_px * x / z - 0.5), round(60 + focal_px * y / z - 0.5)


@pytest.mark.parametrize("head", ["builtin", "ict"])
def test_the_inner_corner_of_the_eye_is_warmest_then_the_cheek_then_the_nose(head):
    world, _ = stage(head, shaven())
    mesh, _ = looks(head, None, shaven())
    picture = world.temperature(THERMAL_SIZE, 0)
    (ex, ey), (nx, ny), (ex2, ey2) = mark(mesh, 39), mark(mesh, 30), mark(mesh, 42)
    cheek_row = (ey + ny) // 2 + 3
    canthus = max(picture[ey - 1 : ey + 2, ex - 1 : ex + 2].max(), picture[ey2 - 1 : ey2 + 2, ex2 - 1 : ex2 + 2].max())
    cheek = np.median(picture[cheek_row : cheek_row + 4, [nx - 14, nx - 13, nx + 13, nx + 14]])
    nose = picture[ny - 1 : ny + 2, nx - 1 : nx + 2].min()
    assert 32 < nose < cheek < canthus < 38


def test_a_wall_has_the_temperature_of_the_room():
    world, _ = stage()
    picture = world.temperature(THERMAL_SIZE, 0)
    assert picture[5:60, 2:15] == pytest.approx(subject().background.temperature_c, abs=0.1)


def test_paper_has_room_temperature_and_the_hand_that_holds_it_is_warm():
    world, _ = world_with(0.0, DOWNWARDS)
    picture = world.temperature(THERMAL_SIZE, 0)
    assert np.median(picture) == pytest.approx(23.0, abs=0.8)
    assert 29 < picture.max() < 34
    assert picture.min() > 21


def test_spectacle_lenses_hide_the_warm_eyes_behind_them():
    warm, cool = (make_world(Puppet(), subject(1, glasses=glasses)).temperature(THERMAL_SIZE, 0) for glasses in (False, True))
    mesh, _ = looks("builtin", None, subject(1))
    for corners in ((36, 39), (42, 45)):
        x, y = np.mean([mark(mesh, number) for number in corners], axis=0).round().astype(int)
        assert warm[y - 1 : y + 2, x - 1 : x + 2].min() > 32
        assert cool[y - 1 : y + 2, x - 1 : x + 2].max() < 29


def test_breathing_out_warms_the_nostrils_and_nothing_else():
    world, puppet = world_with(GONE_MM)
    out, full = [], []
    for found, breath in ((out, 0.0), (full, 1.0)):
        puppet.wanted = FaceState(breath=breath)
        found.append(world.temperature(THERMAL_SIZE, 0))
    warmer = (out[0] - full[0])[:95]  # below, the shoulders rise
    mesh, _ = looks("builtin", None, shaven())
    x, y = mark(mesh, 33)
    assert 0.15 < warmer.max() < 0.6
    row, column = np.unravel_index(np.argmax(warmer), warmer.shape)
    assert abs(row - y) <= 3
    assert abs(column - x) <= 6
    assert np.count_nonzero(warmer > 0.1) < 150
