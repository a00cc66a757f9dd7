"""How good predictions are: checked against values worked out by hand and published ones."""

import numpy as np
import pytest

from models.metrics import (
    Share,
    calibration_error,
    confusion,
    log_loss,
    paired_interval,
    reliability,
    top_k,
    uar,
    uf1,
)

Y = np.array([0, 0, 1, 1, 2, 2])
SCORES = np.array([[0.8, 0.1, 0.1], [0.4, 0.5, 0.1], [0.1, 0.8, 0.1], [0.2, 0.7, 0.1], [0.3, 0.3, 0.4], [0.6, 0.3, 0.1]])


def test_the_interval_of_the_reference_result_is_the_published_one() -> None:
    low, high = Share(19, 44).interval or (0, 0)
    assert (round(100 * low, 1), round(100 * high, 1)) == (29.7, 57.8)


def test_an_interval_stays_within_0_and_1_and_nothing_has_none() -> None:
    assert Share(0, 5).interval is not None
    assert (Share(0, 5).interval or (1, 1))[0] == 0.0
    assert (Share(5, 5).interval or (0, 0))[1] == 1.0
    assert Share(0, 0).interval is None
    assert Share(0, 0).value is None


def test_top_k_counts_the_true_class_among_the_highest() -> None:
    assert top_k(Y, SCORES, 1).hits == 4
    assert top_k(Y, SCORES, 2).hits == 5
    assert top_k(Y, SCORES, 3).hits == 6


def test_equal_scores_give_the_first_class() -> None:
    assert top_k(np.array([1]), np.array([[0.5, 0.5]]), 1).hits == 0


def test_rows_of_the_confusion_are_true_classes() -> None:
    matrix = confusion(Y, SCORES.argmax(axis=1), 3)
    assert matrix.tolist() == [[1, 1, 0], [0, 2, 0], [1, 0, 1]]
    assert uar(matrix) == pytest.approx((0.5 + 1.0 + 0.5) / 3)
    assert uf1(matrix) == pytest.approx((0.5 + 0.8 + 2 / 3) / 3)


def test_classes_that_nobody_made_do_not_count() -> None:
    matrix = confusion(np.array([0, 0]), np.array([0, 2]), 3)
    assert uar(matrix) == 0.5
    assert uar(np.zeros((3, 3), np.int64)) is None
    assert uf1(np.zeros((3, 3), np.int64)) is None


def test_loss_is_the_mean_surprise() -> None:
    assert log_loss(np.array([0]), np.array([[0.5, 0.5]])) == pytest.approx(np.log(2))
    assert np.isfinite(log_loss(np.array([0]), np.array([[0.0, 1.0]])) or np.nan)
    assert log_loss(np.array([], int), np.empty((0, 2))) is None


def test_a_network_that_is_as_sure_as_it_is_right_is_calibrated() -> None:
    scores = np.tile([0.75, 0.25], (4, 1))
    bins = reliability(np.array([0, 0, 0, 1]), scores)
    assert [(one.count, one.confidence, one.accuracy) for one in bins] == [(4, 0.75, 0.75)]
    assert calibration_error(bins) == pytest.approx(0.0)
    assert calibration_error(reliability(np.array([1, 1, 1, 1]), scores)) == pytest.approx(0.75)


def test_a_gain_is_claimed_only_where_its_interval_excludes_zero() -> None:
    better, worse = np.ones(60, bool), np.arange(60) % 3 > 0
    low, high = paired_interval(better, worse) or (0.0, 0.0)
    assert 0 < low < 1 / 3 < high
    same = paired_interval(worse, worse)
    assert same == (0.0, 0.0)
    assert paired_interval(np.empty(0, bool), np.empty(0, bool)) is None
