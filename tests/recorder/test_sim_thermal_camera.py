"""The simulated thermal camera: hundredths of a kelvin, slow, noisy, and frozen while its shutter is closed."""

import numpy as np
import pytest

from protocol.streams import Stream
from recorder.sim.clocks import Clock
from recorder.sim.scenery import SensorError
from recorder.sim.thermal_camera import (
    FREEZE_US,
    LOOK_BACK_US,
    NETD_K,
    SIZE,
    TIME_CONSTANT_US,
    ThermalCamera,
    ThermalOptions,
    to_counts,
)

START_US = 1_700_000_000_000_000
HOST_NS = 9_000_000_000
SECOND = 1_000_000
PLATE_C = 34.0


class Plate:
    """An even plate whose temperature is a function of event time since the start, us; remembers when it was looked at."""

    def __init__(self, celsius=lambda t_us: PLATE_C):
        self.celsius, self.asked = celsius, []

    def colour(self, size, t_top_us, t_bottom_us, exposure_us):
        raise AssertionError("a thermal camera sees no colour")

    def temperature(self, size, t_us):
        self.asked.append(t_us)
        return np.full((size[1], size[0]), self.celsius(t_us - START_US), np.float32)


def camera(scenery=None, *, seed=1, clock=None, **options):
    options = ThermalOptions(**({"ffc_every_s": 0.0} | options))
    return ThermalCamera(
        np.random.default_rng(seed), scenery or Plate(), clock or Clock(654_321, -70.0), START_US, HOST_NS, options
    )


def celsius(cam, shot):
    """Degrees of a picture by the camera's scale, its own calibration error taken off."""
    return shot.frame.image / 100 - 273.15 - cam.truth()["offset_k"]


def test_a_picture_is_160_by_120_counts_of_16_bits():
    frame = camera().due(START_US + SECOND)[0].frame
    assert (frame.stream, frame.image.shape, frame.image.dtype) == (Stream.THERMAL, (120, 160), np.uint16)


def test_counts_are_hundredths_of_a_kelvin_within_the_range():
    assert to_counts(np.array([34.0, 0.0, -80.0, 900.0], np.float32)).tolist() == [30715, 27315, 26315, 41315]


def test_a_plate_of_34_degrees_reads_34_degrees():
    for seed in range(8):
        cam = camera(seed=seed)
        shots = cam.due(START_US + 2 * SECOND)
        assert abs(cam.truth()["offset_k"]) < 2.5
        assert celsius(cam, shots[-1]).mean() == pytest.approx(PLATE_C, abs=0.02)


def test_noise_is_the_netd_and_below_50_mk():
    shots = camera().due(START_US + 20 * SECOND)
    noise_k = np.std(np.diff([s.frame.image.astype(float) for s in shots], axis=0), axis=0).mean() / 100 / np.sqrt(2)
    assert noise_k == pytest.approx(NETD_K, rel=0.05)
    assert noise_k < 0.050


def test_8_7_pictures_a_second_of_its_own_clock():
    clock = Clock(0, 100.0)
    shots = camera(clock=clock, stamp_sigma_us=0.0).due(START_US + 120 * SECOND)
    own_us = shots[-1].frame.stream_us - shots[0].frame.stream_us
    assert own_us / (len(shots) - 1) == pytest.approx(SECOND / 8.7, abs=1)
    assert shots[-1].true_us - shots[0].true_us - own_us == pytest.approx(12_000, rel=0.02)


def test_stamps_lead_back_to_the_true_time():
    clock = Clock(2_900_000, -88.0)
    truth = clock.truth(START_US, START_US)
    for shot in camera(clock=clock, stamp_sigma_us=0.0).due(START_US + 60 * SECOND):
        since = shot.frame.stream_us + truth["offset_us"] - START_US
        assert abs(START_US + since * (1 + truth["drift_ppm"] * 1e-6) - shot.true_us) <= 2


