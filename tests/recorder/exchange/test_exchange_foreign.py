import csv
import json
import shutil
import subprocess

import pytest
from exchange_helpers import BOOK, FRAME_US, NOW, START_US, TAKES, interval, junk, labelled
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from recorder.exchange import bids, boris, casme2, casme3, eaf, longtable, megc, samm
from recorder.exchange.base import ExchangeError
from recorder.exchange.units import parse_label, parse_units

ALL = (longtable, casme2, samm, casme3, megc, eaf, boris, bids)
FRAME_0 = START_US + 10_000


def frame_us(number):
    return FRAME_0 + (number - 1) * FRAME_US


def table(path, *rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.reader(file))


CASME2 = ("Subject", "Filename", "", "OnsetFrame", "ApexFrame", "OffsetFrame", "", "Action Units", "Estimated Emotion")


def read_casme2(tmp_path, *rows):
    return casme2.read(table(tmp_path / "c.csv", CASME2, *rows), BOOK, "someone", NOW)


def test_frame_numbers_count_from_one_and_become_the_times_of_their_pictures(tmp_path):
    ((one,), report) = read_casme2(tmp_path, ("04", "frown_4_1", "", "31", "34", "40", "", "4", "happiness"))
    (found,) = one.labels.intervals
    assert (found.onset_us, found.apex_us, found.offset_us) == (frame_us(31), frame_us(34), frame_us(40))
    assert (found.movement, found.action_units, found.note) == ("frown", (4,), "emotion: happiness")
    assert (one.take, one.labels.coder, one.labels.created_at) == (TAKES[0], "someone", NOW)
    assert report == ()


def test_an_apex_that_is_a_slash_is_none(tmp_path):
    ((one,), report) = read_casme2(tmp_path, ("4", "frown_4_1", "", "31", "/", "40", "", "4+7", "others"))
    assert one.labels.intervals[0].apex_us is None
    assert one.labels.intervals[0].action_units == (4, 7)
    assert report == ()


@pytest.mark.parametrize(
    ("row", "problem", "kept"),
    [
        (("4", "frown_4_1", "", "31", "50", "40", "", "4", ""), "apex", 1),
        (("4", "frown_4_1", "", "40", "41", "31", "", "4", ""), "onset", 0),
        (("4", "frown_4_1", "", "31", "33", "999", "", "4", ""), "picture 999", 0),
        (("4", "frown_4_1", "", "0", "33", "40", "", "4", ""), "picture 0", 0),
        (("4", "frown_4_1", "", "3x", "33", "40", "", "4", ""), "no number", 0),
        (("4", "frown_9_9", "", "31", "33", "40", "", "4", ""), "no take", 0),
        (("4", "frown_4_1", "", "31", "33", "40", "", "", ""), "neither", 0),
        (("4", "frown_4_1", "", "31", "33", "40", "", "L4+R7?", ""), "side", 1),
        (("4", "frown_4_1", "", "31", "33", "40", "", "2026-04-07", ""), "no action unit", 0),
        (("4", "frown_4_1", "", "/", "/", "40", "", "4", ""), "no onset", 0),
        (("", "spontaneous one", "", "31", "33", "40", "", "4", ""), "no pictures", 0),
    ],
)
def test_a_bad_row_is_told_and_the_others_are_read(tmp_path, row, problem, kept):
    good = ("4", "frown_4_1", "", "61", "62", "63", "", "12", "")
    found, report = read_casme2(tmp_path, row, good)
    assert sum(len(one.labels.intervals) for one in found) == kept + 1
    assert any(problem in finding.problem and finding.place == "row 2" for finding in report)


def test_the_published_samm_table_has_a_legend_above_its_titles_and_is_a_workbook(tmp_path):
    book = Workbook()
    sheet = book.active
    titles = [
        "Subject",
        "Filename",
        "Inducement Code",
        "Onset Frame",
        "Apex Frame",
        "Offset Frame",
        "Duration",
        "Micro",
        "Action Units",
        "Notes",
    ]
    for row in (["SAMM"], [], ["a legend"], titles, [4, "frown_4_1", 1, 31, 29, 40, 10, "1/2", "AU4B + AU7B", "why"]):
        sheet.append(row)
    book.save(tmp_path / "samm.xlsx")
    ((one,), report) = samm.read(tmp_path / "samm.xlsx", BOOK, "someone", NOW)
    (found,) = one.labels.intervals
    assert (found.onset_us, found.apex_us, found.intensity, found.note) == (frame_us(31), None, "B", "why")
    assert [(finding.place, finding.action) for finding in report] == [("row 5", "read without its apex")]


