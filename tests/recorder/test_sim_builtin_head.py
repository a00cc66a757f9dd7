"""The built-in head: a closed, symmetrical face of human measures whose lids, lips and jaw do what their action units say."""

from functools import cache

import numpy as np
import pytest

from recorder.sim.builtin_grid import skin_grid
from recorder.sim.builtin_head import BuiltinHead
from recorder.sim.builtin_traits import PARAMETERS
from recorder.sim.head import HeadMesh, Part
from recorder.sim.state import SIDED_UNITS, UNITS

HEAD = BuiltinHead()
GRID = skin_grid()
EVERYBODY = range(8)
COMBINATIONS = {
    "smile": ("AU6", "AU12", "AU25"),
    "laugh": ("AU6", "AU12", "AU25", "AU26"),
    "smiling blink": ("AU6", "AU12", "AU45"),
    "surprise": ("AU1", "AU2", "AU5", "AU25", "AU26"),
    "fear": ("AU1", "AU2", "AU4", "AU5", "AU20", "AU25", "AU26"),
    "sadness": ("AU1", "AU4", "AU15", "AU17"),
    "disgust": ("AU4", "AU7", "AU9", "AU10", "AU17"),
    "anger": ("AU4", "AU5", "AU7", "AU24"),
    "clench": ("AU24", "AU31"),
    "yawn": ("AU25", "AU27", "AU45"),
    "inverted smile": ("AU15", "AU17"),
    "frowning blink": ("AU4", "AU45"),
    "wrinkled blink": ("AU9", "AU45"),
}


@cache
def somebody(number: int) -> HeadMesh:
    """The mean head for 0, else one of a fixed crowd, the odd ones far from the mean in every parameter."""
    rng = np.random.default_rng(number)
    identity = np.zeros(len(PARAMETERS)) if number == 0 else rng.standard_normal(len(PARAMETERS))
    return HEAD.mesh((np.sign(identity) * 2 if number % 2 else identity).astype(np.float32))


def both(units, strength=1.0):
    """Activations of units, the sided ones on both sides."""
    sides = {unit: (f"{unit}_L", f"{unit}_R") if unit in SIDED_UNITS else (unit,) for unit in units}
    return {name: strength for names in sides.values() for name in names}


def moved(mesh, activations):
    points = mesh.rest.astype(float)
    for name, strength in activations.items():
        shape = mesh.shapes[name]
        points[shape.indices] += strength * shape.deltas
    return points


def normals(points, triangles):
    a, b, c = (points[triangles[:, k]] for k in range(3))
    return np.cross(b - a, c - a)


def edges_of(triangles):
    return np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])


def field(mesh, name):
    deltas = np.zeros(mesh.rest.shape)
    deltas[mesh.shapes[name].indices] = mesh.shapes[name].deltas
    return deltas


def between(mesh, one, other):
    return float(np.linalg.norm(mesh.rest[mesh.landmarks[one]] - mesh.rest[mesh.landmarks[other]]))


def visible(mesh):
    """Triangles that are not inside the eyeballs."""
    hidden = np.zeros(len(mesh.rest), bool)
    for slit in GRID.slits[:2]:
        hidden[slit.rings[1:]] = hidden[slit.apex] = True
    return ~hidden[mesh.triangles].any(axis=1)


@pytest.mark.parametrize("number", EVERYBODY)
def test_arrays_have_the_shapes_and_types_of_a_head(number):
    mesh = somebody(number)
    count = len(mesh.rest)
    assert mesh.rest.dtype == np.float32
    assert mesh.rest.shape == (count, 3)
    assert mesh.triangles.dtype == np.int32
    assert mesh.triangles.min() == 0
    assert mesh.triangles.max() == count - 1
    assert mesh.parts.dtype == np.uint8
    assert mesh.parts.shape == (count,)
    assert set(mesh.parts.tolist()) == {int(part) for part in Part}
    assert mesh.landmarks.dtype == np.int32
    assert mesh.landmarks.shape == (68,)
    assert np.isfinite(mesh.rest).all()


def test_vertices_are_few_enough_to_render_live_and_all_are_used():
    mesh = somebody(0)
    assert 6_000 <= len(mesh.rest) <= 12_000
    assert len(np.unique(mesh.triangles)) == len(mesh.rest)


