"""What the movement that was made looks like, as a measure, and whether a stretch of motion looks like a blink.

Asks the classifier in resemblance.py; where that cannot tell, so is it here.
"""

from protocol.analysis import FaceBox, Suggestion
from protocol.movement import BLINK, BY_TOKEN
from protocol.streams import Array
from recorder.measures.resemblance import Resemblance, ResemblanceError, resemblance
from recorder.measures.steps import slice_of
from recorder.measures.thresholds import Reading

BESIDE_US = 300_000  # of rest before the onset, and of decay after the offset
UNKNOWN = "What the movement looks like is not known, since no face or no movement was found."


def likeness(
    events: Array, resolution: tuple[int, int], face: FaceBox | None, one: Suggestion, asked: str
) -> Resemblance | None:
    """What a stretch of motion resembles, None where that cannot be told. events: [n] of EVENT_DTYPE, clean."""
    if face is None:
        return None
    span = one.onset_us - BESIDE_US, one.offset_us + BESIDE_US
    try:
        return resemblance(slice_of(events, span), resolution, (one.onset_us, one.apex_us, one.offset_us), face, asked)
    except ResemblanceError:
        return None  # the weights are missing or damaged; `glimpse doctor` is the place to say so


def blink_chance(events: Array, resolution: tuple[int, int], face: FaceBox | None, one: Suggestion) -> float | None:
    """Probability that a stretch of motion is a blink, None where it cannot be told."""
    seen = likeness(events, resolution, face, one, BLINK.token)
    return None if seen is None else seen.p_asked


def resembles(seen: Resemblance | None) -> Reading:
    """Probability that the movement asked for was the one made. Details: `asked`, `likeliest`, and the same in plain words."""
    if seen is None:
        return Reading(unknown=UNKNOWN)
    words = {"asked_words": _words(seen.asked), "likeliest_words": _words(seen.likeliest)}
    p = {token: round(chance, 3) for token, chance in seen.p.items()}
    return Reading(seen.p_asked, {"asked": seen.asked, "likeliest": seen.likeliest, "p": p, **words})


def _words(token: str) -> str:
    return BY_TOKEN[token].display.lower() if token in BY_TOKEN else token
