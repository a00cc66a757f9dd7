"""A copy of a data set in another folder, each file checked after it was copied.

What was recorded is never replaced: a copy that differs is told and left. Records that change (subjects, sessions, labels,
analyses) are brought up to date, and what they were is kept in the backup's `.earlier`. May be interrupted and run again.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from protocol.errors import GlimpseError
from protocol.manifest import FileRecord
from protocol.naming import (
    EVENTS_SUFFIX,
    FRAMES_SUFFIX,
    MANIFEST_SUFFIX,
    REDONE_SUFFIX,
    RGB_SUFFIX,
    THERMAL_SUFFIX,
    TakeName,
    split_filename,
)
from recorder.closing import HASH_BLOCK, sha256
from recorder.dataset import Dataset, TakeEntry
from recorder.host import free_bytes, rename_new, sync_file, sync_folder
from recorder.takefiles import pending_renames, rename_take
from recorder.verify import EARLIER, data_files, rebuilt_files

RECORDED = (EVENTS_SUFFIX, RGB_SUFFIX, THERMAL_SUFFIX, FRAMES_SUFFIX)
SAME_TIME_NS = 2_000_000_000  # FAT keeps times to two seconds (Microsoft, FAT specification 1.03)


class BackupError(GlimpseError):
    """A backup that cannot be made there."""


@dataclass(frozen=True)
class BackupStep:
    """How far it has come. path: the file that is looked at or copied; total_bytes: to copy, 0 until that is known."""

    path: Path
    done_bytes: int = 0
    total_bytes: int = 0


@dataclass(frozen=True)
class BackupProblem:
    """A file that is not, or not rightly, in the backup. path: ours; message: one sentence."""

    path: Path
    message: str


@dataclass
class BackupResult:
    """What was done. Paths are relative to the data set. kept: files that were there already; replaced: records whose earlier
    copy went to `.earlier`; renamed: takes whose copy got their new name; stopped: ended early because it was asked to.
    """

    copied: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    kept: int = 0
    copied_bytes: int = 0
    problems: list[BackupProblem] = field(default_factory=list)
    stopped: bool = False

    @property
    def whole(self) -> bool:
        """Whether everything is in the backup now."""
        return not self.problems and not self.stopped


@dataclass(frozen=True)
class _Item:
    """A file and its copy. record: what the take's manifest says of it; recorded: never changes, so is never replaced."""

    name: str
    source: Path
    target: Path
    record: FileRecord | None
    recorded: bool


class _Damaged(Exception):
    """A file, or its copy, is not what it should be."""


Progress = Callable[[BackupStep], None]
Stop = Callable[[], bool]


def backup(
    dataset: Path | str,
    folder: Path | str,
    *,
    progress: Progress = lambda _: None,
    stop: Stop = lambda: False,
    thorough: bool = False,
    now: datetime | None = None,
) -> BackupResult:
    """Copy whatever of a data set is not yet in `folder`; takes that are being written are left for the next time.

    thorough: read the copies that are there already, too, instead of trusting size and time. `stop` is asked before each block.
    Raises BackupError where the folder is no place for it, or has too little room; what fails with a single file is a problem.
    """
    ours, theirs = _checked(dataset, folder)
    result = BackupResult()
    _rename_copies(ours, theirs, result)
    missing = _missing(ours, theirs, result, progress, stop, thorough)
    total = sum(item.source.stat().st_size for item in missing if item.source.exists())
    _refuse_little_room(theirs, total)
    earlier = theirs / EARLIER / f"{now or datetime.now(UTC):%Y%m%dT%H%M%S}"
    for item in missing:
        if stop():
            result.stopped = True
            break
        _bring(item, earlier, result, partial(_tell, progress, item.source, total), stop)
    _lay_aside_marks(ours, theirs, earlier, result)
    return result


def _tell(progress: Progress, path: Path, total_bytes: int, done_bytes: int) -> None:
    progress(BackupStep(path, done_bytes, total_bytes))


def not_backed_up(dataset: Path | str, folder: Path | str) -> tuple[Path, ...]:
    """The takes (their `.aedat4`) of which something is not in the backup; all of them where there is no such folder.

    Trusts copies of the same size and time, so that it is quick.
    """
    ours = Path(dataset)
    lacking = {stem for item in _items(ours, Path(folder)) if not _seems_there(item) for stem in _stems(item.source)}
    return tuple(entry.path for entry in Dataset(ours).takes() if entry.sibling("") in lacking)


def _seems_there(item: _Item) -> bool:
    try:
        return _is_there(item, thorough=False)
    except OSError:
        return False


