"""The simulated colour camera: its times are true, its pictures have the faults of a webcam's."""

import numpy as np
import pytest

from protocol.streams import Stream
from recorder.sim.clocks import Clock
from recorder.sim.colour_camera import (
    AE_TARGET,
    CODES_PER_E,
    EXPOSURE_MAX_US,
    EXPOSURE_MIN_US,
    FULL_WELL_E,
    GAIN_MAX,
    LOOK_BACK_US,
    READ_NOISE_E,
    READOUT_US,
    AutoExposure,
    ColourCamera,
    ColourOptions,
    Sensor,
)
from recorder.sim.lamp import Lamp
from recorder.sim.scenery import SensorError

START_US = 1_700_000_000_000_000
HOST_NS = 5_000_000_000
SMALL = (64, 48)
SECOND = 1_000_000


class Plate:
    """An even plate whose radiance is a function of seconds since the start; remembers what it was asked for."""

    def __init__(self, radiance=lambda s: 0.5, tint=(1, 1, 1)):
        self.radiance, self.tint = radiance, np.array(tint, np.float32)
        self.asked = []

    def colour(self, size, t_top_us, t_bottom_us, exposure_us):
        self.asked.append((t_top_us, t_bottom_us, exposure_us))
        rows = np.linspace(t_top_us - START_US, t_bottom_us - START_US, size[1]) / SECOND
        light = np.array([self.radiance(s) for s in rows], np.float32)
        return np.ascontiguousarray(np.broadcast_to(light[:, None, None] * self.tint, (size[1], size[0], 3)))

    def temperature(self, size, t_us):
        raise AssertionError("a colour camera feels no warmth")


def camera(scenery=None, *, seed=1, lamp=None, clock=None, **options):
    options = ColourOptions(**({"size": SMALL, "drop_share": 0.0} | options))
    clock = clock or Clock(1_234_567, 80.0)
    return ColourCamera(np.random.default_rng(seed), scenery or Plate(), lamp or Lamp(), clock, START_US, HOST_NS, options)


def linear(image):
    """Linear light, 0 ... 1, of 8-bit sRGB values."""
    code = image / 255
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)


def test_a_picture_is_8_bit_bgr_of_the_size_asked_for():
    shot = camera(size=(640, 480)).due(START_US + 200_000)[0]
    assert (shot.frame.stream, shot.frame.image.shape, shot.frame.image.dtype) == (Stream.RGB, (480, 640, 3), np.uint8)


def test_stamps_lead_back_to_the_middle_of_the_exposure_of_the_centre_row():
    plate = Plate()
    clock = Clock(-2_345_678, -93.0)
    shots = camera(plate, clock=clock, stamp_sigma_us=0.0).due(START_US + 60 * SECOND)
    truth = clock.truth(START_US, t0_us := START_US + 7 * SECOND)
    for shot, (top_us, bottom_us, exposure_us) in zip(shots, plate.asked, strict=True):
        since = shot.frame.stream_us + truth["offset_us"] - t0_us
        assert abs(t0_us + since * (1 + truth["drift_ppm"] * 1e-6) - shot.true_us) <= 2
        assert shot.true_us == (top_us + bottom_us) / 2
        assert bottom_us - top_us == READOUT_US
        assert shot.frame.exposure_us == exposure_us


def test_stamps_jitter_by_tens_of_microseconds():
    clock = Clock(0, 50.0)
    shots = camera(clock=clock).due(START_US + 60 * SECOND)
    error = np.array([shot.frame.stream_us - clock.stream_us(shot.true_us, START_US) for shot in shots])
    assert 15 < error.std() < 25
    assert np.abs(error).max() <= 61


def test_rate_and_drift_show_over_minutes():
    shots = camera(clock=Clock(0, 100.0), exposure_us=8_000, size=(16, 16)).due(START_US + 180 * SECOND)
    true, own = ([getattr(x, name) for x in xs] for xs, name in ((shots, "true_us"), ([s.frame for s in shots], "stream_us")))
    assert (own[-1] - own[0]) / (len(own) - 1) == pytest.approx(SECOND / 30, abs=0.1)
    assert (true[-1] - true[0]) - (own[-1] - own[0]) == pytest.approx(180 * 100, rel=0.02)
    assert np.abs(np.diff(true) - SECOND / 30).max() < 190


def test_due_gives_each_picture_once_however_often_it_is_asked():
    at_once, by_bits = camera(), camera()
    whole = at_once.due(START_US + 2 * SECOND)
    bits = [shot for t in range(0, 2 * SECOND + 1, 7_000) for shot in by_bits.due(START_US + t)]
    bits += by_bits.due(START_US + 2 * SECOND)
    assert [s.frame.stream_us for s in bits] == [s.frame.stream_us for s in whole]
    assert all(np.array_equal(a.frame.image, b.frame.image) for a, b in zip(bits, whole, strict=True))
    assert at_once.due(START_US + 2 * SECOND) == []


