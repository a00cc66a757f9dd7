"""What the commands that compute something of takes have in common: options, JSON, the writing. Knows no algorithm."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import BaseModel

from app.output import say
from app.pool import Done
from protocol.errors import GlimpseError
from recorder.analysisstore import update_analysis
from recorder.dataset import TakeEntry
from recorder.take import TakeError, find_takes

T = TypeVar("T")

paths_argument = click.argument("paths", nargs=-1, required=True, metavar="PATH...")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a table.")
write_option = click.option("--write", is_flag=True, help="Keep the results beside the takes, in their .analysis.json.")
jobs_option = click.option("--jobs", type=click.IntRange(1, 256), help="Takes at the same time; default: one for each core.")


def named(paths: Sequence[str]) -> list[TakeEntry]:
    """The takes that paths on the command line mean, each once; says so where there is none. Raises TakeError.

    An empty path is an unset variable in somebody's script and not the current folder.
    """
    if "" in paths:
        raise TakeError("An empty path was given; name a take or a folder of takes.")
    entries = {entry.path.resolve(): entry for path in paths for entry in find_takes(Path(path))}
    if not entries:
        say("There is no take in this folder.")
    return list(entries.values())


def keep(done: Sequence[Done[T]], sections: Callable[[T], Mapping[str, BaseModel | None]]) -> list[Done[T]]:
    """Write the results beside their takes; what cannot be written becomes a problem, and is kept as a result."""
    return [one if one.result is None else _kept(one, sections(one.result)) for one in done]


def _kept(one: Done[T], sections: Mapping[str, BaseModel | None]) -> Done[T]:
    try:
        update_analysis(one.entry.path, sections)
    except GlimpseError as error:
        return replace(one, problem=str(error))
    return one


def as_json_rows(
    done: Sequence[Done[T]], row: Callable[[T], Mapping[str, Any]], nothing: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """One object a take: its path, what `row` makes of the result (`nothing` where there is none), and the problem if any."""
    rows = []
    for one in done:
        body = nothing if one.result is None else row(one.result)
        rows.append({"path": str(one.entry.path), **body, **({"problem": one.problem} if one.problem else {})})
    return rows


def failed(done: Sequence[Done[T]]) -> bool:
    """Whether anything could not be read or written; each is said."""
    for one in done:
        if one.problem:
            say(one.problem)
    return any(one.problem for one in done)
