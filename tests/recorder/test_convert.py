"""From a video to a whole take: times, pictures, manifest; and what cannot be converted leaves nothing behind."""

import json

import cv2
import numpy as np
import pytest
from convert_helpers import (
    FRAME_US,
    KnowingFinder,
    as_face,
    face_at,
    moved,
    neutral_landmarks,
    similarity_matrix,
    swaying,
    turning,
    write_folder,
    write_turned,
    write_video,
)

from protocol.manifest import FinishReason, TakeStatus
from protocol.streams import Stream
from recorder.dataset import Dataset
from recorder.inspection import inspect_take
from recorder.take import Take
from recorder.verify import verify_folders, verify_take
from recorder.video2events.align import Crop
from recorder.video2events.convert import Tools, convert
from recorder.video2events.errors import ConvertError, FaceError
from recorder.video2events.grey import fitted_size, grey
from recorder.video2events.recipe import Recipe
from recorder.video2events.standard import FaceWish
from recorder.video2events.table import Job
from recorder.video2events.tracking import Which

NOW = "2026-03-02T10:00:00.000+01:00"
AS_IS = Recipe(face=None)


@pytest.fixture
def data(tmp_path):
    return Dataset.create(tmp_path / "data", "data", simulated=True).path


def run(source, data, recipe=AS_IS, finder=None, **job):
    return convert(Job(source, 4, "frown", **job), data, recipe, Tools(lambda: NOW, finder))


def entry_of(made, data):
    (entry,) = (entry for entry in Dataset(data).takes() if entry.path == made.path)
    return entry


def files_of(data):
    return sorted(path.name for path in data.rglob("*") if path.is_file())


def assert_nothing_but_its_number(data):
    assert set(files_of(data)) <= {"dataset.json", ".numbers"}
    assert not list(verify_folders(Dataset(data), []))


# A take as it should be


def test_a_video_becomes_a_take_that_inspect_and_verify_accept_without_a_remark(tmp_path, data):
    pictures, landmarks = turning()
    made = run(write_video(tmp_path / "clip.mp4", pictures), data, Recipe(), KnowingFinder(landmarks))
    entry = entry_of(made, data)
    assert made.path == data / "4" / "frown_4_1.aedat4"
    assert inspect_take(entry).problems == ()
    assert [*verify_take(entry), *verify_folders(Dataset(data), [entry])] == []
    assert (entry.status, entry.left_out) == (TakeStatus.COMPLETE, frozenset())


def test_the_manifest_says_that_it_is_simulated_and_how_it_was_made(tmp_path, data):
    pictures, landmarks = turning()
    made = run(write_video(tmp_path / "clip.mp4", pictures), data, Recipe(), KnowingFinder(landmarks))
    manifest = entry_of(made, data).manifest
    assert (manifest.simulated, manifest.finish_reason) == (True, FinishReason.SOURCE_ENDED)
    (device,) = manifest.devices
    assert (device.kind, device.name, device.simulated) == ("convert", "clip.mp4", True)
    published = {"pos_thres": 0.2, "neg_thres": 0.2, "sigma_thres": 0.02}
    published |= {"cutoff_hz": 0, "leak_rate_hz": 0, "shot_noise_rate_hz": 0}
    assert published.items() <= device.settings["pixel"].items()
    deviations = " ".join(device.settings["deviations"])
    assert "slow-motion" in deviations
    assert "timestamp resolution" in deviations
    assert device.settings["standard"]["crop"] == "published"
    assert device.settings["events_by_cause"]["signal"] == made.counts["events"]


def test_the_take_holds_the_standardised_pictures_and_the_source_with_the_same_times(tmp_path, data):
    pictures, landmarks = turning()
    made = run(write_video(tmp_path / "clip.mp4", pictures), data, Recipe(), KnowingFinder(landmarks))
    assert made.counts == {"events": made.counts["events"], "frames": 12, "rgb": 12}
    with Take(made.path) as take:
        assert take.resolution(Stream.EVENTS) == take.resolution(Stream.FRAMES) == (200, 200)
        times = take.frame_times(Stream.FRAMES)
        np.testing.assert_array_equal(times, np.arange(12) * FRAME_US)
        np.testing.assert_array_equal(times, take.frame_times(Stream.RGB))
        for (_, image), picture in zip(take.frames(Stream.RGB), pictures, strict=True):
            assert np.abs(image[..., 0].astype(int) - picture).max() <= 12  # H.264 is nearly lossless


