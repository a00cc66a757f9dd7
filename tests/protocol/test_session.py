from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.analysis import Verdict
from protocol.manifest import FinishReason, Manifest, Person, TakeStatus
from protocol.schema import SchemaError
from protocol.script import Script, parse_script, plan
from protocol.session import (
    CellState,
    Place,
    Session,
    SessionError,
    TakeFacts,
    add,
    grid_of,
    label_for,
    next_cell,
    planned_places,
    progress_of,
    rebuilt,
    skip,
    unskip,
)

LABEL = "2026-11-21"
START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TEXT = """\
format: glimpse-script
version: "1.0"
name: two
kind: movements
movements: [smile, frown]
repetitions: 2
order: {mode: MODE, seed: null}
distance_mm: [300, 400]
background: white
languages: [en]
anchor: neutral
cue: movement
steps:
  - {id: paper_in, action: paper_in, seconds: 5, start_mark: paper_in, prompt: {en: Paper.}}
  - {id: neutral, action: neutral, seconds: 5, start_mark: paper_out, prompt: {en: Neutral face.}}
  - {id: movement, action: move, seconds: 5, start_mark: cue, prompt: {en: "{movement} now"}}
"""
SCRIPT = parse_script(TEXT.replace("MODE", "fixed"), "two.yaml")
SHUFFLED = parse_script(TEXT.replace("MODE", "shuffled"), "two.yaml")


def session(script: Script = SCRIPT, **more) -> Session:
    return Session(subject=4, label=LABEL, script=script.model_dump(mode="json"), started_at=START, **more)


def take(movement="smile", number=1, repetition=None, *, status=TakeStatus.COMPLETE, minute=None, **more) -> TakeFacts:
    at = START + timedelta(minutes=number if minute is None else minute)
    known = {"session": LABEL, "repetition": repetition, "recorded_at": at.isoformat()}
    return TakeFacts(Path(f"4/{movement}_4_{number}.aedat4"), movement, number, status, **{**known, **more})


def place(movement="smile", repetition=1) -> Place:
    return Place(movement=movement, repetition=repetition)


def states(*takes: TakeFacts, of: Session | None = None) -> dict[str, CellState]:
    return {str(cell.place): cell.state for cell in grid_of(of or session(), takes).cells}


def state_of(*takes: TakeFacts) -> CellState:
    return states(*takes)["smile 1"]


def offered(*takes: TakeFacts, of: Session | None = None, **how) -> str | None:
    cell = next_cell(grid_of(of or session(), takes), **how)
    return str(cell.place) if cell else None


def test_a_new_session_has_everything_to_do_in_the_order_of_the_plan():
    assert list(states()) == ["smile 1", "frown 1", "smile 2", "frown 2"]
    assert set(states().values()) == {CellState.TODO}
    assert offered() == "smile 1"


def test_a_shuffled_session_keeps_its_order_by_its_seed():
    order = [str(cell.place) for cell in grid_of(session(SHUFFLED, order_seed=7), ()).cells]
    assert order == [f"{one.movement_token} {one.repetition}" for one in plan(SHUFFLED, 7)]
    assert len({tuple(planned_places(SHUFFLED, seed)) for seed in range(20)}) > 1


def test_a_shuffled_session_whose_seed_is_lost_has_an_order_all_the_same():
    assert planned_places(SHUFFLED, None) == planned_places(SHUFFLED, None)


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (None, CellState.DONE),
        (Verdict.UNKNOWN, CellState.DONE),
        (Verdict.GOOD, CellState.GOOD),
        (Verdict.CHECK, CellState.CHECK),
        (Verdict.REDO, CellState.REDO),
    ],
)
def test_a_whole_take_fills_its_place_and_shows_its_verdict(verdict, state):
    one = take(repetition=1, verdict=verdict)
    assert state_of(one) is state
    assert offered(one) == "frown 1"  # also with the verdict redo: the operator kept it


@pytest.mark.parametrize("status", [TakeStatus.PARTIAL, TakeStatus.FAILED, None])
def test_a_take_that_is_not_whole_leaves_its_place_open(status):
    assert state_of(take(repetition=1, status=status)) is CellState.FAILED
    assert offered(take(repetition=1, status=status)) == "smile 1"


