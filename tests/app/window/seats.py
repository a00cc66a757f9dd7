"""Somebody who sits before the window: presses keys and looks what it says. In this process, or before one of its own.

As a program, `seats.py DATA [CAMERA [RGB]]`: the window as `glimpse` opens it, which tells on its standard output what it
shows, and presses the keys that are named on its standard input.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest

from app.settings import AppSettings, Preferences, save_settings
from app.window.main_window import MainWindow
from app.window.start import Wishes, make_window

PATIENCE_S = 60.0
CAMERA = "sim:3,head=builtin,take=1"
KEYS = {"Return": Qt.Key.Key_Return, "Escape": Qt.Key.Key_Escape, "F2": Qt.Key.Key_F2, "F3": Qt.Key.Key_F3}
KEYS |= {letter: getattr(Qt.Key, f"Key_{letter.upper()}") for letter in "abcdefghijklmnopqrstuvwxyz0123456789"}
KEYS |= {"Down": Qt.Key.Key_Down, "Right": Qt.Key.Key_Right}

# Two movements, 2.4 s a take: no time for a face to be judged well, enough for everything else.
TWO_MOVEMENTS = """\
format: glimpse-script
version: "1.0"
name: two
kind: movements
movements: [frown, smile]
repetitions: 1
order: {mode: fixed, seed: null}
distance_mm: [300, 400]
background: white
languages: [en]
anchor: neutral
cue: movement
steps:
  - {id: settle, action: settle, seconds: 0.3, prompt: {en: Settle}}
  - {id: paper_in, action: paper_in, seconds: 0.2, start_mark: paper_in, prompt: {en: Paper}}
  - {id: countdown, action: hold_paper, seconds: 0.3, countdown: true, prompt: {en: Hold}}
  - {id: neutral, action: neutral, seconds: 1.0, start_mark: paper_out, prompt: {en: Neutral}}
  - {id: movement, action: move, seconds: 0.6, start_mark: cue, prompt: {en: Move}}
"""
LONG = TWO_MOVEMENTS.replace("seconds: 0.6, start_mark: cue", "seconds: 60, start_mark: cue")


def make_settings(folder: Path, script: str = TWO_MOVEMENTS, **values: Any) -> Path:
    """The file of preferences with this script, after the tour."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "script.yaml").write_text(script)
    path = folder / "glimpse" / "settings.yaml"
    save_settings(AppSettings(**{"tour_seen": True, "script": str(folder / "script.yaml"), **values}), path)
    return path


def shown_by(window: MainWindow) -> dict[str, Any]:
    """What an operator can see of the window, in words."""
    told: dict[str, Any] = {
        "tour": window.guide.tour is not None,
        "banners": {strip.message.key: strip.message.text for strip in window.banners._strips},
        "toasts": window.toasts.texts(),
        "fits": window.screen().availableGeometry().contains(window.geometry()),
        "page": "",
        "label": _labels(window.pages.get("label")),
    }
    page: Any = window.pages.get("record")
    if page is None:
        return told
    model = page.setup.model
    in_setup = page._stack.currentWidget() is page.setup
    told |= {"page": "setup" if in_setup else "session", "ready": model.folder is not None and model.cameras.looked}
    told |= {"problems": model.problems() if told["ready"] else {}, "resumes": model.resume.label if model.resume else None}
    return told | (_session(page) if page.session_view is not None else {"stage": "setup"})


def _labels(page: Any) -> dict[str, Any]:
    """What the Label page shows. settled: every key has done what it does."""
    bench = page.bench if page is not None else None
    if bench is None:
        return {"rows": 0, "keys": "", "take": "", "ready": False, "settled": False}
    desk, labels = bench.desk, bench.desk.labels
    return {
        "rows": len(bench.queue.rows),
        "done": bench.queue.counts.done,
        "keys": "list" if bench.list.table.hasFocus() and bench.list.table.currentIndex().isValid() else "",
        "take": desk.take.name if desk.take is not None else "",
        "ready": desk.media is not None and labels is not None and bench._shown is desk.media,
        "settled": desk.wait(0) and desk._news.empty(),
        "read_only": desk.read_only,
        "intervals": [one.model_dump(mode="json") for one in labels.intervals] if labels is not None else [],
    }


def _session(page: Any) -> dict[str, Any]:
    flow, view = page.flow, page.session_view
    take = flow.takes.take
    streams = take.status.streams if take is not None and take.status is not None else {}
    return {
        "stage": flow.stage.value,
        "take": flow.takes.stage.value,
        "armed": flow.armed is not None,
        "level": flow.rig_state.level,
        "must_confirm": flow.must_confirm,
        "chosen": str(flow.chosen) if flow.chosen else None,
        "practice": flow.practice,
        "verdict": flow.verdict.value,
        "step": take.prompt.step if take is not None and take.prompt is not None else None,
        "events": streams["events"].written if "events" in streams else 0,
        "path": str(take.path) if take is not None and take.path is not None else None,
        "message": take.done.message if take is not None and take.done is not None else None,
        "panel": type(view._side.currentWidget()).__name__,
        "grid": {str(cell.place): cell.state.value for cell in flow.grid.cells} if flow.grid else {},
        "takes": sorted(one.path.name for one in flow.grid.takes) if flow.grid else [],
        "settled": flow.settled,
    }


