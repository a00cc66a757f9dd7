"""`glimpse backup`: a checked copy of a data set in another folder."""

from pathlib import Path
from typing import Any

import click

from app.output import counting, done_or_failed, print_json, say
from recorder.backup import BackupResult, BackupStep, backup, not_backed_up

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command(
    "backup",
    epilog="""\b
Examples:
  glimpse backup recordings --to /media/backup/recordings
  glimpse backup recordings --to /media/backup/recordings --list
Exit codes: 0 all is in the backup, 1 something is not (listed), 2 wrong usage or no place for a backup.""",
)
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--to", "target", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of the backup.")
@click.option("--list", "only_list", is_flag=True, help="Only list the takes that are not in the backup yet.")
@click.option("--thorough", is_flag=True, help="Read the copies that are there already, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of lines.")
def command(folder: Path, target: Path, only_list: bool, thorough: bool, as_json: bool) -> int:
    """Copy whatever of the data set DIR is not yet in another folder, and check each copy against its take's checksums.

    What was recorded is never replaced: where the copy differs, both stay as they are and it is said. Records that change,
    such as subjects.csv, are brought up to date; what they were is kept in the backup's folder .earlier. An interrupted
    backup is gone on with by the same command.
    """
    if only_list:
        return _list(folder, target, as_json)
    with counting("Copying", 1.0) as advance:
        result = backup(folder, target, progress=_Share(advance), thorough=thorough)
    if as_json:
        print_json(_json(folder, target, result))
    else:
        _print(result)
    return done_or_failed(not result.whole)


class _Share:
    """Turns how far it has come into advances of a bar from 0 to 1."""

    def __init__(self, advance: Any) -> None:
        self._advance, self._share = advance, 0.0

    def __call__(self, step: BackupStep) -> None:
        share = step.done_bytes / step.total_bytes if step.total_bytes else 0.0
        if share > self._share:
            self._advance(share - self._share)
            self._share = share


def _list(folder: Path, target: Path, as_json: bool) -> int:
    takes = not_backed_up(folder, target)
    if as_json:
        print_json({"path": str(folder), "to": str(target), "not_backed_up": [str(path) for path in takes]})
    else:
        for path in takes:
            click.echo(str(path))
        say(f"{len(takes)} takes are not in the backup.")
    return done_or_failed(bool(takes))


def _json(folder: Path, target: Path, result: BackupResult) -> dict[str, Any]:
    return {
        "path": str(folder),
        "to": str(target),
        "copied": result.copied,
        "replaced": result.replaced,
        "renamed": result.renamed,
        "kept": result.kept,
        "bytes": result.copied_bytes,
        "problems": [{"path": str(one.path), "message": one.message} for one in result.problems],
    }


def _print(result: BackupResult) -> None:
    for problem in result.problems:
        click.echo(f"{problem.path}: {problem.message}")
    click.echo(
        f"{len(result.copied)} files copied ({result.copied_bytes / 1e6:,.1f} MB), {len(result.replaced)} records brought "
        f"up to date, {len(result.renamed)} takes renamed, {result.kept} were there, {len(result.problems)} problems"
    )
