"""A layer of spiking neurons over a whole sequence as one differentiable function, with batch normalisation folded in.

Between torch and the compiled arithmetic: views of tensors as flat arrays (channels last), threads, and the backward pass of
the normalisation. On the processor only, float32. Knows no neuron classes and no layers.
"""

import itertools
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from models import neuron_kernels as kernels
from models.neuron_kernels import Doubles, Floats

# Below this many values a second thread costs more than it saves: starting one takes 0.1 ms, a value about 1 ns.
WORTH_A_THREAD = 500_000


@dataclass(frozen=True)
class Law:
    """Constants of a neuron that all channels share; see models/neurons.py. reset: None subtracts the threshold."""

    threshold: float
    reset: float | None
    relax: float
    lift: float
    refractory: int
    alpha: float
    detached: bool

    def vector(self) -> Floats:
        """As the kernels want it. The ATan surrogate's slope is alpha / 2 / (1 + (pi / 2 alpha u)^2) (Fang et al. 2021)."""
        hard, soft, shift = (0.0, 1.0, 0.0) if self.reset is None else (1.0, 0.0, -self.reset)
        slope, half = math.pi / 2 * self.alpha, self.alpha / 2
        through = 0.0 if self.detached else 1.0
        row = [self.threshold, hard, soft, shift, self.relax, self.lift, self.refractory, slope, half, through]
        return np.array(row, np.float32)


@dataclass(frozen=True)
class Normal:
    """Normalisation as it was applied: per channel, float64. count: values averaged over; 0: fixed, as in evaluation."""

    mean: Doubles
    inverse_std: Doubles
    variance: Doubles
    count: int


