"""The recording script in time: a pure state machine, `script + instants -> steps`.

Holds no clock and waits for nothing: whoever runs it says what time it is and which marks came. Every method returns a new
state and what changed. All times are int microseconds of event time.

Before the anchor the steps follow one another by their durations. The anchor begins when its mark says the paper went
away, or on schedule; everything after it counts from there, so the stop is t0 plus the script's total whatever else comes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TypeAlias

from protocol.manifest import FinishReason, How, StepTime
from protocol.movement import BY_TOKEN, SPONTANEOUS
from protocol.script import Action, Kind, Mark, Script, ScriptError, Step


@dataclass(frozen=True)
class StepStarted:
    """A step began. scheduled_us: when the script wanted it; at_us: when it did; movement: for the action "move" only."""

    step: str
    action: str
    scheduled_us: int
    at_us: int
    how: How
    text: str
    movement: str | None


@dataclass(frozen=True)
class StepMoved:
    """A mark told when the running step really began; the prompt stays."""

    step: str
    at_us: int
    how: How


@dataclass(frozen=True)
class MarkIgnored:
    """A mark that changed nothing, and why."""

    mark: Mark
    at_us: int
    how: How
    reason: str


@dataclass(frozen=True)
class Finished:
    """The script is over."""

    at_us: int
    reason: FinishReason


Change: TypeAlias = StepStarted | StepMoved | MarkIgnored | Finished
Changes: TypeAlias = tuple[Change, ...]


@dataclass(frozen=True)
class Timeline:
    """One run of a script; made by `begin`.

    starts_us: when each step begins by what is known now, and at the end when the last one ends; index: the running step;
    steps: those that began, in order of time; t0_scheduled_us: when the script wanted the paper away;
    marks: what was accepted.
    """

    script: Script
    movement: str
    language: str
    starts_us: tuple[int, ...]
    index: int
    steps: tuple[StepTime, ...]
    t0_scheduled_us: int
    marks: frozenset[Mark] = frozenset()
    finished: Finished | None = None

    @property
    def step(self) -> Step:
        """The running step, the last one once the script is over."""
        return self.script.steps[self.index]

    @property
    def t0_us(self) -> int | None:
        """When the paper went away as marked, None as long as only the schedule tells."""
        return self._began(self.script.anchor) if Mark.PAPER_OUT in self.marks else None

    @property
    def cue_us(self) -> int | None:
        """When the cue step began, None before it and in a script without one."""
        return None if self.script.cue is None else self._began(self.script.cue)

    @property
    def stop_us(self) -> int:
        """When the script ends by what is known now; for a free length, at the latest."""
        return self.starts_us[-1]

    @property
    def step_end_us(self) -> int:
        """When the running step ends by what is known now."""
        return self.starts_us[self.index + 1]

    def remaining_us(self, now_us: int) -> int:
        """Time left until the script ends; 0 once it is over."""
        return 0 if self.finished else max(0, self.stop_us - now_us)

    def step_remaining_us(self, now_us: int) -> int:
        """Time left in the running step, as a countdown shows it; 0 once the script is over."""
        return 0 if self.finished else max(0, self.step_end_us - now_us)

    def advance(self, now_us: int) -> "tuple[Timeline, Changes]":
        """Let time pass until `now_us`: every step passed begins, in order, each at its scheduled time."""
        line, changes = self, []
        while not line.finished and line.step_end_us <= now_us:
            line, change = line._next()
            changes.append(change)
        return line, tuple(changes)

    def mark(self, mark: Mark, at_us: int, how: How) -> "tuple[Timeline, Changes]":
        """An instant was detected or pressed. `at_us` may lie a little before the last `advance`: detectors are late.

        Time passes until `at_us` first. The first mark of a kind counts; one that can mean nothing now is a MarkIgnored.
        """
        line, passed = self.advance(at_us)
        line, change = line._stop(at_us, how) if mark is Mark.STOP else line._start_mark(mark, at_us, how)
        return line, (*passed, change)

    def _began(self, step_id: str) -> int | None:
        return next((step.at_us for step in self.steps if step.step == step_id), None)

    def _next(self) -> "tuple[Timeline, Change]":
        at_us = self.step_end_us
        if self.index + 1 == len(self.script.steps):
            finished = Finished(at_us, FinishReason.SCRIPT_ENDED)
            return replace(self, finished=finished), finished
        return self._start(self.index + 1, at_us, at_us, How.SCHEDULED)

    def _start(self, index: int, scheduled_us: int, at_us: int, how: How) -> "tuple[Timeline, Change]":
        step = self.script.steps[index]
        time = StepTime(step=step.id, action=step.action, scheduled_us=scheduled_us, at_us=at_us, how=how)
        movement = self.movement if step.action is Action.MOVE else None
        text = self.script.prompt_text(step, self.movement, self.language)
        line = replace(self, index=index, steps=(*self.steps, time))
        return line, StepStarted(step.id, step.action.value, scheduled_us, at_us, how, text, movement)

    def _stop(self, at_us: int, how: How) -> "tuple[Timeline, Change]":
        if self.finished:
            return self, MarkIgnored(Mark.STOP, at_us, how, "the script is over")
        reason = FinishReason.STOPPED if self.step.free else FinishReason.ABORTED
        finished = Finished(max(at_us, self.steps[-1].at_us), reason)
        return replace(self, finished=finished), finished

    def _start_mark(self, mark: Mark, at_us: int, how: How) -> "tuple[Timeline, Change]":
        target = next((index for index, step in enumerate(self.script.steps) if step.start_mark is mark), None)
        if target is None:
            return self, MarkIgnored(mark, at_us, how, "the script has no step that begins with it")
        if reason := self._refusal(mark, target, at_us):
            return self, MarkIgnored(mark, at_us, how, reason)
        line = replace(self, marks=self.marks | {mark})
        if mark is Mark.PAPER_OUT:
            line = replace(line, starts_us=_rescheduled(self.script, self.starts_us, at_us))
        return line._jump(target, at_us, how) if target > self.index else line._move(at_us, how)

    def _refusal(self, mark: Mark, target: int, at_us: int) -> str | None:
        if self.finished:
            return "the script is over"
        if mark in self.marks:
            return "an earlier one was accepted"
        if self.index > target:
            return f"the step {self.script.steps[target].id!r} is over"
        floor = self._earliest_step(mark, target)
        if self.index < floor:
            return f"the step {self.script.steps[floor].id!r} has not begun"
        if at_us < self._earliest_us(floor, target):
            return "it lies before the step that it follows"
        return None

    def _earliest_step(self, mark: Mark, target: int) -> int:
        # The paper can go away once it came, the cue come once the paper went; the paper coming only names its own step.
        return {Mark.PAPER_OUT: self.script.paper_in_index, Mark.CUE: self.script.anchor_index}.get(mark, target)

    def _earliest_us(self, floor: int, target: int) -> int:
        before = floor if floor < target else max(floor - 1, 0)
        began = self._began(self.script.steps[before].id)
        return self.steps[0].at_us if began is None else began

    def _jump(self, target: int, at_us: int, how: How) -> "tuple[Timeline, Change]":
        scheduled_us = self.t0_scheduled_us if target == self.script.anchor_index else self.starts_us[target]
        return replace(self, steps=_until(self.steps, at_us))._start(target, scheduled_us, at_us, how)

    def _move(self, at_us: int, how: How) -> "tuple[Timeline, Change]":
        moved = self.steps[-1].model_copy(update={"at_us": at_us, "how": how})
        line = replace(self, steps=(*_until(self.steps[:-1], at_us), moved))
        return line, StepMoved(moved.step, at_us, how)


def _until(steps: Sequence[StepTime], at_us: int) -> tuple[StepTime, ...]:
    # A mark found late shows that steps begun after it by schedule alone never took place.
    return tuple(step for step in steps if step.at_us <= at_us)


def _rescheduled(script: Script, starts_us: tuple[int, ...], t0_us: int) -> tuple[int, ...]:
    durations = [step.duration_us for step in script.steps[script.anchor_index :]]
    return (*starts_us[: script.anchor_index], *accumulate(durations, initial=t0_us))


def begin(script: Script, movement: str, language: str, now_us: int) -> tuple[Timeline, Changes]:
    """Start the script at `now_us` for one take. Raises ScriptError for a movement or language that does not fit it."""
    _refuse_movement(script, movement)
    starts_us = tuple(accumulate((step.duration_us for step in script.steps), initial=now_us))
    line = Timeline(script, movement, language, starts_us, 0, (), starts_us[script.anchor_index])
    line, change = line._start(0, now_us, now_us, How.SCHEDULED)
    return line, (change,)


def _refuse_movement(script: Script, movement: str) -> None:
    legal = (SPONTANEOUS,) if script.kind is Kind.SPONTANEOUS else tuple(BY_TOKEN)
    if movement not in legal:
        raise ScriptError(f"The script {script.name!r} cannot record {movement!r}; choose {', '.join(legal)}.")
