"""Sessions on disk: `<data set>/<subject>/<label>.session.json`, and the takes that tell what became of them.

A session goes on from the folder alone: without its own file it is made again from the manifests of its takes. Knows no plan
and no order; see protocol.session.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from protocol.analysis import Verdict
from protocol.errors import GlimpseError
from protocol.manifest import Manifest
from protocol.naming import MANIFEST_SUFFIX, SESSION_SUFFIX
from protocol.schema import SchemaError
from protocol.session import Grid, Session, SessionError, TakeFacts, grid_of, label_for, rebuilt
from recorder.analysisstore import analysis_path, read_analysis
from recorder.dataset import Dataset, TakeEntry
from recorder.host import create_exclusive, sync_folder, write_atomic

Stamp = tuple[tuple[int, int] | None, ...]


@dataclass(frozen=True)
class SessionEntry:
    """A session of a data set, not opened. path: its record, None where only takes tell of it; takes: how many there are."""

    subject: int
    label: str
    path: Path | None
    takes: int


def session_path(dataset: Path | str, subject: int, label: str) -> Path:
    """Where the record of a session lies, whether it exists or not."""
    return Path(dataset) / str(subject) / f"{label}{SESSION_SUFFIX}"


class SubjectFolder:
    """One subject's takes as a session needs to know them. Each look reads only what has changed since the last one."""

    def __init__(self, dataset: Path | str, subject: int) -> None:
        self.path = Path(dataset) / str(subject)
        self.subject = subject
        self._known: dict[Path, tuple[Stamp, TakeEntry, Verdict | None]] = {}

    def takes(self) -> tuple[TakeFacts, ...]:
        """Every take of the subject that is called like one, of whatever session; where its manifest cannot be read, the name
        and a status of failed are all there is.
        """
        return tuple(_facts(entry, verdict) for entry, verdict in self._look() if entry.name is not None)

    def manifests(self) -> tuple[Manifest, ...]:
        """The manifests that can be read."""
        whole = (entry for entry, _ in self._look() if entry.manifest_problem is None)
        return tuple(entry.manifest for entry in whole if entry.manifest is not None)

    def sessions(self) -> tuple[SessionEntry, ...]:
        """Every session that a record or a take tells of, in the order of their labels."""
        paths = self.path.glob(f"*{SESSION_SUFFIX}") if self.path.is_dir() else ()
        files = {path.name.removesuffix(SESSION_SUFFIX): path for path in paths}
        told = [take.session for take in self.takes() if take.session]
        return tuple(
            SessionEntry(self.subject, label, files.get(label), told.count(label)) for label in sorted({*files, *told})
        )

    def next_label(self, day: date) -> str:
        """A label for a session begun on that day."""
        return label_for(day, [session.label for session in self.sessions()])

    def load(self, label: str) -> Session:
        """The session; made again from its takes where its record is lost.

        Raises SessionError where neither tells of it, or its record cannot be read.
        """
        found = read_session(session_path(self.path.parent, self.subject, label))
        return found or rebuilt(self.subject, label, self.manifests())

    def grid(self, session: Session) -> Grid:
        """The plan of a session and what has become of it, as the folder is now. Raises SessionError."""
        return grid_of(session, self.takes())

    def _look(self) -> Iterator[tuple[TakeEntry, Verdict | None]]:
        entries = Dataset(self.path).takes() if self.path.is_dir() else []
        known, self._known = self._known, {}
        for entry in entries:
            stamp = _stamp(entry)
            old = known.get(entry.path)
            self._known[entry.path] = old if old and old[0] == stamp else (stamp, entry, _verdict(entry.path))
        return ((entry, verdict) for _, entry, verdict in tuple(self._known.values()))


def _stamp(entry: TakeEntry) -> Stamp:
    """Changes with whatever is read of a take."""
    return tuple(_changed_at(path) for path in (entry.path, entry.sibling(MANIFEST_SUFFIX), analysis_path(entry.path)))


def _changed_at(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _verdict(path: Path) -> Verdict | None:
    """The verdict that is kept of a take; an analysis that cannot be read can be computed again, so it is as good as none."""
    try:
        analysis = read_analysis(path)
    except (GlimpseError, OSError):
        return None
    return analysis.quality.verdict if analysis and analysis.quality else None


def _facts(entry: TakeEntry, verdict: Verdict | None) -> TakeFacts:
    assert entry.name is not None
    manifest = entry.manifest if entry.manifest_problem is None else None
    return TakeFacts(
        path=entry.path,
        movement=entry.name.movement_token,
        number=entry.name.number,
        status=entry.status,
        session=manifest.person.session if manifest and manifest.person else None,
        repetition=manifest.repetition if manifest else None,
        practice=entry.practice,
        noise=entry.noise,
        redone=entry.redone,
        verdict=verdict,
        recorded_at=manifest.recorded_at if manifest else None,
    )


def sessions_of(dataset: Path | str) -> tuple[SessionEntry, ...]:
    """Every session of a data set, by subject and label."""
    folders = (path for path in Path(dataset).iterdir() if path.is_dir() and path.name.isdecimal() and path.name.isascii())
    numbers = sorted(int(path.name) for path in folders if path.name == str(int(path.name)))
    return tuple(session for number in numbers for session in SubjectFolder(dataset, number).sessions())


def read_session(path: Path) -> Session | None:
    """The session that a file records, None where there is no such file. Raises SessionError."""
    try:
        return Session.parse(path.read_bytes(), str(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SessionError(f"{path}: cannot be read ({error.strerror}); check its permissions.") from error
    except SchemaError as error:
        raise SessionError(f"{error} Without this file the session is made again from its takes.") from error


def create_session(dataset: Path | str, session: Session) -> Path:
    """Write the record of a new session; returns its path. Raises SessionError where there is one already."""
    path = session_path(dataset, session.subject, session.label)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        created = create_exclusive(path, session.to_json())
        sync_folder(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    if not created:
        raise SessionError(f"{path}: exists already; go on with that session, or give the new one another label.")
    return path


def save_session(dataset: Path | str, session: Session) -> Path:
    """Write the record of a session that was changed or made again; returns its path. Raises SessionError."""
    path = session_path(dataset, session.subject, session.label)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, session.to_json())
    except OSError as error:
        raise _unwritable(path, error) from error
    return path


def _unwritable(path: Path, error: OSError) -> SessionError:
    return SessionError(f"{path}: cannot be written ({error.strerror}); check the disk and the permissions.")
