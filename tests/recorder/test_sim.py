"""The simulated rig: its ground truth is true in its own data, its faults happen, and a seed is a whole world."""

import math
import time

import numpy as np
import pytest
from camera_helpers import TestPace, frames, times
from hypothesis import given
from hypothesis import strategies as st

from protocol.streams import Frame, Stream
from recorder.clock import EventPace
from recorder.sim.actor import Actor
from recorder.sim.rig import CATCH_UP_STEPS, EPOCH_US, HEIGHT, RGB, STEP_US, WIDTH, Clock
from recorder.sim.scene import Scene
from recorder.sim.sources import open_world
from recorder.sources.base import CameraError, Prompt, Surroundings
from recorder.sources.spec import CameraSpec, parse_camera

S = 1_000_000
# What the screen shows, in seconds after the start: a shortened script.
SCREEN = ((0.0, "paper_in", None), (1.2, "neutral", None), (2.6, "move", "frown"))
TAKE_S = 4.6


class Screen:
    """Shows the prompts by event time."""

    def __init__(self, start_us, screen=SCREEN, first=0):
        self.now_us = start_us
        self._prompts = [
            Prompt(first + number, start_us + round(at * S), action, action, movement, action)
            for number, (at, action, movement) in enumerate(screen)
        ]

    def __call__(self):
        shown = [prompt for prompt in self._prompts if prompt.at_us <= self.now_us]
        return shown[-1] if shown else None


def rig(seed=1, options=None, *, video=(), pace=None, prompt=lambda: None):
    around = Surroundings(pace or EventPace(), prompt, time.monotonic_ns, time.sleep, video)
    return open_world(CameraSpec("sim", str(seed), options or {}), around)


def start_of(seed):
    return EPOCH_US + seed * 1_000 * S


def record(seed=1, seconds=TAKE_S, options=None, *, video=(), screen=SCREEN):
    """(packets, truth) of one take at full speed, the screen following event time."""
    shown = Screen(start_of(seed), screen)
    camera = rig(seed, options, video=video, prompt=shown)
    info = camera.open()
    packets = []
    for _ in range(round(seconds * S / STEP_US)):
        packets += camera.read()
        shown.now_us += STEP_US
    return packets, info.truth(None, None)


def read_for(camera, seconds):
    packets = []
    for _ in range(round(seconds * S / STEP_US)):
        packets += camera.read()
    return packets


@pytest.fixture(scope="module", params=[1, 2, 3])
def take(request):
    return record(request.param, video=(Stream.RGB, Stream.THERMAL))


def events_of(packets):
    return np.concatenate([packet.records for packet in packets if packet.stream is Stream.EVENTS])


# --- ground truth


def test_the_truth_names_the_movement_that_was_asked_for(take):
    _, truth = take
    assert truth["movement"] == "frown"
    assert truth["onset_us"] < truth["apex_us"] < truth["offset_us"]
    assert 0.4 <= truth["intensity"] <= 1
    assert set(truth["clocks"]) == {"rgb", "thermal"}


def face_events(packets):
    """Events of the face: in the rest of the picture there is only noise."""
    events = events_of(packets)
    inside = ((events["x"] - WIDTH / 2) / (WIDTH * 0.22)) ** 2 + ((events["y"] - HEIGHT / 2) / (HEIGHT * 0.38)) ** 2 < 1.1
    return events[inside]


BIN_US = 10_000


def busy_bins(t, begin_us, end_us, quiet):
    """Begins of the bins between two instants that hold clearly more events than `quiet`, the mean of noise and sway."""
    edges = np.arange(begin_us, end_us, BIN_US)
    return edges[:-1][np.histogram(t, edges)[0] > quiet + 5 * np.sqrt(quiet)]


def test_nothing_but_noise_and_breathing_before_the_onset_and_after_the_offset(take):
    packets, truth = take
    t, onset, offset = face_events(packets)["t"], truth["onset_us"], truth["offset_us"]
    quiet = np.count_nonzero((t >= onset - 200_000) & (t < onset)) / 20
    assert len(busy_bins(t, onset - 200_000, onset, quiet)) == 0
    assert len(busy_bins(t, onset, offset, quiet)) > 4
    assert len(busy_bins(t, offset, offset + 200_000, quiet)) == 0


