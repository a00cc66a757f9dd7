"""A session's flow without a window: stages, decisions, what comes next, hands free, what is told. Takes are real files."""

import sys
import threading
from concurrent.futures import Future
from datetime import UTC, datetime

import pytest
from takekit import SHORT_SCRIPT, make_take, some_events

from app.capture import Died, Started
from app.judging import Judged
from app.pages.record import sessionplan
from app.pages.record.cameras import RigState
from app.pages.record.handsfree import HANDS_FREE_S, HANDS_FREE_START_S
from app.pages.record.sessionflow import SessionFlow, Stage
from app.pages.record.takeflow import TakeStage, missing_stimulus
from app.said import Said
from protocol.analysis import QualityRecord, Verdict
from protocol.manifest import Person, TakeStatus
from protocol.script import Mark as ScriptMark
from protocol.script import parse_script
from protocol.session import CellState, Place, Session, SessionError
from recorder.dataset import Dataset, LeftOut, TakeEntry
from recorder.messages import (
    Arm,
    Armed,
    Disarm,
    Mark,
    Notice,
    PromptReport,
    Record,
    Refused,
    RigSpec,
    State,
    Status,
    Stop,
    TakeDone,
)
from recorder.sessionstore import SubjectFolder, create_session, session_path

SCRIPT = SHORT_SCRIPT.replace("movements: [smile]", "movements: [frown, smile]")
RIG = RigSpec(camera="sim", rgb="none", thermal="none")
FROWN, SMILE = Place(movement="frown", repetition=1), Place(movement="smile", repetition=1)
ARMED = Armed(rig=RIG, devices=(), streams={}, started_ns=0)


class Line:
    """In place of a capture process: what was sent, and what it has to say."""

    def __init__(self):
        self.sent, self.reports, self.starts, self.closed, self.running = [], [], 0, False, True

    def start(self):
        self.starts += 1

    def send(self, command):
        self.sent.append(command)

    def heard(self):
        heard, self.reports = self.reports, []
        return heard

    def close(self):
        self.closed = True


class Bench:
    """A judge that answers when it is told to."""

    def __init__(self):
        self.verdicts, self.later = {}, {}

    def verdict(self, path):
        return self.verdicts.setdefault(path, Future())

    def clocks(self, path):
        return self.later.setdefault(path, Future())


class Room:
    """A flow with its session, and what happens to it."""

    def __init__(self, data):
        self.data, self.now_s = data, 100.0
        self.line, self.bench = Line(), Bench()
        self.flow = SessionFlow(self.line, self.bench, clock_s=lambda: self.now_s)
        self.made = 0
        Dataset.create(data, "data", simulated=True)
        began = datetime(2026, 3, 2, 10, tzinfo=UTC)
        told = parse_script(SCRIPT, "two").model_dump(mode="json")
        self.session = Session(
            subject=4, label="2026-03-02", script=told, glasses=True, notes="by the window", started_at=began
        )
        create_session(data, self.session)

    def hear(self, *reports):
        """Let the flow hear this, and do all that it has for its thread."""
        self.line.reports += reports
        said = list(self.flow.poll())
        while self.flow._jobs.busy:
            assert self.flow._jobs.join(30)
            said += self.flow.poll()
        return said

    def to_plan(self):
        self.flow.begin(self.data, self.session, RIG)
        self.hear(Started(self.data / "rings", 1), ARMED, Status(state=State.ARMED))
        assert self.flow.to_plan()

    def start(self):
        assert self.flow.start()
        self.hear(Status(state=State.RECORDING))

    def record(self, verdict=Verdict.GOOD, status=TakeStatus.COMPLETE, **manifest):
        """A take from its start to its verdict, its clocks still to come."""
        place = self.flow.chosen
        self.start()
        return self.end(place, verdict, status, **manifest)

    def end(self, place, verdict=Verdict.GOOD, status=TakeStatus.COMPLETE, **manifest):
        self.made += 1
        request = next(one for one in reversed(self.line.sent) if isinstance(one, Record)).take
        folder = self.data / "4"
        told = {"person": request.person, "repetition": request.repetition, "practice": request.practice, **manifest}
        stem = f"{place.movement}_4_{self.made}"
        path = make_take(folder, stem, events=some_events(5), status=status, **told)
        reason = "script_ended" if status is TakeStatus.COMPLETE else "aborted"
        done = TakeDone(path=str(path), manifest=None, status=status.value, finish_reason=reason, message="")
        self.hear(Status(state=State.FINALISING), done, Status(state=State.ARMED))
        self.bench.verdicts[path].set_result(Judged(path, QualityRecord(verdict=verdict)))
        self.hear()
        return path

    def clocks(self, path):
        self.bench.later[path].set_result(Judged(path, QualityRecord(verdict=Verdict.GOOD)))
        return self.hear()

    def asked(self, kind):
        return [one for one in self.line.sent if isinstance(one, kind)]


