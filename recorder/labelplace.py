"""Where the labels of a take lie, also after the take was renamed, moved or deleted while they were open.

The lock in the folder of labels goes where the folder goes, so that its owner finds it again. Knows no label.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from protocol.naming import EVENTS_SUFFIX, LABELS_SUFFIX, BadTakeName, TakeName, parse_stem
from recorder.dataset import Dataset, DatasetError
from recorder.host import create_exclusive, sync_folder
from recorder.labelstate import LabelStoreError, labels_folder
from recorder.lockfile import Lock
from recorder.takefiles import JOURNAL_SUFFIX as RENAME_SUFFIX
from recorder.takefiles import finish_renames, pending_renames

KEPT_FOLDER = ".kept-labels"  # of a data set: labels whose take went away while they were open


class LabelsGone(LabelStoreError):
    """The folder of labels is nowhere in the data set any more."""


class BeingRenamed(LabelStoreError):
    """Another window is just renaming the take."""


class LockLost(LabelStoreError):
    """Somebody has taken the labels over."""


def lock_name(coder: str) -> str:
    """The name of the lock file of one coder's labels."""
    return f"{coder}.lock"


def twin(take: Path) -> Path | None:
    """What the take would be called with or without `(noise)`; None for a file that is not called like a take."""
    try:
        name = parse_stem(take.name.removesuffix(EVENTS_SUFFIX))
    except BadTakeName:
        return None
    return take.with_name(TakeName(name.movement_token, name.subject, name.number, noise=not name.noise).filename)


def present_take(take: Path) -> Path:
    """Where the take is now, which may have been renamed to or from noise; an interrupted renaming is finished first.

    Raises LabelStoreError where there is no such take, or another window is just renaming it.
    """
    names = [take, *([other] if (other := twin(take)) else [])]
    _finish_renaming(names)
    for path in names:
        if path.exists():
            return path
    raise LabelStoreError(f"{take}: there is no such take any more; list the data set again.")


def _finish_renaming(names: list[Path]) -> None:
    stems = [path.name.removesuffix(EVENTS_SUFFIX) for path in names]
    folder = names[0].parent
    if not any((folder / (stem + RENAME_SUFFIX)).exists() for stem in stems):
        return
    if any(new in stems for _, _, new in pending_renames(folder)):
        finish_renames(folder)
    if any((folder / (stem + RENAME_SUFFIX)).exists() for stem in stems):
        raise BeingRenamed(f"{names[0]}: is being renamed by another window; open it again in a moment.")


class Place:
    """Where one take and its labels are. take: its `.aedat4`, as far as known."""

    def __init__(self, dataset: Path, take: Path) -> None:
        self.dataset = dataset
        self.take = take

    @property
    def folder(self) -> Path:
        """The folder of labels."""
        return labels_folder(self.take)

    def find(self, lock: Lock, coder: str) -> Path:
        """The folder of labels that our lock is in. Raises LockLost or LabelsGone."""
        for folder in self._candidates(coder):
            if lock.holds(folder / lock_name(coder)):
                self.take = folder.with_name(folder.name.removesuffix(LABELS_SUFFIX) + EVENTS_SUFFIX)
                return folder
        if self.folder.is_dir():
            raise LockLost(f"{self.folder}: another window has taken over {coder}'s labels; close them and open them again.")
        raise LabelsGone(f"{self.take}: the take and its labels are gone; list the data set again.")

    def _candidates(self, coder: str) -> Iterator[Path]:
        yield self.folder
        if other := twin(self.take):
            yield labels_folder(other)
        try:
            folders = list(Dataset(self.dataset).folders())
        except DatasetError:
            return
        for folder in folders:
            yield from (path.parent for path in folder.glob(f"*{LABELS_SUFFIX}/{lock_name(coder)}"))

    def keep_aside(self, name: str, content: bytes, at: datetime) -> Path:
        """Write a file that has lost its folder to KEPT_FOLDER of the data set; returns its path. Raises OSError."""
        try:
            inside = self.folder.relative_to(self.dataset)
        except ValueError:
            inside = Path(self.folder.name)
        folder = self.dataset / KEPT_FOLDER / f"{at:%Y%m%dT%H%M%S}" / inside
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        count = 1
        while not create_exclusive(path, content.decode()):
            count += 1
            path = folder / f"{count}-{name}"
        sync_folder(folder)
        return path
