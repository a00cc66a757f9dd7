"""The annotator's page: opening, stepping, listing and labelling in the real window by real key events, beside naive ways.

    python benchmarks/label.py [--quick] [--only keys open long list core]

Makes what it looks at in the folder for temporary files, where a recording of 10 minutes with 200 million events takes 1.7 GB
(--quick: 1 minute with 20 million), and removes it. The window is the real one; where there is no display Qt paints it into
memory. Times by the clock are true on a quiet machine alone: the load is printed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import label_core
import label_made

PARTS = ("keys", "open", "long", "list", "core")
TITLES = {
    "keys": "Labelling by keys",
    "open": "Takes of 10 s with 3 million events and 300 pictures of 640 x 480, in the window",
    "long": "A recording of {minutes:g} min with {mev:g} million events, in the window",
    "list": "A data set of {takes:,} takes, in the window",
    "core": "The same without the window, and peers",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Every part, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the long recording, of the takes and of the steps")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--child", choices=PARTS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        with tempfile.TemporaryDirectory(prefix="glimpse-label-") as folder:
            _part(options.child, Path(folder), quick=options.quick)
        return
    for part in options.only:
        _in_child(part, ["--quick"] * options.quick)


def _in_child(part: str, more: list[str]) -> None:
    words = [sys.executable, __file__, "--child", part, *more]
    seen = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.environ.get("QT_QPA_PLATFORM"))
    platform = {} if seen else {"QT_QPA_PLATFORM": "offscreen"}
    with tempfile.TemporaryDirectory() as folder:
        homes = {f"XDG_{name}_HOME": f"{folder}/{name}" for name in ("CONFIG", "STATE", "DATA", "CACHE")}
        subprocess.run(words, env=os.environ | platform | homes, check=True, cwd=Path(__file__).parents[1])


def _part(part: str, folder: Path, *, quick: bool) -> None:
    share = 0.1 if quick else 1.0
    minutes, mev, takes, steps = 10 * share, 200 * share, round(10_000 * share), 40 if quick else 200
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    title = TITLES[part].format(minutes=minutes, mev=mev, takes=takes)
    print(f"\n{title} ({os.cpu_count()} cores, load {load} before it)", flush=True)
    if part == "core":
        _core(folder, minutes, mev, takes, steps)
        return
    import label_keys
    import label_window

    if part == "keys":
        label_keys.labelling(folder, 3 if quick else 8)
    elif part == "open":
        label_window.opening(folder, 5 if quick else 9, steps)
    elif part == "long":
        label_window.long_recording(folder, minutes, mev, steps)
    else:
        label_window.listing(folder, takes)
    print(f"  (load {os.getloadavg()[0]:.1f} after it)")


def _core(folder: Path, minutes: float, mev: float, takes: int, steps: int) -> None:
    cache, long, dataset = folder / "cache", folder / "long.aedat4", folder / "data"
    cache.mkdir()
    label_core.warm_up()
    print("A take of 10 s")
    label_core.short_take(folder, steps)
    label_made.write_take(long, mev, minutes * 60, 10_000)
    print(f"A recording of {minutes:g} min")
    label_core.long_take(long, cache, steps)
    long.unlink()
    print(f"A data set of {takes:,} takes")
    label_made.write_dataset(dataset, takes)
    label_core.list_takes(dataset, cache)


if __name__ == "__main__":
    main()
