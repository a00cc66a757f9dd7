"""The same work on many takes, in as many processes as the computer has cores. Knows no work and no command."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from app.output import progress
from protocol.errors import GlimpseError
from recorder.dataset import TakeEntry

T = TypeVar("T")

FEW = 2  # takes that are not worth the second that a process needs to start
# Libraries that would start a thread for each core by themselves, in each process.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
# A process that dies takes those down that work on other takes.
KILLED = "a process was ended from outside, perhaps for want of memory, before the take was done; try again with --jobs 1."


@dataclass(frozen=True)
class Done(Generic[T]):
    """What came of one take. result: None where it failed; problem: one sentence then."""

    entry: TakeEntry
    result: T | None = None
    problem: str | None = None


def each_take(work: Callable[[Path], T], entries: Sequence[TakeEntry], title: str, jobs: int | None = None) -> list[Done[T]]:
    """`work` of every take's `.aedat4`, in the order of the entries; a GlimpseError becomes a problem, as does a file that goes
    away or a process that is killed.

    work: something that can be pickled; jobs: processes, default one for each core.
    """
    wanted = min(jobs or os.cpu_count() or 1, len(entries))
    tried = partial(_tried, work)
    if wanted < 2 or len(entries) <= FEW:
        return list(progress(map(tried, entries), title, len(entries)))
    with _workers(wanted) as pool:
        try:
            futures = [pool.submit(tried, entry) for entry in entries]
            return list(progress(map(_result, entries, futures), title, len(entries)))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _tried(work: Callable[[Path], T], entry: TakeEntry) -> Done[T]:
    try:
        return Done(entry, work(entry.path))
    except GlimpseError as error:
        return Done(entry, problem=str(error))
    except OSError as error:
        return Done(
            entry, problem=f"{error.filename or entry.path}: {error.strerror or error}; check the file and its permissions."
        )


def _result(entry: TakeEntry, future: Future[Done[T]]) -> Done[T]:
    try:
        return future.result()
    except BrokenProcessPool:
        return Done(entry, problem=f"{entry.path}: {KILLED}")


def _workers(count: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"), initializer=calm)


def calm() -> None:
    """Ctrl-C is the business of the process that the user started."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in THREADS:
        os.environ[name] = "1"
    import cv2

    cv2.setNumThreads(1)
