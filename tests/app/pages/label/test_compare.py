"""Two coders' labels compared: who may see them, what is decided part by part, and the consensus on disk."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.pages.label.compare import CompareModel
from app.pages.label.compare_case import Case, NotDecidable, why_not_compare
from protocol.adjudication import Choice
from protocol.labeledits import BadEdit
from protocol.labels import CONSENSUS, Interval, LabelSet, Noise, Origin, Origins
from recorder.dataset import TakeEntry
from recorder.labelplan import make_plan, save_plan
from recorder.labelstate import read_labels
from recorder.labelstore import LabelStore

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def interval(name, onset_us, apex_us, offset_us, **keys):
    return Interval(id=name, **{"movement": "smile", "onset_us": onset_us, "apex_us": apex_us, "offset_us": offset_us, **keys})


def said(coder, *intervals, done=True, noise=None):
    return LabelSet(coder=coder, created_at=AT, intervals=intervals, done=done, noise=noise)


ANN = said("ann", interval("a1", 100_000, 300_000, 500_000), interval("a2", 900_000, 950_000, 999_000, movement="blink"))
BEN = said("ben", interval("b1", 140_000, 310_000, 560_000, origin=Origins(onset=Origin.ACCEPTED)))


def case(first=ANN, second=BEN, consensus=None):
    return Case(first, second, consensus, "eve", named=False)


def chosen(one):
    return {part.name: part.chosen for part in one.parts(one.point)}


# What may be seen


def plan_of(*coders, blind=True):
    entry = TakeEntry.at(Path("/data/4/smile_4_1.aedat4"))
    return make_plan("/data", [entry], coders, seed=1, at=AT, share_twice=1.0, blind=blind)


@pytest.mark.parametrize(
    ("by", "done", "allowed"),
    [
        ("ann", {"ann": True, "ben": True}, True),
        ("eve", {"ann": True, "ben": True}, True),
        ("ann", {"ann": False, "ben": True}, False),
        ("ann", {"ben": True}, False),
        ("ann", {"ann": True, "ben": False}, False),
        ("ann", {"ann": True}, False),
        ("ann", {"ann": True, "cat": True}, False),
        ("ann", {"ben": True, "cat": True}, False),
    ],
)
def test_nobody_sees_the_other_before_both_have_finished(by, done, allowed):
    labels = {coder: said(coder, interval("x", 1, 2, 3), done=one) for coder, one in done.items()}
    why = why_not_compare(plan_of("ann", "ben"), ("ann", "ben"), by, labels)
    assert (why is None) is allowed
    without_plan = why_not_compare(
        None, (), "ann", {"ann": said("ann", interval("x", 1, 2, 3), done=False)} | {"b": BEN, "c": BEN}
    )
    assert without_plan is not None


def test_what_is_not_blind_may_be_seen_by_whoever_has_not_finished():
    labels = {"ann": ANN, "ben": BEN}
    assert why_not_compare(plan_of("ann", "ben", blind=False), ("ann", "ben"), "cat", labels) is None


# Deciding


def test_parts_are_decided_one_by_one_and_the_point_with_the_last():
    one = case()
    assert [part.name for part in one.parts(one.point) if part.differs] == ["onset", "offset"]
    one.take_part("onset", Choice.SECOND)
    assert not one.decided(one.points[0])
    assert chosen(one)["onset"] == 140_000
    one.take_part("offset", Choice.OWN, 600_000)
    assert one.decided(one.points[0])
    made = one.consensus(AT).intervals[0]
    assert (made.onset_us, made.apex_us, made.offset_us) == (140_000, 305_000, 600_000)
    assert (made.origin.onset, made.origin.offset) == (Origin.ACCEPTED, Origin.PLACED)
    assert {ref.coder for ref in made.made_of} == {"ann", "ben"}


def test_a_point_is_decided_at_once_and_changed_afterwards():
    one = case()
    one.take(Choice.MEAN)
    assert chosen(one) == {"onset": 120_000, "offset": 530_000, "apex": 305_000}
    one.take_part("onset", Choice.FIRST)
    assert chosen(one) == {"onset": 100_000, "offset": 530_000, "apex": 305_000}


def test_what_one_coder_has_alone_is_kept_moved_or_left_out():
    one = case()
    one.go(1)
    assert one.point.differs == ("missing",)
    one.take(Choice.SECOND)
    assert one.left_out(one.point)
    one.take_part("apex", Choice.OWN, 960_000)
    assert one.consensus(AT).intervals[0].apex_us == 960_000
    one.take(Choice.FIRST)
    assert one.consensus(AT).intervals[0].apex_us == 950_000


def test_landmarks_out_of_order_are_refused_and_nothing_changes():
    one = case()
    one.take(Choice.MEAN)
    with pytest.raises(BadEdit):
        one.take_part("onset", Choice.OWN, 700_000)
    assert chosen(one)["onset"] == 120_000


def test_different_movements_have_no_middle():
    one = case(ANN, said("ben", interval("b1", 100_000, 300_000, 500_000, movement="frown")))
    with pytest.raises(NotDecidable):
        one.take_part("movement", Choice.MEAN)
    one.take_part("movement", Choice.SECOND)
    assert one.consensus(AT).intervals[0].movement == "frown"


def test_noise_is_decided_by_one_of_both_and_remembers_the_name():
    one = case(said("ann", noise=Noise(is_noise=True, reason="moved")), said("ben"))
    with pytest.raises(NotDecidable):
        one.take(Choice.MEAN)
    one.take(Choice.FIRST)
    assert one.consensus(AT).noise == Noise(is_noise=True, reason="moved", named=False)
    assert one.open == 0


def test_an_adjudication_is_gone_on_with():
    one = case()
    one.take(Choice.SECOND)
    again = case(consensus=one.consensus(AT))
    assert [again.decided(point) for point in again.points] == [True, False]
    assert again.at == 1


def test_going_round():
    one = case()
    assert one.go(-1)
    assert one.at == 1
    one.take(Choice.FIRST)
    assert one.go(1, undecided=True)
    assert one.at == 0
    assert case(ANN, ANN.model_copy(update={"coder": "ben"})).point is None


# On disk


@pytest.fixture
def take(tmp_path):
    path = tmp_path / "4" / "smile_4_1.aedat4"
    path.parent.mkdir()
    path.write_text("raw")
    store = LabelStore(tmp_path)
    for labels in (ANN, BEN):
        store.bring_in(path, labels)
    return path


@pytest.fixture
def model(tmp_path):
    model = CompareModel(LabelStore(tmp_path), "eve")
    yield model
    model.shut()


def opened(model, take):
    model.open(take)
    return settled(model)


def settled(model):
    model.wait()
    return [one.text for one in model.poll()]


def consensus_of(take):
    return read_labels(take).get(CONSENSUS)


def test_decisions_are_on_disk_and_both_originals_stay(model, take):
    opened(model, take)
    assert model.pair == ("ann", "ben")
    assert (model.part, model.at_us) == ("onset", 100_000)
    model.take_part(Choice.FIRST)
    assert model.part == "offset"
    model.take_part(Choice.OWN, 555_000)
    settled(model)
    kept = consensus_of(take)
    assert (kept.intervals[0].onset_us, kept.intervals[0].offset_us, kept.done) == (100_000, 555_000, False)
    assert kept.adjudication.by == "eve"
    model.go(1, undecided=True)
    model.take_whole(Choice.FIRST)
    settled(model)
    assert consensus_of(take).done
    assert model.written
    assert {one.coder: one.digest for one in consensus_of(take).adjudication.originals} == {
        "ann": ANN.digest(),
        "ben": BEN.digest(),
    }
    assert read_labels(take)["ann"].intervals == ANN.intervals


def test_undo_takes_a_decision_back(model, take):
    opened(model, take)
    model.take_whole(Choice.MEAN)
    model.undo()
    settled(model)
    assert model.case.open == 2
    model.redo()
    settled(model)
    assert model.case.open == 1


def test_noise_renames_the_take_and_undo_gives_the_name_back(model, take, tmp_path):
    store = LabelStore(tmp_path)
    store.bring_in(take, ANN.model_copy(update={"noise": Noise(is_noise=True)}))
    opened(model, take)
    model.take_whole(Choice.FIRST)
    settled(model)
    assert model.take.name == "smile_4_1_(noise).aedat4"
    assert model.take.exists()
    assert model.touched == [take, model.take]
    model.undo()
    settled(model)
    assert model.take == take


def test_where_both_agree_the_consensus_is_only_to_be_accepted(model, take, tmp_path):
    LabelStore(tmp_path).bring_in(take, ANN.model_copy(update={"coder": "ben"}))
    opened(model, take)
    assert model.case.points == ()
    assert consensus_of(take) is None
    model.accept()
    settled(model)
    assert len(consensus_of(take).intervals) == 2
    assert consensus_of(take).done


def test_a_blind_coder_is_refused_and_gets_no_label(model, take, tmp_path):
    plan = make_plan(tmp_path, [TakeEntry.at(take)], ("ann", "eve"), seed=1, at=AT, share_twice=1.0)
    save_plan(tmp_path, plan, instead_of=None)
    opened(model, take)
    assert model.why_not.startswith("Finish your own labels")
    assert (model.case, model.consensus, model.pairs, model.intervals(0)) == (None, None, (), ())


def test_what_another_window_adjudicates_is_read_only_here(model, take, tmp_path):
    with LabelStore(tmp_path).open(take, CONSENSUS):
        opened(model, take)
        model.take_whole(Choice.MEAN)
        assert "cannot be changed here" in settled(model)[0]
        assert model.case.open == 2


def test_labels_that_changed_after_the_adjudication_are_told(model, take, tmp_path):
    opened(model, take)
    model.take_whole(Choice.MEAN)
    settled(model)
    LabelStore(tmp_path).bring_in(take, said("ben"))
    assert "ben changed something" in opened(model, take)[0]
    assert model.case.open == 2


def test_a_dragged_landmark_decides_its_part(model, take):
    opened(model, take)
    model.take_whole(Choice.MEAN)
    made = model.consensus.intervals[0].id
    model.place(made, "apex", 333_000)
    settled(model)
    assert consensus_of(take).intervals[0].apex_us == 333_000


def test_a_take_that_is_gone_is_told(model, tmp_path):
    opened(model, tmp_path / "gone_1_1.aedat4")
    assert "no such take" in model.why_not
