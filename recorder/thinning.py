"""A take's events in memory that has an upper limit: of a flood of them, every n-th. Judges nothing.

Lamps that flicker strongly give 10 million events a second, two gigabytes a take; nearly all of them say the same.
"""

import numpy as np

from protocol.streams import EVENT_DTYPE, Array, Stream
from recorder.take import Take

# Eight times a take of 10 s with 3 million. 16 bytes each, and half a dozen arrays of 8 bytes each are made of them: with the
# interpreter and all libraries under 2 GB.
MOST_EVENTS = 24_000_000


def read_events(take: Take) -> tuple[Array, int]:
    """A take's events [n] in file order, every k-th of them where there are more than MOST_EVENTS; and k, 1 for all.

    Raises Aedat4Error where nothing can be read.
    """
    count = take.count(Stream.EVENTS)
    every = max(1, -(-count // MOST_EVENTS))
    if every == 1:
        return take.events(), 1
    kept = np.empty(-(-count // every), EVENT_DTYPE)
    filled, skip = 0, 0
    for events in take.iter_events():
        chosen = events[skip::every]
        skip = (skip - len(events)) % every  # packets need not be a multiple of k
        kept[filled : filled + len(chosen)] = chosen
        filled += len(chosen)
    return kept[:filled], every
