"""What our writer writes: read back by three readers, byte for byte dv-processing's own file, safe from mishaps."""

import errno
import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from aedat4_samples import (
    DAVIS,
    SIZE,
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
    some_triggers,
    write_recording,
)
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from protocol.streams import EVENT_DTYPE, Frame, Stream
from recorder.aedat4 import Aedat4Error, Aedat4File, Aedat4Writer, Compression, DiskFullError, exclusive_open
from recorder.aedat4.writer import EVENTS_PER_PACKET

READERS = (read_with_glimpse, read_with_dv, read_with_aedat)
ROOT = Path(__file__).resolve().parents[2]


def writer(path, **more):
    return Aedat4Writer(path, source=SOURCE, streams=DAVIS, **more)


@pytest.mark.parametrize("compression", Compression)
def test_every_reader_gives_back_what_was_written_to_the_last_event(tmp_path, compression):
    path = write_recording(tmp_path / "take.aedat4", compression)
    for reader in READERS:
        contents = reader(path)
        np.testing.assert_array_equal(contents.events, some_events(25_000))
        np.testing.assert_array_equal(contents.imu, some_imu(23))
        np.testing.assert_array_equal(contents.triggers, some_triggers(12))
        assert [start for start, _ in contents.frames] == [START_US + 3000 + 10_000 * n - 4773 // 2 for n in range(3)]
        for number, (_, image) in enumerate(contents.frames):
            np.testing.assert_array_equal(image, some_frame(0, seed=number).image)


@pytest.mark.parametrize("compression", [Compression.NONE, Compression.ZSTD])
def test_the_file_is_the_one_dv_processing_writes_byte_for_byte(tmp_path, compression):
    ours = write_recording(tmp_path / "ours.aedat4", compression)
    theirs = rewrite_with_dv(ours, tmp_path / "theirs.aedat4", compression)
    assert ours.read_bytes() == theirs.read_bytes()


def test_lz4_packets_are_those_of_dv_processing_once_decompressed(tmp_path):
    ours = write_recording(tmp_path / "ours.aedat4")
    with Aedat4File(ours) as one, Aedat4File(rewrite_with_dv(ours, tmp_path / "theirs.aedat4", Compression.LZ4)) as other:
        assert one.header.xml == other.header.xml
        assert [one.packet(n) for n in range(len(one))] == [other.packet(n) for n in range(len(other))]


def test_every_kind_of_picture_is_read_back_by_dv_processing(tmp_path):
    frames = [
        some_frame(START_US, None, 1),
        some_frame(START_US + 10_000, 300, 2, dtype=np.uint16),
        some_frame(START_US + 20_000, 301, 3, shape=(480, 640, 3)),
        some_frame(START_US + 30_000, 0, 4, shape=(5, 7, 4)),
    ]
    path = tmp_path / "take.aedat4"
    with writer(path) as file:
        for frame in frames:
            file.write_frame(frame)
    ours, theirs = read_with_glimpse(path), read_with_dv(path)
    assert_same(ours, theirs)
    for frame, (_, image) in zip(frames, ours.frames, strict=True):
        np.testing.assert_array_equal(image, frame.image)


def test_the_middle_of_an_exposure_survives_the_file(tmp_path):
    with writer(tmp_path / "take.aedat4") as file:
        for number, exposure in enumerate([None, 0, 1, 2, 777, 4773]):
            file.write_frame(some_frame(START_US + 20_000 * number, exposure))
    with Aedat4File(tmp_path / "take.aedat4") as file:
        assert [frame.t_us for frame in file.frames()] == [START_US + 20_000 * number for number in range(6)]
        assert [frame.exposure_us for frame in file.frames()] == [None, None, 1, 2, 777, 4773]
        assert file.frame_times().tolist() == [START_US + 20_000 * number for number in range(6)]


def test_an_empty_recording_is_a_whole_file(tmp_path):
    with writer(tmp_path / "take.aedat4") as file:
        file.write_records(Stream.EVENTS, some_events(0))
    for reader in READERS:
        assert set(reader(tmp_path / "take.aedat4").counts().values()) == {0}
    with Aedat4File(tmp_path / "take.aedat4") as read:
        assert read.problems == ()
        assert read.time_range(Stream.EVENTS) is None


def test_events_are_cut_into_the_packets_of_dv(tmp_path):
    with writer(tmp_path / "take.aedat4") as file:
        file.write_records(Stream.EVENTS, some_events(2 * EVENTS_PER_PACKET + 1))
    with Aedat4File(tmp_path / "take.aedat4") as read:
        assert read.index()["count"].tolist() == [EVENTS_PER_PACKET, EVENTS_PER_PACKET, 1]


def test_rubbish_in_the_padding_of_events_never_reaches_the_file(tmp_path):
    events = some_events(1000)
    events.view(np.uint8).reshape(-1, 16)[:, 13:] = 0xAA
    with writer(tmp_path / "dirty.aedat4") as file:
        file.write_records(Stream.EVENTS, events)
    with writer(tmp_path / "clean.aedat4") as file:
        file.write_records(Stream.EVENTS, some_events(1000))
    assert (tmp_path / "dirty.aedat4").read_bytes() == (tmp_path / "clean.aedat4").read_bytes()
    assert (events.view(np.uint8).reshape(-1, 16)[:, 13:] == 0xAA).all()


def test_views_of_larger_arrays_are_written_as_they_read(tmp_path):
    events = some_events(3000)
    with writer(tmp_path / "take.aedat4") as file:
        file.write_records(Stream.EVENTS, events[::3])
        file.write_frame(Frame(Stream.FRAMES, np.arange(24, dtype=np.uint8).reshape(4, 6)[::-1, ::2], START_US, None, 0))
    contents = read_with_dv(tmp_path / "take.aedat4")
    np.testing.assert_array_equal(contents.events, events[::3])
    np.testing.assert_array_equal(contents.frames[0][1], np.arange(24, dtype=np.uint8).reshape(4, 6)[::-1, ::2])


EVENT_BATCHES = st.lists(
    hnp.arrays(
        EVENT_DTYPE,
        st.integers(0, 40),
        elements=st.tuples(st.integers(0, 2**50), st.integers(0, 32767), st.integers(0, 32767), st.integers(0, 1)),
    ),
    max_size=5,
)


@given(EVENT_BATCHES, st.sampled_from([Compression.NONE, Compression.LZ4, Compression.ZSTD]))
def test_any_batches_come_back_in_order(tmp_path_factory, batches, compression):
    path = tmp_path_factory.mktemp("any") / "take.aedat4"
    times = iter(sorted(int(t) for batch in batches for t in batch["t"]))
    for batch in batches:
        batch["t"] = [next(times) for _ in batch]
    with writer(path, compression=compression) as file:
        for batch in batches:
            file.write_records(Stream.EVENTS, batch)
        assert file.written[Stream.EVENTS] == sum(map(len, batches))
    expected = np.concatenate([*batches, np.zeros(0, EVENT_DTYPE)])
    with Aedat4File(path) as read:
        again = read.records(Stream.EVENTS)
        assert read.problems == ()
    for name in EVENT_DTYPE.names:
        np.testing.assert_array_equal(again[name], expected[name])


def test_other_sizes_and_fewer_streams_and_metadata(tmp_path):
    path, note = tmp_path / "take.aedat4", "a < b & \"c\" = 'd' \u00e4"
    with Aedat4Writer(path, source="Sim 1", streams={Stream.EVENTS: (640, 480)}, metadata={"note": note}) as file:
        file.write_records(Stream.EVENTS, some_events(100, size=(640, 480)))
        with pytest.raises(Aedat4Error, match="no stream imu"):
            file.write_records(Stream.IMU, some_imu(1))
    with Aedat4File(path) as read:
        assert read.streams[Stream.EVENTS].resolution == (640, 480)
        assert set(read.streams) == {Stream.EVENTS}
        assert read.streams[Stream.EVENTS].source == "Sim 1"
    assert len(read_with_dv(path).events) == 100


class TestRefusals:
    def test_a_name_that_does_not_end_in_aedat4(self, tmp_path):
        with pytest.raises(Aedat4Error, match=r"must end in \.aedat4"):
            writer(tmp_path / "take.aedat")
        assert not list(tmp_path.iterdir())

    def test_a_file_that_exists_stays_as_it_is(self, tmp_path):
        path = tmp_path / "take.aedat4"
        path.write_bytes(b"precious")
        with pytest.raises(Aedat4Error, match="never overwritten"):
            writer(path)
        assert path.read_bytes() == b"precious"

    def test_a_folder_that_does_not_exist(self, tmp_path):
        with pytest.raises(Aedat4Error, match="cannot be made"):
            writer(tmp_path / "missing" / "take.aedat4")

    def test_a_stream_that_the_format_has_no_room_for(self, tmp_path):
        with pytest.raises(Aedat4Error, match="thermal"):
            Aedat4Writer(tmp_path / "take.aedat4", source=SOURCE, streams={Stream.THERMAL: (160, 120)})

    @pytest.mark.parametrize("text", ["a\0b", "\x1b[0m", "\ud800"])
    def test_text_that_xml_cannot_hold(self, tmp_path, text):
        with pytest.raises(Aedat4Error, match="use plain text"):
            writer(tmp_path / "take.aedat4", metadata={"note": text})
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("stream", [Stream.EVENTS, Stream.IMU, Stream.TRIGGERS])
    def test_time_that_runs_backwards_and_the_writer_goes_on(self, tmp_path, stream):
        records = {Stream.EVENTS: some_events(50), Stream.IMU: some_imu(50), Stream.TRIGGERS: some_triggers(50)}[stream]
        swapped = records[25:].copy()
        swapped["t"][3] -= 100_000
        with writer(tmp_path / "take.aedat4") as file:
            file.write_records(stream, records[:25])
            with pytest.raises(Aedat4Error, match=f"stream {stream.value}, from {swapped['t'][2]} us to {swapped['t'][3]} us"):
                file.write_records(stream, swapped)
            with pytest.raises(Aedat4Error, match=f"from {records['t'][24]} us to {records['t'][0]} us"):
                file.write_records(stream, records[:1])
            file.write_records(stream, records[25:])
            assert file.written[stream] == 50
        with Aedat4File(tmp_path / "take.aedat4") as read:
            assert read.count(stream) == 50
            assert read.problems == ()

    def test_frames_whose_time_runs_backwards(self, tmp_path):
        with writer(tmp_path / "take.aedat4") as file:
            file.write_frame(some_frame(START_US))
            with pytest.raises(Aedat4Error, match="stream frames"):
                file.write_frame(some_frame(START_US - 1))
            assert file.written[Stream.FRAMES] == 1

    @pytest.mark.parametrize(
        "records", [np.zeros(3, "i8"), np.zeros((3, 3), EVENT_DTYPE), some_imu(3), np.array(0, EVENT_DTYPE)]
    )
    def test_a_batch_of_another_type_or_shape(self, tmp_path, records):
        with writer(tmp_path / "take.aedat4") as file, pytest.raises(Aedat4Error, match="does not fit"):
            file.write_records(Stream.EVENTS, records)

    def test_polarities_other_than_on_and_off(self, tmp_path):
        events = some_events(3)
        events["p"][1] = -1
        with writer(tmp_path / "take.aedat4") as file, pytest.raises(Aedat4Error, match="polarities"):
            file.write_records(Stream.EVENTS, events)

    @pytest.mark.parametrize(
        "image", [np.zeros((4, 4), "f4"), np.zeros((4, 4, 2), "u1"), np.zeros((0, 4), "u1"), np.zeros(4, "u1")]
    )
    def test_a_picture_that_the_format_has_no_room_for(self, tmp_path, image):
        with writer(tmp_path / "take.aedat4") as file, pytest.raises(Aedat4Error, match="does not fit"):
            file.write_frame(Frame(Stream.FRAMES, image, START_US, None, 0))

    def test_a_frame_without_time_and_a_closed_file(self, tmp_path):
        with writer(tmp_path / "take.aedat4") as file, pytest.raises(Aedat4Error, match="without a time"):
            file.write_frame(Frame(Stream.FRAMES, np.zeros((4, 4), np.uint8), None, None, 0))
        file.close()
        with pytest.raises(Aedat4Error, match="closed already"):
            file.write_records(Stream.EVENTS, some_events(1))


# A real process whose files may not grow beyond so many bytes; it prints what it was told and what it had written.
FULL_DISK = """
import resource, sys
from pathlib import Path
sys.path[:0] = [{root!r}, {here!r}]
from aedat4_samples import DAVIS, SOURCE, some_events, some_frame, START_US
from protocol.streams import Stream
from recorder.aedat4 import Aedat4Writer, DiskFullError
writer = Aedat4Writer(Path(sys.argv[1]), source=SOURCE, streams=DAVIS)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
events, refused = some_events(200_000), 0
for start in range(0, len(events), 5000):
    try:
        writer.write_records(Stream.EVENTS, events[start : start + 5000])
    except DiskFullError as error:
        refused += 1
        assert str(sys.argv[1]) in str(error), error
        break
if len(sys.argv) > 3:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
    writer.write_records(Stream.EVENTS, events[start : start + 5000])
try:
    writer.close()
except DiskFullError:
    refused += 1
writer.close()
print(refused, writer.written[Stream.EVENTS], writer.has_table)
"""


def run_child(script, *arguments):
    code = script.format(root=str(ROOT), here=str(Path(__file__).parent))
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


def test_a_full_disk_leaves_every_whole_packet_and_a_table_where_it_fits(tmp_path):
    path = tmp_path / "take.aedat4"
    out, _ = run_child(FULL_DISK, path, 300_000).communicate(timeout=60)
    assert out.split() == ["1", "35000", "True"]
    with Aedat4File(path) as read:
        assert read.problems == ()
        np.testing.assert_array_equal(read.records(Stream.EVENTS), some_events(200_000)[:35_000])
    assert len(read_with_dv(path).events) == 35_000


def test_a_disk_too_full_for_the_table_leaves_a_file_that_every_reader_opens(tmp_path):
    probe = write_until(tmp_path / "probe.aedat4", 35_000)
    path = tmp_path / "take.aedat4"
    out, _ = run_child(FULL_DISK, path, probe + 40).communicate(timeout=60)
    assert out.split() == ["2", "35000", "False"]
    assert path.stat().st_size == probe
    for reader in READERS:
        np.testing.assert_array_equal(reader(path).events, some_events(200_000)[:35_000])


def test_writing_goes_on_when_there_is_room_again(tmp_path):
    path = tmp_path / "take.aedat4"
    out, _ = run_child(FULL_DISK, path, 300_000, 10_000_000).communicate(timeout=60)
    assert out.split() == ["1", "40000", "True"]
    np.testing.assert_array_equal(read_with_dv(path).events, some_events(200_000)[:40_000])


def write_until(path, count):
    """Bytes of a file with so many events in packets of 5000, before its table."""
    with writer(path) as file:
        for start in range(0, count, 5000):
            file.write_records(Stream.EVENTS, some_events(200_000)[start : start + 5000])
        return path.stat().st_size


def test_no_room_for_the_header_leaves_no_file(tmp_path):
    script = """
import resource, sys
from pathlib import Path
sys.path[:0] = [{root!r}, {here!r}]
from aedat4_samples import DAVIS, SOURCE
from recorder.aedat4 import Aedat4Writer, DiskFullError
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
try:
    Aedat4Writer(Path(sys.argv[1]), source=SOURCE, streams=DAVIS)
except DiskFullError:
    print("full")
"""
    out, _ = run_child(script, tmp_path / "take.aedat4").communicate(timeout=60)
    assert out.split() == ["full"]
    assert not list(tmp_path.iterdir())


class SmallDisk(io.FileIO):
    """A file on a disk that takes part of a write, and then no more: what ENOSPC looks like."""

    room = 100_000

    def write(self, data):
        taken = min(len(data), self.room - self.tell())
        if taken <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data[:taken])


