"""What a crash left behind, made whole: interrupted renames finished, `.part` takes salvaged, truncated files rebuilt.

Raw files are never edited once they have their name: a damaged one is kept as `.damaged.aedat4` beside what was saved.
Never touches a take whose writer is alive, or belongs to another machine unless `take_over` says so.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from protocol.errors import GlimpseError
from protocol.manifest import FinishReason, Manifest, StreamRecord, TakeStatus
from protocol.naming import (
    DAMAGED_SUFFIX,
    EVENTS_SUFFIX,
    FRAMES_SUFFIX,
    LOCK_SUFFIX,
    MANIFEST_SUFFIX,
    PART,
    RECOVERY_SUFFIX,
    RGB_SUFFIX,
    THERMAL_SUFFIX,
    TakeName,
    parse_stem,
)
from protocol.schema import SchemaError
from protocol.streams import Stream
from recorder.aedat4.errors import Aedat4Error
from recorder.aedat4.reader import Aedat4File
from recorder.aedat4.salvage import SalvageReport, salvage, salvage_copy
from recorder.closing import file_records, sha256
from recorder.frametable import FrameTableWriter, read_frame_table
from recorder.host import ProcessId, create_exclusive, rename_new, sync_folder, write_atomic
from recorder.measures.streams import saved_words
from recorder.software import software
from recorder.takefiles import Reservation, TakeFilesError, finish_renames, rename_take, siblings
from recorder.takewriters import BALLAST_SUFFIX
from recorder.video import VideoReader

CLAIM = ".recovering"  # names the process that recovers a folder
UNREADABLE_SUFFIX = ".unreadable"
REBUILT_SUFFIX = f".rebuilt{PART}{EVENTS_SUFFIX}"
VIDEOS = {Stream.RGB: RGB_SUFFIX, Stream.THERMAL: THERMAL_SUFFIX}


@dataclass(frozen=True)
class Outcome:
    """What became of one left-over. path: the saved take, or what was looked at; saved: whether it is whole now."""

    path: Path
    text: str
    saved: bool


def recover_folder(folder: Path, *, take_over: bool = False) -> Iterator[Outcome]:
    """Recover everything in one subject's folder. Problems with one take never stop the others."""
    with _alone(folder) as busy:
        if busy:
            yield busy
            return
        yield from _recover_all(folder, take_over)


def _recover_all(folder: Path, take_over: bool) -> Iterator[Outcome]:
    for stem in finish_renames(folder, take_over=take_over):
        yield Outcome(folder / (stem + EVENTS_SUFFIX), "an interrupted rename was finished", True)
    yield from _finish_rebuilds(folder)
    for stem in sorted(_unfinished(folder)):
        yield _recover_one(folder, stem, take_over)
    for path in sorted(folder.glob(f"*{EVENTS_SUFFIX}")):
        if _is_whole_name(path) and (outcome := rebuild_truncated(path)):
            yield outcome


def _finish_rebuilds(folder: Path) -> Iterator[Outcome]:
    """A crash in `_rebuild` leaves a rebuilt file without a name, or one that was never finished."""
    for rebuilt in sorted(folder.glob(f"*{REBUILT_SUFFIX}")):
        path = folder / (rebuilt.name.removesuffix(REBUILT_SUFFIX) + EVENTS_SUFFIX)
        if path.exists():
            rebuilt.unlink()
        else:
            rename_new(rebuilt, path)
            yield Outcome(path, "an interrupted rebuild was finished", True)


def _is_whole_name(path: Path) -> bool:
    return not path.name.endswith((PART + EVENTS_SUFFIX, DAMAGED_SUFFIX))


def _unfinished(folder: Path) -> set[str]:
    """The stems, without `.part`, of takes that have a lock or `.part` files."""
    locks = {path.name.removesuffix(LOCK_SUFFIX) for path in folder.glob(f"*{LOCK_SUFFIX}")}
    parts = (path.name for path in folder.glob(f"*{PART}.*") if not path.name.startswith("."))
    return locks | {name.split(f"{PART}.", 1)[0] for name in parts}


def unfinished(folder: Path) -> tuple[str, ...]:
    """The stems of a subject's takes that a crash left unfinished; those that are being recorded now are none of them."""
    return tuple(stem for stem in sorted(_unfinished(folder)) if _held(folder / f"{stem}{LOCK_SUFFIX}", False) is None)


def recover_take(folder: Path, stem: str, *, take_over: bool = False) -> Outcome:
    """Salvage one interrupted take and give it its name, marked partial; what holds nothing is removed."""
    with _alone(folder) as busy:
        return busy or _recover_one(folder, stem, take_over)


@contextmanager
def _alone(folder: Path) -> Iterator[Outcome | None]:
    """Let one recovery at a time into a folder; gives what to say when another, living one is at it."""
    claim = folder / CLAIM
    if not _claimed(claim):
        yield Outcome(folder, "is being recovered by another process now; left alone", False)
        return
    try:
        yield None
    finally:
        claim.unlink(missing_ok=True)