def test_a_head_that_only_sways_gives_few_events_once_it_is_aligned(tmp_path, data):
    """The same crop, held still in the picture instead of in the face, sees the whole head move."""
    pictures, landmarks = turning()
    video = write_video(tmp_path / "clip.mp4", pictures)
    held = np.stack([moved(neutral_landmarks(), swaying(1)[0])] * 12)
    aligned = run(video, data, Recipe(face=FaceWish(Crop.WIDE)), KnowingFinder(landmarks))
    swaying_face = run(video, data, Recipe(face=FaceWish(Crop.WIDE)), KnowingFinder([[one] for one in held]))
    assert aligned.counts["events"] < 0.2 * swaying_face.counts["events"]


def test_the_events_are_those_of_the_published_pixel(tmp_path, data):
    """A patch that doubles its light crosses the threshold ln 2 / 0.2 = 3.47 times: three ON events a pixel, and it alone."""
    dark = np.full((60, 80), 60, np.uint8)
    light = dark.copy()
    light[20:40, 30:50] = 120
    made = run(write_folder(tmp_path / "clip", [dark, light]), data)
    with Take(made.path) as take:
        events = take.events()
    assert (events["p"] == 1).all()
    assert {(x, y) for x, y in zip(events["x"], events["y"], strict=True)} == {
        (x, y) for x in range(30, 50) for y in range(20, 40)
    }
    assert len(events) / 400 == pytest.approx(3, abs=0.2)  # thresholds differ by 0.02 from pixel to pixel
    assert 0 < events["t"].min() < events["t"].max() <= FRAME_US


def test_one_seed_gives_one_result_and_another_take_another_sensor(tmp_path, data):
    video = write_folder(tmp_path / "clip", turning()[0])
    there = Dataset.create(tmp_path / "there", "there", simulated=True).path
    with Take(run(video, data).path) as one, Take(run(video, there).path) as again, Take(run(video, data).path) as second:
        np.testing.assert_array_equal(one.events(), again.events())
        assert len(second.events()) != len(one.events())


def test_without_alignment_the_whole_picture_is_made_to_fit_the_sensor(tmp_path, data):
    pictures = [face_at(matrix, (640, 480))[0] for matrix in swaying(3)]
    made = run(write_video(tmp_path / "clip.mp4", pictures), data)
    with Take(made.path) as take:
        assert take.resolution(Stream.EVENTS) == (346, 260)
        assert take.resolution(Stream.RGB) == (640, 480)


@pytest.mark.parametrize(
    ("size", "fitted"),
    [((1920, 1080), (346, 195)), ((1080, 1920), (146, 260)), ((200, 100), (200, 100)), ((9000, 2), (346, 1))],
)
def test_a_picture_keeps_its_shape_and_is_never_enlarged(size, fitted):
    assert fitted_size(size) == fitted


def test_the_standardised_pictures_are_written_as_the_published_recipe_has_them(tmp_path, data):
    pictures, landmarks = turning()
    recipe = Recipe(frames_folder=tmp_path / "standardised")
    made = run(write_video(tmp_path / "clip.mp4", pictures), data, recipe, KnowingFinder(landmarks))
    files = sorted((tmp_path / "standardised" / "frown_4_1").iterdir())
    assert [path.name for path in files] == [f"{number:05d}.png" for number in range(12)]
    with Take(made.path) as take:
        for path, (_, image) in zip(files, take.frames(Stream.FRAMES), strict=True):
            np.testing.assert_array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), image)


def test_the_source_pictures_can_be_left_out(tmp_path, data):
    made = run(write_folder(tmp_path / "clip", turning()[0]), data, Recipe(face=None, colour=False))
    assert made.counts["rgb"] == 0
    assert not made.path.with_name("frown_4_1.rgb.mp4").exists()
    assert inspect_take(entry_of(made, data)).problems == ()


def test_progress_reaches_one(tmp_path, data):
    pictures, landmarks = turning()
    video = write_video(tmp_path / "clip.mp4", pictures)
    done = []
    convert(Job(video, 4, "frown"), data, Recipe(), Tools(lambda: NOW, KnowingFinder(landmarks), watch=done.append))
    assert sum(done) == pytest.approx(1)


# Time