def test_a_picture_is_due_when_its_read_out_has_ended_and_asks_for_nothing_after():
    plate = Plate(lambda s: 0.05)
    cam = camera(plate)
    for t in range(0, 3 * SECOND, 5_000):
        before = len(plate.asked)
        cam.due(START_US + t)
        for top_us, bottom_us, exposure_us in plate.asked[before:]:
            assert bottom_us + exposure_us / 2 < START_US + t
            assert top_us - exposure_us / 2 >= bottom_us + exposure_us / 2 - LOOK_BACK_US


def test_same_seed_same_pictures_other_seed_others():
    first, again, other = (camera(seed=seed).due(START_US + SECOND)[-1] for seed in (5, 5, 6))
    assert np.array_equal(first.frame.image, again.frame.image)
    assert (first.arrival_us, first.frame.host_ns) == (again.arrival_us, again.frame.host_ns)
    assert not np.array_equal(first.frame.image, other.frame.image)


def test_pictures_arrive_15_to_40_ms_after_their_read_out_and_a_little_more_in_order():
    plate = Plate()
    cam = camera(plate)
    shots = cam.due(START_US + 60 * SECOND)
    late = np.array([s.arrival_us - bottom - exposure / 2 for s, (_, bottom, exposure) in zip(shots, plate.asked, strict=True)])
    assert 15_000 <= cam.truth()["latency_us"] <= 40_000
    assert late.min() >= cam.truth()["latency_us"]
    assert late.mean() == pytest.approx(cam.truth()["latency_us"] + 3_000, abs=300)
    assert np.all(np.diff([s.arrival_us for s in shots]) > 0)
    assert all(s.frame.host_ns == HOST_NS + (s.arrival_us - START_US) * 1000 for s in shots)


def test_dropped_pictures_are_counted_and_leave_a_gap():
    cam = camera(drop_share=0.05, size=(16, 16))
    shots = cam.due(START_US + 60 * SECOND)
    assert len(shots) + cam.dropped == pytest.approx(1800, abs=1)
    assert 50 < cam.dropped < 140
    missing = np.rint(np.diff([s.frame.stream_us for s in shots]) * 30 / SECOND).astype(int) - 1
    assert cam.dropped - 2 <= missing.sum() <= cam.dropped
    assert cam.truth()["frames_dropped"] == cam.dropped


def test_nothing_is_dropped_that_is_not_asked_for():
    assert camera().dropped == 0


def brightness(shots):
    return np.array([linear(s.frame.image).mean() for s in shots])


@pytest.mark.parametrize(("before", "after"), [(0.9, 0.25), (0.25, 0.9), (0.9, 0.05)])
def test_auto_exposure_settles_after_a_step_without_swinging(before, after):
    shots = camera(Plate(lambda s: before if s < 3 else after)).due(START_US + 6 * SECOND)
    level = brightness(shots)
    step = next(i for i, s in enumerate(shots) if s.true_us > START_US + 3 * SECOND)
    settled = level[step + 30 : step + 60]  # from one second after
    assert abs(level[step + 1] / level[step - 2] - 1) > 0.5  # at first it is wrong
    assert np.abs(np.log2(settled / AE_TARGET)).max() < 0.15
    assert np.log2(settled.max() / settled.min()) < 0.05
    error = np.log2(level[step + 1 : step + 60] / settled.mean()) * np.sign(before - after)
    assert error.max() < 0.1  # it does not overshoot


def test_dim_light_takes_the_longest_exposure_and_then_gain():
    shot = camera(Plate(lambda s: 0.06)).due(START_US + 4 * SECOND)[-1]
    assert shot.frame.exposure_us == EXPOSURE_MAX_US
    assert linear(shot.frame.image).mean() == pytest.approx(AE_TARGET, rel=0.15)


def test_the_loop_keeps_its_bounds():
    dark, bright = AutoExposure(2_000, 25_000), AutoExposure(2_000, 25_000)
    for _ in range(200):
        dark.next(), bright.next()
        dark.measure(0.0), bright.measure(1.0)
    assert dark.next() == (EXPOSURE_MAX_US, GAIN_MAX)
    assert bright.next() == (EXPOSURE_MIN_US, 1.0)


def test_colours_come_out_as_they_are():
    image = camera(Plate(tint=(0.9, 0.5, 0.2)), exposure_us=8_000, white_balance=False).due(START_US + SECOND)[-1].frame.image
    blue, green, red = linear(image[16:32, 24:40]).mean((0, 1))
    assert blue / green == pytest.approx(0.9 / 0.5, rel=0.03)
    assert red / green == pytest.approx(0.2 / 0.5, rel=0.03)


def test_white_balance_takes_a_tint_away_slowly():
    shots = camera(Plate(tint=(0.85, 1.0, 1.1))).due(START_US + 12 * SECOND)
    cast = [np.ptp(linear(shots[i].frame.image[16:32, 24:40]).mean((0, 1))) for i in (1, 30, -1)]
    assert cast[1] > 0.4 * cast[0]  # a second later most of it is still there
    assert cast[2] < 0.15 * cast[0]


def test_corners_are_darker():
    image = linear(camera(exposure_us=8_000, size=(320, 240)).due(START_US + SECOND)[-1].frame.image)
    assert image[:6, :6].mean() / image[110:130, 150:170].mean() == pytest.approx(0.77, abs=0.03)


