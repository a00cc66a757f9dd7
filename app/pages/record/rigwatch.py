"""Looks at the rig about once a second in a thread of its own, and says what it found. No Qt.

Told what the window knows by `tell`; asked for the newest findings by `found`. Never looks while a take runs.
"""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from protocol.errors import GlimpseError
from protocol.script import Script
from protocol.streams import Stream
from recorder.messages import Armed, StreamStatus
from recorder.rigprofile import RigProfile, deviations, load_profile, profile_hash, profile_of, save_profile

if TYPE_CHECKING:
    from recorder.rigcheck.findings import Check

PERIOD_S = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RigNow:
    """What the window knows of the rig. runtime: folder of the rings, None while nothing is to be looked at."""

    runtime: Path | None = None
    data: Path | None = None
    armed: Armed | None = None
    streams: Mapping[str, StreamStatus] = field(default_factory=dict)
    takes_free: int | None = None
    script: Script | None = None


@dataclass(frozen=True)
class RigFound:
    """What a look found. record: as a manifest keeps it; profile: hash of the data set's, None without one;
    number: counts the looks; problem: why nothing could be said.
    """

    checks: "tuple[Check, ...]" = ()
    level: str = "unknown"
    record: Mapping[str, Any] | None = None
    profile: str | None = None
    number: int = 0
    problem: str | None = None


class RigWatch:
    """The thread. A context manager."""

    def __init__(self, period_s: float = PERIOD_S) -> None:
        self._period_s = period_s
        self._now = RigNow()
        self._found = RigFound()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stop = False
        self._thread = threading.Thread(target=self._run, name="rig-watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def tell(self, now: RigNow) -> None:
        """What the window knows now."""
        with self._lock:
            changed = now.armed is not self._now.armed
            self._now = now
        if changed:
            self._wake.set()

    @property
    def found(self) -> RigFound:
        """What the last look found."""
        return self._found

    def close(self) -> None:
        """Stop looking."""
        self._stop = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        from recorder.rigcheck.checker import RigChecker  # OpenCV and compiled code, which the window need not wait for

        checker, armed = RigChecker(), None
        while not self._stop:
            with self._lock:
                now = self._now
            if now.armed is not armed:
                checker, armed = RigChecker(), now.armed
            self._found = self._looked(checker, now)
            self._wake.wait(self._period_s)
            self._wake.clear()

    def _looked(self, checker: Any, now: RigNow) -> RigFound:
        if now.runtime is None or now.armed is None:
            return RigFound(number=self._found.number + 1)
        try:
            return self._look(checker, now.runtime, now.armed, now)
        except (GlimpseError, OSError) as error:
            return RigFound(number=self._found.number + 1, problem=str(error))
        except Exception as error:  # noqa: BLE001  (a defect here must not end the looking, nor the window)
            _log.exception("the rig check failed")
            return RigFound(number=self._found.number + 1, problem=f"The rig check failed ({error}).")

    def _look(self, checker: Any, runtime: Path, armed: Armed, now: RigNow) -> RigFound:
        from recorder.rigcheck.findings import summary, to_manifest
        from recorder.rigcheck.views import take_view

        profile = load_profile(now.data) if now.data is not None else None
        differences = differences_of(profile, armed, now.script)
        told: dict[str, Any] = {
            "streams": now.streams,
            "armed": armed,
            "takes_free": now.takes_free,
            "deviations": differences,
            "resolution": _event_resolution(armed),
        }
        if now.script is not None:
            told["distance_mm"] = tuple(float(one) for one in now.script.distance_mm)
        if profile is not None:
            told |= _of_profile(profile)
        checks = checker.look(take_view(runtime, time.monotonic_ns(), **told))
        record = to_manifest(checks, confirmed=False, lenses=told.get("lenses"))
        level = summary(checks)
        return RigFound(
            checks,
            str(getattr(level, "value", level)),
            record,
            profile_hash(profile) if profile is not None else None,
            self._found.number + 1,
        )


def differences_of(profile: RigProfile | None, armed: Armed, script: Script | None) -> tuple[str, ...] | None:
    """How the rig differs from its profile, a sentence each; None without a profile."""
    if profile is None:
        return None
    return tuple(deviations(profile, armed.devices, armed.streams, script))


def _of_profile(profile: RigProfile) -> dict[str, Any]:
    masked: Sequence[tuple[int, int]] = profile.hot_pixels.pixels if profile.hot_pixels else ()
    return {"masked": masked, "lenses": {Stream(name): lens for name, lens in profile.lenses.items()}}


def _event_resolution(armed: Armed) -> tuple[int, int] | None:
    events = armed.streams.get("events")
    return events.resolution if events is not None else None


def store_profile(data: Path, armed: Armed, script: Script | None) -> RigProfile:
    """Make the rig as it is now the data set's profile; what was calibrated stays. Raises RigProfileError."""
    cameras = {"camera": armed.rig.camera, "rgb": armed.rig.rgb, "thermal": armed.rig.thermal}
    profile = profile_of(cameras, armed.devices, armed.streams, script, load_profile(data))
    save_profile(data, profile)
    return profile


def amend_profile(data: Path, armed: Armed, script: Script | None, **changes: Any) -> RigProfile:
    """Set these fields of the data set's profile, such as lenses; the rig as it is now becomes the profile only where there is
    none, so that no deviation is lost by a calibration. Raises RigProfileError.
    """
    profile = (load_profile(data) or store_profile(data, armed, script)).model_copy(update=changes)
    save_profile(data, profile)
    return profile
