"""What the synchronisation of a take says about it: the paper, and how far the frame cameras' clocks are known.

Computes no alignment; knows no picture.
"""

from collections.abc import Iterator, Sequence

from protocol.analysis import ClockAlignment, PaperSeen, SyncStatus
from protocol.manifest import Manifest
from protocol.script import Action
from protocol.streams import Array
from recorder.measures.thresholds import Reading
from recorder.paperwatch import AFTER_US, PaperKind, PaperSighting, PaperWatch

EARLY_US = 1_000_000  # who takes the paper away before being told to does so by less than this
CHUNK = 20_000  # events that the watch is given at a time: about a second of a still face
SEEN, MISSING, LEFT_IN = 0, 1, 2  # values of the measure `paper`

NOT_ALIGNED_MS = 3_000.0  # cameras that were started one after the other differ by 1 to 3 s
HOW = {
    SyncStatus.HOST: "by the computer's clock only",
    SyncStatus.NONE: "not at all",
    SyncStatus.PAPER: "with unknown uncertainty",
    SyncStatus.MOTION: "with unknown uncertainty",
}


def look_for_paper(events: Array, resolution: tuple[int, int], t0_scheduled_us: int | None) -> PaperSeen:
    """The last sheet that came and went, or came and stayed, in events [n] of EVENT_DTYPE, sorted.

    Once a sheet has gone about when it was to, nobody looks further: a turning head would cost the watch much time.
    """
    watch, t = PaperWatch(resolution), events["t"]
    found: list[PaperSighting] = []
    for chunk in _chunks(events):
        found += watch.feed(chunk)
        last = found[-1] if found else None
        if last and last.kind is PaperKind.OUT and t0_scheduled_us is not None and last.at_us > t0_scheduled_us - EARLY_US:
            return last_sheet(found)
    return last_sheet(found + watch.advance(int(t[-1]) + AFTER_US) if len(t) else found)


def _chunks(events: Array) -> Iterator[Array]:
    t = events["t"]
    for first in range(0, len(t), CHUNK):
        yield events[first : first + CHUNK]


def last_sheet(sightings: Sequence[PaperSighting]) -> PaperSeen:
    """The last sheet of all that was sighted: one that came after the last one left was left in."""
    came = next((one for one in reversed(sightings) if one.kind is PaperKind.IN), None)
    left = next((one for one in reversed(sightings) if one.kind is PaperKind.OUT), None)
    if left is None or (came is not None and came.at_us > left.at_us):
        return PaperSeen() if came is None else PaperSeen(in_us=int(came.at_us))
    return PaperSeen(
        in_us=None if came is None else int(came.at_us),
        out_us=int(left.at_us),
        uncertainty_us=int(left.uncertainty_us),
        angle_deg=float(left.angle_deg),
    )


def paper(seen: PaperSeen, manifest: Manifest | None) -> Reading:
    """SEEN where the paper came and went, MISSING where none came, LEFT_IN where it stayed."""
    if seen.in_us is None and seen.out_us is None:
        asked = manifest is not None and any(step.action == Action.PAPER_IN.value for step in manifest.steps)
        return Reading(float(MISSING)) if asked else Reading(unknown="No sheet of paper was asked for, and none was seen.")
    return Reading(float(LEFT_IN if seen.out_us is None else SEEN))


def alignment(clock: ClockAlignment | None, camera: str, pictures: int = 1) -> Reading:
    """Half width of the 95 % interval of a camera's offset, in ms; NOT_ALIGNED_MS where at most the host's clock is known.

    pictures: how many the take has. Details: `status` and `flags` of the alignment; `how`: the same in words.
    """
    if clock is None:
        compared = f"The {camera} camera's clock has not been compared yet; run `glimpse sync`."
        return Reading(unknown=compared if pictures else f"The take has no {camera} pictures.")
    details = {"status": clock.status.value, "flags": [flag.value for flag in clock.flags]}
    if clock.status not in (SyncStatus.PAPER, SyncStatus.MOTION) or clock.uncertainty_us is None:
        return Reading(NOT_ALIGNED_MS, {**details, "how": HOW[clock.status]})
    return Reading(clock.uncertainty_us / 1000, {**details, "how": f"to {clock.uncertainty_us / 1000:.0f} ms only"})
