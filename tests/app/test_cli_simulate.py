"""`glimpse simulate` from the command line to the files: takes that every other command accepts, completed after any end."""

import json
import os
import shutil
import signal
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "recorder"))
from stations import SHORT, capture_of, glimpse, left_overs, wait_until

from app.main import main
from app.simulation import WISHES_FILE
from protocol.manifest import TakeStatus
from protocol.streams import Stream
from recorder.dataset import Dataset
from recorder.sim.plan import Wishes, draw_plan
from recorder.subject_store import SubjectStore
from recorder.take import Take

MANY = ("--subjects", "2", "--takes", "1", "--seed", "3", "--noise-share", "0.25", "--head", "builtin")
FEW = ("--subjects", "1", "--takes", "1", "--seed", "5", "--head", "builtin", "--no-rgb", "--no-thermal")
ONE = (*FEW, "--movements", "smile")


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """Options for takes of a second with little need of room: a frown and a smile."""
    folder = tmp_path_factory.mktemp("options")
    script = SHORT.replace("seconds: 0.8, start_mark: paper_out", "seconds: 0.3, start_mark: paper_out")
    (folder / "short.yaml").write_text(
        script.replace("seconds: 0.3, prompt: {en: Settle}", "seconds: 0.1, prompt: {en: Settle}")
    )
    (folder / "settings.yaml").write_text("take_bytes: 1000000\n")
    return ("--script", str(folder / "short.yaml"), "--settings", str(folder / "settings.yaml"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory, short):
    """A data set of two subjects with every camera, a quarter of it noise, made by the command line: (folder, summary)."""
    data = tmp_path_factory.mktemp("simulated") / "data"
    process = glimpse("simulate", data, *MANY, *short, "--jobs", "2", "--json")
    out, said = process.communicate(timeout=110)
    assert process.returncode == 0, said
    return data, json.loads(out)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, short):
    """A data set of a frown and a smile of one subject, to be copied."""
    data = tmp_path_factory.mktemp("finished") / "data"
    process = glimpse("simulate", data, *FEW, *short)
    _, said = process.communicate(timeout=110)
    assert process.returncode == 0, said
    return data


@pytest.fixture
def simulate(capsys):
    """Runs the command in this process: (exit code, stdout, stderr)."""

    def run(*arguments):
        code = main(["simulate", *map(str, arguments)])
        return code, *capsys.readouterr()

    return run


def plan_of(data):
    return draw_plan(Wishes.model_validate_json((data / WISHES_FILE).read_bytes()))


def specs(entries):
    """Which entries of the plan the takes are."""
    return Counter(
        entry.manifest.devices[0].spec for entry in entries if entry.status is TakeStatus.COMPLETE and not entry.redone
    )


def assert_is_the_plan(data):
    """Every take of the plan is there once, whole, and nothing half-made lies about."""
    entries = Dataset(data).takes()
    planned = {take.camera: take for take in plan_of(data).takes}
    assert specs(entries) == Counter(planned.keys())
    for entry in entries:
        if entry.status is TakeStatus.COMPLETE:
            take = planned[entry.manifest.devices[0].spec]
            assert (entry.subject, entry.movement, entry.noise) == (take.subject, take.movement, take.mistake is not None)
    assert not left_overs(data)


# What is made


def test_a_whole_data_set_is_made_as_planned_and_told_in_json(whole):
    data, told = whole
    assert_is_the_plan(data)
    assert (told["path"], told["planned"], told["made"], told["existing"], told["missing"]) == (str(data), 4, 4, 0, 0)
    assert (told["failed"], told["interrupted"], told["noise"], told["head"]) == ([], False, 1, "builtin")
    assert told["movements"] == {"frown": 2, "smile": 2}
    assert {str(entry.path) for entry in Dataset(data).takes()} == set(told["takes"])


def test_inspect_and_verify_have_no_remark_on_it(whole, capsys):
    data, _ = whole
    assert main(["inspect", "--json", *(str(entry.path) for entry in Dataset(data).takes())]) == 0
    assert [take["problems"] for take in json.loads(capsys.readouterr().out)] == [[]] * 4
    assert main(["verify", str(data)]) == 0
    assert "0 findings" in "".join(capsys.readouterr())


