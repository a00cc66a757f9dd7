"""What can go wrong with a simulated camera, on demand: `fault=KIND@SECONDS[+DURATION]`.

Wraps any camera that gives events. Knows no world, no process and no take. SECONDS count from the first record.

stall      nothing of any stream comes, for ever or for DURATION
unplug     the rig ends for ever
burst      12 Mev/s more events, all over the sensor, for DURATION (1 s)
jump       the event camera's clock jumps DURATION (2 s) forward
back       the event camera's clock jumps DURATION (1 s) back
half_open  the event camera gives no events, pictures and triggers any more, for ever or for DURATION, while its IMU goes on:
           a half-open USB connection. With SECONDS 0 it opens well and never gives an event.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from protocol.streams import EVENT_DTYPE, VIDEO_STREAMS, Array, Packet, Records, Stream
from recorder.sources.base import (
    Camera,
    CameraEnded,
    CameraError,
    CameraInfo,
    EndReason,
    Prompt,
    Surroundings,
    Tunable,
    Tuned,
)
from recorder.sources.davis_biases import BiasPreset, CoarseFine

FOR_EVER_S = 1e6
DURATIONS_S = {"stall": FOR_EVER_S, "unplug": FOR_EVER_S, "burst": 1.0, "jump": 2.0, "back": 1.0, "half_open": FOR_EVER_S}
BURST_HZ = 12e6  # what a DAVIS346 delivers at most (iniVation, DAVIS346 specifications)
LONGEST_US = 100_000  # of a burst in one batch: 19 MB
HALF_OPEN = (Stream.EVENTS, Stream.FRAMES, Stream.TRIGGERS)
UNPLUGGED = "The simulated camera was unplugged."


@dataclasses.dataclass(frozen=True)
class Fault:
    """Something that goes wrong `at_us` after the start, for `for_us`; for jump and back the size of the jump."""

    kind: str
    at_us: int
    for_us: int

    @classmethod
    def parse(cls, text: str) -> "Fault":
        """Read `stall@3+1.5`. Raises CameraError."""
        match = re.fullmatch(r"(\w+)@(\d{1,6}(?:\.\d+)?)(?:\+(\d{1,6}(?:\.\d+)?))?", text)
        if not match or match[1] not in DURATIONS_S:
            kinds = "|".join(DURATIONS_S)
            raise CameraError(f"fault={text}: not a fault of the simulator; write {kinds}@SECONDS, such as stall@3+1.5.")
        seconds = float(match[3]) if match[3] else DURATIONS_S[match[1]]
        return cls(match[1], round(float(match[2]) * 1e6), round(seconds * 1e6))

    @property
    def shift_us(self) -> int:
        """How far the event camera's clock is off from its beginning on."""
        return {"jump": self.for_us, "back": -self.for_us}.get(self.kind, 0)

    def __str__(self) -> str:
        """The text that `parse` reads."""
        is_usual = self.for_us == round(DURATIONS_S[self.kind] * 1e6)
        return f"{self.kind}@{self.at_us / 1e6:.10g}" + ("" if is_usual else f"+{self.for_us / 1e6:.10g}")


class Unplugged(CameraEnded):
    """The fault `unplug`; a rig in a process of its own ends that process."""

    def __init__(self) -> None:
        super().__init__(EndReason.LOST, UNPLUGGED)


