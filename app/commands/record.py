"""`glimpse record`: one take by the script, without a window."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from app.interrupts import Telling
from app.output import Exit, print_json, say
from app.station import Interrupted, record_take
from app.takesetup import load_script, load_settings, movement_token, prepare_dataset
from protocol.analysis import QualityRecord, Verdict
from protocol.errors import GlimpseError
from protocol.manifest import Person, TakeStatus
from recorder.analysisstore import AnalysisError, update_analysis
from recorder.dataset import DATASET_FILE
from recorder.messages import PromptReport, Record, RigSpec, TakeDone, TakeRequest
from recorder.take import Take

CAMERA_HELP = (
    "sim[:SEED][,OPTION=VALUE...], davis[:SERIAL], network:HOST:PORT, replay:FILE[,loop], webcam:N|FILE|URL; "
    "default: a DAVIS, else sim. Options of sim: head, take, glasses, mistake, intensity, duration_ms, flicker and more; "
    "an unknown one is answered with all of them."
)

LEFT_OUT = "The verdict was left out; `glimpse quality` gives it."


@click.command(
    epilog="""\b
Examples:
  glimpse record --data trial --subject 4 --movement frown --camera sim --rgb sim --thermal sim
  glimpse record --data recordings --subject 4 --movement smile --camera davis --rgb 0
  glimpse record --data recordings --subject 4 --movement frown --camera replay:old.aedat4,loop --speed max
Ctrl-C ends the take and keeps what was recorded; it is the normal end of a script of free length."""
)
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of the data set; made if it is new.")
@click.option("--subject", type=click.IntRange(1, 999_999), required=True, help="Number of the subject.")
@click.option("--movement", required=True, help="What the subject does, e.g. frown, or spontaneous.")
@click.option("--camera", help=CAMERA_HELP)
@click.option("--rgb", default="none", show_default=True, help="A number, a device, a file, a URL, sim or none.")
@click.option("--thermal", default="none", show_default=True, help="Likewise.")
@click.option("--script", type=click.Path(path_type=Path), help="Recording script (YAML); default: the shipped one.")
@click.option("--language", default="en", show_default=True, help="Language of the prompts.")
@click.option(
    "--speed", type=click.Choice(["1", "max"]), default="1", show_default=True, help="max: as fast as the events come."
)
@click.option("--glasses/--no-glasses", default=None, help="Noted with the take.")
@click.option("--session", help="A label of this session, noted with the take.")
@click.option("--notes", help="Noted with the take; never a name.")
@click.option("--settings", type=click.Path(path_type=Path), help="Recorder settings (YAML).")
@click.option("--json", "as_json", is_flag=True, help="Print path, status, counts and verdict as JSON.")
def record(
    data: Path,
    subject: int,
    movement: str,
    camera: str | None,
    rgb: str,
    thermal: str,
    script: Path | None,
    language: str,
    speed: Any,
    settings: Path | None,
    as_json: bool,
    **person: Any,
) -> int:
    """Record one take by the script and print where it is.

    The cameras are opened, the script begins when each has given its first data, and everything from the first
    batch on is kept.
    """
    plan, wishes = load_script(script, movement), load_settings(settings)
    rig = RigSpec(camera=camera or default_camera(), rgb=rgb, thermal=thermal, speed=speed)
    request = TakeRequest(
        data=str(data),
        movement=movement_token(movement),
        subject=subject,
        script=plan,
        language=language,
        person=Person(subject=subject, **person),
    )
    command = Record(rig=rig, take=request, settings=wishes)
    with _no_empty_dataset(data):
        prepare_dataset(data, rig, subject)
        return _report(*record_take(command, show_prompt, say), as_json)


@contextmanager
def _no_empty_dataset(data: Path) -> Iterator[None]:
    """Take back a data set that was made for a take which was then refused; one with anything in it stays."""
    new = [folder for folder in (data, *data.parents) if not folder.exists()]
    was_dataset = (data / DATASET_FILE).exists()
    try:
        yield
    except (GlimpseError, KeyboardInterrupt):
        if not was_dataset and data.is_dir() and [path.name for path in data.iterdir()] == [DATASET_FILE]:
            (data / DATASET_FILE).unlink()
            for folder in new:
                folder.rmdir()
        raise


def default_camera() -> str:
    """The first event camera that is there, else the simulated rig, which is said."""
    from recorder.sources.discovery import discover

    found = discover()
    if found.cameras:
        return found.cameras[0].spec
    say(f"{found.hint} Recording on the simulated rig.")
    return "sim"


def show_prompt(prompt: PromptReport) -> None:
    """One line of the script as it begins, on stderr."""
    seconds = f" ({prompt.seconds:g} s)" if prompt.seconds else ""
    say(f"{prompt.text}{seconds}")


def _report(done: TakeDone, interrupted: Interrupted, as_json: bool) -> int:
    if done.status != "complete":
        say(f"The take is {done.status}: {done.message}")
    with Telling() as telling:
        quality = _judged(Path(done.path), interrupted, telling) if done.path else None
        if as_json:
            keys = ("path", "manifest", "status", "counts", "finish_reason", "message")
            print_json({**{key: getattr(done, key) for key in keys}, **_verdict(quality)})
        elif done.path:
            click.echo(done.path)
    return _exit_code(done, interrupted)


def _judged(path: Path, interrupted: Interrupted, telling: Telling) -> QualityRecord | None:
    """The verdict, None where nobody waits for it or it cannot be had, which is said: the take is none the worse for it."""
    if interrupted is Interrupted.LEAVING:
        say(LEFT_OUT)
        return None
    try:
        with telling.may_be_left_out():
            return judge(path)
    except KeyboardInterrupt:
        say(LEFT_OUT)
    except (GlimpseError, OSError) as error:
        say(f"There is no verdict on the take: {error}")
    return None


def judge(path: Path) -> QualityRecord:
    """The verdict on the take, kept in its analysis and said with its reasons.

    A take that is not complete is to be redone whatever is in it; who pressed Ctrl-C is not kept waiting to hear that.
    """
    from recorder.quality import Assessment, assess_with_face, not_finished  # compiled code: no take waits for it

    with Take(path) as take:
        manifest = take.manifest if take.manifest_problem is None else None
        if manifest is not None and manifest.status is not TakeStatus.COMPLETE:
            found = Assessment(not_finished(manifest))
        else:
            found = assess_with_face(take)
    quality = found.quality
    try:
        update_analysis(path, {"quality": quality, "face": found.face})
    except AnalysisError as error:
        say(str(error))  # the take is safe, and the verdict can be had again
    say(f"Verdict: {quality.verdict.value}. {' '.join(quality.reasons)}".rstrip())
    return quality


def _verdict(quality: QualityRecord | None) -> dict[str, Any]:
    """The contract knows good, check, redo and null."""
    known = quality is not None and quality.verdict is not Verdict.UNKNOWN
    return {
        "verdict": quality.verdict.value if quality and known else None,
        "reasons": list(quality.reasons) if quality else [],
    }


def _exit_code(done: TakeDone, interrupted: Interrupted) -> int:
    if done.status == "complete":
        return Exit.DONE
    return Exit.INTERRUPTED if interrupted else Exit.SOME_FAILED
