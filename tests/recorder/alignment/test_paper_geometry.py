"""How a camera stands beside the event camera: the mapping, its slopes, and what several takes say together."""

import numpy as np
import pytest

from recorder.alignment.paper_geometry import READOUT, SIZE, Geometry, mapped, mapping_slopes, pool, unknown_rig


def test_the_slopes_are_those_of_the_mapping():
    values = np.array([0.3, -0.1, 0.15, 0.02, 0.07, -0.03, 20.0])
    x, y = np.linspace(-1, 1, 5), np.linspace(0.7, -0.7, 5)
    slopes = mapping_slopes(values, x, y)
    for number in range(6):
        step = np.zeros(SIZE)
        step[number] = 1e-6
        moved = [
            (after - before) / 1e-6 for before, after in zip(mapped(values, x, y), mapped(values + step, x, y), strict=True)
        ]
        assert np.allclose(slopes[0][number], moved[0], atol=1e-5)
        assert np.allclose(slopes[1][number], moved[1], atol=1e-5)


def test_a_read_out_that_the_settings_tell_is_known_better():
    assert unknown_rig(16_000).values[READOUT] == 16
    assert unknown_rig(16_000).sigma[READOUT] < unknown_rig().sigma[READOUT] / 5
    assert unknown_rig(rolling=False).values[READOUT] == 0


def test_takes_that_agree_know_the_rig_better_together():
    rig = unknown_rig()
    takes = [Geometry(rig.values + 0.01 * n, rig.covariance / 100) for n in (-1, 0, 1)]
    together = pool(takes, rig)
    assert together.values == pytest.approx(rig.values, abs=0.02)
    assert (together.sigma[:3] < rig.sigma[:3] / 3).all()


def test_takes_that_contradict_each_other_are_believed_less():
    rig = unknown_rig()
    near = [Geometry(rig.values + 0.01 * n, rig.covariance / 400) for n in (-1, 1)]
    far = [Geometry(rig.values + 0.5 * n, rig.covariance / 400) for n in (-1, 1)]
    assert pool(far, rig).sigma[0] > 3 * pool(near, rig).sigma[0]


def test_no_takes_tell_nothing():
    rig = unknown_rig()
    assert pool([], rig) is rig
