"""What the user prefers: a YAML file in the platform's place, written atomically. A bad file warns and never blocks the start.

Knows no Qt. What belongs to a data set (rig profile, session) is kept there, not here.
"""

import base64
import binascii
import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, Field, ValidationError

from protocol.errors import GlimpseError
from protocol.labels import Coder
from protocol.schema import Strict, describe
from recorder.host import write_atomic

FILE = "settings.yaml"
RECENT = 8  # data sets that are remembered


class SettingsError(GlimpseError):
    """Preferences that cannot be written."""


def _base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("is not base64") from error
    return text


class AppSettings(Strict):
    """The preferences. camera None: what is plugged in, else the simulated rig; keys: id of an action -> its keys."""

    language: str = "system"
    scheme: Literal["system", "light", "dark"] = "dark"
    data: str | None = None
    recent: tuple[str, ...] = ()
    camera: str | None = None
    rgb: str | None = None
    thermal: str | None = None
    script: str | None = None
    sounds: bool = False
    subject_screen: bool = False  # a screen facing the subject lights the face and draws the eyes
    hands_free: bool = False
    keep_practice: bool = False
    mirror: bool = True
    backup: str | None = None
    coder: Coder | None = None  # under which the labels of whoever sits here are kept
    keys: Mapping[str, str] = Field(default_factory=dict)
    tour_seen: bool = False
    geometry: Annotated[str, AfterValidator(_base64)] = ""

    def with_data(self, folder: Path) -> "AppSettings":
        """The same with this data set in use and first among the recent ones."""
        text = str(folder)
        recent = (text, *(one for one in self.recent if one != text))[:RECENT]
        return self.model_copy(update={"data": text, "recent": recent})


def settings_path() -> Path:
    """The file in the platform's place."""
    from platformdirs import user_config_path

    return user_config_path("glimpse", appauthor=False) / FILE


def load_settings(path: Path) -> tuple[AppSettings, tuple[str, ...]]:
    """The preferences and what is wrong with them, a sentence each; a bad value is replaced by its default."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return AppSettings(), ()
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        problem = " ".join(str(error).split())
        return AppSettings(), (f"{path}: the preferences cannot be read ({problem}); the defaults are used.",)
    if data is None:
        return AppSettings(), ()
    if not isinstance(data, dict):
        return AppSettings(), (f"{path}: holds no preferences; the defaults are used.",)
    return _sound_part({str(key): value for key, value in data.items()}, path)


def _sound_part(data: dict[str, Any], path: Path) -> tuple[AppSettings, tuple[str, ...]]:
    warnings: list[str] = []
    while True:
        try:
            return AppSettings.model_validate(data), tuple(warnings)
        except ValidationError as error:
            wrong = str(error.errors()[0]["loc"][0])
            warnings.append(f"{path}: {describe(error)}; the default of {wrong!r} is used.")
            del data[wrong]


def save_settings(settings: AppSettings, path: Path) -> None:
    """Write the preferences. Raises SettingsError."""
    told = settings.model_dump(mode="json", exclude_defaults=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, yaml.safe_dump(told, sort_keys=False, allow_unicode=True) if told else "{}\n")
    except OSError as error:
        raise SettingsError(f"{path}: the preferences cannot be saved ({error.strerror}); check disk and rights.") from error


class Preferences:
    """The preferences in use and their file. Changes are written at once; a write that fails is kept in `problem`."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or settings_path()
        self.settings, self.warnings = load_settings(self.path)
        self.problem: str | None = None

    def change(self, **values: Any) -> AppSettings:
        """Set these and write them."""
        return self.replace(AppSettings.model_validate({**self.settings.model_dump(), **values}))

    def replace(self, settings: AppSettings) -> AppSettings:
        """Use these and write them."""
        self.settings, self.problem = settings, None
        try:
            save_settings(settings, self.path)
        except SettingsError as error:
            self.problem = str(error)
        return settings


def forget(path: Path) -> None:
    """Remove the preferences, as at the first start."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
