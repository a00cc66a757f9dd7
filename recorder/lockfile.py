"""A lock file that says whose it is: taken by one process at a time, taken over where its owner has died.

The lock may lie in a folder that is renamed or moved while it is held; its owner finds it again by what is in it.
"""

import json
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from recorder.host import ProcessId, create_exclusive, rename_new

ATTEMPTS = 3  # a folder or lock that goes away just as we come is seen again at the next try


@dataclass(frozen=True)
class Held:
    """Somebody else has the lock. alive: whether the owner runs; None where that cannot be known (another machine)."""

    owner: ProcessId | None
    alive: bool | None

    @property
    def here(self) -> bool:
        """Whether it is held by this very process."""
        return self.owner == ProcessId.current()


@dataclass(frozen=True)
class Lock:
    """A lock that is ours. text: what is in the file, different for every lock ever taken."""

    text: str

    def holds(self, path: Path) -> bool:
        """Whether the lock in that file is this one."""
        return _text(path) == self.text

    def give_back(self, path: Path) -> None:
        """Remove the file where it is still ours."""
        if self.holds(path):
            path.unlink(missing_ok=True)


def take_lock(path: Path, *, take_over: bool = False) -> Lock | Held:
    """Take the lock, making its folder at need; take_over: also from an owner on another machine, of which nothing is known.

    Raises OSError where nothing can be written there.
    """
    lock = Lock(json.dumps({**asdict(ProcessId.current()), "token": uuid.uuid4().hex}) + "\n")
    held = Held(None, None)
    for _ in range(ATTEMPTS):
        try:
            path.parent.mkdir(exist_ok=True)
            if create_exclusive(path, lock.text):
                return lock
        except FileNotFoundError:
            if not path.parent.parent.is_dir():
                raise
            continue  # the folder was empty and has just been removed by another
        text = _text(path)
        owner = ProcessId.from_json(text)
        held = Held(owner, owner.is_alive() if owner else None)
        if held.alive or (held.alive is None and not take_over):
            break
        _remove(path, text)
    return held


def is_held(path: Path) -> bool:
    """Whether `take_lock` would be refused now; changes nothing."""
    if not path.exists():
        return False
    owner = ProcessId.from_json(_text(path))
    return (owner.is_alive() if owner else None) is not False


def _remove(path: Path, text: str) -> None:
    """Remove a dead lock. Renamed away first and read again: since we looked it may have become another's."""
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        path.rename(aside)
    except FileNotFoundError:
        return  # its owner's successor was quicker
    if _text(aside) == text:
        aside.unlink()
    else:
        rename_new(aside, path)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return ""
