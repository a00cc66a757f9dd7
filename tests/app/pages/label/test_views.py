"""All cameras at one cursor: the window ends at it, each picture says how far away it is, and no picture holds a step up."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from takekit import RESOLUTION, T0_US, make_take

from app.pages.label.views import CursorViews
from app.pages.label.views_pane import MOST_ZOOM, ZoomStage
from app.pages.label.views_picture import EventPainter, away_text, face_crop
from app.preview.render import EventColours
from app.window.theme import Scheme, use_scheme
from protocol.analysis import ClockAlignment, FaceBox, SyncStatus
from protocol.errors import GlimpseError
from protocol.streams import EVENT_DTYPE, Stream
from recorder.browse.events import EventBrowser, Mode
from recorder.browse.pictures import PictureBrowser, Shown
from recorder.take import Take

ON, OFF, NOTHING = (255, 0, 0, 255), (0, 0, 255, 255), (0, 0, 0, 255)
COLOURS = EventColours(ON, OFF, NOTHING)
FACE = FaceBox(x=8, y=6, width=16, height=12, source="aps")


@dataclass
class Desk:
    events: EventBrowser | None = None
    pictures: dict = field(default_factory=dict)
    face: FaceBox | None = None


def one_event(x, y, t_us, p):
    event = np.zeros(1, EVENT_DTYPE)
    event["x"], event["y"], event["t"], event["p"] = x, y, T0_US + t_us, p
    return event


@pytest.fixture
def desk(tmp_path):
    """Two events, 10 ms and 20 ms after the beginning; grey, colour and thermal pictures, the colour camera's clock known."""
    events = np.concatenate([one_event(3, 4, 0, 0), one_event(5, 6, 10_000, 1), one_event(9, 6, 20_000, 0)])
    path = make_take(tmp_path, events=events, videos=True)
    known = ClockAlignment(status=SyncStatus.PAPER, offset_us=0, uncertainty_us=400)
    with Take(path) as take, EventBrowser(take) as browser:
        streams = {Stream.FRAMES: None, Stream.RGB: known, Stream.THERMAL: None}
        pictures = {stream: PictureBrowser(take, stream, alignment=alignment) for stream, alignment in streams.items()}
        yield Desk(browser, dict(pictures), FACE)
        for one in pictures.values():
            one.close()


@pytest.fixture
def views(qtbot):
    views = CursorViews()
    qtbot.addWidget(views)
    views.resize(900, 360)
    views.show()
    return views


def drawn(views):
    """Where the picture of the events is not empty: (x, y)."""
    pixels = views.panes[Stream.EVENTS].stage._pixels
    empty = pixels[0, 0]
    return {(int(x), int(y)) for y, x in np.argwhere((pixels != empty).any(axis=2))}


def settled(qtbot, views):
    qtbot.waitUntil(lambda: not views.waiting)


def test_the_window_ends_at_the_cursor_and_does_not_hold_its_instant(views, desk):
    views.show_take(desk)
    views.show_at(T0_US + 10_000, 5_000)
    assert drawn(views) == set()
    views.show_at(T0_US + 10_001, 5_000)
    assert drawn(views) == {(5, 6)}
    views.show_at(T0_US + 15_001, 5_000)
    assert drawn(views) == set()
    views.show_at(T0_US + 20_001, 15_000)
    assert drawn(views) == {(5, 6), (9, 6)}


def test_the_age_is_shown_instead_of_the_polarity_when_asked(views, desk):
    views.show_take(desk)
    views.show_at(T0_US + 20_001, 15_000)
    before = views.panes[Stream.EVENTS].stage._pixels.copy()
    views.set_mode(Mode.SURFACE)
    assert drawn(views) == {(5, 6), (9, 6)}
    assert (views.panes[Stream.EVENTS].stage._pixels != before).any()


def test_every_camera_shows_its_nearest_picture_and_how_far_it_is(views, desk, qtbot):
    views.show_take(desk)
    first_us = int(desk.pictures[Stream.RGB].times_us[1])
    views.show_at(first_us - 3_200, 10_000)
    settled(qtbot, views)
    assert all(pane.stage.has_picture for pane in views.panes.values())
    assert views.panes[Stream.RGB].time.whole() == "+3.2 ms ± 400 µs"
    assert views.panes[Stream.RGB].time.toolTip() == "synchronised by the sheet of paper"
    assert views.panes[Stream.THERMAL].time.whole().endswith("not synced")
    assert views.panes[Stream.FRAMES].time.whole().endswith("same clock")


