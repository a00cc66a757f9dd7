"""Whether a data set is still what was recorded: checksums, counts, siblings, left-overs, vanished takes, a backup.

Reads only. What must be looked into is a finding; what is merely worth saying is a note.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

from protocol.errors import GlimpseError
from protocol.manifest import FileRecord, Manifest
from protocol.naming import (
    ANALYSIS_SUFFIX,
    DAMAGED_SUFFIX,
    EVENTS_SUFFIX,
    LABELS_SUFFIX,
    LOCK_SUFFIX,
    MANIFEST_SUFFIX,
    PART,
    RECOVERY_SUFFIX,
    REDONE_SUFFIX,
    SESSION_SUFFIX,
    TAKE_SUFFIXES,
    TakeName,
    split_filename,
)
from recorder.closing import sha256
from recorder.dataset import DATASET_FILE, RIG_FILE, SUBJECTS_FILE, Dataset, TakeEntry
from recorder.host import ProcessId
from recorder.inspection import count_problems
from recorder.rigprofile import load_profile
from recorder.sessionstore import read_session
from recorder.subject_store import SubjectStore
from recorder.take import Take
from recorder.takefiles import DISCARDED, JOURNAL_SUFFIX, LEDGER, ledger, name_of

# Beside a take and not in its manifest: written after it, or kept for safety.
LATER_SUFFIXES = (MANIFEST_SUFFIX, ANALYSIS_SUFFIX, LABELS_SUFFIX, REDONE_SUFFIX, DAMAGED_SUFFIX, RECOVERY_SUFFIX)
EARLIER = ".earlier"  # folder of a backup: records that were replaced by newer ones


class Kind(StrEnum):
    """What a finding is about."""

    MISSING = "missing"
    SIZE = "size"
    CHECKSUM = "checksum"
    COUNT = "count"
    NAME = "name"
    UNREADABLE = "unreadable"
    MANIFEST = "manifest"
    UNEXPECTED = "unexpected"
    LEFTOVER = "leftover"
    LOCK = "lock"
    VANISHED = "vanished"
    NO_MANIFEST = "no_manifest"
    BACKUP_MISSING = "backup_missing"
    BACKUP_DIFFERS = "backup_differs"
    BACKUP_EXTRA = "backup_extra"


@dataclass(frozen=True)
class Finding:
    """One thing found. path: the file or folder; message: one sentence on what is wrong with it."""

    path: Path
    kind: Kind
    message: str
    is_note: bool = False


def verify_take(entry: TakeEntry) -> Iterator[Finding]:
    """Everything about one take that does not need the others."""
    if entry.manifest_problem is not None:
        yield Finding(entry.sibling(MANIFEST_SUFFIX), Kind.MANIFEST, entry.manifest_problem)
    elif entry.manifest is None:
        yield Finding(entry.path, Kind.NO_MANIFEST, "has no manifest, so only its readability was checked", is_note=True)
    else:
        yield from _against_manifest(entry, entry.manifest)
    yield from _readable(entry)


def _against_manifest(entry: TakeEntry, manifest: Manifest) -> Iterator[Finding]:
    told = (manifest.movement, manifest.subject, manifest.number)
    if entry.name and told != (entry.name.movement_token, entry.name.subject, entry.name.number):
        yield Finding(
            entry.path, Kind.NAME, "is called otherwise than its manifest says: {}, subject {}, take {}".format(*told)
        )
    try:
        rebuilt = rebuilt_files(entry)
    except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        rebuilt = {}
        yield Finding(entry.sibling(RECOVERY_SUFFIX), Kind.UNREADABLE, f"cannot be read ({error})")
    for suffix, record in {**manifest.files, **rebuilt}.items():
        if suffix not in TAKE_SUFFIXES:
            yield Finding(entry.sibling(MANIFEST_SUFFIX), Kind.MANIFEST, f"lists {suffix!r}, which is no file of a take")
        elif (finding := _against_record(entry.sibling(suffix), record)) is not None:
            yield finding


def rebuilt_files(entry: TakeEntry) -> dict[str, FileRecord]:
    """Size and checksum of what `glimpse recover` has rebuilt: they stand for those of the manifest, which is never changed.

    Raises ValueError, TypeError, KeyError, AttributeError or OSError where its record cannot be read.
    """
    if not entry.rebuilt:
        return {}
    data = json.loads(entry.sibling(RECOVERY_SUFFIX).read_bytes())
    return {str(suffix): FileRecord.model_validate(record) for suffix, record in data["files"].items()}


def _against_record(path: Path, record: FileRecord) -> Finding | None:
    try:
        size = path.stat().st_size
        if size != record.bytes:
            return Finding(path, Kind.SIZE, f"has {size} bytes where its manifest says {record.bytes}")
        if sha256(path) != record.sha256.lower():
            return Finding(path, Kind.CHECKSUM, "has other content than when it was recorded (SHA-256 differs)")
    except FileNotFoundError:
        return Finding(path, Kind.MISSING, "is listed in the manifest but missing")
    except OSError as error:
        return Finding(path, Kind.UNREADABLE, f"cannot be read ({error.strerror})")
    return None


def _readable(entry: TakeEntry) -> Iterator[Finding]:
    try:
        with Take(entry.path) as take:
            # What a rebuilt file has lost was told when it was rebuilt, and cannot be mended any more.
            yield from (Finding(entry.path, Kind.COUNT, problem, is_note=entry.rebuilt) for problem in count_problems(take))
            said = (take.manifest_problem, *take.missing())  # told above, each with its own file
            yield from (Finding(entry.path, Kind.UNREADABLE, problem) for problem in take.problems if problem not in said)
    except GlimpseError as error:
        yield Finding(entry.path, Kind.UNREADABLE, str(error))


def verify_records(dataset: Dataset) -> Iterator[Finding]:
    """Whether the data set's own records can be read: what it is, who was recorded, the rig, the sessions."""
    readers: list[tuple[Path, Callable[[], object]]] = [
        (dataset.path / DATASET_FILE, lambda: dataset.info),
        (dataset.path / SUBJECTS_FILE, SubjectStore(dataset.path).records),
        (dataset.path / RIG_FILE, partial(load_profile, dataset.path)),
    ]
    sessions = [path for folder in dataset.folders() for path in sorted(folder.glob(f"*{SESSION_SUFFIX}"))]
    readers += [(path, partial(read_session, path)) for path in sessions]
    for path, read in readers:
        try:
            read()
        except GlimpseError as error:
            yield Finding(path, Kind.UNREADABLE, f"cannot be used: {error}")


