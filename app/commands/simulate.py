"""`glimpse simulate`: a whole data set of simulated takes with their ground truth."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.crew import Crew, Outcome, cores, interrupting
from app.output import Exit, print_json, say
from app.simulation import (
    SimulationError,
    begun,
    clean_up,
    find_made,
    mark_mistakes,
    opened,
    refuse_other_folder,
    refuse_small_disk,
)
from app.takesetup import load_script, load_settings
from protocol.movement import MOVEMENTS, parse_movement
from protocol.script import Script
from recorder.settings import RecorderSettings
from recorder.sim.heads import BUILTIN, ICT, ICT_FILE, locate_head, open_head, user_heads
from recorder.sim.options import parse_options
from recorder.sim.plan import MAX_TAKES, Plan, PlannedTake, Wishes, check, draw_plan, lanes
from recorder.sources.spec import parse_camera


@click.command(
    "simulate",
    epilog="""\b
Examples:
  glimpse simulate simulated --subjects 30 --takes 1 --seed 1
  glimpse simulate faint --subjects 10 --takes 4 --seed 2 --intensity 0.1..0.4 --duration-ms 40..200
  glimpse simulate noisy --subjects 10 --takes 2 --seed 3 --noise-share 0.1 --movements smile,frown
The same command again completes what was interrupted. Other options in the same folder are refused.
Exit codes: 0 all takes are there, 1 some could not be made (listed), 2 wrong usage, 3 interrupted.""",
)
@click.argument("data", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--subjects", type=click.IntRange(1, MAX_TAKES), required=True, help="How many persons.")
@click.option(
    "--takes", type=click.IntRange(1, MAX_TAKES), required=True, help="Takes of each movement and subject, on average."
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), required=True, help="The same seed gives the same data set.")
@click.option("--intensity", default="0.2..1", show_default=True, metavar="LO..HI", help="Of the movements, 1 the strongest.")
@click.option("--duration-ms", metavar="LO..HI", help="From onset to offset; default: as suits each movement.")
@click.option(
    "--noise-share", type=click.FloatRange(0, 1), default=0.0, show_default=True, help="Share of takes with a mistake."
)
@click.option("--head", help=f"{BUILTIN}, {ICT} or a file; default: an imported ICT-FaceKit head, else the built-in one.")
@click.option("--movements", help="For example smile,frown; default: all of the script.")
@click.option("--balanced", is_flag=True, help="As many takes of each movement, not the reference data set's shares.")
@click.option(
    "--option", "options", multiple=True, metavar="NAME=VALUE", help="Another option of the simulated camera; may be repeated."
)
@click.option("--rgb/--no-rgb", default=True, show_default=True, help="With the colour camera.")
@click.option("--thermal/--no-thermal", default=True, show_default=True, help="With the thermal camera.")
@click.option("--script", type=click.Path(path_type=Path), help="Recording script (YAML); default: the shipped one.")
@click.option("--settings", type=click.Path(path_type=Path), help="Recorder settings (YAML).")
@click.option("--jobs", type=click.IntRange(1, 256), help="Takes made at the same time; default: one for each core.")
@click.option("--json", "as_json", is_flag=True, help="Print a summary as JSON.")
def simulate(data: Path, settings: Path | None, jobs: int | None, as_json: bool, **options: Any) -> int:
    """Make a data set of simulated takes with their ground truth, or complete one that was interrupted.

    Each take is recorded as `glimpse record --camera sim` records it, as fast as this computer can. Subjects are women and men,
    some with glasses; their takes have other light and another seat each time. The data set is marked as simulated.
    """
    before = begun(data)
    wishes = _wishes(before, **options)
    check(wishes)
    refuse_other_folder(data, wishes)
    if before is None:
        refuse_small_disk(data, wishes, wishes.total)
    plan = draw_plan(wishes)
    parse_options(parse_camera(plan.takes[0].camera).options)  # what is wrong with the ranges is told here
    work = _Work(data, wishes, plan, load_settings(settings), jobs or cores())
    return _report(work, work.do(), as_json)


def _wishes(before: Wishes | None, *, script: Path | None, movements: str | None, head: str | None, **others: Any) -> Wishes:
    loaded = load_script(script, MOVEMENTS[0].token)
    wanted = head or (before.head if before else None)  # what is imported since then changes nothing that was begun
    return Wishes(script=loaded, movements=_tokens(movements, loaded), head=_pinned(wanted), **others)


def _tokens(text: str | None, script: Script) -> tuple[str, ...]:
    if text is None:
        return script.movements
    tokens = tuple(parse_movement(word).token for word in text.split(",") if word.strip())
    for token in tokens:
        if token not in script.movements:
            raise SimulationError(
                f"The script {script.name!r} does not record {token!r}; choose of {', '.join(script.movements)}."
            )
    return tokens


def _pinned(head: str | None) -> str:
    """The head that is used from now on, whatever is imported or set later. Raises HeadError."""
    found = locate_head(head, os.environ)
    if found.path is None:
        return BUILTIN
    open_head(found)  # a file that is no head is told before anything is begun with it
    return ICT if found.path == user_heads() / ICT_FILE else str(found.path.absolute())


@dataclass
class Result:
    """What became of a plan. existing: takes that were there; outcomes: of those that were tried."""

    existing: int
    outcomes: list[Outcome] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def made(self) -> list[Outcome]:
        """The takes that were made."""
        return [one for one in self.outcomes if one.path]

    @property
    def failed(self) -> list[Outcome]:
        """The takes that failed by themselves."""
        return [one for one in self.outcomes if not one.path and not one.interrupted]


@dataclass(frozen=True)
class _Work:
    data: Path
    wishes: Wishes
    plan: Plan
    settings: RecorderSettings
    jobs: int

    def do(self) -> Result:
        """Make what is missing."""
        takes = self.plan.takes
        with opened(self.data, self.wishes, self.plan):
            clean_up(self.data, self.plan, say)
            there = find_made(self.data, self.plan)
            mark_mistakes(self.plan, there)
            refuse_small_disk(self.data, self.wishes, len(takes) - len(there))
            result = Result(len(there))
            self._make([take for take in takes if take.camera not in there], result)
        return result

    def _make(self, missing: Sequence[PlannedTake], result: Result) -> None:
        begun_s, is_told = time.monotonic(), False
        crew = Crew(self.data, self.wishes, self.settings, lanes(missing), self.jobs)
        with _showing(result.existing, len(self.plan.takes)) as show, crew, interrupting(crew):
            for outcome in crew.outcomes():
                if outcome is not None:
                    result.outcomes.append(outcome)
                    show(outcome)
                if crew.is_interrupted and not is_told:
                    is_told = True
                    say("Ending the takes that are under way; press Ctrl-C again to leave at once.")
        result.seconds, result.interrupted = time.monotonic() - begun_s, crew.is_interrupted


@contextmanager
def _showing(existing: int, total: int) -> Iterator[Callable[[Outcome], None]]:
    """A bar on stderr where that is a terminal, a line a take where it is not."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(existing, total).show
        return
    rate = TextColumn("{task.fields[rate]}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
    with Progress(*columns, console=console, speed_estimate_period=600) as bar:
        task = bar.add_task("Simulating", total=total, completed=existing, rate="")
        pace = _Pace(existing, total)

        def show(outcome: Outcome) -> None:
            pace.saw(outcome)
            bar.update(task, completed=pace.done, rate=f"{pace.per_minute:.1f} takes/min")
            if not outcome.path and not outcome.interrupted:
                bar.console.print(_sentence(outcome), markup=False)

        yield show


class _Pace:
    """How fast takes come."""

    def __init__(self, existing: int, total: int) -> None:
        self.done, self.total = existing, total
        self._made = 0
        self._begun_s = time.monotonic()

    def saw(self, outcome: Outcome) -> None:
        """Count a take that was made."""
        self.done += outcome.path is not None
        self._made += outcome.path is not None

    @property
    def per_minute(self) -> float:
        """Takes made in a minute so far."""
        return 60 * self._made / max(time.monotonic() - self._begun_s, 1e-3)

    @property
    def minutes_left(self) -> float | None:
        """How long the rest will take; None as long as nothing was made."""
        return (self.total - self.done) / self.per_minute if self._made else None


class _Lines:
    def __init__(self, existing: int, total: int) -> None:
        self._pace = _Pace(existing, total)

    def show(self, outcome: Outcome) -> None:
        """One line for each take."""
        self._pace.saw(outcome)
        if outcome.path:
            left = self._pace.minutes_left or 0.0
            name = f"{outcome.path.parent.name}/{outcome.path.name}"
            say(f"{self._pace.done}/{self._pace.total} {name} ({self._pace.per_minute:.1f} takes/min, {left:.0f} min left)")
        elif not outcome.interrupted:
            say(_sentence(outcome))


def _sentence(outcome: Outcome) -> str:
    take = outcome.take
    return f"Subject {take.subject}, {take.movement}, {take.session}: {outcome.problem}"


def _report(work: _Work, result: Result, as_json: bool) -> int:
    there = result.existing + len(result.made)
    if as_json:
        print_json(_json(work, result))
    else:
        click.echo(f"{work.data}: {there} of {len(work.plan.takes)} takes of {work.wishes.subjects} subjects")
    if there == len(work.plan.takes):
        return Exit.DONE
    say(f"{len(work.plan.takes) - there} takes are missing; the same command makes them.")
    return Exit.INTERRUPTED if result.interrupted else Exit.SOME_FAILED


def _json(work: _Work, result: Result) -> dict[str, Any]:
    takes = work.plan.takes
    return {
        "path": str(work.data),
        "subjects": work.wishes.subjects,
        "planned": len(takes),
        "existing": result.existing,
        "made": len(result.made),
        "missing": len(takes) - result.existing - len(result.made),
        "noise": sum(take.mistake is not None for take in takes),
        "movements": dict(Counter(take.movement for take in takes)),
        "head": work.wishes.head,
        "takes": [str(one.path) for one in result.made],
        "failed": [_failure(one) for one in result.failed],
        "interrupted": result.interrupted,
        "seconds": round(result.seconds, 1),
        "takes_per_minute": round(60 * len(result.made) / result.seconds, 2) if result.seconds else None,
    }


def _failure(outcome: Outcome) -> dict[str, Any]:
    take = outcome.take
    return {"subject": take.subject, "movement": take.movement, "session": take.session, "problem": outcome.problem}