def test_steps_forwards_and_backwards_show_the_same_pictures(views, desk, qtbot):
    views.show_take(desk)
    there = {}
    for t_us in (*range(0, 150_000, 30_000), *range(120_000, -1, -30_000)):
        views.show_at(T0_US + t_us, 10_000)
        settled(qtbot, views)
        shown = {stream: pane.stage._pixels.tobytes() for stream, pane in views.panes.items()}
        assert there.setdefault(t_us, shown) == shown


def test_a_picture_far_from_the_cursor_is_marked(views, desk, qtbot):
    views.show_take(desk)
    views.show_at(T0_US + 2_000_000, 10_000)
    settled(qtbot, views)
    assert views.panes[Stream.RGB].stage.accessibleDescription() == "far from the cursor"
    views.show_at(int(desk.pictures[Stream.RGB].times_us[0]), 10_000)
    settled(qtbot, views)
    assert views.panes[Stream.RGB].stage.accessibleDescription() == ""


class Slow:
    """A camera whose pictures take their time: nothing, then a small copy, then the full one."""

    status, problem = None, None
    stages = 0

    def __len__(self):
        return 1

    def peek(self, t_us):
        self.stages += 1
        if self.stages == 1:
            return None
        full = self.stages > 3
        return Shown(0, t_us, None, np.zeros((48, 64, 3) if full else (12, 16, 3), np.uint8), full)


def test_a_small_copy_comes_first_and_the_full_picture_when_it_is_decoded(views, desk, qtbot):
    slow = Slow()
    desk.pictures[Stream.RGB] = slow
    views.show_take(desk)
    views.show_at(T0_US + 5_000, 10_000)
    stage = views.panes[Stream.RGB].stage
    assert not stage.has_picture
    qtbot.waitUntil(lambda: stage.has_picture)
    assert stage.accessibleDescription() == "small copy"
    views.choose_view(Stream.RGB)
    views.zoom(4)
    views.pan(1, 0)
    before = stage.target()
    settled(qtbot, views)
    assert stage._image.width() == 64
    assert stage.target().toRect() == before.toRect()  # zoom and place are those of the small copy


class Broken(Slow):
    problem = "The video is damaged."

    def peek(self, t_us):
        return None


class Failing(Slow):
    def peek(self, t_us):
        raise GlimpseError("The disk fails.")


@pytest.mark.parametrize("camera", [Broken(), Failing()])
def test_a_picture_that_cannot_be_shown_says_why_and_is_not_waited_for(views, desk, camera):
    desk.pictures[Stream.RGB] = camera
    views.show_take(desk)
    views.show_at(T0_US + 5_000, 10_000)
    assert views.panes[Stream.RGB].stage._empty.startswith("The picture cannot be shown: The ")
    assert not views.panes[Stream.RGB].stage.has_picture
    assert not views.grab().isNull()


def test_a_take_without_cameras_or_events_says_so(views):
    views.show_take(Desk())
    views.show_at(T0_US, 10_000)
    assert views.panes[Stream.RGB].stage._empty == "The take has no colour pictures."
    assert not views.panes[Stream.EVENTS].stage.has_picture
    assert not views.waiting
    views.show_take(None)
    views.show_at(T0_US, 10_000)
    assert views.panes[Stream.EVENTS].stage._empty == "No take is open."


def test_a_take_that_was_closed_meanwhile_is_passed_over(views, desk):
    views.show_take(desk)
    views.show_at(T0_US + 5_000, 10_000)
    desk.events.close()
    for one in desk.pictures.values():
        one.close()
    views.show_at(T0_US + 9_000, 10_000)
    assert not views.grab().isNull()


def test_nothing_of_the_take_before_is_left(views, desk, qtbot):
    views.show_take(desk)
    views.show_at(T0_US + 10_001, 10_000)
    settled(qtbot, views)
    views.show_take(Desk())
    assert not any(pane.stage.has_picture or pane.time.whole() for pane in views.panes.values())


def test_the_face_fills_the_views_of_the_event_camera(views, desk, qtbot):
    views.show_take(desk)
    views.show_at(T0_US + 10_001, 10_000)
    settled(qtbot, views)
    stage = views.panes[Stream.EVENTS].stage
    whole = stage.target().width()
    views.set_crop(True)
    assert stage.target().width() > 1.3 * whole
    views.set_crop(False)
    assert stage.target().width() == whole


def test_without_a_face_the_crop_says_so(views, desk):
    desk.face = None
    views.show_take(desk)
    views.set_crop(True)
    assert views.panes[Stream.EVENTS].stage.accessibleDescription() == "No face is known in this take."


def test_a_crop_stays_within_the_sensor():
    assert face_crop(FaceBox(x=-5, y=-5, width=20, height=40, source="aps"), RESOLUTION) == (0, 0, pytest.approx(18.6), 24)
    assert face_crop(FaceBox(x=100, y=5, width=20, height=10, source="aps"), RESOLUTION) is None
    assert face_crop(FaceBox(x=1, y=5, width=0, height=10, source="aps"), RESOLUTION) is None


