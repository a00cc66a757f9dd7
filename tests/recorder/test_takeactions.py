import pytest
from takekit import make_take, some_events

from protocol.naming import BadTakeName
from recorder.dataset import Dataset, LeftOut, TakeEntry
from recorder.takeactions import have_redone, keep, keep_as_noise, present_path, undo
from recorder.takefiles import TakeFilesError
from recorder.verify import verify_folders, verify_take

ACTIONS = {"keep": keep, "noise": keep_as_noise, "redone": have_redone}


@pytest.fixture
def take(tmp_path):
    path = make_take(tmp_path / "data" / "4", "smile_4_1", events=some_events(5))
    path.with_name("smile_4_1.analysis.json").write_text("{}")
    return path


def names(take):
    return sorted(path.name for path in take.parent.iterdir())


def test_a_take_that_is_kept_stays_as_it_is(take):
    before = names(take)
    assert keep(take).path == take
    assert names(take) == before


def test_noise_renames_every_file_of_the_take(take):
    before = names(take)
    path = keep_as_noise(take).path
    assert path.name == "smile_4_1_(noise).aedat4"
    assert names(take) == sorted(name.replace("smile_4_1", "smile_4_1_(noise)") for name in before)


def test_a_take_to_be_done_again_stays_under_its_name_and_is_left_out(take):
    path = have_redone(take).path
    assert path == take
    assert TakeEntry.at(path).left_out == {LeftOut.REDONE}


def test_the_last_decision_counts(take):
    assert have_redone(keep_as_noise(take).path).path == take
    path = keep_as_noise(take).path
    assert TakeEntry.at(path).left_out == {LeftOut.NOISE}
    assert TakeEntry.at(keep(path).path).left_out == frozenset()


@pytest.mark.parametrize("first", ACTIONS)
@pytest.mark.parametrize("second", ACTIONS)
def test_every_decision_is_undone_without_a_trace(take, first, second):
    path = ACTIONS[first](take).path
    before = names(take)
    assert undo(ACTIONS[second](path)) == path
    assert names(take) == before


def test_a_take_is_found_after_it_was_renamed_elsewhere(take):
    decided = keep(take)
    moved = keep_as_noise(take).path
    assert present_path(take) == moved
    assert undo(decided) == take


def test_what_is_no_take_or_gone_is_refused(take):
    with pytest.raises(TakeFilesError, match="no such take"):
        keep(take.with_name("smile_4_2.aedat4"))
    with pytest.raises(BadTakeName):
        keep(take.with_name("holiday.aedat4"))


def test_a_data_set_with_decisions_is_as_it_should_be(take):
    path = have_redone(take).path
    other = keep_as_noise(make_take(take.parent, "smile_4_2", events=some_events(5))).path
    dataset = Dataset(take.parent.parent)
    entries = dataset.takes()
    assert {entry.path for entry in entries} == {path, other}
    found = [*verify_folders(dataset, entries), *(finding for entry in entries for finding in verify_take(entry))]
    assert [finding for finding in found if not finding.is_note] == []
