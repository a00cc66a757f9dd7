from dataclasses import replace
from importlib.resources import files
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.manifest import FinishReason, How, StepTime
from protocol.script import Mark, ScriptError, parse_script
from protocol.timeline import Change, Changes, Finished, MarkIgnored, StepMoved, StepStarted, Timeline, begin


def shipped(name: str) -> str:
    return files("assets").joinpath(f"scripts/{name}.yaml").read_text(encoding="utf-8")


DEFAULT = parse_script(shipped("default"), "default.yaml")
FREE = parse_script(shipped("spontaneous"), "spontaneous.yaml")
S = 1_000_000
START = 1_768_204_805_000_000  # absolute unix time, as a DAVIS gives it
# The default script from START: settle 0, paper_in 2, countdown 3, neutral (t0) 5, movement (cue) 10, end 15 seconds.


def started(movement: str = "frown", language: str = "en") -> Timeline:
    return begin(DEFAULT, movement, language, START)[0]


def at(seconds: float) -> int:
    return START + round(seconds * S)


def advanced(line: Timeline, seconds: float) -> Timeline:
    return line.advance(at(seconds))[0]


def marked(line: Timeline, mark: Mark, seconds: float, how: How = How.DETECTED) -> tuple[Timeline, Changes]:
    return line.mark(mark, at(seconds), how)


def seconds_of(changes: Changes) -> list[tuple[str, float]]:
    return [(change.step, (change.at_us - START) / S) for change in changes if isinstance(change, StepStarted | StepMoved)]


def test_the_first_step_begins_at_once() -> None:
    line, changes = begin(DEFAULT, "frown", "fr", START)
    assert len(changes) == 1
    first = changes[0]
    assert isinstance(first, StepStarted)
    assert (first.step, first.action, first.scheduled_us, first.at_us, first.how) == (
        "settle",
        "settle",
        START,
        START,
        "scheduled",
    )
    assert first.text.startswith("Asseyez-vous")
    assert line.step.id == "settle"


def test_without_marks_the_script_runs_by_its_durations() -> None:
    line, changes = started().advance(at(20))
    assert seconds_of(changes) == [("paper_in", 2), ("countdown", 3), ("neutral", 5), ("movement", 10)]
    assert changes[-1] == Finished(at(15), FinishReason.SCRIPT_ENDED)
    assert line.t0_us is None
    assert line.t0_scheduled_us == at(5)
    assert (line.cue_us, line.stop_us) == (at(10), at(15))


def test_a_late_clock_gets_every_step_passed_at_its_scheduled_time() -> None:
    line, changes = started().advance(at(10.7))
    assert seconds_of(changes) == [("paper_in", 2), ("countdown", 3), ("neutral", 5), ("movement", 10)]
    assert all(isinstance(change, StepStarted) and change.at_us == change.scheduled_us for change in changes)
    assert line.advance(at(10.7)) == (line, ())


def test_a_step_begins_at_the_very_microsecond_the_last_one_ends() -> None:
    assert started().advance(at(2) - 1)[1] == ()
    assert seconds_of(started().advance(at(2))[1]) == [("paper_in", 2)]


def test_a_clock_that_goes_back_changes_nothing() -> None:
    line = advanced(started(), 6)
    assert line.advance(at(1)) == (line, ())


def test_only_the_movement_step_names_the_movement() -> None:
    _, changes = begin(DEFAULT, "noseWrinkle", "fr", START)
    line, later = started("noseWrinkle", "fr").advance(at(15))
    moves = {change.step: change.movement for change in (*changes, *later) if isinstance(change, StepStarted)}
    assert {step for step, movement in moves.items() if movement} == {"movement"}
    assert moves["movement"] == "noseWrinkle"
    assert [change.text for change in later if isinstance(change, StepStarted)][-1] == "Plisser le nez maintenant"
    assert line.finished