def test_a_write_that_is_taken_in_part_only_is_undone(tmp_path):
    path = tmp_path / "take.aedat4"
    file = writer(path, open_file=lambda name: SmallDisk(name, "x"))
    with pytest.raises(DiskFullError, match="no room left"):
        file.write_records(Stream.EVENTS, some_events(40_000))
    assert file.written[Stream.EVENTS] == 10_000
    file.close()
    for reader in READERS:
        np.testing.assert_array_equal(reader(path).events, some_events(40_000)[:10_000])


class BrokenDisk(io.FileIO):
    """A file whose first packet meets a disk error."""

    def write(self, data):
        if self.tell() > 1000:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().write(data)


def test_other_write_errors_keep_their_name(tmp_path):
    file = writer(tmp_path / "take.aedat4", open_file=lambda name: BrokenDisk(name, "x"))
    with pytest.raises(OSError, match="Input/output error") as caught:
        file.write_records(Stream.EVENTS, some_events(10))
    assert not isinstance(caught.value, DiskFullError)
    with pytest.raises(OSError, match="Input/output error"):
        file.close()
    with Aedat4File(tmp_path / "take.aedat4") as read:
        assert len(read) == 0


KILLED = """
import sys
from pathlib import Path
sys.path[:0] = [{root!r}, {here!r}]
from aedat4_samples import DAVIS, SOURCE, some_events
from protocol.streams import Stream
from recorder.aedat4 import Aedat4Writer
writer = Aedat4Writer(Path(sys.argv[1]), source=SOURCE, streams=DAVIS)
events = some_events(400_000)
for start in range(0, len(events), 1000):
    writer.write_records(Stream.EVENTS, events[start : start + 1000])
    print(writer.written[Stream.EVENTS], flush=True)
"""


