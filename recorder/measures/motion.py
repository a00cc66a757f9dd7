"""What moved, and when: the movement that was asked for, and what should not have moved. From suggested intervals and counts.

Finds no intervals itself (recorder/onset.py does) and knows no picture. All times are int64 us of event time.
"""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from protocol.analysis import OnsetRecord, Suggestion, SuggestionKind
from protocol.movement import UPPER_LID_RAISER
from recorder.activity import Activity
from recorder.measures.noise import window_rates
from recorder.measures.steps import Phases, Range
from recorder.measures.thresholds import Reading

NOT_LOOKED = "Nobody looked for the movement."
NO_CUE = "The take has no cue, so whether a movement followed it cannot be said."
NO_MOVEMENT = "No movement was found after the cue, so nothing more can be said of it."
IN_A_HOLE = "Events are missing after the cue, so whether a movement was made is not known."
MICRO_US = (40_000, 200_000)  # 1/25 to 1/5 s: what is called a micro-expression
# A tile is stirred when it gives more than a few events a second and pixel above its median, or a quarter above where that is
# high (flicker). A movement of the face stirs at most an eighth of all tiles at once, the head as a whole a quarter and more.
STIRRED_HZ, STIRRED_SHARE = 3.0, 0.25
CHANCE = 4.0  # standard deviations of a tile's count, which matter where flicker gives many events
HEAD_SHARE = 0.15
HEAD_WINDOW_US = 50_000
# The search misses half of raised lids (docs/methods/onset.md, Limits): where none was found, and every other subject did as
# told, one in three has raised them nevertheless. Who did must not be sent to do it again; a person can see it.
OFTEN_MISSED = {UPPER_LID_RAISER.token: 0.3}


def best(onset: OnsetRecord | None) -> Suggestion | None:
    """The movement that was asked for: the most confident of those after the cue, of all where there is no cue."""
    if onset is None:
        return None
    made = [one for one in onset.intervals if one.cued or onset.cue_us is None]
    return max(made, key=lambda one: one.confidence, default=None)


def movement(onset: OnsetRecord | None, asked: str | None = None, holes: Sequence[Range] = ()) -> Reading:
    """Confidence, 0 ... 1, that a movement was made after the cue; where none was found 0, or OFTEN_MISSED.

    asked: token of the movement that was to be made; holes: where events are missing, which may hide it.
    """
    if onset is None:
        return Reading(unknown=NOT_LOOKED)
    if onset.cue_us is None:
        return Reading(unknown=NO_CUE)
    made = best(onset)
    if made is None and any(end > onset.cue_us for _, end in holes):
        return Reading(unknown=IN_A_HOLE)
    if made is None:
        return Reading(unknown=onset.reason) if onset.reason else Reading(OFTEN_MISSED.get(asked or "", 0.0))
    return Reading(made.confidence, {"onset_us": made.onset_us, "apex_us": made.apex_us, "offset_us": made.offset_us})


def reaction(onset: OnsetRecord | None) -> Reading:
    """From the cue to the onset of the movement, in ms."""
    made = best(onset)
    if onset is None or made is None or onset.cue_us is None:
        return Reading(unknown=NO_MOVEMENT)
    return Reading((made.onset_us - onset.cue_us) / 1000)


def strength(onset: OnsetRecord | None) -> Reading:
    """Events of the movement above what there is at rest."""
    made = best(onset)
    return Reading(unknown=NO_MOVEMENT) if made is None else Reading(made.strength)


def duration(onset: OnsetRecord | None) -> Reading:
    """From onset to offset, in ms. Details: `micro`, whether that is a micro-expression; `kind`: the same in words."""
    made = best(onset)
    if made is None:
        return Reading(unknown=NO_MOVEMENT)
    micro = MICRO_US[0] <= made.duration_us <= MICRO_US[1]
    return Reading(made.duration_us / 1000, {"micro": micro, "kind": "a micro-expression" if micro else "no micro-expression"})


def left_over(onset: OnsetRecord | None, phases: Phases) -> Reading:
    """From the end of the movement to the end of the take, in ms."""
    made = best(onset)
    if made is None:
        return Reading(unknown=NO_MOVEMENT)
    return Reading((phases.judged[1] - made.offset_us) / 1000)