@pytest.fixture
def room(tmp_path):
    return Room(tmp_path / "data")


def states(room):
    return {cell.place: cell.state for cell in room.flow.grid.cells}


# Before the first take


def test_a_session_begins_at_the_rig_check_and_has_the_cameras_opened(room):
    room.flow.begin(room.data, room.session, RIG)
    assert (room.flow.stage, room.line.starts) == (Stage.RIG, 1)
    (arm,) = room.asked(Arm)
    assert (arm.rig, arm.data) == (RIG, str(room.data))
    room.hear()
    assert room.flow.chosen == FROWN
    assert not room.flow.to_plan()  # no camera is open yet
    room.hear(ARMED)
    assert room.flow.to_plan()


def red(*names):
    return RigState("redo", {"checks": [{"name": name, "level": "redo"} for name in names]}, "profile")


def test_a_red_rig_check_needs_a_word_which_the_manifest_keeps_and_which_holds_until_something_else_is_red(room):
    room.to_plan()
    room.flow.saw_rig(red("losses"))
    assert not room.flow.start()
    assert [said.key for said in room.flow.poll()] == ["rig"]
    room.flow.confirm()
    room.start()
    (record,) = room.asked(Record)
    assert record.take.rig_check == {**red("losses").record, "confirmed": True}
    assert record.take.profile == "profile"
    room.flow.saw_rig(RigState("good"))
    room.flow.saw_rig(red("losses"))
    assert not room.flow.must_confirm
    room.flow.saw_rig(red("losses", "distance"))
    assert room.flow.must_confirm


def test_a_stimulus_that_is_not_there_is_told_before_the_take(room):
    room.to_plan()
    room.flow._plan.script = room.flow.script.model_copy(update={"stimulus": "film.mp4"})
    assert not room.flow.start()
    (said,) = room.flow.poll()
    assert said.key == "stimulus"
    assert str(room.data / "film.mp4") in said.text
    (room.data / "film.mp4").write_bytes(b"video")
    assert missing_stimulus(room.flow.script, room.data) is None


def test_nothing_is_recorded_before_the_cameras_are_open(room):
    room.to_plan()
    room.flow.arm()
    assert not room.flow.start()
    assert len(room.asked(Arm)) == 2  # they are being opened: a second key press asks for nothing more
    room.hear(ARMED, Status(state=State.ARMED))
    assert room.flow.start()


def test_a_camera_that_is_lost_between_takes_is_told_and_the_next_start_opens_it_again(room):
    room.to_plan()
    lost = Status(state=State.IDLE, reason="The camera was unplugged.")
    (said,) = room.hear(lost, lost, lost)
    assert (said.text, said.state, said.remedy) == ("The camera was unplugged.", "redo", "rearm")
    assert not room.flow.start()
    assert len(room.asked(Arm)) == 2
    assert not room.asked(Record)


def test_a_status_from_before_the_cameras_were_open_does_not_close_them(room):
    room.flow.begin(room.data, room.session, RIG)
    room.hear(Status(state=State.IDLE), ARMED, Status(state=State.IDLE), Status(state=State.ARMED))
    assert room.flow.armed is not None


def test_cameras_that_cannot_be_opened_are_told_with_the_way_out(room):
    room.flow.begin(room.data, room.session, RIG)
    (said,) = room.hear(Refused(text="No camera."))
    assert (said.text, said.key, said.remedy, room.flow.opening) == ("No camera.", "cameras", "rearm", False)


# The take


def test_a_take_is_asked_for_with_all_that_its_manifest_shall_tell(room):
    room.to_plan()
    room.start()
    (record,) = room.asked(Record)
    take = record.take
    assert (record.rig, take.data, take.movement, take.repetition, take.practice) == (RIG, str(room.data), "frown", 1, False)
    assert take.person == Person(subject=4, glasses=True, session="2026-03-02", notes="by the window")
    assert room.flow.stage is Stage.TAKE


