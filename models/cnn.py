"""Baselines: frames instead of spikes, and the smallest pair there is, one linear layer. Know no classes and no training."""

from torch import Tensor, nn

from models.architecture import NetworkConfig
from models.layers import Integrator, make_neuron
from models.sew_resnet import ResNet


class SummedResNet(nn.Module):
    """Spiking-FER's `cnn` mode: the bins of a clip are summed to one frame; its one answer stands at every step."""

    def __init__(self, config: NetworkConfig, channels: int, size_px: int, outputs: int) -> None:
        super().__init__()
        self.frame = ResNet(config.model_copy(update={"kind": "cnn", "readout_tau_steps": 1.0}), channels, size_px, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] to [T, B, outputs]."""
        answer = self.frame(x.sum(0, keepdim=True))
        result: Tensor = answer.expand(x.shape[0], -1, -1)
        return result


class FlatSoftmax(nn.Module):
    """All cells of one bin into one linear layer: no memory at all."""

    def __init__(self, channels: int, size_px: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels * size_px * size_px, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] to [T, B, outputs]."""
        result: Tensor = self.linear(x.flatten(2))
        return result


class FlatLif(nn.Module):
    """All cells of one bin into one linear layer of spiking neurons; the logits are their firing rates, smoothed."""

    def __init__(self, config: NetworkConfig, channels: int, size_px: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels * size_px * size_px, outputs)
        self.node = make_neuron(config.neuron)
        self.rate = Integrator(config.readout_tau_steps)
        self.scale = nn.Linear(outputs, outputs)  # rates lie between 0 and 1; logits do not

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] to [T, B, outputs]."""
        result: Tensor = self.rate(self.scale(self.node(self.linear(x.flatten(2)))))
        return result
