"""What a model says of a take over time, and how that comes to the timeline. Knows no model, no file and no window.

Whoever has such scores gives the page a `ScoreSource`. It is asked by the thread that opens takes, once for each; what it gives
is shown in a row of the timeline to coders who may see it, never to one of two who label a take blind.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Scores:
    """name: of the model, as it is shown; at_us: event times, int64 [n], rising; values: float32 [n], 0 ... 1."""

    name: str
    at_us: NDArray[np.int64]
    values: NDArray[np.float32]


# Gives the scores of a take by its `.aedat4`, None where there are none; a GlimpseError is told to the annotator.
ScoreSource = Callable[[Path], Scores | None]


def no_scores(_take: Path) -> Scores | None:
    """Nobody has any."""
    return None
