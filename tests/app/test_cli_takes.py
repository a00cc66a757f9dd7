import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from takekit import T0_US, make_take, some_events, write_events

from app.main import main
from app.pie import pie_index, text_pie
from protocol.manifest import TakeStatus


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    make_take(root / "4", "frown_4_1", videos=True)
    make_take(root / "4", "smile_4_1", events=some_events(100))
    make_take(root / "4", "smile_4_2", events=some_events(100), status=TakeStatus.PARTIAL)
    make_take(root / "5", "blink_5_1_(noise)", events=some_events(100))
    return root


@pytest.fixture
def data(template, tmp_path):
    return shutil.copytree(template, tmp_path / "data")


@pytest.fixture
def glimpse(capsys):
    """Runs a command in this process: (exit code, stdout, stderr)."""

    def run(*arguments):
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


def test_inspect_gives_the_agreed_json_and_nothing_else_on_stdout(glimpse, data):
    code, out, _ = glimpse("inspect", data, "--json")
    reports = json.loads(out)
    assert code == 0
    assert reports[0]["path"] == str(data / "4" / "frown_4_1.aedat4")
    events = reports[0]["streams"]["events"]
    assert (events["count"], events["first_us"], events["last_us"]) == (1000, T0_US, T0_US + 199_999)
    assert events["resolution"] == [32, 24]
    assert set(reports[0]["streams"]) == {"events", "frames", "imu", "triggers", "rgb", "thermal"}
    assert [report["problems"] for report in reports] == [[]] * 4


def test_inspect_prints_a_table(glimpse, data):
    code, out, _ = glimpse("inspect", data / "4" / "frown_4_1")
    assert code == 0
    assert str(T0_US) in out
    assert "32 x 24" in out


def test_inspect_lists_an_unreadable_file_and_fails(glimpse, data):
    (data / "4" / "smile_4_3.aedat4").write_bytes(b"")
    code, out, _ = glimpse("inspect", data, "--json")
    report = next(one for one in json.loads(out) if one["path"].endswith("smile_4_3.aedat4"))
    assert code == 1
    assert len(report["problems"]) == 1
    assert len(json.loads(out)) == 5


def test_inspect_of_a_path_that_does_not_exist_is_unusable_input(glimpse, data):
    code, out, err = glimpse("inspect", data, data / "frown_9_9.aedat4", "--json")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1


def test_inspect_of_a_folder_without_takes_is_an_empty_list(glimpse, tmp_path):
    assert glimpse("inspect", tmp_path, "--json")[:2] == (0, "[]\n")


def test_export_of_one_take_is_the_file_that_was_named(glimpse, data, tmp_path):
    code, _, _ = glimpse("export", data / "4" / "frown_4_1.aedat4", "--format", "npy", "--bins", 5, "--out", tmp_path / "x.npy")
    assert code == 0
    assert np.load(tmp_path / "x.npy").shape == (5, 2, 24, 32)


def test_export_of_a_folder_keeps_the_names_and_leaves_out_what_is_not_good(glimpse, data, tmp_path):
    code, out, err = glimpse("export", data, "--format", "csv", "--out", tmp_path / "out", "--json")
    assert code == 0
    assert sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.csv")) == [
        "4/frown_4_1.csv",
        "4/smile_4_1.csv",
    ]
    assert [row["events"] for row in json.loads(out)] == [1000, 100]
    assert "2 of 4 takes are left out" in err


def test_export_includes_what_is_named(glimpse, data, tmp_path):
    arguments = ("--format", "h5", "--out", tmp_path / "out", "--include", "partial", "--include", "noise")
    assert glimpse("export", data, *arguments)[0] == 0
    assert (tmp_path / "out" / "5" / "blink_5_1_(noise).h5").exists()
    assert (tmp_path / "out" / "4" / "smile_4_2.h5").exists()


def test_a_take_that_is_named_is_exported_whatever_it_is(glimpse, data, tmp_path):
    code, _, err = glimpse("export", data / "4" / "smile_4_2", "--format", "csv", "--out", tmp_path)
    assert code == 0
    assert "is partial; exported since it was named" in err
    assert (tmp_path / "smile_4_2.csv").exists()


def test_export_of_a_range_counts_its_events(glimpse, data, tmp_path):
    times = some_events()["t"]
    start, stop = int(times[10]), int(times[20])
    glimpse(
        "export", data / "4" / "frown_4_1", "--format", "npz", "--start", start, "--stop", stop, "--out", tmp_path / "x.npz"
    )
    with np.load(tmp_path / "x.npz") as arrays:
        assert arrays["t"].tolist() == [t for t in times if start <= t < stop]


def test_export_goes_on_after_a_take_that_fails_and_lists_it(glimpse, data, tmp_path):
    (data / "4" / "frown_4_1.aedat4").write_bytes(b"garbage")
    code, out, err = glimpse("export", data, "--format", "csv", "--out", tmp_path / "out")
    assert code == 1
    assert "frown_4_1.aedat4" in err
    assert "smile_4_1.csv: 100 events" in out


