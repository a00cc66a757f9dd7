"""The preferences dialog: every change is applied and written at once; keys are remapped and their clashes shown."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QFileDialog, QWidget

from app.settings import Preferences, load_settings
from app.window.keymap import CLASH, KEYS, KeyMap
from app.window.preferences import PreferencesDialog
from app.window.shortcuts import Shortcut, ShortcutTable


@pytest.fixture
def preferences(tmp_path):
    return Preferences(tmp_path / "settings.yaml")


@pytest.fixture
def dialog(qtbot, preferences):
    made = PreferencesDialog(preferences)
    qtbot.addWidget(made)
    made.show()
    return made


def written(preferences):
    settings, warnings = load_settings(preferences.path)
    assert warnings == ()
    return settings


def choose(box, data):
    box.setCurrentIndex(box.findData(data))


@pytest.mark.parametrize("name", ["hands_free", "sounds", "mirror", "keep_practice", "subject_screen"])
def test_a_switch_is_written_at_once_and_told(dialog, preferences, qtbot, name):
    before = getattr(preferences.settings, name)
    with qtbot.waitSignal(dialog.changed):
        dialog.switches[name].setFocus()
        qtbot.keyClick(dialog.switches[name], Qt.Key.Key_Space)
    assert getattr(written(preferences), name) is not before


def test_the_screen_facing_the_subject_is_off_by_default(dialog):
    assert not dialog.switches["subject_screen"].isChecked()


def test_the_colours_are_written_at_once(dialog, preferences, qtbot):
    with qtbot.waitSignal(dialog.changed):
        choose(dialog.scheme, "light")
    assert written(preferences).scheme == "light"


def test_another_language_is_promised_for_the_next_start(dialog, preferences):
    choose(dialog.language, "en")
    assert dialog.language_hint.text() == ""
    dialog.language.addItem("Deutsch", "de")
    choose(dialog.language, "de")
    assert written(preferences).language == "de"
    assert dialog.language_hint.text() == "The window speaks Deutsch at the next start."


def test_a_backup_folder_is_typed_or_taken_back(dialog, preferences, qtbot, tmp_path):
    dialog.backup.setText(f"  {tmp_path} ")
    dialog.backup.setFocus()
    qtbot.keyClick(dialog.backup, Qt.Key.Key_Tab)
    assert written(preferences).backup == str(tmp_path)
    dialog.backup.clear()
    dialog.backup.editingFinished.emit()
    assert written(preferences).backup is None


def test_a_backup_folder_is_chosen_in_a_dialog_that_does_not_wait(dialog, preferences, tmp_path):
    dialog._choose_backup()
    (asked,) = dialog.findChildren(QFileDialog)
    asked.fileSelected.emit(str(tmp_path))
    asked.close()
    assert Path(written(preferences).backup) == tmp_path


def test_preferences_that_cannot_be_written_are_said(qtbot, tmp_path):
    (tmp_path / "file").write_text("")
    dialog = PreferencesDialog(Preferences(tmp_path / "file" / "settings.yaml"))
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.switches["sounds"].toggle()
    assert dialog.problem.isVisible()
    assert "cannot be saved" in dialog.problem.text()


def test_the_tour_is_asked_for(dialog, qtbot):
    with qtbot.waitSignal(dialog.tour_wanted):
        dialog._tour()


@pytest.fixture
def shortcuts():
    table = ShortcutTable()
    table.add(Shortcut("help", "F1", "Show all keys"))
    table.add(Shortcut("start", "Space PgDown", "Start the take", "Record"), Shortcut("redo", "R", "Redo", "After a take"))
    table.add(Shortcut("play", "P", "Play back", "After a take"))
    return table


@pytest.fixture
def keymap(qtbot, shortcuts):
    made = KeyMap({}, shortcuts)
    qtbot.addWidget(made)
    made.show()
    return made


def press(qtbot, keymap, row, key, modifier=Qt.KeyboardModifier.NoModifier):
    keymap.view.setCurrentCell(row, 0)
    qtbot.keyClick(keymap.edit, key, modifier)


def test_keys_are_replaced_by_pressing_others(keymap, qtbot):
    press(qtbot, keymap, 1, Qt.Key.Key_B)
    with qtbot.waitSignal(keymap.changed) as told:
        keymap.replace.click()
    assert told.args == [{"start": "B"}]
    assert keymap.view.item(1, KEYS).text() == "B"


def test_keys_are_added_as_a_clicker_types_them(keymap, qtbot):
    press(qtbot, keymap, 2, Qt.Key.Key_PageUp)
    with qtbot.waitSignal(keymap.changed) as told:
        keymap.add.click()
    assert told.args == [{"redo": "R PgUp"}]


def test_a_clash_in_one_place_is_shown_on_both_sides_and_one_elsewhere_is_none(keymap, qtbot):
    press(qtbot, keymap, 3, Qt.Key.Key_R)
    keymap.replace.click()
    assert keymap.clashes() == {"redo": ["play"], "play": ["redo"]}
    assert keymap.view.item(2, CLASH).text() == "Play back"
    assert not keymap.view.isColumnHidden(CLASH)
    press(qtbot, keymap, 3, Qt.Key.Key_Space)
    keymap.replace.click()
    assert keymap.clashes() == {}
    assert keymap.view.isColumnHidden(CLASH)


def test_a_key_that_holds_everywhere_clashes_with_each_place(keymap, qtbot):
    press(qtbot, keymap, 1, Qt.Key.Key_F1)
    keymap.replace.click()
    assert keymap.clashes() == {"help": ["start"], "start": ["help"]}


def test_one_action_and_all_are_reset(keymap, qtbot):
    for row in (1, 2):
        press(qtbot, keymap, row, Qt.Key.Key_B)
        keymap.replace.click()
    keymap.view.setCurrentCell(1, 0)
    with qtbot.waitSignal(keymap.changed) as told:
        keymap.reset.click()
    assert told.args == [{"redo": "B"}]
    with qtbot.waitSignal(keymap.changed) as told:
        keymap.reset_all.click()
    assert told.args == [{}]
    assert not keymap.reset_all.isEnabled()


def test_an_action_may_have_no_keys(keymap, qtbot):
    keymap.view.setCurrentCell(1, 0)
    with qtbot.waitSignal(keymap.changed) as told:
        keymap.none.click()
    assert told.args == [{"start": ""}]
    assert keymap.view.item(1, KEYS).text() == "none"


def test_actions_that_were_made_follow_new_keys(qtbot, shortcuts):
    widget = QWidget()
    qtbot.addWidget(widget)
    action = shortcuts.action("start", widget, lambda: None)
    shortcuts.remap({"start": "B"})
    assert action.shortcuts() == [QKeySequence("B")]
    assert action.toolTip() == "Start the take (B)"


def test_the_pseudonym_of_a_coder_is_written_and_one_that_cannot_be_a_file_name_is_refused(dialog, preferences, qtbot):
    qtbot.keyClicks(dialog.coder, "coder-2")
    qtbot.keyClick(dialog.coder, Qt.Key.Key_Return)
    assert written(preferences).coder == "coder-2"
    qtbot.waitUntil(lambda: not dialog.isVisible())  # Return closes, and opens no folder
    dialog.show()
    dialog.coder.setText("Not/Fit")
    dialog.coder.editingFinished.emit()
    assert "cannot be a coder's name" in dialog.problem.text()
    assert dialog.problem.isVisible()
    assert written(preferences).coder == "coder-2"
    dialog.coder.clear()
    dialog.coder.editingFinished.emit()
    assert written(preferences).coder is None
    assert not dialog.problem.isVisible()
