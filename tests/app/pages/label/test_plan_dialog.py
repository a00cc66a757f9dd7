"""Planning who labels what: what is typed, what it comes to, what is written, and what stays once takes were labelled."""

from datetime import UTC, datetime

import pytest
from PySide6.QtCore import Qt

from app.pages.label.plan_dialog import PlanDialog
from app.pages.label.planning import PlanWishes, coders_typed, keep, plan_for, used_takes, wishes_of
from protocol.labels import BadCoderName
from recorder.labelplan import LabelPlanError, read_plan

AT = datetime(2026, 3, 2, tzinfo=UTC)


def take(folder, stem):
    path = folder / stem.split("_")[1] / f"{stem}.aedat4"
    path.parent.mkdir(exist_ok=True)
    path.write_text("raw")


@pytest.fixture
def folder(tmp_path):
    for number in range(1, 11):
        take(tmp_path, f"smile_4_{number}")
    take(tmp_path, "frown_4_1_(noise)")
    return tmp_path


def planned(folder, **wishes):
    return plan_for(folder, used_takes(folder), PlanWishes(**{"coders": "ann, ben", "seed": 5, **wishes}), AT)


def test_a_plan_shares_the_used_takes():
    assert coders_typed("ann, ben  cat") == ("ann", "ben", "cat")
    with pytest.raises(BadCoderName):
        coders_typed("Ann!")
    with pytest.raises(LabelPlanError):
        coders_typed(" , ")


def test_what_it_comes_to(folder):
    made = planned(folder, share_twice=0.2)
    assert (made.added, made.twice, sum(made.load.values())) == (10, 2, 12)
    assert made.before is None
    assert planned(folder, coders="ann").plan.share_twice == 0


def test_a_plan_that_exists_grows_and_keeps_what_takes_were_labelled_under(folder):
    first = planned(folder, share_twice=0.2)
    keep(folder, first)
    take(folder, "smile_5_1")
    grown = planned(folder, coders="ann, ben, cat", share_twice=1.0, seed=99, blind=False)
    assert (grown.added, grown.plan.seed, grown.plan.blind, grown.before) == (1, 5, True, first.plan)
    assert all(grown.plan.takes[key] == coders for key, coders in first.plan.takes.items())
    assert len(grown.plan.takes["smile_5_1"]) == 2
    with pytest.raises(LabelPlanError):
        planned(folder, coders="ann")
    assert wishes_of(first.plan) == PlanWishes("ann, ben", 0.2, 5, True, False)


def shown(folder, qtbot):
    dialog = PlanDialog(folder)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(dialog.coders.isEnabled, timeout=20_000)
    return dialog


def test_a_plan_is_made_by_typing(folder, qtbot):
    dialog = shown(folder, qtbot)
    assert not dialog.save.isEnabled()
    assert dialog.problem.text().startswith("Type the pseudonyms")
    qtbot.keyClicks(dialog.coders, "ann, ben")
    dialog.share.setValue(50)
    qtbot.waitUntil(dialog.save.isEnabled, timeout=20_000)
    assert "5 takes are labelled by two." in dialog.preview.text()
    with qtbot.waitSignal(dialog.saved, timeout=20_000):
        qtbot.keyClick(dialog.coders, Qt.Key.Key_Return)
    assert read_plan(folder).coders == ("ann", "ben")


def test_what_is_wrong_is_said_and_nothing_is_written(folder, qtbot):
    dialog = shown(folder, qtbot)
    qtbot.keyClicks(dialog.coders, "Ann!")
    qtbot.waitUntil(lambda: "cannot be a coder's name" in dialog.problem.text(), timeout=20_000)
    assert not dialog.save.isEnabled()
    dialog.close()
    assert read_plan(folder) is None


def test_of_a_plan_that_exists_only_coders_and_share_are_asked(folder, qtbot):
    keep(folder, planned(folder, share_twice=0.3))
    dialog = shown(folder, qtbot)
    assert (dialog.coders.text(), dialog.share.value(), dialog.seed.value()) == ("ann, ben", 30, 5)
    assert not dialog.seed.isEnabled()
    assert not dialog.blind.isEnabled()
    qtbot.waitUntil(lambda: "What was planned before stays" in dialog.preview.text(), timeout=20_000)
    dialog.close()


def test_a_number_that_was_just_typed_is_saved_by_one_return(folder, qtbot):
    dialog = shown(folder, qtbot)
    qtbot.keyClicks(dialog.coders, "ann, ben")
    dialog.share.setFocus()
    dialog.share.selectAll()
    qtbot.keyClicks(dialog.share, "40")
    with qtbot.waitSignal(dialog.saved, timeout=20_000):
        qtbot.keyClick(dialog.share, Qt.Key.Key_Return)
    assert sum(len(coders) == 2 for coders in read_plan(folder).takes.values()) == 4


def test_return_saves_nothing_where_there_is_nothing_to_save(folder, qtbot):
    dialog = shown(folder, qtbot)
    qtbot.keyClick(dialog.share, Qt.Key.Key_Return)
    qtbot.keyClicks(dialog.coders, "ann")
    qtbot.waitUntil(dialog.save.isEnabled, timeout=20_000)
    assert read_plan(folder) is None
