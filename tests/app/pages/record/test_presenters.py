"""What the widgets of the Record page are given to show."""

from dataclasses import dataclass
from itertools import pairwise
from types import SimpleNamespace

import pytest
from takekit import SHORT_SCRIPT

from app.i18n import use_language
from app.pages.record.presenters import (
    MOST_CHIPS,
    chips,
    lamp_readings,
    number_text,
    place_at,
    prompt_view,
    script_bands,
    script_marks,
)
from app.pages.record.takeflow import TakeState
from protocol.analysis import Measure, QualityRecord, Verdict
from protocol.manifest import How, StepTime
from protocol.script import parse_script
from protocol.session import Place, Session, grid_of
from recorder.messages import PromptReport, State, Status

SCRIPT = parse_script(SHORT_SCRIPT, "short")  # 0.8 + 0.9 + 0.6 + 1.4 + 2.3 s
T_US = 1_000_000_000


def step(name, seconds, how=How.SCHEDULED, late_s=0.0):
    action = next(one.action.value for one in SCRIPT.steps if one.id == name)
    scheduled = T_US + round(seconds * 1e6)
    return StepTime(step=name, action=action, scheduled_us=scheduled, at_us=scheduled + round(late_s * 1e6), how=how)


def test_the_bands_are_the_whole_script_from_the_steps_that_were_and_the_plan_of_those_to_come():
    bands = script_bands(SCRIPT, [step("settle", 0), step("paper_in", 0.8, late_s=0.5)], T_US)
    edges = [round((band.start_us - T_US) / 1e5) for band in bands]
    assert edges == [0, 13, 22, 28, 42]
    assert all(one.end_us == other.start_us for one, other in pairwise(bands))
    assert bands[-1].end_us - bands[-1].start_us == 2_300_000


def test_before_its_first_step_the_script_is_planned_from_now_on():
    assert script_bands(SCRIPT, [], T_US)[0].start_us == T_US


def test_marks_tell_how_they_are_known():
    steps = [step("settle", 0), step("paper_in", 0.8), step("neutral", 2.3, How.DETECTED), step("movement", 3.7, How.PRESSED)]
    assert [(mark.text, mark.how) for mark in script_marks(SCRIPT, steps)] == [
        ("paper in", "scheduled"),
        ("t0", "detected"),
        ("cue", "pressed"),
    ]


def take_at(name, at_us=T_US, **status):
    take = TakeState(SCRIPT, "smile")
    one = next(step for step in SCRIPT.steps if step.id == name)
    text = SCRIPT.prompt_text(one, "smile", "en")
    seconds = one.duration_us / 1e6
    take.prompts.append(
        PromptReport(step=name, action=one.action.value, movement="smile", text=text, at_us=at_us, seconds=seconds)
    )
    take.status = Status(state=State.RECORDING, **status)
    return take


def test_the_prompt_counts_down_from_the_step_as_it_really_began():
    late = StepTime(step="neutral", action="neutral", scheduled_us=T_US, at_us=T_US + 500_000)
    prompt = prompt_view(take_at("neutral", steps=(late,)), "en", T_US + 900_000)
    assert (prompt.text, prompt.total_s, prompt.step) == ("Neutral face.", 1.4, 3)
    assert prompt.left_s == pytest.approx(1.0)
    assert prompt.next_text == "Smile now"


def test_in_the_movement_the_time_left_is_that_to_the_stop_which_counts_from_t0():
    prompt = prompt_view(take_at("movement", remaining_us=1_500_000), "en", T_US + 100_000)
    assert (prompt.left_s, prompt.next_text, prompt.name) == (1.5, "", "Smile")


def test_there_is_no_prompt_before_the_first_step_and_a_full_one_before_the_clock_is_known():
    assert prompt_view(TakeState(SCRIPT, "smile"), "en", T_US) is None
    assert prompt_view(take_at("settle"), "en", None).left_s == 0.8


def measured(name, value, verdict=Verdict.GOOD, unit="", **details):
    return Measure(name=name, value=value, unit=unit, verdict=verdict, details=details)


