"""What all of the picture does together is taken out; what a patch does by itself stays."""

import numpy as np

from recorder.spotting.cells import Cells
from recorder.spotting.headmotion import separate

BINS, GRID = 1200, (12, 16)
CELLS = GRID[0] * GRID[1]


def _cells(changes: np.ndarray) -> Cells:
    shape = (len(changes), CELLS)
    return Cells(
        0, 5_000, 8, GRID, changes.astype(np.float32), np.ones(shape, np.float32), np.linspace(0.1, 1, CELLS, dtype=np.float32),
        np.ones(len(changes), bool),
    )  # fmt: skip


def _sway(rng: np.random.Generator) -> np.ndarray:
    t = np.arange(BINS) * 0.005
    speeds = np.stack([np.sin(2 * np.pi * hz * t + hz) for hz in (0.4, 0.7, 1.1)], axis=1)
    return speeds @ rng.normal(0, 3, (3, CELLS))


def test_sway_is_taken_out_and_a_local_change_stays() -> None:
    rng = np.random.default_rng(0)
    sway, noise = _sway(rng), rng.normal(0, 1, (BINS, CELLS))
    local = np.zeros((BINS, CELLS))
    local[600:640, 40:46] = 4.0
    left = separate(_cells(sway + noise + local)).local
    assert np.mean(left[:500] ** 2) < 1.3
    assert left[600:640, 40:46].mean() > 3.0


def test_the_energy_follows_the_heads_speed() -> None:
    rng = np.random.default_rng(1)
    changes = _sway(rng) + rng.normal(0, 1, (BINS, CELLS))
    changes[:600] = rng.normal(0, 1, (600, CELLS))
    head = separate(_cells(changes)).head
    energy = head.energy
    assert head.sustained() > energy.mean() > 0
    assert energy[700:1100].mean() > 5 * energy[100:500].mean()


def test_a_moment_has_no_head_motion() -> None:
    separated = separate(_cells(np.ones((4, CELLS))))
    assert separated.head.energy.tolist() == [0, 0, 0, 0]
    assert np.all(separated.local == 1)