class FaultyCamera:
    """A camera with one fault. What is said below of time is the undisturbed clock's, unless it is called recorded."""

    def __init__(self, make: Callable[[Surroundings], Camera], surroundings: Surroundings, fault: Fault, seed: int) -> None:
        """make: the camera, given what it sees; seed: of the burst."""
        self._camera = make(dataclasses.replace(surroundings, prompt=self._prompt))
        self._around = surroundings
        self._fault = fault
        self._rng = np.random.default_rng(seed)
        self._size = (0, 0)
        self._truth_of_camera: Callable[[int | None, int | None], Mapping[str, Any] | None] | None = None
        self._first_us: int | None = None
        self._now_us = 0  # newest event or IMU sample
        self._begun_us: int | None = None
        self._events_us: int | None = None  # last event
        self._batches: list[tuple[int, int, int]] = []  # (first, last event time of a batch, events added; negative: lost)
        self._unplugged = False

    def open(self) -> CameraInfo:
        """Open the camera. Raises CameraError."""
        info = self._camera.open()
        self._size = next(one.resolution or (0, 0) for one in info.streams if one.stream is Stream.EVENTS)
        self._truth_of_camera = info.truth
        return dataclasses.replace(info, settings={**info.settings, "fault": str(self._fault)}, truth=self._truth)

    def read(self) -> Sequence[Packet]:
        """What the camera gave, and what its fault made of it. Raises Unplugged."""
        if self._unplugged:
            raise Unplugged
        return [changed for packet in self._camera.read() if (changed := self._changed(packet)) is not None]

    def tune(self, preset: BiasPreset, biases: Mapping[str, CoarseFine]) -> Tuned:
        """As the camera does. Raises CameraError."""
        if not isinstance(self._camera, Tunable):
            raise CameraError("The camera has no biases that can be set; leave them.")
        tuned = self._camera.tune(preset, biases)
        return dataclasses.replace(tuned, settings={**tuned.settings, "fault": str(self._fault)})

    def close(self) -> None:
        """Close the camera."""
        self._camera.close()

    def _changed(self, packet: Packet) -> Packet | None:
        self._look_at_time(packet)
        fault, since_us = self._fault, self._now_us - (self._first_us or 0) - self._fault.at_us
        changed: Packet | None = packet
        if since_us >= 0 and self._first_us is not None:
            self._begun_us = self._now_us if self._begun_us is None else self._begun_us
            changed = self._shifted(packet) if fault.shift_us else self._troubled(packet) if since_us < fault.for_us else packet
        if packet.stream is Stream.EVENTS and isinstance(packet, Records):
            self._events_us = int(packet.records["t"][-1])
        return changed

    def _look_at_time(self, packet: Packet) -> None:
        if isinstance(packet, Records) and packet.stream in (Stream.EVENTS, Stream.IMU):
            if self._first_us is None:
                self._first_us = int(packet.records["t"][0])
            self._now_us = max(self._now_us, int(packet.records["t"][-1]))

    def _troubled(self, packet: Packet) -> Packet | None:
        kind = self._fault.kind
        if kind == "burst":
            is_burst = isinstance(packet, Records) and packet.stream is Stream.EVENTS
            return self._burst(packet) if is_burst and isinstance(packet, Records) else packet
        self._unplugged |= kind == "unplug"
        if kind == "half_open" and packet.stream not in HALF_OPEN:
            return packet
        if packet.stream is Stream.EVENTS and isinstance(packet, Records):
            self._note(packet.records, -len(packet.records))
        return None

    def _note(self, events: Array, change: int) -> None:
        self._batches.append((int(events["t"][0]), int(events["t"][-1]), change))

    def _shifted(self, packet: Packet) -> Packet:
        """With the event camera's wrong clock; the frame cameras have clocks of their own."""
        shift_us = self._fault.shift_us
        if isinstance(packet, Records):
            records = packet.records.copy()
            records["t"] += shift_us
            return dataclasses.replace(packet, records=records)
        if packet.stream in VIDEO_STREAMS or packet.stream_us is None:
            return packet
        return dataclasses.replace(packet, stream_us=packet.stream_us + shift_us)

    def _burst(self, packet: Records) -> Packet:
        """The batch with uniformly random events between the last one before it and its own last."""
        end_us = int(packet.records["t"][-1])
        begin_us = int(packet.records["t"][0]) if self._events_us is None else self._events_us
        begin_us = max(begin_us, end_us - LONGEST_US)
        extra = self._random_events(begin_us, end_us)
        events = np.concatenate([packet.records, extra])
        events = events[np.argsort(events["t"], kind="stable")]
        self._note(events, len(extra))
        return dataclasses.replace(packet, records=events)

    def _random_events(self, begin_us: int, end_us: int) -> Array:
        width, height = self._size
        events = np.empty(self._rng.poisson(BURST_HZ * (end_us - begin_us) * 1e-6), EVENT_DTYPE)
        events["t"] = np.sort(self._rng.integers(begin_us, end_us, len(events), endpoint=True))
        where = self._rng.integers(0, 2 * width * height, len(events), dtype=np.int32)
        events["p"] = where & 1
        events["y"], events["x"] = np.divmod(where >> 1, width)
        return events

    def _prompt(self) -> Prompt | None:
        """The prompt as the undisturbed clock has it: the subject's does not jump."""
        prompt = self._around.prompt()
        if prompt is None or self._begun_us is None or not self._fault.shift_us:
            return prompt
        return dataclasses.replace(prompt, at_us=self._undisturbed(prompt.at_us))

    def _undisturbed(self, recorded_us: int) -> int:
        # After a jump back one recorded time has two meanings; a take holds only the one before it.
        shift_us = max(self._fault.shift_us, 0)
        is_after = self._begun_us is not None and recorded_us >= self._begun_us + shift_us
        return recorded_us - shift_us if is_after else recorded_us

    def _truth(self, first_us: int | None, last_us: int | None) -> Mapping[str, Any] | None:
        """The camera's truth, and once it has begun the fault: its times are those of the undisturbed clock.

        first_us, last_us: recorded event times. fault: kind; at_us: when it began; by_us: how far recorded times of the event
        camera are off from then on; added, lost: events that it brought and swallowed between the two times.
        """
        span = tuple(None if at is None else self._undisturbed(at) for at in (first_us, last_us))
        truth = self._truth_of_camera(*span) if self._truth_of_camera else None
        if self._begun_us is None:
            return truth
        first, last = (default if at is None else at for at, default in zip(span, (0, self._now_us), strict=True))
        changes = [change for begin, end, change in self._batches if begin >= first and end <= last]
        counts = {"added": sum(max(one, 0) for one in changes), "lost": -sum(min(one, 0) for one in changes)}
        fault = {"kind": self._fault.kind, "at_us": self._begun_us, "by_us": self._fault.shift_us, **counts}
        return {**(truth or {}), "fault": fault}
