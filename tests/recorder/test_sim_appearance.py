"""What a simulated subject looks like: textures, wrinkles, warmth, hair and glasses on any head."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recorder.sim.appearance import Look, make_look
from recorder.sim.builtin_head import BuiltinHead
from recorder.sim.head import Floats, HeadMesh, Part
from recorder.sim.ict_head import IctHead
from recorder.sim.painting import blob, canvas, curve, filled, lines, noise, softened, texels_at
from recorder.sim.pieces import Piece, grid_triangles, plain, tube
from recorder.sim.subject import draw_traits
from recorder.sim.texture import AXIS_MM, SIZE, texture_coordinates
from recorder.sim.traits import Beard, Traits

ICT = Path(os.environ.get("GLIMPSE_TEST_DATA", "-")) / "face" / "ict_facekit.npz"


def _builtin() -> HeadMesh:
    head = BuiltinHead()
    return head.mesh(np.zeros(head.identity_size, np.float32))


def _long_and_narrow() -> HeadMesh:
    mesh = _builtin()
    rest = (mesh.rest * np.array([0.88, 1.1, 0.95], np.float32)).astype(np.float32)
    return replace(mesh, rest=rest)


def _ict() -> HeadMesh:
    if not ICT.exists():
        pytest.skip("set GLIMPSE_TEST_DATA to a folder with face/ict_facekit.npz")
    head = IctHead(ICT)
    return head.mesh(np.zeros(head.identity_size, np.float32))


HEADS: dict[str, Callable[[], HeadMesh]] = {"builtin": _builtin, "long and narrow": _long_and_narrow, "ict": _ict}


@pytest.fixture(scope="module", params=list(HEADS))
def mesh(request: pytest.FixtureRequest) -> HeadMesh:
    return HEADS[request.param]()


@pytest.fixture(scope="module")
def head() -> HeadMesh:
    return _builtin()


def _plain_person() -> Traits:
    """Light skin without anything that would lie over what a test looks at."""
    person = draw_traits(5, glasses=False)
    bare = replace(person.skin, freckles=0.0, moles=0, ita_deg=40.0, colour_bgr=(0.26, 0.33, 0.50))
    mouth = replace(person.mouth, lips_bgr=(0.15, 0.19, 0.43))
    brows = replace(person.brows, density=0.8, colour_bgr=(0.02, 0.03, 0.04))
    return replace(person, sex="f", skin=bare, mouth=mouth, brows=brows, hair=replace(person.hair, style="short", fringe=0.0))


@pytest.fixture(scope="module")
def look(mesh: HeadMesh) -> Look:
    return make_look(mesh, _plain_person())


def _around(texture: Floats, mesh: HeadMesh, point_mm: Floats, texels: int = 5) -> Floats:
    """The mean of a texture round a point of the head at rest."""
    column, row = np.round(texture_coordinates(np.asarray(point_mm, np.float32)[None])[0]).astype(int)
    return np.asarray(texture[row - texels : row + texels + 1, column - texels : column + texels + 1].mean(axis=(0, 1)))


def _marks(mesh: HeadMesh) -> Floats:
    return np.asarray(mesh.rest[mesh.landmarks])


def _cheek(mesh: HeadMesh) -> Floats:
    return np.asarray(_marks(mesh)[[36, 48, 3]].mean(axis=0))


def _forehead(mesh: HeadMesh) -> Floats:
    marks = _marks(mesh)
    return np.asarray((marks[21] + marks[22]) / 2 + np.array([0, 18, 0]))


def test_textures_have_the_agreed_shapes_and_ranges(mesh: HeadMesh, look: Look) -> None:
    shapes = {"albedo": (3,), "wrinkles": (4,), "gloss": (), "temperature": (), "breath": ()}
    for name, channels in shapes.items():
        texture = getattr(look, name)
        assert texture.shape == (SIZE, SIZE, *channels)
        assert texture.dtype == np.float32
        assert np.isfinite(texture).all()
    for name in ("albedo", "wrinkles", "gloss", "breath"):
        assert getattr(look, name).min() >= 0
        assert getattr(look, name).max() <= 1
    assert look.temperature.min() > 26
    assert look.temperature.max() < 38
    assert look.offsets.shape == mesh.rest.shape
    assert look.offsets.dtype == np.float32


def test_the_same_traits_give_the_same_look_and_others_do_not(head: HeadMesh) -> None:
    one, again, other = (make_look(head, draw_traits(seed)) for seed in (3, 3, 4))
    assert np.array_equal(one.albedo, again.albedo)
    assert np.array_equal(one.offsets, again.offsets)
    assert all(np.array_equal(a.points, b.points) for a, b in zip(one.pieces, again.pieces, strict=True))
    assert not np.allclose(one.albedo, other.albedo, atol=0.05)


def test_lips_are_redder_than_cheeks(mesh: HeadMesh, look: Look) -> None:
    lips, cheek = (_around(look.albedo, mesh, at, 3) for at in ((_marks(mesh)[57] + _marks(mesh)[66]) / 2, _cheek(mesh)))
    assert lips[2] / lips[1] > 1.15 * cheek[2] / cheek[1]


def test_brows_are_darker_than_the_forehead(mesh: HeadMesh, look: Look) -> None:
    brow = min(_around(look.albedo, mesh, _marks(mesh)[19] - np.array([0, down, 0])).mean() for down in (0, 1.5, 3))
    assert brow < 0.6 * _around(look.albedo, mesh, _forehead(mesh)).mean()


def test_brows_are_made_of_hairs_not_of_a_stripe(mesh: HeadMesh, look: Look) -> None:
    marks = _marks(mesh)
    column, row = np.round(texture_coordinates((marks[19] - np.array([0, 1.5, 0], np.float32))[None])[0]).astype(int)
    along = look.albedo[row, column - 25 : column + 25].mean(axis=1)
    assert np.ptp(along) > 0.03


def test_skin_has_a_texture_that_moves_with_it(mesh: HeadMesh, look: Look) -> None:
    """Without it, moving skin would make no events."""
    column, row = np.round(texture_coordinates(_cheek(mesh)[None])[0]).astype(int)
    patch = np.log(look.albedo[row - 20 : row + 20, column - 20 : column + 20].mean(axis=2))
    assert 0.02 < patch.std() < 0.15
    assert np.abs(np.diff(patch, axis=1)).mean() > 0.005


def test_upper_lid_margins_carry_a_dark_line(mesh: HeadMesh, look: Look) -> None:
    marks = _marks(mesh)
    lash = _around(look.albedo, mesh, (marks[37] + marks[38]) / 2, 1).mean()
    assert lash < 0.5 * _around(look.albedo, mesh, _forehead(mesh)).mean()


def test_the_scalp_is_covered_with_hair_and_the_face_is_not(mesh: HeadMesh, look: Look) -> None:
    colour = np.array(_plain_person().hair.colour_bgr)
    top = mesh.rest[np.argmax(np.where(mesh.parts == Part.SKIN, mesh.rest[:, 1], -np.inf))]
    crown = _around(look.albedo, mesh, top + np.array([0, -12, 0]))
    assert np.abs(crown / colour - 1).max() < 0.5
    assert _around(look.albedo, mesh, _forehead(mesh)).mean() > 2 * min(colour.mean(), 0.1)


def test_corners_of_the_eyes_are_warmest_then_forehead_cheeks_and_nose(mesh: HeadMesh, look: Look) -> None:
    marks = _marks(mesh)
    places = (marks[39], _forehead(mesh), _cheek(mesh), marks[30])
    canthus, forehead, cheek, nose = (float(_around(look.temperature, mesh, at, 2)) for at in places)
    assert canthus > forehead > cheek > nose
    assert 34.5 < canthus < 37
    assert nose < cheek - 0.5


def test_breath_warms_nostrils_and_upper_lip_only(mesh: HeadMesh, look: Look) -> None:
    marks = _marks(mesh)
    assert _around(look.breath, mesh, marks[33]) > 0.6
    assert _around(look.breath, mesh, _forehead(mesh)) < 0.01


@pytest.mark.parametrize(
    ("channel", "mark", "shift_mm"),
    [(0, 21, (3.5, 0, 0)), (1, 27, (0, 1, 0)), (2, 48, (-10, 3, 0)), (3, 20, (0, 15, 0))],
    ids=["between the brows", "across the nose", "beside the mouth", "across the forehead"],
)
def test_wrinkles_lie_where_skin_folds(
    mesh: HeadMesh, look: Look, channel: int, mark: int, shift_mm: tuple[float, float, float]
) -> None:
    column, row = np.round(texture_coordinates((_marks(mesh)[mark] + np.array(shift_mm, np.float32))[None])[0]).astype(int)
    near = look.wrinkles[row - 14 : row + 15, column - 14 : column + 15, channel]
    assert near.max() > 0.2
    assert look.wrinkles[-200:, :, channel].max() < 0.01  # none on the neck


def test_wrinkles_of_the_old_are_deeper(head: HeadMesh) -> None:
    person = _plain_person()
    young, old = (make_look(head, replace(person, age_years=age)).wrinkles.max() for age in (20.0, 65.0))
    assert old > 1.5 * young


def test_hair_lifts_the_scalp_and_leaves_the_face_in_place(mesh: HeadMesh, look: Look) -> None:
    marks = mesh.landmarks[17:68]
    assert np.abs(look.offsets[marks]).max() < 0.5
    top = np.argmax(np.where(mesh.parts == Part.SKIN, mesh.rest[:, 1], -np.inf))
    assert look.offsets[top, 1] > 2
    assert np.abs(look.offsets[mesh.parts != Part.SKIN]).max() == 0


def test_a_full_beard_darkens_the_chin_but_not_the_lips(head: HeadMesh) -> None:
    person = replace(_plain_person(), sex="m")
    shaved = make_look(head, replace(person, beard=Beard("none", 0.0, 0.0, (0.02, 0.03, 0.04))))
    bearded = make_look(head, replace(person, beard=Beard("full", 1.0, 5.0, (0.02, 0.03, 0.04))))
    marks = _marks(head)
    chin, lip = marks[8] + np.array([0, 8, 0]), (marks[57] + marks[66]) / 2
    assert _around(bearded.albedo, head, chin).mean() < 0.4 * _around(shaved.albedo, head, chin).mean()
    assert _around(bearded.albedo, head, lip, 1).mean() > 0.7 * _around(shaved.albedo, head, lip, 1).mean()
    assert np.linalg.norm(bearded.offsets[head.landmarks[8]]) > 1


@pytest.fixture(scope="module")
def worn(mesh: HeadMesh) -> tuple[Piece, ...]:
    """Pieces of somebody with short hair, a fringe and glasses."""
    person = draw_traits(21, glasses=True)
    return make_look(mesh, replace(person, hair=replace(person.hair, style="short", fringe=0.7))).pieces


def test_glasses_have_two_lenses_before_the_eyes(mesh: HeadMesh, worn: tuple[Piece, ...]) -> None:
    lenses = [piece for piece in worn if piece.lens]
    assert len(lenses) == 2
    for lens, eye in zip(sorted(lenses, key=lambda piece: float(piece.points[:, 0].mean())), mesh.eyes, strict=True):
        low, high = lens.points.min(axis=0), lens.points.max(axis=0)
        assert (low[:2] < eye.centre[:2]).all()
        assert (eye.centre[:2] < high[:2]).all()
        lids = _marks(mesh)[36:48, 2].max()
        assert lids < low[2] < lids + 30


def test_a_frame_does_not_cut_into_the_face(mesh: HeadMesh, worn: tuple[Piece, ...]) -> None:
    """In front of the ears and above the cheeks, where nothing hides it."""
    face = mesh.rest[(mesh.parts == Part.SKIN) & (mesh.rest[:, 2] > -20)]
    frame = np.concatenate([piece.points for piece in worn[1:-1] if not piece.lens])
    frame = frame[(frame[:, 2] > 0) & (np.abs(frame[:, 0]) > 14)]
    apart = np.abs(face[None, :, :2] - frame[:, None, :2]).max(axis=2)
    under = np.where(apart < 2, face[None, :, 2], -np.inf).max(axis=1)
    assert (frame[:, 2] > under - 0.5).all()


def test_without_glasses_nothing_is_a_lens(head: HeadMesh) -> None:
    assert not any(piece.lens for piece in make_look(head, draw_traits(21, glasses=False)).pieces)


def test_long_hair_hangs_beside_the_face_and_does_not_hide_it(mesh: HeadMesh) -> None:
    person = _plain_person()
    hanging = make_look(mesh, replace(person, hair=replace(person.hair, style="long", length_mm=170.0, volume_mm=10.0))).pieces
    curtain = next(piece for piece in hanging if piece.anchor == "head")
    assert curtain.points[:, 1].min() < _marks(mesh)[8, 1]
    inner = np.abs(curtain.points[:, 0]) < np.abs(_marks(mesh)[[36, 45], 0]).max()
    assert (curtain.points[inner, 2] < 0).all()


def test_a_fringe_ends_above_the_eyes(mesh: HeadMesh) -> None:
    person = _plain_person()
    pieces = make_look(mesh, replace(person, hair=replace(person.hair, fringe=0.9))).pieces
    fringe = next(piece for piece in pieces if piece.anchor == "head")
    assert fringe.points[:, 1].min() > _marks(mesh)[36:48, 1].max()


def _volume(piece: Piece) -> float:
    a, b, c = (piece.points[piece.triangles[:, k]].astype(float) for k in range(3))
    return float(np.sum(a * np.cross(b, c)) / 6)


def _outward_share(piece: Piece) -> float:
    """The share of area that faces away from the cylinder's axis."""
    a, b, c = (piece.points[piece.triangles[:, k]].astype(float) for k in range(3))
    normals = np.cross(b - a, c - a)
    away = (a + b + c) / 3 * (1, 0, 1) + (0, 0, AXIS_MM)
    area = np.linalg.norm(normals, axis=1)
    return float(np.sum(area[np.sum(normals * away, axis=1) > 0]) / area.sum())


