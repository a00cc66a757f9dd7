"""The sheet of paper covers what it should, is white, has a soft edge and a hand, and says truly when it comes and goes."""

import numpy as np
import pytest

from recorder.sim.paper import COVERED_MM, PLANE_MM, Sheet, SheetView
from recorder.sim.slides import AWAY_MM, GONE_MM
from recorder.sim.view import EVENT_VIEW, RGB_VIEW, THERMAL_VIEW, View

VIEWS = {"event": EVENT_VIEW, "rgb": RGB_VIEW, "thermal": THERMAL_VIEW}
HAND = (0.2, 0.3, 0.45)
HANDLESS_MM = 1_000.0  # a grip so far along the edge that no hand is in view
WAYS = [-90.0, 90.0, 0.0, 180.0, -84.0, 97.0]


def sheet(angle_deg=-90.0, *, bow_mm=0.0, grip_mm=HANDLESS_MM, lean_deg=0.0):
    return Sheet(angle_deg, bow_mm, grip_mm, lean_deg, HAND)


def drawn_sheets(count):
    rng = np.random.default_rng(5)
    return [Sheet.draw(rng) for _ in range(count)]


def covered(paper, view, shift_mm, *, under=0.25, white=1.0, skin=0.1):
    """Picture [H, W] of the sheet over something grey. shift_mm: a number, or [N, H]."""
    width, height = view.size
    picture = np.full((height, width, 1), under, np.float32)
    shifts = np.full((1, height), shift_mm, np.float32) if np.isscalar(shift_mm) else np.asarray(shift_mm, np.float32)
    SheetView(paper, view).cover(picture, shifts, np.array([white], np.float32), np.array([skin], np.float32))
    return picture[:, :, 0]


# --- where it is


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("number", range(12))
def test_every_sheet_covers_every_view_at_shift_0_and_has_left_it_where_a_slide_ends(view, number):
    paper = drawn_sheets(12)[number]
    assert covered(paper, view, 0.0, under=-9).min() > 0, "something shows through"
    assert (covered(paper, view, GONE_MM) == np.float32(0.25)).all()


@pytest.mark.parametrize("number", range(12))
def test_at_away_the_event_camera_sees_all(number):
    assert (covered(drawn_sheets(12)[number], EVENT_VIEW, AWAY_MM) == np.float32(0.25)).all()


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("angle_deg", WAYS)
@pytest.mark.parametrize("bow_mm", [-2.0, 0.0, 2.0])
def test_it_leaves_a_view_exactly_when_it_says_so(view, angle_deg, bow_mm):
    paper = sheet(angle_deg, bow_mm=bow_mm)
    leaves = SheetView(paper, view).leaves_at_mm()
    assert (covered(paper, view, leaves) == np.float32(0.25)).all()
    last = covered(paper, view, leaves - 0.3)
    assert 0 < np.count_nonzero(last > 0.25) < last.size / 50, "only the last corner is touched"


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("angle_deg", WAYS)
def test_its_edge_comes_into_view_exactly_when_it_says_so(view, angle_deg):
    paper = sheet(angle_deg)
    enters = SheetView(paper, view).enters_at_mm()
    whole = covered(paper, view, 0.0)
    assert (covered(paper, view, enters) == whole).all()
    first = covered(paper, view, enters + 0.3)
    assert 0 < np.count_nonzero(first != whole) < first.size / 50


@pytest.mark.parametrize(
    ("angle_deg", "free"),
    [
        (-90.0, np.s_[:60, :]),  # leaves downwards: the upper part is free first
        (90.0, np.s_[-60:, :]),
        (0.0, np.s_[:, :60]),  # to the viewer's right: the left part is free first
        (180.0, np.s_[:, -60:]),
    ],
)
def test_it_leaves_the_way_it_says(angle_deg, free):
    half = covered(sheet(angle_deg), EVENT_VIEW, COVERED_MM)
    assert (half[free] == np.float32(0.25)).all()
    assert half[::-1, ::-1][free].min() > 0.85
    assert np.count_nonzero(half > 0.6) == pytest.approx(half.size / 2, rel=0.02)


def edge_mm(picture, coordinates_mm):
    """Where the picture crosses half way between 0.25 and 1 along a line."""
    order = np.argsort(picture)
    return np.interp(0.625, picture[order], coordinates_mm[order])


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_all_cameras_see_the_edge_at_one_place_in_space(view):
    x_mm, y_mm = view.plane_mm(PLANE_MM)
    column, row = view.size[0] // 2, view.size[1] // 2
    for shift_mm in (110.0, 130.0, 150.0):
        down = covered(sheet(-90.0), view, shift_mm)[:, column]
        assert edge_mm(down, y_mm[:, column]) == pytest.approx(-(shift_mm - COVERED_MM), abs=0.25)
        across = covered(sheet(0.0), view, shift_mm)[row]
        assert edge_mm(across, x_mm[row]) == pytest.approx(shift_mm - COVERED_MM, abs=0.25)


def test_the_edge_is_bent_by_its_bow():
    x_mm, y_mm = EVENT_VIEW.plane_mm(PLANE_MM)
    picture = covered(sheet(-90.0, bow_mm=8.0), EVENT_VIEW, COVERED_MM)
    for column in (3, 100, 250):
        bent_mm = 8.0 * (x_mm[0, column] / 100) ** 2
        assert edge_mm(picture[:, column], y_mm[:, column]) == pytest.approx(bent_mm, abs=0.25)


# --- how it looks