def test_it_is_marked_simulated_and_lists_its_subjects_without_their_consent(whole):
    data, _ = whole
    assert Dataset(data).info.simulated
    rows = SubjectStore(data).records()
    people = plan_of(data).subjects
    assert [(row.subject, row.person, row.sex, row.age_band) for row in rows] == [
        (one.subject, one.person, one.sex, one.age_band) for one in people
    ]
    assert not any(row.consents for row in rows)


def test_every_manifest_holds_the_truth_and_what_is_noted_of_the_person(whole):
    data, _ = whole
    planned = {take.camera: take for take in plan_of(data).takes}
    for entry in Dataset(data).takes():
        manifest = entry.manifest
        take, truth = planned[manifest.devices[0].spec], manifest.truth
        assert (manifest.person.glasses, manifest.person.session) == (take.who.glasses, take.session)
        assert manifest.simulated
        assert manifest.speed == "max"
        assert (truth["subject"]["seed"], truth["subject"]["take"]) == (take.who.person, take.take)
        assert truth["mistake"] == (take.mistake.value if take.mistake else None)
        assert set(truth["clocks"]) == {"rgb", "thermal"}
        if take.mistake is None:
            assert truth["movement"] == take.movement
            assert manifest.cue_us < truth["onset_us"] < truth["apex_us"] < truth["offset_us"]
            assert 0.2 <= truth["intensity"] <= 1


def test_takes_with_a_mistake_are_called_noise_and_are_left_out_by_default(whole):
    data, _ = whole
    noisy = [entry for entry in Dataset(data).takes() if entry.noise]
    assert [entry.manifest.truth["mistake"] is not None for entry in noisy] == [True]
    assert noisy[0].path.name.endswith("_(noise).aedat4")
    assert len(Dataset(data).selection()) == 3


def test_a_take_made_again_by_one_worker_is_the_same_to_the_last_event(whole, simulate, short, tmp_path):
    data = shutil.copytree(whole[0], tmp_path / "data")
    lost = next(entry.path for entry in Dataset(data).takes() if not entry.noise)
    remove(lost)
    (lost.parent / ".numbers").unlink()  # so that its number begins anew
    code, out, said = simulate(data, *MANY, *short, "--jobs", "1")
    assert (code, out) == (0, f"{data}: 4 of 4 takes of 2 subjects\n"), said
    assert_is_the_plan(data)
    with Take(lost) as new, Take(whole[0] / lost.relative_to(data)) as old:
        np.testing.assert_array_equal(new.events(), old.events())
        assert new.manifest.truth == old.manifest.truth
        for stream in (Stream.FRAMES, Stream.RGB, Stream.THERMAL):
            for (new_us, picture), (old_us, expected) in zip(new.frames(stream), old.frames(stream), strict=True):
                assert new_us == old_us
                np.testing.assert_array_equal(picture, expected)


def remove(events):
    """All files of a take."""
    for path in events.parent.glob(f"{events.name.removesuffix('.aedat4')}.*"):
        path.unlink()


# Made complete


def test_the_same_command_again_has_nothing_to_do(whole, simulate, short):
    data, _ = whole
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*") if path.is_file()}
    code, out, _ = simulate(data, *MANY, *short, "--json")
    told = json.loads(out)
    assert (code, told["existing"], told["made"], told["takes_per_minute"]) == (0, 4, 0, 0)
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*") if path.is_file()} == before


def test_a_take_that_is_gone_and_one_to_be_redone_are_made_under_new_numbers(finished, simulate, short, tmp_path):
    data = shutil.copytree(finished, tmp_path / "data")
    frown, smile = Dataset(data).takes()
    remove(frown.path)
    smile.mark_redone()
    code, _, said = simulate(data, *FEW, *short)
    assert code == 0
    assert "2/2 1/" in said
    names = [entry.path.name for entry in Dataset(data).takes()]
    assert names == ["frown_1_2.aedat4", "smile_1_1.aedat4", "smile_1_2.aedat4"]
    assert_is_the_plan(data)