def test_a_variable_frame_rate_keeps_the_videos_own_times_and_is_noted(tmp_path, data):
    times = np.cumsum([0, 33_333, 33_333, 100_000, 10_000, 33_333, 70_001, 33_333, 33_333, 33_333, 33_333, 33_333])
    made = run(write_video(tmp_path / "clip.mp4", turning()[0], times), data)
    assert any("variable frame rate (10.0 to 100.0 ms)" in notice for notice in made.notices)
    with Take(made.path) as take:
        np.testing.assert_array_equal(take.frame_times(Stream.FRAMES), times)
        np.testing.assert_array_equal(take.frame_times(Stream.RGB), times)
        assert take.time_range(Stream.EVENTS)[1] <= times[-1]
    assert made.notices == entry_of(made, data).manifest.notices


def test_a_stretch_keeps_the_videos_own_times(tmp_path, data):
    made = run(write_video(tmp_path / "clip.mp4", turning()[0]), data, start_s=0.1, stop_s=0.3)
    with Take(made.path) as take:
        np.testing.assert_array_equal(take.frame_times(Stream.FRAMES), np.arange(4, 10) * FRAME_US)
        assert take.time_range(Stream.EVENTS)[0] > 4 * FRAME_US


def test_a_folder_has_the_frame_rate_that_it_is_given_and_says_so(tmp_path, data):
    made = run(write_folder(tmp_path / "clip", turning()[0]), data, Recipe(face=None, fps=100))
    assert "is taken as 100 pictures a second" in made.notices[0]
    assert made.duration_us == 110_000


def test_a_video_of_a_telephone_is_turned_upright(tmp_path, data):
    pictures = turning(4)[0]
    made = run(write_turned(tmp_path / "clip.mp4", pictures), data)
    with Take(made.path) as take:
        assert take.resolution(Stream.FRAMES) == (320, 240)
        for (_, image), picture in zip(take.frames(Stream.FRAMES), pictures, strict=True):
            np.testing.assert_array_equal(image, picture)


# Pictures


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1), (4, 5, 3), (4, 5, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_colour_and_transparent_pictures_of_8_and_16_bits_are_one_grey(shape, dtype):
    image = np.full(shape, np.iinfo(dtype).max // 5, dtype)
    np.testing.assert_array_equal(grey(image, "clip"), np.full((4, 5), 51, np.uint8))


def test_pictures_of_floats_are_refused(tmp_path):
    with pytest.raises(ConvertError, match="float32"):
        grey(np.zeros((4, 5), np.float32), "clip")


# One face


def missed_at(landmarks, numbers):
    return [[] if number in numbers else faces for number, faces in enumerate(landmarks)]


def test_a_face_missed_in_some_pictures_is_filled_in_and_counted(tmp_path, data):
    pictures, landmarks = turning()
    finder = KnowingFinder(missed_at(landmarks, (0, 5)))
    made = run(write_folder(tmp_path / "clip", pictures), data, Recipe(), finder)
    assert entry_of(made, data).manifest.devices[0].settings["standard"]["pictures_without_face"] == 2


@pytest.mark.parametrize(
    ("faces", "sentence"),
    [
        (lambda landmarks: [[] for _ in landmarks], "no face was found in any of its 12 pictures"),
        (lambda landmarks: missed_at(landmarks, range(5, 12)), "found in only 5 of its 12 pictures"),
        (lambda landmarks: [[one[0], one[0] + 150] for one in landmarks], "12 of its 12 pictures show two faces"),
    ],
)
def test_no_face_too_few_and_two_faces_are_one_sentence_each_and_leave_nothing(tmp_path, data, faces, sentence):
    pictures, landmarks = turning()
    with pytest.raises(FaceError) as error:
        run(write_folder(tmp_path / "clip", pictures), data, Recipe(), KnowingFinder(faces(landmarks)))
    assert sentence in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "clip"))
    assert str(error.value).endswith(".")
    assert files_of(data) == ["dataset.json"]


def test_of_two_faces_the_largest_may_be_chosen(tmp_path, data):
    pictures, landmarks = turning()
    both = [[one[0] * 0.6 + 150, one[0]] for one in landmarks]
    made = run(write_folder(tmp_path / "a", pictures), data, Recipe(face=FaceWish(which=Which.LARGEST)), KnowingFinder(both))
    alone = run(write_folder(tmp_path / "b", pictures), data, Recipe(), KnowingFinder(landmarks))
    with Take(made.path) as one, Take(alone.path) as other:
        for (_, image), (_, expected) in zip(one.frames(Stream.FRAMES), other.frames(Stream.FRAMES), strict=True):
            np.testing.assert_array_equal(image, expected)


