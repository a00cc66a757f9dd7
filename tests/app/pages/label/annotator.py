"""Somebody before the Label page with a keyboard only, and small takes to sit before, made in a moment."""

import contextlib
import shutil
import time

import cv2
import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.pages.label.page import LabelPage
from app.pages.label.scores import no_scores
from app.settings import AppSettings, Preferences, save_settings
from app.window.main_window import MainWindow, PageEntry
from app.window.start import Wishes
from protocol.manifest import FinishReason, Manifest, Person, TakeStatus
from protocol.streams import EVENT_DTYPE, Stream
from recorder.aedat4.writer import Aedat4Writer
from recorder.dataset import Dataset
from recorder.frametable import FrameTableWriter
from recorder.video import RgbVideoWriter

PATIENCE_S = 60.0
T0_US = 1_700_000_000_000_000
CUE_US = T0_US + 500_000
K, M = Qt.Key, Qt.KeyboardModifier
KEYS = {"Return": K.Key_Return, "Esc": K.Key_Escape, "PgDown": K.Key_PageDown, "Left": K.Key_Left, "Right": K.Key_Right}
KEYS |= {"Down": K.Key_Down, "Space": K.Key_Space, "End": K.Key_End, "Home": K.Key_Home, ".": K.Key_Period, ",": K.Key_Comma}
KEYS |= {"/": K.Key_Slash}
HELD = {"": M.NoModifier, "Ctrl": M.ControlModifier, "Shift": M.ShiftModifier}
HELD["Ctrl+Shift"] = M.ControlModifier | M.ShiftModifier


class Annotator:
    """Somebody before the Label page, with a keyboard only."""

    def __init__(self, qtbot, window):
        self.qtbot, self.window, self.pressed = qtbot, window, 0

    @property
    def page(self):
        return self.window.pages["label"]

    @property
    def bench(self):
        return self.page.bench

    @property
    def desk(self):
        return self.page.bench.desk

    def press(self, *names):
        """Press keys as fast as they come."""
        for name in names:
            held, _, bare = name.rpartition("+")
            modifier = HELD[held]
            key = KEYS[bare] if bare in KEYS else getattr(K, f"Key_{bare.upper()}")
            QTest.keyClick(self.window.windowHandle(), key, modifier)
            self.pressed += 1

    def type(self, text):
        QTest.keyClicks(self.window.focusWidget(), text)

    def until(self, wanted, what):
        deadline = time.monotonic() + PATIENCE_S
        while not wanted():
            assert time.monotonic() < deadline, f"waited in vain for {what}"
            self.qtbot.wait(5)

    def settle(self):
        """Until every key has done what it does."""
        self.desk.wait(PATIENCE_S)
        self.qtbot.wait(40)

    def sit_down(self):
        self.until(lambda: self.page.bench is not None and self.page.bench.queue.rows, "the list of takes")
        self.until(lambda: self.page.bench.list.table.hasFocus(), "the keys in the list")
        self.until(lambda: self.page.bench.list.table.currentIndex().isValid(), "a row")

    def until_open(self, take):
        self.until(lambda: self.desk.take == take and self.desk.media and self.desk.labels is not None, f"{take.name} open")
        self.settle()

    @property
    def banners(self):
        """What the window says in banners."""
        return " ".join(strip.message.text for strip in self.window.banners._strips)

    @property
    def said(self):
        """What came of the last keys."""
        return self.bench.panel.said.text.text().replace("\u200b", "")


@contextlib.contextmanager
def seated(qtbot, tmp_path, data, coder="ann", scores=no_scores):
    """Before a window with this page alone."""
    path = tmp_path / "settings.yaml"
    save_settings(AppSettings(tour_seen=True, coder=coder, data=str(data)), path)
    preferences = Preferences(path)
    window = MainWindow(
        [PageEntry("label", "Label", "label", lambda: LabelPage(Wishes(), preferences, scores), ("Label",))], preferences
    )
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    window.show_page("label")
    try:
        yield Annotator(qtbot, window)
    finally:
        window._leave_anyway = True
        window.close()
        window.deleteLater()
        QApplication.processEvents()


def make_takes(data, count=1, *, size=(346, 260), colour=True):
    """A data set of takes of 2 s whose cue is half a second after the first event; their paths."""
    Dataset.create(data, "labels", simulated=True)
    stem = data / "1" / "smile_1_1"
    stem.parent.mkdir()
    write_events(stem.with_suffix(".aedat4"), size)
    if colour:
        write_colour(stem)
    paths = []
    for number in range(1, count + 1):
        for path in list(stem.parent.glob("smile_1_1.*")) if number > 1 else []:
            shutil.copy(path, path.with_name(path.name.replace("smile_1_1", f"smile_1_{number}")))
        describe(stem.with_name(f"smile_1_{number}"), number)
        paths.append(stem.with_name(f"smile_1_{number}.aedat4"))
    return paths


def write_events(path, size):
    events = np.zeros(20_000, EVENT_DTYPE)
    chance = np.random.default_rng(0)
    events["t"] = T0_US + np.sort(chance.integers(0, 2_000_000, len(events)))
    events["x"], events["y"] = chance.integers(0, size[0], len(events)), chance.integers(0, size[1], len(events))
    events["p"] = chance.integers(0, 2, len(events))
    with Aedat4Writer(path, source="DAVIS346_TEST", streams={Stream.EVENTS: size}) as writer:
        for begin in range(0, len(events), 1000):
            writer.write_records(Stream.EVENTS, events[begin : begin + 1000])


def write_colour(stem):
    with (
        RgbVideoWriter(stem.with_name(stem.name + ".rgb.mp4")) as video,
        FrameTableWriter(stem.with_name(stem.name + ".frames.csv")) as table,
    ):
        for index in range(60):
            image = np.full((120, 160, 3), 90, np.uint8)
            cv2.circle(image, (20 + 2 * index, 60), 15, (180, 150, 120), -1)
            video.write(image, T0_US + index * 33_333)
            table.append(Stream.RGB, index, T0_US + index * 33_333, None, index)


def describe(stem, number):
    manifest = Manifest(
        movement="smile",
        subject=1,
        number=number,
        status=TakeStatus.COMPLETE,
        finish_reason=FinishReason.SCRIPT_ENDED,
        recorded_at="2026-03-02T10:00:00+01:00",
        person=Person(subject=1, session="2026-03-02"),
        t0_us=T0_US + 100_000,
        cue_us=CUE_US,
    )
    stem.with_name(stem.name + ".json").write_text(manifest.to_json())
