"""What is shown of a take: its events, pictures and rates ready to be asked for by time, its manifest and analysis. No Qt.

Opened in a thread. Knows no label and no coder.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from app.pages.label.scores import Scores, ScoreSource, no_scores
from protocol.analysis import Analysis, FaceBox, Suggestion
from protocol.errors import GlimpseError
from protocol.manifest import Manifest
from protocol.streams import FRAME_STREAMS, Stream
from recorder.analysisstore import read_analysis
from recorder.browse.curves import Curves, curve_cache
from recorder.browse.events import EventBrowser
from recorder.browse.pictures import PictureBrowser, alignment_of
from recorder.take import Take

# Two takes are held, the one that is looked at and the next: less than 700 MB together with all their pictures.
EVENT_BYTES = 160 << 20
PICTURE_BYTES = {Stream.RGB: 128 << 20, Stream.THERMAL: 16 << 20, Stream.FRAMES: 16 << 20}
FIRST_WINDOW_US = 33_333


@dataclass(frozen=True, eq=False)
class Media:
    """A take that is open. pictures: of the streams that have some; analysis: None where nothing was computed; scores: None
    where no model was asked; problems: what cannot be shown, a sentence each.
    """

    path: Path
    take: Take
    events: EventBrowser
    pictures: Mapping[Stream, PictureBrowser]
    curves: Curves
    manifest: Manifest | None
    analysis: Analysis | None
    span_us: tuple[int, int]
    scores: Scores | None
    problems: tuple[str, ...]
    _open: ExitStack

    @property
    def face(self) -> FaceBox | None:
        """Where the face is, None where nobody looked."""
        return self.analysis.face if self.analysis else None

    @property
    def cue_us(self) -> int | None:
        """When the subject was told to move."""
        onset = self.analysis.onset if self.analysis else None
        told = self.manifest.cue_us if self.manifest else None
        return told if told is not None or onset is None else onset.cue_us

    @property
    def t0_us(self) -> int | None:
        """When the paper was away: as measured afterwards, else as it was marked."""
        sync = self.analysis.sync if self.analysis else None
        if sync is not None and sync.paper.out_us is not None:
            return sync.paper.out_us
        manifest = self.manifest
        if manifest is None:
            return None
        return manifest.t0_us if manifest.t0_us is not None else manifest.t0_scheduled_us

    @property
    def suggestions(self) -> tuple[Suggestion, ...]:
        """All motion that the program has found, in time."""
        onset = self.analysis.onset if self.analysis else None
        found = (*onset.intervals, *onset.candidates) if onset else ()
        return tuple(sorted(found, key=lambda one: one.onset_us))

    def make_ready(self, t_us: int) -> None:
        """Decode what is shown at this time, so that it is there at once later."""
        self.events.accumulate(t_us - FIRST_WINDOW_US, t_us)
        for pictures in self.pictures.values():
            pictures.peek(t_us)

    def close(self) -> None:
        """End the threads, close the files. Safe to call twice."""
        self._open.close()


def open_media(path: Path, scores: ScoreSource = no_scores) -> Media:
    """Open a take. scores: who knows what a model says of it.

    Raises TakeError without a take, Aedat4Error where its events cannot be read at all.
    """
    with ExitStack() as opening:
        take = opening.enter_context(Take(path))
        events = opening.enter_context(EventBrowser(take, budget_bytes=EVENT_BYTES))
        problems: list[str] = []
        analysis = _analysis(take.path, problems)
        manifest = _manifest(take, problems)
        pictures = {stream: found for stream in FRAME_STREAMS if (found := _pictures(take, stream, analysis, problems))}
        for browser in pictures.values():
            opening.enter_context(browser)
        face = analysis.face if analysis else None
        curves = opening.enter_context(Curves(events, face, cache=curve_cache()))
        span_us = (curves.start_us, curves.end_us)
        said = _scores(take.path, scores, problems)
        kept = opening.pop_all()
    return Media(take.path, take, events, pictures, curves, manifest, analysis, span_us, said, tuple(problems), kept)


def _scores(path: Path, scores: ScoreSource, problems: list[str]) -> Scores | None:
    try:
        return scores(path)
    except GlimpseError as error:
        problems.append(str(error))
        return None


def _analysis(path: Path, problems: list[str]) -> Analysis | None:
    try:
        return read_analysis(path)
    except GlimpseError as error:
        problems.append(str(error))
        return None


def _manifest(take: Take, problems: list[str]) -> Manifest | None:
    try:
        return take.manifest
    except GlimpseError as error:
        problems.append(str(error))
        return None


def _pictures(take: Take, stream: Stream, analysis: Analysis | None, problems: list[str]) -> PictureBrowser | None:
    try:
        browser = PictureBrowser(
            take, stream, alignment=alignment_of(analysis, stream), budget_bytes=PICTURE_BYTES.get(stream, 16 << 20)
        )
    except GlimpseError as error:
        problems.append(str(error))
        return None
    if len(browser):
        return browser
    browser.close()
    return None
