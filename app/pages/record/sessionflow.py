"""A subject's session on the Record page: which stage it is in, what may be done now, what comes next. No Qt.

Puts the plan (sessionplan), the running take (takeflow), the rig and the operator's decisions together. What is on disk is the
truth: after every decision the plan is read from the folder again, by a thread, as everything is that touches a file.
"""

import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path

from app.capture import CaptureLink, Died, Heard
from app.i18n import tr
from app.pages.record.cameras import Cameras, RigState
from app.pages.record.decisions import Decisions
from app.pages.record.handsfree import HandsFree, seconds_after_a_take, seconds_before_a_take
from app.pages.record.jobs import JobLine
from app.pages.record.news import News
from app.pages.record.practice import PracticeTakes
from app.pages.record.sessionfacts import SessionFacts
from app.pages.record.sessionplan import SessionPlan
from app.pages.record.takeflow import TakeFlow, TakeStage, Verdicts, missing_stimulus, notices, take_request
from app.said import Said
from protocol.analysis import Verdict
from protocol.session import Place, Session
from recorder.messages import Command, Record, Refused, RigSpec, TakeDone
from recorder.settings import RecorderSettings

MOST_NOTICES = 4  # of a take are shown; the manifest has them all


class Stage(StrEnum):
    """Where the session is."""

    SETUP = "setup"
    RIG = "rig"
    READY = "ready"
    TAKE = "take"
    VERDICT = "verdict"
    FINISHED = "finished"


