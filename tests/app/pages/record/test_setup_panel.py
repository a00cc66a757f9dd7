"""The panel before the session, by keyboard: what it offers, what it says is missing, what it hands on."""

from datetime import date
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from app.pages.record.setup import SetupPanel, make_setup
from app.pages.record.setup_cameras import OTHER
from app.pages.record.setup_cameras_model import CameraPlan, Slot
from app.pages.record.setup_folder import CamerasFound
from app.pages.record.setup_model import SetupModel, consents_of
from app.pages.record.setup_script import ScriptChoice
from app.settings import AppSettings
from app.window.shortcuts import table
from app.window.theme import Scheme, use_scheme
from protocol.subjects import Purpose
from recorder.dataset import Dataset
from recorder.sources.base import Found
from recorder.subject_store import SubjectStore

NOTHING = CamerasFound(hint="Check the cable.")
RIG = CamerasFound((Found("davis:0001", "DAVIS346 0001", ""),), (Found("0", "HD Webcam", "/dev/video0"),))


@pytest.fixture
def panel_of(qtbot):
    made = []

    def make(folder, found=NOTHING, real_folder=None, recent=()):
        panel = SetupPanel(SetupModel(folder, CameraPlan(), ScriptChoice()), recent, real_folder, find=lambda: found)
        qtbot.addWidget(panel)
        made.append(panel)
        panel.resize(1192, 680)
        panel.show()
        qtbot.waitUntil(lambda: panel.model.folder is not None and panel.model.cameras.looked)
        return panel

    yield make
    for panel in made:
        panel.shut()


@pytest.fixture
def real(tmp_path):
    folder = tmp_path / "recordings"
    Dataset.create(folder, "recordings", simulated=False)
    SubjectStore(folder).add(subject=4, consents={Purpose.RECORD: date(2026, 3, 2)}, sex="f", age_band="20-29")
    return folder


def enter(qtbot, widget):
    qtbot.keyClick(widget, Qt.Key.Key_Return)


def test_at_the_first_start_without_a_camera_enter_alone_begins_a_simulated_session(panel_of, qtbot, tmp_path):
    panel = panel_of(tmp_path / "trial")
    assert panel.dataset.simulated.isChecked()
    assert "the simulated rig is used" in panel.cameras.notes[Slot.EVENT].text()
    assert "need no consent" in panel.subject.consent_title.text()
    with qtbot.waitSignal(panel.started) as told:
        enter(qtbot, panel.dataset.path)
    (wishes,) = told.args
    assert wishes.simulated
    assert (wishes.subject, wishes.rig.camera, len(wishes.script.movements)) == (1, "sim", 7)
    assert Dataset(tmp_path / "trial").info.simulated


def test_enter_waits_for_the_folder_that_is_still_being_read(panel_of, qtbot, tmp_path):
    panel = panel_of(tmp_path / "trial")
    panel.use_folder(tmp_path / "other")
    with qtbot.waitSignal(panel.started) as told:
        panel.go_on()
    assert told.args[0].data == tmp_path / "other"


def test_with_a_camera_a_folder_for_real_takes_is_suggested(panel_of, qtbot, tmp_path):
    panel = panel_of(tmp_path / "trial", RIG, real_folder=tmp_path / "recordings")
    qtbot.waitUntil(lambda: panel.model.data == tmp_path / "recordings" and panel.model.folder is not None)
    assert panel.dataset.real.isChecked()
    assert panel.cameras.choices[Slot.EVENT].currentText() == "DAVIS346 0001"


def test_what_is_missing_is_said_beside_its_field_and_has_the_keys(panel_of, qtbot, real):
    panel = panel_of(real, RIG)
    remark = panel.subject.remarks["consent"]
    assert not remark.isVisible()
    enter(qtbot, panel.subject.notes)
    assert "Nobody is recorded without consent" in remark.text()
    box = panel.subject.consents[Purpose.RECORD]
    assert panel.focusWidget() is box
    qtbot.keyClick(box, Qt.Key.Key_Space)
    assert not remark.isVisible()
    with qtbot.waitSignal(panel.started) as told:
        enter(qtbot, box)
    assert told.args[0].record.consents == {Purpose.RECORD: date.today()}


def test_a_missing_camera_is_red_in_a_data_set_of_real_takes(panel_of, qtbot, real):
    panel = panel_of(real)
    note = panel.cameras.notes[Slot.EVENT]
    assert "never uses the simulated one" in note.text()
    choice = panel.cameras.choices[Slot.EVENT]
    assert [choice.itemData(row) for row in range(choice.count())] == ["", OTHER]
    panel.subject.consents[Purpose.RECORD].click()
    enter(qtbot, panel)
    assert panel.focusWidget() is choice


