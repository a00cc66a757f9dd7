"""What the pixels give when nothing moves: background activity, and pixels that never rest. Knows no face and no light."""

import numpy as np
from numpy.typing import NDArray

from recorder.activity import Activity
from recorder.measures.steps import Phases
from recorder.measures.thresholds import Reading

WINDOW_US = 100_000  # longer than a twitch of the hand takes, shorter than the paper stays still
STILL_TILES = 10  # per cent: even a face that fills the view leaves a tenth of it to wall and hair; the paper leaves all
LEAST_WINDOWS = 3
# The edge of the paper and the hand pass at the ends of the covered time.
PAPER_MARGIN_US = 200_000


def background(activity: Activity, phases: Phases, thinning: int = 1) -> Reading:
    """Events per second and pixel where nothing moves: of each tile the median over windows of 100 ms, and of these the tenth
    percentile over the picture. Behind the paper where there is one, else while the face is quiet, else over all.

    activity: without hot pixels, of every `thinning`-th event. Details: `where`.
    """
    for where, span in (("paper", phases.covered), ("quiet", phases.quiet), ("all", phases.judged)):
        if span is None:
            continue
        margin = PAPER_MARGIN_US if where == "paper" else 0
        rates = window_rates(activity, span[0] + margin, span[1] - margin)
        if len(rates) >= LEAST_WINDOWS:
            tiles = np.median(rates, axis=0)[_full_tiles(activity)]
            share = 50 if where == "paper" else STILL_TILES
            return Reading(thinning * float(np.percentile(tiles, share)), {"where": where})
    return Reading(unknown="The take is too short to tell background activity from movement.")


def window_rates(activity: Activity, begin_us: int, end_us: int, window_us: int = WINDOW_US) -> NDArray[np.float64]:
    """Events per second and pixel by window and tile, [N, GY, GX]; N is 0 where the range is too short."""
    bins = max(1, window_us // activity.bin_us)
    first, last = activity.index(begin_us), activity.index(end_us)
    windows = max(0, (last - first) // bins)
    counts = activity.counts[first : first + windows * bins].sum(axis=1, dtype=np.int64)
    summed = counts.reshape(windows, bins, *counts.shape[1:]).sum(axis=1)
    return np.asarray(summed / (bins * activity.bin_us * 1e-6) / activity.tile_px**2)


def _full_tiles(activity: Activity) -> NDArray[np.bool_]:
    """The tiles that lie wholly on the sensor, bool [GY, GX]; all of them where none does."""
    width, height = activity.resolution
    _, _, rows, columns = activity.counts.shape
    full = np.zeros((rows, columns), bool)
    full[: height // activity.tile_px, : width // activity.tile_px] = True
    return full if full.any() else ~full


def hot_share(hot: NDArray[np.bool_]) -> Reading:
    """Pixels that fire by themselves, in per mille of all. hot: bool [H, W]. Details: `count`."""
    return Reading(1000.0 * float(hot.mean()) if hot.size else None, {"count": int(hot.sum())}, "The sensor has no pixels.")
