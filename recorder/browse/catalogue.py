"""The list of all takes of a data set, filtered and ordered at once: an index in the user's cache, made from the folder alone.

Nothing of it lies on the shared folder. Where the home takes no files it is kept in memory; where it is damaged it is made
again. Several processes may use it. Knows no window and no label plan.
"""

import contextlib
import hashlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

from protocol.errors import GlimpseError
from recorder.browse.cachefolder import cache_folder
from recorder.browse.takefacts import Found, TakeRow, is_settled, read_row, takes_in
from recorder.dataset import DatasetError

T = TypeVar("T")

FORMAT = 1  # of the index; another one is made anew
BATCH = 200  # takes a transaction: a tenth of a second in which another process has to wait
BUSY_S = 10.0
COLUMNS = TakeRow._fields
_CREATE = f"CREATE TABLE takes ({', '.join(COLUMNS)}, stamp, PRIMARY KEY (path)) WITHOUT ROWID"
_PUT = f"INSERT OR REPLACE INTO takes VALUES ({', '.join('?' * (len(COLUMNS) + 1))})"  # noqa: S608  (names of ours)


class CatalogueError(GlimpseError):
    """An index that cannot be used just now."""


class Progress(StrEnum):
    """How far a coder is with a take: has said nothing, something, or has finished."""

    UNTOUCHED = "untouched"
    BEGUN = "begun"
    DONE = "done"


class Order(StrEnum):
    """In which order takes are listed; equal ones by name."""

    NAME = "name"  # subject, movement, number; files not called like takes last
    RECORDED = "recorded"
    SURE = "sure"  # the best suggestions first
    UNSURE = "unsure"  # those without any first


@dataclass(frozen=True)
class TakeFilter:
    """Which takes are listed; what is left empty does not matter.

    statuses, verdicts: None among them for takes that have none; coder, progress: only what that coder is so far with;
    confidence: (least, most) of the best suggestion, of which takes without any have 0; text: a part of the name.
    """

    movements: tuple[str | None, ...] = ()
    subjects: tuple[int | None, ...] = ()
    statuses: tuple[str | None, ...] = ()
    verdicts: tuple[str | None, ...] = ()
    sessions: tuple[str | None, ...] = ()
    noise: bool | None = None
    practice: bool | None = None
    redone: bool | None = None
    disagreement: bool | None = None
    coder: str | None = None
    progress: tuple[Progress, ...] = ()
    confidence: tuple[float, float] | None = None
    text: str = ""


class Counts(NamedTuple):
    """How far a coder is with the takes that a filter lists."""

    takes: int
    done: int
    begun: int


class Changes(NamedTuple):
    """What a look at the folder has found, in takes; unread: folders that could not be read, of which the takes are kept."""

    added: int
    changed: int
    removed: int
    unread: tuple[Path, ...] = ()