def test_a_head_that_was_imported_or_set_since_changes_nothing_that_was_begun(finished, simulate, short, monkeypatch):
    monkeypatch.setenv("GLIMPSE_HEAD", "/nowhere/head.npz")
    named = FEW.index("--head")
    assert simulate(finished, *FEW[:named], *FEW[named + 2 :], *short)[0] == 0


def when_written(data):
    """Wait until events of a take are being written."""
    wait_until(lambda: any(path.stat().st_size > 100_000 for path in data.glob("*/*.part.aedat4")), "a take to be written")


def test_after_a_kill_of_everything_the_same_command_makes_exactly_the_rest(simulate, short, tmp_path):
    data = tmp_path / "data"
    process = glimpse("simulate", data, *FEW, *short, "--jobs", "2")
    when_written(data)
    capture = capture_of(process.pid)
    os.killpg(process.pid, signal.SIGKILL)
    capture.kill()  # the other one goes on until the end of its take
    process.communicate(timeout=60)
    code, out, said = simulate(data, *FEW, *short)
    assert (code, out) == (0, f"{data}: 2 of 2 takes of 1 subjects\n"), said
    assert_is_the_plan(data)
    assert all(entry.status in (TakeStatus.COMPLETE, TakeStatus.PARTIAL) for entry in Dataset(data).takes())


def test_a_mistake_that_was_not_yet_marked_is_marked_on_the_next_run(whole, simulate, short, tmp_path):
    data = shutil.copytree(whole[0], tmp_path / "data")
    for path in data.glob("*/*_(noise).*"):
        path.rename(path.with_name(path.name.replace("_(noise)", "")))
    assert simulate(data, *MANY, *short)[0] == 0
    assert_is_the_plan(data)


def test_control_c_ends_cleanly_and_what_is_finished_stays(simulate, short, tmp_path):
    data = tmp_path / "data"
    process = glimpse("simulate", data, *FEW, *short, "--jobs", "1", "--json")
    assert "1/2" in process.stderr.readline()
    os.killpg(process.pid, signal.SIGINT)
    out, said = process.communicate(timeout=60)
    told = json.loads(out)
    assert (process.returncode, told["interrupted"], told["failed"]) == (3, True, []), said
    assert (told["made"], told["missing"]) == (1, 1)
    assert "Traceback" not in said
    assert "press Ctrl-C again" in said
    assert "the same command makes them" in said
    assert not left_overs(data)


def test_two_simulations_never_meet_in_one_folder_and_a_second_control_c_does_not_wait(simulate, short, tmp_path):
    data = tmp_path / "data"
    process = glimpse("simulate", data, *ONE, *short)
    when_written(data)
    code, _, said = simulate(data, *ONE, *short)
    assert code == 2
    assert "another `glimpse simulate` is at work here" in said
    for _ in range(2):
        os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 3, said
    assert "Traceback" not in said
    assert simulate(data, *ONE, *short)[0] == 0
    assert_is_the_plan(data)


def test_a_terminal_shows_a_bar(finished, short):
    screen, stderr = os.openpty()
    process = glimpse("simulate", finished, *FEW, *short, stderr=stderr)
    os.close(stderr)
    assert process.communicate(timeout=60)[0].endswith("2 of 2 takes of 1 subjects\n")
    with os.fdopen(screen, "rb") as shown:
        assert b"Simulating" in shown.read1()


# What goes wrong


def test_a_take_that_cannot_be_made_is_told_and_the_others_are_made(whole, simulate, short, tmp_path):
    data = shutil.copytree(whole[0], tmp_path / "data")
    shutil.rmtree(data / "1")
    (data / "1").write_text("in the way")
    remove(next(entry.path for entry in Dataset(data).takes() if not entry.noise))
    code, out, said = simulate(data, *MANY, *short, "--jobs", "1", "--json")
    told = json.loads(out)
    assert (code, told["existing"], told["made"], told["missing"], len(told["failed"])) == (1, 1, 1, 2, 2)
    assert {one["subject"] for one in told["failed"]} == {1}
    assert said.count(f"{data / '1'}: cannot be written") == 2


