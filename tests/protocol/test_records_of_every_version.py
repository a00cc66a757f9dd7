"""Every kind of record, in every version ever written, can be read. Fixtures are never edited, only added to."""

from pathlib import Path

import pytest

from protocol.labels import LabelSet
from protocol.manifest import Manifest
from protocol.schema import Versioned
from protocol.script import Script, parse_script
from protocol.session import Session
from protocol.subjects import DatasetInfo, format_subjects, parse_subjects
from recorder.rigprofile import RigProfile

FIXTURES = Path(__file__).parent / "fixtures"
RECORDS: dict[str, type[Versioned]] = {
    "take": Manifest,
    "labels": LabelSet,
    "dataset": DatasetInfo,
    "session": Session,
    "rig": RigProfile,
}


def stored(pattern: str) -> list[Path]:
    found = sorted(FIXTURES.glob(pattern))
    assert found, f"no fixture {pattern}"
    return found


@pytest.mark.parametrize("path", stored("*.json"), ids=lambda path: path.name)
def test_a_stored_record_is_read_and_written_back_the_same(path: Path) -> None:
    record_type = RECORDS[path.name.split("-")[0]]
    record = record_type.parse(path.read_bytes(), path.name)
    assert record_type.parse(record.to_json(), "again") == record
    assert record.version == "{}.{}".format(*record_type.VERSION)


@pytest.mark.parametrize("kind", RECORDS)
def test_the_version_that_is_written_now_has_a_fixture(kind: str) -> None:
    version = "{}.{}".format(*RECORDS[kind].VERSION)
    assert (FIXTURES / f"{kind}-{version}.json").is_file()


@pytest.mark.parametrize("path", stored("*.yaml"), ids=lambda path: path.name)
def test_a_stored_script_is_read(path: Path) -> None:
    script = parse_script(path.read_text(encoding="utf-8"), path.name)
    assert script.total_us > 0
    assert Script.model_validate(script.model_dump(mode="json")) == script  # as the manifest keeps it


@pytest.mark.parametrize("path", stored("*.csv"), ids=lambda path: path.name)
def test_a_stored_table_of_subjects_is_read(path: Path) -> None:
    records = parse_subjects(path.read_text(encoding="utf-8"), path.name)
    assert [record.subject for record in records] == [1, 2, 7, 8]
    assert parse_subjects(format_subjects(records), "again") == records


def test_a_stored_take_means_what_it_meant() -> None:
    take = Manifest.parse((FIXTURES / "take-1.0.json").read_bytes(), "take")
    assert (take.movement, take.subject, take.number, take.status) == ("frown", 4, 1, "complete")
    assert take.t0_us == 1_768_204_810_012_345
    assert take.streams["events"].written == 1_200_000
    assert take.streams["events"].resolution == (346, 260)
    assert take.files[".aedat4"].bytes == 9_600_000


def test_a_stored_take_of_an_imagined_host_says_so_and_an_older_one_has_none() -> None:
    takes = [Manifest.parse((FIXTURES / f"take-{version}.json").read_bytes(), "take") for version in ("1.0", "1.1")]
    assert [take.streams["events"].virtual_host for take in takes] == [False, True]


def test_a_stored_practice_take_says_so_with_the_rig_as_it_was_and_an_older_one_has_none() -> None:
    old, new = (Manifest.parse((FIXTURES / f"take-{version}.json").read_bytes(), "take") for version in ("1.1", "1.2"))
    assert (old.practice, old.repetition, old.rig_check, old.profile) == (False, None, None, None)
    assert (new.practice, new.repetition) == (True, 2)
    assert new.rig_check is not None
    assert (new.rig_check["level"], new.rig_check["confirmed"], new.rig_check["checks"][0]["value"]) == ("red", True, 452.0)


def test_a_stored_session_means_what_it_meant() -> None:
    session = Session.parse((FIXTURES / "session-1.0.json").read_bytes(), "session")
    assert (session.subject, session.label, session.order_seed, session.glasses) == (4, "2026-11-21-b", 42, True)
    assert [str(place) for place in (*session.skipped, *session.added)] == ["blink 2", "smile 6"]
    assert session.read_script().movements


def test_stored_labels_mean_what_they_meant() -> None:
    labels = LabelSet.parse((FIXTURES / "labels-1.0.json").read_bytes(), "labels")
    frown = labels.by_id()["1"]
    assert (frown.movement, frown.intensity, frown.duration_us) == ("frown", "C", 200_000)
    assert (frown.origin.onset, frown.origin.apex) == ("adjusted", "accepted")
    assert labels.by_id()["2"].apex_us is None


def test_stored_labels_of_1_0_tell_blinks_in_passing_from_the_movement_that_was_asked_for() -> None:
    labels = LabelSet.parse((FIXTURES / "labels-1.0.json").read_bytes(), "labels")
    assert [interval.kind for interval in labels.intervals] == ["asked", "asked"]
    assert (labels.done, labels.saw, labels.adjudication, labels.revision) == (False, None, None, 0)


def test_a_stored_consensus_refers_to_what_it_was_made_of() -> None:
    labels = LabelSet.parse((FIXTURES / "labels-1.1.json").read_bytes(), "labels")
    frown, blink = labels.intervals
    assert [(reference.coder, reference.interval) for reference in frown.made_of] == [("anna", "1"), ("ben", "1")]
    assert (blink.kind, labels.done, labels.spent_s, labels.revision) == ("blink", True, 7.5, 4)
    assert labels.adjudication is not None
    assert (labels.adjudication.by, labels.adjudication.settled) == ("carla", True)
    assert labels.saw is not None
    assert not labels.saw.blind
