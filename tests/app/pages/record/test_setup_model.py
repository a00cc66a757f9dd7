"""What is agreed before a session, without a window: what may be recorded, what is missing, what is then on disk."""

import json
from datetime import date

import pytest

from app.pages.record.setup_cameras_model import CameraPlan, Slot
from app.pages.record.setup_folder import CamerasFound, FolderKind, find_cameras, look_at
from app.pages.record.setup_model import CAMERA, CONSENT, DATA, MOVEMENTS, RGB, SUBJECT, THERMAL, SetupError, SetupModel
from app.pages.record.setup_script import ScriptChoice
from protocol.subjects import Purpose
from recorder.dataset import Dataset
from recorder.sessionstore import SubjectFolder
from recorder.sources.base import Found
from recorder.sources.discovery import Discovery
from recorder.subject_store import SubjectStore

TODAY = date(2026, 3, 2)
DAVIS = Found("davis:0001", "DAVIS346 0001", "USB bus 1")
WEBCAM, LEPTON = Found("0", "HD Webcam", "/dev/video0"), Found("2", "PureThermal (FLIR Lepton)", "/dev/video2")
RIG = CamerasFound((DAVIS,), (WEBCAM, LEPTON))
NOTHING = CamerasFound(hint="No event camera was found; check the cable.")


def model_of(folder, found=NOTHING, **wished):
    model = SetupModel(folder, CameraPlan(**wished), ScriptChoice(), today=lambda: TODAY)
    model.use_found(found)
    model.use_folder(look_at(folder))
    return model


@pytest.fixture
def real(tmp_path):
    folder = tmp_path / "recordings"
    Dataset.create(folder, "recordings", simulated=False)
    return folder


@pytest.fixture
def trial(tmp_path):
    folder = tmp_path / "trial"
    Dataset.create(folder, "trial", simulated=True)
    return folder


# Folders


def test_a_folder_that_is_missing_or_empty_may_become_a_data_set(tmp_path):
    (tmp_path / "empty").mkdir()
    assert look_at(tmp_path / "empty").kind is FolderKind.NEW
    assert look_at(tmp_path / "missing").kind is FolderKind.NEW


def test_a_folder_of_something_else_is_refused_with_the_way_out(tmp_path):
    (tmp_path / "thesis.docx").write_text("")
    found = look_at(tmp_path)
    assert found.kind is FolderKind.REFUSED
    assert found.problem.endswith("holds other files and is no data set; choose an empty folder or a data set.")
    assert model_of(tmp_path).problems() == {DATA: found.problem}


def test_a_file_and_a_damaged_data_set_are_refused(tmp_path, real):
    (tmp_path / "file").write_text("")
    assert look_at(tmp_path / "file").problem.endswith("is a file; choose a folder.")
    (real / "dataset.json").write_text("{")
    assert look_at(real).kind is FolderKind.REFUSED


def test_takes_from_elsewhere_are_a_data_set_of_real_takes(tmp_path):
    (tmp_path / "4").mkdir()
    (tmp_path / "4" / "frown_4_1.aedat4").write_bytes(b"")
    found = look_at(tmp_path)
    assert (found.kind, found.simulated, found.takes, found.next_subject) == (FolderKind.DATASET, False, 1, 5)


def test_subjects_are_listed_with_takes_and_last_day(real):
    SubjectStore(real).add(consents={Purpose.RECORD: TODAY}, subject=2)
    (real / "1").mkdir()
    (real / "1" / "frown_1_1.aedat4").write_bytes(b"")
    one, two = look_at(real).subjects
    assert (one.subject, one.takes, one.record) == (1, 1, None)
    assert one.last is not None
    assert (two.subject, two.takes, two.last) == (2, 0, None)


# Cameras


def test_without_a_camera_a_new_data_set_is_for_simulated_takes_and_it_is_said(tmp_path):
    model = model_of(tmp_path / "new")
    assert model.simulated
    assert model.cameras.rig().camera == "sim"
    assert (model.cameras.rig().rgb, model.cameras.rig().thermal) == ("sim", "sim")
    assert model.cameras.note(Slot.EVENT).text.startswith("No event camera is connected: the simulated rig is used")


def test_with_a_camera_a_new_data_set_is_for_real_takes(tmp_path):
    model = model_of(tmp_path / "new", RIG)
    assert not model.simulated
    assert (model.cameras.rig().camera, model.cameras.rig().rgb, model.cameras.rig().thermal) == ("davis:0001", "0", "2")
    model.use_new_kind(True)
    assert model.cameras.rig().camera == "sim"


