"""`glimpse labels agree` and `glimpse labels validate`."""

from pathlib import Path
from typing import Any

import click
from rich.table import Table

from app.agreement import as_json as agreement_json
from app.agreement import as_rows, kappa_text, number, page
from app.output import done_or_failed, print_json, print_table, progress, say
from protocol.agreement import LANDMARKS, Agreement, every_agreement
from protocol.labels import CONSENSUS, LabelSet, check_coder
from recorder.dataset import Dataset
from recorder.exchange.base import ExchangeError, write_bytes
from recorder.exchange.recordings import take_name
from recorder.exchange.sheets import write_sheet
from recorder.exchange.transfer import collect
from recorder.labelcheck import LabelFinding, check_take, orphans

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
PAGES, TABLES = (".html", ".htm"), (".csv", ".xlsx")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a table.")


@click.command(
    epilog="""\b
Examples:
  glimpse labels agree recordings
  glimpse labels agree recordings --coders coder-1,coder-2 --out agreement.html --out agreement.csv"""
)
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--coders", default="", help="Only these, separated by commas; default: all but the consensus.")
@click.option(
    "--out", "outs", multiple=True, type=click.Path(dir_okay=False, path_type=Path), help="Report: .html, .csv, .xlsx."
)
@click.option("--force", is_flag=True, help="Replace files that exist.")
@json_option
def agree(folder: Path, coders: str, outs: tuple[Path, ...], force: bool, as_json: bool) -> int:
    """How well the coders of the data set DIR agree, on the takes that two of them labelled.

    R of the action units, Cohen's kappa of movement and noise, F1 of the intervals, differences of onset, apex and offset in
    milliseconds; for every pair of coders, every movement, and apart by where the landmarks come from.
    """
    _check_outs(outs, force)
    names = [check_coder(name.strip()) for name in coders.split(",") if name.strip()]
    if len(names) == 1:
        raise click.BadParameter("name two coders or more.", param_hint="--coders")
    by_take, problems = _labels_by_take(folder, names)
    reports = every_agreement(by_take, names)
    for out in outs:
        _write(out, reports, folder)
        say(f"{out} was written.")
    for problem in problems:
        say(problem)
    if as_json:
        print_json([agreement_json(report) for report in reports])
    elif reports:
        print_table(_table(reports))
    else:
        say("No take was labelled by two coders.")
    return done_or_failed(bool(problems))


def _check_outs(outs: tuple[Path, ...], force: bool) -> None:
    for out in outs:
        if out.suffix.lower() not in (*PAGES, *TABLES):
            raise click.BadParameter(f"{out}: use a name ending in .html, .csv or .xlsx.", param_hint="--out")
        if out.exists() and not force:
            raise ExchangeError(f"{out}: exists already; give --force to replace it, or another name.")


def _labels_by_take(folder: Path, names: list[str]) -> tuple[dict[str, tuple[str | None, dict[str, LabelSet]]], list[str]]:
    entries = Dataset(folder).takes()
    found, problems = collect(folder, entries, names)
    by_take: dict[str, tuple[str | None, dict[str, LabelSet]]] = {
        take_name(folder, entry): (entry.movement, {}) for entry in entries
    }
    for one in found:
        if names or one.labels.coder != CONSENSUS:
            by_take[one.take][1][one.labels.coder] = one.labels
    return by_take, problems


def _write(out: Path, reports: list[Agreement], folder: Path) -> None:
    if out.suffix.lower() in PAGES:
        write_bytes(out, page(reports, folder.resolve().name).encode())
    else:
        write_sheet(out, as_rows(reports))


def _table(reports: list[Agreement]) -> Table:
    table = Table()
    for title in ("coders", "movement", "takes", "R", "kappa", "kappa noise", "F1", *(f"{name} (ms)" for name in LANDMARKS)):
        table.add_column(title)
    for one in reports:
        spreads = [one.landmarks[name] for name in LANDMARKS]
        table.add_row(
            ", ".join(one.coders),
            one.movement or "all",
            str(one.takes),
            number(one.au_overlap),
            kappa_text(one.movements),
            kappa_text(one.noise),
            number(one.intervals.f1),
            *(f"{number(spread.median_ms)} (95 %: {number(spread.p95_ms)})" for spread in spreads),
        )
    return table


@click.command(
    epilog="""\b
Example:
  glimpse labels validate recordings --json
Exit codes: 0 nothing found, 1 something is wrong (listed), 2 wrong usage."""
)
@click.argument("folder", metavar="DIR", type=FOLDER)
@json_option
def validate(folder: Path, as_json: bool) -> int:
    """Check the labels of the data set DIR: readable, landmarks in order and inside the recording, beside a take that exists.

    Nothing is changed.
    """
    dataset = Dataset(folder)
    entries = dataset.takes()
    findings = [finding for entry in progress(entries, "Checking") for finding in check_take(entry)]
    findings += orphans(dataset)
    if as_json:
        print_json({"path": str(folder), "takes": len(entries), "findings": [_row(finding) for finding in findings]})
    else:
        for finding in findings:
            click.echo(f"{finding.kind}: {finding.path} {finding.message}")
        click.echo(f"{len(entries)} takes, {len(findings)} findings")
    return done_or_failed(bool(findings))


def _row(finding: LabelFinding) -> dict[str, Any]:
    return {"path": str(finding.path), "kind": finding.kind.value, "message": finding.message}
