"""Where the face is: in pictures, in the portrait that the paper takes, in takes of every kind."""

import math
import shutil

import numpy as np
import pytest
from takekit import make_take

from protocol.streams import EVENT_DTYPE, Stream
from recorder.activity import clean_events
from recorder.facebox import face_in_events, face_in_pictures, find_face, search_faces
from recorder.faces.blinks import eyes_from_blinks
from recorder.faces.colour import lay_over
from recorder.faces.eyes import iris_candidates
from recorder.faces.geometry import Eyes, face_box
from recorder.faces.pictures import PictureFaces
from recorder.faces.portrait import Sweep, below_paper, portraits, sweeps
from recorder.take import Take
from recorder.video2events.faces import CascadeFinder
from recorder.videoreader import VideoReader

SIZE = (346, 260)
SMALL = (64, 48)


@pytest.fixture(scope="module")
def seen(simulated_take):
    """Events, and pictures from the time of the movement, of the simulated take."""
    with Take(simulated_take) as take:
        times = take.frame_times(Stream.FRAMES)
        pictures = [image for _, image in take.frames(Stream.FRAMES, int(times[-20]))][::5]
        return clean_events(take.events(), SIZE), pictures


def distance(one, other):
    return math.dist(one, other)


def events_of(levels_by_time, start_us=0, step_us=10_000):
    """Events of pixels that go through these levels [T, H, W], one threshold each, evenly within every step."""
    found = []
    for n, change in enumerate(np.diff(np.asarray(levels_by_time), axis=0)):
        for y, x in zip(*np.nonzero(change), strict=True):
            times = start_us + n * step_us + np.arange(abs(change[y, x])) * step_us // abs(change[y, x])
            found += [(t, x, y, change[y, x] > 0) for t in times]
    return np.array(sorted(found), EVENT_DTYPE)


def test_the_face_of_a_take_is_found_in_its_own_pictures(simulated_take):
    with Take(simulated_take) as take:
        search = search_faces(take)
    assert search.count == 1
    assert search.face.source == "aps"
    assert search.face.confidence > 0.5
    assert search.face.left_eye[0] < search.face.right_eye[0]


def test_events_alone_find_the_same_eyes_as_pictures(simulated_take, seen):
    from_events = face_in_events(seen[0], SIZE)
    with Take(simulated_take) as take:
        from_pictures = find_face(take)
    assert from_events.source == "events"
    assert distance(from_events.left_eye, from_pictures.left_eye) < 6
    assert distance(from_events.right_eye, from_pictures.right_eye) < 6


def test_a_lone_file_without_manifest_has_its_face_too(simulated_take, tmp_path):
    shutil.copy(simulated_take, tmp_path / "smile_1_1.aedat4")
    with Take(tmp_path / "smile_1_1.aedat4") as take:
        assert find_face(take) is not None


@pytest.mark.parametrize("name", ["davis346_lab_lamps", "davis346_road_bad_timerange"])
def test_no_face_is_guessed_where_there_is_none(test_data, name):
    with Take(test_data / "aedat4" / f"{name}.aedat4") as take:
        search = search_faces(take)
    assert search.face is None
    assert search.count == 0


def test_where_all_colour_pictures_have_one_time_a_single_one_is_decoded(tmp_path, monkeypatch):
    path = make_take(tmp_path, videos=True, frames=0)
    table = path.with_name("frown_4_1.frames.csv")
    with Take(path) as take:
        first, *others = (str(t_us) for t_us in take.frame_times(Stream.RGB))
    text = table.read_text()
    for t_us in others:
        text = text.replace(t_us, first)
    table.write_text(text)
    decoded = []
    frame = VideoReader.frame
    monkeypatch.setattr(VideoReader, "frame", lambda video, index: decoded.append(index) or frame(video, index))
    with Take(path) as take:
        assert len(set(take.frame_times(Stream.RGB))) == 1
        search_faces(take)
    assert decoded == [0]


def test_two_faces_in_every_picture_are_counted(seen):
    pair = [np.hstack([picture, picture[:, ::-1]]) for picture in seen[1]]
    assert len(PictureFaces(CascadeFinder()).find(pair)) == 2


