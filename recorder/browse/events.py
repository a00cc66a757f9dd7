"""The events around a cursor, anywhere in a take and in both directions, in memory that has an upper limit.

A short take is held decoded as a whole; of a long one what was looked at last and what comes next in the direction of travel,
which a thread decodes ahead. Knows no picture, no label and no window.
"""

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Iterator
from enum import StrEnum
from types import TracebackType
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from protocol.errors import GlimpseError
from protocol.streams import EVENT_DTYPE, Array
from recorder.browse import kernels
from recorder.browse.chunks import Chunk, EventChunks, joined
from recorder.take import Take

BUDGET_BYTES = 256 << 20  # 16 million events: five takes of 10 s, or what a long one shows within a minute of its cursor
AHEAD_SHARE = 0.25  # of the budget is decoded ahead of the cursor: what lies behind it is kept for the way back
LEAST_AHEAD, AHEAD_WINDOWS = 8, 3  # chunks decoded ahead; and at least so many times what the cursor's window needs
SETTLED_STEPS = 2  # so many steps the same way are a direction
PAUSE_S = 0.3  # in which the cursor rests before the rest of a short take is decoded: pictures come first
FIRST_US, LAST_US = int(np.iinfo(np.int64).min), int(np.iinfo(np.int64).max)

Accumulated: TypeAlias = NDArray[np.uint16] | NDArray[np.float32]


class Mode(StrEnum):
    """What a window of events is made into.

    counts: uint16 [2, H, W], OFF and ON events of each pixel. surface: float32 [2, H, W], how new each pixel's newest event is,
    from 0 (none in the window) evenly to 1 (at its end): a time surface with linear instead of exponential decay (Lagorce et
    al., HOTS, IEEE PAMI 2017), so that the window that was set is what is seen.
    """

    COUNTS = "counts"
    SURFACE = "surface"


