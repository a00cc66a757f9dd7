"""`glimpse labels`: labels in and out of other programs' formats, agreement of coders, and whether labels can be true."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from app.cli import Entry, LazyGroup
from app.output import done_or_failed, print_json, say
from protocol.labels import check_coder
from recorder.dataset import Dataset, LeftOut
from recorder.exchange.base import ExchangeError, Finding, Labelled, Report
from recorder.exchange.formats import Format, read, write
from recorder.exchange.recordings import open_book
from recorder.exchange.transfer import Brought, Outcome, bring_in, collect, of_coder

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
LATER = (
    Entry("merge", "app.commands.labels_merge:merge_labels", "Labels of a copy that was coded apart."),
    Entry("agree", "app.commands.labels_check:agree", "How well coders agree."),
    Entry("validate", "app.commands.labels_check:validate", "Whether the labels of a data set can be true."),
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of lines.")
format_names = [form.value for form in Format]


class _Group(LazyGroup):
    """Also knows the commands of this module."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """All of them, in the order of their use."""
        own = [(name, command.get_short_help_str(80)) for name, command in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl([*own, *((entry.name, entry.summary) for entry in LATER)])


@click.group(
    cls=_Group,
    entries=LATER,
    epilog="""\b
Examples:
  glimpse labels export recordings --format casme2 --out labels.xlsx
  glimpse labels import elan/ --data recordings --coder coder-2 --dry-run
  glimpse labels merge usb-stick/recordings --data recordings
  glimpse labels agree recordings --out agreement.html
  glimpse labels validate recordings""",
)
def labels() -> None:
    """Export, import, merge, compare and check labels."""


@labels.command(
    "export",
    epilog="""\b
Examples:
  glimpse labels export recordings --format csv --out labels.csv
  glimpse labels export recordings --format samm --out coder1.xlsx --coder coder-1 --plain
  glimpse labels export recordings --format eaf --out elan/""",
)
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--format", "form", required=True, type=click.Choice(format_names), help="What to write.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File; a folder for eaf and bids.")
@click.option("--coder", "coders", multiple=True, help="Only this coder's labels; may be repeated. Default: everybody's.")
@click.option(
    "--include",
    multiple=True,
    type=click.Choice([kind.value for kind in LeftOut]),
    help="Export the labels of these takes too; may be repeated.",
)
@click.option("--plain", is_flag=True, help="Tables in numbers of pictures: without the columns that make them lossless.")
@click.option("--force", is_flag=True, help="Replace files that exist.")
@json_option
def export_labels(
    folder: Path,
    form: str,
    out: Path,
    coders: tuple[str, ...],
    include: tuple[str, ...],
    plain: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Write the labels of the data set DIR in the format of another program.

    csv: every field, microseconds; casme2, samm, casme3, megc: numbers of pictures (.csv or .xlsx); eaf: ELAN; boris: a BORIS
    project; bids: events.tsv. What is written is read back by `glimpse labels import` without loss, unless --plain is given.

    Labels of partial, failed, redone, noise and practice takes are left out unless --include names them.
    """
    for coder in coders:
        check_coder(coder)
    _check_out(out, force)
    dataset = Dataset(folder)
    entries = dataset.selection(include)
    found, problems = collect(folder, entries, coders)
    report: Report = ()
    if found:
        report = write(Format(form), out, found, open_book(folder, entries), canonical=not plain)
    return _told_export(out, found, report, problems, as_json)


def _check_out(out: Path, force: bool) -> None:
    there = out.exists() and (not out.is_dir() or any(out.iterdir()))
    if there and not force:
        raise ExchangeError(f"{out}: exists already; give --force to write there, or another name.")


def _told_export(out: Path, found: list[Labelled], report: Report, problems: list[str], as_json: bool) -> int:
    for message in (*problems, *report):
        say(str(message))
    intervals = sum(len(one.labels.intervals) for one in found)
    coders = sorted({one.labels.coder for one in found})
    if as_json:
        takes = len({one.take for one in found})
        counts = {"takes": takes, "label_sets": len(found), "intervals": intervals, "coders": coders}
        written = str(out) if found else None
        print_json({"out": written, **counts, "findings": finding_rows(report), "problems": problems})
    elif found:
        click.echo(f"{out}: {len(found)} label sets of {', '.join(coders)}, {intervals} intervals")
    if not found:
        say("There are no labels to export.")
    return done_or_failed(bool(problems))


def finding_rows(report: Report) -> list[dict[str, str]]:
    """Findings as JSON."""
    return [{"row": one.place, "problem": one.problem, "action": one.action} for one in report]


@labels.command(
    "import",
    epilog="""\b
Examples:
  glimpse labels import coder2.csv --data recordings --coder coder-2 --dry-run
  glimpse labels import elan/ --data recordings --coder coder-2
Exit codes: 0 all was read, 1 something was left out or refused (listed), 2 not a file of labels.""",
)
@click.argument("source", metavar="FILE|DIR", type=click.Path(exists=True, path_type=Path))
@click.option("--data", "folder", required=True, type=FOLDER, help="The data set that the labels are of.")
@click.option("--coder", required=True, help="Whose labels they are: a pseudonym.")
@click.option("--format", "form", type=click.Choice(format_names), help="Default: what the file looks like.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
@click.option("--force", is_flag=True, help="Replace what this coder has said of a take already; it can be undone.")
@json_option
def import_labels(source: Path, folder: Path, coder: str, form: str | None, dry_run: bool, force: bool, as_json: bool) -> int:
    """Read labels of another program, or exported ones, and keep them as the labels of a coder.

    What is wrong in the file is told row by row; the rest is read. The labels of other coders are never touched, and those of
    the same coder only with --force.
    """
    check_coder(coder)
    entries = Dataset(folder).takes()
    read_sets, report = read(source, open_book(folder, entries), coder, datetime.now(UTC), Format(form) if form else None)
    chosen = of_coder(read_sets, coder)
    brought = bring_in(folder, entries, chosen, force=force, dry_run=dry_run)
    others = sorted({one.labels.coder for one in read_sets} - {coder}) if len(chosen) < len(read_sets) else []
    _tell_import(brought, report, others, dry_run)
    if as_json:
        takes = [{"take": one.take, "result": one.outcome.value, "intervals": one.intervals, **_why(one)} for one in brought]
        counts = {"path": str(source), "coder": coder, "dry_run": dry_run, "other_coders": others}
        print_json({**counts, "takes": takes, "findings": finding_rows(report)})
    else:
        click.echo(_summary(brought, coder, dry_run))
    return done_or_failed(any(map(_is_loss, report)) or any(one.outcome is Outcome.REFUSED for one in brought))


def _why(one: Brought) -> dict[str, Any]:
    return {"reason": one.reason} if one.reason else {}


def _is_loss(finding: Finding) -> bool:
    return "left out" in finding.action


def _tell_import(brought: list[Brought], report: Report, others: list[str], dry_run: bool) -> None:
    for finding in report:
        say(str(finding))
    for one in brought:
        if one.reason:
            say(f"{one.take}: not imported: {one.reason}")
    if others:
        say(f"The labels of {', '.join(others)} in the file were left alone.")
    if dry_run:
        say("Nothing was written (--dry-run).")


def _summary(brought: list[Brought], coder: str, dry_run: bool) -> str:
    counts = {outcome: sum(one.outcome is outcome for one in brought) for outcome in Outcome}
    told = ", ".join(f"{count} {outcome.value}" for outcome, count in counts.items() if count) or "no take"
    return f"{coder}: {told}{' (would be)' if dry_run else ''}"
