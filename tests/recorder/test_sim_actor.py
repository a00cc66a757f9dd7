"""The simulated subject: obeys each prompt once, lives by itself, errs when told to, and its truth is what it showed."""

import dataclasses
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.movement import EMOTIONS, MOVEMENTS
from recorder.sim.manner import Manner, draw_manner
from recorder.sim.motion import generator
from recorder.sim.performance import Mistake, Performance
from recorder.sim.performer import Performer
from recorder.sim.slides import AWAY_MM, GONE_MM, Slides
from recorder.sim.state import UNITS, Pose
from recorder.sources.base import Prompt

S = 1_000_000
EPOCH_US = 1_700_000_000 * S
TAKE_S = 15.0
# What the screen shows in the default script, in seconds.
SCREEN = ((0, "settle"), (2, "paper_in"), (3, "hold_paper"), (5, "neutral"), (10, "move"))
WATCH = ((0, "settle"), (2, "paper_in"), (3, "hold_paper"), (5, "watch"))
TOKENS = [movement.token for movement in MOVEMENTS]
STEP_US = 4_000

seeds = st.integers(0, 10**6)


def prompts(movement="frown", begin_us=EPOCH_US, screen=SCREEN):
    return [
        Prompt(number, begin_us + round(at * S), action, action, movement if action == "move" else None, action)
        for number, (at, action) in enumerate(screen)
    ]


def manner_of(seed):
    return draw_manner(generator(seed))


def perform_take(performer, movement="frown", begin_us=EPOCH_US, screen=SCREEN, seconds=TAKE_S):
    """Show one take's prompts, as a rig does that looks every few milliseconds; ends with a last look."""
    shown = prompts(movement, begin_us, screen)
    for prompt in shown:
        performer.look(prompt, prompt.at_us + 2_000)
        performer.look(prompt, prompt.at_us + 6_000)
    performer.look(shown[-1], begin_us + round(seconds * S))
    return performer


def subject(seed=1, **options):
    return Performer(seed, options.pop("manner", manner_of(seed)), **options)


def took(seed=1, movement="frown", **options):
    return perform_take(subject(seed, **options), movement)


def span(begin_s, end_s, step_us=STEP_US, begin_us=EPOCH_US):
    return range(begin_us + round(begin_s * S), begin_us + round(end_s * S), step_us)


# --- obeying


@pytest.mark.parametrize("movement", [*TOKENS, "invertedSmile", *(emotion.token for emotion in EMOTIONS)])
def test_the_face_does_what_the_truth_says_and_nothing_else(movement):
    performer = took(3, movement, spontaneous=False)
    truth = performer.truth()
    assert truth.movement == movement
    for t in (*span(0, TAKE_S), truth.onset_us, truth.offset_us):
        assert bool(performer.face(t).units) == (truth.onset_us < t < truth.offset_us)


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_the_truths_keypoints_are_the_curves(seed):
    performer = took(seed, TOKENS[seed % len(TOKENS)], spontaneous=False)
    lines = performer.truth().keypoints
    for t in span(10, 13.5, 7_000):
        units = performer.face(t).units
        for unit, points in lines.items():
            times, levels = zip(*points, strict=True)
            assert np.interp(t, times, levels) == pytest.approx(units.get(unit, 0.0), abs=0.015)


def test_the_keypoints_hold_the_blinks_too():
    performer = took(3)
    truth = performer.truth()
    times, levels = zip(*truth.keypoints["AU45_L"], strict=True)
    assert truth.blinks
    for onset, apex, offset in truth.blinks:
        assert np.interp([onset, apex, offset], times, levels)[[0, 2]] == pytest.approx([0, 0], abs=1e-3)
        assert performer.face(apex).units["AU45_L"] == pytest.approx(np.interp(apex, times, levels), abs=0.01)
        assert performer.face(apex).units["AU45_L"] > 0.7


@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_a_prompt_is_answered_after_a_reaction_time(seed):
    truth = took(seed, spontaneous=False).truth()
    assert 200_000 <= truth.onset_us - (EPOCH_US + 10 * S) <= 600_000
    assert 200_000 <= truth.paper_in_us - (EPOCH_US + 2 * S) <= 600_000 + 500_000
    assert 200_000 <= truth.paper_out_us - (EPOCH_US + 5 * S) <= 600_000 + 350_000


