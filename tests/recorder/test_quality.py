"""The verdict on whole takes: written by the same writers that record, simulated, and real files."""

import numpy as np
import paper_events
import pytest
from takekit import T0_US, make_take, some_events, write_events

from protocol.analysis import ClockAlignment, Measure, OnsetRecord, PaperSeen, SyncRecord, SyncStatus, Verdict
from protocol.manifest import FinishReason, Manifest, StepTime, StreamRecord, TakeStatus
from protocol.streams import EVENT_DTYPE
from recorder import thinning
from recorder.measures.thresholds_table import THRESHOLDS
from recorder.quality import assess, explain, summarise
from recorder.take import Take

SECOND = 1_000_000


def verdict_on(path, **known):
    with Take(path) as take:
        return assess(take, **known)


def long_take(folder, events=None, **more):
    return make_take(folder, events=some_events(40_000, span_us=2 * SECOND) if events is None else events, **more)


def test_every_measure_of_the_table_is_taken_of_every_take(tmp_path):
    record = verdict_on(long_take(tmp_path, videos=True))
    assert {measure.name for measure in record.measures} == {row.name for row in THRESHOLDS}


def test_every_measure_has_a_sentence(tmp_path):
    for measure in verdict_on(long_take(tmp_path, videos=True)).measures:
        assert measure.sentence.endswith("."), measure


def test_reasons_begin_with_the_worst_and_keep_the_order_of_importance():
    given = [("flicker", Verdict.CHECK), ("hot_pixels", Verdict.REDO), ("event_gap", Verdict.CHECK), ("noise", Verdict.GOOD)]
    record = summarise(tuple(Measure(name=name, value=1, verdict=verdict, sentence=name) for name, verdict in given))
    assert record.verdict is Verdict.REDO
    assert record.reasons == ("hot_pixels", "event_gap", "flicker")


def test_a_take_without_reasons_is_good():
    record = summarise((Measure(name="flicker", value=1, verdict=Verdict.GOOD, sentence="No."),))
    assert (record.verdict, record.reasons) == (Verdict.GOOD, ())


def test_a_take_of_which_something_essential_is_unknown_is_not_good():
    known = Measure(name="flicker", value=1, verdict=Verdict.GOOD, sentence="No.")
    unknown = Measure(name="movement", sentence="Nobody looked.")
    assert summarise((known, unknown)).verdict is Verdict.GOOD
    record = summarise((known, unknown), ("movement",))
    assert (record.verdict, record.reasons) == (Verdict.UNKNOWN, ("Nobody looked.",))


def test_a_recording_without_manifest_cannot_be_called_good(tmp_path):
    events = some_events(60_000, span_us=2 * SECOND, resolution=(320, 240))
    record = verdict_on(write_events(tmp_path / "other.aedat4", events, resolution=(320, 240)))
    assert record.verdict is Verdict.UNKNOWN
    assert "no manifest" in record.reasons[0]


def test_a_take_that_ended_early_is_to_be_done_again(tmp_path):
    ended = {"finish_reason": FinishReason.SOURCE_LOST, "finish_message": "The camera was unplugged."}
    record = verdict_on(changed(long_take(tmp_path, status=TakeStatus.PARTIAL), **ended))
    assert record.verdict is Verdict.REDO
    assert record.reasons == (
        "The take is partial. The camera was unplugged. Saved: 40,000 events, 3 grey pictures. Record it again.",
    )


def test_an_aborted_take_is_blamed_for_nothing_that_its_script_did_not_reach(tmp_path):
    steps = tuple(
        StepTime(step=name, action=name, scheduled_us=T0_US, at_us=T0_US + at)
        for name, at in (("paper_in", 0), ("hold_paper", SECOND))
    )
    events = some_events(400, span_us=2 * SECOND)  # behind the paper there is little to see
    ended = {"finish_reason": FinishReason.ABORTED, "steps": steps, "status": TakeStatus.PARTIAL}
    record = verdict_on(changed(long_take(tmp_path, events), **ended), sync=SyncRecord(paper=PaperSeen(in_us=T0_US)))
    assert record.verdict is Verdict.REDO
    assert record.reasons == (
        "The take is partial. The operator aborted it. Saved: 400 events, 3 grey pictures. Record it again.",
    )


def test_a_whole_take_with_the_same_paper_is_told_of_it(tmp_path):
    record = verdict_on(long_take(tmp_path), sync=SyncRecord(paper=PaperSeen(in_us=T0_US)))
    assert any("The paper stayed" in reason for reason in record.reasons)