def test_a_table_alone_loses_what_is_finer_than_a_picture(tmp_path):
    casme2.write(tmp_path / "t.csv", [labelled(interval(1000, 1101, 1202.5))], BOOK, canonical=False)
    rows = rows_of(tmp_path / "t.csv")
    assert rows[1] == ["04", "frown_4_1", "31", "34", "37", "4", ""]
    ((one,), _) = casme2.read(tmp_path / "t.csv", BOOK, "coder-1", NOW)
    assert abs(one.labels.intervals[0].onset_us - interval().onset_us) <= FRAME_US / 2


def test_a_table_alone_is_of_one_coder(tmp_path):
    both = [labelled(interval()), labelled(interval(), coder="coder-2")]
    with pytest.raises(ExchangeError, match="coder-1, coder-2"):
        casme2.write(tmp_path / "t.csv", both, BOOK, canonical=False)


def test_a_number_that_somebody_changed_counts_and_is_told(tmp_path):
    samm.write(tmp_path / "t.csv", [labelled(interval())], BOOK)
    rows = rows_of(tmp_path / "t.csv")
    rows[1][3] = "30"
    ((one,), (finding,)) = samm.read(table(tmp_path / "t.csv", *rows), BOOK, "x", NOW)
    (found,) = one.labels.intervals
    assert (found.onset_us, found.apex_us) == (frame_us(30), interval().apex_us)
    assert "from 31 to 30" in finding.problem


def test_megc_tells_micro_from_macro_and_a_foreign_row_is_of_the_movement_of_its_take(tmp_path):
    megc.write(tmp_path / "m.csv", [labelled(interval(), interval(2000, 2500, 3000, id="b"))], BOOK, canonical=False)
    rows = rows_of(tmp_path / "m.csv")
    assert [row[3] for row in rows[1:]] == ["me", "mae"]
    foreign = table(tmp_path / "f.csv", ("vid", "onset", "offset", "type"), ("frown_4_1", 31, 40, "me"))
    ((one,), report) = megc.read(foreign, BOOK, "x", NOW)
    assert one.labels.intervals[0].movement == "frown"
    assert len(report) == 1


@pytest.mark.parametrize("name", ["t.csv", "t.xlsx"])
def test_a_note_that_begins_like_a_formula_is_text(tmp_path, name):
    note = '=HYPERLINK("http://example.org")'
    longtable.write(tmp_path / name, [labelled(interval(note=note))], BOOK)
    if name == "t.csv":
        assert f"'{note[:10]}" in (tmp_path / name).read_text()
    else:
        cells = [cell for row in load_workbook(tmp_path / name).active.iter_rows() for cell in row]
        assert note in [cell.value for cell in cells]
        assert not [cell for cell in cells if cell.data_type == "f"]


def test_times_that_a_spreadsheet_rounded_are_told_and_not_believed(tmp_path):
    rows = (("take", "coder", "movement", "onset_us", "offset_us"), ("frown_4_1", "a", "frown", "1.7E+15", "1.7E+15"))
    ((one,), (finding,)) = longtable.read(table(tmp_path / "t.csv", *rows), BOOK, "x", NOW)
    assert one.labels.intervals == ()
    assert "rounded" in finding.problem


def test_a_table_with_semicolons_in_windows_letters_is_read(tmp_path):
    (tmp_path / "t.csv").write_bytes(
        f"take;coder;movement;onset_us;offset_us;note\nfrown_4_1;a;frown;{START_US};{START_US + 5};gênant".encode("cp1252")
    )
    ((one,), (finding,)) = longtable.read(tmp_path / "t.csv", BOOK, "x", NOW)
    assert one.labels.intervals[0].note == "gênant"
    assert "UTF-8" in finding.problem


def test_landmarks_outside_the_recording_are_kept_and_told(tmp_path):
    longtable.write(tmp_path / "t.csv", [labelled(interval(-5, 1000, 1200))], BOOK)
    ((one,), (finding,)) = longtable.read(tmp_path / "t.csv", BOOK, "x", NOW)
    assert len(one.labels.intervals) == 1
    assert finding.action == "kept"


def test_a_foreign_boris_project_pairs_its_states(tmp_path):
    events = [
        [1.0, "s", "frown", "", ""],
        [1.1, "s", "apex", "", "", "NA"],
        [1.2, "s", "frown", "", "so", 36],
        [3, "s", "smile", "", ""],
    ]
    events += [
        [4, "s", "AU9+4", "", ""],
        [4.5, "s", "AU9+4", "", ""],
        ["x", 1, 2],
        [5, "s", "walks", "", ""],
        [6, "s", "walks", "", ""],
    ]
    project = {
        "observations": {"first": {"file": {"1": ["/home/x/frown_4_1.rgb.mp4"]}, "events": events}, "other": {}, "bad": 3}
    }
    (tmp_path / "p.boris").write_text(json.dumps(project))
    ((one,), report) = boris.read(tmp_path / "p.boris", BOOK, "someone", NOW)
    frown, wrinkle = one.labels.intervals
    assert (frown.movement, frown.onset_us, frown.apex_us) == ("frown", FRAME_0 + 1_000_000, FRAME_0 + 1_100_000)
    assert (wrinkle.action_units, wrinkle.offset_us) == ((9, 4), FRAME_0 + 4_500_000)
    said = " ".join(map(str, report))
    assert all(word in said for word in ("event 7", "'smile' begins and does not end", "'walks'", "'other'", "'bad'"))


