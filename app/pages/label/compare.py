"""Two coders' labels of one take compared, and the consensus that is made of them on disk. No Qt.

Everything that waits for a disk is done by one thread, in the order of the keys; `poll` takes over what it has done. Coders
who label a take blind see nothing of it before all have finished.
"""

import logging
import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.i18n import tr
from app.pages.label.compare_case import Case, Part, finished_pairs, why_not_compare
from app.pages.label.lane import defect_sentence
from app.said import Said
from protocol.adjudication import Choice, Disagreement, changed_since
from protocol.errors import GlimpseError
from protocol.labels import CONSENSUS, Interval, LabelSet
from recorder.dataset import TakeEntry
from recorder.labelplace import present_take
from recorder.labelplan import coders_of, read_plan
from recorder.labelstate import read_labels
from recorder.labelstore import LabelStore
from recorder.takelabels import TakeLabels

_log = logging.getLogger(__name__)
Pair = tuple[str, str]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class _Opened:
    """What the thread has found of a take. why_not: why it may not be compared."""

    turn: int
    path: Path
    why_not: str | None
    labels: dict[str, LabelSet]
    pairs: tuple[Pair, ...] = ()
    coders: tuple[str, ...] = ()
    consensus: LabelSet | None = None
    read_only: str | None = None


