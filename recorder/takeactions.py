"""What an operator decides about a take that was recorded: keep it, keep it as noise, have it done again; and taking that back.

A take's files must not be renamed while something still works on them: wait for the verdict first. Knows no session.
"""

from dataclasses import dataclass
from pathlib import Path

from protocol.naming import EVENTS_SUFFIX, TakeName, parse_stem
from recorder.dataset import TakeEntry
from recorder.takefiles import TakeFilesError, mark_noise


@dataclass(frozen=True)
class Decided:
    """A decision that was carried out. path: the take's `.aedat4` as it is called now; noise, redone: what it was before."""

    path: Path
    noise: bool
    redone: bool


def keep(path: Path) -> Decided:
    """Use the take: neither noise nor to be done again. Raises TakeFilesError or BadTakeName, as all here."""
    return _decide(path, noise=False, redone=False)


def keep_as_noise(path: Path) -> Decided:
    """Keep it and call it noise: all its files get `_(noise)`."""
    return _decide(path, noise=True, redone=False)


def have_redone(path: Path) -> Decided:
    """Keep it under its name and mark it: the same is to be recorded again."""
    return _decide(path, noise=False, redone=True)


def undo(decided: Decided) -> Path:
    """Make the take what it was before; returns its path. Whatever was decided since is undone with it."""
    return _decide(decided.path, noise=decided.noise, redone=decided.redone).path


def present_path(path: Path) -> Path:
    """Where the take is now, which may have been marked as noise, or no longer be, since it was called `path`.

    Raises TakeFilesError where it is neither, BadTakeName for what is no take.
    """
    name = parse_stem(path.name.removesuffix(EVENTS_SUFFIX))
    other = TakeName(name.movement_token, name.subject, name.number, noise=not name.noise)
    for candidate in (path, path.with_name(other.filename)):
        if candidate.exists():
            return candidate
    raise TakeFilesError(f"{path}: there is no such take any more; list the data set again.")


def _decide(path: Path, *, noise: bool, redone: bool) -> Decided:
    now = TakeEntry.at(present_path(path))
    before = Decided(now.path, noise=now.noise, redone=now.redone)
    _mark(now, redone and not before.redone, before.redone and not redone)
    return Decided(mark_noise(now.path, noise=noise), before.noise, before.redone)


def _mark(entry: TakeEntry, add: bool, remove: bool) -> None:
    if not (add or remove):
        return
    try:
        entry.mark_redone(add)
    except OSError as error:
        raise TakeFilesError(f"{entry.path}: cannot be marked ({error.strerror}); check the folder's permissions.") from error
