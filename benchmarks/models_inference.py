"""Inference and training of the small network against the same network in stock SpikingJelly, with the same weights.

    python -m benchmarks.models_inference [--preset small] [--steps 24] [--training] [--compile]

One window of T bins; one new bin of a stream, for which stock multi-step SpikingJelly runs the window again; with --training
clips per second forward and backward. The outputs are compared first. Times are the least of several runs, wall and processor;
they mean something on a quiet machine only, so its load is printed.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from spikingjelly.activation_based import functional, layer, surrogate
from spikingjelly.activation_based import neuron as stock
from torch import Tensor, nn

from models.energy import cost_of
from models.export import OnnxStepper, fused, to_onnx
from models.layers import ConvUnit
from models.network import PRESETS, Network, build
from models.sew_resnet import ResNet, SewBlock

CHANNELS, SIZE_PX, OUTPUTS = 6, 64, 7
REPEATS = 15
CLIPS = 16  # of a training batch
WIDTH = 2.0  # of the normalised currents, in thresholds: a tenth of the neurons fires at a step
WINDOW_GOAL, BIN_GOAL = 1.5, 8.0  # times as fast


class StockUnit(nn.Module):
    """Convolution, normalisation and neurons as SpikingJelly offers them, in multi-step mode."""

    def __init__(self, ours: ConvUnit) -> None:
        super().__init__()
        conv, norm, node = ours.conv, ours.norm, ours.node
        settings: Any = (conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding)
        self.conv = layer.Conv2d(*settings, bias=False, step_mode="m")
        self.norm = layer.BatchNorm2d(conv.out_channels, step_mode="m")
        self.conv.load_state_dict({name: value.contiguous() for name, value in conv.state_dict().items()})
        self.norm.load_state_dict(norm.state_dict())
        common: Any = {"surrogate_function": surrogate.ATan(), "detach_reset": True, "step_mode": "m"}
        leaky: Any = node
        self.node = stock.LIFNode(tau=leaky.taus_steps[0], **common) if leaky.leaks else stock.IFNode(**common)

    def forward(self, x: Tensor) -> Tensor:
        """Spikes [T, B, C, H, W]."""
        result: Tensor = self.node(self.norm(self.conv(x)))
        return result


class StockBlock(nn.Module):
    """SEW, ADD."""

    def __init__(self, ours: SewBlock) -> None:
        super().__init__()
        self.first, self.second = StockUnit(ours.first), StockUnit(ours.second)
        self.around = StockUnit(ours.around) if isinstance(ours.around, ConvUnit) else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Sums of spikes."""
        result: Tensor = self.second(self.first(x)) + self.around(x)
        return result


class StockNetwork(nn.Module):
    """Our network layer by layer, with a pooling and a read-out of ours, which have no neurons that fire."""

    def __init__(self, ours: Network) -> None:
        super().__init__()
        body = ours.body
        assert isinstance(body, ResNet)
        self.stem = nn.Sequential(*(StockUnit(unit) for unit in body.stem if isinstance(unit, ConvUnit)))
        self.blocks = nn.Sequential(*(StockBlock(block) for block in body.blocks if isinstance(block, SewBlock)))
        self.pool = body.pool
        self.head = body.head

    def forward(self, x: Tensor) -> Tensor:
        """Logits [T, B, K]."""
        result: Tensor = self.head(self.pool(self.blocks(self.stem(x))))
        return result


def made(preset: str, steps: int) -> Network:
    """With statistics of some sequences and wider normalisation, so that its neurons fire as after training."""
    torch.manual_seed(0)
    network = build(PRESETS[preset], CHANNELS, SIZE_PX, OUTPUTS)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # plain averages
            nn.init.constant_(module.weight, WIDTH)
    with torch.no_grad():
        for _ in range(3):
            network.reset()
            network(window(steps, 4))
    network.reset()
    return network.eval()


def window(steps: int, clips: int) -> Tensor:
    """Sparse positive numbers, as encoded events are: [T, B, C, H, W]."""
    shape = (steps, clips, CHANNELS, SIZE_PX, SIZE_PX)
    return torch.rand(shape) * (torch.rand(shape) < 0.15)


def least(work: Callable[[], object], repeats: int = REPEATS) -> tuple[float, float]:
    """Wall and processor seconds, the least of each, after two runs to warm up."""
    work(), work()
    walls, cores = [], []
    for _ in range(repeats):
        wall, core = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cores.append(time.process_time() - core)
    return min(walls), min(cores)