@pytest.mark.parametrize("movement", ["blink", "sadness"])
def test_a_blink_on_command_never_runs_into_a_spontaneous_one(movement):
    blinky = dataclasses.replace(Manner(), blinks_per_min=60.0)
    for seed in range(60):
        truth = took(seed, movement, manner=blinky).truth()
        assert not any(onset < truth.offset_us and offset > truth.onset_us for onset, _, offset in truth.blinks)


def test_a_prompt_is_answered_once_however_often_it_is_read():
    calm, nosy = (subject(4) for _ in range(2))
    perform_take(calm)
    for prompt in prompts():
        for later in range(0, 900_000, 4_000):
            nosy.look(prompt, prompt.at_us + later)
    nosy.look(prompts()[-1], EPOCH_US + round(TAKE_S * S))
    assert nosy.truth() == calm.truth()


def test_a_prompt_that_is_read_late_is_not_answered_in_the_past():
    performer = subject(4, spontaneous=False)
    shown = prompts()
    now_us = shown[-1].at_us + 3 * S
    for prompt in shown:
        performer.look(prompt, now_us)
    performer.look(shown[-1], now_us + 2 * S)
    assert performer.truth().onset_us > now_us


def test_nothing_is_true_before_it_was_done():
    performer = perform_take(subject(5), seconds=10.1)
    assert performer.truth().movement is None
    assert performer.truth().onset_us is None
    assert performer.truth().paper_out_us is not None
    assert performer.truth(EPOCH_US + 14 * S).movement == "frown"
    assert subject(5).truth() == Performance()


def test_intensity_and_duration_are_as_ordered():
    for seed in range(20):
        truth = took(seed, intensity=(0.3, 0.4), duration_us=(40_000, 50_000)).truth()
        assert 0.3 <= truth.intensity <= 0.4
        assert 40_000 <= truth.offset_us - truth.onset_us <= 50_000
    assert took(1, duration_us=(40_000, 40_000)).truth().keypoints


# --- one function of time


@given(seed=seeds, order=st.randoms(use_true_random=False))
@settings(max_examples=10, deadline=None)
def test_the_answer_does_not_depend_on_the_order_of_questions(seed, order):
    first, second = took(seed), took(seed)
    instants = list(span(0, TAKE_S, 97_003))
    straight = [(first.face(t), first.paper(t)) for t in instants]
    numbers = list(range(len(instants)))
    order.shuffle(numbers)
    for number in numbers:
        second.face(EPOCH_US + order.randrange(10**9) * S)  # somewhere else in between
        assert (second.face(instants[number]), second.paper(instants[number])) == straight[number]


@given(seed=seeds, movement=st.sampled_from(TOKENS), mistake=st.sampled_from([None, *Mistake]))
@settings(max_examples=15, deadline=None)
def test_what_was_shown_of_the_past_and_the_present_stays_so_when_the_screen_changes(seed, movement, mistake):
    performer = subject(seed, mistake=mistake)
    shown = prompts(movement) + prompts(movement, EPOCH_US + 12 * S)
    for prompt in shown:
        past = range(prompt.at_us - 100_000, prompt.at_us + 20_000, 5_000)
        before = [(performer.face(t), performer.paper(t)) for t in past]
        performer.look(prompt, prompt.at_us)
        assert [(performer.face(t), performer.paper(t)) for t in past] == before


def test_a_seed_is_a_performance():
    def showing(seed):
        performer = took(seed)
        return [performer.face(t) for t in span(0, TAKE_S, 50_000)], performer.truth()

    assert showing(7) == showing(7)
    assert showing(7)[0] != showing(8)[0]
    assert manner_of(7) == manner_of(7)


@pytest.mark.parametrize("at_us", [-5 * S, 0, EPOCH_US, 10**17])
def test_any_time_will_do(at_us):
    performer = subject(1)
    assert [performer.face(t) for t in range(at_us, at_us + S, 100_000)] == [
        subject(1).face(t) for t in range(at_us, at_us + S, 100_000)
    ]
    assert {performer.paper(t).shift_mm for t in range(at_us, at_us + S, 100_000)} == {GONE_MM}


