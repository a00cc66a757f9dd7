"""Where rings lie: in a folder that nobody else may look into, elsewhere on demand."""

import os

import pytest

from recorder.runtime import VARIABLE, create_runtime_folder, runtime_root


@pytest.fixture
def named(tmp_path, monkeypatch):
    """A place for rings that is not there yet, named by the variable."""
    place = tmp_path / "roomy" / "rings"
    monkeypatch.setenv(VARIABLE, str(place))
    return place


def test_rings_lie_where_the_variable_says(named):
    folder = create_runtime_folder(runtime_root())
    assert folder.parent == named
    assert folder.is_dir()


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX")
def test_nobody_else_may_look_into_the_folder(named):
    assert runtime_root().stat().st_mode & 0o777 == 0o700


def test_an_empty_variable_names_nothing(named, monkeypatch):
    monkeypatch.setenv(VARIABLE, "")
    assert runtime_root() != named
    assert runtime_root().is_dir()