def test_a_pattern_on_the_wall_is_no_second_face(tmp_path, data):
    pictures, landmarks = turning()
    small = as_face(moved(neutral_landmarks(), similarity_matrix(0, 0.2, (30, 30))))
    run(write_folder(tmp_path / "clip", pictures), data, Recipe(), KnowingFinder([[small, one[0]] for one in landmarks]))


def test_a_passer_by_does_not_take_the_crop_over(tmp_path, data):
    """In one picture of twelve a larger face appears beside; the crop stays with the first."""
    pictures, landmarks = turning()
    faces = [[one[0], one[0] * 1.5] if number == 6 else one for number, one in enumerate(landmarks)]
    made = run(write_folder(tmp_path / "a", pictures), data, Recipe(), KnowingFinder(faces))
    alone = run(write_folder(tmp_path / "b", pictures), data, Recipe(), KnowingFinder(landmarks))
    assert abs(made.counts["events"] - alone.counts["events"]) < 0.1 * alone.counts["events"]


# What cannot be converted


def two_sizes(folder):
    write_folder(folder, turning(2)[0])
    (folder / "2.png").write_bytes(cv2.imencode(".png", np.zeros((100, 100), np.uint8))[1].tobytes())
    return folder


def broken(path):
    path.write_bytes(b"\x00\x00\x00\x20ftypisom" + bytes(range(256)) * 20)
    return path


def empty(path):
    path.write_bytes(b"")
    return path


def folder_without_pictures(path):
    path.mkdir()
    (path / "notes.txt").write_text("none")
    return path


def still(path):
    return write_folder(path, [np.full((20, 20), 90, np.uint8)] * 3)


def one_picture(path):
    return write_folder(path, [np.full((20, 20), 90, np.uint8)])


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (two_sizes, "different sizes"),
        (broken, "cannot be read as a video"),
        (empty, "cannot be read as a video"),
        (folder_without_pictures, "holds no pictures"),
        (still, "nothing moves"),
        (one_picture, "has 1 pictures in the wanted stretch"),
        (lambda path: path, "there is no such video or folder"),
    ],
)
@pytest.mark.parametrize("recipe", [Recipe(face=None, frames_folder=True), Recipe()], ids=["as it is", "aligned"])
def test_what_cannot_be_converted_is_one_sentence_and_leaves_nothing_but_its_number(tmp_path, data, make, sentence, recipe):
    source = make(tmp_path / "source")
    if recipe.frames_folder:
        recipe = Recipe(face=None, frames_folder=tmp_path / "standardised")
    everywhere = KnowingFinder([[moved(neutral_landmarks(), similarity_matrix(0, 0.1, (10, 10)))]] * 3)
    with pytest.raises(ConvertError) as error:
        run(source, data, recipe, everywhere)
    assert sentence in str(error.value)
    assert str(source) in str(error.value)
    assert str(error.value).endswith(".")
    assert_nothing_but_its_number(data)
    assert not list((tmp_path / "standardised").glob("*"))


def test_a_stretch_beyond_the_end_says_how_long_the_video_is(tmp_path, data):
    video = write_video(tmp_path / "clip.mp4", turning()[0])
    with pytest.raises(ConvertError, match=r"up to 0\.367 s"):
        run(video, data, start_s=5)


def test_a_cut_video_is_converted_up_to_the_cut(tmp_path, data):
    whole = write_video(tmp_path / "clip.mp4", turning(60)[0])
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    made = run(cut, data)
    assert 10 < made.counts["frames"] < 60


def test_a_folder_of_standardised_pictures_that_exists_is_not_touched(tmp_path, data):
    (tmp_path / "standardised" / "frown_4_1").mkdir(parents=True)
    (tmp_path / "standardised" / "frown_4_1" / "thesis.txt").write_text("precious")
    with pytest.raises(ConvertError, match="exists already"):
        run(write_folder(tmp_path / "clip", turning(3)[0]), data, Recipe(face=None, frames_folder=tmp_path / "standardised"))
    assert (tmp_path / "standardised" / "frown_4_1" / "thesis.txt").read_text() == "precious"
    assert_nothing_but_its_number(data)


def test_the_manifest_is_json_that_other_programs_read(tmp_path, data):
    made = run(write_folder(tmp_path / "clip", turning(3)[0]), data)
    document = json.loads(made.path.with_name("frown_4_1.json").read_text())
    assert document["streams"]["events"]["resolution"] == [320, 240]
    assert document["streams"]["events"]["written"] == made.counts["events"]
