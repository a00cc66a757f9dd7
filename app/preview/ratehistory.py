"""How many events came when: counts by polarity in bins of the event clock, over the last seconds. Knows no Qt and no ring."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.preview import kernels
from protocol.streams import Array

JUMP_US = 1_000_000  # event time that goes back by more belongs to a camera that was started anew


class RateSeries(NamedTuple):
    """Bins in order of time. start_us: int64 [n], event time of each bin's begin; on, off: float64 [n], events a second."""

    start_us: NDArray[np.int64]
    on: NDArray[np.float64]
    off: NDArray[np.float64]


class RateHistory:
    """Counts events as they come. A bin that got none is 0; the newest bin is still filling. One thread."""

    def __init__(self, bin_ms: int = 10, seconds: float = 15.0) -> None:
        self.bin_us = bin_ms * 1000
        self._counts = np.zeros((2, max(1, round(seconds * 1e6 / self.bin_us))), np.int32)
        self._head: int | None = None
        self._first = 0  # number of the first bin that anything was counted in

    def reset(self) -> None:
        """Forget every event."""
        self._counts.fill(0)
        self._head = None

    def feed(self, events: Array) -> None:
        """Take in events [n] in about the order of time."""
        if not len(events):
            return
        first = int(events["t"][0]) // self.bin_us
        if self._head is not None and first < self._head - JUMP_US // self.bin_us:
            self.reset()
        if self._head is None:
            self._head = self._first = first
        plain = events if events.flags.c_contiguous and events.flags.writeable else events.copy()
        self._head = int(kernels.count(plain, self.bin_us, self._head, self._counts))

    @property
    def newest_us(self) -> int | None:
        """Event time of the end of the newest bin, None before the first event."""
        return None if self._head is None else (self._head + 1) * self.bin_us

    def series(self, seconds: float | None = None) -> RateSeries:
        """The bins of the last `seconds` (default: all that are kept), the newest last, in events per second."""
        bins = self._counts.shape[1]
        wanted = bins if seconds is None else min(bins, round(seconds * 1e6 / self.bin_us))
        if self._head is None:
            return RateSeries(np.empty(0, np.int64), np.empty(0), np.empty(0))
        numbers = np.arange(max(self._first, self._head - wanted + 1), self._head + 1)
        rates = self._counts[:, numbers % bins] * (1e6 / self.bin_us)
        return RateSeries(numbers * self.bin_us, rates[1], rates[0])
