"""The picture of docs/methods/sync.md: front in the events, cover in the pictures, and why two slides tell what one cannot.

    python docs/pictures/make_sync_picture.py TAKE [--out docs/pictures/sync.png]

TAKE: a simulated take in which the paper comes and leaves, with colour pictures.
"""

import argparse
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt

from protocol.streams import Stream
from recorder.activity import clean_events
from recorder.alignment.cover import find_passage
from recorder.alignment.cover_fit import Prior, cost
from recorder.alignment.cover_model import CLOCK, GEOMETRY, LATE, LATE_TERMS, Scene, covered, late_terms, solve_gains
from recorder.alignment.cover_read import read_pictures
from recorder.alignment.edge_tiles import Grid, bursts
from recorder.alignment.paper import ClockGuess, Slide, align_by_paper, find_fronts, spans_us
from recorder.alignment.paper_geometry import Geometry, unknown_rig
from recorder.paperwatch import PaperKind, find_paper
from recorder.take import Take

AROUND_US = 60_000


def main() -> None:
    """Draw and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("take", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("sync.png"))
    asked = parser.parse_args()
    with Take(asked.take) as take:
        events, scenes, geometry, truth_us = look(take)
    figure, panels = plt.subplots(1, 3, figsize=(12, 3.4), layout="constrained")
    draw_front(panels[0], events, scenes[-1])
    draw_cover(panels[1], scenes[0], geometry)
    draw_valleys(panels[2], scenes, geometry, truth_us)
    figure.savefig(asked.out, dpi=90)


def look(take: Take) -> tuple[Any, list[Scene], Geometry, float]:
    """Events, both slides before the colour camera, the rig as found, and the true offset in us."""
    resolution = take.resolution(Stream.EVENTS)
    if resolution is None or not take.manifest or not take.manifest.truth:
        raise SystemExit(f"{take.path} is no simulated take; choose one.")
    truth = take.manifest.truth
    events = clean_events(take.events(), resolution)
    seen = find_paper(events, resolution)
    slides = [Slide(s.begin_us - AROUND_US, s.end_us + AROUND_US, s.kind is PaperKind.OUT, s) for s in seen]
    fronts = find_fronts(events, resolution, slides)
    clock = ClockGuess(truth["clocks"]["rgb"]["offset_us"], truth["t0_us"])
    pictures = read_pictures(take, Stream.RGB, spans_us(fronts, clock))
    fit = align_by_paper(fronts, pictures, clock, unknown_rig(20_000))
    if pictures is None or fit is None or fit.slides != 2:
        raise SystemExit(f"{take.path}: the paper does not come and leave before the colour camera; choose another take.")
    scenes = []
    for front in fronts:
        first, last = (clock.stream_us(front.origin_us + t * 1e3) for t in front.range_ms())
        passage = find_passage(pictures, (first, last), 60_000, leaves=front.slide.leaves)
        if passage is not None:
            scenes.append(Scene(passage, front, clock))
    return events, scenes, fit.geometry, float(clock.offset_us)


def draw_front(panel: Any, events: Any, scene: Scene) -> None:
    """When the bursts of the tiles begin and when their events come, over the way of the edge."""
    front, grid = scene.front, Grid(scene.front.resolution)
    begin, end = np.searchsorted(events["t"], (front.slide.begin_us, front.slide.end_us))
    mine = events[begin:end]
    u, _ = front.along(*grid.places())
    expected = np.polynomial.polynomial.polyval(u, front.terms[:4])  # as if all were in the middle across the way
    late = (mine["t"] - front.origin_us) * 1e-3 - front.crossing_ms(*grid.pixel_places())[grid.pixels(mine)]
    near = (late > -6) & (late < 16)
    found = bursts(grid.tiles(mine)[near], late[near] + 6, grid.count)
    good = found.per_pixel > 1
    panel.plot(
        u[good], (expected + found.early_ms - 6)[good], ".", ms=2, color="tab:orange", label="first fifth of a tile's events"
    )
    panel.plot(u[good], (expected + found.onset_ms(1.0) - 6)[good], ".", ms=2, color="tab:blue", label="onset behind them")
    way = np.linspace(u.min(), u.max(), 50)
    panel.plot(way, np.polynomial.polynomial.polyval(way, front.terms[:4]), "k", lw=1, label="front")
    panel.set(xlabel="way of the edge, half widths", ylabel="ms", title="Events: the paper leaves")
    panel.legend(frameon=False, fontsize=8)


def draw_cover(panel: Any, scene: Scene, geometry: Geometry) -> None:
    """Covered share of each row in the pictures in between: seen, and as the front says."""
    parameters = np.zeros(LATE + LATE_TERMS)
    parameters[GEOMETRY] = geometry.values
    cover, passage = covered(scene, parameters, late_terms(0)), scene.passage
    gains = solve_gains(scene, cover.alpha, passage.usable / scene.sigma() ** 2)
    contrast = gains[:, 1:] * passage.papered - gains[:, :1] * passage.bare
    seen = (passage.light - gains[:, :1] * passage.bare) * contrast
    bins = (passage.row * 40).astype(int)
    for k in np.flatnonzero((cover.alpha.mean(axis=1) > 0.02) & (cover.alpha.mean(axis=1) < 0.98)):
        share = np.bincount(bins, seen[k], 40) / np.bincount(bins, contrast[k] ** 2, 40)
        told = np.bincount(bins, cover.alpha[k], 40) / np.bincount(bins, minlength=40)
        line = panel.plot(told, (np.arange(40) + 0.5) / 40, lw=1, label=f"{scene.times_ms[k]:.0f} ms")[0]
        panel.plot(share, (np.arange(40) + 0.5) / 40, ".", ms=4, color=line.get_color())
    panel.invert_yaxis()
    panel.set(xlabel="covered share (points: seen, lines: model)", ylabel="row", title="Pictures: the paper comes")
    panel.legend(frameon=False, fontsize=8)


def draw_valleys(panel: Any, scenes: list[Scene], geometry: Geometry, truth_us: float) -> None:
    """What each slide by itself says of offset and shift along the way."""
    clocks, shifts = np.linspace(-12, 12, 41), np.linspace(-0.5, 0.5, 41)
    for scene, colour in zip(scenes, ("tab:green", "tab:red"), strict=True):
        prior = Prior.of([scene], Geometry(geometry.values, np.eye(len(geometry.values))), 1e3)
        way = np.array(scenes[0].front.direction)
        height = np.empty((len(shifts), len(clocks)))
        for row, shift in enumerate(shifts):
            for column, clock in enumerate(clocks):
                parameters = prior.means.copy()
                parameters[CLOCK] = clock
                parameters[1:3] += shift * way
                height[row, column] = cost([scene], prior, parameters)
        name = "leaves" if scene.front.slide.leaves else "comes"
        panel.contour(clocks, shifts, height - height.min(), levels=[20, 160], colors=colour, linewidths=1)
        panel.plot([], [], color=colour, label=f"the paper {name}")
    panel.plot(0, 0, "k+", ms=12, label="true offset, fitted shift")
    panel.set(xlabel="offset beside the true one, ms", ylabel="shift, half widths", title="One slide cannot tell, two can")
    panel.legend(frameon=False, fontsize=8)


if __name__ == "__main__":
    main()
