"""How the simulated rig counts its events by cause, and that nobody asks the subject while somebody else does."""

import time

import numpy as np

from protocol.streams import EVENT_DTYPE
from recorder.clock import EventPace
from recorder.sim.pixel import Cause
from recorder.sim.rig import Tally
from recorder.sim.sources import open_world
from recorder.sources.base import Surroundings
from recorder.sources.spec import CameraSpec


def test_the_tally_counts_the_packets_that_lie_between_two_times():
    tally = Tally()
    for first in (10, 20, 20, 40):
        events = np.zeros(2, EVENT_DTYPE)
        events["t"] = first, first + 9
        tally.note(events, np.array([Cause.SIGNAL, Cause.SHOT], np.uint8))

    def packets(first_us, last_us):
        counts = tally.counts(first_us, last_us)
        assert counts["signal"] == counts["shot"] == sum(counts.values()) / 2
        return counts["signal"]

    assert packets(None, None) == 4
    assert packets(20, None) == 3
    assert packets(11, 29) == 2
    assert packets(10, 48) == 3
    assert packets(30, 40) == packets(60, 70) == packets(0, 5) == packets(40, 20) == 0
    assert Tally().counts(None, None) == dict.fromkeys(tally.counts(None, None), 0)


def test_the_truth_is_told_while_nobody_else_asks_the_subject(monkeypatch):
    """Pictures are rendered on another thread meanwhile, and what the subject remembers changes as it is asked."""
    around = Surroundings(EventPace(), lambda: None, time.monotonic_ns, time.sleep)
    camera = open_world(CameraSpec("sim", "1", {"head": "builtin"}), around)
    info = camera.open()
    performer, guarded = camera._play.performer, []

    def truth(*until, tell=performer.truth):
        guarded.append(camera._stage.lock.locked())
        return tell(*until)

    monkeypatch.setattr(performer, "truth", truth)
    info.truth(None, None)
    camera.close()
    assert guarded
    assert all(guarded)
