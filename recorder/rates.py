"""How much each stream gives, over the last second or so. Fed by the camera threads, read by the engine."""

import threading
from collections import defaultdict, deque

from protocol.streams import Packet, Records
from recorder.messages import StreamStatus

WINDOW_NS = 1_000_000_000


class Rates:
    """Counts by stream, and recent batches to take rates from."""

    def __init__(self) -> None:
        self._recent: dict[str, deque[tuple[int, int]]] = defaultdict(deque)
        self._counts: dict[str, int] = defaultdict(int)
        self._lock = threading.Lock()

    def saw(self, packet: Packet) -> None:
        """Count a packet."""
        count = len(packet.records) if isinstance(packet, Records) else 1
        with self._lock:
            recent = self._recent[packet.stream.value]
            recent.append((packet.host_ns, count))
            self._counts[packet.stream.value] += count
            while recent[0][0] < packet.host_ns - WINDOW_NS:
                recent.popleft()

    def status(self, now_ns: int) -> dict[str, StreamStatus]:
        """Counts since the rig was armed, and records per second over the last second."""
        with self._lock:
            return {
                name: StreamStatus(received=self._counts[name], written=0, rate=float(_since(recent, now_ns - WINDOW_NS)))
                for name, recent in self._recent.items()
            }


def _since(recent: "deque[tuple[int, int]]", since_ns: int) -> int:
    return sum(count for host_ns, count in recent if host_ns >= since_ns)
