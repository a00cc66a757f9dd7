"""The inner loops of the live views, in numba without the interpreter lock. Knows no settings and no colours."""

from typing import Any

import numpy as np
from numba import njit

DECAY_STEPS = 1024  # entries of a table of the exponential
DECAY_TAUS = 8.0  # which reaches so far: less than a third of a grey level is left
NEVER = np.iinfo(np.int64).min // 2


@njit(cache=True, nogil=True)
def feed(events: Any, last_us: Any, polarity: Any, grey: Any, table: Any, step_us: float, contrast: float) -> int:
    """Note when each pixel saw which polarity last, and leak into `grey`; returns how many events lay outside.

    events: [n]; last_us int64, polarity int8, grey float32: [H, W]; table: float32, the exponential in steps of step_us.
    """
    outside = 0
    height, width = last_us.shape
    for i in range(len(events)):
        x, y = events[i]["x"], events[i]["y"]
        if x < 0 or y < 0 or x >= width or y >= height:
            outside += 1
            continue
        t = events[i]["t"]
        on = events[i]["p"] > 0
        age = max(0, t - last_us[y, x])
        left = table[min(len(table) - 1, int(age / step_us))]
        grey[y, x] = grey[y, x] * left + (contrast if on else -contrast)
        last_us[y, x] = max(t, last_us[y, x])
        polarity[y, x] = on
    return outside


@njit(cache=True, nogil=True)
def draw_ages(last_us: Any, polarity: Any, now_us: int, step_us: float, on: Any, off: Any, out: Any) -> None:
    """Colour each pixel by the age of its last event. on, off: colours by age in steps of step_us; out: uint32 [H, W]."""
    steps = len(on)
    for y in range(last_us.shape[0]):
        for x in range(last_us.shape[1]):
            step = min(steps - 1, int(max(0, now_us - last_us[y, x]) / step_us))
            out[y, x] = on[step] if polarity[y, x] else off[step]


@njit(cache=True, nogil=True)
def draw_grey(last_us: Any, grey: Any, now_us: int, step_us: float, table: Any, colours: Any, out: Any) -> None:
    """Colour each pixel by its leaky sum, 0 in the middle. colours: uint32 [256]; out: uint32 [H, W]."""
    for y in range(last_us.shape[0]):
        for x in range(last_us.shape[1]):
            age = max(0, now_us - last_us[y, x])
            value = 0.5 + grey[y, x] * table[min(len(table) - 1, int(age / step_us))]
            out[y, x] = colours[int(min(1.0, max(0.0, value)) * 255)]


@njit(cache=True, nogil=True)
def draw_counts(picture: Any, low: float, high: float, colours: Any, out: Any) -> None:
    """Colour numbers [H, W] between low and high by 256 colours; beyond, by the first and the last."""
    scale = 256.0 / (high - low)
    for y in range(picture.shape[0]):
        for x in range(picture.shape[1]):
            share = (picture[y, x] - low) * scale
            out[y, x] = colours[int(min(255.0, max(0.0, share)))]


@njit(cache=True, nogil=True)
def count(events: Any, bin_us: int, head: int, counts: Any) -> int:
    """Count events into a ring of bins by polarity, int32 [2, bins]: OFF, ON; returns the newest bin's number.

    head: number of the newest bin so far; bins that time passes are emptied, events older than the ring are left out.
    """
    bins = counts.shape[1]
    for i in range(len(events)):
        number = events[i]["t"] // bin_us
        if number > head:
            for empty in range(max(head + 1, number - bins + 1), number + 1):
                counts[0, empty % bins] = counts[1, empty % bins] = 0
            head = number
        if number > head - bins:
            counts[1 if events[i]["p"] > 0 else 0, number % bins] += 1
    return head