class Seat:
    """What both kinds of seats can do. told: what the window shows now, as attributes."""

    def key(self, name: str) -> None:
        """Press and release a key; "ctrl+e" is two."""
        raise NotImplementedError

    def look(self) -> dict[str, Any]:
        """What the window shows now."""
        raise NotImplementedError

    def wait(self) -> None:
        """Let a little time pass."""
        raise NotImplementedError

    @property
    def told(self) -> SimpleNamespace:
        """What the window shows now."""
        return SimpleNamespace(**self.look())

    def until(self, wanted: Callable[[SimpleNamespace], Any], what: str) -> SimpleNamespace:
        """Wait until the window shows it."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            told = self.told
            with contextlib.suppress(AttributeError):  # of a page that is not there yet
                if wanted(told):
                    return told
            assert time.monotonic() < deadline, f"waited in vain for {what}: {told}"
            self.wait()

    def to_plan(self, *, resume: bool = False) -> None:
        """From the first sight of the window to the plan, by Return alone; a red rig check is confirmed."""
        self.until(lambda told: told.page == "setup" and told.ready and not told.problems, "the questions")
        self.key("Return")
        self.until(lambda told: told.stage == "rig" and told.armed and told.level != "unknown", "the rig check")
        self.until(lambda told: self._through(told), "the plan")

    def _through(self, told: SimpleNamespace) -> bool:
        """Press what is to be pressed at the rig check, which may turn red at any look."""
        if told.stage == "rig":
            if told.must_confirm:
                self.key("c")
            self.key("Return")
        return bool(told.stage == "ready")

    def begin(self) -> None:
        """Start the take that the plan offers."""
        self.until(lambda told: self._begun(told), "a running take")

    def _begun(self, told: SimpleNamespace) -> bool:
        if told.stage == "ready" and told.armed and told.must_confirm:
            self.key("c")
            self.key("Return")
        elif told.stage == "ready" and told.armed:
            self.key("Return")
        # On a machine with much to do a short take may be over when the window is looked at again.
        return bool((told.stage == "take" and told.take not in ("idle", "starting")) or told.stage == "verdict")

    def verdict(self) -> SimpleNamespace:
        """Wait for the verdict."""
        return self.until(lambda told: told.stage == "verdict" and told.panel == "VerdictPanel", "the verdict")

    def take(self, decide: str, *, during: Callable[[], None] = lambda: None) -> SimpleNamespace:
        """A whole take and the key that decides about it; returns what was shown with the verdict."""
        self.begin()
        during()
        judged = self.verdict()
        self.key(decide)
        self.until(lambda told: told.stage in ("ready", "finished") and told.settled, "the plan after the take")
        return judged

    def abort(self) -> None:
        """End the take by its key once there is something to keep."""
        self.until(lambda told: told.events > 1000, "events in the file")
        self.key("Escape")

    def at_step(self, step: str) -> None:
        """Wait until the script is there."""
        self.until(lambda told: told.step == step, step)


def press(window: MainWindow, name: str) -> None:
    """Press and release a key by Qt's own queue of the platform's events."""
    held, _, bare = name.rpartition("+")
    modifier = Qt.KeyboardModifier.ControlModifier if held == "ctrl" else Qt.KeyboardModifier.NoModifier
    QTest.keyClick(window.windowHandle(), KEYS[bare], modifier)


class Inside(Seat):
    """Before a window of this process; keys go through Qt's own queue of the platform."""

    def __init__(self, qtbot: Any, window: MainWindow) -> None:
        self._qtbot, self.window = qtbot, window

    def key(self, name: str) -> None:
        """Press and release a key."""
        self._have_the_keys()
        press(self.window, name)

    def press_button(self, key: str) -> None:
        """Press the button of the banner with that key."""
        strip = self.window.banners.strip(key)
        assert strip is not None
        QTest.mouseClick(strip.button, Qt.MouseButton.LeftButton)

    def _have_the_keys(self) -> None:
        """Give the window the keys back, as a desktop does when a window that had them goes."""
        self._qtbot.wait(20)  # what the platform has to say of windows that come and go
        if not self.window.isActiveWindow():
            with self._qtbot.waitActive(self.window):
                self.window.activateWindow()

    def look(self) -> dict[str, Any]:
        """What the window shows now."""
        return shown_by(self.window)

    def wait(self) -> None:
        """Let the window work."""
        self._qtbot.wait(20)

    @property
    def flow(self) -> Any:
        """The session's flow, for what no eye can see."""
        page: Any = self.window.pages["record"]
        return page.flow


