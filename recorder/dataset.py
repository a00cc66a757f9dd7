"""A folder of takes: its `dataset.json`, the takes in it, and which of them are used by default.

Opens no recording: a take's manifest is read when it is asked for. A folder holding only `*.aedat4` files from elsewhere
is a data set too.
"""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from protocol.errors import GlimpseError
from protocol.manifest import Manifest, TakeStatus
from protocol.naming import (
    DAMAGED_SUFFIX,
    EVENTS_SUFFIX,
    MANIFEST_SUFFIX,
    RECOVERY_SUFFIX,
    REDONE_SUFFIX,
    BadTakeName,
    TakeName,
    is_part,
    parse_stem,
)
from protocol.schema import SchemaError
from protocol.subjects import DatasetInfo
from recorder.host import create_exclusive, sync_folder

DATASET_FILE = "dataset.json"
SUBJECTS_FILE = "subjects.csv"
RIG_FILE = "rig.json"  # how the rig is set up for every session


class DatasetError(GlimpseError):
    """A folder that is not, or cannot become, a data set."""


class LeftOut(StrEnum):
    """Why training, evaluation, the label queue and export do not use a take unless told to."""

    PARTIAL = "partial"
    FAILED = "failed"
    REDONE = "redone"
    NOISE = "noise"
    PRACTICE = "practice"


@dataclass(frozen=True)
class TakeEntry:
    """One take of a data set, not opened. path: its `.aedat4`; name: None where the file is not called like a take."""

    path: Path
    name: TakeName | None

    @classmethod
    def at(cls, path: Path) -> "TakeEntry":
        """The entry of one `.aedat4` file."""
        try:
            return cls(path, parse_stem(path.name.removesuffix(EVENTS_SUFFIX)))
        except BadTakeName:
            return cls(path, None)

    def sibling(self, suffix: str) -> Path:
        """The take's file of another suffix, whether it exists or not."""
        return self.path.with_name(self.path.name.removesuffix(EVENTS_SUFFIX) + suffix)

    @cached_property
    def manifest(self) -> Manifest | None:
        """The manifest, None for a take from elsewhere. Raises SchemaError or DatasetError where it cannot be read."""
        return read_manifest(self.sibling(MANIFEST_SUFFIX))

    @cached_property
    def manifest_problem(self) -> str | None:
        """Why the manifest cannot be read, None where it can or where there is none."""
        try:
            _ = self.manifest
        except (SchemaError, DatasetError) as error:
            return str(error)
        return None

    @property
    def status(self) -> TakeStatus | None:
        """As the manifest says; FAILED where it cannot be read, None where there is none.

        A complete take that was damaged later and rebuilt is PARTIAL: its manifest, written once, cannot know.
        """
        if self.manifest_problem is not None:
            return TakeStatus.FAILED
        told = self.manifest.status if self.manifest else None
        return TakeStatus.PARTIAL if told is TakeStatus.COMPLETE and self.rebuilt else told

    @property
    def rebuilt(self) -> bool:
        """Whether the event file was damaged after the recording and rebuilt from what was left."""
        return self.sibling(RECOVERY_SUFFIX).exists()

    @property
    def noise(self) -> bool:
        """Whether the name marks the take as noise."""
        return self.name is not None and self.name.noise

    @property
    def redone(self) -> bool:
        """Whether the operator had it done again."""
        return self.sibling(REDONE_SUFFIX).exists()

    @property
    def practice(self) -> bool:
        """Whether it was made to practise, as its manifest says."""
        return self.manifest_problem is None and self.manifest is not None and self.manifest.practice

    @property
    def left_out(self) -> frozenset[LeftOut]:
        """The reasons for which it is not used by default; empty for a good take."""
        reasons = {LeftOut(self.status.value)} if self.status in (TakeStatus.PARTIAL, TakeStatus.FAILED) else set()
        marks = {LeftOut.NOISE: self.noise, LeftOut.REDONE: self.redone, LeftOut.PRACTICE: self.practice}
        return frozenset(reasons | {mark for mark, there in marks.items() if there})

    @property
    def movement(self) -> str | None:
        """The movement's token, from the name or else the manifest; None where neither tells."""
        if self.name:
            return self.name.movement_token
        return self.manifest.movement if self.manifest_problem is None and self.manifest else None

    @property
    def subject(self) -> int | None:
        """The subject's number, from the name or else the manifest; None where neither tells."""
        if self.name:
            return self.name.subject
        return self.manifest.subject if self.manifest_problem is None and self.manifest else None

    def mark_redone(self, redone: bool = True) -> None:
        """Mark the take as done again, or take the mark away; nothing else is touched."""
        if redone:
            create_exclusive(self.sibling(REDONE_SUFFIX), "")
        else:
            self.sibling(REDONE_SUFFIX).unlink(missing_ok=True)
        sync_folder(self.path.parent)


