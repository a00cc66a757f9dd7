"""The guard around tests of windows fails the one that leaves something running or open, and only that one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]

LEAKY = """
from PySide6.QtCore import QThread, QTimer
from PySide6.QtWidgets import QWidget
from windowkit import clean_window, qapp, qapp_cls, rubbish

kept, old = [], QTimer()

def test_timer():
    kept.append(QTimer())
    kept[-1].start(1000)

def test_clean_after_it():
    kept[-1].stop()

def test_timer_that_was_there_before():
    old.start(1000)

def test_thread():
    old.stop()
    kept.append(QThread())
    kept[-1].start()

def test_window():
    kept[-1].quit()
    kept[-1].wait()
    kept.append(QWidget())
    kept[-1].show()

def test_clean():
    kept[-1].close()
    timer = QTimer()
    timer.start(1000)
    timer.stop()
"""
NAMED = {
    "test_timer": "QTimer",
    "test_timer_that_was_there_before": "QTimer",
    "test_thread": "QThread",
    "test_window": "QWidget",
}


def test_every_kind_of_leftover_fails_its_own_test_and_is_named(tmp_path):
    shutil.copy(TESTS / "windowkit.py", tmp_path)
    (tmp_path / "test_leaky.py").write_text(LEAKY)
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", str(tmp_path)]
    wide = {**os.environ, "COLUMNS": "1000", "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=TESTS.parent, env=wide)
    errors = [line for line in done.stdout.splitlines() if line.startswith("ERROR ")]
    assert done.returncode == 1, done.stdout
    assert {line.split("::")[1].split(" ")[0] for line in errors} == set(NAMED), done.stdout
    for test, leftover in NAMED.items():
        assert any(f"::{test} " in line and leftover in line for line in errors), done.stdout