def test_while_a_take_runs_no_other_begins_and_nothing_leaves_it(room):
    room.to_plan()
    room.start()
    flow = room.flow
    assert not any((flow.start(), flow.to_rig(), flow.to_plan(), flow.finish(), flow.leave(), flow.undo()))
    flow.keep()
    assert (flow.stage, len(room.asked(Record))) == (Stage.TAKE, 1)


def test_an_abort_is_sent_once(room):
    room.to_plan()
    room.start()
    assert room.flow.abort()
    assert not room.flow.abort()
    assert len(room.asked(Stop)) == 1


def test_notices_of_a_take_are_kept_for_its_panel_and_forgotten_at_the_next(room):
    room.to_plan()
    room.start()
    assert room.hear(*(Notice(text=str(number)) for number in range(6))) == []
    assert room.flow.notices == ("2", "3", "4", "5")
    room.end(FROWN)
    room.flow.keep()
    room.start()
    assert room.flow.notices == ()


def test_a_take_that_is_refused_leads_back_to_the_plan(room):
    room.to_plan()
    assert room.flow.start()
    (said,) = room.hear(Refused(text="The disk is full."))
    assert (said.text, said.state, room.flow.stage) == ("The disk is full.", "redo", Stage.READY)
    assert room.flow.start()


def test_a_key_marks_only_while_the_take_runs(room):
    room.to_plan()
    assert not room.flow.takes.mark(ScriptMark.CUE)
    room.start()
    assert room.flow.takes.mark(ScriptMark.CUE)
    assert [one.mark for one in room.asked(Mark)] == ["cue"]


# After the take


def test_a_take_that_is_kept_makes_room_for_the_next_and_the_last_ends_the_session(room):
    room.to_plan()
    path = room.record(Verdict.CHECK)
    assert (room.flow.stage, room.flow.verdict) == (Stage.VERDICT, Verdict.CHECK)
    room.flow.keep()
    assert (room.flow.stage, room.flow.chosen) == (Stage.READY, SMILE)
    assert path.exists()
    room.record()
    room.flow.keep()
    assert (room.flow.stage, room.flow.chosen, room.flow.progress.left) == (Stage.FINISHED, None, 0)


def test_noise_is_renamed_once_the_judge_is_through_and_offered_again_at_the_end(room):
    room.to_plan()
    path = room.record()
    room.flow.noise()
    assert (room.flow.chosen, path.exists(), room.flow.settled) == (SMILE, True, False)
    assert not room.flow.leave()
    room.clocks(path)
    assert not path.exists()
    assert path.with_name("frown_4_1_(noise).aedat4").exists()
    assert (states(room)[FROWN], room.flow.settled) == (CellState.NOISE, True)
    room.clocks(room.record())
    room.flow.keep()
    assert (room.flow.stage, room.flow.chosen) == (Stage.READY, FROWN)


def test_a_take_to_be_redone_stays_marked_and_its_place_is_next(room):
    room.to_plan()
    path = room.record()
    room.clocks(path)
    room.flow.redo()
    assert (room.flow.stage, room.flow.chosen) == (Stage.READY, FROWN)
    room.hear()
    assert TakeEntry.at(path).left_out == {LeftOut.REDONE}
    room.record()
    room.flow.keep()
    assert room.flow.chosen == SMILE


def test_an_aborted_take_is_made_again_before_the_plan_goes_on(room):
    room.to_plan()
    room.record(status=TakeStatus.PARTIAL)
    room.flow.keep()
    assert (room.flow.chosen, states(room)[FROWN]) == (FROWN, CellState.FAILED)


@pytest.mark.parametrize("decide", ["noise", "redo"])
def test_a_decision_is_taken_back_and_its_place_is_as_before(room, decide):
    room.to_plan()
    path = room.record()
    room.clocks(path)
    getattr(room.flow, decide)()
    room.hear()
    assert TakeEntry.at(path).left_out or not path.exists()
    assert room.flow.undo()
    assert not room.flow.undo()  # a key that is pressed twice
    room.hear()
    assert TakeEntry.at(path).left_out == frozenset()
    assert path.exists()
    assert states(room)[FROWN] is not CellState.REDO
    assert room.flow.chosen == SMILE