def test_a_foreign_events_file_without_sidecar_counts_from_the_first_event(tmp_path):
    path = tmp_path / "sub-04_task-frown_run-01_events.tsv"
    path.write_text("onset\tduration\ttrial_type\n1.5\t0.25\tfrown\nn/a\t1\tfrown\n1e99999999\t1\tfrown\n2\t1\tfixation\n")
    ((one,), report) = bids.read(path, BOOK, "someone", NOW)
    (found,) = one.labels.intervals
    assert (found.onset_us, found.offset_us) == (START_US + 1_500_000, START_US + 1_750_000)
    assert len(report) == 4


def test_bids_files_are_named_and_described_as_the_standard_wants(tmp_path):
    bids.write(tmp_path, [labelled(interval(1000, 1100, 1200.001, note="a\tb"))], BOOK)
    lines = (tmp_path / "sub-4" / "beh" / "sub-4_task-frown_run-1_events.tsv").read_text().splitlines()
    titles, cells = (line.split("\t") for line in lines)
    assert cells[:4] == ["1.000000", "0.200001", "frown", "1.100000"]
    assert "" not in cells
    sidecar = json.loads((tmp_path / "sub-4" / "beh" / "sub-4_task-frown_run-1_events.json").read_text())
    assert set(titles) <= set(sidecar)
    assert json.loads((tmp_path / "dataset_description.json").read_text())["BIDSVersion"]


@pytest.mark.skipif(shutil.which("bids-validator-deno") is None, reason="bids-validator-deno is not installed")
def test_the_validator_of_bids_finds_no_error(tmp_path):
    bids.write(tmp_path, [labelled(interval(), take=take) for take in TAKES], BOOK)
    told = subprocess.run(["bids-validator-deno", tmp_path, "--format", "json"], capture_output=True, timeout=100).stdout
    assert [one for one in json.loads(told)["issues"]["issues"] if one["severity"] == "error"] == []


@pytest.mark.parametrize(
    ("text", "numbers", "intensity", "lost"),
    [
        ("AU12", (12,), None, False),
        ("12C+25", (12, 25), "C", False),
        ("4 + L10?", (4, 10), None, True),
        ("4B+7D", (4, 7), None, True),
        ("/", (), None, False),
        (None, (), None, False),
        ("4+4", (4,), None, False),
        ("lots", (), None, True),
    ],
)
def test_action_units_as_others_write_them(text, numbers, intensity, lost):
    units = parse_units(text)
    assert (units.numbers, units.intensity, bool(units.lost)) == (numbers, intensity, lost)


def test_what_an_annotation_is_called():
    assert parse_label("Nose wrinkle")[0] == "noseWrinkle"
    assert parse_label("smile (AU6+AU12)")[0] == "smile"
    assert parse_label("AU12")[0] == "smile"
    assert parse_label("AU6+12") == (None, parse_units("6+12"))


@pytest.mark.parametrize("module", ALL)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.binary(max_size=200) | junk.map(str.encode) | st.sampled_from([b"{}", b"PK\x03\x04", b"\xff\xfe", b"<a/>", b"[[[["])
)
def test_a_file_of_another_kind_is_one_sentence(module, data, tmp_path_factory):
    path = tmp_path_factory.mktemp("in") / "x.csv"
    path.write_bytes(data)
    with pytest.raises(ExchangeError) as told:
        module.read(path, BOOK, "x", NOW)
    assert str(told.value).endswith(".")


@pytest.mark.parametrize("module", [longtable, casme2, megc])
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(junk | st.sampled_from(["frown_4_1", "31", "40", "4", "/", "true"]), max_size=12), max_size=4))
def test_no_content_of_a_table_is_a_crash(module, rows, tmp_path_factory):
    titles = ["take", "coder", "noise", "onset_us", "offset_us", "Filename", "OnsetFrame", "OffsetFrame", "Action Units", "vid"]
    path = table(tmp_path_factory.mktemp("in") / "x.csv", [*titles, "set_more", "interval_more"], *rows)
    module.read(path, BOOK, "x", NOW)
