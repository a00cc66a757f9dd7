from measure_helpers import at, script_manifest

from protocol.analysis import ClockAlignment, PaperSeen, SyncFlag, SyncStatus
from recorder.measures import sync


def test_a_paper_that_came_and_went_is_seen():
    assert sync.paper(PaperSeen(in_us=at(1), out_us=at(3)), script_manifest()).value == sync.SEEN


def test_a_paper_that_only_left_was_there_from_the_beginning():
    assert sync.paper(PaperSeen(out_us=at(3)), script_manifest()).value == sync.SEEN


def test_a_paper_that_came_and_stayed_is_left_in():
    assert sync.paper(PaperSeen(in_us=at(1)), script_manifest()).value == sync.LEFT_IN


def test_a_paper_that_was_asked_for_and_did_not_come_is_missing():
    assert sync.paper(PaperSeen(), script_manifest()).value == sync.MISSING


def test_no_paper_is_missed_where_none_was_asked_for():
    assert sync.paper(PaperSeen(), None).value is None
    assert sync.paper(PaperSeen(), script_manifest(steps=())).value is None


def test_an_alignment_counts_by_its_uncertainty():
    clock = ClockAlignment(status=SyncStatus.PAPER, offset_us=5, uncertainty_us=2_500, flags=(SyncFlag.FREEZE,))
    reading = sync.alignment(clock, "colour")
    assert reading.value == 2.5
    assert reading.details["flags"] == ["freeze"]


def test_the_hosts_clock_alone_is_no_alignment_however_sure_it_is_of_itself():
    clock = ClockAlignment(status=SyncStatus.HOST, offset_us=5, uncertainty_us=2_500)
    assert sync.alignment(clock, "colour").value == sync.NOT_ALIGNED_MS


def test_clocks_that_nobody_compared_are_told_apart_from_a_camera_that_is_not_there():
    assert "glimpse sync" in sync.alignment(None, "colour", pictures=100).unknown
    assert "no colour pictures" in sync.alignment(None, "colour", pictures=0).unknown


def test_a_camera_that_is_not_there_has_no_alignment():
    assert sync.alignment(None, "thermal").value is None