def read_manifest(path: Path) -> Manifest | None:
    """The manifest in a file, None where there is no such file. Raises SchemaError or DatasetError."""
    try:
        return Manifest.parse(path.read_bytes(), str(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}); check its permissions.") from error


class Dataset:
    """A data set on disk. Nothing is kept: each look at it reads the folder again."""

    def __init__(self, path: Path | str) -> None:
        """Raises DatasetError where the path is no folder."""
        self.path = Path(path)
        if not self.path.is_dir():
            raise DatasetError(f"{self.path}: is not a folder; give the folder of a data set.")

    @classmethod
    def create(cls, path: Path | str, name: str, *, simulated: bool, created_at: datetime | None = None) -> "Dataset":
        """Make a folder a data set. created_at: with its offset from UTC, default now.

        Raises DatasetError where it is one already or cannot be written.
        """
        folder = Path(path)
        info = DatasetInfo(name=name, simulated=simulated, created_at=created_at or datetime.now(UTC))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            created = create_exclusive(folder / DATASET_FILE, info.to_json())
            sync_folder(folder)
        except OSError as error:
            raise DatasetError(f"{folder}: cannot be written ({error.strerror}); choose another folder.") from error
        if not created:
            raise DatasetError(f"{folder}: is a data set already; open it, or choose another folder.")
        return cls(folder)

    @property
    def info(self) -> DatasetInfo | None:
        """What `dataset.json` says, None where there is none. Raises SchemaError or DatasetError."""
        path = self.path / DATASET_FILE
        try:
            return DatasetInfo.parse(path.read_bytes(), str(path))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DatasetError(f"{path}: cannot be read ({error.strerror}); check its permissions.") from error

    def takes(self) -> list[TakeEntry]:
        """Every take, ordered by subject, movement and number; files not called like takes last."""
        return sorted((TakeEntry.at(path) for path in self._event_files()), key=_order)

    def selection(self, include: Iterable[str] = ()) -> list[TakeEntry]:
        """The takes that are used: all but partial, failed, redone, noise and practice ones; `include` names wanted kinds.

        Raises ValueError for an unknown kind.
        """
        wanted = {LeftOut(kind) for kind in include}
        return [entry for entry in self.takes() if entry.left_out <= wanted]

    def folders(self) -> Iterator[Path]:
        """The data set's folder and every folder in it that may hold takes; hidden ones and label folders are none."""
        for folder, below, _ in os.walk(self.path):
            below[:] = sorted(name for name in below if not name.startswith(".") and not name.endswith(".labels"))
            yield Path(folder)

    def _event_files(self) -> Iterator[Path]:
        for folder in self.folders():
            for path in folder.glob(f"*{EVENTS_SUFFIX}"):
                if path.is_file() and is_take_file(path):
                    yield path


def is_take_file(path: Path) -> bool:
    """Whether the `.aedat4` is a take: not one still being written, hidden, or the damaged original of a salvaged one."""
    unfinished = is_part(path.name.removesuffix(EVENTS_SUFFIX))
    return (
        path.name.endswith(EVENTS_SUFFIX) and not unfinished and not path.name.endswith(DAMAGED_SUFFIX) and path.name[0] != "."
    )


def _order(entry: TakeEntry) -> tuple[bool, int, str, int, list[tuple[int, str]]]:
    name = entry.name
    by_name = (name.subject, name.movement_token, name.number) if name else (0, "", 0)
    return (name is None, *by_name, _natural(str(entry.path)))


def _natural(text: str) -> list[tuple[int, str]]:
    """Sorts "take 10" after "take 9"."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text)]
