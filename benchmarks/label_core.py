"""What the annotator's page reads by, without its window: events, pictures, curves and the list of takes, beside naive ways.

Peers, in the same run: dv-processing's MonoCameraRecording reading by time, OpenCV's VideoCapture seeking, a walk through the
folder with json. Run by benchmarks/label.py.
"""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import dv_processing as dv
import numpy as np
import psutil
from label_made import FACE, SIZE, T0_US, walked, write_take, write_video

from protocol.streams import Stream
from recorder.browse import curves, events
from recorder.browse.catalogue import Catalogue, Order, TakeFilter
from recorder.browse.curves import Curves
from recorder.browse.events import EventBrowser, Mode
from recorder.browse.pictures import PictureBrowser
from recorder.take import Take

WINDOWS_MS = (1, 10, 33, 100)
MS = 1000


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """(milliseconds by the clock, what came out)."""
    began = time.perf_counter()
    result = work()
    return (time.perf_counter() - began) * 1000, result


class Times:
    """Milliseconds by the clock and of the processor in the asking thread, of many questions."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []

    def of(self, work: Callable[..., Any], *arguments: object) -> Any:
        """Ask once."""
        cpu, wall = time.thread_time(), time.perf_counter()
        result = work(*arguments)
        self.wall.append((time.perf_counter() - wall) * 1000)
        self.cpu.append((time.thread_time() - cpu) * 1000)
        return result

    def __str__(self) -> str:
        median, high, most = np.percentile(self.wall, [50, 95, 100])
        cpu = np.percentile(self.cpu, 95)
        return f"median {median:7.2f}  p95 {high:7.2f}  worst {most:7.2f} ms   (processor: p95 {cpu:6.2f} ms)"


def show(what: str, value: object, goal: str = "") -> None:
    """One line of the report."""
    print(f"  {what:<58} {value}{'   goal ' + goal if goal else ''}", flush=True)


def cursors(span: tuple[int, int], steps: int, step_us: int) -> Iterator[tuple[str, list[int]]]:
    """Ways through a take: forwards and backwards from its middle, and jumps."""
    middle = sum(span) // 2
    yield "forwards", [min(span[1], middle + n * step_us) for n in range(steps)]
    yield "backwards", [max(span[0], middle - n * step_us) for n in range(steps)]
    random = np.random.default_rng(2)
    yield "jumping", [int(t_us) for t_us in random.integers(*span, steps)]


class MostMemory:
    """The largest resident size of this process meanwhile, in MiB, looked at a hundred times a second."""

    def __init__(self) -> None:
        self.most = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        process = psutil.Process()
        while not self._done.wait(0.01):
            self.most = max(self.most, process.memory_info().rss / 2**20)

    def __enter__(self) -> "MostMemory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


def step_events(path: Path, steps: int, goal: str, pause_s: float) -> None:
    """Our steps through a file. pause_s: between two steps, as keys or the screen leave."""
    with Take(path) as take, EventBrowser(take) as browser:
        assert browser.span_us is not None
        browser.accumulate(browser.span_us[0], browser.span_us[0] + 1000)
        for window_ms in WINDOWS_MS:
            for way, times_us in cursors(browser.span_us, steps, window_ms * MS):
                times = Times()
                for number, t_us in enumerate(times_us):
                    mode = list(Mode)[number % 2]
                    times.of(browser.accumulate, t_us - window_ms * MS, t_us, mode)
                    time.sleep(pause_s)
                show(f"window of {window_ms} ms, {way}", times, goal)
        show("decoded events held", f"{browser.held_bytes / 2**20:.0f} MiB")


def step_dv(path: Path, steps: int) -> None:
    """dv-processing reading the same by time and NumPy counting."""
    recording = dv.io.MonoCameraRecording(str(path))
    span = recording.getTimeRange()
    for window_ms in (33, 100):
        for way, times_us in cursors(span, max(20, steps // 6), window_ms * MS):
            times = Times()
            for t_us in times_us:
                times.of(counted_by_dv, recording, t_us - window_ms * MS, t_us)
            show(f"dv-processing: window of {window_ms} ms, {way}", times)
    gc.collect()


def counted_by_dv(recording: Any, start_us: int, end_us: int) -> Any:
    """Counts [2, H, W] by dv-processing's range reading and NumPy."""
    store = recording.getEventsTimeRange(max(start_us, recording.getTimeRange()[0]), end_us)
    if store is None or store.isEmpty():
        return None
    found = store.numpy()
    flat = (found["polarity"].astype(np.int64) * SIZE[1] + found["y"]) * SIZE[0] + found["x"]
    return np.bincount(flat, minlength=2 * SIZE[0] * SIZE[1])


def first_picture(path: Path) -> None:
    """From nothing to events and the colour picture in the middle of the take, five times; then OpenCV's."""
    ours, theirs, cpu = [], [], []
    for _ in range(5):
        began, used = time.perf_counter(), time.process_time()
        with Take(path) as take, PictureBrowser(take, Stream.RGB) as pictures, EventBrowser(take) as browser:
            assert browser.span_us is not None
            middle = sum(browser.span_us) // 2
            browser.accumulate(middle - 33 * MS, middle)
            events_ms = (time.perf_counter() - began) * 1000
            assert pictures.at(middle) is not None
            ours.append((events_ms, (time.perf_counter() - began) * 1000))
            cpu.append((time.process_time() - used) * 1000)
        theirs.append(timed(lambda: opened_by_opencv(path))[0])
    show("first events of a take", " ".join(f"{one:6.1f}" for one, _ in ours) + " ms", "150 ms")
    show("first colour picture, from its middle, in full size", " ".join(f"{one:6.1f}" for _, one in ours) + " ms", "150 ms")
    show("processor time of it, all threads", " ".join(f"{one:6.1f}" for one in cpu) + " ms")
    show("OpenCV: open, seek to the middle, read", " ".join(f"{one:6.1f}" for one in theirs) + " ms")


