"""What our reader makes of files: real, unfinished, cut off, damaged, lying."""

import os
import struct

import numpy as np
import pytest
from aedat4_samples import (
    DAVIS,
    SOURCE,
    START_US,
    assert_same,
    read_with_aedat,
    read_with_dv,
    read_with_glimpse,
    rewrite_with_dv,
    some_events,
    some_frame,
    some_imu,
    write_recording,
)
from hypothesis import given
from hypothesis import strategies as st

from protocol.streams import EVENT_DTYPE, Stream
from recorder.aedat4 import Aedat4Error, Aedat4File, Aedat4Writer, Compression, StreamMeta
from recorder.aedat4.flat import FlatError
from recorder.aedat4.layout import PACKET_HEADER, Compressor, decompress, pack_header, pack_table, unpack_header
from recorder.aedat4.streaminfo import from_xml, to_xml

REAL = {
    "davis346_lab_lamps": {"events": 117_667, "frames": 3, "imu": 130, "triggers": 15},
    "davis346_road_bad_timerange": {"events": 6_676, "frames": 4, "imu": 160, "triggers": 17},
}


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return write_recording(tmp_path_factory.mktemp("recording") / "take.aedat4")


def changed(recording, path, change):
    data = bytearray(recording.read_bytes())
    path.write_bytes(bytes(change(data) or data))
    return path


def cut(recording, path, size):
    path.write_bytes(recording.read_bytes()[:size])
    return path


def without_position(data):
    struct.pack_into("<q", data, unpack_header(bytes(data)).position_at, -1)


@pytest.mark.parametrize("name", REAL)
def test_real_recordings_are_read_as_dv_processing_and_aedat_read_them(test_data, name):
    path = test_data / "aedat4" / f"{name}.aedat4"
    contents = read_with_glimpse(path)
    assert contents.counts() == REAL[name]
    with Aedat4File(path) as file:
        assert {stream.value: file.count(stream) for stream in file.streams} == REAL[name]
    assert_same(contents, read_with_dv(path))
    assert_same(contents, read_with_aedat(path))


def test_a_table_that_lies_about_the_time_is_told_and_not_believed(test_data):
    with Aedat4File(test_data / "aedat4" / "davis346_road_bad_timerange.aedat4") as file:
        events = file.records(Stream.EVENTS)
        assert file.header_time_range == (0, 0)
        assert file.time_range(Stream.EVENTS) == (events["t"][0], events["t"][-1])
        assert any("the data table says 0 to 0 us" in problem for problem in file.problems)


def test_a_whole_recording_has_no_problems(recording):
    with Aedat4File(recording) as file:
        assert file.problems == ()
        assert file.has_table
        assert file.compression is Compression.LZ4
        assert file.streams[Stream.EVENTS] == StreamMeta(0, "EVTS", "events", (346, 260), SOURCE)
        assert file.other == ()
        assert file.header_time_range == (
            min(file.time_range(stream)[0] for stream in file.streams),
            max(file.time_range(stream)[1] for stream in file.streams),
        )


@pytest.mark.parametrize("compression", Compression)
def test_files_of_dv_processing_are_read_in_every_compression(recording, tmp_path, compression):
    path = rewrite_with_dv(recording, tmp_path / "dv.aedat4", compression)
    assert_same(read_with_glimpse(path), read_with_glimpse(recording))


@given(st.integers(-10, 40_000), st.integers(-10, 40_000))
def test_a_range_of_time_is_half_open(recording, start, length):
    events = some_events(25_000)
    begin, end = START_US + start, START_US + start + length
    expected = events[(events["t"] >= begin) & (events["t"] < end)]
    with Aedat4File(recording) as file:
        np.testing.assert_array_equal(file.records(Stream.EVENTS, begin, end), expected)
        assert sum(map(len, file.iter_records(Stream.EVENTS, begin, end))) == len(expected)
        inside = [t for t in file.frame_times().tolist() if begin <= t < end]
        assert [frame.t_us for frame in file.frames(begin, end)] == inside
        samples = some_imu(23)
        np.testing.assert_array_equal(file.records(Stream.IMU, end_us=end), samples[samples["t"] < end])


def test_frames_of_a_range_are_had_without_reading_the_others_again(recording, tmp_path):
    path = tmp_path / "one.aedat4"
    path.write_bytes(recording.read_bytes())
    with Aedat4File(path) as file:
        times = file.frame_times()
        frames = file.index()
        frames = frames[frames["stream"] == file.streams[Stream.FRAMES].id]
        for entry in frames[1:]:
            changed(path, path, lambda data, at=int(entry["offset"]): data[:at] + bytes(8) + data[at + 8 :])
        assert [frame.t_us for frame in file.frames(times[0], times[0] + 1)] == [times[0]]
        assert file.problems == ()


def test_records_of_a_frame_stream_are_refused(recording):
    with Aedat4File(recording) as file, pytest.raises(Aedat4Error, match="frames"):
        file.records(Stream.FRAMES)


