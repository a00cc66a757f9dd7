"""Where practice takes go, and that nothing of them stays."""

import json
import subprocess
import sys

import pytest
from takekit import make_take, some_events

from app.pages.record.practice import OWNER, PREFIX, PracticeFolder, sweep
from recorder.dataset import Dataset
from recorder.host import ProcessId


@pytest.fixture
def data(tmp_path):
    return _made(tmp_path / "data")


def _made(folder, simulated=True):
    Dataset.create(folder, "data", simulated=simulated)
    return folder


@pytest.mark.parametrize("simulated", [True, False])
def test_it_is_a_data_set_of_the_same_kind(tmp_path, simulated):
    practice = PracticeFolder(tmp_path)
    made = practice.make(_made(tmp_path / "data", simulated))
    assert Dataset(made).info.simulated is simulated
    practice.remove()


def test_a_take_is_thrown_away_alone_since_the_next_may_be_running(tmp_path, data):
    practice = PracticeFolder(tmp_path)
    folder = practice.make(data) / "4"
    take = make_take(folder, "smile_4_1", events=some_events(5))
    running = folder / "smile_4_2.part.aedat4"
    running.touch()
    assert practice.holds(take)
    assert not practice.holds(data / "4" / "smile_4_1.aedat4")
    practice.throw_away(take)
    assert not list(folder.glob("smile_4_1*"))
    assert running.exists()
    assert practice.make(data) == take.parents[1]
    practice.remove()
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_what_is_no_practice_is_never_thrown_away(tmp_path, data):
    practice = PracticeFolder(tmp_path)
    practice.make(data)
    take = make_take(data / "4", "smile_4_1", events=some_events(5))
    practice.throw_away(take)
    assert take.exists()
    practice.remove()


def test_nothing_is_there_before_the_first_practice_take(tmp_path):
    practice = PracticeFolder(tmp_path)
    practice.remove()
    assert list(tmp_path.iterdir()) == []
    assert not practice.holds(tmp_path / "x.aedat4")


def test_it_is_made_again_where_somebody_cleaned_the_temporary_folder(tmp_path, data):
    practice = PracticeFolder(tmp_path)
    first = practice.make(data)
    practice.remove()
    assert practice.make(data).is_dir()
    assert not first.exists()
    practice.remove()


def test_what_a_dead_process_left_is_removed_and_what_a_living_one_has_stays(tmp_path):
    told = "from recorder.host import ProcessId; print(ProcessId.current().to_json())"
    dead = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout
    owners = {"dead": dead, "mine": ProcessId.current().to_json(), "unknown": None}
    for name, owner in owners.items():
        folder = tmp_path / f"{PREFIX}{name}"
        (folder / "data" / "4").mkdir(parents=True)
        if owner is not None:
            (folder / OWNER).write_text(owner)
    (tmp_path / "other").mkdir()
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{PREFIX}mine", f"{PREFIX}unknown", "other"]


@pytest.mark.parametrize("text", ["", "{", json.dumps({"pid": "x"}), "[]"])
def test_an_owner_that_cannot_be_read_is_left_alone(tmp_path, text):
    folder = tmp_path / f"{PREFIX}odd"
    folder.mkdir()
    (folder / OWNER).write_text(text)
    sweep(tmp_path)
    assert folder.is_dir()
