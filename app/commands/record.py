"""`glimpse record`: one take by the script, without a window."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import click

from app.output import Exit, print_json, say
from app.station import Interrupted, record_take
from protocol.analysis import QualityRecord, Verdict
from protocol.errors import GlimpseError
from protocol.manifest import Person, TakeStatus
from protocol.movement import SPONTANEOUS, parse_movement
from protocol.script import Kind, Script, parse_script
from protocol.subjects import may_record
from recorder.analysisstore import AnalysisError, update_analysis
from recorder.dataset import DATASET_FILE, Dataset
from recorder.messages import PromptReport, Record, RigSpec, TakeDone, TakeRequest
from recorder.settings import RecorderSettings, parse_settings
from recorder.sources.spec import parse_camera
from recorder.subject_store import SubjectStore
from recorder.take import Take

SIMULATED = ("sim", "webcam")  # kinds whose takes belong only into data sets marked simulated
PERSONS = ("davis", "network", "webcam")  # kinds that see a real person, who must have consented
CAMERA_HELP = (
    "sim[:SEED][,OPTION=VALUE...], davis[:SERIAL], network:HOST:PORT, replay:FILE[,loop], webcam:N|FILE|URL; "
    "default: a DAVIS, else sim. Options of sim: head, take, glasses, mistake, intensity, duration_ms, flicker and more; "
    "an unknown one is answered with all of them."
)


class RecordError(GlimpseError):
    """A take that may not be recorded like this."""


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
        movement=_token(movement),
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


def _token(movement: str) -> str:
    return SPONTANEOUS if movement.casefold() == SPONTANEOUS else parse_movement(movement).token


def load_script(path: Path | None, movement: str) -> Script:
    """The script of a file, or the shipped one that fits the movement. Raises ScriptError or RecordError."""
    shipped = f"{'spontaneous' if _token(movement) == SPONTANEOUS else 'default'}.yaml"
    if path is None:
        script = parse_script(files("assets").joinpath("scripts", shipped).read_text(encoding="utf-8"), shipped)
    else:
        script = parse_script(_text(path), str(path))
    if (script.kind is Kind.SPONTANEOUS) != (_token(movement) == SPONTANEOUS):
        raise RecordError(f"The script {script.name!r} does not record {movement!r}; choose another script or movement.")
    return script


def load_settings(path: Path | None) -> RecorderSettings:
    """Recorder settings from a file, the defaults without one. Raises SettingsError or RecordError."""
    return RecorderSettings() if path is None else parse_settings(_text(path), str(path))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise RecordError(f"{path}: not UTF-8 text; save it as UTF-8.") from error
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror}); check the path.") from error


def default_camera() -> str:
    """The first event camera that is there, else the simulated rig, which is said."""
    from recorder.sources.discovery import discover

    found = discover()
    if found.cameras:
        return found.cameras[0].spec
    say(f"{found.hint} Recording on the simulated rig.")
    return "sim"


def prepare_dataset(data: Path, rig: RigSpec, subject: int) -> None:
    """Make the folder a data set if it is new, and refuse a take that must not be in it. Raises RecordError."""
    kind = parse_camera(rig.camera).kind
    simulated = kind in SIMULATED
    if not data.is_dir() or not any(data.iterdir()):
        if kind in PERSONS:
            raise RecordError(_no_consent(data, subject, kind))
        Dataset.create(data, (data.resolve().name or "data")[:200], simulated=simulated)
    info = Dataset(data).info
    if simulated and not (info and info.simulated):
        raise RecordError(f"{data}: is no simulated data set, so a take of {kind} may not be in it; choose another folder.")
    if kind in PERSONS:
        _check_consent(data, subject, kind)


def _check_consent(data: Path, subject: int, kind: str) -> None:
    known = SubjectStore(data).get(subject)
    if known is not None and known.withdrawn_on is not None:
        raise RecordError(f"{data}: subject {subject} withdrew the consent on {known.withdrawn_on}; use a new subject number.")
    if known is not None and not may_record(known, date.today()):
        raise RecordError(f"{data}: the consent of subject {subject} does not cover recording today; correct subjects.csv.")
    if known is None:
        raise RecordError(_no_consent(data, subject, kind))


def _no_consent(data: Path, subject: int, kind: str) -> str:
    marked = " --simulated" if kind in SIMULATED else ""
    return (
        f"{data}: subject {subject} has no valid consent to be recorded; note it first with "
        f"`glimpse subjects add --data {shlex.quote(str(data))}{marked} --subject {subject} --consent DATE`."
    )


def show_prompt(prompt: PromptReport) -> None:
    """One line of the script as it begins, on stderr."""
    seconds = f" ({prompt.seconds:g} s)" if prompt.seconds else ""
    say(f"{prompt.text}{seconds}")


def _report(done: TakeDone, interrupted: Interrupted, as_json: bool) -> int:
    if done.status != "complete":
        say(f"The take is {done.status}: {done.message}")
    quality = judge(Path(done.path)) if done.path else None
    if as_json:
        keys = ("path", "manifest", "status", "counts", "finish_reason", "message")
        print_json({**{key: getattr(done, key) for key in keys}, **_verdict(quality)})
    elif done.path:
        click.echo(done.path)
    return _exit_code(done, interrupted)


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
