import csv
import json
import shutil

import numpy as np
import pytest
from takekit import FRAME_US, T0_US, make_take, some_events

from app.main import main
from protocol.analysis import ClockAlignment, SyncRecord, SyncStatus
from protocol.labels import Interval, LabelSet, Noise, Origins
from protocol.streams import Stream
from recorder.analysisstore import update_analysis
from recorder.dataset import Dataset
from recorder.exchange.recordings import event_times, open_book
from recorder.labelstate import read_labels
from recorder.labelstore import LabelStore
from recorder.take import Take

NOW = "2026-03-02T10:00:00+01:00"
FORMATS = {
    "csv": "labels.csv",
    "casme2": "labels.xlsx",
    "samm": "labels.csv",
    "casme3": "labels.csv",
    "megc": "labels.csv",
    "eaf": "elan",
    "boris": "labels.boris",
    "bids": "bids",
}


def label_set(coder, *intervals, noise=None):
    return LabelSet(coder=coder, created_at=NOW, intervals=intervals, noise=noise)


def interval(onset_us=20_000, apex_us=40_000, offset_us=90_001, movement="frown", **more):
    times = {"onset_us": T0_US + onset_us, "apex_us": T0_US + apex_us, "offset_us": T0_US + offset_us}
    return Interval(**{"id": f"i{onset_us}", "movement": movement, **times, **more})


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    make_take(root / "4", "frown_4_1", videos=True, events=some_events(300))
    make_take(root / "4", "smile_4_1", events=some_events(100))
    make_take(root / "5", "blink_5_1_(noise)", events=some_events(100))
    store = LabelStore(root)
    frown, smile, blink = (root / name for name in ("4/frown_4_1.aedat4", "4/smile_4_1.aedat4", "5/blink_5_1_(noise).aedat4"))
    store.bring_in(frown, label_set("a", interval(note="=1+1", confidence=0.5)))
    store.bring_in(frown, label_set("b", interval(25_000, 40_000, 95_000), noise=Noise(is_noise=False)))
    store.bring_in(smile, label_set("a", interval(movement="smile", origin=Origins(onset="accepted"))))
    store.bring_in(smile, label_set("b", interval(movement="smile", origin=Origins(onset="accepted"))))
    store.bring_in(blink, label_set("a", noise=Noise(is_noise=True, reason="talks")))
    return root


@pytest.fixture
def data(template, tmp_path):
    return shutil.copytree(template, tmp_path / "data")


@pytest.fixture
def glimpse(capsys):
    """Runs a command in this process: (exit code, stdout, stderr)."""

    def run(*arguments):
        code = main(["labels", *(str(argument) for argument in arguments)])
        return code, *capsys.readouterr()

    return run


@pytest.mark.parametrize("form", FORMATS)
def test_what_was_exported_is_imported_into_a_copy_without_labels(glimpse, data, tmp_path, form):
    out = tmp_path / FORMATS[form]
    assert glimpse("export", data, "--format", form, "--out", out, "--include", "noise")[0] == 0
    takes = [entry.path for entry in Dataset(data).takes()]
    before = {path: read_labels(path) for path in takes}
    for path in data.rglob("*.labels"):
        shutil.rmtree(path)
    for coder in ("a", "b"):
        code, said, _ = glimpse("import", out, "--data", data, "--coder", coder, "--json")
        assert (code, json.loads(said)["findings"]) == (0, [])
    after = {path: read_labels(path) for path in takes}
    assert {path: {c: one.digest() for c, one in sets.items()} for path, sets in after.items()} == {
        path: {c: one.digest() for c, one in sets.items()} for path, sets in before.items()
    }


