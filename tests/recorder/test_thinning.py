"""A flood of events is thinned evenly, in memory of its own, and what is found in the rest is told as such."""

import numpy as np
import pytest
from spotting_faces import SIZE, START_US, Act, drawn_events
from takekit import some_events, write_events

from recorder import thinning
from recorder.onset import FLOODED, suggest
from recorder.take import Take
from recorder.thinning import read_events

ACT = Act(onset_us=1_700_000, apex_us=1_880_000, fall_us=2_000_000, offset_us=2_350_000)


@pytest.mark.parametrize("most", [1, 300, 999, 1000])
def test_every_so_manieth_event_is_kept_whatever_the_packets(tmp_path, monkeypatch, most):
    events = some_events(1000)
    monkeypatch.setattr(thinning, "MOST_EVENTS", most)
    with Take(write_events(tmp_path / "flood.aedat4", events)) as take:
        kept, every = read_events(take)
    assert len(kept) <= most
    assert every == -(-1000 // most)
    assert np.array_equal(kept, events[::every])
    assert kept.nbytes <= 16 * most  # a view would keep all packets in memory


def test_an_empty_take_has_no_events_to_thin(tmp_path):
    with Take(write_events(tmp_path / "empty.aedat4", some_events(0))) as take:
        assert [len(read_events(take)[0]), read_events(take)[1]] == [0, 1]


@pytest.mark.parametrize("acts", [(ACT,), ()])
def test_a_movement_among_a_flood_is_found_and_told_by_all_of_its_events(tmp_path, monkeypatch, acts):
    events = drawn_events(3.6, acts)
    path = write_events(tmp_path / "flood.aedat4", events, resolution=SIZE)
    cue_us = START_US + 1_400_000
    monkeypatch.setattr(thinning, "MOST_EVENTS", len(events) // 2 + 1)
    with Take(path) as take:
        found = suggest(take, cue_us=cue_us)
    if not acts:
        assert (found.intervals, found.reason) == ((), FLOODED)
        return
    (movement,), (whole,) = found.intervals, suggest(events, SIZE, cue_us=cue_us).intervals
    assert abs(movement.onset_us - START_US - ACT.onset_us) < 40_000
    assert movement.details["looked_at_every"] == 2
    assert movement.strength == pytest.approx(whole.strength, rel=0.2)
    assert found.reason is None
