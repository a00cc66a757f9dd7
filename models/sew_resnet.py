"""The spiking residual network, SEW-ResNet (Fang et al. 2021, arXiv 2102.04159), and its twin without spikes.

Knows no classes, no training and no files.
"""

from collections.abc import Callable

from torch import Tensor, nn

from models.architecture import Connect, NetworkConfig, NeuronConfig
from models.layers import ConvUnit, MaxPool, Pool, make_head

# Table 1 of the paper: what becomes of the units' spikes and of what went around them.
CONNECTIONS: dict[Connect, Callable[[Tensor, Tensor], Tensor]] = {
    "add": lambda spikes, kept: spikes + kept,
    "and": lambda spikes, kept: spikes * kept,
    "iand": lambda spikes, kept: (1.0 - spikes) * kept,
}


class SewBlock(nn.Module):
    """g(A(x), x): two convolution units beside a way around them, connected element by element (table 1 of the paper).

    add: A + x; and: A x; iand: (1 - A) x. Without spikes it is add, as in ResNet.
    """

    def __init__(self, channels: int, width: int, stride: int, connect: Connect, neuron: NeuronConfig | None) -> None:
        """neuron: None: rectified units."""
        super().__init__()
        self.first = ConvUnit(channels, width, 3, stride, neuron)
        self.second = ConvUnit(width, width, 3, 1, neuron)
        around = stride != 1 or channels != width
        self.around = ConvUnit(channels, width, 1, stride, neuron) if around else nn.Identity()
        self.connect = "add" if neuron is None else connect

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, channels, H, W] to [T, B, width, H / stride, W / stride]."""
        spikes, kept = self.second(self.first(x)), self.around(x)
        result: Tensor = CONNECTIONS[self.connect](spikes, kept)
        return result


class ResNet(nn.Module):
    """Stem, stages of blocks, pooling, read-out: [T, B, C, H, W] to logits [T, B, outputs]. Spiking, or `kind` cnn."""

    def __init__(self, config: NetworkConfig, channels: int, size_px: int, outputs: int) -> None:
        super().__init__()
        neuron = config.neuron if config.kind == "sew" else None
        stem: list[nn.Module] = [ConvUnit(channels, config.stem_width, config.stem_kernel, config.stem_stride, neuron)]
        if config.stem_pool:
            stem.append(MaxPool())
        self.stem = nn.Sequential(*stem)
        self.blocks = nn.Sequential(*_blocks(config, neuron))
        self.pool = Pool(config.pooling, config.stages[-1].width, _last_side(config, size_px), config.regions)
        self.head = make_head(config, self.pool.features, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Logits at every step."""
        result: Tensor = self.head(self.pool(self.blocks(self.stem(x))))
        return result


def _blocks(config: NetworkConfig, neuron: NeuronConfig | None) -> list[SewBlock]:
    blocks, channels = [], config.stem_width
    for stage in config.stages:
        for number in range(stage.blocks):
            blocks.append(SewBlock(channels, stage.width, stage.stride if number == 0 else 1, config.connect, neuron))
            channels = stage.width
    return blocks


def _last_side(config: NetworkConfig, size_px: int) -> int:
    """Height and width of the last map: every stride divides, rounded up (padding is half the kernel, kernels are odd)."""
    strides = [config.stem_stride, 2 if config.stem_pool else 1, *(stage.stride for stage in config.stages)]
    side = size_px
    for stride in strides:
        side = -(-side // stride)
    return side