def test_export_leaves_out_noise_and_tells_what_was_written(glimpse, data, tmp_path):
    code, out, _ = glimpse("export", data, "--format", "csv", "--out", tmp_path / "x.csv", "--json")
    told = json.loads(out)
    assert (code, told["takes"], told["label_sets"], told["coders"]) == (0, 2, 4, ["a", "b"])
    assert glimpse("export", data, "--format", "csv", "--out", tmp_path / "x.csv")[0] == 2
    assert glimpse("export", data, "--format", "csv", "--out", tmp_path / "x.csv", "--force", "--coder", "a")[0] == 0
    with (tmp_path / "x.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["take"], row["coder"], row["onset_us"]) for row in rows] == [
        ("4/frown_4_1", "a", str(T0_US + 20_000)),
        ("4/smile_4_1", "a", str(T0_US + 20_000)),
    ]


def test_a_wrong_name_or_format_is_wrong_usage(glimpse, data, tmp_path):
    assert glimpse("export", data, "--format", "csv", "--out", tmp_path / "x.eaf")[0] == 2
    assert glimpse("export", data, "--format", "nosuch", "--out", tmp_path / "x.csv")[0] == 2
    assert glimpse("export", data, "--format", "csv", "--out", tmp_path / "x.csv", "--coder", "Dr. Who")[0] == 2
    assert glimpse("import", data, "--data", data, "--coder", "c")[0] == 2
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    assert glimpse("import", tmp_path / "x.csv", "--data", data, "--coder", "c")[0] == 2


def test_frame_numbers_are_those_of_the_real_pictures_moved_by_the_synchronisation(glimpse, data, tmp_path):
    take = data / "4" / "frown_4_1.aedat4"
    clock = ClockAlignment(status=SyncStatus.PAPER, offset_us=-FRAME_US, drift_ppm=0.0, reference_us=T0_US)
    update_analysis(take, {"sync": SyncRecord(rgb=clock)})
    arguments = ("export", data, "--format", "casme2", "--plain", "--coder", "a", "--out", tmp_path / "x.csv")
    assert glimpse(*arguments)[0] == 0
    with (tmp_path / "x.csv").open(newline="") as file:
        row = next(csv.reader(list(file)[1:]))
    with Take(take) as opened:
        times = opened.frame_times(Stream.RGB) - FRAME_US
    wanted = [str(int(np.argmin(np.abs(times - (T0_US + t_us)))) + 1) for t_us in (20_000, 40_000, 90_001)]
    assert row[2:5] == wanted


def test_event_times_follow_offset_and_drift():
    clock = ClockAlignment(status=SyncStatus.PAPER, offset_us=100, drift_ppm=50.0, reference_us=T0_US)
    times = event_times(np.array([T0_US - 100, T0_US + 9_999_900]), clock)
    assert times.tolist() == [T0_US, T0_US + 10_000_500]


def test_a_camera_that_is_not_aligned_is_told(glimpse, data, tmp_path):
    _, _, err = glimpse("export", data, "--format", "casme2", "--out", tmp_path / "x.csv")
    assert "not aligned" in err


def test_a_take_without_a_colour_camera_counts_its_own_pictures(data):
    book = open_book(data, Dataset(data).takes())
    assert book["4/frown_4_1"].frames.stream is Stream.RGB
    assert book["4/smile_4_1"].frames.stream is Stream.FRAMES
    assert book["4/smile_4_1"].media is None


def test_an_import_never_touches_other_labels_and_its_own_only_by_force(glimpse, data, tmp_path):
    take = data / "4" / "frown_4_1.aedat4"
    exported = tmp_path / "x.csv"
    glimpse("export", data, "--format", "csv", "--out", exported, "--coder", "b")
    before = read_labels(take)
    code, out, err = glimpse("import", exported, "--data", data, "--coder", "a", "--json")
    assert code == 1
    assert {one["take"]: one["result"] for one in json.loads(out)["takes"]} == {"4/frown_4_1": "refused", "4/smile_4_1": "same"}
    assert "--force" in err
    assert read_labels(take) == before
    assert glimpse("import", exported, "--data", data, "--coder", "a", "--force")[0] == 0
    after = read_labels(take)
    assert after["b"] == before["b"]
    assert after["a"].intervals == before["b"].intervals
    with LabelStore(data).open(take, "a") as labels:
        labels.undo()
    assert read_labels(take)["a"].intervals == before["a"].intervals


