"""`glimpse heads`: which heads the simulator can use, and making one out of an ICT-FaceKit checkout."""

import os
from pathlib import Path

import click
from rich.table import Table

from app.output import counting, print_json, print_table, say
from recorder.sim.heads import BUILTIN, ICT_FILE, known_heads, user_heads
from recorder.sim.ict_head import IctHead
from recorder.sim.ict_import import import_head, steps


@click.group(
    epilog="""\b
Examples:
  git clone https://github.com/ICT-VGL/ICT-FaceKit
  glimpse heads import ICT-FaceKit
  glimpse heads list""",
)
def heads() -> None:
    """Faces of the simulator: list them, or import the scanned ones of ICT-FaceKit.

    Without an import the simulator uses its built-in head. GLIMPSE_HEAD names another head's file.
    """


@heads.command("import", epilog="Example: glimpse heads import ICT-FaceKit")
@click.argument("checkout", metavar="DIR", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File (.npz) to make; default: your own heads.")
@click.option("--replace", is_flag=True, help="Write the file anew where it is there already.")
@click.option("--json", "as_json", is_flag=True, help="Print the path as JSON.")
def import_command(checkout: Path, out: Path | None, replace: bool, as_json: bool) -> int:
    """Make the simulator's file out of a public ICT-FaceKit checkout, and print its path.

    The model's licence (MIT, in the checkout) goes for the file too.
    """
    target = user_heads() / ICT_FILE if out is None else out
    with counting("Reading", steps()) as advance:
        path = import_head(checkout, target, check=IctHead, advance=advance, replace=replace)
    if as_json:
        print_json({"path": str(path)})
    else:
        click.echo(path)
    return 0


@heads.command("list", epilog="Example: glimpse heads list --json")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a table.")
def list_command(as_json: bool) -> int:
    """List the heads that can be had; the first is used when none is named."""
    found = known_heads(os.environ)
    if as_json:
        print_json([{"name": head.name, "path": head.path and str(head.path), "source": head.source} for head in found])
        return 0
    table = Table()
    for column in ("head", "file", "source"):
        table.add_column(column)
    for head in found:
        table.add_row(head.name, str(head.path or "computed"), head.source)
    print_table(table)
    if all(head.name == BUILTIN for head in found):
        say("`glimpse heads import DIR` adds the scanned heads of ICT-FaceKit.")
    return 0
