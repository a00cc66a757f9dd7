"""The list of commands. A command's module is imported when the command is used, so that `glimpse --help` stays quick."""

from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import click


class Entry(NamedTuple):
    """A command that is not imported yet. target: "module:attribute" of a click command; summary: its line in the help."""

    name: str
    target: str
    summary: str


COMMANDS: tuple[Entry, ...] = (
    Entry("record", "app.commands.record:record", "Record one take by the script."),
    Entry("inspect", "app.commands.inspect:inspect", "Streams, counts, rates, gaps and problems of takes."),
    Entry("export", "app.commands.export:export", "Events as csv, npz or h5, or counts per time bin as npy."),
    Entry("simulate", "app.commands.simulate:simulate", "A whole data set of simulated takes with their ground truth."),
    Entry("convert", "app.commands.convert:command", "Face videos and folders of pictures become takes with events."),
    Entry("sync", "app.commands.sync:sync", "Clocks of the colour and thermal cameras against the event clock."),
    Entry("suggest", "app.commands.suggest:suggest", "Onset, apex and offset of the movements in takes."),
    Entry("quality", "app.commands.quality:quality", "The verdict on takes: good, check or redo, and why."),
    Entry("labels", "app.commands.labels:labels", "Export, import, compare and check labels."),
    Entry("stats", "app.commands.stats:stats", "A data set's data sheet: counts, durations, class shares, balance."),
    Entry("verify", "app.commands.verify:verify", "Check checksums, counts and left-overs; compare with a backup."),
    Entry("backup", "app.commands.backup:command", "A checked copy of a data set in another folder."),
    Entry("report", "app.commands.report:command", "A session on one page of HTML, for the lab's book."),
    Entry("recover", "app.commands.recover:recover", "Finish or salvage interrupted and damaged takes."),
    Entry("subjects", "app.commands.subjects:subjects", "Add, list and withdraw subjects."),
    Entry("heads", "app.commands.heads:heads", "Faces of the simulator: list them, import the scanned ones."),
    Entry("doctor", "app.commands.doctor:doctor", "Everything that a bug report needs."),
)


class LazyGroup(click.Group):
    """A click group made of `Entry` rows."""

    def __init__(self, *args: Any, entries: Sequence[Entry] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._entries = {entry.name: entry for entry in entries}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        return [*self._entries, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of that name."""
        entry = self._entries.get(cmd_name)
        if entry is None:
            return super().get_command(ctx, cmd_name)
        module, attribute = entry.target.split(":")
        command = getattr(import_module(module), attribute)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands' summaries, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(entry.name, entry.summary) for entry in self._entries.values()])


def program_version() -> str:
    """The installed version, "unknown" when Glimpse runs from a folder that was never installed."""
    try:
        return version("glimpse-davis")
    except PackageNotFoundError:
        return "unknown"


def _print_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"glimpse {program_version()}")
        ctx.exit(0)


@click.group(
    "glimpse",
    cls=LazyGroup,
    entries=COMMANDS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="""\b
Examples:
  glimpse --data recordings
  glimpse inspect recordings/4/frown_4_1.aedat4
  glimpse stats recordings --pie shares.png
Exit codes: 0 done, 1 some inputs failed (listed), 2 wrong usage or unusable input, 3 interrupted.""",
)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version, help="Show the version and exit."
)
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="The data set that the window opens.")
@click.option(
    "--camera", help="Event camera of the window: sim[:SEED], davis[:SERIAL], network:HOST:PORT, replay:FILE, webcam:N."
)
@click.option("--rgb", help="Colour camera of the window: a number, a device, a file, a URL, sim or none.")
@click.option("--thermal", help="Thermal camera of the window, likewise.")
@click.option("--debug", is_flag=True, help="Name in the log what holds the window for more than 16 ms.")
@click.pass_context
def cli(
    ctx: click.Context, data: Path | None, camera: str | None, rgb: str | None, thermal: str | None, debug: bool
) -> int | None:
    """Record, label and recognise facial micro-expressions with an event camera. Without a command: the window."""
    if ctx.invoked_subcommand is not None:
        return None
    from app.commands.window import open_window  # Qt, which no command needs

    return open_window(data, camera, rgb, thermal, debug)
