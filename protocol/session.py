"""A recording session: what was planned, what has become of it, what comes next.

Pure data and functions on it. Knows no folder: what the takes are is handed in, and a session whose own record is lost is
made again from their manifests.
"""

import statistics
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, ValidationError, model_validator

from protocol.analysis import Verdict
from protocol.errors import GlimpseError
from protocol.manifest import Manifest, TakeStatus
from protocol.movement import BY_TOKEN, SPONTANEOUS, shown
from protocol.naming import MAX_NUMBER, BadTakeName, parse_stem
from protocol.schema import Instant, Part, Versioned, describe
from protocol.script import US_PER_S, Kind, Mode, Script, plan

LABEL_PATTERN = r"^\w([\w -]{0,62}\w)?$"  # no dot and no separator: it becomes the name of a file
BETWEEN_TAKES_S = 15.0  # to look at the verdict, breathe and take up the paper: an estimate until the session shows its own
BREAK_S = 180.0  # takes further apart than this had a break between them, which says nothing of the next ones
FEWEST_INTERVALS = 3  # between takes, before the session's own pace is believed
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)  # of takes that do not tell when they were made


class SessionError(GlimpseError):
    """A session that cannot be read, or is asked for what it does not hold."""


class Place(Part):
    """One take of the plan, made or not. repetition: 1 for the first take of this movement."""

    movement: str
    repetition: Annotated[int, Field(ge=1)]

    def __str__(self) -> str:
        return f"{self.movement} {self.repetition}"


class Session(Versioned):
    """A session as it was begun. label: unique for the subject, such as "2026-11-21" or "2026-11-21-b"; script: as in a
    manifest; glasses: whether they are worn in this session; notes: never a name; skipped: places that are left out on
    purpose; added: extra takes beyond the script's plan.
    """

    SCHEMA: ClassVar[str] = "glimpse.session"
    VERSION: ClassVar[tuple[int, int]] = (1, 0)

    subject: Annotated[int, Field(ge=1, le=MAX_NUMBER)]
    label: Annotated[str, Field(pattern=LABEL_PATTERN)]
    script: Mapping[str, Any]
    order_seed: int | None = None
    language: str = "en"
    glasses: bool | None = None
    notes: str | None = None
    skipped: tuple[Place, ...] = ()
    added: tuple[Place, ...] = ()
    started_at: Instant

    @model_validator(mode="after")
    def _check(self) -> Self:
        if is_take_stem(self.label):
            raise ValueError(f"the label {self.label!r} is the name of a take")
        return self

    def read_script(self) -> Script:
        """The script. Raises SessionError where this program cannot use it."""
        try:
            return Script.model_validate(self.script)
        except ValidationError as error:
            raise SessionError(
                f"The script of session {self.label!r} of subject {self.subject} cannot be used ({describe(error)}); "
                "begin a new session."
            ) from error


def is_take_stem(text: str) -> bool:
    """Whether a file of that stem would be taken for one of a take."""
    try:
        parse_stem(text)
    except BadTakeName:
        return False
    return True


def label_for(day: date, taken: Collection[str]) -> str:
    """A label that no session of the subject has yet: the day, "-b" behind it for the second one, "-c" for the third."""
    bare = day.isoformat()
    known = {label.casefold() for label in taken}
    return next(label for label in _labels(bare) if label not in known)


def _labels(bare: str) -> Iterator[str]:
    yield bare
    letters = "abcdefghijklmnopqrstuvwxyz"
    yield from (f"{bare}-{letter}" for letter in letters[1:])
    number = len(letters)
    while True:
        number += 1
        yield f"{bare}-{number}"


@dataclass(frozen=True)
class TakeFacts:
    """What the session needs to know of a take. path: its `.aedat4`; verdict: None where nobody has judged it yet;
    status: None where there is no manifest.
    """

    path: Path
    movement: str
    number: int
    status: TakeStatus | None = None
    session: str | None = None
    repetition: int | None = None
    practice: bool = False
    noise: bool = False
    redone: bool = False
    verdict: Verdict | None = None
    recorded_at: str | None = None

    @property
    def stands(self) -> bool:
        """Whether it fills its place: whole, not marked as noise, not to be done again."""
        return self.status is TakeStatus.COMPLETE and not (self.noise or self.redone or self.practice)


class CellState(StrEnum):
    """What has become of one place of the plan.

    done: recorded and not judged; good, check, redo: recorded, and its verdict; redo too where a take was marked as to be done
    again; noise: only noise was recorded; failed: what was recorded is partial or failed; skipped: left out on purpose.
    """

    TODO = "todo"
    DONE = "done"
    GOOD = "good"
    CHECK = "check"
    REDO = "redo"
    NOISE = "noise"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True)
