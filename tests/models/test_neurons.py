"""Neurons against closed forms, against SpikingJelly's, and against themselves computed in another way."""

import itertools
import math

import pytest
import torch
from spikingjelly.activation_based import functional, surrogate
from spikingjelly.activation_based import neuron as stock
from torch import Tensor, nn

from models import neuron_sequence
from models.neurons import AdaptiveLIFNode, IFNode, LIFNode, SpikingNode

KINDS = {
    "if": lambda **more: IFNode(**more),
    "if, soft reset": lambda **more: IFNode(v_reset=None, **more),
    "lif": lambda **more: LIFNode(3.0, **more),
    "lif, below rest, refractory": lambda **more: LIFNode(4.0, v_rest=0.1, v_reset=-0.3, refractory_steps=2, **more),
    "lif, several time constants": lambda **more: LIFNode((1.5, 3.0, 8.0), resistance=2.0, **more),
    "adaptive": lambda **more: AdaptiveLIFNode(3.0, threshold_step=0.3, threshold_tau_steps=5.0, **more),
    "adaptive, soft reset, refractory": lambda **more: AdaptiveLIFNode(2.0, v_reset=None, refractory_steps=1, **more),
}


def spike_steps(node: SpikingNode, current: float, steps: int = 400) -> list[int]:
    spikes = node(torch.full((steps, 1, 1), current))
    return [int(step) + 1 for step in spikes.flatten().nonzero().flatten()]


def intervals(node: SpikingNode, current: float, steps: int = 400) -> list[int]:
    at = spike_steps(node, current, steps)
    return [later - earlier for earlier, later in itertools.pairwise(at)]


@pytest.mark.parametrize("current", [0.3, 0.25, 0.07, 1.0, 2.5])
def test_without_a_leak_a_spike_comes_whenever_the_sum_of_the_input_reaches_the_threshold(current: float) -> None:
    assert set(intervals(IFNode(), current)) == {math.ceil(1.0 / current - 1e-6)}


@pytest.mark.parametrize(("current", "tau"), [(1.5, 8.0), (1.1, 8.0), (3.0, 20.0), (1.02, 5.0)])
def test_a_leaky_neuron_fires_at_the_step_that_the_solution_of_its_equation_gives(current: float, tau: float) -> None:
    # u[n] = R I (1 - (1 - 1/tau)^n) >= Vt
    expected = math.ceil(math.log(1.0 - 1.0 / current) / math.log(1.0 - 1.0 / tau) - 1e-6)
    assert set(intervals(LIFNode(tau), current)) == {expected}


def test_with_short_steps_the_firing_rate_is_that_of_the_continuous_equation() -> None:
    tau, current = 500.0, 1.6
    gap = intervals(LIFNode(tau), current, 4000)[0]
    assert gap == pytest.approx(tau * math.log(current / (current - 1.0)), rel=0.01)


@pytest.mark.parametrize("current", [0.99, 0.0, -3.0])
def test_below_the_threshold_a_leaky_neuron_is_silent_for_ever(current: float) -> None:
    assert spike_steps(LIFNode(4.0), current, 2000) == []


def test_a_reset_below_rest_lengthens_the_way_back_as_computed() -> None:
    tau, current, reset = 10.0, 1.8, -0.5
    expected = math.ceil(math.log((current - 1.0) / (current - reset)) / math.log(1.0 - 1.0 / tau))
    assert set(intervals(LIFNode(tau, v_reset=reset), current)) == {expected}


@pytest.mark.parametrize("steps", [1, 3, 7])
def test_refractory_steps_are_added_to_every_interval(steps: int) -> None:
    assert set(intervals(LIFNode(8.0, refractory_steps=steps), 1.5)) == {intervals(LIFNode(8.0), 1.5)[0] + steps}


def test_a_soft_reset_loses_nothing_of_the_input() -> None:
    assert len(spike_steps(IFNode(v_reset=None), 0.375, 800)) == 300


def test_intervals_lengthen_while_the_threshold_rises_and_settle() -> None:
    gaps = intervals(AdaptiveLIFNode(8.0, threshold_step=0.2, threshold_tau_steps=40.0), 3.0)
    assert gaps[0] < gaps[2] < gaps[-1]
    assert all(later >= earlier - 1 for earlier, later in itertools.pairwise(gaps))  # whole steps: it may waver by one
    assert max(gaps[-5:]) - min(gaps[-5:]) <= 1
    assert len(set(intervals(LIFNode(8.0), 3.0))) == 1


def test_the_threshold_goes_back_to_rest_with_its_own_time_constant() -> None:
    node = AdaptiveLIFNode(2.0, threshold_step=0.5, threshold_tau_steps=10.0)
    node(torch.tensor([[[9.0]]]))
    assert node.rise.item() == pytest.approx(0.5)
    node(torch.zeros(20, 1, 1))
    assert node.rise.item() == pytest.approx(0.5 * 0.9**20, rel=1e-5)


def test_in_an_endless_stream_an_adaptive_neuron_does_not_fall_silent() -> None:
    node = AdaptiveLIFNode(4.0, threshold_step=0.2, threshold_tau_steps=20.0)
    at = spike_steps(node, 2.5, 5000)
    assert at[-1] > 4950


