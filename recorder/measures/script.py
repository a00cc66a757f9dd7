"""Whether the times of the script that a manifest tells can be believed, and whether the events go on to its end.

Knows no picture and no movement. All times are int64 us of event time; those of a manifest may be anything.
"""

from collections.abc import Iterator

from protocol.manifest import FinishReason, Manifest, TakeStatus
from recorder.measures.steps import LONGEST_US, Range
from recorder.measures.thresholds import Reading

SLACK_US = 1_000_000  # between a script's times and the first or last event of a still scene
MISSING, OUTSIDE = "are missing from the manifest", "lie outside the recording"
BY_SCRIPT = (FinishReason.SCRIPT_ENDED, FinishReason.STOPPED)
WITHOUT_TIMES = {"steps": (), "start_us": None, "t0_us": None, "t0_scheduled_us": None, "cue_us": None, "stop_us": None}


def believed(manifest: Manifest | None, judged: Range | None) -> Manifest | None:
    """The manifest, without its times where they lie. judged: of the events, None where there are none."""
    if manifest is None or judged is None or not _lying(manifest, judged):
        return manifest
    return manifest.model_copy(update=WITHOUT_TIMES)


def cut_short(manifest: Manifest | None) -> bool:
    """Whether a take ended before its script did, so that what was to come says nothing. manifest: as it is on disk."""
    return manifest is not None and manifest.status is not TakeStatus.COMPLETE and manifest.finish_reason not in BY_SCRIPT


def script_times(manifest: Manifest | None, judged: Range | None) -> Reading:
    """How many of the script's times lie outside the recording, 1 where they are missing. Details: `how`, in words.

    manifest: as it is on disk; judged: of the events, None where there are none.
    """
    if manifest is None:
        return Reading(unknown="Without a manifest the times of the script are not known.")
    if not (manifest.steps or manifest.script or manifest.finish_reason in BY_SCRIPT):
        return Reading(unknown="The take was made without a script.")
    if judged is None:
        return Reading(unknown="There are no events with which the script's times could be compared.")
    if manifest.status is TakeStatus.COMPLETE and _is_missing(manifest):
        return Reading(1.0, {"how": MISSING})
    return Reading(float(_lying(manifest, judged)), {"how": OUTSIDE})


def event_end(manifest: Manifest | None, judged: Range | None) -> Reading:
    """How long before the script's end the last event is, in ms; 0 where events come after it. manifest: as `believed`."""
    end_us = script_end(manifest)
    if judged is None or end_us is None:
        return Reading(unknown="When the script ended is not known, so whether the events go on to its end is not known.")
    return Reading(max(0.0, (end_us - judged[1]) / 1000))


def script_end(manifest: Manifest | None) -> int | None:
    """When the script of a whole take ended, None where none is known. manifest: as `believed`."""
    whole = manifest is not None and manifest.steps and manifest.status is TakeStatus.COMPLETE
    return manifest.stop_us if manifest is not None and whole else None


def _is_missing(manifest: Manifest) -> bool:
    return not manifest.steps or (manifest.script.get("cue") is not None and manifest.cue_us is None)


def _lying(manifest: Manifest, judged: Range) -> int:
    """How many times cannot be true: all where none is within the recording, else those farther from it than takes are long.

    A file that was cut off has lost its end, so a script that begins in it and ends after it does not lie.
    """
    told = list(_told(manifest))
    far = [t for t in told if not judged[0] - LONGEST_US <= t <= judged[1] + LONGEST_US]
    inside = any(judged[0] - SLACK_US <= t <= judged[1] + SLACK_US for t in told)
    return len(far) if inside else len(told)


def _told(manifest: Manifest) -> Iterator[int]:
    yield from (step.at_us for step in manifest.steps)
    others = (manifest.start_us, manifest.t0_us, manifest.t0_scheduled_us, manifest.cue_us, manifest.stop_us)
    yield from (t for t in others if t is not None)
