"""What each stream gives since the cameras were opened: counts, rates, gaps. Fed by the camera threads, read by the engine."""

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from protocol.streams import Frame, Packet, Stream
from recorder.messages import StreamStatus
from recorder.sources.base import StreamInfo
from recorder.tally import FORWARD_JUMP_US

WINDOW_NS = 1_000_000_000


@dataclass
class _Seen:
    """One stream so far. recent: (host time, count) of the packets of the last second."""

    info: StreamInfo
    count: int = 0
    gaps: int = 0
    last_us: int | None = None
    last_ns: int | None = None
    recent: "deque[tuple[int, int]]" = field(default_factory=deque)


class Rates:
    """Counts, recent packets and gaps by stream."""

    def __init__(self, streams: Iterable[StreamInfo] = (), *, stall_ns: int = WINDOW_NS // 2, live: bool = True) -> None:
        """streams: of the rig; stall_ns: a longer silence is a gap; live: False where data come faster than they happened, so
        that host times say nothing of silence.
        """
        self._streams = {info.stream: _Seen(info) for info in streams}
        self._stall_ns = stall_ns
        self._live = live
        self._lock = threading.Lock()

    def saw(self, packet: Packet) -> None:
        """Count a packet."""
        if isinstance(packet, Frame):
            count, first_us, last_us = 1, packet.stream_us, packet.stream_us
        else:
            t = packet.records["t"]
            count, first_us, last_us = len(t), int(t[0]), int(t[-1])
        with self._lock:
            seen = self._streams.get(packet.stream)
            if seen is None:
                seen = self._streams[packet.stream] = _Seen(StreamInfo(packet.stream))
            seen.gaps += self._live and self._is_gap(seen, first_us, packet.host_ns)
            seen.count += count
            seen.last_us, seen.last_ns = last_us, packet.host_ns
            seen.recent.append((packet.host_ns, count))
            while seen.recent[0][0] < packet.host_ns - WINDOW_NS:
                seen.recent.popleft()

    def _is_gap(self, seen: _Seen, first_us: int | None, host_ns: int) -> bool:
        """Whether a stall lies before this packet, or a forward jump of the stream's own clock, as a take notes them."""
        if seen.last_ns is None or seen.info.stream is Stream.TRIGGERS:  # triggers come when something happens
            return False
        since_ns = host_ns - seen.last_ns
        if since_ns >= self._stall_ns:
            return True
        if first_us is None or seen.last_us is None or seen.info.clock != "device":
            return False
        return first_us - seen.last_us - since_ns // 1000 > FORWARD_JUMP_US

    def status(self, now_ns: int) -> dict[str, StreamStatus]:
        """Of every stream: counts and gaps since the rig was armed, records per second over the last second, silence."""
        with self._lock:
            return {stream.value: self._status(seen, now_ns) for stream, seen in self._streams.items()}

    def _status(self, seen: _Seen, now_ns: int) -> StreamStatus:
        is_silent = self._live and seen.info.stream is not Stream.TRIGGERS and self._is_silent(seen, now_ns)
        rate = float(sum(count for host_ns, count in seen.recent if host_ns >= now_ns - WINDOW_NS))
        return StreamStatus(received=seen.count, written=0, rate=rate, silent=is_silent, gaps=seen.gaps)

    def _is_silent(self, seen: _Seen, now_ns: int) -> bool:
        return seen.last_ns is not None and now_ns - seen.last_ns >= self._stall_ns
