"""The annotator's desk without a window: what each key does to the labels on disk, with real takes and real threads."""

import contextlib
import shutil
import subprocess
import sys
import time

import pytest

from app.pages.label.desk import LabelDesk
from app.pages.label.playhead import SPEEDS, Unit
from protocol.analysis import PaperSeen, SuggestionKind, SyncRecord
from protocol.labeledits import Landmark
from protocol.labels import IntervalKind, Origin, Sight
from protocol.streams import Stream
from recorder.analysisstore import analysis_path, read_analysis
from recorder.dataset import Dataset
from recorder.labelplan import make_plan, save_plan
from recorder.labelstate import labels_folder, read_labels
from recorder.labelstore import LabelStore


class Clock:
    """A clock that goes when it is told to."""

    now_s = 100.0

    def __call__(self):
        return self.now_s


class Sat:
    """Somebody at a desk."""

    def __init__(self, data, coder="ann"):
        self.clock = Clock()
        self.desk = LabelDesk(LabelStore(data), coder, clock_s=self.clock)
        self.said = []

    def do(self, call, *arguments, **named):
        call(*arguments, **named)
        self.settle()

    def settle(self):
        while not (self.desk.wait(30) and self.desk._news.empty()):
            self.said += self.desk.poll()
        self.said += self.desk.poll()

    def open(self, take):
        self.do(self.desk.open, take)

    def at(self, us):
        self.desk.seek(us)

    @property
    def texts(self):
        return " ".join(one.text for one in self.said)


@contextlib.contextmanager
def seated(data, coder="ann"):
    sat = Sat(data, coder)
    try:
        yield sat
    finally:
        sat.desk.close()


@pytest.fixture
def first(dataset):
    return dataset / "1" / "smile_1_1.aedat4"


@pytest.fixture
def second(dataset):
    return dataset / "1" / "smile_1_2.aedat4"


def test_a_take_without_suggestions_opens_at_its_cue_with_everything_there_is(dataset, second):
    with seated(dataset) as sat:
        sat.open(second)
        desk = sat.desk
        assert desk.take == second
        assert desk.cursor_us == desk.manifest.cue_us
        assert set(desk.pictures) == {Stream.FRAMES, Stream.RGB, Stream.THERMAL}
        assert desk.events.count > 0
        assert desk.curves.wait(30)
        assert desk.labels.empty
        assert desk.suggestions == ()
    assert not labels_folder(second).exists(), "a take that was only looked at has no labels"


def test_three_keys_at_the_cursor_make_an_interval_of_the_asked_movement_that_is_on_disk(dataset, second):
    with seated(dataset) as sat:
        sat.open(second)
        cue_us = sat.desk.cursor_us
        for landmark, after_us in ((Landmark.ONSET, 250_001), (Landmark.APEX, 600_002), (Landmark.OFFSET, 1_100_003)):
            sat.at(cue_us + after_us)
            sat.do(sat.desk.place, landmark)
        sat.do(sat.desk.finish, accept=True)
        assert sat.desk.finished == second
    (labels,) = read_labels(second).values()
    (interval,) = labels.intervals
    assert (interval.onset_us, interval.apex_us, interval.offset_us) == tuple(
        cue_us + us for us in (250_001, 600_002, 1_100_003)
    )
    assert (interval.movement, interval.kind, interval.origin.apex) == ("smile", IntervalKind.ASKED, Origin.PLACED)
    assert labels.done
    assert labels.saw == Sight(asked=True)


def test_landmarks_may_come_in_any_order_and_none_passes_another_that_was_placed(dataset, second):
    with seated(dataset) as sat:
        sat.open(second)
        cue_us = sat.desk.cursor_us
        for landmark, after_us in ((Landmark.OFFSET, 900_000), (Landmark.ONSET, 100_000), (Landmark.APEX, 500_000)):
            sat.at(cue_us + after_us)
            sat.do(sat.desk.place, landmark)
        sat.at(cue_us + 600_000)
        sat.do(sat.desk.place, Landmark.ONSET)
        assert "out of order" in sat.texts
        (interval,) = sat.desk.labels.intervals
        assert (interval.onset_us, interval.offset_us) == (cue_us + 100_000, cue_us + 900_000)


