import json
import shutil

import pytest
from takekit import make_take, some_events

from app.main import main
from recorder.dataset import Dataset


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    data = Dataset.create(tmp_path_factory.mktemp("template") / "data", "trial", simulated=False).path
    make_take(data / "4", "frown_4_1", events=some_events(20))
    return data


@pytest.fixture
def data(template, tmp_path):
    return shutil.copytree(template, tmp_path / "data")


@pytest.fixture
def glimpse(capsys):
    """Runs a command in this process: (exit code, stdout, stderr)."""

    def run(*arguments):
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


def test_a_backup_is_made_and_verify_agrees(glimpse, data, tmp_path):
    folder = tmp_path / "backup"
    code, out, _ = glimpse("backup", data, "--to", folder, "--json")
    told = json.loads(out)
    assert (code, told["kept"], told["problems"], told["replaced"]) == (0, 0, [], [])
    assert "4/frown_4_1.aedat4" in told["copied"]
    assert glimpse("verify", data, "--backup", folder)[0] == 0
    code, out, _ = glimpse("backup", data, "--to", folder)
    assert (code, out.split(" ")[:3]) == (0, ["0", "files", "copied"])


def test_takes_that_are_not_in_the_backup_are_listed(glimpse, data, tmp_path):
    code, out, _ = glimpse("backup", data, "--to", tmp_path / "backup", "--list")
    assert (code, out) == (1, f"{data / '4' / 'frown_4_1.aedat4'}\n")
    assert not (tmp_path / "backup").exists()
    glimpse("backup", data, "--to", tmp_path / "backup")
    code, out, _ = glimpse("backup", data, "--to", tmp_path / "backup", "--list", "--json")
    assert (code, json.loads(out)["not_backed_up"]) == (0, [])


def test_a_copy_that_differs_is_named_and_fails(glimpse, data, tmp_path):
    glimpse("backup", data, "--to", tmp_path / "backup")
    (tmp_path / "backup" / "4" / "frown_4_1.aedat4").write_bytes(b"other")
    code, out, _ = glimpse("backup", data, "--to", tmp_path / "backup")
    assert code == 1
    assert "frown_4_1.aedat4: its copy" in out
    code, out, _ = glimpse("backup", data, "--to", tmp_path / "backup", "--json")
    assert (code, len(json.loads(out)["problems"])) == (1, 1)


def test_a_folder_that_is_no_place_for_it_is_wrong_usage(glimpse, data):
    code, _, err = glimpse("backup", data, "--to", data / "inside")
    assert code == 2
    assert "inside the data set" in err
