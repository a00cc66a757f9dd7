"""A whole session by keyboard: practice, keep, noise, redo, abort, end, resume. Real capture process, simulated rig."""

import json

import pytest
from seats import seated

from app.main import main
from protocol.manifest import FinishReason, How, Manifest, TakeStatus
from recorder.dataset import LeftOut, TakeEntry


def manifest_of(folder, stem):
    return Manifest.parse((folder / f"{stem}.json").read_bytes(), stem)


def names(folder):
    return sorted(path.name for path in folder.glob("*.aedat4"))


def a_session(seat, folder):
    """Six takes: one to practise, one kept as noise, one redone, one kept, one aborted; the session ends with one to do."""
    seat.to_plan()
    seat.key("p")
    seat.until(lambda told: told.practice, "practice")
    seat.take("Return")
    assert names(folder) == []
    seat.key("p")
    seat.until(lambda told: not told.practice, "the end of practice")
    assert seat.told.chosen == "frown 1"

    seat.take("n", during=lambda: give_the_cue(seat))
    assert names(folder) == ["frown_1_1_(noise).aedat4"]
    assert seat.told.chosen == "smile 1"
    seat.take("r")
    assert seat.told.chosen == "smile 1"
    seat.take("Return")
    assert seat.told.chosen == "frown 1"  # only noise is there, and nothing else is left to do

    seat.take("Return", during=seat.abort)
    assert seat.told.chosen == "frown 1"
    seat.key("ctrl+e")
    seat.until(lambda told: told.stage == "finished", "the end of the session")


def give_the_cue(seat):
    seat.at_step("neutral")
    seat.wait()
    seat.key("Return")


def assert_the_session_is_on_disk(folder, capsys):
    assert names(folder) == ["frown_1_1_(noise).aedat4", "frown_1_2.aedat4", "smile_1_1.aedat4", "smile_1_2.aedat4"]
    noise, aborted, redone, kept = (
        manifest_of(folder, stem) for stem in ("frown_1_1_(noise)", "frown_1_2", "smile_1_1", "smile_1_2")
    )
    assert [one.status for one in (noise, redone, kept)] == [TakeStatus.COMPLETE] * 3
    assert (aborted.status, aborted.finish_reason) == (TakeStatus.PARTIAL, FinishReason.ABORTED)
    left_out = [TakeEntry.at(folder / name).left_out for name in names(folder)]
    assert left_out == [{LeftOut.NOISE}, {LeftOut.PARTIAL}, {LeftOut.REDONE}, frozenset()]
    assert [one.practice for one in (noise, aborted, redone, kept)] == [False] * 4
    assert [one.repetition for one in (noise, aborted, redone, kept)] == [1] * 4
    assert how(noise) == {"paper_in": How.SCHEDULED, "neutral": How.SCHEDULED, "movement": How.PRESSED} | detected(noise)
    assert how(kept)["movement"] is How.SCHEDULED
    assert noise.rig_check["checks"]
    assert kept.person.session == json.loads(next(folder.glob("*.session.json")).read_text())["label"]
    capsys.readouterr()
    assert main(["inspect", *(str(folder / name) for name in names(folder))]) == 0, capsys.readouterr()
    assert main(["verify", str(folder.parent)]) == 0, capsys.readouterr()


def how(manifest):
    return {step.step: step.how for step in manifest.steps if step.step in ("paper_in", "neutral", "movement")}


def detected(manifest):
    """Paper that is in the picture for a third of a second may be seen or not."""
    return {step: kind for step, kind in how(manifest).items() if kind is How.DETECTED and step != "movement"}


@pytest.mark.timeout(400)  # six takes and three windows
def test_a_session_by_keyboard_and_its_resumption_from_the_folder_alone(qtbot, tmp_path, preferences_file, capsys):
    data = tmp_path / "data"
    with seated(qtbot, data, preferences_file) as seat:
        a_session(seat, data / "1")
        label = seat.flow.session.label
    assert_the_session_is_on_disk(data / "1", capsys)

    with seated(qtbot, data, preferences_file) as seat:
        seat.until(lambda told: told.page == "setup" and told.ready, "the questions")
        assert seat.told.resumes == label
        seat.key("Return")
        told = seat.until(lambda told: told.stage == "rig" and told.chosen, "the rig check")
        assert (told.chosen, told.grid["frown 1"]) == ("frown 1", "failed")
        assert told.takes == names(data / "1")

    next((data / "1").glob("*.session.json")).unlink()
    with seated(qtbot, data, preferences_file) as seat:
        seat.to_plan()
        assert (seat.told.chosen, seat.flow.session.label) == ("frown 1", label)
        seat.take("Return")
        told = seat.until(lambda told: told.stage == "finished", "the end")
        assert set(told.grid.values()) <= {"good", "check", "redo"}
    assert manifest_of(data / "1", "frown_1_3").person.session == label


@pytest.fixture
def preferences_file(tmp_path):
    from seats import make_settings

    return make_settings(tmp_path / "settings")
