"""The traces that teach show what the neurons do."""

import io

import numpy as np
import pytest
import torch

from models.architecture import NeuronConfig
from models.layers import make_neuron
from models.membrane import picture, trace

CURRENT = np.concatenate([np.zeros(10), np.full(60, 2.2), np.zeros(30)])
NEURONS = {
    "integrate and fire": NeuronConfig(kind="if", resistance=0.1),
    "leaky": NeuronConfig(tau_steps=(8.0,)),
    "leaky, resting": NeuronConfig(tau_steps=(8.0,), refractory_steps=4, reset=-0.4, rest=0.1),
    "adaptive": NeuronConfig(kind="adaptive", tau_steps=(8.0,), threshold_step=0.3, threshold_tau_steps=25.0),
}


@pytest.mark.parametrize("kind", NEURONS)
def test_a_spike_is_where_the_potential_reaches_the_threshold_and_nowhere_else(kind: str) -> None:
    found = trace(NEURONS[kind], CURRENT)
    spikes = make_neuron(NEURONS[kind])(torch.tensor(CURRENT, dtype=torch.float32).view(-1, 1, 1)).flatten().numpy() > 0
    np.testing.assert_array_equal(found.spikes, spikes)
    np.testing.assert_array_equal(found.potential >= found.threshold - 1e-6, spikes)
    assert 3 < spikes.sum() < 60
    np.testing.assert_allclose(found.after[spikes], NEURONS[kind].reset, atol=1e-6)
    np.testing.assert_allclose(found.after[~spikes], found.potential[~spikes], atol=1e-6)


def test_the_threshold_rises_with_spikes_and_comes_back() -> None:
    found = trace(NEURONS["adaptive"], CURRENT)
    first = int(found.spikes.nonzero()[0][0])
    assert found.threshold[first] == 1.0
    assert found.threshold.max() > 1.3
    assert found.threshold[-1] < found.threshold.max() - 0.1
    assert (trace(NEURONS["leaky"], CURRENT).threshold == 1.0).all()


def test_a_picture_has_one_row_for_each_neuron_and_one_for_the_input() -> None:
    figure = picture(NEURONS, CURRENT)
    assert [axes.get_title("left").split(":")[0] for axes in figure.axes] == [*NEURONS, "input current"]
    target = io.BytesIO()
    figure.savefig(target, format="png")
    assert target.getvalue().startswith(b"\x89PNG")
