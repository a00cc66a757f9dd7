import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from takekit import FRAME_US, T0_US, make_take, some_events, write_events

from protocol.schema import SchemaError
from protocol.streams import EVENT_DTYPE, Stream
from recorder.aedat4.errors import Aedat4Error
from recorder.take import Take, TakeError, find_takes


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return make_take(tmp_path_factory.mktemp("take"), videos=True)


@pytest.mark.parametrize(
    "name",
    ["frown_4_1.aedat4", "frown_4_1", "frown_4_1.rgb.mp4", "frown_4_1.thermal.mkv", "frown_4_1.frames.csv", "frown_4_1.json"],
)
def test_a_take_is_found_by_any_of_its_files_and_by_its_stem(whole, name):
    with Take(whole.parent / name) as take:
        assert take.path == whole
        assert take.count(Stream.EVENTS) == 1000


def test_a_damaged_original_is_opened_as_itself(whole, tmp_path):
    original = write_events(tmp_path / "frown_4_1.damaged.aedat4", some_events(7))
    write_events(tmp_path / "frown_4_1.aedat4", some_events(5))
    with Take(original) as take:
        assert take.count(Stream.EVENTS) == 7


def test_a_take_that_is_not_there_is_refused_at_once(tmp_path):
    with pytest.raises(TakeError, match="frown_9_9"):
        Take(tmp_path / "frown_9_9.aedat4")


def test_every_stream_of_a_whole_take_reads_back_and_nothing_is_wrong(whole):
    with Take(whole) as take:
        assert take.streams == tuple(Stream)
        np.testing.assert_array_equal(take.events(), some_events())
        assert [take.count(stream) for stream in Stream] == [1000, 3, 20, 2, 5, 4]
        assert take.time_range(Stream.EVENTS) == (T0_US, T0_US + 199_999)
        assert len(take.imu()) == 20
        assert len(take.triggers()) == 2
        assert take.resolution(Stream.RGB) == (32, 24)
        assert [step.step for step in take.markers] == ["hold"]
        assert take.problems == ()


@settings(max_examples=30)
@given(st.integers(-1000, 201_000), st.integers(-1000, 201_000))
def test_a_range_contains_its_start_and_not_its_end(whole, start, end):
    everything = some_events()
    start_us, end_us = T0_US + start, T0_US + end
    expected = everything[(everything["t"] >= start_us) & (everything["t"] < end_us)]
    with Take(whole) as take:
        np.testing.assert_array_equal(take.events(start_us, end_us), expected)
        parts = list(take.iter_events(start_us, end_us))
        np.testing.assert_array_equal(np.concatenate([np.zeros(0, EVENT_DTYPE), *parts]), expected)


def test_frame_times_are_those_of_the_frame_table_to_the_microsecond(whole):
    with Take(whole) as take:
        assert take.frame_times(Stream.THERMAL).tolist() == [T0_US + 7777 + index * FRAME_US for index in range(4)]
        assert take.frame_times(Stream.RGB).tolist() == [T0_US + 5000 + index * FRAME_US for index in range(5)]
        assert take.frame_times(Stream.FRAMES).tolist() == [T0_US + 1000 + index * FRAME_US for index in range(3)]


@pytest.mark.parametrize(("stream", "first"), [(Stream.FRAMES, 1000), (Stream.RGB, 5000), (Stream.THERMAL, 7777)])
def test_pictures_of_a_range_come_with_their_times(whole, stream, first):
    with Take(whole) as take:
        second_us = T0_US + first + FRAME_US
        chosen = list(take.frames(stream, second_us, second_us + FRAME_US))
        everything = list(take.frames(stream))
        assert [t_us for t_us, _ in chosen] == [second_us]
        np.testing.assert_array_equal(chosen[0][1], everything[1][1])
        assert list(take.frames(stream, second_us + 1, second_us + 2)) == []


def test_the_frame_table_is_believed_where_the_container_says_otherwise(tmp_path):
    path = make_take(tmp_path)
    table = tmp_path / "frown_4_1.frames.csv"
    table.write_text(table.read_text().replace(str(T0_US + 1000), str(T0_US + 1007)))
    with Take(path) as take:
        assert [t_us for t_us, _ in take.frames(Stream.FRAMES)][:1] == [T0_US + 1007]
        assert len(list(take.frames(Stream.FRAMES, T0_US + 1001, T0_US + 1008))) == 1


def test_without_a_frame_table_times_come_from_the_container_and_that_is_told(tmp_path):
    path = make_take(tmp_path, videos=True)
    (tmp_path / "frown_4_1.frames.csv").unlink()
    with Take(path) as take:
        assert take.frame_times(Stream.FRAMES).tolist() == [T0_US + 1000 + index * FRAME_US for index in range(3)]
        assert take.frame_times(Stream.RGB).tolist() == [T0_US + 5000 + index * FRAME_US for index in range(5)]
        assert np.abs(take.frame_times(Stream.THERMAL) - (T0_US + 7777 + np.arange(4) * FRAME_US)).max() <= 1000
        assert next(problem for problem in take.problems if "container" in problem).startswith("the times of frames")


