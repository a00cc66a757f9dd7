"""The tour: a light on parts of the real window, by keyboard, seen once and asked for again."""

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget

from app.settings import Preferences, load_settings
from app.window.main_window import MainWindow, PageEntry
from app.window.page import Page
from app.window.tour import Guide, Tour, TourStep, _beside


@pytest.fixture
def preferences(tmp_path):
    return Preferences(tmp_path / "settings.yaml")


@pytest.fixture
def window(qtbot):
    made = QWidget()
    made.resize(1000, 700)
    field = QLineEdit(made)
    for name, x in (("one", 100), ("two", 600)):
        part = QLabel(name, made)
        part.setObjectName(name)
        part.setGeometry(x, 50, 200, 100)
    hidden = QLabel("hidden", made)
    hidden.setObjectName("hidden")
    hidden.hide()
    qtbot.addWidget(made)
    with qtbot.waitActive(made):
        made.show()
        made.activateWindow()
    hidden.hide()
    field.setFocus()
    return made


def steps():
    texts = (("", "Hello"), ("one", "One"), ("hidden", "Hidden"), ("nowhere", "Nowhere"), ("two", "Two"))
    return [TourStep(target, title, "Some text.") for target, title in texts]


def test_parts_that_are_not_shown_are_passed_over(qtbot, window):
    tour = Tour(window, steps())
    tour.start()
    titles = []
    tour.ended.connect(lambda whole: titles.append(whole))
    for lit in (False, True, True):
        titles.append(tour.title.text())
        assert tour._light().isEmpty() is not lit
        qtbot.keyClick(tour, Qt.Key.Key_Return)
    assert titles == ["Hello", "One", "Two", True]


def test_back_and_skip_by_keyboard(qtbot, window):
    tour = Tour(window, steps())
    tour.start()
    qtbot.keyClick(tour, Qt.Key.Key_Right)
    assert (tour.title.text(), tour.count.text()) == ("One", "2 / 3")
    qtbot.keyClick(tour, Qt.Key.Key_Left)
    assert tour.title.text() == "Hello"
    with qtbot.waitSignal(tour.ended) as told:
        qtbot.keyClick(tour, Qt.Key.Key_Escape)
    assert told.args == [False]


def test_the_keys_go_back_where_they_were(qtbot, window):
    field = window.findChild(QLineEdit)
    tour = Tour(window, steps())
    tour.start()
    qtbot.keyClicks(tour, "abc")
    assert field.text() == ""
    tour.skip()
    assert window.focusWidget() is field


def test_the_tour_covers_the_window_when_it_grows(qtbot, window):
    tour = Tour(window, steps())
    tour.start()
    window.resize(1200, 800)
    assert tour.size() == window.size()
    tour.skip()


def test_a_window_without_anything_to_show_ends_it_at_once(qtbot, window):
    tour = Tour(window, [TourStep("nowhere", "Nowhere", "")])
    with qtbot.waitSignal(tour.ended) as told:
        tour.start()
    assert told.args == [True]


@pytest.mark.parametrize(
    "light",
    [
        QRect(0, 0, 88, 720), QRect(1000, 20, 270, 600), QRect(100, 10, 1100, 100),
        QRect(100, 600, 1100, 110), QRect(88, 0, 1192, 720), QRect(),
    ],
)  # fmt: skip
def test_the_card_is_inside_the_window_and_beside_the_light_where_there_is_room(light):
    room, width, height = QRect(0, 0, 1280, 720), 340, 200
    card = QRect(_beside(light, room, width, height, 16), QRect(0, 0, width, height).size())
    assert room.contains(card)
    if light.width() < 1192:
        assert not card.intersects(light)


def test_without_a_light_the_card_is_in_the_middle():
    assert _beside(QRect(), QRect(0, 0, 1000, 800), 200, 100, 16) == QPoint(399, 349)


def test_it_starts_once_by_itself_and_again_when_asked(qtbot, window, preferences):
    guide = Guide(window, preferences, steps)
    assert guide.start_if_new()
    guide.start()  # it runs already
    guide.tour.skip()
    assert load_settings(preferences.path)[0].tour_seen
    assert not guide.start_if_new()
    guide.start()
    assert guide.tour is not None
    guide.tour.skip()


class PageWithTour(Page):
    def tour_steps(self):
        return (TourStep("here", "Here", "A part of the page."),)


def make_page():
    page = PageWithTour()
    part = QLabel("here", page)
    part.setObjectName("here")
    return page


def test_the_main_window_shows_the_page_between_the_hello_and_the_shell(qtbot, preferences):
    window = MainWindow([PageEntry("record", "Record", "record", make_page)], preferences)
    qtbot.addWidget(window)
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    window.show_page("record")
    window._start_tour()
    tour, titles = window.guide.tour, []
    for _ in range(5):
        titles.append(tour.title.text())
        assert tour.step.target == "" or window.findChild(QWidget, tour.step.target).isVisible()
        qtbot.keyClick(tour, Qt.Key.Key_Space)
    assert titles == ["Welcome to Glimpse", "Here", "The pages", "All keys", "Settings"]
    assert window.guide.tour is None
    assert preferences.settings.tour_seen