@pytest.mark.parametrize("seconds", [2.5, 4.2])
def test_the_paper_gone_early_begins_the_anchor_at_once(seconds: float) -> None:
    line, changes = marked(advanced(started(), seconds - 0.1), Mark.PAPER_OUT, seconds)
    assert seconds_of(changes) == [("neutral", seconds)]
    assert (line.t0_us, line.t0_scheduled_us) == (at(seconds), at(5))
    assert line.steps[-1] == StepTime(step="neutral", action="neutral", scheduled_us=at(5), at_us=at(seconds), how=How.DETECTED)
    assert (line.stop_us, line.step_end_us) == (at(seconds + 10), at(seconds + 5))


def test_the_paper_gone_late_moves_t0_and_all_that_follows() -> None:
    line, changes = marked(advanced(started(), 6), Mark.PAPER_OUT, 6.25)
    assert changes == (StepMoved("neutral", at(6.25), How.DETECTED),)
    assert (line.t0_us, line.stop_us) == (at(6.25), at(16.25))
    line, changes = line.advance(at(20))
    assert seconds_of(changes) == [("movement", 11.25)]
    assert changes[-1] == Finished(at(16.25), FinishReason.SCRIPT_ENDED)
    assert line.cue_us == at(11.25)


def test_a_mark_found_a_little_late_still_tells_the_true_t0() -> None:
    line, _ = marked(advanced(started(), 5.3), Mark.PAPER_OUT, 4.9)
    assert (line.t0_us, line.stop_us) == (at(4.9), at(14.9))
    assert [step.at_us for step in line.steps] == [at(0), at(2), at(3), at(4.9)]


def test_a_step_that_a_late_mark_shows_not_to_have_taken_place_is_struck() -> None:
    line, changes = marked(advanced(started(), 3.05), Mark.PAPER_OUT, 2.95)
    assert seconds_of(changes) == [("neutral", 2.95)]
    assert [step.step for step in line.steps] == ["settle", "paper_in", "neutral"]


def test_time_passes_until_a_mark_before_it_counts() -> None:
    line, changes = marked(started(), Mark.PAPER_OUT, 4)
    assert seconds_of(changes) == [("paper_in", 2), ("countdown", 3), ("neutral", 4)]
    assert line.t0_us == at(4)


def test_the_first_mark_wins_and_a_later_one_is_told_to_be_ignored() -> None:
    line, _ = marked(advanced(started(), 4.5), Mark.PAPER_OUT, 4.5, How.PRESSED)
    again, changes = marked(line, Mark.PAPER_OUT, 4.8, How.DETECTED)
    assert again == line
    assert changes == (MarkIgnored(Mark.PAPER_OUT, at(4.8), How.DETECTED, "an earlier one was accepted"),)


def test_a_pressed_mark_counts_as_a_detected_one_does() -> None:
    line, _ = marked(advanced(started(), 5.5), Mark.PAPER_OUT, 5.5, How.PRESSED)
    assert (line.t0_us, line.steps[-1].how) == (at(5.5), How.PRESSED)


@pytest.mark.parametrize(
    ("now", "mark", "reason"),
    [
        (1, Mark.PAPER_OUT, "the step 'paper_in' has not begun"),
        (1, Mark.PAPER_IN, "the step 'paper_in' has not begun"),
        (1, Mark.CUE, "the step 'neutral' has not begun"),
        (4, Mark.CUE, "the step 'neutral' has not begun"),
        (4, Mark.PAPER_IN, "the step 'paper_in' is over"),
        (11, Mark.PAPER_OUT, "the step 'neutral' is over"),
        (16, Mark.PAPER_OUT, "the script is over"),
        (16, Mark.CUE, "the script is over"),
        (16, Mark.STOP, "the script is over"),
    ],
)
def test_a_mark_that_can_mean_nothing_now_is_ignored_with_the_reason(now: float, mark: Mark, reason: str) -> None:
    line = advanced(started(), now)
    assert marked(line, mark, now) == (line, (MarkIgnored(mark, at(now), How.DETECTED, reason),))


def test_a_mark_from_before_the_step_that_it_follows_is_ignored() -> None:
    line = advanced(started(), 4)
    assert marked(line, Mark.PAPER_OUT, 1.5)[1][0].reason == "it lies before the step that it follows"  # type: ignore[union-attr]