def test_a_take_to_be_done_again_comes_before_all_others():
    takes = [take("smile", 1, 1), take("frown", 1, 1, redone=True, minute=2)]
    assert states(*takes)["frown 1"] is CellState.REDO
    assert offered(*takes) == "frown 1"
    assert offered(*takes, after=place("frown", 1)) == "frown 1"
    again = take("frown", 2, 1, verdict=Verdict.GOOD, minute=3)
    assert states(*takes, again)["frown 1"] is CellState.GOOD
    assert offered(*takes, again) == "smile 2"
    (cell,) = [cell for cell in grid_of(session(), [*takes, again]).cells if cell.place == place("frown", 1)]
    assert [one.number for one in cell.takes] == [1, 2]
    assert cell.standing is again


def test_noise_is_offered_again_only_at_the_very_end_and_when_asked_for():
    rest = [take("frown", 1, 1), take("smile", 2, 2)]
    noise = take(repetition=1, noise=True)
    assert state_of(noise) is CellState.NOISE
    assert offered(noise, *rest, noise_too=True) == "frown 2"
    whole = [noise, *rest, take("frown", 2, 2)]
    assert offered(*whole) is None
    assert offered(*whole, noise_too=True) == "smile 1"


def test_the_next_take_after_a_jump_is_the_one_behind_it_and_what_was_left_comes_last():
    jumped = take("smile", 1, 2)
    assert offered(jumped, after=place("smile", 2)) == "frown 2"
    assert offered(jumped, take("frown", 1, 2), after=place("frown", 2)) == "smile 1"


def test_takes_that_name_no_repetition_fill_the_places_of_their_movement_in_turn():
    assert states(take(number=1), take(number=2))["smile 2"] is CellState.DONE
    assert states(take(number=1, noise=True), take(number=2))["smile 1"] is CellState.DONE
    assert states(take(number=1, noise=True), take(number=2))["smile 2"] is CellState.TODO


def test_a_take_beyond_the_plan_is_shown_in_a_place_of_its_own():
    extra = [take("smile", number) for number in (1, 2, 3)]
    assert states(*extra)["smile 3"] is CellState.DONE
    assert states(take("blink", 1))["blink 1"] is CellState.DONE
    grid = grid_of(session(), [*extra, take("blink", 9)])
    assert grid.movements == ("smile", "frown", "blink")
    assert [cell.planned for cell in grid.row("smile")] == [True, True, False]


def test_takes_of_other_sessions_and_practice_fill_nothing():
    other, tried = take(repetition=1, session="2026-11-20"), take(number=2, repetition=1, practice=True)
    assert state_of(other, tried) is CellState.TODO
    assert grid_of(session(), [other, tried]).practice == (tried,)


def test_skipping_is_taken_back_without_a_trace():
    grid = grid_of(session(), ())
    skipped = skip(session(), grid, place())
    assert states(of=skipped)["smile 1"] is CellState.SKIPPED
    assert offered(of=skipped) == "frown 1"
    assert skip(skipped, grid, place()) == skipped
    assert unskip(skipped, place()) == session()


def test_what_is_recorded_or_not_planned_cannot_be_skipped():
    grid = grid_of(session(), [take(repetition=1)])
    with pytest.raises(SessionError, match=r"smile_4_1\.aedat4"):
        skip(session(), grid, place())
    with pytest.raises(SessionError, match="no smile 9"):
        skip(session(), grid, place("smile", 9))


def test_skipping_ends_a_wish_for_another_take():
    takes = [take(repetition=1, redone=True)]
    skipped = skip(session(), grid_of(session(), takes), place())
    assert offered(*takes, of=skipped) == "frown 1"


def test_an_added_take_comes_last_and_has_the_next_number():
    more, where = add(session(), grid_of(session(), ()), "smile")
    assert where == place("smile", 3)
    assert list(states(of=more))[-1] == "smile 3"
    _, again = add(more, grid_of(more, ()), "smile")
    assert again == place("smile", 4)
    assert not grid_of(more, ()).cell(where).planned


