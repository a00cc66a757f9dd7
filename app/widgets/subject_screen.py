"""A window on a second screen that faces the subject: the prompter, or a stimulus video. Off unless it is asked for."""

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QKeyEvent, QScreen
from PySide6.QtWidgets import QLabel, QStackedLayout, QWidget

from app.i18n import tr
from app.widgets.prompter import Prompter
from app.window.theme import current_theme


class SubjectScreen(QWidget):
    """Fills one screen without a frame. `dismissed`: Esc was pressed on it; `video_failed`: why a video is not shown."""

    dismissed = Signal()
    video_failed = Signal(str)
    video_ended = Signal()

    def __init__(self, *, takes_keys: bool = True) -> None:
        """takes_keys: the keys come here, as on the only screen; beside the operator's window they must stay there."""
        flags = Qt.WindowType.Window | Qt.WindowType.FramelessWindowHint
        super().__init__(None, flags if takes_keys else flags | Qt.WindowType.WindowDoesNotAcceptFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating, not takes_keys)
        self.setWindowTitle(tr("Glimpse: for the subject"))
        self.prompter = Prompter(constant_brightness=True)
        self._message = QLabel()
        self._message.setProperty("role", "headline")
        self._message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._message.setWordWrap(True)
        self._player: Any = None
        self._video: QWidget | None = None
        self._stack = QStackedLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        self._stack.addWidget(self.prompter)
        self._stack.addWidget(self._message)
        self.setAutoFillBackground(True)

    def show_on(self, screen: QScreen) -> None:
        """Fill this screen."""
        palette = self.palette()
        palette.setColor(self.backgroundRole(), current_theme().qcolor("surface_sunken"))
        self.setPalette(palette)
        self.setScreen(screen)
        self.setGeometry(screen.geometry())
        self.setWindowState(self.windowState() | Qt.WindowState.WindowFullScreen)
        self.show()  # showFullScreen would ask for the keys, wanted or not

    def show_prompter(self) -> None:
        """The prompter in place of a video or a message."""
        self.stop_video()
        self._stack.setCurrentWidget(self.prompter)

    def play(self, path: Path) -> bool:
        """Play a video from its begin, without its sound's controls; False, with the reason shown, where that cannot be."""
        if not path.is_file():
            return self._refuse(tr("{file}: there is no such video; choose another in the script.").format(file=path.name))
        if self._player is None and not self._make_player():
            return self._refuse(tr("Videos cannot be shown here: Qt's multimedia library does not load; show it elsewhere."))
        assert self._video is not None
        self._player.setSource(QUrl.fromLocalFile(str(path)))
        self._player.play()
        self._stack.setCurrentWidget(self._video)
        return True

    def _make_player(self) -> bool:
        try:
            # Needs libraries of the system (PulseAudio, on Linux) that a laboratory's machine may lack.
            from PySide6.QtMultimedia import QAudioOutput, QMediaPlayer
            from PySide6.QtMultimediaWidgets import QVideoWidget
        except ImportError:
            return False
        video = QVideoWidget(self)
        self._player = QMediaPlayer(self)
        self._player.setVideoOutput(video)
        self._player.setAudioOutput(QAudioOutput(self))
        self._player.errorOccurred.connect(lambda _error, text: self._refuse(text))
        self._player.mediaStatusChanged.connect(self._status_changed)
        self._video = video
        self._stack.addWidget(video)
        return True

    def _status_changed(self, status: Any) -> None:
        if status == type(status).EndOfMedia:
            self.video_ended.emit()

    def _refuse(self, text: str) -> bool:
        self._message.setText(text)
        self._stack.setCurrentWidget(self._message)
        self.video_failed.emit(text)
        return False

    @property
    def message(self) -> str:
        """What is said in place of a video; empty while there is nothing to say."""
        return self._message.text() if self._stack.currentWidget() is self._message else ""

    def stop_video(self) -> None:
        """Stop a video that plays."""
        if self._player is not None:
            self._player.stop()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc takes the window away."""
        if event.key() == Qt.Key.Key_Escape:
            self.dismissed.emit()
        else:
            super().keyPressEvent(event)
