"""The Label page in the real window before somebody who has only a keyboard: how long until it shows what a key asked for.

Every time ends with the repaint of the window in which it is to be seen. Run by benchmarks/label.py in a process of its own.
"""

import multiprocessing
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from label_made import T0_US, walked, write_dataset, write_queue, write_take
from PySide6.QtCore import QEvent, QEventLoop, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.settings import AppSettings, Preferences, save_settings
from app.window.main_window import MainWindow
from app.window.start import Wishes, page_entries
from protocol.streams import Stream
from recorder.labelstate import read_labels

GIVE_UP_S = 120.0
MS, S = 1_000, 1_000_000
REACTION_S, SPREAD_S = 0.25, 0.04  # from seeing to pressing: simple reaction to light, Woods et al., Front. Hum. Neurosci. 2015
KEY_S, THINK_S = (
    0.2,
    1.35,
)  # of the keystroke-level model: a key of a good typist, one act of thinking (Card, Moran & Newell 1980)
NEAR_US = 17_000  # half a picture of 30 a second: nearer than that nobody who looks at pictures can say
KEYS = {"Return": Qt.Key.Key_Return, "Space": Qt.Key.Key_Space, "Left": Qt.Key.Key_Left, "Right": Qt.Key.Key_Right}
KEYS |= {"PgDown": Qt.Key.Key_PageDown, "Down": Qt.Key.Key_Down, "End": Qt.Key.Key_End, "-": Qt.Key.Key_Minus}
KEYS |= {",": Qt.Key.Key_Comma, **{letter: getattr(Qt.Key, f"Key_{letter}") for letter in "ACFJLOQS"}}
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
    """Somebody before the window. pressed: how many keys."""

    def __init__(self, screen: Screen, data: Path) -> None:
        self.screen, self.pressed = screen, 0
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
        began_s = time.perf_counter()
        ask()
        try:
            self.until(lambda: len(screen.seen) == len(wanted))
        finally:
            screen.wanted = {}
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


def show(what: str, times_s: list[float], goal: str = "") -> None:
    """One line: seconds as milliseconds."""
    told = np.array(times_s) * 1000
    median, high = np.percentile(told, [50, 95])
    line = f"  {what:<58} p50 {median:7.1f}  p95 {high:7.1f}  worst {told.max():7.1f} ms  (n {len(told)})"
    print(f"{line}   goal {goal}" if goal else line, flush=True)


# --- opening and stepping


def opening(folder: Path, takes: int, steps: int) -> None:
    """First picture and whole timeline of takes that nobody opened before, and of the next one; then steps."""
    paths = write_queue(folder / "data", takes, suggested=False, onsets_us=[(400_000, 700_000, 1_200_000)] * takes)
    with seated(folder / "data") as one:
        firsts: list[float] = []
        colours: list[float] = []
        lines: list[float] = []
        nexts: list[float] = []
        for number in range(0, takes - 1, 2):
            one.until(lambda: one.bench.list.table.hasFocus())
            seen = _opened(one, "Return", paths[number])
            firsts, colours, lines = [*firsts, seen["events"]], [*colours, seen["colours"]], [*lines, seen["line"]]
            one.settle()
            one.until(lambda: one.desk._next is not None)
            one.rest(0.3)
            nexts.append(_opened(one, "PgDown", paths[number + 1])["events"])
            one.settle()
            if number + 2 < takes - 1:
                one.press("Q")
                one.until(lambda: one.bench.list.table.hasFocus())
                one.desk._wanted_next = one.desk._next = (
                    None  # the one after next is to be opened as if nobody had looked at it
                )
                one.press("Down")
        show("key to first picture: events", firsts, "150 ms")
        show("key to colour picture at the cue (a small copy counts)", colours, "150 ms")
        show("key to the complete timeline", lines, "500 ms")
        show("key to first picture of the next take, which was fetched", nexts, "150 ms")
        _step(one, steps, "16 ms p95")


def _opened(one: Sitting, key: str, take: Path) -> dict[str, float]:
    there = one.sees(take)

    def line() -> bool:
        return there() and one.desk.curves.complete and not one.bench.timeline._again.isActive()  # it looks again no more

    return one.painted(lambda: one.press(key), events=there, colours=lambda: there() and one.colours_there(), line=line)


