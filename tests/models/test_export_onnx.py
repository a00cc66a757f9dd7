"""One exported step in ONNX Runtime, its states carried on, gives what the network gives for the whole sequence."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from models.errors import ModelError
from models.export import CLOSE, OnnxStepper, best_threads, fused, greatest_difference, to_onnx
from models.network import Network, NetworkConfig, NeuronConfig, Stage, build

BASE = NetworkConfig(stem_width=4, stages=(Stage(width=6),), pooling="flat")
NEURONS = {
    "if": NeuronConfig(kind="if"),
    "lif": NeuronConfig(),
    "lif with several time constants, resting above zero": NeuronConfig(tau_steps=(1.5, 4.0), rest=0.3),
    "adaptive, refractory, below rest": NeuronConfig(kind="adaptive", refractory_steps=1, reset=-0.2),
    "soft reset": NeuronConfig(reset=None),
}


def trained(config: NetworkConfig) -> Network:
    """With statistics of a sequence, so that the neurons fire."""
    torch.manual_seed(8)
    network = build(config, 2, 16, 3)
    for _ in range(20):
        network.reset()
        network(torch.rand(4, 4, 2, 16, 16) * 2)
    network.reset()
    return network.eval()


@pytest.mark.parametrize("kind", NEURONS)
def test_onnx_runtime_step_by_step_equals_torch_over_the_sequence(kind: str, tmp_path: Path) -> None:
    network = trained(BASE.model_copy(update={"neuron": NEURONS[kind]}))
    to_onnx(network, tmp_path / "step.onnx")
    x = torch.rand(9, 1, 2, 16, 16) * 2
    with torch.no_grad():
        wanted = network(x)[:, 0].numpy()
    stepper = OnnxStepper(tmp_path / "step.onnx")
    np.testing.assert_allclose(stepper.run(x[:, 0].numpy()), wanted, atol=CLOSE)
    assert stepper.layers[:2] == ("stem.0", "blocks.0.first")
    assert (stepper.rates > 0).any()
    stepper.reset()
    np.testing.assert_allclose(stepper.run(x[:, 0].numpy()), wanted, atol=CLOSE)


@pytest.mark.parametrize(
    "config",
    [BASE.as_cnn(), BASE.model_copy(update={"connect": "iand", "pooling": "regions"}), NetworkConfig(kind="flat_lif")],
    ids=["cnn", "iand, regions", "one layer of neurons"],
)
def test_other_networks_are_exported_too(config: NetworkConfig, tmp_path: Path) -> None:
    network = trained(config)
    to_onnx(network, tmp_path / "step.onnx")
    assert greatest_difference(network, tmp_path / "step.onnx") <= CLOSE
    assert best_threads(tmp_path / "step.onnx") in (1, 2)


def test_no_normalisation_is_left_and_the_network_itself_is_as_it_was(tmp_path: Path) -> None:
    network = trained(BASE)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    x = torch.rand(5, 2, 2, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(fused(network)(x), network(x), atol=1e-5, rtol=1e-5)
    to_onnx(network, tmp_path / "step.onnx")
    assert "BatchNormalization" not in {node.op_type for node in onnx.load(tmp_path / "step.onnx").graph.node}
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_network_that_sums_all_steps_has_no_step_to_export(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no single step"):
        to_onnx(build(BASE.as_cnn(summed=True), 2, 16, 3), tmp_path / "step.onnx")


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "step.onnx").write_bytes(b"no network")
    with pytest.raises(ModelError, match="no network that Glimpse exported"):
        OnnxStepper(tmp_path / "step.onnx")