def test_a_disk_that_fills_up_ends_the_run_with_one_sentence(simulate, short, tmp_path):
    (tmp_path / "hungry.yaml").write_text("take_bytes: 1000000000000000\n")
    code, out, said = simulate(
        tmp_path / "data", *FEW, *short[:2], "--settings", tmp_path / "hungry.yaml", "--jobs", "1", "--json"
    )
    told = json.loads(out)
    assert (code, told["made"], told["missing"], len(told["failed"])) == (1, 0, 2, 1)
    assert said.count("MB are free") == 1
    assert Dataset(tmp_path / "data").takes() == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--intensity", "1..0.2"), "begins above its end"),
        (("--intensity", "strong"), "is not a number"),
        (("--intensity", "0.2..7"), "write 0.02 to 1"),
        (("--duration-ms", "200..40"), "begins above its end"),
        (("--head", "/nowhere/head.npz"), "/nowhere/head.npz"),
        (("--head", "a,b"), "a,b"),
        (("--head", __file__), "cannot be read as a head (it is no whole .npz file)"),
        (("--movements", "wink"), "'wink' is not a movement"),
        (("--movements", "blink"), "does not record 'blink'; choose of frown, smile"),
        (("--movements", "smile,smile"), "only once"),
        (("--movements", ","), "one movement at least"),
        (("--subjects", "many"), "many"),
        (("--subjects", "0"), "0"),
        (("--takes", "0"), "0"),
        (("--noise-share", "2"), "2"),
        (("--seed", "-1"), "-1"),
        (("--subjects", "90000", "--takes", "1"), "more than 100,000"),
        (("--subjects", "40000", "--takes", "1"), "GB are free"),
        (("--script", "/nowhere.yaml"), "/nowhere.yaml"),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_sentence_and_nothing_is_written(simulate, short, tmp_path, options, sentence):
    data = tmp_path / "data"
    code, out, said = simulate(data, *FEW, *short, *options)
    assert (code, out) == (2, "")
    assert sentence in said
    assert "defect" not in said
    assert not data.exists()


def test_a_real_data_set_a_foreign_folder_and_a_file_take_no_simulated_takes(simulate, short, tmp_path):
    Dataset.create(tmp_path / "real", "real", simulated=False)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.txt").write_text("precious")
    (tmp_path / "file").write_text("precious")
    for name, sentence in (
        ("real", "is no simulated data set"),
        ("thesis", "is no simulated data set"),
        ("file", "cannot be written"),
    ):
        before = sorted(tmp_path.rglob("*"))
        code, _, said = simulate(tmp_path / name, *FEW, *short)
        assert code == 2
        assert f"{tmp_path / name}: {sentence}" in said
        assert sorted(tmp_path.rglob("*")) == before


def test_a_simulated_data_set_of_somebody_else_is_left_alone(simulate, short, tmp_path):
    Dataset.create(tmp_path, "webcam", simulated=True)
    SubjectStore(tmp_path).add(consents={})
    code, _, said = simulate(tmp_path, *FEW, *short)
    assert code == 2
    assert "`glimpse simulate` did not make" in said


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--takes", "2"), "was begun with --takes 1, not 2"),
        (("--seed", "6"), "was begun with --seed 3, not 6"),
        (("--movements", "smile"), "was begun with --movements frown,smile, not smile"),
        (("--intensity", "0.5"), "was begun with --intensity 0.2..1, not 0.5"),
        (("--no-rgb",), "was begun with --rgb True, not False"),
        (("--script", ""), "was begun with another --script ('short')"),
    ],
)
def test_other_options_in_the_same_folder_are_refused_by_name(whole, simulate, short, options, sentence):
    data, _ = whole
    if options[0] == "--script":
        code, _, said = simulate(data, *MANY, "--movements", "frown,smile")
    else:
        code, _, said = simulate(data, *MANY, *short, *options)
    assert code == 2
    assert sentence in said
    assert "give the same options" in said
