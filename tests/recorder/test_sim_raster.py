"""Triangles become the samples that they cover, exactly once, at the depth that they have there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.sim.raster import FAR, NOTHING, SUB, cleared, draw, grey_preview, project, vertex_normals

WIDTH, HEIGHT = 24, 16
FRONT = [0, 2, 1]  # turns the order in which a triangle's corners go clockwise on screen, y down, into a front


def triangle(*corners, z=10.0):
    """Screen points [3, 3] from (x, y) or (x, y, z)."""
    return np.array([(*corner, z)[:3] for corner in corners], np.float32)


def drawn(screen, triangles=((0, 1, 2),), size=(WIDTH, HEIGHT)):
    ids, depth = cleared(*size)
    draw(np.asarray(screen, np.float32), np.asarray(triangles, np.int32), ids, depth)
    return ids, depth


def samples(size=(WIDTH, HEIGHT)):
    """x and y of every sample, in pixels."""
    x, y = np.meshgrid(np.arange(size[0] * SUB) + 0.5, np.arange(size[1] * SUB) + 0.5)
    return x / SUB, y / SUB


def inside(corners):
    """Which samples lie within a triangle of screen points, by the sign of three areas; and how near the border they are."""
    x, y = samples()
    a, b, c = np.asarray(corners, np.float64)[:, :2]
    edges = []
    for one, other in ((a, b), (b, c), (c, a)):
        length = np.hypot(*(other - one)) + 1e-12
        edges.append(((other[0] - one[0]) * (y - one[1]) - (other[1] - one[1]) * (x - one[0])) / length)
    turned = np.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))
    nearest = np.min(np.array(edges) * turned, axis=0)
    return nearest > 0, np.abs(nearest)


# --- which samples

FACING = triangle((2, 2), (2, 12), (20, 2))  # counter-clockwise as seen: y points down


def test_a_triangle_covers_the_samples_within_it_and_no_other():
    ids, depth = drawn(FACING)
    covered, margin = inside(FACING)
    sure = margin > 1e-4
    assert ((ids == 0) == covered)[sure].all()
    assert (depth[ids == 0] == 10).all()
    assert (depth[ids == NOTHING] == FAR).all()


corner = st.tuples(st.floats(-30, 60, width=32), st.floats(-30, 50, width=32))


@given(corner, corner, corner)
@settings(max_examples=150, deadline=None)
def test_any_triangle_covers_what_lies_within_it_also_across_the_border_of_the_picture(a, b, c):
    screen = triangle(a, b, c)
    signed = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    if abs(signed) < 1.0:
        return  # a sliver: rounding decides
    ids, _ = drawn(screen if signed < 0 else screen[FRONT])
    covered, margin = inside(screen)
    sure = margin > 2e-3
    assert ((ids == 0) == covered)[sure].all()


def test_a_back_is_left_out():
    assert (drawn(FACING[FRONT])[0] == NOTHING).all()


def test_a_triangle_without_area_is_left_out():
    assert (drawn(triangle((2, 2), (8, 8), (14, 14)))[0] == NOTHING).all()
    assert (drawn(triangle((2, 2), (2, 2), (2, 2)))[0] == NOTHING).all()


def test_a_triangle_that_holds_no_sample_covers_nothing():
    assert (drawn(triangle((3.30, 3.30), (3.30, 3.45), (3.45, 3.30)))[0] == NOTHING).all()


# --- depth


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_nearer_one_wins_whatever_the_order(order):
    near, far = triangle((2, 2), (2, 12), (20, 2), z=50), triangle((0, 0), (0, 16), (24, 0), z=80)
    screen = np.concatenate([near, far])
    triangles = np.array([(0, 1, 2), (3, 4, 5)])[list(order)]
    ids, depth = drawn(screen, triangles)
    of_near = inside(near)[0] & (inside(near)[1] > 1e-3)
    assert (ids[of_near] == order.index(0)).all()
    assert (depth[of_near] == 50).all()
    assert (depth[ids == order.index(1)] == 80).all()


def test_two_that_cross_meet_where_they_are_equally_deep():
    rising, falling = triangle((0, 0, 10), (0, 16, 10), (24, 0, 34)), triangle((0, 0, 34), (0, 16, 34), (24, 0, 10))
    ids, _ = drawn(np.concatenate([rising, falling]), [(0, 1, 2), (3, 4, 5)])
    x, _ = samples()
    covered = ids != NOTHING
    assert (ids[covered & (x < 11.9)] == 0).all()
    assert (ids[covered & (x > 12.1)] == 1).all()


def test_depth_on_a_slanted_plane_is_that_of_the_plane_at_every_sample():
    corners = [(x, y, 300 + 2.5 * x - 1.25 * y) for x, y in ((-4, -6), (-4, 30), (40, -6))]
    ids, depth = drawn(triangle(*corners))
    x, y = samples()
    plane = 300 + 2.5 * x - 1.25 * y
    assert np.count_nonzero(ids == 0) > 500
    assert depth[ids == 0] == pytest.approx(plane[ids == 0], abs=2e-3)


# --- meshes


def grid(columns, rows, size, turn_rad, rng):
    """A rectangle cut into triangles, its inner points shaken: screen [V, 3], triangles [F, 3]."""
    x, y = np.meshgrid(np.linspace(0, size[0], columns + 1), np.linspace(0, size[1], rows + 1))
    shaken = rng.uniform(-0.3, 0.3, (2, rows + 1, columns + 1)) * [[[size[0] / columns]], [[size[1] / rows]]]
    shaken[:, [0, -1]] = shaken[:, :, [0, -1]] = 0
    flat = np.stack([x + shaken[0] - size[0] / 2, y + shaken[1] - size[1] / 2], axis=-1).reshape(-1, 2)
    c, s = np.cos(turn_rad), np.sin(turn_rad)
    screen = np.column_stack([flat @ [[c, s], [-s, c]] + [WIDTH / 2, HEIGHT / 2], np.full(len(flat), 100.0)])
    at = np.arange(rows * (columns + 1)).reshape(rows, columns + 1)[:, :-1].ravel()
    right, below = at + 1, at + columns + 1
    return screen, np.concatenate([np.stack([at, below, right], 1), np.stack([right, below, below + 1], 1)])


@given(st.integers(0, 2**32 - 1), st.floats(0, 6.3), st.sampled_from([(3, 3), (17, 11), (60, 40)]))
@settings(max_examples=60, deadline=None)
def test_neighbours_leave_no_crack_between_them(seed, turn_rad, cells):
    screen, triangles = grid(*cells, (60, 60), turn_rad, np.random.default_rng(seed))
    ids, _ = drawn(screen, triangles)
    assert (ids != NOTHING).all()


def test_each_sample_of_a_mesh_lies_in_one_triangle_of_it():
    screen, triangles = grid(17, 11, (60, 60), 0.3, np.random.default_rng(1))
    hits = np.zeros((HEIGHT * SUB, WIDTH * SUB), int)
    for number in range(len(triangles)):
        hits += drawn(screen, triangles[number : number + 1])[0] == 0
    assert hits.min() == 1
    assert np.count_nonzero(hits > 1) <= 2, "only on an edge, to within rounding"


# --- the camera


def test_a_point_is_seen_where_a_pinhole_would_show_it():
    points = np.array([(10, -5, 100), (0, 0, 50), (-3, 4, 200)], np.float32)
    screen = np.empty_like(points)
    project(points, 400.0, 173.0, 130.0, screen)
    assert screen == pytest.approx(np.array([(213, 110, 100), (173, 130, 50), (167, 138, 200)], np.float32))


@pytest.mark.parametrize("z", [-500.0, -1.0, 0.0, 1e-6, 0.5])
def test_what_lies_behind_the_camera_neither_fails_nor_gets_numbers_without_meaning(z):
    points = np.array([(-80, -60, 300), (-80, 60, 300), (90, 0, z)], np.float32)
    screen = np.empty_like(points)
    project(points, 400.0, WIDTH / 2, HEIGHT / 2, screen)
    assert np.isfinite(screen).all()
    assert screen[:, 2].min() >= 1
    ids, depth = drawn(screen, [(0, 1, 2), (0, 2, 1)])
    assert set(np.unique(ids)) <= {NOTHING, 0, 1}
    assert depth.min() >= 1


# --- what the eye would see


def shares(left):
    """How much of every pixel of a row a plate covers that begins at x = left."""
    plate = triangle((left, -1), (left, 17), (30, -1), (30, 17))
    ids, _ = drawn(plate, [(0, 1, 2), (2, 1, 3)])
    return (ids != NOTHING).reshape(HEIGHT, SUB, WIDTH, SUB).mean(axis=(1, 3))[8]


def test_an_edge_that_moves_by_less_than_a_pixel_moves_through_the_pixel_and_never_jumps():
    lefts = np.arange(3.0, 9.0, 0.05)
    covered = np.array([shares(left).sum() for left in lefts])
    assert (np.diff(covered) <= 0).all()
    assert np.abs(np.diff(covered)).max() == pytest.approx(1 / SUB)
    assert np.abs(covered - (WIDTH - lefts)).max() <= 0.5 / SUB + 0.01


# --- normals


def sphere(rings=24, columns=48, radius=30.0):
    """Points [V, 3] and triangles [F, 3], counter-clockwise seen from outside."""
    theta = np.linspace(0, np.pi, rings + 1)
    phi = np.linspace(0, 2 * np.pi, columns, endpoint=False)
    t, p = np.meshgrid(theta, phi, indexing="ij")
    points = radius * np.stack([np.sin(t) * np.sin(p), np.cos(t), np.sin(t) * np.cos(p)], axis=-1).reshape(-1, 3)
    at = np.arange(rings * columns)
    after = at // columns * columns + (at + 1) % columns
    triangles = np.concatenate([np.stack([at, at + columns, after], 1), np.stack([after, at + columns, after + columns], 1)])
    return points.astype(np.float32), triangles.astype(np.int32)


def test_the_normals_of_a_sphere_point_away_from_its_middle():
    points, triangles = sphere()
    normals = np.empty_like(points)
    vertex_normals(points, triangles, normals)
    inner = slice(48, -48)  # at the poles triangles have no area
    directions = points / np.linalg.norm(points, axis=1, keepdims=True)
    assert np.linalg.norm(normals[inner], axis=1) == pytest.approx(1, abs=1e-4)
    assert (normals * directions).sum(axis=1)[inner].min() > np.cos(np.radians(2))


def test_a_vertex_without_triangles_has_no_normal_and_is_no_problem():
    points = np.zeros((4, 3), np.float32)
    points[1, 0] = points[2, 1] = 1
    normals = np.full_like(points, 7)
    vertex_normals(points, np.array([(0, 1, 2)], np.int32), normals)
    assert normals[:3] == pytest.approx(np.tile([0, 0, 1], (3, 1)))
    assert normals[3] == pytest.approx([0, 0, 0])


def test_a_preview_shows_a_sphere_without_holes_lit_from_the_upper_left():
    points, triangles = sphere(radius=60)
    picture = grey_preview(points, triangles, np.ones(len(points), np.float32))
    x = np.nonzero(picture < 225)[1]
    assert abs(x.mean() - 173) < 15
    ball = np.hypot(np.arange(346)[None] - 173, np.arange(260)[:, None] - 120) < 40
    assert picture[ball].max() > 180
    assert picture[100:110, 150:160].mean() > picture[140:150, 190:200].mean() + 40