class SessionFlow(SessionFacts):
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
        self.closing = False
        self.notices: tuple[str, ...] = ()
        self.link = link
        self._news = News()
        self._jobs = JobLine("session-files")
        super().__init__(SessionPlan(self._jobs, self._news), Cameras(link, settings or RecorderSettings(), self._news))
        self.takes = TakeFlow(link.send, judge, self._not_begun)
        self._decisions = Decisions(self._jobs, self._plan, self.takes.is_examined, self._news)
        self._practice = PracticeTakes(self._jobs, self._news)
        self._by_itself = HandsFree(clock_s)
        self._version = 0

    @property
    def version(self) -> int:
        """Grows with every change that a view may have to show."""
        return self._version + self._plan.version

    def _touch(self) -> None:
        self._version += 1

    # Before the first take

    def begin(self, data: Path, session: Session, rig: RigSpec) -> None:
        """Open a session and its cameras. Raises SessionError where its script cannot be used."""
        self._plan.open(data, session)
        self._decisions.forget()
        self.practice = False
        self._cameras.rig = rig
        self._go(Stage.RIG)
        self.arm()

    def arm(self) -> None:
        """Open the cameras, in a new capture process where the old one is gone."""
        if self.rig is not None and not self.closing:
            self._cameras.open(self.rig, self.data)
            self._touch()

    def open_again(self) -> None:
        """Open cameras that were lost, unless they are being opened."""
        if self.armed is None and not self.opening and not self.takes.busy:
            self.arm()

    def change_rig(self, rig: RigSpec) -> None:
        """Use other cameras from now on."""
        self._cameras.rig = rig
        if not self.takes.busy:
            self.arm()

    def send(self, command: Command) -> None:
        """A command of the rig check, such as other biases."""
        self.link.send(command)

    def saw_rig(self, state: RigState) -> None:
        """The rig check has looked again."""
        if state != self.rig_state:
            self._cameras.check = state
            self._touch()

    def confirm(self) -> None:
        """Go on though the rig check is red; the manifests say so."""
        self._cameras.confirm()
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
        self._plan.choose(place)
        self._by_itself.wait_anew()

    def skip(self) -> None:
        """Leave the chosen place out, or take it up again."""
        self._plan.skip()

    def add(self, movement: str) -> None:
        """One more take of a movement; it is chosen."""
        place = self._plan.add(movement)
        if place is not None:
            self.choose(place)

    def refresh(self) -> None:
        """Read the plan from the folder."""
        self._plan.read()

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
        if (missing := missing_stimulus(self.script, self.data)) is not None:
            self._news.tell(missing, "redo", key="stimulus")
            return False
        if self._throws_away and self._practice.data is None and self.data is not None:
            self._practice.prepare(self.data, then=self.start)
        else:
            self._begin_take(self.chosen)
        return True

    def _may_start(self) -> bool:
        waits = self.closing or self._plan.awaited or self._practice.preparing
        return self.stage is Stage.READY and self.takes.stage is TakeStage.IDLE and not waits

    def _begin_take(self, place: Place) -> None:
        record = self._record(place)
        if record is not None:
            self.notices = ()
            self.takes.start(record)
            self._go(Stage.TAKE)

    @property
    def _throws_away(self) -> bool:
        return self.practice and not self.keep_practice

    def _record(self, place: Place) -> Record | None:
        session, script, rig = self.session, self.script, self.armed.rig if self.armed else self.rig
        data = self._practice.data if self._throws_away else self.data
        if session is None or script is None or rig is None or data is None:
            return None
        check, profile = self._cameras.check_record, self.rig_state.profile
        request = take_request(session, script, place, data, practice=self.practice, rig_check=check, profile=profile)
        return Record(rig=rig, take=request, settings=self._cameras.settings)

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
            self._plan.choose_next()
        return True

    def _decides(self) -> bool:
        return self.stage is Stage.VERDICT and self.takes.stage is TakeStage.JUDGED and not self.closing

    def _decided_path(self) -> Path | None:
        take = self.takes.take
        return take.path if self._decides() and take is not None and not self._practice.holds(take.path) else None

    def _next(self, *, stay: bool = False) -> None:
        """On with the plan. stay: at the same place, whatever fills it."""
        path = self.takes.take.path if self.takes.take is not None else None
        stay = stay or self.practice
        if path is not None and self._practice.holds(path):
            self._decisions.throw_away(path, self._practice.throw_away)
        self.takes.settle()
        self._go(Stage.READY)
        if stay or path is None or self._plan.knows(path):
            self._go_on_after(stay)
        else:  # what the plan has next is known when it knows the take
            self._plan.when_read(lambda: self._go_on_after(stay))
        self._decisions.carry_out()

    def _go_on_after(self, stay: bool) -> None:
        if not (stay or (self.cell is not None and self.cell.is_open)):  # an aborted take is made again first
            self._plan.choose_next()
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
                self._plan.choose_next()
            self._go(Stage.READY if self.armed else Stage.RIG)

    def leave(self) -> bool:
        """Back to the questions before a session: for another subject. False while a take is under way."""
        if not self.settled:
            return False
        self._cameras.close()
        self._plan.close()
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
            self._plan.read()
            self._go(Stage.VERDICT)
        self._decisions.carry_out()
        if self._jobs.poll():
            self._touch()
        if self._by_itself.is_due(self._wait_s()):
            self._go_on()
        return self._news.take()

    def mend(self, said: Said) -> None:
        """Do what the button of a banner promises."""
        if said.remedy == "again":
            self._news.try_again(said.key)
        elif said.remedy:
            self.arm()

    def _hear(self, heard: Heard) -> None:
        starting = self.takes.stage is TakeStage.STARTING  # then a refusal is the take's, which tells of it itself
        self.takes.hear(heard)
        self._cameras.hear(heard, take_runs=self.takes.busy)
        if isinstance(heard, TakeDone):
            self._made(heard)
        elif isinstance(heard, Died):
            self._died(heard)
        elif isinstance(heard, Refused) and not starting:
            self._cameras.refused(heard.text)
        elif (text := notices(heard)) is not None:
            self._noticed(text)
        self._touch()

    def _made(self, told: TakeDone | None) -> None:
        path = Path(told.path) if told is not None and told.path else None
        self._plan.made(None if self._practice.holds(path) else path)

    def _noticed(self, text: str) -> None:
        """During a take the panel shows it beside the counts: a message over the pictures would draw the eyes."""
        if self.takes.busy:
            self.notices = (*self.notices[-MOST_NOTICES + 1 :], text)
        else:
            self._news.tell(text, "check")

    def _died(self, died: Died) -> None:
        self._made(died.saved)
        self._news.tell(died.saved.message if died.saved is not None else died.text, "redo", key="capture", remedy="restart")

    def _not_begun(self, text: str) -> None:
        self._news.tell(text, "redo", key="take")
        if self.stage is Stage.TAKE:
            self._go(Stage.READY)

    def _go(self, stage: Stage) -> None:
        self.stage = stage
        self._by_itself.next_step()
        self._touch()

    # Hands free: nobody presses a key, the next step comes by itself

    @property
    def seconds_left(self) -> float | None:
        """Until the next step comes by itself; None where nothing does."""
        return self._by_itself.seconds_left

    def hold(self) -> None:
        """A key was pressed: let nothing come by itself until the next step."""
        if self._by_itself.hold():
            self._touch()

    def _wait_s(self) -> float | None:
        if not self.hands_free or self.practice:
            return None
        if self.stage is Stage.READY and self.chosen is not None and self.armed is not None and not self.must_confirm:
            return seconds_before_a_take()
        return seconds_after_a_take(self.verdict) if self._decides() else None

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
        if not self.closing:
            self._decisions.try_again()
        self.closing = True
        self.takes.judge_no_more()
        if self.takes.busy:
            self.takes.abort()
            return False
        self.link.close()
        if self.link.running or self.takes.examining or not self.settled:
            return False
        self._practice.leave()  # what was made to practise goes last
        return not self._jobs.busy
