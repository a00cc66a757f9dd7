import numpy as np
from measure_helpers import SIZE, T0_US, at, noise_events, pixel_events, script_manifest

from protocol.manifest import StreamRecord, TakeStatus
from recorder.measures import streams


def test_a_whole_take_did_not_end_early():
    assert streams.ended_early(script_manifest(), True).value == 0


def test_a_take_that_was_damaged_later_counts_as_ended_early_whatever_its_manifest_says():
    reading = streams.ended_early(script_manifest(), False)
    assert (reading.value, reading.details["status"]) == (1, "partial")


def test_the_reason_for_an_early_end_is_told():
    manifest = script_manifest(status=TakeStatus.PARTIAL, finish_message="The camera was unplugged.")
    assert streams.ended_early(manifest, False).details["reason"] == "The camera was unplugged."


def test_without_a_manifest_losses_are_unknown_and_a_sentence_says_why():
    for reading in (streams.ended_early(None, False), streams.records_lost(None)):
        assert reading.value is None
        assert reading.unknown.endswith(".")


def test_lost_records_of_all_streams_are_summed_and_their_streams_named():
    counts = {
        "events": StreamRecord(received=100, written=90),
        "rgb": StreamRecord(received=50, written=50, dropped=3),
        "imu": StreamRecord(received=7, written=7),
    }
    reading = streams.records_lost(script_manifest(streams=counts))
    assert reading.value == 13
    assert reading.details["streams"] == "events, rgb"


def test_the_longest_hole_between_events_is_found_with_its_beginning():
    t = np.concatenate([np.arange(T0_US, at(1), 1000), np.arange(at(1.3), at(2), 1000)])
    reading = streams.longest_gap(t, (T0_US, at(2)))
    assert reading.value == 301
    assert reading.details["start_us"] == at(1) - 1000


def test_silence_behind_the_paper_is_no_hole():
    t = np.concatenate([np.arange(T0_US, at(1), 1000), np.arange(at(1.3), at(2), 1000)])
    assert streams.longest_gap(t, (T0_US, at(2)), ((at(0.9), at(1.4)),)).value == 1


def test_one_event_or_none_has_no_hole_to_judge():
    for t in (np.zeros(0, np.int64), np.array([T0_US])):
        assert streams.longest_gap(t, (T0_US, at(1))).value is None


def test_holes_are_long_silences_but_for_pauses_and_what_the_script_still_wanted():
    t = np.concatenate([np.arange(T0_US, at(1), 1000), np.arange(at(2), at(3), 1000)])
    judged = (T0_US, int(t[-1]) + 1)
    hole = (at(1) - 1000, at(2))
    assert streams.holes(t, judged) == (hole,)
    assert streams.holes(t, judged, pauses=((at(0.5), at(2.5)),)) == ()
    assert streams.holes(t, judged, at(3.1)) == (hole,)
    assert streams.holes(t, judged, at(10)) == (hole, (judged[1], at(10)))


def test_events_that_are_earlier_than_the_one_before_are_counted():
    assert streams.backwards(np.array([1, 2, 3])).value == 0
    assert streams.backwards(np.array([1, 3, 2, 4, 0])).value == 2


def test_events_beside_the_sensor_are_counted():
    inside = noise_events(1, end_s=1)
    assert streams.outside(inside, SIZE).value == 0
    beside = np.concatenate([inside, pixel_events(SIZE[0], 0, [at(1)]), pixel_events(0, -1, [at(1)])])
    assert streams.outside(beside, SIZE).value == 2


def test_lost_pictures_are_those_that_would_have_fitted_into_long_intervals():
    times = np.delete(np.arange(100) * 33_333, [20, 50, 51])
    reading = streams.pictures_lost(times, "colour")
    assert reading.details == {"lost": 3, "pictures": 97}
    assert reading.value == 3.0


def test_the_longest_time_between_two_pictures_is_in_milliseconds():
    assert streams.longest_interval(np.array([0, 33_000, 133_000, 166_000]), "colour").value == 100


def test_one_picture_or_none_says_nothing_of_lost_ones():
    for times in (np.zeros(0, np.int64), np.array([5])):
        assert streams.pictures_lost(times, "thermal").value is None
        assert "thermal" in streams.longest_interval(times, "thermal").unknown


def test_the_first_problem_of_the_files_is_named_without_its_full_stop():
    reading = streams.problems(("a.csv is missing.", "b is cut off."))
    assert (reading.value, reading.details["first"]) == (2, "a.csv is missing")
