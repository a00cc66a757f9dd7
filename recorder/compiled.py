"""Where numba keeps compiled code between runs: a folder is found where it finds none, as it refuses to work without.

Imports no numba, so that every command can afford it; to be called before numba is imported. Knows no compiled function.
"""

import contextlib
import os
import tempfile
from collections.abc import MutableMapping, Sequence
from pathlib import Path

VARIABLE = "NUMBA_CACHE_DIR"  # https://numba.readthedocs.io/en/stable/reference/envvars.html
CODE = Path(__file__).parent / "sim" / "__pycache__"  # numba's first choice is beside the source
PREFIX, PRIVATE = "glimpse-compiled-", 0o700


def find_room(environment: MutableMapping[str, str], temporary: Path | None = None) -> None:
    """Name a folder in `environment` where an installation of others and a home without a cache leave no room.

    The folder lies among the temporary ones (default: the system's) and belongs to the user alone: what lies in it is run.
    """
    if any(_takes_files(folder) for folder in _usual(environment)):
        return
    with contextlib.suppress(OSError):  # where no file can be written at all, only commands that need compiled code fail
        beneath = temporary or Path(tempfile.gettempdir())
        wanted = beneath / f"{PREFIX}{os.getuid() if hasattr(os, 'getuid') else 'user'}"
        environment[VARIABLE] = str(wanted if _is_ours(wanted) else tempfile.mkdtemp(prefix=PREFIX, dir=beneath))


def _usual(environment: MutableMapping[str, str]) -> Sequence[Path]:
    """Where numba looks, in its order."""
    from platformdirs import user_cache_path

    named = environment.get(VARIABLE)
    return (*((Path(named),) if named else ()), CODE, user_cache_path("numba", appauthor=False))


def _takes_files(folder: Path) -> bool:
    """Tried as numba tries it: permissions alone do not tell."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def _is_ours(folder: Path) -> bool:
    """Make it, or see that nobody else can write to it."""
    folder.mkdir(PRIVATE, exist_ok=True)
    found = folder.lstat()
    return not hasattr(os, "getuid") or (found.st_uid == os.getuid() and found.st_mode & 0o7777 == PRIVATE)