def test_a_dry_run_changes_nothing(glimpse, data, tmp_path):
    exported = tmp_path / "x.csv"
    glimpse("export", data, "--format", "csv", "--out", exported, "--coder", "b")
    code, out, err = glimpse("import", exported, "--data", data, "--coder", "newcomer", "--dry-run")
    assert (code, out) == (0, "newcomer: 2 new (would be)\n")
    assert "Nothing was written" in err
    assert not list(data.rglob("newcomer*"))


def test_a_file_of_several_others_must_be_told_apart(glimpse, data, tmp_path):
    glimpse("export", data, "--format", "csv", "--out", tmp_path / "x.csv")
    code, _, err = glimpse("import", tmp_path / "x.csv", "--data", data, "--coder", "newcomer")
    assert code == 2
    assert "a, b" in err


def test_rows_that_were_left_out_make_the_exit_code_1(glimpse, data, tmp_path):
    (tmp_path / "x.csv").write_text("take,movement,onset_us,offset_us\nnosuch_1_1,frown,1,2\n")
    code, out, err = glimpse("import", tmp_path / "x.csv", "--data", data, "--coder", "c", "--json")
    assert code == 1
    assert json.loads(out)["findings"][0]["row"] == "row 2"
    assert "row 2" in err


def test_agree_gives_numbers_for_every_pair_and_movement(glimpse, data):
    code, out, _ = glimpse("agree", data, "--json")
    reports = json.loads(out)
    assert code == 0
    assert [(one["coders"], one["movement"], one["takes"]) for one in reports] == [
        (["a", "b"], None, 2),
        (["a", "b"], "frown", 1),
        (["a", "b"], "smile", 1),
    ]
    everything = reports[0]
    assert (everything["au_overlap"], everything["kappa"]["value"], everything["intervals"]["f1"]) == (1, 1, 1)
    assert everything["landmarks"]["onset"]["median_ms"] == 2.5
    assert set(everything["by_origin"]) == {"accepted", "placed"}
    assert everything["identical_takes"] == 1