def test_what_is_not_good_comes_first_and_what_is_not_known_is_left_out():
    measures = (
        measured("movement", 1.0),
        measured("blinks", 2.0, Verdict.CHECK, "blinks"),
        measured("distance", None, Verdict.UNKNOWN, "mm"),
        measured("noise", 0.25, Verdict.REDO, "events/s/pixel"),
        measured("something_new", 3.0),
    )
    found = chips(QualityRecord(verdict=Verdict.REDO, measures=measures))
    assert [(one.value, one.state) for one in found] == [
        ("2", "check"),
        ("0.2 events/s/pixel", "redo"),
        ("found", "good"),
    ]


def test_there_are_no_more_numbers_than_an_operator_reads():
    from app.pages.record.presenters import CHIPS

    every = tuple(measured(name, 1.0) for name, _, _ in CHIPS)
    assert len(chips(QualityRecord(verdict=Verdict.GOOD, measures=every))) == MOST_CHIPS


@pytest.mark.parametrize(
    ("measure", "text"),
    [
        (measured("movement", 0.0), "none"),
        (measured("sync_rgb", 0.24, unit="ms", status="paper"), "± 0.2 ms"),
        (measured("sync_rgb", 12.0, unit="ms", status="host"), "host's only"),
        (measured("event_rate", 36_000.0, unit="events/s"), "36 k events/s"),
        (measured("event_rate", 1_234_567.0, unit="events/s"), "1.23 M events/s"),
        (measured("event_rate", 9_000.0, unit="events/s"), "9000 events/s"),
    ],
)
def test_numbers_have_their_unit_and_large_ones_a_prefix(measure, text):
    assert number_text(measure, 0) == text


def test_a_head_that_was_held_still_has_no_milliseconds_and_one_that_moved_has_seconds():
    assert number_text(measured("head_turn", 0.0, unit="ms"), 1) == "still"
    assert number_text(measured("head_turn", 450.0, unit="ms"), 1) == "0.5 s moved"
    assert chips(QualityRecord(verdict=Verdict.GOOD, measures=(Measure(name="head_turn", sentence="Seen too shortly."),))) == ()


def test_a_number_that_the_longer_look_finds_more_exactly_is_not_shown_before_it():
    quality = QualityRecord(
        verdict=Verdict.GOOD, measures=(measured("duration", 180.0, unit="ms"), measured("blinks", 1.0, unit="blinks"))
    )
    assert [one.name for one in chips(quality, final=False)] == ["Blinks"]
    assert [one.name for one in chips(quality)] == ["Duration", "Blinks"]


def test_in_french_numbers_have_a_comma_and_units_are_translated():
    use_language("fr")
    try:
        assert number_text(measured("event_rate", 1_234_567.0, unit="events/s"), 0) == "1,23 M événements/s"
        assert [one.name for one in chips(QualityRecord(verdict=Verdict.GOOD, measures=(measured("head_turn", 0.0),)))] == [
            "Tête"
        ]
    finally:
        use_language("en")


@dataclass
class Check:
    name: str
    level: str
    value: float | None
    unit: str
    sentence: str


def test_lamps_tell_name_value_and_what_to_do():
    checks = [
        Check("distance", "check", 372.4, "mm", "Sit 2 cm closer."),
        Check("background_rate", "good", 123_456.0, "events/s", ""),
        Check("a_new_one", "unknown", None, "", ""),
        Check("flicker", "good", 0.034, "", ""),
    ]
    lamps = lamp_readings(checks)
    assert [(one.name, one.value) for one in lamps] == [
        ("Distance", "372 mm"),
        ("Noise", "123 k events/s"),
        ("a new one", ""),
        ("Flicker", "0.034"),
    ]
    assert lamps[0].advice == "Sit 2 cm closer."


def test_a_place_of_the_grid_is_found_by_row_and_column_and_none_outside():
    told = {"script": SCRIPT.model_dump(mode="json"), "started_at": "2026-03-02T10:00:00Z"}
    grid = grid_of(Session(subject=4, label="2026-03-02", **told), ())
    assert place_at(grid, 0, 0).place == Place(movement="smile", repetition=1)
    assert [place_at(grid, row, column) for row, column in ((-1, 0), (1, 0), (0, 1), (0, -1))] == [None] * 4


def test_a_take_that_is_not_whole_says_why_and_practice_what_becomes_of_it():
    from app.pages.record.presenters import _note

    flow = SimpleNamespace(practice=True, keep_practice=False)
    take = TakeState(SCRIPT, "smile")
    take.done = SimpleNamespace(status="partial", message="The operator ended the take.")
    assert _note(flow, take) == "The take is partial: The operator ended the take. Practice: thrown away when you go on."
