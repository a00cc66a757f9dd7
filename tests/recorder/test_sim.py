"""The simulated rig as a camera: its streams and their times, and a ground truth that is true in its own data."""

import contextlib
import dataclasses
import json
import time

import numpy as np
import pytest
from camera_helpers import TestPace, events, frames, times

from protocol.errors import GlimpseError
from protocol.streams import EVENT_DTYPE, Frame, Stream
from recorder.clock import EventPace
from recorder.sim.casting import cast
from recorder.sim.options import parse_options
from recorder.sim.paper import COVERED_MM, PLANE_MM, SheetView
from recorder.sim.performance import Mistake
from recorder.sim.pixel import Cause
from recorder.sim.rig import EPOCH_US, HEIGHT, HOST_EPOCH_NS, LONGEST_STEP, STEP_US, WIDTH
from recorder.sim.sources import open_world
from recorder.sim.state import UNITS
from recorder.sim.view import EVENT_VIEW, RGB_VIEW
from recorder.sources.base import CameraEnded, CameraError, Prompt, Surroundings
from recorder.sources.spec import CameraSpec, parse_camera

S = 1_000_000
# What the screen shows, in seconds after the start: a shortened script.
SCREEN = ((0.0, "paper_in", None), (1.1, "neutral", None), (2.0, "move", "frown"))
CUE_S, TAKE_S = 2.0, 3.04
SEED = 3  # whose eyes rest while the brows move, and whose sheet is taken away downwards
OPTIONS = {"head": "builtin", "intensity": "0.7..1", "duration_ms": "300..500"}
BOTH = (Stream.RGB, Stream.THERMAL)
PRESENT_US = 200_000


class Screen:
    """Shows the prompts by event time."""

    def __init__(self, start_us, screen=SCREEN):
        self.now_us = start_us
        self._prompts = [
            Prompt(number, start_us + round(at * S), action, action, movement, action)
            for number, (at, action, movement) in enumerate(screen)
        ]

    def __call__(self):
        shown = [prompt for prompt in self._prompts if prompt.at_us <= self.now_us]
        return shown[-1] if shown else None


def start_of(seed, take=0):
    return EPOCH_US + seed * 1_000 * S + take * 100 * S


def rig(seed=SEED, options=None, *, video=(), pace=None, prompt=lambda: None, monotonic_ns=time.monotonic_ns):
    around = Surroundings(pace or EventPace(), prompt, monotonic_ns, time.sleep, video)
    return open_world(CameraSpec("sim", str(seed), {"head": "builtin", **(options or {})}), around)


def read_for(camera, seconds, screen=None):
    packets = []
    for _ in range(round(seconds * S / STEP_US)):
        packets += camera.read()
        if screen:
            screen.now_us += STEP_US
    return packets


@dataclasses.dataclass
class Take:
    """One take at full speed. shots: what the frame cameras gave, with the true times of it."""

    info: object
    packets: list
    truth: dict
    truth_of: object
    shots: dict
    performer: object


def record(seed=SEED, seconds=TAKE_S, options=None, *, video=(), screen=SCREEN):
    """A whole take, the screen following event time."""
    shown = Screen(start_of(seed), screen)
    camera = rig(seed, options, video=video, prompt=shown)
    info = camera.open()
    shots = remember_shots(camera)
    packets = read_for(camera, seconds, shown)
    truth = info.truth(None, None)
    camera.close()
    return Take(info, packets, truth, info.truth, shots, camera._play.performer)


def remember_shots(camera):
    """The pictures as the frame cameras made them, by their stream, as they come."""
    shots, due = {stream: [] for stream in BOTH}, camera._videos._due

    def remembering(*until):
        made = due(*until)
        for shot in made:
            shots[shot.frame.stream].append(shot)
        return made

    camera._videos._due = remembering
    return shots


@pytest.fixture(scope="module")
def take():
    return record(options=OPTIONS, video=BOTH)


@pytest.fixture(scope="module")
def short():
    """The begin of another run of the same world, without video."""
    return record(options=OPTIONS, seconds=0.72)


# --- the streams


