"""Opens the window, presses its keys and takes its pictures, for make_window_pictures.py. Knows no walk through it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

SECONDS = {
    "settle": 3.0,
    "paper_in": 2.5,
    "countdown": 3.0,
    "neutral": 3.0,
    "movement": 3.5,
}  # a short script has the same steps
# A subject whose takes are good; few pictures, so that two busy cores are enough.
RIG = "sim:5,head=builtin,glasses=off,intensity=0.8..0.9,rgb_fps=10,thermal_fps=4,rgb_drop=0"
PATIENCE_S = 90.0


@dataclass(frozen=True)
class Look:
    """How the window is seen. size: points; ratio: pixels to the point; both: in light colours, too; walks: which of them."""

    language: str = "en"
    size: tuple[int, int] = (1280, 720)
    ratio: int = 1
    both: bool = True
    walks: tuple[str, ...] = ("first", "setup", "rig", "session", "broken", "label")


class Stuck(Exception):
    """A state that was not reached."""


class Director:
    """Drives one window and takes its pictures. name: of the look; wanted: whether a picture of a walk is; home: a temporary
    folder for what is written.
    """

    def __init__(self, name: str, look: Look, out: Path, wanted: Callable[[str, str], bool], home: Path) -> None:
        self.name, self.look, self.out, self.home = name, look, out, home
        self._wanted = wanted
        self.window: Any = None
        self.walk = ""
        self.takes: Path | None = None  # a data set to label; None: one is simulated

    # The window

    @contextmanager
    def opened(self, data: Path, *, camera: str | None = RIG, frames: str | None = "sim", **settings: Any) -> Iterator[Any]:
        """A window with preferences of its own on the data set `data`."""
        from app.settings import Preferences
        from app.window.start import Wishes, make_window

        preferences = Preferences(self.home / f"{data.name}.yaml")
        preferences.change(**{"language": self.look.language, "tour_seen": True, "script": str(self.script()), **settings})
        self.window = make_window(Wishes(data, camera, frames, frames), preferences)
        self.window.resize(*self.look.size)
        self.window.show()
        self.window.activateWindow()
        self.until("the page", lambda: "record" in self.window.pages)
        setup = self.page.setup
        self.until("the folder", lambda: setup.model.folder is not None and setup.model.cameras.looked)
        try:
            yield self.window
        finally:
            self.window._leave_anyway = True  # no take of these pictures is worth a question
            self.window.close()
            self.until("the end", lambda: not self.window.isVisible())
            self.window.deleteLater()
            self.pump(0.2)

    def script(self) -> Path:
        """The shipped script with shorter steps."""
        path = self.home / "short.yaml"
        document = yaml.safe_load(files("assets").joinpath("scripts", "default.yaml").read_text(encoding="utf-8"))
        for step in document["steps"]:
            step["seconds"] = SECONDS[step["id"]]
        document.update(name="short", repetitions=3)
        document["order"] = {"mode": "fixed", "seed": None}
        path.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")
        return path

    @property
    def page(self) -> Any:
        """The Record page."""
        return self.window.pages["record"]

    @property
    def flow(self) -> Any:
        """Its session."""
        return self.page.flow

    @property
    def view(self) -> Any:
        """Its view of the session."""
        return self.page.session_view

    @property
    def labelling(self) -> Any:
        """The Label page."""
        return self.window.pages["label"]

    # Time and keys

    def pump(self, seconds: float) -> None:
        """Let the window work."""
        from PySide6.QtTest import QTest

        QTest.qWait(round(seconds * 1000))

    def until(self, what: str, there: Callable[[], Any], patience_s: float = PATIENCE_S) -> None:
        """Wait for a state. Raises Stuck."""
        end_s = time.monotonic() + patience_s
        while not there():
            if time.monotonic() > end_s:
                raise Stuck(f"{self.name}: {what} did not come within {patience_s:.0f} s.")
            self.pump(0.03)

    def press(self, keys: str) -> None:
        """Press a key as the operator does."""
        from PySide6.QtCore import QKeyCombination
        from PySide6.QtGui import QKeySequence
        from PySide6.QtTest import QTest
        from PySide6.QtWidgets import QApplication

        one: QKeyCombination = QKeySequence(keys)[0]  # type: ignore[index]  # its stubs lack it
        if QApplication.focusWidget() is None:
            self.window.activateWindow()
            self.pump(0.05)
        target = QApplication.focusWidget() or self.window
        QTest.keyClick(target, one.key(), one.keyboardModifiers())
        self.pump(0.05)

    def type(self, text: str) -> None:
        """Type into the field that has the keys."""
        from PySide6.QtTest import QTest
        from PySide6.QtWidgets import QApplication

        QTest.keyClicks(QApplication.focusWidget(), text)
        self.pump(0.05)

    def stage(self, *names: str) -> None:
        """Wait until the session is at one of these stages."""
        self.until(" or ".join(names), lambda: self.flow.stage.value in names)
        self.pump(0.1)

    def step(self, action: str, into_s: float = 0.6) -> None:
        """Wait until the running take is `into_s` into a step."""

        def there() -> bool:
            take = self.flow.takes.take
            return take is None or take.done is not None or any(one.action == action for one in take.prompts)

        self.until(f"the step {action}", there)
        self.pump(into_s)

    # Pictures

    def shot(self, name: str, dialog: Any = None) -> None:
        """A picture of the window as it is, with a dialog over it where there is one."""
        if not self._wanted(self.walk, name):
            return
        self._save(name, "dark", dialog)
        if self.look.both:
            self._in_light(lambda: self._save(name, "light", dialog))

    def dialog(self, key: str, name: str) -> None:
        """A picture of each page of the dialog that belongs to a key."""
        from PySide6.QtWidgets import QDialog, QTabWidget

        call = self.window.show_keys if key == "?" else self.window.show_preferences
        call()
        self.pump(0.4)
        found = [one for one in self.window.findChildren(QDialog) if one.isVisible()]
        for dialog in found[-1:]:
            tabs = dialog.findChild(QTabWidget)
            for page in range(tabs.count() if isinstance(tabs, QTabWidget) else 1):
                if isinstance(tabs, QTabWidget):
                    tabs.setCurrentIndex(page)
                    self.pump(0.2)
                self.shot(f"{name}-{page + 1}", dialog)
            dialog.close()
        self.pump(0.2)
        self.window.activateWindow()

    def _in_light(self, work: Callable[[], None]) -> None:
        from app.window.theme import Scheme, use_scheme

        use_scheme(Scheme.LIGHT)
        self.pump(0.12)
        work()
        use_scheme(Scheme.DARK)
        self.pump(0.05)

    def _save(self, name: str, scheme: str, dialog: Any) -> None:
        from PySide6.QtGui import QPainter

        picture = self.window.grab()
        if dialog is not None:
            over = dialog.grab()
            left = (self.window.width() - dialog.width()) // 2
            top = max(0, (self.window.height() - dialog.height()) // 2)
            painter = QPainter(picture)
            painter.fillRect(0, 0, self.window.width(), self.window.height(), _shade())
            painter.drawPixmap(left, top, over)
            painter.end()
        path = self.out / f"{self.name}-{name}-{scheme}.png"
        picture.save(str(path))
        print(path.name, flush=True)


def _shade() -> Any:
    from PySide6.QtGui import QColor

    return QColor(0, 0, 0, 110)


def no_reader() -> Any:
    """Keeps what would be opened in the desktop's reader, such as a report, from it; works as long as it is kept."""
    from PySide6.QtCore import QObject, QUrl, Slot
    from PySide6.QtGui import QDesktopServices

    class Nowhere(QObject):
        @Slot(QUrl)
        def take(self, url: QUrl) -> None:
            """Open nothing."""

    nowhere = Nowhere()
    QDesktopServices.setUrlHandler("file", nowhere, "take")  # type: ignore[arg-type]  # its stubs ask for bytes, which it refuses
    return nowhere
