"""One take after the other, from the key that starts it to the verdict: what the window knows of it. No Qt.

Hears the capture process and asks the judge; decides nothing about the plan and draws nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from app.capture import Died, Heard
from app.i18n import tr
from app.judging import Answer, Judged
from protocol.analysis import Verdict
from protocol.manifest import How, Person
from protocol.script import Mark as ScriptMark
from protocol.script import Script
from protocol.session import Place, Session
from recorder.messages import Command, Mark, Notice, PromptReport, Record, Refused, State, Status, Stop, TakeDone, TakeRequest


class TakeStage(StrEnum):
    """Where a take is."""

    IDLE = "idle"
    STARTING = "starting"  # asked for; the cameras may still be opening
    RUNNING = "running"
    CLOSING = "closing"  # the files are being closed
    JUDGING = "judging"
    JUDGED = "judged"  # the operator decides


BUSY = (TakeStage.STARTING, TakeStage.RUNNING, TakeStage.CLOSING)


class Verdicts(Protocol):
    """Who judges takes; see app.judging."""

    def verdict(self, path: Path) -> Answer:
        """The verdict on a take, soon."""

    def clocks(self, path: Path) -> Answer:
        """The clocks and the verdict with them, a little later."""


@dataclass
class TakeState:
    """A take as it is now. prompts: the script's steps so far; judged: None until there is a verdict; clocks: whether the
    verdict knows the frame cameras' clocks; stopping: an abort was asked for.
    """

    script: Script
    movement: str
    prompts: list[PromptReport] = field(default_factory=list)
    status: Status | None = None
    done: TakeDone | None = None
    judged: Judged | None = None
    clocks: bool = False
    stopping: bool = False
    died: bool = False

    @property
    def prompt(self) -> PromptReport | None:
        """The step that runs now."""
        return self.prompts[-1] if self.prompts else None

    @property
    def path(self) -> Path | None:
        """The `.aedat4` of a closed take."""
        return Path(self.done.path) if self.done is not None and self.done.path else None


class TakeFlow:
    """The take of this moment. Call `hear` with everything that the link gives, and `poll` on a timer.

    refused: called with the sentence when a take was not begun.
    """

    def __init__(self, send: Callable[[Command], None], judge: Verdicts, refused: Callable[[str], None]) -> None:
        self.stage = TakeStage.IDLE
        self.take: TakeState | None = None
        self._send, self._judge, self._refused = send, judge, refused
        self._answer: Answer | None = None
        self._later: dict[Path, Answer] = {}
        self._judging = True

    def is_examined(self, path: Path) -> bool:
        """Whether the judge still works on the take at `path`, whose files must keep their names until then."""
        return path in self._later or (self._answer is not None and self.take is not None and self.take.path == path)

    @property
    def verdict(self) -> Verdict:
        """On the take that was just made."""
        quality = self.take.judged.quality if self.take is not None and self.take.judged is not None else None
        return quality.verdict if quality is not None else Verdict.UNKNOWN

    @property
    def examining(self) -> bool:
        """Whether the judge still works on any take."""
        return bool(self._later) or self._answer is not None

    @property
    def busy(self) -> bool:
        """Whether a take runs or is being closed, so that nothing else may be begun."""
        return self.stage in BUSY

    def start(self, record: Record) -> None:
        """Ask for a take, unless one is under way."""
        if self.busy:
            return
        self.take = TakeState(record.take.script, record.take.movement)
        self._answer = None
        self.stage = TakeStage.STARTING
        self._send(record)

    def mark(self, mark: ScriptMark) -> bool:
        """The operator pressed a key for this instant; whether it was sent."""
        if self.stage is not TakeStage.RUNNING:
            return False
        self._send(Mark(mark=mark.value, how=How.PRESSED))
        return True

    def abort(self) -> bool:
        """End the take early; what was recorded is kept. Whether there was one to end."""
        if self.take is None or self.stage not in (TakeStage.STARTING, TakeStage.RUNNING) or self.take.stopping:
            return False
        self.take.stopping = True
        self._send(Stop())
        return True

    def settle(self) -> None:
        """The operator has decided about the take."""
        if not self.busy:
            self.stage, self.take = TakeStage.IDLE, None

    def hear(self, heard: Heard) -> None:
        """Take note of a report."""
        if self.take is None:
            return
        if isinstance(heard, Status):
            self._status(self.take, heard)
        elif isinstance(heard, PromptReport) and self.busy:
            self.take.prompts.append(heard)
        elif isinstance(heard, TakeDone) and self.busy:
            self._over(self.take, heard)
        elif isinstance(heard, Refused) and self.stage is TakeStage.STARTING:
            self._never_began(heard.text)
        elif isinstance(heard, Died) and self.busy:
            self._died(self.take, heard)

    def _status(self, take: TakeState, status: Status) -> None:
        if not self.busy:
            return
        take.status = status
        if status.state is State.RECORDING and self.stage is TakeStage.STARTING:
            self.stage = TakeStage.RUNNING
        elif status.state is State.FINALISING:
            self.stage = TakeStage.CLOSING

    def _over(self, take: TakeState, done: TakeDone) -> None:
        take.done = done
        if done.path is None:
            self.stage = TakeStage.JUDGED  # nothing was kept, and its message says why
            return
        if not self._judging:
            self.stage = TakeStage.JUDGED
            return
        self.stage = TakeStage.JUDGING
        self._answer = self._judge.verdict(Path(done.path))

    def judge_no_more(self) -> None:
        """The judge is leaving: what it was asked for may still come, nothing more is asked."""
        self._judging = False

    def _never_began(self, text: str) -> None:
        self.stage, self.take = TakeStage.IDLE, None
        self._refused(text)

    def _died(self, take: TakeState, died: Died) -> None:
        take.died = True
        if died.saved is not None:
            self._over(take, died.saved)
        else:
            self._never_began(died.text)

    def poll(self) -> bool:
        """Look for the judge's answers; whether there was one."""
        found = self._poll_clocks()
        if self.take is None or self._answer is None or not self._answer.done():
            return found
        answer, self._answer = self._answer, None
        self.stage = TakeStage.JUDGED
        self.take.judged = judged = _result(answer, self.take.path)
        if judged.quality is not None and self._judging:
            self._later[judged.path] = self._judge.clocks(judged.path)
        return True

    def _poll_clocks(self) -> bool:
        ended = [path for path, answer in self._later.items() if answer.done()]
        for path in ended:
            judged = _result(self._later.pop(path), path)
            if self.take is not None and self.take.path == path and judged.quality is not None:
                self.take.judged, self.take.clocks = judged, True
        return bool(ended)