def test_it_announces_what_it_gives(take):
    resolutions = {info.stream: info.resolution for info in take.info.streams}
    assert resolutions[Stream.EVENTS] == resolutions[Stream.FRAMES] == (WIDTH, HEIGHT) == (346, 260)
    assert set(resolutions) == {packet.stream for packet in take.packets} == set(Stream)
    for picture in frames(take.packets):
        depth = (3,) if picture.stream is Stream.RGB else ()
        assert picture.image.shape == (*reversed(resolutions[picture.stream]), *depth)
        assert picture.image.dtype == (np.uint16 if picture.stream is Stream.THERMAL else np.uint8)
    assert (take.info.kind, take.info.serial, take.info.simulated) == ("sim", str(SEED), True)


def test_streams_that_nobody_asked_for_do_not_come(short):
    assert {packet.stream for packet in short.packets} == {Stream.EVENTS, Stream.FRAMES, Stream.IMU, Stream.TRIGGERS}
    assert set(short.truth["clocks"]) == set()


@pytest.mark.parametrize("stream", [Stream.EVENTS, Stream.IMU, Stream.TRIGGERS, Stream.FRAMES, *BOTH])
def test_the_times_of_a_stream_never_go_back_from_the_first_read_to_the_last(take, stream):
    instants = times(take.packets, stream)
    assert len(instants) > 10
    assert (np.diff(instants) >= 0).all()


def test_events_are_events_on_the_sensor(take):
    found = events(take.packets)
    assert found.dtype == EVENT_DTYPE
    assert (found["x"].min(), found["x"].max()) == (0, WIDTH - 1)
    assert (found["y"].min(), found["y"].max()) == (0, HEIGHT - 1)
    assert set(np.unique(found["p"])) == {0, 1}
    assert start_of(SEED) < found["t"][0]
    assert found["t"][-1] <= start_of(SEED) + TAKE_S * S
    assert len(np.unique(found["t"] % STEP_US)) == STEP_US, "every microsecond is as good as any other"


def test_each_step_lasts_8_ms_and_the_grey_pictures_come_25_times_a_second_with_their_triggers(take):
    imu = times(take.packets, Stream.IMU)
    assert (np.diff(imu) == 1_000).all()
    assert len(imu) == TAKE_S * 1_000
    grey = times(take.packets, Stream.FRAMES)
    assert (np.diff(grey) == 40_000).all()
    triggers = np.concatenate([packet.records for packet in take.packets if packet.stream is Stream.TRIGGERS])
    assert list(triggers["kind"]) == [8, 9] * len(grey)
    begins, ends = triggers["t"][::2], triggers["t"][1::2]
    assert (begins < grey).all()
    assert (grey < ends).all()
    exposures = [frame.exposure_us for frame in frames(take.packets) if frame.stream is Stream.FRAMES]
    assert np.abs(ends - begins - exposures).max() <= 1


@pytest.mark.parametrize(("stream", "per_second"), [(Stream.RGB, 30), (Stream.THERMAL, 8.7)])
def test_frame_cameras_keep_their_rate(take, stream, per_second):
    instants = times(take.packets, stream)
    assert np.median(np.diff(instants)) == pytest.approx(1e6 / per_second, rel=0.02)
    lost = take.truth["cameras"][stream]["frames_dropped"]
    assert len(instants) + lost == pytest.approx(TAKE_S * per_second, abs=3)


def test_gravity_is_in_the_motion_sensor(take):
    samples = np.concatenate([packet.records for packet in take.packets if packet.stream is Stream.IMU])
    assert samples["accelerometer"].mean(axis=0) == pytest.approx([0, 1, 0], abs=0.01)
    assert samples["gyroscope"].mean(axis=0) == pytest.approx([0, 0, 0], abs=0.02)


# --- one seed is one world


def test_the_same_events_come_again_and_asking_for_video_changes_none(take, short):
    until = start_of(SEED) + 720_000
    for stream in (Stream.EVENTS, Stream.IMU, Stream.TRIGGERS):
        whole = np.concatenate([packet.records for packet in take.packets if packet.stream is stream])
        part = np.concatenate([packet.records for packet in short.packets if packet.stream is stream])
        assert len(part) > 30
        assert (part == whole[: len(part)]).all()
        assert whole["t"][len(part)] > until
    grey, again = ([f for f in frames(it.packets) if f.stream is Stream.FRAMES] for it in (take, short))
    assert len(again) == 18
    for one, other in zip(grey, again, strict=False):
        assert (one.image == other.image).all()


