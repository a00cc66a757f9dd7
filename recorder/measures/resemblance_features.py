"""What of a movement's events tells which movement it was: where in the face light changed, and changed back.

Numbers only, in a frame of the face: it must not know movements, weights, takes or verdicts.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocol.analysis import FaceBox
from protocol.streams import Array

Floats = NDArray[np.float64]

# Lengths in the face are in units of the distance between the eyes; v counts downwards from the line through them.
FINE = 0.0625  # side of a square in which events of both signs may cancel: 4 pixels at 35 cm from a DAVIS346
CELL = 3  # fine squares along a side of a cell
HALF_WIDTH, ABOVE, BELOW = 1.125, 0.9375, 2.0625  # from beside the cheekbones, from the hairline to below a dropped jaw
COLUMNS, ROWS = round(2 * HALF_WIDTH / FINE), round((ABOVE + BELOW) / FINE)
SQUARES = ROWS * COLUMNS
ACROSS, DOWN = COLUMNS // CELL // 2, ROWS // CELL  # cells of half a face
REST_US = 300_000  # how much rest before the onset is looked at, for what goes on anyway
LEAST_REST_US = 50_000
LEAST_SIGMAS = 5.0  # by which the energy of some cell must exceed what events of random sign have
LEAST_ENERGY = 100.0  # and at least that: ten events of one sign in one square, or three in each of a dozen
SLICES = 32  # of a movement, at the ends of which its apex may be
APEX_ERROR_US, APEX_ERROR_SHARE = 40_000, 0.05  # how far from the given one, the second as a share of the duration
MOST_EVENTS = 1_000_000  # more, as of flickering lamps, are thinned evenly: a quarter of a second is enough for this check
LEAST_EYES_PX = 15.0  # a smaller face has less than a pixel for a fine square
# Of a box as face detectors draw it: where the eyes are, for a face whose eyes were not found. Measured on the cascade's boxes.
EYE_HEIGHT, EYE_DISTANCE = 0.4, 0.42


@dataclass(frozen=True)
class Anchor:
    """A face's own frame. origin: (x, y) pixels between the eyes; unit_px: from eye to eye; cos, sin: of its roll."""

    origin: tuple[float, float]
    unit_px: float
    cos: float = 1.0
    sin: float = 0.0

    @staticmethod
    def of(face: FaceBox) -> "Anchor":
        """By the eyes where they are known, else by the box."""
        if face.left_eye is None or face.right_eye is None:
            origin = face.x + face.width / 2, face.y + EYE_HEIGHT * face.height
            return Anchor(origin, EYE_DISTANCE * face.width)
        return Anchor.between(face.left_eye, face.right_eye)

    @staticmethod
    def between(left_eye: tuple[float, float], right_eye: tuple[float, float]) -> "Anchor":
        """Of the eyes' centres (x, y), left and right as the picture shows them."""
        (x0, y0), (x1, y1) = left_eye, right_eye
        unit = float(np.hypot(x1 - x0, y1 - y0))
        turn = ((x1 - x0) / unit, (y1 - y0) / unit) if unit else (1.0, 0.0)
        return Anchor(((x0 + x1) / 2, (y0 + y1) / 2), unit, *turn)

    def squares(self, events: Array) -> NDArray[np.int64]:
        """The fine square [n] of each event, row by row; -1 outside of the face."""
        x, y = events["x"] + (0.5 - self.origin[0]), events["y"] + (0.5 - self.origin[1])
        u = (self.cos * x + self.sin * y) / self.unit_px
        v = (self.cos * y - self.sin * x) / self.unit_px
        column = np.floor((u + HALF_WIDTH) / FINE).astype(np.int64)
        row = np.floor((v + ABOVE) / FINE).astype(np.int64)
        inside = (column >= 0) & (column < COLUMNS) & (row >= 0) & (row < ROWS)
        return np.where(inside, row * COLUMNS + column, -1)


@dataclass(frozen=True)
class Change:
    """A movement by fine square, [ROWS, COLUMNS] each. rest, number: events before and during it; change: D, see `features`;
    lengths in us, those of rise and fall by the apex that was settled on.
    """

    rest: Floats
    number: Floats
    change: Floats
    rest_us: int
    rise_us: int
    fall_us: int

    @property
    def movement_us(self) -> int:
        """From onset to offset."""
        return self.rise_us + self.fall_us


