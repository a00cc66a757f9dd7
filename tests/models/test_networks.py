"""Networks of every kind keep one contract; the connections are those of the paper; what they cost is counted exactly."""

from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from models.energy import ADD_PJ, MULTIPLY_ADD_PJ, cost_of, watched_spikes
from models.errors import ModelError
from models.network import PRESETS, Network, NetworkConfig, NeuronConfig, Stage, build
from models.sew_resnet import SewBlock
from models.usermodel import load_user_network

SIZE = 16
BASE = NetworkConfig(stem_width=4, stages=(Stage(width=6), Stage(width=8, blocks=2)), pooling="flat")
KINDS = {
    "sew": BASE,
    "sew, and": BASE.model_copy(update={"connect": "and"}),
    "sew, iand": BASE.model_copy(update={"connect": "iand"}),
    "sew, adaptive, regions": BASE.model_copy(update={"neuron": NeuronConfig(kind="adaptive"), "pooling": "regions"}),
    "sew, if, hidden head, pooled": BASE.model_copy(
        update={
            "neuron": NeuronConfig(kind="if"),
            "head": "hidden",
            "hidden": 12,
            "dropout": 0.5,
            "stem_pool": True,
            "pooling": "mean",
        }
    ),
    "cnn": BASE.as_cnn(),
    "cnn, all steps summed": BASE.as_cnn(summed=True),
    "one linear layer": PRESETS["flat_softmax"],
    "one linear layer of neurons": PRESETS["flat_lif"],
}


def make(kind: str) -> Network:
    torch.manual_seed(5)
    return build(KINDS[kind], channels=2, size_px=SIZE, outputs=3)


def noise(steps: int = 5, clips: int = 2) -> torch.Tensor:
    return torch.rand(steps, clips, 2, SIZE, SIZE, generator=torch.Generator().manual_seed(6)) * 3


