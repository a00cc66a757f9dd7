"""The files of one take as one thing: a reserved name, `.part` files while it is written, one journalled rename at the end.

Names are reserved by an exclusive lock file, so that two stations on one folder never meet, and every number ever given
is kept in the folder's ledger `.numbers`, so that it is not given again even when its files are deleted by hand.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from protocol.errors import GlimpseError
from protocol.naming import EVENTS_SUFFIX, LOCK_SUFFIX, PART, BadTakeName, TakeName, next_number, parse_stem
from recorder.host import ProcessId, append_line, create_exclusive, rename_new, sync_file, sync_folder

LEDGER = ".numbers"
DISCARDED = "discarded"  # third word of a ledger's line: the take received nothing, so that no file of it is missed
JOURNAL_SUFFIX = ".rename"


class TakeFilesError(GlimpseError):
    """A take whose files cannot be reserved or renamed."""


@dataclass(frozen=True)
class Reservation:
    """A name that belongs to this process until it is committed, discarded, or the process dies."""

    folder: Path
    name: TakeName

    @property
    def lock(self) -> Path:
        """The lock file."""
        return self.folder / f"{self.name.stem}{LOCK_SUFFIX}"

    def part(self, suffix: str) -> Path:
        """Where the file of that suffix is written."""
        return self.folder / f"{self.name.stem}{PART}{suffix}"

    def final(self, suffix: str) -> Path:
        """Where it will be once the take is whole."""
        return self.folder / f"{self.name.stem}{suffix}"

    def commit(self) -> None:
        """Give the files their names, the `.aedat4` last, and the name free."""
        rename_take(self.folder, f"{self.name.stem}{PART}", self.name.stem)
        self.lock.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove the `.part` files of a take that received nothing; its number stays used."""
        for path in siblings(self.folder, f"{self.name.stem}{PART}"):
            path.unlink()
        append_line(self.folder / LEDGER, f"{self.name.movement_token} {self.name.number} {DISCARDED}")
        self.lock.unlink(missing_ok=True)


def reserve(data: Path, movement: str, subject: int) -> Reservation:
    """Take the next free number of a movement of a subject, in the subject's folder of the data set `data`."""
    folder = data / str(subject)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        number = next_number(names_in_use(folder), movement, subject)
        while (reservation := _claim(folder, TakeName(movement, subject, number))) is None:
            number += 1
    except OSError as error:
        raise TakeFilesError(f"{folder}: cannot be written ({error.strerror}); choose another data folder.") from error
    return reservation


def _claim(folder: Path, name: TakeName) -> Reservation | None:
    reservation = Reservation(folder, name)
    if not create_exclusive(reservation.lock, ProcessId.current().to_json() + "\n"):
        return None
    # Between our look at the folder and our lock another station may have finished this very take.
    if any(_same_number(used, name) for used in names_in_use(folder, but=reservation.lock)):
        reservation.lock.unlink()
        return None
    append_line(folder / LEDGER, f"{name.movement_token} {name.number}")
    sync_folder(folder)
    return reservation


def _same_number(one: TakeName, other: TakeName) -> bool:
    return (one.movement_token, one.subject, one.number) == (other.movement_token, other.subject, other.number)


def names_in_use(folder: Path, but: Path | None = None) -> Iterator[TakeName]:
    """Every take name that a file, a lock or the ledger of a subject's folder speaks of."""
    for path in folder.iterdir():
        if path != but and (name := name_of(path)):
            yield name
    yield from ledger(folder)