def test_every_unit_and_swallowing_has_a_shape():
    mesh = somebody(1)
    assert set(mesh.shapes) == {*UNITS, "swallow"}
    for shape in mesh.shapes.values():
        assert shape.indices.dtype == np.int32
        assert shape.deltas.dtype == np.float32
        assert shape.deltas.shape == (len(shape.indices), 3)
        assert 0 < len(np.unique(shape.indices)) == len(shape.indices)
        assert np.isfinite(shape.deltas).all()


def test_topology_and_landmarks_are_the_same_for_everybody():
    mean, other = somebody(0), somebody(5)
    assert (mean.triangles == other.triangles).all()
    assert (mean.landmarks == other.landmarks).all()
    assert (mean.parts == other.parts).all()


def test_the_same_identity_gives_the_same_head():
    identity = np.random.default_rng(8).standard_normal(len(PARAMETERS)).astype(np.float32)
    one, two = HEAD.mesh(identity), HEAD.mesh(identity)
    assert (one.rest == two.rest).all()
    assert all((one.shapes[name].deltas == two.shapes[name].deltas).all() for name in one.shapes)


def test_an_identity_of_another_length_is_refused():
    with pytest.raises(ValueError, match=f"has {len(PARAMETERS)} parameters"):
        HEAD.mesh(np.zeros(3, np.float32))


@pytest.mark.parametrize("parameter", range(len(PARAMETERS)), ids=PARAMETERS)
def test_each_parameter_changes_the_face_by_millimetres(parameter):
    identity = np.zeros(len(PARAMETERS), np.float32)
    identity[parameter] = 1
    change = np.linalg.norm(HEAD.mesh(identity).rest - somebody(0).rest, axis=1).max()
    assert 0.2 < change < 12


def test_every_edge_has_two_triangles_but_those_at_the_shoulders():
    mesh = somebody(0)
    edges = edges_of(mesh.triangles)
    directed, counts = np.unique(edges, axis=0, return_counts=True)
    assert counts.max() == 1, "two triangles run along an edge in the same direction: their windings disagree"
    known = {(int(a), int(b)) for a, b in directed}
    open_edges = [(a, b) for a, b in known if (b, a) not in known]
    shoulders = set(GRID.lower[-1].tolist())
    assert len(open_edges) == len(shoulders)
    assert all(a in shoulders and b in shoulders for a, b in open_edges)


@pytest.mark.parametrize("number", EVERYBODY)
def test_no_triangle_is_degenerate(number):
    mesh = somebody(number)
    areas = np.linalg.norm(normals(mesh.rest.astype(float), mesh.triangles), axis=1) / 2
    assert areas.min() > 1e-3


def test_triangles_face_outwards():
    mesh = somebody(0)
    points = mesh.rest.astype(float)
    for part in (Part.EYE_LEFT, Part.EYE_RIGHT):
        mine = mesh.triangles[(mesh.parts[mesh.triangles] == part).all(axis=1)]
        out = points[mine].mean(axis=1) - points[mine].mean(axis=(0, 1))
        assert ((normals(points, mine) * out).sum(axis=1) > 0).all()
    scalp = mesh.triangles[(mesh.triangles < len(GRID.phi)).all(axis=1)]
    scalp = scalp[(points[scalp][..., 1] > 45).all(axis=1)]
    out = points[scalp].mean(axis=1) - np.array([0, 20, -75])
    assert ((normals(points, scalp) * out).sum(axis=1) > 0).all()


def test_closed_pieces_enclose_a_positive_volume():
    mesh = somebody(0)
    rest = mesh.rest.astype(float)
    count = GRID.count
    outside = mesh.triangles[(mesh.triangles >= count).all(axis=1)]
    parent = np.arange(len(rest))

    def root(vertex):
        while parent[vertex] != vertex:
            vertex = parent[vertex]
        return vertex

    for a, b, c in outside.tolist():
        parent[root(a)] = root(b)
        parent[root(b)] = root(c)
    owner = np.array([root(a) for a in outside[:, 0].tolist()])
    volumes = []
    for piece in np.unique(owner):
        a, b, c = (rest[outside[owner == piece][:, k]] - rest[piece] for k in range(3))
        volumes.append((a * np.cross(b, c)).sum() / 6)
    assert len(volumes) == 9, "eyeballs, ears, lashes, two arches of teeth, tongue"
    assert min(volumes) > 0