def test_photon_transfer_variance_is_signal_and_read_noise():
    sensor = Sensor(np.random.default_rng(1), (128, 96))
    for signal_e in (20.0, 300.0, 3_000.0):
        electrons = np.full(96, signal_e, np.float32)
        pictures = np.stack([sensor.expose(np.ones((96, 128, 3), np.float32), electrons, 1.0) for _ in range(60)]) / CODES_PER_E
        offset_e = sensor.expose(np.zeros((96, 128, 3), np.float32), electrons, 1.0).mean() / CODES_PER_E
        mean_e, quantised = pictures.mean(0) - offset_e, 1 / 12 / CODES_PER_E**2
        assert pictures.var(0, ddof=1).mean() == pytest.approx(mean_e.mean() + READ_NOISE_E**2 + quantised, rel=0.03)


def test_gain_brings_noise_not_light():
    dark = camera(Plate(lambda s: 0.3), exposure_us=2_000, gain=8.0).due(START_US + SECOND)
    bright = camera(Plate(lambda s: 0.3), exposure_us=16_000, gain=1.0).due(START_US + SECOND)
    patch = (slice(16, 32), slice(24, 40))
    noise = [np.std([linear(s.frame.image[patch]) for s in shots[1:]], axis=0).mean() for shots in (dark, bright)]
    assert linear(dark[-1].frame.image).mean() == pytest.approx(linear(bright[-1].frame.image).mean(), rel=0.02)
    assert 2.2 < noise[0] / noise[1] < 3.5  # the square root of eight times the light


def test_noise_of_a_picture_grows_with_its_light():
    noise = []
    for radiance in (0.05, 0.2, 0.8):
        shots = camera(Plate(lambda s, r=radiance: r), exposure_us=16_000).due(START_US + SECOND)[1:]
        noise.append(np.std([linear(s.frame.image) for s in shots], axis=0).mean())
    assert noise[1] / noise[0] == pytest.approx(2, rel=0.2)
    assert noise[2] / noise[1] == pytest.approx(2, rel=0.2)


def test_too_much_light_is_white_not_wrapped():
    image = camera(Plate(lambda s: 50.0), exposure_us=16_000).due(START_US + SECOND)[-1].frame.image
    assert image[16:32, 24:40].min() >= 250
    assert sensor_top() == 4095


def sensor_top():
    sensor = Sensor(np.random.default_rng(1), SMALL)
    electrons = np.full(48, FULL_WELL_E, np.float32)
    return sensor.expose(np.full((48, 64, 3), 9, np.float32), electrons, 8.0).max()


def bands(lamp, exposure_us):
    """How much the rows of a picture differ, relative, without vignetting: against the same row half a flicker period on."""
    shots = camera(Plate(), lamp=lamp, exposure_us=exposure_us).due(START_US + 2 * SECOND)[1:]
    rows = np.array([linear(s.frame.image[:, 24:40]).mean((1, 2)) for s in shots])
    return (rows / rows.mean(0)).std()


def test_flicker_makes_bands_that_a_whole_period_of_exposure_takes_away():
    still, flicker = Lamp(), Lamp(1.0, 100.0, 0.3)
    assert bands(flicker, 4_000) > 0.1
    assert bands(still, 4_000) < 0.02
    assert bands(flicker, 10_000) < 0.02


def test_bands_are_where_the_lamp_was_dark():
    lamp = Lamp(1.0, 100.0, 0.3)
    plate = Plate()
    shot = camera(plate, lamp=lamp, exposure_us=2_000, size=(64, 480)).due(START_US + 200_000)[-1]
    top_us, bottom_us, _ = plate.asked[-1]
    light = lamp.intensity(np.linspace(top_us, bottom_us, 480))
    rows = linear(shot.frame.image[:, 24:40]).mean((1, 2))
    assert np.corrcoef(rows, light)[0, 1] > 0.95


def test_a_scenery_of_the_wrong_shape_is_a_defect():
    with pytest.raises(ValueError, match="radiance"):
        Sensor(np.random.default_rng(1), SMALL).expose(np.ones((4, 4, 3), np.float32), np.ones(48, np.float32), 1.0)


@pytest.mark.parametrize(
    "wrong", [{"fps": 0.0}, {"size": (641, 480)}, {"drop_share": 2.0}, {"exposure_us": 90_000}, {"gain": 0.5}, {"size": (2, 2)}]
)
def test_options_without_meaning_are_refused(wrong):
    with pytest.raises(SensorError, match=r"^The colour camera's .*: give .*\.$"):
        ColourOptions(**wrong)


def test_settings_tell_what_was_chosen():
    settings = camera(exposure_us=8_000).settings()
    assert settings["auto_exposure"] is False
    assert settings["readout_us"] == READOUT_US
    assert settings["size"] == list(SMALL)


def test_a_fast_camera_reads_out_within_its_period():
    options = ColourOptions(fps=120.0)
    assert options.readout_us <= 7_500
    assert options.exposure_max_us < 8_334
