"""One interface for every network: built from its configuration, run over a sequence or step by step, reset, looked into.

`build(PRESETS["small"], channels=6, size_px=64, outputs=7)` gives a Network; `network(x)` takes float32 [T, B, C, H, W] to
logits [T, B, K] at every step, and goes on where the last call ended until `reset()`. Knows no classes, encodings and files.
"""

from dataclasses import dataclass

import torch
from spikingjelly.activation_based import base, functional
from torch import Tensor, nn

from models.architecture import PRESETS, NetworkConfig, NeuronConfig, Stage
from models.cnn import FlatLif, FlatSoftmax, SummedResNet
from models.errors import ModelError
from models.layers import unfold
from models.sew_resnet import ResNet

__all__ = ["PRESETS", "Network", "NetworkConfig", "NeuronConfig", "Shape", "Stage", "build"]


@dataclass(frozen=True)
class Shape:
    """What goes in and comes out: channels, height = width in cells, outputs."""

    channels: int
    size_px: int
    outputs: int


class Network(nn.Module):
    """A network with its configuration and its shape; the layers are in `body`."""

    def __init__(self, body: nn.Module, config: NetworkConfig, shape: Shape) -> None:
        super().__init__()
        self.body = body
        self.config = config
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        """Logits [T, B, K] of x [T, B, C, H, W], the states of the last call carried on.

        Raises: ModelError when the input has another shape than the network.
        """
        self._check(x)
        folded = x.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        result: Tensor = self.body(unfold(folded, x))
        return result

    def step(self, x: Tensor) -> Tensor:
        """Logits [B, K] after one more bin [B, C, H, W]: costs one step, however long the stream has been."""
        result: Tensor = self(x[None])[0]
        return result

    def reset(self) -> None:
        """Forget everything that was seen: before every batch of clips, and after a gap in a stream."""
        functional.reset_net(self.body)

    def detach(self) -> None:
        """Keep the states, forget how they came about: between pieces of one long sequence while training."""
        functional.detach_net(self.body)

    @property
    def states(self) -> dict[str, Tensor]:
        """Everything remembered, by name; empty after a reset."""
        return {name: value for name, value in base.named_memories(self.body) if isinstance(value, Tensor)}

    @states.setter
    def states(self, values: dict[str, Tensor]) -> None:
        self.reset()
        modules = dict(self.body.named_modules())
        for name, value in values.items():
            owner, _, memory = name.rpartition(".")
            setattr(modules[owner], memory, value)

    def weights(self) -> int:
        """How many numbers are learned."""
        return sum(parameter.numel() for parameter in self.parameters())

    def _check(self, x: Tensor) -> None:
        wanted = (self.shape.channels, self.shape.size_px, self.shape.size_px)
        if x.dim() != 5 or tuple(x.shape[2:]) != wanted or not x.shape[0]:
            raise ModelError(
                f"The network takes [steps, clips, {', '.join(map(str, wanted))}] and was given {list(x.shape)}; "
                "encode the events as the checkpoint says."
            )


def build(config: NetworkConfig, channels: int, size_px: int, outputs: int) -> Network:
    """A new network with random weights (from torch's seed).

    Raises: ModelError for sizes that the layers cannot take, and for a class of one's own that does not do what it must.
    """
    shape = Shape(channels, size_px, outputs)
    if min(channels, size_px, outputs) < 1:
        raise ModelError(
            f"A network needs channels, size and outputs above 0, and was asked for {shape}; correct the configuration."
        )
    network = Network(_body(config, shape), config, shape)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _body(config: NetworkConfig, shape: Shape) -> nn.Module:
    sizes = (shape.channels, shape.size_px, shape.outputs)
    if config.kind == "flat_softmax":
        return FlatSoftmax(*sizes)
    if config.kind == "flat_lif":
        return FlatLif(config, *sizes)
    if config.kind == "cnn_sum":
        return SummedResNet(config, *sizes)
    return ResNet(config, *sizes)
