"""`glimpse inspect`: streams, counts, rates, gaps and problems of takes."""

from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from app.output import done_or_failed, print_json, print_table, progress, say
from recorder.inspection import StreamReport, TakeReport, inspect_take
from recorder.take import find_takes


@click.command(
    epilog="""\b
Examples:
  glimpse inspect recordings/4/frown_4_1.aedat4
  glimpse inspect recordings --json > recordings.json
Exit codes: 0 everything could be read, 1 a file could not (it is listed), 2 a path does not exist.""",
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of tables.")
def inspect(paths: tuple[str, ...], as_json: bool) -> int:
    """Show what is in takes and what is wrong with them.

    PATH is a take (its .aedat4, another of its files, or the name without ending) or a folder of takes. Every event is
    read once. Times are microseconds of event time; a gap is a silence of more than 100 ms in the events, or an interval
    of more than one and a half usual ones between pictures.
    """
    entries = [entry for path in paths for entry in find_takes(Path(path))]
    reports = [inspect_take(entry) for entry in progress(entries, "Reading")]
    if as_json:
        print_json([report.to_json() for report in reports])
    else:
        for report in reports:
            _print(report)
    if not reports:
        say("There is no take in this folder.")
    return done_or_failed(any(not report.readable for report in reports))


def _print(report: TakeReport) -> None:
    about = [report.status or "no manifest", *(reason for reason in report.left_out if reason != report.status)]
    table = Table(title=f"{escape(report.path)} ({', '.join(about)})", title_justify="left", title_style="bold")
    for name in ("stream", "count", "first us", "last us", "seconds", "mean/s", "peak/s", "ON", "gaps", "pixels"):
        table.add_column(name, justify="left" if name == "stream" else "right", no_wrap=True)
    for name, stream in report.streams.items():
        if stream.count or stream.resolution:
            table.add_row(name, *_cells(stream))
    print_table(table)
    for problem in report.problems:
        click.echo(f"  problem: {problem}")


def _cells(stream: StreamReport) -> tuple[str, ...]:
    return (
        f"{stream.count:,}",
        _text(stream.first_us, "{}"),
        _text(stream.last_us, "{}"),
        _text(None if stream.duration_us is None else stream.duration_us / 1e6, "{:.3f}"),
        _text(stream.mean_per_s, "{:,.1f}"),
        _text(stream.peak_per_s, "{:,.0f}"),
        _text(None if stream.on_share is None else 100 * stream.on_share, "{:.1f} %"),
        str(len(stream.gaps)) if stream.gaps else "",
        _text(stream.resolution and f"{stream.resolution[0]} x {stream.resolution[1]}", "{}"),
    )


def _text(value: object | None, form: str) -> str:
    return "" if value is None else form.format(value)