def verify_folders(dataset: Dataset, entries: Sequence[TakeEntry]) -> Iterator[Finding]:
    """What lies around in the data set's folders: left-overs, locks, files of no take, reserved numbers without a file."""
    known = {entry.sibling(""): entry for entry in entries}
    for folder in dataset.folders():
        paths = sorted(folder.iterdir())
        for path in paths:
            finding = _leftover(path) or _unexpected(path, known)
            if finding is not None:
                yield finding
        yield from _vanished(folder, paths)


def _leftover(path: Path) -> Finding | None:
    if path.name.startswith(".") and path.name.endswith(".tmp"):
        return Finding(path, Kind.LEFTOVER, "is left over from an interrupted write; remove it")
    if path.name.endswith(JOURNAL_SUFFIX):
        return Finding(path, Kind.LEFTOVER, "is left over from an interrupted renaming; run glimpse recover")
    if path.name.endswith(LOCK_SUFFIX):
        return _lock(path)
    if f"{PART}." in path.name and not _owner_lives(path.with_name(path.name.split(PART)[0] + LOCK_SUFFIX)):
        return Finding(path, Kind.LEFTOVER, "is left over from an interrupted recording; run glimpse recover")
    return None


def _lock(path: Path) -> Finding:
    if _owner_lives(path):
        return Finding(path, Kind.LOCK, "is in use by a program that runs at this moment", is_note=True)
    return Finding(path, Kind.LOCK, "is left over from a program that ended or runs on another machine; see glimpse recover")


