"""Flicker, noise and hot pixels of the running rig, and the mask that is made with the lens cap on."""

import numpy as np
import pytest
from rig_views import APS, events, view

from protocol.streams import EVENT_DTYPE
from recorder.rigcheck.events import EventMemory
from recorder.rigcheck.hotmask import NotDark, hot_mask
from recorder.sim.pixel import EventPixels, PixelParams

HOT = ((10, 20), (300, 200), (301, 200))
PIXELS = APS[0] * APS[1]


def look(found: np.ndarray, **changes):
    return EventMemory().look(view(events=found, **changes))


def test_even_light_little_noise_and_no_hot_pixels_are_good():
    flicker, noise, hot = look(events())
    assert [check.level for check in (flicker, noise, hot)] == ["good"] * 3
    assert noise.value == pytest.approx(20_000 / PIXELS, rel=0.3)
    assert hot.details["count"] == 0


@pytest.mark.parametrize("lamp_hz", [100.0, 120.0])
def test_lamps_on_the_mains_are_told_with_their_frequency_and_hide_the_rest(lamp_hz):
    flicker, noise, hot = look(events(60_000, flicker_hz=lamp_hz))
    assert (flicker.level, f"{lamp_hz:.0f} Hz" in flicker.sentence) == ("check", True)
    assert (noise.level, hot.level) == ("unknown", "unknown")


@pytest.mark.parametrize(("rate", "level"), [(3.0, "check"), (12.0, "redo")])
def test_noise_is_told_by_pixel_however_many_events_there_are(rate, level):
    _, noise, _ = look(events(rate * PIXELS))
    assert (noise.level, noise.value) == (level, pytest.approx(rate, rel=0.2))


def test_hot_pixels_are_counted_and_those_of_the_mask_are_known():
    memory = EventMemory()
    found = events(hot=HOT)
    for _ in range(3):
        _, _, hot = memory.look(view(events=found))
    assert (hot.details["count"], hot.details["pixels"]) == (3, [[10, 20], [300, 200], [301, 200]])
    _, _, masked = memory.look(view(events=found, masked=HOT))
    assert (masked.value, masked.details["masked"], "3 of them masked" in masked.sentence) == (0, 3, True)


def test_a_pixel_that_was_busy_once_is_not_hot():
    memory = EventMemory()
    memory.look(view(events=events(hot=((50, 50),))))
    for seed in (2, 3):
        _, _, hot = memory.look(view(events=events(seed=seed)))
    assert hot.details["count"] == 0


def test_without_events_nothing_is_said():
    assert [check.level for check in look(events()[:0])] == ["unknown"] * 3
    assert [check.level for check in look(events(), resolution=None)] == ["unknown"] * 3
    assert [check.level for check in look(events(seconds=0.1))][1] == "unknown"


def test_an_event_whose_time_lies_changes_nothing():
    lying = events()
    lying["t"][[10, 20]] = -(2**63), 2**63 - 1
    assert [check.level for check in look(lying)] == ["good"] * 3


# --- the mask


def dark(seconds: int = 5, *, hot: float = 0.002) -> np.ndarray:
    """What a small sensor gives behind its lens cap."""
    pixels = EventPixels((128, 96), PixelParams(hot_pixel_fraction=hot, shot_noise_rate_hz=0.5), seed=3)
    black = np.full((96, 128), 0.5, np.float32)
    pixels.start(black, 0)
    return np.concatenate([pixels.step(black, 50_000 * n)[0] for n in range(1, 20 * seconds + 1)])


def test_the_hot_pixels_of_a_dark_sensor_are_found_one_and_all():
    mask = hot_mask(dark(), (128, 96), np.full((96, 128), 3, np.uint8))
    assert len(mask.pixels) == round(0.002 * 128 * 96)
    assert all(pixel.rate_hz == pytest.approx(20, rel=0.3) for pixel in mask.pixels)
    assert mask.as_array().sum() == len(mask.places()) == len(mask.pixels)
    assert "are masked" in mask.sentence
    assert hot_mask(dark(hot=0.0), (128, 96)).pixels == ()


def moving_edge() -> np.ndarray:
    """A quiet sensor before which something passes once."""
    found = events(4_000, 5.0)
    found["t"][8_000:12_000] = found["t"][8_000]
    found["t"] = np.maximum.accumulate(found["t"])
    return found


def bright_half() -> np.ndarray:
    found = events(200_000, 5.0)
    return found[(found["x"] > 300) | (np.arange(len(found)) % 10 == 0)]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (events(seconds=1.0), "too few"),
        (events()[:0], "too few"),
        (events(60_000, 5.0, flicker_hz=100.0), "beat with the lamps"),
        (bright_half(), "busier than others"),
        (moving_edge(), "moves before the lens"),
    ],
    ids=["short", "none", "lamps", "scene", "motion"],
)
def test_a_scene_that_is_not_dark_makes_no_mask(found, words):
    with pytest.raises(NotDark, match=words):
        hot_mask(found, APS)


def test_an_event_whose_time_lies_changes_nothing_of_the_mask():
    found = dark()
    whole = hot_mask(found, (128, 96))
    found["t"][[10, 20]] = -(2**63), 2**63 - 1
    assert hot_mask(found, (128, 96)).places() == whole.places()


def test_a_bright_picture_makes_no_mask():
    with pytest.raises(NotDark, match="not dark"):
        hot_mask(events(2_000, 5.0), APS, np.full((260, 346, 3), 90, np.uint8))


def test_events_of_hot_pixels_alone_are_a_mask_and_no_crash() -> None:
    alone = np.zeros(40_000, EVENT_DTYPE)
    alone["t"] = np.linspace(0, 4_000_000, len(alone)).astype(np.int64)
    alone["x"], alone["y"] = 10, 20
    assert hot_mask(alone, (346, 260)).places() == ((10, 20),)