def wrong_time(onset: OnsetRecord | None, phases: Phases) -> Reading:
    """Confidence of the surest movement of the face, blinks apart, that was not the one asked for; 0 where there is none.

    Details: `at_s`, seconds from the cue, negative before it; `when` in words.
    """
    if onset is None:
        return Reading(unknown=NOT_LOOKED)
    if onset.cue_us is None:
        return Reading(unknown=NO_CUE)
    made, begin = best(onset), phases.watched[0]
    stray = [
        one for one in (*onset.intervals, *onset.candidates) if one is not made and one.onset_us >= begin and _of_face(one)
    ]
    worst = max(stray, key=lambda one: one.confidence, default=None)
    if worst is None:
        return Reading(0.0, {"others": 0})
    at_s = (worst.onset_us - onset.cue_us) * 1e-6
    when = f"{abs(at_s):.1f} s {'before' if at_s < 0 else 'after'} the cue"
    return Reading(worst.confidence, {"others": len(stray), "at_s": round(at_s, 3), "when": when})


def _of_face(one: Suggestion) -> bool:
    return one.kind in (SuggestionKind.MOVEMENT, SuggestionKind.OTHER)


def blinks(onset: OnsetRecord | None, phases: Phases, asked: str | None) -> Reading:
    """How many blinks lie within the movement; where a blink is what was asked for, none counts.

    Details: `all`, blinks while the face was to be seen; `per_min`.
    """
    if onset is None:
        return Reading(unknown=NOT_LOOKED)
    begin, end = phases.watched
    seen = [one for one in onset.candidates if one.kind is SuggestionKind.BLINK and begin <= one.onset_us < end]
    made = best(onset)
    inside = [] if made is None or asked == "blink" else [one for one in seen if _overlap(one, made)]
    per_min = len(seen) * 60e6 / (end - begin) if end > begin else 0.0
    return Reading(float(len(inside)), {"all": len(seen), "per_min": round(per_min, 1)})


def _overlap(one: Suggestion, other: Suggestion) -> bool:
    return one.onset_us < other.offset_us and other.onset_us < one.offset_us


def head_turn(activity: Activity, phases: Phases, thinning: int = 1) -> Reading:
    """The longest time, in ms, for which at least HEAD_SHARE of the picture was stirred at once: a turned head, a hand, a knock
    against the camera. activity: without hot pixels, of every `thinning`-th event. Details: `at_us`, `share`, the largest.
    """
    begin, end = phases.watched
    rates = thinning * window_rates(activity, begin, end, HEAD_WINDOW_US)
    one_hz = thinning * 1e6 / HEAD_WINDOW_US / activity.tile_px**2  # what a single event counts
    if not len(rates):
        return Reading(unknown="The face is seen too shortly to tell whether the head moved.")
    share = stirred_share(rates, one_hz)
    first, length = longest_run(share >= HEAD_SHARE)
    where = {"at_us": begin + first * HEAD_WINDOW_US, "share": round(float(share.max()), 3)}
    return Reading(length * HEAD_WINDOW_US / 1000, where)


def stirred_share(rates: NDArray[np.float64], one_hz: float = 0.0) -> NDArray[np.float64]:
    """Share of the tiles that give clearly more than usual in each window, [N].

    rates: events/s/pixel, [N, GY, GX]; one_hz: of a single event of a window, for what chance does.
    """
    usual = np.median(rates, axis=0)
    limit = STIRRED_HZ + STIRRED_SHARE * usual + CHANCE * np.sqrt(usual * one_hz)
    return np.asarray((rates - usual > limit).mean(axis=(1, 2)))


def longest_run(flags: NDArray[np.bool_]) -> tuple[int, int]:
    """(first index, length) of the longest run of True; (0, 0) without any."""
    found, at = (0, 0), 0
    for value, group in groupby(flags.tolist()):
        length = len(list(group))
        if value and length > found[1]:
            found = at, length
        at += length
    return found


def span(onset: OnsetRecord | None) -> Range | None:
    """From onset to offset of the movement that was asked for, None where none was found."""
    made = best(onset)
    return None if made is None else (made.onset_us, made.offset_us)
