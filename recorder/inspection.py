"""What is in a take, and what is wrong with it: counts, times, rates, gaps, problems. Reads only; judges no quality."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocol.errors import GlimpseError
from protocol.naming import EVENTS_SUFFIX, LOCK_SUFFIX, PART
from protocol.streams import FRAME_STREAMS, VIDEO_STREAMS, Array, Stream
from recorder.dataset import TakeEntry
from recorder.take import Take
from recorder.takefiles import JOURNAL_SUFFIX

SILENCE_US = 100_000  # a longer stretch without any event is told: a living face gives thousands of events a second
PEAK_WINDOW_US = 10_000
FRAME_GAP = 1.5  # intervals of more than this many median intervals have lost a picture


@dataclass(frozen=True)
class GapReport:
    """A stretch in which a stream gave nothing. missing: pictures that would have fitted in, None for events."""

    start_us: int
    end_us: int
    missing: int | None = None


@dataclass(frozen=True)
class StreamReport:
    """One stream of a take. count: what can be read; rates per second; on_share, outside: of events only.

    mean_per_s: (count - 1) / duration; peak_per_s: the fullest 10 ms; outside: events that lie outside the resolution.
    """

    count: int = 0
    first_us: int | None = None
    last_us: int | None = None
    resolution: tuple[int, int] | None = None
    duration_us: int | None = None
    mean_per_s: float | None = None
    peak_per_s: float | None = None
    on_share: float | None = None
    outside: int | None = None
    gaps: tuple[GapReport, ...] = ()


@dataclass(frozen=True)
class TakeReport:
    """A whole take. readable: False where nothing at all could be read, and `problems` tells why."""

    path: str
    readable: bool
    streams: dict[str, StreamReport]
    problems: tuple[str, ...]
    status: str | None = None
    movement: str | None = None
    subject: int | None = None
    number: int | None = None
    left_out: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As JSON values, in the shape that docs and other programs rely on."""
        return asdict(self)


