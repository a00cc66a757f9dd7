"""Takes that a crash left unfinished in a data set: how many there are, and their rescue. Runs in threads; no Qt."""

from pathlib import Path

from recorder.dataset import Dataset
from recorder.recover import Outcome, recover_folder, unfinished


def count_unfinished(data: Path) -> int:
    """How many takes of a data set are neither finished nor being recorded by a living program."""
    if not data.is_dir():
        return 0
    return sum(len(unfinished(folder)) for folder in Dataset(data).folders())


def rescue(data: Path) -> tuple[Outcome, ...]:
    """Finish or salvage them all, as `glimpse recover` does."""
    return tuple(outcome for folder in Dataset(data).folders() for outcome in recover_folder(folder))