def tell(name: str, taken: tuple[float, float], against: tuple[float, float] | None = None) -> None:
    """One line: ms of wall and processor, and how many times as fast."""
    ratio = f"{against[0] / taken[0]:8.2f} x wall {against[1] / taken[1]:6.2f} x processor" if against else ""
    print(f"{name:52s}{taken[0] * 1e3:9.2f} ms {taken[1] * 1e3:9.2f} ms {ratio}", flush=True)


def run_inference(network: Network, steps: int, compiles: bool) -> None:
    """Both goals, at one and two threads."""
    x = window(steps, 1)
    theirs, ours = StockNetwork(network).eval(), fused(network)

    def stock_window() -> Tensor:
        functional.reset_net(theirs)
        with torch.no_grad():
            result: Tensor = theirs(x)
        return result

    def our_window() -> Tensor:
        ours.reset()
        with torch.no_grad():
            result: Tensor = ours(x)
        return result

    rates = cost_of(network, x).rates
    print(f"share of neurons that fire at a step: {min(rates.values()):.3f} to {max(rates.values()):.3f}")
    print(f"greatest difference of the logits: {(stock_window() - our_window()).abs().max():.1e}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "step.onnx"
        to_onnx(network, path)
        bins = x[:, 0].numpy()
        for threads in (1, 2):
            torch.set_num_threads(threads)
            stepper = OnnxStepper(path, threads)
            print(f"--- {threads} thread{'s' * (threads > 1)}")
            difference = abs(stepper.run(bins) - stock_window()[:, 0].numpy()).max()
            print(f"greatest difference of ONNX Runtime: {difference:.1e}")
            base = least(stock_window)
            tell(f"window of {steps}: stock SpikingJelly", base)
            tell(f"window, ours (goal {WINDOW_GOAL})", least(our_window), base)
            tell("window, ours, ONNX Runtime step by step", least(lambda: stepper.run(bins)), base)  # noqa: B023
            if compiles:
                run_compiled(ours, x, base)
            tell(f"new bin, ours, ONNX Runtime (goal {BIN_GOAL})", least(lambda: stepper.step(bins[0]), 200), base)  # noqa: B023
            with torch.no_grad():
                tell("new bin, ours, torch", least(lambda: ours.step(x[0]), 50), base)


def run_compiled(ours: Network, x: Tensor, base: tuple[float, float]) -> None:
    """The same by torch.compile, which needs a C++ compiler on the user's machine and takes long to begin."""
    begin = time.perf_counter()

    def whole(x: Tensor) -> Tensor:
        ours.reset()
        result: Tensor = ours(x)
        return result

    quick = torch.compile(whole)
    with torch.no_grad():
        quick(x)
        print(f"torch.compile: {time.perf_counter() - begin:.0f} s to compile")
        tell("window, ours, torch.compile", least(lambda: quick(x)), base)


def run_training(network: Network, steps: int) -> None:
    """Clips per second, forward and backward."""
    x, y = window(steps, CLIPS), torch.rand(CLIPS, OUTPUTS).round()
    theirs = StockNetwork(network)

    def pass_through(model: nn.Module, autocast: bool = False) -> Callable[[], None]:
        def step() -> None:
            functional.reset_net(model)
            model.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
                logits = model(x)
            torch.autograd.backward(nn.functional.binary_cross_entropy_with_logits(logits.float().mean(0), y))

        model.train()
        return step

    for threads in (1, 2):
        torch.set_num_threads(threads)
        print(f"--- training, batch {CLIPS}, {steps} bins, {threads} thread{'s' * (threads > 1)}")
        base = least(pass_through(theirs), 3)
        rows = (("ours", pass_through(network)), ("ours, bfloat16", pass_through(network, autocast=True)))
        print(f"{'stock SpikingJelly':30s}{CLIPS / base[0]:8.1f} clips/s {CLIPS / base[1]:8.1f} clips per processor second")
        for name, step in rows:
            taken = least(step, 3)
            speed = f"{CLIPS / taken[0]:8.1f} clips/s {CLIPS / taken[1]:8.1f} clips per processor second"
            print(f"{name:30s}{speed} {base[0] / taken[0]:6.2f} x wall {base[1] / taken[1]:6.2f} x processor", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="small")
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--training", action="store_true")
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    network = made(options.preset, options.steps)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{options.preset}: {network.weights()} weights; {os.cpu_count()} cores, load {load}; torch {torch.__version__}")
    run_inference(network, options.steps, options.compile)
    if options.training:
        run_training(network, options.steps)


if __name__ == "__main__":
    main()
