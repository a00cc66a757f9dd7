"""`glimpse convert` from the command line to the files: batches, tables, JSON, exit codes."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib import cbook

sys.path.insert(0, str(Path(__file__).parents[1] / "recorder"))
from convert_helpers import turning, write_folder, write_video

from app.main import main
from recorder.dataset import Dataset
from recorder.video2events import faces


@pytest.fixture(autouse=True)
def _only_the_cascade(monkeypatch, tmp_path):
    """As on a computer without landmarks, whatever is installed here."""
    monkeypatch.setattr(faces, "WEIGHTS_PACKAGE", "no_such_package_of_weights")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    monkeypatch.delenv(faces.WEIGHTS_VARIABLE, raising=False)


@pytest.fixture
def clip(tmp_path):
    return write_video(tmp_path / "clip.mp4", turning()[0])


@pytest.fixture
def portrait_video(tmp_path):
    """A real face that nods by a pixel a picture: Grace Hopper, United States Navy, as matplotlib ships her."""
    image = cv2.imread(str(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)), cv2.IMREAD_GRAYSCALE)
    return write_folder(tmp_path / "portrait", [np.roll(image, k, axis=0) for k in range(4)])


def convert(capsys, data, *arguments):
    """(exit code, document, what was said)."""
    code = main(["convert", "--data", str(data), "--json", *map(str, arguments)])
    told = capsys.readouterr()
    return code, json.loads(told.out) if told.out else None, told.err


FROWN = ("--subject", 4, "--movement", "brow lowerer")
AS_IS = (*FROWN, "--no-align")


def test_a_new_folder_becomes_a_simulated_data_set_with_a_take_that_verify_accepts(tmp_path, capsys, clip):
    code, told, said = convert(capsys, tmp_path / "data", clip, *AS_IS)
    assert code == 0
    (take,) = told["takes"]
    assert (take["path"], take["movement"], take["subject"]) == (str(tmp_path / "data" / "4" / "frown_4_1.aedat4"), "frown", 4)
    assert take["counts"]["events"] > 0
    assert told["failed"] == []
    assert "1 of 1 became takes." in said
    assert Dataset(tmp_path / "data").info.simulated
    assert main(["verify", str(tmp_path / "data")]) == 0
    assert "1 takes, 0 findings, 0 notes" in capsys.readouterr().out


def test_without_json_each_take_is_a_line(tmp_path, capsys, clip):
    assert main(["convert", str(clip), "--data", str(tmp_path / "data"), *map(str, AS_IS)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{tmp_path}/data/4/frown_4_1.aedat4: ")
    assert out.endswith("events in 0.367 s\n")


def test_the_rest_of_a_batch_is_done_and_each_failure_is_a_sentence(tmp_path, capsys, clip):
    (tmp_path / "broken.mp4").write_bytes(b"nonsense" * 100)
    (tmp_path / "empty").mkdir()
    sources = (tmp_path / "broken.mp4", clip, tmp_path / "missing.mp4", tmp_path / "empty", clip)
    code, told, said = convert(capsys, tmp_path / "data", *sources, *AS_IS)
    assert code == 1
    assert [Path(take["path"]).stem for take in told["takes"]] == ["frown_4_1", "frown_4_2"]
    assert [Path(one["source"]).name for one in told["failed"]] == ["broken.mp4", "missing.mp4", "empty"]
    for one in told["failed"]:
        assert one["problem"] in said
        assert one["problem"].startswith(one["source"])
    assert "2 of 5 became takes." in said
    assert "Traceback" not in said


def test_when_nothing_can_be_converted_no_data_set_is_made(tmp_path, capsys):
    code, told, _ = convert(capsys, tmp_path / "data", tmp_path / "missing.mp4", *AS_IS)
    assert (code, told["takes"], len(told["failed"])) == (2, [], 1)
    assert not (tmp_path / "data").exists()


def test_without_landmarks_the_box_is_taken_and_manifest_and_user_are_told(tmp_path, capsys, portrait_video):
    code, _, said = convert(capsys, tmp_path / "data", portrait_video, *FROWN)
    assert code == 0
    assert "glimpse-davis[landmarks]" in said
    (entry,) = Dataset(tmp_path / "data").takes()
    (device,) = entry.manifest.devices
    assert device.settings["standard"]["crop"] == "box"
    assert any("neither rotated nor followed" in warning for warning in device.warnings)
    assert any("neither rotated nor followed" in notice for notice in entry.manifest.notices)


def test_a_video_without_a_face_says_what_to_do(tmp_path, capsys, portrait_video):
    cartoon = write_folder(
        tmp_path / "cartoon", [cv2.circle(np.full((200, 200), 255, np.uint8), (100, 100), 60 + k, 0, 2) for k in range(4)]
    )
    code, told, said = convert(capsys, tmp_path / "data", cartoon, portrait_video, *FROWN)
    assert code == 1
    assert len(told["takes"]) == 1
    assert "no face was found in any of its 4 pictures" in said
    assert "--no-align" in said


def test_two_faces_say_how_to_choose(tmp_path, capsys, portrait_video):
    pictures = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in sorted(portrait_video.iterdir())]
    pair = write_folder(tmp_path / "pair", [np.hstack([picture, picture]) for picture in pictures])
    code, _, said = convert(capsys, tmp_path / "data", pair, *FROWN)
    assert code == 2
    assert "show two faces or more" in said
    assert convert(capsys, tmp_path / "data", pair, *FROWN, "--face", "largest")[0] == 0


# Tables


def test_a_table_gives_path_subject_label_start_and_stop(tmp_path, capsys, clip):
    table = tmp_path / "clips.csv"
    table.write_text(
        "path,subject,label,start,stop\nclip.mp4,1,AU12,,\nclip.mp4,2, nose wrinkler ,0.1,0.3\nclip.mp4,2,spontaneous,,\n"
    )
    code, told, _ = convert(capsys, tmp_path / "data", "--table", table, "--no-align")
    assert code == 0
    assert [Path(take["path"]).stem for take in told["takes"]] == ["smile_1_1", "noseWrinkle_2_1", "spontaneous_2_1"]
    assert [take["counts"]["frames"] for take in told["takes"]] == [12, 6, 12]


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("missing.mp4,1,smile,,", "paths are relative to the table"),
        (",1,smile,,", "names no video"),
        ("clip.mp4,Anna,smile,,", "the subject 'Anna' is no number"),
        ("clip.mp4,0,smile,,", "the subject '0' is no number"),
        ("clip.mp4,1,smirk,,", "'smirk' is not a movement"),
        ("clip.mp4,1,smile,soon,", "start 'soon' is no number of seconds"),
        ("clip.mp4,1,smile,,-1", "stop '-1' is no time of the video"),
        ("clip.mp4,1", "'' is not a movement"),
    ],
)
def test_a_row_that_cannot_be_used_is_told_with_its_line_and_the_others_are_done(tmp_path, capsys, clip, row, sentence):
    (tmp_path / "clips.csv").write_text(f"path,subject,label,start,stop\n{row}\nclip.mp4,2,smile,,\n")
    code, told, _ = convert(capsys, tmp_path / "data", "--table", tmp_path / "clips.csv", "--no-align")
    assert code == 1
    assert len(told["takes"]) == 1
    (failure,) = told["failed"]
    assert failure["problem"].startswith(f"{tmp_path / 'clips.csv'}, line 2: ")
    assert sentence in failure["problem"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("path,label\nclip.mp4,smile\n", "has no column subject"),
        ("video;subject;label\nclip.mp4;1;smile\n", "has no column path and no column subject and no column label"),
        ("", "has no column path"),
        ("path,subject,label\n", "has no rows"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_sentence(tmp_path, capsys, clip, text, sentence):
    (tmp_path / "clips.csv").write_text(text)
    code, told, said = convert(capsys, tmp_path / "data", "--table", tmp_path / "clips.csv", "--no-align")
    assert (code, told) == (2, None)
    assert sentence in said
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(("content", "sentence"), [(None, "cannot be read"), (b"path\xff\xfe", "is not UTF-8 text")])
def test_a_table_that_cannot_be_read_is_named(tmp_path, capsys, content, sentence):
    if content is not None:
        (tmp_path / "clips.csv").write_bytes(content)
    code, _, said = convert(capsys, tmp_path / "data", "--table", tmp_path / "clips.csv")
    assert code == 2
    assert f"{tmp_path / 'clips.csv'}: {sentence}" in said


# Wrong usage


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((*AS_IS,), "Name a video or a folder"),
        (("{clip}", "--movement", "smile"), "Name a video or a folder"),
        (("{clip}", "--subject", "4"), "Name a video or a folder"),
        (("{clip}", "--table", "x.csv"), "leave them out"),
        (("--table", "x.csv", "--subject", "4"), "leave them out"),
        (("{clip}", *AS_IS, "--start", "2", "--stop", "1"), "--stop must be later than --start"),
        (("{clip}", "--subject", "4", "--movement", "wink"), "'wink' is not a movement"),
        (("{clip}", *AS_IS, "--pixel", "nosuch"), "nosuch"),
        (("{clip}", *FROWN, "--landmarks", "missing.dat"), "missing.dat: there is no such file"),
    ],
)
def test_wrong_usage_is_told_and_nothing_is_written(tmp_path, capsys, clip, arguments, sentence):
    code, told, said = convert(capsys, tmp_path / "data", *(str(one).format(clip=clip) for one in arguments))
    assert (code, told) == (2, None)
    assert sentence in said
    assert not (tmp_path / "data").exists()


def test_a_data_set_of_real_takes_takes_no_converted_one(tmp_path, capsys, clip):
    Dataset.create(tmp_path / "data", "data", simulated=False)
    code, _, said = convert(capsys, tmp_path / "data", clip, *AS_IS)
    assert code == 2
    assert "is no simulated data set" in said
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["dataset.json"]


def test_a_file_where_the_subjects_folder_should_be_is_named(tmp_path, capsys, clip):
    Dataset.create(tmp_path / "data", "data", simulated=True)
    (tmp_path / "data" / "4").write_text("precious")
    code, _, said = convert(capsys, tmp_path / "data", clip, *AS_IS)
    assert code == 2
    assert f"{tmp_path / 'data' / '4'}: cannot be written" in said
    assert (tmp_path / "data" / "4").read_text() == "precious"


def test_the_standardised_pictures_are_a_folder_a_take(tmp_path, capsys, clip):
    code, _, _ = convert(capsys, tmp_path / "data", clip, *AS_IS, "--frames-out", tmp_path / "standardised", "--no-rgb")
    assert code == 0
    assert len(list((tmp_path / "standardised" / "frown_4_1").glob("*.png"))) == 12
    assert not (tmp_path / "data" / "4" / "frown_4_1.rgb.mp4").exists()