class CompareModel:
    """One take that is adjudicated by `by`. Call `poll` on a timer; `version` grows with every change that is to be shown.

    take: None where none is open; case: the points and decisions, None while it is being opened or may not be; why_not: why
    it may not; read_only: why nothing can be decided, None where it can; pairs: every two coders who have finished; pair: those
    two that are compared; part: the name of the part in hand; touched: takes whose row in a list is another one now; renamed:
    takes by their names before and after a decision about noise. Whoever shows these empties both.
    """

    def __init__(self, store: LabelStore, by: str, *, clock: Callable[[], datetime] = _now) -> None:
        self.store, self.by = store, by
        self.take: Path | None = None
        self.case: Case | None = None
        self.why_not: str | None = None
        self.read_only: str | None = None
        self.pairs: tuple[Pair, ...] = ()
        self.pair: Pair | None = None
        self.part = ""
        self.version = 0
        self.touched: list[Path] = []
        self.renamed: list[tuple[Path, Path]] = []
        self._labels: dict[str, LabelSet] = {}
        self._clock = clock
        self._turn = 0
        self._coders: tuple[str, ...] = ()
        self._consensus: LabelSet | None = None
        self._news: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._said: list[Said] = []
        self._opened: TakeLabels | None = None  # of the thread alone
        self._thread = ThreadPoolExecutor(1, "compare")
        self._shut = False

    # What is shown

    @property
    def opening(self) -> bool:
        """Whether a take is still being read."""
        return self.take is not None and self.case is None and self.why_not is None

    @property
    def point(self) -> Disagreement | None:
        """The point in hand."""
        return self.case.point if self.case else None

    @property
    def parts(self) -> tuple[Part, ...]:
        """What it consists of."""
        return self.case.parts(self.case.point) if self.case and self.case.point else ()

    @property
    def consensus(self) -> LabelSet | None:
        """What is decided so far; what both agree about is in it."""
        return self.case.consensus(self._clock()) if self.case else None

    @property
    def written(self) -> bool:
        """Whether a consensus is kept and has everything settled."""
        return self._consensus is not None and self._consensus.adjudication is not None and self._consensus.done

    @property
    def at_us(self) -> int | None:
        """Where the part in hand lies: the cursor goes there."""
        part = next((one for one in self.parts if one.name == self.part), None)
        told = [value for value in (part.chosen, part.first, part.second) if _is_time(part)] if part else []
        times = [value for value in told if isinstance(value, int)]
        return times[0] if times else (self.point.at_us if self.point else None)

    def intervals(self, side: int) -> tuple[Interval, ...]:
        """The intervals of the first (0) or second (1) coder."""
        if self.case is None:
            return ()
        return (self.case.first, self.case.second)[side].intervals

    # What is wanted

    def open(self, path: Path) -> None:
        """Compare what coders say of this take."""
        self._turn += 1
        turn = self._turn
        self.take, self.case, self.why_not, self.read_only, self.pairs, self.pair = path, None, None, None, (), None
        self.part = ""
        self.version += 1
        self._thread.submit(self._guarded, lambda: self._open(path, turn))

    def leave(self) -> None:
        """Compare no take any more; what was decided is on disk."""
        self._turn += 1
        self.take, self.case, self.why_not, self.pairs, self.pair = None, None, None, (), None
        self.version += 1
        self._thread.submit(self._guarded, self._close)

    def use_pair(self, pair: Pair) -> None:
        """Compare these two. A consensus is of two coders: what was decided of two others is not gone on with."""
        if pair in self.pairs and pair != self.pair and self.take is not None:
            self.pair = pair
            self._begin_case()

    def go(self, way: int, *, undecided: bool = False) -> None:
        """To the next disagreement (1) or the one before (-1)."""
        if self.case is not None and self.case.go(way, undecided=undecided):
            self._first_part()

    def go_to(self, number: int) -> None:
        """To that disagreement."""
        if self.case is not None and 0 <= number < len(self.case.points) and number != self.case.at:
            self.case.at = number
            self._first_part()

    def choose_interval(self, interval: str) -> None:
        """To the disagreement that an interval belongs to."""
        if (number := self._number_of(interval)) is not None:
            self.go_to(number)

    def choose_part(self, name: str) -> None:
        """Take that part of the point in hand."""
        if name != self.part and any(one.name == name for one in self.parts):
            self.part = name
            self.version += 1

    def go_part(self, way: int) -> None:
        """To the next part, or the one before."""
        names = [part.name for part in self.parts]
        if names:
            at = names.index(self.part) if self.part in names else 0
            self.choose_part(names[max(0, min(len(names) - 1, at + (1 if way > 0 else -1)))])

    def take_part(self, choice: Choice, at_us: int | None = None) -> None:
        """Decide the part in hand; at_us: for Choice.OWN. What is open then is next."""
        part, words = self.part, f"{choice.value} {self.part}".strip()
        self._decide(lambda case: case.take_part(part, choice, at_us), words)

    def take_whole(self, choice: Choice) -> None:
        """Decide the whole point in hand."""
        self._decide(lambda case: case.take(choice), choice.value)

    def place(self, interval: str, landmark: str, at_us: int) -> None:
        """Put a landmark of an interval somewhere, as the mouse drags it."""
        if self.case is not None and (number := self._number_of(interval)) is not None:
            self.go_to(number)
            self.choose_part(landmark)
            self.take_part(Choice.OWN, at_us)

    def accept(self) -> None:
        """Keep the consensus as it is: where both agree about everything nothing else is to be done."""
        if self._may_write():
            self._write("agreed")

    def undo(self) -> None:
        """Take the last change of the consensus back."""
        self._again(TakeLabels.undo)

    def redo(self) -> None:
        """Make it again."""
        self._again(TakeLabels.redo)

    def poll(self) -> tuple[Said, ...]:
        """Take over what the thread has done; what must be told now."""
        while not self._news.empty():
            self._news.get()()
        said, self._said = tuple(self._said), []
        return said

    def wait(self) -> None:
        """Wait until the thread has done what was asked for; `poll` then has it. For the end, and for tests."""
        self._thread.submit(lambda: None).result()

    def shut(self) -> None:
        """Put everything on disk and end the thread. Safe to call twice."""
        if not self._shut:
            self._shut = True
            self._thread.submit(self._guarded, self._close)
            self._thread.shutdown()

    # Deciding

    def _number_of(self, interval: str) -> int | None:
        case, consensus = self.case, self.consensus
        made = consensus.by_id().get(interval) if consensus else None
        ids = [interval, *(ref.interval for ref in made.made_of)] if made else [interval]
        return next((number for one in ids if case and (number := case.place_of(one)) is not None), None)

    def _may_write(self) -> bool:
        if self.case is None:
            return False
        if self.read_only is not None:
            text = tr("The consensus cannot be changed here: {why}.").format(why=self.read_only)
            self._said.append(Said(text, "check"))
        return self.read_only is None

    def _decide(self, change: Callable[[Case], None], what: str) -> None:
        case = self.case
        if case is None or not self._may_write():
            return
        point = case.point
        try:
            change(case)
        except GlimpseError as error:
            self._said.append(Said(str(error), "check"))
            return
        self.version += 1
        if point is not None and case.decided(point):
            self._write(what)
        else:
            self._next_part()

    def _next_part(self) -> None:
        """To the next part that is open; nothing is on disk before all of a point is decided."""
        open_parts = [part.name for part in self.parts if part.differs and not part.settled]
        if open_parts:
            self.part = open_parts[0]

    def _first_part(self) -> None:
        self.part = self.parts[0].name if self.parts else ""
        self._next_part()
        self.version += 1

    def _write(self, what: str) -> None:
        consensus, turn = self.consensus, self._turn
        if consensus is not None:
            self._consensus = consensus
            self.version += 1
            self._thread.submit(self._guarded, lambda: self._keep(consensus, what, turn))

    def _again(self, call: Callable[[TakeLabels], object]) -> None:
        if self._may_write():
            turn = self._turn
            self._thread.submit(self._guarded, lambda: self._undo(call, turn))

    def _begin_case(self) -> None:
        pair, take = self.pair, self.take
        if pair is None or take is None:
            return
        before = self.case
        first, second = (self._labels[coder] for coder in pair)
        kept = self._consensus if set(pair) == self._adjudicated() else None
        self.case = Case(first, second, kept, self.by, TakeEntry.at(take).noise)
        if before is not None and before.at < len(self.case.points) and (before.first, before.second) == (first, second):
            self.case.at = before.at
        self._first_part()

    # The thread

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (GlimpseError, OSError) as error:
            said = Said(str(error), "redo", "compare")
            self._news.put(lambda: self._said.append(said))
        except Exception as error:  # noqa: BLE001  (told, and logged)
            _log.exception("comparing failed")
            said = Said(defect_sentence(tr("Coders cannot be compared here"), error), "redo", "compare")
            self._news.put(lambda: self._said.append(said))

    def _open(self, path: Path, turn: int) -> None:
        self._close()
        try:
            opened = self._read(path, turn)
        except (GlimpseError, OSError) as error:
            opened = _Opened(turn, path, str(error), {})
        except Exception as error:  # noqa: BLE001  (told, and logged)
            _log.exception("%s cannot be compared", path)
            opened = _Opened(turn, path, defect_sentence(tr("Coders cannot be compared here"), error), {})
        self._news.put(lambda: self._take_over(opened))

    def _read(self, path: Path, turn: int) -> _Opened:
        path = present_take(path)
        plan, labels = read_plan(self.store.dataset), read_labels(path)
        coders = coders_of(plan, self.store.dataset, path)
        if (why_not := why_not_compare(plan, coders, self.by, labels)) is not None:
            return _Opened(turn, path, why_not, {})
        self._opened = self.store.open(path, CONSENSUS, who=self.by)
        kept = None if self._opened.labels.adjudication is None else self._opened.labels
        return _Opened(turn, path, None, labels, finished_pairs(labels), coders, kept, self._opened.why_read_only)

    def _keep(self, consensus: LabelSet, what: str, turn: int) -> None:
        opened = self._opened
        if opened is None:
            return
        try:
            opened.become(consensus, what)
            self._settle(opened, turn)
        except GlimpseError as error:  # it is not on disk: what is shown must not say that it is
            said, kept = Said(str(error), "redo"), opened.labels
            self._news.put(lambda: self._said.append(said))
            self._news.put(lambda: self._went_back(turn, kept))

    def _undo(self, call: Callable[[TakeLabels], object], turn: int) -> None:
        opened = self._opened
        if opened is None:
            return
        call(opened)
        self._settle(opened, turn)
        labels = opened.labels
        self._news.put(lambda: self._went_back(turn, labels))

    def _settle(self, opened: TakeLabels, turn: int) -> None:
        """The take is called noise, or no more, as the consensus says."""
        before = opened.path
        after = opened.settle_noise(self._coders)
        self._news.put(lambda: self._changed_on_disk(turn, before, after))

    def _close(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            try:
                opened.close()
            except GlimpseError:
                with suppress(GlimpseError):
                    opened.close(give_up=True)
                raise

    # Taking over, on the thread that calls `poll`

    def _take_over(self, opened: _Opened) -> None:
        if opened.turn != self._turn:
            return
        self.take, self.why_not, self.read_only = opened.path, opened.why_not, opened.read_only
        self._labels, self.pairs, self._coders = opened.labels, opened.pairs, opened.coders
        self._consensus = opened.consensus
        self.version += 1
        if not self.pairs:
            return
        self.pair = next((pair for pair in self.pairs if set(pair) == self._adjudicated()), self.pairs[0])
        self._begin_case()
        if opened.consensus is not None and (coders := changed_since(opened.consensus, opened.labels)):
            text = tr("{coders} changed something since this was adjudicated; look at it again.")
            self._said.append(Said(text.format(coders=", ".join(coders)), "check"))

    def _adjudicated(self) -> set[str]:
        adjudication = self._consensus.adjudication if self._consensus else None
        return {one.coder for one in adjudication.originals} if adjudication else set()

    def _went_back(self, turn: int, labels: LabelSet) -> None:
        if turn == self._turn:
            self._consensus = None if labels.adjudication is None else labels
            self._begin_case()

    def _changed_on_disk(self, turn: int, before: Path, after: Path) -> None:
        self.touched += [before] if before == after else [before, after]
        if before != after:
            self.renamed.append((before, after))
        if turn == self._turn:
            self.take = after
            self.version += 1


def _is_time(part: Part | None) -> bool:
    return part is not None and part.name in ("onset", "apex", "offset")