def test_a_cue_that_the_script_does_not_know_is_ignored() -> None:
    line, _ = begin(FREE, "spontaneous", "en", START)
    _, changes = line.mark(Mark.CUE, at(7), How.PRESSED)
    assert isinstance(changes[-1], MarkIgnored)
    assert changes[-1].reason == "the script has no step that begins with it"


def test_the_paper_coming_in_tells_when_its_step_really_began_and_shifts_nothing() -> None:
    line, changes = marked(advanced(started(), 2.1), Mark.PAPER_IN, 2.6)
    assert changes == (StepMoved("paper_in", at(2.6), How.DETECTED),)
    assert (line.step_end_us, line.stop_us) == (at(3), at(15))


def test_an_early_cue_begins_the_movement_but_not_the_stop() -> None:
    line, _ = marked(advanced(started(), 5.5), Mark.PAPER_OUT, 5.5)
    line, changes = marked(line, Mark.CUE, 9.9, How.PRESSED)
    assert seconds_of(changes) == [("movement", 9.9)]
    assert (line.cue_us, line.stop_us) == (at(9.9), at(15.5))
    assert line.steps[-1].scheduled_us == at(10.5)
    assert line.advance(at(20))[1] == (Finished(at(15.5), FinishReason.SCRIPT_ENDED),)


def test_a_late_cue_moves_the_recorded_start_of_the_movement_only() -> None:
    line, changes = marked(advanced(started(), 10.1), Mark.CUE, 10.8)
    assert changes == (StepMoved("movement", at(10.8), How.DETECTED),)
    assert (line.cue_us, line.stop_us) == (at(10.8), at(15))
    assert line.steps[-1].scheduled_us == at(10)


def test_a_fixed_script_that_is_stopped_is_aborted() -> None:
    line, changes = marked(advanced(started(), 12), Mark.STOP, 12.5, How.PRESSED)
    assert changes == (Finished(at(12.5), FinishReason.ABORTED),)
    assert line.finished == changes[0]
    assert line.advance(at(99)) == (line, ())


def free_line(seconds: float) -> Timeline:
    return begin(FREE, "spontaneous", "en", START)[0].advance(at(seconds))[0]


def test_a_script_of_free_length_ends_well_when_it_is_stopped() -> None:
    _, changes = free_line(60).mark(Mark.STOP, at(65), How.PRESSED)
    assert changes == (Finished(at(65), FinishReason.STOPPED),)


def test_a_script_of_free_length_stopped_before_it_got_there_is_aborted() -> None:
    _, changes = free_line(3).mark(Mark.STOP, at(3.5), How.PRESSED)
    assert changes == (Finished(at(3.5), FinishReason.ABORTED),)


def test_a_script_of_free_length_ends_at_its_longest_counted_from_t0() -> None:
    line, _ = free_line(6).mark(Mark.PAPER_OUT, at(6), How.DETECTED)
    assert line.stop_us == at(606)
    assert line.advance(at(700))[1] == (Finished(at(606), FinishReason.SCRIPT_ENDED),)


def test_a_stop_told_late_does_not_end_the_take_before_its_last_step() -> None:
    line = advanced(started(), 10)
    assert marked(line, Mark.STOP, 9.9)[1] == (Finished(at(10), FinishReason.ABORTED),)


def test_the_time_left_is_told_for_script_and_step() -> None:
    line = advanced(started(), 3.5)
    assert (line.remaining_us(at(3.5)), line.step_remaining_us(at(3.5))) == (11_500_000, 1_500_000)
    assert line.remaining_us(at(99)) == 0
    over = advanced(started(), 15)
    assert (over.remaining_us(at(1)), over.step_remaining_us(at(1))) == (0, 0)


def test_a_state_is_not_changed_by_what_comes_after_it() -> None:
    line = advanced(started(), 4)
    copy = replace(line)
    line.advance(at(12))
    marked(line, Mark.PAPER_OUT, 4.5)
    assert line == copy


