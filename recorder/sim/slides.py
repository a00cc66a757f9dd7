"""The sheet of paper in somebody's hand: slides before the cameras, is held there, slides away. A pure function of time.

Knows no picture, no prompt and no camera. shift_mm 0: the paper covers the whole view; AWAY_MM and more: it is out of view.
"""

from dataclasses import dataclass

from recorder.sim.motion import Track, Wander, draw_wander, generator, minimum_jerk, minimum_jerk_share
from recorder.sim.state import PaperState

AWAY_MM = 260.0
GONE_MM = 1.2 * AWAY_MM  # where a slide ends: the paper leaves the view while it is still moving
TREMBLE_MM = 0.2  # standard deviation of what a hand that holds a sheet moves it by; physiological tremor is at 3-12 Hz
TREMBLE_HZ = (1.0, 12.0)
MOST_TREMBLE_MM = 0.9
STEADY_US, LOOSE_US = 200_000, 100_000  # the tremble comes after a slide and is gone before the next: a slide is monotonic
REMEMBERED = 6  # slides


@dataclass(frozen=True)
class Slide:
    """One way of the paper, by minimum jerk, between GONE_MM and 0. leaves: away from the view."""

    begin_us: int
    end_us: int
    leaves: bool

    @property
    def track(self) -> Track:
        """Shift in mm over time."""
        return Track((self.begin_us, self.end_us), (0.0, GONE_MM) if self.leaves else (GONE_MM, 0.0))

    def time_us(self, shift_mm: float) -> int:
        """The instant at which it comes by a shift; ValueError for one outside 0 ... GONE_MM."""
        if not 0 <= shift_mm <= GONE_MM:
            raise ValueError(f"{shift_mm} mm is not on the paper's way, which is 0 to {GONE_MM} mm.")
        done = shift_mm / GONE_MM if self.leaves else 1 - shift_mm / GONE_MM
        return self.begin_us + round(minimum_jerk_share(done) * (self.end_us - self.begin_us))


class Slides:
    """The paper from first to last; slides follow one another, in and out by turns."""

    def __init__(self, seed: int) -> None:
        self._tremble: Wander = draw_wander(generator(seed, 7), (TREMBLE_MM,), TREMBLE_HZ, slope=0.5)
        self._slides: list[tuple[Slide, Track]] = []

    @property
    def is_in(self) -> bool:
        """Whether it is before the cameras, or on its way there."""
        return bool(self._slides) and not self._slides[-1][0].leaves

    def slide(self, at_us: int, duration_us: int) -> Slide:
        """Move it to where it is not: in, or out. It begins at an instant, or when the slide before is over."""
        begin = max(at_us, self._slides[-1][0].end_us + STEADY_US) if self._slides else at_us
        slide = Slide(begin, begin + duration_us, self.is_in)
        self._slides = [*self._slides[1 - REMEMBERED :], (slide, slide.track)]
        return slide

    def state(self, t_us: int) -> PaperState:
        """Where it is at a time."""
        newest = len(self._slides)
        while newest and t_us < self._slides[newest - 1][0].begin_us:
            newest -= 1
        if newest == 0:
            return PaperState(GONE_MM)
        slide, track = self._slides[newest - 1]
        if slide.leaves or t_us < slide.end_us:
            return PaperState(track.level(t_us))
        until = self._slides[newest][0].begin_us if newest < len(self._slides) else None
        return PaperState(self._held(t_us, slide.end_us, until))

    def _held(self, t_us: int, from_us: int, until_us: int | None) -> float:
        """A shift of 0 ... MOST_TREMBLE_MM, 0 itself where a slide ends or begins."""
        firm = minimum_jerk(min(1.0, (t_us - from_us) / STEADY_US))
        if until_us is not None:
            firm *= minimum_jerk(min(1.0, (until_us - t_us) / LOOSE_US))
        loose = MOST_TREMBLE_MM / 2 + self._tremble.levels(t_us)[0]
        return firm * min(max(loose, 0.0), MOST_TREMBLE_MM)
