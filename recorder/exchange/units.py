"""Movements and action units as other people's tables write them: "AU12", "4+L10", "12C + 25?", "smile". Knows no file."""

import re
from dataclasses import dataclass

from protocol.labels import Interval
from protocol.movement import ALL, BY_TOKEN, UnknownMovement, parse_movement

# FACS (Ekman, Friesen & Hager 2002): a side or half of the face before the number, the intensity A-E behind it.
_UNIT = re.compile(r"(?:AU)?\s*([LRUTBM]?)\s*(\d{1,2})\s*([A-E]?)\s*(\??)", re.IGNORECASE)
_BETWEEN = re.compile(r"\s*[+,;&/]\s*")
_EMPTY = {"", "/", "n/a", "na", "none", "-", "nan"}


@dataclass(frozen=True)
class Units:
    """numbers: the action units; intensity: where all that have one have the same; lost: what no label can hold, in words."""

    numbers: tuple[int, ...] = ()
    intensity: str | None = None
    lost: str = ""


def is_empty(text: str | None) -> bool:
    """Whether a cell says that there is nothing."""
    return text is None or text.strip().casefold() in _EMPTY


def parse_units(text: str | None) -> Units:
    """The action units of a cell; sides, doubts, several intensities and what is no unit go into `lost`."""
    if text is None or is_empty(text):
        return Units()
    numbers, letters, lost = [], [], []
    for part in filter(None, _BETWEEN.split(text.strip())):
        match = _UNIT.fullmatch(part)
        if match is None or not int(match[2]):
            lost.append(f"{part[:40]!r} is no action unit")
            continue
        numbers.append(int(match[2]))
        letters += [match[3].upper()] if match[3] else []
        lost += [f"{part!r} has a side or a doubt"] if match[1] or match[4] else []
    same = letters[0] if len(set(letters)) == 1 else None
    if len(set(letters)) > 1:
        lost.append("the units differ in intensity")
    return Units(tuple(dict.fromkeys(numbers)), same, ", ".join(lost))


def movement_of(numbers: tuple[int, ...]) -> str | None:
    """The one movement (token) that consists of nothing but these action units, None where there is none."""
    fitting = [movement.token for movement in ALL if numbers and set(numbers) <= set(movement.action_units)]
    return fitting[0] if len(fitting) == 1 else None


def units_of(interval: Interval) -> tuple[int, ...]:
    """The action units that were coded; where only a movement was, the first that makes it."""
    if interval.action_units or interval.movement is None:
        return interval.action_units
    return BY_TOKEN[interval.movement].action_units[:1]


def units_text(interval: Interval) -> str:
    """The action units as the tables write them: "4+7"."""
    return "+".join(map(str, units_of(interval)))


def label_text(interval: Interval) -> str:
    """What an annotation is called: "smile", "AU4+AU7", "smile (AU6+AU12)"."""
    units = "+".join(f"AU{unit}" for unit in interval.action_units)
    if interval.movement is None:
        return units
    return f"{interval.movement} ({units})" if units else interval.movement


_BOTH = re.compile(r"([^()]+)\(([^()]*)\)")


def parse_label(text: str) -> tuple[str | None, Units]:
    """(movement, units) of an annotation's text; neither where it is none of ours."""
    both = _BOTH.fullmatch(text.strip())
    if both:
        movement, _ = parse_label(both[1])
        return movement, parse_units(both[2])
    units = parse_units(text)
    if units.numbers and "no action unit" not in units.lost:
        return movement_of(units.numbers), units
    try:
        return parse_movement(text).token, Units()
    except UnknownMovement:
        return None, Units(lost=f"{text[:40]!r} names no movement and no action unit")