def ledger(folder: Path) -> tuple[TakeName, ...]:
    """Every name ever reserved in a subject's folder."""
    path = folder / LEDGER
    if not path.exists() or not folder.name.isdecimal():
        return ()
    rows = (line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    # A last line cut short by a power failure says nothing; its lock file, if the take began, still does.
    stems = (f"{row[0]}_{folder.name}_{row[1]}" for row in rows if len(row) == 2)
    return tuple(name for stem in stems if (name := _name(stem)))


def name_of(path: Path) -> TakeName | None:
    """The take that a file belongs to, None for other files. A stem never holds a dot, so all before the first is the stem."""
    return _name(path.name.split(".", 1)[0])


def _name(stem: str) -> TakeName | None:
    try:
        return parse_stem(stem)
    except BadTakeName:
        return None


def siblings(folder: Path, stem: str) -> list[Path]:
    """The files and folders of one stem, the `.aedat4` last; locks, journals and (for a whole take) `.part` files left out."""
    found = [path for path in folder.iterdir() if path.name.startswith(f"{stem}.") and _belongs(path.name[len(stem) :])]
    return sorted(found, key=lambda path: (path.name == stem + EVENTS_SUFFIX, path.name))


def _belongs(suffix: str) -> bool:
    return suffix not in (LOCK_SUFFIX, JOURNAL_SUFFIX) and not suffix.startswith(f"{PART}.")


def rename_take(folder: Path, old: str, new: str) -> None:
    """Rename every file of a stem, all or (after a crash) all at the next `finish_renames`; nothing is ever replaced.

    Raises TakeFilesError when a file of the new name exists. The journal names the stems only: which files there are
    is seen from the folder, so it can be repeated from any point.
    """
    paths = siblings(folder, old)
    _refuse_existing([folder / (new + path.name[len(old) :]) for path in paths])
    for path in paths:
        if path.is_file():
            sync_file(path)
    journal = folder / f"{new}{JOURNAL_SUFFIX}"
    record = {"from": old, "to": new, "owner": ProcessId.current().to_json()}
    if not create_exclusive(journal, json.dumps(record) + "\n"):
        raise TakeFilesError(f"{journal}: a rename was interrupted here; run `glimpse recover` on the data set first.")
    sync_folder(folder)
    _apply(folder, old, new)
    journal.unlink(missing_ok=True)
    sync_folder(folder)


def _refuse_existing(targets: Sequence[Path]) -> None:
    for target in targets:
        if target.exists():
            raise TakeFilesError(f"{target}: exists already and is never overwritten; move it away and try again.")


def _apply(folder: Path, old: str, new: str) -> None:
    for path in siblings(folder, old):
        # On disk before the next: the order of the renames is what a crash may leave half done.
        rename_new(path, folder / (new + path.name[len(old) :]))
        sync_folder(folder)


def pending_renames(folder: Path, *, take_over: bool = False) -> list[tuple[Path, str, str]]:
    """(journal, from, to) of each interrupted rename; a journal cut short was never begun and names nothing.

    A rename that a living process is at is not interrupted; nor, unless `take_over`, one of another machine.
    """
    found = []
    for journal in sorted(folder.glob(f"*{JOURNAL_SUFFIX}")):
        try:
            data = json.loads(journal.read_text(encoding="utf-8"))
            owner, old, new = ProcessId.from_json(str(data["owner"])), str(data["from"]), str(data["to"])
        except FileNotFoundError:
            continue  # its process has finished it since we looked
        except (ValueError, KeyError, TypeError):
            owner, old, new = None, "", ""
        if _is_ours(owner, take_over):
            found.append((journal, old, new))
    return found


def _is_ours(owner: ProcessId | None, take_over: bool) -> bool:
    if owner is None or owner == ProcessId.current():
        return True
    alive = owner.is_alive()
    return alive is False or (alive is None and take_over)


def finish_renames(folder: Path, *, take_over: bool = False) -> list[str]:
    """Carry every interrupted rename to its end; returns the stems that were finished."""
    finished = []
    for journal, old, new in pending_renames(folder, take_over=take_over):
        if old:
            _apply(folder, old, new)
            finished.append(new)
        journal.unlink(missing_ok=True)
    sync_folder(folder)
    return finished


def mark_noise(events_path: Path, *, noise: bool = True) -> Path:
    """Rename a take with all its siblings to or from `..._(noise)`; returns the new path of its `.aedat4`.

    Raises BadTakeName for a file that is no take, TakeFilesError when there is none or the files cannot be renamed.
    """
    name = parse_stem(events_path.name.removesuffix(EVENTS_SUFFIX))
    if not events_path.exists():
        raise TakeFilesError(f"{events_path}: there is no such take; list the data set again.")
    target = TakeName(name.movement_token, name.subject, name.number, noise=noise)
    if target == name:
        return events_path
    try:
        rename_take(events_path.parent, events_path.name.removesuffix(EVENTS_SUFFIX), target.stem)
    except OSError as error:
        raise TakeFilesError(
            f"{events_path}: cannot be renamed ({error.strerror}); check the folder and run `glimpse recover` on the data set."
        ) from error
    return events_path.with_name(target.stem + EVENTS_SUFFIX)
