"""Of all the sheets of a take the last one counts, and nobody looks on when it has gone as it was to."""

import numpy as np
from paper_events import RESOLUTION, SECOND_US, START_US, edge, events_of, in_and_out, noise

from protocol.analysis import PaperSeen
from protocol.manifest import FinishReason, Manifest, TakeStatus
from protocol.streams import EVENT_DTYPE
from recorder.paperfront import Front
from recorder.papersearch import last_sheet, look_for_paper, seen
from recorder.paperwatch import PaperKind, PaperSighting

IN, OUT = PaperKind.IN, PaperKind.OUT


def manifest(**times_s):
    """With t0_scheduled and cue at some seconds."""
    times = {f"{name}_us": START_US + round(at * SECOND_US) for name, at in times_s.items()}
    return Manifest(
        movement="smile",
        subject=4,
        number=1,
        status=TakeStatus.COMPLETE,
        finish_reason=FinishReason.SCRIPT_ENDED,
        recorded_at="2026-03-02T10:00:00+01:00",
        **times,
    )


def sighting(kind, seconds):
    at_us = START_US + seconds * SECOND_US
    return PaperSighting(kind, at_us, at_us - 9, at_us, 90.0, 2_000, 0.9, Front(RESOLUTION, 90.0, at_us, (0.0,) * 7), at_us + 9)


def waved_twice():
    """It leaves at 1.54 s and at 4.04 s."""
    once, again = in_and_out(), in_and_out()
    again["t"] += 2_500_000
    return np.concatenate([once, again])


def left_at_s(sheet):
    return [round((one.at_us - START_US) / SECOND_US, 1) for one in sheet if one.kind is OUT]


def test_the_last_sheet_counts():
    sheet = last_sheet([sighting(IN, 1), sighting(OUT, 2), sighting(IN, 3), sighting(OUT, 4)])
    assert seen(sheet) == PaperSeen(
        in_us=START_US + 3 * SECOND_US, out_us=START_US + 4 * SECOND_US, uncertainty_us=2_000, angle_deg=90.0
    )


def test_a_sheet_that_comes_again_and_stays_is_left_in():
    sheet = last_sheet([sighting(IN, 1), sighting(OUT, 2), sighting(IN, 3)])
    assert seen(sheet) == PaperSeen(in_us=START_US + 3 * SECOND_US)


def test_no_sighting_no_sheet():
    assert seen(last_sheet([])) == PaperSeen()
    assert look_for_paper(np.zeros(0, EVENT_DTYPE), RESOLUTION, None) == []


def test_without_a_script_all_of_a_take_is_searched():
    assert left_at_s(look_for_paper(waved_twice(), RESOLUTION, None)) == [4.0]


def test_a_sheet_that_leaves_when_it_is_to_is_the_last():
    assert left_at_s(look_for_paper(waved_twice(), RESOLUTION, manifest(t0_scheduled=1.6))) == [1.5]


def test_a_sheet_that_leaves_long_before_it_is_to_is_not_the_last():
    assert left_at_s(look_for_paper(waved_twice(), RESOLUTION, manifest(t0_scheduled=4.0))) == [4.0]


def test_after_the_cue_nobody_looks_for_a_sheet_that_has_gone():
    events = events_of(noise(8.0), edge(1_500_000, 1_540_000, -90, 0), edge(6_000_000, 6_100_000, 90, 1))
    assert left_at_s(look_for_paper(events, RESOLUTION, manifest(cue=3.0))) == [1.5]


def test_a_sheet_that_is_in_at_the_cue_is_seen_leaving_after_it():
    assert left_at_s(look_for_paper(in_and_out(), RESOLUTION, manifest(cue=0.7))) == [1.5]
