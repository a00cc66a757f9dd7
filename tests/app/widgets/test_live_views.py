"""The live views: what is fed is seen where it belongs, in the way that was chosen, and nothing is drawn that is not there."""

import numpy as np
import pytest

from app.preview.palettes import Palette
from app.preview.render import EventMode
from app.preview.taps import Picture
from app.widgets.event_view import EventView, short_number
from app.widgets.picture_view import PictureView
from app.widgets.stage import Stage
from app.window.theme import Scheme, current_theme, use_scheme
from protocol.streams import EVENT_DTYPE, Stream


def events(*rows):
    return np.array(list(rows), EVENT_DTYPE)


def color_at(widget, x, y):
    """As painted at a point of the widget in logical pixels."""
    widget.window().grab()
    image = widget.grab().toImage()
    scale = image.devicePixelRatio()
    return image.pixelColor(int(x * scale), int(y * scale)).name()


@pytest.fixture
def view(qtbot):
    view = EventView()
    qtbot.addWidget(view)
    view.resize(400, 360)
    view.use_resolution((40, 30))
    view.grab()  # lays it out
    return view


def pixel_centre(stage, x, y, width):
    target = stage.target()
    scale = target.width() / width
    return target.left() + (x + 0.5) * scale, target.top() + (y + 0.5) * scale


def test_without_a_camera_the_view_says_so_and_takes_events_in_peace(qtbot):
    view = EventView()
    qtbot.addWidget(view)
    view.feed(events((1, 1, 1, 1)))
    view.refresh()
    assert not view.stage.has_picture


def test_an_event_is_painted_at_its_pixel_in_the_themes_colour(view):
    view.feed(events((5, 30, 4, 1), (5, 3, 20, 0)))
    view.refresh()
    theme = current_theme()
    assert color_at(view.stage, *pixel_centre(view.stage, 30, 4, 40)) == theme.color("on")
    assert color_at(view.stage, *pixel_centre(view.stage, 3, 20, 40)) == theme.color("off")
    assert color_at(view.stage, *pixel_centre(view.stage, 15, 15, 40)) == theme.color("view")


def test_the_picture_keeps_its_aspect_in_any_room(view):
    for size in ((400, 360), (900, 200), (200, 900)):
        view.resize(*size)
        view.grab()
        target = view.stage.target()
        assert target.width() / target.height() == pytest.approx(40 / 30)
        assert view.stage.rect().contains(target.toAlignedRect())


def test_the_way_events_are_shown_is_chosen_by_button_or_in_turn(view, qtbot):
    with qtbot.waitSignal(view.mode_changed) as changed:
        view.next_mode()
    assert changed.args == [EventMode.SURFACE]
    view.next_mode()
    view.feed(events((5, 1, 1, 1)))
    view.refresh()
    assert view.mode is EventMode.GREY
    assert color_at(view.stage, *pixel_centre(view.stage, 30, 20, 40)) == "#7f7f7f"


def test_the_view_changes_its_colours_with_the_theme(view):
    view.feed(events((5, 30, 4, 1)))
    view.refresh()
    use_scheme(Scheme.LIGHT)
    at = pixel_centre(view.stage, 30, 4, 40)
    assert color_at(view.stage, *at) == current_theme().color("on")


def test_another_resolution_begins_anew_and_none_is_no_camera(view):
    view.use_resolution((64, 48))
    assert view.resolution == (64, 48)
    view.use_resolution(None)
    assert not view.stage.has_picture


def test_a_mirrored_picture_has_left_and_right_exchanged_and_its_box_with_it(qtbot):
    stage = Stage()
    qtbot.addWidget(stage)
    stage.resize(400, 300)
    pixels = np.zeros((3, 4, 4), np.uint8)
    pixels[1, 0] = (255, 0, 0, 255)
    stage.show_pixels(pixels)
    assert color_at(stage, 50, 150) == "#ff0000"
    stage.set_mirrored(True)
    assert color_at(stage, 350, 150) == "#ff0000"
    assert color_at(stage, 50, 150) == "#000000"
    stage.set_box((0, 0, 1, 3))
    assert color_at(stage, 300, 100) != "#000000"
    assert color_at(stage, 100, 100) == "#000000"


def picture(index, image, host_ns=None, stream=Stream.FRAMES):
    return Picture(stream, image, index, 0, None, index * 50_000_000 if host_ns is None else host_ns)


def test_pictures_are_counted_by_their_arrival_though_not_all_are_shown(qtbot):
    view = PictureView(Stream.FRAMES)
    qtbot.addWidget(view)
    assert view.fps is None
    for index in (0, 2, 10, 20):
        view.show_picture(picture(index, np.zeros((3, 4), np.uint8)))
    assert view.fps == pytest.approx(20.0)
    view.show_picture(picture(0, np.zeros((3, 4), np.uint8), host_ns=9_000_000_000))
    assert view.fps is None
    view.show_picture(None)
    assert not view.stage.has_picture


def test_a_stream_that_stopped_shows_no_rate_any_more_but_says_so(qtbot):
    view = PictureView(Stream.RGB)
    qtbot.addWidget(view)
    last = picture(20, np.zeros((3, 4), np.uint8))
    for shown in (picture(0, np.zeros((3, 4), np.uint8)), last):
        view.show_picture(shown)
    assert "fps" in view.rate_text
    view.show_picture(last, last.host_ns + 1_000_000_000)
    assert "fps" in view.rate_text, "a shutter that closes for a moment has not stopped"
    view.show_picture(last, last.host_ns + 4_000_000_000)
    assert (view.rate_text, view.fps) == ("stopped", None)
    view.show_picture(picture(21, np.zeros((3, 4), np.uint8), host_ns=last.host_ns + 5_000_000_000))
    assert view.rate_text == ""


def test_a_thermal_picture_is_shown_in_the_chosen_palette_within_a_range_that_can_be_held(qtbot):
    view = PictureView(Stream.THERMAL)
    qtbot.addWidget(view)
    view.resize(300, 300)
    ramp = np.tile(np.linspace(29_000, 31_000, 80).astype(np.uint16), (60, 1))
    view.show_picture(picture(0, ramp, stream=Stream.THERMAL))
    held = view.range.limits
    view.hold_action.setChecked(True)
    view.show_picture(picture(900, ramp + 4_000, stream=Stream.THERMAL))
    assert view.range.limits == held
    view.set_palette(Palette.GREY)
    view.grab()
    assert color_at(view.stage, 150, 130) == "#ffffff"
    view.hold_action.setChecked(False)
    assert not view.range.by_hand


def test_colour_is_shown_as_it_is_and_mirrored_on_demand(qtbot):
    view = PictureView(Stream.RGB)
    qtbot.addWidget(view)
    view.resize(300, 300)
    image = np.zeros((30, 40, 3), np.uint8)
    image[:, :20] = (0, 0, 200)
    view.show_picture(picture(0, image))
    assert color_at(view.stage, 60, 130) == "#c80000"
    view.set_mirrored(True)
    assert color_at(view.stage, 60, 130) == "#000000"


def test_numbers_are_short():
    shown = {0: "0", 950: "950", 12_345: "12.3 k", 999_999: "1000 k", 1_050_000: "1.05 M"}
    assert {value: short_number(value) for value in shown} == shown
