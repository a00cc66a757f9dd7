"""The preferences' file: kept, read back, mended where it is bad, never an obstacle."""

from pathlib import Path

import pytest

from app.settings import RECENT, AppSettings, Preferences, forget, load_settings, save_settings


@pytest.fixture
def path(tmp_path):
    return tmp_path / "config" / "settings.yaml"


def test_without_a_file_there_are_the_defaults_and_nothing_is_said(path):
    assert load_settings(path) == (AppSettings(), ())


def test_what_was_changed_is_read_back_and_what_is_a_default_is_not_written(path):
    preferences = Preferences(path)
    preferences.change(scheme="light", backup="/backup/é", keys={"record.go": "F5"})
    assert Preferences(path).settings == preferences.settings
    assert sorted(line.split(":")[0] for line in path.read_text().splitlines() if line[0] != " ") == [
        "backup",
        "keys",
        "scheme",
    ]
    assert [one.name for one in path.parent.iterdir()] == ["settings.yaml"]


@pytest.mark.parametrize("text", [b"", b"# nothing\n"])
def test_an_empty_file_is_as_none(path, text):
    path.parent.mkdir()
    path.write_bytes(text)
    assert load_settings(path) == (AppSettings(), ())


@pytest.mark.parametrize("text", [b"- a\n- b\n", b"just words", b"a: [", b"\xff\xfe\x00", b"\x00", b"a: !!python/object:x {}"])
def test_a_file_that_is_none_of_preferences_is_said_and_not_used(path, text):
    path.parent.mkdir()
    path.write_bytes(text)
    settings, (warning,) = load_settings(path)
    assert settings == AppSettings()
    assert warning.startswith(f"{path}: ")
    assert warning.endswith("the defaults are used.")
    assert "\n" not in warning


def test_only_what_is_bad_is_replaced_and_each_is_named(path):
    path.parent.mkdir()
    path.write_text("scheme: pink\nsounds: true\nunknown: 1\nkeys: 3\ngeometry: '%%%'\nlanguage: fr\n")
    settings, warnings = load_settings(path)
    assert (settings.sounds, settings.language, settings.scheme, settings.keys) == (True, "fr", "dark", {})
    assert {name for name in ("scheme", "unknown", "keys", "geometry") if any(f"{name!r}" in one for one in warnings)} == {
        "scheme",
        "unknown",
        "keys",
        "geometry",
    }


def test_the_newest_data_set_is_first_and_the_oldest_are_forgotten():
    settings = AppSettings()
    for number in (*range(RECENT + 3), 5):
        settings = settings.with_data(Path(f"/data/{number}"))
    assert settings.data == str(Path("/data/5"))
    assert settings.recent[:2] == (str(Path("/data/5")), str(Path(f"/data/{RECENT + 2}")))
    assert len(set(settings.recent)) == len(settings.recent) == RECENT


def test_preferences_that_cannot_be_written_hold_all_the_same(tmp_path):
    (tmp_path / "file").write_text("")
    preferences = Preferences(tmp_path / "file" / "settings.yaml")
    assert preferences.change(sounds=True).sounds
    assert "cannot be saved" in preferences.problem
    preferences.path = tmp_path / "settings.yaml"
    preferences.change(sounds=False)
    assert preferences.problem is None


def test_forgetting_makes_it_the_first_start_again(path):
    save_settings(AppSettings(tour_seen=True), path)
    forget(path)
    forget(path)
    assert not Preferences(path).settings.tour_seen