def test_a_face_that_most_pictures_do_not_show_is_not_believed(seen):
    blank = np.full_like(seen[1][0], 200)
    assert face_in_pictures([seen[1][0], *[blank] * 5]) is None


def test_pictures_of_a_blink_or_of_the_paper_do_not_move_the_eyes(seen):
    blank = np.full_like(seen[1][0], 200)
    face = face_in_pictures(seen[1])
    again = face_in_pictures([*seen[1], blank])
    assert distance(face.left_eye, again.left_eye) < 2
    assert again.confidence < face.confidence


@pytest.mark.parametrize("pictures", [[], [np.zeros((260, 346), np.uint8)] * 3, [np.zeros((4, 4), np.uint8)]])
def test_pictures_without_anything_have_no_face(pictures):
    assert face_in_pictures(pictures) is None


def test_noise_has_no_face():
    noise = np.random.default_rng(1).integers(0, 256, (3, 260, 346), dtype=np.uint8)
    assert face_in_pictures(list(noise)) is None


@pytest.mark.parametrize("count", [0, 1, 5000])
def test_events_without_a_sweep_of_paper_have_no_portrait(count):
    rng = np.random.default_rng(count)
    events = np.zeros(count, EVENT_DTYPE)
    events["t"] = np.sort(rng.integers(0, 3_000_000, count))
    events["x"], events["y"], events["p"] = (rng.integers(0, most, count) for most in (*SIZE, 2))
    assert portraits(events, SIZE) == []
    assert face_in_events(events, SIZE) is None


def test_the_portrait_shows_the_scene_and_not_the_hand_that_held_the_sheet():
    scene = np.full((SMALL[1], SMALL[0]), -6)
    scene[:, 40:] = -3
    paper, held = np.zeros_like(scene), np.zeros_like(scene)
    held[20:30, 10:20] = -4  # the hand on the sheet
    levels = below_paper(events_of([held, paper, scene]), SMALL)
    assert np.array_equal(levels, scene)


def test_the_sheet_that_comes_gives_the_same_portrait():
    scene = np.full((SMALL[1], SMALL[0]), -6)
    scene[:, 40:] = -3
    held = np.zeros_like(scene)
    held[20:30, 10:20] = -4
    levels = below_paper(events_of([scene, np.zeros_like(scene), held]), SMALL)
    assert np.array_equal(levels, scene)


def test_what_neither_darkens_nor_lightens_the_view_is_no_paper():
    flat, bright = np.zeros((SMALL[1], SMALL[0]), int), np.zeros((SMALL[1], SMALL[0]), int)
    bright[:, ::2], bright[:, 1::2] = 3, -3
    assert below_paper(events_of([flat, bright]), SMALL) is None


def test_both_passings_of_the_sheet_are_found_and_flicker_is_none():
    scene, paper = np.full((SMALL[1], SMALL[0]), -4), np.zeros((SMALL[1], SMALL[0]), int)
    away = events_of([paper, *[scene] * 2], start_us=3_000_000)
    flicker = events_of([scene + n % 2 for n in range(20)], start_us=4_000_000, step_us=5_000)
    found = sweeps(np.concatenate([events_of([scene, paper]), away, flicker]), SMALL)
    assert [round(sweep.end_us, -6) for sweep in found] == [0, 3_000_000]


def test_a_dark_disc_is_found_to_a_pixel():
    y, x = np.indices((40, 60))
    disc = np.clip(np.hypot(x - 31.4, y - 18.7) - 5.5, 0, 1) * 150 + 50
    best = iris_candidates(disc.astype(np.uint8), (28.0, 22.0), 6.0, (4.5, 5.5, 6.5))[0]
    assert distance(best.at, (31.4, 18.7)) < 1


def test_a_flat_picture_leaves_the_eye_where_it_is_expected():
    best = iris_candidates(np.full((40, 60), 90, np.uint8), (28.0, 22.0), 6.0, (5.0,))[0]
    assert best.at == (28.0, 22.0)


