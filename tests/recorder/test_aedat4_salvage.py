"""Unfinished recordings become whole files in place; cut-off ones are rebuilt beside the original; no packet changes."""

import os
import shutil
import struct

import numpy as np
import pytest
from aedat4_samples import assert_same, read_with_aedat, read_with_dv, read_with_glimpse, some_events, write_recording

from protocol.streams import Stream
from recorder.aedat4 import Aedat4Error, Aedat4File, SalvageReport, salvage, salvage_copy
from recorder.aedat4.layout import PACKET_HEADER, Compression, unpack_header

READERS = (read_with_glimpse, read_with_dv, read_with_aedat)


@pytest.fixture(scope="module", params=[Compression.NONE, Compression.LZ4, Compression.ZSTD])
def whole(request, tmp_path_factory):
    return write_recording(tmp_path_factory.mktemp("whole") / "take.aedat4", request.param)


def unfinished(whole, path, table=False, tail=b""):
    """What a kill leaves: no table (or one that the header does not point to yet) and perhaps part of a packet."""
    data = bytearray(whole.read_bytes())
    header = unpack_header(bytes(data))
    struct.pack_into("<q", data, header.position_at, -1)
    path.write_bytes(bytes(data if table else data[: header.table_position]) + tail)
    return path


@pytest.mark.parametrize(
    ("table", "tail"),
    [
        (False, b""),
        (True, b""),
        (False, b"\x00"),
        (False, PACKET_HEADER.pack(0, 5000) + b"part of a packet"),
        (False, bytes(4096)),
        (False, PACKET_HEADER.pack(0, 16) + b"no packet at all"),
    ],
    ids=["killed", "killed before the header", "one byte", "partial packet", "zeros", "rubbish packet"],
)
def test_an_unfinished_file_becomes_the_file_it_would_have_been(whole, tmp_path, table, tail):
    path = unfinished(whole, tmp_path / "take.part.aedat4", table, tail)
    lost = path.stat().st_size - unpack_header(whole.read_bytes()).table_position
    with Aedat4File(whole) as file:
        packets = len(file)
    assert salvage(path) == SalvageReport(packets, 25_000, lost, already_whole=False)
    assert path.read_bytes() == whole.read_bytes()
    assert salvage(path) == SalvageReport(packets, 25_000, 0, already_whole=True)


def test_a_salvaged_part_is_read_by_every_reader(whole, tmp_path):
    end = whole.stat().st_size // 2
    path = unfinished(whole, tmp_path / "take.part.aedat4")
    os.truncate(path, end)
    before = read_with_glimpse(path)
    report = salvage(path)
    assert report.lost_bytes > 0
    assert report.events == len(before.events)
    for reader in READERS:
        assert_same(reader(path), before)
    np.testing.assert_array_equal(before.events, some_events(25_000)[: len(before.events)])


def test_salvage_interrupted_anywhere_can_be_repeated(whole, tmp_path):
    path = unfinished(whole, tmp_path / "take.part.aedat4", tail=b"torn")
    start = unpack_header(whole.read_bytes()).table_position
    table = whole.read_bytes()[start:]
    for written in range(0, len(table) + 1, 7):
        again = tmp_path / "again.part.aedat4"
        again.write_bytes(path.read_bytes()[:start] + table[:written])
        salvage(again)
        assert again.read_bytes() == whole.read_bytes()


def test_a_recording_without_packets_is_finished_too(whole, tmp_path):
    path = unfinished(whole, tmp_path / "take.part.aedat4")
    os.truncate(path, unpack_header(whole.read_bytes()).end)
    assert salvage(path) == SalvageReport(0, 0, 0, already_whole=False)
    assert read_with_dv(path).counts() == {"events": 0, "frames": 0, "imu": 0, "triggers": 0}


def test_a_finished_file_that_was_cut_off_is_rebuilt_beside_it(whole, tmp_path):
    source, target = tmp_path / "cut.aedat4", tmp_path / "rebuilt.aedat4"
    shutil.copy(whole, source)
    os.truncate(source, whole.stat().st_size // 2)
    before = source.read_bytes()
    with pytest.raises(Aedat4Error, match="rebuilt into a new file"):
        salvage(source)
    report = salvage_copy(source, target)
    assert source.read_bytes() == before
    assert report.events == len(read_with_glimpse(source).events) > 0
    for reader in READERS:
        assert_same(reader(target), read_with_glimpse(source))
    with Aedat4File(source) as old, Aedat4File(target) as new:
        assert new.problems == ()
        assert [old.payload(n) for n in range(report.packets)] == [new.payload(n) for n in range(report.packets)]
        assert source.stat().st_size == old.header.end + report.lost_bytes + sum(
            8 + len(new.payload(n)) for n in range(len(new))
        )


def test_a_damaged_packet_in_the_middle_needs_a_copy_and_is_left_out_of_it(whole, tmp_path):
    with Aedat4File(whole) as file:
        entry = file.index()[1]
    path = unfinished(whole, tmp_path / "take.part.aedat4")
    data = bytearray(path.read_bytes())
    data[entry["offset"] : entry["offset"] + 16] = bytes(16)
    path.write_bytes(data)
    with pytest.raises(Aedat4Error, match="packet 1 is damaged"):
        salvage(path)
    assert path.read_bytes() == data
    report = salvage_copy(path, tmp_path / "rebuilt.aedat4")
    assert (report.events, report.lost_bytes) == (15_000, entry["size"] + PACKET_HEADER.size)
    assert len(read_with_dv(tmp_path / "rebuilt.aedat4").events) == 15_000


def test_much_unreadable_data_is_never_cut_off_in_place(whole, tmp_path):
    path = unfinished(whole, tmp_path / "take.part.aedat4", tail=b"no packet header" * (1 << 17))
    before = path.read_bytes()
    with pytest.raises(Aedat4Error, match="too many for an interrupted recording"):
        salvage(path)
    assert path.read_bytes() == before
    assert salvage_copy(path, tmp_path / "rebuilt.aedat4").lost_bytes == 2 << 20
    assert salvage(unfinished(whole, tmp_path / "cut.part.aedat4", tail=bytes(2 << 20))).lost_bytes == 2 << 20


def test_a_copy_never_overwrites(whole, tmp_path):
    target = tmp_path / "there.aedat4"
    target.write_bytes(b"precious")
    with pytest.raises(Aedat4Error, match="never overwritten"):
        salvage_copy(whole, target)
    assert target.read_bytes() == b"precious"


def test_real_recordings_are_whole_already_and_can_be_rebuilt(test_data, tmp_path):
    for source in sorted((test_data / "aedat4").glob("*.aedat4")):
        copy = tmp_path / source.name
        shutil.copy(source, copy)
        assert salvage(copy).already_whole
        assert copy.read_bytes() == source.read_bytes()
        os.truncate(copy, copy.stat().st_size * 2 // 3)
        salvage_copy(copy, tmp_path / f"rebuilt_{source.name}")
        assert_same(read_with_dv(tmp_path / f"rebuilt_{source.name}"), read_with_glimpse(copy))
        with Aedat4File(tmp_path / f"rebuilt_{source.name}") as file:
            assert file.time_range(Stream.EVENTS)[0] > 1_500_000_000_000_000
            assert file.problems == ()


def test_what_is_no_recording_is_left_alone(tmp_path):
    path = tmp_path / "take.part.aedat4"
    path.write_bytes(b"something else")
    with pytest.raises(Aedat4Error, match="not an aedat4 recording"):
        salvage(path)
    assert path.read_bytes() == b"something else"
