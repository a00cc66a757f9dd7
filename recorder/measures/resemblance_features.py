"""What of a movement's events tells which movement it was: where in the face light changed, and changed back.

Numbers only, in a frame of the face: it must not know movements, weights, takes or verdicts.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocol.analysis import FaceBox
from protocol.streams import Array

# Lengths in the face are in units of the distance between the eyes; v counts downwards from the line through them.
FINE = 0.0625  # side of a square in which events of both signs may cancel: 4 pixels at 35 cm from a DAVIS346
CELL = 3  # fine squares along a side of a cell
HALF_WIDTH, ABOVE, BELOW = 1.125, 0.9375, 2.0625  # from beside the cheekbones, from the hairline to below a dropped jaw
COLUMNS, ROWS = round(2 * HALF_WIDTH / FINE), round((ABOVE + BELOW) / FINE)
ACROSS, DOWN = COLUMNS // CELL // 2, ROWS // CELL  # cells of half a face
REST_US = 300_000  # how much rest before the onset is looked at, for what goes on anyway
LEAST_REST_US = 50_000
LEAST_SIGMAS = 5.0  # by which the energy must exceed what events of random sign have
MOST_EVENTS = 2_000_000  # more, as of flickering lamps, are thinned evenly: a quarter of a second is enough for this check
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
class Phases:
    """Events of rest, rise and fall by fine square and sign, [3, 2, ROWS, COLUMNS], OFF before ON; lengths in us."""

    counts: NDArray[np.float64]
    rest_us: int
    rise_us: int
    fall_us: int

    @property
    def movement_us(self) -> int:
        """From onset to offset."""
        return self.rise_us + self.fall_us


def phases(events: Array, anchor: Anchor, onset_us: int, apex_us: int, offset_us: int) -> Phases:
    """events: in any order, those of other times are left out."""
    edges = (onset_us - REST_US, onset_us, apex_us, offset_us)
    events = events[(events["t"] >= edges[0]) & (events["t"] < offset_us)]
    events = events[:: 1 + len(events) // MOST_EVENTS]
    rest_us = min(REST_US, onset_us - int(events["t"].min())) if len(events) else 0
    phase = np.searchsorted(edges[1:3], events["t"], side="right")
    square = anchor.squares(events)
    inside = square >= 0
    key = (phase * 2 + (events["p"] > 0)) * (ROWS * COLUMNS) + square
    counts = np.bincount(key[inside], minlength=6 * ROWS * COLUMNS).astype(np.float64)
    return Phases(counts.reshape(3, 2, ROWS, COLUMNS), max(rest_us, 0), apex_us - onset_us, offset_us - apex_us)


def features(seen: Phases) -> NDArray[np.float64] | None:
    """[N_FEATURES] of a movement; None where there is too little of it to say anything.

    Of each cell of the face folded along its middle, so that a face and its mirror image have the same: how much light changed
    and changed back, with its sign at first; of the whole: how much, for how long, how quickly.

    What rises falls again, at the same place with the opposite sign: with S = ON - OFF, D = S_rise - S_fall is twice the change
    there, while noise, flicker and what goes on in one direction cancel. D^2 less its expectation for n events of random sign,
    which is n, is the energy of the change.
    """
    if seen.movement_us <= 0:
        return None
    signs = seen.counts[:, 1] - seen.counts[:, 0]
    change = signs[1] - signs[2]
    number = seen.counts[1:].sum(axis=(0, 1))
    energy = change**2 - number
    # The square of a sum of n random signs has the variance 2 n (n - 1).
    if float(energy.sum()) <= LEAST_SIGMAS * float(np.sqrt(2 * (number * (number - 1)).sum())):
        return None
    strength = np.sqrt(np.maximum(_cells(energy), 0.0))
    busy = np.maximum(_cells(number - _rest(seen) * seen.movement_us), 0.0)
    parts = [np.sqrt(_share(strength)), _signed_root(_share(_cells(change))), np.sqrt(_share(busy))]
    return np.concatenate([*parts, _whole(seen, change, number, float(energy.sum()))])


def _share(cells: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(cells / max(float(np.abs(cells).sum()), 1.0))


def _signed_root(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.sign(values) * np.sqrt(np.abs(values)))


def _rest(seen: Phases) -> NDArray[np.float64]:
    """Events a microsecond of each fine square at rest; 0 where there is too little rest to tell."""
    if seen.rest_us < LEAST_REST_US:
        return np.zeros((ROWS, COLUMNS))
    return np.asarray(seen.counts[0].sum(axis=0) / seen.rest_us)


def _cells(squares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums over the cells of half a face, [DOWN * ACROSS]: both halves laid on one another."""
    cells = squares.reshape(DOWN, CELL, 2 * ACROSS, CELL).sum(axis=(1, 3))
    return np.asarray((cells[:, :ACROSS] + cells[:, ::-1][:, :ACROSS]).ravel())


def _whole(seen: Phases, change: NDArray[np.float64], number: NDArray[np.float64], energy: float) -> NDArray[np.float64]:
    """Of the face as a whole: how many events, how much change, how long, how quickly, lighter or darker."""
    lighter = float(change.sum()) / max(float(np.abs(change).sum()), 1.0)
    seconds = seen.movement_us / 1e6
    return np.array([np.log(number.sum()), np.log(energy), np.log(seconds), seen.rise_us / seen.movement_us, lighter])


WHOLE = 5
N_FEATURES = 3 * ACROSS * DOWN + WHOLE
