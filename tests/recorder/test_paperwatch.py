"""A sheet of paper is seen as it comes and goes, live or afterwards, and nothing else is taken for one."""

import numpy as np
import pytest
from paper_events import RESOLUTION, SECOND_US, START_US, edge, events_of, face, in_and_out, noise, pixels

from protocol.streams import EVENT_DTYPE
from recorder.paperwatch import PaperKind, PaperWatch, find_paper
from recorder.take import Take


def test_paper_that_comes_and_goes_is_seen_twice():
    came, went = find_paper(in_and_out(), RESOLUTION)
    assert (came.kind, went.kind) == (PaperKind.IN, PaperKind.OUT)
    assert came.at_us - START_US == pytest.approx(600_000, abs=3000)
    assert came.begin_us - START_US == pytest.approx(500_000, abs=3000)
    assert went.at_us - START_US == pytest.approx(1_540_000, abs=3000)
    assert went.angle_deg == pytest.approx(-90, abs=2)
    assert abs(went.at_us - START_US - 1_540_000) <= went.uncertainty_us
    assert min(came.confidence, went.confidence) > 0.9


@pytest.mark.parametrize("angle_deg", [-86.0, 0.0, 90.0, 180.0, 30.0])
def test_the_way_of_the_edge_is_found(angle_deg):
    went = find_paper(in_and_out(angle_deg), RESOLUTION)[-1]
    assert (went.angle_deg - angle_deg + 180) % 360 - 180 == pytest.approx(0, abs=2)


def test_the_front_says_when_the_edge_crosses_a_pixel():
    went = find_paper(in_and_out(0.0), RESOLUTION)[-1]
    assert went.front.time_us(33, 50) - START_US == pytest.approx(1_510_000, abs=3000)
    assert went.front.time_us(99, 10) - START_US == pytest.approx(1_530_000, abs=3000)


def test_a_wall_as_bright_as_the_paper_shows_the_edge_on_the_face_only():
    came, went = find_paper(in_and_out(seen=face()), RESOLUTION)
    assert (came.kind, went.kind) == (PaperKind.IN, PaperKind.OUT)
    assert went.at_us - START_US == pytest.approx(1_540_000, abs=5000)


def test_each_is_told_within_fifty_milliseconds():
    watch = PaperWatch(RESOLUTION)
    told = []
    events = in_and_out()
    for batch in np.array_split(events, 400):
        told += [(batch["t"][-1] - START_US, sighting) for sighting in watch.feed(batch)]
    (came_us, _), (went_us, _) = told
    assert 600_000 <= came_us <= 650_000
    assert 1_540_000 <= went_us <= 1_590_000


def test_it_is_told_although_nothing_comes_any_more():
    watch = PaperWatch(RESOLUTION)
    assert watch.feed(events_of(edge(500_000, 600_000, 90, 1))) == []
    assert [sighting.kind for sighting in watch.advance(START_US + 650_000)] == [PaperKind.IN]
    assert watch.inside


@pytest.mark.parametrize("pieces", [1, 7, 300])
def test_batches_of_any_size_tell_the_same(pieces):
    events = in_and_out(-87.0)
    watch = PaperWatch(RESOLUTION)
    found = [sighting for batch in np.array_split(events, pieces) for sighting in watch.feed(batch)]
    assert found == find_paper(events, RESOLUTION)
    assert len(found) == 2


def test_single_events_tell_the_same():
    events = events_of(noise(0.3, resolution=(64, 48)), edge(100_000, 180_000, 90, 1, (64, 48)))
    watch = PaperWatch((64, 48))
    found = [sighting for n in range(len(events)) for sighting in watch.feed(events[n : n + 1])]
    assert found == find_paper(events, (64, 48))
    assert len(found) == 1


@pytest.mark.parametrize("resolution", [(320, 240), (640, 480), (64, 48)])
def test_other_sensors(resolution):
    _, went = find_paper(in_and_out(-90.0, resolution, contrast=1), resolution)
    assert went.at_us - START_US == pytest.approx(1_540_000, abs=3000)