def _claimed(claim: Path) -> bool:
    mine = ProcessId.current().to_json() + "\n"
    if not os.access(claim.parent, os.W_OK) or create_exclusive(claim, mine):
        return True  # where nothing can be written nothing can be done twice
    owner = ProcessId.from_json(claim.read_text(encoding="utf-8", errors="replace"))
    if owner is not None and owner.is_alive() is not False:
        return False
    aside = claim.with_name(f"{CLAIM}.{ProcessId.current().pid}")
    claim.rename(aside)  # of two that find it dead only one can
    aside.unlink()
    return create_exclusive(claim, mine)


def _recover_one(folder: Path, stem: str, take_over: bool) -> Outcome:
    lock = folder / f"{stem}{LOCK_SUFFIX}"
    if reason := _held(lock, take_over):
        return Outcome(lock, reason, False)
    try:
        finish_renames(folder, take_over=take_over)  # it may have died while it gave the files their names
        return _salvage_take(folder, parse_stem(stem), lock)
    except (GlimpseError, OSError) as error:
        return Outcome(folder / f"{stem}{PART}{EVENTS_SUFFIX}", f"could not be recovered: {error}", False)


def _held(lock: Path, take_over: bool) -> str | None:
    """Why the take is not ours to touch; None when its writer is dead."""
    try:
        owner = ProcessId.from_json(lock.read_text(encoding="utf-8", errors="replace"))
    except FileNotFoundError:
        return None
    alive = owner.is_alive() if owner else False
    if alive:
        return "is being recorded now; left alone"
    if alive is None and not take_over:
        return "belongs to another machine; when that one no longer records, use --take-over"
    return None


def _salvage_take(folder: Path, name: TakeName, lock: Path) -> Outcome:
    part = f"{name.stem}{PART}"
    for worthless in (folder / f"{part}{BALLAST_SUFFIX}", *folder.glob(f".{part}.*.tmp")):
        worthless.unlink(missing_ok=True)
    events = folder / f"{part}{EVENTS_SUFFIX}"
    if not siblings(folder, part):
        return _without_parts(folder, name, lock)
    if not events.exists():
        return Outcome(events, "its event file is missing; the other files were left as they are", False)
    provisional = _provisional(folder / f"{part}{MANIFEST_SUFFIX}", name)
    report = _salvaged(events)
    counts = _counts(folder, part)
    if not any(counts.values()):
        Reservation(folder, name).discard()
        return Outcome(events, "held no data; its files were removed", True)
    manifest = _partial_manifest(folder, provisional, part, counts, report.lost_bytes)
    write_atomic(folder / f"{part}{MANIFEST_SUFFIX}", manifest.to_json())
    rename_take(folder, part, name.stem)
    lock.unlink(missing_ok=True)
    return Outcome(folder / (name.stem + EVENTS_SUFFIX), manifest.finish_message, True)


def _without_parts(folder: Path, name: TakeName, lock: Path) -> Outcome:
    """It died before the first file, or after the last had its name."""
    path = folder / (name.stem + EVENTS_SUFFIX)
    if path.exists():
        lock.unlink(missing_ok=True)
        return Outcome(path, "was whole; the lock left over was removed", True)
    Reservation(folder, name).discard()
    return Outcome(lock, "only its name had been reserved; the lock was removed", True)


def _salvaged(events: Path) -> SalvageReport:
    """Finish the file in place; one that is damaged before its end is kept beside what can be read of it."""
    try:
        return salvage(events)
    except Aedat4Error:
        rebuilt, report = _rebuilt_beside(events)
        _swap(events, rebuilt)
        return report


def _counts(folder: Path, part: str) -> dict[Stream, int]:
    """What can be read of each stream; `frames.csv` is cut to the pictures that are there."""
    with Aedat4File(folder / f"{part}{EVENTS_SUFFIX}") as file:
        counts = {stream: file.count(stream) for stream in file.streams}
    for stream, suffix in VIDEOS.items():
        path = folder / f"{part}{suffix}"
        if path.exists():
            counts[stream] = _pictures(path)
    return _trim_frame_table(folder / f"{part}{FRAMES_SUFFIX}", counts)


def _pictures(path: Path) -> int:
    """How many pictures decode; a video without a single one is kept aside under another name."""
    try:
        with VideoReader(path) as video:
            return len(video)
    except GlimpseError:
        path.rename(path.with_name(path.name + UNREADABLE_SUFFIX))
        return 0