def _stems(path: Path) -> Iterator[Path]:
    """What the names of the take's files may begin with to which a file, or one in a folder of labels, belongs."""
    for one in (path, path.parent):
        yield one.with_name(one.name.split(".", 1)[0] or one.name)
        if split := split_filename(one.name):
            yield one.with_name(split[0])  # files from elsewhere may have dots in their names


def _checked(dataset: Path | str, folder: Path | str) -> tuple[Path, Path]:
    ours, theirs = Dataset(dataset).path.resolve(), Path(folder).resolve()
    if theirs.is_relative_to(ours) or ours.is_relative_to(theirs):
        raise BackupError(f"{folder}: lies inside the data set or around it; choose a folder on another disk.")
    if not theirs.parent.is_dir():
        raise BackupError(f"{folder}: {theirs.parent} is not there; plug the disk in, or choose another folder.")
    try:
        theirs.mkdir(exist_ok=True)
    except OSError as error:
        raise BackupError(f"{folder}: cannot be made ({error.strerror}); choose another folder.") from error
    _refuse_other_dataset(Dataset(ours), Dataset(theirs))
    return ours, theirs


def _refuse_other_dataset(ours: Dataset, theirs: Dataset) -> None:
    mine, other = ours.info, theirs.info
    if mine and other and (mine.simulated, mine.created_at) != (other.simulated, other.created_at):
        raise BackupError(f"{theirs.path}: holds another data set ({other.name}); choose an empty folder.")


def _refuse_little_room(folder: Path, wanted: int) -> None:
    free = free_bytes(folder)
    if wanted > free:
        raise BackupError(f"{folder}: {wanted / 1e9:.1f} GB are to be copied and {free / 1e9:.1f} GB are free; make room.")


def _items(ours: Path, theirs: Path) -> Iterator[_Item]:
    """Every file that belongs into the backup, in the order of the names."""
    listed = _listed(ours)
    moving = _moving_stems(ours)
    for name, source in sorted(data_files(ours).items()):
        if moving.isdisjoint(_stems(source)):
            recorded = source in listed or source.name.endswith(RECORDED)
            yield _Item(name, source, theirs / name, listed.get(source), recorded)


def _listed(ours: Path) -> Mapping[Path, FileRecord | None]:
    """Files that a take's manifest lists, and the manifests, of which nothing is listed."""
    listed: dict[Path, FileRecord | None] = {}
    for entry in Dataset(ours).takes():
        manifest = entry.manifest if entry.manifest_problem is None else None
        if manifest is None:
            continue
        rebuilt: Mapping[str, FileRecord] = {}
        with suppress(ValueError, TypeError, KeyError, AttributeError, OSError):  # `glimpse verify` tells of it
            rebuilt = rebuilt_files(entry)
        listed |= {entry.sibling(suffix): record for suffix, record in {**manifest.files, **rebuilt}.items()}
        listed[entry.sibling(MANIFEST_SUFFIX)] = None
    return listed


def _moving_stems(ours: Path) -> set[Path]:
    """Stems of takes that were being renamed when something died: `glimpse recover` finishes that first."""
    journals = ((folder, journal) for folder in Dataset(ours).folders() for journal in pending_renames(folder))
    return {folder / stem for folder, (_, old, new) in journals for stem in (old, new) if stem}


def _is_there(item: _Item, *, thorough: bool) -> bool:
    try:
        mine, copy = item.source.stat(), item.target.stat()
    except FileNotFoundError:
        return False
    if mine.st_size != copy.st_size:
        return False
    if not thorough and abs(mine.st_mtime_ns - copy.st_mtime_ns) <= SAME_TIME_NS:
        return True
    return sha256(item.target) == (item.record.sha256.lower() if item.record else sha256(item.source))


def _missing(ours: Path, theirs: Path, result: BackupResult, progress: Progress, stop: Stop, thorough: bool) -> list[_Item]:
    missing = []
    for item in _items(ours, theirs):
        if stop():
            result.stopped = True
            break
        progress(BackupStep(item.source))
        try:
            there = _is_there(item, thorough=thorough)
        except OSError as error:
            result.problems.append(BackupProblem(item.source, f"its copy cannot be read ({error.strerror})"))
            continue
        if there:
            result.kept += 1
        elif item.recorded and item.target.exists():
            message = f"its copy {item.target} has other content and was left as it is; see which of the two is right"
            result.problems.append(BackupProblem(item.source, message))
        else:
            missing.append(item)
    return missing


