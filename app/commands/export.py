"""`glimpse export`: events or counts per time bin, for other programs."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from app.output import counting, done_or_failed, print_json, say
from protocol.errors import GlimpseError
from protocol.streams import Stream
from recorder.dataset import Dataset, LeftOut, TakeEntry
from recorder.export import Exported, Format, Wish, export_take
from recorder.take import Take, find_takes


@click.command(
    epilog="""\b
Examples:
  glimpse export recordings/4/frown_4_1.aedat4 --format csv --out frown.csv
  glimpse export recordings --format npy --bin-ms 20 --out counts
  glimpse export recordings --format h5 --out events --include noise --include redone""",
)
@click.argument("source", metavar="TAKE|DIR", type=click.Path(path_type=Path))
@click.option("--format", "form", required=True, type=click.Choice([form.value for form in Format]), help="See above.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File for a TAKE, folder for a DIR.")
@click.option("--start", type=int, help="First microsecond of event time; default: the first event.")
@click.option("--stop", type=int, help="First microsecond not exported any more; default: after the last event.")
@click.option("--bin-ms", type=click.FloatRange(min=0.001), help="npy: width of a time bin in milliseconds; default 10.")
@click.option("--bins", type=click.IntRange(min=1), help="npy: number of time bins instead.")
@click.option(
    "--include",
    multiple=True,
    type=click.Choice([kind.value for kind in LeftOut]),
    help="Of a DIR, export these too; may be repeated.",
)
@click.option("--force", is_flag=True, help="Replace files that exist.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as one JSON document.")
def export(source: Path, form: str, out: Path, include: tuple[str, ...], force: bool, as_json: bool, **limits: Any) -> int:
    """Export the events of a take, or of every take of a folder.

    csv: lines "t,x,y,p" below a header; npz and h5: arrays t (us), x, y, p (1 ON, 0 OFF).
    npy: counts per time bin, [T, 2, H, W] uint16, channel 0 OFF and 1 ON; counts above 65535 are clipped, and events outside
    the camera's pixels left out, both of which is told.

    Of a DIR, each take is exported under OUT with the same relative name; partial, failed, redone, noise and practice takes
    are left out unless --include names them. A TAKE is always exported.
    """
    wish = _wish(form, **limits)
    jobs = _folder_jobs(source, out, wish, include) if source.is_dir() else [_single_job(source, out, wish)]
    done, failures = _run(jobs, wish, force)
    if not source.is_dir() and failures:
        raise failures[0]
    for message in (*_remarks(done), *failures):
        say(str(message))
    if as_json:
        print_json([_json(take, exported) for take, exported in done])
    else:
        for _, exported in done:
            click.echo(_line(exported))
    return done_or_failed(bool(failures))


def _wish(form: str, start: int | None, stop: int | None, bin_ms: float | None, bins: int | None) -> Wish:
    if bin_ms is not None and bins is not None:
        raise click.UsageError("Give --bin-ms or --bins, not both.")
    if form != Format.NPY and (bin_ms is not None or bins is not None):
        raise click.UsageError(f"--bin-ms and --bins belong to --format npy, not to {form}.")
    if start is not None and stop is not None and stop <= start:
        raise click.UsageError("--stop must be later than --start.")
    return Wish(Format(form), start, stop, None if bin_ms is None else max(1, round(bin_ms * 1000)), bins)


Job = tuple[Path, Path]  # from, to


def _single_job(source: Path, out: Path, wish: Wish) -> Job:
    (entry,) = find_takes(source)
    if entry.left_out:
        say(f"{entry.path} is {', '.join(sorted(reason.value for reason in entry.left_out))}; exported since it was named.")
    return entry.path, out / f"{_stem(entry)}.{wish.format}" if out.is_dir() else out


def _folder_jobs(source: Path, out: Path, wish: Wish, include: Sequence[str]) -> list[Job]:
    dataset = Dataset(source)
    every, chosen = dataset.takes(), dataset.selection(include)
    if len(chosen) < len(every):
        say(f"{len(every) - len(chosen)} of {len(every)} takes are left out (partial, failed, redone or noise; see --include).")
    if not chosen:
        say(f"{source} holds no take to export.")
    return [(e.path, out / e.path.relative_to(source).with_name(f"{_stem(e)}.{wish.format}")) for e in chosen]


def _stem(entry: TakeEntry) -> str:
    return entry.path.name.removesuffix(".aedat4")


def _run(jobs: Sequence[Job], wish: Wish, force: bool) -> tuple[list[tuple[Path, Exported]], list[GlimpseError]]:
    done: list[tuple[Path, Exported]] = []
    failures: list[GlimpseError] = []
    with counting("Exporting", len(jobs)) as bar:
        for source, target in jobs:
            try:
                done.append((source, _export(source, target, wish, force, bar)))
            except GlimpseError as error:
                failures.append(error)
    return done, failures


def _export(source: Path, target: Path, wish: Wish, force: bool, bar: Callable[[float], None]) -> Exported:
    with Take(source) as take:
        total = max(take.count(Stream.EVENTS), 1)
        return export_take(take, target, wish, force=force, watch=lambda events: bar(events / total))


def _json(take: Path, exported: Exported) -> dict[str, Any]:
    return {"path": str(take), **asdict(exported), "out": str(exported.out)}


def _remarks(done: Sequence[tuple[Path, Exported]]) -> list[str]:
    return [f"{take}: {problem}" for take, exported in done for problem in exported.problems]


def _line(exported: Exported) -> str:
    parts = [f"{exported.out}: {exported.events:,} events"]
    if exported.bins is not None and exported.edges_us is not None:
        parts.append(f"{exported.bins} bins from {exported.edges_us[0]} to {exported.edges_us[1]} us")
    parts += [f"{exported.outside:,} events outside the pixels left out"] if exported.outside else []
    parts += [f"{exported.clipped:,} counts clipped at 65535"] if exported.clipped else []
    return ", ".join(parts)
