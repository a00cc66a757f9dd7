"""After a warm-up nothing is left to be compiled for the paper and the verdict, whatever the computer had before."""

import os
import subprocess
import sys

from recorder.paperwatch import PaperKind, find_paper
from recorder.warmup import SIZE, WarmUp, sheet

VERDICT = """
import sys
from pathlib import Path
def compiled():
    return {path.name for path in Path(sys.argv[1]).rglob("*.nbc")}
from recorder.warmup import warm_up
warm_up()
before = compiled()
from recorder.quality import assess
from recorder.take import Take
with Take(sys.argv[2]) as take:
    print(assess(take).verdict.value)
print(len(before) > 4, sorted(compiled() - before))
"""


def test_the_sheet_that_it_draws_is_taken_for_one():
    (seen,) = find_paper(sheet(), SIZE)
    assert seen.kind is PaperKind.OUT


def test_a_first_verdict_compiles_nothing_after_a_warm_up(simulated_take, tmp_path):
    fresh = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    words = [sys.executable, "-c", VERDICT, str(tmp_path), str(simulated_take)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, env=fresh, check=True)
    assert done.stdout.split("\n")[:2] == ["good", "True []"]


def test_in_a_thread_it_has_ended_when_it_is_left():
    with WarmUp() as ahead:
        thread = ahead._thread
    assert not thread.is_alive()
