"""A subject's session on the Record page: which stage it is in, what may be done now, what comes next. No Qt.

Puts the plan (protocol.session), the running take (takeflow), the rig and the operator's decisions together. What is on disk is
the truth: after every decision the plan is read from the folder again.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from app.capture import CaptureLink, Died, Started
from app.i18n import tr
from app.pages.record.practice import PracticeFolder
from app.pages.record.takeflow import TakeFlow, TakeStage, Verdicts, notices
from protocol.analysis import Verdict
from protocol.errors import GlimpseError
from protocol.manifest import Person
from protocol.script import Script
from protocol.session import Cell, Grid, Place, Progress, Session, SessionError, add, next_cell, progress_of, skip, unskip
from recorder.messages import Arm, Armed, Command, Disarm, Record, Refused, RigSpec, State, Status, TakeRequest
from recorder.sessionstore import SubjectFolder, save_session
from recorder.settings import RecorderSettings
from recorder.takeactions import Decided, have_redone, keep_as_noise, undo

HANDS_FREE_S = {Verdict.GOOD: 3.0, Verdict.CHECK: 6.0, Verdict.REDO: 6.0, Verdict.UNKNOWN: 6.0}  # to read the verdict
HANDS_FREE_START_S = 5.0  # to sit still and take up the paper

MOST_NOTICES = 4  # of a take are shown; the manifest has them all

_log = logging.getLogger(__name__)


class Stage(StrEnum):
    """Where the session is."""

    SETUP = "setup"
    RIG = "rig"
    READY = "ready"
    TAKE = "take"
    VERDICT = "verdict"
    FINISHED = "finished"


@dataclass(frozen=True)
class Said:
    """Something that the operator must be told. key: of a banner that stays, "" for one that goes; remedy: name of what its
    button does (`restart`, `rearm`), "" without one.
    """

    text: str
    state: str = "unknown"
    key: str = ""
    remedy: str = ""


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


class SessionFlow:
    """One session at a time. Call `poll` on a timer; it returns what must be told."""

    def __init__(
        self,
        link: CaptureLink,
        judge: Verdicts,
        *,
        settings: RecorderSettings | None = None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stage = Stage.SETUP
        self.session: Session | None = None
        self.script: Script | None = None
        self.data: Path | None = None
        self.grid: Grid | None = None
        self.chosen: Place | None = None
        self.practice = False
        self.keep_practice = False
        self.hands_free = False
        self._confirmed: frozenset[str] | None = None
        self.rig_state = RigState()
        self.notices: tuple[str, ...] = ()
        self.rig: RigSpec | None = None
        self.armed: Armed | None = None
        self.opening = False
        self.status: Status | None = None
        self.runtime: Path | None = None
        self.link = link
        self._settings = settings or RecorderSettings()
        self._clock_s = clock_s
        self._said: list[Said] = []
        self.takes = TakeFlow(link.send, judge, self._not_begun)
        self._folder: SubjectFolder | None = None
        self._after: list[tuple[Path, Callable[[Path], object]]] = []  # done once the judge is through with the take
        self._decided: list[tuple[Decided, Place | None]] = []  # of this session, the newest last
        self._practice_folder = PracticeFolder()
        self._deadline_s: float | None = None
        self._held = False  # the operator keeps what would come by itself from coming, until the next step
        self._idle = 0  # statuses in a row
        self._version = 0

    @property
    def version(self) -> int:
        """Grows with every change that a view may have to show."""
        return self._version

    def _touch(self) -> None:
        self._version += 1

    # Before the first take

    def begin(self, data: Path, session: Session, rig: RigSpec) -> None:
        """Open a session and its cameras. Raises SessionError where its script cannot be used."""
        self.script = session.read_script()
        folder = SubjectFolder(data, session.subject)
        self.grid = folder.grid(session)
        self.data, self.session, self._folder, self.rig = data, session, folder, rig
        self.chosen, self.practice, self._confirmed = None, False, None
        self._go(Stage.RIG)
        self.choose_next()
        self.arm()

    def arm(self) -> None:
        """Open the cameras, in a new capture process where the old one is gone."""
        if self.rig is None:
            return
        self.armed, self._confirmed, self.opening = None, None, True
        self.link.start()
        self.link.send(Arm(rig=self.rig, data=str(self.data), settings=self._settings))
        self._touch()

    def open_again(self) -> None:
        """Open cameras that were lost, unless they are being opened."""
        if self.armed is None and not self.opening and not self.takes.busy:
            self.arm()

    def change_rig(self, rig: RigSpec) -> None:
        """Use other cameras from now on."""
        self.rig = rig
        if not self.takes.busy:
            self.arm()

    def send(self, command: Command) -> None:
        """A command of the rig check, such as other biases."""
        self.link.send(command)

    def saw_rig(self, state: RigState) -> None:
        """The rig check has looked again."""
        if state != self.rig_state:
            self.rig_state = state
            self._touch()

    @property
    def must_confirm(self) -> bool:
        """Whether the rig check is red and nobody has said that this is known."""
        return self.rig_state.level == "redo" and not self.confirmed

    @property
    def confirmed(self) -> bool:
        """Whether all that is red now is known; what flickers need not be confirmed each time."""
        return self._confirmed is not None and self.rig_state.red <= self._confirmed

    def confirm(self) -> None:
        """Go on though the rig check is red; the manifests say so."""
        self._confirmed = self.rig_state.red
        self._touch()

    def to_plan(self) -> bool:
        """From the rig check to the plan; False where it is red and not confirmed."""
        if self.armed is None or self.must_confirm or self.takes.stage is not TakeStage.IDLE:
            return False
        self._go(Stage.READY)
        return True

    def to_rig(self) -> bool:
        """Back to the rig check; False while a take is under way."""
        if self.takes.stage is not TakeStage.IDLE or self.session is None:
            return False
        self._go(Stage.RIG)
        return True

    # The plan

    def choose(self, place: Place) -> None:
        """Record this place next, whatever the order."""
        self.chosen = place
        self._hold()
        self._touch()

    def choose_next(self) -> None:
        """The place that the plan has next; none when all is done."""
        found = next_cell(self.grid, self.chosen, noise_too=True) if self.grid else None
        self.chosen = found.place if found else None
        self._touch()

    @property
    def cell(self) -> Cell | None:
        """The chosen cell."""
        if self.grid is None or self.chosen is None:
            return None
        return next((cell for cell in self.grid.cells if cell.place == self.chosen), None)

    @property
    def progress(self) -> Progress | None:
        """How far the session is."""
        return progress_of(self.grid, self.script) if self.grid is not None and self.script is not None else None

    def skip(self) -> None:
        """Leave the chosen place out, or take it up again."""
        if self.session is None or self.grid is None or self.chosen is None:
            return
        place = self.chosen
        try:
            again = place in self.session.skipped
            self._changed(unskip(self.session, place) if again else skip(self.session, self.grid, place))
        except SessionError as error:
            self._say(str(error), "check")
            return
        if not again:
            self.choose_next()

    def add(self, movement: str) -> None:
        """One more take of a movement; it is chosen."""
        if self.session is None or self.grid is None:
            return
        try:
            session, place = add(self.session, self.grid, movement)
            self._changed(session)
        except SessionError as error:
            self._say(str(error), "check")
            return
        self.choose(place)

    def _changed(self, session: Session) -> None:
        if self.data is not None:
            save_session(self.data, session)
        self.session = session
        self.refresh()

    def refresh(self) -> None:
        """Read the plan from the folder."""
        if self._folder is not None and self.session is not None:
            try:
                self.grid = self._folder.grid(self.session)
            except (GlimpseError, OSError) as error:
                self._say(str(error), "check", key="folder")
            self._touch()

    # The take

    def start(self) -> bool:
        """Begin a take of the chosen place; whether it was asked for."""
        if self.stage is not Stage.READY or self.takes.stage is not TakeStage.IDLE or self.chosen is None:
            return False
        if self.armed is None:
            self.open_again()
            return False
        if self.must_confirm:
            self._say(tr("The rig check is red; look at it, or confirm that it is known."), "check", key="rig")
            return False
        record = self._record(self.chosen)
        if record is None:
            return False
        self._deadline_s = None
        self.notices = ()
        self.takes.start(record)
        self._go(Stage.TAKE)
        return True

    def _record(self, place: Place) -> Record | None:
        session, script, rig = self.session, self.script, self.armed.rig if self.armed else self.rig
        if session is None or script is None or rig is None or self.data is None:
            return None
        thrown_away = self.practice and not self.keep_practice
        try:
            data = self._practice_folder.make(self.data) if thrown_away else self.data
        except (GlimpseError, OSError) as error:
            self._say(str(error), "redo")
            return None
        state = {**self.rig_state.record, "confirmed": self.confirmed} if self.rig_state.record else None
        request = TakeRequest(
            data=str(data),
            movement=place.movement,
            subject=session.subject,
            script=script,
            language=session.language,
            order_seed=session.order_seed,
            person=Person(subject=session.subject, glasses=session.glasses, session=session.label, notes=session.notes),
            practice=self.practice,
            repetition=None if self.practice else place.repetition,
            rig_check=state,
            profile=self.rig_state.profile,
        )
        return Record(rig=rig, take=request, settings=self._settings)

    def abort(self) -> bool:
        """End the take early and keep what was recorded."""
        return self.takes.abort()

    # After the take

    def keep(self) -> None:
        """The take stays as it is; the plan goes on."""
        if self._decides():
            self._next()

    def noise(self) -> None:
        """The take stays, marked as noise in its name; the plan goes on."""
        if (path := self._decided_path()) is not None:
            self._later(path, self._remembered(keep_as_noise))
        if self._decides():
            self._next()

    def redo(self) -> None:
        """The take stays, marked as redone; the same place is recorded again."""
        if (path := self._decided_path()) is not None:
            self._later(path, self._remembered(have_redone))
        if self._decides():
            place = self.chosen
            self._next()
            if place is not None:
                self.choose(place)

    def _remembered(self, action: Callable[[Path], Decided]) -> Callable[[Path], object]:
        place = self.chosen

        def act(path: Path) -> None:
            self._decided.append((action(path), place))

        return act

    def undo(self) -> bool:
        """Take back the last decision that renamed or marked a take; whether there was one."""
        if not self._decided or self.takes.busy:
            return False
        decided, place = self._decided.pop()
        try:
            path = undo(decided)
        except (GlimpseError, OSError) as error:
            self._say(str(error), "check")
            return False
        self._say(tr("{take} is as it was before.").format(take=path.name), "good")
        self.refresh()
        if place is not None and self.stage is Stage.READY:
            self.choose_next()
        return True

    def _decides(self) -> bool:
        return self.stage is Stage.VERDICT and self.takes.stage is TakeStage.JUDGED

    def _decided_path(self) -> Path | None:
        take = self.takes.take
        return take.path if self._decides() and take is not None and not self._is_thrown_away(take.path) else None

    def _is_thrown_away(self, path: Path | None) -> bool:
        return path is not None and self._practice_folder.holds(path)

    def _next(self) -> None:
        take = self.takes.take
        if take is not None and self._is_thrown_away(take.path) and take.path is not None:
            self._later(take.path, lambda _: self._practice_folder.empty())
        was_practice = self.practice
        self.takes.settle()
        self.refresh()
        if not was_practice and not (self.cell is not None and self.cell.is_open):  # an aborted take is made again first
            self.choose_next()
        self._go(Stage.FINISHED if self.chosen is None and not was_practice else Stage.READY)

    def _later(self, path: Path, action: Callable[[Path], object]) -> None:
        """The take's files keep their names until the judge is through with them."""
        self._after.append((path, action))
        self._do_later()

    def _do_later(self) -> None:
        ready = [one for one in self._after if not self.takes.is_examined(one[0])]
        self._after = [one for one in self._after if one not in ready]
        for path, action in ready:
            try:
                action(path)
            except (GlimpseError, OSError) as error:
                self._say(str(error), "redo", key=f"later {path.name}")
        if ready:
            self.refresh()

    @property
    def settled(self) -> bool:
        """Whether nothing is under way: no take, no verdict, no decision that waits."""
        return not self.takes.busy and self.takes.stage is not TakeStage.JUDGING and not self._after

    def finish(self) -> bool:
        """End the session for now; it can be resumed. False while a take is under way."""
        if self.takes.stage is not TakeStage.IDLE:
            return False
        self._go(Stage.FINISHED)
        return True

    def resume(self) -> None:
        """From the end of the session back to its plan."""
        if self.session is not None and self.takes.stage is TakeStage.IDLE:
            if self.chosen is None:
                self.choose_next()
            self._go(Stage.READY if self.armed else Stage.RIG)

    def leave(self) -> bool:
        """Back to the questions before a session: for another subject. False while a take is under way."""
        if not self.settled:
            return False
        self.link.send(Disarm())
        self.session = self.script = self.grid = self.armed = None
        self.opening = False
        self._go(Stage.SETUP)
        return True

    # What is heard

    def poll(self) -> Sequence[Said]:
        """Take in what the capture process and the judge have to say; returns what the operator must be told."""
        for heard in self.link.heard():
            self._hear(heard)
        if self.takes.poll():
            self._touch()
        if self.takes.stage is TakeStage.JUDGED and self.stage is Stage.TAKE:
            self._judged()
        self._do_later()
        self._hands_free()
        said, self._said = self._said, []
        return said

    def _hear(self, heard: Any) -> None:
        starting = self.takes.stage is TakeStage.STARTING  # then a refusal is the take's, which tells of it itself
        self.takes.hear(heard)
        if isinstance(heard, Status):
            self._status(heard)
        elif isinstance(heard, Armed):
            self.armed, self.rig, self.opening, self._idle = heard, heard.rig, False, 0
        elif isinstance(heard, Started):
            self.runtime = heard.runtime
        elif isinstance(heard, Died):
            self._died(heard)
        elif isinstance(heard, Refused) and not starting:
            self._refused(heard.text)
        elif (text := notices(heard)) is not None:
            self._noticed(text)
        self._touch()

    def _status(self, status: Status) -> None:
        self.status = status
        self._idle = self._idle + 1 if status.state in (State.IDLE, State.FAILED) else 0
        # The first one after `Armed` may be older than that: the state is set after the cameras were told of.
        if self._idle > 1 and self.armed is not None and not self.takes.busy:
            self.armed = None
            if status.reason:
                self._say(status.reason, "redo", key="cameras", remedy="rearm")

    def _noticed(self, text: str) -> None:
        """During a take the panel shows it beside the counts: a message over the pictures would draw the eyes."""
        if self.takes.busy:
            self.notices = (*self.notices[-MOST_NOTICES + 1 :], text)
        else:
            self._say(text, "check")

    def _refused(self, text: str) -> None:
        if self.armed is None and self.session is not None:
            self.opening = False
            self._say(text, "redo", key="cameras", remedy="rearm")
        else:
            self._say(text, "check")

    def _died(self, died: Died) -> None:
        self.armed = self.runtime = None
        self.opening = False
        saved = died.saved.message if died.saved is not None else died.text
        self._say(saved, "redo", key="capture", remedy="restart")

    def _not_begun(self, text: str) -> None:
        self._say(text, "redo", key="take")
        if self.stage is Stage.TAKE:
            self._go(Stage.READY)

    def _judged(self) -> None:
        self.refresh()
        self._go(Stage.VERDICT)

    def _say(self, text: str, state: str = "unknown", key: str = "", remedy: str = "") -> None:
        _log.info("%s", text)
        self._said.append(Said(text, state, key, remedy))

    def _go(self, stage: Stage) -> None:
        self.stage = stage
        self._deadline_s, self._held = None, False
        self._touch()

    # Hands free: nobody presses a key, the next step comes by itself

    @property
    def seconds_left(self) -> float | None:
        """Until the next step comes by itself; None where nothing does."""
        return None if self._deadline_s is None else max(0.0, self._deadline_s - self._clock_s())

    def _hold(self) -> None:
        self._deadline_s = None

    def hold(self) -> None:
        """A key was pressed: let nothing come by itself until the next step."""
        if self._deadline_s is not None:
            self._held = True
            self._hold()
            self._touch()

    def _hands_free(self) -> None:
        if not self.hands_free or self.practice or self._held:
            self._deadline_s = None
            return
        if self._deadline_s is None:
            wait_s = self._wait_s()
            self._deadline_s = None if wait_s is None else self._clock_s() + wait_s
        elif self._clock_s() >= self._deadline_s:
            self._deadline_s = None
            self._go_on()

    def _wait_s(self) -> float | None:
        if self.stage is Stage.READY and self.chosen is not None and self.armed is not None and not self.must_confirm:
            return HANDS_FREE_START_S
        if self._decides():
            return HANDS_FREE_S[self.verdict]
        return None

    @property
    def verdict(self) -> Verdict:
        """On the take that was just made."""
        take = self.takes.take
        quality = take.judged.quality if take is not None and take.judged is not None else None
        return quality.verdict if quality is not None else Verdict.UNKNOWN

    def _go_on(self) -> None:
        if self.stage is Stage.READY:
            self.start()
        elif self.verdict is Verdict.REDO:
            self.redo()
        else:
            self.keep()

    def shut(self) -> None:
        """The window closes: the capture process finishes what is under way and leaves."""
        self.link.close()
        self._practice_folder.remove()
