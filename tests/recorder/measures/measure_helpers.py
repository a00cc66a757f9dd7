"""Events and manifests for tests of measures, drawn from a seed."""

import numpy as np

from protocol.manifest import FinishReason, Manifest, StepTime, StreamRecord, TakeStatus
from protocol.streams import EVENT_DTYPE

T0_US = 1_700_000_000_000_000
SECOND = 1_000_000
SIZE = (64, 48)  # width, height


def at(seconds):
    return T0_US + round(seconds * SECOND)


def noise_events(rate_hz, begin_s=0.0, end_s=10.0, seed=0, size=SIZE):
    """Events of every pixel at `rate_hz`, independent of one another."""
    rng = np.random.default_rng(seed)
    count = rng.poisson(rate_hz * size[0] * size[1] * (end_s - begin_s))
    events = np.zeros(count, EVENT_DTYPE)
    events["t"] = np.sort(rng.integers(at(begin_s), at(end_s), count))
    events["x"], events["y"] = rng.integers(0, size[0], count), rng.integers(0, size[1], count)
    events["p"] = rng.integers(0, 2, count)
    return events


def joined(*parts):
    events = np.concatenate(parts)
    return events[np.argsort(events["t"], kind="stable")]


def pixel_events(x, y, times_us, polarity=1):
    events = np.zeros(len(times_us), EVENT_DTYPE)
    events["t"], events["x"], events["y"], events["p"] = times_us, x, y, polarity
    return events


def script_manifest(**changes):
    """Ten seconds: settle 0-1 s, paper 1-3 s, neutral 3-6 s, movement 6-10 s."""
    names = (("settle", "settle", 0), ("paper_in", "paper_in", 1), ("hold", "hold_paper", 2), ("neutral", "neutral", 3))
    steps = [StepTime(step=step, action=action, scheduled_us=at(s), at_us=at(s)) for step, action, s in names]
    steps.append(StepTime(step="movement", action="move", scheduled_us=at(6), at_us=at(6)))
    told = {
        "movement": "smile",
        "subject": 4,
        "number": 1,
        "status": TakeStatus.COMPLETE,
        "finish_reason": FinishReason.SCRIPT_ENDED,
        "recorded_at": "2026-03-02T10:00:00+01:00",
        "streams": {"events": StreamRecord(received=100, written=100)},
        "steps": tuple(steps),
        "start_us": at(0),
        "t0_scheduled_us": at(3),
        "cue_us": at(6),
        "stop_us": at(10),
    }
    return Manifest(**(told | changes))
