"""Changes of labels as data: one `Edit` for whatever a coder does at once, which can be applied, undone and written down.

An edit names places in a label set with what was there before and what is there after. Pure; knows no file.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from protocol.errors import GlimpseError
from protocol.labels import Coder, Interval, LabelSet, Origin
from protocol.schema import Instant, Part, describe, unknown_keys

INTERVAL = "intervals/"  # a place: this and the interval's id; None there means that there is no such interval
BOOKKEEPING = frozenset({"saw", "spent_s"})  # places that nobody wants to undo
PLACES = frozenset({"noise", "note", "done", "adjudication"}) | BOOKKEEPING


class BadEdit(GlimpseError):
    """A change that would make labels unsound, or that was made of other labels than these."""


class Landmark(StrEnum):
    """The three instants of an interval."""

    ONSET = "onset"
    APEX = "apex"
    OFFSET = "offset"


class Edit(Part):
    """One change, whole: all of it or nothing.

    what: what was done, in short words; before, after (`from`, `to`): what is at each changed place, as JSON; the same places
    in both; at: when; who: the pseudonym of the one who did it.
    """

    what: Annotated[str, Field(min_length=1)]
    before: Mapping[str, Any] = Field(alias="from")
    after: Mapping[str, Any] = Field(alias="to")
    at: Instant
    who: Coder

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.before or self.before.keys() != self.after.keys():
            raise ValueError("an edit names the same places before and after, and at least one")
        if strange := [place for place in self.before if place not in PLACES and not place.startswith(INTERVAL)]:
            raise ValueError(f"{strange[0]!r} is no place in labels")
        return self

    @property
    def undoable(self) -> bool:
        """Whether it is more than book-keeping."""
        return not self.after.keys() <= BOOKKEEPING


def new_id() -> str:
    """An id for a new interval, which no other has or had."""
    return uuid.uuid4().hex[:12]


def value_at(labels: LabelSet, place: str) -> Any:
    """What is at a place, as JSON; None where there is nothing."""
    if place.startswith(INTERVAL):
        interval = labels.by_id().get(place.removeprefix(INTERVAL))
        return None if interval is None else interval.model_dump(mode="json")
    value = getattr(labels, place)
    return value.model_dump(mode="json") if isinstance(value, Part) else value


def apply(labels: LabelSet, edit: Edit) -> LabelSet:
    """The labels after the edit. Raises BadEdit where they are not as they were before it, or would become unsound."""
    for place, before in edit.before.items():
        if value_at(labels, place) != before:
            raise BadEdit(f"{place} has changed since: {edit.what!r} does not fit it any more; look again and repeat it.")
    return replay(labels, (edit.after,))


def invert(edit: Edit, *, at: datetime | None = None, who: str | None = None) -> Edit:
    """What takes an edit back: after `apply(labels, edit)` it gives `labels` again."""
    return Edit(what=edit.what, before=edit.after, after=edit.before, at=at or edit.at, who=who or edit.who)


def replay(labels: LabelSet, changes: Iterable[Mapping[str, Any]]) -> LabelSet:
    """The labels with each place as the last of the changes that names it says; what was there before is not asked.

    So it may be repeated over labels that hold some of the changes already. Raises BadEdit where the result is unsound.
    """
    last: dict[str, Any] = {}
    for change in changes:
        last.update(change)
    return _rebuilt(labels, last)


def _rebuilt(labels: LabelSet, values: Mapping[str, Any]) -> LabelSet:
    intervals: dict[str, Any] = dict(labels.by_id())
    for place, value in values.items():
        if place.startswith(INTERVAL):
            intervals[place.removeprefix(INTERVAL)] = value
    fields = {name: getattr(labels, name) for name in type(labels).model_fields}
    told = {place: value for place, value in values.items() if place in PLACES}
    kept = [interval for interval in intervals.values() if interval is not None]
    try:
        return LabelSet.model_validate({**fields, **(labels.model_extra or {}), **told, "intervals": kept})
    except ValidationError as error:
        raise BadEdit(f"The labels cannot be changed so: {describe(error)}.") from error


def difference(old: LabelSet, new: LabelSet, what: str, *, at: datetime, who: str) -> Edit | None:
    """The edit that makes `old` say what `new` says; None where they say the same. Who, when and revision are not compared.

    Raises BadEdit where `new` has a key that is no label's.
    """
    _refuse_misspelt(new)
    places = [*(INTERVAL + name for name in {**old.by_id(), **new.by_id()}), *sorted(PLACES)]
    changed = [place for place in places if value_at(old, place) != value_at(new, place)]
    if not changed:
        return None
    before = {place: value_at(old, place) for place in changed}
    return Edit(what=what, before=before, after={place: value_at(new, place) for place in changed}, at=at, who=who)


def _refuse_misspelt(labels: LabelSet) -> None:
    if labels.version == "{}.{}".format(*LabelSet.VERSION) and (strange := unknown_keys(labels)):
        raise BadEdit(f"Labels have no {strange[0]!r}; correct the spelling.")


def put(labels: LabelSet, what: str, *intervals: Interval, at: datetime, who: str) -> Edit:
    """Adds intervals, or replaces those of the same ids: a new one, a moved landmark, all suggestions accepted at once."""
    after = {INTERVAL + interval.id: interval.model_dump(mode="json") for interval in intervals}
    return _edit(labels, what, after, at, who)


def remove(labels: LabelSet, what: str, *ids: str, at: datetime, who: str) -> Edit:
    """Takes intervals away."""
    return _edit(labels, what, {INTERVAL + name: None for name in ids}, at, who)


def set_place(labels: LabelSet, what: str, place: str, value: Any, *, at: datetime, who: str) -> Edit:
    """Changes one of PLACES: `set_place(labels, "noise", "noise", Noise(is_noise=True, reason="moved"), ...)`."""
    told = value.model_dump(mode="json") if isinstance(value, Part) else value
    return _edit(labels, what, {place: told}, at, who)


def _edit(labels: LabelSet, what: str, after: Mapping[str, Any], at: datetime, who: str) -> Edit:
    try:
        return Edit(what=what, before={place: value_at(labels, place) for place in after}, after=after, at=at, who=who)
    except ValidationError as error:
        raise BadEdit(f"{what!r} is no change of labels: {describe(error)}.") from error
    except AttributeError as error:
        raise BadEdit(f"{what!r} is no change of labels: {error}.") from error


def moved(interval: Interval, landmark: Landmark, to_us: int | None) -> Interval:
    """The interval with one landmark elsewhere (None: without its apex); a suggestion that is moved counts as adjusted.

    Raises BadEdit where onset, apex and offset would be out of order.
    """
    if getattr(interval, f"{landmark}_us") == to_us:
        return interval
    was = getattr(interval.origin, landmark)
    origin = interval.origin.model_copy(update={landmark.value: Origin.PLACED if was is Origin.PLACED else Origin.ADJUSTED})
    return changed(interval, **{f"{landmark}_us": to_us, "origin": origin})


def changed(interval: Interval, **values: Any) -> Interval:
    """The interval with other values of some of its keys. Raises BadEdit where it would be unsound."""
    fields = {name: getattr(interval, name) for name in Interval.model_fields}
    if strange := [name for name in values if name not in fields]:
        raise BadEdit(f"An interval has no {strange[0]!r}; correct the spelling.")
    try:
        return Interval.model_validate({**fields, **(interval.model_extra or {}), **values})
    except ValidationError as error:
        raise BadEdit(f"The interval cannot be changed so: {describe(error)}.") from error


def details(edit: Edit) -> Iterator[tuple[str, Any, Any]]:
    """(place, from, to) of each thing that an edit changed, an interval's keys one by one: what an audit wants to read."""
    for place, before in edit.before.items():
        after = edit.after[place]
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
            yield from ((f"{place}/{key}", before.get(key), after.get(key)) for key in keys)
        else:
            yield place, before, after
