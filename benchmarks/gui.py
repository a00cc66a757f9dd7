"""The window: what a picture costs to draw, beside pyqtgraph; start-up, preview rate, frame time, latency from event to pixel.

    python benchmarks/gui.py [--only drawing|window] [--seconds 20] [--rate 1.0]

The window is the real one, on a virtual X server where there is no display, with the simulated rig in its own process.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from protocol.streams import EVENT_DTYPE, Array

SIZES = ((346, 260), (640, 480))
EVENTS, FRAME_US = 30_000, 16_000  # of a picture: 1.9 Mev/s at 60 Hz
ROUNDS = 100
SHOWN = (900, 675)
WARM_S = 4.0  # of the preview before it is measured
GIVE_UP_S = 60.0


def main() -> None:
    """Print both parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["drawing", "window"])
    parser.add_argument("--seconds", type=float, default=20.0, help="of preview that are measured")
    parser.add_argument("--rate", type=float, default=1.0, help="millions of events per second of the simulated rig")
    parser.add_argument("--child", choices=["drawing", "window"], help=argparse.SUPPRESS)
    parser.add_argument("--born", type=float, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        drawing() if args.child == "drawing" else Window(args.seconds, args.rate, args.born).run()
        return
    for part in ("drawing", "window"):
        if args.only in (None, part):
            _in_child(part, args.seconds, args.rate)


def _in_child(part: str, seconds: float, rate: float) -> None:
    words = [sys.executable, __file__, "--child", part, "--seconds", str(seconds), "--rate", str(rate)]
    with display() as environment, tempfile.TemporaryDirectory() as folder:
        words += ["--born", str(time.monotonic())]
        homes = {name: f"{folder}/{name}" for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME")}
        subprocess.run(words, env=environment | homes, check=True, cwd=Path(__file__).parents[1])


@contextmanager
def display() -> Iterator[dict[str, str]]:
    """The environment with a display: the one there is, else Xvfb's, else none (Qt's offscreen platform)."""
    environment = dict(os.environ)
    if environment.get("DISPLAY") or environment.get("QT_QPA_PLATFORM"):
        yield environment
        return
    server = shutil.which("Xvfb")
    if server is None:
        yield environment | {"QT_QPA_PLATFORM": "offscreen"}
        return
    read, write = os.pipe()
    words = [server, "-displayfd", str(write), "-screen", "0", "1920x1080x24", "-nolisten", "tcp"]
    with subprocess.Popen(words, pass_fds=(write,), stderr=subprocess.DEVNULL) as process:
        os.close(write)
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        try:
            yield environment | {"DISPLAY": f":{number}", "QT_QPA_PLATFORM": "xcb"}
        finally:
            process.terminate()


# --- drawing


def drawing() -> None:
    """What one picture costs: counting events in and making colours of them, and painting those into a widget."""
    from app.preview.render import EventMode, warm_up
    from app.window.start import make_application

    application = make_application()
    warm_up()
    print(f"Drawing {EVENTS:,} new events, median of {ROUNDS}, ms ({application.platformName()})")
    print(f"{'':34}{'colours':>9}{'painted':>9}")
    for size in SIZES:
        for mode in EventMode:
            _row(f"Glimpse, {mode.value}, {size[0]}x{size[1]}", *_ours(size, mode))
        _row(f"pyqtgraph ImageItem, {size[0]}x{size[1]}", *_peer(size))
    for name, call in _others().items():
        _row(name, None, _median(call))


def _row(name: str, colours_ms: float | None, painted_ms: float) -> None:
    print(f"{name:34}{'' if colours_ms is None else f'{colours_ms:9.2f}':>9}{painted_ms:9.2f}")


def _median(call: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1000


def _events(size: tuple[int, int], start_us: int = 0) -> Array:
    rng = np.random.default_rng(1)
    events = np.zeros(EVENTS, EVENT_DTYPE)
    events["x"], events["y"] = rng.integers(0, size[0], EVENTS), rng.integers(0, size[1], EVENTS)
    events["p"], events["t"] = rng.integers(0, 2, EVENTS), start_us + np.sort(rng.integers(0, FRAME_US, EVENTS))
    return events


def _ours(size: tuple[int, int], mode: Any) -> tuple[float, float]:
    from app.preview.render import EventCanvas
    from app.widgets.stage import Stage

    canvas, stage, events = EventCanvas(size), Stage(), _events(size)
    canvas.mode = mode
    stage.resize(*SHOWN)

    def colours() -> Any:
        events["t"] += FRAME_US
        canvas.feed(events)
        return canvas.draw()

    stage.show_pixels(colours())
    return _median(colours), _median(stage.grab)


def _peer(size: tuple[int, int]) -> tuple[float, float]:
    """The same picture the usual way: signed counts that decay in NumPy, shown by pyqtgraph as a float image."""
    import pyqtgraph as pg

    view, item, events = pg.GraphicsView(), pg.ImageItem(axisOrder="row-major"), _events(size)
    box = pg.ViewBox(lockAspect=True, invertY=True)
    view.setCentralItem(box)
    box.addItem(item)
    item.setColorMap(pg.colormap.get("CET-D1"))
    view.resize(*SHOWN)
    values = np.zeros(size[::-1], np.float32)
    left = np.float32(np.exp(-FRAME_US / 30_000))

    def colours() -> Any:
        np.multiply(values, left, out=values)
        np.add.at(values, (events["y"], events["x"]), np.where(events["p"] > 0, np.float32(1), np.float32(-1)))
        return values

    def painted() -> None:
        item.setImage(values, levels=(-2, 2))  # its colours are made when it is painted
        view.grab()

    colours()
    return _median(colours), _median(painted)


def _others() -> dict[str, Callable[[], object]]:
    from app.widgets.gallery import PROMPTS, picture, rate_events
    from app.widgets.picture_view import PictureView
    from app.widgets.prompter import Prompter
    from app.widgets.rate_strip import RateStrip
    from protocol.streams import Stream

    strip, colour, prompter = RateStrip(), PictureView(Stream.RGB), Prompter()
    strip.resize(900, 112)
    strip.feed(rate_events(20.0))
    colour.resize(320, 260)
    colour.show_picture(picture(Stream.RGB))
    prompter.resize(900, 260)
    prompter.show_prompt(PROMPTS["neutral"])

    def scrolled() -> None:
        strip.refresh()
        strip.grab()

    return {"strip of rates, 15 s": scrolled, "colour picture 640x480": colour.grab, "prompter 900x260": prompter.grab}


# --- the window


class Window:
    """The real window with a session on the simulated rig, timed event by event."""

    def __init__(self, seconds: float, rate_mev_s: float, born_s: float) -> None:
        """born_s: the monotonic clock, which is one for all processes, just before this one was started."""
        self._seconds, self._rate, self._born_s = seconds, rate_mev_s, born_s
        self._updates = 0  # repaints of the window
        self._frames: list[float] = []  # seconds that a repaint took with the tick before it
        self._work: list[float] = []  # and how long the window's thread was at work in them, not waiting for a core
        self._late: list[float] = []  # seconds from the arrival of a batch to the end of the repaint that shows it
        self._waiting: list[int] = []
        self._tick_s = self._tick_work_s = 0.0
        self._news = 0  # repaints that showed new events
        self._counts = self._inside = False

    def run(self) -> None:
        """Print start-up and preview."""
        from PySide6.QtCore import QEvent
        from PySide6.QtWidgets import QApplication

        outer = self

        class Timed(QApplication):
            def notify(self, receiver: Any, event: Any) -> bool:
                # A repaint comes to the window or to what the platform knows it by, which hands it on.
                if event.type() != QEvent.Type.UpdateRequest or outer._inside:
                    return bool(super().notify(receiver, event))
                outer._inside, begun, worked = True, time.perf_counter(), time.thread_time()
                done = bool(super().notify(receiver, event))
                outer._inside = False
                outer._painted(time.perf_counter() - begun, time.thread_time() - worked)
                return done

        application = Timed([sys.argv[0]])
        application.setStyle("Fusion")
        with tempfile.TemporaryDirectory() as folder:
            self._show(application, Path(folder))

    def _show(self, application: Any, folder: Path) -> None:
        from app.settings import Preferences
        from app.window.start import Wishes, make_window

        self._window = make_window(Wishes(), Preferences())
        self._window.show()
        self._spin(lambda: self._updates > 0)
        print(f"\nWindow ({application.platformName()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f})")
        print(f"  start of the process to first picture  {time.monotonic() - self._born_s:6.2f} s")
        self._spin(lambda: "record" in self._window.pages)
        print(f"  to the Record page                     {time.monotonic() - self._born_s:6.2f} s")
        page: Any = self._window.pages["record"]
        page.activate()
        self._turn(1.0)
        page.begin(self._wishes(folder))
        self._preview(page.session_view)
        self._window.close()
        self._spin(lambda: not self._window.isVisible())

    def _wishes(self, folder: Path) -> Any:
        from app.pages.record.setup_model import SessionWishes
        from protocol.script import parse_script
        from protocol.session import Session
        from recorder.dataset import Dataset
        from recorder.messages import RigSpec

        data = folder / "data"
        Dataset.create(data, "benchmark", simulated=True)
        script = parse_script(files("assets").joinpath("scripts", "default.yaml").read_text(encoding="utf-8"), "default")
        plain = script.model_dump(mode="json")
        session = Session(subject=1, label="a", script=plain, order_seed=1, started_at=datetime.now(UTC))
        rig = RigSpec(camera=f"sim:1,head=builtin,rate={self._rate}", rgb="sim", thermal="sim")
        return SessionWishes(data, True, session, script, rig)

    def _preview(self, view: Any) -> None:
        self._spy(view)
        self._spin(lambda: view.live.now_us is not None)
        self._turn(WARM_S)
        self._counts = True
        history = view.live.strip.history
        begun, first_us, got = time.perf_counter(), view.live.now_us, len(self._frames)
        self._turn(self._seconds)
        passed = time.perf_counter() - begun
        series = history.series(self._seconds)
        rate = float((series.on + series.off).mean()) / 1e6
        done = len(self._frames) - got
        print(f"  preview, {rate:.2f} Mev/s, {passed:.0f} s         {done / passed:6.1f} pictures/s")
        print(f"  of these with new events               {self._news / passed:6.1f} /s")
        print(f"  event time shown per second            {(view.live.now_us - first_us) / 1e6 / passed:6.2f} s")
        named = {
            "frame time (tick and painting)": self._frames,
            "of this, work of the thread": self._work,
            "event to pixel": self._late,
        }
        for name, values in named.items():
            low, high = np.percentile(np.array(values) * 1000, (50, 99))
            print(f"  {name:32} p50 {low:6.1f} ms   p99 {high:6.1f} ms   worst {max(values) * 1000:6.1f} ms")

    def _spy(self, view: Any) -> None:
        """Note when each batch reached the host and how long a tick takes."""
        from recorder.ring import RingReader

        readers: list[RingReader] = []
        pull = view.live.pull

        def pulled() -> None:
            pull()
            if not readers and view.live.now_us is not None:
                readers.append(RingReader(view.flow.runtime / "batches.ring"))
            self._waiting += [int(one) for reader in readers for one in reader.read().records["host_ns"]]

        def ticked() -> None:
            begun, worked = time.perf_counter(), time.thread_time()
            view.tick()
            self._tick_s, self._tick_work_s = time.perf_counter() - begun, time.thread_time() - worked

        view.live.pull = pulled
        view._timer.timeout.disconnect()
        view._timer.timeout.connect(ticked)

    def _painted(self, spent_s: float, worked_s: float) -> None:
        self._updates += 1
        now_ns, waiting, self._waiting = time.monotonic_ns(), self._waiting, []
        if self._counts:
            self._news += bool(waiting)
            self._frames.append(self._tick_s + spent_s)
            self._work.append(self._tick_work_s + worked_s)
            self._tick_s = self._tick_work_s = 0.0  # a second repaint has no tick of its own
            self._late += [(now_ns - one) / 1e9 for one in waiting]

    def _spin(self, until: Callable[[], bool]) -> None:
        end = time.perf_counter() + GIVE_UP_S
        while not until():
            if time.perf_counter() > end:
                raise SystemExit(f"nothing came for {GIVE_UP_S:.0f} s")
            self._turn(0.01)

    def _turn(self, seconds: float) -> None:
        """Let the window live."""
        from PySide6.QtCore import QEventLoop, QTimer

        loop = QEventLoop()
        QTimer.singleShot(round(seconds * 1000), loop.quit)
        loop.exec()


if __name__ == "__main__":
    main()
