from datetime import UTC, date, datetime

import pytest
from takekit import SHORT_SCRIPT, make_take, some_events

from app.main import main
from protocol.analysis import QualityRecord, Verdict
from protocol.manifest import Person, TakeStatus
from protocol.script import parse_script
from protocol.session import CellState, Place, Session, SessionError, skip
from recorder.analysisstore import update_analysis
from recorder.dataset import Dataset, TakeEntry
from recorder.sessionstore import SubjectFolder, create_session, save_session, session_path, sessions_of
from recorder.takefiles import mark_noise
from recorder.verify import Kind, verify_folders, verify_records

LABEL = "2026-11-21"
SCRIPT = parse_script(SHORT_SCRIPT.replace("repetitions: 1", "repetitions: 3"), "short")
FEW = some_events(5)


@pytest.fixture
def data(tmp_path):
    return Dataset.create(tmp_path / "data", "trial", simulated=True).path


def session(**more) -> Session:
    values = {"subject": 4, "label": LABEL, "script": SCRIPT.model_dump(mode="json"), "started_at": datetime.now(UTC)}
    return Session(**{**values, **more})


def record(data, stem="smile_4_1", repetition=1, label=LABEL, **more):
    person = Person(subject=4, session=label, glasses=False)
    script = SCRIPT.model_dump(mode="json")
    return make_take(data / "4", stem, events=FEW, person=person, repetition=repetition, script=script, order_seed=3, **more)


def states(data, of=None):
    return [cell.state for cell in SubjectFolder(data, 4).grid(of or session()).cells]


def test_a_session_is_written_once_changed_and_read_again(data):
    begun = session(glasses=True, notes="lamp left")
    path = create_session(data, begun)
    assert path == session_path(data, 4, LABEL) == data / "4" / f"{LABEL}.session.json"
    with pytest.raises(SessionError, match="exists already"):
        create_session(data, begun)
    folder = SubjectFolder(data, 4)
    assert folder.load(LABEL) == begun
    changed = skip(begun, folder.grid(begun), Place(movement="smile", repetition=2))
    save_session(data, changed)
    assert folder.load(LABEL) == changed
    assert [cell.state for cell in folder.grid(changed).cells] == [CellState.TODO, CellState.SKIPPED, CellState.TODO]


def test_the_grid_is_what_the_folder_tells(data):
    assert states(data) == [CellState.TODO] * 3
    path = record(data)
    record(data, "smile_4_2", 2, status=TakeStatus.PARTIAL)
    assert states(data) == [CellState.DONE, CellState.FAILED, CellState.TODO]
    update_analysis(path, {"quality": QualityRecord(verdict=Verdict.CHECK)})
    assert states(data)[0] is CellState.CHECK
    TakeEntry.at(path).mark_redone()
    assert states(data)[0] is CellState.REDO
    record(data, "smile_4_3", 1, practice=True)
    assert states(data)[0] is CellState.REDO
    mark_noise(record(data, "smile_4_4", 3))
    assert states(data)[2] is CellState.NOISE


def test_a_folder_that_is_kept_open_sees_every_change(data):
    folder = SubjectFolder(data, 4)
    assert folder.takes() == ()
    path = record(data)
    assert [take.verdict for take in folder.takes()] == [None]
    before = folder.takes()
    assert folder.takes() == before
    update_analysis(path, {"quality": QualityRecord(verdict=Verdict.GOOD)})
    assert [take.verdict for take in folder.takes()] == [Verdict.GOOD]
    TakeEntry.at(path).mark_redone()
    assert [take.redone for take in folder.takes()] == [True]
    moved = mark_noise(path)
    assert [(take.path, take.noise) for take in folder.takes()] == [(moved, True)]
    moved.with_name(moved.name.replace(".aedat4", ".json")).write_text("nothing")
    assert [(take.status, take.session) for take in folder.takes()] == [(TakeStatus.FAILED, None)]


def test_a_session_whose_file_is_lost_goes_on_from_its_takes(data):
    create_session(data, session())
    record(data)
    record(data, "smile_4_2", 2)
    session_path(data, 4, LABEL).unlink()
    again = SubjectFolder(data, 4).load(LABEL)
    assert (again.order_seed, again.glasses, again.read_script()) == (3, False, SCRIPT)
    assert states(data, again) == [CellState.DONE, CellState.DONE, CellState.TODO]


def test_a_session_that_nothing_tells_of_is_refused(data):
    with pytest.raises(SessionError, match="begin a new one"):
        SubjectFolder(data, 4).load(LABEL)


def test_a_damaged_record_is_never_replaced_unasked(data):
    record(data)
    session_path(data, 4, LABEL).write_text("{")
    with pytest.raises(SessionError, match="Without this file"):
        SubjectFolder(data, 4).load(LABEL)


def test_an_analysis_that_cannot_be_read_leaves_the_take_unjudged(data):
    path = record(data)
    path.with_name("smile_4_1.analysis.json").write_text("{")
    assert states(data)[0] is CellState.DONE


def test_sessions_are_listed_from_records_and_takes(data):
    create_session(data, session(label="2026-11-22"))
    record(data)
    make_take(data / "12", "smile_12_1", events=FEW)
    listed = [(one.subject, one.label, one.path is not None, one.takes) for one in sessions_of(data)]
    assert listed == [(4, LABEL, False, 1), (4, "2026-11-22", True, 0)]
    assert SubjectFolder(data, 4).next_label(date(2026, 11, 21)) == f"{LABEL}-b"
    assert SubjectFolder(data, 5).next_label(date(2026, 11, 21)) == LABEL


def test_a_session_record_is_no_stranger_to_verify_and_a_damaged_one_is_told(data, capsys):
    record(data)
    create_session(data, session())
    dataset = Dataset(data)
    assert [*verify_folders(dataset, dataset.takes()), *verify_records(dataset)] == []
    assert main(["inspect", str(data)]) == main(["stats", str(data)]) == 0
    session_path(data, 4, LABEL).write_text("{")
    (finding,) = verify_records(dataset)
    assert (finding.kind, finding.path) == (Kind.UNREADABLE, session_path(data, 4, LABEL))


def test_a_folder_that_takes_no_file_is_told(data):
    (data / "4").write_text("in the way")
    with pytest.raises(SessionError, match="cannot be written"):
        create_session(data, session())
    with pytest.raises(SessionError, match="cannot be written"):
        save_session(data, session())
