"""What cameras that deliver several streams share: packets of a bearable size, merged in time order, and a clean end.

Knows no device and no file: a `Feed` hands over one packet of one stream at a time.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from protocol.errors import GlimpseError
from protocol.streams import Array, Frame, Packet, Records, Stream
from recorder.sources.base import CameraEnded, EndReason

# 1 MiB of events. A DAVIS346 gives at most 12 Mev/s, so a piece is 5 ms or more of a real camera.
MAX_EVENTS_PER_PACKET = 65_536
# A reader that comes back after a second of the busiest DAVIS346 (183 pieces) still gets everything in one call.
MAX_PACKETS_PER_READ = 256


class FeedError(GlimpseError):
    """A feed that broke while it was read: half a sentence that says how."""


class Feed(Protocol):
    """Several streams, read one packet at a time."""

    @property
    def streams(self) -> Sequence[Stream]:
        """The streams that `next` may be asked for."""

    def next(self, stream: Stream) -> Packet | None:
        """The oldest packet of the stream that nobody has had yet, None when there is none. Never blocks."""

    def running(self) -> bool:
        """False once nothing more can arrive; what has arrived can still be had from `next`."""


def start_us(packet: Packet) -> int:
    """Event time at which a packet begins (of a frame: the middle of its exposure), 0 for a frame without a time."""
    return int(packet.records["t"][0]) if isinstance(packet, Records) else packet.stream_us or 0


def end_us(packet: Packet) -> int:
    """Event time of the last record of a packet."""
    return int(packet.records["t"][-1]) if isinstance(packet, Records) else packet.stream_us or 0


def in_pieces(stream: Stream, records: Array, host_ns: int) -> list[Records]:
    """`records` [n], n >= 0, as packets of at most MAX_EVENTS_PER_PACKET records each; none when n is 0."""
    cuts = range(0, len(records), MAX_EVENTS_PER_PACKET)
    return [Records(stream, records[cut : cut + MAX_EVENTS_PER_PACKET], host_ns) for cut in cuts]


def delivered(packet: Packet, shift_us: int, host_ns: int) -> Packet:
    """The same packet `shift_us` later, reaching the host at `host_ns`."""
    if isinstance(packet, Frame):
        stream_us = None if packet.stream_us is None else packet.stream_us + shift_us
        return replace(packet, stream_us=stream_us, host_ns=host_ns)
    if not shift_us:
        return replace(packet, host_ns=host_ns)
    records = packet.records.copy()
    records["t"] += shift_us
    return replace(packet, records=records, host_ns=host_ns)


class LiveReading:
    """`Camera.read` over a feed that runs by itself: everything that has arrived, then CameraEnded for ever."""

    def __init__(self, feed: Feed, lost: str) -> None:
        """`lost`: the sentence for a feed that stopped without saying why."""
        self._feed: Feed | None = feed
        self._lost = lost
        self._over = False

    def read(self) -> list[Packet]:
        """Packets merged by time, each stream in its own order; raises CameraEnded(LOST) once all were given."""
        if self._over or self._feed is None:
            raise CameraEnded(EndReason.LOST, self._lost)
        running = self._feed.running()  # asked before draining: what came before the end is then surely in the queue
        waiting = [list(self._waiting(self._feed, stream)) for stream in self._feed.streams]
        packets = list(heapq.merge(*waiting, key=start_us))
        if not packets and (self._over or not running):
            self._over = True
            raise CameraEnded(EndReason.LOST, self._lost)
        return packets

    def stop(self, message: str) -> None:
        """Let go of the feed; from now on it has ended, with this message unless it had ended before."""
        self._lost = self._lost if self._over else message
        self._over, self._feed = True, None

    def _waiting(self, feed: Feed, stream: Stream) -> Iterator[Packet]:
        for _ in range(MAX_PACKETS_PER_READ):
            try:
                packet = feed.next(stream)
            except FeedError as error:
                self._over, self._lost = True, str(error)
                return
            if packet is None:
                return
            yield packet
