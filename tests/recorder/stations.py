"""Real capture processes for tests: a script of 2.4 s, requests, reports gathered, and what a take must look like on disk.

As a program: `chatty DATA`, a parent that freezes itself with more on its way to it than a pipe holds; `blocked EXIT_S`, a
capture process whose event files never take more than a pipe does.
"""

import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import dv_processing as dv
import numpy as np
import psutil

from protocol.manifest import Manifest
from protocol.script import parse_script
from recorder.messages import Mark, Record, Refused, Report, RigSpec, State, Status, TakeDone, TakeRequest
from recorder.settings import RecorderSettings
from recorder.station import Station
from recorder.take import Take

PATIENCE_S = 60.0
ROOT = Path(__file__).parents[2]

STEPS = """
  - {id: settle, action: settle, seconds: 0.3, prompt: {en: Settle}}
  - {id: paper_in, action: paper_in, seconds: 0.2, start_mark: paper_in, prompt: {en: Paper}}
  - {id: countdown, action: hold_paper, seconds: 0.3, countdown: true, prompt: {en: Hold}}
"""
SHORT = f"""
format: glimpse-script
version: "1.0"
name: short
kind: movements
movements: [frown, smile]
distance_mm: [300, 400]
background: white
languages: [en]
anchor: neutral
cue: movement
steps:{STEPS}
  - {{id: neutral, action: neutral, seconds: 0.8, start_mark: paper_out, prompt: {{en: Neutral}}}}
  - {{id: movement, action: move, seconds: 0.8, start_mark: cue, prompt: {{en: Move}}}}
"""
SPONTANEOUS = f"""
format: glimpse-script
version: "1.0"
name: watch
kind: spontaneous
distance_mm: [300, 400]
background: white
languages: [en]
anchor: watch
steps:{STEPS}
  - {{id: watch, action: watch, seconds: null, at_most_seconds: 60, start_mark: paper_out, prompt: {{en: Watch}}}}
"""
LONG = SHORT.replace("seconds: 0.8, start_mark: cue", "seconds: 60, start_mark: cue")


def settings(**changes: Any) -> RecorderSettings:
    """Settings for small takes: rings of little memory, no need of a gigabyte of free space."""
    return RecorderSettings(**{"take_bytes": 1_000_000, "event_ring": 1 << 16, "frame_ring": 4, **changes})


def record(
    data: Path,
    camera: str = "sim:1",
    *,
    rgb: str = "none",
    thermal: str = "none",
    speed: str = "1",
    script: str = SHORT,
    subject: int = 4,
    **changes: Any,
) -> Record:
    """The command for one take of a frown; `changes` are settings."""
    request = TakeRequest(data=str(data), movement="frown", subject=subject, script=parse_script(script, "test"))
    rig = RigSpec(camera=camera, rgb=rgb, thermal=thermal, speed=speed)  # type: ignore[arg-type]
    return Record(rig=rig, take=request, settings=settings(**changes))


def hear(station: Station, wanted: Callable[[Report], bool]) -> list[Report]:
    """Every report up to the wanted one."""
    heard: list[Report] = []
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        report = station.next(1.0)
        if report is not None:
            heard.append(report)
            if wanted(report):
                return heard
            assert not isinstance(report, TakeDone | Refused), report
    raise AssertionError(f"the awaited report did not come; the last ones were {heard[-3:]}")


def finish(station: Station) -> tuple[TakeDone, list[Report]]:
    """The end of the take, and everything said before."""
    heard = hear(station, lambda report: isinstance(report, TakeDone))
    done = heard.pop()
    assert isinstance(done, TakeDone)
    return done, heard


def is_recording(report: Report, events: int = 1_000) -> bool:
    """Whether a status says that this many events are in the file."""
    return (
        isinstance(report, Status)
        and report.state is State.RECORDING
        and "events" in report.streams
        and report.streams["events"].written >= events
    )


