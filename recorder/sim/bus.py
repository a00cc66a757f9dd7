"""The way of events off the sensor: one after another, 12 in a microsecond at most, later than they happened when it is full.

Knows no pixel and no packet.
"""

import numpy as np
from numpy.typing import NDArray

from protocol.streams import Array

EVENTS_PER_US = 12  # DAVIS346: 12 million events a second (iniVation, DAVIS346 specifications)
QUEUE_US = 10_000  # how much may wait; a pixel that is not read out for longer is reset by others' noise: chosen

Causes = NDArray[np.uint8]


class EventBus:
    """A queue that is emptied at a constant rate. Counts in `lost` what found it full."""

    def __init__(self) -> None:
        self.lost = 0
        self._free_at = (0, -np.inf)  # when the last event so far has left: whole us, and us after that
        self._held: tuple[Array, Causes] | None = None

    def passed(self, events: Array, causes: Causes, end_us: int) -> tuple[Array, Causes]:
        """What has left the sensor by end_us, with the times at which it left; the rest comes with the next call.

        events: in order of time, none later than end_us; causes: uint8, one for each.
        """
        if not len(events):
            return self._split(events, causes, end_us)
        # From a time of their own: twelfths of a microsecond are lost in a float of unix time.
        since_us = int(events["t"][0])
        t_us = events["t"] - since_us
        leaves = self._leaving(t_us, since_us)
        kept = leaves - t_us <= QUEUE_US
        if not kept.all():
            self.lost += len(events) - int(np.count_nonzero(kept))
            events, causes = events[kept], causes[kept]
            leaves = self._leaving(t_us[kept], since_us)
        events = events.copy()
        if len(events):
            self._free_at = since_us, float(leaves[-1])
            events["t"] = since_us + np.ceil(leaves).astype(np.int64)
        return self._split(events, causes, end_us)

    def _leaving(self, t_us: NDArray[np.int64], since_us: int) -> NDArray[np.float64]:
        """When each leaves: max(t[i], leaving[i - 1] + 1 / rate), which is a running maximum of t[j] - j / rate."""
        free_us = self._free_at[0] - since_us + self._free_at[1] + 1 / EVENTS_PER_US
        number = np.arange(len(t_us)) / EVENTS_PER_US
        return np.asarray(np.maximum.accumulate(np.maximum(t_us - number, free_us)) + number, np.float64)

    def _split(self, events: Array, causes: Causes, end_us: int) -> tuple[Array, Causes]:
        if self._held is not None:
            events, causes = np.concatenate([self._held[0], events]), np.concatenate([self._held[1], causes])
        gone = int(np.searchsorted(events["t"], end_us, side="right"))
        self._held = (events[gone:], causes[gone:]) if gone < len(events) else None
        return events[:gone], causes[:gone]
