"""Clips in which each movement is a patch of events at a place of its own: easy to learn, quick to make."""

import numpy as np

from models.clipstore import Clip, ClipInterval, ClipStore, ClipWriter
from models.crop import FaceCrop
from protocol.movement import MOVEMENTS
from protocol.streams import EVENT_DTYPE

SIZE = 64
TOKENS = tuple(movement.token for movement in MOVEMENTS)


def drawn_events(rng, duration_us, made):
    """Noise, and for each (number of the movement, onset, apex) a patch whose events are ON in its left half."""
    noise = _events(rng, 200, 0, duration_us, (0, SIZE), (0, SIZE))
    noise["p"] = rng.integers(0, 2, len(noise))
    parts = [noise]
    for number, onset_us, apex_us in made:
        left, top = 8 * number, 24 + 8 * (number % 2)
        patch = _events(rng, 600, onset_us, apex_us, (left, left + 8), (top, top + 8))
        patch["p"] = patch["x"] < left + 4
        parts.append(patch)
    events = np.concatenate(parts)
    return events[np.argsort(events["t"], kind="stable")]


def _events(rng, count, begin_us, end_us, across, down):
    events = np.zeros(count, EVENT_DTYPE)
    events["t"] = rng.integers(begin_us, end_us, count)
    events["x"], events["y"] = rng.integers(*across, count), rng.integers(*down, count)
    return events


def drawn_store(folder, persons=4, each=6, classes=(0, 1, 2), duration_us=1_000_000):
    """A store with `each` clips of every person: one movement in each, by turns."""
    rng = np.random.default_rng(0)
    with ClipWriter(folder) as writer:
        for person in range(persons):
            for number in range(each):
                kind = classes[number % len(classes)]
                onset = int(rng.integers(250_000, 450_000))
                apex = onset + 160_000
                clip = Clip(
                    key=f"{person}-{number}",
                    person=f"p{person}",
                    crop=FaceCrop(x=SIZE / 2, y=SIZE / 2, side_px=SIZE),
                    resolution=(SIZE, SIZE),
                    span_us=(0, duration_us),
                    intervals=(ClipInterval(TOKENS[kind], onset, apex, apex + 120_000),),
                )
                writer.add(clip, drawn_events(rng, duration_us, [(kind, onset, apex)]))
    return ClipStore(folder)
