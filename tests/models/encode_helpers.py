"""Events for tests of encoding, and what encodings are, written a second time in the plainest way."""

import numpy as np

from protocol.streams import EVENT_DTYPE


def random_events(seed, count=2000, span_us=400_000, start_us=0, width=346, height=260):
    """Events all over the sensor, in time order; some at the same instant."""
    rng = np.random.default_rng(seed)
    events = np.zeros(count, EVENT_DTYPE)
    events["t"] = start_us + np.sort(rng.integers(0, span_us, count))
    events["x"], events["y"] = rng.integers(0, width, count), rng.integers(0, height, count)
    events["p"] = rng.integers(0, 2, count)
    return events


def events_at(*rows):
    """(t, x, y, p) each."""
    return np.array(list(rows), EVENT_DTYPE)


def cells(events, crop, size):
    """(event, polarity, row, column) of all on the grid, by the formula of the crop."""
    for event in events:
        column = int(np.floor((event["x"] + 0.5 - crop.left) * size / crop.side_px))
        row = int(np.floor((event["y"] + 0.5 - crop.top) * size / crop.side_px))
        if 0 <= column < size and 0 <= row < size:
            yield event, int(event["p"]), row, column