@pytest.mark.parametrize(
    ("reason", "remedy"), [(FinishReason.ABORTED, "close other programs"), (FinishReason.DISK_FULL, "make room on the disk")]
)
def test_room_is_to_be_made_only_where_the_disk_was_at_fault(tmp_path, reason, remedy):
    lost = {"events": StreamRecord(received=40_000, written=39_990)}
    record = verdict_on(changed(long_take(tmp_path), status=TakeStatus.FAILED, finish_reason=reason, streams=lost))
    assert remedy in record.measure("records_lost").sentence


def test_a_hole_in_the_events_is_to_be_done_again(tmp_path):
    events = some_events(40_000, span_us=2 * SECOND)
    record = verdict_on(long_take(tmp_path, events[(events["t"] < T0_US + SECOND) | (events["t"] > T0_US + SECOND + 600_000)]))
    assert record.measure("event_gap").verdict is Verdict.REDO


def test_a_take_without_events_is_to_be_done_again(tmp_path):
    record = verdict_on(make_take(tmp_path, events=np.zeros(0, EVENT_DTYPE)))
    assert record.verdict is Verdict.REDO
    assert "hardly any events" in record.reasons[0]


def test_a_missing_video_is_named(tmp_path):
    path = long_take(tmp_path, videos=True)
    path.with_name("frown_4_1.rgb.mp4").unlink()
    assert "frown_4_1.rgb.mp4 is missing" in verdict_on(path).measure("files").sentence


def test_a_manifest_that_cannot_be_read_is_a_problem_and_not_an_end(tmp_path):
    path = long_take(tmp_path)
    path.with_name("frown_4_1.json").write_text("{")
    record = verdict_on(path)
    assert record.measure("files").verdict is Verdict.CHECK


@pytest.mark.parametrize("content", ["", '{"schema": "glimpse.take", "schema_version": "99.0"}', None])
def test_a_manifest_that_cannot_be_read_is_not_called_missing(tmp_path, content):
    path = long_take(tmp_path)
    manifest = path.with_name("frown_4_1.json")
    manifest.unlink()
    manifest.mkdir() if content is None else manifest.write_text(content)
    record = verdict_on(path)
    assert record.verdict is not Verdict.GOOD
    assert sum("manifest" in reason or "frown_4_1.json" in reason for reason in record.reasons) == 1
    assert not [measure for measure in record.measures if "no manifest" in measure.sentence]


FAR_US = 2**62
NONSENSE = {
    "steps": (StepTime(step="movement", action="move", scheduled_us=FAR_US, at_us=FAR_US),),
    **dict.fromkeys(("start_us", "t0_us", "t0_scheduled_us", "cue_us", "stop_us"), -FAR_US),
}


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (NONSENSE, "lie outside the recording"),
        ({"steps": (), "streams": {}, "cue_us": None}, "are missing from the manifest"),
    ],
)
def test_a_take_whose_script_has_no_times_that_can_be_true_is_to_be_looked_at(tmp_path, told, words):
    path = changed(long_take(tmp_path), **told)
    record = verdict_on(path)
    assert record.measure("script_times").verdict is Verdict.CHECK
    assert record.verdict is not Verdict.GOOD
    assert [reason for reason in record.reasons if words in reason]


def test_of_a_manifest_without_streams_nobody_says_that_nothing_was_lost(tmp_path):
    assert verdict_on(changed(long_take(tmp_path), streams={})).measure("records_lost").verdict is Verdict.UNKNOWN


# Events with a sheet of paper, 2.5 s long, of which the way of the sheet out of the view is lost.
LOST = {"cut off": (1_000_000, 9_000_000), "a hole": (1_000_000, 2_000_000)}


@pytest.mark.parametrize(("name", "words"), [("cut off", "The events end"), ("a hole", "The events have a hole")])
def test_what_lies_in_lost_events_is_not_claimed_and_the_loss_is_said_first(tmp_path, name, words):
    begin_us, end_us = (paper_events.START_US + t for t in LOST[name])
    events = paper_events.in_and_out()
    kept = events[(events["t"] < begin_us) | (events["t"] >= end_us)]
    path = write_events(tmp_path / "frown_4_1.aedat4", kept, resolution=paper_events.RESOLUTION)
    path.with_suffix(".json").write_text(of_paper(len(kept)).to_json())
    record = verdict_on(path)
    assert record.verdict is Verdict.REDO
    assert record.reasons[0].startswith(words)
    assert record.measure("paper").value is None
    assert record.measure("movement").value is None
    assert not [reason for reason in record.reasons if "paper stayed" in reason or "No movement was made" in reason]