def _owner_lives(lock: Path) -> bool:
    try:
        owner = ProcessId.from_json(lock.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return False
    return owner is not None and owner.is_alive() is True


def _unexpected(path: Path, known: dict[Path, TakeEntry]) -> Finding | None:
    """A file that is called like one of a take, but whose take is not there or does not list it."""
    stem = _stem(path)
    if name_of(path) is None and path.parent / stem not in known:
        return None
    entry = known.get(path.parent / stem)
    suffix = path.name[len(stem) :]
    if f"{PART}." in path.name or suffix in (EVENTS_SUFFIX, LOCK_SUFFIX, JOURNAL_SUFFIX):
        return None
    if entry is None:
        return Finding(path, Kind.UNEXPECTED, f"belongs to no take: {stem}{EVENTS_SUFFIX} is missing")
    if suffix in LATER_SUFFIXES or entry.manifest_problem is not None:
        return None
    listed = entry.manifest.files if entry.manifest else TAKE_SUFFIXES
    return None if suffix in listed else Finding(path, Kind.UNEXPECTED, "is not listed in the manifest of its take")


def _stem(path: Path) -> str:
    """What comes before the suffix; suffixes that are not those of a take count too where the name is that of one."""
    if name_of(path) is not None:
        return path.name.split(".", 1)[0]
    split = split_filename(path.name)
    return split[0] if split else path.name.split(".", 1)[0]


def _vanished(folder: Path, paths: Sequence[Path]) -> Iterator[Finding]:
    try:
        reserved, discarded = ledger(folder), _discarded(folder)
    except (GlimpseError, OSError, UnicodeDecodeError) as error:
        yield Finding(folder / LEDGER, Kind.UNREADABLE, f"cannot be read ({error})")
        return
    there = {_key(name) for path in paths if (name := name_of(path))}
    for name in dict.fromkeys(reserved):
        if _key(name) not in there and _key(name) not in discarded:
            yield Finding(
                folder / name.filename, Kind.VANISHED, f"was begun (its number is in {LEDGER}) but no file of it is left"
            )


def _key(name: TakeName) -> tuple[str, int]:
    return name.movement_token, name.number


def _discarded(folder: Path) -> set[tuple[str, int]]:
    path = folder / LEDGER
    rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    return {(row[0], int(row[1])) for row in rows if len(row) == 3 and row[2] == DISCARDED and row[1].isdecimal()}


def backup_pairs(dataset: Path, backup: Path) -> list[tuple[Path | None, Path | None]]:
    """(file, its copy) for every file of either folder, None where there is none; temporary and unfinished files left out."""
    ours, theirs = data_files(dataset), data_files(backup)
    return [(ours.get(name), theirs.get(name)) for name in sorted(ours | theirs)]


def data_files(folder: Path) -> dict[str, Path]:
    """Every file that a backup holds, by its path in the folder: temporary, unfinished and earlier ones left out."""
    passing = (LOCK_SUFFIX, JOURNAL_SUFFIX, ".tmp")
    files = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    return {
        relative.as_posix(): path
        for relative, path in files.items()
        if not path.name.endswith(passing) and f"{PART}." not in path.name and relative.parts[0] != EARLIER
    }


def compare(ours: Path | None, theirs: Path | None) -> Finding | None:
    """One pair of `backup_pairs`: None when both are there with the same content."""
    if ours is None or theirs is None:
        if ours is not None:
            return Finding(ours, Kind.BACKUP_MISSING, "is not in the backup")
        assert theirs is not None
        return Finding(theirs, Kind.BACKUP_EXTRA, "is in the backup only")
    try:
        same = ours.stat().st_size == theirs.stat().st_size and sha256(ours) == sha256(theirs)
    except OSError as error:
        return Finding(theirs, Kind.UNREADABLE, f"cannot be compared ({error.strerror})")
    return None if same else Finding(theirs, Kind.BACKUP_DIFFERS, f"differs from {ours}")
