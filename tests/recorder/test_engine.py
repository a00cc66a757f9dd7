"""The engine in this process: what a preview without memory, a second arming and a full disk mean."""

import errno
import time

from stations import PATIENCE_S, SHORT

from protocol.script import parse_script
from recorder.board import RingBoard
from recorder.engine import Engine
from recorder.messages import Arm, Notice, Record, RigSpec, State, TakeDone, TakeRequest
from recorder.room import nearly_full
from recorder.settings import RecorderSettings
from recorder.sources.registry import default_registry

RIG = RigSpec(camera="sim:1", speed="max")


class Desk:
    """An engine whose reports are kept; ticked until something is so."""

    def __init__(self, folder):
        self.reports = []
        self.runtime = folder / "runtime"
        self.runtime.mkdir()
        self.engine = Engine(default_registry(), self.runtime, self.reports.append)

    def until(self, done):
        end = time.monotonic() + PATIENCE_S
        while not done():
            self.engine.tick()
            time.sleep(0.005)
            assert time.monotonic() < end, (
                self.engine.state,
                self.engine.reason,
                [one for one in self.reports if one.kind != "status"],
            )

    def found(self, kind):
        return [report for report in self.reports if isinstance(report, kind)]

    def unplugged(self):
        return [report for report in self.found(Notice) if "unplugged" in report.text]

    def record(self, folder):
        take = TakeRequest(data=str(folder), movement="frown", subject=4, script=parse_script(SHORT, "short.yaml"))
        self.engine.handle(Record(rig=RIG, take=take, settings=RecorderSettings(takes_free=1, take_bytes=1)))
        self.until(lambda: self.found(TakeDone) and not self.engine.is_busy)
        return self.found(TakeDone)[-1]


def test_a_preview_that_finds_no_memory_costs_the_take_nothing(tmp_path, monkeypatch):
    def refuse(board, packet):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(RingBoard, "publish", refuse)
    desk = Desk(tmp_path)
    try:
        done = desk.record(tmp_path / "data")
    finally:
        desk.engine.shut_down()
    assert done.status == "complete"
    assert done.counts["events"]["received"] == done.counts["events"]["written"] > 0
    assert len([one for one in desk.found(Notice) if "no room for the preview" in one.text]) == 1


def test_counts_of_an_armed_rig_begin_anew_with_each_arming(tmp_path):
    desk = Desk(tmp_path)
    rig = RigSpec(camera="sim:1,fault=unplug@0.2", speed="max")
    counts = []
    try:
        for times in (1, 2):
            desk.engine.handle(Arm(rig=rig))
            desk.until(lambda times=times: len(desk.unplugged()) == times and not desk.engine.is_busy)
            assert desk.engine.state is State.IDLE
            counts.append(desk.engine.status(0).streams["events"].received)
    finally:
        desk.engine.shut_down()
    assert counts[0] == counts[1] > 0


def test_a_disk_with_room_says_nothing_and_a_nearly_full_one_says_how_much_is_left(tmp_path):
    assert nearly_full(tmp_path, RecorderSettings(reserve_bytes=0)) is None
    assert "MB left" in nearly_full(tmp_path, RecorderSettings(reserve_bytes=2**62))


def test_rings_that_cannot_be_made_cost_the_take_nothing_and_no_camera(tmp_path, monkeypatch):
    def refuse(folder, settings):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("recorder.engine.RingBoard", refuse)
    desk = Desk(tmp_path)
    try:
        done = desk.record(tmp_path / "data")
    finally:
        desk.engine.shut_down()
    assert (done.status, not desk.engine.is_armed) == ("complete", True)
    assert "no room for the preview" in desk.found(Notice)[0].text


def test_a_defect_while_closing_is_told_and_leaves_the_engine_ready(tmp_path, monkeypatch):
    def defect(context, take, drain_s):
        take.writers.close(drain_s)
        raise ValueError("a defect")

    monkeypatch.setattr("recorder.engine.close_take", defect)
    desk = Desk(tmp_path)
    try:
        done = desk.record(tmp_path / "data")
        assert (done.status, done.finish_reason, done.path) == ("failed", "internal_error", None)
        assert "glimpse recover" in done.message
        assert desk.engine.state is State.ARMED
    finally:
        desk.engine.shut_down()
    assert (tmp_path / "data" / "4" / "frown_4_1.part.aedat4").exists()
