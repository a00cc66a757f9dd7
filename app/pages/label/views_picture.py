"""What the views at the cursor are made of: windows of events as colours, and how far a picture lies from the cursor. No Qt."""

import numpy as np

from app.i18n import tr
from app.pages.label.timeline_view import span_text
from app.preview.palettes import Table, mixture, packed, palette
from app.preview.render import Display, EventColours
from protocol.analysis import FaceBox, SyncStatus
from recorder.browse.events import Accumulated, Mode
from recorder.browse.pictures import Shown

MOST_COUNTED = 15  # events of one polarity on one pixel: more look the same
FIRST_SHARE = 0.55  # of the full colour for one event, and so much of the rest for each further one
FAR_US = 100_000  # a picture farther from the cursor does not show what happens there: three of 30 a second are missing
FACE_MARGIN = 0.18  # of the face's width and height, to each side: brows that rise and a chin that drops stay inside
LEVELS = 256


class EventPainter:
    """Colours windows of events; keeps its tables and its picture, so that a step of the cursor makes nothing anew."""

    def __init__(self, colours: EventColours) -> None:
        self._out: Display = np.empty((0, 0, 4), np.uint8)
        self.recolour(colours)

    def recolour(self, colours: EventColours) -> None:
        """Use other colours from the next picture on."""
        self._counts = _count_table(colours)
        ramp = palette(colours.age) if not colours.is_light else palette(colours.age)[::-1]
        self._ages = ramp.copy()
        self._ages[0] = packed([colours.background])[0]

    def paint(self, window: Accumulated, mode: Mode) -> Display:
        """A picture [H, W, 4] of what `EventBrowser.accumulate` gave in this mode. The same buffer every time."""
        height, width = window.shape[1:]
        if self._out.shape[:2] != (height, width):
            self._out = np.empty((height, width, 4), np.uint8)
        out = self._out.view(np.uint32)[:, :, 0]
        if mode is Mode.COUNTS:
            held = np.minimum(window, MOST_COUNTED).astype(np.uint8)
            np.take(self._counts, held[1] * np.uint8(MOST_COUNTED + 1) + held[0], out=out, mode="clip")
        else:
            newest = np.maximum(window[0], window[1])
            # What is there at all gets at least the first colour above the background, however old it is.
            levels = np.ceil(newest * (LEVELS - 1)).astype(np.uint8)
            np.take(self._ages, levels, out=out, mode="clip")
        return self._out


def _count_table(colours: EventColours) -> Table:
    """Colours by ON * 16 + OFF events: towards the polarity that is more frequent, fuller the more there are."""
    table = np.empty((MOST_COUNTED + 1, MOST_COUNTED + 1), np.uint32)
    for on in range(MOST_COUNTED + 1):
        for off in range(MOST_COUNTED + 1):
            count = on + off
            share = 1 - (1 - FIRST_SHARE) ** count
            mixed = tuple(round((a * on + b * off) / max(count, 1)) for a, b in zip(colours.on, colours.off, strict=True))
            full = (mixed[0], mixed[1], mixed[2], 255)
            table[on, off] = mixture(colours.background, full, np.array([share]))[0]
    return table.reshape(-1)


def away_text(shown: Shown, cursor_us: int, *, own_clock: bool) -> str:
    """How far a picture lies from the cursor, later where positive, and how well that is known.

    own_clock: taken by the event camera itself, so that no two clocks had to be compared.
    """
    away_us = shown.t_us - cursor_us
    text = ("+" if away_us > 0 else "") + span_text(away_us)
    if own_clock:
        return f"{text} · {tr('same clock')}"
    if shown.uncertainty_us is None:
        return f"{text} · {tr('not synced')}"
    return f"{text} ± {span_text(shown.uncertainty_us)}"


def status_text(status: SyncStatus | None) -> str:
    """What a camera's alignment rests on."""
    words = {
        SyncStatus.PAPER: tr("synchronised by the sheet of paper"),
        SyncStatus.MOTION: tr("synchronised by movement"),
        SyncStatus.HOST: tr("by the computer's clock only"),
        SyncStatus.NONE: tr("not synchronised"),
    }
    return words[status or SyncStatus.NONE]


def face_crop(face: FaceBox | None, size: tuple[int, int]) -> tuple[float, float, float, float] | None:
    """x, y, width, height of the face with a margin within a picture of this size; None where it is not known."""
    if face is None or face.width <= 0 or face.height <= 0:
        return None
    left, top = max(face.x - FACE_MARGIN * face.width, 0.0), max(face.y - FACE_MARGIN * face.height, 0.0)
    right = min(face.x + (1 + FACE_MARGIN) * face.width, float(size[0]))
    bottom = min(face.y + (1 + FACE_MARGIN) * face.height, float(size[1]))
    return (left, top, right - left, bottom - top) if right - left >= 1 and bottom - top >= 1 else None