def _trim_frame_table(path: Path, counts: dict[Stream, int]) -> dict[Stream, int]:
    """Rewrite the table with the rows whose pictures are there; a picture without a row has no time and does not count."""
    if not path.exists():
        return {stream: count for stream, count in counts.items() if stream not in VIDEOS}
    table = read_frame_table(path)
    trimmed = path.with_name(f"{path.name}.tmp")
    trimmed.unlink(missing_ok=True)
    with FrameTableWriter(trimmed) as writer:
        for stream, rows in table.items():
            for row in rows[: counts.get(Stream(stream), 0)]:
                exposure = None if row["exposure_us"] < 0 else int(row["exposure_us"])
                writer.append(stream, int(row["index"]), int(row["stream_us"]), exposure, int(row["host_ns"]))
    trimmed.replace(path)
    return {
        stream: min(count, len(table.get(stream.value, ()))) if stream in VIDEOS else count for stream, count in counts.items()
    }


def _partial_manifest(folder: Path, manifest: Manifest, part: str, counts: dict[Stream, int], lost_bytes: int) -> Manifest:
    saved = saved_words({stream.value: count for stream, count in counts.items()})
    lost = f" {lost_bytes} bytes that could not be read were left out." if lost_bytes else ""
    update = {
        "status": TakeStatus.PARTIAL,
        "finish_message": f"{manifest.finish_message} Saved: {saved}.{lost}".strip(),
        "streams": {stream.value: _stream_record(manifest, stream, count) for stream, count in counts.items()},
        "files": {suffix: record for suffix, record in file_records(folder, part).items() if suffix != DAMAGED_SUFFIX},
    }
    return manifest.model_copy(update=update)


def _provisional(path: Path, name: TakeName) -> Manifest:
    """The manifest that the capture process left, else one that says only what the name says.

    Raises SchemaError where a newer Glimpse wrote it: it holds what this one cannot keep.
    """
    try:
        return Manifest.parse(path.read_bytes(), str(path))
    except (SchemaError, FileNotFoundError) as error:
        if _is_newer(path):
            raise
        return Manifest(
            movement=name.movement_token,
            subject=name.subject,
            number=name.number,
            status=TakeStatus.PARTIAL,
            finish_reason=FinishReason.CAPTURE_DIED,
            finish_message="The capture process died.",
            recorded_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            notices=(
                f"The manifest was made anew when the take was recovered ({error}); recorded_at is the time of recovery.",
            ),
            software=software(),
        )


def _is_newer(path: Path) -> bool:
    try:
        return int(str(json.loads(path.read_bytes())["version"]).split(".")[0]) > Manifest.VERSION[0]
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _stream_record(manifest: Manifest, stream: Stream, count: int) -> StreamRecord:
    known = manifest.streams.get(stream.value)
    if known is None:
        return StreamRecord(received=count, written=count)
    return known.model_copy(update={"received": max(known.received, count), "written": count})


def rebuild_truncated(path: Path) -> Outcome | None:
    """Rebuild a finished `.aedat4` that was cut off or damaged later; None when there is nothing to do."""
    try:
        with Aedat4File(path) as file:
            if file.has_table or file.header.table_position < 0:
                return None
        return _rebuild(path)
    except (GlimpseError, OSError) as error:
        return Outcome(path, f"could not be recovered: {error}", False)


def _rebuild(path: Path) -> Outcome:
    stem = path.name.removesuffix(EVENTS_SUFFIX)
    rebuilt, report = _rebuilt_beside(path)
    text = (
        f"rebuilt with {report.events} events in {report.packets} packets; the damaged file is kept as {stem}{DAMAGED_SUFFIX}"
    )
    record = {
        "text": text,
        "lost_bytes": report.lost_bytes,
        "files": {EVENTS_SUFFIX: {"bytes": rebuilt.stat().st_size, "sha256": sha256(rebuilt)}},
    }
    # Before the files change their names, so that a crash in between leaves no rebuilt file that nothing tells of.
    write_atomic(path.with_name(stem + RECOVERY_SUFFIX), json.dumps(record, indent=2) + "\n")
    _swap(path, rebuilt)
    return Outcome(path, text, True)


def _rebuilt_beside(path: Path) -> tuple[Path, SalvageReport]:
    """A new file with what can be read of a damaged one."""
    damaged, rebuilt = _damaged_name(path), path.with_name(path.name.removesuffix(EVENTS_SUFFIX) + REBUILT_SUFFIX)
    if damaged.exists() and not damaged.samefile(path):
        raise TakeFilesError(f"{damaged}: is kept from an earlier recovery and stands in the way; move it elsewhere.")
    rebuilt.unlink(missing_ok=True)
    return rebuilt, salvage_copy(path, rebuilt)


def _damaged_name(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(EVENTS_SUFFIX) + DAMAGED_SUFFIX)


def _swap(path: Path, rebuilt: Path) -> None:
    """The damaged file leaves its name before the rebuilt one takes it; in between `_finish_rebuilds` finds both again."""
    rename_new(path, _damaged_name(path))
    rename_new(rebuilt, path)
    sync_folder(path.parent)
