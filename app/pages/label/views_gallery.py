"""Timeline and views in their states as pictures to look at: `python -m app.pages.label.views_gallery OUT`. For developers."""

import argparse
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from app.i18n import tr, use_language
from app.pages.label.scores import Scores
from app.pages.label.timeline import Timeline
from app.pages.label.views import CursorViews
from app.widgets.gallery import T0_US, face_events, picture
from app.widgets.rate_strip import Band, StripMark
from app.window.start import make_application
from app.window.theme import Scheme, current_theme, use_scheme
from protocol.analysis import FaceBox, Suggestion, SuggestionKind, SyncStatus
from protocol.labels import Interval, IntervalKind, LabelSet
from protocol.streams import Array, Stream
from recorder.browse.curves import Stretch
from recorder.browse.events import Accumulated, EventBrowser, Mode
from recorder.browse.pictures import PictureBrowser, Shown
from recorder.browse.regions import REGIONS, Region

S = 1_000_000
SPAN_US = (T0_US, T0_US + 15 * S)
CUE_US = T0_US + 10 * S
STEPS = ((0.0, "settle"), (2.0, "paper"), (3.0, "hold"), (5.0, "neutral"), (10.0, "movement"), (15.0, ""))
# Bursts: seconds, width, events a second, share by region.
BURSTS = ((2.4, 0.12, 4e6, 1.0), (5.2, 0.12, 4e6, 1.0), (9.6, 0.05, 9e4, 0.2), (10.6, 0.16, 6e4, 0.6), (11.4, 0.2, 3e4, 0.5))


