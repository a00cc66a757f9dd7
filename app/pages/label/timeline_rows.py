"""What a timeline shows and where: its rows from top to bottom, lanes of intervals, what lies under the pointer. No Qt.

Coordinates are logical pixels, x from the left border of the view (right of the rows' names), y from the top of the widget.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from app.pages.label.scores import Scores
from app.pages.label.timeline_view import TimeView
from app.widgets.rate_strip import Band, StripMark
from protocol.analysis import Suggestion
from protocol.labels import Interval, LabelSet
from recorder.browse.regions import REGIONS, Region

HEAD_PX = 18  # of the axis' row: the cursor's time in words
AXIS_PX, SCRIPT_PX, TICKS_PX, LANE_PX, SUGGESTED_PX, SCORES_PX, GAP_PX = 38, 18, 10, 22, 18, 22, 2
FACE_PX, REGION_PX = (36, 200), (14, 44)  # least and most height: what is left over is shared
MOST_LANES = 3  # intervals that overlap more than that share the last lane
NEAR_PX = 7  # of a landmark is a hit
TICKS_FROM_PX = 4.0  # between two pictures: closer they would be a grey bar


class Kind(StrEnum):
    """What a row holds."""

    AXIS = "axis"
    SCRIPT = "script"
    CURVE = "curve"
    TICKS = "ticks"
    SCORES = "scores"
    SUGGESTED = "suggested"
    LABELS = "labels"
    OTHER = "other"


@dataclass(frozen=True)
class Row:
    """kind, name: what and whose; region: of a curve; number: of another coder's row."""

    kind: Kind
    top: float
    height: float
    name: str = ""
    region: Region | None = None
    number: int = 0

    @property
    def bottom(self) -> float:
        """Where it ends."""
        return self.top + self.height


@dataclass(frozen=True)
class Content:
    """Everything that is shown but the cursor. ticks_us: int64 [n], rising; others: (coder, labels); chosen: id."""

    bands: tuple[Band, ...] = ()
    marks: tuple[StripMark, ...] = ()
    ticks_us: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    intervals: tuple[Interval, ...] = ()
    chosen: str | None = None
    suggestions: tuple[Suggestion, ...] = ()
    others: tuple[tuple[str, LabelSet], ...] = ()
    scores: Scores | None = None
    regions: tuple[Region, ...] = REGIONS[:1]
    whose: str = ""  # the labels that can be changed; "" for this coder's own


def rows_of(content: Content, view: TimeView, height: float, unfolded: bool) -> tuple[Row, ...]:
    """The rows in `height` pixels; the curves share what the others leave. unfolded: with the parts of the face, where there is
    room for them: labels come first.
    """
    after = [Row(Kind.TICKS, 0, TICKS_PX)] if ticks_shown(content, view) else []
    if content.scores is not None:
        after.append(Row(Kind.SCORES, 0, SCORES_PX, content.scores.name))
    if content.suggestions:
        after.append(Row(Kind.SUGGESTED, 0, SUGGESTED_PX))
    after.append(Row(Kind.LABELS, 0, LANE_PX * max(1, lane_count(content.intervals)), content.whose))
    for number, (coder, labels) in enumerate(content.others):
        after.append(Row(Kind.OTHER, 0, LANE_PX * max(1, lane_count(labels.intervals)), coder, number=number))
    before = [Row(Kind.AXIS, 0, AXIS_PX), Row(Kind.SCRIPT, 0, SCRIPT_PX)]
    parts = content.regions[1:] if unfolded else ()
    left = height - sum(row.height + GAP_PX for row in (*before, *after))
    if left < FACE_PX[0] + GAP_PX + len(parts) * (REGION_PX[0] + GAP_PX):
        parts = ()
    face_px, part_px = _shared(left - GAP_PX * (1 + len(parts)), len(parts))
    curves = [Row(Kind.CURVE, 0, face_px, region=content.regions[0])]
    curves += [Row(Kind.CURVE, 0, part_px, region=region) for region in parts]
    return tuple(_stacked((*before, *curves, *after)))


def least_height(content: Content, unfolded: bool) -> int:
    """The least height in which every row has room."""
    lanes = sum(max(1, lane_count(one)) for one in (content.intervals, *(labels.intervals for _, labels in content.others)))
    parts = len(content.regions) - 1 if unfolded else 0
    fixed = AXIS_PX + SCRIPT_PX + TICKS_PX + SUGGESTED_PX + LANE_PX * lanes + (SCORES_PX if content.scores else 0)
    return round(fixed + FACE_PX[0] + parts * (REGION_PX[0] + GAP_PX) + GAP_PX * (7 + len(content.others)))