def of_paper(count):
    """The manifest of a take by the script whose paper `paper_events` draws."""
    start_us = paper_events.START_US
    steps = (("paper_in", 400_000), ("neutral", 1_500_000), ("move", 1_900_000))
    return Manifest(
        movement="frown",
        subject=4,
        number=1,
        status=TakeStatus.COMPLETE,
        finish_reason=FinishReason.SCRIPT_ENDED,
        recorded_at="2026-03-02T10:00:00+01:00",
        streams={"events": StreamRecord(received=count, written=count)},
        steps=[StepTime(step=name, action=name, scheduled_us=start_us + t, at_us=start_us + t) for name, t in steps],
        start_us=start_us,
        t0_scheduled_us=start_us + 1_500_000,
        cue_us=start_us + 1_900_000,
        stop_us=start_us + 2_400_000,
    )


def changed(path, **told):
    """The take with other things in its manifest."""
    manifest = path.with_suffix(".json")
    manifest.write_text(Manifest.parse(manifest.read_bytes(), "test").model_copy(update=told).to_json())
    return path


def test_a_file_that_is_no_recording_is_a_verdict_too(tmp_path):
    path = tmp_path / "smile_1_1.aedat4"
    path.write_bytes(b"not a recording at all")
    record = verdict_on(path)
    assert record.verdict is Verdict.REDO
    assert record.reasons


@pytest.mark.parametrize("resolution", [(320, 240), (640, 480)])
def test_a_foreign_recording_of_another_sensor_is_judged(tmp_path, resolution):
    events = some_events(60_000, span_us=2 * SECOND, resolution=resolution)
    record = verdict_on(write_events(tmp_path / "other.aedat4", events, resolution=resolution))
    assert record.measure("event_rate").verdict is Verdict.GOOD
    assert record.measure("ended_early").verdict is Verdict.UNKNOWN


def test_a_take_with_far_too_many_events_is_judged_by_some_of_them(tmp_path, monkeypatch):
    path = long_take(tmp_path)
    whole = verdict_on(path)
    monkeypatch.setattr(thinning, "MOST_EVENTS", 15_000)
    thinned = verdict_on(path)
    for name in ("event_count", "event_rate"):
        assert thinned.measure(name).value == pytest.approx(whole.measure(name).value, rel=0.01)


def test_a_take_of_one_event_is_judged(tmp_path):
    assert verdict_on(write_events(tmp_path / "one.aedat4", some_events(1))).verdict is Verdict.REDO


def test_lost_records_are_to_be_done_again(tmp_path):
    path = long_take(tmp_path)
    manifest = path.with_name("frown_4_1.json")
    with Take(path) as take:
        told = take.manifest
    streams = {**told.streams, "events": StreamRecord(received=40_100, written=40_000)}
    manifest.write_text(told.model_copy(update={"streams": streams}).to_json())
    assert verdict_on(path).measure("records_lost").value == 100


def test_a_simulated_smile_on_command_is_no_take_to_redo(simulated_take):
    record = verdict_on(simulated_take)
    assert record.verdict in (Verdict.GOOD, Verdict.CHECK), record.reasons
    for name in ("paper", "movement", "reaction", "head_turn", "talking", "noise", "flicker"):
        assert record.measure(name).verdict is Verdict.GOOD, record.measure(name)
    assert list(record.measure("event_rate").details["steps"]) == ["settle", "paper_in", "countdown", "neutral", "movement"]


def test_what_was_computed_before_is_used(simulated_take):
    clock = ClockAlignment(status=SyncStatus.PAPER, offset_us=0, uncertainty_us=900)
    with Take(simulated_take) as take:
        cue_us = take.manifest.cue_us
    paper = PaperSeen(in_us=cue_us - 3 * SECOND, out_us=cue_us - SECOND)
    record = verdict_on(simulated_take, sync=SyncRecord(paper=paper, rgb=clock), onset=OnsetRecord(cue_us=cue_us))
    assert record.measure("sync_rgb").value == 0.9
    assert record.reasons[0] == "No movement was made after the cue; record again."


@pytest.mark.parametrize("name", ["davis346_lab_lamps", "davis346_road_bad_timerange"])
def test_a_real_recording_from_elsewhere_is_judged(test_data, name):
    record = verdict_on(test_data / "aedat4" / f"{name}.aedat4")
    assert record.measure("event_rate").value > 10_000
    assert record.measure("ended_early").value is None


def test_every_measure_can_be_explained():
    for row in THRESHOLDS:
        assert explain(row.name).startswith(f"{row.name}: ")
    with pytest.raises(KeyError):
        explain("mood")
