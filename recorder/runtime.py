"""The runtime folder of a capture process: where its rings live, and how those of dead processes are swept.

Named by process id and start time, so that a later process of the same number is never mistaken for the owner. GLIMPSE_RUNTIME
names another place for them, where memory for files is short: containers are given 64 MiB.
"""

import os
import re
import shutil
import tempfile
from pathlib import Path

from recorder.host import ProcessId, station_id

VARIABLE = "GLIMPSE_RUNTIME"
_NAME = re.compile(r"(\d+)-(\d+)")


def runtime_root() -> Path:
    """The folder of all runtime folders of this user: the one that is named, else in memory where the system has a place."""
    root = Path(os.environ.get(VARIABLE) or _usual_root())
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    return root


def _usual_root() -> Path:
    memory = Path("/dev/shm")  # noqa: S108  (the folder below is of this user alone)
    base = memory if memory.is_dir() and os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return base / f"glimpse-{user}"


def create_runtime_folder(root: Path) -> Path:
    """A fresh folder for this process."""
    me = ProcessId.current()
    folder = root / f"{me.pid}-{me.started}"
    folder.mkdir(mode=0o700)
    return folder


def sweep(root: Path) -> list[Path]:
    """Remove the folders of processes that no longer run; returns what was removed."""
    stale = [folder for folder in root.iterdir() if _is_stale(folder)]
    for folder in stale:
        shutil.rmtree(folder, ignore_errors=True)  # another process may sweep at the same moment
    return stale


def _is_stale(folder: Path) -> bool:
    match = _NAME.fullmatch(folder.name)
    return bool(match) and not ProcessId(station_id(), int(match[1]), int(match[2])).is_alive()  # type: ignore[index]