# Means of adults, men and women together, in mm: Farkas, "Anthropometry of the Head and Face", 2nd ed., 1994; within
# about two standard deviations.
@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        (39, 42, 29, 36),  # en-en
        (36, 45, 84, 97),  # ex-ex
        (36, 39, 28, 33),  # en-ex
        (37, 41, 8, 12),  # palpebral fissure height, a little beside its middle
        (48, 54, 46, 58),  # ch-ch
        (27, 33, 45, 58),  # n-sn
        (27, 8, 108, 126),  # n-gn
        (33, 62, 17, 25),  # sn-sto
        (0, 16, 128, 148),  # about zy-zy
        (51, 57, 12, 20),  # height of both reds
    ],
)
def test_the_mean_head_has_human_measures(one, other, low, high):
    assert low < between(somebody(0), one, other) < high


def test_the_mean_skull_has_human_measures():
    rest = somebody(0).rest[: len(GRID.phi)]
    upper = rest[rest[:, 1] > -20]
    assert 145 < np.ptp(upper[:, 0]) < 158  # eu-eu
    assert 185 < upper[upper[:, 1] > 10][:, 2].max() - upper[:, 2].min() < 200  # g-op
    assert 9 < somebody(0).rest[somebody(0).landmarks[27], 2] - 12 < 14  # radix before the cornea (Byrd & Hobar 1993)


def test_landmarks_lie_where_the_annotation_has_them():
    mesh = somebody(0)
    place = mesh.rest[mesh.landmarks]
    assert (np.diff(place[:17, 0]) > 0).all(), "the jaw line runs from the viewer's left"
    assert place[8, 1] == place[:17, 1].min()
    assert (np.diff(place[17:27, 0]) > 0).all()
    assert (place[17:27, 1] > place[36:48, 1].max()).all()
    assert (np.diff(place[27:31, 1]) < 0).all()
    assert place[30, 2] == place[:, 2].max(), "the tip of the nose is foremost"
    assert (np.diff(place[31:36, 0]) > 0).all()
    assert place[36, 0] < place[37, 0] < place[38, 0] < place[39, 0] < place[42, 0]
    assert (place[[37, 38, 43, 44], 1] > place[[41, 40, 47, 46], 1]).all()
    assert (np.diff(place[48:55, 0]) > 0).all()
    assert (np.diff(place[54:60, 0]) < 0).all()
    assert (place[49:54, 1] > place[[59, 58, 57, 56, 55], 1]).all()


@pytest.mark.parametrize("number", EVERYBODY)
def test_eyeballs_lie_where_the_eyes_say(number):
    mesh = somebody(number)
    assert mesh.eyes[0].centre[0] < 0 < mesh.eyes[1].centre[0]
    for part, eye in ((Part.EYE_RIGHT, mesh.eyes[0]), (Part.EYE_LEFT, mesh.eyes[1])):
        distance = np.linalg.norm(mesh.rest[mesh.parts == part] - eye.centre, axis=1)
        assert distance == pytest.approx(eye.radius, abs=1e-4)
    assert mesh.eyes[0].centre + mesh.eyes[1].centre == pytest.approx([0, 0, 0])


def test_the_mean_head_is_symmetrical():
    mesh = somebody(0)
    image = mesh.rest[: GRID.count][GRID.mirror] * [-1, 1, 1]
    assert np.abs(image - mesh.rest[: GRID.count]).max() < 1e-4
    known = {tuple(sorted(row)) for row in GRID.triangles.tolist()}
    mirrored = {tuple(sorted(row)) for row in GRID.mirror[GRID.triangles].tolist()}
    assert len(known - mirrored) <= 4 * len(GRID.slits), "only the pockets' closing fans may differ"


@pytest.mark.parametrize("unit", SIDED_UNITS)
def test_left_and_right_shapes_mirror_each_other(unit):
    mesh = somebody(3)
    left, right = (field(mesh, f"{unit}_{side}")[: GRID.count] for side in "LR")
    assert np.abs(right[GRID.mirror] * [-1, 1, 1] - left).max() < 5e-3
    assert (mesh.rest[mesh.shapes[f"{unit}_L"].indices][:, 0] > -8).all(), "the left shape leaves the right side alone"


