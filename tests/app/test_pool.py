"""Many takes are worked on at once, and what befalls one of them does not cost the others their results."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

from takekit import make_take

from app.pool import each_take
from protocol.errors import GlimpseError
from recorder.take import find_takes

# A program of its own: the standard library keeps a helper process for whoever has started others.
PROGRAM = """\
import json, os, signal, sys, time
from pathlib import Path
from app.pool import each_take
from recorder.take import find_takes

def work(path):
    if path.stem.endswith("_3"):
        time.sleep(1)
        os.kill(os.getpid(), signal.SIGKILL)
    return path.stem

if __name__ == "__main__":
    done = each_take(work, find_takes(Path(sys.argv[1])), "Working", jobs=2)
    print(json.dumps([[one.result, one.problem] for one in done]))
"""


def size(path):
    if path.stem.endswith("_2"):
        raise GlimpseError(f"{path}: is not what it should be; choose another.")
    return path.stat().st_size


def test_a_take_that_is_renamed_meanwhile_is_a_problem_of_its_own(tmp_path):
    for number in (1, 2, 3):
        make_take(tmp_path, f"frown_4_{number}")
    entries = find_takes(tmp_path)
    (tmp_path / "frown_4_3.aedat4").unlink()
    first, second, third = each_take(size, entries, "Measuring", jobs=1)
    assert first.result > 0
    assert second.problem == f"{entries[1].path}: is not what it should be; choose another."
    missing = os.strerror(errno.ENOENT)  # in the language of the system
    assert third.problem == f"{entries[2].path}: {missing}; check the file and its permissions."


def test_a_process_that_is_killed_costs_no_result_that_was_there_before(tmp_path):
    for number in range(1, 6):
        make_take(tmp_path / "data", f"frown_4_{number}")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    words = [sys.executable, str(program), str(tmp_path / "data")]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    results = json.loads(done.stdout)
    assert (len(results), results[0], results[1]) == (5, ["frown_4_1", None], ["frown_4_2", None])
    result, problem = results[2]
    assert (result, problem.startswith(str(tmp_path))) == (None, True)
    assert problem.endswith("try again with --jobs 1.")