def test_a_stream_that_the_file_lacks_is_empty(recording):
    with Aedat4File(recording) as file:
        assert file.count(Stream.THERMAL) == 0
        assert file.time_range(Stream.THERMAL) is None


def test_an_unfinished_file_gives_everything(recording, tmp_path):
    path = changed(recording, tmp_path / "part.aedat4", without_position)
    end = unpack_header(recording.read_bytes()[:10_000]).table_position
    with Aedat4File(cut(path, tmp_path / "killed.aedat4", end)) as file:
        assert not file.has_table
        assert file.problems == ("the recording was not finished: it has no data table",)
        assert file.count(Stream.EVENTS) == 25_000
    assert_same(read_with_glimpse(tmp_path / "killed.aedat4"), read_with_glimpse(recording))


def test_a_file_cut_off_anywhere_gives_every_whole_packet(recording, tmp_path):
    with Aedat4File(recording) as whole:
        index, header = whole.index(), whole.header
    random = np.random.default_rng(5)
    ends = index["offset"] + index["size"]
    for size in [header.end, *ends.tolist(), *random.integers(header.end, recording.stat().st_size, 40).tolist()]:
        with Aedat4File(cut(recording, tmp_path / "cut.aedat4", size)) as file:
            assert file.count(Stream.EVENTS) == index["count"][(ends <= size) & (index["stream"] == 0)].sum()
            assert len(file) == (ends <= size).sum()
            assert not file.has_table
            assert any("the data table cannot be read" in problem for problem in file.problems)
            assert any("partial packet" in problem for problem in file.problems) == (
                size < ends[-1] and size not in ends[:-1] and size != header.end
            )


@pytest.mark.parametrize("size", [0, 5, 14, 17, 18, 500])
def test_a_file_that_ends_in_its_header_is_refused(recording, tmp_path, size):
    with pytest.raises(
        Aedat4Error, match=r"cut\.aedat4: .*; (restore|choose)|cut\.aedat4: the recording ends inside its header"
    ):
        Aedat4File(cut(recording, tmp_path / "cut.aedat4", size))


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(Aedat4Error, match="cannot be opened"):
        Aedat4File(tmp_path / "none.aedat4")
    with pytest.raises(Aedat4Error, match="cannot be opened"):
        Aedat4File(tmp_path)


def test_a_table_of_another_file_is_told_and_not_believed(recording, tmp_path):
    with Aedat4File(recording) as whole:
        index = whole.index()
    index["offset"] += 1

    def swap(data):
        position = unpack_header(bytes(data)).table_position
        return data[:position] + b"".join(Compressor(Compression.LZ4)(pack_table(index)))

    with Aedat4File(changed(recording, tmp_path / "lie.aedat4", swap)) as file:
        assert any("lists other packets" in problem for problem in file.problems)
        assert not file.has_table
        assert file.count(Stream.EVENTS) == 25_000


def test_time_running_backwards_between_packets_is_told(tmp_path):
    early, late = some_events(100), some_events(100, start_us=START_US + 1_000_000)
    path = assembled(tmp_path / "back.aedat4", [late, early])
    with Aedat4File(path) as file:
        assert any("time runs backwards in the stream events" in problem for problem in file.problems)
        np.testing.assert_array_equal(file.records(Stream.EVENTS, end_us=START_US + 500_000), early)
        assert file.time_range(Stream.EVENTS) == (early["t"][0], late["t"][-1])


def assembled(path, batches, streams=None, ids=None):
    """A file without a table from batches of events, each taken from a file of its own."""
    metas = streams or [StreamMeta(0, "EVTS", "events", (346, 260), SOURCE)]
    data = pack_header(Compression.LZ4, to_xml(metas, "LZ4", {}))
    for number, events in enumerate(batches):
        single = path.with_name(f"single{number}.aedat4")
        with Aedat4Writer(single, source=SOURCE, streams=DAVIS) as writer:
            writer.write_records(Stream.EVENTS, events)
        with Aedat4File(single) as file:
            payload = file.payload(0)
        data += PACKET_HEADER.pack((ids or [0] * 99)[number], len(payload)) + payload
    path.write_bytes(data)
    return path


def test_the_second_camera_of_a_file_is_listed_apart(tmp_path):
    streams = [
        StreamMeta(0, "EVTS", "left", (346, 260), "left camera"),
        StreamMeta(1, "EVTS", "right", (640, 480), "right camera"),
        StreamMeta(2, "BBOX", "boxes", None, "left camera"),
    ]
    path = assembled(tmp_path / "two.aedat4", [some_events(10), some_events(20), some_events(5)], streams, [0, 1, 2])
    with Aedat4File(path) as file:
        assert file.streams == {Stream.EVENTS: streams[0]}
        assert file.other == tuple(streams[1:])
        assert file.count(Stream.EVENTS) == 10
        assert file.index()["count"].tolist() == [10, 20, 0]