def test_the_burst_of_events_lies_between_onset_and_apex_and_the_return_ends_at_the_offset(take):
    packets, truth = take
    t, onset, apex, offset = (face_events(packets)["t"], *(truth[f"{name}_us"] for name in ("onset", "apex", "offset")))
    quiet = np.count_nonzero((t >= onset - 200_000) & (t < onset)) / 20
    rise = busy_bins(t, onset, apex, quiet)
    assert rise[0] < (onset + 2 * apex) / 3
    assert len(busy_bins(t, apex, apex + 2 * BIN_US + 1, quiet)) == 0, "at the apex the face is at rest"
    assert len(busy_bins(t, apex + 2 * BIN_US, offset, quiet)) > 0


def test_the_paper_is_gone_when_the_truth_says_so(take):
    packets, truth = take
    t0 = truth["t0_us"]
    shown = frames([packet for packet in packets if packet.stream is Stream.FRAMES])
    covered = [
        frame.image[: HEIGHT // 4].mean() > 220
        for frame in shown
        if frame.stream_us < t0 - 400_000 and frame.stream_us > t0 - 600_000
    ]
    free = [frame.image[: HEIGHT // 4].mean() < 215 for frame in shown if t0 <= frame.stream_us]
    assert covered
    assert all(covered)
    assert free
    assert all(free)


def test_a_take_in_which_nothing_was_asked_has_no_landmarks():
    _, truth = record(5, 0.2, screen=())
    assert [truth[key] for key in ("movement", "onset_us", "apex_us", "offset_us", "t0_us")] == [None] * 5
    assert truth["intensity"] == 0


def test_the_second_take_of_a_rig_has_a_truth_of_its_own():
    shown = Screen(start_of(1))
    camera = rig(1, prompt=lambda: shown())
    info = camera.open()
    for _ in range(round(3.5 * S / STEP_US)):
        camera.read()
        shown.now_us += STEP_US
    first = info.truth(None, None)
    shown = Screen(shown.now_us, ((0.0, "settle", None),))
    camera.read()
    assert first["movement"] == "frown"
    assert info.truth(None, None)["movement"] is None
    assert info.truth(None, None)["t0_us"] is None


# --- the clocks of the frame cameras


def event_time(stream_us, clock, t0_us):
    """The formula of the design: what synchronisation has to find."""
    shifted = stream_us + clock["offset_us"]
    return shifted + clock["drift_ppm"] * 1e-6 * (shifted - t0_us)


@given(
    st.integers(-3 * S, 3 * S),
    st.floats(-100, 100),
    st.integers(-60 * S, 60 * S),
    st.integers(-60 * S, 60 * S),
)
def test_the_truth_of_a_clock_turns_its_time_into_event_time(offset_us, drift_ppm, at_us, t0_us):
    clock = Clock(offset_us, drift_ppm)
    stream_us = clock.stream_us(EPOCH_US + at_us, EPOCH_US)
    truth = clock.truth(EPOCH_US, EPOCH_US + t0_us)
    assert abs(event_time(stream_us, truth, EPOCH_US + t0_us) - (EPOCH_US + at_us)) < 2


@pytest.mark.parametrize("stream", [Stream.RGB, Stream.THERMAL])
def test_every_picture_lies_at_its_moment_in_event_time(take, stream):
    packets, truth = take
    instants = times(packets, Stream.IMU)
    begin_us = instants[0]
    for packet in packets:
        if packet.stream is Stream.IMU:
            newest_us = int(packet.records["t"][-1])
        elif packet.stream is stream:
            # A picture is taken at the end of the step whose IMU samples came before it.
            at_us = event_time(packet.stream_us, truth["clocks"][stream], truth["t0_us"])
            assert abs(at_us - (newest_us + 1_000)) <= 2
    assert len(times(packets, stream)) >= (instants[-1] - begin_us) // 120_000


def edge_row_of_picture(frame: Frame):
    """Row of the paper's lower edge in an RGB picture, in event camera rows; the face is darker than the paper."""
    width = frame.image.shape[1]
    rows = frame.image[:, width // 2 - 60 : width // 2 + 60, 0].mean(axis=1)
    bright = rows > 200
    return np.argmin(bright) * HEIGHT / frame.image.shape[0] if bright[0] and not bright.all() else None


def edge_times_of_events(events, t0_us):
    """(rows, event time at which the edge of the leaving paper crossed each): OFF events, for the paper is brighter."""
    near = events[
        (events["t"] > t0_us - 400_000) & (events["t"] < t0_us) & (np.abs(events["x"] - WIDTH // 2) < 32) & (events["p"] == 0)
    ]
    rows = np.arange(60, 200)
    return rows, np.array([np.median(near["t"][near["y"] == row]) for row in rows])


def test_the_edge_of_the_paper_is_at_one_place_in_pictures_and_events(take):
    packets, truth = take
    t0 = truth["t0_us"]
    rows, crossed_us = edge_times_of_events(events_of(packets), t0)
    assert (np.diff(crossed_us[::10]) < 0).all(), "the paper leaves upwards"
    compared = 0
    for frame in frames([packet for packet in packets if packet.stream is Stream.RGB]):
        at_us = event_time(frame.stream_us, truth["clocks"]["rgb"], t0)
        row = edge_row_of_picture(frame) if t0 - 400_000 < at_us < t0 else None
        if row is not None and rows[0] + 5 < row < rows[-1] - 5:
            by_events_us = np.interp(row, rows, crossed_us)
            assert abs(at_us - by_events_us) < 2 * STEP_US
            compared += 1
    assert compared >= 2


def test_each_camera_has_a_clock_of_its_own():
    _, truth = record(1, 0.1, video=(Stream.RGB, Stream.THERMAL))
    assert truth["clocks"]["rgb"] != truth["clocks"]["thermal"]


# --- the data


def test_one_seed_gives_one_world_and_another_another():
    first, again, other = (events_of(record(seed, 0.3)[0]) for seed in (1, 1, 2))
    assert len(first) == len(again)
    assert (first == again).all()
    assert (other["x"][:50] != first["x"][:50]).any()


def test_asking_for_video_brings_pictures_of_the_sizes_that_it_announces():
    camera = rig(1, video=(Stream.RGB, Stream.THERMAL))
    sizes = {info.stream: info.resolution for info in camera.open().streams}
    packets = read_for(camera, 0.5)
    for stream, dtype, depth in ((Stream.RGB, np.uint8, (3,)), (Stream.THERMAL, np.uint16, ()), (Stream.FRAMES, np.uint8, ())):
        pictures = [packet for packet in packets if packet.stream is stream]
        assert pictures
        for picture in pictures:
            assert picture.image.shape == (*reversed(sizes[stream]), *depth)
            assert picture.image.dtype == dtype


def test_pictures_keep_their_rate():
    camera = rig(1, video=(Stream.RGB,))
    camera.open()
    packets = read_for(camera, 2.0)
    assert abs(len(times(packets, Stream.RGB)) - 2 * S / RGB.period_us) <= 1
    assert len(times(packets, Stream.FRAMES)) == 50
    assert len(times(packets, Stream.TRIGGERS)) == 100


def test_the_rate_option_adds_events():
    counts = []
    for rate in ("0", "0.5"):
        camera = rig(1, {"rate": rate})
        camera.open()
        counts.append(len(events_of(read_for(camera, 0.2))))
    assert counts[1] - counts[0] == pytest.approx(100_000, rel=0.05)


def test_in_real_time_the_world_waits_for_the_clock_and_catches_up_in_small_steps():
    pace = TestPace(follows_events=False)
    camera = rig(1, pace=pace)
    camera.open()
    assert camera.read() == []
    pace.now_us = STEP_US - 1
    assert camera.read() == []
    pace.now_us = 100 * STEP_US
    spans = [np.ptp(times(packets, Stream.IMU)) for packets in iter(camera.read, [])]
    assert len(spans) == 100 // CATCH_UP_STEPS
    assert max(spans) < CATCH_UP_STEPS * STEP_US


# --- what is refused


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"fualt": "stall@1"}, "unknown option 'fualt'; the simulated rig knows rate and fault"),
        (
            {"fault": "explode@1"},
            r"fault=explode@1: not a fault of the simulator; write stall\|unplug\|burst\|jump\|back\|half_open@SECONDS",
        ),
        ({"fault": "stall"}, "not a fault"),
        ({"fault": "stall@-1"}, "not a fault"),
        ({"rate": "many"}, "rate=many is not a number of millions of events per second; write 0 to"),
        ({"rate": "-1"}, "rate=-1 is not"),
        ({"rate": "nan"}, "rate=nan is not"),
        ({"rate": "inf"}, "rate=inf is not"),
        ({"rate": "1e9"}, "rate=1e9 is not"),
        ({"rate": "51"}, "rate=51 is not"),
    ],
)
def test_options_that_mean_nothing_are_refused_with_a_sentence(options, told):
    with pytest.raises(CameraError, match=told) as error:
        rig(1, options).open()
    assert str(error.value).endswith(".")


@pytest.mark.parametrize("seed", ["7654321", "12345678901"])
def test_a_seed_that_is_too_long_is_refused(seed):
    around = Surroundings(EventPace(), lambda: None, time.monotonic_ns, time.sleep)
    with pytest.raises(CameraError, match="not a whole number below a million"):
        open_world(parse_camera(f"sim:{seed}"), around)


def test_a_seed_and_options_are_read_from_the_camera_text():
    around = Surroundings(EventPace(), lambda: None, time.monotonic_ns, time.sleep)
    info = open_world(parse_camera("sim:7,fault=stall@3+1.5"), around).open()
    assert (info.serial, info.simulated, info.settings["fault"]) == ("7", True, "stall@3+1.5")


# --- actor and scene


def test_the_actor_answers_after_a_human_delay_and_each_prompt_once():
    actor = Actor(np.random.default_rng(1))
    prompt = Prompt(3, 1_000, "movement", "move", "smile", "Smile now")
    actor.look(prompt, 5_000)
    movement = actor.movement
    assert 200_000 <= movement.onset_us - 5_000 <= 600_000
    actor.look(prompt, 9_000_000)
    assert actor.movement is movement


@given(st.integers(0, 2**32 - 1))
def test_a_movement_rises_holds_and_falls_between_its_landmarks(seed):
    actor = Actor(np.random.default_rng(seed))
    actor.look(Prompt(1, 0, "movement", "move", "smile", ""), 0)
    move = actor.movement
    assert [actor.level(t) for t in (move.onset_us, move.apex_us, move.fall_us, move.offset_us)] == pytest.approx(
        [0, move.intensity, move.intensity, 0]
    )
    rising = [actor.level(t) for t in np.linspace(move.onset_us, move.apex_us, 20)]
    falling = [actor.level(t) for t in np.linspace(move.fall_us, move.offset_us, 20)]
    assert rising == sorted(rising)
    assert falling == sorted(falling, reverse=True)


def test_paper_covers_from_the_top_to_its_share():
    scene = Scene(np.random.default_rng(1), 60, 40)
    free, half, covered = (scene.render(0, None, 0.0, share) for share in (0.0, 0.5, 1.0))
    assert (half[:20] == covered[:20]).all()
    assert (half[20:] == free[20:]).all()
    between = scene.render(0, None, 0.0, 20.5 / 40)[20]
    assert between == pytest.approx((free[20] + covered[20]) / 2, abs=0.01)


def test_every_movement_goes_its_own_way():
    scene = Scene(np.random.default_rng(1), 60, 40)
    tokens = ("smile", "blink", "frown", "contractJaw", "noseWrinkle", "openMouth", "upperLidRaiser")
    pictures = [scene.render(0, token, 1.0, 0.0).tobytes() for token in tokens]
    assert len(set(pictures)) == len(tokens)
    assert math.isclose(scene.render(0, "smile", 0.0, 0.0).mean(), scene.render(0, None, 0.0, 0.0).mean())
