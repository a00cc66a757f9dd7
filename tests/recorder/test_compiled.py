"""Compiled code always finds a folder: the usual ones where they take files, else one of the user's own."""

import os
import sys
import tempfile
from pathlib import Path

import pytest

from app.main import main
from recorder import compiled
from recorder.compiled import VARIABLE, find_room


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """An installation and a home that take no file: where a folder would have to be, there is a file."""
    wall = tmp_path / "wall"
    wall.touch()
    monkeypatch.setattr(compiled, "CODE", wall / "__pycache__")
    monkeypatch.setenv("XDG_CACHE_HOME", str(wall / "cache"))
    monkeypatch.setenv("HOME", str(wall))
    monkeypatch.setenv("LOCALAPPDATA", str(wall))
    return wall


def test_where_the_installation_takes_files_nothing_is_changed():
    environment = {}
    find_room(environment)
    assert environment == {}


@pytest.mark.skipif(sys.platform != "linux", reason="the home's cache is found by variables on Linux only")
class TestNowhere:
    """Neither beside the code nor in the home."""

    def test_a_private_folder_is_named_and_used_again(self, nowhere, tmp_path):
        environment, again = {}, {}
        find_room(environment, tmp_path)
        find_room(again, tmp_path)
        folder = environment[VARIABLE]
        assert environment == again
        assert Path(folder).stat().st_mode & 0o777 == 0o700

    def test_a_folder_that_is_named_and_takes_files_is_kept(self, nowhere, tmp_path):
        environment = {VARIABLE: str(tmp_path / "mine")}
        find_room(environment, tmp_path)
        assert environment == {VARIABLE: str(tmp_path / "mine")}

    def test_a_folder_that_is_named_and_takes_none_is_replaced(self, nowhere, tmp_path):
        environment = {VARIABLE: str(nowhere / "no")}
        find_room(environment, tmp_path)
        assert environment[VARIABLE].startswith(str(tmp_path / "glimpse-compiled-"))

    def test_a_folder_that_others_may_write_to_is_not_used(self, nowhere, tmp_path):
        planted = tmp_path / f"glimpse-compiled-{os.getuid()}"
        planted.mkdir()
        planted.chmod(0o777)
        environment = {}
        find_room(environment, tmp_path)
        assert environment[VARIABLE] != str(planted)
        assert Path(environment[VARIABLE]).stat().st_mode & 0o777 == 0o700

    def test_every_command_has_such_a_folder(self, nowhere, tmp_path, monkeypatch, capsys):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        monkeypatch.setenv(VARIABLE, str(nowhere / "no"))
        assert main(["--help"]) == 0
        assert Path(os.environ[VARIABLE]).parent == tmp_path

    def test_where_nothing_can_be_written_commands_that_compile_nothing_still_work(self, nowhere):
        environment = {}
        find_room(environment, nowhere)
        assert environment == {}

    def test_a_cache_of_the_home_will_do(self, nowhere, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        environment = {}
        find_room(environment, tmp_path)
        assert environment == {}
