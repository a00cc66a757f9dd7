"""When the edge of a sheet passes each pixel of the event camera, and what is no edge."""

import numpy as np
import paper_scenes as scenes
import pytest

from recorder.alignment.edge import NoEdgeError, Slide, fit_front
from recorder.alignment.paper import find_fronts

PLACES = np.meshgrid(np.linspace(-0.9, 0.9, 7), np.linspace(-0.6, 0.6, 7))


@pytest.mark.parametrize("angle_deg", [-90.0, 90.0, 3.0, 140.0])
@pytest.mark.parametrize("slide", scenes.SLIDES, ids=["coming", "leaving"])
def test_the_front_is_found_to_a_fraction_of_a_millisecond(angle_deg, slide):
    front = fit_front(scenes.events(angle_deg), scenes.RESOLUTION, slide)
    true_ms = scenes.crossing_ms(*PLACES, slide, angle_deg) + (scenes.START_US - front.origin_us) * 1e-3
    assert np.abs(front.crossing_ms(*PLACES) - true_ms).max() < 0.6
    way = angle_deg if slide.leaves else angle_deg + 180
    assert abs((front.angle_deg - way + 180) % 360 - 180) < 8


def test_slow_pixels_make_the_front_no_later_but_less_certain():
    quick, slow = (fit_front(scenes.events(tau_ms=tau), scenes.RESOLUTION, scenes.SLIDES[1]) for tau in (1.0, 4.0))
    middle = np.zeros(1)
    assert slow.crossing_ms(middle, middle) == pytest.approx(quick.crossing_ms(middle, middle), abs=0.5)
    assert slow.errors[0, 0] > quick.errors[0, 0]


def test_noise_alone_is_no_edge():
    with pytest.raises(NoEdgeError):
        fit_front(scenes.events(slides=[], noise=200_000), scenes.RESOLUTION, scenes.SLIDES[0])


def test_a_lamp_that_is_switched_on_is_no_edge():
    """All pixels at once: no front takes that little time."""
    events = scenes.events(slides=[])
    flash = np.repeat(events[:1], 4 * 176 * 132)
    pixels = np.tile(np.arange(176 * 132), 4)
    flash["x"], flash["y"] = pixels % 176, pixels // 176
    flash["t"] = scenes.START_US + scenes.IN_US + np.random.default_rng(7).integers(0, 3_000, len(flash))
    events = np.concatenate([events, flash])
    events = events[np.argsort(events["t"], kind="stable")]
    assert find_fronts(events, scenes.RESOLUTION, scenes.SLIDES[:1]) == []


def test_no_events_are_no_edge():
    assert find_fronts(scenes.events()[:0], scenes.RESOLUTION, [Slide(0, 1_000_000, False)]) == []


def test_a_read_out_that_is_full_makes_the_front_uncertain_not_wrong():
    """Half of the slide's events wait in a queue that lets 120 through in a millisecond."""
    slide = scenes.SLIDES[1]
    events = scenes.events(per_pixel=5)
    since = (events["t"] - scenes.START_US) * 1e-3
    left = np.maximum.accumulate(since - np.arange(len(since)) / 2_000.0) + np.arange(len(since)) / 2_000.0
    late = events.copy()
    late["t"] = scenes.START_US + (left * 1e3).astype(np.int64)
    free, full = fit_front(events, scenes.RESOLUTION, slide), fit_front(late, scenes.RESOLUTION, slide)
    assert full.full_bus
    assert not free.full_bus
    assert full.errors[0, 0] > free.errors[0, 0]
    true_ms = scenes.crossing_ms(np.zeros(1), np.zeros(1), slide, -90.0) + (scenes.START_US - full.origin_us) * 1e-3
    assert abs(full.crossing_ms(np.zeros(1), np.zeros(1)) - true_ms) < 3 * np.sqrt(full.errors[0, 0])