def test_its_edge_is_out_of_focus_by_the_width_of_the_lens_and_without_steps():
    line = covered(sheet(-90.0), EVENT_VIEW, COVERED_MM)[:, 100]
    rising = np.diff(line)
    blur_px = EVENT_VIEW.blur_mm(PLANE_MM) * EVENT_VIEW.focal_px / PLANE_MM
    soft = np.count_nonzero((line > 0.26) & (line < 0.97))
    assert 2 * blur_px * 0.6 < soft <= 2 * blur_px + 1
    assert rising.max() < 0.75 * 1.5 / (2 * blur_px) * 1.1, "steeper than a smooth edge of that width"
    assert EVENT_VIEW.blur_mm(350.0) < EVENT_VIEW.blur_mm(PLANE_MM) / 1.5, "the face is in focus"


def test_paper_is_white_and_nearly_even():
    white = covered(sheet(), EVENT_VIEW, 0.0)
    assert white.min() > 0.8
    assert white.max() < 1.1
    assert np.abs(np.diff(white, axis=1)).max() < 0.002


def test_a_step_of_the_paper_moves_the_picture_smoothly():
    lines = np.array([covered(sheet(-90.0), EVENT_VIEW, shift)[:, 100] for shift in np.arange(128, 132, 0.05)])
    assert np.abs(np.diff(lines, axis=0)).max() < 0.05
    assert np.diff(lines.sum(axis=1)).max() <= 0


@pytest.mark.parametrize("angle_deg", WAYS)
def test_a_thumb_holds_it_in_the_colour_of_the_hand(angle_deg):
    with_hand = covered(sheet(angle_deg, grip_mm=0.0), EVENT_VIEW, 0.0, skin=0.3)
    without = covered(sheet(angle_deg), EVENT_VIEW, 0.0, skin=0.3)
    hand = with_hand < 0.6 * without
    assert 0.01 < hand.mean() < 0.3
    assert with_hand[hand].min() > 0.12
    assert with_hand[hand].max() < 0.62
    x_mm, y_mm = EVENT_VIEW.plane_mm(PLANE_MM)
    way = np.radians(angle_deg)
    along = x_mm * np.cos(way) + y_mm * np.sin(way)
    assert along[hand].min() > 0, "the tip is at the side to which the paper leaves"


def test_the_hand_goes_with_the_paper():
    def tip_mm(shift_mm):
        hand = covered(sheet(180.0, grip_mm=0.0), EVENT_VIEW, shift_mm, under=1.0, skin=0.3) < 0.6
        return EVENT_VIEW.plane_mm(PLANE_MM)[0][hand].max()

    assert tip_mm(5.0) - tip_mm(15.0) == pytest.approx(10, abs=0.5)


# --- rolling shutter and exposure


def test_every_row_has_the_paper_of_its_own_time():
    height = RGB_VIEW.size[1]
    shifts = np.linspace(118, 142, height)
    picture = covered(sheet(0.0), RGB_VIEW, shifts[None])
    x_mm, _ = RGB_VIEW.plane_mm(PLANE_MM)
    for row in (0, 100, 240, height - 1):
        assert edge_mm(picture[row], x_mm[row]) == pytest.approx(shifts[row] - COVERED_MM, abs=0.25)


def test_an_exposure_is_the_mean_of_its_instants():
    height = EVENT_VIEW.size[1]
    shifts = [120.0, 128.0, 136.0]
    together = covered(sheet(-90.0), EVENT_VIEW, np.repeat(np.array(shifts)[:, None], height, axis=1))
    alone = np.mean([covered(sheet(-90.0), EVENT_VIEW, shift) for shift in shifts], axis=0)
    assert together == pytest.approx(alone, abs=1e-5)


# --- how people hold it


def test_sheets_are_mostly_taken_away_downwards_and_never_the_same():
    sheets = drawn_sheets(400)
    downwards = np.mean([abs(paper.angle_deg + 90) < 20 for paper in sheets])
    assert 0.58 < downwards < 0.72
    assert len({paper.grip_mm for paper in sheets}) == 400
    assert {round(paper.angle_deg / 90) for paper in sheets} == {-1, 0, 1, 2}


# --- the cameras' places


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_every_camera_looks_at_the_same_point_of_the_face(view):
    point = view.to_camera(np.array([[0, 0, -350]], np.float32))[0]
    assert point[:2] == pytest.approx([0, 0], abs=1e-3)
    assert point[2] == pytest.approx(np.hypot(350, np.hypot(*view.place_mm)), rel=1e-4)


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("distance_mm", [130.0, 350.0, 900.0])
def test_a_pixel_sees_in_a_plane_the_point_that_is_projected_on_it(view, distance_mm):
    x_mm, y_mm = view.plane_mm(distance_mm)
    width, height = view.size
    for row, column in ((0, 0), (height // 3, width // 4), (height - 1, width - 1)):
        world = np.array([[x_mm[row, column], y_mm[row, column], -distance_mm]], np.float32)
        x, y, z = view.to_camera(world)[0]
        assert width / 2 + view.focal_px * x / z == pytest.approx(column + 0.5, abs=0.01)
        assert height / 2 + view.focal_px * y / z == pytest.approx(row + 0.5, abs=0.01)


def test_a_lens_is_sharpest_where_it_is_focused():
    view = View((100, 80), 400.0)
    blurs_px = [view.blur_mm(z) * view.focal_px / z for z in (100, 200, 350, 500, 900)]
    assert np.argmin(blurs_px) == 2
    assert blurs_px[2] == pytest.approx(0.5), "half a pixel is the sensor's own"
