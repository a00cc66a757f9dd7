"""What a coder's keys do to the labels of one take: the rules of placing, nudging, accepting, undoing. No Qt, no thread.

Whoever calls it waits for the journal (recorder.takelabels), so call it from a thread of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from app.i18n import tr, translatable
from protocol.analysis import Suggestion, SuggestionKind
from protocol.errors import GlimpseError
from protocol.labeledits import Edit, Landmark, changed, moved, new_id
from protocol.labels import Interval, IntervalKind, Origin, Origins, Sight
from protocol.movement import BLINK, BY_TOKEN
from recorder.takelabels import TakeLabels

SURE = 0.5  # a blink that is likelier none is not taken over with the others
KINDS = tuple(IntervalKind)
CONFIDENCES = (None, 0.25, 0.5, 0.75, 1.0)
LANDMARKS = tuple(Landmark)

Intensity = Literal["A", "B", "C", "D", "E"]


# What can be taken back, as it stands in the journal; told in the user's language.
DEEDS = (
    translatable("new interval by its onset"), translatable("new interval by its apex"),
    translatable("new interval by its offset"),
    translatable("onset"), translatable("apex"), translatable("offset"),
    translatable("onset nudged"), translatable("apex nudged"), translatable("offset nudged"),
    translatable("no apex"), translatable("new interval"), translatable("interval removed"), translatable("kind"),
    translatable("movement"), translatable("action units"), translatable("intensity"), translatable("confidence"),
    translatable("note"), translatable("suggestions accepted"), translatable("done"), translatable("noise"),
)  # fmt: skip


class MarkError(GlimpseError):
    """Something that cannot be marked so."""


@dataclass(frozen=True)
class Facts:
    """What the marking rests on. asked: the movement that was asked for, None where it is unknown or hidden from the coder;
    suggestions: what the coder may be shown; sight: what was shown; assigned: who is to label the take; cue_us: before it
    nothing is what was asked for; detections: whether the coder may be shown what a model says; t0_us: the paper is away.
    """

    asked: str | None = None
    suggestions: tuple[Suggestion, ...] = ()
    sight: Sight = field(default_factory=Sight)
    assigned: tuple[str, ...] = ()
    cue_us: int | None = None
    detections: bool = False
    t0_us: int | None = None


class Marker:
    """One coder at one take. chosen: id of the interval that keys act on; landmark: the one that is nudged."""

    def __init__(self, labels: TakeLabels, facts: Facts) -> None:
        self.labels, self.facts = labels, facts
        self.chosen: str | None = next((one.id for one in labels.labels.intervals), None)
        self.landmark: Landmark | None = None
        self._last_movement: str | None = None

    @property
    def interval(self) -> Interval | None:
        """The chosen interval."""
        return self.labels.labels.by_id().get(self.chosen or "")

    # Landmarks

    def place(self, landmark: Landmark, at_us: int) -> None:
        """Put a landmark of the chosen interval at an instant; a new interval where none is chosen. Raises MarkError."""
        interval = self.interval
        if interval is None:
            interval = self._new(IntervalKind.ASKED, at_us)
            self._put(f"new interval by its {landmark}", placed(interval, landmark, at_us))
        else:
            self._put(f"{landmark}", placed(interval, landmark, at_us))
        self.landmark = landmark

    def place_of(self, interval_id: str, landmark: Landmark, at_us: int) -> None:
        """The same for another interval, as the mouse does."""
        self.choose(interval_id)
        if self.interval is not None:
            self.place(landmark, at_us)

    def nudge(self, by_us: int) -> int:
        """Move the chosen landmark; returns where it is then. Raises MarkError where none is chosen or it is in the way."""
        interval = self._wanted()
        landmark = self.landmark or Landmark.ONSET
        was = getattr(interval, f"{landmark}_us")
        if was is None:
            raise MarkError(tr("This interval has no apex; place it first."))
        self._put(f"{landmark} nudged", placed(interval, landmark, was + by_us))
        self.landmark = landmark
        return int(was + by_us)

    def drop_apex(self) -> None:
        """Take the apex of the chosen interval away."""
        self._put("no apex", moved(self._wanted(), Landmark.APEX, None))

    # Intervals

    def choose(self, interval_id: str | None, landmark: Landmark | None = None) -> None:
        """Let the keys act on this interval and landmark; None: on a new one."""
        self.chosen = interval_id if interval_id in self.labels.labels.by_id() else None
        self.landmark = landmark if self.chosen else None

    def choose_next(self, way: int) -> None:
        """The next interval in time, or the one before; beyond the last one none."""
        ids: list[str | None] = [one.id for one in self.labels.labels.intervals]
        ring = [*ids, None]
        place = ring.index(self.chosen) if self.chosen in ring else len(ids)
        self.choose(ring[(place + way) % len(ring)], Landmark.ONSET)

    def begin(self, kind: IntervalKind, at_us: int) -> None:
        """A new interval of a kind that begins at an instant."""
        self._put("new interval", self._new(kind, at_us))
        self.landmark = Landmark.ONSET

    def remove(self) -> None:
        """Take the chosen interval away; the next one in time is chosen then."""
        gone = self._wanted()
        ids = [one.id for one in self.labels.labels.intervals]
        place = ids.index(gone.id)
        self._do(lambda: self.labels.remove("interval removed", gone.id))
        left = [one.id for one in self.labels.labels.intervals]
        self.choose(left[min(place, len(left) - 1)] if left else None, Landmark.ONSET)

    def _new(self, kind: IntervalKind, at_us: int) -> Interval:
        movement = BLINK.token if kind is IntervalKind.BLINK else self._last_movement or self.facts.asked
        if movement not in BY_TOKEN:
            raise MarkError(tr("Choose the movement first; it is not known here what was asked for."))
        self.chosen = new_id()
        return Interval(id=self.chosen, kind=kind, movement=movement, onset_us=at_us, offset_us=at_us)

    def _wanted(self) -> Interval:
        if (interval := self.interval) is None:
            raise MarkError(tr("No interval is chosen; choose one, or place an onset."))
        return interval

    # What is said of an interval

    def set_kind(self, kind: IntervalKind) -> None:
        """Say what the interval is; of a blink the movement too."""
        interval = self._wanted()
        movement = BLINK.token if kind is IntervalKind.BLINK else interval.movement
        if kind is IntervalKind.ASKED and self.facts.asked in BY_TOKEN:
            movement = self.facts.asked
        self._put("kind", changed(interval, kind=kind, movement=movement))

    def next_kind(self) -> None:
        """The next kind: asked, blink, other."""
        self.set_kind(KINDS[(KINDS.index(self._wanted().kind) + 1) % len(KINDS)])

    def set_movement(self, token: str) -> None:
        """Say which movement it is; for the intervals to come where none is chosen."""
        self._last_movement = token
        if self.interval is not None:
            self._put("movement", changed(self._wanted(), movement=token))

    def set_units(self, units: Sequence[int]) -> None:
        """Say which action units move."""
        self._put("action units", changed(self._wanted(), action_units=tuple(sorted(set(units)))))

    def set_intensity(self, intensity: Intensity | None) -> None:
        """Say how strong it is, A to E."""
        self._put("intensity", changed(self._wanted(), intensity=intensity))

    def next_confidence(self) -> None:
        """The next confidence: none said, 25 %, 50 %, 75 %, 100 %."""
        interval = self._wanted()
        place = CONFIDENCES.index(interval.confidence) if interval.confidence in CONFIDENCES else 0
        self._put("confidence", changed(interval, confidence=CONFIDENCES[(place + 1) % len(CONFIDENCES)]))

    def set_note(self, text: str) -> None:
        """A note on the chosen interval, else on the take."""
        interval = self.interval
        if interval is None:
            self._do(lambda: self.labels.set("note", "note", text))
        else:
            self._put("note", changed(interval, note=text))

    # The take

    def acceptable(self) -> tuple[Suggestion, ...]:
        """The suggestions that one key takes over: movements after the cue, likely blinks after t0; nothing marked already."""
        kinds = (SuggestionKind.MOVEMENT, SuggestionKind.BLINK)
        likely = [one for one in self.facts.suggestions if one.kind in kinds and one.confidence >= SURE]
        t0_us = self.facts.t0_us
        late = [one for one in likely if t0_us is None or one.onset_us >= t0_us]  # nobody labels who sits down
        fit = [one for one in late if one.kind is SuggestionKind.BLINK or not self._is_early(one)]
        there = self.labels.labels.intervals
        return tuple(one for one in fit if not any(_overlap(one, interval) for interval in there))

    def _is_early(self, one: Suggestion) -> bool:
        return self.facts.cue_us is not None and one.offset_us <= self.facts.cue_us

    def accept(self) -> int:
        """Take the suggestions over as they are; how many."""
        made = [interval for one in self.acceptable() if (interval := self._accepted(one)) is not None]
        if made:
            self._do(lambda: self.labels.put("suggestions accepted", *made))
            self.choose(next((one.id for one in made if one.kind is IntervalKind.ASKED), made[0].id), Landmark.ONSET)
        return len(made)

    def _accepted(self, one: Suggestion) -> Interval | None:
        blink = one.kind is SuggestionKind.BLINK and (self.facts.asked != BLINK.token or self._is_early(one))
        movement = BLINK.token if one.kind is SuggestionKind.BLINK else self.facts.asked or self._last_movement
        if movement not in BY_TOKEN:
            return None
        origin = Origins(onset=Origin.ACCEPTED, apex=Origin.ACCEPTED, offset=Origin.ACCEPTED)
        kind = IntervalKind.BLINK if blink else IntervalKind.ASKED
        times = {"onset_us": one.onset_us, "apex_us": one.apex_us, "offset_us": one.offset_us}
        return Interval(id=new_id(), kind=kind, movement=movement, origin=origin, **times)

    def finish(self, *, accept: bool) -> None:
        """The take is done; accept: take the suggestions over where the coder has not said anything yet. Raises MarkError."""
        labels = self.labels.labels
        untouched = not labels.intervals and labels.noise is None and not labels.done and self.labels.undoable is None
        if accept and untouched and not self.accept():
            raise MarkError(tr("Nothing is marked, and nothing is suggested. If nothing was made: {label.finish_without}."))
        for interval in self.labels.labels.intervals:
            if (missing := unplaced(interval)) is not None:
                self.choose(interval.id, missing)
                texts = {Landmark.ONSET: tr("An interval has no beginning yet; place its onset, or remove it.")}
                raise MarkError(texts.get(missing, tr("An interval has no end yet; place its offset, or remove it.")))
        self._do(lambda: self.labels.set("done", "done", True))

    def noise(self, noise: bool | None, reason: str = "") -> None:
        """Say whether the take is noise, whose path may change by it. Raises what `mark_noise` raises."""
        self._note_sight()
        self.labels.mark_noise(noise, reason, self.facts.assigned)

    def undo(self) -> str | None:
        """Take the last change back; what it was, None where there is none."""
        return self._again(self.labels.undo())

    def redo(self) -> str | None:
        """Make the change again that was taken back last."""
        return self._again(self.labels.redo())

    def _again(self, edit: Edit | None) -> str | None:
        if edit is None:
            return None
        if "noise" in edit.after:
            self.labels.settle_noise(self.facts.assigned)
        touched = [place.partition("/")[2] for place in edit.after if "/" in place]
        here = [one for one in touched if one in self.labels.labels.by_id()]
        if self.interval is None or here:
            self.choose(here[0] if here else None, self.landmark)
        return edit.what

    def _put(self, what: str, interval: Interval) -> None:
        self._do(lambda: self.labels.put(what, interval))

    def _do(self, change: Callable[[], Any]) -> None:
        self._note_sight()
        change()

    def saw(self, **seen: bool) -> None:
        """The coder has been shown something more.

        Noted at once while the labels are in the making; ones that are finished were made without it, until the next change.
        """
        self.facts = replace(self.facts, sight=self.facts.sight.model_copy(update=seen))
        labels = self.labels.labels
        if self.labels.writable and not labels.done and not labels.empty:
            self._note_sight()

    def _note_sight(self) -> None:
        """What was shown is noted with the first change; a take that was only looked at has no labels."""
        saw = self.labels.labels.saw
        if saw is None or saw.also(self.facts.sight) != saw:
            self.labels.note_sight(self.facts.sight)


def placed(interval: Interval, landmark: Landmark, at_us: int) -> Interval:
    """The interval with a landmark elsewhere; ends that were not placed yet go along. Raises MarkError where one is in the way.

    As long as only one end was placed, both lie at the same instant.
    """
    onset_open, offset_open = _open(interval)
    if landmark is Landmark.ONSET and at_us > interval.offset_us and onset_open and offset_open:
        return changed(interval, onset_us=at_us, apex_us=None, offset_us=at_us)
    if landmark is not Landmark.ONSET and at_us > interval.offset_us and offset_open:
        interval = changed(interval, offset_us=at_us)
    elif landmark is not Landmark.ONSET and at_us < interval.onset_us and onset_open:
        interval = changed(interval, onset_us=at_us)
    if not _in_order(interval, landmark, at_us):
        raise MarkError(tr("Onset, apex and offset would be out of order; move the others first, or begin a new interval."))
    return moved(interval, landmark, at_us)


def unplaced(interval: Interval) -> Landmark | None:
    """The end of an interval that was not placed yet: it lies where its neighbour does."""
    onset_open, offset_open = _open(interval)
    return Landmark.OFFSET if offset_open else Landmark.ONSET if onset_open else None


def _open(interval: Interval) -> tuple[bool, bool]:
    apex_us = interval.apex_us
    onset_open = interval.onset_us == (interval.offset_us if apex_us is None else apex_us)
    offset_open = interval.offset_us == (interval.onset_us if apex_us is None else apex_us)
    return onset_open, offset_open


def _in_order(interval: Interval, landmark: Landmark, at_us: int) -> bool:
    times = {one: getattr(interval, f"{one}_us") for one in LANDMARKS} | {landmark: at_us}
    known = [time for time in times.values() if time is not None]
    return known == sorted(known)


def _overlap(suggestion: Suggestion, interval: Interval) -> bool:
    return suggestion.onset_us < interval.offset_us and interval.onset_us < suggestion.offset_us