def test_export_never_overwrites_unless_forced(glimpse, data, tmp_path):
    arguments = ("export", data / "4" / "smile_4_1", "--format", "csv", "--out", tmp_path / "x.csv")
    assert glimpse(*arguments)[0] == 0
    assert glimpse(*arguments)[0] == 2
    assert glimpse(*arguments, "--force")[0] == 0


@pytest.mark.parametrize(
    "wrong",
    [
        ("--format", "xlsx"),
        ("--format", "csv", "--bins", "3"),
        ("--format", "npy", "--bins", "3", "--bin-ms", "3"),
        ("--format", "npy", "--bins", "0"),
        ("--format", "csv", "--start", "5", "--stop", "5"),
    ],
)
def test_an_export_that_makes_no_sense_is_wrong_usage(glimpse, data, tmp_path, wrong):
    assert glimpse("export", data / "4" / "smile_4_1", *wrong, "--out", tmp_path / "x")[0] == 2
    assert not (tmp_path / "x").exists()


def test_stats_gives_json_with_shares_and_balance(glimpse, data):
    code, out, _ = glimpse("stats", data, "--json")
    sheet = json.loads(out)
    assert code == 0
    assert sheet["takes"]["selected"] == 2
    assert sheet["movements"]["frown"] == {"count": 1, "share": 0.5}
    assert sheet["balance"]["min_max_ratio"] == 0


def test_stats_prints_a_pie_and_draws_one(glimpse, data, tmp_path):
    code, out, err = glimpse("stats", data, "--pie", tmp_path / "pie.png")
    assert code == 0
    assert "50.0 %" in out
    assert "▀" in out
    assert (tmp_path / "pie.png").read_bytes().startswith(b"\x89PNG")
    assert "pie.png" in err
    glimpse("stats", data, "--json", "--pie", tmp_path / "pie.svg")
    assert "<svg" in (tmp_path / "pie.svg").read_text()


def test_stats_of_an_empty_folder_is_an_empty_sheet(glimpse, tmp_path):
    code, out, err = glimpse("stats", tmp_path, "--pie", tmp_path / "pie.png")
    assert code == 0
    assert "0, of which 0 are used" in out
    assert "not drawn" in err


def test_a_pie_that_cannot_be_drawn_is_refused(glimpse, data, tmp_path):
    assert glimpse("stats", data, "--pie", tmp_path / "pie.txt")[0] == 2
    assert glimpse("stats", data, "--pie", tmp_path / "nowhere" / "pie.png")[0] == 2


def test_the_slices_of_the_pie_begin_at_the_top_and_go_clockwise():
    shares = [1.0, 1.0, 0.0, 2.0]
    corners = [pie_index(shares, x, y, 5) for x, y in ((1, -1), (1, 1), (-1, 1), (-1, -1))]
    assert corners == [0, 1, 3, 3]
    assert pie_index(shares, 4, 4, 5) is None
    assert pie_index([0.0, 0.0], 0, 0, 5) is None
    assert pie_index([1.0, 0.0], -1e-300, -1, 5) == 0


def test_a_pie_of_nothing_has_a_legend_only():
    assert "▀" not in str(text_pie({"smile": 0}).renderables)


def test_verify_passes_an_untouched_data_set(glimpse, data):
    code, out, _ = glimpse("verify", data)
    assert (code, out) == (0, "4 takes, 0 findings, 0 notes\n")


def test_verify_lists_what_is_wrong_and_fails(glimpse, data, tmp_path):
    backup = shutil.copytree(data, tmp_path / "backup")
    (data / "4" / "frown_4_1.rgb.mp4").unlink()
    write_events(data / "from elsewhere.aedat4", some_events(3))
    code, out, _ = glimpse("verify", data, "--backup", backup, "--json")
    found = json.loads(out)
    assert code == 1
    assert {row["kind"] for row in found["findings"]} == {"missing", "count", "backup_missing", "backup_extra"}
    assert [row["kind"] for row in found["notes"]] == ["no_manifest"]
    code, out, _ = glimpse("verify", data)
    assert code == 1
    assert "frown_4_1.rgb.mp4 is listed in the manifest but missing" in out


def test_the_real_command_keeps_stdout_for_json(data):
    command = [sys.executable, "-m", "app.main", "inspect", str(data), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert len(json.loads(done.stdout)) == 4


def test_a_real_recording_is_inspected(glimpse, test_data):
    code, out, _ = glimpse("inspect", test_data / "aedat4", "--json")
    lamps, road = json.loads(out)
    assert code == 0
    assert [lamps["streams"][name]["count"] for name in ("events", "frames", "imu", "triggers")] == [117_667, 3, 130, 15]
    assert [road["streams"][name]["count"] for name in ("events", "frames", "imu", "triggers")] == [6_676, 4, 160, 17]
    assert len(road["problems"]) == 1
