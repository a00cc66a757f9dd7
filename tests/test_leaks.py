"""The guard around every test really fails the test that leaves something behind, and only that one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent

LEAKY = """
import os, subprocess, sys, threading, time
from pathlib import Path
import pytest
import leaks
from recorder.runtime import create_runtime_folder, runtime_root

leaks.GRACE_S = 0.2
children, folders = [], []

def test_daemon_thread():
    threading.Thread(target=time.sleep, args=(60,), name="left-alone", daemon=True).start()

def test_thread():
    threading.Thread(target=time.sleep, args=(2,), name="not-joined").start()

def test_process():
    children.append(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))

def test_process_that_nobody_waited_for():
    children[0].communicate()
    child = os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-c", "pass"])
    children.append(child)

def test_own_runtime_folder():
    os.waitpid(children[1], 0)
    folders.append(create_runtime_folder(runtime_root()))

def test_runtime_folder_of_a_dead_process():
    folders[0].rmdir()
    folders.append(runtime_root() / f"{children[0].pid}-1")
    folders[1].mkdir()

def test_clean():
    folders[1].rmdir()
    thread = threading.Thread(target=time.sleep, args=(0.01,))
    thread.start()
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    folder = create_runtime_folder(runtime_root())
    folder.rmdir()
"""
NAMED = {
    "test_daemon_thread": "the thread 'left-alone' (daemon: True)",
    "test_thread": "the thread 'not-joined' (daemon: False)",
    "test_process": "the process ",
    "test_process_that_nobody_waited_for": "the process ",
    "test_own_runtime_folder": "the runtime folder ",
    "test_runtime_folder_of_a_dead_process": "the runtime folder ",
}


def test_every_kind_of_leftover_fails_its_own_test_and_is_named(tmp_path):
    for name in ("conftest.py", "leaks.py"):
        shutil.copy(HERE / name, tmp_path)
    (tmp_path / "test_leaky.py").write_text(LEAKY)
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", str(tmp_path)]
    wide = {**os.environ, "COLUMNS": "1000"}  # pytest cuts its summary at the width of the terminal
    done = subprocess.run(command, capture_output=True, text=True, cwd=HERE.parent, env=wide)
    lines = done.stdout.splitlines()
    errors = [line for line in lines if line.startswith("ERROR ")]
    assert done.returncode == 1, done.stdout
    assert [line for line in errors if "test_clean" in line] == []
    assert len(errors) == len(NAMED), done.stdout
    for test, named in NAMED.items():
        (line,) = [line for line in errors if f"::{test} " in line]
        assert named in line, done.stdout
