import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from takekit import FRAME_US, T0_US, make_take, some_events, write_events

from protocol.manifest import TakeStatus
from protocol.streams import EVENT_DTYPE
from recorder.dataset import TakeEntry
from recorder.inspection import SILENCE_US, EventScan, GapReport, frame_gaps, inspect_take


def report_of(path):
    return inspect_take(TakeEntry.at(path))


def timed(*times_us):
    events = np.zeros(len(times_us), EVENT_DTYPE)
    events["t"] = times_us
    return events


def test_a_whole_take_is_reported_without_a_problem(tmp_path):
    report = report_of(make_take(tmp_path, videos=True))
    events = report.streams["events"]
    assert report.problems == ()
    assert (report.movement, report.subject, report.number, report.status) == ("frown", 4, 1, "complete")
    assert (events.count, events.first_us, events.last_us, events.resolution) == (1000, T0_US, T0_US + 199_999, (32, 24))
    assert events.on_share == some_events()["p"].mean()
    assert events.mean_per_s == pytest.approx(999 / 0.199999)
    assert [report.streams[name].count for name in ("frames", "imu", "triggers", "rgb", "thermal")] == [3, 20, 2, 5, 4]
    assert report.streams["rgb"].mean_per_s == pytest.approx(30, rel=1e-3)


def test_the_json_has_all_six_streams_even_where_there_is_nothing(tmp_path):
    document = report_of(write_events(tmp_path / "a.aedat4", some_events(3))).to_json()
    assert set(document["streams"]) == {"events", "frames", "imu", "triggers", "rgb", "thermal"}
    assert document["streams"]["thermal"]["count"] == 0
    assert document["streams"]["thermal"]["first_us"] is None


@given(st.lists(st.integers(0, 3_000_000), min_size=1, max_size=40).map(sorted), st.integers(1, 40))
def test_packets_do_not_change_what_is_found_in_the_events(times_us, size):
    whole, pieces = EventScan((346, 260)), EventScan((346, 260))
    whole.add(timed(*times_us))
    for start in range(0, len(times_us), size):
        pieces.add(timed(*times_us[start : start + size]))
    assert whole == pieces
    assert whole.gaps == [GapReport(a, b) for a, b in itertools.pairwise(times_us) if b - a > SILENCE_US]
    windows = [t // 10_000 for t in times_us]
    assert whole.peak == max(windows.count(window) for window in windows)


def test_events_outside_the_pixels_are_counted(tmp_path):
    events = some_events(50)
    events["x"][:3], events["y"][3:5] = 32, -1
    report = report_of(write_events(tmp_path / "a.aedat4", events))
    assert report.streams["events"].outside == 5
    assert "5 events lie outside the 32 x 24 pixels" in report.problems


def test_events_out_of_order_are_counted():
    scan = EventScan(None)
    scan.add(timed(5, 3, 4, 1))
    assert scan.backwards == 2


def test_a_silence_in_the_events_is_a_gap(tmp_path):
    events = timed(T0_US, T0_US + 10, T0_US + 300_000)
    report = report_of(write_events(tmp_path / "a.aedat4", events))
    assert report.streams["events"].gaps == (GapReport(T0_US + 10, T0_US + 300_000),)


def test_a_lost_picture_is_a_gap_with_the_number_that_is_missing():
    times_us = np.array([0, 1, 2, 3, 6, 7, 8]) * FRAME_US
    assert frame_gaps(times_us) == (GapReport(3 * FRAME_US, 6 * FRAME_US, 2),)
    assert frame_gaps(times_us[:2]) == ()
    assert frame_gaps(np.zeros(5, np.int64)) == ()


def test_a_truncated_file_is_reported_with_what_can_be_read(tmp_path):
    path = write_events(tmp_path / "a.aedat4", some_events(1000))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    report = report_of(path)
    assert report.readable
    assert 0 < report.streams["events"].count < 1000
    assert report.problems != ()


@pytest.mark.parametrize("content", [b"", b"#!AER-DAT4.0\r\n", b"something else entirely"])
def test_an_unreadable_file_is_a_report_with_its_problem(tmp_path, content):
    path = tmp_path / "smile_4_1.aedat4"
    path.write_bytes(content)
    report = report_of(path)
    assert not report.readable
    assert report.streams["events"].count == 0
    assert "smile_4_1.aedat4" in report.problems[0]


def test_an_empty_recording_is_told(tmp_path):
    assert "it holds no events" in report_of(write_events(tmp_path / "a.aedat4", some_events(0))).problems


def test_a_manifest_that_counts_otherwise_is_told(tmp_path):
    path = make_take(tmp_path)
    manifest = tmp_path / "frown_4_1.json"
    manifest.write_text(manifest.read_text().replace('"written": 1000', '"written": 1001').replace('"imu"', '"imo"'))
    problems = report_of(path).problems
    assert "events: the manifest says 1001 were written, the files hold 1000" in problems
    assert "the manifest lists 'imo', which is no stream" in problems


def test_a_frame_table_that_counts_otherwise_or_runs_backwards_is_told(tmp_path):
    path = make_take(tmp_path, videos=True)
    table = tmp_path / "frown_4_1.frames.csv"
    rows = [row for row in table.read_text().splitlines() if not row.startswith("rgb,4")]
    rows = [row.replace(f"thermal,3,{T0_US + 7777 + 3 * FRAME_US}", f"thermal,3,{T0_US}") for row in rows]
    table.write_text("\n".join(rows) + "\n")
    problems = report_of(path).problems
    assert "rgb: frames.csv has 4 rows, the rgb video 5 pictures" in problems
    assert "thermal: the times in frames.csv do not rise everywhere" in problems


@pytest.mark.parametrize(
    "left", ["frown_4_1.lock", "frown_4_1.part.aedat4", "frown_4_1.rename", "frown_4_1.rebuilt.part.aedat4"]
)
def test_what_an_interruption_left_beside_the_take_is_told(tmp_path, left):
    path = make_take(tmp_path)
    (tmp_path / left).touch()
    (tmp_path / "frown_4_10.lock").touch()
    assert report_of(path).problems == (f"{left} is left over; run glimpse recover",)


def test_a_partial_take_says_so(tmp_path):
    report = report_of(make_take(tmp_path, status=TakeStatus.PARTIAL))
    assert (report.status, report.left_out) == ("partial", ("partial",))


def test_a_lying_time_range_is_told_and_the_true_one_reported(test_data):
    report = report_of(test_data / "aedat4" / "davis346_road_bad_timerange.aedat4")
    assert (report.streams["events"].count, report.streams["events"].first_us) == (6676, 1589163147368868)
    assert len(report.problems) == 1


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    path = make_take(tmp_path_factory.mktemp("sound"), events=some_events(300))
    return path, path.read_bytes()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8), st.floats(0, 1))
def test_whatever_a_file_holds_gives_a_report(sound, changes, keep):
    path, content = sound
    damaged = bytearray(content)
    for place, value in changes:
        damaged[int(place * len(damaged))] = value
    path.write_bytes(damaged[: int(keep * len(damaged))])
    report = report_of(path)
    assert report.readable or report.problems
    assert json.dumps(report.to_json(), allow_nan=False)