def test_one_key_accepts_what_was_suggested_and_a_nudge_makes_that_landmark_adjusted(dataset, first):
    with seated(dataset) as sat:
        sat.open(first)
        assert sat.desk.cursor_us == sat.desk.manifest.cue_us + 300_000, "at the suggested movement"
        sat.do(sat.desk.finish, accept=True)
        assert [one.kind for one in sat.desk.labels.intervals] == [IntervalKind.BLINK, IntervalKind.ASKED]
        smile = sat.desk.labels.intervals[1]
        sat.do(sat.desk.choose, smile.id)
        sat.do(sat.desk.nudge, -1, Unit.MS)
        sat.do(sat.desk.nudge, 1, Unit.TENTH)
        moved = sat.desk.labels.by_id()[smile.id]
        assert moved.onset_us == smile.onset_us - 900
        assert sat.desk.cursor_us == moved.onset_us
        assert (moved.origin.onset, moved.origin.apex) == (Origin.ADJUSTED, Origin.ACCEPTED)
        sat.do(sat.desk.accept)
        assert len(sat.desk.labels.intervals) == 2, "what is covered already is not accepted again"
        assert sat.desk.labels.saw.suggestions


def test_a_movement_before_the_cue_is_neither_looked_at_first_nor_accepted(dataset, first):
    analysis = read_analysis(first)
    (smile,) = analysis.onset.intervals
    early = smile.model_copy(update={name: getattr(smile, name) - 2_000_000 for name in ("onset_us", "apex_us", "offset_us")})
    onset = analysis.onset.model_copy(update={"candidates": (early,)})
    analysis_path(first).write_text(analysis.model_copy(update={"onset": onset}).to_json())
    with seated(dataset) as sat:
        sat.open(first)
        assert sat.desk.cursor_us == smile.onset_us
        sat.do(sat.desk.finish, accept=True)
        assert [one.onset_us for one in sat.desk.labels.intervals] == [smile.onset_us]


def test_a_blink_before_the_paper_was_taken_away_is_not_accepted(dataset, first):
    analysis = read_analysis(first)
    (blink,) = [one for one in analysis.onset.candidates if one.kind is SuggestionKind.BLINK]
    sync = SyncRecord(paper=PaperSeen(out_us=blink.offset_us + 1))
    analysis_path(first).write_text(analysis.model_copy(update={"sync": sync}).to_json())
    with seated(dataset) as sat:
        sat.open(first)
        sat.do(sat.desk.accept)
        assert [one.kind for one in sat.desk.labels.intervals] == [IntervalKind.ASKED]


def test_what_the_coder_has_removed_is_not_brought_back_by_finishing(dataset, first):
    with seated(dataset) as sat:
        sat.open(first)
        sat.do(sat.desk.accept)
        sat.do(sat.desk.remove)
        sat.do(sat.desk.remove)
        sat.do(sat.desk.finish, accept=True)
        assert sat.desk.labels.intervals == ()
        assert sat.desk.labels.done


def test_an_interval_without_an_end_keeps_the_take_from_being_done(dataset, second):
    with seated(dataset) as sat:
        sat.open(second)
        sat.do(sat.desk.place, Landmark.ONSET)
        sat.do(sat.desk.finish, accept=True)
        assert sat.desk.finished is None
        assert "no end yet" in sat.texts
        assert sat.desk.landmark is Landmark.OFFSET
        sat.at(sat.desk.cursor_us + 100_000)
        sat.do(sat.desk.place, Landmark.APEX)
        sat.do(sat.desk.finish, accept=True)
        assert sat.desk.finished is None, "an apex is no end"
        sat.at(sat.desk.cursor_us + 100_000)
        sat.do(sat.desk.place, Landmark.OFFSET)
        sat.do(sat.desk.finish, accept=True)
        assert sat.desk.finished == second


def test_a_take_of_which_nothing_was_said_is_only_done_when_that_is_meant(dataset, second):
    with seated(dataset) as sat:
        sat.open(second)
        sat.do(sat.desk.finish, accept=True)
        assert sat.desk.finished is None
        assert "Nothing is marked" in sat.texts
        sat.do(sat.desk.finish, accept=False)
        assert sat.desk.finished == second


def test_undo_goes_on_after_closing_and_never_into_another_take(dataset, first, second):
    with seated(dataset) as sat:
        sat.open(second)
        sat.do(sat.desk.begin, IntervalKind.BLINK)
        sat.do(sat.desk.set_note, "slow")
        sat.open(first)
        sat.do(sat.desk.undo)
        assert "nothing to take back" in sat.texts
    with seated(dataset) as sat:
        sat.open(second)
        assert sat.desk.labels.intervals[0].note == "slow"
        sat.do(sat.desk.undo)
        assert sat.desk.labels.intervals[0].note == ""
        sat.do(sat.desk.undo)
        assert sat.desk.labels.intervals == ()
        sat.do(sat.desk.redo)
        sat.do(sat.desk.redo)
        assert sat.desk.labels.intervals[0].note == "slow"