def test_a_data_set_of_real_takes_never_falls_back_to_the_simulator(real):
    model = model_of(real, camera="sim", rgb="sim")
    problem = model.problems()[CAMERA]
    assert problem.startswith("No event camera is connected, and a data set of real takes never uses the simulated one.")
    assert "check the cable" in problem
    assert model.cameras.note(Slot.EVENT).state == "redo"
    assert model.cameras.spec(Slot.RGB) == "none"
    assert "sim" not in [option.spec for slot in Slot for option in model.cameras.options(slot)]
    model.cameras.choose(Slot.EVENT, "sim")
    assert "never uses a simulated camera" in model.problems()[CAMERA]
    model.cameras.choose(Slot.EVENT, "davis")
    model.cameras.choose(Slot.RGB, "sim")
    assert "never uses a simulated camera" in model.problems()[RGB]


def test_a_camera_that_is_there_is_not_used_for_a_simulated_data_set_and_that_is_said(trial):
    model = model_of(trial, RIG, camera="davis")
    assert model.cameras.rig().camera == "sim"
    assert model.cameras.note(Slot.EVENT).text.startswith("DAVIS346 0001 is connected, but this data set is for simulated")
    model.cameras.choose(Slot.EVENT, "davis")
    assert "simulated takes" in model.problems()[CAMERA]


def test_cameras_of_the_command_line_go_first(real):
    model = model_of(real, RIG, camera="network:host:7777", rgb="rtsp://host/1", thermal="none")
    rig = model.cameras.rig()
    assert (rig.camera, rig.rgb, rig.thermal) == ("network:host:7777", "rtsp://host/1", "none")
    assert "network:host:7777" in [option.spec for option in model.cameras.options(Slot.EVENT)]


def test_words_that_mean_no_camera_and_one_camera_used_twice_are_problems(real):
    model = model_of(real, RIG)
    model.cameras.choose(Slot.EVENT, "take.aedat4")
    assert "replay:take.aedat4" in model.problems()[CAMERA]
    model.cameras.choose(Slot.EVENT, "davis")
    model.cameras.choose(Slot.RGB, "2")
    assert "used for colour already" in model.problems()[THERMAL]


def test_looking_for_cameras_asks_both_kinds():
    found = find_cameras(lambda: Discovery((DAVIS,)), lambda: (WEBCAM, LEPTON))
    assert found.event == (DAVIS,)
    assert found.of_colour() == (WEBCAM,)
    assert found.of_warmth() == (LEPTON,)


# Consent


def test_nobody_is_recorded_without_consent(real):
    model = model_of(real, RIG)
    assert model.problems() == {
        CONSENT: "Nobody is recorded without consent: have the form signed, then tick “Record”."
    }  # fmt: skip
    model.subject.consents = frozenset({Purpose.SHARE})
    assert CONSENT in model.problems()
    with pytest.raises(SetupError) as refused:
        model.start()
    assert refused.value.field == CONSENT
    model.subject.consents = frozenset({Purpose.RECORD})
    assert model.problems() == {}


def test_a_consent_of_tomorrow_is_none(real):
    model = model_of(real, RIG)
    model.subject.consents, model.subject.day = frozenset({Purpose.RECORD}), date(2026, 3, 3)
    assert "in the future" in model.problems()[CONSENT]


def test_a_simulated_data_set_needs_no_consent_unless_a_webcam_sees_somebody(trial):
    model = model_of(trial)
    assert not model.needs_consent
    assert model.problems() == {}
    model.cameras.choose(Slot.EVENT, "webcam:0")
    assert CONSENT in model.problems()


def test_who_withdrew_is_refused_under_that_number_and_under_any_other(real):
    store = SubjectStore(real)
    store.add(subject=4, person=2, consents={Purpose.RECORD: TODAY})
    store.withdraw(4, TODAY)
    model = model_of(real, RIG)
    model.use_subject(4)
    assert model.problems()[SUBJECT].startswith("Subject 4 withdrew the consent on 2026-03-02")
    model.use_subject(5)
    model.subject.consents = frozenset({Purpose.RECORD})
    assert model.problems() == {}
    (model.subject.person,) = model.persons()
    assert model.problems()[SUBJECT].startswith("Subject 4 withdrew")


# The start


def test_a_new_data_set_subject_and_session_are_on_disk_when_it_starts(tmp_path):
    model = model_of(tmp_path / "new" / "recordings", RIG)
    model.subject.consents, model.subject.form_version = frozenset({Purpose.RECORD, Purpose.SHARE}), "2"
    model.subject.sex, model.subject.age_band, model.subject.glasses = "f", "20-29", True
    model.subject.notes = " tired "
    model.script.toggle("blink", False)
    model.script.repetitions = 2
    model.script.use_language("fr")
    wishes = model.start()
    assert not Dataset(wishes.data).info.simulated
    row = SubjectStore(wishes.data).get(1)
    assert row == wishes.record
    assert row.consents == {Purpose.RECORD: TODAY, Purpose.SHARE: TODAY}
    assert (row.person, row.sex, row.age_band, row.form_version) == (1, "f", "20-29", "2")
    assert SubjectFolder(wishes.data, 1).load("2026-03-02") == wishes.session
    assert (wishes.subject, wishes.language, wishes.resumed) == (1, "fr", False)
    assert (wishes.person.session, wishes.person.glasses, wishes.person.notes) == ("2026-03-02", True, "tired")
    assert wishes.script.movements == ("smile", "frown", "contractJaw", "noseWrinkle", "openMouth", "upperLidRaiser")
    assert wishes.script.repetitions == 2
    assert wishes.session.order_seed is not None
    assert wishes.rig.camera == "davis:0001"


