"""Which stretch of a take a timeline shows, and how its times are written. Whole microseconds throughout; knows no Qt.

Zoom keeps the instant under the pointer where it is; the view follows the cursor when that comes near its border.
"""

from dataclasses import dataclass

from app.i18n import tr

LEAST_SPAN_US = 50  # on a wide window that is 20 pixels a microsecond, the finest that a time can say
BORDER = 0.06  # of the view: so near to its border the cursor pulls the view along
BEHIND = 0.25  # of the view lies behind the cursor then, so that three quarters of it come before the next pull
BESIDE = 0.03  # of the take is shown before and after it, where labels may lie too
CUE_BEFORE_US, CUE_AFTER_US = 500_000, 2_500_000  # movements begin 0.2 to 1 s after the cue and last up to a second
TICK_PX = 88  # the least room for the longest text of a tick
STEPS = (1, 2, 5)
US_PER_S = 1_000_000


@dataclass(frozen=True)
class Stretch:
    """[start_us, end_us), at least LEAST_SPAN_US wide."""

    start_us: int
    end_us: int

    @property
    def span_us(self) -> int:
        """How much is in sight."""
        return self.end_us - self.start_us


class TimeView:
    """The stretch of a take that is in sight on `width` pixels."""

    def __init__(self, start_us: int = 0, end_us: int = US_PER_S, width: float = 1.0) -> None:
        self.width = max(1.0, width)
        self.limits = self.shown = Stretch(start_us, max(end_us, start_us + LEAST_SPAN_US))
        self.set_limits(start_us, end_us)

    def set_limits(self, start_us: int, end_us: int) -> None:
        """Another take from start_us to end_us: all of it is shown."""
        span_us = max(end_us - start_us, LEAST_SPAN_US)
        beside = max(round(span_us * BESIDE), LEAST_SPAN_US)
        self.limits = self.shown = Stretch(start_us - beside, start_us + span_us + beside)

    @property
    def us_per_px(self) -> float:
        """Event time of one pixel."""
        return self.shown.span_us / self.width

    def x_of(self, t_us: int) -> float:
        """Where an instant lies, in pixels from the left border of the view; may lie outside."""
        return (t_us - self.shown.start_us) * self.width / self.shown.span_us

    def time_at(self, x: float) -> int:
        """The whole microsecond at a place."""
        return self.shown.start_us + round(x * self.shown.span_us / self.width)

    def show(self, start_us: int, end_us: int) -> None:
        """Show a stretch, widened and moved to what can be shown."""
        whole = self.limits
        span_us = min(max(end_us - start_us, LEAST_SPAN_US), whole.span_us)
        start_us -= (span_us - (end_us - start_us)) // 2
        start_us = min(max(start_us, whole.start_us), whole.end_us - span_us)
        self.shown = Stretch(start_us, start_us + span_us)

    def zoom(self, factor: float, at_us: int) -> None:
        """Show `factor` times as much detail; `at_us` stays where it is, or comes into the middle if it is out of sight."""
        span_us = round(self.shown.span_us / factor)
        if factor > 1 and span_us == self.shown.span_us:
            span_us -= 1
        span_us = min(max(span_us, LEAST_SPAN_US), self.limits.span_us)
        inside = self.shown.start_us <= at_us <= self.shown.end_us
        share = (at_us - self.shown.start_us) / self.shown.span_us if inside else 0.5
        start_us = at_us - round(share * span_us)
        self.show(start_us, start_us + span_us)

    def pan(self, share: float) -> None:
        """Move by so much of the view, to later times where positive."""
        by_us = round(self.shown.span_us * share)
        self.show(self.shown.start_us + by_us, self.shown.end_us + by_us)

    def follow(self, cursor_us: int, way: int) -> bool:
        """Bring a cursor that travels in this direction (1, -1) into sight; whether the view moved."""
        border_us = round(self.shown.span_us * BORDER)
        if self.shown.start_us + border_us <= cursor_us <= self.shown.end_us - border_us:
            return False
        before = self.shown
        behind = BEHIND if way > 0 else 1 - BEHIND
        start_us = cursor_us - round(self.shown.span_us * behind)
        self.show(start_us, start_us + self.shown.span_us)
        return self.shown != before

    def ticks(self, zero_us: int) -> tuple[int, tuple[int, ...]]:
        """(step, event times) of the marks of the axis: 1, 2, 5 ... microseconds, counted from zero_us."""
        step_us = tick_step(self.us_per_px)
        first = -((zero_us - self.shown.start_us) // step_us)
        last = (self.shown.end_us - zero_us) // step_us
        return step_us, tuple(zero_us + step_us * number for number in range(first, last + 1))


def tick_step(us_per_px: float) -> int:
    """The least of 1, 2, 5, 10 ... us that has room for its text."""
    power = 1
    while True:
        for step in STEPS:
            if step * power >= us_per_px * TICK_PX:
                return step * power
        power *= 10


def tick_text(relative_us: int, step_us: int) -> str:
    """A time of the axis in seconds with as many digits as the step needs: "+4.8", "-0.000 250"."""
    digits = 0
    while digits < 6 and step_us % 10 ** (6 - digits):
        digits += 1
    sign = "+" if relative_us > 0 else "-" if relative_us < 0 else ""
    return tr("{seconds} s").format(seconds=sign + _decimal(abs(relative_us), digits))


def exact_text(relative_us: int) -> str:
    """A time to the microsecond: "+4.812 345 s"."""
    sign = "-" if relative_us < 0 else "+"
    return tr("{seconds} s").format(seconds=sign + _decimal(abs(relative_us), 6))


def _decimal(us: int, digits: int) -> str:
    whole, rest = divmod(us, US_PER_S)
    fraction = f"{rest:06d}"[:digits]
    grouped = fraction if digits <= 3 else f"{fraction[:3]} {fraction[3:]}"
    return f"{whole}.{grouped}" if digits else f"{whole}"


def span_text(us: int) -> str:
    """How long something is: in microseconds, "3.2 ms", "1.250 s"."""
    if abs(us) < 1000:
        return tr("{us} µs").format(us=us)
    if abs(us) < US_PER_S:
        return tr("{ms} ms").format(ms=f"{us / 1000:.1f}")
    return tr("{seconds} s").format(seconds=f"{us / US_PER_S:.2f}")
