"""What a movement of the face is: its token in file names, its FACS action units, the spellings people use for it.

Also the six emotions as combinations of movements. Pure data; knows no file, no camera and no script.
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from protocol.errors import GlimpseError

NEUTRAL = "neutral"  # the answer where no movement was made
SPONTANEOUS = "spontaneous"  # takes whose movements are found afterwards, by annotators

_COMPARED_LETTERS = 64  # looking for near spellings is quadratic; no spelling comes near this length


class UnknownMovement(GlimpseError):
    """A text that names none of the movements that are legal at this place."""


@dataclass(frozen=True)
class Movement:
    """One movement of the face.

    token: camelCase, as in file names and JSON; display: English;
    action_units: numbers of the Facial Action Coding System (Ekman, Friesen & Hager 2002), any of which makes the movement;
    spellings: other texts that mean it, compared without case, spaces, hyphens and underscores.
    """

    token: str
    display: str
    action_units: tuple[int, ...]
    spellings: tuple[str, ...] = ()

    @property
    def accepted(self) -> tuple[str, ...]:
        """Every text that means this movement: token, display name, action units ("AU12"), other spellings."""
        return (self.token, self.display, *(f"AU{unit}" for unit in self.action_units), *self.spellings)


SMILE = Movement(
    "smile",
    "Smile",
    (12,),
    ("smiles", "smiling", "smil", "simle", "smille", "lip corner puller", "lip corners pulled", "happy smile"),
)
BLINK = Movement(
    "blink",
    "Blink",
    (45,),
    ("blinks", "blinking", "blink eye", "blink eyes", "blinking eyes", "eye blink", "eyes blink", "eye blinking", "eyeblinks"),
)
FROWN = Movement(
    "frown",
    "Frown",
    (4,),
    ("frowns", "frowning", "frowm", "forwn", "brow lowerer", "brow lowering", "lower brow", "lower brows", "brows lowered",
     "brow furrow", "furrow brow", "eyebrow lowerer", "knit brows"),
)  # fmt: skip
CONTRACT_JAW = Movement(
    "contractJaw",
    "Contract jaw",
    (31,),
    ("contract jaws", "contracted jaw", "contracting jaw", "contact jaw", "jaw contract", "jaw contraction", "jaw contracted",
     "jaw clench", "jaw clencher", "jaw clenching", "clench jaw", "clenched jaw", "clenching jaw", "masseter"),
)  # fmt: skip
NOSE_WRINKLE = Movement(
    "noseWrinkle",
    "Nose wrinkle",
    (9,),
    ("nose wrinkles", "nose wrinkler", "nose wrinkling", "wrinkle nose", "wrinkled nose", "wrinkling nose", "nose winkle",
     "nose winkles", "winkle nose", "nose wrinke", "noise wrinkle", "nosewrinkl", "wrinkle of the nose"),
)  # fmt: skip
OPEN_MOUTH = Movement(
    "openMouth",
    "Open mouth",
    (25, 26, 27),
    ("open mouths", "opened mouth", "opening mouth", "open the mouth", "mouth open", "mouth opened", "mouth opening",
     "open mouht", "openmouth", "lips part", "jaw drop", "mouth stretch"),
)  # fmt: skip
UPPER_LID_RAISER = Movement(
    "upperLidRaiser",
    "Raise upper lids",
    (5,),
    ("upper lid raisers", "upper lid raise", "upper lid raised", "upper lids raised", "upper lid raising", "upper lids raiser",
     "raise upper lid", "raised upper lid", "raised upper lids", "upper eyelid raiser", "upper eye lid raiser",
     "upper eyelids raised", "eye lid raiser", "eyelid raiser", "eye lids raiser", "eyelids raised", "lid raiser", "lid raise",
     "raise eyelids", "raise upper eyelids", "uper lid raiser", "upper lid riser", "widen eyes", "eyes wide"),
)  # fmt: skip
INVERTED_SMILE = Movement(
    "invertedSmile",
    "Inverted smile",
    (15,),
    ("invert smile", "inverse smile", "smile inverted", "upside down smile", "lip corner depressor", "lip corners depressed"),
)

MOVEMENTS = (SMILE, BLINK, FROWN, CONTRACT_JAW, NOSE_WRINKLE, OPEN_MOUTH, UPPER_LID_RAISER)
OPTIONAL_MOVEMENTS = (INVERTED_SMILE,)  # understood everywhere, asked for only by a script that lists it
ALL = MOVEMENTS + OPTIONAL_MOVEMENTS

CLASSES = (*(movement.token for movement in MOVEMENTS), NEUTRAL)  # what a recogniser tells apart, in this order
BY_TOKEN = {movement.token: movement for movement in ALL}


@dataclass(frozen=True)
class Emotion:
    """An emotion as the movements (tokens) that make it up together.

    optional: movements that may come with them; frequent: those of `movements` that are repeated in quick succession.
    """

    token: str
    display: str
    movements: tuple[str, ...]
    optional: tuple[str, ...] = ()
    frequent: tuple[str, ...] = ()


EMOTIONS = (
    Emotion("joy", "Joy", ("smile", "openMouth")),
    Emotion("fear", "Fear", ("openMouth", "frown")),
    Emotion("sadness", "Sadness", ("frown", "blink"), frequent=("blink",)),
    Emotion("disgust", "Disgust", ("noseWrinkle", "frown"), optional=("invertedSmile",)),
    Emotion("anger", "Anger", ("contractJaw", "frown")),
    Emotion("surprise", "Surprise", ("openMouth", "upperLidRaiser")),
)


def fold(text: str) -> str:
    """The text without what spellings differ in: case, spaces, hyphens and underscores."""
    return re.sub(r"[\s_\-]+", "", text).casefold()


_BY_SPELLING = {fold(text): movement for movement in ALL for text in movement.accepted}


def parse_movement(text: str, legal: Iterable[Movement] = ALL) -> Movement:
    """The movement that `text` means, in any case, spaced or joined in any way, or in a known sloppy spelling.

    Raises UnknownMovement, naming the nearest of the `legal` movements and all of them.
    """
    legal = tuple(legal)
    movement = _BY_SPELLING.get(fold(text))
    if movement is not None and movement in legal:
        return movement
    near = nearest(text, legal)
    hint = f"did you mean {near.token}? " if near else ""
    tokens = ", ".join(movement.token for movement in legal)
    raise UnknownMovement(f"{shown(text)} is not a movement; {hint}Legal are {tokens}.")


def nearest(text: str, legal: Iterable[Movement] = ALL) -> Movement | None:
    """The movement of `legal` with a spelling most like `text`, None where nothing is like it."""
    tokens = {movement.token for movement in legal}
    candidates = [spelling for spelling, movement in _BY_SPELLING.items() if movement.token in tokens]
    found = difflib.get_close_matches(fold(text)[:_COMPARED_LETTERS], candidates, n=1, cutoff=0.6)
    return _BY_SPELLING[found[0]] if found else None


def shown(text: str) -> str:
    """`text` as an error message quotes it: control characters escaped, cut where it is very long."""
    return repr(text if len(text) <= _COMPARED_LETTERS else text[:_COMPARED_LETTERS] + "...")
