"""What a take lost: unwritten records, holes in the events, pictures that never came. Counts and times only.

Knows no picture and no script.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from protocol.manifest import FinishReason, Manifest, TakeStatus
from protocol.streams import Array, Stream
from recorder.inspection import frame_gaps
from recorder.measures.steps import Range
from recorder.measures.thresholds import Reading

HOLE_US = 500_000  # from here on nothing is claimed of what may have happened meanwhile; as the limit of `event_gap`
DISK = (FinishReason.DISK_FULL, FinishReason.DISK_LOW, FinishReason.DISK_STALLED, FinishReason.WRITE_ERROR)
NO_STREAMS = "The manifest lists no streams, so what was received and lost is not known."
UNREADABLE = "The manifest cannot be read, so what was received and lost is not known."
NO_MANIFEST = "The take has no manifest, so what was received and lost is not known."


def ended_early(manifest: Manifest | None, whole: bool, unreadable: bool = False) -> Reading:
    """1 for a take that is not complete, 0 for a whole one. whole: False also for one that was damaged since; unreadable:
    there is a manifest, but it cannot be read.
    """
    if manifest is None:
        return Reading(unknown=UNREADABLE if unreadable else NO_MANIFEST)
    damaged = manifest.status is TakeStatus.COMPLETE and not whole
    said = {"reason": "Its file was damaged afterwards.", "status": "partial"} if damaged else {"reason": _reason(manifest)}
    saved = saved_words({name: record.written for name, record in manifest.streams.items()})
    return Reading(float(not whole), {"status": manifest.status.value, "saved": saved, **said})


def _reason(manifest: Manifest) -> str:
    """Why it ended, in a sentence."""
    if manifest.finish_reason is FinishReason.ABORTED:
        return "The operator aborted it."
    if manifest.finish_reason is FinishReason.CAPTURE_DIED:
        return "The capture process died."  # its message also tells, in its own words, what was saved
    return manifest.finish_message.strip() or f"It ended early ({manifest.finish_reason.value.replace('_', ' ')})."


def saved_words(written: Mapping[str, int]) -> str:
    """What is on disk, as an operator calls it. written: records by name of the stream."""
    words = {
        Stream.EVENTS: "{} events",
        Stream.FRAMES: "{} grey pictures",
        Stream.RGB: "{} colour pictures",
        Stream.THERMAL: "{} thermal pictures",
    }
    told = [text.format(f"{written[stream]:,}") for stream, text in words.items() if written.get(stream)]
    return ", ".join(told) or "nothing"


def records_lost(manifest: Manifest | None, unreadable: bool = False) -> Reading:
    """Records received and not written, and those that a camera's own queue dropped, of all streams. Details: `remedy`."""
    if manifest is None:
        return Reading(unknown=UNREADABLE if unreadable else NO_MANIFEST)
    if not manifest.streams:
        return Reading(unknown=NO_STREAMS)
    if manifest.finish_reason is FinishReason.CAPTURE_DIED:
        return Reading(unknown="The capture process died, and with it what it had not written yet.")
    lost = {name: record.received - record.written + record.dropped for name, record in manifest.streams.items()}
    guilty = {name: count for name, count in lost.items() if count}
    remedy = "make room on the disk" if manifest.finish_reason in DISK else "close other programs"
    said = {"lost": guilty, "streams": ", ".join(guilty), "remedy": remedy}
    return Reading(float(sum(abs(count) for count in guilty.values())), said)


def longest_gap(t_us: NDArray[np.int64], judged: Range, pauses: Sequence[Range] = ()) -> Reading:
    """The longest time without any event, in ms. t_us: sorted [n]; judged: begins and ends with the take; pauses: where
    silence is no fault (a still sheet before a camera that filters its noise). Details: start_us.
    """
    if not len(t_us):
        return Reading(unknown="There are no events, so there is nothing between them.")
    inside = t_us[slice(*np.searchsorted(t_us, judged))]
    if len(inside) < 2:
        return Reading(unknown="There are too few events to look for holes between them.")
    intervals = np.diff(inside)
    for begin, end in pauses:
        intervals[(inside[:-1] >= begin) & (inside[1:] <= end)] = 0
    longest = int(np.argmax(intervals))
    return Reading(float(intervals[longest]) / 1000, {"start_us": int(inside[longest])})


def holes(t_us: NDArray[np.int64], judged: Range, end_us: int | None = None, pauses: Sequence[Range] = ()) -> tuple[Range, ...]:
    """Stretches of HOLE_US and more without any event, but for pauses, in time.

    t_us: sorted [n]; end_us: until when there should be events, None where that is not known.
    """
    inside = t_us[slice(*np.searchsorted(t_us, judged))]
    begins = np.flatnonzero(np.diff(inside) >= HOLE_US)
    found = [(int(inside[index]), int(inside[index + 1])) for index in begins]
    found = [hole for hole in found if not any(begin <= hole[0] and hole[1] <= end for begin, end in pauses)]
    if end_us is not None and end_us - judged[1] >= HOLE_US:
        found.append((judged[1], end_us))
    return tuple(found)


def backwards(t_us: NDArray[np.int64]) -> Reading:
    """How many events are earlier than the one before them. t_us: [n] in file order."""
    return Reading(float(np.count_nonzero(t_us[1:] < t_us[:-1])))


def outside(events: Array, resolution: tuple[int, int]) -> Reading:
    """How many events lie outside the sensor. resolution: (width, height)."""
    x, y = events["x"], events["y"]
    if not len(events) or (x.min() >= 0 and y.min() >= 0 and x.max() < resolution[0] and y.max() < resolution[1]):
        return Reading(0.0)
    return Reading(float(np.count_nonzero((x < 0) | (y < 0) | (x >= resolution[0]) | (y >= resolution[1]))))


def problems(sentences: Sequence[str]) -> Reading:
    """How many problems the files have, and the first."""
    return Reading(float(len(sentences)), {"first": sentences[0].rstrip(".") if sentences else "", "all": list(sentences)})


def pictures_lost(times_us: NDArray[np.int64], camera: str) -> Reading:
    """Share of pictures that are missing, in per cent, from intervals that are too long. times_us: [n] rising."""
    if len(times_us) < 3:
        return Reading(unknown=f"There are not enough {camera} pictures to tell whether some were lost.")
    missing = sum(gap.missing or 0 for gap in frame_gaps(times_us))
    return Reading(100.0 * missing / (missing + len(times_us)), {"lost": missing, "pictures": len(times_us)})


def longest_interval(times_us: NDArray[np.int64], camera: str) -> Reading:
    """The longest time between two pictures, in ms. times_us: [n]. Details: start_us, in the camera's own time."""
    if len(times_us) < 2:
        return Reading(unknown=f"There are not enough {camera} pictures to look for holes between them.")
    longest, start = max((after - before, before) for before, after in pairwise(times_us.tolist()))
    return Reading(longest / 1000, {"start_us": start})
