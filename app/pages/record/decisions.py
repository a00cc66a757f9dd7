"""What the operator decides of takes, carried out in the line of jobs: kept as noise, redone, thrown away, and that undone.

A take's files keep their names until the judge is through with them; the plan shows at once what is to be. No Qt.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from app.i18n import tr
from app.pages.record.jobs import JobLine
from app.pages.record.news import News
from app.pages.record.sessionplan import Mark, SessionPlan
from recorder.takeactions import Decided, have_redone, keep_as_noise, undo


@dataclass(eq=False)
class Decision:
    """One decision. path: the take's `.aedat4` as it was called then; carried: what was done, None while nothing was."""

    path: Path
    action: Callable[[Path], Decided]
    mark: Mark
    carried: Decided | None = None

    def carry_out(self) -> None:
        """Rename or mark the take's files. Raises GlimpseError, OSError."""
        self.carried = self.action(self.path)

    def take_back(self) -> Path:
        """Make the take what it was; its path then. Raises GlimpseError, OSError."""
        return undo(self.carried) if self.carried is not None else self.path


class Decisions:
    """The decisions of a session, the newest last. Call `carry_out` on a timer."""

    def __init__(self, jobs: JobLine, plan: SessionPlan, is_examined: Callable[[Path], bool], news: News) -> None:
        self._jobs, self._plan, self._is_examined, self._news = jobs, plan, is_examined, news
        self._made: list[Decision] = []
        self._waiting: list[Decision] = []
        self._undone: list[Decision] = []
        self._thrown_away: list[tuple[Path, Callable[[Path], None]]] = []

    def noise(self, path: Path) -> None:
        """The take is noise."""
        self._decide(Decision(path, keep_as_noise, self._plan.mark(path, noise=True, redone=False)))

    def redo(self, path: Path) -> None:
        """The same is recorded again."""
        self._decide(Decision(path, have_redone, self._plan.mark(path, noise=False, redone=True)))

    def throw_away(self, path: Path, action: Callable[[Path], None]) -> None:
        """A take to practise is not kept."""
        self._thrown_away.append((path, action))

    @property
    def waiting(self) -> bool:
        """Whether a decision is not carried out yet, since the judge still has the take."""
        return bool(self._waiting or self._thrown_away)

    @property
    def undone(self) -> int:
        """How many decisions could not be carried out, and were not tried again."""
        return len(self._undone)

    def forget(self) -> None:
        """Another session begins: what was decided stays."""
        self._made.clear()

    def _decide(self, decision: Decision) -> None:
        self._made.append(decision)
        self._waiting.append(decision)

    def carry_out(self) -> None:
        """Hand over what the judge is through with."""
        for one in [one for one in self._waiting if not self._is_examined(one.path)]:
            self._waiting.remove(one)
            self._jobs.put(one.carry_out, partial(self._carried_out, one.mark), partial(self._failed, one, one.mark))
        for thrown in [one for one in self._thrown_away if not self._is_examined(one[0])]:
            self._thrown_away.remove(thrown)
            self._throw(*thrown)

    def _carried_out(self, mark: Mark, _: None) -> None:
        self._plan.read(written=mark)

    def _failed(self, one: Decision, mark: Mark, text: str) -> None:
        self._plan.read(written=mark)
        if one in self._made:  # else it was taken back meanwhile
            self._made.remove(one)
            self._undone.append(one)
            self._news.tell(text, "redo", key=f"later {one.path.name}", again=partial(self._decide_again, one))

    def try_again(self) -> None:
        """Once more all that could not be carried out."""
        for one in list(self._undone):
            self._decide_again(one)

    def _decide_again(self, one: Decision) -> None:
        if one not in self._undone:
            return  # it was tried meanwhile
        self._undone.remove(one)
        one.mark = self._plan.mark(one.path, noise=one.mark.noise, redone=one.mark.redone)
        self._decide(one)

    def _throw(self, path: Path, action: Callable[[Path], None]) -> None:
        def failed(text: str) -> None:
            self._news.tell(text, "redo", key=f"later {path.name}", again=partial(self._throw, path, action))

        self._jobs.put(partial(action, path), lambda _: None, failed)

    # Taken back

    def undo(self) -> bool:
        """Take back the last decision; whether there was one."""
        if not self._made:
            return False
        one = self._made.pop()
        if one in self._waiting:
            self._waiting.remove(one)
            self._plan.release(one.mark)
            self._taken_back(one, one.path)
        else:
            one.mark = self._plan.mark(one.path, noise=False, redone=False)
            self._jobs.put(one.take_back, partial(self._taken_back, one), partial(self._stays, one))
        return True

    def _taken_back(self, one: Decision, path: Path) -> None:
        self._news.tell(tr("{take} is as it was before.").format(take=path.name), "good")
        self._plan.read(written=one.mark)

    def _stays(self, one: Decision, text: str) -> None:
        self._made.append(one)
        self._news.tell(text, "redo", key="undo", again=self.undo)
        self._plan.read(written=one.mark)
