"""`glimpse quality`: is a take good, and if not, why."""

from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from app.output import done_or_failed, print_json, print_table
from app.pool import Done, each_take
from app.takes import as_json_rows, failed, jobs_option, json_option, keep, named, paths_argument, write_option
from protocol.analysis import QualityRecord, SyncRecord
from protocol.errors import GlimpseError
from recorder.analysisstore import read_analysis
from recorder.quality import Assessment, assess_with_face
from recorder.take import Take

STYLE = {"good": "green", "check": "yellow", "redo": "red", "unknown": "dim"}


def assess_take(path: Path) -> Assessment:
    """The verdict on one take, and its face."""
    with Take(path) as take:
        return assess_with_face(take, sync=_known_sync(path))


def _known_sync(path: Path) -> SyncRecord | None:
    """The alignment that was kept, since finding it takes longer than all the rest; None where there is none to be used."""
    try:
        kept = read_analysis(path)
    except GlimpseError:  # damaged: it can be computed again, and `--write` replaces it
        return None
    return kept.sync if kept else None


@click.command(
    epilog="""\b
Examples:
  glimpse quality recordings/4/frown_4_1.aedat4
  glimpse quality recordings --json --write > quality.json
Exit codes: 0 done, whatever the verdict; 1 a file could not be read (it is listed), 2 a path does not exist.""",
)
@paths_argument
@json_option
@write_option
@jobs_option
def quality(paths: tuple[str, ...], as_json: bool, write: bool, jobs: int | None) -> int:
    """Judge takes: good, check (look at it) or redo (record it again), and say why.

    PATH is a take (its .aedat4, another of its files, or the name without ending) or a folder of takes. Of a single take every
    measure is shown, of several the verdict and its first reason. The clocks of the frame cameras are judged where
    `glimpse sync --write` has found them before. --write also keeps where the face is.
    """
    done = each_take(assess_take, named(paths), "Judging", jobs)
    done = keep(done, lambda found: {"quality": found.quality, "face": found.face}) if write else done
    if as_json:
        print_json(as_json_rows(done, _row, {"verdict": None}))
    else:
        _print(done)
    return done_or_failed(failed(done))


def _row(found: Assessment) -> dict[str, Any]:
    return {**found.quality.model_dump(mode="json"), "face": found.face.model_dump(mode="json") if found.face else None}


def _print(done: list[Done[Assessment]]) -> None:
    table = Table(title="Verdicts", title_justify="left", title_style="bold")
    for name in ("take", "verdict", "reason"):
        table.add_column(name, no_wrap=name != "reason")
    for one in done:
        name = escape(one.entry.path.name)
        if one.result is None:
            table.add_row(name, "", "could not be read")
        else:
            verdict, reasons = one.result.quality.verdict.value, one.result.quality.reasons
            table.add_row(name, f"[{STYLE[verdict]}]{verdict}[/]", escape(reasons[0]) if reasons else "")
    print_table(table)
    if len(done) == 1 and done[0].result is not None:
        _print_measures(done[0].result.quality)


def _print_measures(record: QualityRecord) -> None:
    table = Table(title="Measures", title_justify="left", title_style="bold")
    for name in ("measure", "value", "unit", "verdict", ""):
        table.add_column(name, justify="right" if name == "value" else "left", no_wrap=bool(name))
    for measure in record.measures:
        value = "" if measure.value is None else f"{measure.value:,.4g}"
        verdict = measure.verdict.value
        table.add_row(measure.name, value, measure.unit, f"[{STYLE[verdict]}]{verdict}[/]", escape(measure.sentence))
    print_table(table)
