"""`glimpse sync`: the clocks of the colour and thermal cameras against the event clock."""

from functools import partial
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from app.output import done_or_failed, print_json, print_table
from app.pool import Done, each_take
from app.takes import as_json_rows, failed, jobs_option, json_option, keep, named, paths_argument, write_option
from protocol.analysis import ClockAlignment, SyncRecord
from recorder.sync import sync_takes


@click.command(
    epilog="""\b
Examples:
  glimpse sync recordings/4/frown_4_1.aedat4
  glimpse sync recordings --write
Exit codes: 0 done, also where nothing could be found; 1 a file could not be read (it is listed), 2 a path does not exist.""",
)
@paths_argument
@json_option
@write_option
@jobs_option
def sync(paths: tuple[str, ...], as_json: bool, write: bool, jobs: int | None) -> int:
    """Find the offset and drift of the colour and thermal cameras' clocks against the event clock.

    PATH is a take (its .aedat4, another of its files, or the name without ending) or a folder of takes; of takes of one session
    the drift is found together. The sheet of paper is used first, then all that moves, then the host's clock; how sure the
    result is, is said. t_event = stream_us + offset_us + drift_ppm * 1e-6 * (stream_us + offset_us - t0_us).
    """
    done: list[Done[SyncRecord]] = sync_takes(named(paths), partial(each_take, title="Aligning", jobs=jobs))
    done = keep(done, lambda record: {"sync": record}) if write else done
    if as_json:
        print_json(as_json_rows(done, _row, {"rgb": None, "thermal": None}))
    else:
        _print(done)
    return done_or_failed(failed(done))


def _row(record: SyncRecord) -> dict[str, Any]:
    return record.model_dump(mode="json")


def _print(done: list[Done[SyncRecord]]) -> None:
    table = Table(title="Clocks against the event clock", title_justify="left", title_style="bold")
    for name in ("take", "camera", "by", "offset ms", "+- ms (95 %)", "drift ppm", "remarks"):
        table.add_column(name, justify="left" if name in ("take", "camera", "by", "remarks") else "right", no_wrap=True)
    for one in done:
        for row in _rows(one):
            table.add_row(*row)
    print_table(table)


def _rows(one: Done[SyncRecord]) -> list[tuple[str, ...]]:
    name = escape(one.entry.path.name)
    if one.result is None:
        return [(name, "could not be read")]
    cameras = {"rgb": one.result.rgb, "thermal": one.result.thermal}
    rows = [(name, camera, *_cells(found)) for camera, found in cameras.items() if found is not None]
    return rows or [(name, "no frame camera")]


def _cells(found: ClockAlignment) -> tuple[str, ...]:
    offset, spread = ("" if value is None else f"{value / 1000:,.2f}" for value in (found.offset_us, found.uncertainty_us))
    drift = "" if found.drift_ppm is None else f"{found.drift_ppm:.1f}"
    return found.status.value, offset, spread, drift, ", ".join(flag.value for flag in found.flags)