def test_pieces_are_sound_meshes(mesh: HeadMesh, worn: tuple[Piece, ...]) -> None:
    pieces = worn + make_look(mesh, draw_traits(48)).pieces  # long hair and a fringe
    assert {piece.anchor for piece in pieces} == {"head", "body"}
    for piece in pieces:
        assert piece.points.dtype == piece.albedo.dtype == piece.temperature.dtype == np.float32
        assert piece.triangles.dtype == np.int32
        assert piece.triangles.min() == 0
        assert piece.triangles.max() == len(piece.points) - 1
        assert piece.albedo.shape == piece.points.shape
        assert piece.temperature.shape == (len(piece.points),)
        for numbers in (piece.points, piece.albedo, piece.temperature):
            assert np.isfinite(numbers).all()
        assert piece.albedo.min() > 0
        assert piece.albedo.max() <= 1
        assert 20 < piece.temperature.min() <= piece.temperature.max() < 36


def test_frames_are_closed_and_shirts_fringes_and_lenses_face_outwards(worn: tuple[Piece, ...]) -> None:
    fringe, *rest, shirt = worn
    bars, lenses = [p for p in rest if not p.lens], [p for p in rest if p.lens]
    assert all(_volume(bar) > 50 for bar in bars)
    assert all(_outward_share(piece) > 0.9 for piece in (fringe, shirt, *lenses))