def take_of(data: Path, command: Record | None = None, **changes: Any) -> TakeDone:
    """One take by a capture process of its own."""
    with Station() as station:
        station.send(command or record(data, **changes))
        return finish(station)[0]


def wait_until(condition: Callable[[], Any], what: str) -> Any:
    """The first true answer; fails when there is none in good time."""
    deadline = time.monotonic() + PATIENCE_S
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)
    return answer


def glimpse(*arguments: object, **options: Any) -> "subprocess.Popen[str]":
    """The command line as a process group of its own, as a terminal has it."""
    command = [sys.executable, "-m", "app.main", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True, "cwd": ROOT}
    return subprocess.Popen(command, **{**pipes, **options})


def capture_of(parent: int) -> psutil.Process:
    """The capture process of a parent."""
    found = lambda: [c for c in psutil.Process(parent).children() if "recorder.capture" in c.cmdline()]  # noqa: E731
    return wait_until(found, "a capture process")[0]


def is_gone(pid: int) -> bool:
    """Whether the process has ended, reaped or not."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@contextlib.contextmanager
def no_process_left() -> Iterator[None]:
    """Ends whatever child the block left behind, and fails because of it."""
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    try:
        yield
    finally:
        left = [child for child in psutil.Process().children(recursive=True) if child.pid not in before]
        alive = [child for child in left if not is_gone(child.pid)]
        for child in alive:
            child.kill()
        assert not alive, f"left running: {alive}"


def manifest_of(path: str | Path | None) -> Manifest:
    """The manifest beside an `.aedat4`."""
    assert path is not None
    return Manifest.parse(Path(path).with_suffix(".json").read_bytes(), str(path))


def dv_events(path: str | Path) -> np.ndarray:
    """All events as dv-processing reads them: timestamp, x, y, polarity."""
    recording = dv.io.MonoCameraRecording(str(path))
    parts = []
    while (batch := recording.getNextEventBatch()) is not None:
        parts.append(batch.numpy())
    return np.concatenate(parts) if parts else np.zeros(0, [("timestamp", "<i8")])


def assert_readable_by_all(path: str | Path | None) -> int:
    """dv-processing and our reader see the same events, in order, as many as the manifest says; returns how many."""
    manifest = manifest_of(path)
    assert path is not None
    with Take(path) as take:
        ours = take.events()
        assert take.count("events") == manifest.streams["events"].written  # type: ignore[arg-type]
    theirs = dv_events(path)
    np.testing.assert_array_equal(ours["t"], theirs["timestamp"])
    np.testing.assert_array_equal(ours["x"], theirs["x"])
    assert np.all(np.diff(ours["t"]) >= 0)
    return len(ours)


def left_overs(data: Path) -> list[str]:
    """Locks, journals, `.part` files and temporary files anywhere in a data set."""
    marks = (".lock", ".rename", ".tmp", ".part.")
    return sorted(path.name for path in data.rglob("*") if any(mark in path.name for mark in marks))


def chatty_parent(data: str) -> None:
    """Ask for a take and for thousands of remarks, freeze, and once woken print the end of the take as JSON."""
    with Station() as station:
        station.send(record(Path(data)))
        hear(station, is_recording)
        for _ in range(3_000):
            station.send(Mark(mark="nonsense"))
        os.kill(os.getpid(), signal.SIGSTOP)
        print(json.dumps(finish(station)[0].model_dump(mode="json")), flush=True)


def blocked_capture(exit_s: str) -> None:
    """A capture process that writes its event files into pipes that nobody reads: write(2) waits for ever."""
    from recorder.aedat4.writer import Aedat4Writer
    from recorder.capture import main

    def open_file(path: Path) -> BinaryIO:
        path.touch(exist_ok=False)
        return os.fdopen(os.pipe()[1], "wb", buffering=0)

    main(open_events=functools.partial(Aedat4Writer, open_file=open_file), exit_s=float(exit_s))


if __name__ == "__main__":
    {"chatty": chatty_parent, "blocked": blocked_capture}[sys.argv[1]](sys.argv[2])