class EventBrowser:
    """Events of one take by time. A context manager; any thread may ask, one at a time does the work of a question.

    resolution: (width, height); span_us: first and last event time, None without events; count: events in all.
    """

    def __init__(self, take: Take, *, budget_bytes: int = BUDGET_BYTES, ahead: bool = True) -> None:
        """budget_bytes: of decoded events; ahead: decode before being asked. Raises Aedat4Error where nothing can be read."""
        self._chunks = EventChunks(take.file)
        self.resolution = self._chunks.resolution
        self.span_us = self._chunks.span_us
        self.count = self._chunks.count
        self._cache = _Cache(self._chunks, budget_bytes)
        self._ahead = _Ahead(self._cache, len(self._chunks)) if ahead and len(self._chunks) else None

    @property
    def held_bytes(self) -> int:
        """Memory that decoded events take now."""
        return self._cache.held_bytes

    @property
    def damaged(self) -> int:
        """Packets looked at so far that could not be decoded."""
        return self._cache.damaged

    @property
    def stamp(self) -> tuple[int, int]:
        """Size in bytes and time of the last change in ns of the event file as it was opened."""
        return self._chunks.stamp

    def plausible_span_us(self, most_us: int) -> tuple[int, int] | None:
        """First and last event time, without chunks farther than half of `most_us` from the middle one; None without events."""
        if self.span_us is None or self.span_us[1] - self.span_us[0] <= most_us:
            return self.span_us
        first_us, last_us = self._chunks.first_us, self._chunks.last_us
        middle_us = int(np.sort(first_us)[len(first_us) // 2])
        near = (first_us >= middle_us - most_us // 2) & (last_us <= middle_us + most_us // 2)
        return (int(first_us[near].min()), int(last_us[near].max())) if near.any() else (middle_us, middle_us)

    def window(self, start_us: int, end_us: int) -> Array:
        """Events with start_us <= t < end_us in file order, [n] of EVENT_DTYPE, read-only.

        Raises Aedat4Error where the disk fails. A long stretch is a large array; `pieces` gives the same in bounded memory.
        """
        parts = [part for part in self.pieces(start_us, end_us) if len(part)]
        events = parts[0] if len(parts) == 1 else joined(parts)
        events = events.view()
        events.flags.writeable = False
        return events

    def pieces(self, start_us: int, end_us: int) -> Iterator[Array]:
        """The same chunk by chunk; each may be empty."""
        start_us, end_us = _held(start_us), _held(end_us)
        for chunk in self._wanted(start_us, end_us):
            yield chunk.between(start_us, end_us)

    def sweep(self) -> Iterator[Array]:
        """Every event chunk by chunk, in file order and beside the cursor: kept only where the whole take fits."""
        for number in range(len(self._chunks)):
            yield (self._cache.get(number) if self._cache.holds_all else self._chunks.decode(number)).events

    def accumulate(self, start_us: int, end_us: int, mode: Mode = Mode.COUNTS) -> Accumulated:
        """The events of [start_us, end_us) as a picture, see Mode. Raises Aedat4Error where the disk fails."""
        start_us, end_us = _held(start_us), _held(end_us)
        width, height = self.resolution
        picture = np.zeros((2, height, width), np.uint16 if mode is Mode.COUNTS else np.float32)
        if end_us > start_us:
            add = kernels.add_counts if mode is Mode.COUNTS else kernels.add_surface
            for chunk in self._wanted(start_us, end_us):
                events = chunk.between(start_us, end_us) if chunk.sorted else chunk.events
                add(events, start_us, end_us, picture)
        return picture

    def rates(self, start_us: int, bin_us: int, bins: int, regions: NDArray[np.uint8], rows: int) -> NDArray[np.uint16]:
        """Events by bin, region and polarity (OFF, ON), uint16 [bins, rows, 2], full at 65,535; row 0 has those of all regions.

        regions: uint8 [H, W], the row of each pixel, `rows` or more for pixels that are not wanted.
        """
        counts = np.zeros((bins, rows, 2), np.uint16)
        for events in self.pieces(start_us, start_us + bin_us * bins):
            kernels.add_rates(events, start_us, bin_us, regions, counts)
        return counts

    def events_between(self, start_us: int, end_us: int) -> int:
        """About how many events [start_us, end_us) holds, without decoding any: too many by at most two chunks."""
        numbers = self._chunks.overlapping(_held(start_us), _held(end_us))
        return int((self._chunks.starts[numbers + 1] - self._chunks.starts[numbers]).sum())

    def skip(self, t_us: int, events: int) -> int:
        """The time `events` further on from t_us in the stream (backwards where negative), held within the take."""
        if self.span_us is None:
            return t_us
        target = min(max(self._number_at(_held(t_us)) + events, 0), self.count - 1)
        number = self._chunks.chunk_of(target)
        found = self._cache.get(number).events
        within = target - int(self._chunks.starts[number])
        return int(found["t"][min(within, len(found) - 1)]) if len(found) else int(self._chunks.first_us[number])

    def _number_at(self, t_us: int) -> int:
        """The number of the first event at t_us or later."""
        numbers = self._chunks.overlapping(t_us, LAST_US)
        if not len(numbers):
            return self.count
        first = int(numbers[0])
        return int(self._chunks.starts[first]) + int(np.searchsorted(self._cache.get(first).events["t"], t_us))

    def _wanted(self, start_us: int, end_us: int) -> Iterator[Chunk]:
        numbers = self._chunks.overlapping(start_us, end_us)
        if self._ahead is not None and len(numbers):
            self._ahead.look(int(numbers[0]), int(numbers[-1]))
        for number in numbers:
            yield self._cache.get(int(number))

    def close(self) -> None:
        """End the thread, close the file, give the memory back. Safe to call twice."""
        if self._ahead is not None:
            self._ahead.close()
        self._cache.clear()
        self._chunks.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class _Cache:
    """Decoded chunks, those used last. Two threads that miss the same chunk both decode it, which is rare and harmless."""

    def __init__(self, chunks: EventChunks, budget_bytes: int) -> None:
        self._chunks = chunks
        self.budget_bytes = budget_bytes
        self.held_bytes = 0
        self._held: OrderedDict[int, Chunk] = OrderedDict()
        self._damaged: dict[int, int] = {}
        self._lock = threading.Lock()

    def get(self, number: int) -> Chunk:
        with self._lock:
            if (found := self._held.get(number)) is not None:
                self._held.move_to_end(number)
                return found
        return self._put(number, self._chunks.decode(number))

    def _put(self, number: int, chunk: Chunk) -> Chunk:
        with self._lock:
            if number not in self._held:
                self._held[number] = chunk
                self.held_bytes += chunk.events.nbytes
                if chunk.damaged:
                    self._damaged[number] = chunk.damaged
            while self.held_bytes > self.budget_bytes and len(self._held) > 1:
                _, gone = self._held.popitem(last=False)
                self.held_bytes -= gone.events.nbytes
        return chunk

    def has(self, number: int) -> bool:
        with self._lock:
            return number in self._held

    @property
    def damaged(self) -> int:
        return sum(self._damaged.values())

    @property
    def holds_all(self) -> bool:
        """Whether the whole take fits."""
        return self._chunks.count * EVENT_DTYPE.itemsize <= self.budget_bytes

    @property
    def ahead_chunks(self) -> int:
        """How many chunks of average size the share for what lies ahead holds."""
        each = max(1, self._chunks.count * EVENT_DTYPE.itemsize // len(self._chunks))
        return int(self.budget_bytes * AHEAD_SHARE) // each

    def clear(self) -> None:
        with self._lock:
            self._held.clear()
            self.held_bytes = 0


class _Ahead:
    """A thread that decodes what will be asked for next: on from the cursor the way it goes, then all where all fits."""

    def __init__(self, cache: _Cache, chunks: int) -> None:
        self._cache = cache
        self._count = chunks
        self._most = cache.ahead_chunks
        self._changed = threading.Condition()
        self._seen = (-1, -1)
        self._way, self._steps = 1, 0
        self._turn = 0  # counts the looks: work for an older one is given up
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="events-ahead", daemon=True)
        self._thread.start()

    def look(self, first: int, last: int) -> None:
        """The cursor's window lies in the chunks first ... last now."""
        with self._changed:
            before = self._seen
            if (first, last) == before:
                return
            way = 1 if first + last >= sum(before) else -1
            self._steps = self._steps + 1 if way == self._way else 1
            self._way, self._seen, self._turn = way, (first, last), self._turn + 1
            self._changed.notify()

    def _run(self) -> None:
        done = 0
        while True:
            with self._changed:
                while not self._closed and self._turn == done:
                    self._changed.wait()
                done, numbers, rest = self._turn, list(self._near()), list(self._far())
            self._decode(numbers, done)
            with self._changed:
                if not self._closed and self._turn == done:
                    self._changed.wait(PAUSE_S)
                if self._closed:
                    return
            self._decode(rest, done)

    def _decode(self, numbers: list[int], turn: int) -> None:
        for number in numbers:
            if self._closed or self._turn != turn:
                return
            if not self._cache.has(number):
                # A failing disk is told to whoever asks for the events; ahead of that nobody waits for them.
                with contextlib.suppress(GlimpseError, ValueError):
                    self._cache.get(number)

    def _near(self) -> Iterator[int]:
        """What the next steps need."""
        first, last = self._seen
        reach = min(self._most, max(LEAST_AHEAD, AHEAD_WINDOWS * (last - first + 1)))
        onward = range(last + 1, min(self._count, last + 1 + reach))
        back = range(first - 1, max(-1, first - 1 - reach), -1)
        near, far = (onward, back) if self._way > 0 else (back, onward)
        yield from near
        if self._steps < SETTLED_STEPS or self._cache.holds_all:
            yield from far

    def _far(self) -> Iterator[int]:
        """All the rest, where it fits."""
        first, last = self._seen
        if self._cache.holds_all:
            yield from range(last + 1, self._count)
            yield from range(first - 1, -1, -1)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()


def _held(t_us: int) -> int:
    return min(max(int(t_us), FIRST_US), LAST_US)


def warm_up() -> None:
    """Compile or load the inner loops: seconds the first time, so in a thread of its own, before the first take."""
    events = np.zeros(1, EVENT_DTYPE)
    kernels.add_counts(events, 0, 1, np.zeros((2, 1, 1), np.uint16))
    kernels.add_surface(events, 0, 1, np.zeros((2, 1, 1), np.float32))
    kernels.add_rates(events, 0, 1, np.zeros((1, 1), np.uint8), np.zeros((1, 1, 2), np.uint16))