def test_a_bent_tube_encloses_its_volume() -> None:
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    circle = np.column_stack([20 * np.cos(angle), 20 * np.sin(angle), np.zeros(200)]).astype(np.float32)
    ring = plain(*tube(circle, np.array([2.0, 3.0], np.float32), np.array([0, 0, 1], np.float32), closed=True), (1, 1, 1), 25)
    assert _volume(ring) == pytest.approx(2 * np.pi * 20 * 6, rel=0.01)
    line = np.column_stack([np.zeros(5), np.linspace(0, 8, 5), np.zeros(5)]).astype(np.float32)
    bar = plain(*tube(line, np.array([2.0, 3.0], np.float32), np.array([0, 0, 1], np.float32), closed=False), (1, 1, 1), 25)
    assert _volume(bar) == pytest.approx(48, rel=0.01)


def test_grids_are_wound_counter_clockwise_seen_from_outside() -> None:
    x, y = np.meshgrid(np.arange(4.0), -np.arange(3.0))
    points = np.column_stack([x.ravel(), y.ravel(), np.zeros(12)])
    a, b, c = (points[grid_triangles(3, 4)[:, k]] for k in range(3))
    assert (np.cross(b - a, c - a)[:, 2] > 0).all()


def test_texels_know_their_point_of_the_head(mesh: HeadMesh) -> None:
    on = canvas(mesh)
    for mark in (27, 30, 48, 54, 21, 3, 13):
        column, row = np.round(on.texels[mark]).astype(int)
        assert np.linalg.norm(on.points[row, column] - on.marks[mark]) < 3
    rows, columns = texels_at(np.array([0.0]), on.marks[30:31, 1])
    assert columns[0] == (SIZE - 1) // 2 + 1
    assert np.linalg.norm(on.points[rows[0], columns[0]] - on.marks[30]) < 3


