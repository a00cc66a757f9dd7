"""`glimpse stats`: the data sheet of a data set, with the pie of its movements."""

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from app.output import print_json, print_table, progress, say
from app.pie import save_pie, text_pie
from protocol.errors import GlimpseError
from recorder.dataset import Dataset, LeftOut
from recorder.stats import data_sheet, extent

PIE_ENDINGS = (".png", ".svg", ".pdf")


@click.command(
    epilog="""\b
Examples:
  glimpse stats recordings
  glimpse stats recordings --json --pie shares.svg""",
)
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of tables.")
@click.option(
    "--pie", type=click.Path(path_type=Path), help="Also draw the shares of the movements to a .png, .svg or .pdf file."
)
@click.option(
    "--include",
    multiple=True,
    type=click.Choice([kind.value for kind in LeftOut]),
    help="Count these takes too; may be repeated.",
)
def stats(folder: Path, as_json: bool, pie: Path | None, include: tuple[str, ...]) -> int:
    """Say how much there is of what in the data set DIR, and how evenly.

    Shares, durations, events and subjects count the takes that training uses: partial, failed, redone, noise and practice
    takes are left out unless --include names them. Balance: the smallest movement's count over the largest's, and the
    entropy of the shares over that of seven equal ones; both are 1 for perfectly even data.
    """
    if pie is not None and pie.suffix.lower() not in PIE_ENDINGS:
        raise click.BadParameter(f"{pie}: use a name ending in {', '.join(PIE_ENDINGS)}.", param_hint="--pie")
    dataset = Dataset(folder)
    entries = dataset.takes()
    sheet = data_sheet(dataset, entries, [extent(entry) for entry in progress(entries, "Reading")], include)
    if pie is not None:
        _draw(sheet, pie)
    if as_json:
        print_json(sheet)
    else:
        _print(sheet)
    return 0


def _draw(sheet: dict[str, Any], path: Path) -> None:
    if not sheet["takes"]["selected"]:
        say(f"{path} was not drawn: there are no takes to count.")
        return
    try:
        save_pie(_counts(sheet), path, sheet["name"] or Path(sheet["path"]).name)
    except OSError as error:
        raise GlimpseError(f"{path}: cannot be written ({error.strerror}); choose another name.") from error
    say(f"The pie is in {path}.")


def _counts(sheet: dict[str, Any]) -> dict[str, int]:
    return {token: row["count"] for token, row in sheet["movements"].items()}


def _print(sheet: dict[str, Any]) -> None:
    table = Table.grid(padding=(0, 2))
    for title, text in _lines(sheet):
        table.add_row(title, text)
    print_table(table)
    Console().print(text_pie(_counts(sheet)))
    for problem in sheet["problems"]:
        click.echo(f"problem: {problem}")


def _lines(sheet: dict[str, Any]) -> list[tuple[str, str]]:
    takes, lengths, balance, people = (sheet[key] for key in ("takes", "durations_us", "balance", "subjects"))
    kinds = {
        **takes["by_status"],
        "noise": takes["noise"],
        "redone": takes["redone"],
        "practice": takes["practice"],
        "without a take's name": takes["unnamed"],
    }
    return [
        ("data set", f"{sheet['name'] or sheet['path']}{' (simulated)' if sheet['simulated'] else ''}"),
        ("takes", f"{takes['total']}, of which {takes['selected']} are used"),
        ("", _listed(kinds)),
        ("length", f"{_seconds(lengths['total'])} in all; {_seconds(lengths['median'])} in the middle, "
                   f"{_seconds(lengths['min'])} to {_seconds(lengths['max'])}"),
        ("events", f"{sheet['events']['total']:,}; {_number(sheet['events']['mean_per_s'], '{:,.0f}')} a second"),
        ("balance", f"smallest : largest class {_number(balance['min_max_ratio'], '{:.2f}')}, "
                    f"evenness {_number(balance['normalised_entropy'], '{:.3f}')}"),
        ("subjects", f"{people['count']}, persons {people['persons'] if people['persons'] is not None else 'not known'}"),
        ("sex", _listed(people["sex"])),
        ("age", _listed(people["age_band"])),
        ("glasses (takes)", _listed(people["glasses"])),
    ]  # fmt: skip


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{key} {count}" for key, count in counts.items() if count) or "-"


def _seconds(duration_us: int | None) -> str:
    return "-" if duration_us is None else f"{duration_us / 1e6:,.1f} s"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)