def _step(one: Sitting, steps: int, goal: str) -> None:
    """Keys that step, from places all over the take."""
    chance = random.Random(3)
    span_us = (one.desk.span_us[0] + 2 * S, one.desk.span_us[1] - 2 * S)
    for window_us in (10_000, 33_333, 100_000):
        one.desk.set_window(window_us)
        for key, words in (("Right", "on"), ("Left", "back")):
            times = []
            for number in range(steps):
                if number % 10 == 0:
                    one.desk.seek(chance.randrange(*span_us))
                    one.until(one.events_there)
                    one.rest(0.15)
                times.append(_stepped(one, key, one.events_there))
            show(f"a window of {window_us / 1000:g} ms {words}, anywhere: key to events", times, goal)
    if one.desk.pictures:
        for key, words in (("Ctrl+Right", "on"), ("Ctrl+Left", "back")):
            times = []
            for number in range(steps):
                if number % 10 == 0:
                    one.desk.seek(chance.randrange(*span_us))
                    one.until(one.colours_there)
                    one.rest(0.15)
                times.append(_stepped(one, key, lambda: one.events_there() and one.colours_there()))
            show(f"a picture {words}, anywhere: key to the colour picture", times, goal)


def _stepped(one: Sitting, key: str, there: Callable[[], bool]) -> float:
    before_us = one.desk.cursor_us
    one.rest(0.012 + 0.02 * random.random())  # keys know nothing of the window's timer
    seen = one.painted(lambda: one.press(key), there=lambda: one.desk.cursor_us != before_us and there())
    return seen["there"]


def long_recording(folder: Path, minutes: float, mev: float, steps: int) -> None:
    """The same in a recording that is larger than the memory for it."""
    path = folder / "data" / "1" / "smile_1_1.aedat4"
    path.parent.mkdir(parents=True)
    writer = multiprocessing.get_context("spawn").Process(target=write_take, args=(path, mev, minutes * 60, 10_000))
    writer.start()  # its memory is not ours
    writer.join()
    process = psutil.Process()
    with seated(folder / "data") as one:
        seen = _opened(one, "Return", path)
        show("key to first picture: events", [seen["events"]])
        show("key to the complete timeline", [seen["line"]])
        _step(one, steps, "50 ms")
        most = _peak(process)
    print(f"  {'most memory of the whole window meanwhile':<58} {most / 2**20:.0f} MiB   goal 1000 MB", flush=True)


