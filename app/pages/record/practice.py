"""Where takes go that are thrown away: a data set of its own in the system's temporary folder, emptied after each take.

Named by the process, so that what a crash left of it is removed at the next start: it may show a face.
"""

import shutil
import tempfile
from pathlib import Path

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