def test_nothing_is_written_where_something_is_missing(tmp_path):
    model = model_of(tmp_path / "new", RIG)
    with pytest.raises(SetupError):
        model.start()
    assert not (tmp_path / "new").exists()


def test_a_simulated_subject_of_whom_nothing_is_told_has_no_row(trial):
    wishes = model_of(trial).start()
    assert wishes.simulated
    assert wishes.record is None
    assert SubjectStore(trial).records() == ()


def test_who_comes_back_is_the_same_person_under_another_number(real):
    SubjectStore(real).add(subject=4, consents={Purpose.RECORD: date(2026, 1, 1)}, sex="m", form_version="1")
    model = model_of(real, RIG)
    assert model.subject.number == 5
    (model.subject.person,) = model.persons()
    assert model.problems() == {}  # the consent of January holds
    wishes = model.start()
    assert wishes.record.person == 4
    assert wishes.record.consents == {Purpose.RECORD: date(2026, 1, 1)}
    assert SubjectStore(real).get(4).person == 4
    later = model_of(real, RIG)
    assert [(one.person, one.subjects) for one in later.persons()] == [(4, (4, 5))]


def test_a_new_person_never_gets_the_number_of_another(real):
    SubjectStore(real).add(subject=1, person=2, consents={Purpose.RECORD: TODAY})
    model = model_of(real, RIG)
    model.subject.consents = frozenset({Purpose.RECORD})
    assert model.subject.number == 2
    assert model.start().record.person == 3


def test_consent_is_added_to_a_known_subject(real):
    SubjectStore(real).add(subject=4, consents={Purpose.SHARE: date(2026, 1, 1)})
    model = model_of(real, RIG)
    model.use_subject(4)
    assert CONSENT in model.problems()
    model.subject.consents = frozenset({Purpose.RECORD, Purpose.SHARE})
    assert model.start().record.consents == {Purpose.RECORD: TODAY, Purpose.SHARE: date(2026, 1, 1)}


def test_an_interrupted_session_is_found_and_gone_on_with(trial):
    first = model_of(trial)
    first.script.repetitions = 1
    begun = first.start()
    model = model_of(trial)
    (session,) = model.folder.sessions
    assert (session.subject, session.label, session.filled, session.total) == (1, "2026-03-02", 0, 7)
    model.use_session(session)
    model.script.use_file(trial / "missing.yaml")  # what is chosen for a new session does not matter
    wishes = model.start()
    assert wishes.resumed
    assert wishes.session == begun.session


def test_a_second_session_of_the_day_has_a_label_of_its_own(trial):
    model_of(trial).start()
    second = model_of(trial)
    second.use_subject(1)
    assert second.start().session.label == "2026-03-02-b"


# The script


def test_a_script_that_cannot_be_used_is_said(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("format: something\n")
    choice = ScriptChoice(path)
    assert "no Glimpse script" in choice.problem
    choice.use_shipped("spontaneous")
    assert choice.problem == ""
    assert not choice.asks_for_movements


def test_at_least_one_movement_is_asked_for_and_their_order_is_the_scripts(trial):
    model = model_of(trial)
    for token in model.script.movements:
        model.script.toggle(token, False)
    assert model.problems() == {MOVEMENTS: "Choose at least one movement."}
    for token in ("frown", "smile"):
        model.script.toggle(token, True)
    assert model.script.movements == ("smile", "frown")


def test_takes_and_minutes_are_counted():
    choice = ScriptChoice()
    extent = choice.extent()
    assert extent.takes == 35
    assert extent.minutes == pytest.approx(35 * 30 / 60)
    choice.use_shipped("spontaneous")
    assert choice.extent().takes == 1


def test_the_prompts_speak_the_wanted_language_where_the_script_has_it(tmp_path):
    choice = ScriptChoice(language="fr")
    assert choice.language == "fr"
    choice.use_language("de")
    assert choice.language == "en"


def test_the_wishes_of_a_session_are_json_on_disk(trial):
    model_of(trial).start()
    assert json.loads((trial / "1" / "2026-03-02.session.json").read_text())["subject"] == 1
