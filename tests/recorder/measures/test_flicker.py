import numpy as np
import pytest
from measure_helpers import SECOND, at, joined, noise_events, pixel_events

from recorder.measures.flicker import flicker, line, spectrum, unless_flicker
from recorder.measures.thresholds import Reading

QUIET = (at(0), at(4))


def beating(hz, depth, rate_hz=20_000, seed=3):
    """ON events as the light rises, OFF events as it falls."""
    rng = np.random.default_rng(seed)
    t = np.sort(rng.uniform(0, 4 * SECOND, rate_hz * 4)).astype(np.int64)
    rising = np.sin(2 * np.pi * hz * t * 1e-6)
    polarity = rng.random(len(t)) < 0.5
    kept = rng.random(len(t)) < 0.5 * (1 + depth * np.where(polarity, rising, -rising))
    return pixel_events(5, 5, at(0) + t[kept], polarity[kept])


def test_steady_noise_does_not_flicker():
    assert flicker(noise_events(10, end_s=4), QUIET).value < 5


@pytest.mark.parametrize("hz", [99.7, 100, 120, 120.3])
def test_a_beating_lamp_is_found_with_its_frequency_and_depth(hz):
    reading = flicker(beating(hz, 0.6), QUIET)
    assert reading.value == pytest.approx(60, abs=12)
    assert reading.details["hz"] == round(hz, -1)


def test_other_frequencies_are_not_the_mains():
    assert flicker(beating(110, 0.8), QUIET).value < 5


def test_a_movement_of_the_face_is_no_flicker():
    burst = noise_events(300, begin_s=1, end_s=1.1, seed=1)
    assert flicker(joined(noise_events(10, end_s=4), burst), QUIET).value < 5


def test_less_than_a_second_or_hardly_any_events_cannot_be_judged():
    assert flicker(noise_events(10, end_s=4), (at(0), at(0.9))).value is None
    assert flicker(noise_events(0.01, end_s=4), QUIET).value is None


def test_strong_flicker_leaves_nothing_to_say_of_pixels_at_rest():
    noise = Reading(3.0)
    assert unless_flicker(noise, Reading(5.0)) is noise
    assert unless_flicker(noise, Reading(unknown="Too short.")) is noise
    assert unless_flicker(noise, Reading(60.0)).value is None


def test_the_amplitude_of_a_sine_is_read_off_its_line():
    t = np.arange(3000) / 1000
    power = spectrum(10 + 4 * np.sin(2 * np.pi * 100 * t))
    assert line(power, 100) ** 0.5 == pytest.approx(4_000, rel=0.01)
