"""What a network does per inference: spikes of each layer, operations, and the usual estimate of their energy.

The estimate is that of the literature on spiking networks: a product with a real number costs a multiplication and an
addition, a spike only additions, one for each synapse that it reaches. Wall time on an ordinary processor is another matter.
Knows no data.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from spikingjelly.activation_based import base
from torch import Tensor, nn

from models.layers import ConvUnit
from models.network import Network
from models.neurons import SpikingNode

# M. Horowitz, "Computing's energy problem", ISSCC 2014, 45 nm, 32-bit floating point: multiplication 3.7 pJ, addition 0.9 pJ.
MULTIPLY_ADD_PJ, ADD_PJ = 4.6, 0.9


@dataclass(frozen=True)
class LayerCost:
    """One layer with synapses, summed over steps and averaged over clips.

    dense: multiplications with additions if every input counts; additions: those that spikes cause; None: no spikes come in.
    """

    name: str
    dense: float
    additions: float | None

    @property
    def energy_pj(self) -> float:
        """Picojoules."""
        return MULTIPLY_ADD_PJ * self.dense if self.additions is None else ADD_PJ * self.additions


@dataclass(frozen=True)
class Cost:
    """A network's work for one clip of `steps` steps. spikes: of each layer of neurons; rates: spikes per neuron and step."""

    steps: int
    layers: tuple[LayerCost, ...]
    spikes: dict[str, float]
    rates: dict[str, float]

    @property
    def multiply_adds(self) -> float:
        """Of the layers whose input is no spikes."""
        return sum(layer.dense for layer in self.layers if layer.additions is None)

    @property
    def additions(self) -> float:
        """Caused by spikes."""
        return sum(layer.additions or 0.0 for layer in self.layers)

    @property
    def energy_uj(self) -> float:
        """Microjoules per clip."""
        return sum(layer.energy_pj for layer in self.layers) * 1e-6


@contextmanager
def watched_spikes(network: Network) -> Iterator[dict[str, Tensor]]:
    """While it is open, every call of the network leaves the spikes [T, B, ...] of each layer of neurons here, by its name."""
    seen: dict[str, Tensor] = {}
    handles = []
    for name, module in _spiking(network):

        def note(_module: nn.Module, _inputs: object, output: Tensor, name: str = name) -> None:
            seen[name] = output.detach()

        handles.append(module.register_forward_hook(note))
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def cost_of(network: Network, x: Tensor) -> Cost:
    """Run x [T, B, C, H, W] from a fresh state and count. The network is reset before and after."""
    layers: list[LayerCost] = []
    handles = [module.register_forward_hook(_counter(name, x, layers)) for name, module in _synapses(network)]
    network.reset()
    try:
        with torch.no_grad(), watched_spikes(network) as seen:
            network(x)
    finally:
        for handle in handles:
            handle.remove()
        network.reset()
    spikes = {name: float(found.sum()) / x.shape[1] for name, found in seen.items()}
    rates = {name: float(found.mean()) for name, found in seen.items()}
    return Cost(x.shape[0], tuple(layers), spikes, rates)


def _spiking(network: Network) -> Iterator[tuple[str, nn.Module]]:
    inside: set[nn.Module] = set()
    for name, module in network.body.named_modules():
        if isinstance(module, ConvUnit):
            inside.add(module.node)  # a unit runs its neurons together with its normalisation, past their own call
            if isinstance(module.node, SpikingNode):
                yield name, module
        elif module not in inside and isinstance(module, base.MemoryModule) and hasattr(module, "v_threshold"):
            yield name, module


def _synapses(network: Network) -> Iterator[tuple[str, nn.Module]]:
    for name, module in network.body.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            yield name, module


def _counter(name: str, x: Tensor, layers: list[LayerCost]):  # type: ignore[no-untyped-def] # noqa: ANN202
    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        given = inputs[0]
        real = not layers or bool((given != given.round()).any()) or bool((given < 0).any())  # the first sees the encoding
        additions = None if real else _reached(module, given) / x.shape[1]
        layers.append(LayerCost(name, _dense(module, output) / x.shape[1], additions))

    return count


def _dense(module: nn.Module, output: Tensor) -> float:
    assert isinstance(module, nn.Conv2d | nn.Linear)
    return float(output.numel() * module.weight[0].numel())


def _reached(module: nn.Module, spikes: Tensor) -> float:
    """How many additions spikes cause: each goes to every output whose window it lies in. Sums of two spikes count twice."""
    if isinstance(module, nn.Linear):
        return float(spikes.sum(dtype=torch.float64)) * module.out_features
    assert isinstance(module, nn.Conv2d)
    ones = torch.ones(module.groups, module.in_channels // module.groups, *module.weight.shape[2:])
    settings: tuple[Any, ...] = (module.stride, module.padding, module.dilation, module.groups)
    within = nn.functional.conv2d(spikes, ones.to(spikes), None, *settings)
    return float(within.sum(dtype=torch.float64)) * module.out_channels / module.groups
