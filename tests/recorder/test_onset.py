"""Suggested onset, apex and offset: drawn faces whose truth is known, one simulated take, and input that nobody would send."""

from pathlib import Path

import numpy as np
import pytest
from spotting_faces import SIZE, START_US, Act, drawn_events

from protocol.analysis import SuggestionKind
from protocol.streams import EVENT_DTYPE, Array
from recorder import onset
from recorder.onset import examine, suggest
from recorder.take import Take

ACT = Act(onset_us=1_700_000, apex_us=1_880_000, fall_us=2_000_000, offset_us=2_350_000)
SECONDS = 3.6


@pytest.fixture(scope="module")
def moving() -> Array:
    return drawn_events(SECONDS, (ACT,))


@pytest.fixture(scope="module")
def still() -> Array:
    return drawn_events(SECONDS)


def test_a_movement_of_a_swaying_face_is_found_to_some_milliseconds(moving: Array) -> None:
    found = suggest(moving, SIZE, cue_us=START_US + 1_400_000)
    assert len(found.intervals) == 1
    movement = found.intervals[0]
    assert abs(movement.onset_us - START_US - ACT.onset_us) < 25_000
    assert abs(movement.apex_us - START_US - ACT.apex_us) < 40_000
    assert abs(movement.offset_us - START_US - ACT.offset_us) < 90_000
    assert movement.cued
    assert movement.kind is SuggestionKind.MOVEMENT
    assert movement.strength > 1000


def test_a_face_that_only_sways_makes_no_movement(still: Array) -> None:
    found = suggest(still, SIZE, cue_us=START_US + 1_400_000)
    assert found.intervals == ()
    assert found.reason is None


def test_what_comes_before_the_cue_is_a_candidate_and_no_answer(moving: Array) -> None:
    found = suggest(moving, SIZE, cue_us=START_US + 2_600_000)
    assert found.intervals == ()
    before = [one for one in found.candidates if abs(one.onset_us - START_US - ACT.onset_us) < 25_000]
    assert before
    assert not before[0].cued


def test_without_a_cue_the_whole_take_is_searched(moving: Array) -> None:
    found = suggest(moving, SIZE)
    assert found.cue_us is None
    assert any(abs(one.onset_us - START_US - ACT.onset_us) < 25_000 for one in found.intervals)


def test_the_order_of_events_does_not_matter(moving: Array) -> None:
    shuffled = moving[np.random.default_rng(1).permutation(len(moving))]
    shuffled = shuffled[np.argsort(shuffled["t"] // 50_000, kind="stable")]
    assert [one.kind for one in suggest(shuffled, SIZE).intervals] == [one.kind for one in suggest(moving, SIZE).intervals]


def test_the_heads_motion_is_told_for_each_bin(moving: Array) -> None:
    _, heads = examine(moving, SIZE)
    assert len(heads) == 1
    assert len(heads[0].energy) * heads[0].bin_us >= SECONDS * 1e6 * 0.95
    assert heads[0].energy.min() >= 0
    assert heads[0].energy.max() > 0


@pytest.mark.parametrize("count", [0, 1, 50])
def test_few_events_say_nothing(count: int) -> None:
    events = np.zeros(count, EVENT_DTYPE)
    events["t"] = np.arange(count) * 1000
    found = suggest(events, SIZE, cue_us=0)
    assert found.intervals == ()
    assert found.reason is not None
    assert found.reason.endswith(".")


def test_a_gap_of_days_and_pixels_outside_the_sensor_are_borne(still: Array) -> None:
    later = still.copy()
    later["t"] += 200_000 * 1_000_000
    later["x"][::1000] = 400
    found = suggest(np.concatenate([still[: len(still) // 2], later]), SIZE)
    assert found.reason is None


@pytest.mark.parametrize("far_us", [2**63 - 1, -(2**63), START_US + 2**62])
@pytest.mark.parametrize("cue_us", [None, START_US + 1_400_000])
def test_one_event_whose_time_lies_changes_nothing(moving: Array, far_us: int, cue_us: int | None) -> None:
    lying = moving.copy()
    lying["t"][[400, 500]] = far_us, -(2**63)
    found = suggest(lying, SIZE, cue_us=cue_us)
    assert any(abs(one.onset_us - START_US - ACT.onset_us) < 25_000 for one in found.intervals)


def test_a_movement_within_a_day_of_next_to_nothing_is_found(moving: Array) -> None:
    day_us = 86_400_000_000
    stray = np.zeros(100_000, EVENT_DTYPE)
    stray["t"] = START_US - day_us // 2 + np.arange(len(stray)) * (day_us // len(stray))
    found, heads = examine(np.concatenate([stray, moving]), SIZE)
    assert len(heads) == 1  # only where there is something to see
    assert any(abs(one.onset_us - START_US - ACT.onset_us) < 25_000 for one in found.intervals)


def test_of_a_recording_without_end_only_the_busiest_parts_are_searched_and_that_is_said(
    still: Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onset, "MOST_PIECES", 1)
    half = still[: len(still) // 2].copy()
    half["t"] += 100_000_000
    found, heads = examine(np.concatenate([still, half]), SIZE)
    assert (found.intervals, found.reason) == ((), onset.TOO_LONG)
    assert [head.start_us for head in heads] == [int(still["t"][0])]


def test_noise_alone_makes_no_movement() -> None:
    rng = np.random.default_rng(4)
    events = np.zeros(60_000, EVENT_DTYPE)
    events["t"] = np.sort(rng.integers(0, 4_000_000, len(events)))
    events["x"], events["y"] = rng.integers(0, 320, len(events)), rng.integers(0, 240, len(events))
    events["p"] = rng.integers(0, 2, len(events))
    assert suggest(events, (320, 240)).intervals == ()


def test_the_movement_of_a_simulated_take_is_found_after_its_cue(simulated_take: Path) -> None:
    with Take(simulated_take) as take:
        found = suggest(take)
        manifest = take.manifest
    assert manifest is not None
    assert manifest.truth is not None
    assert len(found.intervals) == 1
    assert found.cue_us == manifest.cue_us
    movement = found.intervals[0]
    assert abs(movement.onset_us - manifest.truth["onset_us"]) < 80_000
    assert movement.onset_us < manifest.truth["apex_us"] < movement.offset_us


@pytest.mark.parametrize("name", ["*.aedat4"])
def test_real_recordings_without_a_manifest_give_an_answer(test_data: Path, name: str) -> None:
    files = sorted((test_data / "aedat4").glob(name), key=lambda path: path.stat().st_size)[:6]
    assert files
    for path in files:
        with Take(path) as take:
            found = suggest(take)
        assert found.cue_us is None
        assert all(one.onset_us <= one.apex_us <= one.offset_us for one in (*found.intervals, *found.candidates))
