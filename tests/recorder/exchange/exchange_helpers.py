"""Labels and takes for the tests of exchange formats."""

import string
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

from protocol.labels import Interval, IntervalKind, LabelSet, Noise, Origin, Origins, Sight
from protocol.movement import BY_TOKEN
from protocol.streams import Stream
from recorder.exchange.base import Book, FrameClock, Labelled, Recording

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
START_US = 1_700_000_000_000_000
FRAME_US = 33_333
TAKES = ("4/frown_4_1", "4/smile_4_2_(noise)", "elsewhere/spontaneous one")


def recording(name, frames=300, **more):
    times = tuple(START_US + 10_000 + index * FRAME_US for index in range(frames))
    clock = FrameClock(Stream.RGB, times) if frames else None
    media = name.rpartition("/")[2] + ".rgb.mp4" if frames else None
    known = {"subject": 4, "movement": "frown", "number": 1, "first_us": START_US, "last_us": START_US + 10_000_000}
    return Recording(name, **{**known, "frames": clock, "media": media, **more})


BOOK = Book.of(
    [
        recording(TAKES[0]),
        recording(TAKES[1], movement="smile", number=2),
        recording(TAKES[2], 0, subject=None, movement=None, number=None),
    ]
)


def interval(onset_ms=1000, apex_ms=1100, offset_ms=1200, **more):
    """Times in milliseconds after the first event."""
    times = {"onset_us": onset_ms, "apex_us": apex_ms, "offset_us": offset_ms}
    times = {key: None if ms is None else START_US + round(ms * 1000) for key, ms in times.items()}
    named = {} if "movement" in more or "action_units" in more else {"movement": "frown"}
    return Interval(**{"id": "i1", **named, **times, **more})


def labelled(*intervals, coder="coder-1", take=TAKES[0], noise=None):
    return Labelled(take, LabelSet(coder=coder, created_at=NOW, intervals=intervals, noise=noise))


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["=1+1", "-5", "@x", "'=1", "''-", "_x0041_", "n/a", "/", " ", "a,b;c\t", "\r", "\n", '"', "\0", "\\n", "_x000", "\u2028"]
)
near = st.integers(START_US - 1_000_000, START_US + 12_000_000)
any_time = near | st.integers(-(2**63), 2**63 - 1)


@st.composite
def intervals(draw, times=any_time):
    onset_us, apex_us, offset_us = sorted(draw(st.tuples(times, times, times)))
    origin = st.sampled_from(Origin)
    movement, units = draw(st.sampled_from([None, *BY_TOKEN])), draw(st.lists(st.integers(1, 99), max_size=3).map(tuple))
    return Interval(
        id=draw(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)),
        kind=draw(st.sampled_from(IntervalKind)),
        movement=movement,
        action_units=units if units or movement else (4,),
        onset_us=onset_us,
        apex_us=draw(st.sampled_from([None, apex_us])),
        offset_us=offset_us,
        intensity=draw(st.sampled_from([None, *"ABCDE"])),
        confidence=draw(st.none() | st.floats(0, 1)),
        origin=Origins(onset=draw(origin), apex=draw(origin), offset=draw(origin)),
        note=draw(text),
    )


zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@st.composite
def label_sets(draw, coders=("a", "coder-1", "x_2")):
    return LabelSet(
        coder=draw(st.sampled_from(coders)),
        created_at=draw(st.datetimes(min_value=datetime(1990, 1, 1), timezones=zones)),
        intervals=tuple(draw(st.lists(intervals(), max_size=3, unique_by=lambda one: one.id))),
        note=draw(text),
        done=draw(st.booleans()),
        saw=draw(st.none() | st.just(Sight(suggestions=True))),
        spent_s=draw(st.none() | st.floats(0, 1e6)),
        revision=draw(st.integers(0, 9)),
        noise=draw(st.none() | st.builds(Noise, is_noise=st.booleans(), reason=text)),
    )


exchanged = st.lists(
    st.builds(Labelled, st.sampled_from(TAKES), label_sets()), max_size=4, unique_by=lambda one: (one.take, one.labels.coder)
).map(tuple)
junk = st.text(string.printable, max_size=30)


def by_whom(labels):
    return {(one.take, one.labels.coder): one.labels for one in labels}
