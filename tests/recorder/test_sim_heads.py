import os
from pathlib import Path

import numpy as np
import pytest
from ict_helpers import LAYOUT, obj_text, write_checkout

from recorder.sim.heads import BUILTIN, HEAD_VARIABLE, ICT, ICT_FILE, FoundHead, find_head, known_heads, locate_head
from recorder.sim.ict_file import HeadError, read_file
from recorder.sim.ict_import import import_head, steps

DATA = os.environ.get("GLIMPSE_TEST_DATA")
FILE = Path(DATA or ".") / "face" / "ict_facekit.npz"
needs_file = pytest.mark.skipif(not (DATA and FILE.is_file()), reason="needs face/ict_facekit.npz in GLIMPSE_TEST_DATA")


@pytest.fixture
def some_file(tmp_path):
    path = tmp_path / "mine.npz"
    path.write_bytes(b"a head, perhaps")
    return path


@pytest.fixture
def imported(tmp_path):
    folder = tmp_path / "heads"
    folder.mkdir()
    (folder / ICT_FILE).write_bytes(b"imported")
    return folder


class TestSearch:
    def test_the_builtin_head_is_used_when_nothing_is_found(self, tmp_path):
        assert locate_head(None, {}, user_folder=tmp_path) == FoundHead(BUILTIN, None, "default")
        assert find_head(None, {}, user_folder=tmp_path).name == "builtin"

    def test_an_imported_head_is_used_when_none_is_named(self, imported):
        assert locate_head(None, {}, user_folder=imported).path == imported / ICT_FILE

    def test_the_builtin_head_can_be_asked_for(self, imported, some_file):
        assert locate_head(BUILTIN, {HEAD_VARIABLE: str(some_file)}, user_folder=imported).path is None

    def test_name_goes_before_setting_before_variable_before_import(self, imported, tmp_path):
        paths = [tmp_path / f"{name}.npz" for name in ("named", "set", "variable")]
        for path in paths:
            path.write_bytes(b"")
        named, setting, variable = (str(path) for path in paths)
        environ = {HEAD_VARIABLE: variable}
        assert locate_head(named, environ, setting=setting, user_folder=imported).path == Path(named)
        assert locate_head(None, environ, setting=setting, user_folder=imported).path == Path(setting)
        assert locate_head(None, environ, user_folder=imported).path == Path(variable)
        assert locate_head(None, {HEAD_VARIABLE: ""}, user_folder=imported).path == imported / ICT_FILE

    def test_ict_takes_the_file_that_setting_or_variable_name(self, imported, some_file, tmp_path):
        assert locate_head(ICT, {HEAD_VARIABLE: str(some_file)}, user_folder=imported).path == some_file
        assert locate_head(ICT, {HEAD_VARIABLE: BUILTIN}, user_folder=imported).path == imported / ICT_FILE
        assert locate_head(ICT, {}, setting=str(some_file), user_folder=tmp_path).path == some_file

    def test_ict_without_an_import_says_how_to_get_it(self, tmp_path):
        with pytest.raises(HeadError, match=r"No ICT-FaceKit head has been imported.*glimpse heads import DIR"):
            find_head(ICT, {}, user_folder=tmp_path)

    @pytest.mark.parametrize("how", ["name", "setting", "variable"])
    def test_a_head_that_was_named_and_is_missing_is_an_error(self, imported, tmp_path, how):
        missing = str(tmp_path / "gone.npz")
        name, setting = (missing if how == word else None for word in ("name", "setting"))
        environ = {HEAD_VARIABLE: missing} if how == "variable" else {}
        with pytest.raises(HeadError, match=r"gone\.npz: there is no such head"):
            find_head(name, environ, setting=setting, user_folder=imported)

    def test_a_folder_is_no_head(self, tmp_path):
        with pytest.raises(HeadError, match="a folder, not the file of a head"):
            find_head(str(tmp_path), {}, user_folder=tmp_path)

    def test_a_broken_head_is_an_error_also_when_it_was_imported(self, imported, some_file):
        with pytest.raises(HeadError, match="cannot be read as a head"):
            find_head(str(some_file), {}, user_folder=imported)
        with pytest.raises(HeadError, match="cannot be read as a head"):
            find_head(None, {}, user_folder=imported)

    def test_test_data_are_not_searched(self, tmp_path):
        assert find_head(None, {"GLIMPSE_TEST_DATA": str(FILE.parent.parent)}, user_folder=tmp_path).name == "builtin"

    def test_known_heads_begin_with_the_one_that_is_used(self, imported, some_file, tmp_path):
        assert [head.name for head in known_heads({}, user_folder=tmp_path)] == [BUILTIN]
        assert [head.name for head in known_heads({}, user_folder=imported)] == [ICT, BUILTIN]
        found = known_heads({HEAD_VARIABLE: str(some_file)}, user_folder=imported)
        assert [head.path for head in found] == [some_file, imported / ICT_FILE, None]

    @needs_file
    def test_a_real_head_is_opened(self, tmp_path):
        assert find_head(str(FILE), {}, user_folder=tmp_path).name == "ict"