def test_a_lone_file_from_elsewhere_is_a_whole_take(tmp_path):
    path = write_events(tmp_path / "some recording.aedat4", some_events(10))
    with Take(path) as take:
        assert take.manifest is None
        assert take.markers == ()
        assert take.problems == ()
        assert take.frame_times(Stream.RGB).tolist() == []
        assert list(take.frames(Stream.RGB)) == []


def test_an_empty_recording_has_no_times(tmp_path):
    with Take(write_events(tmp_path / "empty.aedat4", some_events(0))) as take:
        assert take.time_range(Stream.EVENTS) is None
        assert take.time_range(Stream.FRAMES) is None
        assert len(take.events()) == 0


def test_a_broken_manifest_is_told_and_raised_only_when_asked_for(tmp_path):
    path = make_take(tmp_path)
    (tmp_path / "frown_4_1.json").write_text("{")
    with Take(path) as take:
        assert len(take.events()) == 1000
        assert "frown_4_1.json" in take.problems[0]
        with pytest.raises(SchemaError):
            _ = take.manifest


def test_missing_files_and_impossible_suffixes_of_the_manifest_are_told(tmp_path):
    path = make_take(tmp_path, videos=True)
    (tmp_path / "frown_4_1.rgb.mp4").unlink()
    manifest = tmp_path / "frown_4_1.json"
    manifest.write_text(manifest.read_text().replace('".frames.csv"', '"/../../etc/passwd"'))
    with Take(path) as take:
        assert "frown_4_1.rgb.mp4 is missing" in take.problems
        assert any("no file of a take" in problem for problem in take.problems)


def test_a_video_that_cannot_be_read_is_told_and_the_rest_stays_readable(tmp_path):
    path = make_take(tmp_path, videos=True)
    (tmp_path / "frown_4_1.rgb.mp4").write_bytes(b"no video at all")
    with Take(path) as take:
        assert take.count(Stream.RGB) == 0
        assert take.count(Stream.THERMAL) == 4
        assert any("rgb.mp4" in problem for problem in take.problems)


def test_a_broken_frame_table_is_told(tmp_path):
    path = make_take(tmp_path)
    (tmp_path / "frown_4_1.frames.csv").write_text("one,two\n")
    with Take(path) as take:
        assert take.count(Stream.FRAMES) == 3
        assert any("frames.csv" in problem for problem in take.problems)


def test_a_file_that_is_no_recording_is_refused_when_it_is_read(tmp_path):
    path = tmp_path / "frown_4_1.aedat4"
    path.write_bytes(b"")
    with Take(path) as take, pytest.raises(Aedat4Error, match=r"frown_4_1\.aedat4"):
        take.events()


def test_a_truncated_file_gives_every_whole_packet(tmp_path):
    path = write_events(tmp_path / "cut.aedat4", some_events(1000))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    with Take(path) as take:
        events = take.events()
        assert 0 < len(events) < 1000
        np.testing.assert_array_equal(events, some_events(1000)[: len(events)])
        assert take.problems != ()


def test_records_are_no_pictures(whole):
    with Take(whole) as take, pytest.raises(TakeError):
        take.frame_times(Stream.EVENTS)


def test_a_header_that_lies_about_the_time_range_is_not_believed(test_data):
    with Take(test_data / "aedat4" / "davis346_road_bad_timerange.aedat4") as take:
        assert take.time_range(Stream.EVENTS) == (1589163147368868, 1589163147538809)
        assert len(take.events()) == 6676
        assert len(list(take.frames(Stream.FRAMES))) == 4
        assert take.problems != ()


def test_a_path_on_the_command_line_means_a_take_or_all_of_a_folder(whole):
    assert [entry.path for entry in find_takes(whole.parent)] == [whole]
    assert [entry.path for entry in find_takes(whole.parent / "frown_4_1")] == [whole]
    with pytest.raises(TakeError):
        find_takes(whole.parent / "nothing")


def test_a_folder_that_is_called_like_a_recording_is_named_as_what_it_is(tmp_path):
    (tmp_path / "smile_2_1.aedat4").mkdir()
    with pytest.raises(TakeError, match=r"smile_2_1\.aedat4: is a folder, not a recording"):
        find_takes(tmp_path / "smile_2_1.aedat4")
    held = make_take(tmp_path / "old.aedat4")
    assert [entry.path for entry in find_takes(tmp_path / "old.aedat4")] == [held]
