"""Blinks told apart from other movements by where in the face light changed, and which of them answers the cue.

The search for movements (recorder/onset.py) knows no face; this does. Finds no movement itself. All times are int64 us.
"""

from collections.abc import Callable, Iterable

from protocol.analysis import OnsetRecord, Suggestion, SuggestionKind
from protocol.movement import BLINK

# Spontaneous blinks take 150 to 450 ms (VanderWerf et al. 2003, J. Neurophysiol. 89).
LONGEST_BLINK_US = 500_000
IS_BLINK, NO_BLINK = 0.5, 0.2  # probability from which on, and down to which, the face overrules the search
# Blinks come every few seconds by themselves; one that comes later than this after the cue is taken to be one of them.
LATEST_BLINK_US = 3_000_000
SOONEST_US = 100_000  # nobody reacts to a cue sooner

Chance = Callable[[Suggestion], float | None]


def told_apart(onset: OnsetRecord, chance: Chance, asked: str | None) -> OnsetRecord:
    """The same stretches of motion with their kinds corrected, and the one that answers the cue chosen again.

    chance: probability that a stretch is a blink, None where it cannot be told; asked: the movement that was asked for.
    A record without a cue is returned with corrected kinds alone.
    """
    known = [_corrected(one, chance) for one in (*onset.intervals, *onset.candidates)]
    if onset.cue_us is None:
        made = [one for one in known if one.kind is SuggestionKind.MOVEMENT and _was_chosen(onset, one)]
    else:
        made = _answer(known, onset.cue_us, asked)
    others = [one for one in known if all(one is not other for other in made)]
    return onset.model_copy(update={"intervals": _in_time(made), "candidates": _in_time(others)})


def _corrected(one: Suggestion, chance: Chance) -> Suggestion:
    if one.kind is SuggestionKind.HEAD or one.duration_us > LONGEST_BLINK_US:
        return one
    probability = chance(one)
    if probability is None:
        return one
    if probability >= IS_BLINK:
        return one.model_copy(update={"kind": SuggestionKind.BLINK})
    if probability <= NO_BLINK and one.kind is SuggestionKind.BLINK:
        return one.model_copy(update={"kind": SuggestionKind.MOVEMENT})
    return one


def _was_chosen(onset: OnsetRecord, one: Suggestion) -> bool:
    return any(one.onset_us == chosen.onset_us and one.offset_us == chosen.offset_us for chosen in onset.intervals)


def _answer(known: Iterable[Suggestion], cue_us: int, asked: str | None) -> list[Suggestion]:
    """The surest stretch after the cue that can be what was asked for; of equally sure ones the stronger."""
    blink = asked == BLINK.token
    wanted = SuggestionKind.BLINK if blink else SuggestionKind.MOVEMENT
    latest_us = LATEST_BLINK_US if blink else None
    able = [
        one
        for one in known
        if one.kind is wanted
        and one.onset_us >= cue_us + SOONEST_US
        and (latest_us is None or one.onset_us <= cue_us + latest_us)
    ]
    if blink:
        return sorted(able, key=lambda one: one.onset_us)[:1]
    return sorted(able, key=lambda one: (-round(one.confidence, 2), -one.strength))[:1]


def _in_time(found: Iterable[Suggestion]) -> tuple[Suggestion, ...]:
    return tuple(sorted(found, key=lambda one: (one.onset_us, one.offset_us)))