def inside_out(mesh, triangles, points):
    """Triangles turned by more than a right angle that also turned from the viewer, or against the skin around them."""
    rest, now = normals(mesh.rest.astype(float), triangles), normals(points, triangles)
    around = np.zeros(points.shape)
    for corner in range(3):
        np.add.at(around, triangles[:, corner], now)
    against = (now * around[triangles].sum(axis=1)).sum(axis=1) <= 0
    away = (rest[:, 2] > 0) & (now[:, 2] <= 0)
    return triangles[((rest * now).sum(axis=1) <= 0) & (against | away)]


@pytest.mark.parametrize("number", EVERYBODY)
@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_no_triangle_turns_inside_out(number, strength):
    mesh = somebody(number)
    triangles = mesh.triangles[visible(mesh)]
    faces = {name: {name: strength} for name in mesh.shapes} | {k: both(v, strength) for k, v in COMBINATIONS.items()}
    for name, activations in faces.items():
        turned = inside_out(mesh, triangles, moved(mesh, activations))
        assert not len(turned), f"{name} turns {len(turned)} over at {mesh.rest[turned].mean(axis=1)[:3].round().tolist()}"


@pytest.mark.parametrize("number", EVERYBODY)
def test_neighbouring_vertices_move_alike(number):
    mesh = somebody(number)
    edges = edges_of(GRID.triangles)
    edges = edges[(edges < len(GRID.phi)).all(axis=1)]
    length = np.linalg.norm(mesh.rest[edges[:, 0]] - mesh.rest[edges[:, 1]], axis=1)
    for name in mesh.shapes:
        deltas = field(mesh, name)
        stretch = np.linalg.norm(deltas[edges[:, 0]] - deltas[edges[:, 1]], axis=1) / np.maximum(length, 1)
        assert stretch.max() < (3.0 if name.startswith(("AU45", "AU27", "AU5")) else 1.5), name


def lid_vertices(mesh, side):
    """Vertices of the lids of one eye: their skin up to the fold, and their inner edges."""
    slit, eye = GRID.slits[side], mesh.eyes[side]
    skin = np.flatnonzero(np.isin(GRID.column, slit.columns) & (np.abs(mesh.rest[: len(GRID.phi), 1]) < 12))
    skin = skin[np.linalg.norm(mesh.rest[skin] - eye.centre, axis=1) < 24]
    return np.concatenate([skin, slit.rings[0]])


@pytest.mark.parametrize("number", EVERYBODY)
@pytest.mark.parametrize(
    "units", [("AU45",), ("AU45", "AU6", "AU12"), ("AU45", "AU4"), ("AU45", "AU9"), ("AU5",), ("AU7", "AU6")]
)
def test_lids_stay_in_front_of_the_eyeball(number, units):
    mesh = somebody(number)
    for strength in np.linspace(0, 1, 11):
        points = moved(mesh, both(units, strength))
        for side, eye in enumerate(mesh.eyes):
            distance = np.linalg.norm(points[lid_vertices(mesh, side)] - eye.centre, axis=1)
            assert distance.min() > eye.radius + 0.1


@pytest.mark.parametrize("number", EVERYBODY)
def test_lids_meet_when_closed_and_are_apart_at_rest(number):
    mesh = somebody(number)
    closed = moved(mesh, both(["AU45"]))
    for slit in GRID.slits[:2]:
        assert np.linalg.norm(closed[slit.upper] - closed[slit.lower], axis=1).max() < 0.05
        assert (mesh.rest[slit.upper] - mesh.rest[slit.lower])[:, 1].max() > 7


def test_one_blinking_eye_leaves_the_other_open():
    mesh = somebody(0)
    points = moved(mesh, {"AU45_L": 1.0})
    right, left = (points[slit.upper, 1] - points[slit.lower, 1] for slit in GRID.slits[:2])
    assert left.max() < 0.05
    assert right.max() > 8


