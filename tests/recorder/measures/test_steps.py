import numpy as np
from measure_helpers import T0_US, at, noise_events, pixel_events, script_manifest

from protocol.analysis import PaperSeen
from protocol.streams import EVENT_DTYPE
from recorder.measures import steps

WHOLE = (at(0), at(10.2))


def test_the_quiet_part_begins_after_the_paper_was_seen_to_go_and_ends_with_the_cue():
    parts = steps.phases(WHOLE, script_manifest(), PaperSeen(in_us=at(1.5), out_us=at(3.6)))
    assert parts.quiet == (at(3.6) + steps.SETTLE_US, at(6))
    assert parts.covered == (at(1.5), at(3.6))
    assert parts.answer == (at(6), at(10))


def test_a_quiet_part_that_is_too_short_gives_way_to_all_that_was_watched():
    parts = steps.phases(WHOLE, script_manifest(), PaperSeen(in_us=at(1.5), out_us=at(3.7)))
    assert parts.rest(2_000_000) == parts.quiet
    assert parts.rest(3_000_000) == parts.watched == (at(4), at(10.2))


def test_without_anybody_who_looked_for_the_paper_the_quiet_part_waits_for_a_slow_hand():
    parts = steps.phases(WHOLE, script_manifest(), None)
    assert parts.quiet == (at(3) + steps.UNSEEN_PAPER_US, at(6))


def test_a_marked_t0_counts_more_than_the_schedule():
    assert steps.phases(WHOLE, script_manifest(t0_us=at(3.2)), None).quiet[0] == at(3.2) + steps.SETTLE_US


def test_behind_a_paper_that_stays_nothing_is_quiet_and_all_is_covered():
    parts = steps.phases(WHOLE, script_manifest(), PaperSeen(in_us=at(1.5)))
    assert parts.quiet is None
    assert parts.covered == (at(1.5), at(10.2))


def test_a_take_without_manifest_has_no_parts_but_the_whole():
    parts = steps.phases(WHOLE, None, None)
    assert (parts.quiet, parts.answer, parts.steps) == (None, None, ())
    assert parts.watched == WHOLE


def test_a_take_that_ended_before_the_cue_has_no_answer():
    parts = steps.phases((at(0), at(5)), script_manifest(cue_us=None, stop_us=None), None)
    assert parts.answer is None


def test_steps_outside_of_the_events_are_left_out():
    parts = steps.phases((at(2.5), at(10.2)), script_manifest(), None)
    assert [name for name, _ in parts.steps] == ["hold", "neutral", "movement"]
    assert parts.steps[0][1] == (at(2.5), at(3))


def test_a_take_is_judged_from_first_to_last_event():
    events = noise_events(1, end_s=2)
    assert steps.judged_range(events) == (events["t"][0], events["t"][-1] + 1)
    assert steps.judged_range(np.zeros(0, EVENT_DTYPE)) is None


def test_one_event_years_away_does_not_stretch_what_is_judged():
    events = np.concatenate([pixel_events(0, 0, [-(2**62)]), noise_events(1, end_s=2), pixel_events(0, 0, [2**62])])
    begin, end = steps.judged_range(events)
    assert begin >= T0_US
    assert end <= at(2)
