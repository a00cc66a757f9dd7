import os
import tracemalloc
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from ict_helpers import LAYOUT, tiny_arrays

from recorder.sim.head import Part
from recorder.sim.ict_file import HeadError, read_file
from recorder.sim.ict_head import IDENTITY_SIZE, IctHead
from recorder.sim.ict_units import NEEDED
from recorder.sim.raster import NOTHING, cleared, draw, project
from recorder.sim.state import CENTRAL_UNITS, SIDED_UNITS, UNITS

DATA = os.environ.get("GLIMPSE_TEST_DATA")
FILE = Path(DATA or ".") / "face" / "ict_facekit.npz"
needs_file = pytest.mark.skipif(not (DATA and FILE.is_file()), reason="needs face/ict_facekit.npz in GLIMPSE_TEST_DATA")
EYES = (Part.EYE_RIGHT, Part.EYE_LEFT)
SUNK_MM = 0.5  # renderers may push eyeballs back by this


@pytest.fixture(scope="module")
def head():
    return IctHead(FILE)


@pytest.fixture(scope="module")
def mean(head):
    return head.mesh(np.zeros(IDENTITY_SIZE, np.float32))


@pytest.fixture(scope="module")
def people(head):
    rng = np.random.default_rng(5)
    return [head.mesh(rng.standard_normal(IDENTITY_SIZE).astype(np.float32)) for _ in range(6)]


def posed(mesh, units):
    points = mesh.rest.copy()
    for unit, level in units.items():
        shape = mesh.shapes[unit]
        points[shape.indices] += np.float32(level) * shape.deltas
    return points


def moved(mesh, unit, level=1.0):
    return posed(mesh, {unit: level}) - mesh.rest


def both(unit, level=1.0):
    return {f"{unit}_L": level, f"{unit}_R": level}


def seen_parts(mesh, points, yaw_deg=0.0, pitch_deg=0.0):
    """Part at each sample of a close picture (255: nothing), with the eyeballs pushed back."""
    points = points.copy()
    points[np.isin(mesh.parts, EYES), 2] -= SUNK_MM
    yaw, pitch = np.radians([yaw_deg, pitch_deg])
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    nod = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    camera = np.ascontiguousarray(points @ (turn @ nod).T * [1, -1, -1] + [0, 0, 400], np.float32)
    screen = np.empty_like(camera)
    project(camera, 1000.0, 300.0, 250.0, screen)
    ids, depth = cleared(600, 600)
    draw(screen, mesh.triangles, ids, depth)
    return np.where(ids == NOTHING, 255, mesh.parts[mesh.triangles[ids, 0]])


