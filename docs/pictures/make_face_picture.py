"""The picture of docs/methods/face.md: one face found in four ways.

    python docs/pictures/make_face_picture.py TAKE [--out docs/pictures/face.png]

TAKE: a simulated take with APS and colour pictures, in which the paper leaves and the subject blinks.
"""

import argparse
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt

from protocol.analysis import FaceBox
from protocol.streams import Array, Stream
from recorder.activity import clean_events, pixel_counts
from recorder.facebox import face_in_events, face_in_pictures
from recorder.faces.blinks import eyes_from_blinks
from recorder.faces.colour import lay_over
from recorder.faces.geometry import face_box
from recorder.faces.pictures import PictureFaces
from recorder.faces.portrait import portraits, sweeps
from recorder.take import Take
from recorder.video2events.faces import CascadeFinder

LAST_US = 3_000_000  # of the take, from which the pictures are


def main() -> None:
    """Draw and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("take", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("face.png"))
    asked = parser.parse_args()
    with Take(asked.take) as take:
        resolution = take.resolution(Stream.EVENTS)
        if resolution is None:
            raise SystemExit(f"{asked.take} does not tell its resolution; take another one.")
        events = clean_events(take.events(), resolution)
        aps, colour = (last_pictures(take, stream) for stream in (Stream.FRAMES, Stream.RGB))
    figure, panels = plt.subplots(1, 4, figsize=(12, 2.5), layout="constrained")
    show(panels[0], aps[0], face_in_pictures(aps), "APS")
    show(panels[1], portraits(events, resolution)[0][0], face_in_events(events, resolution), "events: the paper's portrait")
    draw_blinks(panels[2], events, resolution)
    draw_colour(panels[3], events, resolution, colour)
    figure.savefig(asked.out, dpi=60)
    print(f"{asked.out}: {asked.out.stat().st_size / 1000:.0f} kB")


def last_pictures(take: Take, stream: Stream) -> list[Any]:
    """Every tenth picture of the last seconds."""
    begin_us = int(take.frame_times(stream)[-1]) - LAST_US
    return [image for _, image in take.frames(stream, begin_us)][::10]


def show(panel: Any, picture: Any, face: FaceBox | None, title: str) -> None:
    """A picture with the face's box and eyes."""
    panel.imshow(picture, cmap="gray", aspect="equal")
    panel.set(xlim=(0, 346), ylim=(260, 0), xticks=[], yticks=[])
    panel.set_title(title, fontsize=9)
    if face is None or face.left_eye is None or face.right_eye is None:
        return
    panel.add_patch(mpl.patches.Rectangle((face.x, face.y), face.width, face.height, fill=False, color="tab:green"))
    panel.plot(*zip(face.left_eye, face.right_eye, strict=True), "+", color="tab:red", markersize=9)


def draw_blinks(panel: Any, events: Array, resolution: tuple[int, int]) -> None:
    """All events of the take but the paper's, and the eyes that blinked."""
    passing = sweeps(events, resolution)
    found = eyes_from_blinks(events, resolution, passing)
    face = face_box(found.eyes, "events", found.confidence) if found else None
    show(panel, places(events, resolution), face, f"events: {found.blinks if found else 0} blinks")


def draw_colour(panel: Any, events: Array, resolution: tuple[int, int], pictures: list[Any]) -> None:
    """The colour picture where it lies over the events."""
    seen = PictureFaces(CascadeFinder()).find(pictures)
    laid = lay_over(pictures, events, resolution, sweeps(events, resolution))
    face = face_box(laid.eyes(seen[0].eyes), "rgb", 1.0) if laid and seen else None
    show(panel, places(events, resolution), face, f"colour over events, {laid.likeness:.2f} alike" if laid else "colour")
    if laid:
        height, width = pictures[0].shape[:2]
        (left, top), (right, bottom) = laid.point((0, 0)), laid.point((width, height))
        panel.imshow(pictures[0][:, :, ::-1], extent=(left, right, bottom, top), alpha=0.45)
        panel.set(xlim=(0, 346), ylim=(260, 0))


def places(events: Array, resolution: tuple[int, int]) -> Any:
    """Logarithm of the number of events of each pixel, dark where there are many."""
    return -np.log1p(pixel_counts(events, resolution))


if __name__ == "__main__":
    main()
