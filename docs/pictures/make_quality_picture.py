"""The picture of docs/methods/quality.md: a good take, one with talking and one with a turned head, as the verdict sees them.

    python docs/pictures/make_quality_picture.py GOOD TALKING TURNED [--out docs/pictures/quality.png]

Three takes of `glimpse simulate --noise-share`.
"""

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from recorder.measures.evidence import Evidence, gather
from recorder.measures.motion import HEAD_SHARE, HEAD_WINDOW_US, stirred_share
from recorder.measures.motion_mouth import BIN_US, mouth_course, peaks_of
from recorder.measures.noise import window_rates
from recorder.measures.resemblance_features import Anchor
from recorder.take import Take

TITLES = ("good", "talking", "turned head")
GREY, RED, BLUE = "#777777", "#c03030", "#3060c0"


def mouth(axes: Axes, evidence: Evidence, cue_us: int) -> None:
    """Events of the lower face, and the peaks that count."""
    parts, activity, face = evidence.phases, evidence.activity, evidence.faces.face
    if parts is None or activity is None or face is None:
        raise SystemExit("this take shows no face; choose another one")
    begin, end = parts.watched
    course = mouth_course(activity, Anchor.of(face))[activity.index(begin) : activity.index(end)]
    seconds = (begin - cue_us + BIN_US * np.arange(len(course))) * 1e-6
    axes.plot(seconds, course, color=GREY, lw=0.8)
    peaks = peaks_of(course)
    axes.plot(seconds[peaks], course[peaks], "o", color=RED, ms=3)
    axes.set_yscale("symlog", linthresh=100)


def stirred(axes: Axes, evidence: Evidence, cue_us: int) -> None:
    """Share of the picture that is stirred at once."""
    parts, activity = evidence.phases, evidence.activity
    assert parts is not None
    assert activity is not None
    begin, end = parts.watched
    share = stirred_share(window_rates(activity, begin, end, HEAD_WINDOW_US))
    axes.plot((begin - cue_us + HEAD_WINDOW_US * np.arange(len(share))) * 1e-6, 100 * share, color=BLUE, lw=1)
    axes.axhline(100 * HEAD_SHARE, color=RED, ls="--", lw=0.8)
    axes.set_ylim(0, 50)


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("takes", type=Path, nargs=3)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("quality.png"))
    wishes = parser.parse_args()
    figure, rows = plt.subplots(2, 3, figsize=(9, 3.6), sharex="col", sharey="row", layout="constrained")
    for path, title, above, below in zip(wishes.takes, TITLES, *rows, strict=True):
        with Take(path) as take:
            evidence = gather(take, None)
        cue_us = evidence.manifest.cue_us if evidence.manifest else None
        if cue_us is None:
            raise SystemExit(f"{path}: has no cue; choose another take")
        mouth(above, evidence, cue_us)
        stirred(below, evidence, cue_us)
        above.set_title(title, fontsize=10)
        below.set_xlabel("s from the cue")
        for axes in (above, below):
            axes.axvline(0, color="black", ls="--", lw=0.8)
            axes.spines[["top", "right"]].set_visible(False)
    rows[0][0].set_ylabel("events of the lower\nface in 10 ms")
    rows[1][0].set_ylabel("picture stirred, %")
    figure.savefig(wishes.out, dpi=110)


if __name__ == "__main__":
    main()
