"""NIR graphs say what the network does: run by another simulator they give the same; what NIR cannot say is refused."""

from pathlib import Path

import nir
import pytest
import torch
from torch import Tensor

from models.errors import ModelError
from models.network import Network, NetworkConfig, NeuronConfig, Stage, build
from models.nir_export import to_nir

BASE = NetworkConfig(stem_width=4, stages=(Stage(width=6), Stage(width=6, stride=1)), pooling="flat")


def trained(config: NetworkConfig) -> Network:
    torch.manual_seed(9)
    network = build(config, 2, 16, 3)
    for _ in range(20):
        network.reset()
        network(torch.rand(4, 4, 2, 16, 16) * 2)
    network.reset()
    return network.eval()


def smoothed(y: Tensor, tau: float) -> Tensor:
    u, after = torch.zeros_like(y[0]), []
    for step in y:
        u = u * (1 - 1 / tau) + step / tau
        after.append(u)
    return torch.stack(after)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "config",
    [BASE, BASE.model_copy(update={"pooling": "mean", "neuron": NeuronConfig(tau_steps=(1.5, 4.0), resistance=2.0)})],
    ids=["flat", "mean, several time constants"],
)
def test_snntorch_runs_the_graph_and_gives_the_same(config: NetworkConfig, tmp_path: Path) -> None:
    snntorch = pytest.importorskip(
        "snntorch.import_nir", reason="snntorch and nirtorch are no dependency; install them to run this"
    )
    network = trained(config)
    to_nir(network, tmp_path / "net.nir")
    graph = nir.read(str(tmp_path / "net.nir"))
    theirs = snntorch.import_from_nir(graph)
    x = torch.rand(8, 1, 2, 16, 16) * 2
    with torch.no_grad():
        wanted = network(x)
        outputs = torch.stack([theirs(step[0])[0] for step in x])
    found = smoothed(outputs, float(graph.metadata["readout_tau_steps"]))
    torch.testing.assert_close(found, wanted[:, 0], atol=1e-4, rtol=1e-4)


def test_branches_meet_in_the_node_after_them(tmp_path: Path) -> None:
    graph = to_nir(trained(BASE))
    into = {source for source, target in graph.edges if target == "block_1_first_conv"}
    assert into == {"block_0_second_neurons", "block_0_around_neurons"}
    into = {source for source, target in graph.edges if target == "pool"}
    assert into == {"block_1_second_neurons", "block_0_second_neurons", "block_0_around_neurons"}
    graph.check_types()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"connect": "iand"}, "iand"),
        ({"neuron": NeuronConfig(kind="adaptive")}, "thresholds that rise"),
        ({"neuron": NeuronConfig(refractory_steps=2)}, "refractory"),
        ({"neuron": NeuronConfig(reset=None)}, "subtracts"),
        ({"neuron": NeuronConfig(rest=0.1)}, "resting potential"),
        ({"pooling": "regions"}, "regions"),
        ({"stem_pool": True}, "max pooling"),
        ({"kind": "cnn"}, "kind cnn"),
    ],
)
def test_what_nir_has_no_word_for_is_refused_by_name(change: dict[str, object], reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        to_nir(build(BASE.model_copy(update=change), 2, 16, 3))
