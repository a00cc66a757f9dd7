"""The simulated subject: reads the published prompts as a person reads the screen, and remembers what was really done.

Knows the prompts and a random generator; knows no script, no picture and no camera.
"""

from dataclasses import dataclass

import numpy as np

from recorder.sources.base import Prompt

REACTION_US = (200_000, 600_000)  # simple reaction to a visual cue, with some hesitation
PAPER_SLIDE_US = (150_000, 350_000)  # a hand moves a sheet of paper over the height of a face
RISE_US = (60_000, 250_000)  # onset to apex
HOLD_US = (20_000, 400_000)
FALL_US = (80_000, 350_000)  # apex to offset
INTENSITY = (0.4, 1.0)


@dataclass(frozen=True)
class Slide:
    """The paper moving between away (0) and in front (1)."""

    begin_us: int
    end_us: int
    covers: bool

    def position(self, t_us: int) -> float:
        """How far it covers the view at a time, 0 ... 1."""
        done = float(np.clip((t_us - self.begin_us) / (self.end_us - self.begin_us), 0, 1))
        return done if self.covers else 1 - done


@dataclass(frozen=True)
class Movement:
    """One movement made: rises from onset to apex as a half cosine, stays, falls until offset."""

    token: str
    onset_us: int
    apex_us: int
    fall_us: int
    offset_us: int
    intensity: float

    def level(self, t_us: int) -> float:
        """Strength at a time, 0 ... intensity."""
        rise = np.clip((t_us - self.onset_us) / (self.apex_us - self.onset_us), 0, 1)
        fall = np.clip((t_us - self.fall_us) / (self.offset_us - self.fall_us), 0, 1)
        return float(self.intensity * (1 - np.cos(np.pi * rise)) / 2 * (1 + np.cos(np.pi * fall)) / 2)


class Actor:
    """Follows the prompts with a human delay."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._seen = -1
        self.slide: Slide | None = None
        self.movement: Movement | None = None
        self.paper_out_us: int | None = None

    def look(self, prompt: Prompt | None, now_us: int) -> None:
        """Read the screen; a new prompt is answered after a reaction time."""
        if prompt is None or prompt.index == self._seen:
            return
        if prompt.index < self._seen or prompt.index == 0:
            self._begin_take()
        self._seen = prompt.index
        at = max(prompt.at_us, now_us) + self._draw(REACTION_US)
        if prompt.action == "paper_in":
            self._move_paper(at, covers=True)
        elif prompt.action in ("neutral", "paper_out") and self.slide and self.slide.covers:
            self._move_paper(at, covers=False)
        elif prompt.action == "move" and prompt.movement:
            self._move_face(prompt.movement, at)

    def paper(self, t_us: int) -> float:
        """How far the paper covers the view, 0 ... 1."""
        return self.slide.position(t_us) if self.slide else 0.0

    def level(self, t_us: int) -> float:
        """How strong the movement is, 0 ... 1."""
        return self.movement.level(t_us) if self.movement else 0.0

    def _begin_take(self) -> None:
        self.movement = None
        self.paper_out_us = None

    def _move_paper(self, at_us: int, *, covers: bool) -> None:
        self.slide = Slide(at_us, at_us + self._draw(PAPER_SLIDE_US), covers)
        if not covers:
            self.paper_out_us = self.slide.end_us

    def _move_face(self, token: str, at_us: int) -> None:
        apex = at_us + self._draw(RISE_US)
        fall = apex + self._draw(HOLD_US)
        offset = fall + self._draw(FALL_US)
        self.movement = Movement(token, at_us, apex, fall, offset, round(float(self._rng.uniform(*INTENSITY)), 3))

    def _draw(self, bounds: tuple[int, int]) -> int:
        return int(self._rng.integers(*bounds))
