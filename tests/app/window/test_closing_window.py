"""A window that closes waits for what is under way, says so, and does not freeze; what never ends does not keep it."""

import signal
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from seats import LONG, make_settings, seated

sys.path.insert(0, str(Path(__file__).parents[2] / "recorder"))
from stations import assert_readable_by_all, manifest_of

from app.settings import Preferences
from app.window import main_window
from app.window.main_window import MainWindow, PageEntry
from app.window.messages import Message
from app.window.page import Page
from app.window.start import leave_when_told
from protocol.manifest import FinishReason, TakeStatus


class Busy(Page):
    """A page with something under way."""

    def __init__(self):
        super().__init__()
        self.waits, self.asked, self.was_shut = True, 0, False
        self.runs, self.lost = False, None

    def why_not_close(self):
        return Message("A take is running.") if self.runs else None

    def undone(self):
        return self.lost

    def wind_up(self):
        self.asked += 1
        return "Finishing the take…" if self.waits else ""

    def shut(self):
        self.was_shut = True


@pytest.fixture
def busy(tmp_path):
    return Busy()


@pytest.fixture
def signals():
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def window(qtbot, tmp_path, busy):
    made = MainWindow([PageEntry("record", "Record", "record", lambda: busy)], Preferences(tmp_path / "settings.yaml"))
    with qtbot.waitExposed(made):
        made.show()
    made.show_page("record")
    yield made
    busy.waits = False
    made.close()
    made.deleteLater()


def test_it_says_what_it_waits_for_and_closes_by_itself(qtbot, window, busy):
    window.close()
    qtbot.waitUntil(lambda: window.banners.strip("close") is not None)
    assert window.banners.strip("close").label.text() == "Finishing the take… The window closes by itself."
    assert (window.isVisible(), busy.was_shut, busy.isEnabled()) == (True, False, False)
    with qtbot.waitSignal(window.closed):
        busy.waits = False
    assert (window.isVisible(), busy.was_shut) == (False, True)


def test_what_never_ends_is_given_up_after_the_deadline(qtbot, window, busy, monkeypatch):
    monkeypatch.setattr(main_window, "CLOSE_S", 0.2)
    with qtbot.waitSignal(window.closed):
        window.close()
    assert busy.was_shut
    assert busy.asked > 1


def test_a_window_that_has_nothing_to_wait_for_closes_at_once(window, busy):
    busy.waits = False
    assert window.close()
    assert not window.isVisible()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_polite_kill_ends_what_runs_and_closes_without_a_question(qtbot, window, busy, signals, number):
    busy.runs, busy.lost = True, Message("Something is lost.")
    leave_when_told(window)
    signal.raise_signal(number)
    qtbot.waitUntil(lambda: busy.asked > 0)
    assert "A take is running." not in window.banners.texts()
    with qtbot.waitSignal(window.closed):
        busy.waits = False


def test_what_could_not_be_written_keeps_the_window_until_it_is(qtbot, window, busy):
    busy.waits, busy.lost = False, Message("What was decided could not be written.")
    window.close()
    assert window.banners.strip("close").label.text() == "What was decided could not be written."
    qtbot.wait(3 * main_window.LOOK_MS)
    assert window.isVisible()
    with qtbot.waitSignal(window.closed):
        busy.lost = None


def test_the_operator_may_leave_what_could_not_be_written(qtbot, window, busy):
    busy.waits, busy.lost = False, Message("What was decided could not be written.")
    window.close()
    with qtbot.waitSignal(window.closed):
        window.banners.strip("close").button.click()


def test_closing_in_a_take_ends_it_cleanly_while_the_window_goes_on_drawing(qtbot, tmp_path):
    gaps, last = [], [time.monotonic()]

    def beat():
        gaps.append(time.monotonic() - last[0])
        last[0] = time.monotonic()

    with seated(qtbot, tmp_path / "data", make_settings(tmp_path / "settings", LONG)) as seat:
        seat.to_plan()
        seat.begin()
        seat.until(lambda told: told.events > 2_000, "events in the file")
        seat.window.close()
        seat.until(lambda told: "close" in told.banners, "the question")
        timer = QTimer(seat.window)
        timer.timeout.connect(beat)
        timer.start(10)
        with qtbot.waitSignal(seat.window.closed, timeout=60_000):
            seat.press_button("close")
        timer.stop()
    assert len(gaps) > 10
    (take,) = (tmp_path / "data" / "1").glob("*.aedat4")
    manifest = manifest_of(take)
    assert manifest.status is TakeStatus.PARTIAL
    assert manifest.finish_reason is FinishReason.ABORTED
    assert_readable_by_all(take)
