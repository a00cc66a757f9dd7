"""What was computed of a take is kept section by section, and never taken for something that it is not."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from takekit import make_take

from protocol.analysis import Analysis, ClockAlignment, OnsetRecord, QualityRecord, SyncRecord, SyncStatus, Verdict
from recorder.analysisstore import AnalysisError, analysis_path, read_analysis, update_analysis
from recorder.dataset import Dataset
from recorder.inspection import inspect_take
from recorder.take import find_takes
from recorder.takefiles import mark_noise
from recorder.verify import verify_folders, verify_take

SYNC = SyncRecord(rgb=ClockAlignment(status=SyncStatus.PAPER, offset_us=12, drift_ppm=3.5, uncertainty_us=900))
QUALITY = QualityRecord(verdict=Verdict.CHECK, reasons=("The movement is faint.",))


def test_sections_are_written_one_by_one_and_the_others_stay(tmp_path):
    take = make_take(tmp_path)
    assert read_analysis(take) is None
    update_analysis(take, {"sync": SYNC})
    update_analysis(take, {"quality": QUALITY})
    found = read_analysis(take)
    assert (found.sync, found.quality, found.onset) == (SYNC, QUALITY, None)
    assert found.software["glimpse"]


def test_a_section_can_be_taken_back(tmp_path):
    take = make_take(tmp_path)
    update_analysis(take, {"sync": SYNC, "onset": OnsetRecord(reason="No events.")})
    update_analysis(take, {"sync": None})
    assert (read_analysis(take).sync, read_analysis(take).onset.reason) == (None, "No events.")


def test_what_was_computed_of_other_events_is_out_of_date(tmp_path):
    take = make_take(tmp_path)
    update_analysis(take, {"sync": SYNC})
    with take.open("ab") as file:
        file.write(b"more")
    assert read_analysis(take) is None
    update_analysis(take, {"quality": QUALITY})
    assert (read_analysis(take).sync, read_analysis(take).quality) == (None, QUALITY)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": "glimpse.analysis", "version": "1.0", "events_bytes": "?"}'])
def test_a_damaged_file_is_replaced_since_all_of_it_can_be_computed_again(tmp_path, text):
    take = make_take(tmp_path)
    analysis_path(take).write_text(text)
    update_analysis(take, {"sync": SYNC})
    assert read_analysis(take).sync == SYNC


def test_the_file_of_a_newer_program_is_left_alone(tmp_path):
    take = make_take(tmp_path)
    newer = json.dumps({"schema": Analysis.SCHEMA, "version": "2.0", "what": "ever"})
    analysis_path(take).write_text(newer)
    with pytest.raises(AnalysisError, match=r"analysis\.json: written by a newer Glimpse"):
        update_analysis(take, {"sync": SYNC})
    assert analysis_path(take).read_text() == newer


def test_a_folder_that_takes_no_file_is_told_and_nothing_half_written_stays(tmp_path):
    take = make_take(tmp_path)
    analysis_path(take).mkdir()
    with pytest.raises(AnalysisError, match=r"analysis\.json: cannot be"):
        update_analysis(take, {"sync": SYNC})
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"schema": "glimpse.analysis", "version": "1.0", "sync": ' + "[" * 100_000])
def test_a_file_nested_without_end_is_damaged_and_replaced(tmp_path, text):
    take = make_take(tmp_path)
    analysis_path(take).write_text(text)
    update_analysis(take, {"sync": SYNC})
    assert read_analysis(take).sync == SYNC


def test_a_pipe_of_that_name_is_told_and_not_waited_for(tmp_path):
    take = make_take(tmp_path)
    os.mkfifo(analysis_path(take))
    with pytest.raises(AnalysisError, match=r"analysis\.json: cannot be read \(it is no file\); move it away\."):
        read_analysis(take)
    with pytest.raises(AnalysisError, match="it is no file"):
        update_analysis(take, {"sync": SYNC})


def test_a_take_that_was_renamed_meanwhile_gets_no_analysis(tmp_path):
    take = make_take(tmp_path)
    take.unlink()
    with pytest.raises(AnalysisError, match=r"aedat4: cannot be looked at \(No such file or directory\)"):
        update_analysis(take, {"sync": SYNC})
    assert not analysis_path(take).exists()


def test_two_programs_that_complete_the_same_file_lose_nothing_of_each_other(tmp_path):
    take = make_take(tmp_path)

    def write(section, records):
        for record in records:
            update_analysis(take, {section: record})
            assert getattr(read_analysis(take), section) == record
        return len(records)

    reasons = [OnsetRecord(reason=str(number)) for number in range(60)]
    verdicts = [QualityRecord(verdict=Verdict.CHECK, reasons=(str(number),)) for number in range(60)]
    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(write, "onset", reasons), pool.submit(write, "quality", verdicts)]
        assert [one.result() for one in done] == [60, 60]


def test_marking_noise_takes_it_along_and_it_disturbs_neither_inspection_nor_verification(tmp_path):
    take = make_take(tmp_path / "4")
    update_analysis(take, {"sync": SYNC})
    renamed = mark_noise(take)
    assert renamed != take
    assert read_analysis(renamed).sync == SYNC
    assert not inspect_take(find_takes(renamed)[0]).problems
    entry = find_takes(renamed)[0]
    findings = [*verify_take(entry), *verify_folders(Dataset(tmp_path), [entry])]
    assert not [finding for finding in findings if "analysis" in str(finding)]