def test_a_movement_that_the_script_cannot_record_is_not_added():
    with pytest.raises(SessionError, match="'yawn'"):
        add(session(), grid_of(session(), ()), "yawn")
    with pytest.raises(SessionError, match="spontaneous"):
        add(session(), grid_of(session(), ()), "spontaneous")


def test_progress_counts_cells_and_takes():
    takes = [take("smile", 1, 1, redone=True), take("smile", 2, 1, verdict=Verdict.GOOD), take("frown", 1, 1, noise=True)]
    progress = progress_of(grid_of(session(), takes), SCRIPT)
    assert (progress.total, progress.filled, progress.left, progress.takes) == (4, 1, 2, 3)
    assert (progress.counts[CellState.GOOD], progress.counts[CellState.NOISE], progress.counts[CellState.TODO]) == (1, 1, 2)


def test_the_minutes_left_come_from_the_script_and_then_from_the_pace_of_the_session():
    at_first = progress_of(grid_of(session(), ()), SCRIPT).minutes_left
    assert at_first == pytest.approx(4 * (15 + 15) / 60)
    paces = [take("smile", number, minute=number * 2) for number in (1, 2, 3)] + [take("frown", 1, minute=60)]
    paces.append(take("frown", 2, 1, minute=62))
    paces += [take("frown", 3, noise=True, minute=64)]
    left = progress_of(grid_of(session(), paces), SCRIPT)
    assert left.minutes_left == left.left * 2  # the hour between them was a break


@pytest.mark.parametrize(("taken", "label"), [((), LABEL), ((LABEL,), f"{LABEL}-b"), ((LABEL, f"{LABEL}-B"), f"{LABEL}-c")])
def test_the_label_is_the_day_and_a_letter_for_the_second_one_of_a_day(taken, label):
    assert label_for(date(2026, 11, 21), taken) == label


@given(st.integers(0, 60))
def test_no_label_is_given_twice_however_many_there_are(count):
    taken: list[str] = []
    for _ in range(count):
        taken.append(label_for(date(2026, 11, 21), taken))
        assert Session.parse(session().to_json().replace(f'"{LABEL}"', f'"{taken[-1]}"'), "session").label == taken[-1]
    assert len(set(taken)) == count


@pytest.mark.parametrize("label", ["", "a/b", "..", "a.b", " a", "a ", "frown_4_1", "x" * 65, "a\nb"])
def test_a_label_that_could_not_be_a_file_of_its_own_is_refused(label):
    text = session().to_json()
    with pytest.raises(SchemaError, match="label"):
        Session.parse(text.replace(f'"{LABEL}"', '"' + label.replace("\n", "\\n") + '"'), "session")


def manifest(number=1, **more) -> Manifest:
    person = Person(subject=4, session=LABEL, glasses=True)
    values = {
        "movement": "smile",
        "subject": 4,
        "number": number,
        "status": TakeStatus.COMPLETE,
        "finish_reason": FinishReason.SCRIPT_ENDED,
        "recorded_at": (START + timedelta(minutes=number)).isoformat(),
        "script": SHUFFLED.model_dump(mode="json"),
        "order_seed": 7,
        "language": "en",
        "person": person,
    }
    return Manifest(**{**values, **more})


def test_a_session_whose_record_is_lost_is_made_again_from_its_takes():
    stranger = manifest(3, person=Person(subject=4, session="other"), order_seed=9)
    again = rebuilt(4, LABEL, [manifest(2), manifest(1), stranger])
    assert (again.order_seed, again.glasses, again.started_at) == (7, True, START + timedelta(minutes=1))
    assert planned_places(again.read_script(), again.order_seed) == planned_places(SHUFFLED, 7)
    assert Session.parse(again.to_json(), "session") == again


def test_takes_that_tell_no_script_make_no_session():
    with pytest.raises(SessionError, match="begin a new one"):
        rebuilt(4, LABEL, [manifest(script={})])
    with pytest.raises(SessionError, match="begin a new one"):
        rebuilt(4, LABEL, [])


def test_a_session_that_cannot_be_read_as_a_script_says_so():
    broken = session().model_copy(update={"script": {"format": "something else"}})
    with pytest.raises(SessionError, match="begin a new session"):
        grid_of(broken, ())
