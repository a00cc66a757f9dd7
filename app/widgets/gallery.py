"""Every widget in its states, light and dark, as pictures to look at: `python -m app.widgets.gallery OUT`. For developers."""

import argparse
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QMargins, QSize, Qt
from PySide6.QtWidgets import QApplication, QWidget

from app.preview.render import EventMode
from app.preview.taps import Picture
from app.widgets.event_view import EventView
from app.widgets.labels import Chip, Elided, KeyHint
from app.widgets.lamp_row import LampReading, LampRow
from app.widgets.picture_view import PictureView
from app.widgets.plan_grid import STATES, PlanCell, PlanGrid, PlanRow
from app.widgets.prompter import Prompt, Prompter
from app.widgets.rate_strip import Band, RateStrip, StripMark
from app.widgets.subject_screen import SubjectScreen
from app.widgets.verdict_card import Number, VerdictCard, VerdictView
from app.window.start import make_application
from app.window.theme import Scheme, current_theme, use_scheme
from protocol.movement import MOVEMENTS
from protocol.streams import EVENT_DTYPE, Array, Stream

Shown = tuple[str, QWidget, tuple[int, int]]
T0_US = 1_700_000_000_000_000
STEP_S = (2.0, 1.0, 2.0, 5.0, 5.0)
STEP_NAMES = ("settle", "paper_in", "countdown", "neutral", "movement")
LONG = "Asseyez-vous à 30-40 cm. Regardez la caméra événementielle. Visage neutre."


# --- what the cameras might give


def face_events(count: int = 30_000, span_us: int = 240_000) -> Array:
    """Events along ovals, as of a face that moves a little."""
    rng = np.random.default_rng(1)
    events = np.zeros(count, EVENT_DTYPE)
    angle, which = rng.uniform(0, 2 * np.pi, count), rng.integers(0, 4, count)
    middle = np.array([(173, 130), (143, 105), (203, 105), (173, 180)])[which]
    radius = np.array([(75, 100), (16, 8), (16, 8), (28, 10)])[which] + rng.normal(0, 2.0, (count, 1))
    events["x"] = np.clip(middle[:, 0] + radius[:, 0] * np.cos(angle), 0, 345)
    events["y"] = np.clip(middle[:, 1] + radius[:, 1] * np.sin(angle), 0, 259)
    events["p"] = (np.cos(angle) + rng.normal(0, 0.4, count)) > 0
    events["t"] = T0_US + np.sort(rng.integers(0, span_us, count))
    return events


def rate_events(seconds: float) -> Array:
    """Quiet, a sheet of paper in and out, quiet, a movement."""
    rng = np.random.default_rng(2)
    at = np.arange(0, seconds, 0.01)
    rate = 8e3 + 3e5 * np.exp(-(((at - 2.4) / 0.15) ** 2)) + 3e5 * np.exp(-(((at - 5.2) / 0.15) ** 2))
    rate = rate + 6e4 * np.exp(-(((at - 10.9) / 0.2) ** 2))
    counts = rng.poisson(rate * 0.01)
    events = np.zeros(int(counts.sum()), EVENT_DTYPE)
    events["t"] = T0_US + np.repeat((at * 1e6).astype(np.int64), counts) + rng.integers(0, 10_000, len(events))
    events["t"].sort()
    events["p"] = rng.integers(0, 2, len(events))
    return events


def _scene(shape: tuple[int, int]) -> Any:
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1.3 : 1.3 : shape[1] * 1j]
    return np.exp(-(((x / 0.55) ** 2 + (y / 0.8) ** 2) ** 2)) + 0.15 * x


def picture(stream: Stream) -> Picture:
    """A soft face."""
    if stream is Stream.THERMAL:
        image = (29_500 + 1_100 * _scene((120, 160))).astype(np.uint16)
    elif stream is Stream.RGB:
        image = np.clip(_scene((480, 640))[:, :, None] * (110, 140, 190) + (60, 55, 50), 0, 255).astype(np.uint8)
    else:
        image = np.clip(60 + 150 * _scene((260, 346)), 0, 255).astype(np.uint8)
    return Picture(stream, image, 30, 0, 3000, 1_000_000_000)


# --- widgets


def event_views() -> Iterator[Shown]:
    """Each mode, with what may lie over it."""
    yield "empty", EventView(), (420, 360)
    for mode in EventMode:
        view = EventView()
        view.use_resolution((346, 260))
        view.set_mode(mode)
        view.feed(face_events(30_000 if mode is EventMode.POLARITY else 60_000))
        view.refresh()
        view.show_rate(1_234_567)
        yield mode.value, view, (420, 360)
    view.set_mode(EventMode.POLARITY)
    view.stage.set_guide(True)
    view.stage.set_box((98, 30, 150, 200))
    view.stage.set_hint("2 cm closer", "check")
    yield "guide", view, (420, 360)


