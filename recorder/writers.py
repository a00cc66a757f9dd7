"""From the capture threads to disk: one bounded queue and one thread a file, so that a slow disk stalls nobody at once.

The queue is bounded in seconds (and bytes). A live camera is never made to wait: when the bound is passed the take ends
with that reason. A file or a simulator at full speed waits instead, which costs nothing.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from protocol.streams import Packet, Records

WAIT_BYTES = 1 << 20  # 65,000 events: little enough to be still in the processor's cache when the writer comes to them
WAIT_S = 0.05


class Sink(Protocol):
    """Where packets end. Used by one thread. `write` returns once the packet is handed to the operating system."""

    def write(self, packet: Packet) -> None:
        """Write one packet. An OSError or any other error ends the take with that reason."""

    def close(self) -> None:
        """Finish the file and put it on disk."""


@dataclass(frozen=True)
class Bounds:
    """How much may wait before a file: seconds that the oldest packet has waited, and bytes in all."""

    seconds: float
    bytes: int


class QueueFull(Exception):
    """The disk has been slower than the queue may hide; names the file by its suffix."""


class WriteFailed(Exception):
    """The sink could not write; `cause` is its error."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class WriterThread:
    """Feeds one sink from a bounded queue."""

    def __init__(self, suffix: str, sink: Sink, bounds: Bounds, clock: Callable[[], float] = time.monotonic) -> None:
        self.suffix = suffix
        self.error: Exception | None = None
        self.peak_s = 0.0
        self._sink = sink
        self._bounds = bounds
        self._clock = clock
        self._queue: deque[tuple[float, int, Packet]] = deque()
        self._bytes = 0
        self._ending = False
        self._changed = threading.Condition()
        # A daemon: a disk that never answers must not keep the process alive (capture.py leaves by its deadline).
        self._thread = threading.Thread(target=self._run, name=f"writer{suffix}", daemon=True)
        self._thread.start()

    def put(self, packet: Packet, may_wait: Callable[[], bool]) -> None:
        """Queue a packet. Past the bound: waits for room while `may_wait()`, else raises QueueFull.

        Raises WriteFailed once the sink has met an error.
        """
        size = _size(packet)
        with self._changed:
            self._make_way(size, may_wait)
            if self.error is not None:
                raise WriteFailed(self.error)
            self._queue.append((self._clock(), size, packet))
            self._bytes += size
            self._changed.notify_all()

    def _make_way(self, size: int, may_wait: Callable[[], bool]) -> None:
        # Who may wait, waits early: a source at full speed would otherwise fill the memory, and keep the interpreter's lock
        # from the writer while it does.
        most = min(WAIT_BYTES, self._bounds.bytes)
        while self.error is None and self._queue and (self._bytes + size > most or self._over(size)) and may_wait():
            self._changed.wait(WAIT_S)
        if self.error is None and self._over(size):
            raise QueueFull(self.suffix)

    def _over(self, size: int) -> bool:
        return bool(self._queue) and (self.waiting_s() > self._bounds.seconds or self._bytes + size > self._bounds.bytes)

    def waiting_s(self) -> float:
        """How long the oldest packet that is not yet written has waited, in seconds."""
        with self._changed:
            return self._clock() - self._queue[0][0] if self._queue else 0.0

    def _run(self) -> None:
        try:
            while (packet := self._next()) is not None:
                self._sink.write(packet)
                self._written()
        except Exception as error:  # noqa: BLE001  (whatever it is, it ends the take with this reason)
            self._fail(error)
        with self._changed:
            # After an error too the file is closed only when asked, when room has been made for its last bytes.
            self._changed.wait_for(lambda: self._ending)
        try:
            self._sink.close()
        except Exception as error:  # noqa: BLE001
            self._fail(error)

    def _next(self) -> Packet | None:
        with self._changed:
            while not self._queue and not self._ending:
                self._changed.wait()
            return self._queue[0][2] if self._queue else None

    def _written(self) -> None:
        # The packet leaves the queue only now, so that one stuck in a write counts as waiting.
        with self._changed:
            since, size, _ = self._queue.popleft()
            self._bytes -= size
            self.peak_s = max(self.peak_s, self._clock() - since)
            self._changed.notify_all()

    def _fail(self, error: Exception) -> None:
        with self._changed:
            self.error = self.error or error
            self._changed.notify_all()

    def finish(self) -> None:
        """Ask it to write what is queued and close; returns at once."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    def join(self, timeout_s: float) -> bool:
        """Wait until the file is closed; False when the disk has not let it in that time."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()


def _size(packet: Packet) -> int:
    return packet.records.nbytes if isinstance(packet, Records) else packet.image.nbytes