def test_agree_writes_a_page_and_a_table(glimpse, data, tmp_path):
    code, out, _ = glimpse("agree", data, "--out", tmp_path / "r.html", "--out", tmp_path / "r.csv")
    assert code == 0
    assert "a, b" in out
    text = (tmp_path / "r.html").read_text()
    assert "data:image/png;base64," in text
    assert "same to the microsecond" in text
    with (tmp_path / "r.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    first = next(row for row in rows if row["landmark"] == "onset" and row["movement"] == "all")
    assert (first["origin"], first["count"], float(first["bias_ms"])) == ("all", "2", 2.5)
    assert glimpse("agree", data, "--out", tmp_path / "r.html")[0] == 2
    assert glimpse("agree", data, "--coders", "a")[0] == 2
    assert glimpse("agree", data, "--out", tmp_path / "r.txt")[0] == 2


def test_agree_of_one_coder_is_an_empty_list(glimpse, data):
    assert glimpse("agree", data, "--coders", "a,nobody", "--json")[:2] == (0, "[]\n")


def test_labels_that_can_be_true_have_no_findings(glimpse, data):
    code, out, _ = glimpse("validate", data, "--json")
    assert (code, json.loads(out)["findings"]) == (0, [])


def test_validate_names_every_kind_of_problem(glimpse, data):
    folder = data / "4"
    LabelStore(data).bring_in(folder / "smile_4_1.aedat4", label_set("far", interval(0, 0, 9_000_000)))
    plain = label_set("order", interval()).to_json().replace(str(T0_US + 40_000), str(T0_US + 10_000))
    (folder / "smile_4_1.labels" / "order.json").write_text(plain)
    (folder / "smile_4_1.labels" / "broken.json").write_text("{")
    (folder / "smile_4_1.labels" / "Not a coder.json").write_text("{}")
    (folder / "frown_4_9.labels").mkdir()
    (folder / "smile_4_1_(noise).labels").mkdir()
    code, out, _ = glimpse("validate", data, "--json")
    found = {(one["kind"], one["path"].rpartition("/")[2]) for one in json.loads(out)["findings"]}
    assert code == 1
    assert found >= {
        ("outside", "far.json"),
        ("order", "order.json"),
        ("unreadable", "broken.json"),
        ("stray", "Not a coder.json"),
        ("orphaned", "frown_4_9.labels"),
        ("orphaned", "smile_4_1_(noise).labels"),
    }
    assert "orphaned: " in glimpse("validate", data)[1]


def test_labels_that_cannot_be_read_are_told_and_the_others_exported(glimpse, data, tmp_path):
    path = data / "4" / "smile_4_1.labels" / "c.json"
    path.write_text('{"schema": "glimpse.labels", "version": "9.0"}')
    code, out, err = glimpse("export", data, "--format", "csv", "--out", tmp_path / "x.csv", "--json")
    assert (code, json.loads(out)["takes"]) == (1, 1)
    assert "newer" in err


def files_of(data):
    return {path.relative_to(data): path.read_bytes() for path in data.rglob("*") if path.is_file()}


def test_copies_coded_apart_are_merged_with_what_was_added_identical_and_in_conflict(glimpse, data, tmp_path):
    copy = shutil.copytree(data, tmp_path / "copy")
    smile = "4/smile_4_1.aedat4"
    LabelStore(copy).bring_in(copy / smile, label_set("c", interval(movement="smile")))
    for root, onset_us in ((data, 1_000), (copy, 2_000)):
        LabelStore(root).bring_in(root / smile, label_set("a", interval(onset_us, movement="smile")))
    before, of_copy = files_of(data), files_of(copy)

    code, said, told = glimpse("merge", copy, "--data", data, "--dry-run", "--json")
    document = json.loads(said)
    assert (code, document["added"], document["continued"]) == (1, ["smile_4_1: c"], [])
    assert document["identical"] == ["frown_4_1: a", "frown_4_1: b", "smile_4_1: b", "blink_5_1: a"]
    assert [one["path"] for one in document["conflicts"]] == [str(copy / "4/smile_4_1.labels/a.json")]
    assert "neither goes on from the other" in told
    assert files_of(data) == before

    code, said, _ = glimpse("merge", copy, "--data", data)
    assert (code, said.splitlines()) == (1, ["added: smile_4_1: c", "1 added, 0 continued, 4 identical, 1 in conflict"])
    assert set(read_labels(data / smile)) == {"a", "b", "c"}
    assert files_of(copy) == of_copy


def test_what_cannot_be_merged_is_said(glimpse, data, tmp_path):
    (tmp_path / "empty").mkdir()
    code, _said, told = glimpse("merge", tmp_path / "empty", "--data", data)
    assert (code, "There are no labels" in told) == (0, True)
    assert glimpse("merge", data, "--data", data / ".")[0] == 2
    with LabelStore(data).open(data / "4/smile_4_1.aedat4", "c") as opened:
        opened.become(label_set("c", interval(movement="smile")), "made")
        copy = shutil.copytree(data, tmp_path / "copy")
        code, _, told = glimpse("merge", copy, "--data", data, "--dry-run")
    assert (code, "is open in a window" in told) == (1, True)


def test_numbers_of_pictures_are_found_without_reading_a_video_through(glimpse, data, tmp_path, monkeypatch):
    out = tmp_path / "labels.csv"
    monkeypatch.setattr(Take, "video", lambda *_: pytest.fail("a whole video was read for times that a table has"))
    assert glimpse("export", data, "--format", "casme2", "--out", out, "--coder", "a", "--plain")[0] == 0
    code, said, _ = glimpse("import", out, "--data", data, "--coder", "c", "--json")
    assert (code, {one["result"] for one in json.loads(said)["takes"]}) == (0, {"new"})
