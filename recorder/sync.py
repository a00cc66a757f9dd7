"""The clocks of a take's colour and thermal cameras against its event clock: by the sheet of paper, by all that moves, by the
host's clock, and by the other takes of the session. Says how sure it is, and "not synchronised" where it cannot know.

Reads takes, never their ground truth; writes nothing. recorder/alignment/ has the methods.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np

from protocol.analysis import ClockAlignment, PaperSeen, SyncFlag, SyncRecord
from protocol.manifest import Device, Manifest
from protocol.streams import EVENT_DTYPE, Array, Stream
from recorder import papersearch
from recorder.activity import clean_events, count_activity, hot_pixels
from recorder.alignment.camera import CameraInput, examine
from recorder.alignment.cover_read import read_pictures
from recorder.alignment.decision import CameraEvidence, decide
from recorder.alignment.edge import Front
from recorder.alignment.host import Arrivals
from recorder.alignment.motion_increments import moving_events
from recorder.alignment.paper import OWN_CLOCK_US, ClockGuess, Slide, calibrated, find_fronts, spans_us
from recorder.alignment.paper_geometry import Geometry, unknown_rig
from recorder.alignment.paper_session import with_common_rig
from recorder.alignment.session import Drift, SessionLine, fit_session, pooled_drift
from recorder.dataset import TakeEntry
from recorder.paperwatch import PaperKind, PaperSighting
from recorder.take import Take

CAMERAS = (Stream.RGB, Stream.THERMAL)
BIN_US = 1_000
LONGEST_US = 300_000_000  # of events that are looked at: the counts of longer recordings would fill the memory
MOST_EVENTS = 40_000_000  # looked at: 0.6 GB, twice that while they are read; a lamp that flickers gives three times as many
BEFORE_DUE = 0.7  # share of a stretch of them that lies before the paper is to leave: it came two seconds earlier
AROUND_PAPER_US = 100_000
AROUND_SLIDE_US = 30_000  # the edge as the watch saw it may be that much early or late


@dataclass(frozen=True)
class TakeEvidence:
    """What one take alone says. cameras: by stream, without those that it has no pictures of; sessions: by stream, what takes
    that share a clock have in common, None where the take tells no session.
    """

    paper: PaperSeen = field(default_factory=PaperSeen)
    cameras: Mapping[Stream, CameraEvidence] = field(default_factory=dict)
    sessions: Mapping[Stream, Hashable | None] = field(default_factory=dict)


class Outcome(Protocol):
    """What a runner gives for each take: a dataclass with the result, None where the take could not be read."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def result(self) -> Any:
        """What came of it."""


@dataclass(frozen=True)
class Synchronised:
    """One take's result."""

    entry: TakeEntry
    result: Any = None


D = TypeVar("D", bound=Outcome)
Runner = Callable[[Callable[[Path], TakeEvidence], Sequence[TakeEntry]], list[D]]


def sync_take(take: Take) -> SyncRecord:
    """The alignment of one take by itself. Raises Aedat4Error where its events cannot be read at all."""
    return combine([gather(take)])[0]


def sync_takes(entries: Sequence[TakeEntry], run: Runner[D]) -> list[D]:
    """The alignments of many takes: each by itself, by `run`, then those of a session together.

    run: does the work on every take, such as in several processes, and says what came of each, in order. Returns the same with
    a SyncRecord as the result.
    """
    done = run(gather_path, entries)
    known = [one for one in done if one.result is not None]
    records = iter(combine([one.result for one in known]))
    return [one if one.result is None else replace(one, result=next(records)) for one in done]


def one_by_one(work: Callable[[Path], TakeEvidence], entries: Sequence[TakeEntry]) -> list[Synchronised]:
    """The simplest runner: here and now; lets every error through."""
    return [Synchronised(entry, work(entry.path)) for entry in entries]


def gather_path(path: Path, *, by_paper: bool = True) -> TakeEvidence:
    """`gather` of the take at a path."""
    with Take(path) as take:
        return gather(take, by_paper=by_paper)


