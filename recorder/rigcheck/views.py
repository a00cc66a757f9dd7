"""What a rig check looks at: the newest of all cameras at one moment, as plain data; and how it is taken from the rings.

Judges nothing; knows no window and no take.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocol.streams import EVENT_DTYPE, FRAME_STREAMS, Array, Stream
from recorder.board import newest_rings
from recorder.messages import Armed, StreamStatus
from recorder.rigprofile import LensCalibration
from recorder.ring import RingError, RingReader

EVENTS_US = 2_000_000  # hot pixels and lamps that flicker need more than a second of events
MOST_EVENTS = 1 << 21  # as many as the ring of the default settings holds
PICTURES = 4  # of each camera: what noise is shows only beside another picture, and single pictures may catch a blink
SCRIPT_MM = (300.0, 400.0)  # the default script's distance between face and cameras


@dataclass(frozen=True, eq=False)
class Snap:
    """One picture. image: [H, W] uint8 (APS), [H, W, 3] uint8 BGR, [H, W] uint16 (thermal); stream_us: the camera's own time;
    host_ns: when it reached the host.
    """

    image: NDArray[Any]
    stream_us: int
    host_ns: int


@dataclass(frozen=True, eq=False)
class RigView:
    """The rig at one moment.

    now_ns: host's monotonic clock; events: [n] of EVENT_DTYPE, the newest two seconds; resolution: (width, height) of the event
    camera; pictures: the newest few of each camera, the oldest first; streams, takes_free: of the newest `Status`; armed: None
    while no cameras are open; least_takes: with fewer the recorder starts none; deviations: sentences on what is not as in the
    rig's profile, None where there is no profile; lenses: as they were calibrated; distance_mm: (nearest, farthest) of the
    script; interocular_mm: between the subject's pupils where it was measured; masked: (x, y) of pixels known to be hot.
    """

    now_ns: int
    events: Array = field(default_factory=lambda: np.empty(0, EVENT_DTYPE))
    resolution: tuple[int, int] | None = None
    pictures: Mapping[Stream, tuple[Snap, ...]] = field(default_factory=dict)
    streams: Mapping[str, StreamStatus] = field(default_factory=dict)
    armed: Armed | None = None
    takes_free: int | None = None
    least_takes: int = 3
    deviations: tuple[str, ...] | None = None
    lenses: Mapping[Stream, LensCalibration] = field(default_factory=dict)
    distance_mm: tuple[float, float] = SCRIPT_MM
    interocular_mm: float | None = None
    masked: Sequence[tuple[int, int]] = ()


def take_view(runtime: Path, now_ns: int, **told: Any) -> RigView:
    """What the rings in the folder of a capture process hold now; `told` are the other fields of `RigView`.

    Attaches and lets go each time: once a second that costs little, and a camera that came back under another name is found.
    A ring that is missing, or goes away at this moment, is simply nothing. Copies at most 32 MiB of events.
    """
    files = newest_rings(runtime)
    events = _newest(files.get(Stream.EVENTS), MOST_EVENTS)
    events = np.empty(0, EVENT_DTYPE) if events is None or not len(events) else events
    recent = events[events["t"] > int(events["t"][-1]) - EVENTS_US] if len(events) else events
    pictures = {stream: found for stream in FRAME_STREAMS if (found := _snaps(files.get(stream)))}
    return RigView(now_ns=now_ns, events=recent, pictures=pictures, **told)


def _snaps(path: Path | None) -> tuple[Snap, ...]:
    records = _newest(path, PICTURES)
    if records is None:
        return ()
    return tuple(Snap(one["image"], int(one["stream_us"]), int(one["host_ns"])) for one in records)


def _newest(path: Path | None, count: int) -> Array | None:
    if path is None:
        return None
    try:
        with RingReader(path, from_start=True) as ring:
            return ring.newest(count).records
    except (OSError, RingError):
        return None  # removed at this very moment; the next look finds what replaced it
