"""Rings: what is written is read; what was overwritten is counted, never returned torn."""

import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.streams import EVENT_DTYPE, IMU_DTYPE
from recorder.ring import HEADER_BYTES, RingError, RingReader, RingWriter


def numbered(first, count):
    records = np.zeros(count, EVENT_DTYPE)
    records["t"] = np.arange(first, first + count)
    records["x"] = records["t"] % 346
    return records


def test_a_reader_gets_every_record_in_order(tmp_path):
    with RingWriter(tmp_path / "r", EVENT_DTYPE, 100) as ring, RingReader(tmp_path / "r") as reader:
        for first in range(0, 1000, 50):
            ring.write(numbered(first, 50))
            reading = reader.read()
            assert reading.records["t"].tolist() == list(range(first, first + 50))
            assert (reading.first, reading.missed) == (first, 0)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.lists(st.tuples(st.integers(0, 90), st.booleans()), max_size=30))
def test_read_and_missed_add_up_to_written(tmp_path_factory, capacity, script):
    path = tmp_path_factory.mktemp("ring") / "r"
    written = got = 0
    with RingWriter(path, EVENT_DTYPE, capacity) as ring, RingReader(path) as reader:
        for count, read in script:
            ring.write(numbered(written, count))
            written += count
            if read:
                reading = reader.read()
                assert reading.records["t"].tolist() == list(range(reading.first, written))
                got += len(reading.records)
                assert got + reader.missed == written


def test_a_reader_that_comes_late_starts_at_the_present_unless_asked(tmp_path):
    with RingWriter(tmp_path / "r", EVENT_DTYPE, 100) as ring:
        ring.write(numbered(0, 30))
        with RingReader(tmp_path / "r") as now, RingReader(tmp_path / "r", from_start=True) as then:
            assert len(now.read().records) == 0
            assert len(then.read(20).records) == 20
            assert then.read().records["t"].tolist() == list(range(20, 30))
            ring.write(numbered(30, 20))
            assert now.newest(5).records["t"].tolist() == list(range(45, 50))
            assert now.missed == 0


def test_pictures_are_records_too(tmp_path):
    dtype = np.dtype([("index", "<i8"), ("image", "u1", (4, 6, 3))])
    picture = np.zeros(1, dtype)
    picture["image"] = np.random.default_rng(1).integers(0, 255, (4, 6, 3))
    with RingWriter(tmp_path / "r", dtype, 3) as ring, RingReader(tmp_path / "r") as reader:
        for index in range(7):
            picture["index"] = index
            ring.write(picture)
        reading = reader.read()
    assert reading.records["index"].tolist() == [4, 5, 6]
    assert reading.missed == 4
    assert (reading.records["image"][2] == picture["image"][0]).all()


def test_every_dtype_survives_the_header(tmp_path):
    with RingWriter(tmp_path / "r", IMU_DTYPE, 3), RingReader(tmp_path / "r") as reader:
        assert reader.dtype == IMU_DTYPE


READER = """
import sys, time
from pathlib import Path
from recorder.ring import RingReader
reader = RingReader(Path(sys.argv[1]), from_start=True)
print("ready", flush=True)
got = 0
while got + reader.missed < 2_000_000:
    reading = reader.read()
    t = reading.records["t"]
    if len(t):
        assert t[0] == reading.first and (t[1:] - t[:-1] == 1).all(), "torn records"
        assert (reading.records["x"] == t % 346).all(), "torn record"
    got += len(t)
print(got, reader.missed)
"""


def test_another_process_reads_while_we_overwrite_and_sees_nothing_torn(tmp_path):
    with RingWriter(tmp_path / "r", EVENT_DTYPE, 20_000) as ring:
        reader = subprocess.Popen([sys.executable, "-c", READER, str(tmp_path / "r")], stdout=subprocess.PIPE, text=True)
        assert reader.stdout.readline() == "ready\n"
        for first in range(0, 2_000_000, 5_000):
            ring.write(numbered(first, 5_000))
            if first % 500_000 == 0:
                time.sleep(0.01)
        out, _ = reader.communicate(timeout=60)
    assert reader.returncode == 0
    got, missed = map(int, out.split())
    assert got + missed == 2_000_000
    assert got > 0


def test_a_killed_reader_leaves_the_ring_to_the_others(tmp_path):
    with RingWriter(tmp_path / "r", EVENT_DTYPE, 100) as ring:
        command = (
            "import sys,os; from pathlib import Path; from recorder.ring import RingReader; "
            "RingReader(Path(sys.argv[1])); os.kill(os.getpid(), 9)"
        )
        assert subprocess.run([sys.executable, "-c", command, str(tmp_path / "r")]).returncode == -9
        ring.write(numbered(0, 10))
        with RingReader(tmp_path / "r", from_start=True) as reader:
            assert len(reader.read().records) == 10


def test_a_ring_is_never_made_over_a_file(tmp_path):
    (tmp_path / "r").write_text("mine")
    with pytest.raises(FileExistsError):
        RingWriter(tmp_path / "r", EVENT_DTYPE, 10)
    assert (tmp_path / "r").read_text() == "mine"


@pytest.mark.parametrize("content", [b"", b"short", bytes(HEADER_BYTES * 2)])
def test_what_is_no_ring_is_refused_with_its_name(tmp_path, content):
    (tmp_path / "r").write_bytes(content)
    with pytest.raises(RingError, match=r"r: not a ring"):
        RingReader(tmp_path / "r")


def test_a_ring_takes_its_memory_at_once(tmp_path):
    with RingWriter(tmp_path / "r", EVENT_DTYPE, 1000):
        assert (tmp_path / "r").stat().st_blocks * 512 >= 16 * 1000


WAITER = """
import sys
from pathlib import Path
from recorder.ring import RingReader
paths = [Path(sys.argv[1]) / str(n) for n in range(200)]
print("ready", flush=True)
for path in paths:
    while not path.exists():
        pass
    RingReader(path).close()
print("done")
"""


def test_a_ring_that_has_its_name_can_be_read(tmp_path):
    waiter = subprocess.Popen([sys.executable, "-c", WAITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert waiter.stdout.readline() == "ready\n"
    for number in range(200):
        RingWriter(tmp_path / str(number), EVENT_DTYPE, 1000).close()
    out, _ = waiter.communicate(timeout=60)
    assert (out, waiter.returncode) == ("done\n", 0)
