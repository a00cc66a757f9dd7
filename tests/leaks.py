"""What a test may not leave behind: threads, child processes, runtime folders. Used by conftest.py around every test."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from recorder.host import ProcessId, station_id
from recorder.runtime import runtime_root

GRACE_S = 5.0  # for what is about to end; nothing is waited for where nothing is left

# Threads that a library keeps for the whole process, by the beginning of their name, and why no test can end them.
LIBRARY_THREADS = (
    "Dummy-",  # a thread of a C library (Qt, libusb) that has called into Python once; Python cannot join it
    "pydevd.",  # the debugger, where one is attached
)
LIBRARY_PROCESSES = ("multiprocessing.resource_tracker",)  # one a process, made by the standard library at need, ends with it


@dataclass(frozen=True)
class Snapshot:
    """What there is at one moment. threads by identity, since names repeat."""

    threads: frozenset[threading.Thread] = field(default_factory=lambda: frozenset(threading.enumerate()))
    children: frozenset[tuple[int, str]] = field(default_factory=lambda: children())
    folders: frozenset[Path] = field(default_factory=lambda: frozenset(runtime_root().iterdir()))


def children() -> frozenset[tuple[int, str]]:
    """(process id, command) of every child and grandchild, those that nobody has waited for among them."""
    if hasattr(os, "waitid"):
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return frozenset()  # spares a look at every process of the machine
    return frozenset((child.pid, _command(child)) for child in psutil.Process().children(recursive=True))


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline()) or process.name()
    except psutil.Error:
        return "zombie"


def left_since(before: Snapshot) -> list[str]:
    """One line for each thing that was not there before and does not go away by itself."""
    deadline = time.monotonic() + GRACE_S
    while (found := _found(before)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def _found(before: Snapshot) -> list[str]:
    now = Snapshot()
    finders: tuple[Callable[[Snapshot, Snapshot], list[str]], ...] = (_threads, _processes, _folders)
    return [line for find in finders for line in find(before, now)]


def _threads(before: Snapshot, now: Snapshot) -> list[str]:
    new = (thread for thread in now.threads - before.threads if not thread.name.startswith(LIBRARY_THREADS))
    return [f"the thread {thread.name!r} (daemon: {thread.daemon})" for thread in new]


def _processes(before: Snapshot, now: Snapshot) -> list[str]:
    known = {pid for pid, _ in before.children}
    new = ((pid, command) for pid, command in now.children if pid not in known)
    return [f"the process {pid} ({command})" for pid, command in new if not any(word in command for word in LIBRARY_PROCESSES)]


def _folders(before: Snapshot, now: Snapshot) -> list[str]:
    return [f"the runtime folder {folder}" for folder in now.folders - before.folders if not _belongs_to_another(folder)]


def _belongs_to_another(folder: Path) -> bool:
    """Whether a living process other than this one owns it: another run of the suite, or somebody who records."""
    pid, _, started = folder.name.partition("-")
    if not (pid.isdecimal() and started.isdecimal()):
        return True
    return int(pid) != os.getpid() and ProcessId(station_id(), int(pid), int(started)).is_alive() is True
