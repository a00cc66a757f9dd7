"""The picture of docs/methods/sync-motion.md: what pictures and events say of a moving face, and when they agree.

    python docs/pictures/make_sync-motion_picture.py TAKE [--out docs/pictures/sync-motion.png]

TAKE: a simulated take with colour camera. The paper is left out.
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
from recorder.alignment.cover_model import ClockGuess
from recorder.alignment.cover_read import read_pictures
from recorder.alignment.motion import Scene, lateness, prepare
from recorder.alignment.motion_increments import moving_events
from recorder.take import Take

ALL = [(-(2.0**62), 2.0**62)]
WRONG_US = 30_000  # of the guess, so that there is something to find
READOUT_US = 20_000.0
STEP_US = 2_500.0
LIMIT = 0.15


def main() -> None:
    """Draw and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("take", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("sync-motion.png"))
    asked = parser.parse_args()
    figure, panels = plt.subplots(1, 3, figsize=(13, 3.6), layout="constrained", width_ratios=(1, 1, 1.3))
    draw(panels, asked.take)
    figure.savefig(asked.out, dpi=75)
    print(f"{asked.out}: {asked.out.stat().st_size / 1000:.0f} kB")


def draw(panels: Any, path: Path) -> None:
    """Increments of one interval, and the correlation over the offset."""
    with Take(path) as take:
        manifest: Any = take.manifest
        truth = manifest.truth
        left_out = ((truth["paper"]["in_us"] - 1_000_000, truth["t0_us"] + 100_000),)
        true_us = truth["clocks"]["rgb"]["offset_us"]
        clock = ClockGuess(true_us + WRONG_US, truth["t0_us"], 50_000.0, truth["clocks"]["rgb"]["drift_ppm"])
        pictures, own = read_pictures(take, Stream.RGB, ALL), read_pictures(take, Stream.FRAMES, ALL)
        events = moving_events(clean_events(take.events(), (346, 260)), (346, 260))
    assert pictures is not None
    assert own is not None
    scene = prepare(events, pictures, clock, READOUT_US, left_out)
    assert scene is not None
    late = lateness(scene, own, left_out)
    show_increments(panels, scene, pictures.light.shape[1:], -WRONG_US + (late.peak()[0] if late else 0))
    curve = scene.curve(-WRONG_US, STEP_US, -24, 24)
    panels[2].plot((curve.offsets_us + WRONG_US) / 1000, curve.scores(), "k", label="colour camera, beside its true offset")
    if late is not None:
        panels[2].plot(late.offsets_us / 1000, late.scores(), "C1", label="the event camera's own pictures")
        panels[2].axvline(late.peak()[0] / 1000, color="C1", linewidth=0.8)
    panels[2].set(xlabel="events later than pictures, ms", ylabel="correlation of increments")
    panels[2].legend(loc="lower center")


def show_increments(panels: Any, scene: Scene, shape: tuple[int, ...], offset_us: float) -> None:
    """The interval in which most changes, as the pictures and as the events have it."""
    inside = np.flatnonzero(scene.places.tile_of >= 0)
    number = int((scene.increments**2).sum(axis=1).argmax())
    for panel, values, title in zip(
        panels,
        (scene.increments, scene.seen(offset_us)),
        ("two pictures: change of log light", "events between them"),
        strict=False,
    ):
        image = np.full(shape[0] * shape[1], np.nan)
        image[inside] = values[number]
        panel.imshow(image.reshape(shape[0], shape[1]), cmap="RdBu_r", vmin=-LIMIT, vmax=LIMIT)
        panel.set(title=title, xticks=(), yticks=())


if __name__ == "__main__":
    main()
