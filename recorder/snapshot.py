"""What the capture process tells ten times a second: a `Status` put together from rig, rates, room and running take.

Asks and changes nothing; knows no pipe and no file.
"""

from collections.abc import Mapping
from pathlib import Path

from protocol.streams import Stream
from recorder.messages import State, Status, StreamStatus
from recorder.rates import Rates
from recorder.recording import TakeRecording
from recorder.rig import Rig
from recorder.room import RoomWatch


def armed_status(state: State, reason: str, now_ns: int, rig: Rig | None, rates: Rates, room: RoomWatch | None) -> Status:
    """The status without a take; of cameras that were closed the streams are still told."""
    return Status(
        state=state,
        reason=reason,
        streams=_streams(rig, rates, now_ns),
        takes_free=room.takes(now_ns) if room is not None and rig is not None else None,
        event_resolution=_event_resolution(rig) if rig is not None else None,
    )


def take_status(armed: Status, recording: TakeRecording, part: Path, now_ns: int) -> Status:
    """The status of a running take. armed: what is told without it; part: the stem of its files."""
    now_us = recording.now_us(now_ns)
    running = recording.start_us is not None and now_us is not None
    changes = {
        "part": str(part),
        "step": recording.script.step,
        "steps": recording.script.steps(),
        "elapsed_us": (now_us or 0) - (recording.start_us or 0) if running else None,
        "remaining_us": recording.script.remaining_us(now_us) if now_us is not None else None,
        "streams": _of_take(armed.streams, recording),
        "queue_s": round(recording.writers.waiting_s(), 3),
    }
    return armed.model_copy(update=changes)


def _streams(rig: Rig | None, rates: Rates, now_ns: int) -> dict[str, StreamStatus]:
    """Every stream since the cameras were opened."""
    dropped = rig.dropped() if rig is not None else {}
    found = rates.status(now_ns)
    return {name: one.model_copy(update={"dropped": dropped.get(name, 0)}) for name, one in found.items()}


def _of_take(streams: Mapping[str, StreamStatus], recording: TakeRecording) -> dict[str, StreamStatus]:
    """The streams of a take: what was received and written of it, the rest since the cameras were opened."""
    counts = recording.counts()
    return {
        name: one.model_copy(update={"received": counts[name]["received"], "written": counts[name]["written"]})
        for name, one in streams.items()
        if name in counts
    }


def _event_resolution(rig: Rig) -> tuple[int, int] | None:
    return next((info.resolution for info in rig.streams() if info.stream is Stream.EVENTS), None)
