"""The annotator's desk: one take that is open, the cursor in it, and what every key does. No Qt.

All that waits for a disk is done by two threads: one opens takes, the other writes labels in the order of the keys. `poll`,
called on a timer, takes over what they have done; nothing else changes what is shown.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.i18n import tr
from app.pages.label.lane import Lane
from app.pages.label.marking import Facts, Intensity, Marker
from app.pages.label.playhead import Unit
from app.pages.label.takedesk import TakeDesk, first_cursor
from app.said import Said
from protocol.analysis import Suggestion
from protocol.errors import GlimpseError
from protocol.labeledits import Edit, Landmark
from protocol.labels import IntervalKind, LabelSet, Sight
from recorder.analysisstore import read_analysis
from recorder.dataset import TakeEntry
from recorder.labelplan import coders_of, read_plan, sight_for
from recorder.labelstore import LabelStore

LOOK_AGAIN_S = 2.0  # whether the window that writes has closed
BESIDE_US = 150_000  # shown before and after an interval that is played again and again


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


class LabelDesk(TakeDesk):
    """One coder at the takes of one data set. Call `poll` on a timer; `version` grows with every change that is to be shown.

    labels: this coder's, None while they are being opened; chosen, landmark: what keys act on; suggestions: none where the
    coder must not see them; hidden: nor what was asked for; read_only: why nothing can be changed, None where it can.
    """

    def __init__(self, store: LabelStore, coder: str, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock_s)
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
        self.problem: str | None = None  # why the last changes are not on disk yet
        self._closed = False

    # Takes

    def open(self, path: Path) -> None:
        """Show and label this take from now on; the one before is closed. Done by the threads."""
        self._turn += 1
        turn = self._turn
        self.finished, self.labels, self.chosen, self.landmark, self.suggestions = None, None, None, None, ()
        self.read_only, self.undoable, self.redoable, self.hidden = None, None, None, False
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
        self._marker = Marker(labels, facts)
        for text in labels.messages:
            self._tell(Said(text, "check"))
        self._publish(turn)

    def _facts(self, path: Path, sight: Sight, coders: tuple[str, ...]) -> Facts:
        suggestions: tuple[Suggestion, ...] = ()
        cue_us: int | None = None
        with suppress(GlimpseError):  # the page tells, from its own look at it
            analysis = read_analysis(path) if sight.suggestions else None
            onset = analysis.onset if analysis else None
            found = (*onset.intervals, *onset.candidates) if onset else ()
            suggestions = tuple(sorted(found, key=lambda one: one.onset_us))
            cue_us = onset.cue_us if onset else None
        asked = TakeEntry.at(path).movement if sight.asked else None
        seen = Sight(suggestions=bool(suggestions), detections=False, others=False, asked=sight.asked)
        return Facts(asked, suggestions, seen, coders, cue_us)

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

    def _look_again(self, turn: int) -> None:
        """Where somebody else writes: what they say now, and whether they have closed."""
        marker = self._marker
        if marker is None or marker.labels.writable:
            return
        try:
            changed = marker.labels.refresh()
            if marker.labels.acquire() or changed:
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
            self._marking.do(lambda: self._look_again(turn))

    def _take_over(self, told: _Marked) -> None:
        if told.turn != self._turn:
            return
        new = self.labels is None
        if self.labels is not None and self.labels != told.labels:
            self.touched.append(told.path)
        self.labels, self.chosen, self.landmark, self.hidden = told.labels, told.chosen, told.landmark, told.hidden
        self.undoable, self.redoable = told.undoable, told.redoable
        self.suggestions = told.facts.suggestions
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
        self._said.append(Said(text, "check", "read_only", over=why is None))

    def _cannot_open(self, turn: int, why: str) -> None:
        self._tell_of(turn, Said(why, "redo", "labels"))
        if turn == self._turn:
            self.read_only = why

    def _renamed(self, turn: int, before: Path, after: Path) -> None:
        self.touched += [before, after]
        if turn == self._turn:
            self.take = after
            self._opening.do(lambda: self._open_media(after, turn))

    def seek_mark(self, way: int) -> None:
        """To the next landmark, suggestion or mark of the take, or the one before; a landmark is chosen with it."""
        stops = self._stops()
        beyond = [one for one in stops if (one[0] > self.cursor_us if way > 0 else one[0] < self.cursor_us)]
        if not beyond:
            return
        at_us, interval, landmark = (min if way > 0 else max)(beyond, key=lambda one: one[0])
        self.playing = None
        self.seek(at_us)
        if interval is not None:
            self._mark(lambda marker: marker.choose(interval, landmark))

    def _stops(self) -> list[tuple[int, str | None, Landmark | None]]:
        stops: list[tuple[int, str | None, Landmark | None]] = []
        for interval in self.labels.intervals if self.labels else ():
            times = [(landmark, getattr(interval, f"{landmark}_us")) for landmark in Landmark]
            stops += [(at_us, interval.id, landmark) for landmark, at_us in times if at_us is not None]
        known = {at_us for at_us, _, _ in stops}
        marks = [at_us for one in self.suggestions for at_us in (one.onset_us, one.apex_us, one.offset_us)]
        marks += [at_us for at_us in (self.cue_us, self.media.t0_us if self.media else None) if at_us is not None]
        return stops + [(at_us, None, None) for at_us in marks if at_us not in known]

    def loop_interval(self) -> None:
        """Play the chosen interval again and again, or no more."""
        interval = self.labels.by_id().get(self.chosen or "") if self.labels else None
        if self.loop is not None or interval is None:
            text = tr("No interval is chosen; choose one, or place an onset.")
            self._said += [] if self.loop is not None else [Said(text, "check")]
            self.loop, self.playing = None, None
            self._touch()
            return
        self._loop(interval.onset_us - BESIDE_US, interval.offset_us + BESIDE_US)

    # Marking: what the keys do, in the thread of the labels

    def place(self, landmark: Landmark) -> None:
        """A landmark at the cursor."""
        at_us = self.cursor_us
        self._mark(lambda marker: marker.place(landmark, at_us))

    def move_landmark(self, interval: str, landmark: Landmark, at_us: int) -> None:
        """A landmark at an instant, as the mouse drags it."""
        self._mark(lambda marker: marker.place_of(interval, landmark, at_us))

    def nudge(self, way: int, unit: Unit) -> None:
        """The chosen landmark by one unit; the cursor goes with it."""
        self.playing = None
        self._mark(lambda marker: marker.nudge(self._nudge_us(marker, way, unit)))

    def _nudge_us(self, marker: Marker, way: int, unit: Unit) -> int:
        interval, landmark = marker.interval, marker.landmark or Landmark.ONSET
        at_us = getattr(interval, f"{landmark}_us") if interval is not None else None
        return 0 if at_us is None else self._stepped(at_us, way, unit) - at_us

    def choose(self, interval: str | None) -> None:
        """The interval that keys act on."""
        self._mark(lambda marker: marker.choose(interval))

    def choose_next(self, way: int) -> None:
        """The next interval, or the one before; the cursor goes to its onset."""

        def work(marker: Marker) -> int | None:
            marker.choose_next(way)
            return marker.interval.onset_us if marker.interval else None

        self._mark(work)

    def begin(self, kind: IntervalKind) -> None:
        """A new interval at the cursor."""
        at_us = self.cursor_us
        self._mark(lambda marker: marker.begin(kind, at_us))

    def remove(self) -> None:
        """Take the chosen interval away."""
        self._mark(Marker.remove)

    def drop_apex(self) -> None:
        """No apex in the chosen interval."""
        self._mark(Marker.drop_apex)

    def next_kind(self) -> None:
        """Asked, blink, other."""
        self._mark(Marker.next_kind)

    def set_movement(self, token: str) -> None:
        """Which movement it is."""
        self._mark(lambda marker: marker.set_movement(token))

    def set_units(self, units: Sequence[int]) -> None:
        """Which action units move."""
        self._mark(lambda marker: marker.set_units(units))

    def set_intensity(self, intensity: Intensity | None) -> None:
        """How strong it is."""
        self._mark(lambda marker: marker.set_intensity(intensity))

    def next_confidence(self) -> None:
        """How sure the coder is."""
        self._mark(Marker.next_confidence)

    def set_note(self, text: str) -> None:
        """A note on the chosen interval, else on the take."""
        self._mark(lambda marker: marker.set_note(text))

    def set_noise(self, noise: bool | None, reason: str = "") -> None:
        """Whether the take is noise, and why."""
        self._mark(lambda marker: marker.noise(noise, reason))

    def accept(self) -> None:
        """Take the suggestions over."""

        def work(marker: Marker) -> int | None:
            count = marker.accept()
            if not count:
                self._tell(Said(tr("There is no suggestion to accept."), "check"))
            return marker.interval.onset_us if count and marker.interval else None

        self._mark(work)

    def finish(self, *, accept: bool) -> None:
        """The take is done; accept: with the suggestions, where the coder has said nothing else."""
        self._mark(lambda marker: marker.finish(accept=accept), finishes=True)

    def undo(self) -> None:
        """Take the last change of this take back."""
        self._mark(
            lambda marker: self._told_again(marker.undo(), tr("Taken back: {what}"), tr("There is nothing to take back."))
        )

    def redo(self) -> None:
        """Make it again."""
        self._mark(
            lambda marker: self._told_again(marker.redo(), tr("Done again: {what}"), tr("There is nothing to do again."))
        )

    def _told_again(self, what: str | None, done: str, nothing: str) -> None:
        self._tell(Said(nothing, "check") if what is None else Said(done.format(what=tr(what)), "good"))

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