def _bring(item: _Item, earlier: Path, result: BackupResult, tell: Callable[[int], None], stop: Stop) -> None:
    """Copy one file and note what became of it."""
    try:
        temporary = _copied(item, lambda count: tell(result.copied_bytes + count), stop)
        if temporary is None:
            result.stopped = True
            return
        replaced = item.target.exists()
        if replaced:
            _lay_aside(item.target, earlier / item.name)
        rename_new(temporary, item.target)
        sync_folder(item.target.parent)
    except _Damaged as error:
        result.problems.append(BackupProblem(item.source, str(error)))
    except FileNotFoundError as error:
        result.problems.append(BackupProblem(item.source, f"was renamed or removed meanwhile ({error.strerror}); try again"))
    except OSError as error:
        result.problems.append(BackupProblem(item.source, f"could not be copied ({error.strerror})"))
    else:
        (result.replaced if replaced else result.copied).append(item.name)
        result.copied_bytes += item.target.stat().st_size


def _copied(item: _Item, tell: Callable[[int], None], stop: Stop) -> Path | None:
    """A checked copy under a temporary name beside its place; None when it was asked to stop."""
    item.target.parent.mkdir(parents=True, exist_ok=True)
    temporary = item.target.with_name(f".{item.target.name}.backup.tmp")
    try:
        digest = _write_copy(item.source, temporary, tell, stop)
        if digest is not None:
            _check_copy(item, temporary, digest)
            times = item.source.stat()
            os.utime(temporary, ns=(times.st_atime_ns, times.st_mtime_ns))
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if digest is None:
        temporary.unlink(missing_ok=True)
    return temporary if digest is not None else None


def _write_copy(source: Path, target: Path, tell: Callable[[int], None], stop: Stop) -> str | None:
    """Copy block by block; returns the SHA-256 of what was read."""
    digest, count = hashlib.sha256(), 0
    with source.open("rb") as reader, target.open("wb") as writer:
        while block := reader.read(HASH_BLOCK):
            if stop():
                return None
            digest.update(block)
            writer.write(block)
            count += len(block)
            tell(count)
    sync_file(target)
    return digest.hexdigest()


def _check_copy(item: _Item, copy: Path, digest: str) -> None:
    if item.record and digest != item.record.sha256.lower():
        raise _Damaged("has other content than when it was recorded (SHA-256 differs) and was not copied; see glimpse verify")
    _forget(copy)
    if sha256(copy) != digest:
        raise _Damaged("was copied, and its copy reads otherwise than it was written; do not trust the backup's disk")


def _forget(path: Path) -> None:
    """Ask the system to read the file from the disk next time; where it cannot, the check is of its memory of it."""
    if hasattr(os, "posix_fadvise"):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)


def _lay_aside(path: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    rename_new(path, place)
    sync_folder(place.parent)


def _rename_copies(ours: Path, theirs: Path, result: BackupResult) -> None:
    """Takes that were marked as noise, or no longer are, since they were copied: their copies get the same name."""
    for entry in Dataset(ours).takes():
        name = entry.name
        if name is None or name.stem != entry.sibling("").name:
            continue
        other = TakeName(name.movement_token, name.subject, name.number, noise=not name.noise)
        folder = theirs / entry.path.parent.relative_to(ours)
        if _same_take(entry, folder, other):
            try:
                rename_take(folder, other.stem, name.stem)
                result.renamed.append(entry.path.relative_to(ours).as_posix())
            except (GlimpseError, OSError) as error:
                result.problems.append(BackupProblem(entry.path, f"its copy {other.filename} could not be renamed ({error})"))


def _same_take(entry: TakeEntry, folder: Path, other: TakeName) -> bool:
    """Whether the backup has this very take under its other name only."""
    manifest, copy = entry.sibling(MANIFEST_SUFFIX), folder / f"{other.stem}{MANIFEST_SUFFIX}"
    if (folder / entry.path.name).exists() or not (copy.is_file() and manifest.is_file()):
        return False
    return not entry.path.with_name(other.filename).exists() and copy.read_bytes() == manifest.read_bytes()


def _lay_aside_marks(ours: Path, theirs: Path, earlier: Path, result: BackupResult) -> None:
    """A take that is no longer to be done again must not be so in its backup."""
    for entry in Dataset(ours).takes():
        name = entry.sibling(REDONE_SUFFIX).relative_to(ours)
        if (theirs / name).exists() and not entry.redone:
            try:
                _lay_aside(theirs / name, earlier / name)
                result.replaced.append(name.as_posix())
            except OSError as error:
                result.problems.append(BackupProblem(entry.path, f"its copy stays marked as redone ({error.strerror})"))