def test_nothing_comes_of_nothing():
    watch = PaperWatch(RESOLUTION)
    none = np.zeros(0, EVENT_DTYPE)
    assert watch.feed(none) == watch.advance(START_US) == find_paper(none, RESOLUTION) == []


def test_events_outside_the_sensor_are_left_out():
    events = in_and_out()
    strays = events[::50].copy()
    strays["x"] += 300
    strays["y"] -= 200
    both = np.concatenate([events, strays])
    assert find_paper(both[np.argsort(both["t"], kind="stable")], RESOLUTION) == find_paper(events, RESOLUTION)


def test_a_jump_of_the_clock_starts_it_anew():
    events = in_and_out()
    back, forth = events.copy(), events.copy()
    back["t"] -= 3600 * SECOND_US
    forth["t"] += 3600 * SECOND_US
    watch = PaperWatch(RESOLUTION)
    kinds = [sighting.kind for part in (events, back, forth) for sighting in watch.feed(part)]
    assert kinds == [PaperKind.IN, PaperKind.OUT] * 3


@pytest.mark.parametrize("far_us", [2**63 - 1, -(2**63)])
def test_an_event_at_the_end_of_all_times_is_borne(far_us):
    events = in_and_out()
    late = events[-1:].copy()
    late["t"] = far_us
    assert [one.kind for one in find_paper(np.concatenate([late, events]), RESOLUTION)] == [PaperKind.IN, PaperKind.OUT]


def test_events_a_little_out_of_order_are_counted_where_they_belong():
    events = in_and_out()
    shuffled = events[np.argsort(events["t"] + np.random.default_rng(3).integers(0, 2000, len(events)), kind="stable")]
    for mixed, ordered in zip(find_paper(shuffled, RESOLUTION), find_paper(events, RESOLUTION), strict=True):
        assert mixed.at_us == pytest.approx(ordered.at_us, abs=500)


def test_paper_that_stays_in_is_not_seen_leaving():
    events = in_and_out()
    stays = events[events["t"] < START_US + 1_400_000]
    assert [sighting.kind for sighting in find_paper(stays, RESOLUTION)] == [PaperKind.IN]


def test_paper_that_was_in_from_the_begin_is_seen_leaving():
    events = in_and_out()
    leaves = events[events["t"] > START_US + 1_000_000]
    assert [sighting.kind for sighting in find_paper(leaves, RESOLUTION)] == [PaperKind.OUT]


def test_paper_waved_twice_is_seen_four_times():
    once = in_and_out()
    again = once.copy()
    again["t"] += 2_500_000
    kinds = [sighting.kind for sighting in find_paper(np.concatenate([once, again]), RESOLUTION)]
    assert kinds == [PaperKind.IN, PaperKind.OUT] * 2


@pytest.mark.parametrize("span_us", [12_000, 400_000])
def test_a_sheet_that_is_torn_away_and_one_in_no_hurry(span_us):
    events = events_of(noise(1.2), edge(500_000, 500_000 + span_us, -90, 0))
    (went,) = find_paper(events, RESOLUTION)
    assert went.at_us - START_US == pytest.approx(500_000 + span_us, abs=3000)
    assert went.end_us - went.begin_us == pytest.approx(span_us, rel=0.15)


def test_a_hand_that_moves_before_the_sheet_is_not_part_of_it():
    x, y = pixels()
    hand = edge(400_000, 480_000, -90, 1, seen=((x - 66) / 20) ** 2 + ((y - 99) / 60) ** 2 < 1)
    (went,) = find_paper(events_of(noise(1), hand, edge(500_000, 540_000, -90, 0, seen=face())), RESOLUTION)
    assert went.at_us - START_US == pytest.approx(540_000, abs=5000)
    assert went.angle_deg == pytest.approx(-90, abs=5)


