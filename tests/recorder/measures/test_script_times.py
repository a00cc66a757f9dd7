"""Whether what a manifest tells of the script's times can be true."""

import pytest
from measure_helpers import at, script_manifest

from protocol.manifest import FinishReason, StepTime, TakeStatus
from recorder.measures import script

WHOLE = (at(0), at(10.2))


def test_the_times_of_a_take_as_it_should_be_are_believed():
    manifest = script_manifest()
    assert script.believed(manifest, WHOLE) is manifest
    assert script.script_times(manifest, WHOLE).value == 0
    assert script.event_end(manifest, WHOLE).value == 0


def test_one_time_that_lies_takes_the_belief_from_all():
    manifest = script_manifest(cue_us=-(2**62))
    assert script.script_times(manifest, WHOLE).value == 1
    cleared = script.believed(manifest, WHOLE)
    assert (cleared.cue_us, cleared.stop_us, cleared.steps) == (None, None, ())


def test_a_script_that_ran_at_another_time_altogether_is_not_believed():
    reading = script.script_times(script_manifest(), (at(60), at(70)))
    assert (reading.value, reading.details["how"]) == (9, script.OUTSIDE)


def test_events_that_were_cut_off_make_no_liar_of_the_script():
    cut = (at(0), at(3))
    assert script.script_times(script_manifest(), cut).value == 0
    assert script.event_end(script_manifest(), cut).value == 7000


@pytest.mark.parametrize("changes", [{"steps": ()}, {"script": {"cue": "movement"}, "cue_us": None}])
def test_times_that_are_missing_are_told(changes):
    reading = script.script_times(script_manifest(**changes), WHOLE)
    assert (reading.value, reading.details["how"]) == (1, script.MISSING)


def test_a_converted_video_has_no_script_and_misses_none():
    manifest = script_manifest(steps=(), cue_us=None, finish_reason=FinishReason.SOURCE_ENDED)
    assert script.script_times(manifest, WHOLE).value is None
    assert script.event_end(manifest, WHOLE).value is None


def test_a_take_that_ended_early_need_not_have_all_of_them():
    step = StepTime(step="settle", action="settle", scheduled_us=at(0), at_us=at(0))
    told = {"status": TakeStatus.PARTIAL, "script": {"cue": "movement"}, "cue_us": None, "steps": (step,), "stop_us": None}
    assert script.script_times(script_manifest(**told), WHOLE).value == 0


def test_without_events_or_manifest_nothing_is_said():
    for reading in (
        script.script_times(None, WHOLE),
        script.script_times(script_manifest(), None),
        script.event_end(None, WHOLE),
    ):
        assert reading.value is None
        assert reading.unknown.endswith(".")
