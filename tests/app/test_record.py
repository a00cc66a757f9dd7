"""`glimpse record` from the command line to the files: its JSON, its exit codes, real recordings kept to the last event."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path

import numpy as np
import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "recorder"))
import stations
from aedat4_samples import assert_same, read_with_aedat, read_with_dv, read_with_glimpse
from serve_aedat4 import AedatServer, free_port, free_ports
from stations import (
    SHORT,
    SPONTANEOUS,
    assert_readable_by_all,
    capture_of,
    glimpse,
    is_gone,
    left_overs,
    manifest_of,
    wait_until,
)
from takekit import SHORT_SCRIPT, make_take

from app.commands import record as commands
from app.main import main
from app.station import Interrupted
from protocol.manifest import FinishReason, How, TakeStatus
from protocol.streams import Stream
from recorder import quality
from recorder.analysisstore import read_analysis
from recorder.dataset import Dataset
from recorder.messages import TakeDone
from recorder.subject_store import SubjectStore
from recorder.take import Take
from recorder.video2events.errors import LandmarkError

REAL = ("davis346_lab_lamps", "davis346_road_bad_timerange")
STREAMS = ("events", "frames", "imu", "triggers")


@pytest.fixture(autouse=True)
def _no_process_left():
    with stations.no_process_left():
        yield


@pytest.fixture
def plan(tmp_path):
    """Options for a short take with little need of room."""
    (tmp_path / "short.yaml").write_text(SHORT)
    (tmp_path / "settings.yaml").write_text("take_bytes: 1000000\nevent_ring: 65536\nframe_ring: 4\n")
    return ["--script", str(tmp_path / "short.yaml"), "--settings", str(tmp_path / "settings.yaml")]


def record(data, plan, capsys, *options, subject=4):
    """Run `glimpse record --json` in this process: (exit code, document or None, what was said)."""
    arguments = ["record", "--data", str(data), "--subject", str(subject), "--movement", "frown", "--json", *plan, *options]
    code = main(arguments)
    told = capsys.readouterr()
    return code, json.loads(told.out) if told.out else None, told.err


def interruptible(data, plan, *options):
    """`glimpse record --json` as a process group of its own."""
    return glimpse("record", "--data", data, "--subject", 4, "--json", *plan, *options)


def ended(process):
    """Exit code, document or None, and what was said."""
    out, err = process.communicate(timeout=60)
    return process.returncode, json.loads(out) if out else None, err


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# The sheet of paper, live


def test_t0_of_a_live_take_is_the_instant_at_which_the_paper_was_seen_to_leave_and_the_cue_counts_from_it(tmp_path, capsys):
    script = tmp_path / "live.yaml"
    script.write_text(SHORT_SCRIPT)
    words = ["--movement", "smile", "--camera", "sim:3,head=builtin,take=1", "--script", str(script), "--speed", "1"]
    assert main(["record", "--data", str(tmp_path / "data"), "--subject", "4", *words]) == 0
    manifest = manifest_of(capsys.readouterr().out.strip())
    assert abs(manifest.t0_us - manifest.truth["t0_us"]) < 10_000
    neutral, movement = (next(step for step in manifest.steps if step.step == name) for name in ("neutral", "movement"))
    assert (neutral.how, neutral.at_us) == (How.DETECTED, manifest.t0_us)
    assert movement.at_us - manifest.t0_us == 1_400_000
    assert manifest.t0_scheduled_us < manifest.t0_us  # the subject took the paper away when the screen said so


# A take as it should be


def test_a_whole_take_is_told_in_json_and_lies_where_it_says(tmp_path, plan, capsys):
    cameras = ("--camera", "sim:3", "--rgb", "sim", "--thermal", "sim", "--speed", "max")
    code, told, said = record(tmp_path / "data", plan, capsys, *cameras, "--glasses", "--session", "a", "--notes", "b")
    assert code == 0
    assert (told["status"], told["verdict"]) == ("complete", read_analysis(Path(told["path"])).quality.verdict.value)
    assert told["path"] == str(tmp_path / "data" / "4" / "frown_4_1.aedat4")
    assert told["manifest"] == str(tmp_path / "data" / "4" / "frown_4_1.json")
    assert set(told["counts"]) == {stream.value for stream in Stream}
    manifest = manifest_of(told["path"])
    with Take(told["path"]) as take:
        assert not take.problems
        for stream in Stream:
            assert told["counts"][stream.value] == {"received": take.count(stream), "written": take.count(stream)}
            assert take.count(stream) == manifest.streams[stream.value].written > 0
    assert (manifest.status, manifest.simulated, manifest.speed) == (TakeStatus.COMPLETE, True, "max")
    assert (manifest.person.subject, manifest.person.glasses, manifest.person.session, manifest.person.notes) == (
        4,
        True,
        "a",
        "b",
    )
    assert manifest.truth["movement"] == "frown"
    assert [step.step for step in manifest.steps] == ["settle", "paper_in", "countdown", "neutral", "movement"]
    assert "Neutral (0.8 s)" in said


def test_without_json_the_path_is_all_that_stdout_gets(tmp_path, plan, capsys):
    data = str(tmp_path / "data")
    options = ["--data", data, "--subject", "4", "--movement", "frown", "--camera", "sim", "--speed", "max"]
    assert main(["record", *options, *plan]) == 0
    assert capsys.readouterr().out == f"{data}/4/frown_4_1.aedat4\n"


def test_a_new_folder_becomes_a_data_set_marked_by_what_it_holds(tmp_path, plan, capsys):
    record(tmp_path / "data", plan, capsys, "--camera", "sim", "--speed", "max")
    assert Dataset(tmp_path / "data").info.simulated
    assert [entry.path.name for entry in Dataset(tmp_path / "data").selection()] == ["frown_4_1.aedat4"]


# Real recordings, replayed and served


def assert_take_is_the_recording(take, source):
    """Every record of every stream, as three readers see it."""
    for read in (read_with_glimpse, read_with_dv, read_with_aedat):
        assert_same(read(Path(take)), read(source))


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("speed", ["1", "max"])
def test_a_replayed_recording_is_kept_to_its_last_event_though_the_script_goes_on(
    tmp_path, plan, capsys, test_data, name, speed
):
    source = test_data / "aedat4" / f"{name}.aedat4"
    code, told, said = record(tmp_path / "data", plan, capsys, "--camera", f"replay:{source}", "--speed", speed)
    assert (code, told["status"], told["finish_reason"]) == (1, "partial", "source_ended")
    assert "The take is partial" in said
    assert_take_is_the_recording(told["path"], source)
    assert all(told["counts"][stream]["received"] == told["counts"][stream]["written"] > 0 for stream in STREAMS)


@pytest.mark.parametrize("name", REAL)
def test_a_recording_served_over_the_network_is_kept_to_its_last_event(tmp_path, plan, capsys, test_data, name):
    source, data = test_data / "aedat4" / f"{name}.aedat4", with_consent(tmp_path / "data")
    with AedatServer(source, free_ports(*STREAMS)) as server:
        code, told, said = record(data, plan, capsys, "--camera", f"network:{server.address}")
    assert (code, told["status"], told["finish_reason"]) == (1, "partial", "source_lost"), said
    assert_take_is_the_recording(told["path"], source)


def with_consent(data, subject=4):
    Dataset.create(data, "data", simulated=False)
    SubjectStore(data).add(consents={"record": date(2026, 1, 2)}, subject=subject)
    return data


def test_a_looped_recording_fills_the_whole_script(tmp_path, plan, capsys, test_data):
    source = test_data / "aedat4" / f"{REAL[0]}.aedat4"
    code, told, _ = record(tmp_path / "data", plan, capsys, "--camera", f"replay:{source},loop", "--speed", "max")
    assert (code, told["status"], told["finish_reason"]) == (0, "complete", "script_ended")
    with Take(told["path"]) as take:
        assert not take.problems
        times = take.events()["t"]
        assert times[-1] - times[0] >= 2_400_000 - 10_000
        assert np.all(np.diff(times) >= 0)


SILENT_SERVER = """
import sys, time
import dv_processing as dv
stream = dv.io.Stream.EventStream(0, "events", "DAVIS346_00000042", (346, 260))
server = dv.io.NetworkWriter("127.0.0.1", int(sys.argv[1]), stream)
print("ready", flush=True)
time.sleep(100)
"""


@contextmanager
def silent_server(port):
    """A server in a process of its own that is killed: a NetworkWriter that is deleted may never come back from it."""
    process = subprocess.Popen([sys.executable, "-c", SILENT_SERVER, str(port)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        yield
    finally:
        process.kill()
        process.communicate()


def test_a_network_camera_that_gives_nothing_is_named_and_leaves_no_file(tmp_path, plan, capsys):
    (tmp_path / "settings.yaml").write_text("take_bytes: 1000000\nfirst_data_s: 0.5\n")
    data, port = with_consent(tmp_path / "data"), free_port()
    with silent_server(port):
        code, told, said = record(data, plan, capsys, "--camera", f"network:127.0.0.1:{port}")
    assert (code, told["status"], told["finish_reason"], told["path"]) == (1, "failed", "no_first_data", None)
    assert "DAVIS346_00000042" in said
    assert files_below(data / "4") == [".numbers"]


# Interrupted


def when_step_begins(process, text):
    """Wait for the prompt of a step on stderr."""
    while text not in (line := process.stderr.readline()):
        assert line, f"it ended before {text!r}"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_control_c_a_kill_and_a_closed_terminal_keep_the_take_as_partial(tmp_path, plan, number):
    process = interruptible(tmp_path / "data", plan, "--movement", "frown", "--camera", "sim")
    when_step_begins(process, "Neutral")
    os.killpg(process.pid, number)
    code, told, said = ended(process)
    assert (code, told["status"], told["finish_reason"], told["verdict"]) == (3, "partial", "aborted", "redo"), said
    assert [measure.name for measure in read_analysis(Path(told["path"])).quality.measures] == ["ended_early", "records_lost"]
    assert "Traceback" not in said
    assert_readable_by_all(told["path"])
    assert not left_overs(tmp_path)


@pytest.mark.parametrize("times", [1, 2])
def test_control_c_is_the_normal_end_of_a_spontaneous_take(tmp_path, plan, times):
    (tmp_path / "short.yaml").write_text(SPONTANEOUS)
    process = interruptible(tmp_path / "data", plan, "--movement", "spontaneous", "--camera", "sim")
    when_step_begins(process, "Watch")
    for _ in range(times):
        os.killpg(process.pid, signal.SIGINT)
    code, told, said = ended(process)
    assert (code, told["status"], told["finish_reason"]) == (0, "complete", "stopped"), said
    assert Path(told["path"]).name == "spontaneous_4_1.aedat4"


@pytest.fixture
def complete(tmp_path, monkeypatch):
    """A complete take, as if it had just been recorded."""
    Dataset.create(tmp_path / "data", "data", simulated=True)
    path = make_take(tmp_path / "data" / "4")
    done = TakeDone(path=str(path), manifest=None, status="complete", finish_reason="script_ended", message="")
    monkeypatch.setattr(commands, "record_take", lambda *_: (done, Interrupted.NO))
    return path


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_does_not_wait_for_the_verdict_has_the_complete_take_without_it(complete, plan, capsys, monkeypatch, number):
    def interrupted(path):
        try:
            signal.raise_signal(number)
        finally:
            signal.raise_signal(number)  # pressed twice

    monkeypatch.setattr(commands, "judge", interrupted)
    code, told, said = record(complete.parents[1], plan, capsys, "--camera", "sim")
    assert (code, told["status"], told["verdict"], told["reasons"]) == (0, "complete", None, []), said
    assert told["path"] == str(complete)
    assert "The verdict was left out" in said
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_complete_take_is_told_although_no_verdict_can_be_had(complete, plan, capsys, monkeypatch):
    def without_cascades(take):
        raise LandmarkError("There are no face cascades; install OpenCV with its data.")

    monkeypatch.setattr(quality, "assess_with_face", without_cascades)
    code, told, said = record(complete.parents[1], plan, capsys, "--camera", "sim")
    assert (code, told["path"], told["status"], told["verdict"]) == (0, str(complete), "complete", None), said
    assert "There is no verdict on the take: There are no face cascades" in said


def test_control_c_before_the_first_data_leaves_nothing_behind(tmp_path, plan):
    process = interruptible(tmp_path / "data", plan, "--movement", "frown", "--camera", "sim:1,fault=stall@0")
    capture_of(process.pid)
    wait_until(lambda: (tmp_path / "data" / "4").exists(), "the take's name")
    os.killpg(process.pid, signal.SIGINT)
    code, told, said = ended(process)
    assert code == 3, said
    assert told is None or told["path"] is None
    assert files_below(tmp_path / "data") in (["4/.numbers", "dataset.json"], ["dataset.json"])


def test_a_second_control_c_does_not_wait_and_the_take_is_kept_all_the_same(tmp_path, plan):
    process = interruptible(tmp_path / "data", plan, "--movement", "frown", "--camera", "sim")
    when_step_begins(process, "Neutral")
    capture = capture_of(process.pid).pid
    for _ in range(2):
        os.killpg(process.pid, signal.SIGINT)
    code, told, said = ended(process)
    assert (code, told["status"], told["verdict"] in (None, "redo")) == (3, "partial", True), said
    assert "Traceback" not in said
    wait_until(lambda: is_gone(capture), "the capture process to leave")
    assert manifest_of(tmp_path / "data" / "4" / "frown_4_1.aedat4").finish_reason is FinishReason.ABORTED
    assert not left_overs(tmp_path)


def test_a_killed_capture_process_is_told_and_its_take_saved_at_once(tmp_path, plan):
    process = interruptible(tmp_path / "data", plan, "--movement", "frown", "--camera", "sim", "--rgb", "sim")
    when_step_begins(process, "Neutral")
    os.kill(capture_of(process.pid).pid, signal.SIGKILL)
    code, told, said = ended(process)
    assert (code, told["status"], told["finish_reason"]) == (1, "partial", "capture_died"), said
    assert "The capture process died." in told["message"]
    assert "Saved:" in told["message"]
    assert told["counts"]["events"]["written"] == assert_readable_by_all(told["path"])
    assert manifest_of(told["path"]).finish_reason is FinishReason.CAPTURE_DIED
    assert not left_overs(tmp_path)


def test_a_capture_process_told_to_terminate_hands_the_take_over(tmp_path, plan):
    process = interruptible(tmp_path / "data", plan, "--movement", "frown", "--camera", "sim")
    when_step_begins(process, "Neutral")
    capture_of(process.pid).terminate()
    code, told, said = ended(process)
    assert (code, told["status"], told["finish_reason"]) == (1, "partial", "aborted"), said
    assert_readable_by_all(told["path"])


def test_a_killed_command_leaves_a_whole_take_and_no_process(tmp_path, plan):
    process = interruptible(tmp_path / "data", plan, "--movement", "frown", "--camera", "sim")
    when_step_begins(process, "Neutral")
    capture = capture_of(process.pid).pid
    process.kill()
    process.communicate(timeout=60)
    wait_until(lambda: is_gone(capture), "the capture process to leave")
    assert manifest_of(tmp_path / "data" / "4" / "frown_4_1.aedat4").status is TakeStatus.COMPLETE
    assert not left_overs(tmp_path)


# What cannot be recorded: one sentence, exit code 2, nothing written

SIM = ("--camera", "sim")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--camera", "holodeck"), "There is no camera kind 'holodeck'"),
        (("--camera", "sim:abc"), "'abc'"),
        (("--camera", "sim,fault=nosuch@1"), "not a fault of the simulator"),
        (("--camera", "sim,colour=red"), "unknown option 'colour'"),
        (("--camera", "replay:{tmp}/missing.aedat4"), "{tmp}/missing.aedat4: there is no such file"),
        (("--camera", "replay:{tmp}"), "this is a folder"),
        (("--camera", "replay:{tmp}/short.yaml"), "short.yaml"),
        ((*SIM, "--rgb", "{tmp}/missing.mp4"), "{tmp}/missing.mp4: there is no such file or device"),
        ((*SIM, "--rgb", "{tmp}/short.yaml"), "short.yaml"),
        ((*SIM, "--movement", "wink"), "wink"),
        ((*SIM, "--movement", "spontaneous"), "does not record 'spontaneous'"),
        ((*SIM, "--language", "xx"), "has no 'xx'"),
        ((*SIM, "--script", "{tmp}/missing.yaml"), "{tmp}/missing.yaml: cannot be read"),
        ((*SIM, "--script", "{tmp}/misspelt.yaml"), "{tmp}/misspelt.yaml, line 9"),
        ((*SIM, "--settings", "{tmp}/missing.yaml"), "{tmp}/missing.yaml: cannot be read"),
        ((*SIM, "--settings", "{tmp}/misspelt.yaml"), "{tmp}/misspelt.yaml"),
        ((*SIM, "--subject", "0"), "0"),
        ((*SIM, "--speed", "fast"), "fast"),
    ],
)
def test_what_cannot_be_recorded_is_refused_in_one_sentence_and_nothing_is_written(tmp_path, plan, capsys, options, sentence):
    (tmp_path / "misspelt.yaml").write_text(SHORT.replace("languages:", "langauges:"))
    wanted = [option.format(tmp=tmp_path) for option in options]
    code, told, said = record(tmp_path / "data", plan, capsys, *wanted)
    assert (code, told) == (2, None)
    assert sentence.format(tmp=tmp_path) in said
    assert "Traceback" not in said
    assert "defect" not in said
    assert not (tmp_path / "data").exists()


def test_a_misspelt_word_of_a_script_is_named_with_the_right_one(tmp_path, plan, capsys):
    (tmp_path / "short.yaml").write_text(SHORT.replace("languages:", "langauges:"))
    code, _, said = record(tmp_path / "data", plan, capsys, "--camera", "sim")
    assert code == 2
    assert "langauges" in said
    assert "'languages'" in said


def test_a_folder_that_holds_something_else_is_no_place_for_a_simulated_take(tmp_path, plan, capsys):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "thesis.txt").write_text("precious")
    code, _, said = record(tmp_path / "data", plan, capsys, "--camera", "sim")
    assert code == 2
    assert "is no simulated data set" in said
    assert files_below(tmp_path / "data") == ["thesis.txt"]


def test_a_data_set_of_real_takes_takes_no_simulated_one(tmp_path, plan, capsys):
    data = with_consent(tmp_path / "data")
    before = files_below(data)
    code, _, said = record(data, plan, capsys, "--camera", "sim")
    assert code == 2
    assert "is no simulated data set" in said
    assert files_below(data) == before


def test_a_file_where_the_data_folder_should_be_is_named(tmp_path, plan, capsys):
    (tmp_path / "data").write_text("precious")
    code, _, said = record(tmp_path / "data", plan, capsys, "--camera", "sim")
    assert code == 2
    assert f"{tmp_path / 'data'}" in said
    assert "Traceback" not in said
    assert (tmp_path / "data").read_text() == "precious"


def test_a_file_where_the_subjects_folder_should_be_is_named(tmp_path, plan, capsys):
    Dataset.create(tmp_path / "data", "data", simulated=True)
    (tmp_path / "data" / "4").write_text("precious")
    code, _, said = record(tmp_path / "data", plan, capsys, "--camera", "sim")
    assert code == 2
    assert f"{tmp_path / 'data' / '4'}: cannot be written" in said
    assert files_below(tmp_path / "data") == ["4", "dataset.json"]


def test_a_person_without_consent_is_refused_with_the_command_that_notes_it_and_recorded_after_it(
    tmp_path, plan, capsys, test_data
):
    source, data = test_data / "aedat4" / f"{REAL[0]}.aedat4", tmp_path / "my data"
    with ExitStack() as stack:
        server = stack.enter_context(AedatServer(source, free_ports("events")))
        code, _, said = record(data, plan, capsys, "--camera", f"network:{server.address}")
        assert code == 2
        assert not data.exists()
        noted = shlex.split(re.search(r"`glimpse (.*)`", said)[1].replace("DATE", "2026-01-02"))
        assert main(noted) == 0
        capsys.readouterr()
        code, told, said = record(data, plan, capsys, "--camera", f"network:{server.address}")
    assert (code, told["status"]) == (1, "partial"), said
    assert read_with_dv(Path(told["path"])).counts()["events"] == read_with_dv(source).counts()["events"]


def test_a_person_before_a_webcam_is_refused_with_the_command_that_makes_a_data_set_for_webcam_takes(tmp_path, plan, capsys):
    video, data = tmp_path / "face.mp4", tmp_path / "my data"
    code, _, said = record(data, plan, capsys, "--camera", f"webcam:{video}")
    assert code == 2
    assert not data.exists()
    assert main(shlex.split(re.search(r"`glimpse (.*)`", said)[1].replace("DATE", "2026-01-02"))) == 0
    assert Dataset(data).info.simulated
    capsys.readouterr()
    code, _, said = record(data, plan, capsys, "--camera", f"webcam:{video}")  # now only the video is missing
    assert code == 2
    assert "consent" not in said
    assert str(video) in said


def test_the_help_names_every_kind_of_camera_and_that_the_simulated_one_has_options(capsys):
    assert main(["record", "--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert all(
        kind in told for kind in ("sim[:SEED]", "davis[:SERIAL]", "network:HOST:PORT", "replay:FILE", "webcam:N|FILE|URL")
    )
    assert "Options of sim:" in told


def test_consent_that_was_withdrawn_is_none(tmp_path, plan, capsys):
    data = with_consent(tmp_path / "data")
    SubjectStore(data).withdraw(4, date(2026, 1, 3))
    code, _, said = record(data, plan, capsys, "--camera", f"network:127.0.0.1:{free_port()}")
    assert code == 2
    assert "subject 4 withdrew the consent on 2026-01-03" in said


def test_a_server_that_is_not_there_is_named_and_nothing_is_written(tmp_path, plan, capsys):
    data, port = with_consent(tmp_path / "data"), free_port()
    before = files_below(data)
    code, _, said = record(data, plan, capsys, "--camera", f"network:127.0.0.1:{port}")
    assert code == 2
    assert f"127.0.0.1:{port}: no program serves a camera there" in said
    assert files_below(data) == before


def test_no_capture_process_survives_the_command(tmp_path, plan, capsys):
    record(tmp_path / "data", plan, capsys, "--camera", "sim", "--speed", "max")
    # The standard library keeps a helper of its own once another test has started processes.
    assert not [child for child in psutil.Process().children() if "recorder.capture" in child.cmdline()]
