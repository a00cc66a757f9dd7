import base64
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest
from takekit import SHORT_SCRIPT, T0_US, make_take, some_events

from app.main import main
from app.report import ReportError, session_report
from app.reportpicture import AROUND_US, Instants, accumulated, rate
from protocol.analysis import (
    ClockAlignment,
    Measure,
    OnsetRecord,
    QualityRecord,
    Suggestion,
    SyncRecord,
    SyncStatus,
    Verdict,
)
from protocol.manifest import Device, Person, TakeStatus
from protocol.script import parse_script
from protocol.session import Session
from recorder.analysisstore import update_analysis
from recorder.dataset import Dataset
from recorder.sessionstore import create_session
from recorder.takeactions import have_redone, keep_as_noise
from recorder.verify import verify_folders, verify_records

LABEL = "2026-11-21"
SCRIPT = parse_script(SHORT_SCRIPT.replace("repetitions: 1", "repetitions: 5"), "short")
DAVIS = Device(kind="davis", name="DAVIS<346>", serial="00000123", spec="davis", settings={"biases": {"On": [5, 200]}})
MOVEMENT = Suggestion(onset_us=T0_US + 90_000, apex_us=T0_US + 120_000, offset_us=T0_US + 160_000, confidence=0.9)


class Page(HTMLParser):
    """What a reader and a browser find: the text, the pictures, and whatever would be fetched from elsewhere."""

    def __init__(self, html):
        super().__init__()
        self.words, self.pictures, self.fetched = [], [], []
        self.feed(html)
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == "src" and value.startswith("data:image/png;base64,"):
                self.pictures.append(base64.b64decode(value.split(",", 1)[1], validate=True))
            elif name in ("src", "href"):
                self.fetched.append(value)

    def handle_data(self, data):
        self.words.append(data)


def record(folder, stem, repetition, **more):
    values = {
        "events": some_events(300),
        "person": Person(subject=4, session=LABEL, glasses=True),
        "repetition": repetition,
        "script": SCRIPT.model_dump(mode="json"),
        "devices": (DAVIS,),
        "cue_us": T0_US + 50_000,
        "software": {"glimpse": "0.1.0"},
    }
    return make_take(folder / "4", stem, **{**values, **more})


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = Dataset.create(tmp_path_factory.mktemp("report") / "data", "trial", simulated=False).path
    session = Session(
        subject=4,
        label=LABEL,
        script=SCRIPT.model_dump(mode="json"),
        glasses=True,
        notes="<b>lamp</b> & chair",
        started_at=datetime(2026, 11, 21, 9, tzinfo=UTC),
    )
    create_session(folder, session)
    measure = Measure(name="event_rate", value=123456.0, unit="events/s")
    check = {"level": "amber", "confirmed": False, "checks": [], "deviations": ["The bias On is <5/190>."]}
    path = record(folder, "smile_4_1", 1, rig_check=check)
    quality = QualityRecord(verdict=Verdict.CHECK, reasons=("Two blinks < a second.",), measures=(measure,))
    sync = SyncRecord(rgb=ClockAlignment(status=SyncStatus.PAPER, offset_us=-1500, uncertainty_us=250))
    update_analysis(path, {"quality": quality, "onset": OnsetRecord(intervals=(MOVEMENT,)), "sync": sync})
    have_redone(record(folder, "smile_4_2", 2))
    keep_as_noise(record(folder, "smile_4_3", 3))
    record(folder, "smile_4_4", 4, status=TakeStatus.PARTIAL, finish_message="The camera was unplugged.")
    record(folder, "smile_4_5", 4, practice=True, events=some_events(0))
    return folder, session


@pytest.fixture(scope="module")
def page(data, tmp_path_factory):
    html = session_report(*data, tmp_path_factory.mktemp("out") / "report.html").read_text()
    return Page(html)


def test_the_page_holds_everything_it_needs(page):
    assert page.fetched == []
    assert len(page.pictures) == 4  # one take has no events
    for picture in page.pictures:
        image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
        assert image is not None
        assert image.shape[1] > 600
        assert len(picture) < 60_000


def test_it_tells_who_when_and_how_and_never_as_markup(page):
    for words in ("Subject 4, session 2026-11-21", "2026-11-21 09:00", "short", "worn", "<b>lamp</b> & chair"):
        assert words in page.text
    assert "DAVIS<346> (davis)" in page.text
    assert "number 00000123" in page.text
    assert "On 5/200" in page.text
    assert "Recorded with Glimpse 0.1.0" in page.text


