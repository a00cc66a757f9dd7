"""A recording's events in pieces of about equal size, each decoded by itself from anywhere in the file.

Cameras give packets of some hundred to some ten thousand events; pieces of many packets cost one read and one array. Keeps
nothing decoded; any thread may ask. Knows no picture and no cursor.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from protocol.streams import EVENT_DTYPE, Array, Stream
from recorder.aedat4.errors import Aedat4Error
from recorder.aedat4.flat import FlatError
from recorder.aedat4.layout import MAX_PACKET_BYTES, Compression, decompress
from recorder.aedat4.packets import unpack_events
from recorder.aedat4.reader import Aedat4File

EVENTS_PER_CHUNK = 16_384  # 256 KiB: decoded in about a millisecond, and a thousand of them are a budget of 256 MiB
MOST_READ_BYTES = 1 << 20  # in one read: packets of other streams may lie between those of one chunk
DEFAULT_RESOLUTION = (346, 260)  # a DAVIS346, where a file does not tell


@dataclass(frozen=True)
class Chunk:
    """Decoded events [n] of EVENT_DTYPE; sorted: their times do not run backwards; damaged: packets that gave nothing."""

    events: Array
    sorted: bool
    damaged: int

    def between(self, start_us: int, end_us: int) -> Array:
        """Those with start_us <= t < end_us, in file order; a view where they are sorted."""
        t = self.events["t"]
        if self.sorted:
            return self.events[np.searchsorted(t, start_us) : np.searchsorted(t, end_us)]
        return self.events[(t >= start_us) & (t < end_us)]


class EventChunks:
    """The pieces of one file. first_us, last_us: int64 [chunks], the times within each; starts: int64 [chunks + 1], the
    number of the first event of each, and of all; stamp: size and time of change (ns) of the file.
    """

    def __init__(self, file: Aedat4File) -> None:
        """Takes what it needs from `file`, which may be closed then. Raises Aedat4Error where the file cannot be read."""
        self.path: Path = file.path
        self._compression: Compression = file.compression
        meta = file.streams.get(Stream.EVENTS)
        self.resolution: tuple[int, int] = (meta.resolution if meta else None) or DEFAULT_RESOLUTION
        index = file.index()
        ours = index["stream"] == meta.id if meta else np.zeros(len(index), bool)
        self._index = index[ours & (index["count"] > 0) & (index["size"] <= MAX_PACKET_BYTES)]
        self._bounds = _bounds(self._index["count"])
        self.starts = np.concatenate([[0], np.cumsum(self._index["count"])])[self._bounds]
        begins = self._bounds[:-1]
        self.first_us = np.minimum.reduceat(self._index["first"], begins) if len(begins) else np.zeros(0, np.int64)
        self.last_us = np.maximum.reduceat(self._index["last"], begins) if len(begins) else np.zeros(0, np.int64)
        # What begins before and ends after an instant is found by halving, also where times run backwards here and there.
        self._reached = np.maximum.accumulate(self.last_us)
        self._still = np.minimum.accumulate(self.first_us[::-1])[::-1]
        self._lock = threading.Lock()
        try:
            self._file: BinaryIO = self.path.open("rb", buffering=0)
            found = os.fstat(self._file.fileno())
        except OSError as error:
            raise Aedat4Error(
                f"{self.path}: the file cannot be opened ({error.strerror}); check its name and permissions."
            ) from error
        self.stamp = (found.st_size, found.st_mtime_ns)

    def __len__(self) -> int:
        return len(self._bounds) - 1

    @property
    def count(self) -> int:
        """Events in all, as the index tells."""
        return int(self.starts[-1])

    @property
    def span_us(self) -> tuple[int, int] | None:
        """First and last event time, None without events."""
        return (int(self.first_us.min()), int(self.last_us.max())) if len(self) else None

    def overlapping(self, start_us: int, end_us: int) -> NDArray[np.int64]:
        """The numbers of the chunks that may hold events of [start_us, end_us), in file order."""
        low, high = int(np.searchsorted(self._reached, start_us)), int(np.searchsorted(self._still, end_us))
        there = (self.last_us[low:high] >= start_us) & (self.first_us[low:high] < end_us)
        return np.flatnonzero(there) + low

    def chunk_of(self, number: int) -> int:
        """Which chunk holds event `number` (0 ... count - 1)."""
        return int(np.searchsorted(self.starts, number, side="right")) - 1

    def decode(self, chunk: int) -> Chunk:
        """The events of a chunk. Packets that cannot be decoded are left out. Raises Aedat4Error where the disk fails."""
        parts: list[Array] = []
        damaged = 0
        for payload in self._payloads(int(self._bounds[chunk]), int(self._bounds[chunk + 1])):
            try:
                parts.append(unpack_events(decompress(payload, self._compression)))
            except FlatError:
                damaged += 1
        events = joined(parts)
        return Chunk(events, bool((events["t"][1:] >= events["t"][:-1]).all()), damaged)

    def _payloads(self, first: int, stop: int) -> Iterator[bytes]:
        """The compressed packets first ... stop - 1, read in runs of neighbours."""
        offsets, sizes = self._index["offset"][first:stop].tolist(), self._index["size"][first:stop].tolist()
        first = 0
        while first < len(offsets):
            begin, last = offsets[first], first
            while last + 1 < len(offsets) and offsets[last + 1] + sizes[last + 1] - begin <= MOST_READ_BYTES:
                last += 1
            data = self._read(begin, offsets[last] + sizes[last] - begin)
            for offset, size in zip(offsets[first : last + 1], sizes[first : last + 1], strict=True):
                yield data[offset - begin : offset - begin + size]
            first = last + 1

    def _read(self, offset: int, size: int) -> bytes:
        try:
            with self._lock:
                self._file.seek(offset)
                return self._file.read(size)
        except OSError as error:
            raise Aedat4Error(f"{self.path}: reading failed ({error.strerror}); check the disk.") from error

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        self._file.close()


def joined(parts: Sequence[Array]) -> Array:
    """One array of all; as whole words, since NumPy would copy field by field."""
    events = np.empty(sum(map(len, parts)), EVENT_DTYPE)
    words, filled = events.view("<u8"), 0
    for part in parts:
        words[2 * filled : 2 * (filled + len(part))] = part.view("<u8")
        filled += len(part)
    return events


def _bounds(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The packets at which chunks begin, and their number: whole packets, of about EVENTS_PER_CHUNK events together."""
    if not len(counts):
        return np.zeros(1, np.int64)
    wanted = (np.cumsum(counts) - counts) // EVENTS_PER_CHUNK
    begins = np.flatnonzero(np.diff(wanted, prepend=-1))
    return np.append(begins, len(counts))
