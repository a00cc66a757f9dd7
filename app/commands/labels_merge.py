"""`glimpse labels merge`: labels of a copy of the data set that was coded apart. Decides nothing; recorder.labelmerge does."""

from pathlib import Path

import click

from app.output import done_or_failed, print_json, say
from recorder.exchange.base import ExchangeError
from recorder.labelmerge import MergeResult, merge

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command(
    "merge",
    epilog="""\b
Examples:
  glimpse labels merge usb-stick/recordings --data recordings --dry-run
  glimpse labels merge usb-stick/recordings --data recordings
Exit codes: 0 all was brought in or is here already, 1 something is in conflict (listed), 2 wrong usage.""",
)
@click.argument("copy", metavar="COPY", type=FOLDER)
@click.option("--data", "folder", required=True, type=FOLDER, help="The data set that the labels are brought into.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of lines.")
def merge_labels(copy: Path, folder: Path, dry_run: bool, as_json: bool) -> int:
    """Bring the labels and the plan of COPY, a copy of the data set that was coded apart, into the data set.

    COPY may hold everything or only the folders of labels. What is missing here is added, what went on there is carried on;
    what both have changed is told and left as it is. Nothing is overwritten, and nothing is written to COPY.
    """
    if copy.resolve() == folder.resolve():
        raise ExchangeError(f"{copy}: is the data set itself; name the copy that was coded apart.")
    result = merge(folder, copy, dry_run=dry_run)
    for conflict in result.conflicts:
        say(conflict.message)
    if not (result.copied or result.advanced or result.kept or result.conflicts):
        say(f"There are no labels in {copy}.")
    if dry_run:
        say("Nothing was written (--dry-run).")
    _tell(copy, folder, result, dry_run, as_json)
    return done_or_failed(bool(result.conflicts))


def _tell(copy: Path, folder: Path, result: MergeResult, dry_run: bool, as_json: bool) -> None:
    done = {"added": result.copied, "continued": result.advanced, "identical": result.kept}
    if as_json:
        conflicts = [{"path": str(one.path), "message": one.message} for one in result.conflicts]
        print_json({"path": str(copy), "data": str(folder), "dry_run": dry_run, **done, "conflicts": conflicts})
        return
    for name in ("added", "continued"):
        for told in done[name]:
            click.echo(f"{name}: {told}")
    counts = {**{name: len(told) for name, told in done.items()}, "in conflict": len(result.conflicts)}
    click.echo(", ".join(f"{count} {name}" for name, count in counts.items()) + (" (would be)" if dry_run else ""))
