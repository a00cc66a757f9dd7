"""The timeline shows every row, follows the cursor, repaints nothing for it, and tells what the mouse did."""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

from app.pages.label.scores import Scores
from app.pages.label.timeline import Timeline
from app.pages.label.timeline_curves import CurveColours, columns_of, curve_pixels, rounded_up
from app.pages.label.timeline_paint import GUTTER_PX
from app.pages.label.timeline_rows import LANE_PX, Content, Kind, lane_count, lanes, moved, room_beside, rows_of
from app.pages.label.timeline_view import TimeView
from app.widgets.rate_strip import Band, StripMark
from app.window.theme import Scheme, use_scheme
from protocol.analysis import Suggestion
from protocol.errors import GlimpseError
from protocol.labels import Interval, IntervalKind, LabelSet
from recorder.browse.curves import Stretch
from recorder.browse.regions import REGIONS, Region

T0 = 1_700_000_000_000_000
S, MS = 1_000_000, 1_000
SPAN = (T0, T0 + 10 * S)
FRAMES = T0 + np.arange(300, dtype=np.int64) * 33_333


@dataclass
class Counted:
    """Rates that are the same in every region; those after done_us are not counted yet."""

    regions: tuple = REGIONS
    problem: str | None = None
    done_us: int = T0 + 3600 * S
    asked: int = 0
    error: Exception | None = None

    @property
    def complete(self):
        return self.done_us > SPAN[1]

    @property
    def progress(self):
        return min(1.0, (self.done_us - T0) / (10 * S))

    def stretch(self, start_us, end_us, points=2000):
        self.asked += 1
        if self.error:
            raise self.error
        bin_us = max(1, -(-(end_us - start_us) // (points - 1)))
        starts = np.arange(start_us, end_us, bin_us, dtype=np.int64)
        rates = np.full((len(self.regions), 2, len(starts)), 4000.0, np.float32)
        rates[:, :, starts >= self.done_us] = np.nan
        return Stretch(bin_us, starts, self.regions, rates, rates, rates * 2)


def interval(name="a", onset=5 * S, apex=5 * S + 200 * MS, offset=5 * S + 500 * MS, **more):
    return Interval(
        id=name,
        movement="smile",
        onset_us=T0 + onset,
        apex_us=None if apex is None else T0 + apex,
        offset_us=T0 + offset,
        **more,
    )


@pytest.fixture
def timeline(qtbot):
    timeline = Timeline()
    qtbot.addWidget(timeline)
    timeline.resize(1280, 340)
    bands = [Band("neutral", T0, T0 + 4 * S), Band("movement", T0 + 4 * S, T0 + 10 * S)]
    marks = [StripMark("t0", T0 + 1 * S, "detected"), StripMark("cue", T0 + 4 * S, "pressed")]
    timeline.show_take(SPAN, Counted(), bands, marks, FRAMES)
    timeline.show_cursor(T0 + 5 * S, 33_333)
    timeline.show()
    return timeline


def place(timeline, t_us, kind, down=8):
    row = next(row for row in timeline.rows() if row.kind is kind)
    return QPoint(round(GUTTER_PX + timeline.view.x_of(t_us)), round(row.top + down))


def drag(qtbot, timeline, start, end, button=Qt.MouseButton.LeftButton):
    qtbot.mousePress(timeline, button, pos=start)
    qtbot.mouseMove(timeline, (start + end) / 2)
    qtbot.mouseMove(timeline, end)
    qtbot.mouseRelease(timeline, button, pos=end)


def test_without_a_take_it_says_so(qtbot):
    empty = Timeline()
    qtbot.addWidget(empty)
    empty.resize(700, 300)
    assert not empty.grab().isNull()
    qtbot.mousePress(empty, Qt.MouseButton.LeftButton, pos=QPoint(300, 100))
    empty.show_take(SPAN)
    assert not empty.grab().isNull()


def test_rows_are_there_for_what_there_is_and_do_not_overlap(timeline):
    labels = LabelSet(coder="coder-2", created_at=datetime.now(UTC), intervals=(interval("z"),))
    found = Suggestion(onset_us=T0 + 5 * S, apex_us=T0 + 5 * S + 1, offset_us=T0 + 6 * S, confidence=0.9)
    timeline.show_labels([interval()], "a", [found], [("coder-2", labels)])
    timeline.show_scores(Scores("net", FRAMES, np.linspace(0, 1, len(FRAMES), dtype=np.float32)))
    timeline.zoom_to(T0 + 5 * S, T0 + 6 * S)
    rows = timeline.rows()
    assert [row.kind for row in rows if row.kind is not Kind.CURVE] == [
        Kind.AXIS, Kind.SCRIPT, Kind.TICKS, Kind.SCORES, Kind.SUGGESTED, Kind.LABELS, Kind.OTHER,
    ]  # fmt: skip
    assert [row.region for row in rows if row.kind is Kind.CURVE] == list(REGIONS)
    assert all(upper.bottom <= lower.top for upper, lower in pairwise(rows))
    assert rows[-1].bottom <= timeline.height()
    timeline.fold(True)
    assert [row.region for row in timeline.rows() if row.kind is Kind.CURVE] == [Region.FACE]


@pytest.mark.parametrize("scheme", [Scheme.DARK, Scheme.LIGHT])
@pytest.mark.parametrize("span_us", [10 * S, S, 10 * MS, 50])
def test_every_zoom_and_scheme_is_painted(timeline, scheme, span_us):
    use_scheme(scheme)
    timeline.show_labels([interval(), interval("b", kind=IntervalKind.BLINK)], "a")
    timeline.zoom_to(T0 + 5 * S, T0 + 5 * S + span_us)
    timeline.show_cursor(T0 + 5 * S + span_us // 2, 1000, (T0 + 5 * S, T0 + 6 * S))
    assert not timeline.grab().isNull()


def test_pictures_are_marked_only_where_they_can_be_told_apart(timeline):
    timeline.zoom_to(T0 + 5 * S, T0 + 7 * S)
    assert Kind.TICKS in {row.kind for row in timeline.rows()}
    timeline.show_take((T0, T0 + 600 * S), Counted(), ticks_us=T0 + np.arange(18_000, dtype=np.int64) * 33_333)
    assert Kind.TICKS not in {row.kind for row in timeline.rows()}


def test_moving_the_cursor_asks_for_no_rates_again(timeline):
    curves = Counted()
    timeline.show_take(SPAN, curves)
    timeline.grab()
    asked = curves.asked
    for step in range(20):
        timeline.show_cursor(T0 + 5 * S + step * MS, 33_333)
        timeline.grab()
    timeline.show_labels([interval()], "a")
    timeline.grab()
    assert curves.asked == asked


def test_what_is_not_counted_yet_is_looked_for_again_until_all_is(timeline, qtbot):
    curves = Counted(done_us=T0 + 2 * S)
    timeline.show_take(SPAN, curves)
    timeline.grab()
    first = curves.asked
    curves.done_us = T0 + 3600 * S
    qtbot.waitUntil(lambda: curves.asked > first)
    qtbot.waitUntil(lambda: not timeline._again.isActive())


@pytest.mark.parametrize("error", [GlimpseError("The disk fails."), ValueError("closed")])
def test_rates_that_cannot_be_read_leave_the_rest_in_sight(timeline, error):
    timeline.show_take(SPAN, Counted(error=error))
    assert not timeline.grab().isNull()


def test_the_view_follows_the_cursor(timeline):
    timeline.zoom_to(T0 + 5 * S, T0 + 6 * S)
    timeline.show_cursor(T0 + 8 * S)
    assert timeline.view.shown.start_us < T0 + 8 * S < timeline.view.shown.end_us
    assert timeline.view.shown.span_us == S


def test_zooming_by_key_keeps_the_cursor_and_the_cue_is_found(timeline):
    timeline.zoom(4)
    assert timeline.view.shown.start_us < T0 + 5 * S < timeline.view.shown.end_us
    timeline.zoom_to_cue()
    assert timeline.view.shown.start_us == T0 + 3_500_000
    before = timeline.view.shown.start_us
    timeline.pan(1)
    assert timeline.view.shown.start_us > before
    timeline.zoom_out()
    assert timeline.view.shown == timeline.view.limits


def test_the_cursors_time_is_told_from_t0_from_the_cue_and_as_it_is(timeline):
    timeline.show_cursor(T0 + 5 * S + 1)
    assert timeline.cursor_text() == "t0 +4.000 001 s   cue +1.000 001 s   1 700 000 005 000 001 µs"


def test_a_click_seeks_to_the_instant_under_the_pointer(timeline, qtbot):
    timeline.zoom_to(T0 + 5 * S, T0 + 5 * S + 100)
    with qtbot.waitSignal(timeline.sought) as told:
        qtbot.mouseClick(timeline, Qt.MouseButton.LeftButton, pos=place(timeline, T0 + 5 * S + 42, Kind.CURVE))
    assert told.args == [T0 + 5 * S + 42]


def test_a_landmark_is_dragged_and_told_once_when_it_is_let_go(timeline, qtbot):
    timeline.show_labels([interval()], "a")
    timeline.zoom_to(T0 + 4_900_000, T0 + 5_600_000)
    told = []
    timeline.landmark_moved.connect(lambda *what: told.append(what))
    start = place(timeline, T0 + 5 * S, Kind.LABELS)
    end = place(timeline, T0 + 5 * S + 100 * MS, Kind.LABELS)
    qtbot.mousePress(timeline, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(timeline, end)
    assert not told
    assert not timeline.grab().isNull()
    qtbot.mouseRelease(timeline, Qt.MouseButton.LeftButton, pos=end)
    [(name, landmark, at_us)] = told
    assert (name, landmark) == ("a", "onset")
    assert at_us == pytest.approx(T0 + 5 * S + 100 * MS, abs=timeline.view.us_per_px)


def test_a_landmark_stays_between_its_neighbours(timeline, qtbot):
    timeline.show_labels([interval()], "a")
    timeline.zoom_to(T0 + 4_900_000, T0 + 5_600_000)
    with qtbot.waitSignal(timeline.landmark_moved) as told:
        drag(qtbot, timeline, place(timeline, T0 + 5 * S, Kind.LABELS), place(timeline, T0 + 5_550_000, Kind.LABELS))
    assert told.args == ["a", "onset", T0 + 5_200_000]
    one = interval(apex=None)
    assert moved(one, "offset", 0).offset_us == one.onset_us
    assert moved(one, "onset", T0 + 9 * S).onset_us == one.offset_us


def test_a_drag_that_is_given_up_moves_nothing(timeline, qtbot):
    timeline.show_labels([interval()], "a")
    timeline.zoom_to(T0 + 4_900_000, T0 + 5_600_000)
    told = []
    timeline.landmark_moved.connect(lambda *what: told.append(what))
    start, end = place(timeline, T0 + 5 * S, Kind.LABELS), place(timeline, T0 + 5_100_000, Kind.LABELS)
    qtbot.mousePress(timeline, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(timeline, end)
    assert timeline.cancel_drag()
    qtbot.mouseRelease(timeline, Qt.MouseButton.LeftButton, pos=end)
    assert not told


def test_an_interval_is_chosen_by_a_click_and_shown_large_by_two(timeline, qtbot):
    timeline.show_labels([interval(), interval("b", 7 * S, None, 8 * S)], "a")
    with qtbot.waitSignal(timeline.chosen) as told:
        qtbot.mouseClick(timeline, Qt.MouseButton.LeftButton, pos=place(timeline, T0 + 7_500_000, Kind.LABELS))
    assert told.args == ["b"]
    qtbot.mouseDClick(timeline, Qt.MouseButton.LeftButton, pos=place(timeline, T0 + 7_500_000, Kind.LABELS))
    assert timeline.view.shown.span_us == 2 * S


def test_the_wheel_zooms_about_the_pointer(timeline):
    at = place(timeline, T0 + 7 * S, Kind.CURVE)
    event = QWheelEvent(
        QPointF(at), QPointF(at), QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(timeline, event)
    assert timeline.view.shown.span_us < 7 * S
    assert timeline.view.x_of(T0 + 7 * S) == pytest.approx(at.x() - GUTTER_PX, abs=2)


def test_the_view_is_moved_with_the_other_button_and_folded_by_its_name(timeline, qtbot):
    timeline.zoom_to(T0 + 5 * S, T0 + 6 * S)
    timeline.grab()
    start = place(timeline, T0 + 5_500_000, Kind.CURVE)
    drag(qtbot, timeline, start, start - QPoint(118, 0), Qt.MouseButton.MiddleButton)
    assert timeline.view.shown.start_us == pytest.approx(T0 + 5_100_000, abs=3 * timeline.view.us_per_px)
    qtbot.mouseClick(timeline, Qt.MouseButton.LeftButton, pos=QPoint(20, start.y()))
    assert timeline.folded


def test_overlapping_intervals_lie_below_one_another():
    several = [
        interval("a"),
        interval("b", 5 * S + 1),
        interval("c", 6 * S, None, 7 * S),
        *(interval(f"d{n}") for n in range(4)),
    ]
    assert lanes(several[:3]) == {"a": 0, "b": 1, "c": 0}
    assert lane_count(several) == 3
    assert lane_count([]) == 0
    row = rows_of(Content(intervals=tuple(several)), TimeView(), 400, True)[-1]
    assert row.height == 3 * LANE_PX


def test_rates_are_drawn_upwards_for_on_downwards_for_off_and_hatched_where_unknown():
    rates = np.zeros((1, 2, 4), np.float32)
    rates[0, 1, 0], rates[0, 0, 1], rates[0, :, 3] = 1000.0, 1000.0, np.nan
    columns = columns_of(Stretch(10, np.arange(0, 40, 10), (Region.FACE,), rates, rates, rates), 0, 40, 4)
    assert columns.top(0) == 1000.0
    colours = CurveColours((255, 0, 0, 255), (0, 0, 255, 255), (9, 9, 9, 255))
    pixels = curve_pixels(columns, 0, 40, colours)
    assert (pixels[:20, 0] != 0).all()
    assert (pixels[20:, 0] == 0).all()
    assert (pixels[:20, 1] == 0).all()
    assert (pixels[20:, 1] != 0).all()
    assert (pixels[:, 2] == 0).all()
    assert 0 < (pixels[:, 3] != 0).sum() < 20


def test_scales_are_round_numbers():
    assert [rounded_up(value) for value in (500, 501, 1999, 2000, 2e5 + 1)] == [500, 1000, 2000, 2000, 5e5]


@pytest.mark.parametrize(("paper_us", "top"), [(None, 1e6), (20, 2000.0), (39, 1e6), (-5, 1e6)])
def test_the_sheet_of_paper_does_not_set_the_scale_where_enough_comes_after_it(paper_us, top):
    rates = np.array([1e6, 1e6, 2000.0, 2000.0], np.float32).reshape(1, 1, 4).repeat(2, axis=1)
    stretch = Stretch(10, np.arange(0, 40, 10), (Region.FACE,), rates, rates, rates)
    assert columns_of(stretch, 0, 40, 40, paper_us).top(0) == top


def test_a_text_beside_an_interval_ends_where_the_next_one_of_its_lane_begins():
    several = [interval("a"), interval("b", 5 * S + 1), interval("c", 6 * S, None, 7 * S)]
    assert room_beside(several) == {"a": T0 + 6 * S}


def test_labels_keep_their_room_where_the_curves_have_none():
    content = Content(intervals=(interval("a"), interval("b", 5 * S + 1)), regions=REGIONS)
    tight, roomy = (rows_of(content, TimeView(), height, True) for height in (150, 400))
    assert sum(row.kind is Kind.CURVE for row in tight) == 1
    assert sum(row.kind is Kind.CURVE for row in roomy) == len(REGIONS)
    assert tight[-1].height == roomy[-1].height == 2 * LANE_PX
