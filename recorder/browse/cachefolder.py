"""A folder of the user's own for what can be computed again: never in a data set, of limited size, and done without.

Where the home takes no files there is none, and whoever asks works without. Knows nothing of what is kept.
"""

import contextlib
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

_OURS = re.compile(r"[0-9a-f]{40}\.[a-z]{1,16}")
VARIABLE = "GLIMPSE_CACHE"  # names another folder, such as one on a faster disk


def cache_folder(name: str, environment: Mapping[str, str] = os.environ) -> Path | None:
    """The folder `name` in the user's cache, made if need be; None where no file can be written there."""
    from platformdirs import user_cache_path

    named = environment.get(VARIABLE)
    folder = (Path(named) if named else user_cache_path("glimpse", appauthor=False)) / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()  # permissions alone do not tell
    except OSError:
        return None
    return folder


def keep(folder: Path, name: str, data: bytes, most_bytes: int) -> None:
    """Write a file whole or not at all; then let the oldest of its kind go until those take at most `most_bytes`.

    name: 40 hexadecimal digits and a suffix that tells the kind. Nothing of another name is ever removed, so that a folder
    named by mistake loses nothing. A disk that is full or a folder that is gone is no error: what is kept here can be computed
    again. Raises ValueError for another name.
    """
    if not _OURS.fullmatch(name):
        raise ValueError(f"{name!r} is no name of what is kept")
    with contextlib.suppress(OSError):
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(temporary).replace(folder / name)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _prune(folder, Path(name).suffix, most_bytes)


def _prune(folder: Path, suffix: str, most_bytes: int) -> None:
    with os.scandir(folder) as entries:
        ours = [entry for entry in entries if _OURS.fullmatch(entry.name) and entry.name.endswith(suffix)]
    found = [(entry.stat(), entry) for entry in ours if entry.is_file(follow_symlinks=False)]
    total = sum(stat.st_size for stat, _ in found)
    for stat, entry in sorted(found, key=lambda pair: pair[0].st_mtime_ns):
        if total <= most_bytes:
            return
        Path(entry.path).unlink(missing_ok=True)
        total -= stat.st_size
