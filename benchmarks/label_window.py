"""The Label page in the real window: how long until it shows what a key asked for. Every time ends with the repaint in which it
is to be seen. Run by benchmarks/label.py in a process of its own.
"""

import multiprocessing
import random
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from label_made import walked, write_dataset, write_queue, write_take
from label_seat import Screen, Sitting, seated, show
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

S = 1_000_000


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
            times, used = [], []
            for number in range(steps):
                if number % 10 == 0:
                    one.desk.seek(chance.randrange(*span_us))
                    one.until(one.events_there)
                    one.rest(0.15)
                times.append(_stepped(one, key, one.events_there))
                used.append(one.used_s)
            show(f"a window of {window_us / 1000:g} ms {words}, anywhere: key to events", times, goal, used)
    if one.desk.pictures:
        for key, words in (("Ctrl+Right", "on"), ("Ctrl+Left", "back")):
            times, used = [], []
            for number in range(steps):
                if number % 10 == 0:
                    one.desk.seek(chance.randrange(*span_us))
                    one.until(one.colours_there)
                    one.rest(0.15)
                times.append(_stepped(one, key, lambda: one.events_there() and one.colours_there()))
                used.append(one.used_s)
            show(f"a picture {words}, anywhere: key to the colour picture", times, goal, used)


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
