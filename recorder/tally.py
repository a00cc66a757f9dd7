"""The book-keeping of one stream while a take is recorded: counts, times, silence, jumps. Pure: no clock, file or thread."""

from dataclasses import dataclass, field

import numpy as np

from protocol.manifest import Gap, StreamRecord
from protocol.streams import Records, Stream
from recorder.clock import ClockPairs
from recorder.sources.base import StreamInfo

# Event time that runs ahead of the host by this much between two batches is a jump of the camera's clock.
FORWARD_JUMP_US = 1_000_000


@dataclass
class Tally:
    """What is known of one stream so far. host times are nanoseconds of the monotonic clock."""

    info: StreamInfo
    device: int
    live: bool = True  # False when data come faster than they happened, so that host times say nothing about jumps
    virtual_host: bool = False  # host times are those of a simulator's own host, true however fast the data come
    received: int = 0
    first_us: int | None = None
    last_us: int | None = None
    last_host_ns: int | None = None
    silent_since_us: int | None = None
    gaps: list[Gap] = field(default_factory=list)
    clock: ClockPairs = field(default_factory=ClockPairs)

    @property
    def stream(self) -> Stream:
        """Which stream this is."""
        return self.info.stream

    def whole(self, packet: Records) -> tuple[Records | None, bool]:
        """The part of a batch before the first backward step of its clock, and whether there was such a step."""
        t = packet.records["t"]
        back = np.flatnonzero(t[1:] < t[:-1])
        end = 0 if self.last_us is not None and t[0] < self.last_us else int(back[0]) + 1 if len(back) else len(t)
        if end == len(t):
            return packet, False
        return (Records(packet.stream, packet.records[:end], packet.host_ns) if end else None), True

    def add(self, count: int, first_us: int, last_us: int, host_ns: int) -> None:
        """Count a batch in time order, note a silence that it ends and a jump of its clock."""
        self._end_silence(first_us)
        self._note_jump(first_us, host_ns)
        if self.first_us is None:
            self.first_us = first_us
        self.last_us, self.last_host_ns = last_us, host_ns
        self.received += count
        self.clock.add(last_us, host_ns)

    def silent(self, now_ns: int, limit_ns: int) -> bool:
        """Whether a silence longer than the limit begins to be noticed now; said once per silence.

        Never where data come faster than they happened: the host's clock says nothing about such a stream.
        """
        if not self.live or self.last_host_ns is None or self.silent_since_us is not None:
            return False
        if now_ns - self.last_host_ns < limit_ns:
            return False
        self.silent_since_us = self.last_us
        return True

    def close(self, now_ns: int) -> None:
        """The take has ended: a silence that still goes on is a gap until now, in the stream's own time."""
        if self.last_us is not None and self.last_host_ns is not None:
            self._end_silence(self.last_us + max(0, now_ns - self.last_host_ns) // 1000)

    def _end_silence(self, first_us: int) -> None:
        if self.silent_since_us is not None:
            self.gaps.append(Gap(stream=self.stream, start_us=self.silent_since_us, end_us=first_us, kind="stall"))
            self.silent_since_us = None

    def _note_jump(self, first_us: int, host_ns: int) -> None:
        if self.last_us is None or self.last_host_ns is None or not self.live or self.info.clock != "device":
            return
        ahead = (first_us - self.last_us) - (host_ns - self.last_host_ns) // 1000
        if ahead > FORWARD_JUMP_US:
            self.gaps.append(Gap(stream=self.stream, start_us=self.last_us, end_us=first_us, kind="forward_jump"))

    def record(self, written: int, dropped: int, event_minus_host_us: int | None) -> StreamRecord:
        """The stream's entry in the manifest."""
        return StreamRecord(
            received=self.received,
            written=written,
            dropped=dropped,
            first_us=self.first_us,
            last_us=self.last_us,
            resolution=self.info.resolution,
            device=self.device,
            clock=self.info.clock,
            event_minus_host_us=event_minus_host_us if self.info.clock == "host" else None,
            clock_fit=self.clock.fit() if self.live or self.virtual_host else None,  # else arrivals say nothing of a clock
            virtual_host=self.virtual_host,
        )