# --- the paper


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_the_paper_is_away_comes_is_held_still_and_goes(seed):
    performer = took(seed)
    truth = performer.truth()
    assert all(performer.paper(t).shift_mm >= AWAY_MM for t in span(0, 2.2))
    held = [performer.paper(t).shift_mm for t in span(3.2, 5.15)]
    assert 0 <= min(held) < max(held) < 1
    assert max(np.abs(np.diff(held))) < 0.2
    assert all(performer.paper(t).shift_mm > AWAY_MM for t in range(truth.paper_out_us + 1_000, EPOCH_US + 15 * S, 20_000))


@given(seed=seeds)
@settings(max_examples=30, deadline=None)
def test_the_paper_leaves_by_a_smooth_slide_that_can_be_inverted(seed):
    performer = took(seed)
    begin, end = performer.time_of_shift(0), performer.time_of_shift(GONE_MM)
    assert 150_000 <= end - begin <= 350_000
    shifts = [performer.paper(t).shift_mm for t in range(begin, end + 1, 1_000)]
    assert (np.diff(shifts) > 0).all()
    assert performer.paper(begin - 2_000).shift_mm < 0.01, "no tremble any more"
    for shift in (1.0, 50.0, 130.0, 200.0, AWAY_MM):
        assert performer.paper(performer.time_of_shift(shift)).shift_mm == pytest.approx(shift, abs=0.01)
    assert performer.truth().paper_out_us == performer.time_of_shift(AWAY_MM)


def test_a_shift_that_the_paper_never_has_is_refused():
    with pytest.raises(ValueError, match="not on the paper's way"):
        took(1).time_of_shift(GONE_MM + 1)
    assert subject(1).time_of_shift(10.0) is None


def test_slides_that_are_asked_for_at_once_follow_one_another():
    sheet = Slides(1)
    slides = [sheet.slide(1_000, 300_000) for _ in range(3)]
    assert [slide.leaves for slide in slides] == [False, True, False]
    assert all(before.end_us < after.begin_us for before, after in pairwise(slides))
    shifts = [sheet.state(t).shift_mm for t in range(0, 2 * S, 1_000)]
    assert max(np.abs(np.diff(shifts))) < GONE_MM / 300 * 1.9


# --- takes


def test_the_second_take_has_a_truth_of_its_own():
    performer = took(2, "smile")
    first = performer.truth()
    later_us = EPOCH_US + 20 * S
    performer.look(None, EPOCH_US + 15 * S)
    assert performer.truth() == first
    performer.look(prompts(begin_us=later_us)[0], later_us)
    performer.look(prompts(begin_us=later_us)[0], later_us + 5_000)
    assert performer.truth().movement is None
    assert performer.truth().paper_out_us is None
    perform_take(performer, "blink", later_us + 30 * S)
    second = performer.truth()
    assert second.movement == "blink"
    assert min(time for points in second.keypoints.values() for time, _ in points) > later_us + 29 * S
    assert second.onset_us - later_us - 30 * S != first.onset_us - EPOCH_US


def test_a_take_that_is_begun_again_drops_what_was_planned():
    performer = subject(2, spontaneous=False)
    for prompt in prompts():
        performer.look(prompt, prompt.at_us)
    again_us = EPOCH_US + 10 * S + 20_000
    performer.look(prompts(begin_us=again_us)[0], again_us)
    assert not any(performer.face(t).units for t in range(again_us, again_us + 4 * S, 10_000))
    assert performer.truth(again_us + 4 * S).movement is None


def test_a_movement_under_way_is_finished_when_the_next_take_begins():
    performer = subject(2, spontaneous=False, duration_us=(S, S))
    for prompt in prompts():
        performer.look(prompt, prompt.at_us)
    planned = performer.truth(EPOCH_US + 20 * S)
    performer.look(prompts(begin_us=planned.apex_us)[0], planned.apex_us)
    assert performer.face(planned.apex_us + 50_000).units
    assert not performer.face(planned.offset_us).units
    assert performer.truth().movement is None
    assert performer.truth().others[0].kind == "frown"


def test_a_script_that_ended_on_the_ring_is_no_new_take():
    performer = took(2)
    truth = performer.truth()
    performer.look(Prompt(-1, 0, "", "stop", None, ""), EPOCH_US + 15 * S)
    assert performer.truth() == truth


# --- mistakes