@pytest.mark.parametrize("decide", ["noise", "redo"])
def test_a_decision_that_still_waits_for_the_judge_is_taken_back_before_it_is_done(room, decide):
    room.to_plan()
    path = room.record()
    getattr(room.flow, decide)()
    assert room.flow.undo()
    room.clocks(path)
    assert TakeEntry.at(path).left_out == frozenset()
    assert path.exists()
    assert (states(room)[FROWN], room.flow.chosen, room.flow.settled) == (CellState.DONE, SMILE, True)


def test_decisions_are_taken_back_from_the_newest_on(room):
    room.to_plan()
    first = room.record()
    room.clocks(first)
    room.flow.noise()
    second = room.record()
    room.clocks(second)
    room.flow.noise()
    room.flow.undo()
    room.hear()
    assert (first.exists(), second.exists()) == (False, True)
    room.flow.undo()
    room.hear()
    assert first.exists()


def test_the_last_take_is_known_by_the_name_that_it_has_now(room):
    room.to_plan()
    assert room.flow.last_take is None
    path = room.record()
    room.clocks(path)
    assert room.flow.last_take == path
    room.flow.noise()
    room.hear()
    assert room.flow.last_take == path.with_name("frown_4_1_(noise).aedat4")
    room.flow.undo()
    room.hear()
    assert room.flow.last_take == path


# The window's thread touches no file


class Watch:
    """Notes what this thread does to files while it is on, by Python's audit events."""

    KINDS = ("open", "os.listdir", "os.scandir", "os.rename", "os.link", "os.remove", "os.mkdir", "os.truncate")

    def __init__(self):
        self.on, self.seen, self.thread = False, [], threading.get_ident()
        sys.addaudithook(self._note)

    def _note(self, kind, arguments):
        if self.on and kind in self.KINDS and threading.get_ident() == self.thread:
            self.seen.append((kind, *arguments[:1]))

    def __enter__(self):
        self.on = True

    def __exit__(self, *_):
        self.on = False


@pytest.mark.parametrize("practice", [False, True])
def test_no_file_is_touched_on_the_windows_thread(room, practice):
    watch, flow = Watch(), room.flow
    for decide in ("keep", "noise", "redo"):
        if flow.stage is Stage.SETUP:
            with watch:
                flow.begin(room.data, room.session, RIG)
                room.hear(ARMED, Status(state=State.ARMED))
                assert flow.to_plan()
        flow.practice = practice
        with watch:
            assert flow.start()
            room.hear(Status(state=State.RECORDING))
        path = room.end(flow.chosen)
        room.bench.later[path].set_result(Judged(path, QualityRecord(verdict=Verdict.GOOD)))
        with watch:
            room.hear()
            getattr(flow, decide)()
            room.hear()
    with watch:
        flow.undo()
        flow.choose(SMILE)
        flow.skip()
        flow.add("smile")
        room.hear()
    flow.choose(FROWN)
    assert watch.seen == []
    room.line.running = False
    with watch:
        while not flow.wind_up():
            room.hear()
    assert watch.seen == []


@pytest.fixture
def slow_disk(monkeypatch):
    """A disk that stands still until it is let go."""
    go, real = threading.Event(), sessionplan.save_session

    def save(*arguments):
        go.wait(30)
        return real(*arguments)

    monkeypatch.setattr(sessionplan, "save_session", save)
    return go


def test_what_is_being_written_is_shown_and_done_in_its_order(room, slow_disk):
    room.to_plan()
    path = room.record()
    room.clocks(path)
    room.flow.noise()  # waits behind nothing ...
    room.hear()
    room.flow.skip()
    room.flow.choose(FROWN)
    room.flow.undo()  # ... and this behind what stands still
    room.flow.poll()
    assert (states(room)[FROWN], states(room)[SMILE]) == (CellState.DONE, CellState.SKIPPED)
    assert room.flow.saving == {FROWN, SMILE}
    assert (room.flow.settled, path.exists(), room.flow.leave()) == (False, False, False)
    slow_disk.set()
    room.hear()
    assert path.exists()
    assert (room.flow.saving, room.flow.settled) == (frozenset(), True)
    assert Session.parse(session_path(room.data, 4, "2026-03-02").read_bytes(), "session").skipped == (SMILE,)