@dataclass
class EventScan:
    """What one pass over the events finds; add the packets in file order."""

    resolution: tuple[int, int] | None
    count: int = 0
    on: int = 0
    outside: int = 0
    backwards: int = 0
    peak: int = 0
    gaps: list[GapReport] = field(default_factory=list)
    _last_us: int | None = None
    _window: tuple[int, int] = (0, 0)  # the last 10 ms window and the events in it so far

    def add(self, events: Array) -> None:
        """One packet, n >= 1."""
        t = events["t"]
        self.count += len(events)
        self.on += int(np.count_nonzero(events["p"] > 0))
        self.outside += _outside(events, self.resolution)
        self.backwards += int(np.count_nonzero(t[1:] < t[:-1]))
        self._add_gaps(t)
        self._add_windows(t // PEAK_WINDOW_US)
        self._last_us = int(t[-1])

    def _add_gaps(self, t: NDArray[np.int64]) -> None:
        if self._last_us is not None and int(t[0]) - self._last_us > SILENCE_US:
            self.gaps.append(GapReport(self._last_us, int(t[0])))
        long = np.flatnonzero(t[1:].astype(np.float64) - t[:-1] > SILENCE_US)  # float: no int64 wraps around
        self.gaps += [GapReport(int(t[index]), int(t[index + 1])) for index in long]

    def _add_windows(self, windows: NDArray[np.int64]) -> None:
        numbers, counts = np.unique(windows, return_counts=True)
        if int(numbers[0]) == self._window[0]:
            counts[0] += self._window[1]
        self.peak = max(self.peak, int(counts.max()))
        self._window = (int(numbers[-1]), int(counts[-1]))


def _outside(events: Array, resolution: tuple[int, int] | None) -> int:
    if resolution is None:
        return 0
    x, y = events["x"], events["y"]
    return int(np.count_nonzero((x < 0) | (y < 0) | (x >= resolution[0]) | (y >= resolution[1])))


def inspect_take(entry: TakeEntry) -> TakeReport:
    """Read the whole take once and report. An unreadable take is a report too; nothing is raised for what is in a file."""
    try:
        with Take(entry.path) as take:
            scan = scan_events(take)
            streams = {stream.value: _stream(take, stream, scan) for stream in Stream}
            problems = tuple(
                dict.fromkeys((*take.problems, *_event_problems(scan), *_leftovers(take.path), *count_problems(take)))
            )
            return _report(entry, True, streams, problems)
    except GlimpseError as error:
        return _report(entry, False, {stream.value: StreamReport() for stream in Stream}, (str(error), *_leftovers(entry.path)))


def _report(entry: TakeEntry, readable: bool, streams: dict[str, StreamReport], problems: tuple[str, ...]) -> TakeReport:
    status = entry.status
    return TakeReport(
        path=str(entry.path),
        readable=readable,
        streams=streams,
        problems=problems,
        status=status.value if status else None,
        movement=entry.movement,
        subject=entry.subject,
        number=entry.name.number if entry.name else None,
        left_out=tuple(sorted(reason.value for reason in entry.left_out)),
    )


def scan_events(take: Take) -> EventScan:
    """One pass over all events. Raises Aedat4Error where the file cannot be read."""
    scan = EventScan(take.resolution(Stream.EVENTS))
    for events in take.iter_events():
        scan.add(events)
    return scan


def _stream(take: Take, stream: Stream, scan: EventScan) -> StreamReport:
    span = take.time_range(stream)
    count = take.count(stream)
    duration_us = span[1] - span[0] if span else None
    events = stream is Stream.EVENTS
    return StreamReport(
        count=count,
        first_us=span[0] if span else None,
        last_us=span[1] if span else None,
        resolution=take.resolution(stream),
        duration_us=duration_us,
        mean_per_s=(count - 1) * 1e6 / duration_us if duration_us else None,
        peak_per_s=scan.peak * 1e6 / PEAK_WINDOW_US if events and count else None,
        on_share=scan.on / scan.count if events and scan.count else None,
        outside=scan.outside if events else None,
        gaps=tuple(scan.gaps) if events else frame_gaps(take.frame_times(stream)) if stream in FRAME_STREAMS else (),
    )


def frame_gaps(times_us: NDArray[np.int64]) -> tuple[GapReport, ...]:
    """Intervals longer than FRAME_GAP median intervals, with the number of pictures that would have fitted in."""
    if len(times_us) < 3:
        return ()
    intervals = np.diff(times_us.astype(np.float64))
    usual = float(np.median(intervals))
    if usual <= 0:
        return ()
    long = np.flatnonzero(intervals > FRAME_GAP * usual)
    return tuple(GapReport(int(times_us[i]), int(times_us[i + 1]), round(intervals[i] / usual) - 1) for i in long)


def _event_problems(scan: EventScan) -> Iterator[str]:
    if scan.count == 0:
        yield "it holds no events"
    if scan.outside and scan.resolution:
        yield f"{scan.outside} events lie outside the {scan.resolution[0]} x {scan.resolution[1]} pixels"
    if scan.backwards:
        yield f"{scan.backwards} events are out of order: each is earlier than the one before it"


def _leftovers(path: Path) -> tuple[str, ...]:
    """What an interrupted recording or renaming of this very take left beside it."""
    stem = path.name.removesuffix(EVENTS_SUFFIX)
    names = [item.name for item in path.parent.iterdir() if item.name.startswith(f"{stem}.")]
    left = [name for name in names if name in (stem + LOCK_SUFFIX, stem + JOURNAL_SUFFIX) or f"{PART}." in name]
    return tuple(f"{name} is left over; run glimpse recover" for name in sorted(left))


def count_problems(take: Take) -> tuple[str, ...]:
    """Where files, frames.csv and manifest disagree on how much there is."""
    return (*_against_frame_table(take), *_against_manifest(take))


def _against_frame_table(take: Take) -> Iterator[str]:
    for stream in FRAME_STREAMS:
        rows = take.frame_table.get(stream)
        if rows is None:
            continue
        count = take.count(stream)
        where = f"{stream.value} video" if stream in VIDEO_STREAMS else "recording"
        if len(rows) != count:
            yield f"{stream.value}: frames.csv has {len(rows)} rows, the {where} {count} pictures"
        times_us = rows["stream_us"]
        if np.any(times_us[1:] <= times_us[:-1]):
            yield f"{stream.value}: the times in frames.csv do not rise everywhere"


def _against_manifest(take: Take) -> Iterator[str]:
    manifest = take.manifest if take.manifest_problem is None else None
    known = {stream.value: stream for stream in Stream}
    for name, record in manifest.streams.items() if manifest else ():
        if name not in known:
            yield f"the manifest lists {name!r}, which is no stream"
        elif record.written != take.count(known[name]):
            yield f"{name}: the manifest says {record.written} were written, the files hold {take.count(known[name])}"
