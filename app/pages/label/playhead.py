"""The cursor in a take: where it is, how it steps, how it plays. No Qt; knows no label.

Backwards is as forwards everywhere: nothing here waits for a picture.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from enum import StrEnum

from app.i18n import tr
from app.said import Said
from protocol.streams import Stream
from recorder.browse.pictures import PictureBrowser

LEAST_WINDOW_US, MOST_WINDOW_US = 1_000, 100_000
WINDOWS_US = (1_000, 2_000, 5_000, 10_000, 20_000, 33_333, 50_000, 100_000)
SPEEDS = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0)
AROUND_CUE_US = (500_000, 2_500_000)  # before and after it: the reaction takes up to a second, a movement about as long
FRAME_US = 33_333  # a step by a frame in a take without pictures
MOST_PAUSE_S = 30.0  # without a key longer than this nobody works on the take


class Unit(StrEnum):
    """What the cursor and landmarks move by."""

    WINDOW = "window"
    FRAME = "frame"
    STRIDE = "stride"
    MS = "ms"
    TENTH = "tenth"


# A stride lies between one window and ten: with it stepping alone needs a fifth fewer keys (benchmarks/label_keys.py).
STEPS_US = {Unit.STRIDE: 100_000, Unit.MS: 1_000, Unit.TENTH: 100}


class Playhead(ABC):
    """cursor_us: event time; window_us: events are accumulated over it; loop: (start, end) that is played again and again;
    playing: how many seconds of the take a second shows, negative backwards, None where it stands; speed: of the next playing.
    """

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self.version = 0
        self.cursor_us = 0
        self.window_us = 33_333
        self.loop: tuple[int, int] | None = None
        self.playing: float | None = None
        self.speed = 0.25
        self._clock_s = clock_s
        self._said: list[Said] = []
        self._played_s = 0.0
        self._rest_us = 0.0  # of the cursor, that is less than a microsecond
        self._fresh = False  # nothing was sought since the take was opened
        self._worked_s, self._spent_s = clock_s(), 0.0

    @property
    @abstractmethod
    def span_us(self) -> tuple[int, int] | None:
        """First and last instant of the take, None while there is none."""

    @property
    @abstractmethod
    def pictures(self) -> Mapping[Stream, PictureBrowser]:
        """The pictures by stream."""

    @property
    @abstractmethod
    def cue_us(self) -> int | None:
        """When the subject was told to move."""

    def _touch(self) -> None:
        self.version += 1

    def _worked(self) -> None:
        now_s = self._clock_s()
        self._spent_s += min(now_s - self._worked_s, MOST_PAUSE_S)
        self._worked_s = now_s

    def _time_spent(self) -> float:
        """Seconds of work since this was asked last."""
        self._worked()
        spent_s, self._spent_s = self._spent_s, 0.0
        return spent_s

    # The cursor

    def seek(self, t_us: int) -> None:
        """Go to an instant."""
        span_us = self.span_us
        if span_us is None:
            return
        self._fresh, self._rest_us = False, 0.0
        to_us = min(max(int(t_us), span_us[0]), span_us[1])
        if to_us != self.cursor_us:
            self.cursor_us = to_us
            self._touch()

    def step(self, way: int, unit: Unit, count: int = 1) -> None:
        """Go by so many units forwards or backwards; what plays stops."""
        self._worked()
        self.playing = None
        self.seek(self._stepped(self.cursor_us, way * count, unit))
        self._touch()

    def _stepped(self, from_us: int, steps: int, unit: Unit) -> int:
        if unit is Unit.FRAME:
            for stream in (Stream.RGB, Stream.FRAMES):
                browser = self.pictures.get(stream)
                to_us = browser.step(from_us, steps) if browser is not None else None
                if to_us is not None:
                    return to_us
            return from_us + steps * FRAME_US
        return from_us + steps * (self.window_us if unit is Unit.WINDOW else STEPS_US[unit])

    def set_window(self, window_us: int) -> None:
        """Accumulate events over this time, 1 to 100 ms."""
        self.window_us = min(max(window_us, LEAST_WINDOW_US), MOST_WINDOW_US)
        self._touch()

    def change_window(self, way: int) -> None:
        """The next longer or shorter window."""
        beyond = [us for us in WINDOWS_US if (us > self.window_us if way > 0 else us < self.window_us)]
        if beyond:
            self.set_window(min(beyond) if way > 0 else max(beyond))

    def to_cue(self) -> None:
        """To the cue."""
        if (cue_us := self.cue_us) is None:
            self._said.append(Said(tr("The cue of this take is not known."), "check"))
            return
        self.playing = None
        self.seek(cue_us)

    # Playing

    def toggle_play(self, way: int = 1) -> None:
        """Play, or stop."""
        self._worked()
        if self.span_us is None:
            return
        self.playing = None if self.playing is not None else self.speed * way
        self._played_s = self._clock_s()
        start_us, end_us = self.loop or self.span_us
        if self.playing is not None and not start_us <= self.cursor_us < end_us:
            self.seek(start_us)
        self._touch()

    def change_speed(self, way: int) -> None:
        """Twice or half as fast, 1/64 to 4 times."""
        place = SPEEDS.index(self.speed) + way
        self.speed = SPEEDS[min(max(place, 0), len(SPEEDS) - 1)]
        if self.playing is not None:
            self.playing = self.speed if self.playing > 0 else -self.speed
        self._touch()

    def play_around_cue(self) -> None:
        """Play only around the cue, or no more."""
        if self.loop is not None or self.cue_us is None:
            if self.loop is None:
                self.to_cue()
            self.loop, self.playing = None, None
            self._touch()
            return
        self._loop(self.cue_us - AROUND_CUE_US[0], self.cue_us + AROUND_CUE_US[1])

    def _loop(self, start_us: int, end_us: int) -> None:
        span_us = self.span_us
        if span_us is None:
            return
        self.loop = (max(start_us, span_us[0]), min(end_us, span_us[1]))
        self.playing = None
        self.seek(self.loop[0])
        self.toggle_play()

    def _play_on(self) -> None:
        now_s = self._clock_s()
        gone_s, self._played_s = now_s - self._played_s, now_s
        if self.playing is None or self.span_us is None:
            return
        start_us, end_us = self.loop or self.span_us
        exact = self.cursor_us + self._rest_us + gone_s * 1e6 * self.playing
        if self.loop and not start_us <= exact < end_us and end_us > start_us:
            exact = start_us + (exact - start_us) % (end_us - start_us)
        elif not start_us <= exact <= end_us:
            exact, self.playing = min(max(exact, start_us), end_us), None
        self.seek(int(exact // 1))
        self._rest_us = exact % 1
        self._touch()
