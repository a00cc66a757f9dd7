"""A subject's session on the Record page: which stage it is in, what may be done now, what comes next. No Qt.

Puts the plan (sessionplan), the running take (takeflow), the rig and the operator's decisions together. What is on disk is the
truth: after every decision the plan is read from the folder again, by a thread, as everything is that touches a file.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from app.capture import CaptureLink, Died, Started
from app.i18n import tr
from app.pages.record.decisions import Decisions
from app.pages.record.jobs import JobLine
from app.pages.record.news import News
from app.pages.record.news import Said as Said
from app.pages.record.practice import PracticeFolder
from app.pages.record.sessionplan import SessionPlan
from app.pages.record.takeflow import TakeFlow, TakeStage, Verdicts, notices
from protocol.analysis import Verdict
from protocol.manifest import Person
from protocol.script import Script
from protocol.session import Cell, Grid, Place, Progress, Session
from recorder.messages import Arm, Armed, Command, Disarm, Record, Refused, RigSpec, State, Status, TakeDone, TakeRequest
from recorder.settings import RecorderSettings

HANDS_FREE_S = {Verdict.GOOD: 3.0, Verdict.CHECK: 6.0, Verdict.REDO: 6.0, Verdict.UNKNOWN: 6.0}  # to read the verdict
HANDS_FREE_START_S = 5.0  # to sit still and take up the paper

MOST_NOTICES = 4  # of a take are shown; the manifest has them all


class Stage(StrEnum):
    """Where the session is."""

    SETUP = "setup"
    RIG = "rig"
    READY = "ready"
    TAKE = "take"
    VERDICT = "verdict"
    FINISHED = "finished"


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
        self.practice = False
        self.keep_practice = False
        self.hands_free = False
        self._confirmed: frozenset[str] | None = None
        self.rig_state = RigState()
        self.notices: tuple[str, ...] = ()
        self.rig: RigSpec | None = None
        self.armed: Armed | None = None
        self.opening = False
        self.closing = False
        self.status: Status | None = None
        self.runtime: Path | None = None
        self.link = link
        self._settings = settings or RecorderSettings()
        self._clock_s = clock_s
        self._news = News()
        self._jobs = JobLine("session-files")
        self.plan = SessionPlan(self._jobs, self._news)
        self.takes = TakeFlow(link.send, judge, self._not_begun)
        self._decisions = Decisions(self._jobs, self.plan, self.takes.is_examined, self._news)
        self._practice_folder = PracticeFolder()
        self._practice_data: Path | None = None  # made ahead of the first take to practise
        self._preparing = False
        self._practice_gone = False
        self._deadline_s: float | None = None
        self._held = False  # the operator keeps what would come by itself from coming, until the next step
        self._idle = 0  # statuses in a row
        self._version = 0

    @property
    def version(self) -> int:
        """Grows with every change that a view may have to show."""
        return self._version + self.plan.version

    def _touch(self) -> None:
        self._version += 1

    @property
    def data(self) -> Path | None:
        """The data set."""
        return self.plan.data

    @property
    def session(self) -> Session | None:
        """The session, None before it begins."""
        return self.plan.session

    @property
    def script(self) -> Script | None:
        """The session's script."""
        return self.plan.script

    @property
    def grid(self) -> Grid | None:
        """The plan and what has become of it, None until the folder was read."""
        return self.plan.grid

    @property
    def chosen(self) -> Place | None:
        """The place that is recorded next."""
        return self.plan.chosen

    @property
    def cell(self) -> Cell | None:
        """The chosen cell."""
        return self.plan.cell

    @property
    def progress(self) -> Progress | None:
        """How far the session is."""
        return self.plan.progress

    @property
    def saving(self) -> frozenset[Place]:
        """Places of which something is still being written."""
        return self.plan.saving

    # Before the first take

    def begin(self, data: Path, session: Session, rig: RigSpec) -> None:
        """Open a session and its cameras. Raises SessionError where its script cannot be used."""
        self.plan.open(data, session)
        self._decisions.forget()
        self.rig, self.practice, self._confirmed = rig, False, None
        self._go(Stage.RIG)
        self.arm()

    def arm(self) -> None:
        """Open the cameras, in a new capture process where the old one is gone."""
        if self.rig is None or self.closing:
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
        """From the rig check to the plan; False where it is red and not confirmed, or the plan is still being read."""
        if self.armed is None or self.grid is None or self.must_confirm or self.takes.stage is not TakeStage.IDLE:
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
        self.plan.choose(place)
        self._hold()

    def choose_next(self) -> None:
        """The place that the plan has next; none when all is done."""
        self.plan.choose_next()

    def skip(self) -> None:
        """Leave the chosen place out, or take it up again."""
        self.plan.skip()

    def add(self, movement: str) -> None:
        """One more take of a movement; it is chosen."""
        place = self.plan.add(movement)
        if place is not None:
            self.choose(place)

    def refresh(self) -> None:
        """Read the plan from the folder."""
        self.plan.read()

    # The take

    def start(self) -> bool:
        """Begin a take of the chosen place; whether it was asked for."""
        if not self._may_start() or self.chosen is None:
            return False
        if self.armed is None:
            self.open_again()
            return False
        if self.must_confirm:
            self._news.tell(tr("The rig check is red; look at it, or confirm that it is known."), "check", key="rig")
            return False
        if self._throws_away and self._practice_data is None:
            self._prepare_practice()
            return True
        self._begin_take(self.chosen)
        return True

    def _may_start(self) -> bool:
        idle = self.stage is Stage.READY and self.takes.stage is TakeStage.IDLE
        return idle and not (self.closing or self.plan.awaited or self._preparing)

    def _begin_take(self, place: Place) -> None:
        record = self._record(place)
        if record is not None:
            self._deadline_s = None
            self.notices = ()
            self.takes.start(record)
            self._go(Stage.TAKE)

    @property
    def _throws_away(self) -> bool:
        return self.practice and not self.keep_practice

    def _prepare_practice(self) -> None:
        """Make the folder of takes that are thrown away, and then begin."""
        like = self.data
        if like is None:
            return
        self._preparing = True

        def made(folder: Path) -> None:
            self._practice_data, self._preparing = folder, False
            self.start()

        def failed(text: str) -> None:
            self._preparing = False
            self._news.tell(text, "redo", key="take", again=self.start)

        self._jobs.put(lambda: self._practice_folder.make(like), made, failed)

    def _record(self, place: Place) -> Record | None:
        session, script, rig = self.session, self.script, self.armed.rig if self.armed else self.rig
        data = self._practice_data if self._throws_away else self.data
        if session is None or script is None or rig is None or data is None:
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
            self._decisions.noise(path)
        if self._decides():
            self._next()

    def redo(self) -> None:
        """The take stays, marked as redone; the same place is recorded again."""
        if (path := self._decided_path()) is not None:
            self._decisions.redo(path)
        if self._decides():
            self._next(stay=True)

    def undo(self) -> bool:
        """Take back the last decision that renames or marks a take; whether there was one."""
        if self.takes.busy or self.closing or not self._decisions.undo():
            return False
        if self.stage is Stage.READY:
            self.choose_next()
        return True

    def _decides(self) -> bool:
        return self.stage is Stage.VERDICT and self.takes.stage is TakeStage.JUDGED and not self.closing

    def _decided_path(self) -> Path | None:
        take = self.takes.take
        return take.path if self._decides() and take is not None and not self._is_thrown_away(take.path) else None

    def _is_thrown_away(self, path: Path | None) -> bool:
        return path is not None and self._practice_folder.holds(path)

    def _next(self, *, stay: bool = False) -> None:
        """On with the plan. stay: at the same place, whatever fills it."""
        path = self.takes.take.path if self.takes.take is not None else None
        stay = stay or self.practice
        if path is not None and self._is_thrown_away(path):
            self._decisions.throw_away(path, self._practice_folder.throw_away)
        self.takes.settle()
        self._go(Stage.READY)
        if stay or path is None or self.plan.knows(path):
            self._go_on_after(stay)
        else:  # what the plan has next is known when it knows the take
            self.plan.when_read(lambda: self._go_on_after(stay))
        self._decisions.carry_out()

    def _go_on_after(self, stay: bool) -> None:
        open_still = self.cell is not None and self.cell.is_open  # an aborted take is made again first
        if not (stay or open_still):
            self.choose_next()
        if self.chosen is None and self.stage is Stage.READY:
            self._go(Stage.FINISHED)

    @property
    def settled(self) -> bool:
        """Whether nothing is under way: no take, no verdict, no decision that waits, no file that is read or written."""
        judging = self.takes.busy or self.takes.stage is TakeStage.JUDGING
        return not (judging or self._decisions.waiting or self._jobs.busy)

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
        self.plan.close()
        self.armed, self.opening = None, False
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
        self._decisions.carry_out()
        if self._jobs.poll():
            self._touch()
        self._hands_free()
        return self._news.take()

    def mend(self, said: Said) -> None:
        """Do what the button of a banner promises."""
        if said.remedy == "again":
            self._news.try_again(said.key)
        elif said.remedy:
            self.arm()

    def _hear(self, heard: Any) -> None:
        starting = self.takes.stage is TakeStage.STARTING  # then a refusal is the take's, which tells of it itself
        self.takes.hear(heard)
        if isinstance(heard, TakeDone):
            self.plan.read()
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
                self._news.tell(status.reason, "redo", key="cameras", remedy="rearm")

    def _noticed(self, text: str) -> None:
        """During a take the panel shows it beside the counts: a message over the pictures would draw the eyes."""
        if self.takes.busy:
            self.notices = (*self.notices[-MOST_NOTICES + 1 :], text)
        else:
            self._news.tell(text, "check")

    def _refused(self, text: str) -> None:
        if self.armed is None and self.session is not None:
            self.opening = False
            self._news.tell(text, "redo", key="cameras", remedy="rearm")
        else:
            self._news.tell(text, "check")

    def _died(self, died: Died) -> None:
        self.armed = self.runtime = None
        self.opening = False
        saved = died.saved.message if died.saved is not None else died.text
        self.plan.read()
        self._news.tell(saved, "redo", key="capture", remedy="restart")

    def _not_begun(self, text: str) -> None:
        self._news.tell(text, "redo", key="take")
        if self.stage is Stage.TAKE:
            self._go(Stage.READY)

    def _judged(self) -> None:
        self.plan.read()
        self._go(Stage.VERDICT)

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

    # The window closes

    def wind_up(self) -> bool:
        """Let what is under way end: the take, then what was decided of takes. Never waits; whether all has ended.

        Call `poll` in between. Whoever has the judge closes it: that ends what it still works on.
        """
        self.closing = True
        self.takes.judge_no_more()
        if self.takes.busy:
            self.takes.abort()
            return False
        self.link.close()
        if self.link.running or self.takes.examining or not self.settled:
            return False
        if not self._practice_gone:  # what was made to practise goes last
            self._practice_gone = True
            self._jobs.put(self._practice_folder.remove, lambda _: None, partial(self._news.tell, state="check"))
        return not self._jobs.busy
