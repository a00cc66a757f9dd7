"""What the panel before the session finds in a folder and on the computer: data set, subjects, interrupted sessions, cameras.

Looks only, writes nothing, raises nothing: what is wrong is a sentence. Slow where a folder is large: for a thread. No Qt.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from app.i18n import tr
from protocol.errors import GlimpseError
from protocol.naming import SESSION_SUFFIX
from protocol.script import Script
from protocol.session import progress_of
from protocol.subjects import SubjectRecord
from recorder.dataset import DATASET_FILE, SUBJECTS_FILE, Dataset
from recorder.sessionstore import SubjectFolder
from recorder.sources.base import Found
from recorder.sources.discovery import Discovery, discover
from recorder.sources.opencv_live import list_cameras
from recorder.subject_store import SubjectStore

NEWEST_SUBJECTS = 5  # whose takes are read for interrupted sessions; an interrupted session is a recent one
THERMAL_WORDS = ("thermal", "lepton", "flir", "seek", "boson", "infrared")  # in the names of cameras that see warmth


class FolderKind(StrEnum):
    """What a folder can be to the recorder. REFUSED: it holds something else."""

    NEW = "new"
    DATASET = "dataset"
    REFUSED = "refused"


@dataclass(frozen=True)
class SubjectLine:
    """A subject number that is used. record: its row, None where only takes tell of it; last: day of the newest take."""

    subject: int
    takes: int = 0
    last: date | None = None
    record: SubjectRecord | None = None


@dataclass(frozen=True)
class OpenSession:
    """A session that still wants takes. filled, total: of its plan; last: day of its newest take, else of its begin; script,
    language: as it was begun.
    """

    subject: int
    label: str
    filled: int
    total: int
    minutes_left: float
    last: date
    script: Script
    language: str


@dataclass(frozen=True)
class FolderView:
    """A folder at one moment. simulated: None for a new one; problem: why it cannot be used, in a sentence."""

    path: Path
    kind: FolderKind
    name: str = ""
    simulated: bool | None = None
    problem: str = ""
    subjects: tuple[SubjectLine, ...] = ()
    sessions: tuple[OpenSession, ...] = ()
    next_subject: int = 1

    @property
    def takes(self) -> int:
        """How many takes there are."""
        return sum(line.takes for line in self.subjects)

    def subject(self, number: int) -> SubjectLine | None:
        """The line of a subject, None for a number that is free."""
        return next((line for line in self.subjects if line.subject == number), None)


def look_at(path: Path) -> FolderView:
    """What the folder at `path` is."""
    try:
        return _looked(path)
    except GlimpseError as error:
        return FolderView(path, FolderKind.REFUSED, path.name, problem=str(error))
    except OSError as error:
        text = tr("{path}: cannot be read ({reason}); choose another folder.")
        return FolderView(path, FolderKind.REFUSED, path.name, problem=text.format(path=path, reason=error.strerror))


def _looked(path: Path) -> FolderView:
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return FolderView(path, FolderKind.NEW, path.name)
    if not path.is_dir():
        text = tr("{path}: is a file; choose a folder.")
        return FolderView(path, FolderKind.REFUSED, path.name, problem=text.format(path=path))
    if not (path / DATASET_FILE).exists() and not _holds_takes(path):
        text = tr("{path}: holds other files and is no data set; choose an empty folder or a data set.")
        return FolderView(path, FolderKind.REFUSED, path.name, problem=text.format(path=path))
    info = Dataset(path).info
    lines = subject_lines(path)
    return FolderView(
        path,
        FolderKind.DATASET,
        info.name if info else path.name,
        simulated=bool(info and info.simulated),
        subjects=lines,
        sessions=open_sessions(path, _newest(lines)),
        next_subject=SubjectStore(path).next_free(),
    )


def _holds_takes(path: Path) -> bool:
    """Whether takes lie in the folder or in a subject's folder; nothing deeper is looked at, it may be somebody's home."""
    return any(path.glob("*.aedat4")) or any(path.glob("[0-9]*/*.aedat4")) or (path / SUBJECTS_FILE).exists()


def subject_lines(path: Path) -> tuple[SubjectLine, ...]:
    """The subjects of a data set by number. Raises SubjectsError for a table that cannot be read."""
    records = {record.subject: record for record in SubjectStore(path).records()}
    takes: Counter[int] = Counter()
    last: dict[int, date] = {}
    for entry in Dataset(path).takes():
        if entry.name is not None:
            number = entry.name.subject
            takes[number] += 1
            made = date.fromtimestamp(entry.path.stat().st_mtime)
            last[number] = max(made, last.get(number, made))
    begun = {int(found.parent.name) for found in path.glob(f"*/*{SESSION_SUFFIX}") if found.parent.name.isdecimal()}
    numbers = sorted({*records, *takes, *begun})
    return tuple(SubjectLine(number, takes[number], last.get(number), records.get(number)) for number in numbers)


def _newest(lines: Sequence[SubjectLine]) -> list[int]:
    recorded = sorted((line for line in lines if line.last), key=lambda line: line.last or date.min, reverse=True)
    begun = [line.subject for line in lines if not line.last]  # a session may be interrupted before its first take
    return [*(line.subject for line in recorded[:NEWEST_SUBJECTS]), *begun[-NEWEST_SUBJECTS:]]


def open_sessions(path: Path, subjects: Iterable[int]) -> tuple[OpenSession, ...]:
    """The sessions of these subjects that still want takes, the newest first; what cannot be read is passed over."""
    found = []
    for subject in subjects:
        folder = SubjectFolder(path, subject)
        for entry in folder.sessions():
            try:
                found.append(_progress(folder, entry.label))
            except GlimpseError:
                continue  # such a session cannot be gone on with; it is told when it is asked for
    return tuple(sorted((one for one in found if one is not None), key=lambda one: (one.last, one.label), reverse=True))


def _progress(folder: SubjectFolder, label: str) -> OpenSession | None:
    session = folder.load(label)
    grid = folder.grid(session)
    script = session.read_script()
    progress = progress_of(grid, script)
    if not progress.left:
        return None
    made = [take.recorded_at for take in grid.takes if take.recorded_at]
    last = date.fromisoformat(max(made)[:10]) if made else session.started_at.date()
    return OpenSession(
        session.subject, label, progress.filled, progress.total, progress.minutes_left, last, script, session.language
    )


@dataclass(frozen=True)
class CamerasFound:
    """What is plugged in. hint: what to check where there is no event camera."""

    event: tuple[Found, ...] = ()
    frame: tuple[Found, ...] = ()
    hint: str = ""

    def of_colour(self) -> tuple[Found, ...]:
        """Those that are not thermal by their name."""
        return tuple(found for found in self.frame if not is_thermal(found))

    def of_warmth(self) -> tuple[Found, ...]:
        """Those that are thermal by their name."""
        return tuple(found for found in self.frame if is_thermal(found))


def is_thermal(found: Found) -> bool:
    """Whether a camera calls itself one that sees warmth."""
    return any(word in found.name.casefold() for word in THERMAL_WORDS)


def find_cameras(
    events: Callable[[], Discovery] = discover, frames: Callable[[], Sequence[Found]] = list_cameras
) -> CamerasFound:
    """Look what is plugged in; opens nothing."""
    found = events()
    return CamerasFound(found.cameras, tuple(frames()), found.hint)