def gather(take: Take, *, by_paper: bool = True) -> TakeEvidence:
    """Everything that the take alone says. Raises Aedat4Error where its events cannot be read at all.

    by_paper: False: nothing of the sheet is used, only what happens once it has gone, to see what movement is worth.
    """
    manifest = take.manifest if take.manifest_problem is None else None
    resolution = take.resolution(Stream.EVENTS)
    events = clean_events(_read(take, manifest), resolution) if resolution else np.zeros(0, EVENT_DTYPE)
    events = _middle(events)
    sheet = papersearch.look_for_paper(events, resolution, manifest) if resolution else []
    if not by_paper:
        events, sheet = _after(sheet, events), []
    seen = papersearch.seen(sheet)
    streams = [stream for stream in CAMERAS if take.count(stream)]
    if not streams or resolution is None:
        return TakeEvidence(seen)
    reference_us = _reference_us(seen, manifest, events)
    fronts = tuple(_fronts(take, events, resolution, sheet))
    hot = hot_pixels(events, resolution)
    activity = count_activity(events, resolution, bin_us=BIN_US, hot=hot)
    cameras = {}
    for stream in streams:
        given = CameraInput(
            take,
            stream,
            reference_us,
            partial(moving_events, events, resolution, hot),
            activity,
            fronts,
            _papered(sheet, events),
            _event_arrivals(manifest),
            _readout_us(manifest, stream),
            _rig(manifest, stream),
            Drift(),
            seen.in_us is not None and seen.out_us is None,
        )
        found = examine(given)
        if found is not None:
            cameras[stream] = found
    return TakeEvidence(seen, cameras, {stream: _session(manifest, stream) for stream in cameras})


def _read(take: Take, manifest: Manifest | None) -> Array:
    """All events; of a flood those about when the paper is to leave, else those in the middle, in file order."""
    count, span = take.count(Stream.EVENTS), take.time_range(Stream.EVENTS)
    if count <= MOST_EVENTS or span is None:
        return take.events()
    length = (span[1] - span[0]) * MOST_EVENTS // count
    due_us = manifest.t0_scheduled_us if manifest else None
    about = due_us if due_us is not None and span[0] <= due_us <= span[1] else sum(span) // 2
    begin = max(span[0], min(about - round(BEFORE_DUE * length), span[1] - length))
    parts, room = [], MOST_EVENTS
    for part in take.iter_events(begin, begin + length):  # where times jump, so many may come in a short stretch
        parts.append(part[:room])
        room -= len(parts[-1])
        if not room:
            break
    return np.concatenate(parts) if parts else np.zeros(0, EVENT_DTYPE)


