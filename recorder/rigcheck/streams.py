"""Whether the cameras give what they should: alive, fast enough, nothing lost; and cable, disk and profile. Pure functions."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace

from protocol.analysis import Verdict
from protocol.manifest import Device
from protocol.streams import FRAME_STREAMS, Stream
from recorder.measures.thresholds import Reading
from recorder.messages import Armed, StreamStatus
from recorder.rigcheck import limits
from recorder.rigcheck.findings import Check, check_of, unknown
from recorder.rigcheck.views import RigView

FIRST_NS = 5_000_000_000  # a camera may take this long to give its first data (settings, first_data_s)
LOSSES_NS = 30_000_000_000  # losses are told for so long
NAMES: Mapping[str, str] = {
    Stream.EVENTS: "event camera",
    Stream.FRAMES: "event camera's picture stream",
    Stream.IMU: "event camera's motion sensor",
    Stream.RGB: "colour camera",
    Stream.THERMAL: "thermal camera",
}
ADVICE = {
    False: "use another USB port, give more light, or close other programs",
    True: "this computer is too slow to simulate them all, so close other programs",
}
_SHORT = {Stream.FRAMES: "grey", Stream.RGB: "colour", Stream.THERMAL: "thermal"}


def cameras_alive(view: RigView) -> Check:
    """Every stream gives data, and pictures as fast as the camera was set. value: the slowest, in per cent of that.

    Details: `streams`, of each its `rate`, what is asked for (`fps`, None where unknown), and whether it is `silent`.
    """
    if view.armed is None:
        return Check("cameras_alive", Verdict.REDO, unit="%", sentence="No cameras are open; choose them and open them.")
    told = {name: _told(view, view.armed, name) for name in view.armed.streams if name != Stream.TRIGGERS}
    if silent := _silent(told):
        cameras = " and the ".join(silent)
        text = f"The {cameras} gives nothing; check cable and lens cap."
        if len(silent) > 1:
            text = f"The {cameras} give nothing; check cable and lens cap."
        return Check("cameras_alive", Verdict.REDO, 0.0, "%", text, {"streams": told})
    shares = {name: share for name, one in told.items() if (share := _share(name, one)) is not None}
    slowest = min(shares, key=shares.__getitem__, default=None)
    is_simulated = all(device.simulated for device in view.armed.devices)
    details = {"rates": _rates(told), "slowest": NAMES.get(slowest or "", ""), "streams": told, "advice": ADVICE[is_simulated]}
    # A computer that is too slow for the simulated rig loses nothing that anybody needs: nobody is to confirm that.
    limit = replace(limits.RATE, redo=None) if is_simulated else limits.RATE
    return check_of(limit, Reading(100.0 if slowest is None else shares[slowest], details))


def _silent(told: Mapping[str, Mapping[str, float | bool | None]]) -> list[str]:
    """Who gives nothing; of an event camera that gives no events its other streams are not told, too."""
    silent = [name for name, one in told.items() if one["silent"]]
    return [NAMES[name] for name in silent if Stream.EVENTS not in silent or name not in (Stream.FRAMES, Stream.IMU)]


def _told(view: RigView, armed: Armed, name: str) -> dict[str, float | bool | None]:
    status = view.streams.get(name)
    waited = view.now_ns - armed.started_ns > FIRST_NS
    # Half a second is a gap, and told as such; a camera that is gone gives nothing for a second, too.
    silent = waited if status is None or not status.received else status.silent and not status.rate
    return {"rate": status.rate if status else 0.0, "fps": armed.streams[name].fps, "silent": silent}


def _share(name: str, told: Mapping[str, float | bool | None]) -> float | None:
    # Of samples of a motion sensor nobody minds a few; and what has not begun is not slow yet.
    if name not in FRAME_STREAMS or not told["fps"] or not told["rate"]:
        return None
    return min(100.0, 100.0 * float(told["rate"]) / float(told["fps"]))


def _rates(told: Mapping[str, Mapping[str, float | bool | None]]) -> str:
    events = told.get(Stream.EVENTS)
    parts = [f"{events['rate'] or 0:,.0f} events/s"] if events else []
    parts += [f"{told[name]['rate'] or 0:.0f} {_SHORT[name]}" for name in FRAME_STREAMS if name in told]
    return ", ".join(parts) + (" pictures/s" if len(parts) > 1 else "")


@dataclass(frozen=True)
class _Counted:
    """Gaps and drops of each stream since the cameras were opened, as they stood at a time."""

    at_ns: int
    gaps: Mapping[str, int]
    dropped: Mapping[str, int]


class LossMemory:
    """Remembers the counts of lost data, so that only what was lost of late is told."""

    def __init__(self) -> None:
        self._counted: deque[_Counted] = deque()
        self._started_ns: int | None = None

    def look(self, view: RigView) -> Check:
        """What was lost in the last half minute. Details: `gaps` and `dropped` by stream, and all since the cameras opened."""
        if view.armed is None:
            return unknown("losses", "No cameras are open.", limits.LOST.unit)
        if view.armed.started_ns != self._started_ns:
            self._started_ns = view.armed.started_ns
            self._counted = deque([_Counted(self._started_ns, {}, {})])
        now = _counted(view.now_ns, view.streams)
        self._counted.append(now)
        while len(self._counted) > 2 and self._counted[1].at_ns <= view.now_ns - LOSSES_NS:
            self._counted.popleft()
        return _losses(self._counted[0], now)


def _counted(now_ns: int, streams: Mapping[str, StreamStatus]) -> _Counted:
    gaps = {name: one.gaps for name, one in streams.items()}
    return _Counted(now_ns, gaps, {name: one.dropped for name, one in streams.items()})


def _losses(before: _Counted, now: _Counted) -> Check:
    gaps, dropped = _since(before.gaps, now.gaps), _since(before.dropped, now.dropped)
    seconds = min(max(1.0, (now.at_ns - before.at_ns) / 1e9), LOSSES_NS / 1e9)
    all_lost = {"all_gaps": dict(now.gaps), "all_dropped": dict(now.dropped)}
    details = {"seconds": seconds, "gaps": gaps, "dropped": dropped, **all_lost}
    lost = check_of(
        limits.LOST, Reading(sum(gaps.values()) + sum(dropped.values()), {**details, "where": _named(gaps, dropped)})
    )
    queue = check_of(limits.DROPPED, Reading(sum(dropped.values()), {**details, "where": _named(dropped)}))
    return queue if queue.level is Verdict.REDO else lost


def _since(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    return {name: count - before.get(name, 0) for name, count in now.items() if count > before.get(name, 0)}


def _named(*lost: Mapping[str, int]) -> str:
    return ", ".join(dict.fromkeys(NAMES.get(name, name) for one in lost for name in one))


def usb_speed(view: RigView) -> Check:
    """How fast the event camera is connected. Details: `speed`, as the driver names it."""
    device = _event_device(view.armed)
    if device is None:
        return unknown("usb_speed", "No event camera is open.")
    if device.simulated:
        return Check("usb_speed", Verdict.GOOD, sentence="The events are simulated: there is no cable.")
    speed = str(device.settings.get("usb_speed") or "").removeprefix("LIBUSB_SPEED_")
    if not speed or speed == "UNKNOWN":
        return unknown("usb_speed", f"{device.name} does not tell how it is connected.")
    return Check("usb_speed", _speed_level(speed), sentence=_speed_sentence(speed), details={"speed": speed})


def _event_device(armed: Armed | None) -> Device | None:
    stream = armed.streams.get(Stream.EVENTS) if armed else None
    return armed.devices[stream.device] if armed and stream and stream.device < len(armed.devices) else None


def _speed_level(speed: str) -> Verdict:
    # 480 Mbit/s (HIGH) carry a still face and its pictures, not the paper's edge beside them; 12 Mbit/s (FULL) carry nothing.
    if "SUPER" in speed:
        return Verdict.GOOD
    return Verdict.CHECK if speed == "HIGH" else Verdict.REDO


def _speed_sentence(speed: str) -> str:
    words = speed.replace("_", " ").lower()
    if "SUPER" in speed:
        return f"The event camera is connected at {words} speed."
    return f"The event camera is connected at {words} speed and may lose events; use a USB 3 port and cable, without a hub."


def disk(view: RigView) -> Check:
    """How many takes the disk has room for."""
    limit = replace(limits.DISK, redo=view.least_takes - 1)
    takes = None if view.takes_free is None else float(view.takes_free)
    return check_of(limit, Reading(takes, unknown="The disk has not said yet how much room it has; wait, or check the folder."))


def profile(view: RigView) -> Check:
    """Whether the rig is as its profile says. Details: `deviations`, sentences."""
    if view.deviations is None:
        return unknown("profile", "The data set has no profile of the rig yet; store one when all is set.", limits.PROFILE.unit)
    named = " ".join(view.deviations)
    return check_of(limits.PROFILE, Reading(len(view.deviations), {"deviations": list(view.deviations), "named": named}))
