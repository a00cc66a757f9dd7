"""Takes that a crash left unfinished in a data set: how many there are, and their rescue. Runs in threads; no Qt."""

from pathlib import Path
from typing import TYPE_CHECKING

from recorder.dataset import Dataset

if TYPE_CHECKING:
    from recorder.recover import Outcome


def count_unfinished(data: Path) -> int:
    """How many takes of a data set are neither finished nor being recorded by a living program."""
    from recorder.recover import unfinished  # in the thread that looks, not before the window is there

    if not data.is_dir():
        return 0
    return sum(len(unfinished(folder)) for folder in Dataset(data).folders())


def rescue(data: Path) -> "tuple[Outcome, ...]":
    """Finish or salvage them all, as `glimpse recover` does."""
    from recorder.recover import recover_folder

    return tuple(outcome for folder in Dataset(data).folders() for outcome in recover_folder(folder))