def test_the_same_pictures_come_again(take):
    again = frames(record(options=OPTIONS, seconds=0.4, video=BOTH).packets)
    assert {frame.stream for frame in again} == {Stream.FRAMES, *BOTH}
    for first, second in zip(frames(take.packets), again, strict=False):
        assert (first.stream, first.stream_us, first.host_ns) == (second.stream, second.stream_us, second.host_ns)
        assert (first.image == second.image).all()


def test_another_seed_is_another_world(short):
    other = record(SEED + 1, 0.1, OPTIONS)
    assert other.truth["subject"] != short.truth["subject"]
    assert other.truth["distance_mm"] != short.truth["distance_mm"]
    one, another = (frames(it.packets)[0].image.astype(int) for it in (short, other))
    assert np.abs(one - another).mean() > 5


def test_another_take_of_a_subject_is_the_same_person_in_another_seat(short):
    other = record(SEED, 0.1, {**OPTIONS, "take": "1"})
    one, another = short.truth["subject"], other.truth["subject"]
    assert {**one, "take": 1, "lux": 0} == {**another, "lux": 0}
    assert other.truth["distance_mm"] != short.truth["distance_mm"]
    assert events(other.packets)["t"][0] > start_of(SEED, 1)


# --- ground truth


def test_the_truth_has_the_keys_of_the_contract(take):
    wanted = {"movement", "onset_us", "apex_us", "offset_us", "intensity", "clocks", "distance_mm", "mistake", "au"}
    assert wanted <= set(take.truth)
    assert {"t0_us", "paper", "blinks", "others", "events", "subject", "cameras"} <= set(take.truth)
    for stream in BOTH:
        assert set(take.truth["clocks"][stream]) == {"offset_us", "drift_ppm"}
    assert 250 < take.truth["distance_mm"] < 500


def test_the_truth_names_the_movement_that_was_asked_for(take):
    truth = take.truth
    assert (truth["movement"], truth["mistake"]) == ("frown", None)
    asked = start_of(SEED) + CUE_S * S
    assert 200_000 <= truth["onset_us"] - asked <= 600_000
    assert truth["onset_us"] < truth["apex_us"] < truth["offset_us"]
    assert 300_000 <= truth["offset_us"] - truth["onset_us"] <= 500_000
    assert 0.7 <= truth["intensity"] <= 1


def test_action_units_go_from_0_to_1_in_order_of_time(take):
    lines = take.truth["au"]
    assert {"AU4_L", "AU4_R"} <= set(lines) <= set(UNITS)
    for line in lines.values():
        instants, levels = zip(*line, strict=True)
        assert list(instants) == sorted(set(instants))
        assert 0 <= min(levels) <= max(levels) <= 1
    instants, levels = (np.array(column) for column in zip(*lines["AU4_L"], strict=True))
    moving = instants[levels > 0]
    assert take.truth["onset_us"] <= moving[0]
    assert moving[-1] <= take.truth["offset_us"]
    assert abs(instants[np.argmax(levels)] - take.truth["apex_us"]) <= 10_000


def test_a_truth_is_json(take):
    assert json.loads(json.dumps(take.truth)) == take.truth


BIN_US = 20_000


def brow_rate(take, begin_us, end_us):
    """Events between the brows in bins of 20 ms: [bins]."""
    found = events(take.packets)
    inside = (np.abs(found["x"] - WIDTH / 2) < 45) & (found["y"] > 50) & (found["y"] < 95)
    return np.histogram(found["t"][inside], np.arange(begin_us, end_us + 1, BIN_US))[0]


def test_the_burst_of_events_lies_between_onset_and_apex_and_the_return_before_the_offset(take):
    onset, apex, offset = (take.truth[f"{name}_us"] for name in ("onset", "apex", "offset"))
    before, after = brow_rate(take, onset - PRESENT_US, onset), brow_rate(take, offset + BIN_US, offset + PRESENT_US)
    rise, fall = brow_rate(take, onset, apex), brow_rate(take, apex, offset)
    quiet = np.median(np.concatenate([before, after]))
    assert rise.max() > 4 * quiet
    assert fall.max() > 3 * quiet
    assert before.max() < 0.4 * rise.max()
    assert after.max() < 0.4 * rise.max()
    assert 0.15 < (np.argmax(rise) + 0.5) / len(rise) < 0.95, "fastest on the way"


