"""What the formats share: labels with the name of their take, what a table must know of a take, findings, files.

Knows no format and opens no take. All times are int64 microseconds of event time.
"""

import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from protocol.errors import GlimpseError
from protocol.labels import LabelSet
from protocol.naming import BadTakeName, parse_stem, split_filename
from protocol.streams import Stream


class ExchangeError(GlimpseError):
    """A file of labels that cannot be read or written at all."""


@dataclass(frozen=True)
class Labelled:
    """What one coder says of one take. take: its path in the data set without suffix, folders separated by "/"."""

    take: str
    labels: LabelSet


@dataclass(frozen=True)
class Finding:
    """Something wrong in a file, or lost in it. place: such as "row 12"; problem: what; action: what was done about it."""

    place: str
    problem: str
    action: str

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}; {self.action}"


Report = tuple[Finding, ...]
Read = tuple[tuple[Labelled, ...], Report]


@dataclass(frozen=True)
class FrameClock:
    """When each picture of a take was taken. times_us [n]: event time of picture 0, 1, 2 ...; problem: why these times are
    less than sure, "" where they are.

    Numbers count from 1, as in the published tables; frames.csv counts the same pictures from 0.
    """

    stream: Stream
    times_us: tuple[int, ...]
    problem: str = ""

    @cached_property
    def _in_time(self) -> list[tuple[int, int]]:
        return sorted((t_us, index) for index, t_us in enumerate(self.times_us))

    def number_at(self, t_us: int) -> int:
        """The picture nearest to an instant; the earlier one of two that are equally near."""
        place = bisect_left(self._in_time, (t_us, -1))
        near = self._in_time[max(place - 1, 0) : place + 1]
        return min(near, key=lambda pair: (abs(pair[0] - t_us), pair[0]))[1] + 1

    def covers(self, t_us: int) -> bool:
        """Whether the instant lies between the first and the last picture."""
        return self._in_time[0][0] <= t_us <= self._in_time[-1][0]

    def time_of(self, number: int) -> int | None:
        """Event time of a picture, None where there is no picture of that number."""
        return self.times_us[number - 1] if 1 <= number <= len(self.times_us) else None


@dataclass(frozen=True)
class Recording:
    """What a format must know of a take. name: as in Labelled; movement: that was asked for; first_us, last_us: of its events;
    frames: of the colour camera, else of the event camera's own pictures; media: file name of the colour video.
    """

    name: str
    subject: int | None = None
    movement: str | None = None
    number: int | None = None
    first_us: int | None = None
    last_us: int | None = None
    frames: FrameClock | None = None
    media: str | None = None

    @property
    def stem(self) -> str:
        """The last part of the name."""
        return self.name.rpartition("/")[2]

    @property
    def start_us(self) -> int:
        """Where times relative to the recording count from: its first event."""
        return self.first_us or 0

    @property
    def media_start_us(self) -> int:
        """Where times relative to the colour video count from: its first picture; without a video the first event."""
        shown = self.media is not None and self.frames is not None and self.frames.stream is Stream.RGB
        return self.frames.times_us[0] if shown and self.frames else self.start_us


class Book:
    """The takes of a data set by name. Each is opened when it is first asked for, and only then."""

    def __init__(self, openers: Mapping[str, Callable[[], Recording]]) -> None:
        self._openers = openers
        self._open: dict[str, Recording] = {}

    @classmethod
    def of(cls, recordings: Iterable[Recording]) -> "Book":
        """A book of takes that are known already."""
        book = cls({})
        book._open = {recording.name: recording for recording in recordings}
        return book

    @property
    def names(self) -> tuple[str, ...]:
        """Every take."""
        return tuple(dict.fromkeys((*self._openers, *self._open)))

    def __getitem__(self, name: str) -> Recording:
        if name not in self._open:
            self._open[name] = self._openers[name]()
        return self._open[name]

    def get(self, name: str) -> Recording:
        """The take of that name; of one that is not in the book no more than the name."""
        return self[name] if name in self._openers or name in self._open else Recording(name)

    @cached_property
    def _index(self) -> dict[str, set[str]]:
        index: dict[str, set[str]] = {}
        for name in self.names:
            for key in _keys(name):
                index.setdefault(key, set()).add(name)
        return index

    def find(self, text: str, subject: str | None = None) -> str | None:
        """The one take that a text in somebody's table means: its path, its name or one of its files.

        A mark of noise that came or went does not matter. subject: tells apart takes of one name. None where no take or
        more than one is meant.
        """
        for wanted in (_bare(text), _bare(f"{subject}/{text}")):
            for key in (wanted, _quiet(wanted)):
                found = self._index.get(key, set())
                if len(found) == 1:
                    return next(iter(found))
        return None


def _keys(name: str) -> set[str]:
    parts = name.split("/")
    tails = {"/".join(parts[start:]) for start in range(len(parts))}
    return tails | {_quiet(tail) for tail in tails}


def _bare(text: str) -> str:
    folder, slash, last = text.strip().replace("\\", "/").rpartition("/")
    split = split_filename(last)
    return folder + slash + (split[0] if split else last)


def _quiet(name: str) -> str:
    folder, slash, stem = name.rpartition("/")
    try:
        take = parse_stem(stem)
    except BadTakeName:
        return name
    return f"{folder}{slash}{take.movement_token}_{take.subject}_{take.number}"


def read_bytes(path: Path) -> bytes:
    """The content of a file. Raises ExchangeError where it cannot be read."""
    try:
        if path.exists() and not path.is_file():
            raise ExchangeError(f"{path}: is no file; name the file to read.")
        return path.read_bytes()
    except OSError as error:
        raise ExchangeError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions.") from error


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the whole of it or what was there before. Raises ExchangeError."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            beside.write_bytes(data)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise ExchangeError(f"{path}: cannot be written ({error.strerror}); make room or choose another place.") from error
