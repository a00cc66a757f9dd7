"""Once everything is compiled ahead, neither a take on the simulated rig nor what is computed of it compiles anything."""

import subprocess
import sys

import pytest

COMPILED = """
import sys
from pathlib import Path
from numba.core.dispatcher import Dispatcher

def compiled():
    modules = [module for name, module in sys.modules.items() if name.startswith(("app.", "recorder."))]
    functions = [one for module in modules for one in vars(module).values() if isinstance(one, Dispatcher)]
    return {f"{one.py_func.__module__}.{one.py_func.__name__}{kinds}" for one in functions for kinds in one.signatures}

from app.warmup import warm_up
warm_up()
before = compiled()
"""
TELL = """
print(len(before) > 20, sorted(compiled() - before))
"""
TAKE = """
import time
from protocol.streams import Stream
from recorder.clock import EventPace
from recorder.sim.rig import SimRig
from recorder.sources.base import Prompt, Surroundings

shown = None
around = Surroundings(EventPace(), lambda: shown, time.monotonic_ns, time.sleep, (Stream.RGB, Stream.THERMAL))
rig = SimRig(2, around, {"head": "builtin", "rate": "0.1"})
rig.open()
now_us, seen = 0, set()
for number, (action, steps) in enumerate({"settle": 10, "paper_in": 90, "neutral": 70, "move": 60}.items()):
    shown = Prompt(number, now_us, action, action, "smile" if action == "move" else None, "")
    for _ in range(steps):
        packets = rig.read()
        seen |= {packet.stream for packet in packets}
    now_us = max(int(one.records["t"][-1]) for one in packets if one.stream is Stream.IMU)
rig.close()
assert {Stream.EVENTS, Stream.RGB, Stream.THERMAL} <= seen
"""
JUDGED = """
from app.judging import clocks, verdict
path = Path(sys.argv[1])
assert verdict(path).quality is not None and clocks(path).sync is not None
"""


@pytest.fixture
def copied_take(simulated_take, tmp_path):
    """The simulated take, of which analyses may be kept."""
    for path in simulated_take.parent.glob(f"{simulated_take.stem}.*"):
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path / simulated_take.name


def compiled_by(work, *arguments):
    """What it says of the code that was compiled or loaded by `work` after everything had been compiled ahead."""
    words = [sys.executable, "-c", COMPILED + work + TELL, *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_simulated_take_compiles_nothing_once_its_clock_runs():
    assert compiled_by(TAKE) == "True []"


def test_verdict_and_clocks_compile_nothing(copied_take):
    assert compiled_by(JUDGED, copied_take) == "True []"
