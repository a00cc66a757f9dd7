"""The picture of docs/methods/onset.md: one simulated take from all its events to the movement's landmarks.

    python docs/pictures/make_onset_picture.py TAKE [--out docs/pictures/onset.png]

TAKE: a take of `glimpse simulate` whose movement is found.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt

from protocol.analysis import SuggestionKind
from protocol.streams import Stream
from recorder.activity import clean_events, hot_pixels
from recorder.spotting.headmotion import separate
from recorder.spotting.kinds import Candidate
from recorder.spotting.profiles import speed
from recorder.spotting.search import Motion, search
from recorder.take import Take

AROUND_US = 700_000
TRUTH = ("onset_us", "apex_us", "offset_us")


def main() -> None:
    """Draw and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("take", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("onset.png"))
    asked = parser.parse_args()
    with Take(asked.take) as take:
        truth: Any = take.manifest.truth if take.manifest else None
        size = take.resolution(Stream.EVENTS)
        if not truth or truth["onset_us"] is None or size is None:
            sys.exit("This take has no movement whose truth is known; give one of `glimpse simulate`.")
        events = clean_events(take.events(), size)
    motion = search(events, size, hot_pixels(events, size), (int(events["t"][0]), int(events["t"][-1]) + 1))
    moved = [one for one in motion.candidates if one.kind is SuggestionKind.MOVEMENT and one.pair.fall]
    chosen = min(moved, key=lambda one: abs(one.landmarks.onset_us - truth["onset_us"]))
    draw(motion, chosen, truth, asked.out)


def draw(motion: Motion, chosen: Candidate, truth: Any, out: Path) -> None:
    """Rate of all events; course of the pattern with both profiles; the pattern."""
    figure = plt.figure(figsize=(11, 4.2), layout="constrained")
    grid = figure.add_gridspec(2, 3)
    cells, t0 = motion.cells, truth["onset_us"]
    low = max(0, int(cells.position(t0 - AROUND_US)))
    high = int(cells.position(truth["offset_us"] + AROUND_US))
    seconds = (cells.start_us + (np.arange(low, high) + 0.5) * cells.bin_us - t0) * 1e-3
    rate, course = figure.add_subplot(grid[0, :2]), figure.add_subplot(grid[1, :2])
    rate.plot(seconds, cells.events[low:high].sum(axis=1) / cells.bin_us * 1000, color="0.3", lw=0.8)
    rate.set(ylabel="all events / ms")
    _course(course, motion, chosen, (low, high), seconds)
    course.set(xlabel="ms after the true onset", ylabel="pattern / bin")
    for panel in (rate, course):
        for name in TRUTH:
            panel.axvline((truth[name] - t0) * 1e-3, color="tab:green", lw=1)
        for name in TRUTH:
            panel.axvline((getattr(chosen.landmarks, name) - t0) * 1e-3, color="tab:red", lw=1, ls="--")
    view = figure.add_subplot(grid[:, 2])
    shown = (chosen.found.pattern * chosen.found.mask).reshape(cells.grid)
    limit = float(np.abs(shown).max())
    view.imshow(shown, cmap="RdBu_r", vmin=-limit, vmax=limit)
    view.set(xticks=(), yticks=(), title="pattern: lighter (red), darker (blue)")
    figure.savefig(out, dpi=75)
    print(f"{out}: {out.stat().st_size / 1000:.0f} kB")


def _course(panel: Any, motion: Motion, chosen: Candidate, span: tuple[int, int], seconds: Any) -> None:
    cells, pair = motion.cells, chosen.found
    local = separate(cells).local
    weight = pair.pattern * pair.mask / np.linalg.norm(pair.pattern * pair.mask)
    panel.plot(seconds, (local @ weight)[span[0] : span[1]], color="0.3", lw=0.8)
    profile = pair.rise.way * speed(pair.rise.begin, pair.rise.end, cells.bins)
    if pair.fall:
        profile -= pair.fall.way * speed(pair.fall.begin, pair.fall.end, cells.bins)
    panel.plot(seconds, profile[span[0] : span[1]], color="tab:blue", lw=1.5)


if __name__ == "__main__":
    main()
