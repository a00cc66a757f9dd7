"""The picture of docs/methods/paper.md: when the edge of the leaving sheet passes each tile, and the front through it.

    python docs/pictures/make_paper_picture.py TAKE [--out docs/pictures/paper.png]

TAKE: a simulated take of which the paper was seen to leave.
"""

import argparse
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt

from protocol.streams import Array, Stream
from recorder.paperfront import Grid, Steps, along_across, find_steps
from recorder.paperwatch import BIN_US, TILES_ACROSS, PaperKind, PaperSighting, find_paper
from recorder.take import Take

BEFORE_US, AFTER_US = 60_000, 30_000  # what is looked at about the passage


def main() -> None:
    """Draw and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("take", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("paper.png"))
    asked = parser.parse_args()
    with Take(asked.take) as take:
        events, resolution = take.events(), take.resolution(Stream.EVENTS)
        t0_us = take.manifest.truth["t0_us"] if take.manifest and take.manifest.truth else None
    if resolution is None or t0_us is None:
        raise SystemExit(f"{asked.take} has no truth about the paper; take one in which it leaves.")
    went = next(s for s in find_paper(events, resolution) if s.kind is PaperKind.OUT)
    grid = Grid(resolution, -(-resolution[0] // TILES_ACROSS))
    steps = steps_about(events, went, grid)
    figure, panels = plt.subplots(1, 3, figsize=(12, 3.3), layout="constrained", width_ratios=(1.2, 1, 1))
    draw_rate(panels[0], events, went, t0_us)
    draw_tiles(panels[1], steps, grid, t0_us)
    draw_front(panels[2], steps, went, t0_us)
    figure.savefig(asked.out, dpi=80)
    print(f"{asked.out}: {asked.out.stat().st_size / 1000:.0f} kB, t0 {went.at_us - t0_us:+d} us off")


def steps_about(events: Array, went: PaperSighting, grid: Grid) -> Steps:
    """The greatest change of each tile about the passage, in us since t0 as seen."""
    start_us = went.begin_us - BEFORE_US
    bins, columns = (went.end_us + AFTER_US - start_us) // BIN_US, grid.shape[1]
    near = events[(events["t"] >= start_us) & (events["t"] < start_us + bins * BIN_US)]
    when = (near["t"] - start_us) // BIN_US
    tile = near["y"].astype(np.int64) // grid.tile_px * columns + near["x"] // grid.tile_px
    signed = np.zeros((grid.shape[0] * columns, bins), np.int16)
    np.add.at(signed, (tile, when), 2 * near["p"] - 1)
    steps = find_steps(signed, np.bincount(when, minlength=bins).astype(np.int32), BIN_US, grid)
    steps.times[:] += start_us - went.at_us
    return steps


def draw_rate(panel: Any, events: Array, went: PaperSighting, t0_us: int) -> None:
    """Events a millisecond, darker and brighter."""
    edges = np.arange(went.begin_us - 250_000, went.end_us + 100_000, 2_000)
    for p, colour, name in ((1, "tab:blue", "brighter"), (0, "tab:red", "darker")):
        counts = np.histogram(events["t"][events["p"] == p], edges)[0] / 2
        panel.plot((edges[:-1] - t0_us) / 1000, counts, colour, lw=1, label=name)
    panel.axvspan((went.begin_us - t0_us) / 1000, (went.end_us - t0_us) / 1000, color="0.9")
    panel.set(xlabel="ms since the true t0", ylabel="events / ms", title="hand, edge, tail")
    panel.legend(loc="upper left", frameon=False)


def draw_tiles(panel: Any, steps: Steps, grid: Grid, t0_us: int) -> None:
    """When each tile changed."""
    late = np.quantile(np.abs(steps.times), 0.9) / 1000
    dots = panel.scatter(steps.x, steps.y, c=steps.times / 1000, s=17, marker="s", cmap="viridis", vmin=-late, vmax=0)
    panel.set(xlim=(0, grid.resolution[0]), ylim=(grid.resolution[1], 0), aspect="equal", title="when each tile changed, ms")
    panel.figure.colorbar(dots, ax=panel, shrink=0.8)


def draw_front(panel: Any, steps: Steps, went: PaperSighting, t0_us: int) -> None:
    """The same against the way of the edge, and the front."""
    resolution, scale = went.front.resolution, went.front.scale_px
    u, _ = along_across(steps.x, steps.y, resolution, went.angle_deg)
    panel.plot(u * scale, (steps.times + went.at_us - t0_us) / 1000, ".", ms=2, color="0.6")
    way = np.linspace(u.min(), u.max(), 50)
    cosine, sine = np.cos(np.radians(went.angle_deg)), np.sin(np.radians(went.angle_deg))
    x, y = resolution[0] / 2 + way * scale * cosine, resolution[1] / 2 - way * scale * sine
    panel.plot(way * scale, (went.front.time_us(x, y) - t0_us) / 1000, "tab:orange", lw=1.5, label="front")
    panel.axhline((went.at_us - t0_us) / 1000, color="k", lw=0.8, ls="--", label="t0 as seen")
    panel.set(xlabel="pixels along the way", title="and how far along", ylim=(-120, 30))
    panel.legend(loc="upper left", frameon=False)


if __name__ == "__main__":
    main()
