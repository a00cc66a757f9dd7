"""Clocks: how far a recording has come, and how a camera's clock runs against the host's. Knows no camera and no file."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocol.manifest import ClockFit
from protocol.streams import Packet, Records, Stream

MAX_PAIRS = 60
FIT_ROUNDS = 20
# Tukey's biweight, 95 % efficient for normal residuals (Huber & Ronchetti, Robust Statistics, 2009, ch. 7).
BIWEIGHT = 4.685
MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True)
class HostClock:
    """The host's monotonic clock and its sleep, handed to whatever needs them."""

    monotonic_ns: Callable[[], int] = time.monotonic_ns
    sleep_s: Callable[[float], None] = time.sleep


class RealPace:
    """Time is the host's."""

    follows_events = False

    def __init__(self, monotonic_ns: Callable[[], int]) -> None:
        self._now = monotonic_ns
        self._start: int | None = None

    def start(self) -> None:
        """Count from now; the cameras are being read."""
        self._start = self._now()

    def elapsed_us(self) -> int:
        """Microseconds since the start, 0 before it."""
        return 0 if self._start is None else (self._now() - self._start) // 1000


class EventPace:
    """Time is the event stream's own progress, for recordings as fast as possible."""

    follows_events = True

    def __init__(self) -> None:
        self._first: int | None = None
        self._last = 0

    def saw(self, packet: Packet) -> None:
        """Tell that a packet has arrived; only events move this clock."""
        if packet.stream is not Stream.EVENTS or not isinstance(packet, Records):
            return
        if self._first is None:
            self._first = int(packet.records["t"][0])
        self._last = max(self._last, int(packet.records["t"][-1]) - self._first)

    def elapsed_us(self) -> int:
        """Microseconds between the first and the newest event."""
        return self._last


class EventClock:
    """Event time now, for a live camera: the newest event time, carried on by the host's clock between batches.

    A batch arrives late or very late but never early, so the least late one is the truest: the largest difference
    `event_us - host_us` seen is kept.
    """

    def __init__(self) -> None:
        self.event_minus_host_us: int | None = None

    def saw(self, last_us: int, host_ns: int) -> None:
        """A batch whose newest record is at `last_us` reached the host at `host_ns`."""
        difference = last_us - host_ns // 1000
        if self.event_minus_host_us is None or difference > self.event_minus_host_us:
            self.event_minus_host_us = difference

    def at(self, host_ns: int) -> int | None:
        """Event time at a host time, None before the first batch."""
        if self.event_minus_host_us is None:
            return None
        return host_ns // 1000 + self.event_minus_host_us


class ClockPairs:
    """Collects (stream time, host time) pairs in bounded memory: when full, every second one is dropped."""

    def __init__(self, limit: int = 4096) -> None:
        self._limit = limit
        self._stride = 1
        self._seen = 0
        self._pairs: list[tuple[int, int]] = []

    def add(self, stream_us: int, host_ns: int) -> None:
        """Note that the record of `stream_us` reached the host at `host_ns`."""
        if self._seen % self._stride == 0:
            self._pairs.append((stream_us, host_ns))
        self._seen += 1
        if len(self._pairs) >= self._limit:
            self._pairs = self._pairs[::2]
            self._stride *= 2

    def fit(self) -> ClockFit | None:
        """The robust line through all pairs; None with fewer than two distinct times."""
        return fit_clock(tuple(self._pairs))


def fit_clock(pairs: Sequence[tuple[int, int]]) -> ClockFit | None:
    """Robust line of host time over stream time: iteratively reweighted least squares with Tukey's biweight.

    pairs: (stream_us, host_ns). Arrival is only ever late, by USB batching and by a busy host; the biweight gives such
    stragglers no weight. Returns None with fewer than two distinct stream times.
    """
    if len({stream for stream, _ in pairs}) < 2:
        return None
    stream = np.array([p[0] for p in pairs], np.int64)
    host = np.array([p[1] // 1000 for p in pairs], np.int64)
    t0, host0 = int(stream[0]), int(host[0])
    x = (stream - t0).astype(np.float64)
    y = (host - host0).astype(np.float64) - x
    offset, slope = _robust_line(x, y)
    residual = float(np.median(np.abs(y - offset - slope * x)))
    chosen = np.unique(np.linspace(0, len(pairs) - 1, min(MAX_PAIRS, len(pairs))).astype(int))
    return ClockFit(
        t0_us=t0,
        host0_us=host0,
        offset_us=offset,
        drift_ppm=slope * 1e6,
        residual_us=residual,
        pairs=tuple(pairs[i] for i in chosen),
    )


def _robust_line(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    scale_x = float(np.ptp(x))
    design = np.stack([np.ones_like(x), x / scale_x], axis=1)
    # The start must not be drawn by stragglers: a line through the medians of the first and last thirds.
    third = max(1, len(x) // 3)
    slope = (np.median(y[-third:]) - np.median(y[:third])) / max(np.median(x[-third:]) - np.median(x[:third]), 1.0) * scale_x
    beta = np.array([np.median(y - slope * design[:, 1]), slope])
    for _ in range(FIT_ROUNDS):
        residual = y - design @ beta
        sigma = max(MAD_TO_SIGMA * float(np.median(np.abs(residual))), 1.0)
        weight = np.clip(1 - (residual / (BIWEIGHT * sigma)) ** 2, 0, None)
        new, *_ = np.linalg.lstsq(design * weight[:, None], y * weight, rcond=None)
        if np.allclose(new, beta, atol=1e-3):
            break
        beta = new
    return float(beta[0]), float(beta[1] / scale_x)