def run_sequence(
    x: Tensor, state: Sequence[Tensor | None], coefficients: Tensor, law: Law, norm: nn.BatchNorm2d | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Spikes of x [T, B, C, ...] and the state afterwards (v, rise, rest, each [B, C, ...]; None before: zeros).

    coefficients [3, C]: decay, gain and offset. norm: applied to x first, its running statistics updated while it trains.
    """
    v, rise, rest = (torch.zeros_like(x[0]) if part is None else part for part in state)
    weight, bias = (None, None) if norm is None else (norm.weight, norm.bias)
    result: tuple[Tensor, Tensor, Tensor, Tensor] = _Sequence.apply(x, weight, bias, v, rise, rest, coefficients, law, norm)  # type: ignore[no-untyped-call]
    return result


class _Sequence(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        v: Tensor,
        rise: Tensor,
        rest: Tensor,
        coefficients: Tensor,
        law: Law,
        norm: nn.BatchNorm2d | None,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        last, flat = _channels_last(x, 2)
        start = torch.stack([_channels_last(part, 1)[1].reshape(-1) for part in (v, rise, rest)])
        own = coefficients.double().numpy()
        normal = None if norm is None else _normalisation(flat, norm)
        rows = own if normal is None else _with_norm(own, normal, weight, bias)
        block = kernels.repeated(rows, flat.shape[1])
        spikes, after, constants = torch.empty_like(flat), start.clone(), law.vector()
        raw, fired, (potential, risen, left) = _array(flat), _array(spikes), _array(after)

        def part(low: int, high: int) -> None:
            kernels.spikes(raw, block, constants, potential, risen, left, fired, low, high)

        _shared(flat, block.shape[1], part)
        ctx.save_for_backward(flat, start, weight)
        ctx.extra = own, normal, block, constants, last
        shape = last[1:]
        ends = [part.view(shape).movedim(-1, 1) for part in after]
        ctx.mark_non_differentiable(ends[2])
        return spikes.view(last).movedim(-1, 2), *ends

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, grad_v: Tensor, grad_rise: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        flat, start, weight = ctx.saved_tensors
        own, normal, block, constants, last = ctx.extra
        state = torch.stack([_channels_last(part, 1)[1].reshape(-1) for part in (grad_v, grad_rise)])
        grad_x = torch.empty_like(flat)
        arrays = (
            _array(flat),
            block,
            constants,
            _array(start),
            _array(_channels_last(grad, 2)[1]),
            _array(state),
            _array(grad_x),
        )
        sums = _summed(flat, block.shape[1], lambda total, low, high: kernels.gradients(*arrays, total, low, high))
        sums = _by_channel(sums, own.shape[1])
        rows, grad_weight, grad_bias = _through_norm(own, normal, weight, sums)
        factors = kernels.repeated(rows, flat.shape[1])
        _shared(flat, factors.shape[1], lambda low, high: kernels.mix(_array(grad_x), _array(flat), factors, low, high))
        before = [part.view(last[1:]).movedim(-1, 1) for part in state]
        return grad_x.view(last).movedim(-1, 2), grad_weight, grad_bias, *before, None, None, None, None


def _channels_last(x: Tensor, axis: int) -> tuple[torch.Size, Tensor]:
    """The shape with the channels at the end, and the values in that order as [first axis, all others]; a view if it can be."""
    moved = x.movedim(axis, -1).contiguous()
    return moved.shape, moved.view(moved.shape[0], -1)


def _array(x: Tensor) -> Any:
    return x.detach().numpy()


def _normalisation(flat: Tensor, norm: nn.BatchNorm2d) -> Normal:
    if not norm.training:
        mean, variance = (running.double().numpy() for running in _running(norm))
        return Normal(mean, 1.0 / np.sqrt(variance + norm.eps), variance, 0)
    channels, count = norm.num_features, flat.numel() // norm.num_features
    pivot = kernels.repeated(_array(flat)[:1, :channels], flat.shape[1])[0]
    sums = _summed(flat, pivot.size, lambda total, low, high: kernels.moments(_array(flat), pivot, total, low, high))
    shift, square = _by_channel(sums, channels) / count
    variance = np.maximum(square - shift * shift, 0.0)
    normal = Normal(pivot[:channels] + shift, 1.0 / np.sqrt(variance + norm.eps), variance, count)
    _remember(norm, normal)
    return normal


def _remember(norm: nn.BatchNorm2d, normal: Normal) -> None:
    """Running statistics, as torch.nn.BatchNorm2d keeps them: the variance without bias."""
    mean, variance = _running(norm)
    assert norm.num_batches_tracked is not None
    norm.num_batches_tracked.add_(1)
    momentum = 1.0 / float(norm.num_batches_tracked) if norm.momentum is None else norm.momentum
    unbiased = normal.variance * (normal.count / max(normal.count - 1, 1))
    mean.lerp_(torch.from_numpy(normal.mean).to(mean), momentum)
    variance.lerp_(torch.from_numpy(unbiased).to(variance), momentum)


def _running(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    assert norm.running_mean is not None  # our layers track them always
    assert norm.running_var is not None
    return norm.running_mean, norm.running_var


def _with_norm(own: Doubles, normal: Normal, weight: Tensor | None, bias: Tensor | None) -> Doubles:
    """Decay, gain and offset [3, C] of the neuron applied to the raw input: gain (x - mean) / std weight + bias."""
    assert weight is not None
    assert bias is not None
    scale = _array(weight).astype(np.float64) * normal.inverse_std
    rows: Doubles = np.stack([own[0], own[1] * scale, own[1] * (_array(bias) - normal.mean * scale) + own[2]])
    return rows


def _through_norm(
    own: Doubles, normal: Normal | None, weight: Tensor | None, sums: Doubles
) -> tuple[Doubles, Tensor | None, Tensor | None]:
    """Factors [3, C] that turn the current's gradient g and the raw input x into the gradient of x (a g + b x + c), and the
    gradients of the normalisation's weight and bias. sums [2, C]: of g, and of g x. Ioffe & Szegedy 2015, section 3.
    """
    if normal is None or weight is None:
        return np.stack([own[1], np.zeros_like(own[1]), np.zeros_like(own[1])]), None, None
    for_bias = own[1] * sums[0]
    for_weight = own[1] * (sums[1] - normal.mean * sums[0]) * normal.inverse_std
    scale = _array(weight).astype(np.float64) * normal.inverse_std
    share = 1.0 / normal.count if normal.count else 0.0
    slope = -scale * normal.inverse_std * for_weight * share
    rows = np.stack([own[1] * scale, slope, -scale * for_bias * share - slope * normal.mean])
    return rows, torch.from_numpy(for_weight).to(weight), torch.from_numpy(for_bias).to(weight)


def _by_channel(sums: Doubles, channels: int) -> Doubles:
    total: Doubles = sums.reshape(sums.shape[0], -1, channels).sum(axis=1)
    return total


def _summed(flat: Tensor, block: int, work: Callable[[Doubles, int, int], None]) -> Doubles:
    """Run work(sums, low, high) on all columns, each thread with sums [2, block] of its own, added in a fixed order."""
    parts: dict[tuple[int, int], Doubles] = {}

    def part(low: int, high: int) -> None:
        parts[low, high] = np.zeros((2, block))
        work(parts[low, high], low, high)

    _shared(flat, block, part)
    total: Doubles = np.sum([parts[span] for span in sorted(parts)], axis=0)
    return total


def _shared(flat: Tensor, block: int, work: Callable[[int, int], None]) -> None:
    """Run work(low, high) on all columns of flat [T, N], by as many threads as torch may use, cut at whole blocks."""
    columns = flat.shape[1]
    count = min(torch.get_num_threads(), max(1, flat.numel() // WORTH_A_THREAD))
    blocks = math.ceil(columns / block)
    bounds = [min(columns, blocks * k // count * block) for k in range(count + 1)]
    helpers = [threading.Thread(target=work, args=pair) for pair in itertools.pairwise(bounds[1:])]
    for helper in helpers:
        helper.start()
    work(bounds[0], bounds[1])
    for helper in helpers:
        helper.join()
