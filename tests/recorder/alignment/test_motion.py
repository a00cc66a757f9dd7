"""A camera's clock from everything that moves: a drawn scene that sways before an event pixel and a camera with slow rows."""

import numpy as np
import pytest

from protocol.streams import EVENT_DTYPE
from recorder.alignment.cover import Pictures
from recorder.alignment.cover_model import ClockGuess
from recorder.alignment.motion import MotionFit, align_by_motion
from recorder.alignment.motion_increments import MovingEvents, moving_events

SIZE = (120, 90)
ZERO_US = 1_700_000_000_000_000
OFFSET_US = 876_543
READOUT_US = 20_000
INTERVAL_US = 33_333
SECONDS = 4.2
THRESHOLD = 0.2
SHIFT_PX = (7.0, -4.0)  # the frame camera looks a little aside


def texture(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Log light of the scene at places in pixels."""
    waves = ((0.11, 0.05, 0.3), (-0.06, 0.13, 1.7), (0.19, -0.08, 2.9), (0.03, 0.21, 4.2), (0.24, 0.17, 0.9))
    return 0.35 * sum(np.sin(a * x + b * y + phase) for a, b, phase in waves)


def sway(t_us: np.ndarray | float) -> np.ndarray:
    """How far the scene is moved to the right, in pixels: a slow sway, and jerks as short as a blink."""
    t = np.asarray(t_us) * 1e-6
    jerks = sum(
        size * np.tanh((t - at) / 0.03) for at, size in ((0.7, 2), (1.2, -3), (1.9, 2.5), (2.4, -2), (3.1, 3), (3.5, -2))
    )
    return np.sin(2.1 * t) + jerks


@pytest.fixture(scope="module")
def events() -> MovingEvents:
    """The scene before an event pixel with a threshold of THRESHOLD, in steps of a millisecond."""
    per_px, margin_px = 20, 20
    fine = np.arange((SIZE[0] + 2 * margin_px) * per_px) / per_px - margin_px
    scene = texture(*np.meshgrid(fine, np.arange(SIZE[1]) + 0.5))
    place = (np.arange(SIZE[0]) + 0.5 + margin_px) * per_px

    def seen(t_us: float) -> np.ndarray:
        return scene[:, np.rint(place - sway(t_us) * per_px).astype(int)]

    reference = seen(0.0)
    reference += np.random.default_rng(1).uniform(-THRESHOLD, THRESHOLD, reference.shape)
    found = []
    for t_us in range(1_000, int(SECONDS * 1e6), 1_000):
        over = np.trunc((seen(t_us) - reference) / THRESHOLD)
        rows, columns = np.nonzero(over)
        batch = np.zeros(len(rows), EVENT_DTYPE)
        batch["t"], batch["x"], batch["y"], batch["p"] = ZERO_US + t_us, columns, rows, over[rows, columns] > 0
        found.append(batch)
        reference += over * THRESHOLD
    return moving_events(np.concatenate(found), SIZE)


def pictures(*, readout_us: float = READOUT_US, shift_px: tuple[float, float] = SHIFT_PX, still: bool = False) -> Pictures:
    """The same scene before a frame camera: 40 x 30 samples, an exposure of 12 ms, some pictures lost, a gain that changes."""
    rng = np.random.default_rng(2)
    column, row = np.meshgrid(np.arange(40) * 3 + 1.5, np.arange(30) * 3 + 1.5)
    middle_us = np.arange(100_000, SECONDS * 1e6 - 100_000, INTERVAL_US)
    middle_us = middle_us[rng.random(len(middle_us)) > 0.05]
    late_us = (row / SIZE[1] - 0.5) * readout_us
    light = []
    for number, t_us in enumerate(middle_us):
        instants = (t_us + late_us + part for part in (-4_500, -1_500, 1_500, 4_500))
        seen = [np.exp(texture(column + shift_px[0] - (0 if still else sway(at)), row + shift_px[1])) for at in instants]
        noisy = np.mean(seen, axis=0) * rng.normal(1, 0.005, column.shape)
        light.append(noisy * (1.0 if number < 60 else 1.2))
    stack = np.array(light, np.float32)
    times = np.rint(ZERO_US + middle_us - OFFSET_US).astype(np.int64)
    return Pictures(times, np.full(len(times), 12.0), stack, np.zeros(stack.shape, bool), 0.75)


def guess(error_us: float) -> ClockGuess:
    return ClockGuess(OFFSET_US + error_us, ZERO_US, 50_000.0)


@pytest.fixture(scope="module")
def known(events: MovingEvents) -> MotionFit:
    """What is found without pictures of the event camera's own."""
    found = align_by_motion(events, pictures(), guess(20_000), READOUT_US, None)
    assert found is not None
    return found


def test_the_offset_is_found_from_a_poor_guess(events: MovingEvents, known: MotionFit) -> None:
    assert abs(known.offset_us - OFFSET_US) < known.uncertainty_us < 10_000
    poorer = align_by_motion(events, pictures(), guess(-38_000), READOUT_US, None)
    assert poorer is not None
    assert abs(poorer.offset_us - known.offset_us) < 1_500


def test_the_event_cameras_own_pictures_tell_how_late_its_events_are(events: MovingEvents, known: MotionFit) -> None:
    own = pictures(readout_us=0, shift_px=(0.0, 0.0))
    own = Pictures(own.times_us + OFFSET_US, own.exposure_ms, own.light, own.clipped, own.aspect)
    found = align_by_motion(events, pictures(), guess(20_000), READOUT_US, own)
    assert found is not None
    assert abs(found.offset_us - OFFSET_US) < 1_500
    assert abs(found.offset_us - OFFSET_US) < abs(known.offset_us - OFFSET_US)
    assert found.uncertainty_us < known.uncertainty_us


def test_an_unknown_readout_is_in_the_uncertainty(events: MovingEvents, known: MotionFit) -> None:
    unknown = align_by_motion(events, pictures(), guess(20_000), None, None)
    assert unknown is not None
    assert unknown.uncertainty_us > known.uncertainty_us


def test_a_guess_that_is_out_of_reach_gives_nothing_rather_than_something(events: MovingEvents) -> None:
    assert align_by_motion(events, pictures(), guess(400_000), READOUT_US, None) is None


def test_pictures_in_which_nothing_moves_give_nothing(events: MovingEvents) -> None:
    assert align_by_motion(events, pictures(still=True), guess(0), READOUT_US, None) is None


def test_what_is_left_out_does_not_count(events: MovingEvents) -> None:
    everything = ((ZERO_US, ZERO_US + int(SECONDS * 1e6)),)
    assert align_by_motion(events, pictures(), guess(0), READOUT_US, None, everything) is None


def test_no_events_and_few_pictures_give_nothing(events: MovingEvents) -> None:
    empty = moving_events(np.zeros(0, EVENT_DTYPE), SIZE)
    assert align_by_motion(empty, pictures(), guess(0), READOUT_US, None) is None
    few = pictures()
    few = Pictures(few.times_us[:10], few.exposure_ms[:10], few.light[:10], few.clipped[:10], few.aspect)
    assert align_by_motion(events, few, guess(0), READOUT_US, None) is None
