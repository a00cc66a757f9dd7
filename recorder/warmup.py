"""Compiles ahead what a take, its paper marks and its verdict need, which otherwise the first take after an install waits for.

Seconds once, then next to nothing: the code is kept on disk (see `compiled.py`). Knows no take.
"""

import threading
import time
from types import TracebackType
from typing import Self

import numpy as np

from protocol.streams import EVENT_DTYPE, Array, Stream

SIZE = (64, 48)
CONTRAST = 4  # events of a pixel that the sheet's edge passes
BEGIN_US, CROSSING_US = 500_000, 200_000
LASTS_US = 1_500_000  # of which the rest is enough for the watch to say what has passed
EDGE_US = 3_000  # an edge is not perfectly sharp
LAMP = {"flicker": "100"}  # a rig's option: light that flickers takes all the loops of steady light and one more


def warm_up() -> None:
    """Import and compile paper marks and verdicts, by what they do with a small sheet of paper."""
    from recorder.activity import count_activity
    from recorder.faces.portrait import below_paper
    from recorder.paperwatch import find_paper

    events = sheet()
    find_paper(events, SIZE)
    count_activity(events, SIZE)
    below_paper(events, SIZE)


def warm_up_rig() -> None:
    """The simulated rig with all its cameras, which compiles everything before it says that it is open."""
    from recorder.clock import EventPace
    from recorder.sim.rig import SimRig
    from recorder.sources.base import Surroundings

    video = Stream.RGB, Stream.THERMAL
    rig = SimRig(1, Surroundings(EventPace(), lambda: None, time.monotonic_ns, time.sleep, video), {"head": "builtin"} | LAMP)
    rig.open()
    rig.close()


def warm_up_clocks() -> None:
    """What the clocks of frame cameras are found by: the same sheet before a camera of four pictures."""
    from recorder.alignment.motion_increments import Shots, event_increments, moving_events

    events = moving_events(sheet(), SIZE)
    middle_us = np.linspace(0, LASTS_US, 4)
    shots = Shots(middle_us, np.full(4, float(EDGE_US)), np.zeros((4, 2, 2), np.float32), np.zeros(2))
    event_increments(events, shots, np.arange(3), 0.0, np.zeros(events.shape[0] * events.shape[1]))


def sheet() -> Array:
    """Events of an edge that crosses a small sensor from left to right and darkens all of it, [n] of EVENT_DTYPE, sorted."""
    y, x = (places.ravel() for places in np.mgrid[: SIZE[1], : SIZE[0]])
    passed = BEGIN_US + x * CROSSING_US // SIZE[0]
    events = np.zeros(len(x) * CONTRAST + 2, EVENT_DTYPE)
    events["t"][-2:] = 0, LASTS_US
    events["p"][-2:] = 0, 1
    edge = events[:-2].reshape(CONTRAST, -1)
    edge["x"], edge["y"], edge["p"] = x, y, 0
    edge["t"] = passed + np.arange(CONTRAST)[:, None] * EDGE_US // CONTRAST
    return events[np.argsort(events["t"], kind="stable")]


class WarmUp:
    """The same in a thread, while somebody sits down before the cameras. A context manager: leaving it waits for the end."""

    def __init__(self) -> None:
        self._thread = threading.Thread(target=self._run, name="warm-up", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Wait for the end: the verdict needs what is being compiled."""
        self._thread.join()

    @staticmethod
    def _run() -> None:
        warm_up()
        import recorder.quality  # noqa: F401 (half a second, which the verdict need not wait for either)
