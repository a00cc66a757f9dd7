"""The sheet of paper of a whole take: when it came before the event camera, when it left. Knows no frame camera and no file."""

from collections.abc import Iterator, Sequence

from protocol.analysis import PaperSeen
from protocol.manifest import Manifest
from protocol.streams import Array
from recorder.paperwatch import AFTER_US, PaperKind, PaperSighting, PaperWatch

CHUNK = 20_000  # events that the watch is given at a time: about a second of a still face
EARLY_US = 1_000_000  # who takes the paper away before being told to does so by less than this
AFTER_CUE_US = 500_000  # nobody is to hold a sheet after the cue


def look_for_paper(events: Array, resolution: tuple[int, int], manifest: Manifest | None) -> list[PaperSighting]:
    """The last sheet in events [n] of EVENT_DTYPE, clean and in order: its coming and its leaving, or what of them was seen.

    Once a sheet has gone about when it was to, or the cue was given and none is in, nobody looks further: a turning head would
    cost the watch much time, and might be taken for another sheet.
    """
    watch, t = PaperWatch(resolution), events["t"]
    found: list[PaperSighting] = []
    for chunk in _chunks(events):
        found += watch.feed(chunk)
        if _is_over(found, watch, int(chunk["t"][-1]), manifest):
            return last_sheet(found)
    return last_sheet(found + (watch.advance(int(t[-1]) + AFTER_US) if len(t) else []))


def _chunks(events: Array) -> Iterator[Array]:
    for first in range(0, len(events), CHUNK):
        yield events[first : first + CHUNK]


def _is_over(found: Sequence[PaperSighting], watch: PaperWatch, now_us: int, manifest: Manifest | None) -> bool:
    if manifest is None or watch.inside is not False:
        return False
    due_us, cue_us = manifest.t0_scheduled_us, manifest.cue_us
    in_time = due_us is not None and found[-1].at_us > due_us - EARLY_US
    return in_time or (cue_us is not None and now_us > cue_us + AFTER_CUE_US)


def last_sheet(sightings: Sequence[PaperSighting]) -> list[PaperSighting]:
    """Of all that was sighted the last coming, and the last leaving unless a sheet came after it and was left in."""
    left = [one for one in sightings if one.kind is PaperKind.OUT][-1:]
    came = [one for one in sightings if one.kind is PaperKind.IN][-1:]
    if left and came and came[0].at_us > left[0].at_us:
        left = []
    return came + left


def seen(sheet: Sequence[PaperSighting]) -> PaperSeen:
    """A sheet, as `look_for_paper` gives it, in the words of the record."""
    came = next((one for one in sheet if one.kind is PaperKind.IN), None)
    left = next((one for one in sheet if one.kind is PaperKind.OUT), None)
    return PaperSeen(
        in_us=int(came.at_us) if came else None,
        out_us=int(left.at_us) if left else None,
        uncertainty_us=int(left.uncertainty_us) if left else None,
        angle_deg=float(left.angle_deg) if left else None,
    )