def test_a_take_that_the_plan_does_not_know_yet_keeps_the_next_from_being_chosen_but_not_the_operator(room, monkeypatch):
    room.to_plan()
    go, real = threading.Event(), SubjectFolder.takes

    def takes(folder):
        go.wait(30)
        return real(folder)

    monkeypatch.setattr(SubjectFolder, "takes", takes)
    room.start()
    folder = room.data / "4"
    path = make_take(folder, "frown_4_1", person=Person(subject=4, session="2026-03-02"), repetition=1)
    room.line.reports += [TakeDone(path=str(path), manifest=None, status="complete", finish_reason="script_ended", message="")]
    room.flow.poll()
    room.bench.verdicts[path].set_result(Judged(path, QualityRecord(verdict=Verdict.GOOD)))
    room.flow.poll()
    room.flow.keep()
    assert (room.flow.stage, room.flow.start()) == (Stage.READY, False)
    go.set()
    room.hear()
    assert (room.flow.stage, room.flow.chosen, room.flow.start()) == (Stage.READY, SMILE, True)


def test_a_key_pressed_twice_decides_once(room):
    room.to_plan()
    path = room.record()
    room.flow.noise()
    room.flow.noise()
    room.flow.redo()
    room.clocks(path)
    assert sorted(one.name for one in path.parent.glob("*.aedat4")) == ["frown_4_1_(noise).aedat4"]
    assert TakeEntry.at(path.with_name("frown_4_1_(noise).aedat4")).left_out == {LeftOut.NOISE}


def test_a_record_that_cannot_be_written_is_told_and_written_by_the_banners_button(room, monkeypatch):
    room.to_plan()
    real = sessionplan.save_session

    def full(*_):
        raise SessionError("The disk is full.")

    monkeypatch.setattr(sessionplan, "save_session", full)
    room.flow.skip()
    (said,) = room.hear()
    assert (said.key, said.state, said.remedy) == ("session", "redo", "again")
    assert said.text.startswith("The disk is full.")
    assert states(room)[FROWN] is CellState.SKIPPED
    monkeypatch.setattr(sessionplan, "save_session", real)
    room.flow.mend(said)
    room.flow.mend(said)
    assert room.hear() == []
    assert Session.parse(session_path(room.data, 4, "2026-03-02").read_bytes(), "session").skipped == (FROWN,)


def test_a_plan_that_cannot_be_read_is_told_and_read_by_the_banners_button(room, monkeypatch):
    real = SubjectFolder.takes

    def unreadable(_):
        raise PermissionError(13, "Permission denied", "4")

    monkeypatch.setattr(SubjectFolder, "takes", unreadable)
    room.flow.begin(room.data, room.session, RIG)
    (said,) = room.hear(ARMED)
    assert (said.key, said.remedy, room.flow.to_plan()) == ("folder", "again", False)
    monkeypatch.setattr(SubjectFolder, "takes", real)
    room.flow.mend(said)
    room.hear()
    assert (room.flow.chosen, room.flow.to_plan()) == (FROWN, True)


# The window closes


def test_closing_waits_for_the_take_and_for_what_was_decided(room):
    room.to_plan()
    first = room.record()
    room.flow.noise()
    room.start()
    assert not room.flow.wind_up()
    assert not room.flow.wind_up()
    assert (room.line.closed, len(room.asked(Stop)), room.flow.start()) == (False, 1, False)
    second = make_take(room.data / "4", "smile_4_1", status=TakeStatus.PARTIAL, person=Person(subject=4, session="2026-03-02"))
    room.hear(TakeDone(path=str(second), manifest=None, status="partial", finish_reason="aborted", message=""))
    assert second not in room.bench.verdicts  # the judge is leaving
    assert not room.flow.wind_up()
    assert room.line.closed
    room.line.running = False
    assert not room.flow.wind_up()  # the judge has the first take still
    room.bench.later[first].cancel()
    room.hear()
    while not room.flow.wind_up():
        room.hear()
    assert first.with_name("frown_4_1_(noise).aedat4").exists()


def test_a_take_that_went_away_while_it_was_decided_about_is_told(room):
    room.to_plan()
    path = room.record()
    room.clocks(path)
    for file in path.parent.glob("frown_4_1*"):
        file.unlink()
    room.flow.noise()
    (said,) = room.hear()
    assert (said.state, said.remedy) == ("redo", "again")
    assert "frown_4_1" in said.text
    assert (room.flow.stage, room.flow.chosen, states(room)[FROWN]) == (Stage.READY, SMILE, CellState.TODO)
    assert not room.flow.undo()  # nothing was done


def closed(room):
    while not room.flow.wind_up():
        room.hear()