def test_a_camera_is_named_in_words(panel_of, qtbot, real):
    panel = panel_of(real)
    choice, words = panel.cameras.choices[Slot.EVENT], panel.cameras.words[Slot.EVENT]
    choice.setCurrentIndex(choice.findData(OTHER))
    assert words.isVisible()
    qtbot.keyClicks(words, "network:host:7777")
    qtbot.keyClick(words, Qt.Key.Key_Tab)
    assert panel.model.cameras.rig().camera == "network:host:7777"
    assert choice.currentText() == "network:host:7777"


def test_a_known_subject_is_found_by_number_and_what_is_known_is_shown(panel_of, qtbot, real):
    panel = panel_of(real, RIG)
    assert panel.subject.number.value() == 5
    panel.subject.number.setValue(4)
    assert panel.subject.known.currentText() == "4 · 0 takes"
    assert panel.subject.sex.currentText() == "female"
    assert not panel.subject.sex.isEnabled()
    box = panel.subject.consents[Purpose.RECORD]
    assert box.isChecked()
    assert not box.isEnabled()
    assert consents_of(panel.model)[Purpose.SHARE] is None
    with qtbot.waitSignal(panel.started) as told:
        enter(qtbot, panel.subject.number)
    assert told.args[0].subject == 4


def test_who_came_back_brings_sex_age_and_consent(panel_of, qtbot, real):
    panel = panel_of(real, RIG)
    panel.subject.person.setCurrentIndex(1)
    assert panel.subject.person.currentText() == "Yes, as subject 4"
    assert panel.subject.age.currentText() == "20-29"
    assert panel.subject.consents[Purpose.RECORD].isChecked()
    with qtbot.waitSignal(panel.started) as told:
        enter(qtbot, panel.subject.person)
    assert (told.args[0].subject, told.args[0].record.person) == (5, 4)


def test_a_withdrawn_subject_is_refused(panel_of, qtbot, real):
    SubjectStore(real).withdraw(4, date(2026, 4, 1))
    panel = panel_of(real, RIG)
    panel.subject.number.setValue(4)
    assert "withdrew the consent on 2026-04-01" in panel.subject.remarks["subject"].text()
    assert "withdrawn" in panel.subject.known.currentText()


def test_an_interrupted_session_of_today_is_offered_and_gone_on_with(panel_of, qtbot, tmp_path):
    first = panel_of(tmp_path / "trial")
    first.session.repetitions.setValue(1)
    first.session.boxes["blink"].click()
    with qtbot.waitSignal(first.started) as begun:
        first.go_on()
    second = panel_of(tmp_path / "trial")
    assert second.session.session.currentText() == f"Go on: subject 1, {date.today()}, 0 of 6 done"
    assert not second.session.boxes["smile"].isEnabled()
    assert "blink" not in second.session.boxes
    with qtbot.waitSignal(second.started) as told:
        enter(qtbot, second.session.session)
    assert told.args[0].resumed
    assert told.args[0].session == begun.args[0].session


def test_after_a_session_the_next_free_subject_is_offered(panel_of, qtbot, tmp_path):
    panel = panel_of(tmp_path / "trial")
    panel.subject.notes.setText("tired")
    panel.subject.notes.textEdited.emit("tired")
    with qtbot.waitSignal(panel.started):
        panel.go_on()
    panel.refresh_folder()
    qtbot.waitUntil(lambda: panel.model.folder is not None)
    assert panel.subject.number.value() == 2
    assert panel.subject.notes.text() == ""
    assert panel.session.session.currentText() == "New session"


def test_looking_again_keeps_what_was_entered(panel_of, qtbot, real):
    panel = panel_of(real, RIG)
    panel.subject.number.setValue(9)
    panel.subject.notes.setText("tired")
    panel.subject.notes.textEdited.emit("tired")
    panel.look_again()
    qtbot.waitUntil(lambda: panel.model.folder is not None)
    assert (panel.subject.number.value(), panel.subject.notes.text()) == (9, "tired")


def test_a_folder_of_something_else_is_refused_and_another_one_typed(panel_of, qtbot, tmp_path, real):
    (tmp_path / "thesis.docx").write_text("")
    panel = panel_of(tmp_path)
    assert "is no data set" in panel.dataset.remarks["data"].text()
    panel.go_on()
    assert panel.go.isEnabled()
    with qtbot.waitSignal(panel.folder_used) as told:
        panel.dataset.path.setFocus()
        panel.dataset.path.lineEdit().selectAll()
        qtbot.keyClicks(panel.dataset.path.lineEdit(), str(real))
        qtbot.keyClick(panel.dataset.path.lineEdit(), Qt.Key.Key_Tab)
    assert told.args == [real]
    assert panel.dataset.state.text() == "For real takes, of people. 0 takes, 1 subject."


def test_a_folder_is_chosen_in_a_dialog_that_does_not_wait(panel_of, qtbot, tmp_path, real):
    panel = panel_of(tmp_path / "trial")
    panel.dataset.ask.click()
    (asked,) = panel.dataset.findChildren(QFileDialog)
    with qtbot.waitSignal(panel.folder_used):
        asked.fileSelected.emit(str(real))
    asked.close()
    assert panel.dataset.path.currentText() == str(real)


