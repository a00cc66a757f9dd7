"""frames.csv: what is written is what is read; cut ends are told, nonsense is refused by line."""

import errno
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recorder.frametable import FrameTableError, FrameTableWriter, read_frame_table

ROOT = Path(__file__).parents[2]
INT64 = st.integers(-(2**63), 2**63 - 1)
ROWS = st.lists(st.tuples(st.sampled_from(["frames", "rgb", "thermal"]), INT64, st.none() | st.integers(0, 2**63 - 1), INT64))
SAME_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def write(path: Path, rows):
    """Writes (stream, stream_us, exposure_us, host_ns) rows, numbering them; gives what must be read back."""
    expected: dict[str, list[tuple[int, ...]]] = {}
    path.unlink(missing_ok=True)
    with FrameTableWriter(path) as table:
        for stream, stream_us, exposure_us, host_ns in rows:
            known = expected.setdefault(stream, [])
            table.append(stream, len(known), stream_us, exposure_us, host_ns)
            known.append((len(known), stream_us, -1 if exposure_us is None else exposure_us, host_ns))
    return expected


@SAME_FOLDER
@given(ROWS)
def test_every_row_comes_back(tmp_path, rows):
    expected = write(tmp_path / "frames.csv", rows)
    table = read_frame_table(tmp_path / "frames.csv")
    assert {stream: [tuple(row) for row in values.tolist()] for stream, values in table.items()} == expected
    assert table.problems == ()


def test_rows_have_the_documented_types(tmp_path):
    write(tmp_path / "frames.csv", [("rgb", 5, None, 7)])
    row = read_frame_table(tmp_path / "frames.csv")["rgb"][0]
    assert row.dtype.names == ("index", "stream_us", "exposure_us", "host_ns")
    assert all(row.dtype[name] == np.int64 for name in row.dtype.names)
    assert row["exposure_us"] == -1


@SAME_FOLDER
@given(st.integers(0, 100))
def test_a_table_cut_anywhere_gives_its_whole_rows_and_says_so(tmp_path, share):
    path = tmp_path / "frames.csv"
    write(path, [("rgb", n * 33_333, 8_000, n * 10**9) for n in range(20)])
    data = path.read_bytes()
    cut = data[: len(data) * share // 100]
    path.write_bytes(cut)
    table = read_frame_table(path)
    assert len(table.get("rgb", ())) == max(0, cut.count(b"\n") - 1)
    assert bool(table.problems) == (not cut.endswith(b"\n") and bool(cut))


def test_zero_bytes_of_a_power_cut_are_left_out_and_told(tmp_path):
    path = tmp_path / "frames.csv"
    write(path, [("rgb", 1, None, 2)])
    path.write_bytes(path.read_bytes() + bytes(4096))
    table = read_frame_table(path)
    assert len(table["rgb"]) == 1
    assert "cut off" in table.problems[0]


@pytest.mark.parametrize(
    "line",
    [
        "rgb,1,x,,3",
        "rgb,1,2,,",
        "depth,1,2,,3",
        "rgb,5,2,,3",
        "rgb,1,2,3",
        "rgb,1, 2,,3",
        "rgb,1,9999999999999999999,,3",
        "",
        "é",
    ],
)
def test_a_line_that_cannot_be_true_is_refused_by_number(tmp_path, line):
    path = tmp_path / "frames.csv"
    write(path, [("rgb", 1, None, 2)])
    path.write_bytes(path.read_bytes() + line.encode() + b"\nrgb,1,2,,3\n")
    with pytest.raises(FrameTableError, match=r"frames\.csv: line 3 .*backup"):
        read_frame_table(path)


@pytest.mark.parametrize("content", [b"a,b,c\n1,2,3\n", b"\x89PNG", b"streams\n"])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    (tmp_path / "frames.csv").write_bytes(content)
    with pytest.raises(FrameTableError, match="line 1 is not"):
        read_frame_table(tmp_path / "frames.csv")


def test_a_table_saved_with_windows_line_ends_is_read(tmp_path):
    path = tmp_path / "frames.csv"
    expected = write(path, [("thermal", 1, 5, 2), ("thermal", 3, None, 4)])
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert [tuple(row) for row in read_frame_table(path)["thermal"].tolist()] == expected["thermal"]


def test_an_absent_table_is_told_in_a_sentence(tmp_path):
    with pytest.raises(FrameTableError, match=r"frames\.csv: cannot be read"):
        read_frame_table(tmp_path / "frames.csv")


def test_an_existing_table_is_never_overwritten(tmp_path):
    path = tmp_path / "frames.csv"
    path.write_text("precious")
    with pytest.raises(FrameTableError, match="cannot be created"):
        FrameTableWriter(path)
    assert path.read_text() == "precious"


def test_flushed_rows_are_in_the_file_before_it_is_closed(tmp_path):
    path = tmp_path / "frames.csv"
    with FrameTableWriter(path) as table:
        table.append("rgb", 0, 1, None, 2)
        table.flush()
        table.append("rgb", 1, 3, None, 4)
        assert len(read_frame_table(path)["rgb"]) == 1
    assert len(read_frame_table(path)["rgb"]) == 2


def test_a_hundred_thousand_rows_come_back(tmp_path):
    times = sorted(random.Random(0).sample(range(10**12), 100_000))
    write(tmp_path / "frames.csv", [("rgb", t, None, t * 1000) for t in times])
    assert read_frame_table(tmp_path / "frames.csv")["rgb"]["stream_us"].tolist() == times


FULL_DISK = """
import resource, sys
from pathlib import Path
from recorder.frametable import FrameTableWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
table = FrameTableWriter(Path(sys.argv[1]))
try:
    for index in range(100):
        table.append("rgb", index, index, None, index)
        if index % 10 == 9:
            table.flush()
except OSError as error:
    print(error.errno)
"""


def test_a_full_disk_is_an_oserror_and_leaves_whole_rows(tmp_path):
    path = tmp_path / "frames.csv"
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == str(errno.EFBIG), done.stderr
    table = read_frame_table(path)
    assert table.problems == ()
    assert 0 < len(table["rgb"]) < 100
    assert len(table["rgb"]) % 10 == 0
