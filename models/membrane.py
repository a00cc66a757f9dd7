"""What a single neuron does with an input, step by step, for teaching: potential, threshold, spikes. Knows no network.

`trace` gives the numbers, `picture` draws them with matplotlib, without a window.
"""

from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from models.architecture import NeuronConfig
from models.layers import make_neuron

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Trace:
    """Each [T]. potential: before its step's reset, so a spike is where it is at or above the threshold; after: behind it."""

    current: Doubles
    potential: Doubles
    after: Doubles
    threshold: Doubles
    spikes: NDArray[np.bool_]


def trace(neuron: NeuronConfig, current: Doubles) -> Trace:
    """Run one neuron, from rest, on the input current [T], one value a time step."""
    node = make_neuron(neuron)
    decay, gain, offset = (float(value) for value in node.coefficients(1)[:, 0])
    relax = 1.0 - 1.0 / node.threshold_tau_steps
    rows = []
    v, rise, rest = float(node.v_rest), 0.0, 0.0
    for value in current:
        potential = v if rest > 0 else decay * v + gain * float(value) + offset
        limit = node.v_threshold + rise * relax
        spike = bool(node(torch.full((1, 1, 1), float(value)))[0, 0, 0])
        v, rise, rest = (float(getattr(node, name, 0.0)) for name in ("v", "rise", "rest"))
        rows.append((potential, v, limit, spike))
    potentials, afters, limits, spikes = (np.array(column) for column in zip(*rows, strict=True))
    return Trace(np.asarray(current, np.float64), potentials, afters, limits, spikes.astype(bool))


def draw(axes: Axes, found: Trace, step_ms: float, title: str) -> None:
    """Potential, threshold and spikes over time in ms."""
    time_ms = np.arange(1, len(found.current) + 1) * step_ms
    pairs = np.stack([found.potential, found.after], axis=1).ravel()  # up to the threshold and down by the reset at one instant
    axes.plot(np.repeat(time_ms, 2), pairs, color="tab:blue", linewidth=1.2, label="potential")
    axes.plot(time_ms, found.threshold, color="tab:orange", linestyle="--", linewidth=1.2, label="threshold")
    top = float(max(found.threshold.max(), found.potential.max())) * 1.12
    axes.vlines(time_ms[found.spikes], top, top * 1.12, color="tab:red", linewidth=1.5, label="spikes")
    axes.set_title(f"{title}: {int(found.spikes.sum())} spikes", fontsize=9, loc="left")
    axes.set_xlim(0, time_ms[-1])


def picture(neurons: dict[str, NeuronConfig], current: Doubles, step_ms: float = 1.0) -> Figure:
    """Several neurons on the same input, one below the other, the input at the bottom. neurons: title to neuron."""
    figure = Figure(figsize=(7, 1.4 * (len(neurons) + 1)), layout="constrained")
    rows = figure.subplots(len(neurons) + 1, 1, sharex=True, squeeze=False)[:, 0]
    for axes, (title, neuron) in zip(rows[:-1], neurons.items(), strict=True):
        draw(axes, trace(neuron, current), step_ms, title)
    figure.legend(*rows[0].get_legend_handles_labels(), loc="outside upper right", fontsize=7, ncols=3)
    rows[-1].plot(np.arange(1, len(current) + 1) * step_ms, current, color="tab:gray")
    rows[-1].set_title("input current", fontsize=9, loc="left")
    rows[-1].set_xlabel("ms")
    return figure
