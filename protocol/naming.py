"""Names of takes and of their files: `frown_4_1.aedat4`, `frown_4_2_(noise).rgb.mp4`, `frown_4_3.part.lock`.

Parses, formats and counts names; knows no folder and opens no file.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from protocol.errors import GlimpseError
from protocol.movement import BY_TOKEN, SPONTANEOUS, UnknownMovement, fold, parse_movement, shown

EVENTS_SUFFIX = ".aedat4"
RGB_SUFFIX = ".rgb.mp4"
THERMAL_SUFFIX = ".thermal.mkv"
FRAMES_SUFFIX = ".frames.csv"
MANIFEST_SUFFIX = ".json"
ANALYSIS_SUFFIX = ".analysis.json"
LABELS_SUFFIX = ".labels"  # a folder with one file a coder
LOCK_SUFFIX = ".lock"
REDONE_SUFFIX = ".redone"  # a mark beside a take: the operator had it done again
RECOVERY_SUFFIX = ".recovery.json"  # what was saved of a take whose damaged event file was rebuilt
DAMAGED_SUFFIX = ".damaged.aedat4"  # the damaged original of a salvaged take: kept, but not a take
SESSION_SUFFIX = ".session.json"  # the record of a session, in the subject's folder; belongs to no take
PART = ".part"  # ends the stem of a take that is being written

TAKE_SUFFIXES = (
    EVENTS_SUFFIX,
    RGB_SUFFIX,
    THERMAL_SUFFIX,
    FRAMES_SUFFIX,
    MANIFEST_SUFFIX,
    ANALYSIS_SUFFIX,
    LABELS_SUFFIX,
)
ALL_SUFFIXES = (*TAKE_SUFFIXES, REDONE_SUFFIX, RECOVERY_SUFFIX, DAMAGED_SUFFIX, LOCK_SUFFIX)
_LONGEST_FIRST = sorted((*ALL_SUFFIXES, SESSION_SUFFIX), key=len, reverse=True)  # ".analysis.json" is not a ".json"

TAKE_TOKENS = (*BY_TOKEN, SPONTANEOUS)
MAX_NUMBER = 999_999  # of subjects and takes; more digits are a date or an accident

_NOISE = re.compile(r"([ _-]?\(noise\)|_noise)$", re.IGNORECASE)
_FORM = "name it like frown_4_1.aedat4 or frown_4_1_(noise).aedat4"


class BadTakeName(GlimpseError):
    """A name that is not that of a take, with the reason."""


@dataclass(frozen=True, order=True)
class TakeName:
    """One take. movement_token: one of TAKE_TOKENS; subject, number: 1 ... MAX_NUMBER; noise: marked as unusable.

    Raises BadTakeName when made of anything else.
    """

    movement_token: str
    subject: int
    number: int
    noise: bool = False

    def __post_init__(self) -> None:
        if self.movement_token not in TAKE_TOKENS:
            raise BadTakeName(f"{shown(self.movement_token)} is not a movement token; use one of {', '.join(TAKE_TOKENS)}.")
        for what, value in (("subject", self.subject), ("take number", self.number)):
            if not 1 <= value <= MAX_NUMBER:
                raise BadTakeName(f"The {what} {_brief(value)} is out of range; use 1 to {MAX_NUMBER}.")

    @property
    def stem(self) -> str:
        """What the names of all files of the take begin with: `frown_4_1` or `frown_4_1_(noise)`."""
        return f"{self.movement_token}_{self.subject}_{self.number}" + ("_(noise)" if self.noise else "")

    @property
    def filename(self) -> str:
        """The name of the event file."""
        return self.stem + EVENTS_SUFFIX

    @property
    def folder(self) -> str:
        """The name of the subject's folder."""
        return str(self.subject)


def parse_filename(filename: str, *, strict: bool = False) -> TakeName:
    """The take whose event file is called `filename` (no folder). Raises BadTakeName; `strict` as in `parse_stem`."""
    _refuse_unsafe(filename)
    if filename.endswith(DAMAGED_SUFFIX):
        raise _bad(filename, "it is the damaged original of a take, kept for safety", "open the take itself")
    if not filename.endswith(EVENTS_SUFFIX):
        raise _bad(filename, f"it does not end in {EVENTS_SUFFIX}", _FORM)
    return parse_stem(filename.removesuffix(EVENTS_SUFFIX), strict=strict)