@contextlib.contextmanager
def seated(qtbot: Any, data: Path, settings: Path, camera: str = CAMERA, **wishes: Any) -> Iterator[Inside]:
    """A window in this process, closed at the end."""
    asked = {"camera": camera, "rgb": "none", "thermal": "none", **wishes}
    window = make_window(Wishes(data=data, **asked), Preferences(settings))
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    seat = Inside(qtbot, window)
    try:
        yield seat
    finally:
        window._leave_anyway = True
        window.close()
        qtbot.waitUntil(lambda: not window.isVisible(), timeout=int(1000 * PATIENCE_S))
        window.deleteLater()


class Outside(Seat):
    """Before a window in a process of its own, with the keys of a real X server; without a display, with those of Qt."""

    def __init__(self, display: str | None, home: Path, data: Path, *options: str) -> None:
        self._display = display
        environment = {**os.environ, "QT_QPA_PLATFORM": "xcb" if display else "offscreen", "HOME": str(home)}
        environment |= {"DISPLAY": display} if display else {}
        environment |= {"XDG_CONFIG_HOME": str(home), "XDG_STATE_HOME": str(home / "state"), "PYTHONUNBUFFERED": "1"}
        environment.pop("WAYLAND_DISPLAY", None)
        command = [sys.executable, __file__, str(data), *options]
        self.errors = (home / "stderr").open("w+")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self.errors}
        self.process: subprocess.Popen[str] = subprocess.Popen(command, env=environment, text=True, **pipes)
        self._told: dict[str, Any] = {"page": ""}
        self._listener = threading.Thread(target=self._listen, name="listener")
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                self._told = json.loads(line)

    def key(self, name: str) -> None:
        """Press and release a key, and wait until the window tells what it shows since then."""
        before = self.look().get("keys", 0)
        self.send_key(name)
        self.until(lambda told: told.keys > before, f"the key {name} to arrive")

    def send_key(self, name: str) -> None:
        """Press and release a key."""
        if self._display is None:
            assert self.process.stdin is not None
            self.process.stdin.write(f"{name}\n")
            self.process.stdin.flush()
            return
        subprocess.run(["xdotool", "key", name], env={**os.environ, "DISPLAY": self._display}, check=True, timeout=60)

    def look(self) -> dict[str, Any]:
        """What the window shows now."""
        assert self.process.poll() is None, f"the window is gone ({self.process.returncode}): {self.said()}"
        return self._told

    def wait(self) -> None:
        """Let a little time pass."""
        time.sleep(0.1)  # the window tells what it shows twenty times a second

    def said(self) -> str:
        """What the program wrote to its standard error."""
        self.errors.flush()
        return Path(self.errors.name).read_text()

    def quit(self) -> int:
        """Close the window by its key and wait for the program's end; returns the exit code."""
        self.send_key("ctrl+q")
        return self.process.wait(PATIENCE_S)

    def close(self) -> None:
        """End the program if it runs still."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._listener.join()
        assert self.process.stdout is not None
        assert self.process.stdin is not None
        self.process.stdout.close()
        self.process.stdin.close()
        self.errors.close()


@contextlib.contextmanager
def seated_outside(display: str | None, home: Path, data: Path, *options: str) -> Iterator[Outside]:
    """A window in a process of its own."""
    seat = Outside(display, home, data, *options)
    try:
        yield seat
    finally:
        seat.close()


class Keys(QObject):
    """Counts the keys that a window was given, without what is only held."""

    HELD = (Qt.Key.Key_Control, Qt.Key.Key_Shift, Qt.Key.Key_Alt)

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.count = 0
        window.windowHandle().installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """A key is released after all that it does was done."""
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyRelease and event.key() not in self.HELD:
            self.count += 1
        return False


def _tell(window: MainWindow, keys: list[Keys], last: list[str]) -> None:
    if not keys and window.windowHandle() is not None:
        keys.append(Keys(window))
    line = json.dumps({**shown_by(window), "keys": keys[0].count if keys else 0}, default=str)
    if [line] != last:
        last[:] = [line]
        print(line, flush=True)


class Ear(QObject):
    """Hears the keys that are named on the standard input."""

    heard = Signal(str)

    def listen(self) -> None:
        """Until there is no more to hear; runs in a thread."""
        for line in sys.stdin:
            self.heard.emit(line.strip())


def _press(window: MainWindow, name: str) -> None:
    window.activateWindow()
    QTimer.singleShot(50, window, lambda: press(window, name))


def main() -> int:
    """`glimpse` with a window that tells what it shows."""
    from app.window import start

    def telling(wishes: Wishes, preferences: Preferences) -> MainWindow:
        window = make_window(wishes, preferences)
        timer = QTimer(window)
        keys: list[Keys] = []
        last: list[str] = []
        timer.timeout.connect(lambda: _tell(window, keys, last))
        timer.start(50)
        ear = Ear(window)
        ear.heard.connect(lambda name: _press(window, name))
        threading.Thread(target=ear.listen, daemon=True).start()
        return window

    start.make_window = telling
    data, *rest = sys.argv[1:]
    camera, rgb = (*rest, CAMERA, "none")[:2] if rest else (CAMERA, "none")
    return start.run(Wishes(data=Path(data), camera=camera, rgb=rgb, thermal="none"))


if __name__ == "__main__":
    sys.exit(main())