@pytest.mark.parametrize("movement", [*TOKENS, "joy", "disgust"])
def test_wrong_movement_is_another_one(movement):
    made = {took(seed, movement, mistake=Mistake.WRONG_MOVEMENT).truth().movement for seed in range(12)}
    assert made <= set(TOKENS) - {movement}
    assert len(made) > 2
    if movement == "joy":
        assert not made & {"smile", "openMouth"}


def test_late_is_one_to_three_seconds_after_the_cue():
    for seed in range(20):
        truth = took(seed, mistake=Mistake.LATE).truth()
        assert 1.2 * S <= truth.onset_us - (EPOCH_US + 10 * S) <= 3 * S


def test_none_is_no_movement_at_all():
    performer = took(3, mistake=Mistake.NONE, spontaneous=False)
    assert performer.truth().movement is None
    assert performer.truth().intensity == 0
    assert performer.truth().mistake == "none"
    assert not any(performer.face(t).units for t in span(0, TAKE_S))


@pytest.mark.parametrize(("mistake", "kind"), [(Mistake.TALKING, "talk"), (Mistake.HEAD_TURN, "headTurn")])
def test_talking_and_turning_away_happen_once_before_or_beside_the_movement(mistake, kind):
    begun_s = []
    for seed in range(30):
        performer = took(seed, mistake=mistake)
        truth = performer.truth()
        assert truth.movement == "frown"
        (distraction,) = (other for other in truth.others if other.kind == kind)
        begun_s.append((distraction.onset_us - EPOCH_US) / S)
        if kind == "headTurn":
            turned = performer.face(distraction.apex_us).pose.yaw_deg - performer.face(distraction.onset_us).pose.yaw_deg
            assert 13 < abs(turned) < 37
        else:
            assert performer.face(distraction.apex_us).units["AU26"] > 0.15
    early = [at for at in begun_s if at < 10]
    assert 5 < len(early) < 25
    assert min(early) > 5.3
    assert max(begun_s) < 11.3


@pytest.mark.parametrize(("mistake", "kind"), [(Mistake.TALKING, "talk"), (Mistake.HEAD_TURN, "headTurn")])
@pytest.mark.parametrize("screen", [WATCH, (*WATCH[:3], (5, "neutral"), (10, "watch"))])
def test_who_watches_a_video_talks_or_turns_away_once_too(mistake, kind, screen):
    for seed in range(12):
        performer = perform_take(subject(seed, mistake=mistake), None, screen=screen, seconds=20)
        (distraction,) = (other for other in performer.truth().others if other.kind == kind)
        assert 5.3 < (distraction.onset_us - EPOCH_US) / S < 14


def test_whoever_holds_the_paper_takes_it_away_when_the_take_is_aborted():
    performer = subject(3)
    for prompt in prompts()[:3]:  # the script never came to "paper away"
        performer.look(prompt, prompt.at_us + 2_000)
    assert performer.paper(EPOCH_US + 4 * S).shift_mm < AWAY_MM
    performer.look(None, EPOCH_US + 4 * S)
    assert performer.paper(EPOCH_US + 6 * S).shift_mm == GONE_MM
    assert performer.truth().paper_out_us is None, "nothing of it belongs to the take"


def test_a_paper_that_is_left_in_stays_until_the_next_take_begins():
    performer = took(3, mistake=Mistake.PAPER_LEFT_IN)
    assert performer.truth().paper_in_us is not None
    assert performer.truth().paper_out_us is None
    assert performer.time_of_shift(AWAY_MM) is None
    assert all(performer.paper(t).shift_mm < 1 for t in span(3.2, TAKE_S))
    later_us = EPOCH_US + 20 * S
    perform_take(performer, "smile", later_us)
    assert all(performer.paper(t).shift_mm > AWAY_MM for t in span(1.0, 2.2, begin_us=later_us))
    assert all(performer.paper(t).shift_mm < 1 for t in span(3.2, TAKE_S, begin_us=later_us))
    assert performer.truth().paper_out_us is None


def test_the_truth_names_the_mistake():
    assert [took(1, mistake=mistake).truth().mistake for mistake in (None, *Mistake)] == [None, *Mistake]


# --- watching a video


