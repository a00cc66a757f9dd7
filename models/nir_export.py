"""A network in the Neuromorphic Intermediate Representation (Pedersen et al. 2024), for chips and other simulators.

Convolutions with their normalisation folded in, neurons, sums of branches, linear layers. What NIR has no word for is refused
by its name; only the read-out's smoothing is left out, and said. Knows no events and no classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nir
import numpy as np
import torch
from torch import Tensor, nn

from models.errors import ModelError
from models.export import fused
from models.layers import ConvUnit, HeldDropout, Integrator, Pool
from models.network import Network
from models.neurons import SpikingNode
from models.sew_resnet import ResNet, SewBlock

# NIR's neurons are differential equations; simulators integrate them with steps of this length. snnTorch and SpikingJelly take
# 0.1 ms unless told otherwise, so one of our bins is called 0.1 ms there.
STEP_S = 1e-4

Numbers = Sequence[int]


@dataclass
class _Graph:
    nodes: dict[str, Any] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)

    def add(self, name: str, node: Any, sources: Sequence[str]) -> list[str]:
        self.nodes[name] = node
        self.edges += [(source, name) for source in sources]
        return [name]


def to_nir(network: Network, path: Path | None = None, step_s: float = STEP_S) -> nir.NIRGraph:
    """The graph from one step's input [C, H, W] to what goes into the read-out [K]; written to `path` if there is one.

    The read-out, u[t] = (1 - 1/tau) u[t-1] + y[t] / tau with tau in the metadata (readout_tau_steps), is left to the reader:
    simulators do not import it. R / tau is put into the weights, so that a neuron's input needs no scaling.
    Raises: ModelError for what NIR cannot say: adaptive thresholds, refractory time, soft reset, rest above 0, AND and IAND
    connections, learned regions, max pooling, networks that are no SEW-ResNet.
    """
    if not isinstance(network.body, ResNet) or network.config.kind != "sew":
        raise ModelError(f"NIR export knows spiking residual networks, this one is of kind {network.config.kind}; export ONNX.")
    if network.config.stem_pool:
        raise ModelError("NIR has no max pooling, which this network's stem uses; export ONNX instead.")
    body = fused(network).body
    assert isinstance(body, ResNet)
    shape = np.array([network.shape.channels, network.shape.size_px, network.shape.size_px])
    graph = _Graph()
    ends = graph.add("input", nir.Input({"input": shape}), [])
    sizes: Numbers = shape.tolist()
    for name, module in (*body.stem.named_children(), *body.blocks.named_children()):
        label = f"stem_{name}" if module in body.stem.children() else f"block_{name}"
        ends, sizes = _part(graph, label, module, ends, sizes, step_s)
    sizes = _pool(graph, body.pool, ends, sizes)
    ends = ["pool"]
    for name, layer in body.head.named_children():
        ends, sizes = _head(graph, f"head_{name}", layer, ends, sizes, step_s)
    graph.add("output", nir.Output({"output": np.array(sizes)}), ends)
    about = {"step_s": step_s, "readout_tau_steps": _readout_tau(body)}
    result = nir.NIRGraph(graph.nodes, graph.edges, metadata=about)
    if path is not None:
        nir.write(str(path), result)
    return result


def _part(
    graph: _Graph, label: str, module: nn.Module, sources: list[str], sizes: Numbers, step_s: float
) -> tuple[list[str], Numbers]:
    if isinstance(module, ConvUnit):
        return _unit(graph, label, module, sources, sizes, step_s)
    assert isinstance(module, SewBlock)
    if module.connect != "add":
        raise ModelError(f"NIR joins branches by adding only, and this network by {module.connect}; export ONNX instead.")
    inner, middle = _unit(graph, f"{label}_first", module.first, sources, sizes, step_s)
    outer, after = _unit(graph, f"{label}_second", module.second, inner, middle, step_s)
    if isinstance(module.around, ConvUnit):
        kept, _ = _unit(graph, f"{label}_around", module.around, sources, sizes, step_s)
        return outer + kept, after
    return outer + sources, after  # several edges into one node add up


def _unit(
    graph: _Graph, label: str, unit: ConvUnit, sources: list[str], sizes: Numbers, step_s: float
) -> tuple[list[str], Numbers]:
    conv, node = unit.conv, unit.node
    assert isinstance(node, SpikingNode)
    assert conv.bias is not None  # normalisation has been folded in
    gain = _gain(node, conv.out_channels)
    weight, bias = _array(conv.weight) * gain[:, None, None, None], _array(conv.bias) * gain
    settings = ([int(value) for value in part] for part in (conv.stride, conv.padding, conv.dilation))
    stride, padding, dilation = settings
    after = [conv.out_channels, *(-(-size // stride[0]) for size in sizes[1:])]
    folded = nir.Conv2d(tuple(sizes[1:]), weight, tuple(stride), tuple(padding), tuple(dilation), conv.groups, bias)
    graph.add(f"{label}_conv", folded, sources)
    return graph.add(f"{label}_neurons", _neuron(node, after, step_s), [f"{label}_conv"]), after


def _pool(graph: _Graph, pool: Pool, sources: list[str], sizes: Numbers) -> Numbers:
    if pool.kind == "regions":
        raise ModelError("NIR has no learned regions (weighted means with a softmax), which this network uses; export ONNX.")
    if pool.kind == "mean":
        side = np.array(sizes[1:])
        graph.add("mean", nir.AvgPool2d(side, side, np.array([0, 0])), sources)
        sources, sizes = ["mean"], [sizes[0], 1, 1]
    graph.add("pool", nir.Flatten({"input": np.array(sizes)}, start_dim=0, end_dim=-1), sources)
    return [int(np.prod(sizes))]


def _head(
    graph: _Graph, label: str, layer: nn.Module, sources: list[str], sizes: Numbers, step_s: float
) -> tuple[list[str], Numbers]:
    if isinstance(layer, HeldDropout | Integrator):
        return sources, sizes
    if isinstance(layer, SpikingNode):
        gain = _gain(layer, sizes[0])
        scaled = graph.nodes[sources[0]]
        graph.nodes[sources[0]] = nir.Affine(scaled.weight * gain[:, None], scaled.bias * gain)
        return graph.add(label, _neuron(layer, sizes, step_s), sources), sizes
    assert isinstance(layer, nn.Linear)
    return graph.add(label, nir.Affine(_array(layer.weight), _array(layer.bias)), sources), [layer.out_features]


def _gain(node: SpikingNode, channels: int) -> Any:
    return node.coefficients(channels)[1].numpy()


def _neuron(node: SpikingNode, sizes: Numbers, step_s: float) -> Any:
    for wrong, name in (
        (node.threshold_step, "thresholds that rise"),
        (node.refractory_steps, "refractory time"),
        (node.v_reset is None, "a reset that subtracts"),
        (node.v_rest, "a resting potential beside 0, which simulators do not import"),
    ):
        if wrong:
            raise ModelError(f"NIR has no neuron with {name}; export ONNX, or train with plain neurons.")
    ones = np.ones(sizes, np.float32)
    threshold, reset = ones * node.v_threshold, ones * node.v_reset
    if not node.leaks:
        return nir.IF(r=ones / step_s, v_threshold=threshold, v_reset=reset)
    taus = np.array([node.taus_steps[c % len(node.taus_steps)] for c in range(sizes[0])], np.float32)
    steps = ones * taus.reshape(-1, *(1 for _ in sizes[1:]))
    return nir.LIF(tau=steps * step_s, r=steps, v_leak=0 * ones, v_threshold=threshold, v_reset=reset)


def _readout_tau(body: ResNet) -> float:
    return next(float(module.tau_steps) for module in body.head.modules() if isinstance(module, Integrator))


def _array(value: Tensor | nn.Parameter) -> Any:
    with torch.no_grad():
        return value.detach().contiguous().numpy()
