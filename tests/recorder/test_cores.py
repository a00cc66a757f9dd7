"""NumPy computes in one thread unless the user wants more; other libraries keep theirs."""

import os
import subprocess
import sys

import pytest

from recorder.cores import VARIABLE, one_thread

THREADS = """
import sys, threading
from app.main import main
assert "numpy" not in sys.modules
main(["--help"])
import numpy, os
numpy.ones((600, 600)) @ numpy.ones((600, 600))
import cv2, numba
print(len(os.listdir("/proc/self/task")), cv2.getNumThreads(), numba.config.NUMBA_NUM_THREADS)
"""


def test_what_the_user_has_set_is_kept():
    environment = {VARIABLE: "3"}
    one_thread(environment)
    assert environment == {VARIABLE: "3"}


def test_nothing_else_is_set():
    environment = {}
    one_thread(environment)
    assert environment == {"OPENBLAS_NUM_THREADS": "1"}


@pytest.mark.skipif(sys.platform != "linux" or (os.cpu_count() or 1) < 2, reason="counts threads as Linux lists them")
def test_the_command_line_starts_no_threads_of_openblas_and_leaves_opencv_and_numba_alone():
    clean = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-c", THREADS], capture_output=True, text=True, timeout=60, env=clean, check=True)
    threads, opencv, numba = map(int, done.stdout.splitlines()[-1].split())
    cores = len(os.sched_getaffinity(0))
    assert (threads, opencv, numba) == (1, cores, cores)