def test_small_movements_escape_who_watches_a_video():
    performer = perform_take(subject(4, spontaneous=False), screen=WATCH, seconds=300)
    truth = performer.truth()
    assert truth.movement is None
    assert truth.paper_out_us is not None
    assert 15 < len(truth.others) < 90
    assert all(40_000 <= made.offset_us - made.onset_us <= 500_000 for made in truth.others)
    assert all(made.onset_us > EPOCH_US + 5 * S and made.intensity <= 0.6 for made in truth.others)
    assert len({made.kind for made in truth.others}) >= 4
    assert "blink" not in {made.kind for made in truth.others}
    for made in truth.others:
        assert performer.face(made.apex_us).units
        assert not performer.face(made.onset_us).units


def test_nothing_escapes_when_the_video_is_over():
    performer = perform_take(subject(4, spontaneous=False), screen=WATCH, seconds=60)
    performer.look(None, EPOCH_US + 60 * S)
    assert not any(performer.face(t).units for t in span(61, 200, 20_000))


# --- living


def moments(performer, seconds, step_us=10_000):
    return [performer.face(t) for t in span(0, seconds, step_us)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_blinks_come_at_the_subjects_rate(seed):
    manner = manner_of(seed)
    closed = np.array(
        [max(face.units.get("AU45_L", 0), face.units.get("AU45_R", 0)) > 0.6 for face in moments(subject(seed), 900, 25_000)]
    )
    rate_per_min = np.count_nonzero(np.diff(closed.astype(int)) > 0) / 15
    assert rate_per_min == pytest.approx(manner.blinks_per_min, rel=0.15)


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_a_spontaneous_blink_closes_fast_and_opens_slower(seed):
    for onset, apex, offset in took(seed).truth().blinks:
        assert 40_000 <= apex - onset <= 115_000
        assert offset - apex > apex - onset
        assert 100_000 < offset - onset < 500_000


def test_people_blink_less_while_they_move_the_face():
    near = far = 0
    for seed in range(150):
        truth = took(seed).truth()
        onsets = [onset for onset, _, _ in truth.blinks]
        near += sum(truth.onset_us - 300_000 < onset < truth.onset_us for onset in onsets)
        far += sum(truth.onset_us - 4_300_000 < onset < truth.onset_us - 1_300_000 for onset in onsets)
    assert far / 10 > 2.5 * near > 0 or near == 0
    assert far > 60


@pytest.mark.parametrize("seed", [1, 2])
def test_breathing_has_the_subjects_rate_and_moves_the_head(seed):
    manner = dataclasses.replace(manner_of(seed), sway_mm=0.0, sway_deg=0.0)
    faces = moments(subject(seed, manner=manner), 600, 100_000)
    breath = np.array([face.breath for face in faces])
    height = np.array([face.pose.y_mm for face in faces])
    rising = np.count_nonzero(np.diff((breath > 0.5).astype(int)) > 0) / 10
    assert 0 <= breath.min() < 0.02
    assert 0.98 < breath.max() <= 1
    assert rising == pytest.approx(manner.breaths_per_min, rel=0.05)
    assert np.corrcoef(breath, height)[0, 1] > 0.99
    assert np.ptp(height) == pytest.approx(manner.breath_mm, rel=0.05)


def still_sway(seed, seconds=400, step_us=50_000):
    """Pose channels float64 [time, yaw pitch roll x y z] of somebody who only sways."""
    manner = dataclasses.replace(manner_of(seed), breath_mm=0.0, breath_deg=0.0, posture=Pose())
    return manner, np.array(
        [dataclasses.astuple(face.pose) for face in moments(subject(seed, manner=manner), seconds, step_us)]
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_head_sways_a_little_between_a_tenth_of_a_hertz_and_two(seed):
    manner, sway = still_sway(seed)
    spread = sway.std(axis=0)
    assert (spread[:3] > 0.3 * manner.sway_deg).all()
    assert (spread[:3] < 1.3 * manner.sway_deg).all()
    assert (spread[3:] > 0.3 * manner.sway_mm).all()
    assert (spread[3:] < 1.6 * manner.sway_mm).all()
    power = (np.abs(np.fft.rfft(sway * np.hanning(len(sway))[:, None], axis=0)) ** 2).sum(axis=1)
    hz = np.fft.rfftfreq(len(sway), 0.05)
    inside = (hz > 0.08) & (hz < 2.1)
    assert power[inside].sum() > 0.98 * power[1:].sum()
    assert power[inside & (hz < 0.5)].sum() > power[inside & (hz > 0.5)].sum()


@given(seed=seeds, mistake=st.sampled_from([None, Mistake.HEAD_TURN, Mistake.TALKING]))
@settings(max_examples=15, deadline=None)
def test_the_head_never_jumps(seed, mistake):
    performer = took(seed, mistake=mistake)
    poses = np.array([dataclasses.astuple(performer.face(t).pose) for t in span(0, TAKE_S)])
    speed = np.abs(np.diff(poses, axis=0)).max(axis=0) / (STEP_US * 1e-6)
    fastest_turn = 1.875 * 35 / 0.5 if mistake is Mistake.HEAD_TURN else 0
    assert (speed[:3] < 20 + fastest_turn).all()
    assert (speed[3:] < 40).all()


def test_units_are_known_and_within_0_and_1_even_where_much_happens_at_once():
    for seed in range(10):
        for mistake in Mistake:
            performer = took(seed, TOKENS[seed % 7], mistake=mistake, intensity=(1.0, 1.0))
            for t in span(0, TAKE_S, 20_000):
                units = performer.face(t).units
                assert set(units) <= set(UNITS)
                assert all(0 < level <= 1 for level in units.values())


def camera_error_deg(face):
    """How far the eyes look past the camera."""
    return math.hypot(face.gaze_deg[0] + face.pose.yaw_deg, face.gaze_deg[1] - face.pose.pitch_deg)


def test_in_a_take_the_eyes_stay_on_the_camera_and_come_back_to_it():
    idle = taken = 0
    for seed in range(30):
        performer = took(seed)
        taken += sum(camera_error_deg(performer.face(t)) > 1.5 for t in span(1, TAKE_S, 50_000))
        idle += sum(camera_error_deg(subject(seed).face(t)) > 1.5 for t in span(1, TAKE_S, 500_000)) * 10
        assert np.median([camera_error_deg(performer.face(t)) for t in span(0, TAKE_S, 100_000)]) < 0.7
    assert 0 < taken < 0.5 * idle
    assert idle < 30 * 14 * 20 * 0.3


def test_saccades_take_as_long_as_their_size_demands():
    performer = subject(6, manner=dataclasses.replace(Manner(), glances_per_min=15.0))
    gaze = np.array([performer.face(t).gaze_deg for t in span(0, 60, 1_000)])
    speed = np.hypot(*np.diff(gaze, axis=0).T) * 1_000
    assert 150 < speed.max() < 600, "degrees a second, of saccades of 4 to 15 degrees"
    moving = speed > 30
    assert 0.001 < moving.mean() < 0.1


def test_lids_follow_the_eyes_down():
    manner = dataclasses.replace(Manner(), glances_per_min=15.0, glance_deg=15.0, blinks_per_min=0.1)
    faces = moments(subject(6, manner=manner), 120, 20_000)
    down = [face.units.get("AU45_L", 0.0) for face in faces if face.gaze_deg[1] < -6]
    ahead = [face.units.get("AU45_L", 0.0) for face in faces if abs(face.gaze_deg[1]) < 2]
    assert len(down) > 10
    assert min(down) > 0.03
    assert max(down) < 0.6
    assert max(ahead) == 0


def test_people_swallow_now_and_then_but_hardly_in_a_take():
    manner = dataclasses.replace(Manner(), swallows_per_min=1.5)
    resting = [face.swallow for face in moments(subject(9, manner=manner), 600, 100_000)]
    swallows = np.count_nonzero(np.diff((np.array(resting) > 0.5).astype(int)) > 0)
    assert 8 <= swallows <= 20
    in_takes = [made for seed in range(60) for made in took(seed, manner=manner).truth().others if made.kind == "swallow"]
    assert len(in_takes) < 60 * 1.5 / 4 * 0.4


def test_a_figure_without_a_life_of_its_own_only_obeys():
    performer = subject(1, spontaneous=False)
    assert len({(face.pose, face.gaze_deg, face.breath, face.swallow) for face in moments(performer, 60, 100_000)}) == 1
    assert not any(face.units for face in moments(performer, 60, 100_000))