class TestFile:
    def write(self, path, **changes):
        arrays = {**tiny_arrays(), **changes}
        np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
        return path

    def test_a_correct_file_is_read(self, tmp_path):
        file = read_file(self.write(tmp_path / "head.npz"), LAYOUT)
        assert file.vertices.shape == (80, 3)
        assert file.expression_names == LAYOUT.expression_names

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"vertices": np.zeros((81, 3), np.float32)}, r"vertices has the shape \[81, 3\] where \[80, 3\] belongs"),
            ({"identity": np.zeros((3, 80, 2), np.float16)}, "identity has the shape"),
            ({"landmarks68": None}, "no array 'landmarks68'"),
            ({"expression": np.full((4, 80, 3), np.nan, np.float16)}, "expression has values that are not numbers"),
            ({"triangles": np.full((5, 3), 80, np.int32)}, "triangles points at vertices that are not there"),
            ({"triangles": np.full((5, 3), -1, np.int32)}, "triangles points at vertices that are not there"),
            ({"triangles": np.zeros((5, 3), np.float32)}, "triangles is of the wrong type"),
            ({"expression_names": np.zeros(4)}, "expression_names is of the wrong type"),
        ],
    )
    def test_a_wrong_array_is_named_in_one_sentence(self, tmp_path, changes, words):
        with pytest.raises(HeadError, match=words) as caught:
            read_file(self.write(tmp_path / "head.npz", **changes), LAYOUT)
        assert str(caught.value).startswith(str(tmp_path / "head.npz"))
        assert str(caught.value).endswith("`glimpse heads import`.")

    @pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1\n", b"PK\x03\x04 cut", b"\x93NUMPY"])
    def test_what_is_no_npz_is_told_so(self, tmp_path, content):
        path = tmp_path / "head.npz"
        path.write_bytes(content)
        with pytest.raises(HeadError, match="cannot be read as a head"):
            read_file(path, LAYOUT)

    def test_a_single_array_is_no_head(self, tmp_path):
        np.save(tmp_path / "head.npy", np.zeros(3))
        with pytest.raises(HeadError, match="cannot be read as a head"):
            read_file(tmp_path / "head.npy", LAYOUT)

    def test_a_file_cut_short_is_told_so(self, tmp_path):
        path = self.write(tmp_path / "head.npz")
        path.write_bytes(path.read_bytes()[:-200])
        with pytest.raises(HeadError, match="cannot be read as a head"):
            read_file(path, LAYOUT)

    def test_pickled_objects_are_refused(self, tmp_path):
        with pytest.raises(HeadError, match="cannot be read as a head"):
            read_file(self.write(tmp_path / "head.npz", landmarks68=np.array([print], object)), LAYOUT)

    def test_a_missing_file_is_told_so(self, tmp_path):
        with pytest.raises(HeadError, match="there is no such file"):
            read_file(tmp_path / "head.npz", LAYOUT)

    @needs_file
    def test_a_head_without_a_needed_expression_is_refused(self, tmp_path):
        with np.load(FILE) as file:
            arrays = dict(file)
        names = arrays["expression_names"]
        names[names == "jawOpen"] = "jawOpened"
        np.savez(tmp_path / "head.npz", **arrays)
        with pytest.raises(HeadError, match="expression 'jawOpen' is missing"):
            IctHead(tmp_path / "head.npz")
        assert "jawOpen" in NEEDED


@needs_file
class TestMesh:
    def test_every_unit_has_a_sparse_shape_that_does_something(self, mean):
        assert set(mean.shapes) == {*UNITS, "swallow"}
        for shape in mean.shapes.values():
            lengths = np.linalg.norm(shape.deltas, axis=1)
            assert lengths.max() > 0.5
            assert lengths.min() > 0.02
            assert len(np.unique(shape.indices)) == len(shape.indices) < len(mean.rest)

    def test_arrays_are_as_the_interface_says(self, mean):
        assert mean.rest.dtype == np.float32
        assert mean.triangles.dtype == mean.landmarks.dtype == np.int32
        assert mean.parts.dtype == np.uint8
        assert len(mean.parts) == len(mean.rest)
        assert mean.triangles.min() == 0
        assert mean.triangles.max() == len(mean.rest) - 1
        assert set(np.unique(mean.parts)) == {Part.SKIN, *EYES, Part.TEETH, Part.MOUTH}

    def test_the_mesh_is_kept_small(self, mean):
        assert len(mean.rest) < 20_000
        assert len(mean.triangles) < 39_000

    def test_outsides_are_counter_clockwise(self, mean):
        a, b, c = (mean.rest[mean.triangles[:, corner]] for corner in range(3))
        normals = np.cross(b - a, c - a)
        for part, eye in zip(EYES, mean.eyes, strict=True):
            of_ball = mean.parts[mean.triangles[:, 0]] == part
            assert (np.sum(normals[of_ball] * (a[of_ball] - eye.centre), axis=1) > 0).all()

    def test_the_origin_lies_between_the_eyes_and_the_subjects_left_is_positive(self, people):
        for mesh in people:
            right, left = mesh.eyes
            assert np.allclose(right.centre + left.centre, 0, atol=1e-3)
            assert 25 < left.centre[0] < 38
            assert (mesh.rest[mesh.parts == Part.EYE_LEFT, 0] > 0).all()
            marks = mesh.rest[mesh.landmarks]
            assert marks[36, 0] < marks[39, 0] < 0 < marks[42, 0] < marks[45, 0]
            assert marks[19, 1] > marks[37, 1] > marks[30, 1] > marks[51, 1] > marks[8, 1]

    def test_eyeballs_are_spheres_of_a_plausible_size(self, people):
        for mesh in people:
            for part, eye in zip(EYES, mesh.eyes, strict=True):
                distance = np.linalg.norm(mesh.rest[mesh.parts == part] - eye.centre, axis=1)
                assert np.allclose(distance, eye.radius, atol=1e-2)
                assert 8.5 < eye.radius < 15

    def test_both_eyes_are_open_at_rest_and_show_iris_and_white(self, people):
        for mesh in people:
            parts = seen_parts(mesh, mesh.rest)
            for part in EYES:
                rows, columns = np.nonzero(parts == part)
                assert np.ptp(columns) / 5 > 15  # mm; 5 samples a millimetre at 400 mm
                assert np.ptp(rows) / 5 > 4

    def test_the_mouth_is_closed_at_rest(self, people):
        for mesh in people:
            parts = seen_parts(mesh, mesh.rest)
            assert np.isin(parts, (Part.TEETH, Part.MOUTH)).sum() < 100  # 4 mm^2

    def test_the_same_identity_gives_the_same_head(self, head):
        identity = np.random.default_rng(1).standard_normal(IDENTITY_SIZE).astype(np.float32)
        one, other = head.mesh(identity), IctHead(FILE).mesh(identity.copy())
        assert np.array_equal(one.rest, other.rest)
        assert all(np.array_equal(one.shapes[unit].deltas, other.shapes[unit].deltas) for unit in one.shapes)

    def test_extreme_parameters_still_give_a_head(self, head):
        for value in (-8.0, 8.0):
            identity = np.zeros(IDENTITY_SIZE, np.float32)
            identity[0] = value
            assert 200 < np.ptp(head.mesh(identity).rest[:, 1]) < 500

    def test_identities_differ(self, people):
        assert np.abs(people[0].rest - people[1].rest).mean() > 0.5

    def test_a_mesh_takes_little_memory(self, head):
        tracemalloc.start()
        head.mesh(np.zeros(IDENTITY_SIZE, np.float32))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 60e6


