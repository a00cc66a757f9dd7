"""The takes of a data set as the formats need them: times of pictures on the event clock, the span of the recording.

Opens takes and their analysis; knows no format.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from protocol.analysis import ClockAlignment
from protocol.errors import GlimpseError
from protocol.naming import EVENTS_SUFFIX, RGB_SUFFIX
from protocol.streams import Stream
from recorder.analysisstore import read_analysis
from recorder.browse.pictures import stream_times
from recorder.dataset import TakeEntry
from recorder.exchange.base import Book, FrameClock, Recording
from recorder.take import Take

NOT_ALIGNED = "the colour camera's clock is not aligned (run glimpse sync --write)"


def take_name(root: Path, entry: TakeEntry) -> str:
    """What a take is called in exchanged files: its path in the data set without suffix, folders separated by "/"."""
    return entry.path.relative_to(root).as_posix().removesuffix(EVENTS_SUFFIX)


def open_book(root: Path, entries: Sequence[TakeEntry]) -> Book:
    """A book of these takes, each opened when it is first asked for."""
    return Book({take_name(root, entry): partial(recording_of, root, entry) for entry in entries})


def recording_of(root: Path, entry: TakeEntry) -> Recording:
    """What is known of one take. What cannot be read of it is left out; a recording without events has no span."""
    with Take(entry.path) as take:
        span = _span(take)
        frames = _frame_clock(take)
    first_us, last_us = span or (None, None)
    return Recording(
        name=take_name(root, entry),
        subject=entry.subject,
        movement=entry.movement,
        number=entry.name.number if entry.name else None,
        first_us=first_us,
        last_us=last_us,
        frames=frames,
        media=entry.sibling(RGB_SUFFIX).name if frames is not None and frames.stream is Stream.RGB else None,
    )


def _span(take: Take) -> tuple[int, int] | None:
    try:
        return take.time_range(Stream.EVENTS)
    except (GlimpseError, OSError):
        return None


def _frame_clock(take: Take) -> FrameClock | None:
    """Of the colour camera; of the event camera's own pictures where there is none."""
    for stream in (Stream.RGB, Stream.FRAMES):
        try:
            times = stream_times(take, stream)  # of the table beside the video, which is not read through for it
        except (GlimpseError, OSError):
            continue
        if len(times):
            return _aligned(take, times) if stream is Stream.RGB else FrameClock(stream, tuple(times.tolist()))
    return None


def _aligned(take: Take, times: NDArray[np.int64]) -> FrameClock:
    try:
        analysis = read_analysis(take.path)
    except (GlimpseError, OSError):
        analysis = None
    clock = analysis.sync.rgb if analysis and analysis.sync else None
    if clock is None or clock.offset_us is None:
        return FrameClock(Stream.RGB, tuple(times.tolist()), NOT_ALIGNED)
    return FrameClock(Stream.RGB, tuple(event_times(times, clock).tolist()))


def event_times(stream_us: NDArray[np.int64], clock: ClockAlignment) -> NDArray[np.int64]:
    """Event time [n] of stream times [n]: t = s + drift_ppm * 1e-6 * (s - reference) with s = stream_us + offset_us."""
    shifted = stream_us + np.int64(clock.offset_us or 0)
    if clock.drift_ppm is None or clock.reference_us is None:
        return shifted
    stretch = clock.drift_ppm * 1e-6 * (shifted - np.int64(clock.reference_us)).astype(np.float64)
    return shifted + np.rint(stretch).astype(np.int64)