def test_the_true_time_is_the_mean_age_of_the_light():
    """An even rise is shown as it was at true_us; at 1 Hz the camera's own filter has no part in it."""
    plate = Plate(lambda t_us: 20.0 + 10e-6 * t_us)
    cam = camera(plate, fps=1.0)
    shot = cam.due(START_US + 2 * SECOND)[-1]
    assert celsius(cam, shot).mean() == pytest.approx(plate.celsius(shot.true_us - START_US), abs=0.03)


def test_it_asks_for_nothing_after_the_read_out():
    plate = Plate()
    cam = camera(plate)
    for t_us in range(START_US, START_US + 2 * SECOND, 30_000):
        plate.asked.clear()
        if shots := cam.due(t_us):
            read_us = shots[-1].true_us + TIME_CONSTANT_US
            assert read_us - LOOK_BACK_US - 1 <= min(plate.asked) <= max(plate.asked) < read_us < t_us


def test_it_follows_a_step_slowly():
    """Bolometer (12 ms) and filter (40 ms) in series, seen at 30 pictures a second."""
    step_us = SECOND
    cam = camera(Plate(lambda t_us: 22.0 if t_us < step_us else 34.0), fps=30.0)
    shots = cam.due(START_US + 2 * SECOND)
    age_us = np.array([s.true_us + TIME_CONSTANT_US - START_US - step_us for s in shots])
    shown = np.array([(celsius(cam, s).mean() - 22) / 12 for s in shots])
    first = shown[(age_us > 0) & (age_us <= 34_000)].mean()
    assert 0 < first < 0.6
    assert shown[(age_us > 60_000) & (age_us <= 95_000)].mean() < 0.97
    assert shown[age_us > 250_000].min() > 0.99
    assert shown[age_us <= 0].max() < 0.01
    assert np.all(np.diff(shown[(age_us > -40_000) & (age_us < 150_000)]) > -0.005)


def test_the_lens_blurs_an_edge():
    class Edge(Plate):
        def temperature(self, size, t_us):
            return np.where(np.arange(size[0]) < 80, 22, 34) * np.ones((size[1], 1), np.float32)

    cam = camera(Edge())
    row = np.mean([celsius(cam, s).mean(0) for s in cam.due(START_US + 3 * SECOND)], axis=0)
    assert 23 < row[79] < 26
    assert 30 < row[80] < 33
    assert row[76] == pytest.approx(22, abs=0.05)


def test_while_the_shutter_is_closed_the_picture_stands_and_the_stamps_go_on():
    cam = camera(ffc_every_s=180.0, ffc_first_s=2.0)
    shots = cam.due(START_US + 6 * SECOND)
    assert cam.truth()["ffc_us"] == [START_US + 2 * SECOND]
    same = [i for i in range(1, len(shots)) if np.array_equal(shots[i].frame.image, shots[i - 1].frame.image)]
    assert same == list(range(same[0], same[0] + len(same)))
    assert len(same) == pytest.approx(FREEZE_US * 8.7 / SECOND, abs=1)
    read_us = shots[same[0]].true_us + TIME_CONSTANT_US - START_US
    assert 2 * SECOND <= read_us < 2 * SECOND + 116_000
    assert np.diff([s.frame.stream_us for s in shots]) == pytest.approx(SECOND / 8.7, abs=900)


def test_the_offset_creeps_and_jumps_at_a_calibration():
    jumps = []
    for seed in range(6):
        cam = camera(seed=seed, ffc_every_s=180.0, ffc_first_s=170.0, fps=2.0)
        shots = cam.due(START_US + 175 * SECOND)
        level = {round((s.true_us - START_US) / SECOND): celsius(cam, s).mean() for s in shots}
        assert abs(level[2] - PLATE_C) < 0.02
        assert abs(level[173] - PLATE_C) < 0.02
        jumps.append(abs(level[173] - level[169]))
    assert max(jumps) < 1.0
    assert np.median(jumps) > 0.05


def pattern_k(shots):
    return np.mean([s.frame.image for s in shots], axis=0).std() / 100


