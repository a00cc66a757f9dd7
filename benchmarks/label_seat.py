"""Somebody before the real window with a keyboard only, who knows when what a key asked for was painted. Measures nothing."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QEventLoop, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.settings import AppSettings, Preferences, save_settings
from app.window.main_window import MainWindow
from app.window.start import Wishes, page_entries
from protocol.streams import Stream

GIVE_UP_S = 120.0
KEYS = {"Return": Qt.Key.Key_Return, "Space": Qt.Key.Key_Space, "Left": Qt.Key.Key_Left, "Right": Qt.Key.Key_Right}
KEYS |= {"PgDown": Qt.Key.Key_PageDown, "Down": Qt.Key.Key_Down, "End": Qt.Key.Key_End, "-": Qt.Key.Key_Minus}
KEYS |= {",": Qt.Key.Key_Comma, **{letter: getattr(Qt.Key, f"Key_{letter}") for letter in "ACFJLOPQSY"}}
HELD = {
    "": Qt.KeyboardModifier.NoModifier,
    "Ctrl": Qt.KeyboardModifier.ControlModifier,
    "Shift": Qt.KeyboardModifier.ShiftModifier,
}


class Screen(QApplication):
    """Knows when something was painted first. wanted: what is looked for after each repaint; seen: when it was so first."""

    def __init__(self) -> None:
        super().__init__([sys.argv[0]])
        self.setStyle("Fusion")
        self.wanted: dict[str, Callable[[], bool]] = {}
        self.seen: dict[str, float] = {}
        self._inside = False

    def notify(self, receiver: Any, event: Any) -> bool:
        """A repaint comes to the window or to what the platform knows it by, which hands it on."""
        if event.type() != QEvent.Type.UpdateRequest or self._inside:
            return bool(super().notify(receiver, event))
        self._inside = True
        done = bool(super().notify(receiver, event))
        self._inside = False
        now_s = time.perf_counter()
        self.seen |= {name: now_s for name, is_so in self.wanted.items() if name not in self.seen and is_so()}
        return done


class Sitting:
    """Somebody before the window. pressed: how many keys; used_s: of the processor, by its thread, for the last."""

    def __init__(self, screen: Screen, data: Path) -> None:
        self.screen, self.pressed, self.used_s = screen, 0, 0.0
        settings = data.with_name("settings.yaml")
        save_settings(AppSettings(tour_seen=True, coder="ann", data=str(data)), settings)
        preferences = Preferences(settings)
        entries = [entry for entry in page_entries(Wishes(data=data), preferences) if entry.name == "label"]
        self.window = MainWindow(entries, preferences)
        self.window.resize(1280, 760)
        self.window.show()
        self.window.activateWindow()
        self.began_s = time.perf_counter()
        self.window.show_page("label")

    @property
    def bench(self) -> Any:
        """The page's bench."""
        page: Any = self.window.pages["label"]
        return page.bench

    @property
    def desk(self) -> Any:
        """What is on it."""
        return self.bench.desk

    def sit_down(self) -> None:
        """Wait for the list and for the keys to be in it."""
        self.until(lambda: self.bench is not None and self.bench.list.table.hasFocus() and self.bench.queue.found_once)
        self.until(lambda: not self.bench.queue.looking and self.bench.list.table.currentIndex().isValid())

    def turn(self) -> None:
        """Let the window do what comes next."""
        self.screen.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)

    def until(self, wanted: Callable[[], bool]) -> None:
        """Wait until something is so."""
        end_s = time.perf_counter() + GIVE_UP_S
        while not wanted():
            if time.perf_counter() > end_s:
                raise TimeoutError(f"waited in vain for {GIVE_UP_S:.0f} s")
            self.turn()

    def painted(self, ask: Callable[[], object], **wanted: Callable[[], bool]) -> dict[str, float]:
        """Ask for something; after how many seconds each thing that is wanted was painted first."""
        screen = self.screen
        screen.wanted, screen.seen = wanted, {}
        began_s, used_s = time.perf_counter(), time.thread_time()
        ask()
        try:
            self.until(lambda: len(screen.seen) == len(wanted))
        finally:
            screen.wanted = {}
            self.used_s = time.thread_time() - used_s
        return {name: at_s - began_s for name, at_s in screen.seen.items()}

    def rest(self, seconds: float) -> None:
        """Look at the screen."""
        end_s = time.perf_counter() + seconds
        self.until(lambda: time.perf_counter() > end_s)

    def press(self, *names: str) -> None:
        """Press keys by Qt's queue of the platform."""
        for name in names:
            held, _, bare = name.rpartition("+")
            QTest.keyClick(self.window.windowHandle(), KEYS[bare], HELD[held])
            self.pressed += 1

    def settle(self) -> None:
        """Until every key has done what it does."""
        self.desk.wait(GIVE_UP_S)
        self.rest(0.04)

    def sees(self, take: Path) -> Callable[[], bool]:
        """Whether the events of a take at the cursor are drawn."""

        def seen() -> bool:
            bench = self.bench
            ready = bench is not None and bench.desk.take == take and bench.desk.media is not None
            return bool(ready and bench._shown is bench.desk.media and self.events_there() and self.stage.has_picture)

        return seen

    @property
    def stage(self) -> Any:
        """Where events are shown."""
        return self.bench.views.panes[Stream.EVENTS].stage

    def events_there(self) -> bool:
        """Whether the events of the cursor are drawn."""
        return bool(self.bench.views._at == (self.desk.cursor_us, self.desk.window_us))

    def colours_there(self) -> bool:
        """Whether the cursor's colour picture is drawn, were it a small copy."""
        browser = self.desk.pictures.get(Stream.RGB)
        drawn = self.bench.views._drawn.get(Stream.RGB)
        return browser is None or (drawn is not None and drawn[0] == browser.index_at(self.desk.cursor_us))

    def close(self) -> None:
        """Put everything away."""
        self.window._leave_anyway = True
        self.window.close()
        self.until(lambda: not self.window.isVisible())


@contextmanager
def seated(data: Path) -> Iterator[Sitting]:
    """Before a window with this data set."""
    screen = QApplication.instance()
    sitting = Sitting(screen if isinstance(screen, Screen) else Screen(), data)
    try:
        sitting.sit_down()
        yield sitting
    finally:
        sitting.close()


def show(what: str, times_s: list[float], goal: str = "", used_s: Sequence[float] = ()) -> None:
    """One line: seconds as milliseconds. used_s: of the processor, by the window's thread, whatever else runs."""
    told = np.array(times_s) * 1000
    median, high = np.percentile(told, [50, 95])
    line = f"  {what:<58} p50 {median:6.1f}  p95 {high:6.1f}  worst {told.max():6.1f} ms  (n {len(told)})"
    line += f"  (processor p95 {np.percentile(np.array(used_s) * 1000, 95):.1f} ms)" if used_s else ""
    print(f"{line}   goal {goal}" if goal else line, flush=True)
