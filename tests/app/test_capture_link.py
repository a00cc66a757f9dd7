"""The window's end of the capture process and the flow of a take through it: real processes, the simulated rig, real files."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "recorder"))
from stations import LONG, assert_readable_by_all, manifest_of, record, wait_until

from app.capture import CaptureLink, Died, Started
from app.judging import Judge
from app.pages.record.takeflow import TakeFlow, TakeStage
from protocol.analysis import SyncStatus
from protocol.manifest import FinishReason, How
from protocol.script import Mark
from recorder.analysisstore import read_analysis
from recorder.dataset import Dataset
from recorder.messages import Arm, Disarm, Refused, State, Status

CAMERA = "sim:3,head=builtin"


@pytest.fixture
def link():
    made = CaptureLink()
    yield made
    made.close()
    assert made.join(30)


@pytest.fixture
def judge():
    made = Judge()
    yield made
    made.close()


class Table:
    """Who sits before the window: pulls what the link heard and hands it to the flow."""

    def __init__(self, link, judge):
        self.link, self.heard, self.refused = link, [], []
        self.flow = TakeFlow(link.send, judge, self.refused.append)

    def until(self, reached, what="the awaited state"):
        def look():
            for heard in self.link.heard():
                self.heard.append(heard)
                self.flow.hear(heard)
            self.flow.poll()
            return reached()

        return wait_until(look, what)

    def written(self):
        """Events in the file of the running take."""
        status = self.flow.take.status if self.flow.take else None
        events = status.streams.get("events") if status and status.state is State.RECORDING else None
        return events.written if events else 0

    def at(self, stage):
        self.until(lambda: self.flow.stage is stage, stage.value)
        return self.flow.take


def test_a_command_given_before_the_process_has_started_is_carried_out(link):
    link.send(Arm(rig=record(Path(), CAMERA).rig))
    link.start()
    table = Table(link, None)
    table.until(lambda: any(isinstance(one, Status) and one.state is State.ARMED for one in table.heard))
    assert isinstance(table.heard[0], Started)
    assert (table.heard[0].runtime / "events.ring").exists()
    link.send(Disarm())
    table.until(lambda: isinstance(table.heard[-1], Status) and table.heard[-1].state is State.IDLE)


def test_a_take_goes_from_the_key_to_the_verdict_and_then_knows_its_clocks(tmp_path, link, judge):
    Dataset.create(tmp_path / "data", "data", simulated=True)
    link.start()
    table = Table(link, judge)
    table.flow.start(record(tmp_path / "data", CAMERA, rgb="sim"))
    assert table.flow.stage is TakeStage.STARTING
    table.at(TakeStage.RUNNING)
    table.flow.start(record(tmp_path / "data", CAMERA))  # a second key press while it runs changes nothing
    take = table.at(TakeStage.JUDGED)
    assert [prompt.step for prompt in take.prompts] == ["settle", "paper_in", "countdown", "neutral", "movement"]
    assert take.done.status == "complete"
    assert take.judged.problem is None
    assert_readable_by_all(take.path)
    assert table.flow.is_examined(take.path)
    table.until(lambda: not table.flow.is_examined(take.path), "the clocks")
    assert take.clocks
    kept = read_analysis(take.path)
    assert kept.quality == take.judged.quality
    assert kept.sync.rgb.status in (SyncStatus.PAPER, SyncStatus.MOTION, SyncStatus.HOST)
    table.flow.settle()
    assert table.flow.stage is TakeStage.IDLE


def test_a_key_marks_the_cue_and_the_manifest_says_that_it_was_pressed(tmp_path, link, judge):
    Dataset.create(tmp_path / "data", "data", simulated=True)
    link.start()
    table = Table(link, judge)
    assert not table.flow.mark(Mark.CUE)  # no take runs
    table.flow.start(record(tmp_path / "data", CAMERA))
    table.until(lambda: table.flow.take.prompt is not None and table.flow.take.prompt.step == "neutral")
    time.sleep(0.1)
    assert table.flow.mark(Mark.CUE)
    take = table.at(TakeStage.JUDGED)
    cue = next(step for step in manifest_of(take.path).steps if step.step == "movement")
    assert cue.how is How.PRESSED
    assert cue.at_us < cue.scheduled_us


def test_an_aborted_take_is_kept_as_partial(tmp_path, link, judge):
    Dataset.create(tmp_path / "data", "data", simulated=True)
    link.start()
    table = Table(link, judge)
    table.flow.start(record(tmp_path / "data", CAMERA, script=LONG))
    table.until(lambda: table.written() > 1000)
    assert table.flow.abort()
    assert not table.flow.abort()  # Esc held down asks once
    take = table.at(TakeStage.JUDGED)
    assert manifest_of(take.path).finish_reason is FinishReason.ABORTED


def test_a_take_that_may_not_begin_is_refused_with_the_sentence_and_the_next_one_can_be_asked_for(tmp_path, link, judge):
    link.start()
    table = Table(link, judge)
    table.flow.start(record(tmp_path, "replay:nowhere.aedat4"))
    table.until(lambda: table.refused)
    assert "nowhere.aedat4" in table.refused[0]
    assert table.flow.stage is TakeStage.IDLE
    assert any(isinstance(one, Refused) for one in table.heard)


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX systems")
def test_a_killed_capture_process_is_told_with_what_was_saved_and_another_can_be_started(tmp_path, link, judge):
    Dataset.create(tmp_path / "data", "data", simulated=True)
    link.start()
    table = Table(link, judge)
    table.flow.start(record(tmp_path / "data", CAMERA, script=LONG))
    table.until(lambda: table.written() > 5000)
    os.kill(table.heard[0].pid, signal.SIGKILL)
    take = table.at(TakeStage.JUDGED)
    died = next(one for one in table.heard if isinstance(one, Died))
    assert "signal 9" in died.text
    assert take.died
    assert manifest_of(take.path).finish_reason is FinishReason.CAPTURE_DIED
    assert_readable_by_all(take.path)
    table.flow.settle()
    link.join(10)
    link.start()
    table.flow.start(record(tmp_path / "data", CAMERA))
    assert table.at(TakeStage.JUDGED).done.status == "complete"


def test_a_judge_that_was_killed_costs_no_verdict_of_the_next_take(simulated_take, judge):
    judge.warm_up()
    first = judge.verdict(simulated_take)
    for process in list(judge._pool._processes.values()):
        os.kill(process.pid, signal.SIGKILL)
    assert first.exception(30) is not None
    assert judge.verdict(simulated_take).result(60).quality is not None
