"""Nobody presses a key: the next step comes by itself, after so long that everybody has read what is shown. No Qt."""

from collections.abc import Callable

from protocol.analysis import Verdict

HANDS_FREE_S = {Verdict.GOOD: 3.0, Verdict.CHECK: 6.0, Verdict.REDO: 6.0, Verdict.UNKNOWN: 6.0}  # to read the verdict
HANDS_FREE_START_S = 5.0  # to sit still and take up the paper


def seconds_before_a_take() -> float:
    """From the plan to the take."""
    return HANDS_FREE_START_S


def seconds_after_a_take(verdict: Verdict) -> float:
    """From the verdict to what it suggests."""
    return HANDS_FREE_S[verdict]


class HandsFree:
    """The clock of the next step. Ask `is_due` on a timer."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._deadline_s: float | None = None
        self._held = False

    @property
    def seconds_left(self) -> float | None:
        """Until the next step comes by itself; None where nothing does."""
        return None if self._deadline_s is None else max(0.0, self._deadline_s - self._clock_s())

    def next_step(self) -> None:
        """A step has come: what was held is held no more."""
        self._deadline_s, self._held = None, False

    def wait_anew(self) -> None:
        """The same step, from the beginning of its time."""
        self._deadline_s = None

    def hold(self) -> bool:
        """Let nothing come by itself until the next step; whether anything would have."""
        if self._deadline_s is None:
            return False
        self._deadline_s, self._held = None, True
        return True

    def is_due(self, wait_s: float | None) -> bool:
        """Whether the next step comes now. wait_s: how long it is waited for; None where somebody must look."""
        if wait_s is None or self._held:
            self._deadline_s = None
        elif self._deadline_s is None:
            self._deadline_s = self._clock_s() + wait_s
        elif self._clock_s() >= self._deadline_s:
            self._deadline_s = None
            return True
        return False
