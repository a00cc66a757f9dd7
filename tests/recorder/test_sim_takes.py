"""Whole takes of the simulated rig by real capture processes: its faults, its end, its truth and its imagined host."""

import sys

import psutil
import pytest
import sim_worlds
from sim_worlds import DRIFT_PPM, START_US, imagined_host_ns
from stations import finish, hear, is_gone, is_recording, manifest_of, record, take_of, wait_until

from recorder.station import Station


def station():
    """A capture process that knows the cheap worlds of these tests."""
    return Station([sys.executable, sim_worlds.__file__, "capture"])


def take(data, **changes):
    """One take of the rich world, or of the one that the camera names."""
    with station() as it:
        it.send(record(data, **changes))
        return finish(it)[0]


def test_one_seed_and_one_script_are_one_take_at_full_speed(tmp_path):
    ends = [take_of(tmp_path, camera="sim:5", rgb="sim", speed="max") for _ in range(2)]
    one, other = (manifest_of(done.path) for done in ends)
    assert (one.status, one.truth["movement"]) == ("complete", "frown")
    assert one.truth == other.truth
    assert one.steps == other.steps
    received = [{name: (s.received, s.first_us, s.last_us) for name, s in it.streams.items()} for it in (one, other)]
    assert received[0] == received[1]


def rig_of(station):
    return wait_until(lambda: psutil.Process(station.pid).children(), "the rig's process")[0]


def test_a_rig_that_is_killed_during_a_take_ends_it_and_all_that_came_is_kept(tmp_path):
    with station() as it:
        it.send(record(tmp_path, rgb="sim"))
        hear(it, is_recording)
        rig_of(it).kill()
        done, _ = finish(it)
    assert (done.status, done.finish_reason) == ("partial", "source_lost")
    assert "signal 9" in done.message
    manifest = manifest_of(done.path)
    assert manifest.truth["snapshot"]
    assert manifest.streams["events"].received == manifest.streams["events"].written > 0


def test_a_rig_that_is_stopped_during_a_take_is_a_stall_and_is_ended_with_the_cameras(tmp_path):
    with station() as it:
        it.send(record(tmp_path, stall_ms=200, stall_end_s=0.6))
        hear(it, is_recording)
        rig = rig_of(it)
        rig.suspend()
        done, heard = finish(it)
    assert (done.status, done.finish_reason) == ("partial", "stalled")
    assert any("nothing for 200 ms" in getattr(one, "text", "") for one in heard)
    assert is_gone(rig.pid)


def test_an_unplugged_rig_keeps_the_truth_of_its_take(tmp_path):
    manifest = manifest_of(take(tmp_path, camera="sim:1,fault=unplug@2", speed="max").path)
    assert (manifest.finish_reason, manifest.truth["fault"]["kind"]) == ("source_lost", "unplug")


def test_a_half_open_camera_is_named_before_and_during_a_take(tmp_path):
    done = take(tmp_path, camera="sim:1,fault=half_open@0", first_data_s=0.5)
    assert (done.status, done.finish_reason) == ("partial", "no_first_data")
    assert "No events from Rich world" in done.message
    for speed in ("1", "max"):
        done = take(tmp_path, camera="sim:1,fault=half_open@0.8", speed=speed, stall_end_s=0.5)
        assert (done.status, done.finish_reason, done.message) == (
            "partial",
            "stalled",
            "No events from Rich world for 0.5 s.",
        )


def test_a_burst_of_12_million_events_a_second_is_recorded_whole(tmp_path):
    done = take(tmp_path, camera="sim:1,fault=burst@0.5+0.3")
    manifest = manifest_of(done.path)
    assert (done.status, manifest.streams["events"].dropped) == ("complete", 0)
    assert done.counts["events"]["received"] == done.counts["events"]["written"] > manifest.truth["fault"]["added"] > 3_000_000


def test_a_clock_that_jumps_forward_is_a_gap_and_the_take_goes_on(tmp_path):
    done = take(tmp_path, camera="sim:1,fault=jump@0.5+1.3")
    manifest = manifest_of(done.path)
    assert done.status == "complete"
    (gap,) = [gap for gap in manifest.gaps if gap.stream == "events"]
    assert gap.kind == "forward_jump"
    assert 1_290_000 < gap.end_us - gap.start_us < 1_400_000


def test_a_take_of_an_imagined_host_has_clock_fits_and_event_times_by_its_clock(tmp_path):
    done = take(tmp_path, camera="sim:1,world=imagined", speed="max", stall_end_s=2.0)
    manifest = manifest_of(done.path)
    events, rgb = manifest.streams["events"], manifest.streams["rgb"]
    assert (manifest.status, events.virtual_host, rgb.virtual_host) == ("complete", True, True)
    assert events.clock_fit.drift_ppm == pytest.approx(DRIFT_PPM, abs=0.1)
    assert rgb.event_minus_host_us == pytest.approx(START_US - imagined_host_ns(0) // 1000, abs=1_000)
    assert events.first_us <= rgb.first_us <= rgb.last_us <= events.last_us
