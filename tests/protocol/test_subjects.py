from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.schema import SchemaError
from protocol.subjects import (
    COLUMNS,
    DatasetInfo,
    Purpose,
    SubjectRecord,
    SubjectsError,
    format_subjects,
    may,
    may_record,
    parse_subjects,
)

HEADER = ",".join(COLUMNS)
DAY = date(2026, 1, 12)

days = st.dates(min_value=date(1900, 1, 1))
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
known: dict[str, st.SearchStrategy[Any]] = {
    "person": st.none() | st.integers(1, 999_999),
    "sex": st.sampled_from([None, "f", "m", "x"]),
    "age_band": st.none() | st.from_regex(r"[1-9][0-9]-[1-9][0-9]", fullmatch=True),
    "consents": st.dictionaries(st.sampled_from(Purpose), days),
    "form_version": st.none() | words.map(str.strip).filter(bool),
    "withdrawn_on": st.none() | days,
}
newer_columns = st.lists(st.from_regex(r"x_[a-z ,;\"\n]{0,10}z", fullmatch=True), max_size=3, unique=True)


@st.composite
def tables(draw: st.DrawFn) -> tuple[SubjectRecord, ...]:
    numbers = draw(st.lists(st.integers(1, 999_999), max_size=4, unique=True))
    extra = {column: words for column in draw(newer_columns)}
    rows = [draw(st.fixed_dictionaries(known | extra)) for _ in numbers]
    return tuple(SubjectRecord(subject=number, **row) for number, row in zip(numbers, rows, strict=True))


@given(tables())
def test_a_table_is_read_back_as_it_was_written_with_the_columns_of_a_newer_program(records: tuple[SubjectRecord, ...]) -> None:
    assert parse_subjects(format_subjects(records), "subjects.csv") == records


@given(st.text())
def test_any_text_is_a_table_or_refused_by_one_sentence(text: str) -> None:
    for each in (text, HEADER + "\n" + text, "subject," + text):
        try:
            records = parse_subjects(each, "subjects.csv")
        except SubjectsError:
            continue
        assert parse_subjects(format_subjects(records), "again") == records


def test_one_person_may_have_several_numbers() -> None:
    records = parse_subjects("subject,person\n1,1\n2,2\n7,1\n", "subjects.csv")
    assert [record.subject for record in records if record.person == 1] == [1, 7]


def test_what_is_not_known_is_empty() -> None:
    (record,) = parse_subjects("subject\n3\n", "subjects.csv")
    assert record == SubjectRecord(subject=3)
    assert format_subjects([record]) == f"{HEADER}\n3,,,,,,,,,\n"


def test_an_empty_table_is_a_header() -> None:
    assert parse_subjects(format_subjects([]), "subjects.csv") == ()


def test_a_table_saved_by_a_spreadsheet_is_read() -> None:
    text = "\ufeffsubject;sex;consent_record\r\n1;f;2026-01-12\r\n;;\r\n 2 ; m ;\r\n"
    records = parse_subjects(text, "subjects.csv")
    assert [(record.subject, record.sex) for record in records] == [(1, "f"), (2, "m")]
    assert records[0].consents == {Purpose.RECORD: DAY}


