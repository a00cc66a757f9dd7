"""frames.csv: one row for every recorded picture, the authority on frame times.

A row is written beside every frame that a video writer took, so that exact times survive containers that round them.
Knows neither cameras nor video files.
"""

import os
import re
from pathlib import Path
from types import TracebackType
from typing import IO, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from protocol.errors import GlimpseError
from protocol.streams import FRAME_STREAMS

HEADER = b"stream,index,stream_us,exposure_us,host_ns\n"
FRAME_ROW_DTYPE = np.dtype([("index", "<i8"), ("stream_us", "<i8"), ("exposure_us", "<i8"), ("host_ns", "<i8")])
UNKNOWN_EXPOSURE_US = -1

Rows: TypeAlias = NDArray[np.void]

_ROW = re.compile(rb"(%s),(\d{1,19}),(-?\d{1,19}),(\d{0,19}),(-?\d{1,19})\r?" % "|".join(FRAME_STREAMS).encode())
_INT64_MAX = np.iinfo(np.int64).max


class FrameTableError(GlimpseError):
    """A frames.csv that cannot be made or read."""


class FrameTable(dict[str, Rows]):
    """Rows by stream ("frames", "rgb", "thermal"; only streams that have rows), each an array [n] of FRAME_ROW_DTYPE.

    exposure_us is UNKNOWN_EXPOSURE_US where the camera did not tell. problems: sentences on what was cut off.
    """

    problems: tuple[str, ...] = ()


class FrameTableWriter:
    """Appends rows to a new file. Every method but the constructor lets the OSError of a failing disk through.

    Rows wait in memory until `flush`, so that the table can be kept in step with the fragments of the video.
    """

    def __init__(self, path: Path) -> None:
        """Create `path`. Raises FrameTableError if it exists or its folder does not take a file."""
        try:
            self._file: IO[bytes] = path.open("xb", buffering=0)
        except OSError as error:
            raise FrameTableError(f"{path}: cannot be created ({error.strerror}); choose another name or folder.") from error
        self._waiting: list[bytes] = [HEADER]
        self._bytes = 0

    def append(self, stream: str, index: int, stream_us: int, exposure_us: int | None, host_ns: int) -> None:
        """Add the row of picture `index` (0, 1, 2 ... within its stream). exposure_us: None where unknown."""
        exposure = "" if exposure_us is None else exposure_us
        self._waiting.append(f"{stream},{index},{stream_us},{exposure},{host_ns}\n".encode())

    def flush(self) -> None:
        """Hand all rows so far to the operating system; after an OSError the file ends with the rows flushed before."""
        data = b"".join(self._waiting)
        view = memoryview(data)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError:
            self._file.truncate(self._bytes)
            self._file.seek(self._bytes)
            raise
        self._bytes += len(data)
        self._waiting.clear()

    def close(self) -> None:
        """Write what waits and force it to the disk. Safe to call twice."""
        if self._file.closed:
            return
        try:
            self.flush()
            os.fsync(self._file.fileno())
        finally:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def read_frame_table(path: Path) -> FrameTable:
    """All rows of `path`. A last line that was cut off is left out and told in `problems`.

    Raises FrameTableError for a file that is absent, of another kind, or has a line that cannot be true.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FrameTableError(f"{path}: cannot be read ({error.strerror}); restore it from a backup.") from error
    body, problems = _whole_lines(path, data)
    table = FrameTable(_parsed(path, body))
    table.problems = problems
    return table


def _whole_lines(path: Path, data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The rows without header and cut end. A power cut leaves a file that was extended but never filled: zero bytes."""
    text = data.rstrip(b"\0")
    whole = text[: text.rfind(b"\n") + 1]
    problems: tuple[str, ...] = ()
    if len(whole) < len(data):
        problems = (f"{path}: the last line was cut off and is left out; the recording did not end properly.",)
    header, _, body = whole.partition(b"\n")
    known = HEADER.startswith(text) if not whole else header.rstrip(b"\r") == HEADER.rstrip()
    if not known:
        raise FrameTableError(f"{path}: line 1 is not {HEADER.decode().strip()!r}; choose a frames.csv that Glimpse wrote.")
    return body, problems


def _parsed(path: Path, body: bytes) -> dict[str, Rows]:
    rows: dict[str, list[tuple[int, int, int, int]]] = {}
    for number, line in enumerate(body.split(b"\n")[:-1], start=2):
        match = _ROW.fullmatch(line)
        if match is None:
            shown = line[:60].decode(errors="replace")
            raise FrameTableError(f"{path}: line {number} ({shown!r}) is not a row of a frame table; restore it from a backup.")
        stream, *fields = match.groups()
        values = tuple(int(field) if field else UNKNOWN_EXPOSURE_US for field in fields)
        known = rows.setdefault(stream.decode(), [])
        _check(path, number, values, len(known))
        known.append((values[0], values[1], values[2], values[3]))
    return {stream: np.array(values, FRAME_ROW_DTYPE) for stream, values in rows.items()}


def _check(path: Path, number: int, values: tuple[int, ...], expected: int) -> None:
    if values[0] != expected:
        raise FrameTableError(
            f"{path}: line {number} has index {values[0]} where {expected} was due; restore the file from a backup."
        )
    if max(values) > _INT64_MAX or min(values) < -_INT64_MAX - 1:
        raise FrameTableError(f"{path}: line {number} has a number beyond 64 bits; restore the file from a backup.")
