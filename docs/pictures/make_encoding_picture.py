"""The picture of docs/methods/encoding.md: one movement of a simulated take as a network sees it, by each encoding.

    python docs/pictures/make_encoding_picture.py TAKE [--out docs/pictures/encoding.png]

TAKE: a take of `glimpse simulate` in which a movement was made.
"""

import argparse
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from PIL import Image

mpl.use("Agg")
import matplotlib.pyplot as plt

from models.crop import FaceCrop
from models.encode import Encoding, Kind, encode
from protocol.streams import Stream
from recorder.activity import clean_events
from recorder.facebox import find_face
from recorder.take import Take

BEFORE, SHOWN, PAST = 1, 8, 12  # bins before the onset, bins drawn, bins before those that surfaces remember
TITLES = {
    Kind.LOG_COUNTS: "log_counts\nON - OFF",
    Kind.VOXEL: "voxel",
    Kind.TBR: "tbr\nON - OFF",
    Kind.TIME_SURFACE: "time_surface\n480 ms, ON - OFF",
    Kind.LEAKY_COUNTS: "leaky_counts\n480 ms, ON - OFF",
}


def pictures(path: Path) -> dict[Kind, Any]:
    """For each kind what is drawn, float32 [SHOWN, H, W]: red where the face gets lighter."""
    with Take(path) as take:
        truth: Any = take.manifest.truth if take.manifest else None
        resolution = take.resolution(Stream.EVENTS) or (346, 260)
        events = clean_events(take.events(), resolution)
        crop = FaceCrop.of(find_face(take, events), resolution)
    encoding = Encoding(kinds=tuple(TITLES), taus_us=(480_000,))
    start_us = truth["onset_us"] - (BEFORE + PAST) * encoding.bin_us
    frames = encode(events, crop, encoding, start_us, PAST + SHOWN)[PAST:]
    drawn, at = {}, 0
    for kind in encoding.kinds:
        channels = frames[:, at : at + encoding.channels_of(kind)]
        drawn[kind] = channels[:, 0] if kind is Kind.VOXEL else channels[:, 1] - channels[:, 0]
        at += channels.shape[1]
    return drawn


def main() -> None:
    """Draw and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("take", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("encoding.png"))
    asked = parser.parse_args()
    drawn = pictures(asked.take)
    figure, axes = plt.subplots(len(drawn), SHOWN, figsize=(9.6, 6.3), gridspec_kw={"wspace": 0.04, "hspace": 0.05})
    for row, (kind, frames) in zip(axes, drawn.items(), strict=True):
        limit = float(np.percentile(np.abs(frames), 99.7)) or 1.0
        for step, (ax, frame) in enumerate(zip(row, frames, strict=True)):
            ax.imshow(frame, cmap="seismic", vmin=-limit, vmax=limit, interpolation="nearest")
            ax.set(xticks=[], yticks=[])
            if kind is Kind.LOG_COUNTS:
                ax.set_title(f"{(step - BEFORE) * 40:+d} ms", fontsize=8)
        row[0].set_ylabel(TITLES[kind], fontsize=8)
    figure.savefig(asked.out, dpi=80, bbox_inches="tight")
    colours = Image.open(asked.out).convert("RGB").quantize(64, dither=Image.Dither.NONE)  # a quarter of the size
    colours.save(asked.out, optimize=True)


if __name__ == "__main__":
    main()