def test_kind_units_intensity_and_confidence_are_kept(dataset, second):
    with seated(dataset) as sat:
        sat.open(second)
        sat.do(sat.desk.place, Landmark.ONSET)
        sat.do(sat.desk.next_kind)
        assert sat.desk.labels.intervals[0].movement == "blink"
        sat.do(sat.desk.next_kind)
        sat.do(sat.desk.set_movement, "frown")
        sat.do(sat.desk.set_units, (7, 4))
        sat.do(sat.desk.set_intensity, "D")
        sat.do(sat.desk.next_confidence)
        (one,) = sat.desk.labels.intervals
        assert (one.kind, one.movement, one.action_units) == (IntervalKind.OTHER, "frown", (4, 7))
        assert (one.intensity, one.confidence) == ("D", 0.25)


def test_one_coders_noise_renames_the_take_which_stays_on_the_desk_and_undo_takes_it_back(dataset, second):
    noisy = second.with_name("smile_1_2_(noise).aedat4")
    with seated(dataset) as sat:
        sat.open(second)
        cursor_us = sat.desk.cursor_us - 12_345
        sat.at(cursor_us)
        sat.do(sat.desk.set_noise, True, "subject spoke")
        assert noisy.exists()
        assert not second.exists()
        assert sat.desk.take == noisy
        assert sat.desk.media.path == noisy
        assert {second, noisy} <= set(sat.desk.touched)
        assert sat.desk.labels.noise.reason == "subject spoke"
        assert sat.desk.cursor_us == cursor_us
        sat.do(sat.desk.undo)
        assert second.exists()
        assert sat.desk.take == second
        assert sat.desk.labels.noise is None


def test_with_two_coders_noise_is_a_label_and_neither_sees_suggestions_nor_what_was_asked(dataset, first):
    from datetime import UTC, datetime

    plan = make_plan(
        dataset, Dataset(dataset).takes(), ("ann", "ben"), seed=1, at=datetime.now(UTC), share_twice=1.0, hide_asked=True
    )
    save_plan(dataset, plan, instead_of=None)
    with seated(dataset) as sat:
        sat.open(first)
        assert sat.desk.suggestions == ()
        assert sat.desk.hidden
        sat.do(sat.desk.accept)
        assert "no suggestion" in sat.texts
        sat.do(sat.desk.place, Landmark.ONSET)
        assert "Choose the movement first" in sat.texts
        sat.do(sat.desk.set_movement, "frown")
        sat.do(sat.desk.place, Landmark.ONSET)
        sat.do(sat.desk.set_noise, True, "dark")
        assert sat.desk.labels.noise.is_noise
        assert first.exists(), "a name gives no vote away"
        assert sat.desk.labels.saw.blind
        assert not sat.desk.labels.saw.asked


def test_a_second_window_reads_and_writes_once_the_first_has_closed(dataset, second):
    with seated(dataset) as one:
        one.open(second)
        one.do(one.desk.begin, IntervalKind.ASKED)
        with seated(dataset) as other:
            other.open(second)
            assert "cannot be changed here" in other.texts
            assert other.desk.read_only
            other.do(other.desk.place, Landmark.OFFSET)
            assert len(other.desk.labels.intervals) == 1
            one.do(one.desk.set_note, "seen")
            one.desk.close()
            other.clock.now_s += 3
            other.settle()
            other.settle()
            assert other.desk.read_only is None
            assert other.desk.labels.intervals[0].note == "seen"
            other.do(other.desk.remove)
            assert other.desk.labels.intervals == ()


def test_the_cursor_steps_both_ways_by_window_frame_and_less(dataset, second):
    with seated(dataset) as sat:
        sat.open(second)
        desk, start_us = sat.desk, sat.desk.cursor_us
        for unit in Unit:
            desk.step(1, unit)
            assert desk.cursor_us > start_us
            desk.seek(start_us)
        desk.set_window(10_000)
        at_us = desk.cursor_us
        desk.step(1, Unit.STRIDE)
        assert desk.cursor_us - at_us == 100_000
        desk.step(-1, Unit.STRIDE)
        assert desk.cursor_us == at_us
        desk.step(-1, Unit.WINDOW, 10)
        assert desk.cursor_us == start_us - 100_000
        desk.step(1, Unit.FRAME)
        assert desk.cursor_us in desk.pictures[Stream.RGB].times_us
        desk.seek(desk.span_us[0] - 5)
        assert desk.cursor_us == desk.span_us[0]


