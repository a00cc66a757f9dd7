"""What must be right before a take is recorded, for the command line and the window alike: the data set, the subject's consent,
the script. Knows no Qt and asks nobody.
"""

import shlex
from datetime import date
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from protocol.errors import GlimpseError
from protocol.movement import SPONTANEOUS, parse_movement
from protocol.script import Kind, Script, parse_script
from protocol.subjects import may_record
from recorder.dataset import Dataset
from recorder.messages import RigSpec
from recorder.settings import RecorderSettings, parse_settings
from recorder.sources.spec import parse_camera
from recorder.subject_store import SubjectStore

SIMULATED = ("sim", "webcam")  # kinds whose takes belong only into data sets marked simulated
DEFAULT = "default"  # the script of movements on command that comes with Glimpse
PERSONS = ("davis", "network", "webcam")  # kinds that see a real person, who must have consented


class RecordError(GlimpseError):
    """A take that may not be recorded like this."""


def movement_token(movement: str) -> str:
    """The token of a movement in whatever spelling, or `spontaneous`. Raises UnknownMovement."""
    return SPONTANEOUS if movement.casefold() == SPONTANEOUS else parse_movement(movement).token


def load_script(path: Path | None, movement: str) -> Script:
    """The script of a file, or the shipped one that fits the movement. Raises ScriptError or RecordError."""
    if path is None:
        script = shipped_script(SPONTANEOUS if movement_token(movement) == SPONTANEOUS else DEFAULT)
    else:
        script = read_script(path)
    if (script.kind is Kind.SPONTANEOUS) != (movement_token(movement) == SPONTANEOUS):
        raise RecordError(f"The script {script.name!r} does not record {movement!r}; choose another script or movement.")
    return script


@lru_cache(maxsize=4)
def shipped_script(name: str) -> Script:
    """One of the scripts that come with Glimpse, by its name."""
    file = f"{name}.yaml"
    return parse_script(files("assets").joinpath("scripts", file).read_text(encoding="utf-8"), file)


def read_script(path: Path) -> Script:
    """The script of a file. Raises ScriptError or RecordError."""
    return parse_script(_text(path), str(path))


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
