"""The judge's process: it leaves with whoever started it."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "recorder"))
from stations import ROOT, is_gone, wait_until

from app.judging import Judge

STARTS_A_JUDGE = """
from app.judging import Judge
if __name__ == "__main__":
    judge = Judge()
    judge.warm_up()
    print(next(iter(judge._pool._processes)), flush=True)
    input()
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX systems")
def test_a_judge_whose_window_was_killed_leaves(tmp_path):
    program = tmp_path / "window.py"
    program.write_text(STARTS_A_JUDGE)
    window = subprocess.Popen([sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    judge = psutil.Process(int(window.stdout.readline()))
    assert judge.is_running()
    window.kill()
    window.communicate()
    wait_until(lambda: is_gone(judge.pid), "the judge's end")


def test_a_judge_says_what_is_wrong_with_a_file_and_lives_on(tmp_path):
    judge = Judge()
    try:
        for number in range(2):
            answer = judge.verdict(tmp_path / f"smile_1_{number + 1}.aedat4").result(120)
            assert answer.quality is None
            assert f"smile_1_{number + 1}" in answer.problem
    finally:
        judge.close()