def test_brushes_paint_where_they_are_told(head: HeadMesh) -> None:
    on = canvas(head)
    assert blob(on, on.marks[30], 5.0).max() > 0.9
    square = np.array([[100, 100], [200, 100], [200, 200], [100, 200]], np.float32)
    inside = filled(square, 1.0)
    assert inside[150, 150] == pytest.approx(1)
    assert 0.3 < inside[150, 100] < 0.7
    assert inside.sum() == pytest.approx(100 * 100, rel=0.03)
    line = lines([np.linspace(square[0], square[1], 20)], [2.0], [1.0], 0.3)
    assert line[100, 150] > 0.5
    assert line[110, 150] < 0.01
    assert np.allclose(curve(square, 4)[[0, 4, 8, -1]], square)
    assert softened(inside, 3.0).sum() == pytest.approx(inside.sum(), rel=0.001)


def test_noise_has_unit_deviation_and_the_grain_asked_for() -> None:
    fine, coarse = (noise(np.random.default_rng(1), grain) for grain in (0.5, 5.0))
    assert fine.std() == pytest.approx(1, abs=0.01)
    assert coarse.std() == pytest.approx(1, abs=0.01)
    assert np.abs(np.diff(fine, axis=0)).mean() > 3 * np.abs(np.diff(coarse, axis=0)).mean()
