"""The takes that a benchmark measures: those of the folders that it was given, or of a small data set that is made for it."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from recorder.dataset import TakeEntry
from recorder.take import find_takes

MOVEMENTS = 7  # of one subject, one take of each


@contextmanager
def takes_of(folders: Sequence[Path] | None, takes: int, *words: str) -> Iterator[list[TakeEntry]]:
    """The takes of all folders; without folders those of a new data set, which is gone afterwards.

    takes: how many are made at least; words: for `glimpse simulate`, such as a seed that no other benchmark uses.
    """
    with tempfile.TemporaryDirectory(prefix="glimpse-benchmark-") as temporary:
        used = folders or [_simulated(Path(temporary) / "data", takes, words)]
        yield [entry for folder in used for entry in find_takes(folder)]


def _simulated(folder: Path, takes: int, words: Sequence[str]) -> Path:
    """Made as a user makes one."""
    wanted = ["--subjects", str(-(-takes // MOVEMENTS)), "--takes", "1", *words]
    subprocess.run([sys.executable, "-m", "app.main", "simulate", str(folder), *wanted], check=True)
    return folder
