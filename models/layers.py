"""Layers that networks are put together from: they take [T, B, ...] and keep their state between calls.

T is folded into the batch wherever a layer has no memory, so a convolution sees one large batch, with the channels last in
memory. Know no whole network.
"""

import math
from typing import Any

import torch
from spikingjelly.activation_based import base, surrogate
from torch import Tensor, nn

from models.architecture import NetworkConfig, NeuronConfig
from models.neurons import AdaptiveLIFNode, IFNode, LIFNode, SpikingNode

_Memory: Any = base.MemoryModule


def make_neuron(config: NeuronConfig) -> SpikingNode:
    """A layer of neurons; it fits any shape."""
    common: dict[str, Any] = {
        "resistance": config.resistance,
        "v_threshold": config.threshold,
        "v_rest": config.rest,
        "v_reset": config.reset,
        "refractory_steps": config.refractory_steps,
        "surrogate_function": surrogate.ATan(config.surrogate_alpha),
        "detach_reset": config.detach_reset,
    }
    if config.kind == "if":
        return IFNode(**common)
    if config.kind == "lif":
        return LIFNode(config.tau_steps, **common)
    rising = {"threshold_step": config.threshold_step, "threshold_tau_steps": config.threshold_tau_steps}
    return AdaptiveLIFNode(config.tau_steps, **rising, **common)


def unfold(y: Tensor, x: Tensor) -> Tensor:
    """Steps and clips apart again: y [T B, ...] to [T, B, ...], as in x."""
    return y.reshape(x.shape[0], x.shape[1], *y.shape[1:])


class Rectifier(nn.Module):
    """What a CNN has in a neuron's place: no memory, no threshold."""

    def forward(self, x: Tensor) -> Tensor:
        """max(x, 0)."""
        return x.relu()


class ConvUnit(nn.Module):
    """Convolution, normalisation, neurons: [T, B, C, H, W] to [T, B, width, H', W']."""

    def __init__(self, channels: int, width: int, kernel: int, stride: int, neuron: NeuronConfig | None) -> None:
        """neuron: None: rectified instead."""
        super().__init__()
        self.conv = nn.Conv2d(channels, width, kernel, stride, kernel // 2, bias=False)
        self.norm: nn.BatchNorm2d | nn.Identity = nn.BatchNorm2d(width)
        self.node: SpikingNode | Rectifier = Rectifier() if neuron is None else make_neuron(neuron)

    def forward(self, x: Tensor) -> Tensor:
        """Spikes, or rectified values."""
        y = unfold(self.conv(x.flatten(0, 1)), x)
        if isinstance(self.node, SpikingNode) and isinstance(self.norm, nn.BatchNorm2d):
            return self.node.normed(y, self.norm)
        result: Tensor = self.node(unfold(self.norm(y.flatten(0, 1)), x))
        return result


class MaxPool(nn.Module):
    """Halves height and width: [T, B, C, H, W]."""

    def forward(self, x: Tensor) -> Tensor:
        """The greatest of 3 x 3, every second position."""
        return unfold(nn.functional.max_pool2d(x.flatten(0, 1), 3, 2, 1), x)


class Pool(nn.Module):
    """The last map as a vector: [T, B, C, H, W] to [T, B, features]."""

    def __init__(self, kind: str, channels: int, side: int, regions: int) -> None:
        """kind: mean, flat or regions, as in NetworkConfig. side: height and width of the map."""
        super().__init__()
        self.kind = kind
        self.features = channels * {"mean": 1, "flat": side * side, "regions": regions}[kind]
        if kind == "regions":
            self.places = nn.Parameter(torch.zeros(regions, side * side).normal_(std=0.5))
            self.content = nn.Conv2d(channels, regions, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """The vector of each step."""
        if self.kind == "mean":
            return x.mean(dim=(-2, -1))
        maps = x.flatten(0, 1)
        if self.kind == "flat":
            return unfold(maps.flatten(1), x)
        weights = (self.content(maps).flatten(2) + self.places).softmax(-1)  # [TB, R, HW]: where each region looks
        return unfold(torch.einsum("nrs,ncs->nrc", weights, maps.flatten(2)).flatten(1), x)


class HeldDropout(nn.Module):
    """Dropout whose choice holds for all steps of a sequence: [T, B, F]."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """The input with some features silent while training."""
        if not self.training or not self.share:
            return x
        return x * nn.functional.dropout(torch.ones_like(x[0]), self.share)


class Integrator(_Memory):  # type: ignore[misc]
    """A read-out neuron that never fires: u[t] = (1 - 1/tau) u[t-1] + y[t] / tau; with tau infinite a sum."""

    def __init__(self, tau_steps: float) -> None:
        super().__init__()
        self.tau_steps = tau_steps
        self.u: Any  # a number until the first step, then a tensor
        self.register_memory("u", 0.0)
        self.step_mode = "m"

    def single_step_forward(self, y: Tensor) -> Tensor:
        """The potential after one more step, [B, K]."""
        before: Any = self.u
        scaled = y / self.tau_steps if math.isfinite(self.tau_steps) else y
        u: Tensor = (torch.zeros_like(y) if isinstance(before, float) else before) * (1.0 - 1.0 / self.tau_steps) + scaled
        self.u = u
        return u

    def multi_step_forward(self, y: Tensor) -> Tensor:
        """The potential after every step, [T, B, K]."""
        return torch.stack([self.single_step_forward(step) for step in y])


def make_head(config: NetworkConfig, features: int, outputs: int) -> nn.Sequential:
    """From the vector of each step to logits [T, B, outputs]."""
    if config.head == "leaky":
        return nn.Sequential(HeldDropout(config.dropout), nn.Linear(features, outputs), Integrator(config.readout_tau_steps))
    neuron: nn.Module = Rectifier() if config.kind.startswith("cnn") else make_neuron(config.neuron)
    hidden = [nn.Linear(features, config.hidden), neuron, HeldDropout(config.dropout)]
    return nn.Sequential(*hidden, nn.Linear(config.hidden, outputs), Integrator(math.inf))