def test_the_edge_of_the_paper_makes_its_last_events_when_the_truth_says_that_it_has_left(take):
    t0 = take.truth["t0_us"]
    assert t0 == take.truth["paper"]["out_us"]
    found = events(take.packets)
    last_rows = found[found["y"] >= HEIGHT - 8]["t"]
    rate = np.histogram(last_rows, np.arange(t0 - 300_000, t0 + 300_001, 10_000))[0]
    assert abs(int(np.argmax(rate)) * 10_000 - 300_000) <= 60_000
    assert rate[32:].max() < 0.05 * rate.max(), "20 ms later nothing of it is left"


def test_the_grey_pictures_are_white_before_the_paper_leaves_and_show_a_face_when_it_has_gone(take):
    shown = [frame for frame in frames(take.packets) if frame.stream is Stream.FRAMES]
    t0, came = take.truth["t0_us"], take.truth["paper"]["in_us"]
    covered = [frame.image for frame in shown if came + 450_000 < frame.stream_us < t0 - 300_000]
    free = [frame.image for frame in shown if frame.stream_us > t0 + 5_000]
    assert len(covered) > 2
    assert len(free) > 10
    top = np.s_[:60]  # the hand is further down
    assert max(image[top].std() for image in covered) < 12
    assert min(image.std() for image in free) > 20
    final = free[-1].astype(float)
    assert max(np.abs(image - final).mean() for image in free) < 10


def test_before_the_paper_has_gone_there_is_no_t0(short):
    assert short.truth["t0_us"] is None
    assert short.truth["paper"]["out_us"] is None
    assert short.truth["paper"]["in_us"] is not None


def test_events_are_counted_by_cause_over_exactly_the_packets_that_were_kept(take):
    names = {cause.name.lower() for cause in Cause} | {"added"}
    packets = [packet for packet in take.packets if packet.stream is Stream.EVENTS]
    assert set(take.truth["events"]) == names
    assert sum(take.truth["events"].values()) == sum(len(packet.records) for packet in packets)
    for first, last in ((0, 0), (3, 40), (len(packets) - 2, len(packets) - 1)):
        kept = packets[first : last + 1]
        counted = take.truth_of(int(kept[0].records["t"][0]), int(kept[-1].records["t"][-1]))["events"]
        assert sum(counted.values()) == sum(len(packet.records) for packet in kept)


def test_noise_is_counted_as_noise(take):
    counts, seconds_pixels = take.truth["events"], TAKE_S * WIDTH * HEIGHT
    params = take.info.settings["pixel"]
    assert counts["leak"] < 2 * params["leak_rate_hz"] * seconds_pixels
    assert 0.2 < counts["shot"] / (params["shot_noise_rate_hz"] * seconds_pixels) < 1.1
    assert counts["signal"] > 3 * (counts["leak"] + counts["shot"])
    assert counts["added"] == 0


def test_a_take_in_which_nothing_was_asked_has_no_landmarks():
    truth = record(5, 0.1, screen=()).truth
    assert [truth[key] for key in ("movement", "onset_us", "apex_us", "offset_us", "t0_us", "mistake")] == [None] * 6
    assert truth["intensity"] == 0
    assert truth["distance_mm"] > 0


def test_the_second_take_of_a_rig_has_a_truth_of_its_own():
    shown = Screen(start_of(SEED), ((0.0, "move", "smile"),))
    camera = rig(options={"duration_ms": "100..150"}, prompt=lambda: shown())
    info = camera.open()
    read_for(camera, 0.8, shown)
    first = info.truth(None, None)
    shown = Screen(shown.now_us, ((0.0, "settle", None),))
    camera.read()
    second = info.truth(None, None)
    camera.close()
    assert first["movement"] == "smile"
    assert [second[key] for key in ("movement", "onset_us", "t0_us")] == [None] * 3


# --- the clocks of the frame cameras


def event_time(stream_us, clock, t0_us):
    """The formula of the design: what synchronisation has to find."""
    shifted = stream_us + clock["offset_us"]
    return shifted + clock["drift_ppm"] * 1e-6 * (shifted - t0_us)


