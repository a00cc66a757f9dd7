import numpy as np
import pytest
from measure_helpers import SIZE, at, joined, noise_events, script_manifest

from protocol.analysis import OnsetRecord, PaperSeen, Suggestion, SuggestionKind, Verdict
from recorder.activity import count_activity
from recorder.measures import motion
from recorder.measures.steps import phases
from recorder.measures.thresholds import judged
from recorder.measures.thresholds_table import BY_NAME

WHOLE = (at(0), at(10))
PARTS = phases(WHOLE, script_manifest(), PaperSeen(in_us=at(1.5), out_us=at(3.5)))
CUE_US = at(6)


def stretch(begin_s, end_s=None, kind=SuggestionKind.MOVEMENT, confidence=0.9, cued=None):
    end_s = begin_s + 0.5 if end_s is None else end_s
    return Suggestion(
        onset_us=at(begin_s),
        apex_us=(at(begin_s) + at(end_s)) // 2,
        offset_us=at(end_s),
        confidence=confidence,
        kind=kind,
        strength=1234.0,
        cued=begin_s >= 6 if cued is None else cued,
    )


def found(*intervals, others=(), cue_us=CUE_US, reason=None):
    return OnsetRecord(intervals=intervals, candidates=others, cue_us=cue_us, reason=reason)


def test_the_surest_movement_after_the_cue_is_the_one_that_was_asked_for():
    first, second = stretch(6.4, confidence=0.6), stretch(8, confidence=0.8)
    assert motion.best(found(stretch(5), first, second)) is second


def test_without_a_cue_every_movement_may_be_it():
    assert motion.best(found(stretch(5), cue_us=None)).onset_us == at(5)


def test_a_movement_counts_with_its_confidence_and_none_with_nought():
    assert motion.movement(found(stretch(6.4))).value == 0.9
    assert motion.movement(found()).value == motion.movement(found(), "smile").value == 0


def test_where_the_search_could_say_nothing_its_reason_is_told():
    reading = motion.movement(found(reason="The light flickers too much."))
    assert (reading.value, reading.unknown) == (None, "The light flickers too much.")


def test_raised_lids_that_were_not_found_are_to_be_looked_at_and_not_to_be_done_again():
    threshold = BY_NAME["movement"]
    assert judged(threshold, motion.movement(found(), "upperLidRaiser")).verdict is Verdict.CHECK
    assert judged(threshold, motion.movement(found(), "smile")).verdict is Verdict.REDO


def test_without_a_search_or_a_cue_nothing_is_known_of_the_movement():
    for onset in (None, found(cue_us=None)):
        assert motion.movement(onset).value is None
        assert motion.wrong_time(onset, PARTS).value is None
    for measure in (motion.reaction, motion.duration, motion.strength):
        assert measure(None).value is None
    assert motion.left_over(None, PARTS).value is None
    assert motion.blinks(None, PARTS, "smile").value is None


def test_the_reaction_is_the_time_from_cue_to_onset():
    assert motion.reaction(found(stretch(6.4))).value == pytest.approx(400)


@pytest.mark.parametrize(("seconds", "micro"), [(0.03, False), (0.04, True), (0.2, True), (0.21, False)])
def test_micro_expressions_last_from_a_twentyfifth_to_a_fifth_of_a_second(seconds, micro):
    reading = motion.duration(found(stretch(6.4, 6.4 + seconds)))
    assert reading.value == pytest.approx(seconds * 1000)
    assert reading.details["micro"] is micro


def test_what_is_left_of_the_take_after_the_movement():
    assert motion.left_over(found(stretch(6.4, 9.8)), PARTS).value == pytest.approx(200)


def test_another_movement_of_the_face_is_told_with_its_time():
    talk = stretch(4.5, kind=SuggestionKind.OTHER, confidence=0.7)
    reading = motion.wrong_time(found(stretch(6.4), others=(talk,)), PARTS)
    assert reading.value == 0.7
    assert reading.details["when"] == "1.5 s before the cue"


def test_a_second_movement_after_the_cue_is_another_one_too():
    reading = motion.wrong_time(found(stretch(6.4), stretch(8, confidence=0.6)), PARTS)
    assert (reading.value, reading.details["when"]) == (0.6, "2.0 s after the cue")


def test_blinks_a_swaying_head_and_what_was_before_the_paper_went_are_no_other_movement():
    others = (stretch(4.5, kind=SuggestionKind.BLINK), stretch(5, kind=SuggestionKind.HEAD), stretch(0.5))
    assert motion.wrong_time(found(stretch(6.4), others=others), PARTS).value == 0


def test_only_blinks_within_the_movement_count():
    blinks = [stretch(s, s + 0.2, SuggestionKind.BLINK) for s in (1, 4, 6.5, 8)]
    reading = motion.blinks(found(stretch(6.4), others=blinks), PARTS, "smile")
    assert (reading.value, reading.details["all"]) == (1, 3)


def test_a_blink_that_was_asked_for_is_no_disturbance():
    blinks = [stretch(6.5, 6.7, SuggestionKind.BLINK)]
    assert motion.blinks(found(stretch(6.4), others=blinks), PARTS, "blink").value == 0


def turn(size, begin_s, end_s):
    events = joined(noise_events(0.2), noise_events(20, begin_s, end_s, seed=1, size=size))
    return motion.head_turn(count_activity(events, SIZE, bin_us=10_000, tile_px=8, span_us=WHOLE), PARTS)


def test_a_picture_that_moves_as_a_whole_is_a_turned_head():
    reading = turn(SIZE, 5, 5.6)
    assert reading.value == pytest.approx(600, abs=100)
    assert abs(reading.details["at_us"] - at(5)) <= 100_000


def test_a_movement_in_a_tenth_of_the_picture_is_none():
    assert turn((16, 16), 5, 5.6).value == 0


def test_what_moved_before_the_paper_went_is_not_looked_at():
    assert turn(SIZE, 2, 3.4).value == 0


def test_even_light_that_beats_all_the_time_is_no_motion():
    events = noise_events(30)
    assert motion.head_turn(count_activity(events, SIZE, bin_us=10_000, tile_px=8, span_us=WHOLE), PARTS).value == 0


def test_the_longest_run_is_found():
    assert motion.longest_run(np.array([1, 0, 1, 1, 0, 1], bool)) == (2, 2)
    assert motion.longest_run(np.zeros(4, bool)) == (0, 0)