@pytest.mark.parametrize(
    ("script", "movement"), [(DEFAULT, "grin"), (DEFAULT, "spontaneous"), (DEFAULT, "neutral"), (FREE, "frown")]
)
def test_a_movement_that_does_not_fit_the_script_is_refused(script: object, movement: str) -> None:
    with pytest.raises(ScriptError, match=f"cannot record '{movement}'"):
        begin(script, movement, "en", START)  # type: ignore[arg-type]


def test_a_language_that_the_script_does_not_have_is_refused() -> None:
    with pytest.raises(ScriptError, match="has no 'de'"):
        begin(DEFAULT, "frown", "de", START)


class Happening(NamedTuple):
    """What a clock and an operator may do next. wait_us: after the last one; mark_back_us: how late the mark is told."""

    wait_us: int
    mark: Mark | None
    mark_back_us: int
    how: How


happenings = st.lists(
    st.builds(
        Happening,
        st.integers(0, 4 * S),
        st.none() | st.sampled_from([Mark.PAPER_IN, Mark.PAPER_OUT, Mark.CUE]),
        st.integers(0, 3 * S),
        st.sampled_from([How.PRESSED, How.DETECTED]),
    ),
    max_size=15,
)


def run(line: Timeline, story: list[Happening]) -> tuple[list[Timeline], list[Change]]:
    states, changes, now = [line], [], START
    for each in story:
        now += each.wait_us
        line, passed = states[-1].advance(now)
        if each.mark:
            line, more = line.mark(each.mark, now - each.mark_back_us, each.how)
            passed += more
        states.append(line)
        changes += passed
    return states, changes


ORDER = [step.id for step in DEFAULT.steps]


@given(happenings)
def test_whatever_comes_the_steps_keep_their_order_and_their_times_never_go_back(story: list[Happening]) -> None:
    states, changes = run(started(), story)
    for line in states:
        positions = [ORDER.index(step.step) for step in line.steps]
        assert all(before < after for before, after in pairwise(positions))
        assert all(before.at_us <= after.at_us for before, after in pairwise(line.steps))
        assert positions[0] == 0
        assert ORDER[positions[-1]] == line.step.id
    begun = [ORDER.index(change.step) for change in changes if isinstance(change, StepStarted)]
    assert begun == sorted(set(begun))


@given(happenings)
def test_whatever_comes_the_stop_is_t0_and_ten_seconds(story: list[Happening]) -> None:
    line = run(started(), story)[0][-1]
    t0_us = line.t0_scheduled_us if line.t0_us is None else line.t0_us
    assert line.stop_us == t0_us + 10 * S
    over, changes = line.advance(START + 1000 * S)
    assert over.finished == Finished(t0_us + 10 * S, FinishReason.SCRIPT_ENDED)
    assert line.finished or isinstance(changes[-1], Finished)


@given(happenings)
def test_every_mark_is_answered_and_at_most_one_of_a_kind_is_accepted(story: list[Happening]) -> None:
    states, changes = run(started(), story)
    told = sum(each.mark is not None for each in story)
    ignored = sum(isinstance(change, MarkIgnored) for change in changes)
    assert told - ignored == len(states[-1].marks)
    by_mark = [step for step in states[-1].steps if step.how is not How.SCHEDULED]
    assert len(by_mark) == len(states[-1].marks)


@given(happenings, st.lists(st.integers(1, 2 * S), max_size=20))
def test_how_often_the_clock_is_looked_at_does_not_matter(story: list[Happening], looks: list[int]) -> None:
    line = run(started(), story)[0][-1]
    now, often = START + sum(each.wait_us for each in story), line
    for wait in looks:
        now += wait
        often = often.advance(now)[0]
    assert often == line.advance(now)[0]


@given(happenings, st.integers(0, 40 * S))
def test_a_stop_ends_it_once_and_for_all(story: list[Happening], after_us: int) -> None:
    line = run(started(), story)[0][-1]
    over, changes = line.mark(Mark.STOP, START + after_us, How.PRESSED)
    assert over.finished is not None
    assert over.finished.at_us >= over.steps[-1].at_us
    assert sum(isinstance(change, Finished) for change in changes) == (0 if line.finished else 1)