def test_a_disk_that_refuses_is_said_and_nothing_begins(panel_of, qtbot, tmp_path):
    (tmp_path / "file").write_text("")
    panel = panel_of(tmp_path / "file" / "trial")
    panel.go_on()
    qtbot.waitUntil(lambda: panel.go.isEnabled())
    assert "cannot be" in panel.summary.text() or "cannot be" in panel.dataset.remarks["data"].text()


def test_the_spontaneous_script_asks_for_no_movement(panel_of, qtbot, tmp_path):
    panel = panel_of(tmp_path / "trial")
    panel.session.script.setCurrentIndex(1)
    assert panel.session.boxes == {}
    assert panel.session.extent.text().startswith("1 take, stopped by hand")


def test_a_script_file_that_cannot_be_used_is_said_beside_it(panel_of, qtbot, tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("format: something\n")
    panel = panel_of(tmp_path / "trial")
    panel.session.script.setCurrentIndex(2)
    (asked,) = panel.session.findChildren(QFileDialog)
    asked.fileSelected.emit(str(path))
    asked.close()
    assert "no Glimpse script" in panel.session.remarks["script"].text()
    assert panel.session.script.currentText() == "own.yaml"


def test_the_panel_fits_into_the_smallest_window(panel_of, qtbot, real):
    panel = panel_of(real)
    panel.go_on()
    for card in (panel.dataset, panel.cameras, panel.subject, panel.session):
        assert card.width() >= card.minimumSizeHint().width()
        assert card.mapTo(panel, card.rect().bottomRight()).x() <= panel.width()


def test_the_panel_is_made_as_the_preferences_say(qtbot, tmp_path):
    settings = AppSettings(data=str(tmp_path / "mine"), camera="sim:7", language="fr")
    panel = make_setup(settings, tmp_path)
    qtbot.addWidget(panel)
    assert panel.model.data == tmp_path / "mine"
    assert panel.model.script.language == "fr"
    assert panel.model.cameras.rig().camera == "sim:7"
    panel.shut()
    other = make_setup(AppSettings(language="en"), tmp_path, data=Path(tmp_path / "told"))
    qtbot.addWidget(other)
    assert other.model.data == tmp_path / "told"
    other.shut()


def test_what_was_picked_by_hand_is_remembered_and_the_simulator_is_not(panel_of, qtbot, real):
    panel = panel_of(real, RIG)
    assert panel.remembered() == {"script": None}
    choice = panel.cameras.choices[Slot.RGB]
    choice.setCurrentIndex(choice.findData("none"))
    assert panel.remembered() == {"script": None, "rgb": "none"}


def test_a_folder_that_is_typed_and_entered_is_the_one_that_is_used(panel_of, qtbot, tmp_path):
    panel = panel_of(tmp_path / "trial")
    field = panel.dataset.path.lineEdit()
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, str(tmp_path / "typed"))
    with qtbot.waitSignal(panel.started) as told:
        qtbot.keyClick(field, Qt.Key.Key_Enter, Qt.KeyboardModifier.KeypadModifier)
    assert told.args[0].data == tmp_path / "typed"


def test_the_key_that_goes_on_may_be_another_one(panel_of, qtbot, tmp_path):
    panel = panel_of(tmp_path / "trial")
    table.remap({"setup.go_on": "Ctrl+Return"})
    try:
        enter(qtbot, panel)
        assert panel.go.isEnabled()
        with qtbot.waitSignal(panel.started):
            qtbot.keyClick(panel, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    finally:
        table.remap({})


def test_the_icons_of_the_panel_follow_the_theme(panel_of, tmp_path):
    panel = panel_of(tmp_path / "trial")

    def drawn():
        return [button.icon().pixmap(24, 24).toImage() for button in (panel.go, panel.dataset.ask)]

    dark = drawn()
    use_scheme(Scheme.LIGHT)
    assert all(before != after for before, after in zip(dark, drawn(), strict=True))


def test_names_that_are_too_long_end_in_an_ellipsis_and_are_whole_in_the_tooltip(panel_of, tmp_path):
    folder = tmp_path / "a folder with a name that nobody can read in so little room as there is in this panel" / "and another"
    name = "DAVIS346 of the laboratory on the second floor, with the long lens and the serial number"
    panel = panel_of(folder, CamerasFound((Found("davis:0001", name, ""),), ()))
    panel.dataset.real.setChecked(True)
    panel.grab()
    choice = panel.cameras.choices[Slot.EVENT]
    assert choice.shown_text().endswith("\N{HORIZONTAL ELLIPSIS}")
    assert choice.toolTip() == choice.currentText() == name
    panel.go.setFocus()
    line = panel.dataset.path.lineEdit()
    assert "\N{HORIZONTAL ELLIPSIS}" in line.shown_text()
    assert line.text() == panel.dataset.path.toolTip() == str(folder)