def _middle(events: Array) -> Array:
    """The events of LONGEST_US around the middle one: a clock that jumped does not make it longer."""
    if not len(events):
        return events
    middle = int(events["t"][len(events) // 2])
    first, last = np.searchsorted(events["t"], (middle - LONGEST_US // 2, middle + LONGEST_US // 2))
    return events[int(first) : int(last)]


def _after(sheet: Sequence[PaperSighting], events: Array) -> Array:
    return events[events["t"] > _papered(sheet, events)[0][1]] if sheet else events


def _papered(sheet: Sequence[PaperSighting], events: Array) -> tuple[tuple[int, int], ...]:
    """The stretch of event time in which the sheet or the hand with it may be seen; to the end where it did not leave."""
    if not sheet or not len(events):
        return ()
    begin = sheet[0].begin_us if sheet[0].kind is PaperKind.IN else int(events["t"][0])
    end = sheet[-1].end_us if sheet[-1].kind is PaperKind.OUT else int(events["t"][-1])
    return ((begin - AROUND_PAPER_US, end + AROUND_PAPER_US),)


def _reference_us(seen: PaperSeen, manifest: Manifest | None, events: Array) -> int:
    """t0: as the events show it, else as the manifest has it, else the first event."""
    if seen.out_us is not None:
        return seen.out_us
    if manifest is not None and manifest.t0_us is not None:
        return manifest.t0_us
    if len(events):
        return int(events["t"][0])
    start = manifest.streams["events"].first_us if manifest and "events" in manifest.streams else None
    return start or 0


def _fronts(take: Take, events: Array, resolution: tuple[int, int], sheet: Sequence[PaperSighting]) -> list[Front]:
    slides = [
        Slide(one.begin_us - AROUND_SLIDE_US, one.end_us + AROUND_SLIDE_US, leaves=one.kind is PaperKind.OUT, sighting=one)
        for one in sheet
    ]
    fronts = find_fronts(events, resolution, slides)
    if not fronts or not take.count(Stream.FRAMES):
        return fronts
    own = ClockGuess(0.0, fronts[0].origin_us, OWN_CLOCK_US, 0.0, 0.01)
    return calibrated(fronts, read_pictures(take, Stream.FRAMES, spans_us(fronts, own)))


def _event_arrivals(manifest: Manifest | None) -> Arrivals | None:
    record = manifest.streams.get(Stream.EVENTS.value) if manifest else None
    return Arrivals.of_pairs(record.clock_fit.pairs) if record and record.clock_fit and record.clock_fit.pairs else None


def _device(manifest: Manifest | None, stream: Stream) -> Device | None:
    record = manifest.streams.get(stream.value) if manifest else None
    return manifest.devices[record.device] if manifest and record and 0 <= record.device < len(manifest.devices) else None


def _readout_us(manifest: Manifest | None, stream: Stream) -> float | None:
    """Of the camera's rows as its settings tell it; thermal cameras of this kind have all rows nearly at once."""
    if stream is Stream.THERMAL:
        return 0.0
    device = _device(manifest, stream)
    settings = device.settings if device else {}
    own = settings.get(stream.value, settings)
    readout = own.get("readout_us") if isinstance(own, Mapping) else None
    return float(readout) if isinstance(readout, int | float) and readout >= 0 else None


def _rig(manifest: Manifest | None, stream: Stream) -> Geometry:
    return unknown_rig(_readout_us(manifest, stream), rolling=stream is not Stream.THERMAL)


def _session(manifest: Manifest | None, stream: Stream) -> Hashable | None:
    """Takes of which this is equal may share the clocks of this camera and of the event camera."""
    person = manifest.person if manifest else None
    if manifest is None or person is None or person.session is None:
        return None
    named = [_device(manifest, one) for one in (Stream.EVENTS, stream)]
    return (person.session, stream.value, *((device.kind, device.name, device.serial) if device else None for device in named))


def combine(takes: Sequence[TakeEvidence]) -> list[SyncRecord]:
    """The alignments, takes of a session together."""
    by_camera: dict[Stream, list[ClockAlignment | None]] = {stream: _combined(takes, stream) for stream in CAMERAS}
    return [
        SyncRecord(paper=take.paper, rgb=by_camera[Stream.RGB][index], thermal=by_camera[Stream.THERMAL][index])
        for index, take in enumerate(takes)
    ]


def _combined(takes: Sequence[TakeEvidence], stream: Stream) -> list[ClockAlignment | None]:
    groups: dict[Hashable, list[int]] = {}
    for index, take in enumerate(takes):
        if stream in take.cameras:
            label = take.sessions.get(stream)
            groups.setdefault(("alone", index) if label is None else label, []).append(index)
    found: list[ClockAlignment | None] = [None] * len(takes)
    for members in groups.values():
        for index, alignment in zip(members, _session_of([takes[i].cameras[stream] for i in members]), strict=True):
            found[index] = alignment
    return found


def _session_of(cameras: Sequence[CameraEvidence]) -> list[ClockAlignment]:
    """The alignments of the takes of one session."""
    cameras = with_common_rig(cameras)
    offsets = [camera.best() for camera in cameras]
    known = [offset for offset in offsets if offset is not None]
    line = fit_session(known)
    drift = line.drift if line is not None else pooled_drift([camera.own_offset() for camera in cameras])
    on_line = iter(line.on_line if line is not None else ())
    off = [offset is not None and line is not None and not next(on_line) for offset in offsets]
    return [_with_session(camera, drift, line, strays) for camera, strays in zip(cameras, off, strict=True)]


def _with_session(camera: CameraEvidence, drift: Drift, line: SessionLine | None, strays: bool) -> ClockAlignment:
    flags = (*camera.flags, SyncFlag.OFF_SESSION) if strays else camera.flags
    return decide(replace(camera, flags=flags), drift, line)
