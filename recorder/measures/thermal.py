"""When a thermal camera's shutter stood closed: pictures that repeat the one before to the last bit. Knows no temperature."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from recorder.measures.steps import Range
from recorder.measures.thresholds import Reading

# Noise of 50 mK changes nearly every pixel of a 14- or 16-bit picture, so one equal pair is enough in principle; a driver
# that hands out a picture twice makes single pairs too, though, and a freeze lasts some tenths of a second.
LEAST_EQUAL = 2


def freezes(frames: Iterable[tuple[int, NDArray[np.uint16]]]) -> tuple[Range, ...]:
    """The ranges in which at least LEAST_EQUAL pictures in a row equal the one before: from the last new picture to the next.

    frames: (time in us, [H, W]) in order. Of a freeze at the end, up to the last picture.
    """
    found: list[Range] = []
    since, before, equal, last_us = 0, None, 0, 0
    for t_us, image in frames:
        if before is not None and np.array_equal(before, image):
            equal += 1
        else:
            found += [(since, t_us)] if equal >= LEAST_EQUAL else []
            since, equal, before = t_us, 0, image
        last_us = t_us
    return (*found, (since, last_us)) if equal >= LEAST_EQUAL else tuple(found)


def frozen(ranges: tuple[Range, ...] | None, offset_us: int | None = None, movement: Range | None = None) -> Reading:
    """How long the thermal picture stood still, in ms. ranges: from `freezes`, None where there are no pictures.

    offset_us: from the camera's time to event time, where it is known; movement: onset to offset, in event time.
    """
    if ranges is None:
        return Reading(unknown="The take has no thermal pictures.")
    total_ms = sum(end - begin for begin, end in ranges) / 1000
    details = {"freezes": [list(span) for span in ranges], "in_movement": False, "sentence": "The thermal picture never froze."}
    if ranges:
        count = "once" if len(ranges) == 1 else f"{len(ranges)} times"
        details["sentence"] = f"The thermal camera calibrated itself {count} and its picture stood still for {total_ms:.0f} ms."
    if offset_us is not None and movement is not None:
        hit = any(begin + offset_us < movement[1] and end + offset_us > movement[0] for begin, end in ranges)
        details["in_movement"] = hit
        if hit:
            details["sentence"] = (
                f"The thermal picture stood still during the movement (for {total_ms:.0f} ms, the camera calibrated itself); "
                "do not use it there."
            )
    return Reading(total_ms, details)
