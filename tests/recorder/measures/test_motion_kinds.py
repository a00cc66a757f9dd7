from measure_helpers import at

from protocol.analysis import OnsetRecord, Suggestion, SuggestionKind
from recorder.measures.motion_kinds import told_apart

MOVEMENT, BLINK, HEAD, OTHER = SuggestionKind.MOVEMENT, SuggestionKind.BLINK, SuggestionKind.HEAD, SuggestionKind.OTHER

CUE_US = at(6)


def stretch(begin_s, seconds=0.2, kind=MOVEMENT, confidence=0.9, strength=100.0):
    return Suggestion(
        onset_us=at(begin_s),
        apex_us=at(begin_s + seconds / 2),
        offset_us=at(begin_s + seconds),
        confidence=confidence,
        kind=kind,
        strength=strength,
        cued=begin_s >= 6,
    )


def sorted_out(chances, *stretches, asked="smile", chosen=0, cue_us=CUE_US):
    """chances: by the second in which a stretch begins."""
    record = OnsetRecord(intervals=stretches[chosen : chosen + 1], candidates=stretches[:chosen] + stretches[chosen + 1 :])
    record = record.model_copy(update={"cue_us": cue_us})
    return told_apart(record, lambda one: chances.get((one.onset_us - at(0)) // 1_000_000), asked)


def test_a_blink_that_was_taken_for_the_movement_makes_room_for_it():
    record = sorted_out({9: 0.99, 6: 0.01}, stretch(9, confidence=0.99), stretch(6.4, 0.4))
    assert [one.onset_us for one in record.intervals] == [at(6.4)]
    assert [one.kind for one in record.candidates] == [BLINK]


def test_a_movement_that_was_taken_for_a_blink_is_found_again():
    record = sorted_out({6: 0.05}, stretch(6.4, kind=BLINK))
    assert [one.kind for one in record.intervals] == [MOVEMENT]


def test_where_the_face_cannot_tell_the_search_is_believed():
    record = sorted_out({}, stretch(6.4), stretch(8, kind=BLINK))
    assert [one.kind for one in (*record.intervals, *record.candidates)] == [MOVEMENT, BLINK]
    assert sorted_out({6: 0.35}, stretch(6.4, kind=BLINK)).candidates[0].kind is BLINK


def test_what_takes_longer_than_a_blink_is_none():
    assert sorted_out({6: 0.99}, stretch(6.4, 0.6)).intervals


def test_a_turned_head_stays_one():
    assert sorted_out({6: 0.99}, stretch(6.4, kind=HEAD)).candidates[0].kind is HEAD


def test_a_blink_that_was_asked_for_is_the_first_one_after_the_cue():
    record = sorted_out({5: 0.9, 6: 0.9, 7: 0.9}, stretch(5), stretch(7, confidence=0.99), stretch(6.4), asked="blink")
    assert [one.onset_us for one in record.intervals] == [at(6.4)]


def test_a_blink_much_later_than_the_cue_is_no_answer_to_it():
    assert not sorted_out({9: 0.9}, stretch(9.5), asked="blink").intervals


def test_nobody_answers_a_cue_before_seeing_it():
    assert not sorted_out({}, stretch(6.05)).intervals


def test_of_equally_sure_movements_the_stronger_is_the_answer():
    record = sorted_out({}, stretch(6.4, strength=10), stretch(8, strength=90))
    assert record.intervals[0].onset_us == at(8)


def test_without_a_cue_only_the_kinds_are_corrected():
    record = sorted_out({4: 0.01, 5: 0.99}, stretch(4), stretch(5), cue_us=None)
    assert [one.onset_us for one in record.intervals] == [at(4)]
    assert [one.kind for one in record.candidates] == [BLINK]
