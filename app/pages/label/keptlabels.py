"""The labels of the take on the annotator's desk: opened, changed and put on disk by a thread, in the order of the keys. No Qt.

`poll`, called on a timer, takes over what the thread has done; nothing else changes what is shown. Knows no key.
"""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.i18n import tr
from app.pages.label.lane import Lane, defect_sentence
from app.pages.label.marking import Facts, Marker
from app.pages.label.scores import Scores, ScoreSource, no_scores
from app.pages.label.takedesk import TakeDesk, first_cursor
from app.said import Said
from protocol.analysis import Suggestion
from protocol.errors import GlimpseError
from protocol.labeledits import Edit, Landmark
from protocol.labels import CONSENSUS, LabelSet, Sight
from recorder.analysisstore import read_analysis
from recorder.dataset import TakeEntry
from recorder.labelplan import coders_of, labels_on_disk, read_plan, sight_for
from recorder.labelstore import LabelStore

_log = logging.getLogger(__name__)
LOOK_AGAIN_S = 2.0  # whether the window that writes has closed


@dataclass(frozen=True)
class _Marked:
    """What the thread of the labels tells: how they are after a piece of work."""

    turn: int
    path: Path
    labels: LabelSet
    facts: Facts
    hidden: bool
    chosen: str | None
    landmark: Landmark | None
    read_only: str | None
    undoable: Edit | None
    redoable: Edit | None
    cursor_us: int | None = None
    finished: bool = False


