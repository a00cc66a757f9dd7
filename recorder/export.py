"""A take's events in formats that other programs read: csv, npz, h5, and npy with counts per time bin.

Works in pieces, so that memory does not grow with the take; a file appears under its name only when it is whole.
Knows no data set: which takes are exported is decided elsewhere.
"""

import io
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from protocol.errors import GlimpseError
from protocol.naming import EVENTS_SUFFIX, SESSION_SUFFIX, split_filename
from protocol.streams import EVENT_DTYPE, Array, Stream
from recorder.binning import bin_events, edges_by_number, edges_by_width
from recorder.dataset import DATASET_FILE, RIG_FILE, SUBJECTS_FILE
from recorder.host import rename_new
from recorder.take import Take
from recorder.takefiles import LEDGER

COLUMNS = ("t", "x", "y", "p")
DEFAULT_BIN_US = 10_000
MAX_BINS = 1_000_000  # nearly three hours in bins of 10 ms: more is a wrong time stamp or a slip of the finger
CELLS_AT_ONCE = 1 << 22  # of the counts held in memory
H5_CHUNK = 1 << 16  # events
COUNT_DTYPE = np.dtype("<u2")  # half the size of 32 bits; more than 65535 events of a pixel in a bin are clipped and told


class ExportError(GlimpseError):
    """An export that cannot be made as asked for."""


class Format(StrEnum):
    """csv: a line `t,x,y,p` each; npz, h5: arrays t, x, y, p; npy: counts [T, 2, H, W] uint16, channel 0 OFF, 1 ON."""

    CSV = "csv"
    NPZ = "npz"
    NPY = "npy"
    H5 = "h5"


@dataclass(frozen=True)
class Wish:
    """What to export. [start_us, end_us) in event time, None without limit; bin_us or bins: of npy, default bins of 10 ms."""

    format: Format
    start_us: int | None = None
    end_us: int | None = None
    bin_us: int | None = None
    bins: int | None = None


@dataclass(frozen=True)
class Exported:
    """What was written. events: in the file; outside, clipped: events outside the pixels, cells that held more than 65535
    (npy only); edges_us: first and last edge of the bins (npy only); problems: of the recording, such as packets left out.
    """

    out: Path
    events: int
    outside: int | None = None
    clipped: int | None = None
    bins: int | None = None
    edges_us: tuple[int, int] | None = None
    problems: tuple[str, ...] = ()


def export_take(
    take: Take, out: Path, wish: Wish, *, force: bool = False, watch: Callable[[int], None] = lambda _: None
) -> Exported:
    """Write `out`; `watch` is told the number of events of each piece.

    Raises ExportError for an existing file (unless `force`), a wish that makes no sense or a disk that refuses.
    """
    if _is_recorded(out.resolve()):
        raise ExportError(f"{out}: belongs to a data set and is never replaced; give another name.")
    if out.exists() and not force:
        raise ExportError(f"{out}: exists already; give --force to replace it, or another name.")
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    _make_folder(out.parent)
    try:
        exported = _WRITERS[wish.format](take, temporary, wish, watch)
        temporary.replace(out) if force else rename_new(temporary, out)
    except FileExistsError as error:
        raise ExportError(f"{out}: was made by another program meanwhile; give another name.") from error
    except OSError as error:
        raise ExportError(f"{out}: cannot be written ({error.strerror or error}); check disk and permissions.") from error
    finally:
        temporary.unlink(missing_ok=True)
    return replace(exported, out=out, problems=take.file.problems)


def _is_recorded(path: Path) -> bool:
    """Whether the path is a file of a take or of a data set, which no export may ever replace."""
    if not path.exists():
        return False
    split = split_filename(path.name)
    take = split is not None and path.with_name(split[0] + EVENTS_SUFFIX).exists()
    return take or path.name.endswith(SESSION_SUFFIX) or path.name in (DATASET_FILE, SUBJECTS_FILE, RIG_FILE, LEDGER)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(f"{folder}: the folder cannot be made ({error.strerror}); choose another name.") from error


def _batches(take: Take, wish: Wish, watch: Callable[[int], None] = lambda _: None) -> Iterator[Array]:
    for events in take.iter_events(wish.start_us, wish.end_us):
        yield events
        watch(len(events))


def _write_csv(take: Take, path: Path, wish: Wish, watch: Callable[[int], None]) -> Exported:
    count = 0
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.write(",".join(COLUMNS) + "\n")
        for events in _batches(take, wish, watch):
            rows = zip(*(events[name].tolist() for name in COLUMNS), strict=True)
            file.writelines(f"{t},{x},{y},{p}\n" for t, x, y, p in rows)
            count += len(events)
    return Exported(path, count)


def _write_npz(take: Take, path: Path, wish: Wish, watch: Callable[[int], None]) -> Exported:
    """Column by column, since the arrays of an npz lie one after the other: one pass to count and one for each."""
    count = sum(len(events) for events in _batches(take, wish, watch))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in COLUMNS:
            with archive.open(f"{name}.npy", "w", force_zip64=True) as column:
                _npy_header(column, (count,), EVENT_DTYPE[name])
                for events in _batches(take, wish):
                    column.write(np.ascontiguousarray(events[name]).tobytes())
        with archive.open("resolution.npy", "w") as column:
            npy.write_array(column, np.array(take.resolution(Stream.EVENTS) or (0, 0), np.int64))
    return Exported(path, count)