class Cell:
    """A place and its takes, oldest first. again: the operator asked for another take, which is still to be made;
    planned: by the script, not added.
    """

    place: Place
    state: CellState
    takes: tuple[TakeFacts, ...] = ()
    again: bool = False
    planned: bool = True

    @property
    def is_open(self) -> bool:
        """Whether a take is still wanted here."""
        return self.again or self.state in (CellState.TODO, CellState.FAILED)

    @property
    def newest(self) -> TakeFacts | None:
        """The take that was made last."""
        return self.takes[-1] if self.takes else None

    @property
    def standing(self) -> TakeFacts | None:
        """The take that fills the place, None where there is none."""
        return next((take for take in reversed(self.takes) if take.stands), None)


@dataclass(frozen=True)
class Grid:
    """A session's cells in the order in which they are recorded. movements: its rows, in the script's order;
    practice: takes that were made to try.
    """

    cells: tuple[Cell, ...]
    movements: tuple[str, ...]
    practice: tuple[TakeFacts, ...] = ()

    def cell(self, place: Place) -> Cell:
        """The cell of a place. Raises SessionError where the plan has no such place."""
        for cell in self.cells:
            if cell.place == place:
                return cell
        raise SessionError(f"The plan has no {place}; choose one of its takes, or add one.")

    def row(self, movement: str) -> tuple[Cell, ...]:
        """The cells of one movement by repetition."""
        return tuple(
            sorted((cell for cell in self.cells if cell.place.movement == movement), key=lambda cell: cell.place.repetition)
        )

    @property
    def takes(self) -> tuple[TakeFacts, ...]:
        """Every take of the session but the practice ones, in the order in which they were made."""
        return tuple(sorted((take for cell in self.cells for take in cell.takes), key=_age))


def grid_of(session: Session, takes: Iterable[TakeFacts]) -> Grid:
    """The plan with what has become of it. takes: of the subject; those of other sessions are passed over.

    A take goes to the place that its manifest names, else to the first place of its movement that is still unfilled; where
    there is none, it makes one. Raises SessionError for a script that cannot be used.
    """
    script = session.read_script()
    mine = sorted((take for take in takes if take.session == session.label), key=_age)
    planned = planned_places(script, session.order_seed)
    filled: dict[Place, list[TakeFacts]] = {place: [] for place in (*planned, *session.added)}
    for take in mine:
        if not take.practice:
            filled.setdefault(_place_of(take, filled), []).append(take)
    cells = tuple(_cell(place, filled[place], place in session.skipped, place in planned) for place in filled)
    rows = dict.fromkeys((*(script.movements or (SPONTANEOUS,)), *(place.movement for place in filled)))
    return Grid(cells, tuple(rows), tuple(take for take in mine if take.practice))


def planned_places(script: Script, seed: int | None) -> tuple[Place, ...]:
    """The script's plan; a shuffled order whose seed nobody knows any more is an order all the same."""
    shuffled = script.order.mode is Mode.SHUFFLED
    planned = plan(script, 0 if seed is None and shuffled else seed)
    return tuple(Place(movement=take.movement_token, repetition=take.repetition) for take in planned)


def _age(take: TakeFacts) -> tuple[datetime, int]:
    return _instant(take.recorded_at) or _LONG_AGO, take.number


def _instant(text: str | None) -> datetime | None:
    """An ISO 8601 time with its offset from UTC; None for anything else, as a manifest from elsewhere may hold."""
    try:
        instant = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return instant if instant is None or instant.tzinfo else None


def _place_of(take: TakeFacts, filled: Mapping[Place, Sequence[TakeFacts]]) -> Place:
    if take.repetition is not None:
        return Place(movement=take.movement, repetition=take.repetition)
    row = sorted((place for place in filled if place.movement == take.movement), key=lambda place: place.repetition)
    free = next((place for place in row if not any(one.stands for one in filled[place])), None)
    return free or Place(movement=take.movement, repetition=row[-1].repetition + 1 if row else 1)


def _cell(place: Place, takes: Sequence[TakeFacts], skipped: bool, planned: bool) -> Cell:
    standing = next((take for take in reversed(takes) if take.stands), None)
    if standing is not None:
        return Cell(place, _BY_VERDICT.get(standing.verdict, CellState.DONE), tuple(takes), planned=planned)
    if skipped:
        return Cell(place, CellState.SKIPPED, tuple(takes), planned=planned)
    if not takes:
        return Cell(place, CellState.TODO, planned=planned)
    last = takes[-1]
    state = CellState.REDO if last.redone else CellState.NOISE if last.noise else CellState.FAILED
    return Cell(place, state, tuple(takes), again=last.redone, planned=planned)


_BY_VERDICT: Mapping[Verdict | None, CellState] = {
    Verdict.GOOD: CellState.GOOD,
    Verdict.CHECK: CellState.CHECK,
    Verdict.REDO: CellState.REDO,
}


