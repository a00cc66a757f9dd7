"""Clips for training on disk: a folder with the events of all clips in one file and one line of JSON for each clip.

Written by one program, only ever appended; read by many at once. Knows neither tensors nor what a network is.

    clips.jsonl   first line {"schema": "glimpse.clips", "version": "1.0"}, then a line {"clip", "first", "count", "crc32"} each
    events.bin    packed events, 8 bytes each: t uint32 us since the clip's start; x uint16; y uint16, its top bit the polarity

A clip's line is written after its events. Whatever a crash leaves behind the last whole line is no clip, and gone when the
store is next written to.
"""

import hashlib
import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, ValidationError, field_validator, model_validator

from models.crop import FaceCrop
from models.errors import ModelError
from protocol.schema import Strict, describe
from protocol.streams import EVENT_DTYPE, Array
from recorder.host import sync_folder
from recorder.lockfile import Held, Lock, take_lock

INDEX, EVENTS, LOCK = "clips.jsonl", "events.bin", "writing.lock"
SCHEMA, VERSION = "glimpse.clips", (1, 0)
PACKED_DTYPE = np.dtype([("t", "<u4"), ("x", "<u2"), ("yp", "<u2")])
ON_BIT = 0x8000
LONGEST_US = 2**32  # 71 minutes

Micros = Annotated[int, Field(strict=True, ge=-(2**62), le=2**62)]
Name = Annotated[str, Field(min_length=1, max_length=500)]


class ClipInterval(NamedTuple):
    """What was made when: token of the class, onset, apex and offset in us since the clip's start; they may lie outside it."""

    token: str
    onset_us: int
    apex_us: int
    offset_us: int


