import json

import pytest
from takekit import make_take, some_events

from app.main import main
from recorder.dataset import Dataset


@pytest.fixture
def glimpse(capsys):
    """Runs a command in this process: (exit code, stdout, stderr)."""

    def run(*arguments):
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


def test_add_makes_the_folder_a_data_set_and_prints_the_number(glimpse, tmp_path):
    folder = tmp_path / "recordings"
    assert glimpse("subjects", "add", "--data", folder, "--consent", "2026-03-02")[:2] == (0, "1\n")
    assert glimpse("subjects", "add", "--data", folder, "--consent", "2026-03-02")[:2] == (0, "2\n")
    assert (Dataset(folder).info.name, Dataset(folder).info.simulated) == ("recordings", False)


def test_add_can_make_a_data_set_for_webcam_and_simulated_takes(glimpse, tmp_path):
    folder = tmp_path / "webcam"
    code, _, said = glimpse("subjects", "add", "--data", folder, "--simulated", "--consent", "2026-03-02")
    assert code == 0
    assert "is a simulated data set now" in said
    assert Dataset(folder).info.simulated
    assert glimpse("subjects", "add", "--data", folder, "--simulated", "--consent", "2026-03-02")[:2] == (0, "2\n")
    assert glimpse("subjects", "add", "--data", folder, "--consent", "2026-03-02")[:2] == (0, "3\n")
    assert Dataset(folder).info.simulated


def test_a_data_set_of_real_takes_never_becomes_a_simulated_one(glimpse, tmp_path):
    glimpse("subjects", "add", "--data", tmp_path, "--consent", "2026-03-02")
    before = (tmp_path / "subjects.csv").read_text()
    code, _, said = glimpse("subjects", "add", "--data", tmp_path, "--simulated", "--consent", "2026-03-02")
    assert code == 2
    assert "is a data set of real takes already" in said
    assert not Dataset(tmp_path).info.simulated
    assert (tmp_path / "subjects.csv").read_text() == before


def test_add_keeps_everything_that_was_told(glimpse, tmp_path):
    details = ("--subject", 4, "--person", 2, "--purpose", "record", "--purpose", "share", "--sex", "f", "--age-band", "20-29")
    code, out, _ = glimpse(
        "subjects", "add", "--data", tmp_path, "--consent", "2026-03-02", *details, "--form-version", "3", "--json"
    )
    row = json.loads(out)
    assert code == 0
    assert (row["subject"], row["person"], row["sex"], row["age_band"], row["form_version"]) == (4, 2, "f", "20-29", "3")
    assert row["consents"] == {"record": "2026-03-02", "share": "2026-03-02"}


def test_the_current_folder_is_the_default(glimpse, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert glimpse("subjects", "add", "--consent", "2026-03-02")[0] == 0
    assert (tmp_path / "subjects.csv").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        (),
        ("--consent", "soon"),
        ("--consent", "2026-03-02", "--age-band", "old"),
        ("--consent", "2026-03-02", "--purpose", "fun"),
    ],
)
def test_a_subject_without_proper_consent_is_not_added(glimpse, tmp_path, wrong):
    assert glimpse("subjects", "add", "--data", tmp_path, *wrong)[0] == 2
    assert not (tmp_path / "subjects.csv").exists()


def test_list_says_who_may_be_recorded(glimpse, tmp_path):
    glimpse("subjects", "add", "--data", tmp_path, "--consent", "2026-03-02")
    glimpse("subjects", "add", "--data", tmp_path, "--consent", "2026-03-02", "--purpose", "share")
    code, out, _ = glimpse("subjects", "list", "--data", tmp_path, "--json")
    assert code == 0
    assert [(row["subject"], row["may_record"]) for row in json.loads(out)] == [(1, True), (2, False)]
    assert "record 2026-03-02" in glimpse("subjects", "list", "--data", tmp_path)[1]


def test_a_withdrawal_ends_the_permission_and_tells_how_many_takes_there_are(glimpse, tmp_path):
    glimpse("subjects", "add", "--data", tmp_path, "--consent", "2026-03-02")
    make_take(tmp_path / "1", "smile_1_1", events=some_events(3))
    code, out, err = glimpse("subjects", "withdraw", 1, "--data", tmp_path, "--date", "2026-05-01")
    assert (code, out) == (0, "")
    assert "2026-05-01" in err
    assert "1 takes of this subject" in err
    row = json.loads(glimpse("subjects", "list", "--data", tmp_path, "--json")[1])[0]
    assert (row["withdrawn_on"], row["may_record"]) == ("2026-05-01", False)


def test_an_unknown_subject_cannot_withdraw(glimpse, tmp_path):
    glimpse("subjects", "add", "--data", tmp_path, "--consent", "2026-03-02")
    code, _, err = glimpse("subjects", "withdraw", 9, "--data", tmp_path)
    assert code == 2
    assert "no subject 9" in err