class KeptLabels(TakeDesk):
    """One coder at the takes of one data set. Call `poll` on a timer; `version` grows with every change that is to be shown.

    labels: this coder's, None while they are being opened; chosen, landmark: what keys act on; suggestions: none where the
    coder must not see them; hidden: nor what was asked for; read_only: why nothing can be changed, None where it can.
    """

    def __init__(
        self,
        store: LabelStore,
        coder: str,
        *,
        scores: ScoreSource = no_scores,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(clock_s, scores)
        self.store, self.coder = store, coder
        self.labels: LabelSet | None = None
        self.chosen: str | None = None
        self.landmark: Landmark | None = None
        self.hidden = False
        self.read_only: str | None = None
        self.undoable: Edit | None = None
        self.redoable: Edit | None = None
        self.finished: Path | None = None  # by the last key; whoever goes on to the next take sets it to None
        self.touched: list[Path] = []  # takes whose row in a list is another one now; whoever shows the list empties it
        self._marker: Marker | None = None  # of the thread of the labels alone
        self._marking = Lane("label-marking", self._failed)
        self._looked_s = 0.0
        self._may_see_scores, self._scored = False, -1
        self.problem: str | None = None  # why the last changes are not on disk yet
        self._closed = False

    # Takes

    def open(self, path: Path) -> None:
        """Show and label this take from now on; the one before is closed. Done by the threads."""
        self._turn += 1
        turn = self._turn
        if self.read_only is not None:  # of the take before: neither why it could not be changed nor opened holds any more
            keys = ("read_only", *(("labels",) if self.problem is None else ()))
            self._said += [Said("", key=key, over=True) for key in keys]
        self.finished, self.labels, self.chosen, self.landmark, self.suggestions = None, None, None, None, ()
        self.read_only, self.undoable, self.redoable, self.hidden = None, None, None, False
        self._may_see_scores = False
        self._open(path)
        spent_s = self._time_spent()
        self._marking.do(lambda: self._open_labels(path, turn, spent_s))
        self._touch()

    # Labels: everything below `_mark` is done by the thread of the labels

    def _open_labels(self, path: Path, turn: int, spent_s: float) -> None:
        self._close_labels(spent_s)
        try:
            labels = self.store.open(path, self.coder)
            plan = read_plan(self.store.dataset)
            coders = coders_of(plan, self.store.dataset, labels.path) if plan else ()
            sight = sight_for(plan, coders)
            facts = self._facts(labels.path, sight, coders)
        except (GlimpseError, OSError) as error:
            text = str(error)
            self._news.put(lambda: self._cannot_open(turn, text))
            return
        except Exception as error:  # noqa: BLE001  (as damaged labels may cause; none may leave the page waiting)
            _log.exception("labels of %s cannot be opened", path)
            text = defect_sentence(tr("The labels of this take cannot be opened"), error)
            self._news.put(lambda: self._cannot_open(turn, text))
            return
        self._marker = Marker(labels, facts)
        for text in labels.messages:
            self._tell(Said(text, "check"))
        self._publish(turn)

    def _facts(self, path: Path, sight: Sight, coders: tuple[str, ...]) -> Facts:
        suggestions: tuple[Suggestion, ...] = ()
        cue_us: int | None = None
        t0_us: int | None = None
        with suppress(GlimpseError):  # the page tells, from its own look at it
            analysis = read_analysis(path) if sight.suggestions else None
            onset = analysis.onset if analysis else None
            found = (*onset.intervals, *onset.candidates) if onset else ()
            suggestions = tuple(sorted(found, key=lambda one: one.onset_us))
            cue_us = onset.cue_us if onset else None
            paper = analysis.sync.paper if analysis and analysis.sync else None
            t0_us = paper.out_us if paper else None
        asked = TakeEntry.at(path).movement if sight.asked else None
        decided = labels_on_disk(path, CONSENSUS)
        compared = decided is not None and decided.adjudication is not None and decided.adjudication.by == self.coder
        seen = Sight(suggestions=bool(suggestions), detections=False, others=compared, asked=sight.asked)
        return Facts(asked, suggestions, seen, coders, cue_us, sight.detections, t0_us)

    def _close_labels(self, spent_s: float) -> None:
        marker, self._marker = self._marker, None
        if marker is None:
            return
        labels = marker.labels
        try:
            if labels.writable and not labels.labels.empty and spent_s > 0:
                labels.add_time(spent_s)
            labels.close()
        except (GlimpseError, OSError) as error:
            with suppress(GlimpseError, OSError):
                labels.close(give_up=True)  # the journal has every change; what fails is waiting for the disk
            self._tell(Said(str(error), "redo", "labels"))

    def _mark(self, change: Callable[[Marker], int | None], *, finishes: bool = False) -> None:
        """Have the labels changed by the thread that writes them."""
        self._worked()
        turn = self._turn
        self._marking.do(lambda: self._change(turn, change, finishes))

    def _change(self, turn: int, change: Callable[[Marker], int | None], finishes: bool) -> None:
        marker = self._marker
        if marker is None:
            return
        before = marker.labels.path
        cursor_us, finished = None, False
        try:
            cursor_us = change(marker)
            finished = finishes
        except (GlimpseError, OSError) as error:
            self._tell(Said(str(error), "check"))
        after = marker.labels.path
        self._publish(turn, cursor_us, finished)
        if after != before:
            self._news.put(lambda: self._renamed(turn, before, after))

    def _publish(self, turn: int, cursor_us: int | None = None, finished: bool = False) -> None:
        marker = self._marker
        if marker is None:
            return
        labels = marker.labels
        told = _Marked(
            turn,
            labels.path,
            labels.labels,
            marker.facts,
            not marker.facts.sight.asked,
            marker.chosen,
            marker.landmark,
            labels.why_read_only,
            labels.undoable,
            labels.redoable,
            cursor_us,
            finished,
        )
        self._news.put(lambda: self._take_over(told))

    def _acquire(self, turn: int, *, take_over: bool = False) -> None:
        """Where somebody else writes: what they say now, and whether they have closed."""
        marker = self._marker
        if marker is None or marker.labels.writable:
            return
        try:
            changed = marker.labels.refresh()
            if marker.labels.acquire(take_over=take_over) or changed or take_over:
                self._publish(turn)
        except (GlimpseError, OSError) as error:
            text = str(error)
            self._news.put(lambda: self._tell_of(turn, Said(text, "redo", "labels")))

    # Taking over, on the thread that calls `poll`

    def poll(self) -> Sequence[Said]:
        """Take over what the threads have done, go on playing; what must be told now."""
        self._take_news()
        self._play_on()
        self._close_retired()
        self._watch_labels()
        self._watch_scores()
        said, self._said = self._said, []
        return said

    def _watch_labels(self) -> None:
        marker, now_s = self._marker, self._clock_s()
        problem = marker.labels.problem if marker else None
        if problem != self.problem:
            self.problem = problem
            self._said.append(Said(problem or "", "redo", "labels", over=problem is None))
        if self.read_only is not None and now_s - self._looked_s > LOOK_AGAIN_S:
            self._looked_s = now_s
            turn = self._turn
            self._marking.do(lambda: self._acquire(turn))

    def _watch_scores(self) -> None:
        if self.scores is not None and self._scored != self._turn:
            self._scored = self._turn
            self._mark(lambda marker: marker.saw(detections=True))

    @property
    def scores(self) -> Scores | None:
        """What a model says of the take, where there is any and this coder may see it."""
        return self.media.scores if self.media is not None and self._may_see_scores else None

    @property
    def loaded(self) -> bool:
        """Whether take, labels and rates are all there, so that opening the next take holds nothing up."""
        media = self.media
        return media is not None and self.labels is not None and (media.curves.complete or media.curves.problem is not None)

    def saw_others(self) -> None:
        """What others say of the take is in sight from now on."""
        self._mark(lambda marker: marker.saw(others=True))

    def take_over(self) -> None:
        """Write these labels though a window on another machine seems to have them open: that one is known to be closed."""
        if self.read_only is None:
            self._said.append(Said(tr("Nobody else has these labels open."), "check"))
            return
        turn = self._turn
        self._marking.do(lambda: self._acquire(turn, take_over=True))

    def renamed(self, before: Path, after: Path) -> None:
        """The take has another name now; whoever gave it that tells so."""
        if before != after and before == self.take:
            self._renamed(self._turn, before, after)

    def _take_over(self, told: _Marked) -> None:
        if told.turn != self._turn:
            return
        new = self.labels is None
        if self.labels is not None and self.labels != told.labels:
            self.touched.append(told.path)
        self.labels, self.chosen, self.landmark, self.hidden = told.labels, told.chosen, told.landmark, told.hidden
        self.undoable, self.redoable = told.undoable, told.redoable
        self.suggestions, self._may_see_scores = told.facts.suggestions, told.facts.detections
        self._tell_read_only(told.read_only)
        if new and self._fresh and self.media is not None:
            self.cursor_us = first_cursor(self.media, self.suggestions)
        if told.cursor_us is not None:
            self.seek(told.cursor_us)
        if told.finished:
            self.finished = told.path
        self._touch()

    def _tell_read_only(self, why: str | None) -> None:
        if why == self.read_only:
            return
        self.read_only = why
        text = tr("These labels cannot be changed here: {why}.").format(why=why) if why else ""
        self._said.append(Said(text, "check", "read_only", remedy="take_over", over=why is None))

    def _cannot_open(self, turn: int, why: str) -> None:
        self._tell_of(turn, Said(why, "redo", "labels"))
        if turn == self._turn:
            self.read_only = why

    def _renamed(self, turn: int, before: Path, after: Path) -> None:
        self.touched += [before, after]
        if turn == self._turn:
            self.take = after
            self._opening.do(lambda: self._open_media(after, turn))

    # The end

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the threads have done what was asked for; `poll` then has it. For the end, and for tests."""
        return self._marking.wait(timeout_s) and self._opening.wait(timeout_s)

    def close(self) -> None:
        """Put everything on disk and end the threads. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        spent_s = self._time_spent()
        self._marking.do(lambda: self._close_labels(spent_s))
        self._marking.close()
        self._close_takes()