class Clip(Strict):
    """A stretch of one take. key: its name in the store; person: who it is (never split between training and test);
    take: path or name of the take it was cut from; crop: where the face is; resolution: (width, height) of the sensor;
    span_us: [start, end) in the take's event time; intervals: empty where nothing was made; meta: whatever else is known, such
    as intensity, glasses, light, source ("davis", "sim", "video").
    """

    key: Name
    person: Name
    take: str = ""
    crop: FaceCrop
    resolution: tuple[Annotated[int, Field(ge=1, le=32767)], Annotated[int, Field(ge=1, le=32767)]]
    span_us: tuple[Micros, Micros]
    intervals: tuple[ClipInterval, ...] = ()
    meta: Mapping[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        if not 0 < self.duration_us <= LONGEST_US:
            raise ValueError(f"a clip of {self.duration_us} us cannot be stored")
        return self

    @field_validator("meta")
    @classmethod
    def _is_json(cls, meta: Mapping[str, Any]) -> Mapping[str, Any]:
        json.dumps(meta, allow_nan=False)
        return meta

    @property
    def duration_us(self) -> int:
        """Its length."""
        return self.span_us[1] - self.span_us[0]


class _Row(Strict):
    """A line of the index: where the clip's events lie, counted in events, and their checksum."""

    clip: Clip
    first: Annotated[int, Field(ge=0)]
    count: Annotated[int, Field(ge=0)]
    crc32: int


_ROW = TypeAdapter(_Row)


def pack(events: Array, clip: Clip) -> NDArray[np.void]:
    """The events of the clip's span that lie on its sensor, [m] of PACKED_DTYPE in time order. events: [n] of EVENT_DTYPE,
    times in the take's event time.
    """
    (start_us, end_us), (width, height) = clip.span_us, clip.resolution
    t, x, y = events["t"], events["x"], events["y"]
    chosen = events[(t >= start_us) & (t < end_us) & (x >= 0) & (x < width) & (y >= 0) & (y < height)]
    if bool(np.any(chosen["t"][1:] < chosen["t"][:-1])):
        chosen = chosen[np.argsort(chosen["t"], kind="stable")]
    packed = np.empty(len(chosen), PACKED_DTYPE)
    packed["t"] = chosen["t"] - start_us
    packed["x"] = chosen["x"]
    packed["yp"] = chosen["y"].astype(np.uint16) | np.where(chosen["p"] > 0, ON_BIT, 0).astype(np.uint16)
    return packed


def unpack(packed: NDArray[np.void]) -> Array:
    """Events [n] of EVENT_DTYPE, t in us since the clip's start."""
    events = np.zeros(len(packed), EVENT_DTYPE)
    events["t"] = packed["t"]
    events["x"] = packed["x"]
    events["y"] = packed["yp"] & (ON_BIT - 1)
    events["p"] = packed["yp"] >> 15
    return events


class ClipStore:
    """A store for reading. Can be pickled and used in several processes at once; a clip is its number 0 ... len - 1.

    A store that is being written is read as far as it was when this was made.
    """

    def __init__(self, folder: Path | str) -> None:
        """Raises ModelError where there is no store, or one that this program cannot read."""
        self.folder = Path(folder)
        rows, _ = _read_index(self.folder)
        size = _size(self.folder / EVENTS)
        if rows and rows[-1].first + rows[-1].count > size:
            raise ModelError(
                f"{self.folder / EVENTS}: holds {size:,} events where the index names {rows[-1].first + rows[-1].count:,}; "
                "write the clips anew or restore the file."
            )
        self._rows = rows
        self.clips: Sequence[Clip] = tuple(row.clip for row in rows)
        self._map: NDArray[np.void] | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def count(self, index: int) -> int:
        """How many events a clip has."""
        return self._rows[index].count

    def events(self, index: int) -> Array:
        """A clip's events, [n] of EVENT_DTYPE in time order, t in us since the clip's start: 0 <= t < duration_us."""
        return unpack(self._packed(index))

    def _packed(self, index: int) -> NDArray[np.void]:
        row = self._rows[index]
        if row.count == 0:
            return np.empty(0, PACKED_DTYPE)  # an empty file cannot be mapped
        if self._map is None:
            self._map = np.memmap(self.folder / EVENTS, PACKED_DTYPE, "r")
        return self._map[row.first : row.first + row.count]

    def damaged(self) -> Iterator[str]:
        """The keys of clips whose events are not those that were written; reads everything."""
        for index, row in enumerate(self._rows):
            if zlib.crc32(self._packed(index).tobytes()) != row.crc32:
                yield row.clip.key

    def digest(self) -> str:
        """SHA-256 of all clips, labels and checksums of events: which data a network was trained on."""
        lines = (row.model_dump_json() for row in self._rows)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_map": None}  # every process maps the file for itself


class ClipWriter:
    """A store for writing: made where there is none, else continued. A context manager; one at a time."""

    def __init__(self, folder: Path | str) -> None:
        """Raises ModelError where the folder cannot be written, is written to by another program or is no store."""
        self.folder = Path(folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = self._locked()
        except OSError as error:
            raise ModelError(f"{self.folder}: cannot be written ({error.strerror}); choose another folder.") from error
        try:
            self._open()
        except BaseException:
            self._lock.give_back(self.folder / LOCK)
            raise

    def _locked(self) -> Lock:
        lock = take_lock(self.folder / LOCK)
        if isinstance(lock, Held):
            raise ModelError(f"{self.folder}: another program is writing clips there; wait for it or choose another folder.")
        return lock

    def _open(self) -> None:
        """Cut off what is behind the last whole clip, and go on there."""
        index, events = self.folder / INDEX, self.folder / EVENTS
        if not index.exists():
            if events.exists():
                raise ModelError(f"{self.folder}: holds events without their index {INDEX}; choose another folder.")
            index.write_bytes(_line({"schema": SCHEMA, "version": "{}.{}".format(*VERSION)}))
        rows, kept_bytes = _read_index(self.folder)
        events.touch()
        size = _size(events)
        whole = [row for row in rows if row.first + row.count <= size]
        if len(whole) < len(rows):  # the machine lost power: the system had written the index first
            raise ModelError(f"{events}: is shorter than its index says; write the clips anew or restore the file.")
        self._next = rows[-1].first + rows[-1].count if rows else 0
        self.keys = {row.clip.key for row in rows}
        os.truncate(index, kept_bytes)
        os.truncate(events, self._next * PACKED_DTYPE.itemsize)
        # Without buffers: what could not be written must not be tried again behind our back.
        self._index, self._events = index.open("ab", buffering=0), events.open("ab", buffering=0)

    def __contains__(self, key: object) -> bool:
        return key in self.keys

    def __len__(self) -> int:
        return len(self.keys)

    def add(self, clip: Clip, events: Array) -> int:
        """Append a clip with its events ([n] of EVENT_DTYPE, in the take's event time; see `pack`); how many were stored.

        Raises ModelError for a key that is there already and where the disk is full; nothing is half written then.
        """
        if clip.key in self.keys:
            raise ModelError(f"The clip {clip.key!r} is in {self.folder} already; give every clip a name of its own.")
        packed = pack(events, clip)
        self._append(clip, packed)
        return len(packed)

    def extend(self, store: ClipStore) -> None:
        """Append all clips of another store, as of generators that ran beside each other. Raises as `add`."""
        for index, clip in enumerate(store.clips):
            if clip.key in self.keys:
                raise ModelError(f"The clip {clip.key!r} of {store.folder} is in {self.folder} already; join different clips.")
            self._append(clip, store._packed(index))

    def _append(self, clip: Clip, packed: NDArray[np.void]) -> None:
        data = packed.tobytes()
        row = _Row(clip=clip, first=self._next, count=len(packed), crc32=zlib.crc32(data))
        sizes = [(file, file.seek(0, os.SEEK_END)) for file in (self._index, self._events)]
        try:
            _write(self._events, data)
            _write(self._index, _line(row.model_dump(mode="json")))
        except OSError as error:
            for file, size in sizes:
                file.truncate(size)
            raise ModelError(
                f"{self.folder}: the clip {clip.key!r} cannot be written ({error.strerror}); make room."
            ) from error
        self._next += row.count
        self.keys.add(clip.key)

    def close(self) -> None:
        """Put everything on disk. Safe to call twice."""
        if self._events.closed:
            return
        for file in (self._events, self._index):
            with file:
                os.fsync(file.fileno())
        sync_folder(self.folder)
        self._lock.give_back(self.folder / LOCK)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _write(file: FileIO, data: bytes) -> None:
    """All of it; the system may take it in pieces."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _line(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def _size(path: Path) -> int:
    """Whole events in a file."""
    try:
        return path.stat().st_size // PACKED_DTYPE.itemsize
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); write the clips anew.") from error


def _read_index(folder: Path) -> tuple[list[_Row], int]:
    """All whole lines, and the length of the file up to there in bytes."""
    path = folder / INDEX
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{folder}: there is no store of clips there ({error.strerror}); check the path.") from error
    whole = data[: data.rfind(b"\n") + 1]
    head, *lines = whole.splitlines() or [b""]
    _check_head(head, path)
    return [_read_row(line, path, number) for number, line in enumerate(lines, 2)], len(whole)


def _check_head(line: bytes, path: Path) -> None:
    try:
        head = json.loads(line)
        major, minor = (int(number) for number in head["version"].split("."))
        schema = head["schema"]
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise ModelError(f"{path}: this is no index of clips; choose another folder.") from error
    if schema != SCHEMA:
        raise ModelError(f"{path}: this is {schema!r}, where {SCHEMA!r} was expected; choose another folder.")
    if (major, minor) > VERSION:
        raise ModelError(
            f"{path}: written by a newer Glimpse ({SCHEMA} {major}.{minor}, this program reads up to "
            f"{VERSION[0]}.{VERSION[1]}); update Glimpse to read it."
        )


def _read_row(line: bytes, path: Path, number: int) -> _Row:
    try:
        return _ROW.validate_json(line)
    except ValidationError as error:
        raise ModelError(f"{path}, line {number}: {describe(error)}; write the clips anew or restore the file.") from error
