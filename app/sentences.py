"""Verdicts and rig checks in the user's language: the recorder writes English sentences, made of templates that are known.

A sentence is recognised by its template, what was filled in is taken out of it, and the template's translation is filled.
So records stay in English on disk, and whatever is not recognised is shown as it is. Knows no Qt.
"""

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files

from app.i18n import spoken, tr, translatable
from protocol.movement import ALL

# What the recorder fills in: words, and phrases with something filled into them in turn.
PHRASES = (
    translatable("colour"),
    translatable("thermal"),
    translatable("grey"),
    translatable("left"),
    translatable("right"),
    translatable("top"),
    translatable("bottom"),
    translatable("closer"),
    translatable("farther"),
    translatable("event camera"),
    translatable("event camera's picture stream"),
    translatable("event camera's motion sensor"),
    translatable("colour camera"),
    translatable("thermal camera"),
    translatable("the event camera"),
    translatable("the colour camera"),
    translatable("in all pictures"),
    translatable("{one} and the {other}"),
    translatable("{rate} events/s"),
    translatable("{rate} grey"),
    translatable("{rate} colour"),
    translatable("{rate} thermal"),
    translatable("{rate} grey pictures/s"),
    translatable("{rate} colour pictures/s"),
    translatable("{rate} thermal pictures/s"),
    translatable("use another USB port, give more light, or close other programs"),
    translatable("this computer is too slow to simulate them all, so close other programs"),
    translatable("move {cm} cm to the subject's left"),
    translatable("move {cm} cm to the subject's right"),
    translatable("sit {cm} cm higher, or turn the camera"),
    translatable("sit {cm} cm lower, or turn the camera"),
    translatable(" (lens not calibrated)"),
    translatable("{seconds} s before the cue"),
    translatable("{seconds} s after the cue"),
    translatable("a micro-expression"),
    translatable("no micro-expression"),
    translatable("by the computer's clock only"),
    translatable("not at all"),
    translatable("with unknown uncertainty"),
    translatable("to {ms} ms only"),
    translatable("partial"),
    translatable("failed"),
    translatable("{n} events"),
    translatable("{n} grey pictures"),
    translatable("{n} colour pictures"),
    translatable("{n} thermal pictures"),
    translatable("nothing"),
    translatable("events"),
    translatable("grey pictures"),
    translatable("colour pictures"),
    translatable("thermal pictures"),
    translatable("make room on the disk"),
    translatable("close other programs"),
    translatable("default"),
    translatable("low light"),
    translatable("sensitive"),
    translatable("not set"),
    translatable("bias {name}"),
    translatable("setting {name}"),
    translatable("; the profile has {device}"),
    translatable("{name} from {camera}"),
    translatable("No {name} for {seconds} s."),
    translatable("{message} Saved: {saved}."),
    translatable("complete"),
    translatable(
        "check the cable and the power of the camera, plug it into a USB 3 port without a USB 2 hub, install the udev rules of "
        "dv-processing on Linux, and close every other program that uses it"
    ),
    translatable("are missing from the manifest"),
    translatable("lie outside the recording"),
    *(movement.display.lower() for movement in ALL),
)

DECIMAL_COMMA = ("fr",)  # languages that write 3,2 and 12 345
NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"
_FIELD = re.compile(r"\{(\w+)[^{}]*\}")
_NUMBER = re.compile(r"[-+]?[0-9][0-9,]*(\.[0-9]+)?( [a-z%]{1,2})?")  # maybe with a unit


def tr_sentence(sentence: str) -> str:
    """The sentence in the language in use; itself where it is not one of the recorder's, or not translated."""
    if spoken() == "en" or not sentence:
        return sentence
    whole = tr(sentence)
    if whole != sentence:
        return whole
    for pattern, template in _templates():
        if match := pattern.fullmatch(sentence):
            translated = tr(template)
            if translated == template:
                return sentence
            filled = {name: _words(text) for name, text in match.groupdict().items()}
            return _FIELD.sub(r"{\1}", translated).format(**filled)
    return sentence


def number(value: float, decimals: int = 0) -> str:
    """A number as the language in use writes it."""
    return in_locale(f"{value:.{decimals}f}")


def in_locale(text: str) -> str:
    """A number in English digits, with commas between the thousands, as the language in use writes it."""
    if spoken() not in DECIMAL_COMMA:
        return text
    return text.replace(",", NARROW_SPACE).replace(".", ",")


def tr_sentences(sentences: Iterable[str]) -> tuple[str, ...]:
    """Each of them in the language in use."""
    return tuple(tr_sentence(sentence) for sentence in sentences)


def _words(text: str) -> str:
    """What was filled in: numbers stay, words and lists of words are translated where they are known."""
    if _NUMBER.fullmatch(text):
        return in_locale(text)
    whole = tr_sentence(text)
    return whole if whole != text or ", " not in text else ", ".join(tr_sentence(part) for part in text.split(", "))


@lru_cache(maxsize=1)
def _templates() -> tuple[tuple[re.Pattern[str], str], ...]:
    """(pattern, template) of each sentence in which something is filled in, the most telling first."""
    listed: list[str] = json.loads(files("assets").joinpath("locale", "sentences.json").read_text(encoding="utf-8"))
    filled = [text for text in (*listed, *PHRASES) if _FIELD.search(text)]
    return tuple((_pattern(text), text) for text in sorted(filled, key=lambda text: -len(_FIELD.sub("", text))))


def _pattern(template: str) -> re.Pattern[str]:
    """What the template becomes whatever is filled in; a name that stands twice stands for the same text."""
    seen: set[str] = set()
    parts, end = [], 0
    for field in _FIELD.finditer(template):
        name = field[1]
        parts += [re.escape(template[end : field.start()]), f"(?P={name})" if name in seen else f"(?P<{name}>.*?)"]
        seen.add(name)
        end = field.end()
    return re.compile("".join([*parts, re.escape(template[end:])]), re.DOTALL)
