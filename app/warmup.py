"""Compiles all of Glimpse's inner loops once: `python -m app.warmup`, which `make env` runs after it has installed.

Half a minute that the first take would otherwise wait for; where the code is on disk already it takes seconds. Knows no take.
"""

import os
import sys
import time

from recorder.compiled import find_room
from recorder.cores import one_thread


def main() -> int:
    """Compile, and say so."""
    print("Compiling what Glimpse computes with, once (half a minute) ...", flush=True)
    begun = time.monotonic()
    find_room(os.environ)
    one_thread(os.environ)
    warm_up()
    print(f"Compiled in {time.monotonic() - begun:.0f} s.")
    return 0


def warm_up() -> None:
    """The simulated rig, what takes are judged by, and what windows show."""
    from app.preview.render import warm_up as previews
    from recorder.browse import curves, events
    from recorder.warmup import warm_up as verdicts
    from recorder.warmup import warm_up_clocks, warm_up_rig

    for compile_ahead in (warm_up_rig, verdicts, warm_up_clocks, previews, events.warm_up, curves.warm_up):
        compile_ahead()


if __name__ == "__main__":
    sys.exit(main())