def test_events_that_waited_on_a_full_sensor_do_not_shift_it():
    events = events_of(noise(1), edge(500_000, 540_000, -90, 0))
    per_us = 1.15  # fewer than happen, so that they queue up to 6 ms
    number = np.arange(len(events)) / per_us
    since = events["t"] - START_US
    events["t"] = START_US + (np.maximum.accumulate(since - number) + number).astype(np.int64)
    (went,) = find_paper(events, RESOLUTION)
    assert went.at_us - START_US == pytest.approx(540_000, abs=3000)
    assert went.uncertainty_us > 2000  # and it is known to be less certain


def test_flicker_of_the_light_does_not_hide_it():
    small = (88, 66)
    t = np.arange(0, 1_000_000, 5000)  # 100 Hz: brighter, darker
    x, y = (np.tile(place[::2], len(t)) for place in pixels(small))
    count = len(x) // len(t)
    jitter = np.random.default_rng(2).integers(0, 1500, len(x))
    lamp = (np.repeat(t, count) + jitter, x, y, np.repeat(np.arange(len(t)) % 2, count))
    stream = events_of(lamp, edge(300_000, 400_000, 90, 1, small), edge(800_000, 840_000, -90, 0, small))
    _, went = find_paper(stream, small)
    assert went.at_us - START_US == pytest.approx(840_000, abs=4000)


def light_switched():
    x, y = pixels()
    rng = np.random.default_rng(4)
    return [
        (500_000 + second * SECOND_US + rng.integers(0, 15_000, len(x)), x, y, np.full(len(x), second % 2)) for second in (0, 1)
    ]


def flicker():
    x, y = pixels()
    rng = np.random.default_rng(4)
    return [(t + rng.integers(0, 3000, len(x)), x, y, np.full(len(x), n % 2)) for n, t in enumerate(range(0, SECOND_US, 5000))]


def head_turns():
    """A textured ellipse that goes a third of the view to the side in half a second, and back."""
    rng = np.random.default_rng(5)
    texture = rng.normal(0, 0.5, (99, 300)) - 1.0
    texture[::3] += 0.4
    x, y = pixels()
    before, parts = None, []
    for t in range(0, 1_000_000, 2000):
        shift = 22 * (1 - np.cos(2 * np.pi * t / 1e6))
        inside = ((x - 43 - shift) / 30) ** 2 + ((y - 50) / 43) ** 2 < 1
        light = np.where(inside, texture[y, np.clip((x - shift).astype(int) + 60, 0, 299)], 0.0)
        before = light if before is None else before
        changed = np.flatnonzero(np.abs(light - before) > 0.2)
        parts.append((np.full(len(changed), 300_000 + t), x[changed], y[changed], (light > before)[changed]))
        before = np.where(np.abs(light - before) > 0.2, light, before)
    return parts


def blob_passes():
    """Something a fifth of the view high crosses it, as a hand does."""
    y = pixels()[1]
    return [edge(500_000, 700_000, 0, 0, seen=(y > 38) & (y < 58)), edge(560_000, 760_000, 0, 1, seen=(y > 38) & (y < 58))]


def random_burst():
    t, x, y, p = noise(0.3, rate_hz=100)
    return [(t + 500_000, x, y, p)]


def bump():
    """The camera is knocked: every contour shows, back and forth."""
    x, y = pixels()
    contour = np.random.default_rng(6).random(len(x)) < 0.3
    rng = np.random.default_rng(7)
    return [
        (
            500_000 + 20_000 * n + rng.integers(0, 15_000, contour.sum()),
            x[contour],
            y[contour],
            rng.integers(0, 2, contour.sum()),
        )
        for n in range(8)
    ]


@pytest.mark.parametrize("happening", [light_switched, flicker, head_turns, blob_passes, random_burst, bump])
def test_it_is_no_paper(happening):
    assert find_paper(events_of(noise(1.8), *happening()), RESOLUTION) == []


@pytest.mark.parametrize("name", ["davis346_lab_lamps", "davis346_road_bad_timerange"])
def test_real_recordings_without_paper(test_data, name):
    with Take(test_data / "aedat4" / f"{name}.aedat4") as take:
        assert find_paper(take.events(), (346, 260)) == []
