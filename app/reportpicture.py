"""The picture of a take in a report: its events around the movement, and how many there were over time. Knows no HTML."""

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocol.analysis import Suggestion
from protocol.streams import Array

RATE_BIN_US = 20_000
FLOOR_PER_S = 1e6 / RATE_BIN_US  # one event in a bin: the curve ends there, as a logarithm has no zero
AROUND_US = 60_000  # half of what is accumulated around the apex: about the rise of a micro-expression
CUE_DELAY_US = 500_000  # where a movement is to be expected when none was found: a usual time of reaction
FULL_PERCENT = 99.0  # of the pixels that saw anything: they get the full colour, so that a hot pixel does not hide the rest
ON_COLOUR, OFF_COLOUR = np.array([213, 94, 0]), np.array([0, 114, 178])  # Okabe and Ito, for the colour-blind
INCHES, DOTS = (7.6, 2.1), 100


@dataclass(frozen=True)
class Instants:
    """What is drawn over the curve, in event time. marks: (time, its name) of the script; movement: what was found."""

    t0_us: int
    marks: tuple[tuple[int, str], ...] = ()
    movement: Suggestion | None = None
    cue_us: int | None = None

    def centre_us(self, events: Array) -> int:
        """The instant whose events are shown."""
        if self.movement is not None:
            return self.movement.apex_us
        if self.cue_us is not None:
            return self.cue_us + CUE_DELAY_US
        return int(events["t"][len(events) // 2]) if len(events) else self.t0_us


def accumulated(events: Array, resolution: tuple[int, int]) -> NDArray[np.uint8]:
    """[H, W, 3], RGB: white where nothing was, towards orange for more ON than OFF events, towards blue for more OFF."""
    width, height = resolution
    inside = (events["x"] >= 0) & (events["x"] < width) & (events["y"] >= 0) & (events["y"] < height)
    signs = np.where(events["p"][inside] > 0, 1, -1)
    place = events["y"][inside].astype(np.int64) * width + events["x"][inside]
    sums = np.bincount(place, weights=signs, minlength=width * height).reshape(height, width)
    seen = np.abs(sums[sums != 0])
    full = max(1.0, float(np.percentile(seen, FULL_PERCENT))) if len(seen) else 1.0
    share = np.sqrt(np.clip(np.abs(sums) / full, 0, 1))[..., None]  # the root: a single event is seen, too
    colour = np.where(sums[..., None] > 0, ON_COLOUR, OFF_COLOUR)
    return np.asarray(np.rint(255 + (colour - 255) * share), np.uint8)


def rate(events: Array) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(start of each bin in us, events per second); empty for no events."""
    if not len(events):
        return np.zeros(0, np.int64), np.zeros(0)
    first = int(events["t"].min())
    counts = np.bincount((events["t"] - first) // RATE_BIN_US)
    return first + RATE_BIN_US * np.arange(len(counts)), counts * 1e6 / RATE_BIN_US


def picture(events: Array, resolution: tuple[int, int], instants: Instants, labels: tuple[str, str]) -> str:
    """A PNG in base64. labels: of the two axes of the curve (time since t0 in s, events per second)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=INCHES, dpi=DOTS, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, width_ratios=(1, 2))
    centre = instants.centre_us(events)
    shown = events[(events["t"] >= centre - AROUND_US) & (events["t"] < centre + AROUND_US)]
    left.imshow(accumulated(shown, resolution), interpolation="nearest")
    left.set_xticks([])
    left.set_yticks([])
    left.spines[:].set_color("#d5d9dd")
    _curve(right, events, instants, labels)
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return base64.b64encode(file.getvalue()).decode("ascii")


def _curve(axes: Any, events: Array, instants: Instants, labels: tuple[str, str]) -> None:
    times, rates = rate(events)
    axes.plot((times - instants.t0_us) / 1e6, np.maximum(rates, FLOOR_PER_S), color="#1b1f23", linewidth=0.8)
    axes.set_yscale("log")  # the paper gives a hundred times as many events as a movement
    for at_us, name in instants.marks:
        axes.axvline((at_us - instants.t0_us) / 1e6, color="#5a6066", linewidth=0.8, linestyle=":")
        axes.annotate(
            name,
            ((at_us - instants.t0_us) / 1e6, 1),
            xycoords=("data", "axes fraction"),
            rotation=90,
            va="top",
            ha="right",
            fontsize=6,
        )
    if instants.movement is not None:
        begin, end = ((at - instants.t0_us) / 1e6 for at in (instants.movement.onset_us, instants.movement.offset_us))
        axes.axvspan(begin, end, color="#009E73", alpha=0.25, linewidth=0)
    axes.set_xlabel(labels[0], fontsize=7)
    axes.set_ylabel(labels[1], fontsize=7)
    axes.tick_params(labelsize=6)
    axes.set_ylim(bottom=FLOOR_PER_S)
    axes.spines[["top", "right"]].set_visible(False)