def test_the_plan_shows_what_became_of_every_place(page):
    grid = page.text[page.text.index("Plan") : page.text.index("Deviations")]
    assert re.findall(r"[▲✖≈!○] ([a-z ]+?) (?=take|[▲✖≈!○]|$)", grid) == ["check", "redo", "noise", "not whole", "to do"]
    assert "1 of 5 recorded by 4 takes, 1 for practice" in grid


def test_each_take_has_its_verdict_reasons_and_numbers(page):
    takes = page.text[page.text.index("Takes") :]
    first = takes[: takes.index("smile_4_2")]
    for words in (
        "▲ check",
        "Two blinks < a second.",
        "event rate 123,456 events/s",
        "Colour clock paper: -1.50 ms ± 0.25 ms",
        "70 ms long, 0.04 s after the cue",
    ):
        assert words in first
    assert "marked as redone" in takes
    assert "marked as noise" in takes
    assert "The camera was unplugged." in takes
    assert "practice" in takes
    assert "There are no events to show." in takes


def test_deviations_name_the_takes_they_are_true_of(page):
    assert "The bias On is <5/190>. smile_4_1" in page.text


def test_the_report_lies_beside_the_session_and_is_no_stranger(data):
    folder, session = data
    path = session_report(folder, session)
    try:
        assert path == folder / "4" / f"{LABEL}.report.html"
        dataset = Dataset(folder)
        assert [*verify_folders(dataset, dataset.takes()), *verify_records(dataset)] == []
    finally:
        path.unlink()


def test_a_take_that_cannot_be_read_is_in_the_report_with_the_reason(data, tmp_path):
    folder, session = tmp_path / "data", data[1]
    Dataset.create(folder, "trial", simulated=True)
    path = record(folder, "smile_4_1", 1)
    path.write_bytes(b"nothing")
    path.with_name("smile_4_1.analysis.json").write_text("{")
    page = Page(session_report(folder, session, tmp_path / "r.html").read_text())
    assert page.pictures == []
    assert "smile_4_1.analysis.json" in page.text
    assert "smile_4_1.aedat4" in page.text


def test_a_session_without_a_take_has_a_report_and_a_bad_place_is_told(data, tmp_path):
    session = data[1]
    (tmp_path / "in the way").write_text("")
    assert "None." in Page(session_report(tmp_path, session, tmp_path / "r.html").read_text()).text
    with pytest.raises(ReportError, match="cannot be written"):
        session_report(tmp_path, session, tmp_path / "in the way" / "r.html")


def test_the_command_reports_the_last_session_and_replaces_nothing_unasked(data, tmp_path, capsys):
    words = ["report", str(data[0]), "--subject", "4", "--out", str(tmp_path / "r.html")]
    assert main(words) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'r.html'}\n"
    assert main(words) == 2
    assert "--force" in capsys.readouterr().err
    assert main([*words, "--force", "--session", LABEL]) == 0
    assert main([*words[:3], "4", "--out", str(data[0] / "4" / "smile_4_1.aedat4"), "--force"]) == 2
    assert main([*words[:3], "9"]) == 2
    assert "no session of subject 9" in capsys.readouterr().err


def test_more_on_events_are_orange_more_off_blue_and_the_rest_white():
    events = some_events(3)
    events["x"], events["y"], events["p"] = [1, 2, 99], [0, 1, 0], [1, 0, 1]
    image = accumulated(events, (4, 3))
    assert image.shape == (3, 4, 3)
    assert image[0, 1].tolist() == [213, 94, 0]
    assert image[1, 2].tolist() == [0, 114, 178]
    assert (image.reshape(-1, 3) == 255).all(axis=1).sum() == 10


def test_the_curve_counts_every_event():
    events = some_events(1000)
    times, rates = rate(events)
    assert rates.sum() * (times[1] - times[0]) / 1e6 == pytest.approx(1000)
    assert len(rate(some_events(0))[0]) == 0


def test_the_picture_is_of_the_movement_or_else_of_what_follows_the_cue():
    events = some_events(101)
    assert Instants(0, movement=MOVEMENT, cue_us=5).centre_us(events) == MOVEMENT.apex_us
    assert Instants(0, cue_us=5).centre_us(events) == 500_005
    assert Instants(0).centre_us(events) == events["t"][50]
    assert Instants(7).centre_us(some_events(0)) == 7
    assert AROUND_US > 0
