"""`glimpse convert`: face videos and folders of pictures become takes with events."""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from platformdirs import user_data_path

from app.output import Exit, counting, print_json, say
from protocol.errors import GlimpseError
from protocol.naming import MAX_NUMBER
from recorder.dataset import Dataset
from recorder.sim.pixel import PRESETS
from recorder.video2events.align import SIZE_PX, Crop
from recorder.video2events.convert import Converted, Tools, convert
from recorder.video2events.errors import ConvertError
from recorder.video2events.faces import WEIGHTS_VARIABLE, FaceFinder, choose_finder
from recorder.video2events.recipe import PUBLISHED_FPS, PUBLISHED_PRESET, Recipe
from recorder.video2events.standard import FaceWish
from recorder.video2events.table import Job, movement_token, read_table
from recorder.video2events.tracking import Which

MAX_SIZE_PX = 1024  # more than any event camera for faces has
CROP_HELP = "published: nose and inner cheeks, as Spiking-FER has it; wide: a square around the whole face."
FACE_HELP = "only: refuse a video of two faces; largest: take the largest of each picture."

Work = Job | GlimpseError  # what is to be done, or why it cannot be


@click.command(
    "convert",
    epilog="""\b
Examples:
  glimpse convert smile.mp4 --data simulated --subject 4 --movement smile
  glimpse convert clip.avi --data simulated --subject 4 --movement frown --start 1.2 --stop 3 --crop wide
  glimpse convert --table clips.csv --data simulated --frames-out standardised
Exit codes: 0 all became takes, 1 some did not (listed), 2 none did, or wrong usage, 3 interrupted.""",
)
@click.argument("sources", nargs=-1, metavar="VIDEO|FOLDER...", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Simulated data set; made if it is new.")
@click.option("--subject", type=click.IntRange(1, MAX_NUMBER), help="Number of the subject.")
@click.option("--movement", help="What the subject does, e.g. frown, or spontaneous.")
@click.option("--start", type=click.FloatRange(min=0), help="Seconds of the video's own time; default: its beginning.")
@click.option("--stop", type=click.FloatRange(min=0), help="First second not converted any more; default: its end.")
@click.option("--table", type=click.Path(path_type=Path), help="CSV with path, subject, label, and if wanted start and stop.")
@click.option("--pixel", default=PUBLISHED_PRESET, show_default=True, type=click.Choice(list(PRESETS)), help="Preset.")
@click.option("--no-align", is_flag=True, help="Leave the picture as it is, made to fit 346 x 260.")
@click.option(
    "--crop", default=Crop.PUBLISHED.value, show_default=True, type=click.Choice([crop.value for crop in Crop]), help=CROP_HELP
)
@click.option("--size", default=SIZE_PX, show_default=True, type=click.IntRange(16, MAX_SIZE_PX), help="Of a crop, pixels.")
@click.option(
    "--steady-ms", default=0.0, show_default=True, type=click.FloatRange(0, 1000), help="Smooth landmarks over this time."
)
@click.option(
    "--face", default=Which.ONLY.value, show_default=True, type=click.Choice([which.value for which in Which]), help=FACE_HELP
)
@click.option("--landmarks", type=click.Path(path_type=Path), help=f"Weights of the landmarks; also {WEIGHTS_VARIABLE}.")
@click.option("--fps", default=PUBLISHED_FPS, show_default=True, type=click.FloatRange(0.1, 10_000), help="Of folders.")
@click.option(
    "--frames-out", type=click.Path(path_type=Path), help="Also write the standardised pictures here, a folder a take."
)
@click.option("--no-rgb", is_flag=True, help="Do not keep the source pictures in the take.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0), help="Of the pixels' mismatch and noise.")
@click.option("--json", "as_json", is_flag=True, help="Print what was made, and what not, as one JSON document.")
def command(
    sources: tuple[Path, ...],
    data: Path,
    table: Path | None,
    landmarks: Path | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Turn face videos, or folders of pictures, into takes of a simulated data set.

    The face is standardised as published with Spiking-FER (68 landmarks, laid on the first picture, a crop around the nose,
    200 x 200) and seen by the event pixel of the simulator with v2e's parameters. --crop wide keeps the whole face, the
    published crop only its middle. Events have the video's own times.
    """
    work = _table_work(table, sources, options) if table else _named_work(sources, options)
    recipe = _recipe(options)
    _refuse_real(data)
    finder, notice = _finder(recipe, landmarks)
    if notice:
        say(notice)
    made, failed = _run(work, data, recipe, finder, notice)
    _report(made, failed, as_json)
    return int(Exit.DONE if not failed else Exit.SOME_FAILED if made else Exit.USAGE)


def _named_work(sources: Sequence[Path], options: dict[str, Any]) -> list[tuple[Path, Work]]:
    if not sources or options["subject"] is None or options["movement"] is None:
        raise click.UsageError("Name a video or a folder with --subject and --movement, or a --table.")
    start_s, stop_s = options["start"], options["stop"]
    if start_s is not None and stop_s is not None and stop_s <= start_s:
        raise click.UsageError("--stop must be later than --start.")
    movement = movement_token(options["movement"])
    return [(source, Job(source, options["subject"], movement, start_s, stop_s)) for source in sources]


def _table_work(table: Path, sources: Sequence[Path], options: dict[str, Any]) -> list[tuple[Path, Work]]:
    if sources or any(options[name] is not None for name in ("subject", "movement", "start", "stop")):
        raise click.UsageError("A --table names its videos, subjects, labels and times; leave them out of the command.")
    work = read_table(table)
    if not work:
        raise ConvertError(f"{table}: has no rows; write a line for each video.")
    return [(row.path if isinstance(row, Job) else table, row) for row in work]


def _recipe(options: dict[str, Any]) -> Recipe:
    face = FaceWish(Crop(options["crop"]), options["size"], options["steady_ms"], Which(options["face"]))
    return Recipe(
        face=None if options["no_align"] else face,
        pixel=options["pixel"],
        fps=options["fps"],
        colour=not options["no_rgb"],
        seed=options["seed"],
        frames_folder=options["frames_out"],
    )


def _finder(recipe: Recipe, landmarks: Path | None) -> tuple[FaceFinder | None, str | None]:
    if recipe.face is None:
        return None, None
    return choose_finder(landmarks, os.environ, user_data_path("glimpse", appauthor=False))


def _refuse_real(data: Path) -> None:
    """Converted takes belong only into data sets marked simulated; a folder that is new or empty becomes one."""
    if data.is_dir() and any(data.iterdir()):
        info = Dataset(data).info
        if not (info and info.simulated):
            raise ConvertError(f"{data}: is no simulated data set, so converted takes may not be in it; choose another folder.")


def _make_dataset(data: Path) -> None:
    if not data.is_dir() or not any(data.iterdir()):
        Dataset.create(data, (data.resolve().name or "data")[:200], simulated=True)


def _run(
    work: Sequence[tuple[Path, Work]], data: Path, recipe: Recipe, finder: FaceFinder | None, notice: str | None
) -> tuple[list[Converted], list[tuple[Path, str]]]:
    """Every input in turn; what is wrong with one keeps nothing of the others back."""
    made: list[Converted] = []
    failed: list[tuple[Path, str]] = []
    with counting("Converting", len(work)) as bar:
        tools = Tools(_now, finder, notice, bar, lambda: _make_dataset(data))
        for source, job in work:
            try:
                if isinstance(job, GlimpseError):
                    raise job
                made.append(convert(job, data, recipe, tools))
            except GlimpseError as error:
                failed.append((source, str(error)))
            except OSError as error:
                failed.append((source, f"{source}: could not be converted ({error}); check the disk and try again."))
    return made, failed


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="milliseconds")


def _report(made: Sequence[Converted], failed: Sequence[tuple[Path, str]], as_json: bool) -> None:
    for take in made:
        for notice in take.notices:
            say(f"{take.path.name}: {notice}")
    if as_json:
        print_json({"takes": [_json(take) for take in made], "failed": [_failure(*one) for one in failed]})
    else:
        for take in made:
            click.echo(f"{take.path}: {take.counts['events']:,} events in {take.duration_us / 1e6:.3f} s")
    for _, problem in failed:
        say(problem)
    say(f"{len(made)} of {len(made) + len(failed)} became takes.")


def _json(take: Converted) -> dict[str, Any]:
    return {
        "path": str(take.path),
        "source": str(take.source),
        "movement": take.movement,
        "subject": take.subject,
        "counts": dict(take.counts),
        "duration_us": take.duration_us,
        "notices": list(take.notices),
    }


def _failure(source: Path, problem: str) -> dict[str, str]:
    return {"source": str(source), "problem": problem}
