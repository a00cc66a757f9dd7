import shutil

import pytest
from takekit import make_take, some_events, write_events

from protocol.manifest import TakeStatus
from protocol.naming import RECOVERY_SUFFIX
from protocol.schema import SchemaError
from recorder.dataset import Dataset, DatasetError, LeftOut, TakeEntry


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """One of each kind of take, and what lies around between them."""
    root = tmp_path_factory.mktemp("data")
    few = some_events(5)
    make_take(root / "4", "frown_4_10", events=few)
    make_take(root / "4", "frown_4_9", events=few)
    make_take(root / "4", "smile_4_1", events=few, status=TakeStatus.PARTIAL)
    make_take(root / "4", "smile_4_2", events=few, status=TakeStatus.FAILED)
    make_take(root / "12", "blink_12_1_(noise)", events=few)
    make_take(root / "12", "blink_12_2", events=few)
    make_take(root / "12", "blink_12_3", events=few, practice=True)
    (root / "12" / "blink_12_2.redone").touch()
    write_events(root / "from elsewhere.aedat4", few)
    for passed_over in (
        "4/frown_4_11.part.aedat4",
        "4/frown_4_9.damaged.aedat4",
        ".trash/frown_1_1.aedat4",
        "4/.frown_4_1.aedat4",
    ):
        write_events(root / passed_over, few)
    return root


@pytest.fixture
def data(template, tmp_path):
    return Dataset(shutil.copytree(template, tmp_path / "data"))


def names(entries):
    return [entry.path.name.removesuffix(".aedat4") for entry in entries]


def test_takes_come_by_subject_movement_and_number_and_foreign_ones_last(data):
    expected = ["frown_4_9", "frown_4_10", "smile_4_1", "smile_4_2", "blink_12_1_(noise)", "blink_12_2"]
    expected += ["blink_12_3", "from elsewhere"]
    assert names(data.takes()) == expected


def test_partial_failed_redone_noise_and_practice_takes_are_left_out_unless_named(data):
    assert names(data.selection()) == ["frown_4_9", "frown_4_10", "from elsewhere"]
    assert "smile_4_1" in names(data.selection({"partial"}))
    assert names(data.selection({"noise", "redone"}))[2:4] == ["blink_12_1_(noise)", "blink_12_2"]
    assert "blink_12_3" in names(data.selection({"practice"}))
    assert names(data.selection(LeftOut)) == names(data.takes())


def test_a_take_that_is_left_out_for_two_reasons_needs_both_named(data):
    entry = next(entry for entry in data.takes() if entry.noise)
    entry.mark_redone()
    assert entry.left_out == {LeftOut.NOISE, LeftOut.REDONE}
    assert entry.path not in [one.path for one in data.selection({"noise"})]
    assert entry.path in [one.path for one in data.selection({"noise", "redone"})]


def test_marking_a_take_as_redone_is_undone_without_a_trace(data):
    before = sorted(data.path.rglob("*"))
    entry = data.takes()[0]
    entry.mark_redone()
    entry.mark_redone()
    assert entry.redone
    entry.mark_redone(False)
    entry.mark_redone(False)
    assert not entry.redone
    assert sorted(data.path.rglob("*")) == before


def test_an_unknown_kind_to_include_is_a_mistake_of_the_program(data):
    with pytest.raises(ValueError, match="noisy"):
        data.selection({"noisy"})


def test_a_take_with_a_broken_manifest_counts_as_failed(data):
    entry = data.takes()[0]
    entry.sibling(".json").write_text("nothing")
    assert TakeEntry.at(entry.path).status is TakeStatus.FAILED
    assert names(data.selection()) == ["frown_4_10", "from elsewhere"]


def test_a_complete_take_that_was_rebuilt_counts_as_partial(data):
    entry = data.takes()[0]
    entry.sibling(RECOVERY_SUFFIX).write_text("{}")
    assert TakeEntry.at(entry.path).left_out == {LeftOut.PARTIAL}


def test_movement_and_subject_come_from_the_name_or_else_from_the_manifest(data):
    assert (data.takes()[0].movement, data.takes()[0].subject) == ("frown", 4)
    assert (data.takes()[-1].movement, data.takes()[-1].subject) == (None, None)
    shutil.copy(data.takes()[0].sibling(".json"), data.takes()[-1].sibling(".json"))
    assert (data.takes()[-1].movement, data.takes()[-1].subject) == ("frown", 4)


def test_a_folder_of_files_from_elsewhere_is_a_data_set_without_dataset_json(data):
    assert data.info is None


def test_a_data_set_is_created_once_and_opened_again(tmp_path):
    Dataset.create(tmp_path / "new" / "set", "trial", simulated=True)
    info = Dataset(tmp_path / "new" / "set").info
    assert (info.name, info.simulated) == ("trial", True)
    assert info.created_at is not None
    with pytest.raises(DatasetError, match="already"):
        Dataset.create(tmp_path / "new" / "set", "again", simulated=False)
    assert Dataset(tmp_path / "new" / "set").info == info


def test_a_folder_that_is_not_there_or_a_broken_dataset_json_is_refused(tmp_path):
    with pytest.raises(DatasetError):
        Dataset(tmp_path / "nowhere")
    (tmp_path / "dataset.json").write_text('{"schema": "glimpse.take", "version": "1.0"}')
    with pytest.raises(SchemaError, match=r"dataset\.json"):
        _ = Dataset(tmp_path).info