class Catalogue:
    """The takes of one data set. A context manager; any thread may ask, also while another one refreshes.

    in_memory: nothing is kept for the next time.
    """

    def __init__(self, dataset: Path | str, *, cache: Path | None = None) -> None:
        """cache: a folder for the index, see `catalogue_cache`; None: in memory. Raises DatasetError without a folder."""
        self.dataset = Path(dataset)
        if not self.dataset.is_dir():
            raise DatasetError(f"{self.dataset}: is not a folder; give the folder of a data set.")
        name = hashlib.sha256(str(self.dataset.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:32]
        self._file = cache / f"{name}.sqlite" if cache else None
        self._lock = threading.RLock()
        self._refreshing = threading.Lock()
        self._open()

    @property
    def in_memory(self) -> bool:
        """Whether nothing is kept for the next time."""
        return self._file is None

    def refresh(self, on_progress: Callable[[int], bool] | None = None) -> Changes:
        """Look at the folder and read what has changed; what was read is listed at once.

        on_progress: told how many takes were looked at so far; ends the look by returning False. Raises DatasetError where the
        folder is gone, CatalogueError where another process holds the index for too long.
        """
        if not self.dataset.is_dir():
            raise DatasetError(f"{self.dataset}: cannot be reached any more; is its disk still connected?")
        with self._refreshing:
            return self._refresh(on_progress or (lambda looked_at: True))

    def _refresh(self, on_progress: Callable[[int], bool]) -> Changes:
        stamps = self._do(lambda db: db.execute("SELECT path, stamp FROM takes").fetchall())
        known = {os.fsdecode(path): stamp for path, stamp in stamps}
        seen: set[str] = set()
        added = changed = 0
        unread: list[Path] = []
        folders = [self.dataset]
        while folders:
            folder = folders.pop()
            try:
                takes, below = takes_in(folder)
            except OSError:
                unread.append(folder)
                continue
            folders += below
            for begin in range(0, len(takes), BATCH):
                part = takes[begin : begin + BATCH]
                paths = [self._key(take.path) for take in part]
                seen.update(paths)
                new = [take for take, path in zip(part, paths, strict=True) if _differs(known.get(path), take.stamp)]
                added += sum(self._key(take.path) not in known for take in new)
                changed += sum(self._key(take.path) in known for take in new)
                self._put(new)
                if not on_progress(len(seen)):
                    return Changes(added, changed, 0, tuple(unread))
        gone = [path for path in known if path not in seen and not self._is_below(path, unread)]
        self._drop(gone)
        return Changes(added, changed, len(gone), tuple(unread))

    def _is_below(self, path: str, folders: Iterable[Path]) -> bool:
        return any((self.dataset / path).is_relative_to(folder) for folder in folders)

    def look_at(self, take: Path) -> TakeRow | None:
        """Read one take anew, as after its labels or its name have changed; its row, None where it is not there any more.

        After a renaming both names are to be looked at. Raises CatalogueError as `refresh`.
        """
        try:
            found = next(iter(takes_in(take.parent, take.name)[0]), None)
        except OSError:
            found = None
        if found is None:
            self._drop([self._key(take)])
            return None
        self._put([found])
        return read_row(self.dataset, found)

    def _drop(self, paths: Iterable[str]) -> None:
        keys = [(os.fsencode(path),) for path in paths]
        self._do(lambda db: db.executemany("DELETE FROM takes WHERE path = ?", keys))

    def _key(self, take: Path) -> str:
        return take.relative_to(self.dataset).as_posix()

    def _put(self, takes: Sequence[Found]) -> None:
        rows = [(*_packed(read_row(self.dataset, take)), take.stamp) for take in takes]
        if rows:
            self._do(lambda db: db.executemany(_PUT, rows))

    def takes(self, chosen: TakeFilter | None = None, order: Order = Order.NAME) -> list[TakeRow]:
        """The takes that a filter lets through, in order. Raises CatalogueError as `refresh`."""
        where, values = _where(chosen or TakeFilter())
        query = f"SELECT {', '.join(COLUMNS)} FROM takes {where} ORDER BY {_ORDER[order]}"  # noqa: S608  (names of ours)
        return [_unpacked(row) for row in self._do(lambda db: db.execute(query, values).fetchall())]

    def counts(self, coder: str, chosen: TakeFilter | None = None) -> Counts:
        """How far a coder is with what a filter lists. Raises CatalogueError as `refresh`."""
        where, values = _where(chosen or TakeFilter())
        query = f"SELECT COUNT(*), TOTAL(instr(done, ?) > 0), TOTAL(instr(begun, ?) > 0) FROM takes {where}"  # noqa: S608
        name = f",{coder},"
        row = self._do(lambda db: db.execute(query, (name, name, *values)).fetchone())
        return Counts(int(row[0]), int(row[1]), int(row[2]))

    def unlabelled(
        self, coder: str, beside: str | None, chosen: TakeFilter | None = None, order: Order = Order.NAME, *, way: int = 1
    ) -> TakeRow | None:
        """The next take (way 1; -1: the one before) in the list that a coder has not finished, None where there is none.

        beside: path of the take to begin at, which is not given itself; None, and one that is not in the list: at the list's
        end. Raises CatalogueError as `refresh`.
        """
        where, values = _where(chosen or TakeFilter())
        query = f"SELECT path, instr(done, ?) FROM takes {where} ORDER BY {_ORDER[order]}"  # noqa: S608  (names of ours)
        found = self._do(lambda db: db.execute(query, (f",{coder},", *values)).fetchall())[:: 1 if way > 0 else -1]
        here = None if beside is None else os.fsencode(beside)
        at = next((number for number, (path, _) in enumerate(found) if path == here), -1)
        path = next((path for path, done in found[at + 1 :] if not done), None)
        return None if path is None else self._row(path)

    def _row(self, path: bytes) -> TakeRow | None:
        query = f"SELECT {', '.join(COLUMNS)} FROM takes WHERE path = ?"  # noqa: S608  (names of ours)
        row = self._do(lambda db: db.execute(query, (path,)).fetchone())
        return None if row is None else _unpacked(row)

    def values(self, column: str) -> tuple[Any, ...]:
        """What there is of movement, subject, status, verdict or session, sorted, for a menu of filters."""
        if column not in ("movement", "subject", "status", "verdict", "session"):
            raise ValueError(f"{column!r} is no column to filter by")
        query = f"SELECT DISTINCT {column} FROM takes WHERE {column} IS NOT NULL ORDER BY 1"  # noqa: S608  (checked above)
        return tuple(row[0] for row in self._do(lambda db: db.execute(query).fetchall()))

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Work with the index; where it is damaged, with an empty one that the next refresh fills."""
        with self._lock:
            try:
                with self._db:
                    return work(self._db)
            except sqlite3.ProgrammingError:
                raise  # a defect, or the catalogue is closed
            except sqlite3.Error as error:
                if _is_busy(error):
                    raise CatalogueError(f"{self.dataset}: its index is in use by another window; try again.") from error
                self._begin_anew()
                with self._db:
                    return work(self._db)

    def _open(self) -> None:
        try:
            self._db = _connected(self._file)
        except sqlite3.Error as error:
            if _is_busy(error):
                self._file, self._db = None, _connected(None)
            else:
                self._begin_anew()

    def _begin_anew(self) -> None:
        """Throw a damaged index away; where even that fails go on in memory."""
        with contextlib.suppress(AttributeError, sqlite3.Error):
            self._db.close()
        try:
            if self._file is not None:
                for path in (self._file, self._file.with_name(self._file.name + "-journal")):
                    path.unlink(missing_ok=True)
            self._db = _connected(self._file)
        except (OSError, sqlite3.Error):
            self._file, self._db = None, _connected(None)

    def close(self) -> None:
        """Close the index. Safe to call twice."""
        with self._lock:
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def catalogue_cache() -> Path | None:
    """Where the indexes of data sets are kept, None where no file can be written."""
    return cache_folder("catalogue")


def _connected(file: Path | None) -> sqlite3.Connection:
    """An index that is whole and of this format. Raises sqlite3.Error."""
    db = sqlite3.connect(file or ":memory:", timeout=BUSY_S, check_same_thread=False)
    try:
        # No WAL: its shared memory does not work where homes are on a network. What a power cut takes is made again.
        db.execute("PRAGMA synchronous = OFF")
        if db.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("damaged")
        db.execute("BEGIN IMMEDIATE")
        if db.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
            db.execute("DROP TABLE IF EXISTS takes")
            db.execute(_CREATE)
            db.execute(f"PRAGMA user_version = {FORMAT}")
        db.commit()
        db.execute("SELECT path, stamp FROM takes LIMIT 1")
    except BaseException:
        db.close()
        raise
    return db


def _is_busy(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _differs(known: str | None, stamp: str) -> bool:
    return known != stamp or not is_settled(stamp)


def _packed(row: TakeRow) -> tuple[Any, ...]:
    """As the index holds it: names of files need not be text, so their bytes are kept."""
    rest = (f",{','.join(value)}," if isinstance(value, tuple) else value for value in row[1:])
    return os.fsencode(row.path), *rest


_AT = {name: number for number, name in enumerate(COLUMNS)}
_FLAGS = [_AT[name] for name in ("noise", "practice", "redone", "disagreement")]
_NAMES = [_AT[name] for name in ("done", "begun")]


def _unpacked(values: tuple[Any, ...]) -> TakeRow:
    row = list(values)
    row[0] = os.fsdecode(row[0])
    for at in _FLAGS:
        row[at] = bool(row[at])
    for at in _NAMES:
        row[at] = tuple(row[at].strip(",").split(",")) if row[at] != ",," else ()
    return TakeRow._make(row)


_BY_NAME = "movement IS NULL OR number IS NULL, subject, movement, number, path"
_ORDER = {
    Order.NAME: _BY_NAME,
    Order.RECORDED: f"recorded_at IS NULL, recorded_at, {_BY_NAME}",
    Order.SURE: f"IFNULL(confidence, 0) DESC, {_BY_NAME}",
    Order.UNSURE: f"IFNULL(confidence, 0), {_BY_NAME}",
}


def _where(chosen: TakeFilter) -> tuple[str, list[Any]]:
    """The condition of a query and its values."""
    terms: list[str] = []
    values: list[Any] = []
    for column, wanted in (
        ("movement", chosen.movements),
        ("subject", chosen.subjects),
        ("status", chosen.statuses),
        ("verdict", chosen.verdicts),
        ("session", chosen.sessions),
    ):
        if wanted:
            terms.append("(" + " OR ".join(f"{column} IS ?" for _ in wanted) + ")")
            values += wanted
    for column in ("noise", "practice", "redone", "disagreement"):
        if (flag := getattr(chosen, column)) is not None:
            terms.append(f"{column} = ?")
            values.append(flag)
    if chosen.confidence is not None:
        terms.append("IFNULL(confidence, 0) BETWEEN ? AND ?")
        values += chosen.confidence
    if chosen.text:
        terms.append("instr(lower(CAST(path AS TEXT)), lower(?)) > 0")
        values.append(chosen.text)
    if chosen.coder is not None and chosen.progress:
        terms.append("(" + " OR ".join(_PROGRESS[one] for one in chosen.progress) + ")")
        values += [f",{chosen.coder},"] * sum(_PROGRESS[one].count("?") for one in chosen.progress)
    return ("WHERE " + " AND ".join(terms) if terms else ""), values


_PROGRESS = {
    Progress.DONE: "instr(done, ?) > 0",
    Progress.BEGUN: "instr(begun, ?) > 0",
    Progress.UNTOUCHED: "(instr(done, ?) = 0 AND instr(begun, ?) = 0)",
}
