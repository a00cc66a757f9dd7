"""What a network looks like, as data: its neurons, its layers, its read-out, and the named ones. Imports no torch.

Knows no classes of movements and no encodings: channels in and outputs are said when it is built.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from protocol.schema import Strict

Connect = Literal["add", "and", "iand"]  # Fang et al. 2021, Deep Residual Learning in Spiking Neural Networks, table 1


class NeuronConfig(Strict):
    """Which neuron, in units of time steps and of the resting threshold's scale; see models/neurons.py.

    tau_steps: several are dealt out to the channels in turn. resistance: None: 1 with a leak (the input is divided by tau), the
    plain input without. reset: None subtracts the threshold.
    """

    kind: Literal["if", "lif", "adaptive"] = "lif"
    tau_steps: tuple[float, ...] = Field((2.0,), min_length=1)
    resistance: float | None = None
    threshold: float = Field(1.0, gt=0)
    rest: float = 0.0
    reset: float | None = 0.0
    threshold_step: float = Field(0.2, ge=0)
    threshold_tau_steps: float = Field(10.0, ge=1)
    refractory_steps: int = Field(0, ge=0)
    surrogate_alpha: float = Field(2.0, gt=0)
    detach_reset: bool = True

    @model_validator(mode="after")
    def _plausible(self) -> Self:
        if min(self.tau_steps) < 1:
            raise ValueError("a time constant is at least one step")
        if self.reset is not None and self.reset >= self.threshold:
            raise ValueError("a neuron that is reset to its threshold or above never stops firing")
        return self


class Stage(Strict):
    """`blocks` residual blocks of `width` channels; the first takes every `stride`-th position."""

    width: int = Field(gt=0, le=4096)
    blocks: int = Field(1, ge=1, le=16)
    stride: int = Field(2, ge=1, le=4)


class NetworkConfig(Strict):
    """A whole network.

    kind: sew (spiking residual), cnn (the same layers with ReLU, each step by itself), cnn_sum (all steps summed, one answer),
    flat_softmax, flat_lif (one linear layer), user (a class of one's own, `source` FILE:CLASS).
    pooling: how the last map becomes a vector: its mean, all of it (flat), or `regions` weighted means that are learned.
    head: leaky (linear layer into integrators that leak with readout_tau_steps), hidden (a hidden layer of spiking neurons with
    dropout before integrators that do not leak).
    """

    kind: Literal["sew", "cnn", "cnn_sum", "flat_softmax", "flat_lif", "user"] = "sew"
    stem_width: int = Field(16, gt=0, le=4096)
    stem_kernel: int = Field(3, ge=1, le=11)
    stem_stride: int = Field(2, ge=1, le=8)
    stem_pool: bool = False
    stages: tuple[Stage, ...] = ()
    connect: Connect = "add"
    neuron: NeuronConfig = NeuronConfig()
    pooling: Literal["mean", "flat", "regions"] = "mean"
    regions: int = Field(4, ge=1, le=64)
    head: Literal["leaky", "hidden"] = "leaky"
    hidden: int = Field(512, gt=0, le=8192)
    dropout: float = Field(0.0, ge=0, lt=1)
    readout_tau_steps: float = Field(4.0, ge=1)
    source: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind in ("sew", "cnn", "cnn_sum") and not self.stages:
            raise ValueError("a network of blocks has at least one stage")
        if (self.kind == "user") != (self.source is not None):
            raise ValueError("source, FILE:CLASS, belongs to kind user, and only there")
        return self

    def as_cnn(self, summed: bool = False) -> "NetworkConfig":
        """The network of the same shape without spikes; summed: over all steps before the first layer."""
        return self.model_copy(update={"kind": "cnn_sum" if summed else "cnn"})


_RESNET18 = tuple(
    Stage(width=width, blocks=2, stride=stride) for width, stride in ((64, 1), (128, 2), (256, 2), (512, 2))
)  # He et al. 2016
_IF = NeuronConfig(kind="if")

PRESETS: dict[str, NetworkConfig] = {
    "tiny": NetworkConfig(stem_width=8, stages=(Stage(width=16), Stage(width=32)), pooling="flat"),
    "small": NetworkConfig(stem_width=16, stages=(Stage(width=32), Stage(width=64), Stage(width=128)), pooling="flat"),
    "sew18": NetworkConfig(stem_width=64, stem_kernel=7, stem_pool=True, stages=_RESNET18),
    # Spiking-FER (Barchid et al. 2023): SEW-ResNet-18, ADD, IF neurons, head 512-512-dropout, membrane read-out.
    "spiking_fer": NetworkConfig(
        stem_width=64, stem_kernel=7, stem_pool=True, stages=_RESNET18, neuron=_IF, head="hidden", hidden=512, dropout=0.5
    ),
    "flat_softmax": NetworkConfig(kind="flat_softmax"),
    "flat_lif": NetworkConfig(kind="flat_lif"),
}
