"""A data set's data sheet: how much there is of what, and how evenly. Reads manifests and file heads; draws nothing."""

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from protocol.errors import GlimpseError
from protocol.movement import MOVEMENTS
from protocol.streams import Stream
from protocol.subjects import SubjectRecord, SubjectsError
from recorder.dataset import Dataset, LeftOut, TakeEntry
from recorder.subject_store import SubjectStore
from recorder.take import Take


@dataclass(frozen=True)
class Extent:
    """How long a take is and how many events it holds. duration_us: last event minus first; None where unknown."""

    duration_us: int | None
    events: int
    problem: str | None = None


def extent(entry: TakeEntry) -> Extent:
    """From the manifest where there is one, else from the recording itself (which must then be opened)."""
    if entry.manifest_problem is None and entry.manifest and (record := entry.manifest.streams.get(Stream.EVENTS)):
        known = record.first_us is not None and record.last_us is not None
        return Extent((record.last_us or 0) - (record.first_us or 0) if known else None, record.written, None)
    try:
        with Take(entry.path) as take:
            span = take.time_range(Stream.EVENTS)
            return Extent(span[1] - span[0] if span else None, take.count(Stream.EVENTS), entry.manifest_problem)
    except GlimpseError as error:
        return Extent(None, 0, str(error))


def min_max_ratio(counts: Iterable[int]) -> float | None:
    """Smallest class count over the largest: 1 is perfectly even, 0 a class without a take; None without any take."""
    known = list(counts)
    largest = max(known, default=0)
    return min(known) / largest if largest else None


def normalised_entropy(counts: Iterable[int]) -> float | None:
    """-sum(p ln p) / ln(K) over K classes with shares p (Shannon 1948; Pielou's evenness, 1966).

    1 is perfectly even, 0 a single class; None without any take or with fewer than two classes.
    """
    known = list(counts)
    total = sum(known)
    if total == 0 or len(known) < 2:
        return None
    shares = [count / total for count in known if count]
    return abs(sum(share * math.log(share) for share in shares)) / math.log(len(known))


def movement_counts(entries: Iterable[TakeEntry]) -> dict[str, int]:
    """Takes per movement: the seven movements always and in their order, then whatever else occurs."""
    found = Counter(entry.movement for entry in entries if entry.movement)
    order = [movement.token for movement in MOVEMENTS]
    return {token: found[token] for token in [*order, *sorted(set(found) - set(order))]}


def data_sheet(
    dataset: Dataset, entries: Sequence[TakeEntry], extents: Sequence[Extent], include: Iterable[str] = ()
) -> dict[str, Any]:
    """The data sheet as JSON values. entries: `dataset.takes()`; extents: `extent` of each.

    Keys:
    `path`; `name` and `simulated` of dataset.json (null without one);
    `takes`: `total`, `selected` (those that training uses; `include` adds kinds), `by_status` {complete, partial, failed,
    foreign (no manifest)}, `noise`, `redone`, `practice`, `unnamed`;
    `movements`: {token: {`count`, `share`}} of the selected takes; share null when nothing is selected;
    `balance`: `min_max_ratio` and `normalised_entropy` over the seven movements (see the functions of these names);
    `durations_us`: `total`, `min`, `median`, `max` of the selected takes; `events`: `total`, `mean_per_s` of the same;
    `subjects`: `count`, `persons` (null where subjects.csv does not tell), `takes` {subject: selected takes}, `sex`,
    `age_band` {value: subjects; "unknown"}, `glasses` {yes, no, unknown: selected takes};
    `problems`: what could not be read.
    """
    wanted = {LeftOut(kind) for kind in include}
    chosen = [index for index, entry in enumerate(entries) if entry.left_out <= wanted]
    selected = [entries[index] for index in chosen]
    chosen_extents = [extents[index] for index in chosen]
    counts = movement_counts(selected)
    info = dataset.info
    problems = [one.problem for one in extents if one.problem]
    return {
        "path": str(dataset.path),
        "name": info.name if info else None,
        "simulated": info.simulated if info else None,
        "takes": _takes(entries, len(selected)),
        "movements": _shares(counts),
        "balance": _balance(counts),
        "durations_us": _durations(chosen_extents),
        "events": _events(chosen_extents),
        "subjects": _subjects(dataset, selected, problems),
        "problems": problems,
    }


def _takes(entries: Sequence[TakeEntry], selected: int) -> dict[str, Any]:
    status = Counter(entry.status.value if entry.status else "foreign" for entry in entries)
    return {
        "total": len(entries),
        "selected": selected,
        "by_status": {key: status[key] for key in ("complete", "partial", "failed", "foreign")},
        "noise": sum(entry.noise for entry in entries),
        "redone": sum(entry.redone for entry in entries),
        "practice": sum(entry.practice for entry in entries),
        "unnamed": sum(entry.name is None for entry in entries),
    }


def _shares(counts: Mapping[str, int]) -> dict[str, dict[str, float | None]]:
    total = sum(counts.values())
    return {token: {"count": count, "share": count / total if total else None} for token, count in counts.items()}


def _balance(counts: Mapping[str, int]) -> dict[str, float | None]:
    seven = [counts[movement.token] for movement in MOVEMENTS]
    return {"min_max_ratio": min_max_ratio(seven), "normalised_entropy": normalised_entropy(seven)}


def _durations(extents: Sequence[Extent]) -> dict[str, int | None]:
    known = [one.duration_us for one in extents if one.duration_us is not None]
    if not known:
        return {"total": 0, "min": None, "median": None, "max": None}
    return {"total": sum(known), "min": min(known), "median": int(statistics.median(known)), "max": max(known)}


def _events(extents: Sequence[Extent]) -> dict[str, float | None]:
    timed = [one for one in extents if one.duration_us]
    seconds = sum(one.duration_us or 0 for one in timed) / 1e6
    return {
        "total": sum(one.events for one in extents),
        "mean_per_s": sum(one.events for one in timed) / seconds if seconds else None,
    }


def _subjects(dataset: Dataset, selected: Sequence[TakeEntry], problems: list[str]) -> dict[str, Any]:
    takes = Counter(entry.subject for entry in selected if entry.subject is not None)
    rows = {record.subject: record for record in _records(dataset, problems)}
    present = [rows.get(subject) for subject in sorted(takes)]
    people = [record.person if record else None for record in present]
    return {
        "count": len(takes),
        "persons": len(set(people)) if present and None not in people else None,
        "takes": {str(subject): takes[subject] for subject in sorted(takes)},
        "sex": _counted(record.sex if record else None for record in present),
        "age_band": _counted(record.age_band if record else None for record in present),
        "glasses": _counted(_glasses(entry) for entry in selected),
    }


def _records(dataset: Dataset, problems: list[str]) -> Sequence[SubjectRecord]:
    try:
        return SubjectStore(dataset.path).records()
    except SubjectsError as error:
        problems.append(str(error))
        return ()


def _glasses(entry: TakeEntry) -> str | None:
    person = entry.manifest.person if entry.manifest_problem is None and entry.manifest else None
    return None if person is None or person.glasses is None else "yes" if person.glasses else "no"


def _counted(values: Iterable[str | None]) -> dict[str, int]:
    return dict(sorted(Counter("unknown" if value is None else value for value in values).items()))
