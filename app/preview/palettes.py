"""Colours for numbers: tables of 256 colours, and mixtures of a few. Knows no picture and no window."""

from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Rgba: TypeAlias = tuple[int, int, int, int]
Table: TypeAlias = NDArray[np.uint32]  # each entry the four bytes red, green, blue, opacity as they lie in a picture

# Control points of the "iron" palette of thermal cameras: black, indigo, magenta, orange, yellow, white; lightness grows all
# the way, so that what is warmer is brighter for everybody.
_IRON = ((0, 0, 10), (32, 0, 140), (130, 0, 155), (205, 40, 90), (240, 120, 10), (255, 200, 40), (255, 255, 240))


class Palette(StrEnum):
    """Grey; iron and inferno for temperature; viridis for age, ordered in lightness and safe for the colour-blind."""

    GREY = "grey"
    IRON = "iron"
    INFERNO = "inferno"
    VIRIDIS = "viridis"


@lru_cache
def palette(name: Palette) -> Table:
    """256 colours from low to high, solid. Read only."""
    ramp = np.arange(256, dtype=np.uint8)
    if name is Palette.GREY:
        colours: NDArray[Any] = np.repeat(ramp[:, None], 3, axis=1)
    elif name is Palette.IRON:
        at = np.linspace(0, 255, len(_IRON))
        colours = np.stack([np.interp(ramp, at, [point[k] for point in _IRON]) for k in range(3)], axis=1)
    else:
        code = cv2.COLORMAP_INFERNO if name is Palette.INFERNO else cv2.COLORMAP_VIRIDIS
        colours = cv2.applyColorMap(ramp, code).reshape(256, 3)[:, ::-1]
    table = packed(np.concatenate([np.round(colours), np.full((256, 1), 255)], axis=1))
    table.flags.writeable = False
    return table


def packed(colours: NDArray[np.generic] | Sequence[Rgba]) -> Table:
    """Colours [n, 4] (0 ... 255) as one number each."""
    table: Table = np.ascontiguousarray(colours, dtype=np.uint8).view(np.uint32).reshape(-1)
    return table


def mixture(start: Rgba, end: Rgba, shares: NDArray[np.float64]) -> Table:
    """From `start` (share 0) to `end` (share 1)."""
    first, last = np.array(start, np.float64), np.array(end, np.float64)
    return packed(np.round(first + (last - first) * shares[:, None]))


def rgba(text: str) -> Rgba:
    """A solid colour from "#rrggbb"."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16), 255
