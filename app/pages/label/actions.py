"""Which key of the Label page does what on the desk: names of the table of keys, without their page. Knows no widget's look."""

from collections.abc import Callable
from functools import partial

from app.pages.label.desk import LabelDesk
from app.pages.label.interval_panel import IntervalPanel
from app.pages.label.playhead import Unit
from protocol.labeledits import Landmark
from protocol.labels import IntervalKind

MANY = 10
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
        ("frame_back", partial(desk.step, -1, Unit.FRAME)),
        ("frame_on", partial(desk.step, 1, Unit.FRAME)),
        ("frames_back", partial(desk.step, -1, Unit.FRAME, MANY)),
        ("frames_on", partial(desk.step, 1, Unit.FRAME, MANY)),
        ("mark_back", partial(desk.seek_mark, -1)),
        ("mark_on", partial(desk.seek_mark, 1)),
    )
