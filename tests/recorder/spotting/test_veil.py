"""Stretches in which the face cannot be seen are found in counts alone."""

import numpy as np

from recorder.activity import Activity
from recorder.spotting.veil import usable_bins

GRID, BIN_US = (33, 44), 5_000


def _activity(seconds: float) -> tuple[Activity, np.ndarray]:
    """A face in the middle that gives events all the time."""
    counts = np.random.default_rng(0).poisson(0.02, (round(seconds * 1e6) // BIN_US, 2, *GRID)).astype(np.uint16)
    counts[:, :, 8:25, 12:32] += np.random.default_rng(1).poisson(0.3, (len(counts), 2, 17, 20)).astype(np.uint16)
    return Activity(0, BIN_US, 8, (346, 260), counts), counts


def _pass(counts: np.ndarray, begin: int, bins: int = 50) -> None:
    """A sheet comes by from above."""
    for step in range(bins):
        row = step * GRID[0] // bins
        counts[begin + step, :, row : row + 2] += 20


def test_a_sheet_that_comes_covers_and_goes_is_left_out() -> None:
    activity, counts = _activity(6)
    _pass(counts, 300)
    counts[350:700, :, 8:25, 12:32] = np.random.default_rng(2).poisson(0.02, (350, 2, 17, 20))
    _pass(counts, 700)
    usable = usable_bins(activity)
    assert not usable[300:740].any()
    assert usable[:200].all()
    assert usable[800:].all()


def test_a_sheet_that_stays_covers_the_rest() -> None:
    activity, counts = _activity(6)
    _pass(counts, 300)
    counts[350:, :, 8:25, 12:32] = 0
    usable = usable_bins(activity)
    assert usable[:200].all()
    assert not usable[360:].any()


def test_a_face_that_turns_is_no_sheet() -> None:
    activity, counts = _activity(4)
    counts[300:360, :, 6:27, 10:34] += 15
    assert usable_bins(activity).all()


def test_a_moment_is_usable() -> None:
    activity = Activity(0, BIN_US, 8, (346, 260), np.zeros((3, 2, *GRID), np.uint16))
    assert usable_bins(activity).all()