@needs_file
class TestUnits:
    @pytest.mark.parametrize("unit", SIDED_UNITS)
    def test_sided_units_move_their_own_side(self, mean, unit):
        for side, sign in (("L", 1), ("R", -1)):
            shape = mean.shapes[f"{unit}_{side}"]
            strength = np.linalg.norm(shape.deltas, axis=1)
            assert np.average(mean.rest[shape.indices, 0] * sign, weights=strength) > 8

    @pytest.mark.parametrize("unit", CENTRAL_UNITS)
    def test_central_units_move_both_sides_alike(self, mean, unit):
        shape = mean.shapes[unit]
        strength = np.linalg.norm(shape.deltas, axis=1)
        assert abs(np.average(mean.rest[shape.indices, 0], weights=strength)) < 1.5

    @pytest.mark.parametrize(
        ("unit", "landmark", "axis", "least_mm"),
        [
            ("AU1_L", 22, 1, 3),  # inner brow up
            ("AU2_L", 25, 1, 4),  # outer brow up
            ("AU4_L", 23, 1, -2),  # brow down
            ("AU4_L", 22, 0, -2),  # and to the middle
            ("AU4_R", 21, 0, 2),
            ("AU5_L", 44, 1, 2),  # upper lid up
            ("AU6_L", 46, 1, 0.5),  # lower lid up with the cheek
            ("AU7_L", 47, 1, 0.8),
            ("AU9_L", 35, 1, 3),  # wing of the nose up
            ("AU10_L", 52, 1, 2.5),  # upper lip up
            ("AU12_L", 54, 0, 4),  # corner of the mouth out
            ("AU12_L", 54, 1, 5),  # and up
            ("AU15_L", 54, 1, -3),
            ("AU20_L", 54, 0, 4),
            ("AU17", 57, 1, 3),  # chin boss pushes the lower lip up
            ("AU18", 62, 2, 4),  # lips forwards
            ("AU25", 66, 1, -1.5),
            ("AU26", 8, 1, -7),
            ("AU27", 8, 1, -20),
        ],
    )
    def test_units_move_landmarks_as_the_coding_system_says(self, mean, unit, landmark, axis, least_mm):
        way = moved(mean, unit)[mean.landmarks[landmark], axis]
        assert way > least_mm if least_mm > 0 else way < least_mm

    def test_the_mouth_opens_by_the_intended_width(self, mean):
        def opening(units):
            points = posed(mean, units)[mean.landmarks]
            return points[62, 1] - points[66, 1]

        assert abs(opening({})) < 0.6
        assert 2.5 < opening({"AU25": 1}) < 7
        assert 9 < opening({"AU26": 1}) < 15
        assert 24 < opening({"AU27": 1}) < 32

    def test_a_clench_moves_the_masseter_outwards_and_nothing_inwards(self, mean):
        for side, sign in (("L", 1), ("R", -1)):
            deltas = moved(mean, f"AU31_{side}")
            jaw = mean.rest[mean.landmarks[[12, 13] if sign > 0 else [3, 4]]].mean(axis=0)
            peak = np.linalg.norm(deltas, axis=1).argmax()
            assert 3 <= deltas[peak, 0] * sign <= 4
            assert np.linalg.norm(mean.rest[peak] - jaw) < 25
            assert (deltas[:, 0] * sign >= -1e-4).all()

    def test_no_unit_moves_the_eyeballs(self, mean):
        balls = np.flatnonzero(np.isin(mean.parts, EYES))
        assert not any(np.isin(shape.indices, balls).any() for shape in mean.shapes.values())

    def test_swallowing_moves_the_front_of_the_neck_only(self, mean):
        shape = mean.shapes["swallow"]
        points = mean.rest[shape.indices]
        assert (points[:, 1] < mean.rest[mean.landmarks[8], 1] + 5).all()
        assert np.average(np.abs(points[:, 0]), weights=np.linalg.norm(shape.deltas, axis=1)) < 20

    @pytest.mark.parametrize("yaw_deg", [-35, 0, 35])
    def test_nothing_is_seen_through_an_open_mouth(self, people, yaw_deg):
        for mesh in people[:3]:
            parts = seen_parts(mesh, posed(mesh, {"AU27": 1, "AU25": 1, **both("AU20", 0.5)}), yaw_deg)
            rows, columns = np.nonzero(np.isin(parts, (Part.MOUTH, Part.TEETH)))
            assert len(rows) > 500
            inner = parts[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
            if yaw_deg == 0:
                assert (inner != 255).all()
            for row in inner:
                shown = np.flatnonzero(np.isin(row, (Part.MOUTH, Part.TEETH)))
                if len(shown):
                    assert (row[shown[0] : shown[-1]] != 255).all()


@needs_file
class TestLids:
    @pytest.mark.parametrize("units", [{}, {**both("AU6"), **both("AU12")}, both("AU7"), both("AU4"), both("AU9")])
    def test_closed_lids_hide_the_eyeball(self, people, units):
        for mesh in people:
            parts = seen_parts(mesh, posed(mesh, {**units, **both("AU45")}))
            assert np.isin(parts, EYES).sum() <= 2  # samples, of 25 to a square millimetre

    @pytest.mark.parametrize(("yaw_deg", "pitch_deg"), [(-35, 0), (35, 0), (0, -15), (0, 15), (25, -10)])
    def test_closed_lids_hide_the_eyeball_from_the_side_too(self, people, yaw_deg, pitch_deg):
        for mesh in people:
            parts = seen_parts(mesh, posed(mesh, both("AU45")), yaw_deg, pitch_deg)
            assert np.isin(parts, EYES).sum() <= 3

    def test_the_eyes_close_steadily(self, people):
        for mesh in people:
            bare = [np.isin(seen_parts(mesh, posed(mesh, both("AU45", level))), EYES).sum() for level in np.linspace(0, 1, 6)]
            assert all(later < earlier for earlier, later in pairwise(bare))

    def test_no_eyeball_pokes_through_a_lid(self, people):
        """Wherever the eyeball shows, it shows in one stretch of each column: between the margins and nowhere else."""
        for mesh in people:
            for level in (0, 0.2, 0.4, 0.6, 0.8):
                parts = seen_parts(mesh, posed(mesh, both("AU45", level)))
                for part in EYES:
                    shown = (parts == part).astype(np.int8)
                    begins = (np.diff(shown, axis=0, prepend=0) == 1).sum(axis=0)
                    assert (begins > 1).sum() <= 4