def _npy_header(file: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> None:
    npy.write_array_header_1_0(file, {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": shape})


class _Patient(io.FileIO):
    """A new file whose failing writes seem to succeed: HDF5 cannot close a file after a failure, and crashes at exit.

    error: the first failure, to be raised once HDF5 has let go of the file, which is then worthless.
    """

    error: OSError | None = None

    def write(self, data: Any, /) -> int:
        view = memoryview(data).cast("B")
        try:
            written = 0
            while self.error is None and written < len(view):
                written += super().write(view[written:])
        except OSError as error:
            self.error = error
        return len(view)

    def truncate(self, size: int | None = None, /) -> int:
        try:
            return super().truncate(size)
        except OSError as error:
            self.error = self.error or error
            return self.tell() if size is None else size

    def check(self) -> None:
        if self.error is not None:
            raise self.error


def _write_h5(take: Take, path: Path, wish: Wish, watch: Callable[[int], None]) -> Exported:
    with _Patient(path, "x+") as file:
        with h5py.File(file, "w") as archive:
            count = _fill_h5(archive, take, wish, watch, file.check)
        file.check()
    return Exported(path, count)


def _fill_h5(archive: h5py.File, take: Take, wish: Wish, watch: Callable[[int], None], check: Callable[[], None]) -> int:
    count = 0
    columns = _h5_columns(archive)
    archive.attrs["unit_of_t"] = "us"
    if resolution := take.resolution(Stream.EVENTS):
        archive.attrs["resolution"] = resolution
    for events in _batches(take, wish, watch):
        for name, column in columns.items():
            column.resize(count + len(events), axis=0)
            column[count:] = events[name]
        count += len(events)
        check()
    return count


def _h5_columns(file: h5py.File) -> Mapping[str, h5py.Dataset]:
    return {
        name: file.create_dataset(
            name, (0,), EVENT_DTYPE[name], maxshape=(None,), chunks=(H5_CHUNK,), compression="lzf", shuffle=True
        )
        for name in COLUMNS
    }


def _write_npy(take: Take, path: Path, wish: Wish, watch: Callable[[int], None]) -> Exported:
    width, height = _resolution(take)
    edges = _edges(take, wish)
    step = max(1, CELLS_AT_ONCE // (2 * width * height))
    counted = clipped = seen = 0
    with path.open("wb") as file:
        _npy_header(file, (len(edges) - 1, 2, height, width), COUNT_DTYPE)
        for start in range(0, len(edges) - 1, step):
            part = edges[start : start + step + 1]
            counts, read = _counts(take, part, (width, height), watch)
            counted, seen = counted + int(counts.sum(dtype=np.int64)), seen + read
            clipped += int(np.count_nonzero(counts > np.iinfo(COUNT_DTYPE).max))
            file.write(np.minimum(counts, np.iinfo(COUNT_DTYPE).max).astype(COUNT_DTYPE).tobytes())
    return Exported(path, counted, seen - counted, clipped, len(edges) - 1, (int(edges[0]), int(edges[-1])))


def _counts(
    take: Take, edges: NDArray[np.int64], resolution: tuple[int, int], watch: Callable[[int], None]
) -> tuple[NDArray[np.uint32], int]:
    """Counts of the bins between `edges`, and how many events lie in their time."""
    counts = np.zeros((len(edges) - 1, 2, resolution[1], resolution[0]), np.uint32)
    read = 0
    for events in take.iter_events(int(edges[0]), int(edges[-1])):
        # Only the bins that the packet touches: the whole part would be cleared for each packet otherwise.
        first = int(np.searchsorted(edges, events["t"].min(), side="right")) - 1
        stop = int(np.searchsorted(edges, events["t"].max(), side="right"))
        counts[first:stop] += bin_events(events, edges[first : stop + 1], resolution)
        read += len(events)
        watch(len(events))
    return counts, read


def _resolution(take: Take) -> tuple[int, int]:
    resolution = take.resolution(Stream.EVENTS)
    if resolution is None:
        raise ExportError(f"{take.path}: does not tell the camera's resolution, which npy needs; export csv, npz or h5.")
    return resolution


def _edges(take: Take, wish: Wish) -> NDArray[np.int64]:
    span = take.time_range(Stream.EVENTS)
    start_us = wish.start_us if wish.start_us is not None else span[0] if span else 0
    end_us = wish.end_us if wish.end_us is not None else span[1] + 1 if span else start_us
    bin_us = wish.bin_us or DEFAULT_BIN_US
    wanted = wish.bins if wish.bins is not None else (end_us - start_us) // bin_us
    if wanted > MAX_BINS:
        raise ExportError(
            f"{take.path}: {wanted} time bins are more than {MAX_BINS}; choose wider ones, or a start and a stop."
        )
    return edges_by_width(start_us, end_us, bin_us) if wish.bins is None else edges_by_number(start_us, end_us, wish.bins)


_WRITERS: Mapping[Format, Callable[[Take, Path, Wish, Callable[[int], None]], Exported]] = {
    Format.CSV: _write_csv,
    Format.NPZ: _write_npz,
    Format.NPY: _write_npy,
    Format.H5: _write_h5,
}
