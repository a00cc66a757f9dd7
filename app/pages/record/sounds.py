"""Short sounds at the steps of the script: a tick for each second of the countdown, one for the cue, one for the stop.

Off unless wished for. A computer without sound says so once in the log and stays silent.
"""

import logging
from importlib.resources import as_file, files

from PySide6.QtCore import QObject, QUrl

from app.widgets.prompter import Prompt

NAMES = ("tick", "cue", "stop")

_log = logging.getLogger(__name__)


class Sounds(QObject):
    """Plays the sounds of assets/sounds. Made when they are first wished for: the sound system takes a while to open."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        from PySide6.QtMultimedia import QMediaDevices, QSoundEffect

        self._effects: dict[str, QSoundEffect] = {}
        if QMediaDevices.defaultAudioOutput().isNull():
            _log.info("there is no sound output; the sounds of the script are left out")
            return
        for name in NAMES:
            with as_file(files("assets").joinpath("sounds", f"{name}.wav")) as path:
                effect = QSoundEffect(self)
                effect.setSource(QUrl.fromLocalFile(str(path)))
                self._effects[name] = effect

    @property
    def available(self) -> bool:
        """Whether anything can be heard."""
        return bool(self._effects)

    def play(self, name: str) -> None:
        """Play one of NAMES."""
        if name in self._effects:
            self._effects[name].play()


class ScriptSounds:
    """Plays what belongs to the prompts of a take that runs: a tick each second of a countdown, one for the cue, one at the
    end. Opens the sound system at the first prompt.
    """

    def __init__(self, parent: QObject) -> None:
        self._parent = parent
        self._sounds: Sounds | None = None
        self._played: tuple[str, int] | None = None

    def follow(self, prompt: Prompt | None) -> None:
        """The prompt now; None: no take runs."""
        if prompt is None:
            if self._played is not None and self._played[0] == "move":
                self._play("stop")
            self._played = None
            return
        counts = prompt.action == "hold_paper" and prompt.left_s is not None
        now = (prompt.action, int(prompt.left_s or 0) if counts else 0)
        if now != self._played:
            self._played = now
            if name := {"move": "cue", "hold_paper": "tick"}.get(prompt.action):
                self._play(name)

    def _play(self, name: str) -> None:
        self._sounds = self._sounds or Sounds(self._parent)
        self._sounds.play(name)
