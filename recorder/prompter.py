"""Runs a script's timeline and publishes its prompts: to the simulated actor, to readers of the ring, to the parent.

Knows the script and the time it is told; knows no camera, no file and no clock.
"""

import json
from collections.abc import Callable

import numpy as np

from protocol.manifest import FinishReason, How, StepTime
from protocol.script import Mark, Script
from protocol.timeline import Change, Finished, MarkIgnored, StepStarted, Timeline, begin
from recorder.ring import RingWriter
from recorder.sources.base import Prompt

PROMPT_BYTES = 2048
TEXT_LETTERS = 300  # at most six bytes each in JSON (control characters), so that a record never cuts one
PROMPT_DTYPE = np.dtype([("index", "<i8"), ("at_us", "<i8"), ("json", f"S{PROMPT_BYTES}")])


# What readers of the ring find when nothing is asked for any more.
NO_PROMPT = Prompt(-1, 0, "", "stop", None, "")


class PromptBoard:
    """The newest prompt, for whoever looks: cameras in this process, windows and rigs through the ring."""

    def __init__(self, ring: RingWriter | None = None) -> None:
        self._ring = ring
        self._current: Prompt | None = None

    def current(self) -> Prompt | None:
        """What is asked for now."""
        return self._current

    def show(self, prompt: Prompt | None) -> None:
        """Publish a prompt; None takes it down."""
        self._current = prompt
        if self._ring:
            self._ring.write(_record(prompt or NO_PROMPT))


def _record(prompt: Prompt) -> "np.ndarray[tuple[int], np.dtype[np.void]]":
    record = np.zeros(1, PROMPT_DTYPE)
    data = {"step": prompt.step, "action": prompt.action, "movement": prompt.movement, "text": prompt.text[:TEXT_LETTERS]}
    record[0] = (prompt.index, prompt.at_us, json.dumps(data, ensure_ascii=False).encode(errors="replace"))
    return record


Announce = Callable[[Prompt, float | None], None]


class ScriptRunner:
    """One run of a script. Times are event time in microseconds; before `begin` there are none."""

    def __init__(
        self, script: Script, movement: str, language: str, board: PromptBoard, announce: Announce, say: Callable[[str], None]
    ) -> None:
        """announce: told each prompt and how many seconds its step lasts (None: free length); say: told of ignored marks."""
        self._script = script
        self._movement = movement
        self._language = language
        self._board = board
        self._announce = announce
        self._say = say
        self._line: Timeline | None = None
        self._shown = 0
        begin(script, movement, language, 0)  # what cannot run is refused before anything is recorded

    def begin(self, now_us: int) -> None:
        """Start the script."""
        self._line, changes = begin(self._script, self._movement, self._language, now_us)
        self._publish(changes)

    def advance(self, now_us: int) -> None:
        """Let time pass; steps that begin are published."""
        if self._line is not None:
            self._line, changes = self._line.advance(now_us)
            self._publish(changes)

    def mark(self, mark: str, at_us: int, how: How) -> None:
        """An instant was pressed or detected; one that can mean nothing now is said and ignored."""
        if self._line is None:
            return
        if mark not in set(Mark):
            self._say(f"{mark!r} is no mark of a script; there are {', '.join(Mark)}.")
            return
        self._line, changes = self._line.mark(Mark(mark), at_us, how)
        self._publish(changes)

    def _publish(self, changes: tuple[Change, ...]) -> None:
        for change in changes:
            if isinstance(change, StepStarted):
                self._show(change)
            elif isinstance(change, MarkIgnored) and not _is_late_paper(change):
                self._say(f"The mark {change.mark} was ignored: {change.reason}.")
            elif isinstance(change, Finished):
                self._board.show(None)

    def _show(self, step: StepStarted) -> None:
        prompt = Prompt(self._shown, step.at_us, step.step, step.action, step.movement, step.text)
        self._shown += 1
        self._board.show(prompt)
        seconds = self._script.steps[self._script.index_of(step.step)].seconds
        self._announce(prompt, seconds)

    @property
    def finished(self) -> FinishReason | None:
        """Why the script is over, None while it runs."""
        return self._line.finished.reason if self._line and self._line.finished else None

    @property
    def is_free(self) -> bool:
        """Whether the running step lasts until the operator stops it."""
        return self._line is not None and self._line.step.free

    @property
    def step(self) -> str | None:
        """The id of the running step."""
        return self._line.step.id if self._line else None

    def remaining_us(self, now_us: int) -> int | None:
        """Time left until the script ends."""
        return self._line.remaining_us(now_us) if self._line else None

    def steps(self) -> tuple[StepTime, ...]:
        """The steps that began, with their times."""
        return self._line.steps if self._line else ()

    @property
    def t0_us(self) -> int | None:
        """Paper away as it was marked or detected."""
        return self._line.t0_us if self._line else None

    @property
    def t0_scheduled_us(self) -> int | None:
        """Paper away as the script wanted it."""
        return self._line.t0_scheduled_us if self._line else None

    @property
    def cue_us(self) -> int | None:
        """When the cue was given."""
        return self._line.cue_us if self._line else None

    @property
    def stop_us(self) -> int | None:
        """When the script ended, None while it runs or when it was cut short by something else."""
        return self._line.finished.at_us if self._line and self._line.finished else None


def _is_late_paper(ignored: MarkIgnored) -> bool:
    """Whether the sheet was seen to come after its step: nobody need be told, since its leaving is what counts."""
    return ignored.mark is Mark.PAPER_IN and ignored.how is How.DETECTED
