"""The cameras of a session: open, being opened or lost, what the rig check found, what the operator knows of it. No Qt.

Speaks to the capture process; knows no plan and no take.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.capture import CaptureLink, Died, Heard, Started
from app.pages.record.news import News
from recorder.messages import Arm, Armed, Disarm, RigSpec, State, Status
from recorder.settings import RecorderSettings


@dataclass(frozen=True)
class RigState:
    """What the rig check found last. level: good, check, redo or unknown; record: as the manifest keeps it."""

    level: str = "unknown"
    record: Mapping[str, Any] | None = None
    profile: str | None = None

    @property
    def red(self) -> frozenset[str]:
        """Names of the checks that are red."""
        checks = self.record.get("checks", ()) if self.record else ()
        return frozenset(check["name"] for check in checks if check["level"] == "redo")


class Cameras:
    """rig: which ones; armed: what is open, None where nothing is; opening: it was asked for; runtime: folder of the rings."""

    def __init__(self, link: CaptureLink, settings: RecorderSettings, news: News) -> None:
        self.rig: RigSpec | None = None
        self.armed: Armed | None = None
        self.opening = False
        self.status: Status | None = None
        self.runtime: Path | None = None
        self.check = RigState()
        self._confirmed: frozenset[str] | None = None
        self.settings = settings
        self._link, self._news = link, news
        self._wanted = False
        self._idle = 0  # statuses in a row

    def open(self, rig: RigSpec, data: Path | None) -> None:
        """Open them, in a new capture process where the old one is gone."""
        self.rig, self.armed, self._confirmed, self.opening, self._wanted = rig, None, None, True, True
        self._link.start()
        self._link.send(Arm(rig=rig, data=str(data), settings=self.settings))

    def close(self) -> None:
        """They are not needed any more."""
        self._link.send(Disarm())
        self.armed, self.opening, self._wanted = None, False, False

    # The rig check

    @property
    def must_confirm(self) -> bool:
        """Whether the rig check is red and nobody has said that this is known."""
        return self.check.level == "redo" and not self.confirmed

    @property
    def confirmed(self) -> bool:
        """Whether all that is red now is known; what flickers need not be confirmed each time."""
        return self._confirmed is not None and self.check.red <= self._confirmed

    def confirm(self) -> None:
        """What is red now is known."""
        self._confirmed = self.check.red

    @property
    def check_record(self) -> Mapping[str, Any] | None:
        """The rig check for a take's manifest."""
        return {**self.check.record, "confirmed": self.confirmed} if self.check.record else None

    # What is heard

    def hear(self, heard: Heard, *, take_runs: bool) -> None:
        """Take note of a report."""
        if isinstance(heard, Status):
            self._status(heard, take_runs)
        elif isinstance(heard, Armed):
            self.armed, self.rig, self.opening, self._idle = heard, heard.rig, False, 0
        elif isinstance(heard, Started):
            self.runtime = heard.runtime
        elif isinstance(heard, Died):
            self.armed = self.runtime = None
            self.opening = False

    def _status(self, status: Status, take_runs: bool) -> None:
        self.status = status
        self._idle = self._idle + 1 if status.state in (State.IDLE, State.FAILED) else 0
        # The first one after `Armed` may be older than that: the state is set after the cameras were told of.
        if self._idle > 1 and self.armed is not None and not take_runs:
            self.armed = None
            if status.reason:
                self._news.tell(status.reason, "redo", key="cameras", remedy="rearm")

    def refused(self, text: str) -> None:
        """Something was refused: to open them, or what was asked of open ones."""
        if self.armed is None and self._wanted:
            self.opening = False
            self._news.tell(text, "redo", key="cameras", remedy="rearm")
        else:
            self._news.tell(text, "check")