def window(events: Array, onset_us: int, offset_us: int) -> Array:
    """The events that are looked at, in their order: rest and movement, thinned where they are very many."""
    chosen = events[(events["t"] >= onset_us - REST_US) & (events["t"] < offset_us)]
    return np.ascontiguousarray(chosen[:: 1 + len(chosen) // MOST_EVENTS])


def see(events: Array, anchor: Anchor, onset_us: int, apex_us: int, offset_us: int) -> Change:
    """What changed in the face. events: of `window`; onset_us < offset_us."""
    rest_us = min(REST_US, onset_us - int(events["t"].min())) if len(events) else 0
    square = anchor.squares(events)
    events, square = events[square >= 0], square[square >= 0]
    slice_us = max(1, -(-(offset_us - onset_us) // SLICES))
    part = np.maximum((events["t"] - onset_us) // slice_us, -1) + 1
    # By slice, rest being the first: events of both signs, and ON less OFF.
    key, length = part * SQUARES + square, (1 + SLICES) * SQUARES
    number = np.bincount(key, minlength=length).reshape(-1, SQUARES).astype(np.float64)
    signs = np.bincount(key, 2.0 * (events["p"] > 0) - 1, length).reshape(-1, SQUARES)
    change, rise_us = _split(signs[1:].cumsum(axis=0), slice_us, apex_us - onset_us)
    rest, during, change = (each.reshape(ROWS, COLUMNS) for each in (number[0], number[1:].sum(axis=0), change))
    return Change(rest, during, change, max(rest_us, 0), rise_us, offset_us - onset_us - rise_us)


def _split(signs: Floats, slice_us: int, rise_us: int) -> tuple[Floats, int]:
    """(D [SQUARES], length of the rise) by the apex near the given one at which most changes.

    signs: S from the onset to the end of each slice. In a movement of a twentieth of a second, an apex that is wrong by 20 ms
    would cancel all of it.
    """
    ends_us = slice_us * np.arange(1, SLICES)
    error_us = APEX_ERROR_US + APEX_ERROR_SHARE * SLICES * slice_us
    near = np.flatnonzero(np.abs(ends_us - rise_us) <= error_us)
    if not len(near):
        near = np.array([int(np.argmin(np.abs(ends_us - rise_us)))])
    changes = 2 * signs[near] - signs[-1]
    best = int(np.argmax((changes**2).sum(axis=1)))
    return changes[best], int(ends_us[near[best]])


def features(seen: Change) -> Floats | None:
    """[N_FEATURES] of a movement; None where there is too little of it to say anything.

    Of each cell of the face folded along its middle, so that a face and its mirror image have the same: how much light changed
    and changed back, with its sign at first; of the whole: how much, for how long, how quickly.

    What rises falls again, at the same place with the opposite sign: with S = ON - OFF, D = S_rise - S_fall is twice the change
    there, while noise, flicker and what goes on in one direction cancel. D^2 less its expectation for n events of random sign,
    which is n, is the energy of the change.
    """
    energy = np.maximum(_cells(seen.change**2 - seen.number), 0.0)
    # The square of a sum of n random signs has the variance 2 n (n - 1).
    chance = np.sqrt(_cells(2 * seen.number * (seen.number - 1)))
    if not bool((energy > LEAST_SIGMAS * chance + LEAST_ENERGY).any()):
        return None
    busy = np.maximum(_cells(seen.number - _rest(seen) * seen.movement_us), 0.0)
    parts = [np.sqrt(_share(np.sqrt(energy))), _signed_root(_share(_cells(seen.change))), np.sqrt(_share(busy))]
    return np.concatenate([*parts, _whole(seen, float(energy.sum()))])


def _share(cells: Floats) -> Floats:
    return np.asarray(cells / max(float(np.abs(cells).sum()), 1.0))


def _signed_root(values: Floats) -> Floats:
    return np.asarray(np.sign(values) * np.sqrt(np.abs(values)))


def _rest(seen: Change) -> Floats:
    """Events a microsecond of each fine square at rest; 0 where there is too little rest to tell."""
    if seen.rest_us < LEAST_REST_US:
        return np.zeros((ROWS, COLUMNS))
    return np.asarray(seen.rest / seen.rest_us)


def _cells(squares: Floats) -> Floats:
    """Sums over the cells of half a face, [DOWN * ACROSS]: both halves laid on one another."""
    cells = squares.reshape(DOWN, CELL, 2 * ACROSS, CELL).sum(axis=(1, 3))
    return np.asarray((cells[:, :ACROSS] + cells[:, ::-1][:, :ACROSS]).ravel())


def _whole(seen: Change, energy: float) -> Floats:
    """Of the face as a whole: how many events, how much change, how long, how quickly, lighter or darker."""
    lighter = float(seen.change.sum()) / max(float(np.abs(seen.change).sum()), 1.0)
    seconds, quick = seen.movement_us / 1e6, seen.rise_us / seen.movement_us
    return np.array([np.log(seen.number.sum()), np.log(energy), np.log(seconds), quick, lighter])


WHOLE = 5
N_FEATURES = 3 * ACROSS * DOWN + WHOLE