@pytest.mark.parametrize("reset", [0.0, None])
def test_the_leaky_neuron_equals_spikingjellys(reset: float | None) -> None:
    torch.manual_seed(0)
    x = torch.randn(12, 3, 4, 5, 5) * 2
    theirs = stock.LIFNode(tau=3.0, decay_input=True, v_threshold=1.0, v_reset=reset, step_mode="m")
    assert torch.equal(LIFNode(3.0, v_reset=reset)(x), theirs(x))


def run(node: SpikingNode, x: Tensor) -> tuple[Tensor, Tensor]:
    """Spikes, and the gradient of a sum in which every spike and the last potential have their own weight."""
    x = x.clone().requires_grad_()
    spikes = node(x)
    weights = torch.linspace(-1.0, 1.0, spikes.numel()).to(x).view(spikes.shape)
    ((spikes * weights).sum() + (node.v * 0.3).sum()).backward()
    assert x.grad is not None
    return spikes.detach(), x.grad


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("detached", [True, False])
def test_all_steps_at_once_give_the_spikes_and_gradients_of_one_step_after_another(kind: str, detached: bool) -> None:
    torch.manual_seed(1)
    x = torch.randn(9, 2, 6, 5, 7) * 1.5 + 0.3
    fast, slow = KINDS[kind](detach_reset=detached), KINDS[kind](detach_reset=detached)
    slow.compiled = False
    for _ in range(2):  # the second time the states are carried on
        (spikes, grad), (expected, expected_grad) = run(fast, x), run(slow, x)
        assert torch.equal(spikes, expected)
        torch.testing.assert_close(grad, expected_grad, rtol=1e-4, atol=1e-5)
        fast.detach(), slow.detach()
    assert 0.02 < spikes.mean() < 0.9
    torch.testing.assert_close(fast.v, slow.v)


@pytest.mark.parametrize("kind", KINDS)
def test_single_steps_equal_all_steps(kind: str) -> None:
    torch.manual_seed(2)
    x = torch.randn(7, 2, 6, 4, 4) * 2
    single = KINDS[kind](step_mode="s")
    assert torch.equal(torch.stack([single(step) for step in x]), KINDS[kind]()(x))


def test_a_sequence_in_two_pieces_equals_one() -> None:
    x = torch.randn(10, 2, 8) * 2
    whole, pieces = AdaptiveLIFNode(), AdaptiveLIFNode()
    assert torch.equal(torch.cat([pieces(x[:4]), pieces(x[4:])]), whole(x))
    functional.reset_net(pieces)
    assert torch.equal(pieces(x), AdaptiveLIFNode()(x))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "refractory" not in kind])  # rest begins after a whole spike
def test_gradients_are_those_of_the_smooth_neuron_whose_slope_the_surrogate_is(kind: str) -> None:
    torch.manual_seed(3)
    node = KINDS[kind](surrogate_function=surrogate.ATan(2.0, spiking=False), detach_reset=False)

    def potential(x: Tensor) -> Tensor:
        node.reset()
        return node(x)

    assert torch.autograd.gradcheck(potential, torch.randn(5, 1, 6, dtype=torch.float64, requires_grad=True))


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("kind", ["lif", "adaptive", "lif, several time constants"])
@pytest.mark.parametrize("training", [True, False])
def test_normalisation_in_the_same_pass_equals_batchnorm_before_the_neuron(
    layout: torch.memory_format, kind: str, training: bool
) -> None:
    torch.manual_seed(4)
    maps = (torch.randn(5 * 3, 6, 5, 4) * 3 + 20).contiguous(memory_format=layout)
    x = maps.unflatten(0, (5, 3))
    results = []
    for fast in (True, False):
        node, norm = KINDS[kind](), nn.BatchNorm2d(6).train(training)
        node.compiled = fast
        with torch.no_grad():
            norm.weight.copy_(torch.linspace(0.5, 3.0, 6))
            norm.bias.copy_(torch.linspace(-0.5, 1.0, 6))
            norm.running_mean.fill_(20.0)
            norm.running_var.fill_(9.0)
        leaf = x.clone().requires_grad_()
        spikes = node.normed(leaf, norm)
        (spikes * torch.sin(torch.arange(spikes.numel()).view(spikes.shape))).sum().backward()
        results.append((spikes, leaf.grad, norm.weight.grad, norm.bias.grad, norm.running_mean, norm.running_var))
        assert norm.num_batches_tracked == int(training)
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=2e-4, atol=2e-4)


def test_several_threads_give_what_one_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randn(4, 2, 6, 31, 29).contiguous(memory_format=torch.channels_last_3d) * 2
    before = torch.get_num_threads()
    one = run(AdaptiveLIFNode(), x)
    monkeypatch.setattr(neuron_sequence, "WORTH_A_THREAD", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    several = run(AdaptiveLIFNode(), x)
    assert torch.equal(one[0], several[0])
    assert torch.equal(one[1], several[1])
    assert before > 0


def test_a_time_constant_below_one_step_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one step"):
        LIFNode(0.5)


@pytest.mark.parametrize("compiled", [True, False])
def test_potentials_keep_all_digits_where_the_layers_before_compute_with_half(compiled: bool) -> None:
    node = LIFNode(8.0)
    node.compiled = compiled
    x = torch.full((60, 1, 2), 0.75, dtype=torch.bfloat16)
    node(x)
    assert node.v.dtype == torch.float32
    assert node.v[0, 0].item() == pytest.approx(0.75 * (1 - (1 - 1 / 8) ** 60), rel=1e-5)


def test_nan_in_the_input_gives_no_spikes() -> None:
    assert LIFNode()(torch.full((3, 1, 2), math.nan)).sum() == 0
