"""A session's plan as the window shows it: what the folder told last, and over it what was decided and is still being written.

Files are read and written by the line of jobs, never here. Knows no take that runs and no capture process. No Qt.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from app.i18n import tr
from app.pages.record.jobs import JobLine
from app.pages.record.news import News
from protocol.naming import EVENTS_SUFFIX, TakeName, parse_stem
from protocol.script import Script
from protocol.session import (
    Cell,
    Grid,
    Place,
    Progress,
    Session,
    SessionError,
    TakeFacts,
    add,
    grid_of,
    next_cell,
    progress_of,
    skip,
    unskip,
)
from recorder.sessionstore import SubjectFolder, save_session


@dataclass(frozen=True, eq=False)
class Mark:
    """What a take is to be, until the folder says so itself. name: without `_(noise)`, which is being changed."""

    name: tuple[str, int, int]
    noise: bool
    redone: bool


class SessionPlan:
    """grid: None until the folder was read; chosen: the place that is recorded next; version: grows with every change."""

    def __init__(self, jobs: JobLine, news: News) -> None:
        self.version = 0
        self.data: Path | None = None
        self.session: Session | None = None
        self.script: Script | None = None
        self.grid: Grid | None = None
        self.chosen: Place | None = None
        self._jobs, self._news = jobs, news
        self._folder: SubjectFolder | None = None
        self._takes: tuple[TakeFacts, ...] = ()
        self._last: Path | None = None
        self._marks: dict[tuple[str, int, int], Mark] = {}
        self._unsaved: Counter[Place | None] = Counter()  # changes of the session's record that are being written
        self._known: list[Callable[[], None]] = []  # done once the folder has been read as it is now

    def open(self, data: Path, session: Session) -> None:
        """Take up the plan of a session. Raises SessionError where its script cannot be used."""
        self.script = session.read_script()
        self.data, self.session, self._folder = data, session, SubjectFolder(data, session.subject)
        self.grid = self.chosen = None
        self._takes = ()
        self._marks.clear()
        self.read()
        self.when_read(self.choose_next)

    def close(self) -> None:
        """Forget the session."""
        self.session = self.script = self.grid = self._folder = None
        self._known.clear()
        self.version += 1

    # What is on disk

    def read(self, written: Mark | None = None) -> None:
        """Read the plan from the folder; with that, what was `written` needs no mark any more."""
        folder = self._folder
        if folder is None:
            return

        def told(takes: tuple[TakeFacts, ...]) -> None:
            if folder is self._folder:
                self._takes = takes
                self._lay_out()
                self.release(written)
                self._all_known()

        def failed(text: str) -> None:
            self.release(written)
            self._news.tell(text, "check", key="folder", again=self.read)

        self._jobs.put(folder.takes, told, failed)

    def knows(self, path: Path) -> bool:
        """Whether the plan has this take in it."""
        return any(_key(take.path) == _key(path) for take in self._takes)

    def made(self, path: Path | None) -> None:
        """A take is over. path: None where nothing of it is kept here."""
        self._last = path or self._last
        self.read()

    @property
    def last_take(self) -> Path | None:
        """The take that was made last, as it is called now: it may have become noise, or be no noise any more."""
        last = self._last
        return last and next((take.path for take in self._takes if _key(take.path) == _key(last)), last)

    def when_read(self, call: Callable[[], None]) -> None:
        """Call it once the folder was read."""
        self._known.append(call)

    @property
    def awaited(self) -> bool:
        """Whether something waits for the folder to be read."""
        return bool(self._known)

    def _all_known(self) -> None:
        known, self._known = self._known, []
        for call in known:
            call()

    # What is not on disk yet

    def mark(self, path: Path, *, noise: bool, redone: bool) -> Mark:
        """Show a take as it is going to be; see `release`."""
        mark = Mark(_key(path), noise, redone)
        self._marks[mark.name] = mark
        self._lay_out()
        return mark

    def release(self, mark: Mark | None) -> None:
        """Show the take as the folder has it, unless something else has been decided of it since."""
        if mark is not None and self._marks.get(mark.name) is mark:
            del self._marks[mark.name]
            self._lay_out()

    @property
    def saving(self) -> frozenset[Place]:
        """Places of which something is still being written."""
        cells = self.grid.cells if self.grid is not None else ()
        marked = {cell.place for cell in cells if any(_key(take.path) in self._marks for take in cell.takes)}
        return frozenset(marked | {place for place in self._unsaved if place is not None})

    def _lay_out(self) -> None:
        self.version += 1
        if self.session is None:
            return
        try:
            self.grid = grid_of(self.session, [self._as_decided(take) for take in self._takes])
        except SessionError as error:
            self._news.tell(str(error), "check", key="folder")

    def _as_decided(self, take: TakeFacts) -> TakeFacts:
        mark = self._marks.get(_key(take.path))
        return take if mark is None else replace(take, noise=mark.noise, redone=mark.redone)

    # What is recorded next

    def choose(self, place: Place) -> None:
        """Record this place next."""
        self.chosen = place
        self.version += 1

    def choose_next(self) -> None:
        """Choose what the plan has next; none when all is done."""
        found = next_cell(self.grid, self.chosen, noise_too=True) if self.grid else None
        self.chosen = found.place if found else None
        self.version += 1

    @property
    def cell(self) -> Cell | None:
        """The chosen cell."""
        if self.grid is None or self.chosen is None:
            return None
        return next((cell for cell in self.grid.cells if cell.place == self.chosen), None)

    @property
    def progress(self) -> Progress | None:
        """How far the session is."""
        return progress_of(self.grid, self.script) if self.grid is not None and self.script is not None else None

    # What the operator changes of it

    def skip(self) -> None:
        """Leave the chosen place out, or take it up again."""
        if self.session is None or self.grid is None or self.chosen is None:
            return
        place = self.chosen
        again = place in self.session.skipped
        try:
            changed = unskip(self.session, place) if again else skip(self.session, self.grid, place)
        except SessionError as error:
            self._news.tell(str(error), "check")
            return
        self._change(changed, place)
        if not again:
            self.choose_next()

    def add(self, movement: str) -> Place | None:
        """One more take of a movement; its place, None where the script cannot have it."""
        if self.session is None or self.grid is None:
            return None
        try:
            changed, place = add(self.session, self.grid, movement)
        except SessionError as error:
            self._news.tell(str(error), "check")
            return None
        self._change(changed, place)
        return place

    def _change(self, session: Session, place: Place) -> None:
        self.session = session
        self._save(place)
        self._lay_out()

    def _save(self, place: Place | None = None) -> None:
        data, session = self.data, self.session
        if data is None or session is None:
            return
        self._unsaved[place] += 1

        def written(_: object) -> None:
            self._saved(place)

        def failed(text: str) -> None:
            self._saved(place)
            told = tr("{problem} Until it is written, the change is known to this window alone.").format(problem=text)
            self._news.tell(told, "redo", key="session", again=self._save)

        self._jobs.put(lambda: save_session(data, session), written, failed)

    def _saved(self, place: Place | None) -> None:
        self._unsaved[place] -= 1
        self._unsaved += Counter()  # those that are through are none any more
        self.version += 1


def _key(path: Path) -> tuple[str, int, int]:
    """Movement, subject and number: what a take keeps when it is marked as noise. Raises BadTakeName."""
    name: TakeName = parse_stem(path.name.removesuffix(EVENTS_SUFFIX))
    return name.movement_token, name.subject, name.number
