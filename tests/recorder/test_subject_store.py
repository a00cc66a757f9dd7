import subprocess
import sys
from datetime import date

import pytest

from protocol.subjects import Purpose, SubjectsError
from recorder.host import ProcessId
from recorder.subject_store import LOCK_FILE, SubjectStore

DAY = date(2026, 3, 2)
RECORD = {Purpose.RECORD: DAY}


@pytest.fixture
def store(tmp_path):
    return SubjectStore(tmp_path, sleep_s=lambda _: None)


def test_a_subject_gets_the_next_free_number_and_reads_back(store):
    first = store.add(consents=RECORD, person=3, sex="x", age_band="20-29", form_version="2")
    second = store.add(consents={Purpose.RECORD: DAY, Purpose.SHARE: DAY})
    assert (first.subject, second.subject) == (1, 2)
    assert store.records() == (first, second)
    assert store.get(2) == second
    assert store.get(3) is None


def test_numbers_of_folders_and_takes_are_not_given_again(store, tmp_path):
    (tmp_path / "7").mkdir()
    assert store.next_free() == 8
    (tmp_path / "frown_11_1.aedat4").touch()
    assert store.next_free() == 12
    store.add(consents=RECORD, subject=20)
    assert store.next_free() == 21


def test_a_number_that_is_listed_is_refused(store):
    store.add(consents=RECORD, subject=4)
    with pytest.raises(SubjectsError, match="next free number is 5"):
        store.add(consents=RECORD, subject=4)


@pytest.mark.parametrize("wrong", [{"sex": "male"}, {"age_band": "old"}, {"subject": 0}, {"person": -1}])
def test_what_the_table_cannot_hold_is_refused_and_nothing_written(store, wrong):
    with pytest.raises(SubjectsError, match="cannot be added"):
        store.add(consents=RECORD, **wrong)
    assert not store.path.exists()


def test_a_withdrawal_is_noted_once_and_keeps_the_row(store):
    store.add(consents=RECORD, subject=4, person=2)
    changed = store.withdraw(4, DAY)
    assert store.records() == (changed,)
    assert (changed.withdrawn_on, changed.person) == (DAY, 2)
    with pytest.raises(SubjectsError, match="already"):
        store.withdraw(4, DAY)
    with pytest.raises(SubjectsError, match="no subject 5"):
        store.withdraw(5, DAY)


def test_columns_that_are_not_known_are_kept(store):
    store.path.write_text("subject,handedness\n4,left\n")
    store.add(consents=RECORD)
    store.withdraw(4, DAY)
    assert "left" in store.path.read_text()
    assert store.records()[0].model_extra == {"handedness": "left"}


@pytest.mark.parametrize("content", [b"\xff\xfe", b"who\n1\n"])
def test_a_table_that_cannot_be_read_is_refused_and_left_alone(store, content):
    store.path.write_bytes(content)
    with pytest.raises(SubjectsError, match=r"subjects\.csv"):
        store.add(consents=RECORD)
    assert store.path.read_bytes() == content
    assert not (store.folder / LOCK_FILE).exists()


def test_a_lock_that_another_holds_is_waited_for_and_then_refused(store):
    (store.folder / LOCK_FILE).write_text(ProcessId.current().to_json())
    with pytest.raises(SubjectsError, match="another station"):
        store.add(consents=RECORD)
    assert (store.folder / LOCK_FILE).exists()


def test_a_lock_that_is_given_back_while_we_wait_lets_us_in(tmp_path):
    lock = tmp_path / LOCK_FILE
    lock.write_text(ProcessId.current().to_json())
    store = SubjectStore(tmp_path, sleep_s=lambda _: lock.unlink())
    assert store.add(consents=RECORD).subject == 1


def test_the_lock_of_a_dead_process_is_taken_over(store):
    code = "from recorder.host import ProcessId; print(ProcessId.current().to_json())"
    dead = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60).stdout
    (store.folder / LOCK_FILE).write_text(dead)
    assert store.add(consents=RECORD).subject == 1
    assert [path.name for path in store.folder.iterdir()] == ["subjects.csv"]


def test_a_lock_that_became_anothers_is_not_given_back_for_it(tmp_path):
    other = ProcessId("another machine", 1, 1).to_json()
    with SubjectStore(tmp_path)._locked():
        (tmp_path / LOCK_FILE).write_text(other)  # ours was removed by hand, and another station was there
    assert (tmp_path / LOCK_FILE).read_text() == other


def test_a_lock_of_another_machine_is_never_taken_over(store):
    (store.folder / LOCK_FILE).write_text(ProcessId("another machine", 1, 1).to_json())
    with pytest.raises(SubjectsError, match="another station"):
        store.add(consents=RECORD)


def test_stations_that_add_at_the_same_time_lose_no_subject(tmp_path):
    code = (
        "import sys; from datetime import date; from protocol.subjects import Purpose;"
        "from recorder.subject_store import SubjectStore; store = SubjectStore(sys.argv[1]);"
        "[store.add(consents={Purpose.RECORD: date(2026, 3, 2)}) for _ in range(10)]"
    )
    stations = [subprocess.Popen([sys.executable, "-c", code, tmp_path]) for _ in range(3)]
    assert [station.wait(100) for station in stations] == [0, 0, 0]
    assert [record.subject for record in SubjectStore(tmp_path).records()] == list(range(1, 31))


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(SubjectsError, match="cannot be written"):
        SubjectStore(tmp_path / "nowhere").add(consents=RECORD)
    assert not (tmp_path / "nowhere").exists()


def test_what_becomes_known_later_is_noted_beside_what_was_known(tmp_path):
    store = SubjectStore(tmp_path)
    store.add(subject=4, consents={Purpose.RECORD: date(2026, 3, 2)}, sex="f", form_version="1")
    store.amend(4, consents={Purpose.SHARE: date(2026, 4, 1)}, person=2, form_version="2")
    found = store.get(4)
    assert found.consents == {Purpose.RECORD: date(2026, 3, 2), Purpose.SHARE: date(2026, 4, 1)}
    assert (found.person, found.sex, found.form_version) == (2, "f", "2")


def test_nothing_is_noted_of_who_is_not_listed_or_withdrew(tmp_path):
    store = SubjectStore(tmp_path)
    with pytest.raises(SubjectsError, match="there is no subject 4"):
        store.amend(4, person=2)
    store.add(subject=4, consents={Purpose.RECORD: date(2026, 3, 2)})
    store.withdraw(4, date(2026, 3, 3))
    with pytest.raises(SubjectsError, match="use a new subject number"):
        store.amend(4, consents={Purpose.RECORD: date(2026, 4, 1)})
