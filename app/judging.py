"""Verdicts on takes in a process of its own, ready before the first take ends. For windows; knows no widget.

First what the operator waits for, the verdict; then what takes longer, the clocks of the frame cameras and the verdict again.
"""

import multiprocessing
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from pydantic import BaseModel

from protocol.analysis import OnsetRecord, QualityRecord, SyncRecord
from protocol.errors import GlimpseError

NICENESS = 5  # capture and window come first on a machine with two cores


@dataclass(frozen=True)
class Judged:
    """What is known of a take. problem: why it could not be judged or kept, None where all went well."""

    path: Path
    quality: QualityRecord | None = None
    sync: SyncRecord | None = None
    onset: OnsetRecord | None = None
    problem: str | None = None


Answer: TypeAlias = "Future[Judged]"


class Judge:
    """The process. `verdict` and `clocks` return at once; the answer is a future that a window polls."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    def warm_up(self) -> None:
        """Start the process and have it import and compile what it needs."""
        self._submit(ready)

    def verdict(self, path: Path) -> Answer:
        """The verdict on a take and the movements in it, kept in its analysis."""
        return self._submit(verdict, path)

    def clocks(self, path: Path) -> Answer:
        """The clocks of the take's cameras, and the verdict with them."""
        return self._submit(clocks, path)

    def _submit(self, work: Callable[..., Judged], *arguments: Path) -> Answer:
        try:
            return self._running().submit(work, *arguments)
        except BrokenProcessPool:  # it was killed; a take is not the worse for it
            self.close()
            return self._running().submit(work, *arguments)

    def _running(self) -> ProcessPoolExecutor:
        if self._pool is None:
            spawn = multiprocessing.get_context("spawn")  # a fork would copy the window
            self._pool = ProcessPoolExecutor(1, mp_context=spawn, initializer=_prepare)
        return self._pool

    def close(self) -> None:
        """End the process; what it is doing is finished, what waits is dropped."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def abandon(self) -> None:
        """End the process at once: it has hung. A take is not the worse for it, its verdict can be made again."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():  # the judge's is the only one that is made so
                process.kill()
            self._pool = None


def _prepare() -> None:
    import os

    from app.pool import calm  # with what prints progress, which the window need not wait for

    calm()
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    threading.Thread(target=_leave_with_the_window, name="parent-watch", daemon=True).start()


def _leave_with_the_window() -> None:
    """A window that is killed closes no pool, and the pool's own pipes stay open as long as somebody waits at them."""
    import os

    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # what is written is written beside and renamed: nothing is left half done


def ready() -> Judged:
    """Import and compile everything that a verdict needs; once in the judge's process."""
    import recorder.onset
    import recorder.quality
    import recorder.sync  # noqa: F401 (importing is the point)
    from recorder.warmup import warm_up

    warm_up()
    return Judged(Path())


def verdict(path: Path) -> Judged:
    """The verdict on the take at `path`, kept in its analysis; without the clocks, which take longer."""
    from recorder.quality import assess_with_face
    from recorder.take import Take

    try:
        with Take(path) as take:
            found = assess_with_face(take)
    except (GlimpseError, OSError) as error:
        return Judged(path, problem=str(error))
    problem = _keep(path, {"quality": found.quality, "face": found.face})
    return Judged(path, found.quality, problem=problem)


def clocks(path: Path) -> Judged:
    """The clocks and movements of the take at `path`, and the verdict with them; all kept in its analysis."""
    from recorder.onset import suggest
    from recorder.quality import assess_with_face
    from recorder.sync import sync_take
    from recorder.take import Take

    try:
        with Take(path) as take:
            sync = sync_take(take)
            onset = suggest(take)
            found = assess_with_face(take, sync=sync, onset=onset)
    except (GlimpseError, OSError) as error:
        return Judged(path, problem=str(error))
    sections = {"sync": sync, "onset": onset, "quality": found.quality, "face": found.face}
    return Judged(path, found.quality, sync, onset, _keep(path, sections))


def _keep(path: Path, sections: Mapping[str, BaseModel | None]) -> str | None:
    from recorder.analysisstore import update_analysis

    try:
        update_analysis(path, sections)
    except (GlimpseError, OSError) as error:
        return str(error)
    return None
