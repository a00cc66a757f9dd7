"""The annotator's desk: one take that is open, the cursor in it, and what every key does. No Qt.

All that waits for a disk is done by two threads: one opens takes, the other writes labels in the order of the keys.
"""

from collections.abc import Sequence

from app.i18n import tr
from app.pages.label.keptlabels import KeptLabels
from app.pages.label.marking import Intensity, Marker
from app.pages.label.playhead import Unit
from app.said import Said
from protocol.labeledits import Landmark
from protocol.labels import IntervalKind

BESIDE_US = 150_000  # shown before and after an interval that is played again and again


class LabelDesk(KeptLabels):
    """One coder at the takes of one data set: where the cursor goes, and what is marked at it."""

    # The cursor

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
        if not self._shown():
            return
        at_us = self.cursor_us
        self._mark(lambda marker: marker.place(landmark, at_us))

    def _shown(self) -> bool:
        """Whether there is a cursor to mark at; before the take is shown it is still where the one before had it."""
        if self.media is None:
            self._said.append(Said(tr("Nothing can be marked before the take is shown."), "check"))
            self._touch()
        return self.media is not None

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
        if not self._shown():
            return
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
