"""The takes that a coder labels: the list of a data set in threads, filtered, ordered, and where to go next. No Qt.

The window asks `poll` on its timer and shows `rows` when `version` has changed; nothing here waits for a disk on its thread.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import monotonic
from typing import NamedTuple

from app.pages.label.queue_rows import (
    Counts,
    QueueFilter,
    QueueOrder,
    QueueRow,
    belongs,
    counted,
    in_order,
    lets_through,
    queue_row,
    queue_rows,
)
from app.said import Said
from protocol.errors import GlimpseError
from recorder.browse.catalogue import Catalogue, Progress, catalogue_cache
from recorder.browse.takefacts import TakeRow
from recorder.labelplace import present_take, twin
from recorder.labelplan import LabelPlan, labels_on_disk, read_plan

PACE_OF = 15  # takes done last, as they are listed, whose median time says how long the rest will take
LOOK_AGAIN_S = 1.0  # how often what a long first look has found is listed
_log = logging.getLogger(__name__)


class Values(NamedTuple):
    """What there is to filter by, sorted."""

    movements: tuple[str, ...] = ()
    subjects: tuple[int, ...] = ()
    statuses: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    coders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listing:
    """What is listed at one moment. everything: all rows, in the order of the queue; rows: those that the filter lists."""

    everything: tuple[QueueRow, ...] = ()
    rows: tuple[QueueRow, ...] = ()
    at: dict[Path, int] | None = None
    counts: Counts = field(default_factory=Counts)
    values: Values = field(default_factory=Values)
    plan: LabelPlan | None = None
    pace_s: float | None = None


class QueueModel:
    """The queue of one coder in one data set.

    chosen: the take that is open; version: grows when `rows`, `counts` or `looking` have changed; found_once: the data set was
    looked at as a whole.
    """

    def __init__(self, dataset: Path, coder: str, *, cache: Callable[[], Path | None] = catalogue_cache) -> None:
        """cache: where the index of the data set is kept."""
        self.dataset, self.coder = Path(dataset), coder
        self.chosen: Path | None = None
        self.version = 0
        self.found_once = False
        self.looked_at = 0
        self._filter, self._order = QueueFilter(), QueueOrder.QUEUE
        self._cache = cache
        self._catalogue: Catalogue | None = None
        self._listing = Listing()
        self._spent: dict[Path, float | None] = {}
        self._last_at = -1
        self._said: deque[Said] = deque()
        self._wake = threading.Condition()
        self._tasks: deque[Path] = deque()
        self._wished = self._listed = 0  # lists made anew: how many were asked for, and have been made
        self._replan = self._refilter = self._look = self._stopped = False
        self._threads = [
            threading.Thread(target=self._keep, args=(work,), name=f"queue-{name}", daemon=True)
            for name, work in (("list", self._list_once), ("find", self._find_once))
        ]
        for thread in self._threads:
            thread.start()

    # What is shown

    @property
    def rows(self) -> tuple[QueueRow, ...]:
        """The takes that are listed, in order; the same object until they change."""
        return self._listing.rows

    @property
    def counts(self) -> Counts:
        """How far the coder is with the queue, whatever is filtered."""
        return self._listing.counts

    @property
    def values(self) -> Values:
        """What there is to filter by."""
        return self._listing.values

    @property
    def plan(self) -> LabelPlan | None:
        """The data set's plan, None where it has none."""
        return self._listing.plan

    @property
    def looking(self) -> bool:
        """Whether the data set is being looked at."""
        return self._look

    @property
    def minutes_left(self) -> float | None:
        """For what is not done, at the pace of what is; None where that is not known."""
        counts, pace_s = self.counts, self._listing.pace_s
        return None if pace_s is None else (counts.takes - counts.done) * pace_s / 60

    @property
    def filter(self) -> QueueFilter:
        """Which takes are listed."""
        return self._filter

    @property
    def order(self) -> QueueOrder:
        """In which order."""
        return self._order

    def row(self, path: Path) -> QueueRow | None:
        """What is known of a take, listed or not: its name as shown, its coders, what the coder may see."""
        return next((row for row in self._listing.everything if row.path == path), None)

    def index_of(self, path: Path | None) -> int | None:
        """Where a take stands in `rows`."""
        listing = self._listing
        return listing.at.get(path) if listing.at is not None and path is not None else None

    def poll(self) -> tuple[Said, ...]:
        """What must be told since the last time; for the window's timer."""
        said = []
        while self._said:
            said.append(self._said.popleft())
        return tuple(said)

    # What is wanted

    def refresh(self) -> None:
        """Look at the folder, and list what has changed."""
        with self._wake:
            self._look = True
            self._changed()

    def show(self, chosen: QueueFilter | None = None, order: QueueOrder | None = None) -> None:
        """List other takes, or in another order."""
        with self._wake:
            self._filter = self._filter if chosen is None else chosen
            self._order = self._order if order is None else order
            self._refilter = True
            self._wake.notify_all()

    def use_coder(self, coder: str) -> None:
        """Another coder sits at the desk."""
        with self._wake:
            self.coder = coder
            self._spent.clear()
            self._wished += 1
            self._wake.notify_all()

    def look_at(self, path: Path) -> None:
        """Read one take anew, as after its labels have changed; one that was renamed to or from noise is found."""
        with self._wake:
            self._tasks.append(path)
            self._wake.notify_all()

    def choose(self, path: Path | None) -> None:
        """Note that a take is open now."""
        self.chosen = path
        at = self.index_of(path)
        self._last_at = self._last_at if at is None else at

    def next(self, way: int = 1, *, unlabelled: bool = True) -> Path | None:
        """The take after (way 1) or before (-1) the chosen one that the coder has not finished; at the end it goes on from the
        other one. None where there is none. unlabelled: False for any take, without going round.
        """
        rows = self.rows
        at = self.index_of(self.chosen)
        if at is None:  # filtered away since, or nothing is chosen: what followed it stands in its place now
            at = self._last_at - 1 if way > 0 and self._last_at >= 0 else self._last_at
            at = at if self._last_at >= 0 else (-1 if way > 0 else len(rows))
        if not unlabelled:
            return rows[at + way].path if 0 <= at + way < len(rows) else None
        step = 1 if way > 0 else -1
        around = [*range(at + step, len(rows) if step > 0 else -1, step), *_other_end(at, len(rows), step)]
        return next((rows[one].path for one in around if rows[one].mine is not Progress.DONE), None)

    def shut(self) -> None:
        """Stop the threads and close the index."""
        with self._wake:
            self._stopped = True
            self._wake.notify_all()
        for thread in self._threads:
            thread.join()
        if self._catalogue is not None:
            self._catalogue.close()

    # The threads

    def _changed(self) -> None:
        self.version += 1
        self._wake.notify_all()

    def _keep(self, work: Callable[[], None]) -> None:
        while not self._stopped:
            try:
                work()
            except (GlimpseError, OSError) as error:
                self._said.append(Said(str(error), "redo", "queue"))
            except Exception as error:  # noqa: BLE001  (a defect: told, and the queue goes on)
                _log.exception("%s failed", threading.current_thread().name)
                self._said.append(Said(f"The list of takes failed: {error}.", "redo", "queue"))

    def _find_once(self) -> None:
        """Wait until the folder is to be looked at, and look."""
        with self._wake:
            self._wake.wait_for(lambda: self._look or self._stopped)
        if self._stopped:
            return
        anew = self._catalogue is None
        try:
            catalogue = self._catalogue = self._catalogue or Catalogue(self.dataset, cache=self._cache())
            if anew:  # what is known from the last time comes first, and undisturbed
                self._wish_reload()
                with self._wake:
                    self._wake.wait_for(lambda: self._listed == self._wished or self._stopped)
            anew = self._look_through(catalogue) or anew
        finally:
            with self._wake:
                self._look = False
                self.found_once = True
                self._wished += anew
                self._replan = True
                self._changed()

    def _look_through(self, catalogue: Catalogue) -> bool:
        """Look at the folder; whether anything has changed."""
        listed_at, grows = monotonic(), not self._listing.everything

        def looked(count: int) -> bool:
            nonlocal listed_at
            self.looked_at = count
            if grows and monotonic() - listed_at > LOOK_AGAIN_S:
                listed_at = monotonic()
                self._wish_reload()
            return not self._stopped

        changes = catalogue.refresh(looked)
        for folder in changes.unread[:1]:
            self._said.append(Said(f"{folder}: cannot be read; check its permissions.", "check", "unread"))
        return bool(changes.added or changes.changed or changes.removed)

    def _wish_reload(self) -> None:
        with self._wake:
            self._wished += 1
            self._wake.notify_all()

    def _list_once(self) -> None:
        """Wait until something is to be listed, and list it."""
        with self._wake:
            self._wake.wait_for(
                lambda: self._wished != self._listed or self._replan or self._refilter or self._tasks or self._stopped
            )
            wished, replan, self._replan, self._refilter = self._wished, self._replan, False, False
            paths, coder = list(dict.fromkeys(self._tasks)), self.coder
            self._tasks.clear()
        try:
            if not self._stopped and self._catalogue is not None:
                self._list(self._catalogue, coder, paths, reload=wished != self._listed, replan=replan)
        finally:
            with self._wake:
                self._listed = wished
                self._wake.notify_all()

    def _list(self, catalogue: Catalogue, coder: str, paths: list[Path], *, reload: bool, replan: bool) -> None:
        listing = self._listing
        everything, plan = listing.everything, listing.plan
        if reload or replan:
            plan = self._read_plan()
        if reload or plan != listing.plan:
            everything = tuple(queue_rows(self.dataset, catalogue.takes(), coder, plan))
        for path in paths:
            everything = self._with_one(everything, path, catalogue, coder, plan)
        self._publish(everything, plan, coder)

    def _read_plan(self) -> LabelPlan | None:
        try:
            return read_plan(self.dataset)
        except GlimpseError as error:  # a plan that cannot be read must not open what it would hide: keep the last one
            self._said.append(Said(str(error), "redo", "plan"))
            return self._listing.plan

    def _with_one(
        self, rows: tuple[QueueRow, ...], path: Path, catalogue: Catalogue, coder: str, plan: LabelPlan | None
    ) -> tuple[QueueRow, ...]:
        """The rows with one take read anew, also where it has got another name."""
        self._spent.pop(path, None)
        now, take = path, catalogue.look_at(path)
        if take is None:
            now, take = self._renamed(path, catalogue)
        names = {path, now} | {other for other in (twin(now),) if other is not None and not other.exists()}
        at = next((number for number, row in enumerate(rows) if row.path in names), len(rows))
        before, after = rows[:at], tuple(row for row in rows[at:] if row.path not in names)
        if take is None:
            return (*before, *after)
        turn = rows[at].turn if at < len(rows) else at
        return (*before, queue_row(self.dataset, take, coder, plan, turn), *after)

    def _renamed(self, path: Path, catalogue: Catalogue) -> tuple[Path, TakeRow | None]:
        try:
            now = present_take(path)
        except GlimpseError:
            return path, None
        if self.chosen == path:
            self.chosen = now
        return now, catalogue.look_at(now)

    def _publish(self, everything: tuple[QueueRow, ...], plan: LabelPlan | None, coder: str) -> None:
        with self._wake:
            chosen, order = self._filter, self._order
        queue = [row for row in everything if belongs(row, chosen, coder, plan)]
        passes = lets_through(chosen)
        rows = tuple(in_order((row for row in queue if passes(row)), order, plan))
        counts = counted(row for row in queue if row.used or chosen.left_out)
        at = {row.path: number for number, row in enumerate(rows)}
        if (here := at.get(self.chosen) if self.chosen else None) is not None:
            self._last_at = here
        self._listing = Listing(everything, rows, at, counts, _values(everything), plan, self._pace(queue, coder))
        with self._wake:
            self._changed()

    def _pace(self, queue: list[QueueRow], coder: str) -> float | None:
        """The median time of some takes that are done, in seconds."""
        for row in [row for row in queue if row.mine is Progress.DONE][-PACE_OF:]:
            if row.path not in self._spent:
                labels = labels_on_disk(row.path, coder)
                self._spent[row.path] = labels.spent_s if labels else None
        known = [spent_s for spent_s in list(self._spent.values())[-PACE_OF:] if spent_s]
        return median(known) if known else None


def _other_end(at: int, count: int, step: int) -> range:
    """Where the search goes on when it has come to one end, up to the take where it began."""
    return range(0, min(max(at, 0), count), 1) if step > 0 else range(count - 1, max(at, -1), -1)


def _values(rows: tuple[QueueRow, ...]) -> Values:
    return Values(
        tuple(sorted({row.movement for row in rows if row.movement is not None})),
        tuple(sorted({row.subject for row in rows if row.subject is not None})),
        tuple(sorted({row.status for row in rows if row.status is not None})),
        tuple(sorted({row.verdict for row in rows if row.verdict is not None})),
        tuple(sorted({coder for row in rows for coder in (*row.done, *row.begun, *row.coders)})),
    )