def _peak(process: psutil.Process) -> int:
    """The kernel's own high-water mark where it keeps one."""
    status = Path(f"/proc/{process.pid}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), process.memory_info().rss)


# --- the list


def listing(folder: Path, takes: int) -> None:
    """The first index; the list of a data set that is known; filters."""
    data = folder / "data"
    write_dataset(data, takes)
    with seated(data) as one:
        print(f"  {'first index, with its list':<58} {(time.perf_counter() - one.began_s) * 1000:7.0f} ms")
    lists, filters, typed = [], [], []
    for _ in range(3):
        screen = QApplication.instance()
        assert isinstance(screen, Screen)
        one = Sitting(screen, data)
        lists.append(_listed(one, 0.9 * takes))
        one.sit_down()
        one.rest(0.5)
        filters += _filtered(one)
        typed += _typed(one)
        one.close()
    show("list of takes that are known, from the page's being there", lists, "200 ms")
    show("a filter of three, chosen, to its list", filters, "200 ms")
    show("letters typed to their list (120 ms of it wait for more)", typed, "200 ms")
    began_s = time.perf_counter()
    walked(data)
    print(f"  {'peer: a walk through the folder with json':<58} {(time.perf_counter() - began_s) * 1000:7.0f} ms")


def _listed(one: Sitting, takes: float) -> float:
    one.until(lambda: one.bench is not None)
    return one.painted(lambda: None, rows=lambda: len(one.bench.list.table_model.rows) > takes)["rows"]


def _filtered(one: Sitting) -> list[float]:
    return [_chosen(one, *wanted) for wanted in (("smile", "good"), ("frown", "check"), (None, None))]


def _chosen(one: Sitting, movement: str | None, verdict: str | None) -> float:
    filters, before = one.bench.list.filters, one.bench.list.table_model.rows

    def choose() -> None:
        filters.choices["movement"].choose(movement)
        filters.choices["verdict"].choose(verdict)
        filters._tell()

    return one.painted(choose, rows=lambda: one.bench.list.table_model.rows is not before)["rows"]


def _typed(one: Sitting) -> list[float]:
    one.bench.list.focus_filter()
    before = one.bench.list.table_model.rows
    QTest.keyClicks(one.bench.list.filters.text, "smile_1")
    last = one.painted(
        lambda: QTest.keyClicks(one.bench.list.filters.text, "4"),
        rows=lambda: one.bench.list.table_model.rows is not before,
    )
    return [last["rows"]]


# --- labelling


def labelling(folder: Path, takes: int) -> None:
    """Whole queues by keys: with good suggestions; without any by playing and by stepping."""
    chance = random.Random(5)
    truth = [_movement(chance) for _ in range(takes)]
    cases: tuple[tuple[str, bool, Callable[[Sitting, tuple[int, int, int]], None], int], ...] = (
        ("good suggestions: looked at, accepted", True, _accept, 3),
        ("no suggestions: marked while it plays, then by pictures", False, _by_playing, 12),
        ("no suggestions: by steps alone", False, _by_steps, 12),
    )
    for name, suggested, way, goal in cases:
        data = folder / way.__name__
        paths = write_queue(data, takes, suggested=suggested, onsets_us=truth)
        with seated(data) as one:
            one.press("Return")
            keys, times = _label(one, paths, truth, way)
        wrong = [_wrong_us(path, marks_us) for path, marks_us in zip(paths, truth, strict=True)]
        human = np.array(times) + np.array(keys) * KEY_S + THINK_S * (1 if suggested else 3)
        print(
            f"  {name:<58} {np.mean(keys):5.1f} keys, most {max(keys)}   goal {goal}\n"
            f"  {'':<58} {np.mean(times):5.1f} s a take; {human.mean():.1f} s with a person's fingers and thinking; "
            f"off by {np.median(wrong) / 1000:.1f} ms (median)",
            flush=True,
        )


def _movement(chance: random.Random) -> tuple[int, int, int]:
    """Onset, apex and offset after the cue, as subjects react."""
    onset_us = chance.randint(250_000, 650_000)
    apex_us = onset_us + chance.randint(150_000, 400_000)
    return onset_us, apex_us, apex_us + chance.randint(200_000, 600_000)


def _label(
    one: Sitting, paths: list[Path], truth: list[tuple[int, int, int]], way: Callable[[Sitting, tuple[int, int, int]], None]
) -> tuple[list[int], list[float]]:
    keys: list[int] = []
    times: list[float] = []
    for path, marks_us in zip(paths, truth, strict=True):
        one.until(lambda path=path: one.sees(path)() and one.desk.labels is not None)  # type: ignore[misc]
        if not keys and way is _by_playing:
            one.press("-", "C")  # an eighth of the speed from now on
        one.rest(0.2)
        one.pressed, began_s = 0, time.perf_counter()
        cue_us = one.desk.cue_us
        way(one, (cue_us + marks_us[0], cue_us + marks_us[1], cue_us + marks_us[2]))
        one.press("Return")
        if path is paths[-1]:
            one.settle()
        else:
            one.until(lambda path=path: one.desk.take != path and one.desk.media is not None)  # type: ignore[misc]
        keys.append(one.pressed)
        times.append(time.perf_counter() - began_s)
    return keys, times


def _accept(one: Sitting, _marks_us: tuple[int, int, int]) -> None:
    """Watch the suggested movement twice in a loop, then Return."""
    one.press("S", "Space")
    one.rest(0.5)


def _by_playing(one: Sitting, marks_us: tuple[int, int, int]) -> None:
    """O, A and F as they are seen while it plays at an eighth; then each is put right by pictures: a person's delay."""
    chance = random.Random(marks_us[0])
    one.press("Space")
    for key, at_us in zip("OAF", marks_us, strict=True):
        one.until(lambda at_us=at_us: one.desk.cursor_us >= at_us)  # type: ignore[misc]
        one.rest(max(0.0, chance.gauss(REACTION_S, SPREAD_S)))
        one.press(key)
    one.settle()
    for number, (name, at_us) in enumerate(zip(("offset", "apex", "onset"), reversed(marks_us), strict=True)):
        if number:
            one.press(",")
            one.settle()
        while _placed_us(one, name) - at_us > NEAR_US:
            one.press("Ctrl+J")
            one.settle()
        while at_us - _placed_us(one, name) > NEAR_US:
            one.press("Ctrl+L")
            one.settle()


def _placed_us(one: Sitting, landmark: str) -> int:
    return int(getattr(one.desk.labels.intervals[0], f"{landmark}_us"))


def _by_steps(one: Sitting, marks_us: tuple[int, int, int]) -> None:
    """The shortest way by ten windows and single windows to each landmark."""
    for key, at_us in zip("OAF", marks_us, strict=True):
        while abs(away_us := at_us - one.desk.cursor_us) > NEAR_US:
            many = abs(away_us) > 5.5 * one.desk.window_us
            one.press(("Shift+" if many else "") + ("Right" if away_us > 0 else "Left"))
        one.press(key)
    one.settle()


def _wrong_us(path: Path, marks_us: tuple[int, int, int]) -> float:
    labels = read_labels(path)["ann"]
    assert labels.done
    (interval,) = labels.intervals
    cue_us = T0_US + 5 * S
    found = (interval.onset_us, interval.apex_us or 0, interval.offset_us)
    return float(np.mean([abs(at_us - cue_us - mark_us) for at_us, mark_us in zip(found, marks_us, strict=True)]))
