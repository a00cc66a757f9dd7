"""Which key of the Label page does what: names of the table of keys, without their page. Knows no widget's look."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from app.pages.label.desk import LabelDesk
from app.pages.label.interval_panel import IntervalPanel
from app.pages.label.playhead import Unit
from protocol.labeledits import Landmark
from protocol.labels import IntervalKind

if TYPE_CHECKING:
    from app.pages.label.bench import LabelBench

MANY = 10
ZOOM = 1.6
Deeds = tuple[tuple[str, Callable[[], object]], ...]


def marking(desk: LabelDesk, panel: IntervalPanel) -> Deeds:
    """What changes labels."""
    letters = [(f"intensity_{one.lower()}", partial(desk.set_intensity, one)) for one in ("A", "B", "C", "D", "E")]
    return (
        ("onset", partial(desk.place, Landmark.ONSET)),
        ("apex", partial(desk.place, Landmark.APEX)),
        ("offset", partial(desk.place, Landmark.OFFSET)),
        ("finish", partial(desk.finish, accept=True)),
        ("finish_without", partial(desk.finish, accept=False)),
        ("accept", desk.accept),
        ("earlier", partial(desk.nudge, -1, Unit.MS)),
        ("later", partial(desk.nudge, 1, Unit.MS)),
        ("earlier_fine", partial(desk.nudge, -1, Unit.TENTH)),
        ("later_fine", partial(desk.nudge, 1, Unit.TENTH)),
        ("earlier_frame", partial(desk.nudge, -1, Unit.FRAME)),
        ("later_frame", partial(desk.nudge, 1, Unit.FRAME)),
        ("interval_back", partial(desk.choose_next, -1)),
        ("interval_on", partial(desk.choose_next, 1)),
        ("new", partial(desk.begin, IntervalKind.ASKED)),
        ("blink", partial(desk.begin, IntervalKind.BLINK)),
        ("remove", desk.remove),
        ("no_apex", desk.drop_apex),
        ("kind", desk.next_kind),
        ("movement", panel.ask_movement),
        ("units", panel.ask_units),
        *letters,
        ("intensity_none", partial(desk.set_intensity, None)),
        ("confidence", desk.next_confidence),
        ("note", panel.ask_note),
        ("noise", panel.ask_noise),
        ("undo", desk.undo),
        ("redo", desk.redo),
    )


def moving(desk: LabelDesk) -> Deeds:
    """What moves the cursor."""
    return (
        ("play", desk.toggle_play),
        ("play_back", partial(desk.toggle_play, -1)),
        ("slower", partial(desk.change_speed, -1)),
        ("faster", partial(desk.change_speed, 1)),
        ("loop", desk.loop_interval),
        ("cue", desk.to_cue),
        ("around_cue", desk.play_around_cue),
        ("back", partial(desk.step, -1, Unit.WINDOW)),
        ("on", partial(desk.step, 1, Unit.WINDOW)),
        ("back_many", partial(desk.step, -1, Unit.WINDOW, MANY)),
        ("on_many", partial(desk.step, 1, Unit.WINDOW, MANY)),
        ("stride_back", partial(desk.step, -1, Unit.STRIDE)),
        ("stride_on", partial(desk.step, 1, Unit.STRIDE)),
        ("frame_back", partial(desk.step, -1, Unit.FRAME)),
        ("frame_on", partial(desk.step, 1, Unit.FRAME)),
        ("frames_back", partial(desk.step, -1, Unit.FRAME, MANY)),
        ("frames_on", partial(desk.step, 1, Unit.FRAME, MANY)),
        ("mark_back", partial(desk.seek_mark, -1)),
        ("mark_on", partial(desk.seek_mark, 1)),
    )


def viewing(bench: "LabelBench") -> Deeds:
    """What changes what is in sight: another take, another stretch, another picture."""
    desk, line, views = bench.desk, bench.timeline, bench.views
    return (
        ("wider", partial(desk.change_window, 1)),
        ("narrower", partial(desk.change_window, -1)),
        ("zoom_in", partial(line.zoom, ZOOM)),
        ("zoom_out", partial(line.zoom, 1 / ZOOM)),
        ("whole", bench.show_whole),
        ("close_up", bench.show_close_up),
        ("pan_back", partial(line.pan, -1)),
        ("pan_on", partial(line.pan, 1)),
        ("let_go", line.cancel_drag),
        ("take_over", desk.take_over),
        ("regions", lambda: line.fold(not line.folded)),
        ("next_view", views.next_view),
        ("view_in", partial(views.zoom, ZOOM)),
        ("view_out", partial(views.zoom, 1 / ZOOM)),
        ("view_whole", views.reset),
        ("view_left", partial(views.pan, -1, 0)),
        ("view_right", partial(views.pan, 1, 0)),
        ("view_up", partial(views.pan, 0, -1)),
        ("view_down", partial(views.pan, 0, 1)),
        ("mode", bench.toggle_mode),
        ("crop", bench.toggle_crop),
        ("previous", partial(bench.go, -1)),
        ("next", partial(bench.go, 1)),
        ("previous_any", partial(bench.go, -1, unlabelled=False)),
        ("next_any", partial(bench.go, 1, unlabelled=False)),
        ("compare", bench.toggle_comparison),
    )
