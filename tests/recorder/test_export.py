import csv
import subprocess
import sys

import h5py
import numpy as np
import pytest
from takekit import RESOLUTION, T0_US, make_take, some_events, write_events

from protocol.streams import EVENT_DTYPE
from recorder import export
from recorder.binning import bin_events
from recorder.export import ExportError, Format, Wish, export_take
from recorder.take import Take

EVENTS = some_events(2000)


@pytest.fixture(scope="module")
def take(tmp_path_factory):
    with Take(write_events(tmp_path_factory.mktemp("take") / "frown_4_1.aedat4", EVENTS)) as opened:
        yield opened


def read_csv(path):
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["t", "x", "y", "p"]
    return np.array([tuple(map(int, row)) for row in rows[1:]], EVENT_DTYPE)


def read_npz(path):
    with np.load(path) as arrays:
        assert arrays["resolution"].tolist() == list(RESOLUTION)
        return joined(arrays)


def read_h5(path):
    with h5py.File(path) as file:
        assert file.attrs["resolution"].tolist() == list(RESOLUTION)
        return joined({name: file[name][:] for name in ("t", "x", "y", "p")})


def joined(columns):
    events = np.zeros(len(columns["t"]), EVENT_DTYPE)
    for name in ("t", "x", "y", "p"):
        assert columns[name].dtype == EVENT_DTYPE[name]
        events[name] = columns[name]
    return events


READERS = {Format.CSV: read_csv, Format.NPZ: read_npz, Format.H5: read_h5}


@pytest.mark.parametrize("form", READERS)
def test_every_event_is_exported_unchanged(take, tmp_path, form):
    told = []
    done = export_take(take, tmp_path / "deep" / f"out.{form}", Wish(form), watch=told.append)
    np.testing.assert_array_equal(READERS[form](done.out), EVENTS)
    assert (done.events, sum(told)) == (2000, 2000)


@pytest.mark.parametrize("form", READERS)
def test_a_range_is_half_open(take, tmp_path, form):
    start_us, end_us = int(EVENTS["t"][100]), int(EVENTS["t"][900])
    done = export_take(take, tmp_path / "out", Wish(form, start_us, end_us))
    expected = EVENTS[(EVENTS["t"] >= start_us) & (EVENTS["t"] < end_us)]
    np.testing.assert_array_equal(READERS[form](done.out), expected)


@pytest.mark.parametrize("form", READERS)
def test_an_empty_range_is_an_empty_file(take, tmp_path, form):
    done = export_take(take, tmp_path / "out", Wish(form, 0, 1))
    assert len(READERS[form](done.out)) == 0


@pytest.mark.parametrize("cells", [1, 1 << 22])
@pytest.mark.parametrize(
    ("wish", "bins"), [(Wish(Format.NPY), 20), (Wish(Format.NPY, bin_us=33_000), 7), (Wish(Format.NPY, bins=6), 6)]
)
def test_npy_holds_the_counts_of_every_bin(take, tmp_path, monkeypatch, wish, bins, cells):
    monkeypatch.setattr(export, "CELLS_AT_ONCE", cells)  # pieces of any size give the same file
    done = export_take(take, tmp_path / "out.npy", wish)
    counts = np.load(done.out)
    assert (counts.shape, counts.dtype) == ((bins, 2, 24, 32), np.uint16)
    assert (done.bins, done.edges_us[0], done.outside, done.clipped) == (bins, T0_US, 0, 0)
    width_us = wish.bin_us or (10_000 if wish.bins is None else None)
    edges = T0_US + np.arange(bins + 1) * width_us if width_us else T0_US + 200_000 * np.arange(bins + 1) // bins
    np.testing.assert_array_equal(counts, bin_events(EVENTS, edges, RESOLUTION))


def test_npy_tells_what_it_clips_and_leaves_out(tmp_path):
    events = np.zeros(70_000, EVENT_DTYPE)
    events["t"] = T0_US + np.arange(70_000) // 1000
    events["x"][:10] = 32
    with Take(write_events(tmp_path / "hot.aedat4", events)) as take:
        done = export_take(take, tmp_path / "out.npy", Wish(Format.NPY, bins=1))
    assert (done.events, done.outside, done.clipped) == (69_990, 10, 1)
    assert np.load(done.out)[0, 0, 0, 0] == 65_535


def test_an_existing_file_is_never_replaced_unless_forced(take, tmp_path):
    out = tmp_path / "out.csv"
    out.write_text("precious")
    with pytest.raises(ExportError, match="--force"):
        export_take(take, out, Wish(Format.CSV))
    assert out.read_text() == "precious"
    export_take(take, out, Wish(Format.CSV), force=True)
    assert len(read_csv(out)) == 2000


def test_an_export_that_fails_leaves_no_file(take, tmp_path):
    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_take(take, tmp_path / "out.csv", Wish(Format.CSV), watch=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told(take, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ExportError, match="cannot be made"):
        export_take(take, tmp_path / "file" / "out.csv", Wish(Format.CSV))


def test_a_wrong_time_stamp_does_not_make_a_million_million_bins(tmp_path):
    events = some_events(3)
    events["t"] = 0, 1, 1 << 60
    with Take(write_events(tmp_path / "jump.aedat4", events)) as take, pytest.raises(ExportError, match="wider"):
        export_take(take, tmp_path / "out.npy", Wish(Format.NPY))


def test_an_empty_recording_gives_no_bins(tmp_path):
    with Take(write_events(tmp_path / "empty.aedat4", some_events(0))) as take:
        assert np.load(export_take(take, tmp_path / "out.npy", Wish(Format.NPY)).out).shape == (0, 2, 24, 32)


FULL_DISK = """
import resource, sys
from pathlib import Path
from recorder.export import ExportError, Format, Wish, export_take
from recorder.take import Take
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
with Take(sys.argv[1]) as take:
    try:
        export_take(take, Path(sys.argv[2]), Wish(Format(sys.argv[3])))
    except ExportError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the limit of file size is a thing of POSIX")
@pytest.mark.parametrize("form", Format)
def test_a_disk_that_refuses_is_told_in_one_sentence_and_leaves_no_file(take, tmp_path, form):
    arguments = [sys.executable, "-c", FULL_DISK, take.path, tmp_path / "out", form.value]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    assert "cannot be written" in done.stdout
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    assert list(tmp_path.iterdir()) == []


def test_what_is_wrong_with_the_recording_is_told_with_the_export(tmp_path):
    path = write_events(tmp_path / "cut.aedat4", EVENTS)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    with Take(path) as take:
        done = export_take(take, tmp_path / "out.csv", Wish(Format.CSV))
    assert 0 < done.events < 2000
    assert done.problems != ()


@pytest.mark.parametrize("name", ["frown_4_1.aedat4", "frown_4_1.json", "dataset.json", "subjects.csv", ".numbers"])
def test_no_export_ever_replaces_what_was_recorded(tmp_path, name):
    path = make_take(tmp_path, "frown_4_1")
    target = tmp_path / name
    if not target.exists():
        target.write_text("mine")
    before = target.read_bytes()
    with Take(path) as take, pytest.raises(ExportError, match="belongs to a data set"):
        export_take(take, target, Wish(Format.CSV), force=True)
    assert target.read_bytes() == before
