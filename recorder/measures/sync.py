"""What the synchronisation of a take says about it: the paper, and how far the frame cameras' clocks are known.

Computes no alignment; knows no picture.
"""

from protocol.analysis import ClockAlignment, PaperSeen, SyncStatus
from protocol.manifest import Manifest
from protocol.script import Action
from recorder.measures.thresholds import Reading

SEEN, MISSING, LEFT_IN = 0, 1, 2  # values of the measure `paper`

NOT_ALIGNED_MS = 3_000.0  # cameras that were started one after the other differ by 1 to 3 s
HOW = {
    SyncStatus.HOST: "by the computer's clock only",
    SyncStatus.NONE: "not at all",
    SyncStatus.PAPER: "with unknown uncertainty",
    SyncStatus.MOTION: "with unknown uncertainty",
}


def paper(seen: PaperSeen, manifest: Manifest | None, holes: bool = False) -> Reading:
    """SEEN where the paper came and went, MISSING where none came, LEFT_IN where it stayed.

    holes: whether events are missing, so that what was not seen may have happened nevertheless.
    """
    if holes and seen.out_us is None:
        return Reading(unknown="Events are missing, so whether the paper came and went is not known.")
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
