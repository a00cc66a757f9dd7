import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from takekit import make_take, some_events, write_events

from protocol.manifest import Person, TakeStatus
from protocol.subjects import Purpose
from recorder.dataset import Dataset
from recorder.stats import data_sheet, extent, min_max_ratio, normalised_entropy
from recorder.subject_store import SubjectStore

counts = st.lists(st.integers(0, 500), min_size=2, max_size=9)


def sheet_of(folder, include=()):
    dataset = Dataset(folder)
    entries = dataset.takes()
    return data_sheet(dataset, entries, [extent(entry) for entry in entries], include)


@given(counts)
def test_evenness_lies_between_0_and_1(numbers):
    evenness = normalised_entropy(numbers)
    assert (evenness is None) == (sum(numbers) == 0)
    assert evenness is None or -1e-12 <= evenness <= 1 + 1e-12


@given(st.integers(2, 9), st.integers(1, 500))
def test_equal_counts_are_perfectly_even(classes, count):
    assert normalised_entropy([count] * classes) == pytest.approx(1)
    assert min_max_ratio([count] * classes) == 1


def test_the_formulas_give_what_they_say():
    assert normalised_entropy([3, 1]) == pytest.approx(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)) / math.log(2))
    assert normalised_entropy([7, 0, 0]) == 0
    assert normalised_entropy([7]) is None
    assert min_max_ratio([2, 8, 4]) == 0.25
    assert min_max_ratio([0, 0]) is None


@pytest.fixture
def data(tmp_path):
    folder = Dataset.create(tmp_path / "data", "trial", simulated=False).path
    worn, not_worn = Person(subject=4, glasses=True), Person(subject=4, glasses=False)
    make_take(folder / "4", "frown_4_1", events=some_events(100), person=worn)
    make_take(folder / "4", "frown_4_2", events=some_events(100), person=not_worn)
    make_take(folder / "4", "smile_4_1", events=some_events(100), status=TakeStatus.PARTIAL)
    make_take(folder / "5", "smile_5_1", events=some_events(300))
    make_take(folder / "5", "blink_5_1_(noise)", events=some_events(100))
    write_events(folder / "from elsewhere.aedat4", some_events(50))
    store = SubjectStore(folder)
    store.add(consents={Purpose.RECORD: "2026-01-01"}, subject=4, person=1, sex="f", age_band="20-29")
    store.add(consents={Purpose.RECORD: "2026-01-01"}, subject=5, person=1)
    return folder


def test_takes_are_counted_by_status_and_kind(data):
    takes = sheet_of(data)["takes"]
    assert (takes["total"], takes["selected"], takes["noise"], takes["redone"], takes["unnamed"]) == (6, 4, 1, 0, 1)
    assert takes["by_status"] == {"complete": 4, "partial": 1, "failed": 0, "foreign": 1}


def test_practice_takes_are_counted_and_not_used(data):
    make_take(data / "4", "smile_4_7", events=some_events(100), practice=True)
    sheet = sheet_of(data)
    assert (sheet["takes"]["practice"], sheet["takes"]["selected"]) == (1, 4)
    assert sheet["movements"]["smile"]["count"] == 1


def test_shares_count_the_takes_that_are_used(data):
    movements = sheet_of(data)["movements"]
    assert movements["frown"] == {"count": 2, "share": 2 / 3}
    assert movements["smile"] == {"count": 1, "share": 1 / 3}
    assert movements["blink"]["count"] == 0
    assert sheet_of(data, {"noise", "partial"})["movements"]["smile"]["count"] == 2


def test_durations_and_events_are_those_of_the_selected_takes(data):
    sheet = sheet_of(data)
    # The manifests made for these tests tell no last event: only the foreign take has a length.
    assert sheet["durations_us"] == {"total": 199_999, "min": 199_999, "median": 199_999, "max": 199_999}
    assert sheet["events"]["total"] == 100 + 100 + 300 + 50


def test_subjects_persons_and_glasses_are_told_where_they_are_known(data):
    subjects = sheet_of(data)["subjects"]
    assert (subjects["count"], subjects["persons"]) == (2, 1)
    assert subjects["takes"] == {"4": 2, "5": 1}
    assert subjects["sex"] == {"f": 1, "unknown": 1}
    assert subjects["age_band"] == {"20-29": 1, "unknown": 1}
    assert subjects["glasses"] == {"no": 1, "unknown": 2, "yes": 1}


def test_what_cannot_be_read_is_a_problem_and_not_the_end(data):
    (data / "4" / "frown_4_1.json").write_text("{")
    (data / "subjects.csv").write_text("who\n")
    (data / "5" / "smile_5_2.aedat4").write_bytes(b"garbage")
    problems = sheet_of(data)["problems"]
    assert len(problems) == 3
    assert [name in text for name, text in zip(("frown_4_1.json", "smile_5_2", "subjects.csv"), problems, strict=True)] == [
        True
    ] * 3


def test_an_empty_data_set_has_an_empty_sheet(tmp_path):
    sheet = sheet_of(tmp_path)
    assert sheet["takes"]["total"] == 0
    assert sheet["movements"]["smile"] == {"count": 0, "share": None}
    assert sheet["balance"] == {"min_max_ratio": None, "normalised_entropy": None}
    assert sheet["durations_us"]["median"] is None
    assert sheet["subjects"]["persons"] is None
