"""How true the live rig check is: its distance beside that of the simulated subject and beside a rule of thumb; time per look.

    python benchmarks/rigcheck.py [--seeds N] [--head builtin] [--looks N]

Each seed is another person at another distance before a simulated rig, which a capture process of its own opens, live; what is
looked at comes out of its rings, as in the window. The rule of thumb is what is found everywhere: the width of the box that
OpenCV's face cascade gives, times a constant (here the best one for these faces, 155 mm). "eyes measured" is our own distance
where the operator has put in how far the subject's eyes are apart. Nothing of this reads the simulator's truth but the table.
"""

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from protocol.streams import Stream
from recorder.measures.distance import FOCAL_PX
from recorder.messages import Arm, Armed, Refused, RigSpec, Status
from recorder.rigcheck.checker import RigChecker
from recorder.rigcheck.findings import Check, summary
from recorder.rigcheck.views import RigView, take_view
from recorder.sim.casting import cast
from recorder.sim.options import parse_options
from recorder.station import Station
from recorder.video2events.faces import CascadeFinder

BOX_MM = 155.0  # width of the cascade's box on a face
WARM_PICTURES = 30  # of the event camera: its rings are full then, and auto-exposure has settled
PATIENCE_S = 60.0
GOAL_MS = 150.0


@dataclass(frozen=True)
class Person:
    """What is known of a simulated subject: eyes to event camera, and between the middles of the eyeballs, in mm."""

    distance_mm: float
    interocular_mm: float


@dataclass(frozen=True)
class Row:
    """One seed. Distances in mm, None where no face was found; look_ms: processor time of each look."""

    seed: int
    person: Person
    ours: float | None
    measured: float | None
    peer: float | None
    look_ms: tuple[float, ...]
    checks: tuple[Check, ...]


def person_of(seed: int, head: str) -> Person:
    """The truth about a seed's subject."""
    play = cast(seed, parse_options({"head": head}))
    right, left = play.mesh.eyes
    return Person(play.traits.distance_mm, float(np.linalg.norm(np.asarray(right.centre) - np.asarray(left.centre))))


def views(rig: RigSpec, looks: int) -> Iterator[RigView]:
    """What the rings of an armed rig hold, once a second."""
    with Station() as station:
        station.send(Arm(rig=rig, data=str(Path.cwd())))
        armed, due_s, given = None, float("inf"), 0
        end_s = time.monotonic() + PATIENCE_S
        while given < looks and time.monotonic() < end_s:
            report = station.next(1.0)
            if isinstance(report, Refused):
                raise SystemExit(report.text)
            if isinstance(report, Armed):
                armed = report
            if not isinstance(report, Status) or armed is None or station.runtime is None:
                continue
            if due_s == float("inf") and _is_warm(report):
                due_s = time.monotonic()
            if time.monotonic() >= due_s:
                due_s, given = due_s + 1, given + 1
                told = {"streams": report.streams, "takes_free": report.takes_free, "resolution": report.event_resolution}
                yield take_view(station.runtime, time.monotonic_ns(), armed=armed, **told)


def _is_warm(status: Status) -> bool:
    return all(name in status.streams for name in ("events", "frames")) and status.streams["frames"].received >= WARM_PICTURES


def looked_at(seed: int, head: str, looks: int) -> Row:
    """One seed: every look, of which the last one's distance counts."""
    person, checker = person_of(seed, head), RigChecker()
    found: tuple[Check, ...] = ()
    ours, measured, peers, times_ms = [], [], [], []
    for view in views(RigSpec(camera=f"sim:{seed},head={head}", rgb="sim"), looks):
        begun_s = time.thread_time()
        found = checker.look(view)
        times_ms.append(1000 * (time.thread_time() - begun_s))
        own = RigChecker().look(replace(view, interocular_mm=person.interocular_mm))
        ours.append(_distance(found))
        measured.append(_distance(own))
        peers.append(_peer(view))
    return Row(seed, person, _last(ours), _last(measured), _last(peers), tuple(times_ms), found)


def _distance(checks: Sequence[Check]) -> float | None:
    return next(check.value for check in checks if check.name == "distance")


def _peer(view: RigView) -> float | None:
    boxes = CascadeFinder().find(view.pictures[Stream.FRAMES][-1].image)
    return FOCAL_PX * BOX_MM / max(box.box[2] for box in boxes) if boxes else None


def _last(values: Sequence[float | None]) -> float | None:
    return next((value for value in reversed(values) if value is not None), None)


def show(rows: Sequence[Row]) -> None:
    """The table, and what it comes to."""
    print(f"{'seed':>4} {'true mm':>8} {'eyes mm':>8} {'ours':>6} {'eyes measured':>14} {'box rule':>9}  ms a look  level")
    for row in rows:
        numbers = " ".join(f"{_error(value, row):>{wide}}" for value, wide in _values(row))
        times = f"{np.median(row.look_ms):.0f} (first {row.look_ms[0]:.0f})"
        head = f"{row.seed:>4} {row.person.distance_mm:>8.0f} {row.person.interocular_mm:>8.1f}"
        print(f"{head} {numbers}  {times}  {summary(row.checks).value}")
    for name, index in (("ours, people's mean eyes", 0), ("ours, eyes measured", 1), ("width of the cascade's box", 2)):
        print(f"{name:<28} {_summed([(_values(row)[index][0], row) for row in rows])}")
    all_ms = [ms for row in rows for ms in row.look_ms[1:]]
    slow_ms = float(np.percentile(all_ms, 95))
    verdict = "reached" if slow_ms <= GOAL_MS else "missed"
    print(f"time per look: median {np.median(all_ms):.0f} ms, 95th {slow_ms:.0f} ms (goal {GOAL_MS:.0f}: {verdict})")


def _values(row: Row) -> tuple[tuple[float | None, int], ...]:
    return (row.ours, 6), (row.measured, 14), (row.peer, 9)


def _error(value: float | None, row: Row) -> str:
    return "none" if value is None else f"{value - row.person.distance_mm:+.0f}"


def _summed(found: Sequence[tuple[float | None, Row]]) -> str:
    errors = np.array([value - row.person.distance_mm for value, row in found if value is not None])
    if not len(errors):
        return "no face found"
    numbers = (
        f"median error {np.median(np.abs(errors)):.0f} mm, worst {np.abs(errors).max():.0f} mm, mean {errors.mean():+.0f} mm"
    )
    return f"{numbers}; no face in {len(found) - len(errors)} of {len(found)}"


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description="Distance and time of the live rig check.")
    parser.add_argument("--seeds", type=int, default=8, help="how many subjects")
    parser.add_argument("--first", type=int, default=1, help="seed of the first")
    parser.add_argument("--head", default="builtin", help="builtin, ict or a file")
    parser.add_argument("--looks", type=int, default=4, help="looks at each, a second apart")
    wanted = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    show([looked_at(seed, wanted.head, wanted.looks) for seed in range(wanted.first, wanted.first + wanted.seeds)])


if __name__ == "__main__":
    main()
