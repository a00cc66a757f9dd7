"""The take on the annotator's desk: opened by a thread, the next one ahead of time. No Qt; knows no label."""

import logging
import queue
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from app.i18n import tr
from app.pages.label.lane import Lane, defect_sentence
from app.pages.label.media import Media, open_media
from app.pages.label.playhead import Playhead
from app.pages.label.scores import ScoreSource, no_scores
from app.said import Said
from protocol.analysis import FaceBox, Suggestion, SuggestionKind
from protocol.errors import GlimpseError
from protocol.manifest import Manifest
from protocol.streams import Stream
from recorder.browse.curves import Curves
from recorder.browse.events import EventBrowser
from recorder.browse.pictures import PictureBrowser

_log = logging.getLogger(__name__)
CLOSE_AFTER_S = 1.0  # pictures of a take that was left may still be asked for by a view's thread


class TakeDesk(Playhead):
    """The take that is shown: span_us, events, pictures, curves, manifest, face; all empty while it is being opened, and where
    it cannot be, which `why_not` then tells.
    """

    def __init__(self, clock_s: Callable[[], float], scores: ScoreSource = no_scores) -> None:
        super().__init__(clock_s)
        self._scores = scores
        self.take: Path | None = None
        self.media: Media | None = None
        self.why_not: str | None = None
        self.suggestions: tuple[Suggestion, ...] = ()
        self._turn = 0
        self._news: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._opening = Lane("label-opening", self._failed)
        self._leaving: Media | None = None
        self._next: Media | None = None
        self._wanted_next: Path | None = None
        self._retired: list[tuple[float, Media]] = []

    @property
    def span_us(self) -> tuple[int, int] | None:
        """First and last instant of the take."""
        return self.media.span_us if self.media else None

    @property
    def events(self) -> EventBrowser | None:
        """The events."""
        return self.media.events if self.media else None

    @property
    def pictures(self) -> Mapping[Stream, PictureBrowser]:
        """The pictures by stream."""
        return self.media.pictures if self.media else {}

    @property
    def curves(self) -> Curves | None:
        """The rates."""
        return self.media.curves if self.media else None

    @property
    def manifest(self) -> Manifest | None:
        """The take's manifest."""
        return self.media.manifest if self.media else None

    @property
    def face(self) -> FaceBox | None:
        """Where the face is."""
        return self.media.face if self.media else None

    @property
    def cue_us(self) -> int | None:
        """When the subject was told to move."""
        return self.media.cue_us if self.media else None

    def _open(self, path: Path) -> None:
        self.playing, self.loop, self.take, self.why_not = None, None, path, None
        self._retire(self._leaving)
        self._leaving, self.media = self.media, None  # closed once the next one is shown in its place
        if self._next is not None and self._next.path == path:
            ready, self._next = self._next, None
            self._show(ready)
        else:
            turn = self._turn
            self._opening.do(lambda: self._open_media(path, turn))

    def prefetch(self, path: Path | None) -> None:
        """Open this take too, so that `open` shows it at once."""
        if path is None or path in (self.take, self._wanted_next):
            return
        self._wanted_next = path
        self._opening.do(lambda: self._prefetch(path))

    def _open_media(self, path: Path, turn: int) -> None:
        try:
            media = open_media(path, self._scores)
        except (GlimpseError, OSError) as error:
            self._not_opened(turn, str(error))
            return
        except Exception as error:  # noqa: BLE001  (a damaged take may surprise a library; none may leave the page waiting)
            _log.exception("%s cannot be opened", path)
            self._not_opened(turn, defect_sentence(tr("This take cannot be shown"), error))
            return
        self._news.put(lambda: self._show(media) if turn == self._turn else self._retired.append((0.0, media)))

    def _not_opened(self, turn: int, why: str) -> None:
        self._news.put(lambda: self._cannot_show(turn, why))

    def _cannot_show(self, turn: int, why: str) -> None:
        if turn == self._turn and self.media is None:
            self.why_not = why
        self._tell_of(turn, Said(why, "redo", "take"))

    def _prefetch(self, path: Path) -> None:
        if path != self._wanted_next:
            return
        try:
            media = open_media(path, self._scores)
            with suppress(GlimpseError, OSError):
                media.make_ready(first_cursor(media, media.suggestions))
            self._news.put(lambda: self._keep_next(media))
        except (GlimpseError, OSError):
            return  # told when it is opened
        except Exception:  # noqa: BLE001  (logged; told when it is opened)
            _log.exception("%s cannot be opened ahead of time", path)

    def _keep_next(self, media: Media) -> None:
        if media.path == self.take and self.media is None:
            self._show(media)
            return
        if self._next is not None:
            self._retired.append((self._clock_s(), self._next))
        self._next = media
        if media.path != self._wanted_next:
            self._next = None
            self._retired.append((self._clock_s(), media))

    def _show(self, media: Media) -> None:
        renamed = self.media is not None  # and opened again: the annotator stays where they are
        self._retire(self._leaving)
        self._retire(self.media)
        self._leaving, self.media, self.why_not = None, media, None
        if self._wanted_next == media.path:
            self._wanted_next = None
        if not renamed:
            self.cursor_us = first_cursor(media, self.suggestions)
            self._fresh, self._rest_us = True, 0.0
        self._said.append(Said("", key="take", over=True))
        self._said += [Said(problem, "check") for problem in media.problems]
        self._touch()

    def _retire(self, media: Media | None) -> None:
        if media is not None and media not in [one for _, one in self._retired]:
            self._retired.append((self._clock_s(), media))

    def _close_retired(self, *, all_of_them: bool = False) -> None:
        now_s = self._clock_s()
        due = [media for since_s, media in self._retired if all_of_them or now_s - since_s > CLOSE_AFTER_S]
        self._retired = [(since_s, media) for since_s, media in self._retired if media not in due]
        for media in due:
            self._opening.do(media.close)

    def _take_news(self) -> None:
        with suppress(queue.Empty):
            while True:
                self._news.get_nowait()()

    def _tell(self, said: Said) -> None:
        """From a thread."""
        self._news.put(lambda: self._said.append(said))

    def _tell_of(self, turn: int, said: Said) -> None:
        if turn == self._turn:
            self._said.append(said)
            self._touch()

    def _failed(self, error: BaseException) -> None:
        self._tell(
            Said(tr("Glimpse has a defect ({defect}).").format(defect=f"{type(error).__name__}: {error}"), "redo", "defect")
        )

    def _close_takes(self) -> None:
        self._opening.wait()
        self._take_news()
        for media in (self._leaving, self.media, self._next):
            self._retire(media)
        self._leaving, self.media, self._next = None, None, None
        self._close_retired(all_of_them=True)
        self._opening.close()


def first_cursor(media: Media, suggestions: Sequence[Suggestion]) -> int:
    """Where the annotator begins to look: at the first movement suggested after the cue, else at the cue, t0, the beginning."""
    movements = [one for one in suggestions if one.kind is SuggestionKind.MOVEMENT]
    found = [one.onset_us for one in movements if media.cue_us is None or one.offset_us > media.cue_us]
    for at_us in (*found[:1], media.cue_us, media.t0_us):
        if at_us is not None and media.span_us[0] <= at_us <= media.span_us[1]:
            return at_us
    return media.span_us[0]
