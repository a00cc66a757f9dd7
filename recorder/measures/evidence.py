"""What a take's measures are computed from, read once: events, a few pictures, times of all, what others found out.

Judges nothing. What a take does not have, or what cannot be read of it, is empty or None.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocol.analysis import PaperSeen
from protocol.errors import GlimpseError
from protocol.manifest import Manifest, TakeStatus
from protocol.streams import Array, Stream
from recorder.activity import Activity, clean_events, count_activity, hot_pixels
from recorder.dataset import TakeEntry
from recorder.inspection import count_problems
from recorder.measures.light import Picture
from recorder.measures.steps import Phases, Range, judged_range, phases, slice_of
from recorder.measures.sync import look_for_paper
from recorder.measures.thermal import freezes
from recorder.take import Take

BIN_US = 10_000  # of the counts by tile: no measure that uses them asks for less than some tens of ms
SAMPLE_US = 250_000  # the pictures of this long are looked at for the light: some six of an event camera
MOST_PICTURES = 6
PICTURE_STREAMS = (Stream.FRAMES, Stream.RGB)  # the event camera's own first: its view is the one that counts


@dataclass(frozen=True)
class Evidence:
    """What is there of one take.

    whole: complete, and not damaged since; movement: asked for; raw: events in file order; events: those on the sensor, sorted;
    phases, activity: None without events; activity: without the hot pixels, in bins of 10 ms; paper: as the events show it;
    pictures: some of the face at rest; rgb_us, thermal_us: the pictures' own times; frozen: ranges in which the thermal picture
    stood still, None without any.
    """

    manifest: Manifest | None
    whole: bool
    movement: str | None
    resolution: tuple[int, int]
    raw: Array
    events: Array
    hot: NDArray[np.bool_]
    phases: Phases | None
    activity: Activity | None
    paper: PaperSeen
    pictures: tuple[Picture, ...]
    rgb_us: NDArray[np.int64]
    thermal_us: NDArray[np.int64]
    frozen: tuple[Range, ...] | None
    problems: tuple[str, ...]


def gather(take: Take, paper: PaperSeen | None) -> Evidence:
    """Read a take. paper: as the events show it, None to look for it now. Raises Aedat4Error where nothing can be read."""
    entry = TakeEntry.at(take.path)  # asked for nothing that would read the manifest a second time
    manifest = take.manifest if take.manifest_problem is None else None
    raw = take.events()
    resolution = take.resolution(Stream.EVENTS) or _extent(raw)
    events = clean_events(raw, resolution)
    judged = judged_range(events)
    hot = hot_pixels(events, resolution)
    paper = paper or look_for_paper(events, resolution, manifest.t0_scheduled_us if manifest else None)
    parts = phases(judged, manifest, paper) if judged else None
    return Evidence(
        manifest=manifest,
        whole=manifest is not None and manifest.status is TakeStatus.COMPLETE and not entry.rebuilt,
        movement=entry.name.movement_token if entry.name else manifest.movement if manifest else None,
        resolution=resolution,
        raw=raw,
        events=events,
        hot=hot,
        phases=parts,
        activity=_activity(events, resolution, hot, judged) if judged else None,
        paper=paper,
        pictures=_pictures(take, parts),
        rgb_us=take.frame_times(Stream.RGB),
        thermal_us=take.frame_times(Stream.THERMAL),
        frozen=_frozen(take),
        problems=tuple(dict.fromkeys((*take.problems, *count_problems(take)))),
    )


def _extent(events: Array) -> tuple[int, int]:
    """Width and height that hold all events, for a file that does not tell its resolution."""
    return (int(events["x"].max()) + 1, int(events["y"].max()) + 1) if len(events) else (1, 1)


def _activity(events: Array, resolution: tuple[int, int], hot: NDArray[np.bool_], judged: Range) -> Activity:
    return count_activity(slice_of(events, judged), resolution, bin_us=BIN_US, hot=hot, span_us=judged)


def _pictures(take: Take, parts: Phases | None) -> tuple[Picture, ...]:
    for stream in PICTURE_STREAMS:
        times = take.frame_times(stream)
        if not len(times):
            continue
        begin, end = (int(times.min()), int(times.max()) + 1) if parts is None else parts.quiet or parts.watched
        # A colour camera's clock may be seconds off; the middle of the quiet part still shows the face most likely.
        nearest = int(times[np.argmin(np.abs(times - (begin + end) // 2))])
        found = _read(take, stream, nearest - SAMPLE_US // 2, nearest + SAMPLE_US // 2)
        if found:
            return found
    return ()


def _read(take: Take, stream: Stream, begin_us: int, end_us: int) -> tuple[Picture, ...]:
    found: list[Picture] = []
    try:
        for _, image in take.frames(stream, begin_us, end_us):
            if image.dtype == np.uint8:
                found.append(np.asarray(image, np.uint8))
            if len(found) == MOST_PICTURES:
                break
    except GlimpseError:
        return tuple(found)  # a damaged picture; the take's problems tell of it
    return tuple(found)


def _frozen(take: Take) -> tuple[Range, ...] | None:
    if not len(take.frame_times(Stream.THERMAL)):
        return None
    try:
        return freezes((t, np.asarray(image, np.uint16)) for t, image in take.frames(Stream.THERMAL))
    except GlimpseError:
        return None  # a damaged picture; the take's problems tell of it