def picture_views() -> Iterator[Shown]:
    """Grey, colour and temperature."""
    for stream in (Stream.FRAMES, Stream.RGB, Stream.THERMAL):
        empty = PictureView(stream)
        yield f"{stream}-empty", empty, (280, 240)
        view = PictureView(stream)
        first = picture(stream)
        view.show_picture(Picture(stream, first.image, 0, 0, None, 0))
        view.show_picture(first)
        yield stream.value, view, (280, 240)


def rate_strips() -> Iterator[Shown]:
    """Scrolling, in the middle of a take, at its end."""
    yield "empty", RateStrip(), (760, 140)
    strip = RateStrip()
    strip.feed(rate_events(22.0))
    strip.refresh()
    yield "live", strip, (760, 140)
    for name, seconds, marked in (("take", 11.4, 3), ("take-narrow", 6.0, 2)):
        strip = RateStrip()
        strip.feed(rate_events(seconds))
        starts = T0_US + (np.cumsum((0, *STEP_S)) * 1e6).astype(np.int64)
        strip.show_take((int(starts[0]), int(starts[-1])), int(starts[3]))
        bands = [Band(text, int(a), int(b)) for text, a, b in zip(STEP_NAMES, starts, starts[1:], strict=False)]
        hows = (("Paper in", 1, "detected"), ("Paper out", 3, "detected"), ("Cue", 4, "pressed"))
        marks = [StripMark(text, int(starts[at]) + 200_000, how) for text, at, how in hows[:marked]]
        strip.refresh()
        strip.set_script(bands, marks)
        strip.refresh()
        yield name, strip, (760 if name == "take" else 380, 160)


PROMPTS: Mapping[str, Prompt] = {
    "settle": Prompt(
        "Sit 30-40 cm away. Look at the event camera. Neutral face.", "smile", "Smile", 1.4, 2.0, STEP_S, 0,
        "Paper in front of both cameras.", "settle",
    ),
    "settle-fr": Prompt(LONG, "upperLidRaiser", "Lever les paupières", 1.4, 2.0, STEP_S, 0, "Feuille devant les deux caméras."),
    "countdown": Prompt("Hold the paper still.", "frown", "Frown", 1.2, 2.0, STEP_S, 2, "Paper away."),
    "neutral": Prompt("Paper away. Stay neutral.", "frown", "Frown", 3.1, 5.0, STEP_S, 3, "Frown now", "neutral"),
    "cue": Prompt("Frown now", "frown", "Frown", 4.2, 5.0, STEP_S, 4, "", "move"),
    "watch": Prompt("Paper away. Watch the video. Keep a neutral face.", None, "", None, None, (2, 1, 2, 60), 3, "", "watch"),
}  # fmt: skip


def prompters() -> Iterator[Shown]:
    """Every step, on a screen of its own and in the window."""
    for name, prompt in PROMPTS.items():
        prompter = Prompter()
        prompter.show_prompt(prompt)
        yield name, prompter, (1280, 720)
    for name in ("neutral", "cue"):
        steady = Prompter(constant_brightness=True)
        steady.show_prompt(PROMPTS[name])
        yield f"{name}-constant", steady, (1280, 720)
        small = Prompter()
        small.show_prompt(PROMPTS[name])
        yield f"{name}-small", small, (640, 220)
    idle = Prompter()
    idle.set_idle_text("Press Enter to start the next take.")
    yield "idle", idle, (640, 220)
    screen = SubjectScreen()
    screen.play(Path("no-such-video.mp4"))
    yield "subject-screen", screen, (640, 360)


LAMPS = (
    LampReading("events", "Event camera", "good", "1.02 Mev/s", "DAVIS346, USB 3"),
    LampReading("rgb", "Colour camera", "good", "30.0 fps", ""),
    LampReading("distance", "Distance", "check", "42 cm", "2 cm closer."),
    LampReading("light", "Light", "redo", "100 Hz", "The lamps flicker; use daylight or lamps without flicker."),
    LampReading("disk", "Disk", "good", "214 takes", ""),
    LampReading("focus", "Focus", "unknown", "", "Look at the event camera for 2 s."),
    LampReading("background", "Hintergrundrauschen und heiße Pixel", "check", "12.4 kev/s", "Calibrate with the lens cap on."),
)


def lamp_rows() -> Iterator[Shown]:
    """Wide and narrow."""
    for name, width, height in (("wide", 980, 190), ("narrow", 300, 520)):
        row = LampRow()
        row.show_readings(LAMPS)
        yield name, row, (width, height)


