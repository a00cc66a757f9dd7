"""The session's page: how large its words are, when it mirrors, what it says once, what the end of a backup says."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QPoint

from app.i18n import use_language
from app.pages.record.endpanel import EndPanel
from app.pages.record.session_view import SessionView
from app.pages.record.sessionflow import SessionFlow
from app.settings import Preferences
from app.widgets.labels import KeyCap
from app.window.shortcuts import table
from protocol.streams import Stream
from recorder.messages import Notice
from recorder.power import MAY_SLEEP


class Line:
    """In place of a capture process: what it has to say."""

    def __init__(self):
        self.reports, self.running = [], True

    def start(self):
        pass

    def send(self, command):
        pass

    def heard(self):
        heard, self.reports = self.reports, []
        return heard

    def close(self):
        pass


@pytest.fixture
def line():
    return Line()


@pytest.fixture
def view(qtbot, tmp_path, line):
    view = SessionView(SessionFlow(line, judge=None), Preferences(tmp_path / "settings.json"))
    qtbot.addWidget(view)
    yield view
    view.shut()


def test_on_a_larger_screen_the_prompter_takes_more_room(view):
    heights = []
    for size in ((1216, 660), (1856, 1020)):
        view.resize(*size)
        view.grab()
        heights.append(view.prompter.height())
    assert heights[0] == 264
    assert heights[1] >= 400


@pytest.mark.parametrize("wished", [True, False])
def test_the_picture_is_mirrored_while_practising_where_that_is_wished_and_never_else(view, wished):
    picture = view.live.pictures[Stream.RGB]
    view.preferences.change(mirror=wished)
    found = []
    for practice in (False, True, False):
        view.flow.practice = practice
        view._refresh()
        found.append(picture.mirrored)
    assert found == [False, wished, False]


def test_the_mirror_can_be_turned_by_hand_and_the_preference_stays(view):
    view.live.toggle_mirrored()
    view._refresh()
    assert view.live.pictures[Stream.RGB].mirrored
    assert view.preferences.settings.mirror


def test_that_the_system_may_sleep_is_said_once_and_other_notices_as_often_as_they_come(view, line):
    told = []
    view.told.connect(told.append)
    for _ in range(2):
        line.reports += [Notice(text=MAY_SLEEP), Notice(text="The stream rgb has given nothing for 500 ms.")]
        view.tick()
    assert [one.text for one in told].count(MAY_SLEEP) == 1
    assert len(told) == 3


def test_a_banner_speaks_the_language_of_the_window(view, line):
    told = []
    view.told.connect(told.append)
    line.reports += [Notice(text="The stream rgb has given nothing for 500 ms.")]
    use_language("fr")
    try:
        view.tick()
    finally:
        use_language("en")
    assert told[0].text == "Le flux rgb n\N{RIGHT SINGLE QUOTATION MARK}a rien donné pendant 500 ms."


def test_a_backup_that_is_done_says_how_much_how_long_and_where_and_shows_no_bar(qtbot, view):
    panel = EndPanel(view.flow, view)
    qtbot.addWidget(panel)
    panel._into, panel._begun_s = "/disk/copy", time.monotonic() - 3
    result = SimpleNamespace(problems=(), stopped=False, copied=[Path("a"), Path("b")])
    step = SimpleNamespace(total_bytes=10, done_bytes=10)
    panel._backup = SimpleNamespace(done=True, problem=None, result=result, progress=step, stop=lambda: None, join=lambda: None)
    panel.refresh()
    assert panel.bar.isHidden()
    assert panel.backup_note.text() == "2 files copied and checked. It took 3 s; the copy is in /disk/copy"


def test_while_a_take_runs_the_pictures_give_their_buttons_room_to_title_and_rate(view):
    thermal = view.live.pictures[Stream.THERMAL]
    shown = []
    for low in (False, True, False):
        view.live.set_low(low)
        shown.append((thermal._mirror.isHidden(), thermal._colours.isHidden()))
    assert shown == [(False, False), (True, True), (False, False)]


def test_the_keys_of_a_verdict_stand_below_its_buttons_whatever_the_length_of_the_card(view):
    after = view.after
    caps = [cap.text() for cap in after.findChildren(KeyCap)]
    assert caps == [table.first(key) for key in ("after.keep", "after.noise", "after.redo", "after.play")]
    assert not after.card.findChildren(KeyCap)


def test_without_pictures_the_events_have_all_the_width(view):
    view.resize(1216, 660)
    widths = []
    for names in ((), ("rgb", "frames")):
        view.live.show_streams(names)
        view.grab()
        widths.append(view.live.events.width())
    assert widths[0] == view.live.width()
    assert widths[1] < widths[0]


def test_each_bias_shows_its_number_before_a_slider_was_moved(view):
    assert all(label.text() for label in view.rig.tools.biases._values.values())


def test_the_headings_of_all_views_stand_at_one_height_while_a_take_runs(view):
    view.resize(1216, 660)
    view.live.show_streams(("rgb", "frames", "thermal"))
    view.live.set_low(True)
    view.grab()
    assert len({one.stage.mapTo(view, QPoint()).y() for one in (view.live.events, *view.live.pictures.values())}) == 1
