"""The picture of docs/methods/resemblance.md: what light of a face does in each of the seven movements.

    python docs/pictures/make_resemblance_picture.py CLIPS [--out docs/pictures/resemblance.png]

CLIPS: a folder that benchmarks/resemblance.py filled. Each panel is the mean over its strong clips.
"""

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt

from protocol.movement import MOVEMENTS
from recorder.measures.resemblance_features import ABOVE, BELOW, HALF_WIDTH, Anchor, see, window

STRONG = 0.6
MOST = 60  # clips of a movement
UNIT_EYES = ((-0.5, 0.0), (0.5, 0.0))
LIMIT = 8.0


def main() -> None:
    """Draw and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("resemblance.png"))
    asked = parser.parse_args()
    figure, panels = plt.subplots(1, len(MOVEMENTS), figsize=(14, 3), layout="constrained")
    for panel, movement in zip(panels, MOVEMENTS, strict=True):
        extent = (-HALF_WIDTH, HALF_WIDTH, BELOW, -ABOVE)
        panel.imshow(mean_change(asked.clips, movement.token), cmap="RdBu_r", vmin=-LIMIT, vmax=LIMIT, extent=extent)
        panel.plot(*zip(*UNIT_EYES, strict=True), "k+", markersize=8)
        panel.set(title=movement.display, xticks=(), yticks=())
    figure.savefig(asked.out, dpi=80)
    print(f"{asked.out}: {asked.out.stat().st_size / 1000:.0f} kB")


def mean_change(folder: Path, token: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Mean of D = S_rise - S_fall by fine square."""
    changes = []
    for path in sorted(folder.glob(f"*_{token}_*.npz")):
        with np.load(path) as clip:
            if clip["intensity"] >= STRONG:
                anchor = Anchor.between(*(tuple(eye) for eye in clip["eyes"].tolist()))
                onset_us, apex_us, offset_us = (int(t_us) for t_us in clip["times_us"])
                near = window(clip["events"], onset_us, offset_us)
                changes.append(see(near, anchor, onset_us, apex_us, offset_us).change)
        if len(changes) == MOST:
            break
    return np.asarray(np.mean(changes, axis=0))


if __name__ == "__main__":
    main()