def test_playing_goes_by_the_clock_at_any_speed_backwards_and_in_a_loop(dataset, second):
    with seated(dataset) as sat:
        sat.open(second)
        desk, start_us = sat.desk, sat.desk.cursor_us
        for _ in SPEEDS:
            desk.change_speed(-1)
        assert desk.speed == 1 / 64
        desk.toggle_play()
        sat.clock.now_s += 0.64
        desk.poll()
        assert desk.cursor_us == pytest.approx(start_us + 10_000, abs=1)
        desk.toggle_play()
        desk.toggle_play(-1)
        sat.clock.now_s += 0.64
        desk.poll()
        assert desk.cursor_us == pytest.approx(start_us, abs=1)
        desk.play_around_cue()
        assert desk.cursor_us == start_us - 500_000
        length_us = desk.loop[1] - desk.loop[0]
        sat.clock.now_s += 64 * (length_us + 1_000) / 1e6
        desk.poll()
        assert desk.cursor_us == pytest.approx(desk.loop[0] + 1_000, abs=1)
        desk.play_around_cue()
        assert desk.loop is None
        assert desk.playing is None


def test_the_next_take_is_there_at_once_when_it_was_fetched_before(dataset, first, second):
    with seated(dataset) as sat:
        sat.open(first)
        sat.do(sat.desk.prefetch, second)
        sat.desk.open(second)
        assert sat.desk.media.path == second, "without waiting for a thread"
        sat.settle()
        assert sat.desk.labels is not None


def test_keys_that_come_faster_than_the_disk_are_done_in_their_order(dataset, second):
    with seated(dataset) as sat:
        sat.open(second)
        cue_us = sat.desk.cursor_us
        for landmark, after_us in ((Landmark.ONSET, 1_000), (Landmark.APEX, 2_000), (Landmark.OFFSET, 3_000)):
            sat.at(cue_us + after_us)
            sat.desk.place(landmark)
        sat.desk.undo()
        sat.settle()
        (one,) = sat.desk.labels.intervals
        assert (one.apex_us, one.offset_us) == (cue_us + 2_000, cue_us + 2_000)


def test_a_take_that_is_gone_is_told(dataset):
    with seated(dataset) as sat:
        sat.open(dataset / "1" / "smile_1_9.aedat4")
        assert "there is no" in sat.texts
        sat.do(sat.desk.place, Landmark.ONSET)
        assert sat.desk.labels is None


def test_the_time_of_work_is_noted_without_the_pauses(dataset, second):
    with seated(dataset) as sat:
        sat.open(second)
        sat.clock.now_s += 5
        sat.do(sat.desk.place, Landmark.ONSET)
        sat.clock.now_s += 3_600
    assert read_labels(second)["ann"].spent_s == 35.0


def test_a_take_without_colour_pictures_steps_by_the_event_cameras_own(dataset, second):
    second.with_name("smile_1_2.rgb.mp4").unlink()
    with seated(dataset) as sat:
        sat.open(second)
        assert Stream.RGB not in sat.desk.pictures
        sat.desk.step(1, Unit.FRAME)
        assert sat.desk.cursor_us in sat.desk.pictures[Stream.FRAMES].times_us


def test_labels_of_a_take_that_is_deleted_while_it_is_open_are_kept_aside_and_told(dataset, second):
    with seated(dataset) as sat:
        sat.open(second)
        sat.do(sat.desk.begin, IntervalKind.ASKED)
        shutil.rmtree(labels_folder(second))
        for path in second.parent.glob("smile_1_2.*"):
            path.unlink()
        sat.do(sat.desk.set_note, "last words")
        assert ".kept-labels" in sat.texts
    (kept,) = dataset.glob(".kept-labels/**/ann.journal*")
    assert "last words" in kept.read_text()


KILLED = """
import sys, time
from pathlib import Path
from app.pages.label.desk import LabelDesk
from protocol.labeledits import Landmark
from recorder.labelstore import LabelStore
desk = LabelDesk(LabelStore(sys.argv[1]), "ann")
desk.open(Path(sys.argv[2]))
while desk.labels is None or desk.media is None:
    desk.poll()
    time.sleep(0.01)
desk.place(Landmark.ONSET)
while not desk.labels.intervals:
    desk.poll()
    time.sleep(0.01)
desk.set_note("in the middle")
while desk.labels.intervals[0].note == "":
    desk.poll()
    time.sleep(0.01)
print("shown", flush=True)
time.sleep(600)
"""


def test_a_program_that_is_killed_in_mid_edit_loses_nothing_that_was_shown(dataset, second):
    command = [sys.executable, "-c", KILLED, str(dataset), str(second)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "shown\n"
        process.kill()
    with seated(dataset) as sat:
        sat.open(second)
        assert sat.desk.read_only is None
        assert sat.desk.labels.intervals[0].note == "in the middle"
        sat.do(sat.desk.undo)
        assert sat.desk.labels.intervals[0].note == ""


def test_a_change_is_on_disk_within_a_second(dataset, second):
    with seated(dataset) as sat:
        sat.open(second)
        sat.do(sat.desk.begin, IntervalKind.ASKED)
        deadline = time.monotonic() + 20
        while not read_labels(second)["ann"].intervals:
            assert time.monotonic() < deadline