def opened_by_opencv(path: Path) -> Any:
    """The picture in the middle, as anybody would read it."""
    video = cv2.VideoCapture(str(path.with_suffix(".rgb.mp4")))
    video.set(cv2.CAP_PROP_POS_FRAMES, 150)
    return video.read()


def step_pictures(path: Path, steps: int) -> None:
    """Steps of a picture each, with what is held ready and in full size; then OpenCV's seeks."""
    with Take(path) as take, PictureBrowser(take, Stream.RGB) as pictures:
        span = (int(pictures.times_us[0]), int(pictures.times_us[-1]))
        pictures.at(sum(span) // 2)
        time.sleep(5.0)  # what a person looks before the first key; small copies are made meanwhile
        for way, times_us in cursors(span, min(steps, 140), 33_333):
            full, quick = Times(), Times()
            there = sum(quick.of(pictures.peek, t_us) is not None for t_us in times_us)
            for t_us in times_us:
                full.of(pictures.at, t_us)
                time.sleep(0.03)
            show(f"picture ready at once, {way} ({there} of {len(times_us)} there)", quick, "16 ms")
            show(f"picture in full size, {way}", full)
        show("decoded pictures held", f"{pictures.held_bytes / 2**20:.0f} MiB")
    video = cv2.VideoCapture(str(path.with_suffix(".rgb.mp4")))
    for way, times_us in cursors(span, 40, 33_333):
        times = Times()
        for t_us in times_us:
            times.of(read_by_opencv, video, t_us)
        show(f"OpenCV: seek and read, {way}", times)


def read_by_opencv(video: Any, t_us: int) -> Any:
    """The picture at an event time."""
    video.set(cv2.CAP_PROP_POS_MSEC, (t_us - T0_US) / 1000)
    return video.read()


def curve(path: Path, goal: str, cache: Path) -> None:
    """How long the curves take, counted and kept, and what drawing costs."""
    for what in ("counted", "kept"):
        with Take(path) as take, EventBrowser(take, ahead=False) as browser:
            began = time.perf_counter()
            with Curves(browser, FACE, cache=cache) as found:
                found.wait()
                show(f"curves of six regions, {what}", f"{(time.perf_counter() - began) * 1000:7.0f} ms", goal)
                if what == "counted":
                    draw(found)


def draw(found: Curves) -> None:
    """Zooming in from all of the take to its microseconds."""
    times, width_us = Times(), found.end_us - found.start_us
    while width_us > 1:
        middle = (found.start_us + found.end_us) // 2
        drawn = times.of(found.stretch, middle - width_us // 2, middle + width_us // 2)
        assert len(drawn.start_us) <= curves.POINTS
        width_us = width_us * 2 // 3
    show(f"2000 points of 6 regions at {len(times.wall)} zooms", times, "16 ms")


def list_takes(folder: Path, cache: Path) -> None:
    """The first index, the next looks, lists; then a walk through the folder."""
    with Catalogue(folder, cache=cache) as catalogue:
        show("first index", f"{timed(catalogue.refresh)[0]:7.0f} ms")
    opened, catalogue = timed(lambda: Catalogue(folder, cache=cache))
    with catalogue:
        show("opening the index again", f"{opened:7.1f} ms")
        asked = {
            "all takes": (TakeFilter(), Order.NAME),
            "all takes by confidence": (TakeFilter(), Order.UNSURE),
            "a filter of five": (TakeFilter(movements=("smile", "frown"), noise=False, verdicts=("check",)), Order.NAME),
        }
        for what, (chosen, order) in asked.items():
            times = Times()
            rows = [times.of(catalogue.takes, chosen, order) for _ in range(7)][-1]
            show(f"list {what} ({len(rows)})", times, "200 ms")
        times = Times()
        for row in rows[:10]:
            times.of(catalogue.unlabelled, "coder-1", row.path)
        show("next unlabelled", times)
        show("looking for changes", f"{timed(catalogue.refresh)[0]:7.0f} ms")
    show("a walk with json", f"{timed(lambda: walked(folder))[0]:7.0f} ms")


def short_take(folder: Path, steps: int) -> None:
    """A take of 10 s: 3 million events in packets of a camera's size, 300 pictures."""
    path = folder / "smile_1_1.aedat4"
    write_take(path, 3, 10, 1000)
    write_video(folder / "smile_1_1", 10)
    first_picture(path)
    step_events(path, steps, "16 ms", 0.005)
    step_pictures(path, steps)
    curve(path, "500 ms", folder / "cache")
    step_dv(path, steps)


def long_take(path: Path, cache: Path, steps: int) -> None:
    """A long recording, which is larger than the memory that is used for it."""
    gc.collect()
    with MostMemory() as memory:
        opening, browser = timed(lambda: opened(path))
        browser.close()
        show("opened, first events", f"{opening:7.0f} ms")
        step_events(path, steps, "50 ms", 0.005)
        curve(path, "", cache)
    show("most memory of the process meanwhile, peers not among it", f"{memory.most:7.0f} MiB", "1000 MB")
    step_dv(path, steps)


def opened(path: Path) -> EventBrowser:
    """With its first window looked at."""
    with Take(path) as take:
        browser = EventBrowser(take)
    assert browser.span_us is not None
    browser.accumulate(sum(browser.span_us) // 2, sum(browser.span_us) // 2 + 33 * MS)
    return browser


def warm_up() -> None:
    """Compile or load what counts events."""
    show("compiled or loaded", f"{timed(events.warm_up)[0] + timed(curves.warm_up)[0]:7.0f} ms")
