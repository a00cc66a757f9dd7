import json
import shutil

import pytest
from takekit import make_take, some_events, write_events

from protocol.naming import RECOVERY_SUFFIX
from recorder.dataset import Dataset
from recorder.host import ProcessId
from recorder.recover import rebuild_truncated
from recorder.takefiles import mark_noise
from recorder.verify import Kind, backup_pairs, compare, verify_folders, verify_records, verify_take


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    make_take(root / "4", "frown_4_1", events=some_events(1000), videos=True)
    make_take(root / "4", "frown_4_2", events=some_events(5))
    (root / "4" / ".numbers").write_text("frown 1\nfrown 2\n")
    (root / "notes.txt").write_text("belongs to nobody")
    return root


@pytest.fixture
def data(template, tmp_path):
    return shutil.copytree(template, tmp_path / "data")


def findings(folder):
    dataset = Dataset(folder)
    entries = dataset.takes()
    return [one for entry in entries for one in verify_take(entry)] + list(verify_folders(dataset, entries))


def told(folder):
    return sorted((one.kind.value, one.path.relative_to(folder).as_posix()) for one in findings(folder) if not one.is_note)


def test_nothing_is_found_in_an_untouched_data_set(data):
    assert findings(data) == []


def test_a_single_flipped_bit_is_found(data):
    path = data / "4" / "frown_4_1.rgb.mp4"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert told(data) == [("checksum", "4/frown_4_1.rgb.mp4")]


def test_a_file_of_another_size_is_found(data):
    with (data / "4" / "frown_4_1.frames.csv").open("a") as file:
        file.write("\n")
    assert ("size", "4/frown_4_1.frames.csv") in told(data)


def test_a_missing_file_is_found_once(data):
    (data / "4" / "frown_4_1.thermal.mkv").unlink()
    assert [row for row in told(data) if row[0] == "missing"] == [("missing", "4/frown_4_1.thermal.mkv")]
    assert not any(kind == "unreadable" for kind, _ in told(data))


def test_counts_that_disagree_with_the_manifest_are_found(data):
    manifest = data / "4" / "frown_4_1.json"
    manifest.write_text(manifest.read_text().replace('"written": 1000', '"written": 999'))
    assert told(data) == [("count", "4/frown_4_1.aedat4")]


def test_a_broken_manifest_is_found(data):
    (data / "4" / "frown_4_2.json").write_text("[]")
    assert told(data) == [("manifest", "4/frown_4_2.json")]


def test_a_manifest_that_lists_a_path_elsewhere_is_found_and_not_followed(data):
    manifest = data / "4" / "frown_4_2.json"
    manifest.write_text(manifest.read_text().replace('".frames.csv"', '"/../../secret"'))
    assert ("manifest", "4/frown_4_2.json") in told(data)


def test_a_take_under_another_takes_name_is_found(data):
    for path in list((data / "4").glob("frown_4_2.*")):
        path.rename(path.with_name(path.name.replace("frown_4_2", "smile_4_2")))
    assert ("name", "4/smile_4_2.aedat4") in told(data)


def test_marking_noise_leaves_a_true_data_set(data):
    mark_noise(data / "4" / "frown_4_1.aedat4")
    assert findings(data) == []


def test_a_take_without_a_manifest_is_said_and_is_no_fault(data):
    write_events(data / "from elsewhere.aedat4", some_events(3))
    assert told(data) == []
    assert [(one.kind, one.is_note) for one in findings(data)] == [(Kind.NO_MANIFEST, True)]


def test_an_unreadable_file_is_found(data):
    (data / "4" / "smile_4_1.aedat4").write_bytes(b"garbage")
    assert told(data) == [("unreadable", "4/smile_4_1.aedat4")]


@pytest.mark.parametrize("name", ["frown_4_2.rgb.mp4", "frown_4_2.notes.txt", "frown_4_7.rgb.mp4", "frown_4_7.json"])
def test_a_file_that_no_manifest_lists_is_unexpected(data, name):
    (data / "4" / name).write_bytes(b"{}")
    assert ("unexpected", f"4/{name}") in told(data)


@pytest.mark.parametrize(
    "name", ["frown_4_2.analysis.json", "frown_4_2.labels/c1.json", "frown_4_2.redone", "frown_4_2.damaged.aedat4"]
)
def test_what_is_made_later_beside_a_take_is_expected(data, name):
    (data / "4" / name).parent.mkdir(exist_ok=True)
    (data / "4" / name).write_bytes(b"{}")
    assert told(data) == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("4/frown_4_3.part.aedat4", "leftover"),
        ("4/frown_4_3.rename", "leftover"),
        ("4/.frown_4_3.analysis.json.77.tmp", "leftover"),
        ("4/frown_4_3.lock", "lock"),
        ("subjects.csv.lock", "lock"),
    ],
)
def test_what_a_crash_left_is_found(data, name, kind):
    (data / name).write_text("cut short")
    assert told(data) == [(kind, name)]


def test_a_take_that_is_being_recorded_now_is_no_fault(data):
    (data / "4" / "frown_4_3.lock").write_text(ProcessId.current().to_json())
    (data / "4" / "frown_4_3.part.aedat4").write_bytes(b"")
    assert told(data) == []


def test_a_take_that_was_begun_and_has_vanished_is_found(data):
    for path in list((data / "4").glob("frown_4_2.*")):
        path.unlink()
    assert told(data) == [("vanished", "4/frown_4_2.aedat4")]
    with (data / "4" / ".numbers").open("a") as ledger:
        ledger.write("frown 2 discarded\n")
    assert told(data) == []


def test_a_ledger_that_cannot_be_read_is_found(data):
    (data / "4" / ".numbers").write_bytes(b"\xff\xfe\x00")
    assert told(data) == [("unreadable", "4/.numbers")]


def test_a_rebuilt_take_is_verified_against_its_recovery_record(data):
    path = data / "4" / "frown_4_1.aedat4"
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 9 // 10])
    assert ("size", "4/frown_4_1.aedat4") in told(data)
    assert rebuild_truncated(path).saved
    assert told(data) == []
    assert Kind.COUNT in {one.kind for one in findings(data) if one.is_note}
    path.with_name(f"frown_4_1{RECOVERY_SUFFIX}").write_text(json.dumps({"files": 3}))
    assert ("unreadable", f"4/frown_4_1{RECOVERY_SUFFIX}") in told(data)


def test_a_backup_is_compared_file_by_file(data, tmp_path):
    backup = shutil.copytree(data, tmp_path / "backup")
    assert [compare(*pair) for pair in backup_pairs(data, backup)] == [None] * 10
    (backup / "4" / "frown_4_2.json").unlink()
    (backup / "4" / "frown_4_3.json").write_text("new")
    same_size = (backup / "notes.txt").read_text().upper()
    (backup / "notes.txt").write_text(same_size)
    (data / "4" / "frown_4_5.lock").touch()
    found = [finding for pair in backup_pairs(data, backup) if (finding := compare(*pair))]
    assert [(one.kind.value, one.path.name) for one in found] == [
        ("backup_missing", "frown_4_2.json"),
        ("backup_extra", "frown_4_3.json"),
        ("backup_differs", "notes.txt"),
    ]


def test_records_of_the_data_set_that_cannot_be_read_are_found(data):
    (data / "dataset.json").write_text("{")
    (data / "subjects.csv").write_bytes(bytes(range(256)))
    names = [finding.path.name for finding in verify_records(Dataset(data))]
    assert names == ["dataset.json", "subjects.csv"]
