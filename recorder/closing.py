"""From a take that has ended to files with their final names: counts reconciled, checksums, manifest, commit."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from protocol.errors import GlimpseError
from protocol.manifest import Device, FileRecord, FinishReason, Manifest, TakeStatus
from protocol.naming import EVENTS_SUFFIX, LABELS_SUFFIX, MANIFEST_SUFFIX, PART
from protocol.streams import Stream
from recorder.host import write_atomic
from recorder.messages import TakeDone, TakeRequest
from recorder.recording import Ending, OpenCamera, TakeRecording
from recorder.software import software
from recorder.takefiles import Reservation, siblings

HASH_BLOCK = 1 << 20
NOT_LISTED = (MANIFEST_SUFFIX, LABELS_SUFFIX, ".unreadable")  # the manifest itself, what comes later, what nobody can open
WHOLE = (FinishReason.SCRIPT_ENDED, FinishReason.STOPPED)


@dataclass(frozen=True)
class TakeContext:
    """What is known of a take before its first packet. recorded_at: ISO 8601 wall clock."""

    request: TakeRequest
    reservation: Reservation
    recorded_at: str
    speed: str


def provisional(context: TakeContext, take: TakeRecording) -> Manifest:
    """The manifest as it must read if the capture process dies now."""
    # Without the truth: until the actor has seen the prompts it is that of the take before.
    died = Ending(FinishReason.CAPTURE_DIED, "The capture process died.")
    return _manifest(context, take, TakeStatus.PARTIAL, died)


def save_provisional(context: TakeContext, manifest: Manifest) -> None:
    """Put it beside the `.part` files."""
    write_atomic(context.reservation.part(MANIFEST_SUFFIX), manifest.to_json())


def status_of(ending: Ending, counts: Mapping[str, Mapping[str, int]]) -> TakeStatus:
    """The status: failed when data were lost or nothing came at all; else complete or partial by how it ended."""
    if any(count["received"] != count["written"] or count.get("dropped") for count in counts.values()):
        return TakeStatus.FAILED
    if not any(count["received"] for count in counts.values()):
        return TakeStatus.FAILED
    return TakeStatus.COMPLETE if ending.reason in WHOLE else TakeStatus.PARTIAL


def close_take(context: TakeContext, take: TakeRecording, drain_s: float) -> TakeDone:
    """Write what is queued, close the files, reconcile, commit. Call once, when the take has ended and is shut."""
    ending = take.ending or Ending(FinishReason.INTERNAL_ERROR, "The take was closed before it ended.")
    if not take.writers.close(drain_s):
        message = f"{ending.message} The disk has not taken the rest within {drain_s:g} s; run `glimpse recover` when it does."
        return _done(context, None, TakeStatus.FAILED, Ending(FinishReason.DISK_STALLED, message.strip()), take)
    if not any(tally.received for tally in take.tallies.values()):
        context.reservation.discard()
        return _done(context, None, TakeStatus.FAILED, ending, take)
    status = status_of(ending, take.counts())
    if error := take.writers.error():
        status = TakeStatus.FAILED
        if ending.reason in WHOLE:
            ending = Ending(FinishReason.WRITE_ERROR, f"Closing the files failed: {error}.")
    return _commit(context, take, status, ending)


def defective(context: TakeContext, take: TakeRecording, error: Exception) -> TakeDone:
    """What is said of a take that a defect kept from being closed: its `.part` files are there."""
    message = f"The take could not be closed ({error}); run `glimpse recover` on the data set, and report this."
    return _done(context, None, TakeStatus.FAILED, Ending(FinishReason.INTERNAL_ERROR, message), take)


def _commit(context: TakeContext, take: TakeRecording, status: TakeStatus, ending: Ending) -> TakeDone:
    try:
        files = file_records(context.reservation.folder, f"{context.reservation.name.stem}{PART}")
        manifest = _manifest(context, take, status, ending, files, _truth(take))
        save_provisional(context, manifest)
        context.reservation.commit()
    except (OSError, GlimpseError) as error:
        message = f"{ending.message} The take could not be given its name ({error}); run `glimpse recover` on the data set."
        return _done(context, None, TakeStatus.FAILED, Ending(FinishReason.WRITE_ERROR, message.strip()), take)
    return _done(context, context.reservation.final(EVENTS_SUFFIX), status, ending, take)


def _done(context: TakeContext, path: Path | None, status: TakeStatus, ending: Ending, take: TakeRecording) -> TakeDone:
    return TakeDone(
        path=str(path) if path else None,
        manifest=str(context.reservation.final(MANIFEST_SUFFIX)) if path else None,
        status=status,
        finish_reason=ending.reason,
        message=ending.message,
        counts=take.counts(),
    )


def _manifest(
    context: TakeContext,
    take: TakeRecording,
    status: TakeStatus,
    ending: Ending,
    files: Mapping[str, FileRecord] | None = None,
    truth: Mapping[str, object] | None = None,
) -> Manifest:
    request, name, script = context.request, context.reservation.name, take.script
    return Manifest(
        movement=name.movement_token,
        subject=name.subject,
        number=name.number,
        status=status,
        finish_reason=ending.reason,
        finish_message=ending.message,
        recorded_at=context.recorded_at,
        simulated=any(camera.info.simulated for camera in take.cameras),
        speed=context.speed,
        script=request.script.model_dump(mode="json"),
        language=request.language,
        order_seed=request.order_seed,
        person=request.person,
        practice=request.practice,
        repetition=request.repetition,
        rig_check=request.rig_check,
        profile=request.profile,
        devices=tuple(device_record(camera) for camera in take.cameras),
        streams=take.stream_records(),
        steps=script.steps(),
        start_us=take.start_us,
        t0_us=script.t0_us,
        t0_scheduled_us=script.t0_scheduled_us,
        cue_us=script.cue_us,
        stop_us=script.stop_us,
        gaps=take.gaps(),
        notices=tuple(take.notices),
        files=files or {},
        truth=truth,
        software=software(),
    )


def device_record(camera: OpenCamera) -> Device:
    """What the manifest says of an open camera."""
    info = camera.info
    return Device(
        kind=info.kind,
        name=info.name,
        serial=info.serial,
        spec=camera.spec,
        simulated=info.simulated,
        settings=info.settings,
        warnings=info.warnings,
    )


def _truth(take: TakeRecording) -> Mapping[str, object] | None:
    """A simulator's ground truth of just the events that the take holds; None where the script never began."""
    if take.start_us is None:
        return None
    events = take.tallies.get(Stream.EVENTS)
    first_us, last_us = (events.first_us, events.last_us) if events else (None, None)
    return next((camera.info.truth(first_us, last_us) for camera in take.cameras if camera.info.truth), None)


def file_records(folder: Path, stem: str) -> dict[str, FileRecord]:
    """Size and checksum of every file of a stem but its manifest, keyed by suffix."""
    paths = (path for path in siblings(folder, stem) if path.is_file() and not path.name.endswith(NOT_LISTED))
    return {path.name[len(stem) :]: FileRecord(bytes=path.stat().st_size, sha256=sha256(path)) for path in paths}


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()