@pytest.mark.parametrize("stream", BOTH)
def test_the_truth_of_a_clock_turns_the_time_of_each_picture_into_event_time(take, stream):
    clock, t0 = take.truth["clocks"][stream], take.truth["t0_us"]
    shots = take.shots[stream]
    wrong_us = [event_time(shot.frame.stream_us, clock, t0) - shot.true_us for shot in shots]
    jitter_us = 3 * take.info.settings[stream]["stamp_sigma_us"]
    assert len(shots) > 20
    assert np.abs(wrong_us).max() <= jitter_us + 3
    assert np.median(wrong_us) == pytest.approx(0, abs=jitter_us / 2 + 2)
    assert {shot.frame.stream_us for shot in shots} >= set(times(take.packets, stream))


def test_each_camera_has_a_clock_of_its_own(take):
    assert take.truth["clocks"]["rgb"] != take.truth["clocks"]["thermal"]


def test_the_edge_of_the_paper_is_in_the_colour_pictures_where_their_clock_says():
    quick = record(seconds=0.64, options={**OPTIONS, "rgb_fps": "120", "rgb_drop": "0"}, video=(Stream.RGB,))
    clock, readout_us = quick.truth["clocks"]["rgb"], quick.info.settings["rgb"]["readout_us"]
    y_mm = RGB_VIEW.plane_mm(PLANE_MM)[1][:, 320]
    wrong_mm = []
    for frame in frames([packet for packet in quick.packets if packet.stream is Stream.RGB]):
        middle_us = event_time(frame.stream_us, clock, start_of(SEED))  # no paper has left: the clocks are told for the start
        rows = frame.image[60:, 300:340].mean(axis=(1, 2))  # below the wall; the face is darker than the paper
        row = 60 + int(np.argmax(rows > 0.8 * rows.max()))
        paper_mm = COVERED_MM - quick.performer.paper(round(middle_us + (row / 480 - 0.5) * readout_us)).shift_mm
        if row > 60 and abs(paper_mm) < 40:
            wrong_mm.append(y_mm[row] - paper_mm)
    assert len(wrong_mm) >= 3
    assert np.abs(wrong_mm).max() < 6


# --- the imagined host


