"""The takes of one session together: clocks that run on, clocks that were set anew, and takes that do not fit."""

import numpy as np
import pytest

from recorder.alignment.session import PRIOR_SIGMA_PPM, OffsetAt, fit_session, pooled_drift

MINUTE_US = 60_000_000
FIRST_US = 1_700_000_000_000_000


def takes_on_a_line(drift_ppm: float, count: int = 7, sigma_us: float = 400.0, seed: int = 1) -> list[OffsetAt]:
    """Takes a minute apart, of clocks that run on, with errors of sigma_us."""
    rng = np.random.default_rng(seed)
    references = FIRST_US + MINUTE_US * np.arange(count)
    slope = drift_ppm * 1e-6 / (1 + drift_ppm * 1e-6)
    offsets = 1_500_000 + slope * (references - FIRST_US) + rng.normal(0, sigma_us, count)
    return [OffsetAt(int(r), float(o), sigma_us) for r, o in zip(references, offsets, strict=True)]


@pytest.mark.parametrize("drift_ppm", [-100.0, 12.5, 80.0])
def test_clocks_that_run_on_tell_their_drift_to_a_few_ppm(drift_ppm: float) -> None:
    line = fit_session(takes_on_a_line(drift_ppm))
    assert line is not None
    assert abs(line.drift.ppm - drift_ppm) < 3 * line.drift.sigma_ppm
    assert line.drift.sigma_ppm < 3
    assert line.on_line.all()


def test_the_line_tells_the_offset_of_a_take_that_tells_nothing_itself() -> None:
    takes = takes_on_a_line(60.0)
    line = fit_session(takes[:3] + takes[4:])
    assert line is not None
    offset, sigma = line.offset_at(takes[3].reference_us)
    assert abs(offset - takes[3].offset_us) < 4 * np.hypot(sigma, takes[3].sigma_us)
    assert line.reaches(takes[3].reference_us)
    assert not line.reaches(takes[-1].reference_us + 30 * MINUTE_US)


def test_a_take_off_the_line_is_told_and_does_not_bend_it() -> None:
    takes = takes_on_a_line(30.0)
    takes[2] = OffsetAt(takes[2].reference_us, takes[2].offset_us + 20_000, 400.0)
    line = fit_session(takes)
    assert line is not None
    assert list(np.flatnonzero(~line.on_line)) == [2]
    assert abs(line.drift.ppm - 30) < 3 * line.drift.sigma_ppm


def test_clocks_that_were_set_anew_for_each_take_give_no_line() -> None:
    rng = np.random.default_rng(3)
    takes = [OffsetAt(FIRST_US + MINUTE_US * n, float(rng.uniform(-3e6, 3e6)), 400.0) for n in range(6)]
    assert fit_session(takes) is None


def test_one_take_or_takes_of_one_instant_give_no_line() -> None:
    take = OffsetAt(FIRST_US, 0.0, 400.0)
    assert fit_session([]) is None
    assert fit_session([take]) is None
    assert fit_session([take, take]) is None


def test_misfits_beyond_the_stated_errors_widen_the_line() -> None:
    honest = fit_session(takes_on_a_line(0.0, sigma_us=400.0))
    takes = [OffsetAt(take.reference_us, take.offset_us, 150.0) for take in takes_on_a_line(0.0, sigma_us=400.0)]
    boasting = fit_session(takes)
    assert honest is not None
    assert boasting is not None
    assert boasting.chi2 > 1.5
    assert boasting.offset_at(FIRST_US)[1] > 0.6 * honest.offset_at(FIRST_US)[1]


def test_drifts_of_single_takes_are_pooled_with_what_any_crystal_does() -> None:
    assert pooled_drift([OffsetAt(FIRST_US, 0.0, 400.0)]).sigma_ppm == PRIOR_SIGMA_PPM
    told = pooled_drift([OffsetAt(FIRST_US, 0.0, 400.0, 80.0, 25.0)] * 4)
    assert told.takes == 4
    assert 70 < told.ppm < 80
    assert told.sigma_ppm < 13
