"""What a list of takes shows of each, read from the small files beside it, and a stamp by which a change is seen.

Opens no recording and checks no record as whole as `recorder.dataset` does: ten thousand takes are read in a few seconds.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from protocol.analysis import Analysis, Verdict
from protocol.errors import GlimpseError
from protocol.labels import LabelSet
from protocol.manifest import Manifest, TakeStatus
from protocol.naming import (
    ANALYSIS_SUFFIX,
    EVENTS_SUFFIX,
    LABELS_SUFFIX,
    LOCK_SUFFIX,
    MANIFEST_SUFFIX,
    RECOVERY_SUFFIX,
    REDONE_SUFFIX,
)
from recorder.browse.disagreement import disagree
from recorder.dataset import TakeEntry, is_take_file
from recorder.labelstate import read_labels

RACY_NS = 2_500_000_000  # a file changed as lately may change again without its time telling: FAT counts in steps of 2 s
READ = (MANIFEST_SUFFIX, ANALYSIS_SUFFIX)
MARKS = (REDONE_SUFFIX, RECOVERY_SUFFIX)


class TakeRow(NamedTuple):
    """One take of the list. path: of its `.aedat4`, relative to the data set, with slashes; status: of TakeStatus, None for a
    take from elsewhere; verdict: of Verdict, None before it was judged; confidence: of the best suggestion, None without any;
    done, begun: the coders who have finished, and those who have said something else, sorted; disagreement: see
    recorder/browse/disagreement.py. movement, subject, number: None for a file that is not called like a take and has no
    manifest.
    """

    path: str
    movement: str | None
    subject: int | None
    number: int | None
    noise: bool
    status: str | None
    practice: bool
    redone: bool
    session: str | None
    recorded_at: str | None
    verdict: str | None
    confidence: float | None
    done: tuple[str, ...]
    begun: tuple[str, ...]
    disagreement: bool

    @property
    def stem(self) -> str:
        """The name without folder and suffix."""
        return self.path.rpartition("/")[2].removesuffix(EVENTS_SUFFIX)


@dataclass(frozen=True)
class Found:
    """A take as a look at its folder shows it. stamp: sizes and times of change of all that a row depends on."""

    path: Path
    bytes: int
    stamp: str


def takes_in(folder: Path, only: str | None = None) -> tuple[list[Found], list[Path]]:
    """(takes, folders) in a folder, not below it; hidden folders and those of labels are left out.

    only: the name of the one take that is looked at. Raises OSError.
    """
    with os.scandir(folder) as entries:
        by_name = {entry.name: entry for entry in entries}
    takes = [entry for name, entry in by_name.items() if only in (None, name) and is_take_file(Path(name))]
    below = [
        Path(entry.path)
        for name, entry in sorted(by_name.items())
        if not name.startswith(".") and not name.endswith(LABELS_SUFFIX) and entry.is_dir(follow_symlinks=False)
    ]
    found = (_found(entry, by_name) for entry in takes)
    return [take for take in found if take is not None], below


def _found(entry: "os.DirEntry[str]", by_name: Mapping[str, "os.DirEntry[str]"]) -> Found | None:
    """None for what is no file, or went away while it was looked at."""
    stem = entry.name.removesuffix(EVENTS_SUFFIX)
    beside = [by_name.get(stem + suffix) for suffix in (*READ, *MARKS)]
    try:
        if not entry.is_file():
            return None
        size = entry.stat().st_size
        stats = [entry.stat(), *(other.stat() if other else None for other in beside)]
        labels = list(_labels(Path(entry.path).with_name(stem + LABELS_SUFFIX))) if stem + LABELS_SUFFIX in by_name else []
    except OSError:
        return None
    times = [(stat.st_mtime_ns, stat.st_size) if stat else None for stat in stats]
    newest = max(when for when, _ in (*filter(None, times), *((when, 0) for _, when, _ in labels)))
    racy = time.time_ns() - newest < RACY_NS
    return Found(Path(entry.path), size, json.dumps([times, labels]) + ("~" if racy else ""))


def _labels(folder: Path) -> Iterator[tuple[str, int, int]]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if not entry.name.endswith(LOCK_SUFFIX):
                stat = entry.stat()
                yield entry.name, stat.st_mtime_ns, stat.st_size


def is_settled(stamp: str) -> bool:
    """Whether an equal stamp later says that nothing has changed."""
    return not stamp.endswith("~")


def read_row(dataset: Path, found: Found) -> TakeRow:
    """The row of a take. One whose manifest cannot be read has failed, as `recorder.dataset` has it."""
    entry = TakeEntry.at(found.path)
    manifest, whole = _record(entry.sibling(MANIFEST_SUFFIX), Manifest.SCHEMA, Manifest.VERSION[0])
    analysis, _ = _record(entry.sibling(ANALYSIS_SUFFIX), Analysis.SCHEMA, Analysis.VERSION[0])
    if analysis.get("events_bytes") != found.bytes:
        analysis = {}
    labels = _read_labels(found.path)
    done = tuple(sorted(coder for coder, said in labels.items() if said.done))
    return TakeRow(
        path=found.path.relative_to(dataset).as_posix(),
        movement=entry.name.movement_token if entry.name else _text(manifest.get("movement")),
        subject=entry.name.subject if entry.name else _whole_number(manifest.get("subject")),
        number=entry.name.number if entry.name else _whole_number(manifest.get("number")),
        noise=entry.noise,
        status=_status(manifest, whole, entry),
        practice=manifest.get("practice") is True,
        redone=entry.redone,
        session=_text(_part(manifest, "person").get("session")),
        recorded_at=_text(manifest.get("recorded_at")),
        verdict=_verdict(analysis),
        confidence=_confidence(analysis),
        done=done,
        begun=tuple(sorted(coder for coder, said in labels.items() if not said.done and not said.empty)),
        disagreement=disagree(labels),
    )


def _record(path: Path, schema: str, newest_major: int) -> tuple[dict[str, Any], bool]:
    """(what a record holds, whether it can be read or is not there)."""
    try:
        data = json.loads(path.read_bytes())
        known = data["schema"] == schema and 1 <= int(str(data["version"]).partition(".")[0]) <= newest_major
    except FileNotFoundError:
        return {}, True
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return {}, False
    return (data, True) if known else ({}, False)


def _status(manifest: Mapping[str, Any], whole: bool, entry: TakeEntry) -> str | None:
    if not whole:
        return TakeStatus.FAILED.value
    told = manifest.get("status")
    if told == TakeStatus.COMPLETE and entry.rebuilt:
        return TakeStatus.PARTIAL.value
    return told if told in set(TakeStatus) else TakeStatus.FAILED.value if manifest else None


def _verdict(analysis: Mapping[str, Any]) -> str | None:
    told = _part(analysis, "quality").get("verdict")
    return told if told in set(Verdict) else None


def _confidence(analysis: Mapping[str, Any]) -> float | None:
    found = _part(analysis, "onset").get("intervals")
    told = [one.get("confidence") for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return max((float(value) for value in told if isinstance(value, int | float)), default=None)


def _read_labels(take: Path) -> Mapping[str, LabelSet]:
    try:
        return read_labels(take)
    except GlimpseError:
        return {}  # opening the take says what is wrong with them


def _part(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = record.get(name)
    return part if isinstance(part, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.isprintable() else None  # half a surrogate pair has no place in an index


def _whole_number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63 else None
