import json
import os
from pathlib import Path

import pytest

from app.commands import heads as module
from app.main import main
from recorder.sim.heads import HEAD_VARIABLE, ICT_FILE

DATA = os.environ.get("GLIMPSE_TEST_DATA")
FILE = Path(DATA or ".") / "face" / "ict_facekit.npz"
needs_file = pytest.mark.skipif(not (DATA and FILE.is_file()), reason="needs face/ict_facekit.npz in GLIMPSE_TEST_DATA")


@pytest.fixture
def glimpse(capsys, monkeypatch, tmp_path):
    """Runs a command in this process, with a user data folder of its own: (exit code, stdout, stderr)."""
    monkeypatch.setattr("recorder.sim.heads.user_data_path", lambda *_, **__: tmp_path / "user")
    monkeypatch.delenv(HEAD_VARIABLE, raising=False)

    def run(*arguments):
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


def test_list_without_an_import_names_the_builtin_head_and_the_way_to_another(glimpse):
    code, out, err = glimpse("heads", "list")
    assert code == 0
    assert "builtin" in out
    assert "glimpse heads import DIR" in err


def test_list_as_json_begins_with_the_head_that_is_used(glimpse, tmp_path):
    path = tmp_path / "user" / "heads" / ICT_FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    code, out, _ = glimpse("heads", "list", "--json")
    assert code == 0
    assert json.loads(out) == [
        {"name": "ict", "path": str(path), "source": "imported"},
        {"name": "builtin", "path": None, "source": "always there"},
    ]


def test_a_variable_that_names_nothing_is_an_error(glimpse, monkeypatch, tmp_path):
    monkeypatch.setenv(HEAD_VARIABLE, str(tmp_path / "gone.npz"))
    code, out, err = glimpse("heads", "list")
    assert (code, out) == (2, "")
    assert "gone.npz: there is no such head (GLIMPSE_HEAD)" in err


def test_a_folder_that_is_no_checkout_is_told_in_one_sentence(glimpse, tmp_path):
    code, out, err = glimpse("heads", "import", tmp_path)
    assert (code, out) == (2, "")
    assert err == (
        f"{tmp_path} is no checkout of ICT-FaceKit (it has no FaceXModel/generic_neutral_mesh.obj); "
        "clone github.com/ICT-VGL/ICT-FaceKit and give its folder.\n"
    )


def test_a_folder_that_is_not_there_is_wrong_usage(glimpse, tmp_path):
    assert glimpse("heads", "import", tmp_path / "nowhere")[0] == 2


@needs_file
def test_import_puts_the_head_where_it_is_found(glimpse, monkeypatch, tmp_path):
    """The reading of the checkout is tested with the importer; here the file it makes is the real one."""

    def made(_checkout, target, *, check, advance, replace):
        target.parent.mkdir(parents=True)
        target.symlink_to(FILE)
        check(target)
        advance(1)
        assert not replace
        return target

    monkeypatch.setattr(module, "import_head", made)
    code, out, _ = glimpse("heads", "import", tmp_path)
    path = tmp_path / "user" / "heads" / ICT_FILE
    assert (code, out) == (0, f"{path}\n")
    assert str(path) in glimpse("heads", "list", "--json")[1]
