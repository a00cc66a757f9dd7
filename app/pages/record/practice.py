"""Where takes go that are thrown away: a data set of its own in the system's temporary folder, emptied after each take.

Named by the process, so that what a crash left of it is removed at the next start: it may show a face.
"""

import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from app.pages.record.jobs import JobLine
from app.pages.record.news import News
from protocol.naming import EVENTS_SUFFIX
from recorder.dataset import Dataset
from recorder.host import ProcessId
from recorder.takefiles import siblings

PREFIX = "glimpse-practice-"
OWNER = "owner.json"


class PracticeFolder:
    """The folder; made at the first practice take."""

    def __init__(self, root: Path | None = None) -> None:
        self._root = root or Path(tempfile.gettempdir())
        self._folder: Path | None = None

    def make(self, like: Path) -> Path:
        """The data set for a practice take; simulated or not as the data set `like` is."""
        sweep(self._root)
        if self._folder is None or not self._folder.is_dir():
            self._folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=self._root))
            (self._folder / OWNER).write_text(ProcessId.current().to_json(), encoding="utf-8")
        data = self._folder / "data"
        if not data.exists():
            info = Dataset(like).info
            Dataset.create(data, "practice", simulated=info is not None and info.simulated)
        return data

    def holds(self, path: Path) -> bool:
        """Whether this is a take that is thrown away."""
        return self._folder is not None and self._folder in path.parents

    def throw_away(self, take: Path) -> None:
        """Remove a take with all its files; others stay, such as the next one, which may be running."""
        for path in siblings(take.parent, take.name.removesuffix(EVENTS_SUFFIX)) if self.holds(take) else ():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        if self._folder is not None and self._folder.exists():
            shutil.rmtree(self._folder)
        self._folder = None


class PracticeTakes:
    """The takes that are thrown away, their folder made and emptied by the line of jobs. data: the folder once it is there."""

    def __init__(self, jobs: JobLine, news: News) -> None:
        self.data: Path | None = None
        self.preparing = False
        self._folder = PracticeFolder()
        self._jobs, self._news = jobs, news
        self._gone = False

    def prepare(self, like: Path, then: Callable[[], object]) -> None:
        """Make the folder, and go on."""
        self.preparing = True

        def made(folder: Path) -> None:
            self.data, self.preparing = folder, False
            then()

        def failed(text: str) -> None:
            self.preparing = False
            self._news.tell(text, "redo", key="take", again=then)

        self._jobs.put(lambda: self._folder.make(like), made, failed)

    def holds(self, path: Path | None) -> bool:
        """Whether this is a take that is thrown away."""
        return path is not None and self._folder.holds(path)

    def throw_away(self, take: Path) -> None:
        """Remove a take. Raises OSError; for a thread."""
        self._folder.throw_away(take)

    def leave(self) -> None:
        """Remove the folder, once."""
        if not self._gone:
            self._gone = True
            self._jobs.put(self._folder.remove, lambda _: None, partial(self._news.tell, state="check"))


def sweep(root: Path) -> None:
    """Remove the folders of processes that are gone."""
    for folder in root.glob(f"{PREFIX}*"):
        owner = _owner(folder)
        if owner is not None and owner.is_alive() is False:
            shutil.rmtree(folder)


def _owner(folder: Path) -> ProcessId | None:
    try:
        return ProcessId.from_json((folder / OWNER).read_text(encoding="utf-8"))
    except OSError:
        return None  # another user's, or one that is being made
