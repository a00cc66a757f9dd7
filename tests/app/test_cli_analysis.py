"""`glimpse sync`, `suggest` and `quality` as they are called: on a simulated take with every camera, on what is there without
one, and on what is broken.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from takekit import T0_US, make_take, some_events, write_events

from app.main import main
from recorder.analysisstore import analysis_path, read_analysis
from recorder.take import Take

COMMANDS = ("sync", "suggest", "quality")


def run(capsys, *words):
    """(exit code, document, what was said)."""
    code = main([*map(str, words)])
    told = capsys.readouterr()
    return code, json.loads(told.out) if "--json" in words and told.out else told.out, told.err


@pytest.fixture(scope="module")
def take(simulated_take, tmp_path_factory):
    """A copy of the simulated take in a folder of its own."""
    folder = tmp_path_factory.mktemp("analysis") / "1"
    folder.mkdir()
    for path in simulated_take.parent.glob("smile_1_1.*"):
        if not path.name.endswith(".analysis.json"):
            shutil.copy(path, folder)
    return folder / simulated_take.name


def truth_of(take):
    with Take(take) as opened:
        return opened.manifest.truth


def test_the_clock_of_the_colour_camera_is_found_by_the_paper_and_kept(take, capsys):
    code, (row,), _ = run(capsys, "sync", take, "--json", "--write")
    truth = truth_of(take)["clocks"]
    assert (code, row["path"], row["rgb"]["status"]) == (0, str(take), "paper")
    assert abs(row["rgb"]["offset_us"] - truth["rgb"]["offset_us"]) <= row["rgb"]["uncertainty_us"] < 10_000
    assert abs(row["thermal"]["offset_us"] - truth["thermal"]["offset_us"]) < 20_000  # of 115,000 between two pictures
    assert set(row["rgb"]) >= {"status", "offset_us", "drift_ppm", "uncertainty_us", "flags"}
    assert read_analysis(take).sync.rgb.offset_us == row["rgb"]["offset_us"]


def test_the_movement_is_suggested_where_it_was_made(take, capsys):
    code, (row,), _ = run(capsys, "suggest", take, "--json", "--write")
    truth = truth_of(take)
    (interval,) = row["intervals"]
    assert code == 0
    assert set(interval) >= {"onset_us", "apex_us", "offset_us", "confidence"}
    shared = min(interval["offset_us"], truth["offset_us"]) - max(interval["onset_us"], truth["onset_us"])
    whole = max(interval["offset_us"], truth["offset_us"]) - min(interval["onset_us"], truth["onset_us"])
    assert shared / whole >= 0.5
    assert read_analysis(take).onset.intervals[0].onset_us == interval["onset_us"]


def test_a_verdict_has_its_measures_and_joins_what_was_kept_before(take, capsys):
    code, (row,), _ = run(capsys, "quality", take, "--json", "--write")
    assert (code, row["verdict"]) == (0, read_analysis(take).quality.verdict.value)
    assert row["verdict"] in ("good", "check")
    assert {measure["name"] for measure in row["measures"]} >= {"event_rate", "movement", "paper", "noise"}
    assert all(measure["verdict"] in ("good", "check", "redo", "unknown") for measure in row["measures"])
    face = read_analysis(take).face
    assert (row["face"]["left_eye"], row["face"]["source"]) == (list(face.left_eye), face.source)


def test_the_verdict_judges_the_clocks_that_were_kept(take, capsys):
    run(capsys, "sync", take, "--json", "--write")
    _, (row,), _ = run(capsys, "quality", take, "--json")
    judged = next(measure for measure in row["measures"] if measure["name"] == "sync_rgb")
    assert judged["value"] == pytest.approx(read_analysis(take).sync.rgb.uncertainty_us / 1000)
    analysis_path(take).write_text("{")
    _, (row,), _ = run(capsys, "quality", take, "--json")
    assert next(measure for measure in row["measures"] if measure["name"] == "sync_rgb")["verdict"] == "unknown"


@pytest.mark.parametrize("command", COMMANDS)
def test_without_json_a_table_is_shown(take, capsys, command):
    code, told, _ = run(capsys, command, take)
    assert code == 0
    assert "smile_1_1.aedat4" in told


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_written_unless_it_is_asked_for(tmp_path, capsys, command):
    alone = make_take(tmp_path, videos=True)
    before = sorted(path.name for path in tmp_path.iterdir())
    assert run(capsys, command, alone, "--json")[0] == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("resolution", [(346, 260), (320, 240), (640, 480), (1, 1)])
@pytest.mark.parametrize("count", [0, 1, 20_000])
def test_a_lone_file_from_elsewhere_has_a_clear_answer(tmp_path, capsys, command, resolution, count):
    path = write_events(
        tmp_path / "foreign.aedat4", some_events(count, span_us=2_000_000, resolution=resolution), resolution=resolution
    )
    code, (row,), said = run(capsys, command, path, "--json", "--write")
    assert (code, said) == (0, "")
    expected = {"sync": {"rgb": None, "thermal": None}, "suggest": {"intervals": []}, "quality": {}}[command]
    assert {key: row[key] for key in expected} == expected
    assert command != "quality" or row["verdict"] != "good"
    assert analysis_path(path).exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_events_that_jump_by_years_are_no_reason_to_fail(tmp_path, capsys, command):
    events = some_events(2_000, span_us=500_000, resolution=(346, 260))
    events["t"][1_000:] += 3 * 365 * 86_400 * 1_000_000
    code, (row,), _ = run(capsys, command, write_events(tmp_path / "jump.aedat4", events, resolution=(346, 260)), "--json")
    assert (code, row["path"]) == (0, str(tmp_path / "jump.aedat4"))


@pytest.mark.parametrize("command", COMMANDS)
def test_times_near_the_end_of_what_64_bits_hold_are_no_reason_to_fail(tmp_path, capsys, command):
    events = some_events(500, resolution=(346, 260))
    events["t"] += np.iinfo(np.int64).max - 10_000_000 - T0_US
    assert run(capsys, command, write_events(tmp_path / "late.aedat4", events, resolution=(346, 260)), "--json")[0] == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_is_no_recording_is_listed_and_the_others_are_done(tmp_path, capsys, command):
    make_take(tmp_path / "4")
    (tmp_path / "4" / "smile_4_1.aedat4").write_bytes(b"no recording at all")
    code, rows, said = run(capsys, command, tmp_path, "--json")
    broken = next(row for row in rows if row["path"].endswith("smile_4_1.aedat4"))
    assert (len(rows), code) == (2, 0 if command == "quality" else 1)  # a verdict can be given on anything
    assert command == "quality" or "smile_4_1.aedat4" in broken["problem"]
    assert command == "quality" or "smile_4_1.aedat4" in said
    assert command != "quality" or broken["verdict"] == "redo"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_without_takes_is_said(tmp_path, capsys, command):
    code, rows, said = run(capsys, command, tmp_path, "--json")
    assert (code, rows) == (0, [])
    assert "There is no take in this folder." in said


@pytest.mark.parametrize("command", COMMANDS)
def test_a_path_that_is_not_there_is_wrong_usage(tmp_path, capsys, command):
    code, _, said = run(capsys, command, tmp_path / "nothing.aedat4")
    assert code == 2
    assert "nothing.aedat4" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_an_empty_path_is_wrong_usage_and_not_the_current_folder(tmp_path, capsys, monkeypatch, command):
    make_take(tmp_path)
    monkeypatch.chdir(tmp_path)
    code, _, said = run(capsys, command, "", "--write")
    assert (code, "An empty path was given" in said) == (2, True)
    assert not list(tmp_path.glob("*.analysis.json"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk to try")
@pytest.mark.parametrize("way", [(), ("--json",)])
def test_a_full_disk_behind_stdout_is_said_in_a_sentence(tmp_path, way):
    words = [sys.executable, "-m", "app.main", "suggest", str(make_take(tmp_path)), *way]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Standard output takes nothing more (No space left on device)")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "ascii:strict", "cp1252:strict"])
def test_names_that_stdout_cannot_hold_are_escaped_in_json(tmp_path, encoding):
    name = os.fsdecode(b"gr\xfc\xdfe \xe2\x98\xba.aedat4")  # the first two are no UTF-8
    shutil.copy(write_events(tmp_path / "plain.aedat4", some_events(0)), tmp_path / name)
    words = [sys.executable, "-m", "app.main", "suggest", str(tmp_path / name), "--json"]
    done = subprocess.run(words, capture_output=True, env={**os.environ, "PYTHONIOENCODING": encoding}, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout.decode())[0]["path"] == str(tmp_path / name)


@pytest.mark.parametrize("command", COMMANDS)
def test_real_recordings_without_faces_and_paper_have_a_clear_answer(test_data, tmp_path, capsys, command):
    shutil.copytree(test_data / "aedat4", tmp_path / "real")
    code, rows, _ = run(capsys, command, tmp_path / "real", "--json")
    assert (code, len(rows)) == (0, 2)
    for row in rows:
        assert command != "sync" or (row["paper"]["in_us"], row["paper"]["out_us"], row["rgb"]) == (None, None, None)
        assert command != "suggest" or not any(one["kind"] == "movement" and one["cued"] for one in row["intervals"])
        assert command != "quality" or row["verdict"] != "good"


def test_many_takes_are_done_in_several_processes_in_their_order(tmp_path):
    for number in range(1, 5):
        make_take(tmp_path, f"frown_4_{number}")
    # A program of its own: the standard library keeps a helper process for whoever has started others.
    words = [sys.executable, "-m", "app.main", "suggest", str(tmp_path), "--json", "--jobs", "2"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [row["path"][-8:-7] for row in json.loads(done.stdout)] == ["1", "2", "3", "4"]