def test_lid_raiser_shows_white_above_the_iris():
    mesh, iris_mm = somebody(0), 5.9
    middle = len(GRID.slits[1].upper) // 2
    margin = GRID.slits[1].upper[middle]
    assert mesh.rest[margin, 1] < iris_mm < moved(mesh, both(["AU5"]))[margin, 1]


def lip_gap(points):
    slit = GRID.slits[2]
    return (points[slit.upper] - points[slit.lower])[:, 1]


@pytest.mark.parametrize("number", EVERYBODY)
def test_the_mouth_is_closed_at_rest_and_opens_with_lips_and_jaw(number):
    mesh = somebody(number)
    assert np.abs(mesh.rest[GRID.slits[2].upper] - mesh.rest[GRID.slits[2].lower]).max() < 1e-4
    assert 3 < lip_gap(moved(mesh, {"AU25": 1.0})).max() < 7
    assert 10 < lip_gap(moved(mesh, {"AU25": 1.0, "AU26": 1.0})).max() < 22
    assert 25 < lip_gap(moved(mesh, {"AU27": 1.0})).max() < 45
    for units in ("AU25", "AU26", "AU27"):
        assert lip_gap(moved(mesh, {units: 1.0})).min() > -1e-3, "no lip passes through the other"


def test_lower_teeth_go_with_the_jaw_and_upper_ones_stay():
    mesh = somebody(0)
    deltas = field(mesh, "AU26")[mesh.parts == Part.TEETH]
    still = np.linalg.norm(deltas, axis=1) < 1e-3
    assert 0.4 < still.mean() < 0.6
    assert deltas[~still][:, 1].max() < -2


@pytest.mark.parametrize("number", EVERYBODY)
def test_teeth_stay_behind_closed_lips(number):
    mesh = somebody(number)
    teeth = mesh.rest[mesh.parts == Part.TEETH]
    lips = mesh.rest[GRID.slits[2].upper]
    before = np.interp(teeth[:, 0], lips[:, 0], lips[:, 2])
    inside = np.abs(teeth[:, 0]) < lips[-1, 0]
    assert (teeth[inside, 2] < before[inside] - 2).all()


# Movement of a landmark at full strength: unit, landmark, axis, least and most in mm; outwards counts as x on the left.
@pytest.mark.parametrize(
    ("unit", "landmark", "axis", "low", "high"),
    [
        ("AU1", 22, 1, 2.5, 7), ("AU2", 25, 1, 3, 7), ("AU4", 22, 1, -6, -3), ("AU4", 22, 0, -5, -1.5),
        ("AU6", 46, 1, 0.5, 3), ("AU7", 47, 1, 1, 3), ("AU9", 35, 1, 1, 5), ("AU10", 52, 1, 3, 8),
        ("AU12", 54, 1, 5, 9), ("AU12", 54, 0, 3, 8), ("AU12", 54, 2, -7, -2), ("AU14", 54, 2, -6, -2),
        ("AU15", 54, 1, -9, -4), ("AU20", 54, 0, 4, 9), ("AU17", 8, 1, 0.5, 4), ("AU18", 54, 0, -12, -5),
        ("AU18", 51, 2, 2, 9), ("AU24", 57, 2, -4, -0.5), ("AU26", 8, 1, -16, -8), ("AU27", 8, 1, -34, -20),
    ],
)  # fmt: skip
def test_units_move_what_they_are_for(unit, landmark, axis, low, high):
    mesh = somebody(0)
    way = moved(mesh, both([unit]))[mesh.landmarks[landmark]] - mesh.rest[mesh.landmarks[landmark]]
    assert low < way[axis] < high


def test_a_clench_bulges_the_angles_of_the_jaw_outwards():
    mesh = somebody(0)
    deltas = field(mesh, "AU31_L")
    most = int(np.argmax(deltas[:, 0]))
    assert 3 < deltas[most, 0] < 5
    assert mesh.rest[most, 2] < -20
    assert -90 < mesh.rest[most, 1] < -40


def test_swallowing_moves_the_larynx_and_nothing_above_the_chin():
    mesh = somebody(0)
    mine = mesh.rest[mesh.shapes["swallow"].indices]
    assert (mine[:, 1] < -100).all()
    assert np.abs(mine[:, 0]).max() < 45
