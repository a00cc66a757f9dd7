"""Whether the labels of a data set can be true: readable, inside their recording, beside a take that is there.

Changes nothing. Knows no window.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from protocol.errors import GlimpseError
from protocol.labels import LabelSet
from protocol.naming import EVENTS_SUFFIX, LABELS_SUFFIX
from protocol.streams import Stream
from recorder.dataset import Dataset, TakeEntry
from recorder.labelplace import KEPT_FOLDER, twin
from recorder.labelstate import SNAPSHOT_SUFFIX, coders_in, labels_folder, read_state
from recorder.take import Take

LANDMARKS = ("onset", "apex", "offset")


class LabelProblem(StrEnum):
    """What is wrong with labels."""

    UNREADABLE = "unreadable"  # the file is damaged or of a newer program
    REPAIRED = "repaired"  # snapshot and journal had to be put together
    ORDER = "order"  # onset, apex and offset are not in this order
    OUTSIDE = "outside"  # a landmark lies outside the recording
    EMPTY_TAKE = "empty_take"  # labels of a recording without events
    ORPHANED = "orphaned"  # a folder of labels whose take is not there
    STRAY = "stray"  # a file that is called like no coder's


@dataclass(frozen=True)
class LabelFinding:
    """One thing that is wrong. path: of the file or folder."""

    path: Path
    kind: LabelProblem
    message: str


def check_take(entry: TakeEntry) -> Iterator[LabelFinding]:
    """What is wrong with the labels of one take."""
    folder = labels_folder(entry.path)
    if not folder.is_dir():
        return
    yield from _strays(folder)
    for coder in coders_in(folder):
        path = folder / (coder + SNAPSHOT_SUFFIX)
        yield from _disordered(path)
        try:
            state = read_state(folder, coder)
        except GlimpseError as error:
            yield LabelFinding(path, LabelProblem.UNREADABLE, str(error))
            continue
        if state is not None:
            kind = LabelProblem.UNREADABLE if state.snapshot_damaged or state.journal_damaged else LabelProblem.REPAIRED
            yield from (LabelFinding(path, kind, message) for message in state.messages)
            yield from _outside(path, entry, state.labels)


def _strays(folder: Path) -> Iterator[LabelFinding]:
    known = coders_in(folder)
    for path in sorted(folder.glob(f"*{SNAPSHOT_SUFFIX}")):
        if path.name.removesuffix(SNAPSHOT_SUFFIX) not in known and not path.name.startswith("."):
            yield LabelFinding(path, LabelProblem.STRAY, "is called like no coder's labels; rename or remove it")


def _disordered(path: Path) -> Iterator[LabelFinding]:
    """Landmarks out of order make a file unreadable as a whole: here it is told which interval it is."""
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return
    intervals = data.get("intervals") if isinstance(data, dict) else None
    for index, interval in enumerate(intervals if isinstance(intervals, list) else []):
        times = _times(interval)
        if times != sorted(times):
            name = str(interval.get("id", index + 1))[:64]
            yield LabelFinding(path, LabelProblem.ORDER, f"interval {name!r}: onset, apex and offset are not in this order")


def _times(interval: Any) -> list[int]:
    told = [interval.get(f"{name}_us") for name in LANDMARKS] if isinstance(interval, dict) else []
    return [t_us for t_us in told if isinstance(t_us, int)]


def _outside(path: Path, entry: TakeEntry, labels: LabelSet) -> Iterator[LabelFinding]:
    if not labels.intervals:
        return
    try:
        with Take(entry.path) as take:
            span = take.time_range(Stream.EVENTS)
    except (GlimpseError, OSError) as error:
        yield LabelFinding(path, LabelProblem.EMPTY_TAKE, f"its recording cannot be read: {error}")
        return
    if span is None:
        yield LabelFinding(path, LabelProblem.EMPTY_TAKE, "its recording holds no event")
        return
    for interval in labels.intervals:
        for name in LANDMARKS:
            t_us = getattr(interval, f"{name}_us")
            if t_us is not None and not span[0] <= t_us <= span[1]:
                place = f"interval {interval.id!r}: the {name} ({t_us}) lies outside {span[0]} to {span[1]}"
                yield LabelFinding(path, LabelProblem.OUTSIDE, place)


def orphans(dataset: Dataset) -> Iterator[LabelFinding]:
    """Folders of labels whose take is not there."""
    for folder in dataset.folders():
        for path in sorted(folder.glob(f"*{LABELS_SUFFIX}")):
            take = path.with_name(path.name.removesuffix(LABELS_SUFFIX) + EVENTS_SUFFIX)
            if not path.is_dir() or take.exists() or path.name.startswith(".") or KEPT_FOLDER in path.parts:
                continue
            other = twin(take)
            if other is not None and other.exists():
                hint = f"the take is called {other.name} now; rename the folder alike, or merge it by glimpse labels import"
            else:
                hint = f"there is no take {take.name}; restore it, or move the folder away"
            yield LabelFinding(path, LabelProblem.ORPHANED, hint)