def test_at_full_speed_the_host_is_imagined_and_late_by_as_much_as_usb(take):
    assert take.info.virtual_host_clock
    arrived = {stream: [p.host_ns for p in take.packets if p.stream is stream] for stream in Stream}
    for host_ns in arrived.values():
        assert (np.diff(host_ns) >= 0).all()
    packets = [packet for packet in take.packets if packet.stream is Stream.IMU]
    late_us = np.array([(p.host_ns - HOST_EPOCH_NS) // 1_000 - (p.records["t"][-1] - start_of(SEED)) for p in packets])
    assert late_us.min() >= 300
    assert np.median(late_us) < 3_000


@pytest.mark.parametrize("stream", BOTH)
def test_pictures_reach_the_host_after_their_exposure_by_the_latency_of_the_truth(take, stream):
    latency_us = take.truth["cameras"][stream]["latency_us"]
    late_us = [(shot.frame.host_ns - HOST_EPOCH_NS) // 1_000 - (shot.true_us - start_of(SEED)) for shot in take.shots[stream]]
    assert latency_us <= min(late_us)
    assert np.median(late_us) < latency_us + 60_000
    assert len({shot.frame.host_ns for shot in take.shots[stream]}) == len(late_us)


# --- options


def counted(options, seconds=0.3, seed=SEED):
    camera = rig(seed, options)
    camera.open()
    found = events(read_for(camera, seconds))
    camera.close()
    return found


@pytest.fixture(scope="module")
def quiet():
    """Events of somebody who sits there, at the default biases."""
    return counted({})


def test_sensitive_biases_give_more_events_and_insensitive_ones_fewer(quiet):
    assert len(counted({"bias": "sensitive"})) > 1.3 * len(quiet) > 0


def test_the_bias_on_raises_and_lowers_the_number_of_on_events(quiet):
    low, high = (counted({"On": bias}) for bias in ("6/120", "6/255"))
    on = [np.count_nonzero(found["p"] == 1) for found in (low, quiet, high)]
    assert on[0] > 1.5 * on[1]
    assert on[1] > 1.01 * on[2]


def test_the_rate_option_adds_events(quiet):
    camera = rig(options={"rate": "0.5"})
    info = camera.open()
    found = events(read_for(camera, 0.3))
    camera.close()
    added = info.truth(None, None)["events"]["added"]
    assert added == pytest.approx(150_000, rel=0.02)
    assert len(found) == len(quiet) + added
    assert (np.diff(found["t"]) >= 0).all()


def test_flicker_makes_events_at_its_frequency():
    found = counted({"flicker": "100", "flicker_depth": "0.3"}, 0.24)
    on = found[found["p"] == 1]["t"]
    rate = np.histogram(on, np.arange(start_of(SEED) + 40_000, start_of(SEED) + 240_001, 1_000))[0]
    power = np.abs(np.fft.rfft(rate - rate.mean())) ** 2
    hz = np.fft.rfftfreq(len(rate), 1e-3)
    assert abs(hz[np.argmax(power[: len(hz) // 3])] - 100) < 5
    assert power[np.abs(hz - 100) < 5].sum() > 0.15 * power.sum()


def test_settings_say_what_was_asked_for_and_what_came_of_it(take):
    settings = take.info.settings
    assert (settings["head"], settings["preset"]) == ("builtin", "default")
    assert settings["options"] == OPTIONS
    assert settings["pixel"]["on_threshold"] > 0
    assert settings["rgb"]["fps"] == 30


@pytest.fixture
def no_looks(monkeypatch):
    """Where nobody is seen, nobody needs to be painted."""
    monkeypatch.setattr("recorder.sim.casting.make_look", lambda mesh, traits: None)


def played(options, screen, seconds):
    """The truth of a play without cameras."""
    play = cast(SEED, parse_options({"head": "builtin", **options}))
    shown = Screen(start_of(SEED), screen)
    for _ in range(round(seconds * S / STEP_US)):
        play.performer.look(shown(), shown.now_us)
        shown.now_us += STEP_US
    return play.truth(SheetView(play.sheet, EVENT_VIEW), {}, {}, start_of(SEED))


@pytest.mark.usefixtures("no_looks")
@pytest.mark.parametrize("mistake", Mistake)
def test_a_mistake_is_made_and_told(mistake):
    truth = played({"mistake": mistake.value}, SCREEN, 9.0)
    asked = start_of(SEED) + CUE_S * S
    others = {one["kind"] for one in truth["others"]}
    assert truth["mistake"] == mistake.value
    assert (truth["t0_us"] is None) == (mistake is Mistake.PAPER_LEFT_IN)
    assert (truth["movement"] is None) == (mistake is Mistake.NONE)
    if mistake is Mistake.WRONG_MOVEMENT:
        assert truth["movement"] != "frown"
    if mistake is Mistake.LATE:
        assert truth["onset_us"] - asked > 1_000_000
    assert ("talk" in others) == (mistake is Mistake.TALKING)
    assert ("headTurn" in others) == (mistake is Mistake.HEAD_TURN)


def test_an_emotion_is_shown_instead_of_the_movement_and_named():
    truth = record(7, 3.6, {**OPTIONS, "emotion": "surprise"}).truth
    assert (truth["emotion"], truth["movement"]) == ("surprise", "openMouth")
    cue_us = start_of(7) + round(CUE_S * S)
    moved = {unit for unit, line in truth["au"].items() if any(level > 0.3 and at_us > cue_us for at_us, level in line)}
    assert {"AU26", "AU5_L", "AU5_R"} <= moved, "mouth and lids move together"


@pytest.mark.parametrize(
    ("options", "low", "high"), [({"intensity": "0.1..0.15"}, 0.1, 0.15), ({"intensity": "0.9"}, 0.9, 0.9)]
)
def test_intensity_keeps_within_its_bounds(options, low, high):
    assert low <= played(options, SCREEN, 5.0)["intensity"] <= high


@pytest.mark.usefixtures("no_looks")
@pytest.mark.parametrize("glasses", ["on", "off"])
def test_glasses_are_worn_where_asked_for(glasses):
    assert cast(SEED, parse_options({"head": "builtin", "glasses": glasses})).person()["glasses"] == (glasses == "on")


# --- live


def live(behind_us, clock=lambda: 77_000):
    """(reads, truth) of a rig that was left alone for a time."""
    pace = TestPace(follows_events=False)
    camera = rig(pace=pace, monotonic_ns=clock)
    info = camera.open()
    assert not info.virtual_host_clock
    assert not camera.read()
    pace.now_us = STEP_US - 1
    assert not camera.read()
    pace.now_us = behind_us
    reads = list(iter(camera.read, ()))
    camera.close()
    return reads, info.truth(None, None)


def test_live_the_world_waits_for_the_clock_and_keeps_up_with_it():
    reads, truth = live(9 * STEP_US)
    assert [len(times(packets, Stream.IMU)) for packets in reads] == [8] * 9
    assert {packet.host_ns for packets in reads for packet in packets} == {77_000}
    assert truth["slow_us"] == 0


def test_live_a_rig_that_is_far_behind_catches_up_in_longer_steps_says_so_and_leaves_nothing_out():
    behind_us = 1_000_000
    reads, truth = live(behind_us)
    instants = np.concatenate([times(packets, Stream.IMU) for packets in reads])
    assert (np.diff(instants) == 1_000).all()
    assert behind_us - STEP_US < instants[-1] - start_of(SEED) <= behind_us
    assert max(np.ptp(times(packets, Stream.IMU)) for packets in reads) < LONGEST_STEP * STEP_US
    assert len(reads) < behind_us / STEP_US / 2
    assert 0 < truth["slow_us"] < behind_us
    triggers = np.concatenate([times(packets, Stream.TRIGGERS) for packets in reads])
    assert (np.diff(triggers) >= 0).all()


def test_a_closed_rig_gives_nothing_more_and_says_so():
    camera = rig(video=BOTH)
    camera.open()
    assert any(isinstance(packet, Frame) for packet in read_for(camera, 0.2))
    camera.close()
    camera.close()
    with pytest.raises(CameraEnded, match="closed"):
        camera.read()


# --- what is refused


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"fualt": "stall@1"}, "unknown option 'fualt'; the simulated rig knows"),
        ({"fault": "explode@1"}, "fault=explode@1: not a fault of the simulator; write "),
        ({"fault": "stall"}, "not a fault"),
        ({"fault": "stall@-1"}, "not a fault"),
        ({"rate": "many"}, "rate=many is not a number of millions of events per second; write 0 to"),
        ({"mistake": "sneeze"}, "mistake=sneeze means nothing"),
    ],
)
def test_options_that_mean_nothing_are_refused_with_a_sentence(options, told):
    with pytest.raises(CameraError, match=told) as error:
        rig(1, options).open()
    assert str(error.value).endswith(".")


@pytest.mark.parametrize("seed", ["7654321", "12345678901"])
def test_a_seed_that_is_too_long_is_refused(seed):
    around = Surroundings(EventPace(), lambda: None, time.monotonic_ns, time.sleep)
    with pytest.raises(CameraError, match=r"not a whole number below a million; write for example sim:7\."):
        open_world(parse_camera(f"sim:{seed}"), around)


def test_a_head_that_cannot_be_had_is_refused_with_a_sentence(tmp_path):
    with pytest.raises(GlimpseError, match=r"nobody\.npz.*\.$"):
        rig(1, {"head": str(tmp_path / "nobody.npz")}).open()


def test_a_seed_and_options_are_read_from_the_camera_text():
    around = Surroundings(EventPace(), lambda: None, time.monotonic_ns, time.sleep)
    camera = open_world(parse_camera("sim:7,fault=stall@3+1.5,head=builtin"), around)
    info = camera.open()
    camera.close()
    assert (info.serial, info.simulated, info.settings["fault"]) == ("7", True, "stall@3+1.5")


def clock_truth(options):
    with contextlib.closing(rig(options=options, video=BOTH)) as camera:
        return camera.open().truth(None, None)["clocks"]


def test_clocks_run_on_through_the_takes_of_a_session_and_no_longer():
    first, second, other = (
        clock_truth({"take": take, "session": session}) for take, session in (("1", "1"), ("3", "1"), ("3", "2"))
    )
    for stream in ("rgb", "thermal"):
        assert second[stream]["drift_ppm"] == first[stream]["drift_ppm"] != other[stream]["drift_ppm"]
        passed_us = first[stream]["drift_ppm"] * 1e-6 * (start_of(SEED, 3) - start_of(SEED, 1))
        assert second[stream]["offset_us"] - first[stream]["offset_us"] == pytest.approx(passed_us, abs=2)