def _result(answer: Answer, path: Path | None) -> Judged:
    """What the judge said; a judge that died or has a defect is a sentence, the take is not the worse for it."""
    error = "it was leaving" if answer.cancelled() else answer.exception()
    if error is not None:
        return Judged(path or Path(), problem=f"The verdict could not be made ({error}); run `glimpse quality` on the take.")
    return answer.result()


def take_request(
    session: Session,
    script: Script,
    place: Place,
    data: Path,
    *,
    practice: bool,
    rig_check: Mapping[str, Any] | None,
    profile: str | None,
) -> TakeRequest:
    """A take of that place of the plan, with all that its manifest shall tell."""
    return TakeRequest(
        data=str(data),
        movement=place.movement,
        subject=session.subject,
        script=script,
        language=session.language,
        order_seed=session.order_seed,
        person=Person(subject=session.subject, glasses=session.glasses, session=session.label, notes=session.notes),
        practice=practice,
        repetition=None if practice else place.repetition,
        rig_check=rig_check,
        profile=profile,
    )


def notices(heard: Heard) -> str | None:
    """The text of a notice, None for any other report."""
    return heard.text if isinstance(heard, Notice) else None


def missing_stimulus(script: Script | None, data: Path | None) -> str | None:
    """What to say where the video that the script shows is not there, None where all is well."""
    if script is None or script.stimulus is None or data is None or (data / script.stimulus).is_file():
        return None
    said = tr("The stimulus {path} is not there; put the video there or change `stimulus` in the script.")
    return said.format(path=data / script.stimulus)