def test_fixed_pattern_noise_grows_between_calibrations():
    shots = camera(fps=5.0).due(START_US + 170 * SECOND)
    early, late = pattern_k(shots[:60]), pattern_k(shots[-60:])
    assert 0.008 < early < 0.030
    assert late > 2 * early


def test_a_correction_comes_every_three_minutes_from_a_random_phase_on():
    first = []
    for seed in range(12):
        cam = ThermalCamera(np.random.default_rng(seed), Plate(), Clock(0, 0.0), START_US, HOST_NS, ThermalOptions(fps=1.0))
        cam.due(START_US + 361 * SECOND)
        times = cam.truth()["ffc_us"]
        assert np.all(np.diff(times) == 180 * SECOND)
        first.append((times[0] - START_US) / SECOND)
    assert 0 <= min(first) < 60 < 120 < max(first) < 180


def test_no_correction_where_none_is_wanted():
    cam = camera()
    cam.due(START_US + 200 * SECOND)
    assert cam.truth()["ffc_us"] == []


def test_dead_pixels_are_the_mean_of_their_neighbours():
    shots = camera(seed=3).due(START_US + 5 * SECOND)
    images = np.array([s.frame.image for s in shots], float)
    off = np.abs(images[:, :, 1:-1] - (images[:, :, :-2] + images[:, :, 2:]) / 2).max(0)
    assert 5 < (off <= 1).sum() < 40  # a thousandth of 19,200, to the rounding of a count
    assert images.min() > 30_000


def test_dropped_pictures_are_counted():
    cam = camera(drop_share=0.1)
    shots = cam.due(START_US + 60 * SECOND)
    assert len(shots) + cam.dropped == pytest.approx(522, abs=1)
    assert 25 < cam.truth()["frames_dropped"] == cam.dropped < 85


def test_pictures_arrive_late_and_in_order():
    cam = camera()
    shots = cam.due(START_US + 60 * SECOND)
    late = np.array([s.arrival_us - s.true_us - TIME_CONSTANT_US for s in shots])
    assert 30_000 <= cam.truth()["latency_us"] <= late.min()
    assert np.all(np.diff([s.arrival_us for s in shots]) > 0)
    assert all(s.frame.host_ns == HOST_NS + (s.arrival_us - START_US) * 1000 for s in shots)


def test_same_seed_same_pictures_in_one_go_or_in_bits():
    whole = camera(seed=4, ffc_every_s=180.0, ffc_first_s=1.0).due(START_US + 4 * SECOND)
    by_bits = camera(seed=4, ffc_every_s=180.0, ffc_first_s=1.0)
    bits = [shot for t in range(0, 4 * SECOND + 1, 10_000) for shot in by_bits.due(START_US + t)]
    assert all(np.array_equal(a.frame.image, b.frame.image) for a, b in zip(whole, bits, strict=True))
    assert [(s.arrival_us, s.frame.stream_us) for s in whole] == [(s.arrival_us, s.frame.stream_us) for s in bits]
    assert not np.array_equal(whole[0].frame.image, camera(seed=5).due(START_US + SECOND)[0].frame.image)


def test_a_frozen_picture_is_a_copy_of_its_own():
    shots = camera(ffc_every_s=180.0, ffc_first_s=1.0).due(START_US + 1_600_000)
    assert np.array_equal(shots[-1].frame.image, shots[-2].frame.image)
    shots[-1].frame.image[:] = 0
    assert shots[-2].frame.image.min() > 0


@pytest.mark.parametrize("wrong", [{"fps": 60.0}, {"fps": float("nan")}, {"ffc_every_s": -1.0}, {"ffc_first_s": -3.0}])
def test_options_without_meaning_are_refused(wrong):
    with pytest.raises(SensorError, match=r"^The thermal camera's .* is .*: give a number between .*\.$"):
        ThermalOptions(**wrong)


def test_settings_tell_the_scale():
    settings = camera().settings()
    assert (settings["counts_per_k"], settings["size"]) == (100.0, list(SIZE))