KEYS = (("Enter", "Keep"), ("N", "Keep as noise"), ("R", "Redo"), ("P", "Play it back"))
NUMBERS = (
    Number("Synchronised", "± 0.8 ms", "good"), Number("Lost", "0"), Number("Movement", "0.42 s after the cue"),
    Number("Blinks", "1", "check"), Number("Noise", "7.9 kev/s"), Number("Distance", "36 cm"),
)  # fmt: skip
VERDICTS = {
    "good": VerdictView("good", (), NUMBERS, "frown_4_1", "", KEYS),
    "check": VerdictView(
        "check", ("A blink lies 0.1 s before the onset of the movement; look whether both can be told apart.",), NUMBERS,
        "frown_4_1", "", KEYS,
    ),
    "redo": VerdictView(
        "redo",
        ("No movement was found after the cue.", "No sheet of paper was seen; hold it before both cameras.",
         "The head moved by 14 pixels after the cue.", "The face is 52 cm away; 30 to 40 cm are asked for.", "A fifth reason."),
        NUMBERS, "upperLidRaiser_1234_12", "Partial: aborted after 6.2 s.", KEYS,
    ),
    "unknown": VerdictView("unknown", ("The take has no events that could be judged.",), (), "smile_4_2", "", KEYS),
    "judging": VerdictView("", (), (), "frown_4_1"),
}  # fmt: skip


def verdict_cards() -> Iterator[Shown]:
    """Each verdict."""
    for name, view in VERDICTS.items():
        card = VerdictCard()
        card.show_verdict(view)
        yield name, card, (560, 330 if name == "redo" else 250)


def plan_grids() -> Iterator[Shown]:
    """One, five and twenty repetitions."""
    for repetitions, width in ((1, 260), (5, 420), (20, 640)):
        grid = PlanGrid()
        rows = []
        for number, movement in enumerate(MOVEMENTS):
            states = [STATES[2 + (number + k) % 6] if number * repetitions + k < 12 else "todo" for k in range(repetitions)]
            states[-1] = "current" if number == 2 else states[-1]
            rows.append(PlanRow(movement.display, tuple(PlanCell(state) for state in states)))
        grid.set_rows(rows)
        yield f"{repetitions}", grid, (width, 300)


def small_ones() -> Iterator[Shown]:
    """Texts and keys."""
    yield "elided", Elided("A very long name of a data set that does not fit into its place"), (180, 24)
    yield "key", KeyHint("Ctrl+Shift+R", "Redo"), (180, 28)
    yield "chip", Chip("Blinks", "1", "check"), (120, 32)


GROUPS: Mapping[str, Callable[[], Iterator[Shown]]] = {
    "events": event_views,
    "picture": picture_views,
    "rates": rate_strips,
    "prompter": prompters,
    "lamps": lamp_rows,
    "verdict": verdict_cards,
    "plan": plan_grids,
    "small": small_ones,
}


def render(out: Path, scheme: Scheme, only: str | None = None) -> list[Path]:
    """Paint every widget in one scheme into `out`; returns the files."""
    use_scheme(scheme)
    out.mkdir(parents=True, exist_ok=True)
    return [
        _save(out / f"{group}-{name}-{scheme.value}.png", widget, size)
        for group, make in GROUPS.items()
        if only in (None, group)
        for name, widget, size in make()
    ]


def _save(path: Path, widget: QWidget, size: tuple[int, int]) -> Path:
    margin = current_theme().space(2)
    ground = QWidget()
    ground.setProperty("role", "gallery")
    palette = ground.palette()
    palette.setColor(ground.backgroundRole(), current_theme().qcolor("surface"))
    ground.setPalette(palette)
    ground.setAutoFillBackground(True)
    ground.resize(QSize(*size).grownBy(_margins(margin)))
    widget.setParent(ground)
    widget.setGeometry(margin, margin, *size)
    ground.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    ground.setFocus()  # and not the first button
    ground.show()
    for _ in range(3):
        QApplication.processEvents()
    ground.grab().save(str(path))
    ground.close()
    ground.deleteLater()
    QApplication.processEvents()
    return path


def _margins(px: int) -> QMargins:
    return QMargins(px, px, px, px)


def main() -> None:
    """Paint them all."""
    parser = argparse.ArgumentParser(description="Pictures of every widget in every state, light and dark.")
    parser.add_argument("out", type=Path, help="folder for the pictures")
    parser.add_argument("--only", choices=list(GROUPS), help="one group of widgets")
    args = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = make_application()
    application.setQuitOnLastWindowClosed(False)
    for scheme in (Scheme.DARK, Scheme.LIGHT):
        for path in render(args.out, scheme, args.only):
            print(path)


if __name__ == "__main__":
    main()