def blinking(times_s, places, span_s=6.0, seed=0):
    """Noise of half an event a second and pixel, and bursts of 800 events in 40 ms about each of the places."""
    rng = np.random.default_rng(seed)
    count = round(0.5 * SIZE[0] * SIZE[1] * span_s)
    found = [(rng.uniform(0, span_s, count), rng.uniform(0, SIZE[0], count), rng.uniform(0, SIZE[1], count))]
    for time in times_s:
        for x, y in places:
            found.append((time + rng.uniform(0, 0.04, 800), rng.normal(x, 8, 800), rng.normal(y, 3, 800)))
    t, x, y = (np.concatenate(part) for part in zip(*found, strict=True))
    events = np.zeros(len(t), EVENT_DTYPE)
    events["t"], events["x"], events["y"] = t * 1e6, x, y
    events["p"] = rng.integers(0, 2, len(t))
    return events[np.argsort(events["t"], kind="stable")]


def test_two_patches_that_burst_together_are_eyes_that_blink():
    found = eyes_from_blinks(blinking((1.0, 2.5, 4.3), ((140, 95), (205, 99))), SIZE)
    assert found.blinks == 3
    assert distance(found.eyes.left, (140, 95)) < 2
    assert distance(found.eyes.right, (205, 99)) < 2


def test_blinks_give_a_face_to_events_without_any_paper():
    face = face_in_events(blinking((1.0, 2.5), ((140, 95), (205, 99))), SIZE)
    assert face.source == "events"
    assert face.confidence < 0.8


@pytest.mark.parametrize(
    "places",
    [
        [(140, 95)],  # one patch
        [(140, 95), (160, 95)],  # too near
        [(40, 95), (300, 95)],  # too far apart
        [(140, 60), (205, 160)],  # one far above the other
        [(60, 40), (140, 95), (205, 95), (290, 40), (170, 200), (60, 200)],  # the whole head moves
    ],
)
def test_bursts_that_do_not_lie_as_eyes_do_are_none(places):
    assert eyes_from_blinks(blinking((1.0, 2.5, 4.3), places), SIZE) is None


def test_bursts_beside_a_sheet_that_passes_are_hands_and_corners():
    events = blinking((1.0,), ((140, 95), (205, 99)))
    assert eyes_from_blinks(events, SIZE, [Sweep(500_000, 800_000, 10**6)]) is None


def test_too_short_a_recording_says_nothing_of_blinks():
    assert eyes_from_blinks(blinking((0.5,), ((140, 95), (205, 99)), span_s=1.0), SIZE) is None


def test_colour_pictures_are_laid_over_the_events(simulated_take, seen):
    with Take(simulated_take) as take:
        times = take.frame_times(Stream.RGB)
        pictures = [image for _, image in take.frames(Stream.RGB, int(times[-25]))][::8]
        eyes = PictureFaces(CascadeFinder()).find(pictures)[0].eyes
        laid = lay_over(pictures, seen[0], SIZE, sweeps(seen[0], SIZE))
        face = find_face(take)
    assert distance(laid.eyes(eyes).left, face.left_eye) < 20  # a hand's breadth between the cameras
    assert abs(laid.eyes(eyes).apart_px / distance(face.left_eye, face.right_eye) - 1) < 0.1


def test_colour_pictures_of_something_else_are_laid_nowhere(seen):
    rng = np.random.default_rng(3)
    blocks = np.kron(rng.integers(0, 255, (12, 16, 3)), np.ones((40, 40, 1))).astype(np.uint8)
    for picture in (blocks, np.zeros((480, 640, 3), np.uint8)):
        assert lay_over([picture], seen[0], SIZE) is None
    assert lay_over([], seen[0], SIZE) is None
    assert lay_over([blocks], seen[0][:10], SIZE) is None


def test_the_box_of_a_face_follows_a_tilted_head():
    upright = face_box(Eyes((100.0, 100.0), (160.0, 100.0)), "aps", 1.0)
    tilted = face_box(Eyes((100.0, 100.0), (160.0, 130.0)), "aps", 1.0)
    assert upright.x + upright.width / 2 == pytest.approx(130)
    assert upright.y < 100 < upright.y + upright.height / 2
    assert tilted.x + tilted.width / 2 < 130  # the chin swings to the side of the higher eye


def test_no_events_show_no_face():
    assert face_in_events(np.zeros(0, EVENT_DTYPE), SIZE) is None