def test_a_kill_loses_nothing_that_was_counted_as_written(tmp_path):
    path = tmp_path / "take.aedat4"
    child = run_child(KILLED, path)
    told = 0
    while told < 60_000:
        told = int(child.stdout.readline())
    os.kill(child.pid, signal.SIGKILL)
    told = max([told, *(int(line) for line in child.stdout.read().splitlines()[:-1])])
    child.stdout.close()
    child.wait(timeout=30)
    for reader in READERS:
        events = reader(path).events
        assert len(events) >= told
        np.testing.assert_array_equal(events, some_events(400_000)[: len(events)])


def test_files_are_opened_exclusively(tmp_path):
    with exclusive_open(tmp_path / "new") as file:
        assert file.write(b"x") == 1
    with pytest.raises(FileExistsError):
        exclusive_open(tmp_path / "new")


def test_the_real_recordings_written_again_are_read_alike_by_every_reader(tmp_path, test_data):
    for source in sorted((test_data / "aedat4").glob("*.aedat4")):
        path = tmp_path / source.name
        with Aedat4File(source) as old, Aedat4Writer(path, source=SOURCE, streams=dict.fromkeys(DAVIS, SIZE) | DAVIS) as new:
            for stream in (Stream.EVENTS, Stream.IMU, Stream.TRIGGERS):
                for records in old.iter_records(stream):
                    new.write_records(stream, records)
            for frame in old.frames():
                new.write_frame(Frame(Stream.FRAMES, frame.image, frame.t_us, frame.exposure_us, 0))
        original = read_with_glimpse(source)
        for reader in READERS:
            assert_same(reader(path), original)


def test_a_recording_of_very_many_packets_is_indexed_to_the_last(tmp_path):
    path, events = tmp_path / "take.aedat4", some_events(12_000)
    with writer(path) as file:
        for start in range(len(events)):
            file.write_records(Stream.EVENTS, events[start : start + 1])
    with Aedat4File(path) as read:
        assert (len(read), read.has_table, read.problems) == (12_000, True, ())
        assert read.index()["first"].tolist() == events["t"].tolist()
    np.testing.assert_array_equal(read_with_dv(path).events, events)