def parse_stem(stem: str, *, strict: bool = False) -> TakeName:
    """The take with this stem. Accepts known sloppy spellings (`nose_winkle_4_1_NOISE`) unless `strict`.

    Raises BadTakeName: unknown movement, missing, zero, negative, zero-padded or absurdly long number, unsafe characters.
    """
    _refuse_unsafe(stem)
    if stem.endswith(PART):
        raise _bad(stem, "the take is still being written or was interrupted", "run glimpse recover")
    name = _parse_loosely(stem)
    if strict and name.stem != stem:
        raise _bad(stem, "its spelling is not the canonical one", f"rename it to {name.stem}")
    return name


def _parse_loosely(stem: str) -> TakeName:
    bare = _NOISE.sub("", stem)
    parts = bare.rsplit("_", 2)
    if len(parts) < 3:
        raise _bad(stem, "the subject or the take number is missing", _FORM)
    movement, subject, number = parts
    return TakeName(
        _movement_token(stem, movement),
        _number(stem, "subject", subject),
        _number(stem, "take number", number),
        noise=bare != stem,
    )


def _movement_token(stem: str, text: str) -> str:
    if fold(text) == SPONTANEOUS:
        return SPONTANEOUS
    if re.search(r"_-?[0-9]*$", text):
        raise _bad(stem, "it has too many numbers or underscores", _FORM)
    try:
        return parse_movement(text).token
    except UnknownMovement as error:
        raise BadTakeName(f"{shown(stem)} is not a take name: {error}") from error


def _number(stem: str, what: str, text: str) -> int:
    if not re.fullmatch(r"-?[0-9]+", text):
        raise _bad(stem, f"the {what} {shown(text)} is not a whole number", _FORM)
    if text.startswith("-") or not text.strip("0"):
        raise _bad(stem, f"the {what} must be 1 or more", _FORM)
    if text.startswith("0"):
        raise _bad(stem, f"the {what} has leading zeros", _FORM)
    if len(text) > len(str(MAX_NUMBER)):
        raise _bad(stem, f"the {what} is longer than {len(str(MAX_NUMBER))} digits", _FORM)
    return int(text)


def _refuse_unsafe(text: str) -> None:
    if "/" in text or "\\" in text:
        raise _bad(text, "it holds a path separator", "give the name alone, without its folder")
    if not text.isprintable():
        raise _bad(text, "it holds control or unprintable characters", _FORM)


def _bad(text: str, reason: str, way_out: str) -> BadTakeName:
    return BadTakeName(f"{shown(text)} is not a take name: {reason}; {way_out}.")


def _brief(value: int) -> str:
    return str(value) if abs(value) < 10**12 else "with more than 12 digits"


def part_stem(name: TakeName) -> str:
    """The stem of the take while it is being written: `frown_4_1.part`."""
    return name.stem + PART


def is_part(stem: str) -> bool:
    """Whether this is the stem of a take that is being written (or was left so by a crash)."""
    return stem.endswith(PART)


def split_filename(filename: str) -> tuple[str, str] | None:
    """(stem, suffix) of any file or folder that belongs to a take or is a session's, None for a name with no suffix of ours.

    The stem of an unfinished take keeps its `.part`; `frown_4_1.damaged.aedat4` gives (`frown_4_1`, DAMAGED_SUFFIX).
    The stem is not checked: `dataset.json` gives (`dataset`, `.json`).
    """
    for suffix in _LONGEST_FIRST:
        if filename.endswith(suffix) and len(filename) > len(suffix):
            return filename.removesuffix(suffix), suffix
    return None


def next_number(names_in_use: Iterable[TakeName | str], movement: str, subject: int) -> int:
    """The highest take number ever used for this movement (token) and subject, plus one.

    names_in_use: takes, stems, or any file names of the subject's folder. Noise, redone, partial, locked and damaged takes
    count, names of other things do not. Raises BadTakeName when no number is left.
    """
    takes = (take for take in map(_take_of, names_in_use) if take is not None)
    used = (take.number for take in takes if (take.movement_token, take.subject) == (movement, subject))
    return TakeName(movement, subject, max(used, default=0) + 1).number


def _take_of(name: TakeName | str) -> TakeName | None:
    if isinstance(name, TakeName):
        return name
    split = split_filename(name)
    stem = split[0] if split else name
    try:
        return parse_stem(stem.removesuffix(PART))
    except BadTakeName:
        return None