class TestImport:
    @pytest.fixture
    def checkout(self, tmp_path):
        write_checkout(tmp_path / "ICT-FaceKit")
        return tmp_path / "ICT-FaceKit"

    def test_the_file_holds_what_the_checkout_holds(self, tmp_path):
        neutral, shapes = write_checkout(tmp_path / "kit")
        advances = []
        target = import_head(tmp_path / "kit", tmp_path / "new" / "head.npz", LAYOUT, advance=advances.append)
        file = read_file(target, LAYOUT)
        assert np.allclose(file.vertices, neutral, atol=1e-6)
        assert np.allclose(file.identity[2], shapes["identity002"] - neutral, atol=2e-4)
        assert np.allclose(file.expression[1], shapes[LAYOUT.expression_names[1]] - neutral, atol=2e-4)
        assert file.triangles.tolist() == [[0, 1, 2], [0, 2, 3], [3, 2, 4], [3, 4, 5], [6, 7, 8]]
        assert file.landmarks.tolist() == list(range(68))
        assert sum(advances) == steps(LAYOUT) == 8

    def test_the_inner_folder_may_be_given_too(self, checkout, tmp_path):
        assert import_head(checkout / "FaceXModel", tmp_path / "head.npz", LAYOUT).exists()

    def test_lines_may_end_as_on_windows(self, checkout, tmp_path):
        for path in (checkout / "FaceXModel").glob("*.obj"):
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        assert read_file(import_head(checkout, tmp_path / "head.npz", LAYOUT), LAYOUT).triangles.shape == (5, 3)

    def test_a_folder_that_is_no_checkout_is_told_so(self, tmp_path):
        with pytest.raises(HeadError, match=r"is no checkout of ICT-FaceKit.*clone github\.com"):
            import_head(tmp_path, tmp_path / "head.npz", LAYOUT)

    @pytest.mark.parametrize("name", ["identity001.obj", f"{LAYOUT.expression_names[0]}.obj", "vertex_indices.json"])
    def test_a_missing_file_is_named_and_nothing_is_left(self, checkout, tmp_path, name):
        (checkout / "FaceXModel" / name).unlink()
        with pytest.raises(HeadError, match=rf"{name} is missing, so the checkout is incomplete"):
            import_head(checkout, tmp_path / "out" / "head.npz", LAYOUT)
        assert not (tmp_path / "out").exists()

    def test_pointers_of_git_lfs_are_recognised(self, checkout, tmp_path):
        (checkout / "FaceXModel" / "identity000.obj").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
        with pytest.raises(HeadError, match=r"only a pointer of Git LFS; run `git lfs pull`"):
            import_head(checkout, tmp_path / "head.npz", LAYOUT)

    def test_another_number_of_vertices_is_another_version(self, checkout, tmp_path):
        (checkout / "FaceXModel" / "identity002.obj").write_text(obj_text(np.zeros((79, 3))))
        with pytest.raises(HeadError, match=r"identity002\.obj has 79 vertices where the model has 80"):
            import_head(checkout, tmp_path / "head.npz", LAYOUT)

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            ("\nf 7/7 8/8 9/9", "", "has 4 triangles where the model has 5"),
            ("f 7/7", "f 99/7", "names a vertex that is not there"),
            ("f 7/7", "f seven", "not made of vertex/texture numbers"),
            ("\nv ", "\nv x", "a vertex is not three numbers"),
            ("\nv ", "\nv nan ", "a vertex is not three numbers"),
        ],
    )
    def test_a_damaged_mesh_is_told_so(self, checkout, tmp_path, old, new, words):
        path = checkout / "FaceXModel" / "generic_neutral_mesh.obj"
        path.write_text(path.read_text().replace(old, new, 1))
        with pytest.raises(HeadError, match=words):
            import_head(checkout, tmp_path / "head.npz", LAYOUT)

    @pytest.mark.parametrize("text", ["{}", "[]", "no json", '{"idx_to_landmark_verts": [1, 2]}'])
    def test_wrong_landmarks_are_told(self, checkout, tmp_path, text):
        (checkout / "FaceXModel" / "vertex_indices.json").write_text(text)
        with pytest.raises(HeadError, match=r"vertex_indices\.json is damaged"):
            import_head(checkout, tmp_path / "head.npz", LAYOUT)

    def test_a_file_that_is_there_is_replaced_on_demand_only(self, checkout, tmp_path):
        target = tmp_path / "head.npz"
        target.write_bytes(b"mine")
        with pytest.raises(HeadError, match="is there already"):
            import_head(checkout, target, LAYOUT)
        assert target.read_bytes() == b"mine"
        import_head(checkout, target, LAYOUT, replace=True)
        assert read_file(target, LAYOUT)

    def test_a_head_that_does_not_open_never_appears(self, checkout, tmp_path):
        def refuse(path):
            raise HeadError(f"{path.name}: no.")

        with pytest.raises(HeadError, match="no"):
            import_head(checkout, tmp_path / "out" / "head.npz", LAYOUT, check=refuse)
        assert list((tmp_path / "out").iterdir()) == []