def test_what_could_not_be_decided_is_tried_once_more_when_the_window_closes_and_then_counted(room):
    room.to_plan()
    path = room.record()
    room.clocks(path)
    away = path.parent.with_name("away")
    path.parent.rename(away)
    room.flow.noise()
    room.hear()
    assert room.flow.undone == 1
    room.line.running = False
    closed(room)
    assert room.flow.undone == 1
    away.rename(path.parent)
    room.flow.mend(Said("", key=f"later {path.name}", remedy="again"))
    room.hear()
    closed(room)
    assert room.flow.undone == 0
    assert path.with_name("frown_4_1_(noise).aedat4").exists()


def test_a_take_of_which_nothing_was_kept_is_decided_about_without_a_file(room):
    room.to_plan()
    room.start()
    nothing = TakeDone(path=None, manifest=None, status="failed", finish_reason="no_first_data", message="Nothing came.")
    room.hear(nothing, Status(state=State.ARMED))
    assert room.flow.stage is Stage.VERDICT
    room.flow.noise()
    assert (room.flow.stage, room.flow.chosen) == (Stage.READY, FROWN)


def test_a_judge_that_died_costs_the_verdict_alone(room):
    room.to_plan()
    room.start()
    path = make_take(room.data / "4", "frown_4_1", person=Person(subject=4, session="2026-03-02"), repetition=1)
    room.hear(TakeDone(path=str(path), manifest=None, status="complete", finish_reason="script_ended", message=""))
    room.bench.verdicts[path].set_exception(RuntimeError("killed"))
    room.hear()
    assert (room.flow.stage, room.flow.verdict) == (Stage.VERDICT, Verdict.UNKNOWN)
    assert "glimpse quality" in room.flow.takes.take.judged.problem
    room.flow.keep()
    assert (room.flow.chosen, states(room)[FROWN]) == (SMILE, CellState.DONE)


# The plan


def test_a_place_is_chosen_skipped_and_taken_up_again(room):
    room.to_plan()
    room.flow.skip()
    assert (states(room)[FROWN], room.flow.chosen) == (CellState.SKIPPED, SMILE)
    room.hear()
    assert Session.parse(session_path(room.data, 4, "2026-03-02").read_bytes(), "session").skipped == (FROWN,)
    room.flow.choose(FROWN)
    room.flow.skip()
    assert (states(room)[FROWN], room.flow.chosen) == (CellState.TODO, FROWN)


def test_a_recorded_place_cannot_be_skipped(room):
    room.to_plan()
    room.record()
    room.flow.keep()
    room.flow.choose(FROWN)
    room.flow.skip()
    (said,) = room.flow.poll()
    assert "is recorded" in said.text


def test_a_take_is_added_and_chosen(room):
    room.to_plan()
    room.flow.add("frown")
    assert room.flow.chosen == Place(movement="frown", repetition=2)
    assert len(room.flow.grid.cells) == 3


def test_the_end_can_be_gone_back_from_and_left_for_another_subject(room):
    room.to_plan()
    assert room.flow.finish()
    room.flow.resume()
    assert (room.flow.stage, room.flow.chosen) == (Stage.READY, FROWN)
    assert room.flow.finish()
    assert room.flow.leave()
    assert (room.flow.stage, room.flow.session, len(room.asked(Disarm))) == (Stage.SETUP, None, 1)


# Practice


def test_a_practice_take_is_made_elsewhere_and_thrown_away(room):
    room.to_plan()
    room.flow.practice = True
    room.start()
    (record,) = room.asked(Record)
    assert record.take.data != str(room.data)
    assert (record.take.practice, record.take.repetition) == (True, None)
    folder = record.take.data
    path = make_take(room.flow._practice._folder.make(room.data) / "4", "frown_4_1", practice=True)
    room.hear(TakeDone(path=str(path), manifest=None, status="complete", finish_reason="script_ended", message=""))
    room.bench.verdicts[path].set_result(Judged(path, QualityRecord(verdict=Verdict.GOOD)))
    room.hear()
    assert room.flow.last_take is None
    room.flow.noise()  # nothing is kept of it, not even as noise
    assert (room.flow.stage, room.flow.chosen) == (Stage.READY, FROWN)
    assert path.exists()  # the judge has it still
    room.clocks(path)
    assert not path.exists()
    room.line.running = False
    while not room.flow.wind_up():
        room.hear()
    assert not room.flow._practice.holds(path)
    assert folder.startswith(str(path.parents[2]))
    assert not path.parents[2].exists()