@pytest.mark.parametrize("kind", KINDS)
def test_every_network_gives_logits_at_every_step_and_learns(kind: str) -> None:
    network = make(kind)
    logits = network(noise())
    assert logits.shape == (5, 2, 3)
    logits.square().sum().backward()
    still = [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.isfinite().all()]
    assert not still


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "summed" not in kind])
def test_steps_one_by_one_give_what_the_whole_sequence_gives(kind: str) -> None:
    network = make(kind).eval()
    with torch.no_grad():
        whole = network(noise())
        network.reset()
        single = torch.stack([network.step(x) for x in noise()])
        network.reset()
        pieces = torch.cat([network(noise()[:2]), network(noise()[2:])])
    torch.testing.assert_close(single, whole, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(pieces, whole, atol=1e-5, rtol=1e-5)


def test_a_reset_forgets_and_states_can_be_put_back() -> None:
    network = make("sew, adaptive, regions").eval()
    with torch.no_grad():
        first = network(noise())
        kept = {name: value.clone() for name, value in network.states.items()}
        after = network(noise())
        network.reset()
        assert network.states == {}
        assert torch.equal(network(noise()), first)
        network.states = kept
        assert torch.equal(network(noise()), after)


def test_training_is_the_same_to_the_bit_with_the_same_seed() -> None:
    torch.use_deterministic_algorithms(True)
    try:
        results = []
        for _ in range(2):
            network = make("sew, if, hidden head, pooled")
            optimizer = torch.optim.SGD(network.parameters(), 0.1)
            for _ in range(2):
                network.reset()
                network(noise()).square().mean().backward()
                optimizer.step()
            results.append(torch.cat([weight.detach().flatten() for weight in network.parameters()]))
        assert torch.equal(*results)
    finally:
        torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize(("connect", "expected"), [("add", [0, 1, 1, 2]), ("and", [0, 0, 0, 1]), ("iand", [0, 1, 0, 0])])
def test_connections_are_those_of_the_paper(connect: str, expected: list[int]) -> None:
    block = SewBlock(1, 1, 1, connect, NeuronConfig())  # type: ignore[arg-type]
    block.first, block.second = nn.Identity(), nn.Identity()  # type: ignore[assignment]
    spikes, kept = torch.tensor([0.0, 0, 1, 1]), torch.tensor([0.0, 1, 0, 1])
    block.second.forward = lambda _: spikes  # type: ignore[method-assign]
    assert block(kept).tolist() == expected


def test_the_networks_of_the_presets_have_the_size_they_are_named_for() -> None:
    weights = {name: build(PRESETS[name], 6, 64, 7).weights() for name in ("tiny", "small")}
    assert weights["tiny"] < 40_000
    assert 250_000 < weights["small"] < 400_000
    with torch.device("meta"):
        assert build(PRESETS["sew18"], 2, 128, 7).weights() == pytest.approx(11.2e6, rel=0.02)
        assert build(PRESETS["spiking_fer"], 2, 128, 6).weights() == pytest.approx(11.4e6, rel=0.02)


def test_the_cnn_has_the_weights_of_the_spiking_network() -> None:
    assert make("cnn").weights() == make("sew").weights()


def test_an_input_of_another_shape_is_refused_with_both_shapes() -> None:
    with pytest.raises(ModelError, match=r"2, 16, 16\] and was given \[5, 2, 2, 16, 8\]"):
        make("sew")(noise()[..., :8])


@pytest.mark.parametrize(
    "wrong",
    [{"widths": (1, 2)}, {"stages": ()}, {"kind": "user"}, {"neuron": {"tau_steps": (0.5,)}}, {"neuron": {"reset": 1.0}}],
)
def test_a_configuration_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        NetworkConfig.model_validate(BASE.model_dump() | wrong)


def test_operations_of_spikes_are_counted_one_by_one() -> None:
    network = make("sew")
    cost = cost_of(network, noise())
    first, second = cost.layers[0], cost.layers[1]
    assert first.additions is None
    assert first.dense == 5 * (2 * 9 * 4) * 8 * 8  # five steps, kernel 3 x 3 x 2 to 4 channels, every second position
    with watched_spikes(network) as seen, torch.no_grad():
        network.reset()
        network(noise())
    spikes = seen["stem.0"]
    assert set(spikes.unique().tolist()) == {0.0, 1.0}
    windows = nn.functional.unfold(spikes.flatten(0, 1), 3, padding=1, stride=2)
    assert second.additions == pytest.approx(windows.sum().item() * 6 / 2)
    assert cost.spikes["stem.0"] == spikes.sum() / 2
    assert cost.energy_uj == pytest.approx((MULTIPLY_ADD_PJ * cost.multiply_adds + ADD_PJ * cost.additions) * 1e-6)
    assert cost.additions < sum(layer.dense for layer in cost.layers)


def test_a_network_without_spikes_costs_every_multiplication() -> None:
    cost = cost_of(make("cnn"), noise())
    assert cost.spikes == {}
    assert cost.multiply_adds == pytest.approx(sum(layer.dense for layer in cost.layers))


OWN = """
import torch
from torch import nn
from spikingjelly.activation_based import neuron

class Good(nn.Module):
    def __init__(self, channels, size_px, outputs):
        super().__init__()
        self.linear = nn.Linear(channels * size_px * size_px, outputs)
        self.node = neuron.LIFNode(step_mode="m")
    def forward(self, x):
        return self.node(self.linear(x.flatten(2)))

class OneAnswer(Good):
    def forward(self, x):
        return super().forward(x).mean(0)

class LooksAhead(Good):
    def forward(self, x):
        return super().forward(x).flip(0) + self.linear(x.flatten(2)).flip(0)

class Remembers(Good):
    seen = 0
    def forward(self, x):
        self.seen += 1
        return self.linear(x.flatten(2)) * self.seen

class Wants(nn.Module):
    def __init__(self, depth):
        super().__init__()

class Fails(Good):
    def forward(self, x):
        raise RuntimeError("no such axis")

class Frozen(Good):
    def forward(self, x):
        return super().forward(x).detach()

number = 3
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    file = tmp_path / "nets.py"
    file.write_text(OWN)
    return file


def test_a_network_of_ones_own_is_loaded_and_runs(own: Path) -> None:
    network = load_user_network(f"{own}:Good", 2, SIZE, 3)
    assert network(noise()).shape == (5, 2, 3)
    assert network.config.source == "nets.py:Good"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("OneAnswer", "where logits"),
        ("LooksAhead", "one by one"),
        ("Remembers", "after a reset"),
        ("Wants", "could not be made"),
        ("Fails", "no such axis"),
        ("Frozen", "cannot be trained"),
        ("number", "no class number"),
        ("Missing", "no class Missing"),
        ("", "FILE:CLASS"),
    ],
)
def test_a_network_of_ones_own_that_breaks_the_contract_is_refused_with_the_reason(own: Path, name: str, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        load_user_network(f"{own}:{name}", 2, SIZE, 3)


def test_a_file_that_is_not_there_or_does_not_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no file"):
        load_user_network(f"{tmp_path}/none.py:Net", 2, SIZE, 3)
    (tmp_path / "bad.py").write_text("import nothing_of_this_name")
    with pytest.raises(ModelError, match="ModuleNotFoundError"):
        load_user_network(f"{tmp_path}/bad.py:Net", 2, SIZE, 3)