def test_zooming_keeps_the_point_under_the_pointer_and_has_an_end(qtbot):
    stage = ZoomStage()
    qtbot.addWidget(stage)
    stage.resize(400, 300)
    stage.show_pixels(np.zeros((240, 320, 4), np.uint8))
    at = QPointF(300, 80)
    before = (at - stage.target().topLeft()) / stage.scale()
    for _ in range(5):
        stage.zoom_at(1.25, at)
        point = (at - stage.target().topLeft()) / stage.scale()
        assert (point.x(), point.y()) == (pytest.approx(before.x(), abs=0.1), pytest.approx(before.y(), abs=0.1))
    stage.zoom_at(1e6)
    assert stage.zoom == MOST_ZOOM
    qtbot.keyClick(stage, Qt.Key.Key_0)
    assert stage.zoom == 1.0
    assert stage.target().center() == QPointF(200, 150)


def test_keys_and_mouse_move_the_chosen_view_alone(views, desk, qtbot):
    views.show_take(desk)
    views.show_at(T0_US + 10_001, 10_000)
    assert views.current is Stream.EVENTS
    views.zoom(2)
    views.next_view()
    assert views.current is Stream.RGB
    assert views.panes[Stream.EVENTS].stage.zoom == 2
    assert views.panes[Stream.RGB].stage.zoom == 1
    views.next_view(-1)
    left = views.panes[Stream.EVENTS].stage.target().left()
    views.pan(1, 0)
    assert views.panes[Stream.EVENTS].stage.target().left() < left
    views.reset()
    assert views.panes[Stream.EVENTS].stage.zoom == 1
    qtbot.mouseClick(views.panes[Stream.THERMAL].stage, Qt.MouseButton.LeftButton)
    assert views.current is Stream.THERMAL


@pytest.mark.parametrize("scheme", [Scheme.DARK, Scheme.LIGHT])
def test_both_schemes_are_painted(views, desk, qtbot, scheme):
    views.show_take(desk)
    views.show_at(T0_US + 20_001, 15_000)
    use_scheme(scheme)
    assert drawn(views) == {(5, 6), (9, 6)}
    assert not views.grab().isNull()


def test_more_events_are_fuller_and_the_more_frequent_polarity_gives_the_colour():
    counts = np.zeros((2, 1, 5), np.uint16)
    counts[1, 0, 1], counts[1, 0, 2], counts[0, 0, 3], counts[:, 0, 4] = 1, 60_000, 1, 3
    pixels = EventPainter(COLOURS).paint(counts, Mode.COUNTS)[0]
    nothing, one, many, off, both = (tuple(int(part) for part in pixel) for pixel in pixels)
    assert nothing == NOTHING
    assert 100 < one[0] < many[0] == 255
    assert off[2] > 100 > off[0]
    assert both[0] == both[2] > 0


def test_the_newest_event_stands_out_most_and_the_oldest_is_still_seen():
    ages = np.zeros((2, 1, 4), np.float32)
    ages[1, 0] = (0, 1e-6, 0.5, 1.0)
    pixels = EventPainter(COLOURS).paint(ages, Mode.SURFACE)[0].astype(int)
    assert tuple(pixels[0]) == NOTHING
    assert len({tuple(pixel) for pixel in pixels}) == 4
    assert pixels[3].sum() > pixels[1].sum()


@pytest.mark.parametrize(
    ("away_us", "uncertainty_us", "own", "text"),
    [
        (3_200, 400, False, "+3.2 ms ± 400 µs"),
        (-12_000, 1_500, False, "-12.0 ms ± 1.5 ms"),
        (0, None, False, "0 µs · not synced"),
        (240, 0, True, "+240 µs · same clock"),
        (-2_310_000, 400, False, "-2.31 s ± 400 µs"),
    ],
)
def test_a_difference_has_its_sign_its_unit_and_its_uncertainty(away_us, uncertainty_us, own, text):
    assert away_text(Shown(0, T0_US + away_us, uncertainty_us, None), T0_US, own_clock=own) == text


def test_a_picture_that_is_seen_is_not_asked_for_again_but_its_time_is_told_anew(views, desk, qtbot, monkeypatch):
    rgb = desk.pictures[Stream.RGB]
    views.show_take(desk)
    views.show_at(int(rgb.times_us[1]), 10_000)
    settled(qtbot, views)
    asked = []
    monkeypatch.setattr(rgb, "peek", lambda t_us: asked.append(t_us))
    views.show_at(int(rgb.times_us[1]) + 1_000, 10_000)
    assert not asked
    assert views.panes[Stream.RGB].time.whole() == "-1.0 ms ± 400 µs"
