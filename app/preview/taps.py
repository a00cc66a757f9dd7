"""The newest of what the cameras give, for whoever draws: taps on the rings of a capture process.

Never waits: what is not there yet, or is being made anew, is simply nothing. Knows no Qt, no command and no take.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from protocol.streams import EVENT_DTYPE, FRAME_STREAMS, Array, Stream
from recorder.board import newest_rings
from recorder.ring import RingError, RingReader

BATCHES = "batches"
MOST_EVENTS = 1_000_000  # 16 MB, copied in about 3 ms; half a second at the fastest that a face gives
# A clock of 100 ppm against the host's; slower clocks are followed by the largest difference, quicker ones by this.
SLACK_US_PER_S = 100.0
LOOK_NS = 50_000_000  # how often the folder is listed: 0.1 ms each, and a camera needs far longer to come back


@dataclass(frozen=True, eq=False)
class Picture:
    """The newest picture of a stream.

    image: [H, W] uint8 (APS), [H, W, 3] uint8 BGR, [H, W] uint16 (thermal); index: how many came before it since the ring was
    made; stream_us: the camera's own time; exposure_us: None where unknown; host_ns: when it reached the host.
    """

    stream: Stream
    image: NDArray[Any]
    index: int
    stream_us: int
    exposure_us: int | None
    host_ns: int


class _Tap:
    """One ring by its name, attached anew whenever there is a newer file. Read from one thread."""

    def __init__(self, folder: Path, name: str, *, from_start: bool) -> None:
        self._folder, self._name, self._from_start = folder, name, from_start
        self._reader: RingReader | None = None
        self._file: tuple[str, int] | None = None
        self._missed_before = 0

    def reader(self, files: Mapping[str, tuple[str, int]]) -> tuple[RingReader | None, bool]:
        """The reader of the ring as it is now, and whether it is another than before. files: newest file of each stream."""
        file = files.get(self._name)
        if file == self._file:
            return self._reader, False
        self.close()
        if file is not None:
            self._attach(file)
        return self._reader, True

    def _attach(self, file: tuple[str, int]) -> None:
        try:
            self._reader = RingReader(self._folder / file[0], from_start=self._from_start)
        except (OSError, RingError):
            return  # removed at this very moment; the next look finds what replaced it
        self._file = file

    @property
    def missed(self) -> int:
        """Records overwritten before they were read, over all files."""
        return self._missed_before + (self._reader.missed if self._reader else 0)

    def close(self) -> None:
        """Let go of the file."""
        if self._reader is not None:
            self._missed_before += self._reader.missed
            self._reader.close()
        self._reader = self._file = None


class RigTaps:
    """Reads the rings in the folder of a capture process. A context manager. Use it from one thread."""

    def __init__(self, runtime: Path, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        """runtime: folder of the rings, which may be empty or missing; now_ns: the host's monotonic clock."""
        self._folder, self._now_ns = runtime, now_ns
        self._events = _Tap(runtime, Stream.EVENTS, from_start=False)
        self._batches = _Tap(runtime, BATCHES, from_start=False)
        self._frames = {stream: _Tap(runtime, stream, from_start=True) for stream in FRAME_STREAMS}
        self._pictures: dict[Stream, Picture] = {}
        self._passed = self._overwritten = 0
        self._listed: Mapping[str, tuple[str, int]] = {}
        self._listed_ns: int | None = None
        self._clock: tuple[float, int] | None = None  # event minus host in us, and the host_ns it was found at

    def newest_events(self, max_count: int = MOST_EVENTS, max_us: int | None = None) -> Array:
        """The events [n] that came since the last call, the newest `max_count` of them and of the last `max_us`.

        Those before are passed over by choice, counted in `passed_over`. The first call after attaching gives none.
        """
        reader, _ = self._events.reader(self._files())
        if reader is None:
            return np.empty(0, EVENT_DTYPE)
        before, torn = reader.position, reader.missed
        events = reader.newest(max_count).records
        overwritten = max(0, reader.position - reader.capacity - before)
        events = events if max_us is None or not len(events) else events[events["t"] > events["t"][-1] - max_us]
        self._overwritten += overwritten
        self._passed += max(0, reader.position - before - overwritten - (reader.missed - torn) - len(events))
        return events

    def frame(self, stream: Stream) -> Picture | None:
        """The newest picture of a frame camera, the same object until there is a newer one; None while there is none."""
        tap = self._frames[stream]
        reader, changed = tap.reader(self._files())
        if changed:
            self._pictures.pop(stream, None)
        if reader is not None and len(records := reader.newest(1).records):
            self._pictures[stream] = _picture(stream, records[-1])
        return self._pictures.get(stream)

    def now_us(self) -> int | None:
        """Event time now: the host's clock plus the largest difference seen (a batch is late, never early); None at first."""
        reader, changed = self._batches.reader(self._files())
        if changed:
            self._clock = None
        if reader is not None:
            self._follow(reader.newest(64).records)
        return None if self._clock is None else round(self._clock[0] + self._now_ns() / 1000)

    def _follow(self, batches: Array) -> None:
        for batch in batches:
            host_ns = int(batch["host_ns"])
            difference = float(batch["last_us"]) - host_ns / 1000
            if self._clock is not None:
                loosened = self._clock[0] - SLACK_US_PER_S * max(0, host_ns - self._clock[1]) / 1e9
                difference = max(difference, loosened)
            self._clock = (difference, host_ns)

    @property
    def missed(self) -> Mapping[Stream, int]:
        """Records that were overwritten before they were read, by stream."""
        events = self._events.missed + self._overwritten
        return {Stream.EVENTS: events, **{stream: tap.missed for stream, tap in self._frames.items()}}

    @property
    def passed_over(self) -> int:
        """Events that were there and were left out, since only the newest were asked for."""
        return self._passed

    def _files(self) -> Mapping[str, tuple[str, int]]:
        """Newest file of each stream with its inode, which tells a ring from the one made anew under its name."""
        now_ns = self._now_ns()
        if self._listed_ns is None or now_ns - self._listed_ns >= LOOK_NS:
            self._listed, self._listed_ns = _newest_files(self._folder), now_ns
        return self._listed

    def close(self) -> None:
        """Let go of every ring."""
        for tap in (self._events, self._batches, *self._frames.values()):
            tap.close()
        self._pictures.clear()

    def __enter__(self) -> Self:
        """Return the taps themselves."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Let go of every ring."""
        self.close()


def _newest_files(folder: Path) -> Mapping[str, tuple[str, int]]:
    found = {}
    for stream, path in newest_rings(folder).items():
        try:
            found[stream] = (path.name, path.stat().st_ino)
        except OSError:
            continue  # removed while it was looked at; the next look finds what replaced it
    return found


def _picture(stream: Stream, record: np.void) -> Picture:
    exposure_us = int(record["exposure_us"])
    return Picture(
        stream=stream,
        image=record["image"],
        index=int(record["index"]),
        stream_us=int(record["stream_us"]),
        exposure_us=None if exposure_us < 0 else exposure_us,
        host_ns=int(record["host_ns"]),
    )
