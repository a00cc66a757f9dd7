"""`glimpse recover`: finishes or salvages what a crash left behind."""

from pathlib import Path

import click

from app.output import done_or_failed, print_json, progress, say
from recorder.dataset import Dataset
from recorder.recover import Outcome, recover_folder


@click.command(epilog="Example: glimpse recover recordings")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="DIR")
@click.option("--take-over", is_flag=True, help="Also recover takes that another machine had begun, when it no longer records.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def recover(folder: Path, take_over: bool, as_json: bool) -> int:
    """Finish or salvage interrupted and damaged takes of a data set, and say what was saved.

    Takes that are being recorded now are left alone. A damaged file is never changed: it is kept beside the one
    rebuilt from it.
    """
    outcomes: list[Outcome] = []
    for place in progress(list(Dataset(folder).folders()), "Recovering"):
        outcomes += recover_folder(place, take_over=take_over)
    if as_json:
        print_json([{"path": str(one.path), "text": one.text, "saved": one.saved} for one in outcomes])
    else:
        for one in outcomes:
            click.echo(f"{one.path}: {one.text}")
        say(f"{sum(one.saved for one in outcomes)} recovered, {sum(not one.saved for one in outcomes)} left as they are.")
    return done_or_failed(any(not one.saved for one in outcomes))