def test_a_record_that_lacks_a_newer_column_gets_it_empty() -> None:
    text = format_subjects([SubjectRecord(subject=1, handedness="left"), SubjectRecord(subject=2)])
    assert [(record.model_extra or {})["handedness"] for record in parse_subjects(text, "s")] == ["left", ""]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("x,,,,,,,,,", "subject: input should be a valid integer"),
        ("0,,,,,,,,,", "subject: input should be greater than or equal to 1"),
        (",1,,,,,,,,", "subject: field required"),
        ("1,,,,,,,,,,", "11 cells where the header has 10"),
        ("1,2", "2 cells where the header has 10"),
        ("1,,w,,,,,,,", "sex: input should be 'f', 'm' or 'x'"),
        ("1,,,young,,,,,,", "age_band"),
        ("1,,,,12/01/2026,,,,,", "consents.record: '12/01/2026' is no date"),
        ("1,,,,1735776000,,,,,", "consents.record: '1735776000' is no date"),
        ("1,,,,2026-02-30,,,,,", "consents.record"),
        ("1,,,,,,,,,soon", "withdrawn_on: 'soon' is no date"),
        ("2,,,,,,,,,", "subject 2 is listed twice"),
        ('1,"a"b,,,,,,,,', "not a CSV row"),
        ('1,"a', "not a CSV row"),
    ],
)
def test_a_broken_row_is_refused_with_file_and_line(row: str, words: str) -> None:
    with pytest.raises(SubjectsError) as caught:
        parse_subjects(f"{HEADER}\n2,,,,,,,,,\n\n{row}\n", "subjects.csv")
    assert str(caught.value).startswith("subjects.csv, line 4: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("", "the column 'subject' is missing"),
        ("number,person", "the column 'subject' is missing"),
        ("subject,sex,sex", "the column 'sex' is empty, reserved or there twice"),
        ("subject,,sex", "the column '' is empty"),
        ("subject,consents", "reserved"),
        ("subject,Name", "the column 'Name' would identify a person"),
        ("subject,date of birth", "would identify a person"),
        ("subject,E-Mail", "would identify a person"),
    ],
)
def test_a_header_that_is_none_or_asks_for_names_is_refused(header: str, words: str) -> None:
    with pytest.raises(SubjectsError, match=r"^subjects\.csv, line 1: ") as caught:
        parse_subjects(header + "\n", "subjects.csv")
    assert words in str(caught.value)


def test_a_record_cannot_hold_a_name_either() -> None:
    with pytest.raises(ValueError, match="would identify a person"):
        SubjectRecord(subject=1, surname="Doe")


def test_a_foreign_label_of_a_subject_may_be_kept_in_a_column_of_its_own() -> None:
    (record,) = parse_subjects("subject,foreign_subject\n1,sub07\n", "subjects.csv")
    assert record.model_extra == {"foreign_subject": "sub07"}


def consenting(**changes: Any) -> SubjectRecord:
    return SubjectRecord(subject=1, **{"consents": {Purpose.RECORD: DAY}, **changes})


def test_recording_needs_consent_given_by_that_day() -> None:
    assert may_record(consenting(), DAY)
    assert may_record(consenting(), date(2027, 1, 1))
    assert not may_record(consenting(), date(2026, 1, 11))
    assert not may_record(consenting(consents={}), DAY)


def test_consent_to_one_purpose_is_none_to_another() -> None:
    assert not may_record(consenting(consents={Purpose.SHARE: DAY}), DAY)
    assert may(consenting(consents={Purpose.SHARE: DAY}), Purpose.SHARE, DAY)
    assert not may(consenting(), Purpose.TRAIN, DAY)


def test_withdrawal_counts_from_its_day_on_and_for_every_purpose() -> None:
    everything = consenting(consents=dict.fromkeys(Purpose, DAY), withdrawn_on=date(2026, 2, 1))
    for purpose in Purpose:
        assert may(everything, purpose, date(2026, 1, 31))
        assert not may(everything, purpose, date(2026, 2, 1))
        assert not may(everything, purpose, date(2027, 1, 1))


def test_a_data_set_says_its_name_and_whether_it_is_simulated() -> None:
    info = DatasetInfo(name="Winter pilot", simulated=True, created_at="2026-01-12T08:55:00+01:00")
    assert DatasetInfo.parse(info.to_json(), "dataset.json") == info
    with pytest.raises(SchemaError, match="name: string should have at least 1 character"):
        DatasetInfo.parse('{"schema": "glimpse.dataset", "version": "1.0", "name": ""}', "dataset.json")
