"""The rough offset from nothing but when things happen."""

import numpy as np
import pytest

from recorder.activity import Activity
from recorder.alignment.coarse import changes, guess_offset, warmth_changes

START_US = 5_000_000_000
OFFSET_US = -2_345_678
INTERVAL_US = 33_333


def bursts(seed: int = 1, seconds: float = 12.0) -> np.ndarray:
    """Activity by milliseconds: rest, and some strong bursts of which no two are alike."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * 1000)) / 1000
    level = np.full(len(t), 2.0)
    for at in np.sort(rng.uniform(0.5, seconds - 0.5, 8)):
        level += rng.uniform(30, 400) * np.exp(-(((t - at) / rng.uniform(0.03, 0.15)) ** 2))
    return level


def events_of(level: np.ndarray, seed: int = 2) -> Activity:
    counts = np.random.default_rng(seed).poisson(level).astype(np.uint16)
    return Activity(START_US, 1_000, 16, (16, 16), np.stack([counts, counts], axis=1)[:, :, None, None])


def pictures_of(level: np.ndarray, lost: float = 0.0, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Stream times and changes of pictures that see the same activity, in another clock; some get lost."""
    rng = np.random.default_rng(seed)
    event_us = np.arange(20_000, len(level) * 1000 - 20_000, INTERVAL_US)
    event_us = event_us[rng.random(len(event_us)) >= lost]
    total = np.concatenate([[0.0], np.cumsum(level)])
    change = np.diff(np.interp(event_us / 1000, np.arange(len(total)), total)) * 1e-4
    return START_US + event_us - OFFSET_US, change * rng.normal(1, 0.1, len(change))


@pytest.mark.parametrize("lost", [0.0, 0.1])
def test_the_offset_is_found_among_all_lags(lost: float) -> None:
    level = bursts()
    found = guess_offset(events_of(level), *pictures_of(level, lost))
    assert found is not None
    assert abs(found.offset_us - OFFSET_US) < 25_000
    assert found.confidence > 0.9


def test_pictures_that_began_earlier_and_ended_earlier_are_aligned_by_what_overlaps() -> None:
    level = bursts()
    times, change = pictures_of(level)
    found = guess_offset(events_of(level[3000:]), times, change)
    assert found is not None
    assert abs(found.offset_us - OFFSET_US + 3_000_000) < 25_000


def test_another_scene_gives_no_confidence() -> None:
    found = guess_offset(events_of(bursts(1)), *pictures_of(bursts(7)))
    assert found is None or found.confidence < 0.5


def test_a_rhythm_that_fits_at_many_lags_gives_no_confidence() -> None:
    level = 2 + 200 * np.exp(-((((np.arange(12_000) % 800) - 400) / 60.0) ** 2))
    found = guess_offset(events_of(level), *pictures_of(level))
    assert found is not None
    assert found.confidence == 0


def test_streams_without_activity_or_too_short_give_no_guess() -> None:
    level = bursts()
    times, change = pictures_of(level)
    assert guess_offset(events_of(np.zeros(12_000)), times, change) is None
    assert guess_offset(events_of(level), times, np.zeros_like(change)) is None
    assert guess_offset(events_of(level), times[:10], change[:9]) is None
    assert guess_offset(events_of(level[:0]), times, change) is None


def test_auto_exposure_and_warmth_of_the_camera_are_no_change() -> None:
    light = np.random.default_rng(0).uniform(0.2, 0.8, (1, 12, 16)).astype(np.float32)
    brighter = np.concatenate([light, light * 1.5, light * 2])
    moved = np.concatenate([light, np.roll(light, 3, axis=2), light])
    assert changes(brighter).max() < 0.05 * changes(moved).min()
    assert warmth_changes(light * 100 + np.array([0, 3, 9], np.float32)[:, None, None]).max() < 1e-3
