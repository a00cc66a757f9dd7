"""What the subject sees on a screen of their own: the prompter where that is wished for, the stimulus of a spontaneous script.

A screen that faces the subject lights the face and draws the eyes, so the prompter is off by default. Without a second screen
the stimulus fills the only one.
"""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtGui import QGuiApplication, QScreen

from app.pages.record.sessionflow import SessionFlow, Stage
from app.widgets.prompter import Prompt
from app.widgets.subject_screen import SubjectScreen
from protocol.script import Action


class SubjectDisplay:
    """Opens and closes the subject's window. abort: Esc was pressed on it; say: a sentence that the operator must read."""

    def __init__(self, flow: SessionFlow, abort: Callable[[], object], say: Callable[[str], object]) -> None:
        self._flow, self._abort, self._say = flow, abort, say
        self.window: SubjectScreen | None = None
        self._plays = self._ended = False

    def update(self, prompt: Prompt | None, own: QScreen, wished: bool) -> None:
        """Show what belongs on it now. own: the screen of the operator; wished: by the preferences."""
        video = self._video(prompt)
        if video is not None:
            if self._ended and self._second(own) is None:
                self.close()  # the only screen is the operator's again
                return
            self._show(self._second(own), own)
            self._play(video)
            return
        self._stop()
        second = self._second(own)
        if wished and second is not None and self._flow.stage is not Stage.SETUP:
            self._show(second, own).prompter.show_prompt(prompt)
        else:
            self.close()

    def _second(self, own: QScreen) -> QScreen | None:
        return next((screen for screen in QGuiApplication.screens() if screen is not own), None)

    def _video(self, prompt: Prompt | None) -> Path | None:
        """The stimulus, while it is to be watched."""
        script, data = self._flow.script, self._flow.data
        if prompt is None or prompt.action != Action.WATCH.value or script is None or script.stimulus is None or data is None:
            return None
        return data / script.stimulus  # an absolute path stays what it is

    def _show(self, second: QScreen | None, own: QScreen) -> SubjectScreen:
        if self.window is None:
            self.window = SubjectScreen(takes_keys=second is None)
            self.window.dismissed.connect(self._dismissed)
            self.window.video_ended.connect(self._video_ended)
            self.window.video_failed.connect(self._say)
            self.window.show_on(second or own)
        return self.window

    def _play(self, video: Path) -> None:
        if not self._plays and self.window is not None:
            self._plays = True
            self.window.play(video)

    def _stop(self) -> None:
        if self._plays and self.window is not None:
            self.window.show_prompter()
        self._plays = self._ended = False

    def _video_ended(self) -> None:
        self._ended = True

    def _dismissed(self) -> None:
        self._abort()
        self.close()

    def close(self) -> None:
        """Take the window away."""
        if self.window is not None:
            window, self.window = self.window, None
            window.stop_video()
            window.close()
            window.deleteLater()