@dataclass
class DrawnRates:
    """Rates as of a take. counted: the share of it that is; problem: why no more is."""

    counted: float = 1.0
    problem: str | None = None
    regions: tuple[Region, ...] = REGIONS

    @property
    def complete(self) -> bool:
        """Whether all is counted."""
        return self.counted >= 1 and self.problem is None

    @property
    def progress(self) -> float:
        """The share that is."""
        return self.counted

    def stretch(self, start_us: int, end_us: int, points: int = 2000) -> Stretch:
        """As of Curves."""
        bin_us = max(1, -(-(end_us - start_us) // points))
        starts = np.arange(start_us, end_us, bin_us, dtype=np.int64)
        at_s = (starts - T0_US) / S
        rng = np.random.default_rng(3)
        rates = np.full((len(self.regions), 2, len(starts)), 1500.0)
        for number, _ in enumerate(self.regions):
            for second, width, most, share in BURSTS:
                part = 1.0 if number == 0 else share * (0.2 + 0.8 * ((number * 7 + int(second * 10)) % 5) / 4)
                rates[number, 0] += part * most * np.exp(-(((at_s - second - 0.03) / width) ** 2))
                rates[number, 1] += part * most * np.exp(-(((at_s - second) / width) ** 2)) * 0.9
        noisy = rng.poisson(rates * bin_us / S) * (S / bin_us)
        noisy[:, :, at_s > 15 * self.counted] = np.nan
        mean = noisy.astype(np.float32)
        return Stretch(bin_us, starts, self.regions, mean, mean, np.asarray(mean * 1.6, np.float32))


class DrawnEvents:
    """Events of a face that moves a little, whatever the window."""

    span_us = SPAN_US
    resolution = (346, 260)

    def accumulate(self, start_us: int, end_us: int, mode: Mode = Mode.COUNTS) -> Accumulated:
        """As of EventBrowser."""
        events: Array = face_events(12_000, 33_333)
        window = np.zeros((2, 260, 346), np.float32)
        if mode is Mode.COUNTS:
            np.add.at(window, (events["p"], events["y"], events["x"]), 1)
            return window.astype(np.uint16)
        window[events["p"], events["y"], events["x"]] = (events["t"] - T0_US) / 33_333
        return window


@dataclass
class DrawnPictures:
    """One picture, so far from the cursor."""

    stream: Stream
    away_us: int
    uncertainty_us: int | None
    status: SyncStatus | None
    full: bool = True
    there: bool = True
    problem: str | None = None

    def __len__(self) -> int:
        return 1

    def index_at(self, t_us: int) -> int | None:
        """Never the one that is seen already."""

    def peek(self, t_us: int) -> Shown | None:
        """As of PictureBrowser."""
        image = picture(self.stream).image
        small = image if self.full else image[::8, ::8]
        return Shown(0, t_us + self.away_us, self.uncertainty_us, small, self.full) if self.there else None


@dataclass
class DrawnDesk:
    """What the views look at."""

    events: EventBrowser | None = None
    pictures: Mapping[Stream, PictureBrowser] = field(default_factory=dict)
    face: FaceBox | None = None


def desk(*pictures: DrawnPictures, face: bool = True) -> DrawnDesk:
    """A take with these cameras."""
    box = FaceBox(x=92, y=28, width=162, height=204, source="aps") if face else None
    found = {one.stream: cast(PictureBrowser, one) for one in pictures}
    return DrawnDesk(cast(EventBrowser, DrawnEvents()), found, box)


APS = DrawnPictures(Stream.FRAMES, -11_800, 0, None)
RGB = DrawnPictures(Stream.RGB, 3_200, 400, SyncStatus.PAPER)
THERMAL = DrawnPictures(Stream.THERMAL, -48_000, None, None)


def views() -> Iterator[tuple[str, CursorViews]]:
    """The views in their states."""
    take = desk(APS, RGB, THERMAL)
    cases = {
        "none": (None, Mode.COUNTS, False),
        "take": (take, Mode.COUNTS, False),
        "age-face": (take, Mode.SURFACE, True),
        "no-face": (desk(APS, RGB, face=False), Mode.COUNTS, True),
        "decoding": (
            desk(
                DrawnPictures(Stream.FRAMES, 0, 0, None, there=False),
                DrawnPictures(Stream.RGB, 3_200, 400, SyncStatus.PAPER, full=False),
                DrawnPictures(Stream.THERMAL, 0, None, None, there=False, problem="smile_1_1.thermal.mkv: it is damaged."),
            ),
            Mode.COUNTS,
            False,
        ),
        "far": (desk(APS, DrawnPictures(Stream.RGB, -2_310_000, 1_500, SyncStatus.HOST), THERMAL), Mode.COUNTS, False),
    }
    for name, (shown, mode, cropped) in cases.items():
        yield name, one_view(shown, mode, cropped)


def one_view(shown: DrawnDesk | None, mode: Mode = Mode.COUNTS, cropped: bool = False) -> CursorViews:
    """The views of a take."""
    made = CursorViews()
    made.set_mode(mode)
    made.set_crop(cropped)
    made.show_take(shown)
    made.show_at(CUE_US + 640_000, 33_333)
    return made


def interval(name: str, onset_s: float, apex_s: float | None, offset_s: float, **more: Any) -> Interval:
    """Seconds from the cue."""
    apex_us = None if apex_s is None else CUE_US + round(apex_s * S)
    said = {"movement": "smile", **more}
    return Interval(
        id=name, onset_us=CUE_US + round(onset_s * S), apex_us=apex_us, offset_us=CUE_US + round(offset_s * S), **said
    )


def timeline(rates: DrawnRates | None = None) -> Timeline:
    """One with a take and its script."""
    made = Timeline()
    bands = [Band(tr(name), T0_US + round(begin * S), T0_US + round(end * S)) for (begin, name), (end, _) in pairwise(STEPS)]
    marks = [
        StripMark(tr("paper in"), T0_US + 2 * S, "detected"),
        StripMark(tr("t0"), T0_US + 5 * S, "detected"),
        StripMark(tr("cue"), CUE_US, "pressed"),
    ]
    frames = T0_US + np.arange(450, dtype=np.int64) * 33_333 + 4_000
    made.show_take(SPAN_US, rates or DrawnRates(), bands, marks, frames)
    made.show_cursor(CUE_US + 640_000, 33_333)
    return made


MINE = (
    interval("a", 0.42, 0.61, 1.02, intensity="B"),
    interval("b", -0.48, None, -0.33, kind=IntervalKind.BLINK, movement="blink"),
    interval("c", 0.9, 1.3, 1.7, kind=IntervalKind.OTHER, movement=None, action_units=(4, 7)),
)


def _suggestions() -> tuple[Suggestion, ...]:
    at = ((0.40, 0.62, 1.05, 0.92, "movement"), (-0.5, -0.42, -0.33, 0.8, "blink"), (1.25, 1.4, 1.8, 0.35, "head"))
    return tuple(
        Suggestion(
            onset_us=CUE_US + round(onset * S),
            apex_us=CUE_US + round(apex * S),
            offset_us=CUE_US + round(offset * S),
            confidence=confidence,
            kind=SuggestionKind(kind),
        )
        for onset, apex, offset, confidence, kind in at
    )


def timelines() -> Iterator[tuple[str, Timeline]]:
    """The timeline in its states."""
    yield "none", Timeline()
    whole = timeline()
    whole.show_labels(MINE, "a", _suggestions())
    yield "whole", whole
    yield "unmarked", timeline()
    yield "counting", timeline(DrawnRates(0.45))
    yield "problem", timeline(DrawnRates(0.45, "smile_1_1.aedat4: the disk cannot be read; is it still connected?"))
    yield "cue", _at_cue()
    fine = timeline()
    fine.show_labels(MINE, "a", _suggestions())
    fine.zoom_to(CUE_US + 419_900, CUE_US + 420_100)
    fine.show_cursor(CUE_US + 420_000, 1000)
    yield "microseconds", fine
    yield "compared", _compared()


def _at_cue() -> Timeline:
    made = timeline()
    made.show_labels(MINE, "a", _suggestions())
    made.zoom_to_cue()
    made.show_cursor(CUE_US + 640_000, 33_333, (CUE_US + 300_000, CUE_US + 1_100_000))
    return made


def _compared() -> Timeline:
    made = timeline()
    others = [
        (coder, LabelSet(coder=coder, created_at=datetime.now(UTC), intervals=(interval("z", *at, intensity="C"),)))
        for coder, at in (("coder-1", (0.41, 0.60, 1.0)), ("coder-with-a-long-name", (0.45, 0.66, 1.12)))
    ]
    at_us = np.arange(SPAN_US[0], SPAN_US[1], 20_000, dtype=np.int64)
    values = np.exp(-((((at_us - CUE_US) / S - 0.6) / 0.25) ** 2)).astype(np.float32)
    made.show_labels(MINE[:1], "a", _suggestions(), others)
    made.show_scores(Scores("net", at_us, values))
    made.zoom_to_cue()
    return made


def render(out: Path, scheme: Scheme, language: str = "en") -> list[Path]:
    """Paint both in one scheme and language, 1280 pixels wide and as they lie on the page; returns the files."""
    use_scheme(scheme)
    use_language(language)
    out.mkdir(parents=True, exist_ok=True)
    made = [_save(out / f"views-{name}-{scheme.value}-{language}.png", one, (960, 400)) for name, one in views()]
    for name, one in timelines():
        made.append(_save(out / f"timeline-{name}-{scheme.value}-{language}.png", one, (1280, 300)))
    return [*made, _save(out / f"page-{scheme.value}-{language}.png", _page(), (960, 660))]


def _page() -> QWidget:
    """Both together, in the room that a list and a panel leave on a small screen."""
    page = QWidget()
    column = QVBoxLayout(page)
    column.setContentsMargins(0, 0, 0, 0)
    line = _at_cue()
    line.setFixedHeight(236)
    column.addWidget(one_view(desk(APS, RGB, THERMAL)), 1)
    column.addWidget(line)
    return page


def _save(path: Path, widget: QWidget, size: tuple[int, int]) -> Path:
    ground = QWidget()
    palette = ground.palette()
    palette.setColor(ground.backgroundRole(), current_theme().qcolor("surface"))
    ground.setPalette(palette)
    ground.setAutoFillBackground(True)
    margin = current_theme().space(2)
    ground.resize(size[0] + 2 * margin, size[1] + 2 * margin)
    widget.setParent(ground)
    widget.setGeometry(margin, margin, *size)
    ground.show()
    for _ in range(3):
        QApplication.processEvents()
    ground.grab().save(str(path))
    ground.close()
    ground.deleteLater()
    QApplication.processEvents()
    return path


def main() -> None:
    """Paint them all."""
    parser = argparse.ArgumentParser(description="Pictures of timeline and views in every state: light, dark, French.")
    parser.add_argument("out", type=Path, help="folder for the pictures")
    args = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = make_application()
    application.setQuitOnLastWindowClosed(False)
    for scheme, language in ((Scheme.DARK, "en"), (Scheme.LIGHT, "en"), (Scheme.DARK, "fr")):
        for path in render(args.out, scheme, language):
            print(path)


if __name__ == "__main__":
    main()