def test_a_packet_whose_content_is_damaged_is_left_out_and_told(recording, tmp_path):
    with Aedat4File(recording) as whole:
        offset = int(whole.index()["offset"][1])

    def damage(data):
        data[offset : offset + 4] = bytes(4)
        without_position(data)

    with Aedat4File(changed(recording, tmp_path / "damaged.aedat4", damage)) as file:
        assert file.count(Stream.EVENTS) == 15_000
        assert len(file.records(Stream.EVENTS)) == 15_000
        assert any(problem.startswith("packet 1 cannot be decoded") for problem in file.problems)


def test_packets_that_claim_to_be_huge_are_refused_without_taking_the_memory():
    bomb = b"".join(Compressor(Compression.ZSTD)(bytes(64 << 20)))
    assert len(bomb) < 10_000
    with pytest.raises(FlatError):
        decompress(bomb, Compression.ZSTD, limit=1 << 20)
    with pytest.raises(FlatError):
        decompress(b"".join(Compressor(Compression.LZ4)(bytes(8 << 20))), Compression.LZ4, limit=1 << 20)
    claims = struct.pack("<I", 0xFFFFFFF0) + bytes(100)
    with pytest.raises(FlatError):
        decompress(b"".join(Compressor(Compression.ZSTD)(claims)), Compression.ZSTD)


MUTATIONS = 300


@pytest.mark.parametrize("compression", [Compression.NONE, Compression.LZ4, Compression.ZSTD])
def test_damaged_bytes_give_data_or_an_aedat4_error(tmp_path, compression):
    original = write_recording(tmp_path / "take.aedat4", compression, events=300).read_bytes()
    random, path = np.random.default_rng(int(compression)), tmp_path / "mutant.aedat4"
    hot = unpack_header(original).end + 400  # headers and first packets are small and full of offsets: hit them often
    for _ in range(MUTATIONS):
        data = bytearray(original[: len(original) - int(random.integers(0, 3) == 0) * int(random.integers(0, len(original)))])
        for _ in range(int(random.integers(1, 6))):
            if data:
                at = int(random.integers(0, min(len(data), hot) if random.random() < 0.5 else len(data)))
                data[at] = random.choice([0, 1, 0x7F, 0x80, 0xFF, int(random.integers(0, 256))])
        path.write_bytes(data)
        read_everything(path)


def read_everything(path):
    try:
        file = Aedat4File(path)
    except Aedat4Error:
        return
    with file:
        for stream in (Stream.EVENTS, Stream.IMU, Stream.TRIGGERS):
            assert len(file.records(stream)) == sum(map(len, file.iter_records(stream)))
            assert file.count(stream) >= 0
            file.time_range(stream)
        assert len(list(file.frames())) <= len(file.frame_times())
        assert all(isinstance(problem, str) for problem in file.problems)


@given(st.binary(max_size=300))
def test_rubbish_is_no_recording(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("rubbish") / "x.aedat4"
    path.write_bytes(data)
    with pytest.raises(Aedat4Error):
        Aedat4File(path)


class TestDescription:
    def test_of_the_first_dv_versions_with_time_offsets(self, test_data):
        with Aedat4File(test_data / "aedat4" / "davis346_lab_lamps.aedat4") as file:
            assert "tsOffset" in file.header.xml
            assert file.streams[Stream.EVENTS] == StreamMeta(0, "EVTS", "events", (346, 260), "DAVIS346_00000104")

    @given(st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), max_size=30))
    def test_any_name_of_a_camera_survives(self, source):
        meta = StreamMeta(3, "EVTS", "events", (640, 480), source)
        assert from_xml(to_xml([meta], "LZ4", {})) == (meta,)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "<dv>",
            '<!DOCTYPE x [<!ENTITY a "aaaa">]><dv>&a;</dv>',
            '<dv><node name="outInfo"><node name="x"/></node></dv>',
            '<dv><node name="outInfo"><node name="-1"/></node></dv>',
            '<dv><node name="outInfo">' + '<node name="1"/>' * 1001 + "</node></dv>",
        ],
    )
    def test_that_makes_no_sense_is_refused(self, text):
        with pytest.raises(FlatError):
            from_xml(text)


def test_half_a_million_rows_of_events_keep_their_type(recording):
    with Aedat4File(recording) as file:
        assert file.records(Stream.EVENTS).dtype == EVENT_DTYPE
        assert file.records(Stream.EVENTS, START_US - 2, START_US - 1).dtype == EVENT_DTYPE


def test_frames_are_read_only_and_carry_both_times(recording):
    with Aedat4File(recording) as file:
        frame = next(file.frames())
    assert (frame.t_us, frame.exposure_us) == (START_US + 3000, 4773)
    assert frame.timestamp_us == START_US + 3000 - 4773 // 2
    np.testing.assert_array_equal(frame.image, some_frame(0, seed=0).image)
    assert not frame.image.flags.writeable


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.aedat4")
    with pytest.raises(Aedat4Error, match="no regular file"):
        Aedat4File(tmp_path / "pipe.aedat4")
