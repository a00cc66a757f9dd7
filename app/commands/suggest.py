"""`glimpse suggest`: where in takes a movement begins, is strongest and ends."""

from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from app.output import done_or_failed, print_json, print_table
from app.pool import Done, each_take
from app.takes import as_json_rows, failed, jobs_option, json_option, keep, named, paths_argument, write_option
from protocol.analysis import OnsetRecord, Suggestion
from recorder.onset import suggest as suggest_of
from recorder.take import Take


def suggest_take(path: Path) -> OnsetRecord:
    """The suggestions of one take."""
    with Take(path) as take:
        return suggest_of(take)


@click.command(
    epilog="""\b
Examples:
  glimpse suggest recordings/4/frown_4_1.aedat4
  glimpse suggest recordings --write
Exit codes: 0 done, also where nothing was found; 1 a file could not be read (it is listed), 2 a path does not exist.""",
)
@paths_argument
@json_option
@write_option
@jobs_option
def suggest(paths: tuple[str, ...], as_json: bool, write: bool, jobs: int | None) -> int:
    """Suggest onset, apex and offset of the movements in takes, from the events alone.

    PATH is a take (its .aedat4, another of its files, or the name without ending) or a folder of takes. Where the script's cue
    is known, the movement after it comes first; what else moved, blinks among it, is listed as a candidate. "no movement" is an
    answer. Times are microseconds of event time.
    """
    done = each_take(suggest_take, named(paths), "Searching", jobs)
    done = keep(done, lambda record: {"onset": record}) if write else done
    if as_json:
        print_json(as_json_rows(done, _row, {"intervals": []}))
    else:
        _print(done)
    return done_or_failed(failed(done))


def _row(record: OnsetRecord) -> dict[str, Any]:
    return record.model_dump(mode="json")


def _print(done: list[Done[OnsetRecord]]) -> None:
    table = Table(title="Suggested movements", title_justify="left", title_style="bold")
    for name in ("take", "kind", "onset us", "apex us", "offset us", "ms", "confidence"):
        table.add_column(name, justify="left" if name in ("take", "kind") else "right", no_wrap=True)
    for one in done:
        for row in _rows(one):
            table.add_row(*row)
    print_table(table)


def _rows(one: Done[OnsetRecord]) -> list[tuple[str, ...]]:
    name = escape(one.entry.path.name)
    if one.result is None:
        return [(name, "could not be read")]
    found = [(name, *_cells(suggestion)) for suggestion in (*one.result.intervals, *one.result.candidates)]
    return found if one.result.intervals else [(name, one.result.reason or "no movement"), *found]


def _cells(suggestion: Suggestion) -> tuple[str, ...]:
    kind = suggestion.kind.value + (" after the cue" if suggestion.cued else "")
    times = (str(suggestion.onset_us), str(suggestion.apex_us), str(suggestion.offset_us))
    return kind, *times, f"{suggestion.duration_us / 1000:.0f}", f"{suggestion.confidence:.2f}"