def next_cell(grid: Grid, after: Place | None = None, *, noise_too: bool = False) -> Cell | None:
    """The cell to record next, None when nothing is left: what was asked for again, then the plan's order.

    after: begin behind this place and come round to it last; None: the first that is open. noise_too: at the very end offer
    places again of which there is only noise.
    """
    ahead = _round(grid.cells, after)
    for wanted in (_asked_again, _is_open, _is_noise if noise_too else None):
        if wanted and (found := next(filter(wanted, ahead), None)):
            return found
    return None


def _asked_again(cell: Cell) -> bool:
    return cell.again


def _is_open(cell: Cell) -> bool:
    return cell.is_open


def _is_noise(cell: Cell) -> bool:
    return cell.state is CellState.NOISE


def _round(cells: tuple[Cell, ...], after: Place | None) -> tuple[Cell, ...]:
    start = next((index + 1 for index, cell in enumerate(cells) if cell.place == after), 0)
    return (*cells[start:], *cells[:start])


def skip(session: Session, grid: Grid, place: Place) -> Session:
    """Leave a place out on purpose. Raises SessionError where there is none or a take fills it."""
    if (standing := grid.cell(place).standing) is not None:
        raise SessionError(f"{place} is recorded ({standing.path.name}); mark the take as noise or redone instead.")
    return session if place in session.skipped else _changed(session, skipped=(*session.skipped, place))


def unskip(session: Session, place: Place) -> Session:
    """Take a place up again that was left out."""
    return _changed(session, skipped=tuple(other for other in session.skipped if other != place))


def add(session: Session, grid: Grid, movement: str) -> tuple[Session, Place]:
    """One more take of a movement (token), at the end of the plan. Raises SessionError where the script cannot record it."""
    script = session.read_script()
    known = (SPONTANEOUS,) if script.kind is Kind.SPONTANEOUS else tuple(BY_TOKEN)
    if movement not in known:
        raise SessionError(f"The script {script.name!r} does not record {shown(movement)}; choose another movement.")
    used = [cell.place.repetition for cell in grid.row(movement)]
    place = Place(movement=movement, repetition=max(used, default=0) + 1)
    return _changed(session, added=(*session.added, place)), place


def _changed(session: Session, **values: Any) -> Session:
    return session.model_copy(update=values)


@dataclass(frozen=True)
class Progress:
    """How far a session has come. counts: cells by state; filled: cells with a take that stands; left: takes still wanted;
    takes: made, practice not counted; minutes_left: for what is left, at the pace of this session where that is known.
    """

    counts: Mapping[CellState, int]
    total: int
    filled: int
    left: int
    takes: int
    minutes_left: float


def progress_of(grid: Grid, script: Script) -> Progress:
    """Counts, and how long the rest will take."""
    counts = Counter(cell.state for cell in grid.cells)
    left = sum(cell.is_open for cell in grid.cells)
    return Progress(
        counts={state: counts[state] for state in CellState},
        total=len(grid.cells),
        filled=sum(cell.standing is not None for cell in grid.cells),
        left=left,
        takes=len(grid.takes),
        minutes_left=left * seconds_per_take(grid, script) / 60,
    )


def seconds_per_take(grid: Grid, script: Script) -> float:
    """From the start of one take to the start of the next: the session's median, breaks left out; else the script's length."""
    instants = sorted(instant for take in (*grid.takes, *grid.practice) if (instant := _instant(take.recorded_at)))
    intervals = [(later - earlier).total_seconds() for earlier, later in pairwise(instants)]
    usual = [seconds for seconds in intervals if 0 < seconds <= BREAK_S]
    if len(usual) >= FEWEST_INTERVALS:
        return statistics.median(usual)
    return sum(step.duration_us for step in script.steps) / US_PER_S + BETWEEN_TAKES_S


def rebuilt(subject: int, label: str, manifests: Iterable[Manifest]) -> Session:
    """The session as its takes' manifests tell of it; what was skipped or added without a take is lost.

    Raises SessionError where no take of the session tells its script, or the label cannot be that of a session.
    """
    mine = [one for one in manifests if one.subject == subject and one.person and one.person.session == label and one.script]
    if not mine:
        raise SessionError(f"No take of subject {subject} belongs to a session {label!r}; begin a new one.")
    first = min(mine, key=lambda one: _instant(one.recorded_at) or _LONG_AGO)
    glasses = [one.person.glasses for one in mine if one.person and one.person.glasses is not None]
    try:
        return Session.model_validate(
            {
                "subject": subject,
                "label": label,
                "script": first.script,
                "order_seed": first.order_seed,
                "language": first.language,
                "glasses": glasses[-1] if glasses else None,
                "started_at": first.recorded_at,
            }
        )
    except ValidationError as error:
        raise SessionError(
            f"The session {label!r} of subject {subject} cannot be gone on with ({describe(error)}); begin a new one."
        ) from error