def _shared(left: float, parts: int) -> tuple[float, float]:
    """Heights of the whole face and of each part."""
    if not parts:
        return min(max(left, FACE_PX[0]), FACE_PX[1]), 0.0
    part_px = min(max(left * 0.68 / parts, REGION_PX[0]), REGION_PX[1])
    return min(max(left - parts * part_px, FACE_PX[0]), FACE_PX[1]), part_px


def _stacked(rows: Iterable[Row]) -> Iterable[Row]:
    top = 0.0
    for row in rows:
        yield replace(row, top=top)
        top += row.height + GAP_PX


def ticks_shown(content: Content, view: TimeView) -> bool:
    """Whether pictures are far enough apart to be told from one another."""
    first, last = np.searchsorted(content.ticks_us, (view.shown.start_us, view.shown.end_us))
    if not len(content.ticks_us) or last - first > view.width / TICKS_FROM_PX:
        return False
    return bool(last > first) or view.us_per_px * TICKS_FROM_PX < 33_333


def lanes(intervals: Sequence[Interval]) -> dict[str, int]:
    """The lane of each interval: the first in which nothing overlaps it."""
    ends: list[int] = []
    found: dict[str, int] = {}
    for interval in sorted(intervals, key=lambda one: (one.onset_us, one.offset_us, one.id)):
        free = next((lane for lane, end_us in enumerate(ends) if interval.onset_us >= end_us), len(ends))
        lane = min(free, MOST_LANES - 1)
        if lane == len(ends):
            ends.append(interval.offset_us)
        ends[lane] = max(ends[lane], interval.offset_us)
        found[interval.id] = lane
    return found


def room_beside(intervals: Sequence[Interval]) -> dict[str, int]:
    """Where, in event time, the next interval of the same lane begins; not for the last one of a lane."""
    places = lanes(intervals)
    ends: dict[str, int] = {}
    for one in intervals:
        later = [other.onset_us for other in intervals if places[other.id] == places[one.id] and other.onset_us > one.onset_us]
        if later:
            ends[one.id] = min(later)
    return ends


def lane_count(intervals: Sequence[Interval]) -> int:
    """How many lanes they take."""
    return max(lanes(intervals).values(), default=-1) + 1


def row_at(rows: Sequence[Row], y: float) -> Row | None:
    """The row under the pointer."""
    return next((row for row in rows if row.top <= y <= row.bottom), None)


LANDMARKS = ("onset", "apex", "offset")


def landmark_at(content: Content, rows: Sequence[Row], view: TimeView, x: float, y: float) -> tuple[str, str] | None:
    """(id, landmark) of this coder's landmark next to the pointer; the chosen interval's first."""
    near: list[tuple[bool, float, str, str]] = []
    for interval, top in _placed(content, rows):
        if not top <= y <= top + LANE_PX:
            continue
        for landmark in LANDMARKS:
            at_us = getattr(interval, f"{landmark}_us")
            away = NEAR_PX + 1 if at_us is None else abs(view.x_of(at_us) - x)
            if away <= NEAR_PX:
                near.append((interval.id != content.chosen, away, interval.id, landmark))
    return (best[2], best[3]) if (best := min(near, default=None)) else None


def interval_at(content: Content, rows: Sequence[Row], view: TimeView, x: float, y: float) -> str | None:
    """The id of this coder's interval under the pointer."""
    for interval, top in _placed(content, rows):
        begin, end = view.x_of(interval.onset_us), view.x_of(interval.offset_us)
        if top <= y <= top + LANE_PX and begin - NEAR_PX <= x <= end + NEAR_PX:
            return interval.id
    return None


def _placed(content: Content, rows: Sequence[Row]) -> Iterable[tuple[Interval, float]]:
    row = next((row for row in rows if row.kind is Kind.LABELS), None)
    if row is not None:
        places = lanes(content.intervals)
        for interval in content.intervals:
            yield interval, row.top + LANE_PX * places[interval.id]


def moved(interval: Interval, landmark: str, to_us: int) -> Interval:
    """The interval with a landmark elsewhere, held between its neighbours."""
    least_us, most_us = -(2**63), 2**63 - 1
    apex_us = interval.apex_us
    if landmark == "onset":
        most_us = interval.offset_us if apex_us is None else apex_us
    elif landmark == "apex":
        least_us, most_us = interval.onset_us, interval.offset_us
    else:
        least_us = interval.onset_us if apex_us is None else apex_us
    held_us = min(max(to_us, least_us), most_us)
    return interval.model_copy(update={f"{landmark}_us": held_us})
