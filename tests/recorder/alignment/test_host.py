"""A frame camera's clock by when its pictures came to the computer."""

import numpy as np
import pytest

from recorder.alignment.host import LATENCY_US, Arrivals, align_by_host

REFERENCE_US = 1_700_000_000_000_000
OFFSET_US = 1_234_567
HOST_US = 777_000_000.0  # the host's clock at the reference
EXPOSURE_US, READOUT_US = 8_000.0, 20_000.0


def event_arrivals(seed: int = 1) -> Arrivals:
    """Batches of events every 250 ms from 5 s before the reference to 9 s after it, up to 2 ms late."""
    event_us = np.arange(-5_000_000, 9_000_000, 250_000)
    late_us = np.random.default_rng(seed).exponential(500, len(event_us))
    return Arrivals(REFERENCE_US + event_us, HOST_US + event_us + late_us)


def picture_arrivals(latency_us: float, drift_ppm: float = 0.0, seed: int = 2, count: int = 400) -> Arrivals:
    """Pictures at 30 Hz by a clock that is OFFSET_US behind at the reference and drifts."""
    rng = np.random.default_rng(seed)
    event_us = -4_500_000 + 33_333.0 * np.arange(count)
    stream_us = np.rint(event_us / (1 + drift_ppm * 1e-6) - OFFSET_US).astype(np.int64)
    ready_us = event_us + EXPOSURE_US / 2 + READOUT_US / 2
    return Arrivals(REFERENCE_US + stream_us, HOST_US + ready_us + latency_us + rng.exponential(3_000, count))


@pytest.mark.parametrize("latency_us", [16_000, 40_000, 72_000])
def test_the_offset_lies_in_the_interval_for_every_latency_that_is_assumed(latency_us: float) -> None:
    exposures = np.full(400, EXPOSURE_US)
    found = align_by_host(event_arrivals(), picture_arrivals(latency_us), REFERENCE_US, exposures, READOUT_US)
    assert found is not None
    assert abs(found.offset_us - OFFSET_US) < found.uncertainty_us
    assert found.uncertainty_us > 0.9 * (LATENCY_US[1] - LATENCY_US[0]) / 2


@pytest.mark.parametrize("drift_ppm", [-90.0, 0.0, 70.0])
def test_the_drift_is_told_by_the_promptest_arrivals(drift_ppm: float) -> None:
    found = align_by_host(event_arrivals(), picture_arrivals(30_000, drift_ppm), REFERENCE_US, None, READOUT_US)
    assert found is not None
    assert abs(found.drift_ppm - drift_ppm) < 3 * found.drift_sigma_ppm
    assert found.drift_sigma_ppm < 40


def test_a_computer_that_was_busy_for_a_second_does_not_bend_the_clock() -> None:
    pictures = picture_arrivals(30_000)
    busy = pictures.host_us.copy()
    busy[200:230] += 400_000
    calm = align_by_host(event_arrivals(), pictures, REFERENCE_US, None, READOUT_US)
    late = align_by_host(event_arrivals(), Arrivals(pictures.stream_us, busy), REFERENCE_US, None, READOUT_US)
    assert calm is not None
    assert late is not None
    assert abs(late.offset_us - calm.offset_us) < 1_000


def test_a_camera_whose_exposure_grows_does_not_seem_to_drift() -> None:
    pictures = picture_arrivals(30_000)
    exposures = np.linspace(4_000, 20_000, 400)
    later = Arrivals(pictures.stream_us, pictures.host_us + (exposures - EXPOSURE_US) / 2)
    found = align_by_host(event_arrivals(), later, REFERENCE_US, exposures, READOUT_US)
    assert found is not None
    assert abs(found.drift_ppm) < 3 * found.drift_sigma_ppm


def test_arrivals_of_another_computer_or_too_few_of_them_tell_nothing() -> None:
    pictures = picture_arrivals(30_000)
    elsewhere = Arrivals(pictures.stream_us, pictures.host_us + 3.6e9)
    assert align_by_host(event_arrivals(), elsewhere, REFERENCE_US, None, None) is None
    assert align_by_host(event_arrivals(), picture_arrivals(30_000, count=5), REFERENCE_US, None, None) is None
    assert align_by_host(Arrivals.of_pairs([]), pictures, REFERENCE_US, None, None) is None


def test_pictures_whose_times_lie_by_centuries_are_aligned_by_nothing() -> None:
    pictures = picture_arrivals(30_000)
    lying = pictures.stream_us.copy()
    lying[::2] += 2**61
    assert align_by_host(event_arrivals(), Arrivals(lying, pictures.host_us), REFERENCE_US, None, READOUT_US) is None
