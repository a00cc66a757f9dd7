"""What views may know of a session: its plan and its cameras as they are now. Read only; decides nothing. No Qt."""

from pathlib import Path

from app.pages.record.cameras import Cameras, RigState
from app.pages.record.decisions import Decisions
from app.pages.record.sessionplan import SessionPlan
from app.pages.record.takeflow import TakeFlow
from protocol.analysis import Verdict
from protocol.script import Script
from protocol.session import Cell, Grid, Place, Progress, Session
from recorder.messages import Armed, RigSpec, Status


class SessionFacts:
    """The facts of one session, as its plan, its cameras, its take and its decisions tell them."""

    takes: TakeFlow
    _decisions: Decisions

    def __init__(self, plan: SessionPlan, cameras: Cameras) -> None:
        self._plan, self._cameras = plan, cameras

    @property
    def data(self) -> Path | None:
        """The data set."""
        return self._plan.data

    @property
    def session(self) -> Session | None:
        """The session, None before it begins."""
        return self._plan.session

    @property
    def script(self) -> Script | None:
        """The session's script."""
        return self._plan.script

    @property
    def grid(self) -> Grid | None:
        """The plan and what has become of it, None until the folder was read."""
        return self._plan.grid

    @property
    def chosen(self) -> Place | None:
        """The place that is recorded next."""
        return self._plan.chosen

    @property
    def cell(self) -> Cell | None:
        """The chosen cell."""
        return self._plan.cell

    @property
    def progress(self) -> Progress | None:
        """How far the session is."""
        return self._plan.progress

    @property
    def last_take(self) -> Path | None:
        """The take that was made last and kept, as it is called now; None before the first one."""
        return self._plan.last_take

    @property
    def saving(self) -> frozenset[Place]:
        """Places of which something is still being written."""
        return self._plan.saving

    @property
    def rig(self) -> RigSpec | None:
        """The cameras that are wanted, or open."""
        return self._cameras.rig

    @property
    def armed(self) -> Armed | None:
        """The cameras that are open, None where none is."""
        return self._cameras.armed

    @property
    def opening(self) -> bool:
        """Whether cameras are being opened."""
        return self._cameras.opening

    @property
    def status(self) -> Status | None:
        """What the capture process told last."""
        return self._cameras.status

    @property
    def runtime(self) -> Path | None:
        """The folder of the capture process's rings, None where none runs."""
        return self._cameras.runtime

    @property
    def rig_state(self) -> RigState:
        """What the rig check found last."""
        return self._cameras.check

    @property
    def must_confirm(self) -> bool:
        """Whether the rig check is red and nobody has said that this is known."""
        return self._cameras.must_confirm

    @property
    def verdict(self) -> Verdict:
        """On the take that was just made."""
        return self.takes.verdict

    @property
    def undone(self) -> int:
        """How many decisions about takes could not be written."""
        return self._decisions.undone