def test_practice_that_is_kept_is_marked_and_fills_no_place(room):
    room.to_plan()
    room.flow.practice = room.flow.keep_practice = True
    room.record()
    room.flow.keep()
    assert (room.flow.stage, room.flow.chosen, states(room)[FROWN]) == (Stage.READY, FROWN, CellState.TODO)
    assert len(room.flow.grid.practice) == 1


# Hands free


def test_hands_free_starts_takes_and_decides_by_itself(room):
    room.flow.hands_free = True
    room.to_plan()
    room.hear()
    assert room.flow.seconds_left == HANDS_FREE_START_S
    room.now_s += HANDS_FREE_START_S - 0.1
    room.hear()
    assert room.flow.stage is Stage.READY
    room.now_s += 0.2
    room.hear()
    assert room.flow.stage is Stage.TAKE
    room.end(FROWN, Verdict.REDO)
    assert room.flow.seconds_left == HANDS_FREE_S[Verdict.REDO]
    room.now_s += HANDS_FREE_S[Verdict.REDO]
    room.hear()
    assert (room.flow.stage, room.flow.chosen) == (Stage.READY, FROWN)  # redone by itself
    room.now_s += 2 * HANDS_FREE_START_S
    room.hear()
    room.hear()
    room.now_s += 2 * HANDS_FREE_START_S
    room.hear()
    room.end(FROWN, Verdict.GOOD)
    room.now_s += HANDS_FREE_S[Verdict.GOOD]
    room.hear()
    assert (room.flow.stage, room.flow.chosen) == (Stage.READY, SMILE)


def test_a_key_stops_what_would_come_by_itself_until_the_next_step(room):
    room.flow.hands_free = True
    room.to_plan()
    room.hear()
    room.flow.hold()
    room.now_s += 1000
    room.hear()
    assert (room.flow.stage, room.flow.seconds_left) == (Stage.READY, None)
    room.record()
    assert room.flow.seconds_left == HANDS_FREE_S[Verdict.GOOD]


@pytest.mark.parametrize("why", ["red", "closed", "practice"])
def test_nothing_comes_by_itself_where_somebody_must_look(room, why):
    room.flow.hands_free = True
    room.to_plan()
    if why == "red":
        room.flow.saw_rig(RigState("redo"))
    elif why == "closed":
        room.flow.arm()
    else:
        room.flow.practice = True
    room.hear()
    room.now_s += 1000
    room.hear()
    assert (room.flow.stage, room.flow.seconds_left) == (Stage.READY, None)


# The capture process dies


def test_a_dead_capture_process_is_told_with_what_was_saved_and_the_take_is_decided_about(room):
    room.to_plan()
    room.start()
    path = make_take(room.data / "4", "frown_4_1", status=TakeStatus.PARTIAL, person=Person(subject=4, session="2026-03-02"))
    saved = TakeDone(path=str(path), manifest=None, status="partial", finish_reason="capture_died", message="3 s were saved.")
    (said,) = room.hear(Died("It died.", saved))
    assert (said.text, said.state, said.key, said.remedy) == ("3 s were saved.", "redo", "capture", "restart")
    assert room.flow.takes.stage is TakeStage.JUDGING
    room.bench.verdicts[path].set_result(Judged(path, QualityRecord(verdict=Verdict.REDO)))
    room.hear()
    room.flow.keep()
    assert (room.flow.stage, room.flow.chosen, room.flow.armed) == (Stage.READY, FROWN, None)
    assert not room.flow.start()  # the same key that starts a take goes on here
    assert room.line.starts == 2
    room.hear(ARMED)
    assert room.flow.start()


def test_a_capture_process_that_dies_while_a_take_begins_leads_back_to_the_plan(room):
    room.to_plan()
    assert room.flow.start()
    said = room.hear(Died("It died."))
    assert {one.key for one in said} == {"capture", "take"}
    assert (room.flow.stage, room.flow.runtime) == (Stage.READY, None)


def test_every_prompt_of_a_take_is_known_to_its_prompter(room):
    room.to_plan()
    room.start()
    prompt = PromptReport(step="neutral", action="neutral", movement="frown", text="Neutral", at_us=5, seconds=1.0)
    room.hear(prompt)
    assert room.flow.takes.take.prompt == prompt
